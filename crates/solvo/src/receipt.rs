//! `solvo receipt`: proof that a payment was settled, and how anybody checks it.
//!
//! Invariants:
//! - `verify` needs the receipt and the public key, and nothing else: no node, no folder, no network.
//! - `get --data` writes nothing and takes no lock, so it works beside a running node and in a read-only folder.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use client::v1;
use history::receipts::{
    Balances, Checkpoints, Facts, INTERVAL, Keeper, LogOf, Progress, PublicKey, Receipt, Sides, SigningKey,
    Worker,
};
use journal::{
    FileStorage, FrameSource, Identity, Journal as _, Keyring, LocalJournal, MasterKey, ReadError, Reader,
    SegmentSize, Settings, Tail, VisitFrame,
};
use ledger::{Command, Records};
use types::{Balance, BatchNumber, ClusterId, DigestKey, Duration, Located, PaymentId, Sequence};

use crate::inspect::fields::{Fields, Value};
use crate::master_key::MasterKeyArgs;
use crate::remote::{self, TlsArgs};

/// Where a node keeps its checkpoints, within the folder of its log.
pub(crate) const RECEIPTS_FOLDER: &str = "receipts";

/// Where a node keeps the key that signs them, if nothing else is said. Not beside them: they can be made again.
pub(crate) const KEY_FILE: &str = "receipt-key";

/// Gets and checks receipts: proof that a payment was settled, which needs no node to be checked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  solvo receipt get 0400131ZF8F55M4VCG00000000000T8 > receipt.json\n  \
                  solvo receipt key > key\n  solvo receipt verify receipt.json --key key")]
pub(crate) struct ReceiptArgs {
    #[command(subcommand)]
    command: ReceiptCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ReceiptCommand {
    Get(GetArgs),
    Verify(VerifyArgs),
    Key(KeyArgs),
    Rebuild(RebuildArgs),
}

/// Prints the receipt of a settled payment, to be kept byte for byte.
///
/// A node gives it to the payer's and the payee's bank, each without the other's balances. With --data it is made from
/// the log in a folder. A payment that was settled a moment ago has its receipt when its checkpoint is complete.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  solvo receipt get 0400131ZF8F55M4VCG00000000000T8 --data ./data > receipt.json"
)]
struct GetArgs {
    /// The payment.
    #[arg(value_name = "ID", value_parser = PaymentId::parse)]
    payment: PaymentId,
    /// Whose balances the receipt shows, with --data.
    #[arg(long, value_name = "SIDE", default_value = "both", requires = "data", value_parser = parse_sides)]
    balances: Sides,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    master: MasterKeyArgs,
}

/// Where to ask.
#[derive(Debug, clap::Args)]
struct From {
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400", conflicts_with = "data")]
    server: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// The folder of a log, in place of a node.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Checks a receipt offline and says what it proves. Exits with 1 if it proves nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo receipt verify receipt.json --key key")]
struct VerifyArgs {
    /// The receipt, as it was given out.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The node's public key: 64 hexadecimal digits, or a file with them.
    #[arg(long, value_name = "PUB")]
    key: String,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Prints the public key by which a node's receipts are checked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo receipt key --data ./data > key")]
struct KeyArgs {
    #[command(flatten)]
    from: From,
    /// The file of the signing key, where it does not lie in the folder of the log.
    #[arg(long, value_name = "FILE", requires = "data")]
    receipt_key: Option<PathBuf>,
}

/// Makes all checkpoints of a log again. No node may use the folder, and the log must begin with its first frame.
///
/// The same log gives the same checkpoints. A node does the same by itself, beside its work, where it finds none.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo receipt rebuild --data ./data")]
struct RebuildArgs {
    /// The folder of the log.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The file of the signing key, where it does not lie in the folder of the log.
    #[arg(long, value_name = "FILE")]
    receipt_key: Option<PathBuf>,
    /// How much log time one checkpoint covers; the node is then to be started with the same.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = parse_interval)]
    receipt_interval: Duration,
    #[command(flatten)]
    master: MasterKeyArgs,
}

fn parse_sides(text: &str) -> Result<Sides, String> {
    match text {
        "both" => Ok(Sides::BOTH),
        "payer" => Ok(Sides { payer: true, payee: false }),
        "payee" => Ok(Sides { payer: false, payee: true }),
        "none" => Ok(Sides { payer: false, payee: false }),
        _ => Err("give both, payer, payee or none".to_owned()),
    }
}

/// Reads how much log time a checkpoint covers.
pub(crate) fn parse_interval(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=3600).contains(seconds));
    seconds.map(Duration::from_seconds).ok_or_else(|| "give 1 to 3600 seconds".to_owned())
}

