//! How many watchers each caller has.

use std::sync::Arc;

use dashmap::DashMap;
use tokio::sync::Semaphore;
use tonic::Status;
use types::PrincipalNumber;

use crate::log::CATCH_UPS_MAX;
use crate::refusals::too_many;

/// The watchers there are, by who they are.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    callers: DashMap<PrincipalNumber, OfCaller>,
}

/// The watchers of one caller.
#[derive(Debug)]
struct OfCaller {
    count: usize,
    catch_ups: Arc<Semaphore>,
}

/// A watcher's place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct WatcherPlace {
    watchers: Arc<Watchers>,
    principal: PrincipalNumber,
    /// Reads of the log that watchers of one caller may have under way.
    pub(crate) catch_ups: Arc<Semaphore>,
}

impl Watchers {
    /// A place for one more watcher.
    pub(crate) fn enter(
        self: &Arc<Self>,
        principal: PrincipalNumber,
        count_max: usize,
    ) -> Result<WatcherPlace, Status> {
        let mut caller = self
            .callers
            .entry(principal)
            .or_insert_with(|| OfCaller { count: 0, catch_ups: Arc::new(Semaphore::new(CATCH_UPS_MAX)) });
        if caller.count >= count_max {
            return Err(too_many("this caller has as many watchers as it may"));
        }
        caller.count += 1;
        let catch_ups = Arc::clone(&caller.catch_ups);
        Ok(WatcherPlace { watchers: Arc::clone(self), principal, catch_ups })
    }
}

impl Drop for WatcherPlace {
    fn drop(&mut self) {
        if let Some(mut caller) = self.watchers.callers.get_mut(&self.principal) {
            caller.count -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_and_callers_do_not_share() {
        let watchers = Arc::new(Watchers::default());
        let [one, other] = [PrincipalNumber(1), PrincipalNumber(2)];
        let first = watchers.enter(one, 1).unwrap();
        assert_eq!(watchers.enter(one, 1).unwrap_err().code(), tonic::Code::ResourceExhausted);
        let _second = watchers.enter(other, 1).unwrap();
        drop(first);
        watchers.enter(one, 1).unwrap();
    }
}
