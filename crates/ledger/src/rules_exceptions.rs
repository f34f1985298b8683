//! The rules of exceptions: what is noticed, raised, given to somebody, and done.
//!
//! The core notices two things while it decides: a payee's bank that accepts a payment which was not settled, and a
//! settlement that was confirmed late. It also sees what comes right by itself: a payee's bank that accepts once more a payment
//! that was settled is told so, and has acknowledged the credit; a recall that is answered is due no more.
//!
//! Of one that is raised, in order of precedence: the bank known, what it is about known and in a state that fits, not
//! raised before, due, and room. Of an action: the exception known, of this bank and open, the action legal for its kind,
//! the money where the action needs it, and then what its booking takes.
//!
//! Invariants:
//! - A payment that was decided stays as it was; an action books in the bank's own book alone, or nothing.
//! - What the suspense account of a bank holds is what its open exceptions have there.
//! - What was noticed decides nothing that a replay may see later: a late confirmation is told by a later frame.

use types::{AccountNumber, Currency, Date, ParticipantNumber, PaymentState, Sequence, Timestamp};

use crate::accounts::Transfer;
use crate::exceptions::{Acted, Exception, Name, Noticed};
use crate::limits::EXCEPTIONS_OPEN_MAX;
use crate::mutants::{Mutant, is_on};
use crate::rules_masterdata::{
    Answer, book_transfer, checked_bic, customer_account, open_internal, participant,
};
use crate::{
    AccountKind, AccountStatus, Direction, ExceptionAction, ExceptionKind, ExceptionOwner, ExceptionSeen,
    HAS_ORDERS, Ledger, Outcome, Payment, Position, RecallAnswer, Refusal, layout, rules_recall,
};

const CHECKED: &str = "records are checked when they are read";

/// How many banking days before the end of its time a recall is due.
const RECALL_DUE_BANKING_DAYS: u16 = 3;

/// The payee's bank has accepted a payment that was decided before: it may have credited its customer with what it never
/// got, or it hears that the payment was settled.
pub(crate) fn accepted_after(ledger: &mut Ledger, payment: &Payment) {
    let Some(bank) = payment.creditor_bank() else { return };
    match payment.state() {
        PaymentState::Settled => {
            let kind = ExceptionKind::CreditNotAcknowledged;
            ledger.exceptions.end(&name_of(kind, bank, payment.sequence()));
        }
        PaymentState::Rejected | PaymentState::Expired if !is_on(Mutant::MissLatePositive) => {
            notice(ledger, ExceptionKind::LatePositive, bank, payment);
        }
        PaymentState::Rejected
        | PaymentState::Expired
        | PaymentState::Reserved
        | PaymentState::Unresolved => {}
    }
}

/// A settlement was confirmed after the last moment that the scheme allows.
pub(crate) fn confirmed_late(ledger: &mut Ledger, payment: &Payment) {
    if let Some(bank) = ledger.participants.find(payment.debtor_agent()) {
        notice(ledger, ExceptionKind::LateConfirmation, bank, payment);
    }
}

fn notice(ledger: &mut Ledger, kind: ExceptionKind, bank: ParticipantNumber, payment: &Payment) {
    let is_known = ledger.exceptions.named(&name_of(kind, bank, payment.sequence())).is_some();
    if ledger.rules_version() >= HAS_ORDERS && !is_known {
        let noticed = Noticed { decided: payment.decided_time(), payment: payment.sequence() };
        ledger.exceptions.notice(kind, noticed);
    }
}

/// A recall has been answered, or its silence has.
pub(crate) fn recall_answered(ledger: &mut Ledger, bank: ParticipantNumber, recall: Sequence) {
    ledger.exceptions.end(&name_of(ExceptionKind::RecallDue, bank, recall));
}

const fn name_of(kind: ExceptionKind, bank: ParticipantNumber, subject: Sequence) -> Name {
    (kind, bank, subject, [0; 16])
}

