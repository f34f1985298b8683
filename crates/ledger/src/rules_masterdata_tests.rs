//! Participants, accounts, postings, liquidity: every refusal, request ids, external references.

use crate::testing::check;

#[test]
fn participant_unknown_or_known_already() {
    check(
        "
        suspend A              => refused PARTICIPANT_UNKNOWN
        resume A               => refused PARTICIPANT_UNKNOWN
        open A1                => refused PARTICIPANT_UNKNOWN
        fund A 1.00            => refused PARTICIPANT_UNKNOWN
        bank A hosted          => done
        bank A hosted          => refused PARTICIPANT_EXISTS
        bank A remote USD      => refused PARTICIPANT_EXISTS
        suspend A | suspend A | resume A | resume A
        books                  => all zero
        ",
    );
}

#[test]
fn accounts_not_hosted_by_a_remote_bank() {
    check("bank C remote \n open C1 => refused ACCOUNTS_NOT_HOSTED \n bank M mixed \n open M1 => done");
}

#[test]
fn account_unknown() {
    check(
        "
        bank A hosted | open A1
        close A2               => refused ACCOUNT_UNKNOWN
        block A2               => refused ACCOUNT_UNKNOWN
        unblock A1 USD         => refused ACCOUNT_UNKNOWN
        floor A2 -1.00         => refused ACCOUNT_UNKNOWN
        post A2 +1.00          => refused ACCOUNT_UNKNOWN
        post A1 +1.00 USD      => refused ACCOUNT_UNKNOWN
        ",
    );
}

#[test]
fn account_exists() {
    check(
        "
        bank A hosted | bank B hosted
        open A1                => done
        open A1                => refused ACCOUNT_EXISTS
        open A1 savings        => refused ACCOUNT_EXISTS
        open A1 USD            => done
        # A number belongs to one bank, in every currency.
        open A1 at B           => refused ACCOUNT_EXISTS
        open A1 GBP at B       => refused ACCOUNT_EXISTS
        close A1
        open A1                => refused ACCOUNT_EXISTS
        ",
    );
}

#[test]
fn account_closed_for_good() {
    check(
        "
        bank A hosted | open A1 | close A1
        close A1               => refused ACCOUNT_CLOSED
        unblock A1             => refused ACCOUNT_CLOSED
        block A1               => refused ACCOUNT_CLOSED
        floor A1 0.00          => refused ACCOUNT_CLOSED
        post A1 +1.00          => refused ACCOUNT_CLOSED
        post A1 -1.00          => refused ACCOUNT_CLOSED
        ",
    );
}

#[test]
fn account_blocked() {
    check(
        "
        bank A hosted | open A1 | block A1 | block A1
        post A1 +1.00          => refused ACCOUNT_BLOCKED
        post A1 -1.00          => refused ACCOUNT_BLOCKED
        floor A1 -5.00         => done
        unblock A1 | post A1 -5.00 | block A1
        close A1               => refused ACCOUNT_NOT_EMPTY
        ",
    );
}

#[test]
fn account_not_empty() {
    check(
        "
        bank A hosted | open A1 floor -1.00 | post A1 +1.00
        close A1               => refused ACCOUNT_NOT_EMPTY
        post A1 -2.00          => balance -1.00
        close A1               => refused ACCOUNT_NOT_EMPTY
        post A1 +1.00          => balance 0.00
        close A1               => done
        ",
    );
}

#[test]
fn floor_above_available() {
    check(
        "
        bank A hosted
        open A1 floor 0.01     => refused FLOOR_ABOVE_AVAILABLE
        open A1 floor 0.00     => done
        floor A1 0.01          => refused FLOOR_ABOVE_AVAILABLE
        post A1 +5.00
        floor A1 5.01          => refused FLOOR_ABOVE_AVAILABLE
        floor A1 5.00          => done
        post A1 -0.01          => refused INSUFFICIENT_FUNDS
        floor A1 -3.00         => done
        post A1 -8.00          => balance -3.00
        floor A1 -2.99         => refused FLOOR_ABOVE_AVAILABLE
        open A2 floor -max     => any
        ",
    );
}

#[test]
fn insufficient_funds() {
    check(
        "
        bank A hosted | open A1 savings | fund A 10.00
        post A1 -0.01          => refused INSUFFICIENT_FUNDS
        post A1 +1.00          => balance 1.00
        post A1 -1.01          => refused INSUFFICIENT_FUNDS
        post A1 -1.00          => balance 0.00
        defund A 10.01         => refused INSUFFICIENT_FUNDS
        defund A 10.00         => balance 0.00
        defund A 0.01          => refused INSUFFICIENT_FUNDS
        books                  => all zero
        ",
    );
}

#[test]
fn balance_limit() {
    check(
        "
        bank A hosted | open A1 | open A2
        load A.core A1 max
        post A1 +0.01          => refused BALANCE_LIMIT
        post A2 +0.01          => refused BALANCE_LIMIT
        post A1 -0.01          => balance 23058430092136939.50
        load funding A.position max-0.01
        fund A 0.02            => refused BALANCE_LIMIT
        fund A 0.01            => balance 23058430092136939.51
        fund A 0.01            => refused BALANCE_LIMIT
        bank B hosted
        fund B 0.01            => refused BALANCE_LIMIT
        books                  => all zero
        ",
    );
    // The account has room, the counter-account has none, and the other way round.
    check("bank A hosted | open A1 | load A.core A.clearing max \n post A1 +0.01 => refused BALANCE_LIMIT");
    check(
        "
        bank A hosted | open A1 floor -1.00 | load A.clearing A.core max
        post A1 -0.01          => refused BALANCE_LIMIT
        post A1 +0.01          => balance 0.01
        ",
    );
}

