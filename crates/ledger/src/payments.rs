//! What became of each payment, for as long as duplicates are recognised.
//!
//! Payments stand in the order of their positions, so one is found by its position by a binary search, and by
//! its key through an index. The oldest are forgotten at each frame's tick once they are older than the
//! window; until then a retry gets the stored answer, whatever has happened since. Where there are too many, the
//! oldest that are final go to disk ([`crate::SealedRun`]), and leave the table at the ticks that follow.
//!
//! Invariants:
//! - A payment is decided once. Only one that is reserved is decided later, and it stays until then.
//! - What stands at or below the floor is on disk, and is never looked at here any more, dropped already or not.
//! - Which payments are forgotten follows from the log alone. Those on disk count for nothing in it: how many of them are
//!   still in memory depends on whether the ledger began with the log or with a stored state.

use types::{Bic, DigestKey, ParticipantNumber, PaymentState, ReasonCode, Sequence, StatusReason, Timestamp};

use crate::index::Index;
use crate::sealed::Sealed;
use crate::window::Window;
use crate::{Kind, Outcome, Position, QuestionState, Remark, Stage, Verdict};

#[path = "payments_state.rs"]
mod state;
pub(crate) use state::Known;

/// One payment and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Payment {
    pub(crate) sequence: Sequence,
    pub(crate) decided_at: Sequence,
    pub(crate) received_time: Timestamp,
    pub(crate) decided_time: Timestamp,
    pub(crate) acceptance_time: Timestamp,
    pub(crate) body_digest: [u8; 16],
    pub(crate) debtor_agent: Bic,
    pub(crate) transaction_id_length: u8,
    pub(crate) transaction_id: [u8; 35],
    pub(crate) state: PaymentState,
    pub(crate) reason: Option<ReasonCode>,
    /// [`HOLDS_KEY`], [`STAMPED`], [`LATE`], and what its [`Remark`] is.
    pub(crate) marks: u8,
    /// The question to the payer's bank, and the one to the payee's.
    pub(crate) questions: [QuestionState; 2],
    /// The payee's bank, if a bank was asked; else 0.
    pub(crate) creditor_bank: ParticipantNumber,
    /// The reason as the payee's bank is told it, if that is another one; else zeros.
    pub(crate) reason_to_creditor: [u8; 4],
}

/// What a bank is told of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Where it stands.
    pub state: PaymentState,
    /// Why it was not settled, in the code for this bank.
    pub reason: Option<ReasonCode>,
}

// `Limits` tells this number.
const _: () = assert!(size_of::<Payment>() == 120);

/// It holds its key. A refusal for an unknown bank or a changed body does not.
pub(crate) const HOLDS_KEY: u8 = 1;
/// Solvo stamped the acceptance time.
pub(crate) const STAMPED: u8 = 2;
/// Its settlement was confirmed late.
pub(crate) const LATE: u8 = 4;
/// It was above what the payer allows for one payment.
pub(crate) const LIMIT_PER_PAYMENT: u8 = 8;
/// It was above what the payer allows for a day.
pub(crate) const LIMIT_PER_DAY: u8 = 16;

/// Whether these are marks that a payment can have, refused for this reason or for none.
pub(crate) fn are_marks(marks: u8, reason: Option<ReasonCode>) -> bool {
    let limits = marks & (LIMIT_PER_PAYMENT | LIMIT_PER_DAY);
    let is_of_limit = reason == Some(StatusReason::CustomerLimit.code());
    marks & !(HOLDS_KEY | STAMPED | LATE | limits) == 0
        && (limits == 0 || is_of_limit && limits.is_power_of_two())
}

impl Payment {
    /// Its position.
    pub const fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The position that decided.
    pub const fn decided_at(&self) -> Sequence {
        self.decided_at
    }

    /// The log time of the decision.
    pub const fn decided_time(&self) -> Timestamp {
        self.decided_time
    }

