//! The rules of a payment that waits for a bank: its answer, or its silence.
//!
//! ```text
//! reserved, payer's bank asked ── accepts ──▶ reserved, payee's bank asked ── accepts ──▶ settled
//!              │                                            │
//!              ├── rejects ──▶ rejected, its code           ├── rejects ──▶ rejected, its code
//!              └── silent ───▶ expired, or as if accepted   └── silent ───▶ expired, or as if accepted
//! ```
//!
//! Where only one of them is asked, the other half falls away. Invariants:
//! - A question that is due has ended, whether a tick has come to it or not: whoever touches it finds it ended.
//! - Nothing settles at or after the payment's deadline, not by silence either.
//! - Only the bank that was asked changes anything, and only once; everyone else it may concern is told what is true.
//! - What was reserved is carried through: suspending a bank, blocking the payer's account, or a new policy, limit or
//!   profile changes nothing for it. A payee's account that takes no booking any more still ends it.

use types::{Bic, ParticipantNumber, PaymentState, ReasonCode, Sequence, StatusReason, Timestamp};

use crate::alerts::Alerts;
use crate::bookings::{Booked, Bookings, Sides};
use crate::limits::ENDED_PER_TICK_MAX;
use crate::mutants::{Mutant, is_on};
use crate::reservations::Reservation;
use crate::{
    Answer, AnswerEffect, Kind, Ledger, OpenQuestion, Outcome, Payment, Position, QuestionState, Remark,
    Silence, Stage, Verdict, layout, rules_customer, rules_duplicates, rules_exceptions, rules_liquidity,
    rules_orders,
};

/// Opens a reservation's first question.
pub(crate) fn ask(ledger: &mut Ledger, reservation: Reservation) {
    ledger.payments.set_question(reservation.payment, reservation.stage, QuestionState::Open);
    ledger.asked.push(OpenQuestion::of(&reservation));
    ledger.reservations.add(reservation);
}

/// Ends the questions that are due at a frame's time, in the order of time and position, as many as one tick may.
pub(crate) fn end_due(ledger: &mut Ledger, tick: Position) {
    let count_max = if is_on(Mutant::SweepOnlyExpiry) { 1 } else { ENDED_PER_TICK_MAX };
    for _ in 0..count_max {
        // An order or a package that ends with its payment is told beside it, in the same frame.
        if ledger.decided.len() + ledger.holds_told.len() >= ENDED_PER_TICK_MAX {
            return;
        }
        let first = ledger.reservations.first_due().filter(|due| is_due(due.time, tick.time));
        let Some(due) = first else { return };
        end_question(ledger, tick, due.slot);
    }
}

/// The payment as it stands at this moment: if its question is due, it ends here and now, decided by the frame's tick.
pub(crate) fn up_to_date(ledger: &mut Ledger, at: Position, payment: &Payment) -> Payment {
    if payment.state != PaymentState::Reserved || is_on(Mutant::SweepOnlyExpiry) {
        return *payment;
    }
    let slot = ledger.reservations.find(payment.sequence).expect("a reserved payment has a reservation");
    let payment_slot = ledger.reservations.get(slot).payment;
    let tick = Position { sequence: ledger.ticked, time: at.time };
    // Twice at the most: once for the payer's bank, once for the payee's.
    while ledger.payments.at_slot(payment_slot).state == PaymentState::Reserved
        && is_due(ledger.reservations.get(slot).due, at.time)
    {
        end_question(ledger, tick, slot);
    }
    *ledger.payments.at_slot(payment_slot)
}

