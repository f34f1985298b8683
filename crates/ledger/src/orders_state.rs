//! Orders as they stand in a stored state, in log order. Slots, trees and what finds them follow from that.
//!
//! Reading checks what the rules rely on: the lines of a package are those that it has kept and come to what is counted of
//! it, and a payment that is under way is one that waits.

use std::collections::BTreeMap;
use std::io;

use types::{
    AccountNumber, Amount, Currency, Date, ParticipantNumber, PaymentState, ReasonCode, Sequence, Timestamp,
};

use super::{Order, OrderState, Orders};
use crate::accounts::Accounts;
use crate::limits::{ORDERS_MAX, ORDERS_PER_ACCOUNT_MAX, ROOM_BEYOND};
use crate::packages::Packages;
use crate::payments::Payments;
use crate::sections::{Impossible, SectionReader, SectionWriter, StateError, holds, value, zero};
use crate::state_layout::{self, ORDERS};
use crate::zone::LocalTime;
use crate::{Package, Position, Schedule, layout};

impl Order {
    fn to_state(self) -> state_layout::Order {
        let schedule = self.schedule.map(|schedule| schedule.to_record());
        state_layout::Order {
            sequence: self.sequence.0.into(),
            package: self.package.0.into(),
            stands_at: self.stands_at.0.into(),
            stands_time: self.stands_time.nanoseconds().into(),
            payment: self.payment.0.into(),
            ended_time: self.ended_time.nanoseconds().into(),
            due: self.due.nanoseconds().into(),
            give_up: self.give_up.nanoseconds().into(),
            amount: self.amount.into(),
            body_digest: self.body_digest,
            bank: self.bank.0.into(),
            account: self.account.0.into(),
            line: self.line.into(),
            occurrence: self.occurrence.into(),
            first: self.first.days().into(),
            meant: self.meant.days().into(),
            last: schedule.map_or(0.into(), |schedule| schedule.last),
            reason: self.reason.map_or([0; 4], |reason| *reason.as_bytes()),
            currency: self.currency.number().into(),
            state: self.state.number(),
            every: schedule.map_or(0, |schedule| schedule.every),
            interval: schedule.map_or(0, |schedule| schedule.interval),
            on_closed_day: schedule.map_or(0, |schedule| schedule.on_closed_day),
            reserved: [0; 2],
        }
    }

    fn from_state(stored: &state_layout::Order, last: Position) -> Result<Self, Impossible> {
        zero(&stored.reserved)?;
        let time = |nanoseconds, field| value(Timestamp::from_nanoseconds(nanoseconds), field);
        let local = |nanoseconds, field| value(LocalTime::from_nanoseconds(nanoseconds), field);
        let date = |days, field| value(Date::from_days(days), field);
        let record = layout::Schedule {
            last: stored.last,
            every: stored.every,
            interval: stored.interval,
            on_closed_day: stored.on_closed_day,
            reserved: [0; 9],
        };
        date(stored.last.get(), "last")?;
        let schedule = Schedule::from_record(&record);
        holds(schedule.is_some() || record.as_zeros(), "every")?;
        holds(schedule.is_none_or(|schedule| (1..=12).contains(&schedule.interval)), "interval")?;
        let read = Self {
            sequence: Sequence(stored.sequence.get()),
            package: Sequence(stored.package.get()),
            line: stored.line.get(),
            bank: ParticipantNumber(stored.bank.get()),
            account: AccountNumber(stored.account.get()),
            currency: value(Currency::from_number(stored.currency.get()).ok(), "currency")?,
            amount: stored.amount.get(),
            stands_at: Sequence(stored.stands_at.get()),
            stands_time: time(stored.stands_time.get(), "stands_time")?,
            due: local(stored.due.get(), "due")?,
            give_up: local(stored.give_up.get(), "give_up")?,
            payment: Sequence(stored.payment.get()),
            occurrence: stored.occurrence.get(),
            reason: ReasonCode::from_bytes(stored.reason),
            ended_time: time(stored.ended_time.get(), "ended_time")?,
            schedule,
            first: date(stored.first.get(), "first")?,
            meant: date(stored.meant.get(), "meant")?,
            body_digest: stored.body_digest,
            state: value(OrderState::from_number(stored.state), "state")?,
        };
        holds(read.reason.is_some() || stored.reason == [0; 4], "reason")?;
        read.check(last)?;
        Ok(read)
    }

