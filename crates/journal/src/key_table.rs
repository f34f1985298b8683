//! KEYS as bytes: wrapped keys in a table, by day.
//!
//! Invariants:
//! - A key stands here only wrapped: under the master key, with the log's cluster, the kind and the number as associated
//!   data, so that no entry can stand in for another.
//! - Whatever is not exactly what this module writes is refused by name.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use types::ClusterId;
use zeroize::Zeroizing;

use crate::bytes::{array, is_zero, put, u16_at, u32_at, u64_at};
use crate::limits::{BLOCK_SIZE, in_memory, stored_short};
use crate::master_key::MasterKey;
use crate::mutants::{Mutant, is_on};
use crate::storage::StorageError;

/// The format of KEYS that this binary writes, and the newest it reads.
pub(crate) const KEYS_FORMAT: u16 = 1;

const KEYS_MAGIC: [u8; 8] = *b"SLVWKEYS";

// The byte table of FORMAT.md, "KEYS". Magic, format and checksum keep their places in every version.
const MAGIC: usize = 0;
const FORMAT: usize = MAGIC + 8;
const RESERVED_A: usize = FORMAT + 2;
const CHECKSUM: usize = RESERVED_A + 2;
const CLUSTER: usize = CHECKSUM + 4;
const GENERATION: usize = CLUSTER + 16;
const MASTER: usize = GENERATION + 8;
const COUNT: usize = MASTER + 8;
const DESTROYED_BEFORE: usize = COUNT + 4;
const CLEAR_BEFORE: usize = DESTROYED_BEFORE + 4;
const RESERVED_B: usize = CLEAR_BEFORE + 4;
const ENTRIES: usize = RESERVED_B + 4;

const _: () = assert!(CLUSTER == 16);
const _: () = assert!(ENTRIES == 64);

const ENTRY_KIND: usize = 0;
const ENTRY_RESERVED_A: usize = ENTRY_KIND + 2;
const ENTRY_NUMBER: usize = ENTRY_RESERVED_A + 2;
const ENTRY_NONCE: usize = ENTRY_NUMBER + 4;
const ENTRY_RESERVED_B: usize = ENTRY_NONCE + 12;
const ENTRY_WRAPPED: usize = ENTRY_RESERVED_B + 4;
const ENTRY_LENGTH: usize = ENTRY_WRAPPED + WRAPPED_LENGTH;

const _: () = assert!(ENTRY_LENGTH == 72);

/// A key and the tag that proves it.
const WRAPPED_LENGTH: usize = 48;

/// More keys than a log needs in 150 years.
const ENTRIES_MAX: usize = 60_000;

/// The longest KEYS in bytes.
pub(crate) const KEYS_LENGTH_MAX: usize = (ENTRIES + ENTRIES_MAX * ENTRY_LENGTH).next_multiple_of(BLOCK_SIZE);

/// What a key is for. The numbers are stored and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum KeyKind {
    /// Seals the personal sections of one day.
    Data,
    /// The key of the log's digests.
    Digest,
}

impl KeyKind {
    const fn number(self) -> u16 {
        match self {
            Self::Data => 1,
            Self::Digest => 2,
        }
    }

    const fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::Data),
            2 => Some(Self::Digest),
            _ => None,
        }
    }
}

/// Why the keys of a log can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The folder failed.
    #[error("the keys could not be read or written: {0}")]
    Storage(#[from] StorageError),
    /// KEYS is damaged.
    #[error(
        "KEYS in {place} does not verify: copy the folder as it is, and put KEYS back from a backup of this log"
    )]
    Unreadable {
        /// The folder.
        place: String,
    },
    /// Written by a newer binary.
    #[error(
        "KEYS in {place} has format {found} and this binary reads up to {KEYS_FORMAT}: use the newer binary"
    )]
    NewerFormat {
        /// The folder.
        place: String,
        /// The format found.
        found: u16,
    },
    /// The keys of another log.
    #[error("KEYS in {place} belongs to another cluster: put back the one of this log")]
    ForeignCluster {
        /// The folder.
        place: String,
    },
    /// Wrapped by another master key.
    #[error("the keys in {place} are wrapped by another master key: give the one that was given before")]
    OtherMaster {
        /// The folder.
        place: String,
    },
    /// There is no KEYS.
    #[error("{place} holds no KEYS: put it back from a backup of this log")]
    Missing {
        /// The folder.
        place: String,
    },
    /// No master key is given, and none lies in the folder.
    #[error("the keys in {place} are wrapped by a master key that is not in the folder: give it")]
    NoMaster {
        /// The folder.
        place: String,
    },
    /// The master key in the folder is damaged.
    #[error("MASTER in {place} holds no key of 64 hexadecimal digits: put it back from where it was kept")]
    MasterUnreadable {
        /// The folder.
        place: String,
    },
}

