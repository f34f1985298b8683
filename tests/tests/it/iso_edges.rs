//! Documents at the edge: from those who have no business with a payment, with references that are not the payment's,
//! and more of them than there may be.

use client::v1;
use iso20022::{
    Header, LiquidityTransfer, Message, MessageKind, Rejection, Status, StatusReport, StatusRequest, Wrapper,
    read_message, read_pacs002, wrap, write_admi002, write_camt050, write_camt056, write_pacs002,
    write_pacs004, write_pacs028,
};
use ledger::Passage;
use server::ServerLimits;
use tests::secured::Secured;
use tests::{
    ALFA, Api, BETA, Exchange, GAMMA, Kept, Node, World, document, kept, now, order, payment,
    payment_to_remote, sample, until,
};
use types::{Amount, Bic, Currency, PaymentOrder, ReasonCode, Text};

use crate::{calendar, identity, iso_recalls};

fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::parse(text).unwrap()
}

fn bic(text: &str) -> Bic {
    Bic::parse(text).unwrap()
}

fn rejected(code: &str) -> Status {
    let reason = ReasonCode::parse(code).unwrap();
    Status::Rejected { reason, originator: None, additional_information: None }
}

async fn try_submit(
    api: &Api,
    document: Vec<u8>,
) -> Result<v1::Iso20022ServiceSubmitResponse, tonic::Status> {
    let request = v1::Iso20022ServiceSubmitRequest { document, wait_ms: None };
    let answered = api.iso20022().submit(request).await?.into_inner();
    sample(&answered.message_name, &answered.document);
    Ok(answered)
}

async fn submit(api: &Api, document: Vec<u8>) -> v1::Iso20022ServiceSubmitResponse {
    try_submit(api, document).await.unwrap()
}

/// The reason of an admi.002.
fn refusal(document: &[u8]) -> String {
    let rules = iso20022::Rules::sct_inst_2025(Vec::new());
    let Message::Rejection(rejection) = read_message(document, &rules).unwrap().message else {
        panic!("{}", String::from_utf8_lossy(document))
    };
    rejection.reason.as_str().to_owned()
}

/// A report on a payment that is named by its key.
fn report_on(transaction_id: &str, debtor_agent: &str) -> StatusReport {
    StatusReport {
        message_id: text("P-1"),
        created_at: now(),
        instructing_agent: None,
        instructed_agent: None,
        original_message_id: text("NOTPROVIDED"),
        status: Status::Accepted,
        status_id: None,
        original_instruction_id: None,
        original_end_to_end_id: None,
        original_transaction_id: Some(text(transaction_id)),
        original_uetr: None,
        acceptance_time: None,
        category_purpose: None,
        debtor_agent: Some(bic(debtor_agent)),
    }
}

fn enquiry_of(transaction_id: &str, debtor_agent: &str) -> StatusRequest {
    StatusRequest {
        message_id: text("ASK-1"),
        created_at: now(),
        instructing_agent: None,
        instructed_agent: None,
        original_message_id: text("M-1"),
        request_id: None,
        original_instruction_id: None,
        original_end_to_end_id: None,
        original_transaction_id: text(transaction_id),
        original_uetr: None,
        acceptance_time: None,
        category_purpose: None,
        debtor_agent: bic(debtor_agent),
    }
}

fn answer(question: &PaymentOrder, status: Status) -> StatusReport {
    StatusReport::on_order(question, text("ANSWER-1"), now(), status)
}

