//! Holds between the contract and the vocabulary.

use client::convert::{FieldReader, Path, money, timestamp};
use client::v1;
use engine::{Handle, HoldFound};
use ledger::layout::HOLD_LEGS_MAX;
use ledger::{AccountSelector, HoldText, PlaceHold, RequestId};
use tonic::Status;
use types::{Amount, Bic, Currency, Iban, Located, PaymentId, Sequence, Text, Timestamp};

use crate::caller::Caller;
use crate::refusals::invalid;
use crate::values::request_id;

/// A hold whose account has yet to be found.
pub(super) struct Wanted {
    pub(super) request_id: RequestId,
    pub(super) account: AccountSelector,
    pub(super) amount: Amount,
    pub(super) expires: Timestamp,
    pub(super) reference: Text<35>,
    pub(super) note: Option<Text<140>>,
}

impl Wanted {
    /// The command, on an account of this bank's.
    pub(super) fn at(self, bank: Bic) -> PlaceHold {
        let Self { request_id, account, amount, expires, reference, note } = self;
        PlaceHold { request_id, bank, account, amount, expires, reference, note }
    }
}

/// A capture whose accounts have yet to be found.
pub(super) struct Captured {
    pub(super) request_id: RequestId,
    pub(super) bank: Bic,
    pub(super) hold: Sequence,
    pub(super) legs: Vec<Leg>,
    pub(super) is_final: bool,
}

/// One payee of it.
pub(super) struct Leg {
    pub(super) iban: Iban,
    pub(super) amount: Amount,
    pub(super) currency: Currency,
    pub(super) reference: Text<35>,
    pub(super) remittance: Option<Text<140>>,
}

/// A release whose currency has yet to be held against the hold's.
pub(super) struct Released {
    pub(super) request_id: RequestId,
    pub(super) bank: Bic,
    pub(super) hold: Sequence,
    pub(super) money: Option<(Amount, Currency)>,
}

/// Which holds, and from where.
pub(super) struct Listed {
    pub(super) iban: Iban,
    pub(super) currency: Currency,
    pub(super) after: Sequence,
    pub(super) page_size: usize,
}

const OF_THE_HOLD: &str = "money is paid out and given back in the currency of the hold";

impl Leg {
    /// Refuses a leg in another currency than the hold's.
    pub(super) fn check_currency(&self, index: usize, held: Currency) -> Result<(), Status> {
        if self.currency == held {
            return Ok(());
        }
        let mut reader = FieldReader::new();
        let legs = Path::root("legs");
        reader.violation(&legs.element(index).field("amount"), OF_THE_HOLD);
        Err(invalid(reader.finish::<()>(None).expect_err("a fault was noted")))
    }
}

/// Refuses money in another currency than the hold's.
pub(super) fn check_money(money: Option<(Amount, Currency)>, held: Currency) -> Result<(), Status> {
    if money.is_none_or(|(_, currency)| currency == held) {
        return Ok(());
    }
    let mut reader = FieldReader::new();
    reader.violation(&Path::root("amount"), OF_THE_HOLD);
    Err(invalid(reader.finish::<()>(None).expect_err("a fault was noted")))
}

pub(super) fn read_hold(wire: &v1::HoldRequest) -> Result<Wanted, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let iban = reader.iban(&Path::root("iban"), &wire.iban);
    let money = reader.money(&Path::root("amount"), wire.amount.as_ref());
    let expires = reader.timestamp(&Path::root("expiry_time"), wire.expiry_time.as_ref());
    let reference = reader.identifier(&Path::root("reference"), &wire.reference);
    let note = reader.optional_text(&Path::root("note"), &wire.note);
    let wanted = (|| {
        let (amount, currency) = money?;
        let (request_id, expires, reference) = (request_id?, expires?, reference?);
        let account = AccountSelector { iban: iban?, currency };
        Some(Wanted { request_id, account, amount, expires, reference, note })
    })();
    reader.finish(wanted).map_err(invalid)
}

