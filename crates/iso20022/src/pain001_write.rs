//! Writes pain.001.001.09 line by line.
//!
//! Invariants:
//! - Memory does not grow with the number of lines.
//! - A document is complete only if it has the lines that it states. Otherwise it ends in the middle, so that no reader
//!   can take it for a file of orders.

use std::io;

use types::CategoryPurpose;

use crate::control_sum::ControlSum;
use crate::pacs008_write::{write_account, write_party, write_purpose, write_remittance};
use crate::pain001::{
    PackageHeader, PackageLine, PackageOrder, PackageTotals, PaymentInformation, PaymentTerms,
};
use crate::statement_write::write_moment;
use crate::xml_write::XmlWriter;
use crate::{NOT_PROVIDED, PAIN001_NAMESPACE};

/// Why a file of orders could not be written to its end.
#[derive(Debug, thiserror::Error)]
pub enum PackageWriteError<Failure> {
    /// The lines could not be read to their end.
    #[error("the lines of the file end early: {0}")]
    Line(Failure),
    /// The document could not be written.
    #[error("the file could not be written: {0}")]
    Write(#[from] io::Error),
    /// There are not the lines that the header states.
    #[error("the lines come to {0:?}, which the file does not state")]
    Totals(PackageTotals),
    /// There are not the lines that a payment information states.
    #[error("the lines of payment information {number} come to {found:?}, which it does not state")]
    PaymentTotals {
        /// Its place in the file, from 1 on.
        number: u32,
        /// What its lines come to.
        found: PackageTotals,
    },
    /// The amounts have a sum for which ISO 20022 has no room.
    #[error("the lines come to a sum of more than 18 digits")]
    Digits,
}

/// How much is written at once. A line has about 1 KiB.
const BUFFER_BYTES: usize = 64 * 1024;

/// Writes a file of orders with its lines, and says what they come to. A payment information begins where a line has
/// another [`PaymentInformation::number`] than the one before; the numbers of lines are not looked at.
///
/// # Errors
/// A [`PackageWriteError`]. What has been written by then is not a whole document.
///
/// # Panics
/// If a line or a payment information is a refusal, or both have a category purpose or an ultimate debtor: such a line
/// is no order.
pub fn write_pain001<Failure>(
    header: &PackageHeader,
    lines: impl IntoIterator<Item = Result<PackageLine, Failure>>,
    mut output: impl io::Write,
) -> Result<PackageTotals, PackageWriteError<Failure>> {
    let mut xml = XmlWriter::document(PAIN001_NAMESPACE);
    xml.open("CstmrCdtTrfInitn");
    write_header(&mut xml, header);
    let (mut totals, mut payment_totals) = (PackageTotals::default(), PackageTotals::default());
    let mut payment = None;
    for line in lines {
        let line = line.map_err(PackageWriteError::Line)?;
        let terms = line.payment.terms.as_ref().expect("what is refused is not written");
        let order = line.order.as_ref().expect("what is refused is not written");
        let is_new = |before: &std::sync::Arc<PaymentInformation>| before.number != line.payment.number;
        if payment.as_ref().is_none_or(is_new) {
            end_payment(&mut xml, payment.as_deref(), payment_totals)?;
            begin_payment(&mut xml, &line.payment, terms);
            payment_totals = PackageTotals::default();
            payment = Some(line.payment.clone());
        }
        write_line(&mut xml, &line, order, terms);
        let amount = ControlSum::of(order.amount);
        totals = totals.with(amount).ok_or(PackageWriteError::Digits)?;
        payment_totals = payment_totals.with(amount).ok_or(PackageWriteError::Digits)?;
        if xml.len() >= BUFFER_BYTES {
            xml.drain_into(&mut output)?;
        }
    }
    end_payment(&mut xml, payment.as_deref(), payment_totals)?;
    let fault = totals.fault(Some(header.transactions), header.control_sum);
    if payment.is_none() || fault.is_some() {
        return Err(PackageWriteError::Totals(totals));
    }
    xml.close();
    output.write_all(xml.finish().as_bytes())?;
    output.flush()?;
    Ok(totals)
}

fn write_header(xml: &mut XmlWriter, header: &PackageHeader) {
    xml.open("GrpHdr");
    xml.text("MsgId", &header.message_id);
    xml.leaf("CreDtTm", &header.created_at.to_string());
    write_totals(xml, Some(header.transactions), header.control_sum);
    xml.open("InitgPty");
    xml.optional_text("Nm", header.initiating_party.as_ref());
    xml.close();
    xml.close();
}

fn write_totals(xml: &mut XmlWriter, transactions: Option<u32>, sum: Option<ControlSum>) {
    if let Some(transactions) = transactions {
        xml.leaf("NbOfTxs", &transactions.to_string());
    }
    if let Some(sum) = sum {
        xml.leaf("CtrlSum", &sum.to_decimal());
    }
}

fn begin_payment(xml: &mut XmlWriter, payment: &PaymentInformation, terms: &PaymentTerms) {
    xml.open("PmtInf");
    xml.text("PmtInfId", &payment.id);
    xml.leaf("PmtMtd", "TRF");
    if let Some(batch_booking) = terms.batch_booking {
        xml.leaf("BtchBookg", if batch_booking { "true" } else { "false" });
    }
    write_totals(xml, payment.transactions, payment.control_sum);
    write_type(xml, terms.is_instant, terms.category_purpose.as_ref());
    write_moment(xml, "ReqdExctnDt", terms.execution);
    write_party(xml, "Dbtr", Some(&terms.debtor));
    write_account(xml, "DbtrAcct", &terms.debtor_account, terms.debtor_proxy.as_ref());
    match terms.debtor_agent {
        Some(bic) => xml.agent("DbtrAgt", Some(bic)),
        None => write_unnamed_agent(xml, "DbtrAgt"),
    }
    write_party(xml, "UltmtDbtr", terms.ultimate_debtor.as_ref());
    xml.leaf("ChrgBr", "SLEV");
}

/// The schema wants the payer's bank, also where the IBAN says which one it is.
fn write_unnamed_agent(xml: &mut XmlWriter, name: &'static str) {
    xml.open(name);
    xml.open("FinInstnId");
    xml.open("Othr");
    xml.leaf("Id", NOT_PROVIDED);
    xml.close();
    xml.close();
    xml.close();
}

/// `PmtTpInf`, if there is anything to say in it.
fn write_type(xml: &mut XmlWriter, is_instant: bool, category_purpose: Option<&CategoryPurpose>) {
    if is_instant {
        xml.payment_type(category_purpose);
        return;
    }
    let Some(category_purpose) = category_purpose else { return };
    xml.open("PmtTpInf");
    xml.open("SvcLvl");
    xml.leaf("Cd", "SEPA");
    xml.close();
    xml.category_purpose(category_purpose);
    xml.close();
}

/// Ends a payment information, if one has begun and its lines come to what it states.
fn end_payment<Failure>(
    xml: &mut XmlWriter,
    payment: Option<&PaymentInformation>,
    found: PackageTotals,
) -> Result<(), PackageWriteError<Failure>> {
    let Some(payment) = payment else { return Ok(()) };
    if found.fault(payment.transactions, payment.control_sum).is_some() {
        return Err(PackageWriteError::PaymentTotals { number: payment.number, found });
    }
    xml.close();
    Ok(())
}

fn write_line(xml: &mut XmlWriter, line: &PackageLine, order: &PackageOrder, terms: &PaymentTerms) {
    assert!(
        order.category_purpose.is_none() || terms.category_purpose.is_none(),
        "a category purpose is the line's or its payment information's"
    );
    assert!(
        order.ultimate_debtor.is_none() || terms.ultimate_debtor.is_none(),
        "an ultimate debtor is the line's or its payment information's"
    );
    xml.open("CdtTrfTxInf");
    xml.open("PmtId");
    xml.optional_text("InstrId", line.instruction_id.as_ref());
    match &line.end_to_end_id {
        Some(id) => xml.text("EndToEndId", id),
        None => xml.leaf("EndToEndId", NOT_PROVIDED),
    }
    xml.optional_text("UETR", line.uetr.as_ref());
    xml.close();
    write_type(xml, order.is_instant, order.category_purpose.as_ref());
    xml.open("Amt");
    xml.euro("InstdAmt", order.amount);
    xml.close();
    write_party(xml, "UltmtDbtr", order.ultimate_debtor.as_ref());
    xml.agent("CdtrAgt", order.creditor_agent);
    write_party(xml, "Cdtr", Some(&order.creditor));
    write_account(xml, "CdtrAcct", &order.creditor_account, order.creditor_proxy.as_ref());
    write_party(xml, "UltmtCdtr", order.ultimate_creditor.as_ref());
    write_purpose(xml, order.purpose.as_ref());
    write_remittance(xml, order.remittance.as_ref());
    xml.close();
}
