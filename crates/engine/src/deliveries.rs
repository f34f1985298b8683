//! Waking up those who collect answers, once for all answers of a frame.
//!
//! Telling another thread that there is something for it costs a system call. A sink that leaves its answer where
//! its thread collects it, and says nothing, costs none; the core thread tells each collector at the end.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Collects answers that sinks leave for it. `wake` is called on the core thread after the answers of a frame have
/// been handed over, whether or not one was for this collector: it must not block.
pub trait Collector: Send + Sync {
    /// Looks whether there is something, and if so wakes whoever takes it.
    fn wake(&self);
}

/// The collectors there are.
#[derive(Default)]
pub(crate) struct Deliveries(Mutex<Vec<Weak<dyn Collector>>>);

impl fmt::Debug for Deliveries {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Deliveries")
    }
}

impl Deliveries {
    pub(crate) fn add(&self, collector: &Arc<impl Collector + 'static>) {
        let collector = Arc::downgrade(collector);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(collector);
    }

    /// Wakes all, and forgets those that have gone.
    pub(crate) fn wake(&self) {
        let mut collectors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        collectors.retain(|collector| {
            let Some(collector) = collector.upgrade() else { return false };
            collector.wake();
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicU32);

    impl Collector for Counted {
        fn wake(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn all_collectors_are_woken_until_they_go() {
        let deliveries = Deliveries::default();
        let (first, second) = (Arc::new(Counted::default()), Arc::new(Counted::default()));
        deliveries.add(&first);
        deliveries.add(&second);
        deliveries.wake();
        drop(first);
        deliveries.wake();
        assert_eq!(second.0.load(Ordering::Relaxed), 2);
        assert_eq!(deliveries.0.lock().unwrap().len(), 1);
    }
}
