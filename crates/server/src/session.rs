//! Banks that are connected: one ordered, resumable sequence of questions and reports for each connection.
//!
//! All connections of a bank share one subscription, and whoever of them has nothing to do takes the next notices. What
//! a connection missed before it came is read from the log and from the core's state; what the subscription lost
//! because nobody took it in time, likewise.
//!
//! Invariants:
//! - On one connection reports come in the order of the log.
//! - An open question has been given to some connection, or will be: what one that ended had is told again.
//! - A connection holds no more than what it took last. One that does not take holds up nobody else.
//! - A bank counts as connected while it has a connection that is asked.

mod catch_up;
mod heard;
mod waiting;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use engine::{Answer, Banks, Interest, Notice, Outcomes, Question, Subscription, Taken};
use ledger::Position;
use tokio::sync::Notify;
use tonic::Status;
use types::{Bic, Sequence};

pub(crate) use self::heard::{Asked, Heard, Report};

use self::catch_up::CatchUp;
use self::waiting::{Kind, Kinds, Stash};
use crate::limits::ServerLimits;
use crate::node::Node;
use crate::refusals::{not_taken, participant_unknown, position_ahead, too_many};

/// What a connection hears.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wants {
    /// Whether the payer's account may be debited.
    pub(crate) debit_questions: bool,
    /// Whether the payee's account is credited.
    pub(crate) credit_questions: bool,
    /// What became of payments.
    pub(crate) reports: bool,
}

/// Who connects, and from where on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) bank: Bic,
    /// The last position that the bank has processed.
    pub(crate) last: Option<Sequence>,
    pub(crate) wants: Wants,
}

/// The banks that are connected.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    banks: DashMap<Bic, Weak<BankSession>>,
}

/// What the connections of one bank share.
#[derive(Debug)]
struct BankSession {
    subscription: Subscription,
    /// There is something to take.
    notify: Arc<Notify>,
    state: Mutex<State>,
    next_seat: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    seats: Vec<Seat>,
    /// Up to where connections have taken what there was; what comes after it comes live.
    taken_upto: Sequence,
    /// Notices that a connection took which does not want them.
    stash: Stash,
    /// Kinds of questions that have to be told again, all that are open.
    retold: Kinds,
    /// Reports from here on were lost, and stand in the log.
    lost_after: Option<Sequence>,
}

/// One connection, as the others see it.
#[derive(Debug)]
struct Seat {
    number: u64,
    kinds: Kinds,
    /// There is something for this connection in particular.
    notify: Arc<Notify>,
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
    catch_up: Option<CatchUp>,
    notices: Vec<Notice>,
}

