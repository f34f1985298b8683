//! Payments straight onto the wire, and replies read no further than a run needs them.
//!
//! The load shares its machine with the node, so it must cost little: a specimen of a payment is encoded once
//! by the generated code, and for each payment its few variable places are overwritten. Tests compare both
//! directions with the generated code.

use client::v1;
use prost::bytes::BufMut;
use prost::{Message, encode_length_delimiter, length_delimiter_len};

use crate::accounts::LoadAccount;
use crate::banks::{LOAD_BANKS, write_digits};
use crate::plan::{NUMBER_DIGITS, Plan, Planned};

/// Room for any payment of a run.
const PAYMENT_BYTES_MAX: usize = 256;

/// 35 characters, as the measurements have it.
const REMITTANCE: &str = "Invoice 2026-0815, thank you kindly";

const _: () = assert!(REMITTANCE.len() == 35);

/// Of payers and payees, by bank; as long as names are in this country or that.
const NAMES: [&str; 2] = ["Load Customer, Brussels", "Load Customer, Frankfurt"];

/// The keys of the fields that wrap a payment: field number and wire type.
const CALLER_ID_KEY: u8 = 1 << 3;
const SUBMITTED_PAYMENT_KEY: u8 = (2 << 3) | 2;
const BATCH_ITEM_KEY: u8 = (1 << 3) | 2;
const REQUESTED_PAYMENT_KEY: u8 = (1 << 3) | 2;

/// Encodes the payments of a run.
#[derive(Debug)]
pub(crate) struct PaymentWriter {
    plan: Plan,
    /// By the bank of the payer, then of the payee.
    templates: [[Template; 2]; 2],
}

/// An encoded payment, and where its variable places are.
#[derive(Debug)]
struct Template {
    bytes: Vec<u8>,
    number: usize,
    debtor_account: usize,
    creditor_account: usize,
    /// The two digits behind the point.
    cents: usize,
}

impl PaymentWriter {
    pub(crate) fn new(plan: Plan) -> Self {
        let templates =
            [[0, 0], [0, 1], [1, 0], [1, 1]].map(|[payer, payee]| Template::new(&plan, payer, payee));
        let [first, second, third, fourth] = templates;
        Self { plan, templates: [[first, second], [third, fourth]] }
    }

    /// The payment with this number as the generated code has it, for submitting it once more.
    pub(crate) fn payment(&self, number: u64) -> v1::Payment {
        let mut bytes = [0; PAYMENT_BYTES_MAX];
        let length = self.fill(number, &mut bytes);
        v1::Payment::decode(&bytes[..length]).expect("the template was encoded by the same code")
    }

    /// The body of a `SubmitPaymentRequest`.
    pub(crate) fn write_request(&self, number: u64, buffer: &mut impl BufMut) {
        let mut bytes = [0; PAYMENT_BYTES_MAX];
        let length = self.fill(number, &mut bytes);
        buffer.put_u8(REQUESTED_PAYMENT_KEY);
        write_length(length, buffer);
        buffer.put_slice(&bytes[..length]);
    }

    /// One item of a `SubmitPaymentsRequest`, whose caller id is the payment's number.
    pub(crate) fn write_submission(&self, number: u64, buffer: &mut impl BufMut) {
        let mut bytes = [0; PAYMENT_BYTES_MAX];
        let length = self.fill(number, &mut bytes);
        // Lengths and numbers are written the same way.
        let caller_id = usize::try_from(number).expect("a run has at most 10^9 payments");
        let item_length = 1 + length_delimiter_len(caller_id) + 1 + length_delimiter_len(length) + length;
        buffer.put_u8(BATCH_ITEM_KEY);
        write_length(item_length, buffer);
        buffer.put_u8(CALLER_ID_KEY);
        write_length(caller_id, buffer);
        buffer.put_u8(SUBMITTED_PAYMENT_KEY);
        write_length(length, buffer);
        buffer.put_slice(&bytes[..length]);
    }

