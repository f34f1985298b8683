//! Whole logs, good and bad, through `verify`.

use std::collections::BTreeMap;
use std::fs;

use ledger::Outcome;
use tempfile::TempDir;
use types::PaymentState;

use super::*;
use crate::verify::sample_log::{self, ENTRY_BALANCE, ENTRY_STATUS, HandWritten, PERSONAL};

/// What a run of `verify` told.
struct Told {
    code: ExitCode,
    text: String,
    errors: String,
    json: serde_json::Value,
}

fn verify(folder: &Path) -> Told {
    let verified = verify_folder(folder, &mut ());
    let print = |json| {
        let args = VerifyArgs { folder: folder.to_owned(), master_key: Default::default(), json };
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        let code = tell(&args, &verified, &mut out, &mut errors).unwrap();
        (code, String::from_utf8(out).unwrap(), String::from_utf8(errors).unwrap())
    };
    let (code, text, errors) = print(false);
    let (json_code, json, _) = print(true);
    assert_eq!(code, json_code);
    for secret in PERSONAL {
        assert!(!format!("{text}{errors}{json}").contains(secret), "{secret}");
    }
    Told { code, text, errors, json: serde_json::from_str(&json).unwrap() }
}

/// Every file of a folder with its bytes.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

/// Turns over one bit of a frame: one of its header, behind the envelope.
fn flip(folder: &Path, location: Location) {
    let path = folder.join(journal::segment_name(location.segment));
    let mut bytes = fs::read(&path).unwrap();
    bytes[usize::try_from(location.offset).unwrap() + 100] ^= 1;
    fs::write(&path, bytes).unwrap();
}

#[test]
fn a_good_log_is_told_with_its_totals_and_stays_as_it_is() {
    let folder = TempDir::new().unwrap();
    sample_log::written(folder.path());
    let before = contents(folder.path());
    let told = verify(folder.path());
    assert_eq!(told.code, ExitCode::SUCCESS, "{}", told.errors);
    assert!(told.errors.is_empty());
    assert!(told.text.starts_with("all is well"), "{}", told.text);
    assert!(
        told.text.contains(
            "payments    1 settled, 2 rejected, 0 expired, 0 reserved (1 AM04, 1 FF01); 1 answers repeated"
        ),
        "{}",
        told.text
    );
    let json = &told.json;
    assert_eq!(json["ok"], true);
    assert_eq!(json["records"], 12);
    assert_eq!(json["records_by_kind"]["payment"], 3);
    assert_eq!(json["records_by_kind"]["refused_payment"], 1);
    assert_eq!((&json["outcomes_checked"], &json["outcomes_untold"]), (&12.into(), &0.into()));
    assert_eq!((&json["settled"], &json["rejected"], &json["repeats"]), (&1.into(), &2.into(), &1.into()));
    assert_eq!(json["reasons"]["AM04"], 1);
    assert_eq!((&json["participants"], &json["accounts"]), (&2.into(), &9.into()));
    let sums = json["books"].as_array().unwrap().iter().map(|book| book["sum"].as_str().unwrap());
    assert_eq!(sums.collect::<Vec<_>>(), ["0.00"; 3]);
    assert!(json["torn"].is_null());
    assert!(json["first_time"].as_str().unwrap() < json["last_time"].as_str().unwrap());
    assert_eq!(contents(folder.path()), before);
}

#[test]
fn a_log_is_verified_beside_its_running_node() {
    let folder = TempDir::new().unwrap();
    let engine = sample_log::start(folder.path());
    sample_log::fill(&engine.handle());
    let report = verify_folder(folder.path(), &mut ()).unwrap();
    assert_eq!(report.ledger.payment_totals().settled, 1);
    engine.stop();
}

#[test]
fn a_log_without_records_is_good() {
    let folder = TempDir::new().unwrap();
    let mut log = HandWritten::new(folder.path());
    log.append(&HandWritten::commands());
    let told = verify(folder.path());
    assert_eq!((told.code, &told.json["records"]), (ExitCode::SUCCESS, &0.into()), "{}", told.errors);
}

