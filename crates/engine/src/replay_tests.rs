//! Replaying: a whole log, and each way in which one can contradict itself.

use journal::{FrameBuilder, FrameHeader, FrameKind, MemoryJournal, SealInput, Tail};
use ledger::{Outcome, OutcomeEntry, RecordWriter, StateError};
use types::BatchNumber;

use super::*;
use crate::testing::{
    LIMITS, Node, SECOND, commands, identity, nanoseconds, payment, replay, small, summary,
};

/// A log of the two banks and one payment, and everything in it told.
fn log() -> MemoryJournal {
    let mut node = Node::with_world();
    node.submit(1, payment("T1", node.now.wall));
    assert!(node.write_all());
    node.advance(SECOND);
    assert!(node.write_all());
    node.journal
}

/// What comes of a log to which one more frame is added.
fn divergence(fill: impl FnOnce(&mut FrameBuilder)) -> Divergence {
    let mut journal = log();
    let tail = journal.tail();
    let mut replayer = replay(&mut journal);
    assert_eq!(replayer.untold_count(), 0);
    let before = replayer.totals();
    let mut builder = FrameBuilder::new(0);
    fill(&mut builder);
    let frame = seal(&mut builder, tail);
    let divergence = replayer.frame(&frame.view()).unwrap_err();
    assert_eq!(replayer.totals().frames, before.frames, "the frame does not count");
    divergence
}

fn seal(builder: &mut FrameBuilder, previous: Tail) -> journal::SealedFrame {
    seal_under(ledger::RULES_VERSION, builder, previous)
}

fn seal_under(rules_version: u32, builder: &mut FrameBuilder, previous: Tail) -> journal::SealedFrame {
    builder.seal(&SealInput {
        kind: FrameKind::Commands,
        identity: identity(),
        previous,
        time: previous.time.plus(nanoseconds(SECOND)),
        rules_version,
        durable_mark: previous.batch,
        personal_key: 0,
    })
}

fn push(builder: &mut FrameBuilder, writer: &RecordWriter) {
    writer.split().for_each(|record| builder.push_record(record));
    builder.push_personal(writer.texts());
}

fn entry(sequence: u64) -> OutcomeEntry {
    let (sequence, kind) = (Sequence(sequence), ledger::Kind::SetProfile);
    let verdict = ledger::Verdict::Done { subject: 0, repeat_of: None };
    let decided_time = types::Timestamp::default();
    let accepted = types::Timestamp::default();
    Outcome {
        sequence,
        decided_at: sequence,
        decided_time,
        accepted,
        kind,
        verdict,
        alerts: ledger::Alerts::NONE,
        late: false,
        remark: ledger::Remark::None,
        balances: [0; 4],
    }
    .to_entry()
}

#[test]
fn a_whole_log_gives_the_same_ledger_and_counts_what_it_saw() {
    let mut journal = log();
    let first = replay(&mut journal);
    let second = replay(&mut journal);
    assert_eq!(summary(first.ledger()), summary(second.ledger()));
    let totals = first.totals();
    assert_eq!(totals.frames, u64::try_from(journal.frames().len()).unwrap());
    // Genesis and profile, two banks of three commands and a posting, one payment.
    assert_eq!((totals.records, totals.outcomes_checked), (2 + 7 + 1, 10));
}

fn state(replayer: &Replayer) -> Vec<u8> {
    let mut bytes = Vec::new();
    replayer.write_state(&mut bytes).unwrap();
    assert_eq!(u64::try_from(bytes.len()), Ok(replayer.state_length()));
    bytes
}

/// After each frame: what was read is what was written, and goes on to the same state and the same checks.
#[test]
fn a_replay_goes_on_from_its_state() {
    let mut journal = log();
    let whole = replay(&mut journal);
    let mut replayer = Replayer::new(LIMITS);
    let (mut untold, mut checked) = (0, 0);
    for frame in journal.frames() {
        let frame = journal::FrameView::parse(&frame).unwrap();
        replayer.frame(&frame).unwrap();
        let bytes = state(&replayer);
        untold = untold.max(replayer.untold_count());
        checked += replayer.totals().outcomes_checked;
        let mut source = bytes.as_slice();
        replayer = Replayer::read_state(&mut source, LIMITS).unwrap();
        assert!(source.is_empty(), "all is read, and no more");
        assert_eq!(state(&replayer), bytes);
    }
    assert!(untold > 1, "some states have outcomes that no frame has told");
    assert_eq!(checked, whole.totals().outcomes_checked);
    assert_eq!(state(&replayer), state(&whole));
}

