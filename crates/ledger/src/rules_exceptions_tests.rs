//! Exceptions: what is noticed, who may do what about it, and what that books. Scripts start on 2026-01-05 at 10:00; banks and
//! accounts are those of every script.

use super::*;
use crate::exceptions::Exceptions;
use crate::limits::EXCEPTIONS_MAX;
use crate::testing::{check_in_world, ledger_after};

/// Every cell of the table: whatever is not legal is refused by name, and leaves the exception as it was.
#[test]
fn only_legal_actions_are_carried_out() {
    const TABLE: [(&str, &str, [bool; 6]); 6] = {
        let (y, n) = (true, false);
        [
            // Book, suspend, return, ask, write off, close.
            ("late-positive", "M X2 A1 M1 10.00", [y, y, n, n, y, y]),
            ("unacknowledged", "M S1 A1 M1 10.00", [y, y, y, y, n, y]),
            ("late-confirmation", "A S1 A1 M1 10.00", [y, y, y, y, y, y]),
            ("stale", "A A1", [n, n, n, y, n, y]),
            ("break", "A REF-1 10.00 credit", [y, y, n, y, y, y]),
            ("recall-due", "M R1 10.00", [n, n, y, y, n, y]),
        ]
    };
    for (kind, subject, legal) in TABLE {
        for ((action, is_legal), column) in ExceptionAction::ALL.into_iter().zip(legal).zip(0..) {
            let (word, bank) = (crate::testing::exceptions::word(action), &subject[..1]);
            let account =
                if action == ExceptionAction::BookToCustomer { format!("{bank}1") } else { String::new() };
            let first = match action {
                ExceptionAction::WriteOff if is_legal => format!("resolve E1 {bank} suspend => done"),
                ExceptionAction::Return | ExceptionAction::Close => {
                    "return R1 S1 M 10.00 consent => done".to_owned()
                }
                ExceptionAction::BookToCustomer
                | ExceptionAction::ToSuspense
                | ExceptionAction::AskAgain
                | ExceptionAction::WriteOff => String::new(),
            };
            let came = if is_legal { "done" } else { "refused ACTION_NOT_LEGAL" };
            let left = match (is_legal, action.resolves(), action) {
                (false, ..) => "open".to_owned(),
                (true, true, _) => format!("resolved, {word}"),
                (true, false, ExceptionAction::ToSuspense) => format!("open, {word}, in suspense"),
                (true, false, _) => format!("open, {word}"),
            };
            check_in_world(&format!(
                "
                online M | decide M credits all | closing 2026
                pay S1 A1 M1 10.00               => reserved
                answer S1 M yes                  => applied settled
                pay X2 A1 M1 10.00               => reserved
                at 8s
                tick
                decided                          => X2 expired AB05
                recall S1 A1 M1 10.00 CUST id R1 => done
                at 20d
                raise {kind} {subject} id E1     => done
                {first}
                resolve E1 {bank} {word} {account} => {came}
                exception E1                     => {left}
                "
            ));
            assert_eq!(
                ExceptionKind::ALL
                    .into_iter()
                    .find(|known| crate::testing::exceptions::name(*known) == kind)
                    .map(|kind| kind.permits(action)),
                Some(is_legal),
                "{kind} {column}"
            );
        }
    }
}

#[test]
fn late_positive_answer_is_noticed_once_and_raised_once() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 10.00                            => reserved
        at 8s
        answer T1 C no AC04                           => late expired TM01
        noticed                                       => none
        answer T1 C yes                               => late expired TM01
        answer T1 C yes                               => late expired TM01
        noticed                                       => T1 late-positive
        raise late-positive C T1 A1 C1 10.00 id E1    => done
        noticed                                       => none
        answer T1 C yes                               => late expired TM01
        noticed                                       => none
        raise late-positive C T1 A1 C1 10.00          => refused EXCEPTION_EXISTS
        resolve E1 C close                            => done
        raise late-positive C T1 A1 C1 10.00          => refused EXCEPTION_EXISTS
        payment A T1                                  => expired AB05
        ",
    );
}

#[test]
fn bank_that_accepts_what_it_had_rejected_is_noticed_too() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 10.00      => reserved
        answer T1 C no AC04     => applied rejected AC04
        answer T1 C yes         => contrary rejected AC04
        noticed                 => T1 late-positive
        ",
    );
}

/// Of a payment that is forgotten nothing more is known, so it can't be raised.
#[test]
fn what_was_not_raised_in_five_days_is_counted_as_overlooked() {
    let script = "bank A hosted | bank C remote | fund A 9.00 | open A1 | post A1 +9.00 | online C
        pay T1 A1 C1 1.00 => reserved
        at 8s
        answer T1 C yes => late expired TM01
        at 5d+8s
        tick";
    let ledger = ledger_after(script);
    assert_eq!((ledger.noticed_exceptions().count(), ledger.overlooked_exceptions()), (1, 0));
    let ledger = ledger_after(&format!("{script}\n at 5d+9s\n tick"));
    assert_eq!((ledger.noticed_exceptions().count(), ledger.overlooked_exceptions()), (0, 1));
}

