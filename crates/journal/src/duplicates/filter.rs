//! A filter that tells for most keys that a run does not hold them, at the price of one cache line a look.
//!
//! It is a Bloom filter in lines of 512 bits: a key chooses its line, and [`BITS_A_KEY_SETS`] bits in it. With
//! [`BITS_PER_KEY`] bits for each key, 250 million keys take 0.6 GB, and about one key in 2,800 that is not there
//! looks as if it were.
//!
//! Invariant: a key that was added is never denied.

use crate::bytes::u64_at;
use crate::limits::in_memory;

/// How large a filter is made.
const BITS_PER_KEY: u64 = 19;
/// How many bits one key sets, at most: two may coincide.
const BITS_A_KEY_SETS: u32 = 8;

/// What the processor reads at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(64))]
pub struct FilterLine([u64; 8]);

impl FilterLine {
    /// Bytes of a line.
    pub(crate) const LENGTH: usize = 64;

    pub(crate) fn encode(&self, bytes: &mut [u8]) {
        for (word, place) in self.0.iter().zip(bytes.chunks_mut(8)) {
            place.copy_from_slice(&word.to_le_bytes());
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Self {
        Self(std::array::from_fn(|word| u64_at(bytes, 8 * word)))
    }
}

/// Which keys a run may hold. Keys are hashes that are as good as random.
#[derive(Debug)]
pub struct Filter {
    lines: Vec<FilterLine>,
}

impl Filter {
    /// An empty filter for so many keys.
    pub fn for_keys(keys: u64) -> Self {
        Self { lines: vec![FilterLine::default(); in_memory(lines_for(keys))] }
    }

    pub(crate) const fn of_lines(lines: Vec<FilterLine>) -> Self {
        Self { lines }
    }

    pub(crate) fn lines(&self) -> &[FilterLine] {
        &self.lines
    }

    /// The line that a look at this key touches, for whoever wants to have it brought from memory ahead.
    pub fn line(&self, key: u64) -> &FilterLine {
        &self.lines[self.place(key)]
    }

    /// Adds a key.
    pub fn add(&mut self, key: u64) {
        let place = self.place(key);
        for (word, bit) in bits(key) {
            self.lines[place].0[word] |= bit;
        }
    }

    /// Whether the run may hold this key. `false` is certain.
    pub fn may_hold(&self, key: u64) -> bool {
        let line = self.line(key);
        bits(key).all(|(word, bit)| line.0[word] & bit != 0)
    }

    /// Bytes in memory.
    pub fn length(&self) -> usize {
        self.lines.len() * FilterLine::LENGTH
    }

    fn place(&self, key: u64) -> usize {
        let lines = u64::try_from(self.lines.len()).expect("64 bits");
        // The high half of the key as a fraction of all lines; there are fewer than 2^32 of them.
        in_memory(((key >> 32) * lines) >> 32)
    }
}

/// How many lines a filter for so many keys has.
pub(crate) fn lines_for(keys: u64) -> u64 {
    (keys * BITS_PER_KEY).div_ceil(512).max(1)
}

/// The bits of a key in its line: the word, and the bit in it.
fn bits(key: u64) -> impl Iterator<Item = (usize, u64)> {
    // The upper bits of a product depend on all bits of the key, and 9 of them choose one of 512.
    let halves = [0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F].map(|factor: u64| key.wrapping_mul(factor));
    (0..BITS_A_KEY_SETS).map(move |number| {
        let half = halves[in_memory(u64::from(number % 2))];
        let bit = half >> (55 - 9 * (number / 2)) & 511;
        (in_memory(bit >> 6), 1 << (bit & 63))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys as a hash makes them.
    fn key(number: u64) -> u64 {
        let mut key = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        key = (key ^ key >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        key = (key ^ key >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        key ^ key >> 31
    }

    /// The figure that the operator's page gives.
    #[test]
    fn takes_about_0_6_gb_for_250_million_keys() {
        assert_eq!(lines_for(250_000_000) * 64, 593_750_016);
    }

    #[test]
    fn no_key_is_denied_and_few_others_are_taken_for_one() {
        const KEYS: u64 = 2_000_000;
        let mut filter = Filter::for_keys(KEYS);
        (0..KEYS).for_each(|number| filter.add(key(number)));
        assert!((0..KEYS).all(|number| filter.may_hold(key(number))));
        let taken = (KEYS..2 * KEYS).filter(|number| filter.may_hold(key(*number))).count();
        // One in 2,770; a filter without lines would take one in 5,000.
        assert!((500..1000).contains(&taken), "{taken} of {KEYS}");
    }

    #[test]
    fn a_filter_for_nothing_holds_nothing() {
        let filter = Filter::for_keys(0);
        assert!((0..1000).all(|number| !filter.may_hold(key(number))));
    }

    #[test]
    fn lines_come_back_as_they_were_stored() {
        let mut filter = Filter::for_keys(9);
        (0..9).for_each(|number| filter.add(key(number)));
        let mut bytes = [0; 64];
        filter.lines()[0].encode(&mut bytes);
        assert_eq!(FilterLine::decode(&bytes), filter.lines()[0]);
    }
}
