//! What can be asked about payments, and when the answer "not found" is final.

use types::{AccountNumber, Channel, Duration, PrincipalNumber, Sequence};

use crate::limits::FORGOTTEN_PER_TICK_MAX;
use crate::testing::{LIMITS, apply_frame, check, genesis};
use crate::testing_words::{iban, key, order, span, start};
use crate::{Ledger, PaymentAnswer, Position, RecordWriter};

const WORLD: &str = "bank A hosted | fund A 1000.00 | open A1 | open A2 | post A1 +500.00 \n";

#[test]
fn payments_are_found_by_key_and_by_position() {
    check(&format!(
        "{WORLD}
        pay T1 A1 A2 1.00            => settled
        pay T2 A1 A9 1.00            => rejected AC01
        payment A T1                 => settled
        payment A T2                 => rejected AC01
        payment A T1 accepted @9d    => settled
        sequence T1                  => settled
        sequence T2                  => rejected AC01
        block A1 id R1
        sequence R1                  => not found, final
        sequence 1                   => not found
        "
    ));
}

#[test]
fn not_found_is_final_from_the_deadline_on() {
    check(&format!(
        "{WORLD}
        payment A T1 accepted @0s    => not found
        at 6s+999ms+999999ns
        tick
        payment A T1 accepted @0s    => not found
        payment A T1 accepted @1s    => not found
        at 7s
        tick
        payment A T1 accepted @0s    => not found, final
        payment A T1 accepted @1ns   => not found
        payment B T1 accepted @0s    => not found, final
        # What was said to be final holds: it can only be rejected now, never settled.
        pay T1 A1 A2 1.00 accepted @0s => rejected AB05
        "
    ));
}

/// Solvo may yet stamp it, so nobody can say that it will never come.
#[test]
fn not_found_without_acceptance_time_is_never_final() {
    check(&format!("{WORLD} at 4d \n tick \n payment A T1 => not found"));
}

#[test]
fn forgotten_is_not_the_same_as_never_seen() {
    check(&format!(
        "{WORLD}
        pay T1 A1 A2 1.00            => settled
        at 5d+1ns
        payment A T1 accepted @0s    => settled
        tick
        payment A T1 accepted @0s    => forgotten
        sequence T1                  => forgotten
        sequence 1                   => not found
        payment A T1 accepted @9s    => not found, final
        pay T3 A1 A2 1.00            => settled
        sequence T1                  => forgotten
        sequence T3                  => settled
        "
    ));
}

/// Before anything is forgotten, what is not there was never there.
#[test]
fn old_payment_in_a_log_that_forgot_nothing_is_not_found() {
    check(&format!("{WORLD} at 6d \n tick \n payment A T1 accepted @0s => not found, final"));
}

/// An acceptance time may lie a second ahead of its frame, so a payment may be forgotten that much earlier
/// than its acceptance time says. "Not found, final" would be wrong: it was settled.
#[test]
fn payment_accepted_ahead_of_its_frame_is_forgotten_and_not_unknown() {
    check(&format!(
        "{WORLD}
        pay T1 A1 A2 1.00 accepted +1s     => settled
        at 5d+1ns
        tick
        count payments                     => 0
        payment A T1 accepted @1s          => forgotten
        "
    ));
}

#[test]
fn forgetting_is_bounded_per_tick() {
    let mut ledger = Ledger::new(LIMITS);
    let mut at = Position { sequence: Sequence(1), time: start() };
    let mut apply = |ledger: &mut Ledger, writer: &RecordWriter| {
        apply_frame(ledger, at, writer.records(), writer.texts());
        at.sequence.0 += 1 + u64::from(writer.count());
        at.time = at.time.plus(Duration::from_seconds(1));
    };
    apply(&mut ledger, &genesis());
    let empty = RecordWriter::new(key(), PrincipalNumber(1));
    let mut full = empty.clone();
    for number in 0..5000 {
        let order = order(&format!("T{number}"), iban("A1"), iban("A2"));
        full.payment(&order, start(), Channel::Grpc, |_, _| AccountNumber(0));
    }
    apply(&mut ledger, &full);
    apply(&mut ledger, &full);
    assert_eq!(ledger.payment_count(), 10_000);
    at.time = start().plus(span("6d"));
    for remaining in [10_000 - FORGOTTEN_PER_TICK_MAX, 0, 0] {
        ledger.tick(at);
        at.sequence = at.sequence.next();
        assert_eq!(ledger.payment_count(), remaining);
    }
    assert!(matches!(ledger.payment_at(Sequence(5)), PaymentAnswer::Forgotten));
}

#[test]
fn a_position_beyond_the_log_is_not_found() {
    let ledger = Ledger::new(LIMITS);
    let answer = ledger.payment_at(Sequence(1));
    assert!(matches!(answer, PaymentAnswer::NotFound { is_final: false }));
}
