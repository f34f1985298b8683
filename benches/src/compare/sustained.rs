//! A steady load for minutes, with all that an operator's node does beside it: whether those who follow the log keep up,
//! and how soon they have caught up with a burst.
//!
//! Invariant: the load is open-loop, so a node that stalls can't slow it down.

use std::time::{Duration, Instant};

use anyhow::Context;
use loadgen::{LoadOptions, Mode, Rate, Silent, drive};
use serde_json::json;

use super::binary::{Binary, Booked, Node, Settings};
use super::contest::{Findings, Load, options};
use super::folders::Folders;
use super::lag::{FOLLOWERS, Lags, caught_up};
use super::progress::Teller;
use super::rows::{Row, median, p99, row, text};
use super::stages;
use super::statistics::{Goal, Unit};
use super::trial::{Experiment, Figures, Method, Trial, Trials};

/// The accounts of the node.
const ACCOUNTS: u32 = 1_000_000;

/// How long the burst at its end is.
const BURST: Duration = Duration::from_secs(10);

/// As the binary has it by itself.
const PAYMENTS_READY: usize = 1 << 20;

/// The part of what is offered that must be settled: the last payments come back after the end.
const SETTLED_SHARE_MIN: f64 = 0.99;

/// By how much more somebody may be behind at the end, in seconds: what an operator would call the same.
const GROWTH_SECONDS_MAX: f64 = 1.0;

/// A steady load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steady {
    pub(crate) per_second: u64,
    pub(crate) span: Duration,
}

impl Steady {
    /// The load itself: full messages, as independent callers bring them.
    fn load(self) -> Load {
        Load { rate: Rate::PerSecond(self.per_second), accounts: ACCOUNTS, ..Load::max(Mode::STREAM) }
    }
}

/// What the node's books are about.
fn world() -> LoadOptions {
    LoadOptions { accounts: ACCOUNTS, ..options() }
}

/// The experiment.
#[derive(Debug)]
pub(crate) struct Sustained<'all> {
    steady: Steady,
    binary: Binary,
    method: &'all Method,
    folders: &'all mut Folders,
    teller: &'all Teller,
    running: Option<Booked>,
    findings: Findings,
}

impl<'all> Sustained<'all> {
    pub(crate) fn new(
        steady: Steady,
        binary: Binary,
        method: &'all Method,
        folders: &'all mut Folders,
        teller: &'all Teller,
    ) -> Self {
        Self { steady, binary, method, folders, teller, running: None, findings: Findings::default() }
    }

    /// Stops the last node, after asking it about its books.
    pub(crate) async fn finish(mut self) -> anyhow::Result<Findings> {
        self.stop().await?;
        Ok(self.findings)
    }

    async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(running) = self.running.take() else { return Ok(()) };
        running.finish(self.teller, &mut self.findings).await
    }
}

impl Experiment for Sustained<'_> {
    const DURABLE: bool = true;

    async fn ready(&mut self) -> anyhow::Result<()> {
        // A fresh one each time: one that has held as many payments before has the memory, and a longer history.
        self.stop().await?;
        let folder = self.folders.with_accounts(ACCOUNTS, self.teller)?;
        self.teller.doing("starting the node");
        let settings = Settings {
            snapshot_after_bytes: None,
            keeps_history: true,
            payments_max: ledger::Limits::default().payments_max,
            payments_ready: PAYMENTS_READY,
        };
        let node = Node::start(&self.binary, folder, &settings).await?;
        let mut running = Booked::open(node, world()).await?;
        self.teller.doing("warming up, and waiting until history has caught up with the accounts");
        running.drive(&self.steady.load().options(self.method.warm_up)).await?;
        caught_up(&running.node).await?;
        running.node.rest().await?;
        self.running = Some(running);
        Ok(())
    }

    async fn run(&mut self, _: bool) -> anyhow::Result<Vec<Figures>> {
        let running = self.running.as_mut().context("the node is not up")?;
        let Steady { per_second, span } = self.steady;
        self.teller.doing(&format!("{per_second} payments a second for {} s", span.as_secs()));
        let mut lags = Lags::default();
        let options = self.steady.load().options(span);
        let address = running.node.address().to_owned();
        let driven = tokio::select! {
            driven = drive(&address, &options, &Silent) => driven?,
            failed = lags.watch(&running.node, Instant::now()) => {
                failed?;
                unreachable!("a watch ends with an error only")
            }
        };
        let (driven, confirmed) = driven;
        running.books.note(&driven, confirmed);
        self.findings.stages = stages::fetch(&address).await?;
        let after_load = caught_up(&running.node).await?;
        self.teller.doing("a burst");
        let burst = Load { accounts: ACCOUNTS, ..Load::max(Mode::STREAM) }.options(BURST.min(span));
        let burst = running.drive(&burst).await?;
        let after_burst = caught_up(&running.node).await?;
        let mut figures = Figures::of("steady", &driven)?;
        let rate = per_second as f64;
        let follower = |index: usize| {
            let lag = lags.of(index, rate).context("the load was too short to see anything")?;
            anyhow::Ok(json!({
                "median_seconds": lag.median,
                "most_seconds": lag.most,
                "growth_seconds": lag.growth,
                "after_load_seconds": after_load[index],
                "after_burst_seconds": after_burst[index],
            }))
        };
        let mut details = json!({
            "run": figures.details,
            "offered_per_second": per_second,
            "burst": burst.to_json(),
            "burst_payments": burst.counts.settled,
            "resident_bytes": running.node.process().resident_bytes()?,
            "behind": lags.to_json(),
        });
        for (index, name) in FOLLOWERS.into_iter().enumerate() {
            details[name] = follower(index)?;
        }
        figures.details = details;
        Ok(vec![figures])
    }
}

