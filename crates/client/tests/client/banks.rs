//! Banks that connect, and watchers, over connections that break.

use std::time::{Duration, SystemTime};

use client::v1::connect_event::Event;
use client::{
    BankConnection, BankOptions, ClientError, ExchangeOptions, Heard, IsoExchange, Refusal, RetryPolicy,
    Watcher, v1,
};
use tonic::{Code, Status};

use crate::bank_node::{BankNode, Session};
use crate::node::quick;

const BIC: &str = "TESTBEBBXXX";

fn started(as_of_sequence: u64) -> Event {
    Event::Started(v1::ConnectStarted { as_of_sequence, ..Default::default() })
}

fn question(payment_id: &str, possible_repeat: bool) -> Event {
    let stage = v1::DecisionStage::Credit.into();
    let payment_id = payment_id.to_owned();
    Event::Question(v1::PaymentQuestion { payment_id, stage, possible_repeat, ..Default::default() })
}

fn report(payment_id: &str, decided_sequence: u64) -> Event {
    let payment_id = payment_id.to_owned();
    let status = v1::PaymentStatus::Settled.into();
    let outcome = v1::PaymentOutcome { payment_id, status, decided_sequence, ..Default::default() };
    Event::Report(v1::PaymentReport { outcome: Some(outcome), ..Default::default() })
}

/// Hears until nothing but the first of so many events is missing.
async fn hear(bank: &mut BankConnection, count: usize) -> Vec<Heard> {
    let mut heard = Vec::new();
    while heard.len() < count {
        heard.extend(bank.next().await.unwrap());
    }
    heard
}

#[tokio::test]
async fn a_bank_is_asked_answers_and_hears() {
    let node = BankNode::new(|mut session: Session| async move {
        session.tell([started(7), question("P-1", false)]).await;
        for answer in session.answers().await.unwrap() {
            session.tell([report(&answer.payment_id, 9)]).await;
        }
        // Stays until the bank goes.
        while session.answers().await.is_some() {}
    });
    let mut bank = BankConnection::open(&node.quick_client().await, BankOptions::new(BIC));
    let heard = hear(&mut bank, 2).await;
    let Heard::Question(question) = &heard[1] else { panic!("{heard:?}") };
    assert!(bank.answers().answer(vec![question.accept()]).await);
    assert_eq!(hear(&mut bank, 1).await, [report("P-1", 9)]);
}

/// Outcomes are resumed from what was processed, not from what came.
#[tokio::test]
async fn a_broken_connection_goes_on_from_what_was_processed() {
    let node = BankNode::new(|session: Session| async move {
        let last = session.start.last_sequence;
        match session.number {
            0 => {
                assert_eq!(last, Some(3));
                session.tell([started(20), report("P-1", 5), report("P-2", 6)]).await;
            }
            1 => assert_eq!(last, Some(5)),
            _ => {
                assert_eq!(last, Some(5), "nothing was heard, let alone processed, on the second");
                session.tell([started(20), report("P-2", 6)]).await;
            }
        }
        session.end(Status::unavailable("reset")).await;
    });
    let options = BankOptions { last_sequence: Some(3), ..BankOptions::new(BIC) };
    let mut bank = BankConnection::open(&node.quick_client().await, options);
    hear(&mut bank, 3).await;
    bank.processed(5);
    bank.processed(4);
    assert_eq!(hear(&mut bank, 2).await, [started(20), report("P-2", 6)]);
    assert_eq!(bank.position(), Some(5));
}

/// Whoever wants outcomes from now on must not lose those between two connections.
#[tokio::test]
async fn from_now_on_means_from_the_first_connection_on() {
    let node = BankNode::new(|session: Session| async move {
        let expected = if session.number == 0 { None } else { Some(40) };
        assert_eq!(session.start.last_sequence, expected);
        session.tell([started(40 + u64::try_from(session.number).unwrap())]).await;
        session.end(Status::unavailable("reset")).await;
    });
    let client = node.quick_client().await;
    let mut bank = BankConnection::open(&client, BankOptions::new(BIC));
    assert_eq!(hear(&mut bank, 2).await, [started(40), started(41)]);
    assert_eq!(bank.position(), Some(40));
}

fn started_in(incarnation: u64, as_of_sequence: u64) -> Heard {
    let incarnation = Some(incarnation);
    Event::Started(v1::ConnectStarted { as_of_sequence, incarnation, ..Default::default() })
}

