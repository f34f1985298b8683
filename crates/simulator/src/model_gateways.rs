//! The model's holds, and the records of gateways.

use ledger::{AccountKind, AccountStatus, Direction, ExpectedVersion, Refusal, Remark, Verdict};
use rust_decimal::Decimal;
use types::{Duration, ParticipantNumber, Sequence, Timestamp};

use super::payment::Sides;
use super::{Expected, Model, Place, ToPay, money};
use crate::step::{Leg, RecordName};
use crate::words::currency;

const AHEAD: Duration = Duration::from_seconds(400 * 24 * 3600);
const HOLDS_OF_AN_ACCOUNT: usize = 1000;

/// Money of an account that is set aside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    /// The account's number.
    pub(crate) account: u32,
    /// How much it holds.
    pub(crate) held: Decimal,
    /// Until then.
    pub(crate) expires: Timestamp,
}

/// A record of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Its version.
    pub(crate) version: Sequence,
    /// How many bytes it has.
    pub(crate) length: u8,
    /// Until then, if it ends.
    pub(crate) expires: Option<Timestamp>,
}

type Answer = Result<(u64, Decimal), Refusal>;

impl Model {
    /// When the next hold, record or request to pay ends, or such a request is forgotten.
    pub(crate) fn next_end(&self) -> Option<Timestamp> {
        let records = self.kept.values().filter_map(|kept| kept.expires);
        let to_pay = self.to_pay.values().filter_map(ToPay::changes);
        self.holds.values().map(|hold| hold.expires).chain(records).chain(to_pay).min()
    }

    fn may_end(&self, expires: Timestamp) -> bool {
        expires > self.at.time && expires <= self.at.time.plus(AHEAD)
    }

    /// What stands in the way of a payment from or to an account.
    pub(super) fn takes_part(&self, number: u32, direction: Direction) -> Result<(), Refusal> {
        let known = &self.accounts[&number];
        if known.status == AccountStatus::Closed {
            return Err(Refusal::AccountClosed);
        }
        if known.is_blocked_for(direction) {
            return Err(Refusal::AccountBlocked);
        }
        if known.is_restricted {
            return Err(Refusal::AccountRestricted);
        }
        let is_savings = matches!(known.place, Place::Customer(_, AccountKind::Savings));
        if is_savings { Err(Refusal::AccountKindNotAllowed) } else { Ok(()) }
    }

    pub(super) fn place(
        &mut self,
        bank: u8,
        (account, currency): (u8, u8),
        amount: Decimal,
        expires: Timestamp,
    ) -> Answer {
        self.bank(bank).ok_or(Refusal::ParticipantUnknown)?;
        let found = self.customer(account, currency).filter(|(_, known)| known.bank == Some(bank));
        let number = found.ok_or(Refusal::AccountUnknown)?.0;
        if self.is_closed_for(bank, currency, Direction::Debit) {
            return Err(Refusal::ParticipantSuspended);
        }
        self.takes_part(number, Direction::Debit)?;
        if !self.may_end(expires) {
            return Err(Refusal::HoldExpiryNotAllowed);
        }
        if self.holds.values().filter(|hold| hold.account == number).count() >= HOLDS_OF_AN_ACCOUNT {
            return Err(Refusal::HoldLimit);
        }
        if !self.accounts[&number].covers(amount) {
            return Err(Refusal::InsufficientFunds);
        }
        self.account(number).held += amount;
        self.holds.insert(self.at.sequence, Hold { account: number, held: amount, expires });
        self.beside = self.accounts[&number].held;
        Ok((u64::from(number), self.accounts[&number].balance))
    }

    fn open_hold(&self, bank: u8, sequence: Sequence) -> Result<Hold, Refusal> {
        self.bank(bank).ok_or(Refusal::ParticipantUnknown)?;
        let hold = self.holds.get(&sequence).filter(|hold| hold.expires > self.at.time);
        let hold = hold.filter(|hold| self.accounts[&hold.account].bank == Some(bank));
        hold.copied().ok_or(Refusal::HoldUnknown)
    }

    /// So much less is held.
    fn lower(&mut self, sequence: Sequence, amount: Decimal) {
        let hold = self.holds.get_mut(&sequence).expect("it was found");
        hold.held -= amount;
        let Hold { account, held, .. } = *hold;
        if held.is_zero() {
            self.holds.remove(&sequence);
        }
        self.account(account).held -= amount;
    }

