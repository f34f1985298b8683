//! Settled payments that are asked back over gRPC: returned, refused, and asked about.

use client::v1;
use client::v1::answer_recall_request::Answer;
use client::v1::get_recall_request::Choice;
use tests::{ALFA, Api, BETA, Node, World, belgian, german, money, payment, settled};
use tonic::{Code, Status};

/// The year of this moment, as the node's clock has it, and the one after it: windows reach into that.
async fn years(api: &Api) -> [u32; 2] {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let days = i32::try_from(now.as_secs() / 86_400).unwrap();
    let (year, ..) = types::Date::from_days(days).unwrap().civil();
    let year = u32::try_from(year).unwrap();
    for year in [year - 1, year, year + 1] {
        let request_id = format!("closing-{year}");
        let request = v1::SetClosingDaysRequest { request_id, year, target: true, ..Default::default() };
        api.calendar().set_closing_days(request).await.unwrap();
    }
    [year, year + 1]
}

/// A node with a payment of 100.00 from ALFA to BETA, and the payment's id.
async fn paid() -> (Node, Api, String) {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    years(&api).await;
    let outcome = settled(api.submit(&payment("TX-1", "100.00")).await.unwrap());
    (node, api, outcome.payment_id)
}

fn request(id: &str, payment_id: &str, reason_code: &str) -> v1::RequestRecallRequest {
    v1::RequestRecallRequest {
        request_id: id.to_owned(),
        payment_id: payment_id.to_owned(),
        reason_code: reason_code.to_owned(),
        reference: "RECALL-1".to_owned(),
        ..Default::default()
    }
}

fn answer(id: &str, recall_id: &str, answer: Answer) -> v1::AnswerRecallRequest {
    v1::AnswerRecallRequest {
        request_id: id.to_owned(),
        recall_id: recall_id.to_owned(),
        answer: Some(answer),
        reference: "RETURN-1".to_owned(),
        ..Default::default()
    }
}

fn back(amount: &str, fee: &str) -> Answer {
    Answer::Returned(v1::RecallReturn { amount: Some(money(amount)), fee: fee.to_owned() })
}

async fn recall_of(api: &Api, payment_id: &str) -> Result<v1::Recall, Status> {
    let request = v1::GetRecallRequest { choice: Some(Choice::PaymentId(payment_id.to_owned())) };
    Ok(api.recalls().get_recall(request).await?.into_inner().recall.unwrap())
}

async fn work_list(api: &Api, bic: &str) -> Vec<v1::Recall> {
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
    let (life, _) = recall.recall_id.rsplit_once('-').unwrap_or_default();
    assert!(!life.is_empty());
    let of_return = request("return", &recall.recall_id, "DUPL");
    assert_eq!(api.recalls().request_recall(of_return).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn calendar_is_told_as_it_is_set() {
    let node = Node::start().await;
    let api = node.api().await;
    let [year, next] = years(&api).await;
    let calendar = api.calendar().get_calendar(v1::GetCalendarRequest {}).await.unwrap().into_inner();
    assert_eq!(calendar.business_date, "");
    let told: Vec<_> = calendar.closing_years.iter().map(|year| year.year).collect();
    assert_eq!(told, [year - 1, year, next]);
    assert!(calendar.closing_years[2].days.contains(&format!("{next}-12-25")));
    let own = v1::SetClosingDaysRequest {
        request_id: "own".to_owned(),
        year: next,
        days: vec![format!("{next}-01-01"), format!("{next}-02-03")],
        target: false,
    };
    api.calendar().set_closing_days(own.clone()).await.unwrap();
    let calendar = api.calendar().get_calendar(v1::GetCalendarRequest {}).await.unwrap().into_inner();
    assert_eq!(calendar.closing_years[2].days, own.days);
    let far = v1::SetClosingDaysRequest {
        request_id: "far".to_owned(),
        year: year + 11,
        target: true,
        days: Vec::new(),
    };
    assert_eq!(api.calendar().set_closing_days(far).await.unwrap_err().code(), Code::FailedPrecondition);
    let far = v1::RollBusinessDateRequest { request_id: "far".to_owned(), date: format!("{next}-12-25") };
    assert_eq!(api.calendar().roll_business_date(far).await.unwrap_err().code(), Code::FailedPrecondition);
}
