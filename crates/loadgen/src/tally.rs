//! What came of the payments of one lane.
//!
//! Invariant: a payment is counted once. Replies to what was not asked, or was answered before, are counted
//! apart, because only a faulty node sends them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use client::v1;
use hdrhistogram::Histogram;

use crate::lane::Share;
use crate::wire::OutcomeReply;

/// Latency is told to three digits, up to two minutes; what takes longer counts as two minutes.
const LATENCY_MICROS_MAX: u64 = 120_000_000;

/// A set of small numbers, one bit each.
#[derive(Clone, Debug, Default)]
pub(crate) struct NumberSet {
    words: Vec<u64>,
    count: u64,
}

impl NumberSet {
    /// Adds a number; `false` if it was there.
    pub(crate) fn insert(&mut self, number: u64) -> bool {
        let (word, bit) = place(number);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let added = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += u64::from(added);
        added
    }

    pub(crate) fn contains(&self, number: u64) -> bool {
        let (word, bit) = place(number);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// The numbers in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> {
        (0..).step_by(64).zip(&self.words).flat_map(|(base, word)| {
            (0..64).filter(move |bit| word & (1 << bit) != 0).map(move |bit| base + bit)
        })
    }
}

/// The word and the bit of a number.
fn place(number: u64) -> (usize, u64) {
    (usize::try_from(number / 64).expect("a run has at most 10^9 payments"), 1 << (number % 64))
}

/// Latencies. Equal ones in a row, such as those of one message, cost one step.
#[derive(Debug)]
pub(crate) struct Latencies {
    histogram: Histogram<u64>,
    micros: u64,
    count: u64,
}

impl Latencies {
    fn new() -> Self {
        let histogram =
            Histogram::new_with_bounds(1, LATENCY_MICROS_MAX, 3).expect("the bounds are in order");
        Self { histogram, micros: 0, count: 0 }
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        if micros != self.micros {
            self.flush();
            self.micros = micros;
        }
        self.count += 1;
    }

    fn flush(&mut self) {
        self.histogram.saturating_record_n(self.micros, std::mem::take(&mut self.count));
    }

    /// Adds these to another histogram.
    pub(crate) fn add_to(&mut self, sum: &mut Histogram<u64>) {
        self.flush();
        sum.add(&self.histogram).expect("all histograms of a run have the same bounds");
    }

    /// A histogram that takes these.
    pub(crate) fn empty_histogram() -> Histogram<u64> {
        Self::new().histogram
    }
}

/// What came of the payments of one lane. They are named by their place in the lane.
#[derive(Debug)]
pub(crate) struct Tally {
    share: Share,
    answered: NumberSet,
    pub(crate) settled: NumberSet,
    /// By reason code.
    pub(crate) rejected: BTreeMap<String, u64>,
    pub(crate) expired: u64,
    /// By gRPC status code.
    pub(crate) not_taken: BTreeMap<i32, u64>,
    /// Numbers of payments whose answer was lost, or was not final.
    pub(crate) unknown: Vec<u64>,
    /// Replies to what was not asked, or was answered before.
    pub(crate) unasked: u64,
    pub(crate) sent: u64,
    /// Payments that should have been sent, and were not before the run ended.
    pub(crate) not_sent: u64,
    /// Of what was decided.
    pub(crate) decided: Latencies,
    /// Of what was not taken.
    pub(crate) refused: Latencies,
    /// How late a payment left, compared with when it was meant to.
    pub(crate) late_max: Duration,
    pub(crate) last_answer: Option<Instant>,
    /// Why the lane ended before it was done.
    pub(crate) gave_up: Option<String>,
}

impl Tally {
    pub(crate) fn new(share: Share) -> Self {
        Self {
            share,
            answered: NumberSet::default(),
            settled: NumberSet::default(),
            rejected: BTreeMap::new(),
            expired: 0,
            not_taken: BTreeMap::new(),
            unknown: Vec::new(),
            unasked: 0,
            sent: 0,
            not_sent: 0,
            decided: Latencies::new(),
            refused: Latencies::new(),
            late_max: Duration::ZERO,
            last_answer: None,
            gave_up: None,
        }
    }

    /// So many payments leave that were meant for a time.
    pub(crate) fn sent(&mut self, count: u64, intended: Instant) {
        self.sent += count;
        self.late_max = self.late_max.max(intended.elapsed());
    }

    /// Whether a payment has had its answer.
    pub(crate) fn is_answered(&self, place: u64) -> bool {
        self.answered.contains(place)
    }

