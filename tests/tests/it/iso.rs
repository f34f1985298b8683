//! Payments as ISO 20022 documents: every fixture of `tests/fixtures` comes to what its sidecar says.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use client::v1;
use iso20022::{Pacs008, Restamper, Rules, Status, read_pacs002, read_pacs008};
use tests::{Api, Node, money};
use types::{Iban, Timestamp};

/// A document, and what is expected of it.
struct Fixture {
    name: String,
    document: Vec<u8>,
    status: String,
    reason: Option<String>,
}

fn fixtures() -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pacs008");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "xml"));
    paths.sort();
    assert!(paths.len() >= 20, "{} fixtures", paths.len());
    let load = |path: &std::path::PathBuf| {
        let sidecar = fs::read(path.with_extension("expected.json")).unwrap();
        let sidecar: serde_json::Value = serde_json::from_slice(&sidecar).unwrap();
        Fixture {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            document: fs::read(path).unwrap(),
            status: sidecar["status"].as_str().unwrap().to_owned(),
            reason: sidecar["reason"].as_str().map(str::to_owned),
        }
    };
    paths.iter().map(load).collect()
}

fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_nanoseconds(i64::try_from(since_1970.as_nanos()).unwrap()).unwrap()
}

async fn submit(api: &Api, document: Vec<u8>) -> v1::Iso20022ServiceSubmitResponse {
    let request = v1::Iso20022ServiceSubmitRequest { document, wait_ms: None };
    api.iso20022().submit(request).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fixture_comes_to_what_its_sidecar_says() {
    let node = Node::start().await;
    let api = node.api().await;
    let fixtures = fixtures();
    demo_world(&api, &fixtures).await;
    let mut restamper = Restamper::new("E2E").unwrap();
    let mut answers = Vec::new();
    for fixture in &fixtures {
        let document = restamper.restamp(&fixture.document, now());
        let answer = submit(&api, document.clone()).await;
        check(fixture, &answer);
        answers.push((fixture, document, answer));
    }
    let repeats: Vec<&str> = answers
        .iter()
        .filter(|(_, _, answer)| answer.outcome.as_ref().is_some_and(|outcome| outcome.repeat))
        .map(|(fixture, ..)| fixture.name.as_str())
        .collect();
    let expected =
        ["26-repeat-of-default-namespace", "27-resent-with-other-message-id", "51-charges-shared-again"];
    assert_eq!(repeats, expected);
    api.trial_balance().await;

    let books = api.trial_balance().await.books;
    let node = node.restart().await;
    let api = node.api().await;
    for (fixture, document, first) in answers {
        let again = submit(&api, document).await;
        check(fixture, &again);
        let (Some(first), Some(again)) = (first.outcome, again.outcome) else { continue };
        // A refusal before the key is not remembered under it; everything else is.
        if !matches!(first.reason_code.as_str(), "DNOR" | "AM05") {
            assert_eq!(again, v1::PaymentOutcome { repeat: true, ..first }, "{}", fixture.name);
        }
    }
    assert_eq!(api.trial_balance().await.books, books, "nothing was booked twice");
}

/// A document and a message of the same payment are one payment.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_can_be_repeated_as_a_message() {
    let node = Node::start().await;
    let api = node.api().await;
    let fixtures = fixtures();
    demo_world(&api, &fixtures).await;
    let mut restamper = Restamper::new("E2E").unwrap();
    for fixture in fixtures.iter().filter(|fixture| fixture.status == "SETTLED") {
        let document = restamper.restamp(&fixture.document, now());
        let told = submit(&api, document.clone()).await.outcome.unwrap();
        let rules = Rules::sct_inst_2025(vec![now().date()]);
        let Ok(Pacs008::Order(order)) = read_pacs008(&document, &rules) else {
            panic!("{} is an order", fixture.name);
        };
        let payment = client::convert::payment_from_order(&order);
        let repeat = api.submit(&payment).await.unwrap();
        assert_eq!(repeat, v1::PaymentOutcome { repeat: true, ..told }, "{}", fixture.name);
        let changed = v1::Payment { amount: Some(money("0.02")), ..payment };
        assert_eq!(api.submit(&changed).await.unwrap().reason_code, "AM05", "{}", fixture.name);
    }
}

/// What was not taken leaves no trace: the mended document is decided under the same transaction id.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_was_not_taken_leaves_its_key_free() {
    let node = Node::start().await;
    let api = node.api().await;
    let fixtures = fixtures();
    demo_world(&api, &fixtures).await;
    let before = api.trial_balance().await.payments;
    let whole = Restamper::new("E2E").unwrap().restamp(&fixtures[0].document, now());
    let cut = whole[..whole.len() / 2].to_vec();
    let answer = submit(&api, cut).await;
    assert_eq!(answer.message_name, "admi.002.001.01");
    assert_eq!(api.trial_balance().await.payments, before);
    let answer = submit(&api, whole).await.outcome.unwrap();
    assert_eq!(answer.status(), v1::PaymentStatus::Settled);
    assert!(!answer.repeat);
}

