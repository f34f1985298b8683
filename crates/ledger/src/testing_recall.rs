//! What test scripts ask about the calendar and recalls.

use types::{Date, PaymentState, Sequence};

use super::{Run, decimal};
use crate::testing_words::{Fate, Words, bank};
use crate::{Outcome, RecallAnswer, Verdict};

impl Run {
    /// Keeps what became of payments, as their log tells it for ever.
    pub(super) fn keep_fates(&mut self, outcomes: &[Outcome]) {
        for outcome in
            outcomes.iter().copied().flat_map(|outcome| [Some(outcome), outcome.decides()]).flatten()
        {
            if let Verdict::Payment { state, repeat_of: None, .. } = outcome.verdict {
                self.fates.push((outcome.sequence, (state, outcome.decided_at, outcome.decided_time)));
            }
        }
    }

    /// What became of the payment at this position; that of none was settled just there.
    pub(super) fn fate(&self, sequence: Sequence) -> Fate {
        let known = self.fates.iter().rev().find(|fate| fate.0 == sequence);
        known.map_or((PaymentState::Settled, sequence, self.now), |fate| fate.1)
    }

    pub(super) fn ask_recall(&self, verb: &str, words: &mut Words<'_>) -> String {
        let day = |words: &mut Words<'_>| Date::parse(words.word()).unwrap();
        match verb {
            "date" => self.ledger.business_date().map_or("none".to_owned(), |date| {
                let before = date.before().map_or(String::new(), |before| format!(", before {before}"));
                format!("{}{before}", date.date())
            }),
            "accepts" => {
                let date = self.ledger.business_date().expect("one is set");
                date.accepts(day(words), self.now).to_string()
            }
            "open-day" => {
                self.ledger.is_banking_day(day(words)).map_or("unknown".to_owned(), |open| open.to_string())
            }
            "years" => {
                let years: Vec<_> =
                    self.ledger.closing_days().iter().map(|year| year.year().to_string()).collect();
                years.join(" ")
            }
            "recalls" => {
                let (bank, _) = self.ledger.participant(bank(words.word())).expect("it is registered");
                let open = self.ledger.open_recalls(bank, Sequence(0));
                joined(open.map(|recall| self.label(recall.sequence()).to_owned()))
            }
            "ending" => joined(
                self.ledger
                    .recalls_to_end()
                    .map(|(recall, refusal)| format!("{} {}", self.label(recall.sequence()), refusal.code())),
            ),
            "recalled" => {
                let recall = self.ledger.recall_of_payment(self.original(words.word()));
                let Some(recall) = recall else { return "no".to_owned() };
                assert_eq!(
                    self.ledger.recall(recall.sequence()).map(|found| found.payment()),
                    Some(recall.payment())
                );
                let Some(answered) = recall.answered() else {
                    return format!("open to {}", recall.answer_by());
                };
                let late = if recall.is_late() { ", late" } else { "" };
                match answered.answer {
                    RecallAnswer::Return { amount, fee } => {
                        let (amount, fee) = (decimal(amount.minor_units()), decimal(fee.minor_units()));
                        let elsewhere = if answered.is_elsewhere { ", elsewhere" } else { "" };
                        format!("returned {amount} fee {fee}{elsewhere}{late}")
                    }
                    RecallAnswer::Refuse(refusal) => format!("refused {}{late}", refusal.code()),
                    RecallAnswer::TimeOver(refusal) => format!("over {}{late}", refusal.code()),
                }
            }
            verb => panic!("not a question: {verb}"),
        }
    }
}

fn joined(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    if items.is_empty() { "none".to_owned() } else { items.join(" ") }
}
