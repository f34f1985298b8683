//! Reports on files of orders: what is written, and what is read back.

use std::convert::Infallible;
use std::io;

use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use types::{Amount, ReasonCode, StatusReason, Text, Timestamp};

use super::package::bic;
use super::package_stream::follows_schema;
use super::recall::short;
use super::status::text;
use crate::{
    ControlSum, GroupStatus, LineReport, LineStatus, Originator, PackageReadError, PackageReport,
    PackageReportPart, PackageReportReader, PaymentReport, StatusCount, StatusDetail, Violation,
    write_pain002,
};

fn instant(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanoseconds(nanoseconds).unwrap()
}

fn sum(text: &str) -> Option<ControlSum> {
    ControlSum::parse(text)
}

fn report() -> PackageReport {
    PackageReport {
        message_id: short("R1"),
        created_at: instant(1_795_255_200_480_000_000),
        initiating_party: Text::parse("A company & sons").ok(),
        debtor_agent: bic(),
        original_message_id: short("S-2026-11"),
        original_created_at: Some(instant(1_795_255_200_000_000_000)),
        original_transactions: Some(3),
        original_control_sum: sum("37.02"),
        status: Some(GroupStatus::PartlyAccepted),
        reason: None,
        counts: vec![
            StatusCount { status: LineStatus::Settled, transactions: 1, sum: sum("12.34") },
            StatusCount { status: LineStatus::Rejected, transactions: 1, sum: None },
        ],
    }
}

fn detail() -> StatusDetail {
    StatusDetail {
        reason: StatusReason::IncorrectAccountNumber.code(),
        originator: None,
        additional_information: Text::parse("PmtInf/CdtTrfTxInf/CdtrAcct/Id/IBAN").ok(),
    }
}

fn line(status: LineStatus) -> LineReport {
    LineReport {
        status_id: None,
        original_instruction_id: None,
        original_end_to_end_id: Text::parse("E1").ok(),
        original_uetr: None,
        status,
        reason: (status == LineStatus::Rejected).then(detail),
        acceptance_time: None,
        servicer_reference: None,
        amount: None,
    }
}

fn payment() -> PaymentReport {
    PaymentReport {
        original_id: short("P1"),
        original_transactions: None,
        original_control_sum: None,
        status: None,
        reason: None,
        counts: Vec::new(),
    }
}

fn settled() -> LineReport {
    LineReport {
        status_id: Text::parse("1").ok(),
        acceptance_time: Some(instant(1_795_255_200_050_000_000)),
        servicer_reference: Text::parse("0400131ZF8F55M4VCG00000000000T8").ok(),
        amount: Amount::from_minor_units(1234),
        ..line(LineStatus::Settled)
    }
}

fn parts() -> Vec<PackageReportPart> {
    vec![
        PackageReportPart::Payment(payment()),
        PackageReportPart::Line(settled()),
        PackageReportPart::Line(line(LineStatus::Rejected)),
    ]
}

fn write(report: &PackageReport, parts: &[PackageReportPart]) -> String {
    let mut output = Vec::new();
    write_pain002(report, parts.iter().cloned().map(Ok::<_, Infallible>), &mut output).unwrap();
    String::from_utf8(output).unwrap()
}

fn read(document: &[u8]) -> Result<(PackageReport, Vec<PackageReportPart>), PackageReadError> {
    let mut reader = PackageReportReader::open(document)?;
    let parts = reader.by_ref().collect::<Result<_, _>>()?;
    Ok((reader.report().clone(), parts))
}

/// Reports with all attributes, for schema validation.
pub(super) fn samples() -> Vec<(String, String)> {
    let mut samples = vec![("package.pain.002.001.10.xml".into(), write(&report(), &parts()))];
    for status in GroupStatus::ALL {
        let report = PackageReport { status: Some(status), reason: Some(detail()), ..report() };
        samples.push((format!("group-{}.pain.002.001.10.xml", status.code()), write(&report, &[])));
    }
    let lines = LineStatus::ALL.map(|status| PackageReportPart::Line(line(status)));
    let all = [&[PackageReportPart::Payment(payment())][..], &lines[..]].concat();
    samples.push(("lines.pain.002.001.10.xml".into(), write(&report(), &all)));
    let mut runner = TestRunner::deterministic();
    for number in 0..20 {
        let (report, parts) = any_report().new_tree(&mut runner).unwrap().current();
        samples.push((format!("package-{number:02}.pain.002.001.10.xml"), write(&report, &parts)));
    }
    samples
}

