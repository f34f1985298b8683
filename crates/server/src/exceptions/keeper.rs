//! What the core has noticed is raised, recalls whose time is nearly over are, and what came right by itself is closed.
//!
//! Each is a command like any other, under the engine's own principal: it is logged, the core decides whether it is so, and a
//! node that raises something twice raises it once. Nobody waits for it. Another source is one more function here.

use std::time::Duration;

use engine::{Answer, ExceptionFound, ExceptionsAnswer, ExceptionsAsked, Handle, Question};
use ledger::{
    ExceptionAction, ExceptionKind, ExceptionSubject, HAS_ORDERS, Outcome, PaymentAnswer, RaiseException,
    RecordWriter, RequestId, ResolveException,
};
use tokio::sync::watch;
use types::Sequence;

use crate::own_work::{self, NODE};
use crate::recalls::original;

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Every so many looks it looks at the open recalls.
const LOOKS_PER_RECALLS: u32 = 60;

/// Exceptions that are raised or closed in one look.
const AT_ONCE: usize = 50;

/// Does so for as long as the node does not stop.
pub(crate) async fn keep_exceptions(handle: Handle, mut stopping: watch::Receiver<bool>) {
    let mut told_overlooked = 0;
    for look in 0_u32.. {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        if handle.rules_version() < HAS_ORDERS {
            continue;
        }
        raise_noticed(&handle, &mut told_overlooked).await;
        close_over(&handle).await;
        if look.is_multiple_of(LOOKS_PER_RECALLS) {
            raise_due_recalls(&handle).await;
        }
    }
}

/// What cannot be raised now is noticed still, and raised at a later look.
async fn raise_noticed(handle: &Handle, told_overlooked: &mut u64) {
    let asked = ExceptionsAsked::Noticed { count_max: AT_ONCE };
    let Some(ExceptionsAnswer::Noticed { noticed, overlooked }) = ask(handle, asked).await else { return };
    if overlooked > *told_overlooked {
        tracing::error!(
            overlooked,
            "more was out of order than could be noticed; compare the books of these days"
        );
        *told_overlooked = overlooked;
    }
    if noticed.is_empty() {
        return;
    }
    let positions: Vec<Sequence> = noticed.iter().map(|(_, payment)| *payment).collect();
    let log = handle.log();
    // A panic in there is told by its own message.
    let orders = tokio::task::spawn_blocking(move || log.orders_at(&positions)).await;
    let Ok(Ok(orders)) = orders else { return };
    let mut commands = handle.commands(NODE);
    for ((kind, payment), order) in noticed.into_iter().zip(orders) {
        let Some(Answer::Payment(PaymentAnswer::Found(found))) =
            ask_core(handle, Question::PaymentAt(payment)).await
        else {
            continue;
        };
        let fate = (found.state(), found.decided_at(), found.decided_time());
        let incarnation = handle.lives().at(payment).incarnation;
        let original = order.and_then(|order| original::of_order(&order, payment, incarnation, fate));
        let Some(original) = original else { continue };
        let bank = match kind == ExceptionKind::LateConfirmation {
            true => original.debtor_agent,
            false => original.creditor_agent,
        };
        let subject = ExceptionSubject::Payment(Box::new(original));
        let request_id = request_id(handle, kind, payment);
        commands.raise_exception(&RaiseException { request_id, bank, kind, subject, note: None });
    }
    submit(handle, commands).await;
}

async fn raise_due_recalls(handle: &Handle) {
    let mut after = None;
    loop {
        let asked = ExceptionsAsked::DueRecalls { after };
        let Some(ExceptionsAnswer::DueRecalls { due, next }) = ask(handle, asked).await else { return };
        let mut commands = handle.commands(NODE);
        for (recall, bank) in due.into_iter().take(AT_ONCE) {
            let (recall, amount, currency) = (recall.sequence(), recall.amount(), recall.currency());
            let kind = ExceptionKind::RecallDue;
            let subject = ExceptionSubject::Recall { recall, amount, currency };
            let request_id = request_id(handle, kind, recall);
            commands.raise_exception(&RaiseException { request_id, bank, kind, subject, note: None });
        }
        submit(handle, commands).await;
        match next {
            Some(next) => after = Some(next),
            None => return,
        }
    }
}

async fn close_over(handle: &Handle) {
    let asked = ExceptionsAsked::Over { count_max: AT_ONCE };
    let Some(ExceptionsAnswer::Found { found, .. }) = ask(handle, asked).await else { return };
    let mut commands = handle.commands(NODE);
    for ExceptionFound { exception, bank, seen, .. } in found {
        let sequence = exception.sequence();
        commands.resolve_exception(&ResolveException {
            request_id: request_id(handle, exception.kind(), sequence),
            bank,
            exception: sequence,
            action: ExceptionAction::Close,
            account: None,
            seen: Some(seen),
            note: None,
        });
    }
    submit(handle, commands).await;
}

/// A refusal is remembered under its request id, so that of the next minute is another one.
fn request_id(handle: &Handle, kind: ExceptionKind, subject: Sequence) -> RequestId {
    let minute = handle.now().nanoseconds() / 60_000_000_000;
    let text = format!("exception-{}-{subject}-{minute}", kind.number());
    RequestId::parse(&text).expect("letters and digits, and few of them")
}

async fn ask(handle: &Handle, asked: ExceptionsAsked) -> Option<ExceptionsAnswer> {
    match ask_core(handle, Question::Exceptions(asked)).await {
        Some(Answer::Exceptions(answer)) => Some(*answer),
        _ => None,
    }
}

async fn ask_core(handle: &Handle, question: Question) -> Option<Answer> {
    Some(own_work::ask(handle, question).await.ok()??.answer)
}

async fn submit(handle: &Handle, commands: RecordWriter) {
    if commands.count() == 0 {
        return;
    }
    let refusals = |outcomes: &[Outcome]| outcomes.iter().filter_map(Outcome::refusal).collect::<Vec<_>>();
    // What was not taken is raised at a later look.
    let Ok(Some(refusals)) = own_work::submit(handle, commands, refusals).await else { return };
    for refusal in refusals {
        tracing::warn!(refusal = refusal.name(), "an exception that the node proposed was refused");
    }
}
