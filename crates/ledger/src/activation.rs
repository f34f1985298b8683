//! Which accounts take part in payments, while a bank moves here from another system.
//!
//! A bank's accounts take part unless a logged command says otherwise: of all its accounts, or of a range of their numbers.
//! The ledger knows accounts by digests, so it can't tell into which range one falls. Whoever submits a payment has the
//! numbers in clear: it judges by a copy of this table, and the record says what it found and by which table. The ledger
//! compares the table's number with that of its own.
//!
//! Invariants:
//! - Entries are sorted; the ranges of a bank are apart from each other, and each says the opposite of the bank as a whole.
//! - Every change of the table raises its number.

use std::cmp::Ordering;
use std::ops::Range;

use types::{Bic, Iban, ParticipantNumber, Text};

use crate::command::RequestId;
use crate::limits::ACTIVATION_RANGES_MAX;
use crate::{Ledger, Refusal, layout};

#[path = "activation_state.rs"]
mod state;

/// How long the part of an account's number behind the check digits may be.
const ACCOUNT_LENGTH_MAX: usize = 30;

/// Numbers of accounts from one to another, both included. Check digits do not count: they stand in front of what a bank
/// numbers its accounts and branches by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountRange {
    country: [u8; 2],
    length: u8,
    from: [u8; ACCOUNT_LENGTH_MAX],
    upto: [u8; ACCOUNT_LENGTH_MAX],
    /// At which places only digits stand, a bit for each: what lies beside a number depends on that.
    digits: u32,
}

/// Why two texts are no range of account numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountRangeError {
    /// The country has registered no IBAN.
    #[error("the country is not in the IBAN registry")]
    Country,
    /// An end is not as long as account numbers of the country are behind the check digits.
    #[error("behind the check digits an IBAN of this country has {expected} characters, this has {found}")]
    Length {
        /// The registered length.
        expected: usize,
        /// The length of the text.
        found: usize,
    },
    /// An end has another character than numbers of the country have there.
    #[error("an end of a range does not follow its country's structure")]
    Character,
    /// The range ends before it begins, or covers one number only, which would be an account's in clear.
    #[error("a range ends behind its beginning; for one account set its status instead")]
    Order,
}

impl AccountRange {
    /// The numbers of a country (two letters) from one to another, each without country and check digits.
    ///
    /// # Errors
    /// If the ends are not as long as the country's numbers, or not in order.
    pub fn new(country: &str, from: &str, upto: &str) -> Result<Self, AccountRangeError> {
        let (expected, digits) = Iban::account_structure(country).ok_or(AccountRangeError::Country)?;
        if let Some(found) = [from.len(), upto.len()].into_iter().find(|found| *found != expected) {
            return Err(AccountRangeError::Length { expected, found });
        }
        if ![from, upto].iter().all(|end| has_structure(end.as_bytes(), digits)) {
            return Err(AccountRangeError::Character);
        }
        if from >= upto {
            return Err(AccountRangeError::Order);
        }
        let country = country.as_bytes().try_into().expect("a country in the registry has two letters");
        let length = u8::try_from(expected).expect("no registered IBAN is longer than 34 characters");
        Ok(Self { country, length, from: padded(from.as_bytes()), upto: padded(upto.as_bytes()), digits })
    }

    /// The range that is stored like this. Lengths are not compared with the registry: it may change, and a log may not.
    pub(crate) fn from_stored(
        country: [u8; 2],
        length: u8,
        from: [u8; ACCOUNT_LENGTH_MAX],
        upto: [u8; ACCOUNT_LENGTH_MAX],
        digits: u32,
    ) -> Option<Self> {
        let end = usize::from(length);
        let is_end = |number: &[u8; ACCOUNT_LENGTH_MAX]| {
            let (number, behind) = number.split_at_checked(end)?;
            let is_one = has_structure(number, digits) && behind.iter().all(|byte| *byte == 0);
            is_one.then_some(())
        };
        let is_country = country.iter().all(u8::is_ascii_uppercase);
        is_end(&from)?;
        is_end(&upto)?;
        let has_places = digits.checked_shr(u32::from(length)).unwrap_or(0) == 0;
        let is_range = is_country && length > 0 && has_places && from <= upto;
        is_range.then_some(Self { country, length, from, upto, digits })
    }

