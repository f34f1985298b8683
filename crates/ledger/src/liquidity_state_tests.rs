//! The sections of positions: their bytes are the same for ever, each of them counts, and none breaks a ledger.

use crate::testing::{LIMITS, golden, ledger_after_under, read_again, state};
use crate::{Ledger, StateError};

fn stored() -> Vec<u8> {
    let ledger = ledger_after_under(
        3,
        "bank A hosted | bank B hosted | bank C remote => any
         fund A 900.00 | fund B 90.00 => any
         party P hosted 100.00 over A | party Q remote unlimited over B | alert P floor 5.00 => any
         alert A floor 10.00 ceiling 2000.00 | alert B ceiling 90.00 => any
         open A1 | open P1 | post P1 +50.00 | stop A1 debit | stop P.limit credit | stop B credit => any
         stop A.position both | stop A.position none | move A.position A.technical 9.00 => any
         online C | online Q => any
         pay T1 P1 C1 7.00 => reserved",
    );
    assert_eq!(ledger.rules_version(), 3);
    read_again(&ledger);
    state(&ledger)
}

fn places(bytes: &[u8]) -> Vec<(u8, std::ops::Range<usize>)> {
    let number = |at: usize, length: usize| {
        bytes[at..at + length].iter().rev().fold(0, |number, byte| number * 256 + usize::from(*byte))
    };
    let (mut places, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let end = at + 16 + number(at + 4, 4) * number(at + 8, 8);
        places.push((bytes[at], at..end));
        at = end;
    }
    places
}

#[test]
fn golden_state_of_positions_is_read_and_written_as_it_was() {
    let golden = golden("state-v3-positions.bin", stored);
    let read = Ledger::read_state(&mut golden.as_slice(), LIMITS).unwrap();
    assert!(state(&read) == golden, "what is stored is written again, byte for byte");
    assert!(stored() == golden, "the format is the one that is stored");
}

#[test]
fn sections_stand_behind_the_accounts() {
    let bytes = stored();
    let order: Vec<u8> = places(&bytes).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(order[..10], [1, 2, 3, 4, 5, 6, 17, 18, 19, 7]);
}

#[test]
fn every_byte_counts_and_none_breaks_a_ledger() {
    let mut bytes = stored();
    let all = places(&bytes);
    for (kind, place) in all.iter().filter(|(kind, _)| [6, 17, 18, 19].contains(kind)) {
        let mut refused = 0;
        for at in place.clone() {
            for change in [0x01, 0x20, 0x80, 0xFF] {
                bytes[at] ^= change;
                match Ledger::read_state(&mut bytes.as_slice(), LIMITS) {
                    Ok(ledger) => {
                        assert!(state(&ledger) == bytes, "byte {at} is lost");
                        ledger.validate();
                    }
                    Err(StateError::Read(_)) => panic!("the source does not fail"),
                    Err(_) => refused += 1,
                }
                bytes[at] ^= change;
            }
        }
        assert!(refused > 16, "section {kind}");
    }
}
