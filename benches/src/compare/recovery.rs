//! How long a node that was killed takes until it takes payments again, and the memory that this needs.
//!
//! A node is filled once, as far as the design says: accounts and a snapshot of them, then so many bytes of log that no
//! snapshot covers, then payments that wait for banks which are connected and silent. When all of those wait, its memory
//! is what a steady node has, and it is killed. Each trial starts a node on a copy of what it left. The copy is on the
//! disk and not in the operating system's memory, as after a power cut.
//!
//! Invariant: nothing writes to the folder that copies are made of.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use journal::{BLOCK_SIZE, ENVELOPE_HEADER_LENGTH, FileStorage, Reader, SnapshotReader};
use loadgen::{
    Arrivals, Books, Extent, Latency, LoadOptions, Mode, Rate, RemotePayees, Responders, Silent, drive,
};
use serde_json::json;

use super::binary::{Binary, NEVER, Node, Settings, SnapshotFiles};
use super::contest::{Findings, Load, options};
use super::folders::{Folders, forget_cached, remove};
use super::mass_expiry::RESERVING;
use super::progress::Teller;
use super::rows::{Row, median, row};
use super::statistics::{Goal, Unit};
use super::trial::{Experiment, Figures, Trial, Trials};

/// What a node is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extents {
    pub(crate) accounts: u32,
    /// Payments that wait when it is killed.
    pub(crate) reservations: u64,
    /// Bytes of log after the newest snapshot.
    pub(crate) log_bytes: u64,
}

impl Extents {
    /// As design.md section 6 has it.
    pub(crate) const FULL: Self = Self { accounts: 10_000_000, reservations: 1_000_000, log_bytes: 4 << 30 };
    /// A tenth of it.
    pub(crate) const QUICK: Self = Self { accounts: 1_000_000, reservations: 100_000, log_bytes: 512 << 20 };
}

/// How long it takes until all of them wait, and how long that is waited for: they expire after seven seconds.
const RESERVED_WITHIN: u64 = 5;
const WAIT_WITHIN: Duration = Duration::from_millis(6_900);

/// How long after a recovery none of them may be left.
const EXPIRED_WITHIN: Duration = Duration::from_secs(60);

/// The part of them that must wait when the node is killed. The banks' limits stand above it.
const RESERVED_SHARE_MIN: f64 = 0.95;

/// The silent banks, each of which may be asked a million questions.
const BANKS: std::ops::Range<usize> = 0..2;

/// Connections over which they are reserved: none has more waiting than a node keeps for it.
const RESERVING_CONNECTIONS: usize = 8;

/// About what a waiting payment takes of the log, with its text.
const RESERVATION_LOG_BYTES: u64 = 420;

/// The log is filled in steps of this length, and looked at in between.
const FILL_STEP: Duration = Duration::from_secs(2);

/// How often a node is asked for what waits.
const LOOK: Duration = Duration::from_millis(50);

/// What a node that was killed has left.
#[derive(Debug)]
struct Left {
    folder: PathBuf,
    books: Books,
    /// What it used when it was killed.
    steady_bytes: u64,
    /// Payments that waited.
    open: u64,
    /// Bytes of log after the newest snapshot, and that snapshot's.
    log_bytes: u64,
    snapshot_bytes: u64,
}

/// The experiment.
#[derive(Debug)]
pub(crate) struct Recovery<'all> {
    extents: Extents,
    binary: Binary,
    folders: &'all mut Folders,
    teller: &'all Teller,
    left: Option<Left>,
    /// The copy for the next trial.
    copy: Option<PathBuf>,
    /// The node of the last trial.
    node: Option<Node>,
    findings: Findings,
}

/// How every node here runs: a snapshot after so many bytes, and memory as it comes, so that what is used is needed.
fn settings(snapshot_after_bytes: u64) -> Settings {
    let payments_max = ledger::Limits::default().payments_max;
    Settings {
        snapshot_after_bytes: Some(snapshot_after_bytes),
        keeps_history: false,
        payments_max,
        payments_ready: 0,
    }
}

