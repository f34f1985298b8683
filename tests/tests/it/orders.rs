//! Orders that are paid on a day to come, once or again and again.

use client::v1;
use tests::{ALFA, Api, BETA, Node, World, belgian, german, money, payment, until};
use tonic::Code;
use types::{ClosingDays, Date};

use crate::packages::{EARLY, LATE, early_day, set_clock};
use crate::recalls::reason_of;

async fn world() -> (Node, Api, World) {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 2).await;
    (node, api, world)
}

fn place(request_id: &str, amount: &str, date: &str) -> v1::PlaceOrderRequest {
    v1::PlaceOrderRequest {
        request_id: request_id.to_owned(),
        payment: Some(v1::Payment { transaction_id: String::new(), ..payment("RENT", amount) }),
        execution_date: date.to_owned(),
        schedule: None,
    }
}

fn every_week(rule: v1::ClosedDayRule) -> Option<v1::Schedule> {
    let unit = v1::ScheduleUnit::Week.into();
    Some(v1::Schedule { unit, interval: 1, last_date: String::new(), closed_day_rule: rule.into() })
}

async fn placed(api: &Api, request: v1::PlaceOrderRequest) -> String {
    api.orders().place_order(request).await.unwrap().into_inner().order_id
}

async fn get(api: &Api, order_id: &str) -> v1::Order {
    let request = v1::GetOrderRequest { order_id: order_id.to_owned() };
    api.orders().get_order(request).await.unwrap().into_inner().order.unwrap()
}

