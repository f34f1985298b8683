//! What a participant settled on a day: its position from opening to closing, and what came of its payments.
//!
//! Two accounts of one day that need not be of the same payments. The position moves when a payment is settled; a payment
//! counts on the day on which the participant heard of it first: as the payer's bank when it came in, as the payee's bank
//! when it was told of it.

use std::collections::BTreeMap;

use history::{EntryKind, Found, Order, Owner, PaymentQuery, PaymentRow, Side, StoreError, View};
use types::{Bic, Currency, PaymentState, ReasonCode, Sequence};

use crate::days::Passed;
use crate::entries::{Wanted, for_each_row};
use crate::statement::balance_before;

/// Movements of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// How many.
    pub count: u64,
    /// What they come to, in minor units.
    pub sum: i128,
}

impl Flow {
    /// With one more.
    pub(crate) fn add(&mut self, amount: i64) {
        self.count += 1;
        self.sum += i128::from(amount);
    }
}

/// How a position came from its opening to its closing balance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PositionFlows {
    /// What was booked before the day, in minor units.
    pub opening: i64,
    /// What was booked at its end, or so far.
    pub closing: i64,
    /// Payments received from other participants, and captures of what their customers had held.
    pub received: Flow,
    /// Payments sent to other participants, and captures of what was held.
    pub sent: Flow,
    /// Payments to other participants that came back.
    pub returns_received: Flow,
    /// Payments from other participants that went back.
    pub returns_sent: Flow,
    /// Liquidity that came in.
    pub liquidity_in: Flow,
    /// Liquidity that left.
    pub liquidity_out: Flow,
}

impl PositionFlows {
    /// Whether the movements lead from the opening to the closing balance.
    pub fn is_right(&self) -> bool {
        let came = self.received.sum + self.returns_received.sum + self.liquidity_in.sum;
        let went = self.sent.sum + self.returns_sent.sum + self.liquidity_out.sum;
        i128::from(self.opening) + came - went == i128::from(self.closing)
    }
}

/// Payments of one kind: on which side the participant stood, and what came of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    /// The participant is the payer's bank; else the payee's.
    pub is_sent: bool,
    /// The number of the state, as [`PaymentState::number`] has it.
    state: u8,
    /// Why it was not settled, as the participant was told.
    pub reason: Option<[u8; 4]>,
    /// ISO 4217, 0 if the payment was refused on reading.
    currency: u16,
}

impl Counted {
    /// Where the payments stand.
    pub fn state(&self) -> PaymentState {
        PaymentState::from_number(self.state).expect("it was one")
    }

    /// Why they were not settled.
    pub fn reason(&self) -> Option<ReasonCode> {
        self.reason.and_then(ReasonCode::from_bytes)
    }

    /// Their currency; `None` if they were refused on reading.
    pub fn currency(&self) -> Option<Currency> {
        Currency::from_number(self.currency).ok()
    }
}

/// What a participant settled on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementReport {
    /// The participant.
    pub bank: Bic,
    /// The day, or as much of it as has passed.
    pub passed: Passed,
    /// Up to where history went.
    pub reached: Sequence,
    /// Its position; `None` if it has none in this currency, or had none yet.
    pub position: Option<PositionFlows>,
    /// Its payments, in every currency.
    pub payments: BTreeMap<Counted, Flow>,
}

/// So many payments are read at a time.
pub(crate) const PAYMENTS_PAGE: usize = 4096;

impl SettlementReport {
    /// Makes the report. `go_on` hears how many payments have been counted, and says whether anybody still waits; `None`
    /// if not.
    ///
    /// # Errors
    /// If history can't be read.
    pub fn make(
        view: &View,
        bank: Bic,
        position: Option<&Found>,
        passed: Passed,
        mut go_on: impl FnMut(u64) -> bool,
    ) -> Result<Option<Self>, StoreError> {
        let position = match position {
            Some(found) => position_flows(view, found, passed)?,
            None => None,
        };
        let mut payments = BTreeMap::new();
        let mut counted = 0;
        let (from, until) = passed.times();
        let query = PaymentQuery {
            from: Some(from),
            until: Some(until),
            ..PaymentQuery::all(Some(bank), Order::OldestFirst)
        };
        let mut after = None;
        loop {
            let page = view.payments(&query, after, PAYMENTS_PAGE)?;
            for row in page.rows.iter().filter(|row| is_listed_within(&passed, bank, row)) {
                count(&mut payments, bank, row);
                counted += 1;
            }
            after = page.next;
            if !go_on(counted) {
                return Ok(None);
            }
            if after.is_none() {
                let reached = view.watermark().told;
                return Ok(Some(Self { bank, passed, reached, position, payments }));
            }
        }
    }
}