    /// Writes it into a record.
    pub(crate) fn write(&self, record: &mut layout::SetActivation) {
        let Self { country, length, from, upto, digits } = *self;
        (record.country, record.length, record.from, record.upto) = (country, length, from, upto);
        record.digits = digits.into();
    }

    /// The country.
    pub fn country(&self) -> &str {
        text(&self.country)
    }

    /// The first number, without country and check digits.
    pub fn first(&self) -> &str {
        text(&self.from[..usize::from(self.length)])
    }

    /// The last number.
    pub fn last(&self) -> &str {
        text(&self.upto[..usize::from(self.length)])
    }

    /// Whether an account's number falls into it.
    pub fn contains(&self, iban: &Iban) -> bool {
        self.compare(iban) == Ordering::Equal
    }

    /// Whether it lies before an account's number, around it, or behind it.
    fn compare(&self, iban: &Iban) -> Ordering {
        let number = iban.as_str().as_bytes();
        let (country, account) = (&number[..2], &number[4..]);
        let of_country = self.country[..].cmp(country);
        of_country.then_with(|| usize::from(self.length).cmp(&account.len())).then_with(|| {
            let length = usize::from(self.length);
            if &self.upto[..length] < account {
                Ordering::Less
            } else if &self.from[..length] > account {
                Ordering::Greater
            } else {
                Ordering::Equal
            }
        })
    }

    /// Whether both are of one country's numbers.
    fn is_beside(&self, other: &Self) -> bool {
        (self.country, self.length) == (other.country, other.length)
    }

    /// What is left of it before another.
    fn before(&self, other: &Self) -> Option<Self> {
        let upto = neighbour(other.from, self, false).filter(|upto| *upto >= self.from)?;
        Some(Self { upto, ..*self })
    }

    /// What is left of it behind another.
    fn behind(&self, other: &Self) -> Option<Self> {
        let from = neighbour(other.upto, self, true).filter(|from| *from <= self.upto)?;
        Some(Self { from, ..*self })
    }

    /// Both, and what lies between them.
    fn with(&self, other: &Self) -> Self {
        Self { from: self.from.min(other.from), upto: self.upto.max(other.upto), ..*self }
    }
}

/// Whether there are digits where only digits stand, and digits or capital letters elsewhere.
fn has_structure(number: &[u8], digits: u32) -> bool {
    let is_right = |(place, byte): (usize, &u8)| {
        byte.is_ascii_digit() || byte.is_ascii_uppercase() && !is_digit(digits, place)
    };
    number.iter().enumerate().all(is_right)
}

const fn is_digit(digits: u32, place: usize) -> bool {
    digits >> place & 1 == 1
}

fn padded(number: &[u8]) -> [u8; ACCOUNT_LENGTH_MAX] {
    let mut bytes = [0; ACCOUNT_LENGTH_MAX];
    bytes[..number.len()].copy_from_slice(number);
    bytes
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("a range is ASCII by construction")
}

/// The number behind this one or before it among those like the range's, in the order of their characters: digits, then
/// letters. `None` at the end.
fn neighbour(
    mut number: [u8; ACCOUNT_LENGTH_MAX],
    range: &AccountRange,
    is_behind: bool,
) -> Option<[u8; ACCOUNT_LENGTH_MAX]> {
    for place in (0..usize::from(range.length)).rev() {
        let is_digit = is_digit(range.digits, place);
        let (next, carries) = match (number[place], is_behind) {
            (b'9', true) if is_digit => (b'0', true),
            (b'0', false) if is_digit => (b'9', true),
            (b'Z', true) => (b'0', true),
            (b'9', true) => (b'A', false),
            (byte, true) => (byte + 1, false),
            (b'0', false) => (b'Z', true),
            (b'A', false) => (b'9', false),
            (byte, false) => (byte - 1, false),
        };
        number[place] = next;
        if !carries {
            return Some(number);
        }
    }
    None
}

