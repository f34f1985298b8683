//! What those hear who listen: questions to their banks, what became of payments, changes of banks.
//!
//! The core thread puts the notices of a frame into the outbox of each subscription that they concern, and goes on;
//! whoever listens takes them from there. The same happens for a bank that connects, for a watcher, and for an
//! exchange of ISO 20022 documents.
//!
//! Invariants:
//! - Only what is durable and applied is told, in the order of positions, and nothing in between is left out.
//! - The core thread never waits for a listener. An outbox that would overflow takes nothing more: the notices of
//!   that frame stay out as a whole, and whoever listens is told from where on to read the log.
//! - The lock between both sides is held to add notices or to swap two queues, never while notices are looked at.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ledger::{AccountRange, Crossing, OpenQuestion, Outcome, ParticipantStatus, Payment, Stage};
use types::{Bic, Sequence};

use crate::exceptions_told::ExceptionTold;
use crate::holds_told::HoldExpired;
use crate::orders_told::OrdersTold;
use crate::recalls_told::RecallTold;
use crate::requests_told::RequestTold;
use crate::stored_order::StoredOrder;

/// What a subscription is about.
#[derive(Clone, Debug)]
pub struct Interest {
    /// The banks it is about.
    pub banks: Banks,
    /// Which questions to these banks it takes at first. They count as connected for these while it lives, and for the
    /// grace time of the scheme's profile afterwards.
    pub questions: Questions,
    /// Which outcomes it hears.
    pub outcomes: Outcomes,
    /// How many notices may wait in its outbox.
    pub notices_max: usize,
    /// How many bytes of orders may wait in its outbox.
    pub bytes_max: usize,
}

/// Some banks, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Banks {
    /// These.
    Listed(Box<[Bic]>),
    /// All there are and will be.
    All,
}

impl Banks {
    /// Whether this bank is among them.
    pub fn include(&self, bank: Bic) -> bool {
        match self {
            Self::Listed(banks) => banks.contains(&bank),
            Self::All => true,
        }
    }
}

/// Which questions a subscription takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Questions {
    /// Those about debits, to payers' banks.
    pub debits: bool,
    /// Those about credits, to payees' banks.
    pub credits: bool,
}

impl Questions {
    /// None.
    pub const NONE: Self = Self { debits: false, credits: false };
    /// All.
    pub const ALL: Self = Self { debits: true, credits: true };

    /// Whether those of this stage are among them.
    pub const fn of(self, stage: Stage) -> bool {
        match stage {
            Stage::Debit => self.debits,
            Stage::Credit => self.credits,
        }
    }
}

/// Which outcomes a subscription hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcomes {
    /// None.
    Nothing,
    /// Those of all payments that name one of its banks as the payer's or the payee's, recalls of such payments, and
    /// changes of its banks.
    /// What a payee's bank may be told of them is for [`Payment::told_to`] to say.
    All,
}

/// Something that happened, durable and applied.
#[derive(Clone, Debug)]
pub enum Notice {
    /// A bank is asked.
    Asked {
        /// The question.
        question: OpenQuestion,
        /// The bank that is asked.
        bank: Bic,
        /// The payment.
        payment: Payment,
        /// The payment's order, if it stands in the same frame; else it is read from the log
        /// ([`crate::LogView::orders_at`]).
        order: Option<StoredOrder>,
    },
    /// A payment was reserved or decided. Repeats are not told; refusals that leave the key as it was are (an unknown
    /// payer's bank, a changed body).
    Outcome {
        /// What it came to, as it is told to those who submitted it: the sequence is the payment's.
        outcome: Outcome,
        /// The payment.
        payment: Payment,
        /// The payee's bank, if it is known.
        creditor_agent: Option<Bic>,
        /// The payment's order, if it stands at the position that decided; else it is read from the log.
        order: Option<StoredOrder>,
    },
    /// A bank was changed.
    Changed {
        /// What the command came to.
        outcome: Outcome,
        /// The bank.
        bank: Bic,
        /// What it is from now on.
        change: BankChange,
    },
    /// A booking took the position or the limit of a bank across a bound of which it wants to hear.
    Crossed(Crossing),
    /// A payment of a bank was asked back, or it was answered what becomes of it.
    Recall(RecallTold),
    /// The time of a hold on an account of a bank's was over.
    HoldExpired(HoldExpired),
    /// An exception of a bank was raised, or something was done about it.
    Exception(ExceptionTold),
    /// Something happened to a request to pay of a bank.
    Request(RequestTold),
    /// An order of a bank's ended, or everything has become of a package.
    Orders(OrdersTold),
}

