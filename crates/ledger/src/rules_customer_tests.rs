//! Limits, restrictions and fees: at every place in the order of precedence, with and without a bank that is asked, over
//! midnight, and against a naive model.

use crate::testing::{check, check_in_world};

/// Bank C is asked about everything for its accounts.
const ONLINE: &str = "online C | online A | online B\n";

#[test]
fn limit_for_one_payment_holds_at_once() {
    check_in_world(
        "
        used A1                      => nothing is counted
        allow A1 payment 10.00
        pay T1 A1 A2 10.01           => rejected AM14, limit for one payment
        pay T2 A1 A2 10.00           => settled
        pay T3 A1 B2 10.01           => rejected AM14, limit for one payment
        allow A1 payment 10.01
        pay T4 A1 B2 10.01           => settled
        pay T1 A1 A2 10.01           => rejected AM14, repeat of T1, limit for one payment
        pay T2 A1 A2 10.00           => settled, repeat of T2
        allow A1
        pay T5 A1 B2 100.00          => settled
        pay T6 A2 A1 1.00            => settled
        used A1                      => 120.01
        used A2                      => nothing is counted
        ",
    );
}

#[test]
fn limit_for_a_day_counts_what_was_sent_since_it_was_first_set() {
    check_in_world(
        "
        pay T1 A1 A2 50.00           => settled
        allow A1 day 100.00
        pay T2 A1 A2 60.00           => settled
        pay T3 A1 A2 40.01           => rejected AM14, limit for a day
        pay T4 A1 A2 40.00           => settled
        pay T5 A1 A2 0.01            => rejected AM14, limit for a day
        allow A1 payment 30.00 day 130.00
        pay T6 A1 A2 30.01           => rejected AM14, limit for one payment
        allow A1                     # what is sent without a limit counts as well
        pay T7 A1 A2 20.00           => settled
        allow A1 day 130.00
        pay T8 A1 A2 10.01           => rejected AM14, limit for a day
        pay T9 A1 A2 10.00           => settled
        used A1                      => 130.00
        allow A1 day 1.00            # below what was sent: nothing more, and nothing comes back
        pay T10 A1 A2 0.01           => rejected AM14, limit for a day
        ",
    );
}

/// A script begins at 10:00 UTC.
#[test]
fn day_ends_at_midnight_of_the_bank() {
    let evening = "50399s+999ms";
    check_in_world(&format!(
        "
        allow A1 day 10.00
        at {evening}
        pay T1 A1 A2 10.00           => settled
        pay T2 A1 A2 0.01            => rejected AM14, limit for a day
        at 50400s
        used A1                      => 10.00
        tick
        used A1                      => 0.00
        pay T3 A1 A2 10.00           => settled
        pay T4 A1 A2 0.01            => rejected AM14, limit for a day
        at 5d
        pay T5 A1 A2 10.00           => settled
        "
    ));
    // In Brussels it is 11:00 then, so the day ends an hour earlier; and two hours from its summer on.
    check_in_world(
        "
        zone A 60 change 60000s 120
        allow A1 day 10.00
        pay T1 A1 A2 10.00           => settled
        at 46799s+999ms
        pay T2 A1 A2 0.01            => rejected AM14, limit for a day
        at 46800s
        pay T3 A1 A2 10.00           => settled
        at 129599s+999ms
        pay T4 A1 A2 0.01            => rejected AM14, limit for a day
        ",
    );
    check_in_world(
        "
        zone A 60 change 60000s 120
        allow A1 day 10.00
        at 46800s
        pay T3 A1 A2 10.00           => settled
        at 129600s
        pay T4 A1 A2 0.01            => settled
        ",
    );
}

#[test]
fn day_that_has_begun_is_not_begun_again() {
    check_in_world(
        "
        zone A 840                   # the next day begins as the script does
        allow A1 day 10.00
        pay T1 A1 A2 10.00           => settled
        zone A -720
        pay T2 A1 A2 0.01            => rejected AM14, limit for a day
        at 46800s
        pay T3 A1 A2 0.01            => rejected AM14, limit for a day
        at 1d+46800s
        pay T4 A1 A2 0.01            => rejected AM14, limit for a day
        at 2d
        pay T5 A1 A2 0.01            => rejected AM14, limit for a day
        at 2d+7200s
        pay T6 A1 A2 0.01            => settled
        ",
    );
}

