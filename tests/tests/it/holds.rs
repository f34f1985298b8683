//! Money that is set aside: held, paid out to several payees or to none, given back, and free again when its time is over.

use std::time::Duration;

use client::v1;
use tests::{ALFA, Api, BETA, Node, World, account, ago, ahead, belgian, german, money, payment, settled};
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::recalls::reason_of;
use crate::statements::{asked, check_schema, read, statement, today, until_told};
use crate::watch::Watcher;

async fn world() -> (Node, Api, World) {
    let node = Node::with_history().await;
    let api = node.api().await;
    let world = World::set_up(&api, 2).await;
    (node, api, world)
}

fn hold(id: &str, amount: &str, seconds: u64) -> v1::HoldRequest {
    v1::HoldRequest {
        request_id: id.to_owned(),
        iban: belgian(1),
        amount: Some(money(amount)),
        expiry_time: Some(ahead(Duration::from_secs(seconds))),
        reference: "CARD-1".to_owned(),
        note: "A room by the sea".to_owned(),
    }
}

async fn place(api: &Api, id: &str, amount: &str) -> v1::HoldResponse {
    api.holds().hold(hold(id, amount, 3600)).await.unwrap().into_inner()
}

fn capture(id: &str, hold_id: &str, legs: &[(&str, &str)], last: bool) -> v1::CaptureRequest {
    let leg = |(iban, amount): &(&str, &str)| v1::CaptureLeg {
        iban: (*iban).to_owned(),
        amount: Some(money(amount)),
        reference: "SHARE-1".to_owned(),
        remittance: "Your share".to_owned(),
    };
    v1::CaptureRequest {
        request_id: id.to_owned(),
        bic: ALFA.to_owned(),
        hold_id: hold_id.to_owned(),
        legs: legs.iter().map(leg).collect(),
        r#final: last,
    }
}

fn release(id: &str, hold_id: &str, amount: Option<&str>) -> v1::ReleaseRequest {
    v1::ReleaseRequest {
        request_id: id.to_owned(),
        bic: ALFA.to_owned(),
        hold_id: hold_id.to_owned(),
        amount: amount.map(money),
    }
}

async fn refusal_of(api: &Api, request: v1::CaptureRequest) -> (Code, String) {
    reason_of(&api.holds().capture(request).await.unwrap_err())
}

async fn get(api: &Api, hold_id: &str) -> Result<v1::AccountHold, Status> {
    let request = v1::GetHoldRequest { hold_id: hold_id.to_owned() };
    Ok(api.holds().get_hold(request).await?.into_inner().hold.unwrap())
}

