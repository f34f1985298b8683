//! How fast and how dependable the service was, by participant: from payments, as history knows them.
//!
//! Three spans are measured, each up to the log's own time: the *way in*, from the start of a payment's clock until it
//! entered the log, for which the payer's bank answers; the *answer*, from there until it was decided, of payments about
//! which a bank was asked; and the *whole*, from the start of the clock to the decision.

use std::collections::BTreeMap;

use history::{Order, PaymentQuery, PaymentRow, StoreError, View};
use types::{Bic, Duration, PaymentState, StatusReason};

use crate::days::Passed;
use crate::settlement::PAYMENTS_PAGE;

/// The scheme's limits: the target, the expiry, the last confirmation and the legal limit, in seconds.
pub const LIMITS_SECONDS: [u32; 4] = [5, 7, 9, 10];

/// A part of a payment's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hop {
    /// From the start of the clock until the payment entered the log. By the payer's bank.
    WayIn,
    /// From there until it was decided, of payments about which a bank was asked. By the payee's bank.
    Answer,
    /// From the start of the clock until it was decided. By the payer's bank.
    Whole,
}

impl Hop {
    /// Every hop.
    pub const ALL: [Self; 3] = [Self::WayIn, Self::Answer, Self::Whole];
}

/// How long something took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// How many were measured.
    pub count: u64,
    /// How many of them took at most so long, in the order of [`LIMITS_SECONDS`].
    pub within: [u64; 4],
    /// The longest.
    pub longest: Duration,
}

impl Latency {
    fn add(&mut self, span: Duration) {
        self.count += 1;
        for (within, limit) in self.within.iter_mut().zip(LIMITS_SECONDS) {
            *within += u64::from(span <= Duration::from_seconds(limit));
        }
        self.longest = self.longest.max(span);
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        for (within, more) in self.within.iter_mut().zip(other.within) {
            *within += more;
        }
        self.longest = self.longest.max(other.longest);
    }
}

/// Whether a bank was there when it was needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Availability {
    /// Payments that needed its answer.
    pub needed: u64,
    /// Those of them that ended because it was not connected or silent.
    pub missed: u64,
}

/// What the service was for one bank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BankService {
    /// How long each part of the way took, in the order of [`Hop::ALL`].
    pub hops: [Latency; 3],
    /// Whether it was there when it was needed.
    pub availability: Availability,
    /// Payments that it sent.
    pub sent: u64,
    /// Those of them that were settled.
    pub settled: u64,
    /// Those of them whose settlement was confirmed late.
    pub late: u64,
    /// Those of them that ended otherwise, by the code that the payer's side was told.
    pub rejected: BTreeMap<[u8; 4], u64>,
}

impl BankService {
    fn merge(&mut self, other: &Self) {
        for (hop, more) in self.hops.iter_mut().zip(&other.hops) {
            hop.merge(more);
        }
        self.availability.needed += other.availability.needed;
        self.availability.missed += other.availability.missed;
        self.sent += other.sent;
        self.settled += other.settled;
        self.late += other.late;
        for (code, count) in &other.rejected {
            *self.rejected.entry(*code).or_default() += count;
        }
    }
}

/// What the service was in a span of time, by bank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceReport {
    /// By bank. Banks that are not registered count as payers' banks of what was refused.
    pub banks: BTreeMap<Bic, BankService>,
}

impl ServiceReport {
    /// Counts the payments that entered the log on a calendar day. `go_on` hears how many have been counted, and says whether
    /// anybody still waits; `None` if not.
    ///
    /// # Errors
    /// If history can't be read.
    pub fn make(
        view: &View,
        passed: Passed,
        wanted: Option<Bic>,
        mut go_on: impl FnMut(u64) -> bool,
    ) -> Result<Option<Self>, StoreError> {
        let query = PaymentQuery {
            from: Some(passed.from.time),
            until: Some(passed.until.time),
            ..PaymentQuery::all(None, Order::OldestFirst)
        };
        let (mut report, mut counted, mut after) = (Self::default(), 0, None);
        loop {
            let page = view.payments(&query, after, PAYMENTS_PAGE)?;
            for row in &page.rows {
                report.count(row, wanted);
                counted += 1;
            }
            after = page.next;
            if !go_on(counted) {
                return Ok(None);
            }
            if after.is_none() {
                return Ok(Some(report));
            }
        }
    }

