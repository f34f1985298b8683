//! Making history anew from a log that nobody writes.

use std::path::{Path, PathBuf};

use journal::FrameView;
use types::DigestKey;

use crate::indexer::{IndexError, Indexer};
use crate::keeper::ITEMS_PER_COMMIT;
use crate::store::{Store, StoreError, Watermark};

/// A store in the making, beside the one that is there. The old one stays until the new one is whole.
#[derive(Debug)]
pub struct Rebuild {
    folder: PathBuf,
    new: PathBuf,
    indexer: Indexer,
}

impl Rebuild {
    /// Begins to make the store of a folder anew. `key` is that of the log's digests, where its first record does not
    /// tell it.
    ///
    /// # Errors
    /// If a node has the store open, or the folder can't be used.
    pub fn begin(folder: &Path, key: Option<DigestKey>) -> Result<Self, IndexError> {
        let new = folder.with_extension("new");
        if folder.exists() {
            // A running node holds it; then this fails. What is in it may be anything.
            match Store::open(folder) {
                Err(StoreError::Locked) => return Err(StoreError::Locked.into()),
                opened => drop(opened),
            }
        }
        remove(&new)?;
        let indexer = Indexer::open(Store::open(&new)?, key)?;
        Ok(Self { folder: folder.to_owned(), new, indexer })
    }

    /// Takes in the next frame of the log, from its first.
    ///
    /// # Errors
    /// If it can't be taken in, or the store fails.
    pub fn take(&mut self, frame: &FrameView<'_>) -> Result<(), IndexError> {
        self.indexer.step(frame)?;
        if self.indexer.waiting() >= ITEMS_PER_COMMIT { self.indexer.commit() } else { Ok(()) }
    }

    /// Puts the new store in the place of the old one. Says up to where it goes.
    ///
    /// # Errors
    /// If the store or the folder fails. The old store is then still there, or neither is.
    pub fn finish(mut self) -> Result<Option<Watermark>, IndexError> {
        self.indexer.commit()?;
        self.indexer.store().sync()?;
        let reached = self.indexer.reached().copied();
        let Self { folder, new, indexer } = self;
        drop(indexer);
        remove(&folder)?;
        std::fs::rename(&new, &folder).map_err(StoreError::from)?;
        Ok(reached)
    }
}

fn remove(folder: &Path) -> Result<(), StoreError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
