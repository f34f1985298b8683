//! Reads pacs.004.001.09.
//!
//! Strict about the schema and about what makes a return clear: one payment with its key and amount, euro, amounts
//! that agree, and the one reason of the scheme. That the payment was asked back is for the ledger to know.

use types::{Amount, Date, SettlementMethod, Text};

use crate::fault::{SchemaFault, Violation};
use crate::message::{MessageKind, open_kind};
use crate::original_read::OriginalDraft;
use crate::pacs002_read::originator;
use crate::pacs004::FOLLOWING_CANCELLATION_REQUEST;
use crate::pacs008_read::Reader;
use crate::schema::Element;
use crate::values::{
    GroupHeader, bic, day, euro, fixed, once, reason_code, required, same_day, settlement_method, text,
};
use crate::walk::{Children, Walker};
use crate::{Originator, PaymentReturn, ReturnFee, Rules, wrapper};

/// Reads the return of a payment, with or without header.
///
/// # Errors
/// A [`SchemaFault`] if the document does not follow the schema, breaks a rule of the scheme, or lacks what finds the
/// payment.
pub fn read_pacs004(document: &[u8]) -> Result<PaymentReturn, SchemaFault> {
    let (walker, opened) = open_kind(document, MessageKind::Return)?;
    let (walker, payment_return) = read(walker, opened.children)?;
    wrapper::close(walker, opened.wrapper)?;
    Ok(payment_return)
}

/// Reads the children of `Document`.
pub(crate) fn read<'document>(
    walker: Walker<'document>,
    mut children: Children,
) -> Result<(Walker<'document>, PaymentReturn), SchemaFault> {
    let rules = Rules::pass_through(Vec::new());
    let mut reader = Reader::of_copy(walker, &rules);
    let mut draft = Draft::default();
    while let Some(message) = reader.walker.next(&mut children)? {
        draft.message(&mut reader, message)?;
    }
    let walker = reader.end_of_copy()?;
    let payment_return = draft.payment_return(walker.offset())?;
    Ok((walker, payment_return))
}

/// What has been read so far.
#[derive(Default)]
struct Draft {
    header: GroupHeader,
    total: Option<Amount>,
    settlement_date: Option<Date>,
    settlement_method: Option<SettlementMethod>,
    transaction_seen: bool,
    return_id: Option<Text<35>>,
    original: OriginalDraft,
    returned: Option<Amount>,
    returned_instructed: Option<Amount>,
    fee_seen: bool,
    fee: Option<ReturnFee>,
    reason_seen: bool,
    originator: Option<Originator>,
    recall_reference: Option<Text<105>>,
}

impl Draft {
    fn message(&mut self, reader: &mut Reader<'_, '_>, message: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(message);
        while let Some(child) = reader.walker.next(&mut children)? {
            match child.name {
                "GrpHdr" => self.group_header(&mut reader.walker, child)?,
                "OrgnlGrpInf" => self.original_group(&mut reader.walker, child)?,
                "TxInf" => {
                    once(&reader.walker, &mut self.transaction_seen)?;
                    self.transaction(reader, child)?;
                }
                _ => reader.walker.skip(child)?,
            }
        }
        Ok(())
    }

