//! The model's packages and orders, by the rules of docs/orders.md.

use ledger::{AccountStatus, NotExecuted, OrderState, Refusal, Stage, Verdict};
use rust_decimal::Decimal;
use types::{Duration, ParticipantNumber, PaymentState, ReasonCode, Sequence, StatusReason, Timestamp};

use super::{Compared, Expected, Model, money};
use crate::step::{Line, Pay, Terms};
use crate::words::currency;

const DAY: i64 = 86_400_000_000_000;
const KEPT: Duration = Duration::from_seconds(5 * 24 * 3600);
const KNOWN: Duration = Duration::from_seconds(400 * 24 * 3600);
const DAYS_AHEAD: i64 = 400;
const INCOMPLETE_OF_A_BANK: usize = 100;

/// An order, of a package or alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    /// Its package and line.
    pub(crate) line: Option<(Sequence, u32)>,
    /// What it says.
    pub(crate) terms: Terms,
    /// When it is due, on its bank's clock; 0 for at once.
    pub(crate) due: i64,
    /// Where it stands.
    pub(crate) state: OrderState,
    /// Why.
    pub(crate) reason: Option<ReasonCode>,
    /// Its last payment.
    pub(crate) payment: Option<Sequence>,
    /// How many it has had.
    pub(crate) occurrence: u32,
    /// When it ended.
    pub(super) ended: Option<Timestamp>,
}

/// A package.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package {
    /// Its bank.
    pub(crate) bank: u8,
    /// The name of its file, and its content.
    file: (u8, u8),
    /// How many lines it has.
    pub(crate) lines: u32,
    sum: Option<i64>,
    /// How many are logged.
    pub(crate) logged: u32,
    opened: Timestamp,
    closed: Option<Timestamp>,
    is_cancelled: bool,
    /// When everything had become of it.
    pub(crate) complete: Option<Timestamp>,
}

impl Package {
    /// Whether lines may come.
    pub(crate) const fn is_open(&self) -> bool {
        self.closed.is_none() && !self.is_cancelled
    }

    const fn is_abandoned(&self) -> bool {
        self.closed.is_none() && self.is_cancelled
    }
}

type Answer = Result<(u64, Decimal), Refusal>;

impl Model {
    /// What a bank's clock shows, in nanoseconds since 1970 of that clock.
    pub(crate) fn local(&self, bank: u8, time: Timestamp) -> i64 {
        let zone = self.bank(bank).map(|(_, known)| known.zone).unwrap_or_default();
        let changed = zone.change.filter(|change| change.at <= time).map(|change| change.offset);
        time.nanoseconds() + i64::from(changed.unwrap_or(zone.offset).minutes()) * 60_000_000_000
    }

    /// The orders that may be executed at this time, in no order.
    pub(crate) fn due_at(&self, time: Timestamp) -> Vec<(Sequence, Order)> {
        let is_due = |order: &&Order| {
            let is_closed = order.line.is_none_or(|(package, _)| self.packages[&package].closed.is_some());
            is_closed && order.state.waits() && order.due <= self.local(order.terms.bank, time)
        };
        let due = self.orders.iter().filter(|(_, order)| is_due(order));
        due.map(|(sequence, order)| (*sequence, *order)).collect()
    }

    /// How many lines of a package stand like this, and what they are together.
    pub(crate) fn lines_in(&self, package: Sequence, states: &[OrderState]) -> (u32, Decimal) {
        let lines = self.orders.values().filter(|order| order.line.is_some_and(|line| line.0 == package));
        let lines: Vec<_> = lines.filter(|order| states.contains(&order.state)).collect();
        let sum = lines.iter().map(|order| money(order.terms.body.amount)).sum();
        (u32::try_from(lines.len()).expect("lines are few"), sum)
    }

