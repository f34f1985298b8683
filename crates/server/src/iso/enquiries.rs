//! pacs.028, which asks what became of a payment, and admi.002, which says that a document was not taken.
//!
//! Invariant: AG09 says that the payment was never received and never will be settled, so that the payer's bank may
//! give the money back. Where that is not certain, also because a restore may have cut the payment off, the answer is
//! another one.

use engine::{Answer, Question, StoredOrder};
use iso20022::{ReceivedRejection, Status as Report, StatusRequest};
use ledger::{About, Payment, PaymentAnswer, Stage};
use tonic::Status;
use types::{Bic, PaymentState, StatusReason, Text, Timestamp};

use super::desk::{Desk, Incoming, Reply};
use super::keep::{keep, sent};
use super::outgoing::undecided;
use super::reports::{Reported, finish, payment_of_message, report};
use crate::log::{document, orders, payments};
use crate::node::{Node, Patience};
use crate::refusals::{bank_not_yours, not_yet, too_many_enquiries};
use crate::values::{PaymentFacts, PaymentReferences, payment_outcome};

impl Desk {
    /// The stored outcome, once it is final.
    pub(super) async fn enquiry(
        &self,
        incoming: &Incoming<'_>,
        request: &StatusRequest,
    ) -> Result<Reply, Status> {
        // Answers of banks are never shed; who asks more than can be kept waits.
        if self.node.keeper.is_full_for(self.caller.principal) {
            return Err(too_many_enquiries().into_status());
        }
        let question = Question::PaymentByKey {
            debtor_agent: request.debtor_agent,
            transaction_id: request.original_transaction_id.clone(),
            acceptance_time: request.acceptance_time,
        };
        let patience = match self.told {
            super::desk::Told::Here(patience) => patience,
            super::desk::Told::InItsTurn => Patience::Final,
        };
        let answered = self.node.ask(question).await?;
        let Answer::Payment(found) = &answered.answer else { return Err(another_answer()) };
        let open = match found {
            PaymentAnswer::Found(open) => open,
            missing if self.is(request.debtor_agent) => return Ok(self.missing(incoming, request, missing)),
            PaymentAnswer::NotFound { .. } | PaymentAnswer::Forgotten => {
                return Err(bank_not_yours().into_status());
            }
        };
        // Before anything is waited for: a foreign payment tells nothing by its time either.
        let order = self.order_of(open).await?;
        if self.side_of(open, order.as_ref()).is_none() {
            return Err(bank_not_yours().into_status());
        }
        let answered = self.node.at_the_end(&self.caller, answered, patience).await?;
        let Answer::Payment(PaymentAnswer::Found(payment)) = answered.answer else {
            return Err(another_answer());
        };
        if payment.state() == PaymentState::Reserved {
            return Err(not_yet());
        }
        let Some(reported) = self.reported(&payment, order.as_ref()) else {
            return Err(bank_not_yours().into_status());
        };
        let document = match order.as_ref().and_then(StoredOrder::fault) {
            Some(_) => document(&self.node, payment.sequence()).await?,
            None => None,
        };
        let report = report(&self.node.handle, &payment, reported, order.as_ref(), document.as_deref());
        let document = finish(&report, incoming.dress, false);
        let about = About::Payment(payment.sequence());
        let sent = sent(&document, about, Some(reported.bank));
        keep(&self.node, &self.caller, &[incoming.kept(about), sent]);
        let (state, reason) = (reported.told.state, reported.told.reason);
        let facts = PaymentFacts { state, reason, ..PaymentFacts::of(&payment) };
        let outcome = payment_outcome(&self.node.handle, PaymentReferences::of(&payment), &facts);
        Ok(Reply { document: Some(document), outcome: Some(outcome) })
    }

    /// Which side of the payment asks, and what it may know once the payment is final.
    fn reported(&self, payment: &Payment, order: Option<&StoredOrder>) -> Option<Reported> {
        let (bank, side) = self.side_of(payment, order)?;
        Some(Reported { bank, side, told: payment.told_to(side)? })
    }

    /// Which side of the payment asks. Whoever is on none learns nothing, not even that there is such a payment.
    fn side_of(&self, payment: &Payment, order: Option<&StoredOrder>) -> Option<(Bic, Stage)> {
        let creditor_agent = order.and_then(StoredOrder::creditor_agent);
        match creditor_agent {
            _ if self.is(payment.debtor_agent()) => Some((payment.debtor_agent(), Stage::Debit)),
            Some(creditor_agent) if self.is(creditor_agent) => Some((creditor_agent, Stage::Credit)),
            Some(_) | None => None,
        }
    }

