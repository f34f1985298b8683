//! The node that is measured, and the process that opens its accounts beforehand.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::{Context, ensure};
use engine::{Config, Engine, Handle, NotTaken, Waiting};
use journal::SegmentSize;
use ledger::{
    AccountKind, AccountMode, Limits, OpenAccount, Outcome, RecordWriter, RegisterParticipant, RequestId,
    Verdict,
};
use loadgen::{LOAD_BANKS, opening};
use server::{Caller, ServerLimits};
use types::{Balance, Bic, Currency, Iban, Text};

use super::process::tell;
use super::serving::serve;

/// Accounts that are opened by one submission.
const OPENINGS_AT_ONCE: u32 = 1024;

/// Submissions that may be under way.
const SUBMISSIONS_MAX: usize = 32;

/// Progress is told every so many accounts.
const TOLD_EVERY: u32 = 100 * OPENINGS_AT_ONCE;

/// A node in this process: what `solvo serve` does, until whoever started this process lets it end.
#[derive(Debug, clap::Args)]
pub(crate) struct NodePart {
    /// The folder of the log.
    #[arg(long)]
    folder: PathBuf,
    /// What the core takes at most, for measuring overload.
    #[arg(long)]
    commands_per_second_max: Option<NonZeroU32>,
    /// Payments for which memory is made ready at the start.
    #[arg(long, default_value_t = PAYMENTS_READY)]
    payments_ready: usize,
}

/// Opens accounts in a new folder and ends.
#[derive(Debug, clap::Args)]
pub(crate) struct PopulatePart {
    /// The folder of the log.
    #[arg(long)]
    folder: PathBuf,
    /// How many accounts.
    #[arg(long)]
    accounts: u32,
}

impl NodePart {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let engine = start(&self.folder, self.payments_ready, self.commands_per_second_max)?;
        let handle = engine.handle();
        serve(|listener, stop| async move {
            let stopped = async { drop(stop.await) };
            Ok(server::serve(listener, handle, ServerLimits::default(), stopped).await?)
        })?;
        engine.stop();
        Ok(())
    }
}

/// More than a node gets before it is replaced: how fast the operating system gives memory is not what is measured.
const PAYMENTS_READY: usize = 20_000_000;

fn start(
    folder: &Path,
    payments_ready: usize,
    commands_per_second_max: Option<NonZeroU32>,
) -> anyhow::Result<Engine> {
    let config = Config {
        folder: folder.to_owned(),
        segment_size: SegmentSize::DEFAULT,
        limits: Limits::default(),
        payments_ready,
        commands_per_second_max,
        master_key: None,
        follower: engine::FollowerSettings::default(),
        is_parallel: false,
    };
    engine::start(&config).context("the engine does not start")
}

impl PopulatePart {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let engine = start(&self.folder, 0, None)?;
        let (sender, outcomes) = sync_channel(SUBMISSIONS_MAX);
        let mut populating = Populating { handle: engine.handle(), sender, outcomes, under_way: 0 };
        populating.submit(register_banks)?;
        populating.settle(0)?;
        let mut opened = 0;
        while opened < self.accounts {
            let next = (opened + OPENINGS_AT_ONCE).min(self.accounts);
            populating
                .submit(|commands| (opened..next).for_each(|index| commands.open_account(&account(index))))?;
            populating.settle(SUBMISSIONS_MAX - 1)?;
            opened = next;
            if opened.is_multiple_of(TOLD_EVERY) {
                tell(&opened.to_string())?;
            }
        }
        populating.settle(0)?;
        engine.stop();
        Ok(())
    }
}

/// Submissions to the engine, a bounded number at once.
struct Populating {
    handle: Handle,
    sender: SyncSender<bool>,
    outcomes: Receiver<bool>,
    under_way: usize,
}

impl Populating {
    fn submit(&mut self, write: impl FnOnce(&mut RecordWriter)) -> anyhow::Result<()> {
        let mut commands = self.handle.commands(Caller::LOOPBACK.principal);
        write(&mut commands);
        loop {
            let sender = self.sender.clone();
            let sink = move |outcomes: &[Outcome], _: &mut Waiting<'_>| {
                let done = outcomes.iter().all(|outcome| matches!(outcome.verdict, Verdict::Done { .. }));
                // There is room for all that are under way; if nobody listens any more, it has failed already.
                let _ = sender.try_send(done);
            };
            match self.handle.submit(commands.clone(), Box::new(sink)) {
                Err(NotTaken::Overloaded) if self.under_way > 0 => self.settle(self.under_way - 1)?,
                submitted => {
                    submitted.context("the engine takes no accounts")?;
                    self.under_way += 1;
                    return Ok(());
                }
            }
        }
    }

    /// Waits until at most so many are under way.
    fn settle(&mut self, under_way_max: usize) -> anyhow::Result<()> {
        while self.under_way > under_way_max {
            ensure!(self.outcomes.recv().context("the engine has ended")?, "an account was refused");
            self.under_way -= 1;
        }
        Ok(())
    }
}

/// Writes the banks of load runs.
pub(crate) fn register_banks(commands: &mut RecordWriter) {
    for bank in &LOAD_BANKS {
        commands.register_participant(&RegisterParticipant {
            request_id: request_id(&format!("compare-register-{}", bank.country())),
            bic: bank.bic(),
            name: text(bank.name()),
            mode: AccountMode::Hosted,
            currency: Currency::EUR,
        });
    }
}

/// The account of load runs at an index, as the ledger takes it.
pub(crate) fn account(index: u32) -> OpenAccount {
    let opening = opening(index);
    let account = opening.account.expect("an opening has an account");
    OpenAccount {
        request_id: request_id(&opening.request_id),
        participant: Bic::parse(&account.participant).expect("load banks have valid codes"),
        iban: Iban::parse(&account.iban).expect("load banks give valid numbers"),
        currency: Currency::EUR,
        kind: AccountKind::Current,
        floor: Balance::parse(&account.floor, Currency::EUR).expect("a decimal within the limit"),
        holder_names: account.holder_names.iter().map(|name| text(name)).collect(),
        identification: None,
    }
}

fn request_id(id: &str) -> RequestId {
    RequestId::parse(id).expect("printable and short")
}

fn text<const MAX: usize>(value: &str) -> Text<MAX> {
    Text::parse(value).expect("short and without control characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_those_of_load_runs() {
        let account = account(3);
        assert_eq!(account.participant, LOAD_BANKS[1].bic());
        assert_eq!(account.iban, LOAD_BANKS[1].customer_iban(2));
        assert!(account.floor.minor_units() < 0);
    }

    #[test]
    fn a_folder_is_populated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node");
        PopulatePart { folder: path.clone(), accounts: 3_000 }.run().unwrap();
        // The same once more is refused by no one: every request is known.
        PopulatePart { folder: path, accounts: 10 }.run().unwrap();
    }
}
