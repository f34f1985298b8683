//! SIGKILL: whatever a caller was told is there afterwards, and repeating everything books nothing twice.

use std::collections::BTreeMap;

use client::v1;
use tests::{Api, World, belgian, german, outcome_of, payment, settled};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;

use crate::process::{Served, verify};

/// Payments of a run.
const PAYMENTS: u32 = 200;

/// One payment of a run, of one cent.
fn cent(run: usize, number: u32) -> v1::Payment {
    payment(&format!("TX-{run}-{number}"), "0.01")
}

/// Submits a run's payments from four callers at once. Each answer goes to `told`; a caller stops at the first
/// call that has none.
async fn submit_all(served: &Served, run: usize, told: &mpsc::Sender<(u32, v1::PaymentOutcome)>) {
    for caller in 0..4 {
        let (api, told) = (served.api().await, told.clone());
        tokio::spawn(async move {
            for number in (0..PAYMENTS).filter(|number| number % 4 == caller) {
                let Ok(outcome) = api.submit(&cent(run, number)).await else { return };
                told.send((number, outcome)).await.unwrap();
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_was_told_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut served = Served::start(folder.path());
    World::set_up(&served.api().await, 1).await;
    // The node is killed when this many answers have come, at whatever it is doing then.
    let kill_after = [1, 37, 111];
    for (run, answers) in kill_after.into_iter().enumerate() {
        let (sender, mut told) = mpsc::channel(1024);
        submit_all(&served, run, &sender).await;
        drop(sender);
        let mut known = BTreeMap::new();
        while known.len() < answers {
            let (number, outcome) = told.recv().await.unwrap();
            known.insert(number, outcome);
        }
        served.kill();
        // Answers that were on their way count as well.
        while let Some((number, outcome)) = told.recv().await {
            known.insert(number, outcome);
        }
        served = Served::start(folder.path());
        check(&served.api().await, run, &known).await;
    }
    let api = served.api().await;
    // 1000.00 less and more a cent for each payment of three runs.
    assert_eq!(api.balance(&belgian(1)).await, "994.00");
    assert_eq!(api.balance(&german(1)).await, "1006.00");
    assert_eq!(api.settled_count().await, 3 * u64::from(PAYMENTS));
    drop(served);
    verify(folder.path());
}

/// Every answer is still true, and repeating the whole run settles each payment exactly once.
async fn check(api: &Api, run: usize, known: &BTreeMap<u32, v1::PaymentOutcome>) {
    for outcome in known.values() {
        assert_eq!(outcome_of(api.by_id(&outcome.payment_id).await.unwrap()), *outcome);
    }
    for number in 0..PAYMENTS {
        let retry = api.submit(&cent(run, number)).await.unwrap();
        if let Some(told) = known.get(&number) {
            assert!(retry.repeat);
            assert_eq!(settled(retry), settled(told.clone()));
        } else {
            settled(retry);
        }
    }
    assert_eq!(api.settled_count().await, u64::try_from(run + 1).unwrap() * u64::from(PAYMENTS));
}

/// A node that is killed with a stream under way, whose answers nobody has read, recovers by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_unconfirmed_work_leaves_a_log_that_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path());
    let api = served.api().await;
    World::set_up(&api, 1).await;
    let batch = |number: u32| {
        let submission = |place: u32| v1::PaymentSubmission {
            caller_id: u64::from(place),
            payment: Some(cent(0, number * 100 + place)),
        };
        v1::SubmitPaymentsRequest { payments: (0..100).map(submission).collect() }
    };
    // There is no last message, so work is under way whenever the node is killed.
    let batches = tokio_stream::iter((0..).map(batch));
    let replies = api.payments().submit_payments(batches).await.unwrap().into_inner();
    let first = replies.take(1).next().await.unwrap().unwrap();
    served.kill();
    verify(folder.path());
    let served = Served::start(folder.path());
    let api = served.api().await;
    for result in first.results {
        let Some(v1::payment_result::Result::Outcome(told)) = result.result else { panic!("{result:?}") };
        assert_eq!(outcome_of(api.by_id(&told.payment_id).await.unwrap()), told);
    }
    let cents = api.settled_count().await;
    assert_eq!(api.balance(&german(1)).await, format!("{}.{:02}", 1000 + cents / 100, cents % 100));
    drop(served);
    verify(folder.path());
}
