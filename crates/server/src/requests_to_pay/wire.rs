//! Requests to pay between the contract and the vocabulary.

use client::convert::{FieldReader, Path, order_from_payment, payment_from_order, timestamp};
use client::v1;
use engine::{Handle, RequestFound, RequestSide, RequestStep, RequestTold};
use ledger::{LocalTime, RequestDetails, RequestEnd, RequestId, RequestToPayStatus, RequestToPayText};
use tonic::Status;
use types::{
    Amount, Bic, Currency, Date, FixedParts, Iban, Located, PaymentId, PaymentOrder, ReasonCode, Sequence,
    Text, Timestamp,
};

use crate::caller::Caller;
use crate::refusals::invalid;
use crate::values::request_id;

/// The purpose of a payment that is made on request.
pub(super) const PURPOSE: &str = "RRTP";

/// Stands in the place of a transaction id: the payment's own is given when it is made.
pub(super) const NO_TRANSACTION_ID: &str = "RRTP";

/// Stands in the place of the payer's bank until it is found.
const NO_BANK: &str = "XXXXXXXX";

/// A request whose payer's account has yet to be found.
pub(super) struct Wanted {
    pub(super) request_id: RequestId,
    pub(super) order: PaymentOrder,
    /// The payer's bank, if the payee says which one it is.
    pub(super) payer_bank: Option<Bic>,
    pub(super) expires: Timestamp,
    pub(super) pay_by: Option<LocalTime>,
    pub(super) details: RequestDetails,
}

/// That a payer accepts.
pub(super) struct Accepted {
    pub(super) request_id: RequestId,
    pub(super) to_pay: Sequence,
    pub(super) due: LocalTime,
    pub(super) payer_name: Option<Text<140>>,
}

/// Which requests, and from where.
pub(super) struct Listed {
    pub(super) of: ListedOf,
    pub(super) status: Option<RequestToPayStatus>,
    pub(super) after: Sequence,
    pub(super) page_size: usize,
}

pub(super) enum ListedOf {
    Account(Iban, Currency),
    Bank(Bic, RequestSide),
}

/// The last minute of a day: until then a payment may be put off to it.
pub(super) fn last_minute(date: Date) -> LocalTime {
    LocalTime::of_minute(date, 24 * 60 - 1).expect("a day has 1,440 minutes")
}

pub(super) fn read_create(wire: v1::CreateRequestToPayRequest) -> Result<Wanted, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let expires = reader.timestamp(&Path::root("expiry_time"), wire.expiry_time.as_ref());
    let pay_by = reader.optional_date(&Path::root("pay_by_date"), &wire.pay_by_date).map(last_minute);
    let invoice_number = reader.optional_text(&Path::root("invoice_number"), &wire.invoice_number);
    let invoice_link = reader.optional_text(&Path::root("invoice_link"), &wire.invoice_link);
    let details = RequestDetails { payment_information_id: None, invoice_number, invoice_link };
    let order = match read_payment(wire.payment) {
        Ok(order) => Some(order),
        Err(faults) => {
            let others = reader.finish(Some(())).err().unwrap_or_default();
            return Err(invalid([others, faults].concat()));
        }
    };
    let wanted = (|| {
        let (order, payer_bank) = order?;
        let (request_id, expires) = (request_id?, expires?);
        Some(Wanted { request_id, order, payer_bank, expires, pay_by, details })
    })();
    reader.finish(wanted).map_err(invalid)
}

