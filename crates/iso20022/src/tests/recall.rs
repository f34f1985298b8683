//! Recalls, returns and negative answers: what is written, and what is read back.

use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use types::{Amount, Bic, RecallKind, RecallReason, RecallRefusal, Text, Timestamp};

use super::round_trip;
use super::status::{bic, text};
use crate::{
    Assignment, NegativeAnswer, OriginalDetails, OriginalReferences, Originator, Pacs008, PaymentReturn,
    Recall, RefusalText, ReturnFee, SchemaFault, Violation, read_camt029, read_camt056, read_pacs004,
    write_camt029, write_camt056, write_pacs004,
};

pub(super) fn order() -> types::PaymentOrder {
    let Ok(Pacs008::Order(order)) = super::read(super::DOCUMENT) else { panic!("the document is valid") };
    *order
}

pub(super) fn short<const MAX: usize>(value: &str) -> Text<MAX> {
    Text::parse(value).unwrap()
}

fn instant() -> Timestamp {
    Timestamp::from_nanoseconds(1_795_255_200_480_000_000).unwrap()
}

fn assignment(id: &str) -> Assignment {
    Assignment {
        id: short(id),
        assigner: Bic::parse("SLVOBEBB").ok(),
        assignee: Bic::parse("SLVODEFF").ok(),
        created_at: instant(),
    }
}

pub(super) fn recall() -> Recall {
    Recall {
        assignment: assignment("C1"),
        cancellation_id: short("X1"),
        original: OriginalReferences::of(&order()),
        original_amount: order().amount,
        original_settlement_date: super::date("2026-11-21"),
        originator: Originator::Bank(order().debtor_agent),
        reason: RecallReason::Duplicate,
        additional_information: Vec::new(),
        details: OriginalDetails::of(&order()),
    }
}

/// A recall for this reason, by one who may give it.
pub(super) fn recall_for(reason: RecallReason) -> Recall {
    let originator = match reason.kind() {
        RecallKind::Bank => Originator::Bank(order().debtor_agent),
        RecallKind::Originator => Originator::Customer(short("Payer")),
    };
    Recall { reason, originator, ..recall() }
}

pub(super) fn payment_return() -> PaymentReturn {
    PaymentReturn {
        message_id: short("R1"),
        created_at: instant(),
        settlement_date: super::date("2026-11-23"),
        settlement_method: types::SettlementMethod::default(),
        instructing_agent: None,
        instructed_agent: None,
        return_id: short("RT1"),
        original: OriginalReferences::of(&order()),
        original_amount: order().amount,
        original_settlement_date: None,
        returned_amount: order().amount,
        returned_instructed_amount: None,
        fee: None,
        originator: Originator::Bank(order().creditor_agent),
        recall_reference: short("X1"),
        details: OriginalDetails::of(&order()),
    }
}

pub(super) fn with_fee() -> PaymentReturn {
    let amount = |minor_units| Amount::from_minor_units(minor_units).unwrap();
    PaymentReturn {
        instructing_agent: Some(order().creditor_agent),
        instructed_agent: Some(order().debtor_agent),
        original_settlement_date: order().settlement_date,
        returned_amount: amount(1134),
        returned_instructed_amount: Some(amount(1234)),
        fee: Some(ReturnFee { amount: amount(100), agent: order().creditor_agent }),
        ..payment_return()
    }
}

pub(super) fn negative_answer() -> NegativeAnswer {
    NegativeAnswer {
        assignment: assignment("A1"),
        cancellation_status_id: short("N1"),
        original: OriginalReferences::of(&order()),
        originator: Originator::Customer(short("Payee")),
        reason: RecallRefusal::Customer,
        additional_information: vec![RefusalText::ToBank.marked("the payee does not agree").unwrap()],
        details: OriginalDetails::of(&order()),
    }
}

/// A negative answer for this reason to a bank, with the texts that it requires.
pub(super) fn refusal_for(reason: RecallRefusal) -> NegativeAnswer {
    let mut answer = NegativeAnswer { reason, ..negative_answer() };
    if reason == RecallRefusal::Legal {
        answer.additional_information.push(RefusalText::LegalGrounds.marked("article 1").unwrap());
    }
    answer
}

