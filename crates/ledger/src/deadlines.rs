//! When each open reservation is due: a heap in the order of (time, position), from which any entry can be removed.
//!
//! Deadlines come nearly in order, because they follow acceptance, so a new one hardly moves; and whatever callers put
//! into their acceptance times, nothing here takes more than the logarithm of what is open.
//!
//! Invariant: `places[slot]` is where the slot's entry stands in the heap, or [`NOWHERE`].

use types::{Sequence, Timestamp};

use crate::index::index;

/// Four children a node: half the levels of two, in one cache line or two.
const CHILDREN: usize = 4;
const NOWHERE: u32 = u32::MAX;

/// When a slot is due. No two slots have the same position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    pub(crate) time: Timestamp,
    pub(crate) sequence: Sequence,
    pub(crate) slot: u32,
}

/// What is due when.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    heap: Vec<Due>,
    places: Vec<u32>,
}

/// What one slot takes here.
pub(crate) const DEADLINE_BYTES: usize = size_of::<Due>() + size_of::<u32>();

impl Deadlines {
    pub(crate) fn with_capacity(slots: usize) -> Self {
        Self { heap: Vec::with_capacity(slots), places: Vec::with_capacity(slots) }
    }

    /// Makes room for this many slots in all.
    pub(crate) fn reserve(&mut self, slots: usize) {
        self.heap.reserve(slots.saturating_sub(self.heap.len()));
        self.places.reserve(slots.saturating_sub(self.places.len()));
    }

    /// What is due first.
    pub(crate) fn first(&self) -> Option<Due> {
        self.heap.first().copied()
    }

    pub(crate) fn insert(&mut self, due: Due) {
        let slot = index(due.slot);
        if slot >= self.places.len() {
            self.places.resize(slot + 1, NOWHERE);
        }
        assert!(self.places[slot] == NOWHERE, "a slot is due once");
        let place = self.heap.len();
        self.heap.push(due);
        self.rise(place);
    }

    pub(crate) fn remove(&mut self, slot: u32) {
        let place = std::mem::replace(&mut self.places[index(slot)], NOWHERE);
        assert!(place != NOWHERE, "a slot that is removed is due");
        let place = index(place);
        let removed = self.heap.swap_remove(place);
        assert!(removed.slot == slot, "a place is its slot's");
        if place < self.heap.len() {
            let place = self.rise(place);
            self.sink(place);
        }
    }

    /// Moves an entry up to where it belongs; says where that is.
    fn rise(&mut self, mut place: usize) -> usize {
        while place > 0 {
            let parent = (place - 1) / CHILDREN;
            if self.heap[parent] <= self.heap[place] {
                break;
            }
            self.heap.swap(parent, place);
            self.settle(place);
            place = parent;
        }
        self.settle(place);
        place
    }

    /// Moves an entry down to where it belongs.
    fn sink(&mut self, mut place: usize) {
        loop {
            let first = place * CHILDREN + 1;
            let children = first..(first + CHILDREN).min(self.heap.len());
            let Some(least) = children.min_by_key(|child| self.heap[*child]) else { break };
            if self.heap[place] <= self.heap[least] {
                break;
            }
            self.heap.swap(place, least);
            self.settle(place);
            place = least;
        }
        self.settle(place);
    }

    fn settle(&mut self, place: usize) {
        let slot = index(self.heap[place].slot);
        self.places[slot] = u32::try_from(place).expect("slots have 32 bits");
    }

    /// Checks the invariant, and the order.
    pub(crate) fn validate(&self) {
        for (place, due) in self.heap.iter().enumerate() {
            assert!(index(self.places[index(due.slot)]) == place, "a slot knows its place");
            let parent = place.saturating_sub(1) / CHILDREN;
            assert!(self.heap[parent] <= *due, "no entry is due before the one above it");
        }
        let placed = self.places.iter().filter(|place| **place != NOWHERE).count();
        assert!(placed == self.heap.len(), "no slot is left behind");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn due(time: i64, slot: u32) -> Due {
        Due { time: Timestamp::from_nanoseconds(time).unwrap(), sequence: Sequence(u64::from(slot)), slot }
    }

    proptest! {
        /// Against a sorted list: slots come and go in any order, and the first is always the first.
        #[test]
        fn first_is_first(steps in proptest::collection::vec((0_u32..64, 0_i64..16), 1..400)) {
            let mut deadlines = Deadlines::with_capacity(4);
            let mut naive: Vec<Due> = Vec::new();
            for (slot, time) in steps {
                match naive.iter().position(|known| known.slot == slot) {
                    Some(at) => {
                        deadlines.remove(slot);
                        naive.remove(at);
                    }
                    None => {
                        deadlines.insert(due(time, slot));
                        naive.push(due(time, slot));
                    }
                }
                deadlines.validate();
                prop_assert_eq!(deadlines.first(), naive.iter().min().copied());
            }
        }
    }
}
