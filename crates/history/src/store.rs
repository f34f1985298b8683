//! The store on disk: rows in ordered spaces, and commits that are all or nothing.
//!
//! Invariants:
//! - The watermark is written in the same atomic write as the rows it speaks of, so what is in the store is at every
//!   moment exactly what the frames up to the watermark say.
//! - A commit is not synced: what is lost with the machine's power is a suffix of commits, and is read from the log
//!   again.
//! - As long as the log begins with its first frame, nothing here is worth saving: a store that can't be used is made anew.

use std::path::Path;
use std::sync::{Arc, RwLock};

use fjall::config::{BlockSizePolicy, CompressionPolicy, FilterPolicy, PartitioningPolicy};
use fjall::{
    CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Slice, Snapshot,
};
use journal::FrameHash;
use types::{
    AccountNumber, BatchNumber, ClusterId, Currency, Digest, ParticipantNumber, Sequence, Timestamp,
};

use crate::banks::{Bank, Banks};
use crate::bytes::{RowReader, RowWriter};
use crate::keys;
use crate::mutants::{Mutant, is_on};

/// The version of everything in the folder. Another one is made anew, if the log still gives all of it.
const FORMAT: u8 = 2;

/// What a store's cache of blocks may take, in bytes.
const CACHE_BYTES: u64 = 128 << 20;
/// What the store's own journal may take, in bytes: it is read again at every start.
const JOURNAL_BYTES_MAX: u64 = 256 << 20;
/// What is collected in memory of a space before it is written as a table, in bytes. Of the two whose keys come in any
/// order more is collected: each table has to be merged with much of what is there.
const MEMORY_BYTES: u64 = 24 << 20;
const MEMORY_BYTES_OF_RANDOM_KEYS: u64 = 48 << 20;
/// Threads that write and merge tables. Of two, one would only wait for tables to write, and would do so busily as long
/// as the other one merges.
const WORKERS: usize = 1;

/// A part of the store. There are few, because making one costs many syncs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    State,
    Names,
    Payments,
    Series,
}

impl Space {
    const ALL: [(Self, &'static str); 4] = [
        (Self::State, "state"),
        (Self::Names, "names"),
        (Self::Payments, "payments"),
        (Self::Series, "series"),
    ];

    /// Runs lie in larger blocks than single rows: they are read on, and large blocks are packed better. Names are random
    /// and can't be packed at all.
    fn options(self) -> KeyspaceCreateOptions {
        let memory = match self {
            Self::Names | Self::Series => MEMORY_BYTES_OF_RANDOM_KEYS,
            Self::State | Self::Payments => MEMORY_BYTES,
        };
        let (block, compression) = match self {
            Self::State => (4 << 10, CompressionType::Lz4),
            Self::Names => (4 << 10, CompressionType::None),
            Self::Payments | Self::Series => (16 << 10, CompressionType::Lz4),
        };
        let options = KeyspaceCreateOptions::default()
            .max_memtable_size(memory)
            .data_block_size_policy(BlockSizePolicy::all(block))
            .data_block_compression_policy(CompressionPolicy::all(compression));
        match self {
            // A place in a series is looked for, never a key, so a filter would answer nothing.
            Self::Payments | Self::Series => options.filter_policy(FilterPolicy::disabled()),
            Self::State => options,
            // A name is looked for on many days, and on most it is not there. In one piece, the filter of a table has
            // megabytes, and is read again for every look once they are not all in the cache.
            Self::Names => options
                .filter_block_partitioning_policy(PartitioningPolicy::all(true))
                .index_block_partitioning_policy(PartitioningPolicy::all(true)),
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::State => 0,
            Self::Names => 1,
            Self::Payments => 2,
            Self::Series => 3,
        }
    }
}

/// Why the store can't be read or written. Nothing of the log is at stake.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the folder.
    #[error("another process has the history folder open")]
    Locked,
    /// The folder can't be read or written.
    #[error("the history folder can't be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// The store's own files are not in order.
    #[error("the history store is not in order: {0}; make it anew with `solvo history rebuild`")]
    Store(String),
    /// A row is none.
    #[error("a row of the history store can't be read: {0}; make it anew with `solvo history rebuild`")]
    Row(&'static str),
    /// The store is of another version.
    #[error(
        "the history store has format {0} and this binary has {FORMAT}: make it anew with `solvo history rebuild`"
    )]
    Format(u8),
}

impl From<fjall::Error> for StoreError {
    fn from(error: fjall::Error) -> Self {
        if let fjall::Error::Locked = error {
            return Self::Locked;
        }
        if let fjall::Error::Io(error) = error {
            return Self::Io(error);
        }
        Self::Store(error.to_string())
    }
}

