//! Logs through `inspect`: what is shown, what is not, and what is chosen.

use std::fs;
use std::path::Path;

use clap::Parser;
use serde_json::Value as Json;
use tempfile::TempDir;

use super::*;
use crate::verify::sample_log::{self, HandWritten, PERSONAL};

#[derive(Parser)]
struct Shell {
    #[command(flatten)]
    args: InspectArgs,
}

/// What a run of `inspect` told.
struct Told {
    code: ExitCode,
    text: String,
    errors: String,
}

fn inspect(folder: &Path, options: &[&str]) -> Told {
    let command = ["inspect", folder.to_str().unwrap()].into_iter().chain(options.iter().copied());
    let args = Shell::parse_from(command).args;
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let code = super::inspect(&args, &mut out, &mut errors).unwrap();
    Told { code, text: String::from_utf8(out).unwrap(), errors: String::from_utf8(errors).unwrap() }
}

fn json(folder: &Path, options: &[&str]) -> Vec<Json> {
    let told = inspect(folder, &[options, &["--json"]].concat());
    assert_eq!(told.code, ExitCode::SUCCESS, "{}", told.errors);
    told.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of_type<'rows>(rows: &'rows [Json], kind: &str) -> Vec<&'rows Json> {
    rows.iter().filter(|row| row["type"] == kind).collect()
}

/// A log by hand, the same every time: 1 epoch start, 2 genesis, 3 banks, 4 one payment, 5 the outcomes.
fn by_hand(folder: &Path) {
    let mut log = HandWritten::new(folder);
    log.append(&log.genesis());
    let mut commands = HandWritten::commands();
    sample_log::banks_and_accounts(&mut commands);
    log.append(&commands);
    let mut commands = HandWritten::commands();
    sample_log::pay(&mut commands, "T1", "10.00", log.time());
    log.append(&commands);
    log.tell(|_| {});
}

#[test]
fn personal_data_is_masked_unless_asked_for() {
    let folder = TempDir::new().unwrap();
    sample_log::written(folder.path());
    for form in [&[][..], &["--json"]] {
        let masked = inspect(folder.path(), form);
        let shown = inspect(folder.path(), &[form, &["--personal"]].concat());
        assert_eq!((masked.code, shown.code), (ExitCode::SUCCESS, ExitCode::SUCCESS));
        for secret in PERSONAL {
            assert!(!masked.text.contains(secret), "{secret}");
            assert!(shown.text.contains(secret), "{secret}");
        }
        for text in [masked.text, shown.text] {
            assert!(text.contains("not shown"), "the digest key");
            assert!(text.contains("BE68…7034") || text.contains(sample_log::DEBTOR_IBAN));
            assert!(text.contains("T2-0001") && text.contains("Bank B"), "what is not personal is shown");
        }
    }
}

#[test]
fn a_payment_reads_well() {
    let folder = TempDir::new().unwrap();
    by_hand(folder.path());
    let told = inspect(folder.path(), &["--frame", "4"]);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/inspect/payment.txt");
    if std::env::var_os("SOLVO_UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &told.text).unwrap();
    }
    assert_eq!(told.text, fs::read_to_string(golden).unwrap(), "SOLVO_UPDATE_GOLDEN=1 writes it anew");
}

#[test]
fn every_line_of_json_is_a_row() {
    let folder = TempDir::new().unwrap();
    by_hand(folder.path());
    let rows = json(folder.path(), &[]);
    assert_eq!(of_type(&rows, "frame").len(), 5);
    assert_eq!(of_type(&rows, "record").len(), 9);
    assert_eq!(of_type(&rows, "outcome").len(), 9);
    let frames = of_type(&rows, "frame");
    for (before, after) in frames.iter().zip(&frames[1..]) {
        assert_eq!(after["previous_hash"], before["hash"]);
    }
    let payment = *of_type(&rows, "record").last().unwrap();
    assert_eq!((&payment["batch"], &payment["sequence"]), (&4.into(), &13.into()));
    assert_eq!((&payment["amount"], &payment["currency"]), (&"10.00".into(), &"EUR".into()));
    assert_eq!(payment["order"]["debtor"]["address"]["street_name"]["masked_characters"], 16);
    let outcome = *of_type(&rows, "outcome").last().unwrap();
    assert_eq!((&outcome["batch"], &outcome["sequence"]), (&5.into(), &13.into()));
    assert_eq!((&outcome["verdict"], &outcome["debtor_balance"]), (&"settled".into(), &9000.into()));
}

#[test]
fn frames_are_chosen_by_number() {
    let folder = TempDir::new().unwrap();
    by_hand(folder.path());
    let batches = |options: &[&str]| -> Vec<u64> {
        let rows = json(folder.path(), options);
        of_type(&rows, "frame").iter().map(|row| row["batch"].as_u64().unwrap()).collect()
    };
    assert_eq!(batches(&["--from", "4"]), [4, 5]);
    assert_eq!(batches(&["--limit", "2"]), [1, 2]);
    assert_eq!(batches(&["--from", "2", "--limit", "2"]), [2, 3]);
    assert_eq!(batches(&["--frame", "5"]), [5]);
    assert_eq!(batches(&["--limit", "0"]), [0; 0]);
    for options in [["--frame", "6"], ["--from", "6"]] {
        let told = inspect(folder.path(), &options);
        assert_eq!((told.code, told.text.as_str()), (ExitCode::FAILURE, ""));
        assert_eq!(told.errors, "no batch 6: the log ends at batch 5\n");
    }
}

