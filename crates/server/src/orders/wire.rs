//! Packages and orders between the contract and the vocabulary.

use client::convert::{FieldReader, Path, order_from_payment, payment_from_order, timestamp};
use client::v1;
use engine::{Handle, OrderFound, PackageFound};
use ledger::{
    ChangeOrder, Every, LocalTime, OnClosedDay, OrderContent, OrderState, PackageText, PlaceOrder, RequestId,
    Schedule, StoredTerms,
};
use tonic::Status;
use types::{Bic, Channel, Currency, Date, Iban, Located, PaymentId, PaymentOrder, Sequence};

use super::line::{no_id, order_of};
use crate::caller::Caller;
use crate::refusals::invalid;
use crate::values::{decimal_sum, request_id};

/// Which packages, and from where.
pub(super) struct ListedPackages {
    pub(super) bank: Bic,
    /// Only those behind this position.
    pub(super) after: Sequence,
    pub(super) page_size: usize,
}

/// Which orders, and from where.
pub(super) struct ListedOrders {
    pub(super) iban: Iban,
    pub(super) currency: Currency,
    pub(super) after: Sequence,
    pub(super) page_size: usize,
}

pub(super) fn read_list_packages(
    handle: &Handle,
    caller: &Caller,
    wire: &v1::ListPackagesRequest,
) -> Result<ListedPackages, Status> {
    let mut reader = FieldReader::new();
    let bank = read_bank(&mut reader, caller, &wire.bic);
    let after = match wire.after_package_id.as_str() {
        "" => Some(Sequence(0)),
        text => position(&mut reader, handle, "after_package_id", text),
    };
    let page_size = usize::try_from(wire.page_size).unwrap_or(usize::MAX);
    let listed = (|| Some(ListedPackages { bank: bank?, after: after?, page_size }))();
    reader.finish(listed).map_err(invalid)
}

pub(super) fn read_list_orders(
    handle: &Handle,
    wire: &v1::ListOrdersRequest,
) -> Result<ListedOrders, Status> {
    let mut reader = FieldReader::new();
    let iban = reader.iban(&Path::root("iban"), &wire.iban);
    let currency = reader.currency(&Path::root("currency_code"), &wire.currency_code);
    let after = match wire.after_order_id.as_str() {
        "" => Some(Sequence(0)),
        text => position(&mut reader, handle, "after_order_id", text),
    };
    let page_size = usize::try_from(wire.page_size).unwrap_or(usize::MAX);
    let listed = (|| Some(ListedOrders { iban: iban?, currency: currency?, after: after?, page_size }))();
    reader.finish(listed).map_err(invalid)
}

pub(super) fn read_cancel(
    handle: &Handle,
    id: &str,
    field: &'static str,
    text: &str,
) -> Result<(RequestId, Sequence), Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, id);
    let position = position(&mut reader, handle, field, text);
    let read = (|| Some((request_id?, position?)))();
    reader.finish(read).map_err(invalid)
}

pub(super) fn read_id(handle: &Handle, field: &'static str, text: &str) -> Result<Sequence, Status> {
    let mut reader = FieldReader::new();
    let position = position(&mut reader, handle, field, text);
    reader.finish(position).map_err(invalid)
}

pub(super) fn read_place(wire: &v1::PlaceOrderRequest) -> Result<PlaceOrder, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let date = mandatory_date(&mut reader, &wire.execution_date);
    let schedule = read_schedule(&mut reader, wire.schedule.as_ref());
    let order = read_payment(&mut reader, wire.payment.as_ref())?;
    let place = (|| {
        let content = content(order?, date?);
        Some(PlaceOrder { request_id: request_id?, content, schedule: schedule? })
    })();
    reader.finish(place).map_err(invalid)
}

pub(super) fn read_change(handle: &Handle, wire: &v1::ChangeOrderRequest) -> Result<ChangeOrder, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let position = position(&mut reader, handle, "order_id", &wire.order_id);
    let date = mandatory_date(&mut reader, &wire.execution_date);
    let schedule = read_schedule(&mut reader, wire.schedule.as_ref());
    let order = read_payment(&mut reader, wire.payment.as_ref())?;
    let change = (|| {
        let (order, content) = (position?, content(order?, date?));
        Some(ChangeOrder { request_id: request_id?, order, content, schedule: schedule? })
    })();
    reader.finish(change).map_err(invalid)
}

fn content(order: PaymentOrder, date: Date) -> OrderContent {
    OrderContent { order, channel: Channel::Grpc, due: LocalTime::of_day(date), give_up: None }
}

/// What is paid. Faults of the payment are told beside those of the other fields.
fn read_payment(
    reader: &mut FieldReader,
    payment: Option<&v1::Payment>,
) -> Result<Option<PaymentOrder>, Status> {
    let path = Path::root("payment");
    let Some(payment) = payment else {
        reader.missing(&path);
        return Ok(None);
    };
    let later = "an order's payments get it when they are sent";
    if !payment.transaction_id.is_empty() {
        reader.violation(&path.field("transaction_id"), later);
    }
    if payment.acceptance_time.is_some() {
        reader.violation(&path.field("acceptance_time"), later);
    }
    let payment =
        v1::Payment { transaction_id: no_id().as_str().to_owned(), acceptance_time: None, ..payment.clone() };
    order_from_payment(&payment).map(Some).map_err(invalid)
}

fn mandatory_date(reader: &mut FieldReader, text: &str) -> Option<Date> {
    let path = Path::root("execution_date");
    if text.is_empty() {
        reader.missing(&path);
        return None;
    }
    reader.optional_date(&path, text)
}

