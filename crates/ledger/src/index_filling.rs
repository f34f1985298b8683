//! How an index is filled when all its entries are known at once.
//!
//! Room is made once. Each entry's memory is asked for some entries before it is inserted, because nearly every
//! insertion into a large table misses the caches.

use super::{CELLS_EMPTIED_PER_INSERTION, CELLS_MIN, Index, Table};
use crate::memory;

/// How many entries wait for their memory.
const AHEAD: usize = 16;

/// An index that is being filled.
#[derive(Debug)]
pub(crate) struct Filling {
    index: Index,
    /// Entries whose memory has been asked for: a ring, its oldest entry at `pushed` modulo its length.
    waiting: [(u64, u32); AHEAD],
    pushed: usize,
}

/// Two entries have the same key; the slot of the later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Twice(pub(crate) u32);

impl Filling {
    /// Begins an index with room for so many entries.
    pub(crate) fn new(entries: usize) -> Self {
        let mut cells = CELLS_MIN;
        while entries * 8 > cells * 7 {
            cells *= 2;
        }
        let mut cells = vec![0; cells];
        memory::advise_large_pages(&mut cells);
        let index = Index { table: Table::new(cells), old: None, next: Vec::new() };
        Self { index, waiting: [(0, 0); AHEAD], pushed: 0 }
    }

    /// Adds an entry. `is_same` says whether the keys in two slots are the same, the earlier one first.
    pub(crate) fn push(
        &mut self,
        hash: u64,
        slot: u32,
        is_same: impl Fn(u32, u32) -> bool,
    ) -> Result<(), Twice> {
        self.index.prefetch(hash);
        let place = self.pushed % AHEAD;
        let oldest = std::mem::replace(&mut self.waiting[place], (hash, slot));
        self.pushed += 1;
        if self.pushed > AHEAD { self.insert(oldest, is_same) } else { Ok(()) }
    }

    /// The index with all entries. It is as far with its next table as if it had grown to this size.
    pub(crate) fn finish(mut self, is_same: impl Fn(u32, u32) -> bool) -> Result<Index, Twice> {
        for turn in self.pushed.saturating_sub(AHEAD)..self.pushed {
            self.insert(self.waiting[turn % AHEAD], &is_same)?;
        }
        let cells = self.index.table.cells.len();
        if let Some(over) = self.index.table.count.checked_sub(cells / 2).filter(|over| *over > 0) {
            self.index.begin_next();
            self.index.next.resize((over * CELLS_EMPTIED_PER_INSERTION).min(cells * 2), 0);
        }
        Ok(self.index)
    }

    fn insert(&mut self, (hash, slot): (u64, u32), is_same: impl Fn(u32, u32) -> bool) -> Result<(), Twice> {
        match self.index.find(hash, |earlier| is_same(earlier, slot)) {
            Some(_) => Err(Twice(slot)),
            None => {
                self.index.table.insert(hash, slot);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(key: u32) -> u64 {
        (u64::from(key) % 977) << 32 | u64::from(key)
    }

    /// Whatever has been filled at once is found, grows and empties like one that grew entry by entry.
    #[test]
    fn filled_index_is_like_one_that_grew() {
        for entries in [0, 1, 15, 16, 17, 896, 897, 5000] {
            let mut filling = Filling::new(usize::try_from(entries).unwrap());
            for key in 0..entries {
                filling.push(hash(key), key, |_, _| false).unwrap();
            }
            let mut index = filling.finish(|_, _| false).unwrap();
            assert_eq!(index.count(), usize::try_from(entries).unwrap());
            for key in entries..2 * entries + 10 {
                index.reserve(1);
                index.insert(hash(key), key);
            }
            for key in 0..2 * entries + 10 {
                assert_eq!(index.find(hash(key), |slot| slot == key), Some(key));
                index.remove(hash(key), key);
            }
            assert_eq!(index.count(), 0);
        }
    }

    #[test]
    fn same_key_twice_is_found_wherever_it_stands() {
        for (first, second) in [(0, 1), (0, 30), (29, 30), (14, 16), (3, 20)] {
            let is_same = |left: u32, right: u32| (left, right) == (first, second);
            let mut filling = Filling::new(31);
            let key = |slot| if slot == second { hash(first) } else { hash(slot) };
            let pushed = (0..31).try_for_each(|slot| filling.push(key(slot), slot, is_same));
            let twice = pushed.and_then(|()| filling.finish(is_same).map(|_| ()));
            assert_eq!(twice, Err(Twice(second)), "{first} and {second}");
        }
    }
}
