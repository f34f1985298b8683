//! A node beside another system that decides: it gets a copy of what that system gets, decides by its own rules and keeps the
//! books, and tells nobody.
//!
//! The banks that would be asked know nothing of it. What they would say is not known here, so the node stands in for them
//! and accepts: where a bank said no to the other system, the comparison with that system's file shows it.
//!
//! Invariants:
//! - No bank is connected: `Connect` and `Exchange` are refused, and so is `Watch` to whoever does not see everything.
//! - Each question is answered, also those that were open when the node started.

use std::sync::Arc;
use std::time::Duration;

use engine::{
    Answer as EngineAnswer, Banks, Handle, Interest, NotTaken, Notice, Outcomes, Question, QuestionsOfBank,
    Subscription, Taken,
};
use ledger::{Answer, AnswerPayment, QuestionCursor};
use tokio::sync::{Notify, watch};
use tonic::Status;
use types::Bic;

use crate::caller::Caller;
use crate::node::Node;
use crate::own_work::{self, NODE};
use crate::refusals::parallel_node;

/// Questions that may wait for the task, and those that are answered together.
const QUESTIONS_MAX: usize = 1 << 14;
const TOGETHER: usize = 512;

/// Bytes of orders that may wait with them.
const BYTES_MAX: usize = 16 << 20;

/// After answers were not taken they are given again.
const AGAIN_AFTER: Duration = Duration::from_millis(10);

/// Refuses what would tell a bank something.
pub(crate) fn check_may_tell(node: &Node) -> Result<(), Status> {
    if node.handle.is_parallel() { Err(parallel_node().into_status()) } else { Ok(()) }
}

/// Refuses to tell whoever does not see everything: tills and banks would act on it.
pub(crate) fn check_may_watch(node: &Node, caller: &Caller) -> Result<(), Status> {
    if caller.sees_everything() { Ok(()) } else { check_may_tell(node) }
}

/// Accepts for every bank that is asked, until the node stops.
pub(crate) async fn stand_in(handle: Handle, mut stopping: watch::Receiver<bool>) {
    let work = async {
        // It ends where the engine takes no more, which is when the node stops.
        if let Err(error) = answer_all(&handle).await {
            tracing::warn!(%error, "questions to banks are not answered any more");
        }
    };
    tokio::select! {
        () = work => {}
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
}

async fn answer_all(handle: &Handle) -> Result<(), NotTaken> {
    let notify = Arc::new(Notify::new());
    let wake = Arc::clone(&notify);
    let interest = Interest {
        banks: Banks::All,
        questions: engine::Questions::ALL,
        outcomes: Outcomes::Nothing,
        notices_max: QUESTIONS_MAX,
        bytes_max: BYTES_MAX,
    };
    let subscription = handle.subscribe(interest, Box::new(move || wake.notify_one()))?;
    answer_open(handle).await?;
    loop {
        match answer_some(handle, &subscription).await? {
            Some(true) => {}
            Some(false) => notify.notified().await,
            None => {
                subscription.restart();
                answer_open(handle).await?;
            }
        }
    }
}

/// Answers some of what was asked, and says whether there may be more; `None` if some found no room and was lost.
async fn answer_some(handle: &Handle, subscription: &Subscription) -> Result<Option<bool>, NotTaken> {
    let mut notices = Vec::new();
    let taken = subscription.take(TOGETHER, &mut notices);
    let answers = notices.into_iter().filter_map(|notice| match notice {
        Notice::Asked { question, bank, .. } => Some(accept(&question, bank)),
        Notice::Outcome { .. }
        | Notice::Changed { .. }
        | Notice::Crossed(_)
        | Notice::Recall(_)
        | Notice::HoldExpired(_)
        | Notice::Exception(_)
        | Notice::Request(_)
        | Notice::Orders(_) => None,
    });
    give(handle, answers.collect()).await?;
    Ok(match taken {
        Taken::Given { more, .. } => Some(more),
        Taken::Lost { .. } => None,
    })
}

/// Answers what is open, bank by bank.
async fn answer_open(handle: &Handle) -> Result<(), NotTaken> {
    for bank in handle.directory().bank_codes() {
        let mut from: Option<QuestionCursor> = None;
        loop {
            let question = Question::OpenQuestions { bank, from, count_max: TOGETHER };
            let Some(EngineAnswer::OpenQuestions(Some(found))) = ask(handle, question).await? else { break };
            let QuestionsOfBank { questions, next } = found;
            give(handle, questions.iter().map(|(question, _)| accept(question, bank)).collect()).await?;
            from = next;
            if from.is_none() {
                break;
            }
        }
    }
    Ok(())
}

const fn accept(question: &ledger::OpenQuestion, bic: Bic) -> AnswerPayment {
    AnswerPayment { payment: question.payment, bic, stage: question.stage, answer: Answer::Accept }
}

async fn ask(handle: &Handle, question: Question) -> Result<Option<EngineAnswer>, NotTaken> {
    loop {
        match own_work::ask(handle, question.clone()).await {
            Err(NotTaken::Overloaded) => tokio::time::sleep(AGAIN_AFTER).await,
            answered => return answered.map(|answered| answered.map(|answered| answered.answer)),
        }
    }
}

/// Gives these answers, and waits until they count: so no more are under way than were asked for together.
async fn give(handle: &Handle, answers: Vec<AnswerPayment>) -> Result<(), NotTaken> {
    if answers.is_empty() {
        return Ok(());
    }
    loop {
        let mut commands = handle.commands(NODE);
        answers.iter().for_each(|answer| commands.answer(answer));
        match own_work::submit(handle, commands, |_| ()).await {
            // Answers that were dropped are asked for again after the next start.
            Ok(Some(()) | None) => return Ok(()),
            Err(NotTaken::Stopping) => return Err(NotTaken::Stopping),
            Err(_) => tokio::time::sleep(AGAIN_AFTER).await,
        }
    }
}