#[test]
fn a_payment_is_chosen_with_what_was_told_of_it() {
    let folder = TempDir::new().unwrap();
    let engine = sample_log::start(folder.path());
    let handle = engine.handle();
    let outcomes = sample_log::fill(&handle);
    let first = handle.payment_id(outcomes[0].sequence);
    let account = handle.payment_id(Sequence(6));
    let other_log = PaymentId { incarnation: types::Incarnation(first.incarnation.0 ^ 1), ..first };
    engine.stop();

    let rows = json(folder.path(), &["--payment", &first.to_string()]);
    let records = of_type(&rows, "record");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["payment_id"], first.to_string());
    assert_eq!(records[0]["transaction_id"], "T1");
    let told = of_type(&rows, "outcome");
    assert_eq!(told.len(), 2, "its own and the one that repeats it");
    assert!(told.iter().all(|row| row["verdict"] == "settled"));
    assert_eq!(told[1]["repeat_of"], outcomes[0].sequence.0);

    let told = inspect(folder.path(), &["--payment", &account.to_string()]);
    assert_eq!(told.code, ExitCode::FAILURE);
    assert!(told.errors.starts_with("no payment "), "{}", told.errors);

    let folder = folder.path().to_str().unwrap();
    let args = Shell::parse_from(["inspect", folder, "--payment", &other_log.to_string()]).args;
    let error = super::inspect(&args, &mut Vec::new(), &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("was given by another log"), "{error}");
    assert!(Shell::try_parse_from(["inspect", folder, "--payment", "T1"]).is_err());
}

#[test]
fn damage_is_told_after_what_could_be_read() {
    let folder = TempDir::new().unwrap();
    by_hand(folder.path());
    let (_, location) = sample_log::locations(folder.path())[2];
    let path = folder.path().join(journal::segment_name(location.segment));
    let mut bytes = fs::read(&path).unwrap();
    bytes[usize::try_from(location.offset).unwrap() + 300] ^= 1;
    fs::write(&path, bytes).unwrap();
    let told = inspect(folder.path(), &["--json"]);
    assert_eq!(told.code, ExitCode::FAILURE);
    let frames: Vec<Json> = told.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(of_type(&frames, "frame").len(), 2);
    assert!(told.errors.starts_with("fault: its bytes do not verify"), "{}", told.errors);
    assert!(told.errors.contains(&format!("  file      {}\n", path.display())), "{}", told.errors);
    assert!(told.errors.contains(&format!("  offset    {}\n", location.offset)), "{}", told.errors);
    assert!(told.errors.contains("  batch     3\n"), "{}", told.errors);
}

#[test]
fn a_record_whose_texts_cannot_be_read_is_shown_without_them() {
    let folder = TempDir::new().unwrap();
    let mut log = HandWritten::new(folder.path());
    log.append(&log.genesis());
    let mut commands = HandWritten::commands();
    sample_log::pay(&mut commands, "T1", "10.00", log.time());
    log.append_with_texts(&commands, &vec![0; commands.texts().len()]);
    let told = inspect(folder.path(), &[]);
    assert_eq!(told.code, ExitCode::FAILURE);
    assert!(told.text.contains("transaction_id=T1") && told.text.contains("texts=unreadable"));
    assert!(told.errors.contains("the texts of the record at sequence 6 can't be read"), "{}", told.errors);
}

#[test]
fn texts_that_can_not_be_read_are_named_as_erased() {
    let folder = TempDir::new().unwrap();
    let mut log = HandWritten::new(folder.path());
    log.append(&log.genesis());
    log.personal_key = 1;
    let mut commands = HandWritten::commands();
    sample_log::pay(&mut commands, "T1", "10.00", log.time());
    log.append_with_texts(&commands, &vec![0xA5; commands.texts().len()]);
    let rows = json(folder.path(), &["--frame", "3"]);
    assert_eq!(rows[0]["personal_key"], 1);
    assert_eq!((&rows[1]["transaction_id"], &rows[1]["texts"]), (&"T1".into(), &"erased".into()));
}

/// Takes nothing, as a pipe whose reader has gone.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_has_had_enough_is_no_failure() {
    let folder = TempDir::new().unwrap();
    by_hand(folder.path());
    let args = Shell::parse_from(["inspect", folder.path().to_str().unwrap()]).args;
    let mut errors = Vec::new();
    let error = super::inspect(&args, &mut Closed, &mut errors).unwrap_err();
    assert!(is_broken_pipe(&error) && errors.is_empty());
}

#[test]
fn a_folder_without_a_journal_is_an_error() {
    let folder = TempDir::new().unwrap();
    let args = Shell::parse_from(["inspect", folder.path().to_str().unwrap()]).args;
    let error = super::inspect(&args, &mut Vec::new(), &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("holds no journal"), "{error}");
}
