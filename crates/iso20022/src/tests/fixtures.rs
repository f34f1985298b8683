//! The payment fixtures of the workspace: the reader says of each what its sidecar says, as far as a reader
//! can know.

use std::path::PathBuf;

use types::{OrderText, Timestamp};

use super::date;
use crate::{Message, Pacs008, Restamper, Rules, SchemaFault, Status, read_message, read_pacs008};

/// Reasons that a document alone decides, without accounts, banks or a clock.
const DECIDED_BY_THE_READER: [&str; 2] = ["FF01", "AC01"];

pub(super) struct Fixture {
    pub(super) name: String,
    pub(super) document: Vec<u8>,
    status: String,
    reason: Option<String>,
}

/// All credit transfers, in the order in which they are submitted.
pub(super) fn all() -> Vec<Fixture> {
    of("pacs008")
}

/// The fixtures of one folder.
fn of(folder: &str) -> Vec<Fixture> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(folder);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "xml"));
    paths.sort();
    paths.into_iter().map(load).collect()
}

fn load(path: PathBuf) -> Fixture {
    let sidecar = std::fs::read(path.with_extension("expected.json")).expect("each fixture has a sidecar");
    let sidecar: serde_json::Value = serde_json::from_slice(&sidecar).unwrap();
    let text = |key: &str| sidecar[key].as_str().map(str::to_owned);
    assert!(text("why").is_some_and(|why| why.ends_with('.')), "{} says why", path.display());
    Fixture {
        name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
        document: std::fs::read(&path).unwrap(),
        status: text("status").unwrap(),
        reason: text("reason"),
    }
}

/// What a document of another folder comes to, in the words of its sidecar.
fn verdict(document: &[u8]) -> (&'static str, Option<String>) {
    match read_message(document, &on("2026-11-23")).map(|read| read.message) {
        Err(fault) => ("NOT_TAKEN", Some(fault.what.name().to_owned())),
        Ok(Message::StatusReport(report)) => match report.status {
            Status::Accepted => ("ACCP", None),
            Status::Rejected { reason, .. } => ("RJCT", Some(reason.to_string())),
        },
        Ok(Message::CreditTransfer(_) | Message::StatusRequest(_) | Message::Rejection(_)) => ("TAKEN", None),
        Ok(Message::RefusedTransfer(refused)) => ("REJECTED", Some(refused.reason.code().to_string())),
    }
}

#[test]
fn answers_enquiries_and_wrappers_are_read_as_their_sidecars_say() {
    for (folder, least) in [("pacs002", 16), ("pacs028", 3), ("wrapped", 6)] {
        let fixtures = of(folder);
        assert!(fixtures.len() >= least, "{} in {folder}", fixtures.len());
        for Fixture { name, document, status, reason } in fixtures {
            assert_eq!(verdict(&document), (status.as_str(), reason), "{folder}/{name}");
        }
    }
}

fn on(day: &str) -> Rules {
    Rules::sct_inst_2025(vec![date(day)])
}

#[test]
fn fixtures_are_read_as_their_sidecars_say() {
    let fixtures = all();
    assert!(fixtures.len() >= 60, "{} fixtures", fixtures.len());
    for fixture in &fixtures {
        check(fixture, read_pacs008(&fixture.document, &on("2026-11-23")));
    }
}

#[test]
fn restamped_fixtures_are_read_the_same_on_any_day() {
    let now = Timestamp::from_civil(date("2031-02-28"), 23, 59, 58, 123_456_789).unwrap();
    let mut restamper = Restamper::new("TEST").unwrap();
    for fixture in &all() {
        let document = restamper.restamp(&fixture.document, now);
        check(fixture, read_pacs008(&document, &on("2031-02-28")));
    }
}

#[track_caller]
fn check(fixture: &Fixture, read: Result<Pacs008, SchemaFault>) {
    let name = &fixture.name;
    match (fixture.status.as_str(), fixture.reason.as_deref(), read) {
        ("NOT_TAKEN", None, Err(_)) | ("SETTLED", None, Ok(Pacs008::Order(_))) => {}
        ("REJECTED", Some(reason), Ok(Pacs008::Order(_))) => {
            assert_ne!(reason, "FF01", "{name} should have been refused by its reader");
        }
        ("REJECTED", Some(reason), Ok(Pacs008::Refused(refused))) => {
            assert!(DECIDED_BY_THE_READER.contains(&reason), "{name} was refused at {}", refused.path);
            assert_eq!(refused.reason.code().as_str(), reason, "{name} at {}", refused.path);
        }
        (status, reason, read) => panic!("{name} is to be {status} {reason:?}, but was read as {read:?}"),
    }
}

#[track_caller]
fn body(name: &str) -> Vec<u8> {
    let fixture = all().into_iter().find(|fixture| fixture.name.ends_with(name)).unwrap();
    match read_pacs008(&fixture.document, &on("2026-11-23")).unwrap() {
        Pacs008::Order(order) => OrderText::encode(&order).body().to_vec(),
        Pacs008::Refused(refused) => refused.body,
    }
}

#[test]
fn repetitions_have_the_same_body() {
    assert_eq!(body("resent-with-other-message-id"), body("-default-namespace"));
    assert_eq!(body("charges-shared-again"), body("charges-shared"));
}

/// A restamped document that is late or early stays so: distances between its times do not change.
#[test]
fn restamping_keeps_late_documents_late() {
    let now = Timestamp::from_civil(date("2031-02-28"), 12, 0, 0, 0).unwrap();
    for (name, distance_ms) in [("accepted-eight-seconds-ago", -8000), ("accepted-in-the-future", 5000)] {
        let fixture = all().into_iter().find(|fixture| fixture.name.ends_with(name)).unwrap();
        let document = Restamper::new("TEST").unwrap().restamp(&fixture.document, now);
        let Ok(Pacs008::Order(order)) = read_pacs008(&document, &on("2031-02-28")) else { panic!("{name}") };
        let accepted = order.acceptance_time.unwrap().milliseconds();
        assert_eq!(accepted - now.milliseconds(), distance_ms, "{name}");
        assert_eq!(order.created_at, Some(now));
    }
}
