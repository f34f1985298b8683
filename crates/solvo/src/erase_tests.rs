//! That nothing personal is left of erased days in any file, and what the command says.

use std::fs;

use clap::Parser;
use journal::Reader;
use tempfile::TempDir;
use types::BatchNumber;

use super::*;
use crate::verify::sample_log::{self, PERSONAL};
use crate::verify::verify_folder;

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

#[derive(Parser)]
struct Shell {
    #[command(flatten)]
    args: EraseArgs,
}

fn erase(options: &[&str]) -> anyhow::Result<ExitCode> {
    let command = ["erase"].into_iter().chain(options.iter().copied());
    let arguments = Shell::try_parse_from(command)?.args;
    tokio::runtime::Runtime::new()?.block_on(run(&arguments))
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Every file in a folder and the folders in it.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all.extend(files(&path)),
            false => all.push((path.clone(), fs::read(&path).unwrap())),
        }
    }
    all
}

/// Whether one text stands in another; looks for its first byte first, since segments are long.
fn holds(bytes: &[u8], what: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == what[0]) {
        if rest[at..].starts_with(what) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

/// The wrapped data keys in KEYS, and the days they are of.
fn wrapped(folder: &Path) -> Vec<(u32, Vec<u8>)> {
    let keys = fs::read(folder.join("KEYS")).unwrap();
    let count = usize::try_from(u32::from_le_bytes(keys[48..52].try_into().unwrap())).unwrap();
    let entries = keys[64..].chunks_exact(72).take(count).filter(|entry| entry[0] == 1);
    let read = |entry: &[u8]| (u32::from_le_bytes(entry[4..8].try_into().unwrap()), entry[24..].to_vec());
    entries.map(read).collect()
}

/// Payments with names, account numbers and remittance, and a document; returns the key of the log's digests.
fn life(folder: &Path) -> [u8; 16] {
    let engine = sample_log::start(folder);
    let handle = engine.handle();
    sample_log::fill(&handle);
    let mut commands = handle.commands(types::PrincipalNumber(1));
    let document = "<Nm>Anna Peeters</Nm><IBAN>BE68539007547034</IBAN><Ustrd>Rent for November</Ustrd>";
    commands.evidence(&ledger::Evidence {
        about: ledger::About::NoPayment,
        passage: ledger::Passage::Received,
        message_name: ledger::MessageName::parse("pacs.008.001.08").unwrap(),
        counterpart: None,
        document_length: u32::try_from(document.len()).unwrap(),
        compressed: iso20022::compress_evidence(document.as_bytes()),
    });
    sample_log::submit(&handle, commands);
    let key = *handle.digest_key().as_bytes();
    engine.stop();
    key
}

/// How many records with texts a log has, and how many of them can be read.
fn readable(folder: &Path) -> (usize, usize) {
    let reader = Reader::open(FileStorage::open(folder).unwrap()).unwrap();
    let reader = reader.with_keys_of_folder(None).unwrap();
    let (mut with_texts, mut readable) = (0, 0);
    let visit = &mut |frame: &journal::FrameView<'_>, _| {
        for record in ledger::Records::with_texts(frame.records(), frame.texts()) {
            let record = record.unwrap();
            with_texts += usize::from(record.personal_length > 0);
            readable += usize::from(record.personal_length > 0 && !record.is_erased());
        }
        Ok(())
    };
    reader.read(BatchNumber(0), visit).unwrap();
    (with_texts, readable)
}

/// How many records without their texts `verify` finds in a log that is otherwise right.
fn erased(folder: &Path) -> usize {
    let mut json = Vec::new();
    verify_folder(folder, &mut ()).unwrap().fields(folder).write_json(&mut json).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&json).unwrap();
    usize::try_from(report["records_erased"].as_u64().unwrap()).unwrap()
}

#[test]
fn nothing_personal_is_left_of_an_erased_period_in_any_file() {
    let (data, backup) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let digest_key = life(data.path());
    copy(data.path(), backup.path());
    let (with_texts, all) = readable(data.path());
    assert!(with_texts == all && all > 8, "{all} of {with_texts}");
    assert_eq!(erased(data.path()), 0);
    let keys = wrapped(data.path());
    let last = keys.last().unwrap().0;
    for folder in [data.path(), backup.path()] {
        let storage = FileStorage::open(folder).unwrap();
        let destroyed = destroy_keys(&storage, last + 1).unwrap();
        assert_eq!((destroyed.days.len(), destroyed.first_left), (keys.len(), None));
        assert_eq!(readable(folder), (with_texts, 0));
        assert_eq!(erased(folder), with_texts);
        let report = verify_folder(folder, &mut ()).unwrap();
        let names: Vec<_> = report.ledger.participants().map(|(_, bank)| bank.name().to_owned()).collect();
        assert_eq!(names, ["Bank B", "Bank D"], "banks' names are no personal data");
        for (path, bytes) in files(folder) {
            let path = path.display();
            for text in PERSONAL {
                assert!(!holds(&bytes, text.as_bytes()), "{path} holds {text}");
            }
            assert!(!holds(&bytes, &digest_key), "{path} holds the key of digests");
            for (day, key) in &keys {
                assert!(
                    !holds(&bytes, key) && !holds(&bytes, &key[..16]),
                    "{path} holds the key of day {day}"
                );
            }
        }
    }
    // The node goes on, with keys for what it writes from now on.
    let engine = sample_log::start(data.path());
    assert_eq!(*engine.handle().digest_key().as_bytes(), digest_key);
    let mut commands = engine.handle().commands(types::PrincipalNumber(1));
    sample_log::pay(&mut commands, "T9", "1.00", engine.handle().now());
    sample_log::submit(&engine.handle(), commands);
    engine.stop();
    assert_eq!(readable(data.path()), (with_texts + 1, 1));
    assert_eq!(erased(data.path()), with_texts, "the log is right, though the day has another key now");
}

