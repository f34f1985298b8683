//! Transfers of liquidity, their receipts and alerts; and enquiries about recalls.

use proptest::option::of;
use proptest::prelude::*;
use types::{Amount, Balance, ReasonCode, Text, Timestamp};

use super::recall::{order, short};
use super::rules;
use super::status::{bic, report, text};
use crate::{
    AlertBound, AlertSubject, AnyMessage, BalanceAlert, LiquidityTransfer, Message, RecallStatusRequest,
    RecalledPayment, Receipt, Violation, read_any_message, read_camt004, read_camt025, read_camt050,
    read_message, read_pacs028, read_pacs028_on_recall, write_camt004, write_camt025, write_camt050,
    write_pacs028, write_pacs028_on_recall,
};

pub(super) fn transfer() -> LiquidityTransfer {
    LiquidityTransfer {
        message_id: short("L1"),
        created_at: Some(report().created_at),
        instruction_id: None,
        end_to_end_id: short("E1"),
        transaction_id: None,
        uetr: None,
        creditor: Some(order().debtor_agent),
        creditor_account: short("TEUREURSLVOBEBBXXXAS"),
        amount: order().amount,
        debtor: Some(order().debtor_agent),
        debtor_account: short("BE68539007547034"),
        settlement_date: order().settlement_date,
    }
}

pub(super) fn receipt() -> Receipt {
    let status = ReasonCode::parse("SSET").unwrap();
    Receipt::of(&transfer(), short("R1"), report().created_at, status, Text::parse("settled & final").ok())
}

pub(super) fn alert() -> BalanceAlert {
    BalanceAlert {
        message_id: short("A1"),
        created_at: Some(report().created_at),
        bound: AlertBound::Floor,
        subject: AlertSubject::Headroom,
        account: short("TEUREURSLVOBEBBXXXAS"),
        available: Balance::from_minor_units(-1).unwrap(),
        threshold: Balance::ZERO,
    }
}

pub(super) fn enquiry() -> RecallStatusRequest {
    let recalled = RecalledPayment {
        request_id: short("Q1"),
        original_instruction_id: Text::parse("X1").ok(),
        original_end_to_end_id: short("E1"),
        original_transaction_id: short("T1"),
        original_uetr: None,
        acceptance_time: order().acceptance_time,
        category_purpose: None,
        debtor_agent: order().debtor_agent,
    };
    RecallStatusRequest {
        message_id: short("S1"),
        created_at: report().created_at,
        instructing_agent: None,
        instructed_agent: None,
        recall_message_id: short("C1"),
        recalled: vec![recalled],
    }
}

#[test]
fn a_transfer_of_liquidity_reads_as_the_schema_has_it() {
    let expected = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.050.001.05\"><LqdtyCdtTrf>",
        "<MsgHdr><MsgId>L1</MsgId><CreDtTm>2026-11-21T10:00:00.48Z</CreDtTm></MsgHdr>",
        "<LqdtyCdtTrf><LqdtyTrfId><EndToEndId>E1</EndToEndId></LqdtyTrfId>",
        "<Cdtr><FinInstnId><BICFI>SLVOBEBBXXX</BICFI></FinInstnId></Cdtr>",
        "<CdtrAcct><Id><Othr><Id>TEUREURSLVOBEBBXXXAS</Id></Othr></Id></CdtrAcct>",
        "<TrfdAmt><AmtWthCcy Ccy=\"EUR\">12.34</AmtWthCcy></TrfdAmt>",
        "<Dbtr><FinInstnId><BICFI>SLVOBEBBXXX</BICFI></FinInstnId></Dbtr>",
        "<DbtrAcct><Id><IBAN>BE68539007547034</IBAN></Id></DbtrAcct><SttlmDt>2026-11-21</SttlmDt>",
        "</LqdtyCdtTrf></LqdtyCdtTrf></Document>",
    );
    assert_eq!(write_camt050(&transfer()), expected);
}

#[test]
fn an_alert_reads_as_the_schema_has_it() {
    let expected = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.004.001.08\"><RtrAcct>",
        "<MsgHdr><MsgId>A1</MsgId><CreDtTm>2026-11-21T10:00:00.48Z</CreDtTm>",
        "<ReqTp><Prtry><Id>FLOOR</Id><SchmeNm>HEADROOM</SchmeNm></Prtry></ReqTp></MsgHdr>",
        "<RptOrErr><AcctRpt><AcctId><Othr><Id>TEUREURSLVOBEBBXXXAS</Id></Othr></AcctId>",
        "<AcctOrErr><Acct><Ccy>EUR</Ccy>",
        "<MulBal><Amt>0.01</Amt><CdtDbtInd>DBIT</CdtDbtInd><Tp><Cd>AVLB</Cd></Tp></MulBal>",
        "<MulBal><Amt>0.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Tp><Prtry>THRESHOLD</Prtry></Tp></MulBal>",
        "</Acct></AcctOrErr></AcctRpt></RptOrErr></RtrAcct></Document>",
    );
    assert_eq!(write_camt004(&alert()), expected);
}