/// Accounts of a bank take part in payments from now on, or do not.
#[derive(Clone, Debug)]
pub struct SetActivation {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank that keeps them.
    pub bank: Bic,
    /// Which of its accounts; `None` for all, whatever was said of ranges before.
    pub range: Option<AccountRange>,
    /// Whether they take part.
    pub is_active: bool,
    /// Why, in the operator's words.
    pub reason: Text<140>,
}

/// What is said of a bank as a whole (no range: it takes no part), or of some of its accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry<Bank> {
    bank: Bank,
    range: Option<AccountRange>,
}

/// Which accounts take part, by their banks.
#[derive(Clone, Debug)]
pub struct ActivationTable<Bank = Bic> {
    number: u32,
    entries: Vec<Entry<Bank>>,
}

impl<Bank> Default for ActivationTable<Bank> {
    fn default() -> Self {
        Self { number: 0, entries: Vec::new() }
    }
}

/// The table as the ledger keeps it.
pub(crate) type Activations = ActivationTable<ParticipantNumber>;

impl<Bank: Copy + Ord> ActivationTable<Bank> {
    /// How many times it was changed. 0: every account takes part.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Whether anything is said of this bank.
    pub fn mentions(&self, bank: Bank) -> bool {
        !self.places_of(bank).is_empty()
    }

    /// Whether the bank as a whole takes part; of ranges the opposite holds.
    pub fn is_active_as_a_whole(&self, bank: Bank) -> bool {
        self.of(bank).first().is_none_or(|entry| entry.range.is_some())
    }

    /// The ranges of which the opposite holds, in order.
    pub fn ranges(&self, bank: Bank) -> impl Iterator<Item = &AccountRange> {
        self.of(bank).iter().filter_map(|entry| entry.range.as_ref())
    }

    /// Whether an account of the bank takes part.
    pub fn is_active(&self, bank: Bank, iban: &Iban) -> bool {
        let entries = self.of(bank);
        let is_active_as_a_whole = entries.first().is_none_or(|entry| entry.range.is_some());
        let found = entries.binary_search_by(|entry| match &entry.range {
            Some(range) => range.compare(iban),
            None => Ordering::Less,
        });
        is_active_as_a_whole != found.is_ok()
    }

    fn places_of(&self, bank: Bank) -> Range<usize> {
        let start = self.entries.partition_point(|entry| entry.bank < bank);
        let length = self.entries[start..].partition_point(|entry| entry.bank == bank);
        start..start + length
    }

    fn of(&self, bank: Bank) -> &[Entry<Bank>] {
        &self.entries[self.places_of(bank)]
    }
}

impl Activations {
    /// Makes room for so many changes. One adds at most one entry.
    pub(crate) fn reserve(&mut self, changes: usize) {
        self.entries.reserve(changes);
    }

    /// Changes the table. Of two changes that touch the same accounts the later one counts.
    pub(crate) fn set(
        &mut self,
        bank: ParticipantNumber,
        range: Option<AccountRange>,
        is_active: bool,
    ) -> Result<(), Refusal> {
        let number = self.number.checked_add(1).ok_or(Refusal::ActivationLimit)?;
        match range {
            None => self.set_whole(bank, is_active),
            Some(range) if is_active == self.is_active_as_a_whole(bank) => self.take_out(bank, &range)?,
            Some(range) => self.put_in(bank, range)?,
        }
        self.number = number;
        Ok(())
    }

    fn set_whole(&mut self, bank: ParticipantNumber, is_active: bool) {
        let places = self.places_of(bank);
        let start = places.start;
        self.entries.drain(places);
        if !is_active {
            self.entries.insert(start, Entry { bank, range: None });
        }
    }

