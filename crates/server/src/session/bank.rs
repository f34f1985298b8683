//! What the connections of one bank share: its questions.
//!
//! Invariants:
//! - A question is told on one connection. It is told once more on another, if there is one, when the first has ended or
//!   has not answered for [`TELL_AGAIN_AFTER`]: its peer may be gone without anybody having noticed.
//! - What is remembered for that has a limit. Beyond it a question is told again only when its connection has ended.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::{Banks, Interest, Notice, Outcomes, PAYMENTS_ASKED_MAX, Subscription, Taken};
use ledger::OpenQuestion;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tonic::Status;
use types::{Bic, Sequence};

use super::waiting::{Kind, Kinds, Stash};
use crate::log::CATCH_UPS_MAX;
use crate::node::Node;
use crate::refusals::{not_taken, stopping_connection, too_many};

/// After this time a question is told on another connection too. It leaves a bank most of the scheme's 7 s.
const TELL_AGAIN_AFTER: Duration = Duration::from_millis(1500);

/// Questions that are told again are looked at together, where they are so close.
const TOGETHER: Duration = Duration::from_millis(100);

/// How often a connection looks for questions that others have not answered.
pub(super) const LOOK_FOR_UNANSWERED: Duration = Duration::from_millis(250);

/// How long a connection waits at the longest before it looks whether a subscription has begun.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// What the connections of one bank share.
#[derive(Debug)]
pub(super) struct BankSession {
    subscription: Subscription,
    /// There is something to take.
    pub(super) notify: Arc<Notify>,
    /// Connections that may read the log at once.
    pub(super) catch_ups: Arc<Semaphore>,
    state: Mutex<State>,
    next_seat: AtomicU64,
    /// Questions of which is remembered who was told.
    told_max: usize,
}

#[derive(Debug, Default)]
struct State {
    seats: Vec<Seat>,
    /// Up to where connections have taken what there was; what comes after it comes live.
    taken_upto: Sequence,
    /// Questions that a connection took which does not want them.
    stash: Stash,
    /// Kinds of questions that have to be told again, all that are open.
    retold: Kinds,
    /// Questions that have been told while there were several connections, in the order of telling.
    told: VecDeque<Told>,
    /// The questions that its connections take, all together.
    questions: engine::Questions,
}

/// One connection, as the others see it.
#[derive(Debug)]
struct Seat {
    number: u64,
    kinds: Kinds,
    /// There is something for this connection in particular.
    notify: Arc<Notify>,
    /// When it last took something or looked for it.
    seen_at: Instant,
    /// Questions that others did not answer, to be told here.
    retold: VecDeque<OpenQuestion>,
}

/// That a connection was told a question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) question: OpenQuestion,
    seat: u64,
    at: Instant,
}

/// What there was to take.
pub(super) enum Pulled {
    /// Questions, perhaps none.
    Notices {
        /// Whether more wait behind them.
        more: bool,
    },
    /// Questions that were told some time ago. Those that are still open are for [`BankSession::retell`].
    Due(Vec<Told>),
    /// Questions that another connection was told, and that were unanswered a moment ago.
    Retold(Vec<OpenQuestion>),
    /// All open questions of these kinds up to a position have to be read.
    Missed {
        /// The kinds.
        kinds: Kinds,
        /// The position.
        taken_upto: Sequence,
    },
}

