//! What a node keeps of receipts: its checkpoints, and the key that signs them.
//!
//! Invariant: every checkpoint that is kept leads to a frame of this log, in its lives up to now.

use std::ops::{ControlFlow, Deref};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use journal::{FrameSource, ReadError};
use types::{ClusterId, DigestKey, Duration, Lives, Sequence};

use super::builder::Closed;
use super::checkpoint::{Checkpoint, SignedCheckpoint, earlier_than};
use super::checkpoints::Checkpoints;
use super::key::{KeyError, PublicKey, SigningKey};
use super::store::{Store, StoreError, Stored};

/// How much log time a checkpoint covers where nothing else is asked for.
pub const INTERVAL: Duration = Duration::from_seconds(10);

/// Why a node can't give receipts.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no signing key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Checkpoints can't be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// What a keeper has to know of the log whose checkpoints it keeps.
#[derive(Clone, Debug)]
pub struct LogOf {
    /// Whose it is.
    pub cluster: ClusterId,
    /// The key of its digests.
    pub digest_key: DigestKey,
    /// Its lives up to now.
    pub lives: Lives,
}

/// Keeps the checkpoints of a running node. Clones are not needed: it is shared.
#[derive(Debug)]
pub struct Keeper {
    checkpoints: Checkpoints,
    key: SigningKey,
    /// Of the log.
    lives: Lives,
    /// Why no checkpoints are made at the moment.
    trouble: Mutex<Option<String>>,
}

impl Keeper {
    /// Opens the checkpoints in a folder, or begins them there. Each covers `interval` of log time. Those of frames that a
    /// restore from a backup has cut off are dropped.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(
        folder: &Path,
        key: SigningKey,
        log: LogOf,
        interval: Duration,
        source: Arc<dyn FrameSource>,
    ) -> Result<Self, OpenError> {
        let LogOf { cluster, digest_key, lives } = log;
        let mut store = Store::open(folder, cluster, interval)?;
        drop_what_was_cut_off(&mut store, &*source)?;
        let checkpoints = Checkpoints::new(store, interval, digest_key, source);
        Ok(Self { checkpoints, key, lives, trouble: Mutex::new(None) })
    }

    /// The key by which others check the node's receipts.
    pub fn public_key(&self) -> PublicKey {
        self.key.public()
    }

    /// Why no checkpoints are made at the moment, if so.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Frames up to this position are in checkpoints that are on stable storage.
    pub fn taken_in(&self) -> Sequence {
        self.store().last().map_or(Sequence(0), |(stored, _)| stored.resume_after)
    }

    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Signs the checkpoint of an interval and keeps it.
    pub(super) fn add(&self, closed: &Closed) -> Result<(), StoreError> {
        let mut store = self.store();
        let (number, previous) =
            store.last().map_or((1, [0; 32]), |(_, last)| (last.number + 1, last.hash()));
        let checkpoint = Checkpoint {
            identity: closed.identity,
            number,
            start: closed.start,
            end: closed.end,
            first_batch: closed.first_batch,
            last_batch: closed.last_batch,
            upto: closed.upto,
            leaves: closed.leaves,
            root: closed.root,
            chain_head: closed.chain_head,
            previous,
            key_id: self.public_key().id(),
            earlier: earlier_than(closed.identity.incarnation, &self.lives),
        };
        let bytes = checkpoint.encode();
        let signed = SignedCheckpoint { bytes, signature: self.key.sign(&bytes) };
        store.append(&Stored { signed, resume_after: closed.resume_after })
    }
}

/// Drops the checkpoints that reach beyond what the log holds of their life. They come last.
fn drop_what_was_cut_off(store: &mut Store, source: &dyn FrameSource) -> Result<(), OpenError> {
    let (mut held, mut end) = (0, store.count() + 1);
    // Usually the last one is held.
    let mut middle = store.count();
    while held + 1 < end {
        match store.get(middle)? {
            Some((_, checkpoint)) if !is_held(&checkpoint, source)? => end = middle,
            _ => held = middle,
        }
        middle = held + (end - held) / 2;
    }
    if held < store.count() {
        tracing::warn!(
            held,
            dropped = store.count() - held,
            "checkpoints of what a restore has cut off are dropped"
        );
        store.truncate(held)?;
    }
    Ok(())
}

/// Whether the log holds the last frame of a checkpoint, or has let go of it because of its age.
fn is_held(checkpoint: &Checkpoint, source: &dyn FrameSource) -> Result<bool, ReadError> {
    let mut is_held = false;
    let read = source.read_at(&[checkpoint.upto], &mut |frame| {
        is_held = frame.hash() == checkpoint.chain_head;
        ControlFlow::Break(())
    });
    match read {
        Err(ReadError::Trimmed { .. }) => Ok(true),
        read => read.map(|()| is_held),
    }
}

impl Deref for Keeper {
    type Target = Checkpoints;

    fn deref(&self) -> &Checkpoints {
        &self.checkpoints
    }
}
