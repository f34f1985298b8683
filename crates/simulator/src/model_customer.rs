//! The model's customers: what they allow, what their banks restrict and charge, and when their days end.

use ledger::{Fees, Refusal, Remark, Zone};
use rust_decimal::Decimal;
use types::{Sequence, StatusReason, Timestamp};

use super::{EURO, Model, money};

const MINUTE: i64 = 60_000_000_000;

/// What a customer allows, and every payment since that was first said.
#[derive(Clone, Debug)]
pub(crate) struct Allowance {
    per_payment: Option<Decimal>,
    per_day: Option<Decimal>,
    /// The newest day that has begun, in days since 1970.
    day: i32,
    /// Position, day and amount of payments that are settled or reserved.
    spent: Vec<(Sequence, i32, Decimal)>,
}

/// A refusal, and what is told beside it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused {
    pub(super) reason: StatusReason,
    pub(super) remark: Remark,
}

impl From<StatusReason> for Refused {
    fn from(reason: StatusReason) -> Self {
        Self { reason, remark: Remark::None }
    }
}

impl Model {
    pub(super) fn allow(
        &mut self,
        account: u8,
        currency: u8,
        limits: [Option<i64>; 2],
    ) -> Result<(u64, Decimal), Refusal> {
        let number = self.open_customer(account, currency)?;
        let today = self.day_of(number);
        let [per_payment, per_day] = limits.map(|limit| limit.map(money));
        let known = self.account(number);
        let (day, spent) = match known.allowance.take() {
            Some(earlier) => (earlier.day, earlier.spent),
            None => (today, Vec::new()),
        };
        known.allowance = Some(Allowance { per_payment, per_day, day, spent });
        Ok((u64::from(number), known.balance))
    }

    pub(super) fn restrict(
        &mut self,
        account: u8,
        currency: u8,
        is_restricted: bool,
    ) -> Result<(u64, Decimal), Refusal> {
        let number = self.open_customer(account, currency)?;
        let known = self.account(number);
        known.is_restricted = is_restricted;
        Ok((u64::from(number), known.balance))
    }

    pub(super) fn set_fees(&mut self, bank: u8, currency: u8, fees: Fees) -> Result<(u64, Decimal), Refusal> {
        self.bank(bank).ok_or(Refusal::ParticipantUnknown)?;
        if !self.has_book(bank, currency) {
            return Err(Refusal::BookUnknown);
        }
        if fees.instant() > fees.ordinary() {
            return Err(Refusal::InstantFeeAboveOrdinary);
        }
        let fee = money(fees.instant().into());
        self.change_bank(bank, |known| {
            known.fees.insert(currency, fee);
        })
    }

    pub(super) fn set_zone(&mut self, bank: u8, zone: Zone) -> Result<(u64, Decimal), Refusal> {
        self.change_bank(bank, |known| known.zone = zone)
    }

    /// The calendar day of the account's bank at this moment.
    fn day_of(&self, number: u32) -> i32 {
        let bank = self.accounts[&number].bank.expect("customers have a bank");
        let zone = self.bank(bank).expect("accounts are of banks that are known").1.zone;
        let offset = match zone.change {
            Some(change) if self.at.time >= change.at => change.offset,
            _ => zone.offset,
        };
        let local = self.at.time.nanoseconds() + i64::from(offset.minutes()) * MINUTE;
        Timestamp::from_nanoseconds(local).expect("simulations are of this century").date().days()
    }

    /// What the payer's bank takes.
    pub(super) fn fee(&self, bank: u8, debtor: Option<u32>) -> Decimal {
        let fees = &self.bank(bank).expect("both banks are known by now").1.fees;
        debtor.and_then(|_| fees.get(&EURO)).copied().unwrap_or_default()
    }

    /// Whether the payer allows so much.
    pub(super) fn check_allowance(&self, debtor: Option<u32>, amount: Decimal) -> Result<(), Refused> {
        let Some((number, allowance)) =
            debtor.and_then(|number| Some((number, self.accounts[&number].allowance.as_ref()?)))
        else {
            return Ok(());
        };
        let refused = |remark| Err(Refused { reason: StatusReason::CustomerLimit, remark });
        if allowance.per_payment.is_some_and(|limit| amount > limit) {
            return refused(Remark::LimitPerPayment);
        }
        let used = allowance.used_on(self.day_of(number).max(allowance.day));
        if allowance.per_day.is_some_and(|limit| used + amount > limit) {
            return refused(Remark::LimitPerDay);
        }
        Ok(())
    }

    /// A payment is settled or reserved here.
    pub(super) fn spend(&mut self, debtor: Option<u32>, amount: Decimal) {
        let Some(number) = debtor else { return };
        let (at, today) = (self.at.sequence, self.day_of(number));
        if let Some(allowance) = &mut self.account(number).allowance {
            allowance.day = allowance.day.max(today);
            allowance.spent.push((at, allowance.day, amount));
        }
    }

    /// What was reserved at this position is not settled after all.
    pub(super) fn unspend(&mut self, debtor: Option<u32>, payment: Sequence) {
        let allowance = debtor.and_then(|number| self.account(number).allowance.as_mut());
        if let Some(allowance) = allowance {
            allowance.spent.retain(|(at, ..)| *at != payment);
        }
    }

    /// What has left an account today, if that is counted.
    pub(crate) fn used_today(&self, number: u32) -> Option<Decimal> {
        let allowance = self.accounts[&number].allowance.as_ref()?;
        Some(allowance.used_on(self.day_of(number).max(allowance.day)))
    }
}

impl Allowance {
    fn used_on(&self, day: i32) -> Decimal {
        self.spent.iter().filter(|(_, spent, _)| *spent == day).map(|(.., amount)| *amount).sum()
    }
}
