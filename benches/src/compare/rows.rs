//! The rows of the table: what is measured for each, and what it should come to (design.md section 6).

use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use loadgen::{Mode, Rate, Workload};
use serde_json::{Value, json};

use super::contest::{
    ACCOUNTS, Beside, Contest, Elsewhere, Findings, Kind, Load, Side, resident_bytes_at_start, run_once,
};
use super::core_alone::CoreAlone;
use super::folders::{Folders, remove};
use super::lasting::Lasting;
use super::log_bytes::{LogBytes, last_batch};
use super::mass_expiry::{self, MassExpiry};
use super::process::ServerProcess;
use super::progress::Teller;
use super::statistics::{Goal, Spread, Unit, Verdict};
use super::trial::{Figures, Method, Trial, Trials, measure};

/// What can be measured. Each gives one or more rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Experiment {
    /// Unary calls against the empty service.
    Unary,
    /// Streams against the empty service, and their absolute rate.
    Stream,
    /// Streams whose payees' banks are asked about each payment, against the empty service.
    TwoPhase,
    /// One hot payee against anyone pays anyone.
    Hot,
    /// 1 M accounts against 1 k.
    #[value(name = "accounts-1m")]
    Accounts1M,
    /// 10 M accounts against 1 k.
    #[value(name = "accounts-10m")]
    Accounts10M,
    /// The core alone, on one thread.
    Core,
    /// Latency of unary calls at 20,000 a second.
    Latency,
    /// Latency of unary calls at half of what was measured at most.
    LatencyHalf,
    /// Three times as much as the core takes.
    Overload,
    /// Nine of ten banks while the tenth never answers, against the same nine while it does.
    SilentBank,
    /// A million payments that wait for a silent bank and expire together, beside new ones.
    MassExpiry,
    /// Bytes of log a payment.
    Log,
    /// Bytes of memory an account.
    Memory,
    /// Full load while snapshots are written, against none. Only if named; takes the real binary.
    Snapshot,
    /// A steady load for minutes, and whether follower and history keep up. Only if named; takes the real binary.
    Sustained,
    /// From a killed node to one that is ready. Only if named; takes the real binary.
    Recovery,
    /// Verification of payee beside full load. Only if named; takes the real binary.
    Verification,
    /// Bytes of history a payment, and look-ups in it. Only if named; takes the history crate's example `size`.
    HistorySize,
}

impl Experiment {
    /// Whether another program is measured, which has to be built beside this one.
    pub(crate) const fn takes_other(self) -> bool {
        matches!(
            self,
            Self::Snapshot | Self::Sustained | Self::Recovery | Self::Verification | Self::HistorySize
        )
    }

    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) goal: Goal,
    pub(crate) spread: Option<Spread>,
    /// Why the figure can't be trusted, if so.
    pub(crate) void: Option<String>,
    /// What the figure is made of, in a few words.
    pub(crate) note: String,
}

impl Row {
    pub(crate) fn verdict(&self) -> Verdict {
        match (&self.void, self.spread) {
            (None, Some(spread)) => self.goal.judge(spread.median),
            _ => Verdict::Void,
        }
    }
}

/// What an experiment came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) experiment: Experiment,
    pub(crate) rows: Vec<Row>,
    pub(crate) trials: Trials,
    pub(crate) findings: Findings,
    /// Whatever else it is made of, for programs.
    pub(crate) details: Value,
}

/// What every experiment works with.
#[derive(Debug)]
pub(crate) struct Laboratory {
    pub(crate) method: Method,
    pub(crate) folders: Folders,
    pub(crate) teller: Teller,
    /// Whether everything is only looked at.
    pub(crate) quick: bool,
    /// For what other programs show.
    pub(crate) lasting: Lasting,
    /// The engine's rate of unary calls, once it is known.
    pub(crate) unary_per_second: Option<f64>,
}

const EMPTY: Kind = Kind::Empty;

const NODE: Kind = Kind::Node { accounts: ACCOUNTS, commands_per_second_max: None };

/// The rate at which latency is measured.
const LATENCY_RATE: u64 = 20_000;

/// What the core takes at most, and what it is offered, when overload is measured.
const OVERLOAD: (u32, u64) = (10_000, 30_000);

/// Payments a second to the tenth bank: while it is silent, 14,000 wait for it at any time.
const TENTH_RATE: u64 = 2_000;

/// Trials with the silent bank that must count.
const SILENT_TRIALS: usize = 5;

/// Payments that expire together, and trials that must count: each needs a node of its own.
const MASS_EXPIRY_RESERVATIONS: [u64; 2] = [1_000_000, 50_000];
const MASS_EXPIRY_TRIALS: usize = 3;