/// Up to where the store goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// Whose log.
    pub cluster: ClusterId,
    /// The last frame that has been taken in.
    pub batch: BatchNumber,
    /// Its hash.
    pub hash: FrameHash,
    /// The last position in it.
    pub last_sequence: Sequence,
    /// Its time.
    pub time: Timestamp,
    /// Everything that was decided up to and including this position is in the store.
    pub told: Sequence,
    /// How many decisions at that position are.
    pub turn: u16,
    /// The time of that position.
    pub told_time: Timestamp,
    /// The last command whose own outcome is among them.
    pub command: Sequence,
    /// Frames that have a position after this one are read again after a start: they hold commands whose outcomes are
    /// still to be told.
    pub resume_after: Sequence,
    /// The day of the first payment; 0 as long as there is none.
    pub first_day: u16,
    /// What was decided up to this position is not in the store, because the log did not hold it any more when the store
    /// was begun. 0: nothing is missing.
    pub begins: Sequence,
    /// The time of that position.
    pub begins_time: Timestamp,
}

impl Watermark {
    fn to_row(self) -> Vec<u8> {
        let mut row = RowWriter::default();
        row.byte(FORMAT);
        row.raw(&self.cluster.0);
        row.number(self.batch.0);
        row.raw(&self.hash.0);
        row.number(self.last_sequence.0);
        row.time(Timestamp::default(), self.time);
        row.number(self.told.0);
        row.number(u64::from(self.turn));
        row.time(Timestamp::default(), self.told_time);
        row.number(self.command.0);
        row.number(self.resume_after.0);
        row.number(u64::from(self.first_day));
        row.number(self.begins.0);
        row.time(Timestamp::default(), self.begins_time);
        row.bytes
    }

    fn from_row(row: &[u8]) -> Result<Self, StoreError> {
        let mut row = RowReader::new(row);
        match row.byte() {
            Some(FORMAT) => {}
            other => return Err(StoreError::Format(other.unwrap_or(0))),
        }
        let mut read = || {
            Some(Self {
                cluster: ClusterId(row.array()?),
                batch: BatchNumber(row.number()?),
                hash: FrameHash(row.array()?),
                last_sequence: Sequence(row.number()?),
                time: row.time(Timestamp::default())?,
                told: Sequence(row.number()?),
                turn: u16::try_from(row.number()?).ok()?,
                told_time: row.time(Timestamp::default())?,
                command: Sequence(row.number()?),
                resume_after: Sequence(row.number()?),
                first_day: u16::try_from(row.number()?).ok()?,
                begins: Sequence(row.number()?),
                begins_time: row.time(Timestamp::default())?,
            })
        };
        read().ok_or(StoreError::Row("the watermark"))
    }
}

/// An account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AccountRow {
    pub(crate) number: AccountNumber,
    pub(crate) owner: ParticipantNumber,
    /// Where it was opened, or where history begins if that was before.
    pub(crate) opened_at: Sequence,
    pub(crate) opened_time: Timestamp,
    /// What was on it there, in minor units.
    pub(crate) opening_balance: i64,
}

impl AccountRow {
    pub(crate) fn to_row(self) -> Vec<u8> {
        let mut row = RowWriter::default();
        row.number(u64::from(self.number.0));
        row.number(u64::from(self.owner.0));
        row.number(self.opened_at.0);
        row.time(Timestamp::default(), self.opened_time);
        row.signed(self.opening_balance);
        row.bytes
    }

    fn from_row(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row);
        Some(Self {
            number: AccountNumber(u32::try_from(row.number()?).ok()?),
            owner: ParticipantNumber(u32::try_from(row.number()?).ok()?),
            opened_at: Sequence(row.number()?),
            opened_time: row.time(Timestamp::default())?,
            opening_balance: row.signed()?,
        })
    }
}

/// Rows that are written together.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<(Space, Slice, Slice)>,
    pub(crate) banks: Vec<Bank>,
}

impl Rows {
    /// Adds a row. Short keys and rows lie in a slice itself, so they are copied and cost no allocation.
    pub(crate) fn put(&mut self, space: Space, key: &[u8], row: &[u8]) {
        self.rows.push((space, Slice::from(key), Slice::from(row)));
    }
}

