//! The table for people and the object for programs.

use std::fmt;

use serde_json::{Value, json};

use super::machine::{Disk, Machine};
use super::rows::{Outcome, Row};
use super::stages;
use super::statistics::Verdict;
use super::trial::{Method, Trial};

/// Everything that came out.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) disk: Disk,
    pub(crate) method: Method,
    pub(crate) quick: bool,
    pub(crate) outcomes: Vec<Outcome>,
}

impl Report {
    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.outcomes.iter().flat_map(|outcome| &outcome.rows)
    }

    /// Whether a figure can't be trusted.
    pub(crate) fn is_void(&self) -> bool {
        self.disk_moved() || self.rows().any(|row| row.verdict() == Verdict::Void)
    }

    fn disk_moved(&self) -> bool {
        self.disk.before.moved(self.disk.after)
    }

    /// The most that others used of the processors during a trial that counts.
    fn foreign_max(&self) -> f64 {
        let trials = self.outcomes.iter().flat_map(|outcome| outcome.trials.counted());
        trials.map(|trial| trial.surroundings.foreign_during).fold(0.0, f64::max)
    }

    /// The most that the host took during a trial that counts.
    fn steal_max(&self) -> f64 {
        let trials = self.outcomes.iter().flat_map(|outcome| outcome.trials.counted());
        trials.map(|trial| trial.surroundings.steal).fold(0.0, f64::max)
    }

    /// The form for programs.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "void": self.is_void(),
            "machine": self.machine.to_json(),
            "sync_micros": self.disk.to_json(),
            "method": {
                "quick": self.quick,
                "trials": self.method.trials,
                "seconds": self.method.span.as_secs_f64(),
                "warm_up_seconds": self.method.warm_up.as_secs_f64(),
                "foreign_cpu_max": self.foreign_max(),
                "steal_max": self.steal_max(),
            },
            "rows": self.rows().map(row_json).collect::<Vec<_>>(),
            "experiments": self.outcomes.iter().map(outcome_json).collect::<Vec<_>>(),
        })
    }
}

fn row_json(row: &Row) -> Value {
    json!({
        "name": row.name,
        "unit": row.goal.unit.name(),
        "larger_is_better": row.goal.larger_is_better,
        "must": row.goal.must,
        "aim": row.goal.aim,
        "median": row.spread.map(|spread| spread.median),
        "quartiles": row.spread.map(|spread| [spread.lower_quartile, spread.upper_quartile]),
        "verdict": row.verdict().name(),
        "void": row.void,
        "note": row.note,
    })
}

fn outcome_json(outcome: &Outcome) -> Value {
    json!({
        "experiment": outcome.experiment.name(),
        "rows": outcome.rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(),
        "trials": outcome.trials.all.iter().map(Trial::to_json).collect::<Vec<_>>(),
        "audits": outcome.findings.audits.iter().map(loadgen::AuditReport::to_json).collect::<Vec<_>>(),
        "stages": stages::to_json(&outcome.findings.stages),
        "details": outcome.details,
    })
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cells =
            vec![["row", "must", "aim", "measured", "quartiles", "verdict", ""].map(str::to_owned)];
        cells.extend(self.rows().map(row_cells));
        write!(formatter, "{}", table(&cells))?;
        for row in self.rows() {
            if let Some(void) = &row.void {
                writeln!(formatter, "{} is void: {void}", row.name)?;
            }
        }
        if self.disk_moved() {
            writeln!(formatter, "everything is void: the disk is not what it was")?;
        }
        for outcome in self.outcomes.iter().filter(|outcome| !outcome.findings.stages.is_empty()) {
            writeln!(formatter, "\nstages of a payment, {}", outcome.experiment.name())?;
            write!(formatter, "{}", stages::text(&outcome.findings.stages))?;
        }
        writeln!(formatter)?;
        self.write_machine(formatter)
    }
}

impl Report {
    fn write_machine(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cores, processor, memory_bytes, kernel, file_system, load_average, date, revision } =
            &self.machine;
        let memory = memory_bytes >> 30;
        let Disk { before, after } = self.disk;
        let sync = |probe: super::disk::SyncLatency| {
            format!("p50 {} us, p99 {} us", probe.p50.as_micros(), probe.p99.as_micros())
        };
        writeln!(formatter, "machine      {cores} cores of {processor}, {memory} GiB, Linux {kernel}")?;
        writeln!(formatter, "data on      {file_system}")?;
        writeln!(formatter, "disk sync    before {}; after {}", sync(before), sync(after))?;
        let (foreign, steal) = (self.foreign_max() * 100.0, self.steal_max() * 100.0);
        writeln!(
            formatter,
            "others       at most {foreign:.1} % of the processors; the host took {steal:.1} %"
        )?;
        writeln!(formatter, "load average {load_average} at the start")?;
        let trials = self.method.trials;
        let seconds = self.method.span.as_secs_f64();
        let quick = if self.quick { "; a quick look, not a result" } else { "" };
        writeln!(formatter, "method       {trials} trials, {seconds} s a side{quick}")?;
        writeln!(formatter, "built from   {revision}, measured {date}")
    }
}

fn row_cells(row: &Row) -> [String; 7] {
    let unit = row.goal.unit;
    let dash = || "-".to_owned();
    let bound = |bound: Option<f64>| bound.map_or_else(dash, |bound| unit.text(bound));
    let (measured, quartiles) = row.spread.map_or_else(
        || (dash(), dash()),
        |spread| {
            let quartiles = [spread.lower_quartile, spread.upper_quartile].map(|figure| unit.text(figure));
            (unit.text(spread.median), quartiles.join(" to "))
        },
    );
    let verdict = row.verdict().name().to_owned();
    [
        row.name.clone(),
        bound(row.goal.must),
        bound(row.goal.aim),
        measured,
        quartiles,
        verdict,
        row.note.clone(),
    ]
}

/// Rows of cells, each column as wide as its widest cell; the first row is the heading.
pub(crate) fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
        if index == 0 {
            let total: usize = widths.iter().sum::<usize>() + 2 * (COLUMNS - 1);
            text.push_str(&"-".repeat(total.min(LINE_MAX)));
            text.push('\n');
        }
    }
    text
}

/// How long the line below a heading is at most.
const LINE_MAX: usize = 110;

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
