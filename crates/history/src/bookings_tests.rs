//! Rows of bookings: what is written is read, and bytes that are none break nothing.

use proptest::prelude::*;

use super::*;
use crate::rows::read_run;

fn sides() -> impl Strategy<Value = BookSide> {
    prop_oneof![
        any::<u32>().prop_map(|number| BookSide::Customer(AccountNumber(number))),
        Just(BookSide::Core),
        Just(BookSide::Fees),
        Just(BookSide::Clearing),
        Just(BookSide::Suspense),
    ]
}

fn rows() -> impl Strategy<Value = BookingRow> {
    let kinds =
        [EntryKind::Payment, EntryKind::Fee, EntryKind::Posting, EntryKind::Return, EntryKind::OwnFunds];
    let outer = prop_oneof![Just(None), Just(Some(Moved::Up)), Just(Some(Moved::Down))];
    let inner = proptest::option::of([sides(), sides()]);
    let dates = proptest::option::of(0..40_000);
    (0..kinds.len(), 0..50_u64, 1..1_000_000_i64, inner, outer, dates, 0..1_000_000_000_i64).prop_map(
        move |(kind, behind, amount, inner, outer, date, time)| BookingRow {
            place: Place { at: Sequence(behind + 1), turn: 0 },
            time: Timestamp::from_nanoseconds(time).unwrap(),
            kind: kinds[kind],
            command: Sequence(1),
            amount,
            payment: [Some(1), Some(1), None, Some(behind), None][kind].map(Sequence),
            inner,
            outer,
            value_date: date.and_then(Date::from_days),
            before: BookSums::default(),
        },
    )
}

/// One after the other, with what each found.
fn chained(rows: Vec<BookingRow>) -> Vec<BookingRow> {
    let mut sums = BookSums { count: 7, ..BookSums::default() }.with(Heap::Core, -5);
    let chain = rows.into_iter().zip(0..).map(|(row, number): (BookingRow, u64)| {
        let place = Place { at: Sequence(row.place.at.0 + 60 * number), ..row.place };
        let row = BookingRow { place, before: sums, ..row };
        sums = row.after();
        row
    });
    chain.collect()
}

fn written(rows: &[BookingRow]) -> Vec<u8> {
    let (banks, mut bytes, mut before) = (Banks::default(), RowWriter::default(), None);
    for row in rows {
        row.write(before, &banks, &mut bytes);
        before = Some(row);
    }
    bytes.bytes
}

proptest! {
    #[test]
    fn runs_are_read_as_they_were_written(rows in proptest::collection::vec(rows(), 1..20)) {
        let rows = chained(rows);
        let bytes = written(&rows);
        prop_assert_eq!(read_run(rows[0].place, &bytes, &Banks::default()), Some(rows));
    }

    #[test]
    fn debits_are_credits(rows in proptest::collection::vec(rows(), 1..20)) {
        let first = rows[0];
        let sums = chained(rows).last().map(BookingRow::after).unwrap_or(first.before);
        let whole: i64 = Heap::ALL.iter().map(|heap| sums.of(*heap)).sum();
        prop_assert_eq!(whole, -5, "only what was there before");
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _: Option<Vec<BookingRow>> = read_run(Place::first_at(Sequence(9)), &bytes, &Banks::default());
    }
}

#[test]
fn sides_of_a_payment_between_banks() {
    let row = BookingRow {
        place: Place::first_at(Sequence(9)),
        time: Timestamp::default(),
        kind: EntryKind::Payment,
        command: Sequence(9),
        amount: 250,
        payment: Some(Sequence(9)),
        inner: Some([BookSide::Customer(AccountNumber(3)), BookSide::Clearing]),
        outer: Some(Moved::Down),
        value_date: None,
        before: BookSums { count: 10, ..BookSums::default() },
    };
    let told: Vec<_> = row.sides().map(|side| (side.number, side.heap, side.is_debit)).collect();
    assert_eq!(
        told,
        [
            (11, Heap::Customers, true),
            (12, Heap::Clearing, false),
            (13, Heap::Transit, true),
            (14, Heap::Position, false)
        ]
    );
    let after = row.after();
    assert_eq!(after.count, 14);
    assert_eq!(Heap::ALL.map(|heap| after.of(heap)), [-250, 0, 0, 250, 0, 250, -250, 0, 0]);
}
