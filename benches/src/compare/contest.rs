//! Servers under load: one against another, or one under two loads.
//!
//! Invariants:
//! - A node's figures count only if its books agree with every reply that it has given since it was started.
//! - A node is replaced before what it has kept gets in its way: it remembers every payment for days.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use client::v1::StageTimes;
use loadgen::{
    AuditReport, Books, Driven, Extent, LoadOptions, LoadReport, Mode, Rate, RemotePayees, Responders, RunId,
    Silent, Workload, drive, load,
};

use super::folders::{Folders, remove};
use super::process::ServerProcess;
use super::progress::Teller;
use super::stages;
use super::trial::{Experiment, Figures, Method};

/// After so many payments a node is replaced by a fresh one; it has room for 32 million.
const PAYMENTS_WORN: u64 = 18_000_000;

/// What all runs have in common.
pub(crate) fn options() -> LoadOptions {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    LoadOptions::new(RunId::from_time(u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX)))
}

/// How a side is driven.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) mode: Mode,
    pub(crate) rate: Rate,
    pub(crate) workload: Workload,
    pub(crate) accounts: u32,
    pub(crate) connections: usize,
    /// All payees are elsewhere, if this is given.
    pub(crate) elsewhere: Option<Elsewhere>,
}

/// Payees whose banks are connected by the client and asked about each payment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elsewhere {
    /// Banks that accept, with a connection each.
    pub(crate) banks: usize,
    /// One more bank, which is paid beside the load. No figure counts its payments.
    pub(crate) beside: Option<Beside>,
}

/// The bank beside the load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beside {
    pub(crate) per_second: u64,
    /// Whether it never answers. Otherwise it accepts, as the others do.
    pub(crate) is_silent: bool,
}

impl Elsewhere {
    /// The bank beside the others comes behind them, and is connected whether or not it is paid.
    const fn last(self) -> std::ops::Range<usize> {
        self.banks..self.banks + 1
    }
}

impl Beside {
    /// Expects that all payments to it were settled, or that all expired.
    fn check(self, driven: &Driven) -> anyhow::Result<()> {
        let Driven { counts, gave_up, .. } = driven;
        let (as_expected, others) = match self.is_silent {
            true => (counts.expired, counts.settled),
            false => (counts.settled, counts.expired),
        };
        ensure!(gave_up.is_empty() && counts.unknown == 0, "payments to the bank beside: {driven}");
        ensure!(as_expected > 0 && others == 0, "payments to the bank beside: {driven}");
        Ok(())
    }
}

/// How payments to the bank beside are sent: so small and so many messages that there is room for all that wait until
/// their time is over, which takes seven seconds.
const BESIDE_MODE: Mode = Mode::Stream { payments_per_message: 20, messages_in_flight: 1024 };

impl Load {
    /// As fast as answers come, over a small world.
    pub(crate) const fn max(mode: Mode) -> Self {
        Self {
            mode,
            rate: Rate::Max,
            workload: Workload::Uniform,
            accounts: ACCOUNTS,
            connections: 4,
            elsewhere: None,
        }
    }

    pub(crate) fn options(self, span: Duration) -> LoadOptions {
        let Self { mode, rate, workload, accounts, connections, elsewhere } = self;
        let remote = elsewhere.map(|elsewhere| RemotePayees { percent: 100, banks: 0..elsewhere.banks });
        LoadOptions {
            remote,
            mode,
            rate,
            workload,
            accounts,
            connections,
            extent: Extent::Duration(span),
            ..options()
        }
    }

    /// The bank beside the load and the payments to it, if there are any.
    fn beside(self, span: Duration) -> Option<(Beside, LoadOptions)> {
        let elsewhere = self.elsewhere?;
        let beside = elsewhere.beside?;
        let remote = Some(RemotePayees { percent: 100, banks: elsewhere.last() });
        let rate = Rate::PerSecond(beside.per_second);
        let load = Self { mode: BESIDE_MODE, rate, connections: 1, ..self };
        Some((beside, LoadOptions { remote, ..load.options(span) }))
    }
}

