//! pacs.028 about a recall: its answer again, as it was told.
//!
//! Invariant: what has no answer yet is told to be so by a document of another kind than an answer.

use engine::RecallsAsked;
use iso20022::{
    MessageKind, NegativeAnswer, OriginalDetails, OriginalReferences, Originator, RecallStatusRequest,
    RecalledPayment, write_camt029,
};
use ledger::{About, Refusal};
use tonic::Status;
use types::{RecallReason, RecallRefusal, Text};

use super::desk::{Desk, Incoming, Reply};
use super::enquiries::answer_id;
use super::keep::{keep, sent};
use super::outgoing::undecided;
use super::recall_codes::marked_words;
use super::recalls::Looked;
use crate::recalls::one;
use crate::refusals::{bank_not_yours, invalid, too_many_enquiries};

impl Desk {
    /// The payer's bank asks for the answer to its recall.
    pub(super) async fn recall_enquiry(
        &self,
        incoming: &Incoming<'_>,
        request: &RecallStatusRequest,
    ) -> Result<Reply, Status> {
        if self.node.keeper.is_full_for(self.caller.principal) {
            return Err(too_many_enquiries().into_status());
        }
        let [recalled] = &request.recalled[..] else {
            let description = "TxInf: one enquiry asks for one answer".to_owned();
            return Err(invalid(vec![client::v1::FieldViolation {
                field: "document".to_owned(),
                description,
            }]));
        };
        if !self.is(recalled.debtor_agent) {
            return Err(bank_not_yours().into_status());
        }
        let unclear = |reason: &str, why: &str| -> Reply {
            undecided(incoming.document, reason, why, self.node.handle.now(), incoming.dress).into()
        };
        let accepted = [recalled.acceptance_time; 2];
        let looked =
            self.look_for(recalled.debtor_agent, &recalled.original_transaction_id, accepted).await?;
        let payment = match looked {
            Looked::At(payment) => payment,
            Looked::Never => return Ok(self.never_received(incoming, request, recalled)),
            Looked::Unclear((reason, why)) => return Ok(unclear(reason, why)),
        };
        let asked = RecallsAsked::OfPayment(payment);
        if let Some(answer) = self.stored_answer(incoming, asked).await? {
            keep(&self.node, &self.caller, &[incoming.kept(About::Payment(payment))]);
            return Ok(answer);
        }
        Ok(match one(&self.node, asked).await?.0.map(|found| found.recall) {
            None => unclear(Refusal::RecallUnknown.name(), Refusal::RecallUnknown.meaning()),
            Some(recall) if recall.answered().is_none() => {
                let until = recall.answer_by();
                unclear(
                    "RECALL_OPEN",
                    &format!("there is no answer yet, for which there is time until {until}"),
                )
            }
            Some(_) => unclear("RECALL_ERASED", "the texts of the payment or of the answer have been erased"),
        })
    }

    /// The answer to an enquiry about a payment that was never received and never will be settled.
    fn never_received(
        &self,
        incoming: &Incoming<'_>,
        request: &RecallStatusRequest,
        recalled: &RecalledPayment,
    ) -> Reply {
        let (id, now) = (answer_id("NOOR", &request.message_id), self.node.handle.now());
        let bank = recalled.debtor_agent;
        let reason = RecallRefusal::NoOriginal;
        let answer = NegativeAnswer {
            assignment: self.assignment(id.clone(), bank, now),
            cancellation_status_id: id.clone(),
            original: OriginalReferences {
                message_id: Text::parse(iso20022::NOT_PROVIDED).expect("eleven letters"),
                instruction_id: recalled.original_instruction_id.clone(),
                end_to_end_id: recalled.original_end_to_end_id.clone(),
                transaction_id: recalled.original_transaction_id.clone(),
                uetr: recalled.original_uetr.clone(),
            },
            originator: Originator::Bank(self.signature_to(bank)),
            reason,
            additional_information: marked_words(
                RecallReason::Duplicate,
                reason,
                &[],
                "no such payment was received",
            ),
            details: OriginalDetails {
                category_purpose: recalled.category_purpose.clone(),
                ..OriginalDetails::key(bank)
            },
        };
        let xml = write_camt029(&answer);
        let document = incoming.dress.finish(MessageKind::NegativeAnswer, xml, id, now, false);
        let sent = sent(&document, About::NoPayment, Some(bank));
        keep(&self.node, &self.caller, &[incoming.kept(About::NoPayment), sent]);
        document.into()
    }
}