    pub(super) fn open_package(&mut self, bank: u8, file: (u8, u8), lines: u32, sum: Option<i64>) -> Answer {
        self.bank(bank).ok_or(Refusal::ParticipantUnknown)?;
        let known = self
            .packages
            .iter()
            .find(|(_, known)| (known.bank, known.file.0) == (bank, file.0) && !known.is_abandoned());
        if let Some((sequence, known)) = known {
            let is_same = known.file == file;
            return if is_same { Ok((sequence.0, Decimal::ZERO)) } else { Err(Refusal::PackageExists) };
        }
        let incomplete =
            self.packages.values().filter(|known| known.bank == bank && known.complete.is_none());
        if incomplete.count() >= INCOMPLETE_OF_A_BANK {
            return Err(Refusal::PackageLimit);
        }
        let package = Package {
            bank,
            file,
            lines,
            sum,
            logged: 0,
            opened: self.at.time,
            closed: None,
            is_cancelled: false,
            complete: None,
        };
        self.packages.insert(self.at.sequence, package);
        Ok((self.at.sequence.0, Decimal::ZERO))
    }

    /// A line is logged once, and known again.
    pub(super) fn line(&mut self, line: &Line) -> Expected {
        let repeat_of = match self.judge_line(line) {
            Err(refusal) => return self.expected(Err(refusal)),
            Ok(repeat_of) => repeat_of,
        };
        if repeat_of.is_none() {
            let is_refused = line.is_refused;
            let order = Order {
                line: Some((line.package, line.number)),
                terms: line.terms,
                due: line.terms.due,
                state: if is_refused { OrderState::Refused } else { OrderState::Pending },
                reason: is_refused.then(|| StatusReason::IncorrectAccountNumber.code()),
                payment: None,
                occurrence: 0,
                ended: is_refused.then_some(self.at.time),
            };
            self.orders.insert(self.at.sequence, order);
            self.packages.get_mut(&line.package).expect("it was judged").logged = line.number;
        }
        let verdict = Verdict::Done { subject: line.number.into(), repeat_of };
        Expected { verdict, ..self.expected(Ok((0, Decimal::ZERO))) }
    }

    fn judge_line(&self, line: &Line) -> Result<Option<Sequence>, Refusal> {
        let package = self.packages.get(&line.package).ok_or(Refusal::PackageUnknown)?;
        if line.number <= package.logged {
            let place = Some((line.package, line.number));
            let known = self.orders.iter().find(|(_, order)| order.line == place);
            let (at, known) = known.ok_or(Refusal::PackageNotOpen)?;
            let was_refused = known.state == OrderState::Refused;
            let is_same = (known.terms, was_refused) == (line.terms, line.is_refused);
            return if is_same { Ok(Some(*at)) } else { Err(Refusal::PackageDiffers) };
        }
        if !package.is_open() {
            return Err(Refusal::PackageNotOpen);
        }
        if line.number > package.lines {
            return Err(Refusal::PackageDiffers);
        }
        if line.number != package.logged + 1 {
            return Err(Refusal::LineNotNext);
        }
        if !line.is_refused {
            if (line.terms.bank, line.terms.body.currency) != (package.bank, 0) {
                return Err(Refusal::PackageDiffers);
            }
            if line.terms.due >= self.too_far(package.bank) {
                return Err(Refusal::OrderDateNotAllowed);
            }
        }
        Ok(None)
    }

    /// The midnight behind the last day that may be named now.
    fn too_far(&self, bank: u8) -> i64 {
        (self.local(bank, self.at.time) / DAY + DAYS_AHEAD + 1) * DAY
    }

    fn package_of(&self, bank: u8, package: Sequence) -> Result<Package, Refusal> {
        self.bank(bank).ok_or(Refusal::ParticipantUnknown)?;
        let known = self.packages.get(&package).filter(|known| known.bank == bank);
        known.copied().ok_or(Refusal::PackageUnknown)
    }

