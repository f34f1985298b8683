//! Profile `pass-through`: what the scheme leaves out is kept, compared and forwarded.

use types::{Date, Text, Timestamp};

use super::{DOCUMENT, date, edited, fixtures};
use crate::limits::SURPLUS_BYTES_MAX;
use crate::{
    CreditTransfer, Envelope, Message, RefusedOrder, Rules, SchemaFault, Violation, forward_pacs008,
    read_message, write_pacs008,
};

fn rules() -> Rules {
    Rules::pass_through(vec![date("2026-11-21")])
}

fn read(document: &str) -> Result<Message, SchemaFault> {
    read_message(document.as_bytes(), &rules()).map(|read| read.message)
}

#[track_caller]
fn transfer(document: &str) -> CreditTransfer {
    let read = read(document).unwrap();
    let Message::CreditTransfer(transfer) = read else { panic!("it does not pass: {read:?}") };
    *transfer
}

#[track_caller]
fn refused(document: &str) -> RefusedOrder {
    let read = read(document).unwrap();
    let Message::RefusedTransfer(refused) = read else { panic!("it passes: {read:?}") };
    *refused
}

/// The next hop, a day later.
fn envelope() -> Envelope {
    let instant = |seconds: i64| Timestamp::from_nanoseconds(seconds * 1_000_000_000).unwrap();
    Envelope {
        message_id: Text::parse("FORWARDED").unwrap(),
        created_at: instant(1_795_255_201),
        settlement_date: Date::parse("2026-11-22").unwrap(),
        acceptance_time: instant(1_795_255_200),
        instructing_agent: types::Bic::parse("SLVOXXLL").ok(),
        instructed_agent: types::Bic::parse("SLVODEFF").ok(),
    }
}

