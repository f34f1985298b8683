//! Exceptions between the contract and the vocabulary.

use client::convert::{FieldReader, Path, money, timestamp};
use client::v1;
use engine::{ExceptionFound, ExceptionStep, ExceptionTold, Handle};
use ledger::{
    AccountSelector, Direction, ExceptionAction, ExceptionKind, ExceptionOwner, ExceptionSubject,
    ExceptionText, RequestId,
};
use tonic::Status;
use types::{Amount, Balance, Bic, Currency, Iban, Located, PaymentId, Sequence, Text, Timestamp};

use crate::caller::Caller;
use crate::refusals::invalid;
use crate::values::{decimal, request_id};

/// An exception that is raised, whose subject has yet to be read.
pub(super) struct Raised {
    pub(super) request_id: RequestId,
    pub(super) bank: Bic,
    pub(super) kind: ExceptionKind,
    pub(super) subject: Subject,
    pub(super) note: Option<Text<140>>,
}

/// What it is about, as far as the caller says it.
pub(super) enum Subject {
    Payment(Sequence),
    Recall(Sequence),
    Named(ExceptionSubject),
}

/// An exception that gets an owner.
pub(super) struct Assigned {
    pub(super) request_id: RequestId,
    pub(super) exception: Sequence,
    pub(super) owner: ExceptionOwner,
    pub(super) note: Option<Text<140>>,
}

/// Something that is done about an exception.
pub(super) struct Resolved {
    pub(super) request_id: RequestId,
    pub(super) exception: Sequence,
    pub(super) action: ExceptionAction,
    pub(super) iban: Option<Iban>,
    pub(super) returned: Option<Returned>,
    pub(super) note: Option<Text<140>>,
}

/// How a payment goes back.
pub(super) struct Returned {
    pub(super) reference: Text<35>,
    pub(super) money: Option<ReturnedMoney>,
    pub(super) has_consent: bool,
}

/// Money whose currency has yet to be held against the payment's.
pub(super) struct ReturnedMoney {
    amount: Amount,
    fee: Balance,
    currency: Currency,
}

impl ReturnedMoney {
    /// What goes back and what the bank keeps, in the currency in which it was paid.
    pub(super) fn of(self, paid: Currency) -> Result<(Amount, Balance), Status> {
        if self.currency == paid {
            return Ok((self.amount, self.fee));
        }
        let mut reader = FieldReader::new();
        let path = Path::root("returned");
        let path = path.field("money");
        reader.violation(&path.field("amount"), "money goes back in the currency in which it was paid");
        Err(invalid(reader.finish::<()>(None).expect_err("a fault was noted")))
    }
}

/// Which exceptions, and from where.
pub(super) struct Listed {
    pub(super) bank: Option<Bic>,
    kinds: Vec<ExceptionKind>,
    states: Vec<v1::ExceptionState>,
    owner: Option<ExceptionOwner>,
    age_seconds_min: u64,
    pub(super) after: Sequence,
    pub(super) count_max: usize,
}

/// Exceptions on a page if the caller does not say, and at the most.
const PAGE_USUAL: usize = 100;
const PAGE_MAX: usize = engine::EXCEPTIONS_ASKED_MAX;

impl Listed {
    pub(super) fn wants(&self, found: &ExceptionFound, now: Timestamp) -> bool {
        let exception = &found.exception;
        let state = state(found);
        let is_state = match self.states.as_slice() {
            [] => state != v1::ExceptionState::Resolved,
            states => states.contains(&state),
        };
        let owner = exception.owner().map(|(owner, _)| owner);
        is_state
            && self.bank.is_none_or(|bank| bank == found.bank)
            && (self.kinds.is_empty() || self.kinds.contains(&exception.kind()))
            && self.owner.is_none_or(|wanted| owner == Some(wanted))
            && seconds_between(exception.time(), now) >= self.age_seconds_min
    }
}

pub(super) fn read_raise(
    handle: &Handle,
    caller: &Caller,
    wire: &v1::RaiseExceptionRequest,
) -> Result<Raised, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let bank = read_bank(&mut reader, caller, &wire.bic);
    let note = reader.optional_text(&Path::root("note"), &wire.note);
    let kind = kind_of(wire.kind());
    if kind.is_none() {
        reader.missing(&Path::root("kind"));
    }
    let subject = kind.and_then(|kind| read_subject(&mut reader, handle, kind, wire));
    let raised =
        (|| Some(Raised { request_id: request_id?, bank: bank?, kind: kind?, subject: subject?, note }))();
    reader.finish(raised).map_err(invalid)
}