#[test]
fn older_rules_notice_nothing() {
    let script = "bank A hosted | bank C remote | fund A 9.00 | open A1 | post A1 +9.00 | online C
        pay T1 A1 C1 1.00 => reserved
        at 8s
        answer T1 C yes => late expired TM01";
    let older = crate::testing::ledger_after_under(HAS_ORDERS - 1, script);
    assert_eq!(older.noticed_exceptions().count(), 0);
    assert_eq!(ledger_after(script).noticed_exceptions().count(), 1);
}

#[test]
fn credit_is_acknowledged_by_accepting_once_more() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 10.00                            => reserved
        answer T1 C yes                               => applied settled
        raise unacknowledged A T1 A1 C1 10.00         => refused ORIGINAL_DIFFERS
        raise unacknowledged C T1 A1 C1 10.00 id E1   => done
        right                                         => none
        answer T1 C yes                               => double settled
        right                                         => E1
        resolve E1 C close                            => done
        right                                         => none
        exception E1                                  => resolved, close
        ",
    );
}

#[test]
fn payment_fits_what_is_said_to_be_wrong_with_it() {
    check_in_world(
        "
        online C
        pay T1 A1 C1 10.00                                => reserved
        raise late-positive C T1 A1 C1 10.00              => refused NOT_DUE
        answer T1 C yes                                   => applied settled
        pay T2 A1 C1 10.00                                => reserved
        answer T2 C no AC04                               => applied rejected AC04
        raise late-positive C T1 A1 C1 10.00              => refused ORIGINAL_SETTLED
        raise unacknowledged C T2 A1 C1 10.00             => refused ORIGINAL_NOT_SETTLED
        raise late-confirmation A T2 A1 C1 10.00          => refused ORIGINAL_NOT_SETTLED
        raise late-confirmation A T1 A1 C1 10.00 from B   => refused ORIGINAL_DIFFERS
        raise late-confirmation A T1 A1 C1 10.00 life 8   => refused ORIGINAL_DIFFERS
        raise late-confirmation X T1 A1 C1 10.00          => refused PARTICIPANT_UNKNOWN
        raise stale A A9                                  => refused ACCOUNT_UNKNOWN
        raise stale B A1                                  => refused ACCOUNT_UNKNOWN
        raise late-confirmation A T1 A1 C1 10.00          => done
        ",
    );
}

/// The customer is to get what the bank has.
#[test]
fn money_of_a_customer_goes_to_it_through_suspense() {
    check_in_world(
        "
        raise break A REF-1 30.00 credit id E1  => done
        raise break A REF-1 30.00 credit        => refused EXCEPTION_EXISTS
        raise break A REF-2 5.00 credit id E2   => done
        suspense A                              => 0.00
        resolve E1 A write-off                  => refused EXCEPTION_NOT_IN_SUSPENSE
        resolve E1 A suspend                    => done, told 0.00 30.00 0.00 0.00
        resolve E1 A suspend                    => refused EXCEPTION_IN_SUSPENSE
        resolve E1 A close                      => refused EXCEPTION_IN_SUSPENSE
        resolve E1 A ask                        => done, told 0.00 30.00 0.00 0.00
        exception E1                            => open, ask, in suspense
        balance A.core                          => -530.00
        resolve E1 A book A1                    => done, told 530.00 0.00 0.00 0.00
        resolve E1 A book A1                    => refused EXCEPTION_RESOLVED
        assign E1 A team                        => refused EXCEPTION_RESOLVED
        balance A1                              => 530.00
        balance A.core                          => -530.00
        resolve E2 A book A2                    => done, told 5.00 0.00 0.00 0.00
        balance A.core                          => -535.00
        suspense A                              => 0.00
        raise break A REF-1 30.00 debit id E3   => done
        exceptions                              => E1, E2, E3
        ",
    );
}

/// The customer has what is the bank's.
#[test]
fn money_of_the_bank_is_taken_back_or_written_off() {
    check_in_world(
        "
        raise break A REF-1 500.01 debit id E1  => done
        resolve E1 A book A1                    => refused INSUFFICIENT_FUNDS
        resolve E1 A suspend                    => done, told 0.00 -500.01 0.00 0.00
        balance A.core                          => 0.01
        resolve E1 A write-off                  => done, told 0.00 0.00 0.00 0.00
        balance A.core                          => -500.00
        exception E1                            => resolved, write-off
        raise break A REF-2 20.00 debit id E2   => done
        resolve E2 A suspend | resolve E2 A book A1 => done
        balance A1                              => 480.00
        balance A.core                          => -480.00
        ",
    );
}

#[test]
fn booking_takes_what_any_booking_takes() {
    check_in_world(
        "
        raise break A REF-1 1.00 credit id E1  => done
        resolve E1 A book A9                   => refused ACCOUNT_UNKNOWN
        resolve E1 A book B1                   => refused ACCOUNT_UNKNOWN
        resolve E1 A book A6                   => refused ACCOUNT_CLOSED
        resolve E1 A book A7                   => refused ACCOUNT_BLOCKED
        stop A1 credit
        resolve E1 A book A1                   => refused ACCOUNT_BLOCKED
        stop A1 debit
        resolve E1 B book A1                   => refused EXCEPTION_UNKNOWN
        resolve E9 A close                     => refused EXCEPTION_UNKNOWN
        resolve E1 A book A1                   => done
        ",
    );
}