/// Why bytes are not a table of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyTableFault {
    Newer { found: u16 },
    Unreadable,
}

/// A key as it is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Wrapped {
    nonce: [u8; 12],
    bytes: [u8; WRAPPED_LENGTH],
}

/// What KEYS says.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct KeyTable {
    /// Whose keys they are.
    pub(crate) cluster: ClusterId,
    /// Rises by one with every change.
    pub(crate) generation: u64,
    /// Which master key wraps them.
    master: [u8; 8],
    /// The keys of days below this have been destroyed; 0 = none.
    pub(crate) destroyed_before: u32,
    /// Frames of a log that is older than its keys are in clear up to this day; 0 = all are sealed.
    pub(crate) clear_before: u32,
    entries: BTreeMap<(KeyKind, u32), Wrapped>,
}

impl KeyTable {
    /// A table without keys.
    pub(crate) fn new(cluster: ClusterId, master: &MasterKey, clear_before: u32) -> Self {
        Self {
            cluster,
            generation: 0,
            master: master.fingerprint(),
            destroyed_before: 0,
            clear_before,
            entries: BTreeMap::new(),
        }
    }

    /// Whether this master key wraps the keys.
    pub(crate) fn is_wrapped_by(&self, master: &MasterKey) -> bool {
        self.master == master.fingerprint()
    }

    /// Whether there is such a key.
    pub(crate) fn holds(&self, kind: KeyKind, number: u32) -> bool {
        self.entries.contains_key(&(kind, number))
    }

