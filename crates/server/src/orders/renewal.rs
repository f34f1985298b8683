//! Texts of orders that wait are written into the log again before the key of their day may be destroyed, or the segment in
//! which they stand is removed: a standing order may wait for years.
//!
//! Invariants:
//! - A renewal never undoes what a bank has changed meanwhile: it names where the texts stood that it repeats, and counts
//!   only if they still stand there.
//! - It goes slowly, because nothing depends on a day.

use std::time::Duration;

use engine::{Answer, Answered, Handle, OrderFound, OrdersAsked, OrdersFound, Question, Waiting};
use ledger::{HAS_ORDERS, Outcome, RepeatOrderText, RequestId};
use tokio::sync::{oneshot, watch};
use types::{Date, PrincipalNumber, Sequence, Timestamp};

use crate::history::left_of;

/// The node itself.
const NODE: PrincipalNumber = PrincipalNumber(0);

/// Between two looks for old texts.
const LOOK_EVERY: Duration = Duration::from_secs(600);

/// After some were renewed, the next come so much later.
const SOME_EVERY: Duration = Duration::from_secs(1);

/// Texts that are renewed together: with the time between, a hundred a second.
const SOME: usize = 100;

/// Renews texts that were written more than so many days ago, for as long as the node does not stop.
pub(crate) async fn renew_orders(handle: Handle, days: i32, mut stopping: watch::Receiver<bool>) {
    let mut wait = Duration::ZERO;
    let mut found: Vec<OrderFound> = Vec::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        wait = SOME_EVERY;
        if handle.rules_version() < HAS_ORDERS {
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

/// The orders that wait and whose texts were written before a day. `None` if the engine did not say.
pub(crate) async fn older_than(handle: &Handle, before: Date) -> Option<Vec<OrderFound>> {
    let before = Timestamp::from_civil(before, 0, 0, 0, 0)?;
    let mut older = Vec::new();
    let mut from_slot = Some(0);
    while let Some(slot) = from_slot {
        let (sender, receiver) = oneshot::channel();
        let sink = move |answered: Answered| {
            // Whoever asked may have gone.
            let _ = sender.send(answered);
        };
        let asked = OrdersAsked::OldTexts { from_slot: slot, before };
        handle.ask(Question::Orders(asked), Box::new(sink)).ok()?;
        let Answer::Orders(OrdersFound { orders, next_slot }) = receiver.await.ok()?.answer else {
            return None;
        };
        older.extend(orders);
        from_slot = next_slot;
    }
    Some(older)
}

/// Writes some texts again. Says whether that was done.
async fn renew(handle: &Handle, some: Vec<OrderFound>) -> bool {
    let positions: Vec<Sequence> = some.iter().map(|found| found.order.stands_at).collect();
    let log = handle.log();
    // A panic in there is told by its own message.
    let terms = tokio::task::spawn_blocking(move || left_of(&positions, |left| log.terms_at(left))).await;
    let Ok(Ok(terms)) = terms else { return false };
    let mut commands = handle.commands(NODE);
    for (found, terms) in some.iter().zip(terms) {
        // What is erased already stays so; it is shown.
        let Some(terms) = terms else { continue };
        let (order, stood_at) = (found.order.sequence, found.order.stands_at);
        let request_id = RequestId::parse(&format!("order-text-at-{stood_at}")).expect("digits and letters");
        commands.repeat_order_text(&RepeatOrderText { request_id, order, stood_at, terms });
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