/// The one subject that fits the kind.
fn read_subject(
    reader: &mut FieldReader,
    handle: &Handle,
    kind: ExceptionKind,
    wire: &v1::RaiseExceptionRequest,
) -> Option<Subject> {
    let is_break = kind == ExceptionKind::ReconciliationBreak;
    for (field, is_given, is_its) in [
        ("payment_id", !wire.payment_id.is_empty(), kind.is_of_payment()),
        ("recall_id", !wire.recall_id.is_empty(), kind == ExceptionKind::RecallDue),
        ("iban", !wire.iban.is_empty(), kind == ExceptionKind::StaleMirror),
        ("reference", !wire.reference.is_empty(), is_break),
        ("amount", wire.amount.is_some(), is_break),
        ("direction", wire.direction() != v1::EntryDirection::Unspecified, is_break),
    ] {
        if is_given && !is_its {
            reader.violation(&Path::root(field), "it does not belong to an exception of this kind");
        }
    }
    match kind {
        ExceptionKind::LatePositive
        | ExceptionKind::CreditNotAcknowledged
        | ExceptionKind::LateConfirmation => {
            position(reader, handle, "payment_id", &wire.payment_id).map(Subject::Payment)
        }
        ExceptionKind::RecallDue => {
            position(reader, handle, "recall_id", &wire.recall_id).map(Subject::Recall)
        }
        ExceptionKind::StaleMirror => {
            let iban = reader.iban(&Path::root("iban"), &wire.iban);
            let currency = match wire.currency_code.as_str() {
                "" => Some(Currency::EUR),
                code => reader.currency(&Path::root("currency_code"), code),
            };
            let account = AccountSelector { iban: iban?, currency: currency? };
            Some(Subject::Named(ExceptionSubject::Account(account)))
        }
        ExceptionKind::ReconciliationBreak => {
            let reference = reader.identifier(&Path::root("reference"), &wire.reference);
            let money = reader.money(&Path::root("amount"), wire.amount.as_ref());
            let direction = match wire.direction() {
                v1::EntryDirection::Debit => Some(Direction::Debit),
                v1::EntryDirection::Credit => Some(Direction::Credit),
                v1::EntryDirection::Unspecified => {
                    reader.missing(&Path::root("direction"));
                    None
                }
            };
            let ((amount, currency), reference, direction) = (money?, reference?, direction?);
            Some(Subject::Named(ExceptionSubject::Reference { reference, amount, currency, direction }))
        }
    }
}

pub(super) fn read_assign(handle: &Handle, wire: &v1::AssignExceptionRequest) -> Result<Assigned, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let exception = position(&mut reader, handle, "exception_id", &wire.exception_id);
    let owner = read_owner(&mut reader, &wire.owner);
    let note = reader.optional_text(&Path::root("note"), &wire.note);
    let assigned =
        (|| Some(Assigned { request_id: request_id?, exception: exception?, owner: owner?, note }))();
    reader.finish(assigned).map_err(invalid)
}

pub(super) fn read_resolve(handle: &Handle, wire: &v1::ResolveExceptionRequest) -> Result<Resolved, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let exception = position(&mut reader, handle, "exception_id", &wire.exception_id);
    let note = reader.optional_text(&Path::root("note"), &wire.note);
    let action = action_of(wire.action());
    if action.is_none() {
        reader.missing(&Path::root("action"));
    }
    let is_booked = action == Some(ExceptionAction::BookToCustomer);
    let iban = match (is_booked, wire.iban.as_str()) {
        (true, text) => reader.iban(&Path::root("iban"), text).map(Some),
        (false, "") => Some(None),
        (false, _) => {
            reader.violation(&Path::root("iban"), "only BOOK_TO_CUSTOMER books on an account");
            None
        }
    };
    let returned = match (action, &wire.returned) {
        (_, None) => Some(None),
        (Some(ExceptionAction::Return), Some(returned)) => read_returned(&mut reader, returned).map(Some),
        (_, Some(_)) => {
            reader.violation(&Path::root("returned"), "only RETURN gives something back");
            None
        }
    };
    let resolved = (|| {
        let (request_id, exception, action) = (request_id?, exception?, action?);
        Some(Resolved { request_id, exception, action, iban: iban?, returned: returned?, note })
    })();
    reader.finish(resolved).map_err(invalid)
}

