//! What the auditor knows of the banks: who is connected, who is asked, and what became of payments, in log order.
//!
//! It is derived from the log by the model. Whatever a bank hears, as it happens or when it comes back, must be this
//! and all of this: nothing that is not durable, nothing left out, and the same end to both banks. A bank that has
//! caught up has heard every question that it has yet to answer.

use std::collections::{BTreeMap, BTreeSet};

use engine::{
    BankChange, Decisions, ExceptionStep, ExceptionTold, HoldExpired, Notice, OrderEvent, OrdersTold,
    QuestionsOfBank, RecallStep, RecallTold, RequestStep, RequestTold, StoredOrder,
};
use ledger::{AnswerEffect, Connected, ExceptionAction, OrderState, Outcome, RecallAnswer, Stage, Verdict};
use rust_decimal::Decimal;
use types::{Amount, Currency, Duration, ParticipantNumber, PaymentState, ReasonCode, Sequence, Timestamp};

use super::{Auditor, Violation};
use crate::compare::{self, same};
use crate::model::{Asked, Crossed, Expected, money};
use crate::step::{BANK_COUNT, BANKS, Case, Pay, Request, Step};
use crate::words::{account_range, bic, currency, owner_of, transaction_id};

/// For so long a bank counts as connected after its last connection has ended, and after a start of the node.
const GRACE: Duration = Duration::from_seconds(1);

/// Something that banks may hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Asked(Asked),
    Outcome {
        at: Sequence,
        payment: Sequence,
        state: PaymentState,
        reason: Option<ReasonCode>,
        /// The payer's bank and the payee's, if it is known.
        banks: [Option<u8>; 2],
    },
    Changed {
        at: Sequence,
        bank: u8,
        change: BankChange,
    },
    Crossed(Crossed),
    Recall(HeardRecall),
    Expired(HeardExpiry),
    Exception(HeardException),
    Orders(HeardOrders),
    ToPay(HeardToPay),
}

/// What happened to an exception of a bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HeardException {
    at: Sequence,
    exception: Sequence,
    bank: u8,
    other: Option<u8>,
    step: ExceptionStep,
}

impl HeardException {
    fn of(told: &ExceptionTold) -> Self {
        let ExceptionTold { decided_at: at, exception, bank, other_bank, step, .. } = *told;
        Self { at, exception, bank: number(bank), other: other_bank.map(number), step }
    }
}

/// That a hold on an account of a bank has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HeardExpiry {
    at: Sequence,
    hold: Sequence,
    bank: u8,
    released: Decimal,
    currency: Currency,
}

/// What became of an order or a package of a bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HeardOrders {
    at: Sequence,
    bank: u8,
    /// The order, or the package.
    of: Sequence,
    /// Where an order stands, and why.
    ended: Option<(OrderState, Option<ReasonCode>)>,
    currency: Currency,
    /// The amount and the payment; or the sum that was settled, and how many lines ended how.
    told: [Decimal; 4],
}

/// Something happened to a request to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HeardToPay {
    at: Sequence,
    to_pay: Sequence,
    /// The payer's and the payee's.
    banks: [u8; 2],
    step: RequestStep,
}

impl HeardToPay {
    fn of(told: &RequestTold) -> Self {
        let RequestTold { decided_at: at, to_pay, payer_bank, payee_bank, step, .. } = *told;
        Self { at, to_pay, banks: [payer_bank, payee_bank].map(number), step }
    }
}

impl HeardOrders {
    fn of(told: &OrdersTold) -> Self {
        let (at, bank) = (told.decided_at, number(told.bank));
        match told.what {
            OrderEvent::Ended { order: of, payment, amount, currency, state, reason } => {
                let payment = i64::try_from(payment.0).expect("positions are small");
                let told = [money(amount.minor_units()), money(payment), Decimal::ZERO, Decimal::ZERO];
                Self { at, bank, of, ended: Some((state, reason)), currency, told }
            }
            OrderEvent::Complete { package: of, currency, sum_settled, lines } => {
                let [settled, rejected, neither] = lines.map(money);
                let told = [money(sum_settled), settled, rejected, neither];
                Self { at, bank, of, ended: None, currency, told }
            }
        }
    }
}

