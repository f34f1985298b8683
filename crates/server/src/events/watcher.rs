//! One watcher: first what it missed, from the log, then what happens.

use std::collections::HashMap;
use std::sync::Arc;

use client::v1;
use engine::{
    Answer, BankChanged, Decision, Decisions, Interest, Notice, Outcomes, Question, RecallTold, RecallsAsked,
    StoredOrder, Subscription, Taken,
};
use ledger::{Outcome, Verdict};
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use types::{PaymentState, Sequence};

use super::filter::Filter;
use super::happened::{
    Happened, bank_changed, crossed, excepted, hold_expired, orders_told, recalled, request_told,
};
use super::parts::Parts;
use crate::lives::Named;
use crate::log::{ask, decisions, orders, payments};
use crate::node::Node;
use crate::refusals::{
    not_taken, position_ahead, position_too_old, reader_too_slow, stopping_connection, unanswered,
};
use crate::replies::filled_by;
use crate::values::{PaymentFacts, facts};
use crate::watchers::WatcherPlace;

/// What a watcher is sent.
type Sent = Result<v1::WatchResponse, Status>;

/// Notices that are taken at a time.
const NOTICES_MAX: usize = 256;

/// A watcher that is further behind than this reads the log before it listens, so that what happens meanwhile does not
/// fill its outbox.
const FAR_BEHIND: u64 = 16 * 1024;

/// Orders of open payments that are remembered for one watcher.
const OPEN_MAX: usize = 16 * 1024;

/// Begins to watch. Fails if the position is none that was given out.
pub(super) async fn begin(
    node: Node,
    filter: Filter,
    after: Option<Named>,
    place: WatcherPlace,
) -> Result<ReceiverStream<Sent>, Status> {
    let after = after.map(|after| after.on(node.handle.lives())).transpose()?;
    let as_of = ask(&node, Question::Lifecycle).await?.as_of.sequence;
    if after.is_some_and(|after| after > as_of) {
        return Err(position_ahead());
    }
    Ok(filled_by(|sender| async move {
        let mut watcher = Watcher {
            skips_forgotten: after == Some(Sequence(0)),
            upto: after.unwrap_or_default(),
            node,
            filter,
            sender,
            open: HashMap::new(),
            open_since: Sequence(u64::MAX),
            place,
        };
        watcher.watch(after.is_some()).await
    }))
}

struct Watcher {
    node: Node,
    filter: Filter,
    sender: mpsc::Sender<Sent>,
    /// Everything up to here has been told.
    upto: Sequence,
    /// Whether what has been forgotten is left out, instead of ending the stream.
    skips_forgotten: bool,
    /// The orders of payments that wait for a bank and that the watcher wants to hear of.
    open: HashMap<Sequence, StoredOrder>,
    /// They are complete from this position on.
    open_since: Sequence,
    place: WatcherPlace,
}

impl Watcher {
    /// Tells what happens until one side ends it.
    async fn watch(&mut self, from_the_log: bool) -> Result<(), Status> {
        if from_the_log {
            self.send(Vec::new()).await?;
            loop {
                let as_of = ask(&self.node, Question::Lifecycle).await?.as_of.sequence;
                if as_of.0 - self.upto.0 <= FAR_BEHIND {
                    break;
                }
                self.catch_up(as_of).await?;
            }
        }
        let notify = Arc::new(Notify::new());
        let subscription = self.subscribe(&notify)?;
        let starts_after = loop {
            if let Some(after) = subscription.starts_after() {
                break after;
            }
            tokio::select! {
                () = notify.notified() => {}
                () = self.node.stops() => return Err(stopping_connection()),
            }
        };
        self.open_since = starts_after;
        if from_the_log {
            self.catch_up(starts_after).await?;
        }
        self.upto = starts_after;
        self.send(Vec::new()).await?;
        self.listen(&subscription, &notify).await
    }

    fn subscribe(&self, notify: &Arc<Notify>) -> Result<Subscription, Status> {
        let limits = &self.node.limits;
        let interest = Interest {
            banks: self.filter.banks.clone(),
            questions: engine::Questions::NONE,
            outcomes: Outcomes::All,
            notices_max: limits.notices_waiting,
            bytes_max: limits.notice_bytes_waiting,
        };
        let wake = Arc::clone(notify);
        let subscription = self.node.handle.subscribe(interest, Box::new(move || wake.notify_one()));
        subscription.map_err(|reason| not_taken(reason).into_status())
    }

