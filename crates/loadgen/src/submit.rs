//! Submits stored documents, one after the other, through `Iso20022Service`.
//!
//! Invariant: what is reported is what the answering document says, as a bank's own system would read it.
//! That the outcome beside it says the same is checked.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use client::convert::timestamp_from_wire;
use client::{Client, ClientError, v1};
use iso20022::{Restamper, Status, read_pacs002};
use serde_json::{Value, json};
use types::Timestamp;

use crate::text::span;
use crate::{Document, DocumentStatus, LoadgenError, RunId};

/// The name of the answer that reports a logged outcome.
const REPORT: &str = "pacs.002.001.10";

/// What came of a document.
#[derive(Clone, PartialEq)]
pub struct Submitted {
    /// Its file name.
    pub name: String,
    /// What came of it.
    pub status: DocumentStatus,
    /// The reason code, where there is one.
    pub reason: Option<String>,
    /// From the time of receipt that the document gives (`AccptncDtTm`) to the answer, which never leaves
    /// before the outcome is durable. Absent for repeats and for what was not taken.
    pub confirmed_after: Option<Duration>,
    /// From sending to the answer.
    pub round_trip: Duration,
    /// The name of the answering document, such as `pacs.002.001.10` or `admi.002.001.01`. Empty without one.
    pub answer_name: String,
    /// The answering document. Personal data may be in it.
    pub answer: Vec<u8>,
    /// What the answer reports, where it reports an outcome.
    pub outcome: Option<v1::PaymentOutcome>,
    /// How it differs from what was expected, or the answer from the outcome. Absent if all is as it should
    /// be.
    pub difference: Option<String>,
    /// Why the call failed, if it did.
    pub error: Option<String>,
}

/// Submits documents in their order and tells what came of each.
///
/// With a run's id they get new message and transaction ids that begin with it, and times of now; without one
/// they are sent as they are.
///
/// # Errors
/// None that are of the documents or the node: those are results. Only that a run's id can't be used.
pub async fn submit_documents(
    client: &Client,
    documents: &[Document],
    restamp: Option<&RunId>,
) -> Result<Vec<Submitted>, LoadgenError> {
    let restamper = restamp.map(|run| Restamper::new(run.as_str())).transpose();
    let mut restamper = restamper.map_err(|error| LoadgenError::Options(error.to_string()))?;
    let mut submitted = Vec::with_capacity(documents.len());
    for document in documents {
        let bytes = match &mut restamper {
            Some(restamper) => restamper.restamp(&document.bytes, now()),
            None => document.bytes.clone(),
        };
        let sent_at = Instant::now();
        let request = v1::Iso20022ServiceSubmitRequest { document: bytes, wait_ms: None };
        let reply = client.submit(request).await;
        let round_trip = sent_at.elapsed();
        let result = match reply {
            Ok(reply) => answered(&document.name, reply, round_trip),
            Err(error) => failed(&document.name, &error, round_trip),
        };
        submitted.push(result.compared(document));
    }
    Ok(submitted)
}

/// Reads the answer to a document.
fn answered(name: &str, reply: v1::Iso20022ServiceSubmitResponse, round_trip: Duration) -> Submitted {
    let v1::Iso20022ServiceSubmitResponse { document, message_name, outcome } = reply;
    let mut submitted = Submitted::empty(name, round_trip);
    let outcome_status = outcome.as_ref().map(|outcome| document_status(outcome.status()));
    if message_name == REPORT {
        match read_pacs002(&document).map(|report| report.status) {
            Ok(Status::Accepted) => submitted.status = DocumentStatus::Settled,
            Ok(Status::Rejected { reason, .. }) => {
                // A report has one word for both: only the outcome tells an expired payment from a refused
                // one.
                let expired = outcome_status == Some(DocumentStatus::Expired);
                submitted.status = if expired { DocumentStatus::Expired } else { DocumentStatus::Rejected };
                submitted.reason = Some(reason.to_string());
            }
            Err(fault) => submitted.difference = Some(format!("the answer can't be read: {fault}")),
        }
        submitted.confirmed_after = outcome.as_ref().and_then(confirmed_after);
    } else if let Some(status) = outcome_status {
        // Payments that are not final have no report yet.
        submitted.status = status;
    } else {
        submitted.status = DocumentStatus::NotTaken;
    }
    let reason =
        |outcome: &v1::PaymentOutcome| Some(outcome.reason_code.clone()).filter(|reason| !reason.is_empty());
    let consistent = match &outcome {
        Some(outcome) => Some(submitted.status) == outcome_status && submitted.reason == reason(outcome),
        None => message_name != REPORT,
    };
    if !consistent && submitted.difference.is_none() {
        submitted.difference = Some("the answer and the outcome beside it differ".to_owned());
    }
    Submitted { answer_name: message_name, answer: document, outcome, ..submitted }
}

