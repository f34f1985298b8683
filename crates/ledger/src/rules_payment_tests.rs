//! Payments: every row of the settlement table, every reason and its precedence, limits.

use crate::testing::{check, check_in_world};

#[test]
fn hosted_to_hosted_in_one_bank_leaves_positions_untouched() {
    check_in_world(
        "
        pay T1 A1 A2 10.00     => settled, told 490.00 10.00 0.00 0.00
        balance A1             => 490.00
        balance A2             => 10.00
        balance A.core         => -500.00
        balance A.clearing     => 0.00
        balance A.position     => 1000.00
        totals                 => 1 settled, 0 rejected
        ",
    );
}

#[test]
fn hosted_to_hosted_in_another_bank_moves_both_books_and_both_positions() {
    check_in_world(
        "
        pay T1 A1 B2 10.00     => settled, told 490.00 10.00 990.00 1010.00
        balance A1             => 490.00
        balance A.clearing     => 10.00
        balance A.core         => -500.00
        balance A.position     => 990.00
        balance B.position     => 1010.00
        balance B.clearing     => -10.00
        balance B.core         => 0.00
        balance B2             => 10.00
        balance funding        => -4000.00
        pay T2 B2 A1 4.00      => settled, told 6.00 494.00 1006.00 994.00
        balance A.clearing     => 6.00
        balance B.clearing     => -6.00
        ",
    );
}

#[test]
fn remote_to_hosted_moves_the_payers_position_and_the_payees_book() {
    check_in_world(
        "
        pay T1 C1 B2 10.00     => settled, told 0.00 10.00 990.00 1010.00
        balance C.position     => 990.00
        balance C.clearing     => 0.00
        balance C.core         => 0.00
        balance B.position     => 1010.00
        balance B.clearing     => -10.00
        balance B2             => 10.00
        ",
    );
}

#[test]
fn mixed_bank_is_hosted_where_it_keeps_the_account_and_remote_where_not() {
    check_in_world(
        "
        pay T1 M1 A2 10.00     => settled, told 490.00 10.00 990.00 1010.00
        balance M.clearing     => 10.00
        pay T2 M9 A2 10.00     => settled, told 0.00 20.00 980.00 1020.00
        balance M.clearing     => 10.00
        pay T3 A1 M2 10.00     => settled, told 490.00 10.00 1010.00 990.00
        balance M.clearing     => 0.00
        pay T4 M1 M2 1.00      => settled, told 489.00 11.00 0.00 0.00
        pay T5 M9 M2 1.00      => settled, told 0.00 12.00 0.00 0.00
        balance M.core         => -501.00
        balance M.position     => 990.00
        ",
    );
}

/// Asking another bank comes with a later issue; until then the core itself says that it can't be reached.
#[test]
fn remote_payee_is_offline_and_nothing_moves() {
    check_in_world(
        "
        pay T1 A1 C1 10.00     => rejected AB08, told 0.00 0.00 0.00 0.00
        pay T2 C1 C2 10.00     => rejected AB08
        pay T3 A1 M9 10.00     => rejected AB08
        pay T4 M1 M9 10.00     => rejected AB08
        pay T5 M9 M8 10.00     => rejected AB08
        pay T6 C1 M9 10.00     => rejected AB08
        balance A1             => 500.00
        balance M1             => 500.00
        balance A.position     => 1000.00
        balance C.position     => 1000.00
        balance M.core         => -500.00
        totals                 => 0 settled, 6 rejected
        ",
    );
}

/// A sender that may not act for the payer's bank learns nothing of its payments and spoils none of its keys.
#[test]
fn rc01_sender_not_entitled() {
    check_in_world(
        "
        pay T1 A1 B2 1.00 stranger => rejected RC01
        pay T1 A1 B2 1.00          => settled
        pay T1 A1 B2 1.00 stranger => rejected RC01
        pay T1 A1 B2 2.00 stranger => rejected RC01
        pay T1 A1 B2 1.00          => settled, repeat of T1
        pay T2 X1 B2 1.00 stranger => rejected RC01
        ",
    );
}

#[test]
fn dnor_payers_bank_unknown() {
    check_in_world("pay T1 X1 B2 1.00 => rejected DNOR \n refuse T2 X FF01 => rejected DNOR");
}

#[test]
fn cnor_payees_bank_unknown() {
    check_in_world("pay T1 A1 X1 1.00 => rejected CNOR");
}

#[test]
fn ag10_and_ag11_a_bank_is_suspended() {
    check_in_world(
        "
        suspend A
        pay T1 A1 B2 1.00      => rejected AG10
        pay T2 B1 A2 1.00      => rejected AG11
        pay T3 A1 A2 1.00      => rejected AG10
        resume A
        pay T4 A1 B2 1.00      => settled
        ",
    );
}

#[test]
fn ab05_from_the_deadline_on_and_not_before() {
    check_in_world(
        "
        at 1s
        pay T1 A1 B2 1.00 accepted -6s+999ms     => settled
        pay T2 A1 B2 1.00 accepted -6s+999ms+999999ns => settled
        pay T3 A1 B2 1.00 accepted -7s           => rejected AB05
        pay T4 A1 B2 1.00 accepted -8s           => rejected AB05
        ",
    );
}

