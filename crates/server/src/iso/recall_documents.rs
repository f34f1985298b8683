//! What banks hear of recalls, as documents: camt.056 to the bank that is asked, pacs.004 or camt.029 to the one that asks.
//!
//! A document is made of the log alone, whichever way the recall or its answer came in: told again, it has the same bytes.
//! Its id is that of the position that brought it.

use engine::{RecallFound, RecallStep, RecallTold, RecallsAsked};
use iso20022::{
    Assignment, MessageKind, NegativeAnswer, OriginalDetails, OriginalReferences, Originator, PaymentReturn,
    Recall, ReturnFee, write_camt029, write_camt056, write_pacs004,
};
use ledger::{RecallAnswer, RecallText};
use tonic::Status;
use types::{Amount, Balance, Bic, Currency, Date, PaymentOrder, RecallKind, RecallRefusal, Sequence, Text};

use super::outgoing::{Dress, Outgoing};
use super::recall_codes::{fitted, marked_words};
use super::reports::{MessageOf, message_id};
use crate::log::{order_left, texts_left, time_left};
use crate::node::Node;
use crate::recalls;

/// A settled payment, as far as messages about it repeat it.
#[derive(Debug)]
pub(super) struct Paid {
    pub(super) order: PaymentOrder,
    /// The settlement date that it bears, or the day on which it was submitted if it came in another form.
    pub(super) date: Date,
}

impl Paid {
    /// Reads a payment. `None` if its texts have been erased, or if it is older than the log.
    pub(super) async fn read(node: &Node, payment: Sequence) -> Result<Option<Self>, Status> {
        let stored = order_left(node, payment).await?.unwrap_or_default();
        let Some(order) = stored.and_then(|stored| stored.order()) else { return Ok(None) };
        let date = match order.settlement_date {
            Some(date) => Some(date),
            None => time_left(node, payment).await?.map(|time| time.date()),
        };
        Ok(date.map(|date| Self { order, date }))
    }

    /// Whether what a message repeats of its payment is this payment's. Each hop has its own `OrgnlMsgId`.
    pub(super) fn is_repeated_by(&self, original: &OriginalReferences, details: &OriginalDetails) -> bool {
        let Self { order, .. } = self;
        let account = |account: &Option<iso20022::OriginalAccount>, of_order| {
            account.as_ref().is_none_or(|account| account.iban == of_order)
        };
        original.transaction_id == order.transaction_id
            && original.end_to_end_id == order.end_to_end_id
            && (original.instruction_id.is_none() || original.instruction_id == order.instruction_id)
            && (original.uetr.is_none() || original.uetr == order.uetr)
            && details.debtor_agent == order.debtor_agent
            && details.creditor_agent.is_none_or(|bank| bank == order.creditor_agent)
            && account(&details.debtor_account, order.debtor_account)
            && account(&details.creditor_account, order.creditor_account)
    }
}

/// What a bank said with the recall or answer at this position. `None` if its texts have been erased.
pub(super) async fn said_at(node: &Node, position: Sequence) -> Result<Option<RecallText>, Status> {
    let texts = texts_left(node, vec![position]).await?;
    Ok(texts.first().and_then(|text| RecallText::decode(text.as_deref()?).ok()))
}

/// The document that tells this to the bank that is to hear of it. `None` where nothing can be told any more: texts have
/// been erased, or the recall is forgotten.
pub(super) async fn document(
    node: &Node,
    dress: Dress,
    told: &RecallTold,
    is_repeat: bool,
) -> Result<Option<Outgoing>, Status> {
    let (found, _) = recalls::one(node, RecallsAsked::At(told.recall)).await?;
    let Some(found) = found.filter(|found| found.recall.currency() == Currency::EUR) else {
        return Ok(None);
    };
    let Some(paid) = Paid::read(node, told.payment).await? else { return Ok(None) };
    let texts = texts_left(node, vec![told.recall, told.decided_at]).await?;
    let texts: Option<Vec<RecallText>> =
        texts.iter().map(|text| RecallText::decode(text.as_deref()?).ok()).collect();
    let Some([asked, said]) = texts.and_then(|texts| <[RecallText; 2]>::try_from(texts).ok()) else {
        return Ok(None);
    };
    let telling = Telling { node, told, found: &found, paid: &paid };
    let (kind, xml) = match told.step {
        RecallStep::Requested { .. } => (MessageKind::Recall, write_camt056(&telling.recall(&asked))),
        RecallStep::Answered(RecallAnswer::Return { amount, fee }) => {
            let payment_return = telling.payment_return(&asked, &said, (amount, fee));
            (MessageKind::Return, write_pacs004(&payment_return))
        }
        RecallStep::Answered(RecallAnswer::Refuse(refusal) | RecallAnswer::TimeOver(refusal)) => {
            (MessageKind::NegativeAnswer, write_camt029(&telling.negative_answer(&said, refusal)))
        }
    };
    Ok(Some(dress.finish(kind, xml, telling.id(), told.decided_time, is_repeat)))
}

/// A recall or an answer on its way into a document.
struct Telling<'telling> {
    node: &'telling Node,
    told: &'telling RecallTold,
    found: &'telling RecallFound,
    paid: &'telling Paid,
}

