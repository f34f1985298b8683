//! The orders that wait for their time, have been sent, or ended lately: those of packages, and those that stand alone.
//!
//! Orders stand in fixed slots that are used again, found by their positions, by package and line, by the payment that is
//! under way for them, and by their account if they stand alone. What waits is in a tree in the order of its time: one for
//! each package, and one for each bank of what stands alone, so that neither a large package nor a mass of orders for one
//! moment costs anything when that moment comes.
//!
//! Invariants:
//! - An order of a tree waits, and one that waits is in its tree, unless its package is cancelled, which cancels all at once.
//! - An order has one payment under way at the most.
//! - What becomes of an order is decided by its own commands and by its payment's, never by time alone.

use types::{AccountNumber, Currency, Date, ParticipantNumber, ReasonCode, Sequence, Timestamp};

use crate::command::stored_enum;
use crate::deadlines::{DEADLINE_BYTES, Deadlines, Due};
use crate::due_tree::{self, Links, NONE};
use crate::index::{Index, hash, index};
use crate::limits::{ORDER_BYTES, ORDERS_KEPT, ORDERS_MAX, ROOM_BEYOND};
use crate::packages::Packages;
use crate::rings::{self, InRing, Link, Rings};
use crate::zone::LocalTime;
use crate::{Package, Schedule};

#[path = "orders_state.rs"]
mod state;

stored_enum! {
    /// Where an order stands.
    OrderState {
        /// It waits for its time, for its package to be closed, or to be taken up.
        Pending = 1,
        /// It was taken up, and the payer or a bank lacks the funds so far.
        Awaiting = 2,
        /// Its payment waits for a bank's answer.
        Sent = 3,
        /// Its payment was settled.
        Settled = 4,
        /// Its payment was rejected.
        Rejected = 5,
        /// Its payment expired.
        Expired = 6,
        /// It was cancelled before it was sent.
        Cancelled = 7,
        /// It was refused on reading.
        Refused = 8,
    }
}

impl OrderState {
    /// Whether it is still to be sent.
    pub const fn waits(self) -> bool {
        matches!(self, Self::Pending | Self::Awaiting)
    }

    /// Whether nothing will become of it any more.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Awaiting | Self::Sent)
    }
}

/// One order. A standing one is here once, with what became of it last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its position.
    pub sequence: Sequence,
    /// The position of its package; 0 if it stands alone.
    pub package: Sequence,
    /// Its line there; 0 if it stands alone.
    pub line: u32,
    /// The payer's bank.
    pub bank: ParticipantNumber,
    /// The payer's account; 0 if it is not kept here.
    pub account: AccountNumber,
    /// The currency.
    pub currency: Currency,
    /// Minor units; 0 of a line that was refused on reading before its amount.
    pub amount: i64,
    /// The position of the command that holds its terms and texts.
    pub stands_at: Sequence,
    /// The log time of that, whose day's key opens the texts.
    pub stands_time: Timestamp,
    /// From when on it is executed, by the clock of its bank: of a standing order the next time.
    pub due: LocalTime,
    /// From when on a lack of funds is final; [`LocalTime::AT_ONCE`] for the end of the day of its execution.
    pub give_up: LocalTime,
    /// The position of its last payment; 0 if there was none.
    pub payment: Sequence,
    /// How many payments it has had.
    pub occurrence: u32,
    /// Why it was refused or not settled, or what it waits for.
    pub reason: Option<ReasonCode>,
    /// When it ended; 1970 as long as it has not.
    pub ended_time: Timestamp,
    /// On which days it is executed again; `None` for once.
    pub schedule: Option<Schedule>,
    /// The first day of its schedule; of an order without one the day on which it is due.
    pub first: Date,
    /// The day of the schedule that the present execution is meant for.
    pub meant: Date,
    pub(crate) body_digest: [u8; 16],
    pub(crate) state: OrderState,
}

impl Order {
    /// Where it stands in the order of time.
    pub(crate) const fn key(&self) -> DueKey {
        (self.due, self.sequence)
    }

    /// From when on nothing is known of it any more, once it has ended.
    pub(crate) fn gone_time(&self) -> Timestamp {
        self.ended_time.plus(ORDERS_KEPT)
    }

    /// Whether it stands alone.
    pub const fn is_single(&self) -> bool {
        self.package.0 == 0
    }
}

/// Where an order stands in the order of time.
pub(crate) type DueKey = (LocalTime, Sequence);

