//! Recalls and returns. Scripts start on a Monday, 2026-01-05, at 10:00; banks and accounts are those of every script.

use crate::testing::{check_in_world, ledger_after};

/// A payment of 100.00 between two hosted banks, and one to the remote bank C.
const PAID: &str = "
    closing 2026 | closing 2027
    pay T1 A1 B1 100.00    => settled
";

fn check(script: &str) {
    check_in_world(&format!("{PAID}\n{script}"));
}

#[test]
fn return_settles_at_once_in_the_opposite_direction() {
    check(
        "
        balance A1             => 400.00
        balance B.position     => 1100.00
        recall T1 A1 B1 100.00 DUPL id R1  => done
        recalled T1            => open to 2026-01-26
        recalls B              => R1
        return R1 T1 B 100.00  => done, told 0.00 500.00 1000.00 1000.00
        recalled T1            => returned 100.00 fee 0.00
        recalls B              => none
        balance A1             => 500.00
        balance B1             => 0.00
        balance A.clearing     => 0.00
        balance B.clearing     => 0.00
        ",
    );
}

/// The balance that is told is that after both entries.
#[test]
fn fee_is_a_posting_of_its_own_and_both_are_at_most_what_was_paid() {
    check(
        "
        recall T1 A1 B1 100.00 FRAD id R1
        return R1 T1 B 95.00 fee 5.01  => refused ABOVE_ORIGINAL
        return R1 T1 B 100.01          => refused ABOVE_ORIGINAL
        return R1 T1 B 95.00 fee 4.00  => done, told 1.00 495.00 1005.00 995.00
        recalled T1                    => returned 95.00 fee 4.00
        balance B.core                 => 4.00
        balance B1                     => 1.00
        ",
    );
}

#[test]
fn payment_is_recalled_once_and_returned_once() {
    check(
        "
        recall T1 A1 B1 100.00 DUPL id R1  => done
        recall T1 A1 B1 100.00 DUPL id R1  => done, repeat of R1
        recall T1 A1 B1 100.00 TECH id R1  => refused REQUEST_ID_REUSED
        recall T1 A1 B1 100.00 TECH        => refused RECALL_EXISTS
        return R1 T1 B 60.00 id back       => done
        return R1 T1 B 60.00 id back       => done, repeat of back
        return R1 T1 B 40.00               => refused RECALL_ANSWERED
        keep R1 T1 B CUST                  => refused RECALL_ANSWERED
        recall T1 A1 B1 100.00 TECH        => refused RECALL_EXISTS
        balance A1                         => 460.00
        ",
    );
}

#[test]
fn refused_request_leaves_the_payment_as_it_was() {
    check(
        "
        pay T2 A1 B7 1.00                          => rejected AC06
        recall T2 A1 B7 1.00 DUPL                  => refused ORIGINAL_NOT_SETTLED
        recall T1 A1 B1 100.00 DUPL life 8         => refused ORIGINAL_DIFFERS
        recall T1 A1 B1 100.00 DUPL from B         => refused ORIGINAL_DIFFERS
        recall T1 A1 B9 100.00 DUPL                => refused ORIGINAL_DIFFERS
        recall T1 A1 X1 100.00 DUPL                => refused PARTICIPANT_UNKNOWN
        recall T9 A1 B1 100.00 DUPL                => refused ORIGINAL_DIFFERS
        recalled T1                                => no
        at 20d
        recall T1 A1 B1 100.00 DUPL                => refused RECALL_WINDOW_OVER
        recall T1 A1 B1 100.00 FRAD                => done
        ",
    );
}

#[test]
fn windows_end_after_ten_banking_days_or_thirteen_months() {
    for (day, reason, told) in [
        // Ten banking days after Monday, 5 January: Monday, 19 January.
        (14, "DUPL", "done"),
        (14, "TECH", "done"),
        (15, "DUPL", "refused RECALL_WINDOW_OVER"),
        (15, "TECH", "refused RECALL_WINDOW_OVER"),
        // Thirteen months: 5 February 2027.
        (396, "FRAD", "done"),
        (396, "AC03", "done"),
        (396, "AM09", "done"),
        (396, "CUST", "done"),
        (397, "FRAD", "refused RECALL_WINDOW_OVER"),
        (397, "CUST", "refused RECALL_WINDOW_OVER"),
    ] {
        check(&format!("at {day}d \n recall T1 A1 B1 100.00 {reason} => {told}"));
    }
}

