//! camt.025.001.05: the receipt for an order about liquidity. It says at once what became of it, because liquidity
//! moves at once or not at all.

use types::{ReasonCode, Text, Timestamp};

use crate::fault::{SchemaFault, Violation};
use crate::message::{MessageKind, open_kind};
use crate::schema::Element;
use crate::values::{instant, once, required, text};
use crate::walk::{Children, Walker};
use crate::xml_write::XmlWriter;
use crate::{CAMT025_NAMESPACE, LiquidityTransfer, wrapper};

/// What became of an order about liquidity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// `MsgHdr/MsgId`.
    pub message_id: Text<35>,
    /// `MsgHdr/CreDtTm`.
    pub created_at: Option<Timestamp>,
    /// `OrgnlMsgId/MsgId`: the `MsgId` of the order.
    pub original_message_id: Text<35>,
    /// `OrgnlMsgId/MsgNmId`: what the order was, such as `camt.050.001.05`.
    pub original_message_name: Option<Text<35>>,
    /// `OrgnlPmtId/TxId`: the order's own reference.
    pub original_reference: Option<Text<35>>,
    /// `ReqHdlg/StsCd`: four capital letters or digits.
    pub status: ReasonCode,
    /// `ReqHdlg/Desc`: one sentence for persons.
    pub description: Option<Text<140>>,
}

impl Receipt {
    /// The receipt for a transfer of liquidity.
    pub fn of(
        transfer: &LiquidityTransfer,
        message_id: Text<35>,
        created_at: Timestamp,
        status: ReasonCode,
        description: Option<Text<140>>,
    ) -> Self {
        Self {
            message_id,
            created_at: Some(created_at),
            original_message_id: transfer.message_id.clone(),
            original_message_name: Text::parse(MessageKind::LiquidityTransfer.name()).ok(),
            original_reference: Some(transfer.end_to_end_id.clone()),
            status,
            description,
        }
    }
}

/// Writes a receipt.
pub fn write_camt025(receipt: &Receipt) -> String {
    let mut xml = XmlWriter::document(CAMT025_NAMESPACE);
    xml.open("Rct");
    xml.open("MsgHdr");
    xml.text("MsgId", &receipt.message_id);
    xml.optional_instant("CreDtTm", receipt.created_at);
    xml.close();
    xml.open("RctDtls");
    xml.open("OrgnlMsgId");
    xml.text("MsgId", &receipt.original_message_id);
    xml.optional_text("MsgNmId", receipt.original_message_name.as_ref());
    xml.close();
    if let Some(reference) = &receipt.original_reference {
        xml.open("OrgnlPmtId");
        xml.text("TxId", reference);
        xml.close();
    }
    xml.open("ReqHdlg");
    xml.leaf("StsCd", receipt.status.as_str());
    xml.optional_text("Desc", receipt.description.as_ref());
    xml.close();
    xml.close();
    xml.close();
    xml.finish()
}

/// Reads a receipt for one order, with or without header.
///
/// # Errors
/// A [`SchemaFault`] if the document does not follow the schema, or is not a receipt with one status for one order.
pub fn read_camt025(document: &[u8]) -> Result<Receipt, SchemaFault> {
    let (walker, opened) = open_kind(document, MessageKind::Receipt)?;
    let (walker, receipt) = read(walker, opened.children)?;
    wrapper::close(walker, opened.wrapper)?;
    Ok(receipt)
}

/// Reads the children of `Document`.
pub(crate) fn read<'document>(
    mut walker: Walker<'document>,
    mut children: Children,
) -> Result<(Walker<'document>, Receipt), SchemaFault> {
    let mut draft = Draft::default();
    while let Some(message) = walker.next(&mut children)? {
        let mut parts = Children::inside(message);
        while let Some(part) = walker.next(&mut parts)? {
            match part.name {
                "MsgHdr" => draft.header(&mut walker, part)?,
                "RctDtls" => {
                    once(&walker, &mut draft.details_seen)?;
                    draft.details(&mut walker, part)?;
                }
                _ => walker.skip(part)?,
            }
        }
    }
    let receipt = draft.receipt(walker.offset())?;
    Ok((walker, receipt))
}

/// What has been read so far.
#[derive(Default)]
struct Draft {
    message_id: Option<Text<35>>,
    created_at: Option<Timestamp>,
    details_seen: bool,
    original_message_id: Option<Text<35>>,
    original_message_name: Option<Text<35>>,
    original_reference: Option<Text<35>>,
    handling_seen: bool,
    status: Option<ReasonCode>,
    description: Option<Text<140>>,
}

impl Draft {
    fn header(&mut self, walker: &mut Walker<'_>, header: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(header);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "MsgId" => self.message_id = Some(text(walker, child)?),
                "CreDtTm" => self.created_at = Some(instant(walker, child)?),
                _ => walker.skip(child)?,
            }
        }
        Ok(())
    }

    fn details(&mut self, walker: &mut Walker<'_>, details: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(details);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "OrgnlMsgId" => self.original_message(walker, child)?,
                "OrgnlPmtId" => self.original_payment(walker, child)?,
                _ => {
                    once(walker, &mut self.handling_seen)?;
                    self.handling(walker, child)?;
                }
            }
        }
        Ok(())
    }

    fn original_message(
        &mut self,
        walker: &mut Walker<'_>,
        element: &'static Element,
    ) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "MsgId" => self.original_message_id = Some(text(walker, child)?),
                "MsgNmId" => self.original_message_name = Some(text(walker, child)?),
                _ => walker.skip(child)?,
            }
        }
        Ok(())
    }

    fn original_payment(
        &mut self,
        walker: &mut Walker<'_>,
        element: &'static Element,
    ) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "TxId" => self.original_reference = Some(text(walker, child)?),
                _ => walker.skip(child)?,
            }
        }
        Ok(())
    }

    fn handling(&mut self, walker: &mut Walker<'_>, element: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "StsCd" => {
                    let code = ReasonCode::parse(&walker.value(child)?);
                    self.status = Some(code.map_err(|_| walker.fault_of(child, Violation::Reason))?);
                }
                _ => self.description = Some(text(walker, child)?),
            }
        }
        Ok(())
    }

    fn receipt(self, end: usize) -> Result<Receipt, SchemaFault> {
        Ok(Receipt {
            message_id: required(self.message_id, "MsgHdr/MsgId", end)?,
            created_at: self.created_at,
            original_message_id: required(self.original_message_id, "RctDtls/OrgnlMsgId/MsgId", end)?,
            original_message_name: self.original_message_name,
            original_reference: self.original_reference,
            status: required(self.status, "RctDtls/ReqHdlg/StsCd", end)?,
            description: self.description,
        })
    }
}
