//! The salaries that the demo pays: a file of orders as an employer hands it in, brought to the node, followed to its end, and
//! reported on line by line.
//!
//! Invariant: the report is read back, and what its lines say is compared with what the node has counted.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::time::Instant;

use anyhow::{Context, ensure};
use client::Client;
use iso20022::{LineStatus, PackageReportPart, PackageReportReader};
use loadgen::{RunId, world, write_salaries};
use types::Text;

use crate::clock::{now, today};
use crate::package::bring::Brought;
use crate::package::told::{follow, write_report};
use crate::serve::tell;

/// Lines of the report that are shown.
const SHOWN: usize = 3;

/// Pays a file of so many salaries and shows the report. Says whether every line was paid and reported.
pub(super) async fn pay_salaries(client: &Client, run: &RunId, lines: u32) -> anyhow::Result<bool> {
    let folder = tempfile::tempdir().context("no folder can be made for the file of salaries")?;
    let [file, report] = ["salaries.xml", "salaries-report.xml"].map(|name| folder.path().join(name));
    let message_id = Text::parse_identifier(&format!("SALARIES-{run}")).context("a run's name is short")?;
    let failed = "the file of salaries can't be written";
    let output = BufWriter::new(File::create(&file).context(failed)?);
    write_salaries(message_id, now()?, today()?, lines, output).context(failed)?;
    let length = file.metadata().context(failed)?.len();
    let begin = Instant::now();
    let brought = Brought::new(&file, world::BANKS[0].bic_text())?;
    let submitted = brought.submit(client).await.context("the file of salaries was not taken")?;
    let package = submitted.package.context("the node told no package")?;
    let package = follow(client, &package.package_id).await?;
    write_report(client, &package.package_id, &report).await?;
    let took = begin.elapsed();
    let again = brought.submit(client).await.context("the file was not taken again")?;

    let mut reader = PackageReportReader::open(BufReader::new(File::open(&report)?))
        .context("the report can't be read")?;
    let (mut reported, mut settled) = (0_u32, 0_u32);
    for part in reader.by_ref() {
        let PackageReportPart::Line(line) = part.context("the report can't be read to its end")? else {
            continue;
        };
        reported += 1;
        settled += u32::from(line.status == LineStatus::Settled);
        if usize::try_from(reported)? <= SHOWN {
            let id = line.original_end_to_end_id.as_ref().map_or("", |id| id.as_str());
            let payment = line.servicer_reference.as_ref().map_or("", |reference| reference.as_str());
            tell(format_args!("  {id:<20} {:<5} {payment}", line.status.code()));
        }
    }
    ensure!(reported > 0, "the report has no lines");
    let is_whole = (reported, settled) == (lines, lines) && package.settled_count == lines && again.repeat;
    let remark = if is_whole {
        "the file given once more pays nothing"
    } else {
        "THE REPORT IS NOT WHAT IT SHOULD BE"
    };
    tell(format_args!(
        "  and so on: {settled} of {lines} paid, {} EUR, {} MB in {:.1} s with the report; {remark}\n",
        package.settled_sum,
        length / 1_000_000,
        took.as_secs_f64(),
    ));
    Ok(is_whole)
}
