//! The follower's thread: steps while there is something to follow, and lets the threads that answer callers go first.
//!
//! There are no priorities. Where two cores are all there is, the follower works for a while and then waits as long, or
//! three times as long while it moves a snapshot, unless it is far behind or the node is stopping.

// The thread's waiting is here, as that of the others is in `driver.rs`.
#![allow(clippy::disallowed_methods)]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam::channel::{Receiver, RecvTimeoutError};
use journal::Storage;

use crate::driver::{end_process, monotonic};
use crate::follow_error::FollowError;
use crate::follower::{Followed, Follower, Moment, Pause};
use crate::handle::Shared;

/// How often the log is looked at when nothing has come.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// No wait is longer.
const WAIT_MAX: Duration = Duration::from_millis(50);

/// Waits for a part of the time that it has taken.
pub(crate) fn pause(shared: Arc<Shared>) -> Pause {
    let mut since = monotonic();
    Box::new(move |moment, is_urgent| {
        let factor = match moment {
            Moment::Begun => 0,
            Moment::Replayed => 1,
            Moment::Moved => 3,
        };
        let taken = Duration::from_nanos(u64::try_from(monotonic() - since).unwrap_or(0));
        if factor > 0 && !is_urgent && !shared.stopping.load(Ordering::Relaxed) {
            std::thread::sleep((taken * factor).min(WAIT_MAX));
        }
        since = monotonic();
    })
}

/// Follows until `stopped` has no sender any more, then to the log's end.
pub(crate) fn follow<S: Storage>(mut follower: Follower<S>, stopped: &Receiver<()>) {
    loop {
        match follower.step() {
            Ok(Followed::Idle) => {
                if stopped.recv_timeout(LOOK_AGAIN) == Err(RecvTimeoutError::Disconnected) {
                    break;
                }
            }
            Ok(_) => {}
            Err(error) => end_process(&error),
        }
    }
    finish(&mut follower).unwrap_or_else(|error| end_process(&error));
}

/// Compares what the node told last, and leaves a snapshot if that saves the next start something.
fn finish<S: Storage>(follower: &mut Follower<S>) -> Result<(), FollowError> {
    while follower.step()? != Followed::Idle {}
    if follower.is_worth_a_snapshot() && matches!(follower.write_snapshot()?, Followed::Written { .. }) {
        let _ = follower.step()?;
    }
    Ok(())
}
