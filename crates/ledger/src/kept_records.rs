//! The small records that gateways keep here: what is known of each. The bytes stand in the log, where its command does,
//! sealed with the other texts of that day, so that erasing a day erases them and changes no state.
//!
//! Records stand in fixed slots that are used again; a sorted list of those finds them by owner and key, and is small
//! enough to be moved when one comes or goes (a megabyte at its limit).
//!
//! Invariants:
//! - An owner has one record under a key, and its records and their bytes are counted.
//! - A version is the position of the command that put it, so it is never given twice in one life of the log.

use types::{ParticipantNumber, Sequence, Timestamp};

use crate::deadlines::{DEADLINE_BYTES, Deadlines, Due};
use crate::index::index;
use crate::limits::{KEPT_RECORD_ROOM_BYTES, KEPT_RECORDS_MAX, RECORDS_PER_FRAME_MAX};
use crate::{RecordKey, RecordSpace};

#[path = "kept_records_state.rs"]
mod state;

/// What is known of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptRecord {
    pub(crate) bank: ParticipantNumber,
    pub(crate) space: RecordSpace,
    pub(crate) key: RecordKey,
    pub(crate) version: Sequence,
    pub(crate) version_time: Timestamp,
    pub(crate) stands_at: Sequence,
    pub(crate) stands_time: Timestamp,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) length: u32,
}

impl KeptRecord {
    /// The bank whose it is.
    pub const fn bank(&self) -> ParticipantNumber {
        self.bank
    }

    /// The name space among those of the bank.
    pub const fn space(&self) -> &RecordSpace {
        &self.space
    }

    /// Its key there.
    pub const fn key(&self) -> &RecordKey {
        &self.key
    }

    /// Its version: the position of the command that put it.
    pub const fn version(&self) -> Sequence {
        self.version
    }

    /// The log time of that.
    pub const fn version_time(&self) -> Timestamp {
        self.version_time
    }

    /// The position of the command whose text is its bytes: that of its version, or a later one that repeats it.
    pub const fn stands_at(&self) -> Sequence {
        self.stands_at
    }

    /// The log time of that, whose day's key opens them.
    pub const fn stands_time(&self) -> Timestamp {
        self.stands_time
    }

    /// From when on it is gone, if ever.
    pub const fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// How many bytes it has.
    pub const fn length(&self) -> u32 {
        self.length
    }

    /// Whether it is gone at this time, removed from the table or not.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    const fn owner(&self) -> (ParticipantNumber, RecordSpace) {
        (self.bank, self.space)
    }
}

/// Where a record stands in the order of all of them.
pub(crate) type Name = (ParticipantNumber, RecordSpace, RecordKey);

/// How much one owner keeps.
#[derive(Clone, Copy, Debug)]
struct Owner {
    owner: (ParticipantNumber, RecordSpace),
    count: u32,
    bytes: u64,
}

// `Limits` tells this number.
const _: () = {
    let slot = size_of::<Option<KeptRecord>>() + size_of::<u32>();
    assert!(slot + size_of::<Owner>() + size_of::<u32>() + DEADLINE_BYTES <= KEPT_RECORD_ROOM_BYTES);
};

/// All records.
#[derive(Debug)]
pub(crate) struct KeptRecords {
    slots: Vec<Option<KeptRecord>>,
    free: Vec<u32>,
    /// The slots in use, in the order of bank, name space and key.
    order: Vec<u32>,
    /// In the same order.
    owners: Vec<Owner>,
    deadlines: Deadlines,
}

impl KeptRecords {
    /// Sets address space aside for as many as there may be.
    pub(crate) fn new() -> Self {
        let room = KEPT_RECORDS_MAX + RECORDS_PER_FRAME_MAX;
        Self {
            slots: Vec::with_capacity(room),
            free: Vec::with_capacity(room),
            order: Vec::with_capacity(room),
            owners: Vec::with_capacity(room),
            deadlines: Deadlines::with_capacity(room),
        }
    }

    /// Makes room for this many more.
    pub(crate) fn reserve(&mut self, records: usize) {
        self.slots.reserve(records);
        self.free.reserve((self.slots.len() + records).saturating_sub(self.free.len()));
        self.order.reserve(records);
        self.owners.reserve(records);
        self.deadlines.reserve(self.slots.len() + records);
    }

    pub(crate) const fn count(&self) -> usize {
        self.order.len()
    }

