//! The only source of chance: xoshiro256** seeded by SplitMix64 (Blackman, Vigna 2018).
//!
//! Invariant: the same seed gives the same choices, on every machine and in every build.

/// A generator of choices.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: [u64; 4],
}

impl Random {
    /// The choices of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut word = seed;
        let state = [(); 4].map(|()| {
            word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut bits = word;
            bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            bits ^ (bits >> 31)
        });
        Self { state }
    }

    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A number below this bound. A bias of 2^-64 times the bound does not matter here.
    ///
    /// # Panics
    /// If the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "there is something to choose from");
        let wide = u128::from(self.bits()) * u128::from(bound);
        u64::try_from(wide >> 64).expect("the upper half of 128 bits has 64")
    }

    /// A number from `first` to `last`, both included.
    ///
    /// # Panics
    /// If `last` is below `first`.
    pub(crate) fn between(&mut self, first: i64, last: i64) -> i64 {
        assert!(first <= last, "a range has at least one number");
        let span = u64::try_from(last - first).expect("the range is not empty");
        first + i64::try_from(self.below(span + 1)).expect("it is within the range")
    }

    /// An index into something of this length.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        let bound = u64::try_from(length).expect("64 bits");
        usize::try_from(self.below(bound)).expect("it is below a length")
    }

    /// Whether something of this probability, in thousandths, happens.
    pub(crate) fn happens(&mut self, thousandths: u64) -> bool {
        self.below(1000) < thousandths
    }

    /// One of these.
    pub(crate) fn one_of<'choices, Choice>(&mut self, choices: &'choices [Choice]) -> &'choices Choice {
        &choices[self.index(choices.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_choices() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            [(); 8].map(|()| random.bits())
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn ranges_are_kept_and_reached() {
        let mut random = Random::new(1);
        let drawn: Vec<_> = (0..1000).map(|_| random.between(-2, 2)).collect();
        assert!((-2..=2).all(|value| drawn.contains(&value)));
        assert!(drawn.iter().all(|value| (-2..=2).contains(value)));
        assert!(!random.happens(0));
        assert!(random.happens(1000));
    }
}
