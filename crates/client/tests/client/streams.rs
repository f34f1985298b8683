//! Streams over breaking connections.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use client::v1::payment_result::Result as Outcome;
use client::{
    Client, ClientError, PaymentStream, Payments, Received, Refusal, RetryPolicy, StreamOptions, v1,
};
use tokio::runtime::Runtime;
use tonic::{Code, Status};

use crate::node::{Act, Node, connect, loopback, quick};

fn submission(caller_id: u64) -> v1::PaymentSubmission {
    let payment = v1::Payment { transaction_id: format!("T-{caller_id}"), ..Default::default() };
    v1::PaymentSubmission { caller_id, payment: Some(payment) }
}

fn busy() -> Refusal {
    Refusal::new(Code::ResourceExhausted, v1::ErrorReason::Overloaded, "busy")
}

fn open(client: &Client, in_flight_max: usize) -> PaymentStream {
    PaymentStream::open(client, StreamOptions { in_flight_max })
}

/// Sends payments with these ids in batches, and returns everything that comes back.
async fn complete(client: &Client, ids: impl IntoIterator<Item = u64>) -> Vec<Received<Payments>> {
    let PaymentStream { mut sender, mut receiver } = open(client, 256);
    let items: Vec<_> = ids.into_iter().map(submission).collect();
    let sending = async move {
        for batch in items.chunks(100) {
            if sender.send(batch.to_vec()).await.is_err() {
                break;
            }
        }
    };
    let receiving = async {
        let mut received = Vec::new();
        while let Some(next) = receiver.receive().await {
            received.push(next);
        }
        received
    };
    tokio::join!(sending, receiving).1
}

/// How often each payment was settled or refused; fails on anything else.
fn answers(received: Vec<Received<Payments>>) -> (BTreeMap<u64, usize>, BTreeMap<u64, usize>) {
    let (mut settled, mut refused) = (BTreeMap::new(), BTreeMap::new());
    for received in received {
        let Received::Answers(results) = received else { panic!("{received:?}") };
        for result in results {
            let count = match result.result.unwrap() {
                Outcome::Outcome(_) => &mut settled,
                Outcome::NotTaken(_) => &mut refused,
            };
            *count.entry(result.caller_id).or_default() += 1;
        }
    }
    (settled, refused)
}

fn once(ids: impl IntoIterator<Item = u64>) -> BTreeMap<u64, usize> {
    ids.into_iter().map(|id| (id, 1)).collect()
}

#[tokio::test]
async fn every_payment_is_answered_once() {
    let node = Node::new(|_, submission| match submission.caller_id % 10 {
        3 => Act::Refuse(busy()),
        _ => Act::Settle,
    });
    let (settled, refused) = answers(complete(&node.client().await, 0..5_000).await);
    assert_eq!(settled, once((0..5_000).filter(|id| id % 10 != 3)));
    assert_eq!(refused, once((0..5_000).filter(|id| id % 10 == 3)));
}

#[tokio::test]
async fn what_a_broken_stream_left_open_is_submitted_again() {
    let node = Node::new(|stream, submission| match (stream, submission.caller_id) {
        (0, 777) | (1, 1_500) => Act::Break(Status::unavailable("reset")),
        (0, id) if id % 7 == 0 => Act::Keep,
        (1, id) if id % 70 == 0 => Act::Keep,
        _ => Act::Settle,
    });
    let (settled, refused) = answers(complete(&node.client().await, 0..2_000).await);
    assert_eq!(settled, once(0..2_000));
    assert!(refused.is_empty());
}

/// The first submission may have been taken, so "busy" to the second one is no answer.
#[tokio::test]
async fn busy_is_no_answer_to_a_payment_in_doubt() {
    let asked = AtomicUsize::new(0);
    let node = Node::new(move |stream, submission| match (stream, submission.caller_id) {
        (0, 1) => Act::Keep,
        (0, 2) => Act::Break(Status::unavailable("reset")),
        (_, 1) if asked.fetch_add(1, Ordering::Relaxed) == 0 => Act::Refuse(busy()),
        _ => Act::Settle,
    });
    let (settled, refused) = answers(complete(&node.client().await, [0, 1, 2]).await);
    assert_eq!(settled, once([0, 1, 2]));
    assert!(refused.is_empty());
}

