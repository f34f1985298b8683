//! Orders: when they are executed, what they wait for, and how they are changed. Scripts start on Monday, 2026-01-05 at 10:00.

use crate::testing::{check, check_in_world};

#[test]
fn order_is_executed_once_from_its_day_on() {
    check_in_world(
        "
        order O1 A1 B2 10.00 due 2d      => done
        order-of O1                      => pending of 10.00, due 2d
        groups                           => none
        execute O1                       => not executed: NotDue
        at 1d+50399s+999ms
        execute O1                       => not executed: NotDue
        at 1d+50400s
        groups                           => A
        due-now A                        => O1
        execute O1                       => settled
        told                             => O1 settled
        execute O1 time 0                => settled, repeat of O1
        execute O1 as OTHER              => not executed: NotPending
        execute O1 time 1                => not executed: NotPending
        order-of O1                      => settled of 10.00, sent 1 times
        balance A1                       => 490.00
        at 6d+50400s
        tick
        order-of O1                      => none
        execute O1 as OTHER              => not executed: Unknown
        ",
    );
}

/// When a day begins is asked of the bank's clock as it is then, whatever it was when the order was placed.
#[test]
fn day_begins_by_the_banks_clock() {
    check_in_world(
        "
        zone A 60
        order O1 A1 B2 1.00 due 2d
        order O2 A1 B2 1.00 due 2d+3600s
        at 1d+46799s
        due-now A                        => none
        at 1d+46800s
        due-now A                        => O1
        zone A 120
        due-now A                        => O1, O2
        zone A -60
        due-now A                        => none
        execute O1                       => not executed: NotDue
        ",
    );
}

#[test]
fn order_waits_for_funds_to_the_end_of_its_day() {
    check_in_world(
        "
        order O1 A2 B2 10.00 due 0d
        execute O1                       => waits AM04
        order-of O1                      => awaiting AM04 of 10.00, due 0d
        count payments                   => 0
        execute O1                       => waits AM04
        post A2 +10.00
        execute O1                       => settled
        order O2 A2 B2 10.00 due 0d
        at 50399s
        execute O2                       => waits AM04
        at 50400s
        due-now A                        => O2
        execute O2                       => rejected AM04
        told                             => O2 rejected AM04
        order-of O2                      => rejected AM04 of 10.00, sent 1 times
        # Or to the time that it names.
        order O3 A2 B2 10.00 due 1d give-up 3d
        at 2d+50399s
        execute O3                       => waits AM04
        at 2d+50400s
        execute O3                       => rejected AM04
        ",
    );
}

/// What may pass is waited for: a position that lacks money or is blocked, a bank that is suspended or busy.
#[test]
fn order_waits_for_its_bank() {
    check_in_world(
        "
        order O1 A1 B2 10.00
        defund A 1000.00                 => balance 0.00
        execute O1                       => waits AM23
        fund A 1000.00                   => balance 1000.00
        suspend A
        execute O1                       => waits AG10
        resume A | stop A1 debit
        execute O1                       => rejected AC06
        stop A1 none | online C | limit C 0
        order O2 A1 C1 10.00
        execute O2                       => waits AB10
        limit C 9
        execute O2                       => reserved
        at 8s
        tick
        ",
    );
}

/// Other rejections are final, a customer's own limit too: it holds for the day of the execution.
#[test]
fn other_rejections_end_an_order() {
    check_in_world(
        "
        order O1 A1 B9 1.00
        execute O1                       => rejected AC01
        order O2 A1 C1 1.00
        execute O2                       => rejected AB08
        allow A1 day 5.00
        order O3 A1 B2 6.00
        execute O3                       => rejected AM14, limit for a day
        # The attempt came late, and not the order.
        order O4 A1 B2 1.00
        execute O4 accepted -7s          => waits AB05
        order-of O4                      => awaiting AB05 of 1.00, due 0d
        at 1d
        execute O4 accepted -7s          => waits AB05
        execute O4                       => settled
        # Somebody else's payment has the id.
        pay TAKEN A1 B2 1.00
        order O5 A1 B2 1.00 due 1d
        execute O5 as TAKEN              => rejected AM05
        ",
    );
}

#[test]
fn order_is_placed_for_an_account_here_and_a_day_to_come() {
    check_in_world(
        "
        order O1 X1 B2 1.00              => refused PARTICIPANT_UNKNOWN
        order O1 A9 B2 1.00              => refused ACCOUNT_UNKNOWN
        order O1 A1 B2 1.00 from B       => refused ACCOUNT_UNKNOWN
        order O1 C1 B2 1.00              => refused ACCOUNT_UNKNOWN
        order O1 A6 B2 1.00              => refused ACCOUNT_CLOSED
        order O1 A7 B2 1.00              => done
        at 1d
        order O2 A1 B2 1.00 due 0d       => refused ORDER_DATE_NOT_ALLOWED
        order O2 A1 B2 1.00 due 402d     => refused ORDER_DATE_NOT_ALLOWED
        order O2 A1 B2 1.00 due 401d     => done
        order O3 A1 B2 1.00 due 9d every 1 months until 8d => refused ORDER_DATE_NOT_ALLOWED
        order O3 A1 B2 1.00 due 9d every 1 months closed after => refused CALENDAR_UNKNOWN
        order O3 A1 B2 1.00 due 9d every 1 months => done
        orders A1                        => O2, O3
        ",
    );
}

