//! The rules of orders: placed, changed and cancelled before they are sent, and executed once each time that they are due.
//!
//! Of an order that is placed, in order of precedence: bank and account known, account not closed, due today or later and
//! within 400 days, the closing days of that year set if they count, room among the orders of the account and of all. Of one
//! that is changed: there, of this account, waiting and in no package; then as if it were placed. Of one that is cancelled:
//! there, of this bank, and waiting.
//!
//! Of a payment that executes an order: the order there, its package closed, waiting, due by its bank's clock, and with the
//! same body. Then the payment is judged as any other. A lack of funds, or of room at a bank, is no rejection before the end
//! of the day of execution, or before the time that the order names: nothing is used up, and the order goes on waiting. An
//! attempt that comes too late to be in time is no rejection at any time.
//!
//! Invariants:
//! - An order is executed once, and a standing one once for each of its days, whoever tries how often and after whichever
//!   restart: what is sent is marked in the command that sends it.
//! - A change or a cancellation and an execution are decided by their places in the log.
//! - When an order is due, is asked of the bank's clock when somebody tries; time alone changes no order.

use types::{
    AccountNumber, Currency, ParticipantNumber, PaymentState, ReasonCode, Sequence, StatusReason, Timestamp,
};

use crate::alerts::Alerts;
use crate::limits::{ORDER_AHEAD_DAYS_MAX, ORDERS_MAX, ORDERS_PER_ACCOUNT_MAX};
use crate::mutants::{Mutant, is_on};
use crate::orders::{DueKey, Order, OrderGroup, OrderState};
use crate::rules_masterdata::{Answer, checked_currency, customer_account, participant};
use crate::zone::LocalTime;
use crate::{
    AccountStatus, Kind, Ledger, NotExecuted, OnClosedDay, Outcome, Package, Position, Refusal, Remark,
    RequestEnd, Schedule, Verdict, layout, rules_packages, rules_requests_to_pay,
};

const CHECKED: &str = "records are checked when they are read";

/// The first moment that is too far ahead for an order that is logged now.
pub(crate) fn too_far(now: LocalTime) -> LocalTime {
    now.date().plus_days(ORDER_AHEAD_DAYS_MAX).map_or(now, |last| LocalTime::of_day(last).end_of_day())
}

/// What a record says of an order that stands alone, waits, and is executed once.
pub(crate) fn order_of(
    at: Position,
    terms: &layout::OrderTerms,
    bank: ParticipantNumber,
    currency: Currency,
) -> Order {
    let local = |nanoseconds| LocalTime::from_nanoseconds(nanoseconds).expect(CHECKED);
    let due = local(terms.due.get());
    Order {
        sequence: at.sequence,
        package: Sequence(0),
        line: 0,
        bank,
        account: AccountNumber(0),
        currency,
        amount: terms.amount.get(),
        stands_at: at.sequence,
        stands_time: at.time,
        due,
        give_up: local(terms.give_up.get()),
        payment: Sequence(0),
        occurrence: 0,
        reason: None,
        ended_time: Timestamp::default(),
        schedule: None,
        first: due.date(),
        meant: due.date(),
        body_digest: terms.body_digest,
        state: OrderState::Pending,
    }
}

/// Tells the order.
pub(crate) fn place(ledger: &mut Ledger, at: Position, record: &layout::PlaceOrder) -> Answer {
    let order = judge(ledger, at, &record.terms, &record.schedule)?;
    if ledger.orders.count() >= ORDERS_MAX || ledger.orders.count_of(order.account) >= ORDERS_PER_ACCOUNT_MAX
    {
        return Err(Refusal::OrderLimit);
    }
    ledger.orders.add(order);
    Ok((at.sequence.0, ledger.accounts.get(order.account).balance()))
}