/// The payment that is asked for, and the payer's bank if it is named.
fn read_payment(
    payment: Option<v1::Payment>,
) -> Result<(PaymentOrder, Option<Bic>), Vec<v1::FieldViolation>> {
    let fault = |field: &str, description: &str| v1::FieldViolation {
        field: field.to_owned(),
        description: description.to_owned(),
    };
    let Some(mut payment) = payment else {
        return Err(vec![fault("payment", "say which payment is asked for")]);
    };
    let mut faults = Vec::new();
    let given_later = "it is given when the payment is made; leave it out";
    if !payment.transaction_id.is_empty() {
        faults.push(fault("payment.transaction_id", given_later));
    }
    if payment.acceptance_time.is_some() {
        faults.push(fault("payment.acceptance_time", given_later));
    }
    if !payment.purpose.is_empty() && payment.purpose != PURPOSE {
        faults.push(fault("payment.purpose", "a payment that is made on request has the purpose RRTP"));
    }
    let is_named = !payment.debtor_agent.is_empty();
    if !is_named {
        payment.debtor_agent = NO_BANK.to_owned();
    }
    payment.transaction_id = NO_TRANSACTION_ID.to_owned();
    payment.purpose = PURPOSE.to_owned();
    payment.acceptance_time = None;
    match order_from_payment(&payment) {
        Ok(order) if faults.is_empty() => {
            let bank = is_named.then_some(order.debtor_agent);
            Ok((order, bank))
        }
        Ok(_) => Err(faults),
        Err(others) => Err([faults, others].concat()),
    }
}

pub(super) fn read_about(
    handle: &Handle,
    request: &str,
    to_pay: &str,
) -> Result<(RequestId, Sequence), Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, request);
    let to_pay = position(&mut reader, handle, "request_to_pay_id", to_pay);
    let about = (|| Some((request_id?, to_pay?)))();
    reader.finish(about).map_err(invalid)
}

pub(super) fn read_accept(handle: &Handle, wire: &v1::AcceptRequestToPayRequest) -> Result<Accepted, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let to_pay = position(&mut reader, handle, "request_to_pay_id", &wire.request_to_pay_id);
    let pay_on = reader.optional_date(&Path::root("pay_on_date"), &wire.pay_on_date);
    let payer_name = reader.optional_text(&Path::root("payer_name"), &wire.payer_name);
    let due = pay_on.map_or(LocalTime::AT_ONCE, LocalTime::of_day);
    let accepted = (|| Some(Accepted { request_id: request_id?, to_pay: to_pay?, due, payer_name }))();
    reader.finish(accepted).map_err(invalid)
}

pub(super) fn read_refuse(
    handle: &Handle,
    wire: &v1::RefuseRequestToPayRequest,
) -> Result<(RequestId, Sequence, ReasonCode), Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let to_pay = position(&mut reader, handle, "request_to_pay_id", &wire.request_to_pay_id);
    let reason = ReasonCode::parse(&wire.reason).ok();
    if reason.is_none() {
        reader.violation(&Path::root("reason"), "a reason is four capital letters or digits, such as MS02");
    }
    let refused = (|| Some((request_id?, to_pay?, reason?)))();
    reader.finish(refused).map_err(invalid)
}

pub(super) fn read_list(
    handle: &Handle,
    caller: &Caller,
    wire: &v1::ListRequestsToPayRequest,
) -> Result<Listed, Status> {
    let mut reader = FieldReader::new();
    let of = match (wire.iban.as_str(), wire.side()) {
        ("", v1::RequestToPaySide::Unspecified) => {
            reader.violation(&Path::root("side"), "say which side, or name an account");
            None
        }
        ("", side) => {
            let side = match side {
                v1::RequestToPaySide::Payer => RequestSide::Payer,
                v1::RequestToPaySide::Payee | v1::RequestToPaySide::Unspecified => RequestSide::Payee,
            };
            read_bank(&mut reader, caller, &wire.bic).map(|bank| ListedOf::Bank(bank, side))
        }
        (iban, _) => {
            if !wire.bic.is_empty() {
                reader.violation(&Path::root("bic"), "the account names its bank; leave it out");
            }
            let iban = reader.iban(&Path::root("iban"), iban);
            let currency = reader.currency(&Path::root("currency_code"), &wire.currency_code);
            iban.zip(currency).map(|(iban, currency)| ListedOf::Account(iban, currency))
        }
    };
    let status = match v1::RequestToPayStatus::try_from(wire.status) {
        Ok(status) => Some(status_from(status)),
        Err(_) => {
            reader.violation(&Path::root("status"), "a status of a request to pay");
            None
        }
    };
    let after = match wire.page_token.as_str() {
        "" => Some(Sequence(0)),
        text => position(&mut reader, handle, "page_token", text),
    };
    let page_size = usize::try_from(wire.page_size).unwrap_or(usize::MAX);
    let listed = (|| Some(Listed { of: of?, status: status?, after: after?, page_size }))();
    reader.finish(listed).map_err(invalid)
}

