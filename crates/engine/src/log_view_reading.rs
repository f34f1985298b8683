//! A list of decisions in the making: what frames tell of those before them, and what stands in them.
//!
//! Invariant: an outcome is taken up with the command that it is of, which stands in a frame before.

use std::collections::{BTreeMap, VecDeque};

use journal::FrameView;
use ledger::{AnswerEffect, Command, Kind, OutcomeEntry, ParticipantStatus, Record};
use types::{Bic, PaymentState, ReasonCode, Sequence, StatusReason, Timestamp};

use super::{BankChanged, LogError, READ_BYTES_MAX, for_each_record};
use crate::crossings::{Booking, Hosts, Told};
use crate::exceptions_told::ExceptionTold;
use crate::holds_told::HoldExpired;
use crate::orders_told::OrdersTold;
use crate::recalls_told::RecallTold;
use crate::requests_told::RequestTold;
use crate::stored_order::StoredOrder;
use crate::subscription::{BankChange, Banks};

/// What an outcome entry tells of a payment.
pub(super) struct Found {
    pub(super) decided_at: Sequence,
    pub(super) payment: Sequence,
    pub(super) state: PaymentState,
    pub(super) reason: Option<ReasonCode>,
}

impl Found {
    /// `None` if it is about no payment, or about an answer that came to nothing.
    fn of(entry: &OutcomeEntry) -> Option<Self> {
        let state = entry.payment_state()?;
        // A stranger's attempt, of which the bank in whose name it came hears nothing.
        if entry.kind() == Some(Kind::RefusedPayment) && entry.reason() == Some(NOT_ENTITLED) {
            return None;
        }
        let decides = match entry.effect() {
            None => true,
            Some(AnswerEffect::Applied) => state.is_final(),
            Some(
                AnswerEffect::Late
                | AnswerEffect::Double
                | AnswerEffect::Contrary
                | AnswerEffect::NotAsked
                | AnswerEffect::PaymentUnknown,
            ) => false,
        };
        let (decided_at, payment) = (entry.decided_at(), entry.payment()?);
        decides.then(|| Self { decided_at, payment, state, reason: entry.reason() })
    }
}

/// Told of a payment that was refused before anything of it was looked at; no other fault on reading has this code.
pub(super) const NOT_ENTITLED: ReasonCode = StatusReason::SenderNotEntitled.code();

/// A list of decisions in the making.
pub(super) struct Reading<'banks> {
    after: Sequence,
    upto: Sequence,
    banks: &'banks Banks,
    count_max: usize,
    pub(super) found: Vec<Found>,
    /// The payments of these banks in the frames that were read.
    pub(super) orders: BTreeMap<Sequence, StoredOrder>,
    /// The commands in them that would change these banks.
    changes: BTreeMap<Sequence, BankChanged>,
    /// Those of them that did.
    pub(super) changed: Vec<BankChanged>,
    /// The commands in them that would request or answer recalls of these banks.
    recalls: BTreeMap<Sequence, RecallTold>,
    /// Those of them that did.
    pub(super) recalled: Vec<RecallTold>,
    /// The holds of these banks whose time was over.
    pub(super) expired: Vec<HoldExpired>,
    /// The commands in them about exceptions of these banks.
    exceptions: BTreeMap<Sequence, ExceptionTold>,
    /// Those of them that were carried out.
    pub(super) excepted: Vec<ExceptionTold>,
    /// The commands in them that would do something to requests to pay of these banks.
    requests: BTreeMap<Sequence, RequestTold>,
    /// What happened to requests to pay of these banks.
    pub(super) requested: Vec<RequestTold>,
    /// The orders of these banks that ended, and their packages of which everything has become.
    pub(super) orders_told: Vec<OrdersTold>,
    /// What commands in them book that may cross bounds of these banks, with the numbers of legs.
    pub(super) bookings: BTreeMap<(Sequence, u8), Booking>,
    /// The outcomes that tell of crossings, of these banks or older than what was read.
    pub(super) crossed: Vec<Told>,
    hosts: &'banks Hosts,
    /// The bytes of these frames.
    bytes: usize,
    /// Where the first of these frames begins.
    first: Option<Sequence>,
    /// Where the frames begin whose outcomes have not all been read, and their times.
    frames: VecDeque<(Sequence, Timestamp)>,
    /// Everything that was decided up to here has been read.
    pub(super) whole: Sequence,
}

impl<'banks> Reading<'banks> {
    pub(super) fn new(
        after: Sequence,
        upto: Sequence,
        banks: &'banks Banks,
        hosts: &'banks Hosts,
        count_max: usize,
    ) -> Self {
        Self {
            after,
            upto,
            banks,
            count_max: count_max.max(1),
            found: Vec::new(),
            orders: BTreeMap::new(),
            changes: BTreeMap::new(),
            changed: Vec::new(),
            recalls: BTreeMap::new(),
            recalled: Vec::new(),
            expired: Vec::new(),
            exceptions: BTreeMap::new(),
            excepted: Vec::new(),
            requests: BTreeMap::new(),
            requested: Vec::new(),
            orders_told: Vec::new(),
            bookings: BTreeMap::new(),
            crossed: Vec::new(),
            hosts,
            bytes: 0,
            first: None,
            frames: VecDeque::new(),
            whole: after,
        }
    }

