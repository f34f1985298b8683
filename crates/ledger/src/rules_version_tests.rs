//! Versions: raised one by one from the next frame on, and what they let in.

use types::{PrincipalNumber, Sequence};

use super::*;
use crate::testing::{LIMITS, genesis};
use crate::testing_words::{key, start};
use crate::{Outcome, Position, RecordWriter, Records, Verdict};

fn position(sequence: u64) -> Position {
    Position { sequence: Sequence(sequence), time: start() }
}

fn raise(id: &str, version: u32) -> RecordWriter {
    let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
    let request_id = RequestId::parse(id).unwrap();
    writer.set_version(&SetVersion { request_id, version });
    writer
}

fn apply(ledger: &mut Ledger, sequence: u64, writer: &RecordWriter) -> Result<Outcome, ReplayError> {
    ledger.reserve_for_frame(1);
    let record = Records::new(writer.records(), writer.texts()).next().unwrap().unwrap();
    ledger.apply(position(sequence), &record)
}

/// A log that an older program began.
fn begun(version: u32) -> Ledger {
    let mut ledger = Ledger::new(LIMITS);
    ledger.begin_under(version);
    ledger.tick(position(1));
    apply(&mut ledger, 2, &genesis()).unwrap();
    ledger
}

const NOT_NEXT: Verdict = Verdict::Refused { refusal: Refusal::VersionNotNext, repeat_of: None };

#[test]
fn version_is_raised_by_one_and_from_the_next_frame_on() {
    assert_eq!(Ledger::new(LIMITS).rules_version(), RULES_VERSION, "a new log begins under the newest");
    let mut ledger = begun(1);
    assert_eq!(ledger.rules_version(), 1);
    assert_eq!(apply(&mut ledger, 3, &raise("same", 1)).unwrap().verdict, NOT_NEXT);
    let done = Verdict::Done { subject: 0, repeat_of: None };
    assert_eq!(apply(&mut ledger, 4, &raise("next", 2)).unwrap().verdict, done);
    assert_eq!((ledger.rules.in_force, ledger.rules_version()), (1, 2), "this frame stays under its own");
    assert_eq!(apply(&mut ledger, 5, &raise("twice", 2)).unwrap().verdict, NOT_NEXT);
    ledger.tick(position(6));
    assert_eq!(ledger.rules.in_force, 2);
    assert_eq!(apply(&mut ledger, 7, &raise("down", 1)).unwrap().verdict, NOT_NEXT);
    let repeated = Verdict::Done { subject: 0, repeat_of: Some(Sequence(4)) };
    assert_eq!(apply(&mut ledger, 8, &raise("next", 2)).unwrap().verdict, repeated);
    assert_eq!(ledger.rules_version(), 2);
}

/// Whether a version is known is no matter of the log, so such a record is not refused: it can't be followed.
#[test]
fn version_that_is_not_known_can_not_be_followed() {
    let request_id = || RequestId::parse("request").unwrap();
    assert!(SetVersion::new(request_id(), RULES_VERSION).is_some());
    assert!(SetVersion::new(request_id(), RULES_VERSION + 1).is_none());
    assert!(SetVersion::new(request_id(), 0).is_none());
    let unknown = apply(&mut begun(2), 3, &raise("unknown", RULES_VERSION + 1));
    assert_eq!(unknown, Err(ReplayError::VersionUnknown(RULES_VERSION + 1)));
}

/// Commands of a later version stand in no frame before it, and whoever writes one knows what it needs.
#[test]
fn kinds_have_a_first_version() {
    let kinds = || (0..100).filter_map(Kind::from_number);
    for kind in kinds() {
        assert!(kind.first_version() <= RULES_VERSION, "{kind:?} comes with a version that nobody knows");
    }
    let since_the_first = [1, 10, 11, 12, 14, 15, 16, 20, 23];
    for kind in kinds().filter(|kind| since_the_first.contains(&kind.number())) {
        assert_eq!(kind.first_version(), 1, "{kind:?}");
    }
    let since = |version| kinds().filter(move |kind| kind.first_version() == version).map(Kind::number);
    assert_eq!(since(2).collect::<Vec<_>>(), [13]);
    assert!(since(3).any(|number| number == 28));
    assert_eq!(since(4).collect::<Vec<_>>(), [45, 46, 47, 50, 51]);
    assert_eq!(since(5).collect::<Vec<_>>(), [40, 41, 42, 43, 44, 48, 73, 74, 75, 76, 77, 78, 80, 81, 82]);
    assert!((74..=77).all(|number| since(5).any(|known| known == number)));
    assert_eq!(raise("next", 2).rules_version(), 1, "the old rules know how they are left");
}
