//! Settled payments that are asked back over gRPC: returned, refused, and asked about.

use client::v1;
use client::v1::answer_recall_request::Answer;
use client::v1::get_recall_request::Choice;
use tests::secured::Secured;
use tests::{ALFA, Api, BETA, Node, World, belgian, german, money, payment, settled};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::calendar::{banking_days, set_years, today};
use crate::watch::Watcher;

/// A node with a payment of 100.00 from ALFA to BETA, and the payment's id.
async fn paid() -> (Node, Api, String) {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    set_years(&api).await;
    let outcome = settled(api.submit(&payment("TX-1", "100.00")).await.unwrap());
    (node, api, outcome.payment_id)
}

pub(crate) fn request(id: &str, payment_id: &str, reason_code: &str) -> v1::RequestRecallRequest {
    v1::RequestRecallRequest {
        request_id: id.to_owned(),
        payment_id: payment_id.to_owned(),
        reason_code: reason_code.to_owned(),
        reference: "RECALL-1".to_owned(),
        ..Default::default()
    }
}

pub(crate) fn answer(id: &str, recall_id: &str, answer: Answer) -> v1::AnswerRecallRequest {
    v1::AnswerRecallRequest {
        request_id: id.to_owned(),
        recall_id: recall_id.to_owned(),
        answer: Some(answer),
        reference: "RETURN-1".to_owned(),
        ..Default::default()
    }
}

pub(crate) fn back(amount: &str, fee: &str) -> Answer {
    Answer::Returned(v1::RecallReturn { amount: Some(money(amount)), fee: fee.to_owned() })
}

pub(crate) fn reason_of(status: &Status) -> (Code, String) {
    (status.code(), status.get_details_error_info().unwrap().reason)
}

pub(crate) async fn recall_of(api: &Api, payment_id: &str) -> Result<v1::Recall, Status> {
    let request = v1::GetRecallRequest { choice: Some(Choice::PaymentId(payment_id.to_owned())) };
    Ok(api.recalls().get_recall(request).await?.into_inner().recall.unwrap())
}

pub(crate) async fn work_list(api: &Api, bic: &str) -> Vec<v1::Recall> {
    let request = v1::ListOpenRecallsRequest { bic: bic.to_owned(), ..Default::default() };
    api.recalls().list_open_recalls(request).await.unwrap().into_inner().recalls
}

