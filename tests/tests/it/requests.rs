//! Requests to pay: made, shown, accepted and paid; refused, taken back and over; by documents; and both banks hear of it.

use std::time::Duration;

use client::v1;
use iso20022::{ActivationRequest, ActivationStatus, Moment, RequestedPayment, read_pain014, write_pain013};
use tests::{ALFA, Api, BETA, Node, World, ahead, belgian, german, money, payment, until};
use tonic::{Code, Status};
use types::{Amount, Bic, Iban, Party, Text};

use crate::packages::{EARLY, LATE, early_day, set_clock};
use crate::recalls::reason_of;
use crate::watch::Watcher;

async fn world() -> (Node, Api, World) {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 2).await;
    (node, api, world)
}

/// Customer 1 of BETA asks customer 1 of ALFA, whose bank is not named.
fn create(request_id: &str, amount: &str, seconds: u64) -> v1::CreateRequestToPayRequest {
    let asked = v1::Payment {
        transaction_id: String::new(),
        debtor_agent: String::new(),
        remittance: Some(v1::payment::Remittance::Unstructured("Invoice 7".to_owned())),
        ..payment("7", amount)
    };
    v1::CreateRequestToPayRequest {
        request_id: request_id.to_owned(),
        payment: Some(asked),
        expiry_time: Some(ahead(Duration::from_secs(seconds))),
        pay_by_date: String::new(),
        invoice_number: "2026/7".to_owned(),
        invoice_link: "https://payee.example/invoices/7".to_owned(),
    }
}

async fn made(api: &Api, request_id: &str, amount: &str) -> String {
    let request = create(request_id, amount, 3600);
    api.requests().create_request_to_pay(request).await.unwrap().into_inner().request_to_pay_id
}

async fn get(api: &Api, id: &str) -> Result<v1::RequestToPay, Status> {
    let request = v1::GetRequestToPayRequest { request_to_pay_id: id.to_owned() };
    Ok(api.requests().get_request_to_pay(request).await?.into_inner().request_to_pay.unwrap())
}

async fn until_status(api: &Api, id: &str, status: v1::RequestToPayStatus) -> v1::RequestToPay {
    until("the request has got on", async || {
        Some(get(api, id).await.unwrap()).filter(|request| request.status() == status)
    })
    .await
}

fn accept(request_id: &str, id: &str) -> v1::AcceptRequestToPayRequest {
    v1::AcceptRequestToPayRequest {
        request_id: request_id.to_owned(),
        request_to_pay_id: id.to_owned(),
        ..Default::default()
    }
}

async fn present(api: &Api, request_id: &str, id: &str) -> Result<(), Status> {
    let (request_id, request_to_pay_id) = (request_id.to_owned(), id.to_owned());
    let request = v1::PresentRequestToPayRequest { request_id, request_to_pay_id };
    api.requests().present_request_to_pay(request).await.map(|_| ())
}

async fn refuse(api: &Api, request_id: &str, id: &str) -> Result<(), Status> {
    let (request_id, request_to_pay_id) = (request_id.to_owned(), id.to_owned());
    let request = v1::RefuseRequestToPayRequest { request_id, request_to_pay_id, reason: "AG01".to_owned() };
    api.requests().refuse_request_to_pay(request).await.map(|_| ())
}

async fn cancel(api: &Api, request_id: &str, id: &str) -> Result<(), Status> {
    let (request_id, request_to_pay_id) = (request_id.to_owned(), id.to_owned());
    let request = v1::CancelRequestToPayRequest { request_id, request_to_pay_id };
    api.requests().cancel_request_to_pay(request).await.map(|_| ())
}

async fn report(api: &Api, id: &str) -> iso20022::RequestReport {
    let request = v1::GetRequestToPayReportRequest { request_to_pay_id: id.to_owned() };
    let report = api.requests().get_request_to_pay_report(request).await.unwrap().into_inner().report;
    read_pain014(&report).unwrap().requests.remove(0)
}

/// The steps of requests that a watcher hears, up to and with this one.
async fn steps(watcher: &mut Watcher, last: v1::RequestToPayStep) -> Vec<v1::RequestToPayEvent> {
    let mut heard = Vec::new();
    loop {
        let event = watcher.next().await;
        let Some(told) = event.request_to_pay else { continue };
        heard.push(told);
        if heard.last().is_some_and(|told| told.step() == last) {
            return heard;
        }
    }
}

fn of_bank(bic: &str) -> v1::WatchRequest {
    v1::WatchRequest {
        participants: vec![bic.to_owned()],
        types: vec![v1::EventType::RequestToPay.into()],
        ..Default::default()
    }
}

fn fault(status: &Status) -> (Code, String) {
    reason_of(status)
}