    /// Tells what happened up to this position.
    async fn catch_up(&mut self, upto: Sequence) -> Result<(), Status> {
        while self.upto < upto {
            if *self.node.stopping.borrow() {
                return Err(stopping_connection());
            }
            let (own, banks) = (&self.place.catch_ups, &self.filter.banks);
            let Decisions {
                decisions,
                changes,
                crossings,
                recalls,
                expired,
                exceptions,
                orders,
                requests,
                reached,
            } = decisions(&self.node, own, self.upto, upto, banks).await?;
            let mut events = self.events_of(decisions, changes).await?;
            for told in &recalls {
                events.extend(self.recalled(told).await?);
            }
            let excepted_by = |told| excepted(&self.node.handle, &self.filter, told);
            events.extend(exceptions.iter().filter_map(excepted_by));
            let expired = expired.iter();
            events.extend(expired.filter_map(|it| hold_expired(&self.node.handle, &self.filter, it)));
            events.extend(orders.iter().filter_map(|it| orders_told(&self.node.handle, &self.filter, it)));
            let requests = requests.iter();
            events.extend(requests.filter_map(|it| request_told(&self.node.handle, &self.filter, it)));
            events.extend(crossings.iter().filter_map(|crossing| crossed(&self.filter, crossing)));
            // Behind what else is told of the same position, as it is live.
            events.sort_by_key(|event| event.sequence);
            self.upto = reached.min(upto);
            if !events.is_empty() {
                self.send(events).await?;
            }
        }
        Ok(())
    }

    /// The events that the watcher wants to hear of what the log tells.
    async fn events_of(
        &self,
        decisions: Vec<Decision>,
        changes: Vec<BankChanged>,
    ) -> Result<Vec<v1::Event>, Status> {
        let positions: Vec<Sequence> = decisions.iter().map(|decision| decision.payment).collect();
        let known = payments(&self.node, &positions).await?;
        if !self.skips_forgotten && known.iter().any(Option::is_none) {
            return Err(position_too_old());
        }
        let mut changes = changes.into_iter().peekable();
        let mut events = Vec::new();
        for (Decision { decided_at, state, order, .. }, payment) in decisions.into_iter().zip(known) {
            let before = |changed: &BankChanged| changed.decided_at < decided_at;
            while let Some(changed) = changes.next_if(before) {
                events.extend(bank_changed(&self.filter, changed));
            }
            let Some(payment) = payment else { continue };
            let facts = match state {
                PaymentState::Reserved => Happened::reserved(&payment),
                PaymentState::Settled
                | PaymentState::Rejected
                | PaymentState::Expired
                | PaymentState::Unresolved => PaymentFacts::of(&payment),
            };
            let creditor_agent = order.creditor_agent();
            let happened = Happened { facts, payment, creditor_agent, order: Some(order) };
            happened.tell(&self.node, &self.filter, &mut events);
        }
        events.extend(changes.filter_map(|changed| bank_changed(&self.filter, changed)));
        Ok(events)
    }

    /// Tells what happens, as long as it is taken in time.
    async fn listen(&mut self, subscription: &Subscription, notify: &Notify) -> Result<(), Status> {
        let mut notices = Vec::new();
        let mut heartbeat = Instant::now() + self.node.limits.heartbeat;
        loop {
            let Some(room) = self.room().await? else { return Ok(()) };
            loop {
                let taken = subscription.take(NOTICES_MAX, &mut notices);
                let events = self.events(&mut notices).await?;
                let has_more = match taken {
                    Taken::Given { upto, more } => {
                        self.upto = self.upto.max(upto.unwrap_or_default());
                        more
                    }
                    Taken::Lost { after } if events.is_empty() => {
                        tracing::debug!(position = after.0, "a watcher did not keep up");
                        return Err(reader_too_slow());
                    }
                    // What was taken is still told.
                    Taken::Lost { after } => {
                        self.upto = self.upto.max(after);
                        true
                    }
                };
                if !events.is_empty() || Instant::now() >= heartbeat {
                    heartbeat = Instant::now() + self.node.limits.heartbeat;
                    self.send_in(room, events).await?;
                    break;
                }
                if has_more {
                    continue;
                }
                tokio::select! {
                    () = notify.notified() => {}
                    () = tokio::time::sleep_until(heartbeat) => {}
                    () = self.node.stops() => return Err(stopping_connection()),
                }
            }
        }
    }