#[test]
fn owner_is_said_and_changed() {
    check_in_world(
        "
        raise stale A A1 id E1       => done
        assign E1 A back-office      => done
        assign E1 B back-office      => refused EXCEPTION_UNKNOWN
        exception E1                 => open with back-office
        assign E1 A accounts         => done
        resolve E1 A close           => done
        exception E1                 => resolved with accounts, close
        raise stale A A1 id E2       => done
        ",
    );
}

#[test]
fn recall_is_due_three_banking_days_before_its_end() {
    check_in_world(
        "
        closing 2026
        pay T1 A1 B1 100.00                => settled
        recall T1 A1 B1 100.00 DUPL id R1  => done
        recalled T1                        => open to 2026-01-26
        raise recall-due B R1 100.00       => refused NOT_DUE
        at 15d+46800s
        raise recall-due B R1 100.00       => refused NOT_DUE
        at 15d+50400s
        raise recall-due B R1 99.00        => refused ORIGINAL_DIFFERS
        raise recall-due A R1 100.00       => refused RECALL_OF_ANOTHER_BANK
        raise recall-due B R9 100.00       => refused RECALL_UNKNOWN
        raise recall-due B R1 100.00 id E1 => done
        resolve E1 B return                => refused RECALL_MISSING
        resolve E1 B close                 => refused RECALL_MISSING
        right                              => none
        return R1 T1 B 100.00              => done
        right                              => E1
        resolve E1 B return                => done
        raise recall-due B R1 100.00       => refused RECALL_ANSWERED
        ",
    );
}

/// The payer's bank asks back what it can't take from its customer.
#[test]
fn late_confirmation_ends_when_the_payment_is_asked_back() {
    check_in_world(
        "
        closing 2026
        pay T1 A1 B1 100.00                             => settled
        raise late-confirmation A T1 A1 B1 100.00 id E1 => done
        resolve E1 A return                             => refused RECALL_MISSING
        recall T1 A1 B1 100.00 TECH id R1               => done
        resolve E1 A return                             => done
        ",
    );
}

#[test]
fn confirmation_that_was_late_is_noticed() {
    let mut ledger = ledger_after("bank A hosted | open A1 | open A2 | post A1 +9.00 | pay T1 A1 A2 1.00");
    let payment = ledger.position().sequence;
    ledger.mark_late(payment);
    ledger.mark_late(payment);
    let noticed: Vec<_> =
        ledger.noticed_exceptions().map(|(kind, noticed)| (kind, noticed.payment)).collect();
    assert_eq!(noticed, [(ExceptionKind::LateConfirmation, payment)]);
    ledger.validate();
}

#[test]
fn what_was_resolved_is_forgotten_after_400_days() {
    check_in_world(
        "
        raise stale A A1 id E1  => done
        raise stale A A2 id E2  => done
        resolve E2 A close      => done
        at 400d
        tick
        exceptions              => E1, E2
        at 400d+1ns
        tick
        exceptions              => E1
        ",
    );
}

/// A full table forgets what was resolved first, and takes nothing more where nothing was.
#[test]
fn table_that_is_full_makes_room_where_something_is_resolved() {
    let mut exceptions = Exceptions::new();
    let exception = |number: u64| Exception {
        sequence: Sequence(number),
        time: Timestamp::default(),
        kind: ExceptionKind::LatePositive,
        bank: ParticipantNumber(1),
        other_bank: ParticipantNumber(0),
        subject: Sequence(number),
        subject_digest: [0; 16],
        amount: 1,
        currency: Currency::EUR,
        direction: Some(Direction::Debit),
        owner: None,
        assigned_at: Sequence(0),
        acted: None,
        asked_count: 0,
        is_in_suspense: false,
        is_over: false,
    };
    let max = u64::try_from(EXCEPTIONS_MAX).unwrap();
    exceptions.reserve(EXCEPTIONS_MAX);
    for number in 1..=max {
        assert!(exceptions.make_room());
        exceptions.add(exception(number));
    }
    assert!(!exceptions.make_room());
    let closed = |at| Acted { at: Sequence(at), time: Timestamp::default(), action: ExceptionAction::Close };
    exceptions.act(Sequence(7), closed(max + 1), false);
    exceptions.act(Sequence(3), closed(max + 2), false);
    assert!(exceptions.make_room());
    assert_eq!((exceptions.at(Sequence(7)), exceptions.count()), (None, EXCEPTIONS_MAX - 1));
    assert!(exceptions.at(Sequence(3)).is_some());
    exceptions.add(exception(max + 9));
    assert_eq!(
        exceptions.behind(Sequence(max)).map(Exception::sequence).collect::<Vec<_>>(),
        [Sequence(max + 9)]
    );
    exceptions.validate();
}