/// The orders that are taken up together: large groups must not hold small ones up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderGroup {
    /// Those of one bank that stand alone.
    Bank(ParticipantNumber),
    /// Those of the package at this position.
    Package(Sequence),
}

/// A slot: an order with its places in a tree and among those of its account, or one that is free.
#[derive(Clone, Copy, Debug)]
struct Slot {
    order: Option<Order>,
    links: Links,
    link: Link,
}

const VACANT: Slot = Slot { order: None, links: Links::NONE, link: Link::FREE };

impl InRing for Slot {
    fn link(&self) -> Link {
        self.link
    }

    fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }

    fn account(&self) -> Option<AccountNumber> {
        self.order.map(|order| order.account)
    }
}

/// An index has cells of 8 bytes, is at least 7/16 full once it has grown, and keeps the table before while it grows.
const INDEX_BYTES: usize = 2 * 8 * 16 / 7;
// By position, and by line or account; few have a payment under way.
const _: () = assert!(size_of::<Slot>() + 2 * INDEX_BYTES + DEADLINE_BYTES <= ORDER_BYTES);

/// The slots alone, as the trees need them.
#[derive(Debug)]
struct Table(Vec<Slot>);

impl due_tree::Slots for Table {
    type Key = DueKey;

    fn key(&self, slot: u32) -> (DueKey, Sequence) {
        let order = self.get(slot);
        (order.key(), order.sequence)
    }

    fn links(&mut self, slot: u32) -> &mut Links {
        &mut self.0[index(slot)].links
    }

    fn links_of(&self, slot: u32) -> Links {
        self.0[index(slot)].links
    }
}

impl Table {
    fn get(&self, slot: u32) -> &Order {
        self.0[index(slot)].order.as_ref().expect("the slot is in use")
    }
}

/// All orders and packages.
#[derive(Debug)]
pub(crate) struct Orders {
    pub(crate) packages: Packages,
    slots: Table,
    free: u32,
    count: usize,
    by_sequence: Index,
    by_line: Index,
    /// Of those whose payment is under way.
    by_payment: Index,
    /// Those of each account that stand alone, in the order in which they were placed.
    of_account: Rings,
    /// The trees of what stands alone, by the banks' numbers.
    roots: Vec<u32>,
    /// When orders that stand alone and have ended are forgotten.
    ended: Deadlines,
}

impl Orders {
    /// Sets address space aside for as many as there may be.
    pub(crate) fn new() -> Self {
        let room = ORDERS_MAX + ROOM_BEYOND;
        Self {
            packages: Packages::new(),
            slots: Table(Vec::with_capacity(room)),
            free: NONE,
            count: 0,
            by_sequence: Index::new(),
            by_line: Index::new(),
            by_payment: Index::new(),
            of_account: Rings::new(),
            roots: Vec::new(),
            ended: Deadlines::with_capacity(room),
        }
    }

