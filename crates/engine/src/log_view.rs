//! Reading what the log holds of payments, while the node writes it.
//!
//! Invariant: only durable frames are read, and what is told of them is what was told live.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use journal::{FrameSource, FrameView, ReadError, Tail};
use ledger::{
    About, Command, Crossing, Ledger, OutcomeError, Record, RecordError, Records, StoredTerms, layout,
};
use types::{Bic, PaymentState, ReasonCode, Sequence, Timestamp};

use self::reading::{Found, Reading, concerns};
use crate::crossings::{Booking, Hosts, Told};
use crate::exceptions_told::ExceptionTold;
use crate::holds_told::HoldExpired;
use crate::orders_told::OrdersTold;
use crate::recalls_told::RecallTold;
use crate::requests_told::RequestTold;
use crate::stored_order::StoredOrder;
use crate::subscription::{BankChange, Banks};

#[path = "log_view_reading.rs"]
mod reading;

/// A way to read the log. Its methods wait for the disk: call them on a thread that may. Cheap to clone.
#[derive(Clone)]
pub struct LogView {
    source: Arc<dyn FrameSource>,
    /// Up to where everything that was decided is told by durable frames.
    told: Arc<AtomicU64>,
    /// Becomes true when nobody waits for what is read.
    is_given_up: Arc<AtomicBool>,
    /// On whose positions reachable parties settle.
    hosts: Arc<Hosts>,
}

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The frames can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A frame's records can't be read.
    #[error("a record of the log can't be read: {0}")]
    Record(#[from] RecordError),
    /// A frame's outcome entries can't be read.
    #[error(transparent)]
    Outcome(#[from] OutcomeError),
    /// The reading was given up, as [`LogView::until`] says.
    #[error("the reading was given up")]
    GivenUp,
}

impl LogError {
    /// The first position that is left, if what was asked for is gone.
    pub const fn trimmed_before(&self) -> Option<Sequence> {
        match self {
            Self::Read(ReadError::Trimmed { first_sequence, .. }) => Some(*first_sequence),
            Self::Read(_) | Self::Record(_) | Self::Outcome(_) | Self::GivenUp => None,
        }
    }
}

/// A payment was reserved or decided, as the log tells it.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The position that decided.
    pub decided_at: Sequence,
    /// The payment's position.
    pub payment: Sequence,
    /// Where it stood from then on.
    pub state: PaymentState,
    /// Why it was not settled, as the payer's side is told.
    pub reason: Option<ReasonCode>,
    /// The payment's command.
    pub order: StoredOrder,
}

/// A bank was changed, as the log tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BankChanged {
    /// The position that decided.
    pub decided_at: Sequence,
    /// Its time.
    pub decided_time: Timestamp,
    /// The bank.
    pub bank: Bic,
    /// What it is from then on.
    pub change: BankChange,
}

/// Some decisions in the order of the positions that decided.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    /// The decisions.
    pub decisions: Vec<Decision>,
    /// The changes of these banks.
    pub changes: Vec<BankChanged>,
    /// The bounds of these banks that bookings crossed.
    pub crossings: Vec<Crossing>,
    /// The recalls of these banks, and the answers to them.
    pub recalls: Vec<RecallTold>,
    /// The holds of these banks whose time was over.
    pub expired: Vec<HoldExpired>,
    /// The exceptions of these banks, and what was done about them.
    pub exceptions: Vec<ExceptionTold>,
    /// What happened to requests to pay of these banks.
    pub requests: Vec<RequestTold>,
    /// The orders of these banks that ended, and their packages of which everything has become.
    pub orders: Vec<OrdersTold>,
    /// Everything that was decided up to and including this position is among them: where to go on.
    pub reached: Sequence,
}

impl LogView {
    /// The end of the last durable frame.
    pub(crate) fn end(&self) -> Tail {
        self.source.end()
    }

    /// A view of the log that a step writes, for whoever drives that: `told` follows [`crate::Core::told`].
    pub fn new(source: Arc<dyn FrameSource>, told: Arc<AtomicU64>) -> Self {
        Self { source, told, is_given_up: Arc::default(), hosts: Arc::default() }
    }

    /// The same view, which knows the banks of this ledger by their numbers, for whoever drives the step.
    #[must_use]
    pub fn with_banks_of(self, ledger: &Ledger) -> Self {
        let hosts = Hosts::default();
        for (number, participant) in ledger.participants() {
            hosts.set_bank(number, participant.bic());
        }
        self.with_hosts(Arc::new(hosts))
    }

    /// The same view, which knows on whose positions reachable parties settle, and the banks by their numbers.
    #[must_use]
    pub(crate) fn with_hosts(self, hosts: Arc<Hosts>) -> Self {
        Self { hosts, ..self }
    }

    /// The same view, whose methods fail with [`LogError::GivenUp`] at the next frame once this has become true.
    #[must_use]
    pub fn until(self, is_given_up: Arc<AtomicBool>) -> Self {
        Self { is_given_up, ..self }
    }

    /// The log's frames, for whoever follows it from a position of its own.
    pub fn frames(&self) -> Arc<dyn FrameSource> {
        Arc::clone(&self.source)
    }

