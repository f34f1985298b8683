//! The keys of personal data over a node's life: found or made at the start, and kept ahead of log time.
//!
//! Invariant: the key of a day is durable before the first frame of that day is sealed, and the core thread has no part
//! in that.

// Where a node draws its random numbers.
#![allow(clippy::disallowed_methods)]

use journal::{KeyFile, KeysError, LocalJournal, MasterKey, Storage, key_of};
use ledger::Setup;
use types::{DigestKey, Timestamp};

use crate::start::StartError;

/// So many days have their keys ahead of log time: longer than a disk stays full, or a process stopped, unnoticed.
const DAYS_AHEAD: u32 = 30;

/// The keys of a running node.
#[derive(Debug)]
pub(crate) struct Keys<S> {
    file: KeyFile<S>,
}

/// Keeping keys ahead has failed.
#[derive(Debug)]
pub(crate) enum KeepError {
    /// There is no room now; there is time to make some.
    NoSpace(KeysError),
    /// End the process.
    Failed(KeysError),
}

/// What a journal says about its keys before its frames have been read.
pub(crate) struct Found<S> {
    master: MasterKey,
    file: Option<KeyFile<S>>,
}

/// Opens the keys in the folder of a journal, with the master key that was given or with the one that lies there.
pub(crate) fn find<S: Storage>(
    journal: &LocalJournal<S>,
    given: Option<&MasterKey>,
) -> Result<Found<S>, StartError> {
    let master = match given {
        Some(master) => master.clone(),
        None => {
            let (master, is_new) = journal.master_in_folder(&mut random)?;
            if is_new {
                tracing::warn!(
                    "no master key was given: one has been made in the folder of the log, in the file MASTER; whoever \
                     has the folder can read everything in it"
                );
            }
            master
        }
    };
    let file = journal.open_keys(master.clone())?;
    Ok(Found { master, file })
}

impl<S: Storage> Found<S> {
    /// The key of the log's digests, if there are keys and it is among them.
    pub(crate) fn digest_key(&self) -> Option<DigestKey> {
        self.file.as_ref().and_then(KeyFile::digest_key)
    }

    /// Goes on with the keys of a log whose frames have been read, or makes them if it never had any.
    pub(crate) fn complete(
        self,
        journal: &LocalJournal<S>,
        setup: Option<&Setup>,
        is_sealed: bool,
        now: Timestamp,
    ) -> Result<Keys<S>, StartError> {
        let stands_elsewhere = setup.is_none_or(|setup| setup.digest_key_id != 0);
        let file = match self.file {
            Some(file) if stands_elsewhere && file.digest_key().is_none() => {
                return Err(StartError::DigestKey);
            }
            Some(file) => file,
            None if is_sealed || setup.is_some_and(|setup| setup.digest_key_id != 0) => {
                return Err(StartError::KeysMissing);
            }
            None => {
                let clear_before = setup.is_some().then(|| key_of(now));
                journal.create_keys(self.master, clear_before, &mut random)?
            }
        };
        let mut keys = Keys { file };
        match keys.keep(now) {
            Ok(_) => Ok(keys),
            // The node's preparer goes on trying.
            Err(KeepError::NoSpace(error)) if keys.file.holds(key_of(now)) => {
                tracing::error!(%error, "no room for the keys of the days to come");
                Ok(keys)
            }
            Err(KeepError::NoSpace(error) | KeepError::Failed(error)) => Err(error.into()),
        }
    }
}

impl<S: Storage> Keys<S> {
    /// Makes the keys of the days ahead that are missing; says how many.
    pub(crate) fn keep(&mut self, now: Timestamp) -> Result<usize, KeepError> {
        let today = key_of(now);
        self.file.keep(today..=today + DAYS_AHEAD, &mut random).map_err(|error| {
            let is_full = matches!(&error, KeysError::Storage(it) if it.kind.is_no_room());
            if is_full { KeepError::NoSpace(error) } else { KeepError::Failed(error) }
        })
    }

    /// The key of the log's digests, if it is not in the log.
    pub(crate) fn digest_key(&self) -> Option<DigestKey> {
        self.file.digest_key()
    }
}

/// Keys are made in the middle of the node's life; a machine that has no random numbers then is broken.
fn random() -> u64 {
    getrandom::u64().expect("the operating system gave random numbers at the start")
}

#[cfg(test)]
mod tests {
    use journal::{Fault, MemoryStorage, SegmentSize, Settings, StorageErrorKind};
    use types::Duration;

    use super::*;
    use crate::testing::{identity, now};

    fn days(count: u32) -> Duration {
        Duration::from_seconds(count * 24 * 3600)
    }

    /// At the edge of a full disk a write is refused or cut short. A node has keys for weeks, and starts and goes on.
    #[test]
    fn a_node_with_the_key_of_its_day_does_not_need_room_for_more() {
        let storage = MemoryStorage::new();
        let settings = Settings { segment_size: SegmentSize::new(1 << 20).unwrap(), entropy: Box::new(|| 5) };
        let journal = LocalJournal::create(storage.clone(), identity(), settings).unwrap();
        let begin = now().wall;
        let complete = |at| find(&journal, None).unwrap().complete(&journal, None, false, at);
        drop(complete(begin).unwrap());
        for (day, kind) in [(3, StorageErrorKind::NoSpace), (6, StorageErrorKind::Partial)] {
            // Behind the making of the file.
            let fail = || storage.inject(storage.operations().len() + 1, Fault::Error(kind.clone()));
            fail();
            let mut keys = complete(begin.plus(days(day))).unwrap();
            assert!(
                journal.keyring().holds(key_of(begin) + 30) && !journal.keyring().holds(key_of(begin) + 31)
            );
            fail();
            let kept = keys.keep(begin.plus(days(day)));
            assert!(matches!(kept, Err(KeepError::NoSpace(_))), "{kept:?}");
        }
        storage.limit_space(Some(0));
        let too_late = complete(begin.plus(days(31)));
        assert!(matches!(too_late, Err(StartError::Keys(KeysError::Storage(_)))));
        storage.limit_space(None);
        drop(complete(begin.plus(days(31))).unwrap());
        assert!(journal.keyring().holds(key_of(begin) + 61));
    }
}
