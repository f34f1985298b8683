//! Which accounts take part: places in the log, repeats, and what goes on whatever is said. Scripts start on 2026-01-05 at
//! 10:00.

use crate::testing::{check, check_in_world};

#[test]
fn payment_of_an_account_that_takes_no_part_is_not_taken_and_its_key_is_unused() {
    check_in_world(
        "
        pay T1 A1 B2 1.00                        => settled
        deactivate A                             => done
        pay T2 A1 B2 1.00                        => not taken: payer
        pay T3 B2 A1 1.00                        => not taken: payee
        pay T4 B1 B2 1.00                        => rejected AM04
        payment A T2                             => not found
        activate A                               => done
        pay T2 A1 B2 1.00                        => settled
        pay T3 B2 A1 1.00                        => settled
        count payments                           => 4
        ",
    );
}

#[test]
fn repeat_gets_its_answer_whatever_takes_part_now() {
    check_in_world(
        "
        pay T1 A1 B2 1.00                        => settled
        pay T2 A2 B2 9.00                        => rejected AM04
        deactivate A
        pay T1 A1 B2 1.00                        => settled, repeat of T1
        pay T2 A2 B2 9.00                        => rejected AM04, repeat of T2
        pay T1 A1 B2 2.00                        => rejected AM05
        deactivate B
        pay T1 A1 B2 1.00 table 1                => settled, repeat of T1
        ",
    );
}

#[test]
fn table_that_is_not_the_newest_decides_nothing() {
    check_in_world(
        "
        deactivate B 1 3                         => done
        pay T1 A1 B5 1.00 table 0                => ask again
        pay T1 A1 B5 1.00                        => settled
        activate B 1 3                           => done
        pay T2 A1 B2 1.00 table 1                => ask again
        pay T2 A1 B2 1.00                        => settled
        deactivate X                             => refused PARTICIPANT_UNKNOWN
        pay T3 A1 B2 1.00 table 2                => settled
        ",
    );
}

/// The switch is exact at its place, also within one frame.
#[test]
fn switch_counts_from_its_place_on() {
    check_in_world(
        "
        frame {
        pay T1 A1 B2 1.00                        => settled
        deactivate A 1 4                         => done
        pay T2 A1 B2 1.00                        => ask again
        }
        pay T2 A1 B2 1.00                        => not taken: payer
        ",
    );
}

#[test]
fn account_is_in_the_range_that_was_said_last() {
    check(
        "
        bank A hosted
        ranges A                                 => active
        deactivate A 10 19                       => done
        ranges A                                 => active 10-19
        activate A 12 13 | activate A 15 15000
        ranges A                                 => active 10-1199 1301-1499
        ",
    );
}

#[test]
fn ranges_of_either_kind_go_on_when_the_bank_moves() {
    check_in_world(
        "
        deactivate A | activate A 1 2
        pay T1 A1 A2 1.00                        => settled
        pay T2 A1 A5 1.00                        => not taken: payee
        pay T3 A5 A1 1.00                        => not taken: payer
        pay T4 A5 A5 1.00                        => not taken: payer
        deactivate A 2 2000
        pay T5 A1 A2 1.00                        => not taken: payee
        activate A
        pay T2 A1 A5 1.00                        => settled
        ",
    );
}

/// What the bank keeps besides payments goes on: accounts are opened, and balances are carried over.
#[test]
fn accounts_are_carried_over_while_they_take_no_part() {
    check_in_world(
        "
        deactivate A
        open A10                                 => done
        post A10 +5.00                           => balance 5.00
        place A10 1.00 for 1d id H1              => done
        release H1 A                             => done
        activate A
        pay T1 A10 B2 5.00                       => settled
        ",
    );
}

/// A bank that was asked may answer: the money is set aside here.
#[test]
fn what_was_reserved_is_carried_through() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 1.00                        => reserved
        pay T2 A1 C2 1.00                        => reserved
        deactivate A | deactivate C
        answer T1 C yes                          => applied settled
        pay T3 A1 C1 1.00                        => not taken: payer
        at 8s
        tick
        payment A T2                             => expired AB05
        ",
    );
}

#[test]
fn accounts_of_a_bank_that_keeps_them_itself_are_told_apart_as_well() {
    check_in_world(
        "
        online C
        deactivate C 1 5
        pay T1 A1 C1 1.00                        => not taken: payee
        pay T2 C2 A1 1.00                        => not taken: payer
        pay T3 C9 A1 1.00                        => settled
        pay T4 A1 C9 1.00                        => reserved
        answer T4 C yes                          => applied settled
        ",
    );
}

#[test]
fn stranger_and_unknown_bank_come_first() {
    check_in_world(
        "
        deactivate A id R1
        activate A id R1                         => refused REQUEST_ID_REUSED
        deactivate A id R1                       => done, repeat of R1
        pay T1 A1 B2 1.00 from X                 => rejected DNOR
        pay T2 A1 B2 1.00 stranger               => rejected RC01
        ",
    );
}
