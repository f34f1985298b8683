//! A load run from its first connection to its audit.

use std::time::Duration;

use crate::audit::banks_heard_what_was_confirmed;
use crate::books::Books;
use crate::drive::{connect, drive_over};
use crate::{LoadOptions, LoadReport, LoadgenError, Progress, Responders};

/// How long the last reports to banks elsewhere may take after the payers' banks have their answers.
const REPORTS_PATIENCE: Duration = Duration::from_secs(5);

/// Opens the accounts that a run needs, sends its payments, asks about those without an answer, and audits
/// the books. If payees are elsewhere, their banks are registered, connected and answer. Must be called within a tokio
/// runtime.
///
/// # Errors
/// If the options break a limit, or the node can't be reached or does not do what the run needs. Payments that
/// are refused and differences in the books are part of the report.
pub async fn load(
    address: &str,
    options: &LoadOptions,
    progress: &dyn Progress,
) -> Result<LoadReport, LoadgenError> {
    options.validate()?;
    let client = connect(address, options).await?;
    let mut books = Books::open_over(&client, options, progress).await?;
    let responders = match &options.remote {
        Some(remote) => {
            Some(Responders::start(address, options.tls.clone(), remote.banks.clone(), 0..0).await?)
        }
        None => None,
    };
    let (driven, confirmed) = drive_over(&client, options, progress).await?;
    let remote_count = confirmed.remote_count();
    books.note(&driven, confirmed);
    let mut audit = books.audit_over(&client, progress).await?;
    let mut banks = None;
    if let Some(responders) = responders {
        let counts = responders.counts_with(remote_count, REPORTS_PATIENCE).await;
        audit.checks.push(banks_heard_what_was_confirmed(counts, remote_count));
        banks = Some(counts);
    }
    progress.finish();
    let confirmed = books.into_confirmed().pop().expect("the one run was noted");
    Ok(LoadReport { driven, audit, confirmed, banks })
}