/// A bank's answer.
///
/// `found` is the payment as evidence on disk holds it, if it has left the table.
pub(crate) fn apply(
    ledger: &mut Ledger,
    at: Position,
    record: &layout::Answer,
    found: Option<&layout::StoredPayment>,
) -> Outcome {
    let sequence = Sequence(record.payment.get());
    let stage = Stage::from_number(record.stage).expect("records are checked when they are read");
    let answer = ReasonCode::from_bytes(record.code).map_or(Answer::Accept, Answer::Reject);
    let bank = Bic::from_bytes(record.bic).expect("records are checked when they are read");
    let mut outcome = Outcome {
        sequence: at.sequence,
        decided_at: at.sequence,
        decided_time: at.time,
        accepted: Timestamp::default(),
        kind: Kind::Answer,
        verdict: Verdict::Answer {
            payment: sequence,
            effect: AnswerEffect::PaymentUnknown,
            state: None,
            reason: Some(StatusReason::PaymentNotReceived.code()),
        },
        alerts: Alerts::NONE,
        late: false,
        remark: Remark::None,
        balances: [0; 4],
    };
    if sequence <= ledger.sealed_upto() && record.evidence_upto < record.payment {
        return rules_duplicates::ask_again(at, Kind::Answer);
    }
    if let Some(payment) = find(ledger, sequence).or_else(|| rules_duplicates::still_counts(at, found)) {
        let payment = up_to_date(ledger, at, &payment);
        let effect = judge(ledger, &payment, bank, stage, answer);
        outcome.accepted = payment.acceptance_time();
        outcome.verdict = match effect {
            AnswerEffect::NotAsked | AnswerEffect::PaymentUnknown => {
                Verdict::Answer { payment: sequence, effect, state: None, reason: None }
            }
            AnswerEffect::Applied => {
                let (payment, booked) = take(ledger, at, &payment, answer);
                (outcome.balances, outcome.alerts) = (booked.balances, booked.alerts);
                outcome.remark = booked.remark;
                told(&payment, effect, stage)
            }
            AnswerEffect::Late | AnswerEffect::Double | AnswerEffect::Contrary => {
                if (stage, answer) == (Stage::Credit, Answer::Accept) {
                    rules_exceptions::accepted_after(ledger, &payment);
                }
                told(&payment, effect, stage)
            }
        };
    }
    ledger.count_answer(outcome.verdict);
    outcome
}

fn told(payment: &Payment, effect: AnswerEffect, stage: Stage) -> Verdict {
    let (state, reason) = (Some(payment.state()), payment.reason_to(stage));
    Verdict::Answer { payment: payment.sequence(), effect, state, reason }
}

/// Open ones are found at once; the search among all payments is for answers that come too late.
fn find(ledger: &Ledger, sequence: Sequence) -> Option<Payment> {
    match ledger.reservations.find(sequence) {
        Some(slot) => Some(*ledger.payments.at_slot(ledger.reservations.get(slot).payment)),
        None => ledger.payments.at(sequence).copied(),
    }
}

/// What an answer does.
fn judge(ledger: &Ledger, payment: &Payment, bank: Bic, stage: Stage, answer: Answer) -> AnswerEffect {
    let is_asked = match stage {
        Stage::Debit => payment.debtor_agent() == bank,
        Stage::Credit => {
            ledger.participants.find(bank).is_some_and(|bank| payment.creditor_bank() == Some(bank))
        }
    };
    if !is_asked && !is_on(Mutant::ActOnAnotherBanksAnswer) {
        return AnswerEffect::NotAsked;
    }
    let same = |is_same| if is_same { AnswerEffect::Double } else { AnswerEffect::Contrary };
    match payment.question(stage) {
        QuestionState::NotAsked => AnswerEffect::NotAsked,
        QuestionState::Open => AnswerEffect::Applied,
        QuestionState::Silent => AnswerEffect::Late,
        QuestionState::Accepted => same(answer == Answer::Accept),
        QuestionState::Rejected => same(payment.reason().map(Answer::Reject) == Some(answer)),
    }
}

/// Carries out what the bank that was asked says. Tells the payment as it stands then, and balances if it is decided.
fn take(ledger: &mut Ledger, at: Position, payment: &Payment, answer: Answer) -> (Payment, Booked) {
    let slot = ledger.reservations.find(payment.sequence()).expect("an open question has a reservation");
    let Reservation { payment: payment_slot, stage, credit_follows, .. } = *ledger.reservations.get(slot);
    let mut booked = Booked::default();
    match answer {
        Answer::Reject(reason) => {
            ledger.payments.set_question(payment_slot, stage, QuestionState::Rejected);
            booked = release(ledger, at, slot, PaymentState::Rejected, reason);
        }
        Answer::Accept => {
            ledger.payments.set_question(payment_slot, stage, QuestionState::Accepted);
            match credit_follows {
                true => ask_next(ledger, at, slot),
                false => booked = settle(ledger, at, slot),
            }
        }
    }
    (*ledger.payments.at_slot(payment_slot), booked)
}

