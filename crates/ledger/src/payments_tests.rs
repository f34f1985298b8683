//! Duplicates: which attempts are the same payment, what they are told, and for how long.

use crate::testing::check_in_world;

#[test]
fn retry_gets_the_stored_answer_whatever_happened_since() {
    check_in_world(
        "
        pay T1 A1 B2 10.00     => settled
        pay T2 A2 B2 10.00     => rejected AM04
        pay T1 A1 B2 10.00     => settled, repeat of T1, told 0.00 0.00 0.00 0.00
        post A2 +90.00 | close B6 => any
        pay T2 A2 B2 10.00     => rejected AM04, repeat of T2
        suspend A | suspend B | block A1
        at 60s
        pay T1 A1 B2 10.00     => settled, repeat of T1
        balance A1             => 490.00
        balance B2             => 10.00
        count payments         => 2
        totals                 => 1 settled, 1 rejected
        ",
    );
}

#[test]
fn settled_stays_settled_when_the_bank_is_suspended_and_the_deadline_passes() {
    check_in_world(
        "
        pay T1 A1 B2 10.00     => settled
        suspend A
        at 8s
        tick
        pay T1 A1 B2 10.00     => settled, repeat of T1
        pay T2 A1 B2 10.00 accepted @0s => rejected AG10
        payment A T1           => settled
        balance A1             => 490.00
        ",
    );
}

#[test]
fn am05_changed_body_leaves_the_original_alone() {
    check_in_world(
        "
        pay T1 A1 B2 10.00                   => settled
        pay T1 A1 B2 11.00                   => rejected AM05
        pay T1 A1 B1 10.00                   => rejected AM05
        pay T1 A2 B2 10.00                   => rejected AM05
        pay T1 A1 B2 10.00 text more         => rejected AM05
        pay T1 A1 B2 10.00 accepted @1ns     => rejected AM05
        pay T1 A1 B2 10.00 to C              => rejected AM05
        pay T1 A1 B2 10.00 USD               => rejected AM05
        pay T1 A1 B2 11.00                   => rejected AM05
        pay T1 A1 B2 10.00                   => settled, repeat of T1
        payment A T1                         => settled
        balance A1                           => 490.00
        totals                               => 1 settled, 8 rejected
        ",
    );
}

#[test]
fn key_is_the_bank_and_the_whole_id() {
    check_in_world(
        "
        post B1 +500.00
        pay T1 A1 B2 10.00     => settled
        pay T1 B1 A2 10.00     => settled
        pay T11 A1 B2 10.00    => settled
        pay T A1 B2 10.00      => settled
        pay t1 A1 B2 10.00     => settled
        ",
    );
}

/// A stamp is Solvo's own, so two attempts of one order differ in it and are the same order.
#[test]
fn stamp_is_no_part_of_the_body() {
    check_in_world(
        "
        pay T1 A1 B2 10.00 accepted none     => settled
        at 3s
        pay T1 A1 B2 10.00                   => settled, repeat of T1
        pay T1 A1 B2 10.00 accepted @0s      => rejected AM05
        ",
    );
}

#[test]
fn duplicates_in_one_frame_are_recognised() {
    check_in_world(
        "
        frame {
        pay T1 A1 B2 10.00     => settled
        pay T1 A1 B2 10.00     => settled, repeat of T1
        pay T1 A1 B2 11.00     => rejected AM05
        pay T2 A1 B2 490.00    => settled
        pay T3 A1 B2 0.01      => rejected AM04
        }
        ",
    );
}

#[test]
fn dnor_does_not_use_the_key_up() {
    check_in_world(
        "
        pay T1 X1 B2 10.00     => rejected DNOR
        pay T1 X1 B2 11.00     => rejected DNOR
        payment X T1           => not found
        bank X remote | fund X 100.00
        pay T1 X1 B2 10.00     => settled
        pay T1 X1 B2 10.00     => settled, repeat of T1
        ",
    );
}

#[test]
fn refused_on_reading_uses_the_key_up() {
    check_in_world(
        "
        refuse T1 A FF01 text body           => rejected FF01
        refuse T1 A FF01 text body           => rejected FF01, repeat of T1
        refuse T1 A FF01 text other          => rejected AM05
        pay T1 A1 B2 10.00                   => rejected AM05
        payment A T1                         => rejected FF01
        pay T2 A1 B2 10.00                   => settled
        refuse T2 A FF01 text body           => rejected AM05
        pay T2 A1 B2 10.00                   => settled, repeat of T2
        balance A1                           => 490.00
        ",
    );
}

/// An order that was taken yesterday may be refused on reading today, for its date; it is the same order.
#[test]
fn order_refused_on_reading_is_the_same_order() {
    check_in_world(
        "
        pay T1 A1 B2 10.00                   => settled
        pay T1 A1 B2 10.00 refused DT01      => settled, repeat of T1
        pay T1 A1 B2 11.00 refused DT01      => rejected AM05
        pay T2 A1 B2 10.00 refused DT01      => rejected DT01
        pay T2 A1 B2 10.00                   => rejected DT01, repeat of T2
        pay T3 X1 B2 10.00 refused DT01      => rejected DNOR
        balance A1                           => 490.00
        ",
    );
}

#[test]
fn key_is_free_again_after_five_days_of_log_time_and_not_before() {
    check_in_world(
        "
        pay T1 A1 B2 10.00 accepted none     => settled
        refuse T2 A FF01                     => rejected FF01
        at 5d
        tick
        pay T1 A1 B2 10.00                   => settled, repeat of T1
        refuse T2 A FF01                     => rejected FF01, repeat of T2
        count payments                       => 2
        at 5d+1ns
        tick
        count payments                       => 0
        pay T1 A1 B2 10.00                   => settled
        refuse T2 A FF01                     => rejected FF01
        balance A1                           => 480.00
        ",
    );
}

/// The acceptance time still protects a payment that is retried after its key is forgotten.
#[test]
fn forgotten_payment_is_late_when_it_comes_again() {
    check_in_world(
        "
        pay T1 A1 B2 10.00                   => settled
        at 6d
        pay T1 A1 B2 10.00                   => rejected AB05
        balance A1                           => 490.00
        ",
    );
}

/// A changed body never takes the key over: it is free once the original is forgotten, however young the changed
/// attempt is.
#[test]
fn changed_body_does_not_prolong_the_key() {
    check_in_world(
        "
        pay T1 A1 B2 10.00 accepted none     => settled
        at 3d
        pay T1 A1 B2 11.00                   => rejected AM05
        at 5d+1ns
        tick
        count payments                       => 1
        payment A T1                         => not found
        pay T1 A1 B2 11.00                   => settled
        ",
    );
}
