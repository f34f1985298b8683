//! Requests to pay and the reports on them: what is written reads back, and what breaks a rule is not taken.

use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use types::{Date, PaymentOrder, StatusReason, Text, Timestamp};

use super::package_stream::follows_table;
use super::round_trip;
use super::status::{bic, text};
use crate::limits::ACTIVATIONS_MAX;
use crate::{
    ActivationReport, ActivationRequest, ActivationStatus, Moment, PAIN013_NAMESPACE, PAIN014_NAMESPACE,
    RequestReport, RequestedPayment, SchemaFault, StatusDetail, Violation, pain013_schema, pain014_schema,
    read_pain013, read_pain014, write_pain013, write_pain014,
};

/// The tables of the messages of this module.
pub(super) fn follows_schema(name: &str, document: &[u8]) -> Result<(), SchemaFault> {
    match name {
        "pain.013.001.07" => follows_table(document, PAIN013_NAMESPACE, &pain013_schema::DOCUMENT),
        "pain.014.001.07" => follows_table(document, PAIN014_NAMESPACE, &pain014_schema::DOCUMENT),
        _ => unreachable!("{name} is read by another module"),
    }
}

/// A request, small enough to be edited by replacing parts of it.
const DOCUMENT: &str = r#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.013.001.07"><CdtrPmtActvtnReq><GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-21T10:00:00Z</CreDtTm><NbOfTxs>1</NbOfTxs><CtrlSum>12.34</CtrlSum><InitgPty><Nm>Power Works</Nm></InitgPty></GrpHdr><PmtInf><PmtInfId>P1</PmtInfId><PmtMtd>TRF</PmtMtd><PmtTpInf><SvcLvl><Cd>SRTP</Cd></SvcLvl></PmtTpInf><ReqdExctnDt><Dt>2026-12-01</Dt></ReqdExctnDt><XpryDt><DtTm>2026-12-05T12:00:00Z</DtTm></XpryDt><PmtCond><AmtModAllwd>false</AmtModAllwd><EarlyPmtAllwd>true</EarlyPmtAllwd><GrntedPmtReqd>false</GrntedPmtReqd></PmtCond><Dbtr><Nm>Payer</Nm></Dbtr><DbtrAcct><Id><IBAN>BE68539007547034</IBAN></Id></DbtrAcct><DbtrAgt><FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId></DbtrAgt><CdtTrfTx><PmtId><EndToEndId>E1</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">12.34</InstdAmt></Amt><ChrgBr>SLEV</ChrgBr><CdtrAgt><FinInstnId><BICFI>SLVODEFFXXX</BICFI></FinInstnId></CdtrAgt><Cdtr><Nm>Payee</Nm></Cdtr><CdtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></CdtrAcct><Purp><Cd>RRTP</Cd></Purp><RltdRmtInf><RmtId>2026/7</RmtId><RmtLctnDtls><Mtd>URID</Mtd><ElctrncAdr>https://payee.example/7</ElctrncAdr></RmtLctnDtls></RltdRmtInf><RmtInf><Ustrd>Invoice 7</Ustrd></RmtInf></CdtTrfTx></PmtInf></CdtrPmtActvtnReq></Document>"#;

fn read_edited(from: &str, to: &str) -> Result<ActivationRequest, SchemaFault> {
    assert!(DOCUMENT.contains(from), "{from} is part of the document");
    read_pain013(DOCUMENT.replacen(from, to, 1).as_bytes())
}

fn instant(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanoseconds(nanoseconds).unwrap()
}

#[test]
fn request_is_read_as_it_is_meant() {
    let request = read_pain013(DOCUMENT.as_bytes()).unwrap();
    assert_eq!(request.message_id.as_str(), "M1");
    let [payment] = request.payments.as_slice() else { panic!("one request") };
    assert_eq!(payment.payment_information_id.as_ref().unwrap().as_str(), "P1");
    assert_eq!(payment.execution, Moment::Date(Date::parse("2026-12-01").unwrap()));
    assert_eq!(payment.expiry.unwrap().instant(), Some(instant(1_796_472_000_000_000_000)));
    assert_eq!(payment.debtor_agent, None);
    assert_eq!(payment.amount.minor_units(), 1234);
    assert_eq!(payment.invoice_number.as_ref().unwrap().as_str(), "2026/7");
    assert_eq!(payment.invoice_link.as_ref().unwrap().as_str(), "https://payee.example/7");
    let again = write_pain013(&request);
    assert_eq!(read_pain013(again.as_bytes()).unwrap(), request);
}

