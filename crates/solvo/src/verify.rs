//! `solvo verify`: reads a whole log and says whether all of it is right.
//!
//! Invariants:
//! - Nothing is written and no lock is taken, so it works beside a running node and in a read-only folder.
//! - Every frame that is counted has been read from the device, hashed, chained and replayed; every outcome
//!   that was told has been compared with what the rules say.
//! - The first fault ends it, with its exact place.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use engine::{Divergence, Replayer};
use journal::{End, FileStorage, FrameHeader, FrameView, Location, MasterKey, ReadError, Reader};
use ledger::{Command, Ledger, Limits, OutcomeEntry, PaymentAnswer, Records, layout};
use types::{BatchNumber, Sequence};

pub(crate) mod fault;
pub(crate) mod progress;
mod report;
#[cfg(test)]
pub(crate) mod sample_log;
mod snapshots;

use crate::inspect::fields::Fields;
use crate::inspect::rows::{payment_state, verdict};
use crate::inspect::texts::Texts;
use crate::master_key::MasterKeyArgs;
pub(crate) use fault::{Fault, FaultKind};
pub(crate) use report::Report;
use report::Tally;
use snapshots::SnapshotChecks;

/// Checks a log offline: checksums, chain, replay against the told outcomes, snapshots, conservation of money.
///
/// Begins with the archive's first frame if the log is whole, and otherwise with the oldest snapshot that is kept, and says so.
/// Reads only and takes no lock; beside a running node it checks what was durable when it got there. Exits with
/// 0 if all is well, and with 1 and the exact place of the first fault if not.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo verify ./data")]
pub(crate) struct VerifyArgs {
    /// The folder of the log.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    master_key: MasterKeyArgs,
    /// Print one JSON object instead of text, also of a fault.
    #[arg(long)]
    json: bool,
}

/// Watches a verification. Frames come in order; a payment comes once what became of it is known.
pub(crate) trait Observer {
    /// A frame is good.
    fn frame(&mut self, _header: &FrameHeader, _location: Location) {}

    /// A payment, and what replay and, if it was told already, the log say came of it.
    fn payment(&mut self, _payment: &layout::Payment, _outcome: &OutcomeEntry) {}
}

/// Watches nothing.
impl Observer for () {}

/// Verifies a log and prints what is in it, or what is wrong with it.
///
/// # Errors
/// If nothing can be printed.
pub(crate) fn run(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let master = args.master_key.read()?;
    let verified = match progress::Bar::new(&args.folder) {
        Ok(mut bar) => {
            let verified = verify_with(&args.folder, master.as_ref(), &mut bar);
            bar.finish();
            verified
        }
        // Whatever keeps the folder from being listed has a better name once the journal is opened.
        Err(_) => verify_with(&args.folder, master.as_ref(), &mut ()),
    };
    tell(args, &verified, &mut io::stdout().lock(), &mut io::stderr().lock())
}

/// Reads, replays and checks the log in a folder.
///
/// # Errors
/// The first fault.
pub(crate) fn verify_folder(folder: &Path, observer: &mut dyn Observer) -> Result<Report, Fault> {
    verify_with(folder, None, observer)
}

/// The same with this master key instead of the one in the folder, if there is one. Texts without a key are as good as
/// erased, and no fault.
fn verify_with(
    folder: &Path,
    master: Option<&MasterKey>,
    observer: &mut dyn Observer,
) -> Result<Report, Fault> {
    let storage = FileStorage::open(folder).map_err(Fault::of_folder)?;
    let reader = Reader::open(storage).map_err(Fault::of_folder)?;
    let reader = reader.with_keys_of_folder(master).map_err(Fault::of_folder)?;
    verify_reader(folder, &reader, observer)
}