/// Payments of one trial of the core alone.
const CORE_PAYMENTS: [u32; 2] = [2_000_000, 1_000_000];

impl Laboratory {
    /// Does one experiment.
    pub(crate) async fn run(&mut self, experiment: Experiment) -> anyhow::Result<Outcome> {
        self.teller.begin(&experiment.name());
        let done = match experiment {
            Experiment::Unary => self.unary().await,
            Experiment::Stream => self.stream().await,
            Experiment::TwoPhase => self.two_phase().await,
            Experiment::Hot => self.hot().await,
            Experiment::Accounts1M => self.accounts(experiment, 1_000_000).await,
            Experiment::Accounts10M => self.accounts(experiment, 10_000_000).await,
            Experiment::Core => self.core().await,
            Experiment::Latency => self.latency(experiment, LATENCY_RATE).await,
            Experiment::LatencyHalf => self.latency_half().await,
            Experiment::Overload => self.overload().await,
            Experiment::SilentBank => self.silent_bank().await,
            Experiment::MassExpiry => self.mass_expiry().await,
            Experiment::Log => self.log().await,
            Experiment::Memory => self.memory(),
            Experiment::Snapshot => self.snapshot().await,
            Experiment::Sustained => self.sustained().await,
            Experiment::Recovery => self.recovery().await,
            Experiment::Verification => self.verification().await,
            Experiment::HistorySize => self.history_size(),
        };
        done.with_context(|| format!("{} could not be measured", experiment.name()))
    }

    async fn contest(&mut self, kinds: &[Kind], sides: &[Side]) -> anyhow::Result<(Trials, Findings)> {
        let method = self.method.clone();
        self.contest_with(&method, kinds, sides).await
    }

    async fn contest_with(
        &mut self,
        method: &Method,
        kinds: &[Kind],
        sides: &[Side],
    ) -> anyhow::Result<(Trials, Findings)> {
        let Self { folders, teller, .. } = self;
        let mut contest = Contest::new(kinds, sides, method, folders, teller);
        let trials = measure(&mut contest, method, teller).await?;
        Ok((trials, contest.finish().await?))
    }

    /// The engine against the yardstick under one load.
    async fn against_empty(&mut self, load: Load) -> anyhow::Result<(Trials, Findings)> {
        let sides = [side("empty", 0, load), side("engine", 1, load)];
        self.contest(&[EMPTY, NODE], &sides).await
    }

    async fn unary(&mut self) -> anyhow::Result<Outcome> {
        let (trials, findings) = self.against_empty(Load::max(Mode::UNARY)).await?;
        let rates = Spread::of(&trials.counted().map(second_rate).collect::<Vec<_>>());
        self.unary_per_second = rates.map(|rates| rates.median);
        let goal = Goal::at_least(Unit::Ratio, 0.75, 0.90);
        let rows = vec![row("unary / empty unary", goal, &trials, &findings, ratio, rates_note(&trials))];
        Ok(Outcome { experiment: Experiment::Unary, rows, trials, findings, details: Value::Null })
    }

    async fn stream(&mut self) -> anyhow::Result<Outcome> {
        let (trials, findings) = self.against_empty(Load::max(Mode::STREAM)).await?;
        let goals =
            [Goal::at_least(Unit::Ratio, 0.50, 0.70), Goal::at_least(Unit::PerSecond, 400_000.0, 900_000.0)];
        let note = rates_note(&trials);
        let rows = vec![
            row("stream / empty stream", goals[0], &trials, &findings, ratio, note),
            row("stream, absolute", goals[1], &trials, &findings, second_rate, String::new()),
        ];
        Ok(Outcome { experiment: Experiment::Stream, rows, trials, findings, details: Value::Null })
    }

    /// Every payment is reserved, asked about, answered on the payee's bank's connection, and confirmed to both banks.
    async fn two_phase(&mut self) -> anyhow::Result<Outcome> {
        let elsewhere = Some(Elsewhere { banks: 4, beside: None });
        let (trials, findings) = self.against_empty(Load { elsewhere, ..Load::max(Mode::STREAM) }).await?;
        let goal = Goal::at_least(Unit::Ratio, 0.15, 0.25);
        let note = rates_note(&trials);
        let rows = vec![row("two-phase stream / empty stream", goal, &trials, &findings, ratio, note)];
        Ok(Outcome { experiment: Experiment::TwoPhase, rows, trials, findings, details: Value::Null })
    }