impl HeardExpiry {
    fn of(told: &HoldExpired) -> Self {
        let HoldExpired { decided_at: at, hold, bank, released, currency, .. } = *told;
        Self { at, hold, bank: number(bank), released: money(released.minor_units()), currency }
    }
}

/// That a payment is asked back, or what is answered to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HeardRecall {
    at: Sequence,
    recall: Sequence,
    payment: Sequence,
    /// The payer's bank and the payee's.
    banks: [u8; 2],
    step: RecallStep,
    is_elsewhere: bool,
}

impl HeardRecall {
    fn of(told: &RecallTold) -> Self {
        let RecallTold { decided_at: at, recall, payment, step, is_elsewhere, .. } = *told;
        let banks = [told.debtor_agent, told.creditor_agent].map(number);
        Self { at, recall, payment, banks, step, is_elsewhere }
    }
}

/// What a bank hears of the end of a payment, and when.
const fn outcome(heard: &Heard) -> Option<(Sequence, Sequence, PaymentState, Option<ReasonCode>)> {
    match *heard {
        Heard::Outcome { at, payment, state, reason, .. } => Some((at, payment, state, reason)),
        Heard::Asked(_)
        | Heard::Changed { .. }
        | Heard::Crossed(_)
        | Heard::Recall(_)
        | Heard::Expired(_)
        | Heard::Exception(_)
        | Heard::Orders(_)
        | Heard::ToPay(_) => None,
    }
}

impl Heard {
    const fn at(&self) -> Sequence {
        match self {
            Self::Asked(asked) => asked.at,
            Self::Outcome { at, .. }
            | Self::Changed { at, .. }
            | Self::Crossed(Crossed { at, .. })
            | Self::Recall(HeardRecall { at, .. })
            | Self::Expired(HeardExpiry { at, .. })
            | Self::Exception(HeardException { at, .. })
            | Self::Orders(HeardOrders { at, .. })
            | Self::ToPay(HeardToPay { at, .. }) => *at,
        }
    }

    fn concerns(&self, bank: u8) -> bool {
        match self {
            Self::Asked(asked) => asked.bank == bank,
            Self::Outcome { banks, .. } => banks.contains(&Some(bank)),
            Self::Recall(told) => told.banks.contains(&bank),
            Self::Exception(told) => told.bank == bank || told.other == Some(bank),
            Self::ToPay(told) => told.banks.contains(&bank),
            Self::Changed { bank: whose, .. }
            | Self::Crossed(Crossed { bank: whose, .. })
            | Self::Expired(HeardExpiry { bank: whose, .. })
            | Self::Orders(HeardOrders { bank: whose, .. }) => *whose == bank,
        }
    }
}

/// Who is connected, in log time.
#[derive(Debug, Default)]
struct Connections {
    links: [u32; BANK_COUNT],
    /// The end of the grace time after the last connection.
    until: [Timestamp; BANK_COUNT],
    all_until: Timestamp,
}

/// What the auditor knows of the banks.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    /// In the order of the log.
    history: Vec<Heard>,
    connections: Connections,
    /// What somebody was told of the end of a payment first.
    ends: BTreeMap<Sequence, PaymentState>,
    /// What the frame applied last decided of payments that had been reserved.
    finals: Vec<(Sequence, Expected)>,
}

/// How far a bank has heard over one connection.
#[derive(Clone, Debug)]
pub(crate) struct Ear {
    bank: u8,
    /// The next entry of the history that may concern it.
    next: usize,
    /// The questions that it has heard.
    asked: BTreeSet<(Sequence, u8)>,
}

impl Hearing {
    /// After a restore: of what somebody was told before, the ends that are ends still.
    pub(super) fn keep_ends(&mut self, before: Self, is_kept: impl Fn(Sequence, PaymentState) -> bool) {
        self.ends = before.ends.into_iter().filter(|(payment, state)| is_kept(*payment, *state)).collect();
    }
}

impl Auditor {
    /// A bank connects.
    pub(crate) fn connected(&mut self, bank: u8) {
        self.hearing.connections.links[usize::from(bank)] += 1;
    }

    /// A bank's connection has ended at this log time.
    pub(crate) fn disconnected(&mut self, bank: u8, now: Timestamp) {
        let connections = &mut self.hearing.connections;
        connections.links[usize::from(bank)] -= 1;
        let until = &mut connections.until[usize::from(bank)];
        *until = now.plus(GRACE).max(*until);
    }

