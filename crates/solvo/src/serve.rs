//! `solvo serve`: a node until it is told to stop.

use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::ensure;
use engine::{Config, FollowerSettings};
use iso20022::Profile;
use journal::SegmentSize;
use ledger::Limits;
use server::{
    HttpBanks, Identities, IdentityFiles, IsoSettings, Keeping, OtherBanks, OtherBanksFiles, ServerLimits,
};
use tokio::signal::unix::{SignalKind, signal};
use types::{Bic, Duration, Sequence};

use crate::backup::catalogue::CATALOGUE;
use crate::master_key::MasterKeyArgs;
use crate::new_master_key::NewMasterKeyArgs;
use crate::node::{KeepSettings, Node, ReceiptSettings};
use crate::receipt::parse_interval;

/// Runs a node on a folder.
///
/// The folder is made if it does not exist. SIGTERM and SIGINT finish the calls under way, end the log in a
/// marker, and exit with 0. A failed write or sync ends the process with 74; restart it when the cause is mended.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  solvo serve --data ./solvo-data --listen 127.0.0.1:7400\n\nWith mutual TLS (`solvo dev-certs` makes a trial set):\n  solvo serve --data ./solvo-data --listen 192.0.2.1:7400 --tls-certificate server.pem --tls-key server.key \\\n      --tls-client-ca ca.pem --principals principals.toml"
)]
pub(crate) struct ServeArgs {
    /// The folder of the log.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where to listen. Loopback only, unless there is TLS: without it whoever reaches the node is its operator.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400", value_parser = parse_listen)]
    listen: SocketAddr,
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    master_key: MasterKeyArgs,
    #[command(flatten)]
    new_master_key: NewMasterKeyArgs,
    /// Room for accounts, 64 bytes each beside their index. Memory is taken as they come.
    #[arg(long, value_name = "N", default_value_t = Limits::default().accounts_max)]
    accounts_max: usize,
    /// Room for payments in memory, 120 bytes each beside their index.
    ///
    /// With more than half of them or four million, the oldest that are final go to disk, in runs of a sixteenth, at most a
    /// million, and are recognised there for five days: 145 bytes a payment, and 19 bits in memory. Below 256 nothing goes to disk.
    #[arg(long, value_name = "N", default_value_t = Limits::default().payments_max)]
    payments_max: usize,
    /// Make memory ready for so many payments at the start, 120 bytes each, within the room for them.
    ///
    /// Where the operating system gives memory slowly, page by page, payments would wait for it under full load.
    #[arg(long, value_name = "N", default_value_t = 1 << 20)]
    payments_ready: usize,
    /// Room for the other requests of the last five days, 96 bytes each beside their index.
    #[arg(long, value_name = "N", default_value_t = Limits::default().requests_max)]
    requests_max: usize,
    /// Payments of orders that may be under way at once: fewer leave more room to others, and take files longer.
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u16).range(1..=16384))]
    orders_under_way: u16,
    /// Take no more commands a second than this, to try out what callers do when a node is overloaded.
    #[arg(long, value_name = "N")]
    commands_per_second_max: Option<NonZeroU32>,
    /// Pass over the command at this position, on which every start dies, and let it be decided anew when it is sent
    /// again. May be given several times.
    ///
    /// Refused unless a replay fails at exactly this command and the log tells no outcome of it. The folder is copied
    /// first, by you: docs/operations.md, "A start that dies".
    #[arg(long, value_name = "SEQ")]
    void: Vec<u64>,
    /// The file of the key that signs receipts. It is made if there is none; without this option it is `receipt-key` in the
    /// folder of the log.
    #[arg(long, value_name = "FILE")]
    receipt_key: Option<PathBuf>,
    /// How much log time a checkpoint of receipts covers.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = parse_interval)]
    receipt_interval: Duration,
    #[command(flatten)]
    snapshots: SnapshotArgs,
    /// What becomes of elements of ISO 20022 that the scheme leaves out: `sct-inst-2025` refuses them with FF01,
    /// `pass-through` keeps and forwards them.
    #[arg(long, value_name = "PROFILE", default_value = "sct-inst-2025", value_parser = parse_profile)]
    iso_profile: Profile,
    /// The BIC with which this node signs business application headers. Without one it signs with the receiver's.
    #[arg(long, value_name = "BIC", value_parser = Bic::parse)]
    iso_bic: Option<Bic>,
    #[command(flatten)]
    other_banks: OtherBanksArgs,
    /// Keep no history: payments, entries and balances of the past can't be asked for. A later start without this
    /// catches up, unless segments have left the archive meanwhile (`--archive-keep`), which do not wait for it then.
    #[arg(long)]
    without_history: bool,
    /// Run beside another system that decides: take a copy of its payments, keep books of one's own, and tell banks nothing
    /// (docs/migration.md).
    ///
    /// The folder is one for that alone, for ever: its log never becomes the one that decides, and a log that decides is never
    /// run like this.
    #[arg(long, conflicts_with = "other_banks")]
    parallel: bool,
    /// Leave the business date to the operators, who move it on with `solvo calendar --roll`.
    #[arg(long)]
    business_date_by_operators: bool,
}

