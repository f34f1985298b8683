//! Holds: what they set aside, what captures book, and how they end. Scripts start on 2026-01-05 at 10:00.

use crate::testing::{check, check_in_world, ledger_after_under};
use crate::testing_words::key;

#[test]
fn hold_takes_from_what_is_available_and_its_release_gives_it_back() {
    check_in_world(
        "
        place A1 200.00 for 7d id H1     => done, told 500.00 200.00 0.00 0.00
        held A1                          => 200.00
        available A1                     => 300.00
        balance A1                       => 500.00
        place A1 300.01 for 7d           => refused INSUFFICIENT_FUNDS
        pay T1 A1 A2 300.01              => rejected AM04
        post A1 -300.01                  => refused INSUFFICIENT_FUNDS
        floor A1 300.01                  => refused FLOOR_ABOVE_AVAILABLE
        place A1 300.00 for 1d id H2     => done, told 500.00 500.00 0.00 0.00
        holds A1                         => H1, H2
        release H1 A 50.00               => done, told 500.00 150.00 0.00 0.00
        hold-of H1                       => 150.00 of 200.00
        release H1 A 150.01              => refused ABOVE_HELD
        release H1 A                     => done, told 500.00 0.00 0.00 0.00
        release H1 A                     => refused HOLD_UNKNOWN
        hold-of H1                       => none
        pay T2 A1 A2 200.00              => settled
        held A1                          => 300.00
        close A1                         => refused ACCOUNT_NOT_EMPTY
        ",
    );
}

/// In the order in which a payment's are checked.
#[test]
fn hold_is_refused_for_what_a_payment_is_refused_for() {
    check_in_world(
        "
        place X1 1.00 for 1d             => refused PARTICIPANT_UNKNOWN
        place A9 1.00 for 1d             => refused ACCOUNT_UNKNOWN
        place A1 1.00 for 1d at B        => refused ACCOUNT_UNKNOWN
        place A6 1.00 for 1d             => refused ACCOUNT_CLOSED
        place A7 1.00 for 1d             => refused ACCOUNT_BLOCKED
        place A3 1.00 for 1d             => refused ACCOUNT_KIND_NOT_ALLOWED
        place A5 50.01 for 1d            => refused INSUFFICIENT_FUNDS
        place A5 50.00 for 1d            => done
        stop A1 credit
        place A1 1.00 for 1d             => done
        stop A1 debit
        place A1 1.00 for 1d             => refused ACCOUNT_BLOCKED
        stop A1 none | restrict A1
        place A1 1.00 for 1d             => refused ACCOUNT_RESTRICTED
        unrestrict A1 | suspend A
        place A1 1.00 for 1d             => refused PARTICIPANT_SUSPENDED
        ",
    );
}

#[test]
fn hold_ends_in_the_future_and_within_400_days() {
    check_in_world(
        "
        place A1 1.00                    => refused HOLD_EXPIRY_NOT_ALLOWED
        place A1 1.00 for 400d+1ns       => refused HOLD_EXPIRY_NOT_ALLOWED
        place A1 1.00 for 400d id H2     => done
        place A1 2.00 for 1ns id H1      => done
        due                              => 1ns
        at 400d
        tick
        ended                            => H1 gave back 2.00, H2 gave back 1.00
        held A1                          => 0.00
        due                              => never
        ",
    );
}

/// Time is over whether a tick has come to it or not, and a tick tells it.
#[test]
fn hold_whose_time_is_over_holds_nothing() {
    check_in_world(
        "
        place A1 500.00 for 5s id H1
        place A1 0.01 for 9s             => refused INSUFFICIENT_FUNDS
        due                              => 5s
        at 4s+999ms
        release H1 A 100.00              => done, told 500.00 400.00 0.00 0.00
        at 5s
        capture H1 A A2 1.00             => refused HOLD_UNKNOWN
        ended                            => H1 gave back 400.00
        held A1                          => 0.00
        due                              => never
        ",
    );
}

