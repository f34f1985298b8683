//! Erasing beside a serving node: what is gone is gone for everyone who reads, from every file, and all else works.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use client::v1;
use rustix::process::Signal;
use serde_json::Value;
use tests::{Api, belgian, german, payment, settled, until, write_log_with_records, write_sealed_old_log};
use tonic::Code;
use types::{Date, Timestamp};

use crate::process::{Served, errors, run, text, told, verify};

/// Longer ago than what has to be kept.
const TWO_YEARS: Duration = Duration::from_secs(2 * 365 * 24 * 3600);

const SERVE: [&str; 4] = ["--listen", "127.0.0.1:0", "--receipt-interval", "1"];

/// Texts of the old payments.
const NAMES: [&str; 4] = ["Ines Aerts", "Paul Brandt", "A BILL OF OLD", "A customer"];

/// A folder with three payments of two years ago, and a node on it.
struct Old {
    all: tempfile::TempDir,
    data: PathBuf,
    accepted: Timestamp,
}

impl Old {
    fn new() -> Self {
        let all = tempfile::tempdir().unwrap();
        let data = all.path().join("data");
        let accepted = write_sealed_old_log(&data, TWO_YEARS, 3);
        Self { all, data, accepted }
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.all.path().join(name)
    }

    /// The first day that is not of the old payments.
    fn before(&self) -> String {
        Date::from_days(self.accepted.date().days() + 2).unwrap().to_string()
    }

    fn back_up(&self) -> PathBuf {
        let backup = self.folder("backup");
        told(&["backup", "--data", text(&self.data), "--to", text(&backup), "--json"]);
        backup
    }
}

/// All payments of the past, the oldest first, once there are so many.
async fn past(api: &Api, count: usize) -> Vec<v1::PaymentRecord> {
    until("history has come so far", async || {
        let request = v1::ListPaymentsRequest { oldest_first: true, ..Default::default() };
        let payments = api.history().list_payments(request).await.ok()?.into_inner().payments;
        (payments.len() >= count).then_some(payments)
    })
    .await
}

/// The names of payers that can be read, or that they are erased.
fn names<'payments>(payments: &'payments [v1::PaymentRecord]) -> Vec<Option<&'payments str>> {
    let name = |record: &'payments v1::PaymentRecord| {
        assert_eq!(record.payment.is_none(), record.erased);
        Some(record.payment.as_ref()?.debtor.as_ref()?.name.as_str())
    };
    payments.iter().map(name).collect()
}

/// What `evidence` shows of the documents about a payment.
fn documents(data: &Path, payment_id: &str) -> String {
    let output = run(&["evidence", payment_id, "--data", text(data), "--json"]);
    errors(&output) + std::str::from_utf8(&output.stdout).unwrap()
}

/// The data keys in KEYS as they are wrapped, with the days that they are of.
fn wrapped(folder: &Path) -> Vec<(Date, Vec<u8>)> {
    let keys = fs::read(folder.join("KEYS")).unwrap();
    let entries = keys[64..].chunks_exact(72).filter(|entry| entry[0] == 1);
    let read = |entry: &[u8]| {
        let day = i32::from_le_bytes(entry[4..8].try_into().unwrap());
        (Date::from_days(day).unwrap(), entry[24..].to_vec())
    };
    entries.map(read).collect()
}

/// Every file in a folder and the folders in it.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    Ok(found)
}

/// The first place in a folder that holds one of these. Where a node takes a file away meanwhile, it is looked for once more.
fn holder(folder: &Path, secrets: &[Vec<u8>]) -> Option<String> {
    loop {
        match look(folder, secrets) {
            Ok(place) => return place,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::NotFound, "{error}"),
        }
    }
}

