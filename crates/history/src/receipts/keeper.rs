//! What a node keeps of receipts: its checkpoints, and the key that signs them.

use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use journal::FrameSource;
use types::{ClusterId, DigestKey, Duration};

use super::builder::Closed;
use super::checkpoint::{Checkpoint, SignedCheckpoint};
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
}

/// Keeps the checkpoints of a running node. Clones are not needed: it is shared.
#[derive(Debug)]
pub struct Keeper {
    checkpoints: Checkpoints,
    key: SigningKey,
    /// Why no checkpoints are made at the moment.
    trouble: Mutex<Option<String>>,
}

impl Keeper {
    /// Opens the checkpoints in a folder, or begins them there. Each covers `interval` of log time.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(
        folder: &Path,
        key: SigningKey,
        cluster: ClusterId,
        digest_key: DigestKey,
        interval: Duration,
        source: Arc<dyn FrameSource>,
    ) -> Result<Self, OpenError> {
        let store = Store::open(folder, cluster, interval)?;
        let checkpoints = Checkpoints::new(store, interval, digest_key, source);
        Ok(Self { checkpoints, key, trouble: Mutex::new(None) })
    }

    /// The key by which others check the node's receipts.
    pub fn public_key(&self) -> PublicKey {
        self.key.public()
    }

    /// Why no checkpoints are made at the moment, if so.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
        };
        let bytes = checkpoint.encode();
        let signed = SignedCheckpoint { bytes, signature: self.key.sign(&bytes) };
        store.append(&Stored { signed, resume_after: closed.resume_after })
    }
}

impl Deref for Keeper {
    type Target = Checkpoints;

    fn deref(&self) -> &Checkpoints {
        &self.checkpoints
    }
}
