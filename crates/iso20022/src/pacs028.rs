//! pacs.028.001.03: a bank asks what became of its credit transfer, and hears the stored outcome.

use types::{Bic, CategoryPurpose, Text, Timestamp};

use crate::pacs002::ORIGINAL_MESSAGE_NAME;
use crate::xml_write::XmlWriter;
use crate::{PACS028_NAMESPACE, StatusReport};

/// An enquiry about one credit transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusRequest {
    /// `GrpHdr/MsgId`: the enquiry's own identification.
    pub message_id: Text<35>,
    /// `GrpHdr/CreDtTm`.
    pub created_at: Timestamp,
    /// `GrpHdr/InstgAgt`, the sender of this hop.
    pub instructing_agent: Option<Bic>,
    /// `GrpHdr/InstdAgt`, the receiver of this hop.
    pub instructed_agent: Option<Bic>,
    /// `OrgnlGrpInf/OrgnlMsgId`: the `MsgId` of the credit transfer.
    pub original_message_id: Text<35>,
    /// `TxInf/StsReqId`.
    pub request_id: Option<Text<35>>,
    /// `OrgnlInstrId`.
    pub original_instruction_id: Option<Text<35>>,
    /// `OrgnlEndToEndId`.
    pub original_end_to_end_id: Option<Text<35>>,
    /// `OrgnlTxId`; with `debtor_agent` the key of the payment.
    pub original_transaction_id: Text<35>,
    /// `OrgnlUETR`.
    pub original_uetr: Option<Text<36>>,
    /// `AccptncDtTm` of the original. Written in milliseconds.
    pub acceptance_time: Option<Timestamp>,
    /// `OrgnlTxRef/PmtTpInf/CtgyPurp`.
    pub category_purpose: Option<CategoryPurpose>,
    /// `OrgnlTxRef/DbtrAgt`: the payer's bank.
    pub debtor_agent: Bic,
}

impl StatusRequest {
    /// The report that answers an enquiry about a payment that is not known here (`AG09`), or whose texts have
    /// been erased: it repeats the references of the enquiry.
    pub fn answer(&self, message_id: Text<35>, created_at: Timestamp, status: crate::Status) -> StatusReport {
        StatusReport {
            message_id,
            created_at,
            instructing_agent: None,
            instructed_agent: None,
            original_message_id: self.original_message_id.clone(),
            status,
            status_id: None,
            original_instruction_id: self.original_instruction_id.clone(),
            original_end_to_end_id: self.original_end_to_end_id.clone(),
            original_transaction_id: Some(self.original_transaction_id.clone()),
            original_uetr: self.original_uetr.clone(),
            acceptance_time: self.acceptance_time,
            category_purpose: self.category_purpose.clone(),
            debtor_agent: Some(self.debtor_agent),
        }
    }
}

/// Writes an enquiry.
pub fn write_pacs028(request: &StatusRequest) -> String {
    let mut xml = XmlWriter::document(PACS028_NAMESPACE);
    xml.open("FIToFIPmtStsReq");
    xml.open("GrpHdr");
    xml.text("MsgId", &request.message_id);
    xml.leaf("CreDtTm", &request.created_at.to_string());
    xml.agent("InstgAgt", request.instructing_agent);
    xml.agent("InstdAgt", request.instructed_agent);
    xml.close();
    xml.open("OrgnlGrpInf");
    xml.text("OrgnlMsgId", &request.original_message_id);
    xml.leaf("OrgnlMsgNmId", ORIGINAL_MESSAGE_NAME);
    xml.close();
    xml.open("TxInf");
    xml.optional_text("StsReqId", request.request_id.as_ref());
    xml.optional_text("OrgnlInstrId", request.original_instruction_id.as_ref());
    xml.optional_text("OrgnlEndToEndId", request.original_end_to_end_id.as_ref());
    xml.text("OrgnlTxId", &request.original_transaction_id);
    xml.optional_text("OrgnlUETR", request.original_uetr.as_ref());
    if let Some(acceptance_time) = request.acceptance_time {
        xml.leaf("AccptncDtTm", &acceptance_time.to_string());
    }
    xml.open("OrgnlTxRef");
    xml.payment_type(request.category_purpose.as_ref());
    xml.agent("DbtrAgt", Some(request.debtor_agent));
    xml.close();
    xml.close();
    xml.close();
    xml.finish()
}
