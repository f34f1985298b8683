//! pain.002.001.10: what became of a customer's file of orders.
//!
//! It says it of the file, of each payment information and of each line, as far as there is something to say: also while
//! lines are still on their way. A report is written ([`write_pain002`](crate::write_pain002)) and read
//! ([`PackageReportReader`](crate::PackageReportReader)) part by part.

use types::{Amount, Bic, ReasonCode, Text, Timestamp};

use crate::Originator;
use crate::control_sum::ControlSum;
use crate::fault::{SchemaFault, Violation};
use crate::pain001::{LineRefusal, PackageHeader, PackageLine, PaymentInformation};

/// The name that reports give for the original, whose version customers' programs look for.
pub(crate) const REPORTED_MESSAGE_NAME: &str = "pain.001.001.09";

/// The room of one `AddtlInf`.
const INFORMATION_CHARACTERS_MAX: usize = 105;

/// `GrpHdr` and `OrgnlGrpInfAndSts`: what a report says of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageReport {
    /// `GrpHdr/MsgId`: this report's own identification.
    pub message_id: Text<35>,
    /// `GrpHdr/CreDtTm`.
    pub created_at: Timestamp,
    /// `GrpHdr/InitgPty/Nm`: who made the file. Personal data.
    pub initiating_party: Option<Text<140>>,
    /// `GrpHdr/DbtrAgt`: the payer's bank, who reports.
    pub debtor_agent: Option<Bic>,
    /// `OrgnlMsgId`: the `MsgId` of the file, or [`NOT_PROVIDED`](crate::NOT_PROVIDED).
    pub original_message_id: Text<35>,
    /// `OrgnlCreDtTm`.
    pub original_created_at: Option<Timestamp>,
    /// `OrgnlNbOfTxs`: how many lines the file states, below 10^15.
    pub original_transactions: Option<u64>,
    /// `OrgnlCtrlSum`: the sum that it states.
    pub original_control_sum: Option<ControlSum>,
    /// `GrpSts`.
    pub status: Option<GroupStatus>,
    /// `StsRsnInf`: why the file was refused.
    pub reason: Option<StatusDetail>,
    /// `NbOfTxsPerSts`: how many lines have which status.
    pub counts: Vec<StatusCount>,
}

impl PackageReport {
    /// A report on a file with this header, with nothing said yet of what became of it.
    pub fn on_package(header: &PackageHeader, message_id: Text<35>, created_at: Timestamp) -> Self {
        Self {
            message_id,
            created_at,
            initiating_party: header.initiating_party.clone(),
            debtor_agent: None,
            original_message_id: header.message_id.clone(),
            original_created_at: Some(header.created_at),
            original_transactions: Some(header.transactions.into()),
            original_control_sum: header.control_sum,
            status: None,
            reason: None,
            counts: Vec::new(),
        }
    }
}

/// What follows in a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PackageReportPart {
    /// `OrgnlPmtInfAndSts`. The lines that follow stand in it.
    Payment(PaymentReport),
    /// `TxInfAndSts`.
    Line(LineReport),
}

/// `OrgnlPmtInfAndSts` without its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentReport {
    /// `OrgnlPmtInfId`.
    pub original_id: Text<35>,
    /// `OrgnlNbOfTxs`: how many lines it states, below 10^15.
    pub original_transactions: Option<u64>,
    /// `OrgnlCtrlSum`: the sum that it states.
    pub original_control_sum: Option<ControlSum>,
    /// `PmtInfSts`.
    pub status: Option<GroupStatus>,
    /// `StsRsnInf`: why it was refused.
    pub reason: Option<StatusDetail>,
    /// `NbOfTxsPerSts`: how many of its lines have which status.
    pub counts: Vec<StatusCount>,
}

impl PaymentReport {
    /// A report on a payment information, with nothing said yet of what became of it but that it was refused.
    pub fn on_payment(payment: &PaymentInformation) -> Self {
        let refusal = payment.terms.as_ref().err();
        Self {
            original_id: payment.id.clone(),
            original_transactions: payment.transactions.map(u64::from),
            original_control_sum: payment.control_sum,
            status: refusal.map(|_| GroupStatus::Rejected),
            reason: refusal.map(StatusDetail::on_refusal),
            counts: Vec::new(),
        }
    }
}

