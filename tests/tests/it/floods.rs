//! Callers that keep to no rules: whatever one connection does, the others get their answers.
//!
//! Each test has one edge thread, so that the flood and the good caller share it, and asserts on answers. The one time
//! in here is the scheme's own: a payment is final within ten seconds.

use std::future::Future;
use std::time::Duration;

use client::v1;
use server::ServerLimits;
use std::num::NonZeroUsize;
use tests::http2::{Ended, Rude, call, flag, frame, header, kind, message, setting};
use tests::secured::Secured;
use tests::{Api, BETA, Bank, GAMMA, Node, World, payment, payment_to_remote, settled, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Within this a payment is final (SCT Inst rulebook).
const SCHEME_LIMIT: Duration = Duration::from_secs(10);

/// Payments of the good caller, at least.
const PAYMENTS_MIN: u32 = 20;

/// How long a node may take to notice what is wrong with a connection.
const PATIENCE: Duration = Duration::from_secs(30);

const SUBMIT: &str = "/solvo.v1.PaymentService/SubmitPayment";

fn one_thread() -> ServerLimits {
    ServerLimits { threads: NonZeroUsize::MIN, ..ServerLimits::default() }
}

/// A node, and a caller that behaves.
async fn node() -> (Node, Api) {
    let node = Node::with_limits(one_thread()).await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    (node, api)
}

/// Sends payments for as long as the flood lasts and expects that each is settled in time.
async fn meanwhile<Result>(api: &Api, flood: impl Future<Output = Result>) -> Result {
    let mut flood = std::pin::pin!(flood);
    let mut result = None;
    let mut number = 0;
    while result.is_none() || number < PAYMENTS_MIN {
        let order = payment(&format!("TX-{number}"), "0.01");
        let mut paid = std::pin::pin!(tokio::time::timeout(SCHEME_LIMIT, api.submit(&order)));
        let outcome = loop {
            tokio::select! {
                ended = &mut flood, if result.is_none() => result = Some(ended),
                outcome = &mut paid => break outcome,
            }
        };
        settled(outcome.expect("a payment is final within ten seconds").unwrap());
        number += 1;
    }
    result.expect("the flood is over")
}

/// The numbers that a client gives its calls.
fn calls(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|number| 2 * number + 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn rapid_resets_end_their_connection() {
    let (node, api) = node().await;
    let mut rude = Rude::connect(node.address(), &[]).await;
    let begin = call(SUBMIT);
    let pairs = |numbers: Vec<u32>| -> Vec<u8> {
        let pair = |stream| {
            let headers = frame(kind::HEADERS, flag::END_HEADERS, stream, &begin);
            [headers, frame(kind::RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
        };
        numbers.into_iter().flat_map(pair).collect()
    };
    let numbers: Vec<u32> = calls(100_000).collect();
    let flood = async {
        for chunk in numbers.chunks(10_000) {
            if rude.send_reading(&pairs(chunk.to_vec())).await.is_err() {
                return Ended::Closed;
            }
        }
        rude.ended(PATIENCE).await
    };
    assert_eq!(meanwhile(&api, flood).await, Ended::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_end_as_soon_as_they_begin_harm_nobody() {
    let (node, api) = node().await;
    let mut rude = Rude::connect(node.address(), &[]).await;
    let begin = call(SUBMIT);
    let empty = flag::END_HEADERS | flag::END_STREAM;
    let all: Vec<u8> = calls(20_000).flat_map(|stream| frame(kind::HEADERS, empty, stream, &begin)).collect();
    // Many are beyond what a connection may have under way, and that is said to each until there are too many.
    meanwhile(&api, async { drop(rude.send_reading(&all).await) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_are_answered_one_at_a_time() {
    let (node, api) = node().await;
    let pings: Vec<u8> = (0..100_000_u64).flat_map(|n| frame(kind::PING, 0, 0, &n.to_be_bytes())).collect();
    let mut rude = Rude::connect(node.address(), &[]).await;
    meanwhile(&api, rude.send_reading(&pings)).await.unwrap();
    // Whoever does not read the answers is not read any further, and is given up.
    let mut deaf = Rude::connect(node.address(), &[]).await;
    let flood = async {
        while tokio::time::timeout(Duration::from_secs(1), deaf.send(&pings))
            .await
            .is_ok_and(|sent| sent.is_ok())
        {}
    };
    meanwhile(&api, flood).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_taken_one_at_a_time() {
    let (node, api) = node().await;
    let settings: Vec<u8> =
        (0..50_000_u32).flat_map(|size| frame(kind::SETTINGS, 0, 0, &setting(1, size % 4096))).collect();
    let mut rude = Rude::connect(node.address(), &[]).await;
    meanwhile(&api, async { drop(rude.send_reading(&settings).await) }).await;
    let mut deaf = Rude::connect(node.address(), &[]).await;
    let flood = async {
        while tokio::time::timeout(Duration::from_secs(1), deaf.send(&settings))
            .await
            .is_ok_and(|sent| sent.is_ok())
        {}
    };
    meanwhile(&api, flood).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_without_end_end_their_connection() {
    let (node, api) = node().await;
    let mut rude = Rude::connect(node.address(), &[]).await;
    let piece = header("x-long", &"x".repeat(16_000));
    let flood = async {
        let mut begin = frame(kind::HEADERS, 0, 1, &call(SUBMIT));
        for _ in 0..1_000 {
            if rude.send_reading(&begin).await.is_err() {
                return Ended::Closed;
            }
            begin = frame(kind::CONTINUATION, 0, 1, &piece);
        }
        rude.ended(PATIENCE).await
    };
    assert_eq!(meanwhile(&api, flood).await, Ended::Closed);

    // Empty ones never reach the limit of headers, but have one of their own.
    let mut rude = Rude::connect(node.address(), &[]).await;
    let flood = async {
        let mut all = frame(kind::HEADERS, 0, 1, &call(SUBMIT));
        all.extend((0..100_000).flat_map(|_| frame(kind::CONTINUATION, 0, 1, &[])));
        if rude.send_reading(&all).await.is_err() { Ended::Closed } else { rude.ended(PATIENCE).await }
    };
    assert_eq!(meanwhile(&api, flood).await, Ended::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_no_room_for_answers_waits_alone() {
    let (node, api) = node().await;
    // No room for a single byte of any answer.
    let mut rude = Rude::connect(node.address(), &setting(4, 0)).await;
    let begin = call("/solvo.v1.AuditService/GetTrialBalance");
    let one = |stream| {
        let headers = frame(kind::HEADERS, flag::END_HEADERS, stream, &begin);
        [headers, frame(kind::DATA, flag::END_STREAM, stream, &message(0, &[]))].concat()
    };
    let all: Vec<u8> = calls(1_000).flat_map(one).collect();
    meanwhile(&api, rude.send_reading(&all)).await.unwrap();
    meanwhile(&api, async {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_longer_than_any_cost_nothing() {
    let (node, api) = node().await;
    let mut rude = Rude::connect(node.address(), &[]).await;
    let begin = call(SUBMIT);
    // Each promises more than there may be, or much that never comes.
    let one = |stream| {
        let promised = if stream % 4 == 1 { u32::MAX } else { 4 * 1024 * 1024 };
        let headers = frame(kind::HEADERS, flag::END_HEADERS, stream, &begin);
        [headers, frame(kind::DATA, 0, stream, &message(promised, b"x"))].concat()
    };
    let all: Vec<u8> = calls(1_000).flat_map(one).collect();
    meanwhile(&api, rude.send_reading(&all)).await.unwrap();
    // One that is really sent, far beyond the limit and as fast as the node lets it.
    let mut rude = Rude::connect(node.address(), &[]).await;
    let flood = async {
        let begin = frame(kind::HEADERS, flag::END_HEADERS, 1, &begin);
        rude.send(&begin).await.unwrap();
        rude.send(&frame(kind::DATA, 0, 1, &message(64 * 1024 * 1024, &[]))).await.unwrap();
        let data = frame(kind::DATA, 0, 1, &[0; 16_000]);
        for _ in 0..4_000 {
            if rude.send_reading(&data).await.is_err() {
                return Ended::Closed;
            }
        }
        rude.ended(PATIENCE).await
    };
    // It has no room to send so much, and does it all the same.
    assert_eq!(meanwhile(&api, flood).await, Ended::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_do_not_touch_those_within() {
    let limits = ServerLimits { connections: 64, ..one_thread() };
    let node = Node::with_limits(limits).await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let flood = async {
        let mut open = Vec::new();
        let mut refused = 0;
        for _ in 0..500 {
            let mut stream = TcpStream::connect(node.address()).await.unwrap();
            // One that is taken gets the greeting of HTTP/2, once it has said its own.
            let greeted = async {
                stream.write_all(tests::http2::PREFACE).await?;
                stream.write_all(&frame(kind::SETTINGS, 0, 0, &[])).await?;
                stream.read_u8().await
            };
            match greeted.await {
                Ok(_) => open.push(stream),
                Err(_) => refused += 1,
            }
        }
        (open.len(), refused)
    };
    let (open, refused) = meanwhile(&api, flood).await;
    assert_eq!((open, refused), (63, 437));
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_that_never_end_are_given_up() {
    let limits = ServerLimits { handshake: Duration::from_millis(300), ..one_thread() };
    let secured = Secured::with_limits(limits).await;
    let operator = secured.api("operator").await;
    let request = v1::GetTrialBalanceRequest {};
    operator.audit().get_trial_balance(request).await.unwrap();
    let mut silent = Vec::new();
    for number in 0..200 {
        let mut stream = TcpStream::connect(secured.address()).await.unwrap();
        // Nothing, the beginning of a hello, or what is none.
        let word: &[u8] = [&[][..], &[22, 3, 1, 2, 0, 1, 0, 1], b"PRI * HTTP/2.0\r\n\r\n"][number % 3];
        stream.write_all(word).await.unwrap();
        silent.push(stream);
    }
    let good = secured.api("auditor").await;
    for api in [&operator, &good] {
        tokio::time::timeout(SCHEME_LIMIT, api.audit().get_trial_balance(request)).await.unwrap().unwrap();
    }
    for mut stream in silent {
        let mut bytes = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
        assert!(ended.is_ok(), "the node closes what comes to nothing");
    }
    operator.audit().get_trial_balance(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_beyond_their_limit_end_the_oldest_and_not_the_honest() {
    // Their time is longer than the test: only their number ends them.
    let limits = ServerLimits { handshakes: 16, handshake: Duration::from_secs(300), ..one_thread() };
    let secured = Secured::with_limits(limits).await;
    let mut silent = Vec::new();
    for _ in 0..48 {
        silent.push(TcpStream::connect(secured.address()).await.unwrap());
    }
    let auditor = secured.api("auditor").await;
    auditor.audit().get_trial_balance(v1::GetTrialBalanceRequest {}).await.unwrap();
    for stream in &mut silent[..32] {
        let ended = tokio::time::timeout(PATIENCE, stream.read_u8()).await;
        assert!(ended.expect("the oldest are given up").is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_never_come_whole_are_given_up() {
    let limits = ServerLimits { message_patience: Duration::from_millis(300), ..one_thread() };
    let node = Node::with_limits(limits).await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    for path in [SUBMIT, "/solvo.v1.PaymentService/SubmitPayments"] {
        let mut rude = Rude::connect(node.address(), &[]).await;
        let mut bytes = frame(kind::HEADERS, flag::END_HEADERS, 1, &call(path));
        bytes.extend(frame(kind::DATA, 0, 1, &message(1000, &[0; 10])));
        rude.send(&bytes).await.unwrap();
        assert!(meanwhile(&api, rude.call_ended(1, PATIENCE)).await, "{path}");
    }
    // A call that has not even begun its message is the same; a stream may pause between its messages.
    let mut rude = Rude::connect(node.address(), &[]).await;
    let stream = call("/solvo.v1.PaymentService/SubmitPayments");
    let mut bytes = frame(kind::HEADERS, flag::END_HEADERS, 1, &stream);
    bytes.extend(frame(kind::DATA, 0, 1, &message(0, &[])));
    bytes.extend(frame(kind::HEADERS, flag::END_HEADERS, 3, &call(SUBMIT)));
    rude.send(&bytes).await.unwrap();
    assert!(rude.call_ended(3, PATIENCE).await);
    assert!(!rude.call_ended(1, Duration::from_secs(1)).await, "it waits for the next message");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_batches_may_be_long() {
    let (_node, api) = node().await;
    let payment_id = "X".repeat(70_000);
    let reference = Some(v1::get_payment_request::Reference::PaymentId(payment_id));
    let request = v1::GetPaymentRequest { reference, wait_ms: None };
    assert_eq!(api.payments().get_payment(request).await.unwrap_err().code(), tonic::Code::OutOfRange);
}

#[tokio::test(flavor = "multi_thread")]
async fn enquiries_that_wait_take_nobodys_place() {
    let (node, api) = node().await;
    World::of(api.clone()).remote_bank().await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let open = api.submit_within(&payment_to_remote("TX-0", "0.01"), 0).await.unwrap();
    let ask = |wait_ms| v1::GetPaymentRequest {
        reference: Some(v1::get_payment_request::Reference::PaymentId(open.payment_id.clone())),
        wait_ms: Some(wait_ms),
    };
    // Those who go give their places back.
    let mut hasty = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let (mut client, request) = (api.payments(), ask(1));
        hasty.spawn(async move {
            for _ in 0..64 {
                client.get_payment(request.clone()).await.unwrap();
            }
        });
    }
    hasty.join_all().await;
    // Two connections: one may not have so many calls under way.
    let others = [node.api().await, node.api().await];
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..1100 {
        let (mut client, request) = (others[number % 2].payments(), ask(60_000));
        waiting.spawn(async move { client.get_payment(request).await });
    }
    for _ in 0..1100 - 1024 {
        let refused = waiting.join_next().await.unwrap().unwrap().unwrap_err();
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
    }
    let account = v1::GetAccountRequest { iban: tests::belgian(1), currency_code: "EUR".to_owned() };
    api.accounts().get_account(account).await.unwrap();
    Bank::try_connect(&api, start(BETA)).await.unwrap();
    let question = gamma.question().await;
    gamma.accept(&question).await;
    let answered = waiting.join_all().await;
    assert_eq!(answered.len(), 1024);
    assert!(answered.into_iter().all(|answer| answer.is_ok()));
}
