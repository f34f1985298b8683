//! The report on a package (pain.002), made of what the core knows of its lines and the log has of their texts.
//!
//! Memory does not grow with the number of lines: they are asked for and read page by page.

use std::io;

use client::v1;
use engine::{Answer, Answered, ORDERS_ASKED_MAX, OrderFound, OrdersAsked, PackageFound, Question};
use iso20022::{
    ControlSum, GroupStatus, LineReport, LineStatus, PackageReport, PackageReportPart,
    PackageReportWriteError, PaymentReport, StatusCount, StatusDetail, write_pain002,
};
use ledger::{LineText, OrderState, PackageText, RefusedLineText, StoredTerms};
use tonic::Status;
use types::{Amount, Sequence, StatusReason, Text, Timestamp};

use super::line::order_of;
use super::logging::ask;
use crate::history::{PieceSender, left_of};
use crate::node::Node;
use crate::refusals::{log_unreadable, report_gone, unanswered};

/// A piece is no longer.
const PIECE_BYTES: usize = 64 << 10;

type Piece = v1::GetPackageReportResponse;

/// Writes the report on a package into a call. Waits for the log, so it is for a thread that may.
///
/// # Errors
/// If it can't be made whole.
pub(super) fn write(node: &Node, found: &PackageFound, sender: &PieceSender<Piece>) -> Result<(), Status> {
    if !found.has_lines {
        return Err(report_gone());
    }
    let mut lines = Lines { node, package: found.package.sequence, next: 1, group: None, has_ended: false };
    let report = head(node, found)?;
    let mut pages = Vec::new().into_iter();
    let parts = std::iter::from_fn(|| {
        loop {
            if let Some(part) = pages.next() {
                return Some(Ok(part));
            }
            match lines.page() {
                Ok(page) if page.is_empty() => return None,
                Ok(page) => pages = page.into_iter(),
                Err(status) => return Some(Err(status)),
            }
        }
    });
    let mut output = Output { sender, content: Vec::with_capacity(PIECE_BYTES) };
    match write_pain002(&report, parts, &mut output) {
        Ok(()) => {
            sender.send(Ok(Piece { content: output.content, complete: true }));
            Ok(())
        }
        Err(PackageReportWriteError::Part(status)) => Err(status),
        // The caller has gone, or was told why it is cut off.
        Err(PackageReportWriteError::Write(_)) => Ok(()),
    }
}

/// What the report says of the file as a whole.
fn head(node: &Node, found: &PackageFound) -> Result<PackageReport, Status> {
    let package = &found.package;
    let text = texts(node, package.sequence)?;
    let created_at = node.handle.now();
    let id = format!("RPT{}-{}", package.sequence, created_at.milliseconds());
    let not_provided = || Text::parse(iso20022::NOT_PROVIDED).expect("eleven letters");
    let (message_id, initiating_party) =
        text.map_or_else(|| (not_provided(), None), |text| (text.message_id, text.initiating_party));
    Ok(PackageReport {
        message_id: Text::parse_identifier(&id).expect("a position and a time have at most 31 digits"),
        created_at,
        initiating_party,
        debtor_agent: Some(found.bank),
        original_message_id: message_id,
        original_created_at: None,
        original_transactions: Some(package.lines.into()),
        original_control_sum: sum_of(package.control_sum),
        status: Some(group_status(found)),
        reason: None,
        counts: counts(found),
    })
}

fn texts(node: &Node, position: Sequence) -> Result<Option<PackageText>, Status> {
    let log = node.handle.log();
    let texts = left_of(&[position], |left| log.texts_at(left)).map_err(|error| {
        tracing::error!(%error, "the log could not be read for a report");
        log_unreadable()
    });
    let text = texts?.pop().flatten();
    Ok(text.and_then(|text| PackageText::decode(&text).ok()))
}

/// A sum in minor units as reports have it.
fn sum_of(minor_units: i64) -> Option<ControlSum> {
    // Negative where none is stated.
    let minor_units = u64::try_from(minor_units).ok()?;
    ControlSum::parse(&format!("{}.{:02}", minor_units / 100, minor_units % 100))
}

/// What a file is as a whole.
fn group_status(found: &PackageFound) -> GroupStatus {
    let package = &found.package;
    match (package.settled, package.pending + package.sent) {
        (settled, _) if settled == package.lines => GroupStatus::Settled,
        (0, 0) => GroupStatus::Rejected,
        (0, _) => GroupStatus::Pending,
        _ => GroupStatus::PartlyAccepted,
    }
}

fn counts(found: &PackageFound) -> Vec<StatusCount> {
    let package = &found.package;
    let all = [
        (LineStatus::Pending, package.pending + package.sent, None),
        (LineStatus::Settled, package.settled, sum_of(package.sum_settled)),
        (LineStatus::Rejected, package.rejected + package.refused, None),
        (LineStatus::Cancelled, package.cancelled, None),
    ];
    let some = all.into_iter().filter(|(_, transactions, _)| *transactions > 0);
    some.map(|(status, transactions, sum)| StatusCount { status, transactions, sum }).collect()
}

/// The lines of a package, page by page.
struct Lines<'call> {
    node: &'call Node,
    package: Sequence,
    next: u32,
    /// The payment information of the line before.
    group: Option<Box<str>>,
    has_ended: bool,
}

