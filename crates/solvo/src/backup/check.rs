//! `solvo backup --check`: whether all of a backup is there and right, and a restore to its end would succeed.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, ensure};
use journal::{FileStorage, Reader};

use crate::backup::catalogue::{CATALOGUE, Catalogue, Other, Segment};
use crate::backup::copy::Copier;
use crate::backup::runs;
use crate::inspect::fields::Fields;
use crate::inspect::rows::instant;
use crate::verify::{Report, verify_reader};

/// A backup that is whole.
pub(crate) struct Checked {
    catalogue: Catalogue,
    report: Report,
}

/// Reads the list of what a backup holds.
pub(crate) fn catalogue(folder: &Path) -> anyhow::Result<Catalogue> {
    Catalogue::read(folder)?.with_context(|| {
        format!(
            "{} holds no finished backup: {CATALOGUE} is not there. Run the backup again",
            folder.display()
        )
    })
}

/// Checks each file against its hash, the log as `solvo verify` does, and the runs of duplicates that it lists at its end.
pub(crate) fn check(folder: &Path) -> anyhow::Result<Checked> {
    let catalogue = catalogue(folder)?;
    let mut copier = Copier::new(None);
    copier.expect(catalogue.segments.iter().map(|segment| segment.hashed).sum());
    copier.expect(catalogue.files.iter().map(|file| file.length).sum());
    for segment in &catalogue.segments {
        check_segment(&mut copier, folder, segment)?;
    }
    for file in &catalogue.files {
        check_other(&mut copier, folder, file)?;
    }
    copier.finish();
    let storage = FileStorage::open(folder)?;
    let contents = catalogue.contents();
    let reader = Reader::of_contents(storage.clone(), &contents);
    let report = verify_reader(folder, &reader, &mut ())?;
    runs::check(&catalogue, &storage, &report.ledger, report.end.tail.time)?;
    Ok(Checked { catalogue, report })
}

fn check_segment(copier: &mut Copier, folder: &Path, segment: &Segment) -> anyhow::Result<()> {
    let path = folder.join(segment.name());
    check_length(&path, segment.length)?;
    check_hash(copier, &path, segment.hashed, &segment.blake3)
}

fn check_other(copier: &mut Copier, folder: &Path, file: &Other) -> anyhow::Result<()> {
    let path = folder.join(&file.name);
    if file.blake3.is_none() {
        ensure!(path.is_file(), "{} is missing", path.display());
        return Ok(());
    }
    let length = path.metadata().with_context(|| format!("{} can't be read", path.display()))?.len();
    let found = copier.hash(&path, length)?;
    ensure!(file.admits(length, &found), "{}", damaged(&path));
    Ok(())
}

fn check_length(path: &Path, length: u64) -> anyhow::Result<()> {
    let found = path.metadata().with_context(|| format!("{} can't be read", path.display()))?.len();
    ensure!(
        found == length,
        "{} is damaged: it has {found} bytes, and was backed up with {length}",
        path.display()
    );
    Ok(())
}

fn check_hash(copier: &mut Copier, path: &Path, length: u64, blake3: &str) -> anyhow::Result<()> {
    let found = copier.hash(path, length)?;
    ensure!(*found.to_hex() == *blake3, "{}", damaged(path));
    Ok(())
}

/// What to say of a file that is not what was backed up.
pub(crate) fn damaged(path: &Path) -> String {
    format!(
        "{} is damaged: its bytes are not those that were backed up. Use another backup, or one of an earlier \
         time, and back the node up anew",
        path.display()
    )
}

impl Checked {
    /// Prints what was found.
    pub(crate) fn tell(&self, folder: &Path, json: bool, out: &mut dyn Write) -> io::Result<()> {
        let end = self.catalogue.end();
        if json {
            Fields::default()
                .with("ok", true)
                .with("backup", folder.display().to_string())
                .with("files", self.catalogue.file_count())
                .with("upto_sequence", end.last_sequence().0)
                .with("upto_batch", end.batch.0)
                .with("upto_time", instant(end.time))
                .with("log", self.report.fields(folder))
                .write_json(out)?;
            return writeln!(out);
        }
        writeln!(
            out,
            "{} files are whole, up to sequence {}, batch {}, {}",
            self.catalogue.file_count(),
            end.last_sequence(),
            end.batch,
            instant(end.time)
        )?;
        self.report.write_text(folder, out)
    }
}
