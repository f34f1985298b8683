//! The recalls of the last months, and the answers to them.
//!
//! Invariants:
//! - A payment has at most one recall, and a recall at most one return.
//! - Recalls stand in the order of their positions, and are forgotten in that order: after the time in which their payment
//!   could be recalled and the answer to that be given.
//! - The open ones are listed by the bank that has to answer; those whose bank's silence is answered for it also by the last
//!   day for an answer, so that nobody has to look at all of them.

use types::{AccountNumber, Amount, Currency, Date, ParticipantNumber, RecallReason, Sequence, Timestamp};

use crate::RecallAnswer;
use crate::index::{Index, hash};
use crate::limits::{FORGOTTEN_PER_TICK_MAX, RECALLS_KEPT, RECALLS_MAX};
use crate::mutants::{Mutant, is_on};
use crate::window::Window;

#[path = "recalls_state.rs"]
mod state;

/// One recall and what came of it.
#[derive(Clone, Copy, Debug)]
pub struct Recall {
    pub(crate) sequence: Sequence,
    pub(crate) time: Timestamp,
    pub(crate) payment: Sequence,
    pub(crate) amount: Amount,
    pub(crate) currency: Currency,
    pub(crate) reason: RecallReason,
    pub(crate) debtor_bank: ParticipantNumber,
    pub(crate) creditor_bank: ParticipantNumber,
    pub(crate) debtor_account: AccountNumber,
    pub(crate) creditor_account: AccountNumber,
    pub(crate) answer_by: Date,
    pub(crate) answered: Option<Answered>,
}

/// The answer to a recall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The position of the command that gave it.
    pub sequence: Sequence,
    /// Its log time.
    pub time: Timestamp,
    /// What it says.
    pub answer: RecallAnswer,
    /// Whether what went back went to the core account of the payer's bank, because the payer's account took no bookings
    /// then.
    pub is_elsewhere: bool,
}

impl Recall {
    /// Its position.
    pub const fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The log time at which it was requested.
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// The position of the payment that is asked back.
    pub const fn payment(&self) -> Sequence {
        self.payment
    }

    /// How much was paid.
    pub const fn amount(&self) -> Amount {
        self.amount
    }

    /// In which currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// Why it is asked back.
    pub const fn reason(&self) -> RecallReason {
        self.reason
    }

    /// The bank that asks: the payer's.
    pub const fn debtor_bank(&self) -> ParticipantNumber {
        self.debtor_bank
    }

    /// The bank that has to answer: the payee's.
    pub const fn creditor_bank(&self) -> ParticipantNumber {
        self.creditor_bank
    }

    /// The payer's account, if it is kept here.
    pub fn debtor_account(&self) -> Option<AccountNumber> {
        kept(self.debtor_account)
    }

    /// The payee's account, if it is kept here.
    pub fn creditor_account(&self) -> Option<AccountNumber> {
        kept(self.creditor_account)
    }

    /// The last day for an answer, in UTC.
    pub const fn answer_by(&self) -> Date {
        self.answer_by
    }

    /// The answer, if one was given.
    pub const fn answered(&self) -> Option<&Answered> {
        self.answered.as_ref()
    }

    /// Whether the answer came after its last day.
    pub fn is_late(&self) -> bool {
        self.answered.is_some_and(|answered| answered.time.date() > self.answer_by)
    }

    /// Whether the bank still may give the money back: it has said nothing, or others have said for it that it was silent.
    pub fn may_return(&self) -> bool {
        match self.answered.map(|answered| answered.answer) {
            None | Some(RecallAnswer::TimeOver(_)) => true,
            Some(RecallAnswer::Return { .. }) => is_on(Mutant::ReturnTwice),
            Some(RecallAnswer::Refuse(_)) => false,
        }
    }
}

fn kept(account: AccountNumber) -> Option<AccountNumber> {
    (account.0 != 0).then_some(account)
}

// `Limits` tells this number.
const _: () = assert!(size_of::<Recall>() <= crate::limits::RECALL_BYTES);

