//! Payments that wait for a bank: answers of every kind, silence, and what happens in between.
//!
//! The table of cases: in time and late; double, contrary, other banks'; two decisions; money that is set aside;
//! limits and connections; what changes between reservation and answer.

use crate::testing::check_in_world;

#[test]
fn accepted_payment_settles_in_both_books_and_positions() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 10.00      => reserved, told 500.00 0.00 1000.00 0.00
        asked                   => T1 credit C
        reserved A1             => 10.00
        reserved A.position     => 10.00
        balance A1              => 500.00
        available A1            => 490.00
        balance C.position      => 1000.00
        totals                  => 0 settled, 0 rejected, 0 expired, 1 reserved
        answer T1 C yes         => applied settled, told 490.00 0.00 990.00 1010.00
        payment A T1            => settled
        reserved A1             => 0.00
        reserved A.position     => 0.00
        balance A.clearing      => 10.00
        questions C                  => nothing
        due                     => never
        totals                  => 1 settled, 0 rejected
        ",
    );
}

#[test]
fn rejection_gives_back_exactly_and_passes_the_code_on() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 10.00      => reserved
        pay T2 A1 C1 0.01       => reserved
        answer T1 C no XYZ9     => applied rejected XYZ9, told 500.00 0.00 1000.00 0.00
        payment A T1            => rejected XYZ9
        reserved A1             => 0.01
        reserved A.position     => 0.01
        answer T2 C no AC04     => applied rejected AC04
        reserved A1             => 0.00
        reserved A.position     => 0.00
        balance A1              => 500.00
        balance A.position      => 1000.00
        ",
    );
}

#[test]
fn answer_one_nanosecond_before_the_deadline_counts() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 10.00      => reserved
        due                     => 7s
        at 6s+999ms+999999ns
        answer T1 C yes         => applied settled
        ",
    );
}

#[test]
fn answer_at_the_deadline_is_late() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 10.00      => reserved
        at 7s
        answer T1 C yes         => late expired TM01
        decided                 => T1 expired AB05
        payment A T1            => expired AB05
        balance C.position      => 1000.00
        answers                 => 1 late
        ",
    );
}

#[test]
fn late_answers_are_told_the_truth() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 10.00      => reserved
        at 60s
        tick
        decided                 => T1 expired AB05
        answer T1 C yes         => late expired TM01
        answer T1 C no AC04     => late expired TM01
        answer T1 C yes         => late expired TM01
        answers                 => 3 late
        totals                  => 0 settled, 0 rejected, 1 expired, 0 reserved
        ",
    );
}

#[test]
fn doubled_and_contrary_answers_change_nothing() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 10.00      => reserved
        pay T2 A1 C1 20.00      => reserved
        answer T1 C yes         => applied settled
        answer T1 C yes         => double settled
        answer T1 C no AC04     => contrary settled
        answer T2 C no AC04     => applied rejected AC04
        answer T2 C no AC04     => double rejected AC04
        answer T2 C no AC06     => contrary rejected AC04
        answer T2 C yes         => contrary rejected AC04
        balance A1              => 490.00
        at 9s
        answer T1 C yes         => double settled
        answers                 => 2 applied, 3 double, 3 contrary
        ",
    );
}

#[test]
fn answers_of_other_banks_change_nothing_and_are_told_nothing() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 10.00      => reserved
        answer T1 B yes         => not asked
        answer T1 A yes         => not asked
        answer T1 M no AC04     => not asked
        answer T1 X yes         => not asked
        # The payer's bank was not asked for its decision.
        answer T1 A yes debit   => not asked
        answer T1 C yes debit   => not asked
        payment A T1            => reserved
        answer T1 C yes         => applied settled
        answer T1 B yes         => not asked
        # Nobody was asked about this one.
        pay T2 A1 B2 10.00      => settled
        answer T2 B no AC04     => not asked
        answers                 => 1 applied, 8 not asked
        ",
    );
}

#[test]
fn answers_to_payments_that_are_none_are_unknown() {
    check_in_world(
        "
        online C
        answer 0 C yes          => unknown AG09
        answer 9 C yes          => unknown AG09
        post A1 +1.00 id P1
        answer P1 C yes         => unknown AG09
        answers                 => 3 unknown
        ",
    );
}

#[test]
fn reservations_expire_in_the_order_of_deadline_and_position() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 1.00                   => reserved
        pay T2 A1 C1 1.00 accepted -2s      => reserved
        pay T3 A1 C1 1.00 accepted +1s      => reserved
        pay T4 A1 C1 1.00                   => reserved
        pay T5 A1 C1 1.00 accepted -2s      => reserved
        questions C                              => T1, T2, T3, T4, T5
        due                                 => 5s
        at 4s+999ms
        tick
        decided                             => nothing
        at 60s
        tick
        decided                             => T2 expired AB05, T5 expired AB05, T1 expired AB05, T4 expired AB05, T3 expired AB05
        due                                 => never
        ",
    );
}