/// One transaction more in the same payment information is one request more to the same payer.
#[test]
fn requests_of_one_payer_are_a_list() {
    let (start, end) = (DOCUMENT.find("<CdtTrfTx>").unwrap(), DOCUMENT.find("</PmtInf>").unwrap());
    let line = &DOCUMENT[start..end];
    let twice = DOCUMENT
        .replacen("<NbOfTxs>1", "<NbOfTxs>2", 1)
        .replacen("<CtrlSum>12.34", "<CtrlSum>24.68", 1)
        .replacen("</PmtInf>", &format!("{}</PmtInf>", line.replace("E1", "E2")), 1);
    let request = read_pain013(twice.as_bytes()).unwrap();
    let ids: Vec<_> = request.payments.iter().map(|payment| payment.end_to_end_id.as_str()).collect();
    assert_eq!(ids, ["E1", "E2"]);
    assert_eq!(request.payments[0].debtor, request.payments[1].debtor);
    let many = DOCUMENT.replacen("</PmtInf>", &format!("{}</PmtInf>", line.repeat(ACTIVATIONS_MAX)), 1);
    let fault = read_pain013(many.as_bytes()).unwrap_err();
    assert_eq!(fault.what, Violation::Limit);
}

#[test]
fn what_breaks_a_rule_is_not_taken() {
    for (from, to, what, path) in [
        ("<NbOfTxs>1", "<NbOfTxs>2", Violation::Totals, "NbOfTxs"),
        ("<NbOfTxs>1", "<NbOfTxs>101", Violation::Limit, "NbOfTxs"),
        ("<CtrlSum>12.34", "<CtrlSum>12.35", Violation::Totals, "CtrlSum"),
        ("<PmtMtd>TRF", "<PmtMtd>CHK", Violation::Rule, "PmtInf/PmtMtd"),
        ("<AmtModAllwd>false", "<AmtModAllwd>true", Violation::Rule, "PmtInf/PmtCond/AmtModAllwd"),
        ("<GrntedPmtReqd>false", "<GrntedPmtReqd>true", Violation::Rule, "PmtInf/PmtCond/GrntedPmtReqd"),
        ("BE68539007547034", "BE68539007547035", Violation::Rule, "PmtInf/DbtrAcct/Id/IBAN"),
        ("DE89370400440532013000", "DE89370400440532013001", Violation::Rule, "CdtrAcct/Id/IBAN"),
        ("Ccy=\"EUR\"", "Ccy=\"USD\"", Violation::Amount, "Amt/InstdAmt"),
        ("<ChrgBr>SLEV", "<ChrgBr>SHAR", Violation::Rule, "ChrgBr"),
        ("<Cd>RRTP", "<Cd>GDDS", Violation::Rule, "Purp/Cd"),
        ("<Mtd>URID", "<Mtd>EMAL", Violation::Rule, "Mtd"),
        ("<EndToEndId>E1", "<EndToEndId>É1", Violation::Rule, "EndToEndId"),
        ("<BICFI>SLVODEFFXXX</BICFI>", "", Violation::Rule, "CdtrAgt"),
        ("<DbtrAcct><Id><IBAN>BE68539007547034</IBAN></Id></DbtrAcct>", "", Violation::Missing, "DbtrAcct"),
        ("<Cdtr><Nm>Payee</Nm></Cdtr>", "", Violation::UnexpectedElement, "CdtrAcct"),
        ("pain.013.001.07", "pain.013.001.08", Violation::WrongMessage, ""),
    ] {
        let fault = read_edited(from, to).unwrap_err();
        assert_eq!(fault.what, what, "{to}: {fault}");
        assert!(fault.path.contains(path), "{to}: {fault}");
    }
}

fn report() -> ActivationReport {
    ActivationReport {
        message_id: Text::parse("R1").unwrap(),
        created_at: instant(1_795_255_200_480_000_000),
        initiating_party: Text::parse("A company & sons").ok(),
        creditor_agent: Some(types::Bic::parse("SLVODEFF").unwrap()),
        original_message_id: Text::parse("M1").unwrap(),
        original_created_at: Some(instant(1_795_255_200_000_000_000)),
        requests: ActivationStatus::ALL.map(request).to_vec(),
    }
}

fn request(status: ActivationStatus) -> RequestReport {
    let detail = StatusDetail {
        reason: StatusReason::ClosedAccountNumber.code(),
        originator: None,
        additional_information: Text::parse("the account is closed").ok(),
    };
    let on = read_pain013(DOCUMENT.as_bytes()).unwrap();
    RequestReport {
        status,
        reason: (status == ActivationStatus::Rejected).then_some(detail),
        request_id: Text::parse("0400131ZF8F55M4VCG00000000000T8").ok(),
        ..RequestReport::on_payment(&on.payments[0])
    }
}

#[test]
fn report_is_about_requests_and_rejects_for_a_reason() {
    let document = write_pain014(&report());
    assert_eq!(document.matches("<OrgnlPmtInfAndSts>").count(), 1, "they are of one payment information");
    assert_eq!(read_pain014(document.as_bytes()).unwrap(), report());
    for (from, to, what) in [
        ("<OrgnlMsgNmId>pain.013.001.07", "<OrgnlMsgNmId>pain.001.001.09", Violation::WrongMessage),
        ("<TxSts>PRES", "<TxSts>XXXX", Violation::Rule),
        ("<Rsn><Cd>AC04</Cd></Rsn>", "", Violation::Missing),
    ] {
        assert!(document.contains(from), "{from}");
        assert_eq!(read_pain014(document.replacen(from, to, 1).as_bytes()).unwrap_err().what, what);
    }
}