    /// The node serves from this log time on: everybody has yet to connect.
    pub(crate) fn serves(&mut self, now: Timestamp) {
        self.hearing.connections = Connections { all_until: now.plus(GRACE), ..Connections::default() };
    }

    /// A payment stands in a frame of this time with these marks.
    pub(super) fn marked(&self, payment: &Pay, marks: Connected, time: Timestamp) -> Result<(), Violation> {
        let connections = &self.hearing.connections;
        let is_connected = |bank: u8| {
            let at = usize::from(bank);
            connections.links[at] > 0 || time < connections.until[at] || time < connections.all_until
        };
        let debtor = is_connected(payment.debtor_bank);
        let expected = Connected { debtor, creditor: is_connected(payment.body.creditor_bank) };
        same("promise 6: which banks a sealed payment calls connected", &expected, &marks)
    }

    /// A frame is about to be applied.
    pub(super) fn listens(&mut self) {
        self.hearing.finals.clear();
    }

    /// The frame's tick has decided these payments, and asked.
    pub(super) fn ticked(&mut self, decided: &[(Sequence, Expected)]) {
        for (payment, expected) in decided {
            self.ended(*payment, expected);
        }
        self.told_aside();
        self.asked();
    }

    /// What the frame's tick, or a step, has done to these holds, orders and packages beside what it came to itself.
    fn told_aside(&mut self) {
        let code_of = |bank: ParticipantNumber| {
            let is_it =
                |code: &u8| self.model.bank(*code).is_some_and(|(known, _)| known == u64::from(bank.0));
            (0..BANKS).find(is_it).expect("it keeps the account")
        };
        let told = self.model.holds_told.iter().filter_map(|(of, expected)| {
            let (at, of, told) = (expected.decided_at, *of, expected.balances);
            if let Verdict::HoldExpired { bank, currency } = expected.verdict {
                let (bank, released) = (code_of(bank), told[1]);
                return Some(Heard::Expired(HeardExpiry { at, hold: of, bank, released, currency }));
            }
            let (bank, currency, ended) =
                if let Verdict::OrderEnded { bank, currency, state, reason } = expected.verdict {
                    (bank, currency, Some((state, reason)))
                } else if let Verdict::PackageComplete { bank, currency } = expected.verdict {
                    (bank, currency, None)
                } else {
                    return None;
                };
            Some(Heard::Orders(HeardOrders { at, bank: code_of(bank), of, ended, currency, told }))
        });
        let told: Vec<_> = told.collect();
        self.hearing.history.extend(told);
    }

    /// A step has been decided.
    pub(super) fn stepped(&mut self, sequence: Sequence, step: &Step, expected: &Expected) {
        self.told_aside();
        match (step, expected.verdict) {
            (
                Step::Pay(payment) | Step::Refuse { payment, .. },
                Verdict::Payment { state, reason, repeat_of: None },
            ) => {
                let is_read = !matches!(step, Step::Refuse { whole: false, .. });
                let banks = [Some(payment.debtor_bank), is_read.then_some(payment.body.creditor_bank)];
                let outcome = Heard::Outcome { at: sequence, payment: sequence, state, reason, banks };
                self.hearing.history.push(outcome);
            }
            (
                Step::Answer { .. },
                Verdict::Answer { payment, effect: AnswerEffect::Applied, state: Some(state), reason },
            ) if state.is_final() => {
                let verdict = Verdict::Payment { state, reason, repeat_of: None };
                self.ended(payment, &Expected { verdict, ..*expected });
            }
            (
                Step::Request { body: Request::SetBankStatus { bank, status }, .. },
                Verdict::Done { repeat_of: None, .. },
            ) => {
                let change = BankChange::Status(*status);
                self.hearing.history.push(Heard::Changed { at: sequence, bank: *bank, change });
            }
            (
                Step::Request { body: Request::SetActivation { bank, range, is_active }, .. },
                Verdict::Done { repeat_of: None, .. },
            ) => {
                let change =
                    BankChange::Activation { range: range.map(account_range), is_active: *is_active };
                self.hearing.history.push(Heard::Changed { at: sequence, bank: *bank, change });
            }
            (Step::Request { body, .. }, Verdict::Done { repeat_of: None, .. }) => {
                self.hearing.history.extend(self.recall(sequence, body).map(Heard::Recall));
                self.hearing.history.extend(self.excepted(sequence, body).map(Heard::Exception));
                self.hearing.history.extend(to_pay(sequence, body).map(Heard::ToPay));
            }
            _ => {}
        }
        self.asked();
    }

