//! Files of orders: what is written and read back, and which faults are a line's and which the file's.

use std::convert::Infallible;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use proptest::option::of;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use types::{Bic, PaymentOrder, StatusReason, Text, Timestamp};

use super::recall::{order, short};
use super::round_trip;
use crate::{
    ControlSum, LineCompletion, LineRefusal, Moment, PackageHeader, PackageLine, PackageOrder,
    PackageReadError, PackageReader, PackageTotals, PackageWriteError, PaymentInformation, PaymentTerms,
    Violation, write_pain001,
};

fn instant() -> Timestamp {
    Timestamp::from_nanoseconds(1_795_255_200_480_000_000).unwrap()
}

fn terms(order: &PaymentOrder) -> PaymentTerms {
    PaymentTerms {
        batch_booking: None,
        is_instant: true,
        category_purpose: order.category_purpose.clone(),
        execution: Moment::Date(super::date("2026-11-27")),
        debtor: order.debtor.clone(),
        debtor_account: order.debtor_account,
        debtor_proxy: order.debtor_proxy.clone(),
        debtor_agent: Some(order.debtor_agent),
        ultimate_debtor: order.ultimate_debtor.clone(),
    }
}

fn payment(number: u32, order: &PaymentOrder) -> Arc<PaymentInformation> {
    Arc::new(PaymentInformation {
        number,
        id: short(&format!("P{number}")),
        transactions: None,
        control_sum: None,
        terms: Ok(terms(order)),
    })
}

fn line(number: u32, payment: &Arc<PaymentInformation>, order: &PaymentOrder) -> PackageLine {
    PackageLine {
        number,
        payment: Arc::clone(payment),
        instruction_id: order.instruction_id.clone(),
        end_to_end_id: Some(order.end_to_end_id.clone()),
        uetr: order.uetr.clone(),
        order: Ok(Box::new(PackageOrder {
            is_instant: false,
            category_purpose: None,
            amount: order.amount,
            ultimate_debtor: None,
            creditor_agent: Some(order.creditor_agent),
            creditor: order.creditor.clone(),
            creditor_account: order.creditor_account,
            creditor_proxy: order.creditor_proxy.clone(),
            ultimate_creditor: order.ultimate_creditor.clone(),
            purpose: order.purpose.clone(),
            remittance: order.remittance.clone(),
        })),
    }
}

/// Three lines in two payment informations.
fn lines() -> Vec<PackageLine> {
    let (first, second) = (payment(1, &order()), payment(2, &order()));
    vec![line(1, &first, &order()), line(2, &first, &order()), line(3, &second, &order())]
}

fn totals_of(lines: &[PackageLine]) -> PackageTotals {
    lines.iter().fold(PackageTotals::default(), |totals, line| {
        totals.with(ControlSum::of(line.order.as_ref().unwrap().amount)).unwrap()
    })
}

fn header(lines: &[PackageLine]) -> PackageHeader {
    PackageHeader {
        message_id: short("S-2026-11"),
        created_at: instant(),
        transactions: totals_of(lines).transactions,
        control_sum: Some(totals_of(lines).sum),
        initiating_party: Text::parse("A company & sons").ok(),
    }
}

fn write(header: &PackageHeader, lines: &[PackageLine]) -> Result<String, PackageWriteError<Infallible>> {
    let mut output = Vec::new();
    write_pain001(header, lines.iter().cloned().map(Ok), &mut output)?;
    Ok(String::from_utf8(output).unwrap())
}

pub(super) fn document() -> String {
    write(&header(&lines()), &lines()).unwrap()
}

pub(super) fn read(document: &[u8]) -> Result<(PackageHeader, Vec<PackageLine>), PackageReadError> {
    let mut reader = PackageReader::open(document)?;
    let lines: Vec<_> = reader.by_ref().collect::<Result<_, _>>()?;
    assert!(reader.next().is_none(), "a reader that has ended stays so");
    assert_eq!(usize::try_from(reader.totals().transactions), Ok(lines.len()));
    assert_eq!(usize::try_from(reader.bytes_read()), Ok(document.len()));
    Ok((reader.header().clone(), lines))
}

/// Files with all attributes, for schema validation.
pub(super) fn samples() -> Vec<(String, String)> {
    let mut samples = vec![("package.pain.001.001.09.xml".into(), document())];
    let mut runner = TestRunner::deterministic();
    for number in 0..20 {
        let lines = package().new_tree(&mut runner).unwrap().current();
        let document = write(&header(&lines), &lines).unwrap();
        samples.push((format!("package-{number:02}.pain.001.001.09.xml"), document));
    }
    samples
}

