//! What one caller does or leaves undone harms neither its payments nor anybody else.

use std::time::Duration;

use client::v1;
use client::v1::get_payment_response::Result as Answer;
use tests::{Api, World, belgian, german, outcome_of, payment, settled, until};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;

use crate::node::{Node, verify};
use crate::record::within;

/// Payments of one cent with the ids `<prefix>-<number>`.
fn cents(prefix: &str, numbers: std::ops::Range<u64>) -> v1::SubmitPaymentsRequest {
    let submission = |number| v1::PaymentSubmission {
        caller_id: number,
        payment: Some(payment(&format!("{prefix}-{number}"), "0.01")),
    };
    v1::SubmitPaymentsRequest { payments: numbers.map(submission).collect() }
}

/// Waits until each of these payments is decided, without sending any of them again, and expects it settled.
async fn all_settle(api: &Api, message: &v1::SubmitPaymentsRequest) {
    for submission in &message.payments {
        let payment = submission.payment.as_ref().unwrap();
        let what = format!("{} is decided", payment.transaction_id);
        let found = until(&what, async || match api.by_key(payment).await.unwrap() {
            Answer::Outcome(outcome) => Some(outcome),
            Answer::NotFound(_) => None,
        });
        settled(found.await);
    }
}

/// The node submits a long message in parts, and each part waits for room for its reply. The caller goes away
/// without having read them, while part of a message is in the log and part of it is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_taken_is_taken_whole() {
    // About 25 payments a part. The node keeps 64 replies for one reader, and the connection's buffers hold some more; one
    // part may have several. So one of these messages is in the middle when there is no more room, or one has just ended.
    const PAYMENTS: u64 = 600;
    // So many questions get the same answer only if nothing moves any more.
    const QUESTIONS: u32 = 50;
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let payments = |number: u64| cents("LONG", number * PAYMENTS..(number + 1) * PAYMENTS);

    let (messages, outbound) = mpsc::channel(1);
    let gone = node.narrow_api().await;
    let opened = gone.payments().submit_payments(ReceiverStream::new(outbound)).await.unwrap();
    let mut replies = opened.into_inner();
    // One after the other: a caller that still has something to send is not gone before that has left.
    let mut first = 0;
    messages.send(with_long_texts(payments(first))).await.unwrap();
    let taken = until("a message is taken in part", async || {
        let message = payments(first);
        if is_found(&api, message.payments.last()).await {
            first += 1;
            messages.send(with_long_texts(payments(first))).await.unwrap();
            return None;
        }
        let is_begun = is_found(&api, message.payments.first()).await;
        for _ in 0..QUESTIONS {
            if is_found(&api, message.payments.last()).await {
                return None;
            }
        }
        if !is_begun && first > 0 {
            // The node waits between two messages: with more room it begins the next.
            replies.message().await.unwrap();
        }
        is_begun.then_some(first)
    })
    .await;
    drop((replies, messages, gone));
    for number in 0..=taken {
        all_settle(&api, &payments(number)).await;
    }
    let settled = api.settled_count().await;
    assert_eq!(settled % PAYMENTS, 0, "every message is taken whole or not at all");
    node.kill();

    let node = Node::start(folder.path());
    assert_eq!(node.api().await.settled_count().await, settled);
    all_settle(&node.api().await, &payments(taken)).await;
    verify(folder.path());
}

async fn is_found(api: &Api, submission: Option<&v1::PaymentSubmission>) -> bool {
    let payment = submission.unwrap().payment.as_ref().unwrap();
    matches!(api.by_key(payment).await.unwrap(), Answer::Outcome(_))
}

/// The same payments with more than 5 KB of names and addresses each.
pub(crate) fn with_long_texts(mut message: v1::SubmitPaymentsRequest) -> v1::SubmitPaymentsRequest {
    let party = v1::Party {
        name: "é".repeat(140),
        address: Some(v1::Address { lines: vec!["ü".repeat(70); 7], ..v1::Address::default() }),
        ..v1::Party::default()
    };
    for submission in &mut message.payments {
        let payment = submission.payment.as_mut().unwrap();
        payment.debtor = Some(party.clone());
        payment.creditor = Some(party.clone());
        payment.ultimate_debtor = Some(party.clone());
        payment.ultimate_creditor = Some(party.clone());
    }
    message
}

