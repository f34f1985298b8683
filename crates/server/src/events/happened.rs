//! Events from what happened. The same events come from notices and from the log.
//!
//! Invariant: whoever sees the payee's side of a payment alone hears what that side is told, and nothing of what the
//! payer's bank decided. Where its side is told nothing, only who looks for that very payment hears that it was refused:
//! a till that waits for its bill.

use client::convert::{money, timestamp};
use client::v1;
use engine::{
    BankChange, BankChanged, ExceptionTold, Handle, HoldExpired, OrderEvent, OrdersTold, RecallFound,
    RecallTold, RequestTold, StoredOrder,
};
use ledger::{Alerts, Crossing, OrderState, Payment, QuestionState, Stage};
use types::{Bic, PaymentOrder, PaymentState, ReasonCode, Remittance, StatusReason};

use super::filter::Filter;
use crate::exceptions::exception_told;
use crate::node::Node;
use crate::recalls::recall_told;
use crate::requests_to_pay::told_event;
use crate::values::{PaymentFacts, PaymentReferences, decimal, payment_outcome};

/// A payment was reserved or decided.
pub(super) struct Happened {
    pub(super) facts: PaymentFacts,
    pub(super) payment: Payment,
    pub(super) creditor_agent: Option<Bic>,
    pub(super) order: Option<StoredOrder>,
}

/// What a watcher may know of what happened.
struct Known {
    /// Whether it hears of it.
    is_told: bool,
    /// Whether its side of the payment hears of it, so that nothing else about the payment is withheld either.
    is_its_own: bool,
    reason: Option<ReasonCode>,
}

impl Happened {
    /// A payment as it was when it was reserved.
    pub(super) fn reserved(payment: &Payment) -> PaymentFacts {
        PaymentFacts {
            decided_at: payment.sequence(),
            decided_time: payment.received_time(),
            state: PaymentState::Reserved,
            reason: None,
            late: false,
            ..PaymentFacts::of(payment)
        }
    }

    /// Adds the events that a watcher wants to hear of it, and says whether it wants to hear of the payment at all.
    pub(super) fn tell(&self, node: &Node, filter: &Filter, events: &mut Vec<v1::Event>) -> bool {
        if !filter.covers(self.payment.debtor_agent(), self.creditor_agent) {
            return false;
        }
        let order = self.order.as_ref().and_then(StoredOrder::order);
        if !filter.matches(order.as_ref()) {
            return false;
        }
        let (r#type, is_wanted) = match self.facts.state {
            PaymentState::Reserved => (v1::EventType::Reservation, filter.types.reservations),
            PaymentState::Settled
            | PaymentState::Rejected
            | PaymentState::Expired
            | PaymentState::Unresolved => (v1::EventType::Outcome, filter.types.outcomes),
        };
        let known = self.known_to(filter);
        let facts = PaymentFacts { reason: known.reason, ..self.facts };
        let references = PaymentReferences::of(&self.payment);
        let event = v1::Event {
            sequence: self.facts.decided_at.0,
            r#type: r#type.into(),
            time: Some(timestamp(self.facts.decided_time)),
            outcome: Some(payment_outcome(&node.handle, references, &facts)),
            summary: order.as_ref().map(|order| summary(order, known.is_its_own)),
            alert: v1::AlertKind::Unspecified.into(),
            participant: String::new(),
            currency_code: String::new(),
            balance: String::new(),
            recall: None,
            expired_hold: None,
            exception: None,
            request_to_pay: None,
            complete_package: None,
            ended_order: None,
        };
        let alert = self.alert().filter(|(_, bank)| known.is_its_own || filter.sees(*bank));
        let alert = alert.filter(|_| filter.types.alerts).map(|(kind, bank)| v1::Event {
            r#type: v1::EventType::Alert.into(),
            alert: kind.into(),
            participant: bank.to_string(),
            ..event.clone()
        });
        let event = Some(event).filter(|_| is_wanted && known.is_told);
        events.extend(event.into_iter().chain(alert));
        true
    }

    /// What a watcher may know of this.
    fn known_to(&self, filter: &Filter) -> Known {
        let Self { facts, payment, .. } = self;
        let own = |reason| Known { is_told: true, is_its_own: true, reason };
        if filter.sees(payment.debtor_agent()) {
            return own(facts.reason);
        }
        let [debit, credit] = [Stage::Debit, Stage::Credit].map(|stage| payment.question(stage));
        if facts.state == PaymentState::Reserved {
            // Its bank was asked at once, or the payer's was asked first.
            let is_its_own = debit == QuestionState::NotAsked;
            return Known { is_told: is_its_own, is_its_own, reason: None };
        }
        if let Some(told) = payment.told_to(Stage::Credit) {
            return own(told.reason);
        }
        // It knows its own no, although nobody tells it again.
        if credit == QuestionState::Rejected {
            return own(facts.reason);
        }
        let is_decided_by_bank = debit == QuestionState::Rejected
            || debit == QuestionState::Silent && facts.state == PaymentState::Expired;
        // What the payer allows, and what screening has come to, is for the payer's side alone.
        let is_of_customer = [StatusReason::CustomerLimit, StatusReason::RegulatoryReason]
            .iter()
            .any(|reason| facts.reason == Some(reason.code()));
        let is_hidden = is_decided_by_bank || is_of_customer;
        let reason = if is_hidden { Some(no_reason_given()) } else { facts.reason };
        Known { is_told: filter.looks_into_orders(), is_its_own: false, reason }
    }