/// The order that these terms make, if they can.
fn judge(
    ledger: &Ledger,
    at: Position,
    terms: &layout::OrderTerms,
    schedule: &layout::Schedule,
) -> Result<Order, Refusal> {
    let bank = participant(ledger, terms.debtor_agent)?;
    let account = customer_account(ledger, terms.debtor_account_digest, terms.currency.get())?;
    if ledger.accounts.get(account).owner() != bank {
        return Err(Refusal::AccountUnknown);
    }
    if ledger.accounts.get(account).status() == AccountStatus::Closed {
        return Err(Refusal::AccountClosed);
    }
    let mut order = order_of(at, terms, bank, checked_currency(terms.currency.get()));
    order.account = account;
    order.schedule = Schedule::from_record(schedule);
    let now = ledger.participants.get(bank).zone().local(at.time);
    let is_over = |schedule: Schedule| schedule.last.is_some_and(|last| last < order.first);
    if order.first < now.date() || order.due >= too_far(now) || order.schedule.is_some_and(is_over) {
        return Err(Refusal::OrderDateNotAllowed);
    }
    if let Some(schedule) = order.schedule {
        let counts = schedule.on_closed_day != OnClosedDay::Same;
        if counts && ledger.calendar.is_open(order.first).is_none() {
            return Err(Refusal::CalendarUnknown);
        }
        order.due = order.due.on(schedule.due_on(order.first, &ledger.calendar));
    }
    Ok(order)
}

/// Tells the order and its account's balance.
pub(crate) fn change(ledger: &mut Ledger, at: Position, record: &layout::ChangeOrder) -> Answer {
    let slot = ledger.orders.find(Sequence(record.order.get())).ok_or(Refusal::OrderUnknown)?;
    let order = *ledger.orders.get(slot);
    let terms = &record.terms;
    if record.repeats.get() > 0 {
        let stands_there =
            order.stands_at.0 == record.repeats.get() && order.body_digest == terms.body_digest;
        if !stands_there {
            return Err(Refusal::OrderUnknown);
        }
        ledger.orders.set_place(slot, at.sequence, at.time);
        return Ok((order.sequence.0, 0));
    }
    if !order.is_single() {
        return Err(Refusal::OrderNotPending);
    }
    let account = customer_account(ledger, terms.debtor_account_digest, terms.currency.get())?;
    if account != order.account {
        return Err(Refusal::OrderUnknown);
    }
    // What a payee has asked for is paid as it is, or cancelled.
    let is_requested = ledger.requests_to_pay.accepted(order.sequence).is_some();
    if !order.state.waits() || is_requested {
        return Err(Refusal::OrderNotPending);
    }
    let changed = judge(ledger, at, terms, &record.schedule)?;
    let Order { sequence, payment, occurrence, .. } = order;
    // Its days are counted anew, and what it has had stays its own.
    ledger.orders.change(slot, |order| *order = Order { sequence, payment, occurrence, ..changed });
    Ok((sequence.0, ledger.accounts.get(account).balance()))
}

/// Cancels one order.
pub(crate) fn cancel(ledger: &mut Ledger, at: Position, record: &layout::CancelOrders) -> Answer {
    if record.package.get() > 0 {
        return rules_packages::cancel(ledger, at, record);
    }
    let bank = participant(ledger, record.bic)?;
    let slot = ledger.orders.find(Sequence(record.order.get())).ok_or(Refusal::OrderUnknown)?;
    let order = *ledger.orders.get(slot);
    if order.bank != bank {
        return Err(Refusal::OrderUnknown);
    }
    let state = ledger.orders.state_of(&order);
    if !state.waits() {
        return Err(Refusal::OrderNotPending);
    }
    if is_on(Mutant::CancelForgotten) {
        return Ok((order.sequence.0, 0));
    }
    ledger.orders.change(slot, |order| {
        (order.state, order.ended_time) = (OrderState::Cancelled, at.time);
    });
    if order.is_single() {
        rules_requests_to_pay::order_ended(ledger, at, order.sequence, cancelled());
    }
    if !order.is_single() {
        rules_packages::change(ledger, at, order.package, |package| {
            package.pending -= 1;
            package.awaiting -= u32::from(state == OrderState::Awaiting);
            package.cancelled += 1;
        });
    }
    Ok((order.sequence.0, 0))
}