/// One element that the scheme leaves out, in a valid place, for many places.
pub(super) const LEFT_OUT: [(&str, &str); 21] = [
    ("<Ustrd>Thanks</Ustrd>", "<Strd><AddtlRmtInf>text</AddtlRmtInf></Strd>"),
    ("<Ustrd>Thanks</Ustrd>", "<Strd><CdtrRefInf><Ref>R</Ref></CdtrRefInf></Strd>"),
    (
        "<Ustrd>Thanks</Ustrd>",
        "<Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>PUOR</Cd></CdOrPrtry></Tp><Ref>R</Ref></CdtrRefInf></Strd>",
    ),
    (
        "<Ustrd>Thanks</Ustrd>",
        "<Strd><CdtrRefInf><Tp><CdOrPrtry><Prtry>X</Prtry></CdOrPrtry><Issr>I</Issr></Tp></CdtrRefInf></Strd>",
    ),
    ("<NbOfTxs>", "<BtchBookg>false</BtchBookg><NbOfTxs>"),
    ("</NbOfTxs>", "</NbOfTxs><CtrlSum>12.34</CtrlSum>"),
    ("<SvcLvl>", "<InstrPrty>HIGH</InstrPrty><SvcLvl>"),
    ("</TxId>", "</TxId><ClrSysRef>C</ClrSysRef>"),
    (
        "<AccptncDtTm>",
        "<SttlmPrty>URGT</SttlmPrty><SttlmTmReq><TillTm>10:00:00Z</TillTm></SttlmTmReq><AccptncDtTm>",
    ),
    ("<ChrgBr>", r#"<InstdAmt Ccy="USD">13</InstdAmt><XchgRate>1.1</XchgRate><ChrgBr>"#),
    ("<Dbtr>", "<IntrmyAgt1><FinInstnId><BICFI>SLVOFRPP</BICFI></FinInstnId></IntrmyAgt1><Dbtr>"),
    ("<Dbtr>", "<InitgPty><Nm>A &amp; B</Nm></InitgPty><Dbtr>"),
    (
        "<Nm>Payer</Nm>",
        "<Nm>Payer</Nm><CtryOfRes>BE</CtryOfRes><CtctDtls><EmailAdr>a@b</EmailAdr></CtctDtls>",
    ),
    (
        "<Nm>Payer</Nm>",
        "<Nm>Payer</Nm><PstlAdr><AdrTp><Cd>HOME</Cd></AdrTp><AdrLine>Street 1</AdrLine></PstlAdr>",
    ),
    ("<BICFI>SLVOBEBB</BICFI>", "<BICFI>SLVOBEBB</BICFI><LEI>9845SOLVOTESTACKER55</LEI><Nm>Bank</Nm>"),
    ("<Cdtr>", "<CdtrAgtAcct><Id><Othr><Id>1</Id></Othr></Id></CdtrAgtAcct><Cdtr>"),
    (
        "<RmtInf>",
        "<InstrForNxtAgt><InstrInf>x</InstrInf></InstrForNxtAgt><Purp><Prtry>OWN</Prtry></Purp><RmtInf>",
    ),
    (
        "<RmtInf>",
        "<RgltryRptg><Dtls><Cd>X</Cd><Inf>y</Inf></Dtls></RgltryRptg><Tax><SeqNb>1</SeqNb></Tax><RmtInf>",
    ),
    ("</Ustrd>", "</Ustrd><Ustrd>more</Ustrd><Strd><AddtlRmtInf>text</AddtlRmtInf></Strd>"),
    (
        "</RmtInf>",
        "</RmtInf><SplmtryData><PlcAndNm>p</PlcAndNm><Envlp><x:a xmlns:x=\"urn:x\" b=\"1\"><x:b/></x:a></Envlp></SplmtryData>",
    ),
    ("</CdtTrfTxInf>", "</CdtTrfTxInf><SplmtryData><Envlp><a xmlns=\"\">1 &lt; 2</a></Envlp></SplmtryData>"),
];

#[test]
fn a_document_of_the_scheme_has_no_surplus() {
    assert_eq!(transfer(DOCUMENT).surplus, None);
}

#[test]
fn what_is_left_out_is_kept_and_forwarded() {
    let scheme = transfer(DOCUMENT).order;
    for (from, to) in LEFT_OUT {
        let document = edited(from, to);
        let Ok(crate::Pacs008::Refused(_)) = super::read(&document) else {
            panic!("the scheme refuses {to}")
        };
        let read = transfer(&document);
        let surplus = read.surplus.as_ref().unwrap_or_else(|| panic!("{to} is surplus"));
        if !to.contains("<PstlAdr>") && !from.contains("<Ustrd>") {
            assert_eq!(read.order, scheme, "{to}");
        }
        let forwarded = forward_pacs008(document.as_bytes(), &envelope()).unwrap();
        let rules = Rules::pass_through(vec![envelope().settlement_date]);
        let again = read_message(forwarded.as_bytes(), &rules).unwrap();
        let Message::CreditTransfer(again) = again.message else { panic!("{forwarded}") };
        assert_eq!(again.surplus.as_ref(), Some(surplus), "{forwarded}");
        assert_eq!(Envelope::of(&again.order), Some(envelope()));
        let back = forward_pacs008(forwarded.as_bytes(), &Envelope::of(&read.order).unwrap()).unwrap();
        assert_eq!(transfer(&back), read);
    }
}

/// An order that the scheme permits is forwarded the same way from its document and from its fields.
#[test]
fn both_ways_to_forward_agree() {
    let document = edited("BEBB<", "BEBBXXX<");
    let forwarded = forward_pacs008(document.as_bytes(), &envelope()).unwrap();
    assert_eq!(forwarded, write_pacs008(&transfer(DOCUMENT).order, &envelope()));
    let hop = "<InstgAgt><FinInstnId><BICFI>SLVOBEBB</BICFI></FinInstnId></InstgAgt>";
    for (from, to) in [("</GrpHdr>", format!("{hop}</GrpHdr>")), ("<Dbtr>", format!("{hop}<Dbtr>"))] {
        let document = document.replace(from, &to);
        assert_eq!(forward_pacs008(document.as_bytes(), &envelope()).unwrap(), forwarded);
    }
}

#[test]
fn fixtures_are_forwarded_without_loss() {
    let rules = Rules::sct_inst_2025(vec![date("2026-11-23")]);
    for fixture in fixtures::all() {
        let Ok(read) = read_message(&fixture.document, &rules) else { continue };
        let Message::CreditTransfer(transfer) = read.message else { continue };
        let envelope = Envelope::of(&transfer.order).unwrap();
        let forwarded = forward_pacs008(&fixture.document, &envelope).unwrap();
        let again = read_message(forwarded.as_bytes(), &rules).unwrap().message;
        let Message::CreditTransfer(again) = again else { panic!("{}", fixture.name) };
        let written = Envelope { acceptance_time: again.order.acceptance_time.unwrap(), ..envelope };
        assert_eq!(
            again.order,
            types::PaymentOrder {
                created_at: again.order.created_at,
                acceptance_time: Some(written.acceptance_time),
                ..transfer.order
            }
        );
    }
}

/// Settled yesterday and sent again today: the whole body is there to be compared, so that it gets yesterday's answer.
#[test]
fn yesterdays_document_keeps_order_and_surplus() {
    let (from, to) = LEFT_OUT[0];
    let document = edited(from, to);
    let transfer = transfer(&document);
    let late = Rules::pass_through(vec![date("2026-11-22")]);
    let Message::RefusedTransfer(refused) = read_message(document.as_bytes(), &late).unwrap().message else {
        panic!("another day")
    };
    assert_eq!((refused.order.as_deref(), &refused.surplus), (Some(&transfer.order), &transfer.surplus));
}

#[test]
fn another_surplus_is_another_body() {
    let mut bodies = Vec::new();
    for (from, to) in LEFT_OUT {
        let surplus = transfer(&edited(from, to)).surplus.unwrap();
        assert!(!format!("{surplus:?}").contains('<'), "surplus is personal data");
        bodies.push(surplus.body().to_vec());
    }
    bodies
        .push(transfer(&edited("</Ustrd>", "</Ustrd><Ustrd>other</Ustrd>")).surplus.unwrap().body().to_vec());
    let count = bodies.len();
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), count);
}