    /// What counts on both sides is the payments to nine banks. The tenth is paid beside them, at the same rate on both
    /// sides, so that nothing differs but its silence.
    async fn silent_bank(&mut self) -> anyhow::Result<Outcome> {
        let with = |is_silent| {
            let beside = Some(Beside { per_second: TENTH_RATE, is_silent });
            Load { elsewhere: Some(Elsewhere { banks: 9, beside }), ..Load::max(Mode::STREAM) }
        };
        let sides = [side("all ten answer", 0, with(false)), side("one is silent", 0, with(true))];
        let method = Method { trials: self.method.trials.min(SILENT_TRIALS), ..self.method.clone() };
        let (trials, findings) = self.contest_with(&method, &[NODE], &sides).await?;
        let goals = [
            Goal { must: Some(0.95), ..Goal::shown(Unit::Ratio) },
            Goal::at_most(Unit::Ratio, Some(1.10), None),
        ];
        let slower = |trial: &Trial| p99(&trial.figures[1]) / p99(&trial.figures[0]);
        let p99s = [0, 1].map(|index| median(&trials, |trial| p99(&trial.figures[index])));
        let note = p99s.map(|p99| text(p99, Unit::Milliseconds)).join(" and, beside the silent one, ");
        let rows = vec![
            row(
                "rate of nine banks beside a silent one",
                goals[0],
                &trials,
                &findings,
                ratio,
                rates_note(&trials),
            ),
            row("p99 of nine banks beside a silent one", goals[1], &trials, &findings, slower, note),
        ];
        let details = json!({ "tenth_per_second": TENTH_RATE });
        Ok(Outcome { experiment: Experiment::SilentBank, rows, trials, findings, details })
    }

    async fn mass_expiry(&mut self) -> anyhow::Result<Outcome> {
        let Self { folders, teller, .. } = self;
        let method = Method { trials: self.method.trials.min(MASS_EXPIRY_TRIALS), ..self.method.clone() };
        let reservations = MASS_EXPIRY_RESERVATIONS[usize::from(self.quick)];
        let mut expiry = MassExpiry::new(reservations, &method, folders, teller);
        let trials = measure(&mut expiry, &method, teller).await?;
        let findings = expiry.finish().await?;
        let rows = mass_expiry::rows(&trials, &findings);
        let details = json!({ "reservations": reservations });
        Ok(Outcome { experiment: Experiment::MassExpiry, rows, trials, findings, details })
    }

    async fn hot(&mut self) -> anyhow::Result<Outcome> {
        let uniform = Load::max(Mode::STREAM);
        let hot = Load { workload: Workload::Hot, ..uniform };
        let sides = [side("uniform", 0, uniform), side("hot", 0, hot)];
        let (trials, findings) = self.contest(&[NODE], &sides).await?;
        let goal = Goal::at_least(Unit::Ratio, 0.93, 1.0);
        let rows = vec![row("one hot payee / uniform", goal, &trials, &findings, ratio, rates_note(&trials))];
        Ok(Outcome { experiment: Experiment::Hot, rows, trials, findings, details: Value::Null })
    }

    async fn accounts(&mut self, experiment: Experiment, accounts: u32) -> anyhow::Result<Outcome> {
        let few = Load::max(Mode::STREAM);
        let many = Load { accounts, ..few };
        let kinds = [NODE, Kind::Node { accounts, commands_per_second_max: None }];
        let sides = [side("1 k accounts", 0, few), side("many accounts", 1, many)];
        let (trials, findings) = self.contest(&kinds, &sides).await?;
        let goal = Goal::at_least(Unit::Ratio, 0.70, 0.85);
        let name = format!("{} M accounts / 1 k accounts", accounts / 1_000_000);
        let rows = vec![row(&name, goal, &trials, &findings, ratio, rates_note(&trials))];
        Ok(Outcome { experiment, rows, trials, findings, details: json!({ "accounts": accounts }) })
    }

    async fn core(&mut self) -> anyhow::Result<Outcome> {
        self.teller.doing("opening 1,000,000 accounts");
        let mut core = CoreAlone::new(CORE_PAYMENTS[usize::from(self.quick)])?;
        let trials = measure(&mut core, &self.method, &self.teller).await?;
        let findings = Findings::default();
        let goal = Goal::at_least(Unit::PerSecond, 2.5e6, 6e6);
        let rate = |trial: &Trial| trial.figures[0].per_second;
        let rows = vec![row("core alone, 1 M accounts", goal, &trials, &findings, rate, String::new())];
        Ok(Outcome { experiment: Experiment::Core, rows, trials, findings, details: Value::Null })
    }

