//! KEYS in the folder of a log: made, kept ahead, taken from, and wrapped anew.
//!
//! A change writes the whole table as `KEYS.new`, syncs it, sets the old one aside as `KEYS.old`, takes its name, and
//! overwrites what was set aside before that goes. A start finishes what it finds half done, so that at every moment one
//! whole table is in the folder, and no older one stays.
//!
//! Invariants:
//! - A key is handed to the keyring only when the table that holds it is durable.
//! - A key that was destroyed is in no file of the folder: neither here nor in what came before this file.
//! - Whoever changes the file holds the folder.

use std::fmt;
use std::sync::Arc;

use types::{ClusterId, DigestKey};

use crate::buffer::AlignedBuffer;
use crate::bytes::array;
use crate::key_table::{KEYS_LENGTH_MAX, KeyKind, KeyTable, KeyTableFault, KeysError};
use crate::keyring::Keyring;
use crate::limits::{BLOCK_SIZE, in_memory};
use crate::master_key::{MasterKey, draw, wipe};
use crate::storage::{Access, Storage, StorageErrorKind, StorageFile};

pub(crate) const KEYS_NAME: &str = "KEYS";
const KEYS_NEW: &str = "KEYS.new";
const KEYS_OLD: &str = "KEYS.old";

/// The number of the one digest key of a log.
pub const DIGEST_KEY_ID: u32 = 1;

/// The keys of a log whose folder this process holds.
pub struct KeyFile<S> {
    storage: S,
    master: MasterKey,
    table: KeyTable,
    keyring: Arc<Keyring>,
}

/// What a destruction of keys came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destroyed {
    /// The days whose keys are gone now, counted from 1970.
    pub days: Vec<u32>,
    /// The first day whose key is left, if any is.
    pub first_left: Option<u32>,
    /// The log was not sealed from its beginning: frames up to this day are in clear, and keep their texts.
    pub clear_before: Option<u32>,
}

impl<S: Storage> KeyFile<S> {
    /// Opens the keys in a folder that the caller holds and hands them to the keyring; `None` if the folder has none.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub(crate) fn open(
        storage: S,
        cluster: ClusterId,
        master: MasterKey,
        keyring: Arc<Keyring>,
    ) -> Result<Option<Self>, KeysError> {
        settle(&storage)?;
        let Some(table) = read_table(&storage, KEYS_NAME)? else { return Ok(None) };
        unwrap_all(&storage, cluster, &table, &master, &keyring)?;
        Ok(Some(Self { storage, master, table, keyring }))
    }

    /// Makes the keys of a log: one for its digests if it has no records yet, none for days.
    ///
    /// # Errors
    /// If they can't be written.
    pub(crate) fn create(
        storage: S,
        cluster: ClusterId,
        master: MasterKey,
        keyring: Arc<Keyring>,
        clear_before: Option<u32>,
        entropy: &mut dyn FnMut() -> u64,
    ) -> Result<Self, KeysError> {
        let mut table = KeyTable::new(cluster, &master, clear_before.unwrap_or(0));
        let mut digest_key = None;
        if clear_before.is_none() {
            let mut secret = draw(entropy);
            secret[16..].fill(0);
            table.wrap(&master, (KeyKind::Digest, DIGEST_KEY_ID), &secret, entropy);
            digest_key = Some(DigestKey::new(array(secret.as_slice(), 0)));
        }
        replace(&storage, &mut table)?;
        digest_key.into_iter().for_each(|key| keyring.set_digest_key(key));
        Ok(Self { storage, master, table, keyring })
    }

    /// The key of the log's digests, if it stands here and not in the log.
    pub fn digest_key(&self) -> Option<DigestKey> {
        self.keyring.digest_key()
    }

    /// Whether there is a key for this day.
    pub fn holds(&self, day: u32) -> bool {
        self.table.holds(KeyKind::Data, day)
    }

    /// Makes sure that there is a key for each of these days, durably, and hands new ones to the keyring. Says how
    /// many had to be made.
    ///
    /// # Errors
    /// If they can't be written. The keyring is as it was.
    pub fn keep(
        &mut self,
        days: std::ops::RangeInclusive<u32>,
        entropy: &mut dyn FnMut() -> u64,
    ) -> Result<usize, KeysError> {
        let missing: Vec<u32> = days.filter(|day| !self.table.holds(KeyKind::Data, *day)).collect();
        if missing.is_empty() {
            return Ok(0);
        }
        let mut table = self.table.clone();
        let mut made = Vec::with_capacity(missing.len());
        for day in missing {
            let secret = draw(entropy);
            table.wrap(&self.master, (KeyKind::Data, day), &secret, entropy);
            made.push((day, secret));
        }
        replace(&self.storage, &mut table)?;
        self.table = table;
        let count = made.len();
        made.into_iter().for_each(|(day, secret)| self.keyring.put(day, secret));
        Ok(count)
    }
}