    /// What a request that was carried out says of a recall.
    fn recall(&self, at: Sequence, request: &Request) -> Option<HeardRecall> {
        if let Request::Recall { original, reason } = *request {
            let amount = Amount::from_minor_units(original.amount)?;
            let answer_by = self.model.recalls.get(&at)?.answer_by;
            let step = RecallStep::Requested { reason, amount, answer_by };
            return Some(HeardRecall {
                at,
                recall: at,
                payment: original.payment,
                banks: original.banks,
                step,
                is_elsewhere: false,
            });
        }
        let Request::AnswerRecall { recall, recalled, bank, answer, is_elsewhere, .. } = *request else {
            return None;
        };
        Some(HeardRecall {
            at,
            recall,
            payment: recalled.payment,
            banks: [recalled.debtor_bank, bank],
            step: RecallStep::Answered(answer),
            is_elsewhere: is_elsewhere && matches!(answer, RecallAnswer::Return { .. }),
        })
    }

    /// What a request that was carried out does to an exception.
    fn excepted(&self, at: Sequence, request: &Request) -> Option<HeardException> {
        let Request::Exception(case) = *request else { return None };
        let (exception, bank) = match case {
            Case::Raise { bank, .. } => (at, bank),
            Case::Assign { bank, exception, .. } | Case::Resolve { bank, exception, .. } => (exception, bank),
        };
        let known = self.model.exceptions.get(&exception)?;
        let (kind, seen) = (known.kind, known.seen());
        let amount = seen.amount.and_then(Amount::from_minor_units);
        let currency = Currency::EUR;
        let (step, other) = match case {
            Case::Raise { .. } => (ExceptionStep::Raised { kind, amount, currency }, None),
            Case::Assign { owner, .. } => (ExceptionStep::Assigned(owner_of(owner)), None),
            Case::Resolve { action, .. } => {
                let other = known.other.filter(|_| action == ExceptionAction::AskAgain);
                (ExceptionStep::Acted { kind, action, amount, currency }, other)
            }
        };
        Some(HeardException { at, exception, bank, other, step })
    }

    /// What the tick or step crossed comes behind what it decided, and what it asked behind that.
    /// What requests to pay came to comes behind what the tick or step decided, what it crossed behind that, and what it asked last.
    fn asked(&mut self) {
        let code_of = |bank: ParticipantNumber| {
            let is_it =
                |code: &u8| self.model.bank(*code).is_some_and(|(known, _)| known == u64::from(bank.0));
            (0..BANKS).find(is_it).expect("it is a bank's request")
        };
        let ended = self.model.holds_told.iter().filter_map(|(to_pay, expected)| {
            let Verdict::RequestEnded { payer, payee, end } = expected.verdict else { return None };
            let (at, banks) = (expected.decided_at, [payer, payee].map(code_of));
            Some(Heard::ToPay(HeardToPay { at, to_pay: *to_pay, banks, step: RequestStep::Ended(end) }))
        });
        let ended: Vec<_> = ended.collect();
        self.hearing.history.extend(ended);
        self.hearing.history.extend(self.model.crossings.iter().map(|crossed| Heard::Crossed(*crossed)));
        self.hearing.history.extend(self.model.asked.iter().map(|asked| Heard::Asked(*asked)));
    }

    /// A payment that was reserved is decided.
    fn ended(&mut self, payment: Sequence, expected: &Expected) {
        let Verdict::Payment { state, reason, .. } = expected.verdict else { return };
        let banks = self.order(payment).map(|pay| [pay.debtor_bank, pay.body.creditor_bank].map(Some));
        let (at, banks) = (expected.decided_at, banks.unwrap_or_default());
        self.hearing.history.push(Heard::Outcome { at, payment, state, reason, banks });
        self.hearing.finals.push((payment, *expected));
    }

