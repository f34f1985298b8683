//! `RequestService`: payees ask payers for money, and the payers' answers start the payments.
//!
//! Invariants:
//! - Whoever asks about a request of other banks learns nothing, not even whether there is one.
//! - What a payer accepts is what the payee asked for, read from the log; no caller says it again.
//! - The payee's side is not told why the payer's bank rejected a payment.

mod documents;
mod wire;

pub(crate) use self::wire::told_event;

use client::v1;
use client::v1::request_service_server::RequestService;
use engine::{
    Answer, Answered, Question, REQUESTS_ASKED_MAX, RequestFound, RequestSide, RequestsAsked, RequestsFound,
};
use ledger::{
    AnswerRequestToPay, CancelRequestToPay, CreateRequestToPay, OrderContent, PresentRequestToPay, Refusal,
    RequestAnswer, RequestId, RequestToPayText,
};
use tonic::{Request, Response, Status};
use types::{Channel, Currency, Digest, PaymentOrder, Sequence};

use crate::caller::Caller;
use crate::log::texts_left;
use crate::node::Node;
use crate::refusals::{bank_not_yours, refused, request_texts_gone, unanswered};
use crate::values::confirmation;

#[derive(Debug)]
pub(crate) struct RequestsToPay(pub(crate) Node);

/// Requests on a page if the caller does not say.
const PAGE_USUAL: usize = 100;