/// What a bank has heard and not processed yet may be lost by a restore: it must not count as processed afterwards.
#[tokio::test]
async fn a_connection_ends_when_the_node_was_restored_meanwhile() {
    let node = BankNode::new(|session: Session| async move {
        let v1::ConnectStart { last_sequence, incarnation, .. } = session.start;
        match session.number {
            0 => {
                assert_eq!((last_sequence, incarnation), (Some(3), Some(70)));
                session.tell([started_in(70, 20), report("P-1", 5), report("P-2", 6)]).await;
            }
            1 | 2 => {
                assert_eq!((last_sequence, incarnation), (Some(5), Some(70)));
                session.tell([started_in(71, 5)]).await;
            }
            _ => {
                assert_eq!((last_sequence, incarnation), (Some(5), Some(70)), "the bank has kept both");
                session.tell([started_in(71, 9), report("P-3", 6)]).await;
            }
        }
        session.end(Status::unavailable("reset")).await;
    });
    let client = node.quick_client().await;
    let options = BankOptions { last_sequence: Some(3), incarnation: Some(70), ..BankOptions::new(BIC) };
    let mut bank = BankConnection::open(&client, options.clone());
    hear(&mut bank, 3).await;
    bank.processed(5);
    for _ in 0..2 {
        let ended = bank.next().await.unwrap_err();
        let ClientError::NotDone(refusal) = ended else { panic!("{ended:?}") };
        assert_eq!(refusal.reason, v1::ErrorReason::PositionTooOld);
        assert_eq!((bank.position(), bank.incarnation()), (Some(5), Some(70)));
    }
    // A new connection has heard nothing of the old life, and the node still has the position.
    let (last_sequence, incarnation) = (bank.position(), bank.incarnation());
    let mut bank = BankConnection::open(&client, BankOptions { last_sequence, incarnation, ..options });
    assert_eq!(hear(&mut bank, 2).await, [started_in(71, 9), report("P-3", 6)]);
    assert_eq!(bank.incarnation(), Some(71));
}

/// An answer that is lost is asked for again, and one to a connection that is gone neither waits nor goes elsewhere.
#[tokio::test]
async fn answers_belong_to_their_connection() {
    let node = BankNode::new(|mut session: Session| async move {
        session.tell([started(1), question("P-1", session.number > 0)]).await;
        if session.number == 0 {
            return session.end(Status::unavailable("reset")).await;
        }
        let answers = session.answers().await.unwrap();
        assert_eq!(answers.len(), 1, "only what was answered on this connection");
        session.tell([report("P-1", 2)]).await;
        while session.answers().await.is_some() {}
    });
    let mut bank = BankConnection::open(&node.quick_client().await, BankOptions::new(BIC));
    let answers = bank.answers();
    let accept = v1::PaymentAnswer { payment_id: "P-1".to_owned(), ..Default::default() };
    assert!(!answers.answer(vec![accept.clone()]).await, "there is no connection yet");
    hear(&mut bank, 2).await;
    // However many: none of them may wait for a connection that only `next` opens again.
    while answers.answer(vec![accept.clone()]).await {
        tokio::task::yield_now().await;
    }
    assert_eq!(hear(&mut bank, 2).await, [started(1), question("P-1", true)]);
    assert!(answers.answer(vec![accept]).await);
    assert_eq!(hear(&mut bank, 1).await, [report("P-1", 2)]);
}

#[tokio::test]
async fn answers_are_split_into_messages() {
    let node = BankNode::new(|mut session: Session| async move {
        session.tell([started(1)]).await;
        let mut sizes = Vec::new();
        while sizes.iter().sum::<usize>() < 2_500 {
            sizes.push(session.answers().await.unwrap().len());
        }
        assert_eq!(sizes, [1024, 1024, 452]);
        session.tell([report("P-1", 2)]).await;
    });
    let mut bank = BankConnection::open(&node.quick_client().await, BankOptions::new(BIC));
    hear(&mut bank, 1).await;
    assert!(bank.answers().answer(vec![v1::PaymentAnswer::default(); 2_500]).await);
    assert_eq!(hear(&mut bank, 1).await, [report("P-1", 2)]);
}

#[tokio::test]
async fn a_connection_that_is_refused_is_not_opened_again() {
    for code in [Code::InvalidArgument, Code::NotFound, Code::PermissionDenied, Code::OutOfRange] {
        let node = BankNode::new(move |session: Session| async move {
            assert_eq!(session.number, 0);
            session.end(Status::new(code, "no")).await;
        });
        let mut bank = BankConnection::open(&node.quick_client().await, BankOptions::new(BIC));
        let Err(ClientError::NotDone(refusal)) = bank.next().await else { panic!("{code:?} is final") };
        assert_eq!(refusal.code, code);
    }
}

#[tokio::test]
async fn attempts_end_but_are_counted_anew_after_each_message() {
    let node = BankNode::new(|session: Session| async move {
        if session.number.is_multiple_of(2) && session.number < 8 {
            session.tell([started(1)]).await;
        }
        let busy =
            Refusal::new(Code::ResourceExhausted, v1::ErrorReason::QuotaExceeded, "too many connections");
        session.end(busy.into_status()).await;
    });
    let mut bank = BankConnection::open(&node.quick_client().await, BankOptions::new(BIC));
    assert_eq!(hear(&mut bank, 4).await.len(), 4);
    assert!(matches!(bank.next().await, Err(ClientError::NotDone(_))));
}