    /// All is tried on a copy, one leg after the other; only if each can be booked, the copy counts.
    pub(super) fn capture(
        &mut self,
        bank: u8,
        sequence: Sequence,
        held_on: Option<(u32, u8)>,
        legs: &[Option<Leg>],
        is_final: bool,
    ) -> Answer {
        let hold = self.open_hold(bank, sequence)?;
        let currency = self.accounts[&hold.account].currency;
        if held_on != Some((hold.account, currency)) {
            return Err(Refusal::HoldUnknown);
        }
        if self.is_closed_for(bank, currency, Direction::Debit) {
            return Err(Refusal::ParticipantSuspended);
        }
        self.takes_part(hold.account, Direction::Debit)?;
        let legs: Vec<Leg> = legs.iter().flatten().copied().collect();
        if legs.iter().map(|leg| money(leg.amount)).sum::<Decimal>() > hold.held {
            return Err(Refusal::AboveHeld);
        }
        let mut sides = Vec::new();
        for leg in &legs {
            sides.push(self.judge_leg(bank, hold.account, currency, leg)?);
        }
        let mut tried = self.clone();
        for (number, sides) in (0..).zip(sides) {
            if !tried.positions_cover(sides) {
                return Err(Refusal::PositionInsufficient);
            }
            tried.lower(sequence, sides.amount);
            tried.book_sides(sides);
            let verdict = Verdict::LegBooked { hold: sequence, leg: number };
            let (decided_at, balances) = (tried.at.sequence, tried.balances(sides.told()));
            let (remark, alerts) = (Remark::None, tried.alerts());
            tried.holds_told.push((decided_at, Expected { verdict, decided_at, balances, remark, alerts }));
            tried.crossings_before = tried.crossings.len();
        }
        *self = tried;
        let mut left = self.holds.get(&sequence).map_or(Decimal::ZERO, |hold| hold.held);
        if is_final && !left.is_zero() {
            self.lower(sequence, left);
            left = Decimal::ZERO;
        }
        self.beside = left;
        Ok((sequence.0, self.accounts[&hold.account].balance))
    }

    fn judge_leg(&self, bank: u8, payer: u32, currency: u8, leg: &Leg) -> Result<Sides, Refusal> {
        let (payee, known) = self.customer(leg.account, currency).ok_or(Refusal::AccountUnknown)?;
        let payees_bank = known.bank.expect("a customer has a bank");
        if leg.kept_at != Some((payee, payees_bank)) {
            return Err(Refusal::AccountUnknown);
        }
        if self.is_closed_for(payees_bank, currency, Direction::Credit) {
            return Err(Refusal::ParticipantSuspended);
        }
        self.takes_part(payee, Direction::Credit)?;
        if payee == payer {
            return Err(Refusal::PayeeIsPayer);
        }
        let positions = self.positions(bank, payees_bank).ok_or(Refusal::PositionUnknown)?;
        let sides = Sides {
            debtor_bank: bank,
            creditor_bank: payees_bank,
            debtor: Some(payer),
            creditor: Some(payee),
            positions,
            amount: money(leg.amount),
            fee: Decimal::ZERO,
        };
        if self.is_blocked(sides) { Err(Refusal::PositionBlocked) } else { Ok(sides) }
    }

    pub(super) fn release(&mut self, bank: u8, sequence: Sequence, amount: Option<Decimal>) -> Answer {
        let hold = self.open_hold(bank, sequence)?;
        let amount = amount.unwrap_or(hold.held);
        if amount > hold.held {
            return Err(Refusal::AboveHeld);
        }
        self.lower(sequence, amount);
        self.beside = hold.held - amount;
        Ok((sequence.0, self.accounts[&hold.account].balance))
    }

    /// Ends the holds whose time is over.
    pub(super) fn end_holds(&mut self) {
        loop {
            let due = self.holds.iter().filter(|(_, hold)| hold.expires <= self.at.time);
            let first = due.min_by_key(|(sequence, hold)| (hold.expires, **sequence));
            let Some((sequence, hold)) = first.map(|(sequence, hold)| (*sequence, *hold)) else { return };
            self.lower(sequence, hold.held);
            let account = &self.accounts[&hold.account];
            let bank = account.bank.and_then(|bank| self.bank(bank)).expect("a customer has a bank").0;
            let bank = ParticipantNumber(u32::try_from(bank).expect("banks are few"));
            let verdict = Verdict::HoldExpired { bank, currency: currency(account.currency) };
            let balances = [account.balance, hold.held, Decimal::ZERO, Decimal::ZERO];
            let (decided_at, remark, alerts) = (self.at.sequence, Remark::None, [false; 4]);
            self.holds_told.push((sequence, Expected { verdict, decided_at, balances, remark, alerts }));
        }
    }

    pub(super) fn put(
        &mut self,
        name: RecordName,
        expected: ExpectedVersion,
        length: u8,
        expires: Option<Timestamp>,
    ) -> Answer {
        self.bank(name.bank).ok_or(Refusal::ParticipantUnknown)?;
        if expires.is_some_and(|expires| !self.may_end(expires)) {
            return Err(Refusal::RecordExpiryNotAllowed);
        }
        let there = self.kept.get(&name).map(|kept| kept.version);
        let is_met = match expected {
            ExpectedVersion::Any => true,
            ExpectedVersion::Absent => there.is_none(),
            ExpectedVersion::Exactly(version) => there == Some(version),
        };
        if !is_met {
            return Err(Refusal::VersionConflict);
        }
        let version = self.at.sequence;
        self.kept.insert(name, Kept { version, length, expires });
        Ok((version.0, Decimal::ZERO))
    }

    pub(super) fn remove(&mut self, name: RecordName, expected: Option<Sequence>) -> Answer {
        self.bank(name.bank).ok_or(Refusal::ParticipantUnknown)?;
        let there = self.kept.get(&name).ok_or(Refusal::RecordUnknown)?.version;
        if expected.is_some_and(|expected| expected != there) {
            return Err(Refusal::VersionConflict);
        }
        self.kept.remove(&name);
        Ok((there.0, Decimal::ZERO))
    }
}