/// What was changed about a bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BankChange {
    /// Whether it takes part.
    Status(ParticipantStatus),
    /// Which of its accounts take part in payments.
    Activation {
        /// Those whose numbers are in this range; `None` for all.
        range: Option<AccountRange>,
        /// Whether they take part.
        is_active: bool,
    },
}

impl Notice {
    /// The position at which it happened.
    pub const fn position(&self) -> Sequence {
        match self {
            Self::Asked { question, .. } => question.asked_at,
            Self::Outcome { outcome, .. } | Self::Changed { outcome, .. } => outcome.decided_at,
            Self::Crossed(crossing) => crossing.decided_at,
            Self::Recall(told) => told.decided_at,
            Self::HoldExpired(expired) => expired.decided_at,
            Self::Exception(told) => told.decided_at,
            Self::Request(told) => told.decided_at,
            Self::Orders(told) => told.decided_at,
        }
    }

    /// The bytes that it holds beside itself.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Asked { order, .. } | Self::Outcome { order, .. } => {
                order.as_ref().map_or(0, StoredOrder::length)
            }
            Self::Changed { .. }
            | Self::Crossed(_)
            | Self::Recall(_)
            | Self::HoldExpired(_)
            | Self::Exception(_)
            | Self::Request(_)
            | Self::Orders(_) => 0,
        }
    }
}

/// What [`Outbox::take`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Taken {
    /// Some notices were given, or there were none.
    Given {
        /// Everything up to and including this position has been given; `None` until the subscription has begun. It
        /// goes on with the log also where nothing concerns the subscription.
        upto: Option<Sequence>,
        /// Whether there may be more at this moment: take again.
        more: bool,
    },
    /// Notices found no room. Everything up to and including `after` has been given, and nothing is collected any
    /// more until the subscription is begun anew.
    Lost {
        /// Read the log from here on.
        after: Sequence,
    },
}

/// Names a subscription; none is used twice in the life of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub u64);

/// Where the notices of one subscription wait: the step adds them, whoever listens takes them.
pub struct Outbox {
    id: SubscriptionId,
    interest: Interest,
    wake: Box<dyn Fn() + Send + Sync>,
    /// How many notices wait in both queues, and their bytes.
    notices: AtomicUsize,
    bytes: AtomicUsize,
    /// Up to where everything has been collected, of the step that it belongs to.
    collected: OnceLock<Arc<AtomicU64>>,
    collecting: Mutex<Collecting>,
    taking: Mutex<VecDeque<Arc<Notice>>>,
}

/// What the step has left to be taken.
#[derive(Debug, Default)]
struct Collecting {
    notices: VecDeque<Arc<Notice>>,
    state: Collected,
    starts_after: Option<Sequence>,
}

/// Whether an outbox takes notices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Collected {
    /// Not yet.
    #[default]
    New,
    /// All of them.
    All,
    /// Those up to here.
    Upto(Sequence),
    /// None any more: nobody listens.
    Closed,
}

impl Outbox {
    /// An empty outbox, for the step to take up. `wake` is called by the step, at most once a frame, when there is
    /// something to take: it must not block.
    pub fn new(id: SubscriptionId, interest: Interest, wake: Box<dyn Fn() + Send + Sync>) -> Arc<Self> {
        Arc::new(Self {
            id,
            interest,
            wake,
            notices: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            collected: OnceLock::new(),
            collecting: Mutex::default(),
            taking: Mutex::default(),
        })
    }

