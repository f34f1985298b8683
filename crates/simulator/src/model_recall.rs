//! The model's calendar, recalls and returns.

use ledger::{AccountMode, AccountStatus, Direction, ExceptionKind, RecallAnswer, Refusal};
use rust_decimal::Decimal;
use types::{ClosingDays, Date, PaymentState, RecallReason, RecallRefusal, Sequence, Timestamp};

use super::payment::Sides;
use super::{Compared, EURO, Model, Name, Place, money};
use crate::step::{Original, Recalled};
use crate::words::IDENTITY;

/// A recall, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Recall {
    /// What was said of the payment.
    pub(crate) original: Original,
    /// The payer's account and the payee's, where they are kept here.
    pub(crate) accounts: [Option<u32>; 2],
    /// Why it is asked back.
    pub(crate) reason: RecallReason,
    /// The last day for an answer.
    pub(crate) answer_by: Date,
    /// The answer that counts.
    pub(crate) answer: Option<RecallAnswer>,
    /// Whether what it gave back went to the bank and not to its customer.
    pub(crate) is_elsewhere: bool,
}

impl Model {
    /// Another life of the log begins behind this position.
    pub(crate) fn begin_life(&mut self, restored_upto: Sequence, incarnation: u64) {
        self.lives.push((restored_upto.next(), incarnation));
    }

    fn life_of(&self, payment: Sequence) -> u64 {
        let life = self.lives.iter().rev().find(|(first, _)| *first <= payment);
        life.map_or(IDENTITY.incarnation.0, |(_, incarnation)| *incarnation)
    }

    fn is_open(&self, day: Date) -> Option<bool> {
        let year = u16::try_from(day.civil().0).expect("simulations are of this century");
        let closing = self.closing.get(&year)?;
        Some(!day.is_weekend() && !closing.lists(day))
    }

    pub(super) fn banking_days_later(&self, day: Date, count: u32) -> Option<Date> {
        let (mut day, mut left) = (day, count);
        while left > 0 {
            day = day.plus_days(1).expect("simulations are of this century");
            left -= u32::from(self.is_open(day)?);
        }
        Some(day)
    }

    pub(super) fn set_closing_days(&mut self, closing: ClosingDays) -> Result<(u64, Decimal), Refusal> {
        let (this_year, ..) = self.at.time.date().civil();
        let year = i32::from(closing.year());
        if year < this_year - 2 || year > this_year + 10 {
            return Err(Refusal::CalendarYear);
        }
        self.closing.retain(|year, _| i32::from(*year) >= this_year - 2);
        self.closing.insert(closing.year(), closing);
        Ok((u64::from(closing.year()), Decimal::ZERO))
    }

    pub(super) fn roll(&mut self, date: Date, due: Timestamp) -> Result<(u64, Decimal), Refusal> {
        let next = self.banking_days_later(self.at.time.date(), 1).ok_or(Refusal::CalendarUnknown)?;
        let is_open = self.is_open(date).ok_or(Refusal::CalendarUnknown)?;
        if !is_open || date > next || self.business_date.is_some_and(|before| date <= before) {
            return Err(Refusal::BusinessDateNotNext);
        }
        if self.at.time < due {
            return Err(Refusal::NotDue);
        }
        self.business_date = Some(date);
        Ok((days(date), Decimal::ZERO))
    }

    /// What the banks can say of payments that are over, in log order.
    pub(crate) fn originals(&self) -> Vec<Original> {
        let mut originals = Vec::new();
        for (sequence, payment) in &self.payments {
            let Compared::Order(body) = payment.compared else { continue };
            if payment.state == PaymentState::Reserved {
                continue;
            }
            originals.push(Original {
                payment: *sequence,
                incarnation: self.life_of(*sequence),
                state: payment.state,
                decided_at: payment.decided_at,
                decided_time: payment.decided_time,
                amount: body.amount,
                currency: body.currency,
                banks: [payment.key.0, body.creditor_bank],
                accounts: [body.debtor, body.creditor],
            });
        }
        originals
    }

    /// What is said of a payment fits what is known of it. Tells where it stands.
    pub(super) fn known_state(&self, original: &Original) -> Result<PaymentState, Refusal> {
        let Original { payment, decided_at, decided_time, state, .. } = *original;
        let stands_before = payment < self.at.sequence && decided_at < self.at.sequence;
        if !stands_before || original.incarnation != self.life_of(payment) || decided_time > self.at.time {
            return Err(Refusal::OriginalDiffers);
        }
        let held = self.payments.get(&payment).filter(|_| payment > self.floor);
        if held.is_some_and(|held| {
            (held.key.0, held.decided_at, held.decided_time, held.state)
                != (original.banks[0], decided_at, decided_time, state)
        }) {
            return Err(Refusal::OriginalDiffers);
        }
        Ok(state)
    }

