//! Why a call was not done: from the engine's and the ledger's words into those of the contract.

use client::convert::{FieldReader, Path};
use client::v1::ErrorReason;
use client::{Refusal, v1};
use engine::NotTaken;
use iso20022::{SchemaFault, Violation};
use ledger::{RULES_VERSION, Stage};
use tonic::{Code, Status};
use types::{Date, Sequence};

use crate::limits::RETRY_AFTER;

/// What the engine did not take.
pub(crate) fn not_taken(reason: NotTaken) -> Refusal {
    let message = reason.to_string();
    match reason {
        NotTaken::Overloaded => {
            Refusal::new(Code::ResourceExhausted, ErrorReason::Overloaded, message).retry_after(RETRY_AFTER)
        }
        NotTaken::Full | NotTaken::TooLarge => {
            Refusal::new(Code::ResourceExhausted, ErrorReason::CapacityExhausted, message)
        }
        NotTaken::OlderRules => Refusal::new(Code::FailedPrecondition, ErrorReason::VersionNotNext, message),
        NotTaken::ClockApart | NotTaken::NoSpace | NotTaken::DuplicatesUnreadable | NotTaken::Stopping => {
            Refusal::new(Code::Unavailable, ErrorReason::NotReady, message).retry_after(RETRY_AFTER)
        }
    }
}

/// The node is still reading its log.
pub(crate) fn starting(message: String) -> Refusal {
    Refusal::new(Code::Unavailable, ErrorReason::NotReady, message).retry_after(RETRY_AFTER)
}

/// One bank has as many payments under way as it may.
pub(crate) fn quota_exceeded() -> Refusal {
    let message = "this bank has as many payments under way as it may; try again shortly";
    Refusal::new(Code::ResourceExhausted, ErrorReason::QuotaExceeded, message).retry_after(RETRY_AFTER)
}

/// The caller has as many enquiries waiting as it may.
pub(crate) fn too_many_enquiries() -> Refusal {
    let message =
        "this caller has as many enquiries waiting for the end of a payment as it may; try again shortly";
    Refusal::new(Code::ResourceExhausted, ErrorReason::QuotaExceeded, message).retry_after(RETRY_AFTER)
}

/// The caller verifies payees more often than it may.
pub(crate) fn too_many_verifications() -> Refusal {
    let message = "this caller verifies as many payees a second as it may; try again shortly";
    Refusal::new(Code::ResourceExhausted, ErrorReason::QuotaExceeded, message).retry_after(RETRY_AFTER)
}

/// As many images are being searched for payment codes as may be.
pub(crate) fn too_many_images() -> Refusal {
    let message =
        "as many images are being read as may be at once; try again shortly, or send the text of the code";
    Refusal::new(Code::ResourceExhausted, ErrorReason::Overloaded, message).retry_after(RETRY_AFTER)
}

/// Names of holders stand under keys that were to be destroyed.
pub(crate) fn holders_would_go(accounts: u64, before: Date) -> Refusal {
    let message = format!(
        "the names of the holders of {accounts} open accounts were last written before {before}: payees could not be verified \
         by them any more. The node writes such names again by itself; or let them go with `solvo erase --forget-holders`"
    );
    Refusal::new(Code::FailedPrecondition, ErrorReason::HoldersWouldGo, message)
}

/// Whether names of holders stand under keys that were to be destroyed is not known.
pub(crate) fn holders_unknown(why: &str) -> Refusal {
    let message = format!("whether names of holders of open accounts would go is not known: {why}");
    Refusal::new(Code::Unavailable, ErrorReason::NotReady, message).retry_after(RETRY_AFTER)
}

/// A submission without its payment.
pub(crate) fn payment_missing() -> Refusal {
    let mut reader = FieldReader::new();
    reader.missing(&Path::root("payment"));
    Refusal::invalid(reader.finish::<()>(None).expect_err("a fault was noted"))
}

/// The node stopped before it answered. What was submitted may be in the log.
pub(crate) fn unanswered() -> Status {
    Status::unavailable("the node stopped before it answered; ask, or repeat the same request")
}

