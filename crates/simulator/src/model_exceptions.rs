//! The model's exceptions.

use ledger::{
    AccountStatus, Answer, AnswerEffect, Direction, ExceptionAction, ExceptionKind, HAS_ORDERS, RecallAnswer,
    Refusal, Stage,
};
use rust_decimal::Decimal;
use types::{Duration, PaymentState, Sequence, Timestamp};

use super::{EURO, Model, Place, REMEMBERED, money};
use crate::step::{Case, Seen, Subject};

/// Resolved exceptions are kept for so long.
const KEPT: Duration = Duration::from_seconds(400 * 24 * 3600);

/// An exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exception {
    /// The bank that has to look after it.
    pub(crate) bank: u8,
    /// What is out of order.
    pub(crate) kind: ExceptionKind,
    /// What makes it the same as another.
    pub(crate) name: Name,
    /// The bank on the other side, if that is known here.
    pub(crate) other: Option<u8>,
    /// How much is in question, if money is.
    pub(crate) amount: Option<Decimal>,
    /// Which way it goes on the customer's account.
    pub(crate) direction: Option<Direction>,
    /// Who looks after it.
    pub(crate) owner: Option<u8>,
    /// What was done about it last, and when.
    pub(crate) acted: Option<(ExceptionAction, Timestamp)>,
    /// How often somebody was asked again.
    pub(crate) asked: u32,
    /// Whether the money is kept apart.
    pub(crate) is_in_suspense: bool,
    /// Whether it came right by itself.
    pub(crate) is_over: bool,
}

/// What makes two exceptions of one kind and bank the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// A payment's or a recall's position.
    At(Sequence),
    /// An account.
    Account(u8),
    /// A reference.
    Reference(u8),
}

/// Its name, the bank on the other side, minor units, and which way they go on the customer's account.
type About = (Name, Option<u8>, Option<i64>, Option<Direction>);

type Answered = Result<(u64, Decimal), Refusal>;

impl Exception {
    /// Whether nothing is left to be done.
    pub(crate) fn is_resolved(&self) -> bool {
        self.acted.is_some_and(|(action, _)| action.resolves())
    }

    /// What an action says of it.
    pub(crate) fn seen(&self) -> Seen {
        let Self { kind, amount, direction, other, .. } = *self;
        let minor = |amount: Decimal| {
            i64::try_from(amount * Decimal::ONE_HUNDRED).expect("simulated amounts are small")
        };
        Seen { kind, amount: amount.map(minor), direction, other }
    }
}

/// The table of what is legal, as the documentation has it: book, suspend, return, ask, write off, close.
const fn is_legal(kind: ExceptionKind, action: ExceptionAction) -> bool {
    let row = match kind {
        ExceptionKind::LatePositive => [true, true, false, false, true, true],
        ExceptionKind::CreditNotAcknowledged => [true, true, true, true, false, true],
        ExceptionKind::LateConfirmation => [true, true, true, true, true, true],
        ExceptionKind::StaleMirror => [false, false, false, true, false, true],
        ExceptionKind::ReconciliationBreak => [true, true, false, true, true, true],
        ExceptionKind::RecallDue => [false, false, true, true, false, true],
    };
    row[match action {
        ExceptionAction::BookToCustomer => 0,
        ExceptionAction::ToSuspense => 1,
        ExceptionAction::Return => 2,
        ExceptionAction::AskAgain => 3,
        ExceptionAction::WriteOff => 4,
        ExceptionAction::Close => 5,
    }]
}

impl Model {
    pub(super) fn case(&mut self, case: Case) -> Answered {
        match case {
            Case::Raise { bank, kind, subject } => self.raise(bank, kind, subject),
            Case::Assign { bank, exception, owner } => {
                self.open_case(bank, exception)?;
                self.exception(exception).owner = Some(owner);
                Ok((exception.0, Decimal::ZERO))
            }
            Case::Resolve { bank, exception, action, account, seen } => {
                self.resolve(bank, exception, action, account, seen)
            }
        }
    }

