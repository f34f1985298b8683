//! What the fields of commands about orders and packages may hold.

use types::{Date, ReasonCode};
use zerocopy::FromZeros;

use super::{Check, amount, bic, check_channel, currency, holds, zero};
use crate::command_orders::PACKAGE_LINES_MAX;
use crate::zone::LocalTime;
use crate::{Every, OnClosedDay, layout};

fn local(nanoseconds: i64, field: &'static str) -> Check {
    holds(LocalTime::from_nanoseconds(nanoseconds).is_some(), field)
}

pub(super) fn check_terms(terms: &layout::OrderTerms) -> Check {
    amount(terms.amount.get())?;
    local(terms.due.get(), "due")?;
    local(terms.give_up.get(), "give_up")?;
    holds(terms.give_up.get() == 0 || terms.give_up > terms.due, "give_up")?;
    bic(terms.debtor_agent)?;
    bic(terms.creditor_agent)?;
    check_channel(terms.channel)?;
    currency(terms.currency.get())?;
    zero(&terms.reserved)
}

/// Only the digest and the amount of a line that could not be read.
fn check_refused_terms(terms: &layout::OrderTerms) -> Check {
    holds(terms.amount.get() == 0 || amount(terms.amount.get()).is_ok(), "amount")?;
    let mut known = layout::OrderTerms::new_zeroed();
    known.body_digest = terms.body_digest;
    known.amount = terms.amount;
    holds(known == *terms, "terms")
}

fn check_schedule(schedule: &layout::Schedule, terms: &layout::OrderTerms) -> Check {
    if *schedule == layout::Schedule::new_zeroed() {
        return Ok(());
    }
    holds(Every::from_number(schedule.every).is_some(), "every")?;
    holds((1..=12).contains(&schedule.interval), "interval")?;
    holds(OnClosedDay::from_number(schedule.on_closed_day).is_some(), "on_closed_day")?;
    holds(Date::from_days(schedule.last.get()).is_some(), "last")?;
    holds(terms.give_up.get() == 0, "give_up")?;
    zero(&schedule.reserved)
}

pub(super) fn check_open(open: &layout::OpenPackage) -> Check {
    holds(open.control_sum.get() >= -1, "control_sum")?;
    holds((1..=PACKAGE_LINES_MAX).contains(&open.lines.get()), "lines")?;
    bic(open.bic)?;
    currency(open.currency.get())?;
    zero(&[open.reserved])?;
    zero(&open.reserved_end)
}

pub(super) fn check_line(line: &layout::PackageLine) -> Check {
    holds(line.package.get() > 0, "package")?;
    holds((1..=PACKAGE_LINES_MAX).contains(&line.line.get()), "line")?;
    match line.reason {
        [0, 0, 0, 0] => check_terms(&line.terms),
        reason => {
            holds(ReasonCode::from_bytes(reason).is_some(), "reason")?;
            check_refused_terms(&line.terms)
        }
    }
}

pub(super) fn check_close(close: &layout::ClosePackage) -> Check {
    holds(close.package.get() > 0, "package")?;
    bic(close.bic)?;
    zero(&close.reserved)
}

pub(super) fn check_place(place: &layout::PlaceOrder) -> Check {
    check_terms(&place.terms)?;
    holds(place.terms.due.get() > 0, "due")?;
    check_schedule(&place.schedule, &place.terms)
}

pub(super) fn check_change(change: &layout::ChangeOrder) -> Check {
    holds(change.order.get() > 0, "order")?;
    check_terms(&change.terms)?;
    if change.repeats.get() > 0 {
        holds(change.repeats >= change.order, "repeats")?;
        return holds(change.schedule == layout::Schedule::new_zeroed(), "schedule");
    }
    holds(change.terms.due.get() > 0, "due")?;
    check_schedule(&change.schedule, &change.terms)
}

pub(super) fn check_cancel(cancel: &layout::CancelOrders) -> Check {
    holds((cancel.package.get() > 0) != (cancel.order.get() > 0), "order")?;
    bic(cancel.bic)?;
    zero(&cancel.reserved)
}
