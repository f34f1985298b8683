//! Frames: what is sealed is read back, whatever the bytes, and nothing else passes for a frame.

use std::collections::BTreeSet;

use journal::{
    FRAME_LENGTH_MAX, FrameBuilder, FrameFault, FrameHash, FrameHeader, FrameKind, FrameView, HEADER_LENGTH,
    SealInput, Tail,
};
use proptest::prelude::*;
use types::{BatchNumber, Sequence, Timestamp};

use crate::support::{identity, seal};

fn input() -> SealInput {
    SealInput {
        kind: FrameKind::Commands,
        identity: identity(),
        previous: Tail {
            batch: BatchNumber(8),
            next_sequence: Sequence(100),
            hash: FrameHash([9; 32]),
            epoch: types::Epoch(3),
            ..Tail::EMPTY
        },
        time: Timestamp::from_nanoseconds(1_000).unwrap(),
        rules_version: 2,
        durable_mark: BatchNumber(7),
        personal_key: 5,
    }
}

proptest! {
    #[test]
    fn sections_round_trip(
        records in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..20),
        outcomes in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..20),
        personal in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut builder = FrameBuilder::new(0);
        records.iter().for_each(|record| builder.push_record(record));
        outcomes.iter().for_each(|outcome| builder.push_outcome(outcome));
        prop_assert_eq!(builder.push_personal(&personal), 0);
        let length = builder.frame_length();
        let frame = builder.seal(&input());
        prop_assert_eq!(frame.bytes().len(), length);
        let view = FrameView::parse(frame.bytes()).unwrap();
        prop_assert_eq!(view.header(), frame.header());
        prop_assert_eq!(view.hash(), frame.hash());
        prop_assert_eq!(view.records(), records.concat());
        prop_assert_eq!(view.outcomes(), outcomes.concat());
        prop_assert_eq!(view.personal(), personal);
        prop_assert_eq!(view.header().first_sequence, Sequence(100));
        prop_assert_eq!(view.header().next_sequence().0, 101 + u64::try_from(records.len()).unwrap());
        prop_assert_eq!(frame.tail().batch, BatchNumber(9));
        prop_assert!(builder.is_empty());
    }

    #[test]
    fn any_bytes_are_read_without_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..600), begin: bool) {
        if begin && bytes.len() >= 10 {
            bytes[..10].copy_from_slice(b"SLVFRAME\x01\x00");
        }
        let _ = FrameView::parse(&bytes);
    }

    /// No single bit of a frame can change without the hash or the structure changing.
    #[test]
    fn any_flipped_bit_is_seen(at in 0..HEADER_LENGTH + 48, bit in 0..8_u8) {
        let mut builder = FrameBuilder::new(0);
        builder.push_record(&[1; 24]);
        builder.push_outcome(&[2; 9]);
        let frame = builder.seal(&input());
        let mut bytes = frame.bytes().to_vec();
        let at = at.min(bytes.len() - 1);
        bytes[at] ^= 1 << bit;
        if let Ok(view) = FrameView::parse(&bytes) {
            prop_assert_ne!(view.hash(), frame.hash());
        }
    }
}

#[test]
fn records_keep_the_alignment_of_their_frame() {
    let mut builder = FrameBuilder::new(0);
    builder.push_record(&[1; 64]);
    let frame = builder.seal(&input());
    assert!(frame.view().records().as_ptr().addr().is_multiple_of(64));
}

#[test]
fn a_frame_fills_up_to_its_limit_and_no_further() {
    let mut builder = FrameBuilder::new(0);
    let room = FRAME_LENGTH_MAX - HEADER_LENGTH;
    assert!(builder.has_room(room, 0, 0));
    assert!(!builder.has_room(room + 1, 0, 0));
    assert!(!builder.has_room(room, 1, 0));
    assert!(!builder.has_room(usize::MAX, usize::MAX, usize::MAX));
    builder.push_record(&vec![7; room]);
    assert!(!builder.has_room(0, 0, 1));
    let frame = builder.seal(&input());
    assert_eq!(frame.bytes().len(), FRAME_LENGTH_MAX);
    FrameView::parse(frame.bytes()).unwrap();
}

#[test]
fn buffers_travel_in_a_circle() {
    let mut builder = FrameBuilder::new(2);
    let mut addresses = BTreeSet::new();
    let mut away = std::collections::VecDeque::new();
    for _ in 0..20 {
        builder.push_record(&[3; 100]);
        let frame = builder.seal(&input());
        addresses.insert(frame.bytes().as_ptr().addr());
        away.push_back(frame);
        if away.len() == 2 {
            builder.recycle(away.pop_front().unwrap());
        }
    }
    assert_eq!(addresses.len(), 3);
}