#[test]
fn dt01_more_than_a_second_ahead() {
    check_in_world(
        "
        pay T1 A1 B2 1.00 accepted +1s           => settled
        pay T2 A1 B2 1.00 accepted +1s+1ns       => rejected DT01
        ",
    );
}

#[test]
fn ac01_and_ac02_an_account_does_not_exist() {
    check_in_world(
        "
        pay T1 A1 B9 1.00              => rejected AC01
        pay T2 A9 B2 1.00              => rejected AC02
        # An account of another bank than the one named is as good as none.
        pay T3 A1 B2 1.00 to A         => rejected AC01
        pay T4 A1 B2 1.00 from B       => rejected AC02
        ",
    );
}

#[test]
fn ac04_and_ac06_an_account_is_closed_or_blocked_on_either_side() {
    check_in_world(
        "
        pay T1 A6 B2 1.00      => rejected AC04
        pay T2 A1 B6 1.00      => rejected AC04
        pay T3 A7 B2 1.00      => rejected AC06
        pay T4 A1 B7 1.00      => rejected AC06
        pay T5 C1 B7 1.00      => rejected AC06
        unblock B7
        pay T6 A1 B7 1.00      => settled
        ",
    );
}

#[test]
fn ag01_savings_accounts_and_the_same_account_on_both_sides() {
    check_in_world(
        "
        pay T1 A3 B2 1.00      => rejected AG01
        pay T2 A1 B3 1.00      => rejected AG01
        pay T3 A1 A1 1.00      => rejected AG01
        pay T4 C1 C1 1.00      => rejected AG01
        ",
    );
}

#[test]
fn am03_another_currency_or_one_that_does_not_settle_here() {
    check_in_world(
        "
        pay T1 A1 B4 1.00      => rejected AM03
        pay T2 A4 B2 1.00      => rejected AM03
        pay T3 A1 B2 1.00 USD  => rejected AM03
        # Both keep dollars, but no position in them.
        post A4 +9.00 USD
        pay T4 A4 B4 1.00 USD  => rejected AM03
        # The payer's bank has no book in dollars at all.
        pay T5 C1 B4 1.00 USD  => rejected AM03
        # Nor does the scheme know dollars inside one bank.
        open A8 USD
        pay T6 A4 A8 1.00 USD  => rejected AM03
        balance A4/USD         => 9.00
        # An account number may be used in two currencies; the payment's decides.
        open A1 USD
        pay T7 A1 B2 1.00      => settled
        pay T8 A1 A8 1.00 USD  => rejected AM03
        ",
    );
}

/// Which of several accounts with this number decides must not depend on how a table has grown.
#[test]
fn of_accounts_in_other_currencies_the_oldest_decides() {
    check_in_world(
        "
        open A10 USD | open A10 GBP | close A10 GBP
        pay T1 A1 A10 1.00     => rejected AM03
        open A11 USD | open A11 GBP | close A11 USD
        pay T2 A1 A11 1.00     => rejected AC04
        ",
    );
}

/// A large frame lets the index of accounts grow when 812 of them are in it. Accounts opened at its start land in
/// the new table while those that were opened long before still stand in the old one.
#[test]
fn growth_of_the_index_does_not_reach_a_decision() {
    let frame = |first: &str, chunk: usize| {
        let fill: String = (0..27).map(|number| format!("open A{}\n", 1000 + chunk * 27 + number)).collect();
        format!("frame {{\n{first}\n{fill}}}\n")
    };
    let each =
        |line: &str| -> String { (10..16).map(|number| line.replace('_', &format!("{number}"))).collect() };
    let mut script = "bank A hosted | open A1\n".to_owned() + &each("open A_ USD\n");
    script.extend((0..30).map(|chunk| frame("", chunk)));
    script += &frame(&each("open A_ GBP\n"), 30);
    script += &each("close A_ GBP\n pay T_ A1 A_ 1.00 => rejected AM03\n");
    check(&script);
}

#[test]
fn am04_down_to_the_floor_and_no_further() {
    check_in_world(
        "
        pay T1 A2 B2 0.01      => rejected AM04
        pay T2 A1 A2 500.01    => rejected AM04
        pay T3 A1 A2 500.00    => settled
        pay T4 A1 A2 0.01      => rejected AM04
        pay T5 A5 A2 50.01     => rejected AM04
        pay T6 A5 A2 50.00     => settled
        balance A5             => -50.00
        pay T7 A5 A2 0.01      => rejected AM04
        floor A2 549.00        => done
        pay T8 A2 B2 1.01      => rejected AM04
        pay T9 A2 B2 1.00      => settled
        ",
    );
}

#[test]
fn am23_a_position_never_goes_below_zero() {
    check_in_world(
        "
        pay T1 C1 B2 1000.01   => rejected AM23
        pay T2 C1 B2 1000.00   => settled
        pay T3 C1 B2 0.01      => rejected AM23
        defund A 1000.00       => balance 0.00
        pay T4 A1 B2 0.01      => rejected AM23
        pay T5 A1 A2 0.01      => settled
        balance C.position     => 0.00
        ",
    );
}