#[tokio::test]
async fn a_payment_that_stays_in_doubt_is_unknown() {
    let node = Node::new(|stream, submission| match (stream, submission.caller_id) {
        (0, 1) => Act::Break(Status::unavailable("reset")),
        (_, 1) => Act::Refuse(busy()),
        _ => Act::Settle,
    });
    let received = complete(&node.client().await, [0, 1]).await;
    let unknown: Vec<_> = received
        .iter()
        .filter_map(|received| match received {
            Received::Unknown(items) => Some(items.clone()),
            Received::Answers(_) | Received::NotSent(_) | Received::Ended { .. } => None,
        })
        .collect();
    assert_eq!(unknown, [vec![submission(1)]]);
}

#[tokio::test]
async fn a_stream_that_always_breaks_ends_with_what_is_open() {
    let node = Node::new(|_, submission| match submission.caller_id {
        0 => Act::Settle,
        1 => Act::Keep,
        _ => Act::Break(Status::unavailable("reset")),
    });
    let received = complete(&node.client().await, [0, 1, 2]).await;
    let Some(Received::Ended { unknown, not_sent, cause }) = received.last() else { panic!("{received:?}") };
    assert_eq!(*unknown, [submission(1), submission(2)]);
    assert!(not_sent.is_empty());
    assert!(matches!(cause, ClientError::Unknown { attempts: 3, .. }), "{cause:?}");
}

#[tokio::test]
async fn a_refused_stream_is_not_opened_again() {
    let node = Node::new(|_, _| Act::Break(Status::permission_denied("not yours")));
    let received = complete(&node.client().await, [0]).await;
    let [Received::Ended { unknown, cause, .. }] = received.as_slice() else { panic!("{received:?}") };
    assert_eq!(unknown.len(), 1);
    assert!(matches!(cause, ClientError::Unknown { attempts: 1, .. }), "{cause:?}");
}

#[tokio::test]
async fn silence_ends() {
    let node = Node::new(|_, _| Act::Keep);
    let retry = RetryPolicy { attempt_timeout: Duration::from_millis(50), ..quick() };
    let client = connect(node.start(loopback()).await, retry).await;
    let received = complete(&client, [0]).await;
    let [Received::Ended { unknown, .. }] = received.as_slice() else { panic!("{received:?}") };
    assert_eq!(*unknown, [submission(0)]);
}

#[tokio::test]
async fn an_id_in_flight_is_not_sent_again() {
    let node = Node::new(|_, submission| match submission.caller_id {
        5 => Act::Keep,
        _ => Act::Settle,
    });
    let mut stream = open(&node.client().await, 64);
    stream.sender.send(vec![submission(5), submission(6)]).await.unwrap();
    let Some(Received::Answers(results)) = stream.receiver.receive().await else { panic!("no answer") };
    assert_eq!(results[0].caller_id, 6);
    stream.sender.send(vec![submission(5), submission(6)]).await.unwrap();
    let mut refused = Vec::new();
    let mut settled = Vec::new();
    while refused.len() + settled.len() < 2 {
        match stream.receiver.receive().await.unwrap() {
            Received::NotSent(items) => refused.extend(items),
            Received::Answers(results) => settled.extend(results),
            other @ (Received::Unknown(_) | Received::Ended { .. }) => panic!("{other:?}"),
        }
    }
    assert_eq!(refused, [submission(5)]);
    assert_eq!(settled[0].caller_id, 6);
}

/// The node is gone with all its connections, and another one takes its place.
#[test]
fn a_stream_moves_on_to_the_next_life_of_its_node() {
    let clients = Runtime::new().unwrap();
    let (first, second) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    let node = Node::new(|_, submission| if submission.caller_id < 50 { Act::Settle } else { Act::Keep });
    let address = first.block_on(node.start(loopback()));
    let retry = RetryPolicy { attempts_max: 100, ..quick() };
    let client = clients.block_on(connect(address, retry));
    clients.block_on(async {
        let mut stream = open(&client, 256);
        stream.sender.send((0..100).map(submission).collect()).await.unwrap();
        let mut answered = 0;
        while answered < 50 {
            answered += stream.receiver.receive().await.unwrap().items_count();
        }
        // Returns when the listener is closed; in a thread, because it blocks.
        std::thread::spawn(move || first.shutdown_timeout(Duration::from_secs(30))).join().unwrap();
        let next = Node::new(|_, _| Act::Settle);
        second.spawn(async move { next.start(address).await });
        drop(stream.sender);
        let mut rest = Vec::new();
        while let Some(received) = stream.receiver.receive().await {
            rest.push(received);
        }
        assert_eq!(answers(rest).0, once(50..100));
    });
    second.shutdown_background();
}
