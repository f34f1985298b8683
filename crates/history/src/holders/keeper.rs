//! The thread that makes the table at a start and keeps it up.
//!
//! Where history knows at which positions accounts were named, only those frames are read; else the log from its beginning.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use journal::{FrameSource, FrameView, ReadError};
use ledger::Records;
use types::{AccountNumber, Sequence};

use super::follower::{Follower, naming};
use super::table::{HoldersView, Table};
use crate::indexer::IndexError;
use crate::keeper::{History, Unavailable};
use crate::store::StoreError;

/// Between two passes over what is new.
const INTERVAL: Duration = Duration::from_millis(100);

/// Positions whose frames are asked for at once.
const POSITIONS_AT_ONCE: usize = 1 << 16;

/// Why the table ends.
#[derive(Debug, thiserror::Error)]
enum HoldersError {
    #[error("the log can't be read: {0}")]
    Read(#[from] ReadError),
    #[error(transparent)]
    Frame(#[from] IndexError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A table of holders that is kept up. Dropping it stops that, and the names go.
#[derive(Debug)]
pub struct HoldersKeeper {
    view: HoldersView,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stops: AtomicBool,
    waits: Mutex<()>,
    stopped: Condvar,
}

impl Shared {
    fn stops(&self) -> bool {
        self.stops.load(Ordering::Relaxed)
    }

    fn wait(&self) {
        let waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.stops() {
            drop(self.stopped.wait_timeout(waits, INTERVAL).unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl HoldersKeeper {
    /// Makes the table of a log in the background and keeps it up, with the help of its history if there is one.
    ///
    /// # Errors
    /// If there can be no thread.
    pub fn start(source: Arc<dyn FrameSource>, history: Option<History>) -> std::io::Result<Self> {
        let (table, shared) = (Arc::new(Table::default()), Arc::new(Shared::default()));
        let thread = {
            let (table, shared) = (Arc::clone(&table), Arc::clone(&shared));
            std::thread::Builder::new().name("holders".to_owned()).spawn(move || {
                let ends = Ends(Arc::clone(&table));
                match keep(&table, &shared, source.as_ref(), history.as_ref()) {
                    Ok(()) => table.stop("the node is stopping".to_owned()),
                    Err(error) => {
                        let why = error.to_string();
                        tracing::error!(
                            error = %why,
                            "names of account holders are not kept any more; payees can't be verified until a restart"
                        );
                        table.stop(why);
                    }
                }
                drop(ends);
            })?
        };
        Ok(Self { view: HoldersView(table), shared, thread: Some(thread) })
    }

    /// What asks this table.
    pub fn view(&self) -> HoldersView {
        self.view.clone()
    }
}

impl Drop for HoldersKeeper {
    fn drop(&mut self) {
        {
            let _waits = self.shared.waits.lock().unwrap_or_else(PoisonError::into_inner);
            self.shared.stops.store(true, Ordering::Relaxed);
            self.shared.stopped.notify_all();
        }
        if let Some(thread) = self.thread.take() {
            // A panic in there has been told by its own message.
            let _ = thread.join();
        }
    }
}

/// A thread that ends in a panic says so to those who ask.
struct Ends(Arc<Table>);

impl Drop for Ends {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop("a fault in the program".to_owned());
        }
    }
}

fn keep(
    table: &Table,
    shared: &Shared,
    source: &dyn FrameSource,
    history: Option<&History>,
) -> Result<(), HoldersError> {
    let mut reached = match history {
        Some(history) => by_history(table, shared, source, history)?,
        None => None,
    };
    let mut follower = Follower::new(table);
    let mut is_complete = false;
    loop {
        let from = match reached {
            Some(reached) => reached,
            None => beginning(source)?,
        };
        let mut taken = Ok(());
        let mut last = from;
        source.read_after(from, &mut |frame| {
            taken = follower.step(&frame);
            if taken.is_ok() {
                last = frame.header().last_sequence();
                table.set_reached(last);
            }
            if taken.is_err() || shared.stops() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        taken?;
        if shared.stops() {
            return Ok(());
        }
        reached = Some(last);
        if !is_complete {
            is_complete = true;
            table.set_complete();
            tracing::info!(position = %last, "the names of account holders have been read: payees can be verified");
        }
        shared.wait();
    }
}

/// After which position the log is to be read so that all of it is that there is.
fn beginning(source: &dyn FrameSource) -> Result<Sequence, ReadError> {
    match source.read_after(Sequence(0), &mut |_| ControlFlow::Break(())) {
        Ok(()) => Ok(Sequence(0)),
        Err(ReadError::Trimmed { first_sequence, .. }) => Ok(Sequence(first_sequence.0.saturating_sub(1))),
        Err(error) => Err(error),
    }
}

/// Reads the names where history says that they stand. Gives the position after which the log is still to be read, or
/// nothing if history can't help.
fn by_history(
    table: &Table,
    shared: &Shared,
    source: &dyn FrameSource,
    history: &History,
) -> Result<Option<Sequence>, HoldersError> {
    let view = loop {
        match history.view() {
            Ok(view) => break view,
            Err(Unavailable::Opening) if shared.stops() => return Ok(None),
            Err(Unavailable::Opening) => shared.wait(),
            Err(Unavailable::Stopped(_)) => return Ok(None),
        }
    };
    let Some(mut named) = view.namings()? else { return Ok(None) };
    named.sort_unstable_by_key(|(_, position)| *position);
    for some in named.chunks(POSITIONS_AT_ONCE) {
        if shared.stops() {
            return Ok(None);
        }
        read_names(table, source, some)?;
    }
    Ok(Some(view.watermark().resume_after))
}

/// Reads the names that stand at these positions. What is gone from the log is not known.
fn read_names(
    table: &Table,
    source: &dyn FrameSource,
    mut named: &[(AccountNumber, Sequence)],
) -> Result<(), HoldersError> {
    while !named.is_empty() {
        let positions: Vec<Sequence> = named.iter().map(|(_, position)| *position).collect();
        let mut taken = Ok(());
        let read = source.read_at(&positions, &mut |frame| {
            taken = take_names(table, named, &frame);
            if taken.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        taken?;
        match read {
            Ok(()) => return Ok(()),
            Err(ReadError::Trimmed { first_sequence, .. }) if named[0].1 < first_sequence => {
                named = &named[named.partition_point(|(_, position)| *position < first_sequence)..];
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn take_names(
    table: &Table,
    named: &[(AccountNumber, Sequence)],
    frame: &FrameView<'_>,
) -> Result<(), IndexError> {
    let header = frame.header();
    let mut wanted = named.partition_point(|(_, position)| *position <= header.first_sequence);
    let mut at = header.first_sequence;
    for record in Records::with_texts(frame.records(), frame.texts()) {
        at = at.next();
        let record = record?;
        let Some((account, _)) = named.get(wanted).filter(|(_, position)| *position == at) else { continue };
        wanted += 1;
        if let Some(mut naming) = naming(&record, at, header.time.date()) {
            // History says that it counts.
            naming.repeats = Sequence(0);
            table.name(*account, &naming);
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
