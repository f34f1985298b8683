//! Banks that are connected: what each of their connections hears.
//!
//! The connections of a bank share its questions: whoever of them has nothing to do takes the next. Reports are not
//! shared: each connection that wants them hears all of them, from its own position on.
//!
//! Invariants:
//! - On one connection reports come in the order of the log, and so do questions that are not repeated. A question comes
//!   before the report on its payment, unless the report was missed.
//! - An open question has been given to some connection, or will be: what one that ended had is told again.
//! - Questions come first: they never wait for a connection to catch up with reports.
//! - A connection holds no more than what it took last. One that does not take holds up nobody else.
//! - A bank counts as connected while it has a connection that is asked.

mod bank;
mod heard;
mod open;
mod reports;
mod waiting;

use std::sync::{Arc, Weak};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use engine::{Answer, Notice, Question};
use ledger::Position;
use tokio::sync::Notify;
use tonic::Status;
use types::{Bic, Sequence};

pub(crate) use self::heard::{Asked, Crossed, Heard, Recalled, Report};

use self::bank::{BankSession, LOOK_FOR_UNANSWERED, Pulled};
use self::open::OpenQuestions;
use self::reports::Reports;
use self::waiting::Kinds;
use crate::lives::Named;
use crate::log::ask;
use crate::node::Node;
use crate::refusals::{participant_unknown, position_ahead};

/// What a connection hears.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wants {
    /// Whether the payer's account may be debited.
    pub(crate) debit_questions: bool,
    /// Whether the payee's account is credited.
    pub(crate) credit_questions: bool,
    /// What became of payments.
    pub(crate) reports: bool,
    /// Beside reports, that its position or limit crossed a bound, what it is asked to give back, and what is answered to
    /// its own recalls.
    pub(crate) other_news: bool,
}

/// Who connects, and from where on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) bank: Bic,
    /// The last position that the bank has processed.
    pub(crate) last: Option<Named>,
    pub(crate) wants: Wants,
}

/// The banks that are connected.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    banks: DashMap<Bic, Weak<BankSession>>,
}

/// One connection of a bank.
#[derive(Debug)]
pub(crate) struct Connection {
    node: Node,
    bank: Bic,
    kinds: Kinds,
    seat: u64,
    session: Arc<BankSession>,
    notify: Arc<Notify>,
    as_of: Position,
    unanswered: u32,
    /// Open questions that are still to be read.
    open: Option<OpenQuestions>,
    reports: Option<Reports>,
    notices: Vec<Notice>,
}

/// Questions to tell.
struct Questions {
    asked: Vec<Asked>,
    /// Where others wait behind them: what happened after this position is to be told after those.
    upto: Option<Sequence>,
}

impl Sessions {
    /// The banks that are connected, in the order of their codes.
    pub(crate) fn connected(&self) -> Vec<Bic> {
        let alive = self.banks.iter().filter(|entry| entry.value().strong_count() > 0);
        let mut banks: Vec<Bic> = alive.map(|entry| *entry.key()).collect();
        banks.sort_unstable();
        banks
    }

    /// The session of a bank, which is begun if it has none.
    fn enter(&self, node: &Node, bank: Bic) -> Result<Arc<BankSession>, Status> {
        let entry = self.banks.entry(bank);
        if let Entry::Occupied(known) = &entry
            && let Some(session) = known.get().upgrade()
        {
            return Ok(session);
        }
        let session = BankSession::begin(node, bank)?;
        entry.insert(Arc::downgrade(&session));
        Ok(session)
    }
}

/// Keeps a place among a bank's connections until it is dropped.
struct Place<'session> {
    session: &'session BankSession,
    number: Option<u64>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.session.stand_up(number);
        }
    }
}

