//! Choices that follow from a seed.

use std::hash::{BuildHasher, RandomState};

/// The seed of this run: `SOLVO_SEED`, or a fresh one.
pub(crate) fn seed() -> u64 {
    match std::env::var("SOLVO_SEED") {
        Ok(text) => text.parse().expect("SOLVO_SEED is a number"),
        Err(_) => RandomState::new().hash_one(()),
    }
}

/// A sequence of choices (splitmix64 by Sebastiano Vigna).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A sequence for somebody else, which does not depend on how many choices are made here afterwards.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// A number below `end`. The bias is too small to matter here.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True once in so many times.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
