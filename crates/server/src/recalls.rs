//! `RecallService`: settled payments that are asked back, and the answers to that.
//!
//! Invariants:
//! - Whoever asks about the payment of others learns nothing, not even whether there is one.
//! - What a request says of its payment was read from the log and from what the core or history knows of its end; what an
//!   answer says of it, from the core. No caller says any of it.

pub(crate) mod original;
mod wire;

pub(crate) use self::wire::recall_told;

use client::v1;
use client::v1::recall_service_server::RecallService;
use engine::{Answer, Answered, Question, RECALLS_ASKED_MAX, RecallFound, RecallsAsked};
use ledger::{AnswerRecall, RequestRecall};
use tonic::{Request, Response, Status};
use types::{Bic, Date, Sequence};

use self::original::NotRead;
use crate::caller::Caller;
use crate::node::Node;
use crate::refusals::{bank_not_yours, refused, unanswered};
use crate::values::confirmation;

#[derive(Debug)]
pub(crate) struct Recalls(pub(crate) Node);

/// Recalls on a page if the caller does not say.
const PAGE_USUAL: usize = 100;

#[tonic::async_trait]
impl RecallService for Recalls {
    async fn request_recall(
        &self,
        request: Request<v1::RequestRecallRequest>,
    ) -> Result<Response<v1::RequestRecallResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire::Asked { request_id, payment, reason, text } =
            wire::read_request(&self.0.handle, request.get_ref())?;
        let original = original::read(&self.0, &caller, payment).await.map_err(NotRead::into_status)?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.request_recall(&RequestRecall { request_id, original, reason, text });
        let outcome = self.0.carry_out(commands).await?;
        let recall = outcome.repeat_of().unwrap_or(outcome.sequence);
        let found = self.one(RecallsAsked::At(recall)).await?.0;
        Ok(Response::new(v1::RequestRecallResponse {
            confirmation: Some(confirmation(&outcome)),
            recall_id: self.0.handle.payment_id(recall).to_string(),
            answer_by: found.map_or_else(String::new, |found| day(found.recall.answer_by())),
        }))
    }

    async fn answer_recall(
        &self,
        request: Request<v1::AnswerRecallRequest>,
    ) -> Result<Response<v1::AnswerRecallResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire::Said { request_id, recall, answer, has_consent, text } =
            wire::read_answer(&self.0.handle, request.get_ref())?;
        let found = self.seen(&caller, RecallsAsked::At(recall)).await?.0;
        if !caller.may_act_for(found.creditor_agent) {
            return Err(bank_not_yours().into_status());
        }
        let answer = answer.of(found.recalled.currency)?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.answer_recall(&AnswerRecall {
            request_id,
            recall,
            recalled: found.recalled,
            bic: found.creditor_agent,
            answer,
            has_consent,
            is_elsewhere: found.is_elsewhere,
            text,
        });
        let outcome = self.0.carry_out(commands).await?;
        let found = self.one(RecallsAsked::At(recall)).await?.0;
        Ok(Response::new(v1::AnswerRecallResponse {
            confirmation: Some(confirmation(&outcome)),
            recall: found.map(|found| self.told(&caller, &found)),
        }))
    }

    async fn get_recall(
        &self,
        request: Request<v1::GetRecallRequest>,
    ) -> Result<Response<v1::GetRecallResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = wire::read_choice(&self.0.handle, request.get_ref())?;
        let (found, as_of_sequence) = self.seen(&caller, asked).await?;
        let recall = Some(self.told(&caller, &found));
        Ok(Response::new(v1::GetRecallResponse { recall, as_of_sequence: as_of_sequence.0 }))
    }

    async fn list_open_recalls(
        &self,
        request: Request<v1::ListOpenRecallsRequest>,
    ) -> Result<Response<v1::ListOpenRecallsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire::Listed { bank, after, page_size } =
            wire::read_list(&self.0.handle, &caller, request.get_ref())?;
        if !caller.may_see(bank) {
            return Err(bank_not_yours().into_status());
        }
        let count_max = match page_size {
            0 => PAGE_USUAL,
            size => size.min(RECALLS_ASKED_MAX),
        };
        let Answered { answer, as_of } =
            self.0.ask(Question::Recalls(RecallsAsked::Open { bank, after, count_max })).await?;
        let Answer::Recalls(found) = answer else { return Err(unanswered()) };
        let recalls = found.iter().map(|found| self.told(&caller, found)).collect();
        Ok(Response::new(v1::ListOpenRecallsResponse { recalls, as_of_sequence: as_of.sequence.0 }))
    }

    async fn set_recall_policy(
        &self,
        request: Request<v1::SetRecallPolicyRequest>,
    ) -> Result<Response<v1::SetRecallPolicyResponse>, Status> {
        let caller = Caller::of(&request)?;
        let command = wire::read_policy(request.get_ref())?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.set_recall_policy(&command);
        let outcome = self.0.carry_out(commands).await?;
        Ok(Response::new(v1::SetRecallPolicyResponse { confirmation: Some(confirmation(&outcome)) }))
    }
}

impl Recalls {
    /// A recall as this caller may know it.
    fn told(&self, caller: &Caller, found: &RecallFound) -> v1::Recall {
        wire::recall(&self.0.handle, found, caller.may_see(found.recalled.debtor_agent))
    }

    /// The one recall that is asked for, if there is one, and the position of the answer.
    async fn one(&self, asked: RecallsAsked) -> Result<(Option<RecallFound>, Sequence), Status> {
        one(&self.0, asked).await
    }

    /// The same, if the caller may know of it. Whoever may not is told the same as if there were none.
    async fn seen(&self, caller: &Caller, asked: RecallsAsked) -> Result<(RecallFound, Sequence), Status> {
        let (found, as_of) = self.one(asked).await?;
        let is_party = |bank: Bic| caller.may_see(bank);
        let may_see =
            |found: &RecallFound| is_party(found.recalled.debtor_agent) || is_party(found.creditor_agent);
        let found = found.filter(may_see);
        found.map(|found| (found, as_of)).ok_or_else(|| refused(ledger::Refusal::RecallUnknown).into_status())
    }
}

/// The one recall that is asked for, if there is one, and the position of the answer.
pub(crate) async fn one(node: &Node, asked: RecallsAsked) -> Result<(Option<RecallFound>, Sequence), Status> {
    let Answered { answer, as_of } = node.ask(Question::Recalls(asked)).await?;
    let Answer::Recalls(mut found) = answer else { return Err(unanswered()) };
    Ok((found.pop(), as_of.sequence))
}

fn day(date: Date) -> String {
    date.to_string()
}
