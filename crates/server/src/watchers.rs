//! How many watchers each caller has.

use std::sync::Arc;

use dashmap::DashMap;
use tonic::Status;
use types::PrincipalNumber;

use crate::refusals::too_many;

/// The watchers there are, by who they are.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    counts: DashMap<PrincipalNumber, usize>,
}

/// A watcher's place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct WatcherPlace {
    watchers: Arc<Watchers>,
    principal: PrincipalNumber,
}

impl Watchers {
    /// A place for one more watcher.
    pub(crate) fn enter(
        self: &Arc<Self>,
        principal: PrincipalNumber,
        count_max: usize,
    ) -> Result<WatcherPlace, Status> {
        let mut count = self.counts.entry(principal).or_default();
        if *count >= count_max {
            return Err(too_many("this caller has as many watchers as it may"));
        }
        *count += 1;
        Ok(WatcherPlace { watchers: Arc::clone(self), principal })
    }
}

impl Drop for WatcherPlace {
    fn drop(&mut self) {
        if let Some(mut count) = self.watchers.counts.get_mut(&self.principal) {
            *count -= 1;
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