#[test]
fn transfers_that_are_not_clear_are_refused() {
    use Violation::{Amount, Lexical, Missing, Rule};
    let document = write_camt050(&transfer());
    let amount = "<AmtWthCcy Ccy=\"EUR\">12.34</AmtWthCcy>";
    for (from, to, what, path) in [
        (amount, "<AmtWthtCcy>12.34</AmtWthtCcy>", Amount, "LqdtyCdtTrf/TrfdAmt/AmtWthtCcy"),
        ("12.34", "0.00", Amount, "LqdtyCdtTrf/TrfdAmt/AmtWthCcy"),
        ("\"EUR\"", "\"USD\"", Amount, "LqdtyCdtTrf/TrfdAmt/AmtWthCcy"),
        ("<IBAN>BE68", "<IBAN>BE69", Lexical, "LqdtyCdtTrf/DbtrAcct/Id/IBAN"),
        ("</DbtrAcct>", "<Ccy>USD</Ccy></DbtrAcct>", Rule, "LqdtyCdtTrf/DbtrAcct/Ccy"),
        ("<DbtrAcct><Id><IBAN>BE68539007547034</IBAN></Id></DbtrAcct>", "", Missing, "LqdtyCdtTrf/DbtrAcct"),
        (
            "<LqdtyTrfId><EndToEndId>E1</EndToEndId></LqdtyTrfId>",
            "",
            Missing,
            "LqdtyCdtTrf/LqdtyTrfId/EndToEndId",
        ),
    ] {
        assert!(document.contains(from), "{from}");
        let fault = read_camt050(document.replace(from, to).as_bytes()).unwrap_err();
        assert_eq!((fault.what, fault.path.as_str()), (what, path));
    }
}

#[test]
fn receipts_and_alerts_of_another_kind_are_refused() {
    let document = write_camt025(&receipt());
    let twice = document
        .replace("</RctDtls>", "</RctDtls><RctDtls><OrgnlMsgId><MsgId>M</MsgId></OrgnlMsgId></RctDtls>");
    assert_eq!(read_camt025(twice.as_bytes()).unwrap_err().what, Violation::Repeated);
    let word = document.replace("SSET", "set");
    assert_eq!(read_camt025(word.as_bytes()).unwrap_err().what, Violation::Reason);
    let document = write_camt004(&alert());
    for (from, to, what) in [
        ("FLOOR", "ROOF", Violation::Missing),
        (">AVLB<", ">BOOK<", Violation::Missing),
        ("<Ccy>EUR", "<Ccy>USD", Violation::Rule),
        ("<Prtry>THRESHOLD</Prtry>", "<Cd>AVLB</Cd>", Violation::Repeated),
        ("0.01", "0.012", Violation::Amount),
    ] {
        assert!(document.contains(from), "{from}");
        assert_eq!(read_camt004(document.replace(from, to).as_bytes()).unwrap_err().what, what, "{from}");
    }
}

#[test]
fn enquiries_about_recalls_ask_for_several_answers() {
    let mut request = enquiry();
    let second = RecalledPayment { original_transaction_id: short("T2"), ..request.recalled[0].clone() };
    request.recalled.push(second);
    let document = write_pacs028_on_recall(&request);
    assert_eq!(read_pacs028_on_recall(document.as_bytes()), Ok(request));
    let named = document.replacen(
        "</StsReqId>",
        "</StsReqId><OrgnlGrpInf><OrgnlMsgId>C2</OrgnlMsgId><OrgnlMsgNmId>camt.056</OrgnlMsgNmId></OrgnlGrpInf>",
        1,
    );
    assert_eq!(read_pacs028_on_recall(named.as_bytes()).unwrap_err().what, Violation::Rule);
    let versioned = document.replace("camt.056", "camt.056.001.08");
    assert!(read_pacs028_on_recall(versioned.as_bytes()).is_ok());
    let from = document.find("<TxInf>").unwrap();
    let nothing = format!("{}{}", &document[..from], &document[document.find("</FIToFI").unwrap()..]);
    let fault = read_pacs028_on_recall(nothing.as_bytes()).unwrap_err();
    assert_eq!((fault.what, fault.path.as_str()), (Violation::Missing, "TxInf"));
}

