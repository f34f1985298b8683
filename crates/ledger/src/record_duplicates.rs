//! Reading what stands in records about evidence on disk: the payment that was found there, and the command that lets
//! payments go there.

use types::{PaymentState, ReasonCode, Timestamp};
use zerocopy::FromBytes;

use super::lifecycle::check_any_answer;
use super::{
    Check, Command, Kind, RecordError, check_connected_payment, check_key, check_ordered_payment,
    check_refused, checked, holds, zero,
};
use crate::layout;
use crate::payments::{HOLDS_KEY, are_marks};

/// A command and the earlier payment that it carries.
type WithEvidence<'frame> = (Command<'frame>, Option<&'frame layout::StoredPayment>);

/// Whether a record has room for evidence.
#[inline]
pub(super) fn has_room_for_evidence(header: &layout::Header) -> bool {
    let is = |kind: Kind, version| (header.kind.get(), header.version.get()) == (kind.number(), version);
    is(Kind::Payment, layout::PAYMENT_VERSION_FOUND)
        || is(Kind::Payment, layout::PAYMENT_VERSION_ORDER)
        || is(Kind::Answer, layout::ANSWER_VERSION_EVIDENCE)
        || is(Kind::RefusedPayment, layout::REFUSED_VERSION_FOUND)
}

/// Reads a record that has room for evidence. Few have, and all others are read without a thought of it.
#[cold]
pub(super) fn read_with_evidence<'frame>(
    header: &layout::Header,
    structure: &'frame [u8],
) -> Result<WithEvidence<'frame>, RecordError> {
    match Kind::from_number(header.kind.get()) {
        Some(Kind::Payment) if header.version.get() == layout::PAYMENT_VERSION_ORDER => {
            read_ordered(structure)
        }
        Some(Kind::Payment) => read_payment(structure),
        Some(Kind::Answer) => read_answer(structure),
        _ => read_refused(structure),
    }
}

fn read_payment(structure: &[u8]) -> Result<WithEvidence<'_>, RecordError> {
    let (structure, found) = split_found(structure, size_of::<layout::Payment>())?;
    let payment: &layout::Payment = checked(structure, check_connected_payment)?;
    check_found_for(payment, found)?;
    Ok((Command::Payment(payment), Some(found)))
}

/// From version 4 on, what was found follows where the payment says that something was.
fn read_ordered(structure: &[u8]) -> Result<WithEvidence<'_>, RecordError> {
    let (structure, found) = match structure.len() == size_of::<layout::Payment>() {
        true => (structure, None),
        false => {
            let (structure, found) = split_found(structure, size_of::<layout::Payment>())?;
            (structure, Some(found))
        }
    };
    let payment: &layout::Payment = checked(structure, check_ordered_payment)?;
    match found {
        Some(found) => check_found_for(payment, found)?,
        None => holds(payment.evidence_found.get() == 0, "evidence_found")?,
    }
    Ok((Command::Payment(payment), found))
}

fn check_found_for(payment: &layout::Payment, found: &layout::StoredPayment) -> Check {
    check_found(found, payment.evidence_upto.get())?;
    holds(found.key == payment.key, "found")?;
    holds(found.marks & HOLDS_KEY != 0, "marks")?;
    holds(found.sequence == payment.evidence_found, "evidence_found")
}

fn read_refused(structure: &[u8]) -> Result<WithEvidence<'_>, RecordError> {
    let (structure, found) = split_found(structure, size_of::<layout::RefusedPayment>())?;
    let refused: &layout::RefusedPayment = checked(structure, check_refused)?;
    check_found(found, refused.evidence_upto.get())?;
    holds(found.key == refused.key, "found")?;
    holds(found.marks & HOLDS_KEY != 0, "marks")?;
    holds(found.sequence == refused.evidence_found, "evidence_found")?;
    Ok((Command::RefusedPayment(refused), Some(found)))
}

fn read_answer(structure: &[u8]) -> Result<WithEvidence<'_>, RecordError> {
    let (structure, found) = match structure.len() == size_of::<layout::Answer>() {
        true => (structure, None),
        false => {
            let (structure, found) = split_found(structure, size_of::<layout::Answer>())?;
            (structure, Some(found))
        }
    };
    let answer: &layout::Answer = checked(structure, check_any_answer)?;
    holds(answer.evidence_upto >= answer.payment, "evidence_upto")?;
    if let Some(found) = found {
        check_found(found, answer.evidence_upto.get())?;
        holds(found.sequence == answer.payment, "found")?;
    }
    Ok((Command::Answer(answer), found))
}

/// A structure of this length, and the payment behind it.
fn split_found(structure: &[u8], length: usize) -> Result<(&[u8], &layout::StoredPayment), RecordError> {
    let (structure, found) = structure.split_at_checked(length).ok_or(RecordError::Length)?;
    let found = layout::StoredPayment::ref_from_bytes(found).map_err(|_| RecordError::Length)?;
    Ok((structure, found))
}

fn check_found(found: &layout::StoredPayment, evidence_upto: u64) -> Check {
    check_stored(found)?;
    holds((1..=evidence_upto).contains(&found.sequence.get()), "evidence_upto")
}

/// Whether each field of a payment in stored form holds what it can.
pub(crate) fn check_stored(stored: &layout::StoredPayment) -> Check {
    check_key(&stored.key)?;
    let times = [stored.received_time, stored.decided_time, stored.acceptance_time];
    holds(times.iter().all(|time| Timestamp::from_nanoseconds(time.get()).is_some()), "received_time")?;
    holds(stored.decided_at >= stored.sequence, "decided_at")?;
    let state = PaymentState::from_number(stored.state).filter(|state| state.is_final());
    holds(state.is_some(), "state")?;
    let is_code = |code: [u8; 4]| ReasonCode::from_bytes(code).is_some();
    holds((stored.reason == [0; 4]) == (state == Some(PaymentState::Settled)), "reason")?;
    holds(stored.reason == [0; 4] || is_code(stored.reason), "reason")?;
    holds(stored.reason_to_creditor == [0; 4] || is_code(stored.reason_to_creditor), "reason_to_creditor")?;
    holds(are_marks(stored.marks, ReasonCode::from_bytes(stored.reason)), "marks")?;
    holds(stored.questions.iter().all(|question| *question <= 3), "questions")?;
    zero(&stored.reserved)
}

pub(crate) fn check_seal(seal: &layout::SealDuplicates) -> Check {
    holds(seal.run.get() > 0, "run")?;
    holds(seal.after < seal.upto, "upto")?;
    holds(seal.payments.get() > 0, "payments")?;
    holds(Timestamp::from_nanoseconds(seal.newest_time.get()).is_some(), "newest_time")?;
    zero(&seal.reserved)
}