#[test]
fn a_file_reads_as_the_schema_has_it() {
    let lines = &lines()[..1];
    let expected = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\"><CstmrCdtTrfInitn>",
        "<GrpHdr><MsgId>S-2026-11</MsgId><CreDtTm>2026-11-21T10:00:00.48Z</CreDtTm><NbOfTxs>1</NbOfTxs>",
        "<CtrlSum>12.34</CtrlSum><InitgPty><Nm>A company &amp; sons</Nm></InitgPty></GrpHdr>",
        "<PmtInf><PmtInfId>P1</PmtInfId><PmtMtd>TRF</PmtMtd>",
        "<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl><LclInstrm><Cd>INST</Cd></LclInstrm></PmtTpInf>",
        "<ReqdExctnDt><Dt>2026-11-27</Dt></ReqdExctnDt><Dbtr><Nm>Payer</Nm></Dbtr>",
        "<DbtrAcct><Id><IBAN>BE68539007547034</IBAN></Id></DbtrAcct>",
        "<DbtrAgt><FinInstnId><BICFI>SLVOBEBBXXX</BICFI></FinInstnId></DbtrAgt><ChrgBr>SLEV</ChrgBr>",
        "<CdtTrfTxInf><PmtId><EndToEndId>E1</EndToEndId></PmtId>",
        "<Amt><InstdAmt Ccy=\"EUR\">12.34</InstdAmt></Amt>",
        "<CdtrAgt><FinInstnId><BICFI>SLVODEFFXXX</BICFI></FinInstnId></CdtrAgt><Cdtr><Nm>Payee</Nm></Cdtr>",
        "<CdtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></CdtrAcct>",
        "<RmtInf><Ustrd>Thanks</Ustrd></RmtInf></CdtTrfTxInf></PmtInf></CstmrCdtTrfInitn></Document>",
    );
    assert_eq!(write(&header(lines), lines).unwrap(), expected);
}

#[test]
fn a_line_becomes_the_order_that_its_bank_hands_in() {
    let completion = LineCompletion {
        transaction_id: order().transaction_id,
        debtor_agent: order().debtor_agent,
        creditor_agent: order().creditor_agent,
    };
    let (_, lines) = read(document().as_bytes()).unwrap();
    assert!(lines[0].is_instant());
    let read = lines[0].clone().into_payment_order(completion.clone()).unwrap();
    let expected = PaymentOrder {
        message_id: None,
        created_at: None,
        settlement_date: None,
        acceptance_time: None,
        ..order()
    };
    assert_eq!(read, expected);
    let refusal = LineRefusal { reason: StatusReason::InvalidFileFormat, path: "PmtInf/PmtMtd".into() };
    let refused = PaymentInformation { terms: Err(refusal.clone()), ..(*lines[0].payment).clone() };
    let refused = PackageLine { payment: Arc::new(refused), ..lines[0].clone() };
    assert!(!refused.is_instant());
    assert_eq!(refused.into_payment_order(completion), Err(refusal.clone()));
    assert_eq!(refusal.to_string(), "PmtInf/PmtMtd: FF01");
}

#[test]
fn files_of_other_writers_are_read() {
    let document = document()
        .replace("xmlns=", "xmlns:c='urn:c' xmlns:p=")
        .replace("<Document", "<!-- a file -->\n<p:Document")
        .replace("</", "</p:")
        .replace("<CdtTrfTxInf>", "\n <!-- > \" <p:CdtTrfTxInf> -->\r\n <CdtTrfTxInf >")
        .replace("<Nm>Payee</Nm>", "<Nm><![CDATA[Pay]]>&#101;<![CDATA[e]]></Nm>")
        .replace(
            "</p:CstmrCdtTrfInitn>",
            "<SplmtryData><p:Envlp><c:x a='>'/></p:Envlp></p:SplmtryData></p:CstmrCdtTrfInitn>",
        );
    let mut prefixed = String::new();
    for (number, piece) in document.split('<').enumerate() {
        let is_name = piece.starts_with(|first: char| first.is_ascii_uppercase());
        prefixed.push_str(match (number, is_name) {
            (0, _) => "",
            (_, true) => "<p:",
            (_, false) => "<",
        });
        prefixed.push_str(piece);
    }
    prefixed.push_str("\n<!-- the end -->\n");
    assert_eq!(read(prefixed.as_bytes()).unwrap(), (header(&lines()), lines()), "{prefixed}");
}

