//! The rules of requests to pay: a payee asks, the payer answers, and an accepted request starts its payment.
//!
//! Of a request that is made, in order of precedence: the payee's bank known, the payer's account known and at the bank that
//! is named, both banks taking part, the payer's account not closed, the payee's account known and not closed if it would
//! live here, payer and payee not the same, an end ahead and within 180 days, the payment put off no longer than that, room
//! among the requests to that account, of that bank and of all.
//!
//! Of what is said to a request: the bank known, the request there between these two banks, its time not over, and waiting
//! for the payer; to present it, not presented before; to accept it, the payer's bank taking part, its account not closed,
//! blocked or restricted, the payment the one that is asked for and not put off for longer than the payee allows, and room
//! among the orders of the account and of all: the order by which it is paid is placed with the acceptance.
//!
//! ```text
//! created ──▶ presented ──▶ accepted ── its payment is settled ──▶ paid
//!    │            │  ▲         │
//!    │            │  └─────────┴─ its payment failed, and its time is not over
//!    └────────────┴──▶ refused by the payer, cancelled by the payee, or expired
//! ```
//!
//! Invariants:
//! - A request is paid once: only one that waits for the payer is accepted, and it waits again only after its payment failed.
//! - A request whose time is over can't be accepted, whether a tick has come to it or not.

use types::{AccountNumber, Bic, Digest, ParticipantNumber, ReasonCode, Sequence, Timestamp};

use crate::alerts::Alerts;
use crate::command::Direction;
use crate::layout::REQUEST_ACCEPTED;
use crate::limits::{
    ENDED_PER_TICK_MAX, ORDERS_MAX, ORDERS_PER_ACCOUNT_MAX, REQUESTS_TO_PAY_AHEAD_MAX,
    REQUESTS_TO_PAY_ENDED_PER_TICK_MAX, REQUESTS_TO_PAY_MAX, REQUESTS_TO_PAY_PER_ACCOUNT_MAX,
    REQUESTS_TO_PAY_PER_BANK_MAX,
};
use crate::mutants::{Mutant, is_on};
use crate::requests_to_pay::RequestToPay;
use crate::rules_holds::check_account;
use crate::rules_masterdata::{Answer, checked_currency, participant};
use crate::zone::LocalTime;
use crate::{
    AccountMode, AccountStatus, Kind, Ledger, Outcome, Position, Refusal, Remark, RequestEnd,
    RequestToPayStatus, Verdict, layout, rules_liquidity, rules_orders,
};

const CHECKED: &str = "records are checked when they are read";

/// Names the request.
pub(crate) fn create(ledger: &mut Ledger, at: Position, record: &layout::CreateRequestToPay) -> Answer {
    let payee_bank = participant(ledger, record.creditor_agent)?;
    let currency = checked_currency(record.currency.get());
    let hint = AccountNumber(record.debtor_account.get());
    let found = ledger.accounts.find(hint, Digest(record.debtor_account_digest), currency);
    // One that the edge did not see was not there when the request was sent.
    let payer = found.filter(|found| *found == hint).ok_or(Refusal::AccountUnknown)?;
    let account = ledger.accounts.get(payer);
    let payer_bank = ledger.participants.get(account.owner());
    if Bic::from_bytes(record.debtor_agent) != Some(payer_bank.bic()) {
        return Err(Refusal::AccountUnknown);
    }
    let asking = ledger.participants.get(payee_bank);
    if rules_liquidity::is_closed_for(ledger, asking, currency, Direction::Credit)
        || rules_liquidity::is_closed_for(ledger, payer_bank, currency, Direction::Debit)
    {
        return Err(Refusal::ParticipantSuspended);
    }
    // Whether it is blocked or restricted is none of the payee's business, and may have changed until the payer answers.
    if account.status() == AccountStatus::Closed {
        return Err(Refusal::AccountClosed);
    }
    check_payee(ledger, payee_bank, record)?;
    if record.debtor_account_digest == record.creditor_account_digest {
        return Err(Refusal::PayeeIsPayer);
    }
    let expires = checked_time(record.expires.get());
    let pay_by = LocalTime::from_nanoseconds(record.pay_by.get()).expect(CHECKED);
    let pay_by = (pay_by != LocalTime::AT_ONCE).then_some(pay_by);
    let now = payer_bank.zone().local(at.time);
    let is_reached = |end| end > now && end <= latest(now);
    if !is_within_reach(expires, at.time) || !pay_by.is_none_or(is_reached) {
        return Err(Refusal::RequestToPayTimesNotAllowed);
    }
    let requests = &ledger.requests_to_pay;
    if requests.count_to(payer) >= REQUESTS_TO_PAY_PER_ACCOUNT_MAX
        || requests.count_of_bank(payee_bank) >= REQUESTS_TO_PAY_PER_BANK_MAX
        || requests.count() >= REQUESTS_TO_PAY_MAX
    {
        return Err(Refusal::RequestToPayLimit);
    }
    let Position { sequence, time } = at;
    ledger.requests_to_pay.add(RequestToPay {
        sequence,
        time,
        expires,
        pay_by,
        changed: time,
        amount: record.amount.get(),
        payee_digest: Digest(record.creditor_account_digest),
        payer,
        payee_bank,
        status: RequestToPayStatus::Created,
        accepted_at: Sequence(0),
        pay_at: None,
        payment: Sequence(0),
        reason: None,
    });
    Ok((sequence.0, 0))
}

