//! The follower without its thread, beside a node: snapshots and the starts that use them, what goes wrong with a disk,
//! and a node that tells what is not so.

use journal::{
    Append, Fate, Fault, FrameBuilder, FrameKind, Journal, LocalJournal, MemoryStorage, OpenError,
    OperationKind, Reader, SealInput, SeededChoices, SegmentSize, Settings, StorageErrorKind, Writer,
    snapshot_name,
};
use ledger::{Outcome, OutcomeEntry};

use super::*;
use crate::Divergence;
use crate::recovery::{RecoveryProgress, recover};
use crate::testing::{
    LIMITS, MILLISECOND, Node, SECOND, answer, commands, enter_remote, identity, nanoseconds, now, pay,
    pay_remote, small, world,
};

type MemoryNode = Node<LocalJournal<MemoryStorage>>;

/// A snapshot every few frames.
const OFTEN: FollowerSettings = FollowerSettings {
    snapshot_after_bytes: 20 << 10,
    snapshot_after: Duration::from_seconds(3600),
    log_bytes_since_snapshot_max: 1 << 30,
    archive_keep: None,
    archive_waits: false,
};

fn open_journal(storage: &MemoryStorage) -> LocalJournal<MemoryStorage> {
    try_open(storage).unwrap()
}

fn try_open(storage: &MemoryStorage) -> Result<LocalJournal<MemoryStorage>, OpenError> {
    let settings = || {
        let mut choices = SeededChoices::new(3);
        let segment_size = SegmentSize::new(8 * 4096).unwrap();
        Settings { segment_size, entropy: Box::new(move || choices.bits()) }
    };
    match LocalJournal::open(storage.clone(), None, settings()) {
        Err(OpenError::NotAJournal { .. }) => LocalJournal::create(storage.clone(), identity(), settings()),
        opened => opened,
    }
}

fn follower(
    journal: &LocalJournal<MemoryStorage>,
    settings: FollowerSettings,
    snapshot: u64,
) -> Follower<MemoryStorage> {
    Follower::new(FollowerSetup {
        reader: journal.frame_reader(),
        snapshots: journal.snapshots(),
        limits: LIMITS,
        settings,
        snapshot,
        pause: Box::new(|_, _| ()),
    })
}

/// Steps until there is nothing more to do; what was done besides replaying.
fn follow(follower: &mut Follower<MemoryStorage>) -> Result<Vec<Followed>, FollowError> {
    let mut done = Vec::new();
    loop {
        let followed = follower.step()?;
        if followed == Followed::Idle {
            return Ok(done);
        }
        done.extend(Some(followed).filter(|followed| *followed != Followed::Frames));
    }
}

/// Payments, repeats, and questions of bank C that are open, answered and over. `None` if the machine stops.
fn traffic(node: &mut MemoryNode, round: u32) -> Option<()> {
    let ticket = 10 * round;
    let mut writer = commands();
    pay(&mut writer, &format!("P{round}"), 10, node.now.wall);
    pay_remote(&mut writer, &format!("R{round}"), 5, node.now.wall);
    pay_remote(&mut writer, &format!("S{round}"), 5, node.now.wall);
    node.submit(ticket, writer);
    node.write_all().then_some(())?;
    let asked = node.outcomes_of(ticket)[1].sequence;
    node.advance(MILLISECOND);
    let mut writer = commands();
    answer(&mut writer, asked, round.is_multiple_of(3).then_some("AC04"));
    node.submit(ticket + 1, writer);
    node.write_all().then_some(())?;
    node.advance(2 * SECOND);
    node.submit(ticket + 2, small(ticket, 1));
    node.write_all().then_some(())?;
    node.advance(SECOND);
    node.write_all().then_some(())
}

/// A node with the banks.
fn begin(storage: &MemoryStorage) -> Option<MemoryNode> {
    let mut node = Node::start(try_open(storage).ok()?, now())?;
    let mut writer = world();
    enter_remote(&mut writer);
    node.submit(0, writer);
    node.write_all().then_some(())?;
    Some(node)
}

/// The digest of the whole log's replay, archive included.
fn whole(storage: &MemoryStorage) -> StateDigest {
    let mut replayer = Replayer::new(LIMITS);
    let reader = Reader::open(storage.clone()).unwrap();
    reader.read(BatchNumber(0), &mut |frame, _| Ok(replayer.frame(frame)?)).unwrap();
    digest(&replayer)
}

