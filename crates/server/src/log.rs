//! Reading the log, for those who come back.
//!
//! Reading waits for the disk, so it is done by threads that may, few at a time.

use std::collections::HashMap;

use engine::{Answer, Banks, Decisions, LogError, LogView, PAYMENTS_ASKED_MAX, Question, StoredOrder};
use ledger::Payment;
use tonic::Status;
use types::Sequence;

use crate::node::Node;
use crate::refusals::{log_unreadable, stopping_connection};

/// Reads of the log that may be under way at once.
pub(crate) const READS_MAX: usize = 8;

/// The orders at these positions.
pub(crate) async fn orders(
    node: &Node,
    positions: Vec<Sequence>,
) -> Result<HashMap<Sequence, StoredOrder>, Status> {
    if positions.is_empty() {
        return Ok(HashMap::new());
    }
    read(node, move |log| {
        let found = log.orders_at(&positions)?;
        let found = positions.into_iter().zip(found);
        Ok(found.filter_map(|(position, order)| Some((position, order?))).collect())
    })
    .await
}

/// What was decided of payments of some banks after a position, at most up to another, some of it.
pub(crate) async fn decisions(
    node: &Node,
    after: Sequence,
    upto: Sequence,
    banks: &Banks,
) -> Result<Decisions, Status> {
    loop {
        let banks = banks.clone();
        let found = read(node, move |log| log.decisions_after(after, upto, &banks, DECISIONS_USUAL)).await?;
        if found.reached > after || after >= upto {
            return Ok(found);
        }
        // What the last frame decided is told in the next one, which follows within 10 ms.
        tokio::select! {
            () = tokio::time::sleep(NEXT_FRAME) => {}
            () = node.stops() => return Err(stopping_connection()),
        }
    }
}

/// About how many decisions are read at a time.
const DECISIONS_USUAL: usize = 1024;

const NEXT_FRAME: std::time::Duration = std::time::Duration::from_millis(2);

/// The payments at these positions; `None` where one has been forgotten.
pub(crate) async fn payments(node: &Node, positions: &[Sequence]) -> Result<Vec<Option<Payment>>, Status> {
    let mut known = Vec::with_capacity(positions.len());
    for positions in positions.chunks(PAYMENTS_ASKED_MAX) {
        let answered = node.ask(Question::Payments(positions.to_vec())).await?;
        let Answer::Payments(payments) = answered.answer else {
            return Err(Status::internal("the engine answered another question"));
        };
        known.extend(payments);
    }
    Ok(known)
}

async fn read<Found: Send + 'static>(
    node: &Node,
    read: impl FnOnce(LogView) -> Result<Found, LogError> + Send + 'static,
) -> Result<Found, Status> {
    let permit = node.log_reads.acquire().await.expect("the semaphore is never closed");
    let log = node.handle.log();
    let found = tokio::task::spawn_blocking(move || read(log)).await;
    drop(permit);
    let found = found.map_err(|_| log_unreadable())?;
    found.map_err(|error| {
        tracing::error!(%error, "the log could not be read for a connection");
        log_unreadable()
    })
}