/// Bytes of a frame that was in the buffer before must not come back as padding.
#[test]
fn a_recycled_buffer_leaves_no_trace() {
    let mut builder = FrameBuilder::new(0);
    builder.push_record(&[0xFF; 5000]);
    let frame = builder.seal(&input());
    builder.recycle(frame);
    builder.push_record(&[1; 3]);
    drop(builder.seal(&input()));
    builder.push_record(&[1; 3]);
    builder.push_personal(&[2; 5]);
    let frame = builder.seal(&input());
    FrameView::parse(frame.bytes()).unwrap();
}

fn fault(change: impl Fn(&mut Vec<u8>)) -> FrameFault {
    let mut builder = FrameBuilder::new(0);
    builder.push_record(&[1; 11]);
    let frame = builder.seal(&input());
    let mut bytes = frame.bytes().to_vec();
    change(&mut bytes);
    FrameView::parse(&bytes).unwrap_err()
}

#[test]
fn each_fault_of_a_frame_is_named() {
    assert_eq!(fault(|bytes| bytes.truncate(100)), FrameFault::Length { length: 100 });
    assert_eq!(fault(|bytes| bytes[0] = b'X'), FrameFault::Magic);
    assert_eq!(fault(|bytes| bytes[8] = 2), FrameFault::NewerFormat { found: 2 });
    assert_eq!(fault(|bytes| bytes[8] = 0), FrameFault::Magic);
    assert_eq!(fault(|bytes| bytes[10] = 9), FrameFault::Kind { found: 9 });
    for reserved in [11, 14, 100, 112, 160, 191] {
        assert_eq!(fault(|bytes| bytes[reserved] = 1), FrameFault::Reserved, "{reserved}");
    }
    assert_eq!(fault(|bytes| bytes[48..56].fill(0)), FrameFault::Range);
    assert_eq!(fault(|bytes| bytes[56..64].fill(0xFF)), FrameFault::Range);
    assert_eq!(fault(|bytes| bytes[71] = 0x80), FrameFault::Range);
    assert_eq!(fault(|bytes| bytes[80] = 200), FrameFault::Sections);
    assert_eq!(fault(|bytes| bytes[80..84].fill(0xFF)), FrameFault::Sections);
    assert_eq!(fault(|bytes| bytes[76] = 0), FrameFault::Sections);
    assert_eq!(fault(|bytes| bytes[104] = 9), FrameFault::DurableMark);
    assert_eq!(fault(|bytes| bytes[10] = 2), FrameFault::NotEmpty);
    assert_eq!(fault(|bytes| bytes[HEADER_LENGTH + 11] = 1), FrameFault::Padding);
    assert_eq!(fault(|bytes| bytes.extend([0; 8])), FrameFault::Sections);
}

#[test]
fn a_header_is_192_bytes_at_the_documented_places() {
    let mut builder = FrameBuilder::new(0);
    builder.push_record(&[1; 16]);
    let frame = builder.seal(&input());
    let bytes = frame.bytes();
    assert_eq!(&bytes[..8], b"SLVFRAME");
    assert_eq!(bytes[16..32], [0xC1; 16]);
    assert_eq!(bytes[32..40], 77_u64.to_le_bytes());
    assert_eq!(bytes[40..48], 3_u64.to_le_bytes());
    assert_eq!(bytes[48..56], 9_u64.to_le_bytes());
    assert_eq!(bytes[56..64], 100_u64.to_le_bytes());
    assert_eq!(bytes[64..72], 1_000_u64.to_le_bytes());
    assert_eq!(bytes[104..112], 7_u64.to_le_bytes());
    assert_eq!(bytes[128..160], [9; 32]);
    assert_eq!(FrameHeader::decode(bytes).unwrap(), *frame.header());
}

#[test]
fn personal_data_stays_out_of_debug() {
    let mut builder = FrameBuilder::new(0);
    let frame = seal(&mut builder, FrameKind::EpochStart, Tail::EMPTY, 0);
    builder.push_personal(b"Erika Mustermann");
    let next = builder.seal(&SealInput {
        previous: frame.tail(),
        durable_mark: BatchNumber(0),
        time: Timestamp::from_nanoseconds(9_000_000).unwrap(),
        ..input()
    });
    let text = format!("{next:?} {:?} {builder:?}", next.view());
    assert!(!text.contains("Erika"));
    assert!(!text.contains("69, 114, 105"), "the bytes of the name");
}
