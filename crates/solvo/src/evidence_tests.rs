//! Logs through `evidence`: which documents belong to a payment, and in which forms they are shown.

use std::os::unix::fs::PermissionsExt as _;

use clap::Parser;
use iso20022::compress_evidence;
use ledger::{Answer, AnswerPayment, Evidence, RecordWriter, Stage};
use serde_json::Value as Json;
use tempfile::TempDir;

use super::*;
use crate::verify::sample_log::{self, HandWritten};

#[derive(Parser)]
struct Shell {
    #[command(flatten)]
    args: EvidenceArgs,
}

struct Told {
    code: ExitCode,
    text: String,
    errors: String,
}

fn evidence(folder: &Path, options: &[&str]) -> Told {
    let command = ["evidence", "--data", folder.to_str().unwrap()].into_iter();
    let args = Shell::parse_from(command.chain(options.iter().copied())).args;
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let code = super::evidence(&args, &mut out, &mut errors).unwrap();
    Told { code, text: String::from_utf8(out).unwrap(), errors: String::from_utf8(errors).unwrap() }
}

fn rows(folder: &Path, options: &[&str]) -> Vec<Json> {
    let told = evidence(folder, &[options, &["--json"]].concat());
    assert_eq!(told.code, ExitCode::SUCCESS, "{}", told.errors);
    told.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn documents(rows: &[Json]) -> Vec<&str> {
    rows.iter().map(|row| row["document"].as_str().unwrap()).collect()
}

fn keep(commands: &mut RecordWriter, passage: Passage, about: About, document: &str) {
    commands.evidence(&Evidence {
        about,
        passage,
        message_name: MessageName::parse("pacs.008.001.08").unwrap(),
        counterpart: Some(Bic::parse("SLVOBEBB").unwrap()),
        document_length: u32::try_from(document.len()).unwrap(),
        compressed: compress_evidence(document.as_bytes()),
    });
}

/// Frames: 3 a payment, its document, and a payment without; 4 what is known of the first later; 5 a repeat of it, a
/// changed body, another payment, each with its document. Returns the position of the first payment.
fn by_hand(folder: &Path, personal_key: u32) -> Sequence {
    let mut log = HandWritten::new(folder);
    let mut commands = log.genesis();
    sample_log::banks_and_accounts(&mut commands);
    log.append(&commands);
    let payment = Sequence(2 + u64::from(commands.count()) + 2);
    let time = log.time();
    let mut commands = HandWritten::commands();
    sample_log::pay(&mut commands, "T1", "10.00", time);
    keep(&mut commands, Passage::Received, About::RecordBefore, "<first/>");
    sample_log::pay(&mut commands, "T2", "10.00", time);
    log.append(&commands);
    let mut commands = HandWritten::commands();
    keep(&mut commands, Passage::Sent, About::Payment(payment), "<report/>");
    keep(&mut commands, Passage::Received, About::NoPayment, "<nothing/>");
    commands.answer(&AnswerPayment {
        payment,
        bic: Bic::parse("SLVODEFF").unwrap(),
        stage: Stage::Credit,
        answer: Answer::Accept,
    });
    keep(&mut commands, Passage::Received, About::RecordBefore, "<answer/>");
    log.personal_key = personal_key;
    log.append(&commands);
    log.personal_key = 0;
    let mut commands = HandWritten::commands();
    for (id, amount, document) in
        [("T1", "10.00", "<again/>"), ("T1", "11.00", "<changed/>"), ("T3", "1.00", "<other/>")]
    {
        sample_log::pay(&mut commands, id, amount, time);
        keep(&mut commands, Passage::Received, About::RecordBefore, document);
    }
    log.append(&commands);
    log.tell(|_| {});
    payment
}

/// The id of the payment at this position of the log by hand.
fn id(folder: &Path, payment: Sequence) -> String {
    let reader = Reader::open(FileStorage::open(folder).unwrap()).unwrap();
    let (incarnation, shard) = (reader.identity().incarnation, reader.identity().shard);
    PaymentId { incarnation, shard, sequence: payment }.to_string()
}

#[test]
fn documents_of_a_payment_and_of_its_repeats() {
    let folder = TempDir::new().unwrap();
    let payment = by_hand(folder.path(), 0);
    let id = id(folder.path(), payment);
    let found = rows(folder.path(), &[&id]);
    assert_eq!(documents(&found), ["<first/>", "<report/>", "<answer/>", "<again/>"]);
    assert_eq!((&found[0]["type"], &found[0]["payment_id"]), (&"evidence".into(), &id.as_str().into()));
    assert_eq!((&found[0]["passage"], &found[1]["passage"]), (&"received".into(), &"sent".into()));
    assert_eq!(found[0]["message"], "pacs.008.001.08");
    assert_eq!(found[0]["counterpart"], "SLVOBEBBXXX");
    assert_eq!((&found[0]["sequence"], &found[0]["length"]), (&(payment.0 + 1).into(), &8.into()));
    assert_ne!(found[3]["payment_id"], id.as_str(), "the repeat has an id of its own");
}

#[test]
fn everything_under_a_key() {
    let folder = TempDir::new().unwrap();
    by_hand(folder.path(), 0);
    let found = rows(folder.path(), &["--debtor-agent", "SLVOBEBB", "--transaction-id", "T1"]);
    assert_eq!(documents(&found), ["<first/>", "<report/>", "<answer/>", "<again/>", "<changed/>"]);
    let found = rows(folder.path(), &["--debtor-agent", "SLVOBEBBXXX", "--transaction-id", "T3"]);
    assert_eq!(documents(&found), ["<other/>"]);
}

#[test]
fn text_shows_a_line_and_the_document() {
    let folder = TempDir::new().unwrap();
    by_hand(folder.path(), 0);
    let told = evidence(folder.path(), &["--debtor-agent", "SLVOBEBB", "--transaction-id", "T3"]);
    assert!(told.text.starts_with("document  passage=received  message=pacs.008.001.08"), "{}", told.text);
    assert!(told.text.ends_with("\n<other/>\n\n"), "{}", told.text);
}

#[test]
fn files_are_for_their_owner_alone() {
    let folder = TempDir::new().unwrap();
    let payment = by_hand(folder.path(), 0);
    let out = folder.path().join("documents");
    let found = rows(folder.path(), &[&id(folder.path(), payment), "--out", out.to_str().unwrap()]);
    assert_eq!(found.len(), 4);
    for (row, expected) in found.iter().zip(["<first/>", "<report/>", "<answer/>", "<again/>"]) {
        assert_eq!(row.get("document"), None);
        let path = Path::new(row["file"].as_str().unwrap());
        assert_eq!(fs::read_to_string(path).unwrap(), expected);
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn erased_documents_are_named() {
    let folder = TempDir::new().unwrap();
    let payment = by_hand(folder.path(), 1);
    let found = rows(folder.path(), &[&id(folder.path(), payment)]);
    assert_eq!(documents(&found), ["<first/>", "erased", "erased", "<again/>"]);
    assert_eq!(found[1]["length"], 9, "what the record itself says stays");
}

#[test]
fn what_is_not_there_is_said() {
    let folder = TempDir::new().unwrap();
    let payment = by_hand(folder.path(), 0);
    let without = id(folder.path(), Sequence(payment.0 + 2));
    let told = evidence(folder.path(), &[&without]);
    assert_eq!((told.code, told.errors.trim_end()), (ExitCode::FAILURE, NO_DOCUMENTS));
    let told = evidence(folder.path(), &["--debtor-agent", "SLVODEFF", "--transaction-id", "T1"]);
    assert_eq!((told.code, told.errors.trim_end()), (ExitCode::FAILURE, NO_PAYMENT));
    let other = PaymentId { incarnation: types::Incarnation(9), shard: types::Shard(0), sequence: payment };
    let args = Shell::parse_from(["evidence", "--data", folder.path().to_str().unwrap(), &other.to_string()]);
    assert!(super::evidence(&args.args, &mut Vec::new(), &mut Vec::new()).is_err(), "of another log");
}

/// A node that is serving holds the lock; the documents are read beside it.
#[test]
fn a_serving_node_is_not_disturbed() {
    let folder = TempDir::new().unwrap();
    let engine = sample_log::start(folder.path());
    let handle = engine.handle();
    let mut commands = handle.commands(types::PrincipalNumber(1));
    sample_log::banks_and_accounts(&mut commands);
    sample_log::submit(&handle, commands);
    let mut commands = handle.commands(types::PrincipalNumber(1));
    sample_log::pay(&mut commands, "T1", "10.00", handle.now());
    keep(&mut commands, Passage::Received, About::RecordBefore, "<first/>");
    let outcomes = sample_log::submit(&handle, commands);
    let found = rows(folder.path(), &[&handle.payment_id(outcomes[0].sequence).to_string()]);
    assert_eq!(documents(&found), ["<first/>"]);
    engine.stop();
    assert!(crate::verify::verify_folder(folder.path(), &mut ()).is_ok(), "documents replay and verify");
}
