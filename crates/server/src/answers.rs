//! What connected banks answer: read, submitted, and told where it changed nothing.
//!
//! Invariants:
//! - An answer that was read is never dropped: where the engine is overloaded it waits.
//! - A connection has no more answers under way than it may; beyond that it is not read.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use client::convert::{FieldReader, Path};
use client::limits::BATCH_ITEMS_MAX;
use client::v1;
use engine::{NotTaken, Waiting};
use ledger::{Answer, AnswerEffect, AnswerPayment, Outcome, RecordWriter, Stage, Verdict};
use tokio::sync::Notify;
use tonic::Status;
use types::{Bic, Located, PaymentId, PrincipalNumber, ReasonCode, Sequence};

use crate::log::payments;
use crate::mailbox::{Letter, Mailbox};
use crate::node::Node;
use crate::refusals::{invalid, not_taken, stopping_connection, unanswered};
use crate::values::{PaymentFacts, PaymentReferences, payment_outcome};

/// The answers of one connection that are under way, and those that changed nothing.
#[derive(Debug)]
pub(crate) struct Answers {
    under_way: AtomicUsize,
    /// No more will come.
    is_closed: AtomicBool,
    changed_nothing: Mutex<Vec<ChangedNothing>>,
    notify: Arc<Notify>,
    has_room: Arc<Notify>,
    mailbox: Mailbox,
}

/// An answer that changed nothing.
#[derive(Debug)]
pub(crate) struct ChangedNothing {
    /// The payment, as in the answer.
    pub(crate) payment_id: String,
    pub(crate) stage: Stage,
    pub(crate) effect: AnswerEffect,
    /// The payment's position.
    pub(crate) payment: Sequence,
    /// The position of the answer.
    pub(crate) sequence: Sequence,
}

/// Answers of one connection that may be under way.
const UNDER_WAY_MAX: usize = 4096;

/// After this time an answer that an overloaded engine did not take is submitted again.
const AGAIN_AFTER: Duration = Duration::from_millis(2);

impl Answers {
    pub(crate) fn new(mailbox: Mailbox) -> Arc<Self> {
        Arc::new(Self {
            under_way: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
            changed_nothing: Mutex::default(),
            notify: Arc::default(),
            has_room: Arc::default(),
            mailbox,
        })
    }

    /// No more will come: from now on [`Self::ready`] also tells that some were applied.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
    }

    /// Whether nothing is under way any more but what waits to be taken.
    pub(crate) fn are_all_decided(&self) -> bool {
        let waiting = self.changed_nothing.lock().unwrap_or_else(PoisonError::into_inner);
        self.under_way.load(Ordering::SeqCst) == waiting.len()
    }

    /// Waits until there are some that changed nothing. May be dropped at any time.
    pub(crate) async fn ready(&self) {
        self.notify.notified().await;
    }

    /// At most so many that changed nothing.
    pub(crate) fn take(&self, count_max: usize) -> Vec<ChangedNothing> {
        let mut all = self.changed_nothing.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.len().min(count_max);
        let taken = all.drain(..count).collect();
        let left = !all.is_empty();
        drop(all);
        if left {
            self.notify.notify_one();
        }
        if count > 0 {
            self.gives_back(count);
        }
        taken
    }

    /// Waits until so many more may be under way. An answer that changed nothing is under way until it is told.
    async fn take_places(&self, count: usize) {
        while self.under_way.load(Ordering::Relaxed) + count > UNDER_WAY_MAX {
            self.has_room.notified().await;
        }
        self.under_way.fetch_add(count, Ordering::Relaxed);
    }

    fn gives_back(&self, count: usize) {
        let before = self.under_way.fetch_sub(count, Ordering::SeqCst);
        // Whoever waits needs at most the places of one message.
        if before > UNDER_WAY_MAX - BATCH_ITEMS_MAX {
            self.mailbox.put(Letter::Wake(Arc::clone(&self.has_room)));
        }
    }

    /// On the core thread.
    fn decided(&self, ids: Vec<Answered>, outcomes: &[Outcome]) {
        let mut applied = 0;
        let mut others = Vec::new();
        for (Answered { payment_id, stage }, outcome) in ids.into_iter().zip(outcomes) {
            let Verdict::Answer { payment, effect, .. } = outcome.verdict else {
                unreachable!("an answer has an answer's verdict")
            };
            match effect {
                AnswerEffect::Applied => applied += 1,
                AnswerEffect::Late
                | AnswerEffect::Double
                | AnswerEffect::Contrary
                | AnswerEffect::NotAsked
                | AnswerEffect::PaymentUnknown => {
                    let sequence = outcome.sequence;
                    others.push(ChangedNothing { payment_id, stage, effect, payment, sequence });
                }
            }
        }
        if applied > 0 {
            self.gives_back(applied);
            if self.is_closed.load(Ordering::SeqCst) {
                self.mailbox.put(Letter::Wake(Arc::clone(&self.notify)));
            }
        }
        if !others.is_empty() {
            self.changed_nothing.lock().unwrap_or_else(PoisonError::into_inner).append(&mut others);
            self.mailbox.put(Letter::Wake(Arc::clone(&self.notify)));
        }
    }
}

