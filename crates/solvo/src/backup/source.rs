//! The node's folder that is backed up: where its files lie while the node moves them.
//!
//! A node moves old segments to the folder `archive` beside the others. So a file is looked for in both, and in the
//! first again.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use history::receipts::STORE_NAME;
use journal::{Contents, FileStorage, Reader, Tail, segment_name, segment_number};

use crate::backup::pieces::{Piece, pieces_of};
use crate::receipt::RECEIPTS_FOLDER;

/// Where a node keeps old segments.
const ARCHIVE: &str = "archive";

/// Files that a backup has no use for: they are of the folder and not of the log, or made anew from it.
const NOT_COPIED: [&str; 6] = ["LOCK", "MANIFEST", "KEYS.old", "BACKUP", "BACKUP.progress", "RESTORING"];

/// What is being made has this at the end of its name.
const UNFINISHED: &str = ".new";

/// Files of these names never change once they are there.
const LASTING: [&str; 2] = ["snapshot-", "duplicates-"];

/// The folder of a node.
pub(crate) struct Source {
    folder: PathBuf,
}

impl Source {
    pub(crate) fn open(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// What the folder holds at this moment.
    pub(crate) fn contents(&self) -> anyhow::Result<Contents> {
        let storage = FileStorage::open(&self.folder).context("the folder can't be opened")?;
        Ok(Contents::read(&storage)?)
    }

    /// The folder that a segment lies in at this moment.
    pub(crate) fn folder_of(&self, name: &str) -> anyhow::Result<FileStorage> {
        let archive = self.folder.join(ARCHIVE);
        let places = [&self.folder, &archive, &self.folder];
        let place = places.into_iter().find(|place| place.join(name).exists());
        let place = place.with_context(|| format!("{name} is not in {}", self.folder.display()))?;
        Ok(FileStorage::open(place)?)
    }

    /// The segments that are there, in both folders, with their lengths in bytes.
    pub(crate) fn segments(&self) -> anyhow::Result<BTreeMap<u64, u64>> {
        let mut lengths = BTreeMap::new();
        // What moves meanwhile moves to the second.
        for folder in [self.folder.clone(), self.folder.join(ARCHIVE)] {
            for (name, length) in files(&folder)? {
                if let Some(number) = segment_number(&name) {
                    lengths.insert(number, length);
                }
            }
        }
        Ok(lengths)
    }

    /// The other files that belong in a backup, with their lengths in bytes.
    pub(crate) fn others(&self) -> anyhow::Result<Vec<(String, u64)>> {
        let mut others = files(&self.folder)?;
        others.retain(|(name, _)| {
            segment_number(name).is_none()
                && Piece::number(name).is_none()
                && !NOT_COPIED.contains(&name.as_str())
                && !name.ends_with(UNFINISHED)
        });
        Ok(others)
    }

    /// Where the checkpoints of receipts lie.
    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.folder.join(RECEIPTS_FOLDER).join(STORE_NAME)
    }

    /// The pieces of that file at this moment; none if it is not there.
    pub(crate) fn pieces(&self) -> anyhow::Result<Vec<Piece>> {
        let path = self.checkpoints();
        match fs::metadata(&path) {
            Ok(file) => Ok(pieces_of(file.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).with_context(|| format!("{} can't be read", path.display())),
        }
    }

    /// Where a file that is no segment lies.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The oldest segment from which on all are there.
pub(crate) fn first_segment(lengths: &BTreeMap<u64, u64>, contents: &Contents) -> u64 {
    let mut first = contents.oldest_segment;
    while first > 1 && lengths.contains_key(&(first - 1)) {
        first -= 1;
    }
    first
}

/// What the first segment of a new backup follows.
pub(crate) fn first_anchor(source: &Source, contents: &Contents) -> anyhow::Result<Tail> {
    let first = first_segment(&source.segments()?, contents);
    if first == contents.oldest_segment {
        return Ok(contents.anchor);
    }
    if first == 1 {
        return Ok(Tail::EMPTY);
    }
    let reader = Reader::of_contents(source.folder_of(&segment_name(first))?, contents);
    match reader.before_segment(first)? {
        Some(anchor) => Ok(anchor),
        None => bail!("{} holds no frame, and nothing tells what came before it", segment_name(first)),
    }
}

/// Whether a file is never changed once it is there.
pub(crate) fn is_lasting(name: &str) -> bool {
    LASTING.iter().any(|start| name.starts_with(start))
}

/// The files of a folder by name, with their lengths; none if there is no such folder.
fn files(folder: &Path) -> anyhow::Result<Vec<(String, u64)>> {
    let what = || format!("{} can't be read", folder.display());
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.with_context(what)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.with_context(what)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        match entry.metadata() {
            Ok(metadata) if metadata.is_file() => files.push((name, metadata.len())),
            // It was moved or removed meanwhile, or is a folder.
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(what),
        }
    }
    files.sort_unstable();
    Ok(files)
}
