//! Which bank hears what of a payment: `heard` says it of the payer's bank and, behind the line, of the payee's.

use crate::testing::check_in_world;

#[test]
fn refused_before_forwarding_only_the_originator_hears() {
    check_in_world(
        "
        pay T1 A1 C1 10.00          => rejected AB08
        heard T1                    => rejected AB08 | nothing
        online C
        pay T2 A1 C1 600.00         => rejected AM04
        heard T2                    => rejected AM04 | nothing
        pay T3 A1 B9 10.00          => rejected AC01
        heard T3                    => rejected AC01 | nothing
        refuse T4 A FF01            => rejected FF01
        heard T4                    => rejected FF01 | nothing
        ",
    );
}

#[test]
fn while_it_waits_the_payees_bank_hears_nothing_but_the_question() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 10.00          => reserved
        heard T1                    => reserved | nothing
        answer T1 C yes             => applied settled
        ",
    );
}

#[test]
fn rejected_by_the_payees_bank_its_code_goes_back_and_nothing_to_it() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 10.00          => reserved
        answer T1 C no XYZ9         => applied rejected XYZ9
        heard T1                    => rejected XYZ9 | nothing
        ",
    );
}

#[test]
fn rejected_by_the_payers_bank_the_payees_was_never_asked() {
    check_in_world(
        "
        online A | online C
        decide A debits all
        pay T1 A1 C1 10.00          => reserved
        answer T1 A no FRAD debit   => applied rejected FRAD
        heard T1                    => rejected FRAD | nothing
        ",
    );
}

#[test]
fn rejected_after_the_payees_bank_accepted_both_hear() {
    check_in_world(
        "
        online B
        decide B credits all
        pay T1 A1 B2 10.00          => reserved
        close B2
        answer T1 B yes             => applied rejected AC04
        heard T1                    => rejected AC04 | rejected AC04
        ",
    );
}

#[test]
fn settled_both_hear_however_it_came_to_that() {
    check_in_world(
        "
        online B | online C
        pay T1 A1 B2 10.00          => settled
        heard T1                    => settled | settled
        pay T2 A1 C1 10.00          => reserved
        answer T2 C yes             => applied settled
        heard T2                    => settled | settled
        decide B credits all accept
        pay T3 A1 B2 10.00          => reserved
        at 5s
        tick
        heard T3                    => settled | settled
        ",
    );
}

#[test]
fn expired_after_forwarding_both_hear_each_in_its_own_code() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 10.00          => reserved
        at 7s
        tick
        heard T1                    => expired AB05 | expired TM01
        answer T1 C yes             => late expired TM01
        heard T1                    => expired AB05 | expired TM01
        ",
    );
}

#[test]
fn expired_before_forwarding_only_the_originator_hears() {
    check_in_world(
        "
        online A | online C
        decide A debits all
        pay T1 A1 C1 10.00          => reserved
        at 7s
        tick
        heard T1                    => expired AB11 | nothing
        ",
    );
}
