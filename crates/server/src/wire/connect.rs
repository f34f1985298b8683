//! What a connected bank hears, straight onto the wire.
//!
//! Invariant: the bytes are those that the generated messages give (a test compares them).

use client::convert::{payment_from_order, timestamp};
use client::v1;
use engine::Handle;
use ledger::Stage;
use prost::Message;
use prost::bytes::BufMut;
use types::{PlainOrder, Timestamp};

use crate::answers::wire_stage;
use crate::session::{Asked, Heard, Report};
use crate::values::PaymentFacts;
use crate::wire::codec::Reply;
use crate::wire::outcome::{PaymentReference, Scratch, long, put_bytes};

/// A `ConnectResponse`.
pub(crate) struct ConnectReply {
    pub(crate) handle: Handle,
    pub(crate) events: Vec<Event>,
}

/// One thing that a bank hears.
// Boxes would cost each of them an allocation.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Event {
    /// The connection stands.
    Started(v1::ConnectStarted),
    /// A question or a report.
    Heard(Heard),
    /// An answer changed nothing.
    AnswerResult(v1::AnswerResult),
}

/// Where the parts of an event are written before their lengths are known.
#[derive(Default)]
struct Parts {
    /// The event.
    event: Scratch,
    /// The question or report in it.
    inner: Scratch,
    /// The payment or outcome in that.
    innermost: Scratch,
}

impl Reply for ConnectReply {
    fn encode(self, buffer: &mut impl BufMut) {
        let Self { handle, events } = self;
        let mut parts = Parts::default();
        for event in events {
            parts.event.bytes.clear();
            match event {
                Event::Started(started) => parts.put(1, &started.encode_to_vec()),
                Event::Heard(Heard::Asked(asked)) => parts.question(&handle, &asked),
                Event::Heard(Heard::Report(report)) => parts.report(&handle, &report),
                // A connection of this kind does not ask for them.
                Event::Heard(Heard::Crossed(_) | Heard::Recalled(_)) => continue,
                Event::AnswerResult(result) => parts.put(4, &result.encode_to_vec()),
            }
            buffer.put_u8(long(1));
            put_bytes(&parts.event.bytes, buffer);
        }
    }
}

impl Parts {
    /// A part of the event that is written already.
    fn put(&mut self, field: u8, bytes: &[u8]) {
        self.event.message(field, bytes);
    }

    /// A `PaymentQuestion`.
    fn question(&mut self, handle: &Handle, asked: &Asked) {
        let Self { event, inner, innermost } = self;
        inner.bytes.clear();
        inner.text(1, &handle.payment_id(asked.question.payment).to_characters());
        inner.number(2, u64::from(i32::from(wire_stage(asked.question.stage)).unsigned_abs()));
        let accepted = asked.payment.acceptance_time();
        if let Some(order) = asked.order.plain_order() {
            innermost.bytes.clear();
            innermost.plain_payment(&order, accepted);
            inner.message(3, &innermost.bytes);
        } else if let Some(order) = asked.order.order() {
            let acceptance_time = Some(timestamp(accepted));
            let payment = v1::Payment { acceptance_time, ..payment_from_order(&order) };
            inner.message(3, &payment.encode_to_vec());
        }
        inner.time(4, asked.question.answer_by);
        inner.number(5, asked.question.asked_at.0);
        inner.number(6, u64::from(asked.is_repeat));
        event.message(2, &inner.bytes);
    }

    /// A `PaymentReport`.
    fn report(&mut self, handle: &Handle, report: &Report) {
        let Self { event, inner, innermost } = self;
        let facts = PaymentFacts {
            state: report.told.state,
            reason: report.told.reason,
            late: report.is_late,
            ..PaymentFacts::of(&report.payment)
        };
        let payment = &report.payment;
        let reference = PaymentReference::new(payment.debtor_agent(), payment.transaction_id());
        innermost.bytes.clear();
        innermost.outcome(handle, &reference, &facts);
        inner.bytes.clear();
        inner.message(1, &innermost.bytes);
        let side = match report.side {
            Stage::Debit => v1::PaymentSide::Debtor,
            Stage::Credit => v1::PaymentSide::Creditor,
        };
        inner.number(2, u64::from(i32::from(side).unsigned_abs()));
        inner.number(3, u64::from(report.is_repeat));
        event.message(3, &inner.bytes);
    }
}

impl Scratch {
    /// A field that is a message. It is present also if nothing is in it.
    fn message(&mut self, field: u8, bytes: &[u8]) {
        self.bytes.push(long(field));
        put_bytes(bytes, &mut self.bytes);
    }

    /// The fields of a `Payment`, in their order.
    fn plain_payment(&mut self, order: &PlainOrder<'_>, accepted: Timestamp) {
        self.text(1, order.debtor_agent.as_bytes());
        self.text(2, order.transaction_id.as_str().as_bytes());
        self.text(3, order.creditor_agent.as_bytes());
        self.text(4, order.debtor_account.as_str().as_bytes());
        self.text(5, order.creditor_account.as_str().as_bytes());
        let amount = order.amount.to_decimal(order.currency);
        let currency = order.currency.code();
        // Two short texts, each with a key and a length of one byte.
        let length = u8::try_from(4 + amount.len() + currency.len()).expect("amounts are short");
        self.bytes.extend([long(6), length]);
        self.text(1, amount.as_bytes());
        self.text(2, currency.as_bytes());
        self.time(7, accepted);
        self.text(8, order.end_to_end_id.as_str().as_bytes());
        self.party(9, order.debtor_name.as_str());
        self.party(10, order.creditor_name.as_str());
        if let Some(text) = order.unstructured {
            self.text(11, text.as_str().as_bytes());
        }
        if let Some(purpose) = order.purpose {
            self.text(13, purpose.as_str().as_bytes());
        }
    }

    /// A `Party` with a name and nothing else.
    fn party(&mut self, field: u8, name: &str) {
        let length = u64::try_from(name.len()).expect("64 bits");
        let length = 1 + prost::encoding::encoded_len_varint(length) + name.len();
        self.bytes.push(long(field));
        prost::encoding::encode_varint(u64::try_from(length).expect("64 bits"), &mut self.bytes);
        self.text(1, name.as_bytes());
    }
}

#[cfg(test)]
#[path = "connect_tests.rs"]
mod tests;
