//! What is written here is what the generated code reads, and the other way round.

use client::convert::order_from_payment;

use super::*;
use crate::options::{LoadOptions, RemotePayees, Workload};

fn writer(run: &str, workload: Workload) -> PaymentWriter {
    let options = LoadOptions::new(run.parse().unwrap());
    let remote = Some(RemotePayees { percent: 40, banks: 0..LOAD_REMOTE_BANKS.len() });
    PaymentWriter::new(Plan::new(&LoadOptions { workload, remote, accounts: 9_999_999, ..options }))
}

fn batch(writer: &PaymentWriter, numbers: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in numbers {
        writer.write_submission(*number, &mut bytes);
    }
    bytes
}

#[test]
fn payments_are_what_the_plan_says() {
    let writer = writer("RUN1", Workload::Uniform);
    let numbers: Vec<_> = (0..500).chain([127, 128, 16_383, 16_384, 999_999_999]).collect();
    let message = v1::SubmitPaymentsRequest::decode(batch(&writer, &numbers).as_slice()).unwrap();
    assert_eq!(message.payments.len(), numbers.len());
    for (submission, number) in message.payments.iter().zip(numbers) {
        assert_eq!(submission.caller_id, number);
        let payment = submission.payment.as_ref().unwrap();
        let planned = writer.plan.payment(number);
        let payer = LoadAccount::at(planned.payer);
        let (payee_bank, payee_iban) = match planned.payee {
            Payee::Hosted(payee) => (LoadAccount::at(payee).bank(), LoadAccount::at(payee).iban()),
            Payee::Remote { bank, customer } => {
                let bank = &LOAD_REMOTE_BANKS[bank];
                (bank, bank.customer_iban(customer.into()))
            }
        };
        assert_eq!(payment.transaction_id, writer.plan.transaction_id(number));
        assert_eq!(payment.debtor_agent, payer.bank().bic_text());
        assert_eq!(payment.creditor_agent, payee_bank.bic_text());
        assert_eq!(payment.debtor_account, payer.iban().as_str());
        assert_eq!(payment.creditor_account, payee_iban.as_str());
        assert_eq!(payment.amount.as_ref().unwrap().amount, format!("0.{:02}", planned.cents));
        assert!(order_from_payment(payment).is_ok(), "every rule of a field is kept");
        assert_eq!(*payment, writer.payment(number));
    }
}

#[test]
fn a_unary_request_is_the_same_payment() {
    let writer = writer("RUN1", Workload::Hot);
    let mut bytes = Vec::new();
    writer.write_request(5, &mut bytes);
    let request = v1::SubmitPaymentRequest::decode(bytes.as_slice()).unwrap();
    assert_eq!(request, v1::SubmitPaymentRequest { payment: Some(writer.payment(5)), wait_ms: None });
    assert_eq!(request.encode_to_vec(), bytes, "in the one way that the generated code writes it");
}

#[test]
fn payments_have_about_220_bytes() {
    let writer = writer("0J0IXJ8M4GZK", Workload::Uniform);
    let numbers: Vec<_> = (1_000_000..1_001_000).collect();
    let mean = batch(&writer, &numbers).len() / numbers.len();
    assert!((215..=225).contains(&mean), "{mean}");
}

#[test]
fn replies_are_read_as_they_are_written() {
    let outcome = v1::PaymentOutcome {
        payment_id: "P".repeat(31),
        status: v1::PaymentStatus::Rejected.into(),
        reason_code: "AM04".to_owned(),
        transaction_id: "T-1".to_owned(),
        sequence: 77,
        repeat: true,
        ..Default::default()
    };
    let not_taken = v1::NotTaken { code: 8, message: "busy".to_owned(), ..Default::default() };
    let reply = v1::SubmitPaymentsResponse {
        results: vec![
            v1::PaymentResult {
                caller_id: 1,
                result: Some(v1::payment_result::Result::Outcome(outcome.clone())),
            },
            v1::PaymentResult {
                caller_id: 300,
                result: Some(v1::payment_result::Result::NotTaken(not_taken)),
            },
        ],
    };
    let rejected = OutcomeReply { status: 3, reason_code: "AM04".to_owned() };
    let expected = BatchReply {
        results: vec![
            ItemReply { caller_id: 1, outcome: Some(rejected.clone()), not_taken: None },
            ItemReply { caller_id: 300, outcome: None, not_taken: Some(NotTakenReply { code: 8 }) },
        ],
    };
    assert_eq!(BatchReply::decode(reply.encode_to_vec().as_slice()).unwrap(), expected);
    let unary = v1::SubmitPaymentResponse { outcome: Some(outcome) };
    let expected = UnaryReply { outcome: Some(rejected) };
    assert_eq!(UnaryReply::decode(unary.encode_to_vec().as_slice()).unwrap(), expected);
}