pub(crate) fn raise(ledger: &mut Ledger, at: Position, record: &layout::RaiseException) -> Answer {
    let bank = participant(ledger, record.bic)?;
    let kind = ExceptionKind::from_number(record.kind).expect(CHECKED);
    let (subject, other_bank) = subject(ledger, at, record, kind, bank)?;
    let name = (kind, bank, subject, record.subject_digest);
    if ledger.exceptions.named(&name).is_some() && !is_on(Mutant::RaiseTwice) {
        return Err(Refusal::ExceptionExists);
    }
    let decided = Timestamp::from_nanoseconds(record.original.decided_time.get()).expect(CHECKED);
    let noticed = Noticed { decided, payment: subject };
    if ledger.exceptions.open_count() >= EXCEPTIONS_OPEN_MAX || !ledger.exceptions.make_room() {
        return Err(Refusal::ExceptionLimit);
    }
    ledger.exceptions.forget_noticed(kind, noticed);
    ledger.exceptions.add(Exception {
        sequence: at.sequence,
        time: at.time,
        kind,
        bank,
        other_bank,
        subject,
        subject_digest: record.subject_digest,
        amount: record.amount.get(),
        currency: Currency::from_number(record.currency.get()).expect(CHECKED),
        direction: Direction::from_number(record.direction),
        owner: None,
        assigned_at: Sequence(0),
        acted: None,
        asked_count: 0,
        is_in_suspense: false,
        is_over: false,
    });
    Ok((at.sequence.0, 0))
}

/// The position of what an exception is about, and the bank on the other side, where there are such; if it is as it has to
/// be.
fn subject(
    ledger: &Ledger,
    at: Position,
    record: &layout::RaiseException,
    kind: ExceptionKind,
    bank: ParticipantNumber,
) -> Result<(Sequence, ParticipantNumber), Refusal> {
    let currency = Currency::from_number(record.currency.get()).expect(CHECKED);
    match kind {
        ExceptionKind::LatePositive
        | ExceptionKind::CreditNotAcknowledged
        | ExceptionKind::LateConfirmation => payment(ledger, at, record, kind),
        ExceptionKind::RecallDue => recall(ledger, at, record, bank),
        ExceptionKind::StaleMirror => {
            let account = customer_account(ledger, record.subject_digest, record.currency.get())?;
            match ledger.accounts.get(account).owner() == bank {
                true => Ok((Sequence(0), ParticipantNumber(0))),
                false => Err(Refusal::AccountUnknown),
            }
        }
        ExceptionKind::ReconciliationBreak => {
            ledger.participants.get(bank).book(currency).ok_or(Refusal::PositionUnknown)?;
            Ok((Sequence(0), ParticipantNumber(0)))
        }
    }
}

fn payment(
    ledger: &Ledger,
    at: Position,
    record: &layout::RaiseException,
    kind: ExceptionKind,
) -> Result<(Sequence, ParticipantNumber), Refusal> {
    let original = &record.original;
    let state = rules_recall::check_known(ledger, at, original)?;
    let (own, other) = match kind == ExceptionKind::LateConfirmation {
        true => (original.debtor_agent, original.creditor_agent),
        false => (original.creditor_agent, original.debtor_agent),
    };
    if own != record.bic {
        return Err(Refusal::OriginalDiffers);
    }
    match (kind == ExceptionKind::LatePositive, state) {
        (true, PaymentState::Rejected | PaymentState::Expired) | (false, PaymentState::Settled) => {}
        (true, PaymentState::Settled) => return Err(Refusal::OriginalSettled),
        (_, PaymentState::Reserved | PaymentState::Unresolved) => return Err(Refusal::NotDue),
        (false, PaymentState::Rejected | PaymentState::Expired) => return Err(Refusal::OriginalNotSettled),
    }
    let other = ledger.participants.find(checked_bic(other)).unwrap_or_default();
    Ok((Sequence(original.payment.get()), other))
}

