//! One connection of a bank: hears, behaves, and notes everything.
//!
//! Invariant: what is heard stands in the book before its position counts as processed.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use client::{ClientError, Heard, v1};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};
use types::Bic;

use super::book::Book;
use super::journal::Journal;
use super::line::Line;
use super::{BehaviourMix, at, lock};

/// Answers that wait for their time. What is beyond is answered at once, which is a behaviour as well.
const WAITING_MAX: usize = 1 << 20;

/// Connections are broken off no oftener than this, so that there is something open when they are.
const FLAP_INTERVAL: Duration = Duration::from_millis(200);

/// How often a bank asks about what it has not been told.
const ENQUIRY_INTERVAL: Duration = Duration::from_secs(5);

/// How many payments it asks about at a time.
const ENQUIRIES_MAX: usize = 16;

/// Payments of other banks that a bank which answers wrongly may know of.
const STRANGERS_MAX: usize = 64;

/// What the connections of a bank share.
#[derive(Debug)]
pub(super) struct Shared {
    bic: Bic,
    pub(super) book: Mutex<Book>,
    journal: Option<Arc<Journal>>,
    /// Payments that some bank was asked about.
    strangers: Arc<Mutex<Vec<String>>>,
}

impl Shared {
    pub(super) fn new(
        bic: Bic,
        book: Book,
        journal: Option<Arc<Journal>>,
        strangers: Arc<Mutex<Vec<String>>>,
    ) -> Self {
        Self { bic, book: Mutex::new(book), journal, strangers }
    }
}

/// An answer that waits for its time.
#[derive(Debug, PartialEq)]
struct Waiting {
    due: Instant,
    answer: v1::PaymentAnswer,
}

impl Eq for Waiting {}

/// The earliest is the greatest, which is what a heap gives first.
impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        other.due.cmp(&self.due)
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// One connection at work.
#[derive(Debug)]
pub(super) struct Session {
    line: Line,
    mix: BehaviourMix,
    shared: Arc<Shared>,
    stop: watch::Receiver<bool>,
    waiting: BinaryHeap<Waiting>,
    /// When the connection is to be broken off, if it is, and when that was done last.
    flap_at: Option<Instant>,
    flapped_at: Option<Instant>,
}

impl Session {
    pub(super) fn new(
        line: Line,
        mix: BehaviourMix,
        shared: Arc<Shared>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let waiting = BinaryHeap::new();
        Self { line, mix, shared, stop, waiting, flap_at: None, flapped_at: None }
    }

    /// Runs until it is stopped, or the node refuses the connection; `news` hears when it first stands.
    pub(super) async fn run(mut self, news: mpsc::Sender<()>) -> Result<(), ClientError> {
        let mut news = Some(news);
        let mut enquiries = interval(ENQUIRY_INTERVAL);
        enquiries.set_missed_tick_behavior(MissedTickBehavior::Skip);
        enquiries.reset();
        loop {
            let (due, flap_at) = (self.waiting.peek().map(|waiting| waiting.due), self.flap_at);
            let mut answers = Vec::new();
            tokio::select! {
                heard = self.line.next() => {
                    answers = self.take(&heard?);
                    // Whoever started this may no longer want to know.
                    if let Some(news) = news.take() {
                        let _ = news.send(()).await;
                    }
                }
                () = at(due) => {}
                () = at(flap_at) => {
                    self.line.disconnect();
                    (self.flap_at, self.flapped_at) = (None, Some(Instant::now()));
                }
                _ = enquiries.tick() => {
                    let unreported = lock(&self.shared.book).unreported_names(ENQUIRIES_MAX);
                    self.line.enquire(&unreported).await;
                }
                () = stopped(&mut self.stop) => return Ok(()),
            }
            self.give(answers).await;
        }
    }

    /// Notes what was heard, and says what is to be answered now.
    fn take(&mut self, heard: &[Heard]) -> Vec<v1::PaymentAnswer> {
        if let Some(journal) = &self.shared.journal {
            journal.heard(&self.shared.bic, heard);
        }
        let mut answers = Vec::new();
        let mut processed = None;
        for heard in heard {
            match heard {
                Heard::Started(_) => lock(&self.shared.book).connected(),
                Heard::Question(question) => self.asked(question, &mut answers),
                Heard::Report(report) => {
                    lock(&self.shared.book).told_report(report);
                    let decided = report.outcome.as_ref().map(|outcome| outcome.decided_sequence);
                    processed = processed.max(decided);
                }
                Heard::AnswerResult(result) => lock(&self.shared.book).told_result(result),
            }
        }
        if let Some(sequence) = processed {
            self.line.processed(sequence);
        }
        answers
    }

    fn asked(&mut self, question: &v1::PaymentQuestion, answers: &mut Vec<v1::PaymentAnswer>) {
        let heard_before = lock(&self.shared.book).asked(question);
        let stranger = self.stranger(&question.payment_id);
        let behaviour = self.mix.of(&question.payment_id);
        let plan = behaviour.plan(question, SystemTime::now(), heard_before, stranger.as_deref());
        let now = Instant::now();
        for (wait, answer) in plan.answers {
            match wait.is_zero() || self.waiting.len() >= WAITING_MAX {
                true => answers.push(answer),
                false => self.waiting.push(Waiting { due: now + wait, answer }),
            }
        }
        if plan.flap && self.flap_at.is_none() {
            let earliest = self.flapped_at.map_or(now, |flapped| flapped + FLAP_INTERVAL);
            self.flap_at = Some(earliest.max(now));
        }
    }

    /// A payment that another bank of this process was asked about; notes this one for the others.
    fn stranger(&self, payment: &str) -> Option<String> {
        let mut strangers = lock(&self.shared.strangers);
        let book = lock(&self.shared.book);
        let stranger = strangers.iter().find(|stranger| !book.knows(stranger)).cloned();
        if strangers.len() < STRANGERS_MAX {
            strangers.push(payment.to_owned());
        }
        stranger
    }

    /// Says these answers, and those whose time has come.
    async fn give(&mut self, mut answers: Vec<v1::PaymentAnswer>) {
        let now = Instant::now();
        while self.waiting.peek().is_some_and(|waiting| waiting.due <= now) {
            answers.extend(self.waiting.pop().map(|waiting| waiting.answer));
        }
        if answers.is_empty() {
            return;
        }
        if let Some(journal) = &self.shared.journal {
            journal.said(&self.shared.bic, &answers);
        }
        // Noted before they leave, because the report may be back sooner than this task is. What is lost with its
        // connection is asked for again, and said again.
        {
            let mut book = lock(&self.shared.book);
            answers.iter().for_each(|answer| book.said(answer));
        }
        self.line.answer(answers).await;
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody is left to say it, which is the same.
    let _ = stop.wait_for(|stop| *stop).await;
}
