//! The rules of holds: money of a customer's account is set aside, paid out to one or more payees, and given back.
//!
//! Of a hold, in order of precedence: bank and account known, bank taking part, account open, not blocked for debits, not
//! restricted, of a type that permits payments, an end ahead and within 400 days, room among the holds of the account and
//! of all, and funds.
//!
//! Of a capture: the hold open, of this bank; the bank taking part, its account not blocked or restricted meanwhile; no
//! more than is held; then each leg in turn as a payment to it would be judged, save that no bank is asked and no
//! customer's limit and no fee counts; then positions, limits and room for all legs together.
//!
//! Invariants:
//! - Every leg of a capture is booked or none: all is checked before the first is.
//! - A hold whose time is over is not there, whether a tick has come to it or not.
//! - The payer's side of a capture never lacks funds: they are held. A position may.

use types::{AccountNumber, Bic, Currency, Digest, Sequence, Timestamp};

use crate::alerts::Alerts;
use crate::bookings::{Bookings, LackOf, Sides};
use crate::command::Direction;
use crate::holds::Hold;
use crate::layout::HOLD_LEGS_MAX;
use crate::limits::{AHEAD_MAX, ENDED_PER_TICK_MAX, HOLDS_MAX, HOLDS_PER_ACCOUNT_MAX};
use crate::mutants::{Mutant, is_on};
use crate::rules_masterdata::{Answer, customer_account, participant};
use crate::{
    Account, AccountKind, AccountStatus, Kind, Ledger, Outcome, Position, Refusal, Remark, Verdict, layout,
    rules_liquidity,
};

const CHECKED: &str = "records are checked when they are read";

/// Tells the account's balance, and what is held on it by all its holds.
pub(crate) fn place(
    ledger: &mut Ledger,
    at: Position,
    record: &layout::PlaceHold,
    outcome: &mut Outcome,
) -> Answer {
    let bank = participant(ledger, record.bic)?;
    let number = customer_account(ledger, record.iban_digest, record.currency.get())?;
    let account = ledger.accounts.get(number);
    if account.owner() != bank {
        return Err(Refusal::AccountUnknown);
    }
    let owner = ledger.participants.get(bank);
    if rules_liquidity::is_closed_for(ledger, owner, account.currency(), Direction::Debit) {
        return Err(Refusal::ParticipantSuspended);
    }
    check_account(account, Direction::Debit)?;
    let expires = Timestamp::from_nanoseconds(record.expires.get()).expect(CHECKED);
    if !is_within_reach(expires, at.time) {
        return Err(Refusal::HoldExpiryNotAllowed);
    }
    if ledger.holds.count() >= HOLDS_MAX || ledger.holds.count_of(number) >= HOLDS_PER_ACCOUNT_MAX {
        return Err(Refusal::HoldLimit);
    }
    let amount = record.amount.get();
    if !account.covers(amount) {
        return Err(Refusal::InsufficientFunds);
    }
    ledger.accounts.hold_funds(number, amount, at.sequence);
    let Position { sequence, time } = at;
    ledger.holds.add(Hold { sequence, time, expires, account: number, amount, held: amount });
    let account = ledger.accounts.get(number);
    outcome.balances[1] = account.held();
    Ok((u64::from(number.0), account.balance()))
}

/// Whether something may end then that begins now.
pub(crate) fn is_within_reach(end: Timestamp, now: Timestamp) -> bool {
    end > now && end <= now.plus(AHEAD_MAX)
}

/// As a payment is judged: closed, blocked, restricted, of a type that does not permit it.
pub(crate) fn check_account(account: &Account, direction: Direction) -> Result<(), Refusal> {
    if account.status() == AccountStatus::Closed {
        return Err(Refusal::AccountClosed);
    }
    if account.is_blocked_for(direction) {
        return Err(Refusal::AccountBlocked);
    }
    if account.is_restricted() {
        return Err(Refusal::AccountRestricted);
    }
    match account.kind() == AccountKind::Current {
        true => Ok(()),
        false => Err(Refusal::AccountKindNotAllowed),
    }
}

