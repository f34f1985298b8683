//! What answers are taken for.

use client::Refusal;
use iso20022::{StatusReport, write_pacs002};
use tonic::Code;
use types::{Bic, StatusReason, Text, Timestamp};

use super::*;
use crate::Expected;

fn report(status: Status) -> Vec<u8> {
    let text = |text: &str| Text::parse(text).unwrap();
    let report = StatusReport {
        message_id: text("R-1"),
        created_at: Timestamp::default(),
        instructing_agent: None,
        instructed_agent: None,
        original_message_id: text("M-1"),
        status,
        status_id: None,
        original_instruction_id: None,
        original_end_to_end_id: None,
        original_transaction_id: Some(text("T-1")),
        original_uetr: None,
        acceptance_time: None,
        category_purpose: None,
        debtor_agent: Some(Bic::parse("SLVOBEBB").unwrap()),
    };
    write_pacs002(&report).into_bytes()
}

fn rejected() -> Vec<u8> {
    let reason = StatusReason::InsufficientFunds.code();
    report(Status::Rejected { reason, originator: None, additional_information: None })
}

fn outcome(status: v1::PaymentStatus, reason: &str) -> Option<v1::PaymentOutcome> {
    let accepted = client::convert::timestamp(now().minus(types::Duration::from_seconds(2)));
    Some(v1::PaymentOutcome {
        status: status.into(),
        reason_code: reason.to_owned(),
        acceptance_time: Some(accepted),
        ..Default::default()
    })
}

fn answer(name: &str, document: Vec<u8>, outcome: Option<v1::PaymentOutcome>) -> Submitted {
    let reply = v1::Iso20022ServiceSubmitResponse { document, message_name: name.to_owned(), outcome };
    answered("a.xml", reply, Duration::from_millis(1))
}

#[test]
fn reports_are_believed_if_the_outcome_agrees() {
    let settled = answer(REPORT, report(Status::Accepted), outcome(v1::PaymentStatus::Settled, ""));
    assert_eq!((settled.status, settled.difference), (DocumentStatus::Settled, None));
    assert!(settled.confirmed_after.unwrap() >= Duration::from_secs(2));
    let refused = answer(REPORT, rejected(), outcome(v1::PaymentStatus::Rejected, "AM04"));
    assert_eq!(refused.reason.as_deref(), Some("AM04"));
    assert_eq!((refused.status, refused.difference), (DocumentStatus::Rejected, None));
    let expired = answer(REPORT, rejected(), outcome(v1::PaymentStatus::Expired, "AM04"));
    assert_eq!((expired.status, expired.difference), (DocumentStatus::Expired, None));
    for (document, beside) in [
        (rejected(), outcome(v1::PaymentStatus::Settled, "")),
        (rejected(), outcome(v1::PaymentStatus::Rejected, "AC04")),
        (report(Status::Accepted), None),
        (b"<no>".to_vec(), outcome(v1::PaymentStatus::Settled, "")),
    ] {
        assert!(answer(REPORT, document, beside).difference.is_some());
    }
}

#[test]
fn what_was_not_taken_has_no_outcome() {
    let refused = answer("admi.002.001.01", b"<Document/>".to_vec(), None);
    assert_eq!((refused.status, refused.difference), (DocumentStatus::NotTaken, None));
    assert_eq!(refused.confirmed_after, None);
    let error = ClientError::NotDone(Refusal::invalid(vec![v1::FieldViolation::default()]));
    assert_eq!(failed("a.xml", &error, Duration::ZERO).status, DocumentStatus::NotTaken);
    let last = Refusal::new(Code::Unavailable, v1::ErrorReason::Unspecified, "gone");
    let error = ClientError::Unknown { attempts: 6, last };
    assert_eq!(failed("a.xml", &error, Duration::ZERO).status, DocumentStatus::Unknown);
}

#[test]
fn differences_from_what_is_expected_are_told() {
    let expected = |status| Expected { status, reason: None, why: String::new() };
    let document =
        |status| Document { name: "a.xml".to_owned(), bytes: vec![], expected: Some(expected(status)) };
    let submitted = || answer("admi.002.001.01", b"<Nm>Secret</Nm>".to_vec(), None);
    let same = submitted().compared(&document(DocumentStatus::NotTaken));
    assert_eq!(same.difference, None);
    let other = submitted().compared(&document(DocumentStatus::Settled));
    assert_eq!(other.difference.as_deref(), Some("NOT_TAKEN instead of SETTLED"));
    assert_eq!(other.to_json()["difference"], "NOT_TAKEN instead of SETTLED");
    let line = other.to_string();
    assert!(line.starts_with("a.xml "), "{line}");
    assert!(
        line.ends_with("NOT_TAKEN              -   admi.002.001.01   NOT_TAKEN instead of SETTLED"),
        "{line}"
    );
    assert!(!format!("{other:?} {line} {}", other.to_json()).contains("Secret"));
}
