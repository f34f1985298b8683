//! The thread that keeps history up to date, and what others hold of it.
//!
//! Invariants:
//! - Nobody waits for this thread: it reads durable frames beside the writer, and a fault of the store ends it and
//!   nothing else.
//! - It reads on from the watermark in passes. What came in between makes one commit, so a burst is caught up with in
//!   large ones.
//! - What it says to have taken in ([`History::taken_in`]) is on stable storage: frames up to there may go.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use journal::{FrameSource, FrameView, ReadError};
use types::{DigestKey, Sequence};

use crate::indexer::{IndexError, Indexer};
use crate::opening::{self, KeepError};
use crate::store::{Store, Watermark};
use crate::view::View;

pub use crate::opening::{Begin, with_oldest_snapshot};

/// The folder of the store in a node's data folder.
pub const FOLDER: &str = "history";

/// Between two passes over what is new.
const INTERVAL: Duration = Duration::from_millis(100);

/// What has been committed is synced so often, for those who wait until it is safe.
const SYNCED_EVERY: Duration = Duration::from_secs(60);

/// Items that make a commit while there are more: some megabytes.
pub const ITEMS_PER_COMMIT: usize = 1 << 16;

/// Why history can't be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The store is being opened, or nothing has been taken in yet.
    #[error("history is being opened; try again shortly")]
    Opening,
    /// History has ended with a fault. The node goes on.
    #[error("history has stopped: {0}")]
    Stopped(String),
}

/// How far history has come.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Up to where it goes; `None` if nothing has been taken in.
    pub watermark: Option<Watermark>,
    /// Since when it has lacked nothing of the log, as of the last pass; `None` while it catches up.
    pub complete_at: Option<Instant>,
    /// Why it can't be asked, if so.
    pub unavailable: Option<Unavailable>,
}

impl Progress {
    /// Whether nothing is missing that is older than a second or so.
    pub fn is_current(&self) -> bool {
        self.unavailable.is_none() && self.complete_at.is_some_and(|at| at.elapsed() < CURRENT)
    }
}

/// A pass that began so long ago and found nothing more says nothing any more.
const CURRENT: Duration = Duration::from_secs(1);

/// History that is being kept up to date. Dropping it stops that.
#[derive(Debug)]
pub struct Keeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// A way to ask history. Cheap to clone.
#[derive(Clone, Debug)]
pub struct History {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    stops: AtomicBool,
    /// Up to here the log is not needed any more, whatever happens to the machine.
    taken_in: AtomicU64,
}

#[derive(Debug)]
struct State {
    store: Option<Arc<Store>>,
    complete_at: Option<Instant>,
    unavailable: Option<Unavailable>,
}

impl Keeper {
    /// Keeps the history of a log in a folder, from where it stands there. It opens and catches up in the background.
    /// Where there is none, and the log does not begin with its first frame any more, `begin` begins it.
    ///
    /// # Errors
    /// If there can be no thread.
    pub fn start(
        folder: PathBuf,
        source: Arc<dyn FrameSource>,
        key: DigestKey,
        begin: Begin,
    ) -> std::io::Result<Self> {
        let state = State { store: None, complete_at: None, unavailable: Some(Unavailable::Opening) };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            stops: AtomicBool::new(false),
            taken_in: AtomicU64::new(0),
        });
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name("history".to_owned()).spawn(move || {
                let ends = Ends(Arc::clone(&shared));
                match keep(&shared, &folder, source.as_ref(), key, &begin) {
                    Ok(()) => tracing::debug!("history stops with the node"),
                    Err(error) => {
                        let why = error.to_string();
                        tracing::error!(error = %why, "history has stopped; the node goes on without it");
                        held(&shared).unavailable = Some(Unavailable::Stopped(why));
                    }
                }
                drop(ends);
            })?
        };
        Ok(Self { shared, thread: Some(thread) })
    }

    /// What asks this history.
    pub fn history(&self) -> History {
        History { shared: Arc::clone(&self.shared) }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.shared.stops.store(true, Ordering::Relaxed);
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic in there has been told by its own message.
            let _ = thread.join();
        }
        // Whoever still holds a way to ask does not keep the folder open.
        held(&self.shared).store = None;
    }
}

