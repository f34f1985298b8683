//! Requests to pay: who may ask and answer, and how they end. Scripts start on 2026-01-05 at 10:00.

use types::Sequence;

use crate::testing::{check_in_world, ledger_after_under};

#[test]
fn request_waits_for_its_payer() {
    check_in_world(
        "
        demand B1 A1 20.00 for 7d id R1  => done, told 0.00 0.00 0.00 0.00
        to-pay R1                        => created 20.00
        asked-of A1                      => R1
        due                              => 604800s
        present R1 A                     => done
        to-pay R1                        => presented 20.00
        present R1 A                     => refused REQUEST_TO_PAY_PRESENTED
        decline R1 A MS02                => done
        to-pay R1                        => refused 20.00 ms02
        accept R1 A                      => refused REQUEST_TO_PAY_NOT_OPEN
        decline R1 A MS02                => refused REQUEST_TO_PAY_NOT_OPEN
        withdraw R1 B                    => refused REQUEST_TO_PAY_NOT_OPEN
        balance A1                       => 500.00
        ",
    );
}

/// In the order in which it is checked.
#[test]
fn request_is_refused_for_what_stands_against_it() {
    check_in_world(
        "
        demand X1 A1 1.00 for 1d         => refused PARTICIPANT_UNKNOWN
        demand B1 A9 1.00 for 1d         => refused ACCOUNT_UNKNOWN
        demand B1 A1 1.00 for 1d at B    => refused ACCOUNT_UNKNOWN
        demand B1 C1 1.00 for 1d         => refused ACCOUNT_UNKNOWN
        demand B1 A6 1.00 for 1d         => refused ACCOUNT_CLOSED
        demand B9 A1 1.00 for 1d         => refused ACCOUNT_UNKNOWN
        demand B4 A1 1.00 for 1d         => refused ACCOUNT_UNKNOWN
        demand B6 A1 1.00 for 1d         => refused ACCOUNT_CLOSED
        demand B1 A1 1.00 for 1d by-bank A => refused ACCOUNT_UNKNOWN
        demand A1 A1 1.00 for 1d         => refused PAYEE_IS_PAYER
        demand B1 A1 1.00                => refused REQUEST_TO_PAY_TIMES_NOT_ALLOWED
        demand B1 A1 1.00 for 180d+1ns   => refused REQUEST_TO_PAY_TIMES_NOT_ALLOWED
        demand B1 A1 1.00 for 1d later 181d+1ns => refused REQUEST_TO_PAY_TIMES_NOT_ALLOWED
        demand B1 A1 1.00 for 1d later 36000s   => refused REQUEST_TO_PAY_TIMES_NOT_ALLOWED
        demand B1 A1 1.00 for 180d later 180d => done
        demand C1 A1 1.00 for 1d         => done
        demand M9 A1 1.00 for 1d         => done
        demand A2 A1 1.00 for 1d         => done
        block A1
        demand B1 A1 1.00 for 1d         => done
        suspend B
        demand B1 A1 1.00 for 1d         => refused PARTICIPANT_SUSPENDED
        resume B | stop A debit
        demand B1 A1 1.00 for 1d         => refused PARTICIPANT_SUSPENDED
        ",
    );
}

/// One bank asks, another one answers, and nobody else learns that there is a request.
#[test]
fn each_bank_speaks_for_its_own_side() {
    check_in_world(
        "
        demand B1 A1 20.00 for 7d id R1
        present R1 B                     => refused REQUEST_TO_PAY_UNKNOWN
        accept R1 B                      => refused REQUEST_TO_PAY_UNKNOWN
        decline R1 M AC04                => refused REQUEST_TO_PAY_UNKNOWN
        withdraw R1 A                    => refused REQUEST_TO_PAY_UNKNOWN
        withdraw R1 X                    => refused PARTICIPANT_UNKNOWN
        present R1 X                     => refused PARTICIPANT_UNKNOWN
        to-pay R1                        => created 20.00
        withdraw R1 B                    => done
        to-pay R1                        => cancelled 20.00
        accept R1 A                      => refused REQUEST_TO_PAY_NOT_OPEN
        ",
    );
}

