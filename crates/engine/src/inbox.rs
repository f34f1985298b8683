//! What other threads leave for one that waits for it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, bounded};

/// Jobs under a lock, and a bell. Whoever leaves a job never waits for the thread that does it.
pub(crate) struct Inbox<Jobs> {
    jobs: Mutex<Jobs>,
    wake: Sender<()>,
    woken: Receiver<()>,
}

impl<Jobs: Default> Default for Inbox<Jobs> {
    fn default() -> Self {
        let (wake, woken) = bounded(1);
        Self { jobs: Mutex::default(), wake, woken }
    }
}

impl<Jobs> Inbox<Jobs> {
    /// Leaves something, and wakes the thread.
    pub(crate) fn add(&self, add: impl FnOnce(&mut Jobs)) {
        add(&mut self.jobs());
        // If the thread has been woken already, that is enough.
        let _ = self.wake.try_send(());
    }

    /// What has been left.
    pub(crate) fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something has been left since the last wait.
    pub(crate) fn wait(&self) {
        self.woken.recv().expect("both ends are here");
    }

    /// The same, for no longer than this.
    pub(crate) fn wait_for(&self, longest: Duration) {
        // Woken or not, the thread looks.
        let _ = self.woken.recv_timeout(longest);
    }
}
