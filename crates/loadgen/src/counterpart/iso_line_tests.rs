//! Documents and messages say the same.

use client::{Client, ConnectOptions, ExchangeOptions};
use iso20022::{read_pacs002, write_pacs008};
use tokio::net::TcpListener;

use super::*;

/// A line whose node never answers.
async fn line() -> IsoLine {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let options = ConnectOptions { connections: 1, ..ConnectOptions::default() };
    let client = Client::connect(&address, options).await.unwrap();
    let bic = Bic::parse("SLVOATWWXXX").unwrap();
    IsoLine::new(bic, 3, IsoExchange::open(&client, ExchangeOptions::new(bic.to_string())))
}

fn response(document: String) -> v1::Iso20022ServiceExchangeResponse {
    v1::Iso20022ServiceExchangeResponse {
        document: document.into_bytes(),
        sequence: 12,
        possible_repeat: true,
        ..Default::default()
    }
}

#[tokio::test]
async fn documents_are_heard_as_questions_and_reports() {
    let mut line = line().await;
    assert!(matches!(line.read(&response(String::new())), Heard::Started(_)));
    let (order, document) = transfer();
    let Heard::Question(question) = line.read(&response(document)) else { panic!("a question") };
    let key = name(order.debtor_agent, &order.transaction_id);
    assert_eq!((question.payment_id.as_str(), question.sequence), (key.as_str(), 12));
    assert!(question.possible_repeat);
    assert!(question.time_left(std::time::SystemTime::now()).is_some());

    for (status, expected, reason) in [
        (Status::Accepted, v1::PaymentStatus::Settled, ""),
        (rejected("AC04"), v1::PaymentStatus::Rejected, "AC04"),
        (rejected("TM01"), v1::PaymentStatus::Expired, "TM01"),
    ] {
        let report = StatusReport::on_order(&order, line.message_id(), now(), status);
        let Heard::Report(report) = line.read(&response(write_pacs002(&report))) else { panic!("a report") };
        let outcome = report.outcome.as_ref().unwrap();
        assert_eq!((outcome.status(), outcome.reason_code.as_str()), (expected, reason));
        assert_eq!((outcome.payment_id.as_str(), report.side()), (key.as_str(), v1::PaymentSide::Creditor));
    }
    let unknown = StatusReport::on_order(&order, line.message_id(), now(), rejected("AG09"));
    let heard = line.read(&response(write_pacs002(&unknown)));
    let Heard::AnswerResult(result) = heard else { panic!("{heard:?}") };
    assert_eq!(result.effect(), v1::AnswerEffect::PaymentUnknown);
    let heard = line.read(&response("<odd/>".to_owned()));
    assert!(matches!(heard, Heard::Report(v1::PaymentReport { outcome: None, .. })));
}

#[tokio::test]
async fn an_unknown_payment_is_like_a_known_one() {
    let mut line = line().await;
    let (order, document) = transfer();
    line.read(&response(document));
    let key = name(order.debtor_agent, &order.transaction_id);
    assert_eq!(line.order(&key).unwrap().transaction_id, order.transaction_id);
    let unknown = line.order(&format!("{key}0")).unwrap();
    assert_ne!(unknown.transaction_id, order.transaction_id);
    let report = StatusReport::on_order(&unknown, line.message_id(), now(), Status::Accepted);
    assert!(read_pacs002(write_pacs002(&report).as_bytes()).is_ok());
    assert!(line.order("TESTBEBBXXX/NOBODYS").is_none());
}

fn rejected(reason: &str) -> Status {
    let reason = ReasonCode::parse(reason).unwrap();
    Status::Rejected { reason, originator: None, additional_information: None }
}

/// A credit transfer of now, as a node forwards one.
fn transfer() -> (PaymentOrder, String) {
    let payment = v1::Payment {
        debtor_agent: "SLVOBEBBXXX".to_owned(),
        transaction_id: "TX-1".to_owned(),
        creditor_agent: "SLVOATWWXXX".to_owned(),
        debtor_account: "BE68539007547034".to_owned(),
        creditor_account: "AT611904300234573201".to_owned(),
        amount: Some(v1::Money { amount: "12.34".to_owned(), currency_code: "EUR".to_owned() }),
        acceptance_time: Some(timestamp(now())),
        end_to_end_id: "NOTPROVIDED".to_owned(),
        debtor: Some(v1::Party { name: "Ines Aerts".to_owned(), ..Default::default() }),
        creditor: Some(v1::Party { name: "Eva Gruber".to_owned(), ..Default::default() }),
        message_id: "M-1".to_owned(),
        created_time: Some(timestamp(now())),
        settlement_date: now().date().to_string(),
        ..Default::default()
    };
    let order = client::convert::order_from_payment(&payment).unwrap();
    let envelope = iso20022::Envelope::of(&order).unwrap();
    let document = write_pacs008(&order, &envelope);
    (order, document)
}
