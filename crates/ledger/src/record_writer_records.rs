//! Writing the small records of gateways.

use types::Timestamp;

use super::RecordWriter;
use crate::limits::KEPT_RECORD_BYTES_MAX;
use crate::{ExpectedVersion, Kind, PutRecord, RemoveRecord, layout};

impl RecordWriter {
    /// A record is put there.
    ///
    /// # Panics
    /// If it has more bytes than it may.
    pub fn put_record(&mut self, command: &PutRecord) {
        let length = u32::try_from(command.bytes.len()).expect("bytes are bounded on reading");
        assert!(length <= KEPT_RECORD_BYTES_MAX, "bytes are bounded on reading");
        let (has_expected, expected) = command.expected.stored();
        let mut record = layout::PutRecord {
            request: self.request(&command.request_id),
            bic: *command.owner.bank.as_bytes(),
            has_expected,
            reserved: [0; 4],
            expected: expected.into(),
            // 0 stands for never, and 1970 is over either way.
            expires: command.expires.map_or(0, |expires| Timestamp::nanoseconds(expires).max(1)).into(),
            repeats: command.repeats.map_or(0, |position| position.0).into(),
            length: length.into(),
            reserved_end: [0; 4],
            space: *command.owner.space.as_bytes(),
            key: *command.key.as_bytes(),
        };
        record.request.body_digest = self.body(Kind::PutRecord, &record, &command.bytes);
        self.push(Kind::PutRecord, &record, &command.bytes);
    }

    /// A record is removed.
    pub fn remove_record(&mut self, command: &RemoveRecord) {
        let expected = command.expected.map_or(ExpectedVersion::Any, ExpectedVersion::Exactly);
        let (has_expected, expected) = expected.stored();
        let mut record = layout::RemoveRecord {
            request: self.request(&command.request_id),
            bic: *command.owner.bank.as_bytes(),
            has_expected,
            reserved: [0; 4],
            expected: expected.into(),
            space: *command.owner.space.as_bytes(),
            key: *command.key.as_bytes(),
        };
        record.request.body_digest = self.body(Kind::RemoveRecord, &record, &[]);
        self.push(Kind::RemoveRecord, &record, &[]);
    }
}
