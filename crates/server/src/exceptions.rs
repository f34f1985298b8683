//! `ExceptionService`: what is out of order, who looks after it, and what is done about it.
//!
//! Invariants:
//! - Whoever asks about the exceptions of other banks learns nothing, not even whether there is one.
//! - What a command says of a payment, a recall or an exception is read from the log and the core; no caller says any of it.

mod keeper;
mod wire;

pub(crate) use self::keeper::keep_exceptions;
pub(crate) use self::wire::exception_told;

use client::v1;
use client::v1::exception_service_server::ExceptionService;
use engine::{Answer, ExceptionFound, ExceptionsAnswer, ExceptionsAsked, Question, RecallsAsked};
use ledger::{
    AnswerRecall, AssignException, ExceptionKind, ExceptionSubject, ExceptionText, RaiseException,
    RecallAnswer, RecallText, Refusal, RequestId, RequestRecall, ResolveException,
};
use tonic::{Request, Response, Status};
use types::{AccountNumber, Balance, Bic, Iban, RecallReason, Sequence};

use crate::caller::Caller;
use crate::log::texts_left;
use crate::node::Node;
use crate::recalls::original::{self, NotRead};
use crate::refusals::{action_not_legal, bank_not_yours, refused, unanswered};
use crate::values::confirmation;

#[derive(Debug)]
pub(crate) struct Exceptions(pub(crate) Node);

#[tonic::async_trait]
impl ExceptionService for Exceptions {
    async fn raise_exception(
        &self,
        request: Request<v1::RaiseExceptionRequest>,
    ) -> Result<Response<v1::RaiseExceptionResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire::Raised { request_id, bank, kind, subject, note } =
            wire::read_raise(&self.0.handle, &caller, request.get_ref())?;
        if !caller.may_act_for(bank) {
            return Err(bank_not_yours().into_status());
        }
        let subject = self.subject(bank, kind, subject).await?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.raise_exception(&RaiseException { request_id, bank, kind, subject, note });
        let outcome = self.0.carry_out(commands).await?;
        let exception = outcome.repeat_of().unwrap_or(outcome.sequence);
        Ok(Response::new(v1::RaiseExceptionResponse {
            confirmation: Some(confirmation(&outcome)),
            exception_id: self.0.handle.payment_id(exception).to_string(),
        }))
    }

    async fn assign_exception(
        &self,
        request: Request<v1::AssignExceptionRequest>,
    ) -> Result<Response<v1::AssignExceptionResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire::Assigned { request_id, exception, owner, note } =
            wire::read_assign(&self.0.handle, request.get_ref())?;
        let bank = self.own(&caller, exception).await?.bank;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.assign_exception(&AssignException { request_id, bank, exception, owner, note });
        let outcome = self.0.carry_out(commands).await?;
        Ok(Response::new(v1::AssignExceptionResponse { confirmation: Some(confirmation(&outcome)) }))
    }

    async fn resolve_exception(
        &self,
        request: Request<v1::ResolveExceptionRequest>,
    ) -> Result<Response<v1::ResolveExceptionResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wanted = wire::read_resolve(&self.0.handle, request.get_ref())?;
        let wire::Resolved { request_id, exception, action, iban, returned, note } = wanted;
        let found = self.own(&caller, exception).await?;
        if let Some(returned) = returned.filter(|_| wire::may(&found, action)) {
            self.give_back(&caller, &found, &request_id, returned).await?;
        }
        let account = match iban {
            Some(iban) => Some((iban, self.number_of(&found, iban).await?)),
            None => None,
        };
        let (bank, seen) = (found.bank, Some(found.seen));
        let mut commands = self.0.handle.commands(caller.principal);
        commands.resolve_exception(&ResolveException {
            request_id,
            bank,
            exception,
            action,
            account,
            seen,
            note,
        });
        let outcome = self.0.submit(commands, ())?.await?;
        if let Some(refusal) = outcome.refusal() {
            return Err(match refusal == Refusal::ActionNotLegal {
                true => action_not_legal(&wire::legal_names(found.seen.kind)),
                false => refused(refusal).into_status(),
            });
        }
        let (found, _) = self.one(exception).await?;
        let exception = self.told(found.into_iter().collect()).await?.pop();
        Ok(Response::new(v1::ResolveExceptionResponse {
            confirmation: Some(confirmation(&outcome)),
            exception,
        }))
    }

    async fn get_exception(
        &self,
        request: Request<v1::GetExceptionRequest>,
    ) -> Result<Response<v1::GetExceptionResponse>, Status> {
        let caller = Caller::of(&request)?;
        let exception = wire::read_id(&self.0.handle, &request.get_ref().exception_id)?;
        let (found, as_of) = self.one(exception).await?;
        let found = found.filter(|found| caller.may_see(found.bank)).ok_or_else(unknown)?;
        let exception = self.told(vec![found]).await?.pop();
        Ok(Response::new(v1::GetExceptionResponse { exception, as_of_sequence: as_of.0 }))
    }

    async fn list_exceptions(
        &self,
        request: Request<v1::ListExceptionsRequest>,
    ) -> Result<Response<v1::ListExceptionsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let listed = wire::read_list(&self.0.handle, request.get_ref())?;
        if listed.bank.is_some_and(|bank| !caller.may_see(bank)) {
            return Err(bank_not_yours().into_status());
        }
        let (mut found, mut after) = (Vec::new(), listed.after);
        let as_of = loop {
            let asked = Question::Exceptions(ExceptionsAsked::Behind { after });
            let answered = self.0.ask(asked).await?;
            let Answer::Exceptions(answer) = answered.answer else { return Err(unanswered()) };
            let ExceptionsAnswer::Found { found: some, next } = *answer else { return Err(unanswered()) };
            let now = self.0.handle.now();
            let is_wanted = |found: &ExceptionFound| caller.may_see(found.bank) && listed.wants(found, now);
            found.extend(some.into_iter().filter(is_wanted));
            match next {
                Some(next) if found.len() < listed.count_max => after = next,
                Some(_) | None => break answered.as_of.sequence,
            }
        };
        found.truncate(listed.count_max);
        let exceptions = self.told(found).await?;
        Ok(Response::new(v1::ListExceptionsResponse { exceptions, as_of_sequence: as_of.0 }))
    }
}

