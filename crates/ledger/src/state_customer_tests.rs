//! What states say of customers and their banks from version 3 of the rules on: its bytes are the same for ever, each of
//! them counts, and no bytes break a ledger.

use super::*;
use crate::testing::{LIMITS, ledger_after_under, state};

/// Limits of every sort, two reservations that count and one that does not any more, fees in two currencies, clocks with
/// and without a change, and a restricted account.
fn golden_ledger() -> Ledger {
    ledger_after_under(
        3,
        "bank A hosted | bank B mixed | bank C remote => any
        fund A 900.00 ref F1 | fund B 90.00 ref F2 => any
        open A1 | open A2 | open A3 | open A4 USD | open B1 | open B2 => any
        post A1 +500.00 | post A2 +300.00 | post B1 +70.00 => any
        zone A 60 change 60000s 120 | zone C -300 => any
        fees A 0.25 0.20 | fees A USD 1.00 0.00 | fees B 0.10 0.10 => any
        allow A1 payment 50.00 day 100.00 | allow A2 day 300.00 | allow A3 => any
        restrict B2 => any
        online C
        pay T1 A1 B1 10.00 => settled, fee 0.20
        pay T2 A1 C1 20.00 => reserved
        pay T3 A1 B1 50.01 => rejected AM14, limit for one payment
        pay T4 B1 C1 30.00 => reserved
        pay T5 A2 B1 200.00 => settled, fee 0.20
        pay T6 A2 B1 100.01 => rejected AM14, limit for a day
        fees B 0.00 0.00 => any
        pay T7 B1 C1 1.00 => reserved",
    )
}

fn golden() -> Vec<u8> {
    crate::testing::golden("state-v3-customers.bin", || state(&golden_ledger()))
}

#[test]
fn golden_state_is_read_and_written_as_it_was() {
    let (golden, ledger) = (golden(), golden_ledger());
    let read = Ledger::read_state(&mut golden.as_slice(), LIMITS).unwrap();
    assert!(state(&read) == golden, "what is stored is written again, byte for byte");
    assert!(state(&ledger) == golden, "the format is the one that is stored");
    assert_eq!(read.customer_limits.count(), 3);
    assert_eq!(
        (read.participants.fees_to_state().count(), read.participants.zones_to_state().count()),
        (2, 2)
    );
}

/// Whatever single byte is changed: the state is refused, or another state is read, whose stream has that byte.
#[test]
fn every_byte_counts_and_none_breaks_a_ledger() {
    let mut bytes = golden();
    let mut read_as_another = 0;
    for place in 0..bytes.len() {
        for change in [0x01, 0x80, 0xFF] {
            bytes[place] ^= change;
            if let Ok(mut ledger) = Ledger::read_state(&mut bytes.as_slice(), LIMITS) {
                read_as_another += 1;
                assert!(state(&ledger) == bytes, "byte {place} is lost");
                ledger.validate();
                let Position { sequence, time } = ledger.position();
                let time = time.plus(types::Duration::from_seconds(60));
                ledger.reserve_for_frame(1);
                ledger.tick(Position { sequence: sequence.next(), time });
                ledger.validate();
            }
            bytes[place] ^= change;
        }
    }
    assert!(read_as_another > 100, "most digests, times and names may be others: {read_as_another}");
}
