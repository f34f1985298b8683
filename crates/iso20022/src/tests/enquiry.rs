//! Enquiries and rejections: what is written, and what is read back.

use proptest::option::of;
use proptest::prelude::*;
use types::{Bic, CategoryPurpose, Text, Timestamp};

use super::status::{bic, rejected, report, text};
use crate::{
    NOT_PROVIDED, Rejection, Status, StatusReport, StatusRequest, Violation, is_rejection, read_admi002,
    read_pacs028, write_admi002, write_pacs028,
};

pub(super) fn request() -> StatusRequest {
    StatusRequest {
        message_id: Text::parse("Q1").unwrap(),
        created_at: report().created_at,
        instructing_agent: None,
        instructed_agent: None,
        original_message_id: Text::parse("M1").unwrap(),
        request_id: Text::parse("R1").ok(),
        original_instruction_id: None,
        original_end_to_end_id: Text::parse("E1").ok(),
        original_transaction_id: Text::parse("T1").unwrap(),
        original_uetr: None,
        acceptance_time: report().acceptance_time,
        category_purpose: None,
        debtor_agent: Bic::parse("SLVOBEBB").unwrap(),
    }
}

#[test]
fn an_enquiry_reads_as_the_scheme_has_it() {
    let expected = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pacs.028.001.03\"><FIToFIPmtStsReq>",
        "<GrpHdr><MsgId>Q1</MsgId><CreDtTm>2026-11-21T10:00:00.48Z</CreDtTm></GrpHdr>",
        "<OrgnlGrpInf><OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>pacs.008</OrgnlMsgNmId></OrgnlGrpInf>",
        "<TxInf><StsReqId>R1</StsReqId><OrgnlEndToEndId>E1</OrgnlEndToEndId><OrgnlTxId>T1</OrgnlTxId>",
        "<AccptncDtTm>2026-11-21T10:00:00.05Z</AccptncDtTm><OrgnlTxRef><PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl>",
        "<LclInstrm><Cd>INST</Cd></LclInstrm></PmtTpInf>",
        "<DbtrAgt><FinInstnId><BICFI>SLVOBEBBXXX</BICFI></FinInstnId></DbtrAgt></OrgnlTxRef></TxInf>",
        "</FIToFIPmtStsReq></Document>",
    );
    assert_eq!(write_pacs028(&request()), expected);
}

#[test]
fn the_original_may_be_named_in_group_or_transaction() {
    let document = write_pacs028(&request());
    let group = "<OrgnlGrpInf><OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>pacs.008</OrgnlMsgNmId></OrgnlGrpInf>";
    let earlier = group.replace("pacs.008", "pacs.008.001.08");
    let after = "</StsReqId>";
    let both = document.replace(after, &format!("{after}{earlier}"));
    assert_eq!(read_pacs028(both.as_bytes()), Ok(request()));
    let moved = document.replace(group, "").replace(after, &format!("{after}{earlier}"));
    assert_eq!(read_pacs028(moved.as_bytes()), Ok(request()));
    let contrary = document.replace(after, &format!("{after}{}", earlier.replace("M1", "M2")));
    assert_eq!(read_pacs028(contrary.as_bytes()).unwrap_err().what, Violation::Rule);
}

#[test]
fn enquiries_without_what_finds_the_original_are_refused() {
    let document = write_pacs028(&request());
    let transaction = &document[document.find("<TxInf>").unwrap()..document.find("</FIToFI").unwrap()];
    for (from, to, what, path) in [
        ("<OrgnlTxId>T1</OrgnlTxId>", "", Violation::Missing, "TxInf/OrgnlTxId"),
        (transaction, "", Violation::Missing, "TxInf/OrgnlTxId"),
        (transaction, &transaction.repeat(2), Violation::Repeated, "TxInf"),
        ("<BICFI>SLVOBEBBXXX</BICFI>", "", Violation::Missing, "TxInf/OrgnlTxRef/DbtrAgt/FinInstnId/BICFI"),
        (">pacs.008<", ">camt.056<", Violation::WrongMessage, "OrgnlGrpInf/OrgnlMsgNmId"),
        (">pacs.008<", ">pacs.008.001.02<", Violation::WrongMessage, "OrgnlGrpInf/OrgnlMsgNmId"),
        (">T1<", "> T1<", Violation::Lexical, "TxInf/OrgnlTxId"),
        ("<CreDtTm>2026", "<CreDtTm>1926", Violation::Lexical, "GrpHdr/CreDtTm"),
    ] {
        assert!(document.contains(from), "{from}");
        let fault = read_pacs028(document.replace(from, to).as_bytes()).unwrap_err();
        assert_eq!((fault.what, fault.path.as_str()), (what, path));
    }
}

