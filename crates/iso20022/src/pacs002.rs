//! pacs.002.001.10: the report on what became of a credit transfer.
//!
//! The status stands in the group (`GrpSts`), as the scheme has it for a message with one transaction;
//! the transaction part repeats the references that find the original again.

use types::{Bic, CategoryPurpose, PaymentOrder, ReasonCode, Text, Timestamp};

use crate::xml_write::XmlWriter;
use crate::{MessageKind, NOT_PROVIDED, PACS002_NAMESPACE, RefusedOrder};

/// What a report says about the payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// `ACCP`: settled, or accepted by the payee's bank.
    Accepted,
    /// `RJCT`: refused, for good.
    Rejected {
        /// `Rsn/Cd`.
        reason: ReasonCode,
        /// `Orgtr`: who refused.
        originator: Option<Originator>,
        /// `AddtlInf`, for persons, such as the path of the element that breaks a rule.
        additional_information: Option<Text<105>>,
    },
}

/// Who refused a payment. Passed on unchanged from the bank that named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Originator {
    /// `Id/OrgId/AnyBIC`: a bank or clearing system.
    Bank(Bic),
    /// `Nm`: a customer. Personal data.
    Customer(Text<140>),
}

/// A payment status report on one credit transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReport {
    /// `GrpHdr/MsgId`: this report's own identification.
    pub message_id: Text<35>,
    /// `GrpHdr/CreDtTm`.
    pub created_at: Timestamp,
    /// `GrpHdr/InstgAgt`, the sender of this hop.
    pub instructing_agent: Option<Bic>,
    /// `GrpHdr/InstdAgt`, the receiver of this hop.
    pub instructed_agent: Option<Bic>,
    /// `OrgnlMsgId`: the `MsgId` of the credit transfer, or [`NOT_PROVIDED`].
    pub original_message_id: Text<35>,
    /// What became of it.
    pub status: Status,
    /// `StsId`: Solvo's payment id, in its text form.
    pub status_id: Option<Text<35>>,
    /// `OrgnlInstrId`, if the original had one.
    pub original_instruction_id: Option<Text<35>>,
    /// `OrgnlEndToEndId`.
    pub original_end_to_end_id: Option<Text<35>>,
    /// `OrgnlTxId`. Without it there is no `TxInfAndSts`, and `original_message_id` alone names the original.
    pub original_transaction_id: Option<Text<35>>,
    /// `OrgnlUETR`, if the original had one.
    pub original_uetr: Option<Text<36>>,
    /// `AccptncDtTm` of the original, if it had a usable one. Written in milliseconds.
    pub acceptance_time: Option<Timestamp>,
    /// `OrgnlTxRef/PmtTpInf/CtgyPurp`, if the original had one.
    pub category_purpose: Option<CategoryPurpose>,
    /// `OrgnlTxRef/DbtrAgt`: the payer's bank.
    pub debtor_agent: Option<Bic>,
}

impl StatusReport {
    /// The report on an order, with all that it repeats of it. The payment id (`status_id`) and the agents of
    /// the hop are left for the caller to add.
    pub fn on_order(
        order: &PaymentOrder,
        message_id: Text<35>,
        created_at: Timestamp,
        status: Status,
    ) -> Self {
        Self {
            message_id,
            created_at,
            instructing_agent: None,
            instructed_agent: None,
            original_message_id: order.message_id.clone().unwrap_or_else(not_provided),
            status,
            status_id: None,
            original_instruction_id: order.instruction_id.clone(),
            original_end_to_end_id: Some(order.end_to_end_id.clone()),
            original_transaction_id: Some(order.transaction_id.clone()),
            original_uetr: order.uetr.clone(),
            acceptance_time: order.acceptance_time,
            category_purpose: order.category_purpose.clone(),
            debtor_agent: Some(order.debtor_agent),
        }
    }

    /// The report that answers a bank's own report on a payment that is not known here (`AG09`): it repeats the
    /// references of that report.
    pub fn on_report(report: &Self, message_id: Text<35>, created_at: Timestamp, status: Status) -> Self {
        Self {
            message_id,
            created_at,
            instructing_agent: None,
            instructed_agent: None,
            status,
            status_id: None,
            ..report.clone()
        }
    }

    /// The report on an order that its reader refused. It names the element that breaks the rule.
    pub fn on_refusal(
        refused: &RefusedOrder,
        message_id: Text<35>,
        created_at: Timestamp,
        originator: Option<Originator>,
    ) -> Self {
        Self {
            message_id,
            created_at,
            instructing_agent: None,
            instructed_agent: None,
            original_message_id: refused.message_id.clone().unwrap_or_else(not_provided),
            status: Status::Rejected {
                reason: refused.reason.code(),
                originator,
                additional_information: Text::parse(&refused.path).ok(),
            },
            status_id: None,
            original_instruction_id: refused.instruction_id.clone(),
            original_end_to_end_id: Some(refused.end_to_end_id.clone().unwrap_or_else(not_provided)),
            original_transaction_id: Some(refused.transaction_id.clone()),
            original_uetr: None,
            acceptance_time: refused.acceptance_time,
            category_purpose: None,
            debtor_agent: Some(refused.debtor_agent),
        }
    }
}

