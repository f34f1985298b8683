//! `solvo postings map`: what a bank's general ledger calls its accounts.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use client::{Client, v1};
use v1::posting_line::Subject;

use super::{BookArgs, class_name};
use crate::remote;
use crate::report::NodeArgs;
use crate::submit::run_id;

/// Shows or sets the map of a book: what the bank's general ledger calls its accounts.
///
/// A map counts for what is booked behind it, or for booking dates from a day on. What was booked before keeps its names. Each
/// --line names one account of the general ledger: `rest=9999` for everything that no other line is about, which there has to
/// be; `current=2100` and so on for a class (current, savings, core, fees, clearing, suspense, position, transit, funding, technical);
/// an IBAN, or `#17` with an account's number in the log, for one account of a customer.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo postings map --bank ALFABEBB\n  solvo postings map --bank ALFABEBB --line rest=9999 --line \
                  current=2100 --line savings=2200 --line position=1010 --line clearing=1900 --line transit=1900\n  solvo \
                  postings map --bank ALFABEBB --line rest=9998 --from 2027-01-01 --expected 4711"
)]
pub(crate) struct MapArgs {
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    book: BookArgs,
    /// A line of the map that is to be set. All lines of a map are set at once.
    #[arg(long = "line", value_name = "WHAT=ACCOUNT")]
    lines: Vec<String>,
    /// The first booking date for which it counts. Without one, it counts from now on.
    #[arg(long, value_name = "YYYY-MM-DD", requires = "lines", default_value = "")]
    from: String,
    /// Set it only if this map was set last, by its id; 0 if none was.
    #[arg(long, value_name = "ID", requires = "lines")]
    expected: Option<u64>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) async fn run(arguments: &MapArgs) -> anyhow::Result<ExitCode> {
    let client = remote::connect(&arguments.node.to, &arguments.node.tls).await?;
    let mut out = io::stdout().lock();
    if !arguments.lines.is_empty() {
        let map_id = set(&client, arguments).await?;
        match arguments.json {
            true => writeln!(out, "{}", serde_json::json!({ "map_id": map_id }))?,
            false => writeln!(out, "map {map_id} is set")?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    let request = v1::ListPostingMapsRequest {
        bic: arguments.book.bank.clone(),
        currency_code: arguments.book.currency.clone(),
        before_map_id: 0,
    };
    let listed = client.list_posting_maps(request).await.context("the node did not tell the maps")?;
    if arguments.json {
        let maps: Vec<_> = listed.maps.iter().map(json).collect();
        writeln!(out, "{}", serde_json::json!({ "maps": maps }))?;
        return Ok(ExitCode::SUCCESS);
    }
    if listed.maps.is_empty() {
        writeln!(out, "no map is set")?;
    }
    listed.maps.iter().try_for_each(|map| write_text(map, &mut out))?;
    Ok(ExitCode::SUCCESS)
}

async fn set(client: &Client, arguments: &MapArgs) -> anyhow::Result<u64> {
    let request = v1::SetPostingMapRequest {
        request_id: format!("map-{}", run_id().as_str()),
        bic: arguments.book.bank.clone(),
        currency_code: arguments.book.currency.clone(),
        expected_map_id: arguments.expected,
        from_date: arguments.from.clone(),
        lines: arguments.lines.iter().map(|line| read_line(line)).collect::<anyhow::Result<_>>()?,
    };
    let set = client.set_posting_map(request).await;
    Ok(set.context("the map was not set, or the answer was lost; ask again")?.map_id)
}

/// `rest=9999`, `current=2100`, `BE71096123456769=2100.1` or `#17=2100.1`.
fn read_line(text: &str) -> anyhow::Result<v1::PostingLine> {
    let Some((what, gl_account)) = text.split_once('=') else {
        bail!("`{text}` is no line, such as current=2100")
    };
    let class = v1::PostingClass::from_str_name(&format!("POSTING_CLASS_{}", what.to_ascii_uppercase()));
    let subject = match (what, class) {
        ("rest", _) => None,
        (_, Some(class)) => Some(Subject::Class(class.into())),
        (what, None) => Some(match what.strip_prefix('#') {
            Some(number) => {
                Subject::AccountNumber(number.parse().with_context(|| format!("`{what}` is no number"))?)
            }
            None => Subject::Iban(what.to_owned()),
        }),
    };
    Ok(v1::PostingLine { subject, gl_account: gl_account.to_owned() })
}

fn subject(line: &v1::PostingLine) -> String {
    match &line.subject {
        None => "rest".to_owned(),
        Some(Subject::Class(class)) => {
            let class = v1::PostingClass::try_from(*class).unwrap_or_default();
            class_name(class).to_ascii_lowercase()
        }
        Some(Subject::AccountNumber(number)) => format!("#{number}"),
        Some(Subject::Iban(iban)) => iban.clone(),
    }
}

fn json(map: &v1::PostingMap) -> serde_json::Value {
    let time = map.set_time.as_ref().and_then(client::convert::timestamp_from_wire);
    let lines = map
        .lines
        .iter()
        .map(|line| serde_json::json!({ "what": subject(line), "gl_account": line.gl_account }));
    serde_json::json!({
        "map_id": map.map_id,
        "set": time.map(|time| time.to_string()),
        "from": map.from_date,
        "lines": lines.collect::<Vec<_>>(),
    })
}

fn write_text(map: &v1::PostingMap, out: &mut impl Write) -> io::Result<()> {
    let from = match map.from_date.as_str() {
        "" => "for what is booked behind it".to_owned(),
        from => format!("for booking dates from {from} on"),
    };
    writeln!(out, "map {}, {from}", map.map_id)?;
    map.lines.iter().try_for_each(|line| writeln!(out, "  {:<24} {}", subject(line), line.gl_account))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are_shown() {
        for text in ["rest=9999", "current=2100", "technical=1020", "#17=2100.1", "BE71096123456769=2100.2"] {
            let line = read_line(text).unwrap();
            assert_eq!(format!("{}={}", subject(&line), line.gl_account), text);
        }
        assert!(read_line("current").is_err());
        assert!(read_line("#x=1").is_err());
    }
}
