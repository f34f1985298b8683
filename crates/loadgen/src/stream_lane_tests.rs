//! What a stream lane counts, whatever its node does.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::*;
use crate::testing::{Act, lane};

const PER_MESSAGE: u64 = 4;
const IN_FLIGHT: usize = 2;

#[tokio::test]
async fn every_answer_is_counted_by_what_it_says() {
    // The second of two lanes has the odd numbers: 1, 3, 5 and so on.
    let setup = lane(10, |_, transaction_id| match transaction_id {
        "RUN1-0000000003" => Act::Reject("AM04"),
        "RUN1-0000000011" => Act::Reject("AC04"),
        "RUN1-0000000005" => Act::NotTake,
        "RUN1-0000000007" => Act::SettleTwice,
        _ => Act::Settle,
    })
    .await;
    let answers = setup.answers.clone();
    let tally = run(setup, PER_MESSAGE, IN_FLIGHT).await;
    assert_eq!((tally.sent, tally.settled.count(), tally.unasked), (10, 7, 1));
    assert_eq!(tally.rejected, BTreeMap::from([("AC04".to_owned(), 1), ("AM04".to_owned(), 1)]));
    assert_eq!(tally.not_taken, BTreeMap::from([(8, 1)]));
    assert!(!tally.settled.contains(1), "number 3 is at place 1");
    assert_eq!((tally.unknown.len(), tally.not_sent, tally.gave_up), (0, 0, None));
    assert_eq!(answers.load(Ordering::Relaxed), 10);
}

#[tokio::test]
async fn what_a_broken_stream_leaves_open_is_unknown_and_the_rest_goes_on() {
    // The first stream breaks at its second message, in the middle: payments 9 to 15 are places 4 to 7.
    let setup = lane(40, |stream, transaction_id| match transaction_id {
        "RUN1-0000000013" if stream == 0 => Act::Break,
        _ => Act::Settle,
    })
    .await;
    let tally = run(setup, PER_MESSAGE, IN_FLIGHT).await;
    assert_eq!(tally.sent, 40, "nothing is sent twice");
    let unknown = u64::try_from(tally.unknown.len()).unwrap();
    // What else was in flight depends on who was quicker, but never exceeds the window.
    assert!((2..=PER_MESSAGE * 2).contains(&unknown), "{unknown}");
    assert!(tally.unknown.contains(&13));
    assert!(tally.unknown.contains(&15));
    assert_eq!(tally.settled.count() + unknown, 40);
    assert!(tally.unknown.iter().all(|number| !tally.settled.contains(number / 2)));
    assert_eq!((tally.unasked, tally.gave_up), (0, None));
}

#[tokio::test]
async fn a_node_that_breaks_every_stream_is_given_up() {
    let setup = lane(1_000, |_, _| Act::Break).await;
    let tally = run(setup, PER_MESSAGE, IN_FLIGHT).await;
    assert!(tally.gave_up.is_some_and(|why| why.contains("broken off")));
    assert_eq!(tally.settled.count(), 0);
    assert_eq!(tally.sent, u64::try_from(tally.unknown.len()).unwrap());
    assert_eq!(tally.sent + tally.not_sent, 1_000);
}
