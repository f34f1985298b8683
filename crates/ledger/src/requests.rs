//! The answers to commands other than payments, for as long as duplicates are recognised.
//!
//! The same rule as for payments: the same request id with the same body gets the stored answer, refusals
//! included; with another body it is refused.

use types::{Digest, Sequence, Timestamp};

use crate::index::Index;
use crate::window::Window;
use crate::{Kind, Outcome, Refusal, Remark, Verdict, layout};

#[path = "requests_state.rs"]
mod state;

/// One request and its answer: what an outcome holds beyond this is the same for all requests.
#[derive(Clone, Copy, Debug)]
struct Answered {
    request: layout::Request,
    sequence: Sequence,
    decided_time: Timestamp,
    balances: [i64; 4],
    subject: u64,
    refusal: Option<Refusal>,
    kind: Kind,
}

impl Answered {
    fn new(request: layout::Request, outcome: &Outcome) -> Self {
        let (subject, refusal) = match outcome.verdict {
            Verdict::Done { subject, repeat_of: None } => (subject, None),
            Verdict::Refused { refusal, repeat_of: None } => (0, Some(refusal)),
            Verdict::Done { .. }
            | Verdict::Refused { .. }
            | Verdict::Payment { .. }
            | Verdict::Answer { .. }
            | Verdict::LegBooked { .. }
            | Verdict::RequestEnded { .. }
            | Verdict::HoldExpired { .. }
            | Verdict::NotActive { .. }
            | Verdict::NotExecuted { .. }
            | Verdict::OrderEnded { .. }
            | Verdict::PackageComplete { .. }
            | Verdict::AskAgain => {
                unreachable!("a request is remembered once, with its own answer")
            }
        };
        let Outcome { sequence, decided_time, balances, kind, .. } = *outcome;
        Self { request, sequence, decided_time, balances, subject, refusal, kind }
    }

    fn outcome(&self) -> Outcome {
        let verdict = match self.refusal {
            None => Verdict::Done { subject: self.subject, repeat_of: None },
            Some(refusal) => Verdict::Refused { refusal, repeat_of: None },
        };
        Outcome {
            sequence: self.sequence,
            decided_at: self.sequence,
            decided_time: self.decided_time,
            accepted: Timestamp::default(),
            kind: self.kind,
            verdict,
            alerts: crate::Alerts::NONE,
            late: false,
            remark: Remark::None,
            balances: self.balances,
        }
    }
}

// `Limits` tells this number.
const _: () = assert!(size_of::<Answered>() == crate::limits::REQUEST_BYTES);

/// The requests within the window.
#[derive(Debug)]
pub(crate) struct Requests {
    window: Window<Answered>,
    by_id: Index,
}

impl Requests {
    pub(crate) fn new(requests_max: usize) -> Self {
        Self { window: Window::new(requests_max), by_id: Index::new() }
    }

    pub(crate) fn reserve(&mut self, requests: usize) {
        self.window.reserve(requests);
        self.by_id.reserve(requests);
    }

    pub(crate) fn count(&self) -> usize {
        self.window.entries().len()
    }

    /// The answer to an earlier request with this id, and whether the body was the same.
    pub(crate) fn find(&self, request: &layout::Request) -> Option<(Outcome, bool)> {
        let is_id = |slot| self.window.at_slot(slot).request.id_digest == request.id_digest;
        let answered = self.window.at_slot(self.by_id.find(hash(request), is_id)?);
        Some((answered.outcome(), answered.request.body_digest == request.body_digest))
    }

    pub(crate) fn add(&mut self, request: layout::Request, outcome: &Outcome) {
        let slot = self.window.push(Answered::new(request, outcome));
        self.by_id.insert(hash(&request), slot);
    }

    /// Forgets the requests received before `limit`, at most `count_max` of them.
    pub(crate) fn forget(&mut self, limit: Timestamp, count_max: usize) {
        for _ in 0..count_max {
            let may_be = |oldest: &Answered| oldest.decided_time < limit;
            let Some((slot, forgotten)) = self.window.forget_if(may_be) else { return };
            self.by_id.remove(hash(&forgotten.request), slot);
        }
    }
}

fn hash(request: &layout::Request) -> u64 {
    Digest(request.id_digest).table_hash()
}