/// The first element of this name in a document, without its own times and ids.
fn without_its_own(document: &[u8]) -> String {
    let document = String::from_utf8_lossy(document);
    let (_, rest) = document.split_once("</CreDtTm>").expect("a report has a time");
    rest.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_is_answered_by_nothing_whoever_it_is_from() {
    let secured = Secured::start().await;
    World::set_up(&secured.api("operator").await, 0).await;
    let api = secured.api("alfa").await;
    let rejection = Rejection {
        original_message_id: Some(text("X-1")),
        reason: text("NOPE"),
        rejected_at: now(),
        location: None,
        description: None,
    };
    // From a bank for which the caller does not act: anything else would be refused for that.
    let header = Header::new(MessageKind::Rejection, text("R-1"), bic(BETA), bic(ALFA), now());
    let foreign = wrap(write_admi002(&rejection), Wrapper::Envelope, &header).into_bytes();
    assert_eq!(submit(&api, foreign.clone()).await, v1::Iso20022ServiceSubmitResponse::default());
    let mut alfa = Exchange::connect(&api, ALFA).await;
    alfa.send(foreign).await;
    let asked = StatusRequest { acceptance_time: Some(now().minus(minute())), ..enquiry_of("TX-9", ALFA) };
    alfa.send(write_pacs028(&asked).into_bytes()).await;
    assert_eq!(alfa.report().await.status, rejected("AG09"), "the first answer is that to the enquiry");
}

fn minute() -> types::Duration {
    types::Duration::from_seconds(60)
}

/// Whoever is not asked about a payment learns nothing of it, not even whether there is one.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_hears_the_same_of_every_payment() {
    let secured = Secured::start().await;
    World::set_up(&secured.api("operator").await, 0).await;
    let alfa = secured.api("alfa").await;
    let mut order = payment("TX-A", "1.00");
    order.creditor_agent = ALFA.to_owned();
    alfa.submit(&order).await.unwrap();
    let beta = secured.api("beta").await;
    let operator = secured.api("operator").await;
    let mut heard = Vec::new();
    for transaction_id in ["TX-A", "TX-NONE"] {
        // It names nobody: then it is the caller's own bank that answers.
        let unsigned = report_on(transaction_id, ALFA);
        let signed = StatusReport { instructing_agent: Some(bic(BETA)), ..unsigned.clone() };
        for report in [unsigned, signed] {
            let answered = submit(&beta, write_pacs002(&report).into_bytes()).await;
            let told = read_pacs002(&answered.document).unwrap();
            assert_eq!((told.status, answered.outcome), (rejected("AG09"), None));
            heard.push(without_its_own(&answered.document).replace(transaction_id, "TX"));
        }
        let forged = StatusReport { instructing_agent: Some(bic(ALFA)), ..report_on(transaction_id, ALFA) };
        let refused = try_submit(&beta, write_pacs002(&forged).into_bytes()).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::PermissionDenied);
        let asked = write_pacs028(&enquiry_of(transaction_id, ALFA)).into_bytes();
        let refused = try_submit(&beta, asked).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    }
    assert!(heard.iter().all(|told| *told == heard[0]), "{heard:?}");
    let status = operator.node_status().await;
    assert_eq!(status.open_reservation_count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_an_answer_repeats_has_to_be_the_payments() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await.remote_bank().await;
    let mut gamma = Exchange::connect(&api, GAMMA).await;
    let mut paying = payment_to_remote("TX-1", "10.00");
    paying.instruction_id = "INSTR-1".to_owned();
    let paying = api.submit_aside(&paying);
    let question = gamma.question().await;
    let good = answer(&question, Status::Accepted);
    let wrong = [
        StatusReport { original_end_to_end_id: Some(text("ANOTHER")), ..good.clone() },
        StatusReport { original_instruction_id: Some(text("ANOTHER")), ..good.clone() },
        StatusReport { original_uetr: Some(text("8a562c67-ca16-48ba-b074-65581be6f001")), ..good.clone() },
        StatusReport { original_transaction_id: Some(text("ANOTHER")), ..good.clone() },
        StatusReport { acceptance_time: Some(now().minus(minute())), ..good.clone() },
        StatusReport { debtor_agent: Some(bic(BETA)), ..good.clone() },
        StatusReport { original_message_id: text("ANOTHER"), ..good.clone() },
    ];
    for report in wrong {
        gamma.send(write_pacs002(&report).into_bytes()).await;
        assert_eq!(gamma.report().await.status, rejected("AG09"), "{report:?}");
    }
    gamma.send(write_pacs002(&good).into_bytes()).await;
    assert_eq!(gamma.report().await.status, Status::Accepted, "none of them changed anything");
    tests::settled(paying.await.unwrap().unwrap());
}

