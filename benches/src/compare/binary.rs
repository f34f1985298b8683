//! Nodes of the real binary: `solvo serve`, with snapshots and a history, as an operator runs it.
//!
//! What lasts is measured with it and not with the node in this program, because part of it is how the binary starts,
//! what its follower does meanwhile, and the memory of it all.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use client::v1::{Follower, GetNodeStatusRequest, GetNodeStatusResponse};
use client::{Client, ConnectOptions};
use loadgen::{AuditReport, Books, Driven, LoadOptions, Silent, drive};

use super::contest::Findings;
use super::folders::remove;
use super::process::{ServerProcess, text};
use super::progress::Teller;

/// More bytes of log than any measurement writes: what comes after so many never comes.
pub(crate) const NEVER: u64 = 1 << 50;

/// How long a node may take until it has nothing more to do.
const REST_WITHIN: Duration = Duration::from_secs(600);

/// A node rests if it used no more than so many ticks, a hundredth of a second each, in each of so many looks.
const LOOK: Duration = Duration::from_millis(500);
const LOOKS: u32 = 2;
const TICKS_AT_REST: u64 = 2;

/// How long a node that listens may take until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How often a node that starts is asked whether it is ready.
const READY_LOOK: Duration = Duration::from_millis(10);

/// A program that was built beside this one.
#[derive(Clone, Debug)]
pub(crate) struct Binary(PathBuf);

impl Binary {
    /// The real binary: the one that is given, or the one beside this program.
    pub(crate) fn solvo(given: Option<&Path>) -> anyhow::Result<Self> {
        Self::find(given, "solvo", "cargo build --release -p solvo")
    }

    /// The history crate's example `size`, likewise.
    pub(crate) fn history_size(given: Option<&Path>) -> anyhow::Result<Self> {
        Self::find(given, "examples/size", "cargo build --release -p history --example size")
    }

    fn find(given: Option<&Path>, beside: &str, build: &str) -> anyhow::Result<Self> {
        let path = match given {
            Some(given) => given.to_owned(),
            None => std::env::current_exe()
                .context("this program's own file can't be found")?
                .with_file_name(beside),
        };
        ensure!(
            path.is_file(),
            "there is no {}: build it with `{build}`, or say where it is",
            path.display()
        );
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

/// How a node is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// A snapshot follows so many bytes of log, and admission is never slowed for the sake of recovery; `None`: both as
    /// the binary has it by itself.
    pub(crate) snapshot_after_bytes: Option<u64>,
    pub(crate) keeps_history: bool,
    /// Room for payments.
    pub(crate) payments_max: usize,
    /// Payments for which memory is made ready at the start.
    pub(crate) payments_ready: usize,
}

impl Settings {
    /// The arguments of the binary, for a node on this folder and a free port.
    fn arguments(&self, folder: &Path) -> anyhow::Result<Vec<String>> {
        let mut arguments = ["serve", "--listen", "127.0.0.1:0", "--data"].map(str::to_owned).to_vec();
        arguments.push(text(folder)?);
        let mut option = |name: &str, value: u64| arguments.extend([name.to_owned(), value.to_string()]);
        option("--payments-max", u64::try_from(self.payments_max)?);
        option("--payments-ready", u64::try_from(self.payments_ready)?);
        if let Some(bytes) = self.snapshot_after_bytes {
            option("--snapshot-after-bytes", bytes);
            option("--log-bytes-since-snapshot-max", 2 * NEVER);
        }
        if !self.keeps_history {
            arguments.push("--without-history".to_owned());
        }
        Ok(arguments)
    }
}

/// A node that is ready.
#[derive(Debug)]
pub(crate) struct Node {
    process: ServerProcess,
    client: Client,
    folder: PathBuf,
}

impl Node {
    /// Starts a node, and returns when it takes payments.
    pub(crate) async fn start(binary: &Binary, folder: PathBuf, settings: &Settings) -> anyhow::Result<Self> {
        let process = ServerProcess::binary(binary.path(), &settings.arguments(&folder)?)?;
        let options = ConnectOptions { connections: 1, ..ConnectOptions::default() };
        let client = Client::connect(process.address(), options).await?;
        let node = Self { process, client, folder };
        let start = Instant::now();
        while !node.status().await?.ready {
            ensure!(start.elapsed() < READY_WITHIN, "a node that has recovered its log takes no payments");
            tokio::time::sleep(READY_LOOK).await;
        }
        Ok(node)
    }

