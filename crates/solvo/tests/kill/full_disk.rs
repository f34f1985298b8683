//! A disk that is full: no new payment is taken, while what waits for its bank is answered or expires; with room again
//! life goes on.
//!
//! The disk is a small tmpfs in a mount namespace of the node's own, which needs no rights where user namespaces are
//! allowed. From outside it is seen as the node sees it, by way of `/proc`.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use client::{Refusal, v1};
use tests::{Api, Bank, GAMMA, World, belgian, payment, payment_to_remote, settled, until};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use crate::node::{self, Node};

/// Room for the segment in use, two that are ready, and what lies beside them.
const DISK: &str = "size=400m";

/// Bytes of log between two snapshots.
const SNAPSHOT_AFTER: &str = "8388608";

/// Segments that there are once the node is at rest.
const SEGMENTS: usize = 3;

/// Payments in one message, and messages to fill a segment with at most.
const MESSAGE_PAYMENTS: u64 = 100;
const MESSAGES_MAX: u64 = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_takes_no_new_payments_while_those_that_wait_come_to_their_end() {
    let folder = tempfile::tempdir().unwrap();
    let node = start_on_small_disk(folder.path());
    let disk = seen_by(&node, folder.path());
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    world.remote_bank().await;
    let mut bank = Bank::connect(&api, GAMMA).await;
    until("segments are ready", async || (segments(&disk.join("data")) == SEGMENTS).then_some(())).await;
    let filler = fill(&disk);

    let (told, open) = pay_until_refused(&api, &mut bank).await;
    let refused = Refusal::from_status(&api.submit(&payment("REFUSED", "1.00")).await.unwrap_err());
    assert_eq!((refused.code, refused.reason), (Code::Unavailable, v1::ErrorReason::NotReady));
    let status = api.node_status().await;
    assert!(!status.ready && status.not_ready_description.contains("disk is full"), "{status:?}");
    assert!(
        api.submit(&payment_to_remote("REFUSED-2", "1.00")).await.is_err(),
        "nor is a bank asked anything new"
    );

    // One of those that wait is answered, the other is not; and whoever asks is answered.
    let [(answered, question), (silent, _)] = open;
    bank.accept(&question).await;
    let answered = settled(answered.await.unwrap().unwrap());
    let expired = silent.await.unwrap().unwrap();
    assert_eq!((expired.status(), expired.reason_code.as_str()), (v1::PaymentStatus::Expired, "AB05"));
    assert_eq!(api.account(&belgian(1)).await.reserved, "0.00");
    assert!(!api.node_status().await.ready);

    fs::remove_file(filler).unwrap();
    until("the node takes payments again", async || api.node_status().await.ready.then_some(())).await;
    until("a snapshot counts", async || {
        let snapshot = api.node_status().await.follower.unwrap().snapshot;
        snapshot.filter(|snapshot| snapshot.number > 0).map(|_| ())
    })
    .await;
    let after = settled(api.submit(&payment("AFTER", "1.00")).await.unwrap());
    let refused = settled(api.submit(&payment("REFUSED", "1.00")).await.unwrap());
    assert!(!refused.repeat, "what was refused has left no trace");
    for outcome in [told, answered, expired, after] {
        let found = tests::outcome_of(api.by_id(&outcome.payment_id).await.unwrap());
        let told = |outcome: v1::PaymentOutcome| v1::PaymentOutcome { repeat: false, late: false, ..outcome };
        assert_eq!(told(found), told(outcome));
    }
    // It sums up every book. The log is looked at while the node runs: its disk goes with it.
    api.trial_balance().await;
    node::verify(&disk.join("data"));
    node.kill();
}

