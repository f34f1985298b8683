//! From an empty folder to settled payments and books that sum to zero.

use client::v1;
use tests::{ALFA, BETA, Node, World, belgian, german, outcome_of, payment, settled};

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_settles_the_first_payments() {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 2).await;
    assert_eq!(api.balance(&belgian(1)).await, "1000.00");
    assert_eq!(api.position(ALFA).await, "1000000.00");

    let first = api.submit(&payment("TX-1", "12.34")).await.unwrap();
    assert_eq!(first.status(), v1::PaymentStatus::Settled);
    assert_eq!(first.durability(), v1::Durability::Local);
    assert_eq!((first.reason_code.as_str(), first.reason_text.as_str()), ("", ""));
    assert_eq!((first.debtor_agent.as_str(), first.transaction_id.as_str()), (ALFA, "TX-1"));
    assert_eq!(first.decided_sequence, first.sequence);
    assert!(first.acceptance_time.is_some());
    assert!(!first.repeat);
    assert!(!first.late);

    let repeat = api.submit(&payment("TX-1", "12.34")).await.unwrap();
    assert!(repeat.repeat);
    assert_eq!(settled(repeat), first);

    let refused = api.submit(&payment("TX-2", "5000.00")).await.unwrap();
    assert_eq!(refused.status(), v1::PaymentStatus::Rejected);
    assert_eq!(refused.reason_code, "AM04");
    assert_eq!(refused.reason_text, "the payer's funds do not suffice");

    // Money moves once: between the customers, and between the positions of their banks.
    assert_eq!(api.balance(&belgian(1)).await, "987.66");
    assert_eq!(api.balance(&german(1)).await, "1012.34");
    assert_eq!(api.position(ALFA).await, "999987.66");
    assert_eq!(api.position(BETA).await, "1000012.34");
    assert_eq!(outcome_of(api.by_id(&first.payment_id).await.unwrap()), first);

    let core = world.post(&belgian(2), v1::EntryDirection::Debit, "250.00").await.unwrap();
    assert_eq!(core, "750.00");
    let books = api.trial_balance().await;
    assert_eq!(books.books.len(), 3, "the settlement book and one of each bank");
    assert_eq!(api.settled_count().await, 1);
}

/// A payment within one bank moves no position.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_inside_one_bank_leaves_the_positions_alone() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 2).await;
    let inside = v1::Payment {
        creditor_agent: ALFA.to_owned(),
        creditor_account: belgian(2),
        ..payment("TX-1", "100.00")
    };
    settled(api.submit(&inside).await.unwrap());
    assert_eq!(api.balance(&belgian(1)).await, "900.00");
    assert_eq!(api.balance(&belgian(2)).await, "1100.00");
    assert_eq!(api.position(ALFA).await, "1000000.00");
    api.trial_balance().await;
}

/// Everything that can be read says up to where it includes everything, and reads its own writes.
#[tokio::test(flavor = "multi_thread")]
async fn reads_include_what_was_confirmed() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let outcome = api.submit(&payment("TX-1", "1.00")).await.unwrap();
    let elsewhere = node.api().await;
    let request = v1::GetAccountRequest { iban: german(1), currency_code: "EUR".to_owned() };
    let account = elsewhere.accounts().get_account(request).await.unwrap().into_inner();
    assert!(account.as_of_sequence >= outcome.sequence);
    let account = account.account.unwrap();
    assert_eq!((account.balance.as_str(), account.available.as_str()), ("1001.00", "1001.00"));
    assert_eq!((account.reserved.as_str(), account.held.as_str()), ("0.00", "0.00"));
    assert_eq!(account.participant, BETA);
    assert_eq!(account.status(), v1::AccountStatus::Active);
    assert_eq!(account.r#type(), v1::AccountType::Current);
    let request = v1::GetParticipantRequest { bic: "ALFABEBB".to_owned() };
    let bank = elsewhere.participants().get_participant(request).await.unwrap().into_inner();
    assert!(bank.as_of_sequence >= outcome.sequence);
    let bank = bank.participant.unwrap();
    assert_eq!((bank.bic.as_str(), bank.currency_code.as_str()), (ALFA, "EUR"));
    assert_eq!(bank.account_mode(), v1::AccountMode::Hosted);
    assert_eq!(bank.status(), v1::ParticipantStatus::Active);
}

/// An account with a negative floor may be overdrawn down to it, and no further.
#[tokio::test(flavor = "multi_thread")]
async fn a_floor_is_an_overdraft() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let request = |id: &str, floor: &str| v1::SetAccountFloorRequest {
        request_id: id.to_owned(),
        iban: belgian(1),
        currency_code: "EUR".to_owned(),
        floor: floor.to_owned(),
    };
    api.accounts().set_account_floor(request("floor-1", "-500.00")).await.unwrap();
    settled(api.submit(&payment("TX-1", "1500.00")).await.unwrap());
    let account = api.account(&belgian(1)).await;
    assert_eq!((account.balance.as_str(), account.floor.as_str()), ("-500.00", "-500.00"));
    let refused = api.submit(&payment("TX-2", "0.01")).await.unwrap();
    assert_eq!(refused.reason_code, "AM04");
    api.trial_balance().await;
}

/// Money that leaves a position is gone from it, and a position never goes below zero.
#[tokio::test(flavor = "multi_thread")]
async fn positions_are_funded_and_defunded() {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 0).await;
    let defund = |id: &str, amount: &str| v1::DefundRequest {
        request_id: id.to_owned(),
        bic: ALFA.to_owned(),
        amount: Some(tests::money(amount)),
        external_reference: id.to_owned(),
    };
    let reply = api.liquidity().defund(defund("OUT-1", "999999.99")).await.unwrap().into_inner();
    assert_eq!(reply.balance, "0.01");
    let refused = api.liquidity().defund(defund("OUT-2", "0.02")).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::FailedPrecondition);
    world.fund(ALFA, "5.00").await;
    assert_eq!(api.position(ALFA).await, "5.01");
    api.trial_balance().await;
}