#[test]
fn a_flipped_bit_is_found_at_its_place() {
    let folder = TempDir::new().unwrap();
    sample_log::written(folder.path());
    let frames = sample_log::locations(folder.path());
    let (batch, location) = frames[2];
    flip(folder.path(), location);
    let told = verify(folder.path());
    assert_eq!(told.code, ExitCode::FAILURE);
    let fault = &told.json["fault"];
    let file = folder.path().join(journal::segment_name(location.segment));
    assert_eq!(told.json["ok"], false);
    assert_eq!(fault["file"], file.display().to_string());
    assert_eq!((&fault["offset"], &fault["batch"]), (&location.offset.into(), &batch.0.into()));
    // The epoch starts at 1; the frame of genesis and profile ticks at 2.
    assert_eq!((&fault["sequence"], &fault["good_upto_sequence"]), (&5.into(), &4.into()));
    assert_eq!(fault["good_upto_batch"], 2);
    assert!(told.text.is_empty());
    assert!(told.errors.contains(&format!("offset    {}\n", location.offset)), "{}", told.errors);
    assert!(told.errors.contains("start no node on this folder"), "{}", told.errors);
}

#[test]
fn a_torn_last_frame_is_no_fault() {
    let folder = TempDir::new().unwrap();
    sample_log::written(folder.path());
    let (_, last) = *sample_log::locations(folder.path()).last().unwrap();
    flip(folder.path(), last);
    let told = verify(folder.path());
    assert_eq!(told.code, ExitCode::SUCCESS, "{}", told.errors);
    assert!(told.text.contains("This is no fault"), "{}", told.text);
    assert_eq!(told.json["torn"]["offset"], last.offset);
    assert_ne!(told.json["outcomes_untold"], 0);
}

/// A log by hand: 1 epoch start, 2 genesis, 3 banks, 4 payments, 5 the outcomes, altered.
fn told_wrongly(folder: &Path, alter: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let mut log = HandWritten::new(folder);
    log.append(&log.genesis());
    let mut commands = HandWritten::commands();
    sample_log::banks_and_accounts(&mut commands);
    log.append(&commands);
    let mut commands = HandWritten::commands();
    sample_log::payments(&mut commands, log.time());
    log.append(&commands);
    log.tell(alter);
}

#[test]
fn an_outcome_that_replay_contradicts_is_named() {
    type Alter = fn(&mut Vec<u8>);
    let settled_as_rejected: Alter = |entry| {
        entry[ENTRY_STATUS] = PaymentState::Rejected.number();
        entry[ENTRY_STATUS + 2..ENTRY_STATUS + 6].copy_from_slice(b"AM04");
    };
    let other_balance: Alter = |entry| entry[ENTRY_BALANCE] ^= 1;
    let cases = [
        (settled_as_rejected, "was told `rejected AM04`, and replay comes to `settled`"),
        (
            other_balance,
            "was told `settled`, and replay comes to the same, but with other balances or in another order",
        ),
    ];
    for (alter, words) in cases {
        let folder = TempDir::new().unwrap();
        // Two records of genesis and six of the banks come before the payment.
        told_wrongly(folder.path(), |entries| alter(&mut entries[8]));
        let told = verify(folder.path());
        let locations = sample_log::locations(folder.path());
        assert_eq!(told.code, ExitCode::FAILURE);
        let fault = &told.json["fault"];
        assert_eq!((&fault["sequence"], &fault["batch"]), (&13.into(), &5.into()));
        assert_eq!(fault["offset"], locations[4].1.offset);
        let what = format!("sequence 13, a record in batch 4 at {}, {words}", locations[3].1);
        assert_eq!(fault["what"], what);
    }
}

