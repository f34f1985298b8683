//! The bookings of books against the ledger: what their sides sum up to is what the ledger has, at every moment, and their
//! numbers have no gap.

use std::collections::BTreeMap;

use ledger::{
    AccountKind, ExpectedVersion, Fees, GlAccount, PostingLine, PostingSubject, SetFees, SetPostingMap,
};
use proptest::prelude::*;

use super::tests::{index, log_of, step};
use super::*;
use crate::bookings::{BookingRow, Heap};
use crate::testing::{Log, bank};

const EUR: Currency = Currency::EUR;

pub(crate) fn all(view: &View, letter: &str) -> Vec<BookingRow> {
    view.bookings((bank(letter), EUR), (None, None), None, usize::MAX).unwrap().rows
}

/// What the ledger had at a position: what is owed to customers, on the core and clearing accounts, the position, and the
/// technical account.
fn in_ledger(log: &Log, letter: &str, at: Sequence) -> [i64; 6] {
    let mut sums = [0; 6];
    for (number, account) in log.ledger.accounts() {
        if account.owner() == ParticipantNumber(0)
            || log.ledger.participant_by_number(account.owner()).bic() != bank(letter)
        {
            continue;
        }
        let course = &log.courses[&number.0];
        let balance = course.iter().rfind(|(since, ..)| *since <= at).map_or(0, |(.., balance)| *balance);
        let place = match account.kind() {
            AccountKind::Current | AccountKind::Savings => 0,
            AccountKind::Core => 1,
            AccountKind::Clearing => 2,
            AccountKind::Position => 3,
            AccountKind::Technical => 4,
            AccountKind::Suspense => 5,
            AccountKind::Funding => unreachable!("no bank owns it"),
        };
        sums[place] += balance;
    }
    sums
}