/// The caller's own time was over first.
pub(crate) fn not_yet() -> Status {
    Status::deadline_exceeded("the payment is not in the log yet; ask, or repeat the same request")
}

/// The node stops while a stream is open. Replies under way still come.
pub(crate) fn stopping() -> Status {
    Status::unavailable("the node is stopping; submit again what has no result")
}

/// What the ledger did not carry out. It is logged, and the request id remembers it.
pub(crate) fn refused(refusal: ledger::Refusal) -> Refusal {
    use ledger::Refusal as Ledger;
    let (code, reason) = match refusal {
        Ledger::RequestIdReused => (Code::FailedPrecondition, ErrorReason::RequestIdReused),
        Ledger::ParticipantUnknown => (Code::NotFound, ErrorReason::ParticipantUnknown),
        Ledger::ParticipantExists => (Code::AlreadyExists, ErrorReason::ParticipantExists),
        Ledger::AccountsNotHosted => (Code::FailedPrecondition, ErrorReason::AccountsNotHosted),
        Ledger::AccountUnknown => (Code::NotFound, ErrorReason::AccountUnknown),
        Ledger::AccountExists => (Code::AlreadyExists, ErrorReason::AccountExists),
        Ledger::AccountClosed => (Code::FailedPrecondition, ErrorReason::AccountClosed),
        Ledger::AccountBlocked => (Code::FailedPrecondition, ErrorReason::AccountBlocked),
        Ledger::AccountNotEmpty => (Code::FailedPrecondition, ErrorReason::AccountNotEmpty),
        Ledger::FloorAboveAvailable => (Code::FailedPrecondition, ErrorReason::FloorAboveAvailable),
        Ledger::InsufficientFunds => (Code::FailedPrecondition, ErrorReason::InsufficientFunds),
        Ledger::BalanceLimit => (Code::FailedPrecondition, ErrorReason::BalanceLimit),
        Ledger::PositionUnknown => (Code::NotFound, ErrorReason::PositionUnknown),
        Ledger::ReferenceReused => (Code::FailedPrecondition, ErrorReason::ReferenceReused),
        Ledger::VersionNotNext => (Code::FailedPrecondition, ErrorReason::VersionNotNext),
        Ledger::CurrencyLimit => (Code::FailedPrecondition, ErrorReason::CurrencyLimit),
        // Only the engine names runs, so no caller is told.
        Ledger::RunMisplaced => (Code::Internal, ErrorReason::Unspecified),
        Ledger::InstantFeeAboveOrdinary => (Code::FailedPrecondition, ErrorReason::InstantFeeAboveOrdinary),
        Ledger::BookUnknown => (Code::FailedPrecondition, ErrorReason::BookUnknown),
        Ledger::CalendarUnknown => (Code::FailedPrecondition, ErrorReason::CalendarUnknown),
        Ledger::CalendarYear => (Code::FailedPrecondition, ErrorReason::CalendarYear),
        Ledger::BusinessDateNotNext => (Code::FailedPrecondition, ErrorReason::BusinessDateNotNext),
        Ledger::NotDue => (Code::FailedPrecondition, ErrorReason::NotDue),
        Ledger::RecallExists => (Code::AlreadyExists, ErrorReason::RecallExists),
        Ledger::RecallWindowOver => (Code::FailedPrecondition, ErrorReason::RecallWindowOver),
        Ledger::OriginalNotSettled => (Code::FailedPrecondition, ErrorReason::OriginalNotSettled),
        Ledger::OriginalDiffers => (Code::FailedPrecondition, ErrorReason::OriginalDiffers),
        Ledger::RecallUnknown => (Code::NotFound, ErrorReason::RecallUnknown),
        Ledger::RecallAnswered => (Code::FailedPrecondition, ErrorReason::RecallAnswered),
        Ledger::RecallOfAnotherBank => (Code::FailedPrecondition, ErrorReason::RecallOfAnotherBank),
        Ledger::ConsentMissing => (Code::FailedPrecondition, ErrorReason::ConsentMissing),
        Ledger::AboveOriginal => (Code::FailedPrecondition, ErrorReason::AboveOriginal),
        Ledger::AnswerNotTrue => (Code::FailedPrecondition, ErrorReason::AnswerNotTrue),
        Ledger::RecallLimit => (Code::ResourceExhausted, ErrorReason::RecallLimit),
        Ledger::ParticipantSuspended => (Code::FailedPrecondition, ErrorReason::ParticipantSuspended),
        Ledger::Voided => (Code::FailedPrecondition, ErrorReason::Voided),
        Ledger::PairNotAllowed => (Code::FailedPrecondition, ErrorReason::PairNotAllowed),
        Ledger::PositionBlocked => (Code::FailedPrecondition, ErrorReason::PositionBlocked),
        Ledger::PositionExists => (Code::FailedPrecondition, ErrorReason::PositionExists),
        Ledger::PartyDiffers => (Code::FailedPrecondition, ErrorReason::PartyDiffers),
        Ledger::LimitUnknown => (Code::NotFound, ErrorReason::LimitUnknown),
        Ledger::VersionConflict => (Code::FailedPrecondition, ErrorReason::VersionConflict),
        Ledger::RecordUnknown => (Code::NotFound, ErrorReason::RecordUnknown),
        Ledger::RecordExpiryNotAllowed => (Code::FailedPrecondition, ErrorReason::RecordExpiryNotAllowed),
        Ledger::RecordLimit => (Code::ResourceExhausted, ErrorReason::RecordLimit),
        Ledger::RecordSpaceLimit => (Code::ResourceExhausted, ErrorReason::RecordSpaceLimit),
        Ledger::RecordRoom => (Code::ResourceExhausted, ErrorReason::RecordRoom),
        Ledger::RequestToPayUnknown => (Code::NotFound, ErrorReason::RequestToPayUnknown),
        Ledger::RequestToPayNotOpen => (Code::FailedPrecondition, ErrorReason::RequestToPayNotOpen),
        Ledger::RequestToPayPresented => (Code::FailedPrecondition, ErrorReason::RequestToPayPresented),
        Ledger::RequestToPayTimesNotAllowed => {
            (Code::FailedPrecondition, ErrorReason::RequestToPayTimesNotAllowed)
        }
        Ledger::RequestToPayLaterNotAllowed => {
            (Code::FailedPrecondition, ErrorReason::RequestToPayLaterNotAllowed)
        }
        Ledger::RequestToPayLimit => (Code::ResourceExhausted, ErrorReason::RequestToPayLimit),
        Ledger::RequestToPayExpired => (Code::FailedPrecondition, ErrorReason::RequestToPayExpired),
        Ledger::RequestToPayDiffers => (Code::FailedPrecondition, ErrorReason::RequestToPayDiffers),
        Ledger::HoldUnknown => (Code::NotFound, ErrorReason::HoldUnknown),
        Ledger::HoldExpiryNotAllowed => (Code::FailedPrecondition, ErrorReason::HoldExpiryNotAllowed),
        Ledger::HoldLimit => (Code::ResourceExhausted, ErrorReason::HoldLimit),
        Ledger::AboveHeld => (Code::FailedPrecondition, ErrorReason::AboveHeld),
        Ledger::PayeeIsPayer => (Code::FailedPrecondition, ErrorReason::PayeeIsPayer),
        Ledger::AccountRestricted => (Code::FailedPrecondition, ErrorReason::AccountRestricted),
        Ledger::AccountKindNotAllowed => (Code::FailedPrecondition, ErrorReason::AccountKindNotAllowed),
        Ledger::PositionInsufficient => (Code::FailedPrecondition, ErrorReason::PositionInsufficient),
        Ledger::ActivationLimit => (Code::ResourceExhausted, ErrorReason::ActivationLimit),
        Ledger::PostingMapChanged => (Code::FailedPrecondition, ErrorReason::PostingMapChanged),
        Ledger::PostingDateNotAllowed => (Code::FailedPrecondition, ErrorReason::PostingDateNotAllowed),
        Ledger::PostingAccountUnknown => (Code::FailedPrecondition, ErrorReason::PostingAccountUnknown),
        Ledger::PostingMapLimit => (Code::ResourceExhausted, ErrorReason::PostingMapLimit),
        Ledger::ExceptionUnknown => (Code::NotFound, ErrorReason::ExceptionUnknown),
        Ledger::ExceptionExists => (Code::AlreadyExists, ErrorReason::ExceptionExists),
        Ledger::ExceptionResolved => (Code::FailedPrecondition, ErrorReason::ExceptionResolved),
        Ledger::ActionNotLegal => (Code::FailedPrecondition, ErrorReason::ActionNotLegal),
        Ledger::ExceptionLimit => (Code::ResourceExhausted, ErrorReason::ExceptionLimit),
        Ledger::ExceptionInSuspense => (Code::FailedPrecondition, ErrorReason::ExceptionInSuspense),
        Ledger::ExceptionNotInSuspense => (Code::FailedPrecondition, ErrorReason::ExceptionNotInSuspense),
        Ledger::RecallMissing => (Code::FailedPrecondition, ErrorReason::RecallMissing),
        Ledger::OriginalSettled => (Code::FailedPrecondition, ErrorReason::OriginalSettled),
        Ledger::PackageUnknown => (Code::NotFound, ErrorReason::PackageUnknown),
        Ledger::PackageExists => (Code::AlreadyExists, ErrorReason::PackageExists),
        Ledger::PackageLimit => (Code::ResourceExhausted, ErrorReason::PackageLimit),
        Ledger::PackageNotOpen => (Code::FailedPrecondition, ErrorReason::PackageNotOpen),
        Ledger::LineNotNext => (Code::FailedPrecondition, ErrorReason::LineNotNext),
        Ledger::PackageDiffers => (Code::FailedPrecondition, ErrorReason::PackageDiffers),
        Ledger::OrderUnknown => (Code::NotFound, ErrorReason::OrderUnknown),
        Ledger::OrderNotPending => (Code::FailedPrecondition, ErrorReason::OrderNotPending),
        Ledger::OrderDateNotAllowed => (Code::FailedPrecondition, ErrorReason::OrderDateNotAllowed),
        Ledger::OrderLimit => (Code::ResourceExhausted, ErrorReason::OrderLimit),
    };
    Refusal::new(code, reason, refusal.meaning())
}

