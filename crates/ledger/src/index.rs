//! An index from hashes to slots: open addressing, linear probing, growth in small steps.
//!
//! An entry is a 32-bit piece of the hash and a slot number; the key itself stays in the slot, and the caller
//! compares it. When the table is full enough, a second one of twice the size takes its place and the entries move
//! over a few at a time with each insertion, whole clusters at once, so that no insertion ever pauses for a
//! rebuild and a chain of probes never spans a gap. The second one is emptied beforehand in the same way: for a
//! large one the operating system takes as long as for thousands of payments.
//!
//! Invariant: nothing walks the entries in table order, so the layout can't reach a decision.

use crate::memory;

#[path = "index_filling.rs"]
mod filling;
pub(crate) use filling::{Filling, Twice};

/// The hash of a number that the log gives, such as a position or that of an account: nobody outside can choose them to collide.
pub(crate) const fn hash(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Where a slot stands in its table.
pub(crate) fn index(slot: u32) -> usize {
    usize::try_from(slot).expect("addresses have at least 32 bits")
}

/// Maps hashes to slots. Slots are less than `u32::MAX`.
#[derive(Debug)]
pub(crate) struct Index {
    table: Table,
    /// The smaller table that is being emptied, and the first of its cells that may still be in use.
    old: Option<(Table, usize)>,
    /// The cells of the next, larger table, as far as they have been emptied.
    next: Vec<u64>,
}

/// Cells moved with each insertion while a smaller table is being emptied. The new table has room for 7/8 of
/// the old one's cells again, so four at a time are done in good time.
const CELLS_MOVED_PER_INSERTION: usize = 16;
/// Cells of the next table emptied with each insertion. It is begun when this one is half full, so 3/8 of this one's
/// cells remain for twice as many of that one's.
const CELLS_EMPTIED_PER_INSERTION: usize = 8;
const CELLS_MIN: usize = 1024;

#[derive(Debug)]
struct Table {
    /// Slot + 1 in the low half, so that 0 is an empty cell; a piece of the hash in the high half.
    cells: Box<[u64]>,
    count: usize,
}

impl Index {
    pub(crate) fn new() -> Self {
        Self { table: Table::new(vec![0; CELLS_MIN]), old: None, next: Vec::new() }
    }

    /// How many entries there are.
    pub(crate) fn count(&self) -> usize {
        self.table.count + self.old.as_ref().map_or(0, |(table, _)| table.count)
    }

    /// Makes sure that this many insertions need no memory. The only place that allocates.
    pub(crate) fn reserve(&mut self, insertions: usize) {
        while (self.count() + insertions) * 8 > self.table.cells.len() * 7 {
            while self.old.is_some() {
                self.move_cells();
            }
            self.begin_next();
            let mut cells = std::mem::take(&mut self.next);
            cells.resize(self.table.cells.len() * 2, 0);
            let larger = Table::new(cells);
            let full = std::mem::replace(&mut self.table, larger);
            // A walk over clusters has to start at the start of one: behind an empty cell.
            let start = full.cells.iter().position(|cell| *cell == 0).expect("a table is never full");
            self.old = Some((full, start));
        }
        if (self.count() + insertions) * 2 > self.table.cells.len() {
            self.begin_next();
        }
    }

    /// Sets the next table aside, if that has not been done.
    fn begin_next(&mut self) {
        if self.next.capacity() == 0 {
            self.next = Vec::with_capacity(self.table.cells.len() * 2);
            memory::advise_large_pages(self.next.spare_capacity_mut());
        }
    }

    /// The slot whose key `is_key` recognises.
    pub(crate) fn find(&self, hash: u64, is_key: impl Fn(u32) -> bool) -> Option<u32> {
        if let Some(slot) = self.table.find(hash, &is_key) {
            return Some(slot);
        }
        self.old.as_ref().and_then(|(table, _)| table.find(hash, &is_key))
    }

    /// Asks for what looking this hash up will touch.
    pub(crate) fn prefetch(&self, hash: u64) {
        self.table.prefetch(hash);
        if let Some((table, _)) = &self.old {
            table.prefetch(hash);
        }
    }

    /// Adds an entry. The caller has made sure that its key is not in the index.
    pub(crate) fn insert(&mut self, hash: u64, slot: u32) {
        self.move_cells();
        if self.next.capacity() > 0 {
            let emptied = (self.next.len() + CELLS_EMPTIED_PER_INSERTION).min(self.table.cells.len() * 2);
            self.next.resize(emptied, 0);
        }
        self.table.insert(hash, slot);
    }

    /// Removes the entry of a slot.
    pub(crate) fn remove(&mut self, hash: u64, slot: u32) {
        let removed = self.table.remove(hash, slot)
            || self.old.as_mut().is_some_and(|(table, _)| table.remove(hash, slot));
        assert!(removed, "an entry that is removed is in the index");
    }

    /// Moves one cluster or more out of the table that is being emptied.
    fn move_cells(&mut self) {
        let Some((old, cursor)) = &mut self.old else { return };
        let mut moved = 0;
        while old.count > 0 {
            let cell = old.cells[*cursor];
            if cell == 0 && moved >= CELLS_MOVED_PER_INSERTION {
                return;
            }
            if cell != 0 {
                old.cells[*cursor] = 0;
                old.count -= 1;
                self.table.place(cell);
            }
            moved += 1;
            *cursor = (*cursor + 1) & (old.cells.len() - 1);
        }
        self.old = None;
    }
}

impl Table {
    fn new(cells: Vec<u64>) -> Self {
        assert!(cells.len().is_power_of_two());
        assert!(u32::try_from(cells.len()).is_ok(), "an index has at most 2^31 cells");
        Self { cells: cells.into_boxed_slice(), count: 0 }
    }

    fn prefetch(&self, hash: u64) {
        memory::prefetch(&self.cells[self.home(hash)]);
    }

    /// A cell holds 32 bits of the hash, and its home follows from those alone, so cells can move.
    const fn cell(hash: u64, slot: u32) -> u64 {
        let piece = hash & 0xFFFF_FFFF_0000_0000;
        match slot.checked_add(1) {
            // A widening of 32 to 64 bits; `From` is not usable in constants.
            #[allow(clippy::as_conversions)]
            Some(slot) => piece | slot as u64,
            None => panic!("slots are less than u32::MAX"),
        }
    }

    fn home(&self, cell: u64) -> usize {
        let piece = usize::try_from(cell >> 32).expect("32 bits");
        piece & (self.cells.len() - 1)
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.cells.len() - 1)
    }

    fn find(&self, hash: u64, is_key: &impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = self.home(hash);
        loop {
            let cell = self.cells[at];
            if cell == 0 {
                return None;
            }
            if cell >> 32 == hash >> 32 {
                let slot = u32::try_from((cell & 0xFFFF_FFFF) - 1).expect("32 bits");
                if is_key(slot) {
                    return Some(slot);
                }
            }
            at = self.next(at);
        }
    }

    fn insert(&mut self, hash: u64, slot: u32) {
        self.place(Self::cell(hash, slot));
    }

    fn place(&mut self, cell: u64) {
        assert!(self.count + 1 < self.cells.len(), "room is reserved before a frame is applied");
        let mut at = self.home(cell);
        while self.cells[at] != 0 {
            at = self.next(at);
        }
        self.cells[at] = cell;
        self.count += 1;
    }

    fn remove(&mut self, hash: u64, slot: u32) -> bool {
        let wanted = Self::cell(hash, slot);
        let mut at = self.home(wanted);
        while self.cells[at] != wanted {
            if self.cells[at] == 0 {
                return false;
            }
            at = self.next(at);
        }
        self.count -= 1;
        // Close the gap: a later cell of the cluster moves up if its home is not behind the gap.
        let mask = self.cells.len() - 1;
        let mut gap = at;
        loop {
            at = self.next(at);
            let cell = self.cells[at];
            if cell == 0 {
                break;
            }
            let distance_from_home = at.wrapping_sub(self.home(cell)) & mask;
            let distance_from_gap = at.wrapping_sub(gap) & mask;
            if distance_from_home >= distance_from_gap {
                self.cells[gap] = cell;
                gap = at;
            }
        }
        self.cells[gap] = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::collections::btree_map::Entry;

    use proptest::prelude::*;

    use super::*;

    /// Few distinct hashes, so that clusters and chains are long.
    fn hash(key: u32) -> u64 {
        (u64::from(key) % 977) << 32 | u64::from(key)
    }

    proptest! {
        #[test]
        fn behaves_like_a_map(operations in proptest::collection::vec((0..4_u8, 0..4000_u32), 0..6000)) {
            let mut index = Index::new();
            let mut model = BTreeMap::new();
            for (operation, key) in operations {
                if operation == 0 {
                    if model.remove(&key).is_some() {
                        index.remove(hash(key), key);
                    }
                } else if let Entry::Vacant(vacant) = model.entry(key) {
                    index.reserve(1);
                    index.insert(hash(key), key);
                    vacant.insert(());
                }
            }
            prop_assert_eq!(index.count(), model.len());
            for key in 0..4000 {
                let found = index.find(hash(key), |slot| slot == key);
                prop_assert_eq!(found.is_some(), model.contains_key(&key));
            }
        }
    }

    #[test]
    fn growth_is_spread_over_insertions() {
        let mut index = Index::new();
        for key in 0..200_000_u32 {
            index.reserve(1);
            index.insert(u64::from(key).wrapping_mul(0x9E37_79B9_7F4A_7C15), key);
        }
        for key in 0..200_000_u32 {
            let hash = u64::from(key).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            assert_eq!(index.find(hash, |slot| slot == key), Some(key));
        }
    }
}
