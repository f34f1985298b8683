//! Files that erasure changes in backups too: what an older one held stands in no block of the backup any more.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::Context;

/// Where files lie in the backup before they are whole.
pub(crate) const INCOMING: &str = "incoming";

/// Their names.
pub(crate) const ERASED: [&str; 1] = ["KEYS"];

/// Whether erasure changes a file in backups as well, so that its hash says nothing.
pub(crate) fn is_erased(name: &str) -> bool {
    ERASED.contains(&name)
}

/// Overwrites a file that has lost its name, or is about to, so that what was erased in the new one is not left in its
/// blocks.
pub(crate) fn wipe(file: &File) -> std::io::Result<()> {
    let length = usize::try_from(file.metadata()?.len()).map_err(std::io::Error::other)?;
    file.write_all_at(&vec![0; length], 0)?;
    file.sync_all()
}

/// Removes what a run that was interrupted has left of them in a folder, overwritten. The caller holds the folder.
pub(crate) fn wipe_unfinished(folder: &Path) -> anyhow::Result<()> {
    for name in ERASED {
        let path = folder.join(INCOMING).join(name);
        let file = match OpenOptions::new().write(true).open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            other => other,
        };
        let wiped = file.and_then(|file| wipe(&file)).and_then(|()| fs::remove_file(&path));
        wiped.with_context(|| format!("{} can't be wiped", path.display()))?;
    }
    Ok(())
}
