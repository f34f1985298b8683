//! How long the disk takes to make a block durable, measured beside every durable figure.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::fs::OFlags;

/// Writes of one probe.
const WRITES: usize = 200;

/// The length of a write, and what `O_DIRECT` wants buffers aligned to.
const BLOCK: usize = 4096;

/// The blocks that a probe writes in turn.
const BLOCKS: usize = 256;

/// The latency of writing one block with `O_DIRECT` and `O_DSYNC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SyncLatency {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

impl SyncLatency {
    /// Measures the disk that holds a folder.
    ///
    /// # Errors
    /// If its file system does not take direct writes.
    pub(crate) fn measure(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("sync-probe");
        let measured = probe(&path).with_context(|| {
            format!(
                "the disk of {} can't be measured; a folder on a disk takes direct writes",
                folder.display()
            )
        });
        // A probe that could not be written may not be there.
        let _ = fs::remove_file(&path);
        Ok(Self::of(measured?))
    }

    fn of(mut latencies: Vec<Duration>) -> Self {
        assert!(!latencies.is_empty(), "a probe writes something");
        latencies.sort_unstable();
        let at = |percent: usize| latencies[(latencies.len() * percent).div_ceil(100).max(1) - 1];
        Self { p50: at(50), p99: at(99) }
    }

    /// Whether the slowest writes of another probe took more than twice as long, or less than half.
    pub(crate) fn moved(self, other: Self) -> bool {
        let (less, more) = (self.p99.min(other.p99), self.p99.max(other.p99));
        more > less * 2
    }
}

fn probe(path: &Path) -> anyhow::Result<Vec<Duration>> {
    let mut zeros = fs::File::create(path)?;
    zeros.write_all(&vec![0; BLOCK * BLOCKS])?;
    zeros.sync_all()?;
    drop(zeros);
    let flags = i32::try_from((OFlags::DIRECT | OFlags::DSYNC).bits())?;
    let file = OpenOptions::new().write(true).custom_flags(flags).open(path)?;
    let buffer = vec![1; 2 * BLOCK];
    let start = buffer.as_ptr().align_offset(BLOCK);
    let block = &buffer[start..start + BLOCK];
    let mut latencies = Vec::with_capacity(WRITES);
    for index in 0..WRITES {
        let offset = u64::try_from(index % BLOCKS * BLOCK)?;
        let before = Instant::now();
        file.write_all_at(block, offset)?;
        latencies.push(before.elapsed());
    }
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latency(p99: u64) -> SyncLatency {
        SyncLatency { p50: Duration::from_micros(50), p99: Duration::from_micros(p99) }
    }

    #[test]
    fn the_slowest_writes_may_double() {
        assert!(!latency(100).moved(latency(200)));
        assert!(latency(100).moved(latency(201)));
        assert!(latency(201).moved(latency(100)));
    }

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let latencies = (1..=200).rev().map(Duration::from_micros).collect();
        let of = SyncLatency::of(latencies);
        assert_eq!((of.p50.as_micros(), of.p99.as_micros()), (100, 198));
        let of = SyncLatency::of(vec![Duration::from_micros(7)]);
        assert_eq!((of.p50, of.p99), (Duration::from_micros(7), Duration::from_micros(7)));
    }
}
