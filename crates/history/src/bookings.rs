//! The bookings of a bank's book as its general ledger takes them up: every transfer with both of its sides, numbered
//! without a gap, and what each class of accounts came to before.
//!
//! A booking stands here once for each bank that it touches. What it does in the bank's own book is its *inner* transfer;
//! what it does to the bank's position in the settlement book is mirrored as the *outer* one, because there the position is
//! the bank's claim: it rises by a debit.
//!
//! Invariants:
//! - Every transfer is one debit and one credit of one amount, so the postings of any span of the log balance.
//! - The first posting of a book has number 1, and every other the one after that before it.

use ledger::PostingClass;
use types::{AccountNumber, Currency, Date, ParticipantNumber, Sequence, Timestamp};

use crate::banks::Banks;
use crate::bytes::{RowReader, RowWriter};
use crate::rows::{EntryKind, Item, Place, read_place, write_place};

/// One side of an inner transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookSide {
    /// A customer's account, under its number in the log.
    Customer(AccountNumber),
    /// The core account, for anything but fees.
    Core,
    /// The core account, for a fee.
    Fees,
    /// The clearing account.
    Clearing,
    /// The suspense account.
    Suspense,
}

/// Which way a booking moved the bank's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// Money came to it.
    Up,
    /// Money left it.
    Down,
}

/// What is summed up of a book: its accounts as the ledger keeps them, and the mirror of the position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heap {
    /// All accounts of customers.
    Customers,
    /// The core account, fees apart.
    Core,
    /// The fees on it.
    Fees,
    /// The clearing account.
    Clearing,
    /// The suspense account.
    Suspense,
    /// The position.
    Position,
    /// Payments that moved it.
    Transit,
    /// Liquidity that came from outside or left.
    Funding,
    /// The technical account.
    Technical,
}

impl Heap {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Customers,
        Self::Core,
        Self::Fees,
        Self::Clearing,
        Self::Suspense,
        Self::Position,
        Self::Transit,
        Self::Funding,
        Self::Technical,
    ];

    const fn index(self) -> usize {
        match self {
            Self::Customers => 0,
            Self::Core => 1,
            Self::Fees => 2,
            Self::Clearing => 3,
            Self::Suspense => 4,
            Self::Position => 5,
            Self::Transit => 6,
            Self::Funding => 7,
            Self::Technical => 8,
        }
    }

    /// The class of its postings; `None` for customers, who have accounts of more than one class.
    pub const fn class(self) -> Option<PostingClass> {
        match self {
            Self::Customers => None,
            Self::Core => Some(PostingClass::Core),
            Self::Fees => Some(PostingClass::Fees),
            Self::Clearing => Some(PostingClass::Clearing),
            Self::Suspense => Some(PostingClass::Suspense),
            Self::Position => Some(PostingClass::Position),
            Self::Transit => Some(PostingClass::Transit),
            Self::Funding => Some(PostingClass::Funding),
            Self::Technical => Some(PostingClass::Technical),
        }
    }
}

impl BookSide {
    const fn heap(self) -> Heap {
        match self {
            Self::Customer(_) => Heap::Customers,
            Self::Core => Heap::Core,
            Self::Fees => Heap::Fees,
            Self::Clearing => Heap::Clearing,
            Self::Suspense => Heap::Suspense,
        }
    }
}

/// How many postings a book has had, and what its heaps come to: credits less debits, in minor units.
///
/// The sums are told modulo 2^64: balances of the ledger are within a hundredth of that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BookSums {
    /// The number of the last posting; 0 before the first.
    pub count: u64,
    heaps: [i64; Heap::ALL.len()],
}

impl BookSums {
    /// What a heap comes to: above zero on the credit side.
    pub const fn of(&self, heap: Heap) -> i64 {
        self.heaps[heap.index()]
    }

    fn with(mut self, heap: Heap, change: i64) -> Self {
        let sum = &mut self.heaps[heap.index()];
        *sum = sum.wrapping_add(change);
        self.count = self.count.wrapping_add(1);
        self
    }
}

