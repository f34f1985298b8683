//! A bank's connection: it is asked about payments, answers, and hears what became of them.
//!
//! Invariants:
//! - An answer is handed over at most once. One that is lost with its connection is asked for again, because its
//!   question is open: the answer is the acknowledgement.
//! - Outcomes are resumed from the position that the bank says it has processed, never from what merely arrived.

use std::time::{Duration, SystemTime};

use crate::convert::timestamp_from_wire;
use crate::limits::BATCH_ITEMS_MAX;
use crate::resumable::{Outgoing, Resumable, ResumableCall};
use crate::v1::connect_request::Request;
use crate::{Client, ClientError, v1};

/// One thing that a connected bank hears: that the connection stands, a question, a report, or that an answer changed
/// nothing.
pub use crate::v1::connect_event::Event as Heard;

/// How a bank connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankOptions {
    /// The bank, a BIC.
    pub bic: String,
    /// The last position that the bank has processed; outcomes from it on follow. `None`: outcomes from now on. `Some(0)`:
    /// all that are kept.
    pub last_sequence: Option<u64>,
    /// The life of the log that gave that position ([`BankConnection::incarnation`]), kept beside it. Without it a node that
    /// was restored from a backup may refuse the position.
    pub incarnation: Option<u64>,
    /// Whether the connection only shares the work of answering, and hears of no outcomes.
    pub questions_only: bool,
}

impl BankOptions {
    /// Questions, and outcomes from now on.
    pub fn new(bic: impl Into<String>) -> Self {
        Self { bic: bic.into(), last_sequence: None, incarnation: None, questions_only: false }
    }
}

/// `ParticipantService.Connect`, opened again when it breaks.
#[derive(Debug)]
pub struct BankConnection(Resumable<ConnectCall>);

impl BankConnection {
    /// A connection of a bank. It is opened when something is first asked for.
    pub fn open(client: &Client, options: BankOptions) -> Self {
        let BankOptions { bic, last_sequence, incarnation, questions_only } = options;
        Self(Resumable::new(client, ConnectCall { bic, questions_only }, last_sequence, incarnation))
    }

    /// What the bank hears next: at least one event, in the order of the log. A connection that was opened again begins
    /// with [`Heard::Started`]. Nothing is lost if the future is dropped.
    ///
    /// # Errors
    /// If the node refuses the connection, or the attempts are used up. Also with POSITION_TOO_OLD where the node has been
    /// restored from a backup since the connection began: open a new one from what was processed, and drop the rest.
    pub async fn next(&mut self) -> Result<Vec<Heard>, ClientError> {
        loop {
            // An event that this version does not know is of a newer node.
            let events = self.0.next().await?.events.into_iter().filter_map(|event| event.event);
            let heard: Vec<_> = events.collect();
            if !heard.is_empty() {
                return Ok(heard);
            }
        }
    }

    /// Everything up to this position has been processed; a connection that is opened again goes on from it. Reports
    /// have it as their outcome's `decided_sequence`.
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

    /// Where answers go in, for the tasks that decide.
    pub fn answers(&self) -> AnswerSender {
        AnswerSender(self.0.outgoing())
    }

    /// Breaks the connection off; the next events come on another one.
    pub fn disconnect(&mut self) {
        self.0.disconnect();
    }
}

/// Where a bank's answers go in.
#[derive(Clone, Debug)]
pub struct AnswerSender(Outgoing<v1::ConnectRequest>);

impl AnswerSender {
    /// Hands answers to the connection, waiting for room; `false` if it was not there for all of them. Then their
    /// questions come again, and are to be answered again.
    pub async fn answer(&self, mut answers: Vec<v1::PaymentAnswer>) -> bool {
        while !answers.is_empty() {
            let rest = answers.split_off(answers.len().min(BATCH_ITEMS_MAX));
            let answers =
                Request::Answers(v1::PaymentAnswers { answers: std::mem::replace(&mut answers, rest) });
            if !self.0.send(v1::ConnectRequest { request: Some(answers) }).await {
                return false;
            }
        }
        true
    }
}

/// The call behind [`BankConnection`].
#[derive(Debug)]
pub(crate) struct ConnectCall {
    bic: String,
    questions_only: bool,
}

impl ResumableCall for ConnectCall {
    type Request = v1::ConnectRequest;
    type Response = v1::ConnectResponse;

    const PATH: &'static str = "/solvo.v1.ParticipantService/Connect";
    const TALKS: bool = true;

    fn start(&self, position: Option<u64>, incarnation: Option<u64>) -> Self::Request {
        let start = v1::ConnectStart {
            bic: self.bic.clone(),
            last_sequence: position,
            questions_only: self.questions_only,
            incarnation,
        };
        v1::ConnectRequest { request: Some(Request::Start(start)) }
    }

    fn incarnation(&self, response: &Self::Response) -> Option<u64> {
        started(response)?.incarnation
    }

    fn position_after(&self, position: Option<u64>, response: &Self::Response) -> Option<u64> {
        let started = started(response).map(|started| started.as_of_sequence);
        // Whoever wanted outcomes from now on has a position from the first connection on, lest the next one miss some.
        if self.questions_only { position } else { position.or(started) }
    }
}

/// How a connection began, if this message says so.
fn started(response: &v1::ConnectResponse) -> Option<&v1::ConnectStarted> {
    response.events.iter().find_map(|event| match &event.event {
        Some(Heard::Started(started)) => Some(started),
        Some(Heard::Question(_) | Heard::Report(_) | Heard::AnswerResult(_)) | None => None,
    })
}

impl v1::PaymentQuestion {
    /// The answer that the payment may go on.
    pub fn accept(&self) -> v1::PaymentAnswer {
        self.answer(v1::Decision::Accept, "")
    }

    /// The answer that it may not, for a reason of four capital letters or digits.
    pub fn reject(&self, reason_code: &str) -> v1::PaymentAnswer {
        self.answer(v1::Decision::Reject, reason_code)
    }

    /// How long an answer has before it is too late, by a clock that agrees with the node's; `None` if its time is over.
    pub fn time_left(&self, now: SystemTime) -> Option<Duration> {
        let answer_by = timestamp_from_wire(self.answer_by.as_ref()?)?;
        let nanoseconds = u64::try_from(answer_by.nanoseconds()).ok()?;
        let answer_by = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds);
        answer_by.duration_since(now).ok().filter(|left| !left.is_zero())
    }

    fn answer(&self, decision: v1::Decision, reason_code: &str) -> v1::PaymentAnswer {
        v1::PaymentAnswer {
            payment_id: self.payment_id.clone(),
            stage: self.stage,
            decision: decision.into(),
            reason_code: reason_code.to_owned(),
        }
    }
}
