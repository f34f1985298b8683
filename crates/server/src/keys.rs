//! `NodeService`'s calls that change the keys of personal data: erasing, and another master key.
//!
//! Invariants:
//! - No key, and no place of one, is part of a call: a node reads its next master key from where its operator has told it
//!   to when it was started.
//! - Whoever may be kept waiting by that place is the caller, and no thread that serves others.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use client::convert::{FieldReader, Path};
use client::{Refusal, v1};
use engine::{
    Erased, KeySink, KeysUnchanged, MONTHS_KEPT_MIN, MasterKey, NotTaken, day_of_key, erasable_before,
};
use ledger::HAS_ORDERS;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tonic::Status;
use types::Date;

use crate::caller::Caller;
use crate::node::Node;
use crate::orders;
use crate::records::older_than;
use crate::refusals::{self, invalid};

/// How long a place may take to give a key: longer than a vault needs to answer.
const READING_MAX: Duration = Duration::from_secs(10);

/// Where a node finds the master key that it is to have next.
pub struct NewMasterKey {
    read: Box<dyn Fn() -> Result<MasterKey, String> + Send + Sync>,
    /// Whether it is being read: a place that does not answer shall not be asked again and again.
    is_being_read: AtomicBool,
}

impl NewMasterKey {
    /// The key that `read` gives whenever it is called, or says in words why it can't; it may block.
    pub fn new(read: impl Fn() -> Result<MasterKey, String> + Send + Sync + 'static) -> Self {
        Self { read: Box::new(read), is_being_read: AtomicBool::new(false) }
    }

    /// Reads the key on a thread of its own, which nobody waits for for longer, and not when the node stops.
    async fn read(self: &Arc<Self>, no_longer_than: Duration) -> Result<MasterKey, Refusal> {
        if self.is_being_read.swap(true, Ordering::AcqRel) {
            return Err(refusals::new_master_key_unusable("it is being read already; try again shortly"));
        }
        let (sender, receiver) = oneshot::channel();
        let source = Arc::clone(self);
        let reading = move || {
            let reading = Reading(&source.is_being_read);
            let key = (source.read)();
            drop(reading);
            // Whoever asked may have gone.
            let _ = sender.send(key);
        };
        let spawned = std::thread::Builder::new().name("solvo-master-key".to_owned()).spawn(reading);
        if let Err(error) = spawned {
            self.is_being_read.store(false, Ordering::Release);
            return Err(refusals::new_master_key_unusable(&format!("a thread can't be started: {error}")));
        }
        match timeout(no_longer_than, receiver).await {
            Ok(Ok(Ok(key))) => Ok(key),
            Ok(Ok(Err(why))) => Err(refusals::new_master_key_unusable(&why)),
            Ok(Err(_)) => Err(refusals::new_master_key_unusable("reading it has failed")),
            Err(_) => Err(refusals::new_master_key_unusable("it did not come in time")),
        }
    }
}

impl fmt::Debug for NewMasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NewMasterKey(…)")
    }
}

/// While it is there, the key is being read.
struct Reading<'flag>(&'flag AtomicBool);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Erases what was written before a day.
pub(crate) async fn erase(
    node: &Node,
    caller: &Caller,
    wire: &v1::ErasePersonalDataRequest,
) -> Result<v1::ErasePersonalDataResponse, Status> {
    let mut reader = FieldReader::new();
    let before = reader.optional_date(&Path::root("before_date"), &wire.before_date);
    reader.finish(Some(())).map_err(invalid)?;
    if !wire.forget_holders {
        check_holders(node, before).map_err(Refusal::into_status)?;
    }
    if !wire.forget_records {
        check_records(node, before).await.map_err(Refusal::into_status)?;
    }
    check_orders(node, before).await.map_err(Refusal::into_status)?;
    let erased = changed(|sink| node.handle.erase(before, sink)).await?;
    // The keys are gone, so a start would not find these names any more: they go from memory as well.
    let holders_forgotten = node.holders.as_ref().map_or(0, |holders| holders.forget_before(erased.before));
    let days = erased.destroyed.days.len();
    // Beside the date in KEYS this is all that is left to tell who did it.
    tracing::warn!(principal = caller.principal.0, before = %erased.before, days, holders_forgotten, "personal data is erased");
    Ok(v1::ErasePersonalDataResponse { holders_forgotten_count: holders_forgotten, ..told(&erased) })
}

/// Refuses if payees could not be verified any more afterwards. A node that keeps no names has none to lose.
fn check_holders(node: &Node, before: Option<Date>) -> Result<(), Refusal> {
    let Some(holders) = &node.holders else { return Ok(()) };
    // A day that is too recent is refused by the engine, whatever stands here.
    let Ok(before) = erasable_before(before, node.handle.now().date()) else { return Ok(()) };
    match holders.count_before(before) {
        Ok(0) => Ok(()),
        Ok(accounts) => Err(refusals::holders_would_go(accounts, before)),
        Err(why) => Err(refusals::holders_unknown(&why.to_string())),
    }
}

