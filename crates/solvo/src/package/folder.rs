//! `solvo package folder`: a folder whose files are orders, taken as they come.
//!
//! Invariants:
//! - A file is taken once it is whole: it was the same at two looks, one after the other.
//! - What is known of a file stands on the disk before it is moved: whatever ends this, the next start goes on. Nothing is paid
//!   twice, because the node knows the file.
//! - A report is put in its place as a whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use client::v1::ErrorReason;
use client::{Client, ClientError, Refusal};
use tokio::time::Instant;

use super::bring::Brought;
use super::rejected::write_rejected;
use super::told::{has_ended, write_report};

/// The folders.
#[derive(Debug)]
pub(super) struct Folders {
    pub(super) files: PathBuf,
    pub(super) done: PathBuf,
    pub(super) reports: PathBuf,
    /// The payers' bank; empty for the caller's only one.
    pub(super) bank: String,
    /// How often the folder is looked at.
    pub(super) look_every: Duration,
    /// How often a report on a package that runs is written anew.
    pub(super) report_every: Duration,
}

/// How a file stood at a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stood {
    length: u64,
    changed: SystemTime,
}

/// A package that is reported on.
struct Running {
    /// The name of the file.
    name: String,
    package_id: String,
    /// What the last report said, as counts, and when it was written.
    reported: Option<([u32; 4], Instant)>,
}

/// Behind the name of a file: the id of its package, for as long as it runs.
const MARK: &str = "package";

/// Takes files and reports on them, until it is dropped.
///
/// # Errors
/// If a folder can't be read or written. What the node refuses is reported.
pub(super) async fn watch(client: &Client, folders: &Folders) -> anyhow::Result<()> {
    for folder in [&folders.files, &folders.done, &folders.reports] {
        fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
    }
    let mut running = folders.marked()?;
    let mut stood = BTreeMap::new();
    let mut looks = tokio::time::interval(folders.look_every);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let now = folders.look()?;
        let whole: Vec<String> = now
            .iter()
            .filter(|(name, at)| stood.get(*name) == Some(*at))
            .map(|(name, _)| name.clone())
            .collect();
        stood = now;
        for name in whole {
            running.extend(folders.take(client, &name, &running).await?);
            stood.remove(&name);
        }
        for package in &mut running {
            folders.report(client, package).await?;
        }
        running.retain(|package| !package.package_id.is_empty());
    }
}

