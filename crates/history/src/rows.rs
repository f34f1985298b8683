//! What history keeps, and its stored form.
//!
//! Payments, entries and the lists of banks are *series*: items in the order in which they were decided. Several
//! items of a series that come at once share a row, a *run*, whose key is the series and the place of its first item.
//! So a busy bank's thousand payments are a few rows, and a quiet one's single payment is one.
//!
//! Invariant: no row holds a name, an account number or a text of a payment. Accounts stand in rows as the ledger's
//! numbers or as keyed digests; references that came as text stand as keyed digests, save the transaction id, which is
//! in clear in the log as well.

use types::{
    AccountNumber, Amount, Bic, Channel, Currency, PaymentState, ReasonCode, Sequence, Text, Timestamp,
};

use ledger::Remark;

use crate::banks::Banks;
use crate::bytes::{RowReader, RowWriter};

/// Where an item stands in its series: the position that decided it, and which of those at that position it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// The position.
    pub at: Sequence,
    /// The turn at that position: more than one payment may be decided at a frame's first position.
    pub turn: u16,
}

impl Place {
    /// The bytes that order as places do.
    pub const LENGTH: usize = 10;

    /// After every place.
    pub const LAST: Self = Self { at: Sequence(u64::MAX), turn: u16::MAX };

    /// The first place at a position.
    pub const fn first_at(at: Sequence) -> Self {
        Self { at, turn: 0 }
    }

    /// The last place at a position.
    pub const fn last_at(at: Sequence) -> Self {
        Self { at, turn: u16::MAX }
    }

    /// The place after this one.
    pub const fn next(self) -> Self {
        match self.turn.checked_add(1) {
            Some(turn) => Self { at: self.at, turn },
            None => Self { at: Sequence(self.at.0.saturating_add(1)), turn: 0 },
        }
    }

    /// The place before this one, if there is one.
    pub const fn before(self) -> Option<Self> {
        match (self.turn.checked_sub(1), self.at.0.checked_sub(1)) {
            (Some(turn), _) => Some(Self { at: self.at, turn }),
            (None, Some(at)) => Some(Self::last_at(Sequence(at))),
            (None, None) => None,
        }
    }

    /// The bytes.
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..8].copy_from_slice(&self.at.0.to_be_bytes());
        bytes[8..].copy_from_slice(&self.turn.to_be_bytes());
        bytes
    }

    /// The place with these bytes.
    pub fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        let (at, turn) = bytes.split_first_chunk().expect("ten bytes");
        let turn = turn.first_chunk().expect("two bytes are left");
        Self { at: Sequence(u64::from_be_bytes(*at)), turn: u16::from_be_bytes(*turn) }
    }
}

/// One of the accounts of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountOf {
    /// Kept here, under this number.
    Here(AccountNumber),
    /// Kept elsewhere or unknown: the first half of the keyed digest of its number.
    Elsewhere([u8; 8]),
    /// Nothing is known of it: the payment was refused on reading, or came in before history begins.
    NotRead,
}

/// A payment and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRow {
    /// Its position.
    pub sequence: Sequence,
    /// The log time at which it came in.
    pub received_time: Timestamp,
    /// The position of the latest decision.
    pub decided_at: Sequence,
    /// The log time of the latest decision.
    pub decided_time: Timestamp,
    /// When its clock started; `None` if it was refused on reading and did not say.
    pub acceptance_time: Option<Timestamp>,
    /// Where it stands.
    pub state: PaymentState,
    /// Why it was not settled, as the payer's side is told.
    pub reason: Option<ReasonCode>,
    /// Why it was not settled, as the payee's bank is told.
    pub reason_to_creditor: Option<ReasonCode>,
    /// The payer's bank.
    pub debtor_agent: Bic,
    /// The payee's bank, if it could be read.
    pub creditor_agent: Option<Bic>,
    /// The payer's account.
    pub debtor_account: AccountOf,
    /// The payee's account.
    pub creditor_account: AccountOf,
    /// How much; `None` if it was refused on reading.
    pub amount: Option<(Amount, Currency)>,
    /// The payer's bank's reference.
    pub transaction_id: Text<35>,
    /// How it came in.
    pub channel: Channel,
    /// Its sender might not act for the payer's bank, which hears nothing of it.
    pub is_not_entitled: bool,
    /// Its settlement was confirmed late.
    pub is_late: bool,
    /// The payee's bank was told what came of it.
    pub is_told_to_creditor: bool,
    /// The payer's bank was asked about it, and answered or was silent to the end.
    pub is_debtor_asked: bool,
    /// The same of the payee's bank.
    pub is_creditor_asked: bool,
    /// The payer's own limit that it was refused for. Its fee is an entry.
    pub remark: Remark,
}

