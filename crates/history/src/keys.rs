//! Keys of rows. All numbers in them are big-endian, so that rows lie in the order of time.
//!
//! | space | key | row |
//! |---|---|---|
//! | state | `w` | the watermark |
//! | state | `b`, number (u32) | a participant |
//! | state | `p`, number (u16) | a profile's code for the payee's bank of an expired payment |
//! | state | `t`, log time (i64) | the position up to which everything decided is not later |
//! | state | `a`, digest (16), currency (u16) | an account |
//! | state | `n`, account (u32) | the position that named its holders last, where that is not its opening; 0: it is closed |
//! | state | `d`, position (u64) | what came of a payment that was reserved |
//! | state | `o`, participant (u32) | what was on its technical account where history begins |
//! | state | `r`, position (u64) | the business date moved on |
//! | state | `z`, number (u32), position (u64) | what a participant said of its clock |
//! | state | `m`, number (u32), currency (u16), position (u64) | what a participant's general ledger calls its accounts |
//! | state | `s`, account (u32) | nothing: a savings account |
//! | state | `g` | the position behind which all bookings of books are here |
//! | names | day (u16), 1, digest (12) | position of the payment that holds a transaction id |
//! | names | day (u16), 2, digest (8), position (u64) | nothing: a payment with an end-to-end id |
//! | payments | place (10) of the first | a run of payments |
//! | series | 1, account (u32), place (10) of the first | a run of an account's entries |
//! | series | 2, participant (u32), place (10) of the first | a run of a position's entries |
//! | series | 3, participant (u32), place (10) of the first | a run of a bank's payments |
//! | series | 4, participant (u32), place (10) of the first | a run of a technical account's entries |
//! | series | 5, participant (u32), currency (u16), place (10) of the first | a run of the bookings of a book |
//!
//! External ids are random. They lie in runs of a day, so that what is written today touches nothing older.

use types::{AccountNumber, Bic, Currency, Date, Digest, DigestKey, ParticipantNumber, Sequence, Timestamp};

use crate::bookings::Book;
use crate::rows::Place;

pub(crate) const WATERMARK: &[u8] = b"w";
pub(crate) const BANK: u8 = b'b';
pub(crate) const PROFILE: u8 = b'p';
pub(crate) const TIME: u8 = b't';
pub(crate) const ACCOUNT: u8 = b'a';
const NAMED: u8 = b'n';
const DECISION: u8 = b'd';
const OWN_FUNDS: u8 = b'o';
pub(crate) const ROLLED: u8 = b'r';
const CLOCK: u8 = b'z';
const POSTING_MAP: u8 = b'm';
const SAVINGS: u8 = b's';
pub(crate) const BOOKINGS_SINCE: &[u8] = b"g";

pub(crate) fn bank(number: u32) -> [u8; 5] {
    let mut key = [BANK; 5];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}

pub(crate) fn profile(number: u16) -> [u8; 3] {
    let mut key = [PROFILE; 3];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}

pub(crate) fn time(time: Timestamp) -> [u8; 9] {
    let mut key = [TIME; 9];
    // Never negative, so the order is that of the bytes.
    key[1..].copy_from_slice(&time.nanoseconds().to_be_bytes());
    key
}

pub(crate) fn account(digest: Digest, currency: Currency) -> [u8; 19] {
    let mut key = [0; 19];
    key[..17].copy_from_slice(&accounts(digest));
    key[17..].copy_from_slice(&currency.number().to_be_bytes());
    key
}

/// What the keys of accounts with one number begin with.
pub(crate) fn accounts(digest: Digest) -> [u8; 17] {
    let mut key = [ACCOUNT; 17];
    key[1..].copy_from_slice(&digest.0);
    key
}

pub(crate) fn named(account: AccountNumber) -> [u8; 5] {
    let mut key = [NAMED; 5];
    key[1..].copy_from_slice(&account.0.to_be_bytes());
    key
}

pub(crate) fn decision(payment: Sequence) -> [u8; 9] {
    let mut key = [DECISION; 9];
    key[1..].copy_from_slice(&payment.0.to_be_bytes());
    key
}

pub(crate) fn own_funds(bank: ParticipantNumber) -> [u8; 5] {
    let mut key = [OWN_FUNDS; 5];
    key[1..].copy_from_slice(&bank.0.to_be_bytes());
    key
}

pub(crate) fn rolled(at: Sequence) -> [u8; 9] {
    let mut key = [ROLLED; 9];
    key[1..].copy_from_slice(&at.0.to_be_bytes());
    key
}

pub(crate) fn clock(bank: u32, at: Sequence) -> [u8; 13] {
    let mut key = [0; 13];
    key[..5].copy_from_slice(&clocks(bank));
    key[5..].copy_from_slice(&at.0.to_be_bytes());
    key
}

/// What the keys of a participant's clocks begin with.
pub(crate) fn clocks(bank: u32) -> [u8; 5] {
    let mut key = [CLOCK; 5];
    key[1..].copy_from_slice(&bank.to_be_bytes());
    key
}

