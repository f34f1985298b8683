//! The most recent entries of a kind, in log order, with slots for an index.
//!
//! Entries enter at the back and are forgotten at the front. A slot is an entry's ordinal modulo 2^31; the
//! window is far shorter than that, so the distance from its first entry tells which ordinal is meant.

use std::collections::VecDeque;

use crate::limits::ROOM_BEYOND;
use crate::memory::{self, advise_large_pages};

/// A queue whose entries keep their slot while the front moves.
#[derive(Debug)]
pub(crate) struct Window<Entry> {
    entries: VecDeque<Entry>,
    /// How many entries have been forgotten: the ordinal of the first that is still there.
    forgotten: u64,
}

const SLOT_MASK: u32 = (1 << 31) - 1;

impl<Entry> Window<Entry> {
    /// Sets address space aside; memory is committed as entries come.
    pub(crate) fn new(entries_max: usize) -> Self {
        let mut entries = Vec::with_capacity(entries_max + ROOM_BEYOND);
        advise_large_pages(entries.spare_capacity_mut());
        Self { entries: entries.into(), forgotten: 0 }
    }

    /// Makes the memory of so many more entries ready.
    pub(crate) fn make_ready(&mut self, entries: usize) {
        // A list that has not gone round its memory yet is one piece, and turning it into another kind costs nothing.
        let mut all = Vec::from(std::mem::take(&mut self.entries));
        let spare = all.spare_capacity_mut();
        let ready = entries.min(spare.len());
        memory::make_ready(&mut spare[..ready]);
        self.entries = all.into();
    }

    pub(crate) fn reserve(&mut self, entries: usize) {
        self.entries.reserve(entries);
        assert!(self.entries.len() + entries < 1 << 31, "a window is shorter than its slots");
    }

    pub(crate) fn entries(&self) -> &VecDeque<Entry> {
        &self.entries
    }

    pub(crate) fn entries_mut(&mut self) -> &mut VecDeque<Entry> {
        &mut self.entries
    }

    pub(crate) const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Begins a window that is empty as if so many entries had been forgotten.
    pub(crate) fn begin_at(&mut self, forgotten: u64) {
        assert!(self.entries.is_empty(), "a window begins before its first entry");
        self.forgotten = forgotten;
    }

    /// Adds an entry and returns its slot.
    pub(crate) fn push(&mut self, entry: Entry) -> u32 {
        let ordinal = self.forgotten + u64::try_from(self.entries.len()).expect("64 bits");
        self.entries.push_back(entry);
        slot_of(ordinal)
    }

    pub(crate) fn at_slot(&self, slot: u32) -> &Entry {
        &self.entries[self.distance(slot)]
    }

    pub(crate) fn at_slot_mut(&mut self, slot: u32) -> &mut Entry {
        let distance = self.distance(slot);
        &mut self.entries[distance]
    }

    /// How many entries came before the one in this slot, forgotten ones included.
    pub(crate) fn ordinal(&self, slot: u32) -> u64 {
        self.forgotten + u64::try_from(self.distance(slot)).expect("64 bits")
    }

    /// The slot of the entry before which so many came, if it is still there.
    pub(crate) fn slot_of_ordinal(&self, ordinal: u64) -> Option<u32> {
        let distance = usize::try_from(ordinal.checked_sub(self.forgotten)?).ok()?;
        (distance < self.entries.len()).then(|| slot_of(ordinal))
    }

    fn distance(&self, slot: u32) -> usize {
        let distance = slot.wrapping_sub(slot_of(self.forgotten)) & SLOT_MASK;
        usize::try_from(distance).expect("addresses have at least 32 bits")
    }

    /// Forgets the oldest entry if it may be, and returns its slot with it.
    pub(crate) fn forget_if(&mut self, may_be: impl FnOnce(&Entry) -> bool) -> Option<(u32, Entry)> {
        let oldest = self.entries.front()?;
        if !may_be(oldest) {
            return None;
        }
        let slot = slot_of(self.forgotten);
        self.forgotten += 1;
        self.entries.pop_front().map(|entry| (slot, entry))
    }
}

fn slot_of(ordinal: u64) -> u32 {
    u32::try_from(ordinal & u64::from(SLOT_MASK)).expect("31 bits remain")
}
