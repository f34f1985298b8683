//! How much of one kind each caller has under way, so that one can't take what is there for all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dashmap::DashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use types::PrincipalNumber;

/// Counts what is under way, by who called. Callers are those of the principals file, so they are few.
#[derive(Debug)]
pub(crate) struct PerCaller {
    counts: DashMap<PrincipalNumber, Arc<AtomicU32>>,
    count_max: u32,
}

/// One place of a caller, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct CallerPlace(Arc<AtomicU32>);

impl PerCaller {
    pub(crate) fn new(count_max: u32) -> Self {
        Self { counts: DashMap::new(), count_max }
    }

    /// A place for one more, unless the caller has as many as it may.
    pub(crate) fn enter(&self, caller: PrincipalNumber) -> Option<CallerPlace> {
        let place = CallerPlace(self.count(caller));
        // Counted first: whoever is one too many gives its place back.
        (place.0.fetch_add(1, Ordering::Relaxed) < self.count_max).then_some(place)
    }

    /// Whether the caller has as many as it may.
    pub(crate) fn is_full(&self, caller: PrincipalNumber) -> bool {
        self.count(caller).load(Ordering::Relaxed) >= self.count_max
    }

    fn count(&self, caller: PrincipalNumber) -> Arc<AtomicU32> {
        of_caller(&self.counts, caller, Arc::default)
    }
}

/// What a caller has, made when it is first asked for.
fn of_caller<Of>(
    all: &DashMap<PrincipalNumber, Arc<Of>>,
    caller: PrincipalNumber,
    new: impl FnOnce() -> Arc<Of>,
) -> Arc<Of> {
    // Two statements: the first guard must be gone before the map is locked again.
    let known = all.get(&caller).map(|entry| Arc::clone(entry.value()));
    known.unwrap_or_else(|| Arc::clone(all.entry(caller).or_insert_with(new).value()))
}

impl Drop for CallerPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Readings that wait for the disk: so many at once, and fewer of them for each caller.
///
/// A caller waits in its own queue first, so that a place in the common one is taken only by those that come next. Whoever
/// goes away while it waits leaves its place.
#[derive(Debug)]
pub(crate) struct Readings {
    all: Arc<Semaphore>,
    own: DashMap<PrincipalNumber, Arc<Semaphore>>,
    own_max: usize,
}

/// One reading's place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct ReadingPlace {
    _all: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
}

impl Readings {
    pub(crate) fn new(all_max: usize, own_max: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all_max)), own: DashMap::new(), own_max }
    }

    /// Waits for a place.
    pub(crate) async fn enter(&self, caller: PrincipalNumber) -> ReadingPlace {
        let own = of_caller(&self.own, caller, || Arc::new(Semaphore::new(self.own_max)));
        let own = own.acquire_owned().await.expect("the semaphore is never closed");
        let all = Arc::clone(&self.all).acquire_owned().await.expect("the semaphore is never closed");
        ReadingPlace { _all: all, _own: own }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn now<Output>(future: impl Future<Output = Output>) -> Option<Output> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    #[test]
    fn one_caller_leaves_readings_to_others() {
        let readings = Readings::new(3, 2);
        let [one, other] = [PrincipalNumber(1), PrincipalNumber(2)];
        let first = now(readings.enter(one)).unwrap();
        let _second = now(readings.enter(one)).unwrap();
        assert!(now(readings.enter(one)).is_none(), "it has as many as it may");
        let third = now(readings.enter(other)).unwrap();
        assert!(now(readings.enter(other)).is_none(), "there are as many as may be");
        drop(third);
        // Those who waited and went away hold nothing.
        let _third = now(readings.enter(other)).unwrap();
        drop(first);
        assert!(now(readings.enter(one)).is_some());
    }

    #[test]
    fn places_come_back_and_callers_do_not_share() {
        let places = PerCaller::new(1);
        let [one, other] = [PrincipalNumber(1), PrincipalNumber(2)];
        let first = places.enter(one).unwrap();
        assert!(places.enter(one).is_none() && places.is_full(one));
        assert!(places.enter(other).is_some());
        drop(first);
        assert!(!places.is_full(one) && places.enter(one).is_some());
    }
}
