//! A file that comes in chunks, read by a thread that may wait as if it lay there.
//!
//! Invariants:
//! - Every byte that is read is in the digest and in the count.
//! - The file ends where its sender says that it does: a call that breaks off is an error, and no end.
//! - At most [`CHUNKS_WAITING_MAX`] chunks wait for their reader.

use std::io::{self, BufRead, Read};

use aws_lc_rs::digest::{Context, SHA256};
use tokio::sync::mpsc;

/// Chunks that have come and are not read: whoever sends faster than lines are logged waits.
const CHUNKS_WAITING_MAX: usize = 4;

/// What comes.
#[derive(Debug)]
enum Part {
    Chunk(Vec<u8>),
    End,
}

/// Where chunks go in.
#[derive(Debug)]
pub(super) struct ChunkSender(mpsc::Sender<Part>);

/// The file as it comes.
pub(super) struct Arriving {
    parts: mpsc::Receiver<Part>,
    chunk: Vec<u8>,
    /// Bytes of the chunk that have been read.
    read: usize,
    digest: Context,
    length: u64,
    length_stated: u64,
    has_ended: bool,
}

/// Why a file is not the one that its header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotTheFile {
    /// Its digest is another.
    Digest,
    /// It has another length.
    Length,
}

impl NotTheFile {
    /// For persons.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Digest => "its digest is another",
            Self::Length => "it has another length",
        }
    }
}

impl ChunkSender {
    /// Hands over the next bytes. Says whether anybody still reads.
    pub(super) async fn send(&self, chunk: Vec<u8>) -> bool {
        self.0.send(Part::Chunk(chunk)).await.is_ok()
    }

    /// Says that this was all.
    pub(super) async fn end(self) {
        // Whoever reads no more knows all that it needs.
        let _ = self.0.send(Part::End).await;
    }
}

/// Both ends of a file that is said to have so many bytes.
pub(super) fn arriving(length_stated: u64) -> (ChunkSender, Arriving) {
    let (sender, parts) = mpsc::channel(CHUNKS_WAITING_MAX);
    let arriving = Arriving {
        parts,
        chunk: Vec::new(),
        read: 0,
        digest: Context::new(&SHA256),
        length: 0,
        length_stated,
        has_ended: false,
    };
    (ChunkSender(sender), arriving)
}

impl Arriving {
    /// Reads what is left, and holds the file against its header.
    ///
    /// # Errors
    /// If it is another file, or the call broke off.
    pub(super) fn check(mut self, digest_stated: &[u8; 32]) -> io::Result<Result<(), NotTheFile>> {
        loop {
            let count = self.fill_buf()?.len();
            if count == 0 {
                break;
            }
            self.consume(count);
        }
        if self.length != self.length_stated {
            return Ok(Err(NotTheFile::Length));
        }
        let is_right = self.digest.finish().as_ref() == digest_stated;
        Ok(if is_right { Ok(()) } else { Err(NotTheFile::Digest) })
    }
}

impl BufRead for Arriving {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.read == self.chunk.len() && !self.has_ended {
            match self.parts.blocking_recv() {
                Some(Part::Chunk(chunk)) => {
                    self.length += u64::try_from(chunk.len()).expect("a chunk is small");
                    if self.length > self.length_stated {
                        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than stated"));
                    }
                    self.digest.update(&chunk);
                    (self.chunk, self.read) = (chunk, 0);
                }
                Some(Part::End) => self.has_ended = true,
                None => return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the call broke off")),
            }
        }
        Ok(&self.chunk[self.read..])
    }

    fn consume(&mut self, count: usize) {
        self.read += count;
    }
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digest of `abc`.
    const ABC: [u8; 32] = [
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0,
        0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
    ];

    fn sent(chunks: &[&[u8]], length: u64, ends: bool) -> Arriving {
        let (sender, arriving) = arriving(length);
        for chunk in chunks {
            sender.0.try_send(Part::Chunk(chunk.to_vec())).unwrap();
        }
        if ends {
            sender.0.try_send(Part::End).unwrap();
        }
        arriving
    }

    fn read(mut arriving: Arriving) -> io::Result<(String, Arriving)> {
        let mut text = String::new();
        arriving.read_to_string(&mut text)?;
        Ok((text, arriving))
    }

    #[test]
    fn a_file_is_held_against_its_header() {
        let (text, whole) = read(sent(&[b"a", b"", b"bc"], 3, true)).unwrap();
        assert_eq!((text.as_str(), whole.check(&ABC).unwrap()), ("abc", Ok(())));
        let (_, other) = read(sent(&[b"abd"], 3, true)).unwrap();
        assert_eq!(other.check(&ABC).unwrap(), Err(NotTheFile::Digest));
        let (_, short) = read(sent(&[b"abc"], 4, true)).unwrap();
        assert_eq!(short.check(&ABC).unwrap(), Err(NotTheFile::Length));
    }

    #[test]
    fn a_file_that_is_too_long_or_breaks_off_has_no_end() {
        let kind = |arriving| read(arriving).map(|_| ()).unwrap_err().kind();
        assert_eq!(kind(sent(&[b"ab", b"cd"], 3, true)), io::ErrorKind::FileTooLarge);
        assert_eq!(kind(sent(&[b"abc"], 3, false)), io::ErrorKind::BrokenPipe);
    }
}
