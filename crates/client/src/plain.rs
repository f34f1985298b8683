//! Payments with nothing uncommon in them, read from the wire without memory of their own.
//!
//! The generated messages and [`order_from_payment`](crate::convert::order_from_payment) define what a message
//! means. What is here reads the common ones of the same messages several times as fast, and answers `None` for
//! all others: with a field that is rare, repeated, unknown, faulty or missing. The caller then takes the long
//! way, which finds out what is wrong, if anything is.
//!
//! Invariant: an order that is read here is the one that the long way reads (a property test compares them).

use types::{Amount, Bic, Currency, Iban, PlainOrder, TextRef};

use crate::convert::timestamp_from_wire;

/// The key of a field that has a length: texts and messages.
const fn long(number: u8) -> u8 {
    number << 3 | 2
}

/// The key of a field that is a number.
const fn number(number: u8) -> u8 {
    number << 3
}

/// A `PaymentSubmission`: the payment is still encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainSubmission<'message> {
    /// The caller's number for it.
    pub caller_id: u64,
    /// The encoded `Payment`.
    pub payment: &'message [u8],
}

/// How many submissions a `SubmitPaymentsRequest` has, as far as it can be read.
pub fn submission_count(message: &[u8]) -> usize {
    let mut fields = Fields(message);
    let mut count = 0;
    while let Some(key) = fields.varint() {
        let skipped = match key & 7 {
            0 => fields.varint().map(|_| ()),
            1 => fields.skip(8),
            2 => fields.bytes().map(|_| ()),
            5 => fields.skip(4),
            // Groups, which no message of the contract has, and nothing.
            _ => None,
        };
        if skipped.is_none() {
            break;
        }
        count += usize::from(key == u64::from(long(1)));
    }
    count
}

/// Reads a `SubmitPaymentsRequest` into `submissions`; `None` if that takes the long way.
pub fn plain_submissions<'message>(
    message: &'message [u8],
    submissions: &mut Vec<PlainSubmission<'message>>,
) -> Option<()> {
    const SUBMISSION: u8 = long(1);
    const CALLER_ID: u8 = number(1);
    const PAYMENT: u8 = long(2);

    let mut fields = Fields(message);
    while let Some(key) = fields.key() {
        if key != SUBMISSION {
            return None;
        }
        let (mut caller_id, mut payment) = (None, None);
        let mut submission = Fields(fields.bytes()?);
        while let Some(key) = submission.key() {
            let again = match key {
                CALLER_ID => caller_id.replace(submission.varint()?).is_some(),
                PAYMENT => payment.replace(submission.bytes()?).is_some(),
                _ => true,
            };
            if again {
                return None;
            }
        }
        submissions.push(PlainSubmission { caller_id: caller_id.unwrap_or(0), payment: payment? });
    }
    Some(())
}

/// The encoded `Payment` of a `SubmitPaymentRequest` without a time to wait.
pub fn plain_request(message: &[u8]) -> Option<&[u8]> {
    const PAYMENT: u8 = long(1);

    let mut fields = Fields(message);
    if fields.key()? != PAYMENT {
        return None;
    }
    let payment = fields.bytes()?;
    fields.0.is_empty().then_some(payment)
}

/// Reads an encoded `Payment`.
pub fn plain_order(payment: &[u8]) -> Option<PlainOrder<'_>> {
    let mut found = Found::default();
    let mut fields = Fields(payment);
    while let Some(key) = fields.key() {
        // The keys of the fields up to 13 are one byte each, so other keys are of fields that are not plain.
        if key & 7 != 2 || !(1..=13).contains(&(key >> 3)) {
            return None;
        }
        if found.0[usize::from(key >> 3)].replace(fields.bytes()?).is_some() {
            return None;
        }
    }
    if found.0[CREDITOR_REFERENCE].is_some() {
        return None;
    }
    let currency_and_amount = || {
        let [amount, currency] = text_fields(found.0[MONEY]?)?;
        let currency = Currency::parse(currency?).ok()?;
        Some((Amount::parse(amount?, currency).ok()?, currency))
    };
    let (amount, currency) = currency_and_amount()?;
    Some(PlainOrder {
        end_to_end_id: TextRef::parse_identifier(found.text(END_TO_END_ID)?).ok()?,
        transaction_id: TextRef::parse_identifier(found.text(TRANSACTION_ID)?).ok()?,
        amount,
        currency,
        acceptance_time: found.optional(ACCEPTANCE_TIME, |found| timestamp(found.0[ACCEPTANCE_TIME]?))?,
        purpose: found.optional(PURPOSE, |found| TextRef::parse_identifier(found.text(PURPOSE)?).ok())?,
        debtor_name: TextRef::parse(name(found.0[DEBTOR]?)?).ok()?,
        debtor_account: Iban::parse_bytes(found.0[DEBTOR_ACCOUNT]?).ok()?,
        debtor_agent: Bic::parse_bytes(found.0[DEBTOR_AGENT]?).ok()?,
        creditor_agent: Bic::parse_bytes(found.0[CREDITOR_AGENT]?).ok()?,
        creditor_name: TextRef::parse(name(found.0[CREDITOR]?)?).ok()?,
        creditor_account: Iban::parse_bytes(found.0[CREDITOR_ACCOUNT]?).ok()?,
        unstructured: found.optional(UNSTRUCTURED, |found| TextRef::parse(found.text(UNSTRUCTURED)?).ok())?,
    })
}

