//! Payments that a bank has to decide, in documents: through Submit, and over Exchange.

use std::time::Duration;

use client::v1;
use iso20022::{
    Header, MessageKind, Profile, Status, StatusReport, StatusRequest, Wrapper, read_message, read_pacs002,
    wrap, write_admi002, write_pacs002, write_pacs028,
};
use ledger::Passage;
use server::{IsoSettings, ServerLimits};
use tests::{
    ALFA, Api, BETA, Bank, Exchange, GAMMA, Kept, Node, World, ago, belgian, document, german, kept, now,
    order, payment, payment_to_remote, sample, until,
};
use tokio::task::JoinHandle;
use types::{Bic, PaymentOrder, ReasonCode, Text};

type Answered = Result<v1::Iso20022ServiceSubmitResponse, tonic::Status>;

async fn world() -> (Node, Api) {
    world_with(ServerLimits::default()).await
}

async fn world_with(limits: ServerLimits) -> (Node, Api) {
    let node = Node::with_limits(limits).await;
    let api = node.api().await;
    World::set_up(&api, 1).await.remote_bank().await;
    (node, api)
}

async fn submit(api: &Api, document: Vec<u8>) -> v1::Iso20022ServiceSubmitResponse {
    let request = v1::Iso20022ServiceSubmitRequest { document, wait_ms: None };
    let answered = api.iso20022().submit(request).await.unwrap().into_inner();
    sample(&answered.message_name, &answered.document);
    answered
}

fn submit_aside(api: &Api, document: Vec<u8>) -> JoinHandle<Answered> {
    let mut client = api.iso20022();
    let request = v1::Iso20022ServiceSubmitRequest { document, wait_ms: None };
    tokio::spawn(async move { client.submit(request).await.map(tonic::Response::into_inner) })
}

fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::parse(text).unwrap()
}

fn rejected(code: &str) -> Status {
    let reason = ReasonCode::parse(code).unwrap();
    Status::Rejected { reason, originator: None, additional_information: None }
}

/// A bank's answer to the question that this order came with.
fn answer(question: &PaymentOrder, status: Status) -> Vec<u8> {
    write_pacs002(&StatusReport::on_order(question, text("ANSWER-1"), now(), status)).into_bytes()
}

fn enquiry(transaction_id: &str, debtor_agent: &str) -> Vec<u8> {
    write_pacs028(&request(transaction_id, debtor_agent)).into_bytes()
}

/// An enquiry about a payment that nobody takes any more.
fn old_enquiry(transaction_id: &str, debtor_agent: &str) -> Vec<u8> {
    let accepted = now().minus(types::Duration::from_seconds(60));
    let request = StatusRequest { acceptance_time: Some(accepted), ..request(transaction_id, debtor_agent) };
    write_pacs028(&request).into_bytes()
}

fn request(transaction_id: &str, debtor_agent: &str) -> StatusRequest {
    StatusRequest {
        message_id: text("ASK-1"),
        created_at: now(),
        instructing_agent: None,
        instructed_agent: None,
        original_message_id: text("M-1"),
        request_id: Some(text("R-1")),
        original_instruction_id: None,
        original_end_to_end_id: None,
        original_transaction_id: text(transaction_id),
        original_uetr: None,
        acceptance_time: None,
        category_purpose: None,
        debtor_agent: Bic::parse(debtor_agent).unwrap(),
    }
}

fn report(answer: &v1::Iso20022ServiceSubmitResponse) -> StatusReport {
    assert_eq!(answer.message_name, "pacs.002.001.10");
    read_pacs002(&answer.document).unwrap()
}