    fn order(&self, payment: Sequence) -> Option<&Pay> {
        match &self.decided.get(&payment)?.step {
            Step::Pay(payment) | Step::Refuse { payment, .. } => Some(payment),
            Step::NotEntitled(_) | Step::Request { .. } | Step::Answer { .. } | Step::Line(_) => None,
        }
    }

    /// The node says what the frame applied last decided of payments that had been reserved.
    pub(crate) fn finals(&self, found: &[Outcome]) -> Result<(), Violation> {
        let expected = &self.hearing.finals;
        same("how many wait no more", &expected.len(), &found.len())?;
        for ((payment, expected), found) in expected.iter().zip(found) {
            same("promise 5: who waits no more", payment, &found.sequence)?;
            compare::outcome(expected, found).map_err(|error| format!("payment {payment}: {error}"))?;
        }
        Ok(())
    }

    /// Somebody is told where a payment stands: its end is the same to all.
    pub(super) fn ends(&mut self, payment: Sequence, state: PaymentState) -> Result<(), Violation> {
        if !state.is_final() {
            return Ok(());
        }
        let first = *self.hearing.ends.entry(payment).or_insert(state);
        match first == state {
            true => Ok(()),
            false => Err(format!("promise 1: payment {payment} was told {first:?}, and now {state:?}")),
        }
    }

    /// How many bounds were crossed.
    pub(crate) fn crossing_count(&self) -> u64 {
        let crossed = self.hearing.history.iter().filter(|heard| matches!(heard, Heard::Crossed(_)));
        crossed.map(|_| 1).sum()
    }

    /// A connection of this bank hears everything from here on.
    pub(crate) fn begins(&self, bank: u8, starts_after: Sequence) -> Result<Ear, Violation> {
        same("promise 2: where a connection starts", &self.model.at.sequence, &starts_after)?;
        Ok(Ear { bank, next: self.hearing.history.len(), asked: BTreeSet::new() })
    }

    /// A bank hears something.
    pub(crate) fn hears(&mut self, ear: &mut Ear, notice: &Notice) -> Result<(), Violation> {
        let bank = ear.bank;
        let Some(expected) = self.next_for(ear) else {
            let at = notice.position();
            return Err(format!(
                "promise 2: bank {bank} hears of sequence {at} before it is durable: {notice:?}"
            ));
        };
        ear.next += 1;
        let found = match notice {
            Notice::Asked { question, bank, payment, order } => {
                same("the payment of a question", &question.payment, &payment.sequence())?;
                let is_at_hand = question.payment == question.asked_at;
                same("an order comes with its question", &is_at_hand, &order.is_some())?;
                ear.asked.insert((question.payment, question.stage.number()));
                Heard::Asked(Asked {
                    at: question.asked_at,
                    payment: question.payment,
                    bank: number(*bank),
                    stage: question.stage,
                    answer_by: question.answer_by,
                })
            }
            Notice::Outcome { outcome, payment, creditor_agent, .. } => {
                let Verdict::Payment { state, reason, repeat_of: None } = outcome.verdict else {
                    return Err(format!("bank {bank} hears of {outcome:?}"));
                };
                self.tells(bank, payment)?;
                let banks = [Some(number(payment.debtor_agent())), creditor_agent.map(number)];
                let (at, payment) = (outcome.decided_at, outcome.sequence);
                Heard::Outcome { at, payment, state, reason, banks }
            }
            Notice::Changed { outcome, bank, change } => {
                Heard::Changed { at: outcome.decided_at, bank: number(*bank), change: *change }
            }
            Notice::Crossed(crossing) => {
                let crossed = compare::crossed(crossing, number);
                Heard::Crossed(crossed.ok_or_else(|| format!("bank {bank} hears of {crossing:?}"))?)
            }
            Notice::Recall(told) => Heard::Recall(HeardRecall::of(told)),
            Notice::HoldExpired(told) => Heard::Expired(HeardExpiry::of(told)),
            Notice::Exception(told) => Heard::Exception(HeardException::of(told)),
            Notice::Orders(told) => Heard::Orders(HeardOrders::of(told)),
            Notice::Request(told) => Heard::ToPay(HeardToPay::of(told)),
        };
        same(&format!("promise 5: what bank {bank} hears next"), &expected, &found)?;
        match notice {
            Notice::Asked { question: ledger::OpenQuestion { payment, .. }, order: Some(order), .. }
            | Notice::Outcome { outcome: Outcome { sequence: payment, .. }, order: Some(order), .. } => {
                self.is_order(*payment, order)
            }
            Notice::Asked { .. }
            | Notice::Outcome { .. }
            | Notice::Changed { .. }
            | Notice::Crossed(_)
            | Notice::Recall(_)
            | Notice::HoldExpired(_)
            | Notice::Exception(_)
            | Notice::Request(_)
            | Notice::Orders(_) => Ok(()),
        }
    }