/// Snapshots, from which a start goes on, and what becomes of the log before them.
#[derive(Debug, clap::Args)]
struct SnapshotArgs {
    /// Write a snapshot of the state after so many bytes of log, and after an hour at the latest.
    ///
    /// A start reads the newest snapshot and the log after it. Two are kept; older segments move to DIR/archive.
    #[arg(long, value_name = "BYTES", default_value_t = FollowerSettings::default().snapshot_after_bytes)]
    snapshot_after_bytes: u64,
    /// Take fewer payments while more bytes of log than this have come since the newest snapshot.
    #[arg(long, value_name = "BYTES", default_value_t = FollowerSettings::default().log_bytes_since_snapshot_max)]
    log_bytes_since_snapshot_max: u64,
    /// How long archived segments are kept: a number of days, hours or minutes, such as 400d, or forever.
    ///
    /// What is removed is named in the node's log, and is kept until history and receipts have taken it in. Without it old
    /// payments can't be shown with their texts, the log can't be verified from its beginning, and a history that is made
    /// anew begins with the oldest snapshot.
    #[arg(long, value_name = "DURATION", default_value = "forever", value_parser = parse_keep)]
    archive_keep: Keep,
}

/// How long archived segments are kept; `None` is for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Keep(Option<types::Duration>);

/// How other banks are asked whether a name is that of one of their customers (docs/verification.md). The files are read
/// at the start.
#[derive(Debug, clap::Args)]
struct OtherBanksArgs {
    /// The banks that can be asked, and the URL of each, in TOML.
    #[arg(long, value_name = "FILE")]
    other_banks: Option<PathBuf>,
    /// The certificate that is shown to them, in PEM.
    #[arg(long, value_name = "FILE", requires_all = ["other_banks", "other_banks_key", "other_banks_ca"])]
    other_banks_certificate: Option<PathBuf>,
    /// The key of that certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "other_banks_certificate")]
    other_banks_key: Option<PathBuf>,
    /// The authorities of the other banks' certificates, in PEM.
    #[arg(long, value_name = "FILE", requires = "other_banks_certificate")]
    other_banks_ca: Option<PathBuf>,
}

impl OtherBanksArgs {
    /// Reads the files, if there are any.
    fn load(&self) -> anyhow::Result<Option<Arc<dyn OtherBanks>>> {
        let Some(banks) = self.other_banks.clone() else { return Ok(None) };
        let files = (&self.other_banks_certificate, &self.other_banks_key, &self.other_banks_ca);
        let identity = match files {
            (Some(certificate), Some(key), Some(ca)) => Some([certificate, key, ca].map(PathBuf::clone)),
            _ => None,
        };
        let banks = HttpBanks::load(&OtherBanksFiles { banks, identity })?;
        tracing::info!(banks = banks.count(), "other banks can be asked about their customers");
        Ok(Some(banks))
    }
}

