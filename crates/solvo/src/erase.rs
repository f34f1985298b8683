//! `solvo erase`: destroys the keys of personal data that need not be kept any longer.
//!
//! Invariants:
//! - Nothing that is younger than 13 months can be erased: until then a payer may ask for a refund.
//! - Nothing is erased by a command that runs by accident: somebody says yes, or the command line does.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail, ensure};
use journal::{Destroyed, FileStorage, Storage as _, destroy_keys};
use types::Date;

use crate::backup::erased::wipe_unfinished;
use crate::inspect::fields::{Fields, Value};
use crate::serve::tell;

/// Directive (EU) 2015/2366, article 71: a payer has 13 months to notify a payment that was not authorised.
const MONTHS_KEPT_MIN: i32 = 13;

/// Where nothing else is asked for: the longest that the commercial and tax law of the euro area has records kept.
const MONTHS_KEPT_DEFAULT: i32 = 120;

/// Erases names, account numbers and remittance from before a day, by destroying their keys.
///
/// Payments, balances and outcomes stay, and the log still verifies; what is erased shows as `erased`. It can't be undone.
/// The node has to be stopped. Every backup that holds KEYS has to be named as well, or the data can be read from there.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  solvo erase --before 2016-01-01 --data ./solvo-data --backup /backup/solvo --yes"
)]
pub(crate) struct EraseArgs {
    /// Erase what was written before this day, UTC; at least 13 months ago. Ten years ago if not given.
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    before: Option<Date>,
    /// The folder of the log.
    #[arg(long, value_name = "DIR", required_unless_present = "backup")]
    data: Option<PathBuf>,
    /// The folder of a backup; may be given several times.
    #[arg(long, value_name = "DIR")]
    backup: Vec<PathBuf>,
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

/// Destroys the keys in every folder that was named.
///
/// # Errors
/// If a folder can't be used; those before it are done, and the command can be given again.
pub(crate) fn run(arguments: &EraseArgs) -> anyhow::Result<ExitCode> {
    let today = today()?;
    let before = before(arguments.before, today)?;
    let folders: Vec<&Path> = arguments.data.iter().chain(&arguments.backup).map(PathBuf::as_path).collect();
    if !arguments.yes && !is_confirmed(before, &folders)? {
        bail!("nothing was erased");
    }
    let mut told = Vec::new();
    for folder in folders {
        let shown = folder.display();
        let erase = || {
            let storage = FileStorage::open(folder)?;
            let destroyed = destroy_keys(&storage, day_number(before))?;
            // A run of a backup that was interrupted may have left older keys.
            let _lock = storage.lock()?;
            wipe_unfinished(folder)?;
            anyhow::Ok(destroyed)
        };
        let destroyed = erase()
            .with_context(|| format!("{shown} was not erased; if a node runs on it, stop that first"))?;
        match arguments.json {
            true => told.push(Value::from(fields(folder, &destroyed))),
            false => tell(format_args!("{}", words(folder, before, &destroyed))),
        }
    }
    if arguments.json {
        let mut out = std::io::stdout().lock();
        let fields = Fields::default().with("before", before.to_string()).with("folders", told);
        fields.write_json(&mut out)?;
        writeln!(out)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The day up to which is erased, if that is long enough ago.
fn before(asked: Option<Date>, today: Date) -> anyhow::Result<Date> {
    let latest = months_before(today, MONTHS_KEPT_MIN);
    let before = asked.unwrap_or_else(|| months_before(today, MONTHS_KEPT_DEFAULT));
    ensure!(
        before <= latest,
        "{before} is too recent: what was written in the last {MONTHS_KEPT_MIN} months is kept, so the latest is {latest}"
    );
    Ok(before)
}

fn today() -> anyhow::Result<Date> {
    let since_1970 =
        SystemTime::now().duration_since(UNIX_EPOCH).context("the clock shows a time before 1970")?;
    let days = i32::try_from(since_1970.as_secs() / 86_400).ok().and_then(Date::from_days);
    days.context("the clock shows a time beyond 2260")
}

/// The same day so many months earlier, or the last one of that month; the first day of 1970 at the earliest.
fn months_before(date: Date, months: i32) -> Date {
    let (year, month, day) = date.civil();
    let month = year * 12 + (month - 1) - months;
    let find = |day| Date::from_civil(month.div_euclid(12), month.rem_euclid(12) + 1, day);
    (1..=day).rev().find_map(find).or_else(|| Date::from_days(0)).expect("1970 began with a first day")
}

/// How the keys count this day.
fn day_number(date: Date) -> u32 {
    u32::try_from(date.days()).expect("no date lies before 1970")
}

fn date_of(day: u32) -> Date {
    i32::try_from(day).ok().and_then(Date::from_days).expect("keys are of days up to 2262")
}

fn is_confirmed(before: Date, folders: &[&Path]) -> anyhow::Result<bool> {
    ensure!(
        std::io::stdin().is_terminal(),
        "nobody is there to be asked: give --yes to erase what was written before {before}"
    );
    let mut out = std::io::stdout().lock();
    writeln!(out, "Names, account numbers and remittance from before {before} can never be read again, in:")?;
    folders.iter().try_for_each(|folder| writeln!(out, "  {}", folder.display()))?;
    write!(out, "Type `erase` to go on: ")?;
    out.flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim() == "erase")
}

/// For people.
fn words(folder: &Path, before: Date, destroyed: &Destroyed) -> String {
    let shown = folder.display();
    let erased = match destroyed.days[..] {
        [] => format!("{shown}: no keys of days before {before} were left"),
        [day] => format!("{shown}: the key of {} is destroyed", date_of(day)),
        [first, .., last] => {
            let count = destroyed.days.len();
            format!(
                "{shown}: the keys of {count} days from {} to {} are destroyed",
                date_of(first),
                date_of(last)
            )
        }
    };
    match destroyed.clear_before {
        None => erased,
        Some(day) => {
            let day = date_of(day);
            format!("{erased}; what this log took in before {day} was never sealed, and stays readable")
        }
    }
}

/// For machines.
fn fields(folder: &Path, destroyed: &Destroyed) -> Fields {
    let date = |day: Option<u32>| day.map_or(Value::Null, |day| date_of(day).to_string().into());
    Fields::default()
        .with("folder", folder.display().to_string())
        .with("days", u64::try_from(destroyed.days.len()).expect("a list in memory fits 64 bits"))
        .with("first", date(destroyed.days.first().copied()))
        .with("last", date(destroyed.days.last().copied()))
        .with("first_left", date(destroyed.first_left))
        .with("clear_before", date(destroyed.clear_before))
}

#[cfg(test)]
#[path = "erase_tests.rs"]
mod tests;
