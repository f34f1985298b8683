//! What may stand around a message, and what may not.

use proptest::option::of;
use proptest::prelude::*;
use types::{Bic, Text, Timestamp};

use super::status::{bic, report, text};
use super::{DOCUMENT, rules};
use crate::{
    BusinessMessage, HEADER_1_NAMESPACE, HEADER_NAMESPACE, Header, Message, MessageKind, Pacs008, Violation,
    Wrapper, read_message, read_pacs002, read_pacs008, wrap, write_pacs002,
};

const HEADER: &str = concat!(
    r#"<AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.02">"#,
    "<Fr><FIId><FinInstnId><BICFI>SLVOBEBB</BICFI></FinInstnId></FIId></Fr>",
    "<To><FIId><FinInstnId><BICFI>SLVODEFF</BICFI></FinInstnId></FIId></To>",
    "<BizMsgIdr>B1</BizMsgIdr><MsgDefIdr>pacs.008.001.08</MsgDefIdr><CreDt>2026-11-21T10:00:00Z</CreDt></AppHdr>",
);

fn payload() -> String {
    format!("<RequestPayload>{HEADER}{DOCUMENT}</RequestPayload>")
}

fn envelope() -> String {
    format!(
        "<BizMsgEnvlp xmlns=\"urn:iso:std:iso:20022:tech:xsd:nvlp.001.001.01\"><Hdr>{HEADER}</Hdr>\
         <Doc>{DOCUMENT}</Doc></BizMsgEnvlp>"
    )
}

fn read(document: &str) -> Result<BusinessMessage, crate::SchemaFault> {
    read_message(document.as_bytes(), &rules())
}

#[track_caller]
fn check(document: &str, what: Violation, path: &str) {
    let fault = read(document).expect_err("the document is not taken");
    assert_eq!((fault.what, fault.path.as_str()), (what, path), "{fault}");
}

#[test]
fn the_same_order_comes_in_three_dresses() {
    let Ok(Pacs008::Order(order)) = super::read(DOCUMENT) else { panic!("the document is valid") };
    for (document, wrapper, has_header) in [
        (DOCUMENT.to_owned(), Wrapper::None, false),
        (payload(), Wrapper::RequestPayload, true),
        (envelope(), Wrapper::Envelope, true),
    ] {
        assert_eq!(Wrapper::of(document.as_bytes()), wrapper);
        let read = read(&document).unwrap();
        assert_eq!((read.wrapper, read.header.is_some()), (wrapper, has_header));
        let Message::CreditTransfer(transfer) = read.message else { panic!("the document is valid") };
        assert_eq!((&transfer.order, &transfer.surplus), (&*order, &None));
        let alone = read_pacs008(document.as_bytes(), &rules());
        assert_eq!(alone, Ok(Pacs008::Order(order.clone())));
    }
}

#[test]
fn headers_say_who_and_what() {
    let header = read(&payload()).unwrap().header.unwrap();
    assert_eq!(header.from, Bic::parse("SLVOBEBBXXX").ok());
    assert_eq!(header.to, Bic::parse("SLVODEFF").ok());
    assert_eq!(header.business_message_id.as_str(), "B1");
    assert!(!header.possible_duplicate);
    let earlier = payload().replace(HEADER_NAMESPACE, HEADER_1_NAMESPACE);
    assert_eq!(read(&earlier).unwrap().header, Some(header));
    let organisation = payload().replace(
        "<FIId><FinInstnId><BICFI>SLVOBEBB</BICFI></FinInstnId></FIId>",
        "<OrgId><Id><OrgId><AnyBIC>SLVOBEBB</AnyBIC></OrgId></Id></OrgId>",
    );
    assert_eq!(read(&organisation).unwrap().header.unwrap().from, Bic::parse("SLVOBEBB").ok());
    let signed = payload().replace(
        "</CreDt>",
        "</CreDt><PssblDplct>true</PssblDplct><Sgntr><s:Signature xmlns:s=\"http://www.w3.org/2000/09/xmldsig#\">\
         <s:SignedInfo a=\"b\"/></s:Signature></Sgntr>",
    );
    assert!(read(&signed).unwrap().header.unwrap().possible_duplicate);
    check(&signed.replace("xmldsig#", "other#"), Violation::UnexpectedElement, "AppHdr/Sgntr/Signature");
}