#[test]
fn a_report_reads_as_the_schema_has_it() {
    let expected = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\"><CstmrPmtStsRpt>",
        "<GrpHdr><MsgId>R1</MsgId><CreDtTm>2026-11-21T10:00:00.48Z</CreDtTm>",
        "<InitgPty><Nm>A company &amp; sons</Nm></InitgPty>",
        "<DbtrAgt><FinInstnId><BICFI>SLVOBEBBXXX</BICFI></FinInstnId></DbtrAgt></GrpHdr>",
        "<OrgnlGrpInfAndSts><OrgnlMsgId>S-2026-11</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>",
        "<OrgnlCreDtTm>2026-11-21T10:00:00Z</OrgnlCreDtTm><OrgnlNbOfTxs>3</OrgnlNbOfTxs>",
        "<OrgnlCtrlSum>37.02</OrgnlCtrlSum><GrpSts>PART</GrpSts>",
        "<NbOfTxsPerSts><DtldNbOfTxs>1</DtldNbOfTxs><DtldSts>ACSC</DtldSts>",
        "<DtldCtrlSum>12.34</DtldCtrlSum></NbOfTxsPerSts>",
        "<NbOfTxsPerSts><DtldNbOfTxs>1</DtldNbOfTxs><DtldSts>RJCT</DtldSts></NbOfTxsPerSts>",
        "</OrgnlGrpInfAndSts>",
        "<OrgnlPmtInfAndSts><OrgnlPmtInfId>P1</OrgnlPmtInfId>",
        "<TxInfAndSts><StsId>1</StsId><OrgnlEndToEndId>E1</OrgnlEndToEndId><TxSts>ACSC</TxSts>",
        "<AccptncDtTm>2026-11-21T10:00:00.05Z</AccptncDtTm>",
        "<AcctSvcrRef>0400131ZF8F55M4VCG00000000000T8</AcctSvcrRef>",
        "<OrgnlTxRef><Amt><InstdAmt Ccy=\"EUR\">12.34</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>",
        "<TxInfAndSts><OrgnlEndToEndId>E1</OrgnlEndToEndId><TxSts>RJCT</TxSts>",
        "<StsRsnInf><Rsn><Cd>AC01</Cd></Rsn><AddtlInf>PmtInf/CdtTrfTxInf/CdtrAcct/Id/IBAN</AddtlInf></StsRsnInf>",
        "</TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>",
    );
    assert_eq!(write(&report(), &parts()), expected);
}

/// What was read can be reported at once, whatever is wrong with it.
#[test]
fn reports_repeat_what_they_are_about() {
    let document = super::package::document().replacen("<PmtMtd>TRF", "<PmtMtd>TRA", 1).replacen(
        "<EndToEndId>E1",
        "<EndToEndId>É1",
        1,
    );
    let (header, lines) = super::package::read(document.as_bytes()).unwrap();
    let report = PackageReport::on_package(&header, short("R1"), instant(0));
    assert_eq!((report.original_transactions, report.original_control_sum), (Some(3), sum("37.02")));
    let payment = PaymentReport::on_payment(&lines[0].payment);
    assert_eq!((payment.status, payment.original_id), (Some(GroupStatus::Rejected), short("P1")));
    let refused = LineReport::on_line(&lines[0]);
    assert_eq!((refused.status, &refused.reason), (LineStatus::Rejected, &payment.reason));
    assert_eq!(refused.original_end_to_end_id, Some(short("É1")));
    let detail = refused.reason.unwrap();
    assert_eq!(
        (detail.reason.as_str(), detail.additional_information),
        ("FF01", Some(short("PmtInf/PmtMtd")))
    );
    assert_eq!(PaymentReport::on_payment(&lines[2].payment).status, None);
    let waiting = LineReport::on_line(&lines[2]);
    assert_eq!((waiting.status, waiting.reason), (LineStatus::Pending, None));
    assert_eq!(waiting.amount, Amount::from_minor_units(1234));
}

#[test]
fn a_refused_file_is_told_by_its_fault() {
    for (from, to, code, words) in [
        (
            "<NbOfTxs>3",
            "<NbOfTxs>4",
            "AM18",
            "GrpHdr/NbOfTxs: the number or the sum of the transactions is not the one that is stated (at byte",
        ),
        ("<NbOfTxs>3", "<NbOfTxs>1000001", "AM18", "GrpHdr/NbOfTxs: the document exceeds a limit"),
        ("<CtrlSum>37", "<CtrlSum>38", "AM10", "GrpHdr/CtrlSum: the number or the sum"),
        ("<PmtMtd>TRF", "<PmtMtd>ABC", "FF01", "PmtInf/PmtMtd: the value does not have the form of its type"),
    ] {
        let document = super::package::document().replacen(from, to, 1);
        let Err(PackageReadError::Fault(fault)) = super::package::read(document.as_bytes()) else {
            panic!("{to} is a fault")
        };
        let detail = StatusDetail::on_fault(&fault);
        assert_eq!(detail.reason.as_str(), code);
        let told = detail.additional_information.unwrap();
        assert!(told.as_str().starts_with(words), "{}", told.as_str());
    }
}