/// Tells the payer's balance, and what the hold still holds. What each leg came to is told before it.
pub(crate) fn capture(
    ledger: &mut Ledger,
    at: Position,
    record: &layout::CaptureHold,
    outcome: &mut Outcome,
) -> Answer {
    let hold = find(ledger, at, record.hold.get(), record.bic)?;
    let payer = ledger.accounts.get(hold.account);
    let currency = payer.currency();
    let seen = (record.debtor_account.get(), record.currency.get());
    if seen != (hold.account.0, currency.number()) {
        return Err(Refusal::HoldUnknown);
    }
    let owner = ledger.participants.get(payer.owner());
    if rules_liquidity::is_closed_for(ledger, owner, currency, Direction::Debit) {
        return Err(Refusal::ParticipantSuspended);
    }
    check_account(payer, Direction::Debit)?;
    let sum: i64 = record.legs().iter().map(|leg| leg.amount.get()).sum();
    if sum > hold.held {
        return Err(Refusal::AboveHeld);
    }
    let mut legs = [None; HOLD_LEGS_MAX];
    if let Err(refusal) = judge_legs(ledger, &hold, currency, record.legs(), &mut legs) {
        if is_on(Mutant::CaptureInPart) {
            book(ledger, at, &hold, &legs);
        }
        return Err(refusal);
    }
    book(ledger, at, &hold, &legs);
    let mut left = hold.held - sum;
    if left > 0 && record.is_final == 1 {
        give_back(ledger, at, &hold, left);
        left = 0;
    }
    outcome.balances[1] = left;
    Ok((hold.sequence.0, ledger.accounts.get(hold.account).balance()))
}

/// The hold, if it is open at this moment and an account of this bank's.
fn find(ledger: &Ledger, at: Position, hold: u64, bic: [u8; 11]) -> Result<Hold, Refusal> {
    let bank = participant(ledger, bic)?;
    let hold = ledger.holds.at(Sequence(hold)).filter(|hold| hold.expires > at.time);
    let hold = hold.filter(|hold| ledger.accounts.get(hold.account).owner() == bank);
    hold.copied().ok_or(Refusal::HoldUnknown)
}

type Legs = [Option<Bookings>; HOLD_LEGS_MAX];

/// What each leg would book, if all of them can be.
fn judge_legs(
    ledger: &Ledger,
    hold: &Hold,
    currency: Currency,
    stored: &[layout::HoldLeg],
    legs: &mut Legs,
) -> Result<(), Refusal> {
    for (leg, planned) in stored.iter().zip(legs.iter_mut()) {
        *planned = Some(judge_leg(ledger, hold, currency, leg)?);
    }
    Bookings::check_together(legs, hold.account, &ledger.accounts, &ledger.reachable).map_err(|lack| {
        match lack {
            LackOf::Funds => Refusal::PositionInsufficient,
            LackOf::Room => Refusal::BalanceLimit,
        }
    })
}

fn judge_leg(
    ledger: &Ledger,
    hold: &Hold,
    currency: Currency,
    leg: &layout::HoldLeg,
) -> Result<Bookings, Refusal> {
    let found = ledger.accounts.find(AccountNumber(leg.account.get()), Digest(leg.iban_digest), currency);
    // One that the edge did not see was not there when the capture was sent.
    let payee = found.filter(|found| found.0 == leg.account.get()).ok_or(Refusal::AccountUnknown)?;
    let account = ledger.accounts.get(payee);
    let bank = ledger.participants.get(account.owner());
    if Bic::from_bytes(leg.bic) != Some(bank.bic()) {
        return Err(Refusal::AccountUnknown);
    }
    if rules_liquidity::is_closed_for(ledger, bank, currency, Direction::Credit) {
        return Err(Refusal::ParticipantSuspended);
    }
    check_account(account, Direction::Credit)?;
    if payee == hold.account {
        return Err(Refusal::PayeeIsPayer);
    }
    let sides = Sides {
        debtor_bank: ledger.participants.get(ledger.accounts.get(hold.account).owner()),
        creditor_bank: bank,
        debtor: hold.account,
        creditor: payee,
    };
    let planned = Bookings::plan(sides, currency, leg.amount.get(), 0);
    let bookings = planned.map_err(|_| Refusal::PositionUnknown)?;
    let takes_it = bookings.check_blocks(&ledger.accounts, &ledger.reachable);
    takes_it.map_err(|_| Refusal::PositionBlocked)?;
    Ok(bookings)
}