#[test]
fn answer_in_the_frame_of_its_payment_counts() {
    check_in_world(
        "
        online C
        frame {
        pay T1 A1 C1 10.00      => reserved
        pay T2 A1 C1 10.00      => reserved
        }
        frame {
        answer T1 C yes         => applied settled
        answer T1 C no AC04     => contrary settled
        answer T2 C no AC04     => applied rejected AC04
        }
        ",
    );
}

#[test]
fn retries_are_told_reserved_and_then_the_final_answer() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 10.00      => reserved
        pay T1 A1 C1 10.00      => reserved, repeat of T1
        pay T1 A1 C1 11.00      => rejected AM05
        pay T1 A1 C1 10.00 refused FF01 => reserved, repeat of T1
        reserved A1             => 10.00
        answer T1 C yes         => applied settled
        pay T1 A1 C1 10.00      => settled, repeat of T1
        pay T2 A1 C1 10.00      => reserved
        at 7s
        pay T2 A1 C1 10.00      => expired AB05, repeat of T2
        decided                 => T2 expired AB05
        ",
    );
}

#[test]
fn reserved_funds_are_not_spendable() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 490.00     => reserved
        pay T2 A1 B2 10.01      => rejected AM04
        pay T3 A1 C1 10.01      => rejected AM04
        post A1 -10.01          => refused INSUFFICIENT_FUNDS
        floor A1 10.01          => refused FLOOR_ABOVE_AVAILABLE
        post A1 -10.00          => balance 490.00
        close A1                => refused ACCOUNT_NOT_EMPTY
        # The position is reserved as well, beside what is left of it.
        defund A 510.01         => refused INSUFFICIENT_FUNDS
        defund A 510.00         => balance 490.00
        answer T1 C yes         => applied settled
        balance A1              => 0.00
        balance A.position      => 0.00
        ",
    );
}

#[test]
fn a_position_that_does_not_suffice_reserves_nothing() {
    check_in_world(
        "
        online C
        defund A 995.00         => balance 5.00
        pay T1 A1 C1 5.01       => rejected AM23
        reserved A1             => 0.00
        pay T2 A1 C1 5.00       => reserved
        pay T3 A1 B2 0.01       => rejected AM23
        pay T4 A1 A2 1.00       => settled
        answer T2 C no MS03     => applied rejected MS03
        ",
    );
}

#[test]
fn remote_payers_and_payees_of_every_kind() {
    check_in_world(
        "
        online C | online M
        # Remote payer, other bank: only its position.
        pay T1 C1 M9 10.00      => reserved, told 0.00 0.00 1000.00 0.00
        reserved C.position     => 10.00
        answer T1 M yes         => applied settled, told 0.00 0.00 990.00 1010.00
        # Hosted payer of a mixed bank to an account in that bank's own core: only the customer's funds.
        pay T2 M1 M9 10.00      => reserved
        reserved M1             => 10.00
        reserved M.position     => 0.00
        answer T2 M yes         => applied settled, told 490.00 0.00 0.00 0.00
        # Both in one bank's own core: nothing is set aside, and the bank books it itself.
        pay T3 C1 C2 10.00      => reserved, told 0.00 0.00 0.00 0.00
        answer T3 C yes         => applied settled, told 0.00 0.00 0.00 0.00
        # A payee that lives here is not asked about.
        pay T4 C1 M1 10.00      => settled
        ",
    );
}

#[test]
fn ab08_without_a_connection() {
    check_in_world(
        "
        pay T1 A1 C1 10.00      => rejected AB08
        online C
        pay T1 A1 C1 10.00      => rejected AB08, repeat of T1
        pay T2 A1 C1 10.00      => reserved
        offline C
        pay T3 A1 C1 10.00      => rejected AB08
        # Funds come first, as ever.
        pay T4 A1 C1 900.00     => rejected AM04
        answer T2 C yes         => applied settled
        ",
    );
}

#[test]
fn limit_of_unanswered_questions() {
    check_in_world(
        "
        online C | online M
        limit C 2
        pay T1 A1 C1 10.00      => reserved
        pay T2 A1 C1 10.00      => reserved
        unanswered C            => 2
        pay T3 A1 C1 10.00      => rejected AB10
        pay T4 A1 M9 10.00      => reserved
        answer T1 C yes         => applied settled
        pay T5 A1 C1 10.00      => reserved
        # What is open stays open.
        limit C 0
        pay T6 A1 C1 10.00      => rejected AB10
        answer T5 C yes         => applied settled
        at 7s
        tick
        decided                 => T2 expired AB05, T4 expired AB05
        unanswered C            => 0
        limit C 1
        pay T7 A1 C1 10.00      => reserved
        answer T7 C yes         => applied settled
        limit X 1               => refused PARTICIPANT_UNKNOWN
        ",
    );
}

