//! Packages as they stand in a stored state, in the order of banks and positions.

use std::io;

use types::{Currency, ParticipantNumber, Sequence, Timestamp};

use super::{NewPackage, Package, Packages};
use crate::Position;
use crate::command_orders::PACKAGE_LINES_MAX;
use crate::limits::{PACKAGES_INCOMPLETE_MAX, PACKAGES_MAX};
use crate::sections::{Impossible, SectionReader, SectionWriter, StateError, holds, value, zero};
use crate::state_layout::{self, PACKAGES};

impl Package {
    fn to_state(self) -> state_layout::Package {
        state_layout::Package {
            sequence: self.sequence.0.into(),
            time: self.time.nanoseconds().into(),
            file_digest: self.file_digest,
            name_digest: self.name_digest,
            control_sum: self.control_sum.into(),
            sum_logged: self.sum_logged.into(),
            sum_settled: self.sum_settled.into(),
            closed_time: self.closed_time.nanoseconds().into(),
            complete_time: self.complete_time.nanoseconds().into(),
            bank: self.bank.0.into(),
            lines: self.lines.into(),
            logged: self.logged.into(),
            refused: self.refused.into(),
            pending: self.pending.into(),
            awaiting: self.awaiting.into(),
            sent: self.sent.into(),
            settled: self.settled.into(),
            rejected: self.rejected.into(),
            cancelled: self.cancelled.into(),
            kept_from: self.kept_from.into(),
            currency: self.currency.number().into(),
            is_cancelled: self.is_cancelled.into(),
            reserved: 0,
        }
    }

    fn from_state(stored: &state_layout::Package, last: Position) -> Result<Self, Impossible> {
        zero(&[stored.reserved])?;
        let time = |nanoseconds, field| value(Timestamp::from_nanoseconds(nanoseconds), field);
        let new = Self::new(NewPackage {
            sequence: Sequence(stored.sequence.get()),
            time: time(stored.time.get(), "time")?,
            bank: ParticipantNumber(stored.bank.get()),
            currency: value(Currency::from_number(stored.currency.get()).ok(), "currency")?,
            file_digest: stored.file_digest,
            name_digest: stored.name_digest,
            lines: stored.lines.get(),
            control_sum: stored.control_sum.get(),
        });
        holds(stored.is_cancelled <= 1, "is_cancelled")?;
        let read = Self {
            logged: stored.logged.get(),
            sum_logged: stored.sum_logged.get(),
            refused: stored.refused.get(),
            pending: stored.pending.get(),
            awaiting: stored.awaiting.get(),
            sent: stored.sent.get(),
            settled: stored.settled.get(),
            sum_settled: stored.sum_settled.get(),
            rejected: stored.rejected.get(),
            cancelled: stored.cancelled.get(),
            closed_time: time(stored.closed_time.get(), "closed_time")?,
            complete_time: time(stored.complete_time.get(), "complete_time")?,
            is_cancelled: stored.is_cancelled == 1,
            kept_from: stored.kept_from.get(),
            ..new
        };
        read.check(last)?;
        Ok(read)
    }

    fn check(&self, last: Position) -> Result<(), Impossible> {
        holds(self.sequence <= last.sequence && self.sequence.0 > 0, "sequence")?;
        holds(self.time <= last.time, "time")?;
        holds((1..=PACKAGE_LINES_MAX).contains(&self.lines), "lines")?;
        holds(self.control_sum >= -1, "control_sum")?;
        holds(self.adds_up(), "logged")?;
        holds(0 <= self.sum_settled && self.sum_settled <= self.sum_logged, "sum_settled")?;
        let is_after =
            |time: Timestamp| time == Timestamp::default() || (self.time..=last.time).contains(&time);
        holds(is_after(self.closed_time), "closed_time")?;
        holds(is_after(self.complete_time), "complete_time")?;
        holds(!self.is_closed() || self.logged == self.lines, "closed_time")?;
        let is_over = !self.is_open() && self.pending == 0 && self.sent == 0;
        holds(self.is_complete() == is_over, "complete_time")?;
        holds(!self.is_cancelled || self.pending == 0, "pending")?;
        let kept_from_max = if self.is_complete() { self.logged + 1 } else { 1 };
        holds((1..=kept_from_max).contains(&self.kept_from), "kept_from")
    }
}

impl Packages {
    pub(crate) fn write_state(&self, writer: &mut SectionWriter<'_>) -> io::Result<()> {
        writer.section(PACKAGES, self.count(), self.iter().map(|package| package.to_state()))
    }

    /// Reads the packages of so many participants as of a position.
    pub(crate) fn read_state(
        reader: &mut SectionReader<'_>,
        last: Position,
        participants: usize,
    ) -> Result<Self, StateError> {
        let count = reader.begin_within(PACKAGES, PACKAGES_MAX)?;
        let mut read = Self::new();
        read.reserve(count);
        let mut before = None;
        reader.items(PACKAGES, u64::try_from(count).expect("64 bits"), |item: &state_layout::Package| {
            let package = Package::from_state(item, last)?;
            let is_bank =
                usize::try_from(package.bank.0).is_ok_and(|bank| (1..=participants).contains(&bank));
            holds(is_bank, "bank")?;
            let place = (package.bank, package.sequence);
            holds(before.is_none_or(|before| before < place), "sequence")?;
            before = Some(place);
            holds(read.at(package.sequence).is_none(), "sequence")?;
            holds(package.is_abandoned() || read.named(package.name_digest).is_none(), "name_digest")?;
            holds(
                package.is_complete() || read.incomplete_count() < PACKAGES_INCOMPLETE_MAX,
                "complete_time",
            )?;
            read.add(package);
            Ok(())
        })?;
        Ok(read)
    }
}
