//! Sealed texts and their keys: who can read what, before and after keys are destroyed, wrapped anew or lost, and with
//! the power failing at every step.

use std::sync::Arc;

use journal::{
    Append, DIGEST_KEY_ID, FRAME_LENGTH_MAX, Fate, Fault, FrameBuilder, FrameKind, FrameSource, FrameView,
    Journal, KeyFile, Keyring, KeysError, LocalJournal, MasterKey, MemoryStorage, OperationKind, Reader,
    SealInput, SealedFrame, SeededChoices, Storage, StorageErrorKind, TAG_LENGTH, Tail, Writer, destroy_keys,
    key_of, rewrap_keys,
};
use types::{BatchNumber, Sequence, Timestamp};

use crate::support::{create, identity, open};

const TEXT: &[u8] = b"Anna Peeters, BE68539007547034, rent for November";
const DAY: u32 = 20_779;
const NANOSECONDS_A_DAY: i64 = 86_400_000_000_000;

fn noon(day: u32) -> Timestamp {
    Timestamp::from_nanoseconds(i64::from(day) * NANOSECONDS_A_DAY + NANOSECONDS_A_DAY / 2).unwrap()
}

fn entropy() -> impl FnMut() -> u64 {
    let mut choices = SeededChoices::new(42);
    move || choices.bits()
}

fn master() -> MasterKey {
    MasterKey::parse(&[7; 32]).unwrap()
}

fn other_master() -> MasterKey {
    MasterKey::parse(b"00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\n").unwrap()
}

fn seal(builder: &mut FrameBuilder, kind: FrameKind, previous: Tail, time: Timestamp) -> SealedFrame {
    if kind == FrameKind::Commands {
        builder.push_record(b"a record");
        builder.push_personal(TEXT);
    }
    let personal_key = builder.key_of(time).unwrap();
    builder.seal(&SealInput {
        kind,
        identity: identity(),
        previous,
        time,
        rules_version: 1,
        durable_mark: previous.batch,
        personal_key,
    })
}

/// Makes a log with a sealed frame on each of three days, and closes it.
fn three_days(storage: &MemoryStorage) {
    let mut journal = create(storage);
    let mut keys = journal.create_keys(master(), None, &mut entropy()).unwrap();
    assert_eq!(keys.keep(DAY..=DAY + 4, &mut entropy()).unwrap(), 5);
    assert_eq!(keys.keep(DAY..=DAY + 4, &mut entropy()).unwrap(), 0, "they are there");
    append(&mut journal, &[DAY, DAY + 1, DAY + 2]);
}

fn append(journal: &mut LocalJournal<MemoryStorage>, days: &[u32]) {
    let tail = journal.read(BatchNumber(0), &mut |_, _| Ok(())).unwrap();
    let mut builder = FrameBuilder::sealing(1, journal.keyring());
    let first = noon(days[0] - 1).max(Timestamp::from_nanoseconds(tail.time.nanoseconds() + 1).unwrap());
    let mut start = seal(&mut FrameBuilder::new(0), FrameKind::EpochStart, tail, first);
    let mut writer = journal.claim(&tail, &mut start).unwrap();
    for day in days {
        let mut frame = seal(&mut builder, FrameKind::Commands, *writer.tail(), noon(*day));
        assert_eq!(frame.view().texts(), Some(TEXT), "whoever applies the frame has its texts");
        assert!(matches!(writer.append(&mut frame), Append::Durable));
        builder.recycle(frame);
    }
}

/// Opens a log with its keys; both have to be there.
fn open_with_keys(storage: &MemoryStorage, master: MasterKey) -> LocalJournal<MemoryStorage> {
    let journal = open(storage);
    assert!(journal.open_keys(master).unwrap().is_some());
    journal
}