#[test]
fn credit_decision_of_a_hosted_payees_bank() {
    check_in_world(
        "
        online B
        decide B credits above 100.00
        pay T1 A1 B2 100.00     => settled
        pay T2 A1 B2 100.01     => reserved
        asked                   => T2 credit B
        balance B2              => 100.00
        answer T2 B yes         => applied settled, told 299.99 200.01 799.99 1200.01
        flag B2
        pay T3 A1 B2 1.00       => reserved
        answer T3 B no RR04     => applied rejected RR04
        unflag B2
        decide B credits flagged
        pay T4 A1 B2 150.00     => settled
        decide B credits all
        pay T5 A1 B2 1.00       => reserved
        decide B credits nothing
        pay T6 A1 B2 1.00       => settled
        at 7s
        tick
        decided                 => T5 expired AB05
        decide X credits all    => refused PARTICIPANT_UNKNOWN
        flag B9                 => refused ACCOUNT_UNKNOWN
        flag B6                 => refused ACCOUNT_CLOSED
        ",
    );
}

#[test]
fn debit_decision_of_the_payers_bank() {
    check_in_world(
        "
        online A
        decide A debits all
        pay T1 A1 B2 10.00      => reserved
        asked                   => T1 debit A
        answer T1 A yes         => not asked
        answer T1 B yes         => not asked
        answer T1 A yes debit   => applied settled
        pay T2 A1 A2 10.00      => reserved
        answer T2 A no FRAD debit => applied rejected FRAD
        # Money that comes in is not its debit.
        pay T3 B5 A2 10.00      => settled
        pay T4 A1 B2 10.00      => reserved
        at 7s
        tick
        decided                 => T4 expired AB11
        answer T4 A yes debit   => late expired AB11
        ",
    );
}

#[test]
fn two_decisions_one_after_the_other() {
    check_in_world(
        "
        online A | online C
        decide A debits all
        frame {
        pay T1 A1 C1 10.00      => reserved
        pay T2 A1 C1 10.00      => reserved
        pay T3 A1 C1 10.00      => reserved
        pay T4 A1 C1 10.00      => reserved
        pay T5 A1 C1 10.00      => reserved
        }
        asked                   => T1 debit A, T2 debit A, T3 debit A, T4 debit A, T5 debit A
        unanswered A            => 5
        unanswered C            => 5
        questions C                  => nothing
        # The payee's bank has not been asked yet.
        answer T1 C yes         => not asked
        answer T2 A yes debit   => applied reserved
        asked                   => T2 credit C
        answer T1 A yes debit   => applied reserved
        questions C                  => T2, T1
        answer T1 A yes debit   => double reserved
        answer T1 A no FRAD debit => contrary reserved
        answer T1 C yes         => applied settled
        answer T2 C no AC04     => applied rejected AC04
        answer T2 A yes debit   => double rejected AC04
        answer T3 A no FRAD debit => applied rejected FRAD
        answer T3 C yes         => not asked
        answer T4 A yes debit   => applied reserved
        reserved A1             => 20.00
        at 7s
        tick
        decided                 => T4 expired AB05, T5 expired AB11
        answer T4 A yes debit   => double expired AB05
        answer T4 C yes         => late expired TM01
        # Its question was never asked, so it hears nothing.
        answer T5 C yes         => not asked
        answer T5 A yes debit   => late expired AB11
        unanswered C            => 0
        ",
    );
}

/// A doubled answer to the debit must not pass for the answer to the credit.
#[test]
fn one_bank_that_decides_twice() {
    check_in_world(
        "
        online M
        decide M debits all
        pay T1 M1 M9 10.00      => reserved
        unanswered M            => 2
        answer T1 M yes debit   => applied reserved
        answer T1 M yes debit   => double reserved
        unanswered M            => 1
        payment M T1            => reserved
        answer T1 M no AC03     => applied rejected AC03
        answer T1 M no AC03     => double rejected AC03
        limit M 1
        # It would be asked twice.
        pay T2 M1 M9 10.00      => rejected AB10
        pay T3 A1 M9 10.00      => reserved
        answer T3 M yes         => applied settled
        ",
    );
}

