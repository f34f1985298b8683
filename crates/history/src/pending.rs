//! What waits for the next commit.

use std::collections::BTreeMap;

use types::{Currency, Digest, ParticipantNumber, ReasonCode, Sequence, Timestamp};

use crate::banks::{Bank, Banks};
use crate::bytes::RowWriter;
use crate::keys::{self, Series};
use crate::rows::{Decided, EntryRow, Item, ListedRow, PaymentRow};
use crate::store::{AccountRow, Rows, Space, Watermark};

/// Everything since the last commit, in order.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub(crate) names: Vec<([u8; 15], Sequence)>,
    pub(crate) references: Vec<[u8; 23]>,
    pub(crate) decisions: Vec<(Sequence, Decided)>,
    pub(crate) banks: Vec<Bank>,
    pub(crate) profiles: Vec<(u16, ReasonCode)>,
    pub(crate) accounts: Vec<(Digest, Currency, AccountRow)>,
    payments: Vec<PaymentRow>,
    entries: BTreeMap<Series, Vec<EntryRow>>,
    listed: BTreeMap<Series, Vec<ListedRow>>,
    /// How many items there are.
    pub(crate) items: usize,
    /// Where the last mark of time was set.
    marked: Option<(Timestamp, Sequence)>,
}

/// Marks of time are at least so far apart, in nanoseconds or in positions: what lies between two is searched.
const MARK_NANOSECONDS: i64 = 1_000_000_000;
const MARK_POSITIONS: u64 = 1 << 15;

impl Pending {
    pub(crate) fn payment(&mut self, row: PaymentRow) {
        self.items += 3;
        self.payments.push(row);
    }

    pub(crate) fn entry(&mut self, series: Series, entry: EntryRow) {
        self.items += 1;
        self.entries.entry(series).or_default().push(entry);
    }

    pub(crate) fn listed(&mut self, bank: ParticipantNumber, listed: ListedRow) {
        self.items += 1;
        self.listed.entry(Series::bank(bank)).or_default().push(listed);
    }

    /// The rows of all this, with which it is gone from here.
    pub(crate) fn take_rows(&mut self, banks: &Banks, reached: &Watermark) -> Rows {
        let mut rows = Rows { banks: std::mem::take(&mut self.banks), ..Rows::default() };
        for bank in rows.banks.clone() {
            rows.put(Space::State, keys::bank(bank.number.0), bank.to_row());
        }
        for (number, code) in self.profiles.drain(..) {
            rows.put(Space::State, keys::profile(number), code.as_bytes().to_vec());
        }
        for (digest, currency, account) in self.accounts.drain(..) {
            rows.put(Space::State, keys::account(digest, currency), account.to_row());
        }
        for (key, sequence) in self.names.drain(..) {
            rows.put(Space::Names, key, number_row(sequence));
        }
        for key in self.references.drain(..) {
            rows.put(Space::Names, key, Vec::new());
        }
        put_runs(&mut rows, Space::Payments, Series::PAYMENTS, &self.payments, banks);
        self.payments.clear();
        for (payment, decided) in self.decisions.drain(..) {
            rows.put(Space::State, keys::decision(payment), decided.write(payment));
        }
        for (series, entries) in std::mem::take(&mut self.entries) {
            put_runs(&mut rows, Space::Series, series, &entries, banks);
        }
        for (series, listed) in std::mem::take(&mut self.listed) {
            put_runs(&mut rows, Space::Series, series, &listed, banks);
        }
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
            rows.put(Space::State, keys::time(reached.told_time), number_row(reached.told));
        }
    }
}

fn number_row(sequence: Sequence) -> Vec<u8> {
    let mut row = RowWriter::default();
    row.number(sequence.0);
    row.bytes
}

/// Divides the items of a series into runs.
fn put_runs<T: Item>(rows: &mut Rows, space: Space, series: Series, items: &[T], banks: &Banks) {
    for run in items.chunks(T::RUN_MAX) {
        let mut row = RowWriter::default();
        for (index, item) in run.iter().enumerate() {
            item.write(index.checked_sub(1).map(|before| &run[before]), banks, &mut row);
        }
        rows.put(space, series.run(run[0].place()), row.bytes);
    }
}
