//! The folders that nodes run on: copied from ones in which the accounts are open already.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::fs::{Advice, fadvise};

use super::process::populate;
use super::progress::Teller;

/// Where nodes have their folders.
#[derive(Debug)]
pub(crate) struct Folders {
    /// For what is deleted at the end.
    scratch: PathBuf,
    /// For what is populated once, and may outlive the program.
    populated: PathBuf,
    made: u32,
}

impl Folders {
    /// Folders below `scratch`, which exists; those with accounts in `keep`, if that is given.
    pub(crate) fn new(scratch: &Path, keep: Option<&Path>) -> Self {
        let populated = keep.map_or_else(|| scratch.join("populated"), Path::to_owned);
        Self { scratch: scratch.to_owned(), populated, made: 0 }
    }

    /// A fresh folder with so many accounts.
    pub(crate) fn with_accounts(&mut self, accounts: u32, teller: &Teller) -> anyhow::Result<PathBuf> {
        let populated = self.populated(accounts, teller)?;
        teller.doing(&format!("copying the folder with {accounts} accounts"));
        self.copy_of(&populated)
    }

    /// A fresh copy of a folder that no node runs on.
    pub(crate) fn copy_of(&mut self, folder: &Path) -> anyhow::Result<PathBuf> {
        self.made += 1;
        let fresh = self.scratch.join(format!("node-{}", self.made));
        copy(folder, &fresh)?;
        Ok(fresh)
    }

    /// The folder in which so many accounts are open and nothing else has happened.
    fn populated(&self, accounts: u32, teller: &Teller) -> anyhow::Result<PathBuf> {
        let folder = self.populated.join(format!("accounts-{accounts}"));
        if folder.is_dir() {
            return Ok(folder);
        }
        // It gets its name when it is complete, so that nobody takes half of it for the whole.
        let half = self.populated.join(format!("accounts-{accounts}.part"));
        remove(&half)?;
        fs::create_dir_all(&self.populated)
            .with_context(|| format!("{} can't be made", self.populated.display()))?;
        teller.doing(&format!("opening {accounts} accounts"));
        populate(&half, accounts, |opened| {
            teller.doing(&format!("{opened} of {accounts} accounts are open"))
        })?;
        fs::rename(&half, &folder).with_context(|| format!("{} can't be renamed", half.display()))?;
        Ok(folder)
    }
}

/// Removes a folder, if it is there.
pub(crate) fn remove(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.with_context(|| format!("{} can't be removed", folder.display())),
    }
}

/// Lets the operating system forget what it has of the files in a folder, as if the machine had just been started. They
/// must have been synced.
pub(crate) fn forget_cached(folder: &Path) -> anyhow::Result<()> {
    let context = || format!("{} can't be walked", folder.display());
    for entry in fs::read_dir(folder).with_context(context)? {
        let path = entry.with_context(context)?.path();
        if path.is_dir() {
            forget_cached(&path)?;
        } else {
            let file = fs::File::open(&path).with_context(context)?;
            fadvise(&file, 0, None, Advice::DontNeed).with_context(context)?;
        }
    }
    Ok(())
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let context = || format!("{} can't be copied", from.display());
    fs::create_dir_all(to).with_context(context)?;
    for entry in fs::read_dir(from).with_context(context)? {
        let entry = entry.with_context(context)?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
            continue;
        }
        fs::copy(entry.path(), &target).with_context(context)?;
        // What is left to the kernel would be written in the middle of a measurement.
        fs::File::open(&target).and_then(|file| file.sync_all()).with_context(context)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_copied_and_removed() {
        let scratch = tempfile::tempdir().unwrap();
        let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
        fs::create_dir(&from).unwrap();
        fs::create_dir(from.join("archive")).unwrap();
        fs::write(from.join("1"), "one").unwrap();
        fs::write(from.join("archive/0"), "zero").unwrap();
        copy(&from, &to).unwrap();
        forget_cached(&to).unwrap();
        assert_eq!(fs::read_to_string(to.join("1")).unwrap(), "one");
        assert_eq!(fs::read_to_string(to.join("archive/0")).unwrap(), "zero");
        remove(&to).unwrap();
        remove(&to).unwrap();
        assert!(!to.exists());
    }

    #[test]
    fn what_was_kept_is_not_populated_again() {
        let scratch = tempfile::tempdir().unwrap();
        let keep = scratch.path().join("keep");
        fs::create_dir_all(keep.join("accounts-7")).unwrap();
        fs::write(keep.join("accounts-7/log"), "").unwrap();
        let mut folders = Folders::new(scratch.path(), Some(&keep));
        let first = folders.with_accounts(7, &Teller::silent()).unwrap();
        let second = folders.with_accounts(7, &Teller::silent()).unwrap();
        assert_ne!(first, second);
        assert!(second.join("log").is_file());
    }
}