    pub(super) fn recall(
        &mut self,
        original: Original,
        reason: RecallReason,
    ) -> Result<(u64, Decimal), Refusal> {
        for bank in original.banks {
            self.bank(bank).ok_or(Refusal::ParticipantUnknown)?;
        }
        let Original { payment, decided_time, .. } = original;
        let state = self.known_state(&original)?;
        if state != PaymentState::Settled {
            return Err(Refusal::OriginalNotSettled);
        }
        if self.recalls.values().any(|known| known.original.payment == payment) {
            return Err(Refusal::RecallExists);
        }
        let (today, settled) = (self.at.time.date(), decided_time.date());
        let last_day = match reason {
            RecallReason::Duplicate | RecallReason::TechnicalProblem => self.banking_days_later(settled, 10),
            RecallReason::Fraud
            | RecallReason::WrongAccount
            | RecallReason::WrongAmount
            | RecallReason::Customer => settled.plus_months(13),
        };
        if today > last_day.ok_or(Refusal::CalendarUnknown)? {
            return Err(Refusal::RecallWindowOver);
        }
        let answer_by = self.banking_days_later(today, 15).ok_or(Refusal::CalendarUnknown)?;
        let [debtor, creditor] = [0, 1].map(|side| {
            self.account_of_side(original.banks[side], original.accounts[side], original.currency)
        });
        let recall = Recall {
            original,
            accounts: [debtor?, creditor?],
            reason,
            answer_by,
            answer: None,
            is_elsewhere: false,
        };
        self.recalls.insert(self.at.sequence, recall);
        Ok((days(answer_by), Decimal::ZERO))
    }

    fn account_of_side(&self, bank: u8, account: u8, currency: u8) -> Result<Option<u32>, Refusal> {
        let mode = self.bank(bank).expect("both banks are known by now").1.mode;
        let kept = self.customer(account, currency).filter(|(_, known)| known.bank == Some(bank));
        match (mode, kept) {
            (AccountMode::Remote, _) | (AccountMode::Mixed, None) => Ok(None),
            (AccountMode::Hosted | AccountMode::Mixed, Some((number, _))) => Ok(Some(number)),
            (AccountMode::Hosted, None) => Err(Refusal::OriginalDiffers),
        }
    }

    /// How many payments were asked back, and how many of them came back.
    pub(crate) fn recall_counts(&self) -> [u64; 2] {
        let is_returned = |recall: &&Recall| matches!(recall.answer, Some(RecallAnswer::Return { .. }));
        let returned = self.recalls.values().filter(is_returned);
        [self.recalls.values().map(|_| 1).sum(), returned.map(|_| 1).sum()]
    }

    /// What an answer to a recall says of the payment.
    pub(crate) fn recalled(&self, recall: &Recall) -> Recalled {
        Recalled {
            payment: recall.original.payment,
            debtor_bank: recall.original.banks[0],
            accounts: recall.accounts.map(Option::unwrap_or_default),
            currency: recall.original.currency,
        }
    }

    /// Whether what comes back can't be booked to the payer's account.
    pub(crate) fn is_elsewhere(&self, recall: &Recall) -> bool {
        recall.accounts[0].is_some_and(|number| {
            let known = &self.accounts[&number];
            known.status != AccountStatus::Active
                || known.blocks.covers(Direction::Credit)
                || known.is_restricted
        })
    }

    pub(super) fn answer_recall(
        &mut self,
        sequence: Sequence,
        recalled: Recalled,
        bank: u8,
        answer: RecallAnswer,
        [has_consent, is_elsewhere]: [bool; 2],
    ) -> Result<(u64, Decimal), Refusal> {
        let recall = self.recalls.get(&sequence).ok_or(Refusal::RecallUnknown)?.clone();
        self.bank(bank).ok_or(Refusal::ParticipantUnknown)?;
        if bank != recall.original.banks[1] {
            return Err(Refusal::RecallOfAnotherBank);
        }
        if recalled != self.recalled(&recall) {
            return Err(Refusal::OriginalDiffers);
        }
        match (answer, recall.answer) {
            (_, None) | (RecallAnswer::Return { .. }, Some(RecallAnswer::TimeOver(_))) => {}
            (_, Some(_)) => return Err(Refusal::RecallAnswered),
        }
        match answer {
            RecallAnswer::Return { amount, fee } => {
                if recall.reason.needs_consent() && recall.accounts[1].is_some() && !has_consent {
                    return Err(Refusal::ConsentMissing);
                }
                let back = [money(amount.minor_units()), money(fee.minor_units())];
                self.give_back(&recall, back, is_elsewhere)?;
            }
            RecallAnswer::Refuse(refusal) => self.check_truth(&recall, refusal)?,
            RecallAnswer::TimeOver(refusal) => self.check_time_over(&recall, bank, refusal)?,
        }
        let recall = self.recalls.get_mut(&sequence).expect("it was found");
        recall.answer = Some(answer);
        recall.is_elsewhere = is_elsewhere && matches!(answer, RecallAnswer::Return { .. });
        self.comes_right(ExceptionKind::RecallDue, bank, Name::At(sequence));
        Ok((sequence.0, Decimal::ZERO))
    }

