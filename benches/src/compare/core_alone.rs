//! The core alone: a ledger of many accounts applies full frames of payments on one thread, without a log and
//! without a network.
//!
//! The frames are written beforehand, with hints at the accounts as an edge gives them. Applying one includes reading
//! its records, looking for duplicates, and the postings.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use journal::FRAME_LENGTH_MAX;
use ledger::{
    Ledger, Limits, LiquidityDirection, Position, Profile, ReadAhead, RecordWriter, Records, RequestId,
    TransferLiquidity, Verdict,
};
use loadgen::{LOAD_BANKS, Latency, LoadAccount};
use serde_json::json;
use types::{
    AccountNumber, Amount, Channel, ClusterId, Currency, DigestKey, Incarnation, PaymentOrder, PaymentState,
    PrincipalNumber, Sequence, Text, Timestamp,
};

use super::node::{account, register_banks};
use super::trial::{Experiment, Figures};

/// The accounts of the ledger.
const ACCOUNTS: u32 = 1_000_000;

/// What is left of a frame's room for the outcomes of earlier frames and the head.
const RECORDS_LENGTH_MAX: usize = FRAME_LENGTH_MAX / 4 * 3;

/// Room for the payments of all trials: a table that has to grow would be measured too.
const PAYMENTS_MAX: usize = 40 << 20;

/// Accounts that are opened by one frame.
const OPENINGS_AT_ONCE: u32 = 1024;

/// Long after 1970, so that no time is before it.
const START: i64 = 1_790_000_000_000_000_000;

/// The log time between two frames.
const FRAME_DISTANCE: types::Duration = types::Duration::from_milliseconds(1);

const KEY: DigestKey = DigestKey::new([7; 16]);

/// A ledger, and frames for it.
pub(crate) struct CoreAlone {
    ledger: Ledger,
    position: Position,
    /// By the index of the account.
    hints: Vec<AccountNumber>,
    payments_per_trial: u32,
    payments: u64,
    frames: Vec<Frame>,
}

/// A frame's records, and the time at which it is applied.
struct Frame {
    commands: RecordWriter,
    time: Timestamp,
}

impl CoreAlone {
    /// Opens the accounts.
    pub(crate) fn new(payments_per_trial: u32) -> anyhow::Result<Self> {
        let mut core = Self::with_accounts(ACCOUNTS, payments_per_trial)?;
        // How fast the operating system gives memory is not what is measured.
        core.ledger.make_ready(PAYMENTS_MAX);
        Ok(core)
    }

    fn with_accounts(accounts: u32, payments_per_trial: u32) -> anyhow::Result<Self> {
        let time = Timestamp::from_nanoseconds(START).context("after 1970")?;
        let mut core = Self {
            ledger: Ledger::new(Limits { payments_max: PAYMENTS_MAX, ..Limits::default() }),
            position: Position { sequence: Sequence(0), time },
            hints: Vec::new(),
            payments_per_trial,
            payments: 0,
            frames: Vec::new(),
        };
        core.apply_one(|commands| {
            commands.genesis(ClusterId([1; 16]), Incarnation(1));
            commands.set_profile(&Profile::sct_inst_2025());
            register_banks(commands);
            fund_banks(commands);
        })?;
        let mut opened = 0;
        while opened < accounts {
            let next = (opened + OPENINGS_AT_ONCE).min(accounts);
            core.apply_one(|commands| {
                (opened..next).for_each(|index| commands.open_account(&account(index)))
            })?;
            opened = next;
        }
        for index in 0..accounts {
            let iban = LoadAccount::at(index).iban();
            let found = core.ledger.account(&KEY, iban.as_str(), Currency::EUR);
            core.hints.push(found.context("an account is missing")?.0);
        }
        Ok(core)
    }

    fn apply_one(&mut self, write: impl FnOnce(&mut RecordWriter)) -> anyhow::Result<()> {
        let mut commands = RecordWriter::new(KEY, PrincipalNumber(1));
        write(&mut commands);
        let time = self.position.time.plus(FRAME_DISTANCE);
        apply(&mut self.ledger, &mut self.position, &Frame { commands, time })?;
        Ok(())
    }

    /// Writes the frames of a trial.
    fn write_frames(&mut self) {
        self.frames.clear();
        let mut time = self.position.time;
        let last = self.payments + u64::from(self.payments_per_trial);
        while self.payments < last {
            time = time.plus(FRAME_DISTANCE);
            let mut commands = RecordWriter::new(KEY, PrincipalNumber(1));
            while self.payments < last && commands.length() < RECORDS_LENGTH_MAX {
                self.write_payment(&mut commands, time);
            }
            self.frames.push(Frame { commands, time });
        }
    }