    /// Its name.
    pub const fn id(&self) -> SubscriptionId {
        self.id
    }

    /// What it is about.
    pub const fn interest(&self) -> &Interest {
        &self.interest
    }

    /// The position after which everything is collected; `None` until the step has taken it up, or taken it up anew.
    pub fn starts_after(&self) -> Option<Sequence> {
        held(&self.collecting).starts_after
    }

    /// Moves at most so many notices to the end of `into`. One thread at a time takes.
    ///
    /// Those who listen to the same share a notice until then: copies are made here, not by the step.
    pub fn take(&self, count_max: usize, into: &mut Vec<Notice>) -> Taken {
        let mut taking = held(&self.taking);
        // Read before the queue, so that everything up to there is in it.
        let collected = self.collected.get().map(|upto| Sequence(upto.load(Ordering::Acquire)));
        let (mut state, mut behind) = (Collected::All, false);
        if taking.is_empty() {
            let mut collecting = held(&self.collecting);
            std::mem::swap(&mut *taking, &mut collecting.notices);
            state = collecting.state;
        } else {
            behind = true;
        }
        let count = taking.len().min(count_max);
        let bytes: usize = taking.iter().take(count).map(|notice| notice.length()).sum();
        into.extend(taking.drain(..count).map(Arc::unwrap_or_clone));
        self.notices.fetch_sub(count, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        match (taking.front(), state) {
            (Some(next), _) => Taken::Given { upto: Some(before(next.position())), more: true },
            // What has come meanwhile is looked at the next time.
            (None, _) if behind => {
                let upto = into.last().map(|last| before(last.position()));
                Taken::Given { upto, more: true }
            }
            (None, Collected::Upto(after)) => Taken::Lost { after },
            (None, Collected::New | Collected::Closed) => Taken::Given { upto: None, more: false },
            (None, Collected::All) => Taken::Given { upto: collected, more: false },
        }
    }

    /// Wakes whoever listens.
    pub(crate) fn wake(&self) {
        (self.wake)();
    }

    /// From now on everything after this position is collected.
    pub(crate) fn begin(&self, after: Sequence, collected: &Arc<AtomicU64>) {
        self.collected.get_or_init(|| Arc::clone(collected));
        let mut collecting = held(&self.collecting);
        if collecting.state != Collected::Closed {
            collecting.state = Collected::All;
            collecting.starts_after = Some(after);
        }
    }

    /// Adds what a frame brought, in order, and empties `notices`. Without room for all of it nothing is added, and
    /// nothing will be: `after` is the position before the frame. Says whether there was room.
    pub(crate) fn add(&self, notices: &mut Vec<Arc<Notice>>, after: Sequence) -> bool {
        let length: usize = notices.iter().map(|notice| notice.length()).sum();
        let mut collecting = held(&self.collecting);
        if collecting.state == Collected::Closed {
            notices.clear();
            return false;
        }
        let has_room = self.notices.load(Ordering::Relaxed) + notices.len() <= self.interest.notices_max
            && self.bytes.load(Ordering::Relaxed) + length <= self.interest.bytes_max;
        if has_room {
            self.notices.fetch_add(notices.len(), Ordering::Relaxed);
            self.bytes.fetch_add(length, Ordering::Relaxed);
            collecting.notices.extend(notices.drain(..));
        } else {
            notices.clear();
            collecting.state = Collected::Upto(after);
        }
        has_room
    }

    /// Takes nothing any more, and frees what waits: here, because that may be much, and the step has no time for it.
    fn close(&self) {
        let mut collecting = held(&self.collecting);
        collecting.state = Collected::Closed;
        let collected = std::mem::take(&mut collecting.notices);
        drop(collecting);
        let taking = std::mem::take(&mut *held(&self.taking));
        drop((collected, taking));
    }

    /// Whether it has lost nothing, and somebody listens.
    pub(crate) fn is_collecting(&self) -> bool {
        held(&self.collecting).state == Collected::All
    }

    /// Makes it as if it had not begun.
    fn reset(&self) {
        let mut collecting = held(&self.collecting);
        assert!(collecting.state != Collected::Closed, "only what has ended is closed");
        collecting.state = Collected::New;
        collecting.starts_after = None;
    }

    /// Whether it has lost something and everything before that has been taken.
    fn has_lost(&self) -> bool {
        let is_taken = self.notices.load(Ordering::Relaxed) == 0;
        is_taken && matches!(held(&self.collecting).state, Collected::Upto(_))
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Outbox")
            .field("id", &self.id)
            .field("interest", &self.interest)
            .finish_non_exhaustive()
    }
}

const fn before(position: Sequence) -> Sequence {
    Sequence(position.0 - 1)
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A change of who listens, for the step.
#[derive(Debug)]
pub(crate) enum Change {
    Begun(Arc<Outbox>),
    Questions(SubscriptionId, Questions),
    Ended(SubscriptionId),
}

/// Who begins and ends to listen, until the core thread looks. Apart from the queue of events, so that ending a
/// subscription neither waits nor fails.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    changes: Mutex<Vec<Change>>,
    /// Counts the changes.
    generation: AtomicU64,
    /// Subscriptions that live.
    count: AtomicUsize,
    next_id: AtomicU64,
}

/// Subscriptions that may live at once.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 4096;

impl Listeners {
    /// An outbox for a new subscription, unless there are too many.
    pub(crate) fn enter(&self, interest: Interest, wake: Box<dyn Fn() + Send + Sync>) -> Option<Arc<Outbox>> {
        if self.count.fetch_add(1, Ordering::Relaxed) >= SUBSCRIPTIONS_MAX {
            self.count.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let id = SubscriptionId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let outbox = Outbox::new(id, interest, wake);
        self.change(Change::Begun(Arc::clone(&outbox)));
        Some(outbox)
    }

    fn change(&self, change: Change) {
        held(&self.changes).push(change);
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// The changes since this generation, which is brought up to date.
    pub(crate) fn changes(&self, seen: &mut u64) -> Vec<Change> {
        let generation = self.generation.load(Ordering::Acquire);
        if generation == *seen {
            return Vec::new();
        }
        *seen = generation;
        std::mem::take(&mut *held(&self.changes))
    }
}

/// A subscription. Dropping it ends it.
pub struct Subscription {
    outbox: Arc<Outbox>,
    listeners: Arc<Listeners>,
    /// Has the core thread look at the listeners.
    nudge: Box<dyn Fn() + Send + Sync>,
}

impl Subscription {
    pub(crate) fn new(
        outbox: Arc<Outbox>,
        listeners: Arc<Listeners>,
        nudge: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        nudge();
        Self { outbox, listeners, nudge }
    }

    #[cfg(test)]
    pub(crate) const fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// The position after which everything is collected; `None` until the core thread has taken the subscription up.
    /// It wakes then.
    pub fn starts_after(&self) -> Option<Sequence> {
        self.outbox.starts_after()
    }

    /// Moves at most so many notices to the end of `into`, in the order of their positions.
    pub fn take(&self, count_max: usize, into: &mut Vec<Notice>) -> Taken {
        self.outbox.take(count_max, into)
    }

    /// From now on it takes these questions, and its banks count as connected for these.
    ///
    /// What is asked of the handle afterwards is answered when this is in force: a list of a bank's open questions that
    /// is read then has every question that went by before.
    pub fn set_questions(&self, questions: Questions) {
        self.listeners.change(Change::Questions(self.outbox.id, questions));
        (self.nudge)();
    }

    /// Begins anew after [`Taken::Lost`]: there is a new [`Self::starts_after`] once it wakes. Does nothing while
    /// nothing is lost.
    pub fn restart(&self) {
        if self.outbox.has_lost() {
            self.outbox.reset();
            self.listeners.change(Change::Begun(Arc::clone(&self.outbox)));
            (self.nudge)();
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.outbox.close();
        self.listeners.change(Change::Ended(self.outbox.id));
        self.listeners.count.fetch_sub(1, Ordering::Relaxed);
        (self.nudge)();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Subscription").field(&self.outbox).finish()
    }
}
