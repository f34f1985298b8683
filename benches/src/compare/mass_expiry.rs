//! Many payments that wait for a bank which is connected and silent: they expire together, while new payments go on.
//!
//! ```text
//! 0 s     6.5 s    7 s                     12 s
//! |-------|--------|-----------------------|------
//!  reserve |        expire, as fast as they came
//!          memory, then new payments at a steady rate
//! ```
//!
//! Invariant: each trial has a node of its own, because one that has held as many before has the memory already.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use client::{Client, ConnectOptions, v1};
use loadgen::{
    Books, Driven, Extent, LOAD_REMOTE_BANKS, LoadOptions, Mode, Rate, RemotePayees, Responders, Silent,
    drive,
};
use serde_json::json;

use super::contest::{ACCOUNTS, Findings, Load, options};
use super::expiries::Expiries;
use super::folders::{Folders, remove};
use super::process::ServerProcess;
use super::progress::Teller;
use super::rows::{Row, median, p99, row, text};
use super::stages;
use super::statistics::{Goal, Spread, Unit};
use super::trial::{Experiment, Figures, Method, Trial, Trials};

/// How long it takes until all of them wait.
const RESERVED_WITHIN: u64 = 5;

/// From the first of them to the moment at which memory is asked for: before it expires, which is at 7 s.
const ALL_WAIT_AFTER: Duration = Duration::from_millis(6_500);

/// New payments a second, and for how long: until the last has expired.
const NEW_PER_SECOND: u64 = 5_000;
const NEW_SPAN: Duration = Duration::from_secs(7);

/// How the waiting ones are sent: so many messages without results that there is room for all of them, over so many
/// connections that none has more waiting than a node keeps for it.
pub(crate) const RESERVING: Mode = Mode::Stream { payments_per_message: 250, messages_in_flight: 512 };
const RESERVING_CONNECTIONS: usize = 8;

/// The experiment.
#[derive(Debug)]
pub(crate) struct MassExpiry<'all> {
    reservations: u64,
    method: &'all Method,
    folders: &'all mut Folders,
    teller: &'all Teller,
    running: Option<Running>,
    findings: Findings,
}

#[derive(Debug)]
struct Running {
    process: ServerProcess,
    folder: PathBuf,
    books: Books,
    /// The bank that says nothing.
    bank: Responders,
    options: LoadOptions,
}

impl<'all> MassExpiry<'all> {
    pub(crate) const fn new(
        reservations: u64,
        method: &'all Method,
        folders: &'all mut Folders,
        teller: &'all Teller,
    ) -> Self {
        Self { reservations, method, folders, teller, running: None, findings: empty() }
    }

    /// Stops the last node, after asking it about its books.
    pub(crate) async fn finish(mut self) -> anyhow::Result<Findings> {
        self.stop().await?;
        Ok(self.findings)
    }

    async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(Running { process, folder, books, bank, options }) = self.running.take() else {
            return Ok(());
        };
        self.teller.doing("auditing");
        let audit = books.audit(process.address(), &options, &Silent).await?;
        if !audit.passed() {
            self.teller.line(&audit.to_string());
        }
        self.findings.audits.push(audit);
        // A node that ends waits for its connections.
        drop(bank);
        process.stop()?;
        remove(&folder)
    }
}

const fn empty() -> Findings {
    Findings { audits: Vec::new(), stages: Vec::new() }
}

impl Running {
    /// Drives the node and notes what its replies said.
    fn note(&mut self, driven: (Driven, loadgen::Confirmed)) -> Driven {
        let (driven, confirmed) = driven;
        self.books.note(&driven, confirmed);
        driven
    }

    /// How many questions the bank has not answered.
    async fn waiting(&self) -> anyhow::Result<u64> {
        let client = Client::connect(self.process.address(), ConnectOptions::default()).await?;
        let bic = LOAD_REMOTE_BANKS[0].bic_text().to_owned();
        let reply = client.get_participant(v1::GetParticipantRequest { bic }).await?;
        Ok(reply.participant.context("a reply without a participant")?.unanswered.into())
    }
}

/// New payments between accounts here.
fn new_payments(span: Duration) -> LoadOptions {
    let load = Load { rate: Rate::PerSecond(NEW_PER_SECOND), ..Load::max(Mode::UNARY) };
    load.options(span)
}

/// Payments to the silent bank.
fn reserving(payments: u64) -> LoadOptions {
    LoadOptions {
        remote: Some(RemotePayees { percent: 100, banks: 0..1 }),
        mode: RESERVING,
        rate: Rate::PerSecond(payments / RESERVED_WITHIN),
        extent: Extent::Payments(payments),
        accounts: ACCOUNTS,
        connections: RESERVING_CONNECTIONS,
        ..options()
    }
}