    fn exception(&mut self, at: Sequence) -> &mut Exception {
        self.exceptions.get_mut(&at).expect("it was found")
    }

    fn open_case(&self, bank: u8, at: Sequence) -> Result<Exception, Refusal> {
        self.bank(bank).ok_or(Refusal::ParticipantUnknown)?;
        let found = self.exceptions.get(&at).filter(|exception| exception.bank == bank);
        let found = found.copied().ok_or(Refusal::ExceptionUnknown)?;
        if found.is_resolved() { Err(Refusal::ExceptionResolved) } else { Ok(found) }
    }

    /// What stands for the same thing still.
    fn case_of(&self, kind: ExceptionKind, bank: u8, name: Name) -> Option<Sequence> {
        let recurs = matches!(kind, ExceptionKind::StaleMirror | ExceptionKind::ReconciliationBreak);
        let is_it = |exception: &Exception| {
            (exception.kind, exception.bank, exception.name) == (kind, bank, name)
                && !(recurs && exception.is_resolved())
        };
        self.exceptions.iter().find(|(_, exception)| is_it(exception)).map(|(at, _)| *at)
    }

    /// A bank has answered about a payment that was decided before.
    pub(super) fn answered_after(
        &mut self,
        payment: Sequence,
        effect: AnswerEffect,
        stage: Stage,
        answer: Answer,
    ) {
        let is_after = matches!(effect, AnswerEffect::Late | AnswerEffect::Double | AnswerEffect::Contrary);
        if !is_after || stage != Stage::Credit || answer != Answer::Accept {
            return;
        }
        let known = self.payments[&payment];
        let (bank, name) = (known.creditor_bank, Name::At(payment));
        match known.state {
            PaymentState::Settled => self.comes_right(ExceptionKind::CreditNotAcknowledged, bank, name),
            PaymentState::Rejected | PaymentState::Expired => {
                let is_known = self.case_of(ExceptionKind::LatePositive, bank, name).is_some();
                if !is_known && self.rules_version >= HAS_ORDERS {
                    self.noticed.insert((known.decided_time, payment));
                }
            }
            PaymentState::Reserved | PaymentState::Unresolved => {}
        }
    }

    pub(super) fn comes_right(&mut self, kind: ExceptionKind, bank: u8, name: Name) {
        if let Some(at) = self.case_of(kind, bank, name)
            && !self.exceptions[&at].is_resolved()
        {
            self.exception(at).is_over = true;
        }
    }

    /// What is too old goes.
    pub(super) fn forget_exceptions(&mut self) {
        let now = self.at.time;
        self.noticed.retain(|(decided, _)| *decided >= now.minus(REMEMBERED));
        let is_old = |(_, acted): (ExceptionAction, Timestamp)| acted < now.minus(KEPT);
        self.exceptions
            .retain(|_, exception| !(exception.is_resolved() && exception.acted.is_some_and(is_old)));
    }

    fn raise(&mut self, bank: u8, kind: ExceptionKind, subject: Subject) -> Answered {
        self.bank(bank).ok_or(Refusal::ParticipantUnknown)?;
        let (name, other, amount, direction) = self.about(bank, kind, subject)?;
        if self.case_of(kind, bank, name).is_some() {
            return Err(Refusal::ExceptionExists);
        }
        if let (ExceptionKind::LatePositive, Name::At(payment)) = (kind, name) {
            self.noticed.retain(|(_, noticed)| *noticed != payment);
        }
        let exception = Exception {
            bank,
            kind,
            name,
            other: other.filter(|other| self.bank(*other).is_some()),
            amount: amount.map(money),
            direction,
            owner: None,
            acted: None,
            asked: 0,
            is_in_suspense: false,
            is_over: false,
        };
        self.exceptions.insert(self.at.sequence, exception);
        Ok((self.at.sequence.0, Decimal::ZERO))
    }

