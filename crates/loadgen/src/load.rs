//! A load run from its first connection to its audit.

use crate::books::Books;
use crate::drive::{connect, drive_over};
use crate::{LoadOptions, LoadReport, LoadgenError, Progress};

/// Opens the accounts that a run needs, sends its payments, asks about those without an answer, and audits
/// the books. Must be called within a tokio runtime.
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
    let (driven, confirmed) = drive_over(&client, options, progress).await?;
    books.note(&driven, confirmed);
    let audit = books.audit_over(&client, progress).await?;
    progress.finish();
    let confirmed = books.into_confirmed().pop().expect("the one run was noted");
    Ok(LoadReport { driven, audit, confirmed })
}