/// One booking, as far as it touches a bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookingRow {
    /// Where it stands in the log.
    pub place: Place,
    /// The log time of it.
    pub time: Timestamp,
    /// What it was.
    pub kind: EntryKind,
    /// The position of the command: of the payment, the posting or the transfer.
    pub command: Sequence,
    /// How much, in minor units.
    pub amount: i64,
    /// The debited and the credited side in the bank's own book, if it is booked there.
    pub inner: Option<[BookSide; 2]>,
    /// What became of the bank's position, if it moved.
    pub outer: Option<Moved>,
    /// The payment that it is about: of payments, returns, and the fees of both.
    pub payment: Option<Sequence>,
    /// From which day on it counts, where the bank's own system has said so.
    pub value_date: Option<Date>,
    /// What was before it.
    pub before: BookSums,
}

/// One side of a transfer, as a posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// Its number in the book.
    pub number: u64,
    /// What it stands on.
    pub heap: Heap,
    /// The customer's account, if it is one.
    pub account: Option<AccountNumber>,
    /// Whether it is the debited side; else the credited one.
    pub is_debit: bool,
}

impl BookingRow {
    /// Its postings in their order, the debit of each transfer first.
    pub fn sides(&self) -> impl Iterator<Item = Side> + use<> {
        let customer = |side: BookSide| match side {
            BookSide::Customer(number) => Some(number),
            BookSide::Core | BookSide::Fees | BookSide::Clearing | BookSide::Suspense => None,
        };
        let inner = self.inner.map(|sides| sides.map(|side| (side.heap(), customer(side))));
        let outer = self.outer_heaps().map(|heaps| heaps.map(|heap| (heap, None)));
        let sides =
            inner.into_iter().chain(outer).flat_map(|[debit, credit]| [(debit, true), (credit, false)]);
        let first = self.before.count.wrapping_add(1);
        (0..).zip(sides).map(move |(place, ((heap, account), is_debit))| Side {
            number: first.wrapping_add(place),
            heap,
            account,
            is_debit,
        })
    }

    /// What the book comes to behind it.
    pub fn after(&self) -> BookSums {
        self.sides().fold(self.before, |sums, side| {
            sums.with(side.heap, if side.is_debit { self.amount.wrapping_neg() } else { self.amount })
        })
    }

    /// The debited and the credited heap of the mirror.
    fn outer_heaps(&self) -> Option<[Heap; 2]> {
        let other = match self.kind {
            EntryKind::Liquidity => Heap::Funding,
            EntryKind::OwnFunds => Heap::Technical,
            EntryKind::Payment
            | EntryKind::Fee
            | EntryKind::Posting
            | EntryKind::Return
            | EntryKind::ReturnFee
            | EntryKind::HoldCapture
            | EntryKind::Exception => Heap::Transit,
        };
        Some(match self.outer? {
            Moved::Up => [Heap::Position, other],
            Moved::Down => [other, Heap::Position],
        })
    }
}

/// A book: whose, and in which currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Book {
    pub(crate) bank: ParticipantNumber,
    pub(crate) currency: Currency,
}

const HAS_INNER: u8 = 1;
const UP: u8 = 2;
const DOWN: u8 = 4;
const HAS_VALUE_DATE: u8 = 8;

const CUSTOMER: u8 = 0;
const CORE: u8 = 1;
const FEES: u8 = 2;
const CLEARING: u8 = 3;
const SUSPENSE: u8 = 4;

impl BookSide {
    const fn number(self) -> u8 {
        match self {
            Self::Customer(_) => CUSTOMER,
            Self::Core => CORE,
            Self::Fees => FEES,
            Self::Clearing => CLEARING,
            Self::Suspense => SUSPENSE,
        }
    }

