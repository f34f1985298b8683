//! Rings: what belongs to an account, in the order in which it came, as slots of a table that are used again.
//!
//! Invariants:
//! - A ring reads the same backwards, and the index knows its first slot.
//! - The first slot of a ring says how many it has.

use types::AccountNumber;

use crate::index::{Index, hash, index};

/// No slot.
pub(crate) const NONE: u32 = u32::MAX;

/// The neighbours of a slot in its ring, or the next free slot behind one that is free.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    previous: u32,
    next: u32,
    /// How many the ring has, in its first slot.
    count: u32,
}

impl Link {
    /// Of a slot that is free.
    pub(crate) const FREE: Self = Self { previous: NONE, next: NONE, count: 0 };
}

/// A slot of such a table.
pub(crate) trait InRing {
    /// Its neighbours.
    fn link(&self) -> Link;

    /// The same, to be changed.
    fn link_mut(&mut self) -> &mut Link;

    /// The account of what it holds, if it holds something.
    fn account(&self) -> Option<AccountNumber>;
}

/// Puts something into a free slot, as a ring of one.
pub(crate) fn occupy<Slot: InRing>(slots: &mut Vec<Slot>, free: &mut u32, occupied: Slot) -> u32 {
    let slot = if *free == NONE {
        slots.push(occupied);
        u32::try_from(slots.len() - 1).expect("slots have 32 bits")
    } else {
        let slot = *free;
        *free = slots[index(slot)].link().next;
        slots[index(slot)] = occupied;
        slot
    };
    *slots[index(slot)].link_mut() = Link { previous: slot, next: slot, count: 1 };
    slot
}

/// Makes a slot free that is in no ring any more.
pub(crate) fn vacate<Slot: InRing>(slots: &mut [Slot], free: &mut u32, slot: u32, vacant: Slot) {
    slots[index(slot)] = vacant;
    *slots[index(slot)].link_mut() = Link { next: *free, ..Link::FREE };
    *free = slot;
}

/// The rings of a table.
#[derive(Debug)]
pub(crate) struct Rings {
    /// The first slot of each account that has one.
    first_of: Index,
}

impl Rings {
    pub(crate) fn new() -> Self {
        Self { first_of: Index::new() }
    }

    /// Makes room for this many more.
    pub(crate) fn reserve(&mut self, rings: usize) {
        self.first_of.reserve(rings);
    }

    /// The first slot of an account's ring.
    pub(crate) fn first(&self, slots: &[impl InRing], account: AccountNumber) -> Option<u32> {
        let is_its = |slot: u32| slots[index(slot)].account() == Some(account);
        self.first_of.find(hash(account.0.into()), is_its)
    }

    /// How many an account's ring has.
    pub(crate) fn count(&self, slots: &[impl InRing], account: AccountNumber) -> u32 {
        self.first(slots, account).map_or(0, |first| slots[index(first)].link().count)
    }

    /// The slots of an account's ring, in the order in which they came.
    pub(crate) fn walk<'slots, Slot: InRing>(
        &self,
        slots: &'slots [Slot],
        account: AccountNumber,
    ) -> impl Iterator<Item = &'slots Slot> + use<'slots, Slot> {
        let first = self.first(slots, account);
        let mut next = first;
        std::iter::from_fn(move || {
            let slot = &slots[index(next?)];
            next = Some(slot.link().next).filter(|next| Some(*next) != first);
            Some(slot)
        })
    }

    /// Makes a ring of one the last of its account's.
    pub(crate) fn join<Slot: InRing>(&mut self, slots: &mut [Slot], slot: u32) {
        let account = slots[index(slot)].account().expect("the slot is in use");
        match self.first(slots, account) {
            None => self.first_of.insert(hash(account.0.into()), slot),
            Some(first) => {
                let last = slots[index(first)].link().previous;
                slots[index(last)].link_mut().next = slot;
                slots[index(slot)].link_mut().previous = last;
                slots[index(slot)].link_mut().next = first;
                let first = slots[index(first)].link_mut();
                first.previous = slot;
                first.count += 1;
            }
        }
    }

    /// Takes a slot out of the ring of its account.
    pub(crate) fn leave<Slot: InRing>(&mut self, slots: &mut [Slot], slot: u32) {
        let account = slots[index(slot)].account().expect("the slot is in use");
        let Link { previous, next, count } = slots[index(slot)].link();
        let first = self.first(slots, account).expect("an account of which there is something has a first");
        slots[index(previous)].link_mut().next = next;
        slots[index(next)].link_mut().previous = previous;
        if first != slot {
            slots[index(first)].link_mut().count -= 1;
            return;
        }
        self.first_of.remove(hash(account.0.into()), slot);
        if next != slot {
            slots[index(next)].link_mut().count = count - 1;
            self.first_of.insert(hash(account.0.into()), next);
        }
    }

    /// How many slots the ring has whose first this is, if it is one: counted, and compared with what its first says.
    pub(crate) fn validate(&self, slots: &[impl InRing], slot: u32) -> usize {
        let found = &slots[index(slot)];
        let next = &slots[index(found.link().next)];
        assert!(next.link().previous == slot, "a ring reads the same backwards");
        let account = found.account().expect("the slot is in use");
        if self.first(slots, account) != Some(slot) {
            return 0;
        }
        let count = self.walk(slots, account).count();
        assert!(u32::try_from(count) == Ok(found.link().count), "what an account has is counted");
        count
    }
}
