//! What a bank's general ledger takes up: every posting of a book, and the file of a day.
//!
//! A day is a calendar day of the bank's logged clock, as for statements of accounts, so both sides of every transfer bear
//! one booking date.
//!
//! Invariants:
//! - The file of a day that is over is the same whenever it is made: it holds nothing that can be erased, nothing that
//!   depends on how far history has come, and the accounts of the general ledger by the map that counted at each posting's
//!   place in the log.
//! - Debits are credits in every day, and the sums that a day closes with are those that the next one opens with.
//! - A day whose sums do not agree with the position that history has on its own is not told.

use std::collections::{BTreeMap, HashMap};
use std::io;

use history::{
    BookSums, BookingRow, EntryKind, Heap, Place, PostingMapSet, Rolled, StoreError, View, Watermark,
};
use ledger::{GlAccount, PostingClass};
use types::{AccountNumber, Bic, Currency, Date, Sequence, Timestamp};

use crate::days::{Days, Passed, reached};
use crate::statement::{NotNow, balance_before};

#[path = "postings_file.rs"]
mod file;
pub use file::{POSTING_COLUMNS, PostingFault};

/// One side of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Its number in the book: 1, 2, 3 and so on for ever.
    pub number: u64,
    /// Where it was booked: the position, and the turn there.
    pub place: Place,
    /// The log time of that.
    pub time: Timestamp,
    /// The day of the bank's clock.
    pub booking_date: Date,
    /// From which day on it counts.
    pub value_date: Date,
    /// What it was.
    pub kind: EntryKind,
    /// What it stands on.
    pub class: PostingClass,
    /// What the bank's general ledger calls that; `None` as long as no map has said so.
    pub gl_account: Option<GlAccount>,
    /// The customer's account, by its number in the log.
    pub account: Option<AccountNumber>,
    /// A debit; else a credit.
    pub is_debit: bool,
    /// In minor units, above zero.
    pub amount: i64,
    /// The payment that it is about.
    pub payment: Option<Sequence>,
}

/// The book of a bank in a currency, as its general ledger sees it.
pub struct PostingBook<'view> {
    view: &'view View,
    bank: Bic,
    currency: Currency,
    clock: Days,
    business_dates: Vec<Rolled>,
    maps: Vec<PostingMapSet>,
    /// Whether customers' accounts are for savings, of those that were looked up.
    savings: HashMap<AccountNumber, bool>,
}

/// Why there is no such file, or none now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPostings {
    /// The day is not over, or is none.
    #[error(transparent)]
    NotNow(#[from] NotNow),
    /// History does not have all bookings of the bank, so postings have no numbers.
    #[error("history lacks bookings of the bank up to position {upto}")]
    Lacks {
        /// Up to where bookings are missing.
        upto: Sequence,
    },
}

/// So many bookings are read at a time.
const PAGE: usize = 500;

/// So many accounts are remembered.
const SAVINGS_MAX: usize = 1 << 16;

impl std::fmt::Debug for PostingBook<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { bank, currency, .. } = self;
        formatter
            .debug_struct("PostingBook")
            .field("bank", bank)
            .field("currency", currency)
            .finish_non_exhaustive()
    }
}

impl<'view> PostingBook<'view> {
    /// The book as history has it.
    ///
    /// # Errors
    /// [`NoPostings::Lacks`] inside; outside, if history can't be read.
    pub fn new(
        view: &'view View,
        bank: Bic,
        currency: Currency,
    ) -> Result<Result<Self, NoPostings>, StoreError> {
        if let Some(upto) = view.bookings_lack(bank)? {
            return Ok(Err(NoPostings::Lacks { upto }));
        }
        Ok(Ok(Self {
            view,
            bank,
            currency,
            clock: Days::of_bank(view, bank)?,
            business_dates: view.business_dates()?,
            maps: view.posting_maps(bank, currency)?,
            savings: HashMap::new(),
        }))
    }

    /// The postings behind a place, of some hundred bookings, and the place behind which to go on; `None` if there are no
    /// more.
    ///
    /// # Errors
    /// If history can't be read.
    pub fn after(&mut self, after: Place) -> Result<(Vec<Posting>, Option<Place>), StoreError> {
        let page = self.view.bookings((self.bank, self.currency), (None, None), Some(after), PAGE)?;
        let postings = self.postings(&page.rows)?;
        Ok((postings, page.next))
    }

    /// How many postings there have been.
    ///
    /// # Errors
    /// If history can't be read.
    pub fn count(&self) -> Result<u64, StoreError> {
        Ok(self.view.book_sums(self.bank, self.currency)?.count)
    }

