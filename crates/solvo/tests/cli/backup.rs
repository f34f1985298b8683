//! Backup beside a serving node, and restore to its end and to its middle.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use client::v1;
use engine::Replayer;
use journal::{FileStorage, Journal, LocalJournal, SegmentSize, Settings};
use ledger::Limits;
use rustix::process::Signal;
use serde_json::Value;
use tests::{Api, World, belgian, german, outcome_of, payment, settled, until};
use tokio::sync::mpsc;
use types::{BatchNumber, PaymentId};

use crate::process::{Served, errors, run, solvo, spawn, text, told, verify};

/// Payments of one round.
const PAYMENTS: u32 = 60;

type NotFound = v1::PaymentNotFound;

/// Folders of a node, its backup and what is restored.
pub(crate) struct Folders {
    _all: tempfile::TempDir,
    pub(crate) data: PathBuf,
    pub(crate) backup: PathBuf,
    pub(crate) restored: PathBuf,
}

impl Folders {
    pub(crate) fn new() -> Self {
        let all = tempfile::tempdir().unwrap();
        let [data, backup, restored] = ["data", "backup", "restored"].map(|name| all.path().join(name));
        Self { _all: all, data, backup, restored }
    }

    pub(crate) fn back_up(&self) -> Value {
        told(&["backup", "--data", text(&self.data), "--to", text(&self.backup), "--json"])
    }

    pub(crate) fn restore(&self, arguments: &[&str]) -> Value {
        let all = ["restore", "--from", text(&self.backup), "--data", text(&self.restored), "--json"];
        told(&[&all, arguments].concat())
    }
}

/// One payment of a round, of one cent.
fn cent(round: usize, number: u32) -> v1::Payment {
    payment(&format!("TX-{round}-{number}"), "0.01")
}

/// Submits a round's payments one after the other; each outcome goes to `sender`.
fn submit_round(api: &Api, round: usize, sender: &mpsc::Sender<v1::PaymentOutcome>) {
    let (api, sender) = (api.clone(), sender.clone());
    tokio::spawn(async move {
        for number in 0..PAYMENTS {
            sender.send(settled(api.submit(&cent(round, number)).await.unwrap())).await.unwrap();
        }
    });
}

async fn round(api: &Api, round: usize) -> Vec<v1::PaymentOutcome> {
    let (sender, mut outcomes) = mpsc::channel(1024);
    submit_round(api, round, &sender);
    drop(sender);
    let mut all = Vec::new();
    while let Some(outcome) = outcomes.recv().await {
        all.push(outcome);
    }
    all
}

async fn not_found(api: &Api, payment_id: &str) -> NotFound {
    match api.by_id(payment_id).await.unwrap() {
        v1::get_payment_response::Result::NotFound(not_found) => not_found,
        v1::get_payment_response::Result::Outcome(outcome) => panic!("found: {outcome:?}"),
    }
}

fn number(told: &Value, name: &str) -> u64 {
    told[name].as_u64().unwrap_or_else(|| panic!("{name} in {told}"))
}

/// What 1000.00 are after so many cents.
fn less_cents(cents: usize) -> String {
    let left = 100_000 - cents;
    format!("{}.{:02}", left / 100, left % 100)
}

