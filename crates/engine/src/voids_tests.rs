//! A poisonous command on a real folder: the start names it, the operator voids it, and everything that is refused.

use journal::{Reader, SegmentSize};
use ledger::Limits;
use types::PaymentState;

use super::*;
use crate::Replayer;
use crate::mutants::POISON;
use crate::testing::{Node, SECOND, by_key, commands, identity, pay, small, world};
use crate::{Answer, Question};

type FolderNode = Node<LocalJournal<FileStorage>>;

fn config(folder: &tempfile::TempDir) -> Config {
    Config {
        folder: folder.path().join("log"),
        segment_size: SegmentSize::new(2 << 20).unwrap(),
        limits: Limits { accounts_max: 64, payments_max: 64, requests_max: 64 },
        payments_ready: 0,
        commands_per_second_max: None,
        master_key: None,
        follower: crate::FollowerSettings::default(),
        is_parallel: false,
    }
}

/// A node on a new folder, with two banks and money.
fn node(config: &Config) -> FolderNode {
    let settings = Settings { segment_size: config.segment_size, entropy: Box::new(tag) };
    let storage = FileStorage::create(&config.folder).unwrap();
    let journal = LocalJournal::create(storage, identity(), settings).unwrap();
    let mut node = Node::start(journal, crate::driver::now()).unwrap();
    node.submit(0, world());
    node.write_all();
    node.advance(SECOND);
    node.write_all();
    node
}

/// A folder whose last frame holds a good payment, the poisonous one and another good one; nothing of it is told.
/// Their positions.
fn poisoned(config: &Config) -> [Sequence; 3] {
    let mut node = node(config);
    let accepted = node.now.wall;
    let mut writer = commands();
    pay(&mut writer, "BEFORE", 100, accepted);
    pay(&mut writer, "POISON", POISON, accepted);
    pay(&mut writer, "AFTER", 100, accepted);
    node.submit(1, writer);
    node.idle();
    assert!(node.write(), "live nothing happens");
    let outcomes = node.outcomes_of(1);
    [0, 1, 2].map(|index| outcomes[index].sequence)
}

fn find_poison(error: StartError) -> Sequence {
    let StartError::Poison { sequence, kind, .. } = error else { panic!("{error}") };
    assert_eq!(kind, Some(Kind::Payment));
    sequence
}

fn last_frames(config: &Config) -> Vec<(FrameHeader, Vec<OutcomeEntry>, Vec<Kind>)> {
    let reader = Reader::open(FileStorage::open(&config.folder).unwrap()).unwrap();
    let mut frames = Vec::new();
    let read = reader.read(BatchNumber(0), &mut |frame, _| {
        let records = ledger::Records::with_texts(frame.records(), frame.texts());
        let kinds = records.map(|record| record.unwrap().command.kind()).collect();
        frames.push((*frame.header(), OutcomeEntry::read_all(frame.outcomes()).unwrap(), kinds));
        Ok(())
    });
    read.unwrap();
    frames
}