async fn until_state(api: &Api, order_id: &str, state: v1::OrderState) -> v1::Order {
    until("the order has got on", async || {
        Some(get(api, order_id).await).filter(|order| order.state() == state)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_paid_when_its_day_begins_on_its_bank_s_clock() {
    let (node, api, _world) = world().await;
    set_clock(&api, EARLY).await;
    let request = place("rent", "750.00", &early_day(1));
    let reply = api.orders().place_order(request.clone()).await.unwrap().into_inner();
    let again = api.orders().place_order(request).await.unwrap().into_inner();
    assert!(again.confirmation.unwrap().repeat && again.order_id == reply.order_id);
    let order = get(&api, &reply.order_id).await;
    assert_eq!((order.state(), order.execution_date), (v1::OrderState::Pending, early_day(1)));
    let said = order.payment.unwrap();
    assert_eq!((said.amount, said.end_to_end_id.as_str()), (Some(money("750.00")), "E2E-RENT"));
    let node = node.restart().await;
    let api = node.api().await;
    assert_eq!(get(&api, &reply.order_id).await.state(), v1::OrderState::Pending);
    set_clock(&api, LATE).await;
    let order = until_state(&api, &reply.order_id, v1::OrderState::Settled).await;
    assert_eq!(api.balance(&german(1)).await, "1750.00");
    let paid = tests::outcome_of(api.by_id(&order.payment_id).await.unwrap());
    assert_eq!(paid.status(), v1::PaymentStatus::Settled);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_changed_and_cancelled_before_it_is_due() {
    let (_node, api, _world) = world().await;
    set_clock(&api, EARLY).await;
    let [changed, cancelled] = ["changed", "cancelled"].map(|id| place(id, "10.00", &early_day(1)));
    let [changed, cancelled] = [placed(&api, changed).await, placed(&api, cancelled).await];
    let change = v1::ChangeOrderRequest {
        request_id: "change".to_owned(),
        order_id: changed.clone(),
        payment: place("", "12.00", "").payment,
        execution_date: early_day(1),
        schedule: None,
    };
    api.orders().change_order(change.clone()).await.unwrap();
    let cancel = |request_id: &str, order_id: &str| v1::CancelOrderRequest {
        request_id: request_id.to_owned(),
        order_id: order_id.to_owned(),
    };
    api.orders().cancel_order(cancel("cancel", &cancelled)).await.unwrap();
    assert_eq!(get(&api, &cancelled).await.state(), v1::OrderState::Cancelled);
    let request =
        v1::ListOrdersRequest { iban: belgian(1), currency_code: "EUR".to_owned(), ..Default::default() };
    let listed = api.orders().list_orders(request).await.unwrap().into_inner().orders;
    let listed: Vec<&str> = listed.iter().map(|order| order.order_id.as_str()).collect();
    assert!(listed.contains(&changed.as_str()), "{listed:?}");
    set_clock(&api, LATE).await;
    until_state(&api, &changed, v1::OrderState::Settled).await;
    assert_eq!(api.balance(&german(1)).await, "1012.00");
    let late = v1::ChangeOrderRequest { request_id: "late".to_owned(), ..change };
    let refused = api.orders().change_order(late).await.unwrap_err();
    assert_eq!(reason_of(&refused), (Code::FailedPrecondition, "ORDER_NOT_PENDING".to_owned()));
    let refused = api.orders().cancel_order(cancel("late-too", &changed)).await.unwrap_err();
    assert_eq!(reason_of(&refused), (Code::FailedPrecondition, "ORDER_NOT_PENDING".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standing_order_goes_on_a_week_later() {
    let (_node, api, _world) = world().await;
    set_clock(&api, EARLY).await;
    let request = v1::PlaceOrderRequest {
        schedule: every_week(v1::ClosedDayRule::Unspecified),
        ..place("rent", "10.00", &early_day(0))
    };
    let order_id = placed(&api, request).await;
    until("it is paid for the first time", async || {
        (api.balance(&german(1)).await == "1010.00").then_some(())
    })
    .await;
    let order = until_state(&api, &order_id, v1::OrderState::Pending).await;
    assert_eq!(order.execution_date, early_day(7));
    assert!(!order.payment_id.is_empty());
    let schedule = order.schedule.unwrap();
    assert_eq!((schedule.unit(), schedule.interval), (v1::ScheduleUnit::Week, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standing_order_of_a_weekend_waits_for_the_next_banking_day() {
    let (_node, api, _world) = world().await;
    let today = tests::now().date();
    let (this_year, ..) = today.civil();
    for year in [this_year, this_year + 1] {
        let request = v1::SetClosingDaysRequest {
            request_id: format!("closing-{year}"),
            year: u32::try_from(year).unwrap(),
            target: true,
            ..Default::default()
        };
        api.calendar().set_closing_days(request).await.unwrap();
    }
    let days = (1..8).map(|days| today.plus_days(days).unwrap());
    let saturday = days.into_iter().find(|day| day.is_weekend() && day.plus_days(1).unwrap().is_weekend());
    let saturday: Date = saturday.unwrap();
    let is_open = |day: &Date| {
        let year = ClosingDays::target(u16::try_from(day.civil().0).unwrap()).unwrap();
        !day.is_weekend() && !year.lists(*day)
    };
    let next = (2..9).map(|days| saturday.plus_days(days).unwrap()).find(is_open).unwrap();
    let request = v1::PlaceOrderRequest {
        schedule: every_week(v1::ClosedDayRule::After),
        ..place("rent", "10.00", &saturday.to_string())
    };
    let order_id = placed(&api, request).await;
    assert_eq!(get(&api, &order_id).await.execution_date, next.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_waits_for_money_until_its_day_is_over() {
    let (_node, api, world) = world().await;
    set_clock(&api, EARLY).await;
    let first = placed(&api, place("first", "1500.00", &early_day(0))).await;
    let second = placed(&api, place("second", "5000.00", &early_day(0))).await;
    until("the first waits", async || {
        let order = get(&api, &first).await;
        order.payment_id.is_empty().then_some(())
    })
    .await;
    world.post(&belgian(1), v1::EntryDirection::Credit, "600.00").await.unwrap();
    until_state(&api, &first, v1::OrderState::Settled).await;
    set_clock(&api, LATE).await;
    let order = until_state(&api, &second, v1::OrderState::Rejected).await;
    assert_eq!(order.reason_code, "AM04");
    assert_eq!([api.balance(&belgian(1)).await, api.balance(&german(1)).await], ["100.00", "2500.00"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_can_t_be_are_refused_with_what_is_wrong() {
    let (_node, api, _world) = world().await;
    let tomorrow = tests::now().date().plus_days(1).unwrap().to_string();
    let with = |id: &str, change: &dyn Fn(&mut v1::PlaceOrderRequest)| {
        let mut request = place(id, "10.00", &tomorrow);
        change(&mut request);
        request
    };
    let in_payment = |request: &mut v1::PlaceOrderRequest, change: &dyn Fn(&mut v1::Payment)| {
        change(request.payment.as_mut().unwrap());
    };
    for request in [
        with("", &|_| ()),
        with("payment", &|request| request.payment = None),
        with("id", &|request| in_payment(request, &|payment| payment.transaction_id = "T".to_owned())),
        with("time", &|request| {
            in_payment(request, &|payment| payment.acceptance_time = Some(tests::ahead(Default::default())));
        }),
        with("date", &|request| request.execution_date = String::new()),
        with("day", &|request| request.execution_date = "2026-02-30".to_owned()),
        with("unit", &|request| request.schedule = Some(v1::Schedule { interval: 1, ..Default::default() })),
        with("interval", &|request| {
            request.schedule = every_week(v1::ClosedDayRule::Unspecified);
            request.schedule.as_mut().unwrap().interval = 13;
        }),
    ] {
        let refused = api.orders().place_order(request.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{request:?}");
    }
    for (request, code, reason) in [
        (place("past", "10.00", "2026-11-02"), Code::FailedPrecondition, "ORDER_DATE_NOT_ALLOWED"),
        (place("far", "10.00", "2099-01-01"), Code::FailedPrecondition, "ORDER_DATE_NOT_ALLOWED"),
        (
            with("nobody", &|request| in_payment(request, &|payment| payment.debtor_account = belgian(9))),
            Code::NotFound,
            "ACCOUNT_UNKNOWN",
        ),
        (
            with("others", &|request| in_payment(request, &|payment| payment.debtor_agent = BETA.to_owned())),
            Code::NotFound,
            "ACCOUNT_UNKNOWN",
        ),
    ] {
        let refused = api.orders().place_order(request).await.unwrap_err();
        assert_eq!(reason_of(&refused), (code, reason.to_owned()));
    }
    let unknown = v1::GetOrderRequest { order_id: "0400131ZF8F55M4VCG00000000000T8".to_owned() };
    let refused = api.orders().get_order(unknown).await.unwrap_err();
    assert_eq!(reason_of(&refused), (Code::NotFound, "ORDER_UNKNOWN".to_owned()));
    assert_eq!(api.balance(&belgian(1)).await, "1000.00");
    assert_eq!(ALFA, payment("T", "1.00").debtor_agent);
}