/// An enquiry shows only inside what it is about, and neither kind is taken for the other.
#[test]
fn enquiries_are_told_apart() {
    let about_recall = write_pacs028_on_recall(&enquiry());
    let about_payment = write_pacs028(&super::enquiry::request());
    assert_eq!(read_pacs028(about_recall.as_bytes()).unwrap_err().what, Violation::WrongMessage);
    assert_eq!(read_pacs028_on_recall(about_payment.as_bytes()).unwrap_err().what, Violation::WrongMessage);
    let any = |document: &str| read_any_message(document.as_bytes(), &rules()).map(|read| read.message);
    assert!(matches!(any(&about_payment), Ok(AnyMessage::Payment(Message::StatusRequest(_)))));
    assert!(matches!(any(&about_recall), Ok(AnyMessage::RecallStatusRequest(read)) if *read == enquiry()));
    let neither = about_payment.replace("pacs.008", "pain.001");
    assert_eq!(any(&neither).unwrap_err().what, Violation::WrongMessage);
}

/// Whoever decides payments is told of nothing else.
#[test]
fn messages_about_other_things_are_not_those_of_a_decision() {
    let document = write_camt050(&transfer());
    let fault = read_message(document.as_bytes(), &rules()).unwrap_err();
    assert_eq!((fault.what, fault.path.as_str()), (Violation::WrongMessage, ""));
}

fn balance() -> impl Strategy<Value = Balance> {
    (-999_999_999_999_999_999..=999_999_999_999_999_999_i64)
        .prop_map(|minor_units| Balance::from_minor_units(minor_units).unwrap())
}

fn instant() -> impl Strategy<Value = Option<Timestamp>> {
    of((0..9_000_000_000_000_i64).prop_map(|ms| Timestamp::from_nanoseconds(ms * 1_000_000).unwrap()))
}

proptest! {
    #[test]
    fn transfers_of_liquidity_come_back_from_their_documents(
        ids in (text(), of(text()), text(), of(text())),
        accounts in ("[A-Z0-9&<]{1,34}", "[A-Z0-9&<]{1,34}"),
        agents in (of(bic()), of(bic())),
        created_at in instant(),
        minor_units in 1..=Amount::MINOR_UNITS_MAX,
    ) {
        let transfer = LiquidityTransfer {
            message_id: ids.0,
            created_at,
            instruction_id: ids.1,
            end_to_end_id: ids.2,
            transaction_id: ids.3,
            creditor: agents.0,
            creditor_account: short(&accounts.0),
            amount: Amount::from_minor_units(minor_units).unwrap(),
            debtor: agents.1,
            debtor_account: short(&accounts.1),
            ..transfer()
        };
        prop_assert_eq!(read_camt050(write_camt050(&transfer).as_bytes()), Ok(transfer));
    }

    #[test]
    fn receipts_come_back_from_their_documents(
        ids in (text(), text(), of(text()), of(text())),
        created_at in instant(),
        status in "[A-Z0-9]{4}",
        description in of(text()),
    ) {
        let receipt = Receipt {
            message_id: ids.0,
            created_at,
            original_message_id: ids.1,
            original_message_name: ids.2,
            original_reference: ids.3,
            status: ReasonCode::parse(&status).unwrap(),
            description,
        };
        prop_assert_eq!(read_camt025(write_camt025(&receipt).as_bytes()), Ok(receipt));
    }

    #[test]
    fn alerts_come_back_from_their_documents(
        message_id in text(),
        created_at in instant(),
        balances in (balance(), balance()),
        account in "[A-Z0-9&<]{1,34}",
        ceiling in any::<bool>(),
    ) {
        let bound = if ceiling { AlertBound::Ceiling } else { AlertBound::Floor };
        let subject = if ceiling { AlertSubject::Account } else { AlertSubject::Headroom };
        let (available, threshold) = balances;
        let alert = BalanceAlert { message_id, created_at, bound, subject, account: short(&account), available, threshold };
        prop_assert_eq!(read_camt004(write_camt004(&alert).as_bytes()), Ok(alert));
    }

    #[test]
    fn enquiries_about_recalls_come_back_from_their_documents(
        ids in (text(), text(), text(), of(text()), text(), text()),
        agents in (of(bic()), of(bic()), bic()),
        count in 1..4_usize,
    ) {
        let recalled = RecalledPayment {
            request_id: ids.2,
            original_instruction_id: ids.3,
            original_end_to_end_id: ids.4,
            original_transaction_id: ids.5,
            debtor_agent: agents.2,
            ..enquiry().recalled[0].clone()
        };
        let request = RecallStatusRequest {
            message_id: ids.0,
            instructing_agent: agents.0,
            instructed_agent: agents.1,
            recall_message_id: ids.1,
            recalled: vec![recalled; count],
            ..enquiry()
        };
        prop_assert_eq!(read_pacs028_on_recall(write_pacs028_on_recall(&request).as_bytes()), Ok(request));
    }
}