/// The bank that is named; whoever acts for one alone need not name it.
fn read_bank(reader: &mut FieldReader, caller: &Caller, text: &str) -> Option<Bic> {
    let path = Path::root("bic");
    match text {
        "" => caller.only_bank().or_else(|| {
            reader.missing(&path);
            None
        }),
        text => reader.bic(&path, text),
    }
}

pub(super) fn read_id(handle: &Handle, text: &str) -> Result<Sequence, Status> {
    let mut reader = FieldReader::new();
    let position = position(&mut reader, handle, "request_to_pay_id", text);
    reader.finish(position).map_err(invalid)
}

/// The position that an id of this log names; a position at which nothing stands if it is another log's.
fn position(reader: &mut FieldReader, handle: &Handle, field: &'static str, text: &str) -> Option<Sequence> {
    match PaymentId::parse(text) {
        Ok(id) => Some(match handle.locate(id) {
            Located::At(sequence) => sequence,
            Located::Lost { .. } | Located::Elsewhere => Sequence(u64::MAX),
        }),
        Err(_) => {
            reader.violation(
                &Path::root(field),
                "the id of a request to pay is 31 capital letters and digits, as it was given",
            );
            None
        }
    }
}

/// The payment that is asked for.
pub(super) fn order_of(found: &RequestFound, text: &RequestToPayText) -> Option<PaymentOrder> {
    let fixed = FixedParts {
        debtor_agent: found.payer_bank,
        creditor_agent: found.payee_bank,
        transaction_id: Text::parse(NO_TRANSACTION_ID).ok()?,
        amount: Amount::from_minor_units(found.request.amount())?,
        currency: found.currency,
        acceptance_time: None,
    };
    text.order(fixed).ok()
}

const fn status_from(status: v1::RequestToPayStatus) -> Option<RequestToPayStatus> {
    match status {
        v1::RequestToPayStatus::Unspecified => None,
        v1::RequestToPayStatus::Created => Some(RequestToPayStatus::Created),
        v1::RequestToPayStatus::Presented => Some(RequestToPayStatus::Presented),
        v1::RequestToPayStatus::Accepted => Some(RequestToPayStatus::Accepted),
        v1::RequestToPayStatus::Paid => Some(RequestToPayStatus::Paid),
        v1::RequestToPayStatus::Refused => Some(RequestToPayStatus::Refused),
        v1::RequestToPayStatus::Cancelled => Some(RequestToPayStatus::Cancelled),
        v1::RequestToPayStatus::Expired => Some(RequestToPayStatus::Expired),
    }
}

const fn status(status: RequestToPayStatus) -> v1::RequestToPayStatus {
    match status {
        RequestToPayStatus::Created => v1::RequestToPayStatus::Created,
        RequestToPayStatus::Presented => v1::RequestToPayStatus::Presented,
        RequestToPayStatus::Accepted => v1::RequestToPayStatus::Accepted,
        RequestToPayStatus::Paid => v1::RequestToPayStatus::Paid,
        RequestToPayStatus::Refused => v1::RequestToPayStatus::Refused,
        RequestToPayStatus::Cancelled => v1::RequestToPayStatus::Cancelled,
        RequestToPayStatus::Expired => v1::RequestToPayStatus::Expired,
    }
}

