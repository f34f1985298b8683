//! What banks to test with came to, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;

use client::v1;
use serde_json::{Value, json};
use types::Bic;

use crate::text::grouped;

/// How often what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often a connection stood.
    pub connections: u64,
    /// Questions that came, repeats included.
    pub questions: u64,
    /// Questions that had come before.
    pub repeated_questions: u64,
    /// Answers that a payment may go on.
    pub accepts: u64,
    /// Answers that it may not.
    pub rejects: u64,
    /// Answers that changed nothing, by what they were.
    pub effects: BTreeMap<v1::AnswerEffect, u64>,
    /// Reports of a settlement.
    pub settled: u64,
    /// Reports of a rejection, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Reports of an expiry, by reason.
    pub expired: BTreeMap<String, u64>,
    /// Reports of what had been told before.
    pub repeated_reports: u64,
    /// What there was no room for in the book.
    pub unaudited: u64,
}

/// What one bank came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterpartReport {
    /// The bank.
    pub bic: Bic,
    /// Payments that it heard of.
    pub payments: u64,
    /// Payments that should have been reported and were not.
    pub unreported: u64,
    /// How often what happened.
    pub tally: Tally,
    /// How many things do not fit.
    pub violation_count: u64,
    /// The first of them, each as a sentence.
    pub violations: Vec<String>,
}

/// What all banks of a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterpartsReport {
    /// How they behaved.
    pub behaviour: String,
    /// Whether they exchanged documents.
    pub iso: bool,
    /// Each of them.
    pub banks: Vec<CounterpartReport>,
    /// Why connections ended for good.
    pub failures: Vec<String>,
}

impl Tally {
    /// A payment was reported for the first time.
    pub(super) fn report(&mut self, status: v1::PaymentStatus, reason: &str) {
        match status {
            v1::PaymentStatus::Settled => self.settled += 1,
            v1::PaymentStatus::Rejected => *self.rejected.entry(reason.to_owned()).or_default() += 1,
            v1::PaymentStatus::Expired => *self.expired.entry(reason.to_owned()).or_default() += 1,
            v1::PaymentStatus::Unspecified | v1::PaymentStatus::Reserved | v1::PaymentStatus::Unresolved => {}
        }
    }

    fn to_json(&self) -> Value {
        let effects = self.effects.iter().map(|(effect, count)| (effect_name(*effect), json!(count)));
        json!({
            "connections": self.connections,
            "questions": self.questions,
            "repeated_questions": self.repeated_questions,
            "answers": { "accept": self.accepts, "reject": self.rejects },
            "answers_without_effect": effects.collect::<serde_json::Map<_, _>>(),
            "reports": { "settled": self.settled, "rejected": self.rejected, "expired": self.expired },
            "repeated_reports": self.repeated_reports,
            "unaudited": self.unaudited,
        })
    }
}

impl CounterpartReport {
    /// Whether everything that the bank was told fits together.
    pub const fn passed(&self) -> bool {
        self.violation_count == 0
    }

    fn to_json(&self) -> Value {
        let mut json = self.tally.to_json();
        json["bic"] = self.bic.as_str().into();
        json["payments"] = self.payments.into();
        json["unreported"] = self.unreported.into();
        json["violation_count"] = self.violation_count.into();
        json["violations"] = json!(self.violations);
        json
    }
}

impl CounterpartsReport {
    /// Whether everything fits together, at every bank, and no connection was refused.
    pub fn passed(&self) -> bool {
        self.failures.is_empty() && self.banks.iter().all(CounterpartReport::passed)
    }

    /// The form for programs.
    pub fn to_json(&self) -> Value {
        json!({
            "behaviour": self.behaviour,
            "iso": self.iso,
            "passed": self.passed(),
            "banks": self.banks.iter().map(CounterpartReport::to_json).collect::<Vec<_>>(),
            "failures": self.failures,
        })
    }
}

/// Such as `LATE`.
fn effect_name(effect: v1::AnswerEffect) -> String {
    effect.as_str_name().trim_start_matches("ANSWER_EFFECT_").to_owned()
}

/// A table for people.
impl fmt::Display for CounterpartReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = &self.tally;
        let connections = tally.connections;
        writeln!(
            formatter,
            "bank {}: {} payments, connected {connections} times",
            self.bic,
            grouped(self.payments)
        )?;
        let mut row = |name: &str, count: u64| writeln!(formatter, "  {name:<32}{:>15}", grouped(count));
        row("questions", tally.questions)?;
        row("accepted", tally.accepts)?;
        row("rejected", tally.rejects)?;
        for (effect, count) in &tally.effects {
            let effect = effect_name(*effect).to_lowercase().replace('_', " ");
            row(&format!("answers without effect: {effect}"), *count)?;
        }
        row("reported as settled", tally.settled)?;
        for (reason, count) in &tally.rejected {
            row(&format!("reported as rejected {reason}"), *count)?;
        }
        for (reason, count) in &tally.expired {
            row(&format!("reported as expired {reason}"), *count)?;
        }
        let rare = [
            ("questions asked again", tally.repeated_questions),
            ("reports told again", tally.repeated_reports),
            ("not reported", self.unreported),
            ("not audited for want of room", tally.unaudited),
        ];
        for (name, count) in rare.into_iter().filter(|(_, count)| *count > 0) {
            row(name, count)?;
        }
        for violation in &self.violations {
            writeln!(formatter, "  DOES NOT FIT: {violation}")?;
        }
        match self.violation_count {
            0 => writeln!(formatter, "  everything that it was told fits together"),
            count => writeln!(formatter, "  {} THINGS DO NOT FIT", grouped(count)),
        }
    }
}

impl fmt::Display for CounterpartsReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for bank in &self.banks {
            bank.fmt(formatter)?;
        }
        for failure in &self.failures {
            writeln!(formatter, "a connection ended: {failure}")?;
        }
        Ok(())
    }
}
