//! Ways through the rows: one payment, a series from a place on, the position of a time.

use std::collections::HashMap;
use std::ops::ControlFlow;

use types::{ReasonCode, Sequence, Timestamp};

use crate::bytes::RowReader;
use crate::keys::{self, Series};
use crate::rows::{Decided, Item, PaymentRow, Place, read_run};
use crate::store::{Found, Reading, Space, StoreError};

/// In which order items come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they were decided.
    OldestFirst,
    /// The latest decision first.
    NewestFirst,
}

/// The payment at a position as it stands, if there is one.
pub(crate) fn payment(reading: &Reading, sequence: Sequence) -> Result<Option<PaymentRow>, StoreError> {
    let place = Place::first_at(sequence);
    let mut runs =
        reading.range(Space::Payments, &Series::PAYMENTS.run(Place::default()), &Series::PAYMENTS.run(place));
    let Some(run) = runs.next_back() else { return Ok(None) };
    let items: Vec<PaymentRow> = read(reading, Series::PAYMENTS, &run?)?;
    let found = items.into_iter().find(|row| row.sequence == sequence);
    found.map(|row| as_it_stands(reading, row)).transpose()
}

/// Lays what was decided later over a payment that was reserved.
pub(crate) fn as_it_stands(reading: &Reading, mut row: PaymentRow) -> Result<PaymentRow, StoreError> {
    if row.state.is_final() {
        return Ok(row);
    }
    if let Some(decided) = reading.get(Space::State, &keys::decision(row.sequence))? {
        let decided = Decided::read(row.sequence, &decided);
        row.decide(&decided.ok_or(StoreError::Row("a decision"))?);
    }
    Ok(row)
}

/// Visits the items of a series between two places, both included, in an order.
pub(crate) fn series<T: Item>(
    reading: &Reading,
    space: Space,
    series: Series,
    (from, upto): (Place, Place),
    order: Order,
    mut visit: impl FnMut(T) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    if from > upto {
        return Ok(());
    }
    // The first run may begin before the first place.
    let begin = reading.range(space, &series.run(Place::default()), &series.run(from)).next_back();
    let begin = match begin {
        Some(run) => series.place(&run?.0).ok_or(StoreError::Row("a key"))?,
        None => from,
    };
    let mut runs = reading.range(space, &series.run(begin), &series.run(upto));
    loop {
        let run = match order {
            Order::OldestFirst => runs.next(),
            Order::NewestFirst => runs.next_back(),
        };
        let Some(run) = run else { return Ok(()) };
        let mut items: Vec<T> = read(reading, series, &run?)?;
        items.retain(|item| (from..=upto).contains(&item.place()));
        if order == Order::NewestFirst {
            items.reverse();
        }
        for item in items {
            if visit(item)?.is_break() {
                return Ok(());
            }
        }
    }
}

/// The last item of a series up to a place.
pub(crate) fn last<T: Item>(reading: &Reading, series: Series, upto: Place) -> Result<Option<T>, StoreError> {
    let mut last = None;
    let range = (Place::default(), upto);
    self::series(reading, Space::Series, series, range, Order::NewestFirst, |item| {
        last = Some(item);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(last)
}

fn read<T: Item>(reading: &Reading, series: Series, (key, row): &Found) -> Result<Vec<T>, StoreError> {
    let first = series.place(key).ok_or(StoreError::Row("a key"))?;
    read_run(first, row, &reading.banks).ok_or(StoreError::Row("a run"))
}

/// Everything decided up to this position is earlier than a time.
pub(crate) fn last_before(reading: &Reading, time: Timestamp) -> Result<Sequence, StoreError> {
    let Some(before) = time.nanoseconds().checked_sub(1).and_then(Timestamp::from_nanoseconds) else {
        return Ok(Sequence(0));
    };
    let mut marks = reading.range(Space::State, &keys::time(Timestamp::default()), &keys::time(before));
    marks.next_back().map_or(Ok(Sequence(0)), read_mark)
}

/// Everything decided after this position is later than a time.
pub(crate) fn first_after(reading: &Reading, time: Timestamp) -> Result<Sequence, StoreError> {
    let last = Sequence(u64::MAX);
    let Some(after) = time.nanoseconds().checked_add(1).and_then(Timestamp::from_nanoseconds) else {
        return Ok(last);
    };
    let latest = Timestamp::from_nanoseconds(i64::MAX).expect("it is not negative");
    let mut marks = reading.range(Space::State, &keys::time(after), &keys::time(latest));
    marks.next().map_or(Ok(last), read_mark)
}

fn read_mark(mark: Result<Found, StoreError>) -> Result<Sequence, StoreError> {
    let (_, row) = mark?;
    RowReader::new(&row).number().map(Sequence).ok_or(StoreError::Row("a mark of time"))
}

/// What the payee's bank of an expired payment is told, by profile.
pub(crate) fn profiles(reading: &Reading) -> Result<HashMap<u16, ReasonCode>, StoreError> {
    let mut profiles = HashMap::new();
    for found in reading.prefix(Space::State, &[keys::PROFILE]) {
        let (key, row) = found?;
        let read = || {
            let number = u16::from_be_bytes(key.get(1..)?.try_into().ok()?);
            Some((number, ReasonCode::from_bytes(row.as_ref().try_into().ok()?)?))
        };
        let (number, code) = read().ok_or(StoreError::Row("a profile"))?;
        profiles.insert(number, code);
    }
    Ok(profiles)
}