/// When it is paid again; `Some(None)` is never.
fn read_schedule(reader: &mut FieldReader, wire: Option<&v1::Schedule>) -> Option<Option<Schedule>> {
    let Some(wire) = wire else { return Some(None) };
    let path = Path::root("schedule");
    let every = match wire.unit() {
        v1::ScheduleUnit::Week => Some(Every::Week),
        v1::ScheduleUnit::Month => Some(Every::Month),
        v1::ScheduleUnit::Unspecified => {
            reader.violation(&path.field("unit"), "weeks or months");
            None
        }
    };
    let interval = u8::try_from(wire.interval).ok().filter(|interval| (1..=12).contains(interval));
    if interval.is_none() {
        reader.violation(&path.field("interval"), "1 to 12 weeks or months lie between two days");
    }
    let last = match wire.last_date.as_str() {
        "" => Some(None),
        text => reader.optional_date(&path.field("last_date"), text).map(Some),
    };
    let on_closed_day = match wire.closed_day_rule() {
        v1::ClosedDayRule::Unspecified => OnClosedDay::Same,
        v1::ClosedDayRule::Before => OnClosedDay::Before,
        v1::ClosedDayRule::After => OnClosedDay::After,
    };
    Some(Some(Schedule { every: every?, interval: interval?, last: last?, on_closed_day }))
}

/// The bank that is named; whoever acts for one alone need not name it.
pub(super) fn read_bank(reader: &mut FieldReader, caller: &Caller, text: &str) -> Option<Bic> {
    let path = Path::root("bic");
    match text {
        "" => caller.only_bank().or_else(|| {
            reader.missing(&path);
            None
        }),
        text => reader.bic(&path, text),
    }
}

/// The position that an id of this log names; a position at which nothing stands if it is another log's.
fn position(reader: &mut FieldReader, handle: &Handle, field: &'static str, text: &str) -> Option<Sequence> {
    match PaymentId::parse(text) {
        Ok(id) => Some(match handle.locate(id) {
            Located::At(sequence) => sequence,
            Located::Lost { .. } | Located::Elsewhere => Sequence(u64::MAX),
        }),
        Err(_) => {
            let rule = "an id of a package or order is 31 capital letters and digits, as it was given";
            reader.violation(&Path::root(field), rule);
            None
        }
    }
}

/// A package as the contract has it.
pub(super) fn package(handle: &Handle, found: &PackageFound, text: Option<PackageText>) -> v1::Package {
    let package = &found.package;
    let state = match (package.is_abandoned(), package.is_closed(), package.is_complete()) {
        (true, ..) => v1::PackageState::Abandoned,
        (false, false, _) => v1::PackageState::Open,
        (false, true, false) => v1::PackageState::Running,
        (false, true, true) => v1::PackageState::Complete,
    };
    let currency = package.currency;
    let sum = |minor_units: i64| decimal_sum(minor_units.into(), currency);
    v1::Package {
        package_id: handle.payment_id(package.sequence).to_string(),
        bic: found.bank.to_string(),
        message_id: text.map_or_else(String::new, |text| text.message_id.as_str().to_owned()),
        state: state.into(),
        submitted_time: Some(timestamp(package.time)),
        stated_count: package.lines,
        // Below zero where the file states none.
        stated_sum: if package.control_sum < 0 { String::new() } else { sum(package.control_sum) },
        logged_count: package.logged,
        refused_count: package.refused,
        pending_count: package.pending,
        awaiting_count: package.awaiting,
        sent_count: package.sent,
        settled_count: package.settled,
        rejected_count: package.rejected,
        cancelled_count: package.cancelled,
        settled_sum: sum(package.sum_settled),
        currency_code: currency.code().to_owned(),
    }
}

/// An order as the contract has it.
pub(super) fn order(handle: &Handle, found: &OrderFound, terms: Option<StoredTerms>) -> v1::Order {
    let order = &found.order;
    let id = |position: Sequence| match position {
        Sequence(0) => String::new(),
        position => handle.payment_id(position).to_string(),
    };
    let paid = terms.as_ref().and_then(order_of);
    let payment = paid.map(|paid| v1::Payment { transaction_id: String::new(), ..payment_from_order(&paid) });
    let execution_date = match order.due {
        LocalTime::AT_ONCE => String::new(),
        due => due.date().to_string(),
    };
    v1::Order {
        order_id: id(order.sequence),
        state: order_state(found.state).into(),
        payment,
        bic: found.bank.to_string(),
        execution_date,
        schedule: order.schedule.as_ref().map(schedule),
        package_id: id(order.package),
        line_number: order.line,
        payment_id: id(order.payment),
        reason_code: order.reason.map_or_else(String::new, |reason| reason.to_string()),
    }
}

const fn order_state(state: OrderState) -> v1::OrderState {
    match state {
        OrderState::Pending => v1::OrderState::Pending,
        OrderState::Awaiting => v1::OrderState::AwaitingFunds,
        OrderState::Sent => v1::OrderState::Sent,
        OrderState::Settled => v1::OrderState::Settled,
        OrderState::Rejected | OrderState::Expired | OrderState::Refused => v1::OrderState::Rejected,
        OrderState::Cancelled => v1::OrderState::Cancelled,
    }
}

fn schedule(schedule: &Schedule) -> v1::Schedule {
    let unit = match schedule.every {
        Every::Week => v1::ScheduleUnit::Week,
        Every::Month => v1::ScheduleUnit::Month,
    };
    let rule = match schedule.on_closed_day {
        OnClosedDay::Before => v1::ClosedDayRule::Before,
        OnClosedDay::After => v1::ClosedDayRule::After,
        OnClosedDay::Same => v1::ClosedDayRule::Unspecified,
    };
    v1::Schedule {
        unit: unit.into(),
        interval: schedule.interval.into(),
        last_date: schedule.last.map_or_else(String::new, |last| last.to_string()),
        closed_day_rule: rule.into(),
    }
}