#[tokio::test(flavor = "multi_thread")]
async fn payment_is_asked_back_and_returned_once() {
    let (_node, api, payment_id) = paid().await;
    assert_eq!(recall_of(&api, &payment_id).await.unwrap_err().code(), Code::NotFound);
    let asked = api.recalls().request_recall(request("ask", &payment_id, "DUPL")).await.unwrap().into_inner();
    let [open] = &work_list(&api, BETA).await[..] else { panic!("one recall to answer") };
    assert_eq!((&open.recall_id, &open.payment_id), (&asked.recall_id, &payment_id));
    assert_eq!((open.state(), open.answer_by.as_str()), (v1::RecallState::Open, asked.answer_by.as_str()));
    assert_eq!((open.debtor_agent.as_str(), open.creditor_agent.as_str()), (ALFA, BETA));
    let days = banking_days();
    assert_eq!(open.answer_by, days.into_iter().filter(|day| *day > today()).nth(14).unwrap().to_string());
    assert!(work_list(&api, ALFA).await.is_empty(), "whoever asks has nothing to answer");

    let twice = api.recalls().request_recall(request("again", &payment_id, "TECH")).await.unwrap_err();
    assert_eq!(twice.code(), Code::AlreadyExists);
    let too_much = answer("too-much", &asked.recall_id, back("98.00", "2.01"));
    let too_much = api.recalls().answer_recall(too_much).await.unwrap_err();
    assert_eq!(too_much.code(), Code::FailedPrecondition);

    let said = answer("back", &asked.recall_id, back("98.00", "2.00"));
    let returned = api.recalls().answer_recall(said.clone()).await.unwrap().into_inner();
    let recall = returned.recall.unwrap();
    assert_eq!(recall.state(), v1::RecallState::Returned);
    assert_eq!(
        (recall.returned_amount, recall.fee.as_str(), recall.late),
        (Some(money("98.00")), "2.00", false)
    );
    let repeated = api.recalls().answer_recall(said).await.unwrap().into_inner().confirmation.unwrap();
    assert!(repeated.repeat && repeated.sequence == returned.confirmation.unwrap().sequence);
    let more = answer("more", &asked.recall_id, back("1.00", ""));
    assert_eq!(api.recalls().answer_recall(more).await.unwrap_err().code(), Code::FailedPrecondition);

    assert_eq!(api.balance(&belgian(1)).await, "998.00");
    assert_eq!(api.balance(&german(1)).await, "1000.00");
    assert!(work_list(&api, BETA).await.is_empty());
    api.trial_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payer_asks_and_the_payee_has_to_agree() {
    let (_node, api, payment_id) = paid().await;
    let asked = api.recalls().request_recall(request("ask", &payment_id, "AC03")).await.unwrap().into_inner();
    let said = answer("back", &asked.recall_id, back("100.00", ""));
    let refused = api.recalls().answer_recall(said.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let agreed = v1::AnswerRecallRequest { request_id: "agreed".to_owned(), payee_consent: true, ..said };
    api.recalls().answer_recall(agreed).await.unwrap();
    assert_eq!(recall_of(&api, &payment_id).await.unwrap().state(), v1::RecallState::Returned);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusal_says_why_and_only_what_is_so() {
    let (_node, api, payment_id) = paid().await;
    let asked = api.recalls().request_recall(request("ask", &payment_id, "FRAD")).await.unwrap().into_inner();
    for code in ["AC04", "AM04", "ARDT", "NOOR"] {
        let untrue = answer(code, &asked.recall_id, Answer::RefusalCode(code.to_owned()));
        let untrue = api.recalls().answer_recall(untrue).await.unwrap_err();
        assert_eq!(untrue.code(), Code::FailedPrecondition, "{code}");
    }
    let unknown = answer("unknown", &asked.recall_id, Answer::RefusalCode("XXXX".to_owned()));
    assert_eq!(api.recalls().answer_recall(unknown).await.unwrap_err().code(), Code::InvalidArgument);
    let refused = answer("no", &asked.recall_id, Answer::RefusalCode("LEGL".to_owned()));
    let recall = api.recalls().answer_recall(refused).await.unwrap().into_inner().recall.unwrap();
    assert_eq!((recall.state(), recall.refusal_code.as_str()), (v1::RecallState::Refused, "LEGL"));
}

/// What goes wrong leaves the payment as it was, and it may be asked back afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn request_that_fails_does_not_use_the_recall_up() {
    let (_node, api, payment_id) = paid().await;
    let rejected = api.submit(&payment("TX-2", "5000.00")).await.unwrap();
    let refused = api.recalls().request_recall(request("rejected", &rejected.payment_id, "DUPL")).await;
    assert_eq!(refused.unwrap_err().code(), Code::FailedPrecondition);
    let asked = api.recalls().request_recall(request("bad", &payment_id, "XXXX")).await;
    assert_eq!(asked.unwrap_err().code(), Code::InvalidArgument);
    let asked = api.recalls().request_recall(request("ask", &payment_id, "CUST")).await.unwrap().into_inner();
    // A return is no payment, and can't be asked back.
    let agreed = v1::AnswerRecallRequest {
        payee_consent: true,
        ..answer("back", &asked.recall_id, back("100.00", ""))
    };
    let returned = api.recalls().answer_recall(agreed).await.unwrap().into_inner();
    let recall = returned.recall.unwrap();
    let of_recall = types::PaymentId::parse(&recall.recall_id).unwrap();
    let sequence = types::Sequence(recall.answered_sequence);
    let of_return = types::PaymentId { sequence, ..of_recall };
    for (id, payment_id) in [("recall", of_recall), ("return", of_return)] {
        let asked = api.recalls().request_recall(request(id, &payment_id.to_string(), "DUPL")).await;
        assert_eq!(asked.unwrap_err().code(), Code::PermissionDenied);
    }
}

/// Both banks hear of each step as it was right after it, as it happens, from the log, and after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn both_banks_hear_of_recalls_and_answers() {
    let (node, api, payment_id) = paid().await;
    let second = settled(api.submit(&payment("TX-2", "5.00")).await.unwrap()).payment_id;
    let watch = |bic: &str, after_sequence| v1::WatchRequest {
        participants: vec![bic.to_owned()],
        types: vec![v1::EventType::Recall.into()],
        after_sequence,
        ..Default::default()
    };
    let mut payee = Watcher::start(&api, watch(BETA, None)).await;
    let mut payer = Watcher::start(&api, watch(ALFA, None)).await;
    let begin = payee.upto;
    let asked = api.recalls().request_recall(request("ask", &payment_id, "DUPL")).await.unwrap().into_inner();
    api.recalls().request_recall(request("again", &payment_id, "TECH")).await.unwrap_err();
    let open = recall_of(&api, &payment_id).await.unwrap();
    let said = answer("back", &asked.recall_id, back("98.00", "2.00"));
    api.recalls().answer_recall(said.clone()).await.unwrap();
    // A repeat is no news.
    api.recalls().answer_recall(said).await.unwrap();
    let returned = recall_of(&api, &payment_id).await.unwrap();
    let other = api.recalls().request_recall(request("other", &second, "FRAD")).await.unwrap().into_inner();
    let refusal = answer("no", &other.recall_id, Answer::RefusalCode("LEGL".to_owned()));
    api.recalls().answer_recall(refusal).await.unwrap();
    let refused = recall_of(&api, &second).await.unwrap();

    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(payee.next().await);
        assert_eq!(payer.next().await, told[told.len() - 1]);
    }
    let stood: Vec<_> = told.iter().map(|event| event.recall.clone().unwrap()).collect();
    assert_eq!((&stood[0], &stood[1], &stood[3]), (&open, &returned, &refused));
    assert_eq!((stood[2].state(), &stood[2].recall_id), (v1::RecallState::Open, &other.recall_id));
    assert_eq!(told[0].sequence, asked.confirmation.unwrap().sequence);
    assert_eq!((told[1].sequence, told[1].time), (returned.answered_sequence, returned.answered_time));

    drop((payee, payer));
    let mut again = Watcher::start(&api, watch(BETA, Some(begin))).await;
    for event in &told {
        assert_eq!(&again.next().await, event);
    }
    drop(again);
    let node = node.restart().await;
    let api = node.api().await;
    let mut after = Watcher::start(&api, watch(ALFA, Some(begin))).await;
    for event in &told {
        assert_eq!(&after.next().await, event);
    }
}