/// The node runs beside another system, and tells nobody what it decides.
pub(crate) fn parallel_node() -> Refusal {
    let message =
        "this node runs beside the system that decides, and tells banks nothing; connect to that system";
    Refusal::new(Code::FailedPrecondition, ErrorReason::ParallelNode, message)
}

/// An account of the payment takes no part here.
pub(crate) fn account_not_active(stage: Stage) -> Refusal {
    let message = match stage {
        Stage::Debit => {
            "the payer's account takes no part here: the system that it moves from still has it; send the payment there"
        }
        Stage::Credit => {
            "the payee's account takes no part here: the system that it moves from still has it; send the payment there"
        }
    };
    Refusal::new(Code::FailedPrecondition, ErrorReason::AccountNotActive, message)
}
/// The action is not legal for an exception of its kind; these are.
pub(crate) fn action_not_legal(legal: &str) -> Status {
    let message = format!("this action is not legal for an exception of its kind; legal are {legal}");
    Refusal::new(Code::FailedPrecondition, ErrorReason::ActionNotLegal, message).into_status()
}

/// Another version of a record is there than was expected, or none is.
pub(crate) fn version_conflict(there: Option<Sequence>) -> Status {
    let message = match there {
        Some(version) => format!("the record is at version {version}; read it again and decide anew"),
        None => "there is no such record; read it again and decide anew".to_owned(),
    };
    Refusal::new(Code::FailedPrecondition, ErrorReason::VersionConflict, message).into_status()
}