#[test]
fn capture_pays_every_payee_at_once() {
    check_in_world(
        "
        place A1 100.00 for 7d id H1
        capture H1 A A2 10.00 B1 20.00 B2 30.00 B1 5.00  => done, told 435.00 35.00 0.00 0.00
        ended => H1 leg 0: 490.00 10.00 0.00 0.00, H1 leg 1: 470.00 20.00 980.00 1020.00, H1 leg 2: 440.00 30.00 950.00 1050.00, H1 leg 3: 435.00 25.00 945.00 1055.00
        balance A1                       => 435.00
        held A1                          => 35.00
        balance A2                       => 10.00
        balance B1                       => 25.00
        balance B2                       => 30.00
        balance A.clearing               => 55.00
        balance B.clearing               => -55.00
        balance A.position               => 945.00
        balance B.position               => 1055.00
        capture H1 A B1 30.00 final      => done, told 405.00 0.00 0.00 0.00
        held A1                          => 0.00
        hold-of H1                       => none
        available A1                     => 405.00
        ",
    );
}

/// Whatever is against one leg, no other is booked, and the hold is as it was.
#[test]
fn capture_that_can_not_be_made_whole_books_nothing() {
    for (before, legs, told) in [
        ("", "A2 1.00 B9 1.00", "ACCOUNT_UNKNOWN"),
        ("", "A2 1.00 B6 1.00", "ACCOUNT_CLOSED"),
        ("", "A2 1.00 B7 1.00", "ACCOUNT_BLOCKED"),
        ("", "A2 1.00 B3 1.00", "ACCOUNT_KIND_NOT_ALLOWED"),
        ("", "A2 1.00 A1 1.00", "PAYEE_IS_PAYER"),
        ("", "A2 50.00 B1 50.01", "ABOVE_HELD"),
        ("restrict B1", "A2 1.00 B1 1.00", "ACCOUNT_RESTRICTED"),
        ("stop B1 credit", "A2 1.00 B1 1.00", "ACCOUNT_BLOCKED"),
        ("suspend B", "A2 1.00 B1 1.00", "PARTICIPANT_SUSPENDED"),
        ("stop B credit", "A2 1.00 B1 1.00", "PARTICIPANT_SUSPENDED"),
        ("suspend A", "A2 1.00", "PARTICIPANT_SUSPENDED"),
        ("restrict A1", "A2 1.00", "ACCOUNT_RESTRICTED"),
        ("block A1", "A2 1.00", "ACCOUNT_BLOCKED"),
        ("stop A.position debit", "A2 1.00 B1 1.00", "POSITION_BLOCKED"),
        ("stop B.position credit", "A2 1.00 B1 1.00", "POSITION_BLOCKED"),
        ("defund A 970.00", "A2 1.00 B1 20.00 B2 10.01", "POSITION_INSUFFICIENT"),
        ("load B.core B1 max | pay L1 A1 B2 0.01", "A2 1.00 B2 9.00 B1 1.00", "BALANCE_LIMIT"),
    ] {
        check(&format!(
            "
            bank A hosted | bank B hosted | fund A 1000.00 | fund B 1000.00
            open A1 | open A2 | open B1 | open B2 | open B3 savings | open B6 | close B6 | open B7 | block B7
            post A1 +500.00
            place A1 100.00 for 7d id H1
            {before} => any
            capture H1 A {legs} final        => refused {told}
            ended                            => none
            held A1                          => 100.00
            balance A2                       => 0.00
            balance B2                       => {b2}
            ",
            b2 = if before.starts_with("load") { "0.01" } else { "0.00" },
        ));
    }
}

/// What is set aside for them is there; what a block stops inside one bank is nothing.
#[test]
fn capture_inside_a_bank_needs_no_position() {
    check_in_world(
        "
        place A1 100.00 for 7d id H1
        defund A 1000.00 | stop A.position both
        capture H1 A A2 60.00 A5 40.00   => done, told 400.00 0.00 0.00 0.00
        balance A5                       => 40.00
        ",
    );
}

/// A party's captures use its limit, and those of its host and it share a position.
#[test]
fn captures_move_positions_and_limits_as_payments_do() {
    check_in_world(
        "
        party P hosted 50.00 over A
        open P1 | open P2 | post P1 +500.00
        place P1 200.00 for 7d id H1
        capture H1 P B1 30.00 A2 20.01   => refused POSITION_INSUFFICIENT
        capture H1 P B1 30.00 A2 20.00   => done, told 450.00 150.00 0.00 0.00
        headroom P                       => 0.00
        balance A.position               => 970.00
        place A1 10.00 for 7d id H2
        capture H2 A P2 10.00            => done
        headroom P                       => 10.00
        capture H1 P P2 100.00           => done
        capture H1 P B1 10.01            => refused POSITION_INSUFFICIENT
        capture H1 P B1 10.00 final      => done, told 340.00 0.00 0.00 0.00
        ",
    );
}