/// What a bank says of an account that is kept here is taken where it is so.
#[tokio::test(flavor = "multi_thread")]
async fn money_that_is_gone_does_not_go_back() {
    let (_node, api, payment_id) = paid().await;
    let world = World::of(api.clone());
    let second = settled(api.submit(&payment("TX-2", "5.00")).await.unwrap()).payment_id;
    let asked = api.recalls().request_recall(request("ask", &payment_id, "FRAD")).await.unwrap().into_inner();
    let other = api.recalls().request_recall(request("other", &second, "TECH")).await.unwrap().into_inner();
    let payee = german(1);
    let spend = |amount: &'static str| world.post(&payee, v1::EntryDirection::Debit, amount);
    assert_eq!(spend("1005.01").await.unwrap(), "99.99");
    let said = answer("back", &asked.recall_id, back("99.00", "1.00"));
    let refused = api.recalls().answer_recall(said).await.unwrap_err();
    assert_eq!(reason_of(&refused), (Code::FailedPrecondition, "INSUFFICIENT_FUNDS".to_owned()));
    let short = answer("short", &asked.recall_id, Answer::RefusalCode("AM04".to_owned()));
    let recall = api.recalls().answer_recall(short).await.unwrap().into_inner().recall.unwrap();
    assert_eq!((recall.state(), recall.refusal_code.as_str()), (v1::RecallState::Refused, "AM04"));

    assert_eq!(spend("99.99").await.unwrap(), "0.00");
    let close = v1::SetAccountStatusRequest {
        request_id: "close".to_owned(),
        iban: german(1),
        currency_code: "EUR".to_owned(),
        status: v1::AccountStatus::Closed.into(),
    };
    api.accounts().set_account_status(close).await.unwrap();
    let said = answer("closed-back", &other.recall_id, back("5.00", ""));
    let refused = api.recalls().answer_recall(said).await.unwrap_err();
    assert_eq!(reason_of(&refused), (Code::FailedPrecondition, "ACCOUNT_CLOSED".to_owned()));
    let closed = answer("closed", &other.recall_id, Answer::RefusalCode("AC04".to_owned()));
    let recall = api.recalls().answer_recall(closed).await.unwrap().into_inner().recall.unwrap();
    assert_eq!((recall.state(), recall.refusal_code.as_str()), (v1::RecallState::Refused, "AC04"));
    assert_eq!(api.balance(&belgian(1)).await, "895.00");
    api.trial_balance().await;
}