pub(crate) fn posting_map(bank: u32, currency: Currency, at: Sequence) -> [u8; 15] {
    let mut key = [0; 15];
    key[..7].copy_from_slice(&posting_maps(bank, currency));
    key[7..].copy_from_slice(&at.0.to_be_bytes());
    key
}

/// What the keys of a book's maps of postings begin with.
pub(crate) fn posting_maps(bank: u32, currency: Currency) -> [u8; 7] {
    let mut key = [POSTING_MAP; 7];
    key[1..5].copy_from_slice(&bank.to_be_bytes());
    key[5..].copy_from_slice(&currency.number().to_be_bytes());
    key
}

pub(crate) fn savings(account: AccountNumber) -> [u8; 5] {
    let mut key = [SAVINGS; 5];
    key[1..].copy_from_slice(&account.0.to_be_bytes());
    key
}

/// The day of a name's run. After the year 2149 all are one.
pub(crate) fn day(time: Timestamp) -> u16 {
    day_of(time.date())
}

pub(crate) fn day_of(date: Date) -> u16 {
    u16::try_from(date.days()).unwrap_or(u16::MAX)
}

/// What a payment is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    kind: u8,
    digest: [u8; 12],
}

impl Name {
    /// The payer's bank and its transaction id.
    pub(crate) fn transaction_id(key: &DigestKey, bank: Bic, id: &str) -> Self {
        let mut scope = *b"transaction-id.............";
        scope[16..].copy_from_slice(bank.as_bytes());
        Self::new(1, key.reference(&scope, id))
    }

    /// The payer's reference, which anybody may use again.
    pub(crate) fn end_to_end_id(key: &DigestKey, id: &str) -> Self {
        Self::new(2, key.reference(b"end-to-end-id", id))
    }

    fn new(kind: u8, digest: Digest) -> Self {
        let digest = digest.0.first_chunk().expect("a digest has 16 bytes");
        Self { kind, digest: *digest }
    }

    /// Its key in a day's run.
    pub(crate) fn on(&self, day: u16) -> [u8; 15] {
        let mut key = [self.kind; 15];
        key[..2].copy_from_slice(&day.to_be_bytes());
        key[3..].copy_from_slice(&self.digest);
        key
    }

    /// What the keys of several payments of this name begin with.
    pub(crate) fn shared_on(&self, day: u16) -> [u8; 11] {
        *self.on(day).first_chunk().expect("fifteen bytes")
    }

    /// The key of one of several payments.
    pub(crate) fn of_payment(&self, day: u16, payment: Sequence) -> [u8; 19] {
        let mut key = [0; 19];
        key[..11].copy_from_slice(&self.shared_on(day));
        key[11..].copy_from_slice(&payment.0.to_be_bytes());
        key
    }
}

/// Whose items a series holds: the start of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Series {
    bytes: [u8; 7],
    length: usize,
}

impl Series {
    /// All payments.
    pub(crate) const PAYMENTS: Self = Self { bytes: [0; 7], length: 0 };

    pub(crate) const fn account(account: AccountNumber) -> Self {
        Self::numbered(1, account.0)
    }

    pub(crate) const fn position(bank: ParticipantNumber) -> Self {
        Self::numbered(2, bank.0)
    }

    pub(crate) const fn bank(bank: ParticipantNumber) -> Self {
        Self::numbered(3, bank.0)
    }

    /// Entries of a bank's technical account.
    pub(crate) const fn technical(bank: ParticipantNumber) -> Self {
        Self::numbered(4, bank.0)
    }

    const fn numbered(kind: u8, number: u32) -> Self {
        let [a, b, c, d] = number.to_be_bytes();
        Self { bytes: [kind, a, b, c, d, 0, 0], length: 5 }
    }

    /// The bookings of a bank's book.
    pub(crate) const fn bookings(book: Book) -> Self {
        let [e, f] = book.currency.number().to_be_bytes();
        let Self { bytes: [kind, a, b, c, d, ..], .. } = Self::numbered(5, book.bank.0);
        Self { bytes: [kind, a, b, c, d, e, f], length: 7 }
    }

    /// The key of the run that begins at a place.
    pub(crate) fn run(&self, first: Place) -> Vec<u8> {
        let mut key = Vec::with_capacity(self.length + Place::LENGTH);
        key.extend_from_slice(&self.bytes[..self.length]);
        key.extend_from_slice(&first.to_bytes());
        key
    }

    /// The place in a key of this series.
    pub(crate) fn place(&self, key: &[u8]) -> Option<Place> {
        let place = key.get(self.length..)?;
        Some(Place::from_bytes(place.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_as_what_they_name() {
        let series = Series::account(AccountNumber(7));
        let places = [(1, 0), (1, 300), (2, 0), (1 << 40, 1)];
        let runs = places.map(|(at, turn)| series.run(Place { at: Sequence(at), turn }));
        assert!(runs.is_sorted());
        assert_eq!(series.place(&runs[1]), Some(Place { at: Sequence(1), turn: 300 }));
        assert!(runs[3] < Series::account(AccountNumber(8)).run(Place::default()));
        let times = [0, 1, 256, 1 << 50]
            .map(|time_at| time(Timestamp::from_nanoseconds(time_at).expect("it is not negative")));
        assert!(times.is_sorted());
    }
}
