//! A run that is gone is made anew out of others, byte for byte, or not at all.

use std::sync::Arc;

use proptest::prelude::*;
use types::{Incarnation, Sequence};

use super::tests::{IDENTITY, entries, merge, write};
use super::{RunError, RunFacts, RunReader, holds_all, remake_run, run_facts, run_name};
use crate::header::Identity;
use crate::storage::Storage;
use crate::storage_memory::MemoryStorage;

/// Runs with so many payments that follow each other.
fn runs(storage: &MemoryStorage, counts: &[u64]) -> Vec<RunFacts> {
    let mut after = 0;
    let one = |(number, count): (u64, &u64)| {
        let part = entries(after + 1, *count);
        let run = write(storage, number, after, &part);
        after = part.last().unwrap().sequence;
        *run.facts()
    };
    (1..).zip(counts).map(one).collect()
}

fn merged(storage: &MemoryStorage, number: u64, runs: &[RunFacts]) -> RunFacts {
    let open = |facts: &RunFacts| Arc::new(super::Run::open(storage, &IDENTITY, facts).unwrap());
    *merge(storage, number, runs.iter().map(open).collect()).facts()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_run_is_cut_out_of_one_that_holds_more(
        counts in proptest::collection::vec(1..400_u64, 2..5),
        which in 0..5_usize,
    ) {
        let storage = MemoryStorage::new();
        let parts = runs(&storage, &counts);
        let all = merged(&storage, 9, &parts);
        let wanted = parts[which % parts.len()];
        let before = storage.bytes(&run_name(wanted.number));
        let to = MemoryStorage::new();
        let made = remake_run(&storage, &to, &IDENTITY, &wanted, &[all]).unwrap().unwrap();
        prop_assert_eq!(made.facts(), &wanted);
        made.verify().unwrap();
        prop_assert_eq!(to.bytes(&run_name(wanted.number)), before);
    }

    #[test]
    fn a_run_is_put_together_of_parts_and_of_more(counts in proptest::collection::vec(1..400_u64, 4..6)) {
        let storage = MemoryStorage::new();
        let parts = runs(&storage, &counts);
        let wanted = merged(&storage, 9, &parts[..3]);
        let beyond = merged(&storage, 10, &parts[2..]);
        let before = storage.bytes(&run_name(9));
        let to = MemoryStorage::new();
        let sources = [beyond, parts[0], parts[1]];
        let made = remake_run(&storage, &to, &IDENTITY, &wanted, &sources).unwrap().unwrap();
        prop_assert_eq!(made.facts(), &wanted);
        prop_assert_eq!(to.bytes(&run_name(9)), before);
    }
}

#[test]
fn what_is_not_the_run_that_the_log_names_is_not_made() {
    let storage = MemoryStorage::new();
    let parts = runs(&storage, &[40, 50, 60]);
    let all = merged(&storage, 9, &parts);
    let to = MemoryStorage::new();
    let nothing = |wanted: &RunFacts, identity: &Identity, sources: &[RunFacts]| {
        let made = remake_run(&storage, &to, identity, wanted, sources).unwrap();
        made.is_none() && to.list().unwrap().is_empty()
    };
    let later = Identity { incarnation: Incarnation(1), ..IDENTITY };
    assert!(nothing(&parts[1], &later, &[all]), "it was made in another life");
    assert!(nothing(&parts[1], &IDENTITY, &[parts[0], parts[2]]), "a part is not there");
    let wrong = [
        RunFacts { hash: [1; 32], ..parts[1] },
        RunFacts { payments: 51, ..parts[1] },
        RunFacts { upto: Sequence(parts[1].upto.0 - 1), ..parts[1] },
        RunFacts { number: 77, ..parts[1] },
    ];
    for wrong in wrong {
        assert!(nothing(&wrong, &IDENTITY, &[all]), "{wrong:?}");
    }
    assert!(holds_all(&[all], &parts[1]) && !holds_all(&parts[1..], &all));
    assert_eq!(run_facts(&storage, &IDENTITY, 9), Ok(all));
    assert_eq!(run_facts(&storage, &IDENTITY, 8), Err(RunError::Missing { number: 8 }));
}