impl<S: fmt::Debug> fmt::Debug for KeyFile<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeyFile").field("storage", &self.storage).finish_non_exhaustive()
    }
}

impl Keyring {
    /// Reads the keys of a log for someone who only reads, also beside a running node: with this master key, or with the
    /// one in the folder. Without either, or where there are none, no key is at hand.
    ///
    /// # Errors
    /// If the keys are damaged, another log's, or wrapped by another master key.
    pub fn read<S: Storage>(
        storage: &S,
        cluster: ClusterId,
        master: Option<&MasterKey>,
    ) -> Result<Self, KeysError> {
        let keyring = Self::default();
        let master = match master {
            Some(master) => Some(master.clone()),
            None => MasterKey::in_folder(storage)?,
        };
        let Some(master) = master else { return Ok(keyring) };
        // While a node changes its keys, the whole table has its new name for a moment.
        for name in [KEYS_NAME, KEYS_NEW, KEYS_NAME] {
            match read_table(storage, name) {
                Ok(None) => {}
                Err(KeysError::Unreadable { .. }) if name == KEYS_NEW => {}
                table => {
                    let table = table?.expect("there is one");
                    unwrap_all(storage, cluster, &table, &master, &keyring)?;
                    break;
                }
            }
        }
        Ok(keyring)
    }
}

/// Destroys the data keys of the days below this, durably, in a folder that no node uses. It takes no master key, and
/// works as well on a copy of the folder.
///
/// # Errors
/// See [`KeysError`]; the folder may be another process's. After an error the keys may or may not be there: try again.
pub fn destroy_keys<S: Storage>(storage: &S, before: u32) -> Result<Destroyed, KeysError> {
    let _lock = storage.lock()?;
    settle(storage)?;
    let missing = || KeysError::Missing { place: storage.place() };
    let mut table = read_table(storage, KEYS_NAME)?.ok_or_else(missing)?;
    let days = table.destroy_before(before);
    replace(storage, &mut table)?;
    let first_left = table.keys().find(|(kind, _)| *kind == KeyKind::Data).map(|(_, day)| day);
    let clear_before = Some(table.clear_before).filter(|day| *day > 0);
    Ok(Destroyed { days, first_left, clear_before })
}

/// Wraps all keys of a log by another master key, in a folder that no node uses. The old one is that given, or the one in
/// the folder, which goes. Says how many keys there are. No segment is written.
///
/// # Errors
/// See [`KeysError`].
pub fn rewrap_keys<S: Storage>(
    storage: &S,
    old: Option<&MasterKey>,
    new: &MasterKey,
    entropy: &mut dyn FnMut() -> u64,
) -> Result<usize, KeysError> {
    let _lock = storage.lock()?;
    settle(storage)?;
    let place = || storage.place();
    let table = read_table(storage, KEYS_NAME)?.ok_or_else(|| KeysError::Missing { place: place() })?;
    let old = match old {
        Some(old) => old.clone(),
        None => MasterKey::in_folder(storage)?.ok_or_else(|| KeysError::NoMaster { place: place() })?,
    };
    if !table.is_wrapped_by(&old) {
        return Err(KeysError::OtherMaster { place: place() });
    }
    let rewrapped = table.rewrapped(&old, new, entropy);
    let mut rewrapped = rewrapped.ok_or_else(|| KeysError::Unreadable { place: place() })?;
    replace(storage, &mut rewrapped)?;
    MasterKey::remove_from_folder(storage)?;
    Ok(rewrapped.keys().count())
}

