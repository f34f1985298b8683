//! What is due is paid: the orders that the core calls due are read in the log and submitted as payments.
//!
//! Nothing is remembered here that matters: which orders are due, sent or done says the core, and it executes each once,
//! whoever asks for it and however often. So a node that is started again just asks again.
//!
//! Invariants:
//! - At most so many payments are under way at once, those that a bank is asked about included, and none that the core has no
//!   room for: a file of a million lines waits, and others' payments do not.
//! - Groups of orders (packages, and the single orders of each bank) take turns, page by page.
//! - What waits for money is not tried before there is some, and then one by one until one is paid.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use engine::{Answer, Answered, Handle, NotTaken, ORDERS_ASKED_MAX, OrderFound, OrdersAsked, Question};
use ledger::{HAS_ORDERS, LocalTime, OrderGroup, RecordWriter, StoredTerms, Zone, order_transaction_id};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use types::{Bic, Sequence, Timestamp};

use super::holding::{Holding, Keys};
use super::sent::{Sent, Told};
use crate::history::left_of;
use crate::node::PART_BYTES_MAX;
use crate::own_work::{self, NODE};

/// How often it looks for what has become due, and for what waited for money.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks that others ask for are no closer together.
const LOOKS_APART: Duration = Duration::from_millis(20);

/// After what the node had no room for, so long nothing is submitted; and after what it did not take for another reason.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// Payments that are submitted together, at most.
const TOGETHER_MAX: usize = 256;

/// Pages of orders without one that could be sent that are read between two looks, of one group and of all: where very many
/// wait for money, they are walked over some at a time.
const IDLE_PAGES_MAX: (u32, u32) = (16, 256);

/// Log time is moved on where an idle log has not come to the present minute: orders are due at minutes.
const MINUTE: i64 = 60_000_000_000;

/// A group, and how far its due orders have been read.
struct Walk {
    group: OrderGroup,
    after: Option<(LocalTime, Sequence)>,
    /// Pages since the last look without an order that could be sent.
    idle_pages: u32,
}

/// An order that has been read.
struct Ready {
    found: OrderFound,
    terms: StoredTerms,
}

/// Pays what is due.
pub(crate) struct Runner {
    handle: Handle,
    under_way_max: usize,
    /// Payments that are submitted together.
    together: usize,
    /// Groups with something due, in turns.
    walks: VecDeque<Walk>,
    /// Groups whose turn comes again after the next look.
    parked: VecDeque<Walk>,
    ready: VecDeque<Ready>,
    /// Orders that have been read, or submitted without an answer so far: none is in hand twice.
    in_hand: BTreeSet<Sequence>,
    /// Orders that were submitted and have no answer yet.
    submitted: BTreeMap<Sequence, Keys>,
    /// Payments that wait for a bank.
    waiting: usize,
    holding: Holding,
    idle_pages: u32,
    clocks: BTreeMap<Bic, Zone>,
    sender: mpsc::Sender<Told>,
    told: mpsc::Receiver<Told>,
}

