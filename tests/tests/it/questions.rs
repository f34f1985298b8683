//! `GetPayment`: always an answer, it comes from the log, and "not found" says whether that is final.

use std::time::Duration;

use client::v1;
use client::v1::get_payment_response::Result as Answer;
use tests::{Node, World, ago, nanoseconds, outcome_of, payment, settled, until};
use types::{Incarnation, PaymentId, Sequence};

#[track_caller]
fn not_found(answer: Answer) -> v1::PaymentNotFound {
    match answer {
        Answer::NotFound(not_found) => not_found,
        Answer::Outcome(outcome) => panic!("found: {outcome:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_found_by_its_id_and_by_its_key() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let timed = v1::Payment { acceptance_time: Some(ago(Duration::from_secs(1))), ..payment("TX-2", "2.00") };
    for payment in [payment("TX-1", "1.00"), timed, payment("TX-3", "5000.00")] {
        let outcome = api.submit(&payment).await.unwrap();
        assert_eq!(outcome_of(api.by_id(&outcome.payment_id).await.unwrap()), outcome);
        assert_eq!(outcome_of(api.by_key(&payment).await.unwrap()), outcome);
        // The acceptance time is no part of the key, and a head office has two spellings.
        let key = v1::Payment { acceptance_time: None, debtor_agent: "ALFABEBB".to_owned(), ..payment };
        assert_eq!(outcome_of(api.by_key(&key).await.unwrap()), outcome);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn not_found_is_final_once_the_deadline_has_passed_in_log_time() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let never_sent = |age_ms| v1::Payment {
        acceptance_time: Some(ago(Duration::from_millis(age_ms))),
        ..payment("TX-NEVER", "1.00")
    };
    let open = never_sent(6000);
    let answer = not_found(api.by_key(&open).await.unwrap());
    assert!(!answer.r#final, "an attempt may be on its way");
    assert!(!answer.forgotten);
    let deadline = nanoseconds(&open.acceptance_time.unwrap()) + 7_000_000_000;
    assert!(nanoseconds(&answer.as_of_time.unwrap()) < deadline);

    // Nothing else happens on this node: asking is what makes the log's time move on.
    let answer = until("the deadline has passed in log time", async || {
        let answer = not_found(api.by_key(&open).await.unwrap());
        answer.r#final.then_some(answer)
    })
    .await;
    assert!(nanoseconds(&answer.as_of_time.unwrap()) >= deadline);
    // And it keeps its word: an attempt that still arrives is refused.
    let refused = api.submit(&open).await.unwrap();
    assert_eq!(refused.reason_code, "AB05");

    assert!(
        not_found(
            api.by_key(&v1::Payment { transaction_id: "TX-OLD".to_owned(), ..never_sent(8000) })
                .await
                .unwrap()
        )
        .r#final
    );
    let without_time = v1::Payment { acceptance_time: None, ..payment("TX-OTHER", "1.00") };
    assert!(!not_found(api.by_key(&without_time).await.unwrap()).r#final, "Solvo may yet stamp it");
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_name_no_payment_are_not_found() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let outcome = settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    let id = PaymentId::parse(&outcome.payment_id).unwrap();
    assert_eq!(id.sequence, Sequence(outcome.sequence));
    // The position of an account's opening, and a payment of another life of the log.
    let no_payment = PaymentId { sequence: Sequence(2), ..id };
    let other_life = PaymentId { incarnation: Incarnation(id.incarnation.0 ^ 1), ..id };
    for id in [no_payment, other_life] {
        let answer = not_found(api.by_id(&id.to_string()).await.unwrap());
        assert!(answer.r#final);
        assert!(answer.as_of_sequence >= outcome.sequence);
    }
    let ahead_of_the_log = PaymentId { sequence: Sequence(u64::MAX - 1), ..id };
    not_found(api.by_id(&ahead_of_the_log.to_string()).await.unwrap());
}

/// Questions and payments are decided in the order in which they came: a question never overtakes a payment.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_includes_everything_received_before_the_question() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    for round in 0..50 {
        let payment = payment(&format!("TX-{round}"), "1.00");
        let submitting = {
            let (api, payment) = (api.clone(), payment.clone());
            tokio::spawn(async move { api.submit(&payment).await.unwrap() })
        };
        // From the moment that one question sees the payment, every later one does, on any connection.
        let seen = until("the payment is received", async || match api.by_key(&payment).await.unwrap() {
            Answer::Outcome(outcome) => Some(outcome),
            Answer::NotFound(_) => None,
        })
        .await;
        let elsewhere = node.api().await;
        assert_eq!(outcome_of(elsewhere.by_key(&payment).await.unwrap()), seen);
        assert_eq!(submitting.await.unwrap(), seen, "what is seen is what is told");
    }
}

/// What the same connection has sent before is in the log before its question is answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_comes_before_any_question_that_follows_it() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let mut askers = Vec::new();
    for round in 0..64 {
        let api = api.clone();
        askers.push(tokio::spawn(async move {
            let payment = payment(&format!("TX-{round}"), "0.50");
            let told = settled(api.submit(&payment).await.unwrap());
            assert_eq!(outcome_of(api.by_key(&payment).await.unwrap()), told);
            assert_eq!(outcome_of(api.by_id(&told.payment_id).await.unwrap()), told);
        }));
    }
    for asker in askers {
        asker.await.unwrap();
    }
}
