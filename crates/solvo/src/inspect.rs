//! `solvo inspect`: shows the frames and records of a log as text or JSON lines.
//!
//! Invariants:
//! - Nothing is written and no lock is taken, so it works beside a running node and in a read-only folder.
//! - Personal data is masked unless somebody asks for it; the log's digest key is never shown.
//! - What was read before a fault is printed before the fault is told.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use engine::Divergence;
use journal::{End, FileStorage, FrameHeader, FrameView, Location, ReadError, Reader};
use ledger::{Command, OutcomeEntry, Records};
use types::{BatchNumber, PaymentId, Sequence};

pub(crate) mod fields;
mod mask;
mod order;
pub(crate) mod rows;
pub(crate) mod texts;

use crate::master_key::MasterKeyArgs;
use crate::verify::{Fault, FaultKind};
use fields::Fields;
use mask::Personal;
use texts::Texts;

/// Shows the frames and records of a log, with personal data masked.
///
/// Reads only and takes no lock. With `--json` each line is an object of type `frame`, `record` or `outcome`.
/// Balances are minor units. Exits with 1 if the log is damaged, after printing what could be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo inspect ./data --from 3 --limit 2")]
pub(crate) struct InspectArgs {
    /// The folder of the log.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Start at this frame.
    #[arg(long, value_name = "BATCH")]
    from: Option<u64>,
    /// Show at most this many frames.
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
    /// Show only this frame.
    #[arg(long, value_name = "BATCH", conflicts_with_all = ["from", "limit", "payment"])]
    frame: Option<u64>,
    /// Show only this payment: its record, what was told of it, and answers that repeat it.
    #[arg(long, value_name = "ID", value_parser = PaymentId::parse, conflicts_with_all = ["from", "limit"])]
    payment: Option<PaymentId>,
    /// Show names, account numbers, addresses and remittance in full.
    #[arg(long)]
    personal: bool,
    #[command(flatten)]
    master_key: MasterKeyArgs,
    /// Print one JSON object per line instead of text.
    #[arg(long)]
    json: bool,
}

/// Prints the frames asked for.
///
/// # Errors
/// If the folder holds no journal that can be read, or nothing can be printed.
pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(io::stdout().lock());
    match inspect(args, &mut out, &mut io::stderr().lock()) {
        Err(error) if is_broken_pipe(&error) => {
            // Whoever read the output has enough of it; what is still buffered has nowhere to go.
            drop(out.into_parts());
            Ok(ExitCode::SUCCESS)
        }
        other => other,
    }
}

pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn inspect(args: &InspectArgs, out: &mut dyn Write, errors: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let storage = FileStorage::open(&args.folder).context("the folder can't be opened")?;
    let reader = Reader::open(storage)?.with_keys_of_folder(args.master_key.read()?.as_ref())?;
    if let Some(payment) = args.payment
        && (payment.incarnation, payment.shard) != (reader.identity().incarnation, reader.identity().shard)
    {
        anyhow::bail!("payment {payment} was given by another log than the one in {}", args.folder.display());
    }
    let mut show = Show {
        personal: if args.personal { Personal::Shown } else { Personal::Masked },
        payment: args.payment.map(|payment| payment.sequence),
        json: args.json,
        frames_left: if args.frame.is_some() { Some(1) } else { args.limit },
        out,
        last: None,
        found: false,
    };
    let read = read(&reader, args.frame.or(args.from), &mut |frame, location| show.frame(frame, location));
    let (last, found) = (show.last, show.found);
    out.flush()?;
    match read {
        Ok(Some(end)) => tell_end(args, &end, found, errors),
        Ok(None) => Ok(ExitCode::SUCCESS),
        Err(Stop::Output(error)) => Err(error.into()),
        Err(Stop::Read(error)) => {
            Fault::of_read(&args.folder, error, last.as_ref()).write_text(errors)?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Why a read ended early.
pub(crate) enum Stop {
    Output(io::Error),
    Read(ReadError),
}

/// What a visitor says to end a read that is not at fault.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("as many frames as asked for have been shown")]
    Enough,
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Reads from this frame on, or from the log's first; `None` if the read ended before the log did.
pub(crate) fn read(
    reader: &Reader<FileStorage>,
    from: Option<u64>,
    show: &mut dyn FnMut(&FrameView<'_>, Location) -> Result<Shown, Unshown>,
) -> Result<Option<End>, Stop> {
    let after = BatchNumber(from.unwrap_or(0).saturating_sub(1));
    let mut attempt = |after| {
        reader.read(after, &mut |frame, location| match show(frame, location) {
            Ok(Shown::More) => Ok(()),
            Ok(Shown::Enough) => Err(Ended::Enough.into()),
            Err(Unshown::Output(error)) => Err(Ended::Output(error).into()),
            Err(Unshown::Fault(kind)) => Err(kind.into()),
        })
    };
    let ended = match attempt(after) {
        // The first frames have been trimmed: start with the first that is there, unless another was asked for.
        Err(ReadError::Trimmed { first, .. }) if from.is_none() => attempt(BatchNumber(first.0 - 1)),
        other => other,
    };
    match ended {
        Ok(end) => Ok(Some(end)),
        Err(ReadError::Visit { source, location, batch }) => match source.downcast::<Ended>() {
            Ok(ended) => match *ended {
                Ended::Enough => Ok(None),
                Ended::Output(error) => Err(Stop::Output(error)),
            },
            Err(source) => Err(Stop::Read(ReadError::Visit { source, location, batch })),
        },
        Err(error) => Err(Stop::Read(error)),
    }
}

/// Says what a reader of the output should know about the log's end.
fn tell_end(args: &InspectArgs, end: &End, found: bool, errors: &mut dyn Write) -> anyhow::Result<ExitCode> {
    if let Some(torn) = end.torn {
        writeln!(
            errors,
            "note: a frame at {torn} is unfinished: it was never acknowledged, or a node is writing it. This is \
             no fault"
        )?;
    }
    if found {
        return Ok(ExitCode::SUCCESS);
    }
    let last = end.tail.batch;
    match (args.payment, args.frame.or(args.from)) {
        (Some(payment), _) => {
            writeln!(errors, "no payment {payment} up to batch {last}, where the log ends")?;
        }
        (None, Some(from)) => writeln!(errors, "no batch {from}: the log ends at batch {last}")?,
        (None, None) => {
            writeln!(errors, "the log has no frames")?;
            return Ok(ExitCode::SUCCESS);
        }
    }
    Ok(ExitCode::FAILURE)
}

/// What is shown, and where.
struct Show<'o> {
    personal: Personal,
    /// Only this payment.
    payment: Option<Sequence>,
    json: bool,
    frames_left: Option<u64>,
    out: &'o mut dyn Write,
    /// The last frame that has been read.
    last: Option<FrameHeader>,
    /// Whether anything that was asked for has been there.
    found: bool,
}

/// Whether there is more to show.
pub(crate) enum Shown {
    More,
    Enough,
}

/// Why a frame could not be shown.
pub(crate) enum Unshown {
    Output(io::Error),
    Fault(FaultKind),
}

impl From<io::Error> for Unshown {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<FaultKind> for Unshown {
    fn from(kind: FaultKind) -> Self {
        Self::Fault(kind)
    }
}

impl Show<'_> {
    /// Shows a frame, or the part of it that is about the payment asked for.
    fn frame(&mut self, frame: &FrameView<'_>, location: Location) -> Result<Shown, Unshown> {
        if self.frames_left == Some(0) {
            return Ok(Shown::Enough);
        }
        let header = frame.header();
        let entries = OutcomeEntry::read_all(frame.outcomes()).map_err(Divergence::from);
        let entries = entries.map_err(FaultKind::from);
        let about = |entry: &&OutcomeEntry| {
            self.payment.is_none_or(|asked| entry.sequence() == asked || entry.repeat_of() == Some(asked))
        };
        let told: Vec<OutcomeEntry> = entries.iter().flatten().filter(about).copied().collect();
        let holds_payment =
            self.payment.is_none_or(|asked| header.first_sequence < asked && asked < header.next_sequence());
        if self.payment.is_none() || holds_payment || !told.is_empty() {
            self.row("frame", header, rows::frame(frame, location))?;
        }
        if holds_payment {
            self.records(frame)?;
        }
        for entry in &told {
            self.row("outcome", header, rows::outcome(entry))?;
        }
        entries?;
        self.last = Some(*header);
        self.found |= self.payment.is_none();
        self.frames_left = self.frames_left.map(|left| left - 1);
        Ok(if self.frames_left == Some(0) { Shown::Enough } else { Shown::More })
    }

    fn records(&mut self, frame: &FrameView<'_>) -> Result<(), Unshown> {
        let header = frame.header();
        let mut sequence = header.first_sequence;
        for record in Records::with_texts(frame.records(), frame.texts()) {
            sequence = sequence.next();
            let unreadable = |source| FaultKind::from(Divergence::Record { sequence, source });
            let record = record.map_err(unreadable)?;
            if self.payment.is_some_and(|asked| asked != sequence) {
                continue;
            }
            let is_payment = matches!(record.command, Command::Payment(_) | Command::RefusedPayment(_));
            if self.payment.is_some() && !is_payment {
                continue;
            }
            self.found = true;
            let fields = rows::record(header, sequence, &record);
            if record.is_erased() {
                self.row("record", header, fields.with("texts", "erased"))?;
                continue;
            }
            match Texts::read(&record) {
                Ok(texts) => self.row("record", header, texts.add_to(fields, self.personal))?,
                Err(source) => {
                    self.row("record", header, fields.with("texts", "unreadable"))?;
                    return Err(FaultKind::Texts { sequence, source }.into());
                }
            }
        }
        Ok(())
    }

    /// Prints one row: a line of JSON, or a few of text.
    fn row(&mut self, kind: &'static str, header: &FrameHeader, fields: Fields) -> io::Result<()> {
        let batch = header.batch;
        if self.json {
            Fields::default().with("type", kind).with("batch", batch.0).and(fields).write_json(self.out)?;
            return writeln!(self.out);
        }
        match kind {
            "frame" => fields.write_text(self.out, 0, &format!("batch {batch}")),
            _ => fields.write_text(self.out, 2, kind),
        }
    }
}

#[cfg(test)]
#[path = "inspect_tests.rs"]
mod tests;
