//! The records of gateways between the contract and the vocabulary.

use client::convert::{FieldReader, Path, timestamp};
use client::v1;
use engine::KeptFound;
use ledger::{ExpectedVersion, PutRecord, RecordKey, RecordName, RecordOwner, RecordSpace, RemoveRecord};
use tonic::Status;
use types::{Bic, Sequence};

use crate::caller::Caller;
use crate::refusals::invalid;
use crate::values::request_id;

/// How many bytes a record may have.
const BYTES_MAX: usize = 4096;

/// Which records, and from where.
pub(super) struct Listed {
    pub(super) owner: RecordOwner,
    pub(super) prefix: Box<str>,
    pub(super) after: Option<RecordKey>,
    pub(super) page_size: usize,
}

pub(super) fn read_put(caller: &Caller, wire: &v1::PutRecordRequest) -> Result<PutRecord, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let name = read_name(&mut reader, caller, wire.name.as_ref());
    let expires = reader.optional_timestamp(&Path::root("expiry_time"), wire.expiry_time.as_ref());
    if wire.content.len() > BYTES_MAX {
        reader.violation(&Path::root("content"), format_args!("a record has at most {BYTES_MAX} bytes"));
    }
    let expected = match wire.expected_version {
        None => ExpectedVersion::Any,
        Some(0) => ExpectedVersion::Absent,
        Some(version) => ExpectedVersion::Exactly(Sequence(version)),
    };
    let command = (|| {
        let (owner, key) = name?;
        Some(PutRecord {
            request_id: request_id?,
            owner,
            key,
            expected,
            bytes: wire.content.clone(),
            expires,
            repeats: None,
        })
    })();
    reader.finish(command).map_err(invalid)
}

pub(super) fn read_remove(caller: &Caller, wire: &v1::RemoveRecordRequest) -> Result<RemoveRecord, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let name = read_name(&mut reader, caller, wire.name.as_ref());
    if wire.expected_version == Some(0) {
        reader.violation(&Path::root("expected_version"), "what is not there can't be removed");
    }
    let expected = wire.expected_version.map(Sequence);
    let command = (|| {
        let (owner, key) = name?;
        Some(RemoveRecord { request_id: request_id?, owner, key, expected })
    })();
    reader.finish(command).map_err(invalid)
}

pub(super) fn read_get(
    caller: &Caller,
    wire: &v1::GetRecordRequest,
) -> Result<(RecordOwner, RecordKey), Status> {
    let mut reader = FieldReader::new();
    let name = read_name(&mut reader, caller, wire.name.as_ref());
    reader.finish(name).map_err(invalid)
}

pub(super) fn read_list(caller: &Caller, wire: &v1::ListRecordsRequest) -> Result<Listed, Status> {
    let mut reader = FieldReader::new();
    let bank = read_bank(&mut reader, caller, &Path::root("bic"), &wire.bic);
    let space: Option<RecordSpace> = read_part(&mut reader, &Path::root("space"), &wire.space);
    let prefix: Option<Box<str>> = match wire.key_prefix.as_str() {
        "" => Some("".into()),
        text => read_part::<64>(&mut reader, &Path::root("key_prefix"), text).map(|_| text.into()),
    };
    let after = match wire.page_token.as_str() {
        "" => Some(None),
        token => {
            let key = key_of(token);
            if key.is_none() {
                reader.violation(&Path::root("page_token"), "a token is one that an answer has given");
            }
            key.map(Some)
        }
    };
    let page_size = usize::try_from(wire.page_size).unwrap_or(usize::MAX);
    let listed = (|| {
        let owner = RecordOwner { bank: bank?, space: space? };
        Some(Listed { owner, prefix: prefix?, after: after?, page_size })
    })();
    reader.finish(listed).map_err(invalid)
}

fn read_name(
    reader: &mut FieldReader,
    caller: &Caller,
    wire: Option<&v1::RecordName>,
) -> Option<(RecordOwner, RecordKey)> {
    let path = Path::root("name");
    let Some(wire) = wire else {
        reader.missing(&path);
        return None;
    };
    let bank = read_bank(reader, caller, &path.field("bic"), &wire.bic);
    let space: Option<RecordSpace> = read_part(reader, &path.field("space"), &wire.space);
    let key: Option<RecordKey> = read_part(reader, &path.field("key"), &wire.key);
    Some((RecordOwner { bank: bank?, space: space? }, key?))
}

/// The bank that is named; whoever acts for one alone need not name it.
fn read_bank(reader: &mut FieldReader, caller: &Caller, path: &Path<'_>, text: &str) -> Option<Bic> {
    match text {
        "" => caller.only_bank().or_else(|| {
            reader.missing(path);
            None
        }),
        text => reader.bic(path, text),
    }
}

fn read_part<const MAX: usize>(
    reader: &mut FieldReader,
    path: &Path<'_>,
    text: &str,
) -> Option<RecordName<MAX>> {
    let name = RecordName::parse(text);
    match (&name, text) {
        (Some(_), _) => {}
        (None, "") => reader.missing(path),
        (None, _) => {
            let rule = format_args!("1 to {MAX} printable ASCII characters without blanks");
            reader.violation(path, rule);
        }
    }
    name
}

/// A record as the contract has it, without its bytes.
pub(super) fn record(found: &KeptFound) -> v1::Record {
    let record = &found.record;
    v1::Record {
        space: record.space().as_str().to_owned(),
        key: record.key().as_str().to_owned(),
        version: record.version().0,
        put_time: Some(timestamp(record.version_time())),
        expiry_time: record.expires().map(timestamp),
        length: record.length(),
        content: Vec::new(),
    }
}

/// Where a page ended, in hexadecimal digits: callers have nothing to read in it.
pub(super) fn page_token(key: &RecordKey) -> String {
    key.as_str().bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn key_of(token: &str) -> Option<RecordKey> {
    if !token.is_ascii() || !token.len().is_multiple_of(2) {
        return None;
    }
    let digits = (0..token.len()).step_by(2).map(|at| token.get(at..at + 2));
    let bytes: Option<Vec<u8>> = digits.map(|digits| u8::from_str_radix(digits?, 16).ok()).collect();
    RecordKey::parse(std::str::from_utf8(&bytes?).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_the_key_where_a_page_ended() {
        let key = RecordKey::parse("consent/42~").unwrap();
        assert_eq!(key_of(&page_token(&key)), Some(key));
        for wrong in ["6", "zz", "20", "+1+1", "é", &"61".repeat(65)] {
            assert_eq!(key_of(wrong), None, "{wrong}");
        }
    }
}