/// What the trial came to.
pub(crate) fn rows(steady: Steady, trials: &Trials, findings: &Findings) -> Vec<Row> {
    let share = |trial: &Trial| trial.figures[0].per_second / steady.per_second as f64;
    let rate = median(trials, |trial| trial.figures[0].per_second);
    let offered = Unit::PerSecond.text(steady.per_second as f64);
    let note = format!("{offered} for {} s: {}", steady.span.as_secs(), text(rate, Unit::PerSecond));
    let goal = Goal { must: Some(SETTLED_SHARE_MIN), ..Goal::shown(Unit::Ratio) };
    let shown = |unit| Goal::at_most(unit, None, None);
    let mut rows = vec![
        row("sustained, settled / offered", goal, trials, findings, share, note),
        row(
            "sustained, p99",
            shown(Unit::Milliseconds),
            trials,
            findings,
            |trial| p99(&trial.figures[0]),
            String::new(),
        ),
    ];
    for name in FOLLOWERS {
        let figure = |what: &'static str| {
            move |trial: &Trial| {
                trial.figures[0].details[name][what].as_f64().expect("every trial has its figures")
            }
        };
        let [middle, most, after_load] = ["median_seconds", "most_seconds", "after_load_seconds"]
            .map(|what| text(median(trials, figure(what)), Unit::Seconds));
        let growth = Goal::at_most(Unit::Seconds, Some(GROWTH_SECONDS_MAX), None);
        rows.push(row(
            &format!("{name}, growth of its lag"),
            growth,
            trials,
            findings,
            figure("growth_seconds"),
            format!("median {middle}, most {most}; caught up {after_load} after the load"),
        ));
        let payments = median(trials, |trial| {
            trial.figures[0].details["burst_payments"].as_f64().expect("every trial has its figures")
        });
        rows.push(row(
            &format!("{name}, caught up after a burst"),
            shown(Unit::Seconds),
            trials,
            findings,
            figure("after_burst_seconds"),
            payments.map_or_else(String::new, |payments| format!("{payments:.0} payments")),
        ));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::rows::tests::trials;
    use crate::compare::statistics::Verdict;

    #[test]
    fn whoever_falls_back_misses() {
        let mut trials = trials();
        for trial in &mut trials.all {
            let found = |growth: f64| {
                json!({
                    "median_seconds": 0.1, "most_seconds": 2.5, "growth_seconds": growth,
                    "after_load_seconds": 0.2, "after_burst_seconds": 7.0,
                })
            };
            trial.figures[0].details =
                json!({ "burst_payments": 5_000_000, "follower": found(0.3), "history": found(40.0) });
        }
        let steady = Steady { per_second: 80_000, span: Duration::from_secs(60) };
        let rows = rows(steady, &trials, &Findings::default());
        let verdicts: Vec<_> = rows.iter().map(Row::verdict).collect();
        use Verdict::{Missed, NoGoal, Reached};
        assert_eq!(verdicts, [Reached, NoGoal, Reached, NoGoal, Missed, NoGoal]);
        assert_eq!(rows[2].note, "median 0.1 s, most 2.5 s; caught up 0.2 s after the load");
        assert_eq!(rows[5].note, "5000000 payments");
    }
}