#[test]
fn a_start_that_dies_names_the_command_and_serves_once_that_is_voided() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let [before, poison, after] = poisoned(&config);
    for _ in 0..2 {
        let error = crate::start(&config).unwrap_err();
        assert!(error.to_string().contains(&format!("--void {poison}")), "{error}");
        assert_eq!(find_poison(error), poison);
    }
    let frames = last_frames(&config).len();
    let voided = void(&config, poison).unwrap().unwrap();
    assert_eq!((voided.sequence, voided.logged_at), (poison, Sequence(0)));
    assert_eq!(last_frames(&config).len(), frames, "nothing is written to the log before the start");
    assert_eq!(void(&config, poison).unwrap(), None, "once is enough");

    for start in 0..2 {
        let engine = crate::start(&config).unwrap();
        let handle = engine.handle();
        let (sender, answers) = crossbeam::channel::bounded(1);
        for (at, state) in [
            (before, PaymentState::Settled),
            (poison, PaymentState::Rejected),
            (after, PaymentState::Settled),
        ] {
            let sender = sender.clone();
            let sink = move |answered: crate::Answered| sender.send(answered.answer).unwrap();
            handle.ask(Question::PaymentAt(at), Box::new(sink)).unwrap();
            let Answer::Payment(ledger::PaymentAnswer::Found(payment)) = answers.recv().unwrap() else {
                panic!("sequence {at} has an answer")
            };
            assert_eq!(payment.state(), state, "start {start}, sequence {at}");
        }
        let sink = move |answered: crate::Answered| sender.send(answered.answer).unwrap();
        handle.ask(by_key("POISON", None), Box::new(sink)).unwrap();
        let Answer::Payment(ledger::PaymentAnswer::NotFound { .. }) = answers.recv().unwrap() else {
            panic!("the key is free")
        };
        engine.stop();
    }
    let frames = last_frames(&config);
    let voids: Vec<_> = frames.iter().filter(|(_, _, kinds)| kinds.contains(&Kind::Void)).collect();
    let [(header, _, kinds)] = voids[..] else { panic!("the void is logged once: {voids:?}") };
    assert_eq!(kinds[..], [Kind::Void]);
    let told = frames.iter().flat_map(|(_, told, _)| told).find(|told| told.sequence() == poison).unwrap();
    assert_eq!(told.payment_state(), Some(PaymentState::Rejected));
    let settings = Settings { segment_size: config.segment_size, entropy: Box::new(tag) };
    let journal = LocalJournal::open(FileStorage::open(&config.folder).unwrap(), None, settings).unwrap();
    let logged_at = Sequence(header.first_sequence.0 + 1);
    assert_eq!(journal.voids().unwrap(), [VoidEntry { logged_at, ..voided }]);
}

#[test]
fn a_start_that_died_between_the_record_and_the_list_is_completed() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let [_, poison, _] = poisoned(&config);
    let voided = void(&config, poison).unwrap().unwrap();
    crate::start(&config).unwrap().stop();
    let open = || {
        let settings = Settings { segment_size: config.segment_size, entropy: Box::new(tag) };
        LocalJournal::open(FileStorage::open(&config.folder).unwrap(), None, settings).unwrap()
    };
    let complete = open().voids().unwrap();
    open().store_voids(&[voided]).unwrap();
    crate::start(&config).unwrap().stop();
    assert_eq!(open().voids().unwrap(), complete, "the record is found and not written again");
}

#[test]
fn two_poisonous_commands_are_voided_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let mut node = node(&config);
    let accepted = node.now.wall;
    let mut writer = commands();
    pay(&mut writer, "P1", POISON, accepted);
    pay(&mut writer, "P2", POISON, accepted);
    node.submit(1, writer);
    node.idle();
    node.write();
    let [first, second] = [0, 1].map(|index| node.outcomes_of(1)[index].sequence);
    drop(node);
    let refused = void(&config, second).unwrap_err();
    assert!(matches!(refused, VoidError::AnotherBefore { found, .. } if found == first), "{refused}");
    void(&config, first).unwrap().unwrap();
    assert_eq!(find_poison(crate::start(&config).unwrap_err()), second);
    void(&config, second).unwrap().unwrap();
    crate::start(&config).unwrap().stop();
    crate::start(&config).unwrap().stop();
}

#[test]
fn only_what_kills_a_start_and_was_never_told_is_voided() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let [before, poison, after] = poisoned(&config);
    let refused = void(&config, before).unwrap_err();
    assert!(matches!(refused, VoidError::Harmless(sequence) if sequence == before), "{refused}");
    let refused = void(&config, Sequence(1)).unwrap_err();
    assert!(matches!(refused, VoidError::Harmless(_)), "{refused}");
    for later in [after, Sequence(1 << 40)] {
        let refused = void(&config, later).unwrap_err();
        let expected = matches!(refused, VoidError::AnotherBefore { found, .. } if found == poison);
        assert!(expected, "{refused}");
    }
    void(&config, poison).unwrap().unwrap();
    let refused = void(&config, Sequence(1 << 40)).unwrap_err();
    assert!(matches!(refused, VoidError::NotThere { .. }), "{refused}");
    let refused = void(&config, after).unwrap_err();
    assert!(matches!(refused, VoidError::Harmless(_)), "{refused}");
}

