//! camt.056 from a payer's bank: a settled payment is asked back.
//!
//! Invariant: NOOR says that the payment was never received and never will be settled, or that what the document says of it
//! is not so. Where that is not certain, the document is not taken.

use engine::{Answer, Question, RecallStep, RecallTold, RecallsAsked};
use iso20022::{Assignment, MessageKind, NegativeAnswer, Originator, Recall, write_camt029};
use ledger::{About, Original, Outcome, PaymentAnswer, RecallText, Refusal, RequestId, RequestRecall};
use tonic::Status;
use types::{
    Bic, Date, Duration, Located, PaymentId, PaymentState, RecallReason, RecallRefusal, Sequence, Text,
    Timestamp,
};

use super::desk::{Desk, Incoming, Reply};
use super::enquiries::{FORGOTTEN, Undecided, another_answer, answer_id, undecidable};
use super::keep::{keep, sent};
use super::outgoing::{Outgoing, undecided};
use super::recall_codes::{code_for_request, marked_words};
use super::recall_documents::{Paid, document, said_at, stored_originator};
use super::reports::{MessageOf, message_id};
use crate::history;
use crate::recalls::one;
use crate::recalls::original::{self, NotRead};
use crate::refusals::{bank_not_yours, invalid};

/// What became of the search for a payment by its key.
#[derive(Debug)]
pub(super) enum Looked {
    /// It stands there.
    At(Sequence),
    /// It was never received, and never will be settled.
    Never,
    /// That is not certain.
    Unclear(Undecided),
}

/// Why a document is refused, and where that stands in the log.
struct NotRecalled<'words> {
    id: Text<35>,
    created_at: Timestamp,
    reason: RecallRefusal,
    why: &'words str,
}

/// A settlement date is never further away from the day on which its payment was accepted: banks are closed for so many
/// days at the most.
const SETTLES_WITHIN: Duration = Duration::from_seconds(7 * 24 * 3600);

impl Desk {
    /// The payer's bank asks a payment back. What is taken is answered by the payee's bank.
    pub(super) async fn recall(&self, incoming: &Incoming<'_>, recall: &Recall) -> Result<Reply, Status> {
        let bank = recall.details.debtor_agent;
        if !self.is(bank) {
            return Err(bank_not_yours().into_status());
        }
        let path = "Undrlyg/TxInf/CxlId";
        let (request_id, reference) = reference("camt.056", bank, &recall.cancellation_id, path)?;
        let unclear = |(reason, why): Undecided| -> Reply {
            undecided(incoming.document, reason, why, self.node.handle.now(), incoming.dress).into()
        };
        let looked = self.look_for(bank, &recall.original.transaction_id, accepted_between(recall)).await?;
        let payment = match looked {
            Looked::At(payment) => payment,
            Looked::Never => return Ok(self.no_original(incoming, recall, "no such payment was received")),
            Looked::Unclear(why) => return Ok(unclear(why)),
        };
        let original = match original::read(&self.node, &self.caller, payment).await {
            Ok(original) => original,
            Err(NotRead::NotSettled) => {
                return Ok(self.no_original(incoming, recall, Refusal::OriginalNotSettled.meaning()));
            }
            Err(NotRead::NotAtHand(why)) => return Ok(unclear((FORGOTTEN, why))),
            Err(why @ (NotRead::NotYours | NotRead::Failed(_))) => return Err(why.into_status()),
        };
        if original.state == PaymentState::Reserved {
            let refusal = Refusal::OriginalNotSettled;
            return Ok(unclear((refusal.name(), "the payment is not decided yet: ask again")));
        }
        let Some(paid) = Paid::read(&self.node, payment).await? else {
            return Ok(unclear((FORGOTTEN, "the texts of the payment have been erased")));
        };
        if let Some(why) = difference(recall, &paid, &original) {
            return Ok(self.no_original(incoming, recall, why));
        }
        let text = RecallText {
            reference,
            originator: stored_originator(&recall.originator, bank),
            information: recall.additional_information.clone(),
            settlement_date: None,
        };
        let reason = recall.reason;
        let mut commands = self.node.handle.commands(self.caller.principal);
        commands.request_recall(&RequestRecall { request_id, original, reason, text: text.clone() });
        commands.evidence(&incoming.kept(About::Payment(payment)));
        let outcome = self.node.submit(commands, ())?.await?;
        let Some(refusal) = outcome.refusal() else {
            let recall = outcome.repeat_of().unwrap_or(outcome.sequence);
            return Ok(self.stored_answer(incoming, RecallsAsked::At(recall)).await?.unwrap_or_default());
        };
        if refusal == Refusal::RecallExists
            && let Some(asked) = self.asked_before(payment, reason, &text).await?
        {
            return Ok(self.stored_answer(incoming, asked).await?.unwrap_or_default());
        }
        self.not_recalled(incoming, recall, payment, &outcome, refusal).await
    }

