//! What a leaf commits to: an outcome entry, and the record of the command that it is about.
//!
//! An entry tells the balances of both sides. A receipt is for one of them, so each side's balances enter the leaf as a
//! digest of their own, under a key that only the receipts of that side show. The keys follow from the log's digest key, so
//! that the same log gives the same leaves.

use ledger::{OutcomeEntry, Remark};
use types::DigestKey;

/// 32 bytes of BLAKE3.
pub type Hash = [u8; 32];

/// Bytes of an entry before its balances.
pub(super) const HEAD_LENGTH: usize = 32;

/// Bytes of a leaf.
pub(super) const LEAF_LENGTH: usize = HEAD_LENGTH + 3 * 32;

/// Which sides of a payment a receipt shows the balances of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides {
    /// The payer's account and the position of its bank.
    pub payer: bool,
    /// The same of the payee.
    pub payee: bool,
}

impl Sides {
    /// Both.
    pub const BOTH: Self = Self { payer: true, payee: true };
}

/// What a leaf holds in place of the balances of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Their digest alone.
    Closed(Hash),
    /// The balances, and the key of the digest.
    Open {
        /// Minor units on the account afterwards; 0 where the bank keeps the account itself.
        balance: i64,
        /// Minor units in the bank's position afterwards; 0 where it did not change.
        position: i64,
        key: Hash,
    },
}

impl Side {
    /// The digest in the leaf.
    pub(super) fn digest(&self) -> Hash {
        match self {
            Self::Closed(digest) => *digest,
            Self::Open { balance, position, key } => {
                let mut bytes = [0; 16];
                bytes[..8].copy_from_slice(&balance.to_le_bytes());
                bytes[8..].copy_from_slice(&position.to_le_bytes());
                *blake3::keyed_hash(key, &bytes).as_bytes()
            }
        }
    }

    /// The same without what only its own side may know.
    pub(super) fn closed(&self) -> Self {
        Self::Closed(self.digest())
    }
}

/// Hides balances, by a key that follows from the log's.
#[derive(Clone)]
pub(super) struct Blinding(Hash);

/// The keys are never shown.
impl std::fmt::Debug for Blinding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Blinding(…)")
    }
}

impl Blinding {
    pub(super) fn new(key: &DigestKey) -> Self {
        Self(blake3::derive_key("solvo 2026 balances in receipts 1", key.as_bytes()))
    }

    /// Both sides of an entry, open: the payer's, then the payee's.
    pub(super) fn sides(&self, entry: &OutcomeEntry) -> [Side; 2] {
        let mut keys = [0; 64];
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&entry.as_bytes()[..16]).finalize_xof().fill(&mut keys);
        let [payer_balance, payee_balance, payer_position, payee_position] = entry.balances();
        let key = |at| super::bytes::array(&keys, at);
        [
            Side::Open { balance: payer_balance, position: payer_position, key: key(0) },
            Side::Open { balance: payee_balance, position: payee_position, key: key(32) },
        ]
    }
}

/// The leaf's bytes.
pub(super) fn leaf(head: &[u8; HEAD_LENGTH], sides: &[Side; 2], record: &Hash) -> [u8; LEAF_LENGTH] {
    let mut bytes = [0; LEAF_LENGTH];
    bytes[..HEAD_LENGTH].copy_from_slice(head);
    let digests = [sides[0].digest(), sides[1].digest(), *record];
    for (place, digest) in bytes[HEAD_LENGTH..].chunks_exact_mut(32).zip(digests) {
        place.copy_from_slice(&digest);
    }
    bytes
}

/// An entry without its balances, and without what is for the payer's side alone: the fee, which its balance tells, and
/// which limit of the payer's the payment was above.
pub(super) fn head(entry: &OutcomeEntry) -> [u8; HEAD_LENGTH] {
    let mut head: [u8; HEAD_LENGTH] = super::bytes::array(entry.as_bytes(), 0);
    match entry.remark() {
        Remark::None => {}
        Remark::Fee(_) => head[CODE].fill(0),
        Remark::LimitPerPayment | Remark::LimitPerDay => head[FLAGS] = 0,
    }
    head
}

/// Where an entry has its flags, and its code.
const FLAGS: usize = std::mem::offset_of!(ledger::layout::OutcomeEntry, flags);
const CODE: std::ops::Range<usize> = {
    let start = std::mem::offset_of!(ledger::layout::OutcomeEntry, code);
    start..start + 4
};
