//! Opening the store of a log: whether what is there is of use, and what becomes of it if not.
//!
//! Invariant: a store goes only if the log still gives all that stands in it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use journal::{FileStorage, FrameSource, ReadError, Reader};
use types::{DigestKey, Sequence};

use crate::indexer::{BeginError, IndexError, Indexer};
use crate::store::{Store, StoreError};

/// Begins an empty history of a log that does not begin with its first frame any more.
pub type Begin = Box<dyn Fn(&mut Indexer) -> Result<(), BeginError> + Send>;

/// Begins it where the oldest snapshot stands that the folder of a log keeps.
pub fn with_oldest_snapshot(folder: PathBuf) -> Begin {
    Box::new(move |indexer| {
        let reader = Reader::open(FileStorage::open(&folder)?)?;
        indexer.begin(&reader).map(|_| ())
    })
}

/// Why history ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
    /// A frame can't be taken in, or the store failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The log can't be read.
    #[error("the log can't be read: {0}")]
    Read(#[from] ReadError),
    /// What is there is of no use, and the log gives only a part of it again.
    #[error(
        "the store in {folder} is of no use: {why}. The log begins with position {first}, so it could not be made \
         again and is left as it is: put the right one in its place, or put it aside with `solvo history rebuild`, \
         which begins another"
    )]
    Kept {
        /// The folder of the store.
        folder: String,
        /// Why it is of no use.
        why: String,
        /// The first position that the log holds.
        first: Sequence,
    },
    /// The log does not hold what would come next.
    #[error(
        "history goes up to position {reached}, and the log begins with position {first}: what lies between is gone. \
         The store is left as it is; `solvo history rebuild` puts it aside and begins another"
    )]
    Behind {
        /// Up to where frames are not needed any more.
        reached: Sequence,
        /// The first position that the log holds.
        first: Sequence,
    },
    /// There is nothing to begin with.
    #[error("the log does not begin with its first frame any more, and {0}")]
    Begin(#[from] BeginError),
}

impl From<StoreError> for KeepError {
    fn from(error: StoreError) -> Self {
        Self::Index(error.into())
    }
}

/// What a folder holds.
enum Found {
    /// Something that goes on.
    Useful(Indexer),
    /// Nothing.
    Empty(Indexer),
    /// One that was begun and never counted.
    Unfinished,
    /// Something else.
    Useless(String),
}

/// Opens the store. One that is of no use is made anew if everything in it is in the log.
pub(crate) fn open(
    folder: &Path,
    source: &dyn FrameSource,
    key: DigestKey,
    begin: &Begin,
) -> Result<Indexer, KeepError> {
    let first = first_of(source)?;
    let mut indexer = match (look(folder, source, key)?, first) {
        (Found::Useful(indexer), first) => {
            let reached = indexer.resume_after();
            return match first.filter(|first| *first > reached.next()) {
                Some(first) => Err(KeepError::Behind { reached, first }),
                None => Ok(indexer),
            };
        }
        (Found::Empty(indexer), _) => indexer,
        (Found::Unfinished, _) => anew(folder, key)?,
        (Found::Useless(why), Some(first)) => {
            return Err(KeepError::Kept { folder: folder.display().to_string(), why, first });
        }
        (Found::Useless(why), None) => {
            tracing::warn!(folder = %folder.display(), why, "the history that is there is of no use and is made anew");
            anew(folder, key)?
        }
    };
    if first.is_some() {
        begin(&mut indexer)?;
        let begins = indexer.reached().map_or(Sequence(0), |reached| reached.begins);
        tracing::warn!(
            %begins,
            "the log does not begin with its first frame any more: history begins with a snapshot, and knows nothing of \
             what was decided up to its position"
        );
    }
    Ok(indexer)
}

/// Looks at what is there.
fn look(folder: &Path, source: &dyn FrameSource, key: DigestKey) -> Result<Found, KeepError> {
    let opened = Store::open(folder).map_err(IndexError::from);
    Ok(match opened.and_then(|store| Indexer::open(store, Some(key))) {
        Ok(indexer) if indexer.reached().is_none() => match indexer.store().is_empty()? {
            true => Found::Empty(indexer),
            false => Found::Unfinished,
        },
        Ok(indexer) if is_of_this_log(&indexer, source)? => Found::Useful(indexer),
        Ok(_) => Found::Useless("it is of another log".to_owned()),
        Err(IndexError::Store(error @ StoreError::Format(_))) => Found::Useless(error.to_string()),
        Err(error) => return Err(error.into()),
    })
}

fn anew(folder: &Path, key: DigestKey) -> Result<Indexer, KeepError> {
    std::fs::remove_dir_all(folder).map_err(StoreError::from)?;
    Ok(Indexer::open(Store::open(folder)?, Some(key))?)
}

/// The first position that the log holds, if it does not begin with its first frame any more.
fn first_of(source: &dyn FrameSource) -> Result<Option<Sequence>, ReadError> {
    match source.read_after(Sequence(0), &mut |_| ControlFlow::Break(())) {
        Ok(()) => Ok(None),
        Err(ReadError::Trimmed { first_sequence, .. }) => Ok(Some(first_sequence)),
        Err(error) => Err(error),
    }
}

/// Whether the last frame that was taken in stands in this log.
fn is_of_this_log(indexer: &Indexer, source: &dyn FrameSource) -> Result<bool, ReadError> {
    let Some(reached) = indexer.reached() else { return Ok(false) };
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

#[cfg(test)]
#[path = "opening_tests.rs"]
mod tests;