#[tonic::async_trait]
impl RequestService for RequestsToPay {
    async fn create_request_to_pay(
        &self,
        request: Request<v1::CreateRequestToPayRequest>,
    ) -> Result<Response<v1::CreateRequestToPayResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wanted = wire::read_create(request.into_inner())?;
        let command = self.placed(&caller, wanted).await?;
        let mut commands = self.0.handle.commands(caller.principal);
        commands.create_request_to_pay(&command);
        let outcome = self.0.carry_out(commands).await?;
        let made = outcome.repeat_of().unwrap_or(outcome.sequence);
        Ok(Response::new(v1::CreateRequestToPayResponse {
            confirmation: Some(confirmation(&outcome)),
            request_to_pay_id: self.0.handle.payment_id(made).to_string(),
        }))
    }

    async fn submit_requests_to_pay(
        &self,
        request: Request<v1::SubmitRequestsToPayRequest>,
    ) -> Result<Response<v1::SubmitRequestsToPayResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.submit_document(&caller, request.get_ref()).await?))
    }

    async fn present_request_to_pay(
        &self,
        request: Request<v1::PresentRequestToPayRequest>,
    ) -> Result<Response<v1::PresentRequestToPayResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire = request.get_ref();
        let (request_id, to_pay) =
            wire::read_about(&self.0.handle, &wire.request_id, &wire.request_to_pay_id)?;
        let RequestFound { payer_bank, payee_bank, .. } =
            self.of_side(&caller, to_pay, RequestSide::Payer).await?;
        let payee_bank = Some(payee_bank);
        let mut commands = self.0.handle.commands(caller.principal);
        commands.present_request_to_pay(&PresentRequestToPay { request_id, to_pay, payer_bank, payee_bank });
        let outcome = self.0.carry_out(commands).await?;
        Ok(Response::new(v1::PresentRequestToPayResponse { confirmation: Some(confirmation(&outcome)) }))
    }

    async fn accept_request_to_pay(
        &self,
        request: Request<v1::AcceptRequestToPayRequest>,
    ) -> Result<Response<v1::AcceptRequestToPayResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire::Accepted { request_id, to_pay, due, payer_name } =
            wire::read_accept(&self.0.handle, request.get_ref())?;
        let found = self.of_side(&caller, to_pay, RequestSide::Payer).await?;
        let mut order = self.order(&found).await?;
        if let Some(name) = payer_name {
            order.debtor.name = Some(name);
        }
        let content = OrderContent { order, channel: Channel::Grpc, due, give_up: None };
        let answer = RequestAnswer::Accept(Box::new(content));
        let outcome = self.answer(&caller, request_id, &found, answer).await?;
        let order = outcome.repeat_of().unwrap_or(outcome.sequence);
        Ok(Response::new(v1::AcceptRequestToPayResponse {
            confirmation: Some(confirmation(&outcome)),
            order_id: self.0.handle.payment_id(order).to_string(),
        }))
    }

    async fn refuse_request_to_pay(
        &self,
        request: Request<v1::RefuseRequestToPayRequest>,
    ) -> Result<Response<v1::RefuseRequestToPayResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (request_id, to_pay, reason) = wire::read_refuse(&self.0.handle, request.get_ref())?;
        let found = self.of_side(&caller, to_pay, RequestSide::Payer).await?;
        let outcome = self.answer(&caller, request_id, &found, RequestAnswer::Refuse(reason)).await?;
        Ok(Response::new(v1::RefuseRequestToPayResponse { confirmation: Some(confirmation(&outcome)) }))
    }

    async fn cancel_request_to_pay(
        &self,
        request: Request<v1::CancelRequestToPayRequest>,
    ) -> Result<Response<v1::CancelRequestToPayResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire = request.get_ref();
        let (request_id, to_pay) =
            wire::read_about(&self.0.handle, &wire.request_id, &wire.request_to_pay_id)?;
        let RequestFound { payer_bank, payee_bank, .. } =
            self.of_side(&caller, to_pay, RequestSide::Payee).await?;
        let payer_bank = Some(payer_bank);
        let mut commands = self.0.handle.commands(caller.principal);
        commands.cancel_request_to_pay(&CancelRequestToPay { request_id, to_pay, payee_bank, payer_bank });
        let outcome = self.0.carry_out(commands).await?;
        Ok(Response::new(v1::CancelRequestToPayResponse { confirmation: Some(confirmation(&outcome)) }))
    }

    async fn get_request_to_pay(
        &self,
        request: Request<v1::GetRequestToPayRequest>,
    ) -> Result<Response<v1::GetRequestToPayResponse>, Status> {
        let caller = Caller::of(&request)?;
        let to_pay = wire::read_id(&self.0.handle, &request.get_ref().request_to_pay_id)?;
        let (found, as_of) = self.seen(&caller, to_pay).await?;
        let request_to_pay = self.told(&caller, vec![found]).await?.pop();
        Ok(Response::new(v1::GetRequestToPayResponse { request_to_pay, as_of_sequence: as_of.0 }))
    }

    async fn list_requests_to_pay(
        &self,
        request: Request<v1::ListRequestsToPayRequest>,
    ) -> Result<Response<v1::ListRequestsToPayResponse>, Status> {
        let caller = Caller::of(&request)?;
        let wire::Listed { of, status, after, page_size } =
            wire::read_list(&self.0.handle, &caller, request.get_ref())?;
        let count_max = match page_size {
            0 => PAGE_USUAL,
            size => size.min(REQUESTS_ASKED_MAX),
        };
        let asked = match of {
            wire::ListedOf::Account(iban, currency) => {
                let place = self.0.place_of(iban, currency).await?;
                if !place.is_some_and(|(_, bank)| caller.may_see(bank)) {
                    return Err(refused(Refusal::AccountUnknown).into_status());
                }
                RequestsAsked::ToAccount { iban, currency, after, count_max }
            }
            wire::ListedOf::Bank(bank, _) if !caller.may_see(bank) => {
                return Err(bank_not_yours().into_status());
            }
            wire::ListedOf::Bank(bank, side) => RequestsAsked::OfBank { bank, side, after, count_max },
        };
        let (RequestsFound { mut requests, more_after }, as_of) = self.ask(asked).await?;
        requests.retain(|found| status.is_none_or(|status| found.request.status() == status));
        let next = more_after.map(|after| self.0.handle.payment_id(after).to_string());
        Ok(Response::new(v1::ListRequestsToPayResponse {
            requests_to_pay: self.told(&caller, requests).await?,
            next_page_token: next.unwrap_or_default(),
            as_of_sequence: as_of.0,
        }))
    }

    async fn get_request_to_pay_report(
        &self,
        request: Request<v1::GetRequestToPayReportRequest>,
    ) -> Result<Response<v1::GetRequestToPayReportResponse>, Status> {
        let caller = Caller::of(&request)?;
        let to_pay = wire::read_id(&self.0.handle, &request.get_ref().request_to_pay_id)?;
        let (found, as_of) = self.seen(&caller, to_pay).await?;
        let text = self.texts(&[found]).await?.pop().flatten();
        let report = documents::report(&self.0.handle, &caller, &found, as_of, text.as_ref());
        Ok(Response::new(v1::GetRequestToPayReportResponse { report: report.into_bytes() }))
    }
}

