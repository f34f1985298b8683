//! Every reason for which a payment is REJECTED, from outside: the first rule that fails decides, the refusal is
//! logged, and it moves no money.
//!
//! FF01 belongs to documents and is in `iso`; AB07, AB08, AB10 and AB11 are about banks that decide, in `lifecycle`; RR04
//! and AM14 about customers, in `customers`. `reason_codes` holds all of them against the list.

use std::time::Duration;

use client::v1;
use tests::{
    ALFA, Api, BETA, MIXED, Node, World, account, ago, ahead, belgian, dutch, german, money, outcome_of,
    payment, settled, write_log_with_a_full_account,
};

/// The rules refuse the payment for this reason, and no money has moved.
async fn assert_rejected(api: &Api, payment: &v1::Payment, reason: &str) -> v1::PaymentOutcome {
    let settled_before = api.settled_count().await;
    let outcome = api.submit(payment).await.unwrap();
    assert_eq!(outcome.status(), v1::PaymentStatus::Rejected, "{}", payment.transaction_id);
    assert_eq!(outcome.reason_code, reason);
    assert!(!outcome.reason_text.is_empty());
    assert!(!outcome.repeat);
    let stored = outcome_of(api.by_id(&outcome.payment_id).await.unwrap());
    assert_eq!(stored, outcome, "the refusal is in the log");
    assert_eq!(api.settled_count().await, settled_before);
    outcome
}

/// The key of a refused payment is used up: the same body gets the same answer, another body AM05.
async fn assert_remembered(api: &Api, payment: &v1::Payment, outcome: &v1::PaymentOutcome) {
    let repeat = api.submit(payment).await.unwrap();
    assert_eq!(repeat, v1::PaymentOutcome { repeat: true, ..outcome.clone() });
    let changed = v1::Payment { amount: Some(money("0.77")), ..payment.clone() };
    assert_rejected(api, &changed, "AM05").await;
    assert_eq!(outcome_of(api.by_key(payment).await.unwrap()), *outcome);
}

async fn world() -> (Node, Api, World) {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    (node, api, world)
}

