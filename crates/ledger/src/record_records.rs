//! What the fields of commands about small records may hold.

use types::Timestamp;

use super::{Check, bic, holds, zero};
use crate::limits::KEPT_RECORD_BYTES_MAX;
use crate::{ExpectedVersion, RecordKey, RecordSpace, layout};

pub(super) fn check_put(put: &layout::PutRecord) -> Check {
    bic(put.bic)?;
    let expected = ExpectedVersion::from_stored(put.has_expected, put.expected.get());
    holds(expected.is_some(), "expected")?;
    holds(Timestamp::from_nanoseconds(put.expires.get()).is_some(), "expires")?;
    holds(put.length.get() <= KEPT_RECORD_BYTES_MAX, "length")?;
    holds(RecordSpace::from_bytes(put.space).is_some(), "space")?;
    holds(RecordKey::from_bytes(put.key).is_some(), "key")?;
    zero(&put.reserved)?;
    zero(&put.reserved_end)
}

pub(super) fn check_remove(remove: &layout::RemoveRecord) -> Check {
    bic(remove.bic)?;
    let expected = ExpectedVersion::from_stored(remove.has_expected, remove.expected.get());
    holds(expected.is_some_and(|expected| expected != ExpectedVersion::Absent), "expected")?;
    holds(RecordSpace::from_bytes(remove.space).is_some(), "space")?;
    holds(RecordKey::from_bytes(remove.key).is_some(), "key")?;
    zero(&remove.reserved)
}