#[test]
fn legs_tell_which_bounds_they_crossed() {
    let script = "
        bank A hosted | bank B hosted | bank C hosted | fund A 100.00 | fund B 100.00 | fund C 100.00 => any
        open A1 | open B1 | open C1 | post A1 +100.00 => any
        alert A floor 80.00 | alert B ceiling 110.00 | alert C ceiling 110.00 => any
        place A1 60.00 for 7d id H1 => any
        capture H1 A B1 15.00 C1 10.00 C1 15.00 => any";
    let ledger = ledger_after_under(crate::RULES_VERSION, script);
    let crossed = |name: &str, alert| {
        let bank = crate::testing_words::bank(name);
        ledger.crossings().iter().any(|crossing| crossing.bank == bank && crossing.alert == alert)
    };
    use crate::Alerts;
    assert!(crossed("B", Alerts::POSITION_ROSE), "with the first leg");
    assert!(crossed("A", Alerts::POSITION_FELL), "with the second");
    assert!(crossed("C", Alerts::POSITION_ROSE), "with the third");
    assert_eq!(ledger.crossings().len(), 3);
    let alerts: Vec<bool> = ledger.holds_told().iter().map(|leg| leg.alerts.is_none()).collect();
    assert_eq!(alerts, [false, false, false]);
}

#[test]
fn requests_about_holds_are_answered_once() {
    check_in_world(
        "
        place A1 100.00 for 7d id H1     => done
        place A1 100.00 for 7d id H1     => done, repeat of H1
        place A1 101.00 for 7d id H1     => refused REQUEST_ID_REUSED
        held A1                          => 100.00
        capture H1 A B1 60.00 id C1      => done
        capture H1 A B1 60.00 id C1      => done, repeat of C1
        capture H1 A B1 60.00 final id C1 => refused REQUEST_ID_REUSED
        capture H1 A B2 60.00 id C1      => refused REQUEST_ID_REUSED
        capture H1 A B1 40.00 final id C2 => done
        capture H1 A B1 40.00 final id C2 => done, repeat of C2
        capture H1 A B1 60.00 id C1      => done, repeat of C1
        capture H1 B B1 1.00             => refused HOLD_UNKNOWN
        balance B1                       => 100.00
        ",
    );
}

/// A bank speaks for the holds on its own accounts alone.
#[test]
fn another_banks_hold_is_not_there() {
    check_in_world(
        "
        place A1 100.00 for 7d id H1
        capture H1 B B1 1.00             => refused HOLD_UNKNOWN
        release H1 B                     => refused HOLD_UNKNOWN
        release H1 X                     => refused PARTICIPANT_UNKNOWN
        held A1                          => 100.00
        ",
    );
}

/// Fees and what customers allow are for payments.
#[test]
fn captures_take_no_fee_and_use_no_allowance() {
    check_in_world(
        "
        fees A 0.20 0.10 | allow A1 payment 5.00 day 9.00
        place A1 100.00 for 7d id H1
        capture H1 A B1 60.00 B2 40.00   => done
        used A1                          => 0.00
        balance A1                       => 400.00
        ",
    );
}

#[test]
fn account_has_at_most_a_thousand_holds() {
    let mut script = String::from("bank A hosted | open A1 | post A1 +500.00 => any\n");
    (0..1000).for_each(|number| script += &format!("place A1 0.01 for 7d id H{number} => done\n"));
    script += "place A1 0.01 for 7d id H1000 => refused HOLD_LIMIT\n release H7 A => done\n";
    script += "place A1 0.01 for 7d id H1001 => done";
    let ledger = ledger_after_under(crate::RULES_VERSION, &script);
    assert_eq!(ledger.hold_count(), 1000);
    let (number, account) =
        ledger.account(&key(), crate::testing_words::iban("A1").as_str(), types::Currency::EUR).unwrap();
    assert_eq!(account.held(), 1000);
    let first: Vec<_> = ledger.holds_of(number, types::Sequence(0)).take(300).collect();
    let then = ledger.holds_of(number, first[299].sequence()).count();
    assert_eq!(then, 700);
}
