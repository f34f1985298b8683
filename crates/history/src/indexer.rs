//! From frames to rows: what commands came to, as the log tells it. No rule is applied here; the ledger's decisions are
//! taken as they stand in the outcome entries.
//!
//! Invariants:
//! - The same frames give the same rows, however they are divided into commits and wherever the process ended in
//!   between, but for how the items of a series are divided into runs.
//! - Items of a series are added in the order of their places.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use journal::{FrameHash, FrameView};
use ledger::{AnswerEffect, Kind, OutcomeEntry, OutcomeError, RecordError};
use types::{
    AccountNumber, BatchNumber, DigestKey, ParticipantNumber, PaymentState, ReasonCode, Sequence, Timestamp,
};

use crate::accounts::Accounts;
use crate::banks::{Bank, Banks, HOSTS_MAX};
use crate::bookings::{BookSide, BookSums};
use crate::dates::{ClockSet, Rolled};
use crate::keys::{self, Series};
use crate::pending::Pending;
use crate::posting_maps::PostingMapSet;
use crate::rows::{EntryKind, EntryRow, PaymentRow, Place};
use crate::store::{AccountRow, Space, Store, StoreError, Watermark};
use crate::walk;
use crate::window::{Awaited, Window};

#[path = "indexer_begin.rs"]
mod begin;
#[path = "indexer_bookings.rs"]
mod bookings;
#[path = "indexer_captures.rs"]
mod captures;
#[path = "indexer_holders.rs"]
mod holders;
#[path = "indexer_payments.rs"]
mod payments;

pub use begin::BeginError;

#[path = "indexer_returns.rs"]
mod returns;