    pub(super) fn close_package(&mut self, bank: u8, sequence: Sequence) -> Answer {
        let package = self.package_of(bank, sequence)?;
        if !package.is_open() {
            return Err(Refusal::PackageNotOpen);
        }
        let all: Vec<_> = (1..=8).filter_map(OrderState::from_number).collect();
        let (_, sum) = self.lines_in(sequence, &all);
        if package.logged != package.lines || package.sum.is_some_and(|stated| money(stated) != sum) {
            return Err(Refusal::PackageDiffers);
        }
        self.packages.get_mut(&sequence).expect("it was found").closed = Some(self.at.time);
        self.may_complete(sequence);
        Ok((sequence.0, Decimal::ZERO))
    }

    pub(super) fn cancel(&mut self, bank: u8, target: Sequence, is_package: bool) -> Answer {
        if is_package {
            let package = self.package_of(bank, target)?;
            if package.is_cancelled || package.complete.is_some() {
                return Err(Refusal::PackageNotOpen);
            }
            self.packages.get_mut(&target).expect("it was found").is_cancelled = true;
            for order in self.orders.values_mut() {
                if order.line.is_some_and(|line| line.0 == target) && order.state.waits() {
                    order.state = OrderState::Cancelled;
                }
            }
            self.may_complete(target);
            return Ok((target.0, Decimal::ZERO));
        }
        self.bank(bank).ok_or(Refusal::ParticipantUnknown)?;
        let now = self.at.time;
        // Of a line that could not be read only its package's bank is known.
        let packages = &self.packages;
        let bank_of =
            |order: &Order| order.line.map_or(order.terms.bank, |(package, _)| packages[&package].bank);
        let order = self.orders.get_mut(&target).filter(|order| bank_of(order) == bank);
        let order = order.ok_or(Refusal::OrderUnknown)?;
        if !order.state.waits() {
            return Err(Refusal::OrderNotPending);
        }
        (order.state, order.ended) = (OrderState::Cancelled, Some(now));
        match order.line {
            Some((package, _)) => self.may_complete(package),
            None => self.not_paid(target),
        }
        Ok((target.0, Decimal::ZERO))
    }

    pub(super) fn place_order(&mut self, terms: Terms) -> Answer {
        let (number, due) = self.judge_order(&terms)?;
        let order = Order {
            line: None,
            terms,
            due,
            state: OrderState::Pending,
            reason: None,
            payment: None,
            occurrence: 0,
            ended: None,
        };
        self.orders.insert(self.at.sequence, order);
        Ok((self.at.sequence.0, self.accounts[&number].balance))
    }

    /// The payer's account, and when it is due.
    fn judge_order(&self, terms: &Terms) -> Result<(u32, i64), Refusal> {
        self.bank(terms.bank).ok_or(Refusal::ParticipantUnknown)?;
        let found = self.customer(terms.body.debtor, terms.body.currency);
        let found = found.filter(|(_, known)| known.bank == Some(terms.bank));
        let (number, known) = found.ok_or(Refusal::AccountUnknown)?;
        if known.status == AccountStatus::Closed {
            return Err(Refusal::AccountClosed);
        }
        let today = self.local(terms.bank, self.at.time) / DAY;
        let is_over = terms.last != 0 && i64::from(terms.last) < terms.due / DAY;
        if terms.due / DAY < today || terms.due >= self.too_far(terms.bank) || is_over {
            return Err(Refusal::OrderDateNotAllowed);
        }
        Ok((number, terms.due))
    }

    pub(super) fn change_order(&mut self, sequence: Sequence, terms: Terms) -> Answer {
        let order = *self.orders.get(&sequence).ok_or(Refusal::OrderUnknown)?;
        if order.line.is_some() {
            return Err(Refusal::OrderNotPending);
        }
        let number =
            |terms: Terms| self.customer(terms.body.debtor, terms.body.currency).map(|found| found.0);
        let account = number(terms).ok_or(Refusal::AccountUnknown)?;
        if Some(account) != number(order.terms) {
            return Err(Refusal::OrderUnknown);
        }
        if !order.state.waits() || self.is_asked_for(sequence) {
            return Err(Refusal::OrderNotPending);
        }
        let (_, due) = self.judge_order(&terms)?;
        let changed = Order { terms, due, state: OrderState::Pending, reason: None, ..order };
        self.orders.insert(sequence, changed);
        Ok((sequence.0, self.accounts[&account].balance))
    }