/// Refuses if records of gateways could not be read any more afterwards.
async fn check_records(node: &Node, before: Option<Date>) -> Result<(), Refusal> {
    // A day that is too recent is refused by the engine, whatever stands here.
    let Ok(before) = erasable_before(before, node.handle.now().date()) else { return Ok(()) };
    match older_than(&node.handle, before).await {
        Some(older) if older.is_empty() => Ok(()),
        Some(older) => Err(refusals::records_would_go(older.len(), before)),
        None => Err(refusals::keys_unchanged("whether bytes of records would go is not known")),
    }
}

/// Refuses if orders that wait could not be paid any more afterwards.
async fn check_orders(node: &Node, before: Option<Date>) -> Result<(), Refusal> {
    if node.handle.rules_version() < HAS_ORDERS {
        return Ok(());
    }
    // A day that is too recent is refused by the engine, whatever stands here.
    let Ok(before) = erasable_before(before, node.handle.now().date()) else { return Ok(()) };
    match orders::older_than(&node.handle, before).await {
        Some(older) if older.is_empty() => Ok(()),
        Some(older) => Err(refusals::orders_would_go(older.len(), before)),
        None => Err(refusals::keys_unchanged("whether texts of orders would go is not known")),
    }
}

/// Wraps the keys by the next master key.
pub(crate) async fn rotate(node: &Node, caller: &Caller) -> Result<v1::RotateMasterKeyResponse, Status> {
    let Some(source) = &node.new_master_key else {
        let why = "the node was started without --new-master-key or --new-master-key-command";
        return Err(refusals::new_master_key_unusable(why).into_status());
    };
    let new = source.read(READING_MAX).await.map_err(Refusal::into_status)?;
    let rewrapped = changed(|sink| node.handle.rotate(new, sink)).await?;
    if rewrapped.is_new {
        let keys = rewrapped.keys;
        tracing::warn!(principal = caller.principal.0, keys, "the keys are wrapped by the new master key");
    }
    Ok(v1::RotateMasterKeyResponse { key_count: count(rewrapped.keys), was_wrapped: !rewrapped.is_new })
}

/// Waits until a change of keys is made.
async fn changed<Done: Send + 'static>(
    order: impl FnOnce(KeySink<Done>) -> Result<(), NotTaken>,
) -> Result<Done, Status> {
    let (sender, receiver) = oneshot::channel();
    let sink = move |done| {
        // Whoever asked may have gone. The change stands.
        let _ = sender.send(done);
    };
    order(Box::new(sink)).map_err(|reason| refusals::not_taken(reason).into_status())?;
    let done = receiver.await.map_err(|_| refusals::unanswered())?;
    done.map_err(unchanged)
}

fn unchanged(why: KeysUnchanged) -> Status {
    match why {
        KeysUnchanged::TooRecent(error) => {
            let mut reader = FieldReader::new();
            let rule =
                format!("the last {MONTHS_KEPT_MIN} months are kept, so the latest day is {}", error.latest);
            reader.violation(&Path::root("before_date"), rule);
            invalid(reader.finish::<()>(None).expect_err("a fault was noted"))
        }
        KeysUnchanged::NoSpace => refusals::keys_unchanged(&why.to_string()).into_status(),
        KeysUnchanged::Keys(error) => {
            tracing::error!(%error, "the keys could not be changed");
            refusals::keys_unchanged("the keys could not be changed; the node's log says why").into_status()
        }
    }
}

fn told(erased: &Erased) -> v1::ErasePersonalDataResponse {
    let Erased { before, destroyed } = erased;
    let date =
        |day: Option<u32>| day.and_then(day_of_key).map_or_else(String::new, |day: Date| day.to_string());
    v1::ErasePersonalDataResponse {
        before_date: before.to_string(),
        day_count: count(destroyed.days.len()),
        first_date: date(destroyed.days.first().copied()),
        last_date: date(destroyed.days.last().copied()),
        first_left_date: date(destroyed.first_left),
        clear_before_date: date(destroyed.clear_before),
        ..v1::ErasePersonalDataResponse::default()
    }
}

fn count(keys: usize) -> u32 {
    u32::try_from(keys).expect("a log has fewer keys than 2^32")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_place_that_does_not_answer_holds_up_its_caller_for_a_while_and_is_asked_once() {
        let (answer, answers) = mpsc::channel::<()>();
        let answers = std::sync::Mutex::new(answers);
        let source = Arc::new(NewMasterKey::new(move || {
            let _ = answers.lock().unwrap().recv();
            MasterKey::parse(&[7; 32]).ok_or_else(String::new)
        }));
        let late = source.read(Duration::ZERO).await.unwrap_err();
        assert!(late.message.contains("did not come in time"), "{late:?}");
        let again = source.read(READING_MAX).await.unwrap_err();
        assert!(again.message.contains("being read already"), "{again:?}");
        drop(answer);
        while source.is_being_read.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        assert!(source.read(READING_MAX).await.is_ok());
    }
}
