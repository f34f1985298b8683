//! The thread that keeps history up to date, and what others hold of it.
//!
//! Invariants:
//! - Nobody waits for this thread: it reads durable frames beside the writer, and a fault of the store ends it and
//!   nothing else.
//! - It reads on from the watermark in passes. What came in between makes one commit, so a burst is caught up with in
//!   large ones.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use journal::{FrameSource, FrameView, ReadError};
use types::{DigestKey, Sequence};

use crate::indexer::{IndexError, Indexer};
use crate::store::{Store, StoreError, Watermark};
use crate::view::View;

/// The folder of the store in a node's data folder.
pub const FOLDER: &str = "history";

/// Between two passes over what is new.
const INTERVAL: Duration = Duration::from_millis(100);

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
}

#[derive(Debug)]
struct State {
    store: Option<Arc<Store>>,
    complete_at: Option<Instant>,
    unavailable: Option<Unavailable>,
}

impl Keeper {
    /// Keeps the history of a log in a folder, from where it stands there. It opens and catches up in the background.
    ///
    /// # Errors
    /// If there can be no thread.
    pub fn start(folder: PathBuf, source: Arc<dyn FrameSource>, key: DigestKey) -> std::io::Result<Self> {
        let state = State { store: None, complete_at: None, unavailable: Some(Unavailable::Opening) };
        let shared =
            Shared { state: Mutex::new(state), changed: Condvar::new(), stops: AtomicBool::new(false) };
        let shared = Arc::new(shared);
        let thread = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name("history".to_owned()).spawn(move || {
                let ends = Ends(Arc::clone(&shared));
                match keep(&shared, &folder, source.as_ref(), key) {
                    Ok(()) => tracing::debug!("history stops with the node"),
                    Err(error) => {
                        let why = told_once(&error);
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

/// Why history ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("the log can't be read: {0}")]
    Read(#[from] ReadError),
}

impl From<StoreError> for KeepError {
    fn from(error: StoreError) -> Self {
        Self::Index(error.into())
    }
}

fn told_once(error: &KeepError) -> String {
    match error {
        KeepError::Read(ReadError::Trimmed { .. }) => {
            format!("{error}; history can't be made from a part of the log, so take its folder from a backup")
        }
        other @ (KeepError::Read(_) | KeepError::Index(_)) => other.to_string(),
    }
}

fn keep(shared: &Shared, folder: &Path, source: &dyn FrameSource, key: DigestKey) -> Result<(), KeepError> {
    let mut indexer = open(folder, source, key)?;
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
            return Ok(indexer.store().sync()?);
        }
        state.complete_at = Some(began);
        let waited = shared.changed.wait_timeout(state, INTERVAL);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

/// Opens the store. One of another log or version is thrown away: everything in it is in the log.
pub(crate) fn open(folder: &Path, source: &dyn FrameSource, key: DigestKey) -> Result<Indexer, KeepError> {
    let why = match Indexer::open(Store::open(folder)?, Some(key)) {
        Ok(indexer) if is_of_this_log(&indexer, source)? => return Ok(indexer),
        Ok(_) => "it is of another log".to_owned(),
        Err(IndexError::Store(error @ StoreError::Format(_))) => error.to_string(),
        Err(error) => return Err(error.into()),
    };
    tracing::warn!(folder = %folder.display(), why, "the history that is there is of no use and is made anew");
    std::fs::remove_dir_all(folder).map_err(StoreError::from)?;
    Ok(Indexer::open(Store::open(folder)?, Some(key))?)
}

/// Whether the last frame that was taken in stands in this log.
fn is_of_this_log(indexer: &Indexer, source: &dyn FrameSource) -> Result<bool, ReadError> {
    let Some(reached) = indexer.reached() else { return Ok(true) };
    let mut is_there = false;
    let asked = source.read_at(&[reached.last_sequence], &mut |frame| {
        is_there = frame.hash() == reached.hash && frame.header().identity.cluster == reached.cluster;
        ControlFlow::Break(())
    });
    match asked {
        Ok(()) => Ok(is_there),
        // The frame has been trimmed; whether the next one goes on from it is seen then.
        Err(ReadError::Trimmed { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Takes in everything up to the log's end, in commits that are not too large.
pub(crate) fn catch_up(
    indexer: &mut Indexer,
    source: &dyn FrameSource,
    stops: &dyn Fn() -> bool,
) -> Result<(), KeepError> {
    let mut taken = Ok(());
    let from: Sequence = indexer.resume_after();
    source.read_after(from, &mut |frame| {
        taken = take(indexer, &frame);
        if taken.is_err() || stops() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    taken?;
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
