//! A run of `solvo backup`: what is missing in the backup is copied, checked there, and listed.
//!
//! Snapshots come first and the log after them, so that the log reaches beyond every snapshot; what the log may name,
//! such as the keys of its days, comes last. Runs of duplicates are copied before the log, and after it until there is
//! none that the backup has not: one that the log lists at its end was there before, or has been made meanwhile, and
//! if it has gone since, the one that took its place is there.
//!
//! Invariant: a file that is listed changes only together with BACKUP; in between, BACKUP lists both.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use journal::{
    Contents, FileStorage, Reader, Storage, Tail, check_keys, run_number, segment_name, snapshot_name,
    snapshot_number,
};
use types::BatchNumber;

use crate::backup::catalogue::{CATALOGUE, Catalogue, End, Other, PROGRESS, Progress, Segment, Version};
use crate::backup::copy::{Copier, Extent};
use crate::backup::erased::{ERASED, INCOMING, is_erased, wipe, wipe_unfinished};
use crate::backup::pieces::Piece;
use crate::backup::runs;
use crate::backup::source::{Source, first_anchor, first_segment, is_lasting};

mod checkpoints;

/// How often a file is looked for that the node is moving.
const ATTEMPTS: usize = 100;

/// How often new runs of duplicates are looked for: each time the node has made some while the last were copied.
const RUN_PASSES: usize = 100;

/// How long a file is without a name, or nearly, while it is replaced by another.
const MOMENT: Duration = Duration::from_millis(10);

/// What a run has done.
pub(crate) struct BackedUp {
    pub(crate) catalogue: Catalogue,
    pub(crate) copied_files: u64,
    pub(crate) copied_bytes: u64,
}

/// A run under way.
struct Run {
    source: Source,
    target: FileStorage,
    folder: PathBuf,
    incoming: PathBuf,
    /// How far the backup has come.
    catalogue: Catalogue,
    progress: Progress,
    copier: Copier,
    /// Files that wait to take the places of others, in the end.
    waiting: Vec<String>,
    /// The runs of duplicates that the node's folder was seen to hold.
    held: BTreeSet<String>,
}

/// Makes or continues the backup in `to` of the folder `data`.
pub(crate) fn run(data: &Path, to: &Path, bytes_per_second: Option<NonZeroU64>) -> anyhow::Result<BackedUp> {
    let source = Source::open(data);
    let contents = source.contents()?;
    let target = FileStorage::create(to).context("the folder of the backup can't be made")?;
    let _lock = target.lock().context("another backup may be under way")?;
    let mut run = Run::begin(source, target, to, &contents, Copier::new(bytes_per_second))?;
    run.copy()?;
    run.finish()
}

fn is_snapshot(name: &str) -> bool {
    snapshot_number(name).is_some()
}

fn is_run(name: &str) -> bool {
    run_number(name).is_some()
}

fn is_piece(name: &str) -> bool {
    Piece::number(name).is_some()
}

impl Run {
    fn begin(
        source: Source,
        target: FileStorage,
        folder: &Path,
        contents: &Contents,
        copier: Copier,
    ) -> anyhow::Result<Self> {
        let known = Catalogue::read(folder)?;
        check_target(folder, known.as_ref(), contents)?;
        let incoming = folder.join(INCOMING);
        wipe_unfinished(folder)?;
        fs::create_dir_all(&incoming)?;
        let mut catalogue = match known {
            Some(known) => known,
            None => Catalogue::new(contents, &first_anchor(&source, contents)?),
        };
        for finished in Progress::read(folder, &contents.identity)? {
            catalogue.segments.retain(|segment| segment.number < finished.number);
            catalogue.segments.push(finished);
        }
        // What is not there any more, or was not finished, is copied again.
        let is_there = |segment: &Segment| {
            segment.sealed
                && fs::metadata(folder.join(segment.name())).is_ok_and(|file| file.len() == segment.length)
        };
        let there = catalogue.segments.iter().take_while(|segment| is_there(segment)).count();
        catalogue.segments.truncate(there);
        if let Some(last) = catalogue.segments.last() {
            check_same(&source, folder, contents, last)?;
        }
        let progress = Progress::begin(folder, &contents.identity, &catalogue.segments)?;
        Ok(Self {
            source,
            target,
            folder: folder.to_owned(),
            incoming,
            catalogue,
            progress,
            copier,
            waiting: Vec::new(),
            held: BTreeSet::new(),
        })
    }

