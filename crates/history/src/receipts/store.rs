//! The file of checkpoints: made from the log, appended to, and found by position.
//!
//! Invariants:
//! - A checkpoint and how far the log has been gone through are one record, synced before the next one is made.
//! - Every record is as long as every other, so that a checkpoint is found by halving.
//! - A file that ends in half a record ends before it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use types::{ClusterId, Duration, Sequence};

use super::bytes::{array, i64_at, put, u16_at, u32_at, u64_at};
use super::checkpoint::{CHECKPOINT_LENGTH, Checkpoint, SIGNATURE_LENGTH, SignedCheckpoint};

/// The file's name, within the folder of receipts.
pub const STORE_NAME: &str = "checkpoints";
const STORE_MAGIC: [u8; 8] = *b"SLVCHKPS";
const STORE_FORMAT: u16 = 1;

// The file's first bytes.
const HEADER_LENGTH: usize = 64;
const FORMAT: usize = 8;
const CLUSTER: usize = 16;
const INTERVAL: usize = 32;
const HEADER_CHECKSUM: usize = 60;

// One record: the checkpoint and its signature, and then:
const RESUME_AFTER: usize = CHECKPOINT_LENGTH + SIGNATURE_LENGTH;
const CHECKSUM: usize = RESUME_AFTER + 8;
const RECORD_LENGTH: usize = CHECKSUM + 4;

/// Why checkpoints can't be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file can't be read or written.
    #[error("the file of checkpoints {path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file holds something else, or is another log's.
    #[error("{0} is no file of this log's checkpoints: remove it, and it is made again from the log")]
    Foreign(PathBuf),
    /// It was made with another interval.
    #[error(
        "{path} has checkpoints of {} s, and {} s are asked for: ask for the same, or remove the file, and it is made \
         again from the log",
        found.to_standard().as_secs_f64(), asked.to_standard().as_secs_f64()
    )]
    Interval {
        /// Which file.
        path: PathBuf,
        /// The file's interval.
        found: Duration,
        /// The interval that is asked for.
        asked: Duration,
    },
}

/// A checkpoint, and from where the next one is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) signed: SignedCheckpoint,
    /// Whoever goes on after it reads what follows this position.
    pub(super) resume_after: Sequence,
}

/// The file of checkpoints.
#[derive(Debug)]
pub(super) struct Store {
    file: File,
    path: PathBuf,
    count: u64,
    last: Option<(Stored, Checkpoint)>,
}

impl Store {
    /// Opens the file in a folder, or makes one there.
    pub(super) fn open(folder: &Path, cluster: ClusterId, interval: Duration) -> Result<Self, StoreError> {
        let path = folder.join(STORE_NAME);
        let fault = |source| StoreError::File { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(fault)?;
        if !path.exists() {
            create(folder, &path, cluster, interval).map_err(fault)?;
        }
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(fault)?;
        let found = read_header(&file).map_err(fault)?;
        let (_, found) =
            found.filter(|(found, _)| *found == cluster).ok_or_else(|| StoreError::Foreign(path.clone()))?;
        if found != interval {
            return Err(StoreError::Interval { path, found, asked: interval });
        }
        let mut store = Self { file, path, count: 0, last: None };
        store.find_end()?;
        Ok(store)
    }

    /// Opens the file in a folder for reading, with the interval that it was made with.
    pub(super) fn open_as_it_is(
        folder: &Path,
        cluster: ClusterId,
    ) -> Result<Option<(Self, Duration)>, StoreError> {
        let path = folder.join(STORE_NAME);
        let fault = |source| StoreError::File { path: path.clone(), source };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fault(error)),
        };
        let found = read_header(&file).map_err(fault)?;
        let found = found.filter(|(found, _)| *found == cluster);
        let (_, interval) = found.ok_or_else(|| StoreError::Foreign(path.clone()))?;
        let mut store = Self { file, path, count: 0, last: None };
        store.find_end()?;
        Ok(Some((store, interval)))
    }

    /// Finds the last record that is whole.
    fn find_end(&mut self) -> Result<(), StoreError> {
        let length = self.file.metadata().map_err(|source| self.fault(source))?.len();
        self.count = length.saturating_sub(wide(HEADER_LENGTH)) / wide(RECORD_LENGTH);
        while self.count > 0 {
            if let Some(last) = self.read(self.count)? {
                self.last = Some(last);
                return Ok(());
            }
            self.count -= 1;
        }
        Ok(())
    }

    /// Appends a checkpoint, durably.
    pub(super) fn append(&mut self, stored: &Stored) -> Result<(), StoreError> {
        let checkpoint = stored.signed.read().expect("a checkpoint of our own");
        assert!(checkpoint.number == self.count + 1, "checkpoints are numbered without a gap");
        let bytes = encode(stored);
        let written = self.file.write_all_at(&bytes, place(checkpoint.number));
        written.and_then(|()| self.file.sync_data()).map_err(|source| self.fault(source))?;
        self.count += 1;
        self.last = Some((*stored, checkpoint));
        Ok(())
    }

    /// How many checkpoints there are.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Drops the checkpoints after the first so many.
    pub(super) fn truncate(&mut self, count: u64) -> Result<(), StoreError> {
        let last = self.get(count)?;
        let cut = self.file.set_len(place(count + 1)).and_then(|()| self.file.sync_all());
        cut.map_err(|source| self.fault(source))?;
        (self.count, self.last) = (count, last);
        Ok(())
    }

    /// The latest checkpoint.
    pub(super) const fn last(&self) -> Option<&(Stored, Checkpoint)> {
        self.last.as_ref()
    }

    /// The checkpoint with this number, from 1.
    pub(super) fn get(&self, number: u64) -> Result<Option<(Stored, Checkpoint)>, StoreError> {
        if number == 0 || number > self.count {
            return Ok(None);
        }
        let found = self.read(number)?;
        found.map(Some).ok_or_else(|| StoreError::Foreign(self.path.clone()))
    }

    /// The first checkpoint that reaches this position.
    pub(super) fn reaching(&self, position: Sequence) -> Result<Option<(Stored, Checkpoint)>, StoreError> {
        let (mut low, mut high) = (1, self.count + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(middle)? {
                Some((_, checkpoint)) if checkpoint.upto < position => low = middle + 1,
                _ => high = middle,
            }
        }
        self.get(low)
    }

    fn read(&self, number: u64) -> Result<Option<(Stored, Checkpoint)>, StoreError> {
        let mut bytes = [0; RECORD_LENGTH];
        self.file.read_exact_at(&mut bytes, place(number)).map_err(|source| self.fault(source))?;
        let stored = decode(&bytes);
        let checkpoint = stored.and_then(|stored| Some((stored, stored.signed.read()?)));
        Ok(checkpoint.filter(|(_, checkpoint)| checkpoint.number == number))
    }

    fn fault(&self, source: io::Error) -> StoreError {
        StoreError::File { path: self.path.clone(), source }
    }
}