    /// All records in the order of bank, name space and key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &KeptRecord> {
        self.order.iter().map(|slot| self.get(*slot))
    }

    /// The records behind this name, or from it on.
    pub(crate) fn from(&self, name: Name, is_behind: bool) -> impl Iterator<Item = &KeptRecord> {
        let is_before = |slot: &u32| {
            let other = self.name_of(*slot);
            other < name || is_behind && other == name
        };
        let start = self.order.partition_point(is_before);
        self.order[start..].iter().map(|slot| self.get(*slot))
    }

    /// The record of this name.
    pub(crate) fn find(&self, name: &Name) -> Option<&KeptRecord> {
        let place = self.place(name).ok()?;
        Some(self.get(self.order[place]))
    }

    /// How many records an owner has, and how many bytes they have together.
    pub(crate) fn kept_by(&self, owner: (ParticipantNumber, RecordSpace)) -> (u32, u64) {
        self.owner(owner).map_or((0, 0), |place| (self.owners[place].count, self.owners[place].bytes))
    }

    /// How many name spaces of a bank have records.
    pub(crate) fn spaces_of(&self, bank: ParticipantNumber) -> usize {
        let start = self.owners.partition_point(|known| known.owner.0 < bank);
        self.owners[start..].iter().take_while(|known| known.owner.0 == bank).count()
    }

    /// What is over first.
    pub(crate) fn first_due(&self) -> Option<Due> {
        self.deadlines.first()
    }

    pub(crate) fn add(&mut self, record: KeptRecord) {
        let name = (record.bank, record.space, record.key);
        let place = self.place(&name).expect_err("an owner has one record under a key");
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("slots have 32 bits")
        });
        self.slots[index(slot)] = Some(record);
        self.order.insert(place, slot);
        if let Some(time) = record.expires {
            self.deadlines.insert(Due { time, sequence: record.version, slot });
        }
        let owner = self.owner(record.owner()).unwrap_or_else(|place| {
            self.owners.insert(place, Owner { owner: record.owner(), count: 0, bytes: 0 });
            place
        });
        self.owners[owner].count += 1;
        self.owners[owner].bytes += u64::from(record.length);
    }

    pub(crate) fn remove(&mut self, name: &Name) {
        let place = self.place(name).expect("the rules have found the record");
        let slot = self.order.remove(place);
        let record = self.slots[index(slot)].take().expect("the slot is in use");
        self.free.push(slot);
        if record.expires.is_some() {
            self.deadlines.remove(slot);
        }
        let owner = self.owner(record.owner()).expect("who has a record is counted");
        self.owners[owner].count -= 1;
        self.owners[owner].bytes -= u64::from(record.length);
        if self.owners[owner].count == 0 {
            self.owners.remove(owner);
        }
    }

    /// The bytes of a record stand there from now on.
    pub(crate) fn set_place(&mut self, name: &Name, at: Sequence, time: Timestamp) {
        let place = self.place(name).expect("the rules have found the record");
        let slot = self.order[place];
        let record = self.slots[index(slot)].as_mut().expect("the slot is in use");
        (record.stands_at, record.stands_time) = (at, time);
    }

    /// Removes those that are over, at most so many.
    pub(crate) fn forget(&mut self, now: Timestamp, count_max: usize) {
        for _ in 0..count_max {
            let Some(due) = self.deadlines.first().filter(|due| due.time <= now) else { return };
            let name = self.name_of(due.slot);
            self.remove(&name);
        }
    }

    fn place(&self, name: &Name) -> Result<usize, usize> {
        self.order.binary_search_by(|slot| self.name_of(*slot).cmp(name))
    }

    fn owner(&self, owner: (ParticipantNumber, RecordSpace)) -> Result<usize, usize> {
        self.owners.binary_search_by(|known| known.owner.cmp(&owner))
    }

    fn name_of(&self, slot: u32) -> Name {
        let record = self.get(slot);
        (record.bank, record.space, record.key)
    }

    fn get(&self, slot: u32) -> &KeptRecord {
        self.slots[index(slot)].as_ref().expect("the slot is in use")
    }

    /// What holds between the records, their order and their owners.
    pub(crate) fn validate(&self) {
        self.deadlines.validate();
        assert!(self.order.is_sorted_by_key(|slot| self.name_of(*slot)), "records are listed in order");
        assert!(self.order.len() + self.free.len() == self.slots.len(), "a slot is in use or free");
        for known in &self.owners {
            let of_owner = || self.iter().filter(|record| record.owner() == known.owner);
            let count = u32::try_from(of_owner().count());
            assert!(count == Ok(known.count), "an owner's records are counted");
            let bytes: u64 = of_owner().map(|record| u64::from(record.length)).sum();
            assert!(bytes == known.bytes, "an owner's bytes are counted");
        }
        let counted: u64 = self.owners.iter().map(|known| u64::from(known.count)).sum();
        assert!(u64::try_from(self.order.len()) == Ok(counted), "every record has an owner");
    }
}
