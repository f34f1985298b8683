//! How late payments expired, and what a waiting one takes, read from the log itself.
//!
//! The log is replayed by the rules that the node has, so a time is the log's: when the frame was sealed that ended the
//! payment. Replayed in this process, the same payments show what they take in the ledger alone.

use std::path::Path;

use anyhow::{Context, ensure};
use journal::{FileStorage, FrameView, Reader};
use ledger::{Ledger, Limits, Outcome, Position, Records, Verdict};
use serde_json::{Value, json};
use types::{BatchNumber, PaymentState};

use super::proc::resident_bytes;

/// What a log says of payments that expired.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Expiries {
    /// How long after its deadline each of them was ended, in nanoseconds, the shortest first.
    late_by: Vec<i64>,
    /// Reservations that were open when the first of them ended.
    pub(crate) open: u64,
    /// What the ledger had grown by then since none was open, in bytes.
    ledger_bytes: u64,
}

/// A replay under way.
struct Replay {
    ledger: Ledger,
    expiry: types::Duration,
    found: Expiries,
    /// Resident memory while no reservation was open.
    bytes_before: u64,
}

impl Expiries {
    /// Reads a whole log, beside a node that has nothing to do.
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let reader = Reader::open(FileStorage::open(folder)?).context("the node's log can't be opened")?;
        let mut replay = Replay {
            ledger: Ledger::new(Limits::default()),
            expiry: ledger::Profile::sct_inst_2025().expiry,
            found: Self::default(),
            bytes_before: 0,
        };
        let read = reader.read(BatchNumber(0), &mut |frame, _| replay.frame(frame));
        read.context("the node's log can't be read")?;
        let mut found = replay.found;
        ensure!(!found.late_by.is_empty(), "nothing has expired");
        found.late_by.sort_unstable();
        Ok(found)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.late_by.len()).expect("64 bits")
    }

    /// So many in a thousand of them were late by no more than this, in milliseconds.
    pub(crate) fn late_by_ms(&self, per_mille: usize) -> f64 {
        let last = self.late_by.len() - 1;
        self.late_by[(last * per_mille).div_ceil(1_000)] as f64 / 1e6
    }

    /// What one of them took in the ledger: its payment, its place among the reservations, its deadline and indexes.
    pub(crate) fn ledger_bytes_each(&self) -> f64 {
        self.ledger_bytes as f64 / self.open.max(1) as f64
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "count": self.count(),
            "open": self.open,
            "p50_ms": self.late_by_ms(500),
            "p99_ms": self.late_by_ms(990),
            "max_ms": self.late_by_ms(1_000),
            "ledger_bytes": self.ledger_bytes_each(),
        })
    }
}

/// Why a replay stops.
type Stop = Box<dyn std::error::Error + Send + Sync>;

impl Replay {
    fn frame(&mut self, frame: &FrameView<'_>) -> Result<(), Stop> {
        let header = frame.header();
        let mut at = Position { sequence: header.first_sequence, time: header.time };
        let open = self.ledger.reservation_count();
        if open == 0 && self.found.late_by.is_empty() {
            self.bytes_before = self.resident_bytes()?;
        }
        self.ledger.reserve_for_frame(usize::try_from(header.record_count)?);
        self.ledger.tick(at);
        if self.found.late_by.is_empty() && !self.ledger.decided().is_empty() {
            self.found.open = u64::try_from(open)?;
            self.found.ledger_bytes = self.resident_bytes()?.saturating_sub(self.bytes_before);
        }
        self.note();
        for record in Records::with_texts(frame.records(), frame.texts()) {
            at.sequence = at.sequence.next();
            self.ledger.apply(at, &record?)?;
            self.note();
        }
        Ok(())
    }

    /// Notes what the last step ended.
    fn note(&mut self) {
        let has_expired = |outcome: &&Outcome| {
            matches!(outcome.verdict, Verdict::Payment { state: PaymentState::Expired, .. })
        };
        let ended = self.ledger.decided().iter().filter(has_expired);
        let late_by = |outcome: &Outcome| outcome.decided_time.since(outcome.accepted.plus(self.expiry));
        self.found.late_by.extend(ended.map(|outcome| late_by(outcome).nanoseconds()));
    }

    fn resident_bytes(&self) -> Result<u64, Stop> {
        Ok(resident_bytes(std::process::id())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_is_among_them() {
        let late_by = (0..1_000).map(|number| number * 1_000_000).collect();
        let expiries = Expiries { late_by, open: 1_000, ledger_bytes: 300_000 };
        let told = [500, 990, 1_000].map(|per_mille| expiries.late_by_ms(per_mille).to_string());
        assert_eq!(told, ["500", "990", "999"]);
        assert!((expiries.ledger_bytes_each() - 300.0).abs() < 1e-9);
        let one = Expiries { late_by: vec![7_000_000], ..expiries };
        assert!([0, 500, 1_000].iter().all(|per_mille| one.late_by_ms(*per_mille).to_string() == "7"));
    }
}
