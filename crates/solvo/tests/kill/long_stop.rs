//! The machine stands still for half a minute in the middle of payments between banks, as a suspended or migrated one
//! does: longer than any deadline, and longer than anybody waits.
//!
//! What was open has ended when it goes on, none of it settles after its deadline, and nobody hears two ends of it.

use std::sync::Arc;
use std::time::Duration;

use client::v1::PaymentStatus;
use tests::nanoseconds;
use tokio::time::timeout;

use crate::check::every_payment_is_found;
use crate::counterparts::Banks;
use crate::elsewhere::{books_are_what_was_settled, decided, log_says, set_up};
use crate::node::{self, Node};
use crate::payers::Payers;
use crate::random::{self, Random};
use crate::record::{Entry, Record};

/// How long the node is stopped.
const STOPPED: Duration = Duration::from_secs(30);

/// Settlements before the stop, and after it.
const SETTLED: u64 = 150;

/// More than come in the time for which the node is stopped.
const NEVER: u64 = u64::MAX / 2;

/// From the time of receipt to the end of the time in which a payment can be settled.
const DEADLINE_NANOSECONDS: i128 = 7_000_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_ends_once_over_a_stop_of_half_a_minute() {
    let seed = random::seed();
    println!("to repeat this run: SOLVO_SEED={seed} cargo test -p solvo --test kill half_a_minute");
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start_at(folder.path(), node::own_port(&mut random));
    set_up(&node.api().await).await;
    let record = Arc::new(Record::default());
    let mut banks = Banks::connect(node.address(), seed).await;
    let mut payers = Payers::start(&node, "BEFORE", &mut random, &record).await;
    payers.settle(SETTLED).await;
    node.stop();
    // Real time has to pass here: how long a stopped machine is silent is what this is about. The callers stay.
    let early = timeout(STOPPED, payers.settle(NEVER)).await;
    assert!(early.is_err(), "a stopped node says nothing");
    node.go_on();
    payers.end().await;
    let mut payers = Payers::start(&node, "AFTER", &mut random, &record).await;
    payers.settle(SETTLED).await;
    payers.end().await;
    Payers::resolve(&node, &mut random, &record).await;
    banks.drain().await;

    let entries = record.entries();
    banks.were_told(&entries);
    nothing_settles_past_its_deadline(&entries);
    every_payment_is_found(&node, &record).await;
    books_are_what_was_settled(&node.api().await, &entries).await;
    banks.fit(&entries).await;
    node.kill();
    node::verify(folder.path());
    log_says(folder.path(), &entries);
}

/// Payments that were open when the node stopped were decided long after their deadline, and none of them was settled.
fn nothing_settles_past_its_deadline(entries: &[Entry]) {
    let mut overdue = 0;
    for (payment, outcome) in entries.iter().map(decided) {
        let time = |time: &Option<_>| nanoseconds(time.as_ref().unwrap());
        let took = time(&outcome.decided_time) - time(&payment.acceptance_time);
        let is_settled = outcome.status() == PaymentStatus::Settled;
        assert!(
            !is_settled || took < DEADLINE_NANOSECONDS,
            "{} settled after {took} ns",
            payment.transaction_id
        );
        let stood_still = i128::try_from(STOPPED.as_nanos()).unwrap();
        overdue += u32::from(took >= stood_still && outcome.status() == PaymentStatus::Expired);
    }
    println!("{} payments, {overdue} of them open during the stop", entries.len());
    assert!(overdue > 0, "the stop met open payments");
}