#[test]
fn a_recall_reads_as_the_scheme_has_it() {
    let expected = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.056.001.08\"><FIToFIPmtCxlReq>",
        "<Assgnmt><Id>C1</Id><Assgnr><Agt><FinInstnId><BICFI>SLVOBEBBXXX</BICFI></FinInstnId></Agt></Assgnr>",
        "<Assgne><Agt><FinInstnId><BICFI>SLVODEFFXXX</BICFI></FinInstnId></Agt></Assgne>",
        "<CreDtTm>2026-11-21T10:00:00.48Z</CreDtTm></Assgnmt><CtrlData><NbOfTxs>1</NbOfTxs></CtrlData>",
        "<Undrlyg><TxInf><CxlId>X1</CxlId>",
        "<OrgnlGrpInf><OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>pacs.008</OrgnlMsgNmId></OrgnlGrpInf>",
        "<OrgnlEndToEndId>E1</OrgnlEndToEndId><OrgnlTxId>T1</OrgnlTxId>",
        "<OrgnlIntrBkSttlmAmt Ccy=\"EUR\">12.34</OrgnlIntrBkSttlmAmt>",
        "<OrgnlIntrBkSttlmDt>2026-11-21</OrgnlIntrBkSttlmDt>",
        "<CxlRsnInf><Orgtr><Id><OrgId><AnyBIC>SLVOBEBBXXX</AnyBIC></OrgId></Id></Orgtr>",
        "<Rsn><Cd>DUPL</Cd></Rsn></CxlRsnInf>",
        "<OrgnlTxRef><SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf><PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl>",
        "<LclInstrm><Cd>INST</Cd></LclInstrm></PmtTpInf><RmtInf><Ustrd>Thanks</Ustrd></RmtInf>",
        "<Dbtr><Pty><Nm>Payer</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>BE68539007547034</IBAN></Id></DbtrAcct>",
        "<DbtrAgt><FinInstnId><BICFI>SLVOBEBBXXX</BICFI></FinInstnId></DbtrAgt>",
        "<CdtrAgt><FinInstnId><BICFI>SLVODEFFXXX</BICFI></FinInstnId></CdtrAgt>",
        "<Cdtr><Pty><Nm>Payee</Nm></Pty></Cdtr><CdtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></CdtrAcct>",
        "</OrgnlTxRef></TxInf></Undrlyg></FIToFIPmtCxlReq></Document>",
    );
    assert_eq!(write_camt056(&recall()), expected);
}

