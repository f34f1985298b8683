//! The checkpoints of receipts as a backup keeps them: in pieces of one length, because the node's file only grows.
//!
//! A run copies the last piece anew and leaves those before it, so it costs the same after years.
//!
//! Invariant: the pieces of a finished backup, one behind the other, are the node's file as it was, apart from at most a
//! record at its end that was being written: whoever opens the file passes over that.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// How long each is in bytes, but the last: checkpoints of a day and a half.
pub(crate) const PIECE_LENGTH: u64 = 4 << 20;

/// So many bytes at both ends of a piece are compared with the node's file. They hold whole checkpoints, whose
/// signatures tell a file from every other, and the one that may have been half written.
const EDGE: u64 = 4096;

/// A part of the file of checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// From 1.
    number: u64,
    /// In bytes; none is empty.
    pub(crate) length: u64,
}

/// Cuts a file of this length in bytes into pieces.
pub(crate) fn pieces_of(length: u64) -> Vec<Piece> {
    let starts = (0..length).step_by(usize::try_from(PIECE_LENGTH).expect("4 MiB"));
    let pieces = starts.zip(1..);
    pieces.map(|(start, number)| Piece { number, length: PIECE_LENGTH.min(length - start) }).collect()
}

impl Piece {
    /// Its name in a backup.
    pub(crate) fn name(&self) -> String {
        format!("checkpoints-{:016}", self.number)
    }

    /// The number in such a name.
    pub(crate) fn number(name: &str) -> Option<u64> {
        let number = name.strip_prefix("checkpoints-")?.parse().ok()?;
        let piece = Self { number, length: 0 };
        (number > 0 && piece.name() == name).then_some(number)
    }

    /// Where it begins in the node's file.
    pub(crate) const fn offset(&self) -> u64 {
        (self.number - 1) * PIECE_LENGTH
    }

    /// Whether a file holds this piece of the node's `whole`, as far as its ends show.
    pub(crate) fn is_in(&self, file: &Path, whole: &Path) -> io::Result<bool> {
        if fs::metadata(file)?.len() != self.length {
            return Ok(false);
        }
        let last = self.length.saturating_sub(EDGE);
        let is_same = |at| Ok::<_, io::Error>(edge(file, at)? == edge(whole, self.offset() + at)?);
        Ok(is_same(0)? && is_same(last)?)
    }
}

fn edge(path: &Path, offset: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut edge = Vec::new();
    file.take(EDGE).read_to_end(&mut edge)?;
    Ok(edge)
}

#[cfg(test)]
#[path = "pieces_tests.rs"]
mod tests;
