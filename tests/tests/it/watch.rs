//! Watching: what a till, a dashboard or a bank's system hears, where it goes on, and what happens to one that sleeps.

use std::time::Duration;

use client::v1;
use server::ServerLimits;
use tests::{
    ALFA, Api, BETA, Bank, GAMMA, Node, World, ago, belgian, german, payment, payment_to_remote, settled,
};
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

/// One who watches.
pub(crate) struct Watcher {
    responses: Streaming<v1::WatchResponse>,
    events: std::collections::VecDeque<v1::Event>,
    pub(crate) upto: u64,
}

impl Watcher {
    pub(crate) async fn start(api: &Api, request: v1::WatchRequest) -> Self {
        let mut responses = api.events().watch(request).await.unwrap().into_inner();
        let first = responses.message().await.unwrap().unwrap();
        assert!(first.events.is_empty(), "the first message says where it begins");
        Self { responses, events: Default::default(), upto: first.upto_sequence }
    }

    pub(crate) async fn next(&mut self) -> v1::Event {
        self.try_next().await.unwrap()
    }

    async fn try_next(&mut self) -> Result<v1::Event, Status> {
        while self.events.is_empty() {
            let message = tokio::time::timeout(Duration::from_secs(30), self.responses.message());
            let message = message.await.expect("a watcher waited for half a minute")?.unwrap();
            assert!(message.upto_sequence >= self.upto);
            self.upto = message.upto_sequence;
            assert!(message.events.len() <= 256, "messages are cut");
            self.events.extend(message.events);
        }
        Ok(self.events.pop_front().unwrap())
    }

    /// The events up to the outcome of the payment with this id.
    pub(crate) async fn until(&mut self, payment_id: &str) -> Vec<v1::Event> {
        let mut events = Vec::new();
        loop {
            let event = self.next().await;
            let is_last = event.r#type() == v1::EventType::Outcome
                && event.outcome.as_ref().is_some_and(|outcome| outcome.payment_id == payment_id);
            events.push(event);
            if is_last {
                return events;
            }
        }
    }
}

async fn world() -> (Node, Api, World) {
    world_with(ServerLimits::default()).await
}

async fn world_with(limits: ServerLimits) -> (Node, Api, World) {
    let node = Node::with_limits(limits).await;
    let api = node.api().await;
    let world = World::set_up(&api, 2).await;
    world.remote_bank().await;
    (node, api, world)
}

fn everything() -> v1::WatchRequest {
    v1::WatchRequest::default()
}

