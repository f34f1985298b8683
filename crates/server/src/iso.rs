//! `Iso20022Service`: the same payments, in the messages that banks exchange.
//!
//! Invariants:
//! - What a document asks for is what the other services do: there is no second set of rules.
//! - A document that was not taken is answered by admi.002 and leaves no trace; one that was taken is kept in the log
//!   with its command, and so is each document that leaves about a payment. The same bytes told again are not kept again.
//! - An admi.002 is never answered, so that two systems can't go on rejecting each other's rejections.

mod answers;
mod asked;
mod desk;
mod enquiries;
mod exchange;
mod forward;
mod keep;
mod liquidity;
mod outgoing;
mod recall_answers;
mod recall_codes;
mod recall_documents;
mod recall_enquiries;
mod recalls;
mod reports;

use client::limits::DOCUMENT_BYTES_MAX;
use client::v1;
use client::v1::iso20022_service_server::Iso20022Service;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

pub(crate) use self::asked::AskedOrders;
use self::desk::{Desk, Told};
pub(crate) use self::keep::Keeper;
use crate::caller::Caller;
use crate::node::{Node, Patience};
use crate::parallel::check_may_tell;
use crate::refusals::invalid;

#[derive(Debug)]
pub(crate) struct Iso20022(pub(crate) Node);

#[tonic::async_trait]
impl Iso20022Service for Iso20022 {
    async fn submit(
        &self,
        request: Request<v1::Iso20022ServiceSubmitRequest>,
    ) -> Result<Response<v1::Iso20022ServiceSubmitResponse>, Status> {
        let caller = Caller::of(&request)?;
        let v1::Iso20022ServiceSubmitRequest { document, wait_ms } = request.into_inner();
        check_length(&document)?;
        let desk = Desk { node: self.0.clone(), caller, bank: None, told: Told::Here(Patience::of(wait_ms)) };
        let reply = desk.take(&document).await?;
        let outcome = reply.outcome;
        let (document, message_name) = reply
            .document
            .map_or_else(Default::default, |document| (document.bytes, document.kind.name().to_owned()));
        Ok(Response::new(v1::Iso20022ServiceSubmitResponse { document, message_name, outcome }))
    }

    type ExchangeStream = ReceiverStream<Result<v1::Iso20022ServiceExchangeResponse, Status>>;

    async fn exchange(
        &self,
        request: Request<Streaming<v1::Iso20022ServiceExchangeRequest>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        let caller = Caller::of(&request)?;
        check_may_tell(&self.0)?;
        Ok(Response::new(exchange::exchange(&self.0, caller, request.into_inner())))
    }
}

fn check_length(document: &[u8]) -> Result<(), Status> {
    match (1..=DOCUMENT_BYTES_MAX).contains(&document.len()) {
        true => Ok(()),
        false => {
            let description = format!("a document has 1 to {DOCUMENT_BYTES_MAX} bytes");
            Err(invalid(vec![v1::FieldViolation { field: "document".to_owned(), description }]))
        }
    }
}