    /// The last day that is over, as far as history has come.
    pub fn last_day_over(&self) -> Option<Date> {
        self.clock.last_over(self.view.watermark())
    }

    /// A day, or as much of it as has passed.
    ///
    /// # Errors
    /// [`NoPostings`] inside; outside, if history can't be read.
    pub fn day(self, date: Date) -> Result<Result<PostingDay<'view>, NoPostings>, StoreError> {
        let passed = match self.clock.passed(date, self.view.watermark()) {
            Ok(passed) => passed,
            // What is missing from history is told above: a bank that it knows from the start has no such days.
            Err(NotNow::BeforeHistory { begins }) => return Ok(Err(NoPostings::Lacks { upto: begins })),
            Err(why) => return Ok(Err(why.into())),
        };
        // The edges of calendar days are instants: what was booked at one lies behind it.
        let opening = self.view.book_sums_before((self.bank, self.currency), passed.from.time)?;
        Ok(Ok(PostingDay { book: self, date, passed, opening }))
    }

    fn postings(&mut self, rows: &[BookingRow]) -> Result<Vec<Posting>, StoreError> {
        let mut postings = Vec::with_capacity(4 * rows.len());
        for row in rows {
            let booking_date = self.clock.of(row.time, row.place.at);
            let map = self.maps.iter().rev().position(|map| map.counts_for(row.place.at, booking_date));
            let map = map.map(|back| self.maps.len() - 1 - back);
            for side in row.sides() {
                let class = match side.heap.class() {
                    Some(class) => class,
                    None => self.class_of(side.account)?,
                };
                postings.push(Posting {
                    number: side.number,
                    place: row.place,
                    time: row.time,
                    booking_date,
                    value_date: self.value_date(row, side.heap, booking_date),
                    kind: row.kind,
                    class,
                    gl_account: map.and_then(|map| self.maps[map].gl_account(class, side.account)),
                    account: side.account,
                    is_debit: side.is_debit,
                    amount: row.amount,
                    payment: row.payment,
                });
            }
        }
        Ok(postings)
    }

    /// The bank's own system has said it, or it is the day that the position's statement bears, or that of the booking.
    fn value_date(&self, row: &BookingRow, heap: Heap, booking_date: Date) -> Date {
        let at_position = match heap {
            Heap::Position | Heap::Transit | Heap::Funding | Heap::Technical => {
                Some(business_date(&self.business_dates, row))
            }
            Heap::Customers | Heap::Core | Heap::Fees | Heap::Clearing | Heap::Suspense => None,
        };
        at_position.or(row.value_date).unwrap_or(booking_date)
    }

    fn class_of(&mut self, account: Option<AccountNumber>) -> Result<PostingClass, StoreError> {
        let Some(account) = account else { return Ok(PostingClass::Current) };
        let is_savings = match self.savings.get(&account) {
            Some(is_savings) => *is_savings,
            None => {
                let is_savings = self.view.is_savings(account)?;
                if self.savings.len() >= SAVINGS_MAX {
                    self.savings.clear();
                }
                self.savings.insert(account, is_savings);
                is_savings
            }
        };
        Ok(if is_savings { PostingClass::Savings } else { PostingClass::Current })
    }
}

/// The business date that counted when something was booked; before the log's first, the calendar day of Frankfurt.
fn business_date(rolled: &[Rolled], row: &BookingRow) -> Date {
    match rolled.partition_point(|rolled| rolled.at < row.place.at) {
        0 => Days::Frankfurt.of(row.time, row.place.at),
        count => rolled[count - 1].date,
    }
}

/// What postings of one account of the general ledger came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PostingSum {
    /// How many.
    pub count: u64,
    /// The debits, in minor units.
    pub debit: i128,
    /// The credits, in minor units.
    pub credit: i128,
}

impl PostingSum {
    fn add(&mut self, posting: &Posting) {
        let side = if posting.is_debit { &mut self.debit } else { &mut self.credit };
        *side += i128::from(posting.amount);
        self.count += 1;
    }
}

/// The control totals of a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostingTotals {
    /// The number of the last posting before the day.
    pub number_before: u64,
    /// The number of its last posting, or of the last before it if it has none.
    pub number_last: u64,
    /// By account of the general ledger, in its order; `None` for what no map names.
    pub by_gl_account: BTreeMap<Option<GlAccount>, PostingSum>,
    /// All together.
    pub whole: PostingSum,
    /// What each heap of the book comes to at the day's end: credits less debits since the book began, in minor units.
    pub closing: [i64; Heap::ALL.len()],
}

