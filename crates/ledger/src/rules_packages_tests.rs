//! Packages: how they are logged, closed, executed, cancelled and forgotten. Scripts start on Monday, 2026-01-05 at 10:00.

use crate::testing::{check, check_in_world, ledger_after};

#[test]
fn lines_are_executed_once_the_package_is_closed() {
    check_in_world(
        "
        package F1 A 3 sum 35.00         => done
        line F1 1 A1 B2 10.00            => done
        line F1 2 refused AC01 5.00      => done
        package-of F1                    => open, 2 of 3, 1 refused, 1 pending
        execute F1.1                     => not executed: NotOpen
        groups                           => none
        line F1 3 A1 A2 20.00            => done
        shut F1 A                        => done
        package-of F1                    => closed, 3 of 3, 1 refused, 2 pending
        groups                           => F1
        due-now F1                       => F1.1, F1.3
        due-now F1 after F1.1            => F1.3
        execute F1.1                     => settled
        lines F1                         => 1 settled, 2 refused AC01, 3 pending
        told                             => none
        execute F1.3                     => settled
        told                             => F1 complete: 2 settled 30.00, 0 rejected, 1 neither
        package-of F1                    => complete, 3 of 3, 1 refused, 2 settled 30.00
        groups                           => none
        balance A1                       => 470.00
        lines F1 3                       => 3 settled
        ",
    );
}

/// After a break the file is sent again, and every line is either logged or known.
#[test]
fn line_is_logged_once_and_none_is_left_out() {
    check_in_world(
        "
        package F1 A 2
        line F1 1 A1 B2 10.00            => done
        line F1 1 A1 B2 10.00            => done, repeat of F1.1
        line F1 1 A1 B2 10.01            => refused PACKAGE_DIFFERS
        line F1 1 A1 B2 10.00 text other => refused PACKAGE_DIFFERS
        line F1 1 A1 B2 10.00 due 1d     => refused PACKAGE_DIFFERS
        line F1 1 refused AC01 10.00     => refused PACKAGE_DIFFERS
        line F1 3 A1 B2 10.00            => refused PACKAGE_DIFFERS
        line F9 1 A1 B2 10.00            => refused PACKAGE_UNKNOWN
        shut F1 A                        => refused PACKAGE_DIFFERS
        line F1 2 B1 A2 10.00            => refused PACKAGE_DIFFERS
        line F1 2 A1 A2 10.00 due 401d   => refused ORDER_DATE_NOT_ALLOWED
        line F1 2 A1 A2 10.00 due 400d   => done
        shut F1 B                        => refused PACKAGE_UNKNOWN
        shut F1 A                        => done
        shut F1 A                        => refused PACKAGE_NOT_OPEN
        line F1 2 A1 A2 10.00 due 400d   => done, repeat of F1.2
        line F1 3 A1 A2 10.00            => refused PACKAGE_NOT_OPEN
        package F2 A 3
        line F2 2 A1 B2 10.00            => refused LINE_NOT_NEXT
        package-of F2                    => open, 0 of 3
        ",
    );
}

#[test]
fn file_is_known_again_by_its_name() {
    check_in_world(
        "
        package F1 A 1 file 1 id R1      => done
        package F1 A 1 file 1 id R2      => done
        packages A                       => F1
        package F1 A 1 file 2 id R3      => refused PACKAGE_EXISTS
        package F1 B 1 file 2 id R4      => done
        package F2 X 1                   => refused PARTICIPANT_UNKNOWN
        # One that was abandoned may come again, whole this time.
        cancel F1 A                      => done
        package-of F1                    => abandoned, 0 of 1
        told                             => F1 complete: 0 settled 0.00, 0 rejected, 0 neither
        line F1 1 A1 A2 1.00             => refused PACKAGE_NOT_OPEN
        shut F1 A                        => refused PACKAGE_NOT_OPEN
        cancel F1 A                      => refused PACKAGE_NOT_OPEN
        package F1 A 1 file 2 id R5      => done
        ",
    );
}

#[test]
fn number_and_sum_have_to_be_as_the_file_states() {
    check_in_world(
        "
        package F1 A 1 sum 10.01
        line F1 1 A1 B2 10.00
        shut F1 A                        => refused PACKAGE_DIFFERS
        cancel F1 A                      => done
        package-of F1                    => abandoned, 1 of 1, 1 cancelled
        order-of F1.1                    => cancelled of 10.00
        execute F1.1                     => not executed: NotPending
        package F2 A 1
        line F2 1 A1 B2 10.00
        shut F2 A                        => done
        ",
    );
}

