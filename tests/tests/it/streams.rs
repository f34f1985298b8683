//! Payments and accounts in bulk: results matched by the caller's own id, and callers that stop reading, go away
//! or are cut off. What was submitted stands, whoever waits for it.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use client::v1;
use client::v1::get_payment_response::Result as Answer;
use client::v1::payment_result::Result as Outcome;
use server::ServerLimits;
use tests::{
    ALFA, Api, BETA, GAMMA, Node, World, account, belgian, french, german, money, outcome_of, payment,
    settled, until,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

type Replies = Streaming<v1::SubmitPaymentsResponse>;

/// An open stream of payments.
struct Stream {
    messages: mpsc::Sender<v1::SubmitPaymentsRequest>,
    replies: Replies,
}

impl Stream {
    async fn open(api: &Api) -> Self {
        let (messages, outbound) = mpsc::channel(64);
        let mut client = api.payments().max_encoding_message_size(usize::MAX);
        let replies = client.submit_payments(ReceiverStream::new(outbound)).await.unwrap().into_inner();
        Self { messages, replies }
    }

    async fn send(&self, payments: Vec<v1::PaymentSubmission>) {
        self.messages.send(v1::SubmitPaymentsRequest { payments }).await.unwrap();
    }

    /// Ends this side, and reads the other one to its end. Each caller id comes back exactly once.
    async fn finish(self) -> (BTreeMap<u64, Outcome>, Option<Status>) {
        let Self { messages, mut replies } = self;
        drop(messages);
        let mut results = BTreeMap::new();
        loop {
            match replies.message().await {
                Ok(Some(reply)) => {
                    assert!(!reply.results.is_empty());
                    for result in reply.results {
                        let again = results.insert(result.caller_id, result.result.unwrap());
                        assert!(again.is_none(), "{} has two results", result.caller_id);
                    }
                }
                Ok(None) => return (results, None),
                Err(status) => return (results, Some(status)),
            }
        }
    }
}

fn submission(caller_id: u64, payment: v1::Payment) -> v1::PaymentSubmission {
    v1::PaymentSubmission { caller_id, payment: Some(payment) }
}

/// Payments of one cent with the ids `TX-<number>`, whose caller ids are the numbers.
fn cents(numbers: std::ops::Range<u64>) -> Vec<v1::PaymentSubmission> {
    numbers.map(|number| submission(number, payment(&format!("TX-{number}"), "0.01"))).collect()
}

#[track_caller]
fn outcome(result: &Outcome) -> &v1::PaymentOutcome {
    match result {
        Outcome::Outcome(outcome) => outcome,
        Outcome::NotTaken(not_taken) => panic!("not taken: {not_taken:?}"),
    }
}

#[track_caller]
fn not_taken(result: &Outcome) -> &v1::NotTaken {
    match result {
        Outcome::Outcome(outcome) => panic!("decided: {outcome:?}"),
        Outcome::NotTaken(not_taken) => not_taken,
    }
}

/// Waits until each of these payments is decided, without sending any of them again, and expects it settled.
async fn all_settle(api: &Api, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let asked = payment(&format!("TX-{number}"), "0.01");
        let what = format!("payment {number} is decided");
        let outcome = until(&what, async || match api.by_key(&asked).await.unwrap() {
            Answer::Outcome(outcome) => Some(outcome),
            Answer::NotFound(_) => None,
        })
        .await;
        settled(outcome);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_payments_of_all_kinds_are_matched_by_caller_id() {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    world.register(GAMMA, v1::AccountMode::Remote).await;
    node.until_grace_is_over().await;
    let kinds = |number: u64| {
        let valid = payment(&format!("TX-{number}"), "0.01");
        match number % 5 {
            0 => v1::Payment { amount: Some(money("1e3")), end_to_end_id: String::new(), ..valid },
            1 => v1::Payment { creditor_account: german(9), ..valid },
            2 => v1::Payment { creditor_agent: GAMMA.to_owned(), creditor_account: french(1), ..valid },
            _ => valid,
        }
    };
    let stream = Stream::open(&api).await;
    // The caller's ids are the caller's: they need not be small, or in order.
    let caller_id = |number: u64| u64::MAX - number * 7;
    stream.send((0..1000).map(|number| submission(caller_id(number), kinds(number))).collect()).await;
    let (results, ended) = stream.finish().await;
    assert!(ended.is_none(), "{ended:?}");
    assert_eq!(results.len(), 1000);
    for number in 0..1000 {
        let result = &results[&caller_id(number)];
        match number % 5 {
            0 => {
                let not_taken = not_taken(result);
                assert_eq!(not_taken.code, i32::from(Code::InvalidArgument));
                let fields = not_taken.field_violations.iter().map(|violation| violation.field.as_str());
                let expected = BTreeSet::from(["payment.amount.amount", "payment.end_to_end_id"]);
                assert_eq!(fields.collect::<BTreeSet<_>>(), expected);
            }
            1 => assert_eq!(outcome(result).reason_code, "AC01"),
            2 => assert_eq!(outcome(result).reason_code, "AB08"),
            _ => {
                let outcome = settled(outcome(result).clone());
                assert_eq!(outcome.transaction_id, format!("TX-{number}"));
                assert_eq!(outcome_of(api.by_id(&outcome.payment_id).await.unwrap()), outcome);
            }
        }
    }
    assert_eq!(api.settled_count().await, 400);
    assert_eq!(api.balance(&german(1)).await, "1004.00");
}

/// A repeat gets the stored outcome on a stream as well, with the time that Solvo stamped at the first attempt.
#[tokio::test(flavor = "multi_thread")]
async fn repeats_on_a_stream_get_the_stored_outcome() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let first = api.submit(&payment("TX-0", "0.01")).await.unwrap();
    let stream = Stream::open(&api).await;
    // Twice in one message beside it, so that a repeat and its original can share a frame.
    let twice = [cents(0..2), vec![submission(9, payment("TX-1", "0.01"))]].concat();
    stream.send(twice).await;
    let (results, ended) = stream.finish().await;
    assert!(ended.is_none(), "{ended:?}");
    assert_eq!(*outcome(&results[&0]), v1::PaymentOutcome { repeat: true, ..first });
    let (one, other) = (outcome(&results[&1]), outcome(&results[&9]));
    assert!(!one.repeat);
    assert_eq!(*other, v1::PaymentOutcome { repeat: true, ..one.clone() });
    assert_eq!(api.settled_count().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_without_payments_or_with_too_many_end_the_stream() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    for faulty in [Vec::new(), cents(0..1025)] {
        let stream = Stream::open(&api).await;
        stream.send(faulty).await;
        let (results, ended) = stream.finish().await;
        assert_eq!(ended.expect("the stream fails as a whole").code(), Code::InvalidArgument);
        assert!(results.is_empty(), "nothing of the message was taken");
    }
    let stream = Stream::open(&api).await;
    stream.send(cents(0..1024)).await;
    let (results, ended) = stream.finish().await;
    assert!(ended.is_none(), "{ended:?}");
    assert_eq!(results.len(), 1024);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_long_is_out_of_range() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let long = "x".repeat(client::limits::MESSAGE_BYTES_MAX);
    let stream = Stream::open(&api).await;
    stream.send(vec![submission(1, v1::Payment { purpose: long.clone(), ..payment("TX-1", "0.01") })]).await;
    let (results, ended) = stream.finish().await;
    assert_eq!(ended.expect("the stream fails as a whole").code(), Code::OutOfRange);
    assert!(results.is_empty());
    let unary = v1::SubmitPaymentRequest {
        payment: Some(v1::Payment { purpose: long, ..payment("TX-1", "0.01") }),
        wait_ms: None,
    };
    let mut client = api.payments().max_encoding_message_size(usize::MAX);
    assert_eq!(client.submit_payment(unary).await.unwrap_err().code(), Code::OutOfRange);
    // The node is none the worse.
    settled(api.submit(&payment("TX-1", "0.01")).await.unwrap());
}

/// Windows so small that a reply waits for its reader.
async fn narrow(node: &Node) -> Api {
    Api::connect_with(node.address(), |endpoint| endpoint.initial_stream_window_size(1024)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_has_all_its_payments_decided() {
    // The caller goes while its message waits for room for replies: part of it is in the log, part is not yet.
    let limits = ServerLimits { replies_per_stream: 1, ..ServerLimits::default() };
    let node = Node::with_limits(limits).await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let stream = Stream::open(&narrow(&node).await).await;
    stream.send(cents(0..1000)).await;
    all_settle(&api, 0..1).await;
    drop(stream);
    all_settle(&api, 0..1000).await;
    assert_eq!(api.settled_count().await, 1000);
    assert_eq!(api.balance(&german(1)).await, "1010.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_cut_off_still_settles() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let mut number = 0;
    // How long a flush takes is the machine's secret, so the patience is varied until a call is cut off between
    // its arrival and its reply.
    until("a call was cut off after its payment was taken", async || {
        number += 1;
        let payment = payment(&format!("TX-{number}"), "0.01");
        let mut request =
            tonic::Request::new(v1::SubmitPaymentRequest { payment: Some(payment.clone()), wait_ms: None });
        request.set_timeout(Duration::from_micros(100 * (number % 40 + 1)));
        let cut_off = match api.payments().submit_payment(request).await {
            Ok(_) => return None,
            Err(status) => status,
        };
        assert!(matches!(cut_off.code(), Code::DeadlineExceeded | Code::Cancelled), "{cut_off:?}");
        let found = match api.by_key(&payment).await.unwrap() {
            Answer::Outcome(outcome) => Some(settled(outcome)),
            Answer::NotFound(_) => None,
        };
        // Whether it was taken or not, the same request again settles it once.
        let retry = api.submit(&payment).await.unwrap();
        if let Some(found) = &found {
            assert!(retry.repeat);
            assert_eq!(settled(retry), *found);
        } else {
            settled(retry);
        }
        found
    })
    .await;
    assert_eq!(api.settled_count().await, number);
}

/// A reader that does not read is slowed down, then cut off; nobody else notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_not_read_harms_nobody_and_is_ended() {
    let limits = ServerLimits {
        replies_per_stream: 2,
        reader_patience: Duration::from_millis(20),
        ..ServerLimits::default()
    };
    let node = Node::with_limits(limits).await;
    let api = node.api().await;
    World::set_up(&api, 2).await;
    let stream = Stream::open(&narrow(&node).await).await;
    const MESSAGES: u64 = 20;
    const PAYMENTS: u64 = 50;
    for message in 0..MESSAGES {
        stream.send(cents(message * PAYMENTS..(message + 1) * PAYMENTS)).await;
    }
    all_settle(&api, 0..PAYMENTS).await;
    // Someone else's payments go on meanwhile, and for far longer than the reader's time.
    for number in 0..200 {
        let other = v1::Payment {
            debtor_account: belgian(2),
            creditor_account: german(2),
            ..payment(&format!("OTHER-{number}"), "0.01")
        };
        settled(api.submit(&other).await.unwrap());
    }
    let (results, ended) = stream.finish().await;
    assert_eq!(ended.expect("the stream was ended").code(), Code::Aborted);
    assert!(u64::try_from(results.len()).unwrap() < MESSAGES * PAYMENTS);
    // What was told is true; what was not told can be sent again, on a stream that is read.
    for result in results.values() {
        let outcome = settled(outcome(result).clone());
        assert_eq!(outcome_of(api.by_id(&outcome.payment_id).await.unwrap()), outcome);
    }
    // A reader with more patience, on a machine that may be busy.
    let node = node.restart_with(ServerLimits::default()).await;
    let api = node.api().await;
    let stream = Stream::open(&api).await;
    let all = cents(0..MESSAGES * PAYMENTS);
    stream.send(all).await;
    let (again, ended) = stream.finish().await;
    assert!(ended.is_none(), "{ended:?}");
    for (caller_id, result) in &again {
        let again = outcome(result);
        if let Some(first) = results.get(caller_id) {
            assert_eq!(settled(again.clone()), *outcome(first));
        }
        assert_eq!(again.status(), v1::PaymentStatus::Settled);
    }
    assert_eq!(api.settled_count().await, MESSAGES * PAYMENTS + 200);
    assert_eq!(api.balance(&german(1)).await, "1010.00");
}

/// On a stream a bank over its quota is told so payment by payment, and the stream goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_quota_refuses_single_payments_of_a_stream() {
    let node = Node::with_limits(ServerLimits { payments_per_bank: 3, ..ServerLimits::default() }).await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let stream = Stream::open(&api).await;
    stream.send(cents(0..10)).await;
    let (results, ended) = stream.finish().await;
    assert!(ended.is_none(), "{ended:?}");
    assert_eq!(results.len(), 10);
    for (caller_id, result) in &results {
        if *caller_id < 3 {
            settled(outcome(result).clone());
        } else {
            let not_taken = not_taken(result);
            assert_eq!(not_taken.code, i32::from(Code::ResourceExhausted));
            assert_eq!(not_taken.reason(), v1::ErrorReason::QuotaExceeded);
            assert!(not_taken.retry_delay.is_some());
        }
    }
    // The places have come back.
    settled(api.submit(&payment("TX-9", "0.01")).await.unwrap());
}

/// A node that gets more than it can decide in time refuses what is too much at once, and decides what it took.
#[tokio::test(flavor = "multi_thread")]
async fn an_overloaded_node_refuses_at_once_what_would_wait_too_long() {
    const ATTEMPTS: u64 = 20;
    let node = Node::with_pace(NonZeroU32::new(2000).unwrap()).await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    // The first attempt lets the node find out how fast it is.
    for (attempt, messages) in (0..ATTEMPTS).zip(std::iter::once(1).chain(std::iter::repeat(8))) {
        let stream = Stream::open(&api).await;
        let first = attempt * 8 * 1024;
        for message in 0..messages {
            let start = first + message * 1024;
            stream.send(cents(start..start + 1024)).await;
        }
        let (results, ended) = stream.finish().await;
        assert!(ended.is_none(), "{ended:?}");
        assert_eq!(u64::try_from(results.len()).unwrap(), messages * 1024);
        let is_refused = |result: &&Outcome| matches!(result, Outcome::NotTaken(_));
        let (refused, taken): (Vec<_>, Vec<_>) = results.values().partition(is_refused);
        taken.into_iter().for_each(|result| _ = settled(outcome(result).clone()));
        for refused in &refused {
            let refused = not_taken(refused);
            assert_eq!(refused.code, i32::from(Code::ResourceExhausted));
            assert_eq!(refused.reason(), v1::ErrorReason::Overloaded);
            assert!(refused.retry_delay.is_some());
        }
        if !refused.is_empty() {
            return;
        }
    }
    panic!("a node that decides 2,000 a second took 8,192 at once, again and again");
}

fn opening(request_id: &str, account: v1::NewAccount) -> v1::AccountOpening {
    v1::AccountOpening { request_id: request_id.to_owned(), account: Some(account) }
}

async fn open_all(
    api: &Api,
    messages: Vec<Vec<v1::AccountOpening>>,
) -> (BTreeMap<String, v1::account_opening_result::Result>, Option<Status>) {
    let messages = messages.into_iter().map(|openings| v1::OpenAccountsRequest { openings });
    let mut replies = api.accounts().open_accounts(tokio_stream::iter(messages)).await.unwrap().into_inner();
    let mut results = BTreeMap::new();
    loop {
        match replies.message().await {
            Ok(Some(reply)) => {
                results.extend(reply.results.into_iter().map(|one| (one.request_id, one.result.unwrap())));
            }
            Ok(None) => return (results, None),
            Err(status) => return (results, Some(status)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_opened_in_bulk() {
    use v1::account_opening_result::Result as Opened;
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let mut openings: Vec<_> = (100..1100)
        .map(|number| opening(&format!("open-{number}"), account(BETA, &german(number))))
        .collect();
    openings.push(opening("exists", account(ALFA, &belgian(1))));
    openings
        .push(opening("no-holder", v1::NewAccount { holder_names: vec![], ..account(ALFA, &belgian(2)) }));
    let (results, ended) = open_all(&api, vec![openings[..500].to_vec(), openings[500..].to_vec()]).await;
    assert!(ended.is_none(), "{ended:?}");
    assert_eq!(results.len(), 1002);
    for (request_id, result) in &results {
        match (request_id.as_str(), result) {
            ("exists", Opened::NotTaken(not_taken)) => {
                assert_eq!(not_taken.code, i32::from(Code::AlreadyExists));
                assert_eq!(not_taken.reason(), v1::ErrorReason::AccountExists);
            }
            ("no-holder", Opened::NotTaken(not_taken)) => {
                assert_eq!(not_taken.code, i32::from(Code::InvalidArgument));
                assert_eq!(not_taken.field_violations[0].field, "account.holder_names");
            }
            (_, Opened::Confirmation(confirmation)) => assert!(!confirmation.repeat),
            (_, Opened::NotTaken(not_taken)) => panic!("{request_id}: {not_taken:?}"),
        }
    }
    assert_eq!(api.balance(&german(1099)).await, "0.00");
    let (again, _) = open_all(&api, vec![openings[..10].to_vec()]).await;
    for (request_id, result) in &again {
        let (Opened::Confirmation(first), Opened::Confirmation(again)) = (&results[request_id], result)
        else {
            panic!("{request_id} was opened");
        };
        assert_eq!(*again, v1::Confirmation { repeat: true, ..*first });
    }
    for faulty in [Vec::new(), vec![openings[0].clone(); 1025]] {
        let (results, ended) = open_all(&api, vec![faulty]).await;
        assert_eq!(ended.expect("the stream fails as a whole").code(), Code::InvalidArgument);
        assert!(results.is_empty());
    }
}

fn entry(request_id: &str, iban: &str, amount: &str) -> v1::PostEntryRequest {
    v1::PostEntryRequest {
        request_id: request_id.to_owned(),
        iban: iban.to_owned(),
        amount: Some(tests::money(amount)),
        direction: v1::EntryDirection::Credit.into(),
        value_date: "2026-11-20".to_owned(),
        booking_key: "SALARY".to_owned(),
        core_reference: "CORE-1".to_owned(),
    }
}

/// The results of a stream by their request ids, and how it ended if not well.
async fn book_all(
    api: &Api,
    messages: Vec<Vec<v1::PostEntryRequest>>,
) -> (BTreeMap<String, v1::entry_result::Result>, Option<Status>) {
    let messages = messages.into_iter().map(|entries| v1::PostEntriesRequest { entries });
    let mut answers = api.accounts().post_entries(tokio_stream::iter(messages)).await.unwrap().into_inner();
    let mut results = BTreeMap::new();
    loop {
        match answers.message().await {
            Ok(Some(message)) => {
                results.extend(
                    message.results.into_iter().map(|result| (result.request_id, result.result.unwrap())),
                );
            }
            Ok(None) => return (results, None),
            Err(status) => return (results, Some(status)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_booked_in_bulk() {
    use v1::entry_result::Result as Booked;
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let before = api.balance(&belgian(1)).await;
    let mut entries: Vec<_> =
        (0..1000).map(|number| entry(&format!("entry-{number}"), &belgian(1), "0.01")).collect();
    entries.push(entry("unknown", &belgian(2), "1.00"));
    entries.push(v1::PostEntryRequest { booking_key: String::new(), ..entry("no-key", &belgian(1), "1.00") });
    let (results, ended) = book_all(&api, vec![entries[..500].to_vec(), entries[500..].to_vec()]).await;
    assert!(ended.is_none(), "{ended:?}");
    assert_eq!((results.len(), before.as_str()), (1002, "1000.00"));
    for (request_id, result) in &results {
        match (request_id.as_str(), result) {
            ("unknown", Booked::NotTaken(not_taken)) => {
                assert_eq!(not_taken.reason(), v1::ErrorReason::AccountUnknown);
            }
            ("no-key", Booked::NotTaken(not_taken)) => {
                assert_eq!(not_taken.field_violations[0].field, "booking_key");
            }
            (_, Booked::Booked(booked)) => assert!(!booked.confirmation.unwrap().repeat),
            (_, Booked::NotTaken(not_taken)) => panic!("{request_id}: {not_taken:?}"),
        }
    }
    assert_eq!(api.balance(&belgian(1)).await, "1010.00");
    let (again, _) = book_all(&api, vec![entries[..10].to_vec()]).await;
    for (request_id, result) in &again {
        let (Booked::Booked(first), Booked::Booked(again)) = (&results[request_id], result) else {
            panic!("{request_id} was booked");
        };
        assert_eq!((again.confirmation.unwrap().repeat, &again.balance), (true, &first.balance));
    }
    assert_eq!(api.balance(&belgian(1)).await, "1010.00");
    for faulty in [Vec::new(), vec![entries[0].clone(); 1025]] {
        let (results, ended) = book_all(&api, vec![faulty]).await;
        assert_eq!(ended.expect("the stream fails as a whole").code(), Code::InvalidArgument);
        assert!(results.is_empty());
    }
}

/// The accounts of other banks do not exist for a caller, in bulk as well.
#[tokio::test(flavor = "multi_thread")]
async fn entries_are_of_ones_own_accounts_only() {
    use v1::entry_result::Result as Booked;
    let secured = tests::secured::Secured::start().await;
    let (operator, alfa) = (secured.api("operator").await, secured.api("alfa").await);
    for bank in [ALFA, BETA] {
        World::of(operator.clone()).register(bank, v1::AccountMode::Hosted).await;
    }
    World::of(alfa.clone()).customer(ALFA, &belgian(1)).await;
    World::of(secured.api("beta").await).customer(BETA, &german(1)).await;
    let entries = vec![
        entry("first", &german(1), "1.00"),
        v1::PostEntryRequest { value_date: String::new(), ..entry("second", &belgian(1), "1.00") },
        entry("third", &belgian(1), "1.00"),
        entry("fourth", &german(1), "1.00"),
    ];
    let (results, ended) = book_all(&alfa, vec![entries]).await;
    assert!(ended.is_none(), "{ended:?}");
    let reason = |id: &str| match &results[id] {
        Booked::NotTaken(not_taken) => Some(not_taken.reason()),
        Booked::Booked(_) => None,
    };
    let unknown = Some(v1::ErrorReason::AccountUnknown);
    assert_eq!([reason("first"), reason("third"), reason("fourth")], [unknown, None, unknown]);
    assert!(
        matches!(&results["second"], Booked::NotTaken(not_taken) if !not_taken.field_violations.is_empty())
    );
}
