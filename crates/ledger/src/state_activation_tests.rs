//! The section of which accounts take part: its bytes are the same for ever, each of them counts, and none breaks a ledger.

use super::*;
use crate::testing::{LIMITS, golden, ledger_after, ledger_after_under, read_again, state};

/// A bank as a whole with ranges that do take part, one with ranges that do not, and one of which nothing is left.
const SCRIPT: &str = "
    bank A hosted | bank B hosted | bank C remote
    deactivate A | activate A 10 19 | activate A 30 39 | deactivate A 35 35000
    deactivate B 1 5 | deactivate C | activate C";

#[test]
fn golden_state_of_activations_is_read_and_written_as_it_was() {
    let written = state(&ledger_after(SCRIPT));
    let golden = golden("state-v5-activations.bin", || written.clone());
    let read = Ledger::read_state(&mut golden.as_slice(), LIMITS).unwrap();
    assert!(state(&read) == golden, "what is stored is written again, byte for byte");
    assert!(written == golden, "the format is the one that is stored");
    assert_eq!((read.activations.number(), read.activations.items()), (7, 5));
    read_again(&read);
}

#[test]
fn every_byte_of_activations_counts() {
    let mut bytes = state(&ledger_after(SCRIPT));
    let length = usize::try_from(ACTIVATIONS.length(5)).unwrap();
    let start = bytes.windows(2).rposition(|pair| pair == 36_u16.to_le_bytes()).unwrap();
    assert!(start + length <= bytes.len());
    let (mut refused, mut read_as_another) = (0, 0);
    for place in start..start + length {
        for change in [0x01, 0x80, 0xFF] {
            bytes[place] ^= change;
            let mut source = bytes.as_slice();
            match Ledger::read_state(&mut source, LIMITS).ok().filter(|_| source.is_empty()) {
                Some(ledger) => {
                    read_as_another += 1;
                    assert!(state(&ledger) == bytes, "byte {place} is lost");
                    ledger.validate();
                }
                None => refused += 1,
            }
            bytes[place] ^= change;
        }
    }
    assert!(refused > 900, "{refused}");
    assert!(read_as_another > 20, "{read_as_another}");
}

#[test]
fn state_of_older_rules_has_no_such_section() {
    let script = "bank A hosted | open A1 | post A1 +1.00";
    let [older, newer] = [4, 5].map(|version| ledger_after_under(version, script));
    assert!(newer.state_length() - older.state_length() >= ACTIVATIONS.length(0));
    assert_eq!(newer.state_length(), u64::try_from(state(&newer).len()).unwrap());
    assert_eq!(older.state_length(), u64::try_from(state(&older).len()).unwrap());
}
