//! Keeping documents in the log: what came, with its command; what left, as soon as it has been made.
//!
//! What leaves need not wait until it is kept: it can be made again from the log, the same bytes. So a node that ends at
//! that moment loses nothing that could not be told.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::{NotTaken, Waiting};
use iso20022::{MessageKind, compress_evidence};
use ledger::{About, Evidence, MessageName, Outcome, Passage, RecordWriter};
use tokio::sync::Semaphore;
use types::{Bic, PrincipalNumber};

use super::outgoing::Outgoing;
use crate::caller::Caller;
use crate::limits::{EVIDENCE_PER_CALLER, EVIDENCE_REMEMBERED, EVIDENCE_WAITING_PER_CALLER};
use crate::node::Node;
use crate::per_caller::{CallerPlace, PerCaller};

/// A document that came.
pub(super) fn received(
    document: &[u8],
    kind: MessageKind,
    about: About,
    counterpart: Option<Bic>,
) -> Evidence {
    evidence(document, kind, Passage::Received, about, counterpart)
}

/// A document that leaves.
pub(super) fn sent(document: &Outgoing, about: About, counterpart: Option<Bic>) -> Evidence {
    evidence(&document.bytes, document.kind, Passage::Sent, about, counterpart)
}

fn evidence(
    document: &[u8],
    kind: MessageKind,
    passage: Passage,
    about: About,
    counterpart: Option<Bic>,
) -> Evidence {
    Evidence {
        about,
        passage,
        message_name: MessageName::parse(kind.name()).expect("names of messages are short"),
        counterpart,
        document_length: u32::try_from(document.len()).expect("documents are bounded"),
        compressed: compress_evidence(document),
    }
}

/// What keeps documents that have no command of their own: how many are under way, and which have been kept.
///
/// A bank that connects again and again is told the same reports each time, and a caller may ask the same thing for
/// ever: so the log takes the same bytes once, as far as this remembers.
#[derive(Debug)]
pub(crate) struct Keeper {
    under_way: PerCaller,
    waiting: PerCaller,
    waiting_of_all: Semaphore,
    kept: Mutex<Kept>,
    /// Keyed at random, so that nobody can make two documents look like one.
    hasher: RandomState,
    /// Whether the last document was one too many.
    is_full: AtomicBool,
}

/// Digests of documents, the oldest first in the queue.
#[derive(Debug, Default)]
struct Kept {
    known: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Default for Keeper {
    fn default() -> Self {
        Self {
            under_way: PerCaller::new(EVIDENCE_PER_CALLER),
            waiting: PerCaller::new(EVIDENCE_WAITING_PER_CALLER),
            waiting_of_all: Semaphore::new(WAITING_MAX),
            kept: Mutex::default(),
            hasher: RandomState::new(),
            is_full: AtomicBool::new(false),
        }
    }
}

impl Keeper {
    /// Whether this caller has as many documents under way as it may.
    pub(super) fn is_full_for(&self, caller: PrincipalNumber) -> bool {
        self.under_way.is_full(caller)
    }

    /// Its digest if a document is new, and remembers it.
    fn if_new(&self, document: &Evidence) -> Option<u64> {
        let about = match document.about {
            About::NoPayment => 0,
            About::RecordBefore => 1,
            About::Payment(payment) => payment.0,
        };
        let direction = document.passage == Passage::Sent;
        let digest = self.hasher.hash_one((about, direction, document.counterpart, &document.compressed));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.known.insert(digest) {
            return None;
        }
        kept.order.push_back(digest);
        if kept.order.len() > EVIDENCE_REMEMBERED {
            let oldest = kept.order.pop_front().expect("there are many");
            kept.known.remove(&oldest);
        }
        Some(digest)
    }

    /// These documents have not been kept after all.
    fn forget(&self, digests: &[u64]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for digest in digests {
            kept.known.remove(digest);
        }
    }

    /// Says once that documents are lost, and not for each.
    fn tell(&self, is_full: bool) {
        if self.is_full.swap(is_full, Ordering::Relaxed) != is_full && is_full {
            tracing::error!("documents can't be kept in the log: too many are under way");
        }
    }
}

/// So many may wait of all callers, 64 KiB each at the most.
const WAITING_MAX: usize = 1024;

/// How often a document is submitted again, and how long after the last time.
const AGAIN_MAX: u32 = 500;
const AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Keeps documents that have no command of their own, unless the same have been kept. Nobody waits for it.
pub(super) fn keep(node: &Node, caller: &Caller, documents: &[Evidence]) {
    let keeper = &node.keeper;
    let Some(place) = keeper.under_way.enter(caller.principal) else { return keeper.tell(true) };
    let place = Arc::new(place);
    let mut commands = node.handle.commands(caller.principal);
    let mut digests = Vec::with_capacity(documents.len());
    for document in documents {
        let Some(digest) = keeper.if_new(document) else { continue };
        digests.push(digest);
        commands.evidence(document);
    }
    if digests.is_empty() {
        return;
    }
    if submit(node, &commands, &place).is_ok() {
        return keeper.tell(false);
    }
    let waiting = keeper.waiting.enter(caller.principal).zip(keeper.waiting_of_all.try_acquire().ok());
    let Some((waiting, of_all)) = waiting else {
        keeper.forget(&digests);
        return keeper.tell(true);
    };
    of_all.forget();
    let node = node.clone();
    tokio::spawn(async move {
        let mut taken = Err(NotTaken::Overloaded);
        for _ in 0..AGAIN_MAX {
            tokio::select! {
                () = tokio::time::sleep(AGAIN_AFTER) => {}
                () = node.stops() => break,
            }
            taken = submit(&node, &commands, &place);
            if taken.is_ok() {
                break;
            }
        }
        drop(waiting);
        node.keeper.waiting_of_all.add_permits(1);
        if let Err(reason) = taken {
            node.keeper.forget(&digests);
            tracing::error!(%reason, "a document could not be kept in the log");
        }
    });
}

/// The place is given back when the documents are in the log.
fn submit(node: &Node, commands: &RecordWriter, place: &Arc<CallerPlace>) -> Result<(), NotTaken> {
    let place = Arc::clone(place);
    node.handle.submit(commands.clone(), Box::new(move |_: &[Outcome], _: &mut Waiting<'_>| drop(place)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_document_is_new_once_until_it_is_forgotten() {
        let keeper = Keeper::default();
        let of = |number: usize| {
            received(format!("<a>{number}</a>").as_bytes(), MessageKind::StatusReport, About::NoPayment, None)
        };
        let is_new = |document| keeper.if_new(&document).is_some();
        assert!(is_new(of(0)) && !is_new(of(0)));
        assert!(is_new(Evidence { about: About::Payment(types::Sequence(7)), ..of(0) }));
        let lost = keeper.if_new(&of(1)).unwrap();
        keeper.forget(&[lost]);
        assert!((1..EVIDENCE_REMEMBERED).all(|number| is_new(of(number))));
        assert!(is_new(of(0)), "the oldest has been forgotten");
        assert!(!is_new(of(EVIDENCE_REMEMBERED - 1)));
    }
}
