//! `solvo evidence`: the documents that came and went about a payment, byte for byte.
//!
//! Invariants:
//! - Nothing of the log is written and no lock is taken, so it works beside a running node and in a read-only folder.
//! - Documents are shown in the order of the log, each as it was received or sent.
//! - What was read before a fault is printed before the fault is told.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use engine::Divergence;
use journal::{FileStorage, FrameHeader, FrameView, Reader};
use ledger::{About, Command, MessageName, OutcomeEntry, Passage, Record, Records, layout};
use types::{Bic, PaymentId, Sequence};

use crate::inspect::fields::Fields;
use crate::inspect::texts::Texts;
use crate::inspect::{Shown, Stop, Unshown, is_broken_pipe, read, rows};
use crate::master_key::MasterKeyArgs;
use crate::verify::{Fault, FaultKind};

/// Prints the ISO 20022 documents that came and went about a payment, as they were.
///
/// They hold names, account numbers and remittance. Reads only and takes no lock. Documents whose text has been erased
/// are named as `erased`. Exits with 1 if there are none, or the log is damaged.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  solvo evidence 0400131ZF8F55M4VCG00000000000T8 --data ./data\n  \
                  solvo evidence --debtor-agent SLVOBEBB --transaction-id T1 --data ./data --out ./documents")]
pub(crate) struct EvidenceArgs {
    /// The payment; documents of attempts that repeat it belong to it.
    #[arg(
        value_name = "ID",
        value_parser = PaymentId::parse,
        required_unless_present = "transaction_id",
        conflicts_with = "transaction_id"
    )]
    payment: Option<PaymentId>,
    /// The payer's bank: with the transaction id, all that was ever sent under this key.
    #[arg(long, value_name = "BIC", value_parser = Bic::parse, requires = "transaction_id")]
    debtor_agent: Option<Bic>,
    /// The payer's bank's reference.
    #[arg(long, value_name = "TEXT", requires = "debtor_agent")]
    transaction_id: Option<String>,
    /// The folder of the log.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Write each document into a file of this folder, which only its owner may read, instead of printing it.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    master_key: MasterKeyArgs,
    /// Print one JSON object per document instead of text.
    #[arg(long)]
    json: bool,
}

/// Prints the documents.
///
/// # Errors
/// If the folder holds no journal that can be read, or nothing can be printed.
pub(crate) fn run(args: &EvidenceArgs) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(io::stdout().lock());
    match evidence(args, &mut out, &mut io::stderr().lock()) {
        Err(error) if is_broken_pipe(&error) => {
            drop(out.into_parts());
            Ok(ExitCode::SUCCESS)
        }
        other => other,
    }
}

fn evidence(args: &EvidenceArgs, out: &mut dyn Write, errors: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let storage = FileStorage::open(&args.data).context("the folder can't be opened")?;
    let reader = Reader::open(storage)?.with_keys_of_folder(args.master_key.read()?.as_ref())?;
    let wanted = match (args.payment, args.debtor_agent, &args.transaction_id) {
        (Some(payment), ..) => {
            let identity = reader.identity();
            if (payment.incarnation, payment.shard) != (identity.incarnation, identity.shard) {
                let folder = args.data.display();
                anyhow::bail!("payment {payment} was given by another log than the one in {folder}");
            }
            Wanted::Payment(payment.sequence)
        }
        (None, Some(debtor_agent), Some(transaction_id)) => {
            Wanted::Key { debtor_agent, transaction_id: transaction_id.clone() }
        }
        (None, ..) => anyhow::bail!("say which payment: its id, or --debtor-agent and --transaction-id"),
    };
    if let Some(folder) = &args.out {
        fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
    }
    let mut search = Search {
        wanted,
        key: None,
        positions: BTreeSet::new(),
        attempts: Vec::new(),
        undecided: Vec::new(),
        print: Print { folder: args.out.as_deref(), json: args.json, out, count: 0 },
        last: None,
    };
    let read = read(&reader, None, &mut |frame, _| search.frame(frame));
    let (last, count, known) = (search.last, search.print.count, !search.positions.is_empty());
    out.flush()?;
    match read {
        Ok(_) if count > 0 => Ok(ExitCode::SUCCESS),
        Ok(_) => {
            writeln!(errors, "{}", if known { NO_DOCUMENTS } else { NO_PAYMENT })?;
            Ok(ExitCode::FAILURE)
        }
        Err(Stop::Output(error)) => Err(error.into()),
        Err(Stop::Read(error)) => {
            Fault::of_read(&args.data, error, last.as_ref()).write_text(errors)?;
            Ok(ExitCode::FAILURE)
        }
    }
}

