//! What banks set about their customers: limits, restrictions and fees, and the clock by which days begin.

use client::v1;
use tests::{
    ALFA, Api, BETA, Bank, GAMMA, Node, World, belgian, german, money, outcome_of, payment,
    payment_to_remote, settled, until,
};
use tonic::Code;

async fn world() -> (Node, Api, World) {
    let node = Node::with_history().await;
    let api = node.api().await;
    let world = World::set_up(&api, 2).await;
    (node, api, world)
}

async fn limit_of(api: &Api, iban: &str) -> v1::GetCustomerLimitResponse {
    let request = v1::GetCustomerLimitRequest { iban: iban.to_owned(), currency_code: "EUR".to_owned() };
    api.customers().get_customer_limit(request).await.unwrap().into_inner()
}

async fn refused(api: &Api, order: &v1::Payment, reason: &str) -> v1::PaymentOutcome {
    let outcome = api.submit(order).await.unwrap();
    assert_eq!((outcome.status(), outcome.reason_code.as_str()), (v1::PaymentStatus::Rejected, reason));
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn am14_names_the_limit_that_the_payer_has_set() {
    let (_node, api, world) = world().await;
    let payer = belgian(1);
    assert_eq!(limit_of(&api, &payer).await.used_today, "", "nothing is counted");
    world.allow(&payer, ["50.00", "80.00"], 1).await;
    let above = payment("TX-1", "50.01");
    let outcome = refused(&api, &above, "AM14").await;
    assert!(outcome.reason_text.contains("one payment"), "{}", outcome.reason_text);
    settled(api.submit(&payment("TX-2", "50.00")).await.unwrap());
    let day = refused(&api, &payment("TX-3", "30.01"), "AM14").await;
    assert!(day.reason_text.contains("a day"), "{}", day.reason_text);
    // Repeats, questions and the past name it as well.
    let repeat = api.submit(&above).await.unwrap();
    assert_eq!(repeat, v1::PaymentOutcome { repeat: true, ..outcome.clone() });
    assert_eq!(outcome_of(api.by_id(&outcome.payment_id).await.unwrap()), outcome);
    assert_eq!(outcome_of(api.by_key(&payment("TX-3", "30.01")).await.unwrap()), day);
    let request = v1::ListPaymentsRequest { participant: ALFA.to_owned(), ..Default::default() };
    let listed = until("history has it", async || {
        let page = api.history().list_payments(request.clone()).await.ok()?.into_inner();
        page.payments.into_iter().filter_map(|it| it.outcome).find(|it| it.payment_id == day.payment_id)
    })
    .await;
    assert_eq!(listed, day);
    let known = limit_of(&api, &payer).await;
    assert_eq!(
        (known.per_payment.as_str(), known.per_day.as_str(), known.used_today.as_str()),
        ("50.00", "80.00", "50.00")
    );
    // A new limit holds at once, and none at all lets everything go.
    world.allow(&payer, ["", "100.00"], 2).await;
    settled(api.submit(&payment("TX-4", "50.00")).await.unwrap());
    refused(&api, &payment("TX-5", "0.01"), "AM14").await;
    world.allow(&payer, ["", ""], 3).await;
    settled(api.submit(&payment("TX-6", "100.00")).await.unwrap());
    assert_eq!(limit_of(&api, &payer).await.used_today, "200.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_not_settled_gives_the_allowance_back() {
    let (_node, api, world) = world().await;
    world.remote_bank().await;
    world.allow(&belgian(1), ["", "100.00"], 1).await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let paying = api.submit_aside(&payment_to_remote("TX-1", "60.00"));
    let question = gamma.question().await;
    assert_eq!(limit_of(&api, &belgian(1)).await.used_today, "60.00");
    refused(&api, &payment("TX-2", "40.01"), "AM14").await;
    gamma.reject(&question, "AC04").await;
    assert_eq!(paying.await.unwrap().unwrap().reason_code, "AC04");
    assert_eq!(limit_of(&api, &belgian(1)).await.used_today, "0.00");
    settled(api.submit(&payment("TX-3", "100.00")).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn rr04_restricted_accounts_neither_pay_nor_are_paid_and_no_more_is_said() {
    let (_node, api, world) = world().await;
    world.restrict(&belgian(1), true, 1).await;
    world.restrict(&german(2), true, 1).await;
    let from = refused(&api, &payment("TX-1", "1.00"), "RR04").await;
    assert_eq!(from.reason_text, "the payment is refused for a regulatory reason");
    let to =
        v1::Payment { debtor_account: belgian(2), creditor_account: german(2), ..payment("TX-2", "1.00") };
    refused(&api, &to, "RR04").await;
    assert!(limit_of(&api, &belgian(1)).await.restricted);
    // The bank's own systems still move the money.
    world.post(&belgian(1), v1::EntryDirection::Credit, "5.00").await.unwrap();
    world.restrict(&belgian(1), false, 2).await;
    settled(api.submit(&payment("TX-3", "1.00")).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_are_entries_of_their_own_and_the_funds_cover_both() {
    let (_node, api, world) = world().await;
    world.remote_bank().await;
    world.set_fees(ALFA, ["0.30", "0.25"], 1).await.unwrap();
    let above = world.set_fees(ALFA, ["0.20", "0.25"], 2).await.unwrap_err();
    assert_eq!(above.code(), Code::FailedPrecondition);
    let terms = api.customers().get_terms(v1::GetTermsRequest { bic: ALFA.to_owned() }).await.unwrap();
    let euro =
        v1::Fees { currency_code: "EUR".to_owned(), ordinary: "0.30".to_owned(), instant: "0.25".to_owned() };
    assert_eq!(terms.into_inner().fees, [euro]);

    let first = settled(api.submit(&payment("TX-1", "10.00")).await.unwrap());
    assert_eq!(api.balance(&belgian(1)).await, "989.75");
    assert_eq!(api.balance(&german(1)).await, "1010.00", "never taken from the amount");
    assert_eq!(api.position(ALFA).await, "999990.00", "and it never leaves the bank");
    refused(&api, &payment("TX-2", "989.51"), "AM04").await;

    let mut gamma = Bank::connect(&api, GAMMA).await;
    let paying = api.submit_aside(&payment_to_remote("TX-3", "10.00"));
    let question = gamma.question().await;
    assert_eq!(api.account(&belgian(1)).await.reserved, "10.25");
    gamma.accept(&question).await;
    let second = settled(paying.await.unwrap().unwrap());
    let last = settled(api.submit(&payment("TX-4", "979.25")).await.unwrap());
    assert_eq!(api.balance(&belgian(1)).await, "0.00");
    api.trial_balance().await;

    let owner = v1::AccountName { iban: belgian(1), currency_code: "EUR".to_owned() };
    let request = v1::ListEntriesRequest {
        owner: Some(v1::list_entries_request::Owner::Account(owner)),
        oldest_first: true,
        ..Default::default()
    };
    let entries = until("history has all entries", async || {
        let entries = api.history().list_entries(request.clone()).await.ok()?.into_inner().entries;
        (entries.len() == 7).then_some(entries)
    })
    .await;
    let told: Vec<_> = entries[1..]
        .iter()
        .map(|it| (it.r#type(), it.amount.clone().unwrap(), it.balance.as_str(), it.payment_id.as_str()))
        .collect();
    use v1::EntryType::{Fee, Payment};
    let expected = [
        (Payment, money("10.00"), "990.00", first.payment_id.as_str()),
        (Fee, money("0.25"), "989.75", first.payment_id.as_str()),
        (Payment, money("10.00"), "979.75", second.payment_id.as_str()),
        (Fee, money("0.25"), "979.50", second.payment_id.as_str()),
        (Payment, money("979.25"), "0.25", last.payment_id.as_str()),
        (Fee, money("0.25"), "0.00", last.payment_id.as_str()),
    ];
    assert_eq!(told, expected);
    assert_eq!((entries[2].transaction_id.as_str(), entries[2].counterpart.as_str()), ("TX-1", ALFA));
    // Nobody at the payee's bank is charged, nor told.
    assert_eq!(api.balance(&german(1)).await, "1989.25");
    let terms = api.customers().get_terms(v1::GetTermsRequest { bic: BETA.to_owned() }).await.unwrap();
    assert_eq!(terms.into_inner().fees[0].instant, "0.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_named_and_unknown_banks_and_accounts_are_not_found() {
    let (_node, api, _world) = world().await;
    let faulty = v1::SetCustomerLimitRequest {
        request_id: "limit".to_owned(),
        iban: belgian(1),
        currency_code: "EUR".to_owned(),
        per_payment: "0.00".to_owned(),
        per_day: "1.001".to_owned(),
    };
    let status = api.customers().set_customer_limit(faulty.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let unknown = v1::SetCustomerLimitRequest {
        iban: belgian(9),
        per_payment: String::new(),
        per_day: String::new(),
        ..faulty
    };
    assert_eq!(api.customers().set_customer_limit(unknown).await.unwrap_err().code(), Code::NotFound);
    let clock = |minutes_ahead| v1::SetClockRequest {
        request_id: format!("clock-{minutes_ahead}"),
        bic: ALFA.to_owned(),
        clock: Some(v1::BankClock { minutes_ahead, change: None }),
    };
    assert_eq!(api.customers().set_clock(clock(841)).await.unwrap_err().code(), Code::InvalidArgument);
    api.customers().set_clock(clock(60)).await.unwrap();
    let terms = api.customers().get_terms(v1::GetTermsRequest { bic: ALFA.to_owned() }).await.unwrap();
    assert_eq!(terms.into_inner().clock.unwrap().minutes_ahead, 60);
    let stranger = v1::GetTermsRequest { bic: "NOBODEFFXXX".to_owned() };
    assert_eq!(api.customers().get_terms(stranger).await.unwrap_err().code(), Code::NotFound);
}