/// What an answer was to.
struct Answered {
    payment_id: String,
    stage: Stage,
}

/// Takes the answers of one message, when there is room for them.
pub(crate) async fn take_answers(
    node: &Node,
    answers: &Arc<Answers>,
    principal: PrincipalNumber,
    bank: Bic,
    message: v1::PaymentAnswers,
) -> Result<(), Status> {
    let count = message.answers.len();
    if !(1..=BATCH_ITEMS_MAX).contains(&count) {
        let description = format!("a message has 1 to {BATCH_ITEMS_MAX} answers");
        return Err(invalid(vec![v1::FieldViolation { field: "answers.answers".to_owned(), description }]));
    }
    let commands = read_answers(node, bank, &message)?;
    answers.take_places(count).await;
    let mut ids = message
        .answers
        .into_iter()
        .zip(&commands)
        .map(|(wire, command)| Answered { payment_id: wire.payment_id, stage: command.stage });
    let ids: Vec<Answered> = ids.by_ref().collect();
    submit(node, answers, principal, &commands, ids).await
}

/// Submits answers, as often as it takes.
async fn submit(
    node: &Node,
    answers: &Arc<Answers>,
    principal: PrincipalNumber,
    commands: &[AnswerPayment],
    ids: Vec<Answered>,
) -> Result<(), Status> {
    // What a submission was refused with comes back, because a sink that was not taken is gone.
    let ids = Arc::new(Mutex::new(Some(ids)));
    loop {
        let mut records: RecordWriter = node.handle.commands(principal);
        commands.iter().for_each(|command| records.answer(command));
        let (answers, ids) = (Arc::clone(answers), Arc::clone(&ids));
        let sink = move |outcomes: &[Outcome], _: &mut Waiting<'_>| {
            let ids = ids.lock().unwrap_or_else(PoisonError::into_inner).take();
            answers.decided(ids.expect("a sink is called once"), outcomes);
        };
        match node.handle.submit(records, Box::new(sink)) {
            Ok(()) => return Ok(()),
            Err(NotTaken::Overloaded) => tokio::select! {
                () = tokio::time::sleep(AGAIN_AFTER) => {}
                () = node.stops() => return Err(stopping_connection()),
            },
            Err(NotTaken::Stopping) => return Err(unanswered()),
            Err(reason) => return Err(not_taken(reason).into_status()),
        }
    }
}

fn read_answers(node: &Node, bank: Bic, message: &v1::PaymentAnswers) -> Result<Vec<AnswerPayment>, Status> {
    let mut reader = FieldReader::new();
    let list = Path::root("answers");
    let list = list.field("answers");
    let answers = message.answers.iter().enumerate();
    let commands: Vec<_> = answers
        .map(|(index, answer)| read_answer(&mut reader, &list.element(index), node, bank, answer))
        .collect();
    reader.finish(commands.into_iter().collect()).map_err(invalid)
}