/// For each frame of commands, in order, whether its texts can be read: in a full read, by position, and beside the node.
fn readable(
    mut journal: LocalJournal<MemoryStorage>,
    storage: &MemoryStorage,
    keyring: Keyring,
) -> Vec<bool> {
    let look = |frame: &FrameView<'_>, into: &mut Vec<bool>| {
        if frame.header().record_count > 0 {
            assert!(frame.texts().is_none_or(|texts| texts == TEXT));
            assert!(!frame.is_tampered());
            into.push(frame.texts().is_some());
        }
    };
    let mut read = Vec::new();
    let visit = &mut |frame: &FrameView<'_>, _| {
        look(frame, &mut read);
        Ok(())
    };
    journal.read(BatchNumber(0), visit).unwrap();
    let mut by_position = Vec::new();
    let visit = &mut |frame: FrameView<'_>| {
        look(&frame, &mut by_position);
        std::ops::ControlFlow::Continue(())
    };
    journal.frame_reader().read_after(Sequence(0), visit).unwrap();
    assert_eq!(by_position, read);
    let mut offline = Vec::new();
    let visit = &mut |frame: &FrameView<'_>, _| {
        look(frame, &mut offline);
        Ok(())
    };
    Reader::open(storage.clone()).unwrap().with_keys(keyring).read(BatchNumber(0), visit).unwrap();
    assert_eq!(offline, read);
    read
}

fn readable_with(storage: &MemoryStorage, master: &MasterKey) -> Vec<bool> {
    let keyring = Keyring::read(storage, identity().cluster, Some(master)).unwrap();
    readable(open_with_keys(storage, master.clone()), storage, keyring)
}

