//! What a connection missed: reports from the log, open questions from the core's state, merged in the order of the log.

use std::collections::VecDeque;

use engine::{Answer, Banks, Decision, Question, QuestionsOfBank};
use ledger::QuestionCursor;
use tonic::Status;
use types::{Bic, Sequence};

use super::heard::{Asked, Heard, reports};
use super::waiting::{Kind, Kinds};
use crate::log::{decisions, orders, payments};
use crate::node::Node;
use crate::refusals::{log_unreadable, participant_unknown, position_too_old, stopping_connection};

/// Reads what was missed, bit by bit.
#[derive(Debug)]
pub(super) struct CatchUp {
    bank: Bic,
    /// What comes after it is heard live.
    upto: Sequence,
    /// Whether the reports may have been told before.
    are_repeats: bool,
    /// Whether what has been forgotten is left out, instead of ending the connection.
    skips_forgotten: bool,
    /// Where the log is read on; `None` when it has been.
    after: Option<Sequence>,
    reports: VecDeque<Heard>,
    /// Which questions are read.
    kinds: Kinds,
    questions: Questions,
    asked: VecDeque<Heard>,
}

/// How far the open questions have been read.
#[derive(Clone, Copy, Debug)]
enum Questions {
    First,
    From(QuestionCursor),
    Done,
}

/// Questions that are read at a time.
const QUESTIONS_MAX: usize = 256;

impl CatchUp {
    /// What a new connection missed: reports from the position on that the bank has processed, which may share its
    /// position with others, and all open questions.
    pub(super) fn to_the_start(bank: Bic, last: Option<Sequence>, kinds: Kinds, upto: Sequence) -> Self {
        let after = last.map(|last| Sequence(last.0.saturating_sub(1)));
        let skips_forgotten = last == Some(Sequence(0));
        Self { skips_forgotten, are_repeats: true, ..Self::new(bank, after, kinds, upto) }
    }

    /// What the subscription lost. Nothing of its reports was told to anybody.
    pub(super) fn with_the_lost(bank: Bic, after: Option<Sequence>, kinds: Kinds, upto: Sequence) -> Self {
        Self::new(bank, after, kinds, upto)
    }

    fn new(bank: Bic, after: Option<Sequence>, kinds: Kinds, upto: Sequence) -> Self {
        let asks = kinds.has(Kind::Debit) || kinds.has(Kind::Credit);
        Self {
            bank,
            upto,
            are_repeats: false,
            skips_forgotten: false,
            after: after.filter(|after| *after < upto),
            reports: VecDeque::new(),
            kinds,
            questions: if asks { Questions::First } else { Questions::Done },
            asked: VecDeque::new(),
        }
    }

    /// The next of it, at most so much; nothing when there is no more.
    pub(super) async fn next(&mut self, node: &Node, count_max: usize) -> Result<Vec<Heard>, Status> {
        let mut heard = Vec::new();
        loop {
            if *node.stopping.borrow() {
                return Err(stopping_connection());
            }
            // Questions first: they may wait while the log is read.
            if self.asked.is_empty() {
                self.read_questions(node).await?;
            }
            if self.reports.is_empty() {
                self.read_log(node).await?;
            }
            while heard.len() < count_max && self.knows_the_next() {
                heard.extend(self.take_next());
            }
            let is_over = self.reports.is_empty() && self.asked.is_empty() && self.is_read();
            if !heard.is_empty() || is_over {
                return Ok(heard);
            }
        }
    }

    const fn is_read(&self) -> bool {
        self.after.is_none() && matches!(self.questions, Questions::Done)
    }

    /// Whether nothing that comes before the next one is still to be read.
    fn knows_the_next(&self) -> bool {
        match (self.reports.front(), self.asked.front()) {
            (Some(_), Some(_)) => true,
            (Some(_), None) => matches!(self.questions, Questions::Done),
            // The log has been read up to here, and may have no report as far as that.
            (None, Some(asked)) => self.after.is_none_or(|after| asked.position() <= after),
            (None, None) => false,
        }
    }

    fn take_next(&mut self) -> Option<Heard> {
        let report_is_next = match (self.reports.front(), self.asked.front()) {
            (Some(report), Some(asked)) => report.position() <= asked.position(),
            (Some(_), None) => true,
            (None, _) => false,
        };
        if report_is_next { self.reports.pop_front() } else { self.asked.pop_front() }
    }

    async fn read_log(&mut self, node: &Node) -> Result<(), Status> {
        let Some(after) = self.after else { return Ok(()) };
        let found = decisions(node, after, self.upto, &Banks::Listed(Box::new([self.bank]))).await?;
        self.after = Some(found.reached).filter(|reached| *reached < self.upto);
        let mut decisions = found.decisions;
        decisions.retain(|decision| decision.state.is_final());
        let positions: Vec<Sequence> = decisions.iter().map(|decision| decision.payment).collect();
        let known = payments(node, &positions).await?;
        if !self.skips_forgotten && known.iter().any(Option::is_none) {
            return Err(position_too_old());
        }
        for (Decision { order, .. }, payment) in decisions.into_iter().zip(known) {
            let Some(payment) = payment else { continue };
            let is_creditor = order.creditor_agent() == Some(self.bank);
            let is_late = payment.is_late();
            reports(&payment, self.bank, is_creditor, is_late, Some(&order), self.are_repeats, |report| {
                self.reports.push_back(Heard::Report(report));
            });
        }
        Ok(())
    }

    async fn read_questions(&mut self, node: &Node) -> Result<(), Status> {
        let from = match self.questions {
            Questions::First => None,
            Questions::From(cursor) => Some(cursor),
            Questions::Done => return Ok(()),
        };
        let question = Question::OpenQuestions { bank: self.bank, from, count_max: QUESTIONS_MAX };
        let Answer::OpenQuestions(Some(found)) = node.ask(question).await?.answer else {
            return Err(participant_unknown());
        };
        let QuestionsOfBank { questions, next } = found;
        let is_missed =
            |asked_at: Sequence, stage| asked_at <= self.upto && self.kinds.has(Kind::of_stage(stage));
        let is_past = questions.last().is_some_and(|(question, _)| question.asked_at > self.upto);
        self.questions = match next {
            Some(cursor) if !is_past => Questions::From(cursor),
            Some(_) | None => Questions::Done,
        };
        let missed = questions.into_iter();
        let missed: Vec<_> =
            missed.filter(|(question, _)| is_missed(question.asked_at, question.stage)).collect();
        let orders = orders(node, missed.iter().map(|(question, _)| question.payment).collect()).await?;
        for (question, payment) in missed {
            let Some(order) = orders.get(&question.payment).cloned() else { return Err(log_unreadable()) };
            self.asked.push_back(Heard::Asked(Asked { question, payment, order, is_repeat: true }));
        }
        Ok(())
    }
}
