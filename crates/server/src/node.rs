//! The way into the engine and back, for all services.
//!
//! What is submitted lives in the engine from then on. The future that waits for it may be dropped at any time;
//! the outcome is then told to nobody, and stands.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use engine::{Answered, Handle, NotTaken, Question};
use ledger::{Outcome, RecordWriter};
use tokio::sync::{oneshot, watch};
use tonic::{Status, Streaming};

use crate::caller::Caller;
use crate::limits::ServerLimits;
use crate::quota::Quota;
use crate::refusals;

/// What the services share.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) handle: Handle,
    pub(crate) quota: Arc<Quota>,
    pub(crate) limits: ServerLimits,
    /// Becomes true when the node begins to stop.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Node {
    pub(crate) fn new(handle: Handle, limits: ServerLimits, stopping: watch::Receiver<bool>) -> Self {
        Self { handle, quota: Arc::new(Quota::new(limits.payments_per_bank)), limits, stopping }
    }

    /// The next message of a stream, or nothing if the caller has ended its side. A node that stops ends its
    /// streams, because a caller may hold one open for ever.
    pub(crate) async fn next<Message>(
        &mut self,
        stream: &mut Streaming<Message>,
    ) -> Result<Option<Message>, Status> {
        tokio::select! {
            message = stream.message() => message,
            _ = self.stopping.wait_for(|stopping| *stopping) => Err(refusals::stopping()),
        }
    }

    /// Submits one command and waits for its outcome. `held` is given back when the outcome is known, not when
    /// the caller goes away.
    pub(crate) async fn submit(
        &self,
        commands: RecordWriter,
        held: impl Send + 'static,
    ) -> Result<Outcome, Status> {
        assert!(commands.count() == 1, "a unary call is one command");
        let (sender, receiver) = oneshot::channel();
        let sink = move |outcomes: &[Outcome]| {
            drop(held);
            // Nobody may be waiting any more; the outcome stands.
            let _ = sender.send(outcomes[0]);
        };
        self.handle.submit(commands, Box::new(sink)).map_err(not_taken)?;
        receiver.await.map_err(|_| refusals::unanswered())
    }

    /// Asks a question and waits for the answer.
    pub(crate) async fn ask(&self, question: Question) -> Result<Answered, Status> {
        let (sender, receiver) = oneshot::channel();
        let sink = move |answered: Answered| {
            // Nobody may be waiting any more.
            let _ = sender.send(answered);
        };
        self.handle.ask(question, Box::new(sink)).map_err(not_taken)?;
        receiver.await.map_err(|_| refusals::unanswered())
    }

    /// Adds a command to the last part of a batch, or starts a new part when that one is as large as a
    /// submission may be. `waiting` goes with the command.
    pub(crate) fn append<Waiting>(
        &self,
        parts: &mut Vec<(RecordWriter, Vec<Waiting>)>,
        caller: Caller,
        waiting: Waiting,
        write: impl FnOnce(&mut RecordWriter),
    ) {
        if parts.last().is_none_or(|(commands, _)| commands.length() > PART_BYTES_MAX) {
            parts.push((self.handle.commands(caller.principal), Vec::new()));
        }
        let (commands, all) = parts.last_mut().expect("a part was added if there was none");
        write(commands);
        all.push(waiting);
    }
}

/// A part takes no further command from here on; the largest single command still fits behind it.
pub(crate) const PART_BYTES_MAX: usize = 128 * 1024;

/// Waits as long as the caller asks; by default, and for 0, until the payment is in the log, where each is final.
/// What was submitted stands when the time is over.
pub(crate) async fn within<Reply>(
    wait_ms: Option<u32>,
    reply: impl Future<Output = Result<Reply, Status>>,
) -> Result<Reply, Status> {
    match wait_ms {
        None | Some(0) => reply.await,
        Some(wait_ms) => match tokio::time::timeout(Duration::from_millis(wait_ms.into()), reply).await {
            Ok(reply) => reply,
            Err(_) => Err(refusals::not_yet()),
        },
    }
}

fn not_taken(reason: NotTaken) -> Status {
    refusals::not_taken(reason).into_status()
}
