//! Names of account holders are written into the log again before the key of their day may be destroyed, or the segment in
//! which they stand is removed.
//!
//! Invariants:
//! - A renewal never undoes what a bank has set meanwhile: it names the record whose names it repeats, and counts only if
//!   none has come since.
//! - It goes slowly, because nothing depends on a day.

use std::time::Duration;

use engine::Handle;
use history::holders::{HoldersView, NamedAt, NotComplete};
use ledger::{AccountSelector, RecordWriter, RequestId, SetAccountHolders};
use tokio::sync::watch;
use types::Date;

use crate::own_work::{LOOK_EVERY, NODE, SOME_EVERY, is_written};

/// Names that are renewed together: with the time between, a hundred accounts a second.
const SOME: usize = 100;

/// Names that are found in one walk through the table. Between the walk and the writing they may change, and then what is
/// written does not count.
const FOUND_MAX: usize = 10_000;

/// The version of the rules that knows the command.
const RULES_VERSION_MIN: u32 = 3;

/// Renews names that are older than so many days, for as long as the node does not stop.
pub(crate) async fn renew_holders(
    handle: Handle,
    holders: HoldersView,
    days: i32,
    mut stopping: watch::Receiver<bool>,
) {
    let mut wait = Duration::ZERO;
    let mut found: Vec<NamedAt> = Vec::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        wait = SOME_EVERY;
        if handle.rules_version() < RULES_VERSION_MIN || holders.check() == Err(NotComplete::Reading) {
            continue;
        }
        found.retain(|named| !holders.is_forgotten(named.date));
        if found.is_empty() {
            found = look(&handle, &holders, days).await;
        }
        if found.is_empty() {
            wait = LOOK_EVERY;
        }
        let some = found.split_off(found.len().saturating_sub(SOME));
        if !some.is_empty() && !renew(&handle, some).await {
            // They are found again.
            found.clear();
        }
    }
}

/// Names that are older than so many days.
async fn look(handle: &Handle, holders: &HoldersView, days: i32) -> Vec<NamedAt> {
    let oldest = handle.now().date().days().checked_sub(days).and_then(Date::from_days);
    let Some(before) = oldest else { return Vec::new() };
    let view = holders.clone();
    // The table may be large: nobody who is served waits for a walk through it. A panic in there is told by its own
    // message, and the end of the table has been told.
    let found = tokio::task::spawn_blocking(move || view.some_before(before, FOUND_MAX)).await;
    let found = found.ok().and_then(Result::ok).unwrap_or_default();
    if !found.is_empty() {
        tracing::info!(accounts = found.len(), %before, "names of account holders that are older are written again");
    }
    found
}

/// Writes some names again. Says whether that was done.
async fn renew(handle: &Handle, some: Vec<NamedAt>) -> bool {
    let mut commands = handle.commands(NODE);
    some.into_iter().for_each(|named| add(&mut commands, named));
    is_written(handle, commands).await
}

fn add(commands: &mut RecordWriter, named: NamedAt) {
    let NamedAt { position, currency, text, .. } = named;
    let request_id = RequestId::parse(&format!("holders-of-{position}"));
    commands.set_account_holders(&SetAccountHolders {
        request_id: request_id.expect("digits and letters"),
        account: AccountSelector { iban: text.iban, currency },
        holder_names: text.holder_names,
        identification: text.identification,
        repeats: Some(position),
    });
}
