//! Each row of the recovery table on real bytes, and each way a folder can be the wrong one.

use journal::{
    DamageKind, Fate, Fault, FrameKind, Identity, Journal, LocalJournal, Location, MemoryStorage, OpenError,
    ReadError, Reader, SegmentFault, Storage, segment_name,
};
use types::{BatchNumber, ClusterId, Incarnation};

use crate::support::{Node, SEGMENT_BYTES, create, hashes, identity, locations, open, settings};

type LocalNode = Node<LocalJournal<MemoryStorage>>;

const FIRST: &str = "segment-0000000000000001.log";
const SECOND: &str = "segment-0000000000000002.log";

/// A folder with an epoch start and frames of these lengths; nobody holds it.
fn folder(lengths: &[usize]) -> (MemoryStorage, LocalNode) {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    lengths.iter().for_each(|length| node.commands(*length));
    (storage.after_exit(&mut |_| Fate::Lose), node)
}

/// What reading the folder ends with, the same for a node that starts and for `verify`.
fn damage(storage: &MemoryStorage) -> (Location, u64, DamageKind) {
    let opened = LocalJournal::open(storage.clone(), None, settings(SEGMENT_BYTES, 2)).unwrap();
    let ReadError::Damage(damage) = { opened }.read(BatchNumber(0), &mut |_, _| Ok(())).unwrap_err() else {
        panic!("not damage")
    };
    let reader = Reader::open(storage.clone()).unwrap();
    let ReadError::Damage(seen) = reader.read(BatchNumber(0), &mut |_, _| Ok(())).unwrap_err() else {
        panic!("not damage")
    };
    assert_eq!(seen, damage);
    let text = damage.to_string();
    for part in ["segment", "offset", "batch", damage.kind.advice()] {
        assert!(text.contains(part), "{text}");
    }
    (damage.location, damage.expected.0, damage.kind)
}

/// Where the log ends and whether something torn lies there; then a node must be able to go on.
fn torn(storage: &MemoryStorage) -> (u64, Option<Location>) {
    let mut journal = open(storage);
    let (tail, _) = hashes(&mut journal);
    let torn = journal.torn();
    let mut node = Node::start(journal);
    node.commands(100);
    node.marker();
    drop(node.writer);
    drop(node.journal);
    assert_eq!(hashes(&mut open(storage)).1, node.acknowledged, "the torn frame stays behind");
    (tail.batch.0, torn)
}

fn at(segment: u64, offset: u64) -> Location {
    Location { segment, offset }
}

#[test]
fn clean_end() {
    let (storage, _) = folder(&[100, 5_000]);
    assert_eq!(torn(&storage), (3, None));
}

#[test]
fn an_empty_log_is_read_and_claimed() {
    let storage = MemoryStorage::new();
    drop(create(&storage));
    assert_eq!(torn(&storage), (0, None));
}

#[test]
fn next_segment_by_rotation_and_by_claim() {
    let (storage, _) = folder(&[40_000, 40_000]);
    assert_eq!(locations(&storage).last(), Some(&at(2, 4096)));
    assert_eq!(torn(&storage), (3, None));
}

#[test]
fn torn_body() {
    let (storage, _) = folder(&[100, 20_000]);
    let last = *locations(&storage).last().unwrap();
    storage.change(FIRST, |bytes| {
        let start = usize::try_from(last.offset).unwrap();
        bytes[start + 8192..start + 12_288].fill(0);
    });
    assert_eq!(torn(&storage), (2, Some(last)));
}

#[test]
fn torn_header() {
    let (storage, _) = folder(&[100, 20_000]);
    let last = *locations(&storage).last().unwrap();
    storage.change(FIRST, |bytes| {
        let start = usize::try_from(last.offset).unwrap();
        bytes[start..start + 512].fill(0);
    });
    assert_eq!(torn(&storage), (2, Some(last)));
}

