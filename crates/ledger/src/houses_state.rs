//! Fees and clocks of banks as they stand in a stored state: only those that a command has set.

use std::io;

use types::{Currency, ParticipantNumber, Timestamp};

use super::{Participants, holds, value, zero};
use crate::participants::BOOKS_MAX;
use crate::sections::{Impossible, SectionReader, SectionWriter, StateError};
use crate::state_layout::{self, FEES, ZONES};
use crate::{Fees, Zone, ZoneChange, ZoneOffset};

impl Zone {
    fn to_state(self, bank: ParticipantNumber) -> state_layout::Zone {
        state_layout::Zone {
            bank: bank.0.into(),
            offset: self.offset.minutes().into(),
            offset_after: self.change.map_or(0, |change| change.offset.minutes()).into(),
            change_at: self.change.map_or(0, |change| change.at.nanoseconds()).into(),
            has_change: self.change.is_some().into(),
            reserved: [0; 7],
        }
    }

    /// A bank's clock as a state holds it.
    ///
    /// # Errors
    /// If there is no such clock.
    pub fn from_state(stored: &state_layout::Zone) -> Result<Self, Impossible> {
        let offset = |minutes, field| value(ZoneOffset::from_minutes(minutes), field);
        zero(&stored.reserved)?;
        let (at, after) = (stored.change_at.get(), stored.offset_after.get());
        let change = match stored.has_change {
            0 => {
                holds(at == 0 && after == 0, "change_at")?;
                None
            }
            1 => Some(ZoneChange {
                at: value(Timestamp::from_nanoseconds(at), "change_at")?,
                offset: offset(after, "offset_after")?,
            }),
            _ => return Err(Impossible("has_change")),
        };
        Ok(Self { offset: offset(stored.offset.get(), "offset")?, change })
    }
}

impl Participants {
    /// The items of [`FEES`].
    pub(crate) fn fees_to_state(&self) -> impl Iterator<Item = state_layout::Fees> {
        let books =
            self.iter().flat_map(|(bank, participant)| participant.books().map(move |book| (bank, book)));
        books.filter(|(_, book)| book.fees != Fees::default()).map(|(bank, book)| state_layout::Fees {
            bank: bank.0.into(),
            currency: book.currency.number().into(),
            reserved: [0; 2],
            ordinary: book.fees.ordinary().into(),
            instant: book.fees.instant().into(),
        })
    }

    /// The items of [`ZONES`].
    pub(crate) fn zones_to_state(&self) -> impl Iterator<Item = state_layout::Zone> {
        let moved = self.iter().filter(|(_, participant)| participant.zone != Zone::default());
        moved.map(|(bank, participant)| participant.zone.to_state(bank))
    }

    pub(crate) fn write_houses(&self, writer: &mut SectionWriter<'_>) -> io::Result<()> {
        writer.section(FEES, self.fees_to_state().count(), self.fees_to_state())?;
        writer.section(ZONES, self.zones_to_state().count(), self.zones_to_state())
    }

    pub(crate) fn read_houses(&mut self, reader: &mut SectionReader<'_>) -> Result<(), StateError> {
        let fees_max = BOOKS_MAX * self.count();
        let count = reader.begin_within(FEES, fees_max)?;
        let mut last = (0, 0);
        reader.items(FEES, u64::try_from(count).expect("64 bits"), |stored: &state_layout::Fees| {
            zero(&stored.reserved)?;
            let bank = self.known(stored.bank.get())?;
            let currency = value(Currency::from_number(stored.currency.get()).ok(), "currency")?;
            let participant = self.get_mut(bank);
            let place = value(participant.place_of_book(currency), "currency")?;
            holds(last < (bank.0, place + 1), "bank")?;
            last = (bank.0, place + 1);
            let (ordinary, instant) = (stored.ordinary.get(), stored.instant.get());
            let fees = value(Fees::from_minor_units(ordinary, instant), "instant")?;
            holds(fees != Fees::default() && instant <= ordinary, "instant")?;
            participant.books.get_mut(currency).expect("its place was found").fees = fees;
            Ok(())
        })?;
        let count = reader.begin_within(ZONES, self.count())?;
        let mut last = 0;
        reader.items(ZONES, u64::try_from(count).expect("64 bits"), |stored: &state_layout::Zone| {
            let bank = self.known(stored.bank.get())?;
            holds(last < bank.0, "bank")?;
            last = bank.0;
            let zone = Zone::from_state(stored)?;
            holds(zone != Zone::default(), "offset")?;
            self.get_mut(bank).zone = zone;
            Ok(())
        })
    }

    fn known(&self, bank: u32) -> Result<ParticipantNumber, Impossible> {
        let numbers = 1..=u32::try_from(self.count()).expect("numbers have 32 bits");
        holds(numbers.contains(&bank), "bank")?;
        Ok(ParticipantNumber(bank))
    }
}