impl Folders {
    /// The files that are there. Names that begin with a dot are those of files that are being written.
    fn look(&self) -> anyhow::Result<BTreeMap<String, Stood>> {
        let unreadable = || format!("{} can't be read", self.files.display());
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(&self.files).with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            // A file may go at any moment.
            let Ok(about) = entry.metadata() else { continue };
            let Ok(name) = entry.file_name().into_string() else { continue };
            if about.is_file() && !name.starts_with('.') {
                let changed = about.modified().with_context(unreadable)?;
                found.insert(name, Stood { length: about.len(), changed });
            }
        }
        Ok(found)
    }

    /// Brings one file to the node, and moves it. Gives the package, if it is one to report on.
    async fn take(
        &self,
        client: &Client,
        name: &str,
        running: &[Running],
    ) -> anyhow::Result<Option<Running>> {
        let path = self.files.join(name);
        let brought = match Brought::new(&path, &self.bank) {
            Ok(brought) => brought,
            Err(error) => {
                tracing::warn!(file = name, error = %format!("{error:#}"), "a file can't be read; it is tried again");
                return Ok(None);
            }
        };
        match brought.submit(client).await {
            Ok(submitted) => {
                let package_id = submitted.package.context("the node told no package")?.package_id;
                // This was ended between the mark and the move.
                let is_half_taken = |known: &&Running| {
                    known.package_id == package_id && !self.done.join(&known.name).exists()
                };
                if let Some(known) = running.iter().find(is_half_taken) {
                    self.put_away(&path, &known.name)?;
                    return Ok(None);
                }
                let kept_as = self.free_name(name);
                let mark = self.reports.join(format!("{kept_as}.{MARK}"));
                fs::write(&mark, &package_id)
                    .with_context(|| format!("{} can't be written", mark.display()))?;
                self.put_away(&path, &kept_as)?;
                tracing::info!(file = kept_as, package = package_id, "a file is taken");
                Ok(Some(Running { name: kept_as, package_id, reported: None }))
            }
            Err(ClientError::NotDone(refusal)) if is_final(&refusal) => {
                let kept_as = self.free_name(name);
                write_rejected(&path, &self.report_of(&kept_as), &refusal)?;
                self.put_away(&path, &kept_as)?;
                tracing::warn!(file = kept_as, %refusal, "a file is refused");
                Ok(None)
            }
            // It stays where it is, for the next look.
            Err(error) => {
                tracing::warn!(file = name, %error, "a file could not be brought to the node; it is tried again");
                Ok(None)
            }
        }
    }

    /// Writes the report on a package, if there is something new to say. One that has ended has no id any more.
    async fn report(&self, client: &Client, running: &mut Running) -> anyhow::Result<()> {
        let asked = client::v1::GetPackageRequest { package_id: running.package_id.clone() };
        let package = match client.get_package(asked).await {
            Ok(reply) => reply.package.context("the node told no package")?,
            Err(error) => {
                tracing::warn!(file = running.name, %error, "the node did not tell a package; it is asked again");
                return Ok(());
            }
        };
        let counts =
            [package.settled_count, package.rejected_count, package.cancelled_count, package.refused_count];
        let is_over = has_ended(&package);
        let is_due = match running.reported {
            None => true,
            Some((told, at)) => told != counts && at.elapsed() >= self.report_every,
        };
        if !is_due && !is_over {
            return Ok(());
        }
        let path = self.report_of(&running.name);
        if let Err(error) = write_report(client, &running.package_id, &path).await {
            tracing::warn!(file = running.name, %error, "a report could not be written; it is tried again");
            return Ok(());
        }
        running.reported = Some((counts, Instant::now()));
        if is_over {
            let mark = self.reports.join(format!("{}.{MARK}", running.name));
            fs::remove_file(&mark).with_context(|| format!("{} can't be removed", mark.display()))?;
            running.package_id.clear();
            tracing::info!(file = running.name, "a file is done");
        }
        Ok(())
    }

    /// The packages that ran when this ended.
    fn marked(&self) -> anyhow::Result<Vec<Running>> {
        let unreadable = || format!("{} can't be read", self.reports.display());
        let mut running = Vec::new();
        for entry in fs::read_dir(&self.reports).with_context(unreadable)? {
            let path = entry.with_context(unreadable)?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let Some(name) = name.strip_suffix(&format!(".{MARK}")) else { continue };
            let package_id = fs::read_to_string(&path).with_context(unreadable)?.trim().to_owned();
            // One that was being written when this ended: its file is still there and comes again.
            if !package_id.is_empty() {
                running.push(Running { name: name.to_owned(), package_id, reported: None });
            }
        }
        Ok(running)
    }

    /// A name that no earlier file has in the other folders.
    fn free_name(&self, name: &str) -> String {
        let is_free = |name: &str| {
            let places =
                [self.done.join(name), self.report_of(name), self.reports.join(format!("{name}.{MARK}"))];
            places.iter().all(|place| !place.exists())
        };
        let numbered = (2_u32..).map(|number| format!("{name}.{number}"));
        std::iter::once(name.to_owned())
            .chain(numbered)
            .find(|name| is_free(name))
            .expect("a folder has fewer files than there are numbers")
    }

    fn report_of(&self, name: &str) -> PathBuf {
        self.reports.join(format!("{name}.report.xml"))
    }

    fn put_away(&self, path: &Path, name: &str) -> anyhow::Result<()> {
        let place = self.done.join(name);
        fs::rename(path, &place)
            .with_context(|| format!("{} can't be moved to {}", path.display(), place.display()))
    }
}

/// Whether the node would say the same of the same file again.
fn is_final(refusal: &Refusal) -> bool {
    [
        ErrorReason::PackageNotReadable,
        ErrorReason::PackageTotals,
        ErrorReason::PackageExists,
        ErrorReason::PackageAbandoned,
        ErrorReason::ParticipantUnknown,
        ErrorReason::AccountsNotHosted,
    ]
    .contains(&refusal.reason)
}