    async fn latency_half(&mut self) -> anyhow::Result<Outcome> {
        if self.unary_per_second.is_none() {
            self.unary().await?;
            self.teller.begin(&Experiment::LatencyHalf.name());
        }
        let unary = self.unary_per_second.context("no trial of unary calls counts")?;
        // Whole thousands: the rate is a condition, not a result.
        let thousands = Duration::from_secs_f64(unary / 2_000.0).as_secs().max(1);
        self.latency(Experiment::LatencyHalf, thousands * 1_000).await
    }

    async fn latency(&mut self, experiment: Experiment, rate: u64) -> anyhow::Result<Outcome> {
        let load = Load { rate: Rate::PerSecond(rate), ..Load::max(Mode::UNARY) };
        let (trials, findings) = self.against_empty(load).await?;
        // Only one of the two rates has a goal; the other is shown.
        let asked = experiment == Experiment::Latency;
        let goals = [
            Goal::at_most(Unit::Milliseconds, asked.then_some(2.0), asked.then_some(0.7)),
            Goal::at_most(Unit::Milliseconds, None, asked.then_some(5.0)),
        ];
        let beyond = |trial: &Trial| p99(&trial.figures[1]) - p99(&trial.figures[0]);
        let p999 = |trial: &Trial| milliseconds(trial.figures[1].latency.p999);
        let rate = format!("{} k/s", rate / 1_000);
        let sides = [0, 1].map(|index| median(&trials, |trial| p99(&trial.figures[index])));
        let note = format!(
            "empty {}, engine {}",
            text(sides[0], Unit::Milliseconds),
            text(sides[1], Unit::Milliseconds)
        );
        let names = [format!("unary p99 at {rate} beyond empty's"), format!("unary p99.9 at {rate}")];
        let rows = vec![
            row(&names[0], goals[0], &trials, &findings, beyond, note),
            row(&names[1], goals[1], &trials, &findings, p999, String::new()),
        ];
        Ok(Outcome { experiment, rows, trials, findings, details: Value::Null })
    }

    async fn overload(&mut self) -> anyhow::Result<Outcome> {
        let (commands_per_second_max, offered) = OVERLOAD;
        let kind = Kind::Node { accounts: ACCOUNTS, commands_per_second_max: Some(commands_per_second_max) };
        // So many in flight that a node which keeps callers waiting is what holds the load back, not the client.
        let mode = Mode::Unary { calls_in_flight: 1024 };
        let load = Load { rate: Rate::PerSecond(offered), connections: 8, ..Load::max(mode) };
        let (trials, findings) = self.contest(&[kind], &[side("engine", 0, load)]).await?;
        let goals = [
            Goal { must: Some(9_000.0), ..Goal::shown(Unit::PerSecond) },
            Goal::at_most(Unit::Milliseconds, Some(5.0), None),
            // The scheme's target.
            Goal::at_most(Unit::Milliseconds, Some(5_000.0), None),
        ];
        let rate = |trial: &Trial| trial.figures[0].per_second;
        let settled = |trial: &Trial| p99(&trial.figures[0]);
        let unsent = |trial: &Trial| {
            let unsent = trial.figures[0].details["counts"]["not_sent"].as_f64().unwrap_or(0.0);
            unsent / (unsent + sent(trial)).max(1.0)
        };
        let notes = [
            format!(
                "core held at 10 k/s, 30 k/s offered, {} of it not sent for want of answers",
                percent(median(&trials, unsent))
            ),
            format!("{} of what was sent was refused", percent(median(&trials, refused_share))),
        ];
        let [rate_note, refused_note] = notes;
        let rows = vec![
            row("overload, settled", goals[0], &trials, &findings, rate, rate_note),
            row("overload, p99 of refusals", goals[1], &trials, &findings, refused, refused_note),
            row("overload, p99 of settled", goals[2], &trials, &findings, settled, String::new()),
        ];
        Ok(Outcome { experiment: Experiment::Overload, rows, trials, findings, details: Value::Null })
    }