/// The accounts of the small world.
pub(crate) const ACCOUNTS: u32 = 1_000;

/// One of the things that are compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side {
    pub(crate) name: &'static str,
    /// Which of the servers it is about.
    pub(crate) server: usize,
    pub(crate) load: Load,
}

/// What a server is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// The yardstick.
    Empty,
    /// A node.
    Node {
        /// Accounts that are open.
        accounts: u32,
        /// What its core takes at most, if it shall be slow.
        commands_per_second_max: Option<u32>,
    },
}

/// A server, up whenever it is needed.
#[derive(Debug)]
struct Server {
    kind: Kind,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    process: ServerProcess,
    /// Of a node.
    life: Option<Life>,
}

/// A node's time from its start to its audit.
#[derive(Debug)]
struct Life {
    folder: PathBuf,
    books: Books,
    /// The payees' banks, if they are elsewhere.
    responders: Option<Responders>,
    options: LoadOptions,
    settled: u64,
}

/// What the nodes of a contest said beside their figures.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// One for each node that was stopped.
    pub(crate) audits: Vec<AuditReport>,
    /// Of the last run against a node.
    pub(crate) stages: Vec<StageTimes>,
}

impl Findings {
    /// What is wrong with the books, if anything is: then no figure of their node counts.
    pub(crate) fn fault(&self) -> Option<String> {
        let failed = self.audits.iter().flat_map(|audit| &audit.checks).find(|check| !check.passed)?;
        Some(format!("the books are wrong: {}: {}", failed.name, failed.detail))
    }
}

/// Servers and the sides about them.
#[derive(Debug)]
pub(crate) struct Contest<'all> {
    servers: Vec<Server>,
    sides: Vec<Side>,
    method: &'all Method,
    folders: &'all mut Folders,
    teller: &'all Teller,
    findings: Findings,
}

impl<'all> Contest<'all> {
    pub(crate) fn new(
        kinds: &[Kind],
        sides: &[Side],
        method: &'all Method,
        folders: &'all mut Folders,
        teller: &'all Teller,
    ) -> Self {
        assert!(sides.iter().all(|side| side.server < kinds.len()), "each side is about a server");
        let servers = kinds.iter().map(|kind| Server { kind: *kind, running: None }).collect();
        Self { servers, sides: sides.to_vec(), method, folders, teller, findings: Findings::default() }
    }

    /// Stops every server, after asking the nodes about their books.
    pub(crate) async fn finish(mut self) -> anyhow::Result<Findings> {
        for index in 0..self.servers.len() {
            self.stop(index).await?;
        }
        Ok(self.findings)
    }

    /// Starts a server, with all that its sides need, and warms it up.
    async fn start(&mut self, index: usize) -> anyhow::Result<()> {
        let kind = self.servers[index].kind;
        let running = match kind {
            Kind::Empty => Running { process: ServerProcess::empty()?, life: None },
            Kind::Node { accounts, commands_per_second_max } => {
                let folder = self.folders.with_accounts(accounts, self.teller)?;
                self.teller.doing(&format!("starting a node with {accounts} accounts"));
                let process = ServerProcess::node(&folder, commands_per_second_max)?;
                let elsewhere = self.elsewhere(index);
                let remote =
                    elsewhere.map(|elsewhere| RemotePayees { percent: 100, banks: 0..elsewhere.last().end });
                let options = LoadOptions { accounts, remote, ..options() };
                let books = Books::open(process.address(), &options, &Silent).await?;
                let responders = match elsewhere {
                    Some(elsewhere) => {
                        let last = elsewhere.last();
                        Some(Responders::start(process.address(), None, 0..last.end, last).await?)
                    }
                    None => None,
                };
                Running { process, life: Some(Life { folder, books, responders, options, settled: 0 }) }
            }
        };
        self.servers[index].running = Some(running);
        self.teller.doing("warming up");
        let sides: Vec<Side> = self.sides.iter().filter(|side| side.server == index).copied().collect();
        for side in sides {
            self.drive(side, self.method.warm_up).await?;
        }
        Ok(())
    }