    /// A payment that executes an order.
    pub(super) fn execute(&mut self, payment: &Pay, compared: Compared) -> Expected {
        let key = (payment.debtor_bank, payment.id);
        let is_own = self.held(key).map(|(_, earlier)| earlier.compared == compared);
        if is_own == Some(true) {
            return self.payment(payment, compared, None);
        }
        let order = payment.order;
        if let Err(why) = self.executable(payment) {
            return self.nothing_told(Verdict::NotExecuted { order, why });
        }
        if is_own.is_none() && self.is_outdated() {
            return self.nothing_told(Verdict::AskAgain);
        }
        let judged = match (is_own, self.inactive_side(payment)) {
            (Some(_), _) => Ok(self.payment(payment, compared, None)),
            (None, Some(Stage::Debit)) => Err(StatusReason::AgentSuspended.into()),
            (None, Some(Stage::Credit)) => Err(StatusReason::CreditorAgentSuspended.into()),
            (None, None) => self.try_payment(payment, compared),
        };
        let expected = match judged {
            Err(refused) if self.goes_on_waiting(order, refused.reason) => {
                let reason = refused.reason.code();
                let order_known = self.orders.get_mut(&order).expect("it may be executed");
                (order_known.state, order_known.reason) = (OrderState::Awaiting, Some(reason));
                return self.nothing_told(Verdict::NotExecuted { order, why: NotExecuted::Waits(reason) });
            }
            Err(refused) => self.refused(key, compared, refused, true),
            Ok(expected) => expected,
        };
        let Verdict::Payment { state, reason, .. } = expected.verdict else { return expected };
        let known = self.orders.get_mut(&order).expect("it may be executed");
        (known.state, known.reason, known.payment) = (OrderState::Sent, None, Some(self.at.sequence));
        known.occurrence += 1;
        if state.is_final() {
            self.finish(order, state, reason);
        }
        expected
    }

    fn executable(&self, payment: &Pay) -> Result<(), NotExecuted> {
        let order = self.orders.get(&payment.order).ok_or(NotExecuted::Unknown)?;
        if order.line.is_some_and(|(package, _)| self.packages[&package].is_open()) {
            return Err(NotExecuted::NotOpen);
        }
        if !order.state.waits() {
            return Err(NotExecuted::NotPending);
        }
        if order.due > self.local(order.terms.bank, self.at.time) {
            return Err(NotExecuted::NotDue);
        }
        let is_same = (order.terms.bank, order.terms.body) == (payment.debtor_bank, payment.body);
        if is_same { Ok(()) } else { Err(NotExecuted::Differs) }
    }

    fn goes_on_waiting(&self, order: Sequence, reason: StatusReason) -> bool {
        let order = &self.orders[&order];
        let closed = order.line.and_then(|(package, _)| self.packages[&package].closed);
        let day_of = |local: i64| (local / DAY + 1) * DAY;
        let give_up = match order.terms.give_up {
            0 => day_of(order.due.max(closed.map_or(0, |closed| self.local(order.terms.bank, closed)))),
            give_up => give_up,
        };
        let may_pass = [
            StatusReason::InsufficientFunds,
            StatusReason::AmountExceedsSettlementLimit,
            StatusReason::SettlementFailed,
            StatusReason::AgentSuspended,
            StatusReason::InstructedAgentError,
        ];
        reason == StatusReason::TimeoutCreditorAgent
            || may_pass.contains(&reason) && self.local(order.terms.bank, self.at.time) < give_up
    }

    /// A payment that waited has ended; so has the order that it executes, if it does.
    pub(super) fn follow(&mut self, payment: Sequence, state: PaymentState, reason: Option<ReasonCode>) {
        let sent = self
            .orders
            .iter()
            .find(|(_, order)| order.state == OrderState::Sent && order.payment == Some(payment));
        if let Some(order) = sent.map(|(sequence, _)| *sequence) {
            self.finish(order, state, reason);
        }
    }

