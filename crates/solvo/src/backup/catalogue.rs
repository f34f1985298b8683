//! BACKUP: what a backup holds and how far it reaches, as JSON.
//!
//! Invariants:
//! - Everything that is listed was durable and whole when BACKUP was written.
//! - Segments are contiguous, and each follows the one before; so are pieces of the checkpoints.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, ensure};
use journal::{Contents, FrameHash, Identity, Restored, Tail, run_number, segment_name, snapshot_number};
use serde::{Deserialize, Serialize};
use types::{BatchNumber, ClusterId, Epoch, Incarnation, Sequence, Shard, Timestamp};

use crate::backup::pieces::Piece;

/// The file's name.
pub(crate) const CATALOGUE: &str = "BACKUP";

/// What a run has finished so far, one line for each segment.
pub(crate) const PROGRESS: &str = "BACKUP.progress";

/// The format that this program writes, and the newest it reads.
const FORMAT: u32 = 1;

/// What BACKUP says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Catalogue {
    format: u32,
    /// Always true: BACKUP is written when all is there.
    finished: bool,
    log: Log,
    /// What the first segment's first frame follows.
    anchor: End,
    /// Where earlier lives of the log end, if it was restored.
    restored: Option<RestoredLog>,
    /// The log, oldest first.
    pub(crate) segments: Vec<Segment>,
    /// Everything else.
    pub(crate) files: Vec<Other>,
}

/// Whose log it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Log {
    cluster: String,
    shard: u16,
    incarnation: String,
}

/// A segment of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segment {
    /// The one in its name.
    pub(crate) number: u64,
    /// The file's length in bytes.
    pub(crate) length: u64,
    /// Whether nothing will be added to it any more.
    pub(crate) sealed: bool,
    /// How many bytes of it the hash covers; behind them are zeros.
    pub(crate) hashed: u64,
    /// BLAKE3 of those.
    pub(crate) blake3: String,
    /// How the log stands at its end.
    pub(crate) end: End,
}

/// A file that is no segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Other {
    pub(crate) name: String,
    /// In bytes.
    pub(crate) length: u64,
    /// BLAKE3 of the file; none where erasure may change it in the backup as well.
    pub(crate) blake3: Option<String>,
    /// The frame at which it stands, if it is a snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) batch: Option<u64>,
    /// What a run that was about to end put in its place, or was about to: the file is this or that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) replaced_by: Vec<Version>,
}

/// A file's bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    /// In bytes.
    pub(crate) length: u64,
    /// BLAKE3 of the file.
    pub(crate) blake3: String,
}

impl Other {
    /// The snapshot's number, if it is one.
    pub(crate) fn snapshot(&self) -> Option<u64> {
        snapshot_number(&self.name)
    }

    /// The number of the run of duplicates, if it is one.
    pub(crate) fn run(&self) -> Option<u64> {
        run_number(&self.name)
    }

    /// The number of the piece, if it is one of the checkpoints of receipts.
    pub(crate) fn piece(&self) -> Option<u64> {
        Piece::number(&self.name)
    }

    /// Whether the file may have this length and hash.
    pub(crate) fn admits(&self, length: u64, hash: &blake3::Hash) -> bool {
        let Some(blake3) = &self.blake3 else { return true };
        let listed = [(self.length, blake3)].into_iter();
        let mut all = listed.chain(self.replaced_by.iter().map(|other| (other.length, &other.blake3)));
        all.any(|known| known.0 == length && *hash.to_hex() == **known.1)
    }
}

/// A place between two frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    batch: u64,
    next_sequence: u64,
    hash: String,
    time_nanoseconds: i64,
    epoch: u64,
    durable_mark: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RestoredLog {
    incarnation: String,
    segment: u64,
    batch: u64,
    next_sequence: u64,
    hash: String,
}

