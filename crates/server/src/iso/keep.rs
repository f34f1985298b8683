//! Keeping documents in the log: what came, with its command; what left, as soon as it has been made.
//!
//! What leaves need not wait until it is kept: it can be made again from the log, the same bytes. So a node that ends at
//! that moment loses nothing that could not be told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engine::{NotTaken, Waiting};
use iso20022::{MessageKind, compress_evidence};
use ledger::{About, Evidence, MessageName, Outcome, Passage, RecordWriter};
use types::Bic;

use super::outgoing::Outgoing;
use crate::caller::Caller;
use crate::node::Node;

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

/// Documents that an overloaded engine did not take at first, of all connections.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// So many may wait, 64 KiB each at the most.
const WAITING_MAX: usize = 1024;

/// How often a document is submitted again, and how long after the last time.
const AGAIN_MAX: u32 = 500;
const AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Keeps documents that have no command of their own. Nobody waits for it.
pub(super) fn keep(node: &Node, caller: &Caller, documents: &[Evidence]) {
    let mut commands = node.handle.commands(caller.principal);
    documents.iter().for_each(|document| commands.evidence(document));
    if submit(node, &commands).is_ok() {
        return;
    }
    if WAITING.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
        WAITING.fetch_sub(1, Ordering::Relaxed);
        tracing::error!("a document could not be kept in the log: too many are waiting");
        return;
    }
    let node = node.clone();
    tokio::spawn(async move {
        let mut taken = Err(NotTaken::Overloaded);
        for _ in 0..AGAIN_MAX {
            tokio::select! {
                () = tokio::time::sleep(AGAIN_AFTER) => {}
                () = node.stops() => break,
            }
            taken = submit(&node, &commands);
            if taken.is_ok() {
                break;
            }
        }
        WAITING.fetch_sub(1, Ordering::Relaxed);
        if let Err(reason) = taken {
            tracing::error!(%reason, "a document could not be kept in the log");
        }
    });
}

fn submit(node: &Node, commands: &RecordWriter) -> Result<(), NotTaken> {
    node.handle.submit(commands.clone(), Box::new(|_: &[Outcome], _: &mut Waiting<'_>| {}))
}
