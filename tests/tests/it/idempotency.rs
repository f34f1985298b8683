//! Every writing call may be repeated: the same body gets the same answer, also from the next process on the
//! folder, and nothing is booked twice.

use std::time::Duration;

use client::v1;
use tests::{ALFA, Api, BETA, Node, World, account, ago, belgian, german, money, payment, settled, until};
use tonic::Code;

/// One of each writing call, with the answer that it gets.
async fn write_everything(api: &Api) -> Vec<(v1::Confirmation, String)> {
    let register = v1::RegisterParticipantRequest {
        request_id: "w-register".to_owned(),
        bic: "WRTEBEBBXXX".to_owned(),
        name: "Write Bank".to_owned(),
        account_mode: v1::AccountMode::Hosted.into(),
        currency_code: "EUR".to_owned(),
    };
    let register = api.participants().register_participant(register).await.unwrap().into_inner();
    let fund = v1::FundRequest {
        request_id: "w-fund".to_owned(),
        bic: "WRTEBEBBXXX".to_owned(),
        amount: Some(money("70.00")),
        external_reference: "W-1".to_owned(),
    };
    let fund = api.liquidity().fund(fund).await.unwrap().into_inner();
    let defund = v1::DefundRequest {
        request_id: "w-defund".to_owned(),
        bic: "WRTEBEBBXXX".to_owned(),
        amount: Some(money("20.00")),
        external_reference: "W-2".to_owned(),
    };
    let defund = api.liquidity().defund(defund).await.unwrap().into_inner();
    let bank_status = v1::SetParticipantStatusRequest {
        request_id: "w-bank-status".to_owned(),
        bic: "WRTEBEBBXXX".to_owned(),
        status: v1::ParticipantStatus::Suspended.into(),
    };
    let bank_status = api.participants().set_participant_status(bank_status).await.unwrap().into_inner();
    let mut answers = vec![
        (register.confirmation, String::new()),
        (fund.confirmation, fund.balance),
        (defund.confirmation, defund.balance),
        (bank_status.confirmation, String::new()),
    ];
    answers.extend(write_to_an_account(api).await);
    answers.into_iter().map(|(confirmation, balance)| (confirmation.unwrap(), balance)).collect()
}

