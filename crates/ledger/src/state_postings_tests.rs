//! The section of the maps of postings: its bytes are the same for ever, each of them counts, and none breaks a ledger.

use super::*;
use crate::testing::{LIMITS, ledger_after, length_of_empty_sections, read_again, state};

/// Maps of three books, one of them set twice.
const SCRIPT: &str = "
    bank A hosted | bank B hosted | open A1 | open A1 USD | open B1
    map B rest=1 | map A rest=9999 current=2100 A1=2100.1 | map A rest=2 USD from 2026-01-07 | map A rest=3";

/// What stands behind the maps.
fn behind() -> usize {
    let before = usize::try_from(PACKAGES.length(0) + ORDERS.length(0)).unwrap();
    length_of_empty_sections() - before - length(0)
}

fn length(maps: usize) -> usize {
    usize::try_from(POSTING_MAPS.length(maps)).unwrap()
}

#[test]
fn maps_are_written_in_the_order_of_their_books() {
    let ledger = ledger_after(SCRIPT);
    let bytes = state(&ledger);
    let end = bytes.len() - behind();
    assert_eq!(bytes[end - length(3)], 33, "they come behind packages and orders");
    let [first, second, third] = [3, 2, 1].map(|left| &bytes[end - 24 * left..][..24]);
    assert_eq!((first[0], second[0], third[0]), (1, 1, 2), "banks");
    let book = |map: &[u8]| u16::from_le_bytes([map[4], map[5]]);
    assert!(book(first) < book(second), "currencies");
    read_again(&ledger);
}

#[test]
fn every_byte_of_the_maps_counts() {
    let mut bytes = state(&ledger_after(SCRIPT));
    let end = bytes.len() - behind();
    let start = end - length(3);
    let (mut refused, mut read_as_another) = (0, 0);
    for place in start..end {
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
    assert!(refused > 150, "{refused}");
    assert!(read_as_another > 20, "{read_as_another}");
}
