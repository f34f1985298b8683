//! Settled payments that are asked back in documents: through Submit and over Exchange, live and when a bank comes back.

use client::v1;
use client::v1::answer_recall_request::Answer;
use iso20022::{
    Assignment, NegativeAnswer, OriginalDetails, OriginalReferences, Originator, PaymentReturn, Recall,
    RecallStatusRequest, RecalledPayment, RefusalText, ReportedMessage, ReturnFee, Status, StatusReport,
    read_admi002, read_camt029, read_camt056, read_pacs002_on, read_pacs004, write_camt029, write_camt056,
    write_pacs002, write_pacs004, write_pacs028_on_recall,
};
use ledger::Passage;
use tests::{
    ALFA, Api, BETA, Exchange, GAMMA, Node, World, belgian, document, german, kept, now, order, payment,
    payment_to_remote, sample, settled, until,
};
use types::{Amount, Bic, Date, Duration, PaymentOrder, RecallReason, RecallRefusal, Text};

use crate::calendar::{banking_days, set_years, today};

pub(crate) async fn world() -> (Node, Api) {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await.remote_bank().await;
    set_years(&api).await;
    (node, api)
}

pub(crate) async fn submit(api: &Api, document: impl Into<Vec<u8>>) -> v1::Iso20022ServiceSubmitResponse {
    let request = v1::Iso20022ServiceSubmitRequest { document: document.into(), wait_ms: None };
    let answered = api.iso20022().submit(request).await.unwrap().into_inner();
    sample(&answered.message_name, &answered.document);
    answered
}

/// A settled payment of 10.00 from ALFA to BETA, both of whose customers are here.
pub(crate) async fn paid_here(api: &Api, transaction_id: &str) -> PaymentOrder {
    let sent = document(&payment(transaction_id, "10.00"));
    settled(submit(api, sent.clone()).await.outcome.unwrap());
    order(&sent)
}

/// A settled payment of 10.00 from ALFA to GAMMA, which keeps its accounts itself: as GAMMA was asked about it, and as it
/// was sent.
async fn paid_to_remote(api: &Api, gamma: &mut Exchange, transaction_id: &str) -> [PaymentOrder; 2] {
    let sent = document(&payment_to_remote(transaction_id, "10.00"));
    let paying = tokio::spawn({
        let (api, sent) = (api.clone(), sent.clone());
        async move { submit(&api, sent).await }
    });
    let question = gamma.question().await;
    let yes = StatusReport::on_order(&question, text("YES-1"), now(), Status::Accepted);
    gamma.send(write_pacs002(&yes).into_bytes()).await;
    assert_eq!(gamma.report().await.status, Status::Accepted);
    settled(paying.await.unwrap().outcome.unwrap());
    [question, order(&sent)]
}

fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::parse(text).unwrap()
}

fn bank(bic: &str) -> Bic {
    Bic::parse(bic).unwrap()
}

fn cents(minor_units: i64) -> Amount {
    Amount::from_minor_units(minor_units).unwrap()
}

fn assignment(id: &str, from: Bic, to: Bic) -> Assignment {
    Assignment { id: text(id), assigner: Some(from), assignee: Some(to), created_at: now() }
}

/// ALFA's request for this payment.
pub(crate) fn recall(id: &str, order: &PaymentOrder, reason: RecallReason) -> Recall {
    let originator = match reason.kind() {
        types::RecallKind::Bank => Originator::Bank(order.debtor_agent),
        types::RecallKind::Originator => Originator::Customer(text("The payer")),
    };
    Recall {
        assignment: assignment(&format!("M-{id}"), order.debtor_agent, order.creditor_agent),
        cancellation_id: text(id),
        original: OriginalReferences::of(order),
        original_amount: order.amount,
        original_settlement_date: order.settlement_date.unwrap(),
        originator,
        reason,
        additional_information: Vec::new(),
        details: OriginalDetails::of(order),
    }
}

pub(crate) async fn ask_back(api: &Api, recall: &Recall) -> v1::Iso20022ServiceSubmitResponse {
    submit(api, write_camt056(recall)).await
}