/// How much log time a checkpoint covers where nothing else is said.
pub(crate) const fn usual_interval() -> Duration {
    INTERVAL
}

/// Runs the command.
///
/// # Errors
/// If there is no receipt, or nothing can be printed.
pub(crate) async fn run(arguments: &ReceiptArgs) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        ReceiptCommand::Get(arguments) => get(arguments).await,
        ReceiptCommand::Verify(arguments) => verify(arguments),
        ReceiptCommand::Key(arguments) => key(arguments).await,
        ReceiptCommand::Rebuild(arguments) => rebuild(arguments),
    }
}

/// How long a call waits for a checkpoint before it is made again, in milliseconds.
const WAIT_MS: u32 = 10_000;

async fn get(arguments: &GetArgs) -> anyhow::Result<ExitCode> {
    let text = match &arguments.from.data {
        Some(folder) => get_from_folder(arguments, folder)?,
        None => {
            let client = remote::connect(&arguments.from.server, &arguments.from.tls).await?;
            let payment_id = arguments.payment.to_string();
            let request = v1::GetReceiptRequest { payment_id, wait_ms: Some(WAIT_MS) };
            client.get_receipt(request).await?.receipt
        }
    };
    print(&text)
}

fn get_from_folder(arguments: &GetArgs, folder: &Path) -> anyhow::Result<String> {
    let log = FolderLog::open(folder)?;
    let (identity, payment) = (log.reader.identity(), arguments.payment);
    let sequence = match log.reader.lives()?.locate(identity.shard, payment) {
        Located::At(sequence) => sequence,
        Located::Lost { restored_upto } => bail!(
            "payment {payment} was lost: the log in {} was restored from a backup up to position {restored_upto}",
            folder.display()
        ),
        Located::Elsewhere => {
            bail!("payment {payment} was given by another log than the one in {}", folder.display())
        }
    };
    let master = arguments.master.read()?;
    let key = digest_key(folder, identity.cluster, master.as_ref(), &log)?;
    let checkpoints = folder.join(RECEIPTS_FOLDER);
    let checkpoints = Checkpoints::open(&checkpoints, identity.cluster, key, Arc::new(log))?;
    let checkpoints =
        checkpoints.context("the folder holds no checkpoints: start a node on it, or rebuild them")?;
    let receipt = checkpoints.receipt(sequence, arguments.balances)?;
    receipt.to_text().context("the receipt has no text")
}

/// The log in a folder that is read without being taken. Each read begins where the log does.
struct FolderLog {
    reader: Reader<FileStorage>,
}

impl FolderLog {
    fn open(folder: &Path) -> anyhow::Result<Self> {
        let storage = FileStorage::open(folder).context("the folder can't be opened")?;
        Ok(Self { reader: Reader::open(storage)? })
    }

    /// Visits the frames after a batch that have a position after this one.
    fn read_behind(
        &self,
        batch: BatchNumber,
        after: Sequence,
        visit: &mut VisitFrame<'_>,
    ) -> Result<(), ReadError> {
        let read = self.reader.read(batch, &mut |frame, _| {
            if frame.header().next_sequence().0 - 1 <= after.0 {
                return Ok(());
            }
            match visit(*frame) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(Enough.into()),
            }
        });
        match read {
            Err(ReadError::Visit { source, .. }) if source.is::<Enough>() => Ok(()),
            read => read.map(drop),
        }
    }
}

/// What a visitor says to end a read that is not at fault.
#[derive(Debug, thiserror::Error)]
#[error("enough has been read")]
struct Enough;

impl FrameSource for FolderLog {
    fn end(&self) -> Tail {
        let read = self.reader.read(BatchNumber(u64::MAX), &mut |_, _| Ok(()));
        read.map_or(Tail::EMPTY, |end| end.tail)
    }

    fn read_after(&self, after: Sequence, visit: &mut VisitFrame<'_>) -> Result<(), ReadError> {
        match self.read_behind(BatchNumber(0), after, visit) {
            // Nothing that is gone was asked for.
            Err(ReadError::Trimmed { first, first_sequence }) if first_sequence <= after.next() => {
                self.read_behind(BatchNumber(first.0 - 1), after, visit)
            }
            read => read,
        }
    }

