//! Runs: what was written is found, by position and by key, also in a run made of others; and nothing else ever is.

use std::sync::Arc;

use proptest::prelude::*;
use types::{ClusterId, Incarnation, Shard};

use super::*;
use crate::header::Identity;
use crate::storage_faults::Fate;
use crate::storage_memory::{MemoryFile, MemoryStorage};

pub(super) const IDENTITY: Identity =
    Identity { cluster: ClusterId([7; 16]), shard: Shard(0), incarnation: Incarnation(0x1122_3344) };

/// A payment at a position, under a key of this hash or none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) sequence: u64,
    hash: Option<u64>,
}

impl Entry {
    fn bytes(self) -> [u8; RUN_ENTRY_LENGTH] {
        let mut bytes = [0; RUN_ENTRY_LENGTH];
        bytes[..8].copy_from_slice(&self.hash.unwrap_or(0).to_le_bytes());
        bytes[64..72].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[127] = 0xEE;
        bytes
    }
}

/// Payments at ascending positions; every fifth holds no key, and some keys repeat.
pub(super) fn entries(first: u64, count: u64) -> Vec<Entry> {
    let hash = |number: u64| (number % 700).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..count)
        .map(|number| Entry {
            sequence: first + 3 * number,
            hash: (number % 5 != 0).then(|| hash(first + number)),
        })
        .collect()
}

pub(super) fn write(storage: &MemoryStorage, number: u64, after: u64, entries: &[Entry]) -> Run<MemoryFile> {
    let mut writer = RunWriter::create(storage.clone(), IDENTITY, number, Sequence(after)).unwrap();
    for entry in entries {
        writer.push(Sequence(entry.sequence), time(entry.sequence), entry.hash, &entry.bytes()).unwrap();
    }
    writer.finish().unwrap()
}

fn time(sequence: u64) -> Timestamp {
    Timestamp::from_nanoseconds(1_000_000 * i64::try_from(sequence).unwrap()).unwrap()
}

/// Checks every position and key that the run has, and some that it has not.
fn check(run: &dyn RunReader, entries: &[Entry]) {
    for entry in entries {
        assert_eq!(run.find_position(Sequence(entry.sequence)).unwrap(), Some(entry.bytes()));
        assert_eq!(run.find_position(Sequence(entry.sequence + 1)).unwrap(), None);
        let Some(hash) = entry.hash else { continue };
        assert!(run.filter().may_hold(hash));
        let newest = entries.iter().rev().find(|other| other.hash == Some(hash)).unwrap();
        assert_eq!(run.find_key(hash, &|_| true).unwrap(), Some(newest.bytes()));
        let this = |bytes: &[u8]| bytes == entry.bytes();
        assert_eq!(run.find_key(hash, &this).unwrap(), Some(entry.bytes()));
        assert_eq!(run.find_key(hash, &|_| false).unwrap(), None);
        assert_eq!(run.find_key(hash ^ 1, &|_| true).unwrap(), None);
    }
    assert_eq!(run.find_position(Sequence(0)).unwrap(), None);
    assert_eq!(run.find_position(Sequence(u64::MAX)).unwrap(), None);
    assert_eq!(run.find_key(u64::MAX, &|_| true).unwrap(), None);
}

#[test]
fn what_was_written_is_found_and_nothing_else() {
    for count in [1, 5, 31, 32, 256, 3000] {
        let storage = MemoryStorage::new();
        let entries = entries(10, count);
        let written = write(&storage, 1, 9, &entries);
        let facts = *written.facts();
        assert_eq!((facts.after, facts.upto), (Sequence(9), Sequence(7 + 3 * count)));
        assert_eq!((facts.payments, facts.newest_time), (count, time(7 + 3 * count)));
        check(&written, &entries);
        check(&Run::open(&storage, &IDENTITY, &facts).unwrap(), &entries);
        assert_eq!(storage.list().unwrap(), [run_name(1)]);
    }
}

#[test]
fn a_run_of_payments_without_keys_has_none() {
    let storage = MemoryStorage::new();
    let run = write(&storage, 1, 0, &[Entry { sequence: 5, hash: None }]);
    assert_eq!(run.find_key(0, &|_| true).unwrap(), None);
    assert!(run.find_position(Sequence(5)).unwrap().is_some());
}

/// Whoever ends a run does other things between two steps: none of them is longer than it is asked to be.
#[test]
fn a_run_is_ended_in_steps() {
    let storage = MemoryStorage::new();
    let mut writer = RunWriter::create(storage.clone(), IDENTITY, 1, Sequence(9)).unwrap();
    for entry in entries(10, 3000) {
        writer.push(Sequence(entry.sequence), time(entry.sequence), entry.hash, &entry.bytes()).unwrap();
    }
    let mut ending = writer.end().unwrap();
    let mut steps = 1;
    while ending.step(1).unwrap().is_none() {
        steps += 1;
    }
    let pages = storage.bytes(&run_name(1)).unwrap().len() / 4096 - 1;
    // 2,400 keys have 10 pages; then all pages are read back, and one step finds that there are no more.
    assert_eq!(steps, 10 + pages + 1);
}