const NO_PAYMENT: &str = "the log holds no such payment";
const NO_DOCUMENTS: &str =
    "the payment is in the log, and no document about it: it came and went in other forms";

/// Which payment is asked for.
enum Wanted {
    /// The one at this position.
    Payment(Sequence),
    /// Every attempt under this key.
    Key {
        /// The payer's bank.
        debtor_agent: Bic,
        /// Its reference.
        transaction_id: String,
    },
}

/// Goes through the log and prints what is asked for.
struct Search<'o> {
    wanted: Wanted,
    /// The key of the payment at the position that is asked for, once that has been read.
    key: Option<layout::PaymentKey>,
    /// The payment and the attempts that repeat it.
    positions: BTreeSet<Sequence>,
    /// Later attempts under the payment's key, of which the log has not told yet whether they repeat it.
    attempts: Vec<Sequence>,
    /// Documents of those.
    undecided: Vec<Document>,
    print: Print<'o>,
    last: Option<FrameHeader>,
}

/// A document, and what the log tells about it.
struct Document {
    /// Its payment.
    about: Sequence,
    fields: Fields,
    name: String,
    /// `None` if it has been erased.
    bytes: Option<Vec<u8>>,
}

impl Search<'_> {
    fn frame(&mut self, frame: &FrameView<'_>) -> Result<Shown, Unshown> {
        let header = frame.header();
        let entries = OutcomeEntry::read_all(frame.outcomes()).map_err(Divergence::from);
        // They are of earlier frames, so their documents come first.
        for entry in entries.map_err(FaultKind::from)? {
            self.decided(&entry)?;
        }
        let mut sequence = header.first_sequence;
        let mut before = None;
        for record in Records::with_texts(frame.records(), frame.texts()) {
            sequence = sequence.next();
            let unreadable = |source| FaultKind::from(Divergence::Record { sequence, source });
            let record = record.map_err(unreadable)?;
            if let Command::Evidence(evidence) = record.command {
                self.evidence(frame, sequence, before, &record, evidence)?;
            } else {
                before = self.command(sequence, record.command);
            }
        }
        self.last = Some(*header);
        Ok(Shown::More)
    }

    /// Notes a command; says which payment it is about.
    fn command(&mut self, sequence: Sequence, command: Command<'_>) -> Option<Sequence> {
        if let Command::Answer(answer) = command {
            return Some(Sequence(answer.payment.get()));
        }
        let key = command.payment_key()?;
        self.payment(sequence, key);
        Some(sequence)
    }

    fn payment(&mut self, sequence: Sequence, key: &layout::PaymentKey) {
        match &self.wanted {
            Wanted::Payment(payment) if *payment == sequence => {
                self.key = Some(*key);
                self.positions.insert(sequence);
            }
            // What stands before the payment does not repeat it.
            Wanted::Payment(_) if self.key == Some(*key) => self.attempts.push(sequence),
            Wanted::Payment(_) => {}
            Wanted::Key { debtor_agent, transaction_id } => {
                if key.bank() == *debtor_agent && key.id() == transaction_id.as_bytes() {
                    self.positions.insert(sequence);
                }
            }
        }
    }

    /// The log tells what an attempt came to: whether it repeats the payment.
    fn decided(&mut self, entry: &OutcomeEntry) -> io::Result<()> {
        let attempt = entry.sequence();
        if !self.attempts.contains(&attempt) {
            return Ok(());
        }
        self.attempts.retain(|other| *other != attempt);
        let of_attempt = self.undecided.extract_if(.., |document| document.about == attempt);
        let documents: Vec<Document> = of_attempt.collect();
        if entry.repeat_of().is_some_and(|original| self.positions.contains(&original)) {
            self.positions.insert(attempt);
            documents.iter().try_for_each(|document| self.print.document(document))?;
        }
        Ok(())
    }

    fn evidence(
        &mut self,
        frame: &FrameView<'_>,
        sequence: Sequence,
        before: Option<Sequence>,
        record: &Record<'_>,
        evidence: &layout::Evidence,
    ) -> Result<(), Unshown> {
        let about = match evidence.about() {
            About::NoPayment => None,
            About::Payment(payment) => Some(payment),
            About::RecordBefore => before,
        };
        let waits = |about: &Sequence| self.positions.contains(about) || self.attempts.contains(about);
        let Some(about) = about.filter(waits) else { return Ok(()) };
        let bytes = match (!record.is_erased()).then(|| Texts::read(record)) {
            None => None,
            Some(Ok(Texts::Document(document))) => Some(document),
            Some(Ok(_)) => unreachable!("evidence is a document"),
            Some(Err(source)) => return Err(FaultKind::Texts { sequence, source }.into()),
        };
        let document = Document::new(frame.header(), sequence, about, record, evidence, bytes);
        match self.positions.contains(&about) {
            true => self.print.document(&document)?,
            false => self.undecided.push(document),
        }
        Ok(())
    }
}

