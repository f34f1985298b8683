//! The rules of customers and of a bank's own house: limits, restrictions, fees, and the bank's clock.
//!
//! What they come to for a payment, at their places in the order of precedence:
//! - A restricted account takes no payment and makes none (RR04). Payments that are reserved go on, as with a blocked
//!   account, but a restricted payee is not credited.
//! - The payer's limits hold from the moment at which they are set (AM14), for payments from then on: first the one for a
//!   payment, then the one for a day. The amount counts, and not the fee. A payment counts from its reservation, on the
//!   calendar day of its bank's zone; one that is not settled after all is given back, if that day has not ended.
//! - The fee is a transfer of its own, from the payer's account to the core account of the same book, where the bank's
//!   own systems take it up. It is set aside with the amount, at what it was at the reservation.

use types::{AccountNumber, Currency, ReasonCode, StatusReason};

use crate::bookings::Sides;
use crate::mutants::{Mutant, is_on};
use crate::reservations::Reservation;
use crate::rules_masterdata::{Answer, checked_currency, customer_account, participant};
use crate::{AccountStatus, Ledger, Position, Refusal, Remark, layout};

/// Why a payment is refused, and what is told about that beside the reason.
#[derive(Clone, Copy)]
pub(crate) struct Refused {
    pub(crate) reason: ReasonCode,
    pub(crate) remark: Remark,
}

impl From<ReasonCode> for Refused {
    fn from(reason: ReasonCode) -> Self {
        Self { reason, remark: Remark::None }
    }
}

/// Whether the payer's own limits allow a payment. The account is 0 if it is not kept here.
pub(crate) fn check_limits(
    ledger: &Ledger,
    at: Position,
    payer: AccountNumber,
    amount: i64,
) -> Result<(), Refused> {
    if !is_limited(ledger, payer) {
        return Ok(());
    }
    let row = ledger.customer_limits.get(payer).expect("an account that is marked has a row");
    match row.refuses(amount, day(ledger, payer, at)) {
        Some(remark) => Err(Refused { reason: StatusReason::CustomerLimit.code(), remark }),
        None => Ok(()),
    }
}

/// Counts a payment that is settled or reserved now among those of the payer's day.
pub(crate) fn count(ledger: &mut Ledger, at: Position, payer: AccountNumber, amount: i64) {
    if is_limited(ledger, payer) {
        let day = day(ledger, payer, at);
        ledger.customer_limits.count_payment(payer, amount, day, at.sequence);
    }
}

/// Gives the payer's allowance back: the payment was reserved and is not settled.
pub(crate) fn give_back(ledger: &mut Ledger, reservation: &Reservation) {
    let payer = reservation.debtor_account;
    if is_limited(ledger, payer) && !is_on(Mutant::KeepAllowance) {
        ledger.customer_limits.give_back(payer, reservation.amount, reservation.sequence);
    }
}

fn is_limited(ledger: &Ledger, payer: AccountNumber) -> bool {
    payer.0 != 0 && ledger.accounts.get(payer).is_limited()
}

/// The calendar day of the account's bank.
fn day(ledger: &Ledger, account: AccountNumber, at: Position) -> i32 {
    ledger.participants.get(ledger.accounts.get(account).owner()).zone().day(at.time)
}

/// What the payer's bank takes for a payment of this currency, in minor units: nothing for an account that is not here.
pub(crate) fn fee(sides: &Sides<'_>, currency: Currency) -> u32 {
    match sides.debtor.0 {
        0 => 0,
        _ => sides.debtor_bank.book(currency).map_or(0, |book| book.fees.instant()),
    }
}

pub(crate) fn set_customer_limit(
    ledger: &mut Ledger,
    at: Position,
    record: &layout::SetCustomerLimit,
) -> Answer {
    let number = open_account(ledger, record.iban_digest, record.currency.get())?;
    let day = day(ledger, number, at);
    if ledger.customer_limits.set(number, record.limits(), day, at.sequence) {
        ledger.accounts.set_limited(number, at.sequence);
    }
    Ok((u64::from(number.0), ledger.accounts.get(number).balance()))
}

pub(crate) fn set_restricted(ledger: &mut Ledger, at: Position, record: &layout::SetRestricted) -> Answer {
    let number = open_account(ledger, record.iban_digest, record.currency.get())?;
    ledger.accounts.set_restricted(number, record.is_restricted == 1, at.sequence);
    Ok((u64::from(number.0), ledger.accounts.get(number).balance()))
}

/// Payments that are reserved keep the fee that they were reserved with.
pub(crate) fn set_fees(ledger: &mut Ledger, record: &layout::SetFees) -> Answer {
    let number = participant(ledger, record.bic)?;
    let fees = record.fees();
    let currency = checked_currency(record.currency.get());
    let book = ledger.participants.get_mut(number).books.get_mut(currency);
    let book = book.ok_or(Refusal::BookUnknown)?;
    if fees.instant() > fees.ordinary() {
        return Err(Refusal::InstantFeeAboveOrdinary);
    }
    book.fees = fees;
    Ok((u64::from(number.0), 0))
}

pub(crate) fn set_zone(ledger: &mut Ledger, record: &layout::SetZone) -> Answer {
    let number = participant(ledger, record.bic)?;
    ledger.participants.get_mut(number).zone = record.zone();
    Ok((u64::from(number.0), 0))
}

/// A customer's account that is not closed.
fn open_account(ledger: &Ledger, digest: [u8; 16], currency: u16) -> Result<AccountNumber, Refusal> {
    let number = customer_account(ledger, digest, currency)?;
    match ledger.accounts.get(number).status() {
        AccountStatus::Active | AccountStatus::Blocked => Ok(number),
        AccountStatus::Closed => Err(Refusal::AccountClosed),
    }
}

#[cfg(test)]
#[path = "rules_customer_tests.rs"]
mod tests;