/// AG09 lets the payer's bank give the money back.
#[tokio::test(flavor = "multi_thread")]
async fn an_enquiry_is_told_never_only_when_that_is_certain() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let ask = async |accepted| {
        let request = StatusRequest { acceptance_time: accepted, ..enquiry_of("TX-1", ALFA) };
        submit(&api, write_pacs028(&request).into_bytes()).await
    };
    let over = ask(Some(now().minus(minute()))).await;
    assert_eq!(read_pacs002(&over.document).unwrap().status, rejected("AG09"));
    for accepted in [None, Some(now())] {
        let open = ask(accepted).await;
        assert_eq!(open.message_name, "admi.002.001.01");
        assert_eq!(refusal(&open.document), "PAYMENT_NOT_FOUND_YET");
    }
    tests::settled(api.submit(&payment("TX-1", "1.00")).await.unwrap());
    assert_eq!(read_pacs002(&ask(None).await.document).unwrap().status, Status::Accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_breaks_a_rule_takes_a_place_like_any_other() {
    let limits = ServerLimits { payments_per_bank: 0, ..ServerLimits::default() };
    let node = Node::with_limits(limits).await;
    let api = node.api().await;
    World::set_up(&api, 1).await;
    let good = String::from_utf8(document(&payment("TX-1", "1.00"))).unwrap();
    let bad = good.replace("<ChrgBr>SLEV<", "<ChrgBr>SHAR<");
    // Neither of a bank of the node nor of another.
    let foreign = bad.replace(&ALFA[..8], "NOBKBEBB");
    for document in [good, bad, foreign] {
        let answered = submit(&api, document.into_bytes()).await;
        assert_eq!(refusal(&answered.document), "QUOTA_EXCEEDED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_again_is_not_kept_again() {
    let node = Node::start().await;
    let api = node.api().await;
    World::set_up(&api, 1).await.remote_bank().await;
    let mut gamma = Exchange::connect(&api, GAMMA).await;
    let paying = api.submit_aside(&payment_to_remote("TX-1", "10.00"));
    let asked = gamma.next().await;
    let question = order(&asked.document);
    gamma.send(write_pacs002(&answer(&question, Status::Accepted)).into_bytes()).await;
    let told = gamma.next().await;
    tests::settled(paying.await.unwrap().unwrap());
    for _ in 0..3 {
        drop(gamma);
        let start = v1::Iso20022ServiceExchangeStart {
            bic: GAMMA.to_owned(),
            last_sequence: Some(asked.sequence),
            incarnation: None,
            with_header: false,
        };
        gamma = Exchange::try_connect(&api, start).await.unwrap();
        assert_eq!(gamma.next().await.document, told.document);
    }
    // What is new is kept, and behind all that went before.
    submit(&api, write_pacs028(&enquiry_of("TX-1", ALFA)).into_bytes()).await;
    let is_report = |kept: &Kept| (kept.passage, &*kept.message) == (Passage::Sent, "pacs.002.001.10");
    let reports = until("the last report is kept", async || {
        let all: Vec<Kept> = kept(node.folder()).into_iter().filter(is_report).collect();
        Some(all).filter(|all| all.len() >= 2)
    });
    let reports = reports.await;
    assert_eq!(reports.iter().filter(|kept| kept.document == told.document).count(), 1);
    assert_eq!(reports.len(), 2);
}

/// A document is no way round the rights. Who sends for a bank does not move its money, and nobody asks back what others
/// have paid, or answers for them.
#[tokio::test(flavor = "multi_thread")]
async fn documents_do_no_more_than_their_sender_may() {
    let secured = Secured::start().await;
    let [alfa, beta] = identity::world(&secured).await;
    calendar::set_years(&secured.api("operator").await).await;
    let instructing = secured.api("instructing").await;
    let denied = async |api: &Api, document: String| {
        let refused = try_submit(api, document.into_bytes()).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    };
    let moved = write_camt050(&LiquidityTransfer {
        message_id: text("LQ-1"),
        created_at: None,
        instruction_id: None,
        end_to_end_id: text("LQ-1"),
        transaction_id: None,
        uetr: None,
        creditor: None,
        creditor_account: text("TBEEURALFABEBBXXX"),
        amount: Amount::parse("1.00", Currency::EUR).unwrap(),
        debtor: None,
        debtor_account: text("PBEEURALFABEBBXXX"),
        settlement_date: None,
    });
    for stranger in [&instructing, &beta] {
        denied(stranger, moved.clone()).await;
    }
    assert_eq!(submit(&alfa, moved.into_bytes()).await.message_name, "camt.025.001.05");

    let paid = document(&payment("TX-1", "10.00"));
    submit(&alfa, paid.clone()).await;
    let request = iso_recalls::recall("RECALL-1", &order(&paid), types::RecallReason::Duplicate);
    denied(&beta, write_camt056(&request)).await;
    let asked = submit(&instructing, write_camt056(&request).into_bytes()).await;
    assert_eq!(asked, v1::Iso20022ServiceSubmitResponse::default());
    let given = iso_recalls::back("RETURN-1", &request);
    denied(&alfa, write_pacs004(&given)).await;
    let own = iso20022::PaymentReturn { instructing_agent: None, ..given.clone() };
    let answered = submit(&alfa, write_pacs004(&own).into_bytes()).await;
    assert_eq!(iso_recalls::told(&answered.document).1, "AG09", "as if nobody had asked");
    let answered = submit(&beta, write_pacs004(&given).into_bytes()).await;
    assert_eq!(iso_recalls::told(&answered.document).1, "ACCP");
}
