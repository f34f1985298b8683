//! A restored log goes on in a new life, also if the node is ended between its claim and its first record.

use journal::{
    Contents, FileStorage, FrameBuilder, Identity, Journal, LocalJournal, Restored, SegmentSize, Settings,
};
use ledger::{Limits, RecordWriter};
use types::{BatchNumber, Incarnation, Located, PaymentId, PrincipalNumber, Sequence};

use crate::core::{NANOSECOND, seal_frame};
use crate::start::tests::{begin_world, config, submit};
use crate::testing::pay;
use crate::{Config, Handle, start};

const NEW_LIFE: Incarnation = Incarnation(4711);

fn paid(handle: &Handle, id: &str) -> PaymentId {
    let mut writer: RecordWriter = handle.commands(PrincipalNumber(1));
    pay(&mut writer, id, 100, handle.now());
    handle.payment_id(submit(handle, writer).recv().unwrap()[0].sequence)
}

/// A log with one payment, restored whole; says that payment's id and the last position.
fn restored(config: &Config) -> (PaymentId, Sequence) {
    let engine = start(config).unwrap();
    let handle = engine.handle();
    begin_world(&handle);
    let id = paid(&handle, "T1");
    engine.stop();
    let storage = FileStorage::open(&config.folder).unwrap();
    let contents = Contents::read(&storage).unwrap();
    let tail = journal::Reader::open(storage.clone()).unwrap();
    let tail = tail.read(BatchNumber(0), &mut |_, _| Ok(())).unwrap().tail;
    let restored = Restored {
        previous: contents.identity.incarnation,
        segment: contents.newest_segment,
        batch: tail.batch,
        next_sequence: tail.next_sequence,
        hash: tail.hash,
    };
    let identity = Identity { incarnation: NEW_LIFE, ..contents.identity };
    Contents { identity, restored: Some(restored), ..contents }.write(&storage).unwrap();
    (id, tail.last_sequence())
}

fn check(config: &Config, old: PaymentId, upto: Sequence) {
    let mut ids = vec![old];
    for start_number in 0..2 {
        let engine = start(config).unwrap();
        let handle = engine.handle();
        ids.push(paid(&handle, &format!("T-{start_number}")));
        for id in &ids {
            assert_eq!(handle.locate(*id), Located::At(id.sequence));
            assert_eq!(handle.payment_id(id.sequence), *id);
        }
        let lost = PaymentId { sequence: upto.next(), ..old };
        assert_eq!(handle.locate(lost), Located::Lost { restored_upto: upto });
        engine.stop();
    }
    assert!(ids[1..].iter().all(|id| id.incarnation == NEW_LIFE && id.sequence > upto));
}

#[test]
fn a_new_life_begins_with_the_first_start() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let (old, upto) = restored(&config);
    check(&config, old, upto);
}

#[test]
fn a_new_life_that_was_claimed_and_not_begun_begins_with_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let (old, upto) = restored(&config);
    for tag in 1..3 {
        let settings =
            Settings { segment_size: SegmentSize::new(2 << 20).unwrap(), entropy: Box::new(move || tag) };
        let storage = FileStorage::open(&config.folder).unwrap();
        let mut journal = LocalJournal::open(storage, None, settings).unwrap();
        let tail = journal.read(BatchNumber(0), &mut |_, _| Ok(())).unwrap();
        let (mut builder, time) = (FrameBuilder::new(1), tail.time.plus(NANOSECOND));
        let kind = journal::FrameKind::EpochStart;
        let mut claim = seal_frame(&mut builder, journal.identity(), tail, kind, time, ledger::RULES_VERSION);
        journal.claim(&tail, &mut claim).unwrap();
    }
    check(&config, old, upto);
}

#[test]
fn another_life_than_the_restored_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    restored(&config);
    let storage = FileStorage::open(&config.folder).unwrap();
    let contents = Contents::read(&storage).unwrap();
    let wrong = contents.restored.map(|restored| Restored { previous: Incarnation(1), ..restored });
    Contents { restored: wrong, ..contents }.write(&storage).unwrap();
    let error = start(&Config { limits: Limits { ..config.limits }, ..config }).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("another cluster or incarnation"), "{error}");
}