    fn check(&self, last: Position) -> Result<(), Impossible> {
        holds(self.sequence.0 > 0 && self.sequence <= self.stands_at, "stands_at")?;
        holds(self.stands_at <= last.sequence, "stands_at")?;
        holds(self.stands_time <= last.time && self.ended_time <= last.time, "stands_time")?;
        holds(self.package < self.sequence, "package")?;
        holds(self.is_single() == (self.line == 0), "line")?;
        holds(self.is_single() || self.schedule.is_none(), "every")?;
        holds(!self.is_single() || self.account.0 > 0, "account")?;
        let is_read = self.state != OrderState::Refused;
        holds(is_read || !self.is_single(), "state")?;
        let has_amount = Amount::from_minor_units(self.amount).is_some();
        holds(has_amount || (!is_read && self.amount == 0), "amount")?;
        holds(self.give_up == LocalTime::AT_ONCE || self.give_up > self.due, "give_up")?;
        holds(self.first <= self.meant, "meant")?;
        holds((self.payment.0 == 0) == (self.occurrence == 0), "payment")?;
        holds(self.payment <= last.sequence, "payment")?;
        holds(self.payment.0 == 0 || self.payment > self.sequence, "payment")?;
        holds(self.state != OrderState::Sent || self.payment.0 > 0, "payment")?;
        holds(self.state.is_final() == (self.ended_time > Timestamp::default()), "ended_time")?;
        let has_reason = match self.state {
            OrderState::Rejected | OrderState::Expired | OrderState::Refused | OrderState::Awaiting => true,
            // A standing one has the reason why it was not settled the time before.
            OrderState::Pending => self.schedule.is_some() && self.reason.is_some(),
            OrderState::Cancelled => self.reason.is_some(),
            OrderState::Sent | OrderState::Settled => false,
        };
        holds(self.reason.is_some() == has_reason, "reason")
    }
}

/// What the lines of a package come to.
#[derive(Clone, Copy, Default)]
struct Tally {
    lines: u32,
    by_state: [u32; 8],
    sum: i64,
    sum_settled: i64,
}

impl Tally {
    fn count(&mut self, order: &Order, state: OrderState) {
        self.lines += 1;
        self.by_state[usize::from(state.number() - 1)] += 1;
        self.sum += order.amount;
        self.sum_settled += if state == OrderState::Settled { order.amount } else { 0 };
    }

    /// Whether it is what is counted of a package of which as many lines are kept.
    fn is_of(&self, package: &Package) -> bool {
        let kept = package.logged + 1 - package.kept_from;
        if package.kept_from > 1 {
            return self.lines == kept;
        }
        let [pending, awaiting, sent, settled, rejected, expired, cancelled, refused] = self.by_state;
        (self.lines, pending + awaiting, awaiting, sent)
            == (kept, package.pending, package.awaiting, package.sent)
            && (settled, rejected + expired) == (package.settled, package.rejected)
            && (cancelled, refused) == (package.cancelled, package.refused)
            && (self.sum, self.sum_settled) == (package.sum_logged, package.sum_settled)
    }
}

impl Orders {
    pub(crate) fn write_state(&self, writer: &mut SectionWriter<'_>) -> io::Result<()> {
        self.packages.write_state(writer)?;
        let mut sorted: Vec<&Order> = self.iter().collect();
        sorted.sort_unstable_by_key(|order| order.sequence);
        writer.section(ORDERS, sorted.len(), sorted.into_iter().map(|order| order.to_state()))
    }

    /// Reads packages and orders of so many participants as of a position.
    pub(crate) fn read_state(
        reader: &mut SectionReader<'_>,
        last: Position,
        participants: usize,
        accounts: &Accounts,
        payments: &Payments,
    ) -> Result<Self, StateError> {
        let packages = Packages::read_state(reader, last, participants)?;
        let count = reader.begin_within(ORDERS, ORDERS_MAX + ROOM_BEYOND)?;
        let mut read = Self { packages, ..Self::new() };
        read.reserve(count, participants);
        let mut tallies: BTreeMap<Sequence, Tally> = BTreeMap::new();
        let mut before = Sequence(0);
        reader.items(ORDERS, u64::try_from(count).expect("64 bits"), |item: &state_layout::Order| {
            let order = Order::from_state(item, last)?;
            holds(before < order.sequence, "sequence")?;
            before = order.sequence;
            let is_bank = usize::try_from(order.bank.0).is_ok_and(|bank| (1..=participants).contains(&bank));
            holds(is_bank, "bank")?;
            holds(order.account.0 == 0 || accounts.is_customers(order.account), "account")?;
            if order.state == OrderState::Sent {
                let payment = payments.at(order.payment);
                holds(payment.is_some_and(|payment| payment.state() == PaymentState::Reserved), "payment")?;
                holds(read.sent_as(order.payment).is_none(), "payment")?;
            }
            match order.is_single() {
                true => holds(read.count_of(order.account) < ORDERS_PER_ACCOUNT_MAX, "account")?,
                false => {
                    let package = value(read.packages.at(order.package), "package")?;
                    holds((package.bank, package.currency) == (order.bank, order.currency), "package")?;
                    holds((package.kept_from..=package.logged).contains(&order.line), "line")?;
                    holds(read.line(order.package, order.line).is_none(), "line")?;
                }
            }
            read.add(order);
            if !order.is_single() {
                tallies.entry(order.package).or_default().count(&order, read.state_of(&order));
            }
            Ok(())
        })?;
        let tally = |package: &Package| tallies.get(&package.sequence).copied().unwrap_or_default();
        let add_up = read.packages.iter().all(|package| tally(package).is_of(package));
        let item = u64::try_from(count).expect("64 bits").saturating_sub(1);
        holds(add_up, "line").map_err(|impossible| ORDERS.impossible(item, impossible))?;
        Ok(read)
    }
}

impl layout::Schedule {
    /// Whether it says nothing.
    fn as_zeros(&self) -> bool {
        *self == zerocopy::FromZeros::new_zeroed()
    }
}