#[test]
fn position_unknown_in_another_currency() {
    check(
        "
        bank A hosted | open A1 USD
        fund A 1.00 USD        => refused POSITION_UNKNOWN
        defund A 1.00 GBP      => refused POSITION_UNKNOWN
        bank B hosted USD
        fund B 1.00 USD        => balance 1.00
        fund B 1.00            => refused POSITION_UNKNOWN
        balance funding/USD    => -1.00
        ",
    );
}

#[test]
fn currency_limit() {
    check(
        "
        bank A hosted
        open A1 USD | open A1 GBP | open A1 CHF | open A1
        open A1 SEK            => refused CURRENCY_LIMIT
        open A2 CHF            => done
        books                  => all zero
        ",
    );
}

#[test]
fn external_reference_counts_once() {
    check(
        "
        bank A hosted | bank B hosted
        fund A 10.00 ref F1 id R1    => balance 10.00
        fund A 10.00 ref F1 id R1    => balance 10.00, repeat of R1
        fund A 10.00 ref F1 id R2    => refused REFERENCE_REUSED
        fund A 11.00 ref F1 id R3    => refused REFERENCE_REUSED
        defund A 1.00 ref F1 id R4   => refused REFERENCE_REUSED
        fund B 10.00 ref F1          => balance 10.00
        fund A 10.00 ref f1          => balance 20.00
        balance A.position           => 20.00
        # It is for ever, not only as long as request ids are remembered.
        at 30d
        tick
        count requests               => 0
        fund A 10.00 ref F1 id R1    => refused REFERENCE_REUSED
        ",
    );
}

#[test]
fn reference_of_a_refused_transfer_stays_free() {
    check(
        "
        bank A hosted
        defund A 5.00 ref F1 id R1   => refused INSUFFICIENT_FUNDS
        fund A 5.00 ref F2
        defund A 5.00 ref F1 id R1   => refused INSUFFICIENT_FUNDS, repeat of R1
        defund A 5.00 ref F1 id R2   => balance 0.00
        ",
    );
}

#[test]
fn same_request_gets_the_stored_answer_whatever_happened_since() {
    check(
        "
        open A1 id R0                => refused PARTICIPANT_UNKNOWN
        bank A hosted id R1          => done
        open A1 id R0                => refused PARTICIPANT_UNKNOWN, repeat of R0
        bank A hosted id R1          => done, repeat of R1
        open A1 id R2                => done
        post A1 +5.00 id R3          => balance 5.00
        post A1 +5.00 id R3          => balance 5.00, repeat of R3
        post A1 +1.00 id R4          => balance 6.00
        post A1 +5.00 id R3          => balance 5.00, repeat of R3
        close A1 id R5               => refused ACCOUNT_NOT_EMPTY
        post A1 -6.00 id R6          => balance 0.00
        close A1 id R5               => refused ACCOUNT_NOT_EMPTY, repeat of R5
        suspend A id R7              => done
        resume A id R8               => done
        suspend A id R7              => done, repeat of R7
        pay T1 A1 A1 1.00            => rejected AG01   # not AG10: the repeat did not suspend again
        balance A1                   => 0.00
        ",
    );
}

#[test]
fn changed_request_is_refused_and_changes_nothing() {
    check(
        "
        bank A hosted id R1 | open A1 id R2 | post A1 +5.00 id R3 ref C1
        post A1 +6.00 id R3 ref C1   => refused REQUEST_ID_REUSED
        post A1 -5.00 id R3 ref C1   => refused REQUEST_ID_REUSED
        post A1 +5.00 id R3 ref C2   => refused REQUEST_ID_REUSED
        open A2 id R3                => refused REQUEST_ID_REUSED
        open A1 id R2 holder Else    => refused REQUEST_ID_REUSED
        bank A hosted id R1 name New => refused REQUEST_ID_REUSED
        bank B hosted id R1          => refused REQUEST_ID_REUSED
        suspend A id R1              => refused REQUEST_ID_REUSED
        block A1 id R2               => refused REQUEST_ID_REUSED
        floor A1 -1.00 id R2         => refused REQUEST_ID_REUSED
        fund A 1.00 id R1 ref F1     => refused REQUEST_ID_REUSED
        post A1 +5.00 id R3 ref C1   => balance 5.00, repeat of R3
        balance A1                   => 5.00
        fund A 1.00 ref F1           => balance 1.00
        count requests               => 4
        ",
    );
}

#[test]
fn request_ids_of_two_principals_are_independent() {
    check(
        "
        bank A hosted | open A1
        post A1 +5.00 id R1 by 7     => balance 5.00
        post A1 +6.00 id R1 by 8     => balance 11.00
        post A1 +5.00 id R1 by 7     => balance 5.00, repeat of R1
        post A1 +5.00 id R1 by 8     => refused REQUEST_ID_REUSED
        ",
    );
}

#[test]
fn request_id_is_free_again_after_five_days_and_not_before() {
    check(
        "
        bank A hosted | open A1
        post A1 +5.00 id R1          => balance 5.00
        at 5d
        post A1 +5.00 id R1          => balance 5.00, repeat of R1
        at 5d+1ns
        post A1 +5.00 id R1          => balance 10.00
        ",
    );
}

#[test]
fn commands_of_one_frame_see_each_other() {
    check(
        "
        frame {
        bank A hosted
        open A1
        open A1                      => refused ACCOUNT_EXISTS
        post A1 +5.00 id R1          => balance 5.00
        post A1 +5.00 id R1          => balance 5.00, repeat of R1
        open A2 USD
        open A3 USD
        fund A 5.00
        }
        balance A.core/USD           => 0.00
        ",
    );
}