/// Why a frame can't be taken in.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A frame's records can't be read.
    #[error("a record of the log can't be read: {0}")]
    Record(#[from] RecordError),
    /// A frame's outcome entries can't be read.
    #[error(transparent)]
    Outcome(#[from] OutcomeError),
    /// The store was made from another log, or from one that went on elsewhere.
    #[error("the history store was made from another log")]
    OtherLog,
    /// Frames between the last one and this one are missing.
    #[error("history has reached batch {reached}, and the log goes on with batch {found}")]
    Gap {
        /// The last frame taken in.
        reached: BatchNumber,
        /// The frame that came.
        found: BatchNumber,
    },
    /// The log tells of something that history does not know.
    #[error("the log tells of sequence {sequence}, and history knows no {what} there")]
    Unknown {
        /// The position.
        sequence: Sequence,
        /// What should be there.
        what: &'static str,
    },
    /// The key of the log's digests is not at hand.
    #[error("the key of the log's digests is not at hand")]
    NoKey,
}

/// Reservations that are kept at hand for their final outcome; older ones are read from the store again. More than one
/// commit can add.
const OPEN_MAX: usize = 1 << 17;

/// Turns frames into rows. It holds no thread and reads no clock.
#[derive(Debug)]
pub struct Indexer {
    store: Arc<Store>,
    key: Option<DigestKey>,
    /// Up to where the store goes; `None` if it is empty.
    committed: Option<Watermark>,
    reached: Option<Watermark>,
    /// The last position in the last frame that was given to this.
    read_upto: Sequence,
    window: Window,
    accounts: Accounts,
    banks: Banks,
    /// What the payee's bank of an expired payment is told, by profile.
    profiles: HashMap<u16, ReasonCode>,
    open: BTreeMap<Sequence, PaymentRow>,
    /// What books have come to, of those of which something was booked since the start.
    sums: HashMap<Series, BookSums>,
    pending: Pending,
}

/// Where something was decided.
#[derive(Clone, Copy)]
struct When {
    place: Place,
    time: Timestamp,
}

impl Indexer {
    /// Goes on from what is in the store. `key` is that of the log's digests; without it the log's first record must
    /// tell it, so the log must be taken in from its start.
    ///
    /// # Errors
    /// If the store can't be read.
    pub fn open(store: Arc<Store>, key: Option<DigestKey>) -> Result<Self, IndexError> {
        let reading = store.reading();
        let committed = reading.watermark()?;
        let mut accounts = Accounts::default();
        reading.for_each_account(|digest, currency, account| accounts.add(digest, currency, &account))?;
        let profiles = walk::profiles(&reading)?;
        // A store of a program that took no bookings in has those of what comes from now on.
        let bookings_since = match reading.get(Space::State, keys::BOOKINGS_SINCE)? {
            Some(_) => None,
            None => Some(committed.map_or(Sequence(0), |committed| committed.told)),
        };
        drop(reading);
        let banks = Banks::clone(&store.banks());
        Ok(Self {
            store,
            key,
            committed,
            reached: committed,
            read_upto: committed.map_or(Sequence(0), |committed| committed.resume_after),
            window: Window::default(),
            accounts,
            banks,
            profiles,
            open: BTreeMap::new(),
            sums: HashMap::new(),
            pending: Pending::new(bookings_since),
        })
    }

    /// The store that this fills.
    pub const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Frames that have a position after this one are to be given to [`Self::step`], in order.
    pub const fn resume_after(&self) -> Sequence {
        self.read_upto
    }

    /// Up to where frames have been taken in; `None` if none has.
    pub const fn reached(&self) -> Option<&Watermark> {
        self.reached.as_ref()
    }

    /// Up to where the store goes; `None` if nothing has been committed.
    pub(crate) const fn committed(&self) -> Option<&Watermark> {
        self.committed.as_ref()
    }

    /// About how many rows wait for [`Self::commit`].
    pub const fn waiting(&self) -> usize {
        self.pending.items
    }

    /// Takes in a frame. What comes of it is in the store after [`Self::commit`].
    ///
    /// # Errors
    /// If the frame does not go on from what was taken in, can't be read, or the store can't. The indexer is of no use
    /// afterwards.
    pub fn step(&mut self, frame: &FrameView<'_>) -> Result<(), IndexError> {
        let header = frame.header();
        let is_new = self.check_follows(frame)?;
        if self.key.is_none() {
            self.learn_key(frame)?;
        }
        let mut reached = self.reached.unwrap_or_else(|| beginning(frame));
        if is_new {
            for entry in OutcomeEntry::read_all(frame.outcomes())? {
                self.told(&entry, &mut reached)?;
            }
            reached.batch = header.batch;
            reached.hash = frame.hash();
            reached.last_sequence = header.last_sequence();
            reached.time = header.time;
        }
        self.window.push(frame, reached.command, self.key.as_ref())?;
        self.read_upto = header.last_sequence();
        reached.resume_after = self.window.resume_after().unwrap_or(reached.last_sequence);
        self.reached = Some(reached);
        Ok(())
    }

    /// Writes what has been taken in since the last commit, with the watermark that it leads to, all or nothing.
    ///
    /// # Errors
    /// If the store fails. The indexer is of no use afterwards: open another one.
    pub fn commit(&mut self) -> Result<(), IndexError> {
        let Some(reached) = self.reached.filter(|_| self.reached != self.committed) else { return Ok(()) };
        let rows = self.pending.take_rows(&self.banks, &reached);
        self.store.commit(rows, &reached)?;
        self.accounts.fresh.clear();
        self.committed = Some(reached);
        while self.open.len() > OPEN_MAX {
            self.open.pop_first();
        }
        Ok(())
    }

    /// Whether a frame is new, or one of those that fill the window again.
    fn check_follows(&self, frame: &FrameView<'_>) -> Result<bool, IndexError> {
        let header = frame.header();
        let Some(reached) = &self.reached else {
            let gap = IndexError::Gap { reached: BatchNumber(0), found: header.batch };
            return if header.batch == BatchNumber(1) { Ok(true) } else { Err(gap) };
        };
        if header.identity.cluster != reached.cluster {
            return Err(IndexError::OtherLog);
        }
        if header.batch > reached.batch.next() {
            return Err(IndexError::Gap { reached: reached.batch, found: header.batch });
        }
        let is_new = header.batch == reached.batch.next();
        let is_other = match is_new {
            true => header.previous_hash != reached.hash,
            false => header.batch == reached.batch && frame.hash() != reached.hash,
        };
        if is_other { Err(IndexError::OtherLog) } else { Ok(is_new) }
    }

    fn learn_key(&mut self, frame: &FrameView<'_>) -> Result<(), IndexError> {
        for record in ledger::Records::with_texts(frame.records(), frame.texts()) {
            if let ledger::Command::Genesis(genesis) = record?.command
                && genesis.digest_key_id.get() == 0
            {
                self.key.get_or_insert(DigestKey::new(genesis.digest_key.0));
            }
        }
        Ok(())
    }

    /// Takes in what a command came to.
    fn told(&mut self, entry: &OutcomeEntry, reached: &mut Watermark) -> Result<(), IndexError> {
        let sequence = entry.sequence();
        if entry.order_ended().is_some() || entry.package_complete().is_some() {
            // Told beside the payment by which it came to that.
            return Ok(());
        }
        let is_payment = matches!(entry.kind(), Some(Kind::Payment | Kind::RefusedPayment));
        // Time decided a payment that waited: at the frame's first position.
        let has_expired = entry.hold_expired().is_some();
        let by_time =
            has_expired || is_payment && entry.repeat_of().is_none() && entry.decided_at() != sequence;
        let decided_at = if by_time { entry.decided_at() } else { sequence };
        if decided_at <= reached.begins {
            // The state with which history begins has it already.
            return Ok(());
        }
        // It was found to be over by the command that is told of next.
        let is_by_command = by_time && decided_at < reached.told;
        let at = if is_by_command { reached.told.next() } else { decided_at };
        let unknown = |what| IndexError::Unknown { sequence, what };
        let time = self.window.time_at(at).ok_or_else(|| unknown("frame"))?;
        reached.turn = if at == reached.told { reached.turn.saturating_add(1) } else { 0 };
        (reached.told, reached.told_time) = (at, time);
        let when = When { place: Place { at, turn: reached.turn }, time };
        // A fee is an entry of its own, behind that of its payment.
        reached.turn = reached.turn.saturating_add(u16::from(entry.remark().fee() > 0));
        if has_expired {
            // It was no booking when the hold was placed, and is none now.
            return Ok(());
        }
        if by_time {
            return self.decided(sequence, entry, when, None);
        }
        if let Some((leg, _)) = entry.leg_booked() {
            return self.captured(leg, entry, when);
        }
        reached.command = sequence;
        let command = self.window.take(sequence).ok_or_else(|| unknown("command"))?;
        // A command that was asked again changed nothing, and stands in the log once more; a payment that did not execute
        // its order is none.
        if entry.repeat_of().is_some() || entry.refusal().is_some() || entry.decides_nothing() {
            return Ok(());
        }
        if let Awaited::Payment(order) = command {
            if reached.first_day == 0 {
                reached.first_day = keys::day(time);
            }
            return self.payment(&order, entry, when);
        }
        self.other(&command, entry, when)
    }

    /// Takes in what a command that is no payment did.
    fn other(&mut self, command: &Awaited, entry: &OutcomeEntry, when: When) -> Result<(), IndexError> {
        let sequence = entry.sequence();
        let [balance, ..] = entry.balances();
        let subject =
            || u32::try_from(entry.subject()).map_err(|_| IndexError::Unknown { sequence, what: "subject" });
        let registered = |banks: &Banks, bank| {
            banks.find(bank).map(|bank| bank.number).ok_or(IndexError::Unknown { sequence, what: "bank" })
        };
        let booking = |kind, change| EntryRow {
            place: when.place,
            time: when.time,
            kind,
            command: sequence,
            change,
            balance,
        };
        match *command {
            // The legs of a capture have been told before it.
            Awaited::Payment(_) | Awaited::Capture(_) | Awaited::Other => {}
            Awaited::Return(ref returned) => {
                self.give_back(returned, sequence, entry.balances(), when);
                self.passed_back(returned, sequence, when)?;
            }
            Awaited::Answer { stage, is_accepted } => {
                let (Some(AnswerEffect::Applied), Some(payment)) = (entry.effect(), entry.payment()) else {
                    return Ok(());
                };
                if entry.payment_state().is_some_and(PaymentState::is_final) {
                    return self.decided(payment, entry, when, Some((stage, is_accepted)));
                }
                return self.asked_on(payment);
            }
            Awaited::SetProfile { number, timeout_to_beneficiary } => {
                self.profiles.insert(number, timeout_to_beneficiary);
                self.pending.profiles.push((number, timeout_to_beneficiary));
                self.pending.items += 1;
            }
            Awaited::RegisterParticipant { bank: bic, currency } => {
                let number = ParticipantNumber(subject()?);
                let (registered_at, registered_time) = (sequence, when.time);
                let (hosts, opening_balance) = ([None; HOSTS_MAX], 0);
                let entered =
                    Bank { bic, number, currency, registered_at, registered_time, opening_balance, hosts };
                self.add_bank(entered);
            }
            Awaited::OpenAccount { digest, currency, bank, is_savings } => {
                let (number, owner) = (AccountNumber(subject()?), registered(&self.banks, bank)?);
                let (opened_at, opened_time) = (sequence, when.time);
                let account = AccountRow { number, owner, opened_at, opened_time, opening_balance: 0 };
                self.accounts.add(digest, currency, &account);
                self.accounts.fresh.insert((digest, currency.number()), account);
                self.pending.accounts.push((digest, currency, account));
                self.pending.savings.extend(is_savings.then_some(number));
                self.pending.items += 1;
            }
            Awaited::SetAccountHolders { digest, currency, repeats } => {
                let account = AccountNumber(subject()?);
                if self.counts(account, (digest, currency), repeats)? {
                    self.pending.named.insert(account, sequence);
                    self.pending.items += 1;
                }
            }
            Awaited::CloseAccount => {
                self.pending.named.insert(AccountNumber(subject()?), Sequence(0));
                self.pending.items += 1;
            }
            Awaited::RollBusinessDate(date) => {
                self.pending.rolled.push(Rolled { at: sequence, time: when.time, date, before: None });
                self.pending.items += 1;
            }
            Awaited::SetZone { bank, zone } => {
                let bank = registered(&self.banks, bank)?;
                self.pending.clocks.push((bank, sequence, ClockSet { time: when.time, zone }));
                self.pending.items += 1;
            }
            Awaited::PostEntry { change, value_date } => {
                let account = AccountNumber(subject()?);
                let posted = (EntryKind::Posting, sequence, change);
                self.on_account((account, BookSide::Core), posted, Some(value_date), when)?;
                self.pending.entry(Series::account(account), booking(EntryKind::Posting, change));
            }
            Awaited::Exception(ref booked) => {
                if let Some(account) = booked.account {
                    let entry = booking(EntryKind::Exception, booked.change);
                    self.pending.entry(Series::account(account), entry);
                }
                let [_, suspense, ..] = entry.balances();
                self.excepted(booked, sequence, suspense, when)?;
            }
            Awaited::SetReachableParty { bank: bic, host, currency } => {
                let number = ParticipantNumber(subject()?);
                let (registered_at, registered_time) = (sequence, when.time);
                let (hosts, opening_balance) = ([None; HOSTS_MAX], 0);
                let entered =
                    Bank { bic, number, currency, registered_at, registered_time, opening_balance, hosts };
                let mut bank = self.banks.find(bic).copied().unwrap_or(entered);
                bank.set_host(currency, registered(&self.banks, host)?)
                    .ok_or(IndexError::Unknown { sequence, what: "currency" })?;
                self.add_bank(bank);
            }
            Awaited::TransferOwnFunds { bank, currency, change } => {
                let bank = registered(&self.banks, bank)?;
                self.moved((bank, currency), (EntryKind::OwnFunds, sequence), change, when)?;
                let [_, technical, ..] = entry.balances();
                let inverse = EntryRow { balance: technical, ..booking(EntryKind::OwnFunds, -change) };
                self.pending.entry(Series::position(bank), booking(EntryKind::OwnFunds, change));
                self.pending.entry(Series::technical(bank), inverse);
            }
            Awaited::SetPostingMap(ref set) => {
                let bank = registered(&self.banks, set.bank)?;
                let (from, lines) = (set.from, set.lines.clone());
                let map = PostingMapSet { at: sequence, time: when.time, from, lines };
                self.pending.posting_maps.push((bank, set.currency, map));
                self.pending.items += 1;
            }
            Awaited::TransferLiquidity { bank, currency, change } => {
                let bank = registered(&self.banks, bank)?;
                self.moved((bank, currency), (EntryKind::Liquidity, sequence), change, when)?;
                self.pending.entry(Series::position(bank), booking(EntryKind::Liquidity, change));
            }
        }
        Ok(())
    }

    fn add_bank(&mut self, bank: Bank) {
        self.banks.add(bank);
        self.pending.banks.push(bank);
        self.pending.items += 1;
    }
}

/// Before the log's first frame.
fn beginning(frame: &FrameView<'_>) -> Watermark {
    Watermark {
        cluster: frame.header().identity.cluster,
        batch: BatchNumber(0),
        hash: FrameHash::NONE,
        last_sequence: Sequence(0),
        time: Timestamp::default(),
        told: Sequence(0),
        turn: 0,
        told_time: Timestamp::default(),
        command: Sequence(0),
        resume_after: Sequence(0),
        first_day: 0,
        begins: Sequence(0),
        begins_time: Timestamp::default(),
    }
}

#[cfg(test)]
#[path = "indexer_tests.rs"]
mod tests;