/// What a start comes to.
fn recovered(storage: &MemoryStorage) -> (u64, StateDigest) {
    let mut journal = open_journal(storage);
    let recovered = recover(&mut journal, LIMITS, &RecoveryProgress::default()).unwrap();
    (recovered.snapshot, digest(&recovered.replayer))
}

#[test]
fn a_start_from_a_snapshot_is_as_good_as_from_the_whole_log() {
    let storage = MemoryStorage::new();
    let mut node = begin(&storage).unwrap();
    let mut follower = follower(&node.journal, OFTEN, 0);
    let mut snapshots = 0;
    for round in 1..15 {
        traffic(&mut node, round).unwrap();
        for done in follow(&mut follower).unwrap() {
            match done {
                Followed::Written { snapshot } => assert_eq!(snapshot, snapshots + 1),
                Followed::Snapshot { snapshot } => snapshots = snapshot,
                Followed::Loaded { snapshot } => assert_eq!((snapshot, round), (0, 1)),
                Followed::Idle | Followed::Frames | Followed::PutOff | Followed::Removed { .. } => {
                    panic!("{done:?}")
                }
            }
        }
        assert_eq!(follower.tail(), &node.journal.frame_source().end());
        let followed = digest(follower.state().unwrap());
        assert_eq!(followed, whole(&storage), "round {round}");
        let disk = storage.after_power_loss(&mut |_| Fate::Lose);
        assert_eq!(recovered(&disk), (snapshots, followed), "round {round}");
    }
    assert!(snapshots >= 3, "{snapshots}");
    let archived = node.journal.snapshots().archived().unwrap();
    assert!(archived.segments >= 2 && archived.oldest == Some(1), "{archived:?}");
    // The next life begins with the snapshot, and so does its follower.
    drop((node, follower));
    let mut journal = open_journal(&storage);
    let progress = RecoveryProgress::default();
    let found = recover(&mut journal, LIMITS, &progress).unwrap();
    let view = progress.view();
    assert!(view.frames > 0 && view.bytes > 0 && view.bytes <= view.bytes_total, "{view:?}");
    let mut next = super::tests::follower(&journal, OFTEN, found.snapshot);
    let done = follow(&mut next).unwrap();
    assert_eq!(done[0], Followed::Loaded { snapshot: found.snapshot });
    assert_eq!(digest(next.state().unwrap()), digest(&found.replayer));
}

#[test]
fn time_asks_for_a_snapshot_too_and_an_idle_log_for_none() {
    let storage = MemoryStorage::new();
    let mut node = begin(&storage).unwrap();
    let settings = FollowerSettings { snapshot_after: Duration::from_seconds(60), ..OFTEN };
    let settings = FollowerSettings { snapshot_after_bytes: 1 << 30, ..settings };
    let mut follower = follower(&node.journal, settings, 0);
    traffic(&mut node, 1).unwrap();
    assert_eq!(follow(&mut follower).unwrap(), [Followed::Loaded { snapshot: 0 }]);
    node.advance(90 * SECOND);
    node.submit(9, small(9, 1));
    node.write_all();
    let written = [Followed::Written { snapshot: 1 }, Followed::Snapshot { snapshot: 1 }];
    assert_eq!(follow(&mut follower).unwrap(), written);
    node.advance(90 * SECOND);
    node.step(crate::Event::Tick);
    node.write_all();
    assert_eq!(follow(&mut follower).unwrap(), []);
    assert!(!follower.is_worth_a_snapshot());
}

#[test]
fn old_segments_leave_the_archive_when_they_may() {
    let storage = MemoryStorage::new();
    let mut node = begin(&storage).unwrap();
    let settings = FollowerSettings { archive_keep: Some(Duration::from_seconds(300)), ..OFTEN };
    let mut follower = follower(&node.journal, settings, 0);
    let mut removed = Vec::new();
    for round in 1..15 {
        traffic(&mut node, round).unwrap();
        node.advance(100 * SECOND);
        let done = follow(&mut follower).unwrap();
        removed.extend(done.into_iter().filter_map(|done| {
            let Followed::Removed { segment } = done else { return None };
            Some(segment)
        }));
    }
    assert!(!removed.is_empty());
    assert_eq!(removed, (1..=u64::try_from(removed.len()).unwrap()).collect::<Vec<_>>());
    let oldest = node.journal.snapshots().archived().unwrap().oldest;
    assert!(
        oldest.is_none_or(|oldest| Some(&(oldest - 1)) == removed.last()),
        "{oldest:?} after {removed:?}"
    );
    let followed = digest(follower.state().unwrap());
    drop((node, follower));
    assert_eq!(recovered(&storage).1, followed);
}

