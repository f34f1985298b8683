//! Reads camt.029.001.09, as far as it refuses to give a payment back. The positive answer is a pacs.004.

use types::{RecallRefusal, Text};

use crate::camt029::REJECTED;
use crate::fault::{SchemaFault, Violation};
use crate::limits::ADDITIONAL_INFORMATION_MAX;
use crate::message::{MessageKind, open_kind};
use crate::original_read::{OriginalDraft, read_assignment};
use crate::pacs002_read::originator;
use crate::pacs008_read::Reader;
use crate::schema::Element;
use crate::values::{fixed, once, reason_code, required, text};
use crate::walk::{Children, Walker};
use crate::{Assignment, NegativeAnswer, Originator, Rules, wrapper};

/// Reads the refusal to give a payment back, with or without header.
///
/// # Errors
/// A [`SchemaFault`] if the document does not follow the schema, is another answer, does not say what its reason
/// requires, or lacks what finds the payment.
pub fn read_camt029(document: &[u8]) -> Result<NegativeAnswer, SchemaFault> {
    let (walker, opened) = open_kind(document, MessageKind::NegativeAnswer)?;
    let (walker, answer) = read(walker, opened.children)?;
    wrapper::close(walker, opened.wrapper)?;
    Ok(answer)
}

/// Reads the children of `Document`.
pub(crate) fn read<'document>(
    walker: Walker<'document>,
    mut children: Children,
) -> Result<(Walker<'document>, NegativeAnswer), SchemaFault> {
    let rules = Rules::pass_through(Vec::new());
    let mut reader = Reader::of_copy(walker, &rules);
    let mut draft = Draft::default();
    while let Some(message) = reader.walker.next(&mut children)? {
        draft.message(&mut reader, message)?;
    }
    let walker = reader.end_of_copy()?;
    let answer = draft.answer(walker.offset())?;
    Ok((walker, answer))
}

/// What has been read so far.
#[derive(Default)]
struct Draft {
    assignment: Option<Assignment>,
    transaction_seen: bool,
    cancellation_status_id: Option<Text<35>>,
    original: OriginalDraft,
    status_seen: bool,
    reason_seen: bool,
    originator: Option<Originator>,
    reason: Option<RecallRefusal>,
    additional_information: Vec<Text<105>>,
}

impl Draft {
    fn message(&mut self, reader: &mut Reader<'_, '_>, message: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(message);
        while let Some(child) = reader.walker.next(&mut children)? {
            match child.name {
                "Assgnmt" => self.assignment = Some(read_assignment(&mut reader.walker, child)?),
                "Sts" => status(&mut reader.walker, child)?,
                "CxlDtls" => self.cancellation(reader, child)?,
                // Answers to other questions than whether a payment is given back.
                "ModDtls" | "ClmNonRctDtls" | "StmtDtls" | "CrrctnTx" => {
                    return Err(reader.walker.fault(Violation::Rule));
                }
                _ => reader.walker.skip(child)?,
            }
        }
        Ok(())
    }

    fn cancellation(
        &mut self,
        reader: &mut Reader<'_, '_>,
        cancellation: &'static Element,
    ) -> Result<(), SchemaFault> {
        let mut children = Children::inside(cancellation);
        while let Some(child) = reader.walker.next(&mut children)? {
            match child.name {
                "TxInfAndSts" => {
                    once(&reader.walker, &mut self.transaction_seen)?;
                    self.transaction(reader, child)?;
                }
                // Neither whole messages nor customers' instructions are asked back.
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
            let walker = &mut reader.walker;
            match child.name {
                "CxlStsId" => self.cancellation_status_id = Some(text(walker, child)?),
                "TxCxlSts" => {
                    self.status_seen = true;
                    fixed(walker, child, REJECTED)?;
                }
                "CxlStsRsnInf" => {
                    once(walker, &mut self.reason_seen)?;
                    self.reason_information(walker, child)?;
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
                "Orgtr" => self.originator = originator(walker, child)?,
                "Rsn" => {
                    let code = reason_code(walker, child)?;
                    let reason = RecallRefusal::from_code(code.as_str());
                    self.reason = Some(reason.ok_or_else(|| walker.fault_of(child, Violation::Reason))?);
                }
                _ if self.additional_information.len() == ADDITIONAL_INFORMATION_MAX => {
                    return Err(walker.fault(Violation::Repeated));
                }
                _ => self.additional_information.push(text(walker, child)?),
            }
        }
        Ok(())
    }

    fn answer(self, end: usize) -> Result<NegativeAnswer, SchemaFault> {
        let below = |name: &str| format!("CxlDtls/TxInfAndSts/{name}");
        let (original, details) = self.original.conclude("CxlDtls/TxInfAndSts", end)?;
        required(self.status_seen.then_some(()), &below("TxCxlSts"), end)?;
        let answer = NegativeAnswer {
            assignment: required(self.assignment, "Assgnmt", end)?,
            cancellation_status_id: required(self.cancellation_status_id, &below("CxlStsId"), end)?,
            original,
            originator: required(self.originator, &below("CxlStsRsnInf/Orgtr"), end)?,
            reason: required(self.reason, &below("CxlStsRsnInf/Rsn/Cd"), end)?,
            additional_information: self.additional_information,
            details,
        };
        match answer.audience() {
            Some(_) => Ok(answer),
            None => {
                let path = below("CxlStsRsnInf/AddtlInf");
                Err(SchemaFault { path, offset: end, what: Violation::Information })
            }
        }
    }
}

/// `Sts`: the confirmation that the request is rejected.
fn status(walker: &mut Walker<'_>, status: &'static Element) -> Result<(), SchemaFault> {
    let mut children = Children::inside(status);
    while let Some(child) = walker.next(&mut children)? {
        match child.name {
            "Conf" => fixed(walker, child, REJECTED)?,
            _ => return Err(walker.fault(Violation::Rule)),
        }
    }
    Ok(())
}
