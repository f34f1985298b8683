//! A node inside the test's own process: the engine on a temporary folder, and the server on a free port.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::{Config, Engine, FollowerSettings, Handle, StartError};
use history::holders::HoldersKeeper;
use history::receipts::{Keeper as ReceiptKeeper, LogOf, Running, SigningKey};
use history::{Keeper, with_oldest_snapshot};
use journal::SegmentSize;
use ledger::Limits;
use server::{Identities, OtherBanks, ReceiptDesk, ServeError, Served, ServerLimits};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::{Api, until};

/// What a node keeps beside its log.
#[derive(Clone, Copy, Debug)]
struct Keeps {
    history: bool,
    receipts: bool,
}

impl Keeps {
    const NOTHING: Self = Self { history: false, receipts: false };
    const HISTORY: Self = Self { history: true, receipts: false };
    const RECEIPTS: Self = Self { history: false, receipts: true };
    const ALL: Self = Self { history: true, receipts: true };
}

/// A node that is running. Dropping it ends it and removes its folder.
#[derive(Debug)]
pub struct Node {
    // Fields are dropped in this order: who reads the log stops before the engine, and that before its folder is removed.
    receipts: Option<Running>,
    history: Option<Keeper>,
    holders: HoldersKeeper,
    engine: Engine,
    folder: TempDir,
    limits: ServerLimits,
    room: Limits,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), ServeError>>,
    started: Instant,
}

impl Node {
    /// A node on a fresh folder.
    pub async fn start() -> Self {
        Self::with_limits(ServerLimits::default()).await
    }

    /// A node on a fresh folder, with limits of its edge.
    pub async fn with_limits(limits: ServerLimits) -> Self {
        let folder = tempfile::tempdir().expect("the system's temporary folder can be written");
        Self::serve(folder, limits, ROOM, Keeps::NOTHING).await
    }

    /// A node on a fresh folder that gives receipts, with checkpoints of one second.
    pub async fn with_receipts() -> Self {
        let folder = tempfile::tempdir().expect("the system's temporary folder can be written");
        Self::serve(folder, ServerLimits::default(), ROOM, Keeps::RECEIPTS).await
    }

    /// The same on the folder of a node that has stopped.
    pub async fn with_receipts_on(folder: TempDir) -> Self {
        Self::serve(folder, ServerLimits::default(), ROOM, Keeps::RECEIPTS).await
    }

    /// A node on a fresh folder that keeps the history of its log.
    pub async fn with_history() -> Self {
        let folder = tempfile::tempdir().expect("the system's temporary folder can be written");
        Self::with_history_on(folder).await
    }

    /// A node on a fresh folder that keeps history, and writes a snapshot after so many bytes of its log.
    pub async fn with_history_and_snapshots(snapshot_after_bytes: u64) -> Self {
        let folder = tempfile::tempdir().expect("the system's temporary folder can be written");
        let follower = FollowerSettings { snapshot_after_bytes, ..FollowerSettings::default() };
        let config = Config { follower, ..config(folder.path(), ROOM) };
        let engine = Self::start_engine_as(config).await.expect("the node starts");
        Self::serve_engine_as(None, engine, folder, ServerLimits::default(), ROOM, Keeps::HISTORY).await
    }

    /// A node on a fresh folder that asks other banks in this way.
    pub async fn with_other_banks(banks: Arc<dyn OtherBanks>) -> Self {
        let folder = tempfile::tempdir().expect("the system's temporary folder can be written");
        let engine = Self::start_engine(folder.path()).await.expect("the node starts");
        let limits = ServerLimits::default();
        Self::serve_engine_with(None, engine, folder, (limits, ROOM), Keeps::NOTHING, Some(banks)).await
    }

    /// A node on a folder with a log that others have written.
    pub async fn on(folder: TempDir) -> Self {
        Self::serve(folder, ServerLimits::default(), ROOM, Keeps::NOTHING).await
    }

    /// A node that keeps history, on a folder with a log that others have written.
    pub async fn with_history_on(folder: TempDir) -> Self {
        Self::serve(folder, ServerLimits::default(), ROOM, Keeps::HISTORY).await
    }

