//! What waits for the next commit.

use std::collections::BTreeMap;

use types::{AccountNumber, Currency, Digest, ParticipantNumber, ReasonCode, Sequence, Timestamp};

use crate::banks::{Bank, Banks};
use crate::bookings::BookingRow;
use crate::bytes::RowWriter;
use crate::dates::{ClockSet, Rolled};
use crate::keys::{self, Series};
use crate::posting_maps::PostingMapSet;
use crate::rows::{Decided, EntryRow, Item, ListedRow, PaymentRow};
use crate::store::{AccountRow, Rows, Space, Watermark};

/// Everything since the last commit, in order.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub(crate) names: Vec<([u8; 15], Sequence)>,
    pub(crate) references: Vec<[u8; 19]>,
    pub(crate) decisions: Vec<(Sequence, Decided)>,
    /// Payments that wait on, because the payer's bank has answered and the payee's is asked.
    pub(crate) asked_on: BTreeMap<Sequence, Decided>,
    pub(crate) banks: Vec<Bank>,
    pub(crate) profiles: Vec<(u16, ReasonCode)>,
    pub(crate) accounts: Vec<(Digest, Currency, AccountRow)>,
    /// Where the holders of accounts were named; 0 where one was closed.
    pub(crate) named: BTreeMap<AccountNumber, Sequence>,
    pub(crate) rolled: Vec<Rolled>,
    /// What banks said of their clocks, and where.
    pub(crate) clocks: Vec<(ParticipantNumber, Sequence, ClockSet)>,
    payments: Vec<PaymentRow>,
    /// Savings accounts that were opened.
    pub(crate) savings: Vec<AccountNumber>,
    pub(crate) posting_maps: Vec<(ParticipantNumber, Currency, PostingMapSet)>,
    /// Behind which position all bookings are taken in, if that is still to be written.
    pub(crate) bookings_since: Option<Sequence>,
    entries: Vec<(Series, EntryRow)>,
    bookings: Vec<(Series, BookingRow)>,
    listed: Vec<(Series, ListedRow)>,
    /// How many items there are.
    pub(crate) items: usize,
    /// Where the last mark of time was set.
    marked: Option<(Timestamp, Sequence)>,
}

/// Marks of time are at least so far apart, in nanoseconds or in positions: what lies between two is searched.
const MARK_NANOSECONDS: i64 = 1_000_000_000;
const MARK_POSITIONS: u64 = 1 << 15;

impl Pending {
    /// Nothing, but behind which position all bookings are taken in.
    pub(crate) fn new(bookings_since: Option<Sequence>) -> Self {
        Self { bookings_since, ..Self::default() }
    }

    pub(crate) fn payment(&mut self, row: PaymentRow) {
        self.items += 3;
        self.payments.push(row);
    }

    pub(crate) fn entry(&mut self, series: Series, entry: EntryRow) {
        self.items += 1;
        self.entries.push((series, entry));
    }

    pub(crate) fn booking(&mut self, series: Series, booking: BookingRow) {
        self.items += 1;
        self.bookings.push((series, booking));
    }

    pub(crate) fn listed(&mut self, bank: ParticipantNumber, listed: ListedRow) {
        self.items += 1;
        self.listed.push((Series::bank(bank), listed));
    }

    /// The rows of all this, with which it is gone from here.
    pub(crate) fn take_rows(&mut self, banks: &Banks, reached: &Watermark) -> Rows {
        let mut rows = Rows { banks: std::mem::take(&mut self.banks), ..Rows::default() };
        for bank in rows.banks.clone() {
            rows.put(Space::State, &keys::bank(bank.number.0), &bank.to_row());
        }
        for (number, code) in self.profiles.drain(..) {
            rows.put(Space::State, &keys::profile(number), code.as_bytes());
        }
        for (digest, currency, account) in self.accounts.drain(..) {
            rows.put(Space::State, &keys::account(digest, currency), &account.to_row());
        }
        for rolled in self.rolled.drain(..) {
            rows.put(Space::State, &keys::rolled(rolled.at), &rolled.to_row());
        }
        for (bank, at, clock) in self.clocks.drain(..) {
            rows.put(Space::State, &keys::clock(bank.0, at), &clock.to_row());
        }
        for account in self.savings.drain(..) {
            rows.put(Space::State, &keys::savings(account), &[]);
        }
        for (bank, currency, set) in self.posting_maps.drain(..) {
            rows.put(Space::State, &keys::posting_map(bank.0, currency, set.at), &set.to_row());
        }
        let mut row = RowWriter::default();
        if let Some(since) = self.bookings_since.take() {
            row.number(since.0);
            rows.put(Space::State, keys::BOOKINGS_SINCE, &row.bytes);
        }
        for (account, position) in std::mem::take(&mut self.named) {
            row.bytes.clear();
            row.number(position.0);
            rows.put(Space::State, &keys::named(account), &row.bytes);
        }
        for (key, sequence) in self.names.drain(..) {
            row.bytes.clear();
            row.number(sequence.0);
            rows.put(Space::Names, &key, &row.bytes);
        }
        for key in self.references.drain(..) {
            rows.put(Space::Names, &key, &[]);
        }
        put_runs(&mut rows, Space::Payments, Series::PAYMENTS, &self.payments, |payment| payment, banks);
        self.payments.clear();
        let asked_on = std::mem::take(&mut self.asked_on);
        for (payment, decided) in asked_on.into_iter().chain(self.decisions.drain(..)) {
            rows.put(Space::State, &keys::decision(payment), &decided.write(payment));
        }
        put_series(&mut rows, &mut self.entries, banks);
        put_series(&mut rows, &mut self.listed, banks);
        put_series(&mut rows, &mut self.bookings, banks);
        self.items = 0;
        self.mark(&mut rows, reached);
        rows
    }

    /// Sets a mark of time if the last one is far behind: what was decided up to its position is not later than it, and
    /// what is decided after that is not earlier.
    fn mark(&mut self, rows: &mut Rows, reached: &Watermark) {
        let is_far = self.marked.is_none_or(|(time, at)| {
            reached.told_time.nanoseconds() - time.nanoseconds() >= MARK_NANOSECONDS
                || reached.told.0 - at.0 >= MARK_POSITIONS
        });
        if is_far && reached.told > Sequence(0) {
            self.marked = Some((reached.told_time, reached.told));
            let mut row = RowWriter::default();
            row.number(reached.told.0);
            rows.put(Space::State, &keys::time(reached.told_time), &row.bytes);
        }
    }
}

/// Divides the items of all series into runs, with which they are gone from here.
fn put_series<T: Item>(rows: &mut Rows, items: &mut Vec<(Series, T)>, banks: &Banks) {
    items.sort_unstable_by_key(|(series, item)| (*series, item.place()));
    for items in items.chunk_by(|(series, _), (next, _)| series == next) {
        put_runs(rows, Space::Series, items[0].0, items, |(_, item)| item, banks);
    }
    items.clear();
}

/// Divides the items of a series into runs.
fn put_runs<Held, T: Item>(
    rows: &mut Rows,
    space: Space,
    series: Series,
    items: &[Held],
    item: impl Fn(&Held) -> &T,
    banks: &Banks,
) {
    let mut row = RowWriter::default();
    for run in items.chunks(T::RUN_MAX) {
        row.bytes.clear();
        let mut before = None;
        for held in run {
            item(held).write(before, banks, &mut row);
            before = Some(item(held));
        }
        rows.put(space, &series.run(item(&run[0]).place()), &row.bytes);
    }
}