/// A position can't be full while another one holds money: together they are what the funding account owes.
#[test]
fn am02_no_sum_leaves_the_range() {
    check_in_world(
        "
        load B.core B2 max-0.01
        pay T1 A1 B2 0.02      => rejected AM02
        pay T2 A1 B2 0.01      => settled
        pay T3 A1 B2 0.01      => rejected AM02
        pay T4 B1 B2 0.01      => rejected AM04
        ",
    );
    // The payer's mirror is full.
    check_in_world(
        "
        bank D hosted | fund D 10.00 | open D1 floor -10.00
        load D.core D.clearing max
        pay T1 D1 A1 0.01      => rejected AM02
        ",
    );
    // The payee's mirror can't go lower.
    check_in_world("load B.clearing B.core max \n pay T1 A1 B2 0.01 => rejected AM02");
    // Nor can the core account that stands for a mixed bank's own accounts.
    check_in_world("load M.core M.clearing max-500.00 \n pay T1 M9 M2 0.01 => rejected AM02");
}

#[test]
fn largest_amount_settles() {
    check_in_world(
        "
        load A.core A2 999999999.99 | load funding A.position 999999999.99
        pay T1 A2 B2 999999999.99 => settled, told 0.00 999999999.99 1000.00 1000000999.99
        ",
    );
}

/// Each pair of neighbours in the list of reasons: a payment that breaks both rules is told the earlier.
///
/// Two pairs can't be: a bank without registration has no earlier payment (DNOR, AM05), and nothing is late and
/// in the future at once (AB05, DT01).
#[test]
fn precedence_of_neighbours() {
    for (setup, payment) in [
        ("", "pay T1 X1 Y1 1.00 stranger      => rejected RC01"), // and DNOR
        ("", "pay T1 X1 Y1 1.00               => rejected DNOR"), // and CNOR
        ("", "refuse T1 X FF01                => rejected DNOR"),
        ("pay T1 A1 B2 1.00", "refuse T1 A FF01               => rejected AM05"),
        ("pay T1 A1 B2 1.00", "pay T1 A1 X1 1.00              => rejected AM05"), // and CNOR
        ("", "refuse T1 A FF01 to X           => rejected FF01"),                 // and CNOR
        ("suspend A", "refuse T1 A FF01       => rejected FF01"),                 // and AG10
        ("suspend A", "pay T1 A1 X1 1.00      => rejected CNOR"),                 // and AG10
        ("suspend A | suspend B", "pay T1 A1 B2 1.00 => rejected AG10"),          // and AG11
        ("suspend B", "pay T1 A1 B2 1.00 accepted -8s => rejected AG11"),         // and AB05
        ("suspend B", "pay T1 A1 B2 1.00 accepted +2s => rejected AG11"),         // and DT01
        ("", "pay T1 A1 B9 1.00 accepted -8s  => rejected AB05"),                 // and AC01
        ("", "pay T1 A1 B9 1.00 accepted +2s  => rejected DT01"),                 // and AC01
        ("", "pay T1 A9 B9 1.00               => rejected AC01"),                 // and AC02
        ("", "pay T1 A6 B9 1.00               => rejected AC01"),                 // and AC04
        ("", "pay T1 A9 B6 1.00               => rejected AC02"),                 // and AC04
        ("", "pay T1 A6 B7 1.00               => rejected AC04"),                 // and AC06
        ("", "pay T1 A7 B6 1.00               => rejected AC04"),                 // and AC06
        ("", "pay T1 A7 B3 1.00               => rejected AC06"),                 // and AG01
        ("", "pay T1 A3 B7 1.00               => rejected AC06"),                 // and AG01
        ("", "pay T1 A7 A7 1.00               => rejected AC06"),                 // and AG01
        ("", "pay T1 A3 B4 1.00               => rejected AG01"),                 // and AM03
        ("", "pay T1 A4 A4 1.00               => rejected AG01"),                 // and AM03
        ("", "pay T1 A2 B4 1.00               => rejected AM03"),                 // and AM04
        ("defund A 1000.00", "pay T1 A2 B2 1.00 => rejected AM04"),               // and AM23
        ("defund A 1000.00 | load B.core B2 max", "pay T1 A1 B2 1.00 => rejected AM23"), // and AM02
        ("load B.core B2 max", "pay T1 A2 B2 1.00 => rejected AM04"),             // and AM02
        (
            "load A.core A.clearing max-500.00 | load A1 A.clearing 500.00",
            "pay T1 A5 C1 1.00 => rejected AM02",
        ), // and AB08
        ("", "pay T1 A2 C1 1.00               => rejected AM04"),                 // and AB08
        ("", "pay T1 M2 M9 1.00               => rejected AM04"),                 // and AB08, inside one bank
        ("", "pay T1 C1 M9 1000.01            => rejected AM23"),                 // and AB08
    ] {
        check_in_world(&format!("{setup}\n{payment}"));
    }
}