/// What came of a payment that was reserved: a row of its own, laid over the payment's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decided {
    pub(crate) decided_at: Sequence,
    pub(crate) decided_time: Timestamp,
    pub(crate) state: PaymentState,
    pub(crate) reason: Option<ReasonCode>,
    pub(crate) reason_to_creditor: Option<ReasonCode>,
    pub(crate) is_late: bool,
    pub(crate) is_told_to_creditor: bool,
    pub(crate) is_debtor_asked: bool,
    pub(crate) is_creditor_asked: bool,
}

/// What moved money on an account or position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A payment.
    Payment,
    /// What the payer's bank took for a payment.
    Fee,
    /// An entry of the bank's own systems.
    Posting,
    /// Liquidity that came from outside or left.
    Liquidity,
    /// A payment that went back.
    Return,
    /// What the payee's bank kept of a payment that went back.
    ReturnFee,
    /// Money that moved between a bank's own position and its own technical account.
    OwnFunds,
    /// What was held on an account and paid out. Which leg of the capture it was is the turn of its place.
    HoldCapture,
    /// What was booked to a customer about an exception.
    Exception,
}

/// One movement on an account or position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// Where it stands among the entries.
    pub place: Place,
    /// The log time of the booking.
    pub time: Timestamp,
    /// What moved it.
    pub kind: EntryKind,
    /// The position of the command: of the payment, the posting or the transfer.
    pub command: Sequence,
    /// How much, in minor units: above zero if it raised the balance.
    pub change: i64,
    /// The balance right after it, in minor units.
    pub balance: i64,
}

/// A payment in the list of one of its banks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListedRow {
    pub(crate) place: Place,
    /// When the bank was told of it.
    pub(crate) time: Timestamp,
    pub(crate) payment: Sequence,
    pub(crate) is_debtor_side: bool,
    pub(crate) is_creditor_side: bool,
    /// Where it stood then.
    pub(crate) state: PaymentState,
    /// In minor units, 0 if it was refused on reading.
    pub(crate) amount: i64,
    /// ISO 4217, 0 if it was refused on reading.
    pub(crate) currency: u16,
    /// The bank on the other side, 0 if it is not registered.
    pub(crate) counterpart: u32,
}

/// An item of a series.
pub(crate) trait Item: Sized + Clone {
    /// Items in one run at the most.
    const RUN_MAX: usize;

    fn place(&self) -> Place;

    /// Appends the item to its run. `before` is the one in front of it there.
    fn write(&self, before: Option<&Self>, banks: &Banks, row: &mut RowWriter);

    /// Reads the item that `write` has written; the first one's place is the run's.
    fn read(first: Place, before: Option<&Self>, banks: &Banks, row: &mut RowReader<'_>) -> Option<Self>;
}

/// The items of a run.
pub(crate) fn read_run<T: Item>(first: Place, row: &[u8], banks: &Banks) -> Option<Vec<T>> {
    let mut reader = RowReader::new(row);
    let mut items: Vec<T> = Vec::new();
    while !reader.is_empty() {
        let item = T::read(first, items.last(), banks, &mut reader)?;
        items.push(item);
    }
    Some(items)
}

/// The place after the one before, as far apart as they are.
pub(crate) fn write_place(before: Option<Place>, place: Place, row: &mut RowWriter) {
    let Some(before) = before else { return };
    assert!(place > before, "items of a series come in order");
    row.number(place.at.0 - before.at.0);
    if place.at == before.at {
        row.number(u64::from(place.turn - before.turn));
    } else {
        row.number(u64::from(place.turn));
    }
}

pub(crate) fn read_place(first: Place, before: Option<Place>, row: &mut RowReader<'_>) -> Option<Place> {
    let Some(before) = before else { return Some(first) };
    let at = row.ahead(before.at)?;
    let turn = u16::try_from(row.number()?).ok()?;
    let turn = if at == before.at { before.turn.checked_add(turn)? } else { turn };
    Some(Place { at, turn })
}

const LATE: u8 = 1;
const TOLD_TO_CREDITOR: u8 = 2;
const NOT_ENTITLED: u8 = 4;
const HAS_REASON: u8 = 8;
const HAS_OTHER_REASON: u8 = 16;
const HAS_AMOUNT: u8 = 32;
const HAS_ACCEPTANCE: u8 = 64;
const ISO_20022: u8 = 128;

// Of a decision alone. Decisions that an older program has written say neither.
const DEBTOR_ASKED: u8 = 32;
const CREDITOR_ASKED: u8 = 64;

// Beside the number of the state.
const STATE: u8 = 15;
const LIMIT_PER_PAYMENT: u8 = 16;
const LIMIT_PER_DAY: u8 = 32;

const fn write_remark(remark: Remark) -> u8 {
    match remark {
        Remark::LimitPerPayment => LIMIT_PER_PAYMENT,
        Remark::LimitPerDay => LIMIT_PER_DAY,
        Remark::None | Remark::Fee(_) => 0,
    }
}

const fn read_remark(mark: u8) -> Option<Remark> {
    match mark {
        0 => Some(Remark::None),
        LIMIT_PER_PAYMENT => Some(Remark::LimitPerPayment),
        LIMIT_PER_DAY => Some(Remark::LimitPerDay),
        _ => None,
    }
}

impl Item for PaymentRow {
    const RUN_MAX: usize = 32;

