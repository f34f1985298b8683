//! What a bank was asked, said and was told, and whether it fits together.
//!
//! Invariants:
//! - A payment's outcome is believed the first time; whatever contradicts it later is a violation.
//! - The book keeps no personal data: payments are names, states and reasons.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::{Duration, SystemTime};

use client::v1;
use types::Bic;

use super::report::{CounterpartReport, Tally};

/// Payments that a book has room for, at some 200 bytes each. Later ones are counted and not audited.
const PAYMENTS_MAX: usize = 4_000_000;

/// Violations that are described; all are counted.
const DESCRIBED_MAX: usize = 20;

/// A bank's book.
#[derive(Debug)]
pub(crate) struct Book {
    bic: Bic,
    /// Whether payments may be settled without an answer: the bank has said so for accounts that are kept at the node.
    silence_accepts: bool,
    payments: HashMap<String, Payment>,
    tally: Tally,
    /// Payments that are known when the bank closes have to be reported; later ones need not.
    is_closing: bool,
    violation_count: u64,
    violations: Vec<String>,
}

/// What is known of a payment.
#[derive(Debug, Default)]
struct Payment {
    /// By stage: debit, credit.
    asked: [Option<Asked>; 2],
    /// By side: debtor, creditor.
    told: [Option<Told>; 2],
    /// Whether that came as a report, by side; an answer without effect may be told the outcome before.
    reported: [bool; 2],
    /// Whether the bank began to close before it heard of the payment.
    is_late_comer: bool,
}

/// A question, and what the bank did about it.
#[derive(Debug)]
struct Asked {
    answer_by: Option<SystemTime>,
    /// The first answer that was handed over.
    said: Option<v1::Decision>,
    /// Whether the node said that it came too late.
    was_late: bool,
}

/// An outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    status: v1::PaymentStatus,
    reason: String,
}

impl Book {
    pub(super) fn new(bic: Bic, silence_accepts: bool) -> Self {
        Self {
            bic,
            silence_accepts,
            payments: HashMap::new(),
            tally: Tally::default(),
            is_closing: false,
            violation_count: 0,
            violations: Vec::new(),
        }
    }

    pub(super) const fn counts(&self) -> &Tally {
        &self.tally
    }

    /// A connection stands.
    pub(super) fn connected(&mut self) {
        self.tally.connections += 1;
    }

    /// The bank is asked; `true` if it has been asked this before.
    pub(super) fn asked(&mut self, question: &v1::PaymentQuestion) -> bool {
        self.tally.questions += 1;
        let Some(stage) = stage_place(question.stage()) else {
            self.violation(&question.payment_id, "it was asked for no decision");
            return false;
        };
        let answer_by = question.time_left(SystemTime::UNIX_EPOCH).map(|time| SystemTime::UNIX_EPOCH + time);
        let Some(payment) = self.payment(&question.payment_id) else { return false };
        let before = payment.asked[stage].is_some();
        payment.asked[stage].get_or_insert(Asked { answer_by, said: None, was_late: false });
        if before {
            self.tally.repeated_questions += 1;
            if !question.possible_repeat {
                self.violation(&question.payment_id, "it was asked again without being told so");
            }
        }
        before
    }

    /// An answer was handed to a connection.
    pub(super) fn said(&mut self, answer: &v1::PaymentAnswer) {
        match answer.decision() {
            v1::Decision::Accept => self.tally.accepts += 1,
            v1::Decision::Reject => self.tally.rejects += 1,
            v1::Decision::Unspecified => {}
        }
        let Some(stage) = stage_place(answer.stage()) else { return };
        // Answers about what the bank was not asked are wrong on purpose, and leave no trace.
        let payment = self.payments.get_mut(&answer.payment_id);
        if let Some(asked) = payment.and_then(|payment| payment.asked[stage].as_mut()) {
            asked.said.get_or_insert(answer.decision());
        }
    }