    /// The payees' banks that the sides of a server need, which all need the same.
    fn elsewhere(&self, server: usize) -> Option<Elsewhere> {
        self.sides.iter().filter(|side| side.server == server).find_map(|side| side.load.elsewhere)
    }

    /// Audits and stops a server, if it is up.
    async fn stop(&mut self, index: usize) -> anyhow::Result<()> {
        let Some(Running { process, mut life }) = self.servers[index].running.take() else { return Ok(()) };
        if let Some(life) = &mut life {
            self.teller.doing("auditing");
            let audit = life.books.audit(process.address(), &life.options, &Silent).await?;
            if !audit.passed() {
                self.teller.line(&audit.to_string());
            }
            self.findings.audits.push(audit);
            // A node that ends waits for its connections.
            drop(life.responders.take());
        }
        process.stop()?;
        match life {
            Some(life) => remove(&life.folder),
            None => Ok(()),
        }
    }

    async fn drive(&mut self, side: Side, span: Duration) -> anyhow::Result<Driven> {
        let running = self.servers[side.server].running.as_mut().context("a server is not up")?;
        let options = side.load.options(span);
        let address = running.process.address();
        let (driven, confirmed) = match (side.load.beside(span), &mut running.life) {
            (Some((beside, beside_options)), Some(life)) => {
                let responders = life.responders.as_ref().context("a bank is not connected")?;
                responders.set_silent(beside.is_silent);
                let both =
                    tokio::join!(drive(address, &options, &Silent), drive(address, &beside_options, &Silent));
                let (driven, confirmed) = both.1?;
                beside.check(&driven)?;
                life.books.note(&driven, confirmed);
                both.0?
            }
            (Some(_), None) | (None, _) => drive(address, &options, &Silent).await?,
        };
        if let Some(life) = &mut running.life {
            life.settled += driven.counts.settled;
            life.books.note(&driven, confirmed);
            // Asked for at once: a node tells of the last seconds only.
            self.findings.stages = stages::fetch(running.process.address()).await?;
        }
        Ok(driven)
    }
}

impl Experiment for Contest<'_> {
    const DURABLE: bool = true;

    async fn ready(&mut self) -> anyhow::Result<()> {
        for index in 0..self.servers.len() {
            let life = self.servers[index].running.as_ref().and_then(|running| running.life.as_ref());
            if life.is_some_and(|life| life.settled > PAYMENTS_WORN) {
                self.stop(index).await?;
            }
            if self.servers[index].running.is_none() {
                self.start(index).await?;
            }
        }
        Ok(())
    }

    async fn run(&mut self, forwards: bool) -> anyhow::Result<Vec<Figures>> {
        let mut figures = Vec::with_capacity(self.sides.len());
        let mut order: Vec<usize> = (0..self.sides.len()).collect();
        if !forwards {
            order.reverse();
        }
        for index in order {
            let side = self.sides[index];
            let driven = self.drive(side, self.method.span).await?;
            let side_figures = Figures::of(side.name, &driven);
            figures
                .push((index, side_figures.with_context(|| format!("a run against {} failed", side.name))?));
        }
        figures.sort_by_key(|(index, _)| *index);
        Ok(figures.into_iter().map(|(_, figures)| figures).collect())
    }
}

/// One run against a node, with its audit.
pub(crate) async fn run_once(address: &str, how: Load, span: Duration) -> anyhow::Result<LoadReport> {
    Ok(load(address, &how.options(span), &Silent).await?)
}

/// The memory that a node uses right after its start, in bytes.
pub(crate) fn resident_bytes_at_start(folder: &Path) -> anyhow::Result<u64> {
    let node = ServerProcess::node(folder, None)?;
    let bytes = node.resident_bytes()?;
    node.stop()?;
    Ok(bytes)
}