/// As the device tears it: every sector of the write in flight kept or lost on its own.
#[test]
fn torn_by_a_power_loss() {
    for seed in 0..30 {
        let storage = MemoryStorage::new();
        let mut node = Node::start(create(&storage));
        node.commands(3_000);
        storage.inject_next(Fault::PowerLoss);
        let _ = node.append(FrameKind::Commands, 20_000);
        let mut choices = journal::SeededChoices::new(seed);
        let after = storage.after_power_loss(&mut |_| Fate::Tear(choices.bits().to_le_bytes()[0]));
        let (batch, _) = torn(&after);
        assert_eq!(batch, 2, "seed {seed}");
    }
}

/// A whole frame that was never acknowledged is kept: the client's retry finds its result.
#[test]
fn a_complete_last_frame_is_kept() {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    storage.inject_next(Fault::PowerLoss);
    let _ = node.append(FrameKind::Commands, 20_000);
    assert_eq!(torn(&storage.after_power_loss(&mut |_| Fate::Keep)), (2, None));
}

#[test]
fn torn_frame_left_by_an_earlier_start() {
    let (storage, _) = folder(&[100, 20_000]);
    let last = *locations(&storage).last().unwrap();
    storage.flip_bit(FIRST, last.offset + 9_000, 0);
    assert_eq!(torn(&storage), (2, Some(last)));
    // Two more starts later the torn frame still lies there, and the log has gone on.
    assert_eq!(torn(&storage), (5, None));
    assert_eq!(torn(&storage), (8, None));
}

#[test]
fn bit_flip_in_the_middle() {
    let (storage, _) = folder(&[100, 200, 300]);
    let place = locations(&storage)[1];
    storage.flip_bit(FIRST, place.offset + 300, 4);
    let later = at(1, place.offset + 4096);
    let kind = DamageKind::FrameUnreadable { later, found: BatchNumber(3) };
    assert_eq!(damage(&storage), (place, 2, kind));
}

/// The residual window that FORMAT.md names: nothing yet shows that the frame was durable.
#[test]
fn rot_in_the_last_frame_before_its_marker_looks_torn() {
    let (storage, _) = folder(&[100, 200]);
    let last = *locations(&storage).last().unwrap();
    storage.flip_bit(FIRST, last.offset + 300, 4);
    assert_eq!(torn(&storage), (2, Some(last)));
}

#[test]
fn rot_in_the_last_frame_after_its_marker_stops() {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    node.commands(100);
    node.marker();
    drop(node);
    let frames = locations(&storage);
    storage.flip_bit(FIRST, frames[1].offset + 300, 4);
    let kind = DamageKind::FrameUnreadable { later: frames[2], found: BatchNumber(3) };
    assert_eq!(damage(&storage), (frames[1], 2, kind));
}

#[test]
fn unreadable_before_a_later_segment() {
    let (storage, _) = folder(&[40_000, 40_000]);
    storage.flip_bit(FIRST, 9_000, 1);
    let kind = DamageKind::FrameUnreadable { later: at(2, 4096), found: BatchNumber(3) };
    assert_eq!(damage(&storage), (at(1, 8192), 2, kind));
}

/// An acknowledged frame that rots after a later claim is not mistaken for one that claim left behind.
#[test]
fn rot_before_a_later_epoch_stops() {
    let (storage, _) = folder(&[100]);
    assert_eq!(torn(&storage), (2, None));
    storage.flip_bit(FIRST, 8_500, 1);
    let kind = DamageKind::FrameUnreadable { later: at(2, 4096), found: BatchNumber(3) };
    assert_eq!(damage(&storage), (at(1, 8192), 2, kind));
}

#[test]
fn frames_missing_at_the_end_of_a_segment() {
    let (storage, _) = folder(&[30_000, 10_000, 40_000]);
    let lost = locations(&storage)[2];
    storage.change(FIRST, |bytes| bytes[usize::try_from(lost.offset).unwrap()..].fill(0));
    let kind = DamageKind::FramesMissing { later: at(2, 4096), found: BatchNumber(4) };
    assert_eq!(damage(&storage), (lost, 3, kind));
}