/// All recalls that are kept.
#[derive(Debug)]
pub(crate) struct Recalls {
    window: Window<Recall>,
    by_payment: Index,
    /// Those without an answer, by the bank that has to give it and then in their order.
    open: Vec<(ParticipantNumber, Sequence)>,
    /// Those without an answer whose bank's silence is answered for it, by the last day for an answer and then in their
    /// order.
    ending: Vec<(Date, Sequence)>,
    /// The banks whose silence is answered for them, in order.
    answered_for: Vec<ParticipantNumber>,
}

impl Recalls {
    pub(crate) fn new(recalls_max: usize) -> Self {
        Self {
            window: Window::new(recalls_max),
            by_payment: Index::new(),
            open: Vec::new(),
            ending: Vec::new(),
            answered_for: Vec::new(),
        }
    }

    pub(crate) fn reserve(&mut self, records: usize) {
        self.window.reserve(records);
        self.by_payment.reserve(records);
        self.open.reserve(records);
        self.ending.reserve(records);
        self.answered_for.reserve(records);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.count() >= RECALLS_MAX
    }

    pub(crate) fn count(&self) -> usize {
        self.window.entries().len()
    }

    pub(crate) fn open_count(&self) -> usize {
        self.open.len()
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Recall> {
        self.window.entries().iter()
    }

    /// The recall at this position.
    pub(crate) fn at(&self, sequence: Sequence) -> Option<&Recall> {
        let entries = self.window.entries();
        let place = entries.binary_search_by(|recall| recall.sequence.cmp(&sequence)).ok()?;
        entries.get(place)
    }

    /// The recall of the payment at this position.
    pub(crate) fn of_payment(&self, payment: Sequence) -> Option<&Recall> {
        let is_its = |slot| self.window.at_slot(slot).payment == payment;
        self.by_payment.find(hash(payment.0), is_its).map(|slot| self.window.at_slot(slot))
    }

    pub(crate) fn add(&mut self, recall: Recall) {
        self.keep(recall);
        if recall.answered.is_none() {
            put(&mut self.open, (recall.creditor_bank, recall.sequence));
            if self.is_silence_answered(&recall) {
                put(&mut self.ending, ending(&recall));
            }
        }
    }

    /// Adds a recall, and leaves it to [`Self::list`] to list it.
    fn keep(&mut self, recall: Recall) {
        let last = self.window.entries().back();
        assert!(last.is_none_or(|last| last.sequence < recall.sequence), "recalls are in log order");
        assert!(self.of_payment(recall.payment).is_none(), "a payment has one recall");
        let slot = self.window.push(recall);
        self.by_payment.insert(hash(recall.payment.0), slot);
    }

    /// Lists all that have no answer.
    fn list(&mut self) {
        let unanswered = || self.iter().filter(|recall| recall.answered.is_none());
        let mut open: Vec<_> = unanswered().map(|recall| (recall.creditor_bank, recall.sequence)).collect();
        let mut over: Vec<_> =
            unanswered().filter(|recall| self.is_silence_answered(recall)).map(ending).collect();
        open.sort_unstable();
        over.sort_unstable();
        (self.open, self.ending) = (open, over);
    }

    /// Takes down the answer to a recall.
    pub(crate) fn answer(&mut self, sequence: Sequence, answered: Answered) {
        let entries = self.window.entries_mut();
        let place = entries.binary_search_by(|recall| recall.sequence.cmp(&sequence));
        let recall = &mut entries[place.expect("the rules have found the recall")];
        assert!(recall.may_return(), "a recall is answered once");
        let before = recall.answered.replace(answered);
        let recall = *recall;
        if before.is_none() {
            assert!(self.close(&recall), "what has no answer is listed");
        }
    }

    /// Takes a recall from the lists of those without an answer. Says whether it was there.
    fn close(&mut self, recall: &Recall) -> bool {
        take(&mut self.ending, ending(recall));
        take(&mut self.open, (recall.creditor_bank, recall.sequence))
    }

    /// The open recalls that a bank has to answer, behind this position, in order.
    pub(crate) fn open_of(&self, bank: ParticipantNumber, after: Sequence) -> impl Iterator<Item = &Recall> {
        let start = self.open.partition_point(|known| *known <= (bank, after));
        let of_bank = self.open[start..].iter().take_while(move |known| known.0 == bank);
        of_bank.map(|(_, sequence)| self.at(*sequence).expect("what is listed is kept"))
    }

    /// All open recalls behind this place in the order of the banks that have to answer them and then their own.
    pub(crate) fn all_open(
        &self,
        after: Option<(ParticipantNumber, Sequence)>,
    ) -> impl Iterator<Item = &Recall> {
        let start = after.map_or(0, |after| self.open.partition_point(|known| *known <= after));
        self.open[start..].iter().map(|(_, sequence)| self.at(*sequence).expect("what is listed is kept"))
    }

    /// The open recalls whose last day for an answer is before this one and whose bank's silence is answered for it, by that
    /// day.
    pub(crate) fn ending_before(&self, today: Date) -> impl Iterator<Item = &Recall> {
        let over = self.ending.iter().take_while(move |(answer_by, _)| *answer_by < today);
        over.map(|(_, sequence)| self.at(*sequence).expect("what is listed is kept"))
    }

    pub(crate) fn set_answered_for(&mut self, bank: ParticipantNumber, is_answered_for: bool) {
        match (self.answered_for.binary_search(&bank), is_answered_for) {
            (Err(place), true) => self.answered_for.insert(place, bank),
            (Ok(place), false) => {
                self.answered_for.remove(place);
            }
            (Ok(_), true) | (Err(_), false) => return,
        }
        let mut list = std::mem::take(&mut self.ending);
        for recall in self.open_of(bank, Sequence(0)) {
            match self.is_silence_answered(recall) {
                true => put(&mut list, ending(recall)),
                false => take(&mut list, ending(recall)),
            };
        }
        self.ending = list;
    }

    /// Whether the silence of the bank that was asked is answered for it: if the payee's account is kept here, and if the
    /// bank wants it so.
    pub(crate) fn is_silence_answered(&self, recall: &Recall) -> bool {
        recall.creditor_account().is_some() || self.is_answered_for(recall.creditor_bank)
    }

    /// Whether a bank's silence is answered for it.
    pub(crate) fn is_answered_for(&self, bank: ParticipantNumber) -> bool {
        self.answered_for.binary_search(&bank).is_ok()
    }

    /// Forgets what is older than can matter, a bounded number of them.
    pub(crate) fn forget(&mut self, now: Timestamp) {
        let limit = now.minus(RECALLS_KEPT);
        for _ in 0..FORGOTTEN_PER_TICK_MAX {
            let Some((slot, forgotten)) = self.window.forget_if(|oldest| oldest.time < limit) else { return };
            self.by_payment.remove(hash(forgotten.payment.0), slot);
            self.close(&forgotten);
        }
    }

    /// What holds between the recalls and their lists.
    pub(crate) fn validate(&self) {
        let unanswered = self.iter().filter(|recall| recall.answered.is_none()).count();
        assert!(unanswered == self.open.len(), "exactly what has no answer is listed");
        assert!(self.open.is_sorted(), "open recalls are listed in order");
        let answered_for = self.iter().filter(|recall| recall.answered.is_none());
        let mut expected: Vec<_> =
            answered_for.filter(|recall| self.is_silence_answered(recall)).map(ending).collect();
        expected.sort_unstable();
        assert!(expected == self.ending, "those whose end is said for their bank are listed by their day");
        for recall in self.iter() {
            if let Some(Answered { answer: RecallAnswer::Return { amount, fee }, .. }) = recall.answered {
                let given = amount.minor_units() + fee.minor_units();
                assert!(given <= recall.amount.minor_units(), "no more goes back than was paid");
            }
        }
    }
}

const fn ending(recall: &Recall) -> (Date, Sequence) {
    (recall.answer_by, recall.sequence)
}

/// Puts something in its place in an ordered list. Says whether it was not there.
fn put<T: Ord>(list: &mut Vec<T>, entry: T) -> bool {
    let place = list.binary_search(&entry);
    place.map_err(|place| list.insert(place, entry)).is_err()
}

/// Takes something from an ordered list. Says whether it was there.
fn take<T: Ord>(list: &mut Vec<T>, entry: T) -> bool {
    list.binary_search(&entry).map(|place| list.remove(place)).is_ok()
}