impl Lines<'_> {
    /// What the report says of the next lines; nothing behind the last.
    fn page(&mut self) -> Result<Vec<PackageReportPart>, Status> {
        if self.has_ended {
            return Ok(Vec::new());
        }
        let asked =
            OrdersAsked::Lines { package: self.package, from: self.next, count_max: ORDERS_ASKED_MAX };
        let Answered { answer: Answer::Orders(answer), .. } =
            ask(&self.node.handle, Question::Orders(asked))?
        else {
            return Err(unanswered());
        };
        let found = answer.orders;
        let Some(last) = found.last() else {
            self.has_ended = true;
            return Ok(Vec::new());
        };
        self.next = last.order.line + 1;
        let positions: Vec<Sequence> = found.iter().map(|found| found.order.stands_at).collect();
        let log = self.node.handle.log();
        let terms = left_of(&positions, |left| log.terms_at(left)).map_err(|error| {
            tracing::error!(%error, "the log could not be read for a report");
            log_unreadable()
        })?;
        let accepted = self.acceptance_times(&found)?;
        let mut parts = Vec::with_capacity(found.len() + 1);
        for ((found, terms), accepted) in found.iter().zip(&terms).zip(accepted) {
            let texts = terms.as_ref().map(|terms| Texts::of(terms, found.state)).unwrap_or_default();
            if self.group.as_deref() != Some(texts.group.as_str()) {
                self.group = Some(texts.group.as_str().into());
                parts.push(PackageReportPart::Payment(payment_report(&texts.group)));
            }
            parts.push(PackageReportPart::Line(self.line(found, texts, accepted)));
        }
        Ok(parts)
    }

    /// When the clocks of their payments started, as far as the engine still knows them.
    fn acceptance_times(&self, found: &[OrderFound]) -> Result<Vec<Option<Timestamp>>, Status> {
        let payments: Vec<Sequence> = found.iter().map(|found| found.order.payment).collect();
        if payments.iter().all(|payment| *payment == Sequence(0)) {
            return Ok(vec![None; found.len()]);
        }
        let answered = ask(&self.node.handle, Question::Payments(payments))?;
        let Answer::Payments(known) = answered.answer else { return Err(unanswered()) };
        Ok(known.into_iter().map(|payment| payment.map(|payment| payment.acceptance_time())).collect())
    }

    fn line(&self, found: &OrderFound, texts: Texts, accepted: Option<Timestamp>) -> LineReport {
        let order = &found.order;
        let status = line_status(found.state);
        let is_paid = order.payment != Sequence(0);
        let payment_id = is_paid.then(|| self.node.handle.payment_id(order.payment).to_string());
        let reason = (status == LineStatus::Rejected).then(|| StatusDetail {
            reason: order.reason.unwrap_or_else(|| StatusReason::NotSpecified.code()),
            originator: None,
            additional_information: None,
        });
        LineReport {
            status_id: None,
            original_instruction_id: texts.instruction_id,
            original_end_to_end_id: texts.end_to_end_id,
            original_uetr: texts.uetr,
            status,
            reason,
            acceptance_time: accepted,
            servicer_reference: payment_id.and_then(|id| Text::parse(&id).ok()),
            amount: Amount::from_minor_units(order.amount),
        }
    }
}

/// What a report repeats of a line's texts.
#[derive(Default)]
struct Texts {
    /// Empty where the texts have been erased.
    group: String,
    instruction_id: Option<Text<35>>,
    end_to_end_id: Option<Text<35>>,
    uetr: Option<Text<36>>,
}

impl Texts {
    fn of(stored: &StoredTerms, state: OrderState) -> Self {
        let Ok(LineText { group, rest }) = LineText::read(&stored.text) else { return Self::default() };
        let group = group.to_owned();
        if state == OrderState::Refused {
            let refused = RefusedLineText::decode(rest).unwrap_or_default();
            let RefusedLineText { instruction_id, end_to_end_id } = refused;
            return Self { group, instruction_id, end_to_end_id, uetr: None };
        }
        match order_of(stored) {
            Some(order) => Self {
                group,
                instruction_id: order.instruction_id,
                end_to_end_id: Some(order.end_to_end_id),
                uetr: order.uetr,
            },
            None => Self { group, ..Self::default() },
        }
    }
}

fn payment_report(group: &str) -> PaymentReport {
    PaymentReport {
        original_id: Text::parse(group)
            .unwrap_or_else(|_| Text::parse(iso20022::NOT_PROVIDED).expect("eleven letters")),
        original_transactions: None,
        original_control_sum: None,
        status: None,
        reason: None,
        counts: Vec::new(),
    }
}

const fn line_status(state: OrderState) -> LineStatus {
    match state {
        OrderState::Pending | OrderState::Awaiting | OrderState::Sent => LineStatus::Pending,
        OrderState::Settled => LineStatus::Settled,
        OrderState::Rejected | OrderState::Expired | OrderState::Refused => LineStatus::Rejected,
        OrderState::Cancelled => LineStatus::Cancelled,
    }
}

/// Bytes become pieces.
struct Output<'call> {
    sender: &'call PieceSender<Piece>,
    content: Vec<u8>,
}

impl io::Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE_BYTES - self.content.len());
        self.content.extend_from_slice(&bytes[..taken]);
        if self.content.len() == PIECE_BYTES {
            let content = std::mem::replace(&mut self.content, Vec::with_capacity(PIECE_BYTES));
            if !self.sender.send(Ok(Piece { content, complete: false })) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
