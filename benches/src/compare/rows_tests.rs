//! What rows are made of, without measuring anything.

use loadgen::{AuditReport, Check, Latency};

use super::*;
use crate::compare::quiet::Surroundings;

pub(crate) fn trial(rates: &[f64], faults: &[&str]) -> Trial {
    let figures = rates.iter().zip(["empty", "engine"]).map(|(rate, side)| Figures {
        side,
        per_second: *rate,
        latency: Latency { p99: Duration::from_millis(2), ..Latency::default() },
        refusal_latency: Latency::default(),
        details: Value::Null,
    });
    let surroundings = Surroundings { foreign_before: 0.0, foreign_during: 0.02, steal: 0.01, disk: None };
    let faults = faults.iter().map(|fault| (*fault).to_owned()).collect();
    Trial { figures: figures.collect(), surroundings, faults }
}

pub(crate) fn trials() -> Trials {
    let all = vec![
        trial(&[100_000.0, 80_000.0], &[]),
        trial(&[100_000.0, 1.0], &["somebody compiled"]),
        trial(&[50_000.0, 45_000.0], &[]),
        trial(&[80_000.0, 68_000.0], &[]),
    ];
    Trials { all, wanted: 3 }
}

#[test]
fn ratios_are_of_pairs_that_count() {
    let goal = Goal::at_least(Unit::Ratio, 0.75, 0.90);
    let row = row("unary / empty unary", goal, &trials(), &Findings::default(), ratio, rates_note(&trials()));
    let spread = row.spread.unwrap();
    assert!(
        (spread.median - 0.85).abs() < 1e-9,
        "not the ratio of the medians, which would be the same by chance"
    );
    assert!((spread.lower_quartile - 0.825).abs() < 1e-9);
    assert_eq!(row.verdict(), Verdict::MustReached);
    assert_eq!(row.note, "empty 80.0 k/s, engine 68.0 k/s");
}

#[test]
fn too_few_trials_or_wrong_books_void_a_row() {
    let goal = Goal::at_least(Unit::Ratio, 0.75, 0.90);
    let few = Trials { wanted: 4, ..trials() };
    let void = row("a", goal, &few, &Findings::default(), ratio, String::new());
    assert_eq!(void.verdict(), Verdict::Void);
    let check = Check { name: "every book sums to zero", passed: false, detail: "off by 0.01".to_owned() };
    let findings = Findings { audits: vec![AuditReport { checks: vec![check] }], ..Findings::default() };
    let wrong = row("a", goal, &trials(), &findings, ratio, String::new());
    assert_eq!(wrong.verdict(), Verdict::Void);
    assert_eq!(wrong.void.unwrap(), "the books are wrong: every book sums to zero: off by 0.01");
}

#[test]
fn an_overload_without_refusals_lets_everybody_wait() {
    let mut overloaded = trial(&[9_500.0], &[]);
    assert!((refused(&overloaded) - 2.0).abs() < 1e-9);
    overloaded.figures[0].refusal_latency =
        Latency { count: 50, p99: Duration::from_micros(700), ..Latency::default() };
    overloaded.figures[0].details = json!({ "counts": { "sent": 200, "not_sent": 0 } });
    assert!((refused(&overloaded) - 0.7).abs() < 1e-9);
    assert_eq!(percent(Some(refused_share(&overloaded))), "25 %");
}