/// Checks the books of all banks against the ledger.
pub(crate) fn check_books(log: &Log, view: &View) {
    for letter in ["A", "B", "C"] {
        let rows = all(view, letter);
        let mut sides: BTreeMap<u64, i64> = BTreeMap::new();
        for row in &rows {
            let amounts = row.sides().map(|side| if side.is_debit { -row.amount } else { row.amount });
            assert_eq!(amounts.sum::<i64>(), 0, "a transfer has two sides: {row:?}");
            sides.extend(row.sides().map(|side| (side.number, row.amount)));
        }
        let count = u64::try_from(sides.len()).unwrap();
        assert!(sides.keys().copied().eq(1..=count), "numbers go from 1 on, without a gap");
        assert_eq!(view.book_sums(bank(letter), EUR).unwrap().count, count);
        for (row, next) in rows.iter().zip(rows.iter().skip(1).map(Some).chain([None])) {
            // All that one position or tick booked.
            if next.is_some_and(|next| next.place.at == row.place.at) {
                continue;
            }
            let after = row.after();
            let told = [
                after.of(Heap::Customers),
                after.of(Heap::Core) + after.of(Heap::Fees),
                after.of(Heap::Clearing),
                -after.of(Heap::Position),
                -after.of(Heap::Technical),
                after.of(Heap::Suspense),
            ];
            assert_eq!(told, in_ledger(log, letter, row.place.at), "bank {letter} at {:?}", row.place);
            let outer = [Heap::Position, Heap::Transit, Heap::Funding, Heap::Technical];
            assert_eq!(outer.map(|heap| after.of(heap)).iter().sum::<i64>(), 0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn books_sum_up_to_what_the_ledger_has(steps in proptest::collection::vec(step(), 1..120)) {
        let log = log_of(&steps);
        let (_folder, store) = index(&log, false);
        let view = View::new(&store).unwrap().unwrap();
        check_books(&log, &view);
        let (_other_folder, other) = index(&log, true);
        let other = View::new(&other).unwrap().unwrap();
        for letter in ["A", "B", "C"] {
            prop_assert_eq!(all(&view, letter), all(&other, letter), "commits change nothing");
            prop_assert_eq!(view.bookings_lack(bank(letter)).unwrap(), None);
        }
    }

    #[test]
    fn bookings_come_in_pages(steps in proptest::collection::vec(step(), 1..60), size in 1..9_usize) {
        let log = log_of(&steps);
        let (_folder, store) = index(&log, true);
        let view = View::new(&store).unwrap().unwrap();
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let page = view.bookings((bank("B"), EUR), (None, None), after, size).unwrap();
            rows.extend(page.rows);
            after = page.next;
            if after.is_none() { break; }
        }
        prop_assert_eq!(&rows, &all(&view, "B"));
        let count = view.book_sums(bank("B"), EUR).unwrap().count;
        for none in [0, count + 1] {
            prop_assert_eq!(view.booking_of((bank("B"), EUR), none).unwrap(), None);
        }
        for row in &rows {
            prop_assert_eq!(view.last_booking((bank("B"), EUR), row.place).unwrap(), Some(*row));
            for side in row.sides() {
                prop_assert_eq!(view.booking_of((bank("B"), EUR), side.number).unwrap(), Some(*row));
            }
        }
    }
}

#[test]
fn a_history_that_begins_later_says_what_it_lacks() {
    let mut log = log_of(&[]);
    let mut writer = log.writer();
    log.post(&mut writer, "A1", 100);
    log.commands(&writer);
    log.marker();
    let store = Store::open(tempfile::tempdir().unwrap().path()).unwrap();
    let mut indexer = crate::indexer::Indexer::open(Arc::clone(&store), Some(crate::testing::KEY)).unwrap();
    indexer.begin(&log.with_snapshot(3)).unwrap();
    for frame in &log.frames[3..] {
        indexer.step(&journal::FrameView::parse(frame).unwrap()).unwrap();
    }
    indexer.commit().unwrap();
    let view = View::new(&store).unwrap().unwrap();
    assert_eq!(view.bookings_lack(bank("A")).unwrap(), Some(view.watermark().begins));
}

#[test]
fn payments_of_every_kind_have_both_sides() {
    use Heap::{Clearing, Core, Customers, Position, Transit};
    let mut log = Log::new();
    let mut writer = log.writer();
    let fees = Fees::from_minor_units(30, 20).unwrap();
    let request_id = log.request();
    writer.set_fees(&SetFees { request_id, bic: bank("A"), currency: EUR, fees });
    log.pay(&mut writer, "INSIDE", "A1", "A2", 100);
    log.pay(&mut writer, "OUT", "A1", "B1", 200);
    log.commands(&writer);
    let mut writer = log.writer();
    log.pay(&mut writer, "REMOTE", "C1", "A1", 300);
    log.commands(&writer);
    log.marker();
    let (_folder, store) = index(&log, true);
    let view = View::new(&store).unwrap().unwrap();
    check_books(&log, &view);
    let told = |letter: &str, since: usize| -> Vec<(i64, Vec<Heap>)> {
        let rows = all(&view, letter).into_iter().skip(since);
        rows.map(|row| (row.amount, row.sides().map(|side| side.heap).collect())).collect()
    };
    let charged = (20, vec![Customers, Heap::Fees]);
    // Its funding and two postings come first.
    assert_eq!(
        told("A", 3),
        [
            (100, vec![Customers, Customers]),
            charged.clone(),
            (200, vec![Customers, Clearing, Transit, Position]),
            charged,
            (300, vec![Clearing, Customers, Position, Transit]),
        ]
    );
    assert_eq!(told("B", 3), [(200, vec![Clearing, Customers, Position, Transit])]);
    assert_eq!(told("C", 1), [(300, vec![Transit, Position])], "its own core books the payer's side");
    let [first, ..] = all(&view, "B")[..] else { panic!("it was funded") };
    assert_eq!(first.sides().map(|side| side.heap).collect::<Vec<_>>(), [Position, Heap::Funding]);
    assert_eq!(told("B", 1)[0].1, [Core, Customers]);
}

#[test]
fn maps_are_kept_as_they_were_set() {
    let mut log = Log::new();
    let mut writer = log.writer();
    let line = |subject, name| PostingLine { subject, gl_account: GlAccount::parse(name).unwrap() };
    for (from, name) in [(None, "1000"), (types::Date::parse("2026-02-05").ok(), "2000")] {
        let (request_id, expected) = (log.request(), ExpectedVersion::Any);
        let lines = vec![line(PostingSubject::Default, name)];
        writer.set_posting_map(&SetPostingMap {
            request_id,
            bank: bank("A"),
            currency: EUR,
            expected,
            from,
            lines,
        });
    }
    log.commands(&writer);
    log.marker();
    let (_folder, store) = index(&log, true);
    let view = View::new(&store).unwrap().unwrap();
    let maps = view.posting_maps(bank("A"), EUR).unwrap();
    let last = log.ledger.posting_map(bank("A"), EUR).unwrap();
    assert_eq!(maps.len(), 2);
    assert_eq!((maps[1].at, maps[1].from), (last.set_at(), last.from()));
    assert_eq!(maps[0].lines, [line(PostingSubject::Default, "1000")]);
    assert_eq!(view.posting_maps(bank("B"), EUR).unwrap(), []);
}