    /// A payment in the opposite direction, at once; the fee is a booking of its own.
    fn give_back(
        &mut self,
        recall: &Recall,
        [amount, fee]: [Decimal; 2],
        is_elsewhere: bool,
    ) -> Result<(), Refusal> {
        if amount + fee > money(recall.original.amount) {
            return Err(Refusal::AboveOriginal);
        }
        let [debtor_bank, creditor_bank] = recall.original.banks;
        let currency = recall.original.currency;
        if self.is_closed_for(creditor_bank, currency, Direction::Debit)
            || self.is_closed_for(debtor_bank, currency, Direction::Credit)
        {
            return Err(Refusal::ParticipantSuspended);
        }
        let [payer, payee] = recall.accounts;
        if let Some(account) = payee.map(|number| &self.accounts[&number]) {
            if account.status == AccountStatus::Closed {
                return Err(Refusal::AccountClosed);
            }
            if account.is_blocked_for(Direction::Debit) || account.is_restricted {
                return Err(Refusal::AccountBlocked);
            }
        }
        if self.is_elsewhere(recall) != is_elsewhere {
            return Err(Refusal::AnswerNotTrue);
        }
        let core = |bank| self.internal(Some(bank), Place::Core, EURO).map(|(number, _)| number);
        let debtor_core = core(debtor_bank).ok_or(Refusal::PositionUnknown)?;
        let creditor_core = core(creditor_bank).ok_or(Refusal::PositionUnknown)?;
        let positions = self.positions(creditor_bank, debtor_bank).ok_or(Refusal::PositionUnknown)?;
        let sides = Sides {
            debtor_bank: creditor_bank,
            creditor_bank: debtor_bank,
            debtor: payee,
            creditor: if is_elsewhere { Some(debtor_core) } else { payer },
            positions,
            amount,
            fee: Decimal::ZERO,
        };
        if self.is_blocked(sides) {
            return Err(Refusal::PositionBlocked);
        }
        let is_short = payee.is_some_and(|number| !self.accounts[&number].covers(amount + fee));
        if is_short || !self.positions_cover(sides) {
            return Err(Refusal::InsufficientFunds);
        }
        self.book_sides(sides);
        if let Some(number) = payee {
            self.book(number, creditor_core, fee);
        }
        self.told = Some(sides.told());
        Ok(())
    }

    fn check_truth(&self, recall: &Recall, refusal: RecallRefusal) -> Result<(), Refusal> {
        let Some(account) = recall.accounts[1].map(|number| &self.accounts[&number]) else { return Ok(()) };
        let is_true = match refusal {
            RecallRefusal::AccountClosed => account.status == AccountStatus::Closed,
            RecallRefusal::InsufficientFunds => !account.covers(money(recall.original.amount)),
            RecallRefusal::AlreadyReturned | RecallRefusal::NoOriginal => false,
            RecallRefusal::Customer | RecallRefusal::Legal | RecallRefusal::NoAnswer => true,
        };
        if is_true { Ok(()) } else { Err(Refusal::AnswerNotTrue) }
    }

    fn check_time_over(&self, recall: &Recall, bank: u8, refusal: RecallRefusal) -> Result<(), Refusal> {
        let wants_it = self.bank(bank).expect("it was found").1.is_silence_answered;
        if self.at.time.date() <= recall.answer_by || !(recall.accounts[1].is_some() || wants_it) {
            return Err(Refusal::NotDue);
        }
        let payee = recall.accounts[1].map(|number| self.accounts[&number].status);
        let expected = match payee {
            Some(AccountStatus::Closed) => RecallRefusal::AccountClosed,
            Some(AccountStatus::Active | AccountStatus::Blocked) | None => RecallRefusal::NoAnswer,
        };
        if refusal == expected { Ok(()) } else { Err(Refusal::AnswerNotTrue) }
    }
}

fn days(date: Date) -> u64 {
    u64::try_from(date.days()).expect("days count from 1970")
}