fn recall(
    ledger: &Ledger,
    at: Position,
    record: &layout::RaiseException,
    bank: ParticipantNumber,
) -> Result<(Sequence, ParticipantNumber), Refusal> {
    let sequence = Sequence(record.recall.get());
    let recall = ledger.recalls.at(sequence).ok_or(Refusal::RecallUnknown)?;
    if recall.creditor_bank() != bank {
        return Err(Refusal::RecallOfAnotherBank);
    }
    if recall.answered().is_some() {
        return Err(Refusal::RecallAnswered);
    }
    let (amount, currency) = (recall.amount().minor_units(), recall.currency().number());
    if (amount, currency) != (record.amount.get(), record.currency.get()) {
        return Err(Refusal::OriginalDiffers);
    }
    let reached = last_day_that_is_due(ledger, at.time.date()).ok_or(Refusal::CalendarUnknown)?;
    match recall.answer_by() <= reached {
        true => Ok((sequence, recall.debtor_bank())),
        false => Err(Refusal::NotDue),
    }
}

/// Recalls are due whose last day for an answer is this one or before.
fn last_day_that_is_due(ledger: &Ledger, today: Date) -> Option<Date> {
    ledger.calendar.banking_day_after(today, RECALL_DUE_BANKING_DAYS)
}

pub(crate) fn assign(ledger: &mut Ledger, at: Position, record: &layout::AssignException) -> Answer {
    let exception = find(ledger, record.exception.get(), record.bic)?;
    if exception.is_resolved() {
        return Err(Refusal::ExceptionResolved);
    }
    let owner = ExceptionOwner::from_bytes(record.owner).expect(CHECKED);
    ledger.exceptions.assign(exception.sequence, owner, at.sequence);
    Ok((exception.sequence.0, 0))
}

fn find(ledger: &Ledger, sequence: u64, bic: [u8; 11]) -> Result<Exception, Refusal> {
    let bank = participant(ledger, bic)?;
    let exception = ledger.exceptions.at(Sequence(sequence)).filter(|exception| exception.bank == bank);
    exception.copied().ok_or(Refusal::ExceptionUnknown)
}

/// Tells the balance of the customer's account, if it is booked on one, and what the bank's suspense account holds.
pub(crate) fn resolve(
    ledger: &mut Ledger,
    at: Position,
    record: &layout::ResolveException,
    outcome: &mut Outcome,
) -> Answer {
    let exception = find(ledger, record.exception.get(), record.bic)?;
    if exception.is_resolved() && !is_on(Mutant::ResolveTwice) {
        return Err(Refusal::ExceptionResolved);
    }
    if Some(ledger.exception_seen(&exception)) != seen(record) {
        return Err(Refusal::ExceptionUnknown);
    }
    let action = ExceptionAction::from_number(record.action).expect(CHECKED);
    if !exception.kind.permits(action) {
        return Err(Refusal::ActionNotLegal);
    }
    let mut balance = 0;
    match action {
        ExceptionAction::ToSuspense => to_suspense(ledger, at, &exception)?,
        ExceptionAction::WriteOff => write_off(ledger, at, &exception)?,
        ExceptionAction::BookToCustomer => balance = book_to_customer(ledger, at, &exception, record)?,
        ExceptionAction::Return | ExceptionAction::Close => check_end(ledger, &exception, action)?,
        ExceptionAction::AskAgain => {}
    }
    let is_in_suspense = match action {
        ExceptionAction::ToSuspense => true,
        ExceptionAction::AskAgain => exception.is_in_suspense,
        ExceptionAction::BookToCustomer
        | ExceptionAction::Return
        | ExceptionAction::WriteOff
        | ExceptionAction::Close => false,
    };
    let acted = Acted { at: at.sequence, time: at.time, action };
    ledger.exceptions.act(exception.sequence, acted, is_in_suspense);
    outcome.balances[1] = ledger.suspense_balance(exception.bank, exception.currency);
    Ok((exception.sequence.0, balance))
}

