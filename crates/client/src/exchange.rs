//! The bidirectional streams of the contract, in what they have in common: batches of items go out, an answer
//! to each item comes back in any order, matched by a key that the caller chose.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

use crate::{Refusal, v1};

/// One kind of stream.
pub trait Exchange: Send + Sync + 'static {
    /// What is sent.
    type Item: Message + Clone + fmt::Debug + 'static;
    /// What comes back for an item.
    type Answer: fmt::Debug + Send + 'static;
    /// What matches them.
    type Key: Clone + Eq + Hash + Send + Sync + 'static;
    /// A message of items.
    type Batch: Message + 'static;
    /// A message of answers.
    type Answers: Message + Default + 'static;

    /// The path of the call.
    const PATH: &'static str;

    /// Makes a message.
    fn batch(items: Vec<Self::Item>) -> Self::Batch;
    /// The items of a message.
    fn items(batch: &Self::Batch) -> &[Self::Item];
    /// The answers of a message.
    fn answers(message: Self::Answers) -> Vec<Self::Answer>;
    /// The key of an item.
    fn item_key(item: &Self::Item) -> Self::Key;
    /// The key of an answer.
    fn answer_key(answer: &Self::Answer) -> Self::Key;
    /// Why the item was not taken, if that is the answer.
    fn refusal(answer: &Self::Answer) -> Option<Refusal>;
}

/// `PaymentService.SubmitPayments`.
#[derive(Debug)]
pub enum Payments {}

impl Exchange for Payments {
    type Item = v1::PaymentSubmission;
    type Answer = v1::PaymentResult;
    type Key = u64;
    type Batch = v1::SubmitPaymentsRequest;
    type Answers = v1::SubmitPaymentsResponse;

    const PATH: &'static str = "/solvo.v1.PaymentService/SubmitPayments";

    fn batch(payments: Vec<Self::Item>) -> Self::Batch {
        v1::SubmitPaymentsRequest { payments }
    }

    fn items(batch: &Self::Batch) -> &[Self::Item] {
        &batch.payments
    }

    fn answers(message: Self::Answers) -> Vec<Self::Answer> {
        message.results
    }

    fn item_key(item: &Self::Item) -> u64 {
        item.caller_id
    }

    fn answer_key(answer: &Self::Answer) -> u64 {
        answer.caller_id
    }

    fn refusal(answer: &Self::Answer) -> Option<Refusal> {
        match &answer.result {
            Some(v1::payment_result::Result::NotTaken(not_taken)) => Some(Refusal::from_not_taken(not_taken)),
            Some(v1::payment_result::Result::Outcome(_)) | None => None,
        }
    }
}

/// `AccountService.OpenAccounts`.
#[derive(Debug)]
pub enum AccountOpenings {}

impl Exchange for AccountOpenings {
    type Item = v1::AccountOpening;
    type Answer = v1::AccountOpeningResult;
    type Key = String;
    type Batch = v1::OpenAccountsRequest;
    type Answers = v1::OpenAccountsResponse;

    const PATH: &'static str = "/solvo.v1.AccountService/OpenAccounts";

    fn batch(openings: Vec<Self::Item>) -> Self::Batch {
        v1::OpenAccountsRequest { openings }
    }

    fn items(batch: &Self::Batch) -> &[Self::Item] {
        &batch.openings
    }

    fn answers(message: Self::Answers) -> Vec<Self::Answer> {
        message.results
    }

    fn item_key(item: &Self::Item) -> String {
        item.request_id.clone()
    }

    fn answer_key(answer: &Self::Answer) -> String {
        answer.request_id.clone()
    }

    fn refusal(answer: &Self::Answer) -> Option<Refusal> {
        match &answer.result {
            Some(v1::account_opening_result::Result::NotTaken(not_taken)) => {
                Some(Refusal::from_not_taken(not_taken))
            }
            Some(v1::account_opening_result::Result::Confirmation(_)) | None => None,
        }
    }
}

/// `AccountService.PostEntries`.
#[derive(Debug)]
pub enum Entries {}