    /// Copies all that the backup has not.
    fn copy(&mut self) -> anyhow::Result<()> {
        self.others(is_snapshot)?;
        self.others(is_run)?;
        self.log()?;
        self.new_runs()?;
        self.others(|name| !is_snapshot(name) && !is_run(name) && !is_piece(name))?;
        self.checkpoints()
    }

    /// Copies the log, segment by segment, up to the last frame of the newest.
    fn log(&mut self) -> anyhow::Result<()> {
        let mut expected = 0;
        loop {
            let contents = self.source.contents()?;
            ensure!(
                contents.identity == self.catalogue.identity(),
                "the folder holds another log than it did a moment ago"
            );
            let lengths = self.source.segments()?;
            let first = match self.catalogue.segments.last() {
                Some(last) => last.number + 1,
                None => first_segment(&lengths, &contents),
            };
            ensure!(first <= contents.newest_segment, "the log has no frames yet");
            let ahead: u64 = lengths.range(first.max(expected)..contents.newest_segment).map(|it| it.1).sum();
            self.copier.expect(ahead);
            expected = contents.newest_segment;
            for number in first..contents.newest_segment {
                ensure!(
                    lengths.contains_key(&number),
                    "{} is in neither the node's folder nor its archive: what is kept there begins later than \
                     this backup ends. Begin a new backup in another folder",
                    segment_name(number)
                );
                let segment = self.segment(&contents, number, true)?;
                self.progress.add(&segment)?;
                self.catalogue.segments.push(segment);
            }
            // While they were copied the log may have gone on to another.
            if self.source.contents()?.newest_segment == contents.newest_segment {
                let segment = self.segment(&contents, contents.newest_segment, false)?;
                self.catalogue.segments.push(segment);
                return Ok(());
            }
        }
    }

    /// Copies one segment, reads the copy back from the device, and gives it its name.
    fn segment(&mut self, contents: &Contents, number: u64, sealed: bool) -> anyhow::Result<Segment> {
        let name = segment_name(number);
        let what = || format!("{name} can't be backed up");
        let only = only(contents, number, &self.catalogue.end());
        let copied = self.copy_segment(&only, &name, sealed).with_context(what)?;
        let (extent, hash) = copied;
        let end = end_of(&FileStorage::open(&self.incoming)?, &only).with_context(what)?;
        self.publish(&name)?;
        Ok(Segment {
            number,
            length: extent.length,
            sealed,
            hashed: extent.hashed,
            blake3: hash.to_hex().to_string(),
            end: End::of(&end.tail),
        })
    }