    /// The answer to a recall as its bank has been told it, if there is one.
    pub(super) async fn stored_answer(
        &self,
        incoming: &Incoming<'_>,
        asked: RecallsAsked,
    ) -> Result<Option<Reply>, Status> {
        let (found, _) = one(&self.node, asked).await?;
        let answered = found.and_then(|found| Some((found, *found.recall.answered()?)));
        let Some((found, answered)) = answered else { return Ok(None) };
        let told = RecallTold {
            decided_at: answered.sequence,
            decided_time: answered.time,
            recall: found.recall.sequence(),
            payment: found.recall.payment(),
            debtor_agent: found.recalled.debtor_agent,
            creditor_agent: found.creditor_agent,
            currency: found.recall.currency(),
            step: RecallStep::Answered(answered.answer),
            is_elsewhere: answered.is_elsewhere,
        };
        let Some(document) = document(&self.node, incoming.dress, &told, false).await? else {
            return Ok(None);
        };
        let about = About::Payment(told.payment);
        keep(&self.node, &self.caller, &[sent(&document, about, Some(told.debtor_agent))]);
        Ok(Some(document.into()))
    }

    /// The recall of a payment, if it was asked back for this reason and in these words. A request id is remembered for
    /// days and an answer may take weeks, so a request that comes again is known by what it says.
    async fn asked_before(
        &self,
        payment: Sequence,
        reason: RecallReason,
        text: &RecallText,
    ) -> Result<Option<RecallsAsked>, Status> {
        let (found, _) = one(&self.node, RecallsAsked::OfPayment(payment)).await?;
        let Some(found) = found.filter(|found| found.recall.reason() == reason) else { return Ok(None) };
        let recall = found.recall.sequence();
        let is_same = said_at(&self.node, recall).await?.as_ref() == Some(text);
        Ok(is_same.then_some(RecallsAsked::At(recall)))
    }

    /// What the ledger refused.
    async fn not_recalled(
        &self,
        incoming: &Incoming<'_>,
        recall: &Recall,
        payment: Sequence,
        outcome: &Outcome,
        refusal: Refusal,
    ) -> Result<Reply, Status> {
        let Some(reason) = code_for_request(refusal) else {
            let (name, why, now) = (refusal.name(), refusal.meaning(), self.node.handle.now());
            return Ok(undecided(incoming.document, name, why, now, incoming.dress).into());
        };
        let (earlier, _) = one(&self.node, RecallsAsked::OfPayment(payment)).await?;
        let earlier = earlier.and_then(|earlier| Some(earlier.recall.answered()?.answer));
        let is_returned = matches!(earlier, Some(ledger::RecallAnswer::Return { .. }));
        let is_again = refusal == Refusal::RecallExists;
        let reason = if is_again && is_returned { RecallRefusal::AlreadyReturned } else { reason };
        let position = outcome.repeat_of().unwrap_or(outcome.sequence);
        let refused = NotRecalled {
            id: message_id(&self.node.handle, position, MessageOf::DebtorReport),
            created_at: outcome.decided_time,
            reason,
            why: refusal.meaning(),
        };
        let document = self.refused_recall(incoming, recall, refused);
        let about = About::Payment(payment);
        keep(&self.node, &self.caller, &[sent(&document, about, Some(recall.details.debtor_agent))]);
        Ok(document.into())
    }

    /// There is no such payment, or none that was settled.
    fn no_original(&self, incoming: &Incoming<'_>, recall: &Recall, why: &str) -> Reply {
        let refused = NotRecalled {
            id: answer_id("NOOR", &recall.assignment.id),
            created_at: self.node.handle.now(),
            reason: RecallRefusal::NoOriginal,
            why,
        };
        let document = self.refused_recall(incoming, recall, refused);
        let sent = sent(&document, About::NoPayment, incoming.sender);
        keep(&self.node, &self.caller, &[incoming.kept(About::NoPayment), sent]);
        document.into()
    }

    fn refused_recall(&self, incoming: &Incoming<'_>, recall: &Recall, refused: NotRecalled<'_>) -> Outgoing {
        let NotRecalled { id, created_at, reason, why } = refused;
        let bank = recall.details.debtor_agent;
        let answer = NegativeAnswer {
            assignment: self.assignment(id.clone(), bank, created_at),
            cancellation_status_id: id.clone(),
            original: recall.original.clone(),
            originator: Originator::Bank(self.signature_to(bank)),
            reason,
            additional_information: marked_words(recall.reason, reason, &[], why),
            details: recall.details.clone(),
        };
        incoming.dress.finish(MessageKind::NegativeAnswer, write_camt029(&answer), id, created_at, false)
    }

    /// The hop of a message that this node itself sends to a bank.
    pub(super) fn assignment(&self, id: Text<35>, bank: Bic, created_at: Timestamp) -> Assignment {
        Assignment { id, assigner: Some(self.signature_to(bank)), assignee: Some(bank), created_at }
    }

