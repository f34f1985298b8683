//! Reading the log, for those who come back.
//!
//! Reading waits for the disk, so it is done by threads that may, few at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::{
    Answer, Answered, Banks, Decisions, LogError, LogView, PAYMENTS_ASKED_MAX, Question, StoredOrder,
};
use ledger::{Payment, StoredTerms};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Code, Status};
use types::{Sequence, Timestamp};

use crate::history::left_of;
use crate::node::Node;
use crate::refusals::{log_unreadable, stopping_connection};

/// Reads of the log that may be under way at once.
#[derive(Debug)]
pub(crate) struct LogReads {
    /// For what is told now. They read what is new, and wait for nobody who catches up.
    live: Arc<Semaphore>,
    /// For those who catch up.
    catch_up: Arc<Semaphore>,
}

impl Default for LogReads {
    fn default() -> Self {
        Self { live: Arc::new(Semaphore::new(8)), catch_up: Arc::new(Semaphore::new(4)) }
    }
}

/// Reads that those of one bank, or of one caller, may have under way while they catch up. The others wait.
pub(crate) const CATCH_UPS_MAX: usize = 2;

/// The orders at these positions.
pub(crate) async fn orders(
    node: &Node,
    positions: Vec<Sequence>,
) -> Result<HashMap<Sequence, StoredOrder>, Status> {
    if positions.is_empty() {
        return Ok(HashMap::new());
    }
    let permit = permit(&node.log_reads.live).await;
    read(node, permit, move |log| {
        let found = log.orders_at(&positions)?;
        let found = positions.into_iter().zip(found);
        Ok(found.filter_map(|(position, order)| Some((position, order?))).collect())
    })
    .await
}

/// What was asked for lies in a part of the log that is not kept any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone;

/// The order at this position, if one stands there and the log still reaches back so far.
pub(crate) async fn order_left(
    node: &Node,
    position: Sequence,
) -> Result<Result<Option<StoredOrder>, Gone>, Status> {
    let permit = permit(&node.log_reads.live).await;
    read(node, permit, move |log| match log.orders_at(&[position]) {
        Ok(mut found) => Ok(Ok(found.pop().flatten())),
        Err(error) if error.trimmed_before().is_some() => Ok(Err(Gone)),
        Err(error) => Err(error),
    })
    .await
}

/// Texts in the order of the positions that were asked for.
pub(crate) type Texts = Vec<Option<Box<[u8]>>>;

/// The texts of the commands at these positions, in their order; `None` where there is none, or none any more.
pub(crate) async fn texts_left(node: &Node, positions: Vec<Sequence>) -> Result<Texts, Status> {
    let permit = permit(&node.log_reads.live).await;
    read(node, permit, move |log| match log.texts_at(&positions) {
        Err(error) if error.trimmed_before().is_some() => Ok(vec![None; positions.len()]),
        found => found,
    })
    .await
}

/// The terms and texts of orders that stand at these positions; `None` where there are none, or none any more.
pub(crate) async fn terms_left(
    node: &Node,
    positions: Vec<Sequence>,
) -> Result<Vec<Option<StoredTerms>>, Status> {
    let permit = permit(&node.log_reads.live).await;
    read(node, permit, move |log| left_of(&positions, |left| log.terms_at(left))).await
}

/// The log's time at a position, if the log reaches to it and still reaches back so far.
pub(crate) async fn time_left(node: &Node, position: Sequence) -> Result<Option<Timestamp>, Status> {
    let permit = permit(&node.log_reads.live).await;
    read(node, permit, move |log| match log.time_at(position) {
        Err(error) if error.trimmed_before().is_some() => Ok(None),
        found => found,
    })
    .await
}

/// The document that brought the payment at this position, compressed, if one did and it is left.
pub(crate) async fn document(node: &Node, payment: Sequence) -> Result<Option<Vec<u8>>, Status> {
    let permit = permit(&node.log_reads.live).await;
    read(node, permit, move |log| log.document_of(payment)).await
}

/// What was decided of payments of some banks after a position, at most up to another, some of it. `own` are the reads
/// that the bank or the caller may have under way.
pub(crate) async fn decisions(
    node: &Node,
    own: &Arc<Semaphore>,
    after: Sequence,
    upto: Sequence,
    banks: &Banks,
) -> Result<Decisions, Status> {
    loop {
        let banks = banks.clone();
        let permits = (permit(own).await, permit(&node.log_reads.catch_up).await);
        let found = read(node, permits, move |log| log.decisions_after(after, upto, &banks, DECISIONS_USUAL));
        let found = found.await?;
        if found.reached > after || after >= upto {
            return Ok(found);
        }
        // What the last frame decided is told in the next one, which follows within 10 ms.
        a_moment(node).await?;
    }
}

/// About how many decisions are read at a time.
const DECISIONS_USUAL: usize = 1024;

/// Until then there may be another frame, or room for a question.
const A_MOMENT: Duration = Duration::from_millis(2);

/// Asks a question, as often as it takes: whoever is connected does not lose the connection because others ask too much.
pub(crate) async fn ask(node: &Node, question: Question) -> Result<Answered, Status> {
    loop {
        match node.ask(question.clone()).await {
            Err(status) if status.code() == Code::ResourceExhausted => a_moment(node).await?,
            answered => return answered,
        }
    }
}

async fn a_moment(node: &Node) -> Result<(), Status> {
    tokio::select! {
        () = tokio::time::sleep(A_MOMENT) => Ok(()),
        () = node.stops() => Err(stopping_connection()),
    }
}

/// The payments at these positions; `None` where one has been forgotten.
pub(crate) async fn payments(node: &Node, positions: &[Sequence]) -> Result<Vec<Option<Payment>>, Status> {
    let mut known = Vec::with_capacity(positions.len());
    for positions in positions.chunks(PAYMENTS_ASKED_MAX) {
        let answered = ask(node, Question::Payments(positions.to_vec())).await?;
        let Answer::Payments(payments) = answered.answer else {
            return Err(Status::internal("the engine answered another question"));
        };
        known.extend(payments);
    }
    Ok(known)
}

async fn permit(reads: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    Arc::clone(reads).acquire_owned().await.expect("the semaphore is never closed")
}

/// Whoever waits for a reading may go away: it is then given up at the next frame.
#[derive(Debug, Default)]
pub(crate) struct GivesUp(Arc<AtomicBool>);

impl GivesUp {
    /// What becomes true when nobody waits any more.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

impl Drop for GivesUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Reads on a thread that may wait. The permits are held as long as that lasts, whether or not somebody waits for it.
async fn read<Found: Send + 'static>(
    node: &Node,
    permits: impl Send + 'static,
    read: impl FnOnce(LogView) -> Result<Found, LogError> + Send + 'static,
) -> Result<Found, Status> {
    let gives_up = GivesUp::default();
    let log = node.handle.log().until(gives_up.flag());
    let found = tokio::task::spawn_blocking(move || {
        let found = read(log);
        drop(permits);
        found
    });
    let found = found.await.map_err(|_| log_unreadable())?;
    drop(gives_up);
    found.map_err(|error| {
        tracing::error!(%error, "the log could not be read for a connection");
        log_unreadable()
    })
}
