//! `solvo report day-end`: a bank's statements of a day that is over, each in a file of a folder.
//!
//! Invariants:
//! - The folder of a day has its name only once every statement of the day is in it, on stable storage.
//! - A run that ended early is gone on with: the folder in the making says up to which account its files are whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use client::v1;

use super::{NodeArgs, progress_bar};
use crate::remote;

/// Writes a bank's statements of a day that is over: of its position, and of each of its customers' accounts.
///
/// They come into a folder of their own in --out, which has the bank and the day as its name once it is whole. Running it again
/// does nothing if the folder is there, and goes on where an earlier run ended if it is not. So a timer may run it as often
/// as it likes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo report day-end --out /var/spool/statements\n  solvo report day-end --participant ALFABEBB \
                  --date 2026-11-20 --form csv --moved-only --out ."
)]
pub(crate) struct DayEndArgs {
    #[command(flatten)]
    node: NodeArgs,
    /// The bank. Without one, the caller's own.
    #[arg(long, value_name = "BIC", default_value = "")]
    participant: String,
    /// The day. Without one, the last calendar day that is over.
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "")]
    date: String,
    /// In which form.
    #[arg(long, value_name = "FORM", default_value = "camt053")]
    form: Form,
    /// Leave out accounts on which nothing was booked on the day.
    #[arg(long)]
    moved_only: bool,
    /// Where the folder of the day goes.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    Camt053,
    Csv,
}

/// A file in the folder in the making: the number of the last account up to which all files are on stable storage.
const PROGRESS: &str = "progress";

/// So many statements are put on stable storage at once.
const STATEMENTS_AT_ONCE: u64 = 4096;

/// Runs the command.
pub(crate) async fn run(arguments: &DayEndArgs) -> anyhow::Result<ExitCode> {
    let client = remote::connect(&arguments.node.to, &arguments.node.tls).await?;
    let form = match arguments.form {
        Form::Camt053 => v1::StatementForm::Camt053,
        Form::Csv => v1::StatementForm::Csv,
    };
    let mut request = v1::GetDayEndRequest {
        participant: arguments.participant.clone(),
        date: arguments.date.clone(),
        form: form.into(),
        after_number: 0,
        moved_only: arguments.moved_only,
    };
    let mut replies = client.get_day_end(request.clone()).await?;
    let head = replies.next().await?.context("the node said nothing")?;
    let folder = Folder::of(&arguments.out, &head)?;
    if folder.whole.exists() {
        writeln!(io::stderr(), "{} is there already", folder.whole.display())?;
        return Ok(ExitCode::SUCCESS);
    }
    let after = folder.begin()?;
    if after > 0 {
        (request.participant, request.date, request.after_number) = (head.participant, head.date, after);
        replies = client.get_day_end(request).await?;
        replies.next().await?.context("the node said nothing")?;
    }
    let bar = progress_bar("{spinner} {pos} statements");
    let (mut file, mut count, mut totals) = (None, 0_u64, None);
    while let Some(reply) = replies.next().await? {
        if totals.is_some() {
            bail!("the node said more after the end of the day's end");
        }
        totals = reply.totals;
        let Some(piece) = reply.statement else { continue };
        if !piece.file_name.is_empty() {
            file = Some(folder.create(&piece.file_name)?);
        }
        file.as_mut().context("the node sent no name of a statement")?.write_all(&piece.content)?;
        if piece.complete {
            (file, count) = (None, count + 1);
            bar.inc(1);
            if count.is_multiple_of(STATEMENTS_AT_ONCE) {
                folder.keep(reply.number)?;
            }
        }
    }
    bar.finish_and_clear();
    let totals = totals.context("the node ended the day's end before it was whole; run it again to go on")?;
    folder.finish()?;
    tell(&folder, after, &totals)
}

