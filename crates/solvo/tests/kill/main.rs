//! The real node, killed with SIGKILL and stopped with SIGSTOP under load, again and again on one folder.
//!
//! The callers keep a record of their own: what was sent, and what was told. After every restart each reply
//! still has to be true, what has no reply is resolved by asking and repeating, and the books have to be what
//! the replies add up to, in the order in which they say it happened.
//!
//! What is sent follows from a seed; when the node is killed follows from how many replies have come, never
//! from a clock. Which of two callers comes first is the machine's choice, so a seed repeats the plan of a run
//! and not its every step. A failing run prints its seed.
//!
//! `elsewhere` does so with payments that another bank is asked about: both banks are told the same, over kills and a
//! stop; `long_stop` over one that lasts longer than anybody waits. `full_disk` and `clock_jump` are what else can
//! happen to a machine that goes on.

// Helpers of tests are tests: a failed `unwrap` names its line, which is what a test is for.
#![allow(clippy::unwrap_used)]

mod books;
mod bystanders;
mod check;
mod clock_jump;
mod counterparts;
mod elsewhere;
mod full_disk;
mod load;
mod long_stop;
mod node;
mod parallel;
mod payers;
mod plan;
mod random;
mod record;
mod told_in_log;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tests::World;
use tokio::time::timeout;

use crate::load::Load;
use crate::node::Node;
use crate::plan::CUSTOMERS;
use crate::random::Random;
use crate::record::Record;

/// How often the node is killed under load.
const KILLS: u64 = 20;

/// How long the node is stopped: longer than any caller waits and than the scheme lets a payment take (10 s).
const STOPPED: Duration = Duration::from_secs(15);

/// Replies of a round before its kill, at most.
const REPLIES_MAX: u64 = 150;

#[tokio::test(flavor = "multi_thread")]
async fn every_reply_stays_true_over_kills_and_a_stop() {
    let seed = random::seed();
    println!("to repeat this run: SOLVO_SEED={seed} cargo test -p solvo --test kill");
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir().unwrap();
    let record = Arc::new(Record::default());
    let mut node = Node::start(folder.path());
    World::set_up(&node.api().await, CUSTOMERS).await;
    let stop_before = random.below(KILLS);
    for round in 0..KILLS {
        if round == stop_before {
            stop(&node, &record, &mut random).await;
            check::all_is_true(&node, folder.path(), &record, check::After::Stop).await;
        }
        node = kill(node, folder.path(), round, &record, &mut random).await;
        check::all_is_true(&node, folder.path(), &record, check::After::Kill).await;
    }
    check::every_payment_is_found(&node, &record).await;
    record.covers_everything();
}

/// Kills the node under load, and at times its successor while that one recovers. Returns a node that serves.
async fn kill(node: Node, folder: &Path, round: u64, record: &Arc<Record>, random: &mut Random) -> Node {
    // Often within the first replies, when every caller and the log have just begun.
    let replies = if random.one_in(4) { random.below(4) } else { random.below(REPLIES_MAX) };
    let mut load = Load::start(&node, &format!("K{round}"), random, record).await;
    load.replies(replies).await;
    node.kill();
    load.end().await;
    if random.one_in(4) {
        node::kill_while_starting(folder, 1 + random.below(8));
    }
    Node::start(folder)
}

/// Stops the node under load for so long that its callers give up, and lets it go on.
async fn stop(node: &Node, record: &Arc<Record>, random: &mut Random) {
    let mut load = Load::start(node, "S", random, record).await;
    load.replies(random.below(REPLIES_MAX)).await;
    let given_up_before = record.given_up_count();
    node.stop();
    // Real time has to pass here: how long a stopped process is silent is what this is about. The wait is for the
    // load to end, which it must not do: callers whose calls time out go on to the next.
    let early = timeout(STOPPED, load.ended()).await;
    assert!(early.is_err(), "the callers go on while the node is stopped");
    node.go_on();
    assert!(record.given_up_count() > given_up_before, "callers have given up");
    load.replies(REPLIES_MAX).await;
    load.end().await;
}
