//! Packages, their lines, and orders that stand alone as fields.

use ledger::{Every, LocalTime, OnClosedDay, layout};
use types::{Date, ReasonCode};

use super::{CHECKED, amount, bic, channel, currency, digest, named};
use crate::inspect::fields::Fields;

/// A package that is opened.
pub(super) fn open(fields: Fields, it: &layout::OpenPackage) -> Fields {
    let sum = u64::try_from(it.control_sum.get()).ok();
    let file: String = it.file_digest.iter().map(|byte| format!("{byte:02x}")).collect();
    fields
        .with("bic", bic(it.bic))
        .with("lines", it.lines.get())
        .with_some("control_sum_minor_units", sum)
        .with("currency", currency(it.currency.get()).code())
        .with("file_digest", file)
        .with("name_digest", digest(it.name_digest))
}

/// One line of it.
pub(super) fn line(fields: Fields, it: &layout::PackageLine) -> Fields {
    let fields = fields.with("package", it.package.get()).with("line", it.line.get());
    match ReasonCode::from_bytes(it.reason) {
        Some(reason) => fields
            .with("reason", reason.to_string())
            .with("minor_units", u64::try_from(it.terms.amount.get()).expect(CHECKED))
            .with("body_digest", digest(it.terms.body_digest)),
        None => terms(fields, &it.terms),
    }
}

/// A package that is closed.
pub(super) fn close(fields: Fields, it: &layout::ClosePackage) -> Fields {
    fields.with("package", it.package.get()).with("bic", bic(it.bic))
}

/// An order that is placed.
pub(super) fn place(fields: Fields, it: &layout::PlaceOrder) -> Fields {
    schedule(terms(fields, &it.terms), &it.schedule)
}

/// An order that is changed, or whose texts are repeated.
pub(super) fn change(fields: Fields, it: &layout::ChangeOrder) -> Fields {
    let fields = fields
        .with("order", it.order.get())
        .with_some("repeats", Some(it.repeats.get()).filter(|position| *position != 0));
    schedule(terms(fields, &it.terms), &it.schedule)
}

/// Orders that are cancelled.
pub(super) fn cancel(fields: Fields, it: &layout::CancelOrders) -> Fields {
    let some = |position: u64| Some(position).filter(|position| *position != 0);
    fields
        .with("bic", bic(it.bic))
        .with_some("package", some(it.package.get()))
        .with_some("order", some(it.order.get()))
}

pub(super) fn terms(fields: Fields, it: &layout::OrderTerms) -> Fields {
    let is_at_once = it.due.get() == LocalTime::AT_ONCE.nanoseconds();
    fields
        .with("debtor_agent", bic(it.debtor_agent))
        .with("creditor_agent", bic(it.creditor_agent))
        .with("amount", amount(it.amount.get(), it.currency.get()))
        .with("currency", currency(it.currency.get()).code())
        .with("channel", channel(it.channel))
        .with("due", if is_at_once { "at once".to_owned() } else { local(it.due.get()) })
        .with_some("give_up", (it.give_up.get() != 0).then(|| local(it.give_up.get())))
        .with("debtor_account_hint", it.debtor_account_hint.get())
        .with("body_digest", digest(it.body_digest))
        .with("debtor_account_digest", digest(it.debtor_account_digest))
        .with("creditor_account_digest", digest(it.creditor_account_digest))
}

fn schedule(fields: Fields, it: &layout::Schedule) -> Fields {
    let Some(every) = Every::from_number(it.every) else { return fields };
    let last = Date::from_days(it.last.get()).filter(|last| last.days() > 0);
    fields
        .with("every", named(Some(every)))
        .with("interval", u64::from(it.interval))
        .with("on_closed_day", named(OnClosedDay::from_number(it.on_closed_day)))
        .with_some("last", last.map(|last| last.to_string()))
}

/// What a bank's clock shows: no moment, so it has no zone.
fn local(nanoseconds: i64) -> String {
    let local = LocalTime::from_nanoseconds(nanoseconds).expect(CHECKED);
    let second = (nanoseconds - LocalTime::of_day(local.date()).nanoseconds()) / 1_000_000_000;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}", local.date())
}