    /// What people should look at, and the bank that it is about.
    fn alert(&self) -> Option<(v1::AlertKind, Bic)> {
        let Self { facts, payment, creditor_agent, .. } = self;
        let debtor_agent = payment.debtor_agent();
        let creditor_agent = creditor_agent.unwrap_or(debtor_agent);
        match facts.state {
            PaymentState::Settled if facts.late => Some((v1::AlertKind::LateConfirmation, debtor_agent)),
            PaymentState::Expired if payment.question(Stage::Credit) == QuestionState::Silent => {
                Some((v1::AlertKind::BankSilent, creditor_agent))
            }
            PaymentState::Expired => Some((v1::AlertKind::BankSilent, debtor_agent)),
            // A bank may reject with the same codes; then nobody else refused the payment before.
            PaymentState::Rejected if facts.decided_at == facts.sequence => {
                let about = [
                    (StatusReason::CreditorAgentOffline, v1::AlertKind::BankNotConnected, creditor_agent),
                    (StatusReason::AgentOffline, v1::AlertKind::BankNotConnected, debtor_agent),
                    (StatusReason::InstructedAgentError, v1::AlertKind::UnansweredLimit, creditor_agent),
                ];
                let reason = facts.reason.and_then(StatusReason::from_code)?;
                about.into_iter().find(|about| about.0 == reason).map(|(_, kind, bank)| (kind, bank))
            }
            PaymentState::Settled
            | PaymentState::Rejected
            | PaymentState::Reserved
            | PaymentState::Unresolved => None,
        }
    }
}

/// That a bank was suspended or takes part again, or which of its accounts do. It is no payment, so a watcher of certain
/// payments hears nothing.
pub(super) fn bank_changed(
    filter: &Filter,
    BankChanged { decided_at, decided_time, bank, change }: BankChanged,
) -> Option<v1::Event> {
    let is_wanted = filter.types.alerts && !filter.looks_into_orders();
    let alert = match change {
        BankChange::Status(_) => v1::AlertKind::ParticipantStatus,
        BankChange::Activation { .. } => v1::AlertKind::Activation,
    };
    is_wanted.then(|| v1::Event {
        sequence: decided_at.0,
        r#type: v1::EventType::Alert.into(),
        time: Some(timestamp(decided_time)),
        outcome: None,
        summary: None,
        alert: alert.into(),
        participant: bank.to_string(),
        currency_code: String::new(),
        balance: String::new(),
        recall: None,
        expired_hold: None,
        exception: None,
        request_to_pay: None,
        complete_package: None,
        ended_order: None,
    })
}

/// That a booking took a position or limit across a bound.
pub(super) fn crossed(filter: &Filter, crossing: &Crossing) -> Option<v1::Event> {
    let alert = match crossing.alert {
        Alerts::POSITION_FELL => v1::AlertKind::PositionBelowFloor,
        Alerts::POSITION_ROSE => v1::AlertKind::PositionAboveCeiling,
        Alerts::HEADROOM_FELL => v1::AlertKind::HeadroomBelowFloor,
        _ => v1::AlertKind::HeadroomAboveCeiling,
    };
    let is_wanted = filter.types.alerts && !filter.looks_into_orders();
    is_wanted.then(|| v1::Event {
        sequence: crossing.decided_at.0,
        r#type: v1::EventType::Alert.into(),
        time: Some(timestamp(crossing.decided_time)),
        outcome: None,
        summary: None,
        alert: alert.into(),
        participant: crossing.bank.to_string(),
        currency_code: crossing.currency.code().to_owned(),
        balance: crossing.balance.map_or_else(String::new, |balance| decimal(balance, crossing.currency)),
        recall: None,
        expired_hold: None,
        exception: None,
        request_to_pay: None,
        complete_package: None,
        ended_order: None,
    })
}

/// That a payment was asked back, or what was answered to that.
pub(super) fn recalled(
    handle: &Handle,
    filter: &Filter,
    told: &RecallTold,
    kept: Option<&RecallFound>,
) -> v1::Event {
    v1::Event {
        sequence: told.decided_at.0,
        r#type: v1::EventType::Recall.into(),
        time: Some(timestamp(told.decided_time)),
        outcome: None,
        summary: None,
        alert: v1::AlertKind::Unspecified.into(),
        participant: String::new(),
        currency_code: String::new(),
        balance: String::new(),
        recall: Some(recall_told(handle, told, kept, filter.sees(told.debtor_agent))),
        expired_hold: None,
        exception: None,
        request_to_pay: None,
        complete_package: None,
        ended_order: None,
    }
}