/// However old a segment is, it stays until all who read the log have come past it.
#[test]
fn an_old_segment_stays_for_those_who_have_still_to_read_it() {
    use std::sync::atomic::{AtomicU64, Ordering};
    let storage = MemoryStorage::new();
    let mut node = begin(&storage).unwrap();
    let keep = Some(Duration::from_seconds(300));
    let settings = FollowerSettings { archive_keep: keep, archive_waits: true, ..OFTEN };
    let readers = Arc::new(ArchiveReaders::default());
    let mut follower = follower(&node.journal, settings, 0).waiting_for(Arc::clone(&readers));
    let mut rounds = 1..;
    let mut removed_in = |count: usize| {
        let mut removed = Vec::new();
        for round in rounds.by_ref().take(count) {
            traffic(&mut node, round).unwrap();
            node.advance(100 * SECOND);
            removed.extend(follow(&mut follower).unwrap().into_iter().filter_map(|done| {
                let Followed::Removed { segment } = done else { return None };
                Some(segment)
            }));
        }
        removed
    };
    assert_eq!(removed_in(15), [], "nobody knows yet who reads it");
    let read_upto = Arc::new(AtomicU64::new(0));
    let slow = Arc::clone(&read_upto);
    readers.name(vec![
        Box::new(|| Sequence(u64::MAX)),
        Box::new(move || Sequence(slow.load(Ordering::Relaxed))),
    ]);
    assert_eq!(removed_in(10), [], "one of them has read nothing");
    let mut last_of_first = 0;
    let visit = &mut |frame: &journal::FrameView<'_>, location: journal::Location| {
        let last = frame.header().last_sequence().0;
        last_of_first = if location.segment == 1 { last } else { last_of_first };
        Ok(())
    };
    Reader::open(storage.clone()).unwrap().read(BatchNumber(0), visit).unwrap();
    read_upto.store(last_of_first - 1, Ordering::Relaxed);
    assert_eq!(removed_in(10), [], "it has still to read the last position of the first segment");
    read_upto.store(last_of_first, Ordering::Relaxed);
    assert_eq!(removed_in(10), [1]);
    read_upto.store(u64::MAX, Ordering::Relaxed);
    assert!(removed_in(10).starts_with(&[2, 3]));
}

/// The write of a snapshot's state is answered as done, and nothing is written.
#[test]
fn a_snapshot_that_is_not_on_the_disk_does_not_count() {
    let storage = MemoryStorage::new();
    live(&storage).unwrap();
    for number in 1..=2 {
        let unfinished = format!("{}.new", snapshot_name(number));
        let is_state = |it: &journal::Operation| it.name == unfinished && it.offset == 4096;
        let index = storage.operations().iter().position(is_state).unwrap();
        let storage = MemoryStorage::new();
        storage.inject(index, Fault::LostWrite);
        let done = live(&storage).unwrap();
        let at = done.iter().position(|done| *done == Followed::PutOff).unwrap();
        // It begins again with the one before, and writes this one anew later.
        let expected = [
            Followed::Written { snapshot: number },
            Followed::PutOff,
            Followed::Loaded { snapshot: number - 1 },
        ];
        assert_eq!(done[at - 1..at + 2], expected);
        assert!(done[at..].contains(&Followed::Snapshot { snapshot: number }), "{done:?}");
        let disk = storage.after_power_loss(&mut |_| Fate::Lose);
        assert_eq!(recovered(&disk).1, whole(&disk));
    }
}

#[test]
fn without_room_the_node_goes_on_and_a_snapshot_comes_later() {
    let storage = MemoryStorage::new();
    let mut node = begin(&storage).unwrap();
    let mut follower = follower(&node.journal, OFTEN, 0);
    let mut preparer = node.journal.preparer();
    let _ = follow(&mut follower).unwrap();
    while preparer.step() != journal::Prepared::Enough {}
    let mut put_off = 0;
    for round in 1..10 {
        traffic(&mut node, round).unwrap();
        let used: usize = storage
            .operations()
            .iter()
            .filter(|it| it.kind == OperationKind::Create)
            .filter_map(|it| storage.bytes(it.name.trim_end_matches(".new")))
            .map(|bytes| bytes.len())
            .sum();
        storage.limit_space((round < 7).then(|| u64::try_from(used).unwrap()));
        let done = follow(&mut follower).unwrap();
        put_off += done.iter().filter(|done| **done == Followed::PutOff).count();
        assert!(round >= 7 || !done.contains(&Followed::Snapshot { snapshot: 1 }));
        storage.limit_space(None);
    }
    assert!(put_off >= 1);
    let newest = node.journal.snapshots().newest();
    assert!(newest >= 1);
    assert!(storage.bytes(&format!("{}.new", snapshot_name(newest + 1))).is_none());
}