impl Experiment for MassExpiry<'_> {
    const DURABLE: bool = true;

    async fn ready(&mut self) -> anyhow::Result<()> {
        self.stop().await?;
        let folder = self.folders.with_accounts(ACCOUNTS, self.teller)?;
        let process = ServerProcess::growing_node(&folder)?;
        let options = reserving(self.reservations);
        let books = Books::open(process.address(), &options, &Silent).await?;
        let bank = Responders::start(process.address(), None, 0..1, 0..1).await?;
        let mut running = Running { process, folder, books, bank, options };
        self.teller.doing("warming up");
        let warm = drive(running.process.address(), &new_payments(self.method.warm_up), &Silent).await?;
        running.note(warm);
        self.running = Some(running);
        Ok(())
    }

    async fn run(&mut self, _: bool) -> anyhow::Result<Vec<Figures>> {
        let running = self.running.as_mut().context("the node is not up")?;
        let address = running.process.address().to_owned();
        let before = running.note(drive(&address, &new_payments(NEW_SPAN), &Silent).await?);
        let bytes_before = running.process.resident_bytes()?;
        let start = Instant::now();
        let reserving = reserving(self.reservations);
        let beside = async {
            tokio::time::sleep_until((start + ALL_WAIT_AFTER).into()).await;
            let bytes = running.process.resident_bytes()?.saturating_sub(bytes_before);
            let waiting = running.waiting().await?;
            anyhow::Ok((bytes, waiting, drive(&address, &new_payments(NEW_SPAN), &Silent).await?))
        };
        let (expired, beside) = tokio::join!(drive(&address, &reserving, &Silent), beside);
        let (bytes, waiting, during) = beside?;
        let (during, expired) = (running.note(during), running.note(expired?));
        let counts = &expired.counts;
        ensure!(counts.settled == 0 && counts.unknown == 0, "payments to the silent bank: {expired}");
        self.findings.stages = stages::fetch(&address).await?;
        let expiries = Expiries::read(&running.folder)?;
        ensure!(
            expiries.count() == counts.expired,
            "{} payments were told to have expired, and {} have",
            counts.expired,
            expiries.count()
        );
        let mut figures = [Figures::of("before", &before)?, Figures::of("during", &during)?];
        let details = json!({
            "run": figures[1].details,
            "expiries": expiries.to_json(),
            "waiting": waiting,
            "bytes": bytes as f64 / waiting.max(1) as f64,
            "reserving": expired.to_json(),
        });
        figures[1].details = details;
        Ok(figures.into())
    }
}

/// What the trials came to.
pub(crate) fn rows(trials: &Trials, findings: &Findings) -> Vec<Row> {
    let expiry =
        |name: &'static str| move |trial: &Trial| number(&trial.figures[1].details["expiries"][name]);
    let [during, before] = [1, 0].map(|index| move |trial: &Trial| p99(&trial.figures[index]));
    let (all, ledger) = (|trial: &Trial| number(&trial.figures[1].details["bytes"]), expiry("ledger_bytes"));
    let waiting = median(trials, |trial| number(&trial.figures[1].details["waiting"])).unwrap_or(0.0);
    let at_most = |unit, must| Goal::at_most(unit, Some(must), None);
    let shown = |unit| Goal::at_most(unit, None, None);
    let row = |name: &str, goal, figure: &dyn Fn(&Trial) -> f64, note| {
        row(name, goal, trials, findings, figure, note)
    };
    // Only the first replay of this process takes memory that it has not had before. Nobody else can disturb it, so it
    // counts whether or not its trial does.
    let in_ledger = trials.all.first().map(ledger);
    let payment = size_of::<ledger::Payment>();
    let beyond = in_ledger.and_then(|in_ledger| median(trials, |trial| all(trial) - in_ledger));
    let table = in_ledger.map(|in_ledger| in_ledger - payment as f64);
    let [beyond, table] = [beyond, table].map(|bytes| text(bytes, Unit::Bytes));
    vec![
        row(
            "mass expiry, median behind the deadline",
            shown(Unit::Milliseconds),
            &expiry("p50_ms"),
            String::new(),
        ),
        row(
            "mass expiry, p99 behind the deadline",
            shown(Unit::Milliseconds),
            &expiry("p99_ms"),
            String::new(),
        ),
        row(
            "mass expiry, most behind the deadline",
            at_most(Unit::Milliseconds, 200.0),
            &expiry("max_ms"),
            format!("{waiting:.0} waited at once"),
        ),
        row(
            "new payments' p99 meanwhile",
            shown(Unit::Milliseconds),
            &during,
            format!("before {}", text(median(trials, before), Unit::Milliseconds)),
        ),
        Row {
            spread: in_ledger.and_then(|in_ledger| Spread::of(&[in_ledger])),
            ..row(
                "memory of an open reservation, ledger",
                at_most(Unit::Bytes, 400.0),
                &ledger,
                format!("payment {payment} B; reservation, deadline and indexes {table}"),
            )
        },
        row(
            "memory of an open reservation, all in",
            shown(Unit::Bytes),
            &all,
            format!("beyond the ledger's: waiting caller, directory, buffers {beyond}"),
        ),
    ]
}

fn number(value: &serde_json::Value) -> f64 {
    value.as_f64().expect("every trial has its figures")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::rows::tests::trials;
    use crate::compare::statistics::Verdict;

    #[test]
    fn all_that_wait_find_room() {
        for payments in [50_000, 1_000_000] {
            let Mode::Stream { payments_per_message, messages_in_flight } = RESERVING else { unreachable!() };
            let room = payments_per_message * messages_in_flight * RESERVING_CONNECTIONS;
            assert!(u64::try_from(room).unwrap() >= payments);
            assert!(server::ServerLimits::default().waiting_per_stream * RESERVING_CONNECTIONS >= room);
            assert_eq!(reserving(payments).extent, Extent::Payments(payments));
        }
    }

    #[test]
    fn rows_are_made_of_what_trials_found() {
        let mut trials = trials();
        for trial in &mut trials.all {
            let expiries = Expiries::default();
            let mut found = json!({ "p50_ms": 3.0, "p99_ms": 20.0, "max_ms": 201.0, "ledger_bytes": 300.0 });
            found["open"] = expiries.open.into();
            trial.figures[1].details = json!({ "expiries": found, "waiting": 999_000, "bytes": 420.0 });
        }
        let rows = rows(&trials, &Findings::default());
        assert_eq!(rows[2].verdict(), Verdict::Missed);
        assert_eq!(rows[2].note, "999000 waited at once");
        assert_eq!(rows[3].note, "before 2.00 ms");
        assert_eq!(rows[4].verdict(), Verdict::Reached);
        assert!(rows[5].note.ends_with("120 B"), "{}", rows[5].note);
    }
}
