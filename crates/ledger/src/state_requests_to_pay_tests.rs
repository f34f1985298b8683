//! The section of requests to pay: its bytes are the same for ever, each of them counts, and none breaks a ledger.

use types::Duration;

use super::*;
use crate::testing::{LIMITS, ledger_after, ledger_after_under, read_again, state};

/// Requests in each standing that needs no payment, to two accounts, one of them to be put off.
const SCRIPT: &str = "
    bank A hosted | bank B hosted | fund A 100.00 | fund B 100.00
    open A1 | open A2 | open B1 | post A1 +50.00 | post A2 +9.00
    demand B1 A1 20.00 for 7d id R1 | demand B1 A2 3.00 for 9d later 30d id R2 | demand A2 B1 4.00 for 9d id R3
    demand B1 A1 5.00 for 9s id R4 | demand B1 A2 6.00 for 9d id R5
    present R1 A | decline R2 A MS02 | withdraw R3 A
    at 10s
    tick";

#[test]
fn requests_are_read_and_written_as_they_are() {
    let written = state(&ledger_after(SCRIPT));
    let read = Ledger::read_state(&mut written.as_slice(), LIMITS).unwrap();
    assert!(state(&read) == written, "what is stored is written again, byte for byte");
    assert_eq!(read.request_to_pay_count(), 5);
    read_again(&read);
}

/// Also where time passes: whatever is read ends and is forgotten, and the ledger stays sound.
#[test]
fn every_byte_of_requests_counts() {
    let mut bytes = state(&ledger_after(SCRIPT));
    let header = usize::try_from(REQUESTS_TO_PAY.length(0)).unwrap();
    let length = usize::try_from(REQUESTS_TO_PAY.length(5)).unwrap();
    let start = (0..bytes.len() - length)
        .rfind(|at| bytes[*at..].starts_with(&[34, 0, 1, 0, 112, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0][..header]));
    let start = start.unwrap_or(bytes.len() - length);
    assert_eq!(bytes[start], 34, "the section is found");
    let (mut refused, mut read_as_another) = (0, 0);
    for place in start..start + length {
        for change in [0x01, 0x80, 0xFF] {
            bytes[place] ^= change;
            let mut source = bytes.as_slice();
            match Ledger::read_state(&mut source, LIMITS).ok().filter(|_| source.is_empty()) {
                Some(mut ledger) => {
                    read_as_another += 1;
                    assert!(state(&ledger) == bytes, "byte {place} is lost");
                    ledger.validate();
                    for days in [200, 400] {
                        let Position { sequence, time } = ledger.position();
                        let later = time.plus(Duration::from_seconds(days * 24 * 3600));
                        ledger.reserve_for_frame(1);
                        ledger.tick(Position { sequence: sequence.next(), time: later });
                        ledger.validate();
                    }
                    assert_eq!(ledger.request_to_pay_count(), 0, "every request ends and is forgotten");
                }
                None => refused += 1,
            }
            bytes[place] ^= change;
        }
    }
    assert!(refused > 500, "{refused}");
    assert!(read_as_another > 150, "{read_as_another}");
}

/// An older program can be put back for as long as the version of the rules has not been raised.
#[test]
fn states_of_older_rules_have_no_requests() {
    let script = "bank A hosted | open A1 | post A1 +1.00";
    let [older, newer] = [4, 5].map(|version| state(&ledger_after_under(version, script)));
    assert!(newer.len() > older.len(), "newer states have more sections");
}