/// Waits until the log keeps so many documents: those that leave are kept a moment later.
async fn documents(node: &Node, count: usize) -> Vec<Kept> {
    until("the documents are kept", async || Some(kept(node.folder())).filter(|all| all.len() >= count)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_is_asked_answers_and_hears_in_documents() {
    let (node, api) = world().await;
    let mut gamma = Exchange::connect(&api, GAMMA).await;
    let sent = document(&payment_to_remote("TX-1", "10.00"));
    let paying = submit_aside(&api, sent.clone());
    let question = gamma.question().await;
    assert_eq!(question.transaction_id.as_str(), "TX-1");
    assert_eq!(question.instructing_agent, Some(Bic::parse(ALFA).unwrap()));
    assert_eq!(question.instructed_agent, Some(Bic::parse(GAMMA).unwrap()));
    assert_ne!(question.message_id.as_ref().unwrap().as_str(), "M-TX-1", "the next hop has its own id");
    let accepted = answer(&question, Status::Accepted);
    gamma.send(accepted.clone()).await;
    let told = gamma.report().await;
    assert_eq!(told.status, Status::Accepted);
    assert_eq!(&told.original_message_id, question.message_id.as_ref().unwrap());
    let answered = paying.await.unwrap().unwrap();
    let to_payer = report(&answered);
    assert_eq!(to_payer.status, Status::Accepted);
    assert_eq!(to_payer.original_message_id.as_str(), "M-TX-1");
    let outcome = answered.outcome.unwrap();
    assert_eq!(outcome.status(), v1::PaymentStatus::Settled);
    assert_eq!(to_payer.status_id.unwrap().as_str(), outcome.payment_id);

    let all = documents(&node, 5).await;
    let of = |passage, message: &str| {
        let found: Vec<&Kept> =
            all.iter().filter(|kept| (kept.passage, &*kept.message) == (passage, message)).collect();
        found
    };
    assert_eq!(of(Passage::Received, "pacs.008.001.08")[0].document, sent);
    assert_eq!(of(Passage::Received, "pacs.002.001.10")[0].document, accepted);
    assert_eq!(of(Passage::Sent, "pacs.008.001.08").len(), 1);
    let reports = of(Passage::Sent, "pacs.002.001.10");
    assert_eq!(reports.len(), 2, "one for each bank");
    assert!(reports.iter().any(|kept| kept.document == answered.document), "byte for byte");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_is_passed_on_and_nothing_goes_back() {
    let (_node, api) = world().await;
    let mut gamma = Exchange::connect(&api, GAMMA).await;
    let mut alfa = Exchange::connect(&api, ALFA).await;
    // In the connection of the payer's bank: the report comes in its turn.
    alfa.send(document(&payment_to_remote("TX-1", "10.00"))).await;
    let question = gamma.question().await;
    // Through the other call; the bank is known by the question that it repeats.
    let answered = submit(&api, answer(&question, rejected("MS03"))).await;
    assert_eq!(answered, v1::Iso20022ServiceSubmitResponse::default(), "what decides is answered by nothing");
    let told = alfa.report().await;
    assert_eq!(told.status, rejected("MS03"));
    assert_eq!(told.original_message_id.as_str(), "M-TX-1");
    assert_eq!(told.instructed_agent, Some(Bic::parse(ALFA).unwrap()));

    // A contrary answer is told the stored truth.
    let contrary = submit(&api, answer(&question, Status::Accepted)).await;
    assert_eq!(report(&contrary).status, rejected("MS03"));
    assert_eq!(contrary.outcome.unwrap().reason_code, "MS03");
    let again = submit(&api, answer(&question, rejected("MS03"))).await;
    assert_eq!(report(&again).status, rejected("MS03"));
    assert_eq!(api.account(&belgian(1)).await.available, "1000.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_hears_that_the_payment_has_expired() {
    let (_node, api) = world().await;
    let mut gamma = Exchange::connect(&api, GAMMA).await;
    let due_soon = v1::Payment {
        acceptance_time: Some(ago(Duration::from_millis(6200))),
        ..payment_to_remote("TX-1", "10.00")
    };
    let paying = submit_aside(&api, document(&due_soon));
    let question = gamma.question().await;
    let expired = report(&paying.await.unwrap().unwrap());
    assert_eq!(expired.status, rejected("AB05"));
    assert_eq!(gamma.report().await.status, rejected("TM01"));
    gamma.send(answer(&question, Status::Accepted)).await;
    let late = gamma.report().await;
    assert_eq!(late.status, rejected("TM01"), "the stored report again");
    // Nobody pretends to be the bank, and nothing was asked of a bank that was not asked.
    let forged = StatusReport {
        debtor_agent: Some(Bic::parse(BETA).unwrap()),
        ..StatusReport::on_order(&question, text("ANSWER-2"), now(), Status::Accepted)
    };
    let forged = submit(&api, write_pacs002(&forged).into_bytes()).await;
    assert_eq!(report(&forged).status, rejected("AG09"), "what it repeats is not the payment's");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enquiry_gets_the_stored_report() {
    let (_node, api) = world().await;
    let mut gamma = Exchange::connect(&api, GAMMA).await;
    let unknown = submit(&api, old_enquiry("TX-1", ALFA)).await;
    assert_eq!(report(&unknown).status, rejected("AG09"));
    assert_eq!(report(&unknown).original_transaction_id.unwrap().as_str(), "TX-1");

    let paying = submit_aside(&api, document(&payment_to_remote("TX-1", "10.00")));
    let question = gamma.question().await;
    let asking = submit_aside(&api, enquiry("TX-1", ALFA));
    gamma.send(answer(&question, Status::Accepted)).await;
    let (paid, asked) = (paying.await.unwrap().unwrap(), asking.await.unwrap().unwrap());
    assert_eq!(asked.document, paid.document, "answered at the final state, by the same report");
    let later = submit(&api, enquiry("TX-1", ALFA)).await;
    assert_eq!(later.document, paid.document);

    // A payment that was refused on reading has its references in its document alone.
    let bad = document(&payment("TX-2", "10.00"));
    let bad = String::from_utf8(bad).unwrap().replace("<ChrgBr>SLEV<", "<ChrgBr>SHAR<");
    let refused = submit(&api, bad.into_bytes()).await;
    assert_eq!(report(&refused).original_message_id.as_str(), "M-TX-2");
    assert_eq!(submit(&api, enquiry("TX-2", ALFA)).await.document, refused.document);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_and_messages_are_one_connection_of_the_bank() {
    let (_node, api) = world().await;
    let mut gamma = Bank::connect(&api, GAMMA).await;
    let paying = submit_aside(&api, document(&payment_to_remote("TX-1", "10.00")));
    let question = gamma.question().await;
    gamma.accept(&question).await;
    assert_eq!(report(&paying.await.unwrap().unwrap()).status, Status::Accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_answers_what_it_did_not_take_and_repeats() {
    let (_node, api) = world().await;
    let mut alfa = Exchange::connect(&api, ALFA).await;
    alfa.send(b"<Document/>".to_vec()).await;
    let not_taken = alfa.next().await;
    assert_eq!((&*not_taken.message_name, not_taken.sequence), ("admi.002.001.01", 0));
    let paid = document(&payment("TX-1", "10.00"));
    alfa.send(paid.clone()).await;
    let first = alfa.next().await;
    assert!(first.sequence > 0, "a report stands at its position");
    assert_eq!(read_pacs002(&first.document).unwrap().status, Status::Accepted);
    alfa.send(paid).await;
    let again = alfa.next().await;
    assert_eq!((again.document, again.sequence), (first.document, 0), "the stored report, directly");
    // A rejection is answered by nothing: what comes next is the answer to the enquiry.
    let rejection = iso20022::Rejection {
        original_message_id: Some(text("M-1")),
        reason: text("X"),
        rejected_at: now(),
        location: None,
        description: None,
    };
    alfa.send(write_admi002(&rejection).into_bytes()).await;
    alfa.send(old_enquiry("TX-9", ALFA)).await;
    assert_eq!(alfa.report().await.status, rejected("AG09"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_resumes_in_documents() {
    let (node, api) = world().await;
    let mut gamma = Exchange::connect(&api, GAMMA).await;
    let paying = submit_aside(&api, document(&payment_to_remote("TX-1", "10.00")));
    let first = gamma.next().await;
    gamma.send(answer(&order(&first.document), Status::Accepted)).await;
    let settled = gamma.next().await;
    paying.await.unwrap().unwrap();
    let open = submit_aside(&api, document(&payment_to_remote("TX-2", "10.00")));
    let second = gamma.next().await;
    drop(gamma);
    let start = |last_sequence| v1::Iso20022ServiceExchangeStart {
        bic: GAMMA.to_owned(),
        last_sequence: Some(last_sequence),
        incarnation: None,
        with_header: true,
    };
    let mut gamma = Exchange::try_connect(&api, start(settled.sequence)).await.unwrap();
    // What is open comes first; it is no position to go on from, and the report may still be to come.
    let again = gamma.next().await;
    assert_eq!((again.sequence, again.possible_repeat), (0, true));
    assert_eq!(second.sequence, 0);
    // It comes once more if the node hears only now that the connection before has ended.
    let told = loop {
        let told = gamma.next().await;
        if told.sequence != 0 {
            break told;
        }
        assert_eq!(order(&told.document), order(&second.document));
    };
    assert_eq!((told.sequence, told.possible_repeat), (settled.sequence, true));
    let read = read_message(&told.document, &iso20022::Rules::sct_inst_2025(vec![now().date()])).unwrap();
    let header = read.header.unwrap();
    assert_eq!((header.to, header.possible_duplicate), (Some(Bic::parse(GAMMA).unwrap()), true));
    assert_eq!(order(&again.document), order(&second.document), "the same question with a header");
    gamma.send(answer(&order(&again.document), Status::Accepted)).await;
    assert_eq!(report(&open.await.unwrap().unwrap()).status, Status::Accepted);
    let node = node.restart().await;
    let api = node.api().await;
    let ahead = Exchange::try_connect(&api, start(u64::MAX)).await.unwrap_err();
    assert_eq!(ahead.code(), tonic::Code::OutOfRange);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_is_answered_by_a_header() {
    let signature = Bic::parse("SLVOBEB1").unwrap();
    let iso = IsoSettings { bic: Some(signature), ..IsoSettings::default() };
    let (_node, api) = world_with(ServerLimits { iso, ..ServerLimits::default() }).await;
    let alfa = Bic::parse(ALFA).unwrap();
    for wrapper in [Wrapper::RequestPayload, Wrapper::Envelope] {
        let bare = String::from_utf8(document(&payment(&format!("TX-{wrapper:?}"), "1.00"))).unwrap();
        let header = Header::new(MessageKind::CreditTransfer, text("H-1"), alfa, signature, now());
        let answered = submit(&api, wrap(bare, wrapper, &header).into_bytes()).await;
        let rules = iso20022::Rules::sct_inst_2025(Vec::new());
        let read = read_message(&answered.document, &rules).unwrap();
        let header = read.header.unwrap();
        assert_eq!((read.wrapper, header.from, header.to), (wrapper, Some(signature), Some(alfa)));
        // One that can't be read is answered in the same dress.
        let header = Header::new(MessageKind::CreditTransfer, text("H-1"), alfa, signature, now());
        let broken = wrap(enquiry_text(), wrapper, &header);
        let answered = submit(&api, broken.into_bytes()).await;
        assert_eq!(answered.message_name, "admi.002.001.01");
        let read = read_message(&answered.document, &rules).unwrap();
        assert_eq!((read.wrapper, read.header.unwrap().to), (wrapper, Some(alfa)));
    }
}

/// Another message than its header says.
fn enquiry_text() -> String {
    String::from_utf8(enquiry("TX-1", ALFA)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_scheme_leaves_out_is_passed_through_if_the_node_does() {
    let iso = IsoSettings { profile: Profile::PassThrough, bic: None };
    let (node, api) = world_with(ServerLimits { iso, ..ServerLimits::default() }).await;
    let mut gamma = Exchange::connect(&api, GAMMA).await;
    let plain = String::from_utf8(document(&payment_to_remote("TX-1", "10.00"))).unwrap();
    let more = plain.replace("<Dbtr>", "<InitgPty><Nm>Somebody else</Nm></InitgPty><Dbtr>");
    let paying = submit_aside(&api, more.clone().into_bytes());
    let question = gamma.next().await;
    let forwarded = String::from_utf8(question.document).unwrap();
    assert!(forwarded.contains("<InitgPty><Nm>Somebody else</Nm></InitgPty>"), "{forwarded}");
    let to_answer = order(forwarded.replace("<InitgPty><Nm>Somebody else</Nm></InitgPty>", "").as_bytes());
    assert_eq!(to_answer.instructed_agent, Some(Bic::parse(GAMMA).unwrap()));
    gamma.send(answer(&to_answer, Status::Accepted)).await;
    assert_eq!(report(&paying.await.unwrap().unwrap()).status, Status::Accepted);
    assert_eq!(gamma.report().await.status, Status::Accepted);
    // It belongs to the body.
    assert_eq!(report(&submit(&api, plain.into_bytes()).await).status, rejected("AM05"));
    assert!(submit(&api, more.into_bytes()).await.outcome.unwrap().repeat);

    let node = node.restart_with(ServerLimits::default()).await;
    let api = node.api().await;
    let more = String::from_utf8(document(&payment("TX-2", "10.00"))).unwrap();
    let more = more.replace("<Dbtr>", "<InitgPty><Nm>Somebody else</Nm></InitgPty><Dbtr>");
    assert_eq!(report(&submit(&api, more.into_bytes()).await).status.clone(), {
        let Status::Rejected { reason, originator, .. } = rejected("FF01") else { unreachable!() };
        Status::Rejected { reason, originator, additional_information: Some(text("CdtTrfTxInf/InitgPty")) }
    });
    assert_eq!(api.account(&german(1)).await.available, "1000.00");
}

/// A bank that has heard nothing yet goes on from where it connected.
#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_heard_nothing_has_a_position() {
    let (_node, api) = world().await;
    let gamma = Exchange::connect(&api, GAMMA).await;
    let last_sequence = Some(gamma.as_of_sequence());
    assert!(last_sequence > Some(0));
    let mut other = Bank::connect(&api, GAMMA).await;
    drop(gamma);
    let paying = api.submit_aside(&payment_to_remote("TX-1", "10.00"));
    let question = other.question().await;
    other.accept(&question).await;
    paying.await.unwrap().unwrap();
    let start = v1::Iso20022ServiceExchangeStart {
        bic: GAMMA.to_owned(),
        last_sequence,
        ..v1::Iso20022ServiceExchangeStart::default()
    };
    let mut gamma = Exchange::try_connect(&api, start).await.unwrap();
    assert_eq!(gamma.report().await.status, Status::Accepted);
}

/// The answers to what was sent still come, and others get the questions.
#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_ends_its_side_is_answered_and_asked_no_more() {
    let (_node, api) = world().await;
    let mut gamma = Exchange::connect(&api, GAMMA).await;
    gamma.send(enquiry("TX-NONE", GAMMA)).await;
    gamma.hang_up();
    let answered = gamma.next().await;
    assert!(!answered.document.is_empty());
    assert_eq!(gamma.try_next().await.unwrap(), None);
    until("the bank is not connected", async || {
        Some(api.node_status().await).filter(|status| status.connected_banks.is_empty())
    })
    .await;
}