#[test]
fn an_unknown_original_is_answered_with_the_references_of_the_question() {
    let status = rejected(types::StatusReason::CreditorAgentOffline);
    let answer = request().answer(report().message_id, report().created_at, status.clone());
    let expected =
        StatusReport { status, status_id: None, original_end_to_end_id: Text::parse("E1").ok(), ..report() };
    assert_eq!(answer, expected);
    let to_a_report =
        StatusReport::on_report(&expected, report().message_id, report().created_at, Status::Accepted);
    assert_eq!(to_a_report, StatusReport { status: Status::Accepted, ..expected });
}

proptest! {
    #[test]
    fn enquiries_come_back_from_their_documents(
        ids in (text(), text(), of(text()), of(text()), of(text()), text()),
        agents in (of(bic()), of(bic()), bic()),
        category_purpose in of(text().prop_map(CategoryPurpose::Proprietary)),
        acceptance_ms in of(0..9_000_000_000_000_i64),
    ) {
        let request = StatusRequest {
            message_id: ids.0,
            instructing_agent: agents.0,
            instructed_agent: agents.1,
            original_message_id: ids.1,
            request_id: ids.2,
            original_instruction_id: ids.3,
            original_end_to_end_id: ids.4,
            original_transaction_id: ids.5,
            acceptance_time: acceptance_ms.and_then(|ms| Timestamp::from_nanoseconds(ms * 1_000_000)),
            category_purpose,
            debtor_agent: agents.2,
            ..request()
        };
        prop_assert_eq!(read_pacs028(write_pacs028(&request).as_bytes()), Ok(request));
    }

    #[test]
    fn rejections_come_back_from_their_documents(
        original_message_id in of(text()),
        reason in text(),
        rejected_ms in 0..9_000_000_000_000_i64,
        texts in (of(text()), of(text())),
    ) {
        let rejected_at = Timestamp::from_nanoseconds(rejected_ms * 1_000_000).unwrap();
        let (location, description) = texts;
        let rejection = Rejection { original_message_id, reason, rejected_at, location, description };
        let document = write_admi002(&rejection);
        prop_assert!(is_rejection(document.as_bytes()));
        let read = read_admi002(document.as_bytes()).unwrap();
        prop_assert_eq!(read.original_message_id, rejection.original_message_id);
        prop_assert_eq!(read.reason, rejection.reason);
        prop_assert_eq!(read.rejected_at, Some(rejection.rejected_at));
        prop_assert_eq!((read.location, read.description), (rejection.location, rejection.description));
    }
}

#[test]
fn a_rejection_of_nothing_in_particular_names_nothing() {
    let rejection = Rejection {
        original_message_id: None,
        reason: Text::parse("X").unwrap(),
        rejected_at: Timestamp::default(),
        location: None,
        description: None,
    };
    let document = write_admi002(&rejection);
    assert!(document.contains(NOT_PROVIDED));
    assert_eq!(read_admi002(document.as_bytes()).unwrap().original_message_id, None);
    let timeless = document.replace("<RjctnDtTm>1970-01-01T00:00:00Z</RjctnDtTm>", "");
    assert_eq!(read_admi002(timeless.as_bytes()).unwrap().rejected_at, None);
    let unnamed = document.replace("<RltdRef><Ref>NOTPROVIDED</Ref></RltdRef>", "");
    let fault = read_admi002(unnamed.as_bytes()).unwrap_err();
    assert_eq!((fault.what, fault.path.as_str()), (Violation::UnexpectedElement, "Rsn"));
    assert!(!is_rejection(super::DOCUMENT.as_bytes()));
}