#[test]
fn the_same_surplus_in_another_dress_is_the_same_body() {
    let plain = edited("</Ustrd>", "</Ustrd><Ustrd>a &amp; b</Ustrd>");
    let dressed = edited("</Ustrd>", "</Ustrd>\n <!-- c --><Ustrd><![CDATA[a & ]]>&#98;</Ustrd>");
    assert_eq!(transfer(&plain), transfer(&dressed));
    let hop = plain.replace(
        "</GrpHdr>",
        "<InstgAgt><FinInstnId><BICFI>SLVOBEBB</BICFI><Nm>B</Nm></FinInstnId></InstgAgt></GrpHdr>",
    );
    assert_eq!(transfer(&hop).surplus, transfer(&plain).surplus, "the hop makes no other order");
}

#[test]
fn foreign_elements_bring_their_namespaces_along() {
    let foreign = "</RmtInf><SplmtryData><Envlp><x:a b=\"x:y\"><c/></x:a></Envlp></SplmtryData>";
    let document =
        edited("</RmtInf>", foreign).replace("<Document ", "<Document xmlns:x='u\"x' xmlns:z=\"urn:z\" ");
    let forwarded = forward_pacs008(document.as_bytes(), &envelope()).unwrap();
    let expected = "<Envlp><x:a xmlns:x=\"u&quot;x\" b=\"x:y\"><c/></x:a></Envlp>";
    assert!(forwarded.contains(expected), "{forwarded}");
    let prefixed = edited("</RmtInf>", "</RmtInf><SplmtryData><Envlp>@</Envlp></SplmtryData>")
        .replace('<', "<p:")
        .replace("<p:/", "</p:")
        .replace("xmlns=", "xmlns:p=")
        .replace('@', "<a><p:b/></a>");
    let forwarded = forward_pacs008(prefixed.as_bytes(), &envelope()).unwrap();
    let namespace = crate::PACS008_NAMESPACE;
    let expected = format!("<Envlp><a xmlns=\"\" xmlns:p=\"{namespace}\"><p:b/></a></Envlp>");
    assert!(forwarded.contains(&expected), "{forwarded}");
}