#[test]
fn what_was_told_is_never_voided() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let mut node = node(&config);
    let mut writer = commands();
    pay(&mut writer, "POISON", POISON, node.now.wall);
    node.submit(1, writer);
    node.write_all();
    node.advance(SECOND);
    node.write_all();
    let poison = node.outcomes_of(1)[0].sequence;
    drop(node);
    assert_eq!(find_poison(crate::start(&config).unwrap_err()), poison);
    let refused = void(&config, poison).unwrap_err();
    assert!(matches!(refused, VoidError::Told { sequence, .. } if sequence == poison), "{refused}");
}

#[test]
fn a_folder_that_a_node_uses_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let engine = crate::start(&config).unwrap();
    let refused = void(&config, Sequence(2)).unwrap_err();
    assert!(refused.to_string().contains("another node uses"), "{refused}");
    engine.stop();
}

#[test]
fn a_replay_stops_where_the_list_and_the_log_disagree() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let [_, poison, _] = poisoned(&config);
    let voided = void(&config, poison).unwrap().unwrap();
    crate::start(&config).unwrap().stop();
    let settings = || Settings { segment_size: config.segment_size, entropy: Box::new(tag) };
    let storage = || FileStorage::open(&config.folder).unwrap();
    let mut journal = LocalJournal::open(storage(), None, settings()).unwrap();
    let complete = journal.voids().unwrap()[0];
    let other_hash = journal::FrameHash([3; 32]);
    let lists = [
        ("no list", vec![]),
        ("another frame", vec![VoidEntry { frame_hash: other_hash, ..voided }]),
        ("another place of the record", vec![VoidEntry { logged_at: complete.logged_at.next(), ..complete }]),
        ("another kind", vec![VoidEntry { kind: Kind::Answer.number(), ..complete }]),
        ("a position of the next frame", vec![VoidEntry { sequence: Sequence(poison.0 + 3), ..voided }]),
    ];
    for (name, list) in lists {
        let mut replayer = Replayer::new(config.limits).passing_over(list);
        let read = journal.read(BatchNumber(0), &mut |frame, _| Ok(replayer.frame(frame)?));
        let Err(journal::ReadError::Visit { source, .. }) = read else { panic!("{name}: {read:?}") };
        let divergence = source.downcast::<Divergence>().unwrap();
        let stops = matches!(*divergence, Divergence::Void { .. } | Divergence::Poison { .. });
        assert!(stops, "{name}: {divergence}");
    }
    let mut replayer = Replayer::new(config.limits).passing_over(vec![complete]);
    journal.read(BatchNumber(0), &mut |frame, _| Ok(replayer.frame(frame)?)).unwrap();
}

#[test]
fn a_log_that_goes_on_without_the_record_of_its_void_is_stopped_at() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let [_, poison, _] = poisoned(&config);
    let voided = void(&config, poison).unwrap().unwrap();
    // A start that forgets the record, and goes on with another command.
    let settings = Settings { segment_size: config.segment_size, entropy: Box::new(tag) };
    let mut journal = LocalJournal::open(FileStorage::open(&config.folder).unwrap(), None, settings).unwrap();
    let mut replayer = Replayer::new(config.limits).passing_over(vec![voided]);
    let tail = journal.read(BatchNumber(0), &mut |frame, _| Ok(replayer.frame(frame)?)).unwrap();
    let mut builder = journal::FrameBuilder::new(0);
    let seal = |builder: &mut journal::FrameBuilder, kind, previous: journal::Tail| {
        let time = previous.time.plus(types::Duration::from_nanoseconds(1).unwrap());
        crate::core::seal_frame(builder, identity(), previous, kind, time, ledger::RULES_VERSION)
    };
    let mut epoch_start = seal(&mut builder, journal::FrameKind::EpochStart, tail);
    journal.claim(&tail, &mut epoch_start).unwrap();
    replayer.frame(&epoch_start.view()).unwrap();
    let writer = small(1, 1);
    writer.split().for_each(|record| builder.push_record(record));
    let frame = seal(&mut builder, journal::FrameKind::Commands, epoch_start.tail());
    let divergence = replayer.frame(&frame.view()).unwrap_err();
    assert!(matches!(divergence, Divergence::Void { sequence } if sequence == poison), "{divergence}");
}

