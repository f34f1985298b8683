//! The sections of the calendar and of recalls, as the states of rules version 3 have them: their bytes are the same for ever, and each of them counts.

use super::*;
use crate::state_layout::{ALERTS, BLOCKS, REACHABLE};
use crate::testing::{LIMITS, golden, ledger_after_under, state};

/// Two years, a business date, banks that want their silence answered, and a recall of each standing.
const SCRIPT: &str = "
    bank A hosted | bank B hosted | bank C remote | fund A 100.00
    open A1 | open B1 | post A1 +50.00
    closing 2026 | closing 2027 and 2027-01-04 | roll 2026-01-05 | roll 2026-01-06
    silence A answered | silence C answered
    pay T1 A1 B1 5.00 | pay T2 A1 B1 4.00 | pay T3 A1 B1 3.00 | pay T4 A1 B1 2.00
    recall T1 A1 B1 5.00 FRAD id R1 | recall T2 A1 B1 4.00 DUPL id R2
    recall T3 A1 B1 3.00 CUST id R3 | recall T4 A1 B1 2.00 AM09 id R4
    return R1 T1 B 4.50 fee 0.25 | keep R2 T2 B LEGL
    at 30d
    over R4 T4 B NOAS
    recalled T3 => open to 2026-01-26";

#[test]
fn golden_state_of_later_sections_is_read_and_written_as_it_was() {
    let written = state(&ledger_after_under(3, SCRIPT));
    let golden = golden("state-v3-recalls.bin", || written.clone());
    let read = Ledger::read_state(&mut golden.as_slice(), LIMITS).unwrap();
    assert!(state(&read) == golden, "what is stored is written again, byte for byte");
    assert!(written == golden, "the format is the one that is stored");
    assert_eq!((read.recalls().count(), read.open_recall_count()), (4, 1));
    read.validate();
}

/// Where a return went is part of a state: accounts change, and the bank that owes the money has to see it still.
#[test]
fn return_that_went_elsewhere_is_stored_as_such() {
    let script = "
        bank A hosted | bank B hosted | fund A 100.00 | open A1 | open B1 | post A1 +50.00
        closing 2026 | closing 2027
        pay T1 A1 B1 5.00 | pay T2 A1 B1 4.00 | recall T1 A1 B1 5.00 FRAD id R1 | recall T2 A1 B1 4.00 FRAD id R2
        return R2 T2 B 4.00 | block A1 | return R1 T1 B 5.00 elsewhere | unblock A1";
    let written = state(&ledger_after_under(3, script));
    let read = Ledger::read_state(&mut written.as_slice(), LIMITS).unwrap();
    let elsewhere: Vec<bool> = read.recalls().map(|recall| recall.answered().unwrap().is_elsewhere).collect();
    assert_eq!(elsewhere, [true, false]);
    assert!(state(&read) == written);
}

/// How long the sections behind the runs are, with so many items in each.
fn later_length(items: impl Fn(Section) -> usize) -> usize {
    let sections = [CALENDAR, BUSINESS_DATE, RECALLS, CUSTOMER_LIMITS, FEES, ZONES, RECALL_POLICIES];
    let length: u64 = sections.iter().map(|section| section.length(items(*section))).sum();
    usize::try_from(length).unwrap()
}

/// As `every_byte_counts_and_none_breaks_a_ledger` has it of the earlier sections.
#[test]
fn every_byte_of_later_sections_counts() {
    let mut bytes = state(&ledger_after_under(3, SCRIPT));
    let later = later_length(|section| match section {
        CALENDAR | RECALL_POLICIES => 2,
        BUSINESS_DATE => 1,
        RECALLS => 4,
        _ => 0,
    });
    let start = bytes.len() - later;
    assert_eq!(bytes[start], 14, "the calendar comes first");
    let mut refused = 0;
    for place in start..bytes.len() {
        for change in [0x01, 0x80, 0xFF] {
            bytes[place] ^= change;
            let mut source = bytes.as_slice();
            match Ledger::read_state(&mut source, LIMITS).ok().filter(|_| source.is_empty()) {
                Some(ledger) => {
                    assert!(state(&ledger) == bytes, "byte {place} is lost");
                    ledger.validate();
                }
                None => refused += 1,
            }
            bytes[place] ^= change;
        }
    }
    assert!(refused > 500, "{refused}");
}

/// An older program can be put back for as long as the version of the rules has not been raised.
#[test]
fn states_of_older_rules_end_where_they_ended() {
    let script = "bank A hosted | open A1 | post A1 +1.00";
    let [older, newer] = [2, 3].map(|version| state(&ledger_after_under(version, script)));
    let later = later_length(|section| usize::from(section == BUSINESS_DATE));
    let positions: u64 = [ALERTS, REACHABLE, BLOCKS].iter().map(|section| section.length(0)).sum();
    assert_eq!(newer.len() - older.len(), later + usize::try_from(positions).unwrap());
}