    fn place(&self) -> Place {
        Place::first_at(self.sequence)
    }

    fn write(&self, before: Option<&Self>, banks: &Banks, row: &mut RowWriter) {
        if let Some(before) = before {
            row.number(self.sequence.0 - before.sequence.0);
        }
        row.time(before.map_or(Timestamp::default(), |before| before.received_time), self.received_time);
        let flags = [
            (self.is_late, LATE),
            (self.is_told_to_creditor, TOLD_TO_CREDITOR),
            (self.is_not_entitled, NOT_ENTITLED),
            (self.reason.is_some(), HAS_REASON),
            (self.reason_to_creditor.is_some(), HAS_OTHER_REASON),
            (self.amount.is_some(), HAS_AMOUNT),
            (self.acceptance_time.is_some(), HAS_ACCEPTANCE),
            (self.channel == Channel::Iso20022, ISO_20022),
        ];
        row.byte(flags.into_iter().filter(|(is_set, _)| *is_set).fold(0, |all, (_, flag)| all | flag));
        row.byte(self.state.number() | write_remark(self.remark));
        for code in [self.reason, self.reason_to_creditor].into_iter().flatten() {
            row.raw(code.as_bytes());
        }
        if let Some(accepted) = self.acceptance_time {
            row.time(self.received_time, accepted);
        }
        // A decision at another time than the reception is a row of its own.
        row.number(self.decided_at.0 - self.sequence.0);
        row.time(self.received_time, self.decided_time);
        banks.write(Some(self.debtor_agent), row);
        banks.write(self.creditor_agent, row);
        write_account(self.debtor_account, row);
        write_account(self.creditor_account, row);
        if let Some((amount, currency)) = self.amount {
            row.signed(amount.minor_units());
            row.raw(&currency.number().to_le_bytes());
        }
        let id = self.transaction_id.as_str().as_bytes();
        row.byte(u8::try_from(id.len()).expect("it has at most 35 characters"));
        row.raw(id);
    }