fn brief(event: &v1::Event) -> (v1::EventType, String, String) {
    let outcome = event.outcome.clone().unwrap();
    (event.r#type(), outcome.transaction_id, outcome.reason_code)
}

#[tokio::test(flavor = "multi_thread")]
async fn reservations_and_outcomes_are_told_in_the_order_of_the_log() {
    let (_node, api, _) = world().await;
    let mut watcher = Watcher::start(&api, everything()).await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let order = payment_to_remote("TX-1", "10.00");
    let paying = api.submit_aside(&order);
    let question = gamma.question().await;
    settled(api.submit(&payment("TX-2", "1.00")).await.unwrap());
    gamma.accept(&question).await;
    let outcome = settled(paying.await.unwrap().unwrap());
    let events = watcher.until(&outcome.payment_id).await;
    use v1::EventType::{Outcome, Reservation};
    let told: Vec<_> = events.iter().map(|event| (event.r#type(), brief(event).1)).collect();
    let expected = [(Reservation, "TX-1"), (Outcome, "TX-2"), (Outcome, "TX-1")];
    assert_eq!(told, expected.map(|(r#type, id)| (r#type, id.to_owned())));
    assert_eq!(events[0].sequence, outcome.sequence);
    assert_eq!(events[2].sequence, outcome.decided_sequence);
    assert_eq!(events[2].outcome.as_ref(), Some(&outcome));
    // The summary comes also with the later decision, whose command does not have it.
    let summary = events[2].summary.clone().unwrap();
    assert_eq!(summary.creditor_account, order.creditor_account);
    assert_eq!(summary.creditor_agent, GAMMA);
    assert_eq!(summary.amount, order.amount);
    assert_eq!(summary.end_to_end_id, order.end_to_end_id);
    assert_eq!(events[0].summary.as_ref(), Some(&summary));
}

/// What the log tells later is what was told at the time.
#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_goes_on_where_it_was() {
    let (node, api, _) = world().await;
    let mut watcher = Watcher::start(&api, everything()).await;
    let begin = watcher.upto;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let expiring = v1::Payment {
        acceptance_time: Some(ago(Duration::from_millis(6500))),
        ..payment_to_remote("TX-1", "1.00")
    };
    let paying = api.submit_aside(&expiring);
    gamma.question().await;
    api.submit(&payment("TX-2", "5000.00")).await.unwrap();
    let expired = paying.await.unwrap().unwrap();
    let mut events = watcher.until(&expired.payment_id).await;
    // The alert stands behind the outcome that it is about, at the same position.
    events.push(watcher.next().await);
    assert_eq!(events.last().unwrap().alert(), v1::AlertKind::BankSilent);
    assert_eq!(events.last().unwrap().participant, GAMMA);
    let last = settled(api.submit(&payment("TX-3", "1.00")).await.unwrap());
    events.extend(watcher.until(&last.payment_id).await);
    let from = |after| v1::WatchRequest { after_sequence: Some(after), ..everything() };
    let mut again = Watcher::start(&api, from(begin)).await;
    assert_eq!(again.until(&last.payment_id).await, events);
    drop((gamma, watcher, again));

    let node = node.restart().await;
    let api = node.api().await;
    let mut after = Watcher::start(&api, from(begin)).await;
    assert_eq!(after.until(&last.payment_id).await, events);
    // From the middle, and from the beginning.
    let middle = events[1].sequence;
    let mut rest = Watcher::start(&api, from(middle)).await;
    let later: Vec<_> = events.iter().filter(|event| event.sequence > middle).cloned().collect();
    assert_eq!(rest.until(&last.payment_id).await, later);
    let mut all = Watcher::start(&api, from(0)).await;
    assert_eq!(all.until(&last.payment_id).await, events);
    // And then what is new.
    let new = settled(api.submit(&payment("TX-4", "1.00")).await.unwrap());
    assert_eq!(all.until(&new.payment_id).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_each_other() {
    let (node, api, _) = world().await;
    node.until_grace_is_over().await;
    let reference = |text: &str| {
        let reference = v1::CreditorReference { reference: text.to_owned(), issuer: "ISO".to_owned() };
        Some(v1::payment::Remittance::CreditorReference(reference))
    };
    let bill = "RF18539007547034";
    let requests = [
        ("account", v1::WatchRequest { account: german(2), ..everything() }),
        ("reference", v1::WatchRequest { creditor_reference: bill.to_owned(), ..everything() }),
        ("end to end", v1::WatchRequest { end_to_end_id: "E2E-TX-1".to_owned(), ..everything() }),
        ("bank", v1::WatchRequest { participants: vec![GAMMA.to_owned()], ..everything() }),
        (
            "both",
            v1::WatchRequest { account: belgian(2), creditor_reference: bill.to_owned(), ..everything() },
        ),
        ("alerts", v1::WatchRequest { types: vec![v1::EventType::Alert.into()], ..everything() }),
    ];
    let mut watchers = Vec::new();
    for (name, request) in &requests {
        watchers.push((*name, Watcher::start(&api, request.clone()).await));
    }
    let begin = watchers[0].1.upto;
    settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    let to_second = v1::Payment { creditor_account: german(2), ..payment("TX-2", "1.00") };
    settled(api.submit(&to_second).await.unwrap());
    let no_funds =
        v1::Payment { debtor_account: belgian(2), remittance: reference(bill), ..payment("TX-3", "5000.00") };
    assert_eq!(api.submit(&no_funds).await.unwrap().reason_code, "AM04");
    settled(
        api.submit(&v1::Payment { remittance: reference(bill), ..payment("TX-4", "1.00") }).await.unwrap(),
    );
    assert_eq!(api.submit(&payment_to_remote("TX-5", "1.00")).await.unwrap().reason_code, "AB08");
    // A payment that every watcher hears of shows that there was nothing else before.
    let expected = |name: &str| -> &[&str] {
        match name {
            "account" => &["TX-2"],
            "reference" => &["TX-3", "TX-4"],
            "end to end" => &["TX-1"],
            "bank" => &["TX-5", "TX-5"],
            "both" => &["TX-3"],
            _ => &["TX-5"],
        }
    };
    for (name, watcher) in &mut watchers {
        for id in expected(name) {
            assert_eq!(brief(&watcher.next().await).1, *id, "{name}");
        }
        assert!(watcher.events.is_empty(), "{name}");
    }
    // The log says the same.
    for (name, request) in requests {
        let again = v1::WatchRequest { after_sequence: Some(begin), ..request };
        let mut watcher = Watcher::start(&api, again).await;
        for id in expected(name) {
            assert_eq!(brief(&watcher.next().await).1, *id, "{name}, from the log");
        }
        assert!(watcher.events.is_empty(), "{name}, from the log");
    }
}

/// A till that waits for one bill hears of its payment also when another bank has to decide it.
#[tokio::test(flavor = "multi_thread")]
async fn a_till_hears_of_its_bill() {
    let (_node, api, _) = world().await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let bill = "E2E-TX-2";
    let request = v1::WatchRequest {
        end_to_end_id: bill.to_owned(),
        types: vec![v1::EventType::Outcome.into()],
        ..everything()
    };
    let mut till = Watcher::start(&api, request).await;
    let others = [
        api.submit_aside(&payment_to_remote("TX-1", "1.00")),
        api.submit_aside(&payment_to_remote("TX-2", "1.00")),
    ];
    for _ in 0..2 {
        let question = loop {
            if let v1::connect_event::Event::Question(question) = gamma.next().await {
                break question;
            }
        };
        gamma.accept(&question).await;
    }
    for other in others {
        settled(other.await.unwrap().unwrap());
    }
    let event = till.next().await;
    assert_eq!(event.summary.unwrap().end_to_end_id, bill);
    assert_eq!(event.outcome.unwrap().status(), v1::PaymentStatus::Settled);
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_name_the_bank_that_they_are_about() {
    let (node, api, world) = world().await;
    node.until_grace_is_over().await;
    let request = v1::WatchRequest { types: vec![v1::EventType::Alert.into()], ..everything() };
    let mut watcher = Watcher::start(&api, request.clone()).await;
    api.submit(&payment_to_remote("TX-1", "1.00")).await.unwrap();
    let event = watcher.next().await;
    assert_eq!((event.alert(), event.participant.as_str()), (v1::AlertKind::BankNotConnected, GAMMA));
    world.set_reservation_limit(GAMMA, 0).await;
    let _gamma = Bank::connect(&api, GAMMA).await;
    api.submit(&payment_to_remote("TX-2", "1.00")).await.unwrap();
    let event = watcher.next().await;
    assert_eq!((event.alert(), event.participant.as_str()), (v1::AlertKind::UnansweredLimit, GAMMA));
    world.set_bank_status(BETA, v1::ParticipantStatus::Suspended, 1).await;
    let event = watcher.next().await;
    assert_eq!((event.alert(), event.participant.as_str()), (v1::AlertKind::ParticipantStatus, BETA));
    assert!(event.outcome.is_none());
    // Whoever comes later hears the same from the log.
    let mut later = Watcher::start(&api, v1::WatchRequest { after_sequence: Some(0), ..request }).await;
    let mut told = later.next().await;
    while told.alert() != v1::AlertKind::ParticipantStatus {
        told = later.next().await;
    }
    assert_eq!(told, event);
}

/// A watcher that does not read is cut off; writes go on all the while; and it goes on from where it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_watcher_is_cut_off_and_goes_on() {
    let limits = ServerLimits { notices_waiting: 64, ..ServerLimits::default() };
    let (node, api, _) = world_with(limits).await;
    let apart = node.api().await;
    let request = v1::WatchRequest { participants: vec![ALFA.to_owned()], ..everything() };
    let mut watcher = Watcher::start(&apart, request.clone()).await;
    // More than the buffers on the way hold.
    let count = 5000_u32;
    let submissions = (0..count).map(|number| {
        let payment = payment(&format!("TX-{number}"), "0.01");
        v1::PaymentSubmission { caller_id: number.into(), payment: Some(payment) }
    });
    let submissions: Vec<_> = submissions.collect();
    let requests = submissions.chunks(500).map(|part| v1::SubmitPaymentsRequest { payments: part.to_vec() });
    let requests: Vec<_> = requests.collect();
    let mut replies =
        api.payments().submit_payments(tokio_stream::iter(requests)).await.unwrap().into_inner();
    let mut settled = 0;
    while let Some(reply) = replies.message().await.unwrap() {
        settled += reply.results.len();
    }
    assert_eq!(settled, 5000);
    let mut heard = 0;
    let ended = loop {
        match watcher.try_next().await {
            Ok(_) => heard += 1,
            Err(status) => break status,
        }
    };
    assert_eq!(ended.code(), Code::Aborted);
    assert_eq!(ended.get_details_error_info().unwrap().reason, "READER_TOO_SLOW");
    let rest = v1::WatchRequest { after_sequence: Some(watcher.upto), ..request };
    let mut watcher = Watcher::start(&apart, rest).await;
    while heard < count {
        watcher.next().await;
        heard += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_happens_is_said_as_well() {
    let limits = ServerLimits { heartbeat: Duration::from_millis(50), ..ServerLimits::default() };
    let (_node, api, _) = world_with(limits).await;
    let mut watcher = Watcher::start(&api, everything()).await;
    for _ in 0..3 {
        let message = watcher.responses.message().await.unwrap().unwrap();
        assert!(message.events.is_empty());
        assert!(message.upto_sequence >= watcher.upto);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_has_rules_and_limits() {
    let limits = ServerLimits { watchers_per_caller: 1, ..ServerLimits::default() };
    let (_node, api, _) = world_with(limits).await;
    for (request, code) in [
        (
            v1::WatchRequest { participants: vec!["no bank".to_owned()], ..everything() },
            Code::InvalidArgument,
        ),
        (v1::WatchRequest { account: "BE00".to_owned(), ..everything() }, Code::InvalidArgument),
        (v1::WatchRequest { types: vec![0], ..everything() }, Code::InvalidArgument),
        (v1::WatchRequest { types: vec![77], ..everything() }, Code::InvalidArgument),
        (v1::WatchRequest { after_sequence: Some(1 << 40), ..everything() }, Code::OutOfRange),
    ] {
        let refused = api.events().watch(request).await.unwrap_err();
        assert_eq!(refused.code(), code);
    }
    let _one = Watcher::start(&api, everything()).await;
    let refused = api.events().watch(everything()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
}