#[tokio::test(flavor = "multi_thread")]
async fn dnor_payers_bank_unknown() {
    let (_node, api, world) = world().await;
    let from_nowhere = v1::Payment { debtor_agent: MIXED.to_owned(), ..payment("TX-1", "1.00") };
    assert_rejected(&api, &from_nowhere, "DNOR").await;
    // Before the key: once the bank is there, the same payment is judged anew.
    world.register(MIXED, v1::AccountMode::Hosted).await;
    world.fund(MIXED, "10.00").await;
    assert_rejected(&api, &from_nowhere, "AC02").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn am05_key_used_with_another_body() {
    let (_node, api, _world) = world().await;
    let original = settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    let base = payment("TX-1", "1.00");
    let changed = [
        v1::Payment { amount: Some(money("1.01")), ..base.clone() },
        v1::Payment { creditor_account: german(2), ..base.clone() },
        v1::Payment { end_to_end_id: "E2E-OTHER".to_owned(), ..base.clone() },
        v1::Payment { creditor: Some(tests::party("Paula Brandt")), ..base.clone() },
        v1::Payment { purpose: "SALA".to_owned(), ..base.clone() },
        v1::Payment { acceptance_time: Some(ago(Duration::from_secs(1))), ..base.clone() },
        v1::Payment {
            remittance: Some(v1::payment::Remittance::Unstructured("Invoice 7".to_owned())),
            ..base.clone()
        },
    ];
    for changed in &changed {
        assert_rejected(&api, changed, "AM05").await;
    }
    // What belongs to the transport is no part of the body, and the key has its bank's full code.
    let resent = v1::Payment {
        debtor_agent: "ALFABEBB".to_owned(),
        message_id: "MSG-2".to_owned(),
        instruction_id: "INSTR-2".to_owned(),
        created_time: Some(ago(Duration::ZERO)),
        ..base.clone()
    };
    assert_eq!(settled(api.submit(&resent).await.unwrap()), original);
    let other_bank = v1::Payment {
        debtor_agent: BETA.to_owned(),
        debtor_account: german(1),
        creditor_agent: ALFA.to_owned(),
        creditor_account: belgian(1),
        ..base
    };
    assert_ne!(settled(api.submit(&other_bank).await.unwrap()).payment_id, original.payment_id);
    assert_eq!(api.settled_count().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn cnor_payees_bank_unknown() {
    let (_node, api, _world) = world().await;
    let to_nowhere = v1::Payment { creditor_agent: MIXED.to_owned(), ..payment("TX-1", "1.00") };
    let outcome = assert_rejected(&api, &to_nowhere, "CNOR").await;
    assert_remembered(&api, &to_nowhere, &outcome).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ag10_and_ag11_suspended_banks() {
    let (_node, api, world) = world().await;
    world.set_bank_status(ALFA, v1::ParticipantStatus::Suspended, 1).await;
    let outcome = assert_rejected(&api, &payment("TX-1", "1.00"), "AG10").await;
    world.set_bank_status(BETA, v1::ParticipantStatus::Suspended, 1).await;
    assert_rejected(&api, &payment("TX-2", "1.00"), "AG10").await;
    world.set_bank_status(ALFA, v1::ParticipantStatus::Active, 2).await;
    assert_rejected(&api, &payment("TX-3", "1.00"), "AG11").await;
    world.set_bank_status(BETA, v1::ParticipantStatus::Active, 2).await;
    settled(api.submit(&payment("TX-4", "1.00")).await.unwrap());
    assert_remembered(&api, &payment("TX-1", "1.00"), &outcome).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ab05_expired_on_arrival() {
    let (_node, api, _world) = world().await;
    let at = |id: &str, ago_ms| v1::Payment {
        acceptance_time: Some(ago(Duration::from_millis(ago_ms))),
        ..payment(id, "1.00")
    };
    let late = at("TX-1", 7000);
    let outcome = assert_rejected(&api, &late, "AB05").await;
    assert_eq!(outcome.acceptance_time, late.acceptance_time);
    assert_remembered(&api, &late, &outcome).await;
    settled(api.submit(&at("TX-2", 2000)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn dt01_accepted_in_the_future() {
    let (_node, api, _world) = world().await;
    let at = |id: &str, ahead_ms| v1::Payment {
        acceptance_time: Some(ahead(Duration::from_millis(ahead_ms))),
        ..payment(id, "1.00")
    };
    let early = at("TX-1", 60_000);
    let outcome = assert_rejected(&api, &early, "DT01").await;
    assert_remembered(&api, &early, &outcome).await;
    settled(api.submit(&at("TX-2", 500)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn ac01_and_ac02_unknown_accounts() {
    let (_node, api, world) = world().await;
    let to_unknown = v1::Payment { creditor_account: german(9), ..payment("TX-1", "1.00") };
    let outcome = assert_rejected(&api, &to_unknown, "AC01").await;
    let from_unknown = v1::Payment { debtor_account: belgian(9), ..payment("TX-2", "1.00") };
    assert_rejected(&api, &from_unknown, "AC02").await;
    let both = v1::Payment { creditor_account: german(9), ..from_unknown };
    assert_rejected(&api, &v1::Payment { transaction_id: "TX-3".to_owned(), ..both }, "AC01").await;
    // An account of another bank is none of this bank's.
    let elsewhere = v1::Payment { creditor_account: belgian(1), ..payment("TX-4", "1.00") };
    assert_rejected(&api, &elsewhere, "AC01").await;
    let elsewhere = v1::Payment { debtor_account: german(1), ..payment("TX-5", "1.00") };
    assert_rejected(&api, &elsewhere, "AC02").await;
    // Opening the account later changes nothing about what was decided.
    world.customer(BETA, &german(9)).await;
    assert_remembered(&api, &to_unknown, &outcome).await;
    settled(
        api.submit(&v1::Payment { creditor_account: german(9), ..payment("TX-6", "1.00") }).await.unwrap(),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ac04_closed_accounts() {
    let (_node, api, world) = world().await;
    for (bank, iban) in [(ALFA, belgian(2)), (BETA, german(2))] {
        world.open(account(bank, &iban)).await.unwrap();
        world.set_account_status(&iban, v1::AccountStatus::Closed).await.unwrap();
    }
    let to_closed = v1::Payment { creditor_account: german(2), ..payment("TX-1", "1.00") };
    assert_rejected(&api, &to_closed, "AC04").await;
    let from_closed = v1::Payment { debtor_account: belgian(2), ..payment("TX-2", "1.00") };
    assert_rejected(&api, &from_closed, "AC04").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ac06_blocked_accounts() {
    let (_node, api, world) = world().await;
    for (bank, iban) in [(ALFA, belgian(2)), (BETA, german(2))] {
        world.customer(bank, &iban).await;
        world.set_account_status(&iban, v1::AccountStatus::Blocked).await.unwrap();
    }
    let to_blocked = v1::Payment { creditor_account: german(2), ..payment("TX-1", "1.00") };
    let outcome = assert_rejected(&api, &to_blocked, "AC06").await;
    let from_blocked = v1::Payment { debtor_account: belgian(2), ..payment("TX-2", "1.00") };
    assert_rejected(&api, &from_blocked, "AC06").await;
    world.set_account_status(&german(2), v1::AccountStatus::Active).await.unwrap();
    assert_remembered(&api, &to_blocked, &outcome).await;
    settled(api.submit(&v1::Payment { transaction_id: "TX-3".to_owned(), ..to_blocked }).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn ag01_savings_accounts_and_the_same_account() {
    let (_node, api, world) = world().await;
    let savings = v1::AccountType::Savings.into();
    world.open(v1::NewAccount { r#type: savings, ..account(ALFA, &belgian(2)) }).await.unwrap();
    world.open(v1::NewAccount { r#type: savings, ..account(BETA, &german(2)) }).await.unwrap();
    let to_savings = v1::Payment { creditor_account: german(2), ..payment("TX-1", "1.00") };
    assert_rejected(&api, &to_savings, "AG01").await;
    let from_savings = v1::Payment { debtor_account: belgian(2), ..payment("TX-2", "1.00") };
    assert_rejected(&api, &from_savings, "AG01").await;
    let to_itself = v1::Payment {
        creditor_agent: ALFA.to_owned(),
        creditor_account: belgian(1),
        ..payment("TX-3", "1.00")
    };
    assert_rejected(&api, &to_itself, "AG01").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn am03_accounts_in_another_currency() {
    let (_node, api, world) = world().await;
    let dollar = |bank, iban: &str| v1::NewAccount { currency_code: "USD".to_owned(), ..account(bank, iban) };
    world.open(dollar(ALFA, &belgian(2))).await.unwrap();
    world.open(dollar(BETA, &german(2))).await.unwrap();
    let to_dollar = v1::Payment { creditor_account: german(2), ..payment("TX-1", "1.00") };
    assert_rejected(&api, &to_dollar, "AM03").await;
    let from_dollar = v1::Payment { debtor_account: belgian(2), ..payment("TX-2", "1.00") };
    assert_rejected(&api, &from_dollar, "AM03").await;
    // Both accounts are in dollar, and so is the payment, but the banks have no positions in dollar.
    let dollars = v1::Payment {
        amount: Some(v1::Money { amount: "1.00".to_owned(), currency_code: "USD".to_owned() }),
        creditor_account: german(2),
        debtor_account: belgian(2),
        ..payment("TX-3", "1.00")
    };
    assert_rejected(&api, &dollars, "AM03").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn am04_customer_without_funds() {
    let (_node, api, _world) = world().await;
    let outcome = assert_rejected(&api, &payment("TX-1", "1000.01"), "AM04").await;
    settled(api.submit(&payment("TX-2", "1000.00")).await.unwrap());
    assert_eq!(api.balance(&belgian(1)).await, "0.00");
    assert_rejected(&api, &payment("TX-3", "0.01"), "AM04").await;
    assert_remembered(&api, &payment("TX-1", "1000.01"), &outcome).await;
}

/// More money than a call can bring stands in the snapshot with which the node starts.
#[tokio::test(flavor = "multi_thread")]
async fn am02_account_can_not_hold_the_amount() {
    let folder = tempfile::tempdir().unwrap();
    write_log_with_a_full_account(folder.path(), 50);
    let node = Node::on(folder).await;
    let api = node.api().await;
    assert_rejected(&api, &payment("TX-1", "0.51"), "AM02").await;
    settled(api.submit(&payment("TX-2", "0.50")).await.unwrap());
    assert_rejected(&api, &payment("TX-3", "0.01"), "AM02").await;
    api.trial_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn am23_position_does_not_suffice() {
    let (_node, api, world) = world().await;
    world.register(MIXED, v1::AccountMode::Mixed).await;
    world.customer(MIXED, &dutch(1)).await;
    let from_unfunded =
        v1::Payment { debtor_agent: MIXED.to_owned(), debtor_account: dutch(1), ..payment("TX-1", "10.01") };
    let outcome = assert_rejected(&api, &from_unfunded, "AM23").await;
    world.fund(MIXED, "10.00").await;
    assert_remembered(&api, &from_unfunded, &outcome).await;
    let later = v1::Payment { transaction_id: "TX-2".to_owned(), ..from_unfunded };
    assert_rejected(&api, &later, "AM23").await;
    let smaller = v1::Payment { transaction_id: "TX-3".to_owned(), amount: Some(money("10.00")), ..later };
    settled(api.submit(&smaller).await.unwrap());
    assert_eq!(api.position(MIXED).await, "0.00");
    // The customer's funds come first.
    let poor = v1::Payment { transaction_id: "TX-4".to_owned(), amount: Some(money("5000.00")), ..smaller };
    assert_rejected(&api, &poor, "AM04").await;
}
