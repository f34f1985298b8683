//! A bank that is connected in documents, and the documents that a log keeps.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use client::convert::order_from_payment;
use client::v1;
use client::v1::iso20022_service_exchange_request::Request;
use iso20022::{
    Envelope, Message, Rules, StatusReport, decompress_evidence, read_message, read_pacs002, write_pacs008,
};
use journal::{FileStorage, Reader};
use ledger::{Command, MessageName, Passage, Records};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use types::{BatchNumber, Date, PaymentOrder, Text, Timestamp};

use crate::Api;

/// One connection of a bank in documents. Dropping it ends it.
#[derive(Debug)]
pub struct Exchange {
    requests: mpsc::Sender<v1::Iso20022ServiceExchangeRequest>,
    responses: Streaming<v1::Iso20022ServiceExchangeResponse>,
    as_of_sequence: u64,
}

/// How long a bank waits for what must come. Longer than any deadline of the scheme.
const PATIENCE: Duration = Duration::from_secs(30);

impl Exchange {
    /// Connects a bank from now on.
    pub async fn connect(api: &Api, bic: &str) -> Self {
        let start = v1::Iso20022ServiceExchangeStart { bic: bic.to_owned(), ..Default::default() };
        Self::try_connect(api, start).await.expect("the bank may connect")
    }

    /// Connects a bank as it says.
    pub async fn try_connect(api: &Api, start: v1::Iso20022ServiceExchangeStart) -> Result<Self, Status> {
        let (requests, outbound) = mpsc::channel(16);
        let first = v1::Iso20022ServiceExchangeRequest { request: Some(Request::Start(start)) };
        requests.send(first).await.expect("the channel is new");
        let mut client = api.iso20022();
        let responses = client.exchange(ReceiverStream::new(outbound)).await?.into_inner();
        let mut exchange = Self { requests, responses, as_of_sequence: 0 };
        let stands = exchange.try_next().await?.expect("a connection starts or fails");
        let v1::Iso20022ServiceExchangeResponse { sequence, incarnation, .. } = stands;
        let empty = v1::Iso20022ServiceExchangeResponse { sequence, incarnation, ..Default::default() };
        assert_eq!(stands, empty, "the first message has no document");
        assert!(incarnation.is_some(), "the position has a life");
        exchange.as_of_sequence = sequence;
        Ok(exchange)
    }

    /// Where the log stood when the connection was made.
    pub const fn as_of_sequence(&self) -> u64 {
        self.as_of_sequence
    }

    /// Ends the bank's side. What the node still has to say can be heard.
    pub fn hang_up(&mut self) {
        self.requests = mpsc::channel(1).0;
    }

    /// Sends a document.
    pub async fn send(&self, document: Vec<u8>) {
        let request = v1::Iso20022ServiceExchangeRequest { request: Some(Request::Document(document)) };
        self.requests.send(request).await.expect("the connection stands");
    }

    /// The next document.
    pub async fn next(&mut self) -> v1::Iso20022ServiceExchangeResponse {
        self.try_next().await.expect("the connection stands").expect("the connection goes on")
    }

    /// The next document, or how the connection ended.
    pub async fn try_next(&mut self) -> Result<Option<v1::Iso20022ServiceExchangeResponse>, Status> {
        let message = tokio::time::timeout(PATIENCE, self.responses.message()).await;
        let message = message.expect("a bank waited for half a minute")?;
        if let Some(message) = &message {
            sample(&message.message_name, &message.document);
        }
        Ok(message)
    }

    /// The next document, which is a question: the order, and the message's id.
    pub async fn question(&mut self) -> PaymentOrder {
        let response = self.next().await;
        assert_eq!(response.message_name, "pacs.008.001.08", "{response:?}");
        order(&response.document)
    }

    /// The next document, which is a report.
    pub async fn report(&mut self) -> StatusReport {
        let response = self.next().await;
        assert_eq!(response.message_name, "pacs.002.001.10", "{response:?}");
        read_pacs002(&response.document).expect("what Solvo writes reads back")
    }
}

/// Leaves a document that a node sent where a schema processor looks for it, if `SOLVO_SAMPLE_OUT` names the folder.
/// There is no schema for a document with its header.
pub fn sample(message_name: &str, document: &[u8]) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let Some(folder) = std::env::var_os("SOLVO_SAMPLE_OUT") else { return };
    let is_bare = document.windows(9).take(80).any(|window| window == b"<Document");
    if is_bare {
        let name = format!("sent-{:04}.{message_name}.xml", COUNT.fetch_add(1, Ordering::Relaxed));
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        std::fs::write(Path::new(&folder).join(name), document).expect("the folder can be written");
    }
}

/// The order of a pacs.008 that keeps the rules.
pub fn order(document: &[u8]) -> PaymentOrder {
    let rules = Rules::sct_inst_2025(vec![now().date()]);
    let read = read_message(document, &rules).expect("what Solvo writes reads back");
    let Message::CreditTransfer(transfer) = read.message else { panic!("an order: {:?}", read.message) };
    transfer.order
}

/// The document of a payment, sent today.
pub fn document(payment: &v1::Payment) -> Vec<u8> {
    let order = order_from_payment(payment).expect("a good payment");
    let envelope = Envelope {
        message_id: Text::parse(&format!("M-{}", order.transaction_id.as_str())).expect("short"),
        created_at: now(),
        settlement_date: today(),
        acceptance_time: order.acceptance_time.unwrap_or_else(now),
        instructing_agent: None,
        instructed_agent: None,
    };
    write_pacs008(&order, &envelope).into_bytes()
}

fn today() -> Date {
    now().date()
}

/// The time of this machine.
pub fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let nanoseconds = i64::try_from(since_1970.as_nanos()).expect("this century");
    Timestamp::from_nanoseconds(nanoseconds).expect("this century")
}

/// A document that a log keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Which way it went.
    pub passage: Passage,
    /// Which message it is.
    pub message: String,
    /// Its bytes.
    pub document: Vec<u8>,
}

/// All documents that the log in a folder keeps, in order.
pub fn kept(folder: &Path) -> Vec<Kept> {
    let reader = Reader::open(FileStorage::open(folder).expect("the folder is there")).expect("a journal");
    let reader = reader.with_keys_of_folder(None).expect("its keys");
    let mut all = Vec::new();
    let visit = &mut |frame: &journal::FrameView<'_>, _| {
        for record in Records::with_texts(frame.records(), frame.texts()) {
            let record = record?;
            let Command::Evidence(evidence) = record.command else { continue };
            let name = MessageName::from_bytes(evidence.message_name).expect("records are checked");
            all.push(Kept {
                passage: Passage::from_number(evidence.passage).expect("records are checked"),
                message: name.as_str().to_owned(),
                document: decompress_evidence(record.text)?,
            });
        }
        Ok(())
    };
    reader.read(BatchNumber(0), visit).expect("the log is good");
    all
}
