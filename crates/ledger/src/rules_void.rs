//! Commands that the operator has voided, because every replay failed on them.
//!
//! A void is known before a replay reaches its command: it stands in a file beside the log (`journal`), and whoever
//! replays asks the ledger to pass the command over. The record here is the audit trail of that; applied, it changes
//! nothing.
//!
//! Invariants:
//! - A command that is passed over moves no money, takes no request id and uses no key: sent again, it is decided anew.
//! - It is told that it was voided: a payment is rejected with MS03 under its own id, any other command is refused.

use types::{BatchNumber, Sequence, Timestamp};

use crate::ledger::ReplayError;
use crate::record::{Check, holds, zero};
use crate::record_writer::RecordWriter;
use crate::{Command, Kind, Ledger, Outcome, Position, Refusal, Remark, Verdict, layout, rules_payment};

/// A command that is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Void {
    /// The command's position.
    pub sequence: Sequence,
    /// The frame that holds it.
    pub batch: BatchNumber,
    /// The stored number of the command's kind.
    pub kind: u16,
    /// The hash of that frame, so that a void never meets the command of another log.
    pub frame_hash: [u8; 32],
}

impl RecordWriter {
    /// Tells the log that a command is passed over.
    pub fn void(&mut self, void: &Void) {
        let record = layout::Void {
            sequence: void.sequence.0.into(),
            batch: void.batch.0.into(),
            kind: void.kind.into(),
            reserved: [0; 6],
            frame_hash: void.frame_hash,
        };
        self.push(Kind::Void, &record, &[]);
    }
}

impl layout::Void {
    /// What it says.
    pub const fn void(&self) -> Void {
        Void {
            sequence: Sequence(self.sequence.get()),
            batch: BatchNumber(self.batch.get()),
            kind: self.kind.get(),
            frame_hash: self.frame_hash,
        }
    }
}

/// What the fields of the record may hold.
pub(crate) fn check(void: &layout::Void) -> Check {
    let kind = Kind::from_number(void.kind.get());
    holds(kind.is_some_and(|kind| kind != Kind::Genesis), "kind")?;
    holds(void.sequence.get() > 0, "sequence")?;
    holds(void.batch.get() > 0, "batch")?;
    zero(&void.reserved)
}

/// What is voided stands before the record that says so.
pub(crate) fn check_order(at: Position, void: &layout::Void) -> Result<(), ReplayError> {
    if void.sequence.get() < at.sequence.0 { Ok(()) } else { Err(ReplayError::Void) }
}

/// What a voided command is told.
pub(crate) fn pass_over(ledger: &mut Ledger, at: Position, command: Command<'_>) -> Outcome {
    if let Command::Payment(payment) = command {
        return rules_payment::pass_over(ledger, at, payment);
    }
    if let Command::RefusedPayment(refused) = command {
        return rules_payment::pass_over_refused(ledger, at, refused);
    }
    Outcome {
        sequence: at.sequence,
        decided_at: at.sequence,
        decided_time: at.time,
        accepted: Timestamp::default(),
        kind: command.kind(),
        verdict: Verdict::Refused { refusal: Refusal::Voided, repeat_of: None },
        alerts: crate::Alerts::NONE,
        late: false,
        remark: Remark::None,
        balances: [0; 4],
    }
}

#[cfg(test)]
#[path = "rules_void_tests.rs"]
mod tests;
