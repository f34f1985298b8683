//! What a snapshot costs those who pay meanwhile: one node that writes none, and one that writes several, under full
//! load.
//!
//! Both are the real binary with the same settings but for the bytes of log after which a snapshot follows. The follower
//! replays on both sides; what differs is writing its state and reading it back.
//!
//! Invariant: while a side is measured, the other one rests. What a side has put off is done after its run and before
//! the next, and shows in no figure but its own.

use std::time::Duration;

use anyhow::Context;
use loadgen::{Driven, LoadOptions, Mode};
use serde_json::json;

use super::binary::{Binary, Booked, NEVER, Node, Settings, SnapshotFiles};
use super::contest::{Findings, Load, options};
use super::folders::Folders;
use super::progress::Teller;
use super::rows::{Row, median, milliseconds, rates_note, ratio, row, text};
use super::stages;
use super::statistics::{Goal, Unit};
use super::trial::{Experiment, Figures, Method, Trial, Trials};

/// The accounts of both nodes.
pub(crate) const ACCOUNTS: u32 = 1_000_000;

/// How long a side is measured at least: shorter, and hardly a snapshot would be finished.
pub(crate) const SPAN_MIN: Duration = Duration::from_secs(5);

/// The experiment.
#[derive(Debug)]
pub(crate) struct SnapshotCost<'all> {
    binary: Binary,
    /// Without snapshots, and with them.
    sides: [Side; 2],
    method: &'all Method,
    folders: &'all mut Folders,
    teller: &'all Teller,
    findings: Findings,
}

#[derive(Debug)]
struct Side {
    name: &'static str,
    snapshot_after_bytes: u64,
    running: Option<Booked>,
    /// By the node that is running.
    settled: u64,
}

/// After so many payments a node is replaced by a fresh one: it holds each of them twice, and every snapshot holds all.
const PAYMENTS_WORN: u64 = 10_000_000;

/// More than a node gets before it is replaced: how fast the operating system gives memory is not what is measured.
const PAYMENTS_READY: usize = 16_000_000;

/// How both sides are driven.
fn load() -> Load {
    Load { accounts: ACCOUNTS, ..Load::max(Mode::STREAM) }
}

/// What their books are about.
fn world() -> LoadOptions {
    LoadOptions { accounts: ACCOUNTS, ..options() }
}

impl Side {
    async fn drive(&mut self, span: Duration) -> anyhow::Result<Driven> {
        let running = self.running.as_mut().context("a node is not up")?;
        let driven = running.drive(&load().options(span)).await?;
        self.settled += driven.counts.settled;
        Ok(driven)
    }

    fn node(&self) -> anyhow::Result<&Node> {
        Ok(&self.running.as_ref().context("a node is not up")?.node)
    }
}

impl<'all> SnapshotCost<'all> {
    /// The second node writes a snapshot after so many bytes of log.
    pub(crate) fn new(
        snapshot_after_bytes: u64,
        binary: Binary,
        method: &'all Method,
        folders: &'all mut Folders,
        teller: &'all Teller,
    ) -> Self {
        let side =
            |name, snapshot_after_bytes| Side { name, snapshot_after_bytes, running: None, settled: 0 };
        let sides = [side("without", NEVER), side("with snapshots", snapshot_after_bytes)];
        Self { binary, sides, method, folders, teller, findings: Findings::default() }
    }

    /// Stops both nodes, after asking them about their books.
    pub(crate) async fn finish(mut self) -> anyhow::Result<Findings> {
        for index in 0..self.sides.len() {
            self.stop(index).await?;
        }
        Ok(self.findings)
    }

    async fn start(&mut self, index: usize) -> anyhow::Result<()> {
        let Side { name, snapshot_after_bytes, .. } = self.sides[index];
        let folder = self.folders.with_accounts(ACCOUNTS, self.teller)?;
        self.teller.doing(&format!("starting the node {name}"));
        let settings = Settings {
            snapshot_after_bytes: Some(snapshot_after_bytes),
            keeps_history: false,
            payments_max: 2 * PAYMENTS_READY,
            payments_ready: PAYMENTS_READY,
        };
        let node = Node::start(&self.binary, folder, &settings).await?;
        let side = &mut self.sides[index];
        side.running = Some(Booked::open(node, world()).await?);
        side.settled = 0;
        self.teller.doing("warming up");
        side.drive(self.method.warm_up).await?;
        Ok(())
    }

    /// Audits and stops a node, if it is up.
    async fn stop(&mut self, index: usize) -> anyhow::Result<()> {
        let Some(running) = self.sides[index].running.take() else { return Ok(()) };
        running.finish(self.teller, &mut self.findings).await
    }