#[test]
fn outcomes_that_cannot_be_told_are_faults() {
    let folder = TempDir::new().unwrap();
    told_wrongly(folder.path(), |entries| {
        let last = entries.last().unwrap().clone();
        entries.push(last);
    });
    let told = verify(folder.path());
    assert!(told.errors.contains("answers sequence 16, which has no outcome to tell"), "{}", told.errors);

    let folder = TempDir::new().unwrap();
    told_wrongly(folder.path(), |entries| entries[0][ENTRY_STATUS] = 99);
    let told = verify(folder.path());
    assert!(told.errors.contains("an outcome entry can't be read"), "{}", told.errors);

    let folder = TempDir::new().unwrap();
    told_wrongly(folder.path(), |entries| {
        let second = entries.remove(1);
        entries[0].extend_from_slice(&second);
    });
    let told = verify(folder.path());
    assert!(told.errors.contains("tells 12 outcomes and says 11"), "{}", told.errors);
}

#[test]
fn texts_that_cannot_be_read_are_faults() {
    let mut commands = HandWritten::commands();
    sample_log::banks_and_accounts(&mut commands);
    let mut garbled = commands.texts().to_vec();
    // The first text is the bank's name; the account's fields follow, and a tag of 0 is none of them.
    garbled["Bank B".len()] = 0;
    let folder = TempDir::new().unwrap();
    let mut log = HandWritten::new(folder.path());
    log.append(&log.genesis());
    log.append_with_texts(&commands, &garbled);
    let told = verify(folder.path());
    assert!(told.errors.contains("the texts of the record at sequence 7 can't be read"), "{}", told.errors);

    let folder = TempDir::new().unwrap();
    let mut log = HandWritten::new(folder.path());
    log.append(&log.genesis());
    log.append_with_texts(&commands, &[commands.texts(), b"more"].concat());
    let told = verify(folder.path());
    assert!(told.errors.contains("4 bytes that belong to no record"), "{}", told.errors);
}

#[test]
fn rules_that_this_program_does_not_have_are_a_fault() {
    let folder = TempDir::new().unwrap();
    let mut log = HandWritten::new(folder.path());
    log.rules_version = ledger::RULES_VERSION + 1;
    log.append(&log.genesis());
    let told = verify(folder.path());
    let unknown = format!("decided by version {} of the rules", ledger::RULES_VERSION + 1);
    assert!(told.errors.contains(&unknown), "{}", told.errors);
    assert_eq!(told.json["fault"]["batch"], 2);
}

#[test]
fn sealed_personal_sections_are_left_alone() {
    let folder = TempDir::new().unwrap();
    let mut log = HandWritten::new(folder.path());
    log.append(&log.genesis());
    log.personal_key = 1;
    let mut commands = HandWritten::commands();
    sample_log::banks_and_accounts(&mut commands);
    log.append_with_texts(&commands, &vec![0xA5; commands.texts().len() + 16]);
    let told = verify(folder.path());
    assert_eq!(told.code, ExitCode::SUCCESS, "{}", told.errors);
}

#[test]
fn a_log_that_does_not_begin_with_its_own_genesis_is_a_fault() {
    let folder = TempDir::new().unwrap();
    let mut log = HandWritten::new(folder.path());
    let mut commands = HandWritten::commands();
    sample_log::banks_and_accounts(&mut commands);
    log.append(&commands);
    let told = verify(folder.path());
    assert!(told.errors.contains("the log's first record is its genesis"), "{}", told.errors);
    assert_eq!(told.json["fault"]["sequence"], 3);

    let folder = TempDir::new().unwrap();
    let mut log = HandWritten::new(folder.path());
    let mut commands = HandWritten::commands();
    commands.genesis(types::ClusterId([9; 16]), types::Incarnation(2));
    log.append(&commands);
    let told = verify(folder.path());
    assert!(told.errors.contains("the genesis names another cluster"), "{}", told.errors);
}

#[test]
fn a_folder_without_a_journal_is_a_fault() {
    let folder = TempDir::new().unwrap();
    let told = verify(folder.path());
    assert_eq!(told.code, ExitCode::FAILURE);
    assert!(told.errors.contains("holds no journal"), "{}", told.errors);
    let told = verify(&folder.path().join("nowhere"));
    assert!(told.errors.contains("it does not exist"), "{}", told.errors);
    assert!(told.json["fault"]["file"].is_null());
}

#[derive(Default)]
struct Seen(Vec<(Sequence, String, Option<PaymentState>)>);