/// A record's bytes are erased, or in a part of the log that is not kept any more.
pub(crate) fn record_bytes_gone() -> Status {
    let message = "the record is there, and its bytes are not at hand any more; put it again or remove it";
    Refusal::new(Code::Unavailable, ErrorReason::RecordBytesGone, message).into_status()
}

/// A request to pay is there, and the texts of its payment are not.
pub(crate) fn request_texts_gone() -> Status {
    let message = "the texts of the request to pay are not at hand any more, so it can't be paid; the payee may make a new one";
    Refusal::new(Code::Unavailable, ErrorReason::RequestToPayTextsGone, message).into_status()
}

/// Bytes of records stand under keys that were to be destroyed.
pub(crate) fn records_would_go(records: usize, before: Date) -> Refusal {
    let message = format!(
        "the bytes of {records} records of gateways were last written before {before}: they could not be read any more. The \
         node writes such bytes again by itself; or let them go with `solvo erase --forget-records`"
    );
    Refusal::new(Code::FailedPrecondition, ErrorReason::RecordsWouldGo, message)
}

/// A file of orders can't be read.
pub(crate) fn package_not_readable(fault: &SchemaFault) -> Status {
    let is_counted = fault.what == Violation::Totals;
    let reason = if is_counted { ErrorReason::PackageTotals } else { ErrorReason::PackageNotReadable };
    Refusal::new(Code::InvalidArgument, reason, format!("the file is refused: {fault}")).into_status()
}

