//! `solvo submit`: stored ISO 20022 documents to a node, and what came of each.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use client::Client;
use loadgen::{Document, DocumentStatus, RunId, Submitted, submit_documents};

use crate::remote::{self, TlsArgs};

/// Submits ISO 20022 documents (pacs.008.001.08) and prints what came of each.
///
/// Message ids, transaction ids and times are stamped anew, so that stored files never age; distances between
/// times are kept. Where a file beside a document (`NAME.expected.json` for `NAME.xml`) says what it should come
/// to, a difference ends in exit 1, and so does an answer that was lost.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo submit tests/fixtures/pacs008/01-*.xml --to 127.0.0.1:7400")]
pub(crate) struct SubmitArgs {
    /// The documents, in the order in which they are sent.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// Send the bytes as they are.
    #[arg(long)]
    as_is: bool,
    /// Print one JSON object, without the answering documents.
    #[arg(long)]
    json: bool,
}

/// Submits the documents.
pub(crate) async fn run(arguments: &SubmitArgs) -> anyhow::Result<ExitCode> {
    let documents: Vec<Document> =
        arguments.files.iter().map(|file| Document::read(file)).collect::<Result<_, _>>()?;
    let client = remote::connect(&arguments.to, &arguments.tls).await?;
    let run = (!arguments.as_is).then(run_id);
    let submitted = submit_documents(&client, &documents, run.as_ref()).await?;
    let mut out = io::stdout().lock();
    if arguments.json {
        let documents: Vec<_> = submitted.iter().map(Submitted::to_json).collect();
        writeln!(out, "{}", serde_json::json!({ "documents": documents }))?;
    } else {
        submitted.iter().try_for_each(|submitted| write_submitted(submitted, &mut out))?;
    }
    Ok(if submitted.iter().all(is_as_expected) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A client of a node on loopback, over plain connections.
pub(crate) async fn connect(address: &str) -> anyhow::Result<Client> {
    remote::connect(address, &TlsArgs::default()).await
}

/// The form of an address on loopback that clients take.
pub(crate) fn url(address: &str) -> String {
    if address.contains("://") { address.to_owned() } else { format!("http://{address}") }
}

/// An id that no earlier run has had.
pub(crate) fn run_id() -> RunId {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    RunId::from_time(u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX))
}

/// Whether a document came to what was expected, or at least to something that is known.
pub(crate) fn is_as_expected(submitted: &Submitted) -> bool {
    submitted.difference.is_none() && submitted.status != DocumentStatus::Unknown
}

/// How every document that a node writes begins.
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// One line, and below it the answering document and what is wrong.
pub(crate) fn write_submitted(submitted: &Submitted, out: &mut impl Write) -> io::Result<()> {
    let reason = submitted.reason.as_deref().unwrap_or("-");
    let confirmed = match submitted.confirmed_after {
        Some(span) => format!("{:.1} ms", span.as_secs_f64() * 1e3),
        None => "-".to_owned(),
    };
    let repeat = submitted.outcome.as_ref().is_some_and(|outcome| outcome.repeat);
    let note = if repeat { "  repeat" } else { "" };
    let status = submitted.status.name();
    writeln!(out, "{:<44} {status:<9} {reason:<5} {confirmed:>10}{note}", submitted.name)?;
    if !submitted.answer.is_empty() {
        // One line for one document: the declaration says nothing that is not known.
        let answer = String::from_utf8_lossy(&submitted.answer);
        let document = answer.trim_start_matches(DECLARATION).replace('\n', "");
        writeln!(out, "    {document}")?;
    }
    if let Some(error) = &submitted.error {
        writeln!(out, "    {error}")?;
    }
    if let Some(difference) = &submitted.difference {
        writeln!(out, "    NOT AS EXPECTED: {difference}")?;
    }
    Ok(())
}