/// The slot of the order that a payment executes, if it may be executed now.
pub(crate) fn executable(
    ledger: &Ledger,
    at: Position,
    payment: &layout::Payment,
) -> Result<u32, NotExecuted> {
    let slot = ledger.orders.find(Sequence(payment.order.get())).ok_or(NotExecuted::Unknown)?;
    let order = ledger.orders.get(slot);
    let package = ledger.orders.packages.at(order.package);
    if package.is_some_and(Package::is_open) {
        return Err(NotExecuted::NotOpen);
    }
    let is_taken_again = is_on(Mutant::OrderTwice) && order.state == OrderState::Settled;
    if !ledger.orders.state_of(order).waits() && !is_taken_again {
        return Err(NotExecuted::NotPending);
    }
    if order.due > ledger.participants.get(order.bank).zone().local(at.time) {
        return Err(NotExecuted::NotDue);
    }
    if order.body_digest != payment.body_digest {
        return Err(NotExecuted::Differs);
    }
    Ok(slot)
}

/// Whether an order goes on waiting whose payment would be rejected for this reason.
pub(crate) fn waits(ledger: &Ledger, at: Position, slot: u32, reason: ReasonCode) -> bool {
    let order = ledger.orders.get(slot);
    if !order.state.waits() {
        return false;
    }
    let is = |other: StatusReason| reason == other.code();
    // The attempt came late, and not the order.
    if is(StatusReason::TimeoutCreditorAgent) {
        return true;
    }
    let may_pass = is(StatusReason::InsufficientFunds)
        || is(StatusReason::AmountExceedsSettlementLimit)
        || is(StatusReason::SettlementFailed)
        || is(StatusReason::AgentSuspended)
        || is(StatusReason::InstructedAgentError);
    let zone = ledger.participants.get(order.bank).zone();
    may_pass && zone.local(at.time) < give_up(ledger, order) && !is_on(Mutant::FundsNotAwaited)
}

/// From when on a lack of funds is final.
fn give_up(ledger: &Ledger, order: &Order) -> LocalTime {
    if order.give_up != LocalTime::AT_ONCE {
        return order.give_up;
    }
    let closed = ledger.orders.packages.at(order.package).map(|package| package.closed_time);
    let zone = ledger.participants.get(order.bank).zone();
    order.due.max(closed.map_or(LocalTime::AT_ONCE, |closed| zone.local(closed))).end_of_day()
}

/// The order goes on waiting, for this reason.
pub(crate) fn set_awaiting(ledger: &mut Ledger, at: Position, slot: u32, reason: ReasonCode) {
    let before = *ledger.orders.get(slot);
    ledger.orders.note_awaiting(slot, reason);
    if !before.is_single() && before.state != OrderState::Awaiting {
        rules_packages::change(ledger, at, before.package, |package| package.awaiting += 1);
    }
}

/// What an attempt is told that executes nothing.
pub(crate) fn not_executed(at: Position, payment: &layout::Payment, why: NotExecuted) -> Outcome {
    Outcome {
        sequence: at.sequence,
        decided_at: at.sequence,
        decided_time: at.time,
        accepted: Timestamp::from_nanoseconds(payment.acceptance_time.get()).expect(CHECKED),
        kind: Kind::Payment,
        verdict: Verdict::NotExecuted { order: Sequence(payment.order.get()), why },
        alerts: Alerts::NONE,
        late: false,
        remark: Remark::None,
        balances: [0; 4],
    }
}

/// The order has its payment: it is decided, or waits for a bank.
pub(crate) fn executed(
    ledger: &mut Ledger,
    at: Position,
    slot: u32,
    state: PaymentState,
    reason: Option<ReasonCode>,
) {
    let before = *ledger.orders.get(slot);
    if is_on(Mutant::OrderTwice) && !before.state.waits() {
        return;
    }
    ledger.orders.change(slot, |order| {
        (order.state, order.reason) = (OrderState::Sent, None);
        order.payment = at.sequence;
        order.occurrence += 1;
    });
    if !before.is_single() {
        // It can't be complete by that: something is under way.
        ledger.orders.packages.change(before.package, at.time, |package| {
            package.pending -= 1;
            package.awaiting -= u32::from(before.state == OrderState::Awaiting);
            package.sent += 1;
        });
    }
    if state.is_final() {
        finish(ledger, at, slot, state, reason);
    }
}