/// Whatever the pieces in which a file comes, it is the same.
#[test]
fn files_come_in_pieces_of_any_length() {
    for capacity in [1, 2, 3, 7, 64, 1000] {
        let document = document();
        let mut reader =
            PackageReader::open(BufReader::with_capacity(capacity, document.as_bytes())).unwrap();
        let read: Result<Vec<_>, _> = reader.by_ref().collect();
        assert_eq!(read.unwrap(), lines());
    }
}

/// [`document`] with one part of its second line replaced.
#[track_caller]
fn second_line(from: &str, to: &str) -> String {
    let document = document();
    let line = document.match_indices("<CdtTrfTxInf>").nth(1).unwrap().0;
    let (before, behind) = document.split_at(line);
    assert!(behind.contains(from), "{from} is part of the line");
    format!("{before}{}", behind.replacen(from, to, 1))
}

/// One line can't be paid, the others can.
#[test]
fn a_faulty_line_refuses_itself() {
    use StatusReason::{IncorrectAccountNumber, InvalidFileFormat, NotAllowedCurrency};
    let long = format!("<Nm>{}</Nm>", "x".repeat(141));
    let equivalent = "<EqvtAmt><Amt Ccy=\"USD\">12.34</Amt><CcyOfTrf>EUR</CcyOfTrf></EqvtAmt>";
    let purpose = "<PmtTpInf><SvcLvl><Cd>URGP</Cd></SvcLvl></PmtTpInf><Amt>";
    for (from, to, reason, path) in [
        ("Ccy=\"EUR\"", "Ccy=\"USD\"", NotAllowedCurrency, "Amt/InstdAmt"),
        ("<InstdAmt Ccy=\"EUR\">12.34</InstdAmt>", equivalent, InvalidFileFormat, "Amt/EqvtAmt"),
        ("<Nm>Payee</Nm>", "", InvalidFileFormat, "Cdtr/Nm"),
        ("<Cdtr><Nm>Payee</Nm></Cdtr>", "", InvalidFileFormat, "Cdtr"),
        ("<Nm>Payee</Nm>", &long, InvalidFileFormat, "Cdtr/Nm"),
        ("<Nm>Payee</Nm>", "<Name>Payee</Name>", InvalidFileFormat, "Cdtr/Name"),
        ("DE89370400440532013000", "DE88370400440532013000", IncorrectAccountNumber, "CdtrAcct/Id/IBAN"),
        ("<EndToEndId>E1", "<EndToEndId>É1", InvalidFileFormat, "PmtId/EndToEndId"),
        ("<Amt>", purpose, InvalidFileFormat, "PmtTpInf/SvcLvl/Cd"),
        ("<CdtrAgt>", "<ChrgBr>SHAR</ChrgBr><CdtrAgt>", InvalidFileFormat, "ChrgBr"),
        ("<RmtInf>", "<InstrForDbtrAgt>now</InstrForDbtrAgt><RmtInf>", InvalidFileFormat, "InstrForDbtrAgt"),
        ("<RmtInf>", "text<RmtInf>", InvalidFileFormat, ""),
        ("<Ustrd>Thanks</Ustrd>", "<Ustrd>1</Ustrd><Ustrd>2</Ustrd>", InvalidFileFormat, "RmtInf/Ustrd"),
    ] {
        let (_, read) = read(second_line(from, to).as_bytes()).unwrap();
        let refusal = read[1].order.as_ref().unwrap_err();
        let below = if path.is_empty() { String::new() } else { format!("/{path}") };
        assert_eq!((refusal.reason, &refusal.path), (reason, &format!("PmtInf/CdtTrfTxInf{below}")), "{to}");
        assert!(read[1].end_to_end_id.is_some(), "{to}");
        assert_eq!((&read[0], &read[2]), (&lines()[0], &lines()[2]), "{to}");
    }
}

/// What a line is called, and what it comes to, is found even where its schema is broken before.
#[test]
fn a_line_that_breaks_its_schema_is_reported_and_counted() {
    let (_, lines) =
        read(second_line("<PmtId>", "<x>1</x><PmtId><InstrId>I 2</InstrId>").as_bytes()).unwrap();
    assert_eq!(lines[1].order.as_ref().unwrap_err().path, "PmtInf/CdtTrfTxInf/x");
    assert_eq!(lines[1].instruction_id, Some(short("I 2")));
    assert_eq!(lines[1].end_to_end_id, Some(short("E1")));
    let fault = fault(&second_line("<PmtId>", "<x><PmtId>"));
    assert_eq!(fault.what, Violation::NotWellFormed);
}

