//! A wall clock that jumps while the node runs and while it is down. Nothing of a jump enters the log: payments that
//! wait keep their time, nobody new is let in until the clock is right again, and after a start with another time
//! everything that was told is still told.
//!
//! Setting the machine's clock takes rights, and would hurt whoever else uses it. So the node's own is put off, by a
//! library that is loaded before the system's.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use client::{Refusal, v1};
use tests::{Api, Bank, GAMMA, World, nanoseconds, outcome_of, payment, payment_to_remote, settled, until};
use tonic::Code;

use crate::node::{self, Node};

const HOUR: i64 = 3_600_000_000_000;
const SECOND: i128 = 1_000_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_lets_nobody_new_in_and_changes_no_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let clock = SkewedClock::compile(folder.path());
    let data = folder.path().join("data");
    let node = clock.start(&data);
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    world.remote_bank().await;
    let mut bank = Bank::connect(&api, GAMMA).await;
    let first = settled(api.submit(&payment("FIRST", "1.00")).await.unwrap());
    let mut told = vec![first.clone()];
    for (number, skew) in [HOUR, -HOUR].into_iter().enumerate() {
        let waiting = api.submit_aside(&payment_to_remote(&format!("OPEN-{number}"), "1.00"));
        bank.question().await;
        clock.set(skew);
        until_ready(&api, false).await;
        is_refused_for_the_clock(&api).await;
        let expired = waiting.await.unwrap().unwrap();
        assert_eq!((expired.status(), expired.reason_code.as_str()), (v1::PaymentStatus::Expired, "AB05"));
        let time = |time: &Option<_>| nanoseconds(time.as_ref().unwrap());
        let took = time(&expired.decided_time) - time(&expired.acceptance_time);
        assert!((7 * SECOND..8 * SECOND).contains(&took), "it had its seven seconds: {took} ns");
        bank.report().await;
        told.push(expired);
        all_is_told_still(&api, &told).await;
        clock.set(0);
        until_ready(&api, true).await;
        told.push(settled(api.submit(&payment(&format!("AFTER-{number}"), "1.00")).await.unwrap()));
    }
    node.kill();

    // A node that starts takes the time that it finds, if the log has not seen a later one.
    clock.set(HOUR);
    let node = clock.start(&data);
    let api = node.api().await;
    let later = settled(api.submit(&payment("AN-HOUR-LATER", "1.00")).await.unwrap());
    let moved =
        nanoseconds(later.decided_time.as_ref().unwrap()) - nanoseconds(first.decided_time.as_ref().unwrap());
    assert!(moved >= i128::from(HOUR), "{moved}");
    told.push(later);
    all_is_told_still(&api, &told).await;
    let repeated = api.submit(&payment("FIRST", "1.00")).await.unwrap();
    assert!(repeated.repeat && repeated.payment_id == first.payment_id, "{repeated:?}");
    node.kill();

    // Log time never goes back: the node waits until the clock shows it again.
    clock.set(0);
    let node = clock.start(&data);
    let api = node.api().await;
    until_ready(&api, false).await;
    is_refused_for_the_clock(&api).await;
    all_is_told_still(&api, &told).await;
    clock.set(HOUR);
    until_ready(&api, true).await;
    settled(api.submit(&payment("TOGETHER-AGAIN", "1.00")).await.unwrap());
    api.trial_balance().await;
    node.kill();
    node::verify(&data);
}

async fn until_ready(api: &Api, ready: bool) {
    let what = if ready { "the node takes payments" } else { "the node takes no payments" };
    until(what, async || (api.node_status().await.ready == ready).then_some(())).await;
}

async fn is_refused_for_the_clock(api: &Api) {
    let refused = api.submit(&payment("REFUSED", "1.00")).await.unwrap_err();
    let refused = Refusal::from_status(&refused);
    assert_eq!((refused.code, refused.reason), (Code::Unavailable, v1::ErrorReason::NotReady));
    let status = api.node_status().await;
    assert!(status.not_ready_description.contains("clock has jumped"), "{status:?}");
}

async fn all_is_told_still(api: &Api, told: &[v1::PaymentOutcome]) {
    for outcome in told {
        let found = outcome_of(api.by_id(&outcome.payment_id).await.unwrap());
        let stored = |outcome: &v1::PaymentOutcome| v1::PaymentOutcome {
            repeat: false,
            late: false,
            ..outcome.clone()
        };
        assert_eq!(stored(&found), stored(outcome));
    }
}

/// The library, and the file by which it is told.
struct SkewedClock {
    library: PathBuf,
    skew: PathBuf,
}

impl SkewedClock {
    fn compile(folder: &Path) -> Self {
        let (library, skew) = (folder.join("libskewed_clock.so"), folder.join("skew"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kill/skewed_clock.rs");
        let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let mut compile = Command::new(compiler);
        compile.args(["--edition", "2024", "--crate-type", "cdylib", "-O", "-o"]).arg(&library).arg(source);
        assert!(compile.status().unwrap().success());
        let clock = Self { library, skew };
        File::create(&clock.skew).unwrap();
        clock.set(0);
        clock
    }

    /// Puts the wall clock off by so many nanoseconds, from the next reading on.
    fn set(&self, nanoseconds: i64) {
        let file = File::options().write(true).open(&self.skew).unwrap();
        file.write_all_at(&nanoseconds.to_ne_bytes(), 0).unwrap();
    }

    fn start(&self, data: &Path) -> Node {
        let mut command = node::serve(data, node::ANY_PORT);
        command.env("LD_PRELOAD", &self.library).env("SKEWED_CLOCK", &self.skew);
        Node::start_by(command)
    }
}