    /// Takes in a frame: what it tells of those before it, and its payments. Says whether to go on.
    pub(super) fn frame(&mut self, frame: &FrameView<'_>) -> Result<bool, LogError> {
        for entry in OutcomeEntry::read_all(frame.outcomes())? {
            let is_repeat = entry.repeat_of().is_some();
            // A repeat tells of what was decided long before.
            let told_at = if is_repeat { entry.sequence() } else { entry.decided_at() };
            let is_enough = self.reach(told_at) && self.found.len() >= self.count_max;
            if is_enough || self.whole >= self.upto {
                return Ok(false);
            }
            let is_wanted = told_at > self.after && told_at <= self.upto && !is_repeat;
            if is_wanted && entry.refusal().is_none() && entry.request_ended().is_none() {
                self.requested.extend(self.requests.remove(&entry.sequence()));
                self.changed.extend(self.changes.remove(&entry.sequence()));
                let told = self.recalls.remove(&entry.sequence());
                self.recalled.extend(told.map(|told| told.with_subject(entry.subject())));
                self.excepted.extend(self.exceptions.remove(&entry.sequence()));
            }
            if is_wanted {
                let expired = HoldExpired::of(&entry, self.time_told(), self.hosts);
                self.expired.extend(expired.filter(|expired| self.banks.include(expired.bank)));
                let ended = RequestTold::of_entry(&entry, self.time_told(), self.hosts);
                self.requested.extend(ended.filter(|told| told.concerns(self.banks)));
                let told = OrdersTold::of(&entry, self.time_told(), self.hosts);
                self.orders_told.extend(told.filter(|told| self.banks.include(told.bank)));
            }
            if is_wanted && !entry.alerts().is_none() {
                self.crossed.extend(self.told(entry));
            }
            let found = Found::of(&entry).filter(|_| is_wanted);
            self.found.extend(found.filter(|found| self.may_concern(found.payment)));
        }
        let first = frame.header().first_sequence;
        self.first.get_or_insert(first);
        self.frames.push_back((first, frame.header().time));
        if first <= self.upto {
            for_each_record(frame, |position, record| {
                let order = StoredOrder::of(record).filter(|order| concerns(order, self.banks));
                self.orders.extend(order.map(|order| (position, order)));
                let bookings = Booking::each_of(record).into_iter();
                let bookings = bookings.filter(|(_, booking)| booking.concerns(self.banks, self.hosts));
                self.bookings.extend(bookings.map(|(leg, booking)| ((position, leg), booking)));
                let changed = bank_changed(frame, position, record);
                let changed = changed.filter(|changed| self.banks.include(changed.bank));
                self.changes.extend(changed.map(|changed| (position, changed)));
                let told = RecallTold::of(position, frame.header().time, record);
                let told = told.filter(|told| told.concerns(self.banks));
                self.recalls.extend(told.map(|told| (position, told)));
                let told = ExceptionTold::of(position, frame.header().time, record);
                let told = told.filter(|told| told.concerns(self.banks));
                self.exceptions.extend(told.map(|told| (position, told)));
                let told = RequestTold::of(position, frame.header().time, record);
                let told = told.filter(|told| told.concerns(self.banks));
                self.requests.extend(told.map(|told| (position, told)));
            })?;
        }
        self.bytes += frame.bytes().len();
        // It goes on at least until something is known, so that whoever asks again comes further.
        Ok(self.bytes < READ_BYTES_MAX || self.whole <= self.after)
    }

    /// An outcome that tells of crossings, unless they are of other banks. What it was decided in has been read, or it
    /// would not be wanted.
    fn told(&self, entry: OutcomeEntry) -> Option<Told> {
        let command = entry.payment().unwrap_or(entry.sequence());
        let leg = entry.leg_booked().map_or(0, |(leg, _)| leg);
        let is_older = self.first.is_none_or(|first| command < first);
        let time = self.time_told();
        (is_older || self.bookings.contains_key(&(command, leg))).then_some(Told {
            command,
            leg,
            entry,
            time,
        })
    }

    /// The time of the frame of which something is told now.
    fn time_told(&self) -> Timestamp {
        self.frames.front().map_or_else(Timestamp::default, |(_, time)| *time)
    }

    /// Whether a payment is one of these banks, or too old to say.
    fn may_concern(&self, payment: Sequence) -> bool {
        self.first.is_none_or(|first| payment < first) || self.orders.contains_key(&payment)
    }

    /// Entries follow in the order of the frames that decided. Says whether this is the first of another one.
    fn reach(&mut self, told_at: Sequence) -> bool {
        while self.frames.get(1).is_some_and(|(next, _)| *next <= told_at) {
            self.frames.pop_front();
        }
        let front = self.frames.front();
        let first = front.filter(|(first, _)| *first <= told_at && first.0 - 1 > self.whole.0);
        let Some((first, _)) = first else { return false };
        self.whole = Sequence(first.0 - 1);
        true
    }
}

/// Whether one of these banks is the payer's or the payee's.
pub(super) fn concerns(order: &StoredOrder, banks: &Banks) -> bool {
    banks.include(order.debtor_agent()) || order.creditor_agent().is_some_and(|agent| banks.include(agent))
}

/// What a command does to a bank, if it is carried out.
fn bank_changed(frame: &FrameView<'_>, position: Sequence, record: &Record<'_>) -> Option<BankChanged> {
    let (bic, change) = if let Command::SetParticipantStatus(set) = record.command {
        (set.bic, BankChange::Status(ParticipantStatus::from_number(set.status)?))
    } else if let Command::SetActivation(set) = record.command {
        (set.bic, BankChange::Activation { range: set.range(), is_active: set.is_active == 1 })
    } else {
        return None;
    };
    let (decided_time, bank) = (frame.header().time, Bic::from_bytes(bic)?);
    Some(BankChanged { decided_at: position, decided_time, bank, change })
}
