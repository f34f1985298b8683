//! The sections of holds and of what gateways keep: their bytes are the same for ever, each of them counts, and none
//! breaks a ledger.

use types::Duration;

use super::*;
use crate::testing::{LIMITS, golden, ledger_after_under, read_again, state};

/// Holds in each standing on two accounts, and records of two owners, with and without an end, one written again.
const SCRIPT: &str = "
    bank A hosted | bank B hosted | fund A 100.00
    open A1 | open A2 | open B1 | post A1 +50.00 | post A2 +9.00
    place A1 20.00 for 7d id H1 | place A2 3.00 for 1d id H2 | place A1 5.00 for 9d id H3 | place A1 1.00 for 9s id H4
    release H3 A | capture H1 A B1 4.00 A2 1.00
    put A consents c/1 one id R1 | put A consents c/2 two until 30d | put B keys k three | put A locks l four until 9s
    at 1s
    again A consents c/1 one at R1
    at 10s
    tick";

#[test]
fn golden_state_of_holds_is_read_and_written_as_it_was() {
    let written = state(&ledger_after_under(4, SCRIPT));
    let golden = golden("state-v4-holds.bin", || written.clone());
    let read = Ledger::read_state(&mut golden.as_slice(), LIMITS).unwrap();
    assert!(state(&read) == golden, "what is stored is written again, byte for byte");
    assert!(written == golden, "the format is the one that is stored");
    assert_eq!((read.hold_count(), read.kept_record_count()), (2, 3));
    read_again(&read);
}

fn later_length(holds: usize, records: usize) -> usize {
    usize::try_from(HOLDS.length(holds) + KEPT_RECORDS.length(records)).unwrap()
}

/// Also where time passes: whatever is read ends, and the ledger stays sound.
#[test]
fn every_byte_of_holds_and_kept_records_counts() {
    let mut bytes = state(&ledger_after_under(4, SCRIPT));
    let start = bytes.len() - later_length(2, 3);
    assert_eq!(bytes[start], 24, "holds come first");
    let (mut refused, mut read_as_another) = (0, 0);
    for place in start..bytes.len() {
        for change in [0x01, 0x80, 0xFF] {
            bytes[place] ^= change;
            let mut source = bytes.as_slice();
            match Ledger::read_state(&mut source, LIMITS).ok().filter(|_| source.is_empty()) {
                Some(mut ledger) => {
                    read_as_another += 1;
                    assert!(state(&ledger) == bytes, "byte {place} is lost");
                    ledger.validate();
                    let Position { sequence, time } = ledger.position();
                    let later = time.plus(Duration::from_seconds(400 * 24 * 3600));
                    ledger.reserve_for_frame(1);
                    ledger.tick(Position { sequence: sequence.next(), time: later });
                    ledger.validate();
                    assert_eq!(ledger.hold_count(), 0, "every hold ends");
                }
                None => refused += 1,
            }
            bytes[place] ^= change;
        }
    }
    assert!(refused > 500, "{refused}");
    assert!(read_as_another > 150, "{read_as_another}");
}

/// What is held stands with the accounts in every version, and is held by something.
#[test]
fn what_is_held_is_held_by_holds() {
    let script = "bank A hosted | open A1 | post A1 +1.00";
    let [older, newer] = [3, 4].map(|version| state(&ledger_after_under(version, script)));
    assert_eq!(newer.len() - older.len(), later_length(0, 0));
    for bytes in [older, newer] {
        let before = Ledger::read_state(&mut bytes.as_slice(), LIMITS).unwrap();
        let mut held = 0;
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            let Ok(read) = Ledger::read_state(&mut changed.as_slice(), LIMITS) else { continue };
            held += usize::from(read.trial_balance().iter().any(|book| book.held != 0));
        }
        assert_eq!(held, 0, "at rules version {}", before.rules_version());
    }
}