/// Reads, replays and checks what a reader reads of a folder.
///
/// # Errors
/// The first fault.
pub(crate) fn verify_reader(
    folder: &Path,
    reader: &Reader<FileStorage>,
    observer: &mut dyn Observer,
) -> Result<Report, Fault> {
    let voids = reader.voids().map_err(Fault::of_folder)?;
    let mut walk = Walk {
        observer,
        replayer: Replayer::new(LIMITS).passing_over(voids.clone()),
        tally: Tally::default(),
        undecided: BTreeMap::new(),
        last: None,
        snapshots: SnapshotChecks::new(reader).map_err(Fault::of_folder)?,
    };
    let end = match reader.read(BatchNumber(0), &mut |frame, location| Ok(walk.frame(frame, location)?)) {
        // The archive does not reach back to the log's beginning.
        Err(ReadError::Trimmed { first, .. }) if walk.last.is_none() => {
            let (replayer, tail) = walk.snapshots.oldest(reader, first).map_err(Fault::of_folder)?;
            walk.replayer = replayer.passing_over(voids);
            reader.read_from(&tail, &mut |frame, location| Ok(walk.frame(frame, location)?))
        }
        other => other,
    };
    let end = end.map_err(|error| Fault::of_read(folder, error, walk.last.as_ref()))?;
    walk.finish(reader, end)
}

/// Room to start with. The ledger grows as the log needs it; nobody waits for an answer here.
const LIMITS: Limits = Limits { accounts_max: 1 << 16, payments_max: 1 << 16, requests_max: 1 << 16 };

/// A read of a log from its first frame on.
struct Walk<'o> {
    observer: &'o mut dyn Observer,
    replayer: Replayer,
    tally: Tally,
    /// Commands whose outcomes no frame has told yet.
    undecided: BTreeMap<Sequence, Submitted>,
    last: Option<FrameHeader>,
    snapshots: SnapshotChecks,
}

/// A command as it was submitted.
struct Submitted {
    batch: BatchNumber,
    location: Location,
    payment: Option<layout::Payment>,
}