/// The reason of a request as one sees it who may see the payer's side, or not: why a payment failed is that side's alone.
pub(super) fn reason(found: &RequestFound, sees_payer: bool) -> Option<ReasonCode> {
    let is_of_payer = found.request.status() == RequestToPayStatus::Refused;
    found.request.reason().map(|reason| if is_of_payer || sees_payer { reason } else { no_reason_given() })
}

fn no_reason_given() -> ReasonCode {
    ReasonCode::parse("MS03").expect("four capital letters and digits")
}

/// A request as the contract has it, for this caller.
pub(super) fn request(
    handle: &Handle,
    caller: &Caller,
    found: &RequestFound,
    text: Option<&RequestToPayText>,
) -> v1::RequestToPay {
    let it = &found.request;
    let sees_payer = caller.may_see(found.payer_bank);
    let id = |position: Option<Sequence>| {
        position.map_or_else(String::new, |position| handle.payment_id(position).to_string())
    };
    let day = |time: Option<LocalTime>| time.map_or_else(String::new, |time| time.date().to_string());
    let order = text.and_then(|text| order_of(found, text));
    let erased = order.is_none();
    let mut payment = order.map_or_else(|| erased_payment(found), |order| payment_from_order(&order));
    payment.transaction_id.clear();
    let words = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let details = text.map(|text| text.details.clone()).unwrap_or_default();
    v1::RequestToPay {
        request_to_pay_id: id(Some(it.sequence())),
        status: status(it.status()).into(),
        payment: Some(payment),
        created_time: Some(timestamp(it.time())),
        expiry_time: Some(timestamp(it.expires())),
        pay_by_date: day(it.pay_by()),
        changed_time: Some(timestamp(it.changed())),
        payment_information_id: words(details.payment_information_id.as_ref().map(Text::as_str)),
        invoice_number: words(details.invoice_number.as_ref().map(Text::as_str)),
        invoice_link: words(details.invoice_link.as_ref().map(Text::as_str)),
        order_id: id(it.accepted_at().filter(|_| sees_payer)),
        pay_on_date: day(it.pay_at()),
        payment_id: id(it.payment()),
        reason: reason(found, sees_payer).map_or_else(String::new, |reason| reason.to_string()),
        erased,
    }
}

/// What is known of a payment without its texts.
fn erased_payment(found: &RequestFound) -> v1::Payment {
    let amount = Amount::from_minor_units(found.request.amount());
    v1::Payment {
        debtor_agent: found.payer_bank.to_string(),
        creditor_agent: found.payee_bank.to_string(),
        amount: amount.map(|amount| client::convert::money(amount, found.currency)),
        ..v1::Payment::default()
    }
}

/// What happened to a request, for one who may see the payer's side, or not.
pub(crate) fn told_event(handle: &Handle, told: &RequestTold, sees_payer: bool) -> v1::RequestToPayEvent {
    use v1::RequestToPayStep as Step;
    let (step, payment, reason) = match told.step {
        RequestStep::Created => (Step::Created, None, None),
        RequestStep::Presented => (Step::Presented, None, None),
        RequestStep::Accepted => (Step::Accepted, None, None),
        RequestStep::Refused(reason) => (Step::Refused, None, Some(reason)),
        RequestStep::Cancelled => (Step::Cancelled, None, None),
        RequestStep::Ended(RequestEnd::Expired) => (Step::Expired, None, None),
        RequestStep::Ended(RequestEnd::Paid(payment)) => (Step::Paid, Some(payment), None),
        RequestStep::Ended(RequestEnd::Failed { payment, reason }) => {
            let reason = if sees_payer { reason } else { no_reason_given() };
            (Step::PaymentFailed, payment, Some(reason))
        }
    };
    v1::RequestToPayEvent {
        request_to_pay_id: handle.payment_id(told.to_pay).to_string(),
        step: step.into(),
        payer_bank: told.payer_bank.to_string(),
        payee_bank: told.payee_bank.to_string(),
        payment_id: payment.map_or_else(String::new, |payment| handle.payment_id(payment).to_string()),
        reason: reason.map_or_else(String::new, |reason| reason.to_string()),
    }
}