/// A thread that ends in a panic says so to those who ask.
struct Ends(Arc<Shared>);

impl Drop for Ends {
    fn drop(&mut self) {
        if std::thread::panicking() {
            held(&self.0).unavailable = Some(Unavailable::Stopped("a fault in the program".to_owned()));
        }
    }
}

impl History {
    /// History as it is now.
    ///
    /// # Errors
    /// If it can't be asked.
    pub fn view(&self) -> Result<View, Unavailable> {
        let store = {
            let state = held(&self.shared);
            if let Some(unavailable) = &state.unavailable {
                return Err(unavailable.clone());
            }
            state.store.clone()
        };
        let view = View::new(&store.ok_or(Unavailable::Opening)?);
        view.map_err(|error| Unavailable::Stopped(error.to_string()))?.ok_or(Unavailable::Opening)
    }

    /// Frames up to this position are not needed any more: what they say is on stable storage. A while behind what can
    /// be asked.
    pub fn taken_in(&self) -> Sequence {
        Sequence(self.shared.taken_in.load(Ordering::Relaxed))
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        let (store, complete_at, unavailable) = {
            let state = held(&self.shared);
            (state.store.clone(), state.complete_at, state.unavailable.clone())
        };
        let watermark = store.and_then(|store| store.reading().watermark().ok().flatten());
        Progress { watermark, complete_at, unavailable }
    }
}

fn held(shared: &Shared) -> MutexGuard<'_, State> {
    // No invariant of the state spans a panic.
    shared.state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep(
    shared: &Shared,
    folder: &Path,
    source: &dyn FrameSource,
    key: DigestKey,
    begin: &Begin,
) -> Result<(), KeepError> {
    let mut indexer = opening::open(folder, source, key, begin)?;
    sync(&indexer, shared)?;
    let mut synced = Instant::now();
    {
        let mut state = held(shared);
        (state.store, state.unavailable) = (Some(Arc::clone(indexer.store())), None);
    }
    loop {
        let began = Instant::now();
        let stops = || shared.stops.load(Ordering::Relaxed);
        catch_up(&mut indexer, source, &stops)?;
        let mut state = held(shared);
        if stops() {
            drop(state);
            return sync(&indexer, shared);
        }
        if synced.elapsed() >= SYNCED_EVERY {
            drop(state);
            sync(&indexer, shared)?;
            synced = Instant::now();
            state = held(shared);
        }
        state.complete_at = Some(began);
        let waited = shared.changed.wait_timeout(state, INTERVAL);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

/// Puts what has been taken in on stable storage, and says up to where that is.
fn sync(indexer: &Indexer, shared: &Shared) -> Result<(), KeepError> {
    indexer.store().sync()?;
    // With nothing that has been committed, nothing may go.
    let resume_after = indexer.committed().map_or(Sequence(0), |committed| committed.resume_after);
    shared.taken_in.store(resume_after.0, Ordering::Relaxed);
    Ok(())
}

/// Takes in everything up to the log's end, in commits that are not too large.
pub(crate) fn catch_up(
    indexer: &mut Indexer,
    source: &dyn FrameSource,
    stops: &dyn Fn() -> bool,
) -> Result<(), KeepError> {
    let mut taken = Ok(());
    let from: Sequence = indexer.resume_after();
    let read = source.read_after(from, &mut |frame| {
        taken = take(indexer, &frame);
        if taken.is_err() || stops() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    taken?;
    match read {
        Err(ReadError::Trimmed { first_sequence, .. }) => {
            return Err(KeepError::Behind { reached: indexer.resume_after(), first: first_sequence });
        }
        other => other?,
    }
    Ok(indexer.commit()?)
}

/// Takes in a frame, and commits if enough waits.
fn take(indexer: &mut Indexer, frame: &FrameView<'_>) -> Result<(), IndexError> {
    indexer.step(frame)?;
    if indexer.waiting() >= ITEMS_PER_COMMIT { indexer.commit() } else { Ok(()) }
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