#[test]
fn an_impossible_untold_outcome_is_named() {
    let journal = log();
    let first = journal.frames()[1].clone();
    let mut replayer = Replayer::new(LIMITS);
    replayer.frame(&journal::FrameView::parse(&journal.frames()[0]).unwrap()).unwrap();
    replayer.frame(&journal::FrameView::parse(&first).unwrap()).unwrap();
    let bytes = state(&replayer);
    let last = bytes.len() - OutcomeEntry::SIZE;
    for (place, field) in [(0, "sequence"), (8, "sequence"), (16, "outcome")] {
        let mut bytes = bytes.clone();
        bytes[last + place + 1] = 0xFF;
        let error = Replayer::read_state(&mut bytes.as_slice(), LIMITS).unwrap_err();
        assert!(matches!(error, StateError::Item { field: found, .. } if found == field), "{error}");
    }
    let cut = Replayer::read_state(&mut &bytes[..bytes.len() - 1], LIMITS).unwrap_err();
    assert!(matches!(cut, StateError::Ends { section: "untold outcomes" }), "{cut}");
}

#[test]
fn a_record_that_does_not_read_is_named() {
    let next = log().tail().next_sequence.next();
    let unknown = divergence(|builder| {
        let mut record = small(1, 1).records().to_vec();
        record[0] = 0xEE;
        builder.push_record(&record);
    });
    assert!(matches!(unknown, Divergence::Record { sequence, .. } if sequence == next), "{unknown}");
    let cut = divergence(|builder| builder.push_record(&small(1, 1).records()[..40]));
    assert!(matches!(cut, Divergence::Record { sequence, source: RecordError::Cut } if sequence == next));
    // The second record of a frame, behind a good one.
    let second = divergence(|builder| {
        push(builder, &small(1, 1));
        builder.push_record(&[0xFF; 64]);
    });
    assert!(matches!(second, Divergence::Record { sequence, .. } if sequence == next.next()), "{second}");
}

#[test]
fn a_second_genesis_is_out_of_order() {
    let divergence = divergence(|builder| {
        let mut writer = commands();
        writer.genesis(identity().cluster, identity().incarnation);
        push(builder, &writer);
    });
    assert!(matches!(divergence, Divergence::Order { source: ReplayError::Genesis, .. }), "{divergence}");
}

#[test]
fn a_log_that_does_not_begin_with_its_genesis_is_out_of_order() {
    let mut builder = FrameBuilder::new(0);
    push(&mut builder, &small(1, 1));
    let frame = seal(&mut builder, Tail::EMPTY);
    let divergence = Replayer::new(LIMITS).frame(&frame.view()).unwrap_err();
    assert!(matches!(divergence, Divergence::Order { source: ReplayError::Genesis, .. }), "{divergence}");
}

#[test]
fn a_wrong_count_of_records_is_noticed() {
    // Two records in one push count as one; an empty record can't be pushed, so the count is too low.
    let low = divergence(|builder| builder.push_record(small(1, 2).records()));
    assert!(matches!(low, Divergence::RecordCount { expected: 1, found: 2 }), "{low}");
    let high = divergence(|builder| {
        let writer = small(1, 1);
        let (front, back) = writer.records().split_at(8);
        builder.push_record(front);
        builder.push_record(back);
    });
    assert!(matches!(high, Divergence::RecordCount { expected: 2, found: 1 }), "{high}");
}

