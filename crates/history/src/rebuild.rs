//! Making history anew from a log that nobody writes.
//!
//! Invariant: the store that was there goes only if the log gives everything again; else it is put aside.

use std::path::{Path, PathBuf};

use journal::{FrameView, Reader, Storage, Tail};
use types::DigestKey;

use crate::indexer::{BeginError, IndexError, Indexer};
use crate::keeper::ITEMS_PER_COMMIT;
use crate::store::{Store, StoreError, Watermark};

/// A store in the making, beside the one that is there. The old one stays until the new one is whole.
#[derive(Debug)]
pub struct Rebuild {
    folder: PathBuf,
    new: PathBuf,
    indexer: Indexer,
}

/// What a rebuild came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// Up to where the new store goes; `None` if there was nothing to take in.
    pub reached: Option<Watermark>,
    /// Where the old store was put, if the log does not give everything again.
    pub aside: Option<PathBuf>,
}

/// Stores that were put aside. Whoever has so many may remove some.
const ASIDE_MAX: u32 = 1000;

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

    /// For a log that does not begin with its first frame any more: begins where the oldest snapshot stands, and says
    /// where that is. Frames after it are to be taken in.
    ///
    /// # Errors
    /// See [`BeginError`].
    ///
    /// # Panics
    /// If something has been taken in already.
    pub fn with_oldest_snapshot<S: Storage>(&mut self, reader: &Reader<S>) -> Result<Tail, BeginError> {
        self.indexer.begin(reader)
    }

    /// Takes in the next frame of the log, from its first or from where history begins.
    ///
    /// # Errors
    /// If it can't be taken in, or the store fails.
    pub fn take(&mut self, frame: &FrameView<'_>) -> Result<(), IndexError> {
        self.indexer.step(frame)?;
        if self.indexer.waiting() >= ITEMS_PER_COMMIT { self.indexer.commit() } else { Ok(()) }
    }

    /// Puts the new store in the place of the old one.
    ///
    /// # Errors
    /// If the store or the folder fails. The old store is then still there, or neither is in its place.
    pub fn finish(mut self) -> Result<Rebuilt, IndexError> {
        self.indexer.commit()?;
        self.indexer.store().sync()?;
        let reached = self.indexer.reached().copied();
        let Self { folder, new, indexer } = self;
        drop(indexer);
        let has_gap = reached.is_some_and(|reached| reached.begins.0 > 0);
        let aside = match has_gap && folder.exists() {
            true => Some(put_aside(&folder)?),
            false => {
                remove(&folder)?;
                None
            }
        };
        std::fs::rename(&new, &folder).map_err(StoreError::from)?;
        Ok(Rebuilt { reached, aside })
    }
}

/// Gives the folder another name; says which.
fn put_aside(folder: &Path) -> Result<PathBuf, StoreError> {
    let names = (1..=ASIDE_MAX).map(|number| folder.with_extension(format!("old-{number}")));
    let free = names.into_iter().find(|name| !name.exists());
    let free = free.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::AlreadyExists))?;
    std::fs::rename(folder, &free)?;
    Ok(free)
}

fn remove(folder: &Path) -> Result<(), StoreError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
