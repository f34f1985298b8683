//! The keys at hand, and sealing with them: AES-256-GCM over a frame's personal section.
//!
//! Each frame is sealed under a key of its own, derived from its day's key and its whole header. A header names the log,
//! the claim, the batch, the time and the hash of the frame before, so no two frames have the same key, not even where a
//! torn frame's batch number is used again or two copies of a log go different ways. The nonce can therefore be constant,
//! and a section opens in its own frame alone.
//!
//! Invariants:
//! - A key comes here once its wrapped form is durable in KEYS, and leaves once KEYS is durable without it.
//! - Keys are shown by no `Debug`, and are overwritten when they go.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use types::{DigestKey, Timestamp};
use zeroize::{Zeroize, Zeroizing};

use crate::header::HEADER_LENGTH;
use crate::key_table::aead_key;

/// How many bytes sealing adds to a section: the tag that proves it.
pub const TAG_LENGTH: usize = 16;

const NANOSECONDS_A_DAY: i64 = 86_400_000_000_000;

/// The number of the key that seals what is written at this time: the day, UTC, counted from 1970. Number 0 says that a
/// section is in clear, so the first day uses the key of the second.
pub fn key_of(time: Timestamp) -> u32 {
    let day = time.nanoseconds() / NANOSECONDS_A_DAY;
    u32::try_from(day).expect("the range of times ends with day 106,751").max(1)
}

/// The data keys that this process has, by day. Threads share it; a look-up waits for nothing but another's change of the
/// table in memory.
#[derive(Default)]
pub struct Keyring {
    /// Each in a place of its own, which it never leaves: a table that moves its entries would leave copies behind.
    keys: RwLock<BTreeMap<u32, Box<Zeroizing<[u8; 32]>>>>,
    /// Days below this had keys that have been destroyed, and may have others since.
    destroyed_before: AtomicU32,
    digest_key: OnceLock<DigestKey>,
}

/// What opening a section came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    Opened,
    /// Its key is not at hand.
    NoKey,
    /// Its key does not open it.
    Tampered,
}

impl Keyring {
    /// Whether this key is at hand.
    pub fn holds(&self, number: u32) -> bool {
        self.with(number, |_| ()).is_some()
    }

    /// The numbers of the keys at hand, ascending.
    pub fn numbers(&self) -> Vec<u32> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    pub(crate) fn put(&self, number: u32, key: &[u8; 32]) {
        let mut place = Box::new(Zeroizing::new([0; 32]));
        place.copy_from_slice(key);
        self.keys.write().unwrap_or_else(PoisonError::into_inner).insert(number, place);
    }

    /// Forgets the keys of the days below this, which have been destroyed: from here on their sections open for nobody.
    pub(crate) fn forget_before(&self, day: u32) {
        self.set_destroyed_before(day);
        self.keys.write().unwrap_or_else(PoisonError::into_inner).retain(|number, _| *number >= day);
    }

    /// The key of the log's digests, if it is at hand and does not stand in the log itself.
    pub fn digest_key(&self) -> Option<DigestKey> {
        self.digest_key.get().copied()
    }

    /// Takes the key of the log's digests, of which there is one.
    pub(crate) fn set_digest_key(&self, key: DigestKey) {
        let known = self.digest_key.get_or_init(|| key);
        assert!(*known == key, "a log has one key of digests");
    }

    pub(crate) fn set_destroyed_before(&self, day: u32) {
        self.destroyed_before.fetch_max(day, Ordering::Relaxed);
    }

    fn with<T>(&self, number: u32, use_key: impl FnOnce(&[u8; 32]) -> T) -> Option<T> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(&number).map(|key| use_key(key))
    }

    /// Seals a section in place for the frame with this encoded header; returns its tag.
    ///
    /// # Panics
    /// If the key is not at hand.
    pub(crate) fn seal(&self, number: u32, header: &[u8], section: &mut [u8]) -> [u8; TAG_LENGTH] {
        let key = self.with(number, |key| section_key(key, header));
        let key = key.expect("the caller asks for the key first");
        let tag = key.seal_in_place_separate_tag(nonce(), Aad::empty(), section);
        let tag = tag.expect("a section is far shorter than the cipher's limit");
        tag.as_ref().try_into().expect("a tag has 16 bytes")
    }

    /// Opens the section of the frame with this encoded header into `texts`, which is empty unless it succeeds.
    pub(crate) fn open(&self, number: u32, header: &[u8], sealed: &[u8], texts: &mut Vec<u8>) -> Opening {
        texts.clear();
        let Some(key) = self.with(number, |key| section_key(key, header)) else { return Opening::NoKey };
        let unopened = match number < self.destroyed_before.load(Ordering::Relaxed) {
            // A clock that was far ahead when keys were destroyed: the day went on under another key.
            true => Opening::NoKey,
            false => Opening::Tampered,
        };
        let Some((section, tag)) = sealed.split_last_chunk::<TAG_LENGTH>() else { return unopened };
        texts.resize(section.len(), 0);
        if key.open_separate_gather(nonce(), Aad::empty(), section, tag, texts).is_err() {
            texts.clear();
            return unopened;
        }
        Opening::Opened
    }
}

/// Which keys there are, and nothing of them.
impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Keyring").field(&self.numbers()).finish()
    }
}

/// The key of one frame.
fn section_key(day_key: &[u8; 32], header: &[u8]) -> LessSafeKey {
    assert_eq!(header.len(), HEADER_LENGTH);
    let mut hasher = blake3::Hasher::new_derive_key("Solvo journal 2026-11: personal section of one frame");
    hasher.update(day_key);
    hasher.update(header);
    let mut key: [u8; 32] = hasher.finalize().into();
    let cipher = aead_key(&key);
    key.zeroize();
    cipher
}

/// No key seals twice, so one nonce serves all.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}
