//! The records of gateways as they stand in a stored state, in the order of bank, name space and key.

use std::io;

use types::{ParticipantNumber, Sequence, Timestamp};

use super::{KeptRecord, KeptRecords};
use crate::limits::{
    KEPT_RECORD_BYTES_MAX, KEPT_RECORDS_BYTES_PER_OWNER_MAX, KEPT_RECORDS_MAX, KEPT_RECORDS_PER_OWNER_MAX,
    KEPT_RECORDS_SPACES_MAX,
};
use crate::sections::{Impossible, SectionReader, SectionWriter, StateError, holds, value};
use crate::state_layout::{self, KEPT_RECORDS};
use crate::{Position, RecordKey, RecordSpace, rules_holds};

impl KeptRecord {
    fn to_state(self) -> state_layout::KeptRecord {
        state_layout::KeptRecord {
            bank: self.bank.0.into(),
            length: self.length.into(),
            version: self.version.0.into(),
            version_time: self.version_time.nanoseconds().into(),
            stands_at: self.stands_at.0.into(),
            stands_time: self.stands_time.nanoseconds().into(),
            expires: self.expires.map_or(0, Timestamp::nanoseconds).into(),
            space: *self.space.as_bytes(),
            key: *self.key.as_bytes(),
        }
    }

    fn from_state(stored: &state_layout::KeptRecord, last: Position) -> Result<Self, Impossible> {
        let time = |nanoseconds, field| value(Timestamp::from_nanoseconds(nanoseconds), field);
        let [version, stands_at] = [stored.version, stored.stands_at].map(|at| Sequence(at.get()));
        let version_time = time(stored.version_time.get(), "version_time")?;
        let stands_time = time(stored.stands_time.get(), "stands_time")?;
        holds(version <= stands_at && stands_at <= last.sequence, "stands_at")?;
        holds(version_time <= stands_time && stands_time <= last.time, "stands_time")?;
        holds(version != stands_at || version_time == stands_time, "stands_time")?;
        let expires = match stored.expires.get() {
            0 => None,
            nanoseconds => Some(time(nanoseconds, "expires")?),
        };
        let is_reached = |expires| rules_holds::is_within_reach(expires, version_time);
        holds(expires.is_none_or(is_reached), "expires")?;
        holds(stored.length.get() <= KEPT_RECORD_BYTES_MAX, "length")?;
        Ok(Self {
            bank: ParticipantNumber(stored.bank.get()),
            space: value(RecordSpace::from_bytes(stored.space), "space")?,
            key: value(RecordKey::from_bytes(stored.key), "key")?,
            version,
            version_time,
            stands_at,
            stands_time,
            expires,
            length: stored.length.get(),
        })
    }
}

impl KeptRecords {
    pub(crate) fn write_state(&self, writer: &mut SectionWriter<'_>) -> io::Result<()> {
        writer.section(KEPT_RECORDS, self.count(), self.iter().map(|record| record.to_state()))
    }

    /// Reads the records of so many participants as of a position.
    pub(crate) fn read_state(
        reader: &mut SectionReader<'_>,
        last: Position,
        participants: usize,
    ) -> Result<Self, StateError> {
        let count = reader.begin_within(KEPT_RECORDS, KEPT_RECORDS_MAX)?;
        let mut read = Self::new();
        read.reserve(count);
        let count = u64::try_from(count).expect("64 bits");
        let mut before = None;
        reader.items(KEPT_RECORDS, count, |item: &state_layout::KeptRecord| {
            let record = KeptRecord::from_state(item, last)?;
            let is_bank = usize::try_from(record.bank.0).is_ok_and(|bank| (1..=participants).contains(&bank));
            holds(is_bank, "bank")?;
            let name = (record.bank, record.space, record.key);
            holds(before.is_none_or(|before| before < name), "key")?;
            before = Some(name);
            read.add(record);
            let (count, bytes) = read.kept_by(record.owner());
            holds(count <= KEPT_RECORDS_PER_OWNER_MAX, "space")?;
            holds(bytes <= KEPT_RECORDS_BYTES_PER_OWNER_MAX, "length")?;
            holds(read.spaces_of(record.bank) <= KEPT_RECORDS_SPACES_MAX, "space")
        })?;
        Ok(read)
    }
}