#[test]
fn window_needs_a_calendar() {
    check_in_world(
        "
        pay T1 A1 B1 100.00
        recall T1 A1 B1 100.00 FRAD id R1  => refused CALENDAR_UNKNOWN
        closing 2026
        recall T1 A1 B1 100.00 FRAD        => done
        at 351d                             # 15 banking days reach into the year after
        pay T2 A1 B1 1.00
        recall T2 A1 B1 1.00 FRAD          => refused CALENDAR_UNKNOWN
        ",
    );
}

#[test]
fn only_the_payees_bank_answers() {
    check(
        "
        pay T2 A1 B1 1.00
        recall T1 A1 B1 100.00 DUPL id R1
        return R1 T1 A 100.00  => refused RECALL_OF_ANOTHER_BANK
        keep R1 T1 C CUST      => refused RECALL_OF_ANOTHER_BANK
        keep R1 T1 X CUST      => refused PARTICIPANT_UNKNOWN
        keep T5 T1 B CUST      => refused RECALL_UNKNOWN
        keep R1 T2 B CUST wrong  => refused ORIGINAL_DIFFERS
        return R1 T1 B 100.00  => done
        ",
    );
}

#[test]
fn payer_asks_and_the_hosted_payee_has_to_agree() {
    for reason in ["AC03", "AM09", "CUST"] {
        check(&format!(
            "
            recall T1 A1 B1 100.00 {reason} id R1
            return R1 T1 B 100.00          => refused CONSENT_MISSING
            return R1 T1 B 100.00 consent  => done
            "
        ));
    }
}

#[test]
fn a_bank_says_of_an_account_here_only_what_is_so() {
    check(
        "
        recall T1 A1 B1 100.00 FRAD id R1
        keep R1 T1 B AM04      => refused ANSWER_NOT_TRUE
        keep R1 T1 B AC04      => refused ANSWER_NOT_TRUE
        keep R1 T1 B ARDT      => refused ANSWER_NOT_TRUE
        keep R1 T1 B NOOR      => refused ANSWER_NOT_TRUE
        post B1 -0.01
        return R1 T1 B 100.00  => refused INSUFFICIENT_FUNDS
        return R1 T1 B 99.00 fee 1.00  => refused INSUFFICIENT_FUNDS
        block B1
        return R1 T1 B 99.00   => refused ACCOUNT_BLOCKED
        keep R1 T1 B AM04      => done
        recalled T1            => refused AM04
        return R1 T1 B 99.00   => refused RECALL_ANSWERED
        ",
    );
    check(
        "
        recall T1 A1 B1 100.00 FRAD id R1
        post B1 -100.00 | close B1
        return R1 T1 B 1.00    => refused ACCOUNT_CLOSED
        keep R1 T1 B AC04      => done
        ",
    );
    for code in ["CUST", "LEGL", "NOAS"] {
        check(&format!(
            "recall T1 A1 B1 100.00 FRAD id R1 \n keep R1 T1 B {code} \n recalled T1 => refused {code}"
        ));
    }
}

#[test]
fn position_of_the_payees_bank_has_to_cover_the_return() {
    check(
        "
        recall T1 A1 B1 100.00 DUPL id R1
        defund B 1000.01
        return R1 T1 B 100.00  => refused INSUFFICIENT_FUNDS
        fund B 0.01
        return R1 T1 B 100.00  => done, told 0.00 500.00 0.00 1000.00
        ",
    );
}

#[test]
fn banks_that_are_suspended_neither_return_nor_are_returned_to() {
    check(
        "
        recall T1 A1 B1 100.00 DUPL id R1
        suspend A
        return R1 T1 B 100.00  => refused PARTICIPANT_SUSPENDED
        resume A | suspend B
        return R1 T1 B 100.00  => refused PARTICIPANT_SUSPENDED
        keep R1 T1 B LEGL      => done
        ",
    );
}

