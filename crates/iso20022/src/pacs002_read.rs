//! Reads pacs.002.001.10: a bank's answer to a credit transfer, or the report on one as a bank's client sees it.
//!
//! Strict about the schema and about what makes an answer clear: one payment, accepted or rejected, and if
//! rejected with one reason. Elements that a [`StatusReport`] has no place for are passed over.

use types::{Bic, ReasonCode, Text};

use crate::fault::{SchemaFault, Violation};
use crate::message::{MessageKind, open_kind};
use crate::schema::Element;
use crate::values::{GroupHeader, Original, bic, once, required, text};
use crate::walk::{Children, Walker};
use crate::{Originator, ReportedMessage, Status, StatusReport, wrapper};

/// Reads a status report on one credit transfer, with or without header.
///
/// # Errors
/// A [`SchemaFault`] if the document does not follow the schema, says neither yes nor no, or lacks what finds
/// the original again.
pub fn read_pacs002(document: &[u8]) -> Result<StatusReport, SchemaFault> {
    let (walker, opened) = open_kind(document, MessageKind::StatusReport)?;
    let (walker, report) = read(walker, opened.children)?;
    wrapper::close(walker, opened.wrapper)?;
    Ok(report)
}

/// Reads a status report on any message that one may be about, with or without header.
///
/// # Errors
/// As [`read_pacs002`].
pub fn read_pacs002_on(document: &[u8]) -> Result<(ReportedMessage, StatusReport), SchemaFault> {
    let (walker, opened) = open_kind(document, MessageKind::StatusReport)?;
    let (walker, report) = read_on(walker, opened.children)?;
    wrapper::close(walker, opened.wrapper)?;
    Ok(report)
}

/// Reads the children of `Document`, of a report on a credit transfer.
pub(crate) fn read<'document>(
    walker: Walker<'document>,
    children: Children,
) -> Result<(Walker<'document>, StatusReport), SchemaFault> {
    let (walker, (_, report)) = read_draft(walker, children, Draft::default())?;
    Ok((walker, report))
}

/// Reads the children of `Document`, of a report on any message.
pub(crate) fn read_on<'document>(
    walker: Walker<'document>,
    children: Children,
) -> Result<(Walker<'document>, (ReportedMessage, StatusReport)), SchemaFault> {
    let mut draft = Draft::default();
    draft.original.is_any_message = true;
    read_draft(walker, children, draft)
}

fn read_draft<'document>(
    mut walker: Walker<'document>,
    mut children: Children,
    mut draft: Draft,
) -> Result<(Walker<'document>, (ReportedMessage, StatusReport)), SchemaFault> {
    while let Some(message) = walker.next(&mut children)? {
        draft.message(&mut walker, message)?;
    }
    let end = walker.offset();
    // The group, whose name it is, may be missing altogether: then that is what the report lacks.
    let message = draft.original.message.unwrap_or(ReportedMessage::CreditTransfer);
    let report = draft.report(end)?;
    Ok((walker, (message, report)))
}

/// What has been read so far.
#[derive(Default)]
struct Draft {
    header: GroupHeader,
    group_seen: bool,
    transaction_seen: bool,
    accepted: Option<bool>,
    reason: Option<ReasonCode>,
    originator: Option<Originator>,
    additional_information: Option<Text<105>>,
    status_id: Option<Text<35>>,
    original: Original,
}

