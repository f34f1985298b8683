//! Following a package.
//!
//! Invariant: a watcher hears of a package at most four times a second, and last of its end.

use std::time::Duration;

use client::v1;
use engine::{Answer, Answered, PackageFound, PackagesAsked, Question};
use ledger::PackageText;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use types::Sequence;

use super::wire;
use crate::caller::Caller;
use crate::log::texts_left;
use crate::node::Node;
use crate::refusals::{reader_too_slow, stopping_connection, unanswered};

/// Between two looks at a package.
const LOOK_EVERY: Duration = Duration::from_millis(250);

type Told = Result<v1::WatchPackageResponse, Status>;

/// Begins to follow a package.
pub(super) fn begin(node: &Node, caller: &Caller, package: Sequence) -> Result<ReceiverStream<Told>, Status> {
    let place = node.orders.enter_watch(caller.principal)?;
    let (sender, told) = mpsc::channel(1);
    let node = node.clone();
    tokio::spawn(async move {
        let ended = tokio::select! {
            ended = follow(&node, package, &sender) => ended,
            () = node.stops() => Err(stopping_connection()),
            // Nobody listens any more.
            () = sender.closed() => Ok(()),
        };
        if let Err(status) = ended {
            // The same.
            let _ = sender.try_send(Err(status));
        }
        drop(place);
    });
    Ok(ReceiverStream::new(told))
}

/// Tells a package whenever it has got on, until it is complete.
async fn follow(node: &Node, package: Sequence, sender: &mpsc::Sender<Told>) -> Result<(), Status> {
    let text = texts_left(node, vec![package]).await?.pop().flatten();
    let text = text.and_then(|text| PackageText::decode(&text).ok());
    let mut last = None;
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let (found, as_of) = ask(node, package).await?;
        let found = found.ok_or_else(unanswered)?;
        if last != Some(found.package) {
            let package = Some(wire::package(&node.handle, &found, text.clone()));
            let told = Ok(v1::WatchPackageResponse { package, as_of_sequence: as_of.0 });
            match tokio::time::timeout(node.limits.reader_patience, sender.send(told)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Ok(()),
                Err(_) => return Err(reader_too_slow()),
            }
        }
        if found.package.is_complete() || found.package.is_abandoned() {
            return Ok(());
        }
        last = Some(found.package);
    }
}

/// The package at a position, if there is one, and the position of the answer.
pub(super) async fn ask(node: &Node, package: Sequence) -> Result<(Option<PackageFound>, Sequence), Status> {
    let question = Question::Packages(PackagesAsked::At(package));
    let Answered { answer, as_of } = crate::log::ask(node, question).await?;
    let Answer::Packages(mut found) = answer else { return Err(unanswered()) };
    Ok((found.pop(), as_of.sequence))
}