    fn group_header(&mut self, walker: &mut Walker<'_>, header: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(header);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "NbOfTxs" => fixed(walker, child, "1")?,
                // The whole message is one payment, which is named.
                "GrpRtr" => return Err(walker.fault(Violation::Rule)),
                "TtlRtrdIntrBkSttlmAmt" => self.total = Some(euro(walker, child)?),
                "IntrBkSttlmDt" => self.settlement_date = Some(day(walker, child)?),
                "SttlmInf" => self.settlement_method = settlement_method(walker, child)?,
                _ => self.header.child(walker, child)?,
            }
        }
        Ok(())
    }

    /// The original may be named in the group or in the transaction, and so may the reason.
    fn original_group(
        &mut self,
        walker: &mut Walker<'_>,
        group: &'static Element,
    ) -> Result<(), SchemaFault> {
        let mut children = Children::inside(group);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "RtrRsnInf" => {
                    once(walker, &mut self.reason_seen)?;
                    self.reason(walker, child)?;
                }
                _ => self.original.group_child(walker, child)?,
            }
        }
        Ok(())
    }

    fn transaction(
        &mut self,
        reader: &mut Reader<'_, '_>,
        transaction: &'static Element,
    ) -> Result<(), SchemaFault> {
        let mut children = Children::inside(transaction);
        while let Some(child) = reader.walker.next(&mut children)? {
            let walker = &mut reader.walker;
            match child.name {
                "RtrId" => self.return_id = Some(text(walker, child)?),
                "RtrdIntrBkSttlmAmt" => self.returned = Some(euro(walker, child)?),
                "IntrBkSttlmDt" => same_day(walker, child, &mut self.settlement_date)?,
                "RtrdInstdAmt" => self.returned_instructed = Some(euro(walker, child)?),
                "ChrgBr" => fixed(walker, child, "SLEV")?,
                "ChrgsInf" => {
                    once(walker, &mut self.fee_seen)?;
                    self.fee(walker, child)?;
                }
                "InstgAgt" | "InstdAgt" => self.header.child(walker, child)?,
                "RtrRsnInf" => {
                    once(walker, &mut self.reason_seen)?;
                    self.reason(walker, child)?;
                }
                _ => self.original.read(reader, child)?,
            }
        }
        Ok(())
    }

    fn fee(&mut self, walker: &mut Walker<'_>, charges: &'static Element) -> Result<(), SchemaFault> {
        let (mut amount, mut agent) = (None, None);
        let mut children = Children::inside(charges);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "Amt" => amount = Some(euro(walker, child)?),
                _ => agent = bic(walker, child)?,
            }
        }
        let path = "TxInf/ChrgsInf/Agt/FinInstnId/BICFI";
        let agent = required(agent, path, walker.offset())?;
        self.fee = amount.map(|amount| ReturnFee { amount, agent });
        Ok(())
    }

    fn reason(&mut self, walker: &mut Walker<'_>, element: &'static Element) -> Result<(), SchemaFault> {
        let mut found = false;
        let mut children = Children::inside(element);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "Orgtr" => self.originator = originator(walker, child)?,
                "Rsn" => {
                    found = reason_code(walker, child)?.as_str() == FOLLOWING_CANCELLATION_REQUEST;
                    if !found {
                        return Err(walker.fault_of(child, Violation::Reason));
                    }
                }
                _ if self.recall_reference.is_none() => self.recall_reference = Some(text(walker, child)?),
                _ => walker.skip(child)?,
            }
        }
        match found {
            true => Ok(()),
            false => required::<()>(None, "TxInf/RtrRsnInf/Rsn/Cd", walker.offset()),
        }
    }

    fn payment_return(self, end: usize) -> Result<PaymentReturn, SchemaFault> {
        let settlement_method = required(self.settlement_method, "GrpHdr/SttlmInf/SttlmMtd", end)?;
        let (original_amount, original_settlement_date) =
            (self.original.amount, self.original.settlement_date);
        let (original, details) = self.original.conclude("TxInf", end)?;
        let read = PaymentReturn {
            message_id: required(self.header.message_id, "GrpHdr/MsgId", end)?,
            created_at: required(self.header.created_at, "GrpHdr/CreDtTm", end)?,
            settlement_date: required(self.settlement_date, "GrpHdr/IntrBkSttlmDt", end)?,
            settlement_method,
            instructing_agent: self.header.instructing_agent,
            instructed_agent: self.header.instructed_agent,
            return_id: required(self.return_id, "TxInf/RtrId", end)?,
            original,
            original_amount: required(original_amount, "TxInf/OrgnlIntrBkSttlmAmt", end)?,
            original_settlement_date,
            returned_amount: required(self.returned, "TxInf/RtrdIntrBkSttlmAmt", end)?,
            returned_instructed_amount: self.returned_instructed,
            fee: self.fee,
            originator: required(self.originator, "TxInf/RtrRsnInf/Orgtr", end)?,
            recall_reference: required(self.recall_reference, "TxInf/RtrRsnInf/AddtlInf", end)?,
            details,
        };
        let total = required(self.total, "GrpHdr/TtlRtrdIntrBkSttlmAmt", end)?;
        let contradiction = match read.contradiction() {
            Some(element) => Some(format!("TxInf/{element}")),
            None if total != read.returned_amount => Some("GrpHdr/TtlRtrdIntrBkSttlmAmt".to_owned()),
            None => None,
        };
        match contradiction {
            Some(path) => Err(SchemaFault { path, offset: end, what: Violation::Amount }),
            None => Ok(read),
        }
    }
}
