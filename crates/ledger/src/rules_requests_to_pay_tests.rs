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
        demand B1 A1 1.00 for 1d later 180d+1ns => refused REQUEST_TO_PAY_TIMES_NOT_ALLOWED
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
