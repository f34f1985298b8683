//! Reads pain.002.001.10 part by part, strictly.
//!
//! It reads what Solvo writes, for customers and their programs: a status that Solvo does not give is a fault, and what
//! the values of this crate have no room for is passed over. Memory does not grow with the report.

use std::io::BufRead;

use types::{Amount, Text, Timestamp};

use crate::control_sum::ControlSum;
use crate::fault::{SchemaFault, Violation};
use crate::pacs002_read::originator;
use crate::pain001_payment::{name, sum};
use crate::pain002::{
    GroupStatus, LineReport, LineStatus, PackageReport, PackageReportPart, PaymentReport,
    REPORTED_MESSAGE_NAME, StatusCount, StatusDetail,
};
use crate::pieces::{Layout, PackageReadError, Piece, Pieces};
use crate::schema::Element;
use crate::values::{bic, euro, instant, once, reason_code, required, text};
use crate::walk::{Children, Walker};
use crate::{PAIN002_NAMESPACE, pain002_schema};

static LAYOUT: Layout = Layout {
    namespace: PAIN002_NAMESPACE,
    part: "OrgnlPmtInfAndSts",
    line: "TxInfAndSts",
    gap: &pain002_schema::GAP,
    part_end: &pain002_schema::PAYMENT_END,
    tail: &pain002_schema::TAIL,
};

/// The message about whose files these reports are, with its version and without.
const ORIGINAL_NAMES: [&str; 2] = [REPORTED_MESSAGE_NAME, "pain.001"];

/// A report on a file of orders being read: first what it says of the file, then each part as an iterator.
pub struct PackageReportReader<Input> {
    pieces: Pieces<Input>,
    report: PackageReport,
    has_ended: bool,
}

impl<Input: BufRead> PackageReportReader<Input> {
    /// Reads up to the first payment information.
    ///
    /// # Errors
    /// A [`PackageReadError`] if it is no pain.002.001.10, or one about another message than pain.001.
    pub fn open(input: Input) -> Result<Self, PackageReadError> {
        let mut pieces = Pieces::new(input, &LAYOUT);
        let Some(Piece::Head { is_alone }) = pieces.next()? else {
            unreachable!("a document begins with its head")
        };
        let table = match is_alone {
            true => &pain002_schema::HEAD_ALONE,
            false => &pain002_schema::HEAD,
        };
        let report = pieces.walk(table).and_then(|(walker, children)| read_report(walker, children));
        let report = report.map_err(|fault| pieces.located(fault))?;
        Ok(Self { pieces, report, has_ended: false })
    }

    /// What is said of the file.
    pub fn report(&self) -> &PackageReport {
        &self.report
    }

    fn part(&mut self) -> Result<Option<PackageReportPart>, PackageReadError> {
        let Some(piece) = self.pieces.next()? else { return Ok(None) };
        let pieces = &self.pieces;
        let read = match piece {
            Piece::Head { .. } => unreachable!("a document has one head, which `open` has read"),
            Piece::Part => pieces
                .walk(&pain002_schema::PAYMENT_HEAD)
                .and_then(|(walker, children)| read_payment(walker, children))
                .map(PackageReportPart::Payment),
            Piece::Line => pieces
                .walk(&pain002_schema::LINE)
                .and_then(|(walker, children)| read_line(walker, children))
                .map(PackageReportPart::Line),
        };
        Ok(Some(read.map_err(|fault| pieces.located(fault))?))
    }
}

/// Ends with the report, or with the first error.
impl<Input: BufRead> Iterator for PackageReportReader<Input> {
    type Item = Result<PackageReportPart, PackageReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let part = self.part().transpose();
        self.has_ended = !matches!(part, Some(Ok(_)));
        part
    }
}

/// What is said of a file, a payment information or a line.
struct Outcome<Status> {
    status: Option<Status>,
    reason: Option<StatusDetail>,
    reason_seen: bool,
    counts: Vec<StatusCount>,
    transactions: Option<u64>,
    control_sum: Option<ControlSum>,
}

impl<Status> Outcome<Status> {
    fn new() -> Self {
        Self {
            status: None,
            reason: None,
            reason_seen: false,
            counts: Vec::new(),
            transactions: None,
            control_sum: None,
        }
    }