impl BankSession {
    pub(super) fn begin(node: &Node, bank: Bic) -> Result<Arc<Self>, Status> {
        let interest = Interest {
            banks: Banks::Listed(Box::new([bank])),
            // Each connection says which it takes.
            questions: engine::Questions::NONE,
            outcomes: Outcomes::Nothing,
            notices_max: node.limits.notices_waiting,
            bytes_max: node.limits.notice_bytes_waiting,
        };
        let notify = Arc::new(Notify::new());
        let wake = Arc::clone(&notify);
        let wake = Box::new(move || wake.notify_one());
        let subscription = node.handle.subscribe(interest, wake);
        Ok(Arc::new(Self {
            subscription: subscription.map_err(|reason| not_taken(reason).into_status())?,
            notify,
            catch_ups: Arc::new(Semaphore::new(CATCH_UPS_MAX)),
            state: Mutex::default(),
            next_seat: AtomicU64::new(0),
            told_max: node.limits.notices_waiting,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up to where its connections have taken what there was.
    pub(super) fn taken_upto(&self) -> Sequence {
        self.state().taken_upto
    }

    /// Whether it has more than one connection.
    pub(super) fn is_shared(&self) -> bool {
        self.state().seats.len() > 1
    }

    /// Waits until the core thread has taken the subscription up. Everything after this position is collected.
    pub(super) async fn started(&self, node: &Node) -> Result<Sequence, Status> {
        loop {
            if let Some(after) = self.subscription.starts_after() {
                return Ok(after);
            }
            tokio::select! {
                () = self.notify.notified() => {}
                // A wake-up may have gone to another connection.
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = node.stops() => return Err(stopping_connection()),
            }
        }
    }

    /// A place for one more connection, which is woken by `notify`, and whether it takes questions that none of the
    /// others did: then the bank counts as connected for these from what is asked of the engine next.
    pub(super) fn sit_down(
        &self,
        kinds: Kinds,
        notify: &Arc<Notify>,
        seats_max: usize,
    ) -> Result<(u64, bool), Status> {
        let mut state = self.state();
        if state.seats.len() >= seats_max {
            return Err(too_many("this bank has as many connections as it may"));
        }
        let number = self.next_seat.fetch_add(1, Ordering::Relaxed);
        let (seen_at, retold) = (Instant::now(), VecDeque::new());
        // A connection that was alone has to look for what others leave from now on.
        state.seats.iter().for_each(|seat| seat.notify.notify_one());
        state.seats.push(Seat { number, kinds, notify: Arc::clone(notify), seen_at, retold });
        Ok((number, self.take_questions(&mut state)))
    }

    /// Takes the questions that the connections take, all together. Says whether there are new ones among them.
    fn take_questions(&self, state: &mut State) -> bool {
        let takes = |kind| state.seats.iter().any(|seat| seat.kinds.has(kind));
        let questions = engine::Questions { debits: takes(Kind::Debit), credits: takes(Kind::Credit) };
        let before = std::mem::replace(&mut state.questions, questions);
        if before != questions {
            self.subscription.set_questions(questions);
        }
        (questions.debits && !before.debits) || (questions.credits && !before.credits)
    }

    /// What it had not answered goes to another connection.
    pub(super) fn stand_up(&self, number: u64) {
        let mut state = self.state();
        let Some(place) = state.seats.iter().position(|seat| seat.number == number) else { return };
        let gone = state.seats.swap_remove(place);
        // All open questions are told again.
        state.told.retain(|told| told.seat != number);
        for kind in Kind::ALL.into_iter().filter(|kind| gone.kinds.has(*kind)) {
            if state.seats.iter().any(|seat| seat.kinds.has(kind)) {
                state.retold.add(kind);
                state.wake(kind, number);
            }
        }
        self.take_questions(&mut state);
        drop(state);
        // A wake-up that the connection had not followed.
        self.notify.notify_one();
    }

    /// Takes at most so many questions for a connection.
    pub(super) fn pull(&self, seat: u64, kinds: Kinds, count_max: usize, into: &mut Vec<Notice>) -> Pulled {
        let mut state = self.state();
        let missed = state.retold.take(kinds);
        if !missed.is_empty() {
            // What waits in the stash is among what is read.
            for kind in Kind::ALL.into_iter().filter(|kind| missed.has(*kind)) {
                state.stash.clear(kind);
            }
            return Pulled::Missed { kinds: missed, taken_upto: state.taken_upto };
        }
        if state.seats.len() > 1 {
            let due = state.due();
            if !due.is_empty() {
                return Pulled::Due(due);
            }
            let retold = state.retold_to(seat, count_max);
            if !retold.is_empty() {
                return Pulled::Retold(retold);
            }
        }
        state.stash.take(kinds, count_max, into);
        let start = into.len();
        let taken = self.subscription.take(count_max - start, into);
        if kinds != Kinds::ALL {
            state.set_aside(seat, kinds, start, into);
        }
        state.remember(seat, into, self.told_max);
        let more = match taken {
            Taken::Given { upto, more } => {
                state.taken_upto = state.taken_upto.max(upto.unwrap_or_default());
                more || start == count_max
            }
            Taken::Lost { after } => {
                state.taken_upto = state.taken_upto.max(after);
                state.lose();
                self.subscription.restart();
                false
            }
        };
        drop(state);
        if more {
            self.notify.notify_one();
        }
        Pulled::Notices { more }
    }

    /// Has questions that were told some time ago, and are still open, told on other connections, once: on the one that
    /// was seen last.
    pub(super) fn retell(&self, unanswered: impl IntoIterator<Item = Told>) {
        let mut state = self.state();
        for Told { question, seat, .. } in unanswered {
            let kind = Kind::of(question.stage);
            let others = state.seats.iter_mut().filter(|other| other.number != seat && other.kinds.has(kind));
            if let Some(other) = others.max_by_key(|other| other.seen_at)
                && other.retold.len() < self.told_max
            {
                other.retold.push_back(question);
                other.notify.notify_one();
            }
        }
    }
}

impl State {
    /// Wakes a connection that wants this, other than the one that has it.
    fn wake(&self, kind: Kind, seat: u64) {
        let other = self.seats.iter().find(|other| other.number != seat && other.kinds.has(kind));
        if let Some(other) = other {
            other.notify.notify_one();
        }
    }

    /// Puts what the connection does not want where the others find it. What none of them wants is dropped: it is asked
    /// again when somebody comes who does.
    fn set_aside(&mut self, seat: u64, kinds: Kinds, start: usize, notices: &mut Vec<Notice>) {
        let mut unwanted = Kinds::default();
        let mut wanted = Vec::with_capacity(notices.len() - start);
        for notice in notices.drain(start..) {
            let Notice::Asked { question, .. } = &notice else { continue };
            let kind = Kind::of(question.stage);
            if kinds.has(kind) {
                wanted.push(notice);
            } else if self.seats.iter().any(|seat| seat.kinds.has(kind)) {
                unwanted.add(kind);
                self.stash.add(kind, notice);
            }
        }
        notices.append(&mut wanted);
        for kind in Kind::ALL.into_iter().filter(|kind| unwanted.has(*kind)) {
            self.wake(kind, seat);
            // Those who want it do not take it: as if the subscription had lost it.
            if self.stash.overflows(kind) {
                self.retold.add(kind);
            }
        }
    }

    /// The subscription has lost some questions.
    fn lose(&mut self) {
        for kind in Kind::ALL {
            for seat in self.seats.iter().filter(|seat| seat.kinds.has(kind)) {
                self.retold.add(kind);
                seat.notify.notify_one();
            }
        }
    }

    /// Remembers who is told these questions, where there is somebody else who could be.
    fn remember(&mut self, seat: u64, notices: &[Notice], told_max: usize) {
        if self.seats.len() < 2 {
            self.told.clear();
            return;
        }
        let at = Instant::now();
        for notice in notices {
            if let Notice::Asked { question, .. } = notice {
                self.told.push_back(Told { question: *question, seat, at });
            }
        }
        let surplus = self.told.len().saturating_sub(told_max);
        self.told.drain(..surplus);
    }

    /// Some of the questions that were told some time ago.
    fn due(&mut self) -> Vec<Told> {
        let now = Instant::now();
        if self.told.front().is_none_or(|told| told.at + TELL_AGAIN_AFTER > now) {
            return Vec::new();
        }
        let end = self.told.partition_point(|told| told.at + TELL_AGAIN_AFTER <= now + TOGETHER);
        self.told.drain(..end.min(PAYMENTS_ASKED_MAX)).collect()
    }

    /// At most so many of the questions that a connection is told because others did not answer.
    fn retold_to(&mut self, seat: u64, count_max: usize) -> Vec<OpenQuestion> {
        let Some(seat) = self.seats.iter_mut().find(|known| known.number == seat) else { return Vec::new() };
        seat.seen_at = Instant::now();
        let count = seat.retold.len().min(count_max);
        seat.retold.drain(..count).collect()
    }
}
