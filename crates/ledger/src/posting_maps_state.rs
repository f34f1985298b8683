//! The maps of postings as they stand in a stored state, in the order of banks and currencies.

use std::io;

use types::{Currency, Date, ParticipantNumber, Sequence};

use super::{PostingMap, PostingMaps};
use crate::limits::POSTING_MAPS_PER_BOOK_MAX;
use crate::participants::Participants;
use crate::sections::{Impossible, SectionReader, SectionWriter, StateError, holds, value, zero};
use crate::state_layout::{self, POSTING_MAPS};

impl PostingMap {
    fn to_state(self) -> state_layout::PostingMap {
        state_layout::PostingMap {
            bank: self.bank.0.into(),
            currency: self.currency.number().into(),
            reserved: [0; 2],
            set_at: self.set_at.0.into(),
            from: self.from.map_or(0, Date::days).into(),
            set_count: self.set_count.into(),
        }
    }

    fn from_state(stored: &state_layout::PostingMap, last: Sequence) -> Result<Self, Impossible> {
        let set_at = Sequence(stored.set_at.get());
        holds(set_at > Sequence(0) && set_at <= last, "set_at")?;
        holds((1..=POSTING_MAPS_PER_BOOK_MAX).contains(&stored.set_count.get()), "set_count")?;
        holds(u64::from(stored.set_count.get()) <= set_at.0, "set_count")?;
        holds(stored.from.get() >= 0, "from")?;
        zero(&stored.reserved)?;
        let from = value(Date::from_days(stored.from.get()), "from")?;
        Ok(Self {
            bank: ParticipantNumber(stored.bank.get()),
            currency: value(Currency::from_number(stored.currency.get()).ok(), "currency")?,
            set_at,
            from: (from.days() != 0).then_some(from),
            set_count: stored.set_count.get(),
        })
    }
}

impl PostingMaps {
    pub(crate) fn write_state(&self, writer: &mut SectionWriter<'_>) -> io::Result<()> {
        writer.section(POSTING_MAPS, self.count(), self.iter().map(|map| map.to_state()))
    }

    /// Reads the maps of these participants' books as of a position.
    pub(crate) fn read_state(
        reader: &mut SectionReader<'_>,
        last: Sequence,
        participants: &Participants,
    ) -> Result<Self, StateError> {
        let books = participants.iter().map(|(_, participant)| participant.books().count()).sum();
        let count = reader.begin_within(POSTING_MAPS, books)?;
        let mut read = Self { maps: Vec::with_capacity(count) };
        let count = u64::try_from(count).expect("64 bits");
        reader.items(POSTING_MAPS, count, |item: &state_layout::PostingMap| {
            let map = PostingMap::from_state(item, last)?;
            let bank =
                usize::try_from(map.bank.0).ok().filter(|bank| (1..=participants.count()).contains(bank));
            let is_book = bank.is_some() && participants.get(map.bank).book(map.currency).is_some();
            holds(is_book, "bank")?;
            holds(read.maps.last().is_none_or(|before| before.book() < map.book()), "currency")?;
            read.maps.push(map);
            Ok(())
        })?;
        Ok(read)
    }
}