/// Judges a call without an answer.
fn failed(name: &str, error: &ClientError, round_trip: Duration) -> Submitted {
    let status = match error {
        ClientError::Address(_) | ClientError::Tls(_) | ClientError::NotDone(_) => DocumentStatus::NotTaken,
        ClientError::Unknown { .. } => DocumentStatus::Unknown,
    };
    Submitted { status, error: Some(error.to_string()), ..Submitted::empty(name, round_trip) }
}

const fn document_status(status: v1::PaymentStatus) -> DocumentStatus {
    match status {
        v1::PaymentStatus::Settled => DocumentStatus::Settled,
        v1::PaymentStatus::Rejected => DocumentStatus::Rejected,
        v1::PaymentStatus::Expired => DocumentStatus::Expired,
        v1::PaymentStatus::Reserved => DocumentStatus::Reserved,
        v1::PaymentStatus::Unresolved => DocumentStatus::Unresolved,
        v1::PaymentStatus::Unspecified => DocumentStatus::Unknown,
    }
}

/// How long ago a payment was received, if this is the first answer to it.
fn confirmed_after(outcome: &v1::PaymentOutcome) -> Option<Duration> {
    let accepted = timestamp_from_wire(outcome.acceptance_time.as_ref()?)?;
    (!outcome.repeat).then(|| now().since(accepted).to_standard())
}

/// The wall clock.
fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanoseconds = i64::try_from(since_1970.as_nanos()).expect("the year is before 2262");
    Timestamp::from_nanoseconds(nanoseconds).expect("a span since 1970 is not negative")
}

impl Submitted {
    fn empty(name: &str, round_trip: Duration) -> Self {
        Self {
            name: name.to_owned(),
            status: DocumentStatus::Unknown,
            reason: None,
            confirmed_after: None,
            round_trip,
            answer_name: String::new(),
            answer: Vec::new(),
            outcome: None,
            difference: None,
            error: None,
        }
    }

    /// The same, compared with what is expected of the document.
    fn compared(self, document: &Document) -> Self {
        let expected = document.expected.as_ref();
        let difference =
            expected.and_then(|expected| expected.difference(self.status, self.reason.as_deref()));
        Self { difference: difference.or(self.difference), ..self }
    }

    /// The form for programs, without the answering document.
    pub fn to_json(&self) -> Value {
        let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        json!({
            "name": self.name,
            "status": self.status.name(),
            "reason": self.reason,
            "confirmed_after_micros": self.confirmed_after.map(micros),
            "round_trip_micros": micros(self.round_trip),
            "answer": self.answer_name,
            "payment_id": self.outcome.as_ref().map(|outcome| &outcome.payment_id),
            "sequence": self.outcome.as_ref().map(|outcome| outcome.sequence),
            "repeat": self.outcome.as_ref().is_some_and(|outcome| outcome.repeat),
            "difference": self.difference,
            "error": self.error,
        })
    }
}

/// One line for people.
impl fmt::Display for Submitted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let result = match &self.reason {
            Some(reason) => format!("{} {reason}", self.status),
            None => self.status.to_string(),
        };
        let confirmed = match self.confirmed_after {
            Some(after) => span(after),
            None => "-".to_owned(),
        };
        let name = self.name.as_str();
        write!(formatter, "{name:<44} {result:<14} {confirmed:>9}   {}", self.answer_name)?;
        for fault in self.difference.iter().chain(&self.error) {
            write!(formatter, "   {fault}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Submitted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Submitted")
            .field("name", &self.name)
            .field("status", &self.status)
            .field("reason", &self.reason)
            .field("answer_name", &self.answer_name)
            .field("difference", &self.difference)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "submit_tests.rs"]
mod tests;