    fn copy_segment(
        &mut self,
        only: &Contents,
        name: &str,
        sealed: bool,
    ) -> anyhow::Result<(Extent, blake3::Hash)> {
        let mut attempt = 1;
        loop {
            let storage = self.source.folder_of(name)?;
            let length = fs::metadata(Path::new(&storage.place()).join(name)).map(|file| file.len());
            let result = length.map_err(anyhow::Error::from).and_then(|length| {
                // The node may be writing the last of them: durable frames stay as they are, and end here.
                let hashed = if sealed { length } else { end_of(&storage, only)?.location.offset };
                if !sealed {
                    self.copier.expect(hashed);
                }
                let extent = Extent { length, hashed, kept: hashed };
                Ok((extent, self.copier.segment(&storage, name, &self.incoming.join(name), extent)?))
            });
            match result {
                Err(_) if attempt < ATTEMPTS && !Path::new(&storage.place()).join(name).exists() => {
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    /// Copies runs of duplicates until there is none that the backup has not.
    fn new_runs(&mut self) -> anyhow::Result<()> {
        for _ in 0..RUN_PASSES {
            if self.others(is_run)? == 0 {
                return Ok(());
            }
        }
        bail!("the node makes runs of duplicates faster than they are copied: let the backup read faster")
    }

    /// Copies those of the other files; says how many there were to copy.
    fn others(&mut self, wanted: fn(&str) -> bool) -> anyhow::Result<u64> {
        let before = self.copier.files;
        let mut others = self.source.others()?;
        others.retain(|(name, _)| wanted(name));
        // A file that is replaced just now has no name for a moment.
        for name in ERASED.iter().filter(|name| wanted(name)) {
            if others.iter().all(|(other, _)| other != name) {
                others.push(((*name).to_owned(), 0));
            }
        }
        self.catalogue.files.retain(|file| !wanted(&file.name) || is_lasting(&file.name));
        self.held.extend(others.iter().filter(|(name, _)| is_run(name)).map(|(name, _)| name.clone()));
        for (name, length) in others {
            let is_there = |file: &Other| {
                file.name == name && file.length == length && is_lasting(&name) && self.has(&name, length)
            };
            let is_listed = self.catalogue.files.iter().any(|file| file.name == name);
            if self.catalogue.files.iter().any(is_there) || is_lasting(&name) && self.waiting.contains(&name)
            {
                continue;
            }
            if is_run(&name) && !is_listed && self.take_up(&name, length)? {
                continue;
            }
            self.copier.expect(length);
            let (length, hash) = match self.copy_other(&name) {
                // The node has made a newer one and removed this.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                other => other.with_context(|| format!("{name} can't be backed up"))?,
            };
            let again = self.copier.hash(&self.incoming.join(&name), length)?;
            ensure!(again == hash, "{name} is not read back from the backup as it was written");
            let batch = snapshot_number(&name).map(|number| self.snapshot_at(number)).transpose()?;
            match is_lasting(&name) && !is_listed {
                true => self.publish(&name)?,
                false => self.waiting.push(name.clone()),
            }
            let blake3 = (!is_erased(&name)).then(|| hash.to_hex().to_string());
            self.catalogue.files.retain(|file| file.name != name);
            self.catalogue.files.push(Other { name, length, blake3, batch, replaced_by: Vec::new() });
        }
        Ok(self.copier.files - before)
    }

    /// Lists a run of duplicates that an interrupted run of the backup has copied, if it is there and whole.
    fn take_up(&mut self, name: &str, length: u64) -> anyhow::Result<bool> {
        if !self.has(name, length) || !runs::is_whole(&self.target, &self.catalogue.identity(), name) {
            return Ok(false);
        }
        self.copier.expect(length);
        let hash = self.copier.hash(&self.folder.join(name), length)?;
        let (name, blake3) = (name.to_owned(), Some(hash.to_hex().to_string()));
        self.catalogue.files.push(Other { name, length, blake3, batch: None, replaced_by: Vec::new() });
        Ok(true)
    }

    /// Copies one of them, which may be replaced by a newer one at the same moment.
    fn copy_other(&mut self, name: &str) -> std::io::Result<(u64, blake3::Hash)> {
        let (from, to) = (self.source.path(name), self.incoming.join(name));
        for _ in 1..ATTEMPTS {
            let is_being_replaced = ["old", "new"].iter().any(|end| from.with_extension(end).exists());
            match self.copier.file(&from, &to) {
                Err(error) if error.kind() == ErrorKind::NotFound && is_being_replaced => sleep(MOMENT),
                // What has just been replaced is overwritten, also under the eyes of whoever has opened it.
                Ok(_) if is_erased(name) && self.check_keys().is_err() => sleep(MOMENT),
                other => return other,
            }
        }
        let copied = self.copier.file(&from, &to)?;
        if is_erased(name) {
            // Those in the backup may be the last that are whole.
            self.check_keys().map_err(std::io::Error::other)?;
        }
        Ok(copied)
    }

    /// Looks whether the keys that were just copied are whole.
    fn check_keys(&self) -> anyhow::Result<()> {
        Ok(check_keys(&FileStorage::open(&self.incoming)?)?)
    }

    /// The frame at which a snapshot stands that has just been copied.
    fn snapshot_at(&self, number: u64) -> anyhow::Result<u64> {
        let contents = self.source.contents()?;
        let reader = Reader::of_contents(FileStorage::open(&self.incoming)?, &contents);
        let snapshot = reader
            .open_snapshot(number)
            .with_context(|| format!("{} can't be backed up", snapshot_name(number)))?;
        Ok(snapshot.finish()?.tail.batch.0)
    }

    /// Whether a file that lasts is there already. What a name stood for can have been given up for something else, and
    /// its first block then tells.
    fn has(&self, name: &str, length: u64) -> bool {
        let path = self.folder.join(name);
        fs::metadata(&path).is_ok_and(|file| file.len() == length)
            && is_same_head(&self.source.path(name), &path).unwrap_or(false)
    }

    /// Gives a file that is whole and durable its name in the backup; durable on return.
    fn publish(&self, name: &str) -> anyhow::Result<()> {
        let place = self.folder.join(name);
        let before = match is_erased(name) {
            true => OpenOptions::new().write(true).open(&place).ok(),
            false => None,
        };
        fs::rename(self.incoming.join(name), place)?;
        File::open(&self.incoming)?.sync_all()?;
        self.target.sync_directory()?;
        before
            .map_or(Ok(()), |before| wipe(&before))
            .with_context(|| format!("the old {name} can't be wiped"))
    }

    fn finish(mut self) -> anyhow::Result<BackedUp> {
        self.catalogue.files.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        self.replace()?;
        let left_out = runs::superfluous(&self.catalogue, &self.target, &self.held);
        self.catalogue.files.retain(|file| !left_out.contains(&file.name));
        self.catalogue.contents().write(&self.target)?;
        self.catalogue.write(&self.folder)?;
        self.tidy()?;
        fs::remove_dir_all(&self.incoming)?;
        fs::remove_file(self.folder.join(PROGRESS))?;
        self.target.sync_directory()?;
        self.copier.finish();
        let Self { catalogue, copier, .. } = self;
        Ok(BackedUp { catalogue, copied_files: copier.files, copied_bytes: copier.bytes })
    }

    /// Puts changed files in the places of those that BACKUP lists, which first is told that it may find either.
    fn replace(&mut self) -> anyhow::Result<()> {
        if let Some(mut known) = Catalogue::read(&self.folder)? {
            let before = known.clone();
            for file in &mut known.files {
                let Some(new) = self.catalogue.files.iter().find(|new| new.name == file.name) else {
                    continue;
                };
                let Some(blake3) = new.blake3.clone().filter(|hash| file.blake3.as_ref() != Some(hash))
                else {
                    continue;
                };
                let version = Version { length: new.length, blake3 };
                if file.blake3.is_some() && !file.replaced_by.contains(&version) {
                    file.replaced_by.push(version);
                }
            }
            if known != before {
                known.write(&self.folder)?;
            }
        }
        for name in std::mem::take(&mut self.waiting) {
            self.publish(&name)?;
        }
        Ok(())
    }

    /// Removes runs of duplicates, and pieces of the checkpoints, that are not listed.
    fn tidy(&self) -> anyhow::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if (is_run(&name) || is_piece(&name)) && self.catalogue.files.iter().all(|file| file.name != name)
            {
                fs::remove_file(self.folder.join(&name))
                    .with_context(|| format!("{name} can't be removed"))?;
            }
        }
        Ok(())
    }
}

/// Checks that a folder is a backup of this log, or is to become one.
fn check_target(folder: &Path, known: Option<&Catalogue>, contents: &Contents) -> anyhow::Result<()> {
    let place = folder.display();
    if let Some(known) = known {
        let (found, expected) = (known.identity(), contents.identity);
        ensure!(found.cluster == expected.cluster, "{place} holds a backup of another cluster");
        ensure!(
            found == expected,
            "{place} holds a backup of the log before it was restored: begin a new one in another folder, and \
             keep that one"
        );
        return Ok(());
    }
    if folder.join(PROGRESS).exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let is_ours = ["LOCK", INCOMING, "lost+found"].iter().any(|ours| name == *ours)
            || name.to_string_lossy().starts_with(CATALOGUE);
        ensure!(is_ours, "{place} is no backup and not empty: it holds {}", name.to_string_lossy());
    }
    Ok(())
}

/// Checks that the last segment that the backup holds is still the node's: a folder that was put back to an earlier state
/// goes on otherwise under the same numbers. The chain vouches for those before it.
fn check_same(source: &Source, folder: &Path, contents: &Contents, last: &Segment) -> anyhow::Result<()> {
    let name = last.name();
    let is_archived_away = last.number < contents.oldest_segment && source.folder_of(&name).is_err();
    let is_same = last.number <= contents.newest_segment
        && (is_archived_away || {
            let theirs = Path::new(&source.folder_of(&name)?.place()).join(&name);
            is_same_head(&theirs, &folder.join(&name))?
        });
    ensure!(
        is_same,
        "{name} of the node is not the one in the backup: the node's folder was put back to an earlier state. Begin a \
         new backup in another folder, and keep this one"
    );
    Ok(())
}

/// Whether two files begin with the same block, which names what they are.
fn is_same_head(one: &Path, other: &Path) -> std::io::Result<bool> {
    let head = |path: &Path| {
        let mut head = Vec::new();
        File::open(path)?.take(4096).read_to_end(&mut head)?;
        Ok::<_, std::io::Error>(head)
    };
    Ok(head(one)? == head(other)?)
}

/// One segment alone, behind this end of the log.
pub(crate) fn only(contents: &Contents, number: u64, before: &Tail) -> Contents {
    Contents {
        oldest_segment: number,
        newest_segment: number,
        newest_snapshot: 0,
        anchor: Tail { kind: None, ..*before },
        ..*contents
    }
}

/// Reads a log to its end, and checks every frame on the way.
fn end_of(storage: &FileStorage, contents: &Contents) -> anyhow::Result<journal::End> {
    let after: BatchNumber = contents.anchor.batch;
    Ok(Reader::of_contents(storage.clone(), contents).read(after, &mut |_, _| Ok(()))?)
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