async fn open_holds(api: &Api, iban: &str) -> Vec<v1::AccountHold> {
    let (iban, currency_code) = (iban.to_owned(), "EUR".to_owned());
    let request = v1::ListHoldsRequest { iban, currency_code, ..Default::default() };
    api.holds().list_holds(request).await.unwrap().into_inner().holds
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_paid_out_to_several_and_the_rest_is_free() {
    let (_node, api, _world) = world().await;
    let request = hold("hold", "600.00", 3600);
    let placed = api.holds().hold(request.clone()).await.unwrap().into_inner();
    assert_eq!(placed.held_on_account, "600.00");
    let again = api.holds().hold(request).await.unwrap().into_inner();
    assert!(again.confirmation.unwrap().repeat && again.hold_id == placed.hold_id);
    assert_eq!(api.account(&belgian(1)).await.available, "400.00");
    let refused = api.submit(&payment("TX-1", "400.01")).await.unwrap();
    assert_eq!(refused.reason_code, "AM04", "what is held is not there for payments");

    let found = get(&api, &placed.hold_id).await.unwrap();
    assert_eq!((found.iban, found.bic), (belgian(1), ALFA.to_owned()));
    assert_eq!((found.amount, found.held), (Some(money("600.00")), Some(money("600.00"))));
    assert_eq!((found.reference.as_str(), found.note.as_str()), ("CARD-1", "A room by the sea"));

    let legs = [(&*german(1), "200.00"), (&*german(2), "50.00"), (&*belgian(2), "50.00")];
    let paid = api.holds().capture(capture("pay", &placed.hold_id, &legs, false)).await.unwrap().into_inner();
    assert_eq!(paid.held, "300.00");
    let repeated =
        api.holds().capture(capture("pay", &placed.hold_id, &legs, false)).await.unwrap().into_inner();
    assert!(repeated.confirmation.unwrap().repeat && repeated.held == "300.00");
    for (iban, balance) in
        [(belgian(1), "700.00"), (german(1), "1200.00"), (german(2), "1050.00"), (belgian(2), "1050.00")]
    {
        assert_eq!(api.balance(&iban).await, balance);
    }
    assert_eq!([api.position(ALFA).await, api.position(BETA).await], ["999750.00", "1000250.00"]);

    let rest = release("part", &placed.hold_id, Some("100.00"));
    assert_eq!(api.holds().release(rest).await.unwrap().into_inner().held, "200.00");
    let last = capture("last", &placed.hold_id, &[(&german(1), "1.00")], true);
    assert_eq!(api.holds().capture(last).await.unwrap().into_inner().held, "0.00");
    assert_eq!(api.account(&belgian(1)).await.available, "699.00");
    assert_eq!(
        reason_of(&get(&api, &placed.hold_id).await.unwrap_err()),
        (Code::NotFound, "HOLD_UNKNOWN".into())
    );
    api.trial_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_payees_are_paid_or_none() {
    let (_node, api, world) = world().await;
    let hold_id = place(&api, "hold", "500.00").await.hold_id;
    let savings = v1::NewAccount { r#type: v1::AccountType::Savings.into(), ..account(BETA, &german(3)) };
    world.open(savings).await.unwrap();
    world.open(account(BETA, &german(4))).await.unwrap();
    world.set_account_status(&german(4), v1::AccountStatus::Closed).await.unwrap();
    world.open(account(BETA, &german(5))).await.unwrap();
    world.set_account_status(&german(5), v1::AccountStatus::Blocked).await.unwrap();
    world.open(account(BETA, &german(6))).await.unwrap();
    world.restrict(&german(6), true, 1).await;
    let first = german(1);
    for (number, payee, amount, code, reason) in [
        (1, german(9), "1.00", Code::NotFound, "ACCOUNT_UNKNOWN"),
        (2, german(3), "1.00", Code::FailedPrecondition, "ACCOUNT_KIND_NOT_ALLOWED"),
        (3, german(4), "1.00", Code::FailedPrecondition, "ACCOUNT_CLOSED"),
        (4, german(5), "1.00", Code::FailedPrecondition, "ACCOUNT_BLOCKED"),
        (5, german(6), "1.00", Code::FailedPrecondition, "ACCOUNT_RESTRICTED"),
        (6, belgian(1), "1.00", Code::FailedPrecondition, "PAYEE_IS_PAYER"),
        (7, german(2), "400.01", Code::FailedPrecondition, "ABOVE_HELD"),
    ] {
        let legs = [(&*first, "100.00"), (&*payee, amount)];
        let refused = refusal_of(&api, capture(&format!("no-{number}"), &hold_id, &legs, true)).await;
        assert_eq!(refused, (code, reason.to_owned()));
    }
    let both = [(&*first, "100.00"), (&*german(2), "1.00")];
    let mut of_another = capture("of-another", &hold_id, &both, true);
    of_another.bic = BETA.to_owned();
    assert_eq!(refusal_of(&api, of_another).await, (Code::NotFound, "HOLD_UNKNOWN".to_owned()));

    world.set_bank_status(BETA, v1::ParticipantStatus::Suspended, 1).await;
    let suspended = refusal_of(&api, capture("suspended", &hold_id, &both, true)).await;
    assert_eq!(suspended, (Code::FailedPrecondition, "PARTICIPANT_SUSPENDED".to_owned()));
    world.set_bank_status(BETA, v1::ParticipantStatus::Active, 2).await;

    world.restrict(&belgian(1), true, 2).await;
    let restricted = refusal_of(&api, capture("restricted", &hold_id, &both, true)).await;
    assert_eq!(restricted, (Code::FailedPrecondition, "ACCOUNT_RESTRICTED".to_owned()));
    world.restrict(&belgian(1), false, 3).await;

    assert_eq!(
        (api.balance(&first).await, api.balance(&german(2)).await),
        ("1000.00".into(), "1000.00".into())
    );
    assert_eq!(get(&api, &hold_id).await.unwrap().held, Some(money("500.00")), "the hold is as it was");
    api.holds().capture(capture("yes", &hold_id, &both, true)).await.unwrap();
    assert_eq!(
        (api.balance(&first).await, api.balance(&german(2)).await),
        ("1100.00".into(), "1001.00".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_are_refused_as_payments_would_be() {
    let (_node, api, world) = world().await;
    let refused = async |id: &str, request: v1::HoldRequest| {
        let request = v1::HoldRequest { request_id: id.to_owned(), ..request };
        reason_of(&api.holds().hold(request).await.unwrap_err()).1
    };
    assert_eq!(refused("above", hold("", "1000.01", 60)).await, "INSUFFICIENT_FUNDS");
    let unknown = v1::HoldRequest { iban: belgian(9), ..hold("", "1.00", 60) };
    assert_eq!(refused("unknown", unknown).await, "ACCOUNT_UNKNOWN");
    let past = v1::HoldRequest { expiry_time: Some(ago(Duration::from_secs(1))), ..hold("", "1.00", 60) };
    assert_eq!(refused("past", past).await, "HOLD_EXPIRY_NOT_ALLOWED");
    assert_eq!(refused("far", hold("", "1.00", 401 * 86_400)).await, "HOLD_EXPIRY_NOT_ALLOWED");
    world.restrict(&belgian(2), true, 1).await;
    let restricted = v1::HoldRequest { iban: belgian(2), ..hold("", "1.00", 60) };
    assert_eq!(refused("restricted", restricted).await, "ACCOUNT_RESTRICTED");

    // A second hold sees what the first has set aside, and an account that holds something stays open.
    let hold_id = place(&api, "first", "700.00").await.hold_id;
    assert_eq!(refused("second", hold("", "300.01", 60)).await, "INSUFFICIENT_FUNDS");
    world.post(&belgian(1), v1::EntryDirection::Debit, "300.00").await.unwrap();
    let posted = world.post(&belgian(1), v1::EntryDirection::Debit, "0.01").await.unwrap_err();
    assert_eq!(reason_of(&posted).1, "INSUFFICIENT_FUNDS");
    let closing = world.set_account_status(&belgian(1), v1::AccountStatus::Closed).await.unwrap_err();
    assert_eq!(reason_of(&closing).1, "ACCOUNT_NOT_EMPTY");

    let above = api.holds().release(release("above-held", &hold_id, Some("700.01"))).await.unwrap_err();
    assert_eq!(reason_of(&above).1, "ABOVE_HELD");
    api.holds().release(release("all", &hold_id, None)).await.unwrap();
    let gone = api.holds().release(release("twice", &hold_id, None)).await.unwrap_err();
    assert_eq!(reason_of(&gone), (Code::NotFound, "HOLD_UNKNOWN".to_owned()));
}

/// Also over a restart: a hold is in the log like everything else.
#[tokio::test(flavor = "multi_thread")]
async fn hold_outlives_a_restart_and_ends_at_its_time() {
    let (node, api, _world) = world().await;
    let mut watcher = Watcher::start(&api, v1::WatchRequest::default()).await;
    let short = api.holds().hold(hold("short", "10.00", 2)).await.unwrap().into_inner().hold_id;
    let event = loop {
        let event = watcher.next().await;
        if event.r#type() == v1::EventType::HoldExpired {
            break event;
        }
    };
    let expired = event.expired_hold.unwrap();
    assert_eq!((expired.hold_id.as_str(), expired.released), (&*short, Some(money("10.00"))));
    assert_eq!(event.participant, ALFA);
    let late = refusal_of(&api, capture("late", &short, &[(&german(1), "1.00")], true)).await;
    assert_eq!(late, (Code::NotFound, "HOLD_UNKNOWN".to_owned()));
    assert_eq!(api.account(&belgian(1)).await.available, "1000.00");

    let long = place(&api, "long", "20.00").await.hold_id;
    let other = place(&api, "other", "5.00").await.hold_id;
    drop((watcher, api));
    let node = node.restart().await;
    let api = node.api().await;
    let open: Vec<_> = open_holds(&api, &belgian(1)).await.into_iter().map(|hold| hold.hold_id).collect();
    assert_eq!(open, [long.clone(), other]);
    assert_eq!(api.account(&belgian(1)).await.available, "975.00");
    let paid = capture("paid", &long, &[(&german(1), "20.00")], false);
    assert_eq!(api.holds().capture(paid).await.unwrap().into_inner().held, "0.00");
    api.trial_balance().await;
    // Who watches from before is told of the hold that ended while nobody listened.
    let from = v1::WatchRequest { after_sequence: Some(0), ..Default::default() };
    let mut events = api.events().watch(from).await.unwrap().into_inner();
    loop {
        let message = events.message().await.unwrap().unwrap();
        if let Some(found) = message.events.into_iter().find_map(|event| event.expired_hold) {
            assert_eq!(found.hold_id, short);
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn captures_stand_in_entries_and_statements() {
    let (_node, api, _world) = world().await;
    settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    let hold_id = place(&api, "hold", "100.00").await.hold_id;
    let legs = [(&*german(1), "20.00"), (&*german(2), "30.00")];
    let paid = api.holds().capture(capture("pay", &hold_id, &legs, true)).await.unwrap().into_inner();
    let sequence = paid.confirmation.unwrap().sequence;
    until_told(&api, sequence).await;
    for (iban, changes) in [(belgian(1), vec![-2_000, -3_000]), (german(2), vec![3_000])] {
        let name = v1::AccountName { iban: iban.clone(), currency_code: "EUR".to_owned() };
        let owner = Some(v1::list_entries_request::Owner::Account(name));
        let request = v1::ListEntriesRequest { owner, oldest_first: true, ..Default::default() };
        let entries = api.history().list_entries(request).await.unwrap().into_inner().entries;
        let captured = entries.iter().filter(|entry| entry.r#type() == v1::EntryType::HoldCapture);
        let captured: Vec<_> = captured.collect();
        let amounts: Vec<_> = captured.iter().map(|entry| entry.amount.clone().unwrap().amount).collect();
        let expected = changes.iter().map(|change: &i64| format!("{}.00", change.abs() / 100));
        assert_eq!(amounts, expected.collect::<Vec<_>>());
        for entry in captured {
            assert_eq!(entry.sequence, sequence);
            assert_eq!((entry.reference.as_str(), entry.remittance.as_str()), ("SHARE-1", "Your share"));
        }
        let ask = async |form| {
            let owner = crate::statements::account(&iban);
            statement(&api, asked(owner, today(), form)).await.unwrap()
        };
        let document = ask(v1::StatementForm::Camt052).await;
        check_schema("camt.052.001.08", &document);
        let (_, entries) = read(&document);
        let change = |entry: &iso20022::StatementEntry| match entry.direction {
            iso20022::EntryDirection::Credit => entry.amount.minor_units(),
            iso20022::EntryDirection::Debit => -entry.amount.minor_units(),
        };
        let found: Vec<_> = entries.iter().map(change).collect();
        assert_eq!(found[found.len() - changes.len()..], changes);
        let csv = String::from_utf8(ask(v1::StatementForm::Csv).await).unwrap();
        assert_eq!(csv.matches(",HOLD_CAPTURE,").count(), changes.len(), "{csv}");
    }
}

/// The shares of a capture leave the position of the payer's bank together, or none does.
#[tokio::test(flavor = "multi_thread")]
async fn capture_needs_the_position_of_the_payers_bank() {
    let (_node, api, _world) = world().await;
    let hold_id = place(&api, "hold", "500.00").await.hold_id;
    let defund = v1::DefundRequest {
        request_id: "defund".to_owned(),
        bic: ALFA.to_owned(),
        amount: Some(money("999900.00")),
        external_reference: "DEFUND-1".to_owned(),
    };
    api.liquidity().defund(defund).await.unwrap();
    assert_eq!(api.position(ALFA).await, "100.00");
    let legs = [(&*german(1), "60.00"), (&*german(2), "40.01")];
    let refused = refusal_of(&api, capture("above", &hold_id, &legs, true)).await;
    assert_eq!(refused, (Code::FailedPrecondition, "POSITION_INSUFFICIENT".to_owned()));
    assert_eq!([api.balance(&german(1)).await, api.balance(&german(2)).await], ["1000.00", "1000.00"]);
    assert_eq!(get(&api, &hold_id).await.unwrap().held, Some(money("500.00")));
    // A share of the bank's own customer needs no position.
    let legs = [(&*german(1), "60.00"), (&*german(2), "40.00"), (&*belgian(2), "400.00")];
    api.holds().capture(capture("just", &hold_id, &legs, true)).await.unwrap();
    assert_eq!([api.position(ALFA).await, api.position(BETA).await], ["0.00", "1000100.00"]);
    api.trial_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn account_has_a_thousand_holds() {
    let (_node, api, _world) = world().await;
    for some in 0..20 {
        let mut holds = JoinSet::new();
        for number in 50 * some..50 * (some + 1) {
            let (mut client, request) = (api.holds(), hold(&format!("hold-{number}"), "0.01", 3600));
            holds.spawn(async move { client.hold(request).await });
        }
        assert!(holds.join_all().await.iter().all(Result::is_ok));
    }
    let one = open_holds(&api, &belgian(1)).await.swap_remove(0).hold_id;
    let refused = api.holds().hold(hold("above", "0.01", 3600)).await.unwrap_err();
    assert_eq!(reason_of(&refused), (Code::ResourceExhausted, "HOLD_LIMIT".to_owned()));
    api.holds().release(release("room", &one, None)).await.unwrap();
    place(&api, "again", "0.01").await;
}
