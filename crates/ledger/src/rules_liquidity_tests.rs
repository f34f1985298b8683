//! Positions beside payments: transfers of own funds, alerts, reachable parties and blocks.

use crate::testing::check_in_world;

#[test]
fn own_funds_move_between_position_and_technical_account() {
    check_in_world(
        "move A.technical A.position 1.00    => refused INSUFFICIENT_FUNDS   # nothing ever went there
         move A.position A.technical 1000.01 => refused INSUFFICIENT_FUNDS
         move A.position A.technical 300.00 id M1 => balance 700.00
         move A.position A.technical 300.00 id M1 => balance 700.00, repeat of M1
         move A.position A.technical 1.00 id M1   => refused REQUEST_ID_REUSED
         balance A.technical => 300.00
         move A.technical A.position 100.00 => balance 800.00
         balance A.technical => 200.00
         move A.technical A.position 200.01 => refused INSUFFICIENT_FUNDS",
    );
}

#[test]
fn other_pairs_are_refused() {
    check_in_world(
        "move A.position B.technical 1.00  => refused PAIR_NOT_ALLOWED
         move A.position B.position 1.00   => refused PAIR_NOT_ALLOWED
         move A.technical B.technical 1.00 => refused PAIR_NOT_ALLOWED
         move A.position A.position 1.00   => refused PAIR_NOT_ALLOWED
         move A.technical A.technical 1.00 => refused PAIR_NOT_ALLOWED
         move A.position X.technical 1.00  => refused PARTICIPANT_UNKNOWN
         move X.position A.technical 1.00  => refused PARTICIPANT_UNKNOWN
         move A.position A.technical 1.00 USD => refused POSITION_UNKNOWN
         party P remote 5.00 over A
         move P.position P.technical 1.00  => refused POSITION_UNKNOWN",
    );
}

/// What waits for an answer is there for nothing else: neither for a transfer nor for another payment.
#[test]
fn reserved_money_is_invisible_to_transfers() {
    check_in_world(
        "online C
         pay T1 A1 C1 400.00 => reserved
         balance A.position => 1000.00
         move A.position A.technical 600.01 => refused INSUFFICIENT_FUNDS
         defund A 600.01 => refused INSUFFICIENT_FUNDS
         move A.position A.technical 600.00 => balance 400.00
         pay T2 A5 B1 0.01 => rejected AM23
         answer T1 C yes => applied settled
         balance A.position => 0.00
         reserved A.position => 0.00",
    );
}

#[test]
fn crossings_are_told_once_by_the_booking_that_crosses() {
    check_in_world(
        "alert A floor 900.00 | alert B ceiling 1100.00
         pay T1 A1 B1 100.00 => settled                                  # at the bounds
         pay T2 A1 B1 0.01 => settled, position fell, position rose, told 399.99 100.01 899.99 1100.01
         pay T2 A1 B1 0.01 => settled, repeat of T2
         pay T3 A1 B1 1.00 => settled                                    # beyond already
         fund A 1.01 => balance 900.00
         defund A 0.01 id D1 => balance 899.99, position fell
         defund A 0.01 id D1 => balance 899.99, repeat of D1
         move B.position B.technical 2.00 => balance 1099.01
         move B.technical B.position 1.00 => balance 1100.01, position rose
         alert A
         fund A 100.00 => balance 999.99
         defund A 900.00 => balance 99.99",
    );
}

/// Whatever decides a payment that waited: an answer, or silence that accepts. A release books nothing.
#[test]
fn crossings_of_payments_that_waited_are_told_when_they_settle() {
    check_in_world(
        "alert A floor 950.00 | alert C ceiling 1000.00
         online C
         pay T1 A1 C1 60.00 => reserved
         answer T1 C no AC04 => any
         balance A.position => 1000.00
         pay T2 A1 C1 60.00 => reserved
         answer T2 C yes => applied settled, position fell, position rose
         decide B credits all accept
         online B
         fund A 100.00 => balance 1040.00
         pay T3 A1 B1 95.00 => reserved
         at 6s
         tick
         decided => any
         balance A.position => 945.00",
    );
}

