//! Keyed digests: what stands in the log in place of personal data.
//!
//! A digest is SipHash-2-4 with 128 bits of output under a key that the log's first record holds. Without
//! the key it tells nothing about an account number, and nobody can aim for a collision.

use std::fmt;
use std::hash::Hasher;

use siphasher::sip::SipHasher13;
use siphasher::sip128::{Hasher128, SipHasher24};

/// 128 bits that stand for a text or a body.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    /// 64 of its bits, for tables in memory: a digest is as good as random already.
    pub fn table_hash(self) -> u64 {
        let half: [u8; 8] = self.0[..8].try_into().expect("a digest has 16 bytes");
        u64::from_le_bytes(half)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// What a digest is of. The purpose enters the digest, so that equal bytes of two purposes differ.
#[derive(Clone, Copy)]
enum Purpose {
    Iban,
    Request,
    Body,
    Reference,
    Payment,
}

/// The secret under which one log makes its digests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DigestKey([u8; 16]);

impl DigestKey {
    /// The scheme of digests in this file. It is stored beside every body digest.
    pub const VERSION: u8 = 1;

    /// Takes 16 random bytes.
    pub const fn new(key: [u8; 16]) -> Self {
        Self(key)
    }

    /// The key's bytes, for the log's first record.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The digest of an account number in electronic form.
    pub fn iban(&self, iban: &str) -> Digest {
        // The longest account number has 34 characters.
        self.digest::<64>(Purpose::Iban, &[iban.as_bytes()])
    }

    /// The digest of a caller's request id. Each principal has its own ids.
    pub fn request(&self, principal: u32, request_id: &str) -> Digest {
        self.digest::<128>(Purpose::Request, &[&principal.to_le_bytes(), request_id.as_bytes()])
    }

    /// The digest of a command's business fields.
    pub fn body(&self, parts: &[&[u8]]) -> Digest {
        self.digest::<512>(Purpose::Body, parts)
    }

    /// The digest of an external reference that may be used once, within its own scope.
    pub fn reference(&self, scope: &[u8], reference: &str) -> Digest {
        self.digest::<128>(Purpose::Reference, &[scope, reference.as_bytes()])
    }

    /// The digest of a payment's key: the payer's bank and its transaction id.
    pub fn payment(&self, debtor_agent: &[u8; 11], transaction_id: &[u8]) -> Digest {
        self.digest::<64>(Purpose::Payment, &[debtor_agent, transaction_id])
    }

    /// A 64-bit hash for tables in memory. It is never stored.
    pub fn table_hash(&self, number: u32, bytes: &[u8]) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        hasher.write_u32(number);
        hasher.write(bytes);
        hasher.finish()
    }

    /// Each part is preceded by its length, so that no two lists of parts run together to the same bytes. `ROOM`
    /// is how many bytes are gathered before they are hashed; it changes nothing but the speed.
    fn digest<const ROOM: usize>(&self, purpose: Purpose, parts: &[&[u8]]) -> Digest {
        let purpose = match purpose {
            Purpose::Iban => 1,
            Purpose::Request => 2,
            Purpose::Body => 3,
            Purpose::Reference => 4,
            Purpose::Payment => 5,
        };
        let hasher = SipHasher24::new_with_key(&self.0);
        let mut hasher = Gathered { hasher, bytes: [0; ROOM], filled: 0 };
        hasher.write(&[purpose]);
        for part in parts {
            let length = u64::try_from(part.len()).expect("a length fits 64 bits");
            hasher.write(&length.to_le_bytes());
            hasher.write(part);
        }
        hasher.finish()
    }
}

/// Hands the hasher few long pieces instead of many short ones, which cost it several times as much.
struct Gathered<const ROOM: usize> {
    hasher: SipHasher24,
    bytes: [u8; ROOM],
    filled: usize,
}

impl<const ROOM: usize> Gathered<ROOM> {
    fn write(&mut self, part: &[u8]) {
        if self.bytes.len() - self.filled < part.len() {
            self.hasher.write(&self.bytes[..self.filled]);
            self.filled = 0;
        }
        match self.bytes[self.filled..].get_mut(..part.len()) {
            Some(room) => {
                room.copy_from_slice(part);
                self.filled += part.len();
            }
            None => self.hasher.write(part),
        }
    }

    fn finish(mut self) -> Digest {
        self.hasher.write(&self.bytes[..self.filled]);
        Digest(self.hasher.finish128().as_bytes())
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DigestKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Digests are stored for years: a change of these bytes would orphan every account.
    #[test]
    fn digests_never_change() {
        let key = DigestKey::new([7; 16]);
        assert_eq!(format!("{:?}", key.iban("BE68539007547034")), "d1673b2b81bf4b3490a64a9686bb215e");
        assert_eq!(format!("{:?}", key.payment(b"BANKBEBAXXX", b"T1")), "acf7f641c4c3ef44573b0c4ef8365708");
    }

    #[test]
    fn purpose_principal_and_split_matter() {
        let key = DigestKey::new([7; 16]);
        assert_ne!(key.request(1, "a"), key.request(2, "a"));
        assert_ne!(key.body(&[b"ab", b"c"]), key.body(&[b"a", b"bc"]));
        assert_ne!(key.body(&[b"BE68539007547034"]), key.iban("BE68539007547034"));
        assert_ne!(key.iban("x"), DigestKey::new([8; 16]).iban("x"));
    }

    /// How the bytes reach the hasher must not matter, whatever their lengths are.
    #[test]
    fn long_parts_count_as_if_they_came_piece_by_piece() {
        let key = DigestKey::new([7; 16]);
        let bytes: Vec<u8> = (0..2000_u32).map(|at| at.to_le_bytes()[0]).collect();
        for lengths in [[0, 5], [400, 200], [504, 1], [503, 9], [511, 513], [1200, 700]] {
            let parts = [&bytes[..lengths[0]], &bytes[lengths[0]..lengths[0] + lengths[1]]];
            let mut hasher = SipHasher24::new_with_key(key.as_bytes());
            hasher.write_u8(3);
            for part in parts {
                hasher.write(&u64::try_from(part.len()).unwrap().to_le_bytes());
                hasher.write(part);
            }
            assert_eq!(key.body(&parts), Digest(hasher.finish128().as_bytes()), "{lengths:?}");
        }
    }
}
