//! Status reports and rejections: what is written, and what is read back.

use proptest::option::of;
use proptest::prelude::*;
use types::{Bic, CategoryPurpose, ReasonCode, StatusReason, Text, Timestamp};

use crate::{
    AnyMessage, Message, Originator, Pacs008, Rejection, ReportedMessage, SchemaFault, Status, StatusReport,
    Violation, read_any_message, read_pacs002, read_pacs002_on, write_admi002, write_pacs002,
    write_pacs002_on,
};

pub(super) fn report() -> StatusReport {
    StatusReport {
        message_id: Text::parse("S1").unwrap(),
        created_at: Timestamp::from_nanoseconds(1_795_255_200_480_000_000).unwrap(),
        instructing_agent: None,
        instructed_agent: None,
        original_message_id: Text::parse("M1").unwrap(),
        status: rejected(StatusReason::ClosedAccountNumber),
        status_id: Text::parse("R1").ok(),
        original_instruction_id: None,
        original_end_to_end_id: Text::parse("NOTPROVIDED").ok(),
        original_transaction_id: Text::parse("T1").ok(),
        original_uetr: None,
        acceptance_time: Timestamp::from_nanoseconds(1_795_255_200_050_000_000),
        category_purpose: None,
        debtor_agent: Bic::parse("SLVOBEBB").ok(),
    }
}

pub(super) fn rejected(reason: StatusReason) -> Status {
    Status::Rejected {
        reason: reason.code(),
        originator: Bic::parse("SLVODEFF").ok().map(Originator::Bank),
        additional_information: None,
    }
}

#[test]
fn a_rejection_reads_as_the_scheme_has_it() {
    let expected = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pacs.002.001.10\"><FIToFIPmtStsRpt>",
        "<GrpHdr><MsgId>S1</MsgId><CreDtTm>2026-11-21T10:00:00.48Z</CreDtTm></GrpHdr>",
        "<OrgnlGrpInfAndSts><OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>pacs.008</OrgnlMsgNmId><GrpSts>RJCT</GrpSts>",
        "<StsRsnInf><Orgtr><Id><OrgId><AnyBIC>SLVODEFFXXX</AnyBIC></OrgId></Id></Orgtr>",
        "<Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></OrgnlGrpInfAndSts>",
        "<TxInfAndSts><StsId>R1</StsId><OrgnlEndToEndId>NOTPROVIDED</OrgnlEndToEndId><OrgnlTxId>T1</OrgnlTxId>",
        "<AccptncDtTm>2026-11-21T10:00:00.05Z</AccptncDtTm><OrgnlTxRef><PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl>",
        "<LclInstrm><Cd>INST</Cd></LclInstrm></PmtTpInf>",
        "<DbtrAgt><FinInstnId><BICFI>SLVOBEBBXXX</BICFI></FinInstnId></DbtrAgt></OrgnlTxRef></TxInfAndSts>",
        "</FIToFIPmtStsRpt></Document>",
    );
    assert_eq!(write_pacs002(&report()), expected);
}

#[test]
fn reports_of_other_writers_are_read() {
    let document = write_pacs002(&report())
        .replace("pacs.008<", "pacs.008.001.08<")
        .replace("<GrpSts>RJCT</GrpSts>", "")
        .replace("<AccptncDtTm>", "<TxSts>RJCT</TxSts><AccptncDtTm>")
        .replace("<Id><OrgId><AnyBIC>SLVODEFFXXX</AnyBIC></OrgId></Id>", "<Nm>A customer</Nm>")
        .replace("<OrgnlTxRef>", "<AcctSvcrRef>2026</AcctSvcrRef><OrgnlTxRef>");
    let read = read_pacs002(document.as_bytes()).unwrap();
    let mut expected = report();
    expected.status = Status::Rejected {
        reason: ReasonCode::parse("AC04").unwrap(),
        originator: Text::parse("A customer").ok().map(Originator::Customer),
        additional_information: None,
    };
    assert_eq!(read, expected);
}