    /// Makes room for this many more orders, packages and payments under way, of so many banks.
    pub(crate) fn reserve(&mut self, orders: usize, banks: usize) {
        self.packages.reserve(orders);
        self.slots.0.reserve(orders);
        self.by_sequence.reserve(orders);
        self.by_line.reserve(orders);
        self.by_payment.reserve(orders);
        self.of_account.reserve(orders);
        self.ended.reserve(self.slots.0.len() + orders);
        self.roots.reserve((banks + 1).saturating_sub(self.roots.len()));
    }

    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// All orders, in no order that means something.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Order> {
        self.slots.0.iter().filter_map(|slot| slot.order.as_ref())
    }

    /// The slots from one on, with their orders.
    pub(crate) fn behind_slot(&self, first: u32) -> impl Iterator<Item = (u32, Option<&Order>)> {
        (first..).zip(self.slots.0.iter().skip(index(first)).map(|slot| slot.order.as_ref()))
    }

    pub(crate) fn find(&self, sequence: Sequence) -> Option<u32> {
        self.by_sequence.find(hash(sequence.0), |slot| self.get(slot).sequence == sequence)
    }

    pub(crate) fn get(&self, slot: u32) -> &Order {
        self.slots.get(slot)
    }

    /// The order at this position.
    pub(crate) fn at(&self, sequence: Sequence) -> Option<&Order> {
        self.find(sequence).map(|slot| self.get(slot))
    }

    /// A line of a package.
    pub(crate) fn line(&self, package: Sequence, line: u32) -> Option<u32> {
        let is_it = |slot| {
            let order = self.get(slot);
            (order.package, order.line) == (package, line)
        };
        self.by_line.find(line_hash(package, line), is_it)
    }

    /// The order for which this payment is under way.
    pub(crate) fn sent_as(&self, payment: Sequence) -> Option<u32> {
        if self.by_payment.count() == 0 {
            return None;
        }
        self.by_payment.find(hash(payment.0), |slot| self.get(slot).payment == payment)
    }

    /// Where it stands: a package that is cancelled has cancelled all of its orders that wait.
    pub(crate) fn state_of(&self, order: &Order) -> OrderState {
        let is_cancelled = || self.packages.at(order.package).is_some_and(|package| package.is_cancelled);
        match order.state.waits() && !order.is_single() && is_cancelled() {
            true => OrderState::Cancelled,
            false => order.state,
        }
    }

    /// How many orders of an account stand alone.
    pub(crate) fn count_of(&self, account: AccountNumber) -> u32 {
        self.of_account.count(&self.slots.0, account)
    }

    /// The orders of an account that stand alone, in the order in which they were placed.
    pub(crate) fn of_account(&self, account: AccountNumber) -> impl Iterator<Item = &Order> {
        self.of_account.walk(&self.slots.0, account).filter_map(|slot| slot.order.as_ref())
    }

    /// The orders of a group that wait, behind a place in the order of time.
    pub(crate) fn waiting(&self, group: OrderGroup, after: Option<DueKey>) -> impl Iterator<Item = &Order> {
        let root = match group {
            OrderGroup::Bank(bank) => self.roots.get(index(bank.0)).copied(),
            OrderGroup::Package(package) => self.packages.at(package).and_then(Package::executable_root),
        };
        due_tree::walk(&self.slots, root.unwrap_or(NONE), after).map(|slot| self.get(slot))
    }

    /// The banks from this number on of which an order waits that stands alone.
    pub(crate) fn banks_from(&self, first: ParticipantNumber) -> impl Iterator<Item = ParticipantNumber> {
        let roots = (first.0..u32::MAX).zip(self.roots.iter().skip(index(first.0)));
        roots.filter(|(_, root)| **root != NONE).map(|(bank, _)| ParticipantNumber(bank))
    }

    /// Adds an order. One that waits enters its tree, one that has ended is forgotten in time.
    pub(crate) fn add(&mut self, order: Order) -> u32 {
        let occupied = Slot { order: Some(order), ..VACANT };
        let slot = rings::occupy(&mut self.slots.0, &mut self.free, occupied);
        self.by_sequence.insert(hash(order.sequence.0), slot);
        match order.is_single() {
            true => self.of_account.join(&mut self.slots.0, slot),
            false => self.by_line.insert(line_hash(order.package, order.line), slot),
        }
        self.count += 1;
        if self.state_of(&order).waits() {
            self.enter_tree(slot);
        }
        if order.state == OrderState::Sent {
            self.by_payment.insert(hash(order.payment.0), slot);
        }
        if order.is_single() && order.state.is_final() {
            self.ended.insert(Due { time: order.gone_time(), sequence: order.sequence, slot });
        }
        slot
    }

    /// Changes an order that waits, out of its tree and into it again.
    pub(crate) fn change(&mut self, slot: u32, change: impl FnOnce(&mut Order)) {
        let waited = self.state_of(self.get(slot)).waits();
        if waited {
            self.leave_tree(slot);
        }
        let order = self.slots.0[index(slot)].order.as_mut().expect("the slot is in use");
        let before = *order;
        change(order);
        let after = *order;
        assert!(
            (before.sequence, before.package, before.account)
                == (after.sequence, after.package, after.account),
            "an order stays where it is found"
        );
        if self.state_of(&after).waits() {
            self.enter_tree(slot);
        }
        if before.state == OrderState::Sent && after.state != OrderState::Sent {
            self.by_payment.remove(hash(before.payment.0), slot);
        }
        if after.state == OrderState::Sent && before.state != OrderState::Sent {
            self.by_payment.insert(hash(after.payment.0), slot);
        }
        if after.is_single() && after.state.is_final() {
            assert!(!before.state.is_final(), "an order ends once");
            self.ended.insert(Due { time: after.gone_time(), sequence: after.sequence, slot });
        }
    }

    /// Notes for what an order waits. Its place in the order of time stays.
    pub(crate) fn note_awaiting(&mut self, slot: u32, reason: ReasonCode) {
        let order = self.slots.0[index(slot)].order.as_mut().expect("the slot is in use");
        assert!(order.state.waits(), "only what waits goes on waiting");
        (order.state, order.reason) = (OrderState::Awaiting, Some(reason));
    }

    /// Notes where the texts of an order stand now.
    pub(crate) fn set_place(&mut self, slot: u32, at: Sequence, time: Timestamp) {
        let order = self.slots.0[index(slot)].order.as_mut().expect("the slot is in use");
        (order.stands_at, order.stands_time) = (at, time);
    }

    fn enter_tree(&mut self, slot: u32) {
        let (package, bank) = (self.get(slot).package, self.get(slot).bank);
        let place = index(bank.0);
        if self.roots.len() <= place {
            self.roots.resize(place + 1, NONE);
        }
        let root = match package.0 {
            0 => &mut self.roots[place],
            _ => self.packages.root(package),
        };
        due_tree::insert(&mut self.slots, root, slot);
    }

    fn leave_tree(&mut self, slot: u32) {
        let (package, bank) = (self.get(slot).package, self.get(slot).bank);
        let root = match package.0 {
            0 => &mut self.roots[index(bank.0)],
            _ => self.packages.root(package),
        };
        due_tree::remove(&mut self.slots, root, slot);
    }

    /// Forgets an order that has ended.
    fn remove(&mut self, slot: u32) {
        let order = *self.get(slot);
        self.by_sequence.remove(hash(order.sequence.0), slot);
        match order.is_single() {
            true => self.of_account.leave(&mut self.slots.0, slot),
            false => self.by_line.remove(line_hash(order.package, order.line), slot),
        }
        rings::vacate(&mut self.slots.0, &mut self.free, slot, VACANT);
        self.count -= 1;
    }

    /// Forgets what is over for long, at most so much of it: lines of packages and orders that stood alone, and what is kept
    /// of packages.
    pub(crate) fn forget(&mut self, now: Timestamp, count_max: usize) {
        for _ in 0..count_max {
            let Some(due) = self.packages.first_over().filter(|due| due.time <= now) else { break };
            match self.packages.next_to_forget(due.slot) {
                Some((package, line)) => {
                    let slot = self.line(package, line).expect("the lines of a package are kept together");
                    self.remove(slot);
                }
                None => self.packages.remove(due.slot),
            }
        }
        for _ in 0..count_max {
            let Some(due) = self.ended.first().filter(|due| due.time <= now) else { break };
            self.ended.remove(due.slot);
            self.remove(due.slot);
        }
    }

    /// What holds between orders, packages and what finds them.
    pub(crate) fn validate(&self) {
        self.packages.validate();
        self.ended.validate();
        let (mut waiting, mut singles, mut listed) = (0, 0, 0);
        for (slot, order) in (0..).zip(self.slots.0.iter().map(|slot| slot.order)) {
            let Some(order) = order else { continue };
            assert!(self.find(order.sequence) == Some(slot), "an order is found by its position");
            let under_way = self.sent_as(order.payment) == Some(slot);
            assert!(under_way == (order.state == OrderState::Sent), "a payment under way finds its order");
            waiting += usize::from(self.state_of(&order).waits());
            if order.is_single() {
                singles += 1;
                let count = self.of_account.validate(&self.slots.0, slot);
                if count > 0 {
                    let ring = self.of_account(order.account);
                    assert!(ring.is_sorted_by_key(|order| order.sequence), "a ring is in log order");
                    listed += count;
                }
            } else {
                assert!(self.line(order.package, order.line) == Some(slot), "a line is found by its number");
            }
        }
        assert!(listed == singles, "what stands alone is in the ring of its account");
        let banks = self.roots.iter().copied();
        let roots = banks.chain(self.packages.iter().filter_map(Package::live_root));
        let trees = roots.map(|root| {
            let keys: Vec<_> =
                due_tree::walk(&self.slots, root, None).map(|slot| self.get(slot).key()).collect();
            assert!(keys.is_sorted(), "a tree is in the order of time");
            keys.len()
        });
        assert!(trees.sum::<usize>() == waiting, "what waits is in a tree");
    }
}

fn line_hash(package: Sequence, line: u32) -> u64 {
    hash(package.0).rotate_left(32) ^ hash(u64::from(line))
}
