//! The model's payments that wait for a bank: who is asked, what an answer does, and what silence does.

use ledger::{
    AccountStatus, Answer, AnswerEffect, DecisionScope, Direction, QuestionState, Remark, Silence, Stage,
    StagePolicy, Verdict,
};
use rust_decimal::Decimal;
use types::{Duration, PaymentState, ReasonCode, Sequence, StatusReason, Timestamp};

use super::payment::{Sides, fee_of};
use super::{Asked, Compared, EXPIRY, Expected, Model, Payment, money};
use crate::step::Pay;

const TARGET: Duration = Duration::from_seconds(5);

/// A payment that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    sides: Sides,
    /// The bank that is asked now.
    stage: Stage,
    /// Whether the payee's bank is asked afterwards.
    credit_follows: bool,
    silences: [Silence; 2],
    target: Timestamp,
    deadline: Timestamp,
    /// When the question ends.
    until: Timestamp,
}

impl Waits {
    pub(super) fn new(payment: &Pay, sides: Sides, questions: [Option<Silence>; 2], now: Timestamp) -> Self {
        let accepted = payment.acceptance_time();
        let [debit, credit] = questions;
        let mut waits = Self {
            sides,
            stage: if debit.is_some() { Stage::Debit } else { Stage::Credit },
            credit_follows: debit.is_some() && credit.is_some(),
            silences: questions.map(|silence| silence.unwrap_or(Silence::Reject)),
            target: accepted.plus(TARGET),
            deadline: accepted.plus(EXPIRY),
            until: now,
        };
        waits.ask(now);
        waits
    }

    /// The question is asked now. Where silence rejects, the bank has until the deadline; where it accepts, until the
    /// target time, or half of what is left if that is later.
    fn ask(&mut self, now: Timestamp) {
        let half = (now.nanoseconds() + self.deadline.nanoseconds() + 1) / 2;
        let half = Timestamp::from_nanoseconds(half).expect("between two times");
        self.until = match self.silences[part(self.stage)] {
            Silence::Reject => self.deadline,
            Silence::Accept => half.max(self.target),
        };
    }

    const fn bank(&self, stage: Stage) -> u8 {
        match stage {
            Stage::Debit => self.sides.debtor_bank,
            Stage::Credit => self.sides.creditor_bank,
        }
    }
}

const fn part(stage: Stage) -> usize {
    match stage {
        Stage::Debit => 0,
        Stage::Credit => 1,
    }
}

impl Model {
    /// Which banks have to be asked, and what silence means.
    pub(super) fn questions(
        &self,
        payment: &Pay,
        sides: Sides,
    ) -> Result<[Option<Silence>; 2], StatusReason> {
        let wish = |bank, stage, account: u32| {
            let (_, bank) = self.bank(bank).expect("both banks are known by now");
            let StagePolicy { scope, silence } = bank.policy.stage(stage);
            let is_flagged = self.accounts[&account].is_flagged;
            let wants = match scope {
                DecisionScope::Nothing => false,
                DecisionScope::Flagged => is_flagged,
                DecisionScope::Above(limit) => is_flagged || sides.amount > money(limit.minor_units()),
                DecisionScope::All => true,
            };
            wants.then_some(silence)
        };
        // A bank that is not connected is silent from the start.
        let asked = |wish, is_connected, offline| match (wish, is_connected) {
            (Some(Silence::Reject), false) => Err(offline),
            (Some(Silence::Accept), false) => Ok(None),
            (wish, _) => Ok(wish),
        };
        let credit = match sides.creditor {
            None => Some(Silence::Reject),
            Some(account) => wish(sides.creditor_bank, Stage::Credit, account),
        };
        let credit = asked(credit, payment.reaches_creditor_bank(), StatusReason::CreditorAgentOffline)?;
        let debit = sides.debtor.and_then(|account| wish(sides.debtor_bank, Stage::Debit, account));
        let debit = asked(debit, payment.connected.debtor, StatusReason::AgentOffline)?;
        let mut banks = Vec::new();
        banks.extend(debit.map(|_| sides.debtor_bank));
        banks.extend(credit.map(|_| sides.creditor_bank));
        for bank in &banks {
            let more = banks.iter().filter(|other| *other == bank).count();
            let most = self.bank(*bank).expect("both banks are known by now").1.unanswered_max;
            if self.unanswered(*bank) + more > usize::try_from(most).expect("32 bits") {
                return Err(StatusReason::InstructedAgentError);
            }
        }
        Ok([debit, credit])
    }

