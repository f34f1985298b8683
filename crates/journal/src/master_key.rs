//! The master key: it wraps the keys in KEYS, and encrypts nothing else.
//!
//! Invariants:
//! - Its bytes are shown by no `Debug` and no error, and are overwritten when it goes.
//! - A file `MASTER` in the log's own folder is made only where no master key is given, and only its owner may read it.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

use crate::buffer::AlignedBuffer;
use crate::key_table::KeysError;
use crate::limits::{BLOCK_SIZE, in_memory, stored};
use crate::open::UNFINISHED;
use crate::storage::{Access, Storage, StorageErrorKind, StorageFile};

/// The file that holds the master key where none is given.
pub(crate) const MASTER_NAME: &str = "MASTER";

/// 256 bits that wrap the keys of a log.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// Reads a key: 64 hexadecimal digits, with blanks and line ends around them, or 32 bytes as they are.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        let digits = bytes.trim_ascii();
        if let Some((pairs, [])) = (digits.len() == 64).then_some(digits.as_chunks::<2>()) {
            let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
            for (byte, [high, low]) in key.iter_mut().zip(pairs) {
                *byte = digit(*high)? << 4 | digit(*low)?;
            }
            return Some(Self(key));
        }
        key.copy_from_slice(<&[u8; 32]>::try_from(bytes).ok()?);
        Some(Self(key))
    }

    /// Makes a key of random numbers.
    pub fn draw(entropy: &mut dyn FnMut() -> u64) -> Self {
        Self(draw(entropy))
    }

    /// Reads the key that lies in the log's own folder, if there is one.
    ///
    /// # Errors
    /// If the file can't be read or holds no key.
    pub fn in_folder(storage: &impl Storage) -> Result<Option<Self>, KeysError> {
        let file = match storage.open(MASTER_NAME, Access::Read) {
            Ok(file) => file,
            Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let unreadable = || KeysError::MasterUnreadable { place: storage.place() };
        if file.length()? != stored(BLOCK_SIZE) {
            return Err(unreadable());
        }
        let mut block = AlignedBuffer::new(BLOCK_SIZE);
        file.read_at(0, block.as_mut_slice())?;
        let key = Self::parse(block.as_slice());
        block.as_mut_slice().zeroize();
        key.map(Some).ok_or_else(unreadable)
    }

    /// Makes a key in the log's own folder, durably. The caller holds the folder, and knows that there is none.
    ///
    /// # Errors
    /// If it can't be written.
    pub(crate) fn make_in_folder(
        storage: &impl Storage,
        entropy: &mut dyn FnMut() -> u64,
    ) -> Result<Self, KeysError> {
        let key = Self::draw(entropy);
        let unfinished = format!("{MASTER_NAME}{UNFINISHED}");
        wipe(storage, &unfinished)?;
        // Line ends fill the block, so that whoever reads the file sees a key.
        let mut block = AlignedBuffer::new(BLOCK_SIZE);
        block.as_mut_slice().fill(b'\n');
        for (pair, byte) in block.as_mut_slice().chunks_exact_mut(2).zip(key.0.iter()) {
            pair.copy_from_slice(format!("{byte:02x}").as_bytes());
        }
        let file = storage.create(&unfinished)?;
        file.write_at(0, block.as_slice())?;
        block.as_mut_slice().zeroize();
        file.sync()?;
        storage.rename(&unfinished, MASTER_NAME)?;
        storage.sync_directory()?;
        Ok(key)
    }

    /// Removes the key that lies in the log's own folder, if there is one; says whether there was.
    ///
    /// # Errors
    /// If it can't be overwritten or removed.
    pub(crate) fn remove_from_folder(storage: &impl Storage) -> Result<bool, KeysError> {
        let removed = wipe(storage, MASTER_NAME)?;
        storage.sync_directory()?;
        Ok(removed)
    }

    /// A name for the key that tells nothing about it.
    pub(crate) fn fingerprint(&self) -> [u8; 8] {
        let hash =
            blake3::derive_key("Solvo journal 2026-11: which master key wraps KEYS", self.0.as_slice());
        crate::bytes::array(&hash, 0)
    }

    /// The key under which other keys are wrapped.
    pub(crate) fn wrapping_key(&self) -> Zeroizing<[u8; 32]> {
        let context = "Solvo journal 2026-11: wrapping of the keys in KEYS";
        Zeroizing::new(blake3::derive_key(context, self.0.as_slice()))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MasterKey(…)")
    }
}

/// 256 random bits.
pub(crate) fn draw(entropy: &mut dyn FnMut() -> u64) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    for part in key.chunks_exact_mut(8) {
        part.copy_from_slice(&entropy().to_le_bytes());
    }
    key
}

/// Overwrites a file with zeros, durably, and removes it; says whether it was there. File systems that copy on write,
/// and devices that level wear, may keep the old bytes all the same: `docs/personal-data.md`.
pub(crate) fn wipe(storage: &impl Storage, name: &str) -> Result<bool, KeysError> {
    let file = match storage.open(name, Access::Write) {
        Ok(file) => file,
        Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let length = in_memory(file.length()?).next_multiple_of(BLOCK_SIZE);
    let zeros = AlignedBuffer::new(BLOCK_SIZE);
    for offset in (0..length).step_by(BLOCK_SIZE) {
        file.write_at(stored(offset), zeros.as_slice())?;
    }
    file.sync()?;
    storage.remove(name)?;
    storage.sync_directory()?;
    Ok(true)
}