    async fn log(&mut self) -> anyhow::Result<Outcome> {
        let folder = self.folders.with_accounts(ACCOUNTS, &self.teller)?;
        let before = last_batch(&folder)?;
        self.teller.doing("filling the log");
        let process = ServerProcess::node(&folder, None)?;
        let span = self.method.span.min(Duration::from_secs(5));
        let report = run_once(process.address(), Load::max(Mode::STREAM), span).await?;
        process.stop()?;
        self.teller.doing("reading the log");
        let bytes = LogBytes::read(&folder, before)?;
        remove(&folder)?;
        let details = json!({ "log": bytes.to_json(), "run": report.driven.to_json() });
        let findings = Findings { audits: vec![report.audit], ..Findings::default() };
        let text = (bytes.texts / bytes.payments.max(1)).to_string();
        let row = Row {
            name: "log, full frames, beside the text".to_owned(),
            goal: Goal::at_most(Unit::Bytes, Some(256.0), None),
            spread: Spread::of(&[bytes.per_payment()]),
            void: findings.fault(),
            note: format!("{text} B of text; {} payments a frame", bytes.payments / bytes.frames.max(1)),
        };
        let trials = Trials::default();
        Ok(Outcome { experiment: Experiment::Log, rows: vec![row], trials, findings, details })
    }

    fn memory(&mut self) -> anyhow::Result<Outcome> {
        let accounts = if self.quick { 1_000_000 } else { 10_000_000 };
        let [few, many] = [ACCOUNTS, accounts].map(|accounts| {
            let folder = self.folders.with_accounts(accounts, &self.teller)?;
            self.teller.doing(&format!("starting a node with {accounts} accounts"));
            let bytes = resident_bytes_at_start(&folder)?;
            remove(&folder)?;
            anyhow::Ok(bytes)
        });
        let (few, many) = (few?, many?);
        let each = (many as f64 - few as f64) / f64::from(accounts - ACCOUNTS);
        let hot = size_of::<ledger::Account>();
        let row = |name: &str, must: f64, figure: f64, note: String| Row {
            name: name.to_owned(),
            goal: Goal::at_most(Unit::Bytes, Some(must), None),
            spread: Spread::of(&[figure]),
            void: None,
            note,
        };
        let note = format!(
            "resident memory from {ACCOUNTS} to {accounts} accounts, with the requests that opened them"
        );
        let rows = vec![
            row("memory of an account's hot record", 64.0, hot as f64, String::new()),
            row("memory of an account, all in", 256.0, each, note),
        ];
        let details = json!({ "accounts": accounts, "resident_bytes": { "few": few, "many": many } });
        let (trials, findings) = (Trials::default(), Findings::default());
        Ok(Outcome { experiment: Experiment::Memory, rows, trials, findings, details })
    }
}

const fn side(name: &'static str, server: usize, load: Load) -> Side {
    Side { name, server, load }
}

/// A row whose figure comes from each trial that counts.
pub(crate) fn row(
    name: &str,
    goal: Goal,
    trials: &Trials,
    findings: &Findings,
    figure: impl Fn(&Trial) -> f64,
    note: String,
) -> Row {
    let spread = Spread::of(&trials.counted().map(figure).collect::<Vec<_>>());
    let void = trials.void().or_else(|| findings.fault());
    Row { name: name.to_owned(), goal, spread, void, note }
}

/// The second side's rate, divided by the first's.
pub(crate) fn ratio(trial: &Trial) -> f64 {
    trial.figures[1].per_second / trial.figures[0].per_second
}

fn second_rate(trial: &Trial) -> f64 {
    trial.figures[1].per_second
}

pub(crate) fn p99(figures: &Figures) -> f64 {
    milliseconds(figures.latency.p99)
}

/// Where nothing was refused, all waited as long as those that were settled.
fn refused(trial: &Trial) -> f64 {
    let figures = &trial.figures[0];
    if figures.refusal_latency.count == 0 { p99(figures) } else { milliseconds(figures.refusal_latency.p99) }
}

fn refused_share(trial: &Trial) -> f64 {
    trial.figures[0].refusal_latency.count as f64 / sent(trial).max(1.0)
}

/// What the first side sent.
fn sent(trial: &Trial) -> f64 {
    trial.figures[0].details["counts"]["sent"].as_f64().unwrap_or(0.0)
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

pub(crate) fn milliseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

pub(crate) fn median(trials: &Trials, figure: impl Fn(&Trial) -> f64) -> Option<f64> {
    Spread::of(&trials.counted().map(figure).collect::<Vec<_>>()).map(|spread| spread.median)
}

pub(crate) fn text(figure: Option<f64>, unit: Unit) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| unit.text(figure))
}

/// The absolute rates beside a ratio.
pub(crate) fn rates_note(trials: &Trials) -> String {
    let Some(first) = trials.all.first() else { return String::new() };
    let rates = first.figures.iter().enumerate().map(|(index, figures)| {
        let rate = median(trials, |trial| trial.figures[index].per_second);
        format!("{} {}", figures.side, text(rate, Unit::PerSecond))
    });
    rates.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "rows_tests.rs"]
pub(crate) mod tests;