fn precondition(reason: &str) -> (Code, String) {
    (Code::FailedPrecondition, reason.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_shown_accepted_and_paid_and_both_sides_hear_of_it() {
    let (_node, api, _world) = world().await;
    let mut payees = Watcher::start(&api, of_bank(BETA)).await;
    let mut payers = Watcher::start(&api, of_bank(ALFA)).await;
    let request = create("ask", "45.90", 3600);
    let reply = api.requests().create_request_to_pay(request.clone()).await.unwrap().into_inner();
    let again = api.requests().create_request_to_pay(request).await.unwrap().into_inner();
    let id = reply.request_to_pay_id;
    assert!(again.confirmation.unwrap().repeat && again.request_to_pay_id == id);
    let told = get(&api, &id).await.unwrap();
    let asked = told.payment.clone().unwrap();
    assert_eq!((asked.debtor_agent.as_str(), asked.transaction_id.as_str()), (ALFA, ""));
    assert_eq!((asked.amount, asked.purpose.as_str()), (Some(money("45.90")), "RRTP"));
    assert_eq!(told.invoice_link, "https://payee.example/invoices/7");
    assert_eq!(report(&api, &id).await.status, ActivationStatus::Received);

    present(&api, "show", &id).await.unwrap();
    assert_eq!(
        fault(&present(&api, "show-2", &id).await.unwrap_err()),
        precondition("REQUEST_TO_PAY_PRESENTED")
    );
    assert_eq!(report(&api, &id).await.status, ActivationStatus::Presented);
    let accepted =
        v1::AcceptRequestToPayRequest { payer_name: "Ines M. Aerts".to_owned(), ..accept("yes", &id) };
    let reply = api.requests().accept_request_to_pay(accepted.clone()).await.unwrap().into_inner();
    let again = api.requests().accept_request_to_pay(accepted).await.unwrap().into_inner();
    assert!(again.confirmation.unwrap().repeat && again.order_id == reply.order_id);
    let paid = until_status(&api, &id, v1::RequestToPayStatus::Paid).await;
    assert_eq!(paid.order_id, reply.order_id);
    assert_eq!(api.balance(&german(1)).await, "1045.90");
    assert_eq!(api.balance(&belgian(1)).await, "954.10");
    let outcome = tests::outcome_of(api.by_id(&paid.payment_id).await.unwrap());
    assert_eq!(outcome.status(), v1::PaymentStatus::Settled);
    let reported = report(&api, &id).await;
    assert_eq!(reported.status, ActivationStatus::Settled);
    assert_eq!(reported.servicer_reference.unwrap().as_str(), paid.payment_id);
    let late = api.requests().accept_request_to_pay(accept("yes-2", &id)).await.unwrap_err();
    assert_eq!(fault(&late), precondition("REQUEST_TO_PAY_NOT_OPEN"));

    use v1::RequestToPayStep::{Accepted, Created, Paid, Presented};
    for watcher in [&mut payees, &mut payers] {
        let heard = steps(watcher, Paid).await;
        let order: Vec<_> = heard.iter().map(v1::RequestToPayEvent::step).collect();
        assert_eq!(order, [Created, Presented, Accepted, Paid]);
        assert!(heard.iter().all(|told| told.request_to_pay_id == id && told.payer_bank == ALFA));
        assert_eq!(heard[3].payment_id, paid.payment_id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payer_refuses_and_a_payee_takes_back() {
    let (_node, api, _world) = world().await;
    let refused = made(&api, "ask", "10.00").await;
    refuse(&api, "no", &refused).await.unwrap();
    let told = get(&api, &refused).await.unwrap();
    assert_eq!((told.status(), told.reason.as_str()), (v1::RequestToPayStatus::Refused, "AG01"));
    let reported = report(&api, &refused).await;
    assert_eq!(reported.status, ActivationStatus::Rejected);
    assert_eq!(reported.reason.unwrap().reason.as_str(), "AG01");
    assert_eq!(
        fault(&cancel(&api, "back", &refused).await.unwrap_err()),
        precondition("REQUEST_TO_PAY_NOT_OPEN")
    );

    let taken_back = made(&api, "ask-2", "11.00").await;
    cancel(&api, "back-2", &taken_back).await.unwrap();
    assert_eq!(get(&api, &taken_back).await.unwrap().status(), v1::RequestToPayStatus::Cancelled);
    let late = api.requests().accept_request_to_pay(accept("yes", &taken_back)).await.unwrap_err();
    assert_eq!(fault(&late), precondition("REQUEST_TO_PAY_NOT_OPEN"));
    assert_eq!(api.balance(&german(1)).await, "1000.00");
}

/// Whoever comes first in the log decides, and both are told the same.
#[tokio::test(flavor = "multi_thread")]
async fn accepting_and_taking_back_at_once_is_one_of_both() {
    let (_node, api, _world) = world().await;
    for number in 0..5 {
        let id = made(&api, &format!("ask-{number}"), "1.00").await;
        let (yes, back) = (format!("yes-{number}"), format!("back-{number}"));
        let mut requests = api.requests();
        let (accepted, taken_back) =
            tokio::join!(requests.accept_request_to_pay(accept(&yes, &id)), cancel(&api, &back, &id));
        assert!(accepted.is_ok() != taken_back.is_ok(), "one of them comes first");
        match accepted {
            Ok(_) => drop(until_status(&api, &id, v1::RequestToPayStatus::Paid).await),
            Err(refused) => assert_eq!(fault(&refused), precondition("REQUEST_TO_PAY_NOT_OPEN")),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_ends_at_its_time() {
    let (_node, api, _world) = world().await;
    let mut watcher = Watcher::start(&api, of_bank(BETA)).await;
    let request = create("ask", "10.00", 2);
    let id = api.requests().create_request_to_pay(request).await.unwrap().into_inner().request_to_pay_id;
    let heard = steps(&mut watcher, v1::RequestToPayStep::Expired).await;
    assert_eq!(heard.last().unwrap().request_to_pay_id, id);
    let late = api.requests().accept_request_to_pay(accept("yes", &id)).await.unwrap_err();
    assert_eq!(fault(&late), precondition("REQUEST_TO_PAY_EXPIRED"));
    assert_eq!(report(&api, &id).await.reason.unwrap().reason.as_str(), "AEXR");
}

/// It waits for its day over a restart, and is paid when that begins on the clock of the payer's bank.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_put_off_over_a_restart() {
    let (node, api, _world) = world().await;
    set_clock(&api, EARLY).await;
    let request = v1::CreateRequestToPayRequest { pay_by_date: early_day(1), ..create("ask", "20.00", 3600) };
    let id = api.requests().create_request_to_pay(request).await.unwrap().into_inner().request_to_pay_id;
    let on = |request_id: &str, days| v1::AcceptRequestToPayRequest {
        pay_on_date: early_day(days),
        ..accept(request_id, &id)
    };
    let too_late = api.requests().accept_request_to_pay(on("later", 2)).await.unwrap_err();
    assert_eq!(fault(&too_late), precondition("REQUEST_TO_PAY_LATER_NOT_ALLOWED"));
    api.requests().accept_request_to_pay(on("yes", 1)).await.unwrap();
    let node = node.restart().await;
    let api = node.api().await;
    let told = get(&api, &id).await.unwrap();
    assert_eq!((told.status(), told.pay_on_date), (v1::RequestToPayStatus::Accepted, early_day(1)));
    set_clock(&api, LATE).await;
    until_status(&api, &id, v1::RequestToPayStatus::Paid).await;
    assert_eq!(api.balance(&german(1)).await, "1020.00");
}

/// A payment that is rejected leaves the request open; the payee is not told why.
#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_payment_leaves_the_request_to_be_tried_again() {
    let (_node, api, world) = world().await;
    world.allow(&belgian(1), ["5.00", ""], 1).await;
    let id = made(&api, "ask", "10.00").await;
    api.requests().accept_request_to_pay(accept("yes", &id)).await.unwrap();
    let told = until_status(&api, &id, v1::RequestToPayStatus::Presented).await;
    assert_eq!(told.reason, "AM14");
    assert!(!told.payment_id.is_empty());
    world.allow(&belgian(1), ["50.00", ""], 2).await;
    api.requests().accept_request_to_pay(accept("yes-2", &id)).await.unwrap();
    until_status(&api, &id, v1::RequestToPayStatus::Paid).await;
    assert_eq!(api.balance(&german(1)).await, "1010.00");
}

fn requested(number: u32, account: &str) -> RequestedPayment {
    let party = |name: &str| Party { name: Some(Text::parse(name).unwrap()), ..Party::default() };
    RequestedPayment {
        payment_information_id: Text::parse("GROUP-1").ok(),
        execution: Moment::Date(tests::now().date()),
        expiry: Some(Moment::Time(tests::now().plus(types::Duration::from_seconds(3600)))),
        debtor: party("Ines Aerts"),
        debtor_account: Iban::parse(account).unwrap(),
        debtor_agent: None,
        ultimate_debtor: None,
        instruction_id: None,
        end_to_end_id: Text::parse(&format!("INVOICE-{number}")).unwrap(),
        uetr: None,
        amount: Amount::from_minor_units(1234).unwrap(),
        creditor_agent: Bic::parse(BETA).unwrap(),
        creditor: party("Paul Brandt"),
        creditor_account: Iban::parse(&german(1)).unwrap(),
        ultimate_creditor: None,
        invoice_number: Text::parse("2026/7").ok(),
        invoice_link: None,
        remittance: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_asks_and_is_answered_by_one() {
    let (_node, api, _world) = world().await;
    let stranger = Iban::with_check_digits("BE", "999999999999").unwrap();
    let document = ActivationRequest {
        message_id: Text::parse("MESSAGE-1").unwrap(),
        created_at: tests::now(),
        initiating_party: Text::parse("Power Works").ok(),
        payments: vec![requested(1, &belgian(1)), requested(2, stranger.as_str()), requested(3, &belgian(2))],
    };
    let request = v1::SubmitRequestsToPayRequest {
        request_id: "document".to_owned(),
        document: write_pain013(&document).into_bytes(),
    };
    let answered = api.requests().submit_requests_to_pay(request.clone()).await.unwrap().into_inner();
    let [first, second, third] = answered.request_to_pay_ids.as_slice() else { panic!("three requests") };
    assert!(!first.is_empty() && second.is_empty() && !third.is_empty());
    let report = read_pain014(&answered.report).unwrap();
    assert_eq!(report.original_message_id.as_str(), "MESSAGE-1");
    let statuses: Vec<_> = report.requests.iter().map(|request| request.status).collect();
    use ActivationStatus::{Received, Rejected};
    assert_eq!(statuses, [Received, Rejected, Received]);
    assert_eq!(report.requests[1].reason.as_ref().unwrap().reason.as_str(), "AC02");
    let again = api.requests().submit_requests_to_pay(request).await.unwrap().into_inner();
    assert_eq!(again.request_to_pay_ids, answered.request_to_pay_ids);

    let listed = v1::ListRequestsToPayRequest {
        bic: ALFA.to_owned(),
        side: v1::RequestToPaySide::Payer.into(),
        status: v1::RequestToPayStatus::Created.into(),
        ..Default::default()
    };
    let page = api.requests().list_requests_to_pay(listed).await.unwrap().into_inner();
    let ids: Vec<_> = page.requests_to_pay.iter().map(|request| request.request_to_pay_id.clone()).collect();
    assert_eq!(ids, [first.clone(), third.clone()]);
    assert!(page.requests_to_pay.iter().all(|request| request.payment_information_id == "GROUP-1"));
    let to_account = v1::ListRequestsToPayRequest {
        iban: belgian(2),
        currency_code: "EUR".to_owned(),
        ..Default::default()
    };
    let page = api.requests().list_requests_to_pay(to_account).await.unwrap().into_inner();
    assert_eq!(page.requests_to_pay.len(), 1);
    let damaged =
        v1::SubmitRequestsToPayRequest { request_id: "damaged".to_owned(), document: b"<x>".to_vec() };
    let refused = api.requests().submit_requests_to_pay(damaged).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_request_is_named() {
    let (_node, api, _world) = world().await;
    let with = |change: fn(&mut v1::Payment)| {
        let mut request = create("ask", "10.00", 3600);
        request.payment.iter_mut().for_each(change);
        request
    };
    for (number, (request, code, reason)) in (1..).zip([
        (with(|it| it.debtor_account = "BE00".to_owned()), Code::InvalidArgument, "INVALID_FIELDS"),
        (with(|it| it.transaction_id = "T1".to_owned()), Code::InvalidArgument, "INVALID_FIELDS"),
        (with(|it| it.purpose = "GDDS".to_owned()), Code::InvalidArgument, "INVALID_FIELDS"),
        (with(|it| it.debtor_account = german(9)), Code::NotFound, "ACCOUNT_UNKNOWN"),
        (with(|it| it.debtor_agent = BETA.to_owned()), Code::NotFound, "ACCOUNT_UNKNOWN"),
        (with(|it| it.creditor_account = german(9)), Code::NotFound, "ACCOUNT_UNKNOWN"),
        (create("ask", "10.00", 181 * 86_400), Code::FailedPrecondition, "REQUEST_TO_PAY_TIMES_NOT_ALLOWED"),
    ]) {
        let request = v1::CreateRequestToPayRequest { request_id: format!("ask-{number}"), ..request };
        let refused = api.requests().create_request_to_pay(request).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused:?}");
        if code != Code::InvalidArgument {
            assert_eq!(fault(&refused), (code, reason.to_owned()));
        }
    }
    let unknown = get(&api, "0400131ZF8F55M4VCG00000000000T8").await.unwrap_err();
    assert_eq!(fault(&unknown), (Code::NotFound, "REQUEST_TO_PAY_UNKNOWN".to_owned()));
}