#[test]
fn reports_of_other_writers_are_read() {
    let document = write(&report(), &parts())
        .replace("<OrgnlMsgNmId>pain.001.001.09", "<OrgnlMsgNmId>pain.001")
        .replace("</GrpHdr>", "<CdtrAgt><FinInstnId/></CdtrAgt></GrpHdr>\n")
        .replace("</StsRsnInf>", "<AddtlInf>more</AddtlInf></StsRsnInf>")
        .replace("</Amt></OrgnlTxRef>", "</Amt><PmtMtd>TRF</PmtMtd></OrgnlTxRef>");
    assert_eq!(read(document.as_bytes()).unwrap(), (report(), parts()));
    let supplement = "<SplmtryData><Envlp><x xmlns='urn:x'/></Envlp></SplmtryData></CstmrPmtStsRpt>";
    for parts in [parts(), Vec::new()] {
        let document = write(&report(), &parts).replace("</CstmrPmtStsRpt>", supplement);
        assert_eq!(read(document.as_bytes()).unwrap(), (report(), parts));
    }
}

#[test]
fn what_is_no_report_on_orders_is_refused() {
    use Violation::{
        Amount, Limit, Missing, NotWellFormed, Reason, Repeated, Rule, Totals, UnexpectedElement,
        WrongMessage,
    };
    let twice = "<StsRsnInf/><StsRsnInf>";
    let long = "x".repeat(70_000);
    for (from, to, what, path) in [
        ("pain.002.001.10", "pain.002.001.03", WrongMessage, ""),
        (">pain.001.001.09", ">pain.008.001.08", WrongMessage, "OrgnlGrpInfAndSts/OrgnlMsgNmId"),
        ("<GrpSts>PART", "<GrpSts>WHAT", Rule, "OrgnlGrpInfAndSts/GrpSts"),
        ("<TxSts>ACSC", "<TxSts>ACCC", Rule, "OrgnlPmtInfAndSts/TxInfAndSts/TxSts"),
        ("<DtldSts>ACSC", "<DtldSts>ACCC", Rule, "OrgnlGrpInfAndSts/NbOfTxsPerSts/DtldSts"),
        ("<TxSts>ACSC</TxSts>", "", Missing, "OrgnlPmtInfAndSts/TxInfAndSts/TxSts"),
        ("<Rsn><Cd>AC01</Cd></Rsn>", "", Missing, "OrgnlPmtInfAndSts/TxInfAndSts/StsRsnInf/Rsn/Cd"),
        ("<Cd>AC01</Cd>", "<Cd>x</Cd>", Reason, "OrgnlPmtInfAndSts/TxInfAndSts/StsRsnInf/Rsn/Cd"),
        ("<StsRsnInf>", twice, Repeated, "OrgnlPmtInfAndSts/TxInfAndSts/StsRsnInf"),
        ("\"EUR\">12.34", "\"USD\">12.34", Amount, "OrgnlPmtInfAndSts/TxInfAndSts/OrgnlTxRef/Amt/InstdAmt"),
        ("<OrgnlCtrlSum>37.02", "<OrgnlCtrlSum>-37.02", Totals, "OrgnlGrpInfAndSts/OrgnlCtrlSum"),
        ("<DtldNbOfTxs>1", "<DtldNbOfTxs>9999999999", Limit, "OrgnlGrpInfAndSts/NbOfTxsPerSts/DtldNbOfTxs"),
        ("</OrgnlPmtInfAndSts>", "<OrgnlPmtInfId/></OrgnlPmtInfAndSts>", UnexpectedElement, ""),
        ("<OrgnlPmtInfId>", &long, Limit, "OrgnlPmtInfAndSts"),
        ("</Document>", "", NotWellFormed, ""),
    ] {
        let document = write(&report(), &parts());
        assert!(document.contains(from), "{from}");
        match read(document.replacen(from, to, 1).as_bytes()) {
            Err(PackageReadError::Fault(fault)) => {
                assert_eq!(fault.what, what, "{from} -> {to:.40} at {}", fault.path);
                assert!(path.is_empty() || fault.path == path, "{from}: {}", fault.path);
            }
            other => panic!("{from} -> {to:.40}: {other:?}"),
        }
    }
}

#[test]
fn a_report_that_ends_early_is_no_report() {
    let document = write(&report(), &parts());
    for length in 0..document.len() {
        assert!(read(&document.as_bytes()[..length]).is_err(), "{length} bytes");
    }
    let failing = [Err("the outcomes end here")];
    let error = write_pain002(&report(), failing, io::sink()).unwrap_err();
    assert_eq!(error.to_string(), "the parts of the report end early: the outcomes end here");
}

