//! Reads camt.056.001.08.
//!
//! Strict about the schema and about what makes a request clear: one payment with its key, amount and date, and one
//! reason from one who may give it.

use types::{Bic, RecallKind, RecallReason, Text};

use crate::fault::{SchemaFault, Violation};
use crate::limits::ADDITIONAL_INFORMATION_MAX;
use crate::message::{MessageKind, open_kind};
use crate::original_read::{OriginalDraft, read_assignment};
use crate::pacs002_read::originator_parts;
use crate::pacs008_read::Reader;
use crate::schema::Element;
use crate::values::{fixed, once, required, text};
use crate::walk::{Children, Walker};
use crate::{Assignment, Originator, Recall, Rules, wrapper};

/// Reads a request to give a payment back, with or without header.
///
/// # Errors
/// A [`SchemaFault`] if the document does not follow the schema, asks for no or several payments, gives no reason of
/// the scheme, or lacks what finds the payment.
pub fn read_camt056(document: &[u8]) -> Result<Recall, SchemaFault> {
    let (walker, opened) = open_kind(document, MessageKind::Recall)?;
    let (walker, recall) = read(walker, opened.children)?;
    wrapper::close(walker, opened.wrapper)?;
    Ok(recall)
}

/// Reads the children of `Document`.
pub(crate) fn read<'document>(
    walker: Walker<'document>,
    mut children: Children,
) -> Result<(Walker<'document>, Recall), SchemaFault> {
    let rules = Rules::pass_through(Vec::new());
    let mut reader = Reader::of_copy(walker, &rules);
    let mut draft = Draft::default();
    while let Some(message) = reader.walker.next(&mut children)? {
        draft.message(&mut reader, message)?;
    }
    let walker = reader.end_of_copy()?;
    let recall = draft.recall(walker.offset())?;
    Ok((walker, recall))
}

/// What has been read so far.
#[derive(Default)]
struct Draft {
    assignment: Option<Assignment>,
    transaction_seen: bool,
    cancellation_id: Option<Text<35>>,
    original: OriginalDraft,
    reason_seen: bool,
    originator: (Option<Bic>, Option<Text<140>>),
    reason: Option<RecallReason>,
    additional_information: Vec<Text<105>>,
}

impl Draft {
    fn message(&mut self, reader: &mut Reader<'_, '_>, message: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(message);
        while let Some(child) = reader.walker.next(&mut children)? {
            match child.name {
                "Assgnmt" => self.assignment = Some(read_assignment(&mut reader.walker, child)?),
                "CtrlData" => control(&mut reader.walker, child)?,
                "Undrlyg" => self.underlying(reader, child)?,
                _ => reader.walker.skip(child)?,
            }
        }
        Ok(())
    }

    fn underlying(
        &mut self,
        reader: &mut Reader<'_, '_>,
        underlying: &'static Element,
    ) -> Result<(), SchemaFault> {
        let mut children = Children::inside(underlying);
        while let Some(child) = reader.walker.next(&mut children)? {
            match child.name {
                "TxInf" => {
                    once(&reader.walker, &mut self.transaction_seen)?;
                    self.transaction(reader, child)?;
                }
                // A whole message at once is not asked back: it has one payment, which is to be named.
                _ => return Err(reader.walker.fault(Violation::Rule)),
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
            match child.name {
                "CxlId" => self.cancellation_id = Some(text(&mut reader.walker, child)?),
                "CxlRsnInf" => {
                    once(&reader.walker, &mut self.reason_seen)?;
                    self.reason_information(&mut reader.walker, child)?;
                }
                _ => self.original.read(reader, child)?,
            }
        }
        Ok(())
    }

    fn reason_information(
        &mut self,
        walker: &mut Walker<'_>,
        element: &'static Element,
    ) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "Orgtr" => self.originator = originator_parts(walker, child)?,
                "Rsn" => self.reason = Some(reason(walker, child)?),
                _ if self.additional_information.len() == ADDITIONAL_INFORMATION_MAX => {
                    return Err(walker.fault(Violation::Repeated));
                }
                _ => self.additional_information.push(text(walker, child)?),
            }
        }
        Ok(())
    }

    fn recall(self, end: usize) -> Result<Recall, SchemaFault> {
        let below = |name: &str| format!("Undrlyg/TxInf/{name}");
        let (amount, date) = (self.original.amount, self.original.settlement_date);
        let reason = required(self.reason, &below("CxlRsnInf/Rsn/Cd"), end)?;
        let originator = match (reason.kind(), self.originator) {
            (RecallKind::Bank, (Some(bank), _)) => Originator::Bank(bank),
            (RecallKind::Originator, (_, Some(name))) => Originator::Customer(name),
            (RecallKind::Bank, (None, _)) | (RecallKind::Originator, (_, None)) => {
                let path = below("CxlRsnInf/Orgtr");
                return Err(SchemaFault { path, offset: end, what: Violation::Reason });
            }
        };
        let (original, details) = self.original.conclude("Undrlyg/TxInf", end)?;
        Ok(Recall {
            assignment: required(self.assignment, "Assgnmt", end)?,
            cancellation_id: required(self.cancellation_id, &below("CxlId"), end)?,
            original,
            original_amount: required(amount, &below("OrgnlIntrBkSttlmAmt"), end)?,
            original_settlement_date: required(date, &below("OrgnlIntrBkSttlmDt"), end)?,
            originator,
            reason,
            additional_information: self.additional_information,
            details,
        })
    }
}

/// `CtrlData` counts what follows, which is one payment.
fn control(walker: &mut Walker<'_>, control: &'static Element) -> Result<(), SchemaFault> {
    let mut children = Children::inside(control);
    while let Some(child) = walker.next(&mut children)? {
        match child.name {
            "NbOfTxs" => fixed(walker, child, "1")?,
            _ => walker.skip(child)?,
        }
    }
    Ok(())
}

/// The code. Before the list of codes had them all, some were names of the scheme's own; those are still read.
fn reason(walker: &mut Walker<'_>, element: &'static Element) -> Result<RecallReason, SchemaFault> {
    const NAMED_BEFORE: [RecallReason; 4] = [
        RecallReason::TechnicalProblem,
        RecallReason::Fraud,
        RecallReason::WrongAccount,
        RecallReason::WrongAmount,
    ];
    let mut reason = None;
    let mut children = Children::inside(element);
    while let Some(child) = walker.next(&mut children)? {
        let value = walker.value(child)?;
        reason = RecallReason::from_code(value.as_bytes())
            .filter(|reason| child.name == "Cd" || NAMED_BEFORE.contains(reason));
        if reason.is_none() {
            return Err(walker.fault_of(child, Violation::Reason));
        }
    }
    Ok(reason.expect("the walker ends a choice only after one of its elements"))
}