/// Payments may be refused until there is a snapshot, so it can't wait for them.
#[test]
fn a_log_to_which_nothing_comes_gets_the_snapshot_that_was_put_off() {
    let storage = MemoryStorage::new();
    let mut node = begin(&storage).unwrap();
    let mut follower = follower(&node.journal, OFTEN, 0);
    let mut preparer = node.journal.preparer();
    while preparer.step() != journal::Prepared::Enough {}
    storage.limit_space(Some(0));
    let mut round = 0;
    while !follow(&mut follower).unwrap().contains(&Followed::PutOff) {
        round += 1;
        traffic(&mut node, round).unwrap();
    }
    let tries = (0..=600).filter(|_| follow(&mut follower).unwrap().contains(&Followed::PutOff)).count();
    assert_eq!(tries, 2, "each try fills the disk, so they get further apart");
    storage.limit_space(None);
    let mut looks = 0..=800;
    assert!(looks.any(|_| follow(&mut follower).unwrap().contains(&Followed::Snapshot { snapshot: 1 })));
}

/// A full disk without a snapshot slows admission down to nothing. Then the log does not grow any more, and yet the disk
/// that gets room again lets payments in again.
#[test]
fn a_disk_with_room_again_lets_payments_in_again() {
    let storage = MemoryStorage::new();
    let mut node = begin(&storage).unwrap();
    // More than a segment: what stands before the snapshot in its segment is counted in.
    let settings = FollowerSettings { log_bytes_since_snapshot_max: 48 << 10, ..OFTEN };
    let status = Arc::new(FollowerStatus::default());
    let mut follower = follower(&node.journal, settings, 0).telling(Arc::clone(&status));
    let mut preparer = node.journal.preparer();
    while preparer.step() != journal::Prepared::Enough {}
    storage.limit_space(Some(0));
    let mut round = 0;
    while status.admitted_max() > 0 {
        round += 1;
        traffic(&mut node, round).unwrap();
        let _ = follow(&mut follower).unwrap();
    }
    (0..1000).for_each(|_| drop(follow(&mut follower).unwrap()));
    assert_eq!(status.admitted_max(), 0, "there is no room");
    storage.limit_space(None);
    let mut looks = 0..=12_000;
    assert!(looks.any(|_| follow(&mut follower).is_ok() && status.admitted_max() == u64::MAX));
}

/// A node that stops tries once more, however long the next snapshot was put off.
#[test]
fn what_is_worth_a_snapshot_does_not_depend_on_tries_that_failed() {
    let storage = MemoryStorage::new();
    let mut node = begin(&storage).unwrap();
    let mut follower = follower(&node.journal, OFTEN, 0);
    let mut preparer = node.journal.preparer();
    while preparer.step() != journal::Prepared::Enough {}
    storage.limit_space(Some(0));
    let mut round = 0;
    while !follow(&mut follower).unwrap().contains(&Followed::PutOff) {
        round += 1;
        traffic(&mut node, round).unwrap();
    }
    storage.limit_space(None);
    follower.replayed = follower.replayed.max(WORTH_A_SNAPSHOT_MIN);
    assert!(follower.is_worth_a_snapshot());
}

/// A life of a node and its follower that may end anywhere.
fn live(storage: &MemoryStorage) -> Option<Vec<Followed>> {
    let mut node = begin(storage)?;
    let mut follower = follower(&node.journal, OFTEN, 0);
    let mut done = Vec::new();
    for round in 1..9 {
        traffic(&mut node, round)?;
        done.extend(follow(&mut follower).ok()?);
    }
    Some(done)
}

