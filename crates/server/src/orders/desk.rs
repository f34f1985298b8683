//! What the calls of `OrderService` and the runner share: places, and a word to the runner.

use std::sync::Arc;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tonic::Status;
use types::PrincipalNumber;

use crate::per_caller::{CallerPlace, PerCaller, Readings};
use crate::refusals::too_many;

/// Files that may come at once: of everybody, and of one caller. Each has a thread of its own and a few MiB.
const UPLOADS_MAX: (usize, u32) = (8, 4);

/// Reports that may be in the making at once, in the same way.
const REPORTS_MAX: (usize, usize) = (4, 2);

/// Packages that one caller may watch at once.
const WATCHES_MAX: u32 = 16;

/// Places for what takes long.
#[derive(Debug)]
pub(crate) struct OrderDesk {
    uploads: Arc<Semaphore>,
    own_uploads: PerCaller,
    pub(super) reports: Readings,
    watches: PerCaller,
    nudge: Arc<Notify>,
}

/// A file's place, given back when it is dropped.
#[derive(Debug)]
pub(super) struct UploadPlace {
    _all: OwnedSemaphorePermit,
    _own: CallerPlace,
}

impl Default for OrderDesk {
    fn default() -> Self {
        let (uploads, own_uploads) = UPLOADS_MAX;
        Self {
            uploads: Arc::new(Semaphore::new(uploads)),
            own_uploads: PerCaller::new(own_uploads),
            reports: Readings::new(REPORTS_MAX.0, REPORTS_MAX.1),
            watches: PerCaller::new(WATCHES_MAX),
            nudge: Arc::default(),
        }
    }
}

impl OrderDesk {
    /// A place for one more file.
    pub(super) fn enter_upload(&self, caller: PrincipalNumber) -> Result<UploadPlace, Status> {
        let own = self.own_uploads.enter(caller);
        let own = own.ok_or_else(|| too_many("this caller brings as many files at once as it may"))?;
        let all = Arc::clone(&self.uploads).try_acquire_owned();
        let all = all.map_err(|_| too_many("as many files are coming as may at once; try again shortly"))?;
        Ok(UploadPlace { _all: all, _own: own })
    }

    /// A place for one more watcher of a package.
    pub(super) fn enter_watch(&self, caller: PrincipalNumber) -> Result<CallerPlace, Status> {
        let place = self.watches.enter(caller);
        place.ok_or_else(|| too_many("this caller watches as many packages as it may"))
    }

    /// Tells the runner that something may have become due.
    pub(super) fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// What the runner waits for.
    pub(crate) fn nudges(&self) -> Arc<Notify> {
        Arc::clone(&self.nudge)
    }
}