impl Catalogue {
    /// An empty one of a log whose first segment that is kept follows `anchor`.
    pub(crate) fn new(contents: &Contents, anchor: &Tail) -> Self {
        let Identity { cluster, shard, incarnation } = contents.identity;
        let restored = contents.restored.as_ref().map(RestoredLog::of);
        Self {
            format: FORMAT,
            finished: true,
            log: Log { cluster: cluster.to_string(), shard: shard.0, incarnation: incarnation.to_string() },
            anchor: End::of(anchor),
            restored,
            segments: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Reads BACKUP; `None` if there is none.
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Option<Self>> {
        let path = folder.join(CATALOGUE);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.with_context(|| format!("{} can't be read", path.display()))?,
        };
        let catalogue = Self::parse(&text).with_context(|| format!("{} can't be read", path.display()))?;
        Ok(Some(catalogue))
    }

    fn parse(text: &[u8]) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let Version { format } = serde_json::from_slice(text)?;
        ensure!(format == FORMAT, "its format is {format}, and this program reads {FORMAT}: use a newer one");
        let catalogue: Self = serde_json::from_slice(text)?;
        catalogue.checked()
    }

    /// Checks once what the other methods rely on.
    fn checked(self) -> anyhow::Result<Self> {
        let first = self.segments.first().context("it lists no segment")?.number;
        for (segment, number) in self.segments.iter().zip(first..) {
            ensure!(segment.number == number, "segment {number} is not listed");
            ensure!(segment.hashed <= segment.length, "segment {number} is shorter than what was hashed");
            segment.end.tail()?;
        }
        for (piece, number) in self.files.iter().filter_map(Other::piece).zip(1..) {
            ensure!(piece == number, "piece {number} of the checkpoints is not listed");
        }
        for file in &self.files {
            ensure!(is_plain(&file.name), "{:?} is no name of a file", file.name);
        }
        self.read_identity()?;
        self.read_restored()?;
        self.anchor.tail()?;
        Ok(self)
    }

    /// Writes BACKUP in the place of the one before; durable on return.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        let unfinished = folder.join(format!("{CATALOGUE}.new"));
        let mut file = File::create(&unfinished)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&unfinished, folder.join(CATALOGUE))?;
        File::open(folder)?.sync_all()?;
        Ok(())
    }

    /// Whose log it is.
    pub(crate) fn identity(&self) -> Identity {
        self.read_identity().expect("it is checked when it is read")
    }

    fn read_identity(&self) -> anyhow::Result<Identity> {
        let Log { cluster, shard, incarnation } = &self.log;
        let cluster = hexadecimal(cluster).context("the cluster is no number")?;
        let incarnation = incarnation.parse().context("the incarnation is no number")?;
        Ok(Identity {
            cluster: ClusterId(cluster),
            shard: Shard(*shard),
            incarnation: Incarnation(incarnation),
        })
    }

    fn read_restored(&self) -> anyhow::Result<Option<Restored>> {
        let Some(restored) = &self.restored else { return Ok(None) };
        Ok(Some(Restored {
            previous: Incarnation(restored.incarnation.parse().context("an incarnation is no number")?),
            segment: restored.segment,
            batch: BatchNumber(restored.batch),
            next_sequence: Sequence(restored.next_sequence),
            hash: FrameHash(hexadecimal(&restored.hash).context("a hash is none")?),
        }))
    }

    /// What the first segment's first frame follows.
    pub(crate) fn anchor(&self) -> Tail {
        self.anchor.tail().expect("it is checked when it is read")
    }

    /// How far the backup reaches.
    pub(crate) fn end(&self) -> Tail {
        self.segments.last().map_or_else(|| self.anchor(), |segment| segment.end())
    }

    /// How many files are listed.
    pub(crate) fn file_count(&self) -> usize {
        self.segments.len() + self.files.len()
    }

    /// The newest snapshot that stands at this frame or before it.
    pub(crate) fn newest_snapshot(&self, upto: BatchNumber) -> Option<u64> {
        let usable = self.files.iter().filter(|file| file.batch.is_some_and(|batch| batch <= upto.0));
        usable.filter_map(Other::snapshot).max()
    }

    /// What MANIFEST of the backup says.
    pub(crate) fn contents(&self) -> Contents {
        let first = self.segments.first().expect("it lists a segment").number;
        let newest_segment = self.segments.last().expect("it lists a segment").number;
        let restored = self.read_restored().expect("it is checked when it is read");
        Contents {
            identity: self.identity(),
            oldest_segment: first,
            newest_segment,
            newest_snapshot: self.newest_snapshot(self.end().batch).unwrap_or(0),
            anchor: self.anchor(),
            restored,
        }
    }
}