#[test]
fn request_whose_time_is_over_is_not_accepted() {
    check_in_world(
        "
        demand B1 A1 20.00 for 5s id R1 | demand B1 A2 1.00 for 9s id R2 | demand A1 B1 3.00 for 5s id R3
        present R2 A
        at 5s
        accept R1 A                      => refused REQUEST_TO_PAY_EXPIRED
        ended                            => R1 expired, R3 expired
        to-pay R1                        => expired 20.00
        decline R1 A AC04                => refused REQUEST_TO_PAY_EXPIRED
        withdraw R3 A                    => refused REQUEST_TO_PAY_EXPIRED
        due                              => 9s
        at 9s
        tick
        ended                            => R2 expired
        to-pays                          => R1, R2, R3
        ",
    );
}

/// What has ended is kept for as long as its payment would be.
#[test]
fn request_that_has_ended_is_forgotten() {
    check_in_world(
        "
        demand B1 A1 20.00 for 9d id R1 | demand B1 A1 30.00 for 9d id R2 | demand B1 A2 40.00 for 9d id R3
        decline R2 A MS02
        at 4d+86399s
        tick
        to-pays                          => R1, R2, R3
        at 5d
        tick
        to-pays                          => R1, R3
        asked-of A1                      => R1
        decline R2 A MS02                => refused REQUEST_TO_PAY_UNKNOWN
        demand B1 A1 50.00 for 1d id R4
        asked-of A1                      => R1, R4
        withdraw R1 B | withdraw R4 B
        at 10d
        tick
        to-pays                          => R3
        asked-of A1                      => none
        ",
    );
}

#[test]
fn payer_that_can_not_pay_does_not_accept() {
    for (before, told) in [
        ("suspend A", "PARTICIPANT_SUSPENDED"),
        ("stop A debit", "PARTICIPANT_SUSPENDED"),
        ("block A1", "ACCOUNT_BLOCKED"),
        ("stop A1 debit", "ACCOUNT_BLOCKED"),
        ("restrict A1", "ACCOUNT_RESTRICTED"),
    ] {
        check_in_world(&format!(
            "
            demand B1 A1 20.00 for 7d id R1
            {before}
            accept R1 A                  => refused {told}
            to-pay R1                    => created 20.00
            "
        ));
    }
    check_in_world(
        "
        demand B1 A3 20.00 for 7d id R1
        accept R1 A                      => refused ACCOUNT_KIND_NOT_ALLOWED
        demand B1 A1 20.00 for 7d id R2
        accept R2 A later 1d             => refused REQUEST_TO_PAY_LATER_NOT_ALLOWED
        demand B1 A1 20.00 for 7d later 9d id R3
        accept R3 A later 9d+1ns         => refused REQUEST_TO_PAY_LATER_NOT_ALLOWED
        ",
    );
}

#[test]
fn requests_about_requests_are_answered_once() {
    check_in_world(
        "
        demand B1 A1 20.00 for 7d id R1  => done
        demand B1 A1 20.00 for 7d id R1  => done, repeat of R1
        demand B1 A1 20.01 for 7d id R1  => refused REQUEST_ID_REUSED
        to-pays                          => R1
        present R1 A id P1               => done
        present R1 A id P1               => done, repeat of P1
        decline R1 A AC04 id D1          => done
        decline R1 A AC04 id D1          => done, repeat of D1
        decline R1 A AC06 id D1          => refused REQUEST_ID_REUSED
        ",
    );
}

#[test]
fn account_has_at_most_a_thousand_requests() {
    let mut script = String::from("bank A hosted | bank B hosted | open A1 | open B1 | open A2 => any\n");
    (0..1000).for_each(|number| script += &format!("demand B1 A1 0.01 for 7d id R{number} => done\n"));
    script += "demand B1 A1 0.01 for 7d => refused REQUEST_TO_PAY_LIMIT\n demand B1 A2 0.01 for 7d => done\n";
    let ledger = ledger_after_under(crate::RULES_VERSION, &script);
    assert_eq!(ledger.request_to_pay_count(), 1001);
    let all: Vec<_> = ledger.requests_to_pay(Sequence(0)).collect();
    let then = ledger.requests_to_pay(all[299].sequence()).count();
    assert_eq!(then, 701);
    let payer = all[0].payer();
    assert_eq!(ledger.requests_to_account(payer, all[299].sequence()).count(), 700);
}