    /// Drives one side, and lets it finish what that brought.
    async fn measure(&mut self, index: usize) -> anyhow::Result<Figures> {
        let side = &mut self.sides[index];
        let before = SnapshotFiles::of(side.node()?.folder())?;
        let driven = side.drive(self.method.span).await?;
        let (name, node) = (side.name, side.node()?);
        let meanwhile = SnapshotFiles::of(node.folder())?;
        // The node rested before, so what is under way was begun during the run.
        let under_way = u64::from(node.follower().await?.is_writing_snapshot);
        self.findings.stages = stages::fetch(node.address()).await?;
        node.rest().await?;
        let mut figures = Figures::of(name, &driven).with_context(|| format!("a run {name} failed"))?;
        figures.details = json!({
            "run": figures.details,
            "snapshots": meanwhile.newest - before.newest + under_way,
            "snapshot_bytes": meanwhile.length,
        });
        Ok(figures)
    }
}

impl Experiment for SnapshotCost<'_> {
    const DURABLE: bool = true;

    async fn ready(&mut self) -> anyhow::Result<()> {
        for index in 0..self.sides.len() {
            if self.sides[index].settled > PAYMENTS_WORN {
                self.stop(index).await?;
            }
            if self.sides[index].running.is_none() {
                self.start(index).await?;
            }
        }
        self.teller.doing("waiting until both nodes rest");
        for running in self.sides.iter().filter_map(|side| side.running.as_ref()) {
            running.node.rest().await?;
        }
        Ok(())
    }

    async fn run(&mut self, forwards: bool) -> anyhow::Result<Vec<Figures>> {
        let [first, second] = if forwards { [0, 1] } else { [1, 0] };
        let figures = [self.measure(first).await?, self.measure(second).await?];
        Ok(if forwards { figures.into() } else { figures.into_iter().rev().collect() })
    }
}

/// What the trials came to.
pub(crate) fn rows(trials: &Trials, findings: &Findings) -> Vec<Row> {
    let slower = |trial: &Trial| {
        let [without, with] = [0, 1].map(|index| milliseconds(trial.figures[index].latency.p999));
        with / without
    };
    let sides = [0, 1].map(|index| {
        let p999 = median(trials, |trial| milliseconds(trial.figures[index].latency.p999));
        text(p999, Unit::Milliseconds)
    });
    let [without, with] = sides;
    let bytes = median(trials, |trial| number(trial, "snapshot_bytes")).map(|bytes| bytes / 1e6);
    let [least, middle] = [snapshots_least(trials), median(trials, |trial| number(trial, "snapshots"))];
    let told = |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.0}"));
    let snapshots =
        format!("{} snapshots a trial, at least {}, {} MB each", told(middle), told(least), told(bytes));
    let rate = Goal { must: Some(0.95), ..Goal::shown(Unit::Ratio) };
    let latency = Goal::at_most(Unit::Ratio, Some(2.0), None);
    let note = format!("{}; {snapshots}", rates_note(trials));
    let mut rows = vec![
        row("rate while snapshots are written", rate, trials, findings, ratio, note),
        row(
            "p99.9 while snapshots are written",
            latency,
            trials,
            findings,
            slower,
            format!("without {without}, with {with}"),
        ),
    ];
    // Nothing was compared in a trial without one.
    if least == Some(0.0) {
        for row in &mut rows {
            row.void.get_or_insert_with(|| "no snapshot was begun during a trial".to_owned());
        }
    }
    rows
}

/// The fewest snapshots of a trial.
fn snapshots_least(trials: &Trials) -> Option<f64> {
    trials.counted().map(|trial| number(trial, "snapshots")).min_by(f64::total_cmp)
}

/// What the node with snapshots found.
fn number(trial: &Trial, name: &str) -> f64 {
    trial.figures[1].details[name].as_f64().expect("every trial has its figures")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::rows::tests::trials;
    use crate::compare::statistics::Verdict;

    fn found(snapshots: &[u64]) -> Trials {
        let mut trials = trials();
        for (trial, snapshots) in trials.all.iter_mut().zip(snapshots) {
            trial.figures[0].latency.p999 = Duration::from_millis(10);
            trial.figures[1].latency.p999 = Duration::from_millis(19);
            trial.figures[1].details = json!({ "snapshots": snapshots, "snapshot_bytes": 612_000_000 });
        }
        trials
    }

    #[test]
    fn rows_compare_both_sides() {
        let rows = rows(&found(&[3, 0, 2, 3]), &Findings::default());
        assert_eq!(rows[0].verdict(), Verdict::Missed);
        assert!(rows[0].note.ends_with("3 snapshots a trial, at least 2, 612 MB each"), "{}", rows[0].note);
        assert_eq!(rows[1].verdict(), Verdict::Reached);
        assert_eq!(rows[1].note, "without 10.00 ms, with 19.00 ms");
    }

    #[test]
    fn a_trial_without_a_snapshot_compares_nothing() {
        let rows = rows(&found(&[3, 3, 0, 3]), &Findings::default());
        assert!(rows.iter().all(|row| row.verdict() == Verdict::Void));
    }
}
