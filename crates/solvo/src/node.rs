//! A node inside this process: the engine on a folder, and the server on a listener.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ::history::holders::HoldersKeeper;
use ::history::receipts::{Keeper as ReceiptKeeper, LogOf, Running, SigningKey};
use ::history::{FOLDER, Keeper, with_oldest_snapshot};
use anyhow::Context;
use engine::{Config, Engine, FollowerSettings, Handle, RecoveryProgress, RecoveryView, TakenIn};
use server::{
    HOLDERS_RENEWED_AFTER_DAYS, Identities, Keeping, NewMasterKey, OtherBanks, ReceiptDesk, Served,
    ServerLimits,
};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use types::Sequence;

use crate::receipt::{KEY_FILE, RECEIPTS_FOLDER, usual_interval};

/// A running node.
pub(crate) struct Node {
    engine: Engine,
    /// What keeps history, if it is kept.
    history: Option<Keeper>,
    /// What keeps the names of account holders.
    holders: HoldersKeeper,
    /// What makes checkpoints of receipts, if they can be made.
    receipts: Option<Running>,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), server::ServeError>>,
    /// What keeps the calendar.
    calendar: Option<JoinHandle<()>>,
}

/// What is derived from the log beside the node's work, and kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeepSettings {
    /// Whether history is kept.
    pub(crate) history: bool,
    /// How receipts are made.
    pub(crate) receipts: ReceiptSettings,
    /// Where the next master key of what is kept is found.
    pub(crate) new_master_key: Option<Arc<NewMasterKey>>,
    /// What the node does by itself about the calendar and recalls; `None` is nothing.
    pub(crate) calendar: Option<Keeping>,
    /// How other banks are asked about their customers.
    pub(crate) other_banks: Option<Arc<dyn OtherBanks>>,
}

/// How receipts are made.
#[derive(Clone, Debug)]
pub(crate) struct ReceiptSettings {
    /// The file of the signing key; in the folder of the log if nothing else is said.
    pub(crate) key: Option<PathBuf>,
    /// How much log time a checkpoint covers.
    pub(crate) interval: types::Duration,
}

impl Default for ReceiptSettings {
    fn default() -> Self {
        Self { key: None, interval: usual_interval() }
    }
}

impl Node {
    /// Recovers or begins a log and serves it: with mutual TLS, on any address, if there are identities; without them on
    /// loopback only.
    pub(crate) async fn start_as(
        identities: Option<Arc<Identities>>,
        listen: SocketAddr,
        config: Config,
        limits: ServerLimits,
        keep: KeepSettings,
    ) -> anyhow::Result<Self> {
        // Asked first, so that a wrong address leaves the folder alone.
        if identities.is_none() && !listen.ip().is_loopback() {
            return Err(server::ServeError::NotLoopback(listen).into());
        }
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("can't listen on {listen}"))?
            .into_std()?;
        let address = listener.local_addr()?;
        let folder = config.folder.clone();
        // What is kept beside the engine is made from the log, so that waits for it.
        let follower = FollowerSettings { archive_waits: true, ..config.follower };
        let archive_keep = follower.archive_keep;
        let config = Config { follower, ..config };
        let engine = start_engine(identities.clone(), listener.try_clone()?, config, limits).await?;
        let listener = TcpListener::from_std(listener)?;
        let handle = engine.handle();
        let history = match keep.history {
            true => Some(keep_history(&handle, &folder)?),
            false => None,
        };
        let holders = keep_holders(&handle, history.as_ref())?;
        let kept = keep_receipts(folder, keep.receipts, handle.clone()).await?;
        handle.archive_waits_for(readers_of_the_log(history.as_ref(), &holders, kept.as_ref()));
        let (desk, receipts) = kept.map(|Receipts { desk, running, .. }| (desk, running)).unzip();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            // A sender that is dropped means the same as one that sends.
            let _ = stopped.await;
        };
        let calendar =
            keep.calendar.map(|keeping| tokio::spawn(server::keep_calendar(handle.clone(), keeping)));
        let served = Served {
            handle,
            history: history.as_ref().map(Keeper::history),
            receipts: desk,
            new_master_key: keep.new_master_key,
            holders: Some(holders.view()),
            holders_renewed_after_days: renewed_after_days(archive_keep),
            other_banks: keep.other_banks,
        };
        let serving = match identities {
            None => tokio::spawn(server::serve(listener, served, limits, shutdown)),
            Some(identities) => {
                tokio::spawn(server::serve_secured(identities, listener, served, limits, shutdown))
            }
        };
        Ok(Self { engine, history, holders, receipts, address, stop, serving, calendar })
    }

    /// Where it listens; the port is the one that the system chose if none was asked for.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the server ends without having been told to.
    pub(crate) async fn ended(&mut self) -> anyhow::Error {
        match (&mut self.serving).await {
            Ok(Ok(())) => anyhow::anyhow!("the server has ended by itself"),
            Ok(Err(error)) => error.into(),
            Err(panic) => panic.into(),
        }
    }

    /// Takes nothing more, answers what was taken, and ends the log in a marker.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let Self { engine, history, holders, receipts, stop, serving, calendar, .. } = self;
        if let Some(calendar) = calendar {
            calendar.abort();
        }
        drop(stop);
        serving.await??;
        // All read the log of the engine, which ends last.
        let stop = move || {
            drop(receipts);
            drop(holders);
            drop(history);
            engine.stop();
        };
        tokio::task::spawn_blocking(stop).await?;
        Ok(())
    }
}