/// Hands all keys of a table to the keyring.
fn unwrap_all<S: Storage>(
    storage: &S,
    cluster: ClusterId,
    table: &KeyTable,
    master: &MasterKey,
    keyring: &Keyring,
) -> Result<(), KeysError> {
    let place = || storage.place();
    if table.cluster != cluster {
        return Err(KeysError::ForeignCluster { place: place() });
    }
    if !table.is_wrapped_by(master) {
        return Err(KeysError::OtherMaster { place: place() });
    }
    keyring.set_destroyed_before(table.destroyed_before);
    let wrapping_key = master.wrapping_key();
    for (kind, number) in table.keys() {
        let secret = table.unwrap(&wrapping_key, kind, number);
        let secret = secret.ok_or_else(|| KeysError::Unreadable { place: place() })?;
        match kind {
            KeyKind::Data => keyring.put(number, secret),
            KeyKind::Digest if number == DIGEST_KEY_ID => {
                keyring.set_digest_key(DigestKey::new(array(secret.as_slice(), 0)));
            }
            KeyKind::Digest => {}
        }
    }
    Ok(())
}

/// Finishes or takes back what was half done when a process ended, and leaves no older table behind.
fn settle<S: Storage>(storage: &S) -> Result<(), KeysError> {
    let names = storage.list()?;
    let there = |name: &str| names.iter().any(|found| found == name);
    let is_whole = |name| matches!(read_table(storage, name), Ok(Some(_)));
    if there(KEYS_NAME) && !is_whole(KEYS_NAME) {
        // Whatever else is there may be of use to an operator.
        return Ok(());
    }
    if !there(KEYS_NAME) {
        for name in [KEYS_NEW, KEYS_OLD] {
            if there(name) && is_whole(name) {
                storage.rename(name, KEYS_NAME)?;
                storage.sync_directory()?;
                break;
            }
        }
    }
    wipe(storage, KEYS_NEW)?;
    wipe(storage, KEYS_OLD)?;
    Ok(())
}

/// Puts a table in the place of the one that is there, durably, and overwrites that.
fn replace<S: Storage>(storage: &S, table: &mut KeyTable) -> Result<(), KeysError> {
    table.generation += 1;
    let bytes = table.encode();
    assert!(bytes.len() <= KEYS_LENGTH_MAX);
    wipe(storage, KEYS_NEW)?;
    let file = storage.create(KEYS_NEW)?;
    let mut buffer = AlignedBuffer::new(bytes.len());
    buffer.as_mut_slice().copy_from_slice(&bytes);
    let written = file.write_at(0, buffer.as_slice()).and_then(|()| file.sync());
    if let Err(error) = written {
        // Without room for it, nothing of it stays behind.
        if error.kind.is_no_room() {
            storage.remove(KEYS_NEW)?;
        }
        return Err(error.into());
    }
    match storage.rename(KEYS_NAME, KEYS_OLD) {
        // Its own step: a name that was replaced could not be overwritten any more.
        Ok(()) => storage.sync_directory()?,
        Err(error) if error.kind == StorageErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    storage.rename(KEYS_NEW, KEYS_NAME)?;
    storage.sync_directory()?;
    wipe(storage, KEYS_OLD)?;
    Ok(())
}

/// Reads a table; `None` if there is no file of that name.
fn read_table<S: Storage>(storage: &S, name: &str) -> Result<Option<KeyTable>, KeysError> {
    let file = match storage.open(name, Access::Read) {
        Ok(file) => file,
        Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let unreadable = || KeysError::Unreadable { place: storage.place() };
    let length = in_memory(file.length()?);
    if length == 0 || length > KEYS_LENGTH_MAX || !length.is_multiple_of(BLOCK_SIZE) {
        return Err(unreadable());
    }
    let mut buffer = AlignedBuffer::new(length);
    file.read_at(0, buffer.as_mut_slice())?;
    match KeyTable::decode(buffer.as_slice()) {
        Ok(table) => Ok(Some(table)),
        Err(KeyTableFault::Newer { found }) => Err(KeysError::NewerFormat { place: storage.place(), found }),
        Err(KeyTableFault::Unreadable) => Err(unreadable()),
    }
}