#[test]
fn reports_without_what_finds_the_original_are_refused() {
    let document = write_pacs002(&report());
    for (from, to, path) in [
        ("<GrpSts>RJCT</GrpSts>", "", "OrgnlGrpInfAndSts/GrpSts"),
        ("<Rsn><Cd>AC04</Cd></Rsn>", "", "OrgnlGrpInfAndSts/StsRsnInf/Rsn/Cd"),
        ("<OrgnlTxId>T1</OrgnlTxId>", "", "TxInfAndSts/OrgnlTxId"),
        ("RJCT", "ACSC", "OrgnlGrpInfAndSts/GrpSts"),
        ("RJCT", "ACCP", "OrgnlGrpInfAndSts/StsRsnInf/Rsn/Cd"),
        ("pacs.008<", "pacs.008.001.02<", "OrgnlGrpInfAndSts/OrgnlMsgNmId"),
        ("<Cd>AC04</Cd>", "<Prtry>AC04</Prtry>", "OrgnlGrpInfAndSts/StsRsnInf/Rsn/Prtry"),
        (
            "</StsRsnInf>",
            "</StsRsnInf><StsRsnInf><Rsn><Cd>AC06</Cd></Rsn></StsRsnInf>",
            "OrgnlGrpInfAndSts/StsRsnInf/Rsn/Cd",
        ),
        ("<BICFI>SLVOBEBBXXX</BICFI>", "", "TxInfAndSts/OrgnlTxRef/DbtrAgt/FinInstnId/BICFI"),
        ("</TxInfAndSts>", "</TxInfAndSts><TxInfAndSts/>", "TxInfAndSts"),
        ("pacs.008<", "pacs.004<", "OrgnlGrpInfAndSts/OrgnlMsgNmId"),
        ("AC04", "ac04", "OrgnlGrpInfAndSts/StsRsnInf/Rsn/Cd"),
        ("<OrgnlTxRef>", "<TxSts>RJCT</TxSts><OrgnlTxRef>", "TxInfAndSts/TxSts"),
        ("<AccptncDtTm>", "<TxSts>ACCP</TxSts><AccptncDtTm>", "TxInfAndSts/TxSts"),
        (
            "</StsId>",
            "</StsId><OrgnlGrpInf><OrgnlMsgId>M2</OrgnlMsgId><OrgnlMsgNmId>pacs.008</OrgnlMsgNmId></OrgnlGrpInf>",
            "TxInfAndSts/OrgnlGrpInf/OrgnlMsgId",
        ),
    ] {
        assert!(document.contains(from), "{from}");
        let fault = read_pacs002(document.replace(from, to).as_bytes()).unwrap_err();
        assert_eq!(fault.path, path);
    }
    assert_eq!(read_pacs002(super::DOCUMENT.as_bytes()).unwrap_err().what, Violation::WrongMessage);
}

/// A report on what follows a payment is no report on the payment.
#[test]
fn reports_are_told_apart_by_what_they_are_about() {
    for message in ReportedMessage::ALL {
        let document = write_pacs002_on(message, &report());
        assert_eq!(read_pacs002_on(document.as_bytes()), Ok((message, report())));
        let is_payment = message == ReportedMessage::CreditTransfer;
        assert_eq!(read_pacs002(document.as_bytes()).is_ok(), is_payment);
        let any = read_any_message(document.as_bytes(), &super::rules()).unwrap().message;
        let expected = match is_payment {
            true => AnyMessage::Payment(Message::StatusReport(Box::new(report()))),
            false => AnyMessage::ReportOn(message, Box::new(report())),
        };
        assert_eq!(any, expected);
        let versioned = document.replace(message.name(), &format!("{}.001.", message.name()));
        assert_eq!(read_pacs002_on(versioned.as_bytes()).unwrap_err().what, Violation::WrongMessage);
    }
    let two = write_pacs002_on(ReportedMessage::Return, &report()).replace(
        "</StsId>",
        "</StsId><OrgnlGrpInf><OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>camt.056.001.08</OrgnlMsgNmId></OrgnlGrpInf>",
    );
    assert_eq!(read_pacs002_on(two.as_bytes()).unwrap_err().what, Violation::Rule);
}

/// The scheme lets a bank that accepts leave the transaction out.
#[test]
fn a_report_may_name_the_message_only() {
    let expected = StatusReport {
        status: Status::Accepted,
        status_id: None,
        original_end_to_end_id: None,
        original_transaction_id: None,
        acceptance_time: None,
        debtor_agent: None,
        ..report()
    };
    let document = write_pacs002(&expected);
    assert!(!document.contains("TxInfAndSts"), "{document}");
    assert_eq!(read_pacs002(document.as_bytes()), Ok(expected));
}

pub(super) fn text<const MAX: usize>() -> impl Strategy<Value = Text<MAX>> {
    "[A-Za-z0-9&<>']{1,35}".prop_map(|value| Text::parse(&value).unwrap())
}

