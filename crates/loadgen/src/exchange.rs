//! The two calls of `PaymentService` that a run makes, with codecs that write and read no more than needed.

use std::sync::Arc;

use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

use crate::wire::{BatchReply, PaymentWriter, UnaryReply};

const SUBMIT_PAYMENT: &str = "/solvo.v1.PaymentService/SubmitPayment";
const SUBMIT_PAYMENTS: &str = "/solvo.v1.PaymentService/SubmitPayments";

/// A unary call allocates its buffers anew: enough for one payment, and no more.
const UNARY_BUFFER_BYTES: usize = 512;

/// A stream keeps its buffer, and grows it by steps of this size: enough for 256 payments.
const STREAM_BUFFER_BYTES: usize = 64 * 1024;

/// The numbers of the payments of one message: every `step`th from the first on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) first: u64,
    pub(crate) step: u64,
    pub(crate) count: u64,
}

impl Numbers {
    pub(crate) fn iter(self) -> impl Iterator<Item = u64> {
        (0..self.count).map(move |index| self.first + index * self.step)
    }
}

/// Makes one unary call.
pub(crate) async fn submit_payment(
    channel: &mut Grpc<Channel>,
    writer: &Arc<PaymentWriter>,
    number: u64,
) -> Result<UnaryReply, Status> {
    channel.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
    let path = PathAndQuery::from_static(SUBMIT_PAYMENT);
    let response = channel.unary(Request::new(number), path, UnaryCodec(writer.clone())).await?;
    Ok(response.into_inner())
}

/// Opens a stream that sends the payments whose numbers come through the queue.
pub(crate) async fn submit_payments(
    channel: Channel,
    writer: Arc<PaymentWriter>,
    queue: mpsc::Receiver<Numbers>,
) -> Result<Streaming<BatchReply>, Status> {
    let mut call = Grpc::new(channel);
    call.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
    let request = Request::new(ReceiverStream::new(queue));
    let path = PathAndQuery::from_static(SUBMIT_PAYMENTS);
    let response = call.streaming(request, path, StreamCodec(writer)).await?;
    Ok(response.into_inner())
}

/// One payment out, one outcome in.
struct UnaryCodec(Arc<PaymentWriter>);

impl Codec for UnaryCodec {
    type Encode = u64;
    type Decode = UnaryReply;
    type Encoder = Self;
    type Decoder = UnaryDecoder;

    fn encoder(&mut self) -> Self {
        Self(self.0.clone())
    }

    fn decoder(&mut self) -> UnaryDecoder {
        UnaryDecoder
    }
}

impl Encoder for UnaryCodec {
    type Item = u64;
    type Error = Status;

    fn encode(&mut self, number: u64, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        self.0.write_request(number, buffer);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(UNARY_BUFFER_BYTES, UNARY_BUFFER_BYTES)
    }
}

struct UnaryDecoder;

impl Decoder for UnaryDecoder {
    type Item = UnaryReply;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<UnaryReply>, Status> {
        read(buffer)
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(UNARY_BUFFER_BYTES, UNARY_BUFFER_BYTES)
    }
}

/// Messages of payments out, messages of results in.
struct StreamCodec(Arc<PaymentWriter>);

impl Codec for StreamCodec {
    type Encode = Numbers;
    type Decode = BatchReply;
    type Encoder = Self;
    type Decoder = StreamDecoder;

    fn encoder(&mut self) -> Self {
        Self(self.0.clone())
    }

    fn decoder(&mut self) -> StreamDecoder {
        StreamDecoder
    }
}

impl Encoder for StreamCodec {
    type Item = Numbers;
    type Error = Status;

    fn encode(&mut self, numbers: Numbers, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        for number in numbers.iter() {
            self.0.write_submission(number, buffer);
        }
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(STREAM_BUFFER_BYTES, STREAM_BUFFER_BYTES)
    }
}

struct StreamDecoder;

impl Decoder for StreamDecoder {
    type Item = BatchReply;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<BatchReply>, Status> {
        read(buffer)
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(STREAM_BUFFER_BYTES, STREAM_BUFFER_BYTES)
    }
}

fn read<Reply: Message + Default>(buffer: &mut DecodeBuf<'_>) -> Result<Option<Reply>, Status> {
    Reply::decode(buffer).map(Some).map_err(|error| Status::internal(error.to_string()))
}
