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
use ledger::{AnswerEffect, Kind, OutcomeEntry, OutcomeError, RecordError, Stage};
use types::{
    AccountNumber, BatchNumber, Bic, Currency, DigestKey, ParticipantNumber, PaymentState, ReasonCode,
    Sequence, StatusReason, Timestamp,
};

use crate::accounts::Accounts;
use crate::banks::{Bank, Banks, HOSTS_MAX};
use crate::keys::{self, Name, Series};
use crate::pending::Pending;
use crate::rows::{AccountOf, Decided, EntryKind, EntryRow, ListedRow, PaymentRow, Place};
use crate::store::{AccountRow, Store, StoreError, Watermark};
use crate::walk;
use crate::window::{self, Awaited, Order, Window};

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
            pending: Pending::default(),
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
        let is_payment = matches!(entry.kind(), Some(Kind::Payment | Kind::RefusedPayment));
        // Time decided a payment that waited: at the frame's first position.
        let by_time = is_payment && entry.repeat_of().is_none() && entry.decided_at() != sequence;
        let at = match by_time {
            // It was found to be over by the command that is told of next.
            true if entry.decided_at() < reached.told => reached.told.next(),
            true => entry.decided_at(),
            false => sequence,
        };
        let unknown = |what| IndexError::Unknown { sequence, what };
        let time = self.window.time_at(at).ok_or_else(|| unknown("frame"))?;
        reached.turn = if at == reached.told { reached.turn.saturating_add(1) } else { 0 };
        (reached.told, reached.told_time) = (at, time);
        let when = When { place: Place { at, turn: reached.turn }, time };
        if by_time {
            return self.decided(sequence, entry, when, None);
        }
        reached.command = sequence;
        let command = self.window.take(sequence).ok_or_else(|| unknown("command"))?;
        // A command that was asked again changed nothing, and stands in the log once more.
        if entry.repeat_of().is_some() || entry.refusal().is_some() || entry.is_asked_again() {
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
            Awaited::Payment(_) | Awaited::Other => {}
            Awaited::Answer { stage, is_accepted } => {
                let (Some(AnswerEffect::Applied), Some(payment)) = (entry.effect(), entry.payment()) else {
                    return Ok(());
                };
                if entry.payment_state().is_some_and(PaymentState::is_final) {
                    return self.decided(payment, entry, when, Some((stage, is_accepted)));
                }
            }
            Awaited::SetProfile { number, timeout_to_beneficiary } => {
                self.profiles.insert(number, timeout_to_beneficiary);
                self.pending.profiles.push((number, timeout_to_beneficiary));
                self.pending.items += 1;
            }
            Awaited::RegisterParticipant { bank: bic, currency } => {
                let number = ParticipantNumber(subject()?);
                let (registered_at, registered_time) = (sequence, when.time);
                let hosts = [None; HOSTS_MAX];
                self.add_bank(Bank { bic, number, currency, registered_at, registered_time, hosts });
            }
            Awaited::OpenAccount { digest, currency, bank } => {
                let (number, owner) = (AccountNumber(subject()?), registered(&self.banks, bank)?);
                let account = AccountRow { number, owner, opened_at: sequence, opened_time: when.time };
                self.accounts.add(digest, currency, &account);
                self.accounts.fresh.insert((digest, currency.number()), account);
                self.pending.accounts.push((digest, currency, account));
                self.pending.items += 1;
            }
            Awaited::PostEntry(change) => {
                let account = AccountNumber(subject()?);
                self.pending.entry(Series::account(account), booking(EntryKind::Posting, change));
            }
            Awaited::SetReachableParty { bank: bic, host, currency } => {
                let number = ParticipantNumber(subject()?);
                let (registered_at, registered_time) = (sequence, when.time);
                let hosts = [None; HOSTS_MAX];
                let entered = Bank { bic, number, currency, registered_at, registered_time, hosts };
                let mut bank = self.banks.find(bic).copied().unwrap_or(entered);
                bank.set_host(currency, registered(&self.banks, host)?);
                self.add_bank(bank);
            }
            Awaited::TransferOwnFunds { bank, change } => {
                let bank = registered(&self.banks, bank)?;
                let [_, technical, ..] = entry.balances();
                let inverse = EntryRow { balance: technical, ..booking(EntryKind::OwnFunds, -change) };
                self.pending.entry(Series::position(bank), booking(EntryKind::OwnFunds, change));
                self.pending.entry(Series::technical(bank), inverse);
            }
            Awaited::TransferLiquidity { bank, change } => {
                let bank = registered(&self.banks, bank)?;
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

    /// Takes in the first outcome of a payment.
    fn payment(&mut self, order: &Order, entry: &OutcomeEntry, when: When) -> Result<(), IndexError> {
        let key = self.key.ok_or(IndexError::NoKey)?;
        let sequence = entry.sequence();
        let state = entry.payment_state().ok_or(IndexError::Unknown { sequence, what: "state" })?;
        let reason = entry.reason();
        let accounts = match (order.accounts, order.amount, order.creditor_agent) {
            (Some([debtor, creditor]), Some((_, currency)), Some(creditor_agent)) => [
                self.account_of(debtor, currency, order.debtor_agent)?,
                self.account_of(creditor, currency, creditor_agent)?,
            ],
            _ => [AccountOf::NotRead; 2],
        };
        let row = PaymentRow {
            sequence,
            received_time: when.time,
            decided_at: sequence,
            decided_time: when.time,
            acceptance_time: order.acceptance_time,
            state,
            reason,
            // What it will be told if the payment expires: it is not shown before.
            reason_to_creditor: self
                .profiles
                .get(&order.profile)
                .filter(|_| state == PaymentState::Reserved)
                .copied(),
            debtor_agent: order.debtor_agent,
            creditor_agent: order.creditor_agent,
            debtor_account: accounts[0],
            creditor_account: accounts[1],
            amount: order.amount,
            transaction_id: order.transaction_id.clone(),
            channel: order.channel,
            is_not_entitled: order.is_not_entitled,
            is_late: entry.is_late(),
            is_told_to_creditor: state == PaymentState::Settled,
        };
        let day = keys::day(when.time);
        if holds_key(order, reason) {
            let name = Name::transaction_id(&key, row.debtor_agent, row.transaction_id.as_str());
            self.pending.names.push((name.on(day), sequence));
        }
        if let Some(name) = order.end_to_end {
            self.pending.references.push(name.of_payment(day, sequence));
        }
        self.list(&row, when, true);
        if state == PaymentState::Settled {
            self.book(&row, entry.balances(), when);
        }
        if !state.is_final() {
            self.open.insert(sequence, row.clone());
        }
        self.pending.payment(row);
        Ok(())
    }

    /// Takes in the final outcome of a payment that was reserved: by time, or by a bank's answer.
    fn decided(
        &mut self,
        payment: Sequence,
        entry: &OutcomeEntry,
        when: When,
        by: Option<(Stage, bool)>,
    ) -> Result<(), IndexError> {
        let unknown = |what| IndexError::Unknown { sequence: payment, what };
        let state = entry.payment_state().ok_or_else(|| unknown("state"))?;
        let mut row = match self.open.remove(&payment) {
            Some(row) => row,
            // Reserved before the last start, or long ago.
            None => walk::payment(&self.store.reading(), payment)?.ok_or_else(|| unknown("payment"))?,
        };
        let reason = entry.reason();
        let is_told_to_creditor = match state {
            PaymentState::Settled => true,
            // Everyone had agreed, and it could not be booked any more.
            PaymentState::Rejected => by == Some((Stage::Credit, true)),
            PaymentState::Expired => reason != Some(StatusReason::TimeoutDebtorAgent.code()),
            PaymentState::Reserved | PaymentState::Unresolved => false,
        };
        let is_expired = state == PaymentState::Expired && is_told_to_creditor;
        let decided = Decided {
            decided_at: entry.decided_at(),
            decided_time: when.time,
            state,
            reason,
            reason_to_creditor: row.reason_to_creditor.filter(|_| is_expired),
            is_late: entry.is_late(),
            is_told_to_creditor,
        };
        row.decide(&decided);
        self.pending.decisions.push((payment, decided));
        self.pending.items += 1;
        self.list(&row, when, false);
        if state == PaymentState::Settled {
            self.book(&row, entry.balances(), when);
        }
        Ok(())
    }

    /// Adds a payment to the lists of its banks: of the payer's when it comes in, of the payee's when that is told.
    fn list(&mut self, row: &PaymentRow, when: When, is_first: bool) {
        let debtor = self.banks.number(Some(row.debtor_agent));
        let creditor = self.banks.number(row.creditor_agent);
        let is_inside = debtor != 0 && debtor == creditor;
        let is_debtor_side = is_first && debtor != 0 && !row.is_not_entitled;
        let is_creditor_side = creditor != 0 && !is_inside && row.is_told_to_creditor;
        let listed = |counterpart, is_debtor_side, is_creditor_side| ListedRow {
            place: when.place,
            time: when.time,
            payment: row.sequence,
            is_debtor_side,
            is_creditor_side,
            state: row.state,
            amount: row.amount.map_or(0, |(amount, _)| amount.minor_units()),
            currency: row.amount.map_or(0, |(_, currency)| currency.number()),
            counterpart,
        };
        if is_debtor_side {
            // A payment inside a bank stands in its list once.
            self.pending.listed(ParticipantNumber(debtor), listed(creditor, true, is_inside));
        }
        if is_creditor_side {
            self.pending.listed(ParticipantNumber(creditor), listed(debtor, false, true));
        }
    }

    /// Adds the entries of a settlement.
    fn book(&mut self, row: &PaymentRow, balances: [i64; 4], when: When) {
        let Some((amount, currency)) = row.amount else { return };
        let amount = amount.minor_units();
        let settles_on = |bank: Option<Bic>| {
            bank.and_then(|bank| self.banks.find(bank)).map(|bank| bank.settles_on(currency))
        };
        let [debited, credited] = [Some(row.debtor_agent), row.creditor_agent].map(settles_on);
        // What a host and its parties pay each other moves no position.
        let position =
            |bank: Option<ParticipantNumber>| bank.filter(|_| debited != credited).map(Series::position);
        let account = |account| match account {
            AccountOf::Here(number) => Some(Series::account(number)),
            AccountOf::Elsewhere(_) | AccountOf::NotRead => None,
        };
        let series = [
            account(row.debtor_account),
            account(row.creditor_account),
            position(debited),
            position(credited),
        ];
        let changes = [-amount, amount, -amount, amount];
        for ((series, change), balance) in series.into_iter().zip(changes).zip(balances) {
            let Some(series) = series else { continue };
            let (place, time, kind) = (when.place, when.time, EntryKind::Payment);
            self.pending
                .entry(series, EntryRow { place, time, kind, command: row.sequence, change, balance });
        }
    }

    /// Which account a payment means: the bank's own of that number and currency, if there is one here.
    fn account_of(
        &self,
        named: window::AccountOf,
        currency: Currency,
        bank: Bic,
    ) -> Result<AccountOf, StoreError> {
        let owner = ParticipantNumber(self.banks.number(Some(bank)));
        if self.accounts.is_hint_right(named, currency, owner) {
            return Ok(AccountOf::Here(named.hint));
        }
        let found = match self.accounts.fresh.get(&(named.digest, currency.number())) {
            Some(account) => Some(*account),
            None => self.store.reading().account(named.digest, currency)?,
        };
        let half = *named.digest.0.first_chunk().expect("a digest has 16 bytes");
        Ok(found
            .filter(|account| account.owner == owner)
            .map_or(AccountOf::Elsewhere(half), |account| AccountOf::Here(account.number)))
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
    }
}

/// Whether a payment is the one that its key names: not an attempt with another body, nor one that was refused before
/// its key was looked at.
fn holds_key(order: &Order, reason: Option<ReasonCode>) -> bool {
    let before = [StatusReason::Duplication.code(), StatusReason::DebtorBankNotRegistered.code()];
    !order.is_not_entitled && reason.is_none_or(|reason| !before.contains(&reason))
}