    pub(crate) fn address(&self) -> &str {
        self.process.address()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn process(&self) -> &ServerProcess {
        &self.process
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) async fn status(&self) -> anyhow::Result<GetNodeStatusResponse> {
        Ok(self.client.get_node_status(GetNodeStatusRequest {}).await?)
    }

    /// How its follower does.
    pub(crate) async fn follower(&self) -> anyhow::Result<Follower> {
        self.status().await?.follower.context("the node tells nothing of its follower")
    }

    /// Waits until it has nothing more to do: it has followed its log, no snapshot is half written, and its threads sleep.
    pub(crate) async fn rest(&self) -> anyhow::Result<()> {
        let start = Instant::now();
        let mut ticks = self.process.ticks()?;
        let mut looks = 0;
        while looks < LOOKS {
            ensure!(start.elapsed() < REST_WITHIN, "a node without callers does not come to rest");
            tokio::time::sleep(LOOK).await;
            let follower = self.follower().await?;
            let follows = follower.lag_sequence_count > 0 || follower.is_writing_snapshot;
            let now = self.process.ticks()?;
            let rests = !follows && now - ticks <= TICKS_AT_REST;
            looks = if rests { looks + 1 } else { 0 };
            ticks = now;
        }
        Ok(())
    }

    /// Compares its books with what callers were told. Nothing may be under way.
    pub(crate) async fn audit(
        &self,
        books: &Books,
        options: &LoadOptions,
        teller: &Teller,
    ) -> anyhow::Result<AuditReport> {
        teller.doing("auditing");
        let audit = books.audit(self.address(), options, &Silent).await?;
        if !audit.passed() {
            teller.line(&audit.to_string());
        }
        Ok(audit)
    }

    /// Lets it end in good order, and gives its folder back.
    pub(crate) fn stop(self) -> anyhow::Result<PathBuf> {
        let Self { process, client, folder } = self;
        // A node that ends waits for its connections.
        drop(client);
        process.stop()?;
        Ok(folder)
    }

    /// Ends it at once, and gives its folder back.
    pub(crate) fn kill(self) -> PathBuf {
        self.process.kill();
        self.folder
    }
}

/// A node with the books of what it is told, which are compared with its own at the end.
#[derive(Debug)]
pub(crate) struct Booked {
    pub(crate) node: Node,
    pub(crate) books: Books,
    world: LoadOptions,
}

impl Booked {
    /// Begins the books of a node; `world` says which accounts they are about.
    pub(crate) async fn open(node: Node, world: LoadOptions) -> anyhow::Result<Self> {
        let books = Books::open(node.address(), &world, &Silent).await?;
        Ok(Self { node, books, world })
    }

    pub(crate) async fn drive(&mut self, options: &LoadOptions) -> anyhow::Result<Driven> {
        let (driven, confirmed) = drive(self.node.address(), options, &Silent).await?;
        self.books.note(&driven, confirmed);
        Ok(driven)
    }

    /// Audits the node, lets it end, and removes its folder.
    pub(crate) async fn finish(self, teller: &Teller, findings: &mut Findings) -> anyhow::Result<()> {
        findings.audits.push(self.node.audit(&self.books, &self.world, teller).await?);
        remove(&self.node.stop()?)
    }
}

/// What a folder tells of its snapshots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SnapshotFiles {
    /// The newest that is whole; 0 = none. They are numbered without a gap.
    pub(crate) newest: u64,
    /// Its length in bytes.
    pub(crate) length: u64,
}

impl SnapshotFiles {
    pub(crate) fn of(folder: &Path) -> anyhow::Result<Self> {
        let context = || format!("{} can't be read", folder.display());
        let mut found = Self::default();
        for entry in std::fs::read_dir(folder).with_context(context)? {
            let entry = entry.with_context(context)?;
            let name = entry.file_name();
            let number = name.to_str().and_then(journal::snapshot_number);
            let Some(number) = number.filter(|number| *number > found.newest) else { continue };
            // One that was removed meanwhile is not the newest.
            let Ok(file) = entry.metadata() else { continue };
            (found.newest, found.length) = (number, file.len());
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_become_arguments() {
        let plain =
            Settings { snapshot_after_bytes: None, keeps_history: true, payments_max: 3, payments_ready: 2 };
        let told = |settings: Settings| settings.arguments(Path::new("d")).unwrap().join(" ");
        let expected = "serve --listen 127.0.0.1:0 --data d --payments-max 3 --payments-ready 2";
        assert_eq!(told(plain), expected);
        let set = Settings { snapshot_after_bytes: Some(7), keeps_history: false, ..plain };
        let rest =
            "--snapshot-after-bytes 7 --log-bytes-since-snapshot-max 2251799813685248 --without-history";
        assert_eq!(told(set), format!("{expected} {rest}"));
    }

    #[test]
    fn a_folder_tells_of_its_newest_snapshot() {
        let folder = tempfile::tempdir().unwrap();
        let found = || SnapshotFiles::of(folder.path()).unwrap();
        std::fs::write(folder.path().join("MANIFEST"), "m").unwrap();
        assert_eq!(found(), SnapshotFiles::default());
        for (number, text) in [(9, "nine"), (10, "of ten")] {
            std::fs::write(folder.path().join(journal::snapshot_name(number)), text).unwrap();
        }
        std::fs::write(folder.path().join(format!("{}.new", journal::snapshot_name(11))), "half").unwrap();
        assert_eq!(found(), SnapshotFiles { newest: 10, length: 6 });
    }

    #[test]
    fn a_binary_that_is_not_there_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Binary::solvo(Some(&folder.path().join("solvo"))).unwrap_err().to_string();
        assert!(missing.contains("cargo build --release -p solvo"), "{missing}");
    }
}