/// Pays what is due, until the node stops. `nudge` tells it that something may have become due.
pub(crate) async fn run_orders(
    handle: Handle,
    under_way_max: usize,
    nudge: Arc<Notify>,
    mut stopping: watch::Receiver<bool>,
) {
    let running = async {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut runner = Runner::new(handle, under_way_max);
        loop {
            looks.tick().await;
            if runner.handle.rules_version() >= HAS_ORDERS {
                runner.run(&nudge, &mut looks).await;
            }
        }
    };
    tokio::select! {
        () = running => {}
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
}

impl Runner {
    fn new(handle: Handle, under_way_max: usize) -> Self {
        let (sender, told) = mpsc::channel(words_max(under_way_max));
        Self {
            handle,
            under_way_max,
            together: (under_way_max / 4).clamp(1, TOGETHER_MAX),
            walks: VecDeque::new(),
            parked: VecDeque::new(),
            ready: VecDeque::new(),
            in_hand: BTreeSet::new(),
            submitted: BTreeMap::new(),
            waiting: 0,
            holding: Holding::default(),
            idle_pages: 0,
            clocks: BTreeMap::new(),
            sender,
            told,
        }
    }

    /// Looks, pays and waits, for ever.
    async fn run(&mut self, nudge: &Notify, looks: &mut tokio::time::Interval) {
        let mut looked = self.look().await;
        loop {
            while let Ok(told) = self.told.try_recv() {
                self.take(told);
            }
            // Also while one package keeps it busy.
            if looked.elapsed() >= LOOK_EVERY {
                looked = self.look().await;
            }
            let pause = self.submit();
            let reads_on = !self.walks.is_empty() && self.idle_pages < IDLE_PAGES_MAX.1;
            // One page ahead, so that payments do not wait for the disk.
            if self.ready.len() < ORDERS_ASKED_MAX && reads_on {
                self.read_page().await;
                continue;
            }
            tokio::select! {
                told = self.told.recv() => self.take(told.expect("a sender is here")),
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
                _ = looks.tick() => looked = self.look().await,
                () = nudge.notified(), if looked.elapsed() >= LOOKS_APART => looked = self.look().await,
                () = tokio::time::sleep_until(looked + LOOKS_APART), if looked.elapsed() < LOOKS_APART => {}
            }
        }
    }

    /// Asks which groups have something due. Those that are being walked over go on where they are.
    async fn look(&mut self) -> Instant {
        self.idle_pages = 0;
        self.clocks.clear();
        self.holding.forget_old();
        self.walks.append(&mut self.parked);
        for walk in &mut self.walks {
            walk.idle_pages = 0;
        }
        let mut after = None;
        loop {
            let Some(Answered { answer: Answer::DueGroups(groups), as_of }) =
                ask(&self.handle, Question::DueGroups(after)).await
            else {
                break;
            };
            self.move_on(as_of.time);
            let Some(last) = groups.last() else { break };
            after = Some(*last);
            let known: BTreeSet<OrderGroup> = self.walks.iter().map(|walk| walk.group).collect();
            let new = groups.into_iter().filter(|group| !known.contains(group));
            self.walks.extend(new.map(|group| Walk { group, after: None, idle_pages: 0 }));
        }
        Instant::now()
    }

    /// What is due is said by log time, which stands still where nothing happens.
    fn move_on(&self, reached: Timestamp) {
        let minute = |time: Timestamp| time.nanoseconds() / MINUTE;
        if minute(reached) < minute(self.handle.now()) {
            self.handle.tick();
        }
    }

    /// Reads the next orders of the group whose turn it is.
    async fn read_page(&mut self) {
        let Some(mut walk) = self.walks.pop_front() else { return };
        let asked = OrdersAsked::Due { group: walk.group, after: walk.after, count_max: ORDERS_ASKED_MAX };
        let answered = ask(&self.handle, Question::Orders(asked)).await;
        // What could not be asked comes again with the next look.
        let Some(Answered { answer: Answer::Orders(answer), as_of }) = answered else { return };
        let found = answer.orders;
        let Some(last) = found.last() else { return };
        walk.after = Some((last.order.due, last.order.sequence));
        self.read_clocks(&found).await;
        let now = Instant::now();
        let can_be_sent = |found: &OrderFound| {
            let is_in_hand = self.in_hand.contains(&found.order.sequence);
            let lacks = found.lacks_funds && !self.is_over(found, as_of.time);
            !is_in_hand && !lacks && !self.holding.holds_bank(found.bank, now)
        };
        let found: Vec<OrderFound> = found.into_iter().filter(can_be_sent).collect();
        if found.is_empty() {
            self.idle_pages += 1;
            walk.idle_pages += 1;
        }
        match walk.idle_pages < IDLE_PAGES_MAX.0 {
            true => self.walks.push_back(walk),
            false => self.parked.push_back(walk),
        }
        if !found.is_empty() {
            self.read_terms(found).await;
        }
    }

    /// Whether a lack of funds is final by now.
    fn is_over(&self, found: &OrderFound, now: Timestamp) -> bool {
        let clock = self.clocks.get(&found.bank).copied().unwrap_or_default();
        let order = &found.order;
        let give_up = match order.give_up {
            LocalTime::AT_ONCE if order.is_single() => order.due.end_of_day(),
            // Its package was closed after that, on the same day as a rule; if not, the try waits like others.
            LocalTime::AT_ONCE => order.due.max(clock.local(order.stands_time)).end_of_day(),
            give_up => give_up,
        };
        give_up <= clock.local(now)
    }

    /// Asks for the clocks of banks whose orders lack funds. They are few.
    async fn read_clocks(&mut self, found: &[OrderFound]) {
        for found in found.iter().filter(|found| found.lacks_funds) {
            if self.clocks.contains_key(&found.bank) {
                continue;
            }
            if let Some(Answered { answer: Answer::Participant(Some(bank)), .. }) =
                ask(&self.handle, Question::Participant(found.bank)).await
            {
                self.clocks.insert(found.bank, *bank.participant.zone());
            }
        }
    }

    /// Reads what the log has of orders, all at once: they lie side by side.
    async fn read_terms(&mut self, found: Vec<OrderFound>) {
        let positions: Vec<Sequence> = found.iter().map(|found| found.order.stands_at).collect();
        let log = self.handle.log();
        // A panic in there is told by its own message.
        let read = tokio::task::spawn_blocking(move || left_of(&positions, |left| log.terms_at(left))).await;
        match read {
            Ok(Ok(terms)) => {
                // What was erased can't be paid any more: it stays, and is shown as it is.
                let read = found.into_iter().zip(terms);
                let read = read.filter_map(|(found, terms)| Some(Ready { found, terms: terms? }));
                for ready in read {
                    self.in_hand.insert(ready.found.order.sequence);
                    self.ready.push_back(ready);
                }
            }
            Ok(Err(error)) => tracing::error!(%error, "orders that are due can't be read; they wait"),
            Err(_) => {}
        }
    }

    /// Submits what has been read, as far as there is room. Says how long to wait if the node does not take it.
    fn submit(&mut self) -> Option<Duration> {
        loop {
            let room = self.under_way_max.saturating_sub(self.submitted.len() + self.waiting);
            if room < self.together.min(self.ready.len()) || self.ready.is_empty() {
                return None;
            }
            let (commands, orders) = self.write_some();
            if orders.is_empty() {
                continue;
            }
            let keys: Vec<(Sequence, Keys)> =
                orders.iter().map(|ready| (ready.found.order.sequence, Keys::of(&ready.terms))).collect();
            let sent = Sent::new(keys.iter().map(|(order, _)| *order).collect(), self.sender.clone());
            match self.handle.submit(commands, Box::new(sent)) {
                Ok(()) => self.submitted.extend(keys),
                Err(reason) => {
                    // They are written anew, with the time at which they are taken up then.
                    for (_, keys) in &keys {
                        self.holding.not_sent(keys);
                    }
                    for ready in orders.into_iter().rev() {
                        self.ready.push_front(ready);
                    }
                    let is_busy = reason == NotTaken::Overloaded;
                    return Some(if is_busy { PAUSES.0 } else { PAUSES.1 });
                }
            }
        }
    }

    /// Writes the payments of the next orders that nothing holds back.
    fn write_some(&mut self) -> (RecordWriter, Vec<Ready>) {
        let accounts = self.handle.directory().accounts();
        let life = self.handle.lives().last().incarnation;
        let mut commands = self.handle.commands(NODE);
        let mut orders = Vec::with_capacity(self.together);
        let (stamped, now) = (self.handle.now(), Instant::now());
        while orders.len() < self.together && commands.length() < PART_BYTES_MAX {
            let Some(ready) = self.ready.pop_front() else { break };
            let Ready { found, terms } = &ready;
            let order = &found.order;
            if !self.holding.lets_pass(&Keys::of(terms), now) {
                self.in_hand.remove(&order.sequence);
                continue;
            }
            let id = order_transaction_id(life, order.sequence, order.occurrence);
            let look_up = |digest, currency| accounts.find(digest, currency);
            match commands.execute_order(order.sequence, &id, terms, stamped, look_up) {
                Ok(()) => orders.push(ready),
                Err(error) => {
                    let order = order.sequence;
                    self.holding.not_sent(&Keys::of(terms));
                    self.in_hand.remove(&order);
                    tracing::error!(%order, %error, "the texts of an order can't be read; it waits");
                }
            }
        }
        (commands, orders)
    }

    /// Takes in what became of what was submitted.
    fn take(&mut self, told: Told) {
        match told {
            Told::Executed { order, is_waiting } => {
                self.waiting += usize::from(is_waiting);
                if let Some(keys) = self.answered(order) {
                    self.holding.executed(&keys);
                }
            }
            Told::Waits { order, reason } => {
                if let Some(keys) = self.answered(order) {
                    self.holding.waits(&keys, reason, Instant::now());
                }
            }
            Told::NotExecuted { order } => {
                if let Some(keys) = self.answered(order) {
                    self.holding.not_sent(&keys);
                }
            }
            Told::Final => self.waiting -= 1,
        }
    }

    /// An order is under way no more. `None` if it was not taken, and is in hand again.
    fn answered(&mut self, order: Sequence) -> Option<Keys> {
        let keys = self.submitted.remove(&order)?;
        self.in_hand.remove(&order);
        Some(keys)
    }
}

/// How many words about payments may wait to be taken: of each that is under way that it was executed and that it is final, and
/// of those that were not taken.
const fn words_max(under_way_max: usize) -> usize {
    2 * under_way_max + TOGETHER_MAX
}

/// Asks, and waits for the answer; `None` if there is none.
async fn ask(handle: &Handle, question: Question) -> Option<Answered> {
    own_work::ask(handle, question).await.ok()?
}
