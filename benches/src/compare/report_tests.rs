//! How the table and the object read.

use std::path::PathBuf;
use std::time::Duration;

use client::v1::{Stage, StageTimes};

use super::*;
use crate::compare::contest::Findings;
use crate::compare::disk::SyncLatency;
use crate::compare::rows::{Experiment, tests::trials};
use crate::compare::statistics::{Goal, Spread, Unit};

fn sync(p99: u64) -> SyncLatency {
    SyncLatency { p50: Duration::from_micros(51), p99: Duration::from_micros(p99) }
}

fn report(rows: Vec<Row>, disk: Disk) -> Report {
    let machine = Machine {
        cores: 2,
        processor: "A processor".to_owned(),
        memory_bytes: 24 << 30,
        kernel: "6.18".to_owned(),
        file_system: "ext4 (rw)".to_owned(),
        load_average: "0.01 0.02 0.03 1/100 1".to_owned(),
        date: "2026-11-21T10:00:00Z".to_owned(),
        revision: "abc".to_owned(),
    };
    let stage = StageTimes {
        stage: Stage::Flush.into(),
        count: 7,
        median_nanoseconds: 60_000,
        percentile_99_nanoseconds: 179_001,
        percentile_999_nanoseconds: 190_000,
        maximum_nanoseconds: 999_000,
    };
    let findings = Findings { stages: vec![stage], ..Findings::default() };
    let outcome =
        Outcome { experiment: Experiment::Unary, rows, trials: trials(), findings, details: Value::Null };
    Report { machine, disk, method: Method::quick(PathBuf::new()), quick: true, outcomes: vec![outcome] }
}

fn steady() -> Disk {
    Disk { before: sync(100), after: sync(150) }
}

fn row() -> Row {
    Row {
        name: "unary / empty unary".to_owned(),
        goal: Goal::at_least(Unit::Ratio, 0.75, 0.90),
        spread: Spread::of(&[0.8, 0.85, 0.9]),
        void: None,
        note: "empty 80.0 k/s".to_owned(),
    }
}

#[test]
fn the_table_is_one_for_people() {
    let expected = "\
row                  must   aim    measured  quartiles       verdict
-----------------------------------------------------------------------------------------
unary / empty unary  0.750  0.900  0.850     0.825 to 0.875  must reached  empty 80.0 k/s

stages of a payment, unary
stage  count  p50    p99     p99.9   max
-------------------------------------------
flush  7      60 us  180 us  190 us  999 us

machine      2 cores of A processor, 24 GiB, Linux 6.18
data on      ext4 (rw)
disk sync    before p50 51 us, p99 100 us; after p50 51 us, p99 150 us
others       at most 2.0 % of the processors; the host took 1.0 %
load average 0.01 0.02 0.03 1/100 1 at the start
method       3 trials, 2 s a side; a quick look, not a result
built from   abc, measured 2026-11-21T10:00:00Z
";
    assert_eq!(report(vec![row()], steady()).to_string(), expected);
}

#[test]
fn what_is_void_says_so() {
    let void = Row { spread: None, void: Some("somebody compiled".to_owned()), ..row() };
    let report_void = report(vec![void], steady());
    assert!(report_void.is_void());
    let text = report_void.to_string();
    assert!(text.contains("VOID"), "{text}");
    assert!(text.contains("unary / empty unary is void: somebody compiled"), "{text}");
    let moved = report(vec![row()], Disk { before: sync(100), after: sync(300) });
    assert!(moved.is_void());
    assert!(moved.to_string().contains("everything is void"));
    assert!(!report(vec![row()], steady()).is_void());
}

#[test]
fn programs_get_every_figure() {
    let json = report(vec![row()], steady()).to_json();
    assert_eq!(json["void"], false);
    let row = &json["rows"][0];
    assert_eq!((&row["must"], &row["verdict"]), (&json!(0.75), &json!("must reached")));
    assert_eq!((&row["median"], &row["unit"]), (&json!(0.85), &json!("ratio")));
    let experiment = &json["experiments"][0];
    assert_eq!(experiment["experiment"], "unary");
    assert_eq!(experiment["trials"].as_array().unwrap().len(), 4);
    assert_eq!(experiment["trials"][1]["counts"], false);
    assert_eq!(experiment["trials"][0]["figures"][1]["per_second"], 80_000.0);
    assert_eq!(experiment["stages"][0]["p99_nanoseconds"], 179_001);
    assert_eq!(json["sync_micros"]["after"]["p99"], 150);
}