#[test]
fn allowance_comes_back_when_a_reservation_is_released() {
    check_in_world(&format!(
        "{ONLINE}
        allow A1 day 100.00
        pay T1 A1 C1 60.00           => reserved
        pay T2 A1 A2 40.01           => rejected AM14, limit for a day
        answer T1 C no AC04          => applied rejected AC04
        used A1                      => 0.00
        pay T3 A1 C1 100.00          => reserved
        pay T4 A1 A2 0.01            => rejected AM14, limit for a day
        at 8s
        tick
        decided                      => T3 expired AB05
        used A1                      => 0.00
        pay T5 A1 C1 100.00          => reserved
        answer T5 C yes              => applied settled
        used A1                      => 100.00
        pay T6 A1 A2 0.01            => rejected AM14, limit for a day
        "
    ));
}

#[test]
fn allowance_comes_back_when_what_was_accepted_can_not_be_booked() {
    check_in_world(
        "
        online B
        decide B credits all
        allow A1 day 100.00
        pay T1 A1 B2 60.00           => reserved
        restrict B2
        answer T1 B yes              => applied rejected RR04
        used A1                      => 0.00
        ",
    );
}

#[test]
fn what_was_reserved_yesterday_or_before_the_limit_is_not_given_back_today() {
    check_in_world(&format!(
        "{ONLINE}
        at 50395s
        pay T1 A1 C1 60.00           => reserved
        allow A1 day 100.00
        pay T2 A1 C1 70.00           => reserved
        pay T3 A1 A2 5.00            => settled
        answer T1 C no AC04          => applied rejected AC04
        used A1                      => 75.00
        at 50400s
        pay T4 A1 A2 10.00           => settled
        answer T2 C no AC04          => applied rejected AC04
        used A1                      => 10.00
        "
    ));
}

#[test]
fn restricted_accounts_take_no_part_and_nothing_else_changes() {
    check_in_world(&format!(
        "{ONLINE}
        restrict A1 | restrict B2
        pay T1 A1 A2 1.00            => rejected RR04
        pay T2 M1 B2 1.00            => rejected RR04
        pay T3 A2 A1 1.00            => rejected RR04
        post A1 +1.00                => balance 501.00
        pay T4 A1 B7 1.00            => rejected AC06
        pay T5 A1 A3 1.00            => rejected RR04
        allow A1 payment 0.01
        pay T6 A1 A2 1.00            => rejected RR04
        unrestrict A1
        pay T7 A1 A2 1.00            => rejected AM14, limit for one payment
        allow A1
        pay T8 A1 C1 1.00            => reserved
        restrict A1
        answer T8 C yes              => applied settled
        block A1 | unblock A1
        pay T9 A1 A2 1.00            => rejected RR04
        "
    ));
}

#[test]
fn fees_are_bookings_of_their_own() {
    check_in_world(
        "
        fees A 0.20 0.10
        pay T1 A1 A2 10.00           => settled, fee 0.10, told 489.90 10.00 0.00 0.00
        balance A.core               => -499.90
        pay T2 A1 B2 10.00           => settled, fee 0.10, told 479.80 10.00 990.00 1010.00
        balance A.core               => -499.80
        balance A.clearing           => 10.00
        pay T1 A1 A2 10.00           => settled, repeat of T1
        pay T3 C1 A2 10.00           => settled
        pay T4 M1 A2 10.00           => settled
        fees A 0.20 0.00
        pay T5 A1 A2 10.00           => settled
        fees A USD 1.00 1.00
        ",
    );
}

#[test]
fn funds_cover_amount_and_fee() {
    check_in_world(
        "
        fees A 0.20 0.10
        post A2 +1.09
        pay T1 A2 A1 1.00            => rejected AM04
        post A2 +0.01
        pay T2 A2 A1 1.00            => settled, fee 0.10
        balance A2                   => 0.00
        pay T3 A5 B2 49.91           => rejected AM04
        pay T4 A5 B2 49.90           => settled, fee 0.10
        balance A5                   => -50.00
        defund A 950.10
        pay T5 A1 B2 0.01            => rejected AM23
        fund A 10.00                 # the fee never leaves the bank
        pay T6 A1 B2 10.00           => settled, fee 0.10
        balance A.position           => 0.00
        ",
    );
}