/// What there was to take.
enum Pulled {
    /// Notices, perhaps none.
    Notices,
    /// Something that has to be caught up with first.
    Missed { reports_after: Option<Sequence>, questions: Kinds, taken_upto: Sequence },
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

impl BankSession {
    fn begin(node: &Node, bank: Bic) -> Result<Arc<Self>, Status> {
        let ServerLimits { notices_waiting, notice_bytes_waiting, .. } = node.limits;
        let interest = Interest {
            banks: Banks::Listed(Box::new([bank])),
            questions: engine::Questions::ALL,
            outcomes: Outcomes::All,
            notices_max: notices_waiting,
            bytes_max: notice_bytes_waiting,
        };
        let notify = Arc::new(Notify::new());
        let wake = Arc::clone(&notify);
        let wake = Box::new(move || wake.notify_one());
        let subscription = node.handle.subscribe(interest, wake);
        let subscription = subscription.map_err(|reason| not_taken(reason).into_status())?;
        let (state, next_seat) = (Mutex::default(), AtomicU64::new(0));
        Ok(Arc::new(Self { subscription, notify, state, next_seat }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the core thread has taken the subscription up. Everything after this position is collected.
    async fn started(&self, node: &Node) -> Result<Sequence, Status> {
        loop {
            if let Some(after) = self.subscription.starts_after() {
                return Ok(after);
            }
            tokio::select! {
                () = self.notify.notified() => {}
                // A wake-up may have gone to another connection.
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = node.stops() => return Err(crate::refusals::stopping_connection()),
            }
        }
    }

    fn sit_down(&self, kinds: Kinds, seats_max: usize) -> Result<(u64, Arc<Notify>), Status> {
        let mut state = self.state();
        if state.seats.len() >= seats_max {
            return Err(too_many("this bank has as many connections as it may"));
        }
        let number = self.next_seat.fetch_add(1, Ordering::Relaxed);
        let notify = Arc::new(Notify::new());
        state.seats.push(Seat { number, kinds, notify: Arc::clone(&notify) });
        Ok((number, notify))
    }

    /// What it had not answered goes to another connection.
    fn stand_up(&self, number: u64) {
        let mut state = self.state();
        let Some(place) = state.seats.iter().position(|seat| seat.number == number) else { return };
        let gone = state.seats.swap_remove(place);
        for kind in [Kind::Debit, Kind::Credit].into_iter().filter(|kind| gone.kinds.has(*kind)) {
            if state.seats.iter().any(|seat| seat.kinds.has(kind)) {
                state.retold.add(kind);
                state.wake(kind, number);
            }
        }
        drop(state);
        // A wake-up that the connection had not followed.
        self.notify.notify_one();
    }

    /// Takes at most so many notices for a connection.
    fn pull(&self, seat: u64, kinds: Kinds, count_max: usize, into: &mut Vec<Notice>) -> Pulled {
        let mut state = self.state();
        let reports_after = if kinds.has(Kind::Report) { state.lost_after.take() } else { None };
        let questions = state.retold.take(kinds);
        if reports_after.is_some() || !questions.is_empty() {
            // What waits in the stash is among what is read.
            for kind in [Kind::Debit, Kind::Credit].into_iter().filter(|kind| questions.has(*kind)) {
                state.stash.clear(kind);
            }
            let reports_after = reports_after.map(|after| {
                state.stash.clear(Kind::Report).map_or(after, |oldest| after.min(Sequence(oldest.0 - 1)))
            });
            return Pulled::Missed { reports_after, questions, taken_upto: state.taken_upto };
        }
        state.stash.take(kinds, count_max, into);
        if into.len() == count_max {
            drop(state);
            self.notify.notify_one();
            return Pulled::Notices;
        }
        let start = into.len();
        let taken = self.subscription.take(count_max - start, into);
        if kinds != Kinds::ALL {
            state.set_aside(seat, kinds, start, into);
        }
        match taken {
            Taken::Given { upto, more } => {
                state.taken_upto = state.taken_upto.max(upto.unwrap_or_default());
                drop(state);
                if more {
                    self.notify.notify_one();
                }
            }
            Taken::Lost { after } => {
                state.taken_upto = state.taken_upto.max(after);
                state.lose(after);
                self.subscription.restart();
            }
        }
        Pulled::Notices
    }
}

/// How long a connection waits at the longest before it looks whether a subscription has begun.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(1);

impl State {
    /// Wakes a connection that wants this, other than the one that has it.
    fn wake(&self, kind: Kind, seat: u64) {
        let other = self.seats.iter().find(|other| other.number != seat && other.kinds.has(kind));
        if let Some(other) = other {
            other.notify.notify_one();
        }
    }

    /// Puts what the connection does not want where the others find it. What none of them wants is dropped: questions
    /// are asked again when somebody comes who does, and reports stand in the log.
    fn set_aside(&mut self, seat: u64, kinds: Kinds, start: usize, notices: &mut Vec<Notice>) {
        let mut unwanted = Kinds::default();
        let mut wanted = Vec::with_capacity(notices.len() - start);
        for notice in notices.drain(start..) {
            let kind = Kind::of(&notice);
            if kinds.has(kind) {
                wanted.push(notice);
            } else if self.seats.iter().any(|seat| seat.kinds.has(kind)) {
                unwanted.add(kind);
                self.stash.add(kind, notice);
            }
        }
        notices.append(&mut wanted);
        for kind in Kind::ALL {
            if unwanted.has(kind) {
                self.wake(kind, seat);
            }
            // Those who want it do not take it: as if the subscription had lost it.
            match self.stash.overflow(kind) {
                None => {}
                Some(oldest) if kind == Kind::Report => {
                    self.lost_after.get_or_insert(Sequence(oldest.0 - 1));
                }
                Some(_) => self.retold.add(kind),
            }
        }
    }

    /// The subscription has lost what came after this position.
    fn lose(&mut self, after: Sequence) {
        if self.seats.iter().any(|seat| seat.kinds.has(Kind::Report)) {
            self.lost_after.get_or_insert(after);
        }
        for kind in Kind::ALL.into_iter().filter(|kind| self.seats.iter().any(|seat| seat.kinds.has(*kind))) {
            if kind != Kind::Report {
                self.retold.add(kind);
            }
            self.seats.iter().filter(|seat| seat.kinds.has(kind)).for_each(|seat| seat.notify.notify_one());
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
        let kinds = Kinds::of(wants);
        let session = node.sessions.enter(node, bank)?;
        let (seat, notify) = session.sit_down(kinds, node.limits.connections_per_bank)?;
        let mut connection = Self {
            node: node.clone(),
            bank,
            kinds,
            seat,
            session,
            notify,
            as_of: Position::default(),
            unanswered: 0,
            catch_up: None,
            notices: Vec::new(),
        };
        let started = connection.session.started(node).await?;
        let answered = node.ask(Question::Participant(bank)).await?;
        let Answer::Participant(Some(found)) = answered.answer else { return Err(participant_unknown()) };
        connection.as_of = answered.as_of;
        connection.unanswered = found.unanswered;
        if last.is_some_and(|last| last > answered.as_of.sequence) {
            return Err(position_ahead());
        }
        let upto = started.max(connection.session.state().taken_upto);
        let catch_up = CatchUp::to_the_start(bank, last.filter(|_| wants.reports), kinds, upto);
        connection.catch_up = Some(catch_up);
        Ok(connection)
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
        tokio::select! {
            () = self.session.notify.notified() => {}
            () = self.notify.notified() => {}
        }
    }

    /// Takes what there is, at most so much: nothing if there is nothing at the moment. Must not be dropped before it
    /// is done, or what it took is lost.
    pub(crate) async fn take(&mut self, count_max: usize) -> Result<Vec<Heard>, Status> {
        loop {
            if let Some(catch_up) = &mut self.catch_up {
                let heard = catch_up.next(&self.node, count_max).await?;
                if !heard.is_empty() {
                    return Ok(heard);
                }
                self.catch_up = None;
            }
            let pulled = self.session.pull(self.seat, self.kinds, count_max, &mut self.notices);
            match pulled {
                Pulled::Notices => {
                    let notices = &mut self.notices;
                    return heard::told(&self.node, self.bank, notices, self.as_of.sequence).await;
                }
                Pulled::Missed { reports_after, questions, taken_upto } => {
                    let upto = self.session.started(&self.node).await?.max(taken_upto);
                    self.catch_up = Some(CatchUp::with_the_lost(self.bank, reports_after, questions, upto));
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