/// What leaves on a return leaves the payee's bank, and what is blocked there, or for credits on the other side, stops it.
#[test]
fn blocks_hold_for_returns() {
    for (blocked, refusal) in [
        ("B debit", "PARTICIPANT_SUSPENDED"),
        ("A credit", "PARTICIPANT_SUSPENDED"),
        ("B.position debit", "POSITION_BLOCKED"),
        ("A.position credit", "POSITION_BLOCKED"),
        ("B1 debit", "ACCOUNT_BLOCKED"),
    ] {
        let (target, _) = blocked.split_once(' ').unwrap();
        check(&format!(
            "
            recall T1 A1 B1 100.00 DUPL id R1
            stop {blocked}
            return R1 T1 B 100.00  => refused {refusal}
            stop {target} none
            return R1 T1 B 100.00  => done
            "
        ));
    }
    for other_way in ["B credit", "A debit", "B.position credit", "A.position debit", "B1 credit"] {
        check(&format!(
            "recall T1 A1 B1 100.00 DUPL id R1 | stop {other_way} \n return R1 T1 B 100.00 => done"
        ));
    }
}

#[test]
fn limits_hold_for_returns_and_crossings_are_told() {
    check(
        "
        party P hosted 0.00 over A
        open P1
        pay T2 B1 P1 50.00     => settled
        headroom P             => 50.00
        recall T2 B1 P1 50.00 DUPL id R2
        pay T3 P1 B1 0.01      => settled
        return R2 T2 P 50.00   => refused INSUFFICIENT_FUNDS
        post P1 +10.00                                     # its customer has the money, its limit does not
        return R2 T2 P 50.00   => refused INSUFFICIENT_FUNDS
        stop P.limit debit
        return R2 T2 P 40.00   => refused POSITION_BLOCKED
        stop P.limit none
        suspend A
        return R2 T2 P 40.00   => refused PARTICIPANT_SUSPENDED
        resume A
        alert P floor 10.00 | alert B ceiling 1080.00
        return R2 T2 P 40.00   => done, position rose, headroom fell
        headroom P             => 9.99
        ",
    );
}

#[test]
fn payers_bank_gets_the_money_where_the_payers_account_takes_none() {
    for end in ["block A1", "post A1 -400.00 | close A1"] {
        check(&format!(
            "
            recall T1 A1 B1 100.00 DUPL id R1
            return R1 T1 B 100.00 elsewhere  => refused ANSWER_NOT_TRUE
            {end}
            return R1 T1 B 100.00            => refused ANSWER_NOT_TRUE
            return R1 T1 B 100.00 elsewhere id back => done
            return R1 T1 B 100.00 id back    => done, repeat of back
            balance A.position               => 1000.00
            balance A.clearing               => 0.00
            recalled T1                      => returned 100.00 fee 0.00, elsewhere
            "
        ));
    }
}

/// What is told of a return is what was so when the money came back.
#[test]
fn a_return_went_where_it_went_whatever_became_of_the_account() {
    check(
        "
        recall T1 A1 B1 100.00 DUPL id R1
        block A1
        return R1 T1 B 100.00 elsewhere  => done
        unblock A1
        recalled T1                      => returned 100.00 fee 0.00, elsewhere
        pay T2 A1 B1 5.00                => settled
        recall T2 A1 B1 5.00 DUPL id R2
        return R2 T2 B 5.00              => done
        block A1
        recalled T2                      => returned 5.00 fee 0.00
        ",
    );
}

#[test]
fn refusal_returns_nothing_anywhere() {
    for end in ["", "block A1"] {
        check(&format!(
            "
            recall T1 A1 B1 100.00 DUPL id R1
            {end}
            keep R1 T1 B LEGL elsewhere => done
            recalled T1                 => refused LEGL
            "
        ));
    }
}

