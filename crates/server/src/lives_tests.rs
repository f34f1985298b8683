use client::Refusal;
use client::v1::ErrorReason;

use super::*;

/// Three lives: the second goes on after 100, the third after 150.
fn lives() -> Lives {
    let mut lives = Lives::first(Incarnation(7));
    for (incarnation, first) in [(8, 101), (9, 151)] {
        assert!(lives.begin(Life { incarnation: Incarnation(incarnation), first: Sequence(first) }));
    }
    lives
}

fn refused(sequence: u64, incarnation: Option<u64>) -> Option<String> {
    let named = Named::read(Some(sequence), incarnation).unwrap();
    let status = named.on(&lives()).err()?;
    assert_eq!(Refusal::from_status(&status).reason, ErrorReason::PositionTooOld);
    Some(status.message().to_owned())
}

#[test]
fn a_position_counts_up_to_where_the_life_that_gave_it_was_kept() {
    for (incarnation, kept) in [(7, 100), (8, 150)] {
        assert_eq!(refused(kept, Some(incarnation)), None);
        let why = refused(kept + 1, Some(incarnation)).unwrap();
        assert!(why.contains(&format!("from position {kept}")), "{why}");
    }
    assert_eq!(refused(1 << 40, Some(9)), None, "whether the log has come to it is another question");
    // A life tells positions of those before it as well.
    assert_eq!(refused(50, Some(9)), None);
}

#[test]
fn a_position_without_its_life_counts_as_far_as_all_lives_have_it() {
    assert_eq!(refused(100, None), None);
    for position in [101, 150, 151, 1 << 40] {
        let why = refused(position, None).unwrap();
        assert!(why.contains("position 100"), "{why}");
    }
    let first = Lives::first(Incarnation(7));
    let named = Named::read(Some(1 << 40), None).unwrap();
    assert_eq!(named.on(&first).unwrap(), Sequence(1 << 40), "nothing was ever lost");
}

#[test]
fn a_life_that_was_lost_as_a_whole_names_nothing_but_the_beginning() {
    assert!(refused(1, Some(6)).is_some());
    assert_eq!(refused(0, Some(6)), None);
    assert_eq!(Named::read(None, Some(6)), None);
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_nanoseconds(1_000_000 * 1_000_000_000 + second * 1_000_000_000).unwrap()
}

#[test]
fn what_was_accepted_between_the_point_and_the_restore_may_be_lost() {
    let restore = |upto, from, until| Restore { upto: Sequence(upto), from, until: at(until) };
    let restores = Restores(vec![restore(100, None, 0), restore(150, Some(at(1000)), 2000)]);
    for (second, expected) in [
        (-5000, Some(100)),
        (2, Some(100)),
        (3, None),
        (939, None),
        (940, Some(150)),
        (1500, Some(150)),
        (2002, Some(150)),
        (2003, None),
    ] {
        let found = restores.may_have_lost(Some(at(second)));
        assert_eq!(found.map(|upto| upto.0), expected, "{second}");
    }
    assert_eq!(restores.may_have_lost(None), Some(Sequence(150)));
    assert_eq!(Restores::default().may_have_lost(None), None);
}