pub(super) fn read_capture(
    handle: &Handle,
    caller: &Caller,
    wire: &v1::CaptureRequest,
) -> Result<Captured, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let bank = read_bank(&mut reader, caller, &wire.bic);
    let hold = position(&mut reader, handle, "hold_id", &wire.hold_id);
    let path = Path::root("legs");
    if wire.legs.is_empty() || wire.legs.len() > HOLD_LEGS_MAX {
        reader.violation(&path, format_args!("a capture has 1 to {HOLD_LEGS_MAX} payees"));
    }
    let legs = wire.legs.iter().take(HOLD_LEGS_MAX).enumerate();
    let legs: Vec<Option<Leg>> =
        legs.map(|(index, leg)| read_leg(&mut reader, &path.element(index), leg)).collect();
    let legs: Option<Vec<Leg>> = legs.into_iter().collect();
    let is_final = wire.r#final;
    let captured =
        (|| Some(Captured { request_id: request_id?, bank: bank?, hold: hold?, legs: legs?, is_final }))();
    reader.finish(captured).map_err(invalid)
}

fn read_leg(reader: &mut FieldReader, path: &Path<'_>, wire: &v1::CaptureLeg) -> Option<Leg> {
    let iban = reader.iban(&path.field("iban"), &wire.iban);
    let money = reader.money(&path.field("amount"), wire.amount.as_ref());
    let reference = reader.identifier(&path.field("reference"), &wire.reference);
    let remittance = reader.optional_text(&path.field("remittance"), &wire.remittance);
    let (amount, currency) = money?;
    Some(Leg { iban: iban?, amount, currency, reference: reference?, remittance })
}

pub(super) fn read_release(
    handle: &Handle,
    caller: &Caller,
    wire: &v1::ReleaseRequest,
) -> Result<Released, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let bank = read_bank(&mut reader, caller, &wire.bic);
    let hold = position(&mut reader, handle, "hold_id", &wire.hold_id);
    let money = match &wire.amount {
        None => Some(None),
        amount => reader.money(&Path::root("amount"), amount.as_ref()).map(Some),
    };
    let released = (|| Some(Released { request_id: request_id?, bank: bank?, hold: hold?, money: money? }))();
    reader.finish(released).map_err(invalid)
}

pub(super) fn read_list(handle: &Handle, wire: &v1::ListHoldsRequest) -> Result<Listed, Status> {
    let mut reader = FieldReader::new();
    let iban = reader.iban(&Path::root("iban"), &wire.iban);
    let currency = reader.currency(&Path::root("currency_code"), &wire.currency_code);
    let after = match wire.after_hold_id.as_str() {
        "" => Some(Sequence(0)),
        text => position(&mut reader, handle, "after_hold_id", text),
    };
    let page_size = usize::try_from(wire.page_size).unwrap_or(usize::MAX);
    let listed = (|| Some(Listed { iban: iban?, currency: currency?, after: after?, page_size }))();
    reader.finish(listed).map_err(invalid)
}

pub(super) fn read_id(handle: &Handle, field: &'static str, text: &str) -> Result<Sequence, Status> {
    let mut reader = FieldReader::new();
    let position = position(&mut reader, handle, field, text);
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
                "a hold's id is 31 capital letters and digits, as it was given",
            );
            None
        }
    }
}

/// A hold as the contract has it.
pub(super) fn hold(handle: &Handle, found: &HoldFound, text: Option<HoldText>) -> v1::AccountHold {
    let HoldFound { hold, bank, currency } = found;
    let amount = |minor_units| Amount::from_minor_units(minor_units).map(|amount| money(amount, *currency));
    let erased = text.is_none();
    let (iban, reference, note) = text.map_or_else(Default::default, |text| {
        let note = text.note.map_or_else(String::new, |note| note.as_str().to_owned());
        (text.iban.as_str().to_owned(), text.reference.as_str().to_owned(), note)
    });
    v1::AccountHold {
        hold_id: handle.payment_id(hold.sequence()).to_string(),
        iban,
        bic: bank.to_string(),
        amount: amount(hold.amount()),
        held: amount(hold.held()),
        placed_time: Some(timestamp(hold.time())),
        expiry_time: Some(timestamp(hold.expires())),
        reference,
        note,
        erased,
    }
}