    /// A payment is final.
    pub(super) fn told_report(&mut self, report: &v1::PaymentReport) {
        let Some(outcome) = &report.outcome else {
            return self.violation("", "what came has no outcome or makes no sense");
        };
        let side = match report.side() {
            v1::PaymentSide::Debtor => 0,
            v1::PaymentSide::Creditor => 1,
            v1::PaymentSide::Unspecified => {
                return self.violation(&outcome.payment_id, "a report has no side");
            }
        };
        self.told_outcome(side, outcome);
        let payment = self.payments.get_mut(&outcome.payment_id);
        let was_reported =
            payment.is_some_and(|payment| std::mem::replace(&mut payment.reported[side], true));
        match was_reported {
            true => self.tally.repeated_reports += 1,
            false => self.tally.report(outcome.status(), &outcome.reason_code),
        }
    }

    /// An answer changed nothing.
    pub(super) fn told_result(&mut self, result: &v1::AnswerResult) {
        *self.tally.effects.entry(result.effect()).or_default() += 1;
        let stage = stage_place(result.stage());
        if result.effect() == v1::AnswerEffect::Late
            && let Some(payment) = self.payments.get_mut(&result.payment_id)
            && let Some(asked) = stage.and_then(|stage| payment.asked[stage].as_mut())
        {
            asked.was_late = true;
        }
        if let (Some(outcome), Some(side)) = (&result.outcome, stage) {
            // A bank decides about debits as the payer's, about credits as the payee's.
            self.told_outcome(side, outcome);
        }
    }

    /// Believes an outcome, or holds it against what was told before.
    fn told_outcome(&mut self, side: usize, outcome: &v1::PaymentOutcome) {
        let status = outcome.status();
        match status {
            v1::PaymentStatus::Settled | v1::PaymentStatus::Rejected | v1::PaymentStatus::Expired => {}
            // A double answer may be told that the payment still waits for somebody else.
            v1::PaymentStatus::Reserved | v1::PaymentStatus::Unresolved => return,
            v1::PaymentStatus::Unspecified => {
                return self.violation(&outcome.payment_id, "an outcome has no state");
            }
        }
        let told = Told { status, reason: outcome.reason_code.clone() };
        let Some(payment) = self.payment(&outcome.payment_id) else { return };
        let known = payment.told[side].clone();
        payment.told[side].get_or_insert_with(|| told.clone());
        let other = payment.told[1 - side].clone();
        if let Some(known) = known.as_ref().filter(|known| **known != told) {
            let what = format!("it was told {}, and before {}", told.text(), known.text());
            self.violation(&outcome.payment_id, &what);
        }
        let settled = |told: &Told| told.status == v1::PaymentStatus::Settled;
        if let Some(other) = other
            && settled(&other) != settled(&told)
        {
            let what = format!("one side was told {}, the other {}", told.text(), other.text());
            self.violation(&outcome.payment_id, &what);
        }
    }

    /// What the bank was told of a payment.
    pub(super) fn told(&self, payment: &str) -> Option<(v1::PaymentStatus, String)> {
        let payment = self.payments.get(payment)?;
        let told = payment.told.iter().flatten().next()?;
        Some((told.status, told.reason.clone()))
    }

    /// Whether the bank has heard of a payment.
    pub(super) fn knows(&self, payment: &str) -> bool {
        self.payments.contains_key(payment)
    }

    /// The bank begins to close: how long what it knows of may still take.
    pub(super) fn close(&mut self) -> Duration {
        self.is_closing = true;
        let now = SystemTime::now();
        let open = self.payments.values().filter(|payment| payment.expects_report());
        let ends =
            open.flat_map(|payment| payment.asked.iter().flatten()).filter_map(|asked| asked.answer_by);
        ends.max().and_then(|end| end.duration_since(now).ok()).unwrap_or_default()
    }

    /// How many payments have to be reported and are not.
    pub(super) fn unreported(&mut self) -> u64 {
        count(self.payments.values().filter(|payment| payment.expects_report()))
    }

