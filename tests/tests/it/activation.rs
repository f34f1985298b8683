//! Which accounts take part, while a bank moves here: every way in respects it, and a switch is exact at its place in the
//! log, whatever is under way.

use std::collections::BTreeMap;

use client::v1;
use client::v1::get_payment_response::Result as Answer;
use client::v1::payment_result::Result as Told;
use iso20022::{Message, read_message};

use tests::{ALFA, Api, BETA, Node, World, belgian, document, german, money, payment, settled};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use crate::recalls::reason_of;
use crate::watch::Watcher;

async fn world(customers: u32) -> (Node, Api, World) {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, customers).await;
    (node, api, world)
}

fn switch(id: &str, bic: &str, ends: Option<(&str, &str)>, is_active: bool) -> v1::SetActivationRequest {
    let activation = if is_active { v1::Activation::Active } else { v1::Activation::Inactive };
    v1::SetActivationRequest {
        request_id: id.to_owned(),
        bic: bic.to_owned(),
        range: ends.map(|(first, last)| v1::AccountRange {
            country_code: first[..2].to_owned(),
            first_number: first[4..].to_owned(),
            last_number: last[4..].to_owned(),
        }),
        activation: activation.into(),
        reason: "The bank moves".to_owned(),
    }
}

/// Switches, and says at which position of the log.
async fn set(api: &Api, request: v1::SetActivationRequest) -> Result<u64, Status> {
    Ok(api.activation().set_activation(request).await?.into_inner().confirmation.unwrap().sequence)
}

async fn get(api: &Api, bic: &str) -> v1::GetActivationResponse {
    let request = v1::GetActivationRequest { bic: bic.to_owned() };
    api.activation().get_activation(request).await.unwrap().into_inner()
}

async fn refused(api: &Api, payment: &v1::Payment) -> (Code, String) {
    reason_of(&api.submit(payment).await.unwrap_err())
}

fn not_active() -> (Code, String) {
    (Code::FailedPrecondition, "ACCOUNT_NOT_ACTIVE".to_owned())
}

