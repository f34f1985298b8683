//! Work on many items by a few tasks.

use std::sync::{Arc, Mutex};

use tokio::task::JoinSet;

/// Calls under way at once.
const WORKERS: usize = 16;

/// Does some work on every item.
pub(crate) async fn in_parallel<Item, Work>(
    items: Vec<Item>,
    work: impl Fn(Item) -> Work + Clone + Send + 'static,
) where
    Item: Send + 'static,
    Work: Future<Output = ()> + Send,
{
    let items = Arc::new(Mutex::new(items.into_iter()));
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let (items, work) = (Arc::clone(&items), work.clone());
        workers.spawn(async move {
            let next = || items.lock().unwrap().next();
            while let Some(item) = next() {
                work(item).await;
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }
}