/// A payment that waited for a bank is decided: so is the order for which it was sent, if there is one.
pub(crate) fn follow(
    ledger: &mut Ledger,
    at: Position,
    payment: Sequence,
    state: PaymentState,
    reason: Option<ReasonCode>,
) {
    if let Some(slot) = ledger.orders.sent_as(payment) {
        finish(ledger, at, slot, state, reason);
    }
}

/// The payment of an order is final: the order has ended, or it waits for its next day.
fn finish(ledger: &mut Ledger, at: Position, slot: u32, state: PaymentState, reason: Option<ReasonCode>) {
    let order = *ledger.orders.get(slot);
    let ended = match state {
        PaymentState::Settled => OrderState::Settled,
        PaymentState::Expired => OrderState::Expired,
        PaymentState::Rejected | PaymentState::Reserved | PaymentState::Unresolved => OrderState::Rejected,
    };
    let next = order.schedule.and_then(|schedule| {
        let meant = schedule.next(order.first, order.meant)?;
        Some((meant, schedule.due_on(meant, &ledger.calendar)))
    });
    ledger.orders.change(slot, |order| {
        order.reason = reason;
        match next {
            Some((meant, due_on)) => {
                (order.state, order.meant, order.due) = (OrderState::Pending, meant, order.due.on(due_on));
            }
            None => (order.state, order.ended_time) = (ended, at.time),
        }
    });
    if order.is_single() {
        tell_end(ledger, at, &order, ended, reason);
        return rules_requests_to_pay::order_ended(ledger, at, order.sequence, end_of(&order, ended, reason));
    }
    rules_packages::change(ledger, at, order.package, |package| {
        package.sent -= 1;
        if ended == OrderState::Settled {
            package.settled += 1;
            package.sum_settled += order.amount;
        } else {
            package.rejected += 1;
        }
    });
}

/// What the end of an order means to a payee who has asked for it.
fn end_of(order: &Order, state: OrderState, reason: Option<ReasonCode>) -> RequestEnd {
    if state == OrderState::Settled {
        return RequestEnd::Paid(order.payment);
    }
    let reason = reason.unwrap_or_else(|| StatusReason::NotSpecified.code());
    RequestEnd::Failed { payment: Some(order.payment), reason }
}

/// What a payee hears whose request was accepted and then not paid: the payer has cancelled the order.
fn cancelled() -> RequestEnd {
    let reason = ReasonCode::parse("CUST").expect("four capital letters");
    RequestEnd::Failed { payment: None, reason }
}

fn tell_end(ledger: &mut Ledger, at: Position, order: &Order, state: OrderState, reason: Option<ReasonCode>) {
    let payment = i64::try_from(order.payment.0).expect("a log has fewer than 2^63 positions");
    ledger.holds_told.push(Outcome {
        sequence: order.sequence,
        decided_at: at.sequence,
        decided_time: at.time,
        accepted: Timestamp::default(),
        kind: Kind::PlaceOrder,
        verdict: Verdict::OrderEnded { bank: order.bank, currency: order.currency, state, reason },
        alerts: Alerts::NONE,
        late: false,
        remark: Remark::None,
        balances: [order.amount, payment, 0, 0],
    });
}

/// How many groups of orders one look passes over at the most.
const GROUPS_LOOKED_AT_MAX: usize = 4096;

impl Ledger {
    /// The order at this position, and where it stands, until five days after it ended.
    pub fn order(&self, sequence: Sequence) -> Option<(&Order, OrderState)> {
        let order = self.orders.at(sequence).filter(|order| self.is_kept(order))?;
        Some((order, self.orders.state_of(order)))
    }

    fn is_kept(&self, order: &Order) -> bool {
        let now = self.position().time;
        match self.orders.packages.at(order.package) {
            Some(package) => package.has_lines(now),
            None => !order.state.is_final() || now < order.gone_time(),
        }
    }