impl RequestsToPay {
    /// The command that makes a request, with the payer's account where it is kept.
    async fn placed(&self, caller: &Caller, wanted: wire::Wanted) -> Result<CreateRequestToPay, Status> {
        let wire::Wanted { request_id, mut order, payer_bank, expires, pay_by, details } = wanted;
        if !caller.may_act_for(order.creditor_agent) {
            return Err(bank_not_yours().into_status());
        }
        let place = self.0.place_of(order.debtor_account, order.currency).await?;
        let bank = payer_bank.or(place.map(|(_, bank)| bank));
        order.debtor_agent = bank.ok_or_else(|| refused(Refusal::AccountUnknown).into_status())?;
        let payer = place.map(|(number, _)| number);
        Ok(CreateRequestToPay { request_id, order, payer, expires, pay_by, details })
    }

    async fn answer(
        &self,
        caller: &Caller,
        request_id: RequestId,
        found: &RequestFound,
        answer: RequestAnswer,
    ) -> Result<ledger::Outcome, Status> {
        let command = AnswerRequestToPay {
            request_id,
            to_pay: found.request.sequence(),
            payer_bank: found.payer_bank,
            payee_bank: Some(found.payee_bank),
            answer,
        };
        let mut commands = self.0.handle.commands(caller.principal);
        let look_up =
            |digest: Digest, currency: Currency| self.0.handle.directory().account(digest, currency);
        commands.answer_request_to_pay(&command, look_up);
        self.0.carry_out(commands).await
    }

    /// The payment that is asked for, read from the log.
    async fn order(&self, found: &RequestFound) -> Result<PaymentOrder, Status> {
        let text = self.texts(&[*found]).await?.pop().flatten().ok_or_else(request_texts_gone)?;
        let mut order = wire::order_of(found, &text).ok_or_else(request_texts_gone)?;
        // What the payee's document said of itself is none of the payment's.
        (order.message_id, order.created_at, order.instruction_id) = (None, None, None);
        Ok(order)
    }

    async fn ask(&self, asked: RequestsAsked) -> Result<(RequestsFound, Sequence), Status> {
        let Answered { answer, as_of } = self.0.ask(Question::Requests(asked)).await?;
        let Answer::Requests(found) = answer else { return Err(unanswered()) };
        Ok((found, as_of.sequence))
    }

    /// A request that this caller may see, and the position of the answer.
    async fn seen(&self, caller: &Caller, to_pay: Sequence) -> Result<(RequestFound, Sequence), Status> {
        let (mut found, as_of) = self.ask(RequestsAsked::At(to_pay)).await?;
        let may_see =
            |found: &RequestFound| caller.may_see(found.payer_bank) || caller.may_see(found.payee_bank);
        let found = found.requests.pop().filter(may_see);
        let unknown = || refused(Refusal::RequestToPayUnknown).into_status();
        Ok((found.ok_or_else(unknown)?, as_of))
    }

    /// A request for one side of which this caller may act.
    async fn of_side(
        &self,
        caller: &Caller,
        to_pay: Sequence,
        side: RequestSide,
    ) -> Result<RequestFound, Status> {
        let (found, _) = self.seen(caller, to_pay).await?;
        let bank = match side {
            RequestSide::Payer => found.payer_bank,
            RequestSide::Payee => found.payee_bank,
        };
        if caller.may_act_for(bank) { Ok(found) } else { Err(bank_not_yours().into_status()) }
    }

    /// The texts of requests, which stand in the log.
    async fn texts(&self, found: &[RequestFound]) -> Result<Vec<Option<RequestToPayText>>, Status> {
        let positions = found.iter().map(|found| found.request.sequence()).collect();
        let texts = texts_left(&self.0, positions).await?;
        Ok(texts.into_iter().map(|text| RequestToPayText::decode(&text?).ok()).collect())
    }

    async fn told(&self, caller: &Caller, found: Vec<RequestFound>) -> Result<Vec<v1::RequestToPay>, Status> {
        let texts = self.texts(&found).await?;
        let told = found.iter().zip(&texts);
        Ok(told.map(|(found, text)| wire::request(&self.0.handle, caller, found, text.as_ref())).collect())
    }
}