#[test]
fn what_is_not_sent_is_cancelled_and_what_is_sent_goes_on() {
    check_in_world(
        "
        online C
        package F1 A 4 | line F1 1 A1 C1 1.00 | line F1 2 A1 A2 2.00 | line F1 3 A1 A2 3.00 | line F1 4 A1 A2 4.00
        shut F1 A
        execute F1.1                     => reserved
        execute F1.2                     => settled
        cancel F1.3 A                    => done
        cancel F1.3 A id X               => refused ORDER_NOT_PENDING
        cancel F1.2 A                    => refused ORDER_NOT_PENDING
        cancel F1.4 B                    => refused ORDER_UNKNOWN
        package-of F1                    => closed, 4 of 4, 1 pending, 1 sent, 1 settled, 1 cancelled 2.00
        cancel F1 A                      => done
        told                             => none
        package-of F1                    => cancelled, 4 of 4, 1 sent, 1 settled, 2 cancelled 2.00
        lines F1                         => 1 sent, 2 settled, 3 cancelled, 4 cancelled
        execute F1.4                     => not executed: NotPending
        cancel F1.4 A                    => refused ORDER_NOT_PENDING
        answer F1.1 C no AC04            => any
        package-of F1                    => any
        at 9s
        tick
        told                             => any
        package-of F1                    => complete, 4 of 4, 1 settled, 1 rejected, 2 cancelled 2.00
        ",
    );
}

#[test]
fn payment_that_waits_is_followed_to_its_end() {
    check_in_world(
        "
        online C
        package F1 A 3 | line F1 1 A1 C1 1.00 | line F1 2 A1 C1 2.00 | line F1 3 A1 C1 3.00 | shut F1 A
        execute F1.1 | execute F1.2 | execute F1.3 => reserved
        package-of F1                    => closed, 3 of 3, 3 sent
        execute F1.1 time 0              => reserved, repeat of F1.1
        execute F1.1 as OTHER            => not executed: NotPending
        at 8s
        tick
        package-of F1                    => complete, 3 of 3, 3 rejected
        told                             => F1 complete: 0 settled 0.00, 3 rejected, 0 neither
        order-of F1.1                    => expired AB05 of 1.00, sent 1 times
        ",
    );
}

/// Heads of packages are kept for 400 days, their lines for five after they are complete.
#[test]
fn lines_are_kept_for_five_days_and_the_file_is_known_for_400() {
    check_in_world(
        "
        package F1 A 1 | line F1 1 A1 B2 10.00 | shut F1 A
        execute F1.1                     => settled
        at 4d+86399s
        lines F1                         => 1 settled
        at 5d
        tick
        lines F1                         => none
        order-of F1.1                    => none
        execute F1.1 time 0              => settled, repeat of F1.1
        at 5d+1s
        tick
        execute F1.1 time 0              => not executed: Unknown
        package-of F1                    => complete, 1 of 1, 1 settled 10.00
        at 399d
        package F1 A 1 id again          => done
        packages A                       => F1
        at 400d
        tick
        packages A                       => none
        package-of F1                    => none
        package F1 A 1 id anew           => done
        ",
    );
}

#[test]
fn bank_has_at_most_a_hundred_packages_that_are_not_complete() {
    let open: String = (0..100).map(|number| format!("package P{number} A 1\n")).collect();
    check(&format!(
        "bank A hosted | bank B hosted
        {open}
        package P100 A 1                 => refused PACKAGE_LIMIT
        package P100 B 1                 => done
        cancel P7 A                      => done
        package P101 A 1                 => done"
    ));
}

/// A line that waits for months is as good as one that is new, and a large package is forgotten in pieces.
#[test]
fn large_package_is_forgotten_in_pieces() {
    let lines: String = (1..=3000).map(|line| format!("line F1 {line} refused AC01\n")).collect();
    let script = format!("bank A hosted\npackage F1 A 3000\n{lines}\nshut F1 A");
    let mut ledger = ledger_after(&script);
    assert_eq!(ledger.order_count(), 3000);
    let mut at = ledger.position();
    at.time = at.time.plus(types::Duration::from_seconds(5 * 86_400));
    for left in [952, 0] {
        at.sequence = at.sequence.next();
        ledger.reserve_for_frame(0);
        ledger.tick(at);
        ledger.validate();
        assert_eq!(ledger.order_count(), left);
        let package = ledger.orders.packages.iter().next().unwrap().sequence;
        assert_eq!(ledger.lines_of(package, 1).count(), 0, "the rest is as good as gone");
        crate::testing::read_again(&ledger);
    }
}