// Fields of `Payment`.
const DEBTOR_AGENT: usize = 1;
const TRANSACTION_ID: usize = 2;
const CREDITOR_AGENT: usize = 3;
const DEBTOR_ACCOUNT: usize = 4;
const CREDITOR_ACCOUNT: usize = 5;
const MONEY: usize = 6;
const ACCEPTANCE_TIME: usize = 7;
const END_TO_END_ID: usize = 8;
const DEBTOR: usize = 9;
const CREDITOR: usize = 10;
const UNSTRUCTURED: usize = 11;
const CREDITOR_REFERENCE: usize = 12;
const PURPOSE: usize = 13;

/// The fields of a payment by their numbers.
#[derive(Default)]
struct Found<'message>([Option<&'message [u8]>; 14]);

impl<'message> Found<'message> {
    fn text(&self, field: usize) -> Option<&'message str> {
        std::str::from_utf8(self.0[field]?).ok()
    }

    /// Nothing if the field is absent, `None` if it is not as it must be.
    fn optional<Value>(
        &self,
        field: usize,
        read: impl FnOnce(&Self) -> Option<Value>,
    ) -> Option<Option<Value>> {
        match self.0[field] {
            None => Some(None),
            Some(_) => read(self).map(Some),
        }
    }
}

/// A `Party` that has a name and nothing else.
fn name(party: &[u8]) -> Option<&str> {
    let [name] = text_fields(party)?;
    name
}

/// The texts of a message whose fields are all texts.
fn text_fields<const COUNT: usize>(message: &[u8]) -> Option<[Option<&str>; COUNT]> {
    let mut texts = [None; COUNT];
    let mut fields = Fields(message);
    while let Some(key) = fields.key() {
        let text = std::str::from_utf8(fields.bytes()?).ok()?;
        let place = usize::from(key >> 3).checked_sub(1)?;
        if key & 7 != 2 || texts.get_mut(place)?.replace(text).is_some() {
            return None;
        }
    }
    Some(texts)
}

fn timestamp(message: &[u8]) -> Option<types::Timestamp> {
    const SECONDS: u8 = number(1);
    const NANOS: u8 = number(2);

    let (mut seconds, mut nanos) = (None, None);
    let mut fields = Fields(message);
    while let Some(key) = fields.key() {
        let again = match key {
            SECONDS => seconds.replace(fields.varint()?).is_some(),
            NANOS => nanos.replace(fields.varint()?).is_some(),
            _ => true,
        };
        if again {
            return None;
        }
    }
    timestamp_from_wire(&prost_types::Timestamp {
        seconds: i64::try_from(seconds.unwrap_or(0)).ok()?,
        nanos: i32::try_from(nanos.unwrap_or(0)).ok()?,
    })
}

/// What is left of an encoded message.
struct Fields<'message>(&'message [u8]);

impl<'message> Fields<'message> {
    /// The key of the next field. Keys of several bytes belong to no plain message: their first byte matches none.
    fn key(&mut self) -> Option<u8> {
        let (key, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*key)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for (place, byte) in self.0.iter().enumerate().take(10) {
            let bits = u64::from(byte & 0x7F);
            let shift = 7 * u32::try_from(place).ok()?;
            // The tenth byte has room for one bit.
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                self.0 = &self.0[place + 1..];
                return Some(value);
            }
        }
        None
    }

    fn skip(&mut self, length: usize) -> Option<()> {
        self.0 = self.0.get(length..)?;
        Some(())
    }

    fn bytes(&mut self) -> Option<&'message [u8]> {
        let length = usize::try_from(self.varint()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
}

#[cfg(test)]
#[path = "plain_tests.rs"]
mod tests;