impl Telling<'_> {
    fn id(&self) -> Text<35> {
        message_id(&self.node.handle, self.told.decided_at, MessageOf::DebtorReport)
    }

    fn recall(&self, asked: &RecallText) -> Recall {
        let Self { told, found, paid, .. } = self;
        let reason = found.recall.reason();
        let originator = match (reason.kind(), &asked.originator) {
            (RecallKind::Bank, name) => originator(name.as_ref(), told.debtor_agent),
            (RecallKind::Originator, Some(name)) => Originator::Customer(name.clone()),
            (RecallKind::Originator, None) => payer(&paid.order),
        };
        Recall {
            assignment: self.assignment(told.debtor_agent, told.creditor_agent),
            cancellation_id: asked.reference.clone(),
            original: self.references_for_payee(),
            original_amount: found.recall.amount(),
            original_settlement_date: paid.date,
            originator,
            reason,
            additional_information: asked.information.clone(),
            details: OriginalDetails::of(&paid.order),
        }
    }

    fn payment_return(
        &self,
        asked: &RecallText,
        said: &RecallText,
        (amount, fee): (Amount, Balance),
    ) -> PaymentReturn {
        let Self { told, found, paid, .. } = self;
        let fee = Amount::from_minor_units(fee.minor_units());
        let whole = fee.and_then(|fee| Amount::from_minor_units(amount.minor_units() + fee.minor_units()));
        PaymentReturn {
            message_id: self.id(),
            created_at: told.decided_time,
            settlement_date: said.settlement_date.unwrap_or(told.decided_time.date()),
            settlement_method: paid.order.settlement_method,
            instructing_agent: Some(told.creditor_agent),
            instructed_agent: Some(told.debtor_agent),
            return_id: said.reference.clone(),
            original: OriginalReferences::of(&paid.order),
            original_amount: found.recall.amount(),
            original_settlement_date: Some(paid.date),
            returned_amount: amount,
            returned_instructed_amount: whole,
            fee: fee.map(|amount| ReturnFee { amount, agent: told.creditor_agent }),
            originator: originator(said.originator.as_ref(), told.creditor_agent),
            recall_reference: fitted(asked.reference.as_str()),
            details: OriginalDetails::of(&paid.order),
        }
    }

    fn negative_answer(&self, said: &RecallText, refusal: RecallRefusal) -> NegativeAnswer {
        let Self { told, found, paid, .. } = self;
        let answer = NegativeAnswer {
            assignment: self.assignment(told.creditor_agent, told.debtor_agent),
            cancellation_status_id: said.reference.clone(),
            original: OriginalReferences::of(&paid.order),
            originator: originator(said.originator.as_ref(), told.creditor_agent),
            reason: refusal,
            additional_information: said.information.clone(),
            details: OriginalDetails::of(&paid.order),
        };
        // What came in a document has its marks; what came in another form gets them.
        if answer.audience().is_some() {
            return answer;
        }
        let words = marked_words(found.recall.reason(), refusal, &said.information, meaning(refusal));
        NegativeAnswer { additional_information: words, ..answer }
    }

    fn assignment(&self, from: Bic, to: Bic) -> Assignment {
        Assignment {
            id: self.id(),
            assigner: Some(from),
            assignee: Some(to),
            created_at: self.told.decided_time,
        }
    }

    /// The references of the payment as the payee's bank knows them: if it keeps the account itself it was asked, and the
    /// question had an id of its own.
    fn references_for_payee(&self) -> OriginalReferences {
        let references = OriginalReferences::of(&self.paid.order);
        match self.found.recall.creditor_account() {
            Some(_) => references,
            None => {
                let message_id = message_id(&self.node.handle, self.told.payment, MessageOf::Question);
                OriginalReferences { message_id, ..references }
            }
        }
    }
}

/// In whose name a message is sent: this bank's, or another's, or a customer's.
fn originator(name: Option<&Text<140>>, bank: Bic) -> Originator {
    match name {
        None => Originator::Bank(bank),
        Some(name) => {
            Bic::parse(name.as_str()).map_or_else(|_| Originator::Customer(name.clone()), Originator::Bank)
        }
    }
}

/// How the originator of a message is stored.
pub(super) fn stored_originator(originator: &Originator, bank: Bic) -> Option<Text<140>> {
    match originator {
        Originator::Bank(named) if *named == bank => None,
        Originator::Bank(named) => Some(fitted(named.as_str())),
        Originator::Customer(name) => Some(name.clone()),
    }
}

fn payer(order: &PaymentOrder) -> Originator {
    let name = order.debtor.name.as_ref();
    name.map_or(Originator::Bank(order.debtor_agent), |name| Originator::Customer(name.clone()))
}

/// What is said beside a code if nobody says more.
const fn meaning(refusal: RecallRefusal) -> &'static str {
    use RecallRefusal as Refusal;
    match refusal {
        Refusal::AccountClosed => "the payee's account is closed",
        Refusal::InsufficientFunds => "the payee's funds do not suffice",
        Refusal::AlreadyReturned => "the payment has been returned already",
        Refusal::Customer => "the payee does not agree",
        Refusal::Legal => "the law is against it",
        Refusal::NoAnswer => "there was no answer in time",
        Refusal::NoOriginal => "the payment was never received",
    }
}