#[test]
fn order_is_changed_and_cancelled_before_it_is_sent() {
    check_in_world(
        "
        order O1 A1 B2 10.00 due 2d
        change O1 A1 A2 20.00 due 1d id C1   => done
        order-of O1                      => pending of 20.00, due 1d
        change O1 A2 A1 20.00            => refused ORDER_UNKNOWN
        change O1 A9 A1 20.00            => refused ACCOUNT_UNKNOWN
        change O9 A1 A2 20.00            => refused ORDER_UNKNOWN
        change O1 A1 A2 20.00 due 402d   => refused ORDER_DATE_NOT_ALLOWED
        at 1d
        execute O1 at O1                 => not executed: Differs
        execute O1                       => settled
        balance A2                       => 20.00
        change O1 A1 A2 20.00 due 3d     => refused ORDER_NOT_PENDING
        cancel O1 A                      => refused ORDER_NOT_PENDING
        order O2 A1 B2 10.00 due 2d
        cancel O2 B                      => refused ORDER_UNKNOWN
        cancel O9 A                      => refused ORDER_UNKNOWN
        cancel O2 A                      => done
        order-of O2                      => cancelled of 10.00
        at 2d
        execute O2                       => not executed: NotPending
        package F1 A 1 | line F1 1 A1 B2 1.00 | shut F1 A
        change F1.1 A1 B2 1.00 due 3d    => refused ORDER_NOT_PENDING
        ",
    );
}

#[test]
fn standing_order_is_executed_on_each_of_its_days() {
    check_in_world(
        "
        # 26 January, 2026-02-26 and 2026-03-26.
        order O1 A1 A2 100.00 due 21d every 1 months until 80d
        order-of O1                      => pending of 100.00, due 21d
        at 21d
        execute O1                       => settled
        told                             => O1 settled
        order-of O1                      => pending of 100.00, due 52d, sent 1 times
        execute O1                       => not executed: NotDue
        execute O1 time 0                => settled, repeat of O1
        at 52d
        post A1 -399.00                  => balance 1.00
        execute O1                       => waits AM04
        at 52d+50400s
        execute O1                       => rejected AM04
        told                             => O1 rejected AM04
        order-of O1                      => pending AM04 of 100.00, due 80d, sent 2 times
        post A1 +399.00                  => balance 400.00
        # A node that stood still executes it when it is back.
        at 95d
        execute O1                       => settled
        order-of O1                      => settled of 100.00, sent 3 times
        balance A2                       => 200.00
        ",
    );
}

#[test]
fn standing_order_goes_round_closed_days() {
    check_in_world(
        "
        closing 2026
        # Saturday, 10 January.
        order O1 A1 A2 1.00 due 5d every 1 weeks closed after
        order O2 A1 A2 1.00 due 5d every 1 weeks closed before
        order O3 A1 A2 1.00 due 5d every 1 weeks
        order-of O1                      => pending of 1.00, due 7d
        order-of O2                      => pending of 1.00, due 4d
        order-of O3                      => pending of 1.00, due 5d
        at 7d
        due-now A                        => O2, O3, O1
        execute O1 | execute O2 | execute O3
        order-of O1                      => pending of 1.00, due 14d, sent 1 times
        order-of O2                      => pending of 1.00, due 11d, sent 1 times
        ",
    );
}

/// Its next day comes whatever became of a payment that a bank has yet to answer, but not before that is known.
#[test]
fn standing_order_waits_for_its_payment() {
    check_in_world(
        "
        online C
        order O1 A1 C1 1.00 due 0d every 1 weeks
        at 20d
        execute O1                       => reserved
        order-of O1                      => sent of 1.00, due 0d, sent 1 times
        execute O1 time 1                => not executed: NotPending
        cancel O1 A                      => refused ORDER_NOT_PENDING
        at 20d+8s
        tick
        told                             => O1 expired AB05
        order-of O1                      => pending AB05 of 1.00, due 7d, sent 1 times
        execute O1                       => reserved
        at 21d
        tick
        order-of O1                      => pending AB05 of 1.00, due 14d, sent 2 times
        ",
    );
}

/// Renewed texts change nothing, and count only if the order has not been changed meanwhile.
#[test]
fn texts_are_repeated_where_they_stand() {
    check_in_world(
        "
        package F1 A 1 | line F1 1 A1 B2 1.00 due 1d | shut F1 A
        order O1 A1 B2 10.00 due 2d
        at 1d
        renew O1 id N1                   => done
        renew O1 at O1                   => refused ORDER_UNKNOWN
        renew F1.1                       => done
        order-of O1                      => pending of 10.00, due 2d
        execute F1.1                     => settled
        change O1 A1 B2 11.00 due 2d
        renew O1 at N1                   => refused ORDER_UNKNOWN
        at 2d
        execute O1                       => settled
        ",
    );
}

#[test]
fn account_has_at_most_a_thousand_orders() {
    let placed: String = (0..1000).map(|number| format!("order O{number} A1 A2 1.00 due 1d\n")).collect();
    check(&format!(
        "bank A hosted | open A1 | open A2
        frame {{
        {placed}
        }}
        order O1000 A1 A2 1.00 due 1d    => refused ORDER_LIMIT
        order O1000 A2 A1 1.00 due 1d    => done
        cancel O7 A                      => done
        at 5d
        tick
        order O1001 A1 A2 1.00 due 9d    => done"
    ));
}