/// How often a long start says how far it has come.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Recovers or begins a log, and tells meanwhile how far that is: whoever connects, and the node's own log.
async fn start_engine(
    identities: Option<Arc<Identities>>,
    listener: std::net::TcpListener,
    config: Config,
    limits: ServerLimits,
) -> anyhow::Result<Engine> {
    let progress = Arc::new(RecoveryProgress::default());
    let (over, is_over) = oneshot::channel::<()>();
    let is_over = async {
        // A sender that is dropped means the same as one that sends.
        let _ = is_over.await;
    };
    let listener = TcpListener::from_std(listener)?;
    let waiting = server::serve_recovery(identities, listener, Arc::clone(&progress), limits, is_over);
    let waiting = tokio::spawn(waiting);
    let told = Arc::clone(&progress);
    let mut engine = tokio::task::spawn_blocking(move || engine::start_telling(&config, &told));
    let mut interval = tokio::time::interval(TELL_EVERY);
    interval.tick().await;
    let engine = loop {
        tokio::select! {
            engine = &mut engine => break engine,
            _ = interval.tick() => tell(&progress.view()),
        }
    };
    drop(over);
    // Whoever could not be told waits for the node itself.
    if let Err(error) = waiting.await? {
        tracing::warn!(%error, "those who waited for the start could not be told how far it was");
    }
    Ok(engine??)
}

fn tell(view: &RecoveryView) {
    tracing::info!(
        percent = view.percent(),
        seconds_left = view.left.map(|left| left.as_secs()),
        frames = view.frames,
        sequence = view.sequence.0,
        "the log is being read"
    );
}

/// Keeps the history of a running engine's log.
fn keep_history(handle: &Handle, folder: &Path) -> anyhow::Result<Keeper> {
    let begin = with_oldest_snapshot(folder.to_owned());
    let keeper = Keeper::start(folder.join(FOLDER), handle.log().frames(), *handle.digest_key(), begin);
    keeper.context("there can be no thread for history")
}

/// Keeps the names of account holders in memory, with the help of history if that is kept.
fn keep_holders(handle: &Handle, history: Option<&Keeper>) -> anyhow::Result<HoldersKeeper> {
    let keeper = HoldersKeeper::start(handle.log().frames(), history.map(Keeper::history));
    keeper.context("there can be no thread for the names of account holders")
}

/// Names are written again before their day may be erased, after ten years, and before the segment is removed in which they
/// stand. Where segments are kept for a few days only, they are written every day.
fn renewed_after_days(archive_keep: Option<types::Duration>) -> i32 {
    let days = archive_keep.map_or(i64::MAX, |keep| keep.nanoseconds() / 86_400_000_000_000);
    let three_quarters = i32::try_from(days / 4 * 3).unwrap_or(i32::MAX);
    three_quarters.clamp(1, HOLDERS_RENEWED_AFTER_DAYS)
}

/// What makes receipts.
struct Receipts {
    desk: ReceiptDesk,
    running: Running,
    keeper: Arc<ReceiptKeeper>,
}

/// Who has to read the log before old parts of it go: history if it is kept, the names of holders until they can't be kept,
/// and receipts always. Where those can't be made at the moment, nothing goes.
fn readers_of_the_log(
    history: Option<&Keeper>,
    holders: &HoldersKeeper,
    receipts: Option<&Receipts>,
) -> Vec<TakenIn> {
    let mut readers: Vec<TakenIn> = Vec::new();
    if let Some(history) = history.map(Keeper::history) {
        readers.push(Box::new(move || history.taken_in()));
    }
    let holders = holders.view();
    readers.push(Box::new(move || holders.taken_in()));
    let receipts = receipts.map(|receipts| Arc::clone(&receipts.keeper));
    readers.push(Box::new(move || receipts.as_ref().map_or(Sequence(0), |keeper| keeper.taken_in())));
    readers
}

/// Makes receipts from a running engine's log; none if that can't be, because payments matter more.
async fn keep_receipts(
    folder: PathBuf,
    settings: ReceiptSettings,
    handle: Handle,
) -> anyhow::Result<Option<Receipts>> {
    let started = tokio::task::spawn_blocking(move || start_receipts(&folder, &settings, handle)).await?;
    Ok(started
        .inspect_err(
            |error| tracing::error!(error = %format!("{error:#}"), "no receipts are given until this is mended"),
        )
        .ok())
}

fn start_receipts(folder: &Path, settings: &ReceiptSettings, handle: Handle) -> anyhow::Result<Receipts> {
    let key = settings.key.clone().unwrap_or_else(|| folder.join(KEY_FILE));
    let key = SigningKey::load_or_make(&key)?;
    let frames = handle.log().frames();
    let (cluster, digest_key, lives) = (handle.cluster(), *handle.digest_key(), handle.lives().clone());
    let folder = folder.join(RECEIPTS_FOLDER);
    let log = LogOf { cluster, digest_key, lives };
    let keeper = ReceiptKeeper::open(&folder, key, log, settings.interval, frames)?;
    let keeper = Arc::new(keeper);
    let quiet = move |end| {
        // Without traffic no frame would end the interval.
        if handle.now() >= end {
            handle.tick();
        }
    };
    let running = Running::start(Arc::clone(&keeper), quiet)?;
    Ok(Receipts { desk: ReceiptDesk::new(Arc::clone(&keeper)), running, keeper })
}
