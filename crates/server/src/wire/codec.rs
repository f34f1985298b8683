//! A codec that hands messages over encoded, and lets replies encode themselves.

use std::marker::PhantomData;

use prost::bytes::{Buf, BufMut, Bytes};
use tonic::Status;
use tonic::codec::{DecodeBuf, Decoder, EncodeBuf, Encoder};

/// A message as it came.
#[derive(Debug)]
pub(crate) struct Encoded(pub(crate) Bytes);

/// A reply that writes itself.
pub(crate) trait Reply: Send + 'static {
    /// Appends the encoded message.
    fn encode(self, buffer: &mut impl BufMut);
}

/// Messages in as they are, replies out as they write themselves.
#[derive(Debug)]
pub(crate) struct Codec<Out>(PhantomData<Out>);

impl<Out> Default for Codec<Out> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<Out: Reply> tonic::codec::Codec for Codec<Out> {
    type Encode = Out;
    type Decode = Encoded;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self::Encoder {
        Self::default()
    }

    fn decoder(&mut self) -> Self::Decoder {
        Self::default()
    }
}

impl<Out> Decoder for Codec<Out> {
    type Item = Encoded;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Encoded>, Status> {
        Ok(Some(Encoded(buffer.copy_to_bytes(buffer.remaining()))))
    }
}

impl<Out: Reply> Encoder for Codec<Out> {
    type Item = Out;
    type Error = Status;

    fn encode(&mut self, reply: Out, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        reply.encode(buffer);
        Ok(())
    }
}