impl Document {
    fn new(
        header: &FrameHeader,
        sequence: Sequence,
        about: Sequence,
        record: &Record<'_>,
        evidence: &layout::Evidence,
        bytes: Option<Vec<u8>>,
    ) -> Self {
        let checked = "records are checked when they are read";
        let passage = match Passage::from_number(evidence.passage).expect(checked) {
            Passage::Received => "received",
            Passage::Sent => "sent",
        };
        let message = MessageName::from_bytes(evidence.message_name).expect(checked);
        let fields = Fields::default()
            .with("passage", passage)
            .with("message", message.as_str())
            .with("payment_id", rows::payment_id(header, about))
            .with_some("counterpart", Bic::from_bytes(evidence.counterpart).map(|bic| bic.to_string()))
            .with("time", rows::instant(header.time))
            .with("sequence", sequence.0)
            .with("principal", record.principal.0)
            .with("length", evidence.document_length.get());
        let name = format!("{:020}-{passage}-{}.xml", sequence.0, message.as_str());
        Self { about, fields, name, bytes }
    }
}

/// Where documents go.
struct Print<'o> {
    /// They become files of this folder.
    folder: Option<&'o Path>,
    json: bool,
    out: &'o mut dyn Write,
    /// How many there were.
    count: u64,
}

impl Print<'_> {
    fn document(&mut self, document: &Document) -> io::Result<()> {
        self.count += 1;
        let mut fields = document.fields.clone();
        let Some(bytes) = &document.bytes else {
            return self.row(&fields.with("document", "erased"));
        };
        if let Some(folder) = self.folder {
            let path = folder.join(&document.name);
            // The bytes are those of a bank's customer.
            let mut file =
                OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&path)?;
            file.write_all(bytes)?;
            return self.row(&fields.with("file", path.display().to_string()));
        }
        if self.json {
            fields = fields.with("document", String::from_utf8_lossy(bytes).into_owned());
            return self.row(&fields);
        }
        self.row(&fields)?;
        self.out.write_all(bytes)?;
        writeln!(self.out, "\n")
    }

    fn row(&mut self, fields: &Fields) -> io::Result<()> {
        if self.json {
            let fields = Fields::default().with("type", "evidence").and(fields.clone());
            fields.write_json(self.out)?;
            return writeln!(self.out);
        }
        fields.write_text(self.out, 0, "document")
    }
}

#[cfg(test)]
#[path = "evidence_tests.rs"]
mod tests;