fn files(storage: &MemoryStorage) -> Vec<(String, Vec<u8>)> {
    let names = storage.list().unwrap();
    names.into_iter().map(|name| (name.clone(), storage.bytes(&name).unwrap())).collect()
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

#[test]
fn texts_are_sealed_on_disk_and_open_for_every_reader_that_has_the_key() {
    let storage = MemoryStorage::new();
    three_days(&storage);
    for (name, bytes) in files(&storage) {
        assert!(!holds(&bytes, b"Anna Peeters") && !holds(&bytes, b"BE68"), "{name}");
        assert!(!holds(&bytes, &[7; 32]), "{name}: the master key");
    }
    assert_eq!(readable_with(&storage, &master()), [true; 3]);
    let without = readable(open(&storage), &storage, Keyring::default());
    assert_eq!(without, [false; 3], "without keys the log still reads, and its texts are gone");
}

#[test]
fn destroyed_keys_take_the_texts_of_their_days_and_nothing_else() {
    let storage = MemoryStorage::new();
    three_days(&storage);
    let before = files(&storage);
    let destroyed = destroy_keys(&storage, DAY + 2).unwrap();
    assert_eq!((destroyed.days, destroyed.first_left), (vec![DAY, DAY + 1], Some(DAY + 2)));
    assert_eq!(destroyed.clear_before, None);
    assert_eq!(readable_with(&storage, &master()), [false, false, true]);
    for ((name, before), (_, after)) in before.iter().zip(files(&storage)) {
        assert_eq!(name == "KEYS", *before != after, "{name}");
    }
    let digest_key = open(&storage).open_keys(master()).unwrap().unwrap().digest_key();
    assert!(digest_key.is_some(), "digests outlive texts");
    // The log goes on, and days that are over get no new key.
    let mut journal = open_with_keys(&storage, master());
    append(&mut journal, &[DAY + 3]);
    drop(journal);
    assert_eq!(destroy_keys(&storage, DAY).unwrap().days, [] as [u32; 0]);
    assert_eq!(readable_with(&storage, &master()), [false, false, true, true]);
}

#[test]
fn rotation_rewraps_the_keys_and_touches_no_segment() {
    let storage = MemoryStorage::new();
    three_days(&storage);
    let segments = |storage: &MemoryStorage| {
        let files = files(storage).into_iter();
        files.filter(|(name, _)| name.starts_with("segment")).collect::<Vec<_>>()
    };
    let before = segments(&storage);
    let wrong = rewrap_keys(&storage, Some(&other_master()), &master(), &mut entropy());
    assert!(matches!(wrong, Err(KeysError::OtherMaster { .. })), "{wrong:?}");
    let none = rewrap_keys(&storage, None, &other_master(), &mut entropy());
    assert!(matches!(none, Err(KeysError::NoMaster { .. })), "{none:?}");
    let count = rewrap_keys(&storage, Some(&master()), &other_master(), &mut entropy()).unwrap();
    assert_eq!((count, segments(&storage) == before), (6, true));
    assert_eq!(readable_with(&storage, &other_master()), [true; 3]);
    let old = open(&storage).open_keys(master());
    assert!(matches!(old, Err(KeysError::OtherMaster { .. })), "{old:?}");
}

#[test]
fn a_master_key_in_the_folder_is_used_until_another_takes_over() {
    let storage = MemoryStorage::new();
    let mut journal = create(&storage);
    let (master, is_new) = journal.master_in_folder(&mut entropy()).unwrap();
    assert!(is_new);
    let mut keys = journal.create_keys(master, None, &mut entropy()).unwrap();
    keys.keep(DAY..=DAY, &mut entropy()).unwrap();
    append(&mut journal, &[DAY]);
    assert!(!journal.master_in_folder(&mut entropy()).unwrap().1);
    let found = MasterKey::in_folder(&storage).unwrap().unwrap();
    drop((keys, journal));
    let keyring = Keyring::read(&storage, identity().cluster, None).unwrap();
    assert_eq!(keyring.numbers(), [DAY]);
    rewrap_keys(&storage, None, &other_master(), &mut entropy()).unwrap();
    assert!(MasterKey::in_folder(&storage).unwrap().is_none());
    assert!(matches!(open(&storage).open_keys(found), Err(KeysError::OtherMaster { .. })));
    assert_eq!(readable_with(&storage, &other_master()), [true]);
}

/// After a torn frame its batch number is used again, and two copies of a folder may go different ways: equal texts look
/// different everywhere, and a section opens in its own frame alone.
#[test]
fn no_two_frames_share_a_key() {
    let storage = MemoryStorage::new();
    let keyring = {
        let journal = create(&storage);
        let mut keys = journal.create_keys(master(), None, &mut entropy()).unwrap();
        keys.keep(DAY..=DAY, &mut entropy()).unwrap();
        journal.keyring()
    };
    let mut builder = FrameBuilder::sealing(1, Arc::clone(&keyring));
    let previous = Tail { batch: BatchNumber(8), epoch: types::Epoch(3), ..Tail::EMPTY };
    let frame = seal(&mut builder, FrameKind::Commands, previous, noon(DAY));
    let mut others = vec![seal(
        &mut builder,
        FrameKind::Commands,
        previous,
        Timestamp::from_nanoseconds(noon(DAY).nanoseconds() + 1).unwrap(),
    )];
    for other in [
        Tail { epoch: types::Epoch(4), ..previous },
        Tail { batch: BatchNumber(9), ..previous },
        Tail { hash: journal::FrameHash([1; 32]), ..previous },
    ] {
        others.push(seal(&mut builder, FrameKind::Commands, other, noon(DAY)));
    }
    for other in &others {
        assert_ne!(other.view().personal(), frame.view().personal());
        // Another frame's section under this frame's header.
        let length = frame.bytes().len() - (TEXT.len() + TAG_LENGTH).next_multiple_of(8);
        let mixed = [&frame.bytes()[..length], &other.bytes()[length..]].concat();
        let mut texts = Vec::new();
        let view = FrameView::parse(&mixed).unwrap().opened(&keyring, &mut texts);
        assert!(view.is_tampered() && view.texts().is_none());
    }
    let mut texts = Vec::new();
    let view = FrameView::parse(frame.bytes()).unwrap().opened(&keyring, &mut texts);
    assert_eq!((view.texts(), view.is_tampered()), (Some(TEXT), false));
}

#[test]
fn a_sealed_frame_is_as_long_as_it_was_said_to_be_up_to_the_longest() {
    let keyring = Arc::new(Keyring::default());
    let mut builder = FrameBuilder::sealing(1, Arc::clone(&keyring));
    assert_eq!(builder.key_of(noon(DAY)), None);
    let room = FRAME_LENGTH_MAX - builder.frame_length() - TAG_LENGTH;
    assert!(builder.has_room(0, 0, room) && !builder.has_room(0, 0, room + 1));
    builder.push_personal(&vec![1; room]);
    assert_eq!(builder.frame_length(), FRAME_LENGTH_MAX);
    builder.clear();
    // A frame without texts needs no key, and says so.
    let marker = builder.seal(&SealInput {
        kind: FrameKind::Marker,
        identity: identity(),
        previous: Tail { epoch: types::Epoch(1), ..Tail::EMPTY },
        time: noon(DAY),
        rules_version: 1,
        durable_mark: BatchNumber(0),
        personal_key: DAY,
    });
    assert_eq!((marker.header().personal_key, marker.view().texts()), (0, Some(&[][..])));
}

#[test]
fn the_first_day_of_all_shares_the_key_of_the_second() {
    assert_eq!(key_of(Timestamp::from_nanoseconds(0).unwrap()), 1);
    assert_eq!(key_of(noon(1)), 1);
    assert_eq!(key_of(noon(DAY)), DAY);
    assert_eq!(key_of(Timestamp::from_nanoseconds(i64::MAX).unwrap()), 106_751);
}

#[test]
fn keys_that_can_not_be_used_are_named() {
    let storage = MemoryStorage::new();
    three_days(&storage);
    let open_keys = |storage: &MemoryStorage| open(storage).open_keys(master()).map(|file| file.is_some());
    let damaged = storage.after_exit(&mut |_| Fate::Keep);
    damaged.flip_bit("KEYS", 70, 3);
    assert!(matches!(open_keys(&damaged), Err(KeysError::Unreadable { .. })));
    let newer = storage.after_exit(&mut |_| Fate::Keep);
    newer.change("KEYS", |bytes| {
        bytes[8] = 2;
        let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[16..]);
        bytes[12..16].copy_from_slice(&sum.to_le_bytes());
    });
    assert!(matches!(open_keys(&newer), Err(KeysError::NewerFormat { found: 2, .. })));
    let foreign = storage.after_exit(&mut |_| Fate::Keep);
    foreign.change("KEYS", |bytes| {
        bytes[16] ^= 1;
        let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[16..]);
        bytes[12..16].copy_from_slice(&sum.to_le_bytes());
    });
    assert!(matches!(open_keys(&foreign), Err(KeysError::ForeignCluster { .. })));
    let missing = storage.after_exit(&mut |_| Fate::Keep);
    missing.take_file("KEYS");
    assert!(!open_keys(&missing).unwrap());
    assert!(matches!(destroy_keys(&missing, DAY), Err(KeysError::Missing { .. })));
    let running = open(&storage);
    let locked = destroy_keys(&storage, DAY).unwrap_err();
    let KeysError::Storage(error) = locked else { panic!("{locked}") };
    assert_eq!(error.kind, StorageErrorKind::Locked);
    drop(running);
}

