//! Reads pain.014.001.07, strictly.
//!
//! It reads what Solvo writes, for payees and their programs: a status that Solvo does not give is a fault, and what the
//! values of this crate have no room for is passed over.

use types::{Bic, Text, Timestamp};

use crate::fault::{SchemaFault, Violation};
use crate::pain001_payment::name;
use crate::pain002::StatusDetail;
use crate::pain002_read::detail;
use crate::pain014::REQUESTED_MESSAGE_NAME;
use crate::schema::Element;
use crate::values::{bic, instant, once, required, text};
use crate::walk::{Children, Walker};
use crate::{
    ActivationReport, ActivationStatus, NOT_PROVIDED, PAIN014_NAMESPACE, RequestReport, pain014_schema,
};

/// Reads a report on requests to pay.
///
/// # Errors
/// A [`SchemaFault`] if the document does not follow the schema, is about another message than pain.013, has a status that
/// Solvo does not give, or rejects without a reason.
pub fn read_pain014(document: &[u8]) -> Result<ActivationReport, SchemaFault> {
    let mut walker = Walker::new(document)?;
    let start = walker.element()?.ok_or_else(|| walker.fault(Violation::NotWellFormed))?;
    if start.local_name().into_inner() != "Document" || walker.namespace_of(&start) != PAIN014_NAMESPACE {
        return Err(walker.fault(Violation::WrongMessage));
    }
    let mut children = walker.enter("Document", PAIN014_NAMESPACE, &pain014_schema::DOCUMENT);
    let mut draft = Draft::default();
    while let Some(message) = walker.next(&mut children)? {
        let mut parts = Children::inside(message);
        while let Some(part) = walker.next(&mut parts)? {
            match part.name {
                "GrpHdr" | "OrgnlGrpInfAndSts" => draft.head(&mut walker, part)?,
                "OrgnlPmtInfAndSts" => draft.payment(&mut walker, part)?,
                _ => walker.skip(part)?,
            }
        }
    }
    let end = walker.offset();
    walker.finish()?;
    draft.conclude(end)
}

/// What has been read so far.
#[derive(Default)]
struct Draft {
    message_id: Option<Text<35>>,
    created_at: Option<Timestamp>,
    initiating_party: Option<Text<140>>,
    creditor_agent: Option<Bic>,
    original_message_id: Option<Text<35>>,
    original_created_at: Option<Timestamp>,
    requests: Vec<RequestReport>,
}

/// What has been read of a request.
#[derive(Default)]
struct Request {
    request_id: Option<Text<35>>,
    instruction_id: Option<Text<35>>,
    end_to_end_id: Option<Text<35>>,
    uetr: Option<Text<36>>,
    status: Option<ActivationStatus>,
    reason_seen: bool,
    reason: Option<StatusDetail>,
    decided_at: Option<Timestamp>,
    servicer_reference: Option<Text<35>>,
}

impl Draft {
    fn head(&mut self, walker: &mut Walker<'_>, head: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(head);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "MsgId" => self.message_id = Some(text(walker, child)?),
                "CreDtTm" => self.created_at = Some(instant(walker, child)?),
                "InitgPty" => self.initiating_party = name(walker, child)?,
                "CdtrAgt" => self.creditor_agent = bic(walker, child)?,
                "OrgnlMsgId" => self.original_message_id = Some(text(walker, child)?),
                "OrgnlMsgNmId" => {
                    let is_it = [REQUESTED_MESSAGE_NAME, "pain.013"].contains(&walker.value(child)?.as_ref());
                    if !is_it {
                        return Err(walker.fault_of(child, Violation::WrongMessage));
                    }
                }
                "OrgnlCreDtTm" => self.original_created_at = Some(instant(walker, child)?),
                _ => walker.skip(child)?,
            }
        }
        Ok(())
    }

    fn payment(&mut self, walker: &mut Walker<'_>, payment: &'static Element) -> Result<(), SchemaFault> {
        let mut id: Option<Text<35>> = None;
        let mut children = Children::inside(payment);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "OrgnlPmtInfId" => {
                    id = Some(text(walker, child)?).filter(|id: &Text<35>| id.as_str() != NOT_PROVIDED);
                }
                "TxInfAndSts" => {
                    let request = Request::read(walker, child)?;
                    self.requests.push(request.conclude(id.clone(), walker.offset())?);
                }
                _ => walker.skip(child)?,
            }
        }
        Ok(())
    }

    fn conclude(self, end: usize) -> Result<ActivationReport, SchemaFault> {
        Ok(ActivationReport {
            message_id: required(self.message_id, "GrpHdr/MsgId", end)?,
            created_at: required(self.created_at, "GrpHdr/CreDtTm", end)?,
            initiating_party: self.initiating_party,
            creditor_agent: self.creditor_agent,
            original_message_id: required(self.original_message_id, "OrgnlGrpInfAndSts/OrgnlMsgId", end)?,
            original_created_at: self.original_created_at,
            requests: self.requests,
        })
    }
}

impl Request {
    fn read(walker: &mut Walker<'_>, element: &'static Element) -> Result<Self, SchemaFault> {
        let mut read = Self::default();
        let mut children = Children::inside(element);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "StsId" => read.request_id = Some(text(walker, child)?),
                "OrgnlInstrId" => read.instruction_id = Some(text(walker, child)?),
                "OrgnlEndToEndId" => read.end_to_end_id = Some(text(walker, child)?),
                "OrgnlUETR" => read.uetr = Some(text(walker, child)?),
                "TxSts" => {
                    let code = walker.value(child)?;
                    let status = ActivationStatus::ALL.into_iter().find(|status| status.code() == code);
                    read.status = Some(status.ok_or_else(|| walker.fault_of(child, Violation::Rule))?);
                }
                "StsRsnInf" => {
                    once(walker, &mut read.reason_seen)?;
                    read.reason = detail(walker, child)?;
                }
                "DbtrDcsnDtTm" => read.decided_at = Some(instant(walker, child)?),
                "AcctSvcrRef" => read.servicer_reference = Some(text(walker, child)?),
                _ => walker.skip(child)?,
            }
        }
        Ok(read)
    }

    fn conclude(
        self,
        payment_information_id: Option<Text<35>>,
        end: usize,
    ) -> Result<RequestReport, SchemaFault> {
        let path = |name: &str| format!("OrgnlPmtInfAndSts/TxInfAndSts/{name}");
        let status = required(self.status, &path("TxSts"), end)?;
        if status == ActivationStatus::Rejected {
            required(self.reason.as_ref(), &path("StsRsnInf/Rsn/Cd"), end)?;
        }
        Ok(RequestReport {
            payment_information_id,
            request_id: self.request_id,
            instruction_id: self.instruction_id,
            end_to_end_id: self.end_to_end_id,
            uetr: self.uetr,
            status,
            reason: self.reason,
            decided_at: self.decided_at,
            servicer_reference: self.servicer_reference,
        })
    }
}
