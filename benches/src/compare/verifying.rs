//! Verification of payee beside payments: how long answers take while streams drive as much as the node takes, and what
//! the questions cost the payments.
//!
//! The node is the real binary: names of account holders come from its log. Questions are asked in an open loop on a
//! connection of their own, each about another account and by its holder's name, and their latency counts from when they
//! were meant to be asked.
//!
//! Invariant: every question is answered, and with a match; else there is no figure.

use std::time::Duration;

use anyhow::{Context, ensure};
use client::Client;
use client::v1::{VerificationOutcome, VerifyRequest, verify_request::Given};
use loadgen::{LoadAccount, LoadOptions, Mode, opening};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::binary::{Binary, Booked, Node, Settings};
use super::contest::{Findings, Load, options};
use super::folders::Folders;
use super::progress::Teller;
use super::rows::{Row, milliseconds, rates_note, ratio, row};
use super::statistics::{Goal, Unit};
use super::trial::{Experiment, Figures, Method, Trial, Trials};

/// The accounts of the node.
pub(crate) const ACCOUNTS: u32 = 1_000_000;

/// Questions a second.
pub(crate) const QUESTIONS_PER_SECOND: u32 = 2_000;

/// Room for payments, and for how many memory is made ready: as the binary has it by itself.
const PAYMENTS_READY: usize = 1 << 20;

/// How long a node may take until it has read the names of all account holders.
const NAMES_WITHIN: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(100);

/// The experiment.
#[derive(Debug)]
pub(crate) struct Verifying<'all> {
    binary: Binary,
    method: &'all Method,
    folders: &'all mut Folders,
    teller: &'all Teller,
    running: Option<Booked>,
    findings: Findings,
}

/// How the node is driven.
fn load(span: Duration) -> LoadOptions {
    Load { accounts: ACCOUNTS, ..Load::max(Mode::STREAM) }.options(span)
}

/// What its books are about.
fn world() -> LoadOptions {
    LoadOptions { accounts: ACCOUNTS, ..options() }
}

/// Drives a side of a trial.
async fn drive(running: &mut Booked, side: &'static str, span: Duration) -> anyhow::Result<Figures> {
    Figures::of(side, &running.drive(&load(span)).await?)
}

impl<'all> Verifying<'all> {
    pub(crate) fn new(
        binary: Binary,
        method: &'all Method,
        folders: &'all mut Folders,
        teller: &'all Teller,
    ) -> Self {
        Self { binary, method, folders, teller, running: None, findings: Findings::default() }
    }

    /// Stops the node, after asking it about its books.
    pub(crate) async fn finish(mut self) -> anyhow::Result<Findings> {
        if let Some(running) = self.running.take() {
            running.finish(self.teller, &mut self.findings).await?;
        }
        Ok(self.findings)
    }

    async fn start(&mut self) -> anyhow::Result<Booked> {
        let folder = self.folders.with_accounts(ACCOUNTS, self.teller)?;
        self.teller.doing("starting the node");
        let settings = Settings {
            snapshot_after_bytes: None,
            keeps_history: false,
            payments_max: ledger::Limits::default().payments_max,
            payments_ready: PAYMENTS_READY,
        };
        let node = Node::start(&self.binary, folder, &settings).await?;
        self.teller.doing("waiting until the node knows who holds which account");
        let start = Instant::now();
        while ask(node.client(), ACCOUNTS - 1).await? != VerificationOutcome::Match {
            ensure!(start.elapsed() < NAMES_WITHIN, "a node does not learn the names of account holders");
            sleep(LOOK).await;
        }
        let mut running = Booked::open(node, world()).await?;
        self.teller.doing("warming up");
        running.drive(&load(self.method.warm_up)).await?;
        Ok(running)
    }
}

/// Asks whether the holder of an account is the one whom it was opened for.
async fn ask(client: &Client, index: u32) -> anyhow::Result<VerificationOutcome> {
    let bank = LoadAccount::at(index).bank().bic_text();
    let account = opening(index).account.context("an opening is of an account")?;
    let name = account.holder_names.into_iter().next().context("every account has a holder")?;
    let request = VerifyRequest {
        request_id: format!("compare-{index}"),
        requesting_agent: bank.to_owned(),
        iban: account.iban,
        currency_code: String::new(),
        payee_agent: String::new(),
        given: Some(Given::Name(name)),
    };
    Ok(client.verify(request).await?.outcome())
}