    fn waiting(&self) -> impl Iterator<Item = (Sequence, Waits)> {
        self.payments.iter().filter_map(|(sequence, payment)| payment.waits.map(|waits| (*sequence, waits)))
    }

    /// How many payments wait.
    pub(crate) fn waiting_count(&self) -> u64 {
        self.waiting().map(|_| 1).sum()
    }

    /// How many questions a bank has yet to answer, those included that follow.
    pub(crate) fn unanswered(&self, bank: u8) -> usize {
        let open = self.waiting().filter(|(_, waits)| waits.bank(waits.stage) == bank).count();
        let follows = |waits: &Waits| waits.credit_follows && waits.sides.creditor_bank == bank;
        open + self.waiting().filter(|(_, waits)| follows(waits)).count()
    }

    /// When the next question ends.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.waiting().map(|(_, waits)| waits.until).chain(self.next_end()).min()
    }

    /// The position, asked bank and stage of every payment that waits, in the order of positions.
    pub(crate) fn open_questions(&self) -> Vec<(Sequence, u8, Stage)> {
        self.waiting().map(|(sequence, waits)| (sequence, waits.bank(waits.stage), waits.stage)).collect()
    }

    pub(super) fn reserve(&mut self, key: (u8, u32), compared: Compared, waits: Waits) -> Expected {
        self.set_aside(waits.sides, Decimal::ONE);
        self.spend(waits.sides.debtor, waits.sides.amount);
        self.asks(self.at.sequence, waits);
        let mut questions = [QuestionState::NotAsked; 2];
        questions[part(waits.stage)] = QuestionState::Open;
        let (state, reason) = (PaymentState::Reserved, None);
        let payment = Payment {
            key,
            holds_key: true,
            compared,
            received: self.at.time,
            state,
            reason,
            remark: Remark::None,
            decided_at: self.at.sequence,
            decided_time: self.at.time,
            questions,
            creditor_bank: waits.sides.creditor_bank,
            waits: Some(waits),
        };
        self.payments.insert(self.at.sequence, payment);
        let verdict = Verdict::Payment { state, reason, repeat_of: None };
        let balances = self.debtor_balances(waits.sides);
        let decided_at = self.at.sequence;
        Expected { verdict, decided_at, balances, remark: Remark::None, alerts: [false; 4] }
    }

    fn asks(&mut self, payment: Sequence, waits: Waits) {
        let (at, stage) = (self.at.sequence, waits.stage);
        self.asked.push(Asked { at, payment, bank: waits.bank(stage), stage, answer_by: waits.until });
    }

    /// What a payment that has ended looks like to the bank of this stage: the state and the reason, or nothing, by
    /// the table of who hears what. `None` if the payment is not remembered.
    pub(crate) fn heard_by(
        &self,
        payment: Sequence,
        stage: Stage,
    ) -> Option<Option<(PaymentState, Option<ReasonCode>)>> {
        let known = self.payments.get(&payment)?;
        let credit = known.questions[part(Stage::Credit)];
        let is_told = match (stage, known.state) {
            (Stage::Debit, _) | (Stage::Credit, PaymentState::Settled) => true,
            // Its own refusal is not told back, and what it was not asked is none of its business.
            (Stage::Credit, PaymentState::Rejected) => {
                matches!(credit, QuestionState::Accepted | QuestionState::Silent)
            }
            (Stage::Credit, PaymentState::Expired) => credit != QuestionState::NotAsked,
            (Stage::Credit, PaymentState::Reserved | PaymentState::Unresolved) => false,
        };
        Some(is_told.then(|| (known.state, told_reason(known, stage))))
    }

    /// Sets aside what a payment takes, or gives it back, by the sign.
    fn set_aside(&mut self, sides: Sides, sign: Decimal) {
        if let Some(number) = sides.debtor {
            self.account(number).reserved += sign * (sides.amount + sides.fee);
        }
        self.set_position_aside(sides, sign);
    }

    fn debtor_balances(&self, sides: Sides) -> [Decimal; 4] {
        self.balances([sides.debtor, None, sides.positions[0], None])
    }

    /// Ends what time ends, one after the other, the earliest first.
    pub(super) fn end_questions(&mut self) -> Vec<(Sequence, Expected)> {
        let mut decided = Vec::new();
        loop {
            let due = self.waiting().filter(|(_, waits)| waits.until <= self.at.time);
            let Some((sequence, waits)) = due.min_by_key(|(sequence, waits)| (waits.until, *sequence)) else {
                return decided;
            };
            self.payment_at(sequence).questions[part(waits.stage)] = QuestionState::Silent;
            let end = if waits.deadline <= self.at.time {
                let reason = match waits.stage {
                    Stage::Debit => StatusReason::TimeoutDebtorAgent,
                    Stage::Credit => StatusReason::TimeoutCreditorAgent,
                };
                Some(self.end(sequence, waits, PaymentState::Expired, Some(reason.code())))
            } else {
                self.accept(sequence, waits)
            };
            decided.extend(end.map(|expected| (sequence, expected)));
        }
    }

    /// The bank that was asked has nothing against it: the next is asked, or it is booked.
    fn accept(&mut self, sequence: Sequence, mut waits: Waits) -> Option<Expected> {
        if waits.credit_follows {
            (waits.stage, waits.credit_follows) = (Stage::Credit, false);
            waits.ask(self.at.time);
            self.asks(sequence, waits);
            let payment = self.payment_at(sequence);
            payment.questions[part(Stage::Credit)] = QuestionState::Open;
            payment.waits = Some(waits);
            return None;
        }
        let payee = waits.sides.creditor.map(|number| &self.accounts[&number]);
        let reason = match payee.map(|account| account.status) {
            Some(AccountStatus::Closed) => Some(StatusReason::ClosedAccountNumber.code()),
            Some(AccountStatus::Blocked) => Some(StatusReason::BlockedAccount.code()),
            Some(AccountStatus::Active) | None => {
                let is_blocked = payee.is_some_and(|account| account.is_blocked_for(Direction::Credit));
                let is_restricted = payee.is_some_and(|account| account.is_restricted);
                let restricted = is_restricted.then_some(StatusReason::RegulatoryReason.code());
                if is_blocked { Some(StatusReason::BlockedAccount.code()) } else { restricted }
            }
        };
        let state = if reason.is_some() { PaymentState::Rejected } else { PaymentState::Settled };
        Some(self.end(sequence, waits, state, reason))
    }

    /// A payment is decided: what was set aside is given back, and booked if it settles.
    fn end(
        &mut self,
        sequence: Sequence,
        waits: Waits,
        state: PaymentState,
        reason: Option<ReasonCode>,
    ) -> Expected {
        self.set_aside(waits.sides, Decimal::NEGATIVE_ONE);
        self.crossings_before = self.crossings.len();
        let (mut balances, mut remark) = (self.debtor_balances(waits.sides), Remark::None);
        if state == PaymentState::Settled {
            self.book_sides(waits.sides);
            (balances, remark) = (self.balances(waits.sides.told()), fee_of(waits.sides.fee));
        } else {
            self.unspend(waits.sides.debtor, sequence);
        }
        let which = [PaymentState::Settled, PaymentState::Rejected, PaymentState::Expired];
        let which = which.iter().position(|other| *other == state).expect("a payment that ends has ended");
        self.totals[which] += 1;
        let (decided_at, decided_time) = (self.at.sequence, self.at.time);
        let payment = self.payment_at(sequence);
        (payment.state, payment.reason, payment.decided_at, payment.waits) =
            (state, reason, decided_at, None);
        payment.decided_time = decided_time;
        self.follow(sequence, state, reason);
        let verdict = Verdict::Payment { state, reason, repeat_of: None };
        Expected { verdict, decided_at, balances, remark, alerts: self.alerts() }
    }

    fn payment_at(&mut self, sequence: Sequence) -> &mut Payment {
        self.payments.get_mut(&sequence).expect("a payment that waits is remembered")
    }

    /// A bank's answer.
    pub(super) fn answer(&mut self, payment: Sequence, bank: u8, stage: Stage, answer: Answer) -> Expected {
        let (mut balances, mut remark, mut alerts) = ([Decimal::ZERO; 4], Remark::None, [false; 4]);
        let effect = match self.payments.get(&payment) {
            None => AnswerEffect::PaymentUnknown,
            Some(known) => self.effect(known, bank, stage, answer),
        };
        *self.effects.entry(effect).or_default() += 1;
        if effect == AnswerEffect::Applied {
            let waits = self.payments[&payment].waits.expect("an open question is of a payment that waits");
            let (state, ended) = match answer {
                Answer::Accept => (QuestionState::Accepted, self.accept(payment, waits)),
                Answer::Reject(code) => {
                    let ended = self.end(payment, waits, PaymentState::Rejected, Some(code));
                    (QuestionState::Rejected, Some(ended))
                }
            };
            self.payment_at(payment).questions[part(stage)] = state;
            if let Some(ended) = ended {
                (balances, remark, alerts) = (ended.balances, ended.remark, ended.alerts);
            }
        }
        let (state, reason) = match (effect, self.payments.get(&payment)) {
            (AnswerEffect::PaymentUnknown, _) => (None, Some(StatusReason::PaymentNotReceived.code())),
            (AnswerEffect::NotAsked, _) | (_, None) => (None, None),
            (_, Some(known)) => (Some(known.state), told_reason(known, stage)),
        };
        let verdict = Verdict::Answer { payment, effect, state, reason };
        Expected { verdict, decided_at: self.at.sequence, balances, remark, alerts }
    }

    fn effect(&self, payment: &Payment, bank: u8, stage: Stage, answer: Answer) -> AnswerEffect {
        let (debtor_bank, _) = payment.key;
        let asked = match stage {
            Stage::Debit => debtor_bank == bank,
            Stage::Credit => payment.creditor_bank == bank && self.bank(bank).is_some(),
        };
        let again = |is_same| if is_same { AnswerEffect::Double } else { AnswerEffect::Contrary };
        match payment.questions[part(stage)] {
            _ if !asked => AnswerEffect::NotAsked,
            QuestionState::NotAsked => AnswerEffect::NotAsked,
            QuestionState::Open => AnswerEffect::Applied,
            QuestionState::Silent => AnswerEffect::Late,
            QuestionState::Accepted => again(answer == Answer::Accept),
            QuestionState::Rejected => again(payment.reason.map(Answer::Reject) == Some(answer)),
        }
    }
}

/// The payee's bank that was silent to the end is told TM01 where the payer's is told AB05.
fn told_reason(payment: &Payment, stage: Stage) -> Option<ReasonCode> {
    let was_silent = payment.questions[part(Stage::Credit)] == QuestionState::Silent;
    match stage {
        Stage::Credit if payment.state == PaymentState::Expired && was_silent => {
            Some(ReasonCode::parse("TM01").expect("TM01 is a code"))
        }
        Stage::Debit | Stage::Credit => payment.reason,
    }
}
