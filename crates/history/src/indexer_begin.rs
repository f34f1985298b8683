//! Beginning history where a snapshot stands, in a log that does not begin with its first frame any more.
//!
//! The state says which participants and accounts there are, what was on them, and which payments waited. Nothing else of
//! what was before is known, and the watermark says so for ever ([`Watermark::begins`]).
//!
//! Invariants:
//! - The store has no watermark before all of the state is in it and its digest was right, so one that was begun and not
//!   finished counts for nothing.
//! - Bytes of the state may be anything until then: reading them never panics.

use std::collections::BTreeMap;

use journal::{
    OpenError, Reader, SnapshotFault, SnapshotHeader, SnapshotReader, Storage, StorageError, StorageFile,
    Tail,
};
use ledger::sections::{Impossible, Section, SectionReader};
use ledger::{AccountKind, HAS_RULEBOOK, Remark, StateError, Zone, layout, state_layout as stored};
use types::{
    AccountNumber, Amount, Bic, Channel, Currency, Date, Digest, DigestKey, ParticipantNumber, PaymentState,
    ReasonCode, Sequence, Text, Timestamp,
};

use super::{IndexError, Indexer};
use crate::banks::{Bank, HOSTS_MAX};
use crate::bytes::RowWriter;
use crate::dates::{ClockSet, Rolled};
use crate::keys::{self, Name};
use crate::rows::{AccountOf, PaymentRow};
use crate::store::{AccountRow, Rows, Space, StoreError, Watermark};