impl Walk<'_> {
    /// Checks one frame.
    fn frame(&mut self, frame: &FrameView<'_>, location: Location) -> Result<(), FaultKind> {
        let header = frame.header();
        self.replayer.frame(frame).map_err(|divergence| self.explain(frame, divergence))?;
        for entry in &OutcomeEntry::read_all(frame.outcomes()).map_err(Divergence::from)? {
            self.decided(entry);
        }
        self.records(frame, location)?;
        self.snapshots.compare(header.batch, &self.replayer)?;
        self.tally.frame(frame);
        self.observer.frame(header, location);
        self.last = Some(*header);
        Ok(())
    }

    /// Counts the records of a frame that has been replayed, and reads their texts.
    fn records(&mut self, frame: &FrameView<'_>, location: Location) -> Result<(), FaultKind> {
        let header = frame.header();
        let mut sequence = header.first_sequence;
        let mut texts_length = 0;
        for record in Records::with_texts(frame.records(), frame.texts()) {
            sequence = sequence.next();
            let record = record.map_err(|source| Divergence::Record { sequence, source })?;
            if !record.is_erased() {
                Texts::read(&record).map_err(|source| FaultKind::Texts { sequence, source })?;
            }
            texts_length += record.personal_length;
            self.tally.record(&record);
            let mut payment = None;
            if let Command::Payment(order) = record.command {
                payment = Some(*order);
            }
            self.undecided.insert(sequence, Submitted { batch: header.batch, location, payment });
        }
        match frame.texts().map(|texts| texts.len() - texts_length) {
            Some(excess) if excess > 0 => Err(FaultKind::TextsLength { excess }),
            _ if frame.is_tampered() => Err(FaultKind::Unopened),
            _ => Ok(()),
        }
    }

    /// Takes in what a command came to.
    fn decided(&mut self, entry: &OutcomeEntry) {
        self.tally.outcome(entry);
        let submitted = self.undecided.remove(&entry.sequence());
        if let Some(payment) = submitted.and_then(|submitted| submitted.payment) {
            self.observer.payment(&payment, entry);
        }
    }

    /// Adds what is known about an outcome that replay contradicts.
    fn explain(&self, frame: &FrameView<'_>, divergence: Divergence) -> FaultKind {
        let Divergence::Outcome { sequence: asked } = divergence else { return divergence.into() };
        let told = OutcomeEntry::read_all(frame.outcomes()).unwrap_or_default();
        let told = told.into_iter().find(|entry| entry.sequence() == asked);
        match (told, self.undecided.get(&asked)) {
            (Some(told), Some(submitted)) => FaultKind::Outcome {
                sequence: asked,
                batch: submitted.batch,
                location: submitted.location,
                told: told_words(&told),
                replayed: replayed_words(self.replayer.ledger(), &told),
            },
            _ => divergence.into(),
        }
    }

    /// Checks what only the whole log can show.
    fn finish(mut self, reader: &Reader<FileStorage>, end: End) -> Result<Report, Fault> {
        let totals = self.replayer.totals();
        let outcomes_untold = self.replayer.untold_count();
        let identity = reader.identity();
        let replayer = std::mem::replace(&mut self.replayer, Replayer::new(LIMITS));
        let (ledger, untold) = replayer.finish();
        for entry in &untold {
            self.decided(entry);
        }
        assert!(self.undecided.is_empty(), "every command has been decided");
        let life = ledger.lives().last().incarnation;
        // Before its first start a restored folder ends in the life that was restored.
        let restored = reader.contents().restored.map(|restored| restored.previous);
        if let Some(setup) = ledger.setup()
            && (setup.cluster != identity.cluster || life != identity.incarnation && Some(life) != restored)
        {
            return Err(Fault::of_folder(FaultKind::Genesis));
        }
        let books = ledger.trial_balance();
        if let Some(book) = books.iter().find(|book| book.sum() != 0) {
            let (owner, currency, sum) = (book.owner, book.currency, book.sum());
            return Err(Fault::of_folder(FaultKind::Book { owner, currency, sum }));
        }
        ledger.validate();
        let outcomes_checked = totals.outcomes_checked;
        let snapshots = self.snapshots;
        let tally = self.tally;
        Ok(Report { identity, ledger, books, tally, outcomes_checked, outcomes_untold, end, snapshots })
    }
}

fn told_words(entry: &OutcomeEntry) -> String {
    let reason = entry.reason().map(|reason| format!(" {reason}"));
    let refusal = entry.refusal().map(|refusal| format!(" {}", refusal.name()));
    format!("{}{}", verdict(entry), reason.or(refusal).unwrap_or_default())
}

/// What the replayed state shows of a command. It keeps payments' states, but not the balances told with them.
fn replayed_words(ledger: &Ledger, told: &OutcomeEntry) -> String {
    let PaymentAnswer::Found(payment) = ledger.payment_at(told.sequence()) else {
        return "something else".to_owned();
    };
    if (told.payment_state(), told.reason()) == (Some(payment.state()), payment.reason()) {
        return "the same, but with other balances or in another order".to_owned();
    }
    let reason = payment.reason().map_or(String::new(), |reason| format!(" {reason}"));
    format!("`{}{reason}`", payment_state(payment.state()))
}

/// Prints what was found.
fn tell(
    args: &VerifyArgs,
    verified: &Result<Report, Fault>,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let (fields, code) = match verified {
        Ok(report) if !args.json => {
            report.write_text(&args.folder, out)?;
            return Ok(ExitCode::SUCCESS);
        }
        Ok(report) => (report.fields(&args.folder), ExitCode::SUCCESS),
        Err(fault) => {
            fault.write_text(errors)?;
            let fields =
                Fields::default().with("ok", false).with("folder", args.folder.display().to_string());
            (fields.with("fault", fault.fields()), ExitCode::FAILURE)
        }
    };
    if args.json {
        fields.write_json(out)?;
        writeln!(out)?;
    }
    Ok(code)
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