/// Replaces one part, which must be there, and compares what is then wrong and where.
#[track_caller]
fn check<Read: std::fmt::Debug>(
    document: &str,
    read: fn(&[u8]) -> Result<Read, SchemaFault>,
    faults: &[(&str, &str, Violation, &str)],
) {
    assert!(read(document.as_bytes()).is_ok(), "the document is right before it is changed");
    for (from, to, what, path) in faults {
        assert!(document.contains(from), "{from}");
        let fault = read(document.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert_eq!((fault.what, fault.path.as_str()), (*what, *path), "{from} -> {to}");
    }
}

#[test]
fn recalls_that_are_not_clear_are_refused() {
    use Violation::{Amount, Lexical, Missing, Reason, Repeated, Rule, WrongMessage};
    let document = write_camt056(&recall());
    let transaction = &document[document.find("<TxInf>").unwrap()..document.find("</Undrlyg>").unwrap()];
    let twice = transaction.repeat(2);
    let reason = &document[document.find("<CxlRsnInf>").unwrap()..document.find("<OrgnlTxRef>").unwrap()];
    let two_reasons = reason.repeat(2);
    let whole = "<OrgnlGrpInfAndCxl><OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>pacs.008</OrgnlMsgNmId>\
                 </OrgnlGrpInfAndCxl><TxInf>";
    let texts = format!("</Rsn>{}", "<AddtlInf>more</AddtlInf>".repeat(14));
    let at = "Undrlyg/TxInf";
    check(
        &document,
        read_camt056,
        &[
            (transaction, &twice, Repeated, at),
            (transaction, "", Missing, "Undrlyg/TxInf/CxlRsnInf/Rsn/Cd"),
            ("<TxInf>", whole, Rule, "Undrlyg/OrgnlGrpInfAndCxl"),
            (">1</NbOfTxs>", ">2</NbOfTxs>", Rule, "CtrlData/NbOfTxs"),
            ("<CxlId>X1</CxlId>", "", Missing, "Undrlyg/TxInf/CxlId"),
            ("<OrgnlTxId>T1</OrgnlTxId>", "", Missing, "Undrlyg/TxInf/OrgnlTxId"),
            ("<OrgnlEndToEndId>E1</OrgnlEndToEndId>", "", Missing, "Undrlyg/TxInf/OrgnlEndToEndId"),
            (">pacs.008<", ">pacs.009<", WrongMessage, "Undrlyg/TxInf/OrgnlGrpInf/OrgnlMsgNmId"),
            ("12.34", "12.345", Amount, "Undrlyg/TxInf/OrgnlIntrBkSttlmAmt"),
            ("12.34", "0", Amount, "Undrlyg/TxInf/OrgnlIntrBkSttlmAmt"),
            ("Ccy=\"EUR\"", "Ccy=\"SEK\"", Amount, "Undrlyg/TxInf/OrgnlIntrBkSttlmAmt"),
            (
                "<OrgnlIntrBkSttlmDt>2026-11-21</OrgnlIntrBkSttlmDt>",
                "",
                Missing,
                "Undrlyg/TxInf/OrgnlIntrBkSttlmDt",
            ),
            (">2026-11-21<", ">2026-11-21Z<", Lexical, "Undrlyg/TxInf/OrgnlIntrBkSttlmDt"),
            (">DUPL<", ">AC04<", Reason, "Undrlyg/TxInf/CxlRsnInf/Rsn/Cd"),
            ("<Cd>DUPL</Cd>", "<Prtry>DUPL</Prtry>", Reason, "Undrlyg/TxInf/CxlRsnInf/Rsn/Prtry"),
            (">DUPL<", ">CUST<", Reason, "Undrlyg/TxInf/CxlRsnInf/Orgtr"),
            ("<Rsn><Cd>DUPL</Cd></Rsn>", "", Missing, "Undrlyg/TxInf/CxlRsnInf/Rsn/Cd"),
            (reason, &two_reasons, Repeated, "Undrlyg/TxInf/CxlRsnInf"),
            ("</Rsn>", &texts, Repeated, "Undrlyg/TxInf/CxlRsnInf/AddtlInf"),
            (
                "<DbtrAgt><FinInstnId><BICFI>SLVOBEBBXXX</BICFI>",
                "<DbtrAgt><FinInstnId>",
                Missing,
                "Undrlyg/TxInf/OrgnlTxRef/DbtrAgt/FinInstnId/BICFI",
            ),
            ("BE68539007547034", "BE69539007547034", Rule, "Undrlyg/TxInf/OrgnlTxRef/DbtrAcct/Id/IBAN"),
            (">CLRG<", ">COVE<", Rule, "Undrlyg/TxInf/OrgnlTxRef/SttlmInf/SttlmMtd"),
        ],
    );
}

#[test]
fn recalls_of_other_writers_are_read() {
    let fraud = recall_for(RecallReason::Fraud);
    let document = write_camt056(&fraud)
        .replace("<CtrlData><NbOfTxs>1</NbOfTxs></CtrlData>", "")
        .replace(">pacs.008<", ">pacs.008.001.08<")
        .replace("<Cd>FRAD</Cd>", "<Prtry>FRAD</Prtry>")
        .replace("<OrgnlTxRef>", "<OrgnlTxRef><IntrBkSttlmDt>2026-11-21</IntrBkSttlmDt>");
    assert_eq!(read_camt056(document.as_bytes()), Ok(fraud));
    let named = write_camt056(&recall_for(RecallReason::Customer)).replace(
        "<Orgtr><Nm>Payer</Nm>",
        "<Orgtr><Nm>Payer</Nm><Id><OrgId><AnyBIC>SLVOBEBB</AnyBIC></OrgId></Id>",
    );
    assert_eq!(read_camt056(named.as_bytes()), Ok(recall_for(RecallReason::Customer)));
    let party = write_camt056(&recall()).replace(
        "<Assgnr><Agt><FinInstnId><BICFI>SLVOBEBBXXX</BICFI></FinInstnId></Agt></Assgnr>",
        "<Assgnr><Pty><Nm>A bank</Nm></Pty></Assgnr>",
    );
    assert_eq!(read_camt056(party.as_bytes()).unwrap().assignment.assigner, None);
}

#[test]
fn returns_that_do_not_add_up_are_refused() {
    use Violation::{Amount, Missing, Reason, Repeated, Rule};
    let document = write_pacs004(&with_fee());
    let transaction = &document[document.find("<TxInf>").unwrap()..document.find("</PmtRtr>").unwrap()];
    let twice = transaction.repeat(2);
    check(
        &document,
        read_pacs004,
        &[
            (transaction, &twice, Repeated, "TxInf"),
            (">1</NbOfTxs>", ">2</NbOfTxs>", Rule, "GrpHdr/NbOfTxs"),
            ("</NbOfTxs>", "</NbOfTxs><GrpRtr>true</GrpRtr>", Rule, "GrpHdr/GrpRtr"),
            ("\"EUR\">11.34<", "\"EUR\">11.33<", Amount, "GrpHdr/TtlRtrdIntrBkSttlmAmt"),
            ("\"EUR\">12.34</Or", "\"EUR\">11.33</Or", Amount, "TxInf/RtrdIntrBkSttlmAmt"),
            ("\"EUR\">12.34</RtrdI", "\"EUR\">12.35</RtrdI", Amount, "TxInf/RtrdInstdAmt"),
            ("\"EUR\">12.34</RtrdI", "\"EUR\">11.33</RtrdI", Amount, "TxInf/RtrdInstdAmt"),
            ("\"EUR\">1.00<", "\"EUR\">0.99<", Amount, "TxInf/ChrgsInf/Amt"),
            (">SLEV<", ">SHAR<", Rule, "TxInf/ChrgBr"),
            (">FOCR<", ">AC04<", Reason, "TxInf/RtrRsnInf/Rsn"),
            ("<Rsn><Cd>FOCR</Cd></Rsn>", "", Missing, "TxInf/RtrRsnInf/Rsn/Cd"),
            ("<AddtlInf>X1</AddtlInf>", "", Missing, "TxInf/RtrRsnInf/AddtlInf"),
            ("<IntrBkSttlmDt>2026-11-23</IntrBkSttlmDt>", "", Missing, "GrpHdr/IntrBkSttlmDt"),
            ("<RtrId>RT1</RtrId>", "", Missing, "TxInf/RtrId"),
        ],
    );
}

/// A bank that keeps nothing may leave the fee out, and may give back less without saying why.
#[test]
fn returns_of_other_writers_are_read() {
    let document = write_pacs004(&payment_return());
    let group = "<OrgnlGrpInf><OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>pacs.008</OrgnlMsgNmId></OrgnlGrpInf>";
    let moved = document.replace(group, "").replace("<TxInf>", &format!("{group}<TxInf>"));
    assert_eq!(read_pacs004(moved.as_bytes()), Ok(payment_return()));
    let dated = document
        .replace("</RtrdIntrBkSttlmAmt>", "</RtrdIntrBkSttlmAmt><IntrBkSttlmDt>2026-11-23</IntrBkSttlmDt>");
    assert_eq!(read_pacs004(dated.as_bytes()), Ok(payment_return()));
    let contrary = dated.replacen("2026-11-23", "2026-11-24", 1);
    assert_eq!(read_pacs004(contrary.as_bytes()).unwrap_err().path, "TxInf/IntrBkSttlmDt");
    let less = document
        .replace("</TtlRtrdIntrBkSttlmAmt>", "<!---->")
        .replace("12.34<!---->", "12.00</TtlRtrdIntrBkSttlmAmt>")
        .replace("12.34</RtrdIntrBkSttlmAmt>", "12.00</RtrdIntrBkSttlmAmt>");
    assert_eq!(read_pacs004(less.as_bytes()).unwrap().returned_amount.minor_units(), 1200);
}

#[test]
fn answers_that_are_not_clear_are_refused() {
    use Violation::{Information, Missing, Reason, Repeated, Rule};
    let document = write_camt029(&negative_answer());
    let text = "<AddtlInf>ATR053 the payee does not agree</AddtlInf>";
    let details = &document[document.find("<TxInfAndSts>").unwrap()..document.find("</CxlDtls>").unwrap()];
    let twice = details.repeat(2);
    let information = "CxlDtls/TxInfAndSts/CxlStsRsnInf/AddtlInf";
    check(
        &document,
        read_camt029,
        &[
            ("<Conf>RJCR</Conf>", "<Conf>CNCL</Conf>", Rule, "Sts/Conf"),
            ("<Conf>RJCR</Conf>", "<AssgnmtCxlConf>true</AssgnmtCxlConf>", Rule, "Sts/AssgnmtCxlConf"),
            ("<TxCxlSts>RJCR", "<TxCxlSts>PDCR", Rule, "CxlDtls/TxInfAndSts/TxCxlSts"),
            ("<TxCxlSts>RJCR</TxCxlSts>", "", Missing, "CxlDtls/TxInfAndSts/TxCxlSts"),
            (details, &twice, Repeated, "CxlDtls/TxInfAndSts"),
            (">CUST<", ">XXXX<", Reason, "CxlDtls/TxInfAndSts/CxlStsRsnInf/Rsn"),
            (">CUST<", ">LEGL<", Information, information),
            (text, "", Information, information),
            (text, "<AddtlInf>no</AddtlInf>", Information, information),
            ("<CxlStsId>N1</CxlStsId>", "", Missing, "CxlDtls/TxInfAndSts/CxlStsId"),
        ],
    );
}

#[test]
fn texts_are_what_the_reason_requires() {
    use RefusalText::{Account, Fraud, LegalGrounds, ToBank, ToOriginator};
    let audience = |reason, kinds: &[RefusalText]| {
        let texts = kinds.iter().map(|kind| kind.marked("text").unwrap()).collect();
        NegativeAnswer { reason, additional_information: texts, ..negative_answer() }.audience()
    };
    let customer = RecallRefusal::Customer;
    assert_eq!(audience(customer, &[ToBank]), Some(RecallKind::Bank));
    assert_eq!(audience(customer, &[ToOriginator, Account]), Some(RecallKind::Originator));
    assert_eq!(audience(RecallRefusal::Legal, &[ToBank, LegalGrounds, LegalGrounds]), Some(RecallKind::Bank));
    assert_eq!(audience(RecallRefusal::Legal, &[ToOriginator]), Some(RecallKind::Originator));
    let all = [[ToBank, LegalGrounds, LegalGrounds].as_slice(), &[Fraud; 10]].concat();
    assert_eq!(audience(RecallRefusal::Legal, &all), Some(RecallKind::Bank));
    for (reason, kinds) in [
        (customer, [].as_slice()),
        (customer, &[Fraud, ToBank]),
        (customer, &[ToBank, ToBank]),
        (customer, &[ToBank, LegalGrounds]),
        (customer, &[ToBank, Account]),
        (customer, &[ToOriginator, Fraud]),
        (RecallRefusal::Legal, &[ToBank]),
        (RecallRefusal::Legal, &[ToBank, LegalGrounds, LegalGrounds, LegalGrounds]),
    ] {
        assert_eq!(audience(reason, kinds), None, "{reason:?} {kinds:?}");
    }
    assert!(RefusalText::ToBank.marked(&"x".repeat(98)).is_ok());
    assert!(RefusalText::ToBank.marked(&"x".repeat(99)).is_err());
}

#[test]
fn codes_are_those_of_the_scheme() {
    for reason in RecallReason::ALL {
        assert_eq!(RecallReason::from_code(reason.code().as_str()), Some(reason));
    }
    for reason in RecallRefusal::ALL {
        assert_eq!(RecallRefusal::from_code(reason.code().as_str()), Some(reason));
    }
    assert_eq!(RecallReason::from_code("dupl"), None);
    assert_eq!(RecallRefusal::from_code("ADAC"), None);
}

/// Personal data does not show in what is logged.
#[test]
fn debug_output_hides_names_and_accounts() {
    let shown = format!("{:?} {:?} {:?}", recall_for(RecallReason::Customer), with_fee(), negative_answer());
    for secret in ["Payer", "Payee", "BE68539007547034", "Thanks"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

pub(super) fn details() -> impl Strategy<Value = (OriginalReferences, OriginalDetails)> {
    (round_trip::order(), any::<bool>()).prop_map(|(order, full)| {
        let details = match full {
            true => OriginalDetails::of(&order),
            false => OriginalDetails::key(order.debtor_agent),
        };
        (OriginalReferences::of(&order), details)
    })
}

fn texts() -> impl Strategy<Value = Vec<Text<105>>> {
    prop::collection::vec(text(), 0..=13)
}

fn amount() -> impl Strategy<Value = Amount> {
    (1..=Amount::MINOR_UNITS_MAX).prop_map(|minor_units| Amount::from_minor_units(minor_units).unwrap())
}

proptest! {
    #[test]
    fn recalls_come_back_from_their_documents(
        reason in select(&RecallReason::ALL[..]),
        ids in (text(), text()),
        agents in (bic(), bic()),
        original_amount in amount(),
        additional_information in texts(),
        (original, details) in details(),
    ) {
        let hop = assignment("-");
        let hop = Assignment { id: ids.0, assigner: Some(agents.0), assignee: Some(agents.1), ..hop };
        let recall = Recall {
            assignment: hop,
            cancellation_id: ids.1,
            original,
            original_amount,
            additional_information,
            details,
            ..recall_for(reason)
        };
        prop_assert_eq!(read_camt056(write_camt056(&recall).as_bytes()), Ok(recall));
    }

    #[test]
    fn returns_come_back_from_their_documents(
        ids in (text(), text(), text()),
        agents in (of(bic()), of(bic()), bic()),
        amounts in (2..=Amount::MINOR_UNITS_MAX, any::<prop::sample::Index>(), any::<bool>()),
        (original, details) in details(),
    ) {
        let fee = i64::try_from(amounts.1.index(usize::try_from(amounts.0).unwrap())).unwrap();
        let amount = |minor_units| Amount::from_minor_units(minor_units).unwrap();
        let payment_return = PaymentReturn {
            message_id: ids.0,
            return_id: ids.1,
            instructing_agent: agents.0,
            instructed_agent: agents.1,
            original,
            original_amount: amount(amounts.0),
            returned_amount: amount(amounts.0 - fee),
            returned_instructed_amount: amounts.2.then_some(amount(amounts.0)),
            fee: Amount::from_minor_units(fee).map(|amount| ReturnFee { amount, agent: agents.2 }),
            recall_reference: ids.2,
            details,
            ..with_fee()
        };
        prop_assert_eq!(read_pacs004(write_pacs004(&payment_return).as_bytes()), Ok(payment_return));
    }

    #[test]
    fn answers_come_back_from_their_documents(
        reason in select(&RecallRefusal::ALL[..]),
        ids in (text(), text()),
        fraud in 0..=10_usize,
        (original, details) in details(),
    ) {
        let mut answer = refusal_for(reason);
        let fraud = std::iter::repeat_n(RefusalText::Fraud.marked("<gone>").unwrap(), fraud);
        answer.additional_information.extend(fraud);
        let answer = NegativeAnswer {
            assignment: Assignment { id: ids.0, ..answer.assignment },
            cancellation_status_id: ids.1,
            original,
            details,
            ..answer
        };
        prop_assert_eq!(read_camt029(write_camt029(&answer).as_bytes()), Ok(answer));
    }
}