    /// The log time at which it entered the log: of its reservation, if it was reserved.
    pub const fn received_time(&self) -> Timestamp {
        self.received_time
    }

    /// When the clock started.
    pub const fn acceptance_time(&self) -> Timestamp {
        self.acceptance_time
    }

    /// Whether Solvo stamped the acceptance time.
    pub const fn is_stamped(&self) -> bool {
        self.marks & STAMPED != 0
    }

    /// Whether its settlement was confirmed after the last moment that the scheme allows.
    pub const fn is_late(&self) -> bool {
        self.marks & LATE != 0
    }

    /// What the payer's side is told beside state and reason, each time that it is told of the payment.
    pub const fn remark(&self) -> Remark {
        Remark::of_marks(self.marks)
    }

    /// Where it stands.
    pub const fn state(&self) -> PaymentState {
        self.state
    }

    /// Why it was not settled.
    pub const fn reason(&self) -> Option<ReasonCode> {
        self.reason
    }

    /// Why it was not settled, in the code for the bank that decides this stage: at a time-out the payee's bank is
    /// told another one than the payer's.
    pub fn reason_to(&self, stage: Stage) -> Option<ReasonCode> {
        match stage {
            Stage::Debit => self.reason,
            Stage::Credit => ReasonCode::from_bytes(self.reason_to_creditor).or(self.reason),
        }
    }

    /// Where the question to the bank that decides this stage stands. The payee's bank hears of the payment only if
    /// it was asked.
    pub const fn question(&self, stage: Stage) -> QuestionState {
        let [debit, credit] = self.questions;
        match stage {
            Stage::Debit => debit,
            Stage::Credit => credit,
        }
    }

    /// What the bank of this stage may be told of where the payment stands; `None` if nothing.
    ///
    /// The payer's bank is told all. The payee's bank hears of a settlement; of a rejection only if it had accepted, by
    /// word or by silence, since its own needs no answer and a payment about which it was not asked is none of its
    /// business; of an expiry if it was asked, in the code for its side.
    pub fn told_to(&self, stage: Stage) -> Option<Told> {
        let told = Told { state: self.state, reason: self.reason_to(stage) };
        let concerns_creditor_bank = match (self.state, self.question(Stage::Credit)) {
            (PaymentState::Settled, _) => true,
            (PaymentState::Rejected, QuestionState::Accepted | QuestionState::Silent) => true,
            (PaymentState::Expired, asked) => asked != QuestionState::NotAsked,
            (PaymentState::Rejected | PaymentState::Reserved | PaymentState::Unresolved, _) => false,
        };
        (stage == Stage::Debit || concerns_creditor_bank).then_some(told)
    }

    /// Its outcome as it stands. The balances are not kept and are zero.
    pub const fn outcome(&self) -> Outcome {
        let (state, reason) = (self.state, self.reason);
        Outcome {
            sequence: self.sequence,
            decided_at: self.decided_at,
            decided_time: self.decided_time,
            accepted: self.acceptance_time,
            kind: Kind::Payment,
            verdict: Verdict::Payment { state, reason, repeat_of: None },
            alerts: crate::Alerts::NONE,
            late: self.is_late(),
            remark: self.remark(),
            balances: [0; 4],
        }
    }

    /// The payee's bank, if a bank was asked about the payment.
    pub fn creditor_bank(&self) -> Option<ParticipantNumber> {
        (self.creditor_bank.0 != 0).then_some(self.creditor_bank)
    }

    /// The payer's bank.
    pub const fn debtor_agent(&self) -> Bic {
        self.debtor_agent
    }

    /// The payer's bank's reference.
    pub fn transaction_id(&self) -> &str {
        std::str::from_utf8(self.id()).expect("records are checked when they are read")
    }

    fn id(&self) -> &[u8] {
        &self.transaction_id[..usize::from(self.transaction_id_length)]
    }

    const fn holds_key(&self) -> bool {
        self.marks & HOLDS_KEY != 0
    }

