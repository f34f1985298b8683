//! Records about requests to pay: golden bytes, and fields that hold what they can't.

use types::{AccountNumber, Channel, FixedParts, PaymentOrder, ReasonCode, Sequence, Text};

use super::{bank, start, written};
use crate::{
    AnswerRequestToPay, CancelRequestToPay, CreateRequestToPay, Kind, LocalTime, OrderContent,
    PresentRequestToPay, RecordError, RecordWriter, Records, RequestAnswer, RequestDetails, RequestId,
    RequestToPayText,
};

fn order() -> PaymentOrder {
    PaymentOrder { purpose: Some(Text::parse("RRTP").unwrap()), ..super::payment_order() }
}

fn details() -> RequestDetails {
    RequestDetails {
        payment_information_id: Some(Text::parse("GROUP-1").unwrap()),
        invoice_number: Some(Text::parse("2026/0007").unwrap()),
        invoice_link: Some(Text::parse("https://payee.example/invoices/7?key=a_b&c=%20").unwrap()),
    }
}

/// One record of each kind, with every field that a caller can set.
pub(super) fn write(kind: Kind, request_id: RequestId, writer: &mut RecordWriter) {
    let to_pay = Sequence(0x0102_0304_0506);
    let (payer_bank, payee_bank) = (bank("A"), bank("B"));
    if kind == Kind::CreateRequestToPay {
        writer.create_request_to_pay(&CreateRequestToPay {
            request_id,
            order: order(),
            payer: Some(AccountNumber(0x0102_0304)),
            expires: start(),
            pay_by: Some(LocalTime::of_day(start().date())),
            details: details(),
        });
    } else if kind == Kind::PresentRequestToPay {
        let payee_bank = Some(payee_bank);
        writer.present_request_to_pay(&PresentRequestToPay { request_id, to_pay, payer_bank, payee_bank });
    } else if kind == Kind::AnswerRequestToPay {
        let content = OrderContent {
            order: order(),
            channel: Channel::Grpc,
            due: LocalTime::of_day(start().date()),
            give_up: None,
        };
        let answer = RequestAnswer::Accept(Box::new(content));
        let payee_bank = Some(payee_bank);
        let command = AnswerRequestToPay { request_id, to_pay, payer_bank, payee_bank, answer };
        writer.answer_request_to_pay(&command, |_, _| AccountNumber(0x0102_0304));
    } else {
        let payer_bank = Some(payer_bank);
        writer.cancel_request_to_pay(&CancelRequestToPay { request_id, to_pay, payee_bank, payer_bank });
    }
}

#[test]
fn impossible_fields_are_named() {
    use Kind::{AnswerRequestToPay, CancelRequestToPay, CreateRequestToPay, PresentRequestToPay};
    for (kind, at, byte, field) in [
        (CreateRequestToPay, 71, 0x80, "amount"),
        (CreateRequestToPay, 79, 0x80, "expires"),
        (CreateRequestToPay, 87, 0x80, "pay_by"),
        (CreateRequestToPay, 92, b'a', "bic"),
        (CreateRequestToPay, 103, b'a', "bic"),
        (CreateRequestToPay, 114, 1, "currency"),
        (CreateRequestToPay, 119, 1, "reserved"),
        (PresentRequestToPay, 40, b'a', "bic"),
        (PresentRequestToPay, 40, 0, "bic"),
        (PresentRequestToPay, 51, b'a', "bic"),
        (PresentRequestToPay, 63, 1, "reserved"),
        (AnswerRequestToPay, 40, 0, "bic"),
        (AnswerRequestToPay, 51, b'a', "bic"),
        (AnswerRequestToPay, 62, 0, "answer"),
        (AnswerRequestToPay, 62, 2, "reason"),
        (AnswerRequestToPay, 62, 3, "answer"),
        (AnswerRequestToPay, 63, 1, "reserved"),
        (AnswerRequestToPay, 64, b'A', "reason"),
        (AnswerRequestToPay, 71, 1, "reserved"),
        (AnswerRequestToPay, 72 + 55, 0x80, "amount"),
        (AnswerRequestToPay, 72 + 83, b'B', "bic"),
        (AnswerRequestToPay, 175, 1, "reserved"),
        (CancelRequestToPay, 40, 0, "bic"),
        (CancelRequestToPay, 51, b'a', "bic"),
        (CancelRequestToPay, 62, 1, "reserved"),
    ] {
        let found = super::fault_with(&written(kind), 16 + at, byte);
        assert_eq!(found, Some(RecordError::Field(field)), "{kind:?} with {byte} at {at}");
    }
}

#[test]
fn refusal_has_a_reason_and_no_order() {
    let refusal = |terms: u8| {
        let mut writer = RecordWriter::new(super::key(), super::PRINCIPAL);
        let command = AnswerRequestToPay {
            request_id: RequestId::parse("answer").unwrap(),
            to_pay: Sequence(7),
            payer_bank: bank("A"),
            payee_bank: None,
            answer: RequestAnswer::Refuse(ReasonCode::parse("MS02").unwrap()),
        };
        writer.answer_request_to_pay(&command, |_, _| AccountNumber(0));
        assert!(Records::erased(writer.records()).next().unwrap().is_ok());
        super::fault_with(&writer, 16 + 72, terms)
    };
    assert_eq!(refusal(1), Some(RecordError::Field("terms")));
    assert_eq!(refusal(0), None);
}

#[test]
fn texts_come_back_as_they_were_written() {
    let writer = written(Kind::CreateRequestToPay);
    let text = RequestToPayText::decode(writer.texts()).unwrap();
    assert_eq!(text.details, details());
    assert_eq!(text.encode(), writer.texts());
    let order = order();
    let fixed = FixedParts {
        debtor_agent: order.debtor_agent,
        creditor_agent: order.creditor_agent,
        transaction_id: order.transaction_id.clone(),
        amount: order.amount,
        currency: order.currency,
        acceptance_time: order.acceptance_time,
    };
    assert_eq!(text.order(fixed).unwrap(), order);
    assert!(RequestToPayText::decode(&writer.texts()[..20]).is_err());
    assert!(RequestToPayText::decode(&[]).is_err());
    let plain = RequestToPayText::new(&order, RequestDetails::default());
    assert_eq!(RequestToPayText::decode(&plain.encode()).unwrap(), plain);
}

/// What the edge saw is no part of a body, or a repeat after the request is gone would be another one.
#[test]
fn what_the_edge_saw_is_no_part_of_a_body() {
    let cancel = |payer_bank| {
        let mut writer = RecordWriter::new(super::key(), super::PRINCIPAL);
        let (to_pay, payee_bank) = (Sequence(7), bank("B"));
        let request_id = RequestId::parse("cancel").unwrap();
        writer.cancel_request_to_pay(&CancelRequestToPay { request_id, to_pay, payee_bank, payer_bank });
        writer.records()[32..48].to_vec()
    };
    assert_eq!(cancel(Some(bank("A"))), cancel(None));
}