    /// Moves to the next thing that concerns the bank.
    fn next_for(&self, ear: &mut Ear) -> Option<Heard> {
        while let Some(heard) = self.hearing.history.get(ear.next) {
            if heard.concerns(ear.bank) {
                return Some(*heard);
            }
            ear.next += 1;
        }
        None
    }

    /// What a bank is told of a payment by notice or by the log: the same as everybody, as far as it is its business.
    pub(crate) fn tells(&mut self, bank: u8, payment: &ledger::Payment) -> Result<(), Violation> {
        let sequence = payment.sequence();
        let Some(pay) = self.order(sequence).copied() else {
            return Err(format!(
                "promise 2: bank {bank} is told of sequence {sequence}, which is no payment"
            ));
        };
        if !payment.state().is_final() {
            return Ok(());
        }
        let sides = [(Stage::Debit, pay.debtor_bank), (Stage::Credit, pay.body.creditor_bank)];
        for (stage, _) in sides.into_iter().filter(|(_, side)| *side == bank) {
            let told = payment.told_to(stage);
            if let Some(expected) = self.model.heard_by(sequence, stage) {
                let found = told.map(|told| (told.state, told.reason));
                same(&format!("what bank {bank} is told of payment {sequence}"), &expected, &found)?;
            }
            if let Some(told) = told {
                self.ends(sequence, told.state)?;
            }
        }
        Ok(())
    }

