//! What the node's own tasks have in common: under whom they act, how they ask the core and give it commands, and how texts are
//! written into the log again before they would go.

use std::time::Duration;

use engine::{Answered, Handle, NotTaken, Question, Waiting};
use ledger::{Outcome, RecordWriter};
use tokio::sync::{oneshot, watch};
use types::{Date, PrincipalNumber};

/// The node itself.
pub(crate) const NODE: PrincipalNumber = PrincipalNumber(0);

/// Between two looks for what is old.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(600);

/// After some was renewed, the next comes so much later.
pub(crate) const SOME_EVERY: Duration = Duration::from_secs(1);

/// Asks, and waits for the answer; `None` if the engine ends before it answers.
///
/// # Errors
/// If the engine has no room for the question.
pub(crate) async fn ask(handle: &Handle, question: Question) -> Result<Option<Answered>, NotTaken> {
    let (sender, receiver) = oneshot::channel();
    let sink = move |answered: Answered| {
        // Whoever asked may have gone.
        let _ = sender.send(answered);
    };
    handle.ask(question, Box::new(sink))?;
    Ok(receiver.await.ok())
}

/// Submits commands, and waits for what is told of their outcomes; `None` if the engine ends before there are any.
///
/// # Errors
/// If they were not taken.
pub(crate) async fn submit<Told: Send + 'static>(
    handle: &Handle,
    commands: RecordWriter,
    tell: impl FnOnce(&[Outcome]) -> Told + Send + 'static,
) -> Result<Option<Told>, NotTaken> {
    let (sender, receiver) = oneshot::channel();
    let sink = move |outcomes: &[Outcome], _: &mut Waiting<'_>| {
        // Who waits may have gone. What was written stands.
        let _ = sender.send(tell(outcomes));
    };
    handle.submit(commands, Box::new(sink))?;
    Ok(receiver.await.ok())
}

/// Submits commands, and says whether they are durable. Without any there is nothing to wait for.
pub(crate) async fn is_written(handle: &Handle, commands: RecordWriter) -> bool {
    commands.count() > 0 && matches!(submit(handle, commands, |_| ()).await, Ok(Some(())))
}

/// Something of which texts stand in the log, and are written again before they are too old.
pub(crate) trait Renewed: Sized + Send {
    /// The version of the rules that knows the command which does so.
    const RULES_VERSION_MIN: u32;

    /// So many are renewed together.
    const SOME: usize;

    /// All whose texts were written before a day. `None` if the engine did not say.
    fn older_than(handle: &Handle, before: Date) -> impl Future<Output = Option<Vec<Self>>> + Send;

    /// Writes some texts again. Says whether that was done.
    fn renew(handle: &Handle, some: Vec<Self>) -> impl Future<Output = bool> + Send;
}

/// Renews what was written more than so many days ago, for as long as the node does not stop. It goes slowly, because nothing
/// depends on a day.
pub(crate) async fn keep_renewed<Item: Renewed>(
    handle: Handle,
    days: i32,
    mut stopping: watch::Receiver<bool>,
) {
    let mut wait = Duration::ZERO;
    let mut found: Vec<Item> = Vec::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        wait = SOME_EVERY;
        if handle.rules_version() < Item::RULES_VERSION_MIN {
            continue;
        }
        if found.is_empty() {
            let before = handle.now().date().days().checked_sub(days).and_then(Date::from_days);
            found = match before {
                Some(before) => Item::older_than(&handle, before).await.unwrap_or_default(),
                None => Vec::new(),
            };
        }
        if found.is_empty() {
            wait = LOOK_EVERY;
        }
        let some = found.split_off(found.len().saturating_sub(Item::SOME));
        if !some.is_empty() && !Item::renew(&handle, some).await {
            // They are found again.
            found.clear();
            wait = LOOK_EVERY;
        }
    }
}
