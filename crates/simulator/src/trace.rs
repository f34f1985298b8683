//! What happened, line by line: hashed always, printed on request.
//!
//! Invariant: two runs of one seed have the same lines.

/// The lines of a run.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    lines: u64,
    is_printed: bool,
}

impl Trace {
    pub(crate) const fn new(is_printed: bool) -> Self {
        Self { hash: 0xCBF2_9CE4_8422_2325, lines: 0, is_printed }
    }

    /// Adds a line at this virtual time, in nanoseconds (FNV-1a, Fowler, Noll, Vo).
    pub(crate) fn line(&mut self, time: i64, line: &str) {
        for byte in time.to_le_bytes().iter().chain(line.as_bytes()) {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
        self.lines += 1;
        if self.is_printed {
            println!("{:>16} {line}", Seconds(time));
        }
    }

    /// Stands for all lines.
    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }

    /// How many lines there are.
    pub(crate) const fn lines(&self) -> u64 {
        self.lines
    }
}

struct Seconds(i64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(&format!("{}.{:06}", self.0 / 1_000_000_000, self.0 % 1_000_000_000 / 1000))
    }
}
