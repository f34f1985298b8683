//! Which accounts take part, as it stands in a stored state: first the number of the table, then its entries in order.
//! Where nothing was ever said there is no item.

use std::io;

use types::ParticipantNumber;

use super::{ACCOUNT_LENGTH_MAX, AccountRange, Activations, Entry};
use crate::limits::ACTIVATION_RANGES_MAX;
use crate::sections::{Impossible, SectionReader, SectionWriter, StateError, holds, value, zero};
use crate::state_layout::{self, ACTIVATIONS};

impl Entry<ParticipantNumber> {
    fn to_state(self) -> state_layout::Activation {
        let no_end = [0; ACCOUNT_LENGTH_MAX];
        let nothing = state_layout::Activation {
            number: 0.into(),
            bank: self.bank.0.into(),
            digits: 0.into(),
            reserved: [0; 5],
            length: 0,
            country: [0; 2],
            from: no_end,
            upto: no_end,
        };
        let Some(AccountRange { country, length, from, upto, digits }) = self.range else { return nothing };
        state_layout::Activation { digits: digits.into(), length, country, from, upto, ..nothing }
    }

    fn from_state(stored: &state_layout::Activation, banks: usize) -> Result<Self, Impossible> {
        holds(stored.number.get() == 0, "number")?;
        zero(&stored.reserved)?;
        let bank = stored.bank.get();
        let is_known = usize::try_from(bank).is_ok_and(|bank| (1..=banks).contains(&bank));
        holds(is_known, "bank")?;
        let range = match stored.length {
            0 => {
                zero(&stored.country)?;
                zero(&stored.from)?;
                zero(&stored.upto)?;
                holds(stored.digits.get() == 0, "digits")?;
                None
            }
            length => {
                let digits = stored.digits.get();
                let range =
                    AccountRange::from_stored(stored.country, length, stored.from, stored.upto, digits);
                Some(value(range, "range")?)
            }
        };
        Ok(Self { bank: ParticipantNumber(bank), range })
    }
}

impl Activations {
    /// How many items a state has of it.
    pub(crate) fn items(&self) -> usize {
        if self.number == 0 { 0 } else { 1 + self.entries.len() }
    }

    pub(crate) fn write_state(&self, writer: &mut SectionWriter<'_>) -> io::Result<()> {
        let nothing = Entry { bank: ParticipantNumber(0), range: None }.to_state();
        let first = state_layout::Activation { number: self.number.into(), ..nothing };
        let entries = self.entries.iter().map(|entry| entry.to_state());
        let items = std::iter::once(first).chain(entries).take(self.items());
        writer.section(ACTIVATIONS, self.items(), items)
    }

    /// Reads the table of a ledger with so many banks.
    pub(crate) fn read_state(reader: &mut SectionReader<'_>, banks: usize) -> Result<Self, StateError> {
        let most = banks.saturating_mul(ACTIVATION_RANGES_MAX + 1).saturating_add(1);
        let count = reader.begin_within(ACTIVATIONS, most)?;
        let mut read = Self::default();
        read.entries.reserve(count);
        let mut of_bank = 0;
        reader.items(
            ACTIVATIONS,
            u64::try_from(count).expect("64 bits"),
            |stored: &state_layout::Activation| {
                if read.number == 0 {
                    read.number = stored.number.get();
                    holds(read.number != 0, "number")?;
                    let nothing = state_layout::Activation {
                        number: stored.number,
                        ..Entry { bank: ParticipantNumber(0), range: None }.to_state()
                    };
                    return holds(*stored == nothing, "number");
                }
                let entry = Entry::from_state(stored, banks)?;
                let last = read.entries.last().filter(|last| last.bank == entry.bank);
                holds(read.entries.last().is_none_or(|last| *last < entry), "range")?;
                if let Some((last, range)) = last.and_then(|last| Some((last.range?, entry.range?))) {
                    holds(!last.is_beside(&range) || last.upto < range.from, "range")?;
                }
                of_bank = if last.is_some() { of_bank } else { 0 } + usize::from(entry.range.is_some());
                holds(of_bank <= ACTIVATION_RANGES_MAX, "range")?;
                read.entries.push(entry);
                Ok(())
            },
        )?;
        Ok(read)
    }
}