    /// Payments that have to be reported and are not, by name.
    pub(super) fn unreported_names(&self, count_max: usize) -> Vec<String> {
        let open = self.payments.iter().filter(|(_, payment)| payment.expects_report());
        open.map(|(name, _)| name.clone()).take(count_max).collect()
    }

    /// Looks for everything that does not fit, and sums up.
    pub(super) fn report(&mut self) -> CounterpartReport {
        let mut found = Vec::new();
        for (name, payment) in &self.payments {
            found.extend(payment.faults(self.silence_accepts).map(|fault| (name.clone(), fault)));
        }
        found.sort_unstable();
        for (name, fault) in found {
            self.violation(&name, fault);
        }
        CounterpartReport {
            bic: self.bic,
            payments: count(self.payments.values()),
            unreported: self.unreported(),
            tally: self.tally.clone(),
            violation_count: self.violation_count,
            violations: self.violations.clone(),
        }
    }

    /// The entry of a payment; `None` if there is no room for another.
    fn payment(&mut self, name: &str) -> Option<&mut Payment> {
        let is_full = self.payments.len() >= PAYMENTS_MAX;
        let is_late_comer = self.is_closing;
        match self.payments.entry(name.to_owned()) {
            Entry::Occupied(occupied) => Some(occupied.into_mut()),
            Entry::Vacant(_) if is_full => {
                self.tally.unaudited += 1;
                None
            }
            Entry::Vacant(vacant) => Some(vacant.insert(Payment { is_late_comer, ..Payment::default() })),
        }
    }

    fn violation(&mut self, payment: &str, what: &str) {
        self.violation_count += 1;
        if self.violations.len() < DESCRIBED_MAX {
            self.violations.push(format!("{payment}: {what}"));
        }
    }
}

impl Payment {
    /// Whether an outcome has to come that has not: the payee's bank hears of everything that it was asked and has not
    /// itself rejected, the payer's bank of everything.
    fn expects_report(&self) -> bool {
        if self.is_late_comer || self.told.iter().any(Option::is_some) {
            return false;
        }
        let rejected = |asked: &Asked| asked.said == Some(v1::Decision::Reject);
        let [debit, credit] = &self.asked;
        debit.is_some() || credit.as_ref().is_some_and(|credit| !rejected(credit))
    }

    /// What does not fit.
    fn faults(&self, silence_accepts: bool) -> impl Iterator<Item = &'static str> {
        let settled = self.told.iter().flatten().any(|told| told.status == v1::PaymentStatus::Settled);
        let asked = || self.asked.iter().flatten();
        let rejected_in_time =
            asked().any(|asked| asked.said == Some(v1::Decision::Reject) && !asked.was_late);
        let unanswered = asked().any(|asked| asked.said.is_none());
        let was_late = asked().any(|asked| asked.said == Some(v1::Decision::Accept) && asked.was_late);
        let faults = [
            (settled && rejected_in_time, "settled, although it was rejected in time"),
            (settled && unanswered && !silence_accepts, "settled without an answer"),
            (settled && was_late && !silence_accepts, "settled, although the answer was too late"),
            (self.expects_report(), "accepted or left open, and never reported"),
        ];
        faults.into_iter().filter_map(|(wrong, fault)| wrong.then_some(fault))
    }
}

impl Told {
    fn text(&self) -> String {
        format!("{} {}", self.status.as_str_name().trim_start_matches("PAYMENT_STATUS_"), self.reason)
            .trim_end()
            .to_owned()
    }
}

const fn stage_place(stage: v1::DecisionStage) -> Option<usize> {
    match stage {
        v1::DecisionStage::Debit => Some(0),
        v1::DecisionStage::Credit => Some(1),
        v1::DecisionStage::Unspecified => None,
    }
}

fn count(items: impl Iterator) -> u64 {
    u64::try_from(items.count()).expect("64 bits")
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