/// Whether a bank was told of a payment within a day: as the payer's bank when it came in, as the payee's bank with the
/// decision. History has chosen by the time, which a day's edge shares with what lies on its other side.
fn is_listed_within(passed: &Passed, bank: Bic, row: &PaymentRow) -> bool {
    let (time, at) = match row.debtor_agent == bank {
        true => (row.received_time, row.sequence),
        false => (row.decided_time, row.decided_at),
    };
    let is_at_edge = time == passed.from.time || time == passed.until.time;
    !is_at_edge || passed.holds(time, at)
}

fn position_flows(view: &View, found: &Found, passed: Passed) -> Result<Option<PositionFlows>, StoreError> {
    let Some(closing) = balance_before(view, found, passed.until)? else { return Ok(None) };
    let opening = balance_before(view, found, passed.from)?.map_or(0, |opening| opening.balance);
    let mut flows = PositionFlows { opening, closing: closing.balance, ..PositionFlows::default() };
    let wanted = Wanted { owner: found.owner, bank: found.bank, passed, after: None };
    assert!(matches!(found.owner, Owner::Position(_)), "a participant's report is about its position");
    for_each_row(view, &wanted, |row| {
        let flow = match (row.kind, row.change < 0) {
            (
                EntryKind::Liquidity | EntryKind::OwnFunds | EntryKind::Posting | EntryKind::Exception,
                false,
            ) => &mut flows.liquidity_in,
            (
                EntryKind::Liquidity | EntryKind::OwnFunds | EntryKind::Posting | EntryKind::Exception,
                true,
            ) => &mut flows.liquidity_out,
            (EntryKind::Payment | EntryKind::HoldCapture | EntryKind::Fee, false) => &mut flows.received,
            (EntryKind::Payment | EntryKind::HoldCapture | EntryKind::Fee, true) => &mut flows.sent,
            (EntryKind::Return | EntryKind::ReturnFee, false) => &mut flows.returns_received,
            (EntryKind::Return | EntryKind::ReturnFee, true) => &mut flows.returns_sent,
        };
        flow.add(row.change.saturating_abs());
    })?;
    Ok(Some(flows))
}

/// Counts a payment on each side on which the bank stands and of which it was told.
fn count(payments: &mut BTreeMap<Counted, Flow>, bank: Bic, row: &PaymentRow) {
    for side in [Side::Debtor, Side::Creditor] {
        let is_on_side = match side {
            Side::Debtor => row.debtor_agent == bank && !row.is_not_entitled,
            Side::Creditor => row.creditor_agent == Some(bank) && row.is_told_to_creditor,
        };
        if !is_on_side {
            continue;
        }
        let is_sent = side == Side::Debtor;
        let reason = if is_sent { row.reason } else { row.reason_to_creditor.or(row.reason) };
        // A payment that waits carries the reason that it would expire with.
        let reason = reason.filter(|_| row.state.is_final() && row.state != PaymentState::Settled);
        let key = Counted {
            is_sent,
            state: row.state.number(),
            reason: reason.map(|reason| *reason.as_bytes()),
            currency: row.amount.map_or(0, |(_, currency)| currency.number()),
        };
        let amount = row.amount.map_or(0, |(amount, _)| amount.minor_units());
        payments.entry(key).or_default().add(amount);
    }
}

/// A sum of minor units as a decimal. Sums may be more than any account can hold.
pub fn decimal(sum: i128, currency: Currency) -> String {
    let decimals = usize::try_from(currency.decimals()).expect("it is small");
    let sign = if sum < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", sum.unsigned_abs(), width = decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_told_as_decimals() {
        for (sum, told) in [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123_456, "1234.56")] {
            assert_eq!(decimal(sum, Currency::EUR), told);
        }
        let large = i128::from(i64::MAX) * 1000;
        assert_eq!(decimal(large, Currency::EUR), "92233720368547758070.00");
    }
}
