//! A file of checkpoints that grows over runs of the backup comes back as it was, and what is there is not copied again.

use clap::Parser;

use super::*;
use crate::backup::{BackedUp, check, run};
use crate::restore::{self, RestoreArgs};
use crate::verify::sample_log;

#[derive(Parser)]
struct Shell {
    #[command(flatten)]
    args: RestoreArgs,
}

/// A node's folder, its backup, and what the node's file holds.
struct Node {
    all: tempfile::TempDir,
    file: Vec<u8>,
}

impl Node {
    fn new() -> Self {
        let node = Self { all: tempfile::tempdir().unwrap(), file: Vec::new() };
        sample_log::written(&node.place("data"));
        node
    }

    fn place(&self, name: &str) -> std::path::PathBuf {
        self.all.path().join(name)
    }

    /// Gives the file this length: cut off, or with bytes that occur nowhere else.
    fn set_length(&mut self, length: u64, content: u64) {
        let length = usize::try_from(length).unwrap();
        self.file.truncate(length);
        let mut more = vec![0; length - self.file.len()];
        let mut hasher = blake3::Hasher::new();
        hasher.update(&content.to_le_bytes());
        hasher.finalize_xof().fill(&mut more);
        self.file.extend(more);
        self.write();
    }

    fn write(&self) {
        fs::create_dir_all(self.place("data/receipts")).unwrap();
        fs::write(self.place("data/receipts/checkpoints"), &self.file).unwrap();
    }

    fn back_up(&self) -> BackedUp {
        let done = run::run(&self.place("data"), &self.place("backup"), None).unwrap();
        check::check(&self.place("backup")).unwrap();
        done
    }

    fn try_restore(&self) -> anyhow::Result<()> {
        let [from, data] = ["backup", "restored"].map(|name| self.place(name).display().to_string());
        let args =
            Shell::try_parse_from(["restore", "--json", "--from", &from, "--data", &data]).unwrap().args;
        restore::run(&args).map(|_| ())
    }

    /// Restores, and takes what was restored away.
    #[track_caller]
    fn assert_restored(&self) {
        self.try_restore().unwrap();
        let restored = fs::read(self.place("restored/receipts/checkpoints")).unwrap();
        assert!(restored == self.file, "{} bytes, not {}", restored.len(), self.file.len());
        assert!(!self.place("restored").join(pieces_of(1)[0].name()).exists());
        fs::remove_dir_all(self.place("restored")).unwrap();
    }

    /// Backs up, and expects that so many bytes of the file are copied; restores.
    #[track_caller]
    fn assert_copied(&self, bytes: u64) {
        // The newest segment and the small files are copied each time, and no more than that.
        let small = 1 << 20;
        let copied = self.back_up().copied_bytes;
        assert!((bytes..bytes + small).contains(&copied), "{copied} bytes");
        self.assert_restored();
    }
}

#[test]
fn a_file_that_grows_is_copied_by_what_is_new() {
    let mut node = Node::new();
    node.back_up();
    node.try_restore().unwrap();
    assert!(!node.place("restored/receipts").exists());
    fs::remove_dir_all(node.place("restored")).unwrap();
    let half = PIECE_LENGTH / 2;
    for (length, copied) in [
        (64, 64),
        (2 * PIECE_LENGTH + half, 2 * PIECE_LENGTH + half),
        // Nothing has happened.
        (2 * PIECE_LENGTH + half, 0),
        (2 * PIECE_LENGTH + half + 332, half + 332),
        (3 * PIECE_LENGTH, PIECE_LENGTH),
        (3 * PIECE_LENGTH + 332, 332),
    ] {
        node.set_length(length, length);
        node.assert_copied(copied);
    }
    // A node that was started on a restored folder has dropped the last of them.
    node.set_length(PIECE_LENGTH + half, 0);
    node.assert_copied(half);
    assert!(!node.place("backup").join(pieces_of(3 * PIECE_LENGTH)[2].name()).exists());
    // What was half written when a node died is made again, though it lies in a whole piece.
    let end = usize::try_from(PIECE_LENGTH).unwrap();
    node.file[end - 100..end].fill(7);
    node.write();
    node.assert_copied(PIECE_LENGTH);
    // Another file altogether.
    node.set_length(0, 0);
    node.set_length(2 * PIECE_LENGTH, 9);
    node.assert_copied(2 * PIECE_LENGTH);
}

#[test]
fn a_damaged_piece_is_named_and_the_next_restore_begins_anew() {
    let mut node = Node::new();
    node.set_length(PIECE_LENGTH + 1000, 1);
    node.back_up();
    let piece = node.place("backup/checkpoints-0000000000000002");
    let bytes = fs::read(&piece).unwrap();
    fs::write(&piece, &bytes[1..]).unwrap();
    let error = format!("{:#}", node.try_restore().unwrap_err());
    assert!(error.contains("checkpoints-0000000000000002 is damaged"), "{error}");
    assert!(node.place("restored/receipts/checkpoints").exists());
    fs::write(&piece, &bytes).unwrap();
    node.assert_restored();
}

#[test]
fn names_of_pieces_are_read_as_they_are_written() {
    for piece in pieces_of(2 * PIECE_LENGTH + 1) {
        assert_eq!(Piece::number(&piece.name()), Some(piece.number));
    }
    assert_eq!(pieces_of(0), []);
    assert_eq!(pieces_of(PIECE_LENGTH).len(), 1);
    for name in
        ["checkpoints", "checkpoints-1", "checkpoints-0000000000000000", "checkpoints-000000000000000x"]
    {
        assert_eq!(Piece::number(name), None, "{name}");
    }
}