    /// The events that the watcher wants to hear of these notices, which are emptied.
    async fn events(&mut self, notices: &mut Vec<Notice>) -> Result<Vec<v1::Event>, Status> {
        let missing = notices.iter().filter_map(|notice| self.order_to_read(notice)).collect();
        let mut found = orders(&self.node, missing).await?;
        let mut events = Vec::new();
        for notice in notices.drain(..) {
            match notice {
                Notice::Outcome { outcome, payment, creditor_agent, order } => {
                    let position = payment.sequence();
                    let order =
                        order.or_else(|| self.open.remove(&position)).or_else(|| found.remove(&position));
                    let happened = Happened { facts: facts(&outcome), payment, creditor_agent, order };
                    let is_wanted = happened.tell(&self.node, &self.filter, &mut events);
                    if is_wanted && happened.facts.state == PaymentState::Reserved {
                        self.remember(position, happened.order);
                    }
                }
                Notice::Changed { outcome, bank, change } => {
                    let Outcome { decided_at, decided_time, .. } = outcome;
                    let changed = BankChanged { decided_at, decided_time, bank, change };
                    events.extend(bank_changed(&self.filter, changed));
                }
                Notice::Crossed(crossing) => events.extend(crossed(&self.filter, &crossing)),
                Notice::Recall(told) => events.extend(self.recalled(&told).await?),
                Notice::HoldExpired(it) => events.extend(hold_expired(&self.node.handle, &self.filter, &it)),
                Notice::Exception(told) => events.extend(excepted(&self.node.handle, &self.filter, &told)),
                Notice::Request(it) => events.extend(request_told(&self.node.handle, &self.filter, &it)),
                Notice::Orders(it) => events.extend(orders_told(&self.node.handle, &self.filter, &it)),
                Notice::Asked { .. } => {}
            }
        }
        Ok(events)
    }

    /// That a payment was asked back, or what was answered, if the watcher wants to hear of it. An answer names little of
    /// its recall; the rest never changes, so the core is asked for it.
    async fn recalled(&self, told: &RecallTold) -> Result<Option<v1::Event>, Status> {
        if !self.filter.types.recalls || self.filter.looks_into_orders() {
            return Ok(None);
        }
        let asked = Question::Recalls(RecallsAsked::At(told.recall));
        let Answer::Recalls(kept) = ask(&self.node, asked).await?.answer else { return Err(unanswered()) };
        Ok(Some(recalled(&self.node.handle, &self.filter, told, kept.first())))
    }

    /// The payment whose order has to be read from the log: one that was reserved before the watcher remembered.
    fn order_to_read(&self, notice: &Notice) -> Option<Sequence> {
        let Notice::Outcome { outcome, payment, order: None, .. } = notice else { return None };
        let position = payment.sequence();
        let is_final = matches!(outcome.verdict, Verdict::Payment { state, .. } if state.is_final());
        let is_unknown = position <= self.open_since && !self.open.contains_key(&position);
        (is_final && is_unknown).then_some(position)
    }

    fn remember(&mut self, position: Sequence, order: Option<StoredOrder>) {
        if self.open.len() >= OPEN_MAX {
            self.open.clear();
            self.open_since = position;
        }
        if let Some(order) = order {
            self.open.insert(position, order);
        }
    }

    /// Room for one message; none if nobody is there to read it.
    async fn room(&self) -> Result<Option<OwnedPermit<Sent>>, Status> {
        let room = self.sender.clone().reserve_owned();
        match tokio::time::timeout(self.node.limits.reader_patience, room).await {
            Ok(room) => Ok(room.ok()),
            Err(_) => Err(reader_too_slow()),
        }
    }

    async fn send(&self, events: Vec<v1::Event>) -> Result<(), Status> {
        match self.room().await? {
            Some(room) => self.send_in(room, events).await,
            None => Ok(()),
        }
    }

    /// Sends events in as many messages as they need, and one in any case.
    async fn send_in(&self, room: OwnedPermit<Sent>, events: Vec<v1::Event>) -> Result<(), Status> {
        let mut parts = Parts::of(events);
        let mut room = Some(room);
        loop {
            let Some(room) = (match room.take() {
                Some(room) => Some(room),
                None => self.room().await?,
            }) else {
                return Ok(());
            };
            let (events, before) = parts.next();
            let upto_sequence = before.map_or(self.upto.0, |before| before.0.min(self.upto.0));
            let incarnation = Some(self.node.handle.lives().last().incarnation.0);
            room.send(Ok(v1::WatchResponse { events, upto_sequence, incarnation }));
            if before.is_none() {
                return Ok(());
            }
        }
    }
}
