//! Each rule of the scheme that a document can break: the reason and the path that its refusal names.

use types::{Bic, StatusReason, Timestamp};

use super::{DOCUMENT, date, edited, read, rules};
use crate::{Pacs008, RefusedOrder, Rules, read_pacs008};

#[track_caller]
fn refused(document: &str) -> RefusedOrder {
    match read(document).expect("the schema has nothing against it") {
        Pacs008::Refused(refused) => *refused,
        Pacs008::Order(_) => panic!("the document keeps all rules"),
    }
}

#[track_caller]
fn check(from: &str, to: &str, path: &str) {
    check_for(StatusReason::InvalidFileFormat, from, to, path);
}

#[track_caller]
fn check_for(reason: StatusReason, from: &str, to: &str, path: &str) {
    let refused = refused(&edited(from, to));
    assert_eq!((refused.reason, refused.path.as_str()), (reason, path));
}

#[track_caller]
fn accepted(from: &str, to: &str) {
    match read(&edited(from, to)).unwrap() {
        Pacs008::Order(_) => {}
        Pacs008::Refused(refused) => panic!("refused at {}", refused.path),
    }
}

#[test]
fn the_document_itself_keeps_all_rules() {
    assert!(matches!(read(DOCUMENT), Ok(Pacs008::Order(_))));
}