#[test]
fn wrappers_hold_a_header_and_its_document_only() {
    let payload = payload();
    check(&payload.replace(HEADER, ""), Violation::Missing, "AppHdr");
    check(&payload.replace(DOCUMENT, ""), Violation::Missing, "Document");
    check(&payload.replace(HEADER, &HEADER.repeat(2)), Violation::WrongMessage, "");
    check(&payload.replace(DOCUMENT, &DOCUMENT.repeat(2)), Violation::UnexpectedElement, "");
    check(&payload.replace("</Document>", "</Document>x"), Violation::UnexpectedText, "");
    check(&payload.replace("<RequestPayload>", "<RequestPayload a=\"b\">"), Violation::Attribute, "");
    check(&payload.replace("RequestPayload", "Payload"), Violation::WrongMessage, "");
    check(&payload.replace("<RequestPayload>", "<RequestPayload xmlns=\"x\">"), Violation::WrongMessage, "");
    check(
        &payload.replace(">pacs.008.001.08<", ">pacs.008.001.07<"),
        Violation::WrongMessage,
        "AppHdr/MsgDefIdr",
    );
    check(&payload.replace("head.001.001.02", "head.001.001.09"), Violation::Missing, "AppHdr");
    check(
        &payload.replace("<BizMsgIdr>B1</BizMsgIdr>", ""),
        Violation::UnexpectedElement,
        "AppHdr/MsgDefIdr",
    );
    check(
        &payload.replace(">SLVOBEBB<", ">slvobebb<"),
        Violation::Lexical,
        "AppHdr/Fr/FIId/FinInstnId/BICFI",
    );
    check(&envelope().replace("<Doc>", "<Doc><x/>"), Violation::WrongMessage, "");
    check(&envelope().replace("<Hdr>", "<x/><Hdr>"), Violation::Missing, "Hdr");
    check(&envelope().replace("</Doc>", "</Doc><Ref/>"), Violation::UnexpectedElement, "");
}

#[test]
fn a_fault_in_a_wrapped_document_has_the_same_path() {
    let document = payload().replace("<ChrgBr>SLEV</ChrgBr>", "");
    check(&document, Violation::UnexpectedElement, "CdtTrfTxInf/Dbtr");
    let broken = |dress: &str| {
        let read = read(&dress.replace(">SLEV<", ">SHAR<")).unwrap().message;
        let Message::RefusedTransfer(refused) = read else { panic!("SHAR breaks a rule: {read:?}") };
        refused
    };
    let (alone, wrapped) = (broken(DOCUMENT), broken(&payload()));
    assert_eq!((&alone.path, &alone.body), (&wrapped.path, &wrapped.body));
    assert_eq!(broken(&envelope()).body, alone.body);
}

#[test]
fn every_message_is_recognised() {
    let message = |document: String| read(&document).unwrap().message;
    assert!(matches!(message(DOCUMENT.into()), Message::CreditTransfer(_)));
    assert!(matches!(message(write_pacs002(&report())), Message::StatusReport(_)));
    assert_eq!(read_pacs002(DOCUMENT.as_bytes()).unwrap_err().what, Violation::WrongMessage);
    for kind in MessageKind::ALL {
        assert!(kind.namespace().ends_with(kind.name()));
    }
}

fn header() -> impl Strategy<Value = Header> {
    (bic(), bic(), text(), text(), of(text()), 0..9_000_000_000_000_i64, any::<bool>()).prop_map(
        |(from, to, id, name, business_service, created_ms, possible_duplicate)| Header {
            from: Some(from),
            to: Some(to),
            business_message_id: id,
            message_name: name,
            business_service,
            created_at: Timestamp::from_nanoseconds(created_ms * 1_000_000).unwrap(),
            possible_duplicate,
        },
    )
}

proptest! {
    #[test]
    fn headers_come_back_from_their_wrappers(header in header(), wrapper in prop::sample::select(&[Wrapper::RequestPayload, Wrapper::Envelope][..])) {
        let header = Header { message_name: Text::parse(MessageKind::StatusReport.name()).unwrap(), ..header };
        let document = wrap(write_pacs002(&report()), wrapper, &header);
        let expected =
            BusinessMessage { wrapper, header: Some(header), message: Message::StatusReport(Box::new(report())) };
        prop_assert_eq!(read(&document), Ok(expected));
    }
}