    fn read(number: u8, row: &mut RowReader<'_>) -> Option<Self> {
        Some(match number {
            CUSTOMER => Self::Customer(AccountNumber(u32::try_from(row.number()?).ok()?)),
            CORE => Self::Core,
            FEES => Self::Fees,
            CLEARING => Self::Clearing,
            SUSPENSE => Self::Suspense,
            _ => return None,
        })
    }
}

/// Of these the payment stands in the row. Those of a payment itself stand where it does, and others are about none.
const fn is_return(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::Return | EntryKind::ReturnFee)
}

impl Item for BookingRow {
    const RUN_MAX: usize = 64;

    fn place(&self) -> Place {
        self.place
    }

    /// The first of a run says what was before it; the others follow from that.
    fn write(&self, before: Option<&Self>, _: &Banks, row: &mut RowWriter) {
        match before {
            None => {
                row.number(self.before.count);
                self.before.heaps.iter().for_each(|sum| row.signed(*sum));
            }
            Some(before) => assert!(before.after() == self.before, "postings are numbered without a gap"),
        }
        write_place(before.map(|before| before.place), self.place, row);
        row.time(before.map_or(Timestamp::default(), |before| before.time), self.time);
        let outer = match self.outer {
            None => 0,
            Some(Moved::Up) => UP,
            Some(Moved::Down) => DOWN,
        };
        let mark = |is_set, mark| if is_set { mark } else { 0 };
        let inner = mark(self.inner.is_some(), HAS_INNER);
        let value_date = mark(self.value_date.is_some(), HAS_VALUE_DATE);
        row.byte(self.kind.number());
        row.byte(inner | outer | value_date);
        row.number(self.place.at.0 - self.command.0);
        row.signed(self.amount);
        if let Some(original) = self.payment.filter(|_| is_return(self.kind)) {
            row.number(self.place.at.0 - original.0);
        }
        if let Some([debit, credit]) = self.inner {
            row.byte(debit.number() | credit.number() << 4);
            for side in [debit, credit] {
                if let BookSide::Customer(account) = side {
                    row.number(account.0.into());
                }
            }
        }
        if let Some(date) = self.value_date {
            row.signed(date.days().into());
        }
    }

    fn read(first: Place, before: Option<&Self>, _: &Banks, row: &mut RowReader<'_>) -> Option<Self> {
        let sums = match before {
            Some(before) => before.after(),
            None => {
                let mut sums = BookSums { count: row.number()?, ..BookSums::default() };
                for heap in &mut sums.heaps {
                    *heap = row.signed()?;
                }
                sums
            }
        };
        let place = read_place(first, before.map(|before| before.place), row)?;
        let time = row.time(before.map_or(Timestamp::default(), |before| before.time))?;
        let kind = EntryKind::from_number(row.byte()?)?;
        let marks = row.byte()?;
        let command = row.behind(place.at)?;
        let amount = row.signed()?;
        let payment = match kind {
            EntryKind::Payment | EntryKind::Fee => Some(command),
            EntryKind::Return | EntryKind::ReturnFee => Some(row.behind(place.at)?),
            EntryKind::Posting
            | EntryKind::Liquidity
            | EntryKind::OwnFunds
            | EntryKind::HoldCapture
            | EntryKind::Exception => None,
        };
        let inner = match marks & HAS_INNER {
            0 => None,
            _ => {
                let sides = row.byte()?;
                Some([BookSide::read(sides & 15, row)?, BookSide::read(sides >> 4, row)?])
            }
        };
        let outer = match marks & (UP | DOWN) {
            0 => None,
            UP => Some(Moved::Up),
            DOWN => Some(Moved::Down),
            _ => return None,
        };
        let value_date = match marks & HAS_VALUE_DATE {
            0 => None,
            _ => Some(Date::from_days(i32::try_from(row.signed()?).ok()?)?),
        };
        Some(Self { place, time, kind, command, amount, payment, inner, outer, value_date, before: sums })
    }
}

#[cfg(test)]
#[path = "bookings_tests.rs"]
mod tests;
