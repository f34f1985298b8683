//! The harness against a real node.

// Clippy permits it in test functions by itself, but not in what they share.
#![allow(clippy::unwrap_used)]

mod banks;
mod node;
mod proxy;

use std::path::Path;
use std::time::Duration;

use client::v1;
use loadgen::{
    Arrivals, Books, Check, Extent, LoadOptions, LoadReport, Mode, Rate, RunId, Silent, Workload, drive,
    load, read_documents, submit_documents, world,
};

use node::Node;
use proxy::Proxy;

const PAYMENTS: u64 = 2_000;

fn options(run: &str) -> LoadOptions {
    let options = LoadOptions::new(run.parse().unwrap());
    LoadOptions { extent: Extent::Payments(PAYMENTS), accounts: 20, connections: 2, ..options }
}

async fn run(node: &Node, options: &LoadOptions) -> LoadReport {
    let report = load(&node.address, options, &Silent).await.unwrap();
    assert!(report.passed(), "{report}");
    report
}

/// One after the other on one node: each audit starts from what the runs before it left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_run_settles_everything_and_passes_its_audit() {
    let node = Node::start().await;
    let stream = Mode::Stream { payments_per_message: 64, messages_in_flight: 4 };
    let unary = Mode::Unary { calls_in_flight: 8 };
    let fixed = Rate::PerSecond(20_000);
    let runs = [
        LoadOptions { mode: stream, ..options("STREAM") },
        LoadOptions { mode: unary, ..options("UNARY") },
        LoadOptions { mode: stream, workload: Workload::Hot, ..options("HOT") },
        LoadOptions { mode: stream, rate: fixed, arrivals: Arrivals::Constant, ..options("STREAMRATE") },
        LoadOptions { mode: unary, rate: fixed, ..options("UNARYRATE") },
    ];
    for options in runs {
        let report = run(&node, &options).await;
        assert_eq!(report.driven.counts.sent, PAYMENTS, "{report}");
        assert_eq!(report.driven.counts.settled, PAYMENTS, "{report}");
        assert_eq!(report.driven.latency.count, PAYMENTS);
        assert_eq!(report.confirmed.count(), PAYMENTS);
        let first = report.confirmed.transaction_ids().next().unwrap();
        assert!(report.confirmed.contains(&first));
        assert!(first.starts_with(options.run.as_str()));
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_ends_a_run_as_well() {
    let node = Node::start().await;
    let extent = Extent::Duration(Duration::from_millis(300));
    let fixed = LoadOptions { extent, rate: Rate::PerSecond(1_000), mode: Mode::UNARY, ..options("FIXED") };
    let report = run(&node, &fixed).await;
    // Independent arrivals: some 300, give or take five times the root of it.
    let offered = report.driven.counts.sent + report.driven.counts.not_sent;
    assert!((213..=387).contains(&offered), "{report}");
    let max = LoadOptions { extent, ..options("MAX") };
    let report = run(&node, &max).await;
    assert!(report.driven.counts.settled > 0, "{report}");
    node.stop().await;
}

/// Those who measure drive several times and audit once; a run that is not noted is missed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_audit_is_of_all_runs_that_were_noted() {
    let node = Node::start().await;
    let mut books = Books::open(&node.address, &options("BOOKS"), &Silent).await.unwrap();
    for (run, noted) in [("FIRST", true), ("SECOND", true), ("THIRD", false)] {
        let (driven, confirmed) = drive(&node.address, &options(run), &Silent).await.unwrap();
        assert_eq!(driven.counts.settled, PAYMENTS, "{driven}");
        if noted {
            books.note(&driven, confirmed);
        }
        let audit = books.audit(&node.address, &options(run), &Silent).await.unwrap();
        assert_eq!(audit.passed(), noted, "{audit}");
    }
    node.stop().await;
}

/// What was on its way when the connections were cut is asked about, and the books agree with what the log told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_lost_on_the_way_are_asked_for() {
    let node = Node::start().await;
    let stream = Mode::Stream { payments_per_message: 64, messages_in_flight: 4 };
    let unary = Mode::Unary { calls_in_flight: 8 };
    for (name, mode) in [("CUTSTREAM", stream), ("CUTUNARY", unary)] {
        // The payments have some 440,000 bytes, what comes before them far fewer.
        let proxy = Proxy::start(&node.address, 200_000).await;
        let report = load(&proxy.address, &LoadOptions { mode, ..options(name) }, &Silent).await.unwrap();
        assert!(report.passed(), "{report}");
        assert_eq!(report.driven.counts.sent, PAYMENTS, "{report}");
        assert_eq!(report.driven.counts.settled, PAYMENTS, "{report}");
        assert!(report.driven.counts.resolved > 0, "{report}");
    }
    node.stop().await;
}

/// A run under the id of an earlier one only hears the stored answers, and its audit says that nothing moved.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_notices_payments_that_were_settled_before() {
    let node = Node::start().await;
    run(&node, &options("SAME")).await;
    let report = load(&node.address, &options("SAME"), &Silent).await.unwrap();
    assert_eq!(report.driven.counts.settled, PAYMENTS);
    assert!(!report.passed(), "{report}");
    let failed = |check: &&Check| !check.passed;
    assert!(report.audit.checks.iter().filter(failed).count() >= 2, "{report}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fixtures_come_to_what_they_should_in_the_demo_world() {
    let node = Node::start().await;
    let client = node.client().await;
    world::set_up(&client, &Silent).await.unwrap();
    world::set_up(&client, &Silent).await.unwrap();
    let iban = world::customer_iban(&world::BANKS[2], 1);
    let request = v1::GetAccountRequest { iban: iban.as_str().to_owned(), currency_code: "EUR".to_owned() };
    let account = client.get_account(request).await.unwrap().account.unwrap();
    assert_eq!(account.balance, "10000.00", "the second time paid nothing in");

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/pacs008");
    let documents = read_documents(&folder).unwrap();
    let run = RunId::from_time(1);
    let submitted = submit_documents(&client, &documents, Some(&run)).await.unwrap();
    assert_eq!(submitted.len(), documents.len());
    let differences = submitted.iter().filter(|submitted| submitted.difference.is_some());
    let differences: Vec<_> = differences.map(|submitted| submitted.to_json().to_string()).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(submitted.iter().all(|submitted| !submitted.answer.is_empty()));
    drop(client);
    node.stop().await;
}
