//! Small records of a bank's gateways: bytes that mean nothing here, under a key.

use std::fmt;

use types::{Bic, Sequence, Timestamp};

use crate::RequestId;

/// A name of 1 to `MAX` printable ASCII characters without spaces, in place.
///
/// Names are in the order of their bytes. They stand in the log and in the state in clear, so they are no place for
/// personal data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordName<const MAX: usize>([u8; MAX]);

/// A name space among those of a bank.
pub type RecordSpace = RecordName<32>;

/// The key of a record in its name space.
pub type RecordKey = RecordName<64>;

impl<const MAX: usize> RecordName<MAX> {
    /// Before every name.
    pub const FIRST: Self = Self([0; MAX]);

    /// Checks a name.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; MAX];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Self::from_bytes(bytes)
    }

    /// The name with these stored bytes, padded with zeros.
    pub fn from_bytes(bytes: [u8; MAX]) -> Option<Self> {
        let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(MAX);
        let (name, padding) = bytes.split_at(length);
        let is_printable = name.iter().all(|byte| (b'!'..=b'~').contains(byte));
        let is_name = length > 0 && is_printable && padding.iter().all(|byte| *byte == 0);
        is_name.then_some(Self(bytes))
    }

    /// The stored bytes.
    pub const fn as_bytes(&self) -> &[u8; MAX] {
        &self.0
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a name is ASCII by construction").trim_end_matches('\0')
    }
}

/// A caller chooses it, so it is not shown.
impl<const MAX: usize> fmt::Debug for RecordName<MAX> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RecordName({} bytes)", self.as_str().len())
    }
}

/// Whose records: a bank's, in one of its name spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordOwner {
    /// The bank.
    pub bank: Bic,
    /// The name space.
    pub space: RecordSpace,
}

/// Which version has to be there for a change to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedVersion {
    /// Whatever is there, or nothing.
    Any,
    /// Nothing.
    Absent,
    /// Exactly this one.
    Exactly(Sequence),
}

impl ExpectedVersion {
    /// 1 and the version, 1 and 0 for none, or zeros.
    pub(crate) const fn stored(self) -> (u8, u64) {
        match self {
            Self::Any => (0, 0),
            Self::Absent => (1, 0),
            Self::Exactly(version) => (1, version.0),
        }
    }

    /// What is stored as these.
    pub(crate) const fn from_stored(has_expected: u8, expected: u64) -> Option<Self> {
        match (has_expected, expected) {
            (0, 0) => Some(Self::Any),
            (1, 0) => Some(Self::Absent),
            (1, version) => Some(Self::Exactly(Sequence(version))),
            _ => None,
        }
    }
}

/// A record is put there, in place of the one under its key if there is one.
#[derive(Clone)]
pub struct PutRecord {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// Whose.
    pub owner: RecordOwner,
    /// Under which key.
    pub key: RecordKey,
    /// What has to be there before.
    pub expected: ExpectedVersion,
    /// The bytes, at most 4 KiB. They may be personal data.
    pub bytes: Vec<u8>,
    /// From when on it is gone: at most 400 days ahead; `None` for never.
    pub expires: Option<Timestamp>,
    /// Where the bytes stood that this repeats, so that they outlast the key of that day. Such a command counts only if
    /// the record still stands there, and changes neither its version nor its expiry; `None` where the bank puts it.
    pub repeats: Option<Sequence>,
}

/// The bytes may be personal data: only their length is shown.
impl fmt::Debug for PutRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, key, expected, bytes, expires, .. } = self;
        let length = bytes.len();
        write!(formatter, "PutRecord({owner:?}, {key:?}, {expected:?}, {length} bytes, {expires:?})")
    }
}

/// A record is removed.
#[derive(Clone, Debug)]
pub struct RemoveRecord {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// Whose.
    pub owner: RecordOwner,
    /// Under which key.
    pub key: RecordKey,
    /// What has to be there: something, whatever it is, or exactly this.
    pub expected: Option<Sequence>,
}
