//! The exceptions that banks look after, and what the core has noticed that is to become one.
//!
//! What the core notices while it decides is kept as a short note, oldest first; the node logs a command that raises it as
//! an exception, so that each has a position of its own. Exceptions stand in fixed slots that are used again, listed in the
//! order of their positions.
//!
//! Invariants:
//! - The same thing is an exception once: of a payment or a recall for as long as it is kept, of an account or a reference
//!   for as long as it is not resolved.
//! - A resolved exception has nothing in suspense, and is never acted on again.
//! - Only what is resolved is forgotten.

use std::collections::VecDeque;

use types::{Amount, Currency, ParticipantNumber, Sequence, Timestamp};

use crate::index::{Index, index};
use crate::limits::{
    DUPLICATE_WINDOW, EXCEPTION_BYTES, EXCEPTIONS_FORGOTTEN_PER_TICK_MAX, EXCEPTIONS_KEPT, EXCEPTIONS_MAX,
    NOTICED_MAX,
};
use crate::mutants::{Mutant, is_on};
use crate::{Direction, ExceptionAction, ExceptionKind, ExceptionOwner};

#[path = "exceptions_state.rs"]
mod state;

/// One exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    pub(crate) sequence: Sequence,
    pub(crate) time: Timestamp,
    pub(crate) kind: ExceptionKind,
    pub(crate) bank: ParticipantNumber,
    pub(crate) other_bank: ParticipantNumber,
    pub(crate) subject: Sequence,
    pub(crate) subject_digest: [u8; 16],
    pub(crate) amount: i64,
    pub(crate) currency: Currency,
    pub(crate) direction: Option<Direction>,
    pub(crate) owner: Option<ExceptionOwner>,
    pub(crate) assigned_at: Sequence,
    /// The last action.
    pub(crate) acted: Option<Acted>,
    pub(crate) asked_count: u32,
    pub(crate) is_in_suspense: bool,
    /// What was out of order came right by itself.
    pub(crate) is_over: bool,
}

/// What was done about an exception last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acted {
    /// The position of the command.
    pub at: Sequence,
    /// Its log time.
    pub time: Timestamp,
    /// What it did.
    pub action: ExceptionAction,
}

impl Exception {
    /// Its position.
    pub const fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The log time at which it was raised.
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// What is out of order.
    pub const fn kind(&self) -> ExceptionKind {
        self.kind
    }

    /// The bank that has to look after it.
    pub const fn bank(&self) -> ParticipantNumber {
        self.bank
    }

    /// The bank on the other side of the payment, if there is one.
    pub fn other_bank(&self) -> Option<ParticipantNumber> {
        (self.other_bank.0 != 0).then_some(self.other_bank)
    }

    /// The position of the payment or recall that it is about, if it is about one.
    pub fn subject(&self) -> Option<Sequence> {
        (self.subject.0 != 0).then_some(self.subject)
    }

    /// How much is in question, if money is.
    pub fn amount(&self) -> Option<Amount> {
        Amount::from_minor_units(self.amount)
    }

    /// In which currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// Which way money goes on the customer's account.
    pub const fn direction(&self) -> Option<Direction> {
        self.direction
    }

    /// Who looks after it, and the position at which that was said last.
    pub fn owner(&self) -> Option<(ExceptionOwner, Sequence)> {
        self.owner.map(|owner| (owner, self.assigned_at))
    }

    /// What was done about it last.
    pub const fn acted(&self) -> Option<Acted> {
        self.acted
    }

    /// How often somebody was asked again.
    pub const fn asked_count(&self) -> u32 {
        self.asked_count
    }

    /// Whether the money is kept apart.
    pub const fn is_in_suspense(&self) -> bool {
        self.is_in_suspense
    }

    /// Whether nothing is left to be done.
    pub fn is_resolved(&self) -> bool {
        self.acted.is_some_and(|acted| acted.action.resolves())
    }

    /// What it leaves on the suspense account of its bank, in minor units.
    pub(crate) fn suspended(&self) -> i64 {
        match (self.is_in_suspense, self.direction) {
            (false, _) | (true, None) => 0,
            (true, Some(Direction::Credit)) => self.amount,
            (true, Some(Direction::Debit)) => -self.amount,
        }
    }

