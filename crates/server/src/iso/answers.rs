//! pacs.002 from a bank: its answer to the question whether a payee's account is credited.
//!
//! Invariant: whoever is not the bank that a payment asks hears and does the same as if there were no such payment.

use client::v1;
use engine::{Answer as EngineAnswer, NotTaken, Question, Waiting};
use iso20022::{NOT_PROVIDED, Status as Report, StatusReport};
use ledger::{
    About, Answer, AnswerEffect, AnswerPayment, Outcome, Payment, PaymentAnswer, RecordWriter, Stage, Verdict,
};
use tonic::Status;
use types::{Bic, PaymentOrder, PaymentState, Sequence, StatusReason, Timestamp};

use super::desk::{Desk, Incoming, Reply};
use super::keep::{keep, sent};
use super::outgoing::Outgoing;
use super::reports::{MessageOf, finish, message_id, payment_id, payment_of_message, status};
use crate::log::payments;
use crate::refusals::{bank_not_yours, invalid, not_taken, stopping_connection, unanswered};
use crate::values::{PaymentFacts, PaymentReferences, payment_outcome};

/// What a bank's report is about, as far as it is known here.
struct Original {
    payment: Payment,
    /// The bank that is asked.
    creditor_agent: Bic,
}

impl Desk {
    /// A bank's answer. What decides is answered by nothing; what does not, by what is true instead.
    pub(super) async fn answer(
        &self,
        incoming: &Incoming<'_>,
        report: &StatusReport,
    ) -> Result<Reply, Status> {
        let sender = self.who_answers(incoming)?;
        let original = self.original(report, sender).await?;
        let Some(bank) = sender.or(original.as_ref().map(|original| original.creditor_agent)) else {
            // Nobody is known to have answered, and nothing to have been asked.
            let document = self.unknown_original(incoming, report, self.node.handle.now());
            let sent = sent(&document, About::NoPayment, None);
            keep(&self.node, &self.caller, &[incoming.kept(About::NoPayment), sent]);
            return Ok(document.into());
        };
        let command = AnswerPayment {
            // There is no payment at the first position: the answer is counted as one to nothing.
            payment: original.as_ref().map_or(Sequence(0), |original| original.payment.sequence()),
            bic: bank,
            stage: Stage::Credit,
            answer: match &report.status {
                Report::Accepted => Answer::Accept,
                Report::Rejected { reason, .. } => Answer::Reject(*reason),
            },
        };
        let outcome = self.submit_answer(incoming, &command).await?;
        let Verdict::Answer { payment, effect, .. } = outcome.verdict else {
            return Err(Status::internal("the engine answered another command"));
        };
        match effect {
            AnswerEffect::Applied => Ok(Reply::default()),
            AnswerEffect::Late | AnswerEffect::Double | AnswerEffect::Contrary => {
                self.stored(incoming, report, bank, payment).await
            }
            AnswerEffect::NotAsked | AnswerEffect::PaymentUnknown => {
                let document = self.unknown_original(incoming, report, outcome.decided_time);
                keep(&self.node, &self.caller, &[sent(&document, About::NoPayment, Some(bank))]);
                Ok(document.into())
            }
        }
    }

    /// The bank that answers, before any payment is looked at: the one that the document names, or the caller's own.
    /// Only for a caller that acts for every bank is it left to the payment.
    pub(super) fn who_answers(&self, incoming: &Incoming<'_>) -> Result<Option<Bic>, Status> {
        let sender = incoming.sender.or_else(|| self.caller.only_bank());
        match sender {
            Some(sender) if !self.caller.may_act_for(sender) => Err(bank_not_yours().into_status()),
            None if !self.caller.acts_for_all() => {
                let description = "who acts for several banks says which one answers, by Fr or InstgAgt";
                let description = description.to_owned();
                Err(invalid(vec![v1::FieldViolation { field: "document".to_owned(), description }]))
            }
            sender => Ok(sender),
        }
    }

    /// The payment that a report is about: by the message that asked, or by the payment's key. Whatever the report
    /// repeats of the payment has to be the payment's, and its payee's bank the one that answers, if that is known.
    async fn original(&self, report: &StatusReport, bank: Option<Bic>) -> Result<Option<Original>, Status> {
        let handle = &self.node.handle;
        let asked = payment_of_message(handle, &report.original_message_id);
        let payment = match (asked, &report.original_transaction_id, report.debtor_agent) {
            (Some(sequence), ..) => payments(&self.node, &[sequence]).await?.pop().flatten(),
            (None, Some(transaction_id), Some(debtor_agent)) => {
                let (transaction_id, acceptance_time) = (transaction_id.clone(), report.acceptance_time);
                let question = Question::PaymentByKey { debtor_agent, transaction_id, acceptance_time };
                let answered = self.node.ask(question).await?;
                let EngineAnswer::Payment(PaymentAnswer::Found(payment)) = answered.answer else {
                    return Ok(None);
                };
                Some(payment)
            }
            (None, ..) => None,
        };
        let Some(payment) = payment.filter(|payment| repeats(report, payment)) else { return Ok(None) };
        let stored = match self.node.asked.get(payment.sequence()) {
            Some(stored) => Some(stored),
            None => self.order_of(&payment).await?,
        };
        let order = stored.as_ref().and_then(|stored| stored.order());
        let Some((order, creditor_agent)) = order.zip(stored.and_then(|stored| stored.creditor_agent()))
        else {
            // What has been erased agrees with nothing.
            return Ok(None);
        };
        let question_id = message_id(handle, payment.sequence(), MessageOf::Question);
        // The payer's bank named the message that it sent; a bank that was asked in another form may repeat that.
        let is_its_message = report.original_message_id == question_id
            || report.original_message_id.as_str() == NOT_PROVIDED
            || order.message_id.as_ref() == Some(&report.original_message_id);
        let is_asked = bank.is_none_or(|bank| bank == creditor_agent);
        let is_it = is_its_message && is_asked && repeats_order(report, &order);
        Ok(is_it.then_some(Original { payment, creditor_agent }))
    }