#[test]
#[should_panic(expected = "a line is rejected for a reason")]
fn a_rejection_has_a_reason() {
    let line = LineReport { reason: None, ..line(LineStatus::Rejected) };
    write(&report(), &[PackageReportPart::Payment(payment()), PackageReportPart::Line(line)]);
}

fn any_detail() -> BoxedStrategy<StatusDetail> {
    let originator = of(prop_oneof![
        text().prop_map(Originator::Customer),
        super::status::bic().prop_map(Originator::Bank)
    ]);
    ("[A-Z0-9]{4}", originator, of(text()))
        .prop_map(|(code, originator, additional_information)| StatusDetail {
            reason: ReasonCode::parse(&code).unwrap(),
            originator,
            additional_information,
        })
        .boxed()
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (0..9_000_000_000_000_i64).prop_map(|ms| instant(ms * 1_000_000))
}

fn any_sum() -> impl Strategy<Value = ControlSum> {
    "[0-9]{1,12}(\\.[0-9]{1,5})?".prop_map(|text| ControlSum::parse(&text).unwrap())
}

fn any_counts() -> impl Strategy<Value = Vec<StatusCount>> {
    let count = (select(&LineStatus::ALL[..]), any::<u32>(), of(any_sum()))
        .prop_map(|(status, transactions, sum)| StatusCount { status, transactions, sum });
    prop::collection::vec(count, 0..4)
}

fn any_line() -> impl Strategy<Value = LineReport> {
    let ids = (of(text()), of(text()), of(text()), of(text()), select(&LineStatus::ALL[..]));
    let rest = (any_detail(), any::<bool>(), of(any_time()), of(1..=Amount::MINOR_UNITS_MAX));
    (ids, rest).prop_map(|(ids, (detail, has_reason, acceptance_time, amount))| LineReport {
        status_id: ids.0,
        original_instruction_id: ids.1,
        original_end_to_end_id: ids.2,
        original_uetr: None,
        status: ids.4,
        reason: (has_reason || ids.4 == LineStatus::Rejected).then_some(detail),
        acceptance_time,
        servicer_reference: ids.3,
        amount: amount.and_then(Amount::from_minor_units),
    })
}

fn any_part() -> impl Strategy<Value = Vec<PackageReportPart>> {
    let head = (text(), of(0..1_000_000_000_000_000_u64), of(any_sum()), any_counts());
    let status = (of(select(&GroupStatus::ALL[..])), of(any_detail()));
    (head, status, prop::collection::vec(any_line(), 0..4)).prop_map(|(head, (status, reason), lines)| {
        let payment = PaymentReport {
            original_id: head.0,
            original_transactions: head.1,
            original_control_sum: head.2,
            status,
            reason,
            counts: head.3,
        };
        let lines = lines.into_iter().map(PackageReportPart::Line);
        [PackageReportPart::Payment(payment)].into_iter().chain(lines).collect()
    })
}

fn any_report() -> impl Strategy<Value = (PackageReport, Vec<PackageReportPart>)> {
    let head = (text(), any_time(), of(text()), any::<bool>(), text(), of(any_time()));
    let status = (of(select(&GroupStatus::ALL[..])), of(any_detail()), any_counts(), of(any_sum()));
    (head, status, prop::collection::vec(any_part(), 0..3)).prop_map(|(head, status, parts)| {
        let report = PackageReport {
            message_id: head.0,
            created_at: head.1,
            initiating_party: head.2,
            debtor_agent: bic().filter(|_| head.3),
            original_message_id: head.4,
            original_created_at: head.5,
            original_transactions: None,
            original_control_sum: status.3,
            status: status.0,
            reason: status.1,
            counts: status.2,
        };
        (report, parts.concat())
    })
}

proptest! {
    #[test]
    fn reports_come_back_from_their_documents((report, parts) in any_report()) {
        let document = write(&report, &parts);
        prop_assert_eq!(read(document.as_bytes()).unwrap(), (report, parts));
    }

    /// Whatever happens to a report on its way, reading it ends, and what is read follows the schema.
    #[test]
    fn damaged_reports(
        flips in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        piece in select(&["<", "</TxInfAndSts>", "<TxInfAndSts>", "]]>", "&amp;", "<!--", "\0", "<GrpSts>"][..]),
        at in any::<Index>(),
    ) {
        let mut document = write(&report(), &parts()).into_bytes();
        for (at, byte) in flips {
            let at = at.index(document.len());
            document[at] = byte;
        }
        let from = at.index(document.len());
        document.splice(from..from, piece.bytes());
        if read(&document).is_ok() {
            prop_assert_eq!(follows_schema("pain.002.001.10", &document), Ok(()));
        }
    }
}
