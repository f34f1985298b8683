//! Outcomes of payments straight onto the wire.
//!
//! Invariant: the bytes are those that the generated messages give (a property test compares them).

use client::v1;
use engine::Handle;
use ledger::Outcome;
use prost::Message;
use prost::bytes::BufMut;
use prost::encoding::{encode_varint, encoded_len_varint};
use types::{Bic, Timestamp};

use crate::activation::check_taken;
use crate::values::{DURABILITY, PaymentFacts, facts};
use crate::wire::codec::Reply;

/// How a caller named a payment. Lives where the answer is waited for, so it has no memory of its own.
#[derive(Clone, Copy)]
pub(crate) struct PaymentReference {
    debtor_agent: Bic,
    transaction_id: [u8; 35],
    transaction_id_length: u8,
}

impl PaymentReference {
    pub(crate) fn new(debtor_agent: Bic, transaction_id: &str) -> Self {
        let mut bytes = [0; 35];
        bytes[..transaction_id.len()].copy_from_slice(transaction_id.as_bytes());
        let length = u8::try_from(transaction_id.len()).expect("a transaction id has at most 35 characters");
        Self { debtor_agent, transaction_id: bytes, transaction_id_length: length }
    }

    fn transaction_id(&self) -> &[u8] {
        &self.transaction_id[..usize::from(self.transaction_id_length)]
    }
}

/// A payment and what came of it.
pub(crate) struct Decided {
    pub(crate) caller_id: u64,
    pub(crate) reference: PaymentReference,
    pub(crate) outcome: Outcome,
}

/// A `SubmitPaymentResponse`.
pub(crate) struct OutcomeReply {
    pub(crate) handle: Handle,
    pub(crate) reference: PaymentReference,
    pub(crate) outcome: Outcome,
}

/// A `SubmitPaymentsResponse`.
pub(crate) enum BatchReply {
    /// Payments that have been decided, or were not taken for an account that takes no part.
    Decided(Handle, Vec<Decided>),
    /// Payments that were not taken.
    NotTaken(v1::SubmitPaymentsResponse),
}

/// The key of a field that has a length.
pub(super) const fn long(number: u8) -> u8 {
    number << 3 | 2
}

/// The key of a field that is a number.
const fn number(number: u8) -> u8 {
    number << 3
}

impl Reply for OutcomeReply {
    fn encode(self, buffer: &mut impl BufMut) {
        let mut scratch = Scratch::default();
        scratch.outcome(&self.handle, &self.reference, &facts(&self.outcome));
        buffer.put_u8(long(1));
        put_bytes(&scratch.bytes, buffer);
    }
}

impl Reply for BatchReply {
    fn encode(self, buffer: &mut impl BufMut) {
        let (handle, decided) = match self {
            Self::Decided(handle, decided) => (handle, decided),
            Self::NotTaken(reply) => {
                return reply.encode(buffer).expect("the buffer grows as it must");
            }
        };
        let mut scratch = Scratch::default();
        for Decided { caller_id, reference, outcome } in decided {
            if let Err(refusal) = check_taken(&outcome) {
                let result = Some(v1::payment_result::Result::NotTaken(refusal.into_not_taken()));
                let results = vec![v1::PaymentResult { caller_id, result }];
                // Two messages one behind the other are one with the elements of both.
                v1::SubmitPaymentsResponse { results }.encode(buffer).expect("the buffer grows as it must");
                continue;
            }
            scratch.bytes.clear();
            scratch.outcome(&handle, &reference, &facts(&outcome));
            let outcome = &scratch.bytes;
            let caller_id_length = if caller_id == 0 { 0 } else { 1 + encoded_len_varint(caller_id) };
            let outcome_length = 1 + encoded_len_varint(length(outcome)) + outcome.len();
            buffer.put_u8(long(1));
            encode_varint(u64::try_from(caller_id_length + outcome_length).expect("64 bits"), buffer);
            if caller_id != 0 {
                buffer.put_u8(number(1));
                encode_varint(caller_id, buffer);
            }
            buffer.put_u8(long(2));
            put_bytes(outcome, buffer);
        }
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("64 bits")
}

pub(super) fn put_bytes(bytes: &[u8], buffer: &mut impl BufMut) {
    encode_varint(length(bytes), buffer);
    buffer.put_slice(bytes);
}

/// Where one outcome is written before its length is known. Absent and zero fields leave no bytes, as in proto3.
pub(super) struct Scratch {
    pub(super) bytes: Vec<u8>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self { bytes: Vec::with_capacity(256) }
    }
}

impl Scratch {
    /// The fields of a `PaymentOutcome`, in their order.
    pub(super) fn outcome(&mut self, handle: &Handle, reference: &PaymentReference, facts: &PaymentFacts) {
        self.text(1, &handle.payment_id(facts.sequence).to_characters());
        let status = client::convert::payment_status(facts.state);
        self.number(2, u64::from(i32::from(status).unsigned_abs()));
        if let Some(reason) = facts.reason {
            self.text(3, reason.as_str().as_bytes());
        }
        self.text(4, reference.transaction_id());
        self.text(5, reference.debtor_agent.as_bytes());
        if let Some(time) = facts.acceptance_time {
            self.time(6, time);
        }
        self.time(7, facts.decided_time);
        self.number(8, facts.sequence.0);
        self.number(9, facts.decided_at.0);
        self.number(10, u64::from(i32::from(DURABILITY).unsigned_abs()));
        self.number(11, u64::from(facts.repeat));
        if let Some(reason) = facts.reason {
            self.text(12, crate::values::reason_text(reason, facts.remark).as_bytes());
        }
        self.number(13, u64::from(facts.late));
    }

    pub(super) fn text(&mut self, field: u8, text: &[u8]) {
        if !text.is_empty() {
            self.bytes.push(long(field));
            put_bytes(text, &mut self.bytes);
        }
    }

    pub(super) fn number(&mut self, field: u8, value: u64) {
        if value != 0 {
            self.bytes.push(number(field));
            encode_varint(value, &mut self.bytes);
        }
    }

    pub(super) fn time(&mut self, field: u8, time: Timestamp) {
        let wire = client::convert::timestamp(time);
        let start = self.bytes.len();
        // A time is at most 17 bytes long, so its length takes one byte.
        self.bytes.extend([long(field), 0]);
        self.number(1, wire.seconds.unsigned_abs());
        self.number(2, u64::from(wire.nanos.unsigned_abs()));
        self.bytes[start + 1] = u8::try_from(self.bytes.len() - start - 2).expect("two short numbers");
    }
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