/// The payer's bank can't refuse what comes back: where the payer's account takes no bookings, it gets the money.
#[tokio::test(flavor = "multi_thread")]
async fn return_to_a_closed_account_goes_to_its_bank() {
    let (_node, api, payment_id) = paid().await;
    let asked = api.recalls().request_recall(request("ask", &payment_id, "DUPL")).await.unwrap().into_inner();
    World::of(api.clone()).post(&belgian(1), v1::EntryDirection::Debit, "900.00").await.unwrap();
    let close = v1::SetAccountStatusRequest {
        request_id: "close".to_owned(),
        iban: belgian(1),
        currency_code: "EUR".to_owned(),
        status: v1::AccountStatus::Closed.into(),
    };
    api.accounts().set_account_status(close).await.unwrap();
    api.recalls().answer_recall(answer("back", &asked.recall_id, back("100.00", ""))).await.unwrap();
    assert_eq!(api.position(ALFA).await, "1000000.00");
    assert_eq!(api.balance(&german(1)).await, "1000.00");
    api.trial_balance().await;
}

/// The bank sees that it has the money and its customer has not, also after the account takes bookings again.
#[tokio::test(flavor = "multi_thread")]
async fn payers_bank_is_told_that_it_got_what_its_customer_did_not() {
    let (node, api, payment_id) = paid().await;
    let second = settled(api.submit(&payment("TX-2", "5.00")).await.unwrap()).payment_id;
    let watch = |after_sequence| v1::WatchRequest {
        participants: vec![ALFA.to_owned()],
        types: vec![v1::EventType::Recall.into()],
        after_sequence,
        ..Default::default()
    };
    let mut watcher = Watcher::start(&api, watch(None)).await;
    let begin = watcher.upto;
    let status = |id: &str, status: v1::AccountStatus| v1::SetAccountStatusRequest {
        request_id: id.to_owned(),
        iban: belgian(1),
        currency_code: "EUR".to_owned(),
        status: status.into(),
    };
    let returned = async |payment_id: &str, amount: &str| {
        let asked = api.recalls().request_recall(request(payment_id, payment_id, "DUPL")).await.unwrap();
        let recall_id = asked.into_inner().recall_id;
        let said = answer(&format!("back-{payment_id}"), &recall_id, back(amount, ""));
        api.recalls().answer_recall(said).await.unwrap().into_inner().recall.unwrap()
    };
    api.accounts().set_account_status(status("block", v1::AccountStatus::Blocked)).await.unwrap();
    let blocked = returned(&payment_id, "100.00").await;
    assert!(blocked.returned_to_bank, "{blocked:?}");
    api.accounts().set_account_status(status("free", v1::AccountStatus::Active)).await.unwrap();
    let free = returned(&second, "5.00").await;
    assert!(!free.returned_to_bank, "{free:?}");
    api.accounts().set_account_status(status("again", v1::AccountStatus::Blocked)).await.unwrap();
    let stood = [&blocked, &free];
    let told = async |watcher: &mut Watcher| {
        let mut told = Vec::new();
        for _ in 0..4 {
            told.push(watcher.next().await.recall.unwrap());
        }
        let answers = told.into_iter().filter(|recall| recall.state() == v1::RecallState::Returned);
        answers.collect::<Vec<_>>()
    };
    assert_eq!(told(&mut watcher).await.iter().collect::<Vec<_>>(), stood);
    drop(watcher);
    let node = node.restart().await;
    let api = node.api().await;
    let mut after = Watcher::start(&api, watch(Some(begin))).await;
    assert_eq!(told(&mut after).await.iter().collect::<Vec<_>>(), stood);
    for (payment_id, stood) in [(&payment_id, stood[0]), (&second, stood[1])] {
        assert_eq!(&recall_of(&api, payment_id).await.unwrap(), stood);
    }
    assert_eq!(api.balance(&belgian(1)).await, "900.00");
}

