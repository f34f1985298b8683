//! Many calls at once, but never more than a number of them.

use std::future::Future;
use std::panic::resume_unwind;

use tokio::task::{JoinError, JoinSet};

/// Calls under way at once where only the end matters, such as setting up and auditing.
pub(crate) const CALLS_MAX: usize = 128;

/// Makes a future of each item and runs at most `width` at once. `done` sees each result, in the order in
/// which they come; the first error ends the rest.
pub(crate) async fn for_each<Item, Work, Output, Error>(
    items: impl IntoIterator<Item = Item>,
    width: usize,
    mut work: impl FnMut(Item) -> Work,
    mut done: impl FnMut(Output),
) -> Result<(), Error>
where
    Work: Future<Output = Result<Output, Error>> + Send + 'static,
    Output: Send + 'static,
    Error: Send + 'static,
{
    assert!(width > 0, "something runs at once");
    let mut running = JoinSet::new();
    for item in items {
        if running.len() == width
            && let Some(ended) = running.join_next().await
        {
            done(joined(ended)?);
        }
        running.spawn(work(item));
    }
    while let Some(ended) = running.join_next().await {
        done(joined(ended)?);
    }
    Ok(())
}

/// The output of a task; a panic inside it goes on here.
pub(crate) fn joined<Output>(ended: Result<Output, JoinError>) -> Output {
    ended.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn no_more_than_the_width_run_at_once() {
        let running = Arc::new(AtomicUsize::new(0));
        let mut sum = 0;
        let work = |item: u64| {
            let running = running.clone();
            async move {
                assert!(running.fetch_add(1, Ordering::SeqCst) < 3);
                tokio::task::yield_now().await;
                running.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, ()>(item)
            }
        };
        for_each(1..=100, 3, work, |item| sum += item).await.unwrap();
        assert_eq!(sum, 5050);
    }

    #[tokio::test]
    async fn the_first_error_ends_it() {
        let work = |item: u64| async move { if item == 5 { Err(item) } else { Ok(item) } };
        assert_eq!(for_each(1..=100, 2, work, |_| {}).await, Err(5));
    }
}