    fn write_payment(&mut self, commands: &mut RecordWriter, time: Timestamp) {
        self.payments += 1;
        let accounts = u64::try_from(self.hints.len()).expect("64 bits");
        let payer = mixed(self.payments) % accounts;
        let payee = (payer + 1 + mixed(!self.payments) % (accounts - 1)) % accounts;
        let places = [payer, payee].map(|index| usize::try_from(index).expect("an index of a list"));
        let [payer, payee] =
            places.map(|place| LoadAccount::at(u32::try_from(place).expect("fewer than 2^32 accounts")));
        let [debtor, creditor] = [payer, payee].map(|account| account.iban());
        let number = self.payments;
        let order = crate::order(&format!("CORE-ALONE-{number:012}"), debtor, creditor, time);
        let order =
            PaymentOrder { debtor_agent: payer.bank().bic(), creditor_agent: payee.bank().bic(), ..order };
        let hints = places.map(|place| self.hints[place]);
        let debtor_digest = KEY.iban(debtor.as_str());
        let hint = |digest, _| hints[usize::from(digest != debtor_digest)];
        commands.payment(&order, time, Channel::Grpc, hint);
    }
}

/// Gives the banks more than random payments between them can use up.
fn fund_banks(commands: &mut RecordWriter) {
    for bank in &LOAD_BANKS {
        let request_id = RequestId::parse(&format!("compare-fund-{}", bank.country()));
        commands.transfer_liquidity(&TransferLiquidity {
            request_id: request_id.expect("printable and short"),
            bic: bank.bic(),
            direction: LiquidityDirection::Fund,
            amount: Amount::from_minor_units(Amount::MINOR_UNITS_MAX).expect("the maximum is an amount"),
            currency: Currency::EUR,
            external_reference: Text::parse("COMPARE").expect("short and plain"),
        });
    }
}

/// Spreads numbers so that no pattern connects them.
fn mixed(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 24
}

/// Applies a frame as the engine does, and tells how many of its commands did what they say.
fn apply(ledger: &mut Ledger, at: &mut Position, frame: &Frame) -> anyhow::Result<u32> {
    let Frame { commands, time } = frame;
    at.sequence = at.sequence.next();
    at.time = *time;
    ledger.reserve_for_frame(usize::try_from(commands.count()).expect("32 bits"));
    ledger.tick(*at);
    let mut done = 0;
    let mut records = ReadAhead::new(Records::new(commands.records(), commands.texts()));
    while let Some(record) = records.next(|record| ledger.prefetch(record)) {
        at.sequence = at.sequence.next();
        let outcome = ledger.apply(*at, &record?)?;
        done += u32::from(match outcome.verdict {
            Verdict::Payment { state, repeat_of, .. } => {
                state == PaymentState::Settled && repeat_of.is_none()
            }
            Verdict::Done { repeat_of, .. } => repeat_of.is_none(),
            Verdict::Refused { .. }
            | Verdict::Answer { .. }
            | Verdict::AskAgain
            | Verdict::NotActive { .. }
            | Verdict::LegBooked { .. }
            | Verdict::RequestEnded { .. }
            | Verdict::HoldExpired { .. }
            | Verdict::NotExecuted { .. }
            | Verdict::OrderEnded { .. }
            | Verdict::PackageComplete { .. } => false,
        });
    }
    ensure!(done == commands.count(), "{done} of {} commands did what they say", commands.count());
    Ok(done)
}

impl Experiment for CoreAlone {
    const DURABLE: bool = false;

    async fn ready(&mut self) -> anyhow::Result<()> {
        self.write_frames();
        Ok(())
    }

    async fn run(&mut self, _: bool) -> anyhow::Result<Vec<Figures>> {
        let start = Instant::now();
        let mut settled = 0;
        for frame in &self.frames {
            settled += apply(&mut self.ledger, &mut self.position, frame)?;
        }
        let elapsed = start.elapsed().max(Duration::from_nanos(1));
        let figures = Figures {
            side: "core",
            per_second: f64::from(settled) / elapsed.as_secs_f64(),
            latency: Latency::default(),
            refusal_latency: Latency::default(),
            details: json!({
                "payments": settled,
                "frames": self.frames.len(),
                "elapsed_seconds": elapsed.as_secs_f64(),
                "payments_known_before": self.ledger.payment_count() - usize::try_from(settled)?,
            }),
        };
        Ok(vec![figures])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_payment_settles_trial_after_trial() {
        let mut core = CoreAlone::with_accounts(3_000, 5_000).unwrap();
        for trial in 1..=2 {
            core.ready().await.unwrap();
            assert!(core.frames.len() > 1, "more than one frame");
            let figures = core.run(true).await.unwrap();
            assert_eq!(figures[0].details["payments"], 5_000);
            assert_eq!(core.ledger.payment_count(), trial * 5_000);
            core.ledger.validate();
        }
    }
}
