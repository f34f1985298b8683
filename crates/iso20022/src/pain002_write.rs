//! Writes pain.002.001.10 part by part. Memory does not grow with the number of lines.

use std::io;

use crate::PAIN002_NAMESPACE;
use crate::control_sum::ControlSum;
use crate::pacs002::write_originator;
use crate::pain002::{
    LineReport, LineStatus, PackageReport, PackageReportPart, PaymentReport, REPORTED_MESSAGE_NAME,
    StatusCount, StatusDetail,
};
use crate::xml_write::XmlWriter;

/// Why a report on a file of orders could not be written to its end.
#[derive(Debug, thiserror::Error)]
pub enum PackageReportWriteError<Failure> {
    /// The outcomes could not be read to their end.
    #[error("the parts of the report end early: {0}")]
    Part(Failure),
    /// The document could not be written.
    #[error("the report could not be written: {0}")]
    Write(#[from] io::Error),
}

/// How much is written at once. A line has about half a KiB.
const BUFFER_BYTES: usize = 64 * 1024;

/// Writes a report on a file of orders.
///
/// # Errors
/// A [`PackageReportWriteError`]. What has been written by then is not a whole document.
///
/// # Panics
/// If a line comes before the first payment information, or a line is rejected without a reason.
pub fn write_pain002<Failure>(
    report: &PackageReport,
    parts: impl IntoIterator<Item = Result<PackageReportPart, Failure>>,
    mut output: impl io::Write,
) -> Result<(), PackageReportWriteError<Failure>> {
    let mut xml = XmlWriter::document(PAIN002_NAMESPACE);
    xml.open("CstmrPmtStsRpt");
    write_header(&mut xml, report);
    write_group(&mut xml, report);
    let mut is_in_payment = false;
    for part in parts {
        match part.map_err(PackageReportWriteError::Part)? {
            PackageReportPart::Payment(payment) => {
                if std::mem::replace(&mut is_in_payment, true) {
                    xml.close();
                }
                xml.open("OrgnlPmtInfAndSts");
                write_payment(&mut xml, &payment);
            }
            PackageReportPart::Line(line) => {
                assert!(is_in_payment, "a line stands in a payment information");
                write_line(&mut xml, &line);
            }
        }
        if xml.len() >= BUFFER_BYTES {
            xml.drain_into(&mut output)?;
        }
    }
    if is_in_payment {
        xml.close();
    }
    xml.close();
    output.write_all(xml.finish().as_bytes())?;
    output.flush()?;
    Ok(())
}

fn write_header(xml: &mut XmlWriter, report: &PackageReport) {
    xml.open("GrpHdr");
    xml.text("MsgId", &report.message_id);
    xml.leaf("CreDtTm", &report.created_at.to_string());
    if let Some(name) = &report.initiating_party {
        xml.open("InitgPty");
        xml.text("Nm", name);
        xml.close();
    }
    xml.agent("DbtrAgt", report.debtor_agent);
    xml.close();
}

fn write_group(xml: &mut XmlWriter, report: &PackageReport) {
    xml.open("OrgnlGrpInfAndSts");
    xml.text("OrgnlMsgId", &report.original_message_id);
    xml.leaf("OrgnlMsgNmId", REPORTED_MESSAGE_NAME);
    xml.optional_instant("OrgnlCreDtTm", report.original_created_at);
    write_stated(xml, report.original_transactions, report.original_control_sum);
    if let Some(status) = report.status {
        xml.leaf("GrpSts", status.code());
    }
    write_reason(xml, report.reason.as_ref());
    write_counts(xml, &report.counts);
    xml.close();
}

/// What the original states of its lines.
fn write_stated(xml: &mut XmlWriter, transactions: Option<u64>, sum: Option<ControlSum>) {
    if let Some(transactions) = transactions {
        xml.leaf("OrgnlNbOfTxs", &transactions.to_string());
    }
    if let Some(sum) = sum {
        xml.leaf("OrgnlCtrlSum", &sum.to_decimal());
    }
}

pub(crate) fn write_reason(xml: &mut XmlWriter, detail: Option<&StatusDetail>) {
    let Some(detail) = detail else { return };
    xml.open("StsRsnInf");
    write_originator(xml, detail.originator.as_ref());
    xml.open("Rsn");
    xml.leaf("Cd", detail.reason.as_str());
    xml.close();
    xml.optional_text("AddtlInf", detail.additional_information.as_ref());
    xml.close();
}

fn write_counts(xml: &mut XmlWriter, counts: &[StatusCount]) {
    for count in counts {
        xml.open("NbOfTxsPerSts");
        xml.leaf("DtldNbOfTxs", &count.transactions.to_string());
        xml.leaf("DtldSts", count.status.code());
        if let Some(sum) = count.sum {
            xml.leaf("DtldCtrlSum", &sum.to_decimal());
        }
        xml.close();
    }
}

fn write_payment(xml: &mut XmlWriter, payment: &PaymentReport) {
    xml.text("OrgnlPmtInfId", &payment.original_id);
    write_stated(xml, payment.original_transactions, payment.original_control_sum);
    if let Some(status) = payment.status {
        xml.leaf("PmtInfSts", status.code());
    }
    write_reason(xml, payment.reason.as_ref());
    write_counts(xml, &payment.counts);
}

fn write_line(xml: &mut XmlWriter, line: &LineReport) {
    let has_reason = line.reason.is_some() || line.status != LineStatus::Rejected;
    assert!(has_reason, "a line is rejected for a reason");
    xml.open("TxInfAndSts");
    xml.optional_text("StsId", line.status_id.as_ref());
    xml.optional_text("OrgnlInstrId", line.original_instruction_id.as_ref());
    xml.optional_text("OrgnlEndToEndId", line.original_end_to_end_id.as_ref());
    xml.optional_text("OrgnlUETR", line.original_uetr.as_ref());
    xml.leaf("TxSts", line.status.code());
    write_reason(xml, line.reason.as_ref());
    xml.optional_instant("AccptncDtTm", line.acceptance_time);
    xml.optional_text("AcctSvcrRef", line.servicer_reference.as_ref());
    if let Some(amount) = line.amount {
        xml.open("OrgnlTxRef");
        xml.open("Amt");
        xml.euro("InstdAmt", amount);
        xml.close();
        xml.close();
    }
    xml.close();
}
