//! Keys of personal data over starts: made, taken up again, missing, another's; and a log from before there were any.

use journal::{FrameView, Keyring, KeysError, MasterKey, Reader, destroy_keys, key_of};
use ledger::Records;
use types::{BatchNumber, Sequence, Timestamp};

use super::tests::{begin_world, config, submit};
use super::*;
use crate::testing::pay;

fn paid(handle: &Handle, id: &str) -> Sequence {
    let mut writer = handle.commands(PrincipalNumber(1));
    pay(&mut writer, id, 100, handle.now());
    submit(handle, writer).recv().unwrap()[0].sequence
}

/// For each frame with texts, in order, its key and whether its texts can be read.
fn sealed(config: &Config) -> Vec<(u32, bool)> {
    let reader = Reader::open(FileStorage::open(&config.folder).unwrap()).unwrap();
    let reader = reader.with_keys_of_folder(config.master_key.as_ref()).unwrap();
    let mut sealed = Vec::new();
    let visit =
        &mut |frame: &FrameView<'_>, _| {
            assert!(!frame.is_tampered());
            if frame.header().personal_length > 0 {
                sealed.push((frame.header().personal_key, frame.texts().is_some()));
                let records = Records::with_texts(frame.records(), frame.texts());
                assert!(records.map(Result::unwrap).all(|record| record.is_erased()
                    == frame.texts().is_none()
                    || record.personal_length == 0));
            }
            Ok(())
        };
    reader.read(BatchNumber(0), visit).unwrap();
    sealed
}

fn order_is_known(handle: &Handle, position: Sequence) -> bool {
    let orders = handle.log().orders_at(&[position]).unwrap();
    orders[0].as_ref().expect("the payment is in the log").order().is_some()
}

#[test]
fn what_a_node_writes_is_sealed_and_read_back_until_it_is_erased() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let engine = start(&config).unwrap();
    let handle = engine.handle();
    begin_world(&handle);
    let first = paid(&handle, "T1");
    let today = key_of(handle.now());
    assert!(order_is_known(&handle, first), "while the node runs");
    let digest_key = *handle.digest_key();
    engine.stop();
    let keys = sealed(&config);
    assert!(keys.len() >= 2 && keys.iter().all(|found| *found == (today, true)), "{keys:?}");
    let storage = FileStorage::open(&config.folder).unwrap();
    let cluster = Reader::open(storage.clone()).unwrap().identity().cluster;
    let days = Keyring::read(&storage, cluster, None).unwrap().numbers();
    assert_eq!(days, (today..=today + 30).collect::<Vec<_>>(), "keys are made ahead");

    let engine = start(&config).unwrap();
    assert!(order_is_known(&engine.handle(), first), "after a start");
    engine.stop();
    destroy_keys(&storage, today + 1).unwrap();
    let engine = start(&config).unwrap();
    let handle = engine.handle();
    assert_eq!(*handle.digest_key(), digest_key, "accounts are found by their numbers");
    assert!(!order_is_known(&handle, first), "erased");
    let second = paid(&handle, "T2");
    assert!(order_is_known(&handle, second), "and the log goes on");
    engine.stop();
    assert_eq!(sealed(&config).iter().filter(|(_, is_readable)| *is_readable).count(), 1);
}

#[test]
fn a_node_does_not_start_without_the_keys_of_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { master_key: MasterKey::parse(&[1; 32]), ..config(&folder) };
    start(&config).unwrap().stop();
    assert!(!config.folder.join("MASTER").exists());
    let other = Config { master_key: MasterKey::parse(&[2; 32]), ..config.clone() };
    let error = start(&other).unwrap_err();
    assert!(matches!(error, StartError::Keys(KeysError::OtherMaster { .. })), "{error}");
    let keys = config.folder.join("KEYS");
    let kept = folder.path().join("kept");
    std::fs::rename(&keys, &kept).unwrap();
    let error = start(&config).unwrap_err();
    assert!(matches!(error, StartError::KeysMissing), "{error}");
    assert!(!keys.exists(), "nothing takes their place");
    std::fs::rename(&kept, &keys).unwrap();
    start(&config).unwrap().stop();
}

/// What is behind the snapshot may hold no text. New keys would leave those before unread for ever.
#[test]
fn a_log_with_a_snapshot_had_keys_and_does_not_start_without() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&folder);
    config.follower.snapshot_after_bytes = 1;
    clear_log(&config);
    let engine = start(&config).unwrap();
    paid(&engine.handle(), "T2");
    engine.stop();
    let reader = Reader::open(FileStorage::open(&config.folder).unwrap()).unwrap();
    assert!(!reader.snapshots().is_empty());
    let keys = config.folder.join("KEYS");
    let kept = folder.path().join("kept");
    std::fs::rename(&keys, &kept).unwrap();
    let error = start(&config).unwrap_err();
    assert!(matches!(error, StartError::KeysMissing), "{error}");
    assert!(!keys.exists(), "nothing takes their place");
    std::fs::rename(&kept, &keys).unwrap();
    start(&config).unwrap().stop();
}

/// Writes a log as it was before texts were sealed, up to a payment; returns its position.
fn clear_log(config: &Config) -> Sequence {
    let mut journal = open(config).unwrap();
    let identity = journal.identity();
    let tail = journal.read(BatchNumber(0), &mut |_, _| Ok(())).unwrap();
    let clock = LogClock::new(now(), tail.time);
    let mut log = Log { builder: FrameBuilder::new(2), identity, tail, clock, rules_version: 1 };
    let mut epoch_start = log.seal(FrameKind::EpochStart);
    let mut writer = journal.claim(&tail, &mut epoch_start).unwrap();
    let mut commands = RecordWriter::new(DigestKey::new([5; 16]), PrincipalNumber(0));
    commands.genesis(identity.cluster, identity.incarnation);
    commands.set_profile(&Profile::sct_inst_2025());
    crate::testing::fill_world(&mut commands);
    pay(&mut commands, "T1", 100, Timestamp::from_nanoseconds(log.tail.time.nanoseconds() + 1).unwrap());
    log.builder.push_records(commands.records(), commands.count());
    log.builder.push_personal(commands.texts());
    let mut frame = log.seal(FrameKind::Commands);
    assert_eq!(frame.header().personal_key, 0);
    assert!(matches!(writer.append(&mut frame), Append::Durable));
    frame.header().last_sequence()
}

#[test]
fn a_log_from_before_there_were_keys_goes_on_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let first = clear_log(&config);
    let engine = start(&config).unwrap();
    let handle = engine.handle();
    assert_eq!(*handle.digest_key(), DigestKey::new([5; 16]), "the log holds its key of digests");
    let today = key_of(handle.now());
    let second = paid(&handle, "T2");
    assert!(order_is_known(&handle, first) && order_is_known(&handle, second));
    engine.stop();
    assert_eq!(sealed(&config), [(0, true), (today, true)]);
    let storage = FileStorage::open(&config.folder).unwrap();
    let destroyed = destroy_keys(&storage, today + 1).unwrap();
    assert_eq!(destroyed.clear_before, Some(today), "what can't be erased is named");
    let engine = start(&config).unwrap();
    let handle = engine.handle();
    assert!(order_is_known(&handle, first) && !order_is_known(&handle, second));
    engine.stop();
}
