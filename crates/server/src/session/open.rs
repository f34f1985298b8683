//! The open questions of a bank, read from the core's state for a connection that missed them.

use engine::{Answer, Question, QuestionsOfBank};
use ledger::{OpenQuestion, Payment, QuestionCursor, QuestionState};
use tonic::Status;
use types::{Bic, PaymentState, Sequence};

use super::heard::Asked;
use super::waiting::{Kind, Kinds};
use crate::log::{ask, orders, payments};
use crate::node::Node;
use crate::refusals::{log_unreadable, participant_unknown};

/// Reads open questions, page by page.
#[derive(Debug)]
pub(super) struct OpenQuestions {
    bank: Bic,
    kinds: Kinds,
    /// What is asked after it is heard live.
    upto: Sequence,
    from: Option<QuestionCursor>,
}

/// Some open questions in the order in which they were asked.
pub(super) struct Page {
    pub(super) asked: Vec<Asked>,
    /// Whether it is the last one.
    pub(super) is_last: bool,
}

impl OpenQuestions {
    pub(super) const fn new(bank: Bic, kinds: Kinds, upto: Sequence) -> Self {
        Self { bank, kinds, upto, from: None }
    }

    /// The next of them, at most so many; perhaps none.
    pub(super) async fn next(&mut self, node: &Node, count_max: usize) -> Result<Page, Status> {
        let question = Question::OpenQuestions { bank: self.bank, from: self.from, count_max };
        let Answer::OpenQuestions(Some(found)) = ask(node, question).await?.answer else {
            return Err(participant_unknown());
        };
        let QuestionsOfBank { mut questions, next } = found;
        let is_past = questions.last().is_some_and(|(question, _)| question.asked_at > self.upto);
        self.from = next;
        questions.retain(|(question, _)| {
            question.asked_at <= self.upto && self.kinds.has(Kind::of(question.stage))
        });
        Ok(Page { asked: with_orders(node, questions).await?, is_last: is_past || next.is_none() })
    }
}

/// Those of these questions that are still open, to be told again.
pub(super) async fn still_open(node: &Node, questions: Vec<OpenQuestion>) -> Result<Vec<Asked>, Status> {
    let positions: Vec<Sequence> = questions.iter().map(|question| question.payment).collect();
    let known = payments(node, &positions).await?;
    let is_open = |question: &OpenQuestion, payment: &Payment| {
        payment.state() == PaymentState::Reserved && payment.question(question.stage) == QuestionState::Open
    };
    let open = questions.into_iter().zip(known).filter_map(|(question, payment)| {
        let payment = payment.filter(|payment| is_open(&question, payment))?;
        Some((question, payment))
    });
    with_orders(node, open.collect()).await
}

async fn with_orders(node: &Node, questions: Vec<(OpenQuestion, Payment)>) -> Result<Vec<Asked>, Status> {
    let orders = orders(node, questions.iter().map(|(question, _)| question.payment).collect()).await?;
    let asked = questions.into_iter().map(|(question, payment)| {
        let order = orders.get(&question.payment).cloned().ok_or_else(log_unreadable)?;
        Ok(Asked { question, payment, order, is_repeat: true })
    });
    asked.collect()
}