/// A node on a disk of its own, mounted on this folder for nobody else.
fn start_on_small_disk(folder: &Path) -> Node {
    const SCRIPT: &str = r#"mount -t tmpfs -o "$0" tmpfs "$1" && shift && exec "$@""#;
    let served = node::serve(&folder.join("data"), node::ANY_PORT);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-c", SCRIPT, DISK]).arg(folder);
    command.arg(served.get_program()).args(served.get_args());
    // So many that the full disk meets some: a snapshot without room is put off.
    command.args(["--snapshot-after-bytes", SNAPSHOT_AFTER]);
    command.env("SOLVO_LOG", "off").stdin(Stdio::null());
    Node::start_by(command)
}

/// The folder as the node sees it.
fn seen_by(node: &Node, folder: &Path) -> PathBuf {
    let mut path = OsString::from(format!("/proc/{}/root", node.id()));
    path.push(folder);
    PathBuf::from(path)
}

fn segments(data: &Path) -> usize {
    let names = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("segment-") && name.ends_with(".log")).count()
}

/// Takes all the room that is left.
fn fill(disk: &Path) -> PathBuf {
    let filler = disk.join("filler");
    let mut file = File::create(&filler).unwrap();
    let mut length = 1 << 20;
    let zeros = vec![0; length];
    while length > 0 {
        match file.write(&zeros[..length]) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => length /= 2,
            Err(error) => panic!("{error}"),
        }
    }
    filler
}

/// A payment that waits for its bank, and the question about it.
type Open = (JoinHandle<Result<v1::PaymentOutcome, Status>>, v1::PaymentQuestion);

/// Pays until the segment is full and nothing more is taken. Returns the last outcome that was told, and two payments
/// that wait: before each message another is sent, and of older ones each is answered.
async fn pay_until_refused(api: &Api, bank: &mut Bank) -> (v1::PaymentOutcome, [Open; 2]) {
    let (messages, outbound) = mpsc::channel(1);
    let mut replies =
        api.payments().submit_payments(ReceiverStream::new(outbound)).await.unwrap().into_inner();
    let (mut open, mut last) = (Vec::<Open>::new(), None);
    for number in 0..MESSAGES_MAX {
        let waiting = api.submit_aside(&payment_to_remote(&format!("OPEN-{number}"), "0.01"));
        // The disk may be full before it: then nobody is asked.
        let question = tokio::select! {
            question = bank.question() => Some(question),
            () = not_ready(api) => None,
        };
        match question {
            Some(question) => open.push((waiting, question)),
            None => drop(waiting),
        }
        if open.len() > 2 {
            let (answered, question) = open.remove(0);
            bank.accept(&question).await;
            settled(answered.await.unwrap().unwrap());
            bank.report().await;
        }
        messages.send(message(number)).await.unwrap();
        let mut results = 0;
        while results < MESSAGE_PAYMENTS {
            let reply = replies.message().await.unwrap().expect("the stream goes on");
            for result in reply.results {
                results += 1;
                match result.result.unwrap() {
                    v1::payment_result::Result::Outcome(outcome) => last = Some(settled(outcome)),
                    v1::payment_result::Result::NotTaken(not_taken) => {
                        let refused = Refusal::from_not_taken(&not_taken);
                        assert_eq!(refused.reason, v1::ErrorReason::NotReady, "{refused:?}");
                    }
                }
            }
        }
        if open.len() == 2 && !api.node_status().await.ready {
            return (last.expect("payments were settled"), open.try_into().unwrap());
        }
    }
    panic!("the disk is never full");
}

async fn not_ready(api: &Api) {
    until("no payments are taken", async || (!api.node_status().await.ready).then_some(())).await;
}

/// Payments whose texts are as long as they may be, so that a segment is soon full.
fn message(number: u64) -> v1::SubmitPaymentsRequest {
    let submission = |place| v1::PaymentSubmission {
        caller_id: place,
        payment: Some(payment(&format!("FILL-{number}-{place}"), "0.01")),
    };
    let payments = (0..MESSAGE_PAYMENTS).map(submission).collect();
    crate::bystanders::with_long_texts(v1::SubmitPaymentsRequest { payments })
}