    /// What an exception is about, if that is as it has to be.
    fn about(&self, bank: u8, kind: ExceptionKind, subject: Subject) -> Result<About, Refusal> {
        Ok(match subject {
            Subject::Payment(original) => {
                let state = self.known_state(&original)?;
                let is_payer = kind == ExceptionKind::LateConfirmation;
                let [own, other] = match (is_payer, original.banks) {
                    (true, [debtor, creditor]) => [debtor, creditor],
                    (false, [debtor, creditor]) => [creditor, debtor],
                };
                if own != bank {
                    return Err(Refusal::OriginalDiffers);
                }
                let is_positive = kind == ExceptionKind::LatePositive;
                match state {
                    PaymentState::Reserved | PaymentState::Unresolved => return Err(Refusal::NotDue),
                    PaymentState::Settled if is_positive => return Err(Refusal::OriginalSettled),
                    PaymentState::Rejected | PaymentState::Expired if !is_positive => {
                        return Err(Refusal::OriginalNotSettled);
                    }
                    PaymentState::Settled | PaymentState::Rejected | PaymentState::Expired => {}
                }
                let direction = match kind == ExceptionKind::CreditNotAcknowledged {
                    true => Direction::Credit,
                    false => Direction::Debit,
                };
                (Name::At(original.payment), Some(other), Some(original.amount), Some(direction))
            }
            Subject::Recall { recall, amount } => {
                let known = self.recalls.get(&recall).ok_or(Refusal::RecallUnknown)?;
                if known.original.banks[1] != bank {
                    return Err(Refusal::RecallOfAnotherBank);
                }
                if known.answer.is_some() {
                    return Err(Refusal::RecallAnswered);
                }
                if known.original.amount != amount {
                    return Err(Refusal::OriginalDiffers);
                }
                let reached = self.banking_days_later(self.at.time.date(), 3);
                if known.answer_by > reached.ok_or(Refusal::CalendarUnknown)? {
                    return Err(Refusal::NotDue);
                }
                (Name::At(recall), Some(known.original.banks[0]), Some(amount), None)
            }
            Subject::Account(account) => {
                let (_, known) = self.customer(account, EURO).ok_or(Refusal::AccountUnknown)?;
                if known.bank != Some(bank) {
                    return Err(Refusal::AccountUnknown);
                }
                (Name::Account(account), None, None, None)
            }
            Subject::Reference { name, amount, direction } => {
                self.internal(Some(bank), Place::Core, EURO).ok_or(Refusal::PositionUnknown)?;
                (Name::Reference(name), None, Some(amount), Some(direction))
            }
        })
    }

    fn resolve(
        &mut self,
        bank: u8,
        at: Sequence,
        action: ExceptionAction,
        account: Option<(u8, u32)>,
        seen: Option<Seen>,
    ) -> Answered {
        let found = self.open_case(bank, at)?;
        if seen != Some(found.seen()) {
            return Err(Refusal::ExceptionUnknown);
        }
        if !is_legal(found.kind, action) {
            return Err(Refusal::ActionNotLegal);
        }
        let mut balance = Decimal::ZERO;
        match action {
            ExceptionAction::ToSuspense if found.is_in_suspense => return Err(Refusal::ExceptionInSuspense),
            ExceptionAction::ToSuspense => self.suspend(&found)?,
            ExceptionAction::WriteOff if !found.is_in_suspense => {
                return Err(Refusal::ExceptionNotInSuspense);
            }
            ExceptionAction::WriteOff => {
                let core = self.core_of(bank)?;
                let suspense = self.suspense_of(bank).expect("its money is there");
                self.move_case(&found, suspense, core);
            }
            ExceptionAction::BookToCustomer => {
                balance = self.book_case(&found, account.expect("a booking names an account"))?;
            }
            ExceptionAction::Return | ExceptionAction::Close => self.check_case_ends(&found, action)?,
            ExceptionAction::AskAgain => {}
        }
        let now = self.at.time;
        let exception = self.exception(at);
        exception.acted = Some((action, now));
        exception.is_in_suspense = match action {
            ExceptionAction::ToSuspense => true,
            ExceptionAction::AskAgain => found.is_in_suspense,
            ExceptionAction::BookToCustomer
            | ExceptionAction::Return
            | ExceptionAction::WriteOff
            | ExceptionAction::Close => false,
        };
        exception.asked += u32::from(action == ExceptionAction::AskAgain);
        self.beside = self.suspense_of(bank).map_or(Decimal::ZERO, |number| self.accounts[&number].balance);
        Ok((at.0, balance))
    }