    fn check(&self) -> Result<(), LogError> {
        if self.is_given_up.load(Ordering::Relaxed) { Err(LogError::GivenUp) } else { Ok(()) }
    }

    /// The payments that stand at these positions, in the order of the question; `None` where none stands, or nothing
    /// yet.
    ///
    /// # Errors
    /// See [`LogError`]. Nothing is given then.
    pub fn orders_at(&self, positions: &[Sequence]) -> Result<Vec<Option<StoredOrder>>, LogError> {
        let mut sorted = positions.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let mut found = vec![None; sorted.len()];
        let mut result = Ok(());
        self.source.read_at(&sorted, &mut |frame| {
            result = self.check().and_then(|()| Ok(copy_orders(&frame, &sorted, &mut found)?));
            if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        result?;
        let place = |position| sorted.binary_search(position).expect("it was put there");
        Ok(positions.iter().map(|position| found[place(position)].clone()).collect())
    }

    /// The texts of the commands that stand at these positions, in the order of the question; `None` where none stands,
    /// where it has none, or where they have been erased.
    ///
    /// # Errors
    /// See [`LogError`]. Nothing is given then.
    pub fn texts_at(&self, positions: &[Sequence]) -> Result<Vec<Option<Box<[u8]>>>, LogError> {
        let mut sorted = positions.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let mut found: BTreeMap<Sequence, Box<[u8]>> = BTreeMap::new();
        let mut result = Ok(());
        self.source.read_at(&sorted, &mut |frame| {
            let copied = for_each_record(&frame, |at, record| {
                if !record.text.is_empty() && sorted.binary_search(&at).is_ok() {
                    found.insert(at, record.text.into());
                }
            });
            result = self.check().and(copied.map_err(LogError::from));
            if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        result?;
        Ok(positions.iter().map(|position| found.get(position).cloned()).collect())
    }

    /// The terms and texts of orders that the commands at these positions hold, in the order of the question; `None` where
    /// no such command stands, or its texts have been erased.
    ///
    /// # Errors
    /// See [`LogError`]. Nothing is given then.
    pub fn terms_at(&self, positions: &[Sequence]) -> Result<Vec<Option<StoredTerms>>, LogError> {
        let mut sorted = positions.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let mut found: BTreeMap<Sequence, StoredTerms> = BTreeMap::new();
        let mut result = Ok(());
        self.source.read_at(&sorted, &mut |frame| {
            let copied = for_each_record(&frame, |at, record| {
                if !record.text.is_empty() && sorted.binary_search(&at).is_ok() {
                    let terms = terms_of(record).map(|terms| StoredTerms { terms, text: record.text.into() });
                    found.extend(terms.map(|terms| (at, terms)));
                }
            });
            result = self.check().and(copied.map_err(LogError::from));
            if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        result?;
        Ok(positions.iter().map(|position| found.get(position).cloned()).collect())
    }

    /// The log's time at a position; `None` if the log has not come to it.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn time_at(&self, position: Sequence) -> Result<Option<Timestamp>, LogError> {
        let mut time = None;
        self.source.read_at(&[position], &mut |frame| {
            time = Some(frame.header().time);
            ControlFlow::Break(())
        })?;
        Ok(time)
    }

    /// The document that brought the payment at this position, compressed; `None` if it came in another form, or the
    /// document has been erased.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn document_of(&self, payment: Sequence) -> Result<Option<Vec<u8>>, LogError> {
        let mut document = None;
        let mut result = Ok(());
        self.source.read_at(&[payment], &mut |frame| {
            result = for_each_record(&frame, |at, record| {
                if let Command::Evidence(evidence) = record.command
                    && (at, evidence.about()) == (payment.next(), About::RecordBefore)
                    && !record.text.is_empty()
                {
                    document = Some(record.text.to_vec());
                }
            });
            ControlFlow::Break(())
        })?;
        result?;
        Ok(document)
    }

    /// What was decided of the payments of some banks after one position, up to and including another, in the order of
    /// the positions that decided. Payments that were reserved are among it, repeats are not.
    ///
    /// About so many decisions at the most: those of one frame stay together, and there may be 12,000 of them. However
    /// few there are, no more than about [`READ_BYTES_MAX`] of the log are read. What has been decided stands in a frame
    /// that follows, within 10 ms on an idle node, so the newest may be missing: `reached` says up to where nothing is,
    /// and is less than `upto` then. Ask again from there.
    ///
    /// # Errors
    /// See [`LogError`]. Nothing is given then.
    pub fn decisions_after(
        &self,
        after: Sequence,
        upto: Sequence,
        banks: &Banks,
        count_max: usize,
    ) -> Result<Decisions, LogError> {
        // Read before the frames, so that those which tell it are among them.
        let told = Sequence(self.told.load(Ordering::Acquire));
        let mut reading = Reading::new(after, upto, banks, &self.hosts, count_max);
        let mut result = Ok(true);
        self.source.read_after(after, &mut |frame| {
            result = self.check().and_then(|()| reading.frame(&frame));
            if matches!(result, Ok(true)) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let is_end = result?;
        let Reading {
            mut found,
            mut orders,
            mut changed,
            mut recalled,
            mut expired,
            mut excepted,
            mut requested,
            mut orders_told,
            mut crossed,
            bookings,
            whole,
            ..
        } = reading;
        let reached = if is_end { whole.max(told) } else { whole };
        let reached = reached.min(upto).max(after);
        found.retain(|found| found.decided_at <= reached);
        changed.retain(|changed| changed.decided_at <= reached);
        recalled.retain(|told| told.decided_at <= reached);
        expired.retain(|told| told.decided_at <= reached);
        excepted.retain(|told| told.decided_at <= reached);
        requested.retain(|told| told.decided_at <= reached);
        orders_told.retain(|told| told.decided_at <= reached);
        crossed.retain(|told| told.entry.decided_at() <= reached);
        let crossings = self.crossings(&crossed, &bookings, banks)?;
        // A command may have met a payment that the tick had decided before the commands in front of it.
        found.sort_by_key(|found| found.decided_at);
        // Payments that were reserved before the first frame that was read.
        let is_missing = |payment: &Sequence| !orders.contains_key(payment);
        let missing: Vec<_> = found.iter().map(|found| found.payment).filter(is_missing).collect();
        if !missing.is_empty() {
            let older = missing.iter().copied().zip(self.orders_at(&missing)?);
            let older = older.filter_map(|(payment, order)| Some((payment, order?)));
            orders.extend(older.filter(|(_, order)| concerns(order, banks)));
        }
        let decisions = found.into_iter().filter_map(|Found { decided_at, payment, state, reason }| {
            let order = orders.get(&payment)?.clone();
            Some(Decision { decided_at, payment, state, reason, order })
        });
        Ok(Decisions {
            decisions: decisions.collect(),
            changes: changed,
            crossings,
            recalls: recalled,
            expired,
            exceptions: excepted,
            requests: requested,
            orders: orders_told,
            reached,
        })
    }

    /// The crossings of these banks among what was told, in the order of decision. Payments that were reserved before
    /// the first frame that was read are looked up.
    fn crossings(
        &self,
        told: &[Told],
        bookings: &BTreeMap<(Sequence, u8), Booking>,
        banks: &Banks,
    ) -> Result<Vec<Crossing>, LogError> {
        let is_missing = |told: &&Told| !bookings.contains_key(&(told.command, told.leg));
        let missing: Vec<_> = told.iter().filter(is_missing).map(|told| told.command).collect();
        let mut older = BTreeMap::new();
        if !missing.is_empty() {
            let orders = missing.iter().zip(self.orders_at(&missing)?);
            older.extend(orders.filter_map(|(at, order)| Some((*at, Booking::of_order(&order?)?))));
        }
        let mut crossings = Vec::new();
        for Told { command, leg, entry, time } in told {
            let booking = bookings.get(&(*command, *leg)).or_else(|| older.get(command));
            let of_booking = booking.map(|booking| booking.crossings(entry, *time, &self.hosts));
            crossings.extend(of_booking.into_iter().flatten().filter(|found| banks.include(found.bank)));
        }
        crossings.sort_by_key(|crossing| crossing.decided_at);
        Ok(crossings)
    }
}

/// About so many bytes of frames are read at a time. Few in tests, so that they come to it.
pub const READ_BYTES_MAX: usize = if cfg!(test) { 4 << 10 } else { 8 << 20 };

/// Walks the records of a frame with their positions.
fn for_each_record(
    frame: &FrameView<'_>,
    mut visit: impl FnMut(Sequence, &Record<'_>),
) -> Result<(), RecordError> {
    let header = frame.header();
    let records = Records::with_texts(frame.records(), frame.texts());
    let mut at = header.first_sequence;
    for record in records {
        at = at.next();
        visit(at, &record?);
    }
    Ok(())
}

/// The terms of an order that a command holds, if it holds any.
fn terms_of(record: &Record<'_>) -> Option<layout::OrderTerms> {
    if let Command::PackageLine(line) = record.command {
        Some(line.terms)
    } else if let Command::PlaceOrder(place) = record.command {
        Some(place.terms)
    } else if let Command::ChangeOrder(change) = record.command {
        Some(change.terms)
    } else if let Command::AnswerRequestToPay(answer) = record.command {
        (answer.answer == layout::REQUEST_ACCEPTED).then_some(answer.terms)
    } else {
        None
    }
}

/// Copies the payments that stand at some of these positions out of a frame.
fn copy_orders(
    frame: &FrameView<'_>,
    positions: &[Sequence],
    found: &mut [Option<StoredOrder>],
) -> Result<(), RecordError> {
    let mut wanted = positions.partition_point(|position| *position <= frame.header().first_sequence);
    for_each_record(frame, |at, record| {
        if positions.get(wanted) == Some(&at) {
            found[wanted] = StoredOrder::of(record);
            wanted += 1;
        }
    })
}

impl fmt::Debug for LogView {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LogView").field("told", &self.told).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "log_view_tests.rs"]
mod tests;