/// Reads `400d`, `36h`, `90m` or `forever`.
fn parse_keep(text: &str) -> Result<Keep, String> {
    if text == "forever" {
        return Ok(Keep(None));
    }
    let mistake =
        || "give a number of days, hours or minutes, such as 400d, 36h or 90m, or forever".to_owned();
    let unit = text.char_indices().next_back().ok_or_else(mistake)?;
    let seconds = match unit.1 {
        'd' => 86_400,
        'h' => 3600,
        'm' => 60,
        _ => return Err(mistake()),
    };
    let count: i64 = text[..unit.0].parse().map_err(|_| mistake())?;
    let nanoseconds = count.checked_mul(seconds).and_then(|seconds| seconds.checked_mul(1_000_000_000));
    let keep = nanoseconds.filter(|nanoseconds| *nanoseconds > 0).and_then(types::Duration::from_nanoseconds);
    keep.map(|keep| Keep(Some(keep))).ok_or_else(mistake)
}

impl SnapshotArgs {
    fn settings(&self) -> anyhow::Result<FollowerSettings> {
        let Self { snapshot_after_bytes, log_bytes_since_snapshot_max, archive_keep: Keep(archive_keep) } =
            *self;
        ensure!(snapshot_after_bytes >= 1 << 20, "--snapshot-after-bytes is at least 1048576");
        ensure!(
            log_bytes_since_snapshot_max / 2 >= snapshot_after_bytes,
            "--log-bytes-since-snapshot-max is at least twice --snapshot-after-bytes, so that there is time to write one"
        );
        Ok(FollowerSettings {
            snapshot_after_bytes,
            log_bytes_since_snapshot_max,
            archive_keep,
            ..FollowerSettings::default()
        })
    }
}

fn parse_profile(text: &str) -> Result<Profile, String> {
    match text {
        "sct-inst-2025" => Ok(Profile::SctInst2025),
        "pass-through" => Ok(Profile::PassThrough),
        _ => Err("give sct-inst-2025 or pass-through".to_owned()),
    }
}

/// Mutual TLS, and who the certificates stand for. All four files are read again when they change, and on SIGHUP.
#[derive(Debug, clap::Args)]
struct IdentityArgs {
    /// The node's certificate and those that lead to its authority, in PEM. Turns TLS on.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// The key of the node's certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_client_ca")]
    tls_key: Option<PathBuf>,
    /// The authorities that sign clients' certificates, in PEM.
    #[arg(long, value_name = "FILE", requires = "principals")]
    tls_client_ca: Option<PathBuf>,
    /// Who the clients' certificates stand for, and what they may do, in TOML (docs/identity.md).
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    principals: Option<PathBuf>,
}

impl IdentityArgs {
    /// Reads the files, if there are any.
    fn load(&self) -> anyhow::Result<Option<Arc<Identities>>> {
        let Self { tls_certificate, tls_key, tls_client_ca, principals } = self;
        let (Some(certificate), Some(key), Some(client_ca), Some(principals)) =
            (tls_certificate.clone(), tls_key.clone(), tls_client_ca.clone(), principals.clone())
        else {
            return Ok(None);
        };
        Ok(Some(Identities::load(IdentityFiles { certificate, key, client_ca, principals })?))
    }
}

/// Prints a line for whoever started this. If nobody reads it any more, the node goes on.
pub(crate) fn tell(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Has every replay pass over a command.
async fn void(config: Config, sequence: Sequence) -> anyhow::Result<()> {
    match tokio::task::spawn_blocking(move || engine::void(&config, sequence)).await?? {
        Some(void) => {
            let (batch, kind) = (void.batch, void.kind);
            tracing::warn!(%sequence, %batch, kind, "the command is voided: every replay passes over it");
        }
        None => tracing::info!(%sequence, "the command was voided before"),
    }
    Ok(())
}

/// More than any machine has memory for.
const ROOM_MAX: usize = 1 << 30;

/// An address is numbers, because a name may stand for several, and not all of them loopback.
pub(crate) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "give an address and a port in numbers, such as 127.0.0.1:7400 or [::1]:7400".to_owned())
}