impl<'all> Recovery<'all> {
    pub(crate) const fn new(
        extents: Extents,
        binary: Binary,
        folders: &'all mut Folders,
        teller: &'all Teller,
    ) -> Self {
        let findings = Findings { audits: Vec::new(), stages: Vec::new() };
        Self { extents, binary, folders, teller, left: None, copy: None, node: None, findings }
    }

    /// Stops the last node, after asking it about its books, and tells what was recovered.
    pub(crate) async fn finish(mut self) -> anyhow::Result<(Findings, serde_json::Value)> {
        self.stop().await?;
        let left = self.left.context("nothing was recovered")?;
        remove(&left.folder)?;
        let details = json!({
            "accounts": self.extents.accounts,
            "open_reservations": left.open,
            "log_bytes": left.log_bytes,
            "snapshot_bytes": left.snapshot_bytes,
            "steady_bytes": left.steady_bytes,
        });
        Ok((self.findings, details))
    }

    async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(node) = self.node.take() else { return Ok(()) };
        let left = self.left.as_ref().context("a node runs on nothing")?;
        // What was reserved has been given back by then, so the books are those from before it.
        let start = Instant::now();
        while node.status().await?.open_reservation_count > 0 {
            ensure!(start.elapsed() < EXPIRED_WITHIN, "payments that were recovered do not expire");
            tokio::time::sleep(LOOK).await;
        }
        self.findings.audits.push(node.audit(&left.books, &self.reserving(), self.teller).await?);
        remove(&node.stop()?)
    }

    /// Payments between accounts here, over all of them.
    fn filling(&self) -> LoadOptions {
        let load = Load { accounts: self.extents.accounts, ..Load::max(Mode::STREAM) };
        load.options(FILL_STEP)
    }

    /// Payments to the silent banks.
    fn reserving(&self) -> LoadOptions {
        let Extents { accounts, reservations, .. } = self.extents;
        LoadOptions {
            remote: Some(RemotePayees { percent: 100, banks: BANKS }),
            mode: RESERVING,
            rate: Rate::PerSecond(reservations / RESERVED_WITHIN),
            // Those that come by chance may come too late to wait with the others.
            arrivals: Arrivals::Constant,
            extent: Extent::Payments(reservations),
            accounts,
            connections: RESERVING_CONNECTIONS,
            ..options()
        }
    }

    /// Fills a node and kills it.
    async fn fill(&mut self) -> anyhow::Result<Left> {
        let folder = self.folders.with_accounts(self.extents.accounts, self.teller)?;
        let folder = self.snapshot(folder).await?;
        let node = Node::start(&self.binary, folder, &settings(NEVER)).await?;
        let mut books = Books::open(node.address(), &self.reserving(), &Silent).await?;
        let reserved_bytes = self.extents.reservations * RESERVATION_LOG_BYTES;
        let wanted = self.extents.log_bytes.saturating_sub(reserved_bytes);
        loop {
            node.rest().await?;
            let filled = node.follower().await?.log_byte_count_since_snapshot;
            self.teller.doing(&format!("filling the log: {} of {} MiB", filled >> 20, wanted >> 20));
            if filled >= wanted {
                break;
            }
            let (driven, confirmed) = drive(node.address(), &self.filling(), &Silent).await?;
            ensure!(
                driven.gave_up.is_empty() && driven.counts.unknown == 0,
                "a log can't be filled: {driven}"
            );
            books.note(&driven, confirmed);
        }
        let (folder, open, steady_bytes) = self.reserve_and_kill(node).await?;
        self.teller.doing("reading what is left");
        let (log_bytes, snapshot_bytes) = after_snapshot(&folder)?;
        Ok(Left { folder, books, steady_bytes, open, log_bytes, snapshot_bytes })
    }

    /// Has a node write a few snapshots, the last of nearly all that there is.
    async fn snapshot(&self, folder: PathBuf) -> anyhow::Result<PathBuf> {
        // A quarter of what opening an account leaves in the log.
        let after = u64::from(self.extents.accounts) * 24;
        let node = Node::start(&self.binary, folder, &settings(after)).await?;
        self.teller.doing("waiting for a snapshot");
        node.rest().await?;
        let since = node.follower().await?.log_byte_count_since_snapshot;
        let newest = SnapshotFiles::of(node.folder())?.newest;
        ensure!(
            newest > 0 && since <= 2 * after,
            "a node at rest has no snapshot of its last {since} bytes of log"
        );
        node.stop()
    }

    /// Lets payments wait, and kills the node while they do. Gives its folder, how many waited, and what it used.
    async fn reserve_and_kill(&self, node: Node) -> anyhow::Result<(PathBuf, u64, u64)> {
        self.teller.doing("reserving");
        let banks = Responders::start(node.address(), None, BANKS, BANKS).await?;
        let wanted = self.extents.reservations;
        let wait = async {
            let start = Instant::now();
            loop {
                let open = node.status().await?.open_reservation_count;
                if open >= wanted || start.elapsed() > WAIT_WITHIN {
                    return anyhow::Ok(open);
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let (address, options) = (node.address().to_owned(), self.reserving());
        let open = tokio::select! {
            open = wait => open?,
            ended = drive(&address, &options, &Silent) => {
                anyhow::bail!("payments to silent banks came back: {}", ended?.0)
            }
        };
        let steady_bytes = node.process().resident_bytes()?;
        let folder = node.kill();
        drop(banks);
        let least = wanted as f64 * RESERVED_SHARE_MIN;
        ensure!(open as f64 >= least, "only {open} of {wanted} payments waited at once");
        Ok((folder, open, steady_bytes))
    }
}

/// The bytes of log after the newest snapshot, and of that snapshot.
fn after_snapshot(folder: &Path) -> anyhow::Result<(u64, u64)> {
    let storage = FileStorage::open(folder)?;
    let reader = Reader::open(storage.clone()).context("the log can't be opened")?;
    let newest = SnapshotFiles::of(folder)?.newest;
    let snapshot = SnapshotReader::open(&storage, &reader.identity(), newest);
    let header = *snapshot.context("the snapshot can't be read")?.header();
    let mut bytes = 0;
    let read = reader.read_from(&header.tail, &mut |frame, _| {
        let envelope = ENVELOPE_HEADER_LENGTH + frame.header().frame_length();
        bytes += u64::try_from(envelope.next_multiple_of(BLOCK_SIZE))?;
        Ok(())
    });
    read.context("the log can't be read")?;
    Ok((bytes, header.file_length()))
}

impl Experiment for Recovery<'_> {
    const DURABLE: bool = true;

    async fn ready(&mut self) -> anyhow::Result<()> {
        self.stop().await?;
        if self.left.is_none() {
            self.left = Some(self.fill().await?);
        }
        let left = self.left.as_ref().context("it has just been filled")?;
        self.teller.doing("copying what the node left");
        let copy = self.folders.copy_of(&left.folder)?;
        forget_cached(&copy)?;
        self.copy = Some(copy);
        Ok(())
    }

    async fn run(&mut self, _: bool) -> anyhow::Result<Vec<Figures>> {
        let copy = self.copy.take().context("there is nothing to recover")?;
        let left = self.left.as_ref().context("there is nothing to recover")?;
        self.teller.doing("recovering");
        let start = Instant::now();
        let node = Node::start(&self.binary, copy, &settings(NEVER)).await?;
        let elapsed = start.elapsed();
        let when_ready = node.process().resident_bytes_max()?;
        // The follower begins with a state of its own, which counts.
        node.rest().await?;
        let most = node.process().resident_bytes_max()?;
        let details = json!({
            "seconds": elapsed.as_secs_f64(),
            "resident_bytes_max_when_ready": when_ready,
            "resident_bytes_max": most,
            "resident_bytes_at_rest": node.process().resident_bytes()?,
            "of_steady": most as f64 / left.steady_bytes as f64,
        });
        self.node = Some(node);
        Ok(vec![Figures {
            side: "positions recovered",
            per_second: left.log_bytes as f64 / RESERVATION_LOG_BYTES as f64 / elapsed.as_secs_f64(),
            latency: Latency::default(),
            refusal_latency: Latency::default(),
            details,
        }])
    }
}

/// What the trials came to.
pub(crate) fn rows(found: &serde_json::Value, trials: &Trials, findings: &Findings) -> Vec<Row> {
    let number = |name: &'static str| {
        move |trial: &Trial| trial.figures[0].details[name].as_f64().expect("every trial has its figures")
    };
    let fact = |name: &str| found[name].as_f64().unwrap_or(0.0);
    let [accounts, open] = [fact("accounts"), fact("open_reservations")].map(|count| count / 1e6);
    let [log, snapshot] = [fact("log_bytes"), fact("snapshot_bytes")].map(gibibytes);
    let took = format!(
        "{accounts:.1} M accounts, {open:.2} M open reservations, {log:.2} GiB of log after a snapshot of \
         {snapshot:.2} GiB"
    );
    let [ready, most] = ["resident_bytes_max_when_ready", "resident_bytes_max"]
        .map(|name| median(trials, number(name)).map_or(0.0, gibibytes));
    let steady = gibibytes(fact("steady_bytes"));
    let used = format!("steady {steady:.2} GiB; most until ready {ready:.2}, until all rests {most:.2} GiB");
    let time = Goal::at_most(Unit::Seconds, Some(20.0), Some(10.0));
    let memory = Goal::at_most(Unit::Ratio, Some(1.5), None);
    vec![
        row("recovery, start to ready", time, trials, findings, number("seconds"), took),
        row("recovery, most memory / steady", memory, trials, findings, number("of_steady"), used),
    ]
}

