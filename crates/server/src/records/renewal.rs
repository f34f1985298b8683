//! Bytes of records are written into the log again before the key of their day may be destroyed, or the segment in which
//! they stand is removed.
//!
//! Invariants:
//! - A renewal never undoes what a bank has put meanwhile: it names where the bytes stood that it repeats, and counts only
//!   if the record still stands there.
//! - It goes slowly, because nothing depends on a day.

use engine::{Answer, Handle, KeptAsked, KeptFound, Question};
use ledger::{ExpectedVersion, HAS_HOLDS, KeptRecord, PutRecord, RecordOwner, RequestId};
use types::{Date, Sequence};

use crate::own_work::{NODE, Renewed, ask, is_written};

impl Renewed for KeptFound {
    const RULES_VERSION_MIN: u32 = HAS_HOLDS;

    /// With the time between, twenty a second.
    const SOME: usize = 20;

    async fn older_than(handle: &Handle, before: Date) -> Option<Vec<Self>> {
        older_than(handle, before).await
    }

    async fn renew(handle: &Handle, some: Vec<Self>) -> bool {
        renew(handle, some).await
    }
}

/// The records whose bytes were written before a day. `None` if the engine did not say.
pub(crate) async fn older_than(handle: &Handle, before: Date) -> Option<Vec<KeptFound>> {
    let mut older = Vec::new();
    let mut after: Option<Box<KeptRecord>> = None;
    loop {
        let answered = ask(handle, Question::Kept(KeptAsked::All { after })).await.ok()??;
        let Answer::Kept(found) = answered.answer else { return None };
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
    is_written(handle, commands).await
}
