//! INVALID_ARGUMENT: every field that breaks its rule is named, at once, and nothing is logged.

use std::collections::BTreeSet;

use client::v1;
use tests::{ALFA, Node, World, account, ahead, belgian, money, payment};
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The fields that `google.rpc.BadRequest` names, each with a sentence.
#[track_caller]
fn fields(refused: Status) -> BTreeSet<String> {
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
    let details = refused.get_error_details();
    let violations = &details.bad_request().expect("the fields are named").field_violations;
    assert!(violations.iter().all(|violation| !violation.description.is_empty()));
    violations.iter().map(|violation| violation.field.clone()).collect()
}

#[track_caller]
fn assert_fields(refused: Status, expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(|field| (*field).to_owned()).collect();
    assert_eq!(fields(refused), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_that_are_none_are_refused() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let before = api.trial_balance().await.as_of_sequence;
    let amounts = [
        "12.345",
        "0",
        "0.00",
        "-1",
        "+1",
        "1e3",
        "1_000",
        "1,000.00",
        "1 000",
        "1.",
        ".5",
        "",
        "NaN",
        "١",
        "1000000000.00",
        "999999999999999999999999999999999",
    ];
    for amount in amounts {
        let refused = api.submit(&payment("TX-1", amount)).await.unwrap_err();
        assert!(!refused.message().contains(amount) || amount.is_empty(), "texts are never quoted");
        assert_fields(refused, &["payment.amount.amount"]);
    }
    let highest = api.submit(&payment("TX-1", "999999999.99")).await.unwrap();
    assert_eq!(highest.reason_code, "AM04", "the highest amount is a matter of funds, and the key was free");
    assert_eq!(api.trial_balance().await.payments.iter().map(|total| total.payment_count).sum::<u64>(), 1);
    assert!(before < highest.sequence);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_payment_is_named_at_once() {
    let node = Node::start().await;
    let api = node.api().await;
    let faulty = v1::Payment {
        debtor_agent: "ALFA".to_owned(),
        transaction_id: "TX 1 ü".to_owned(),
        creditor_agent: "beta".to_owned(),
        debtor_account: "BE00000000000001".to_owned(),
        creditor_account: "DE".to_owned(),
        amount: Some(money("1e3")),
        acceptance_time: Some(prost_types::Timestamp { seconds: 1, nanos: -1 }),
        end_to_end_id: "E".repeat(36),
        debtor: Some(tests::party("")),
        creditor: Some(v1::Party {
            address: Some(v1::Address {
                lines: vec!["one".to_owned(), "two".to_owned(), "three\n".to_owned()],
                ..v1::Address::default()
            }),
            ..tests::party("Paul Brandt")
        }),
        remittance: Some(v1::payment::Remittance::Unstructured("R".repeat(141))),
        purpose: "LONGER".to_owned(),
        uetr: "not-a-uuid".to_owned(),
        ..v1::Payment::default()
    };
    assert_fields(
        api.submit(&faulty).await.unwrap_err(),
        &[
            "payment.debtor_agent",
            "payment.transaction_id",
            "payment.creditor_agent",
            "payment.debtor_account",
            "payment.creditor_account",
            "payment.amount.amount",
            "payment.acceptance_time",
            "payment.end_to_end_id",
            "payment.debtor.name",
            "payment.creditor.address.lines[2]",
            "payment.unstructured",
            "payment.purpose",
            "payment.uetr",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_mandatory_is_named_when_it_is_missing() {
    let node = Node::start().await;
    let api = node.api().await;
    let nothing = v1::SubmitPaymentRequest { payment: None, wait_ms: None };
    assert_fields(api.payments().submit_payment(nothing).await.unwrap_err(), &["payment"]);
    assert_fields(
        api.submit(&v1::Payment::default()).await.unwrap_err(),
        &[
            "payment.debtor_agent",
            "payment.transaction_id",
            "payment.creditor_agent",
            "payment.debtor_account",
            "payment.creditor_account",
            "payment.amount",
            "payment.end_to_end_id",
            "payment.debtor",
            "payment.creditor",
        ],
    );
    let register = api.participants().register_participant(v1::RegisterParticipantRequest::default()).await;
    assert_fields(register.unwrap_err(), &["request_id", "bic", "name", "account_mode", "currency_code"]);
    let status = api.participants().set_participant_status(v1::SetParticipantStatusRequest::default()).await;
    assert_fields(status.unwrap_err(), &["request_id", "bic", "status"]);
    let bank = api.participants().get_participant(v1::GetParticipantRequest::default()).await;
    assert_fields(bank.unwrap_err(), &["bic"]);
    let fund = api.liquidity().fund(v1::FundRequest::default()).await;
    assert_fields(fund.unwrap_err(), &["request_id", "bic", "amount", "external_reference"]);
    let defund = api.liquidity().defund(v1::DefundRequest::default()).await;
    assert_fields(defund.unwrap_err(), &["request_id", "bic", "amount", "external_reference"]);
    let position = api.liquidity().get_position(v1::GetPositionRequest::default()).await;
    assert_fields(position.unwrap_err(), &["bic", "currency_code"]);
    let question = api.payments().get_payment(v1::GetPaymentRequest::default()).await;
    assert_fields(question.unwrap_err(), &["reference"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_mandatory_of_accounts_is_named_when_it_is_missing() {
    let node = Node::start().await;
    let api = node.api().await;
    let nothing = v1::OpenAccountRequest::default();
    assert_fields(api.accounts().open_account(nothing).await.unwrap_err(), &["request_id", "account"]);
    let empty = v1::OpenAccountRequest { account: Some(v1::NewAccount::default()), ..Default::default() };
    assert_fields(
        api.accounts().open_account(empty).await.unwrap_err(),
        &[
            "request_id",
            "account.participant",
            "account.iban",
            "account.currency_code",
            "account.type",
            "account.holder_names",
        ],
    );
    let entry = api.accounts().post_entry(v1::PostEntryRequest::default()).await;
    assert_fields(
        entry.unwrap_err(),
        &["request_id", "iban", "amount", "direction", "value_date", "booking_key", "core_reference"],
    );
    let status = api.accounts().set_account_status(v1::SetAccountStatusRequest::default()).await;
    assert_fields(status.unwrap_err(), &["request_id", "iban", "currency_code", "status"]);
    let floor = api.accounts().set_account_floor(v1::SetAccountFloorRequest::default()).await;
    assert_fields(floor.unwrap_err(), &["request_id", "iban", "currency_code", "floor"]);
    let get = api.accounts().get_account(v1::GetAccountRequest::default()).await;
    assert_fields(get.unwrap_err(), &["iban", "currency_code"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_other_calls_are_named() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 0).await;
    let open = |account: v1::NewAccount, request_id: &str| v1::OpenAccountRequest {
        request_id: request_id.to_owned(),
        account: Some(account),
    };
    let faulty = v1::NewAccount {
        currency_code: "euro".to_owned(),
        floor: "-1.x".to_owned(),
        holder_names: vec!["Ines Aerts".to_owned(), " Ines".to_owned()],
        identification_code: "#".to_owned(),
        ..account(ALFA, "BE68539007547035")
    };
    assert_fields(
        api.accounts().open_account(open(faulty, "café")).await.unwrap_err(),
        &[
            "request_id",
            "account.iban",
            "account.currency_code",
            "account.floor",
            "account.holder_names[1]",
            "account.identification_code",
        ],
    );
    let crowd = v1::NewAccount { holder_names: vec!["Ines".to_owned(); 5], ..account(ALFA, &belgian(1)) };
    let refused = api.accounts().open_account(open(crowd, &"r".repeat(65))).await.unwrap_err();
    assert_fields(refused, &["request_id", "account.holder_names"]);
    let entry = v1::PostEntryRequest {
        request_id: "entry".to_owned(),
        iban: belgian(1),
        amount: Some(v1::Money { amount: "1.234".to_owned(), currency_code: "EUR".to_owned() }),
        direction: 7,
        value_date: "2026-02-29".to_owned(),
        booking_key: "K".repeat(36),
        core_reference: "ü".to_owned(),
    };
    assert_fields(
        api.accounts().post_entry(entry).await.unwrap_err(),
        &["amount.amount", "direction", "value_date", "booking_key", "core_reference"],
    );
    for id in ["", "X", "0123456789012345678901234567890"] {
        assert_fields(api.by_id(id).await.unwrap_err(), &["payment_id"]);
    }
    let key = v1::Payment { acceptance_time: Some(ahead(Default::default())), ..payment("", "1.00") };
    assert_fields(api.by_key(&key).await.unwrap_err(), &["key.transaction_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_without_bytes_or_with_too_many_are_refused() {
    let node = Node::start().await;
    let api = node.api().await;
    for length in [0, client::limits::DOCUMENT_BYTES_MAX + 1] {
        let request = v1::Iso20022ServiceSubmitRequest { document: vec![b' '; length], wait_ms: None };
        assert_fields(api.iso20022().submit(request).await.unwrap_err(), &["document"]);
    }
}

/// Printable ASCII without blanks: what looks alike in a log file is the same.
#[tokio::test(flavor = "multi_thread")]
async fn request_ids_are_checked_by_every_call() {
    let node = Node::start().await;
    let api = node.api().await;
    for request_id in ["a blank", " ", "tab\t", "caf\u{e9}", &"r".repeat(65)] {
        let register = v1::RegisterParticipantRequest {
            request_id: request_id.to_owned(),
            bic: ALFA.to_owned(),
            name: "Bank Alfa".to_owned(),
            account_mode: v1::AccountMode::Hosted.into(),
            currency_code: "EUR".to_owned(),
        };
        assert_fields(api.participants().register_participant(register).await.unwrap_err(), &["request_id"]);
    }
}