/// A day of a book.
pub struct PostingDay<'view> {
    book: PostingBook<'view>,
    date: Date,
    passed: Passed,
    opening: BookSums,
}

impl std::fmt::Debug for PostingDay<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PostingDay")
            .field("book", &self.book)
            .field("date", &self.date)
            .finish_non_exhaustive()
    }
}

impl PostingDay<'_> {
    /// Whether it is the whole of the day.
    pub const fn is_over(&self) -> bool {
        self.passed.is_over
    }

    /// Which day it is.
    pub const fn date(&self) -> Date {
        self.date
    }

    /// Why there is no file of it yet; `None` if there is one.
    pub fn not_over(&self) -> Option<NotNow> {
        let watermark: &Watermark = self.book.view.watermark();
        let until =
            self.book.clock.span(self.date).ok().and_then(|span| span.until).unwrap_or(self.passed.until);
        let why = NotNow::NotOver { until: until.time, reached: reached(watermark) };
        (!self.is_over()).then_some(why)
    }

    /// The name that its file may have.
    pub fn file_name(&self) -> String {
        let PostingBook { bank, currency, .. } = &self.book;
        let (year, month, day) = self.date.civil();
        format!("postings-{bank}-{currency}-{year:04}{month:02}{day:02}.csv")
    }

    /// Counts it up. `go_on` hears how many postings have been counted, and says whether anybody still waits; `None` if
    /// not.
    ///
    /// # Errors
    /// A [`PostingFault`].
    pub fn totals(
        mut self,
        mut go_on: impl FnMut(u64) -> bool,
    ) -> Result<Option<PostingTotals>, PostingFault> {
        let mut is_wanted = true;
        let totals = self.for_each_page(|postings, _| {
            let last = postings.last().map_or(0, |posting| posting.number);
            is_wanted = go_on(last);
            if is_wanted { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
        });
        match totals {
            Err(PostingFault::Write(_)) if !is_wanted => Ok(None),
            totals => totals.map(Some),
        }
    }

    /// Visits the postings page by page, with the currency of the book, and says what they came to.
    fn for_each_page(
        &mut self,
        mut visit: impl FnMut(&[Posting], &PostingBook<'_>) -> io::Result<()>,
    ) -> Result<PostingTotals, PostingFault> {
        let (view, book) = (self.book.view, (self.book.bank, self.book.currency));
        let number_before = self.opening.count;
        let mut totals =
            PostingTotals { number_before, number_last: number_before, ..PostingTotals::default() };
        let (mut sums, mut after) = (self.opening, None);
        let (from, until) = self.passed.times();
        loop {
            let page = view.bookings(book, (Some(from), Some(until)), after, PAGE)?;
            if let Some(first) = page.rows.first()
                && first.before != sums
            {
                return Err(PostingFault::Gap { number: first.before.count, expected: sums.count });
            }
            sums = page.rows.last().map_or(sums, BookingRow::after);
            let postings = self.book.postings(&page.rows)?;
            for posting in &postings {
                totals.whole.add(posting);
                totals.by_gl_account.entry(posting.gl_account).or_default().add(posting);
                totals.number_last = posting.number;
            }
            visit(&postings, &self.book)?;
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        totals.closing = Heap::ALL.map(|heap| sums.of(heap));
        self.check(&totals, sums)?;
        Ok(totals)
    }

    /// Debits are credits, in the day and since the beginning, and the position is the one that its own entries lead to.
    fn check(&self, totals: &PostingTotals, sums: BookSums) -> Result<(), PostingFault> {
        let inner = [Heap::Customers, Heap::Core, Heap::Fees, Heap::Clearing, Heap::Suspense];
        let outer = [Heap::Position, Heap::Transit, Heap::Funding, Heap::Technical];
        let is_even = |heaps: &[Heap]| heaps.iter().map(|heap| i128::from(sums.of(*heap))).sum::<i128>() == 0;
        let counted = totals.number_last - totals.number_before == totals.whole.count;
        if totals.whole.debit != totals.whole.credit || !counted || !is_even(&inner) || !is_even(&outer) {
            return Err(PostingFault::Uneven);
        }
        let PostingBook { view, bank, currency, .. } = self.book;
        let Some(position) = view.position(bank, currency) else { return Ok(()) };
        let balance =
            balance_before(view, &position, self.passed.until)?.map_or(0, |balance| balance.balance);
        let mirrored = sums.of(Heap::Position).wrapping_neg();
        if mirrored == balance { Ok(()) } else { Err(PostingFault::Position { mirrored, balance }) }
    }
}