/// The fault is named where it is, not where the segment before ends.
#[test]
fn rot_in_the_first_frame_of_a_segment() {
    let (storage, _) = folder(&[40_000, 40_000, 100]);
    storage.flip_bit(SECOND, 5_000, 1);
    let frames = locations_until_damage(&storage);
    let (location, expected, kind) = damage(&storage);
    assert_eq!((location, expected, frames), (at(2, 4096), 3, 2));
    assert!(matches!(kind, DamageKind::FrameUnreadable { found: BatchNumber(4), .. }), "{kind:?}");
}

fn locations_until_damage(storage: &MemoryStorage) -> usize {
    let mut count = 0;
    let reader = Reader::open(storage.clone()).unwrap();
    let _ = reader.read(BatchNumber(0), &mut |_, _| {
        count += 1;
        Ok(())
    });
    count
}

#[test]
fn more_than_one_write() {
    let storage = MemoryStorage::new();
    let journal = LocalJournal::create(storage.clone(), identity(), settings(2 << 20, 1)).unwrap();
    let mut node = Node::start(journal);
    node.commands(100);
    drop(node);
    storage.flip_bit(FIRST, 8_192 + 100, 0);
    storage.flip_bit(FIRST, 1 << 20, 0);
    let (location, expected, kind) = damage(&storage);
    assert_eq!((location, expected), (at(1, 8192), 2));
    assert_eq!(kind, DamageKind::WideDamage { end: (1 << 20) + 4096 });
}

#[test]
fn a_misdirected_write_is_found() {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    node.commands(100);
    storage.inject_next(Fault::MisdirectedWrite { offset: 8_192 });
    node.commands(100);
    drop(node);
    let (location, expected, kind) = damage(&storage);
    assert_eq!((location, expected), (at(1, 8192), 2));
    assert!(matches!(kind, DamageKind::Misplaced { segment: 1, offset: 12_288, .. }), "{kind:?}");
}

#[test]
fn a_lost_write_before_others_is_found() {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    storage.inject_next(Fault::LostWrite);
    node.commands(100);
    node.marker();
    drop(node);
    let kind = DamageKind::FrameUnreadable { later: at(1, 12_288), found: BatchNumber(3) };
    assert_eq!(damage(&storage), (at(1, 8192), 2, kind));
}

/// Bytes of an older file, as a file system could show them after it had reused blocks.
#[test]
fn frames_of_a_stale_segment_are_refused() {
    let (storage, _) = folder(&[100]);
    let stale = MemoryStorage::new();
    let old = LocalJournal::create(stale.clone(), identity(), settings(SEGMENT_BYTES, 1234)).unwrap();
    let mut node = Node::start(old);
    (0..4).for_each(|_| node.commands(100));
    let stale = stale.bytes(FIRST).unwrap();
    storage.change(FIRST, |bytes| bytes[12_288..16_384].copy_from_slice(&stale[12_288..16_384]));
    let (location, expected, kind) = damage(&storage);
    assert_eq!((location, expected), (at(1, 12_288), 3));
    assert!(matches!(kind, DamageKind::Misplaced { .. }), "{kind:?}");
}

/// A frame whose envelope is right but which belongs to another epoch, as after an operator's mistake.
#[test]
fn a_frame_of_another_epoch_is_refused() {
    let (storage, _) = folder(&[100]);
    let other = MemoryStorage::new();
    let mut node = Node::start(create(&other));
    drop((node.writer, node.journal));
    node = Node::start(open(&other));
    node.commands(100);
    // Same number, same tag: only the chain tells them apart.
    let mut bytes = other.bytes(SECOND).unwrap();
    let mut copied = bytes.split_off(8192)[..4096].to_vec();
    let tag = storage.bytes(FIRST).unwrap()[48..56].to_vec();
    copied[8..16].copy_from_slice(&tag);
    copied[16..24].copy_from_slice(&1_u64.to_le_bytes());
    copied[24..32].copy_from_slice(&12_288_u64.to_le_bytes());
    let length = usize::try_from(u32::from_le_bytes(copied[32..36].try_into().unwrap())).unwrap();
    let sum = crc32c::crc32c_append(crc32c::crc32c(&copied[..36]), &copied[64..64 + length]);
    copied[36..40].copy_from_slice(&sum.to_le_bytes());
    storage.change(FIRST, |bytes| bytes[12_288..16_384].copy_from_slice(&copied));
    let (location, expected, kind) = damage(&storage);
    assert_eq!((location, expected), (at(1, 12_288), 3));
    assert!(matches!(kind, DamageKind::Chain(journal::ChainFault::Epoch { .. })), "{kind:?}");
}