/// A file of orders is not the one that its header says.
pub(crate) fn not_the_file(why: &str) -> Status {
    let message = format!("the file is not the one that its header states: {why}");
    Refusal::new(Code::InvalidArgument, ErrorReason::DigestDiffers, message).into_status()
}

/// The package that a request opened has been given up.
pub(crate) fn package_abandoned() -> Status {
    let message = "the package of this request was given up, and nothing of it was paid; the file may come again, under a new \
                   request id";
    Refusal::new(Code::FailedPrecondition, ErrorReason::PackageAbandoned, message).into_status()
}

/// The lines of a package are forgotten.
pub(crate) fn report_gone() -> Status {
    let message = "the outcomes of the package's lines are kept for five days after the last, and are gone; the payments are in history";
    Refusal::new(Code::NotFound, ErrorReason::ReportGone, message).into_status()
}

/// Texts of orders stand under keys that were to be destroyed.
pub(crate) fn orders_would_go(orders: usize, before: Date) -> Refusal {
    let message = format!(
        "the texts of {orders} orders that wait were last written before {before}: they could not be paid any more. The node \
         writes such texts again by itself; or cancel these orders"
    );
    Refusal::new(Code::FailedPrecondition, ErrorReason::OrdersWouldGo, message)
}

/// The rules are to be raised to a version that this node does not know.
pub(crate) fn version_unknown() -> Refusal {
    let message =
        format!("this node knows the rules up to version {RULES_VERSION}; replace it by a newer one first");
    Refusal::new(Code::FailedPrecondition, ErrorReason::VersionNotNext, message)
}

/// The node has no next master key, or can't read it.
pub(crate) fn new_master_key_unusable(why: &str) -> Refusal {
    let message = format!("the new master key can't be had: {why}");
    Refusal::new(Code::FailedPrecondition, ErrorReason::NewMasterKeyUnusable, message)
}

/// Keys could not be changed, and are as they were.
pub(crate) fn keys_unchanged(why: &str) -> Refusal {
    Refusal::new(Code::Unavailable, ErrorReason::NotReady, why).retry_after(RETRY_AFTER)
}

/// No participant has this BIC.
pub(crate) fn participant_unknown() -> Status {
    refused(ledger::Refusal::ParticipantUnknown).into_status()
}

/// The caller does not act for this bank.
pub(crate) fn bank_not_yours() -> Refusal {
    let message = "the caller does not act for this bank";
    Refusal::new(Code::PermissionDenied, ErrorReason::BankNotYours, message)
}

/// The position to go on from is older than what is kept.
pub(crate) fn position_too_old() -> Status {
    let message = "the position is older than what is kept; start without one, and reconcile";
    Refusal::new(Code::OutOfRange, ErrorReason::PositionTooOld, message).into_status()
}

/// The position to go on from is of a part of the log that a restore has cut off.
pub(crate) fn position_cut_off(kept: Sequence) -> Status {
    position_lost(&format!(
        "a restore from a backup has cut this position off: go on from position {kept}, and compare with your books what \
         you heard after it"
    ))
}