    fn read(first: Place, before: Option<&Self>, banks: &Banks, row: &mut RowReader<'_>) -> Option<Self> {
        let sequence = match before {
            None => first.at,
            Some(before) => row.ahead(before.sequence)?,
        };
        let received_time = row.time(before.map_or(Timestamp::default(), |before| before.received_time))?;
        let flags = row.byte()?;
        let has = |flag| flags & flag != 0;
        let state = row.byte()?;
        let (state, remark) = (PaymentState::from_number(state & STATE)?, read_remark(state & !STATE)?);
        let reason = read_reason(has(HAS_REASON), row)?;
        let reason_to_creditor = read_reason(has(HAS_OTHER_REASON), row)?;
        let acceptance_time = if has(HAS_ACCEPTANCE) { Some(row.time(received_time)?) } else { None };
        let decided_at = row.ahead(sequence)?;
        let decided_time = row.time(received_time)?;
        let debtor_agent = banks.read(row)??;
        let creditor_agent = banks.read(row)?;
        let [debtor_account, creditor_account] = [read_account(row)?, read_account(row)?];
        let amount = if has(HAS_AMOUNT) { Some(read_amount(row)?) } else { None };
        let length = usize::from(row.byte()?);
        let transaction_id = Text::parse_identifier(std::str::from_utf8(row.raw(length)?).ok()?).ok()?;
        Some(Self {
            sequence,
            received_time,
            decided_at,
            decided_time,
            acceptance_time,
            state,
            reason,
            reason_to_creditor,
            debtor_agent,
            creditor_agent,
            debtor_account,
            creditor_account,
            amount,
            transaction_id,
            channel: if has(ISO_20022) { Channel::Iso20022 } else { Channel::Grpc },
            is_not_entitled: has(NOT_ENTITLED),
            is_late: has(LATE),
            is_told_to_creditor: has(TOLD_TO_CREDITOR),
            is_debtor_asked: false,
            is_creditor_asked: false,
            remark,
        })
    }
}

impl PaymentRow {
    /// Lays what was decided later over what was known first.
    pub(crate) fn decide(&mut self, decided: &Decided) {
        let Decided { decided_at, decided_time, state, reason, reason_to_creditor, .. } = *decided;
        (self.decided_at, self.decided_time, self.state) = (decided_at, decided_time, state);
        (self.reason, self.reason_to_creditor) = (reason, reason_to_creditor);
        (self.is_late, self.is_told_to_creditor) = (decided.is_late, decided.is_told_to_creditor);
        (self.is_debtor_asked, self.is_creditor_asked) = (decided.is_debtor_asked, decided.is_creditor_asked);
    }
}

impl Decided {
    pub(crate) fn write(&self, payment: Sequence) -> Vec<u8> {
        let mut row = RowWriter::default();
        row.number(self.decided_at.0 - payment.0);
        row.time(Timestamp::default(), self.decided_time);
        let flags = [
            (self.is_late, LATE),
            (self.is_told_to_creditor, TOLD_TO_CREDITOR),
            (self.reason.is_some(), HAS_REASON),
            (self.reason_to_creditor.is_some(), HAS_OTHER_REASON),
            (self.is_debtor_asked, DEBTOR_ASKED),
            (self.is_creditor_asked, CREDITOR_ASKED),
        ];
        row.byte(flags.into_iter().filter(|(is_set, _)| *is_set).fold(0, |all, (_, flag)| all | flag));
        row.byte(self.state.number());
        for code in [self.reason, self.reason_to_creditor].into_iter().flatten() {
            row.raw(code.as_bytes());
        }
        row.bytes
    }

    pub(crate) fn read(payment: Sequence, row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row);
        let decided_at = row.ahead(payment)?;
        let decided_time = row.time(Timestamp::default())?;
        let flags = row.byte()?;
        Some(Self {
            decided_at,
            decided_time,
            state: PaymentState::from_number(row.byte()?)?,
            reason: read_reason(flags & HAS_REASON != 0, &mut row)?,
            reason_to_creditor: read_reason(flags & HAS_OTHER_REASON != 0, &mut row)?,
            is_late: flags & LATE != 0,
            is_told_to_creditor: flags & TOLD_TO_CREDITOR != 0,
            is_debtor_asked: flags & DEBTOR_ASKED != 0,
            is_creditor_asked: flags & CREDITOR_ASKED != 0,
        })
    }
}

fn read_reason(is_there: bool, row: &mut RowReader<'_>) -> Option<Option<ReasonCode>> {
    if is_there { Some(Some(ReasonCode::from_bytes(row.array()?)?)) } else { Some(None) }
}

fn read_amount(row: &mut RowReader<'_>) -> Option<(Amount, Currency)> {
    let amount = Amount::from_minor_units(row.signed()?)?;
    Some((amount, Currency::from_number(u16::from_le_bytes(row.array()?)).ok()?))
}

/// 0: not read; 1: elsewhere, and half a digest; else the account's number and 1 more.
fn write_account(account: AccountOf, row: &mut RowWriter) {
    match account {
        AccountOf::NotRead => row.number(0),
        AccountOf::Elsewhere(digest) => {
            row.number(1);
            row.raw(&digest);
        }
        AccountOf::Here(number) => row.number(u64::from(number.0) + 1),
    }
}

fn read_account(row: &mut RowReader<'_>) -> Option<AccountOf> {
    Some(match row.number()? {
        0 => AccountOf::NotRead,
        1 => AccountOf::Elsewhere(row.array()?),
        number => AccountOf::Here(AccountNumber(u32::try_from(number - 1).ok()?)),
    })
}