fn read_returned(reader: &mut FieldReader, wire: &v1::ExceptionReturn) -> Option<Returned> {
    let path = Path::root("returned");
    let reference = reader.identifier(&path.field("reference"), &wire.reference);
    let money = match &wire.money {
        None => Some(None),
        Some(money) => read_money(reader, &path.field("money"), money).map(Some),
    };
    Some(Returned { reference: reference?, money: money?, has_consent: wire.payee_consent })
}

fn read_money(reader: &mut FieldReader, path: &Path<'_>, wire: &v1::RecallReturn) -> Option<ReturnedMoney> {
    let (amount, currency) = reader.money(&path.field("amount"), wire.amount.as_ref())?;
    let fee = match wire.fee.as_str() {
        "" => Balance::default(),
        fee => reader.optional_balance(&path.field("fee"), fee, currency)?,
    };
    if fee.minor_units() < 0 {
        reader.violation(&path.field("fee"), "a fee is not negative");
        return None;
    }
    Some(ReturnedMoney { amount, fee, currency })
}

/// The request id of the recall, or of the answer to one, that a return makes: one of its own beside that of the return.
pub(super) fn recall_request(request_id: &RequestId) -> Result<RequestId, Status> {
    RequestId::parse(&format!("{}-recall", request_id.as_str())).ok_or_else(|| {
        let mut reader = FieldReader::new();
        reader.violation(&Path::root("request_id"), "a RETURN has at most 57 characters here");
        invalid(reader.finish::<()>(None).expect_err("a fault was noted"))
    })
}

pub(super) fn read_list(handle: &Handle, wire: &v1::ListExceptionsRequest) -> Result<Listed, Status> {
    let mut reader = FieldReader::new();
    let bank = match wire.bic.as_str() {
        "" => Some(None),
        text => reader.bic(&Path::root("bic"), text).map(Some),
    };
    let kinds = wire.kinds().map(kind_of).collect::<Option<Vec<_>>>();
    if kinds.is_none() {
        reader.violation(&Path::root("kinds"), "each is a kind of exception");
    }
    let states: Vec<_> = wire.states().collect();
    if states.contains(&v1::ExceptionState::Unspecified) {
        reader.violation(&Path::root("states"), "each is where an exception may stand");
    }
    let owner = match wire.owner.as_str() {
        "" => Some(None),
        text => read_owner(&mut reader, text).map(Some),
    };
    let after = match wire.after_exception_id.as_str() {
        "" => Some(Sequence(0)),
        text => position(&mut reader, handle, "after_exception_id", text),
    };
    let count_max = match usize::try_from(wire.page_size).unwrap_or(usize::MAX) {
        0 => PAGE_USUAL,
        size => size.min(PAGE_MAX),
    };
    let age_seconds_min = wire.age_seconds_min;
    let listed = (|| {
        let (bank, kinds, owner, after) = (bank?, kinds?, owner?, after?);
        Some(Listed { bank, kinds, states, owner, age_seconds_min, after, count_max })
    })();
    reader.finish(listed).map_err(invalid)
}

