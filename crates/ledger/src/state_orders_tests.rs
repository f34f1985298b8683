//! The sections of packages and orders: each of their bytes counts, and none breaks a ledger.

use types::Duration;

use super::*;
use crate::testing::{LIMITS, ledger_after, length_of_empty_sections, read_again, state};

/// Packages and orders in each standing.
const SCRIPT: &str = "
    bank A hosted | bank B hosted | bank C remote | fund A 100.00 | fund B 100.00 | fund C 100.00
    open A1 | open A2 | open B1 | post A1 +50.00 | post A2 +9.00
    closing 2026
    online C
    package F1 A 6 sum 39.00 | line F1 1 A1 B1 5.00 | line F1 2 refused AC01 4.00 | line F1 3 A1 C1 6.00
    line F1 4 A2 B1 10.00 | line F1 5 A1 B1 7.00 due 3d | line F1 6 A1 B1 7.00 due 3d | shut F1 A
    execute F1.1 => settled
    execute F1.3 => reserved
    execute F1.4 => waits AM04
    cancel F1.6 A
    package F2 A 2 | line F2 1 A1 A2 1.00
    package F3 B 1 | line F3 1 B1 A1 1.00 | cancel F3 B
    package F4 B 2 | line F4 1 B1 A1 1.00 | line F4 2 B1 A1 1.00 | shut F4 B | execute F4.1 | cancel F4 B
    order O1 A1 B1 2.00 due 1d | order O2 A1 B1 3.00 due 2d every 1 months closed after until 90d
    order O3 A2 B1 4.00 | order O4 A2 B1 20.00 | cancel O1 A | execute O3
    execute O4 => waits AM04
    at 1s
    renew O2
    tick";

#[test]
fn state_of_orders_is_read_and_written_as_it_was() {
    let ledger = ledger_after(SCRIPT);
    assert_eq!((ledger.package_count(), ledger.order_count()), (4, 14));
    read_again(&ledger);
    // Those of older rules have no such sections.
    assert!(length_of_empty_sections() > orders_length(0, 0));
}

fn orders_length(packages: usize, orders: usize) -> usize {
    usize::try_from(PACKAGES.length(packages) + ORDERS.length(orders)).unwrap()
}

/// Also where time passes: whatever is read goes on, and the ledger stays sound.
#[test]
fn every_byte_of_packages_and_orders_counts() {
    let ledger = ledger_after(SCRIPT);
    let mut bytes = state(&ledger);
    let end = bytes.len() - (length_of_empty_sections() - orders_length(0, 0));
    let start = end - orders_length(ledger.package_count(), ledger.order_count());
    assert_eq!(bytes[start], 26, "packages come first");
    let (mut refused, mut read_as_another) = (0, 0);
    for place in start..end {
        for change in [0x01, 0x80] {
            bytes[place] ^= change;
            let mut source = bytes.as_slice();
            match Ledger::read_state(&mut source, LIMITS).ok().filter(|_| source.is_empty()) {
                Some(mut ledger) => {
                    read_as_another += 1;
                    assert!(state(&ledger) == bytes, "byte {place} is lost");
                    ledger.validate();
                    let Position { sequence, time } = ledger.position();
                    let later = time.plus(Duration::from_seconds(401 * 24 * 3600));
                    let mut at = Position { sequence, time: later };
                    for _ in 0..2 {
                        at.sequence = at.sequence.next();
                        ledger.reserve_for_frame(1);
                        ledger.tick(at);
                        ledger.validate();
                    }
                    assert!(ledger.due_groups(None, later).count() > 0, "something is due then");
                }
                None => refused += 1,
            }
            bytes[place] ^= change;
        }
    }
    assert!(refused > 1000, "{refused}");
    assert!(read_as_another > 500, "{read_as_another}");
}