fn gibibytes(bytes: f64) -> f64 {
    bytes / f64::from(1 << 30)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::rows::tests::trials;
    use crate::compare::statistics::Verdict;

    #[test]
    fn all_that_wait_find_room() {
        for extents in [Extents::FULL, Extents::QUICK] {
            let Mode::Stream { payments_per_message, messages_in_flight } = RESERVING else { unreachable!() };
            let room = payments_per_message * messages_in_flight * RESERVING_CONNECTIONS;
            assert!(u64::try_from(room).unwrap() >= extents.reservations);
            assert!(extents.reservations * RESERVATION_LOG_BYTES < extents.log_bytes);
        }
    }

    #[test]
    fn rows_are_made_of_what_trials_found() {
        let mut trials = trials();
        for trial in &mut trials.all {
            trial.figures[0].details = json!({
                "seconds": 12.0, "of_steady": 1.6,
                "resident_bytes_max_when_ready": 3_u64 << 30, "resident_bytes_max": 8_u64 << 30,
            });
        }
        let found = json!({
            "accounts": 10_000_000, "open_reservations": 990_000, "log_bytes": 4_u64 << 30,
            "snapshot_bytes": 1_u64 << 30, "steady_bytes": 5_u64 << 30,
        });
        let rows = rows(&found, &trials, &Findings::default());
        let verdicts: Vec<_> = rows.iter().map(Row::verdict).collect();
        assert_eq!(verdicts, [Verdict::MustReached, Verdict::Missed]);
        assert!(rows[0].note.starts_with("10.0 M accounts, 0.99 M open"), "{}", rows[0].note);
        assert_eq!(rows[1].note, "steady 5.00 GiB; most until ready 3.00, until all rests 8.00 GiB");
    }
}