    const fn name(&self) -> Name {
        (self.kind, self.bank, self.subject, self.subject_digest)
    }
}

/// What makes two exceptions the same.
pub(crate) type Name = (ExceptionKind, ParticipantNumber, Sequence, [u8; 16]);

/// Something that the core has seen, and that is to be raised as an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Noticed {
    /// When that payment was decided.
    pub decided: Timestamp,
    /// The payment that it is about.
    pub payment: Sequence,
}

/// The kinds that the core notices; each has a list of its own.
pub(crate) const NOTICED_KINDS: [ExceptionKind; 2] =
    [ExceptionKind::LatePositive, ExceptionKind::LateConfirmation];

// `Limits` tells this number. An index has cells of 8 bytes, is at least 7/16 full once it has grown, and keeps the table before
// while it grows.
const _: () = {
    let index = 2 * 8 * 16 / 7;
    let lists = size_of::<(Sequence, u32)>() + 2 * size_of::<Sequence>() + size_of::<u32>();
    assert!(size_of::<Option<Exception>>() + index + lists <= EXCEPTION_BYTES);
};

/// All of them.
#[derive(Debug)]
pub(crate) struct Exceptions {
    slots: Vec<Option<Exception>>,
    free: Vec<u32>,
    /// The slots in use, in the order of their positions.
    order: VecDeque<(Sequence, u32)>,
    by_name: Index,
    /// Those that are resolved, in the order in which they were.
    resolved: VecDeque<Sequence>,
    /// Those that are not resolved although what was out of order came right by itself, in the order of their positions.
    over: VecDeque<Sequence>,
    /// Those that the core has noticed, by kind and then in order.
    noticed: [VecDeque<Noticed>; NOTICED_KINDS.len()],
    /// How many could not be noticed, because too many were, by kind.
    overlooked: [u64; NOTICED_KINDS.len()],
}

impl Exceptions {
    /// Sets address space aside for as many as there may be.
    pub(crate) fn new() -> Self {
        Self {
            slots: Vec::with_capacity(EXCEPTIONS_MAX),
            free: Vec::with_capacity(EXCEPTIONS_MAX),
            order: VecDeque::with_capacity(EXCEPTIONS_MAX),
            by_name: Index::new(),
            resolved: VecDeque::with_capacity(EXCEPTIONS_MAX),
            over: VecDeque::with_capacity(EXCEPTIONS_MAX),
            noticed: std::array::from_fn(|_| VecDeque::with_capacity(NOTICED_MAX)),
            overlooked: [0; NOTICED_KINDS.len()],
        }
    }

    /// Makes room for this many more. The lists have theirs from the start.
    pub(crate) fn reserve(&mut self, exceptions: usize) {
        self.by_name.reserve(exceptions);
    }

    pub(crate) fn count(&self) -> usize {
        self.order.len()
    }

    pub(crate) fn open_count(&self) -> usize {
        self.order.len() - self.resolved.len()
    }

