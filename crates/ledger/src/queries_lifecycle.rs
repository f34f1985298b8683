//! What can be read about payments that wait for a bank's answer.

use types::{AccountNumber, Bic, ParticipantNumber, PaymentState, Sequence, Timestamp};

use crate::outcome::{AnswerEffect, Verdict};
use crate::reservations::{Cursor, Reservation};
use crate::{Ledger, Outcome, Payment, QuestionState, Stage, rules_answer, rules_exceptions};

/// A question to a bank about one payment, not yet answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenQuestion {
    /// The payment's position. What has to be forwarded stands there in the log.
    pub payment: Sequence,
    /// Which decision.
    pub stage: Stage,
    /// The bank that is asked.
    pub bank: ParticipantNumber,
    /// The position at which it was asked.
    pub asked_at: Sequence,
    /// An answer counts before this log time.
    pub answer_by: Timestamp,
    /// When the payment expires; later than `answer_by` where silence accepts.
    pub deadline: Timestamp,
}

impl OpenQuestion {
    pub(crate) const fn of(reservation: &Reservation) -> Self {
        Self {
            payment: reservation.sequence,
            stage: reservation.stage,
            bank: reservation.asked(),
            asked_at: reservation.asked_at,
            answer_by: reservation.due,
            deadline: reservation.deadline,
        }
    }
}

/// Where a list of questions goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuestionCursor(Cursor);

/// Some of a bank's open questions, in the order in which they were asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenQuestions {
    /// The questions.
    pub questions: Vec<OpenQuestion>,
    /// Where to go on; `None` if these were the last.
    pub next: Option<QuestionCursor>,
}

/// How many answers of banks have had each effect since the log began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnswerTotals {
    pub(crate) counts: [u64; 6],
}

impl AnswerTotals {
    /// The number of answers with this effect.
    pub fn of(&self, effect: AnswerEffect) -> u64 {
        self.counts[usize::from(effect.number())]
    }
}

impl Ledger {
    /// The payments that the last tick or command decided beside its own outcome, in the order of decision: those whose
    /// time was over. They are told before that outcome.
    ///
    /// They are decided by the frame's tick, at its position and time, also where a command met them before the tick
    /// had come to them.
    pub fn decided(&self) -> &[Outcome] {
        &self.decided
    }

    /// The payment that the outcome at this place of [`Self::decided`] is of. It is not searched for, because a tick may
    /// decide thousands.
    pub fn decided_payment(&self, place: usize) -> &Payment {
        self.payments.at_slot(self.decided_slots[place])
    }

    /// Marks that payment's settlement as confirmed late.
    pub fn mark_decided_late(&mut self, place: usize) {
        self.payments.mark_late_at(self.decided_slots[place]);
        let payment = *self.payments.at_slot(self.decided_slots[place]);
        rules_exceptions::confirmed_late(self, &payment);
    }

    /// The questions that the last tick or command asked, in the order of asking.
    pub fn asked(&self) -> &[OpenQuestion] {
        &self.asked
    }

    /// When the next question, hold, request to pay or record of a gateway ends. At that log time a frame is wanted, be it empty; if the
    /// time has come already, the last tick took as many as it may, and another frame is wanted at once.
    pub fn next_due(&self) -> Option<Timestamp> {
        let first = [self.reservations.first_due(), self.holds.first_due(), self.kept.first_due()];
        let to_pay = self.requests_to_pay.first_due();
        first.into_iter().chain([to_pay]).flatten().map(|due| due.time).min()
    }

    /// How many payments wait for an answer.
    pub const fn reservation_count(&self) -> usize {
        self.reservations.count()
    }

    /// How many questions a bank has yet to answer, those included that follow once another bank has accepted.
    pub fn unanswered(&self, bank: ParticipantNumber) -> u32 {
        self.reservations.unanswered(bank)
    }

    /// The open question about the payment at this position.
    pub fn open_question(&self, payment: Sequence) -> Option<OpenQuestion> {
        let slot = self.reservations.find(payment)?;
        Some(OpenQuestion::of(self.reservations.get(slot)))
    }

    /// A bank's open questions in the order in which they were asked, at most so many, from the first or from where an
    /// earlier list ended. `None` if there is no such bank.
    ///
    /// A list that goes on shows every question that is open all the while, and none twice, also if the last one shown
    /// has been answered meanwhile.
    pub fn open_questions(
        &self,
        bank: Bic,
        from: Option<QuestionCursor>,
        count_max: usize,
    ) -> Option<OpenQuestions> {
        let bank = self.participants.find(bank)?;
        let from = from.map(|QuestionCursor(cursor)| self.reservations.behind(bank, cursor));
        let mut found = self.reservations.asked_of(bank, from);
        let mut last = None;
        let mut questions = Vec::new();
        for (slot, reservation) in found.by_ref().take(count_max) {
            questions.push(OpenQuestion::of(reservation));
            last = Some(slot);
        }
        let last = last.filter(|_| found.next().is_some());
        let next = last.map(|slot| QuestionCursor(self.reservations.cursor(slot)));
        Some(OpenQuestions { questions, next })
    }

    /// How many answers have had each effect.
    pub const fn answer_totals(&self) -> &AnswerTotals {
        &self.answers
    }

    pub(crate) fn count_answer(&mut self, verdict: Verdict) {
        if let Verdict::Answer { effect, .. } = verdict {
            self.answers.counts[usize::from(effect.number())] += 1;
        }
    }

    /// What must hold between reservations, payments and accounts.
    pub(crate) fn validate_reservations(&self) {
        self.reservations.validate(self.participants.count());
        let waiting = self.payment_totals().of(PaymentState::Reserved);
        assert!(u64::try_from(self.reservations.count()) == Ok(waiting), "every reserved payment waits");
        let mut reserved = vec![0_i64; self.accounts.count() + 1];
        for reservation in self.reservations.iter() {
            let payment = self.payments.at_slot(reservation.payment);
            assert!(payment.sequence() == reservation.sequence, "a reservation knows its payment");
            assert!(payment.state() == PaymentState::Reserved, "only reserved payments wait");
            assert!(payment.question(reservation.stage) == QuestionState::Open, "one question is open");
            let bookings = rules_answer::bookings_of(self, reservation);
            for (account, amount) in bookings.paying(&self.accounts).into_iter().flatten() {
                reserved[place(account)] += amount;
            }
        }
        for (number, account) in self.accounts() {
            assert!(
                account.reserved() == reserved[place(number)],
                "what is reserved is reserved for something"
            );
        }
    }
}

fn place(account: AccountNumber) -> usize {
    usize::try_from(account.0).expect("32 bits")
}