/// The return of what was asked back, 0.10 of which the payee's bank keeps.
pub(crate) fn back(id: &str, asked: &Recall) -> PaymentReturn {
    let from = asked.details.creditor_agent.unwrap();
    PaymentReturn {
        message_id: text(&format!("M-{id}")),
        created_at: now(),
        settlement_date: now().date(),
        settlement_method: asked.details.settlement_method,
        instructing_agent: Some(from),
        instructed_agent: None,
        return_id: text(id),
        original: asked.original.clone(),
        original_amount: asked.original_amount,
        original_settlement_date: Some(asked.original_settlement_date),
        returned_amount: cents(asked.original_amount.minor_units() - 10),
        returned_instructed_amount: Some(asked.original_amount),
        fee: Some(ReturnFee { amount: cents(10), agent: from }),
        originator: Originator::Bank(from),
        recall_reference: text(asked.cancellation_id.as_str()),
        details: asked.details.clone(),
    }
}

fn refusal(id: &str, asked: &Recall, reason: RecallRefusal, words: &[(RefusalText, &str)]) -> NegativeAnswer {
    let from = asked.details.creditor_agent.unwrap();
    NegativeAnswer {
        assignment: assignment(&format!("M-{id}"), from, asked.details.debtor_agent),
        cancellation_status_id: text(id),
        original: asked.original.clone(),
        originator: Originator::Customer(text("The payee")),
        reason,
        additional_information: words.iter().map(|(mark, words)| mark.marked(words).unwrap()).collect(),
        details: asked.details.clone(),
    }
}

/// An enquiry about the recall of a payment that was accepted at this time, if it says so.
fn enquiry(order: &PaymentOrder, accepted_ago: Option<Duration>) -> String {
    write_pacs028_on_recall(&RecallStatusRequest {
        message_id: text("ASK-1"),
        created_at: now(),
        instructing_agent: None,
        instructed_agent: None,
        recall_message_id: text("M-RECALL-1"),
        recalled: vec![RecalledPayment {
            request_id: text("R-1"),
            original_instruction_id: None,
            original_end_to_end_id: order.end_to_end_id.clone(),
            original_transaction_id: order.transaction_id.clone(),
            original_uetr: None,
            acceptance_time: accepted_ago.map(|ago| now().minus(ago)),
            category_purpose: None,
            debtor_agent: order.debtor_agent,
        }],
    })
}

/// What a pacs.002 is about, and the code if it refuses.
pub(crate) fn told(document: &[u8]) -> (ReportedMessage, String) {
    let (about, report) = read_pacs002_on(document).unwrap();
    let code = match report.status {
        Status::Accepted => "ACCP".to_owned(),
        Status::Rejected { reason, .. } => reason.as_str().to_owned(),
    };
    (about, code)
}

/// The code of a camt.029, and its words.
fn refused(answered: &v1::Iso20022ServiceSubmitResponse) -> (RecallRefusal, String) {
    assert_eq!(answered.message_name, "camt.029.001.09");
    let answer = read_camt029(&answered.document).unwrap();
    (answer.reason, answer.additional_information[0].as_str().to_owned())
}

/// The reason of an admi.002.
fn not_taken(answered: &v1::Iso20022ServiceSubmitResponse) -> String {
    assert_eq!(answered.message_name, "admi.002.001.01");
    read_admi002(&answered.document).unwrap().reason.as_str().to_owned()
}

