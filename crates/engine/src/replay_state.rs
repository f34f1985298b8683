//! A replay's state as a stream of bytes: the ledger's, and the outcomes that no frame has told yet.
//!
//! Two replays that have come to the same place of one log write the same bytes, wherever they started. What they have
//! gone through ([`super::ReplayTotals`]) is no part of it and starts again at zero.

use std::collections::VecDeque;
use std::io::{self, Read, Write};

use ledger::sections::{Impossible, Section, SectionReader, SectionWriter};
use ledger::{Ledger, Limits, OutcomeEntry, StateError, layout};
use types::DigestKey;

use super::{ReplayTotals, Replayer};
use crate::voids::Voids;

/// The outcomes that no frame has told yet, in the order of decision. It stands behind the ledger's sections.
const UNTOLD: Section = Section::of::<layout::OutcomeEntry>(100, 1, "untold outcomes");

impl Replayer {
    /// Writes the state. No more than one buffer of 256 KiB is held.
    pub fn write_state(&self, sink: &mut dyn Write) -> io::Result<()> {
        self.ledger.write_state(sink)?;
        let untold = self.untold.iter().map(|entry| *entry.stored());
        SectionWriter::new(sink).section(UNTOLD, self.untold.len(), untold)
    }

    /// How many bytes [`Self::write_state`] writes.
    pub fn state_length(&self) -> u64 {
        self.ledger.state_length() + UNTOLD.length(self.untold.len())
    }

    /// Reads a state into tables with room for `limits`. Nothing is read from beyond it.
    pub fn read_state(source: &mut dyn Read, limits: Limits) -> Result<Self, StateError> {
        Self::read_state_with_key(source, limits, None)
    }

    /// The same with the key of digests of a log that does not hold it itself, for whoever asks by account numbers.
    pub fn read_state_with_key(
        source: &mut dyn Read,
        limits: Limits,
        given: Option<DigestKey>,
    ) -> Result<Self, StateError> {
        let ledger = Ledger::read_state_with_key(source, limits, given)?;
        let mut reader = SectionReader::new(source);
        let count = reader.begin(UNTOLD)?;
        let mut untold = VecDeque::new();
        let last = ledger.position().sequence;
        reader.items(UNTOLD, count, |stored| {
            let entry = OutcomeEntry::from_stored(*stored).map_err(|_| Impossible("outcome"))?;
            let is_decided = entry.sequence() <= last && entry.decided_at() <= last;
            untold.push_back(is_decided.then_some(entry).ok_or(Impossible("sequence"))?);
            Ok(())
        })?;
        Ok(Self {
            ledger,
            untold,
            totals: ReplayTotals::default(),
            voids: Voids::default(),
            reached: (last, None),
        })
    }
}