#[test]
fn something_in_the_padding_is_found() {
    let (storage, _) = folder(&[100, 100]);
    storage.flip_bit(FIRST, 12_288 + 4_000, 0);
    assert_eq!(damage(&storage), (at(1, 12_288), 3, DamageKind::Padding));
}

#[test]
fn a_missing_segment_is_named() {
    let (storage, _) = folder(&[40_000, 40_000, 40_000]);
    storage.take_file(SECOND);
    let kind = DamageKind::SegmentMissing { name: SECOND.to_owned() };
    assert_eq!(damage(&storage), (at(2, 0), 3, kind));
}

#[test]
fn a_segment_cut_short_is_named() {
    let (storage, _) = folder(&[100]);
    storage.change(FIRST, |bytes| bytes.truncate(32_768));
    let (location, _, kind) = damage(&storage);
    assert_eq!(location, at(1, 0));
    let fault = SegmentFault::Length { found: 32_768, made: SEGMENT_BYTES };
    assert_eq!(kind, DamageKind::SegmentHeader { name: FIRST.to_owned(), fault });
}

#[test]
fn segments_of_another_log_are_refused() {
    let others = [
        Identity { cluster: ClusterId([9; 16]), ..identity() },
        Identity { incarnation: Incarnation(78), ..identity() },
    ];
    for other in others {
        let foreign = MemoryStorage::new();
        let journal = LocalJournal::create(foreign.clone(), other, settings(SEGMENT_BYTES, 1)).unwrap();
        let mut node = NodeOf::start(journal, other);
        node.commands();
        let (storage, _) = folder(&[100]);
        storage.place_file(FIRST, foreign.bytes(FIRST).unwrap());
        let (location, _, kind) = damage(&storage);
        assert_eq!(location, at(1, 0));
        let fault = SegmentFault::Foreign { found: other };
        assert_eq!(kind, DamageKind::SegmentHeader { name: FIRST.to_owned(), fault });
    }
}

/// A node of another identity than the other tests use.
struct NodeOf {
    writer: journal::LocalWriter<MemoryStorage>,
    builder: journal::FrameBuilder,
    identity: Identity,
}

impl NodeOf {
    fn start(mut journal: LocalJournal<MemoryStorage>, identity: Identity) -> Self {
        let mut builder = journal::FrameBuilder::new(0);
        let (tail, _) = hashes(&mut journal);
        let mut start = crate::support::seal_for(&mut builder, identity, FrameKind::EpochStart, tail, 0);
        let writer = journal.claim(&tail, &mut start).unwrap();
        Self { writer, builder, identity }
    }

    fn commands(&mut self) {
        let tail = *journal::Writer::tail(&self.writer);
        let mut frame =
            crate::support::seal_for(&mut self.builder, self.identity, FrameKind::Commands, tail, 50);
        assert!(matches!(journal::Writer::append(&mut self.writer, &mut frame), journal::Append::Durable));
    }
}

#[test]
fn a_newest_segment_without_frames_is_fine() {
    let storage = MemoryStorage::new();
    let mut node = Node::start(create(&storage));
    node.commands(40_000);
    // MANIFEST is written, then the machine stops before the frame.
    storage.inject(storage.operations().len() + 5, Fault::PowerLoss);
    let _ = node.append(FrameKind::Commands, 40_000);
    let (batch, _) = torn(&storage.after_power_loss(&mut |_| Fate::Lose));
    assert_eq!(batch, 2);
}