impl RestoredLog {
    fn of(restored: &Restored) -> Self {
        Self {
            incarnation: restored.previous.to_string(),
            segment: restored.segment,
            batch: restored.batch.0,
            next_sequence: restored.next_sequence.0,
            hash: restored.hash.to_string(),
        }
    }
}

impl Segment {
    /// Its file's name.
    pub(crate) fn name(&self) -> String {
        segment_name(self.number)
    }

    /// How the log stands at its end.
    pub(crate) fn end(&self) -> Tail {
        self.end.tail().expect("it is checked when it is read")
    }
}

impl End {
    pub(crate) fn of(tail: &Tail) -> Self {
        Self {
            batch: tail.batch.0,
            next_sequence: tail.next_sequence.0,
            hash: tail.hash.to_string(),
            time_nanoseconds: tail.time.nanoseconds(),
            epoch: tail.epoch.0,
            durable_mark: tail.durable_mark.0,
        }
    }

    fn tail(&self) -> anyhow::Result<Tail> {
        ensure!(self.next_sequence > 0 && self.batch < u64::MAX, "a place is impossible");
        Ok(Tail {
            batch: BatchNumber(self.batch),
            next_sequence: Sequence(self.next_sequence),
            hash: FrameHash(hexadecimal(&self.hash).context("a hash is none")?),
            time: Timestamp::from_nanoseconds(self.time_nanoseconds).context("a time is impossible")?,
            epoch: Epoch(self.epoch),
            durable_mark: BatchNumber(self.durable_mark),
            kind: None,
        })
    }
}

/// The segments that a run has finished and not listed in BACKUP yet.
pub(crate) struct Progress {
    file: File,
}

impl Progress {
    /// Reads what an interrupted run has finished of this log. A line that was cut short ends it.
    pub(crate) fn read(folder: &Path, identity: &Identity) -> anyhow::Result<Vec<Segment>> {
        let path = folder.join(PROGRESS);
        let file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.with_context(|| format!("{} can't be read", path.display()))?,
        };
        let mut lines = BufReader::new(file).lines();
        if lines.next().transpose()? != Some(head(identity)) {
            return Ok(Vec::new());
        }
        let mut segments: Vec<Segment> = Vec::new();
        for line in lines {
            match serde_json::from_str::<Segment>(&line?) {
                Ok(segment) if segment.end.tail().is_ok() => segments.push(segment),
                Ok(_) | Err(_) => break,
            }
        }
        Ok(segments)
    }

    /// Begins anew with these.
    pub(crate) fn begin(folder: &Path, identity: &Identity, known: &[Segment]) -> anyhow::Result<Self> {
        let unfinished = folder.join(format!("{PROGRESS}.new"));
        let mut file = File::create(&unfinished)?;
        writeln!(file, "{}", head(identity))?;
        let mut progress = Self { file };
        known.iter().try_for_each(|segment| progress.line(segment))?;
        progress.file.sync_all()?;
        fs::rename(&unfinished, folder.join(PROGRESS))?;
        File::open(folder)?.sync_all()?;
        Ok(progress)
    }

    /// Remembers a segment that is durable; durable on return.
    pub(crate) fn add(&mut self, segment: &Segment) -> anyhow::Result<()> {
        self.line(segment)?;
        Ok(self.file.sync_data()?)
    }

    fn line(&mut self, segment: &Segment) -> anyhow::Result<()> {
        Ok(writeln!(self.file, "{}", serde_json::to_string(segment)?)?)
    }
}

/// The first line, so that the progress of another log is never taken up.
fn head(identity: &Identity) -> String {
    let Identity { cluster, shard, incarnation } = identity;
    format!("cluster {cluster}, shard {shard}, incarnation {incarnation}")
}

/// Bytes from their hexadecimal digits.
fn hexadecimal<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
    let mut bytes = [0; LENGTH];
    if digits.len() != 2 * LENGTH {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    Some(bytes)
}

/// Whether a name is that of a file of the folder itself, whoever wrote it.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0'])
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