/// `TxInfAndSts`: what became of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineReport {
    /// `StsId`: the reporter's own reference.
    pub status_id: Option<Text<35>>,
    /// `OrgnlInstrId`.
    pub original_instruction_id: Option<Text<35>>,
    /// `OrgnlEndToEndId`.
    pub original_end_to_end_id: Option<Text<35>>,
    /// `OrgnlUETR`.
    pub original_uetr: Option<Text<36>>,
    /// `TxSts`.
    pub status: LineStatus,
    /// `StsRsnInf`: why it was refused. A rejected line has one.
    pub reason: Option<StatusDetail>,
    /// `AccptncDtTm`: when the payment's clock started. Written in milliseconds.
    pub acceptance_time: Option<Timestamp>,
    /// `AcctSvcrRef`: the payment, as the payer's bank calls it.
    pub servicer_reference: Option<Text<35>>,
    /// `OrgnlTxRef/Amt/InstdAmt`, in euro.
    pub amount: Option<Amount>,
}

impl LineReport {
    /// A report on a line: it was refused, or waits. Of what became of it the caller adds the rest.
    pub fn on_line(line: &PackageLine) -> Self {
        let refusal = line.order.as_ref().err();
        Self {
            status_id: None,
            original_instruction_id: line.instruction_id.clone(),
            original_end_to_end_id: line.end_to_end_id.clone(),
            original_uetr: line.uetr.clone(),
            status: if refusal.is_some() { LineStatus::Rejected } else { LineStatus::Pending },
            reason: refusal.map(StatusDetail::on_refusal),
            acceptance_time: None,
            servicer_reference: None,
            amount: line.order.as_ref().ok().map(|order| order.amount),
        }
    }
}

/// Why something was not paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusDetail {
    /// `Rsn/Cd`.
    pub reason: ReasonCode,
    /// `Orgtr`: who refused.
    pub originator: Option<Originator>,
    /// `AddtlInf`, for persons, such as the path of the element that breaks a rule.
    pub additional_information: Option<Text<105>>,
}

impl StatusDetail {
    /// Why a whole file was refused: AM18 and AM10 of ISO 20022's list where the number or the sum of its transactions is
    /// not the one that it states, AM18 also where the number is too large, else FF01; and the fault in words, as far as
    /// there is room.
    pub fn on_fault(fault: &SchemaFault) -> Self {
        let is_counted = [Violation::Totals, Violation::Limit].contains(&fault.what);
        let code = match fault.what == Violation::Totals {
            _ if is_counted && fault.path.ends_with("NbOfTxs") => "AM18",
            true => "AM10",
            false => "FF01",
        };
        let words: String = fault.to_string().chars().take(INFORMATION_CHARACTERS_MAX).collect();
        Self {
            reason: ReasonCode::parse(code).expect("four letters and digits"),
            originator: None,
            additional_information: Text::parse(words.trim()).ok(),
        }
    }

    /// The code and, for persons, the element.
    pub fn on_refusal(refusal: &LineRefusal) -> Self {
        Self {
            reason: refusal.reason.code(),
            originator: None,
            additional_information: Text::parse(&refusal.path).ok(),
        }
    }
}

/// `NbOfTxsPerSts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusCount {
    /// `DtldSts`.
    pub status: LineStatus,
    /// `DtldNbOfTxs`.
    pub transactions: u32,
    /// `DtldCtrlSum`: what these lines come to.
    pub sum: Option<ControlSum>,
}

/// What became of a file or payment information: codes of ISO 20022's list for groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupStatus {
    /// `PDNG`: it waits, as for its date.
    Pending,
    /// `ACCP`: it has been checked, and its lines are on their way.
    Accepted,
    /// `PART`: some lines have been paid, others have not.
    PartlyAccepted,
    /// `ACSC`: all lines have been paid.
    Settled,
    /// `RJCT`: no line has been or will be paid.
    Rejected,
}

impl GroupStatus {
    /// Every status.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Accepted, Self::PartlyAccepted, Self::Settled, Self::Rejected];

    /// Its code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Pending => "PDNG",
            Self::Accepted => "ACCP",
            Self::PartlyAccepted => "PART",
            Self::Settled => "ACSC",
            Self::Rejected => "RJCT",
        }
    }
}

/// What became of a line: codes of ISO 20022's list for transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineStatus {
    /// `PDNG`: it has not been sent, or has no outcome yet.
    Pending,
    /// `ACSC`: it has been paid.
    Settled,
    /// `RJCT`: it has not been paid and will not be.
    Rejected,
    /// `CANC`: it was cancelled before it was sent.
    Cancelled,
}

impl LineStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Settled, Self::Rejected, Self::Cancelled];

    /// Its code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Pending => "PDNG",
            Self::Settled => "ACSC",
            Self::Rejected => "RJCT",
            Self::Cancelled => "CANC",
        }
    }
}