    /// All of them, in the order of their positions.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Exception> {
        self.order.iter().map(|(_, slot)| self.get(*slot))
    }

    /// Those behind this position, in order.
    pub(crate) fn behind(&self, after: Sequence) -> impl Iterator<Item = &Exception> {
        let start = self.order.partition_point(|(sequence, _)| *sequence <= after);
        self.order.range(start..).map(|(_, slot)| self.get(*slot))
    }

    /// The exception at this position.
    pub(crate) fn at(&self, sequence: Sequence) -> Option<&Exception> {
        self.place(sequence).ok().map(|place| self.get(self.order[place].1))
    }

    /// The exception with this name.
    pub(crate) fn named(&self, name: &Name) -> Option<&Exception> {
        self.slot_of(name).map(|slot| self.get(slot))
    }

    pub(crate) fn add(&mut self, exception: Exception) {
        assert!(self.count() < EXCEPTIONS_MAX, "the rules have made room");
        assert!(self.order.back().is_none_or(|(last, _)| *last < exception.sequence), "log order");
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("slots have 32 bits")
        });
        self.slots[index(slot)] = Some(exception);
        self.order.push_back((exception.sequence, slot));
        if self.slot_of(&exception.name()).is_none() {
            self.by_name.insert(hash(&exception.name()), slot);
        }
    }

    pub(crate) fn assign(&mut self, sequence: Sequence, owner: ExceptionOwner, at: Sequence) {
        let exception = self.found(sequence);
        (exception.owner, exception.assigned_at) = (Some(owner), at);
    }

    /// Takes down an action, and where the money is after it.
    pub(crate) fn act(&mut self, sequence: Sequence, acted: Acted, is_in_suspense: bool) {
        let exception = self.found(sequence);
        let was_resolved = exception.is_resolved();
        assert!(!was_resolved || is_on(Mutant::ResolveTwice), "a resolved exception is left alone");
        exception.acted = Some(acted);
        exception.is_in_suspense = is_in_suspense;
        if acted.action == ExceptionAction::AskAgain {
            exception.asked_count = exception.asked_count.saturating_add(1);
        }
        let exception = *exception;
        if !acted.action.resolves() || was_resolved {
            return;
        }
        assert!(!is_in_suspense, "what is resolved has nothing in suspense");
        self.resolved.push_back(sequence);
        take(&mut self.over, sequence);
        if exception.kind.recurs() {
            self.unname(&exception);
        }
    }

    /// What was out of order came right by itself: it is not raised any more, or may be closed.
    pub(crate) fn end(&mut self, name: &Name) {
        let Some(slot) = self.slot_of(name) else { return };
        let exception = self.slots[index(slot)].as_mut().expect("the slot is in use");
        if exception.is_resolved() || exception.is_over {
            return;
        }
        exception.is_over = true;
        let sequence = exception.sequence;
        let place = self.over.binary_search(&sequence).expect_err("it was not over before");
        self.over.insert(place, sequence);
    }

    /// Those that came right by themselves and are not resolved.
    pub(crate) fn over(&self) -> impl Iterator<Item = &Exception> {
        self.over.iter().map(|sequence| self.at(*sequence).expect("what is listed is kept"))
    }

    /// Notes that something is to be raised. Too many are not noted, and counted.
    pub(crate) fn notice(&mut self, kind: ExceptionKind, noticed: Noticed) {
        let list = list_of(kind).expect("the core notices nothing else");
        if let Err(place) = self.noticed[list].binary_search(&noticed) {
            match self.noticed[list].len() < NOTICED_MAX {
                true => self.noticed[list].insert(place, noticed),
                false => self.overlooked[list] += 1,
            }
        }
    }

    /// What was noted, if it was, is not to be raised any more.
    pub(crate) fn forget_noticed(&mut self, kind: ExceptionKind, noticed: Noticed) {
        if let Some(list) = list_of(kind) {
            take(&mut self.noticed[list], noticed);
        }
    }

    /// What is to be raised, by kind and then in order.
    pub(crate) fn noticed(&self) -> impl Iterator<Item = (ExceptionKind, Noticed)> {
        let lists = NOTICED_KINDS.into_iter().zip(&self.noticed);
        lists.flat_map(|(kind, list)| list.iter().map(move |noticed| (kind, *noticed)))
    }

    /// How many could not be noticed.
    pub(crate) fn overlooked(&self) -> u64 {
        self.overlooked.iter().sum()
    }

    /// Makes room for one more, by forgetting the one that was resolved first. Says whether there is room.
    pub(crate) fn make_room(&mut self) -> bool {
        if self.count() >= EXCEPTIONS_MAX
            && let Some(oldest) = self.resolved.front().copied()
        {
            self.forget_one(oldest);
        }
        self.count() < EXCEPTIONS_MAX
    }

    /// Forgets what was resolved long ago, a bounded number of them, and what was noticed about payments of which nothing
    /// more is known.
    pub(crate) fn forget(&mut self, now: Timestamp) {
        let oldest = now.minus(DUPLICATE_WINDOW);
        for (list, overlooked) in self.noticed.iter_mut().zip(&mut self.overlooked) {
            for _ in 0..EXCEPTIONS_FORGOTTEN_PER_TICK_MAX {
                if list.pop_front_if(|noticed| noticed.decided < oldest).is_some() {
                    *overlooked += 1;
                }
            }
        }
        let limit = now.minus(EXCEPTIONS_KEPT);
        for _ in 0..EXCEPTIONS_FORGOTTEN_PER_TICK_MAX {
            let Some(oldest) = self.resolved.front().copied() else { return };
            let acted = self.at(oldest).and_then(Exception::acted);
            if acted.is_none_or(|acted| acted.time >= limit) {
                return;
            }
            self.forget_one(oldest);
        }
    }

    fn forget_one(&mut self, oldest: Sequence) {
        let front = self.resolved.pop_front();
        assert!(front == Some(oldest), "what was resolved first is forgotten first");
        let place = self.place(oldest).expect("what is listed is kept");
        let (_, slot) = self.order.remove(place).expect("it was found");
        let exception = self.slots[index(slot)].expect("the slot is in use");
        if !exception.kind.recurs() {
            self.unname(&exception);
        }
        self.slots[index(slot)] = None;
        self.free.push(slot);
    }

    fn unname(&mut self, exception: &Exception) {
        let name = exception.name();
        let slot = self.slot_of(&name).filter(|slot| self.get(*slot).sequence == exception.sequence);
        if let Some(slot) = slot {
            self.by_name.remove(hash(&name), slot);
        }
    }

    fn slot_of(&self, name: &Name) -> Option<u32> {
        self.by_name.find(hash(name), |slot| self.get(slot).name() == *name)
    }

    fn place(&self, sequence: Sequence) -> Result<usize, usize> {
        self.order.binary_search_by(|(known, _)| known.cmp(&sequence))
    }

    fn get(&self, slot: u32) -> &Exception {
        self.slots[index(slot)].as_ref().expect("the slot is in use")
    }

    fn found(&mut self, sequence: Sequence) -> &mut Exception {
        let place = self.place(sequence).expect("the rules have found the exception");
        let slot = self.order[place].1;
        self.slots[index(slot)].as_mut().expect("the slot is in use")
    }

    /// What holds between the exceptions and their lists.
    pub(crate) fn validate(&self) {
        assert!(self.order.iter().is_sorted_by_key(|(sequence, _)| *sequence), "listed in order");
        assert!(self.order.len() + self.free.len() == self.slots.len(), "a slot is in use or free");
        let resolved = self.iter().filter(|exception| exception.is_resolved()).count();
        assert!(resolved == self.resolved.len(), "exactly what is resolved is listed as that");
        let over = self.iter().filter(|exception| exception.is_over && !exception.is_resolved());
        assert!(over.count() == self.over.len(), "exactly what is over is listed as that");
        assert!(self.over.iter().is_sorted(), "what is over is listed in order");
        for exception in self.iter() {
            let is_clear = !exception.is_resolved() || !exception.is_in_suspense;
            assert!(is_clear, "what is resolved has nothing in suspense");
            if !exception.is_resolved() {
                let named = self.named(&exception.name()).map(Exception::sequence);
                assert!(
                    named == Some(exception.sequence) || is_on(Mutant::RaiseTwice),
                    "what is not resolved is found by its name"
                );
            }
        }
        for list in &self.noticed {
            assert!(list.iter().is_sorted(), "what is noticed is listed in order");
        }
    }
}

fn list_of(kind: ExceptionKind) -> Option<usize> {
    NOTICED_KINDS.iter().position(|known| *known == kind)
}

/// Takes something from an ordered list. Says whether it was there.
fn take<T: Ord>(list: &mut VecDeque<T>, entry: T) -> bool {
    list.binary_search(&entry).is_ok_and(|place| list.remove(place).is_some())
}

/// Positions are given by the log and digests are keyed, so nobody outside can choose them to collide.
fn hash((kind, bank, subject, digest): &Name) -> u64 {
    let [low, high] = [&digest[..8], &digest[8..]]
        .map(|half| u64::from_le_bytes(half.try_into().expect("a half has eight bytes")));
    let owner = u64::from(bank.0) << 8 | u64::from(kind.number());
    let mixed = (subject.0 ^ low).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ high ^ owner;
    mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