#[test]
fn a_full_disk_leaves_the_keys_as_they_were() {
    let storage = MemoryStorage::new();
    three_days(&storage);
    let journal = open(&storage);
    let mut keys = journal.open_keys(master()).unwrap().unwrap();
    storage.limit_space(Some(0));
    let Err(KeysError::Storage(error)) = keys.keep(DAY..=DAY + 9, &mut entropy()) else { panic!("no room") };
    assert_eq!(error.kind, StorageErrorKind::NoSpace);
    assert!(!journal.keyring().holds(DAY + 9) && journal.keyring().holds(DAY));
    storage.limit_space(None);
    // Behind the making of the file: at the edge of a full disk the write is cut short.
    storage.inject(storage.operations().len() + 1, Fault::Error(StorageErrorKind::Partial));
    let Err(KeysError::Storage(error)) = keys.keep(DAY..=DAY + 9, &mut entropy()) else { panic!("no room") };
    assert!(error.kind.is_no_room());
    assert!(storage.bytes("KEYS.new").is_none(), "nothing of it takes room");
    assert_eq!(keys.keep(DAY..=DAY + 9, &mut entropy()).unwrap(), 5);
    assert!(journal.keyring().holds(DAY + 9));
}

/// A life of the keys of a folder. What it was told, it can rely on.
#[derive(Default)]
struct Told {
    made: bool,
    kept_upto: u32,
    destroyed_asked: bool,
    destroyed: bool,
}