/// Books the legs that are planned, one after the other. All has been checked, so this can't fail.
fn book(ledger: &mut Ledger, at: Position, hold: &Hold, legs: &Legs) {
    for (number, bookings) in (0..).zip(legs.iter().flatten()) {
        ledger.accounts.free_funds(hold.account, bookings.amount(), at.sequence);
        ledger.holds.lower(hold.sequence, bookings.amount());
        let Ledger { accounts, reachable, watched, .. } = &mut *ledger;
        let booked = bookings.book(accounts, reachable, watched, at.sequence);
        if !booked.alerts.is_none() {
            rules_liquidity::note(ledger, at, bookings, booked.alerts);
        }
        ledger.holds_told.push(Outcome {
            sequence: at.sequence,
            decided_at: at.sequence,
            decided_time: at.time,
            accepted: Timestamp::default(),
            kind: Kind::CaptureHold,
            verdict: Verdict::LegBooked { hold: hold.sequence, leg: number },
            alerts: booked.alerts,
            late: false,
            remark: Remark::None,
            balances: booked.balances,
        });
    }
}

/// Tells the account's balance, and what the hold still holds.
pub(crate) fn release(
    ledger: &mut Ledger,
    at: Position,
    record: &layout::ReleaseHold,
    outcome: &mut Outcome,
) -> Answer {
    let hold = find(ledger, at, record.hold.get(), record.bic)?;
    let amount = match record.amount.get() {
        0 => hold.held,
        amount => amount,
    };
    if amount > hold.held {
        return Err(Refusal::AboveHeld);
    }
    give_back(ledger, at, &hold, amount);
    outcome.balances[1] = hold.held - amount;
    Ok((hold.sequence.0, ledger.accounts.get(hold.account).balance()))
}

fn give_back(ledger: &mut Ledger, at: Position, hold: &Hold, amount: i64) {
    ledger.accounts.free_funds(hold.account, amount, at.sequence);
    ledger.holds.lower(hold.sequence, amount);
}

/// Ends the holds whose time is over, in the order of time and position, as many as a tick may beside the payments that
/// it has ended.
pub(crate) fn end_due(ledger: &mut Ledger, tick: Position) {
    for _ in ledger.decided.len() + ledger.holds_told.len()..ENDED_PER_TICK_MAX {
        let first = ledger.holds.first_due().filter(|due| due.time <= tick.time);
        let Some(due) = first else { return };
        let hold = *ledger.holds.at(due.sequence).expect("what is due is there");
        give_back(ledger, tick, &hold, hold.held);
        let account = ledger.accounts.get(hold.account);
        ledger.holds_told.push(Outcome {
            sequence: hold.sequence,
            decided_at: tick.sequence,
            decided_time: tick.time,
            accepted: Timestamp::default(),
            kind: Kind::PlaceHold,
            verdict: Verdict::HoldExpired { bank: account.owner(), currency: account.currency() },
            alerts: Alerts::NONE,
            late: false,
            remark: Remark::None,
            balances: [account.balance(), hold.held, 0, 0],
        });
    }
}

impl Ledger {
    /// What the last tick or command did to holds, orders and packages beside its own outcome: the holds whose time was
    /// over, the legs of a capture, the orders that ended and the packages that were complete. It is told behind [`Self::decided`] and before that outcome.
    pub fn holds_told(&self) -> &[Outcome] {
        &self.holds_told
    }

    /// The open hold at this position, and the bank that keeps its account.
    pub fn hold(&self, sequence: Sequence) -> Option<(&Hold, Bic)> {
        let hold = self.holds.at(sequence).filter(|hold| hold.expires > self.position().time)?;
        let owner = self.accounts.get(hold.account).owner();
        Some((hold, self.participants.get(owner).bic()))
    }

    /// The open holds of an account behind this position, in the order in which they were placed.
    pub fn holds_of(&self, account: AccountNumber, after: Sequence) -> impl Iterator<Item = &Hold> {
        let now = self.position().time;
        let of_account = self.holds.of_account(account);
        of_account.filter(move |hold| hold.sequence > after && hold.expires > now)
    }

    /// How many holds are open.
    pub const fn hold_count(&self) -> usize {
        self.holds.count()
    }

    /// What must hold between holds and accounts.
    pub(crate) fn validate_holds(&self) {
        self.holds.validate();
        let place = |account: AccountNumber| usize::try_from(account.0).expect("32 bits");
        let mut held = vec![0_i64; self.accounts.count() + 1];
        self.holds.iter().for_each(|hold| held[place(hold.account)] += hold.held);
        for (number, account) in self.accounts() {
            assert!(account.held() == held[place(number)], "what is held is held by something");
        }
    }
}

#[cfg(test)]
#[path = "rules_holds_tests.rs"]
mod tests;
