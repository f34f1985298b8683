//! pacs.004 and camt.029 from a payee's bank: its answers to a recall.
//!
//! Invariant: whoever is not the bank that was asked hears the same as if there were no recall, and what an answer repeats of
//! its payment has to be the payment's.

use engine::{RecallFound, RecallsAsked};
use iso20022::{
    MessageKind, NegativeAnswer, OriginalDetails, OriginalReferences, Originator, PaymentReturn,
    ReportedMessage, Status as Report, StatusReport, write_pacs002_on,
};
use ledger::{About, AnswerRecall, Answered, RecallAnswer, RecallText, Refusal};
use tonic::{Code, Status};
use types::{Amount, Balance, Date, ReasonCode, StatusReason, Text, Timestamp};

use super::desk::{Desk, Incoming, Reply, settlement_dates};
use super::enquiries::answer_id;
use super::keep::{keep, sent};
use super::outgoing::Outgoing;
use super::recall_codes::{code_for_answer, fitted};
use super::recall_documents::{Paid, said_at, stored_originator};
use super::recalls::{Looked, reference};
use super::reports::{MessageOf, message_id, payment_id, payment_of_message};
use crate::log;
use crate::recalls::one;

/// What a bank answers, whichever message says it.
struct Said<'message> {
    message: ReportedMessage,
    message_id: &'message Text<35>,
    /// The sender's identification of the answer, and where it stands.
    id: (&'message Text<35>, &'static str),
    original: &'message OriginalReferences,
    details: &'message OriginalDetails,
    originator: &'message Originator,
    information: Vec<Text<105>>,
    settlement_date: Option<Date>,
    answer: RecallAnswer,
}

impl Desk {
    /// A bank gives a payment back.
    pub(super) async fn payment_return(
        &self,
        incoming: &Incoming<'_>,
        given: &PaymentReturn,
    ) -> Result<Reply, Status> {
        let fee = given.fee.map_or(0, |fee| fee.amount.minor_units());
        let fee = Balance::from_minor_units(fee).expect("an amount is a balance");
        let said = Said {
            message: ReportedMessage::Return,
            message_id: &given.message_id,
            id: (&given.return_id, "TxInf/RtrId"),
            original: &given.original,
            details: &given.details,
            originator: &given.originator,
            information: Vec::new(),
            settlement_date: Some(given.settlement_date),
            answer: RecallAnswer::Return { amount: given.returned_amount, fee },
        };
        let Some(found) = self.recall_of(incoming, &said, Some(given.original_amount)).await? else {
            return Ok(self.no_recall(incoming, &said));
        };
        // What repeats an answer is not looked at again: its day may be over.
        if found.recall.may_return() && !self.settles_on(given.settlement_date).await? {
            let path = "GrpHdr/IntrBkSttlmDt is not the business date";
            return Ok(self.not_taken_over(incoming, &said, StatusReason::InvalidDate, path));
        }
        if given.fee.is_some_and(|fee| fee.agent != found.creditor_agent) {
            let path = "TxInf/ChrgsInf/Agt is not the bank that gives the payment back";
            return Ok(self.not_taken_over(incoming, &said, StatusReason::InvalidFileFormat, path));
        }
        self.answer_recall(incoming, said, &found).await
    }

    /// A bank does not give a payment back.
    pub(super) async fn negative_answer(
        &self,
        incoming: &Incoming<'_>,
        answer: &NegativeAnswer,
    ) -> Result<Reply, Status> {
        let said = Said {
            message: ReportedMessage::NegativeAnswer,
            message_id: &answer.assignment.id,
            id: (&answer.cancellation_status_id, "CxlDtls/TxInfAndSts/CxlStsId"),
            original: &answer.original,
            details: &answer.details,
            originator: &answer.originator,
            information: answer.additional_information.clone(),
            settlement_date: None,
            answer: RecallAnswer::Refuse(answer.reason),
        };
        let Some(found) = self.recall_of(incoming, &said, None).await? else {
            return Ok(self.no_recall(incoming, &said));
        };
        self.answer_recall(incoming, said, &found).await
    }

    async fn answer_recall(
        &self,
        incoming: &Incoming<'_>,
        said: Said<'_>,
        found: &RecallFound,
    ) -> Result<Reply, Status> {
        let (bank, payment) = (found.creditor_agent, found.recall.payment());
        let is_return = said.message == ReportedMessage::Return;
        let (request_id, reference) = reference(said.message.name(), bank, said.id.0, said.id.1)?;
        let text = RecallText {
            reference,
            originator: stored_originator(said.originator, bank),
            information: said.information.clone(),
            settlement_date: said.settlement_date,
        };
        let mut commands = self.node.handle.commands(self.caller.principal);
        commands.answer_recall(&AnswerRecall {
            request_id,
            recall: found.recall.sequence(),
            recalled: found.recalled,
            bic: bank,
            answer: said.answer,
            // A bank that gives back what a payer has asked for says with that that the payee has agreed.
            has_consent: is_return && found.recall.reason().needs_consent(),
            is_elsewhere: is_return && found.is_elsewhere,
            text: text.clone(),
        });
        commands.evidence(&incoming.kept(About::Payment(payment)));
        let outcome = self.node.submit(commands, ())?.await?;
        let mut decided = (outcome.repeat_of().unwrap_or(outcome.sequence), outcome.decided_time);
        let mut refused = outcome.refusal();
        if refused
            .is_some_and(|refusal| [Refusal::RecallAnswered, Refusal::RequestIdReused].contains(&refusal))
            && let Some(answered) = self.answered_before(found, said.answer, &text).await?
        {
            (decided, refused) = ((answered.sequence, answered.time), None);
        }
        let status = match refused {
            Some(refusal) => rejected(code_for_answer(refusal).code(), refusal.meaning()),
            None if is_return => Report::Accepted,
            None => return Ok(Reply::default()),
        };
        let (position, decided_time) = decided;
        let handle = &self.node.handle;
        let id = message_id(handle, position, MessageOf::CreditorReport);
        let report = StatusReport {
            status_id: Some(payment_id(handle, position)),
            instructed_agent: Some(bank),
            ..report(&said, id, decided_time, status)
        };
        let document = finished(incoming, &said, &report);
        keep(&self.node, &self.caller, &[sent(&document, About::Payment(payment), Some(bank))]);
        Ok(document.into())
    }

