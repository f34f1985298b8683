//! The calls that are not done because of what they name or how things stand, one test for each row of the
//! table: NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, RESOURCE_EXHAUSTED, UNAVAILABLE.

use std::time::Duration;

use client::v1;
use ledger::Limits;
use server::ServerLimits;
use tests::{
    ALFA, BETA, GAMMA, MIXED, Node, World, account, ago, belgian, dutch, french, german, money, outcome_of,
    payment, settled, until,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The code, and the reason for programs.
#[track_caller]
fn assert_refused(refused: &Status, code: Code, reason: &str) {
    assert_eq!(refused.code(), code, "{refused:?}");
    assert!(!refused.message().is_empty());
    let details = refused.get_error_details();
    let info = details.error_info().expect("there is a reason for programs");
    assert_eq!((info.domain.as_str(), info.reason.as_str()), ("solvo", reason));
}

fn entry(request_id: &str, iban: &str, direction: v1::EntryDirection, amount: &str) -> v1::PostEntryRequest {
    v1::PostEntryRequest {
        request_id: request_id.to_owned(),
        iban: iban.to_owned(),
        amount: Some(money(amount)),
        direction: direction.into(),
        value_date: "2026-11-23".to_owned(),
        booking_key: "CARD".to_owned(),
        core_reference: "CORE-9".to_owned(),
    }
}

fn floor(request_id: &str, floor: &str) -> v1::SetAccountFloorRequest {
    v1::SetAccountFloorRequest {
        request_id: request_id.to_owned(),
        iban: belgian(1),
        currency_code: "EUR".to_owned(),
        floor: floor.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_participants_are_not_found() {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 0).await;
    let nobody = "NBDYBEBBXXX".to_owned();
    let refused = [
        api.participants()
            .get_participant(v1::GetParticipantRequest { bic: nobody.clone() })
            .await
            .unwrap_err(),
        api.participants()
            .set_participant_status(v1::SetParticipantStatusRequest {
                request_id: "status".to_owned(),
                bic: nobody.clone(),
                status: v1::ParticipantStatus::Suspended.into(),
            })
            .await
            .unwrap_err(),
        api.liquidity()
            .get_position(v1::GetPositionRequest { bic: nobody.clone(), currency_code: "EUR".to_owned() })
            .await
            .unwrap_err(),
        api.liquidity()
            .fund(v1::FundRequest {
                request_id: "fund".to_owned(),
                bic: nobody.clone(),
                amount: Some(money("1.00")),
                external_reference: "F-1".to_owned(),
            })
            .await
            .unwrap_err(),
        world.open(account(&nobody, &belgian(1))).await.unwrap_err(),
    ];
    for refused in &refused {
        assert_refused(refused, Code::NotFound, "PARTICIPANT_UNKNOWN");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_accounts_are_not_found() {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    let in_dollar = v1::GetAccountRequest { iban: belgian(1), currency_code: "USD".to_owned() };
    let refused = [
        api.accounts().get_account(in_dollar).await.unwrap_err(),
        world.post(&belgian(9), v1::EntryDirection::Credit, "1.00").await.unwrap_err(),
        world.set_account_status(&belgian(9), v1::AccountStatus::Blocked).await.unwrap_err(),
        api.accounts()
            .set_account_floor(v1::SetAccountFloorRequest { iban: belgian(9), ..floor("floor", "-1.00") })
            .await
            .unwrap_err(),
    ];
    for refused in &refused {
        assert_refused(refused, Code::NotFound, "ACCOUNT_UNKNOWN");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_in_other_currencies_are_not_found() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 0).await;
    let position = v1::GetPositionRequest { bic: ALFA.to_owned(), currency_code: "USD".to_owned() };
    let refused = api.liquidity().get_position(position).await.unwrap_err();
    assert_refused(&refused, Code::NotFound, "POSITION_UNKNOWN");
    let dollars = v1::Money { amount: "1.00".to_owned(), currency_code: "USD".to_owned() };
    let fund = v1::FundRequest {
        request_id: "dollars".to_owned(),
        bic: ALFA.to_owned(),
        amount: Some(dollars),
        external_reference: "F-USD".to_owned(),
    };
    assert_refused(&api.liquidity().fund(fund).await.unwrap_err(), Code::NotFound, "POSITION_UNKNOWN");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_already_exists() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let register = v1::RegisterParticipantRequest {
        request_id: "again".to_owned(),
        bic: "ALFABEBB".to_owned(),
        name: "Bank Alfa".to_owned(),
        account_mode: v1::AccountMode::Hosted.into(),
        currency_code: "EUR".to_owned(),
    };
    let refused = api.participants().register_participant(register).await.unwrap_err();
    assert_refused(&refused, Code::AlreadyExists, "PARTICIPANT_EXISTS");
    // The same account again, and the same number claimed by another bank in another currency.
    let dollars = v1::NewAccount { currency_code: "USD".to_owned(), ..account(BETA, &belgian(1)) };
    for (request_id, account) in [("again-1", account(ALFA, &belgian(1))), ("again-2", dollars)] {
        let open = v1::OpenAccountRequest { request_id: request_id.to_owned(), account: Some(account) };
        let refused = api.accounts().open_account(open).await.unwrap_err();
        assert_refused(&refused, Code::AlreadyExists, "ACCOUNT_EXISTS");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_is_for_one_request() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let credit = v1::EntryDirection::Credit;
    api.accounts().post_entry(entry("id-1", &belgian(1), credit, "1.00")).await.unwrap();
    let changed = [
        entry("id-1", &belgian(1), credit, "2.00"),
        entry("id-1", &german(1), credit, "1.00"),
        entry("id-1", &belgian(1), v1::EntryDirection::Debit, "1.00"),
        v1::PostEntryRequest {
            core_reference: "CORE-8".to_owned(),
            ..entry("id-1", &belgian(1), credit, "1.00")
        },
    ];
    for changed in changed {
        let refused = api.accounts().post_entry(changed).await.unwrap_err();
        assert_refused(&refused, Code::FailedPrecondition, "REQUEST_ID_REUSED");
    }
    // Nor for a request of another kind.
    let refused = api.accounts().set_account_floor(floor("id-1", "-1.00")).await.unwrap_err();
    assert_refused(&refused, Code::FailedPrecondition, "REQUEST_ID_REUSED");
    assert_eq!(api.balance(&belgian(1)).await, "1001.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_kept_where_the_participant_says() {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 0).await;
    world.register(GAMMA, v1::AccountMode::Remote).await;
    let refused = world.open(account(GAMMA, &french(1))).await.unwrap_err();
    assert_refused(&refused, Code::FailedPrecondition, "ACCOUNTS_NOT_HOSTED");
}

#[tokio::test(flavor = "multi_thread")]
async fn blocked_and_closed_accounts_take_no_entries() {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    world.set_account_status(&belgian(1), v1::AccountStatus::Blocked).await.unwrap();
    let credit = v1::EntryDirection::Credit;
    let refused = api.accounts().post_entry(entry("e-1", &belgian(1), credit, "1.00")).await.unwrap_err();
    assert_refused(&refused, Code::FailedPrecondition, "ACCOUNT_BLOCKED");
    let refused = world.set_account_status(&belgian(1), v1::AccountStatus::Closed).await.unwrap_err();
    assert_refused(&refused, Code::FailedPrecondition, "ACCOUNT_NOT_EMPTY");
    world.open(account(ALFA, &belgian(2))).await.unwrap();
    world.set_account_status(&belgian(2), v1::AccountStatus::Closed).await.unwrap();
    let refused = [
        api.accounts().post_entry(entry("e-2", &belgian(2), credit, "1.00")).await.unwrap_err(),
        world.set_account_status(&belgian(2), v1::AccountStatus::Active).await.unwrap_err(),
        api.accounts()
            .set_account_floor(v1::SetAccountFloorRequest { iban: belgian(2), ..floor("e-3", "-1.00") })
            .await
            .unwrap_err(),
    ];
    for refused in &refused {
        assert_refused(refused, Code::FailedPrecondition, "ACCOUNT_CLOSED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn funds_and_floors_are_kept() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let debit = v1::EntryDirection::Debit;
    let refused = api.accounts().post_entry(entry("e-1", &belgian(1), debit, "1000.01")).await.unwrap_err();
    assert_refused(&refused, Code::FailedPrecondition, "INSUFFICIENT_FUNDS");
    let refused = api.accounts().set_account_floor(floor("e-2", "1000.01")).await.unwrap_err();
    assert_refused(&refused, Code::FailedPrecondition, "FLOOR_ABOVE_AVAILABLE");
    let positive = v1::NewAccount { floor: "0.01".to_owned(), ..account(ALFA, &belgian(2)) };
    let open = v1::OpenAccountRequest { request_id: "e-3".to_owned(), account: Some(positive) };
    let refused = api.accounts().open_account(open).await.unwrap_err();
    assert_refused(&refused, Code::FailedPrecondition, "FLOOR_ABOVE_AVAILABLE");
    let defund = v1::DefundRequest {
        request_id: "e-4".to_owned(),
        bic: ALFA.to_owned(),
        amount: Some(money("1000000.01")),
        external_reference: "OUT-1".to_owned(),
    };
    let refused = api.liquidity().defund(defund).await.unwrap_err();
    assert_refused(&refused, Code::FailedPrecondition, "INSUFFICIENT_FUNDS");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_booking_counts_once() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 0).await;
    let fund = |request_id: &str, bic: &str| v1::FundRequest {
        request_id: request_id.to_owned(),
        bic: bic.to_owned(),
        amount: Some(money("7.00")),
        external_reference: "BOOKING-1".to_owned(),
    };
    api.liquidity().fund(fund("f-1", ALFA)).await.unwrap();
    let refused = api.liquidity().fund(fund("f-2", ALFA)).await.unwrap_err();
    assert_refused(&refused, Code::FailedPrecondition, "REFERENCE_REUSED");
    let v1::FundRequest { bic, amount, external_reference, .. } = fund("", ALFA);
    let defund = v1::DefundRequest { request_id: "f-3".to_owned(), bic, amount, external_reference };
    let refused = api.liquidity().defund(defund).await.unwrap_err();
    assert_refused(&refused, Code::FailedPrecondition, "REFERENCE_REUSED");
    // Another bank's bookings are numbered by another system.
    api.liquidity().fund(fund("f-4", BETA)).await.unwrap();
    assert_eq!(api.position(ALFA).await, "1000007.00");
}

/// A bank keeps accounts in a few currencies; the one after is refused.
#[tokio::test(flavor = "multi_thread")]
async fn currencies_of_a_bank_are_limited() {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 0).await;
    let mut refused = None;
    for (number, currency) in
        (1..).zip(["USD", "GBP", "CHF", "JPY", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF"])
    {
        let account =
            v1::NewAccount { currency_code: currency.to_owned(), ..account(ALFA, &belgian(number)) };
        refused = refused.or(world.open(account).await.err());
    }
    assert_refused(&refused.expect("there is a limit"), Code::FailedPrecondition, "CURRENCY_LIMIT");
    api.trial_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn remote_payees_without_a_connection_are_rejected() {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    world.register(GAMMA, v1::AccountMode::Remote).await;
    world.register(MIXED, v1::AccountMode::Mixed).await;
    world.customer(MIXED, &dutch(1)).await;
    node.until_grace_is_over().await;
    let to = |agent: &str, iban: String, number: u32| v1::Payment {
        creditor_agent: agent.to_owned(),
        creditor_account: iban,
        ..payment(&format!("TX-{number}"), "1.00")
    };
    for remote in [to(GAMMA, french(1), 1), to(MIXED, dutch(2), 2)] {
        let refused = api.submit(&remote).await.unwrap();
        assert_eq!(refused.status(), v1::PaymentStatus::Rejected);
        assert_eq!(refused.reason_code, "AB08");
    }
    // The account that the mixed bank keeps here is paid without asking.
    settled(api.submit(&to(MIXED, dutch(1), 3)).await.unwrap());
    assert_eq!(api.balance(&dutch(1)).await, "1001.00");
}

/// A remote payer's bank says when the clock started; then its payment settles.
#[tokio::test(flavor = "multi_thread")]
async fn remote_payers_bring_their_time_of_receipt() {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    world.register(GAMMA, v1::AccountMode::Remote).await;
    world.fund(GAMMA, "10.00").await;
    let from_remote =
        v1::Payment { debtor_agent: GAMMA.to_owned(), debtor_account: french(1), ..payment("TX-1", "4.00") };
    let refused = api.submit(&from_remote).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = refused.get_error_details();
    assert_eq!(details.bad_request().unwrap().field_violations[0].field, "payment.acceptance_time");
    let timed = v1::Payment { acceptance_time: Some(ago(Duration::from_millis(50))), ..from_remote };
    settled(api.submit(&timed).await.unwrap());
    assert_eq!(api.position(GAMMA).await, "6.00");
    assert_eq!(api.balance(&german(1)).await, "1004.00");
    api.trial_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_over_its_quota_is_told_when_to_come_back() {
    let node = Node::with_limits(ServerLimits { payments_per_bank: 0, ..ServerLimits::default() }).await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let refused = api.submit(&payment("TX-1", "1.00")).await.unwrap_err();
    assert_refused(&refused, Code::ResourceExhausted, "QUOTA_EXCEEDED");
    let delay = refused.get_error_details().retry_info().and_then(|info| info.retry_delay);
    assert!(delay.is_some_and(|delay| !delay.is_zero()), "{delay:?}");
    let answer = api.by_key(&payment("TX-1", "1.00")).await.unwrap();
    assert!(matches!(answer, v1::get_payment_response::Result::NotFound(_)), "nothing was logged");
    assert_eq!(api.settled_count().await, 0);
}

/// A node whose ledger is full takes nothing more, keeps what it has, and answers about it.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_node_says_so() {
    let node = Node::with_room(Limits { accounts_max: 64, payments_max: 3, requests_max: 64 }).await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let mut taken = Vec::new();
    let refused = until("the node is full", async || {
        match api.submit(&payment(&format!("TX-{}", taken.len()), "1.00")).await {
            Ok(outcome) => {
                taken.push(settled(outcome));
                None
            }
            Err(refused) => Some(refused),
        }
    })
    .await;
    assert_refused(&refused, Code::ResourceExhausted, "CAPACITY_EXHAUSTED");
    assert!(taken.len() >= 3);
    for outcome in &taken {
        assert_eq!(outcome_of(api.by_id(&outcome.payment_id).await.unwrap()), *outcome);
    }
    let node = node.restart().await;
    assert_eq!(node.api().await.settled_count().await, u64::try_from(taken.len()).unwrap());
}

/// A node that is stopping takes no more calls; a client that is connected hears so or loses the connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_node_takes_nothing() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let folder = node.stop().await;
    let refused = api.submit(&payment("TX-1", "1.00")).await.unwrap_err();
    let lost = [Code::Unavailable, Code::Unknown, Code::Cancelled, Code::Internal];
    assert!(lost.contains(&refused.code()), "{refused:?}");
    drop(folder);
}
