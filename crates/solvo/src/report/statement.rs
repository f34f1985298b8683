//! `solvo report statement`: a statement of an account, position or technical account, into a file or onto standard output.
//!
//! Invariant: a file has its name only once the statement in it is whole.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use client::v1;

use super::{NodeArgs, progress_bar};
use crate::remote;

/// Gives a statement of an account, position or technical account: of a day, of the day so far, or of its entries.
///
/// A statement of another day begins with the balance with which the one before it ended. What has been erased is left
/// out, and amounts and balances stay.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo report statement --position ALFABEBB --date 2026-11-20\n  solvo report statement \
                  --account BE71096123456769 --date 2026-11-20 --form csv --output statement.csv"
)]
pub(crate) struct StatementArgs {
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    whose: WhoseArgs,
    /// What is wanted: camt053 of a day that is over; camt052 and csv also of the day so far; camt054 for single entries.
    #[arg(long, value_name = "FORM", default_value = "camt053")]
    form: Form,
    /// Only entries behind this position of the log. Only with camt054.
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
    /// The file to write. Without it the statement goes to standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Whose statement, and of which day.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct WhoseArgs {
    /// A customer's account.
    #[arg(long, value_name = "IBAN", conflicts_with_all = ["position", "technical"])]
    pub(crate) account: Option<String>,
    /// A participant's position.
    #[arg(long, value_name = "BIC", conflicts_with = "technical")]
    pub(crate) position: Option<String>,
    /// A participant's technical account, beside its position.
    #[arg(long, value_name = "BIC")]
    pub(crate) technical: Option<String>,
    /// The currency, ISO 4217.
    #[arg(long, value_name = "CODE", default_value = "EUR")]
    pub(crate) currency: String,
    /// The day: an account's calendar day, or the business date of a position or technical account.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) date: Option<String>,
    /// How far the clock is ahead of UTC by which an account's day counts, in minutes. Without it, its bank's logged clock
    /// counts.
    #[arg(
        long,
        value_name = "MINUTES",
        allow_negative_numbers = true,
        conflicts_with_all = ["position", "technical"]
    )]
    pub(crate) utc_offset: Option<i32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    Camt053,
    Camt052,
    Camt054,
    Csv,
}

impl WhoseArgs {
    /// The question for a statement in a form.
    ///
    /// # Errors
    /// If whose statement it is, or of which day, was not said.
    pub(crate) fn request(&self, form: v1::StatementForm) -> anyhow::Result<v1::GetStatementRequest> {
        use v1::get_statement_request::Owner;
        let currency_code = self.currency.clone();
        let position =
            |bic: &String| v1::PositionName { bic: bic.clone(), currency_code: self.currency.clone() };
        let owner = match (&self.account, &self.position, &self.technical) {
            (Some(iban), ..) => Owner::Account(v1::AccountName { iban: iban.clone(), currency_code }),
            (None, Some(bic), _) => Owner::Position(position(bic)),
            (None, None, Some(bic)) => Owner::TechnicalAccount(position(bic)),
            (None, None, None) => {
                bail!("say whose statement it is, with --account, --position or --technical")
            }
        };
        let Some(date) = self.date.clone() else { bail!("say of which day, with --date") };
        Ok(v1::GetStatementRequest {
            owner: Some(owner),
            date,
            form: form.into(),
            utc_offset_minutes: self.utc_offset,
            after_sequence: None,
        })
    }
}

/// Runs the command.
pub(crate) async fn run(arguments: &StatementArgs) -> anyhow::Result<ExitCode> {
    let form = match arguments.form {
        Form::Camt053 => v1::StatementForm::Camt053,
        Form::Camt052 => v1::StatementForm::Camt052,
        Form::Camt054 => v1::StatementForm::Camt054,
        Form::Csv => v1::StatementForm::Csv,
    };
    let mut request = arguments.whose.request(form)?;
    request.after_sequence = arguments.after;
    match &arguments.output {
        None => {
            fetch(&arguments.node, request, &mut io::stdout().lock()).await?;
        }
        Some(path) => to_file(&arguments.node, request, path).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn to_file(node: &NodeArgs, request: v1::GetStatementRequest, path: &Path) -> anyhow::Result<()> {
    let mut name = path.file_name().context("--output is no file")?.to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let mut file = File::create(&part).with_context(|| format!("{} can't be written", part.display()))?;
    let fetched = fetch(node, request, &mut file).await;
    let written = fetched.and_then(|entries| {
        file.sync_all()?;
        std::fs::rename(&part, path)?;
        Ok(entries)
    });
    if written.is_err() {
        // What is left of it is of no use, and the fault above says why.
        let _ = std::fs::remove_file(&part);
    }
    let entries = written.with_context(|| format!("{} was not written", path.display()))?;
    writeln!(io::stderr(), "{}: {entries} entries", path.display())?;
    Ok(())
}

/// Writes a statement piece by piece, and says how many entries it has.
pub(crate) async fn fetch(
    node: &NodeArgs,
    request: v1::GetStatementRequest,
    output: &mut impl Write,
) -> anyhow::Result<u64> {
    let client = remote::connect(&node.to, &node.tls).await?;
    let mut pieces = client.get_statement(request).await?;
    let bar = progress_bar("{spinner} {bytes} of the statement");
    let mut entries = None;
    while let Some(piece) = pieces.next().await? {
        output.write_all(&piece.content)?;
        bar.inc(u64::try_from(piece.content.len())?);
        entries = piece.complete.then_some(piece.entry_count);
    }
    bar.finish_and_clear();
    output.flush()?;
    entries.context("the node ended the statement before it was whole")
}
