//! Reads pacs.028.001.03.
//!
//! Strict about the schema, and about what finds the payment again: its key has to be there. Elements that a
//! [`StatusRequest`] has no place for are passed over.

use types::Text;

use crate::fault::SchemaFault;
use crate::message::{MessageKind, open_kind};
use crate::schema::Element;
use crate::values::{GroupHeader, Original, once, required, text};
use crate::walk::{Children, Walker};
use crate::{StatusRequest, wrapper};

/// Reads an enquiry about one credit transfer, with or without header.
///
/// # Errors
/// A [`SchemaFault`] if the document does not follow the schema, or lacks the key of the payment.
pub fn read_pacs028(document: &[u8]) -> Result<StatusRequest, SchemaFault> {
    let (walker, opened) = open_kind(document, MessageKind::StatusRequest)?;
    let (walker, request) = read(walker, opened.children)?;
    wrapper::close(walker, opened.wrapper)?;
    Ok(request)
}

/// Reads the children of `Document`.
pub(crate) fn read<'document>(
    mut walker: Walker<'document>,
    mut children: Children,
) -> Result<(Walker<'document>, StatusRequest), SchemaFault> {
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
    transaction_seen: bool,
    request_id: Option<Text<35>>,
    original: Original,
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
                    once(walker, &mut self.transaction_seen)?;
                    self.transaction(walker, child)?;
                }
                _ => walker.skip(child)?,
            }
        }
        Ok(())
    }

    fn group(&mut self, walker: &mut Walker<'_>, group: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(group);
        while let Some(child) = walker.next(&mut children)? {
            self.original.read(walker, child)?;
        }
        Ok(())
    }

    fn transaction(
        &mut self,
        walker: &mut Walker<'_>,
        transaction: &'static Element,
    ) -> Result<(), SchemaFault> {
        let mut children = Children::inside(transaction);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "StsReqId" => self.request_id = Some(text(walker, child)?),
                "OrgnlGrpInf" => self.group(walker, child)?,
                _ => self.original.read(walker, child)?,
            }
        }
        Ok(())
    }

    fn request(self, end: usize) -> Result<StatusRequest, SchemaFault> {
        Ok(StatusRequest {
            message_id: required(self.header.message_id, "GrpHdr/MsgId", end)?,
            created_at: required(self.header.created_at, "GrpHdr/CreDtTm", end)?,
            instructing_agent: self.header.instructing_agent,
            instructed_agent: self.header.instructed_agent,
            original_message_id: required(self.original.message_id, "OrgnlGrpInf/OrgnlMsgId", end)?,
            request_id: self.request_id,
            original_instruction_id: self.original.instruction_id,
            original_end_to_end_id: self.original.end_to_end_id,
            original_transaction_id: required(self.original.transaction_id, "TxInf/OrgnlTxId", end)?,
            original_uetr: self.original.uetr,
            acceptance_time: self.original.acceptance_time,
            category_purpose: self.original.category_purpose,
            debtor_agent: required(
                self.original.debtor_agent,
                "TxInf/OrgnlTxRef/DbtrAgt/FinInstnId/BICFI",
                end,
            )?,
        })
    }
}
