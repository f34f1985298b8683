//! `solvo erase`: destroys the keys of personal data that need not be kept any longer.
//!
//! Invariants:
//! - Nothing that is younger than 13 months can be erased: until then a payer may ask for a refund.
//! - Nothing is erased by a command that runs by accident: somebody says yes, or the command line does.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use client::v1;
use journal::{Destroyed, FileStorage, Storage as _, day_of_key, destroy_keys, erasable_before, key_of_day};
use types::Date;

use crate::backup::erased::wipe_unfinished;
use crate::clock::today;
use crate::inspect::fields::{Fields, Value};
use crate::remote::{self, TlsArgs};
use crate::serve::tell;

/// Erases names, account numbers and remittance from before a day, by destroying their keys.
///
/// Payments, balances and outcomes stay, and the log still verifies; what is erased shows as `erased`. It can't be undone.
/// A node that serves is asked to do it; where none does, name its folder. Every backup that holds KEYS has to be named as
/// well, or the data can be read from there.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo erase --before 2016-01-01 --server 127.0.0.1:7400 --backup /backup/solvo --yes\n  solvo erase --before 2016-01-01 --data ./solvo-data --yes"
)]
pub(crate) struct EraseArgs {
    /// Erase what was written before this day, UTC; at least 13 months ago. Ten years ago if not given.
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    before: Option<Date>,
    /// The node, if it serves.
    #[arg(long, value_name = "ADDR", conflicts_with = "data")]
    server: Option<String>,
    #[command(flatten)]
    tls: TlsArgs,
    /// The folder of the log, if no node serves from it.
    #[arg(long, value_name = "DIR", required_unless_present_any = ["backup", "server"])]
    data: Option<PathBuf>,
    /// The folder of a backup; may be given several times.
    #[arg(long, value_name = "DIR")]
    backup: Vec<PathBuf>,
    /// Let the names of holders of open accounts go that were last written before that day. The node refuses otherwise, if
    /// there are any: payees can't be verified by them any more.
    #[arg(long, requires = "server")]
    forget_holders: bool,
    /// The same of the bytes of records that gateways keep: they can't be read any more.
    #[arg(long, requires = "server")]
    forget_records: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

fn parse_date(text: &str) -> Result<Date, String> {
    Date::parse(text).map_err(|_| "give a day as YYYY-MM-DD".to_owned())
}

/// Destroys the keys in every place that was named, the node first.
///
/// # Errors
/// If one of them can't be erased; those before it are done, and the command can be given again.
pub(crate) async fn run(arguments: &EraseArgs) -> anyhow::Result<ExitCode> {
    // The node looks at the same rule by its own clock.
    let before = erasable_before(arguments.before, today()?)?;
    let folders: Vec<&Path> = arguments.data.iter().chain(&arguments.backup).map(PathBuf::as_path).collect();
    let shown = folders.iter().map(|folder| folder.display().to_string());
    let places: Vec<String> = arguments.server.iter().cloned().chain(shown).collect();
    if !arguments.yes && !is_confirmed(before, &places)? {
        bail!("nothing was erased");
    }
    let mut told = Vec::new();
    let mut tell_of = |kind, place: &str, destroyed: &Told| match arguments.json {
        true => told.push(Value::from(fields(kind, place, destroyed))),
        false => tell(format_args!("{}", words(place, before, destroyed))),
    };
    if let Some(server) = &arguments.server {
        tell_of("server", server, &on_server(server, arguments, before).await?);
    }
    for folder in folders {
        tell_of("folder", &folder.display().to_string(), &in_folder(folder, before)?);
    }
    if arguments.json {
        let mut out = std::io::stdout().lock();
        let fields = Fields::default().with("before", before.to_string()).with("places", told);
        fields.write_json(&mut out)?;
        writeln!(out)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What was destroyed in one place; days as they are shown.
struct Told {
    days: u32,
    first: Option<String>,
    last: Option<String>,
    first_left: Option<String>,
    clear_before: Option<String>,
    /// Accounts whose holders' names went; only a node that serves knows of any.
    holders_forgotten: u64,
}

impl From<Destroyed> for Told {
    fn from(destroyed: Destroyed) -> Self {
        let Destroyed { days, first_left, clear_before } = destroyed;
        let date = |day: Option<u32>| day.and_then(day_of_key).map(|day| day.to_string());
        Self {
            days: u32::try_from(days.len()).expect("a log has fewer keys than 2^32"),
            first: date(days.first().copied()),
            last: date(days.last().copied()),
            first_left: date(first_left),
            clear_before: date(clear_before),
            holders_forgotten: 0,
        }
    }
}

impl From<v1::ErasePersonalDataResponse> for Told {
    fn from(reply: v1::ErasePersonalDataResponse) -> Self {
        let date = |day: String| Some(day).filter(|day| !day.is_empty());
        Self {
            days: reply.day_count,
            first: date(reply.first_date),
            last: date(reply.last_date),
            first_left: date(reply.first_left_date),
            clear_before: date(reply.clear_before_date),
            holders_forgotten: reply.holders_forgotten_count,
        }
    }
}

async fn on_server(server: &str, arguments: &EraseArgs, before: Date) -> anyhow::Result<Told> {
    let client = remote::connect(server, &arguments.tls).await?;
    let (forget_holders, forget_records) = (arguments.forget_holders, arguments.forget_records);
    let before_date = before.to_string();
    let request = v1::ErasePersonalDataRequest { before_date, forget_holders, forget_records };
    let erased = client.erase_personal_data(request).await;
    Ok(erased.with_context(|| format!("{server} was not erased, or the answer was lost; ask again"))?.into())
}

fn in_folder(folder: &Path, before: Date) -> anyhow::Result<Told> {
    let shown = folder.display();
    let erase = || {
        let storage = FileStorage::open(folder)?;
        let destroyed = destroy_keys(&storage, key_of_day(before))?;
        // A run of a backup that was interrupted may have left older keys.
        let _lock = storage.lock()?;
        wipe_unfinished(folder)?;
        anyhow::Ok(destroyed)
    };
    let destroyed =
        erase().with_context(|| format!("{shown} was not erased; if a node runs on it, give --server"))?;
    Ok(destroyed.into())
}

fn is_confirmed(before: Date, places: &[String]) -> anyhow::Result<bool> {
    ensure!(
        std::io::stdin().is_terminal(),
        "nobody is there to be asked: give --yes to erase what was written before {before}"
    );
    let mut out = std::io::stdout().lock();
    writeln!(out, "Names, account numbers and remittance from before {before} can never be read again, in:")?;
    places.iter().try_for_each(|place| writeln!(out, "  {place}"))?;
    write!(out, "Type `erase` to go on: ")?;
    out.flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim() == "erase")
}

/// For people.
fn words(place: &str, before: Date, told: &Told) -> String {
    let erased = match (told.days, &told.first, &told.last) {
        (1, Some(day), _) => format!("{place}: the key of {day} is destroyed"),
        (days, Some(first), Some(last)) => {
            format!("{place}: the keys of {days} days from {first} to {last} are destroyed")
        }
        _ => format!("{place}: no keys of days before {before} were left"),
    };
    let erased = match told.holders_forgotten {
        0 => erased,
        1 => format!("{erased}; the holders of 1 open account have no names any more"),
        accounts => format!("{erased}; the holders of {accounts} open accounts have no names any more"),
    };
    match &told.clear_before {
        None => erased,
        Some(day) => {
            format!(
                "{erased}; some of what this log took in before {day} was never sealed, and stays readable"
            )
        }
    }
}

/// For machines.
fn fields(kind: &'static str, place: &str, told: &Told) -> Fields {
    let date = |day: &Option<String>| day.clone().map_or(Value::Null, Value::from);
    Fields::default()
        .with(kind, place.to_owned())
        .with("days", u64::from(told.days))
        .with("first", date(&told.first))
        .with("last", date(&told.last))
        .with("first_left", date(&told.first_left))
        .with("clear_before", date(&told.clear_before))
        .with("holders_forgotten", told.holders_forgotten)
}

#[cfg(test)]
#[path = "erase_tests.rs"]
mod tests;