/// The bank that was asked has been silent to the end.
fn end_question(ledger: &mut Ledger, tick: Position, slot: u32) {
    let reservation = *ledger.reservations.get(slot);
    ledger.payments.set_question(reservation.payment, reservation.stage, QuestionState::Silent);
    let Booked { balances, alerts, remark } = if is_due(reservation.deadline, tick.time) {
        let reason = match reservation.stage {
            Stage::Debit => StatusReason::TimeoutDebtorAgent.code(),
            Stage::Credit => {
                ledger
                    .payments
                    .set_reason_to_creditor(reservation.payment, reservation.timeout_to_beneficiary);
                ReasonCode::from_bytes(reservation.timeout_to_originator)
                    .expect("a profile's codes are checked")
            }
        };
        release(ledger, tick, slot, PaymentState::Expired, reason)
    } else {
        assert!(reservation.silence() == Silence::Accept, "other questions end with the payment");
        if reservation.credit_follows {
            return ask_next(ledger, tick, slot);
        }
        settle(ledger, tick, slot)
    };
    let payment = ledger.payments.at_slot(reservation.payment);
    let (state, reason) = (payment.state(), payment.reason());
    ledger.decided_slots.push(reservation.payment);
    ledger.decided.push(Outcome {
        sequence: payment.sequence(),
        decided_at: tick.sequence,
        decided_time: tick.time,
        accepted: payment.acceptance_time(),
        kind: Kind::Payment,
        verdict: Verdict::Payment { state, reason, repeat_of: None },
        alerts,
        late: false,
        remark,
        balances,
    });
}

/// The payer's bank has no objection: the payee's is asked.
fn ask_next(ledger: &mut Ledger, at: Position, slot: u32) {
    ledger.reservations.ask_next(slot, at.sequence, at.time);
    let reservation = ledger.reservations.get(slot);
    ledger.payments.set_question(reservation.payment, reservation.stage, QuestionState::Open);
    ledger.asked.push(OpenQuestion::of(reservation));
}

/// Everyone who was asked has accepted: the bookings of a payment that settles at once, unless the payee's account
/// takes none any more.
fn settle(ledger: &mut Ledger, at: Position, slot: u32) -> Booked {
    let (reservation, bookings) = give_back(ledger, at, slot);
    let (state, reason, booked) = match bookings.check_again(&ledger.accounts, &ledger.reachable) {
        Ok(()) => {
            let Ledger { accounts, reachable, watched, .. } = ledger;
            let booked = bookings.book(accounts, reachable, watched, at.sequence);
            if !booked.alerts.is_none() {
                rules_liquidity::note(ledger, at, &bookings, booked.alerts);
            }
            (PaymentState::Settled, None, booked)
        }
        Err(reason) => {
            rules_customer::give_back(ledger, &reservation);
            (PaymentState::Rejected, Some(reason), bookings.released(&ledger.accounts))
        }
    };
    ledger.payments.decide(reservation.payment, state, reason, at);
    rules_orders::follow(ledger, at, reservation.sequence, state, reason);
    booked
}

/// Gives back what was set aside, and decides the payment without booking it.
fn release(ledger: &mut Ledger, at: Position, slot: u32, state: PaymentState, reason: ReasonCode) -> Booked {
    let (reservation, bookings) = give_back(ledger, at, slot);
    rules_customer::give_back(ledger, &reservation);
    ledger.payments.decide(reservation.payment, state, Some(reason), at);
    rules_orders::follow(ledger, at, reservation.sequence, state, Some(reason));
    bookings.released(&ledger.accounts)
}

fn give_back(ledger: &mut Ledger, at: Position, slot: u32) -> (Reservation, Bookings) {
    let reservation = ledger.reservations.remove(slot);
    let bookings = bookings_of(ledger, &reservation);
    bookings.release(&mut ledger.accounts, &mut ledger.reachable, at.sequence);
    (reservation, bookings)
}

/// The bookings that were planned when the payment was reserved: banks and books never go away.
pub(crate) fn bookings_of(ledger: &Ledger, reservation: &Reservation) -> Bookings {
    let bank = |number: ParticipantNumber| ledger.participants.get(number);
    let sides = Sides {
        debtor_bank: bank(reservation.debtor_bank),
        creditor_bank: bank(reservation.creditor_bank),
        debtor: reservation.debtor_account,
        creditor: reservation.creditor_account,
    };
    let planned = Bookings::plan(sides, reservation.currency, reservation.amount, reservation.fee);
    planned.expect("what could be planned at the reservation can be planned again")
}

fn is_due(end: Timestamp, now: Timestamp) -> bool {
    let second = types::Duration::from_seconds(1);
    let now = if is_on(Mutant::ApplyAnswerAfterExpiry) { now.minus(second) } else { now };
    end <= now
}

#[cfg(test)]
#[path = "rules_answer_many_tests.rs"]
mod many_tests;

#[cfg(test)]
#[path = "rules_answer_tests.rs"]
mod tests;