    /// Adds what another span came to.
    pub fn merge(&mut self, other: &Self) {
        for (bank, service) in &other.banks {
            self.banks.entry(*bank).or_default().merge(service);
        }
    }

    /// All banks together.
    pub fn total(&self) -> BankService {
        let mut total = BankService::default();
        self.banks.values().for_each(|service| total.merge(service));
        total
    }

    fn bank(&mut self, bank: Option<Bic>, wanted: Option<Bic>) -> Option<&mut BankService> {
        let bank = bank.filter(|bank| wanted.is_none_or(|wanted| wanted == *bank))?;
        Some(self.banks.entry(bank).or_default())
    }

    fn count(&mut self, row: &PaymentRow, wanted: Option<Bic>) {
        // An attempt in the name of a bank by somebody else says nothing about the bank.
        if row.is_not_entitled {
            return;
        }
        let (is_final, missed) = (row.state.is_final(), Missed::of(row));
        // Of a payment that waits, that settled by silence, or that an older program took down, it is not known who was
        // asked: nearly always it is the payee's bank.
        let is_known = row.is_debtor_asked || row.is_creditor_asked;
        let has_waited = row.decided_at > row.sequence || !is_final;
        let needs_answer = match is_known {
            true => row.is_creditor_asked,
            false => has_waited && missed != Some(Missed::ByPayer),
        };
        if let Some(sender) = self.bank(Some(row.debtor_agent), wanted) {
            sender.sent += 1;
            sender.settled += u64::from(row.state == PaymentState::Settled);
            sender.late += u64::from(row.is_late);
            let [way_in, _, whole] = &mut sender.hops;
            if let Some(accepted) = row.acceptance_time {
                way_in.add(row.received_time.since(accepted));
                if is_final {
                    whole.add(row.decided_time.since(accepted));
                }
            }
            if let Some(reason) = row.reason.filter(|_| is_final && row.state != PaymentState::Settled) {
                *sender.rejected.entry(*reason.as_bytes()).or_default() += 1;
            }
            let has_missed = missed == Some(Missed::ByPayer);
            sender.availability.needed += u64::from(has_missed || row.is_debtor_asked);
            sender.availability.missed += u64::from(has_missed);
        }
        let has_missed = missed == Some(Missed::ByPayee);
        if (has_missed || needs_answer)
            && let Some(receiver) = self.bank(row.creditor_agent, wanted)
        {
            receiver.availability.needed += 1;
            receiver.availability.missed += u64::from(has_missed);
            if is_final && needs_answer {
                receiver.hops[1].add(row.decided_time.since(row.received_time));
            }
        }
    }
}

/// Whose silence or absence ended a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missed {
    ByPayer,
    ByPayee,
}

impl Missed {
    /// `None` if a payment ended otherwise, or waits.
    fn of(row: &PaymentRow) -> Option<Self> {
        let is_told = |reason: StatusReason| row.reason == Some(reason.code());
        match row.state {
            PaymentState::Expired if is_told(StatusReason::TimeoutDebtorAgent) => Some(Self::ByPayer),
            PaymentState::Expired => Some(Self::ByPayee),
            // What a bank answers with such a code is an answer.
            PaymentState::Rejected if row.decided_at > row.sequence => None,
            PaymentState::Rejected if is_told(StatusReason::AgentOffline) => Some(Self::ByPayer),
            PaymentState::Rejected if is_told(StatusReason::CreditorAgentOffline) => Some(Self::ByPayee),
            PaymentState::Rejected
            | PaymentState::Settled
            | PaymentState::Reserved
            | PaymentState::Unresolved => None,
        }
    }
}