#[test]
fn either_slot_of_manifest_may_be_torn() {
    for slot in 0..2_usize {
        let storage = MemoryStorage::new();
        drop(create(&storage));
        storage.change("MANIFEST", |bytes| bytes[slot * 4096..][..512].fill(0xAA));
        let opened = LocalJournal::open(storage.clone(), None, settings(SEGMENT_BYTES, 2));
        match (slot, opened) {
            (0, Ok(_)) | (1, Err(OpenError::ManifestUnreadable { .. })) => {}
            (_, other) => panic!("{other:?}"),
        }
    }
}

/// A slot that rots after frames went into the segment it names must not make them a leftover.
#[test]
fn a_rotten_newest_slot_of_manifest_stops() {
    let (storage, _) = folder(&[40_000, 40_000]);
    let manifest = storage.bytes("MANIFEST").unwrap();
    let generation = |slot: usize| u64::from_le_bytes(manifest[slot * 4096 + 40..][..8].try_into().unwrap());
    let newest = if generation(0) > generation(1) { 0 } else { 4096 };
    storage.flip_bit("MANIFEST", newest + 50, 0);
    match LocalJournal::open(storage.clone(), None, settings(SEGMENT_BYTES, 2)) {
        Err(OpenError::Damage(damage)) => {
            assert_eq!(damage.kind, DamageKind::SegmentUnnamed { name: segment_name(2) });
        }
        other => panic!("{other:?}"),
    }
    assert!(storage.bytes(SECOND).is_some(), "nothing was removed");
}

#[test]
fn two_nodes_on_one_folder() {
    let storage = MemoryStorage::new();
    let node = Node::start(create(&storage));
    let second = LocalJournal::open(storage.clone(), None, settings(SEGMENT_BYTES, 2));
    let error = second.unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }));
    assert!(error.to_string().contains("another node uses memory"), "{error}");
    // Any handle holds the folder, the writer's alone too.
    let writer = node.writer;
    drop(node.journal);
    assert!(LocalJournal::open(storage.clone(), None, settings(SEGMENT_BYTES, 2)).is_err());
    drop(writer);
    open(&storage);
}

#[test]
fn a_read_only_folder_says_so_and_can_be_inspected() {
    let (storage, node) = folder(&[100]);
    storage.set_read_only(true);
    let error = LocalJournal::open(storage.clone(), None, settings(SEGMENT_BYTES, 2)).unwrap_err();
    assert!(matches!(error, OpenError::ReadOnly { .. }));
    assert!(error.to_string().contains("can't be written"), "{error}");
    let end = Reader::open(storage).unwrap().read(BatchNumber(0), &mut |_, _| Ok(())).unwrap();
    assert_eq!(end.tail.hash, *node.acknowledged.last().unwrap());
    assert_eq!(end.location, at(1, 12_288));
}

#[test]
fn a_newer_format_says_so() {
    let (storage, _) = folder(&[100]);
    for start in [0, 4096] {
        storage.change("MANIFEST", |bytes| newer(&mut bytes[start..start + 4096], 3));
    }
    let error = LocalJournal::open(storage, None, settings(SEGMENT_BYTES, 2)).unwrap_err();
    assert!(matches!(error, OpenError::NewerFormat { found: 3, .. }), "{error}");
    assert!(error.to_string().contains("use the newer binary"), "{error}");

    let (storage, _) = folder(&[100]);
    storage.change(FIRST, |bytes| newer(&mut bytes[..4096], 2));
    let (_, _, kind) = damage(&storage);
    let fault = SegmentFault::NewerFormat { found: 2 };
    assert_eq!(kind, DamageKind::SegmentHeader { name: FIRST.to_owned(), fault });
}

