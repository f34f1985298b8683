//! Which runs leave a backup.

use types::Sequence;

use super::*;

fn run(number: u64, after: u64, upto: u64, newest: i64) -> RunFacts {
    RunFacts {
        number,
        after: Sequence(after),
        upto: Sequence(upto),
        newest_time: Timestamp::from_nanoseconds(newest).unwrap(),
        payments: upto - after,
        hash: [0; 32],
    }
}

fn left_out(there: &[RunFacts], held: &[u64], limit: i64) -> Vec<u64> {
    let limit = Timestamp::from_nanoseconds(limit).unwrap();
    superfluous_of(there.to_vec(), |number| held.contains(&number), limit)
}

#[test]
fn a_run_leaves_for_a_larger_one_or_when_it_is_old() {
    let all = [run(1, 0, 10, 10), run(2, 10, 20, 20), run(3, 0, 20, 20), run(4, 20, 30, 30)];
    assert_eq!(left_out(&all, &[3, 4], 0), [1, 2]);
    assert_eq!(left_out(&all, &[1, 2, 3, 4], 0), [0; 0], "the node holds them still");
    assert_eq!(left_out(&all[..2], &[], 0), [0; 0], "together is not the same as one that holds both");
    assert_eq!(left_out(&[run(1, 0, 10, 10), run(5, 9, 30, 30)], &[], 0), [0; 0], "it holds a part");
    assert_eq!(left_out(&all, &[], 15), [1, 2]);
    assert_eq!(left_out(&all, &[4], 25), [1, 2, 3]);
    assert_eq!(left_out(&all, &[2], 100), [1, 4, 3]);
}

#[test]
fn of_two_that_hold_the_same_one_stays() {
    assert_eq!(left_out(&[run(7, 0, 10, 10), run(8, 0, 10, 10)], &[], 0), [7]);
    assert_eq!(left_out(&[run(7, 0, 10, 10), run(8, 0, 10, 10)], &[7], 0), [0; 0]);
}
