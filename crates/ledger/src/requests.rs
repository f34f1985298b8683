//! The answers to commands other than payments, for as long as duplicates are recognised.
//!
//! The same rule as for payments: the same request id with the same body gets the stored answer, refusals
//! included; with another body it is refused.

use types::{Digest, Timestamp};

use crate::index::Index;
use crate::window::Window;
use crate::{Outcome, layout};

/// One request and its answer.
#[derive(Clone, Copy, Debug)]
struct Answered {
    request: layout::Request,
    received_time: Timestamp,
    outcome: Outcome,
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
        Some((answered.outcome, answered.request.body_digest == request.body_digest))
    }

    pub(crate) fn add(&mut self, request: layout::Request, received_time: Timestamp, outcome: Outcome) {
        let slot = self.window.push(Answered { request, received_time, outcome });
        self.by_id.insert(hash(&request), slot);
    }

    /// Forgets the requests received before `limit`, at most `count_max` of them.
    pub(crate) fn forget(&mut self, limit: Timestamp, count_max: usize) {
        for _ in 0..count_max {
            let may_be = |oldest: &Answered| oldest.received_time < limit;
            let Some((slot, forgotten)) = self.window.forget_if(may_be) else { return };
            self.by_id.remove(hash(&forgotten.request), slot);
        }
    }
}

fn hash(request: &layout::Request) -> u64 {
    Digest(request.id_digest).table_hash()
}