fn read_answer(
    reader: &mut FieldReader,
    path: &Path<'_>,
    node: &Node,
    bank: Bic,
    wire: &v1::PaymentAnswer,
) -> Option<AnswerPayment> {
    let payment = match PaymentId::parse(&wire.payment_id) {
        Ok(id) => match node.handle.locate(id) {
            Located::At(sequence) => Some(sequence),
            // An id of another log, or of what a restore has cut off, names no payment of this one.
            Located::Lost { .. } | Located::Elsewhere => Some(Sequence(0)),
        },
        Err(error) => {
            reader.violation(&path.field("payment_id"), error);
            None
        }
    };
    let stage = match wire.stage() {
        v1::DecisionStage::Debit => Some(Stage::Debit),
        v1::DecisionStage::Credit => Some(Stage::Credit),
        v1::DecisionStage::Unspecified => {
            reader.missing(&path.field("stage"));
            None
        }
    };
    let reason = path.field("reason_code");
    let answer = match wire.decision() {
        v1::Decision::Accept => {
            if !wire.reason_code.is_empty() {
                reader.violation(&reason, "only with REJECT");
            }
            Some(Answer::Accept)
        }
        v1::Decision::Reject if wire.reason_code.is_empty() => {
            reader.missing(&reason);
            None
        }
        v1::Decision::Reject => match ReasonCode::parse(&wire.reason_code) {
            Ok(reason) => Some(Answer::Reject(reason)),
            Err(error) => {
                reader.violation(&reason, error);
                None
            }
        },
        v1::Decision::Unspecified => {
            reader.missing(&path.field("decision"));
            None
        }
    };
    Some(AnswerPayment { payment: payment?, bic: bank, stage: stage?, answer: answer? })
}

/// Answers that changed nothing, with what is true instead.
pub(crate) async fn answer_results(
    node: &Node,
    answers: Vec<ChangedNothing>,
) -> Result<Vec<v1::AnswerResult>, Status> {
    let tells = |answer: &ChangedNothing| match answer.effect {
        AnswerEffect::NotAsked | AnswerEffect::PaymentUnknown => false,
        AnswerEffect::Applied | AnswerEffect::Late | AnswerEffect::Double | AnswerEffect::Contrary => true,
    };
    let told = answers.iter().filter(|answer| tells(answer));
    let positions: Vec<Sequence> = told.map(|answer| answer.payment).collect();
    let mut known = payments(node, &positions).await?.into_iter();
    let results = answers.into_iter().map(|answer| {
        let payment = if tells(&answer) { known.next().flatten() } else { None };
        let outcome = payment.map(|payment| {
            let facts =
                PaymentFacts { reason: payment.reason_to(answer.stage), ..PaymentFacts::of(&payment) };
            payment_outcome(&node.handle, PaymentReferences::of(&payment), &facts)
        });
        v1::AnswerResult {
            payment_id: answer.payment_id,
            stage: wire_stage(answer.stage).into(),
            effect: wire_effect(answer.effect).into(),
            outcome,
            sequence: answer.sequence.0,
        }
    });
    Ok(results.collect())
}

pub(crate) const fn wire_stage(stage: Stage) -> v1::DecisionStage {
    match stage {
        Stage::Debit => v1::DecisionStage::Debit,
        Stage::Credit => v1::DecisionStage::Credit,
    }
}

const fn wire_effect(effect: AnswerEffect) -> v1::AnswerEffect {
    match effect {
        AnswerEffect::Applied => v1::AnswerEffect::Unspecified,
        AnswerEffect::Late => v1::AnswerEffect::Late,
        AnswerEffect::Double => v1::AnswerEffect::Double,
        AnswerEffect::Contrary => v1::AnswerEffect::Contrary,
        AnswerEffect::NotAsked => v1::AnswerEffect::NotAsked,
        AnswerEffect::PaymentUnknown => v1::AnswerEffect::PaymentUnknown,
    }
}
