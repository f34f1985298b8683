//! By which version of the rules a frame is decided, and how that changes.
//!
//! A new program brings new kinds of commands, which the one before can't read. So a log goes on under its version until
//! an operator raises it by a logged command; before that, the old program can be put back. A log that begins now begins
//! under the newest.
//!
//! Invariants:
//! - A frame is decided by one version, which its header names: the one in force at its beginning.
//! - The version is raised by one, from the next frame on, and never lowered.
//! - A command stands only in frames of a version that knows its kind.

use crate::command::RequestId;
use crate::record::{Check, holds, zero};
use crate::rules_masterdata::Answer;
use crate::{Command, Kind, Ledger, Refusal, ReplayError, layout};

/// The newest version of the rules that this program knows.
///
/// 1 is the first. 2 adds the duplicate evidence on disk, 3 the rest of the rulebook: the calendar, recalls, liquidity, and
/// what banks set about customers, fees and their clocks; 4 holds, and the records that gateways keep; 5 what replaces a
/// bank's batch: orders, mirrors of accounts, requests to pay, exceptions, and which accounts take part.
pub const RULES_VERSION: u32 = 5;

/// The version that brought the rest of the rulebook, and with it the later sections of a state. Those of older rules stay
/// as they were, so that older programs read them.
pub const HAS_RULEBOOK: u32 = 3;

/// The version that brought holds and the records that gateways keep.
pub const HAS_HOLDS: u32 = 4;

/// The version that brought what replaces a bank's batch: orders, mirrors of accounts, requests to pay, exceptions, and which
/// accounts take part.
pub const HAS_ORDERS: u32 = 5;

/// The rules are raised to the version after the one in force.
#[derive(Clone, Debug)]
pub struct SetVersion {
    request_id: RequestId,
    version: u32,
}

impl SetVersion {
    /// Raises the rules to this version, if this program knows it. A version that it does not know must not come into
    /// the log: nobody could read on.
    pub fn new(request_id: RequestId, version: u32) -> Option<Self> {
        (1..=RULES_VERSION).contains(&version).then_some(Self { request_id, version })
    }

    /// The caller's name for this request.
    pub const fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// The version from the next frame on.
    pub const fn version(&self) -> u32 {
        self.version
    }
}

impl Kind {
    /// The version of the rules that brought this kind. The command that raises the version is known to every program
    /// that may have to follow it. A restored log begins its new life whatever the version: a program that does not
    /// know how has refused the folder by MANIFEST's format. A command is voided whatever the version, too: the program
    /// before would die of that command, and whoever can't start can't raise the version.
    pub const fn first_version(self) -> u32 {
        match self.number() {
            13 => 2,
            28 | 30..=34 | 60..=67 => 3,
            45..=47 | 50 | 51 => HAS_HOLDS,
            40..=44 | 48 | 73..=78 | 80..=82 => HAS_ORDERS,
            _ => 1,
        }
    }
}

/// The version in force.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Of the frame that is being applied.
    in_force: u32,
    /// Of the frame after it.
    next: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self { in_force: RULES_VERSION, next: RULES_VERSION }
    }
}

impl Rules {
    /// With this version in force, if this program knows it.
    pub(crate) fn before_a_frame(version: u32) -> Option<Self> {
        (1..=RULES_VERSION).contains(&version).then_some(Self { in_force: version, next: version })
    }

    pub(crate) const fn next(self) -> u32 {
        self.next
    }

    pub(crate) const fn begin_frame(&mut self) {
        self.in_force = self.next;
    }

    /// Whether this command may stand in the frame that is being applied.
    pub(crate) fn permit(self, command: Command<'_>) -> Result<(), ReplayError> {
        let (kind, in_force) = (command.kind(), self.in_force);
        let executes_order = matches!(command, Command::Payment(payment) if payment.order.get() > 0);
        let first = if executes_order { HAS_ORDERS } else { kind.first_version() };
        if first > in_force {
            return Err(ReplayError::TooEarly { kind: kind.number(), first, in_force });
        }
        Ok(())
    }
}

impl Ledger {
    /// The version of the rules that decides the next frame.
    pub const fn rules_version(&self) -> u32 {
        self.rules.next
    }

    /// Starts the ledger of a log whose first frame is decided by an earlier version of the rules.
    ///
    /// # Panics
    /// If something was applied before, or this program does not know the version.
    pub fn begin_under(&mut self, version: u32) {
        assert!(self.setup().is_none(), "a log that has begun has its version");
        self.rules = Rules::before_a_frame(version).expect("the version is one that this program knows");
    }
}

/// Whether this program can follow. If not, a program that could has written the log.
pub(crate) fn check_known(record: &layout::SetVersion) -> Result<(), ReplayError> {
    let version = record.version.get();
    if version > RULES_VERSION { Err(ReplayError::VersionUnknown(version)) } else { Ok(()) }
}

/// Raises the version for the frames after this one.
pub(crate) fn apply(ledger: &mut Ledger, record: &layout::SetVersion) -> Answer {
    let version = record.version.get();
    if ledger.rules.next.checked_add(1) != Some(version) {
        return Err(Refusal::VersionNotNext);
    }
    ledger.rules.next = version;
    Ok((0, 0))
}

pub(crate) fn check_record(set: &layout::SetVersion) -> Check {
    holds(set.version.get() != 0, "version")?;
    zero(&set.reserved)
}

#[cfg(test)]
#[path = "rules_version_tests.rs"]
mod tests;