fn seen(record: &layout::ResolveException) -> Option<ExceptionSeen> {
    Some(ExceptionSeen {
        kind: ExceptionKind::from_number(record.kind)?,
        amount: types::Amount::from_minor_units(record.amount.get()),
        currency: Currency::from_number(record.currency.get()).ok()?,
        direction: Direction::from_number(record.direction),
        other_bank: types::Bic::from_bytes(record.other_bic),
    })
}

/// The core account of the bank's book, which stands for its own core, and its suspense account, if it has one yet.
fn own_accounts(
    ledger: &Ledger,
    exception: &Exception,
) -> Result<(AccountNumber, Option<AccountNumber>), Refusal> {
    let bank = ledger.participants.get(exception.bank);
    let core = bank.book(exception.currency).ok_or(Refusal::PositionUnknown)?.core;
    Ok((core, ledger.accounts.suspense(exception.bank, exception.currency)))
}

/// Money goes from the first to the second where it is the customer's, and the other way where it is the bank's.
fn transfer_of(exception: &Exception, from: AccountNumber, to: AccountNumber) -> Result<Transfer, Refusal> {
    match exception.direction.ok_or(Refusal::ActionNotLegal)? {
        Direction::Credit => Ok(Transfer { debit: from, credit: to }),
        Direction::Debit => Ok(Transfer { debit: to, credit: from }),
    }
}

fn to_suspense(ledger: &mut Ledger, at: Position, exception: &Exception) -> Result<(), Refusal> {
    if exception.is_in_suspense {
        return Err(Refusal::ExceptionInSuspense);
    }
    let (core, suspense) = own_accounts(ledger, exception)?;
    let account = ledger.accounts.get(core);
    let has_range = account.covers(exception.amount) && account.has_room_for(exception.amount);
    // It begins with the first money that goes there.
    let suspense = match suspense {
        Some(suspense) => suspense,
        None if !has_range => return Err(Refusal::BalanceLimit),
        None => {
            let (bank, currency) = (exception.bank, exception.currency);
            open_internal(ledger, bank, currency, AccountKind::Suspense, at.sequence)
        }
    };
    let transfer = transfer_of(exception, core, suspense)?;
    book_transfer(ledger, transfer, exception.amount, at.sequence)
}

fn write_off(ledger: &mut Ledger, at: Position, exception: &Exception) -> Result<(), Refusal> {
    if !exception.is_in_suspense {
        return Err(Refusal::ExceptionNotInSuspense);
    }
    let (core, suspense) = own_accounts(ledger, exception)?;
    let suspense = suspense.expect("what is in suspense has an account there");
    let transfer = transfer_of(exception, suspense, core)?;
    book_transfer(ledger, transfer, exception.amount, at.sequence)
}

/// From where the money is: in suspense, or with the bank's own core. Tells the balance of the account.
fn book_to_customer(
    ledger: &mut Ledger,
    at: Position,
    exception: &Exception,
    record: &layout::ResolveException,
) -> Result<i64, Refusal> {
    let number = customer_account(ledger, record.iban_digest, exception.currency.number())?;
    let account = ledger.accounts.get(number);
    if account.owner() != exception.bank || number.0 != record.account.get() {
        return Err(Refusal::AccountUnknown);
    }
    if account.status() == AccountStatus::Closed {
        return Err(Refusal::AccountClosed);
    }
    if account.is_blocked_for(exception.direction.ok_or(Refusal::ActionNotLegal)?) {
        return Err(Refusal::AccountBlocked);
    }
    let (core, suspense) = own_accounts(ledger, exception)?;
    let other = suspense.filter(|_| exception.is_in_suspense).unwrap_or(core);
    let transfer = transfer_of(exception, other, number)?;
    book_transfer(ledger, transfer, exception.amount, at.sequence)?;
    Ok(ledger.accounts.get(number).balance())
}

