//! pacs.028.001.03 about recalls: the payer's bank asks for answers that have not come. It hears the answer (camt.029
//! or pacs.004), and where that had come already, the same again.
//!
//! Unlike an enquiry about a payment, one document may ask for several answers, as far as its size allows.

use types::{Bic, CategoryPurpose, Text, Timestamp};

use crate::fault::{SchemaFault, Violation};
use crate::message::{MessageKind, open_kind};
use crate::schema::Element;
use crate::values::{GroupHeader, Original, once, required, same, text};
use crate::walk::{Children, Walker};
use crate::xml_write::XmlWriter;
use crate::{PACS028_NAMESPACE, wrapper};

/// The name by which an enquiry calls the recall, without its version as the guidelines of 2025 have it.
pub(crate) const RECALL_MESSAGE_NAME: &str = "camt.056";

/// An enquiry about recalls of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecallStatusRequest {
    /// `GrpHdr/MsgId`: the enquiry's own identification.
    pub message_id: Text<35>,
    /// `GrpHdr/CreDtTm`.
    pub created_at: Timestamp,
    /// `GrpHdr/InstgAgt`, the sender of this hop.
    pub instructing_agent: Option<Bic>,
    /// `GrpHdr/InstdAgt`, the receiver of this hop.
    pub instructed_agent: Option<Bic>,
    /// `OrgnlGrpInf/OrgnlMsgId`: the `Assgnmt/Id` of the recall.
    pub recall_message_id: Text<35>,
    /// `TxInf`, one for each recalled payment; at least one.
    pub recalled: Vec<RecalledPayment>,
}

/// A payment whose recall has no answer yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecalledPayment {
    /// `StsReqId`: the sender's identification of this question.
    pub request_id: Text<35>,
    /// `OrgnlInstrId`.
    pub original_instruction_id: Option<Text<35>>,
    /// `OrgnlEndToEndId` of the payment.
    pub original_end_to_end_id: Text<35>,
    /// `OrgnlTxId` of the payment; with `debtor_agent` its key.
    pub original_transaction_id: Text<35>,
    /// `OrgnlUETR` of the payment.
    pub original_uetr: Option<Text<36>>,
    /// `AccptncDtTm` of the payment. Written in milliseconds.
    pub acceptance_time: Option<Timestamp>,
    /// `OrgnlTxRef/PmtTpInf/CtgyPurp`.
    pub category_purpose: Option<CategoryPurpose>,
    /// `OrgnlTxRef/DbtrAgt`: the payer's bank.
    pub debtor_agent: Bic,
}

/// Writes an enquiry about recalls.
///
/// # Panics
/// If it asks for nothing.
pub fn write_pacs028_on_recall(request: &RecallStatusRequest) -> String {
    assert!(!request.recalled.is_empty(), "an enquiry asks for at least one answer");
    let mut xml = XmlWriter::document(PACS028_NAMESPACE);
    xml.open("FIToFIPmtStsReq");
    xml.open("GrpHdr");
    xml.text("MsgId", &request.message_id);
    xml.leaf("CreDtTm", &request.created_at.to_string());
    xml.agent("InstgAgt", request.instructing_agent);
    xml.agent("InstdAgt", request.instructed_agent);
    xml.close();
    xml.open("OrgnlGrpInf");
    xml.text("OrgnlMsgId", &request.recall_message_id);
    xml.leaf("OrgnlMsgNmId", RECALL_MESSAGE_NAME);
    xml.close();
    for recalled in &request.recalled {
        write_recalled(&mut xml, recalled);
    }
    xml.close();
    xml.finish()
}

fn write_recalled(xml: &mut XmlWriter, recalled: &RecalledPayment) {
    xml.open("TxInf");
    xml.text("StsReqId", &recalled.request_id);
    xml.optional_text("OrgnlInstrId", recalled.original_instruction_id.as_ref());
    xml.text("OrgnlEndToEndId", &recalled.original_end_to_end_id);
    xml.text("OrgnlTxId", &recalled.original_transaction_id);
    xml.optional_text("OrgnlUETR", recalled.original_uetr.as_ref());
    if let Some(acceptance_time) = recalled.acceptance_time {
        xml.leaf("AccptncDtTm", &acceptance_time.to_string());
    }
    xml.open("OrgnlTxRef");
    xml.payment_type(recalled.category_purpose.as_ref());
    xml.agent("DbtrAgt", Some(recalled.debtor_agent));
    xml.close();
    xml.close();
}