#[test]
fn a_reachable_party_spends_within_its_limit() {
    check_in_world(
        "party P hosted 100.00 over A
         open P1 | post P1 +500.00
         headroom P => 100.00
         pay T1 P1 B1 60.00 => settled, told 440.00 60.00 940.00 1060.00
         headroom P => 40.00
         utilisation P => 60.00
         pay T2 P1 B1 40.01 => rejected AM23
         pay T3 B1 P1 10.00 => settled
         headroom P => 50.00
         utilisation P => 50.00
         party P hosted 30.00 over A                            # the headroom moves by the difference
         headroom P => -20.00
         pay T4 P1 B1 0.01 => rejected AM23                       # only credits pass
         pay T5 B1 P1 25.00 => settled
         headroom P => 5.00
         party P hosted unlimited over A
         headroom P => without end
         utilisation P => 25.00
         pay T6 P1 B1 400.00 => settled
         utilisation P => 425.00
         party P hosted 0.00 over A
         headroom P => -425.00",
    );
}

#[test]
fn a_limit_of_nothing_lets_out_what_came_in() {
    check_in_world(
        "party P hosted 0.00 over A
         open P1 | post P1 +500.00
         pay T1 P1 B1 0.01 => rejected AM23
         pay T2 A1 P1 20.00 => settled                          # inside one position: only the limit moves
         balance A.position => 1000.00
         headroom P => 20.00
         pay T3 P1 B1 20.00 => settled
         headroom P => 0.00
         balance A.position => 980.00
         pay T4 P1 A1 0.01 => rejected AM23",
    );
}

/// The limit may be larger than what the position holds; both count.
#[test]
fn a_party_spends_no_more_than_the_position_holds() {
    check_in_world(
        "party P hosted 5000.00 over A | party Q hosted unlimited over A
         open P1 | post P1 +5000.00 | open Q1
         pay T1 P1 B1 1000.01 => rejected AM23
         pay T2 P1 Q1 2000.00 => settled
         headroom P => 3000.00
         utilisation Q => -2000.00
         pay T3 P1 B1 1000.00 => settled
         balance A.position => 0.00",
    );
}

#[test]
fn headroom_is_reserved_with_a_payment_and_goes_back_with_it() {
    check_in_world(
        "party P hosted 100.00 over A
         open P1 | post P1 +500.00
         online C
         pay T1 P1 C1 70.00 => reserved
         headroom P => 100.00
         set-aside P => 70.00
         pay T2 P1 B1 30.01 => rejected AM23
         answer T1 C no AC04 => any
         set-aside P => 0.00
         pay T3 P1 C1 70.00 => reserved
         party P hosted 10.00 over A                            # what is reserved is carried through
         answer T3 C yes => applied settled
         set-aside P => 0.00
         headroom P => -60.00
         party P hosted 100.00 over A
         pay T4 P1 C1 30.00 => reserved
         at 30s
         tick
         set-aside P => 0.00
         headroom P => 30.00",
    );
}

#[test]
fn crossings_of_headroom_are_told() {
    check_in_world(
        "party P hosted 100.00 over A | alert P floor 50.00 ceiling 80.00
         open P1 | post P1 +500.00
         pay T1 P1 B1 50.00 => settled
         pay T2 P1 B1 0.01 => settled, headroom fell
         party P hosted 500.00 over A                           # no booking
         pay T3 B1 P1 1.00 => settled
         party P hosted 100.00 over A
         pay T4 B1 P1 29.00 => settled
         pay T5 B1 P1 1.00 => settled, headroom rose",
    );
}

#[test]
fn a_party_is_what_it_was_first_said_to_be() {
    check_in_world(
        "party P hosted 1.00 over X => refused PARTICIPANT_UNKNOWN
         party P hosted 1.00 over A USD => refused POSITION_UNKNOWN
         party B hosted 1.00 over A => refused POSITION_EXISTS
         party B remote 1.00 over A => refused PARTY_DIFFERS
         party P hosted 1.00 over A
         party P hosted 1.00 over B => refused PARTY_DIFFERS
         party P remote 1.00 over A => refused PARTY_DIFFERS
         party Q hosted 1.00 over P => refused POSITION_UNKNOWN
         bank P hosted => refused PARTICIPANT_EXISTS
         fund P 1.00 => refused POSITION_UNKNOWN
         alert X floor 1.00 => refused PARTICIPANT_UNKNOWN
         alert A floor 1.00 USD => refused POSITION_UNKNOWN",
    );
}