/// What an order asks for, as a payee would.
fn requested(
    (order, rest): (PaymentOrder, (bool, Option<Timestamp>, Option<Text<256>>)),
) -> RequestedPayment {
    let (is_named, expiry, invoice_link) = rest;
    RequestedPayment {
        payment_information_id: Some(order.transaction_id.clone()).filter(|_| is_named),
        execution: Moment::Date(Date::parse("2026-11-01").unwrap()),
        expiry: expiry.map(Moment::Time),
        debtor: order.debtor,
        debtor_account: order.debtor_account,
        debtor_agent: Some(order.debtor_agent).filter(|_| is_named),
        ultimate_debtor: order.ultimate_debtor,
        instruction_id: order.instruction_id,
        end_to_end_id: order.end_to_end_id,
        uetr: order.uetr,
        amount: order.amount,
        creditor_agent: order.creditor_agent,
        creditor: order.creditor,
        creditor_account: order.creditor_account,
        ultimate_creditor: order.ultimate_creditor,
        invoice_number: order.message_id,
        invoice_link,
        remittance: order.remittance,
    }
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (0..9_000_000_000_000_i64).prop_map(|ms| instant(ms * 1_000_000))
}

fn any_payment() -> impl Strategy<Value = RequestedPayment> {
    (round_trip::order(), (any::<bool>(), of(any_time()), of(text()))).prop_map(requested)
}

fn any_request() -> impl Strategy<Value = ActivationRequest> {
    let head = ("[A-Za-z0-9]{1,35}", any_time(), of(text()));
    (head, prop::collection::vec(any_payment(), 1..4)).prop_map(|((id, created_at, party), payments)| {
        let message_id = Text::parse(&id).unwrap();
        ActivationRequest { message_id, created_at, initiating_party: party, payments }
    })
}

fn any_report() -> impl Strategy<Value = ActivationReport> {
    let line = (any_payment(), select(&ActivationStatus::ALL[..]), of(any_time()), of(text()), text());
    let line = line.prop_map(|(payment, status, decided_at, servicer_reference, words)| {
        let reason = StatusReason::ClosedAccountNumber.code();
        let detail = StatusDetail { reason, originator: None, additional_information: Some(words) };
        let has_reason = [ActivationStatus::Rejected, ActivationStatus::Presented].contains(&status);
        let reason = has_reason.then_some(detail);
        RequestReport {
            status,
            reason,
            decided_at,
            servicer_reference,
            ..RequestReport::on_payment(&payment)
        }
    });
    let head = (text(), any_time(), of(text()), of(bic()), text(), of(any_time()));
    (head, prop::collection::vec(line, 0..4)).prop_map(|(head, requests)| ActivationReport {
        message_id: head.0,
        created_at: head.1,
        initiating_party: head.2,
        creditor_agent: head.3,
        original_message_id: head.4,
        original_created_at: head.5,
        requests,
    })
}

/// Documents with all attributes, for schema validation.
pub(super) fn samples() -> Vec<(String, String)> {
    let mut samples = vec![
        ("smallest.pain.013.001.07.xml".into(), DOCUMENT.to_owned()),
        ("statuses.pain.014.001.07.xml".into(), write_pain014(&report())),
    ];
    let mut runner = TestRunner::deterministic();
    for number in 0..20 {
        let request = any_request().new_tree(&mut runner).unwrap().current();
        samples.push((format!("request-{number:02}.pain.013.001.07.xml"), write_pain013(&request)));
        let report = any_report().new_tree(&mut runner).unwrap().current();
        samples.push((format!("report-{number:02}.pain.014.001.07.xml"), write_pain014(&report)));
    }
    samples
}

proptest! {
    #[test]
    fn requests_come_back_from_their_documents(request in any_request()) {
        prop_assert_eq!(read_pain013(write_pain013(&request).as_bytes()), Ok(request));
    }

    #[test]
    fn reports_come_back_from_their_documents(report in any_report()) {
        prop_assert_eq!(read_pain014(write_pain014(&report).as_bytes()), Ok(report));
    }

    /// Whatever happens to a document on its way, reading it ends, and what is read follows the schema.
    #[test]
    fn damaged_documents(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        piece in select(&["", "<", "</CdtTrfTx>", "<CdtTrfTx>", "]]>", "&amp;", "<!--", "\0"][..]),
        at in any::<prop::sample::Index>(),
        is_report in any::<bool>(),
    ) {
        let whole = if is_report { write_pain014(&report()) } else { DOCUMENT.to_owned() };
        let mut document = whole.into_bytes();
        for (at, byte) in flips {
            let at = at.index(document.len());
            document[at] = byte;
        }
        let from = at.index(document.len());
        document.splice(from..from, piece.bytes());
        if !is_report && read_pain013(&document).is_ok() {
            prop_assert_eq!(follows_schema("pain.013.001.07", &document), Ok(()));
        }
        if is_report && read_pain014(&document).is_ok() {
            prop_assert_eq!(follows_schema("pain.014.001.07", &document), Ok(()));
        }
    }
}
