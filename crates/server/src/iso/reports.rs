//! pacs.002 on what the log decided.
//!
//! A report is made of the payment and its order alone, so whenever it is told, it has the same bytes; what differs
//! between the two banks of a payment are the references that each of them knows.

use engine::{Handle, StoredOrder};
use iso20022::{
    Message, MessageKind, NOT_PROVIDED, Rules, Status as Report, StatusReport, decompress_evidence,
    read_message, write_pacs002,
};
use ledger::{Payment, QuestionState, Stage, Told};
use types::{Bic, Located, PaymentId, PaymentState, ReasonCode, Sequence, Text, Timestamp};

use super::outgoing::{Dress, Outgoing};

/// What makes ids of messages about one payment different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageOf {
    /// A report to the payer's bank.
    DebtorReport,
    /// A report to the payee's bank.
    CreditorReport,
    /// The question to the payee's bank.
    Question,
}

impl MessageOf {
    /// A report to the bank on this side.
    pub(super) const fn report_to(side: Stage) -> Self {
        match side {
            Stage::Debit => Self::DebtorReport,
            Stage::Credit => Self::CreditorReport,
        }
    }

    const fn suffix(self) -> &'static str {
        match self {
            Self::DebtorReport => "",
            Self::CreditorReport => "-C",
            Self::Question => "-Q",
        }
    }
}

/// The id of a message: the payment's, and what tells its messages apart. The same message has the same id.
pub(super) fn message_id(handle: &Handle, payment: Sequence, message: MessageOf) -> Text<35> {
    let id = format!("{}{}", handle.payment_id(payment), message.suffix());
    Text::parse(&id).expect("a payment id has 31 characters")
}

/// The payment that a message of this node was about, by the message's id.
pub(super) fn payment_of_message(handle: &Handle, message_id: &Text<35>) -> Option<Sequence> {
    let text = message_id.as_str();
    let kinds = [MessageOf::CreditorReport, MessageOf::Question];
    let id = kinds.iter().find_map(|kind| text.strip_suffix(kind.suffix())).unwrap_or(text);
    match handle.locate(PaymentId::parse(id).ok()?) {
        Located::At(sequence) => Some(sequence),
        Located::Lost { .. } | Located::Elsewhere => None,
    }
}

/// What a report says of a final payment.
pub(super) fn status(state: PaymentState, reason: Option<ReasonCode>, path: Option<&str>) -> Report {
    match (state, reason) {
        (PaymentState::Settled, _) => Report::Accepted,
        (_, reason) => Report::Rejected {
            reason: reason.expect("what was not settled has a reason"),
            // Solvo decides as the settlement mechanism, and has no BIC of its own.
            originator: None,
            additional_information: path.and_then(|path| Text::parse(path).ok()),
        },
    }
}

/// Whose report, and what it says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reported {
    /// The bank that hears it.
    pub(super) bank: Bic,
    pub(super) side: Stage,
    pub(super) told: Told,
}

/// The report on a final payment to one of its banks. `document` is what brought it, if it was refused on reading:
/// nothing else has its references.
pub(super) fn report(
    handle: &Handle,
    payment: &Payment,
    reported: Reported,
    order: Option<&StoredOrder>,
    document: Option<&[u8]>,
) -> StatusReport {
    let Reported { bank, side, told } = reported;
    let id = message_id(handle, payment.sequence(), MessageOf::report_to(side));
    let path = order.and_then(StoredOrder::fault).map(|(path, _)| path);
    let status = status(told.state, told.reason, path);
    let whole = order.and_then(StoredOrder::order);
    let mut report = match (whole, document.and_then(refused)) {
        (Some(order), _) => StatusReport::on_order(&order, id, payment.decided_time(), status),
        (None, Some(refused)) => {
            let report = StatusReport::on_refusal(&refused, id, payment.decided_time(), None);
            StatusReport { status, ..report }
        }
        (None, None) => by_key(payment, id, status),
    };
    if side == Stage::Credit && payment.question(Stage::Credit) != QuestionState::NotAsked {
        report.original_message_id = message_id(handle, payment.sequence(), MessageOf::Question);
    }
    report.acceptance_time = report.acceptance_time.or_else(|| acceptance_time(payment));
    report.instructed_agent = Some(bank);
    report.status_id = Some(payment_id(handle, payment.sequence()));
    report
}

/// The refused order of a kept document.
fn refused(document: &[u8]) -> Option<Box<iso20022::RefusedOrder>> {
    let document = decompress_evidence(document).ok()?;
    // No settlement date is current, so the rules refuse it at least for that; the references are the same.
    match read_message(&document, &Rules::sct_inst_2025(Vec::new())).ok()?.message {
        Message::RefusedTransfer(refused) => Some(refused),
        Message::CreditTransfer(_)
        | Message::StatusReport(_)
        | Message::StatusRequest(_)
        | Message::Rejection(_) => None,
    }
}

/// All that is left of a payment whose texts have been erased.
fn by_key(payment: &Payment, message_id: Text<35>, status: Report) -> StatusReport {
    StatusReport {
        message_id,
        created_at: payment.decided_time(),
        instructing_agent: None,
        instructed_agent: None,
        original_message_id: Text::parse(NOT_PROVIDED).expect("eleven letters"),
        status,
        status_id: None,
        original_instruction_id: None,
        original_end_to_end_id: None,
        original_transaction_id: Text::parse(payment.transaction_id()).ok(),
        original_uetr: None,
        acceptance_time: None,
        category_purpose: None,
        debtor_agent: Some(payment.debtor_agent()),
    }
}

/// When the payment's clock started, unless it was refused before that was known.
fn acceptance_time(payment: &Payment) -> Option<Timestamp> {
    Some(payment.acceptance_time()).filter(|time| *time != Timestamp::default())
}

/// `StsId`.
pub(super) fn payment_id(handle: &Handle, payment: Sequence) -> Text<35> {
    message_id(handle, payment, MessageOf::DebtorReport)
}

/// Finishes a report.
pub(super) fn finish(report: &StatusReport, dress: Dress, is_repeat: bool) -> Outgoing {
    let (id, created_at) = (report.message_id.clone(), report.created_at);
    dress.finish(MessageKind::StatusReport, write_pacs002(report), id, created_at, is_repeat)
}
