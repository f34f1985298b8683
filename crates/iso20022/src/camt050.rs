//! camt.050.001.05: a participant moves liquidity between two accounts of its own.
//!
//! Which accounts those are, and which pairs are allowed, is for the ledger to know.

use types::{Amount, Bic, Date, Text, Timestamp};

use crate::fault::{SchemaFault, Violation};
use crate::message::{MessageKind, open_kind};
use crate::schema::Element;
use crate::values::{account_id, bic, day, euro, instant, required, text};
use crate::walk::{Children, Walker};
use crate::xml_write::XmlWriter;
use crate::{CAMT050_NAMESPACE, wrapper};

/// An order to move liquidity at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiquidityTransfer {
    /// `MsgHdr/MsgId`.
    pub message_id: Text<35>,
    /// `MsgHdr/CreDtTm`.
    pub created_at: Option<Timestamp>,
    /// `LqdtyTrfId/InstrId`.
    pub instruction_id: Option<Text<35>>,
    /// `LqdtyTrfId/EndToEndId`: the sender's reference, by which a repetition is recognised.
    pub end_to_end_id: Text<35>,
    /// `LqdtyTrfId/TxId`.
    pub transaction_id: Option<Text<35>>,
    /// `LqdtyTrfId/UETR`.
    pub uetr: Option<Text<36>>,
    /// `Cdtr`: whose account is credited.
    pub creditor: Option<Bic>,
    /// `CdtrAcct`: an IBAN or another identification.
    pub creditor_account: Text<34>,
    /// `TrfdAmt/AmtWthCcy`, in euro.
    pub amount: Amount,
    /// `Dbtr`: whose account is debited.
    pub debtor: Option<Bic>,
    /// `DbtrAcct`: an IBAN or another identification.
    pub debtor_account: Text<34>,
    /// `SttlmDt`.
    pub settlement_date: Option<Date>,
}

/// Writes an order to move liquidity.
pub fn write_camt050(transfer: &LiquidityTransfer) -> String {
    let mut xml = XmlWriter::document(CAMT050_NAMESPACE);
    xml.open("LqdtyCdtTrf");
    xml.open("MsgHdr");
    xml.text("MsgId", &transfer.message_id);
    xml.optional_instant("CreDtTm", transfer.created_at);
    xml.close();
    xml.open("LqdtyCdtTrf");
    xml.open("LqdtyTrfId");
    xml.optional_text("InstrId", transfer.instruction_id.as_ref());
    xml.text("EndToEndId", &transfer.end_to_end_id);
    xml.optional_text("TxId", transfer.transaction_id.as_ref());
    xml.optional_text("UETR", transfer.uetr.as_ref());
    xml.close();
    xml.agent("Cdtr", transfer.creditor);
    xml.account("CdtrAcct", &transfer.creditor_account);
    xml.open("TrfdAmt");
    xml.euro("AmtWthCcy", transfer.amount);
    xml.close();
    xml.agent("Dbtr", transfer.debtor);
    xml.account("DbtrAcct", &transfer.debtor_account);
    if let Some(date) = transfer.settlement_date {
        xml.leaf("SttlmDt", &date.to_string());
    }
    xml.close();
    xml.close();
    xml.finish()
}

/// Reads an order to move liquidity, with or without header.
///
/// # Errors
/// A [`SchemaFault`] if the document does not follow the schema, or lacks reference, accounts or an amount in euro.
pub fn read_camt050(document: &[u8]) -> Result<LiquidityTransfer, SchemaFault> {
    let (walker, opened) = open_kind(document, MessageKind::LiquidityTransfer)?;
    let (walker, transfer) = read(walker, opened.children)?;
    wrapper::close(walker, opened.wrapper)?;
    Ok(transfer)
}

/// Reads the children of `Document`.
pub(crate) fn read<'document>(
    mut walker: Walker<'document>,
    mut children: Children,
) -> Result<(Walker<'document>, LiquidityTransfer), SchemaFault> {
    let mut draft = Draft::default();
    while let Some(message) = walker.next(&mut children)? {
        let mut parts = Children::inside(message);
        while let Some(part) = walker.next(&mut parts)? {
            match part.name {
                "MsgHdr" => draft.header(&mut walker, part)?,
                "LqdtyCdtTrf" => draft.transfer(&mut walker, part)?,
                _ => walker.skip(part)?,
            }
        }
    }
    let transfer = draft.finish(walker.offset())?;
    Ok((walker, transfer))
}

/// What has been read so far.
#[derive(Default)]
struct Draft {
    message_id: Option<Text<35>>,
    created_at: Option<Timestamp>,
    instruction_id: Option<Text<35>>,
    end_to_end_id: Option<Text<35>>,
    transaction_id: Option<Text<35>>,
    uetr: Option<Text<36>>,
    creditor: Option<Bic>,
    creditor_account: Option<Text<34>>,
    amount: Option<Amount>,
    debtor: Option<Bic>,
    debtor_account: Option<Text<34>>,
    settlement_date: Option<Date>,
}

impl Draft {
    fn header(&mut self, walker: &mut Walker<'_>, header: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(header);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "MsgId" => self.message_id = Some(text(walker, child)?),
                _ => self.created_at = Some(instant(walker, child)?),
            }
        }
        Ok(())
    }

    fn transfer(&mut self, walker: &mut Walker<'_>, transfer: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(transfer);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "LqdtyTrfId" => self.identification(walker, child)?,
                "Cdtr" => self.creditor = bic(walker, child)?,
                "CdtrAcct" => self.creditor_account = Some(account_id(walker, child)?),
                "TrfdAmt" => self.amount(walker, child)?,
                "Dbtr" => self.debtor = bic(walker, child)?,
                "DbtrAcct" => self.debtor_account = Some(account_id(walker, child)?),
                "SttlmDt" => self.settlement_date = Some(day(walker, child)?),
                _ => walker.skip(child)?,
            }
        }
        Ok(())
    }

    fn identification(
        &mut self,
        walker: &mut Walker<'_>,
        element: &'static Element,
    ) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "InstrId" => self.instruction_id = Some(text(walker, child)?),
                "EndToEndId" => self.end_to_end_id = Some(text(walker, child)?),
                "TxId" => self.transaction_id = Some(text(walker, child)?),
                _ => self.uetr = Some(text(walker, child)?),
            }
        }
        Ok(())
    }

    /// An amount without currency would be in that of an account, which the sender had to know; it is not guessed.
    fn amount(&mut self, walker: &mut Walker<'_>, element: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "AmtWthCcy" => self.amount = Some(euro(walker, child)?),
                _ => return Err(walker.fault(Violation::Amount)),
            }
        }
        Ok(())
    }

    fn finish(self, end: usize) -> Result<LiquidityTransfer, SchemaFault> {
        Ok(LiquidityTransfer {
            message_id: required(self.message_id, "MsgHdr/MsgId", end)?,
            created_at: self.created_at,
            instruction_id: self.instruction_id,
            end_to_end_id: required(self.end_to_end_id, "LqdtyCdtTrf/LqdtyTrfId/EndToEndId", end)?,
            transaction_id: self.transaction_id,
            uetr: self.uetr,
            creditor: self.creditor,
            creditor_account: required(self.creditor_account, "LqdtyCdtTrf/CdtrAcct", end)?,
            amount: required(self.amount, "LqdtyCdtTrf/TrfdAmt/AmtWthCcy", end)?,
            debtor: self.debtor,
            debtor_account: required(self.debtor_account, "LqdtyCdtTrf/DbtrAcct", end)?,
            settlement_date: self.settlement_date,
        })
    }
}