    /// Which keys there are.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (KeyKind, u32)> {
        self.entries.keys().copied()
    }

    /// Adds a key, wrapped by the master key of the others.
    pub(crate) fn wrap(
        &mut self,
        master: &MasterKey,
        (kind, number): (KeyKind, u32),
        secret: &[u8; 32],
        entropy: &mut dyn FnMut() -> u64,
    ) {
        assert!(self.is_wrapped_by(master), "one master key wraps all");
        assert!(self.entries.len() < ENTRIES_MAX, "a log does not live that long");
        let mut nonce = [0; 12];
        put(&mut nonce, 0, entropy().to_le_bytes());
        let [a, b, c, d, ..] = entropy().to_le_bytes();
        put(&mut nonce, 8, [a, b, c, d]);
        let mut bytes = [0; WRAPPED_LENGTH];
        bytes[..32].copy_from_slice(secret);
        let aad = Aad::from(self.associated(kind, number));
        let key = aead_key(&master.wrapping_key());
        let tag = key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, &mut bytes[..32])
            .expect("32 bytes can be sealed");
        bytes[32..].copy_from_slice(tag.as_ref());
        self.entries.insert((kind, number), Wrapped { nonce, bytes });
    }

    /// A key, unwrapped; `None` if there is none or its tag does not agree.
    pub(crate) fn unwrap(
        &self,
        wrapping_key: &[u8; 32],
        kind: KeyKind,
        number: u32,
    ) -> Option<Zeroizing<[u8; 32]>> {
        let Wrapped { nonce, mut bytes } = *self.entries.get(&(kind, number))?;
        let aad = Aad::from(self.associated(kind, number));
        let nonce = Nonce::assume_unique_for_key(nonce);
        let secret = aead_key(wrapping_key).open_in_place(nonce, aad, &mut bytes).ok()?;
        Some(Zeroizing::new(array(secret, 0)))
    }

    /// The same keys, wrapped by another master key; `None` if one of them can't be unwrapped.
    pub(crate) fn rewrapped(
        &self,
        old: &MasterKey,
        new: &MasterKey,
        entropy: &mut dyn FnMut() -> u64,
    ) -> Option<Self> {
        let mut table =
            Self { master: new.fingerprint(), entries: BTreeMap::new(), cluster: self.cluster, ..*self };
        let wrapping_key = old.wrapping_key();
        for (kind, number) in self.keys() {
            let secret = self.unwrap(&wrapping_key, kind, number)?;
            table.wrap(new, (kind, number), &secret, entropy);
        }
        Some(table)
    }

    /// Takes out the data keys of the days below this; says which.
    pub(crate) fn destroy_before(&mut self, day: u32) -> Vec<u32> {
        let is_destroyed = |kind, number| kind == KeyKind::Data && number < day;
        let destroyed = self.keys().filter(|(kind, number)| is_destroyed(*kind, *number));
        let destroyed = destroyed.map(|(_, number)| number).collect();
        self.destroyed_before = self.destroyed_before.max(day);
        if !is_on(Mutant::SkipKeyDestruction) {
            self.entries.retain(|(kind, number), _| !is_destroyed(*kind, *number));
        }
        destroyed
    }

    /// What is authenticated with a wrapped key.
    fn associated(&self, kind: KeyKind, number: u32) -> [u8; 22] {
        let mut associated = [0; 22];
        put(&mut associated, 0, self.cluster.0);
        put(&mut associated, 16, kind.number().to_le_bytes());
        put(&mut associated, 18, number.to_le_bytes());
        associated
    }

    /// The table's bytes, in whole blocks.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let length = ENTRIES + self.entries.len() * ENTRY_LENGTH;
        let mut bytes = vec![0; length.next_multiple_of(BLOCK_SIZE)];
        put(&mut bytes, MAGIC, KEYS_MAGIC);
        put(&mut bytes, FORMAT, KEYS_FORMAT.to_le_bytes());
        put(&mut bytes, CLUSTER, self.cluster.0);
        put(&mut bytes, GENERATION, self.generation.to_le_bytes());
        put(&mut bytes, MASTER, self.master);
        put(&mut bytes, COUNT, stored_short(self.entries.len()).to_le_bytes());
        put(&mut bytes, DESTROYED_BEFORE, self.destroyed_before.to_le_bytes());
        put(&mut bytes, CLEAR_BEFORE, self.clear_before.to_le_bytes());
        let places = bytes[ENTRIES..].chunks_exact_mut(ENTRY_LENGTH);
        for (place, ((kind, number), wrapped)) in places.zip(&self.entries) {
            put(place, ENTRY_KIND, kind.number().to_le_bytes());
            put(place, ENTRY_NUMBER, number.to_le_bytes());
            put(place, ENTRY_NONCE, wrapped.nonce);
            put(place, ENTRY_WRAPPED, wrapped.bytes);
        }
        let sum = checksum(&bytes);
        put(&mut bytes, CHECKSUM, sum.to_le_bytes());
        bytes
    }

    /// Reads a table's bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, KeyTableFault> {
        let unreadable = KeyTableFault::Unreadable;
        if bytes.len() < BLOCK_SIZE
            || bytes[..FORMAT] != KEYS_MAGIC
            || u32_at(bytes, CHECKSUM) != checksum(bytes)
        {
            return Err(unreadable);
        }
        match u16_at(bytes, FORMAT) {
            KEYS_FORMAT => {}
            found if found > KEYS_FORMAT => return Err(KeyTableFault::Newer { found }),
            _ => return Err(unreadable),
        }
        let count = in_memory(u64::from(u32_at(bytes, COUNT)));
        let end = ENTRIES + count.min(ENTRIES_MAX) * ENTRY_LENGTH;
        let is_whole = count <= ENTRIES_MAX && bytes.len() == end.next_multiple_of(BLOCK_SIZE);
        if !is_whole
            || !is_zero(&bytes[RESERVED_A..CHECKSUM])
            || !is_zero(&bytes[RESERVED_B..ENTRIES])
            || !is_zero(&bytes[end..])
        {
            return Err(unreadable);
        }
        let mut table = Self {
            cluster: ClusterId(array(bytes, CLUSTER)),
            generation: u64_at(bytes, GENERATION),
            master: array(bytes, MASTER),
            destroyed_before: u32_at(bytes, DESTROYED_BEFORE),
            clear_before: u32_at(bytes, CLEAR_BEFORE),
            entries: BTreeMap::new(),
        };
        for place in bytes[ENTRIES..end].chunks_exact(ENTRY_LENGTH) {
            let kind = KeyKind::from_number(u16_at(place, ENTRY_KIND)).ok_or(unreadable)?;
            let key = (kind, u32_at(place, ENTRY_NUMBER));
            let reserved = [ENTRY_RESERVED_A..ENTRY_NUMBER, ENTRY_RESERVED_B..ENTRY_WRAPPED];
            let ascends = table.entries.last_key_value().is_none_or(|(last, _)| *last < key);
            if !ascends || reserved.into_iter().any(|range| !is_zero(&place[range])) {
                return Err(unreadable);
            }
            let wrapped = Wrapped { nonce: array(place, ENTRY_NONCE), bytes: array(place, ENTRY_WRAPPED) };
            table.entries.insert(key, wrapped);
        }
        Ok(table)
    }
}