impl Observer for Seen {
    fn payment(&mut self, payment: &layout::Payment, outcome: &OutcomeEntry) {
        let id = payment.key.transaction_id_text().as_str().to_owned();
        self.0.push((outcome.sequence(), id, outcome.payment_state()));
    }
}

#[test]
fn an_observer_sees_every_payment_once() {
    let folder = TempDir::new().unwrap();
    let outcomes: Vec<Outcome> = sample_log::written(folder.path());
    let mut seen = Seen::default();
    verify_folder(folder.path(), &mut seen).unwrap();
    let (settled, rejected) = (Some(PaymentState::Settled), Some(PaymentState::Rejected));
    let expected = [(0, "T1", settled), (1, "T2", rejected), (3, "T1", settled)];
    assert_eq!(seen.0, expected.map(|(at, id, state)| (outcomes[at].sequence, id.to_owned(), state)));

    // The same for outcomes that no frame tells.
    let folder = TempDir::new().unwrap();
    let mut log = HandWritten::new(folder.path());
    log.append(&log.genesis());
    let mut commands = HandWritten::commands();
    sample_log::banks_and_accounts(&mut commands);
    sample_log::pay(&mut commands, "T1", "10.00", log.time());
    log.append(&commands);
    let mut seen = Seen::default();
    let report = verify_folder(folder.path(), &mut seen).unwrap();
    assert_eq!(seen.0, [(Sequence(12), "T1".to_owned(), settled)]);
    assert_eq!((report.outcomes_checked, report.outcomes_untold), (0, 9));
}

#[test]
fn snapshots_are_compared_with_the_log_and_stand_in_for_what_is_gone() {
    let folder = TempDir::new().unwrap();
    sample_log::written_with_snapshots(folder.path());
    let numbers = Reader::open(FileStorage::open(folder.path()).unwrap()).unwrap().snapshots();
    assert_eq!(numbers.len(), 2);
    let told = verify(folder.path());
    assert_eq!(told.code, ExitCode::SUCCESS, "{}", told.errors);
    assert_eq!(told.json["snapshots"], serde_json::json!([numbers[1], numbers[0]]));
    assert!(told.json["began_with_snapshot"].is_null(), "the archive is whole");
    assert!(told.text.contains("the state that the log gives"), "{}", told.text);
    let (all, settled) = (told.json["frames"].as_u64(), told.json["settled"].clone());

    // Without the archive it begins with the older snapshot, and says so; the newer one is still compared.
    fs::remove_dir_all(folder.path().join(journal::ARCHIVE_NAME)).unwrap();
    let told = verify(folder.path());
    assert_eq!(told.code, ExitCode::SUCCESS, "{}", told.errors);
    assert_eq!(told.json["began_with_snapshot"], numbers[1]);
    assert_eq!(told.json["snapshots"], serde_json::json!([numbers[0]]));
    assert!(told.json["frames"].as_u64() < all);
    assert_eq!(told.json["settled"], settled, "what came before is in the state");
    assert!(told.text.contains("not in the archive any more"), "{}", told.text);

    // A state that the log does not give, in a file that is good in itself.
    let reader = Reader::open(FileStorage::open(folder.path()).unwrap()).unwrap();
    let newer = *reader.open_snapshot(numbers[0]).unwrap().header();
    let storage = FileStorage::open(folder.path()).unwrap();
    let mut writer =
        journal::SnapshotWriter::new(storage, newer.identity, newer.number, newer.tail, newer.rules_version)
            .unwrap();
    Replayer::new(LIMITS).write_state(&mut writer).unwrap();
    writer.finish().unwrap();
    let told = verify(folder.path());
    assert_eq!(told.code, ExitCode::FAILURE);
    assert!(told.errors.contains("holds a state with the digest"), "{}", told.errors);

    let path = folder.path().join(journal::snapshot_name(numbers[1]));
    let mut bytes = fs::read(&path).unwrap();
    bytes[5000] ^= 1;
    fs::write(&path, bytes).unwrap();
    let told = verify(folder.path());
    assert_eq!(told.code, ExitCode::FAILURE);
    assert!(told.errors.contains(&journal::snapshot_name(numbers[1])), "{}", told.errors);
}
