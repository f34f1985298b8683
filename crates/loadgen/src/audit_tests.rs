//! Each comparison finds what it is for.

use super::*;
use crate::lane::Share;
use crate::options::{LoadOptions, RemotePayees};
use crate::plan::Plan;
use crate::tally::NumberSet;

const ACCOUNTS: u32 = 4;

/// Payments may go to the fourth or fifth of the remote banks.
const REMOTE: RemotePayees = RemotePayees { percent: 50, banks: 3..5 };

/// Three confirmed payments of a run over four accounts.
fn confirmed() -> Confirmed {
    let options = LoadOptions::new("RUN1".parse().unwrap());
    let plan = Plan::new(&LoadOptions { accounts: ACCOUNTS, remote: Some(REMOTE), ..options });
    let mut places = NumberSet::default();
    for place in [0, 1, 5] {
        places.insert(place);
    }
    Confirmed::new(plan, vec![(Share { lane: 0, lanes: 1 }, places)])
}

fn book(participant: &str) -> v1::BookTotal {
    v1::BookTotal {
        participant: participant.to_owned(),
        currency_code: "EUR".to_owned(),
        debit_total: "5.00".to_owned(),
        credit_total: "5.00".to_owned(),
        balance_total: "0.00".to_owned(),
        reserved_total: "0.00".to_owned(),
        ..Default::default()
    }
}

/// The books before the payments and right after them.
fn snapshots() -> (Snapshot, Snapshot) {
    let before = Snapshot {
        accounts: (0..ACCOUNTS).map(|account| (account, 1_000)).collect(),
        positions: vec![5_000, 6_000, 0, 70],
        books: vec![book(""), book("LOADBEBBXXX")],
        settled: 10,
    };
    let moved = Moved::by(&[confirmed()], ACCOUNTS, REMOTE.banks);
    let after = Snapshot {
        accounts: before
            .accounts
            .iter()
            .map(|(account, was)| (*account, was + moved.accounts[index(*account)]))
            .collect(),
        positions: before.positions.iter().zip(&moved.positions).map(|(was, moved)| was + moved).collect(),
        books: before.books.clone(),
        settled: 13,
    };
    (before, after)
}

const CLOSED_ENDS: OpenEnds = OpenEnds { unknown: 0, unasked: 0 };

#[test]
fn books_that_follow_the_replies_pass() {
    let (before, after) = snapshots();
    assert_ne!(before.accounts, after.accounts, "the payments move money");
    let report = audit(&before, &after, ACCOUNTS, REMOTE.banks, &[confirmed()], CLOSED_ENDS);
    assert!(report.passed(), "{report}");
    assert_eq!(report.to_json()["passed"], true);
    assert_eq!(report.to_json()["checks"].as_array().unwrap().len(), 6);
}

/// Spoils the books after the run, and expects that exactly one comparison finds it.
fn found_by(name: &str, spoil: impl FnOnce(&mut Snapshot)) -> String {
    let (before, mut after) = snapshots();
    spoil(&mut after);
    let report = audit(&before, &after, ACCOUNTS, REMOTE.banks, &[confirmed()], CLOSED_ENDS);
    let failed: Vec<_> = report.checks.iter().filter(|check| !check.passed).collect();
    assert_eq!(failed.len(), 1, "{report}");
    assert_eq!(failed[0].name, name);
    report.to_string()
}

#[test]
fn a_cent_too_much_is_found() {
    let text = found_by("accounts hold what the replies add up to", |after| after.accounts[2].1 += 1);
    assert!(text.starts_with("audit: FAILED"), "{text}");
    let iban = LoadAccount::at(2).iban();
    assert!(!text.contains(iban.as_str()), "account numbers are masked");
    assert!(text.contains(&iban.masked()), "{text}");
}

#[test]
fn every_other_difference_is_found() {
    found_by("positions hold what the replies add up to", |after| after.positions[1] -= 1);
    found_by("positions hold what the replies add up to", |after| after.positions[3] += 1);
    found_by("nothing stays reserved", |after| after.books[1].reserved_total = "0.07".to_owned());
    found_by("the log settled what was confirmed", |after| after.settled += 1);
    found_by("every book sums to zero", |after| after.books[1].balance_total = "0.01".to_owned());
    found_by("every book sums to zero", |after| after.books[0].debit_total = "5.01".to_owned());
    found_by("every book sums to zero", |after| after.books.clear());
    found_by("accounts hold what the replies add up to", |after| {
        after.accounts.pop();
    });
}

#[test]
fn open_ends_fail_the_audit() {
    let (before, after) = snapshots();
    for open_ends in [OpenEnds { unknown: 1, unasked: 0 }, OpenEnds { unknown: 0, unasked: 1 }] {
        assert!(!audit(&before, &after, ACCOUNTS, REMOTE.banks, &[confirmed()], open_ends).passed());
    }
}

#[test]
fn banks_elsewhere_are_told_the_same() {
    let heard = |settled, repeats| ResponderCounts { settled, repeats, ..ResponderCounts::default() };
    for (settled, repeats, confirmed, passed) in
        [(7, 0, 7, true), (6, 0, 7, false), (8, 0, 7, false), (5, 3, 7, true), (5, 1, 7, false)]
    {
        let check = banks_heard_what_was_confirmed(heard(settled, repeats), confirmed);
        assert_eq!(check.passed, passed, "{settled} {repeats} {confirmed}");
    }
}