/// Whether something may end then that begins now. Its texts are never erased before that.
pub(crate) fn is_within_reach(end: Timestamp, now: Timestamp) -> bool {
    end > now && end <= now.plus(REQUESTS_TO_PAY_AHEAD_MAX)
}

/// Until when a payment may be put off that is asked for now.
pub(crate) fn latest(now: LocalTime) -> LocalTime {
    let days = i32::try_from(REQUESTS_TO_PAY_AHEAD_MAX.nanoseconds() / DAY).expect("some hundred days");
    now.date().plus_days(days).map_or(now, |last| LocalTime::of_day(last).end_of_day())
}

const DAY: i64 = 24 * 3600 * 1_000_000_000;

/// An account that would live here must be there, of this bank, and not closed.
fn check_payee(
    ledger: &Ledger,
    bank: ParticipantNumber,
    record: &layout::CreateRequestToPay,
) -> Result<(), Refusal> {
    let mode = ledger.participants.get(bank).mode();
    if mode == AccountMode::Remote {
        return Ok(());
    }
    let (digest, currency) =
        (Digest(record.creditor_account_digest), checked_currency(record.currency.get()));
    match ledger.accounts.find(AccountNumber(0), digest, currency) {
        Some(found) => {
            let account = ledger.accounts.get(found);
            if account.owner() != bank {
                return Err(Refusal::AccountUnknown);
            }
            match account.status() {
                AccountStatus::Closed => Err(Refusal::AccountClosed),
                AccountStatus::Active | AccountStatus::Blocked => Ok(()),
            }
        }
        // In another currency it can't be paid.
        None if ledger.accounts.find_in_any_currency(digest).is_some() => Err(Refusal::AccountUnknown),
        None if mode == AccountMode::Mixed => Ok(()),
        None => Err(Refusal::AccountUnknown),
    }
}

/// Names the request.
pub(crate) fn present(ledger: &mut Ledger, at: Position, record: &layout::PresentRequestToPay) -> Answer {
    participant(ledger, record.debtor_agent)?;
    let request = waiting(ledger, at, record.to_pay.get(), record.debtor_agent, record.creditor_agent)?;
    if request.status == RequestToPayStatus::Presented {
        return Err(Refusal::RequestToPayPresented);
    }
    set_status(ledger, at, &request, RequestToPayStatus::Presented, |_| {});
    Ok((request.sequence.0, 0))
}

/// Names the request.
pub(crate) fn answer(ledger: &mut Ledger, at: Position, record: &layout::AnswerRequestToPay) -> Answer {
    participant(ledger, record.debtor_agent)?;
    let request = waiting(ledger, at, record.to_pay.get(), record.debtor_agent, record.creditor_agent)?;
    if record.answer == REQUEST_ACCEPTED {
        accept(ledger, at, record, &request)?;
    } else {
        let reason = ReasonCode::from_bytes(record.reason).expect(CHECKED);
        set_status(ledger, at, &request, RequestToPayStatus::Refused, |request| {
            request.reason = Some(reason);
        });
    }
    Ok((request.sequence.0, 0))
}