    fn core_of(&self, bank: u8) -> Result<u32, Refusal> {
        let core = self.internal(Some(bank), Place::Core, EURO);
        core.map(|(number, _)| number).ok_or(Refusal::PositionUnknown)
    }

    fn suspense_of(&self, bank: u8) -> Option<u32> {
        self.internal(Some(bank), Place::Suspense, EURO).map(|(number, _)| number)
    }

    /// From the first to the second where it is the customer's, and the other way where it is the bank's.
    fn move_case(&mut self, exception: &Exception, from: u32, to: u32) {
        let amount = exception.amount.expect("where money moves, some is in question");
        match exception.direction.expect("and it has a direction") {
            Direction::Credit => self.book(from, to, amount),
            Direction::Debit => self.book(to, from, amount),
        }
    }

    fn suspend(&mut self, exception: &Exception) -> Result<(), Refusal> {
        let (bank, core) = (exception.bank, self.core_of(exception.bank)?);
        let suspense = self.suspense_of(bank);
        let suspense = suspense.unwrap_or_else(|| self.open(Some(bank), Place::Suspense, EURO, None));
        self.move_case(exception, core, suspense);
        Ok(())
    }

    fn book_case(&mut self, exception: &Exception, (account, hint): (u8, u32)) -> Result<Decimal, Refusal> {
        let (number, known) = self.customer(account, EURO).ok_or(Refusal::AccountUnknown)?;
        if known.bank != Some(exception.bank) || number != hint {
            return Err(Refusal::AccountUnknown);
        }
        if known.status == AccountStatus::Closed {
            return Err(Refusal::AccountClosed);
        }
        let direction = exception.direction.expect("where money moves it has a direction");
        if known.is_blocked_for(direction) {
            return Err(Refusal::AccountBlocked);
        }
        let amount = exception.amount.expect("where money moves, some is in question");
        if direction == Direction::Debit && !known.covers(amount) {
            return Err(Refusal::InsufficientFunds);
        }
        let core = self.core_of(exception.bank)?;
        let from =
            if exception.is_in_suspense { self.suspense_of(exception.bank).unwrap_or(core) } else { core };
        self.move_case(exception, from, number);
        Ok(self.accounts[&number].balance)
    }

    fn check_case_ends(&self, exception: &Exception, action: ExceptionAction) -> Result<(), Refusal> {
        if exception.is_in_suspense {
            return Err(Refusal::ExceptionInSuspense);
        }
        let recall = match (exception.kind, exception.name) {
            (ExceptionKind::RecallDue, Name::At(recall)) => self.recalls.get(&recall),
            (_, Name::At(payment)) => self.recalls.values().find(|it| it.original.payment == payment),
            (_, Name::Account(_) | Name::Reference(_)) => None,
        };
        let answer = recall.and_then(|recall| recall.answer);
        let is_met = match (action, exception.kind) {
            (ExceptionAction::Return, ExceptionKind::LateConfirmation) => recall.is_some(),
            (ExceptionAction::Return, _) => matches!(answer, Some(RecallAnswer::Return { .. })),
            (_, ExceptionKind::RecallDue) => recall.is_none() || answer.is_some(),
            _ => true,
        };
        if is_met { Ok(()) } else { Err(Refusal::RecallMissing) }
    }
}