fn live(storage: &MemoryStorage, told: &mut Told) -> Option<()> {
    let journal = LocalJournal::open(storage.clone(), None, crate::support::settings(64 * 1024, 3)).ok()?;
    let mut keys: KeyFile<_> = journal.create_keys(master(), None, &mut entropy()).ok()?;
    told.made = true;
    for day in [DAY, DAY + 1] {
        keys.keep(DAY..=day, &mut entropy()).ok()?;
        told.kept_upto = day;
    }
    drop((keys, journal));
    told.destroyed_asked = true;
    destroy_keys(storage, DAY + 1).ok()?;
    told.destroyed = true;
    Some(())
}

/// The bytes of a key as it is wrapped in KEYS: the entry that names this day.
fn wrapped(storage: &MemoryStorage, day: u32) -> Option<Vec<u8>> {
    let bytes = storage.bytes("KEYS")?;
    let entries = bytes[64..].chunks_exact(72);
    entries
        .filter(|entry| entry[..8] == [&[1, 0, 0, 0], &day.to_le_bytes()[..]].concat())
        .map(|entry| entry[24..].to_vec())
        .next()
}

#[test]
fn keys_survive_and_destroyed_ones_stay_gone_whenever_the_power_fails() {
    let fresh = || {
        let storage = MemoryStorage::new();
        drop(create(&storage));
        storage.after_power_loss(&mut |_| Fate::Keep)
    };
    let storage = fresh();
    live(&storage, &mut Told::default()).unwrap();
    let operations = storage.operations();
    let at =
        |kind, name| operations.iter().rposition(|it| (it.kind, it.name.as_str()) == (kind, name)).unwrap();
    let (overwritten, synced) = (at(OperationKind::Write, "KEYS.old"), at(OperationKind::Sync, "KEYS.old"));
    assert!(overwritten < synced && synced < at(OperationKind::Remove, "KEYS.old"));
    for (index, operation) in operations.iter().enumerate() {
        let storage = fresh();
        storage.inject(index, Fault::PowerLoss);
        let mut told = Told::default();
        let _ = live(&storage, &mut told);
        for seed in 0..40 {
            let mut choices = SeededChoices::new(seed);
            let found = storage.after_power_loss(&mut |_| match seed {
                0 => Fate::Keep,
                1 => Fate::Lose,
                _ => choices.fate(),
            });
            let context = format!("operation {index} {operation:?}, seed {seed}");
            check(&found, &told, &context);
        }
    }
}

fn check(found: &MemoryStorage, told: &Told, context: &str) {
    let journal = open(found);
    let keys = journal.open_keys(master()).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(keys.is_some() || !told.made, "{context}: keys are lost");
    let Some(keys) = keys else { return };
    assert!(keys.digest_key().is_some(), "{context}");
    let holds_key = |day| journal.keyring().holds(day);
    assert!(told.kept_upto < DAY || told.destroyed_asked || holds_key(DAY), "{context}: a key is lost");
    assert!(told.kept_upto <= DAY || holds_key(DAY + 1), "{context}: a key is lost");
    assert!(!(told.destroyed && holds_key(DAY)), "{context}: a key is back");
    // The start has tidied up: what is not in the table is in no other file.
    let names = found.list().unwrap();
    assert!(!names.iter().any(|name| name.starts_with("KEYS.")), "{context}: {names:?}");
    assert_eq!(wrapped(found, DAY).is_some(), holds_key(DAY), "{context}");
    drop((keys, journal));
    destroy_keys(found, DAY + 1).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_eq!(wrapped(found, DAY), None, "{context}");
    assert_eq!(DIGEST_KEY_ID, 1);
}
