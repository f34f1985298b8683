//! What test scripts ask about payments that wait for a bank.

use types::{PaymentState, ReasonCode};

use super::Run;
use crate::testing_words::{Words, bank, start};
use crate::{AnswerEffect, OpenQuestion, Outcome, Stage, Verdict};

impl Run {
    pub(super) fn ask_lifecycle(&self, verb: &str, words: &mut Words<'_>) -> String {
        match verb {
            "decided" => list(self.last.decided.iter().map(|outcome| self.decided(outcome))),
            "asked" => list(self.last.asked.iter().map(|question| self.asked(question))),
            "due" => self.ledger.next_due().map_or("never".to_owned(), |due| {
                let nanoseconds = due.since(start()).nanoseconds();
                match (nanoseconds % 1_000_000_000, nanoseconds % 1_000_000) {
                    (0, _) => format!("{}s", nanoseconds / 1_000_000_000),
                    (_, 0) => format!("{}ms", nanoseconds / 1_000_000),
                    _ => format!("{nanoseconds}ns"),
                }
            }),
            "answers" => list(AnswerEffect::ALL.into_iter().filter_map(|effect| {
                let count = self.ledger.answer_totals().of(effect);
                (count > 0).then(|| format!("{count} {}", named(effect)))
            })),
            "questions" => {
                let open =
                    self.ledger.open_questions(bank(words.word()), None, 100).expect("it is registered");
                list(open.questions.iter().map(|question| self.label(question.payment).to_owned()))
            }
            "unanswered" => {
                let (number, _) = self.ledger.participant(bank(words.word())).expect("it is registered");
                self.ledger.unanswered(number).to_string()
            }
            "heard" => {
                let payment = self.ledger.payment(self.labelled(words.word())).expect("it is kept");
                let told = [Stage::Debit, Stage::Credit].map(|stage| payment.told_to(stage));
                let told = told
                    .map(|told| told.map_or("nothing".to_owned(), |told| stands(told.state, told.reason)));
                told.join(" | ")
            }
            verb => panic!("not a question: {verb}"),
        }
    }

    fn decided(&self, outcome: &Outcome) -> String {
        let Verdict::Payment { state, reason, repeat_of: None } = outcome.verdict else {
            panic!("only payments are decided by time")
        };
        format!("{} {}", self.label(outcome.sequence), stands(state, reason))
    }

    fn asked(&self, question: &OpenQuestion) -> String {
        let bank = self.ledger.participant_by_number(question.bank).bic();
        let stage = format!("{:?}", question.stage).to_lowercase();
        // The bank's letter.
        format!("{} {stage} {}", self.label(question.payment), char::from(bank.as_bytes()[7]))
    }
}

/// What an answer came to, in words.
pub(super) fn answered(
    effect: AnswerEffect,
    state: Option<PaymentState>,
    reason: Option<ReasonCode>,
) -> String {
    match (state, reason) {
        (Some(state), reason) => format!("{} {}", named(effect), stands(state, reason)),
        (None, Some(reason)) => format!("{} {reason}", named(effect)),
        (None, None) => named(effect).to_owned(),
    }
}

const fn named(effect: AnswerEffect) -> &'static str {
    match effect {
        AnswerEffect::Applied => "applied",
        AnswerEffect::Late => "late",
        AnswerEffect::Double => "double",
        AnswerEffect::Contrary => "contrary",
        AnswerEffect::NotAsked => "not asked",
        AnswerEffect::PaymentUnknown => "unknown",
    }
}

fn stands(state: PaymentState, reason: Option<ReasonCode>) -> String {
    let state = format!("{state:?}").to_lowercase();
    reason.map_or(state.clone(), |reason| format!("{state} {reason}"))
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}
