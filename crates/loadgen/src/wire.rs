//! Payments straight onto the wire, and replies read no further than a run needs them.
//!
//! The load shares its machine with the node, so it must cost little: a specimen of a payment is encoded once
//! by the generated code, and for each payment its few variable places are overwritten. Tests compare both
//! directions with the generated code.

use client::v1;
use prost::bytes::BufMut;
use prost::{Message, encode_length_delimiter, length_delimiter_len};

use crate::accounts::LoadAccount;
use crate::banks::{Bank, LOAD_BANKS, LOAD_REMOTE_BANKS, write_digits};
use crate::plan::{NUMBER_DIGITS, Payee, Plan, Planned};

/// Room for any payment of a run.
const PAYMENT_BYTES_MAX: usize = 256;

/// 35 characters, as the measurements have it.
const REMITTANCE: &str = "Invoice 2026-0815, thank you kindly";

const _: () = assert!(REMITTANCE.len() == 35);

/// Of payers, and of payees here, by bank; as long as names are in this country or that.
const NAMES: [&str; 2] = ["Load Customer, Brussels", "Load Customer, Frankfurt"];

/// Of payees elsewhere.
const REMOTE_NAME: &str = "Load Customer, Vienna";

/// The keys of the fields that wrap a payment: field number and wire type.
const CALLER_ID_KEY: u8 = 1 << 3;
const SUBMITTED_PAYMENT_KEY: u8 = (2 << 3) | 2;
const BATCH_ITEM_KEY: u8 = (1 << 3) | 2;
const REQUESTED_PAYMENT_KEY: u8 = (1 << 3) | 2;

/// Encodes the payments of a run.
#[derive(Debug)]
pub(crate) struct PaymentWriter {
    plan: Plan,
    /// By the bank of the payer, then of the payee: those here, and then those elsewhere.
    templates: [Vec<Template>; 2],
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
        let templates = [0, 1].map(|payer| {
            let payees = NAMES.into_iter().zip(&LOAD_BANKS);
            let payees = payees.chain(LOAD_REMOTE_BANKS.iter().map(|bank| (REMOTE_NAME, bank)));
            payees.map(|payee| Template::new(&plan, payer, payee)).collect()
        });
        Self { plan, templates }
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
        let payer = LoadAccount::at(payer);
        let (place, payee_bank, payee_customer) = match payee {
            Payee::Hosted(payee) => {
                let payee = LoadAccount::at(payee);
                (payee.bank, payee.bank(), payee.customer)
            }
            Payee::Remote { bank, customer } => {
                (LOAD_BANKS.len() + bank, &LOAD_REMOTE_BANKS[bank], u64::from(customer))
            }
        };
        let template = &self.templates[payer.bank][place];
        let length = template.bytes.len();
        bytes[..length].copy_from_slice(&template.bytes);
        write_digits(number, &mut bytes[template.number..template.number + NUMBER_DIGITS]);
        let accounts = [
            (payer.bank(), payer.customer, template.debtor_account),
            (payee_bank, payee_customer, template.creditor_account),
        ];
        for (bank, customer, place) in accounts {
            bank.write_customer_iban(customer, &mut bytes[place..place + bank.iban_length()]);
        }
        write_digits(u64::from(cents), &mut bytes[template.cents..template.cents + 2]);
        length
    }
}

impl Template {
    fn new(plan: &Plan, payer: usize, (payee_name, payee): (&str, &Bank)) -> Self {
        // Two customers, so that the accounts of the specimen can be told apart within one bank.
        let accounts = [LOAD_BANKS[payer].customer_iban(1), payee.customer_iban(2)];
        let transaction_id = plan.transaction_id(0);
        let specimen = v1::Payment {
            debtor_agent: LOAD_BANKS[payer].bic_text().to_owned(),
            transaction_id: transaction_id.clone(),
            creditor_agent: payee.bic_text().to_owned(),
            debtor_account: accounts[0].as_str().to_owned(),
            creditor_account: accounts[1].as_str().to_owned(),
            amount: Some(v1::Money { amount: "0.00".to_owned(), currency_code: "EUR".to_owned() }),
            end_to_end_id: "NOTPROVIDED".to_owned(),
            debtor: Some(v1::Party { name: NAMES[payer].to_owned(), ..Default::default() }),
            creditor: Some(v1::Party { name: payee_name.to_owned(), ..Default::default() }),
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
