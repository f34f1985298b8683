//! Bytes of records are written into the log again before the key of their day may be destroyed, or the segment in which
//! they stand is removed.
//!
//! Invariants:
//! - A renewal never undoes what a bank has put meanwhile: it names where the bytes stood that it repeats, and counts only
//!   if the record still stands there.
//! - It goes slowly, because nothing depends on a day.

use std::time::Duration;

use engine::{Answer, Answered, Handle, KeptAsked, KeptFound, Question, Waiting};
use ledger::{ExpectedVersion, HAS_HOLDS, KeptRecord, Outcome, PutRecord, RecordOwner, RequestId};
use tokio::sync::{oneshot, watch};
use types::{Date, PrincipalNumber, Sequence};

/// The node itself.
const NODE: PrincipalNumber = PrincipalNumber(0);

/// Between two looks for old records.
const LOOK_EVERY: Duration = Duration::from_secs(600);

/// After some were renewed, the next come so much later.
const SOME_EVERY: Duration = Duration::from_secs(1);

/// Records that are renewed together: with the time between, twenty a second.
const SOME: usize = 20;

/// Renews records whose bytes were written more than so many days ago, for as long as the node does not stop.
pub(crate) async fn renew_records(handle: Handle, days: i32, mut stopping: watch::Receiver<bool>) {
    let mut wait = Duration::ZERO;
    let mut found: Vec<KeptFound> = Vec::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        wait = SOME_EVERY;
        if handle.rules_version() < HAS_HOLDS {
            continue;
        }
        if found.is_empty() {
            let before = handle.now().date().days().checked_sub(days).and_then(Date::from_days);
            found = match before {
                Some(before) => older_than(&handle, before).await.unwrap_or_default(),
                None => Vec::new(),
            };
        }
        if found.is_empty() {
            wait = LOOK_EVERY;
        }
        let some = found.split_off(found.len().saturating_sub(SOME));
        if !some.is_empty() && !renew(&handle, some).await {
            // They are found again.
            found.clear();
            wait = LOOK_EVERY;
        }
    }
}

/// The records whose bytes were written before a day. `None` if the engine did not say.
pub(crate) async fn older_than(handle: &Handle, before: Date) -> Option<Vec<KeptFound>> {
    let mut older = Vec::new();
    let mut after: Option<Box<KeptRecord>> = None;
    loop {
        let (sender, receiver) = oneshot::channel();
        let sink = move |answered: Answered| {
            // Whoever asked may have gone.
            let _ = sender.send(answered);
        };
        handle.ask(Question::Kept(KeptAsked::All { after }), Box::new(sink)).ok()?;
        let Answer::Kept(found) = receiver.await.ok()?.answer else { return None };
        let Some(last) = found.last() else { return Some(older) };
        after = Some(Box::new(last.record));
        let is_older =
            |found: &KeptFound| found.record.stands_time().date() < before && found.record.length() > 0;
        older.extend(found.into_iter().filter(is_older));
    }
}

/// Writes some records again. Says whether that was done.
async fn renew(handle: &Handle, some: Vec<KeptFound>) -> bool {
    let positions: Vec<Sequence> = some.iter().map(|found| found.record.stands_at()).collect();
    let log = handle.log();
    // A panic in there is told by its own message.
    let texts = tokio::task::spawn_blocking(move || log.texts_at(&positions)).await;
    let Ok(Ok(texts)) = texts else { return false };
    let mut commands = handle.commands(NODE);
    for (found, text) in some.iter().zip(texts) {
        // What is erased already stays so; its owner is told.
        let Some(bytes) = text else { continue };
        let record = &found.record;
        let request_id = RequestId::parse(&format!("record-at-{}", record.stands_at()));
        commands.put_record(&PutRecord {
            request_id: request_id.expect("digits and letters"),
            owner: RecordOwner { bank: found.bank, space: *record.space() },
            key: *record.key(),
            expected: ExpectedVersion::Any,
            bytes: bytes.into_vec(),
            expires: None,
            repeats: Some(record.stands_at()),
        });
    }
    if commands.count() == 0 {
        return false;
    }
    let (sender, receiver) = oneshot::channel();
    let sink = move |_: &[Outcome], _: &mut Waiting<'_>| {
        // Who waits may have gone. What was written stands.
        let _ = sender.send(());
    };
    handle.submit(commands, Box::new(sink)).is_ok() && receiver.await.is_ok()
}
