//! How reports read.

use super::*;
use crate::plan::Plan;
use crate::{Check, Extent};

fn latency() -> Latency {
    let mut histogram = Latencies::empty_histogram();
    for micros in 1..=1_000 {
        histogram.record(micros * 10).unwrap();
    }
    Latency::of(&histogram)
}

fn report(options: LoadOptions, counts: Counts, passed: bool) -> LoadReport {
    let check = Check { name: "every book sums to zero", passed, detail: "7 books".to_owned() };
    let totals = Totals {
        counts,
        latency: latency(),
        refusal_latency: Latency::default(),
        late_max: Duration::from_micros(80),
        gave_up: Vec::new(),
    };
    let confirmed = Confirmed::new(Plan::new(&options), Vec::new());
    let audit = AuditReport { checks: vec![check] };
    let driven = Driven::new(&options, Duration::from_millis(250), totals);
    LoadReport { driven, audit, confirmed, banks: None }
}

fn options() -> LoadOptions {
    let options = LoadOptions::new("RUN1".parse().unwrap());
    LoadOptions { extent: Extent::Payments(100_000), ..options }
}

#[test]
fn a_plain_run_is_a_short_table() {
    let counts = Counts { sent: 100_000, settled: 100_000, ..Counts::default() };
    let expected = "\
load RUN1: stream, 4 connections, 8 messages of 256 payments in flight each
uniform over 1,000 accounts; closed loop: answers let payments go, so latency is that of a full pipe
  sent                            100,000   in 250.0 ms
  settled                         100,000   400,000/s
  latency: p50 5.00 ms   p99 9.90 ms   p99.9 9.99 ms   max 10.0 ms
audit: passed
  ok      every book sums to zero: 7 books
";
    assert_eq!(report(options(), counts, true).to_string(), expected);
}

#[test]
fn whatever_went_wrong_is_shown() {
    let counts = Counts {
        sent: 12,
        settled: 1,
        rejected: BTreeMap::from([("AM04".to_owned(), 2)]),
        expired: 3,
        not_taken: BTreeMap::from([(code_name(8), 4)]),
        unknown: 5,
        resolved: 6,
        unasked: 7,
        not_sent: 8,
    };
    let options = LoadOptions { rate: Rate::PerSecond(20_000), mode: Mode::UNARY, ..options() };
    let mut report = report(options, counts, false);
    report.driven.refusal_latency = latency();
    report.driven.gave_up.push("the node ended the stream".to_owned());
    let text = report.to_string();
    for part in [
        "unary, 4 connections, 64 calls in flight each",
        "open loop: 20,000 a second, independent arrivals",
        "rejected AM04                         2",
        "not taken RESOURCE_EXHAUSTED",
        "expired ",
        "unknown ",
        "asked about ",
        "answers to nothing ",
        "not sent ",
        "latency of refusals: p50",
        "left 80 us after its time",
        "gave up: the node ended the stream",
        "audit: FAILED",
        "DIFFERS every book",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!report.passed());
}

#[test]
fn programs_read_the_same() {
    let counts = Counts { sent: 100_000, settled: 100_000, ..Counts::default() };
    let report = report(options(), counts, true);
    let json = report.to_json();
    assert_eq!(json["loop"], "closed");
    assert_eq!(json["rate"], Value::Null);
    assert_eq!(json["settled_per_second"], 400_000);
    assert_eq!(json["counts"]["settled"], 100_000);
    assert_eq!(json["latency_micros"]["p99"], 9_903);
    assert_eq!(json["passed"], true);
    assert_eq!(report.driven.counts.decided(), 100_000);
}