/// A call is dropped at any moment: what the node had taken is settled, and is still there when the node is killed
/// right afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_dropped_drops_no_payment() {
    const CUT_OFF: usize = 5;
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let (mut number, mut cut_off) = (0, Vec::new());
    // How long a flush takes is the machine's secret, so the patience is varied until calls are cut off between
    // the arrival of their payment and its reply.
    until("calls were cut off after their payments were taken", async || {
        number += 1;
        let payment = payment(&format!("CALL-{number}"), "0.01");
        let request = v1::SubmitPaymentRequest { payment: Some(payment.clone()), wait_ms: None };
        let patience = Duration::from_micros(100 * (number % 40 + 1));
        if api.payments().submit_payment(within(patience, request)).await.is_err()
            && let Answer::Outcome(outcome) = api.by_key(&payment).await.unwrap()
        {
            cut_off.push(settled(outcome));
        }
        (cut_off.len() >= CUT_OFF).then_some(())
    })
    .await;
    node.kill();

    let node = Node::start(folder.path());
    let api = node.api().await;
    for outcome in cut_off {
        assert_eq!(outcome_of(api.by_id(&outcome.payment_id).await.unwrap()), outcome);
    }
    verify(folder.path());
}

/// A stream whose results nobody reads: everybody else's calls are all done, and its own payments stand.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_not_read_harms_nobody() {
    const CALLERS: u64 = 4;
    const CALLS: u64 = 100;
    // More reply messages than the node keeps for one reader (64), and the reader's windows hold.
    const MESSAGES: u64 = 120;
    const PAYMENTS: u64 = 16;
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let api = node.api().await;
    World::set_up(&api, 2).await;

    let (messages, outbound) = mpsc::channel(usize::try_from(MESSAGES).unwrap());
    let narrow = node.narrow_api().await;
    let unread = narrow.payments().submit_payments(ReceiverStream::new(outbound)).await.unwrap();
    for message in 0..MESSAGES {
        messages.send(cents("UNREAD", message * PAYMENTS..(message + 1) * PAYMENTS)).await.unwrap();
    }
    all_settle(&api, &cents("UNREAD", 0..PAYMENTS)).await;

    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let api = node.api().await;
        callers.spawn(async move {
            for call in 0..CALLS {
                let payment = v1::Payment {
                    debtor_account: belgian(2),
                    creditor_account: german(2),
                    ..payment(&format!("OTHER-{caller}-{call}"), "0.01")
                };
                settled(api.submit(&payment).await.unwrap());
            }
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    assert_eq!(api.balance(&german(2)).await, "1004.00");

    // The reader goes without a word. What was taken of its payments stands, and the rest is taken now.
    drop((unread, messages, narrow));
    let all = (0..MESSAGES).map(|message| cents("UNREAD", message * PAYMENTS..(message + 1) * PAYMENTS));
    let mut replies = api.payments().submit_payments(tokio_stream::iter(all)).await.unwrap().into_inner();
    let mut results_count = 0;
    while let Some(reply) = replies.message().await.unwrap() {
        for result in reply.results {
            match result.result.unwrap() {
                v1::payment_result::Result::Outcome(outcome) => settled(outcome),
                v1::payment_result::Result::NotTaken(not_taken) => panic!("not taken: {not_taken:?}"),
            };
            results_count += 1;
        }
    }
    assert_eq!(results_count, MESSAGES * PAYMENTS);
    assert_eq!(api.settled_count().await, MESSAGES * PAYMENTS + CALLERS * CALLS);
    assert_eq!(api.balance(&german(1)).await, format!("10{:02}.20", MESSAGES * PAYMENTS / 100));
    node.kill();
    verify(folder.path());
}