    /// Writes the payment itself and returns its length.
    fn fill(&self, number: u64, bytes: &mut [u8; PAYMENT_BYTES_MAX]) -> usize {
        let Planned { payer, payee, cents } = self.plan.payment(number);
        let (payer, payee) = (LoadAccount::at(payer), LoadAccount::at(payee));
        let template = &self.templates[payer.bank][payee.bank];
        let length = template.bytes.len();
        bytes[..length].copy_from_slice(&template.bytes);
        write_digits(number, &mut bytes[template.number..template.number + NUMBER_DIGITS]);
        for (account, place) in [(payer, template.debtor_account), (payee, template.creditor_account)] {
            let bank = account.bank();
            bank.write_customer_iban(account.customer, &mut bytes[place..place + bank.iban_length()]);
        }
        write_digits(u64::from(cents), &mut bytes[template.cents..template.cents + 2]);
        length
    }
}

impl Template {
    fn new(plan: &Plan, payer: usize, payee: usize) -> Self {
        // Two customers, so that the accounts of the specimen can be told apart within one bank.
        let accounts = [LOAD_BANKS[payer].customer_iban(1), LOAD_BANKS[payee].customer_iban(2)];
        let transaction_id = plan.transaction_id(0);
        let specimen = v1::Payment {
            debtor_agent: LOAD_BANKS[payer].bic_text().to_owned(),
            transaction_id: transaction_id.clone(),
            creditor_agent: LOAD_BANKS[payee].bic_text().to_owned(),
            debtor_account: accounts[0].as_str().to_owned(),
            creditor_account: accounts[1].as_str().to_owned(),
            amount: Some(v1::Money { amount: "0.00".to_owned(), currency_code: "EUR".to_owned() }),
            end_to_end_id: "NOTPROVIDED".to_owned(),
            debtor: Some(v1::Party { name: NAMES[payer].to_owned(), ..Default::default() }),
            creditor: Some(v1::Party { name: NAMES[payee].to_owned(), ..Default::default() }),
            remittance: Some(v1::payment::Remittance::Unstructured(REMITTANCE.to_owned())),
            ..Default::default()
        };
        let bytes = specimen.encode_to_vec();
        assert!(bytes.len() <= PAYMENT_BYTES_MAX, "a payment of a run fits its place");
        let place = |text: &str| {
            let mut places =
                bytes.windows(text.len()).enumerate().filter(|(_, window)| *window == text.as_bytes());
            let (place, _) = places.next().expect("the specimen holds what was put into it");
            assert!(places.next().is_none(), "a variable place is found only once");
            place
        };
        Self {
            number: place(&transaction_id) + transaction_id.len() - NUMBER_DIGITS,
            debtor_account: place(accounts[0].as_str()),
            creditor_account: place(accounts[1].as_str()),
            cents: place("0.00") + 2,
            bytes,
        }
    }
}

fn write_length(length: usize, buffer: &mut impl BufMut) {
    encode_length_delimiter(length, buffer).expect("the buffer grows as it must");
}

/// What a run reads of a `PaymentOutcome`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OutcomeReply {
    #[prost(enumeration = "v1::PaymentStatus", tag = "2")]
    pub(crate) status: i32,
    #[prost(string, tag = "3")]
    pub(crate) reason_code: String,
}

/// What a run reads of a `NotTaken`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct NotTakenReply {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
}

/// What a run reads of a `SubmitPaymentResponse`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct UnaryReply {
    #[prost(message, optional, tag = "1")]
    pub(crate) outcome: Option<OutcomeReply>,
}

/// What a run reads of a `PaymentResult`. Of the last two there is one.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ItemReply {
    #[prost(uint64, tag = "1")]
    pub(crate) caller_id: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) outcome: Option<OutcomeReply>,
    #[prost(message, optional, tag = "3")]
    pub(crate) not_taken: Option<NotTakenReply>,
}

/// What a run reads of a `SubmitPaymentsResponse`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BatchReply {
    #[prost(message, repeated, tag = "1")]
    pub(crate) results: Vec<ItemReply>,
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
