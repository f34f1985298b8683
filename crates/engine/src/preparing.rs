//! The preparer's thread: segments are ready before the log needs them, and the keys of days before they begin.

// The clock of a thread that waits before it looks again.
#![allow(clippy::disallowed_methods)]

use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam::channel::{Receiver, RecvTimeoutError};
use journal::{Prepared, Preparer, Storage};

use crate::driver::end_process;
use crate::handle::Shared;
use crate::keys::{KeepError, Keys};

/// The preparer's thread: keeps segments ready, and the keys of the days to come, until the log thread ends.
pub(crate) fn prepare<S: Storage>(
    mut preparer: Preparer<S>,
    mut keys: Keys<S>,
    wanted: &Receiver<()>,
    shared: &Shared,
) {
    loop {
        match preparer.step() {
            Prepared::Made { segment } => {
                tracing::debug!(segment, "segment ready");
                continue;
            }
            Prepared::Enough => {
                if shared.no_space.swap(false, Ordering::Relaxed) {
                    tracing::info!("there is room for the log again");
                }
                keep_keys(&mut keys, shared);
                if wanted.recv_timeout(LOOK_AT_KEYS) == Err(RecvTimeoutError::Disconnected) {
                    return;
                }
            }
            Prepared::Short(error) => {
                if !shared.no_space.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "no room for another segment; no new payments are taken");
                }
                if wanted.recv_timeout(LOOK_FOR_ROOM) == Err(RecvTimeoutError::Disconnected) {
                    return;
                }
            }
            Prepared::Failed(error) => end_process(&error),
        }
    }
}

/// Has the keys of the days to come ready, as log time stands now.
fn keep_keys<S: Storage>(keys: &mut Keys<S>, shared: &Shared) {
    match keys.keep(shared.log_time()) {
        Ok(0) => {}
        Ok(made) => tracing::debug!(made, "keys ready"),
        Err(KeepError::NoSpace(error)) => tracing::error!(%error, "no room for the keys of the days to come"),
        Err(KeepError::Failed(error)) => end_process(&error),
    }
}

/// How often the keys of the days to come are looked at.
const LOOK_AT_KEYS: Duration = Duration::from_secs(60);

/// How often a full disk is tried again.
const LOOK_FOR_ROOM: Duration = Duration::from_secs(1);
