//! Two books of the same account beside each other: what stands only here, only there, and on both sides but otherwise.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use iso20022::EntryDirection;
use types::Date;

use crate::external::External;

/// By which reference entries of two books are found to be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The transaction id, or where there is none the bank's own reference, or else the entry's number.
    First,
    /// The payer's bank's transaction id.
    TransactionId,
    /// The payer's end-to-end id.
    EndToEndId,
    /// The reference of whoever keeps the account.
    ServicerReference,
    /// The number of the entry on its account.
    EntryReference,
}

/// An entry as far as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is found by. Empty if it has no such reference.
    pub reference: Box<str>,
    /// Whether it raised or lowered the balance.
    pub direction: EntryDirection,
    /// How much, in minor units.
    pub amount: i64,
    /// From which day on it counts, if that is said.
    pub value_date: Option<Date>,
}

/// Why a line is no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItemError {
    /// The amount is none.
    #[error("the amount is no decimal above zero, such as 12.34, or has a sign beside a direction")]
    Amount,
    /// The direction is none.
    #[error("the direction is neither CRDT nor DBIT")]
    Direction,
    /// The date is none.
    #[error("the date is not YYYY-MM-DD")]
    Date,
    /// The balance is none.
    #[error("the balance is no decimal")]
    Balance,
    /// Another currency than the account's.
    #[error("it is in another currency")]
    Currency,
}

/// What does not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It stands in these books, and not in the others.
    OnlyHere(Item),
    /// It stands in the others, and not in these.
    OnlyThere(Item),
    /// Both have it, and it is not the same.
    Different {
        /// As it stands in these.
        here: Item,
        /// As it stands in the others.
        there: Item,
    },
    /// The opening balances differ, in minor units.
    Opening {
        /// In these books.
        here: i64,
        /// In the others.
        there: i64,
    },
    /// The closing balances differ, in minor units.
    Closing {
        /// In these books.
        here: i64,
        /// In the others.
        there: i64,
    },
}

/// What a comparison came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Entries that are the same on both sides.
    pub same_count: u64,
    /// What does not agree: balances first, then by reference.
    pub differences: Vec<Difference>,
}

/// Compares two books. Value dates count only where both sides say them, and only `with_dates`.
pub fn compare(here: &External, there: &External, with_dates: bool) -> Comparison {
    let mut comparison = Comparison::default();
    if let (Some(here), Some(there)) = (here.opening, there.opening)
        && here != there
    {
        comparison.differences.push(Difference::Opening { here, there });
    }
    if let (Some(here), Some(there)) = (here.closing, there.closing)
        && here != there
    {
        comparison.differences.push(Difference::Closing { here, there });
    }
    let mut by_reference: BTreeMap<&str, [Vec<&Item>; 2]> = BTreeMap::new();
    for (side, items) in [&here.items, &there.items].into_iter().enumerate() {
        for item in items {
            by_reference.entry(&item.reference).or_default()[side].push(item);
        }
    }
    for (reference, [here, there]) in by_reference {
        compare_group(reference, here, there, with_dates, &mut comparison);
    }
    comparison
}

/// Entries with one reference: a payment and its return may have the same.
fn compare_group(
    reference: &str,
    mut here: Vec<&Item>,
    mut there: Vec<&Item>,
    with_dates: bool,
    comparison: &mut Comparison,
) {
    // In one order, so that a reference that many entries share costs one step for each.
    let kind = |item: &Item| (item.direction == EntryDirection::Debit, item.amount);
    let order = |one: &&Item, other: &&Item| {
        kind(one).cmp(&kind(other)).then_with(|| one.value_date.cmp(&other.value_date))
    };
    here.sort_by(order);
    there.sort_by(order);
    let (mut here, mut there) = (here.into_iter().peekable(), there.into_iter().peekable());
    let [mut only_here, mut only_there] = [Vec::new(), Vec::new()];
    while let (Some(one), Some(other)) = (here.peek(), there.peek()) {
        let dates = one.value_date.zip(other.value_date).filter(|_| with_dates);
        let dates = dates.map_or(Ordering::Equal, |(one, other)| one.cmp(&other));
        match kind(one).cmp(&kind(other)).then(dates) {
            Ordering::Less => only_here.extend(here.next()),
            Ordering::Greater => only_there.extend(there.next()),
            Ordering::Equal => {
                here.next();
                there.next();
                comparison.same_count += 1;
            }
        }
    }
    only_here.extend(here);
    only_there.extend(there);
    let mut there = only_there.into_iter();
    for item in only_here {
        // Without a reference nothing says that two entries are meant to be one.
        let other = if reference.is_empty() { None } else { there.next() };
        comparison.differences.push(match other {
            Some(other) => Difference::Different { here: item.clone(), there: other.clone() },
            None => Difference::OnlyHere(item.clone()),
        });
    }
    comparison.differences.extend(there.map(|item| Difference::OnlyThere(item.clone())));
}

