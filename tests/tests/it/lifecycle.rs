//! Payments that a bank has to decide: who hears what, one test for each row; what the caller waits for; and what
//! hosted banks decide themselves.

use std::time::Duration;

use client::v1;
use client::v1::connect_event::Event;
use tests::{
    ALFA, Api, BETA, Bank, GAMMA, Node, World, ago, answer, belgian, french, german, money, outcome_of,
    payment, payment_to_remote, settled, until,
};
use tokio_stream::StreamExt;
use types::{Incarnation, PaymentId};

/// A node, and a world with the remote bank GAMMA.
async fn world() -> (Node, Api, World) {
    let node = Node::start().await;
    let api = node.api().await;
    let world = World::set_up(&api, 1).await;
    world.remote_bank().await;
    (node, api, world)
}

/// The same payment, received so long ago that its deadline is near: 7 s after that.
fn due_soon(payment: v1::Payment) -> v1::Payment {
    v1::Payment { acceptance_time: Some(ago(Duration::from_millis(6200))), ..payment }
}

fn outcome(report: &v1::PaymentReport) -> &v1::PaymentOutcome {
    report.outcome.as_ref().unwrap()
}

/// A payment that the other bank accepts. What a bank hears about it shows that it heard nothing before.
async fn settle_one(api: &Api, gamma: &mut Bank, transaction_id: &str) -> v1::PaymentOutcome {
    let paying = api.submit_aside(&payment_to_remote(transaction_id, "1.00"));
    let question = gamma.question().await;
    assert_eq!(question.payment.as_ref().unwrap().transaction_id, transaction_id);
    gamma.accept(&question).await;
    assert_eq!(outcome(&gamma.report().await).payment_id, question.payment_id);
    settled(paying.await.unwrap().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_before_forwarding_only_the_originator_hears() {
    let (_node, api, _) = world().await;
    let mut alfa = Bank::connect(&api, ALFA).await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let refused = api.submit(&payment_to_remote("TX-1", "5000.00")).await.unwrap();
    assert_eq!(refused.reason_code, "AM04");
    let report = alfa.report().await;
    assert_eq!(outcome(&report), &refused);
    assert_eq!(report.side(), v1::PaymentSide::Debtor);
    settle_one(&api, &mut gamma, "TX-2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_by_the_payees_bank_its_code_goes_to_the_payers_bank_and_nothing_back() {
    let (_node, api, _) = world().await;
    let mut alfa = Bank::connect(&api, ALFA).await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let paying = api.submit_aside(&payment_to_remote("TX-1", "10.00"));
    let question = gamma.question().await;
    assert_eq!(question.stage(), v1::DecisionStage::Credit);
    gamma.reject(&question, "MS03").await;
    let rejected = paying.await.unwrap().unwrap();
    assert_eq!(rejected.status(), v1::PaymentStatus::Rejected);
    assert_eq!(rejected.reason_code, "MS03");
    assert!(rejected.decided_sequence > rejected.sequence);
    assert_eq!(outcome(&alfa.report().await), &rejected);
    assert_eq!(api.account(&belgian(1)).await.available, "1000.00", "what was set aside has been given back");
    settle_one(&api, &mut gamma, "TX-2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settled_both_hear_it() {
    let (_node, api, _) = world().await;
    let mut alfa = Bank::connect(&api, ALFA).await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let order = payment_to_remote("TX-1", "10.00");
    let paying = api.submit_aside(&order);
    let question = gamma.question().await;
    let asked = question.payment.clone().unwrap();
    // The order as it was sent, with the time of receipt that counts.
    assert_eq!(v1::Payment { acceptance_time: None, ..asked.clone() }, order);
    assert!(asked.acceptance_time.is_some());
    assert!(!question.possible_repeat);
    // Set aside, and nobody's yet.
    let payer = api.account(&belgian(1)).await;
    assert_eq!((payer.balance.as_str(), payer.reserved.as_str()), ("1000.00", "10.00"));
    assert_eq!(payer.available, "990.00");
    assert_eq!(api.position(GAMMA).await, "1000.00");
    gamma.accept(&question).await;
    let settled = settled(paying.await.unwrap().unwrap());
    let (payers, payees) = (alfa.report().await, gamma.report().await);
    assert_eq!(outcome(&payers), &settled);
    assert_eq!(outcome(&payees), &settled);
    assert_eq!(payers.side(), v1::PaymentSide::Debtor);
    assert_eq!(payees.side(), v1::PaymentSide::Creditor);
    assert_eq!(api.balance(&belgian(1)).await, "990.00");
    assert_eq!(api.position(GAMMA).await, "1010.00");
    api.trial_balance().await;
}

/// A payee's bank that was not asked hears of a settlement as well.
#[tokio::test(flavor = "multi_thread")]
async fn settled_at_once_both_hear_it() {
    let (_node, api, _) = world().await;
    let mut alfa = Bank::connect(&api, ALFA).await;
    let mut beta = Bank::connect(&api, BETA).await;
    let outcome_told = settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    assert_eq!(outcome(&alfa.report().await), &outcome_told);
    let payees = beta.report().await;
    assert_eq!(outcome(&payees), &outcome_told);
    assert_eq!(payees.side(), v1::PaymentSide::Creditor);
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_after_forwarding_both_hear_it_in_their_codes() {
    let (_node, api, _) = world().await;
    let mut alfa = Bank::connect(&api, ALFA).await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let paying = api.submit_aside(&due_soon(payment_to_remote("TX-1", "10.00")));
    gamma.question().await;
    let expired = paying.await.unwrap().unwrap();
    assert_eq!(expired.status(), v1::PaymentStatus::Expired);
    assert_eq!(expired.reason_code, "AB05");
    assert_eq!(outcome(&alfa.report().await), &expired);
    let payees = gamma.report().await;
    assert_eq!(outcome(&payees).status(), v1::PaymentStatus::Expired);
    assert_eq!(outcome(&payees).reason_code, "TM01");
    assert_eq!(api.account(&belgian(1)).await.available, "1000.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_is_told_the_stored_report_again() {
    let (_node, api, _) = world().await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let paying = api.submit_aside(&due_soon(payment_to_remote("TX-1", "10.00")));
    let question = gamma.question().await;
    let report = gamma.report().await;
    gamma.accept(&question).await;
    let late = gamma.answer_result().await;
    assert_eq!(late.effect(), v1::AnswerEffect::Late);
    assert_eq!(late.payment_id, question.payment_id);
    assert_eq!(late.stage(), v1::DecisionStage::Credit);
    assert_eq!(late.outcome, report.outcome);
    assert_eq!(late.outcome.unwrap().reason_code, "TM01");
    assert_eq!(paying.await.unwrap().unwrap().status(), v1::PaymentStatus::Expired);
}

#[tokio::test(flavor = "multi_thread")]
async fn double_contrary_and_foreign_answers_change_nothing_and_are_counted() {
    let (_node, api, _) = world().await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let mut beta = Bank::connect(&api, BETA).await;
    let paying = api.submit_aside(&payment_to_remote("TX-1", "10.00"));
    let question = gamma.question().await;
    // Another bank has nothing to say about it, nor is there anything to debit.
    beta.accept(&question).await;
    let foreign = beta.answer_result().await;
    assert_eq!((foreign.effect(), foreign.outcome), (v1::AnswerEffect::NotAsked, None));
    let debit = v1::DecisionStage::Debit.into();
    gamma.answer(v1::PaymentAnswer { stage: debit, ..answer(&question, v1::Decision::Accept, "") }).await;
    assert_eq!(gamma.answer_result().await.effect(), v1::AnswerEffect::NotAsked);
    gamma.accept(&question).await;
    let report = gamma.report().await;
    gamma.accept(&question).await;
    let double = gamma.answer_result().await;
    assert_eq!((double.effect(), double.outcome), (v1::AnswerEffect::Double, report.outcome.clone()));
    gamma.reject(&question, "AC04").await;
    let contrary = gamma.answer_result().await;
    assert_eq!((contrary.effect(), contrary.outcome), (v1::AnswerEffect::Contrary, report.outcome));
    settled(paying.await.unwrap().unwrap());
    let answers = api.node_status().await.answers.unwrap();
    assert_eq!(
        (answers.applied, answers.double, answers.contrary, answers.not_asked, answers.late),
        (1, 1, 1, 2, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_an_unknown_payment_is_told_so() {
    let (_node, api, _) = world().await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let outcome = settle_one(&api, &mut gamma, "TX-1").await;
    // The id of another life of the log.
    let known = PaymentId::parse(&outcome.payment_id).unwrap();
    let unknown = PaymentId { incarnation: Incarnation(!known.incarnation.0), ..known }.to_string();
    let asked = v1::PaymentQuestion {
        payment_id: unknown.clone(),
        stage: v1::DecisionStage::Credit.into(),
        ..v1::PaymentQuestion::default()
    };
    gamma.accept(&asked).await;
    let result = gamma.answer_result().await;
    assert_eq!(result.effect(), v1::AnswerEffect::PaymentUnknown);
    assert_eq!((result.payment_id, result.outcome), (unknown, None));
    assert_eq!(api.node_status().await.answers.unwrap().payment_unknown, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enquiry_before_the_final_state_is_answered_at_it() {
    let (_node, api, _) = world().await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let reserved = api.submit_within(&payment_to_remote("TX-1", "10.00"), 0).await.unwrap();
    assert_eq!(reserved.status(), v1::PaymentStatus::Reserved);
    assert_eq!(reserved.reason_code, "");
    assert_eq!(outcome_of(api.by_id(&reserved.payment_id).await.unwrap()), reserved);
    let ask = |wait_ms| {
        let reference = v1::get_payment_request::Reference::PaymentId(reserved.payment_id.clone());
        v1::GetPaymentRequest { reference: Some(reference), wait_ms: Some(wait_ms) }
    };
    let early = api.payments().get_payment(ask(1)).await.unwrap().into_inner();
    assert_eq!(outcome_of(early.result.unwrap()), reserved, "its own time was over first");
    let asking = {
        let (mut payments, request) = (api.payments(), ask(60_000));
        tokio::spawn(async move { payments.get_payment(request).await })
    };
    let question = gamma.question().await;
    gamma.accept(&question).await;
    let answered = asking.await.unwrap().unwrap().into_inner();
    let outcome = settled(outcome_of(answered.result.unwrap()));
    assert_eq!(outcome_of(api.by_id(&reserved.payment_id).await.unwrap()), outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_waits_as_long_as_it_says() {
    let (_node, api, _) = world().await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let order = payment_to_remote("TX-1", "10.00");
    let so_far = api.submit_within(&order, 20).await.unwrap();
    assert_eq!(so_far.status(), v1::PaymentStatus::Reserved);
    // A retry waits for the same outcome, and so does one more.
    let retries = [api.submit_aside(&order), api.submit_aside(&order)];
    let question = gamma.question().await;
    gamma.accept(&question).await;
    let report = gamma.report().await;
    for retry in retries {
        let outcome = retry.await.unwrap().unwrap();
        assert!(outcome.repeat);
        assert_eq!(&settled(outcome), self::outcome(&report));
    }
    let again = api.submit(&order).await.unwrap();
    assert!(again.repeat);
    assert_eq!(api.balance(&belgian(1)).await, "990.00", "paid once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_each_payment_when_it_is_final() {
    let (_node, api, _) = world().await;
    let gamma = Bank::connect(&api, GAMMA).await;
    let payments = (0..600_u64).map(|number| {
        let id = format!("TX-{number}");
        let payment = match number % 3 {
            0 => payment(&id, "0.01"),
            _ => payment_to_remote(&id, "0.01"),
        };
        v1::PaymentSubmission { caller_id: number, payment: Some(payment) }
    });
    let request = v1::SubmitPaymentsRequest { payments: payments.collect() };
    let mut replies =
        api.payments().submit_payments(tokio_stream::iter([request])).await.unwrap().into_inner();
    // The caller has ended its side: the stream stays until everything is final.
    let answering = tokio::spawn(async move {
        let mut gamma = gamma;
        let mut reports = 0;
        while reports < 200 {
            match gamma.next().await {
                Event::Question(question) => {
                    let number: u64 = question.payment.as_ref().unwrap().transaction_id[3..].parse().unwrap();
                    match number % 3 {
                        1 => gamma.accept(&question).await,
                        _ => gamma.reject(&question, "AC06").await,
                    }
                }
                Event::Report(_) => reports += 1,
                other @ (Event::Started(_) | Event::AnswerResult(_)) => {
                    panic!("{other:?}")
                }
            }
        }
    });
    let mut seen = std::collections::BTreeMap::new();
    while let Some(reply) = replies.next().await {
        for result in reply.unwrap().results {
            let Some(v1::payment_result::Result::Outcome(outcome)) = result.result else {
                panic!("not taken")
            };
            assert!(seen.insert(result.caller_id, outcome).is_none(), "told once");
        }
    }
    assert_eq!(seen.len(), 600);
    for (number, outcome) in seen {
        assert_eq!(outcome.transaction_id, format!("TX-{number}"));
        let expected = if number % 3 == 2 { v1::PaymentStatus::Rejected } else { v1::PaymentStatus::Settled };
        assert_eq!(outcome.status(), expected, "{number}");
    }
    drop(answering);
    assert_eq!(api.node_status().await.open_reservation_count, 0);
    api.trial_balance().await;
}

fn stage(
    scope: v1::DecisionScope,
    above: Option<&str>,
    silence: v1::SilenceMeaning,
) -> Option<v1::StagePolicy> {
    Some(v1::StagePolicy { scope: scope.into(), above: above.map(money), silence: silence.into() })
}

/// Funds are the payee's after the settlement, not before.
#[tokio::test(flavor = "multi_thread")]
async fn a_hosted_bank_decides_about_credits() {
    let (_node, api, world) = world().await;
    let credits = stage(v1::DecisionScope::All, None, v1::SilenceMeaning::Reject);
    let policy = v1::DecisionPolicy { debits: None, credits };
    world.set_policy(BETA, policy.clone(), 1).await;
    let request = v1::GetParticipantRequest { bic: BETA.to_owned() };
    let known = api.participants().get_participant(request).await.unwrap().into_inner().participant.unwrap();
    assert_eq!(known.decision_policy, Some(policy));
    let mut beta = Bank::connect(&api, BETA).await;
    let paying = api.submit_aside(&payment("TX-1", "10.00"));
    let question = beta.question().await;
    let payee = api.account(&german(1)).await;
    assert_eq!((payee.balance.as_str(), payee.available.as_str()), ("1000.00", "1000.00"));
    assert_eq!(api.node_status().await.open_reservation_count, 1);
    beta.accept(&question).await;
    settled(paying.await.unwrap().unwrap());
    assert_eq!(api.account(&german(1)).await.available, "1010.00");
}

/// The payer's bank wants to decide, is there, and says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn ab11_payers_bank_is_silent() {
    let (_node, api, world) = world().await;
    let debits = stage(v1::DecisionScope::All, None, v1::SilenceMeaning::Reject);
    world.set_policy(ALFA, v1::DecisionPolicy { debits, credits: None }, 1).await;
    let mut alfa = Bank::connect(&api, ALFA).await;
    let paying = api.submit_aside(&due_soon(payment("TX-1", "10.00")));
    assert_eq!(alfa.question().await.stage(), v1::DecisionStage::Debit);
    let expired = paying.await.unwrap().unwrap();
    assert_eq!((expired.status(), expired.reason_code.as_str()), (v1::PaymentStatus::Expired, "AB11"));
    assert_eq!(outcome(&alfa.report().await), &expired);
    assert_eq!(api.account(&belgian(1)).await.available, "1000.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hosted_bank_decides_about_debits_above_an_amount_and_of_flagged_accounts() {
    let (node, api, world) = world().await;
    let debits = stage(v1::DecisionScope::Above, Some("50.00"), v1::SilenceMeaning::Reject);
    world.set_policy(ALFA, v1::DecisionPolicy { debits, credits: None }, 1).await;
    node.until_grace_is_over().await;
    // Nobody is there to be asked, and the bank did not say that its silence accepts.
    let refused = api.submit(&payment("TX-0", "60.00")).await.unwrap();
    assert_eq!(refused.reason_code, "AB07");
    let mut alfa = Bank::connect(&api, ALFA).await;
    settled(api.submit(&payment("TX-1", "50.00")).await.unwrap());
    assert_eq!(outcome(&alfa.report().await).transaction_id, "TX-1");
    let paying = api.submit_aside(&payment("TX-2", "50.01"));
    let question = alfa.question().await;
    assert_eq!(question.stage(), v1::DecisionStage::Debit);
    alfa.reject(&question, "FRAD").await;
    assert_eq!(paying.await.unwrap().unwrap().reason_code, "FRAD");
    assert_eq!(outcome(&alfa.report().await).reason_code, "FRAD", "the payer's bank hears every outcome");
    world.flag(&belgian(1)).await;
    assert!(api.account(&belgian(1)).await.flagged);
    let paying = api.submit_aside(&payment("TX-3", "0.01"));
    let question = alfa.question().await;
    alfa.accept(&question).await;
    settled(paying.await.unwrap().unwrap());
}

/// Both banks are asked, the payer's first.
#[tokio::test(flavor = "multi_thread")]
async fn the_payees_bank_is_asked_when_the_payers_has_no_objection() {
    let (_node, api, world) = world().await;
    let debits = stage(v1::DecisionScope::All, None, v1::SilenceMeaning::Reject);
    world.set_policy(ALFA, v1::DecisionPolicy { debits, credits: None }, 1).await;
    let mut alfa = Bank::connect(&api, ALFA).await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let paying = api.submit_aside(&payment_to_remote("TX-1", "10.00"));
    let debit = alfa.question().await;
    alfa.accept(&debit).await;
    let credit = gamma.question().await;
    assert_eq!(credit.payment, debit.payment);
    assert!(credit.sequence > debit.sequence);
    gamma.accept(&credit).await;
    settled(paying.await.unwrap().unwrap());
    alfa.report().await;
    gamma.report().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_means_what_the_bank_said() {
    let (_node, api, world) = world().await;
    let credits = |silence| {
        let credits = stage(v1::DecisionScope::All, None, silence);
        v1::DecisionPolicy { debits: None, credits }
    };
    world.set_policy(BETA, credits(v1::SilenceMeaning::Accept), 1).await;
    let mut beta = Bank::connect(&api, BETA).await;
    // The bank's time ends at the target, 5 s after receipt, so that the payment can still settle.
    let soon = |id, age| v1::Payment {
        acceptance_time: Some(ago(Duration::from_millis(age))),
        ..payment(id, "1.00")
    };
    let paying = api.submit_aside(&soon("TX-1", 4200));
    beta.question().await;
    settled(paying.await.unwrap().unwrap());
    beta.report().await;
    world.set_policy(BETA, credits(v1::SilenceMeaning::Reject), 2).await;
    let paying = api.submit_aside(&soon("TX-2", 6200));
    beta.question().await;
    assert_eq!(paying.await.unwrap().unwrap().status(), v1::PaymentStatus::Expired);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_has_so_many_questions_unanswered_and_no_more() {
    let (_node, api, world) = world().await;
    world.set_reservation_limit(GAMMA, 2).await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    for id in ["TX-1", "TX-2"] {
        let reserved = api.submit_within(&payment_to_remote(id, "1.00"), 0).await.unwrap();
        assert_eq!(reserved.status(), v1::PaymentStatus::Reserved);
    }
    let request = v1::GetParticipantRequest { bic: GAMMA.to_owned() };
    let known = api.participants().get_participant(request).await.unwrap().into_inner().participant.unwrap();
    assert_eq!((known.unanswered_max, known.unanswered), (2, 2));
    let refused = api.submit(&payment_to_remote("TX-3", "1.00")).await.unwrap();
    assert_eq!(refused.reason_code, "AB10");
    let question = gamma.question().await;
    gamma.accept(&question).await;
    let answered = until("there is room for another question", async || {
        let id = "TX-4";
        let outcome = api.submit_within(&payment_to_remote(id, "1.00"), 0).await.unwrap();
        Some(outcome.status())
    });
    // The answer was on its way before: both are decided in the order of the log, or this one is refused.
    assert!([v1::PaymentStatus::Reserved, v1::PaymentStatus::Rejected].contains(&answered.await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_is_gone_for_a_second_is_not_asked() {
    let (_node, api, _) = world().await;
    let gamma = Bank::connect(&api, GAMMA).await;
    assert_eq!(api.node_status().await.connected_banks, [GAMMA]);
    drop(gamma);
    let mut number = 0;
    let refused = until("the grace is over", async || {
        number += 1;
        let id = format!("TX-{number}");
        let payment = payment_to_remote(&id, "0.01");
        let outcome = api.submit_within(&payment, 0).await.unwrap();
        (outcome.status() == v1::PaymentStatus::Rejected).then_some(outcome)
    })
    .await;
    assert_eq!(refused.reason_code, "AB08");
    assert!(api.node_status().await.connected_banks.is_empty());
}

/// What is decided about is stated in full.
#[tokio::test(flavor = "multi_thread")]
async fn policies_are_checked() {
    let (_node, api, _) = world().await;
    let set = |debits| v1::SetDecisionPolicyRequest {
        request_id: "policy".to_owned(),
        bic: ALFA.to_owned(),
        policy: Some(v1::DecisionPolicy { debits, credits: None }),
    };
    let reject = v1::SilenceMeaning::Reject;
    let pounds = v1::Money { amount: "1.00".to_owned(), currency_code: "GBP".to_owned() };
    let other_currency = v1::StagePolicy {
        scope: v1::DecisionScope::Above.into(),
        above: Some(pounds),
        silence: reject.into(),
    };
    for faulty in [
        stage(v1::DecisionScope::Unspecified, None, reject),
        stage(v1::DecisionScope::All, None, v1::SilenceMeaning::Unspecified),
        stage(v1::DecisionScope::Above, None, reject),
        stage(v1::DecisionScope::All, Some("1.00"), reject),
        Some(other_currency),
    ] {
        let refused = api.participants().set_decision_policy(set(faulty)).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    }
    let too_many = v1::SetReservationLimitRequest {
        request_id: "limit".to_owned(),
        bic: ALFA.to_owned(),
        unanswered_max: 1_000_001,
    };
    let refused = api.participants().set_reservation_limit(too_many).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    let unknown = v1::SetDecisionPolicyRequest { bic: "NOBKBEBB".to_owned(), ..set(None) };
    let refused = api.participants().set_decision_policy(unknown).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::NotFound);
}

/// A bank without accounts here sends payments as well; both of its sides are reported.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_within_one_remote_bank_is_reported_twice() {
    let (_node, api, _) = world().await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let within = v1::Payment {
        debtor_agent: GAMMA.to_owned(),
        debtor_account: french(2),
        acceptance_time: Some(ago(Duration::from_millis(10))),
        ..payment_to_remote("TX-1", "10.00")
    };
    let paying = api.submit_aside(&within);
    let question = gamma.question().await;
    gamma.accept(&question).await;
    let outcome = settled(paying.await.unwrap().unwrap());
    let reports = [gamma.report().await, gamma.report().await];
    assert_eq!(
        reports.clone().map(|report| report.side()),
        [v1::PaymentSide::Debtor, v1::PaymentSide::Creditor]
    );
    assert!(reports.iter().all(|report| self::outcome(report) == &outcome));
}
