//! The list of voided commands: kept, replaced, torn and damaged.

use types::Incarnation;

use super::*;
use crate::local::Settings;
use crate::segment::SegmentSize;
use crate::storage_faults::SeededChoices;
use crate::storage_memory::MemoryStorage;

fn identity() -> Identity {
    Identity { cluster: ClusterId([9; 16]), shard: Shard(0), incarnation: Incarnation(5) }
}

fn settings() -> Settings {
    let mut choices = SeededChoices::new(1);
    Settings { segment_size: SegmentSize::new(8 * 4096).unwrap(), entropy: Box::new(move || choices.bits()) }
}

fn void(sequence: u64) -> VoidEntry {
    VoidEntry {
        sequence: Sequence(sequence),
        batch: BatchNumber(3),
        frame_hash: FrameHash([0xF4; 32]),
        kind: 10,
        logged_at: Sequence(if sequence.is_multiple_of(2) { 0 } else { sequence + 1 }),
    }
}

fn block(voids: &[VoidEntry]) -> Vec<u8> {
    let mut block = vec![0; BLOCK_SIZE];
    encode(&mut block, &identity(), voids);
    block
}

#[test]
fn a_list_is_kept_over_restarts_and_replaced_as_a_whole() {
    let storage = MemoryStorage::new();
    let journal = LocalJournal::create(storage.clone(), identity(), settings()).unwrap();
    assert_eq!(journal.voids(), Ok(Vec::new()));
    for voids in [vec![void(7)], vec![void(7), void(12)], Vec::new()] {
        journal.store_voids(&voids).unwrap();
        assert_eq!(journal.voids(), Ok(voids.clone()));
        assert_eq!(Reader::open(storage.clone()).unwrap().voids(), Ok(voids));
    }
    journal.store_voids(&[void(7)]).unwrap();
    drop(journal);
    let journal = LocalJournal::open(storage, None, settings()).unwrap();
    assert_eq!(journal.voids(), Ok(vec![void(7)]));
}

#[test]
fn there_is_room_for_so_many_and_no_more() {
    let journal = LocalJournal::create(MemoryStorage::new(), identity(), settings()).unwrap();
    let voids: Vec<VoidEntry> = (1..).map(void).take(VOIDS_MAX + 1).collect();
    journal.store_voids(&voids[..VOIDS_MAX]).unwrap();
    assert_eq!(journal.voids().unwrap().len(), VOIDS_MAX);
    assert_eq!(journal.store_voids(&voids), Err(VoidsError::Full));
}

#[test]
fn no_bit_of_it_can_change_unnoticed() {
    let good = block(&[void(7), void(12)]);
    assert_eq!(decode(&good, &identity()), Ok(vec![void(7), void(12)]));
    for bit in 0..BLOCK_SIZE * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(decode(&bad, &identity()), Err(VoidsError::Unreadable), "bit {bit}");
    }
}

type Fault = fn(&mut [u8]);

#[test]
fn what_no_writer_makes_is_refused_although_the_checksum_is_right() {
    let faults: [(&str, Fault); 7] = [
        ("reserved bytes", |block| block[RESERVED] = 1),
        ("an entry behind the last", |block| block[COUNT] = 1),
        ("more than there is room for", |block| block[COUNT] = 64),
        ("a position that is none", |block| block[ENTRIES] = 0),
        ("positions that do not ascend", |block| block[ENTRIES] = 12),
        ("logged before it was there", |block| block[ENTRIES + LOGGED_AT] = 1),
        ("another cluster", |block| block[CLUSTER] = 1),
    ];
    for (name, fault) in faults {
        let mut bad = block(&[void(7), void(12)]);
        fault(&mut bad);
        let sum = checksum(&bad);
        put(&mut bad, CHECKSUM, sum.to_le_bytes());
        assert_eq!(decode(&bad, &identity()), Err(VoidsError::Unreadable), "{name}");
    }
    let mut newer = block(&[]);
    newer[FORMAT] = 2;
    let sum = checksum(&newer);
    put(&mut newer, CHECKSUM, sum.to_le_bytes());
    assert_eq!(decode(&newer, &identity()), Err(VoidsError::Newer { found: 2 }));
}