    fn finish(&mut self, sequence: Sequence, state: PaymentState, reason: Option<ReasonCode>) {
        let now = self.at.time;
        let order = self.orders.get_mut(&sequence).expect("it has a payment");
        let ended = match state {
            PaymentState::Settled => OrderState::Settled,
            PaymentState::Expired => OrderState::Expired,
            PaymentState::Rejected | PaymentState::Reserved | PaymentState::Unresolved => {
                OrderState::Rejected
            }
        };
        order.reason = reason;
        let next = order.due + 7 * i64::from(order.terms.weeks) * DAY;
        let is_over = order.terms.last != 0 && next / DAY > i64::from(order.terms.last);
        if order.terms.weeks > 0 && !is_over {
            (order.state, order.due) = (OrderState::Pending, next);
        } else {
            (order.state, order.ended) = (ended, Some(now));
        }
        let Order { line, terms, payment, .. } = *order;
        if let Some((package, _)) = line {
            return self.may_complete(package);
        }
        let made = payment.expect("it has one");
        let payment = money(i64::try_from(made.0).expect("positions are small"));
        let (bank, currency) = (self.number_of(terms.bank), currency(terms.body.currency));
        let verdict = Verdict::OrderEnded { bank, currency, state: ended, reason };
        self.tell_aside(sequence, verdict, [money(terms.body.amount), payment, Decimal::ZERO, Decimal::ZERO]);
        self.paid_or_not(sequence, made, state, reason);
    }

    /// Whether everything has become of a package.
    fn may_complete(&mut self, sequence: Sequence) {
        let package = self.packages[&sequence];
        let under_way = [OrderState::Pending, OrderState::Awaiting, OrderState::Sent];
        if package.is_open() || package.complete.is_some() || self.lines_in(sequence, &under_way).0 > 0 {
            return;
        }
        self.packages.get_mut(&sequence).expect("it is there").complete = Some(self.at.time);
        let (settled, sum) = self.lines_in(sequence, &[OrderState::Settled]);
        let (rejected, _) = self.lines_in(sequence, &[OrderState::Rejected, OrderState::Expired]);
        let (neither, _) = self.lines_in(sequence, &[OrderState::Cancelled, OrderState::Refused]);
        let [settled, rejected, neither] = [settled, rejected, neither].map(|count| money(count.into()));
        let verdict = Verdict::PackageComplete { bank: self.number_of(package.bank), currency: currency(0) };
        self.tell_aside(sequence, verdict, [sum, settled, rejected, neither]);
    }

    pub(super) fn number_of(&self, bank: u8) -> ParticipantNumber {
        let number = self.bank(bank).expect("a bank never leaves").0;
        ParticipantNumber(u32::try_from(number).expect("banks are few"))
    }

    pub(super) fn tell_aside(&mut self, sequence: Sequence, verdict: Verdict, balances: [Decimal; 4]) {
        let told = Expected { balances, ..self.nothing_told(verdict) };
        self.holds_told.push((sequence, told));
    }

    /// What is over for long is forgotten.
    pub(super) fn forget_orders(&mut self) {
        let limit = |time: Timestamp| time.plus(KEPT) <= self.at.time;
        let packages = &self.packages;
        let complete = |package: &Sequence| packages[package].complete;
        let is_over = |order: &Order| match order.line {
            Some((package, _)) => complete(&package).is_some_and(limit),
            None => order.ended.is_some_and(limit),
        };
        self.orders.retain(|_, order| !is_over(order));
        let now = self.at.time;
        self.packages.retain(|_, package| {
            let over = package.complete.is_some_and(|complete| complete.plus(KEPT) <= now);
            !(over && (package.is_abandoned() || package.opened.plus(KNOWN) <= now))
        });
    }
}