/// Which keys there are, and nothing of them.
impl fmt::Debug for KeyTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KeyTable")
            .field("generation", &self.generation)
            .field("keys", &self.entries.len())
            .finish_non_exhaustive()
    }
}

/// A key for the cipher.
pub(crate) fn aead_key(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("a key of AES-256 has 32 bytes"))
}

/// CRC32C of the file without the checksum's own four bytes.
fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[..CHECKSUM]), &bytes[CLUSTER..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER_ID: ClusterId = ClusterId([4; 16]);

    fn counting(from: u64) -> impl FnMut() -> u64 {
        let mut next = from;
        move || {
            next += 1;
            next
        }
    }

    fn table() -> (MasterKey, KeyTable) {
        let mut entropy = counting(0);
        let master = MasterKey::draw(&mut entropy);
        let mut table = KeyTable::new(CLUSTER_ID, &master, 7);
        for (key, byte) in
            [((KeyKind::Data, 20_000), 1), ((KeyKind::Data, 20_001), 2), ((KeyKind::Digest, 1), 3)]
        {
            table.wrap(&master, key, &[byte; 32], &mut entropy);
        }
        (master, table)
    }

    #[test]
    fn a_table_reads_back_and_every_damaged_byte_is_found() {
        let (master, table) = table();
        let bytes = table.encode();
        assert_eq!(bytes.len(), BLOCK_SIZE);
        assert_eq!(KeyTable::decode(&bytes).unwrap(), table);
        let secret = table.unwrap(&master.wrapping_key(), KeyKind::Data, 20_001).unwrap();
        assert_eq!(*secret, [2; 32]);
        assert!(
            !bytes.windows(8).any(|window| [[1; 8], [2; 8], [3; 8]].contains(&window.try_into().unwrap()))
        );
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(KeyTable::decode(&damaged).is_err(), "byte {at}");
        }
        assert!(KeyTable::decode(&bytes[..BLOCK_SIZE - 1]).is_err());
    }

    #[test]
    fn an_entry_stands_in_for_no_other_and_opens_under_its_master_key_alone() {
        let (master, mut table) = table();
        let other = MasterKey::draw(&mut counting(99));
        let wrapping_key = master.wrapping_key();
        assert!(table.unwrap(&other.wrapping_key(), KeyKind::Data, 20_000).is_none());
        let first = table.entries[&(KeyKind::Data, 20_000)];
        table.entries.insert((KeyKind::Data, 20_001), first);
        assert!(table.unwrap(&wrapping_key, KeyKind::Data, 20_001).is_none());
        table.cluster = ClusterId([5; 16]);
        assert!(table.unwrap(&wrapping_key, KeyKind::Data, 20_000).is_none());
    }

    #[test]
    fn rewrapping_keeps_the_keys_and_leaves_the_old_master_key_useless() {
        let (master, table) = table();
        let new = MasterKey::draw(&mut counting(500));
        let rewrapped = table.rewrapped(&master, &new, &mut counting(700)).unwrap();
        assert!(rewrapped.is_wrapped_by(&new) && !rewrapped.is_wrapped_by(&master));
        assert_eq!(*rewrapped.unwrap(&new.wrapping_key(), KeyKind::Digest, 1).unwrap(), [3; 32]);
        assert!(rewrapped.unwrap(&master.wrapping_key(), KeyKind::Digest, 1).is_none());
        assert!(table.rewrapped(&new, &master, &mut counting(0)).is_none());
    }

    #[test]
    fn destruction_takes_the_data_keys_of_the_days_before() {
        let (_, mut table) = table();
        assert_eq!(table.destroy_before(20_001), [20_000]);
        assert_eq!(table.keys().collect::<Vec<_>>(), [(KeyKind::Data, 20_001), (KeyKind::Digest, 1)]);
        assert_eq!((table.destroyed_before, table.destroy_before(100)), (20_001, vec![]));
        assert_eq!(table.destroyed_before, 20_001);
    }
}