    /// A bank has been given everything up to here.
    pub(crate) fn heard_upto(&self, ear: &mut Ear, upto: Sequence) -> Result<(), Violation> {
        let bank = ear.bank;
        match self.next_for(ear) {
            Some(heard) if heard.at() <= upto => {
                Err(format!("promise 5: bank {bank} has heard everything up to {upto}, but not {heard:?}"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// A bank, or somebody who watches all of them, reads in the log what was decided after this position.
    pub(crate) fn reads_back(
        &mut self,
        bank: Option<u8>,
        after: Sequence,
        found: &Decisions,
    ) -> Result<(), Violation> {
        let first = self.hearing.history.partition_point(|heard| heard.at() <= after);
        let history = self.hearing.history[first..].iter().take_while(|heard| heard.at() <= found.reached);
        let history: Vec<_> =
            history.filter(|heard| bank.is_none_or(|bank| heard.concerns(bank))).copied().collect();
        let expected: Vec<_> = history.iter().filter_map(outcome).collect();
        let read = found.decisions.iter();
        let read = read.map(|read| (read.decided_at, read.payment, read.state, read.reason));
        let read: Vec<_> = read.collect();
        same(&format!("promise 5: what was decided after {after} as the log tells it"), &expected, &read)?;
        let recall = |heard: &Heard| if let Heard::Recall(recall) = heard { Some(*recall) } else { None };
        let expected: Vec<_> = history.iter().filter_map(recall).collect();
        let read: Vec<_> = found.recalls.iter().map(HeardRecall::of).collect();
        same(&format!("promise 5: what was asked back after {after} as the log tells it"), &expected, &read)?;
        let expiry = |heard: &Heard| if let Heard::Expired(expiry) = heard { Some(*expiry) } else { None };
        let expected: Vec<_> = history.iter().filter_map(expiry).collect();
        let read: Vec<_> = found.expired.iter().map(HeardExpiry::of).collect();
        same(&format!("promise 5: which holds ended after {after} as the log tells it"), &expected, &read)?;
        let exception =
            |heard: &Heard| if let Heard::Exception(exception) = heard { Some(*exception) } else { None };
        let expected: Vec<_> = history.iter().filter_map(exception).collect();
        let read: Vec<_> = found.exceptions.iter().map(HeardException::of).collect();
        same(
            &format!("promise 5: what became of exceptions after {after} as the log tells it"),
            &expected,
            &read,
        )?;
        let orders = |heard: &Heard| if let Heard::Orders(told) = heard { Some(*told) } else { None };
        let expected: Vec<_> = history.iter().filter_map(orders).collect();
        let read: Vec<_> = found.orders.iter().map(HeardOrders::of).collect();
        same(&format!("promise 5: which orders ended after {after} as the log tells it"), &expected, &read)?;
        let asked = |heard: &Heard| if let Heard::ToPay(told) = heard { Some(*told) } else { None };
        let expected: Vec<_> = history.iter().filter_map(asked).collect();
        let read: Vec<_> = found.requests.iter().map(HeardToPay::of).collect();
        same(
            &format!("promise 5: what became of requests after {after} as the log tells it"),
            &expected,
            &read,
        )?;
        for decision in &found.decisions {
            self.is_order(decision.payment, &decision.order)?;
            self.ends(decision.payment, decision.state)?;
        }
        Ok(())
    }

    /// The log gives this order for the payment at a position.
    pub(crate) fn is_order(&self, payment: Sequence, found: &StoredOrder) -> Result<(), Violation> {
        let Some(pay) = self.order(payment) else {
            return Err(format!("an order is at sequence {payment}, which is no payment"));
        };
        let expected = (bic(pay.debtor_bank), transaction_id(pay.id));
        same("whose order it is", &expected, &(found.debtor_agent(), found.transaction_id()))?;
        if let Some((amount, found)) = found.amount() {
            let ordered = (money(pay.body.amount), currency(pay.body.currency));
            same("how much is ordered", &ordered, &(money(amount.minor_units()), found))?;
        }
        Ok(())
    }

    /// A bank that has come back is asked again.
    pub(crate) fn asks_again(&self, ear: &mut Ear, found: Option<&QuestionsOfBank>) -> Result<(), Violation> {
        let is_known = self.model.bank(ear.bank).is_some();
        same("a bank with open questions", &is_known, &found.is_some())?;
        let open = self.model.open_questions();
        for (question, _) in found.into_iter().flat_map(|found| &found.questions) {
            let asked = (question.payment, ear.bank, question.stage);
            if !open.contains(&asked) {
                return Err(format!(
                    "bank {} is asked again about {question:?}, which is answered",
                    ear.bank
                ));
            }
            ear.asked.insert((question.payment, question.stage.number()));
        }
        Ok(())
    }

    /// A bank that has caught up has heard every question that it has yet to answer.
    pub(crate) fn has_heard_all(&self, ear: &Ear) -> Result<(), Violation> {
        let open = self.model.open_questions().into_iter().filter(|(_, bank, _)| *bank == ear.bank);
        for (payment, bank, stage) in open {
            if !ear.asked.contains(&(payment, stage.number())) {
                return Err(format!(
                    "promise 5: bank {bank} has not heard the open question about {payment}"
                ));
            }
        }
        Ok(())
    }
}

/// The number here of a bank with this code.
fn number(code: types::Bic) -> u8 {
    (0..BANKS).find(|bank| bic(*bank) == code).expect("only banks of the simulation have connections")
}

/// What a request that was carried out says of a request to pay.
fn to_pay(at: Sequence, request: &Request) -> Option<HeardToPay> {
    let (to_pay, banks, step) = if let Request::AskToPay(asked) = *request {
        (at, [asked.payer_bank, asked.body.creditor_bank], RequestStep::Created)
    } else if let Request::PresentToPay { to_pay, banks } = *request {
        (to_pay, banks, RequestStep::Presented)
    } else if let Request::AcceptToPay { to_pay, banks, .. } = *request {
        (to_pay, banks, RequestStep::Accepted)
    } else if let Request::RefuseToPay { to_pay, banks, reason } = *request {
        (to_pay, banks, RequestStep::Refused(reason))
    } else if let Request::TakeBackToPay { to_pay, banks } = *request {
        (to_pay, banks, RequestStep::Cancelled)
    } else {
        return None;
    };
    Some(HeardToPay { at, to_pay, banks, step })
}
