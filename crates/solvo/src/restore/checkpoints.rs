//! The checkpoints of receipts: put together from the pieces of the backup.
//!
//! Those that reach beyond the point come along. The node drops them when it opens the file, because the log does not
//! hold their frames.

use std::fs::{self, File};

use anyhow::{Context, ensure};
use history::receipts::STORE_NAME;

use crate::backup::catalogue::Catalogue;
use crate::backup::check::damaged;
use crate::backup::copy::Copier;
use crate::backup::pieces::PIECE_LENGTH;
use crate::receipt::RECEIPTS_FOLDER;
use crate::restore::RestoreArgs;

/// Puts the file into the new folder, if the backup has one. The caller syncs that folder.
pub(super) fn restore(copier: &mut Copier, args: &RestoreArgs, catalogue: &Catalogue) -> anyhow::Result<()> {
    let pieces: Vec<_> = catalogue.files.iter().filter(|file| file.piece().is_some()).collect();
    if pieces.is_empty() {
        return Ok(());
    }
    copier.expect(pieces.iter().map(|piece| piece.length).sum());
    let folder = args.data.join(RECEIPTS_FOLDER);
    fs::create_dir(&folder).with_context(|| format!("{} can't be made", folder.display()))?;
    for piece in pieces {
        let path = args.from.join(&piece.name);
        let (length, hash) = copier
            .append(&path, &folder.join(STORE_NAME))
            .with_context(|| format!("{} can't be copied", path.display()))?;
        ensure!(piece.admits(length, &hash), "{}", damaged(&path));
        // A run that ended while it replaced pieces may have left longer ones of a file that was there before.
        if length < PIECE_LENGTH {
            break;
        }
    }
    Ok(File::open(&folder)?.sync_all()?)
}