/// An open store.
pub struct Store {
    database: Database,
    spaces: Vec<Keyspace>,
    banks: RwLock<Arc<Banks>>,
    /// Test only: how many more writes succeed.
    #[cfg(test)]
    pub(crate) writes_left: std::sync::atomic::AtomicU64,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in a folder, or makes an empty one.
    ///
    /// # Errors
    /// If the folder can't be used, or what is in it is no store of this version.
    pub fn open(folder: &Path) -> Result<Arc<Self>, StoreError> {
        let database = Database::builder(folder)
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES_MAX)
            .worker_threads(WORKERS)
            .open()?;
        let spaces = Space::ALL.into_iter().map(|(space, name)| database.keyspace(name, || space.options()));
        let spaces = spaces.collect::<Result<Vec<_>, _>>()?;
        let store = Arc::new(Self {
            database,
            spaces,
            banks: RwLock::default(),
            #[cfg(test)]
            writes_left: std::sync::atomic::AtomicU64::new(u64::MAX),
        });
        let reading = store.reading();
        // Rows of another version can't be read.
        reading.watermark()?;
        store.set_banks(reading.read_banks()?);
        drop(reading);
        Ok(store)
    }

    /// A view of the store as it is now, which no later commit changes.
    pub(crate) fn reading(self: &Arc<Self>) -> Reading {
        // Banks are added before the commit that needs them, so these are enough.
        let snapshot = self.database.snapshot();
        Reading { store: Arc::clone(self), snapshot, banks: self.banks() }
    }

    pub(crate) fn banks(&self) -> Arc<Banks> {
        Arc::clone(&self.banks.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn set_banks(&self, banks: Banks) {
        *self.banks.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(banks);
    }

    /// Writes rows and the watermark that they lead to, all or nothing.
    pub(crate) fn commit(&self, rows: Rows, watermark: &Watermark) -> Result<(), StoreError> {
        let Rows { mut rows, banks } = rows;
        if !banks.is_empty() {
            let mut all = Banks::clone(&self.banks());
            banks.into_iter().for_each(|bank| all.add(bank));
            self.set_banks(all);
        }
        let mut batch = self.database.batch();
        batch.insert(self.space(Space::State), keys::WATERMARK, watermark.to_row());
        if is_on(Mutant::WatermarkApart) {
            self.write(batch)?;
            batch = self.database.batch();
        }
        // The store keeps what is new in a list in the order of keys. What comes in that order finds its neighbours in the
        // processor's cache.
        rows.sort_unstable_by(|(space, key, _), (other_space, other_key, _)| {
            (space.index(), key).cmp(&(other_space.index(), other_key))
        });
        for (space, key, row) in rows {
            batch.insert(self.space(space), key, row);
        }
        self.write(batch)
    }

    /// Writes rows that no watermark speaks of yet: without one they count for nothing.
    pub(crate) fn put(&self, rows: Rows) -> Result<(), StoreError> {
        let mut batch = self.database.batch();
        for (space, key, row) in rows.rows {
            batch.insert(self.space(space), key, row);
        }
        self.write(batch)
    }

    #[cfg(not(test))]
    fn write(&self, batch: fjall::OwnedWriteBatch) -> Result<(), StoreError> {
        Ok(batch.commit()?)
    }

    /// Fails once as many writes as the test allows have succeeded, as if the process had ended there.
    #[cfg(test)]
    fn write(&self, batch: fjall::OwnedWriteBatch) -> Result<(), StoreError> {
        use std::sync::atomic::Ordering;
        let left =
            self.writes_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_err() {
            return Err(StoreError::Io(std::io::Error::other("the test ends it here")));
        }
        Ok(batch.commit()?)
    }

    /// Makes this a store of another version.
    #[cfg(test)]
    pub(crate) fn set_format(&self, format: u8) -> Result<(), StoreError> {
        let watermark = self.space(Space::State).get(keys::WATERMARK)?.expect("something was committed");
        let row: Vec<u8> = std::iter::once(format).chain(watermark.iter().skip(1).copied()).collect();
        Ok(self.space(Space::State).insert(keys::WATERMARK, row)?)
    }

    /// Whether nothing was ever written to it.
    pub(crate) fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.space(Space::State).is_empty()?)
    }

    /// Puts everything that has been committed on stable storage.
    ///
    /// # Errors
    /// If the folder fails.
    pub fn sync(&self) -> Result<(), StoreError> {
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }

    /// Writes what is collected in memory as tables, for those who measure.
    ///
    /// # Errors
    /// If the folder fails.
    pub fn flush(&self) -> Result<(), StoreError> {
        for space in &self.spaces {
            space.rotate_memtable_and_wait()?;
        }
        Ok(())
    }

    /// Bytes on disk, the store's own journal apart: of each space by its name.
    pub fn disk_bytes(&self) -> Vec<(&'static str, u64)> {
        Space::ALL.into_iter().map(|(space, name)| (name, self.space(space).disk_space())).collect()
    }

    fn space(&self, space: Space) -> &Keyspace {
        &self.spaces[space.index()]
    }
}

