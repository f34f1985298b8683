//! The preparer's thread: segments are ready before the log needs them, and the keys of days before they begin. It alone
//! changes keys.

// The clock of a thread that waits before it looks again.
#![allow(clippy::disallowed_methods)]

use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam::channel::{Receiver, select};
use journal::{Prepared, Preparer, Storage};

use crate::driver::end_process;
use crate::handle::Shared;
use crate::key_orders::{KeyOrder, carry_out};
use crate::keys::{KeepError, Keys};

/// The preparer's thread: keeps segments ready, and the keys of the days to come, and does what is ordered about keys, until
/// the log thread ends.
pub(crate) fn prepare<S: Storage>(
    mut preparer: Preparer<S>,
    mut keys: Keys<S>,
    wanted: &Receiver<()>,
    orders: &Receiver<KeyOrder>,
    shared: &Shared,
) {
    loop {
        let wait = match preparer.step() {
            Prepared::Made { segment } => {
                tracing::debug!(segment, "segment ready");
                continue;
            }
            Prepared::Enough => {
                if shared.no_space.swap(false, Ordering::Relaxed) {
                    tracing::info!("there is room for the log again");
                }
                keep_keys(&mut keys, shared);
                LOOK_AT_KEYS
            }
            Prepared::Short(error) => {
                if !shared.no_space.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "no room for another segment; no new payments are taken");
                }
                LOOK_FOR_ROOM
            }
            Prepared::Failed(error) => end_process(&error),
        };
        select! {
            recv(wanted) -> wanted => if wanted.is_err() {
                return;
            },
            recv(orders) -> order => {
                let order = order.expect("what all threads share holds a way to send them");
                carry_out(order, &mut keys, shared.log_time()).unwrap_or_else(|error| end_process(&error));
            }
            default(wait) => {}
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
