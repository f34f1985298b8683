//! pain.014.001.07: where requests to pay stand.

use types::{Bic, Text, Timestamp};

use crate::pain002::StatusDetail;
use crate::pain002_write::write_reason;
use crate::xml_write::XmlWriter;
use crate::{ActivationRequest, NOT_PROVIDED, PAIN014_NAMESPACE, RequestedPayment};

/// The name that reports give for the original.
pub(crate) const REQUESTED_MESSAGE_NAME: &str = "pain.013.001.07";

/// A report on requests of one document, or on one that came without a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationReport {
    /// `GrpHdr/MsgId`: this report's own identification.
    pub message_id: Text<35>,
    /// `GrpHdr/CreDtTm`.
    pub created_at: Timestamp,
    /// `GrpHdr/InitgPty/Nm`: who made the document. Personal data.
    pub initiating_party: Option<Text<140>>,
    /// `GrpHdr/CdtrAgt`: the payee's bank.
    pub creditor_agent: Option<Bic>,
    /// `OrgnlMsgId`: the `MsgId` of the document, or [`NOT_PROVIDED`].
    pub original_message_id: Text<35>,
    /// `OrgnlCreDtTm`.
    pub original_created_at: Option<Timestamp>,
    /// Where each request stands.
    pub requests: Vec<RequestReport>,
}

/// `TxInfAndSts`: where one request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestReport {
    /// `OrgnlPmtInfId`, which is [`NOT_PROVIDED`] if the request has none.
    pub payment_information_id: Option<Text<35>>,
    /// `StsId`: the id of the request, if it was taken.
    pub request_id: Option<Text<35>>,
    /// `OrgnlInstrId`.
    pub instruction_id: Option<Text<35>>,
    /// `OrgnlEndToEndId`.
    pub end_to_end_id: Option<Text<35>>,
    /// `OrgnlUETR`.
    pub uetr: Option<Text<36>>,
    /// `TxSts`.
    pub status: ActivationStatus,
    /// `StsRsnInf`: why it was not taken, was refused, or was not paid. A rejected one has it.
    pub reason: Option<StatusDetail>,
    /// `DbtrDcsnDtTm`: when the payer has answered. Written in milliseconds.
    pub decided_at: Option<Timestamp>,
    /// `AcctSvcrRef`: the payment, as the payer's bank calls it.
    pub servicer_reference: Option<Text<35>>,
}

impl RequestReport {
    /// A report on a requested payment, of which nothing is said yet but that it was received.
    pub fn on_payment(payment: &RequestedPayment) -> Self {
        Self {
            payment_information_id: payment.payment_information_id.clone(),
            request_id: None,
            instruction_id: payment.instruction_id.clone(),
            end_to_end_id: Some(payment.end_to_end_id.clone()),
            uetr: payment.uetr.clone(),
            status: ActivationStatus::Received,
            reason: None,
            decided_at: None,
            servicer_reference: None,
        }
    }
}

impl ActivationReport {
    /// A report on this document, without its requests.
    pub fn on_request(request: &ActivationRequest, message_id: Text<35>, created_at: Timestamp) -> Self {
        Self {
            message_id,
            created_at,
            initiating_party: request.initiating_party.clone(),
            creditor_agent: request.payments.first().map(|payment| payment.creditor_agent),
            original_message_id: request.message_id.clone(),
            original_created_at: Some(request.created_at),
            requests: Vec::new(),
        }
    }
}

/// Where a request stands: codes of ISO 20022's list for transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivationStatus {
    /// `RCVD`: it waits for the payer, who has not seen it yet.
    Received,
    /// `PRES`: the payer has seen it.
    Presented,
    /// `ACCP`: the payer has accepted it, and its payment is on the way or waits for its day.
    Accepted,
    /// `ACSC`: it has been paid.
    Settled,
    /// `RJCT`: it was not taken, the payer has refused it, or its time is over.
    Rejected,
    /// `CANC`: the payee has taken it back.
    Cancelled,
}

impl ActivationStatus {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::Received, Self::Presented, Self::Accepted, Self::Settled, Self::Rejected, Self::Cancelled];

    /// Its code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Received => "RCVD",
            Self::Presented => "PRES",
            Self::Accepted => "ACCP",
            Self::Settled => "ACSC",
            Self::Rejected => "RJCT",
            Self::Cancelled => "CANC",
        }
    }
}

/// Writes a report. Requests of one payment information that follow each other stand in one.
///
/// # Panics
/// If a request is rejected without a reason.
pub fn write_pain014(report: &ActivationReport) -> String {
    let mut xml = XmlWriter::document(PAIN014_NAMESPACE);
    xml.open("CdtrPmtActvtnReqStsRpt");
    xml.open("GrpHdr");
    xml.text("MsgId", &report.message_id);
    xml.leaf("CreDtTm", &report.created_at.to_string());
    xml.open("InitgPty");
    xml.optional_text("Nm", report.initiating_party.as_ref());
    xml.close();
    xml.agent("CdtrAgt", report.creditor_agent);
    xml.close();
    xml.open("OrgnlGrpInfAndSts");
    xml.text("OrgnlMsgId", &report.original_message_id);
    xml.leaf("OrgnlMsgNmId", REQUESTED_MESSAGE_NAME);
    xml.optional_instant("OrgnlCreDtTm", report.original_created_at);
    xml.close();
    let of_one = |before: &RequestReport, next: &RequestReport| {
        before.payment_information_id == next.payment_information_id
    };
    for group in report.requests.chunk_by(of_one) {
        xml.open("OrgnlPmtInfAndSts");
        match group.first().and_then(|first| first.payment_information_id.as_ref()) {
            Some(id) => xml.text("OrgnlPmtInfId", id),
            None => xml.leaf("OrgnlPmtInfId", NOT_PROVIDED),
        }
        group.iter().for_each(|request| write_request(&mut xml, request));
        xml.close();
    }
    xml.close();
    xml.finish()
}

fn write_request(xml: &mut XmlWriter, request: &RequestReport) {
    let has_reason = request.reason.is_some() || request.status != ActivationStatus::Rejected;
    assert!(has_reason, "a request is rejected for a reason");
    xml.open("TxInfAndSts");
    xml.optional_text("StsId", request.request_id.as_ref());
    xml.optional_text("OrgnlInstrId", request.instruction_id.as_ref());
    xml.optional_text("OrgnlEndToEndId", request.end_to_end_id.as_ref());
    xml.optional_text("OrgnlUETR", request.uetr.as_ref());
    xml.leaf("TxSts", request.status.code());
    write_reason(xml, request.reason.as_ref());
    xml.optional_instant("DbtrDcsnDtTm", request.decided_at);
    xml.optional_text("AcctSvcrRef", request.servicer_reference.as_ref());
    xml.close();
}