/// Runs the node until a signal comes.
pub(crate) async fn run(arguments: &ServeArgs) -> anyhow::Result<ExitCode> {
    // Asked for before the node is ready, so that no signal is missed.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    // Before the log is touched: a wrong file is a wrong command.
    let identities = arguments.identity.load()?;
    let other_banks = arguments.other_banks.load()?;
    let master_key = arguments.new_master_key.in_force(&arguments.data, &arguments.master_key)?;
    for (name, room) in [
        ("accounts-max", arguments.accounts_max),
        ("payments-max", arguments.payments_max),
        ("requests-max", arguments.requests_max),
    ] {
        ensure!((1..=ROOM_MAX).contains(&room), "--{name} is a number from 1 to {ROOM_MAX}");
    }
    ensure!(
        !arguments.data.join(CATALOGUE).exists(),
        "{} is a backup, and would be none once a node had written to it: make a folder of it with `solvo restore`",
        arguments.data.display()
    );
    let limits = Limits {
        accounts_max: arguments.accounts_max,
        payments_max: arguments.payments_max,
        requests_max: arguments.requests_max,
    };
    let config = Config {
        folder: arguments.data.clone(),
        segment_size: SegmentSize::DEFAULT,
        limits,
        payments_ready: arguments.payments_ready,
        commands_per_second_max: arguments.commands_per_second_max,
        master_key,
        follower: arguments.snapshots.settings()?,
        is_parallel: arguments.parallel,
    };
    for sequence in &arguments.void {
        void(config.clone(), Sequence(*sequence)).await?;
    }
    let iso = IsoSettings { profile: arguments.iso_profile, bic: arguments.iso_bic };
    let orders_under_way = usize::from(arguments.orders_under_way);
    let edge = ServerLimits { iso, orders_under_way, ..ServerLimits::default() };
    let receipts =
        ReceiptSettings { key: arguments.receipt_key.clone(), interval: arguments.receipt_interval };
    let new_master_key = arguments.new_master_key.source();
    let calendar = Some(Keeping { business_date: !arguments.business_date_by_operators });
    let keep =
        KeepSettings { history: !arguments.without_history, receipts, new_master_key, calendar, other_banks };
    let mut node = tokio::select! {
        node = Node::start_as(identities.clone(), arguments.listen, config, edge, keep) => node?,
        // Recovery only reads, up to its very end, and a node that has not been claimed has nobody to answer.
        _ = terminate.recv() => std::process::exit(0),
        _ = interrupt.recv() => std::process::exit(0),
    };
    tracing::info!(address = %node.address(), folder = %arguments.data.display(), "serving");
    if arguments.parallel {
        tracing::warn!(
            "this node runs beside another system: it decides nothing that counts, and tells banks nothing"
        );
    }
    // For scripts and tests that wait until the node is ready.
    tell(format_args!("listening on {}", node.address()));
    loop {
        tokio::select! {
            _ = terminate.recv() => break tracing::info!("SIGTERM"),
            _ = interrupt.recv() => break tracing::info!("SIGINT"),
            error = node.ended() => return Err(error),
            _ = hang_up.recv() => {
                if let Some(identities) = identities.clone() {
                    tracing::info!("SIGHUP: the files of identity are read again");
                    tokio::task::spawn_blocking(move || identities.reload()).await?;
                }
            }
        }
    }
    node.stop().await?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_keep_is_a_number_and_a_unit() {
        let seconds = |seconds| Ok(Keep(Some(types::Duration::from_seconds(seconds))));
        assert_eq!(parse_keep("400d"), seconds(400 * 86_400));
        assert_eq!(parse_keep("36h"), seconds(36 * 3600));
        assert_eq!(parse_keep("90m"), seconds(90 * 60));
        assert_eq!(parse_keep("forever"), Ok(Keep(None)));
        for text in ["", "d", "400", "0d", "-1d", "4y", "9999999999999d", "für immer", "5€"] {
            assert!(parse_keep(text).is_err(), "{text}");
        }
    }
}