/// Why history can't begin where a snapshot stands.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// There is none.
    #[error("there is no snapshot at which history could begin")]
    NoSnapshot,
    /// The folder of the log can't be read.
    #[error("the folder of the log can't be read: {0}")]
    Open(#[from] OpenError),
    /// The same.
    #[error("the folder of the log can't be read: {0}")]
    Storage(#[from] StorageError),
    /// The snapshots can't be read.
    #[error("history can't begin with snapshot {number}: {fault}")]
    Snapshot {
        /// The newest of them.
        number: u64,
        /// What is wrong with it.
        fault: SnapshotFault,
    },
    /// The store failed.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Accounts that are written at once.
const ACCOUNTS_AT_ONCE: usize = 1 << 16;

impl Indexer {
    /// Begins where the oldest snapshot stands that a folder keeps; says where that is. Frames after it are to be given to
    /// [`Self::step`]. An empty store is left without a watermark if this fails.
    ///
    /// # Errors
    /// See [`BeginError`].
    ///
    /// # Panics
    /// If something has been taken in already.
    pub fn begin<S: Storage>(&mut self, reader: &Reader<S>) -> Result<Tail, BeginError> {
        assert!(self.reached.is_none(), "history begins once");
        let mut last = BeginError::NoSnapshot;
        // A running node may have removed the older one just now, and a damaged one leaves the other.
        for number in reader.snapshots().into_iter().rev() {
            let begun = match reader.open_snapshot(number) {
                Ok(snapshot) => self.begin_with(snapshot),
                Err(fault) => Err(BeginError::Snapshot { number, fault }),
            };
            match begun {
                Err(error @ BeginError::Snapshot { .. }) => last = error,
                other => return other,
            }
        }
        Err(last)
    }

    /// Begins where this snapshot stands.
    fn begin_with<F: StorageFile>(&mut self, mut snapshot: SnapshotReader<F>) -> Result<Tail, BeginError> {
        let header = *snapshot.header();
        let number = header.number;
        let mut state = State::new(self, &header);
        let read = state.read(&mut snapshot);
        let State { banks, waiting, profiles, rolled, clocks, key, failed, .. } = state;
        if let Some(error) = failed {
            return Err(IndexError::from(error).into());
        }
        // Bytes that are not as they were written explain whatever is wrong with the state.
        snapshot.finish().map_err(|fault| BeginError::Snapshot { number, fault })?;
        read.map_err(|error| BeginError::Snapshot {
            number,
            fault: SnapshotFault::State(error.to_string()),
        })?;

        self.key = self.key.or(key);
        for bank in banks {
            self.banks.add(bank);
            self.pending.banks.push(bank);
        }
        for (number, code) in profiles {
            self.profiles.insert(number, code);
            self.pending.profiles.push((number, code));
        }
        self.pending.rolled.extend(rolled);
        self.pending.clocks.extend(clocks);
        self.pending.bookings_since = Some(header.tail.last_sequence());
        let first_day = waiting.values().map(|row| keys::day(row.received_time)).min().unwrap_or(0);
        for (sequence, row) in waiting {
            if let Some(key) = &self.key {
                let name = Name::transaction_id(key, row.debtor_agent, row.transaction_id.as_str());
                self.pending.names.push((name.on(keys::day(row.received_time)), sequence));
            }
            self.open.insert(sequence, row.clone());
            self.pending.payment(row);
        }
        let reached = Watermark { first_day, ..beginning_at(&header) };
        self.read_upto = reached.last_sequence;
        self.reached = Some(reached);
        self.commit()?;
        Ok(header.tail)
    }
}

/// The watermark of a store that begins where a snapshot stands.
fn beginning_at(header: &SnapshotHeader) -> Watermark {
    let Tail { batch, hash, time, .. } = header.tail;
    let last = header.tail.last_sequence();
    Watermark {
        cluster: header.identity.cluster,
        batch,
        hash,
        last_sequence: last,
        time,
        told: last,
        turn: 0,
        told_time: time,
        command: last,
        resume_after: last,
        first_day: 0,
        begins: last,
        begins_time: time,
    }
}

/// What is taken out of a state while it is read.
struct State<'i> {
    indexer: &'i mut Indexer,
    at: (Sequence, Timestamp),
    key: Option<DigestKey>,
    /// Whether it has the sections that came with the rest of the rulebook.
    has_rulebook: bool,
    banks: Vec<Bank>,
    profiles: Vec<(u16, ReasonCode)>,
    rolled: Option<Rolled>,
    clocks: Vec<(ParticipantNumber, Sequence, ClockSet)>,
    /// The payments that wait, by their positions.
    waiting: BTreeMap<Sequence, PaymentRow>,
    /// Accounts that wait to be written.
    rows: Rows,
    /// Why the store could not take them.
    failed: Option<StoreError>,
}

impl<'i> State<'i> {
    fn new(indexer: &'i mut Indexer, header: &SnapshotHeader) -> Self {
        Self {
            indexer,
            at: (header.tail.last_sequence(), header.tail.time),
            key: None,
            has_rulebook: false,
            banks: Vec::new(),
            profiles: Vec::new(),
            rolled: None,
            clocks: Vec::new(),
            waiting: BTreeMap::new(),
            rows: Rows::default(),
            failed: None,
        }
    }

    /// Reads the sections in their order, up to the last that is of use.
    fn read(&mut self, source: &mut dyn std::io::Read) -> Result<(), StateError> {
        let mut reader = SectionReader::new(source);
        each(&mut reader, stored::HEAD, |head: &stored::Head| {
            let is_in_log = head.is_set_up == 1 && head.digest_key_id.get() == 0;
            self.key = is_in_log.then(|| DigestKey::new(head.digest_key.0));
            self.has_rulebook = head.rules_version.get() >= HAS_RULEBOOK;
            Ok(())
        })?;
        each(&mut reader, stored::PROFILES, |profile: &layout::SetProfile| {
            let code = ReasonCode::from_bytes(profile.timeout_to_beneficiary).ok_or(Impossible("profile"))?;
            self.profiles.push((profile.number.get(), code));
            Ok(())
        })?;
        each(&mut reader, stored::PARTICIPANTS, |participant| self.participant(participant))?;
        each(&mut reader, stored::NAMES, |_: &stored::Name| Ok(()))?;
        each(&mut reader, stored::FUNDING, |_: &stored::Funding| Ok(()))?;
        let mut number = 0;
        each(&mut reader, stored::ACCOUNTS, |account| {
            number += 1;
            self.account(AccountNumber(number), account)
        })?;
        self.write_accounts().map_err(|impossible| stored::ACCOUNTS.impossible(0, impossible))?;
        if self.has_rulebook {
            each(&mut reader, stored::ALERTS, |_: &stored::Alert| Ok(()))?;
            each(&mut reader, stored::REACHABLE, |party| self.reachable_party(party))?;
            each(&mut reader, stored::BLOCKS, |_: &stored::Block| Ok(()))?;
        }
        each(&mut reader, stored::PAYMENTS, |payment| self.payment(payment))?;
        each(&mut reader, stored::REQUESTS, |_: &stored::Answered| Ok(()))?;
        each(&mut reader, stored::REFERENCES, |_: &stored::Reference| Ok(()))?;
        if !self.has_rulebook {
            return each(&mut reader, stored::RESERVATIONS, |reservation| self.reservation(reservation));
        }
        each(&mut reader, stored::RESERVATIONS_WITH_FEES, |it: &stored::ReservationWithFee| {
            self.reservation(&it.reservation)
        })?;
        each(&mut reader, stored::LIVES, |_: &stored::Life| Ok(()))?;
        each(&mut reader, stored::SEALED, |_: &stored::Sealed| Ok(()))?;
        each(&mut reader, stored::RUNS, |_: &layout::SealDuplicates| Ok(()))?;
        each(&mut reader, stored::CALENDAR, |_: &stored::ClosingYear| Ok(()))?;
        each(&mut reader, stored::BUSINESS_DATE, |date| self.business_date(date))?;
        each(&mut reader, stored::RECALLS, |_: &stored::Recall| Ok(()))?;
        each(&mut reader, stored::CUSTOMER_LIMITS, |_: &stored::CustomerLimit| Ok(()))?;
        each(&mut reader, stored::FEES, |_: &stored::Fees| Ok(()))?;
        each(&mut reader, stored::ZONES, |zone| self.zone(zone))
    }

    fn business_date(&mut self, stored: &stored::BusinessDate) -> Result<(), Impossible> {
        let date = |days, field| Date::from_days(days).ok_or(Impossible(field));
        let (date, before) = (date(stored.date.get(), "date")?, date(stored.before.get(), "before")?);
        self.rolled = match date.days() {
            // None was ever set.
            0 => None,
            _ => Some(Rolled {
                at: Sequence(stored.since.get()),
                time: time(stored.since_time.get(), "since_time")?,
                date,
                before: Some(before).filter(|before| before.days() != 0),
            }),
        };
        Ok(())
    }

    fn zone(&mut self, stored: &stored::Zone) -> Result<(), Impossible> {
        let (at, time) = self.at;
        let bank = ParticipantNumber(stored.bank.get());
        self.clocks.push((bank, at, ClockSet { time, zone: Zone::from_state(stored)? }));
        Ok(())
    }

    fn participant(&mut self, participant: &stored::Participant) -> Result<(), Impossible> {
        let number = u32::try_from(self.banks.len() + 1).map_err(|_| Impossible("number"))?;
        let (registered_at, registered_time) = self.at;
        // The first book is in the currency that the participant was registered with.
        let [book, ..] = &participant.books;
        self.banks.push(Bank {
            bic: Bic::from_bytes(participant.bic).ok_or(Impossible("bic"))?,
            number: ParticipantNumber(number),
            currency: currency(book.currency.get())?,
            registered_at,
            registered_time,
            opening_balance: 0,
            hosts: [None; HOSTS_MAX],
        });
        Ok(())
    }

    fn reachable_party(&mut self, stored: &stored::ReachableParty) -> Result<(), Impossible> {
        let place = |number: u32| {
            let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
            place.filter(|place| *place < self.banks.len()).ok_or(Impossible("party"))
        };
        let (party, host) = (place(stored.party.get())?, place(stored.host.get())?);
        let host = self.banks[host].number;
        self.banks[party].set_host(currency(stored.currency.get())?, host).ok_or(Impossible("currency"))
    }

    fn account(&mut self, number: AccountNumber, account: &stored::Account) -> Result<(), Impossible> {
        let kind = AccountKind::from_number(account.kind).ok_or(Impossible("kind"))?;
        let owner = ParticipantNumber(account.owner.get());
        let currency = currency(account.currency.get())?;
        if kind == AccountKind::Position {
            let owned =
                self.banks.iter_mut().filter(|bank| (bank.number, bank.currency) == (owner, currency));
            owned.for_each(|bank| bank.opening_balance = account.balance.get());
        }
        if kind == AccountKind::Technical
            && self.banks.iter().any(|bank| (bank.number, bank.currency) == (owner, currency))
        {
            let mut row = RowWriter::default();
            row.signed(account.balance.get());
            self.rows.put(Space::State, &keys::own_funds(owner), &row.bytes);
        }
        if !kind.is_customer() {
            return Ok(());
        }
        let (opened_at, opened_time) = self.at;
        let opening_balance = account.balance.get();
        let (digest, row) =
            (Digest(account.digest), AccountRow { number, owner, opened_at, opened_time, opening_balance });
        self.indexer.accounts.add(digest, currency, &row);
        self.rows.put(Space::State, &keys::account(digest, currency), &row.to_row());
        if self.rows.rows.len() < ACCOUNTS_AT_ONCE { Ok(()) } else { self.write_accounts() }
    }

    fn write_accounts(&mut self) -> Result<(), Impossible> {
        let written = self.indexer.store.put(std::mem::take(&mut self.rows));
        written.map_err(|error| {
            self.failed = Some(error);
            Impossible("digest")
        })
    }

    /// A payment that waits; the rest of it stands in its reservation.
    fn payment(&mut self, payment: &stored::Payment) -> Result<(), Impossible> {
        if payment.state != PaymentState::Reserved.number() {
            return Ok(());
        }
        let key = &payment.key;
        let id = key.transaction_id.get(..usize::from(key.transaction_id_length));
        let id = id.and_then(|id| std::str::from_utf8(id).ok()).ok_or(Impossible("key"))?;
        let row = PaymentRow {
            sequence: Sequence(payment.sequence.get()),
            received_time: time(payment.received_time.get(), "received_time")?,
            decided_at: Sequence(payment.decided_at.get()),
            decided_time: time(payment.decided_time.get(), "decided_time")?,
            acceptance_time: Some(time(payment.acceptance_time.get(), "acceptance_time")?),
            state: PaymentState::Reserved,
            reason: None,
            reason_to_creditor: None,
            debtor_agent: Bic::from_bytes(key.debtor_agent).ok_or(Impossible("key"))?,
            creditor_agent: None,
            debtor_account: AccountOf::NotRead,
            creditor_account: AccountOf::NotRead,
            amount: None,
            transaction_id: Text::parse_identifier(id).map_err(|_| Impossible("key"))?,
            channel: Channel::Grpc,
            is_not_entitled: false,
            is_late: false,
            is_told_to_creditor: false,
            is_debtor_asked: false,
            is_creditor_asked: false,
            remark: Remark::None,
        };
        if row.decided_at < row.sequence {
            return Err(Impossible("decided_at"));
        }
        self.waiting.insert(row.sequence, row);
        Ok(())
    }

    fn reservation(&mut self, reservation: &stored::Reservation) -> Result<(), Impossible> {
        let place =
            usize::try_from(reservation.creditor_bank.get()).ok().and_then(|bank| bank.checked_sub(1));
        let creditor = place.and_then(|place| self.banks.get(place)).ok_or(Impossible("creditor_bank"))?;
        let amount = Amount::from_minor_units(reservation.amount.get()).ok_or(Impossible("amount"))?;
        let row = self.waiting.get_mut(&Sequence(reservation.sequence.get()));
        let row = row.ok_or(Impossible("sequence"))?;
        row.creditor_agent = Some(creditor.bic);
        row.amount = Some((amount, currency(reservation.currency.get())?));
        let account =
            |number| if number == 0 { AccountOf::NotRead } else { AccountOf::Here(AccountNumber(number)) };
        row.debtor_account = account(reservation.debtor_account.get());
        row.creditor_account = account(reservation.creditor_account.get());
        row.reason_to_creditor = ReasonCode::from_bytes(reservation.timeout_to_beneficiary);
        Ok(())
    }
}

/// Visits the items of the next section, which has to be this one.
fn each<Item>(
    reader: &mut SectionReader<'_>,
    section: Section,
    take: impl FnMut(&Item) -> Result<(), Impossible>,
) -> Result<(), StateError>
where
    Item: zerocopy::FromBytes + zerocopy::KnownLayout + zerocopy::Immutable + zerocopy::Unaligned,
{
    let count = reader.begin(section)?;
    reader.items(section, count, take)
}

fn currency(number: u16) -> Result<Currency, Impossible> {
    Currency::from_number(number).map_err(|_| Impossible("currency"))
}

fn time(nanoseconds: i64, field: &'static str) -> Result<Timestamp, Impossible> {
    Timestamp::from_nanoseconds(nanoseconds).ok_or(Impossible(field))
}

#[cfg(test)]
#[path = "indexer_begin_tests.rs"]
mod tests;
