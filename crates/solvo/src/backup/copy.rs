//! Copying files: at a pace, hashed on the way, durable at the end.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::num::NonZeroU64;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use journal::{AlignedBuffer, Storage, StorageFile};

/// How much is copied at once.
const PIECE: usize = 1 << 20;

/// How far copying has come, and how fast it may go.
pub(crate) struct Copier {
    bar: ProgressBar,
    bytes_per_second: Option<NonZeroU64>,
    started: Instant,
    /// Bytes read since then.
    read: u64,
    /// Files that were copied.
    pub(crate) files: u64,
    /// Bytes that were written.
    pub(crate) bytes: u64,
}

/// What of a segment is copied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// The file's length in bytes.
    pub(crate) length: u64,
    /// How many bytes of it are hashed.
    pub(crate) hashed: u64,
    /// How many of those are copied; zeros stand for the rest of the file.
    pub(crate) kept: u64,
}

impl Copier {
    /// A copier that shows how far it has come on a terminal and nowhere else.
    pub(crate) fn new(bytes_per_second: Option<NonZeroU64>) -> Self {
        let bar = match io::stderr().is_terminal() {
            true => ProgressBar::new(0),
            false => ProgressBar::hidden(),
        };
        let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {msg}, {eta} left");
        bar.set_style(style.expect("the template is right"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, bytes_per_second, started: Instant::now(), read: 0, files: 0, bytes: 0 }
    }

    /// So many bytes more will have to be read.
    pub(crate) fn expect(&self, bytes: u64) {
        self.bar.inc_length(bytes);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Counts what was read, and waits if that was too fast.
    fn passed(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).expect("64 bits");
        self.read += bytes;
        self.bar.inc(bytes);
        let Some(rate) = self.bytes_per_second else { return };
        let due = u128::from(self.read) * 1_000_000_000 / u128::from(rate.get());
        let due = Duration::from_nanos(u64::try_from(due).unwrap_or(u64::MAX));
        thread::sleep(due.saturating_sub(self.started.elapsed()));
    }

    /// Copies a segment; returns the hash of the part that is hashed. Durable on return.
    pub(crate) fn segment(
        &mut self,
        from: &impl Storage,
        name: &str,
        to: &Path,
        extent: Extent,
    ) -> anyhow::Result<blake3::Hash> {
        let Extent { length, hashed, kept } = extent;
        let source = from.open(name, journal::Access::Read)?;
        ensure!(source.length()? == length, "{name} in {} has changed its length", from.place());
        self.bar.set_message(name.to_owned());
        let file = create(to)?;
        file.set_len(length)?;
        let (mut hasher, mut offset) = (blake3::Hasher::new(), 0);
        let mut buffer = AlignedBuffer::new(PIECE);
        while offset < hashed {
            let left = usize::try_from(hashed - offset).unwrap_or(PIECE).min(PIECE);
            let piece = &mut buffer.as_mut_slice()[..left];
            source.read_at(offset, piece)?;
            hasher.update(piece);
            let wanted = usize::try_from(kept.saturating_sub(offset)).unwrap_or(left).min(left);
            let wanted = &piece[..wanted];
            // Zeros need no room on the disk.
            if wanted.iter().any(|byte| *byte != 0) {
                file.write_all_at(wanted, offset)?;
                self.bytes += u64::try_from(wanted.len()).expect("64 bits");
            }
            offset += u64::try_from(left).expect("64 bits");
            self.passed(left);
        }
        file.sync_all()?;
        self.files += 1;
        Ok(hasher.finalize())
    }

    /// Copies any other file; returns its length and hash. Durable on return.
    pub(crate) fn file(&mut self, from: &Path, to: &Path) -> io::Result<(u64, blake3::Hash)> {
        self.part(from, 0, u64::MAX, to)
    }

    /// Copies so many bytes of a file, or those that there are, to a file of their own; returns what `file` does. Durable
    /// on return.
    pub(crate) fn part(
        &mut self,
        from: &Path,
        offset: u64,
        length: u64,
        to: &Path,
    ) -> io::Result<(u64, blake3::Hash)> {
        let mut source = File::open(from)?;
        source.seek(SeekFrom::Start(offset))?;
        self.pour(from, source.take(length), create(to)?)
    }

    /// Adds a file to the end of another, which is made if it does not exist; returns what `file` does. Durable on return.
    pub(crate) fn append(&mut self, from: &Path, to: &Path) -> io::Result<(u64, blake3::Hash)> {
        let source = File::open(from)?;
        self.pour(from, source, private().append(true).open(to)?)
    }

    fn pour(&mut self, from: &Path, mut source: impl Read, mut to: File) -> io::Result<(u64, blake3::Hash)> {
        self.bar.set_message(from.file_name().unwrap_or_default().to_string_lossy().into_owned());
        let (mut hasher, mut length) = (blake3::Hasher::new(), 0);
        let mut buffer = vec![0; PIECE];
        loop {
            let read = source.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
            to.write_all(&buffer[..read])?;
            length += u64::try_from(read).expect("64 bits");
            self.passed(read);
        }
        to.sync_all()?;
        self.files += 1;
        self.bytes += length;
        Ok((length, hasher.finalize()))
    }

    /// Hashes the first bytes of a file.
    pub(crate) fn hash(&mut self, path: &Path, length: u64) -> anyhow::Result<blake3::Hash> {
        let what = || format!("{} can't be read", path.display());
        let mut source = File::open(path).with_context(what)?.take(length);
        self.bar.set_message(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        let (mut hasher, mut buffer) = (blake3::Hasher::new(), vec![0; PIECE]);
        loop {
            let read = source.read(&mut buffer).with_context(what)?;
            if read == 0 {
                return Ok(hasher.finalize());
            }
            hasher.update(&buffer[..read]);
            self.passed(read);
        }
    }
}

/// Makes a file that nobody else can read, in the place of one that was left there.
fn create(path: &Path) -> io::Result<File> {
    private().write(true).truncate(true).open(path)
}

/// How a file is made that nobody else can read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    options
}
