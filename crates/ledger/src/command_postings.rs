//! How a bank's general ledger calls the accounts of a book: the map by which postings are told.
//!
//! Invariant: a map names an account for whatever is in none of its other lines, so every posting has one.

use std::fmt;

use types::{AccountNumber, Bic, Currency, Date};

use crate::command::stored_enum;
use crate::{ExpectedVersion, RequestId};

stored_enum! {
    /// What a posting stands on, as a general ledger tells accounts apart.
    ///
    /// Position, transit, funding and technical mirror what happens to the bank's position in the settlement book; the others
    /// are in its own.
    PostingClass {
        /// A customer's payment account.
        Current = 1,
        /// A customer's savings account.
        Savings = 2,
        /// The counter-account of what the bank's own systems post.
        Core = 3,
        /// What the bank takes from its customers for payments and returns. The ledger keeps it on the core account.
        Fees = 4,
        /// What is on its way between the bank's customers and other banks.
        Clearing = 5,
        /// The bank's money at the settlement system: its position.
        Position = 6,
        /// The other side of payments between banks that move the position.
        Transit = 7,
        /// The other side of liquidity that comes from outside or leaves.
        Funding = 8,
        /// The bank's money on its technical account.
        Technical = 9,
        /// What is in the bank's own book and waits until it is known whose it is.
        Suspense = 10,
    }
}

impl PostingClass {
    /// Every class, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Current,
        Self::Savings,
        Self::Core,
        Self::Fees,
        Self::Clearing,
        Self::Position,
        Self::Transit,
        Self::Funding,
        Self::Technical,
        Self::Suspense,
    ];
}

/// An account of a general ledger: 1 to 34 letters, digits, dots, hyphens, slashes, colons and underscores, of which the
/// first is a letter or a digit, so that no spreadsheet takes it for a formula.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GlAccount([u8; Self::LENGTH_MAX]);

impl GlAccount {
    /// So many characters at the most.
    pub const LENGTH_MAX: usize = 34;

    /// Checks a name.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; Self::LENGTH_MAX];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Self::from_bytes(bytes)
    }

    /// The account with these stored bytes, padded with zeros.
    pub fn from_bytes(bytes: [u8; Self::LENGTH_MAX]) -> Option<Self> {
        let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(Self::LENGTH_MAX);
        let (name, padding) = bytes.split_at(length);
        let is_inner = |byte: &u8| byte.is_ascii_alphanumeric() || b".-/:_".contains(byte);
        let is_name = name.first().is_some_and(u8::is_ascii_alphanumeric)
            && name.iter().all(is_inner)
            && padding.iter().all(|byte| *byte == 0);
        is_name.then_some(Self(bytes))
    }

    /// The stored bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH_MAX] {
        &self.0
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a name is ASCII by construction").trim_end_matches('\0')
    }
}

impl fmt::Debug for GlAccount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "GlAccount({})", self.as_str())
    }
}

impl fmt::Display for GlAccount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Which postings a line of a map is about. A line about an account comes before one about its class, and that before the
/// one about everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostingSubject {
    /// Whatever no other line is about.
    Default,
    /// The accounts of a class.
    Class(PostingClass),
    /// One customer's account.
    Account(AccountNumber),
}

impl PostingSubject {
    const DEFAULT: u8 = 0;
    const ACCOUNT: u8 = 255;

    /// In stored form: the class, and the account's number. Lines stand in the order of these.
    pub fn stored(self) -> (u8, u32) {
        match self {
            Self::Default => (Self::DEFAULT, 0),
            Self::Class(class) => (class.number(), 0),
            Self::Account(account) => (Self::ACCOUNT, account.0),
        }
    }

    /// What is stored as these.
    pub fn from_stored(class: u8, account: u32) -> Option<Self> {
        match (class, account) {
            (Self::DEFAULT, 0) => Some(Self::Default),
            (Self::ACCOUNT, 1..) => Some(Self::Account(AccountNumber(account))),
            (class, 0) => PostingClass::from_number(class).map(Self::Class),
            _ => None,
        }
    }
}

/// One line of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostingLine {
    /// What it is about.
    pub subject: PostingSubject,
    /// What the general ledger calls it.
    pub gl_account: GlAccount,
}

/// A bank says what its general ledger calls the accounts of one of its books, in place of what it said before.
#[derive(Clone, Debug)]
pub struct SetPostingMap {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank.
    pub bank: Bic,
    /// The currency of the book.
    pub currency: Currency,
    /// Which map was set last, as the position of its command.
    pub expected: ExpectedVersion,
    /// From which booking date on it counts, by the bank's clock; `None`: for whatever is booked behind this command.
    pub from: Option<Date>,
    /// The lines, from 1 to 64, in any order. One of them is about everything else, and no two are about the same.
    pub lines: Vec<PostingLine>,
}