/// Raises the format of a block and makes its checksum right again.
fn newer(block: &mut [u8], format: u8) {
    block[8] = format;
    let sum = crc32c::crc32c_append(crc32c::crc32c(&block[..12]), &block[16..]);
    block[12..16].copy_from_slice(&sum.to_le_bytes());
}

#[test]
fn a_folder_of_another_cluster_is_refused_unchanged() {
    let (storage, _) = folder(&[100]);
    let before = storage.operations().len();
    let expected = Some(ClusterId([1; 16]));
    let error = LocalJournal::open(storage.clone(), expected, settings(SEGMENT_BYTES, 2)).unwrap_err();
    assert!(matches!(error, OpenError::ForeignCluster { .. }));
    assert!(error.to_string().contains("nothing was changed"), "{error}");
    let writes = storage.operations().split_off(before);
    assert!(writes.iter().all(|operation| operation.length == 0), "only syncs");
}

#[test]
fn an_empty_or_foreign_folder_is_no_journal() {
    let storage = MemoryStorage::new();
    let error = LocalJournal::open(storage.clone(), None, settings(SEGMENT_BYTES, 2)).unwrap_err();
    assert!(matches!(error, OpenError::NotAJournal { .. }));
    storage.place_file("holiday.jpg", vec![1; 10]);
    let error = LocalJournal::create(storage.clone(), identity(), settings(SEGMENT_BYTES, 2)).unwrap_err();
    assert!(matches!(error, OpenError::NotEmpty { .. }));
    assert_eq!(storage.list().unwrap(), ["holiday.jpg"]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]

    /// Any one flipped bit, anywhere: an error, or all frames but at most the last, which nothing follows.
    #[test]
    fn any_flipped_bit_is_seen(file in 0..3_usize, at in 0..SEGMENT_BYTES, near in 0..45_000_u64, bit in 0..8_u8) {
        let (storage, node) = folder(&[2_000, 40_000, 30_000, 100]);
        let name = [FIRST, SECOND, "MANIFEST"][file];
        let length = u64::try_from(storage.bytes(name).unwrap().len()).unwrap();
        storage.flip_bit(name, if bit % 2 == 0 { near } else { at } % length, bit);
        if let Ok(mut journal) = LocalJournal::open(storage, None, settings(SEGMENT_BYTES, 2)) {
            let mut found = Vec::new();
            let result = journal.read(BatchNumber(0), &mut |frame, _| {
                found.push(frame.hash());
                Ok(())
            });
            let all = &node.acknowledged;
            proptest::prop_assert_eq!(&found[..], &all[..found.len()]);
            proptest::prop_assert!(result.is_err() || found.len() + 1 >= all.len());
        }
    }

    /// Whatever the bytes of the files are, opening and reading them ends without panic.
    #[test]
    fn any_folder_is_read_without_panic(
        manifest in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..64),
        segment in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400),
        at in 0..9_000_usize,
        right: bool,
    ) {
        let (storage, _) = folder(&[2_000]);
        storage.change(FIRST, |bytes| bytes[at..at + segment.len()].copy_from_slice(&segment));
        storage.change("MANIFEST", |bytes| {
            bytes[4096 + 40..4096 + 40 + manifest.len()].copy_from_slice(&manifest);
            bytes[40..40 + manifest.len()].copy_from_slice(&manifest);
            if right {
                for slot in bytes.chunks_mut(4096) {
                    let sum = crc32c::crc32c_append(crc32c::crc32c(&slot[..12]), &slot[16..]);
                    slot[12..16].copy_from_slice(&sum.to_le_bytes());
                }
            }
        });
        if let Ok(reader) = Reader::open(storage.clone()) {
            let _ = reader.read(BatchNumber(0), &mut |_, _| Ok(()));
        }
        if let Ok(mut journal) = LocalJournal::open(storage, None, settings(SEGMENT_BYTES, 2)) {
            let _ = journal.read(BatchNumber(0), &mut |_, _| Ok(()));
        }
    }
}