/// Drives a side of a trial while questions are asked, whose waits are in its details.
async fn beside_questions(running: &mut Booked, span: Duration) -> anyhow::Result<Figures> {
    let client = running.node.client().clone();
    let (figures, waits) =
        tokio::try_join!(drive(running, "beside questions", span), ask_at_rate(&client, span))?;
    let at = |part: f64| {
        let place = (waits.len() as f64 * part) as usize;
        waits.get(place.min(waits.len() - 1)).copied().map_or(0.0, milliseconds)
    };
    let details = json!({
        "run": figures.details,
        "questions": waits.len(),
        "p50_milliseconds": at(0.5),
        "p99_milliseconds": at(0.99),
        "p999_milliseconds": at(0.999),
        "most_milliseconds": at(1.0),
    });
    Ok(Figures { details, ..figures })
}

/// Asks at a fixed rate for so long. Gives how long each answer took since the question was due, in order.
async fn ask_at_rate(client: &Client, span: Duration) -> anyhow::Result<Vec<Duration>> {
    let mut asked = JoinSet::new();
    let mut waits = Vec::new();
    let distance = Duration::from_secs(1) / QUESTIONS_PER_SECOND;
    let start = Instant::now();
    for number in 0.. {
        let due = start + distance * number;
        if due.duration_since(start) >= span {
            break;
        }
        sleep_until(due).await;
        let client = client.clone();
        // Far apart, so that what was asked before is in no cache.
        let index = number.wrapping_mul(2_654_435_761) % ACCOUNTS;
        asked.spawn(async move { (ask(&client, index).await, due.elapsed()) });
        while let Some(answered) = asked.try_join_next() {
            waits.push(waited(answered?)?);
        }
    }
    while let Some(answered) = asked.join_next().await {
        waits.push(waited(answered?)?);
    }
    waits.sort_unstable();
    Ok(waits)
}

fn waited((answer, waited): (anyhow::Result<VerificationOutcome>, Duration)) -> anyhow::Result<Duration> {
    let outcome = answer.context("a question has no answer")?;
    ensure!(outcome == VerificationOutcome::Match, "a holder's own name is answered with {outcome:?}");
    Ok(waited)
}

impl Experiment for Verifying<'_> {
    const DURABLE: bool = true;

    async fn ready(&mut self) -> anyhow::Result<()> {
        if self.running.is_none() {
            self.running = Some(self.start().await?);
        }
        self.teller.doing("waiting until the node rests");
        self.running.as_ref().context("it has just been started")?.node.rest().await
    }

    async fn run(&mut self, forwards: bool) -> anyhow::Result<Vec<Figures>> {
        let span = self.method.span;
        let running = self.running.as_mut().context("the node is not up")?;
        let mut found = Vec::new();
        for with_questions in [forwards, !forwards] {
            found.push(match with_questions {
                true => beside_questions(running, span).await?,
                false => drive(running, "payments alone", span).await?,
            });
            // What a side leaves to be done is done before the other one, and before the disk is looked at again.
            running.node.rest().await?;
        }
        if forwards {
            found.reverse();
        }
        Ok(found)
    }
}

/// What the trials came to.
pub(crate) fn rows(trials: &Trials, findings: &Findings) -> Vec<Row> {
    let asked = |name: &'static str| {
        move |trial: &Trial| trial.figures[1].details[name].as_f64().expect("every trial has its figures")
    };
    let p99 = Goal::at_most(Unit::Milliseconds, Some(50.0), None);
    let shown = Goal::at_most(Unit::Milliseconds, None, None);
    let note = format!("{QUESTIONS_PER_SECOND} a second, {ACCOUNTS} accounts");
    vec![
        row("verification, p99 under full load", p99, trials, findings, asked("p99_milliseconds"), note),
        row(
            "verification, p99.9 under full load",
            shown,
            trials,
            findings,
            asked("p999_milliseconds"),
            String::new(),
        ),
        row(
            "payments beside verification / alone",
            Goal::shown(Unit::Ratio),
            trials,
            findings,
            ratio,
            rates_note(trials),
        ),
    ]
}