impl Exchange for Entries {
    type Item = v1::PostEntryRequest;
    type Answer = v1::EntryResult;
    type Key = String;
    type Batch = v1::PostEntriesRequest;
    type Answers = v1::PostEntriesResponse;

    const PATH: &'static str = "/solvo.v1.AccountService/PostEntries";

    fn batch(entries: Vec<Self::Item>) -> Self::Batch {
        v1::PostEntriesRequest { entries }
    }

    fn items(batch: &Self::Batch) -> &[Self::Item] {
        &batch.entries
    }

    fn answers(message: Self::Answers) -> Vec<Self::Answer> {
        message.results
    }

    fn item_key(item: &Self::Item) -> String {
        item.request_id.clone()
    }

    fn answer_key(answer: &Self::Answer) -> String {
        answer.request_id.clone()
    }

    fn refusal(answer: &Self::Answer) -> Option<Refusal> {
        match &answer.result {
            Some(v1::entry_result::Result::NotTaken(not_taken)) => Some(Refusal::from_not_taken(not_taken)),
            Some(v1::entry_result::Result::Booked(_)) | None => None,
        }
    }
}

/// Starts the call; what is put into the queue is sent.
pub(crate) async fn open<Kind: Exchange>(
    channel: Channel,
    queue: mpsc::Receiver<Arc<Kind::Batch>>,
) -> Result<Streaming<Kind::Answers>, Status> {
    let mut call = Grpc::new(channel);
    call.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
    let request = Request::new(ReceiverStream::new(queue));
    let path = PathAndQuery::from_static(Kind::PATH);
    let response = call.streaming(request, path, SharedCodec::<Kind>(PhantomData)).await?;
    Ok(response.into_inner())
}

/// Protobuf as ever, but it sends messages that are kept for another attempt, without copying them.
struct SharedCodec<Kind>(PhantomData<Kind>);

impl<Kind: Exchange> Codec for SharedCodec<Kind> {
    type Encode = Arc<Kind::Batch>;
    type Decode = Kind::Answers;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self(PhantomData)
    }

    fn decoder(&mut self) -> Self {
        Self(PhantomData)
    }
}

impl<Kind: Exchange> Encoder for SharedCodec<Kind> {
    type Item = Arc<Kind::Batch>;
    type Error = Status;

    fn encode(&mut self, batch: Self::Item, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        batch.encode(buffer).expect("the buffer grows as it must");
        Ok(())
    }
}

impl<Kind: Exchange> Decoder for SharedCodec<Kind> {
    type Item = Kind::Answers;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        let message = Kind::Answers::decode(buffer);
        message.map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths are written by hand, because the generated clients take no shared messages.
    #[test]
    fn the_streams_are_calls_of_the_contract() {
        let contract = prost_types::FileDescriptorSet::decode(crate::FILE_DESCRIPTOR_SET).unwrap();
        let mut streams = Vec::new();
        for file in &contract.file {
            for service in &file.service {
                for method in service.method.iter().filter(|method| method.client_streaming()) {
                    let (package, service, method) = (file.package(), service.name(), method.name());
                    streams.push(format!("/{package}.{service}/{method}"));
                }
            }
        }
        for path in [AccountOpenings::PATH, Entries::PATH, Payments::PATH] {
            assert!(streams.iter().any(|stream| stream == path), "{path}");
        }
    }

    #[test]
    fn answers_are_matched_and_refusals_found() {
        let not_taken = v1::NotTaken { code: 9, ..Default::default() };
        let opening = v1::AccountOpening { request_id: "R-1".to_owned(), account: None };
        let result = v1::AccountOpeningResult {
            request_id: "R-1".to_owned(),
            result: Some(v1::account_opening_result::Result::NotTaken(not_taken)),
        };
        assert_eq!(AccountOpenings::item_key(&opening), AccountOpenings::answer_key(&result));
        assert_eq!(AccountOpenings::refusal(&result).unwrap().code, tonic::Code::FailedPrecondition);
        let settled = v1::payment_result::Result::Outcome(v1::PaymentOutcome::default());
        let result = v1::PaymentResult { caller_id: 7, result: Some(settled) };
        assert_eq!((Payments::answer_key(&result), Payments::refusal(&result)), (7, None));
    }
}
