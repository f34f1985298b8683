//! A bank's connection in ISO 20022 documents.
//!
//! Invariant: as for a connection in messages, see [`connect`](crate::BankConnection). Documents are bytes here; this
//! crate neither reads nor writes XML.

use crate::resumable::{Outgoing, Resumable, ResumableCall};
use crate::v1::iso20022_service_exchange_request::Request;
use crate::{Client, ClientError, v1};

/// How a bank exchanges documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeOptions {
    /// The bank, a BIC.
    pub bic: String,
    /// As in [`BankOptions`](crate::BankOptions).
    pub last_sequence: Option<u64>,
    /// As in [`BankOptions`](crate::BankOptions).
    pub incarnation: Option<u64>,
    /// Whether documents to the bank carry a business application header.
    pub with_header: bool,
}

impl ExchangeOptions {
    /// Documents without header, and outcomes from now on.
    pub fn new(bic: impl Into<String>) -> Self {
        Self { bic: bic.into(), last_sequence: None, incarnation: None, with_header: false }
    }
}

/// `Iso20022Service.Exchange`, opened again when it breaks.
#[derive(Debug)]
pub struct IsoExchange(Resumable<ExchangeCall>);

impl IsoExchange {
    /// A connection of a bank. It is opened when something is first asked for.
    pub fn open(client: &Client, options: ExchangeOptions) -> Self {
        let ExchangeOptions { bic, last_sequence, incarnation, with_header } = options;
        Self(Resumable::new(client, ExchangeCall { bic, with_header }, last_sequence, incarnation))
    }

    /// The next document. An empty one says that the connection stands. Nothing is lost if the future is dropped.
    ///
    /// # Errors
    /// As for [`BankConnection::next`](crate::BankConnection::next).
    pub async fn next(&mut self) -> Result<v1::Iso20022ServiceExchangeResponse, ClientError> {
        self.0.next().await
    }

    /// Everything up to this position has been processed; a connection that is opened again goes on from it.
    pub fn processed(&mut self, sequence: u64) {
        self.0.processed(sequence);
    }

    /// The position that a bank has to keep, to go on from when it starts again.
    pub const fn position(&self) -> Option<u64> {
        self.0.position()
    }

    /// The life of the log that gave the position: to be kept beside it, in one transaction.
    pub const fn incarnation(&self) -> Option<u64> {
        self.0.incarnation()
    }

    /// Where documents go in.
    pub fn documents(&self) -> DocumentSender {
        DocumentSender(self.0.outgoing())
    }

    /// Breaks the connection off; the next documents come on another one.
    pub fn disconnect(&mut self) {
        self.0.disconnect();
    }
}

/// Where a bank's documents go in.
#[derive(Clone, Debug)]
pub struct DocumentSender(Outgoing<v1::Iso20022ServiceExchangeRequest>);

impl DocumentSender {
    /// Hands a document to the connection, waiting for room; `false` if there is none. An answer is asked for again;
    /// after a lost credit transfer, enquire (pacs.028) or send the same bytes again.
    pub async fn send(&self, document: Vec<u8>) -> bool {
        let request = Some(Request::Document(document));
        self.0.send(v1::Iso20022ServiceExchangeRequest { request }).await
    }
}

/// The call behind [`IsoExchange`].
#[derive(Debug)]
pub(crate) struct ExchangeCall {
    bic: String,
    with_header: bool,
}

impl ResumableCall for ExchangeCall {
    type Request = v1::Iso20022ServiceExchangeRequest;
    type Response = v1::Iso20022ServiceExchangeResponse;

    const PATH: &'static str = "/solvo.v1.Iso20022Service/Exchange";
    const TALKS: bool = true;

    fn start(&self, position: Option<u64>, incarnation: Option<u64>) -> Self::Request {
        let start = v1::Iso20022ServiceExchangeStart {
            bic: self.bic.clone(),
            last_sequence: position,
            with_header: self.with_header,
            incarnation,
        };
        v1::Iso20022ServiceExchangeRequest { request: Some(Request::Start(start)) }
    }

    fn incarnation(&self, response: &Self::Response) -> Option<u64> {
        response.incarnation
    }

    fn position_after(&self, position: Option<u64>, response: &Self::Response) -> Option<u64> {
        // Whoever wanted outcomes from now on has a position from the first message on, lest the next connection miss
        // some.
        position.or((response.sequence > 0).then_some(response.sequence))
    }
}
