//! Makes checkpoints as the log grows: a step at a time, and a thread that takes the steps.
//!
//! Invariants:
//! - Nothing here stops or slows the node: what can't be done is told, logged and tried again.
//! - After a restart the work goes on behind the last checkpoint that is on the disk.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use journal::{FrameView, ReadError};
use types::{BatchNumber, Sequence, Timestamp};

use super::builder::{BuildError, Builder};
use super::keeper::Keeper;
use super::store::StoreError;

/// About how many bytes of frames one step reads.
const STEP_BYTES: usize = 8 << 20;

/// How long the thread rests when it has read everything.
const REST: Duration = Duration::from_millis(100);

/// How long it rests after a failure.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Why no checkpoint could be made.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The log can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A frame can't be understood.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A checkpoint can't be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How far the work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There may be more to read.
    More,
    /// Everything has been read. If something has been told that no checkpoint has, its interval ends at this time.
    UpToDate(Option<Timestamp>),
}

/// Makes checkpoints. After an error another one is to be made, which goes on from what is on the disk.
#[derive(Debug)]
pub struct Worker {
    keeper: Arc<Keeper>,
    builder: Builder,
    /// The last position that has been read.
    after: Sequence,
    /// The last frame that is in a checkpoint.
    counted: BatchNumber,
}

impl Worker {
    /// Goes on behind the last checkpoint.
    pub fn new(keeper: Arc<Keeper>) -> Self {
        let builder = Builder::new(keeper.interval, &keeper.digest_key);
        let last = keeper.store().last().copied();
        let (after, counted) = last.map_or((Sequence(0), BatchNumber(0)), |(stored, checkpoint)| {
            (stored.resume_after, checkpoint.last_batch)
        });
        Self { keeper, builder, after, counted }
    }

    /// Reads some frames, and keeps the checkpoints that they complete.
    ///
    /// # Errors
    /// See [`WorkError`].
    pub fn step(&mut self) -> Result<Progress, WorkError> {
        let (mut bytes, mut failed) = (0, None);
        let source = self.keeper.source.clone();
        let read = source.0.read_after(self.after, &mut |frame| {
            failed = self.frame(&frame).err();
            bytes += frame.bytes().len();
            let goes_on = failed.is_none() && bytes < STEP_BYTES;
            if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        match (failed, read) {
            (Some(error), _) => return Err(error),
            (None, Ok(())) => {}
            (None, Err(ReadError::Trimmed { first_sequence, .. })) if first_sequence > self.after.next() => {
                tracing::warn!(%first_sequence, "the log begins later than the next checkpoint, which starts there");
                self.builder = Builder::new(self.keeper.interval, &self.keeper.digest_key);
                self.after = Sequence(first_sequence.0 - 1);
                return Ok(Progress::More);
            }
            (None, Err(error)) => return Err(error.into()),
        }
        let open_until = self.builder.open_until();
        self.keeper.set_open_until(open_until);
        Ok(if bytes < STEP_BYTES { Progress::UpToDate(open_until) } else { Progress::More })
    }

    fn frame(&mut self, frame: &FrameView<'_>) -> Result<(), WorkError> {
        let header = frame.header();
        if header.batch <= self.counted {
            self.builder.warm_up(frame)?;
        } else if let Some(closed) = self.builder.frame(frame)? {
            if closed.has_gap {
                let (first, last) = (closed.first_batch, closed.last_batch);
                tracing::warn!(%first, %last, "no checkpoint: the log begins after some of what was told");
            } else {
                self.keeper.add(&closed)?;
            }
            self.counted = closed.last_batch;
        }
        self.after = Sequence(header.next_sequence().0 - 1);
        Ok(())
    }
}

/// The thread that makes a node's checkpoints. Dropping it ends it.
#[derive(Debug)]
pub struct Running {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts the thread. When nothing more comes and an interval is open, `quiet` hears when that ends: a node without
    /// traffic has no frame that would close it.
    ///
    /// # Errors
    /// If the operating system gives no thread.
    pub fn start(keeper: Arc<Keeper>, quiet: impl Fn(Timestamp) + Send + 'static) -> std::io::Result<Self> {
        let (stop, stopped) = sync_channel(0);
        let thread = std::thread::Builder::new().name("solvo-receipts".to_owned());
        let thread = thread.spawn(move || work(&keeper, &quiet, &stopped))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that makes checkpoints has failed; receipts were not given any more");
        }
    }
}

fn work(keeper: &Arc<Keeper>, quiet: &dyn Fn(Timestamp), stopped: &Receiver<()>) {
    let mut worker = Worker::new(Arc::clone(keeper));
    loop {
        let rest = match worker.step() {
            Ok(Progress::More) => Duration::ZERO,
            Ok(Progress::UpToDate(open_until)) => {
                keeper.set_trouble(None);
                open_until.into_iter().for_each(quiet);
                REST
            }
            Err(error) => {
                tracing::error!(%error, "checkpoints can't be made; payments go on, and this is tried again");
                keeper.set_trouble(Some(error.to_string()));
                worker = Worker::new(Arc::clone(keeper));
                REST_AFTER_FAILURE
            }
        };
        match stopped.recv_timeout(rest) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
