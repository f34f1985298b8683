//! The records of gateways: versions, owners, limits and ends. Scripts start on 2026-01-05 at 10:00.

use types::{ParticipantNumber, PrincipalNumber, Sequence};

use crate::testing::{LIMITS, apply_frame, check, genesis, ledger_after_under};
use crate::testing_words::{bank, key, start};
use crate::{
    ExpectedVersion, Ledger, Outcome, Position, PutRecord, RecordKey, RecordName, RecordOwner, RecordSpace,
    RecordWriter, Refusal, RegisterParticipant, RequestId, Verdict,
};

const BANKS: &str = "bank A hosted | bank B remote\n";

fn check_records(script: &str) {
    check(&format!("{BANKS}{script}"));
}

#[test]
fn record_is_put_read_and_removed() {
    check_records(
        "
        put A consents c1 hello id R1            => done
        record A consents c1                     => R1 at R1, 5 bytes
        put A consents c1 welcome id R2          => done
        record A consents c1                     => R2 at R2, 7 bytes
        remove A consents c1                     => done
        record A consents c1                     => none
        remove A consents c1                     => refused RECORD_UNKNOWN
        put X consents c1 hello                  => refused PARTICIPANT_UNKNOWN
        remove X consents c1                     => refused PARTICIPANT_UNKNOWN
        ",
    );
}

#[test]
fn version_that_is_expected_has_to_be_there() {
    check_records(
        "
        put A s k one expect none id R1          => done
        put A s k two expect none                => refused VERSION_CONFLICT
        put A s k two expect R1 id R2            => done
        put A s k three expect R1                => refused VERSION_CONFLICT
        remove A s k expect R1                   => refused VERSION_CONFLICT
        remove A s k expect R2                   => done
        put A s k one expect R2                  => refused VERSION_CONFLICT
        put A s k one expect none id R3          => done
        record A s k                             => R3 at R3, 3 bytes
        ",
    );
}

#[test]
fn owners_and_keys_are_told_apart() {
    check_records(
        "
        put A s a/1 one | put A s a/2 two | put A s b one | put A s a one => done
        put A t a/1 four | put B s a/1 five      => done
        records A s                              => a, a/1, a/2, b
        records A s a                            => a, a/1, a/2
        records A s a/                           => a/1, a/2
        records A s c                            => none
        records A t                              => a/1
        records B s                              => a/1
        records B t                              => none
        remove A s a/2                           => done
        records A s                              => a, a/1, b
        ",
    );
}

#[test]
fn record_whose_time_is_over_is_gone() {
    check_records(
        "
        put A s k one until 0d                   => refused RECORD_EXPIRY_NOT_ALLOWED
        put A s k one until 400d+1ns             => refused RECORD_EXPIRY_NOT_ALLOWED
        put A s k one until 5s id R1             => done
        put A s other one until 400d             => done
        due                                      => 5s
        at 4s+999ms
        record A s k                             => R1 at R1, 3 bytes
        at 5s
        put A s k two expect R1                  => refused VERSION_CONFLICT
        record A s k                             => none
        due                                      => 34560000s
        put A s k two expect none id R2          => done
        records A s                              => k, other
        at 400d
        tick
        records A s                              => k
        due                                      => never
        ",
    );
}

#[test]
fn requests_about_records_are_answered_once() {
    check_records(
        "
        put A s k one id R1                      => done
        put A s k one id R1                      => done, repeat of R1
        put A s k two id R1                      => refused REQUEST_ID_REUSED
        put A s l one id R1                      => refused REQUEST_ID_REUSED
        remove A s k id R9                       => done
        put A s k one id R1                      => done, repeat of R1
        record A s k                             => none
        remove A s k id R9                       => done, repeat of R9
        ",
    );
}

/// Bytes are written again under the key of another day; the version stays, and what came meanwhile wins.
#[test]
fn bytes_may_stand_elsewhere_later() {
    check_records(
        "
        put A s k one until 5d id R1             => done
        at 1d
        again A s k one at R1 id W1              => done
        record A s k                             => R1 at W1, 3 bytes
        again A s k one at R1                    => refused VERSION_CONFLICT
        put A s k two expect R1 id R2            => done
        again A s k one at W1                    => refused VERSION_CONFLICT
        again A s l one at W1                    => refused VERSION_CONFLICT
        record A s k                             => R2 at R2, 3 bytes
        remove A s k                             => done
        again A s k two at R2                    => refused VERSION_CONFLICT
        ",
    );
}