    /// A node on a fresh folder, with room for so much in its ledger.
    pub async fn with_room(room: Limits) -> Self {
        let folder = tempfile::tempdir().expect("the system's temporary folder can be written");
        Self::serve(folder, ServerLimits::default(), room, Keeps::NOTHING).await
    }

    /// A node on a fresh folder that takes no more commands a second than this.
    pub async fn with_pace(commands_per_second_max: NonZeroU32) -> Self {
        let folder = tempfile::tempdir().expect("the system's temporary folder can be written");
        let engine = Self::start_engine_with(folder.path(), ROOM, Some(commands_per_second_max)).await;
        let engine = engine.expect("the node starts");
        Self::serve_engine_as(None, engine, folder, ServerLimits::default(), ROOM, Keeps::NOTHING).await
    }

    /// A node on a fresh folder, with mutual TLS, history and receipts.
    pub async fn secured(identities: Arc<Identities>, limits: ServerLimits) -> Self {
        let folder = tempfile::tempdir().expect("the system's temporary folder can be written");
        Self::secured_on(folder, identities, limits).await
    }

    /// The same on a folder that may have been used before.
    pub async fn secured_on(folder: TempDir, identities: Arc<Identities>, limits: ServerLimits) -> Self {
        let engine = Self::start_engine(folder.path()).await.expect("the node starts");
        Self::serve_engine_as(Some(identities), engine, folder, limits, ROOM, Keeps::ALL).await
    }

    /// Stops this node in an orderly way and starts another one on its folder, at another address.
    pub async fn restart(self) -> Self {
        let limits = self.limits;
        self.restart_with(limits).await
    }

    /// The same, with other limits of its edge.
    pub async fn restart_with(self, limits: ServerLimits) -> Self {
        self.restart_with_change(limits, |_| ()).await
    }

    /// The same on the same limits, with a change to its folder in between.
    pub async fn restart_after(self, change: impl FnOnce(&Path)) -> Self {
        let limits = self.limits;
        self.restart_with_change(limits, change).await
    }

    async fn restart_with_change(self, limits: ServerLimits, change: impl FnOnce(&Path)) -> Self {
        let (room, keeps) = (self.room, self.keeps());
        let folder = self.stop().await;
        change(folder.path());
        Self::serve(folder, limits, room, keeps).await
    }

    const fn keeps(&self) -> Keeps {
        Keeps { history: self.history.is_some(), receipts: self.receipts.is_some() }
    }