pub(super) fn merge(
    storage: &MemoryStorage,
    number: u64,
    runs: Vec<Arc<Run<MemoryFile>>>,
) -> Run<MemoryFile> {
    let mut merger = Merger::create(storage.clone(), IDENTITY, number, runs).unwrap();
    loop {
        if let Some(run) = merger.step(3).unwrap() {
            return run;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A run made of others is byte for byte what it would be if it had been written at once.
    #[test]
    fn runs_that_are_merged_are_one(counts in proptest::collection::vec(1..900_u64, 2..5)) {
        let storage = MemoryStorage::new();
        let (mut runs, mut all, mut after) = (Vec::new(), Vec::new(), 0);
        for (count, number) in counts.into_iter().zip(1..) {
            let part = entries(after + 1, count);
            runs.push(Arc::new(write(&storage, number, after, &part)));
            after = part.last().unwrap().sequence;
            all.extend(part);
        }
        let merged = merge(&storage, 9, runs);
        let at_once = MemoryStorage::new();
        let expected = write(&at_once, 9, 0, &all);
        prop_assert_eq!(merged.facts(), expected.facts());
        prop_assert_eq!(storage.bytes(&run_name(9)), at_once.bytes(&run_name(9)));
        prop_assert!(merged.find_key(all[1].hash.unwrap(), &|_| true).unwrap().is_some());
    }

    /// A flipped bit anywhere is an error by name, or the answer is right: it lies where that look-up does not read.
    #[test]
    fn a_damaged_run_never_answers_wrong(at in 0..1_000_000_usize, bit in 0..8_u8) {
        let storage = MemoryStorage::new();
        let entries = entries(10, 400);
        let facts = *write(&storage, 1, 9, &entries).facts();
        let length = storage.bytes(&run_name(1)).unwrap().len();
        storage.flip_bit(&run_name(1), (at % length).try_into().unwrap(), bit);
        let Ok(run) = Run::open(&storage, &IDENTITY, &facts) else { return Ok(()) };
        let mut damaged = false;
        for entry in &entries {
            match run.find_position(Sequence(entry.sequence)) {
                Ok(found) => prop_assert_eq!(found, Some(entry.bytes())),
                Err(error) => damaged |= error != RunError::Damaged { number: 1, page: 0 },
            }
            let Some(hash) = entry.hash else { continue };
            let newest = entries.iter().rev().find(|other| other.hash == Some(hash)).unwrap();
            match run.find_key(hash, &|_| true) {
                Ok(found) => prop_assert_eq!(found, Some(newest.bytes())),
                Err(error) => damaged |= error != RunError::Damaged { number: 1, page: 0 },
            }
        }
        prop_assert!(damaged, "every page that holds anything is read by some look-up");
    }
}

#[test]
fn a_run_that_is_not_the_one_named_is_refused() {
    let storage = MemoryStorage::new();
    let facts = *write(&storage, 1, 9, &entries(10, 40)).facts();
    let other = *write(&storage, 2, 9, &entries(10, 40)).facts();
    let open = |identity: &Identity, facts: &RunFacts| Run::open(&storage, identity, facts).unwrap_err();
    let foreign = Identity { cluster: ClusterId([5; 16]), ..IDENTITY };
    assert_eq!(open(&foreign, &facts), RunError::Another { number: 1 });
    let restored = Identity { incarnation: Incarnation(5), ..IDENTITY };
    check(&Run::open(&storage, &restored, &facts).unwrap(), &entries(10, 40));
    let renamed = RunFacts { number: 3, ..facts };
    assert_eq!(open(&IDENTITY, &renamed), RunError::Missing { number: 3 });
    assert_eq!(open(&IDENTITY, &RunFacts { hash: other.hash, ..facts }), RunError::Another { number: 1 });
    storage.change(&run_name(1), |bytes| bytes.truncate(2 * 4096));
    assert_eq!(open(&IDENTITY, &facts), RunError::Damaged { number: 1, page: 2 });
    storage.change(&run_name(2), |bytes| bytes[8] = 2);
    let newer = open(&IDENTITY, &other);
    assert_eq!(newer, RunError::Damaged { number: 2, page: 0 }, "the checksum counts first");
}

/// The machine stops at each change of the folder in turn: the run is there, whole, or its name is not.
#[test]
fn a_power_loss_leaves_a_whole_run_or_none() {
    let storage = MemoryStorage::new();
    let entries = entries(10, 100);
    let facts = *write(&storage, 1, 9, &entries).facts();
    for stop in 0..storage.operations().len() {
        for fate in [Fate::Keep, Fate::Lose, Fate::Tear(0b0101_0101)] {
            let storage = MemoryStorage::new();
            storage.inject(stop, crate::storage_faults::Fault::PowerLoss);
            let written =
                RunWriter::create(storage.clone(), IDENTITY, 1, Sequence(9)).and_then(|mut writer| {
                    for entry in &entries {
                        let (sequence, time) = (Sequence(entry.sequence), time(entry.sequence));
                        writer.push(sequence, time, entry.hash, &entry.bytes())?;
                    }
                    writer.finish()
                });
            assert!(written.is_err());
            let after = storage.after_power_loss(&mut |_| fate);
            if after.list().unwrap().contains(&run_name(1)) {
                check(&Run::open(&after, &IDENTITY, &facts).unwrap(), &entries);
            }
            tidy_runs(&after, &[]).unwrap();
            assert_eq!(after.list().unwrap(), [""; 0]);
            write(&after, 1, 9, &entries);
        }
    }
}

#[test]
fn what_the_log_does_not_name_is_removed() {
    let storage = MemoryStorage::new();
    for number in 1..4 {
        write(&storage, number, 9, &entries(10, 3));
    }
    for name in
        ["duplicates-0000000000000003.new", "duplicates-0000000000000009.new", "segment-0000000000000001.log"]
    {
        storage.place_file(name, vec![1; 4096]);
    }
    tidy_runs(&storage, &[2, 3]).unwrap();
    let kept = ["duplicates-0000000000000002", "duplicates-0000000000000003", "segment-0000000000000001.log"];
    assert_eq!(storage.list().unwrap(), kept);
    assert_eq!(run_number("duplicates-2"), None);
}
