//! What a node tells of packages, on a terminal and in JSON.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use client::{Client, v1};
use serde_json::{Value, json};

use crate::report::progress_bar;

/// After a stream that could not be opened, so long nothing is tried.
const PAUSE: Duration = Duration::from_millis(500);

/// Follows a package to its end, and gives what it has come to.
///
/// # Errors
/// If the node refuses or can't be reached.
pub(crate) async fn follow(client: &Client, package_id: &str) -> anyhow::Result<v1::Package> {
    let bar = progress_bar("{bar:40} {pos} of {len} lines, {per_sec}, {eta} left");
    let package_id = package_id.to_owned();
    loop {
        // This call is repeated by itself; a stream that breaks is opened again.
        let asked = v1::GetPackageRequest { package_id: package_id.clone() };
        let reply = client.get_package(asked).await.context("the package can't be followed")?;
        let package = reply.package.context("the node told no package")?;
        if has_ended(&package) {
            bar.finish_and_clear();
            return Ok(package);
        }
        let request = v1::WatchPackageRequest { package_id: package_id.clone() };
        let Ok(mut replies) = client.watch_package(request).await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        while let Ok(Some(reply)) = replies.next().await {
            let package = reply.package.context("the node told no package")?;
            bar.set_length(package.stated_count.into());
            bar.set_position(done(&package));
        }
    }
}

/// Whether nothing more happens to it.
pub(super) fn has_ended(package: &v1::Package) -> bool {
    matches!(package.state(), v1::PackageState::Complete | v1::PackageState::Abandoned)
}

/// Lines that have their outcome.
fn done(package: &v1::Package) -> u64 {
    let counts =
        [package.refused_count, package.settled_count, package.rejected_count, package.cancelled_count];
    counts.map(u64::from).iter().sum()
}

/// Writes the report on a package beside its place, and puts it there when it is whole.
///
/// # Errors
/// If the node refuses, or the file can't be written.
pub(crate) async fn write_report(client: &Client, package_id: &str, path: &Path) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = || format!("{} can't be written", path.display());
    let mut whole = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    let request = v1::GetPackageReportRequest { package_id: package_id.to_owned() };
    let mut pieces = client.get_package_report(request).await.context("there is no report")?;
    let mut is_whole = false;
    while let Some(piece) = pieces.next().await.context("the report broke off")? {
        whole.as_file_mut().write_all(&piece.content).with_context(failed)?;
        is_whole = piece.complete;
    }
    if !is_whole {
        bail!("the report broke off");
    }
    whole.as_file().sync_all().with_context(failed)?;
    whole.persist(path).with_context(failed)?;
    Ok(())
}

/// Prints packages, one after the other.
///
/// # Errors
/// If they can't be written.
pub(super) fn print(
    packages: &[v1::Package],
    refused: &[v1::RefusedLine],
    as_json: bool,
) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for package in packages {
        match as_json {
            true => writeln!(out, "{}", as_value(package, refused))?,
            false => write!(out, "{}", as_text(package))?,
        }
    }
    if !as_json {
        for v1::RefusedLine { number, reason_code, path } in refused {
            writeln!(out, "line {number}: {reason_code} {path}")?;
        }
    }
    Ok(())
}

/// A state as commands show it.
pub(super) fn state(package: &v1::Package) -> &'static str {
    match package.state() {
        v1::PackageState::Open => "open",
        v1::PackageState::Running => "running",
        v1::PackageState::Complete => "complete",
        v1::PackageState::Abandoned => "abandoned",
        v1::PackageState::Unspecified => "unknown",
    }
}

fn as_text(package: &v1::Package) -> String {
    let v1::Package { package_id, message_id, stated_count, settled_count, settled_sum, .. } = package;
    let v1::Package { refused_count, rejected_count, cancelled_count, currency_code, .. } = package;
    let v1::Package { pending_count, awaiting_count, sent_count, .. } = package;
    format!(
        "package   {package_id}\nmessage   {message_id}\nstate     {}\nlines     {stated_count}\n\
         paid      {settled_count} ({settled_sum} {currency_code})\nrefused   {}\ncancelled {cancelled_count}\n\
         waiting   {} ({awaiting_count} for money)\n",
        state(package),
        refused_count + rejected_count,
        pending_count + sent_count,
    )
}

fn as_value(package: &v1::Package, refused: &[v1::RefusedLine]) -> Value {
    let line = |line: &v1::RefusedLine| json!({ "line": line.number, "reason": line.reason_code, "path": line.path });
    json!({
        "package_id": package.package_id,
        "bank": package.bic,
        "message_id": package.message_id,
        "state": state(package),
        "lines": package.stated_count,
        "sum": package.stated_sum,
        "logged": package.logged_count,
        "refused": package.refused_count,
        "pending": package.pending_count,
        "awaiting": package.awaiting_count,
        "sent": package.sent_count,
        "paid": package.settled_count,
        "rejected": package.rejected_count,
        "cancelled": package.cancelled_count,
        "paid_sum": package.settled_sum,
        "currency": package.currency_code,
        "refused_lines": refused.iter().map(line).collect::<Vec<_>>(),
    })
}