fn tell(folder: &Folder, after: u32, totals: &v1::DayEndTotals) -> anyhow::Result<ExitCode> {
    let v1::DayEndTotals { statements, unmoved, unnamed } = *totals;
    let begun = if after > 0 { format!(", from behind account {after} on") } else { String::new() };
    let mut err = io::stderr();
    writeln!(
        err,
        "{}: {statements} statements{begun}, {unmoved} accounts without a booking",
        folder.whole.display()
    )?;
    if unnamed > 0 {
        writeln!(
            err,
            "{unnamed} accounts have no statement here, because their numbers are not in the log any more: ask for theirs with \
             `solvo report statement`"
        )?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Where a day's statements go.
struct Folder {
    whole: PathBuf,
    part: PathBuf,
}

impl Folder {
    fn of(out: &Path, head: &v1::GetDayEndResponse) -> anyhow::Result<Self> {
        let v1::GetDayEndResponse { participant, date, .. } = head;
        // Both become part of a path.
        if types::Bic::parse(participant).is_err() || types::Date::parse(date).is_err() {
            bail!("the node did not say whose day's end it is, and of which day");
        }
        let name = format!("{participant}-{date}");
        Ok(Self { whole: out.join(&name), part: out.join(format!("{name}.part")) })
    }

    /// Begins, or goes on behind the account that this gives.
    fn begin(&self) -> anyhow::Result<u32> {
        fs::create_dir_all(&self.part)
            .with_context(|| format!("{} can't be written", self.part.display()))?;
        match fs::read_to_string(self.part.join(PROGRESS)) {
            Ok(text) => text.trim().parse().with_context(|| format!("{}: no number", PROGRESS)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    fn create(&self, name: &str) -> anyhow::Result<File> {
        if name.contains(['/', '\\']) || name.starts_with('.') || name == PROGRESS {
            bail!("the node gave a statement no name that a file may have");
        }
        let path = self.part.join(name);
        File::create(&path).with_context(|| format!("{} can't be written", path.display()))
    }

    /// Everything that was written is on stable storage, and then said to be.
    fn keep(&self, number: u32) -> anyhow::Result<()> {
        self.sync()?;
        let part = self.part.join(format!("{PROGRESS}.part"));
        fs::write(&part, number.to_string())?;
        fs::rename(part, self.part.join(PROGRESS))?;
        Ok(())
    }

    fn sync(&self) -> anyhow::Result<()> {
        Ok(rustix::fs::syncfs(File::open(&self.part)?)?)
    }

    fn finish(&self) -> anyhow::Result<()> {
        for left in [PROGRESS.to_owned(), format!("{PROGRESS}.part")] {
            match fs::remove_file(self.part.join(left)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                Ok(()) | Err(_) => {}
            }
        }
        self.sync()?;
        fs::rename(&self.part, &self.whole)?;
        let above = self.whole.parent().filter(|above| !above.as_os_str().is_empty());
        File::open(above.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(participant: &str, date: &str) -> v1::GetDayEndResponse {
        let (participant, date) = (participant.to_owned(), date.to_owned());
        v1::GetDayEndResponse { participant, date, ..Default::default() }
    }

    #[test]
    fn run_that_ended_early_is_gone_on_with() {
        let out = tempfile::tempdir().unwrap();
        let folder = Folder::of(out.path(), &head("ALFABEBBXXX", "2026-11-20")).unwrap();
        assert_eq!(folder.begin().unwrap(), 0);
        folder.create("A1-20261120.csv").unwrap().write_all(b"whole").unwrap();
        folder.keep(1).unwrap();
        folder.create("A2-20261120.csv").unwrap().write_all(b"half").unwrap();
        let again = Folder::of(out.path(), &head("ALFABEBBXXX", "2026-11-20")).unwrap();
        assert_eq!(again.begin().unwrap(), 1);
        again.create("A2-20261120.csv").unwrap().write_all(b"whole").unwrap();
        again.finish().unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<_> =
            fs::read_dir(out.path().join("ALFABEBBXXX-2026-11-20")).unwrap().map(name).collect();
        names.sort();
        assert_eq!(names, ["A1-20261120.csv", "A2-20261120.csv"]);
        assert!(!folder.part.exists());
    }

    #[test]
    fn names_that_lead_elsewhere_are_none() {
        let out = Path::new("somewhere");
        assert!(Folder::of(out, &head("../..", "2026-11-20")).is_err());
        assert!(Folder::of(out, &head("ALFABEBBXXX", "../11")).is_err());
        let folder = Folder::of(out, &head("ALFABEBBXXX", "2026-11-20")).unwrap();
        for name in ["../x", "a/b", "..", ".hidden", PROGRESS] {
            assert!(folder.create(name).is_err(), "{name}");
        }
    }
}