pub(super) fn bic() -> impl Strategy<Value = Bic> {
    "[A-Z]{6}[A-Z0-9]{2}".prop_map(|code| Bic::parse(&code).unwrap())
}

fn originator() -> impl Strategy<Value = Originator> {
    prop_oneof![bic().prop_map(Originator::Bank), text().prop_map(Originator::Customer)]
}

fn status() -> impl Strategy<Value = Status> {
    let rejected =
        ("[A-Z0-9]{4}", of(originator()), of(text())).prop_map(|(reason, originator, additional)| {
            let reason = ReasonCode::parse(&reason).unwrap();
            Status::Rejected { reason, originator, additional_information: additional }
        });
    prop_oneof![Just(Status::Accepted), rejected]
}

proptest! {
    #[test]
    fn reports_come_back_from_their_documents(
        status in status(),
        ids in (text(), text(), of(text()), of(text()), of(text()), text()),
        agents in (of(bic()), of(bic()), bic()),
        category_purpose in of(text().prop_map(CategoryPurpose::Proprietary)),
        acceptance_ms in of(0..9_000_000_000_000_i64),
    ) {
        let report = StatusReport {
            message_id: ids.0,
            instructing_agent: agents.0,
            instructed_agent: agents.1,
            original_message_id: ids.1,
            status,
            status_id: ids.2,
            original_instruction_id: ids.3,
            original_end_to_end_id: ids.4,
            original_transaction_id: Some(ids.5),
            acceptance_time: acceptance_ms.and_then(|ms| Timestamp::from_nanoseconds(ms * 1_000_000)),
            category_purpose,
            debtor_agent: Some(agents.2),
            ..report()
        };
        prop_assert_eq!(read_pacs002(write_pacs002(&report).as_bytes()), Ok(report));
    }
}

#[test]
fn reports_repeat_the_references_of_an_order() {
    let Ok(Pacs008::Order(order)) = super::read(super::DOCUMENT) else { panic!("the document is valid") };
    let (message_id, created_at) = (report().message_id, report().created_at);
    let accepted = StatusReport::on_order(&order, message_id, created_at, Status::Accepted);
    let expected = StatusReport {
        status: Status::Accepted,
        status_id: None,
        original_end_to_end_id: Text::parse("E1").ok(),
        ..report()
    };
    assert_eq!(accepted, expected);
}

#[test]
fn reports_on_refusals_name_the_element() {
    let document = super::edited(">SLEV<", ">SHAR<").replace("M1<", "M\u{2116}<");
    let Ok(Pacs008::Refused(refused)) = super::read(&document) else { panic!("SHAR breaks a rule") };
    let text = write_pacs002(&StatusReport::on_refusal(
        &refused,
        report().message_id,
        report().created_at,
        Bic::parse("SLVODEFF").ok().map(Originator::Bank),
    ));
    assert!(text.contains("<OrgnlMsgId>NOTPROVIDED</OrgnlMsgId>"), "{text}");
    assert!(text.contains("<Rsn><Cd>FF01</Cd></Rsn><AddtlInf>GrpHdr/MsgId</AddtlInf>"), "{text}");
    assert!(text.contains("<OrgnlTxId>T1</OrgnlTxId>"), "{text}");
}

#[test]
fn rejections_name_the_fault_and_the_original() {
    let document = super::edited("<ChrgBr>SLEV</ChrgBr>", "");
    let fault: SchemaFault = super::read(&document).unwrap_err();
    let at = Timestamp::from_nanoseconds(1_795_255_200_480_000_000).unwrap();
    let expected = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:admi.002.001.01\"><admi.002.001.01>\
         <RltdRef><Ref>M1</Ref></RltdRef><Rsn><RjctgPtyRsn>UNEXPECTED_ELEMENT</RjctgPtyRsn>\
         <RjctnDtTm>2026-11-21T10:00:00.48Z</RjctnDtTm><ErrLctn>CdtTrfTxInf/Dbtr, byte {}</ErrLctn>\
         <RsnDesc>the schema has no such element at this place</RsnDesc></Rsn></admi.002.001.01></Document>",
        fault.offset,
    );
    assert_eq!(write_admi002(&Rejection::of(document.as_bytes(), &fault, at)), expected);
    let unreadable = write_admi002(&Rejection::of(b"garbage", &fault, at));
    assert!(unreadable.contains("<RltdRef><Ref>NOTPROVIDED</Ref></RltdRef>"), "{unreadable}");
}