/// The store at one moment.
pub(crate) struct Reading {
    store: Arc<Store>,
    snapshot: Snapshot,
    pub(crate) banks: Arc<Banks>,
}

/// A key and its row.
pub(crate) type Found = (fjall::UserKey, fjall::UserValue);

impl Reading {
    pub(crate) fn get(&self, space: Space, key: &[u8]) -> Result<Option<fjall::UserValue>, StoreError> {
        Ok(self.snapshot.get(self.store.space(space), key)?)
    }

    /// The rows between two keys, both included, from either end.
    pub(crate) fn range(
        &self,
        space: Space,
        from: &[u8],
        upto: &[u8],
    ) -> impl DoubleEndedIterator<Item = Result<Found, StoreError>> + use<> {
        let rows = self.snapshot.range(self.store.space(space), from..=upto);
        rows.map(|row| Ok(row.into_inner()?))
    }

    pub(crate) fn prefix(
        &self,
        space: Space,
        prefix: &[u8],
    ) -> impl DoubleEndedIterator<Item = Result<Found, StoreError>> + use<> {
        let rows = self.snapshot.prefix(self.store.space(space), prefix);
        rows.map(|row| Ok(row.into_inner()?))
    }

    /// Up to where the store goes; `None` if nothing is in it.
    pub(crate) fn watermark(&self) -> Result<Option<Watermark>, StoreError> {
        let row = self.get(Space::State, keys::WATERMARK)?;
        row.map(|row| Watermark::from_row(&row)).transpose()
    }

    pub(crate) fn account(
        &self,
        digest: Digest,
        currency: Currency,
    ) -> Result<Option<AccountRow>, StoreError> {
        let row = self.get(Space::State, &keys::account(digest, currency))?;
        let read = |row: fjall::UserValue| AccountRow::from_row(&row).ok_or(StoreError::Row("an account"));
        row.map(read).transpose()
    }

    /// Where the holders of an account were named last, if that is not its opening; 0 if it is closed.
    pub(crate) fn named_at(&self, account: AccountNumber) -> Result<Option<Sequence>, StoreError> {
        let row = self.get(Space::State, &keys::named(account))?;
        let read = |row: fjall::UserValue| {
            RowReader::new(&row).number().map(Sequence).ok_or(StoreError::Row("the naming of an account"))
        };
        row.map(read).transpose()
    }

    /// What was on a bank's technical account where history begins.
    pub(crate) fn own_funds(&self, bank: ParticipantNumber) -> Result<i64, StoreError> {
        let row = self.get(Space::State, &keys::own_funds(bank))?;
        let read = |row: fjall::UserValue| {
            RowReader::new(&row).signed().ok_or(StoreError::Row("a technical account"))
        };
        Ok(row.map(read).transpose()?.unwrap_or(0))
    }

    /// The accounts of one number, one for each currency.
    pub(crate) fn accounts_of(&self, digest: Digest) -> Result<Vec<AccountNumber>, StoreError> {
        let accounts = self.prefix(Space::State, &keys::accounts(digest)).map(|found| {
            let account = AccountRow::from_row(&found?.1);
            Ok(account.ok_or(StoreError::Row("an account"))?.number)
        });
        accounts.collect()
    }

    /// Every account with the digest of its number and its currency.
    pub(crate) fn for_each_account(
        &self,
        mut visit: impl FnMut(Digest, Currency, AccountRow),
    ) -> Result<(), StoreError> {
        for found in self.prefix(Space::State, &[keys::ACCOUNT]) {
            let (key, row) = found?;
            let read = || {
                let mut key = RowReader::new(key.get(1..)?);
                let digest = Digest(key.array()?);
                let currency = Currency::from_number(u16::from_be_bytes(key.array()?)).ok()?;
                Some((digest, currency, AccountRow::from_row(&row)?))
            };
            let (digest, currency, account) = read().ok_or(StoreError::Row("an account"))?;
            visit(digest, currency, account);
        }
        Ok(())
    }

    fn read_banks(&self) -> Result<Banks, StoreError> {
        let mut banks = Banks::default();
        for found in self.prefix(Space::State, &[keys::BANK]) {
            let (key, row) = found?;
            let number = key.get(1..).and_then(|number| number.try_into().ok()).map(u32::from_be_bytes);
            let bank = number.and_then(|number| Bank::from_row(number, &row));
            banks.add(bank.ok_or(StoreError::Row("a participant"))?);
        }
        Ok(banks)
    }
}