#[test]
fn group_header() {
    check("<MsgId>M1<", "<MsgId>M\u{2116}<", "GrpHdr/MsgId");
    check("<MsgId>M1<", "<MsgId>M1 <", "GrpHdr/MsgId");
    check("<NbOfTxs>1<", "<NbOfTxs>2<", "GrpHdr/NbOfTxs");
    check("<NbOfTxs>", "<BtchBookg>true</BtchBookg><NbOfTxs>", "GrpHdr/BtchBookg");
    check("</NbOfTxs>", "</NbOfTxs><CtrlSum>12.34</CtrlSum>", "GrpHdr/CtrlSum");
    check("<CreDtTm>2026", "<CreDtTm>1926", "GrpHdr/CreDtTm");
    accepted("00.12Z</CreDtTm>", "00</CreDtTm>");
    check(r#"<TtlIntrBkSttlmAmt Ccy="EUR">12.34</TtlIntrBkSttlmAmt>"#, "", "GrpHdr/TtlIntrBkSttlmAmt");
    check(
        r#"<TtlIntrBkSttlmAmt Ccy="EUR">12.34"#,
        r#"<TtlIntrBkSttlmAmt Ccy="EUR">12.35"#,
        "GrpHdr/TtlIntrBkSttlmAmt",
    );
    accepted(r#"<TtlIntrBkSttlmAmt Ccy="EUR">12.34"#, r#"<TtlIntrBkSttlmAmt Ccy="EUR"> 0012.34 "#);
    check("<IntrBkSttlmDt>2026-11-21</IntrBkSttlmDt>", "", "GrpHdr/IntrBkSttlmDt");
    check("<IntrBkSttlmDt>2026-11-21<", "<IntrBkSttlmDt>2026-11-22<", "GrpHdr/IntrBkSttlmDt");
    check("<IntrBkSttlmDt>2026-11-21<", "<IntrBkSttlmDt>2026-11-21Z<", "GrpHdr/IntrBkSttlmDt");
}

#[test]
fn settlement_instruction() {
    check(">CLRG<", ">COVE<", "GrpHdr/SttlmInf/SttlmMtd");
    accepted(">CLRG<", ">INGA<");
    let account = "</SttlmMtd><SttlmAcct><Id><IBAN>BE68539007547034</IBAN></Id></SttlmAcct>";
    accepted("</SttlmMtd>", account);
    check("</SttlmMtd>", &account.replace("</Id>", "</Id><Ccy>EUR</Ccy>"), "GrpHdr/SttlmInf/SttlmAcct/Ccy");
    let other = "</SttlmMtd><SttlmAcct><Id><Othr><Id>X</Id><Issr>Y</Issr></Othr></Id></SttlmAcct>";
    check("</SttlmMtd>", other, "GrpHdr/SttlmInf/SttlmAcct/Id/Othr/Issr");
    let reimbursement = "</SttlmMtd><InstgRmbrsmntAgt><FinInstnId><Nm>X</Nm></FinInstnId></InstgRmbrsmntAgt>";
    check("</SttlmMtd>", reimbursement, "GrpHdr/SttlmInf/InstgRmbrsmntAgt");
    check("</SttlmMtd>", "</SttlmMtd><ClrSys><Prtry> X</Prtry></ClrSys>", "GrpHdr/SttlmInf/ClrSys");
}

const PAYMENT_TYPE: &str =
    "<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl><LclInstrm><Cd>INST</Cd></LclInstrm></PmtTpInf>";

#[test]
fn payment_type() {
    check(PAYMENT_TYPE, "", "GrpHdr/PmtTpInf");
    check("<SvcLvl><Cd>SEPA</Cd></SvcLvl>", "", "GrpHdr/PmtTpInf/SvcLvl");
    check("<Cd>SEPA</Cd>", "<Cd>URGP</Cd>", "GrpHdr/PmtTpInf/SvcLvl/Cd");
    check("<Cd>SEPA</Cd>", "<Prtry>SEPA</Prtry>", "GrpHdr/PmtTpInf/SvcLvl/Prtry");
    let twice = "<SvcLvl><Cd>SEPA</Cd></SvcLvl><SvcLvl><Cd>SEPA</Cd></SvcLvl>";
    check("<SvcLvl><Cd>SEPA</Cd></SvcLvl>", twice, "GrpHdr/PmtTpInf/SvcLvl");
    check("<LclInstrm><Cd>INST</Cd></LclInstrm>", "", "GrpHdr/PmtTpInf/LclInstrm");
    check("<Cd>INST</Cd>", "<Cd>TRF</Cd>", "GrpHdr/PmtTpInf/LclInstrm/Cd");
    check("<SvcLvl>", "<InstrPrty>HIGH</InstrPrty><SvcLvl>", "GrpHdr/PmtTpInf/InstrPrty");
    check("<SvcLvl>", "<ClrChanl>RTNS</ClrChanl><SvcLvl>", "GrpHdr/PmtTpInf/ClrChanl");
    check("</LclInstrm>", "</LclInstrm><CtgyPurp><Prtry> </Prtry></CtgyPurp>", "GrpHdr/PmtTpInf/CtgyPurp");
    check("</PmtId>", &format!("</PmtId>{PAYMENT_TYPE}"), "CdtTrfTxInf/PmtTpInf");
    let moved = DOCUMENT.replace(PAYMENT_TYPE, "").replace("</PmtId>", &format!("</PmtId>{PAYMENT_TYPE}"));
    assert!(matches!(read(&moved), Ok(Pacs008::Order(_))));
}

#[test]
fn references() {
    check("<EndToEndId>E1<", "<EndToEndId> E1<", "CdtTrfTxInf/PmtId/EndToEndId");
    check("<EndToEndId>E1<", "<EndToEndId>E_1<", "CdtTrfTxInf/PmtId/EndToEndId");
    check("<EndToEndId>", "<InstrId>é</InstrId><EndToEndId>", "CdtTrfTxInf/PmtId/InstrId");
    check("</TxId>", "</TxId><ClrSysRef>C</ClrSysRef>", "CdtTrfTxInf/PmtId/ClrSysRef");
    accepted("</TxId>", "</TxId><UETR>128551e7-3799-41b3-b82b-f87a59e8345f</UETR>");
}

#[test]
fn amounts() {
    let amount = r#"<IntrBkSttlmAmt Ccy="EUR">12.34</IntrBkSttlmAmt>"#;
    for value in ["0", "0.00", "12.340", "1000000000", "+12.34", ".34", "12."] {
        let edit = amount.replace("12.34", value);
        check(amount, &edit, "CdtTrfTxInf/IntrBkSttlmAmt");
    }
    check(amount, &amount.replace("EUR", "USD"), "CdtTrfTxInf/IntrBkSttlmAmt");
    check(amount, &amount.replace("EUR", "XYZ"), "CdtTrfTxInf/IntrBkSttlmAmt");
    check("<ChrgBr>", r#"<InstdAmt Ccy="USD">1</InstdAmt><ChrgBr>"#, "CdtTrfTxInf/InstdAmt");
    let largest = DOCUMENT.replace("12.34", "999999999.99");
    assert!(matches!(read(&largest), Ok(Pacs008::Order(_))));
}

#[test]
fn times() {
    check("<AccptncDtTm>2026-11-21T10:00:00.05Z</AccptncDtTm>", "", "CdtTrfTxInf/AccptncDtTm");
    check("00.05Z</Acc", "00.05</Acc", "CdtTrfTxInf/AccptncDtTm");
    check("00.05Z</Acc", "00.0512345678Z</Acc", "CdtTrfTxInf/AccptncDtTm");
    check("<AccptncDtTm>2026", "<AccptncDtTm>2269", "CdtTrfTxInf/AccptncDtTm");
    accepted("00.05Z</Acc", "00.051234567-14:00</Acc");
    check(
        "<AccptncDtTm>",
        "<IntrBkSttlmDt>2026-11-21</IntrBkSttlmDt><AccptncDtTm>",
        "CdtTrfTxInf/IntrBkSttlmDt",
    );
    check("<AccptncDtTm>", "<SttlmPrty>URGT</SttlmPrty><AccptncDtTm>", "CdtTrfTxInf/SttlmPrty");
}

#[test]
fn what_the_scheme_leaves_out() {
    for charge_bearer in ["SHAR", "DEBT", "CRED"] {
        check(">SLEV<", &format!(">{charge_bearer}<"), "CdtTrfTxInf/ChrgBr");
    }
    let agent = "<FinInstnId><LEI>9845SOLVOTESTACKER55</LEI></FinInstnId>";
    let account = "<Id><Othr><Id>X</Id></Othr></Id>";
    let before_debtor = [
        ("PrvsInstgAgt1", agent),
        ("IntrmyAgt2", agent),
        ("IntrmyAgt3Acct", account),
        ("InitgPty", "<Nm>X</Nm>"),
    ];
    for (name, inside) in before_debtor {
        check("<Dbtr>", &format!("<{name}>{inside}</{name}><Dbtr>"), &format!("CdtTrfTxInf/{name}"));
    }
    let after_creditor = [
        ("InstrForNxtAgt", "<Cd>PHOA</Cd>"),
        ("RgltryRptg", "<Dtls><Cd>X</Cd></Dtls>"),
        ("Tax", "<SeqNb>1</SeqNb>"),
        ("RltdRmtInf", "<RmtId>X</RmtId>"),
    ];
    for (name, inside) in after_creditor {
        check("<RmtInf>", &format!("<{name}>{inside}</{name}><RmtInf>"), &format!("CdtTrfTxInf/{name}"));
    }
    let foreign = r#"<SplmtryData><Envlp><x:a xmlns:x="urn:x" b="1">1</x:a></Envlp></SplmtryData>"#;
    check("</RmtInf>", &format!("</RmtInf>{foreign}"), "CdtTrfTxInf/SplmtryData");
    check("</CdtTrfTxInf>", &format!("</CdtTrfTxInf>{foreign}"), "SplmtryData");
}

#[test]
fn one_transaction() {
    let transaction = &DOCUMENT[DOCUMENT.find("<CdtTrfTxInf>").unwrap()..DOCUMENT.find("</FIToFI").unwrap()];
    check("</CdtTrfTxInf>", &format!("</CdtTrfTxInf>{transaction}"), "CdtTrfTxInf");
}

#[test]
fn agents() {
    let agent = "<FinInstnId><BICFI>SLVODEFFXXX</BICFI>";
    check(agent, "<FinInstnId><Nm>Bank</Nm>", "CdtTrfTxInf/CdtrAgt/FinInstnId/Nm");
    check(agent, "<FinInstnId>", "CdtTrfTxInf/CdtrAgt/FinInstnId/BICFI");
    check(
        "SLVODEFFXXX</BICFI></FinInstnId>",
        "SLVODEFFXXX</BICFI></FinInstnId><BrnchId><Id>1</Id></BrnchId>",
        "CdtTrfTxInf/CdtrAgt/BrnchId",
    );
    let hop = "<InstgAgt><FinInstnId><BICFI>SLVOBEBB</BICFI></FinInstnId></InstgAgt>";
    accepted("</GrpHdr>", &format!("{hop}</GrpHdr>"));
    accepted("<Dbtr>", &format!("{hop}<Dbtr>"));
    let both = edited("</GrpHdr>", &format!("{hop}</GrpHdr>")).replace("<Dbtr>", &format!("{hop}<Dbtr>"));
    assert_eq!(refused(&both).path, "CdtTrfTxInf/InstgAgt");
}

#[test]
fn accounts() {
    let reason = StatusReason::IncorrectAccountNumber;
    check_for(reason, "BE68539007547034", "BE69539007547034", "CdtTrfTxInf/DbtrAcct/Id/IBAN");
    check_for(reason, "DE89370400440532013000", "DE8937", "CdtTrfTxInf/CdtrAcct/Id/IBAN");
    check_for(reason, "DE89370400440532013000", "DE8937040044053201300a", "CdtTrfTxInf/CdtrAcct/Id/IBAN");
    check("<IBAN>BE68539007547034</IBAN>", "<Othr><Id>1</Id></Othr>", "CdtTrfTxInf/DbtrAcct/Id/Othr");
    check("<DbtrAcct><Id><IBAN>BE68539007547034</IBAN></Id></DbtrAcct>", "", "CdtTrfTxInf/DbtrAcct");
    check("</Id></DbtrAcct>", "</Id><Nm>X</Nm></DbtrAcct>", "CdtTrfTxInf/DbtrAcct/Nm");
    let proxy = |id: &str| format!("</Id><Prxy><Id>{id}</Id></Prxy></CdtrAcct>");
    accepted("</Id></CdtrAcct>", &proxy(&"p".repeat(320)));
    check("</Id></CdtrAcct>", &proxy(&"p".repeat(321)), "CdtTrfTxInf/CdtrAcct/Prxy/Id");
    check(
        "<CdtrAgt>",
        "<DbtrAgtAcct><Id><IBAN>BE68539007547034</IBAN></Id></DbtrAgtAcct><CdtrAgt>",
        "CdtTrfTxInf/DbtrAgtAcct",
    );
}

#[test]
fn parties() {
    check("<Nm>Payer</Nm>", "", "CdtTrfTxInf/Dbtr/Nm");
    check("<Nm>Payee</Nm>", "", "CdtTrfTxInf/Cdtr/Nm");
    check("<Nm>Payee</Nm>", "<Nm>Pay\tee</Nm>", "CdtTrfTxInf/Cdtr/Nm");
    check("</Nm></Dbtr>", "</Nm><CtryOfRes>BE</CtryOfRes></Dbtr>", "CdtTrfTxInf/Dbtr/CtryOfRes");
    check("</Nm></Dbtr>", "</Nm><CtctDtls><Nm>X</Nm></CtctDtls></Dbtr>", "CdtTrfTxInf/Dbtr/CtctDtls");
    let identification = |inside: &str| format!("</Nm><Id>{inside}</Id></Dbtr>");
    let birth = "<DtAndPlcOfBirth><BirthDt>1960-01-01</BirthDt><CityOfBirth>Gent</CityOfBirth>\
        <CtryOfBirth>BE</CtryOfBirth></DtAndPlcOfBirth>";
    let other = "<Othr><Id>1</Id></Othr>";
    for (inside, path) in [
        (format!("<PrvtId>{birth}{other}</PrvtId>"), "PrvtId/Othr"),
        (format!("<PrvtId>{other}{other}</PrvtId>"), "PrvtId/Othr"),
        ("<PrvtId/>".into(), "PrvtId"),
        (format!("<PrvtId>{}</PrvtId>", birth.replace("-01<", "-01Z<")), "PrvtId/DtAndPlcOfBirth/BirthDt"),
        (format!("<OrgId>{other}{other}</OrgId>"), "OrgId/Othr"),
        ("<OrgId><Othr><Id> 1</Id></Othr></OrgId>".into(), "OrgId/Othr/Id"),
    ] {
        check("</Nm></Dbtr>", &identification(&inside), &format!("CdtTrfTxInf/Dbtr/Id/{path}"));
    }
    accepted("</Nm></Dbtr>", &identification(&format!("<PrvtId>{birth}</PrvtId>")));
    accepted("</Nm></Dbtr>", &identification(&format!("<OrgId><AnyBIC>SLVOBEBB</AnyBIC>{other}</OrgId>")));
    let ultimate = "<UltmtDbtr><PstlAdr><TwnNm>Gent</TwnNm><Ctry>BE</Ctry></PstlAdr></UltmtDbtr><Dbtr>";
    check("<Dbtr>", ultimate, "CdtTrfTxInf/UltmtDbtr/PstlAdr");
}

#[test]
fn addresses() {
    let address = |inside: &str| format!("</Nm><PstlAdr>{inside}</PstlAdr></Dbtr>");
    let line = |count: usize| "<AdrLine>Line</AdrLine>".repeat(count);
    let structured = "<TwnNm>Gent</TwnNm><Ctry>BE</Ctry>";
    for lines in 0..=2 {
        accepted("</Nm></Dbtr>", &address(&format!("{structured}{}", line(lines))));
    }
    for (inside, path) in [
        (format!("{structured}{}", line(3)), "AdrLine"),
        ("<TwnNm>Gent</TwnNm>".into(), "Ctry"),
        ("<StrtNm>X</StrtNm><Ctry>BE</Ctry>".into(), "TwnNm"),
        (String::new(), "TwnNm"),
        (format!("<Ctry>BE</Ctry>{}", line(2)), "TwnNm"),
        (format!("<AdrTp><Cd>HOME</Cd></AdrTp>{structured}"), "AdrTp"),
    ] {
        check("</Nm></Dbtr>", &address(&inside), &format!("CdtTrfTxInf/Dbtr/PstlAdr/{path}"));
    }
}

#[test]
fn unstructured_addresses_end_on_a_day() {
    let line = |characters: usize| format!("<AdrLine>{}</AdrLine>", "x".repeat(characters));
    let path = |day: &str, lines: &str| {
        let document =
            edited("</Nm></Dbtr>", &format!("</Nm><PstlAdr><Ctry>BE</Ctry>{lines}</PstlAdr></Dbtr>"));
        let document = document.replace("2026-11-21", day);
        match read_pacs008(document.as_bytes(), &Rules::sct_inst_2025(vec![date(day)])).unwrap() {
            Pacs008::Order(_) => None,
            Pacs008::Refused(refused) => {
                refused.path.strip_prefix("CdtTrfTxInf/Dbtr/PstlAdr/").map(str::to_owned)
            }
        }
    };
    assert_eq!(path("2026-11-14", &line(70).repeat(2)), None);
    assert_eq!(path("2026-11-14", &line(35).repeat(3)), None);
    assert_eq!(path("2026-11-14", &line(36).repeat(3)).as_deref(), Some("AdrLine"));
    assert_eq!(path("2026-11-14", &line(35).repeat(4)).as_deref(), Some("AdrLine"));
    assert_eq!(path("2026-11-14", "").as_deref(), Some("TwnNm"));
    assert_eq!(path("2026-11-15", &line(70).repeat(2)).as_deref(), Some("TwnNm"));
}

#[test]
fn purpose_and_remittance() {
    accepted("<RmtInf>", "<Purp><Cd>SALA</Cd></Purp><RmtInf>");
    check("<RmtInf>", "<Purp><Prtry>X</Prtry></Purp><RmtInf>", "CdtTrfTxInf/Purp/Prtry");
    let text = "<Ustrd>Thanks</Ustrd>";
    check(text, "<Ustrd>a</Ustrd><Ustrd>b</Ustrd>", "CdtTrfTxInf/RmtInf/Ustrd");
    check(text, "<Ustrd>Than\nks</Ustrd>", "CdtTrfTxInf/RmtInf/Ustrd");
    let reference = "<CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry><Issr>ISO</Issr></Tp>\
        <Ref>RF18539007547034</Ref></CdtrRefInf>";
    let structured = |inside: &str| format!("<Strd>{inside}</Strd>");
    accepted(text, &structured(reference));
    check(text, &format!("{text}{}", structured(reference)), "CdtTrfTxInf/RmtInf/Strd");
    check(text, &structured(reference).repeat(2), "CdtTrfTxInf/RmtInf/Strd");
    for (inside, path) in [
        (String::new(), "CdtrRefInf"),
        (format!("<RfrdDocInf><Nb>1</Nb></RfrdDocInf>{reference}"), "RfrdDocInf"),
        (format!("{reference}<AddtlRmtInf>x</AddtlRmtInf>"), "AddtlRmtInf"),
        (reference.replace("SCOR", "RADM"), "CdtrRefInf/Tp/CdOrPrtry/Cd"),
        (reference.replace("<Cd>SCOR</Cd>", "<Prtry>SCOR</Prtry>"), "CdtrRefInf/Tp/CdOrPrtry/Prtry"),
        (reference.replace("<Ref>RF18539007547034</Ref>", ""), "CdtrRefInf/Ref"),
        ("<CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf>".into(), "CdtrRefInf/Tp"),
    ] {
        check(text, &structured(&inside), &format!("CdtTrfTxInf/RmtInf/Strd/{path}"));
    }
}

#[test]
fn of_several_faults_the_one_checked_first_is_named() {
    let document = edited("BE68539007547034", "BE69539007547034").replace("Thanks", "Thanks ");
    assert_eq!(refused(&document).reason, StatusReason::InvalidFileFormat);
    let document = edited(">SLEV<", ">SHAR<").replace("Thanks", "Thanks ");
    assert_eq!(refused(&document).path, "CdtTrfTxInf/ChrgBr");
}

#[test]
fn a_refusal_repeats_what_its_report_needs() {
    let document = edited(">SLEV<", ">SHAR<").replace("<EndToEndId>", "<InstrId>I1</InstrId><EndToEndId>");
    let refused = refused(&document);
    assert_eq!(refused.message_id.as_ref().unwrap().as_str(), "M1");
    assert_eq!(refused.debtor_agent, Bic::parse("SLVOBEBBXXX").unwrap());
    assert_eq!(refused.creditor_agent, Bic::parse("SLVODEFF").ok());
    assert_eq!(refused.transaction_id.as_str(), "T1");
    assert_eq!(refused.end_to_end_id.as_ref().unwrap().as_str(), "E1");
    assert_eq!(refused.instruction_id.as_ref().unwrap().as_str(), "I1");
    assert_eq!(refused.acceptance_time.map(Timestamp::milliseconds), Some(1_795_255_200_050));
    let debug = format!("{refused:?}");
    assert!(debug.starts_with("RefusedOrder(FF01 at CdtTrfTxInf/ChrgBr, body of "), "{debug}");
}

#[test]
fn the_body_of_a_refusal_is_the_instruction_not_the_transport() {
    let document = edited(">SLEV<", ">SHAR<");
    let body = refused(&document).body;
    let dressed = document
        .replace("<MsgId>M1", "<!-- again -->\n<MsgId>M2")
        .replace("<CreDtTm>2026-11-21T10:00:00.12Z", "<CreDtTm>2026-11-21T10:00:04Z")
        .replace("<EndToEndId>", "<InstrId>I1</InstrId><EndToEndId>")
        .replace("<SttlmMtd>CLRG</SttlmMtd>", "<SttlmMtd>INDA</SttlmMtd>")
        .replace("Thanks", "<![CDATA[Than]]>&#107;s")
        .replace("<GrpHdr>", "\r\n  <GrpHdr>")
        .replace("<Dbtr>", "<InstgAgt><FinInstnId><BICFI>SLVOBEBB</BICFI></FinInstnId></InstgAgt><Dbtr>");
    let prefixed = dressed.replace("</", "</p:").replace("xmlns=", "xmlns:p=");
    let mut output = String::new();
    let mut rest = prefixed.as_str();
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at + 1);
        output.push_str(before);
        if !tag.starts_with(['/', '!']) {
            output.push_str("p:");
        }
        rest = tag;
    }
    output.push_str(rest);
    assert_eq!(refused(&output).body, body);
    for (from, to) in [
        ("Thanks", "thanks"),
        ("<EndToEndId>E1", "<EndToEndId>E2"),
        (r#"<IntrBkSttlmAmt Ccy="EUR">"#, r#"<IntrBkSttlmAmt Ccy="USD">"#),
        (">SHAR<", ">DEBT<"),
        ("00.05Z", "00.06Z"),
    ] {
        assert!(document.contains(from), "{from}");
        assert_ne!(refused(&document.replace(from, to)).body, body, "{from}");
    }
}

#[test]
fn more_than_one_date_can_be_current() {
    let mut rules = rules();
    rules.settlement_dates.push(date("2026-11-23"));
    let document = edited("<IntrBkSttlmDt>2026-11-21", "<IntrBkSttlmDt>2026-11-23");
    assert!(matches!(read_pacs008(document.as_bytes(), &rules), Ok(Pacs008::Order(_))));
}

/// Sent again a day later, a document is refused for its date, but as the order that it was.
#[test]
fn a_document_of_yesterday_is_still_the_same_order() {
    let Ok(Pacs008::Order(order)) = read(DOCUMENT) else { panic!("the document is valid") };
    let tomorrow = Rules::sct_inst_2025(vec![date("2026-11-22")]);
    let Ok(Pacs008::Refused(refused)) = read_pacs008(DOCUMENT.as_bytes(), &tomorrow) else {
        panic!("its date is not current")
    };
    assert_eq!(refused.path, "GrpHdr/IntrBkSttlmDt");
    assert_eq!(refused.reason, StatusReason::InvalidFileFormat);
    assert_eq!(refused.order, Some(order));
    let broken = edited(">SLEV<", ">SHAR<");
    let Ok(Pacs008::Refused(refused)) = read_pacs008(broken.as_bytes(), &tomorrow) else { panic!("SHAR") };
    assert_eq!((refused.path.as_str(), refused.order), ("CdtTrfTxInf/ChrgBr", None));
}
