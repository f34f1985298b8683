//! What a lane of unary calls counts, whatever its node does.

use std::collections::BTreeMap;

use super::*;
use crate::testing::{Act, lane};

#[tokio::test]
async fn every_answer_is_counted_by_what_it_says() {
    let setup = lane(10, |_, transaction_id| match transaction_id {
        "RUN1-0000000003" => Act::Reject("AM04"),
        "RUN1-0000000005" => Act::NotTake,
        "RUN1-0000000007" => Act::Break,
        _ => Act::Settle,
    })
    .await;
    let tally = run(setup, 3).await;
    assert_eq!((tally.sent, tally.settled.count(), tally.unasked), (10, 7, 0));
    assert_eq!(tally.rejected, BTreeMap::from([("AM04".to_owned(), 1)]));
    assert_eq!(tally.not_taken, BTreeMap::from([(8, 1)]));
    assert_eq!(tally.unknown, [7]);
    assert_eq!((tally.not_sent, tally.gave_up), (0, None));
}

#[tokio::test]
async fn a_node_that_breaks_every_call_is_given_up() {
    let setup = lane(1_000, |_, _| Act::Break).await;
    let tally = run(setup, 2).await;
    assert!(tally.gave_up.is_some_and(|why| why.contains("broken off")));
    assert_eq!(tally.sent, u64::try_from(tally.unknown.len()).unwrap());
    assert_eq!(tally.sent + tally.not_sent, 1_000);
}