    /// Submits an answer with its document. An answer is never shed, a document may be: then it follows.
    async fn submit_answer(
        &self,
        incoming: &Incoming<'_>,
        command: &AnswerPayment,
    ) -> Result<Outcome, Status> {
        let write = || {
            let mut commands = self.node.handle.commands(self.caller.principal);
            commands.answer(command);
            commands
        };
        let mut commands = write();
        commands.evidence(&incoming.kept(About::RecordBefore));
        let submitted = self.submit_for_outcome(commands);
        let outcome = match submitted {
            Ok(outcome) => outcome,
            Err(NotTaken::Stopping) => return Err(unanswered()),
            Err(_) => {
                let about = match command.payment {
                    Sequence(0) => About::NoPayment,
                    payment => About::Payment(payment),
                };
                keep(&self.node, &self.caller, &[incoming.kept(about)]);
                self.submit_alone(write).await?
            }
        };
        outcome.await.map_err(|_| unanswered())
    }

    /// Submits an answer as often as it takes.
    async fn submit_alone(
        &self,
        write: impl Fn() -> RecordWriter,
    ) -> Result<tokio::sync::oneshot::Receiver<Outcome>, Status> {
        loop {
            match self.submit_for_outcome(write()) {
                Ok(outcome) => return Ok(outcome),
                Err(NotTaken::Overloaded) => tokio::select! {
                    () = tokio::time::sleep(AGAIN_AFTER) => {}
                    () = self.node.stops() => return Err(stopping_connection()),
                },
                Err(NotTaken::Stopping) => return Err(unanswered()),
                Err(reason) => return Err(not_taken(reason).into_status()),
            }
        }
    }

    fn submit_for_outcome(
        &self,
        commands: RecordWriter,
    ) -> Result<tokio::sync::oneshot::Receiver<Outcome>, NotTaken> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let mailbox = self.node.mailbox.clone();
        let sink = move |outcomes: &[Outcome], _: &mut Waiting<'_>| {
            mailbox.put(crate::mailbox::Letter::Outcome(sender, outcomes[0]));
        };
        self.node.handle.submit(commands, Box::new(sink))?;
        Ok(receiver)
    }

    /// What is true of a payment whose bank answered late, again or otherwise than before.
    async fn stored(
        &self,
        incoming: &Incoming<'_>,
        report: &StatusReport,
        bank: Bic,
        sequence: Sequence,
    ) -> Result<Reply, Status> {
        let answered = self.node.ask_at_the_end(&self.caller, sequence).await?;
        let EngineAnswer::Payment(PaymentAnswer::Found(payment)) = answered.answer else {
            return Err(Status::internal("a payment that was answered about is known"));
        };
        if payment.state() == PaymentState::Reserved {
            return Err(stopping_connection());
        }
        let handle = &self.node.handle;
        let (state, reason) = (payment.state(), payment.reason_to(Stage::Credit));
        let id = message_id(handle, sequence, MessageOf::CreditorReport);
        let answer = StatusReport::on_report(report, id, payment.decided_time(), status(state, reason, None));
        let answer = StatusReport {
            status_id: Some(payment_id(handle, sequence)),
            instructed_agent: Some(bank),
            ..answer
        };
        let document = finish(&answer, incoming.dress, false);
        keep(&self.node, &self.caller, &[sent(&document, About::Payment(sequence), Some(bank))]);
        let facts = PaymentFacts { reason, ..PaymentFacts::of(&payment) };
        let outcome = Some(payment_outcome(handle, PaymentReferences::of(&payment), &facts));
        Ok(Reply { document: Some(document), outcome })
    }

    fn unknown_original(
        &self,
        incoming: &Incoming<'_>,
        report: &StatusReport,
        created_at: Timestamp,
    ) -> Outgoing {
        let status = Report::Rejected {
            reason: StatusReason::PaymentNotReceived.code(),
            originator: None,
            additional_information: None,
        };
        let id = super::enquiries::answer_id("AG09", &report.message_id);
        finish(&StatusReport::on_report(report, id, created_at, status), incoming.dress, false)
    }
}

/// After this time an answer that an overloaded engine did not take is submitted again.
const AGAIN_AFTER: std::time::Duration = std::time::Duration::from_millis(2);

/// Whether the payer's references that a report repeats are this order's.
fn repeats_order(report: &StatusReport, order: &PaymentOrder) -> bool {
    let StatusReport { original_end_to_end_id, original_instruction_id, original_uetr, .. } = report;
    original_end_to_end_id.as_ref().is_none_or(|id| *id == order.end_to_end_id)
        && (original_instruction_id.is_none() || *original_instruction_id == order.instruction_id)
        && (original_uetr.is_none() || *original_uetr == order.uetr)
}

/// Whether what a report repeats of its original's key and time is this payment's.
fn repeats(report: &StatusReport, payment: &Payment) -> bool {
    let milliseconds = |time: Timestamp| time.nanoseconds() / 1_000_000;
    let transaction_id = report.original_transaction_id.as_ref();
    transaction_id.is_none_or(|id| id.as_str() == payment.transaction_id())
        && report.debtor_agent.is_none_or(|bank| bank == payment.debtor_agent())
        && report
            .acceptance_time
            .is_none_or(|time| milliseconds(time) == milliseconds(payment.acceptance_time()))
}