    /// The answer to a recall, if it is this one in these words. Request ids are remembered for days and recalls for months,
    /// so an answer that comes again is known by what it says.
    async fn answered_before(
        &self,
        found: &RecallFound,
        answer: RecallAnswer,
        text: &RecallText,
    ) -> Result<Option<Answered>, Status> {
        let answered = found.recall.answered().filter(|answered| answered.answer == answer);
        let Some(answered) = answered.copied() else { return Ok(None) };
        // In another form than a document no settlement date is said.
        let dated = |said: RecallText| RecallText { settlement_date: text.settlement_date, ..said };
        let is_same = said_at(&self.node, answered.sequence).await?.map(dated).as_ref() == Some(text);
        Ok(is_same.then_some(answered))
    }

    /// The recall that an answer is about, if the bank that answers is the one that was asked.
    async fn recall_of(
        &self,
        incoming: &Incoming<'_>,
        said: &Said<'_>,
        amount: Option<Amount>,
    ) -> Result<Option<RecallFound>, Status> {
        let sender = self.who_answers(incoming)?;
        let Said { original, details, .. } = said;
        let asked = payment_of_message(&self.node.handle, &original.message_id);
        let payment = match asked {
            Some(payment) => payment,
            None => match self.look_for(details.debtor_agent, &original.transaction_id, [None; 2]).await {
                Ok(Looked::At(payment)) => payment,
                Ok(Looked::Never | Looked::Unclear(_)) => return Ok(None),
                Err(status) if status.code() == Code::PermissionDenied => return Ok(None),
                Err(status) => return Err(status),
            },
        };
        let (found, _) = one(&self.node, RecallsAsked::OfPayment(payment)).await?;
        let is_asked = |found: &RecallFound| {
            let bank = found.creditor_agent;
            self.caller.may_act_for(bank)
                && sender.is_none_or(|sender| sender == bank)
                && amount.is_none_or(|amount| amount == found.recall.amount())
        };
        let Some(found) = found.filter(is_asked) else { return Ok(None) };
        let is_its = match Paid::read(&self.node, payment).await? {
            Some(paid) => paid.is_repeated_by(original, details),
            // The key is left where the texts have been erased.
            None => log::order_left(&self.node, payment).await?.unwrap_or_default().is_some_and(|stored| {
                stored.debtor_agent() == details.debtor_agent
                    && stored.transaction_id() == original.transaction_id
            }),
        };
        Ok(is_its.then_some(found))
    }

    /// Whether a settlement between banks may bear this date at this moment: the business date if there is one, else the
    /// day.
    async fn settles_on(&self, date: Date) -> Result<bool, Status> {
        let now = self.node.handle.now();
        Ok(match self.business_date().await? {
            Some(business_date) => business_date.accepts(date, now),
            None => settlement_dates(now).contains(&date),
        })
    }

    /// There is no such recall, or none that this bank was asked.
    fn no_recall(&self, incoming: &Incoming<'_>, said: &Said<'_>) -> Reply {
        self.not_taken_over(
            incoming,
            said,
            StatusReason::PaymentNotReceived,
            "there is no such recall to answer",
        )
    }

    /// An answer that leaves the recall as it is.
    fn not_taken_over(
        &self,
        incoming: &Incoming<'_>,
        said: &Said<'_>,
        reason: StatusReason,
        why: &str,
    ) -> Reply {
        let (id, now) = (answer_id(reason.code().as_str(), said.message_id), self.node.handle.now());
        let report = report(said, id, now, rejected(reason.code(), why));
        let document = finished(incoming, said, &report);
        let sent = sent(&document, About::NoPayment, incoming.sender);
        keep(&self.node, &self.caller, &[incoming.kept(About::NoPayment), sent]);
        document.into()
    }
}

fn rejected(reason: ReasonCode, why: &str) -> Report {
    Report::Rejected { reason, originator: None, additional_information: Some(fitted(why)) }
}

/// The report on an answer, with the references that it has.
fn report(said: &Said<'_>, message_id: Text<35>, created_at: Timestamp, status: Report) -> StatusReport {
    StatusReport {
        message_id,
        created_at,
        instructing_agent: None,
        instructed_agent: None,
        original_message_id: said.message_id.clone(),
        status,
        status_id: None,
        original_instruction_id: said.original.instruction_id.clone(),
        original_end_to_end_id: Some(said.original.end_to_end_id.clone()),
        original_transaction_id: Some(said.original.transaction_id.clone()),
        original_uetr: said.original.uetr.clone(),
        acceptance_time: None,
        category_purpose: said.details.category_purpose.clone(),
        debtor_agent: Some(said.details.debtor_agent),
    }
}

fn finished(incoming: &Incoming<'_>, said: &Said<'_>, report: &StatusReport) -> Outgoing {
    let (id, created_at) = (report.message_id.clone(), report.created_at);
    let xml = write_pacs002_on(said.message, report);
    incoming.dress.finish(MessageKind::StatusReport, xml, id, created_at, false)
}