/// The machine stops at each operation of writing, publishing and archiving, and what was not durable meets every fate.
#[test]
fn a_power_loss_at_any_operation_leaves_a_start_that_is_right() {
    let storage = MemoryStorage::new();
    live(&storage).unwrap();
    let operations = storage.operations();
    let is_of_follower = |it: &journal::Operation| {
        it.name.starts_with("snapshot") || it.name.starts_with("archive") || it.name == "MANIFEST"
    };
    let mut tried = 0;
    for (index, operation) in operations.iter().enumerate() {
        // Of two that follow each other, the second may come from the first.
        if !operations[index.saturating_sub(1)..=index].iter().any(is_of_follower) {
            continue;
        }
        let storage = MemoryStorage::new();
        storage.inject(index, Fault::PowerLoss);
        assert!(live(&storage).is_none());
        for seed in 0..4 {
            let mut choices = SeededChoices::new(seed);
            let disk = storage.after_power_loss(&mut |_| match seed {
                0 => Fate::Keep,
                1 => Fate::Lose,
                _ => choices.fate(),
            });
            let Ok(mut journal) = try_open(&disk) else { panic!("operation {index}: {operation:?}") };
            let end = journal.read(BatchNumber(0), &mut |_, _| Ok(())).unwrap();
            drop(journal);
            if end.batch == BatchNumber(0) {
                continue;
            }
            let (_, digest) = recovered(&disk);
            assert_eq!(digest, whole(&disk), "operation {index}: {operation:?}, seed {seed}");
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn a_failing_disk_ends_the_process() {
    let storage = MemoryStorage::new();
    let mut node = begin(&storage).unwrap();
    let mut follower = follower(&node.journal, OFTEN, 0);
    for round in 1..5 {
        traffic(&mut node, round).unwrap();
    }
    let fault = || Fault::Error(StorageErrorKind::Device("input/output error".to_owned()));
    (0..40).for_each(|ahead| storage.inject(storage.operations().len() + ahead, fault()));
    let error = follow(&mut follower).unwrap_err();
    assert!(matches!(error, FollowError::Write(_)), "{error}");
}

/// A log whose node told an outcome that did not happen.
#[test]
fn a_wrong_outcome_is_named_by_its_sequence() {
    let storage = MemoryStorage::new();
    let mut node = begin(&storage).unwrap();
    traffic(&mut node, 1).unwrap();
    node.advance(SECOND);
    node.write_all();
    drop(node);
    let mut journal = open_journal(&storage);
    let mut tail = journal.read(BatchNumber(0), &mut |_, _| Ok(())).unwrap();
    let mut follower = follower(&journal, OFTEN, 0);
    let _ = follow(&mut follower).unwrap();
    let mut builder = FrameBuilder::new(0);
    let seal = |builder: &mut FrameBuilder, kind, previous: Tail| {
        let time = previous.time.plus(nanoseconds(SECOND));
        let (identity, durable_mark) = (identity(), previous.batch);
        builder.seal(&SealInput {
            kind,
            identity,
            previous,
            time,
            rules_version: ledger::RULES_VERSION,
            durable_mark,
            personal_key: 0,
        })
    };
    let mut start = seal(&mut builder, FrameKind::EpochStart, tail);
    let mut writer = journal.claim(&tail, &mut start).unwrap();
    tail = start.tail();
    let command = small(7, 1);
    command.split().for_each(|record| builder.push_record(record));
    builder.push_personal(command.texts());
    let mut frame = seal(&mut builder, FrameKind::Commands, tail);
    let sequence = frame.header().first_sequence.next();
    assert!(matches!(writer.append(&mut frame), Append::Durable));
    assert!(follow(&mut follower).unwrap().is_empty(), "nothing is told of it yet");
    builder.push_outcome(refused(sequence).as_bytes());
    let mut frame = seal(&mut builder, FrameKind::Marker, frame.tail());
    let last = frame.header().batch;
    assert!(matches!(writer.append(&mut frame), Append::Durable));
    let error = follow(&mut follower).unwrap_err();
    let FollowError::Divergence { divergence: Divergence::Outcome { sequence: named }, batch, .. } = error
    else {
        panic!("{error}")
    };
    assert_eq!((named, batch), (sequence, last));
    assert!(error.to_string().contains(&format!("sequence {sequence} ")), "{error}");
}

/// That a command was refused, which was not.
fn refused(sequence: Sequence) -> OutcomeEntry {
    let refusal = ledger::Refusal::ParticipantUnknown;
    let verdict = ledger::Verdict::Refused { refusal, repeat_of: None };
    let kind = ledger::Kind::SetParticipantStatus;
    let time = Timestamp::default();
    Outcome {
        sequence,
        decided_at: sequence,
        decided_time: time,
        accepted: time,
        kind,
        verdict,
        alerts: ledger::Alerts::NONE,
        late: false,
        remark: ledger::Remark::None,
        balances: [0; 4],
    }
    .to_entry()
}