#[track_caller]
fn check(fixture: &Fixture, answer: &v1::Iso20022ServiceSubmitResponse) {
    let name = &fixture.name;
    let Some(outcome) = &answer.outcome else {
        assert_eq!(fixture.status, "NOT_TAKEN", "{name}");
        assert_eq!(answer.message_name, "admi.002.001.01", "{name}");
        let document = std::str::from_utf8(&answer.document).unwrap();
        assert!(document.contains("urn:iso:std:iso:20022:tech:xsd:admi.002.001.01"), "{name}");
        return;
    };
    assert_eq!(outcome.status().as_str_name(), format!("PAYMENT_STATUS_{}", fixture.status), "{name}");
    assert_eq!(outcome.reason_code, fixture.reason.clone().unwrap_or_default(), "{name}");
    assert_eq!(answer.message_name, "pacs.002.001.10", "{name}");
    let report = read_pacs002(&answer.document).unwrap_or_else(|fault| panic!("{name}: {fault:?}"));
    assert_eq!(report.original_transaction_id.as_ref().unwrap().as_str(), outcome.transaction_id, "{name}");
    assert_eq!(report.debtor_agent.unwrap().to_string(), outcome.debtor_agent, "{name}");
    match report.status {
        Status::Accepted => assert_eq!(fixture.status, "SETTLED", "{name}"),
        Status::Rejected { reason, .. } => {
            assert_eq!(Some(reason.as_str()), fixture.reason.as_deref(), "{name}")
        }
    }
}

/// The banks of the fixtures, and those of their customers that occur in a document. `tests/fixtures/README.md`
/// is the table that this follows.
async fn demo_world(api: &Api, fixtures: &[Fixture]) {
    let documents: String =
        fixtures.iter().map(|fixture| String::from_utf8_lossy(&fixture.document)).collect();
    for bic in ["SLVOBEBBXXX", "SLVODEFFXXX", "SLVOFRPPXXX"] {
        let register = v1::RegisterParticipantRequest {
            request_id: format!("register-{bic}"),
            bic: bic.to_owned(),
            name: format!("Bank {bic}"),
            account_mode: v1::AccountMode::Hosted.into(),
            currency_code: "EUR".to_owned(),
        };
        api.participants().register_participant(register).await.unwrap();
        let fund = v1::FundRequest {
            request_id: format!("fund-{bic}"),
            bic: bic.to_owned(),
            amount: Some(money("100000000.00")),
            external_reference: "FUND-1".to_owned(),
        };
        api.liquidity().fund(fund).await.unwrap();
        let customers = (1..=1000).map(|customer| (customer, iban(&bic[4..6], customer)));
        for (customer, iban) in customers.filter(|(_, iban)| documents.contains(iban)) {
            open(api, bic, customer, &iban).await;
        }
    }
}

async fn open(api: &Api, bic: &str, customer: u64, iban: &str) {
    let account = tests::account(bic, iban);
    let account = match customer {
        994 => v1::NewAccount { r#type: v1::AccountType::Savings.into(), ..account },
        995 => v1::NewAccount { currency_code: "USD".to_owned(), ..account },
        _ => account,
    };
    let currency_code = account.currency_code.clone();
    let open = v1::OpenAccountRequest { request_id: format!("open-{iban}"), account: Some(account) };
    api.accounts().open_account(open).await.unwrap();
    let opening_balance = match customer {
        991 | 992 => None,
        996 => Some("900000000.00"),
        _ => Some("10000.00"),
    };
    if let Some(amount) = opening_balance {
        let post = v1::PostEntryRequest {
            request_id: format!("post-{iban}"),
            iban: iban.to_owned(),
            amount: Some(v1::Money { amount: amount.to_owned(), currency_code: currency_code.clone() }),
            direction: v1::EntryDirection::Credit.into(),
            value_date: "2026-11-23".to_owned(),
            booking_key: "OPENING".to_owned(),
            core_reference: "CORE-1".to_owned(),
        };
        api.accounts().post_entry(post).await.unwrap();
    }
    let status = BTreeMap::from([(992, v1::AccountStatus::Closed), (993, v1::AccountStatus::Blocked)]);
    if let Some(status) = status.get(&customer) {
        let set = v1::SetAccountStatusRequest {
            request_id: format!("status-{iban}"),
            iban: iban.to_owned(),
            currency_code,
            status: (*status).into(),
        };
        api.accounts().set_account_status(set).await.unwrap();
    }
}

/// The account number of a customer, with the check digits of its country inside.
fn iban(country: &str, customer: u64) -> String {
    let body = match country {
        "BE" => {
            let number = 5_390_000_000 + customer;
            format!("{number}{:02}", if number.is_multiple_of(97) { 97 } else { number % 97 })
        }
        "DE" => format!("50099900{customer:010}"),
        _ => {
            let key = 97 - (89 * 19_990 + 15 + 3 * customer) % 97;
            format!("1999000001{customer:011}{key:02}")
        }
    };
    Iban::with_check_digits(country, &body).unwrap().as_str().to_owned()
}

/// The table in `tests/fixtures/README.md` and this file number accounts alike.
#[test]
fn accounts_are_numbered_as_the_fixtures_say() {
    assert_eq!(iban("BE", 1), "BE04539000000131");
    assert_eq!(iban("DE", 1), "DE58500999000000000001");
}