    fn has_key(&self, bank: Bic, id: &[u8]) -> bool {
        self.debtor_agent == bank && self.id() == id
    }
}

/// The payments within the window.
#[derive(Debug)]
pub(crate) struct Payments {
    window: Window<Payment>,
    by_key: Index,
    key: DigestKey,
    counts: [u64; 5],
    /// What has left the table for runs on disk.
    pub(crate) sealed: Sealed,
    /// Payments up to here that are not on disk are forgotten. In a stored state it shows as what is not there.
    forgotten_upto: Sequence,
    /// With more payments than this it is worth knowing which may be sealed.
    watched_above: usize,
    /// All payments up to here are final. No part of the state: it only says how far the look has come.
    final_upto: Sequence,
}

impl Payments {
    pub(crate) fn new(payments_max: usize) -> Self {
        Self {
            window: Window::new(payments_max),
            by_key: Index::new(),
            key: DigestKey::new([0; 16]),
            counts: [0; 5],
            sealed: Sealed::default(),
            forgotten_upto: Sequence(0),
            watched_above: SealMarks::of(payments_max).map_or(usize::MAX, |marks| marks.above),
            final_upto: Sequence(0),
        }
    }

    /// Takes the log's own key, so that nobody outside can choose ids that collide in the index.
    pub(crate) fn set_key(&mut self, key: DigestKey) {
        assert!(self.count() == 0, "the key is set by the log's first record");
        self.key = key;
    }

    pub(crate) fn reserve(&mut self, payments: usize) {
        self.window.reserve(payments);
        self.by_key.reserve(payments);
    }

    /// Makes the memory of so many more payments ready.
    pub(crate) fn make_ready(&mut self, payments: usize) {
        self.window.make_ready(payments);
    }

    pub(crate) fn count(&self) -> usize {
        self.window.entries().len()
    }

    /// How many payments stand in each state or ended in it, by the state's number less one.
    pub(crate) const fn counts(&self) -> [u64; 5] {
        self.counts
    }

    /// The payment that holds this key.
    pub(crate) fn find(&self, bank: Bic, id: &[u8]) -> Option<&Payment> {
        self.find_hashed(self.hash(bank, id), bank, id)
    }

    /// The same where the key's hash is known.
    pub(crate) fn find_hashed(&self, hash: u64, bank: Bic, id: &[u8]) -> Option<&Payment> {
        let gone_upto = self.gone_upto();
        let is_key = |slot| {
            let payment = self.window.at_slot(slot);
            payment.has_key(bank, id) && payment.sequence > gone_upto
        };
        self.by_key.find(hash, is_key).map(|slot| self.window.at_slot(slot))
    }

    /// Asks for what looking this key up will touch.
    pub(crate) fn prefetch(&self, bank: Bic, id: &[u8]) {
        self.by_key.prefetch(self.hash(bank, id));
    }

    /// The payment at this position, if it has not left the table.
    pub(crate) fn at(&self, sequence: Sequence) -> Option<&Payment> {
        if sequence <= self.gone_upto() {
            return None;
        }
        let entries = self.window.entries();
        // What has just been decided is asked for most.
        if let Some(last) = entries.back().filter(|last| last.sequence == sequence) {
            return Some(last);
        }
        let at = entries.binary_search_by(|payment| payment.sequence.cmp(&sequence)).ok()?;
        entries.get(at)
    }

    /// Marks the payment at this position, if it is still there, and tells it.
    pub(crate) fn mark_late(&mut self, sequence: Sequence) -> Option<Payment> {
        let entries = self.window.entries_mut();
        let at = entries.binary_search_by(|payment| payment.sequence.cmp(&sequence)).ok()?;
        entries[at].marks |= LATE;
        Some(entries[at])
    }

    /// Marks the payment in this slot.
    pub(crate) fn mark_late_at(&mut self, slot: u32) {
        self.window.at_slot_mut(slot).marks |= LATE;
    }