/// That the time of a hold was over. It is no payment, so a watcher of certain payments hears nothing.
pub(super) fn hold_expired(handle: &Handle, filter: &Filter, expired: &HoldExpired) -> Option<v1::Event> {
    let is_wanted = filter.types.holds && !filter.looks_into_orders();
    is_wanted.then(|| v1::Event {
        sequence: expired.decided_at.0,
        r#type: v1::EventType::HoldExpired.into(),
        time: Some(timestamp(expired.decided_time)),
        participant: expired.bank.to_string(),
        expired_hold: Some(v1::ExpiredHold {
            hold_id: handle.payment_id(expired.hold).to_string(),
            released: Some(money(expired.released, expired.currency)),
        }),
        ..v1::Event::default()
    })
}

/// What happened to an exception. It is no payment, so a watcher of certain payments hears nothing.
pub(super) fn excepted(handle: &Handle, filter: &Filter, told: &ExceptionTold) -> Option<v1::Event> {
    let is_wanted = filter.types.exceptions && !filter.looks_into_orders();
    is_wanted.then(|| v1::Event {
        sequence: told.decided_at.0,
        r#type: v1::EventType::Exception.into(),
        time: Some(timestamp(told.decided_time)),
        participant: told.bank.to_string(),
        exception: Some(exception_told(handle, told)),
        ..v1::Event::default()
    })
}

/// What happened to a request to pay. It is no payment, so a watcher of certain payments hears nothing.
pub(super) fn request_told(handle: &Handle, filter: &Filter, told: &RequestTold) -> Option<v1::Event> {
    let is_wanted = filter.types.requests && !filter.looks_into_orders();
    is_wanted.then(|| v1::Event {
        sequence: told.decided_at.0,
        r#type: v1::EventType::RequestToPay.into(),
        time: Some(timestamp(told.decided_time)),
        request_to_pay: Some(told_event(handle, told, filter.sees(told.payer_bank))),
        ..v1::Event::default()
    })
}

/// What became of an order or a package. It is no payment, so a watcher of certain payments hears nothing.
pub(super) fn orders_told(handle: &Handle, filter: &Filter, told: &OrdersTold) -> Option<v1::Event> {
    let id = |position| handle.payment_id(position).to_string();
    let event = v1::Event {
        sequence: told.decided_at.0,
        time: Some(timestamp(told.decided_time)),
        participant: told.bank.to_string(),
        ..v1::Event::default()
    };
    let (is_wanted, event) = match told.what {
        OrderEvent::Complete { package, currency, sum_settled, lines } => {
            let [settled_count, rejected_count, other_count] =
                lines.map(|count| u32::try_from(count).expect("a package has at most a million lines"));
            let package = v1::CompletePackage {
                package_id: id(package),
                settled_count,
                rejected_count,
                other_count,
                settled_sum: decimal(sum_settled, currency),
                currency_code: currency.code().to_owned(),
            };
            let r#type = v1::EventType::PackageComplete.into();
            (filter.types.packages, v1::Event { r#type, complete_package: Some(package), ..event })
        }
        OrderEvent::Ended { order, payment, amount, currency, state, reason } => {
            let status = match state {
                OrderState::Settled => v1::PaymentStatus::Settled,
                OrderState::Expired => v1::PaymentStatus::Expired,
                OrderState::Rejected
                | OrderState::Pending
                | OrderState::Awaiting
                | OrderState::Sent
                | OrderState::Cancelled
                | OrderState::Refused => v1::PaymentStatus::Rejected,
            };
            let order = v1::EndedOrder {
                order_id: id(order),
                payment_id: id(payment),
                amount: Some(money(amount, currency)),
                status: status.into(),
                reason_code: reason.map(|code| code.to_string()).unwrap_or_default(),
            };
            let r#type = v1::EventType::OrderEnded.into();
            (filter.types.orders, v1::Event { r#type, ended_order: Some(order), ..event })
        }
    };
    Some(event).filter(|_| is_wanted && !filter.looks_into_orders())
}

/// What the payee's side hears instead of why the payer's bank decided against a payment, or its customer did.
fn no_reason_given() -> ReasonCode {
    ReasonCode::parse("MS03").expect("four capital letters and digits")
}

fn summary(order: &PaymentOrder, names_payer: bool) -> v1::PaymentSummary {
    let creditor_reference = match &order.remittance {
        Some(Remittance::Structured { reference, .. }) => reference.as_str().to_owned(),
        Some(Remittance::Unstructured(_)) | None => String::new(),
    };
    v1::PaymentSummary {
        debtor_account: if names_payer { order.debtor_account.as_str().to_owned() } else { String::new() },
        creditor_account: order.creditor_account.as_str().to_owned(),
        creditor_agent: order.creditor_agent.to_string(),
        amount: Some(money(order.amount, order.currency)),
        end_to_end_id: order.end_to_end_id.as_str().to_owned(),
        creditor_reference,
    }
}