    /// Reads this element if all three have it, else passes it over.
    fn read(
        &mut self,
        walker: &mut Walker<'_>,
        child: &'static Element,
        from_code: fn(&str) -> Option<Status>,
    ) -> Result<(), SchemaFault> {
        match child.name {
            "GrpSts" | "PmtInfSts" | "TxSts" => {
                let status = from_code(&walker.value(child)?);
                self.status = Some(status.ok_or_else(|| walker.fault_of(child, Violation::Rule))?);
            }
            "StsRsnInf" => {
                once(walker, &mut self.reason_seen)?;
                self.reason = detail(walker, child)?;
            }
            "NbOfTxsPerSts" => self.counts.push(status_count(walker, child)?),
            "OrgnlNbOfTxs" => self.transactions = Some(count(walker, child)?),
            "OrgnlCtrlSum" => self.control_sum = Some(sum(walker, child)?),
            _ => walker.skip(child)?,
        }
        Ok(())
    }
}

fn group_status(code: &str) -> Option<GroupStatus> {
    GroupStatus::ALL.into_iter().find(|status| status.code() == code)
}

fn line_status(code: &str) -> Option<LineStatus> {
    LineStatus::ALL.into_iter().find(|status| status.code() == code)
}

fn count<Number: std::str::FromStr>(
    walker: &mut Walker<'_>,
    element: &'static Element,
) -> Result<Number, SchemaFault> {
    let value = walker.value(element)?;
    value.parse().map_err(|_| walker.fault_of(element, Violation::Limit))
}

fn status_count(walker: &mut Walker<'_>, element: &'static Element) -> Result<StatusCount, SchemaFault> {
    let (mut transactions, mut status, mut counted) = (None, None, None);
    let mut children = Children::inside(element);
    while let Some(child) = walker.next(&mut children)? {
        match child.name {
            "DtldNbOfTxs" => transactions = Some(count(walker, child)?),
            "DtldSts" => {
                let read = line_status(&walker.value(child)?);
                status = Some(read.ok_or_else(|| walker.fault_of(child, Violation::Rule))?);
            }
            "DtldCtrlSum" => counted = Some(sum(walker, child)?),
            _ => walker.skip(child)?,
        }
    }
    let present = "the walker ends a count only after what is mandatory";
    Ok(StatusCount {
        status: status.expect(present),
        transactions: transactions.expect(present),
        sum: counted,
    })
}

/// A reason, if a code is given. Of several texts the first is kept.
pub(crate) fn detail(
    walker: &mut Walker<'_>,
    element: &'static Element,
) -> Result<Option<StatusDetail>, SchemaFault> {
    let (mut reason, mut by, mut additional_information) = (None, None, None);
    let mut children = Children::inside(element);
    while let Some(child) = walker.next(&mut children)? {
        match child.name {
            "Rsn" => reason = Some(reason_code(walker, child)?),
            "Orgtr" => by = originator(walker, child)?,
            "AddtlInf" if additional_information.is_none() => {
                additional_information = Some(text(walker, child)?);
            }
            _ => walker.skip(child)?,
        }
    }
    Ok(reason.map(|reason| StatusDetail { reason, originator: by, additional_information }))
}

fn read_report(mut walker: Walker<'_>, mut children: Children) -> Result<PackageReport, SchemaFault> {
    let mut outcome = Outcome::new();
    let (mut message_id, mut created_at, mut initiating_party, mut debtor_agent) = (None, None, None, None);
    let (mut original_message_id, mut original_created_at) = (None, None);
    while let Some(message) = walker.next(&mut children)? {
        let mut parts = Children::inside(message);
        while let Some(part) = walker.next(&mut parts)? {
            if part.name == "SplmtryData" {
                walker.skip(part)?;
                continue;
            }
            let mut children = Children::inside(part);
            while let Some(child) = walker.next(&mut children)? {
                match child.name {
                    "MsgId" => message_id = Some(text(&mut walker, child)?),
                    "CreDtTm" => created_at = Some(instant(&mut walker, child)?),
                    "InitgPty" => initiating_party = name(&mut walker, child)?,
                    "DbtrAgt" => debtor_agent = bic(&mut walker, child)?,
                    "OrgnlMsgId" => original_message_id = Some(text(&mut walker, child)?),
                    "OrgnlMsgNmId" => original_message_name(&mut walker, child)?,
                    "OrgnlCreDtTm" => original_created_at = Some(instant(&mut walker, child)?),
                    _ => outcome.read(&mut walker, child, group_status)?,
                }
            }
        }
    }
    walker.finish()?;
    let present = "the walker ends a header only after what is mandatory";
    Ok(PackageReport {
        message_id: message_id.expect(present),
        created_at: created_at.expect(present),
        initiating_party,
        debtor_agent,
        original_message_id: original_message_id.expect(present),
        original_created_at,
        original_transactions: outcome.transactions,
        original_control_sum: outcome.control_sum,
        status: outcome.status,
        reason: outcome.reason,
        counts: outcome.counts,
    })
}