#[test]
fn money_and_time_follow_the_same_rules() {
    for (from, to, path) in [
        (">SLEV<", ">SHAR<", "CdtTrfTxInf/ChrgBr"),
        (">INST<", ">TRF<", "GrpHdr/PmtTpInf/LclInstrm/Cd"),
        ("</NbOfTxs>", "</NbOfTxs><CtrlSum>12.35</CtrlSum>", "GrpHdr/CtrlSum"),
        ("</NbOfTxs>", "</NbOfTxs><CtrlSum>12.345</CtrlSum>", "GrpHdr/CtrlSum"),
        (
            "<AccptncDtTm>",
            "<IntrBkSttlmDt>2026-11-22</IntrBkSttlmDt><AccptncDtTm>",
            "CdtTrfTxInf/IntrBkSttlmDt",
        ),
        ("<IntrBkSttlmDt>2026-11-21<", "<IntrBkSttlmDt>2026-11-22<", "GrpHdr/IntrBkSttlmDt"),
        ("<IBAN>BE68539007547034</IBAN>", "<Othr><Id>1</Id></Othr>", "CdtTrfTxInf/DbtrAcct/Id/Othr"),
        ("<Nm>Payer</Nm>", "", "CdtTrfTxInf/Dbtr/Nm"),
        ("<BICFI>SLVODEFFXXX</BICFI>", "", "CdtTrfTxInf/CdtrAgt/FinInstnId/BICFI"),
    ] {
        assert_eq!(refused(&edited(from, to)).path, path);
    }
    let transaction = &DOCUMENT[DOCUMENT.find("<CdtTrfTxInf>").unwrap()..DOCUMENT.find("</FIToFI").unwrap()];
    let two = edited("</CdtTrfTxInf>", &format!("</CdtTrfTxInf>{transaction}"));
    assert_eq!(refused(&two).path, "CdtTrfTxInf");
    let date = "<IntrBkSttlmDt>2026-11-21</IntrBkSttlmDt>";
    let moved = DOCUMENT.replace(date, "").replace("<AccptncDtTm>", &format!("{date}<AccptncDtTm>"));
    assert_eq!(transfer(&moved), transfer(DOCUMENT));
}

/// What breaks the schema is not taken, whether or not the scheme would have left it out.
#[test]
fn what_is_left_out_follows_the_schema() {
    for (to, what, path) in [
        (
            "<RgltryRptg><Foo/></RgltryRptg><RmtInf>",
            Violation::UnexpectedElement,
            "CdtTrfTxInf/RgltryRptg/Foo",
        ),
        ("<Tax><SeqNb>x</SeqNb></Tax><RmtInf>", Violation::Lexical, "CdtTrfTxInf/Tax/SeqNb"),
    ] {
        let document = edited("<RmtInf>", to);
        for fault in [read(&document).unwrap_err(), super::read(&document).unwrap_err()] {
            assert_eq!((fault.what, fault.path.as_str()), (what, path));
        }
    }
    let envelope = |inside: &str| {
        edited("</RmtInf>", &format!("</RmtInf><SplmtryData><Envlp>{inside}</Envlp></SplmtryData>"))
    };
    for (inside, what) in [
        ("", Violation::Missing),
        ("text", Violation::UnexpectedText),
        ("<a/><b/>", Violation::UnexpectedElement),
        ("<Document/>", Violation::UnexpectedElement),
        ("<a xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:type=\"b\"/>", Violation::Attribute),
    ] {
        assert_eq!(read(&envelope(inside)).unwrap_err().what, what, "{inside}");
    }
}

#[test]
fn surplus_is_limited() {
    let text = |length: usize| {
        let texts = format!("<Ustrd>{}</Ustrd>", "x".repeat(140)).repeat(length / 155);
        edited("</Ustrd>", &format!("</Ustrd>{texts}"))
    };
    transfer(&text(SURPLUS_BYTES_MAX / 2));
    let fault = read(&text(SURPLUS_BYTES_MAX * 3 / 2)).unwrap_err();
    assert_eq!((fault.what, fault.path.as_str()), (Violation::Limit, "CdtTrfTxInf/RmtInf"));
}

#[test]
#[should_panic(expected = "pass-through")]
fn an_order_alone_is_not_what_passed_through() {
    let _ = crate::read_pacs008(DOCUMENT.as_bytes(), &rules());
}