#[test]
fn a_payment_information_that_breaks_a_rule_refuses_its_lines() {
    use StatusReason::{InvalidDebtorAccountNumber, InvalidFileFormat};
    for (from, to, reason, path) in [
        ("<PmtMtd>TRF", "<PmtMtd>TRA", InvalidFileFormat, "PmtMtd"),
        ("<Cd>SEPA", "<Cd>NURG", InvalidFileFormat, "PmtTpInf/SvcLvl/Cd"),
        ("<Cd>INST</Cd>", "<Prtry>INST</Prtry>", InvalidFileFormat, "PmtTpInf/LclInstrm/Prtry"),
        ("<Dt>2026-11-27</Dt>", "<DtTm>2026-11-27T09:00:00</DtTm>", InvalidFileFormat, "ReqdExctnDt/DtTm"),
        ("<Dt>2026-11-27", "<Dt>2026-11-27Z", InvalidFileFormat, "ReqdExctnDt/Dt"),
        ("<Nm>Payer</Nm>", "", InvalidFileFormat, "Dbtr/Nm"),
        ("BE68539007547034", "BE67539007547034", InvalidDebtorAccountNumber, "DbtrAcct/Id/IBAN"),
        ("SLEV", "DEBT", InvalidFileFormat, "ChrgBr"),
    ] {
        let document = document().replacen(from, to, 1);
        let (_, read) = read(document.as_bytes()).unwrap();
        let refusal = LineRefusal { reason, path: format!("PmtInf/{path}") };
        assert_eq!(read[0].order, Err(refusal.clone()), "{to}");
        assert_eq!(read[1].order, Err(refusal), "{to}");
        assert_eq!(read[2], lines()[2], "{to}");
    }
}

#[test]
fn what_only_concerns_the_bank_is_passed_over() {
    let document = document()
        .replacen("<NbOfTxs>", "<Authstn><Cd>AUTH</Cd></Authstn><NbOfTxs>", 1)
        .replace("<PmtTpInf>", "<BtchBookg>1</BtchBookg><PmtTpInf><InstrPrty>HIGH</InstrPrty>")
        .replace("</Id></DbtrAcct>", "</Id><Tp><Cd>CACC</Cd></Tp><Ccy>EUR</Ccy></DbtrAcct>")
        .replace("<BICFI>SLVOBEBBXXX</BICFI>", "<Othr><Id>NOTPROVIDED</Id></Othr>")
        .replace("<CdtrAgt><FinInstnId><BICFI>SLVODEFFXXX</BICFI></FinInstnId></CdtrAgt>", "")
        .replace("<Dt>2026-11-27</Dt>", "<DtTm>2026-11-27T09:00:00+01:00</DtTm>");
    let (_, lines) = read(document.as_bytes()).unwrap();
    let terms = lines[0].payment.terms.as_ref().unwrap();
    assert_eq!((terms.batch_booking, terms.debtor_agent), (Some(true), None));
    let Moment::Time(time) = terms.execution else { panic!("an instant is asked for") };
    assert_eq!(time.to_string(), "2026-11-27T08:00:00Z");
    assert_eq!(terms.execution_date(), super::date("2026-11-27"));
    assert_eq!(lines[0].order.as_ref().unwrap().creditor_agent, None);
}