#[test]
fn the_command_erases_what_is_old_enough_everywhere_it_is_told_to() {
    let (data, backup) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let data_name = data.path().to_str().unwrap();
    life(data.path());
    copy(data.path(), backup.path());
    let before = wrapped(data.path());
    for options in [
        &["--data", data_name, "--before", "2199-01-01", "--yes"][..],
        &["--data", data_name, "--before", "2015-02-30", "--yes"],
        // Nobody is there to be asked.
        &["--data", data_name],
        &["--yes"],
        &["--data", "/nowhere", "--yes"],
        // A folder has one owner.
        &["--data", data_name, "--server", "127.0.0.1:9", "--yes"],
    ] {
        assert!(erase(options).is_err(), "{options:?}");
    }
    assert_eq!(wrapped(data.path()), before);
    let backup_name = backup.path().to_str().unwrap();
    let code = erase(&["--data", data_name, "--backup", backup_name, "--yes", "--json"]).unwrap();
    assert_eq!((code, wrapped(data.path())), (ExitCode::SUCCESS, before), "nothing is ten years old");
    // A node that runs would write keys back that it has at hand.
    let engine = sample_log::start(data.path());
    let error = format!("{:#}", erase(&["--data", data_name, "--yes"]).unwrap_err());
    assert!(error.contains("give --server"), "{error}");
    engine.stop();
}

#[test]
fn words_and_fields_say_the_same() {
    let told = |days: &[u32], clear_before| {
        Told::from(Destroyed { days: days.to_vec(), first_left: Some(16_801), clear_before })
    };
    let words = |told: &Told| words("/data", date("2016-01-01"), told);
    assert_eq!(words(&told(&[], None)), "/data: no keys of days before 2016-01-01 were left");
    assert_eq!(words(&told(&[16_800], None)), "/data: the key of 2015-12-31 is destroyed");
    assert_eq!(
        words(&told(&[16_436, 16_500, 16_800], Some(16_436))),
        "/data: the keys of 3 days from 2015-01-01 to 2015-12-31 are destroyed; some of what this log took in before \
         2015-01-01 was never sealed, and stays readable"
    );
    let json = |kind, told: &Told| {
        let mut json = Vec::new();
        fields(kind, "/data", told).write_json(&mut json).unwrap();
        String::from_utf8(json).unwrap()
    };
    assert_eq!(
        json("folder", &told(&[16_436, 16_800], None)),
        r#"{"folder":"/data","days":2,"first":"2015-01-01","last":"2015-12-31","first_left":"2016-01-01","clear_before":null,"holders_forgotten":0}"#
    );
    // What a node tells reads the same.
    let reply = v1::ErasePersonalDataResponse {
        before_date: "2016-01-01".to_owned(),
        day_count: 2,
        first_date: "2015-01-01".to_owned(),
        last_date: "2015-12-31".to_owned(),
        first_left_date: "2016-01-01".to_owned(),
        clear_before_date: String::new(),
        holders_forgotten_count: 0,
    };
    assert_eq!(json("server", &reply.into()), json("server", &told(&[16_436, 16_800], None)));
}

#[test]
fn snapshots_and_the_archive_hold_nothing_personal_either() {
    let data = TempDir::new().unwrap();
    sample_log::written_with_snapshots(data.path());
    let engine = sample_log::start(data.path());
    let digest_key = *engine.handle().digest_key().as_bytes();
    engine.stop();
    let keys = wrapped(data.path());
    let storage = FileStorage::open(data.path()).unwrap();
    destroy_keys(&storage, keys.last().unwrap().0 + 1).unwrap();
    let files = files(data.path());
    for wanted in ["snapshot-", "archive"] {
        assert!(
            files.iter().any(|(path, _)| path.display().to_string().contains(wanted)),
            "there is a {wanted}"
        );
    }
    let texts = PERSONAL.map(str::as_bytes).into_iter().chain([&digest_key[..]]);
    for secret in texts.chain(keys.iter().map(|(_, key)| key.as_slice())) {
        let holder = files.iter().find(|(_, bytes)| holds(bytes, secret));
        assert!(holder.is_none(), "{} holds what is erased", holder.unwrap().0.display());
    }
    let (with_texts, readable) = readable(data.path());
    assert!(with_texts > 0 && readable == 0);
    assert_eq!(erased(data.path()), with_texts, "the log verifies, and its snapshots with it");
    sample_log::start(data.path()).stop();
}

#[test]
fn what_an_interrupted_backup_has_left_is_erased_too() {
    let all = TempDir::new().unwrap();
    let [data, backup] = ["data", "backup"].map(|name| all.path().join(name));
    life(&data);
    fs::create_dir_all(backup.join("incoming")).unwrap();
    copy_file(&data, &backup, "KEYS");
    copy_file(&data, &backup.join("incoming"), "KEYS");
    erase(&["--before", "2024-01-01", "--backup", backup.to_str().unwrap(), "--yes"]).unwrap();
    assert!(backup.join("KEYS").exists() && !backup.join("incoming/KEYS").exists());
}

fn copy_file(from: &Path, to: &Path, name: &str) {
    fs::copy(from.join(name), to.join(name)).unwrap();
}
