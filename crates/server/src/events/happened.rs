//! Events from what happened. The same events come from notices and from the log.

use client::convert::{money, timestamp};
use client::v1;
use engine::{BankChange, BankChanged, StoredOrder};
use ledger::{Payment, QuestionState, Stage};
use types::{Bic, PaymentOrder, PaymentState, Remittance, StatusReason};

use super::filter::Filter;
use crate::node::Node;
use crate::values::{PaymentFacts, PaymentReferences, payment_outcome};

/// A payment was reserved or decided.
pub(super) struct Happened {
    pub(super) facts: PaymentFacts,
    pub(super) payment: Payment,
    pub(super) creditor_agent: Option<Bic>,
    pub(super) order: Option<StoredOrder>,
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
        let references = PaymentReferences::of(&self.payment);
        let event = v1::Event {
            sequence: self.facts.decided_at.0,
            r#type: r#type.into(),
            time: Some(timestamp(self.facts.decided_time)),
            outcome: Some(payment_outcome(&node.handle, references, &self.facts)),
            summary: order.as_ref().map(summary),
            alert: v1::AlertKind::Unspecified.into(),
            participant: String::new(),
        };
        let alert = self.alert().filter(|_| filter.types.alerts).map(|(kind, bank)| v1::Event {
            r#type: v1::EventType::Alert.into(),
            alert: kind.into(),
            participant: bank.to_string(),
            ..event.clone()
        });
        events.extend(Some(event).filter(|_| is_wanted).into_iter().chain(alert));
        true
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

/// That a bank was suspended or takes part again. It is no payment, so a watcher of certain payments hears nothing.
pub(super) fn bank_changed(
    filter: &Filter,
    BankChanged { decided_at, decided_time, bank, change: BankChange::Status(_) }: BankChanged,
) -> Option<v1::Event> {
    let is_wanted = filter.types.alerts && !filter.looks_into_orders();
    is_wanted.then(|| v1::Event {
        sequence: decided_at.0,
        r#type: v1::EventType::Alert.into(),
        time: Some(timestamp(decided_time)),
        outcome: None,
        summary: None,
        alert: v1::AlertKind::ParticipantStatus.into(),
        participant: bank.to_string(),
    })
}

fn summary(order: &PaymentOrder) -> v1::PaymentSummary {
    let creditor_reference = match &order.remittance {
        Some(Remittance::Structured { reference, .. }) => reference.as_str().to_owned(),
        Some(Remittance::Unstructured(_)) | None => String::new(),
    };
    v1::PaymentSummary {
        debtor_account: order.debtor_account.as_str().to_owned(),
        creditor_account: order.creditor_account.as_str().to_owned(),
        creditor_agent: order.creditor_agent.to_string(),
        amount: Some(money(order.amount, order.currency)),
        end_to_end_id: order.end_to_end_id.as_str().to_owned(),
        creditor_reference,
    }
}
