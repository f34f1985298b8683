//! The rules of the small records that gateways keep here.
//!
//! Of a record that is put, in order of precedence: bank known, end ahead and within 400 days, the version that is
//! expected, room for another name space, for the record among its owner's and among all. Of one that is removed: bank
//! and record known, and the version that is expected.
//!
//! Invariants:
//! - No decision reads a record's bytes: they may be erased, and a replay decides the same.
//! - A record whose time is over is not there, whether a tick has come to it or not.

use types::{Sequence, Timestamp};

use crate::kept_records::{KeptRecord, Name};
use crate::limits::{
    KEPT_RECORDS_BYTES_PER_OWNER_MAX, KEPT_RECORDS_MAX, KEPT_RECORDS_PER_OWNER_MAX, KEPT_RECORDS_SPACES_MAX,
};
use crate::mutants::{Mutant, is_on};
use crate::rules_masterdata::{Answer, participant};
use crate::{
    ExpectedVersion, Ledger, Position, RecordKey, RecordOwner, RecordSpace, Refusal, layout, rules_holds,
};

const CHECKED: &str = "records are checked when they are read";

/// Names the version.
pub(crate) fn put(ledger: &mut Ledger, at: Position, record: &layout::PutRecord) -> Answer {
    let name = name_of(ledger, record.bic, record.space, record.key)?;
    let known = ledger.kept.find(&name).copied();
    let there = known.filter(|known| !known.is_over(at.time));
    if record.repeats.get() != 0 {
        return repeat(ledger, at, &name, there, record);
    }
    let expires = match record.expires.get() {
        0 => None,
        nanoseconds => Some(Timestamp::from_nanoseconds(nanoseconds).expect(CHECKED)),
    };
    if expires.is_some_and(|expires| !rules_holds::is_within_reach(expires, at.time)) {
        return Err(Refusal::RecordExpiryNotAllowed);
    }
    let expected = ExpectedVersion::from_stored(record.has_expected, record.expected.get()).expect(CHECKED);
    check_version(there, expected)?;
    let length = record.length.get();
    let (owner, is_new) = ((name.0, name.1), known.is_none());
    let (count, bytes) = ledger.kept.kept_by(owner);
    if count == 0 && ledger.kept.spaces_of(name.0) >= KEPT_RECORDS_SPACES_MAX {
        return Err(Refusal::RecordSpaceLimit);
    }
    let bytes_after = bytes - known.map_or(0, |known| u64::from(known.length)) + u64::from(length);
    if is_new && count >= KEPT_RECORDS_PER_OWNER_MAX || bytes_after > KEPT_RECORDS_BYTES_PER_OWNER_MAX {
        return Err(Refusal::RecordLimit);
    }
    if is_new && ledger.kept.count() >= KEPT_RECORDS_MAX {
        return Err(Refusal::RecordRoom);
    }
    if !is_new {
        ledger.kept.remove(&name);
    }
    let (bank, space, key) = name;
    let Position { sequence: version, time } = at;
    ledger.kept.add(KeptRecord {
        bank,
        space,
        key,
        version,
        version_time: time,
        stands_at: version,
        stands_time: time,
        expires,
        length,
    });
    Ok((version.0, 0))
}

/// The bytes are written into the log once more, if they are still those of the record.
fn repeat(
    ledger: &mut Ledger,
    at: Position,
    name: &Name,
    there: Option<KeptRecord>,
    record: &layout::PutRecord,
) -> Answer {
    let is_it =
        |known: &KeptRecord| (known.stands_at.0, known.length) == (record.repeats.get(), record.length.get());
    let known = there.filter(is_it).ok_or(Refusal::VersionConflict)?;
    ledger.kept.set_place(name, at.sequence, at.time);
    Ok((known.version.0, 0))
}

/// Names the version that was there.
pub(crate) fn remove(ledger: &mut Ledger, at: Position, record: &layout::RemoveRecord) -> Answer {
    let name = name_of(ledger, record.bic, record.space, record.key)?;
    let known = ledger.kept.find(&name).filter(|known| !known.is_over(at.time));
    let known = *known.ok_or(Refusal::RecordUnknown)?;
    let expected = ExpectedVersion::from_stored(record.has_expected, record.expected.get()).expect(CHECKED);
    check_version(Some(known), expected)?;
    ledger.kept.remove(&name);
    Ok((known.version.0, 0))
}

fn check_version(there: Option<KeptRecord>, expected: ExpectedVersion) -> Result<(), Refusal> {
    let is_met = match expected {
        ExpectedVersion::Any => true,
        ExpectedVersion::Absent => there.is_none(),
        ExpectedVersion::Exactly(version) => there.is_some_and(|there| there.version == version),
    };
    match is_met || is_on(Mutant::PutBlindly) {
        true => Ok(()),
        false => Err(Refusal::VersionConflict),
    }
}

fn name_of(ledger: &Ledger, bic: [u8; 11], space: [u8; 32], key: [u8; 64]) -> Result<Name, Refusal> {
    let space = RecordSpace::from_bytes(space).expect(CHECKED);
    let key = RecordKey::from_bytes(key).expect(CHECKED);
    Ok((participant(ledger, bic)?, space, key))
}

impl Ledger {
    /// A record of an owner.
    pub fn kept_record(&self, owner: &RecordOwner, key: &RecordKey) -> Option<&KeptRecord> {
        let bank = self.participants.find(owner.bank)?;
        let found = self.kept.find(&(bank, owner.space, *key));
        found.filter(|record| !record.is_over(self.position().time))
    }

    /// The records of an owner whose keys begin with these characters, behind a key, in the order of their keys.
    pub fn kept_records<'ledger>(
        &'ledger self,
        owner: &RecordOwner,
        prefix: &'ledger str,
        after: Option<RecordKey>,
    ) -> impl Iterator<Item = &'ledger KeptRecord> {
        let (now, space) = (self.position().time, owner.space);
        let bank = self.participants.find(owner.bank);
        // What begins with the prefix is not before it.
        let first = RecordKey::parse(prefix).unwrap_or(RecordKey::FIRST);
        let is_behind = after.is_some_and(|after| after >= first);
        let start = after.filter(|_| is_behind).unwrap_or(first);
        let found = bank.into_iter().flat_map(move |bank| {
            let in_space = self.kept.from((bank, space, start), is_behind);
            in_space.take_while(move |record| (record.bank, record.space) == (bank, space))
        });
        let found = found.take_while(move |record| record.key.as_str().starts_with(prefix));
        found.filter(move |record| !record.is_over(now))
    }

    /// All records behind this one, in the order of banks, name spaces and keys.
    pub fn all_kept_records(&self, after: Option<&KeptRecord>) -> impl Iterator<Item = &KeptRecord> {
        let name = after
            .map_or((types::ParticipantNumber(0), RecordSpace::FIRST, RecordKey::FIRST), |record| {
                (record.bank, record.space, record.key)
            });
        self.kept.from(name, true)
    }

    /// How many records are kept.
    pub const fn kept_record_count(&self) -> usize {
        self.kept.count()
    }

    /// The version of a record that is there, if one is.
    pub fn version_of(&self, owner: &RecordOwner, key: &RecordKey) -> Option<Sequence> {
        self.kept_record(owner, key).map(KeptRecord::version)
    }
}

#[cfg(test)]
#[path = "rules_records_tests.rs"]
mod tests;
