//! pain.013.001.07: a payee asks payers for money, by its bank.
//!
//! A document has payment informations, each for one payer, and each of these has transactions. Each transaction is a
//! request of its own; they are read as one list. A document is short, and one that breaks a rule anywhere is not taken.

use types::{Amount, Bic, Iban, Party, Remittance, Text, Timestamp};

use crate::control_sum::ControlSum;
use crate::pacs008_write::{write_account, write_party, write_purpose, write_remittance};
use crate::statement_write::write_moment;
use crate::xml_write::XmlWriter;
use crate::{Moment, NOT_PROVIDED, PAIN013_NAMESPACE};

/// The purpose of a payment that is made on request.
pub const REQUESTED_PURPOSE: &str = "RRTP";

/// The whole of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationRequest {
    /// `GrpHdr/MsgId`.
    pub message_id: Text<35>,
    /// `GrpHdr/CreDtTm`.
    pub created_at: Timestamp,
    /// `GrpHdr/InitgPty/Nm`: who made the document. Personal data.
    pub initiating_party: Option<Text<140>>,
    /// The requests, at least one.
    pub payments: Vec<RequestedPayment>,
}

/// One transaction, with what its payment information says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedPayment {
    /// `PmtInfId`.
    pub payment_information_id: Option<Text<35>>,
    /// `ReqdExctnDt`: when the payee would like to be paid.
    pub execution: Moment,
    /// `XpryDt`: until when the payer may accept.
    pub expiry: Option<Moment>,
    /// `Dbtr`: the payer.
    pub debtor: Party,
    /// `DbtrAcct/Id/IBAN`.
    pub debtor_account: Iban,
    /// `DbtrAgt`: the payer's bank, if its BIC is given.
    pub debtor_agent: Option<Bic>,
    /// `UltmtDbtr`.
    pub ultimate_debtor: Option<Party>,
    /// `PmtId/InstrId`.
    pub instruction_id: Option<Text<35>>,
    /// `PmtId/EndToEndId`.
    pub end_to_end_id: Text<35>,
    /// `PmtId/UETR`.
    pub uetr: Option<Text<36>>,
    /// `Amt/InstdAmt`, in euro.
    pub amount: Amount,
    /// `CdtrAgt`: the payee's bank.
    pub creditor_agent: Bic,
    /// `Cdtr`: the payee.
    pub creditor: Party,
    /// `CdtrAcct/Id/IBAN`.
    pub creditor_account: Iban,
    /// `UltmtCdtr`.
    pub ultimate_creditor: Option<Party>,
    /// `RltdRmtInf/RmtId`: the number of the invoice.
    pub invoice_number: Option<Text<35>>,
    /// `RltdRmtInf/RmtLctnDtls/ElctrncAdr` with `Mtd` `URID`: where the invoice is found.
    pub invoice_link: Option<Text<256>>,
    /// `RmtInf`.
    pub remittance: Option<Remittance>,
}

/// Writes a document, with a payment information for each request.
///
/// # Panics
/// If it has no request, or their sum leaves the range of control sums.
pub fn write_pain013(request: &ActivationRequest) -> String {
    assert!(!request.payments.is_empty(), "a document asks for something");
    let mut xml = XmlWriter::document(PAIN013_NAMESPACE);
    xml.open("CdtrPmtActvtnReq");
    xml.open("GrpHdr");
    xml.text("MsgId", &request.message_id);
    xml.leaf("CreDtTm", &request.created_at.to_string());
    xml.leaf("NbOfTxs", &request.payments.len().to_string());
    xml.leaf("CtrlSum", &request.control_sum().expect("sums of a document are in range").to_decimal());
    xml.open("InitgPty");
    xml.optional_text("Nm", request.initiating_party.as_ref());
    xml.close();
    xml.close();
    request.payments.iter().for_each(|payment| write_payment(&mut xml, payment));
    xml.close();
    xml.finish()
}

impl ActivationRequest {
    /// What the requests come to; `None` if that leaves the range of control sums.
    pub(crate) fn control_sum(&self) -> Option<ControlSum> {
        let mut amounts = self.payments.iter().map(|payment| ControlSum::of(payment.amount));
        amounts.try_fold(ControlSum::ZERO, ControlSum::plus)
    }
}

fn write_payment(xml: &mut XmlWriter, payment: &RequestedPayment) {
    xml.open("PmtInf");
    xml.optional_text("PmtInfId", payment.payment_information_id.as_ref());
    xml.leaf("PmtMtd", "TRF");
    write_moment(xml, "ReqdExctnDt", payment.execution);
    if let Some(expiry) = payment.expiry {
        write_moment(xml, "XpryDt", expiry);
    }
    write_party(xml, "Dbtr", Some(&payment.debtor));
    write_account(xml, "DbtrAcct", &payment.debtor_account, None);
    match payment.debtor_agent {
        Some(bic) => xml.agent("DbtrAgt", Some(bic)),
        None => write_unnamed_agent(xml),
    }
    write_party(xml, "UltmtDbtr", payment.ultimate_debtor.as_ref());
    xml.open("CdtTrfTx");
    xml.open("PmtId");
    xml.optional_text("InstrId", payment.instruction_id.as_ref());
    xml.text("EndToEndId", &payment.end_to_end_id);
    xml.optional_text("UETR", payment.uetr.as_ref());
    xml.close();
    xml.open("Amt");
    xml.euro("InstdAmt", payment.amount);
    xml.close();
    xml.leaf("ChrgBr", "SLEV");
    xml.agent("CdtrAgt", Some(payment.creditor_agent));
    write_party(xml, "Cdtr", Some(&payment.creditor));
    write_account(xml, "CdtrAcct", &payment.creditor_account, None);
    write_party(xml, "UltmtCdtr", payment.ultimate_creditor.as_ref());
    let purpose = Text::parse(REQUESTED_PURPOSE).expect("four capital letters");
    write_purpose(xml, Some(&purpose));
    write_invoice(xml, payment);
    write_remittance(xml, payment.remittance.as_ref());
    xml.close();
    xml.close();
}

/// The schema wants the payer's bank, also where the IBAN says which one it is.
fn write_unnamed_agent(xml: &mut XmlWriter) {
    xml.open("DbtrAgt");
    xml.open("FinInstnId");
    xml.open("Othr");
    xml.leaf("Id", NOT_PROVIDED);
    xml.close();
    xml.close();
    xml.close();
}

fn write_invoice(xml: &mut XmlWriter, payment: &RequestedPayment) {
    if payment.invoice_number.is_none() && payment.invoice_link.is_none() {
        return;
    }
    xml.open("RltdRmtInf");
    xml.optional_text("RmtId", payment.invoice_number.as_ref());
    if let Some(link) = &payment.invoice_link {
        xml.open("RmtLctnDtls");
        xml.leaf("Mtd", "URID");
        xml.text("ElctrncAdr", link);
        xml.close();
    }
    xml.close();
}
