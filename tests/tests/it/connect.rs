//! Banks that connect: where they go on, how their connections share the work, and what ends one.

use std::collections::BTreeSet;

use client::v1;
use client::v1::connect_event::Event;
use client::v1::connect_request::Request;
use server::ServerLimits;
use tests::{Api, Bank, GAMMA, Node, World, answer, payment, payment_to_remote, settled, start, until};
use tonic::Code;
use tonic_types::StatusExt;

async fn node() -> (Node, Api) {
    with_limits(ServerLimits::default()).await
}

async fn with_limits(limits: ServerLimits) -> (Node, Api) {
    let node = Node::with_limits(limits).await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    world.remote_bank().await;
    (node, api)
}

/// Reserves payments with these numbers.
async fn reserve(api: &Api, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let payment = payment_to_remote(&format!("TX-{number}"), "0.01");
        let outcome = api.submit_within(&payment, 0).await.unwrap();
        assert_eq!(outcome.status(), v1::PaymentStatus::Reserved, "{}", outcome.reason_code);
    }
}

fn transaction_id(question: &v1::PaymentQuestion) -> String {
    question.payment.as_ref().unwrap().transaction_id.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_goes_on_where_it_was_after_a_restart() {
    let (node, api) = node().await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    reserve(&api, 0..4).await;
    let questions =
        [gamma.question().await, gamma.question().await, gamma.question().await, gamma.question().await];
    let mut reports = Vec::new();
    for question in &questions[..2] {
        gamma.accept(question).await;
        reports.push(gamma.report().await);
    }
    let processed = reports[0].outcome.as_ref().unwrap().decided_sequence;
    drop(gamma);
    let node = node.restart().await;
    let api = node.api().await;
    let mut gamma = Bank::connect_from(&api, GAMMA, processed).await;
    assert_eq!(gamma.started().unanswered, 2);
    let mut again = Vec::new();
    while again.len() < 4 {
        again.push(gamma.next().await);
    }
    let mut expected: Vec<Event> = Vec::new();
    // In the order of the log: the questions were asked before anything was decided. The outcome of the last position
    // processed comes again, because another could share it.
    for question in &questions[2..] {
        expected.push(Event::Question(v1::PaymentQuestion { possible_repeat: true, ..question.clone() }));
    }
    for report in &reports {
        expected.push(Event::Report(v1::PaymentReport { possible_repeat: true, ..report.clone() }));
    }
    assert_eq!(again, expected);
    // What comes now is new.
    gamma.accept(&questions[2]).await;
    let report = gamma.report().await;
    assert!(!report.possible_repeat);
    assert_eq!(report.outcome.unwrap().payment_id, questions[2].payment_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_kept_comes_in_the_order_of_the_log() {
    let (_node, api) = node().await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    reserve(&api, 0..600).await;
    let mut reports = 0;
    while reports < 600 {
        match gamma.next().await {
            Event::Question(question) => gamma.accept(&question).await,
            Event::Report(_) => reports += 1,
            other @ (Event::Started(_) | Event::AnswerResult(_)) => panic!("{other:?}"),
        }
    }
    // Payments of others are none of its business.
    settled(api.submit(&payment("TX-OTHER", "0.01")).await.unwrap());
    drop(gamma);
    let mut gamma = Bank::connect_from(&api, GAMMA, 0).await;
    let mut last = 0;
    for _ in 0..600 {
        let report = gamma.report().await;
        assert!(report.possible_repeat);
        let position = report.outcome.unwrap().decided_sequence;
        assert!(position > last);
        last = position;
    }
    reserve(&api, 1000..1001).await;
    assert_eq!(transaction_id(&gamma.question().await), "TX-1000", "and then what is new");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_share_the_work_and_one_takes_over_from_another() {
    let (_node, api) = node().await;
    let mut first = Bank::connect(&api, GAMMA).await;
    let mut second = Bank::connect(&api, GAMMA).await;
    reserve(&api, 0..40).await;
    // Each question goes to one of them.
    let mut asked = BTreeSet::new();
    let mut of_second = BTreeSet::new();
    while asked.len() < 40 {
        let question = tokio::select! {
            question = first.question() => question,
            question = second.question() => {
                of_second.insert(transaction_id(&question));
                question
            }
        };
        assert!(!question.possible_repeat);
        assert!(asked.insert(transaction_id(&question)), "asked once");
    }
    drop(second);
    // What it had not answered comes again, with whatever else is open.
    let mut again = BTreeSet::new();
    while again.len() < 40 {
        let question = first.question().await;
        assert!(question.possible_repeat);
        again.insert(transaction_id(&question));
    }
    assert!(again.is_superset(&of_second));
    // It hears all the outcomes now.
    reserve(&api, 40..41).await;
    let question = first.question().await;
    first.accept(&question).await;
    first.report().await;
}

/// Reports are not shared: whoever wants them gets all of them.
#[tokio::test(flavor = "multi_thread")]
async fn every_connection_hears_all_reports() {
    let (_node, api) = node().await;
    let mut first = Bank::connect(&api, GAMMA).await;
    let mut second = Bank::connect(&api, GAMMA).await;
    let mut answering = {
        let only = v1::ConnectStart { questions_only: true, ..start(GAMMA) };
        Bank::try_connect(&api, only).await.unwrap()
    };
    reserve(&api, 0..30).await;
    let mut heard = [BTreeSet::new(), BTreeSet::new()];
    while heard.iter().any(|heard| heard.len() < 30) {
        let (which, event) = tokio::select! {
            event = first.next() => (0, event),
            event = second.next() => (1, event),
            event = answering.next() => (2, event),
        };
        match event {
            Event::Question(question) => [&first, &second, &answering][which].accept(&question).await,
            Event::Report(report) => {
                let outcome = report.outcome.unwrap();
                assert!(heard[which].last().is_none_or(|(last, _)| *last < outcome.decided_sequence));
                heard[which].insert((outcome.decided_sequence, outcome.payment_id));
            }
            other @ (Event::Started(_) | Event::AnswerResult(_)) => panic!("{other:?}"),
        }
    }
    assert_eq!(heard[0], heard[1]);
}

/// The peer of a connection is gone, and the node has not noticed: another one is told the questions in time, and hears
/// all reports.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_nobody_reads_swallows_nothing() {
    let (node, api) = node().await;
    let old = Bank::connect(&api, GAMMA).await;
    let mut new = Bank::connect_from(&node.api().await, GAMMA, old.started().as_of_sequence).await;
    reserve(&api, 0..20).await;
    let (mut asked, mut reported) = (BTreeSet::new(), BTreeSet::new());
    while reported.len() < 20 {
        match new.next().await {
            Event::Question(question) => {
                new.accept(&question).await;
                asked.insert(question.payment_id);
            }
            Event::Report(report) => {
                let outcome = report.outcome.unwrap();
                assert_eq!(outcome.status(), v1::PaymentStatus::Settled);
                reported.insert(outcome.payment_id);
            }
            // A question may come twice.
            Event::AnswerResult(_) => {}
            other @ Event::Started(_) => panic!("{other:?}"),
        }
    }
    assert_eq!(asked, reported);
    drop(old);
}

/// Questions do not wait for what a bank missed.
#[tokio::test(flavor = "multi_thread")]
async fn a_bank_far_behind_is_asked_first() {
    let (_node, api) = node().await;
    let only = v1::ConnectStart { questions_only: true, ..start(GAMMA) };
    let mut answering = Bank::try_connect(&api, only).await.unwrap();
    reserve(&api, 0..300).await;
    for _ in 0..300 {
        let question = answering.question().await;
        answering.accept(&question).await;
    }
    reserve(&api, 300..302).await;
    let mut behind = Bank::connect_from(&api, GAMMA, 0).await;
    for number in 300..302 {
        let question = behind.question().await;
        assert_eq!((transaction_id(&question), question.possible_repeat), (format!("TX-{number}"), true));
    }
    let mut last = 0;
    for _ in 0..300 {
        let position = behind.report().await.outcome.unwrap().decided_sequence;
        assert!(position > last);
        last = position;
    }
}

/// Its last answers are dealt with, and others get what it had not answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_ends_its_side_hears_what_its_answers_came_to() {
    let (_node, api) = node().await;
    let mut first = Bank::connect(&api, GAMMA).await;
    reserve(&api, 0..2).await;
    let (answered, open) = (first.question().await, first.question().await);
    let only = v1::ConnectStart { questions_only: true, ..start(GAMMA) };
    let mut second = Bank::try_connect(&api, only).await.unwrap();
    second.question().await;
    second.question().await;
    let accept = answer(&answered, v1::Decision::Accept, "");
    first.send(Request::Answers(v1::PaymentAnswers { answers: vec![accept.clone(), accept] })).await;
    first.hang_up();
    let mut doubles = 0;
    while let Some(event) = first.try_next().await.unwrap() {
        match event {
            Event::AnswerResult(result) => {
                assert_eq!(result.effect(), v1::AnswerEffect::Double);
                doubles += 1;
            }
            Event::Report(_) | Event::Question(_) => {}
            other @ Event::Started(_) => panic!("{other:?}"),
        }
    }
    assert_eq!(doubles, 1);
    let again = second.question().await;
    assert!(again.possible_repeat);
    assert_eq!(again.payment_id, open.payment_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_for_questions_hears_no_outcomes_and_leaves_them_to_others() {
    let (_node, api) = node().await;
    let only = v1::ConnectStart { questions_only: true, ..start(GAMMA) };
    let mut answering = Bank::try_connect(&api, only).await.unwrap();
    reserve(&api, 0..1).await;
    let question = answering.question().await;
    answering.accept(&question).await;
    // The next thing that it hears is about its second answer: the outcome was not told here.
    answering.accept(&question).await;
    let double = answering.answer_result().await;
    assert_eq!(double.effect(), v1::AnswerEffect::Double);
    assert_eq!(double.outcome.unwrap().status(), v1::PaymentStatus::Settled);

    let mut hearing = Bank::connect(&api, GAMMA).await;
    reserve(&api, 1..30).await;
    let (mut questions, mut reports) = (0, 0);
    while reports < 29 {
        tokio::select! {
            question = answering.question() => {
                questions += 1;
                answering.accept(&question).await;
            }
            event = hearing.next() => match event {
                Event::Question(question) => {
                    questions += 1;
                    hearing.accept(&question).await;
                }
                Event::Report(_) => reports += 1,
                other @ (Event::Started(_) | Event::AnswerResult(_)) => panic!("{other:?}"),
            },
        }
    }
    assert_eq!(questions, 29);
}

/// A connection that does not read holds what it took last. Others of the bank go on, and so do all other banks.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_does_not_read_holds_up_nobody() {
    let (node, api) = with_limits(ServerLimits { notices_waiting: 64, ..ServerLimits::default() }).await;
    let apart = node.api().await;
    let silent = Bank::connect(&apart, GAMMA).await;
    let mut reading = Bank::connect(&api, GAMMA).await;
    let answering = tokio::spawn(async move {
        let mut settled = BTreeSet::new();
        while settled.len() < 20 {
            match reading.next().await {
                Event::Question(question) => {
                    reading.accept(&question).await;
                    settled.insert(question.payment_id);
                }
                Event::Report(_) | Event::AnswerResult(_) => {}
                other @ Event::Started(_) => panic!("{other:?}"),
            }
        }
    });
    reserve(&api, 0..2000).await;
    settled(api.submit(&payment("TX-OTHER", "0.01")).await.unwrap());
    answering.await.unwrap();
    // When it ends, others of the bank may hear again what it held.
    drop(silent);
    let mut after = Bank::connect(&api, GAMMA).await;
    let unanswered = after.started().unanswered;
    for _ in 0..unanswered.min(100) {
        let question = after.question().await;
        assert!(question.possible_repeat);
    }
}

/// More happens than waits for the bank's connections: what they miss comes from the log and from the open questions.
#[tokio::test(flavor = "multi_thread")]
async fn what_found_no_room_is_caught_up_with() {
    let (_node, api) = with_limits(ServerLimits { notices_waiting: 4, ..ServerLimits::default() }).await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    // One message makes one frame, which is more than there is room for.
    let submissions = (0..300_u64).map(|number| {
        let payment = payment_to_remote(&format!("TX-{number}"), "0.01");
        v1::PaymentSubmission { caller_id: number, payment: Some(payment) }
    });
    let request = v1::SubmitPaymentsRequest { payments: submissions.collect() };
    let mut client = api.payments();
    let streaming = tokio::spawn(async move {
        let mut replies = client.submit_payments(tokio_stream::iter([request])).await.unwrap().into_inner();
        let mut count = 0;
        while let Some(reply) = replies.message().await.unwrap() {
            count += reply.results.len();
        }
        count
    });
    let (mut asked, mut reported) = (BTreeSet::new(), BTreeSet::new());
    while reported.len() < 300 {
        match gamma.next().await {
            Event::Question(question) => {
                if asked.insert(question.payment_id.clone()) {
                    gamma.accept(&question).await;
                }
            }
            Event::Report(report) => {
                let outcome = report.outcome.unwrap();
                assert_eq!(outcome.status(), v1::PaymentStatus::Settled);
                assert!(reported.insert(outcome.payment_id) || report.possible_repeat, "told once");
            }
            other @ (Event::Started(_) | Event::AnswerResult(_)) => panic!("{other:?}"),
        }
    }
    assert_eq!(asked, reported);
    assert_eq!(streaming.await.unwrap(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_answers_in_one_message_are_all_taken() {
    let (_node, api) = node().await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    reserve(&api, 0..200).await;
    let mut questions = Vec::new();
    while questions.len() < 200 {
        questions.push(gamma.question().await);
    }
    let accept = |question| answer(question, v1::Decision::Accept, "");
    // Twice each: the second time changes nothing.
    let answers = questions.iter().chain(&questions).map(accept).collect();
    gamma.send(Request::Answers(v1::PaymentAnswers { answers })).await;
    let (mut reports, mut doubles) = (0, 0);
    while reports < 200 || doubles < 200 {
        match gamma.next().await {
            Event::Report(_) => reports += 1,
            Event::AnswerResult(result) => {
                assert_eq!(result.effect(), v1::AnswerEffect::Double);
                doubles += 1;
            }
            other @ (Event::Started(_) | Event::Question(_)) => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_begins_with_a_start_that_holds() {
    let (_node, api) = with_limits(ServerLimits { connections_per_bank: 1, ..ServerLimits::default() }).await;
    let refused = Bank::try_connect(&api, start("NOBKBEBB")).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let refused = Bank::try_connect(&api, start("no bank")).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let answers = Request::Answers(v1::PaymentAnswers { answers: Vec::new() });
    let refused = Bank::try_request(&api, answers).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let ahead = v1::ConnectStart { last_sequence: Some(1 << 40), ..start(GAMMA) };
    let refused = Bank::try_connect(&api, ahead).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange);
    let reason = |status: &tonic::Status| status.get_details_error_info().map(|info| info.reason);
    assert_eq!(reason(&refused).as_deref(), Some("POSITION_AHEAD"));
    // What failed left no place taken.
    let first =
        until("the bank may connect", async || Bank::try_connect(&api, start(GAMMA)).await.ok()).await;
    let refused = Bank::try_connect(&api, start(GAMMA)).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(reason(&refused).as_deref(), Some("QUOTA_EXCEEDED"));
    drop(first);
    until("the place is free again", async || Bank::try_connect(&api, start(GAMMA)).await.ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_break_their_rules_end_the_connection() {
    let (_node, api) = node().await;
    let question = v1::PaymentQuestion {
        payment_id: "short".to_owned(),
        stage: v1::DecisionStage::Credit.into(),
        ..v1::PaymentQuestion::default()
    };
    let accept = answer(&question, v1::Decision::Accept, "");
    let faulty = [
        Request::Start(start(GAMMA)),
        Request::Answers(v1::PaymentAnswers { answers: Vec::new() }),
        Request::Answers(v1::PaymentAnswers { answers: vec![accept.clone(); 1025] }),
        Request::Answers(v1::PaymentAnswers { answers: vec![accept.clone()] }),
        Request::Answers(v1::PaymentAnswers {
            answers: vec![v1::PaymentAnswer { decision: v1::Decision::Reject.into(), ..accept }],
        }),
    ];
    for request in faulty {
        let mut gamma = Bank::connect(&api, GAMMA).await;
        gamma.send(request).await;
        let ended = gamma.try_next().await.unwrap_err();
        assert_eq!(ended.code(), Code::InvalidArgument, "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_tells_its_banks() {
    let (node, api) = node().await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let paying = api.submit_aside(&payment_to_remote("TX-1", "1.00"));
    gamma.question().await;
    let _folder = node.stop().await;
    let ended = gamma.try_next().await.unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable);
    assert_eq!(paying.await.unwrap().unwrap_err().code(), Code::Unavailable, "the outcome is not known yet");
}