/// The position to go on from may be of a part of the log that a restore has cut off.
pub(crate) fn position_without_life(kept: Sequence) -> Status {
    position_lost(&format!(
        "the log was restored from a backup, and positions after {kept} were given more than once: name the incarnation \
         that gave this one, or go on from position {kept} and compare with your books what you heard after it"
    ))
}

/// The position to go on from is of a life that the log knows nothing of.
pub(crate) fn position_of_no_life() -> Status {
    position_lost(
        "a life of the log gave this position that is no part of it: it was lost by a restore, or is another node's; start \
         without a position, and reconcile",
    )
}

fn position_lost(message: &str) -> Status {
    Refusal::new(Code::OutOfRange, ErrorReason::PositionTooOld, message).into_status()
}

/// The moment lies before history begins, which knows nothing of it.
pub(crate) fn before_history(begins: Sequence) -> Status {
    let message = format!("history begins after position {begins}; what was before is no longer known");
    Refusal::new(Code::OutOfRange, ErrorReason::PositionTooOld, message).into_status()
}

/// History does not have every booking of a bank, so its postings have no numbers.
pub(crate) fn postings_incomplete(upto: Sequence) -> Status {
    let message = format!(
        "history lacks bookings of this bank up to position {upto}, so its postings have no numbers: where the log still \
         begins with its first frame, `solvo history rebuild` makes them"
    );
    Refusal::new(Code::FailedPrecondition, ErrorReason::PostingsIncomplete, message).into_status()
}

/// The day of which something is asked is not over, or has not begun.
pub(crate) fn day_not_there(why: &str) -> Status {
    Refusal::new(Code::OutOfRange, ErrorReason::PositionAhead, why).into_status()
}

/// The position to go on from was not given out by this node.
pub(crate) fn position_ahead() -> Status {
    let message = "the position lies ahead of the log; it was not given out by this node";
    Refusal::new(Code::OutOfRange, ErrorReason::PositionAhead, message).into_status()
}

/// What was told was not read in time.
pub(crate) fn reader_too_slow() -> Status {
    let message = "what was sent was not read in time; connect again from the last position";
    Refusal::new(Code::Aborted, ErrorReason::ReaderTooSlow, message).into_status()
}

/// As many streams of this kind as there may be.
pub(crate) fn too_many(what: &str) -> Status {
    let refusal = Refusal::new(Code::ResourceExhausted, ErrorReason::QuotaExceeded, what);
    refusal.retry_after(RETRY_AFTER).into_status()
}

/// The log can't be read. Nothing is wrong with what is written to it.
pub(crate) fn log_unreadable() -> Status {
    let message = "the log could not be read; connect again";
    Refusal::new(Code::Unavailable, ErrorReason::NotReady, message).retry_after(RETRY_AFTER).into_status()
}

/// History can't be asked. Payments go on.
pub(crate) fn history_unavailable(why: &str) -> Status {
    Refusal::new(Code::Unavailable, ErrorReason::NotReady, why).retry_after(RETRY_AFTER).into_status()
}

/// The node stops while a bank or watcher is connected.
pub(crate) fn stopping_connection() -> Status {
    let message = "the node is stopping; connect again from the last position";
    Refusal::new(Code::Unavailable, ErrorReason::NotReady, message).retry_after(RETRY_AFTER).into_status()
}

/// Fields that break their rules.
pub(crate) fn invalid(violations: Vec<v1::FieldViolation>) -> Status {
    Refusal::invalid(violations).into_status()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contract's reasons carry the ledger's names, so that logs, replies and documents say the same.
    #[test]
    fn reasons_have_the_ledgers_names() {
        for number in 1..=u8::MAX {
            let Some(refusal) = ledger::Refusal::from_number(number) else { continue };
            // Only the node itself seals.
            if refusal == ledger::Refusal::RunMisplaced {
                continue;
            }
            let name = format!("ERROR_REASON_{}", refusal.name());
            assert_eq!(refused(refusal).reason.as_str_name(), name);
        }
    }
}