pub(super) fn read_id(handle: &Handle, text: &str) -> Result<Sequence, Status> {
    let mut reader = FieldReader::new();
    let position = position(&mut reader, handle, "exception_id", text);
    reader.finish(position).map_err(invalid)
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

fn read_owner(reader: &mut FieldReader, text: &str) -> Option<ExceptionOwner> {
    let owner = ExceptionOwner::parse(text);
    if owner.is_none() {
        let rule = "1 to 32 printable ASCII characters without blanks: the label of a team or a queue";
        reader.violation(&Path::root("owner"), rule);
    }
    owner
}

/// The position that an id of this log names; a position at which nothing stands if it is another log's.
fn position(reader: &mut FieldReader, handle: &Handle, field: &'static str, text: &str) -> Option<Sequence> {
    match PaymentId::parse(text) {
        Ok(id) => Some(match handle.locate(id) {
            Located::At(sequence) => sequence,
            Located::Lost { .. } | Located::Elsewhere => Sequence(u64::MAX),
        }),
        Err(_) => {
            let rule = "an id is 31 capital letters and digits, as it was given";
            reader.violation(&Path::root(field), rule);
            None
        }
    }
}

/// An exception as the contract has it.
pub(super) fn exception(
    handle: &Handle,
    found: &ExceptionFound,
    text: Option<ExceptionText>,
) -> v1::Exception {
    let exception = &found.exception;
    let id = |position: Option<Sequence>| {
        position.map_or_else(String::new, |position| handle.payment_id(position).to_string())
    };
    let is_recall = exception.kind() == ExceptionKind::RecallDue;
    let is_payment = exception.kind().is_of_payment();
    let acted = exception.acted();
    let until = acted.filter(|_| exception.is_resolved()).map_or_else(|| handle.now(), |acted| acted.time);
    let erased = text.is_none() && has_text(exception.kind());
    let ExceptionText { reference, iban, note } = text.unwrap_or_default();
    let direction = match exception.direction() {
        None => v1::EntryDirection::Unspecified,
        Some(Direction::Debit) => v1::EntryDirection::Debit,
        Some(Direction::Credit) => v1::EntryDirection::Credit,
    };
    let legal = ExceptionAction::ALL.into_iter().filter(|action| may(found, *action));
    v1::Exception {
        exception_id: handle.payment_id(exception.sequence()).to_string(),
        kind: wire_kind(exception.kind()).into(),
        bic: found.bank.to_string(),
        other_bic: found.seen.other_bank.map_or_else(String::new, |bank| bank.to_string()),
        state: state(found).into(),
        payment_id: id(exception.subject().filter(|_| is_payment)),
        recall_id: id(exception.subject().filter(|_| is_recall)),
        iban: iban.map_or_else(String::new, |iban| iban.as_str().to_owned()),
        reference: reference.map_or_else(String::new, |text| text.as_str().to_owned()),
        amount: exception.amount().map(|amount| money(amount, exception.currency())),
        direction: direction.into(),
        raised_time: Some(timestamp(exception.time())),
        age_seconds: seconds_between(exception.time(), until),
        owner: exception.owner().map_or_else(String::new, |(owner, _)| owner.as_str().to_owned()),
        in_suspense: exception.is_in_suspense(),
        last_action: acted.map_or(v1::ExceptionAction::Unspecified, |acted| wire_action(acted.action)).into(),
        acted_time: acted.map(|acted| timestamp(acted.time)),
        acted_sequence: acted.map_or(0, |acted| acted.at.0),
        asked_count: exception.asked_count(),
        legal_actions: legal.map(|action| wire_action(action).into()).collect(),
        note: note.map_or_else(String::new, |text| text.as_str().to_owned()),
        erased,
        suspense_balance: decimal(found.suspense, exception.currency()),
    }
}

/// Whether exceptions of this kind always have a text.
const fn has_text(kind: ExceptionKind) -> bool {
    matches!(kind, ExceptionKind::StaleMirror | ExceptionKind::ReconciliationBreak)
}

/// Whether an action may be tried on an exception as it stands.
pub(super) fn may(found: &ExceptionFound, action: ExceptionAction) -> bool {
    let exception = &found.exception;
    let fits = match action {
        ExceptionAction::WriteOff => exception.is_in_suspense(),
        ExceptionAction::ToSuspense | ExceptionAction::Return | ExceptionAction::Close => {
            !exception.is_in_suspense()
        }
        ExceptionAction::BookToCustomer | ExceptionAction::AskAgain => true,
    };
    !exception.is_resolved() && exception.kind().permits(action) && fits
}

/// The names of the actions that are legal for a kind.
pub(super) fn legal_names(kind: ExceptionKind) -> String {
    let legal = ExceptionAction::ALL.into_iter().filter(|action| kind.permits(*action));
    let name = |action| {
        let name = wire_action(action).as_str_name();
        name.strip_prefix("EXCEPTION_ACTION_").unwrap_or(name)
    };
    legal.map(name).collect::<Vec<_>>().join(", ")
}

/// What happened to an exception, as an event has it.
pub(crate) fn exception_told(handle: &Handle, told: &ExceptionTold) -> v1::ExceptionEvent {
    let plain = v1::ExceptionEvent {
        exception_id: handle.payment_id(told.exception).to_string(),
        ..v1::ExceptionEvent::default()
    };
    match told.step {
        ExceptionStep::Raised { kind, amount, currency } => v1::ExceptionEvent {
            kind: wire_kind(kind).into(),
            amount: amount.map(|amount| money(amount, currency)),
            ..plain
        },
        ExceptionStep::Assigned(owner) => v1::ExceptionEvent { owner: owner.as_str().to_owned(), ..plain },
        ExceptionStep::Acted { kind, action, amount, currency } => v1::ExceptionEvent {
            kind: wire_kind(kind).into(),
            action: wire_action(action).into(),
            amount: amount.map(|amount| money(amount, currency)),
            ..plain
        },
    }
}

fn state(found: &ExceptionFound) -> v1::ExceptionState {
    match (found.exception.is_resolved(), found.exception.owner()) {
        (true, _) => v1::ExceptionState::Resolved,
        (false, Some(_)) => v1::ExceptionState::Assigned,
        (false, None) => v1::ExceptionState::Open,
    }
}

fn seconds_between(from: Timestamp, until: Timestamp) -> u64 {
    u64::try_from((until.nanoseconds() - from.nanoseconds()) / 1_000_000_000).unwrap_or_default()
}

const fn wire_kind(kind: ExceptionKind) -> v1::ExceptionKind {
    match kind {
        ExceptionKind::LatePositive => v1::ExceptionKind::LatePositive,
        ExceptionKind::CreditNotAcknowledged => v1::ExceptionKind::CreditNotAcknowledged,
        ExceptionKind::LateConfirmation => v1::ExceptionKind::LateConfirmation,
        ExceptionKind::StaleMirror => v1::ExceptionKind::StaleMirror,
        ExceptionKind::ReconciliationBreak => v1::ExceptionKind::ReconciliationBreak,
        ExceptionKind::RecallDue => v1::ExceptionKind::RecallDue,
    }
}

const fn kind_of(wire: v1::ExceptionKind) -> Option<ExceptionKind> {
    match wire {
        v1::ExceptionKind::Unspecified => None,
        v1::ExceptionKind::LatePositive => Some(ExceptionKind::LatePositive),
        v1::ExceptionKind::CreditNotAcknowledged => Some(ExceptionKind::CreditNotAcknowledged),
        v1::ExceptionKind::LateConfirmation => Some(ExceptionKind::LateConfirmation),
        v1::ExceptionKind::StaleMirror => Some(ExceptionKind::StaleMirror),
        v1::ExceptionKind::ReconciliationBreak => Some(ExceptionKind::ReconciliationBreak),
        v1::ExceptionKind::RecallDue => Some(ExceptionKind::RecallDue),
    }
}

const fn wire_action(action: ExceptionAction) -> v1::ExceptionAction {
    match action {
        ExceptionAction::BookToCustomer => v1::ExceptionAction::BookToCustomer,
        ExceptionAction::ToSuspense => v1::ExceptionAction::ToSuspense,
        ExceptionAction::Return => v1::ExceptionAction::Return,
        ExceptionAction::AskAgain => v1::ExceptionAction::AskAgain,
        ExceptionAction::WriteOff => v1::ExceptionAction::WriteOff,
        ExceptionAction::Close => v1::ExceptionAction::Close,
    }
}

const fn action_of(wire: v1::ExceptionAction) -> Option<ExceptionAction> {
    match wire {
        v1::ExceptionAction::Unspecified => None,
        v1::ExceptionAction::BookToCustomer => Some(ExceptionAction::BookToCustomer),
        v1::ExceptionAction::ToSuspense => Some(ExceptionAction::ToSuspense),
        v1::ExceptionAction::Return => Some(ExceptionAction::Return),
        v1::ExceptionAction::AskAgain => Some(ExceptionAction::AskAgain),
        v1::ExceptionAction::WriteOff => Some(ExceptionAction::WriteOff),
        v1::ExceptionAction::Close => Some(ExceptionAction::Close),
    }
}