impl Exceptions {
    /// What is said of the subject of an exception of this bank, as the log and the core know it.
    async fn subject(
        &self,
        bank: Bic,
        kind: ExceptionKind,
        subject: wire::Subject,
    ) -> Result<ExceptionSubject, Status> {
        match subject {
            wire::Subject::Payment(payment) => {
                let is_payer = kind == ExceptionKind::LateConfirmation;
                let caller = Caller::for_bank(bank);
                let original = original::read_as(&self.0, &caller, payment, is_payer).await;
                Ok(ExceptionSubject::Payment(Box::new(original.map_err(NotRead::into_status)?)))
            }
            wire::Subject::Recall(recall) => {
                let found = crate::recalls::one(&self.0, RecallsAsked::At(recall)).await?.0;
                let found = found.filter(|found| found.creditor_agent == bank);
                let found = found.ok_or_else(|| refused(Refusal::RecallUnknown).into_status())?.recall;
                let (amount, currency) = (found.amount(), found.currency());
                Ok(ExceptionSubject::Recall { recall, amount, currency })
            }
            wire::Subject::Named(subject) => Ok(subject),
        }
    }

    /// Makes the recall, or the answer to one, that a return needs, if it has not been made.
    async fn give_back(
        &self,
        caller: &Caller,
        found: &ExceptionFound,
        request_id: &RequestId,
        returned: wire::Returned,
    ) -> Result<(), Status> {
        let Some(subject) = found.exception.subject() else { return Ok(()) };
        let kind = found.exception.kind();
        let asked = match kind {
            ExceptionKind::RecallDue => RecallsAsked::At(subject),
            ExceptionKind::LatePositive
            | ExceptionKind::CreditNotAcknowledged
            | ExceptionKind::LateConfirmation
            | ExceptionKind::StaleMirror
            | ExceptionKind::ReconciliationBreak => RecallsAsked::OfPayment(subject),
        };
        let recall = crate::recalls::one(&self.0, asked).await?.0;
        let wire::Returned { reference, money, has_consent } = returned;
        let text = RecallText { reference, originator: None, information: Vec::new(), settlement_date: None };
        let request_id = wire::recall_request(request_id)?;
        let mut commands = self.0.handle.commands(caller.principal);
        match (kind, recall) {
            (ExceptionKind::LateConfirmation, None) => {
                let original =
                    original::read(&self.0, caller, subject).await.map_err(NotRead::into_status)?;
                let reason = RecallReason::TechnicalProblem;
                commands.request_recall(&RequestRecall { request_id, original, reason, text });
            }
            (ExceptionKind::RecallDue | ExceptionKind::CreditNotAcknowledged, Some(recall))
                if recall.recall.may_return() =>
            {
                let (amount, fee) = match money {
                    Some(money) => money.of(recall.recalled.currency)?,
                    None => (recall.recall.amount(), Balance::default()),
                };
                commands.answer_recall(&AnswerRecall {
                    request_id,
                    recall: recall.recall.sequence(),
                    recalled: recall.recalled,
                    bic: recall.creditor_agent,
                    answer: RecallAnswer::Return { amount, fee },
                    has_consent,
                    is_elsewhere: recall.is_elsewhere,
                    text,
                });
            }
            _ => return Ok(()),
        }
        self.0.carry_out(commands).await.map(|_| ())
    }

    /// The number of an account in the currency of an exception, 0 if there is none: the core says so.
    async fn number_of(&self, found: &ExceptionFound, iban: Iban) -> Result<AccountNumber, Status> {
        let asked = Question::Account { iban, currency: found.exception.currency() };
        let Answer::Account(account) = self.0.ask(asked).await?.answer else { return Err(unanswered()) };
        Ok(account.map(|(number, ..)| number).unwrap_or_default())
    }

    /// The exception at a position, if there is one, and the position of the answer.
    async fn one(&self, exception: Sequence) -> Result<(Option<ExceptionFound>, Sequence), Status> {
        let answered = self.0.ask(Question::Exceptions(ExceptionsAsked::At(exception))).await?;
        let Answer::Exceptions(answer) = answered.answer else { return Err(unanswered()) };
        let ExceptionsAnswer::Found { mut found, .. } = *answer else { return Err(unanswered()) };
        Ok((found.pop(), answered.as_of.sequence))
    }

    /// The exception at a position, if the caller acts for its bank.
    async fn own(&self, caller: &Caller, exception: Sequence) -> Result<ExceptionFound, Status> {
        let found = self.one(exception).await?.0.filter(|found| caller.may_act_for(found.bank));
        found.ok_or_else(unknown)
    }

    /// Exceptions with their texts, which stand in the log.
    async fn told(&self, found: Vec<ExceptionFound>) -> Result<Vec<v1::Exception>, Status> {
        let positions = found.iter().map(|found| found.exception.sequence()).collect();
        let texts = texts_left(&self.0, positions).await?;
        let told = found.iter().zip(texts).map(|(found, text)| {
            let text = text.and_then(|text| ExceptionText::decode(&text).ok());
            wire::exception(&self.0.handle, found, text)
        });
        Ok(told.collect())
    }
}

fn unknown() -> Status {
    refused(Refusal::ExceptionUnknown).into_status()
}