    /// The orders of an account that stand alone, behind a position, in the order in which they were placed.
    pub fn orders_of(
        &self,
        account: AccountNumber,
        after: Sequence,
    ) -> impl Iterator<Item = (&Order, OrderState)> {
        let of_account = self.orders.of_account(account);
        let kept = of_account.filter(move |order| order.sequence > after && self.is_kept(order));
        kept.map(|order| (order, order.state))
    }

    /// The orders of a group that wait and are due at a time, behind a place in the order of time and position, in that order.
    pub fn due_orders(
        &self,
        group: OrderGroup,
        after: Option<DueKey>,
        now: Timestamp,
    ) -> impl Iterator<Item = &Order> {
        let now = self.local(group, now);
        self.orders.waiting(group, after).take_while(move |order| Some(order.due) <= now)
    }

    /// What the clock of a group's bank shows at a time; `None` if there is no such group.
    fn local(&self, group: OrderGroup, now: Timestamp) -> Option<LocalTime> {
        let bank = match group {
            OrderGroup::Bank(bank) => bank,
            OrderGroup::Package(package) => self.package(package)?.bank,
        };
        let is_known =
            usize::try_from(bank.0).is_ok_and(|number| (1..=self.participants.count()).contains(&number));
        is_known.then(|| self.participants.get(bank).zone().local(now))
    }

    /// The groups behind this one of which something is due at a time: banks before packages, each in the order of their
    /// numbers.
    pub fn due_groups(&self, after: Option<OrderGroup>, now: Timestamp) -> impl Iterator<Item = OrderGroup> {
        let (first, behind) = match after {
            None => (ParticipantNumber(1), Sequence(0)),
            Some(OrderGroup::Bank(bank)) => (ParticipantNumber(bank.0.saturating_add(1)), Sequence(0)),
            Some(OrderGroup::Package(package)) => (ParticipantNumber(u32::MAX), package),
        };
        let banks = self.orders.banks_from(first).map(OrderGroup::Bank);
        let packages = self.orders.packages.incomplete_after(behind);
        let groups = banks.chain(packages.map(|package| OrderGroup::Package(package.sequence)));
        groups
            .take(GROUPS_LOOKED_AT_MAX)
            .filter(move |group| self.due_orders(*group, None, now).next().is_some())
    }

    /// Where an order stands that was told here: a package that is cancelled has cancelled all of its orders that wait.
    pub fn state_of_order(&self, order: &Order) -> OrderState {
        self.orders.state_of(order)
    }

    /// Whether the payer's account is kept here and does not cover an order now.
    pub fn lacks_funds(&self, order: &Order) -> bool {
        order.account.0 > 0 && !self.accounts.get(order.account).covers(order.amount)
    }

    /// The orders from one slot of the table on, so many slots at the most, with where they stand, and the slot to go on from;
    /// `None` behind the last. For whoever has to see all of them; which slot an order has is no part of the state.
    pub fn orders_from_slot(&self, first: u32, slots_max: usize) -> (Vec<(Order, OrderState)>, Option<u32>) {
        let mut next = first;
        let mut found = Vec::new();
        for (slot, order) in self.orders.behind_slot(first).take(slots_max) {
            next = slot + 1;
            found.extend(order.map(|order| (*order, self.orders.state_of(order))));
        }
        let is_end = self.orders.behind_slot(next).next().is_none();
        (found, (!is_end).then_some(next))
    }

    /// How many orders are kept.
    pub const fn order_count(&self) -> usize {
        self.orders.count()
    }

    /// What holds between orders, packages and payments.
    pub(crate) fn validate_orders(&self) {
        self.orders.validate();
        for order in self.orders.iter().filter(|order| order.state == OrderState::Sent) {
            let payment = self.payments.at(order.payment).expect("a payment that waits is kept");
            assert!(
                payment.state() == PaymentState::Reserved,
                "an order is sent as long as its payment waits"
            );
        }
    }
}

#[cfg(test)]
#[path = "rules_orders_tests.rs"]
mod tests;