#[test]
fn a_party_goes_with_its_host() {
    check_in_world(
        "party P hosted 100.00 over A
         open P1 | post P1 +500.00
         suspend A
         pay T1 P1 B1 1.00 => rejected AG10
         pay T2 B1 P1 1.00 => rejected AG11
         resume A
         pay T3 P1 B1 1.00 => settled",
    );
}

#[test]
fn blocks_stop_one_way_and_say_why() {
    check_in_world(
        "post B1 +100.00
         stop A debit
         pay T1 A1 B1 1.00 => rejected AG10
         pay T2 B1 A1 1.00 => settled
         stop A credit
         pay T3 A1 B1 1.00 => settled
         pay T4 B1 A1 1.00 => rejected AG11
         stop A none
         stop A.position debit
         pay T5 A1 B1 1.00 => rejected ED05
         pay T6 B1 A1 1.00 => settled
         defund A 1.00 => refused POSITION_BLOCKED
         move A.position A.technical 1.00 => refused POSITION_BLOCKED
         fund A 1.00 ref X1 => any
         stop A.position credit
         pay T7 A1 B1 1.00 => settled
         pay T8 B1 A1 1.00 => rejected ED05
         fund A 1.00 ref X2 => refused POSITION_BLOCKED
         stop A.position none
         fund A 1.00 ref X2 => any
         stop A1 debit
         pay T9 A1 B1 1.00 => rejected AC06
         pay T10 B1 A1 1.00 => settled
         post A1 -1.00 => refused ACCOUNT_BLOCKED
         post A1 +1.00 => any
         stop A1 both
         pay T11 B1 A1 1.00 => rejected AC06
         unblock A1                                             # the status is another thing
         pay T12 B1 A1 1.00 => rejected AC06
         stop A1 none
         pay T13 B1 A1 1.00 => settled
         stop A6 both => refused ACCOUNT_CLOSED
         stop A9 both => refused ACCOUNT_UNKNOWN
         stop A.limit both => refused LIMIT_UNKNOWN
         stop X both => refused PARTICIPANT_UNKNOWN
         stop A.position both USD => refused POSITION_UNKNOWN",
    );
}

#[test]
fn blocks_of_limits_and_of_the_position_below_them() {
    check_in_world(
        "party P hosted 100.00 over A
         open P1 | post P1 +500.00 | post B1 +10.00
         stop P.limit debit
         pay T1 P1 B1 1.00 => rejected ED05
         pay T2 B1 P1 1.00 => settled
         stop P.limit credit
         pay T3 P1 B1 1.00 => settled
         pay T4 B1 P1 1.00 => rejected ED05
         stop P.limit none
         stop A.position debit
         pay T5 P1 B1 1.00 => rejected ED05
         stop P.position both => refused POSITION_UNKNOWN",
    );
}

/// Blocks come after what is wrong with accounts and before funds.
#[test]
fn blocks_have_their_place_in_the_order() {
    check_in_world(
        "stop A.position both | stop A debit
         pay T1 A1 X1 1.00 => rejected CNOR
         pay T2 A1 B9 1.00 => rejected AG10
         stop A none
         pay T3 A1 B6 1.00 => rejected AC04
         stop A1 debit
         pay T4 A1 B3 1.00 => rejected AC06
         stop A1 none
         pay T5 A1 B3 1.00 => rejected AG01
         pay T6 A2 B1 1.00 => rejected ED05
         stop A.position none
         pay T7 A2 B1 1.00 => rejected AM04",
    );
}

/// What was reserved is carried through, save what the payee's account does not take any more.
#[test]
fn blocks_leave_what_is_reserved() {
    check_in_world(
        "online B
         decide B credits all
         pay T1 A1 B1 10.00 => reserved
         pay T2 A1 B2 10.00 => reserved
         stop A both | stop A.position both | stop B.position both | stop A1 both
         answer T1 B yes => applied settled
         stop B2 credit
         answer T2 B yes => applied rejected AC06
         reserved A1 => 0.00
         reserved A.position => 0.00",
    );
}