    /// Stops this node in an orderly way. Its folder stays until the returned guard is dropped.
    pub async fn stop(self) -> TempDir {
        drop(self.stop);
        let served = self.serving.await.expect("serving does not panic");
        served.expect("serving ends without a fault");
        let (engine, history, holders, receipts) = (self.engine, self.history, self.holders, self.receipts);
        let stop = move || {
            drop(receipts);
            drop(holders);
            drop(history);
            engine.stop();
        };
        let stopped = tokio::task::spawn_blocking(stop).await;
        stopped.expect("the engine stops without a panic");
        self.folder
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder of its log.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until banks that have not connected since the node started count as not connected: for a second they may
    /// still be on their way back.
    pub async fn until_grace_is_over(&self) {
        let api = self.api().await;
        until("the grace of banks that are not connected is over", async || {
            api.node_status().await;
            (self.started.elapsed() > OFFLINE_GRACE).then_some(())
        })
        .await;
    }

    /// Does what a node of the binary does by itself, until the returned task is aborted.
    pub fn keep_calendar(&self) -> JoinHandle<()> {
        let keeping = server::Keeping { business_date: true };
        tokio::spawn(server::keep_calendar(self.engine.handle(), keeping))
    }

    /// Clients of its services, on a connection of their own.
    pub async fn api(&self) -> Api {
        Api::connect(self.address).await
    }

    /// Starts an engine alone on a folder that may be in use.
    pub async fn start_engine(folder: &Path) -> Result<Engine, StartError> {
        Self::start_engine_with(folder, ROOM, None).await
    }

    async fn start_engine_with(
        folder: &Path,
        limits: Limits,
        commands_per_second_max: Option<NonZeroU32>,
    ) -> Result<Engine, StartError> {
        Self::start_engine_as(Config { commands_per_second_max, ..config(folder, limits) }).await
    }

    async fn start_engine_as(config: Config) -> Result<Engine, StartError> {
        let started = tokio::task::spawn_blocking(move || engine::start(&config)).await;
        started.expect("starting does not panic")
    }

    async fn serve(folder: TempDir, limits: ServerLimits, room: Limits, keeps: Keeps) -> Self {
        let engine = Self::start_engine_with(folder.path(), room, None).await;
        let engine = engine.expect("the node starts on its folder");
        Self::serve_engine_as(None, engine, folder, limits, room, keeps).await
    }

    async fn serve_engine_as(
        identities: Option<Arc<Identities>>,
        engine: Engine,
        folder: TempDir,
        limits: ServerLimits,
        room: Limits,
        keeps: Keeps,
    ) -> Self {
        Self::serve_engine_with(identities, engine, folder, (limits, room), keeps, None).await
    }

    async fn serve_engine_with(
        identities: Option<Arc<Identities>>,
        engine: Engine,
        folder: TempDir,
        (limits, room): (ServerLimits, Limits),
        keeps: Keeps,
        other_banks: Option<Arc<dyn OtherBanks>>,
    ) -> Self {
        show_errors();
        let started = Instant::now();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on the loopback interface");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            // A sender that is dropped means the same as one that sends.
            let _ = stopped.await;
        };
        let handle = engine.handle();
        let history = keeps.history.then(|| {
            let begin = with_oldest_snapshot(folder.path().to_owned());
            let folder = folder.path().join(history::FOLDER);
            let keeper = Keeper::start(folder, handle.log().frames(), *handle.digest_key(), begin);
            keeper.expect("a thread can be started")
        });
        let (desk, receipts) = keeps.receipts.then(|| keep_receipts(folder.path(), &handle)).unzip();
        let holders = HoldersKeeper::start(handle.log().frames(), history.as_ref().map(Keeper::history));
        let holders = holders.expect("a thread can be started");
        let served = Served {
            history: history.as_ref().map(Keeper::history),
            receipts: desk,
            holders: Some(holders.view()),
            other_banks,
            ..Served::from(handle)
        };
        let serving = match identities {
            None => tokio::spawn(server::serve(listener, served, limits, shutdown)),
            Some(identities) => {
                tokio::spawn(server::serve_secured(identities, listener, served, limits, shutdown))
            }
        };
        Self { receipts, history, holders, engine, folder, limits, room, address, stop, serving, started }
    }
}

fn config(folder: &Path, limits: Limits) -> Config {
    Config {
        folder: folder.to_owned(),
        segment_size: SegmentSize::new(4 << 20).expect("4 MiB are whole blocks"),
        limits,
        payments_ready: 0,
        commands_per_second_max: None,
        master_key: None,
        follower: FollowerSettings::default(),
        is_parallel: false,
    }
}

/// Makes checkpoints of one second, as `solvo serve` makes them of ten.
fn keep_receipts(folder: &Path, handle: &Handle) -> (ReceiptDesk, Running) {
    let key = SigningKey::load_or_make(&folder.join("receipt-key")).expect("a key can be made");
    let interval = types::Duration::from_seconds(1);
    let (cluster, digest_key, lives) = (handle.cluster(), *handle.digest_key(), handle.lives().clone());
    let (log, frames) = (LogOf { cluster, digest_key, lives }, handle.log().frames());
    let keeper = ReceiptKeeper::open(&folder.join("receipts"), key, log, interval, frames);
    let keeper = Arc::new(keeper.expect("checkpoints can be kept"));
    let handle = handle.clone();
    let quiet = move |end| {
        if handle.now() >= end {
            handle.tick();
        }
    };
    let running = Running::start(Arc::clone(&keeper), quiet).expect("the thread starts");
    (ReceiptDesk::new(keeper), running)
}

/// A node whose log fails ends the whole process, and only its last message says why.
fn show_errors() {
    let filter = tracing_subscriber::EnvFilter::new("error");
    // Another test of this process may have been first.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

/// The profile's grace of 1 s, and what log time may lag behind.
const OFFLINE_GRACE: Duration = Duration::from_millis(1100);

/// Small, so that a test costs little memory.
const ROOM: Limits = Limits { accounts_max: 1 << 16, payments_max: 1 << 16, requests_max: 1 << 16 };