/// Whether an exception may end without a booking of its own.
fn check_end(ledger: &Ledger, exception: &Exception, action: ExceptionAction) -> Result<(), Refusal> {
    if exception.is_in_suspense {
        return Err(Refusal::ExceptionInSuspense);
    }
    let recall = match exception.kind {
        ExceptionKind::RecallDue => ledger.recalls.at(exception.subject),
        ExceptionKind::LatePositive
        | ExceptionKind::CreditNotAcknowledged
        | ExceptionKind::LateConfirmation => ledger.recalls.of_payment(exception.subject),
        ExceptionKind::StaleMirror | ExceptionKind::ReconciliationBreak => None,
    };
    let answer = recall.and_then(|recall| recall.answered()).map(|answered| answered.answer);
    let is_met = match (action == ExceptionAction::Return, exception.kind) {
        // The payer's bank has done what it can when it has asked.
        (true, ExceptionKind::LateConfirmation) => recall.is_some(),
        (true, _) => matches!(answer, Some(RecallAnswer::Return { .. })),
        // A recall that is not kept any more is due no more.
        (false, ExceptionKind::RecallDue) => recall.is_none() || answer.is_some(),
        (false, _) => true,
    };
    if is_met { Ok(()) } else { Err(Refusal::RecallMissing) }
}

impl Ledger {
    /// The exception at this position, if it is kept.
    pub fn exception(&self, sequence: Sequence) -> Option<&Exception> {
        self.exceptions.at(sequence)
    }

    /// The exceptions behind this position, in order, resolved or not.
    pub fn exceptions(&self, after: Sequence) -> impl Iterator<Item = &Exception> {
        self.exceptions.behind(after)
    }

    /// How many exceptions are not resolved.
    pub fn open_exception_count(&self) -> usize {
        self.exceptions.open_count()
    }

    /// The exceptions that are not resolved although what was out of order came right by itself, unless their money has yet
    /// to be taken from suspense.
    pub fn exceptions_over(&self) -> impl Iterator<Item = &Exception> {
        self.exceptions.over().filter(|exception| !exception.is_in_suspense)
    }

    /// What the core has noticed and is to be raised, by kind and then in order.
    pub fn noticed_exceptions(&self) -> impl Iterator<Item = (ExceptionKind, Noticed)> {
        self.exceptions.noticed()
    }

    /// How many could not be noticed, because too many were.
    pub fn overlooked_exceptions(&self) -> u64 {
        self.exceptions.overlooked()
    }

    /// What an action on an exception has to say of it.
    pub fn exception_seen(&self, exception: &Exception) -> ExceptionSeen {
        ExceptionSeen {
            kind: exception.kind,
            amount: exception.amount(),
            currency: exception.currency,
            direction: exception.direction,
            other_bank: exception.other_bank().map(|bank| self.participants.get(bank).bic()),
        }
    }

    /// What a bank has in suspense in a currency, in minor units: above zero what it owes to others, below what others owe
    /// to it.
    pub fn suspense_balance(&self, bank: ParticipantNumber, currency: Currency) -> i64 {
        let account = self.accounts.suspense(bank, currency);
        account.map_or(0, |account| self.accounts.get(account).balance())
    }

    /// Whether an exception is to be raised about an open recall: its time is nearly over, and there is none yet.
    pub fn is_recall_due(&self, recall: &crate::Recall) -> bool {
        let reached = last_day_that_is_due(self, self.position().time.date());
        let name = name_of(ExceptionKind::RecallDue, recall.creditor_bank(), recall.sequence());
        let is_due = reached.is_some_and(|reached| recall.answer_by() <= reached);
        recall.answered().is_none() && is_due && self.exceptions.named(&name).is_none()
    }

    /// What must hold between exceptions and suspense accounts.
    pub(crate) fn validate_exceptions(&self) {
        self.exceptions.validate();
        let sound = self.exceptions.check_suspense(&self.accounts);
        assert!(sound.is_ok(), "what is in suspense is there for something");
    }
}

#[cfg(test)]
#[path = "rules_exceptions_tests.rs"]
mod tests;