/// The results of these payments, sent in one message of a stream, by their places.
async fn stream(api: &Api, payments: &[v1::Payment]) -> BTreeMap<u64, Told> {
    let submissions = (0..)
        .zip(payments)
        .map(|(caller_id, payment)| v1::PaymentSubmission { caller_id, payment: Some(payment.clone()) });
    let (sender, outbound) = mpsc::channel(1);
    sender.send(v1::SubmitPaymentsRequest { payments: submissions.collect() }).await.unwrap();
    drop(sender);
    let mut replies =
        api.payments().submit_payments(ReceiverStream::new(outbound)).await.unwrap().into_inner();
    let mut results = BTreeMap::new();
    while let Some(reply) = replies.message().await.unwrap() {
        results.extend(reply.results.into_iter().map(|result| (result.caller_id, result.result.unwrap())));
    }
    results
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_of_an_inactive_bank_are_not_taken_on_any_way_in_and_can_be_sent_again() {
    let (node, api, _world) = world(2).await;
    let before = settled(api.submit(&payment("TX-0", "1.00")).await.unwrap());
    set(&api, switch("off", ALFA, None, false)).await.unwrap();
    let payments = ["TX-1", "TX-2", "TX-3"].map(|id| payment(id, "1.00"));
    assert_eq!(refused(&api, &payments[0]).await, not_active());
    let results = stream(&api, &payments).await;
    for place in 0..3 {
        let Told::NotTaken(not_taken) = &results[&place] else { panic!("{results:?}") };
        assert_eq!(not_taken.reason(), v1::ErrorReason::AccountNotActive);
        assert_eq!(not_taken.code, i32::from(Code::FailedPrecondition));
    }
    let request = v1::Iso20022ServiceSubmitRequest { document: document(&payments[2]), wait_ms: None };
    let answered = api.iso20022().submit(request).await.unwrap().into_inner();
    let rules = iso20022::Rules::sct_inst_2025(Vec::new());
    let Message::Rejection(rejection) = read_message(&answered.document, &rules).unwrap().message else {
        panic!("{answered:?}")
    };
    assert_eq!(rejection.reason.as_str(), "ACCOUNT_NOT_ACTIVE");
    assert!(matches!(api.by_key(&payments[0]).await.unwrap(), Answer::NotFound(_)));

    let again = api.submit(&payment("TX-0", "1.00")).await.unwrap();
    assert!(again.repeat && again.payment_id == before.payment_id, "what was decided is answered");
    let to_it = v1::Payment {
        debtor_agent: BETA.to_owned(),
        creditor_agent: ALFA.to_owned(),
        ..payment("TX-4", "1.00")
    };
    let to_it = v1::Payment { debtor_account: german(1), creditor_account: belgian(1), ..to_it };
    assert_eq!(refused(&api, &to_it).await, not_active());

    let node = node.restart().await;
    let api = node.api().await;
    assert_eq!(refused(&api, &payments[0]).await, not_active(), "a switch outlasts a restart");
    set(&api, switch("on", ALFA, None, true)).await.unwrap();
    for payment in &payments {
        settled(api.submit(payment).await.unwrap());
    }
    assert_eq!(api.settled_count().await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_switched_shown_and_watched() {
    let (_node, api, _world) = world(3).await;
    let mut watcher = Watcher::start(&api, v1::WatchRequest::default()).await;
    let sequence = set(&api, switch("branch", ALFA, Some((&belgian(2), &belgian(9))), false)).await.unwrap();
    let event = watcher.next().await;
    assert_eq!((event.sequence, event.alert()), (sequence, v1::AlertKind::Activation));
    assert_eq!(event.participant, ALFA);
    settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    let of_the_branch = v1::Payment { debtor_account: belgian(2), ..payment("TX-2", "1.00") };
    assert_eq!(refused(&api, &of_the_branch).await, not_active());
    let shown = get(&api, ALFA).await;
    assert_eq!((shown.activation(), shown.switch_count), (v1::Activation::Active, 1));
    let [range] = &shown.exceptions[..] else { panic!("{shown:?}") };
    assert_eq!((&range.first_number[..], &range.last_number[..]), (&belgian(2)[4..], &belgian(9)[4..]));

    // The whole bank leaves, but for the branch.
    set(&api, switch("all", ALFA, None, false)).await.unwrap();
    set(&api, switch("back", ALFA, Some((&belgian(2), &belgian(9))), true)).await.unwrap();
    settled(api.submit(&of_the_branch).await.unwrap());
    assert_eq!(refused(&api, &payment("TX-3", "1.00")).await, not_active());
    assert_eq!(get(&api, ALFA).await.activation(), v1::Activation::Inactive);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_switch_is_refused_by_its_field() {
    let (_node, api, _world) = world(1).await;
    let (code, reason) = reason_of(&set(&api, switch("1", "NOBKBEBBXXX", None, false)).await.unwrap_err());
    assert_eq!((code, reason.as_str()), (Code::NotFound, "PARTICIPANT_UNKNOWN"));
    let range = |country: &str, first: &str, last: &str| v1::SetActivationRequest {
        range: Some(v1::AccountRange {
            country_code: country.to_owned(),
            first_number: first.to_owned(),
            last_number: last.to_owned(),
        }),
        ..switch("2", ALFA, None, false)
    };
    let unsaid = v1::SetActivationRequest { activation: 0, ..switch("2", ALFA, None, false) };
    let no_reason = v1::SetActivationRequest { reason: String::new(), ..switch("2", ALFA, None, false) };
    for (request, field) in [
        (unsaid, "activation"),
        (no_reason, "reason"),
        (range("XX", "1", "2"), "range.country_code"),
        (range("BE", "1", "539999999999"), "range.first_number"),
        (range("BE", "539000000000", "2"), "range.last_number"),
        (range("BE", "539000000000", "539000000000"), "range.last_number"),
        (range("BE", "53900000000A", "53900000000B"), "range.first_number"),
    ] {
        let status = set(&api, request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = tonic_types::StatusExt::get_details_bad_request(&status).unwrap();
        assert_eq!(details.field_violations[0].field, field);
    }
    assert_eq!(get(&api, ALFA).await.switch_count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_respect_it_and_repeats_are_answered() {
    let (_node, api, _world) = world(2).await;
    let hold = |id: &str| v1::HoldRequest {
        request_id: id.to_owned(),
        iban: belgian(1),
        amount: Some(money("5.00")),
        expiry_time: Some(tests::ahead(std::time::Duration::from_secs(3600))),
        reference: "CARD-1".to_owned(),
        note: String::new(),
    };
    let request = hold("hold");
    let placed = api.holds().hold(request.clone()).await.unwrap().into_inner();
    set(&api, switch("off", ALFA, None, false)).await.unwrap();
    let again = api.holds().hold(request).await.unwrap().into_inner();
    assert_eq!(again.hold_id, placed.hold_id);
    assert_eq!(reason_of(&api.holds().hold(hold("new")).await.unwrap_err()), not_active());
    let capture = |id: &str, iban: String| v1::CaptureRequest {
        request_id: id.to_owned(),
        bic: ALFA.to_owned(),
        hold_id: placed.hold_id.clone(),
        legs: vec![v1::CaptureLeg {
            iban,
            amount: Some(money("1.00")),
            reference: "SHARE-1".to_owned(),
            remittance: String::new(),
        }],
        r#final: false,
    };
    let to_inactive = api.holds().capture(capture("capture-1", belgian(2))).await.unwrap_err();
    assert_eq!(reason_of(&to_inactive), not_active());
    api.holds().capture(capture("capture-2", german(1))).await.unwrap();
    assert_eq!(api.account(&belgian(1)).await.balance, "999.00", "what was set aside is paid out");
}

/// Switches to and fro while payments stream in: each payment is decided once, by what held at its place in the log.
#[tokio::test(flavor = "multi_thread")]
async fn no_payment_is_decided_while_its_account_takes_no_part() {
    let (_node, api, _world) = world(2).await;
    const ROUNDS: u32 = 40;
    const AT_ONCE: u32 = 100;
    let switching = {
        let api = api.clone();
        async move {
            let mut inactive = Vec::new();
            for round in 0..ROUNDS {
                let range = (round % 2 == 0).then(|| (belgian(1), belgian(5)));
                let ends = range.as_ref().map(|(first, last)| (&first[..], &last[..]));
                let off = set(&api, switch(&format!("off-{round}"), ALFA, ends, false)).await.unwrap();
                let on = set(&api, switch(&format!("on-{round}"), ALFA, ends, true)).await.unwrap();
                inactive.push(off..on);
            }
            inactive
        }
    };
    let paying = {
        let api = api.clone();
        async move {
            let (mut settled, mut refused) = (Vec::new(), Vec::new());
            for round in 0..ROUNDS {
                let payments: Vec<_> =
                    (0..AT_ONCE).map(|number| payment(&format!("TX-{round}-{number}"), "0.01")).collect();
                for (place, told) in stream(&api, &payments).await {
                    match told {
                        Told::Outcome(outcome) => settled.push(tests::settled(outcome).sequence),
                        Told::NotTaken(not_taken) => {
                            assert_eq!(not_taken.reason(), v1::ErrorReason::AccountNotActive);
                            refused.push(payments[usize::try_from(place).unwrap()].clone());
                        }
                    }
                }
            }
            (settled, refused)
        }
    };
    let (inactive, (decided, refused)) = tokio::join!(switching, paying);
    for sequence in &decided {
        let within = inactive.iter().find(|range| range.contains(sequence));
        assert!(within.is_none(), "payment {sequence} was decided within {within:?}");
    }
    for payment in &refused {
        settled(api.submit(payment).await.unwrap());
    }
    let sent = u64::from(ROUNDS * AT_ONCE);
    assert_eq!(api.settled_count().await, sent);
    assert_eq!(decided.len() + refused.len(), usize::try_from(sent).unwrap());
    assert_eq!(api.balance(&belgian(1)).await, "960.00");
    api.trial_balance().await;
}