    /// Of these accounts the opposite of the whole holds: they and the ranges that they touch become one.
    fn put_in(&mut self, bank: ParticipantNumber, range: AccountRange) -> Result<(), Refusal> {
        let touched = self.touched(bank, &range, true);
        let whole = self.entries[touched.clone()].iter().filter_map(|entry| entry.range.as_ref());
        let whole = whole.fold(range, |whole, other| whole.with(other));
        if touched.is_empty() && self.ranges(bank).count() >= ACTIVATION_RANGES_MAX {
            return Err(Refusal::ActivationLimit);
        }
        let start = touched.start;
        self.entries.drain(touched);
        self.entries.insert(start, Entry { bank, range: Some(whole) });
        Ok(())
    }

    /// Of these accounts holds what holds of the whole: they are cut out of the ranges that they touch.
    fn take_out(&mut self, bank: ParticipantNumber, range: &AccountRange) -> Result<(), Refusal> {
        let touched = self.touched(bank, range, false);
        let cut = &self.entries[touched.clone()];
        let before = cut.first().and_then(|entry| entry.range?.before(range));
        let behind = cut.last().and_then(|entry| entry.range?.behind(range));
        let left = [before, behind].iter().flatten().count();
        if self.ranges(bank).count() + left > ACTIVATION_RANGES_MAX + touched.len() {
            return Err(Refusal::ActivationLimit);
        }
        let start = touched.start;
        self.entries.drain(touched);
        for range in [behind, before].into_iter().flatten() {
            self.entries.insert(start, Entry { bank, range: Some(range) });
        }
        Ok(())
    }

    /// The places of the bank's ranges that overlap this one, or also those that lie right beside it; where there are none,
    /// the place where it would stand.
    fn touched(&self, bank: ParticipantNumber, range: &AccountRange, also_neighbours: bool) -> Range<usize> {
        let Range { start, end } = self.places_of(bank);
        let (mut from, mut upto) = (range.from, range.upto);
        if also_neighbours {
            from = neighbour(from, range, false).unwrap_or(from);
            upto = neighbour(upto, range, true).unwrap_or(upto);
        }
        let entries = &self.entries[start..end];
        let is_before = |entry: &Entry<_>| match &entry.range {
            None => true,
            Some(other) if other.is_beside(range) => other.upto < from,
            Some(other) => (other.country, other.length) < (range.country, range.length),
        };
        let overlaps =
            |entry: &Entry<_>| entry.range.is_some_and(|other| other.is_beside(range) && other.from <= upto);
        let first = start + entries.partition_point(is_before);
        let count = self.entries[first..end].iter().take_while(|entry| overlaps(entry)).count();
        first..first + count
    }

    pub(crate) fn validate(&self) {
        assert!(self.entries.is_sorted(), "entries are in order, each there once");
        let follow = |pair: &[Entry<ParticipantNumber>]| match (pair[0].range, pair[1].range) {
            (Some(first), Some(second)) if pair[0].bank == pair[1].bank && first.is_beside(&second) => {
                first.upto < second.from
            }
            (None, None) => pair[0].bank != pair[1].bank,
            _ => true,
        };
        assert!(self.entries.windows(2).all(follow), "ranges of a bank are apart from each other");
        assert!(self.number > 0 || self.entries.is_empty(), "a table that never changed is empty");
    }
}

impl Ledger {
    /// Which accounts take part, for those who know accounts by their numbers and banks by their codes.
    pub fn activation_table(&self) -> ActivationTable {
        let bic = |number| self.participant_by_number(number).bic();
        let entries = self.activations.entries.iter();
        let entries = entries.map(|entry| Entry { bank: bic(entry.bank), range: entry.range });
        let mut entries: Vec<_> = entries.collect();
        entries.sort_unstable();
        ActivationTable { number: self.activations.number, entries }
    }
}

#[cfg(test)]
#[path = "activation_tests.rs"]
mod tests;