    /// The position below which payments have been forgotten, or are on disk.
    pub(crate) fn floor(&self) -> Option<Sequence> {
        let gone_upto = self.gone_upto();
        if self.window.forgotten() == 0 && gone_upto == Sequence(0) {
            return None;
        }
        Some(self.kept().next().map_or(Sequence(u64::MAX), |oldest| oldest.sequence))
    }

    pub(crate) fn at_slot(&self, slot: u32) -> &Payment {
        self.window.at_slot(slot)
    }

    /// Notes where the question to a bank stands.
    pub(crate) fn set_question(&mut self, slot: u32, stage: Stage, state: QuestionState) {
        let [debit, credit] = &mut self.window.at_slot_mut(slot).questions;
        match stage {
            Stage::Debit => *debit = state,
            Stage::Credit => *credit = state,
        }
    }

    /// Decides a reserved payment, for ever.
    pub(crate) fn decide(
        &mut self,
        slot: u32,
        state: PaymentState,
        reason: Option<ReasonCode>,
        at: Position,
    ) {
        let payment = self.window.at_slot_mut(slot);
        assert!(payment.state == PaymentState::Reserved, "only a reserved payment is decided later");
        assert!(state.is_final(), "a decision is for ever");
        payment.state = state;
        payment.reason = reason;
        payment.decided_at = at.sequence;
        payment.decided_time = at.time;
        self.counts[usize::from(PaymentState::Reserved.number() - 1)] -= 1;
        self.counts[usize::from(state.number() - 1)] += 1;
    }

    /// Notes what the payee's bank is told instead of the payment's reason.
    pub(crate) fn set_reason_to_creditor(&mut self, slot: u32, reason: [u8; 4]) {
        self.window.at_slot_mut(slot).reason_to_creditor = reason;
    }

    /// Adds a payment, whose key has this hash, and returns its slot.
    pub(crate) fn add(&mut self, payment: Payment, hash: u64) -> u32 {
        let last = self.window.entries().back();
        assert!(last.is_none_or(|last| last.sequence < payment.sequence), "payments are in log order");
        self.counts[usize::from(payment.state.number() - 1)] += 1;
        let slot = self.window.push(payment);
        if payment.holds_key() {
            self.by_key.insert(hash, slot);
        }
        slot
    }

    /// Up to which position payments are of no account here any more: forgotten, or on disk. Some may still be in memory.
    pub(crate) fn gone_upto(&self) -> Sequence {
        self.forgotten_upto.max(self.sealed.floor())
    }

    /// Forgets the payments received before `limit`, at most `count_max` of those that are not on disk, and drops from
    /// memory what is forgotten, and at most `dropped_max` of those that are on disk.
    pub(crate) fn forget(&mut self, limit: Timestamp, count_max: usize, dropped_max: usize) {
        let may_be = |oldest: &&Payment| oldest.received_time < limit && oldest.state.is_final();
        let (mut upto, mut forgotten) = (self.gone_upto(), 0);
        for payment in self.behind(upto).take(count_max).take_while(may_be) {
            upto = payment.sequence;
            forgotten += 1;
        }
        if forgotten > 0 {
            self.forgotten_upto = upto;
        }
        self.drop_gone(forgotten + dropped_max);
    }

    fn drop_gone(&mut self, count_max: usize) {
        let gone_upto = self.gone_upto();
        for _ in 0..count_max {
            let Some((slot, dropped)) = self.window.forget_if(|oldest| oldest.sequence <= gone_upto) else {
                return;
            };
            assert!(dropped.state.is_final(), "only payments that are final are forgotten or sealed");
            if dropped.holds_key() {
                self.by_key.remove(self.hash(dropped.debtor_agent, dropped.id()), slot);
            }
        }
    }

    /// Looks on, over at most `count_max` payments, for how far all are final, if there are so many that it is worth it.
    pub(crate) fn watch(&mut self, count_max: usize) {
        if self.count() > self.watched_above {
            self.final_upto = self.all_final_upto(count_max);
        }
    }