fn accept(
    ledger: &mut Ledger,
    at: Position,
    record: &layout::AnswerRequestToPay,
    request: &RequestToPay,
) -> Result<(), Refusal> {
    let account = ledger.accounts.get(request.payer);
    let payer_bank = ledger.participants.get(account.owner());
    if rules_liquidity::is_closed_for(ledger, payer_bank, account.currency(), Direction::Debit) {
        return Err(Refusal::ParticipantSuspended);
    }
    check_account(account, Direction::Debit)?;
    let terms = &record.terms;
    let currency = account.currency();
    let (payer, payee) = ledger.banks_of(request);
    let is_it = (terms.debtor_account_digest, terms.creditor_account_digest)
        == (account.digest().0, request.payee_digest.0)
        && (terms.debtor_agent, terms.creditor_agent) == (*payer.as_bytes(), *payee.as_bytes())
        && (terms.amount.get(), terms.currency.get()) == (request.amount, currency.number());
    if !is_it {
        return Err(Refusal::RequestToPayDiffers);
    }
    let due = LocalTime::from_nanoseconds(terms.due.get()).expect(CHECKED);
    let pay_at = (due != LocalTime::AT_ONCE).then_some(due);
    if pay_at.is_some_and(|pay_at| request.pay_by.is_none_or(|pay_by| pay_at > pay_by)) {
        return Err(Refusal::RequestToPayLaterNotAllowed);
    }
    if ledger.orders.count() >= ORDERS_MAX || ledger.orders.count_of(request.payer) >= ORDERS_PER_ACCOUNT_MAX
    {
        return Err(Refusal::OrderLimit);
    }
    let now = payer_bank.zone().local(at.time);
    let mut order = rules_orders::order_of(at, terms, account.owner(), currency);
    (order.account, order.due) = (request.payer, order.due.max(now));
    (order.first, order.meant) = (order.due.date(), order.due.date());
    ledger.orders.add(order);
    set_status(ledger, at, request, RequestToPayStatus::Accepted, |request| {
        request.accepted_at = at.sequence;
        request.pay_at = pay_at;
        request.payment = Sequence(0);
        request.reason = None;
    });
    Ok(())
}

/// Names the request.
pub(crate) fn cancel(ledger: &mut Ledger, at: Position, record: &layout::CancelRequestToPay) -> Answer {
    participant(ledger, record.creditor_agent)?;
    let request = waiting(ledger, at, record.to_pay.get(), record.debtor_agent, record.creditor_agent)?;
    set_status(ledger, at, &request, RequestToPayStatus::Cancelled, |_| {});
    Ok((request.sequence.0, 0))
}

/// The request between these banks, if it waits for the payer at this moment.
fn waiting(
    ledger: &Ledger,
    at: Position,
    to_pay: u64,
    payer_bank: [u8; 11],
    payee_bank: [u8; 11],
) -> Result<RequestToPay, Refusal> {
    let request = *ledger.requests_to_pay.at(Sequence(to_pay)).ok_or(Refusal::RequestToPayUnknown)?;
    let (payer, payee) = ledger.banks_of(&request);
    if (payer_bank, payee_bank) != (*payer.as_bytes(), *payee.as_bytes()) {
        return Err(Refusal::RequestToPayUnknown);
    }
    let is_over = request.is_over(at.time) && !is_on(Mutant::ExpiredRequestAccepted);
    if is_over || request.status == RequestToPayStatus::Expired {
        return Err(Refusal::RequestToPayExpired);
    }
    let is_accepted = request.status == RequestToPayStatus::Accepted;
    if request.status.is_open() || is_accepted && is_on(Mutant::RequestPaidTwice) {
        Ok(request)
    } else {
        Err(Refusal::RequestToPayNotOpen)
    }
}

fn set_status(
    ledger: &mut Ledger,
    at: Position,
    request: &RequestToPay,
    status: RequestToPayStatus,
    change: impl FnOnce(&mut RequestToPay),
) {
    ledger.requests_to_pay.change(request.sequence, |request| {
        change(request);
        request.status = status;
        request.changed = at.time;
    });
}

/// The order by which a request is paid has ended. Unless it is paid, the request waits for the payer again, as long as its
/// time lasts. An order that was placed otherwise is none of this.
pub(crate) fn order_ended(ledger: &mut Ledger, at: Position, order: Sequence, end: RequestEnd) {
    let Some(request) = ledger.requests_to_pay.accepted(order).copied() else { return };
    let (status, payment, reason) = match end {
        RequestEnd::Paid(payment) => (RequestToPayStatus::Paid, payment, None),
        RequestEnd::Failed { payment, reason } => {
            (RequestToPayStatus::Presented, payment.unwrap_or_default(), Some(reason))
        }
        RequestEnd::Expired => unreachable!("an order is no request"),
    };
    set_status(ledger, at, &request, status, |request| {
        request.payment = payment;
        request.reason = reason;
    });
    tell(ledger, at, &request, end);
}

