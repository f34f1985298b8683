//! SIGTERM and SIGINT: what was taken is answered, the log ends in order, and the exit code is 0.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::Signal;
use tests::{World, outcome_of, payment, settled, until};
use tonic::Code;

use crate::process::{Served, verify};

#[tokio::test(flavor = "multi_thread")]
async fn signals_end_a_node_in_order() {
    let folder = tempfile::tempdir().unwrap();
    for signal in [Signal::TERM, Signal::INT] {
        let served = Served::start(folder.path());
        served.api().await.trial_balance().await;
        assert_eq!(served.stop(signal).code(), Some(0));
        verify(folder.path());
    }
}

/// Callers that keep submitting while the node stops: each gets an answer or hears that it gets none, and every
/// answer is in the log.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_before_a_signal_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path());
    World::set_up(&served.api().await, 1).await;
    let replies = Arc::new(AtomicU32::new(0));
    let mut callers = Vec::new();
    for caller in 0..4 {
        let (api, replies) = (served.api().await, Arc::clone(&replies));
        callers.push(tokio::spawn(async move {
            let mut told = Vec::new();
            for number in 0.. {
                match api.submit(&payment(&format!("TX-{caller}-{number}"), "0.01")).await {
                    Ok(outcome) => told.push(settled(outcome)),
                    Err(status) => {
                        // A call that meets the end of its connection comes back as INTERNAL.
                        let ended = matches!(
                            status.code(),
                            Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal
                        );
                        assert!(ended, "{status:?}");
                        break;
                    }
                }
                replies.fetch_add(1, Ordering::Relaxed);
            }
            told
        }));
    }
    until("all callers are at work", async || {
        served.api().await;
        (replies.load(Ordering::Relaxed) >= 40).then_some(())
    })
    .await;
    assert_eq!(served.stop(Signal::TERM).code(), Some(0));
    verify(folder.path());
    let served = Served::start(folder.path());
    let api = served.api().await;
    let mut told_count = 0;
    for caller in callers {
        for told in caller.await.unwrap() {
            assert_eq!(outcome_of(api.by_id(&told.payment_id).await.unwrap()), told);
            told_count += 1;
        }
    }
    let settled_count = api.settled_count().await;
    assert!(
        told_count <= settled_count && settled_count <= told_count + 4,
        "{told_count} of {settled_count}"
    );
}