/// A bank that does not read holds the node's side up; nothing piles up in between.
#[tokio::test]
async fn what_is_not_read_is_not_sent() {
    const TOLD_MAX: u64 = 100_000;
    let (told, mut hears) = tokio::sync::watch::channel(0);
    let node = BankNode::new(move |session: Session| {
        let told = told.clone();
        async move {
            for sequence in 1..=TOLD_MAX {
                session.tell([report(&"P".repeat(1_000), sequence)]).await;
                told.send_replace(sequence);
            }
        }
    });
    let retry = RetryPolicy { attempts_max: 1, ..quick() };
    let mut bank = BankConnection::open(&node.client(retry).await, BankOptions::new(BIC));
    hear(&mut bank, 1).await;
    // Until the window of the connection is full, and nothing moves any more for longer than anything takes.
    while let Ok(changed) = tokio::time::timeout(Duration::from_millis(300), hears.changed()).await {
        changed.unwrap();
    }
    assert!(*hears.borrow() < TOLD_MAX / 10, "{} were sent unread", *hears.borrow());
    assert!(hear(&mut bank, 1_000).await.len() >= 1_000);
}

#[tokio::test]
async fn a_watcher_goes_on_where_it_was_cut_off() {
    let response = |sequence, upto_sequence| {
        let event = v1::Event { sequence, ..Default::default() };
        Ok(v1::WatchResponse { events: vec![event], upto_sequence, incarnation: Some(77) })
    };
    let node = BankNode::watched(move |number, request| match number {
        0 => {
            assert_eq!((request.after_sequence, request.incarnation), (None, None));
            let slow = Refusal::new(Code::Aborted, v1::ErrorReason::ReaderTooSlow, "not read in time");
            vec![response(4, 5), response(8, 9), Err(slow.into_status())]
        }
        1 => {
            assert_eq!((request.after_sequence, request.account.as_str()), (Some(9), "BE68539007547034"));
            assert_eq!(request.incarnation, Some(77));
            vec![response(10, 12)]
        }
        _ => {
            assert_eq!(request.after_sequence, Some(12));
            vec![Err(Status::out_of_range("too old"))]
        }
    });
    let account = "BE68539007547034".to_owned();
    let request = v1::WatchRequest { account, ..Default::default() };
    let mut watcher = Watcher::open(&node.quick_client().await, request);
    let mut sequences = Vec::new();
    let refused = loop {
        match watcher.next().await {
            Ok(response) => sequences.extend(response.events.iter().map(|event| event.sequence)),
            Err(error) => break error,
        }
    };
    assert_eq!(sequences, [4, 8, 10]);
    assert_eq!((watcher.position(), watcher.incarnation()), (Some(12), Some(77)));
    let ClientError::NotDone(refusal) = refused else { panic!("{refused:?}") };
    assert_eq!(refusal.code, Code::OutOfRange);
}

#[tokio::test]
async fn documents_are_exchanged_over_connections_that_break() {
    let node = BankNode::new(|_: Session| async {});
    let options = ExchangeOptions { last_sequence: Some(0), ..ExchangeOptions::new(BIC) };
    let mut exchange = IsoExchange::open(&node.quick_client().await, options);
    let documents = exchange.documents();
    assert!(exchange.next().await.unwrap().document.is_empty(), "the connection stands");
    assert!(documents.send(b"<first/>".to_vec()).await);
    let first = exchange.next().await.unwrap();
    assert_eq!((first.document.as_slice(), first.sequence), (b"<first/>".as_slice(), 1));
    exchange.processed(first.sequence);
    let again = exchange.next().await.unwrap();
    assert_eq!((again.document.len(), again.sequence), (0, 1), "it goes on from what was processed");
    assert!(documents.send(b"<second/>".to_vec()).await);
    assert_eq!(exchange.next().await.unwrap().document, b"<second/>");
    assert_eq!(exchange.position(), Some(1));
}

#[test]
fn a_question_says_how_long_it_waits() {
    let answer_by = Some(prost_types::Timestamp { seconds: 100, nanos: 500_000_000 });
    let question = v1::PaymentQuestion { answer_by, ..Default::default() };
    let at = |milliseconds| SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds);
    assert_eq!(question.time_left(at(100_000)), Some(Duration::from_millis(500)));
    assert_eq!(question.time_left(at(100_500)), None, "its end is too late already");
    assert_eq!(question.time_left(at(200_000)), None);
    assert_eq!(question.reject("AC04").decision(), v1::Decision::Reject);
}
