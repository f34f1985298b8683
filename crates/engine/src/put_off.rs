//! When a snapshot that failed is tried again.
//!
//! Each try on a full disk writes until nothing is left of it, and then gives that back: meanwhile segments, runs and keys
//! meet a disk without any room. So the tries get further apart.
//!
//! Invariant: a log to which nothing comes gets its snapshot as well. That may be what payments wait for.

/// A snapshot that failed is tried again after this part of the log that asks for one.
const AGAIN_AFTER: u64 = 8;

/// Or after so many looks at a log to which nothing comes: ten seconds, and twice as many after each further try,
const LOOKS_MIN: u32 = 200;
/// up to these: ten minutes.
const LOOKS_MAX: u32 = 60 * LOOKS_MIN;

/// How long the next snapshot is put off.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PutOff {
    /// Tries that failed since the last snapshot.
    failed: u32,
    /// So many bytes of log after the last snapshot.
    until: u64,
    /// Or until so many looks in vain.
    looks_left: u32,
}

impl PutOff {
    /// A snapshot failed after so many bytes of log, where so many ask for one.
    pub(crate) fn fail(&mut self, replayed: u64, snapshot_after_bytes: u64) {
        self.until = replayed.saturating_add((snapshot_after_bytes / AGAIN_AFTER).max(1));
        self.looks_left = LOOKS_MIN.saturating_mul(1 << self.failed.min(16)).min(LOOKS_MAX);
        self.failed = self.failed.saturating_add(1);
    }

    /// Nothing has come to the log.
    pub(crate) const fn looked_in_vain(&mut self) {
        self.looks_left = self.looks_left.saturating_sub(1);
    }

    /// Whether the next snapshot may be tried after so many bytes of log.
    pub(crate) const fn is_over(&self, replayed: u64) -> bool {
        self.looks_left == 0 || replayed >= self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The looks at an idle log before each of the tries that follow when all fail.
    fn distances(tries: usize) -> Vec<u32> {
        let mut put_off = PutOff::default();
        assert!(put_off.is_over(0));
        let mut distances = Vec::new();
        for _ in 0..tries {
            put_off.fail(1000, 800);
            let mut looks = 0;
            while !put_off.is_over(1000) {
                put_off.looked_in_vain();
                looks += 1;
            }
            distances.push(looks);
        }
        distances
    }

    #[test]
    fn tries_at_an_idle_log_get_further_apart_and_never_end() {
        assert_eq!(distances(9), [200, 400, 800, 1600, 3200, 6400, 12_000, 12_000, 12_000]);
        assert_eq!(distances(100).last(), Some(&12_000));
    }

    #[test]
    fn a_part_of_the_log_is_enough_as_well() {
        let mut put_off = PutOff::default();
        put_off.fail(1000, 800);
        assert!(!put_off.is_over(1099));
        assert!(put_off.is_over(1100));
    }
}