/// Makes an empty file, whole or not at all.
fn create(folder: &Path, path: &Path, cluster: ClusterId, interval: Duration) -> io::Result<()> {
    let mut header = [0; HEADER_LENGTH];
    put(&mut header, 0, STORE_MAGIC);
    put(&mut header, FORMAT, STORE_FORMAT.to_le_bytes());
    put(&mut header, CLUSTER, cluster.0);
    put(&mut header, INTERVAL, interval.nanoseconds().to_le_bytes());
    let sum = crc32c::crc32c(&header[..HEADER_CHECKSUM]);
    put(&mut header, HEADER_CHECKSUM, sum.to_le_bytes());
    let unfinished = path.with_extension("new");
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(&unfinished)?;
    file.write_all_at(&header, 0)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    File::open(folder)?.sync_all()
}

/// Whose checkpoints these are, and of which interval.
fn read_header(file: &File) -> io::Result<Option<(ClusterId, Duration)>> {
    let mut header = [0; HEADER_LENGTH];
    match file.read_exact_at(&mut header, 0) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let is_one = header[..FORMAT] == STORE_MAGIC
        && u16_at(&header, FORMAT) == STORE_FORMAT
        && u32_at(&header, HEADER_CHECKSUM) == crc32c::crc32c(&header[..HEADER_CHECKSUM]);
    let interval = Duration::from_nanoseconds(i64_at(&header, INTERVAL)).filter(|it| it.nanoseconds() > 0);
    Ok(interval.filter(|_| is_one).map(|interval| (ClusterId(array(&header, CLUSTER)), interval)))
}

fn encode(stored: &Stored) -> [u8; RECORD_LENGTH] {
    let mut bytes = [0; RECORD_LENGTH];
    put(&mut bytes, 0, stored.signed.bytes);
    put(&mut bytes, CHECKPOINT_LENGTH, stored.signed.signature);
    put(&mut bytes, RESUME_AFTER, stored.resume_after.0.to_le_bytes());
    let sum = crc32c::crc32c(&bytes[..CHECKSUM]);
    put(&mut bytes, CHECKSUM, sum.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8; RECORD_LENGTH]) -> Option<Stored> {
    let is_whole = u32_at(bytes, CHECKSUM) == crc32c::crc32c(&bytes[..CHECKSUM]);
    is_whole.then(|| Stored {
        signed: SignedCheckpoint { bytes: array(bytes, 0), signature: array(bytes, CHECKPOINT_LENGTH) },
        resume_after: Sequence(u64_at(bytes, RESUME_AFTER)),
    })
}

fn place(number: u64) -> u64 {
    wide(HEADER_LENGTH) + (number - 1) * wide(RECORD_LENGTH)
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).expect("a length in memory fits 64 bits")
}