async fn write_to_an_account(api: &Api) -> [(Option<v1::Confirmation>, String); 4] {
    let iban = belgian(77);
    let open = v1::OpenAccountRequest {
        request_id: "w-open".to_owned(),
        account: Some(account("WRTEBEBBXXX", &iban)),
    };
    let open = api.accounts().open_account(open).await.unwrap().into_inner();
    let post = v1::PostEntryRequest {
        request_id: "w-post".to_owned(),
        iban: iban.clone(),
        amount: Some(money("5.00")),
        direction: v1::EntryDirection::Credit.into(),
        value_date: "2026-11-23".to_owned(),
        booking_key: "SALARY".to_owned(),
        core_reference: "CORE-1".to_owned(),
    };
    let post = api.accounts().post_entry(post).await.unwrap().into_inner();
    let status = v1::SetAccountStatusRequest {
        request_id: "w-status".to_owned(),
        iban: iban.clone(),
        currency_code: "EUR".to_owned(),
        status: v1::AccountStatus::Blocked.into(),
    };
    let status = api.accounts().set_account_status(status).await.unwrap().into_inner();
    let floor = v1::SetAccountFloorRequest {
        request_id: "w-floor".to_owned(),
        iban,
        currency_code: "EUR".to_owned(),
        floor: "-1.00".to_owned(),
    };
    let floor = api.accounts().set_account_floor(floor).await.unwrap().into_inner();
    [
        (open.confirmation, String::new()),
        (post.confirmation, post.balance),
        (status.confirmation, String::new()),
        (floor.confirmation, String::new()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_writing_call_gets_its_first_answer_again_also_after_a_restart() {
    let node = Node::start().await;
    let api = node.api().await;
    let first = write_everything(&api).await;
    assert!(first.iter().all(|(confirmation, _)| !confirmation.repeat));
    let repeated: Vec<_> = first
        .iter()
        .map(|(confirmation, balance)| (v1::Confirmation { repeat: true, ..*confirmation }, balance.clone()))
        .collect();
    assert_eq!(write_everything(&api).await, repeated);
    let books = api.trial_balance().await.books;
    let node = node.restart().await;
    let api = node.api().await;
    assert_eq!(write_everything(&api).await, repeated);
    assert_eq!(api.trial_balance().await.books, books, "nothing was booked twice");
    assert_eq!(api.position("WRTEBEBBXXX").await, "50.00");
    assert_eq!(api.balance(&belgian(77)).await, "5.00");
}

/// A refusal is an answer as well: it stays, even when its cause has gone.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_remembered_also_after_a_restart() {
    let node = Node::start().await;
    let api = node.api().await;
    let open = v1::OpenAccountRequest {
        request_id: "too-early".to_owned(),
        account: Some(account(ALFA, &belgian(5))),
    };
    let refused = api.accounts().open_account(open.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    World::set_up(&api, 0).await;
    let node = node.restart().await;
    let api = node.api().await;
    let repeat = api.accounts().open_account(open.clone()).await.unwrap_err();
    assert_eq!((repeat.code(), repeat.message()), (refused.code(), refused.message()));
    assert_eq!(repeat.details(), refused.details());
    let fresh = v1::OpenAccountRequest { request_id: "in-time".to_owned(), ..open };
    api.accounts().open_account(fresh).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_are_the_same_after_a_restart() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let timed = v1::Payment { acceptance_time: Some(ago(Duration::from_secs(1))), ..payment("TX-2", "2.00") };
    let payments = [payment("TX-1", "1.00"), timed, payment("TX-3", "5000.00")];
    let mut outcomes = Vec::new();
    for payment in &payments {
        outcomes.push(api.submit(payment).await.unwrap());
    }
    let books = api.trial_balance().await.books;
    let node = node.restart().await;
    let api = node.api().await;
    for (payment, outcome) in payments.iter().zip(&outcomes) {
        let repeat = api.submit(payment).await.unwrap();
        assert_eq!(repeat, v1::PaymentOutcome { repeat: true, ..outcome.clone() });
        let changed = v1::Payment { amount: Some(money("9.99")), ..payment.clone() };
        assert_eq!(api.submit(&changed).await.unwrap().reason_code, "AM05");
        assert_eq!(tests::outcome_of(api.by_key(payment).await.unwrap()), *outcome);
        assert_eq!(tests::outcome_of(api.by_id(&outcome.payment_id).await.unwrap()), *outcome);
    }
    assert_eq!(api.trial_balance().await.books, books, "nothing was booked twice");
}

/// Many callers with the same payment at the same time: one of them is first, and money moves once.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_submitted_by_many_at_once_is_booked_once() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let attempts: Vec<_> = (0..64)
        .map(|_| {
            let api = api.clone();
            tokio::spawn(async move { api.submit(&payment("TX-1", "1.00")).await.unwrap() })
        })
        .collect();
    let mut outcomes = Vec::new();
    for attempt in attempts {
        outcomes.push(attempt.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| !outcome.repeat).count(), 1);
    let first = settled(outcomes[0].clone());
    assert!(outcomes.into_iter().all(|outcome| settled(outcome) == first));
    assert_eq!(api.balance(&german(1)).await, "1001.00");
}

/// The answer to a retry depends on nothing that has happened since.
#[tokio::test(flavor = "multi_thread")]
async fn settle_suspend_the_bank_let_the_deadline_pass_restart_retry_is_still_settled() {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    // Nearly all of its seven seconds are over when it comes. A machine that is too busy to settle it in what is
    // left tries with another one.
    let mut attempts = 0;
    let (id, first) = until("a payment settles just in time", async || {
        attempts += 1;
        let id = format!("TX-{attempts}");
        let accepted = Some(ago(Duration::from_millis(6800)));
        let outcome = api.submit(&v1::Payment { acceptance_time: accepted, ..payment(&id, "10.00") }).await;
        let outcome = outcome.unwrap();
        (outcome.status() == v1::PaymentStatus::Settled).then_some((id, outcome))
    })
    .await;
    let accepted = first.acceptance_time;
    let nearly_late = |id: &str| v1::Payment { acceptance_time: accepted, ..payment(id, "10.00") };

    world.set_bank_status(ALFA, v1::ParticipantStatus::Suspended, 1).await;
    world.set_bank_status(BETA, v1::ParticipantStatus::Suspended, 1).await;
    until("the deadline has passed in log time", async || {
        let never_sent = api.by_key(&nearly_late("TX-NEVER")).await.unwrap();
        matches!(never_sent, v1::get_payment_response::Result::NotFound(found) if found.r#final).then_some(())
    })
    .await;
    let node = node.restart().await;
    let api = node.api().await;

    let retry = api.submit(&nearly_late(&id)).await.unwrap();
    assert!(retry.repeat);
    assert_eq!(settled(retry), first);
    assert_eq!(api.balance(&german(1)).await, "1010.00");
    // Without an answer of its own, the same payment would be refused by now.
    assert_eq!(api.submit(&nearly_late("TX-OTHER")).await.unwrap().reason_code, "AG10");
}