    /// A payment was decided; `false` if it had its answer before.
    pub(crate) fn decided(&mut self, place: u64, outcome: &OutcomeReply, latency: Duration) -> bool {
        if !self.answered.insert(place) {
            self.unasked += 1;
            return false;
        }
        self.decided.record(latency);
        self.outcome(place, outcome);
        true
    }

    /// A payment was not taken; `false` if it had its answer before.
    pub(crate) fn refused(&mut self, place: u64, code: i32, latency: Duration) -> bool {
        if !self.answered.insert(place) {
            self.unasked += 1;
            return false;
        }
        self.refused.record(latency);
        *self.not_taken.entry(code).or_default() += 1;
        true
    }

    /// The answer of a payment was lost.
    pub(crate) fn lost(&mut self, place: u64) {
        self.unknown.push(self.share.number(place));
    }

    /// The log was asked about a payment whose answer was lost.
    pub(crate) fn resolved(&mut self, number: u64, outcome: &OutcomeReply) {
        let place = self.share.place(number).expect("the lane asked about its own");
        self.outcome(place, outcome);
    }

    fn outcome(&mut self, place: u64, outcome: &OutcomeReply) {
        match outcome.status() {
            v1::PaymentStatus::Settled => {
                self.settled.insert(place);
            }
            v1::PaymentStatus::Rejected => match self.rejected.get_mut(&outcome.reason_code) {
                Some(count) => *count += 1,
                None => {
                    self.rejected.insert(outcome.reason_code.clone(), 1);
                }
            },
            v1::PaymentStatus::Expired => self.expired += 1,
            v1::PaymentStatus::Unspecified | v1::PaymentStatus::Reserved | v1::PaymentStatus::Unresolved => {
                self.lost(place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: v1::PaymentStatus, reason: &str) -> OutcomeReply {
        OutcomeReply { status: status.into(), reason_code: reason.to_owned() }
    }

    #[test]
    fn a_set_gives_back_what_was_put_in() {
        let mut set = NumberSet::default();
        let numbers = [0, 63, 64, 1_000];
        assert!(numbers.iter().all(|number| set.insert(*number)));
        assert!(!set.insert(64));
        assert!(set.contains(63));
        assert!(!set.contains(62));
        assert!(!set.contains(1_000_000));
        assert_eq!(set.iter().collect::<Vec<_>>(), numbers);
        assert_eq!(set.count(), 4);
    }

    #[test]
    fn each_payment_counts_once() {
        let mut tally = Tally::new(Share { lane: 1, lanes: 4 });
        let latency = Duration::from_millis(1);
        assert!(tally.decided(0, &outcome(v1::PaymentStatus::Settled, ""), latency));
        assert!(!tally.decided(0, &outcome(v1::PaymentStatus::Rejected, "AM04"), latency));
        assert!(tally.decided(1, &outcome(v1::PaymentStatus::Rejected, "AM04"), latency));
        assert!(tally.decided(2, &outcome(v1::PaymentStatus::Rejected, "AM04"), latency));
        assert!(tally.refused(3, 8, latency));
        assert!(!tally.refused(3, 8, latency));
        assert!(tally.decided(4, &outcome(v1::PaymentStatus::Reserved, ""), latency));
        assert_eq!(tally.settled.count(), 1);
        assert_eq!(tally.rejected, BTreeMap::from([("AM04".to_owned(), 2)]));
        assert_eq!(tally.not_taken, BTreeMap::from([(8, 1)]));
        assert_eq!((tally.unasked, tally.unknown.as_slice()), (2, [17].as_slice()));
        tally.resolved(17, &outcome(v1::PaymentStatus::Settled, ""));
        assert!(tally.settled.contains(4));
        let mut sum = Latencies::empty_histogram();
        tally.decided.add_to(&mut sum);
        assert_eq!(sum.len(), 4);
    }

    #[test]
    fn latencies_keep_three_digits() {
        let mut latencies = Latencies::new();
        for micros in 1..=100_000 {
            latencies.record(Duration::from_micros(micros));
        }
        latencies.record(Duration::from_secs(1_000));
        let mut sum = Latencies::empty_histogram();
        latencies.add_to(&mut sum);
        assert!(sum.value_at_quantile(0.5).abs_diff(50_000) <= 50);
        assert!(sum.value_at_quantile(0.99).abs_diff(99_000) <= 99);
        assert!(sum.max().abs_diff(LATENCY_MICROS_MAX) <= LATENCY_MICROS_MAX / 1_000);
    }
}