impl Draft {
    fn message(&mut self, walker: &mut Walker<'_>, message: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(message);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "GrpHdr" => self.header = GroupHeader::read(walker, child)?,
                "OrgnlGrpInfAndSts" => {
                    once(walker, &mut self.group_seen)?;
                    self.group(walker, child)?;
                }
                "TxInfAndSts" => {
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
            match child.name {
                "GrpSts" => self.status(walker, child)?,
                "StsRsnInf" => self.status_reason(walker, child)?,
                _ => self.original.read(walker, child)?,
            }
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
                "StsId" => self.status_id = Some(text(walker, child)?),
                "OrgnlGrpInf" => self.group(walker, child)?,
                "TxSts" => self.status(walker, child)?,
                "StsRsnInf" => self.status_reason(walker, child)?,
                _ => self.original.read(walker, child)?,
            }
        }
        Ok(())
    }

    /// The status stands in the group or in the transaction. Where it stands twice, it is the same.
    fn status(&mut self, walker: &mut Walker<'_>, element: &'static Element) -> Result<(), SchemaFault> {
        let accepted = match walker.value(element)?.as_ref() {
            "ACCP" => true,
            "RJCT" => false,
            _ => return Err(walker.fault_of(element, Violation::Rule)),
        };
        match self.accepted.replace(accepted) {
            Some(before) if before != accepted => Err(walker.fault_of(element, Violation::Rule)),
            Some(_) | None => Ok(()),
        }
    }

    fn status_reason(
        &mut self,
        walker: &mut Walker<'_>,
        element: &'static Element,
    ) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "Orgtr" if self.originator.is_none() => self.originator = originator(walker, child)?,
                "Rsn" => self.reason(walker, child)?,
                "AddtlInf" if self.additional_information.is_none() => {
                    self.additional_information = Some(text(walker, child)?);
                }
                _ => walker.skip(child)?,
            }
        }
        Ok(())
    }

    /// One code. The same code again, in group and transaction, is no other reason.
    fn reason(&mut self, walker: &mut Walker<'_>, element: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = walker.next(&mut children)? {
            let value = walker.value(child)?;
            let code = ReasonCode::parse(&value).ok().filter(|_| child.name == "Cd");
            let code = code.ok_or_else(|| walker.fault_of(child, Violation::Rule))?;
            if self.reason.replace(code).is_some_and(|before| before != code) {
                return Err(walker.fault_of(child, Violation::Rule));
            }
        }
        Ok(())
    }

    /// The report, or the path of what it lacks. A report without `TxInfAndSts` finds its original by the
    /// message id alone; one with it has to name the key.
    fn report(self, end: usize) -> Result<StatusReport, SchemaFault> {
        if self.transaction_seen {
            required(self.original.transaction_id.as_ref(), "TxInfAndSts/OrgnlTxId", end)?;
            let path = "TxInfAndSts/OrgnlTxRef/DbtrAgt/FinInstnId/BICFI";
            required(self.original.debtor_agent, path, end)?;
        }
        let reason_path = "OrgnlGrpInfAndSts/StsRsnInf/Rsn/Cd";
        let status = match required(self.accepted, "OrgnlGrpInfAndSts/GrpSts", end)? {
            true if self.reason.is_some() => {
                return Err(SchemaFault { path: reason_path.into(), offset: end, what: Violation::Rule });
            }
            true => Status::Accepted,
            false => Status::Rejected {
                reason: required(self.reason, reason_path, end)?,
                originator: self.originator,
                additional_information: self.additional_information,
            },
        };
        Ok(StatusReport {
            message_id: required(self.header.message_id, "GrpHdr/MsgId", end)?,
            created_at: required(self.header.created_at, "GrpHdr/CreDtTm", end)?,
            instructing_agent: self.header.instructing_agent,
            instructed_agent: self.header.instructed_agent,
            original_message_id: required(self.original.message_id, "OrgnlGrpInfAndSts/OrgnlMsgId", end)?,
            status,
            status_id: self.status_id,
            original_instruction_id: self.original.instruction_id,
            original_end_to_end_id: self.original.end_to_end_id,
            original_transaction_id: self.original.transaction_id,
            original_uetr: self.original.uetr,
            acceptance_time: self.original.acceptance_time,
            category_purpose: self.original.category_purpose,
            debtor_agent: self.original.debtor_agent,
        })
    }
}

/// A bank by its BIC, or a customer by its name. A bank that is also named is the bank.
pub(crate) fn originator(
    walker: &mut Walker<'_>,
    element: &'static Element,
) -> Result<Option<Originator>, SchemaFault> {
    let (bank, name) = originator_parts(walker, element)?;
    Ok(bank.map(Originator::Bank).or(name.map(Originator::Customer)))
}

/// The BIC and the name of who gives a reason.
pub(crate) fn originator_parts(
    walker: &mut Walker<'_>,
    element: &'static Element,
) -> Result<(Option<Bic>, Option<Text<140>>), SchemaFault> {
    let (mut bank, mut name) = (None, None);
    let mut children = Children::inside(element);
    while let Some(child) = walker.next(&mut children)? {
        match child.name {
            "Nm" => name = Some(text(walker, child)?),
            "Id" => bank = bic(walker, child)?,
            _ => walker.skip(child)?,
        }
    }
    Ok((bank, name))
}
