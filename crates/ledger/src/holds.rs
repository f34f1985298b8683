//! The open holds: money of customers' accounts that is set aside until it is paid out, given back, or its time is over.
//!
//! Holds stand in fixed slots that are used again, found by their positions, by when they end, and by their account, whose
//! holds form a ring in the order in which they were placed.
//!
//! Invariants:
//! - What is held on an account is what its open holds hold together.
//! - A hold that holds nothing any more is not there.

use types::{AccountNumber, Sequence, Timestamp};

use crate::deadlines::{DEADLINE_BYTES, Deadlines, Due};
use crate::index::{Index, hash, index};
use crate::limits::{HOLD_BYTES, HOLDS_MAX, ROOM_BEYOND};
use crate::mutants::{Mutant, is_on};
use crate::rings::{self, InRing, Link, NONE, Rings};

#[path = "holds_state.rs"]
mod state;

/// One open hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    pub(crate) sequence: Sequence,
    pub(crate) time: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) account: AccountNumber,
    pub(crate) amount: i64,
    pub(crate) held: i64,
}

impl Hold {
    /// Its position.
    pub const fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The log time at which it was placed.
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// From when on it holds nothing.
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// The account.
    pub const fn account(&self) -> AccountNumber {
        self.account
    }

    /// Minor units that it held at first.
    pub const fn amount(&self) -> i64 {
        self.amount
    }

    /// Minor units that it holds now, above zero.
    pub const fn held(&self) -> i64 {
        self.held
    }
}

/// A slot: a hold with its place among those of its account, or one that is free.
#[derive(Clone, Copy, Debug)]
struct Slot {
    hold: Option<Hold>,
    link: Link,
}

const VACANT: Slot = Slot { hold: None, link: Link::FREE };

impl InRing for Slot {
    fn link(&self) -> Link {
        self.link
    }

    fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }

    fn account(&self) -> Option<AccountNumber> {
        self.hold.map(|hold| hold.account)
    }
}

/// An index has cells of 8 bytes, is at least 7/16 full once it has grown, and keeps the table before while it grows.
const INDEX_BYTES: usize = 2 * 8 * 16 / 7;
const _: () = assert!(size_of::<Slot>() + 2 * INDEX_BYTES + DEADLINE_BYTES <= HOLD_BYTES);

/// All open holds.
#[derive(Debug)]
pub(crate) struct Holds {
    slots: Vec<Slot>,
    free: u32,
    count: usize,
    by_sequence: Index,
    /// Those of each account, in the order in which they were placed.
    of_account: Rings,
    deadlines: Deadlines,
}

impl Holds {
    /// Sets address space aside for as many as there may be.
    pub(crate) fn new() -> Self {
        let room = HOLDS_MAX + ROOM_BEYOND;
        Self {
            slots: Vec::with_capacity(room),
            free: NONE,
            count: 0,
            by_sequence: Index::new(),
            of_account: Rings::new(),
            deadlines: Deadlines::with_capacity(room),
        }
    }

    /// Makes room for this many more.
    pub(crate) fn reserve(&mut self, holds: usize) {
        self.slots.reserve(holds);
        self.by_sequence.reserve(holds);
        self.of_account.reserve(holds);
        self.deadlines.reserve(self.slots.len() + holds);
    }

    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// All holds, in no order that means something.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Hold> {
        self.slots.iter().filter_map(|slot| slot.hold.as_ref())
    }

    /// The open hold at this position.
    pub(crate) fn at(&self, sequence: Sequence) -> Option<&Hold> {
        self.find(sequence).map(|slot| self.get(slot))
    }

    /// What ends first.
    pub(crate) fn first_due(&self) -> Option<Due> {
        self.deadlines.first()
    }

    /// How many holds an account has.
    pub(crate) fn count_of(&self, account: AccountNumber) -> u32 {
        self.of_account.count(&self.slots, account)
    }

    /// The holds of an account, in the order in which they were placed.
    pub(crate) fn of_account(&self, account: AccountNumber) -> impl Iterator<Item = &Hold> {
        self.of_account.walk(&self.slots, account).filter_map(|slot| slot.hold.as_ref())
    }

    pub(crate) fn add(&mut self, hold: Hold) {
        assert!(hold.held > 0, "a hold holds something");
        let occupied = Slot { hold: Some(hold), ..VACANT };
        let slot = rings::occupy(&mut self.slots, &mut self.free, occupied);
        self.of_account.join(&mut self.slots, slot);
        self.by_sequence.insert(hash(hold.sequence.0), slot);
        let never = Timestamp::from_nanoseconds(i64::MAX).unwrap_or(hold.expires);
        let time = if is_on(Mutant::HoldOutlives) { never } else { hold.expires };
        self.deadlines.insert(Due { time, sequence: hold.sequence, slot });
        self.count += 1;
    }

    /// A hold holds this much less; at nothing it is gone. Says what it holds then.
    pub(crate) fn lower(&mut self, sequence: Sequence, amount: i64) -> i64 {
        let slot = self.find(sequence).expect("the rules have found the hold");
        let hold = self.slots[index(slot)].hold.as_mut().expect("the slot is in use");
        assert!(amount > 0, "something is taken from a hold");
        assert!(hold.held >= amount, "no more is taken from a hold than it holds");
        hold.held -= amount;
        let left = hold.held;
        if left == 0 {
            self.remove(slot);
        }
        left
    }

    fn remove(&mut self, slot: u32) {
        let hold = *self.get(slot);
        self.of_account.leave(&mut self.slots, slot);
        self.by_sequence.remove(hash(hold.sequence.0), slot);
        self.deadlines.remove(slot);
        rings::vacate(&mut self.slots, &mut self.free, slot, VACANT);
        self.count -= 1;
    }

    fn find(&self, sequence: Sequence) -> Option<u32> {
        self.by_sequence.find(hash(sequence.0), |slot| self.get(slot).sequence == sequence)
    }

    fn get(&self, slot: u32) -> &Hold {
        self.slots[index(slot)].hold.as_ref().expect("the slot is in use")
    }

    /// What holds between the holds and what finds them.
    pub(crate) fn validate(&self) {
        self.deadlines.validate();
        let mut listed = 0;
        for (slot, held) in (0..).zip(&self.slots) {
            let Some(hold) = held.hold else { continue };
            assert!(hold.held > 0, "a hold that holds nothing is gone");
            assert!(hold.held <= hold.amount, "a hold never grows");
            assert!(self.find(hold.sequence) == Some(slot), "a hold is found by its position");
            let count = self.of_account.validate(&self.slots, slot);
            if count > 0 {
                let ring = self.of_account(hold.account);
                assert!(ring.is_sorted_by_key(|hold| hold.sequence), "a ring is in the order of placing");
                listed += count;
            }
        }
        assert!(listed == self.count, "every hold is in one ring");
    }
}