#[test]
fn bank_has_at_most_eight_name_spaces() {
    let mut script = String::new();
    (0..8).for_each(|space| script += &format!("put A s{space} k one => done\n"));
    script += "
        put A s8 k one                           => refused RECORD_SPACE_LIMIT
        put A s7 l one                           => done
        put B s8 k one                           => done
        remove A s3 k                            => done
        put A s8 k one                           => done";
    check_records(&script);
}

/// A ledger and its clock.
struct Node {
    ledger: Ledger,
    next: u64,
}

impl Node {
    fn new() -> Self {
        let mut node = Self { ledger: Ledger::new(LIMITS), next: 1 };
        let writer = genesis();
        node.frame(&writer);
        let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
        writer.register_participant(&RegisterParticipant {
            request_id: RequestId::parse("bank").unwrap(),
            bic: bank("A"),
            name: types::Text::parse("Bank").unwrap(),
            mode: crate::AccountMode::Hosted,
            currency: types::Currency::EUR,
        });
        node.frame(&writer);
        node
    }

    fn frame(&mut self, writer: &RecordWriter) -> Vec<Outcome> {
        let first = Position { sequence: Sequence(self.next), time: start() };
        let outcomes = apply_frame(&mut self.ledger, first, writer.records(), writer.texts());
        self.next = self.ledger.position().sequence.0 + 1;
        outcomes
    }

    fn put(&mut self, keys: std::ops::Range<u32>, length: usize) -> Vec<Verdict> {
        let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
        for number in keys {
            writer.put_record(&PutRecord {
                request_id: RequestId::parse(&format!("put-{number}-{length}")).unwrap(),
                owner: RecordOwner { bank: bank("A"), space: RecordSpace::parse("space").unwrap() },
                key: RecordKey::parse(&format!("key-{number}")).unwrap(),
                expected: ExpectedVersion::Any,
                bytes: vec![7; length],
                expires: None,
                repeats: None,
            });
        }
        self.frame(&writer).into_iter().map(|outcome| outcome.verdict).collect()
    }
}

const LIMIT: Verdict = Verdict::Refused { refusal: Refusal::RecordLimit, repeat_of: None };

fn is_done(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Done { .. })
}

/// Sixteen MiB are reached with 4096 records of 4 KiB; another byte is refused, and room comes back.
#[test]
fn bytes_of_a_name_space_have_a_limit() {
    let mut node = Node::new();
    for part in 0..16 {
        assert!(node.put(part * 256..(part + 1) * 256, 4096).iter().all(is_done));
    }
    assert_eq!(node.put(5000..5001, 1), [LIMIT]);
    assert!(node.put(0..1, 4095).iter().all(is_done));
    assert!(node.put(5001..5002, 1).iter().all(is_done));
    assert_eq!(node.ledger.kept_record_count(), 4097);
}

#[test]
fn names_are_printable_and_in_the_order_of_their_bytes() {
    assert!(RecordKey::parse(&"k".repeat(64)).is_some());
    for wrong in ["", "a b", "\n", "é", &"k".repeat(65)] {
        assert!(RecordKey::parse(wrong).is_none(), "{wrong}");
    }
    let [short, long] = ["a", "a!"].map(|text| RecordName::<8>::parse(text).unwrap());
    assert!(short < long && RecordName::<8>::FIRST < short);
    assert!(RecordName::from_bytes(*b"a\0b").is_none());
    assert_eq!(format!("{long:?}"), "RecordName(2 bytes)");
}

/// No decision reads the bytes, and no state holds them.
#[test]
fn bytes_stand_in_no_state() {
    let script = "bank A hosted | put A space key personal => any";
    let ledger = ledger_after_under(crate::RULES_VERSION, script);
    let state = crate::testing::state(&ledger);
    let has = |text: &[u8]| state.windows(text.len()).any(|bytes| bytes == text);
    assert!(has(b"space") && has(b"key"));
    assert!(!has(b"personal"));
    assert_eq!(ledger.all_kept_records(None).next().unwrap().bank(), ParticipantNumber(1));
}