fn not_provided() -> Text<35> {
    Text::parse(NOT_PROVIDED).expect("eleven letters")
}

/// The message that a report is about. Most are about a credit transfer; a clearing system also reports on what
/// follows one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReportedMessage {
    /// pacs.008.
    CreditTransfer,
    /// pacs.004: a return that has settled or has not.
    Return,
    /// camt.056: a recall that was not taken further.
    Recall,
    /// camt.029: a negative answer that was not taken further.
    NegativeAnswer,
}

impl ReportedMessage {
    /// Every message.
    pub const ALL: [Self; 4] = [Self::CreditTransfer, Self::Return, Self::Recall, Self::NegativeAnswer];

    /// The name that reports give it since the guidelines of 2025.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreditTransfer => ORIGINAL_MESSAGE_NAME,
            Self::Return => "pacs.004",
            Self::Recall => "camt.056",
            Self::NegativeAnswer => "camt.029",
        }
    }

    /// The message with this name, which may have its version behind it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|message| {
            let kind = match message {
                Self::CreditTransfer => MessageKind::CreditTransfer,
                Self::Return => MessageKind::Return,
                Self::Recall => MessageKind::Recall,
                Self::NegativeAnswer => MessageKind::NegativeAnswer,
            };
            name == message.name() || name == kind.name()
        })
    }
}

/// The message name that reports give for the original since the guidelines of 2025.
pub(crate) const ORIGINAL_MESSAGE_NAME: &str = "pacs.008";

/// Writes a status report on a credit transfer.
pub fn write_pacs002(report: &StatusReport) -> String {
    write_pacs002_on(ReportedMessage::CreditTransfer, report)
}

/// Writes a status report on any message that one may be about. `original_message_id` is that message's; the other
/// references are those of the credit transfer.
pub fn write_pacs002_on(message: ReportedMessage, report: &StatusReport) -> String {
    let mut xml = XmlWriter::document(PACS002_NAMESPACE);
    xml.open("FIToFIPmtStsRpt");
    xml.open("GrpHdr");
    xml.text("MsgId", &report.message_id);
    xml.leaf("CreDtTm", &report.created_at.to_string());
    xml.agent("InstgAgt", report.instructing_agent);
    xml.agent("InstdAgt", report.instructed_agent);
    xml.close();
    write_group(&mut xml, message, report);
    write_transaction(&mut xml, report);
    xml.close();
    xml.finish()
}

fn write_group(xml: &mut XmlWriter, message: ReportedMessage, report: &StatusReport) {
    xml.open("OrgnlGrpInfAndSts");
    xml.text("OrgnlMsgId", &report.original_message_id);
    xml.leaf("OrgnlMsgNmId", message.name());
    match &report.status {
        Status::Accepted => xml.leaf("GrpSts", "ACCP"),
        Status::Rejected { reason, originator, additional_information } => {
            xml.leaf("GrpSts", "RJCT");
            xml.open("StsRsnInf");
            write_originator(xml, originator.as_ref());
            xml.open("Rsn");
            xml.leaf("Cd", reason.as_str());
            xml.close();
            xml.optional_text("AddtlInf", additional_information.as_ref());
            xml.close();
        }
    }
    xml.close();
}

pub(crate) fn write_originator(xml: &mut XmlWriter, originator: Option<&Originator>) {
    let Some(originator) = originator else { return };
    xml.open("Orgtr");
    match originator {
        Originator::Customer(name) => xml.text("Nm", name),
        Originator::Bank(bic) => {
            xml.open("Id");
            xml.open("OrgId");
            xml.leaf("AnyBIC", bic.as_str());
            xml.close();
            xml.close();
        }
    }
    xml.close();
}

fn write_transaction(xml: &mut XmlWriter, report: &StatusReport) {
    let Some(transaction_id) = &report.original_transaction_id else { return };
    xml.open("TxInfAndSts");
    xml.optional_text("StsId", report.status_id.as_ref());
    xml.optional_text("OrgnlInstrId", report.original_instruction_id.as_ref());
    xml.optional_text("OrgnlEndToEndId", report.original_end_to_end_id.as_ref());
    xml.text("OrgnlTxId", transaction_id);
    xml.optional_text("OrgnlUETR", report.original_uetr.as_ref());
    if let Some(acceptance_time) = report.acceptance_time {
        xml.leaf("AccptncDtTm", &acceptance_time.to_string());
    }
    xml.open("OrgnlTxRef");
    xml.payment_type(report.category_purpose.as_ref());
    xml.agent("DbtrAgt", report.debtor_agent);
    xml.close();
    xml.close();
}
