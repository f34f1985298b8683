//! Repeatable random numbers: Sebastiano Vigna's splitmix64, as a function of a seed and a position.
//!
//! Being a function it needs no state: whoever knows a payment's number knows everything about the payment.

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The number at a position of the sequence that a seed names.
pub(crate) const fn random(seed: u64, position: u64) -> u64 {
    let state = seed.wrapping_add(position.wrapping_add(1).wrapping_mul(STEP));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Spreads 32 random bits evenly over `0..count`.
pub(crate) fn below(bits: u32, count: u32) -> u32 {
    assert!(count > 0, "nothing is below zero");
    u32::try_from((u64::from(bits) * u64::from(count)) >> 32).expect("less than the count")
}

/// The upper and the lower half of a random number.
pub(crate) fn halves(number: u64) -> (u32, u32) {
    let upper = u32::try_from(number >> 32).expect("32 bits are left");
    let lower = u32::try_from(number & u64::from(u32::MAX)).expect("32 bits are left");
    (upper, lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        // The first outputs of the reference implementation for the state 1234567.
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([0, 1, 2].map(|position| random(1_234_567, position)), expected);
    }

    #[test]
    fn numbers_spread_evenly() {
        let mut counts = [0_u32; 10];
        for position in 0..100_000 {
            let (upper, lower) = halves(random(7, position));
            for bits in [upper, lower] {
                counts[usize::try_from(below(bits, 10)).unwrap()] += 1;
            }
        }
        assert!(counts.iter().all(|count| count.abs_diff(20_000) < 800), "{counts:?}");
        assert_eq!(below(u32::MAX, 10), 9);
    }
}