/// A log goes on under the version of its first frame until a command in it raises that, for the frames behind.
#[test]
fn a_frame_is_decided_by_the_version_that_the_log_has_come_to() {
    let mut builder = FrameBuilder::new(0);
    let mut replayer = Replayer::new(LIMITS);
    let raise = |id: &str| {
        let mut writer = commands();
        let request_id = ledger::RequestId::parse(id).unwrap();
        writer.set_version(&ledger::SetVersion::new(request_id, 2).unwrap());
        writer
    };
    let mut first = commands();
    first.genesis(identity().cluster, identity().incarnation);
    push(&mut builder, &first);
    let begins = seal_under(1, &mut builder, Tail::EMPTY);
    replayer.frame(&begins.view()).unwrap();
    assert_eq!(replayer.ledger().rules_version(), 1);

    let early = seal_under(2, &mut builder, begins.tail());
    let divergence = replayer.frame(&early.view()).unwrap_err();
    assert!(matches!(divergence, Divergence::RulesNotInForce { in_force: 1, found: 2 }), "{divergence}");
    push(&mut builder, &raise("raise"));
    let raises = seal_under(1, &mut builder, begins.tail());
    replayer.frame(&raises.view()).unwrap();
    assert_eq!(replayer.ledger().rules_version(), 2);
    let behind = seal_under(1, &mut builder, raises.tail());
    let divergence = replayer.frame(&behind.view()).unwrap_err();
    assert!(matches!(divergence, Divergence::RulesNotInForce { in_force: 2, found: 1 }), "{divergence}");
    replayer.frame(&seal_under(2, &mut builder, raises.tail()).view()).unwrap();

    for unknown in [0, ledger::RULES_VERSION + 1] {
        let frame = seal_under(unknown, &mut builder, Tail::EMPTY);
        assert!(Replayer::new(LIMITS).frame(&frame.view()).is_err(), "version {unknown}");
    }
}

#[test]
fn an_outcome_that_nobody_asked_for_is_noticed() {
    let divergence = divergence(|builder| builder.push_outcome(entry(3).as_bytes()));
    assert!(matches!(divergence, Divergence::Unasked { sequence: Sequence(3) }), "{divergence}");
}

#[test]
fn an_outcome_that_does_not_read_is_noticed() {
    let short = divergence(|builder| builder.push_outcome(&entry(3).as_bytes()[..60]));
    assert!(matches!(short, Divergence::Entry(_)), "{short}");
    let impossible = divergence(|builder| builder.push_outcome(&[0xFF; OutcomeEntry::SIZE]));
    assert!(matches!(impossible, Divergence::Entry(_)), "{impossible}");
}

/// Every bit of an outcome counts: the log's entries, each changed in one place.
#[test]
fn an_outcome_that_contradicts_the_replay_is_noticed() {
    let frames = log().frames();
    let headers: Vec<FrameHeader> = frames.iter().map(|bytes| *view(bytes).header()).collect();
    let told = headers.iter().rposition(|header| header.outcome_count > 0).unwrap();
    assert_eq!(headers[told].outcome_count, 1, "the payment's");
    let outcome = view(&frames[told]).outcomes().to_vec();
    // Whose outcome, when decided, and all four balances. The codes between are checked on reading as well.
    for byte in (0..16).chain(32..64) {
        let mut replayer = Replayer::new(LIMITS);
        frames[..told].iter().for_each(|bytes| replayer.frame(&view(bytes)).unwrap());
        let mut changed = outcome.clone();
        changed[byte] ^= 0x10;
        let mut builder = FrameBuilder::new(0);
        builder.push_outcome(&changed);
        let before = view(&frames[told - 1]);
        let frame = seal(&mut builder, Tail::after(before.header(), before.hash()));
        let divergence = replayer.frame(&frame.view()).unwrap_err();
        assert!(matches!(divergence, Divergence::Outcome { .. }), "byte {byte}: {divergence}");
    }
    // Settled, says the replay; the log says rejected.
    let mut rejected = outcome.clone();
    assert_eq!(rejected[18], types::PaymentState::Settled.number());
    rejected[18] = types::PaymentState::Rejected.number();
    rejected[20..24].copy_from_slice(b"AM04");
    let mut replayer = Replayer::new(LIMITS);
    frames[..told].iter().for_each(|bytes| replayer.frame(&view(bytes)).unwrap());
    let mut builder = FrameBuilder::new(0);
    builder.push_outcome(&rejected);
    let before = view(&frames[told - 1]);
    let frame = seal(&mut builder, Tail::after(before.header(), before.hash()));
    let divergence = replayer.frame(&frame.view()).unwrap_err();
    assert!(matches!(divergence, Divergence::Outcome { .. }), "{divergence}");
    assert_eq!(before.header().batch.next(), BatchNumber(u64::try_from(told).unwrap() + 1));
}

fn view(bytes: &[u8]) -> FrameView<'_> {
    FrameView::parse(bytes).unwrap()
}