#[test]
fn fee_of_a_bank_with_accounts_here_and_in_its_own_core() {
    check_in_world(&format!(
        "{ONLINE}
        online M
        fees M 0.50 0.50
        pay T1 M1 M9 10.00           => reserved
        reserved M1                  => 10.50
        answer T1 M yes              => applied settled, fee 0.50
        balance M1                   => 489.50
        balance M.core               => -489.50
        pay T2 M9 M1 10.00           => settled
        balance M1                   => 499.50
        "
    ));
}

#[test]
fn reservation_holds_the_fee_that_was_agreed_and_gives_it_back() {
    check_in_world(&format!(
        "{ONLINE}
        fees A 0.20 0.10
        pay T1 A1 C1 10.00           => reserved
        available A1                 => 489.90
        reserved A.position          => 10.00
        fees A 5.00 5.00
        answer T1 C yes              => applied settled, fee 0.10
        balance A1                   => 489.90
        pay T2 A1 C1 10.00           => reserved
        available A1                 => 474.90
        fees A 0.00 0.00
        answer T2 C no AC04          => applied rejected AC04
        available A1                 => 489.90
        fees A 0.01 0.01
        pay T3 A1 C1 10.00           => reserved
        at 8s
        tick
        decided                      => T3 expired AB05
        available A1                 => 489.90
        decide A debits all accept
        decide C credits all
        at 10s
        pay T4 A1 A2 489.89          => reserved
        at 15s
        tick
        decided                      => T4 settled
        balance A1                   => 0.00
        "
    ));
}

#[test]
fn what_a_bank_sets_is_refused_where_it_must_be() {
    check_in_world(
        "
        fees A 0.10 0.11             => refused INSTANT_FEE_ABOVE_ORDINARY
        fees A 0.10 0.10             => done
        fees A 0.09 0.10             => refused INSTANT_FEE_ABOVE_ORDINARY
        pay T1 A1 A2 1.00            => settled, fee 0.10
        fees Z 0.10 0.10             => refused PARTICIPANT_UNKNOWN
        fees C USD 0.10 0.10         => refused BOOK_UNKNOWN
        zone Z 60                    => refused PARTICIPANT_UNKNOWN
        allow A9 day 1.00            => refused ACCOUNT_UNKNOWN
        allow A6 day 1.00            => refused ACCOUNT_CLOSED
        restrict A6                  => refused ACCOUNT_CLOSED
        restrict A1 USD              => refused ACCOUNT_UNKNOWN
        allow A7 day 1.00            => done
        allow A1 day 1.00 id X       => done
        allow A1 day 1.00 id X       => done, repeat of X
        allow A1 day 2.00 id X       => refused REQUEST_ID_REUSED
        ",
    );
}

/// Nothing but the payer's own limits stands before the funds, and everything else before those.
#[test]
fn limits_come_after_what_is_wrong_with_the_accounts_and_before_the_funds() {
    check_in_world(
        "
        allow A2 payment 1.00 | allow A3 payment 1.00 | allow A4 USD payment 1.00
        pay T1 A2 A1 2.00            => rejected AM14, limit for one payment
        pay T2 A3 A1 2.00            => rejected AG01
        pay T3 A4 B4 2.00 USD        => rejected AM03
        pay T4 A2 A1 1.00            => rejected AM04
        pay T5 A2 B7 2.00            => rejected AC06
        ",
    );
}

#[test]
fn core_account_has_room_for_amount_and_fee() {
    check(
        "
        bank M mixed | open M1 | open M5 floor -50.00 | post M1 +100.00 | post M5 -50.00
        online M
        fees M 0.50 0.50
        load M.clearing M.core max   # now the core account has room for 50.00
        pay T1 M1 M9 49.51           => rejected AM02
        pay T2 M1 M9 49.50           => reserved
        answer T2 M yes              => applied settled, fee 0.50
        ",
    );
}
