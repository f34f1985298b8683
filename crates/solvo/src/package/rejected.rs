//! The report on a file that was refused as a whole.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;

use anyhow::Context;
use client::Refusal;
use iso20022::{
    GroupStatus, NOT_PROVIDED, PackageReadError, PackageReader, PackageReport, PackageReportPart,
    StatusDetail, write_pain002,
};
use types::{ReasonCode, Text};

use crate::clock::now;

/// Writes a report (pain.002, RJCT) that says why nothing of a file is paid.
///
/// # Errors
/// If the file can't be read, or the report not be written.
pub(super) fn write_rejected(file: &Path, path: &Path, refusal: &Refusal) -> anyhow::Result<()> {
    let failed = || format!("{} can't be written", path.display());
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut whole = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    let report = rejected(file, refusal)?;
    let parts = std::iter::empty::<Result<PackageReportPart, std::convert::Infallible>>();
    write_pain002(&report, parts, BufWriter::new(whole.as_file_mut())).with_context(failed)?;
    whole.as_file().sync_all().with_context(failed)?;
    whole.persist(path).with_context(failed)?;
    Ok(())
}

fn rejected(file: &Path, refusal: &Refusal) -> anyhow::Result<PackageReport> {
    let created_at = now()?;
    let message_id = Text::parse_identifier(&format!("RPT{}", created_at.milliseconds()))?;
    let said = || {
        let words: String = refusal.message.chars().take(105).collect();
        StatusDetail {
            reason: ReasonCode::parse("NARR").expect("four letters"),
            originator: None,
            additional_information: Text::parse(words.trim()).ok(),
        }
    };
    let input =
        BufReader::new(File::open(file).with_context(|| format!("{} can't be read", file.display()))?);
    // The reader says more exactly what is wrong with the file than a refusal has room for.
    let (report, fault) = match PackageReader::open(input) {
        Ok(mut lines) => {
            let report = PackageReport::on_package(lines.header(), message_id, created_at);
            (report, lines.find_map(Result::err))
        }
        Err(error) => {
            let report = PackageReport {
                message_id,
                created_at,
                initiating_party: None,
                debtor_agent: None,
                original_message_id: Text::parse(NOT_PROVIDED).expect("eleven letters"),
                original_created_at: None,
                original_transactions: None,
                original_control_sum: None,
                status: None,
                reason: None,
                counts: Vec::new(),
            };
            (report, Some(error))
        }
    };
    let reason = match fault {
        Some(PackageReadError::Fault(fault)) => StatusDetail::on_fault(&fault),
        Some(PackageReadError::Read(_)) | None => said(),
    };
    Ok(PackageReport { status: Some(GroupStatus::Rejected), reason: Some(reason), ..report })
}