/// The order that is placed with the acceptance pays at once, with what the payee asked for, and no second time.
#[test]
fn accepted_request_is_paid_once() {
    check_in_world(
        "
        demand B1 A1 20.00 for 7d id R1
        accept R1 A id X1                => done
        to-pay R1                        => accepted 20.00
        due                              => never
        accept R1 A                      => refused REQUEST_TO_PAY_NOT_OPEN
        decline R1 A MS02                => refused REQUEST_TO_PAY_NOT_OPEN
        withdraw R1 B                    => refused REQUEST_TO_PAY_NOT_OPEN
        present R1 A                     => refused REQUEST_TO_PAY_NOT_OPEN
        due-now A                        => X1
        execute X1                       => settled
        told                             => X1 settled, R1 paid
        to-pay R1                        => paid 20.00
        balance B1                       => 20.00
        execute X1 as AGAIN              => not executed: NotPending
        accept R1 A                      => refused REQUEST_TO_PAY_NOT_OPEN
        accept R1 A id X1                => done, repeat of X1
        balance A1                       => 480.00
        ",
    );
}

/// It waits for its day and for the payer's funds, as every order does, and is over only when that fails.
#[test]
fn payment_is_put_off_as_far_as_the_payee_allows() {
    check_in_world(
        "
        demand B1 A2 20.00 for 2d later 3d+1s id R1
        accept R1 A later 3d id X1       => done
        execute X1                       => not executed: NotDue
        at 2d
        tick
        to-pay R1                        => accepted 20.00
        at 2d+50400s
        execute X1                       => waits AM04
        to-pay R1                        => accepted 20.00
        post A2 +50.00
        execute X1                       => settled
        told                             => X1 settled, R1 paid
        ",
    );
}

/// Where its payment fails, the payer may try again as long as the request lasts.
#[test]
fn failed_payment_leaves_the_request_open() {
    check_in_world(
        "
        demand B1 A1 20.00 for 2d id R1
        accept R1 A id X1
        close B1
        execute X1                       => rejected AC04
        told                             => X1 rejected AC04, R1 failed AC04
        to-pay R1                        => presented 20.00 ac04
        accept R1 A id X2                => done
        to-pay R1                        => accepted 20.00
        cancel X2 A                      => done
        told                             => R1 failed CUST
        to-pay R1                        => presented 20.00 cust
        demand B2 A1 30.00 for 1d id R2
        accept R2 A id X3
        at 1d
        tick
        to-pay R2                        => accepted 30.00
        restrict A1
        execute X3                       => rejected RR04
        to-pay R2                        => expired 30.00 rr04
        accept R2 A                      => refused REQUEST_TO_PAY_EXPIRED
        ended                            => R2 expired
        at 2d
        tick
        ended                            => R1 expired
        ",
    );
}

/// A bank that decides keeps the request waiting, and its answer, or its silence, ends it.
#[test]
fn request_follows_a_payment_that_waits_for_a_bank() {
    check_in_world(
        "
        online C
        demand C1 A1 20.00 for 2d id R1 | demand C1 A1 30.00 for 2d id R2 | demand C1 A1 40.00 for 2d id R3
        accept R1 A id X1 | accept R2 A id X2 | accept R3 A id X3
        execute X1 as T1                 => reserved
        execute X2 as T2                 => reserved
        execute X3 as T3                 => reserved
        to-pay R1                        => accepted 20.00
        answer T1 C yes                  => any
        told                             => X1 settled, R1 paid
        answer T2 C no AC04              => any
        told                             => X2 rejected AC04, R2 failed AC04
        at 7s
        tick
        told                             => X3 expired AB05, R3 failed AB05
        to-pay R3                        => presented 40.00 ab05
        ",
    );
}

/// What is paid is what was asked for: by the core's own knowledge, whatever an edge sends.
#[test]
fn payment_that_is_another_one_is_not_accepted() {
    check_in_world(
        "
        demand B1 A1 20.00 for 2d id R1
        accept R1 A amount 20.01         => refused REQUEST_TO_PAY_DIFFERS
        accept R1 A id X1                => done
        change X1 A1 B2 1.00 due 1d      => refused ORDER_NOT_PENDING
        execute X1                       => settled
        ",
    );
}