fn original_message_name(walker: &mut Walker<'_>, element: &'static Element) -> Result<(), SchemaFault> {
    match ORIGINAL_NAMES.contains(&walker.value(element)?.as_ref()) {
        true => Ok(()),
        false => Err(walker.fault_of(element, Violation::WrongMessage)),
    }
}

fn read_payment(mut walker: Walker<'_>, mut children: Children) -> Result<PaymentReport, SchemaFault> {
    let mut outcome = Outcome::new();
    let mut original_id = None;
    while let Some(message) = walker.next(&mut children)? {
        let mut parts = Children::inside(message);
        while let Some(part) = walker.next(&mut parts)? {
            let mut children = Children::inside(part);
            while let Some(child) = walker.next(&mut children)? {
                match child.name {
                    "OrgnlPmtInfId" => original_id = Some(text(&mut walker, child)?),
                    _ => outcome.read(&mut walker, child, group_status)?,
                }
            }
        }
    }
    walker.finish()?;
    Ok(PaymentReport {
        original_id: original_id
            .expect("the walker ends a payment information only after its identification"),
        original_transactions: outcome.transactions,
        original_control_sum: outcome.control_sum,
        status: outcome.status,
        reason: outcome.reason,
        counts: outcome.counts,
    })
}

/// What has been read of a line beyond its outcome.
#[derive(Default)]
struct LineDraft {
    status_id: Option<Text<35>>,
    instruction_id: Option<Text<35>>,
    end_to_end_id: Option<Text<35>>,
    uetr: Option<Text<36>>,
    acceptance_time: Option<Timestamp>,
    servicer_reference: Option<Text<35>>,
    amount: Option<Amount>,
}

fn read_line(mut walker: Walker<'_>, mut children: Children) -> Result<LineReport, SchemaFault> {
    let mut outcome = Outcome::new();
    let mut draft = LineDraft::default();
    while let Some(message) = walker.next(&mut children)? {
        let mut parts = Children::inside(message);
        while let Some(part) = walker.next(&mut parts)? {
            let mut lines = Children::inside(part);
            while let Some(line) = walker.next(&mut lines)? {
                let mut children = Children::inside(line);
                while let Some(child) = walker.next(&mut children)? {
                    draft.child(&mut walker, child, &mut outcome)?;
                }
            }
        }
    }
    let end = walker.offset();
    walker.finish()?;
    let path = |name: &str| format!("{}/{}/{name}", LAYOUT.part, LAYOUT.line);
    let status = required(outcome.status, &path("TxSts"), end)?;
    if status == LineStatus::Rejected {
        required(outcome.reason.as_ref(), &path("StsRsnInf/Rsn/Cd"), end)?;
    }
    Ok(LineReport {
        status_id: draft.status_id,
        original_instruction_id: draft.instruction_id,
        original_end_to_end_id: draft.end_to_end_id,
        original_uetr: draft.uetr,
        status,
        reason: outcome.reason,
        acceptance_time: draft.acceptance_time,
        servicer_reference: draft.servicer_reference,
        amount: draft.amount,
    })
}

impl LineDraft {
    fn child(
        &mut self,
        walker: &mut Walker<'_>,
        child: &'static Element,
        outcome: &mut Outcome<LineStatus>,
    ) -> Result<(), SchemaFault> {
        match child.name {
            "StsId" => self.status_id = Some(text(walker, child)?),
            "OrgnlInstrId" => self.instruction_id = Some(text(walker, child)?),
            "OrgnlEndToEndId" => self.end_to_end_id = Some(text(walker, child)?),
            "OrgnlUETR" => self.uetr = Some(text(walker, child)?),
            "AccptncDtTm" => self.acceptance_time = Some(instant(walker, child)?),
            "AcctSvcrRef" => self.servicer_reference = Some(text(walker, child)?),
            "OrgnlTxRef" => self.amount = original_amount(walker, child)?,
            _ => outcome.read(walker, child, line_status)?,
        }
        Ok(())
    }
}

/// The amount in euro among what is repeated of the original.
fn original_amount(
    walker: &mut Walker<'_>,
    element: &'static Element,
) -> Result<Option<Amount>, SchemaFault> {
    let mut amount = None;
    let mut children = Children::inside(element);
    while let Some(child) = walker.next(&mut children)? {
        if child.name != "Amt" {
            walker.skip(child)?;
            continue;
        }
        let mut choice = Children::inside(child);
        while let Some(chosen) = walker.next(&mut choice)? {
            match chosen.name {
                "InstdAmt" => amount = Some(euro(walker, chosen)?),
                _ => walker.skip(chosen)?,
            }
        }
    }
    Ok(amount)
}