#[track_caller]
fn fault(document: &str) -> crate::SchemaFault {
    match read(document.as_bytes()) {
        Err(PackageReadError::Fault(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

/// What makes the whole doubtful ends it, and says where.
#[test]
fn a_faulty_file_is_refused() {
    use Violation::{
        ForbiddenMarkup, Lexical, Limit, Missing, NotWellFormed, Repeated, Rule, Totals, UnexpectedElement,
        UnexpectedText, WrongMessage,
    };
    let supplement = "<SplmtryData><Envlp><x/></Envlp></SplmtryData>";
    let early = format!("</PmtInf>{supplement}<PmtInf>");
    for (from, to, what, path) in [
        ("pain.001.001.09", "pain.001.001.03", WrongMessage, ""),
        ("CstmrCdtTrfInitn>", "CstmrPmtRvsl>", UnexpectedElement, "Document/CstmrPmtRvsl"),
        ("<Document", "<!DOCTYPE x [<!ENTITY y \"z\">]><Document", ForbiddenMarkup, ""),
        ("Thanks", "&y;", ForbiddenMarkup, "PmtInf/CdtTrfTxInf/RmtInf/Ustrd"),
        ("<Ustrd>", "<?php ?><Ustrd>", ForbiddenMarkup, "PmtInf/CdtTrfTxInf"),
        ("<MsgId>S-2026-11</MsgId>", "", UnexpectedElement, "GrpHdr/CreDtTm"),
        ("S-2026-11", "Sé", Rule, "GrpHdr/MsgId"),
        ("<NbOfTxs>3", "<NbOfTxs>4", Totals, "GrpHdr/NbOfTxs"),
        ("<NbOfTxs>3", "<NbOfTxs>2", Totals, "GrpHdr/NbOfTxs"),
        ("<NbOfTxs>3", "<NbOfTxs>1000001", Limit, "GrpHdr/NbOfTxs"),
        ("<CtrlSum>37.02", "<CtrlSum>37.03", Totals, "GrpHdr/CtrlSum"),
        ("<CtrlSum>37.02", "<CtrlSum>-1", Totals, "GrpHdr/CtrlSum"),
        ("<PmtTpInf>", "<NbOfTxs>3</NbOfTxs><PmtTpInf>", Totals, "PmtInf/NbOfTxs"),
        ("<PmtTpInf>", "<CtrlSum>24.67</CtrlSum><PmtTpInf>", Totals, "PmtInf/CtrlSum"),
        ("<PmtInfId>P1</PmtInfId>", "<PmtInfId>Pé</PmtInfId>", Rule, "PmtInf/PmtInfId"),
        ("<PmtMtd>TRF", "<PmtMtd>ABC", Lexical, "PmtInf/PmtMtd"),
        ("</PmtInf>", "<Dbtr/></PmtInf>", UnexpectedElement, "PmtInf/Dbtr"),
        ("</PmtInf>", "text</PmtInf>", UnexpectedText, "PmtInf"),
        ("</PmtInf>", "</PmtInf>text", UnexpectedText, "Document/CstmrCdtTrfInitn"),
        ("</PmtInf>", "</PmtInf><GrpHdr/>", UnexpectedElement, "GrpHdr"),
        ("</PmtInf>", &early, UnexpectedElement, "SplmtryData"),
        ("</PmtInf>", "</PmtInf><PmtInf/>", UnexpectedElement, "PmtInf"),
        ("</GrpHdr>", "</GrpHdr><GrpHdr/>", Repeated, "GrpHdr"),
        ("</PmtInf>", "</PmtInfo>", NotWellFormed, "PmtInf"),
        ("</Document>", "", NotWellFormed, "Document"),
        ("</Document>", "</Document><Document/>", NotWellFormed, ""),
        ("</Document>", "</Document>text", NotWellFormed, ""),
    ] {
        let before = document();
        assert!(before.contains(from), "{from}");
        let found = fault(&before.replacen(from, to, 1));
        assert_eq!((found.what, found.path.as_str()), (what, path), "{from} -> {to}");
    }
    let all = document();
    let (head, tail) = (all.find("<PmtInf>").unwrap(), all.find("</CstmrCdt").unwrap());
    let found = fault(&format!("{}{}", &all[..head], &all[tail..]));
    assert_eq!((found.what, found.path.as_str()), (Missing, "PmtInf"));
    let first = all.find("<CdtTrfTxInf>").unwrap();
    let found = fault(&format!("{}</PmtInf>{}", &all[..first], &all[tail..]));
    assert_eq!((found.what, found.path.as_str()), (Missing, "PmtInf/CdtTrfTxInf"));
}

/// A fault says where in the file it is, not where in its piece.
#[test]
fn offsets_are_those_of_the_file() {
    let document = second_line("<PmtId>", "<PmtId>&y;");
    let at = document.find("&y;").unwrap();
    let found = fault(&document);
    assert!((at..at + 10).contains(&found.offset), "{} is near {at}", found.offset);
}

#[test]
fn lines_that_are_not_stated_leave_no_file() {
    let wrong = PackageHeader { transactions: 2, ..header(&lines()) };
    let mut output = Vec::new();
    let error = write_pain001(&wrong, lines().into_iter().map(Ok::<_, Infallible>), &mut output).unwrap_err();
    assert!(matches!(error, PackageWriteError::Totals(found) if found.transactions == 3), "{error}");
    assert!(!String::from_utf8(output).unwrap().contains("</Document>"));
    let stated = PaymentInformation { transactions: Some(1), ..(*lines()[0].payment).clone() };
    let stated = Arc::new(stated);
    let lines = [line(1, &stated, &order()), line(2, &stated, &order())];
    let error = write(&header(&lines), &lines).unwrap_err();
    assert!(matches!(error, PackageWriteError::PaymentTotals { number: 1, .. }), "{error}");
    let empty = PackageHeader { transactions: 0, control_sum: None, ..header(&lines) };
    assert!(matches!(write(&empty, &[]), Err(PackageWriteError::Totals(_))));
    let failing = [Err("the salaries end here")];
    let error = write_pain001(&empty, failing, io::sink()).unwrap_err();
    assert_eq!(error.to_string(), "the lines of the file end early: the salaries end here");
}

/// Lines with all attributes, in payment informations of one to three lines.
pub(super) fn package() -> impl Strategy<Value = Vec<PackageLine>> {
    let part = (
        round_trip::order(),
        prop::collection::vec((round_trip::order(), any::<[bool; 4]>()), 1..4),
        any::<[bool; 4]>(),
        of(any::<bool>()),
        (0..9_000_000_000_000_i64).prop_map(|ms| Timestamp::from_nanoseconds(ms * 1_000_000).unwrap()),
    );
    prop::collection::vec(part, 1..4).prop_map(|parts| {
        let (mut lines, mut number) = (Vec::new(), 0);
        for (index, (payer, orders, choices, batch_booking, time)) in parts.into_iter().enumerate() {
            let [is_instant, is_timed, is_stated, is_named] = choices;
            let mut information = (*payment(u32::try_from(index).unwrap() + 1, &payer)).clone();
            let mut terms = PaymentTerms { batch_booking, is_instant, ..terms(&payer) };
            if is_timed {
                terms.execution = Moment::Time(time);
            }
            if !is_named {
                terms.debtor_agent = None;
            }
            let mut first: Vec<PackageLine> = Vec::new();
            for (order, [is_instant, has_agent, _, _]) in orders {
                number += 1;
                let mut line = line(number, &Arc::new(information.clone()), &order);
                let read = line.order.as_mut().unwrap();
                read.is_instant = is_instant;
                read.creditor_agent = read.creditor_agent.filter(|_| has_agent);
                if terms.category_purpose.is_none() {
                    read.category_purpose = order.category_purpose.clone();
                }
                if terms.ultimate_debtor.is_none() {
                    read.ultimate_debtor = order.ultimate_debtor.clone();
                }
                first.push(line);
            }
            if is_stated {
                information.transactions = Some(totals_of(&first).transactions);
                information.control_sum = Some(totals_of(&first).sum);
            }
            information.terms = Ok(terms);
            let information = Arc::new(information);
            lines.extend(
                first.into_iter().map(|line| PackageLine { payment: Arc::clone(&information), ..line }),
            );
        }
        lines
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn files_come_back_from_their_documents(lines in package(), capacity in 1..300_usize) {
        let document = write(&header(&lines), &lines).unwrap();
        let mut reader = PackageReader::open(BufReader::with_capacity(capacity, document.as_bytes())).unwrap();
        prop_assert_eq!(reader.header(), &header(&lines));
        let read: Result<Vec<_>, _> = reader.by_ref().collect();
        prop_assert_eq!(read.unwrap(), lines.clone());
        prop_assert_eq!(reader.totals(), totals_of(&lines));
    }
}

/// Bytes of a file that is made while it is read.
pub(super) struct Endless<Next> {
    next: Next,
    piece: Vec<u8>,
    at: usize,
    pub(super) given: usize,
}

impl<Next: FnMut() -> Option<Vec<u8>>> Endless<Next> {
    pub(super) fn new(next: Next) -> Self {
        Self { next, piece: Vec::new(), at: 0, given: 0 }
    }
}

impl<Next: FnMut() -> Option<Vec<u8>>> Read for Endless<Next> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            (self.piece, self.at) = ((self.next)().unwrap_or_default(), 0);
        }
        let count = (&self.piece[self.at..]).read(buffer)?;
        self.at += count;
        self.given += count;
        Ok(count)
    }
}

pub(super) fn bic() -> Option<Bic> {
    Bic::parse("SLVOBEBB").ok()
}