impl Connection {
    /// Connects a bank. The caller has been found to act for it.
    pub(crate) async fn open(node: &Node, start: Start) -> Result<Self, Status> {
        let Start { bank, last, wants } = start;
        if node.handle.directory().participant(bank).is_none() {
            return Err(participant_unknown());
        }
        let last = last.map(|last| last.on(node.handle.lives())).transpose()?;
        let kinds = Kinds::of(wants);
        let session = node.sessions.enter(node, bank)?;
        let notify = Arc::new(Notify::new());
        let (number, takes_more) = session.sit_down(kinds, &notify, node.limits.connections_per_bank)?;
        let mut place = Place { session: &session, number: Some(number) };
        let reports = match wants.reports {
            true => {
                let other_news = wants.other_news;
                Some(Reports::begin(node, bank, last, other_news, &notify, &session.catch_ups)?)
            }
            false => None,
        };
        let started = session.started(node).await?;
        if let Some(reports) = &reports {
            reports.started(node).await?;
        }
        let answered = ask(node, Question::Participant(bank)).await?;
        let Answer::Participant(Some(found)) = answered.answer else { return Err(participant_unknown()) };
        if last.is_some_and(|last| last > answered.as_of.sequence) {
            return Err(position_ahead());
        }
        // Questions of a kind that nobody took before are heard live from about now on, and none is missed in between.
        let upto = if takes_more { answered.as_of.sequence } else { started.max(session.taken_upto()) };
        let open = OpenQuestions::new(bank, kinds, upto);
        let seat = place.number.take().expect("it has just been taken");
        drop(place);
        Ok(Self {
            node: node.clone(),
            bank,
            kinds,
            seat,
            session,
            notify,
            as_of: answered.as_of,
            unanswered: found.unanswered,
            open: Some(open),
            reports,
            notices: Vec::new(),
        })
    }

    /// Where the log stood when the connection was made. What happened up to there may have been told before.
    pub(crate) const fn as_of(&self) -> Position {
        self.as_of
    }

    /// How many questions waited for the bank then.
    pub(crate) const fn unanswered(&self) -> u32 {
        self.unanswered
    }

    /// Waits until there may be something to take. May be dropped at any time.
    pub(crate) async fn ready(&self) {
        let is_shared = self.session.is_shared();
        tokio::select! {
            () = self.session.notify.notified() => {}
            () = self.notify.notified() => {}
            () = tokio::time::sleep(LOOK_FOR_UNANSWERED), if is_shared => {}
        }
    }

    /// Takes what there is, at most so much: nothing if there is nothing at the moment. Must not be dropped before it
    /// is done, or what it took is lost.
    pub(crate) async fn take(&mut self, count_max: usize) -> Result<Vec<Heard>, Status> {
        let Some(count_max) = std::num::NonZeroUsize::new(count_max) else { return Ok(Vec::new()) };
        let count_max = count_max.get();
        // Reports first, so that the questions before them are found: a report is never there before its question.
        let held = match &mut self.reports {
            Some(reports) => reports.collect(&self.node, count_max, self.as_of.sequence)?,
            None => 0,
        };
        let Questions { asked, upto } = self.questions(count_max - held.min(count_max / 2)).await?;
        let mut heard = Vec::with_capacity(asked.len() + held);
        let mut asked = asked.into_iter().peekable();
        while heard.len() < count_max {
            let position = asked.peek().map(|asked| asked.question.asked_at);
            // Room is kept for the questions, which have been taken.
            let has_room = heard.len() + asked.len() < count_max;
            let report = self.reports.as_mut().filter(|_| has_room);
            let report = report.and_then(|reports| reports.next(position.or(upto)));
            match report {
                Some(news) => heard.push(news.into_heard()),
                None => match asked.next() {
                    Some(asked) => heard.push(Heard::Asked(asked)),
                    None => break,
                },
            }
        }
        Ok(heard)
    }

    /// The next questions, at most so many.
    async fn questions(&mut self, count_max: usize) -> Result<Questions, Status> {
        loop {
            if let Some(open) = &mut self.open {
                let page = open.next(&self.node, count_max).await?;
                if page.is_last {
                    self.open = None;
                }
                if let Some(last) = page.asked.last() {
                    let upto = (!page.is_last).then_some(last.question.asked_at);
                    return Ok(Questions { asked: page.asked, upto });
                }
                continue;
            }
            match self.session.pull(self.seat, self.kinds, count_max, &mut self.notices) {
                Pulled::Notices { more } => {
                    let last = self.notices.last().map(Notice::position);
                    let asked = heard::asked(&self.node, &mut self.notices, self.as_of.sequence).await?;
                    return Ok(Questions { asked, upto: last.filter(|_| more) });
                }
                Pulled::Due(told) => {
                    let questions: Vec<_> = told.iter().map(|told| told.question).collect();
                    let open = open::still_open(&self.node, &questions).await?;
                    let open = told.into_iter().zip(open).filter(|(_, payment)| payment.is_some());
                    self.session.retell(open.map(|(told, _)| told));
                }
                Pulled::Retold(questions) => {
                    let asked = open::asked_again(&self.node, questions).await?;
                    if !asked.is_empty() {
                        return Ok(Questions { asked, upto: None });
                    }
                }
                Pulled::Missed { kinds, taken_upto } => {
                    let upto = self.session.started(&self.node).await?.max(taken_upto);
                    self.open = Some(OpenQuestions::new(self.bank, kinds, upto));
                }
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.session.stand_up(self.seat);
    }
}