    /// The code with which this node signs to a bank: its own, or the bank's if it has none.
    pub(super) fn signature_to(&self, bank: Bic) -> Bic {
        self.node.limits.iso.bic.unwrap_or(bank)
    }

    /// Looks for the payment with a key, in what the core knows and in history. Between these moments it was accepted, if
    /// it exists: without both it is never certain that it does not.
    pub(super) async fn look_for(
        &self,
        debtor_agent: Bic,
        transaction_id: &Text<35>,
        [earliest, latest]: [Option<Timestamp>; 2],
    ) -> Result<Looked, Status> {
        // History finds a payment of any time only where none is named.
        if let Ok(found) = self.find(debtor_agent, transaction_id, None).await? {
            return Ok(Looked::At(found));
        }
        let not_yet = PaymentAnswer::NotFound { is_final: false };
        let Some((earliest, latest)) = earliest.zip(latest) else {
            return Ok(undecidable(&self.node, None, &not_yet).map_or(Looked::Never, Looked::Unclear));
        };
        // The later moment tells whether it may yet come, the earlier one whether it may have been forgotten.
        for moment in [latest, earliest] {
            match self.find(debtor_agent, transaction_id, Some(moment)).await? {
                Ok(found) => return Ok(Looked::At(found)),
                Err(missing) => {
                    if let Some(why) = undecidable(&self.node, Some(moment), &missing) {
                        return Ok(Looked::Unclear(why));
                    }
                }
            }
        }
        Ok(Looked::Never)
    }

    async fn find(
        &self,
        debtor_agent: Bic,
        transaction_id: &Text<35>,
        acceptance_time: Option<Timestamp>,
    ) -> Result<Result<Sequence, PaymentAnswer>, Status> {
        let transaction_id = transaction_id.clone();
        let question = Question::PaymentByKey { debtor_agent, transaction_id, acceptance_time };
        let mut answered = self.node.ask(question.clone()).await?;
        let older = history::older(&self.node, &self.caller, &question, &mut answered).await?;
        if let Some(at) = older.and_then(|older| self.position(&older.payment_id)) {
            return Ok(Ok(at));
        }
        let Answer::Payment(answer) = answered.answer else { return Err(another_answer()) };
        Ok(match answer {
            PaymentAnswer::Found(found) => Ok(found.sequence()),
            PaymentAnswer::NotFound { .. } | PaymentAnswer::Forgotten => Err(answer),
        })
    }

    /// Where the payment with an id of this node stands.
    fn position(&self, id: &str) -> Option<Sequence> {
        match self.node.handle.locate(PaymentId::parse(id).ok()?) {
            Located::At(sequence) => Some(sequence),
            Located::Lost { .. } | Located::Elsewhere => None,
        }
    }
}

/// When a payment that is asked back was accepted: around its settlement date, and before it was asked back.
fn accepted_between(recall: &Recall) -> [Option<Timestamp>; 2] {
    let asked = recall.assignment.created_at;
    let day = midnight(recall.original_settlement_date).unwrap_or(asked);
    let earliest = day.minus(SETTLES_WITHIN).min(asked);
    let latest = day.plus(SETTLES_WITHIN).min(asked);
    [Some(earliest), Some(latest)]
}

fn midnight(day: Date) -> Option<Timestamp> {
    Timestamp::from_civil(day, 0, 0, 0, 0)
}

/// What a request says of its payment that is not so, if there is anything.
fn difference(recall: &Recall, paid: &Paid, original: &Original) -> Option<&'static str> {
    let is_dated = recall.original_settlement_date == paid.date
        || paid.order.settlement_date.is_none()
            && recall.original_settlement_date == original.decided_time.date();
    if !paid.is_repeated_by(&recall.original, &recall.details) {
        Some("a reference, bank or account is not the payment's")
    } else if recall.original_amount != original.amount || original.currency != types::Currency::EUR {
        Some("OrgnlIntrBkSttlmAmt is not the payment's")
    } else if !is_dated {
        Some("OrgnlIntrBkSttlmDt is not the payment's")
    } else {
        None
    }
}

/// The request id under which a bank's message is remembered, and its reference: the same message does the same once.
pub(super) fn reference(
    message: &str,
    bank: Bic,
    id: &Text<35>,
    path: &str,
) -> Result<(RequestId, Text<35>), Status> {
    let request_id = RequestId::parse(&format!("{message}/{bank}/{}", id.as_str()));
    let reference = Text::parse_identifier(id.as_str()).ok();
    request_id.zip(reference).ok_or_else(|| {
        let description = format!("{path}: an identifier has no blanks and only the scheme's characters");
        invalid(vec![client::v1::FieldViolation { field: "document".to_owned(), description }])
    })
}
