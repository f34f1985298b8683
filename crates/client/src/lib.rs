//! The gRPC contract of Solvo as Rust, and a client that repeats calls safely. This is what users import.
//!
//! - [`v1`] is generated from `proto/solvo/v1`: messages, clients and server traits.
//! - [`Client`] makes calls, and repeats one whose answer was lost: every call of the contract is idempotent.
//! - [`PaymentStream`] sends payments in bulk, and submits again what is unanswered when a connection breaks.
//! - [`BankConnection`] connects a bank, [`IsoExchange`] does so in ISO 20022 documents, and [`Watcher`] follows what
//!   happens, [`PostingWatcher`] what is booked; each is opened again when it breaks and goes on from a position.
//!   [`Resumable`] is what they share.
//! - [`convert`] turns wire messages into values of `types` and back, and [`plain`] does it faster for common ones.
//!
//! Invariants:
//! - A call is done, not done, or unknown, and [`ClientError`] never calls an unknown one not done.
//! - Everything waits for a bounded time and is tried a bounded number of times.
//! - Personal data prints masked under `{:?}`.

mod calls;
mod connect;
mod connection;
pub mod convert;
mod error;
mod exchange;
mod iso_exchange;
pub mod limits;
mod masked;
mod packages;
pub mod plain;
mod postings;
mod replies;
mod resumable;
mod retry;
mod stream;
mod stream_driver;
mod tls;
mod watch;

pub use connect::{AnswerSender, BankConnection, BankOptions, Heard};
pub use connection::{Client, ConnectOptions};
pub use error::{ClientError, ERROR_DOMAIN, Refusal};
pub use exchange::{AccountOpenings, Entries, Exchange, Payments};
pub use iso_exchange::{DocumentSender, ExchangeOptions, IsoExchange};
pub use postings::PostingWatcher;
pub use replies::Replies;
pub use resumable::{Outgoing, Resumable, ResumableCall};
pub use retry::RetryPolicy;
pub use stream::{
    AccountStream, EntryStream, ItemReceiver, ItemSender, ItemStream, PaymentStream, Received, SendError,
    StreamOptions,
};
pub use tls::TlsOptions;
pub use watch::Watcher;

/// Messages, clients and server traits, generated from `proto/solvo/v1`.
pub mod v1 {
    // Generated code: its documentation is the contract's comments, its style the generator's.
    #![allow(missing_docs, unreachable_pub, clippy::all)]
    tonic::include_proto!("solvo.v1");
}

/// The descriptors of the contract (an encoded `google.protobuf.FileDescriptorSet`), for server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("descriptors");