    /// Up to which position all payments are final, looking over at most `count_max` more than at the last look.
    pub(crate) fn all_final_upto(&self, count_max: usize) -> Sequence {
        let known = self.final_upto.max(self.gone_upto());
        let ahead = self.behind(known).take(count_max).take_while(|payment| payment.state.is_final());
        ahead.last().map_or(known, |payment| payment.sequence)
    }

    /// The payments behind a position, in order.
    pub(crate) fn behind(&self, position: Sequence) -> impl Iterator<Item = &Payment> {
        let entries = self.window.entries();
        // Mostly all of them, and no search is needed.
        let place = match entries.front() {
            Some(oldest) if oldest.sequence <= position => {
                entries.partition_point(|payment| payment.sequence <= position)
            }
            Some(_) | None => 0,
        };
        entries.range(place..)
    }

    /// Whether all payments up to here are final.
    pub(crate) fn are_final_upto(&self, position: Sequence) -> bool {
        let known = self.final_upto.max(self.gone_upto());
        self.behind(known)
            .take_while(|payment| payment.sequence <= position)
            .all(|payment| payment.state.is_final())
    }

    /// How many payments of the table stand up to here that are neither on disk nor forgotten.
    pub(crate) fn count_upto(&self, position: Sequence) -> usize {
        let place = |position| self.window.entries().partition_point(|payment| payment.sequence <= position);
        place(position).saturating_sub(place(self.gone_upto()))
    }

    /// The last payment at or before a position that is neither on disk nor forgotten.
    pub(crate) fn last_upto(&self, position: Sequence) -> Option<&Payment> {
        let entries = self.window.entries();
        let last =
            entries.get(entries.partition_point(|payment| payment.sequence <= position).checked_sub(1)?);
        last.filter(|last| last.sequence > self.gone_upto())
    }

    /// How many payments stand in the table that are neither on disk nor forgotten.
    pub(crate) fn count_kept(&self) -> usize {
        let entries = self.window.entries();
        let gone_upto = self.gone_upto();
        if entries.front().is_none_or(|oldest| oldest.sequence > gone_upto) {
            return entries.len();
        }
        entries.len() - entries.partition_point(|payment| payment.sequence <= gone_upto)
    }

    /// Those payments, in order.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &Payment> {
        self.behind(self.gone_upto())
    }

    /// The hash of a key.
    pub(crate) fn hash(&self, bank: Bic, id: &[u8]) -> u64 {
        // All characters count: the banks of one group share the first four and often the ids as well.
        let folded =
            bank.as_bytes().iter().fold(0_u32, |folded, byte| folded.rotate_left(5) ^ u32::from(*byte));
        self.key.table_hash(folded, id)
    }
}

/// When payments leave the table for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealMarks {
    /// With more payments than this, the oldest are sealed.
    pub above: usize,
    /// So many payments make a run.
    pub run_payments: usize,
}

impl SealMarks {
    /// The marks of a table for so many payments; `None` if it is too small to seal from. At most half of the table is for
    /// the newest, the rest for what comes while a run is written. What is not sealed is written into every snapshot, so
    /// there is no more of it than repeats of the last hours need.
    pub fn of(payments_max: usize) -> Option<Self> {
        let run_payments = (payments_max / 16).min(RUN_PAYMENTS_MAX);
        (run_payments >= RUN_PAYMENTS_MIN)
            .then_some(Self { above: (payments_max / 2).min(NEWEST_MAX), run_payments })
    }
}

/// A minute of payments at 80,000 a second, and a day at 50.
const NEWEST_MAX: usize = 4 << 20;

/// A larger run would keep the disk busy for longer, and a smaller one is not worth a file.
const RUN_PAYMENTS_MAX: usize = 1 << 20;
const RUN_PAYMENTS_MIN: usize = 16;

#[cfg(test)]
#[path = "payments_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "payments_told_tests.rs"]
mod told_tests;