#[test]
fn silence_that_accepts_settles_in_time() {
    check_in_world(
        "
        online B
        decide B credits all accept
        pay T1 A1 B2 10.00      => reserved
        due                     => 5s
        pay T2 A1 B2 10.00      => reserved
        answer T2 B no RR04     => applied rejected RR04
        at 4s+999ms
        tick
        decided                 => nothing
        at 5s
        answer T1 B no RR04     => late settled
        decided                 => T1 settled
        balance B2              => 10.00
        # Half of what is left, for one that was accepted long before it came.
        pay T3 A1 B2 10.00 accepted -4s => reserved
        due                     => 6500ms
        pay T4 A1 B2 10.00 accepted -1s => reserved
        at 9s
        # Log time has jumped over the end of the question and over the deadline: too late to accept anything.
        tick
        decided                 => T3 expired AB05, T4 settled
        at 30s
        pay T5 A1 B2 10.00      => reserved
        at 37s
        tick
        decided                 => T5 expired AB05
        ",
    );
}

#[test]
fn silence_of_the_payers_bank_that_accepts_leaves_time_for_the_payees() {
    check_in_world(
        "
        online A | online B | online C
        decide A debits all accept
        pay T1 A1 C1 10.00      => reserved
        at 5s
        tick
        decided                 => nothing
        asked                   => T1 credit C
        due                     => 7s
        answer T1 A no FRAD debit => late reserved
        answer T1 C yes         => applied settled
        at 10s
        decide B credits all accept
        pay T2 A1 B2 10.00      => reserved
        at 15s
        tick
        asked                   => T2 credit B
        due                     => 16s
        at 16s
        tick
        decided                 => T2 settled
        # A remote payee's bank never accepts by silence.
        at 20s
        pay T3 A1 C1 10.00      => reserved
        at 26s
        tick
        at 27s
        tick
        decided                 => T3 expired AB05
        ",
    );
}

#[test]
fn a_bank_that_wants_to_decide_and_is_not_connected() {
    check_in_world(
        "
        decide B credits all
        pay T1 A1 B2 10.00      => rejected AB08
        decide B credits all accept
        pay T2 A1 B2 10.00      => settled
        decide A debits all
        pay T3 A1 B2 10.00      => rejected AB07
        decide A debits all accept
        pay T4 A1 B2 10.00      => settled
        online B
        pay T5 A1 B2 10.00      => reserved
        asked                   => T5 credit B
        answer T5 B yes         => applied settled
        ",
    );
}

#[test]
fn a_bank_suspended_after_the_reservation_still_answers() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 10.00      => reserved
        pay T2 A1 C1 10.00      => reserved
        pay T3 A1 C1 10.00      => reserved
        suspend C
        pay T4 A1 C1 10.00      => rejected AG11
        answer T1 C yes         => applied settled
        answer T2 C no AC04     => applied rejected AC04
        resume C | suspend A
        at 7s
        tick
        decided                 => T3 expired AB05
        resume A
        pay T5 A1 C1 10.00      => reserved
        suspend A
        answer T5 C yes         => applied settled
        pay T6 A1 C1 10.00      => rejected AG10
        ",
    );
}

#[test]
fn accounts_that_change_after_the_reservation() {
    check_in_world(
        "
        online B | online C
        decide B credits all
        # What the payer's bank does to the account comes too late for funds that are set aside.
        pay T1 A1 C1 10.00      => reserved
        block A1
        answer T1 C yes         => applied settled
        unblock A1
        # The payee's account is looked at when it is credited.
        pay T2 A1 B2 10.00      => reserved
        block B2
        answer T2 B yes         => applied rejected AC06, told 490.00 0.00 990.00 0.00
        answer T2 B yes         => double rejected AC06
        unblock B2
        pay T3 A1 B2 10.00      => reserved
        close B2
        answer T3 B yes         => applied rejected AC04
        reserved A1             => 0.00
        ",
    );
}

#[test]
fn a_payee_that_is_full_at_the_settlement() {
    check_in_world(
        "
        online B
        decide B credits all
        pay T1 A1 B1 10.00      => reserved
        load B.core B1 max-9.99
        answer T1 B yes         => applied rejected AM02
        load B1 B.core max-9.99
        reserved A1             => 0.00
        ",
    );
}

/// A log that stood still for days: what was reserved ends first, and only then it may be forgotten.
#[test]
fn reserved_payments_end_before_they_are_forgotten() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 10.00      => reserved
        at 5d+1s
        tick
        decided                 => T1 expired AB05
        reserved A1             => 0.00
        payment A T1 accepted @0s => expired AB05
        tick
        payment A T1 accepted @0s => forgotten
        answer T1 C yes         => unknown AG09
        ",
    );
}
