//! Copying what the node's file of checkpoints has grown by.

use anyhow::{Context, ensure};

use super::{Run, is_piece};
use crate::backup::catalogue::Other;
use crate::backup::pieces::Piece;

impl Run {
    /// Copies the pieces of the file that the backup has not. They get their names together with BACKUP, so those of
    /// another file never stand among them.
    pub(super) fn checkpoints(&mut self) -> anyhow::Result<()> {
        let pieces = self.source.pieces()?;
        let is_there = |name: &str| pieces.iter().any(|piece| piece.name() == name);
        self.catalogue.files.retain(|file| !is_piece(&file.name) || is_there(&file.name));
        for piece in &pieces {
            if !self.has_piece(piece) {
                self.copy_piece(piece)
                    .with_context(|| format!("{} can't be backed up", self.source.checkpoints().display()))?;
            }
        }
        Ok(())
    }

    /// Whether a piece is listed as it is now. What is listed in two versions is copied.
    fn has_piece(&self, piece: &Piece) -> bool {
        let name = piece.name();
        let is_it =
            |file: &Other| file.name == name && file.length == piece.length && file.replaced_by.is_empty();
        self.catalogue.files.iter().any(is_it)
            && piece.is_in(&self.folder.join(&name), &self.source.checkpoints()).unwrap_or(false)
    }

    fn copy_piece(&mut self, piece: &Piece) -> anyhow::Result<()> {
        let (name, to) = (piece.name(), self.incoming.join(piece.name()));
        self.copier.expect(piece.length);
        let (length, hash) =
            self.copier.part(&self.source.checkpoints(), piece.offset(), piece.length, &to)?;
        ensure!(length == piece.length, "it is shorter than it was a moment ago");
        let again = self.copier.hash(&to, length)?;
        ensure!(again == hash, "{name} is not read back from the backup as it was written");
        self.catalogue.files.retain(|file| file.name != name);
        self.waiting.push(name.clone());
        let blake3 = Some(hash.to_hex().to_string());
        self.catalogue.files.push(Other { name, length, blake3, batch: None, replaced_by: Vec::new() });
        Ok(())
    }
}