/// What became of the payer's account is nothing for the payee's bank.
#[tokio::test(flavor = "multi_thread")]
async fn payees_bank_is_not_told_of_the_payers_account() {
    let secured = Secured::start().await;
    let [alfa, beta] = crate::identity::world(&secured).await;
    let operator = secured.api("operator").await;
    set_years(&operator).await;
    let paid = settled(alfa.submit(&payment("TX-1", "1.00")).await.unwrap());
    let watch = v1::WatchRequest { types: vec![v1::EventType::Recall.into()], ..Default::default() };
    let mut watchers = Vec::new();
    for (api, sees_payer) in [(&alfa, true), (&beta, false), (&operator, true)] {
        watchers.push((Watcher::start(api, watch.clone()).await, sees_payer));
    }
    let asked = request("ask", &paid.payment_id, "DUPL");
    let asked = alfa.recalls().request_recall(asked).await.unwrap().into_inner();
    let account = World::of(alfa.clone());
    account.set_account_status(&belgian(1), v1::AccountStatus::Blocked).await.unwrap();
    let said = answer("back", &asked.recall_id, back("1.00", ""));
    let returned = beta.recalls().answer_recall(said).await.unwrap().into_inner().recall.unwrap();
    assert!(!returned.returned_to_bank, "{returned:?}");
    for (api, sees_payer) in [(&alfa, true), (&beta, false), (&operator, true)] {
        assert_eq!(recall_of(api, &paid.payment_id).await.unwrap().returned_to_bank, sees_payer);
    }
    for (watcher, sees_payer) in &mut watchers {
        let told = [watcher.next().await, watcher.next().await];
        assert_eq!(told.map(|event| event.recall.unwrap().returned_to_bank), [false, *sees_payer]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_list_comes_in_pages() {
    let (_node, api, payment_id) = paid().await;
    let second = settled(api.submit(&payment("TX-2", "5.00")).await.unwrap()).payment_id;
    let mut asked = Vec::new();
    for payment_id in [&payment_id, &second] {
        let request = request(&format!("ask-{payment_id}"), payment_id, "DUPL");
        asked.push(api.recalls().request_recall(request).await.unwrap().into_inner().recall_id);
    }
    let mut listed = vec![String::new()];
    for _ in 0..3 {
        let after_recall_id = listed[listed.len() - 1].clone();
        let request = v1::ListOpenRecallsRequest { bic: BETA.to_owned(), page_size: 1, after_recall_id };
        let page = api.recalls().list_open_recalls(request).await.unwrap().into_inner().recalls;
        listed.extend(page.into_iter().map(|recall| recall.recall_id));
    }
    assert_eq!(listed[1..], asked);
}
