//! The model's payments on disk: it remembers all of them all the same, and only tells which commands must come again.

use ledger::{Position, SealedRun, Verdict};
use rust_decimal::Decimal;
use types::{Sequence, Timestamp};

use super::{Expected, Model};
use crate::step::Step;

/// Up to where payments are on disk, and in which runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Sealed {
    pub(super) floor: Sequence,
    runs: Vec<SealedRun>,
}

impl Sealed {
    pub(super) fn forget(&mut self, limit: Timestamp) {
        self.runs.retain(|run| run.newest_time >= limit);
    }

    /// The runs that this one takes the place of.
    fn held(&self, run: &SealedRun) -> Vec<SealedRun> {
        let inside = |known: &&SealedRun| known.after >= run.after && known.upto <= run.upto;
        self.runs.iter().filter(inside).copied().collect()
    }
}

impl Model {
    /// A run is named. Says whether it fits.
    pub(crate) fn seal(&mut self, at: Position, run: SealedRun) -> bool {
        self.at = at;
        self.asked.clear();
        let is_new = self.sealed.runs.iter().all(|known| known.number != run.number);
        let held = self.sealed.held(&run);
        if let ([first, .., last], true) = (&held[..], is_new) {
            let payments: u64 = held.iter().map(|held| held.payments).sum();
            let same = (first.after, last.upto, last.newest_time, payments);
            if same == (run.after, run.upto, run.newest_time, run.payments) {
                self.sealed.runs.retain(|known| !held.contains(known));
                self.sealed.runs.push(run);
                self.sealed.runs.sort_by_key(|run| run.upto);
                return true;
            }
        }
        let floor = self.sealed.floor;
        let fits = is_new && run.after == floor && run.upto > floor && run.upto < at.sequence;
        if !fits {
            return false;
        }
        let mut count = 0;
        for (_, payment) in self.payments.range(floor.next()..=run.upto) {
            if payment.waits.is_some() || payment.received > run.newest_time {
                return false;
            }
            count += 1;
        }
        if count > run.payments {
            return false;
        }
        self.sealed.floor = run.upto;
        self.sealed.runs.push(run);
        true
    }

    /// Whether a step comes with evidence that does not reach as far as it must.
    pub(crate) fn is_short(&self, step: &Step, evidence_upto: u64) -> bool {
        let (floor, upto) = (self.sealed.floor, Sequence(evidence_upto));
        match step {
            Step::Pay(_) | Step::Refuse { .. } => upto < floor,
            Step::Answer { payment, .. } => *payment <= floor && upto < *payment,
            Step::Request { .. } | Step::NotEntitled(_) => false,
        }
    }

    /// Nothing is decided.
    pub(crate) fn ask_again(&mut self, at: Position) -> Expected {
        self.at = at;
        self.asked.clear();
        Expected { verdict: Verdict::AskAgain, decided_at: at.sequence, balances: [Decimal::ZERO; 4] }
    }
}