fn look(folder: &Path, secrets: &[Vec<u8>]) -> io::Result<Option<String>> {
    let firsts: BTreeSet<u8> = secrets.iter().map(|secret| secret[0]).collect();
    for path in files(folder)? {
        let bytes = fs::read(&path)?;
        // Segments are mostly zeros.
        let blocks = (0..bytes.len()).step_by(4096).map(|at| at..bytes.len().min(at + 4096));
        let written = blocks.filter(|block| bytes[block.clone()].iter().any(|byte| *byte != 0));
        let mut places = written.flatten().filter(|at| firsts.contains(&bytes[*at]));
        if let Some(at) = places.find(|at| secrets.iter().any(|secret| bytes[*at..].starts_with(secret))) {
            return Ok(Some(format!("{} holds what is erased, at {at}", path.display())));
        }
    }
    Ok(None)
}

#[track_caller]
fn assert_absent(folder: &Path, secrets: &[Vec<u8>]) {
    assert_eq!(holder(folder, secrets), None);
}

/// What may stand in no file: texts of the period, and keys of its days.
fn secrets(keys: &[(Date, Vec<u8>)], before: &str) -> Vec<Vec<u8>> {
    let texts = NAMES.map(str::to_owned).into_iter().chain([belgian(1), german(1)]);
    let keys = keys.iter().filter(|(day, _)| day.to_string().as_str() < before);
    // A piece of a key is too much as well.
    let keys = keys.map(|(_, key)| key[..16].to_vec());
    texts.map(String::into_bytes).chain(keys).collect()
}