    /// Whether this bank asks.
    pub(super) fn is(&self, bank: Bic) -> bool {
        self.caller.may_act_for(bank) && self.bank.is_none_or(|asks| asks == bank)
    }

    /// The payment as it was submitted, from the log.
    pub(super) async fn order_of(&self, payment: &Payment) -> Result<Option<StoredOrder>, Status> {
        Ok(orders(&self.node, vec![payment.sequence()]).await?.remove(&payment.sequence()))
    }

    /// The answer to the payer's bank about a payment that is not there.
    fn missing(&self, incoming: &Incoming<'_>, request: &StatusRequest, missing: &PaymentAnswer) -> Reply {
        let Some((reason, description)) = undecidable(&self.node, request.acceptance_time, missing) else {
            return self.unknown(incoming, request);
        };
        undecided(incoming.document, reason, description, self.node.handle.now(), incoming.dress).into()
    }

    /// The answer to an enquiry about a payment that was never received and never will be settled.
    fn unknown(&self, incoming: &Incoming<'_>, request: &StatusRequest) -> Reply {
        let status = Report::Rejected {
            reason: StatusReason::PaymentNotReceived.code(),
            originator: None,
            additional_information: None,
        };
        let report = request.answer(answer_id("AG09", &request.message_id), self.node.handle.now(), status);
        let document = finish(&report, incoming.dress, false);
        let sent = sent(&document, About::NoPayment, incoming.sender);
        keep(&self.node, &self.caller, &[incoming.kept(About::NoPayment), sent]);
        document.into()
    }

    /// A bank could not take a document: something for people.
    pub(super) async fn rejection(
        &self,
        incoming: &Incoming<'_>,
        rejection: &ReceivedRejection,
    ) -> Result<(), Status> {
        let original = rejection.original_message_id.as_ref();
        let payment = original.and_then(|id| payment_of_message(&self.node.handle, id));
        // Anybody can write an id; whether there is such a payment is for the log to say.
        let known = payments(&self.node, payment.as_slice()).await?;
        let payment = known.into_iter().flatten().next().map(|payment| payment.sequence());
        tracing::warn!(
            bank = incoming.sender.map(tracing::field::display),
            payment = payment.map(|payment| tracing::field::display(self.node.handle.payment_id(payment))),
            reason_length = rejection.reason.as_str().len(),
            "a bank rejected a document; `solvo evidence` shows it"
        );
        let about = payment.map_or(About::NoPayment, About::Payment);
        keep(&self.node, &self.caller, &[incoming.kept(about)]);
        Ok(())
    }
}

/// Why it can't be said that a payment does not exist: the reason for machines, and for persons.
pub(super) type Undecided = (&'static str, &'static str);

/// The reason for machines where a payment is older than what is at hand.
pub(super) const FORGOTTEN: &str = "PAYMENT_FORGOTTEN";

/// Why it can't be said of a payment that was not found that it never was received and never will be settled. `None` if
/// it can.
pub(super) fn undecidable(
    node: &Node,
    acceptance_time: Option<Timestamp>,
    missing: &PaymentAnswer,
) -> Option<Undecided> {
    match missing {
        _ if node.restores.may_have_lost(acceptance_time).is_some() => Some((
            "PAYMENT_MAY_BE_LOST",
            "the node was restored from a backup: it may have been settled in what was lost; ask the other bank",
        )),
        PaymentAnswer::NotFound { is_final: true } => None,
        PaymentAnswer::Forgotten => Some((FORGOTTEN, "older than what is kept: it may have been settled")),
        PaymentAnswer::NotFound { is_final: false } | PaymentAnswer::Found(_) => Some((
            "PAYMENT_NOT_FOUND_YET",
            "not received, and it may still come: ask again after its deadline, with AccptncDtTm",
        )),
    }
}

pub(super) fn another_answer() -> Status {
    Status::internal("the engine answered another question")
}

/// The id of an answer about no payment: as many answers as questions, and the same to the same question.
pub(super) fn answer_id(code: &str, question: &Text<35>) -> Text<35> {
    let id: String = code.chars().chain("-".chars()).chain(question.as_str().chars()).take(35).collect();
    Text::parse(id.trim_end()).expect("a part of a text, behind letters")
}
