//! The sections of exceptions: their bytes are the same for ever, each of them counts, and none breaks a ledger.

use types::Duration;

use super::*;
use crate::testing::{LIMITS, golden, ledger_after, read_again, state};

/// Exceptions of every kind and in each standing, and what was noticed and not raised.
const SCRIPT: &str = "
    bank A hosted | bank C remote | fund A 100.00 | open A1 | open A2 | post A1 +50.00 | closing 2026 | online C
    pay T1 A1 C1 1.00 | pay T2 A1 C1 2.00 | pay T3 A1 C1 3.00 => reserved
    answer T3 C yes => applied settled
    at 8s
    answer T1 C yes | answer T2 C yes => late expired TM01
    raise late-positive C T1 A1 C1 1.00 id E1 | raise unacknowledged C T3 A1 C1 3.00 id E2
    raise late-confirmation A T3 A1 C1 3.00 id E3 | raise stale A A1 id E4
    raise break A REF-1 4.00 credit id E5 | raise break A REF-2 5.00 debit id E6 | raise break A REF-3 6.00 debit id E7
    recall T3 A1 C1 3.00 CUST id R1
    answer T3 C yes => double settled
    assign E1 C back-office | resolve E2 C ask | resolve E4 A close | resolve E5 A suspend | resolve E6 A suspend
    resolve E7 A book A1
    at 20d
    raise recall-due C R1 3.00 id E8
    pay T4 A1 C1 1.00 => reserved
    at 20d+8s
    answer T4 C yes => late expired TM01
    tick";

fn length(exceptions: usize, noticed: usize) -> usize {
    let sections = EXCEPTIONS.length(exceptions) + NOTICED.length(noticed) + OVERLOOKED.length(1);
    usize::try_from(sections).unwrap()
}

#[test]
fn golden_sections_of_exceptions_are_read_and_written_as_they_were() {
    let written = state(&ledger_after(SCRIPT));
    let start = written.len() - length(8, 1);
    let golden = golden("state-v5-exceptions.bin", || written[start..].to_vec());
    assert!(written[start..] == golden, "the format is the one that is stored");
    let read = Ledger::read_state(&mut written.as_slice(), LIMITS).unwrap();
    assert!(state(&read) == written, "what is stored is written again, byte for byte");
    assert_eq!((read.open_exception_count(), read.noticed_exceptions().count()), (6, 1));
    assert_eq!((read.exceptions_over().count(), read.overlooked_exceptions()), (1, 1));
    read_again(&read);
}

/// Also where time passes: whatever is read is resolved or stays, and the ledger stays sound.
#[test]
fn every_byte_of_exceptions_counts() {
    let mut bytes = state(&ledger_after(SCRIPT));
    let start = bytes.len() - length(8, 1);
    assert_eq!(bytes[start], 37, "exceptions come first");
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
                    let later = time.plus(Duration::from_seconds(900 * 24 * 3600));
                    ledger.reserve_for_frame(1);
                    ledger.tick(Position { sequence: sequence.next(), time: later });
                    ledger.validate();
                }
                None => refused += 1,
            }
            bytes[place] ^= change;
        }
    }
    assert!(refused > 500, "{refused}");
    assert!(read_as_another > 300, "{read_as_another}");
}

/// Money in suspense is there for exceptions, in every version.
#[test]
fn what_is_in_suspense_is_there_for_something() {
    let script = "bank A hosted | open A1 | raise break A REF-1 4.00 credit id E1 | resolve E1 A suspend";
    let ledger = ledger_after(script);
    let bytes = state(&ledger);
    let exception = bytes.len() - length(0, 0) + usize::try_from(EXCEPTIONS.length(0)).unwrap();
    let marks = exception - 136 + 121;
    let mut without = bytes;
    assert_eq!(without[marks], 1);
    without[marks] = 0;
    assert!(Ledger::read_state(&mut without.as_slice(), LIMITS).is_err());
}