#[cfg(test)]
mod tests {
    use types::Currency;

    use super::*;

    fn books(text: &str) -> External {
        External::read(text.as_bytes(), Currency::EUR, By::First).unwrap()
    }

    fn told(here: &str, there: &str) -> (u64, Vec<String>) {
        let compared = compare(&books(here), &books(there), true);
        let tell = |item: &Item| format!("{} {:?} {}", item.reference, item.direction, item.amount);
        let differences = compared.differences.iter().map(|difference| match difference {
            Difference::OnlyHere(item) => format!("here {}", tell(item)),
            Difference::OnlyThere(item) => format!("there {}", tell(item)),
            Difference::Different { here, there } => format!("{} / {}", tell(here), tell(there)),
            Difference::Opening { here, there } => format!("opening {here} {there}"),
            Difference::Closing { here, there } => format!("closing {here} {there}"),
        });
        (compared.same_count, differences.collect())
    }

    #[test]
    fn what_differs_is_named() {
        let here = "reference,direction,amount,date\nA,CRDT,1.00,2026-11-20\nB,DBIT,2.00,2026-11-20\nC,CRDT,3.00,2026-11-20\n";
        assert_eq!(told(here, here), (3, vec![]));
        let there = "reference,direction,amount,date\nA,CRDT,1.00,2026-11-21\nB,DBIT,2.50,2026-11-20\nD,CRDT,4.00,2026-11-20\n";
        let (same, differences) = told(here, there);
        assert_eq!(same, 0);
        assert_eq!(
            differences,
            [
                "A Credit 100 / A Credit 100",
                "B Debit 200 / B Debit 250",
                "here C Credit 300",
                "there D Credit 400"
            ]
        );
        assert_eq!(compare(&books(here), &books(there), false).same_count, 1);
    }

    #[test]
    fn a_payment_and_its_return_share_a_reference() {
        let here = "reference,amount\nA,-1.00\nA,1.00\n";
        assert_eq!(told(here, "reference,amount\nA,1.00\nA,-1.00\n"), (2, vec![]));
        let (same, differences) = told(here, "reference,amount\nA,1.00\n");
        assert_eq!((same, differences), (1, vec!["here A Debit 100".to_owned()]));
    }

    #[test]
    fn entries_without_a_reference_are_never_called_different() {
        let (same, differences) = told("reference,amount\n,1.00\n", "reference,amount\n,2.00\n");
        assert_eq!(
            (same, differences),
            (0, vec!["here  Credit 100".to_owned(), "there  Credit 200".to_owned()])
        );
    }

    #[test]
    fn the_other_side_of_the_books_is_mirrored() {
        let here = books("reference,direction,amount\nA,CRDT,1.00\n");
        let there = books("reference,direction,amount\nA,DBIT,1.00\n").mirrored();
        assert_eq!(compare(&here, &there, true).differences, []);
    }

    #[test]
    fn lines_that_are_no_entries_are_named() {
        for (text, message) in [
            ("reference,amount\nA,1.2.3\n", "line 2: the amount is no decimal"),
            ("reference,amount,direction\nA,1.00,UP\n", "line 2: the direction is neither"),
            ("reference,amount,direction\nA,-1.00,CRDT\n", "line 2: the amount is no decimal"),
            ("reference,amount,date\nA,1.00,yesterday\n", "line 2: the date is not"),
            ("reference,amount,currency\nA,1.00,USD\n", "line 2: it is in another currency"),
            ("who,amount\nA,1.00\n", "the first line names no column transaction_id"),
            ("reference,sum\nA,1.00\n", "the first line names no column amount"),
        ] {
            let fault = External::read(text.as_bytes(), Currency::EUR, By::First).unwrap_err().to_string();
            assert!(fault.starts_with(message), "{fault}");
        }
    }
}