/// Reads an enquiry about recalls, with or without header.
///
/// # Errors
/// A [`SchemaFault`] if the document does not follow the schema, asks about anything else, or lacks a key.
pub fn read_pacs028_on_recall(document: &[u8]) -> Result<RecallStatusRequest, SchemaFault> {
    let (walker, opened) = open_kind(document, MessageKind::StatusRequest)?;
    let (walker, request) = read(walker, opened.children)?;
    wrapper::close(walker, opened.wrapper)?;
    Ok(request)
}

/// Reads the children of `Document`.
pub(crate) fn read<'document>(
    mut walker: Walker<'document>,
    mut children: Children,
) -> Result<(Walker<'document>, RecallStatusRequest), SchemaFault> {
    let mut draft = Draft::default();
    while let Some(message) = walker.next(&mut children)? {
        draft.message(&mut walker, message)?;
    }
    let request = draft.request(walker.offset())?;
    Ok((walker, request))
}

/// What has been read so far.
#[derive(Default)]
struct Draft {
    header: GroupHeader,
    group_seen: bool,
    recall_message_id: Option<Text<35>>,
    recalled: Vec<RecalledPayment>,
}

impl Draft {
    fn message(&mut self, walker: &mut Walker<'_>, message: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(message);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "GrpHdr" => self.header = GroupHeader::read(walker, child)?,
                "OrgnlGrpInf" => {
                    once(walker, &mut self.group_seen)?;
                    self.group(walker, child)?;
                }
                "TxInf" => {
                    let recalled = self.transaction(walker, child)?;
                    self.recalled.push(recalled);
                }
                _ => walker.skip(child)?,
            }
        }
        Ok(())
    }

    /// The recalls of one message are asked for: wherever it is named, it is the same.
    fn group(&mut self, walker: &mut Walker<'_>, group: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(group);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "OrgnlMsgId" => same(walker, child, &mut self.recall_message_id)?,
                "OrgnlMsgNmId" => recall_message_name(walker, child)?,
                _ => walker.skip(child)?,
            }
        }
        Ok(())
    }

    fn transaction(
        &mut self,
        walker: &mut Walker<'_>,
        transaction: &'static Element,
    ) -> Result<RecalledPayment, SchemaFault> {
        let mut request_id = None;
        let mut original = Original::default();
        let mut children = Children::inside(transaction);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "StsReqId" => request_id = Some(text(walker, child)?),
                "OrgnlGrpInf" => self.group(walker, child)?,
                _ => original.read(walker, child)?,
            }
        }
        let end = walker.offset();
        Ok(RecalledPayment {
            request_id: required(request_id, "TxInf/StsReqId", end)?,
            original_instruction_id: original.instruction_id,
            original_end_to_end_id: required(original.end_to_end_id, "TxInf/OrgnlEndToEndId", end)?,
            original_transaction_id: required(original.transaction_id, "TxInf/OrgnlTxId", end)?,
            original_uetr: original.uetr,
            acceptance_time: original.acceptance_time,
            category_purpose: original.category_purpose,
            debtor_agent: required(original.debtor_agent, "TxInf/OrgnlTxRef/DbtrAgt/FinInstnId/BICFI", end)?,
        })
    }

    fn request(self, end: usize) -> Result<RecallStatusRequest, SchemaFault> {
        required((!self.recalled.is_empty()).then_some(()), "TxInf", end)?;
        Ok(RecallStatusRequest {
            message_id: required(self.header.message_id, "GrpHdr/MsgId", end)?,
            created_at: required(self.header.created_at, "GrpHdr/CreDtTm", end)?,
            instructing_agent: self.header.instructing_agent,
            instructed_agent: self.header.instructed_agent,
            recall_message_id: required(self.recall_message_id, "OrgnlGrpInf/OrgnlMsgId", end)?,
            recalled: self.recalled,
        })
    }
}

/// The name of the message that is meant, with or without its version.
fn recall_message_name(walker: &mut Walker<'_>, element: &'static Element) -> Result<(), SchemaFault> {
    match walker.value(element)?.as_ref() {
        RECALL_MESSAGE_NAME | "camt.056.001.08" => Ok(()),
        _ => Err(walker.fault_of(element, Violation::WrongMessage)),
    }
}