/// Why the holder of a customer's account can't be verified.
async fn obstacle(api: &Api) -> v1::VerificationObstacle {
    let request = v1::VerifyRequest {
        request_id: "question-1".to_owned(),
        requesting_agent: tests::ALFA.to_owned(),
        iban: german(1),
        given: Some(v1::verify_request::Given::Name("A customer".to_owned())),
        ..Default::default()
    };
    // Asking again and again may be more than the quota has.
    until("there is an answer", async || {
        Some(api.verification().verify(request.clone()).await.ok()?.into_inner().obstacle())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_serving_node_erases_is_gone_for_all_who_read() {
    let old = Old::new();
    let before = old.before();
    let served = Served::start_with(&old.data, &SERVE);
    let (api, server) = (served.api().await, served.address().to_string());
    settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    let payments = past(&api, 4).await;
    assert_eq!(names(&payments)[..3], [Some(NAMES[0]); 3]);
    let first = payments[0].outcome.as_ref().unwrap().clone();
    assert!(documents(&old.data, &first.payment_id).contains(NAMES[0]));
    let backup = old.back_up();
    let keys = wrapped(&old.data);

    // The node has a clock of its own, and asks nobody for permission to keep what is recent.
    let recent = v1::ErasePersonalDataRequest { before_date: "2199-01-01".to_owned(), ..Default::default() };
    let refused = api.node().erase_personal_data(recent).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let nothing = told(&["erase", "--server", &server, "--yes", "--json"]);
    assert_eq!(nothing["places"][0]["days"], 0, "ten years are kept: {nothing}");
    assert_eq!(names(&past(&api, 4).await)[0], Some(NAMES[0]));

    let refused = run(&["erase", "--before", &before, "--server", &server, "--yes"]);
    let why = errors(&refused);
    assert!(
        why.contains("open accounts were last written before") && why.contains("--forget-holders"),
        "{why}"
    );
    assert_eq!(names(&past(&api, 4).await)[0], Some(NAMES[0]), "nothing was erased");
    let erase = ["erase", "--before", &before, "--server", &server, "--yes", "--forget-holders"];
    let erased = told(&[&erase[..], &["--json"]].concat());
    let place = &erased["places"][0];
    assert_eq!(
        (&place["server"], &place["days"]),
        (&Value::from(server.clone()), &Value::from(2)),
        "{erased}"
    );
    assert_eq!(place["first"], old.accepted.date().to_string());
    assert_ne!(place["holders_forgotten"], 0);
    assert_eq!(obstacle(&api).await, v1::VerificationObstacle::NothingToCompare, "at once");
    let again = run(&erase);
    let words = String::from_utf8(again.stdout).unwrap();
    assert!(words.contains(&format!("no keys of days before {before} were left")), "{words}");

    let payments = past(&api, 4).await;
    assert_eq!(names(&payments)[..3], [None; 3], "at once, for whoever reads from the node");
    assert!(names(&payments)[3].is_some(), "what is recent stays");
    assert_eq!(payments[0].outcome.as_ref(), Some(&first));
    assert!(documents(&old.data, &first.payment_id).contains("erased"), "and from its folder");
    assert_absent(&old.data, &secrets(&keys, &before));
    assert_eq!(api.balance(&german(1)).await, "1004.00");
    settled(api.submit(&payment("TX-2", "1.00")).await.unwrap());

    // Nothing of it comes back with the next start, however this one ends.
    served.kill();
    let served = Served::start_with(&old.data, &SERVE);
    let api = served.api().await;
    assert_eq!(names(&past(&api, 5).await)[..3], [None; 3]);
    until("the names that are left have been read", async || {
        let obstacle = obstacle(&api).await;
        (obstacle != v1::VerificationObstacle::NamesNotReady).then_some(obstacle)
    })
    .await;
    assert_eq!(obstacle(&api).await, v1::VerificationObstacle::NothingToCompare);
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    verify(&old.data);
    // A backup keeps the keys that it has, until it is named too. Keys that are not whole never take their place.
    let kept = fs::read(old.data.join("KEYS")).unwrap();
    fs::write(old.data.join("KEYS"), vec![0; kept.len()]).unwrap();
    let refused = run(&["backup", "--data", text(&old.data), "--to", text(&backup)]);
    assert!(errors(&refused).contains("does not verify"), "{}", errors(&refused));
    assert_eq!(wrapped(&backup).len(), keys.len());
    told(&["erase", "--before", &before, "--backup", text(&backup), "--yes", "--json"]);
    assert_absent(&backup, &secrets(&keys, &before));
}

/// A node that keeps little of its log writes old names again, so they outlast the key of their day.
#[tokio::test(flavor = "multi_thread")]
async fn names_of_holders_outlast_the_key_of_their_day() {
    let old = Old::new();
    let before = old.before();
    let serve = [&SERVE[..], &["--archive-keep", "400d"]].concat();
    let served = Served::start_with(&old.data, &serve);
    let server = served.address().to_string();
    for version in ["2", "3"] {
        told(&["set-version", version, "--to", &server, "--json"]);
    }
    let erased = until("the names have been written again", async || {
        let erased = run(&["erase", "--before", &before, "--server", &server, "--yes", "--json"]);
        erased.status.success().then_some(erased)
    })
    .await;
    let erased: Value = serde_json::from_slice(&erased.stdout).unwrap();
    assert_eq!(erased["places"][0]["holders_forgotten"], 0, "{erased}");
    let is_match = v1::VerificationObstacle::Unspecified;
    assert_eq!(obstacle(&served.api().await).await, is_match);
    served.kill();
    let served = Served::start_with(&old.data, &serve);
    let api = served.api().await;
    until("the names have been read", async || (obstacle(&api).await == is_match).then_some(())).await;
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    verify(&old.data);
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_restores_history_and_receipts_work_without_what_was_erased() {
    let old = Old::new();
    let before = old.before();
    let served = Served::start_with(&old.data, &SERVE);
    let (api, server) = (served.api().await, served.address().to_string());
    let recent = settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    let payments = past(&api, 4).await;
    let first = payments[0].outcome.as_ref().unwrap().payment_id.clone();
    let backup = old.back_up();
    let keys = wrapped(&old.data);
    let receipt = |place: &[&str], id: &str| {
        let got = run(&[&["receipt", "get", id], place].concat());
        assert!(got.status.success(), "{}", errors(&got));
        String::from_utf8(got.stdout).unwrap()
    };
    let old_receipt = receipt(&["--server", &server], &first);
    told(&["erase", "--before", &before, "--server", &server, "--yes", "--forget-holders", "--json"]);

    let secrets = secrets(&keys, &before);
    assert_absent(&old.data, &secrets);
    // What is copied after that is erased in the backup, too.
    assert!(holder(&backup, &secrets).unwrap().contains("KEYS"), "it holds the keys until then");
    old.back_up();
    assert_absent(&backup, &secrets);
    assert_eq!(told(&["backup", "--check", text(&backup), "--json"])["log"]["ok"], true);
    verify(&backup);
    assert_eq!(receipt(&["--server", &server], &first), old_receipt);
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    verify(&old.data);
    fs::remove_dir_all(old.data.join("history")).unwrap();
    told(&["history", "rebuild", "--data", text(&old.data), "--json"]);
    assert_eq!(receipt(&["--data", text(&old.data)], &first), old_receipt);
    assert_absent(&old.data, &secrets);

    let restored = old.folder("restored");
    told(&["restore", "--from", text(&backup), "--data", text(&restored), "--json"]);
    verify(&restored);
    assert_absent(&restored, &secrets);
    let served = Served::start_with(&restored, &SERVE);
    let api = served.api().await;
    let payments = past(&api, 4).await;
    assert_eq!(names(&payments)[..3], [None; 3]);
    assert!(names(&payments)[3].is_some());
    assert_eq!(payments[3].outcome.as_ref().unwrap().payment_id, recent.payment_id);
    assert!(documents(&restored, &first).contains("erased"));
    settled(api.submit(&payment("TX-2", "1.00")).await.unwrap());
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    verify(&restored);
}

async fn record(api: &Api, key: &str) -> Result<v1::Record, tonic::Status> {
    let (bic, space, key) = (tests::ALFA.to_owned(), "consents".to_owned(), key.to_owned());
    let name = Some(v1::RecordName { bic, space, key });
    Ok(api.records().get_record(v1::GetRecordRequest { name }).await?.into_inner().record.unwrap())
}

/// The bytes of records are written again before the key of their day goes, and go with it only if that is said.
#[tokio::test(flavor = "multi_thread")]
async fn records_outlast_the_key_of_their_day_unless_they_are_let_go() {
    let all = tempfile::tempdir().unwrap();
    // Renewed twenty a second: the few are soon, the many are not while the test runs.
    for (count, is_renewed) in [(20, true), (2_000, false)] {
        let data = all.path().join(format!("data-{count}"));
        let began = write_log_with_records(&data, TWO_YEARS, count);
        let before = Date::from_days(began.date().days() + 2).unwrap().to_string();
        let served = Served::start_with(&data, &SERVE);
        let (api, server) = (served.api().await, served.address().to_string());
        let version = record(&api, "c/0000").await.unwrap().version;
        let erase = ["erase", "--before", &before, "--server", &server, "--yes"];
        if is_renewed {
            until("the records have been written again", async || run(&erase).status.success().then_some(()))
                .await;
        } else {
            let why = errors(&run(&erase));
            assert!(why.contains("RECORDS_WOULD_GO") || why.contains("--forget-records"), "{why}");
            assert!(record(&api, "c/0000").await.is_ok(), "nothing was erased");
            told(&[&erase[..], &["--forget-records", "--json"]].concat());
        }
        let served = {
            served.kill();
            Served::start_with(&data, &SERVE)
        };
        let api = served.api().await;
        match record(&api, "c/0000").await {
            Ok(found) => {
                assert!(is_renewed);
                assert_eq!((found.content, found.version), (b"c/0000".to_vec(), version));
            }
            Err(gone) => {
                assert!(
                    !is_renewed && gone.code() == Code::Unavailable && gone.message().contains("not at hand"),
                    "{gone}"
                );
                let name = Some(v1::RecordName {
                    bic: tests::ALFA.to_owned(),
                    space: "consents".to_owned(),
                    key: "c/0000".to_owned(),
                });
                let (request_id, content) = ("anew".to_owned(), b"anew".to_vec());
                let put = v1::PutRecordRequest { request_id, name, content, ..Default::default() };
                api.records().put_record(put).await.unwrap();
                assert_eq!(record(&api, "c/0000").await.unwrap().content, b"anew");
            }
        }
        assert_eq!(served.stop(Signal::TERM).code(), Some(0));
        verify(&data);
    }
}