async fn heard(exchange: &mut Exchange, message_name: &str) -> v1::Iso20022ServiceExchangeResponse {
    let heard = exchange.next().await;
    assert_eq!(heard.message_name, message_name);
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn payment_is_asked_back_and_returned_in_documents() {
    let (node, api) = world().await;
    let mut gamma = Exchange::connect(&api, GAMMA).await;
    let [question, paid] = paid_to_remote(&api, &mut gamma, "TX-1").await;
    let mut alfa = Exchange::connect(&api, ALFA).await;
    let request = recall("RECALL-1", &paid, RecallReason::Duplicate);
    let taken = ask_back(&api, &request).await;
    assert_eq!(taken, v1::Iso20022ServiceSubmitResponse::default(), "the payee's bank answers");

    let asked = heard(&mut gamma, "camt.056.001.08").await;
    assert!(asked.sequence > 0, "it stands at its position");
    let asked = read_camt056(&asked.document).unwrap();
    assert_eq!((&asked.cancellation_id, asked.reason), (&request.cancellation_id, RecallReason::Duplicate));
    assert_eq!(Some(&asked.original.message_id), question.message_id.as_ref(), "as GAMMA knows the payment");
    assert_eq!((asked.assignment.assigner, asked.assignment.assignee), (Some(bank(ALFA)), Some(bank(GAMMA))));
    assert_eq!((asked.original_amount, &asked.details), (cents(1000), &request.details));

    let given = write_pacs004(&back("RETURN-1", &asked)).into_bytes();
    gamma.send(given.clone()).await;
    let accepted = heard(&mut gamma, "pacs.002.001.10").await;
    assert_eq!(told(&accepted.document), (ReportedMessage::Return, "ACCP".to_owned()));
    let returned = heard(&mut alfa, "pacs.004.001.09").await;
    let read = read_pacs004(&returned.document).unwrap();
    assert_eq!((read.returned_amount, read.fee), (cents(990), back("RETURN-1", &asked).fee));
    assert_eq!((read.return_id.as_str(), read.recall_reference.as_str()), ("RETURN-1", "RECALL-1"));
    assert_eq!(Some(&read.original.message_id), paid.message_id.as_ref(), "as ALFA knows the payment");
    assert_eq!(api.balance(&belgian(1)).await, "999.90");

    // The same documents do nothing more, and get the same answers.
    gamma.send(given.clone()).await;
    assert_eq!(gamma.next().await.document, accepted.document);
    assert_eq!(ask_back(&api, &request).await.document, returned.document);
    assert_eq!(submit(&api, enquiry(&paid, None)).await.document, returned.document);
    gamma.send(write_pacs004(&back("RETURN-2", &asked)).into_bytes()).await;
    assert_eq!(told(&gamma.next().await.document), (ReportedMessage::Return, "AM05".to_owned()));
    let again = ask_back(&api, &recall("RECALL-2", &paid, RecallReason::Fraud)).await;
    assert_eq!(refused(&again).0, RecallRefusal::AlreadyReturned);
    assert_eq!(api.balance(&belgian(1)).await, "999.90");
    api.trial_balance().await;

    let sent = write_camt056(&request).into_bytes();
    let is_kept = |passage, document: &[u8]| {
        kept(node.folder()).iter().any(|kept| kept.passage == passage && kept.document == document)
    };
    until("the documents are kept", async || {
        let all = is_kept(Passage::Received, &sent)
            && is_kept(Passage::Received, &given)
            && is_kept(Passage::Sent, &returned.document);
        all.then_some(())
    })
    .await;
}

/// A bank that was away hears when it comes back what it was asked, and another what was answered.
#[tokio::test(flavor = "multi_thread")]
async fn banks_that_come_back_hear_of_recalls() {
    let (node, api) = world().await;
    let mut gamma = Exchange::connect(&api, GAMMA).await;
    let [_, paid] = paid_to_remote(&api, &mut gamma, "TX-1").await;
    let since = gamma.as_of_sequence();
    drop(gamma);
    ask_back(&api, &recall("RECALL-1", &paid, RecallReason::WrongAccount)).await;
    let node = node.restart().await;
    let api = node.api().await;
    let connect = async |bic: &str, api: &Api| {
        let start = v1::Iso20022ServiceExchangeStart {
            bic: bic.to_owned(),
            last_sequence: Some(since),
            ..Default::default()
        };
        Exchange::try_connect(api, start).await.unwrap()
    };
    let mut gamma = connect(GAMMA, &api).await;
    heard(&mut gamma, "pacs.002.001.10").await;
    let asked = heard(&mut gamma, "camt.056.001.08").await;
    assert!(asked.possible_repeat);
    let asked = read_camt056(&asked.document).unwrap();
    assert_eq!(asked.originator, Originator::Customer(text("The payer")));

    let words = [(RefusalText::ToOriginator, "no"), (RefusalText::Account, "it is somebody else's")];
    let no = refusal("NO-1", &asked, RecallRefusal::Customer, &words);
    let taken = submit(&api, write_camt029(&no)).await;
    assert_eq!(taken, v1::Iso20022ServiceSubmitResponse::default());
    let mut alfa = connect(ALFA, &api).await;
    heard(&mut alfa, "pacs.002.001.10").await;
    let told = heard(&mut alfa, "camt.029.001.09").await;
    let read = read_camt029(&told.document).unwrap();
    assert_eq!((read.reason, &read.originator), (no.reason, &no.originator));
    assert_eq!(read.additional_information, no.additional_information);
    assert_eq!(read.cancellation_status_id, no.cancellation_status_id);
    assert_eq!(submit(&api, enquiry(&paid, None)).await.document, told.document);
    assert_eq!(api.balance(&belgian(1)).await, "990.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn request_that_is_refused_says_why_in_the_schemes_codes() {
    let (_node, api) = world().await;
    let paid = paid_here(&api, "TX-1").await;
    let request = recall("RECALL-1", &paid, RecallReason::Fraud);
    let several = write_camt056(&request);
    let transaction = &several[several.find("<TxInf>").unwrap()..several.find("</Undrlyg>").unwrap()];
    let several = several.replace("</Undrlyg>", &format!("{transaction}</Undrlyg>"));
    assert_eq!(not_taken(&submit(&api, several).await), "REPEATED_ELEMENT");
    let blank = Recall { cancellation_id: text("RECALL 1"), ..request.clone() };
    assert_eq!(not_taken(&ask_back(&api, &blank).await), "INVALID_ARGUMENT");

    for wrong in [
        Recall { original_amount: cents(999), ..request.clone() },
        Recall { original_settlement_date: Date::parse("2026-01-01").unwrap(), ..request.clone() },
        Recall {
            original: OriginalReferences { end_to_end_id: text("OTHER"), ..request.original.clone() },
            ..request.clone()
        },
    ] {
        assert_eq!(refused(&ask_back(&api, &wrong).await).0, RecallRefusal::NoOriginal);
    }
    // A payment that nobody knows may still come, until its time is over.
    let unknown = OriginalReferences { transaction_id: text("TX-9"), ..request.original.clone() };
    let unknown = Recall { original: unknown, ..request.clone() };
    assert_eq!(not_taken(&ask_back(&api, &unknown).await), "PAYMENT_NOT_FOUND_YET");
    let created_at = now().minus(Duration::from_seconds(60));
    let assignment = Assignment { created_at, ..unknown.assignment.clone() };
    let never = ask_back(&api, &Recall { assignment, ..unknown }).await;
    let (code, words) = refused(&never);
    assert_eq!((code, words.as_str()), (RecallRefusal::NoOriginal, "ATR053 no such payment was received"));

    assert_eq!(not_taken(&submit(&api, enquiry(&paid, None)).await), "RECALL_UNKNOWN");
    ask_back(&api, &request).await;
    assert_eq!(not_taken(&submit(&api, enquiry(&paid, None)).await), "RECALL_OPEN");
    let again = Recall { cancellation_id: text("RECALL-2"), ..request.clone() };
    let answered = ask_back(&api, &again).await;
    let (code, words) = refused(&answered);
    assert_eq!(code, RecallRefusal::Legal);
    assert!(words.starts_with("ATR053 a payment is asked back once"), "{words}");
    assert_eq!(ask_back(&api, &again).await.document, answered.document, "the same id, the same bytes");
    let other = Recall { reason: RecallReason::Duplicate, ..request };
    assert_eq!(not_taken(&ask_back(&api, &other).await), "REQUEST_ID_REUSED");

    let unknown = PaymentOrder { transaction_id: text("TX-9"), ..paid };
    let asked = submit(&api, enquiry(&unknown, Some(Duration::from_seconds(60)))).await;
    assert_eq!(refused(&asked).0, RecallRefusal::NoOriginal);
    assert_eq!(not_taken(&submit(&api, enquiry(&unknown, None)).await), "PAYMENT_NOT_FOUND_YET");
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_that_is_refused_leaves_the_recall_open() {
    let (_node, api) = world().await;
    let paid = paid_here(&api, "TX-1").await;
    let request = recall("RECALL-1", &paid, RecallReason::WrongAmount);
    let answer = async |given: &PaymentReturn| {
        let answered = submit(&api, write_pacs004(given)).await;
        told(&answered.document).1
    };
    let given = back("RETURN-1", &request);
    assert_eq!(answer(&given).await, "AG09", "nobody has asked for it");
    ask_back(&api, &request).await;
    let gamma = bank(GAMMA);
    let other = PaymentReturn { instructing_agent: Some(gamma), ..given.clone() };
    assert_eq!(answer(&other).await, "AG09", "GAMMA was not asked");
    let fee = Some(ReturnFee { amount: cents(10), agent: gamma });
    assert_eq!(answer(&PaymentReturn { fee, ..given.clone() }).await, "FF01");
    let yesterday = now().date().plus_days(-3).unwrap();
    assert_eq!(answer(&PaymentReturn { settlement_date: yesterday, ..given.clone() }).await, "DT01");
    let untrue =
        refusal("NO-1", &request, RecallRefusal::AlreadyReturned, &[(RefusalText::ToOriginator, "no")]);
    let untrue = submit(&api, write_camt029(&untrue)).await;
    assert_eq!(told(&untrue.document), (ReportedMessage::NegativeAnswer, "MS03".to_owned()));
    let poor = World::of(api.clone());
    poor.post(&german(1), v1::EntryDirection::Debit, "1009.00").await.unwrap();
    let short = PaymentReturn { return_id: text("RETURN-0"), ..given.clone() };
    assert_eq!(answer(&short).await, "AM04");
    poor.post(&german(1), v1::EntryDirection::Credit, "500.00").await.unwrap();

    assert_eq!(not_taken(&submit(&api, enquiry(&paid, None)).await), "RECALL_OPEN");
    assert_eq!(answer(&given).await, "ACCP");
    assert_eq!(api.balance(&belgian(1)).await, "999.90");
    assert_eq!(api.balance(&german(1)).await, "491.00");
    let late = refusal("NO-2", &request, RecallRefusal::Customer, &[(RefusalText::ToOriginator, "no")]);
    assert_eq!(told(&submit(&api, write_camt029(&late)).await.document).1, "AM05");
    api.trial_balance().await;
}

/// What comes in another form is told in documents all the same, with the marks of the scheme.
#[tokio::test(flavor = "multi_thread")]
async fn recalls_over_the_other_service_are_told_in_documents() {
    let (_node, api) = world().await;
    let outcome = settled(api.submit(&payment("TX-1", "10.00")).await.unwrap());
    let mut alfa = Exchange::connect(&api, ALFA).await;
    let mut beta = Exchange::connect(&api, BETA).await;
    let request = v1::RequestRecallRequest {
        request_id: "ask".to_owned(),
        payment_id: outcome.payment_id,
        reason_code: "FRAD".to_owned(),
        reference: "RECALL-1".to_owned(),
        ..Default::default()
    };
    let recall_id = api.recalls().request_recall(request).await.unwrap().into_inner().recall_id;
    let asked = read_camt056(&heard(&mut beta, "camt.056.001.08").await.document).unwrap();
    assert_eq!((asked.assignment.id.as_str(), asked.reason), (recall_id.as_str(), RecallReason::Fraud));
    assert_eq!(asked.originator, Originator::Bank(bank(ALFA)));
    let answer = v1::AnswerRecallRequest {
        request_id: "no".to_owned(),
        recall_id,
        reference: "NO-1".to_owned(),
        information: vec!["we may not".to_owned(), "article 1".to_owned(), "the money is gone".to_owned()],
        answer: Some(v1::answer_recall_request::Answer::RefusalCode("LEGL".to_owned())),
        ..Default::default()
    };
    api.recalls().answer_recall(answer).await.unwrap();
    let told = read_camt029(&heard(&mut alfa, "camt.029.001.09").await.document).unwrap();
    let words: Vec<&str> = told.additional_information.iter().map(Text::as_str).collect();
    assert_eq!(words, ["ATR053 we may not", "ATR057 article 1", "FRAD the money is gone"]);
    assert_eq!(told.originator, Originator::Bank(bank(BETA)));
}

/// A request id is remembered for five days, an answer may take weeks: a request that comes again after that is no second
/// one.
#[tokio::test(flavor = "multi_thread")]
async fn request_that_comes_again_after_weeks_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    tests::write_log_with_recalls(folder.path(), std::time::Duration::from_secs(14 * 24 * 3600));
    let node = Node::with_history_on(folder).await;
    let api = node.api().await;
    let recent = settled(api.submit(&payment("NEW", "1.00")).await.unwrap());
    crate::history::until_told(&api, recent.sequence).await;
    let start = v1::Iso20022ServiceExchangeStart {
        bic: BETA.to_owned(),
        last_sequence: Some(0),
        ..Default::default()
    };
    let mut beta = Exchange::try_connect(&api, start).await.unwrap();
    let asked = loop {
        let heard = beta.next().await;
        if heard.message_name == "camt.056.001.08" {
            break read_camt056(&heard.document).unwrap();
        }
    };
    let again = ask_back(&api, &asked).await;
    assert_eq!(again, v1::Iso20022ServiceSubmitResponse::default(), "the payee's bank answers");
    let other = Recall { cancellation_id: text("RECALL-9"), ..asked.clone() };
    assert_eq!(refused(&ask_back(&api, &other).await).0, RecallRefusal::Legal);
    let no = refusal("NO-1", &asked, RecallRefusal::Customer, &[(RefusalText::ToBank, "no")]);
    submit(&api, write_camt029(&no)).await;
    assert_eq!(refused(&ask_back(&api, &asked).await).0, RecallRefusal::Customer, "its answer");
}

/// An answer is known by what it says, also where it came in another form, or under a request id that is forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn answer_that_comes_again_is_answered_as_before() {
    let (_node, api) = world().await;
    for (number, answer) in
        [(1, crate::recalls::back("9.90", "0.10")), (2, Answer::RefusalCode("CUST".to_owned()))]
    {
        let paid = paid_here(&api, &format!("TX-{number}")).await;
        let request = recall(&format!("RECALL-{number}"), &paid, RecallReason::Duplicate);
        ask_back(&api, &request).await;
        let [open] = &crate::recalls::work_list(&api, BETA).await[..] else { panic!("one recall to answer") };
        let said = v1::AnswerRecallRequest {
            information: if number == 1 { Vec::new() } else { vec!["ATR053 no".to_owned()] },
            originator: if number == 1 { String::new() } else { "The payee".to_owned() },
            ..crate::recalls::answer(&format!("said-{number}"), &open.recall_id, answer)
        };
        api.recalls().answer_recall(said).await.unwrap();
        let balance = api.balance(&belgian(1)).await;
        let no = refusal("RETURN-1", &request, RecallRefusal::Customer, &[(RefusalText::ToBank, "no")]);
        let given = back("RETURN-1", &request);
        if number == 1 {
            assert_eq!(told(&submit(&api, write_pacs004(&given)).await.document).1, "ACCP");
            assert_eq!(told(&submit(&api, write_camt029(&no)).await.document).1, "AM05", "another answer");
        } else {
            let taken = submit(&api, write_camt029(&no)).await;
            assert_eq!(taken, v1::Iso20022ServiceSubmitResponse::default());
            assert_eq!(told(&submit(&api, write_pacs004(&given)).await.document).1, "AM05", "another answer");
        }
        assert_eq!(api.balance(&belgian(1)).await, balance);
    }
    api.trial_balance().await;
}

/// Settlements between banks bear the business date; payments may bear the day as well.
#[tokio::test(flavor = "multi_thread")]
async fn settlement_date_is_the_business_date() {
    let (_node, api) = world().await;
    let today = today();
    let business_date = banking_days().into_iter().find(|day| *day > today).unwrap();
    let roll = v1::RollBusinessDateRequest { request_id: "roll".to_owned(), date: business_date.to_string() };
    api.calendar().roll_business_date(roll).await.unwrap();

    for (transaction_id, day) in [("TX-1", today), ("TX-2", business_date)] {
        let sent = String::from_utf8(document(&payment(transaction_id, "10.00"))).unwrap();
        let sent = sent.replace(&format!("<IntrBkSttlmDt>{today}<"), &format!("<IntrBkSttlmDt>{day}<"));
        settled(submit(&api, sent).await.outcome.unwrap());
    }
    let paid = order(&document(&payment("TX-1", "10.00")));
    let request = recall("RECALL-1", &paid, RecallReason::Duplicate);
    ask_back(&api, &request).await;
    let given = back("RETURN-1", &request);
    let answered = submit(&api, write_pacs004(&given)).await;
    assert_eq!(told(&answered.document).1, "DT01");
    let given = PaymentReturn { settlement_date: business_date, ..given };
    let answered = submit(&api, write_pacs004(&given)).await;
    assert_eq!(told(&answered.document).1, "ACCP");
    let forwarded = read_pacs004(&ask_back(&api, &request).await.document).unwrap();
    assert_eq!(
        forwarded.settlement_date, business_date,
        "as its bank has said, and as the positions have it"
    );
}

/// The node answers for banks that have been silent, in documents too. A return counts all the same.
#[tokio::test(flavor = "multi_thread")]
async fn silence_is_told_and_a_late_return_too() {
    let folder = tempfile::tempdir().unwrap();
    tests::write_log_with_recalls(folder.path(), std::time::Duration::from_secs(40 * 24 * 3600));
    let node = Node::on(folder).await;
    let api = node.api().await;
    let mut alfa = Exchange::connect(&api, ALFA).await;
    let start = v1::Iso20022ServiceExchangeStart {
        bic: GAMMA.to_owned(),
        last_sequence: Some(0),
        ..v1::Iso20022ServiceExchangeStart::default()
    };
    let mut gamma = Exchange::try_connect(&api, start).await.unwrap();
    let asked = loop {
        let heard = gamma.next().await;
        if heard.message_name == "camt.056.001.08" {
            break read_camt056(&heard.document).unwrap();
        }
    };
    assert_eq!(asked.original.transaction_id.as_str(), "OLD-2");
    let policy = v1::SetRecallPolicyRequest {
        request_id: "policy".to_owned(),
        bic: GAMMA.to_owned(),
        answer_silence: true,
    };
    api.recalls().set_recall_policy(policy).await.unwrap();
    let keeping = node.keep_calendar();
    let mut silent = Vec::new();
    for _ in 0..2 {
        let over = read_camt029(&heard(&mut alfa, "camt.029.001.09").await.document).unwrap();
        assert_eq!(over.reason, RecallRefusal::NoAnswer);
        assert_eq!(over.additional_information[0].as_str(), "ATR053 there was no answer in time");
        silent.push(over.original.transaction_id.as_str().to_owned());
    }
    keeping.abort();
    silent.sort();
    assert_eq!(silent, ["OLD-1", "OLD-2"]);

    let business_date = api.calendar().get_calendar(v1::GetCalendarRequest {}).await.unwrap().into_inner();
    let settlement_date = Date::parse(&business_date.business_date).unwrap();
    let fee = Some(ReturnFee { amount: cents(10), agent: bank(GAMMA) });
    let given =
        PaymentReturn { settlement_date, returned_amount: cents(90), fee, ..back("RETURN-1", &asked) };
    gamma.send(write_pacs004(&given).into_bytes()).await;
    assert_eq!(told(&heard(&mut gamma, "pacs.002.001.10").await.document).1, "ACCP");
    let returned = read_pacs004(&heard(&mut alfa, "pacs.004.001.09").await.document).unwrap();
    assert_eq!((returned.returned_amount, returned.fee), (cents(90), given.fee));
}