/// Every file of the folder with its bytes, apart from the master key, which a first start makes.
fn files(config: &Config) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let entries = std::fs::read_dir(&config.folder).unwrap().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file() && entry.file_name() != "MASTER");
    let mut all: Vec<_> =
        files.map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap())).collect();
    all.sort();
    all
}

fn open(config: &Config) -> LocalJournal<FileStorage> {
    let settings = Settings { segment_size: config.segment_size, entropy: Box::new(tag) };
    LocalJournal::open(FileStorage::open(&config.folder).unwrap(), None, settings).unwrap()
}

/// Makes the folder what a restore of all of it leaves.
fn restore(config: &Config, tail: &Tail) {
    let storage = FileStorage::open(&config.folder).unwrap();
    let contents = journal::Contents::read(&storage).unwrap();
    let restored = journal::Restored {
        previous: contents.identity.incarnation,
        segment: contents.newest_segment,
        batch: tail.batch,
        next_sequence: tail.next_sequence,
        hash: tail.hash,
    };
    let identity = journal::Identity { incarnation: types::Incarnation(4711), ..contents.identity };
    journal::Contents { identity, restored: Some(restored), ..contents }.write(&storage).unwrap();
}

#[test]
fn a_restored_log_is_told_of_its_new_life_and_of_its_voids_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let [_, poison, _] = poisoned(&config);
    void(&config, poison).unwrap().unwrap();
    let tail = open(&config).read(BatchNumber(0), &mut |_, _| Ok(())).unwrap();
    restore(&config, &tail);
    for start in 0..2 {
        let engine = crate::start(&config).unwrap_or_else(|error| panic!("start {start}: {error}"));
        engine.stop();
    }
    let first = last_frames(&config)
        .into_iter()
        .find(|(header, _, kinds)| header.batch > tail.batch && !kinds.is_empty());
    assert_eq!(first.unwrap().2, [Kind::BeginIncarnation, Kind::Void]);
}

#[test]
fn a_command_at_a_position_that_another_life_voided_is_decided() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let mut node = node(&config);
    let mut writer = commands();
    pay(&mut writer, "T1", 100, node.now.wall);
    node.submit(1, writer);
    node.write_all();
    let paid = node.outcomes_of(1)[0].sequence;
    drop(node);
    let frames = last_frames(&config);
    let (of_paid, ..) = frames.iter().find(|(header, ..)| header.last_sequence() >= paid).unwrap();
    let other = VoidEntry {
        sequence: paid,
        batch: BatchNumber(of_paid.batch.0 + 1000),
        frame_hash: FrameHash([3; 32]),
        kind: Kind::Payment.number(),
        logged_at: Sequence(0),
    };
    let mut replayer = Replayer::new(config.limits).passing_over(vec![other]);
    open(&config).read(BatchNumber(0), &mut |frame, _| Ok(replayer.frame(frame)?)).unwrap();
    let ledger::PaymentAnswer::Found(payment) = replayer.ledger().payment_at(paid) else { panic!() };
    assert_eq!(payment.state(), PaymentState::Settled);
}

#[test]
fn a_list_of_a_longer_log_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let [_, poison, _] = poisoned(&config);
    let voided = void(&config, poison).unwrap().unwrap();
    let mut journal = open(&config);
    let mut replayer = Replayer::new(config.limits).passing_over(vec![voided]);
    let tail = journal.read(BatchNumber(0), &mut |frame, _| Ok(replayer.frame(frame)?)).unwrap();
    let later =
        VoidEntry { sequence: Sequence(poison.0 + 50), batch: BatchNumber(tail.batch.0 + 1), ..voided };
    let logged = VoidEntry { logged_at: tail.next_sequence, ..voided };
    for (list, expected) in [(vec![voided, later], vec![voided]), (vec![logged], vec![voided])] {
        journal.store_voids(&list).unwrap();
        drop(journal);
        let before = files(&config);
        let refused = crate::start(&config).unwrap_err();
        assert!(matches!(refused, StartError::VoidsBeyond { .. }), "{refused}");
        assert!(files(&config) == before, "nothing was changed");
        assert_eq!(voids_at(&list, &tail), expected);
        journal = open(&config);
    }
    journal.store_voids(&voids_at(&[logged, later], &tail)).unwrap();
    drop(journal);
    crate::start(&config).unwrap().stop();
}