/// Ends the requests whose time is over, and forgets those that ended long ago, in the order of time and position, as many
/// as a tick may beside what it has ended already.
pub(crate) fn end_due(ledger: &mut Ledger, tick: Position) {
    for _ in 0..REQUESTS_TO_PAY_ENDED_PER_TICK_MAX {
        let first = ledger.requests_to_pay.first_due().filter(|due| due.time <= tick.time);
        let Some(due) = first else { return };
        let request = *ledger.requests_to_pay.at(due.sequence).expect("what is due is there");
        if request.status.is_final() {
            ledger.requests_to_pay.forget(due.slot);
            continue;
        }
        if ledger.decided.len() + ledger.holds_told.len() >= ENDED_PER_TICK_MAX {
            return;
        }
        if is_on(Mutant::ExpiredRequestAccepted) {
            return;
        }
        set_status(ledger, tick, &request, RequestToPayStatus::Expired, |_| {});
        tell(ledger, tick, &request, RequestEnd::Expired);
    }
}

/// What became of a request without a word about it is told at its own position.
fn tell(ledger: &mut Ledger, at: Position, request: &RequestToPay, end: RequestEnd) {
    let payer = ledger.accounts.get(request.payer).owner();
    ledger.holds_told.push(Outcome {
        sequence: request.sequence,
        decided_at: at.sequence,
        decided_time: at.time,
        accepted: Timestamp::default(),
        kind: Kind::CreateRequestToPay,
        verdict: Verdict::RequestEnded { payer, payee: request.payee_bank, end },
        alerts: Alerts::NONE,
        late: false,
        remark: Remark::None,
        balances: [0; 4],
    });
}

fn checked_time(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanoseconds(nanoseconds).expect(CHECKED)
}

impl Ledger {
    /// The request to pay at this position, as it stands at this moment.
    pub fn request_to_pay(&self, sequence: Sequence) -> Option<RequestToPay> {
        self.requests_to_pay.at(sequence).map(|request| self.now(request))
    }

    /// The requests to an account behind this position, in the order in which they were made.
    pub fn requests_to_account(
        &self,
        account: AccountNumber,
        after: Sequence,
    ) -> impl Iterator<Item = RequestToPay> {
        let requests = self.requests_to_pay.to_account(account);
        requests.filter(move |request| request.sequence > after).map(|request| self.now(request))
    }

    /// All requests to pay behind this position, in the order in which they were made.
    pub fn requests_to_pay(&self, after: Sequence) -> impl Iterator<Item = RequestToPay> {
        self.requests_to_pay.after(after).map(|request| self.now(request))
    }

    /// How many requests to pay there are, those that have ended lately included.
    pub const fn request_to_pay_count(&self) -> usize {
        self.requests_to_pay.count()
    }

    /// The payer's bank and the payee's.
    pub fn banks_of(&self, request: &RequestToPay) -> (Bic, Bic) {
        let payer = self.accounts.get(request.payer).owner();
        (self.participants.get(payer).bic(), self.participants.get(request.payee_bank).bic())
    }

    /// Whether the order by which an accepted request is paid is there, and has not ended.
    pub(crate) fn has_order(&self, request: &RequestToPay) -> bool {
        let order = self.orders.at(request.accepted_at);
        order.is_some_and(|order| order.account == request.payer && !order.state.is_final())
    }

    /// What must hold between requests and orders.
    pub(crate) fn validate_requests_to_pay(&self) {
        self.requests_to_pay.validate();
        let mut accepted = self
            .requests_to_pay
            .after(Sequence(0))
            .filter(|request| request.status == RequestToPayStatus::Accepted);
        assert!(accepted.all(|request| self.has_order(request)), "what is accepted is to be paid");
    }

    /// One whose time is over has expired, whether a tick has come to it or not.
    fn now(&self, request: &RequestToPay) -> RequestToPay {
        match request.is_over(self.position().time) {
            true => {
                RequestToPay { status: RequestToPayStatus::Expired, changed: request.expires, ..*request }
            }
            false => *request,
        }
    }
}

#[cfg(test)]
#[path = "rules_requests_to_pay_tests.rs"]
mod tests;