    fn read_at(&self, positions: &[Sequence], visit: &mut VisitFrame<'_>) -> Result<(), ReadError> {
        let mut wanted = positions;
        let Some(first) = wanted.first() else { return Ok(()) };
        self.read_after(Sequence(first.0.saturating_sub(1)), &mut |frame| {
            let upto = wanted.partition_point(|position| *position < frame.header().next_sequence());
            let holds = upto > 0;
            wanted = &wanted[upto..];
            let flow = if holds { visit(frame) } else { ControlFlow::Continue(()) };
            if wanted.is_empty() { ControlFlow::Break(()) } else { flow }
        })
    }
}

/// The key of the log's digests: from beside the log, or of an older one from its first record.
fn digest_key(
    folder: &Path,
    cluster: ClusterId,
    master: Option<&MasterKey>,
    log: &dyn FrameSource,
) -> anyhow::Result<DigestKey> {
    let storage = FileStorage::open(folder).context("the folder can't be opened")?;
    if let Some(key) = Keyring::read(&storage, cluster, master)?.digest_key() {
        return Ok(key);
    }
    let mut found = None;
    log.read_after(Sequence(0), &mut |frame| {
        for record in Records::with_texts(frame.records(), frame.texts()) {
            if let Ok(record) = record
                && let Command::Genesis(genesis) = record.command
            {
                found = Some((genesis.digest_key_id.get(), DigestKey::new(genesis.digest_key.0)));
            }
        }
        if frame.records().is_empty() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
    .context("the log's first record can't be read: ask the node")?;
    match found {
        Some((0, key)) => Ok(key),
        Some(_) => bail!("the key of the log's digests is wrapped: give the master key, or ask the node"),
        None => bail!("the log does not begin with its first record: ask the node"),
    }
}

fn verify(arguments: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let key = public_key(&arguments.key)?;
    let text = std::fs::read(&arguments.file)
        .with_context(|| format!("{} can't be read", arguments.file.display()))?;
    let verified = str::from_utf8(&text).map_err(|_| history::receipts::ReceiptFault::Text);
    let verified = verified.and_then(Receipt::parse).and_then(|receipt| receipt.verify(&key));
    let mut out = io::stdout().lock();
    match (&verified, arguments.json) {
        (Ok(facts), true) => {
            Fields::default().with("ok", true).and(fields(facts, &key)).write_json(&mut out)?;
            writeln!(out)?;
        }
        (Ok(facts), false) => write_facts(facts, &key, &mut out)?,
        (Err(fault), true) => {
            Fields::default().with("ok", false).with("fault", fault.to_string()).write_json(&mut out)?;
            writeln!(out)?;
        }
        (Err(fault), false) => writeln!(io::stderr(), "the receipt proves nothing: {fault}")?,
    }
    Ok(if verified.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A key, or the file that holds it.
fn public_key(text: &str) -> anyhow::Result<PublicKey> {
    if let Some(key) = PublicKey::parse(text) {
        return Ok(key);
    }
    let file = std::fs::read_to_string(text).with_context(|| {
        format!("{text} is no public key (64 hexadecimal digits), and no file that can be read")
    })?;
    PublicKey::parse(file.trim())
        .with_context(|| format!("{text} holds no public key (64 hexadecimal digits)"))
}

fn fields(facts: &Facts, key: &PublicKey) -> Fields {
    let checkpoint = &facts.checkpoint;
    let [payer, payee] = facts.balances;
    Fields::default()
        .with("payment_id", facts.payment.to_string())
        .with("status", "SETTLED")
        .with("debtor_agent", facts.debtor_agent.to_string())
        .with("creditor_agent", facts.creditor_agent.to_string())
        .with("transaction_id", facts.transaction_id.as_str())
        .with("amount", facts.amount.to_decimal(facts.currency))
        .with("currency", facts.currency.code())
        .with("acceptance_time", facts.acceptance_time.to_string())
        .with("settled_at", facts.decided_at.0)
        .with("late", facts.late)
        .with("debtor_side", balances(payer, facts))
        .with("creditor_side", balances(payee, facts))
        .with("cluster", facts.cluster.to_string())
        .with("checkpoint", checkpoint.number)
        .with("told_from", checkpoint.start.to_string())
        .with("told_before", checkpoint.end.to_string())
        .with("last_batch", checkpoint.last_batch.0)
        .with("chain_head", checkpoint.chain_head.to_string())
        .with("signed_by", key.to_string())
}

fn balances(side: Option<Balances>, facts: &Facts) -> Value {
    let decimal = |minor_units| match Balance::from_minor_units(minor_units) {
        Some(balance) => balance.to_decimal(facts.currency),
        None => minor_units.to_string(),
    };
    side.map_or(Value::Null, |side| {
        let fields = Fields::default().with("account", decimal(side.account));
        fields.with("position", decimal(side.position)).into()
    })
}

fn write_facts(facts: &Facts, key: &PublicKey, out: &mut dyn Write) -> io::Result<()> {
    let checkpoint = &facts.checkpoint;
    writeln!(out, "The receipt is good. It proves, by the word of whoever holds the signing key:")?;
    writeln!(out, "  settled     {} {}", facts.amount.to_decimal(facts.currency), facts.currency.code())?;
    writeln!(out, "  from bank   {}, its transaction id {}", facts.debtor_agent, facts.transaction_id)?;
    writeln!(out, "  to bank     {}", facts.creditor_agent)?;
    writeln!(out, "  accepted    {}", facts.acceptance_time)?;
    let late = if facts.late { ", confirmed late" } else { "" };
    writeln!(out, "  payment id  {}, settled at position {}{late}", facts.payment, facts.decided_at)?;
    for (name, side) in ["payer", "payee"].into_iter().zip(facts.balances) {
        if let Value::Fields(side) = balances(side, facts) {
            side.write_text(out, 2, &format!("{name}'s side, balances afterwards:"))?;
        }
    }
    writeln!(out, "  told        from {} to {} of log time", checkpoint.start, checkpoint.end)?;
    writeln!(out, "  log         cluster {}, up to batch {}", facts.cluster, checkpoint.last_batch)?;
    writeln!(out, "  chain head  {}", checkpoint.chain_head)?;
    writeln!(out, "  signed by   {key}, checkpoint {}", checkpoint.number)
}

async fn key(arguments: &KeyArgs) -> anyhow::Result<ExitCode> {
    let text = match &arguments.from.data {
        Some(folder) => {
            let file = arguments.receipt_key.clone().unwrap_or_else(|| folder.join(KEY_FILE));
            SigningKey::load(&file)?.public().to_string()
        }
        None => {
            let client = remote::connect(&arguments.from.server, &arguments.from.tls).await?;
            client.get_receipt_key(v1::GetReceiptKeyRequest {}).await?.text
        }
    };
    print(&format!("{text}\n"))
}

fn rebuild(arguments: &RebuildArgs) -> anyhow::Result<ExitCode> {
    let folder = &arguments.data;
    let storage = FileStorage::open(folder).context("the folder can't be opened")?;
    let mut tag = 0;
    let entropy = Box::new(move || {
        tag += 1;
        tag
    });
    // Nothing is written to the log, so no segment gets a tag.
    let settings = Settings { segment_size: SegmentSize::DEFAULT, entropy };
    let mut journal = LocalJournal::open(storage, None, settings)?;
    let Identity { cluster, .. } = journal.identity();
    let tail = journal.read(BatchNumber(u64::MAX), &mut |_, _| Ok(()))?;
    let source = journal.frame_source();
    check_begins(&*source)?;
    let lives = FolderLog::open(folder)?.reader.lives()?;
    let master = arguments.master.read()?;
    let digest_key = digest_key(folder, cluster, master.as_ref(), &*source)?;
    let signing = arguments.receipt_key.clone().unwrap_or_else(|| folder.join(KEY_FILE));
    let signing = SigningKey::load_or_make(&signing)?;
    let receipts = folder.join(RECEIPTS_FOLDER);
    match std::fs::remove_dir_all(&receipts) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let interval = arguments.receipt_interval;
    let log = LogOf { cluster, digest_key, lives };
    let keeper = Arc::new(Keeper::open(&receipts, signing, log, interval, source)?);
    let mut worker = Worker::new(Arc::clone(&keeper));
    while worker.step()? == Progress::More {}
    let made = keeper.latest().and_then(|last| last.read()).map_or(0, |last| last.number);
    print(&format!("{made} checkpoints up to batch {}\n", tail.batch))
}

/// Checkpoints are numbered from the log's first frame. Without that others would be signed under the same numbers.
fn check_begins(source: &dyn FrameSource) -> anyhow::Result<()> {
    match source.read_after(Sequence(0), &mut |_| ControlFlow::Break(())) {
        Err(ReadError::Trimmed { first, .. }) => bail!(
            "the log begins at batch {first}, so the checkpoints before it can't be made again: keep those that there are, or \
             put a copy of the folder {RECEIPTS_FOLDER} in their place; a node makes those that are missing at the end"
        ),
        read => Ok(read?),
    }
}

fn print(text: &str) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