#[test]
fn remote_banks_return_between_positions() {
    check(
        "
        online C
        pay T2 A1 C1 50.00     => reserved
        answer T2 C yes        => any
        recall T2 A1 C1 50.00 CUST id R2
        keep R2 T2 C NOOR id no  => done
        pay T3 C1 A1 7.00      => settled
        recall T3 C1 A1 7.00 DUPL id R3
        return R3 T3 A 6.00 fee 1.00 => done, told 350.00 0.00 851.00 1049.00
        recalled T2            => refused NOOR
        pay T4 A1 C1 50.00     => reserved
        answer T4 C yes        => any
        recall T4 A1 C1 50.00 CUST id R4
        return R4 T4 C 40.00 fee 10.00 => done, told 0.00 340.00 1059.00 841.00
        ",
    );
}

#[test]
fn inside_a_bank_no_position_moves() {
    check(
        "
        pay T2 A1 A2 50.00     => settled
        recall T2 A1 A2 50.00 TECH id R2
        return R2 T2 A 49.00 fee 1.00  => done, told 0.00 399.00 0.00 0.00
        balance A2             => 0.00
        balance A.core         => -499.00
        ",
    );
}

#[test]
fn silence_ends_at_the_end_of_the_time_for_hosted_payees_and_banks_that_want_it() {
    check(
        "
        online C
        pay T2 A1 C1 50.00     => reserved
        answer T2 C yes        => any
        recall T1 A1 B1 100.00 FRAD id R1 | recall T2 A1 C1 50.00 FRAD id R2
        recalled T2            => open to 2026-01-26
        at 21d                  # the last day
        tick
        ending                 => none
        over R1 T1 B NOAS      => refused NOT_DUE
        at 22d
        tick
        ending                 => R1 NOAS
        over R2 T2 C NOAS      => refused NOT_DUE
        over R1 T1 B AC04      => refused ANSWER_NOT_TRUE
        over R1 T1 B NOAS      => done
        over R1 T1 B NOAS      => refused RECALL_ANSWERED
        recalled T1            => over NOAS, late
        silence C answered
        ending                 => R2 NOAS
        silence C own
        ending                 => none
        silence C answered | silence C answered
        over R2 T2 C NOAS      => done
        # It may still give the money back.
        keep R2 T2 C CUST      => refused RECALL_ANSWERED
        at 100d
        return R2 T2 C 50.00   => done
        recalled T2            => returned 50.00 fee 0.00, late
        return R1 T1 B 100.00  => done
        return R1 T1 B 100.00  => refused RECALL_ANSWERED
        ",
    );
}

#[test]
fn account_that_was_closed_meanwhile_is_said_at_the_end() {
    check(
        "
        recall T1 A1 B1 100.00 FRAD id R1
        post B1 -100.00 | close B1
        at 22d
        tick
        ending                 => R1 AC04
        over R1 T1 B NOAS      => refused ANSWER_NOT_TRUE
        over R1 T1 B AC04      => done
        ",
    );
}

/// 430 days after it was requested nobody may recall the payment any more, nor does anybody wait for an answer.
#[test]
fn recalls_are_forgotten_after_the_last_day_on_which_they_matter() {
    check(
        "
        recall T1 A1 B1 100.00 DUPL id R1
        at 430d
        tick
        recalled T1            => open to 2026-01-26
        at 430d+1ns
        tick
        recalled T1            => no
        recalls B              => none
        keep R1 T1 B CUST      => refused RECALL_UNKNOWN
        recall T1 A1 B1 100.00 FRAD  => refused RECALL_WINDOW_OVER
        ",
    );
}

#[test]
fn recalls_are_counted() {
    let ledger = ledger_after(
        "bank A hosted | open A1 | open A2 | post A1 +5.00 | closing 2026
         pay T1 A1 A2 1.00 | pay T2 A1 A2 1.00
         recall T1 A1 A2 1.00 DUPL | recall T2 A1 A2 1.00 DUPL id R2
         keep R2 T2 A CUST",
    );
    assert_eq!((ledger.recalls().count(), ledger.open_recall_count()), (2, 1));
}
