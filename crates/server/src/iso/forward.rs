//! What a connected bank hears, as documents: questions about credits as pacs.008, reports as pacs.002, crossings of
//! bounds as camt.004, and what comes of recalls.

use engine::StoredOrder;
use iso20022::{Envelope, MessageKind, decompress_evidence, forward_pacs008, write_pacs008};
use ledger::{About, Stage};
use tonic::Status;
use types::{Bic, PaymentOrder, Sequence};

use super::liquidity::alert;
use super::outgoing::{Dress, Outgoing};
use super::recall_documents;
use super::reports::{MessageOf, Reported, finish, message_id, report};
use crate::log::document;
use crate::node::Node;
use crate::session::{Asked, Heard, Recalled, Report};

/// A document to a bank, and what it is about.
pub(super) struct Told {
    pub(super) document: Outgoing,
    pub(super) about: About,
    /// The position to connect again from. Zero with a question: those come again by themselves, and reports of before
    /// it may still be on their way.
    pub(super) position: Sequence,
    pub(super) is_repeat: bool,
}

/// The document that tells this. `None` where nothing can be told any more: the order has been erased.
pub(super) async fn told(
    node: &Node,
    bank: Bic,
    dress: Dress,
    heard: &Heard,
) -> Result<Option<Told>, Status> {
    let (document, about, position, is_repeat) = match heard {
        Heard::Asked(asked) => {
            let Some(document) = question(node, dress, asked).await? else { return Ok(None) };
            (document, About::Payment(asked.question.payment), Sequence(0), asked.is_repeat)
        }
        Heard::Report(report) => {
            let document = reported(node, bank, dress, report).await?;
            (document, About::Payment(report.payment.sequence()), report.position(), report.is_repeat)
        }
        Heard::Crossed(crossed) => {
            let Some(document) = alert(node, dress, crossed).await? else { return Ok(None) };
            (document, About::NoPayment, crossed.crossing.decided_at, crossed.is_repeat)
        }
        Heard::Recalled(recalled) => {
            let Recalled { said, is_repeat } = recalled;
            let document = recall_documents::document(node, dress, said, *is_repeat).await?;
            let Some(document) = document else { return Ok(None) };
            (document, About::Payment(said.payment), said.decided_at, *is_repeat)
        }
    };
    Ok(Some(Told { document, about, position, is_repeat }))
}

/// A question about a credit: the payer's bank's message for the next hop.
async fn question(node: &Node, dress: Dress, asked: &Asked) -> Result<Option<Outgoing>, Status> {
    assert!(asked.question.stage == Stage::Credit, "an exchange is not asked about debits");
    let Some(order) = asked.order.order() else { return Ok(None) };
    node.asked.put(asked.question.payment, &asked.order);
    let envelope = envelope(node, asked, &order);
    let xml = match asked.order.surplus() {
        None => write_pacs008(&order, &envelope),
        Some(_) => {
            let Some(xml) = forwarded(node, asked.question.payment, &envelope).await? else {
                return Ok(None);
            };
            xml
        }
    };
    let (id, created_at) = (envelope.message_id, envelope.created_at);
    Ok(Some(dress.finish(MessageKind::CreditTransfer, xml, id, created_at, asked.is_repeat)))
}

fn envelope(node: &Node, asked: &Asked, order: &PaymentOrder) -> Envelope {
    let payment = &asked.payment;
    // A payment that waits was "decided" when it was reserved.
    let reserved_at = payment.decided_time();
    Envelope {
        message_id: message_id(&node.handle, payment.sequence(), MessageOf::Question),
        created_at: reserved_at,
        settlement_date: order.settlement_date.unwrap_or(reserved_at.date()),
        acceptance_time: payment.acceptance_time(),
        instructing_agent: Some(order.instructing_agent.unwrap_or(order.debtor_agent)),
        instructed_agent: Some(order.creditor_agent),
    }
}

/// The document that brought a payment, with everything that its order has no place for.
async fn forwarded(node: &Node, payment: Sequence, envelope: &Envelope) -> Result<Option<String>, Status> {
    let Some(kept) = document(node, payment).await? else { return Ok(None) };
    let xml = decompress_evidence(&kept).ok().and_then(|document| forward_pacs008(&document, envelope).ok());
    if xml.is_none() {
        let payment = node.handle.payment_id(payment);
        tracing::error!(%payment, "a kept document can't be forwarded");
    }
    Ok(xml)
}

async fn reported(node: &Node, bank: Bic, dress: Dress, told: &Report) -> Result<Outgoing, Status> {
    let read;
    let order = match &told.order {
        Some(order) => Some(order),
        None => {
            let sequence = told.payment.sequence();
            read = crate::log::orders(node, vec![sequence]).await?.remove(&sequence);
            read.as_ref()
        }
    };
    let document = match order.and_then(StoredOrder::fault) {
        Some(_) => document(node, told.payment.sequence()).await?,
        None => None,
    };
    let reported = Reported { bank, side: told.side, told: told.told };
    let report = report(&node.handle, &told.payment, reported, order, document.as_deref());
    Ok(finish(&report, dress, told.is_repeat))
}