/// Every payment up to the point is there with the same answer, none after it, and the books agree.
async fn audit(api: &Api, outcomes: &[v1::PaymentOutcome], upto: u64) -> usize {
    let (kept, lost): (Vec<_>, Vec<_>) = outcomes.iter().partition(|outcome| outcome.sequence <= upto);
    for outcome in &kept {
        assert_eq!(outcome_of(api.by_id(&outcome.payment_id).await.unwrap()), **outcome);
    }
    for outcome in &lost {
        let answer = not_found(api, &outcome.payment_id).await;
        assert_eq!(answer.restored_upto_sequence, Some(upto), "{answer:?}");
        assert!(!answer.r#final && !answer.forgotten, "{answer:?}");
    }
    assert_eq!(api.balance(&belgian(1)).await, less_cents(kept.len()));
    assert_eq!(api.settled_count().await, u64::try_from(kept.len()).unwrap());
    kept.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_beside_a_serving_node_is_restored_whole() {
    let folders = Folders::new();
    let served = Served::start(&folders.data);
    let api = served.api().await;
    World::set_up(&api, 1).await;
    let mut outcomes = round(&api, 0).await;

    // While payments come.
    let (sender, mut more) = mpsc::channel(1024);
    submit_round(&api, 1, &sender);
    drop(sender);
    outcomes.push(more.recv().await.unwrap());
    let first = folders.back_up();
    while let Some(outcome) = more.recv().await {
        outcomes.push(outcome);
    }
    verify(&folders.backup);
    assert!(number(&first, "upto_sequence") >= outcomes[usize::try_from(PAYMENTS).unwrap()].sequence);

    outcomes.extend(round(&api, 2).await);

    // Only the newest segment has changed.
    let second = folders.back_up();
    assert!(number(&second, "upto_sequence") >= outcomes.last().unwrap().sequence);
    assert!(number(&second, "upto_sequence") > number(&first, "upto_sequence"), "{first} {second}");
    let checked = told(&["backup", "--check", text(&folders.backup), "--json"]);
    assert_eq!(checked["log"]["ok"], true);
    assert_eq!(number(&checked, "upto_sequence"), number(&second, "upto_sequence"));
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));

    // Nobody serves from a backup.
    let refused = solvo(["serve", "--data", text(&folders.backup), "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors(&refused).contains("solvo restore"), "{}", errors(&refused));

    let restored = folders.restore(&[]);
    let upto = number(&restored, "restored_upto_sequence");
    assert_eq!(upto, number(&second, "upto_sequence"));
    verify(&folders.restored);
    let served = Served::start(&folders.restored);
    let api = served.api().await;
    assert_eq!(audit(&api, &outcomes, upto).await, outcomes.len());
    // Repeating all of it books nothing.
    for number in 0..PAYMENTS {
        let retry = api.submit(&cent(0, number)).await.unwrap();
        assert!(retry.repeat);
    }
    assert_eq!(api.settled_count().await, u64::try_from(outcomes.len()).unwrap());
    let after = round(&api, 3).await;
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    verify(&folders.restored);
    // The keys of personal data came along, and seal what the new life takes in.
    for outcome in [&outcomes[0], &after[0]] {
        let id = &outcome.payment_id;
        let shown = run(&["inspect", text(&folders.restored), "--personal", "--payment", id]);
        let shown = String::from_utf8(shown.stdout).unwrap();
        assert!(shown.contains(&belgian(1)), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_restored_to_its_middle_and_goes_on() {
    let folders = Folders::new();
    let mut outcomes = Vec::new();
    // A segment for each start.
    for start in 0..3 {
        let served = Served::start(&folders.data);
        let api = served.api().await;
        if start == 0 {
            World::set_up(&api, 1).await;
        }
        outcomes.extend(round(&api, start).await);
        assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    }
    folders.back_up();
    let middle = &outcomes[outcomes.len() / 2];
    let until = middle.sequence.to_string();
    let restored = folders.restore(&["--until", &until]);
    let upto = number(&restored, "restored_upto_sequence");
    assert!(upto <= middle.sequence, "a frame that goes beyond is left out");
    let next = outcomes.iter().find(|outcome| outcome.sequence > upto).unwrap();
    verify(&folders.restored);

    let served = Served::start(&folders.restored);
    let api = served.api().await;
    let kept = audit(&api, &outcomes, upto).await;
    assert!((1..outcomes.len()).contains(&kept));
    // What was lost is a new payment when it is sent again, under a new id.
    let lost = &outcomes[kept];
    assert_eq!(lost.sequence, next.sequence);
    let number_of = |outcome: &v1::PaymentOutcome| {
        let mut parts = outcome.transaction_id.split('-').skip(1).map(|part| part.parse::<u32>().unwrap());
        (usize::try_from(parts.next().unwrap()).unwrap(), parts.next().unwrap())
    };
    let (round_of, number_in) = number_of(lost);
    let again = settled(api.submit(&cent(round_of, number_in)).await.unwrap());
    assert_ne!(again.payment_id, lost.payment_id);
    let [old, new] = [lost, &again].map(|outcome| PaymentId::parse(&outcome.payment_id).unwrap());
    assert_ne!(old.incarnation, new.incarnation);
    assert_eq!(outcome_of(api.by_id(&again.payment_id).await.unwrap()), again);
    not_found(&api, &lost.payment_id).await;
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));

    // And after another start; then offline.
    let served = Served::start(&folders.restored);
    let api = served.api().await;
    assert_eq!(outcome_of(api.by_id(&again.payment_id).await.unwrap()), again);
    assert_eq!(outcome_of(api.by_id(&outcomes[0].payment_id).await.unwrap()), outcomes[0]);
    not_found(&api, &lost.payment_id).await;
    assert_eq!(api.balance(&german(1)).await, format!("1000.{:02}", kept + 1));
    served.kill();
    verify(&folders.restored);
    let shown = run(&["inspect", text(&folders.restored), "--payment", &outcomes[0].payment_id]);
    assert!(shown.status.success(), "{}", errors(&shown));
    let shown = run(&["inspect", text(&folders.restored), "--payment", &lost.payment_id]);
    assert!(errors(&shown).contains("was lost"), "{}", errors(&shown));

    // The old backup is of the old life; a new one is of both, and can be restored to before the border.
    let refused = run(&["backup", "--data", text(&folders.restored), "--to", text(&folders.backup)]);
    assert!(errors(&refused).contains("before it was restored"), "{}", errors(&refused));
    let second = folders.backup.with_file_name("second");
    told(&["backup", "--data", text(&folders.restored), "--to", text(&second), "--json"]);
    let twice = folders.backup.with_file_name("twice");
    let early = outcomes[2].sequence.to_string();
    told(&["restore", "--from", text(&second), "--data", text(&twice), "--until", &early, "--json"]);
    let whole = folders.backup.with_file_name("whole");
    told(&["restore", "--from", text(&second), "--data", text(&whole), "--json"]);
    for folder in [&twice, &whole] {
        verify(folder);
        let served = Served::start(folder);
        let api = served.api().await;
        assert_eq!(outcome_of(api.by_id(&outcomes[0].payment_id).await.unwrap()), outcomes[0]);
        not_found(&api, &lost.payment_id).await;
        assert_eq!(served.stop(Signal::TERM).code(), Some(0));
        verify(folder);
    }
    let served = Served::start(&whole);
    assert_eq!(outcome_of(served.api().await.by_id(&again.payment_id).await.unwrap()), again);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_restored_to_a_time() {
    let folders = Folders::new();
    let served = Served::start(&folders.data);
    let api = served.api().await;
    World::set_up(&api, 1).await;
    let outcomes = round(&api, 0).await;
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    folders.back_up();
    let middle = outcomes[outcomes.len() / 2].decided_time.unwrap();
    let time = types::Timestamp::from_nanoseconds(middle.seconds * 1_000_000_000).unwrap();
    let until = format!("{}.{:09}Z", time.to_string().trim_end_matches('Z'), middle.nanos);
    let restored = folders.restore(&["--until", &until]);
    let upto = number(&restored, "restored_upto_sequence");
    let served = Served::start(&folders.restored);
    let kept = audit(&served.api().await, &outcomes, upto).await;
    let in_time = outcomes.iter().filter(|outcome| {
        let decided = outcome.decided_time.unwrap();
        (decided.seconds, decided.nanos) <= (middle.seconds, middle.nanos)
    });
    assert_eq!(kept, in_time.count(), "those that were decided up to then, and no other");
    assert!(kept > outcomes.len() / 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_backup_is_taken_up() {
    let folders = Folders::new();
    for start in 0..4 {
        let served = Served::start(&folders.data);
        if start == 0 {
            World::set_up(&served.api().await, 1).await;
        }
        assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    }
    // So slow that it does not come to its end before it is killed.
    let arguments = ["backup", "--data", text(&folders.data), "--to", text(&folders.backup)];
    let mut slow = spawn(&[&arguments[..], &["--bytes-per-second", "50000000"]].concat());
    let progress = folders.backup.join("BACKUP.progress");
    until("a segment has been copied", async || {
        let lines = fs::read_to_string(&progress).ok()?.lines().count();
        (lines > 1).then_some(())
    })
    .await;
    slow.kill().unwrap();
    slow.wait().unwrap();
    let unfinished = run(&["restore", "--from", text(&folders.backup), "--data", text(&folders.restored)]);
    assert!(errors(&unfinished).contains("no finished backup"), "{}", errors(&unfinished));

    let resumed = folders.back_up();
    assert!(number(&resumed, "files_copied") < number(&resumed, "files"), "{resumed}");
    assert!(!progress.exists());
    let checked = run(&["backup", "--check", text(&folders.backup)]);
    assert!(checked.status.success(), "{}", errors(&checked));
    folders.restore(&[]);
    verify(&folders.restored);
}

/// Writes a snapshot of a log that nobody serves from, and archives what the one before it makes superfluous.
fn snapshot(data: &Path, archive_upto: Option<BatchNumber>) -> BatchNumber {
    let storage = FileStorage::open(data).unwrap();
    let settings = Settings { segment_size: SegmentSize::DEFAULT, entropy: Box::new(|| 7) };
    let mut journal = LocalJournal::open(storage, None, settings).unwrap();
    let room = 1 << 16;
    let mut replayer = Replayer::new(Limits { accounts_max: room, payments_max: room, requests_max: room });
    let tail = journal.read(BatchNumber(0), &mut |frame, _| Ok(replayer.frame(frame)?)).unwrap();
    let snapshots = journal.snapshots();
    let mut writer = snapshots.create(tail, 1).unwrap();
    replayer.write_state(&mut writer).unwrap();
    snapshots.publish(&writer.finish().unwrap()).unwrap();
    if let Some(upto) = archive_upto {
        snapshots.archive_upto(upto).unwrap();
    }
    tail.batch
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_and_archived_segments_are_part_of_a_backup() {
    let folders = Folders::new();
    let (mut outcomes, mut snapshots) = (Vec::new(), Vec::new());
    for start in 0..3 {
        let served = Served::start(&folders.data);
        let api = served.api().await;
        if start == 0 {
            World::set_up(&api, 1).await;
        }
        outcomes.extend(round(&api, start).await);
        assert_eq!(served.stop(Signal::TERM).code(), Some(0));
        if start > 0 {
            snapshots.push(snapshot(&folders.data, None));
        }
    }
    folders.back_up();
    // The node's folder moves on while the backup holds on to what it has.
    snapshots.push(snapshot(&folders.data, Some(snapshots[0])));
    assert!(folders.data.join("archive/segment-0000000000000001.log").exists());
    let second = folders.back_up();
    let names: Vec<_> = ["snapshot-0000000000000001", "snapshot-0000000000000003"].into();
    assert!(names.iter().all(|name| folders.backup.join(name).exists()), "{names:?}");
    // The newest snapshot, the newest segment, the keys, and that of receipts.
    assert!(number(&second, "files_copied") <= 5, "{second}");
    let checked = run(&["backup", "--check", text(&folders.backup)]);
    assert!(checked.status.success(), "{}", errors(&checked));

    // A backup that begins now takes what is in the archive.
    let late = folders.backup.with_file_name("late");
    told(&["backup", "--data", text(&folders.data), "--to", text(&late), "--json"]);
    verify(&late);

    let last = outcomes.last().unwrap();
    let until = last.sequence.to_string();
    for (backup, snapshot) in [(&folders.backup, 1), (&late, 0)] {
        let restored = folders.restored.with_file_name(format!("restored-{snapshot}"));
        let arguments =
            ["restore", "--from", text(backup), "--data", text(&restored), "--json", "--until", &until];
        let told = told(&arguments);
        // Of those that the late backup found, both stand after the point.
        assert_eq!(number(&told, "snapshot"), snapshot, "{told}");
        let upto = number(&told, "restored_upto_sequence");
        verify(&restored);
        let served = Served::start(&restored);
        audit(&served.api().await, &outcomes, upto).await;
        assert_eq!(served.stop(Signal::TERM).code(), Some(0));
        verify(&restored);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_keeps_up_with_a_node_that_archives() {
    let folders = Folders::new();
    let mut outcomes = Vec::new();
    for start in 0..3 {
        let served = Served::start(&folders.data);
        let api = served.api().await;
        if start == 0 {
            World::set_up(&api, 1).await;
        }
        outcomes.extend(round(&api, start).await);
        assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    }
    // From here on the node writes a snapshot every moment, and moves away what no start needs.
    let served =
        Served::start_with(&folders.data, &["--listen", "127.0.0.1:0", "--snapshot-after-bytes", "1048576"]);
    let api = served.api().await;
    let archived = folders.data.join("archive/segment-0000000000000003.log");
    for number in 3.. {
        let (sender, mut more) = mpsc::channel(1024);
        submit_round(&api, number, &sender);
        drop(sender);
        folders.back_up();
        while let Some(outcome) = more.recv().await {
            outcomes.push(outcome);
        }
        if archived.exists() {
            break;
        }
    }
    let last = folders.back_up();
    assert!(number(&last, "upto_sequence") >= outcomes.last().unwrap().sequence);
    let checked = run(&["backup", "--check", text(&folders.backup)]);
    assert!(checked.status.success(), "{}", errors(&checked));
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));

    let until = outcomes[outcomes.len() - 10].sequence.to_string();
    let restored = folders.restore(&["--until", &until]);
    assert!(number(&restored, "snapshot") > 0, "a start needs not read everything: {restored}");
    let upto = number(&restored, "restored_upto_sequence");
    let served = Served::start(&folders.restored);
    audit(&served.api().await, &outcomes, upto).await;
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    verify(&folders.restored);
}

/// A finished backup of a log with one payment.
async fn small_backup() -> Folders {
    let folders = Folders::new();
    let served = Served::start(&folders.data);
    let api = served.api().await;
    World::set_up(&api, 1).await;
    settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    folders.back_up();
    folders
}

/// Flips a bit of a file.
fn damage(path: &Path, offset: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 1], offset).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_is_named_and_not_restored() {
    let folders = small_backup().await;
    let segment = "segment-0000000000000001.log";
    damage(&folders.backup.join(segment), 2 * 4096 + 100);
    let restore = ["restore", "--from", text(&folders.backup), "--data", text(&folders.restored)];
    for arguments in [&restore[..], &["backup", "--check", text(&folders.backup)]] {
        let refused = run(arguments);
        assert_eq!(refused.status.code(), Some(1));
        assert!(errors(&refused).contains(segment), "{}", errors(&refused));
        assert!(errors(&refused).contains("damaged"), "{}", errors(&refused));
    }
    let refused = solvo(["verify", text(&folders.restored)]);
    assert!(!refused.status.success(), "what was half restored is no log");

    // The next run with a whole backup begins the folder anew.
    damage(&folders.backup.join(segment), 2 * 4096 + 100);
    folders.restore(&[]);
    verify(&folders.restored);
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_hold_something_else_are_left_alone() {
    let folders = small_backup().await;
    let restore = |data: &Path, more: &[&str]| {
        let arguments = ["restore", "--from", text(&folders.backup), "--data", text(data)];
        let refused = run(&[&arguments, more].concat());
        assert_eq!(refused.status.code(), Some(1));
        errors(&refused)
    };
    let told = restore(&folders.data, &[]);
    assert!(told.contains("is not empty"), "{told}");
    for before in ["0", "1970-01-01T00:00:01Z"] {
        let told = restore(&folders.restored, &["--until", before]);
        assert!(told.contains("the backup begins later"), "{told}");
    }
    let told = restore(&folders.restored, &["--until", "1"]);
    assert!(told.contains("there is nothing in it"), "{told}");
    let refused = run(&["backup", "--data", text(&folders.data), "--to", text(&folders.data)]);
    assert!(errors(&refused).contains("no backup and not empty"), "{}", errors(&refused));

    // Another log's backup is not mixed with this.
    let other = folders.data.with_file_name("other");
    assert_eq!(Served::start(&other).stop(Signal::TERM).code(), Some(0));
    let refused = run(&["backup", "--data", text(&other), "--to", text(&folders.backup)]);
    assert!(errors(&refused).contains("another cluster"), "{}", errors(&refused));
}