const ENTRY_POSTING: u8 = 1;
const ENTRY_LIQUIDITY: u8 = 2;
const ENTRY_FEE: u8 = 3;
const ENTRY_RETURN: u8 = 4;
const ENTRY_RETURN_FEE: u8 = 5;
const ENTRY_OWN_FUNDS: u8 = 6;
const ENTRY_HOLD_CAPTURE: u8 = 7;
const ENTRY_EXCEPTION: u8 = 8;

impl EntryKind {
    /// The stored number.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Payment => 0,
            Self::Fee => ENTRY_FEE,
            Self::Posting => ENTRY_POSTING,
            Self::Liquidity => ENTRY_LIQUIDITY,
            Self::Return => ENTRY_RETURN,
            Self::ReturnFee => ENTRY_RETURN_FEE,
            Self::OwnFunds => ENTRY_OWN_FUNDS,
            Self::HoldCapture => ENTRY_HOLD_CAPTURE,
            Self::Exception => ENTRY_EXCEPTION,
        }
    }

    /// The kind with this stored number.
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Payment,
            ENTRY_FEE => Self::Fee,
            ENTRY_POSTING => Self::Posting,
            ENTRY_LIQUIDITY => Self::Liquidity,
            ENTRY_RETURN => Self::Return,
            ENTRY_RETURN_FEE => Self::ReturnFee,
            ENTRY_OWN_FUNDS => Self::OwnFunds,
            ENTRY_HOLD_CAPTURE => Self::HoldCapture,
            ENTRY_EXCEPTION => Self::Exception,
            _ => return None,
        })
    }
}

impl Item for EntryRow {
    const RUN_MAX: usize = 64;

    fn place(&self) -> Place {
        self.place
    }

    fn write(&self, before: Option<&Self>, _: &Banks, row: &mut RowWriter) {
        write_place(before.map(|before| before.place), self.place, row);
        row.time(before.map_or(Timestamp::default(), |before| before.time), self.time);
        row.byte(self.kind.number());
        row.number(self.place.at.0 - self.command.0);
        row.signed(self.change);
        row.signed(self.balance);
    }

    fn read(first: Place, before: Option<&Self>, _: &Banks, row: &mut RowReader<'_>) -> Option<Self> {
        let place = read_place(first, before.map(|before| before.place), row)?;
        let time = row.time(before.map_or(Timestamp::default(), |before| before.time))?;
        let kind = EntryKind::from_number(row.byte()?)?;
        let command = row.behind(place.at)?;
        Some(Self { place, time, kind, command, change: row.signed()?, balance: row.signed()? })
    }
}

const DEBTOR_SIDE: u8 = 8;
const CREDITOR_SIDE: u8 = 16;

impl Item for ListedRow {
    const RUN_MAX: usize = 64;

    fn place(&self) -> Place {
        self.place
    }

    fn write(&self, before: Option<&Self>, _: &Banks, row: &mut RowWriter) {
        write_place(before.map(|before| before.place), self.place, row);
        row.time(before.map_or(Timestamp::default(), |before| before.time), self.time);
        row.number(self.place.at.0 - self.payment.0);
        let side = |is_set, side| if is_set { side } else { 0 };
        let sides = side(self.is_debtor_side, DEBTOR_SIDE) | side(self.is_creditor_side, CREDITOR_SIDE);
        row.byte(self.state.number() | sides);
        row.signed(self.amount);
        row.number(u64::from(self.currency));
        row.number(u64::from(self.counterpart));
    }

    fn read(first: Place, before: Option<&Self>, _: &Banks, row: &mut RowReader<'_>) -> Option<Self> {
        let place = read_place(first, before.map(|before| before.place), row)?;
        let time = row.time(before.map_or(Timestamp::default(), |before| before.time))?;
        let payment = row.behind(place.at)?;
        let state = row.byte()?;
        Some(Self {
            place,
            time,
            payment,
            is_debtor_side: state & DEBTOR_SIDE != 0,
            is_creditor_side: state & CREDITOR_SIDE != 0,
            state: PaymentState::from_number(state & (DEBTOR_SIDE - 1))?,
            amount: row.signed()?,
            currency: u16::try_from(row.number()?).ok()?,
            counterpart: u32::try_from(row.number()?).ok()?,
        })
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
