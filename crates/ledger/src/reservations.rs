//! The payments that wait for a bank's answer.
//!
//! Reservations stand in fixed slots that are used again, found by the payment's position, by when they are due, and by
//! the bank that is asked, whose open questions form a list in the order in which they were asked. A list is read in
//! pages while its questions are answered; so that a page need not look for its place from the front, questions are
//! numbered for each bank, and the first open one of every [`CHUNK`] numbers is found by an index.
//!
//! Invariants:
//! - Every reservation's payment is in state reserved, and every reserved payment has one reservation.
//! - It asks one bank at a time, and is in that bank's list alone.
//! - A bank's `unanswered` counts the questions that it has yet to answer, those still to be asked included, so that a
//!   payment whose debit was accepted always finds room at the payee's bank.

use types::{AccountNumber, Currency, Duration, ParticipantNumber, Sequence, Timestamp};

use crate::deadlines::{DEADLINE_BYTES, Deadlines, Due};
use crate::index::{Index, hash, index};
use crate::limits::{ENDED_PER_TICK_MAX, RESERVATION_BYTES_MAX, RESERVATIONS_MAX, ROOM_BEYOND};
use crate::{Payment, Silence, Stage};

#[path = "reservations_state.rs"]
mod state;

/// One payment that waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reservation {
    /// The payment's position.
    pub(crate) sequence: Sequence,
    /// The position at which the open question was asked.
    pub(crate) asked_at: Sequence,
    /// When the payment expires.
    pub(crate) deadline: Timestamp,
    /// The scheme's target time, until which a bank whose silence accepts may speak.
    pub(crate) target: Timestamp,
    /// When the open question ends.
    pub(crate) due: Timestamp,
    pub(crate) amount: i64,
    /// What its settlement takes from the payer beside the amount, in minor units.
    pub(crate) fee: u32,
    /// The payment's slot among the payments.
    pub(crate) payment: u32,
    /// The payer's account, or 0.
    pub(crate) debtor_account: AccountNumber,
    /// The payee's account, or 0.
    pub(crate) creditor_account: AccountNumber,
    pub(crate) debtor_bank: ParticipantNumber,
    pub(crate) creditor_bank: ParticipantNumber,
    pub(crate) currency: Currency,
    /// Which question is open.
    pub(crate) stage: Stage,
    /// Whether the payee's bank is to be asked once the payer's has accepted.
    pub(crate) credit_follows: bool,
    /// What silence means, of the payer's bank and of the payee's.
    pub(crate) silences: [Silence; 2],
    /// Told to the payer's side if the payee's bank is silent.
    pub(crate) timeout_to_originator: [u8; 4],
    /// Told to the payee's bank if it is silent.
    pub(crate) timeout_to_beneficiary: [u8; 4],
}

impl Reservation {
    /// The bank that is asked.
    pub(crate) const fn asked(&self) -> ParticipantNumber {
        self.bank(self.stage)
    }

    pub(crate) const fn bank(&self, stage: Stage) -> ParticipantNumber {
        match stage {
            Stage::Debit => self.debtor_bank,
            Stage::Credit => self.creditor_bank,
        }
    }

    /// What the silence of the bank that is asked means.
    pub(crate) const fn silence(&self) -> Silence {
        let [debit, credit] = self.silences;
        match self.stage {
            Stage::Debit => debit,
            Stage::Credit => credit,
        }
    }

    /// When a question that is asked at this time ends: at the deadline, or before it where silence accepts. Then it
    /// ends at the target time, but not before half of what is left: an old acceptance time must not take the
    /// decision out of the bank's hands. No question ends at the moment at which it is asked.
    pub(crate) fn answer_by(&self, now: Timestamp) -> Timestamp {
        match self.silence() {
            Silence::Reject => self.deadline,
            Silence::Accept => {
                let left = self.deadline.since(now).nanoseconds().max(0);
                let half = Duration::from_nanoseconds(left - left / 2).expect("a span of time");
                self.target.max(now.plus(half)).min(self.deadline)
            }
        }
    }
}

/// A slot: a reservation and its neighbours in its bank's list, or one that is free and the next free one.
#[derive(Clone, Copy, Debug)]
struct Slot {
    reservation: Option<Reservation>,
    /// How many questions its bank had been asked before this one.
    number: u64,
    previous: u32,
    next: u32,
}

/// How many questions are looked through at the most to go on behind one that was answered.
const CHUNK: u64 = 256;

const NONE: u32 = u32::MAX;

/// An index has cells of 8 bytes, is at least 7/16 full once it has grown, and keeps the table before while it grows.
const INDEX_BYTES: usize = 2 * 8 * 16 / 7;
/// All that an open reservation takes: the payment, its two indexes, its slot and its deadline; and a third index where
/// hardly one of each chunk is open.
const BYTES: usize = size_of::<Payment>() + 3 * INDEX_BYTES + size_of::<Slot>() + DEADLINE_BYTES;
const _: () = assert!(BYTES <= RESERVATION_BYTES_MAX);

/// A bank's open questions.
#[derive(Clone, Copy, Debug)]
struct Queue {
    first: u32,
    last: u32,
    unanswered: u32,
    /// How many questions it was ever asked.
    asked: u64,
}

impl Queue {
    const EMPTY: Self = Self { first: NONE, last: NONE, unanswered: 0, asked: 0 };
}

/// Where a list of questions goes on: behind this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    number: u64,
    slot: u32,
}

/// All open reservations.
#[derive(Debug)]
pub(crate) struct Reservations {
    slots: Vec<Slot>,
    free: u32,
    count: usize,
    by_sequence: Index,
    deadlines: Deadlines,
    /// By the bank's number.
    queues: Vec<Queue>,
    /// The first open question of each chunk of a bank's.
    chunks: Index,
}

impl Reservations {
    /// Sets address space aside for as many as there may be payments, up to [`RESERVATIONS_MAX`].
    pub(crate) fn new(payments_max: usize) -> Self {
        let room = payments_max.min(RESERVATIONS_MAX) + ROOM_BEYOND;
        Self {
            slots: Vec::with_capacity(room),
            free: NONE,
            count: 0,
            by_sequence: Index::new(),
            deadlines: Deadlines::with_capacity(room),
            queues: Vec::new(),
            chunks: Index::new(),
        }
    }

    /// Makes room for this many more reservations, and for the banks there are and may come.
    pub(crate) fn reserve(&mut self, reservations: usize, banks: usize) {
        self.slots.reserve(reservations);
        self.by_sequence.reserve(reservations);
        // A command asks twice at the most, if it meets a question that is due, and the tick as often as it may.
        self.chunks.reserve(2 * reservations + ENDED_PER_TICK_MAX);
        self.deadlines.reserve(self.slots.len() + reservations);
        if self.queues.len() <= banks {
            self.queues.resize(banks + 1, Queue::EMPTY);
        }
    }

    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Reservation> {
        self.slots.iter().filter_map(|slot| slot.reservation.as_ref())
    }

    pub(crate) fn get(&self, slot: u32) -> &Reservation {
        self.slots[index(slot)].reservation.as_ref().expect("the slot is in use")
    }

    /// The slot of the payment at this position.
    pub(crate) fn find(&self, sequence: Sequence) -> Option<u32> {
        self.by_sequence.find(hash(sequence.0), |slot| self.get(slot).sequence == sequence)
    }

    /// What is due first.
    pub(crate) fn first_due(&self) -> Option<Due> {
        self.deadlines.first()
    }

    /// How many questions a bank has yet to answer.
    pub(crate) fn unanswered(&self, bank: ParticipantNumber) -> u32 {
        self.queues.get(index(bank.0)).map_or(0, |queue| queue.unanswered)
    }

    /// A bank's open questions in the order in which they were asked, from this slot on or from the first.
    pub(crate) fn asked_of(
        &self,
        bank: ParticipantNumber,
        from: Option<u32>,
    ) -> impl Iterator<Item = (u32, &Reservation)> {
        let first = self.queues.get(index(bank.0)).map_or(NONE, |queue| queue.first);
        let mut slot = from.unwrap_or(first);
        std::iter::from_fn(move || {
            let current = self.slots.get(index(slot))?;
            let found = (slot, current.reservation.as_ref()?);
            slot = current.next;
            Some(found)
        })
    }

    /// The place behind the open question in this slot.
    pub(crate) fn cursor(&self, slot: u32) -> Cursor {
        Cursor { number: self.slots[index(slot)].number, slot }
    }

    /// The slot with which the list of a bank goes on behind this place, also if the question there has been answered.
    pub(crate) fn behind(&self, bank: ParticipantNumber, cursor: Cursor) -> u32 {
        let is_there = |held: &&Slot| {
            held.number == cursor.number && held.reservation.is_some_and(|held| held.asked() == bank)
        };
        if let Some(slot) = self.slots.get(index(cursor.slot)).filter(is_there) {
            return slot.next;
        }
        let Some(queue) = self.queues.get(index(bank.0)).filter(|queue| queue.first != NONE) else {
            return NONE;
        };
        let number = |slot: u32| self.slots[index(slot)].number;
        // A bank that answers all it is shown goes on with its first.
        if number(queue.first) > cursor.number {
            return queue.first;
        }
        let mut chunks = chunk(cursor.number)..=chunk(number(queue.last));
        let mut slot = chunks.find_map(|chunk| self.first_of(bank, chunk)).unwrap_or(NONE);
        while slot != NONE && number(slot) <= cursor.number {
            slot = self.slots[index(slot)].next;
        }
        slot
    }

    /// The first open question of a chunk.
    fn first_of(&self, bank: ParticipantNumber, wanted: u64) -> Option<u32> {
        self.chunks.find(chunk_hash(bank, wanted), |slot| {
            self.get(slot).asked() == bank && chunk(self.slots[index(slot)].number) == wanted
        })
    }

    /// Adds a reservation, whose question is open from now on.
    pub(crate) fn add(&mut self, reservation: Reservation) {
        let hash = hash(reservation.sequence.0);
        let slot = match self.free {
            NONE => {
                self.slots.push(Slot { reservation: None, number: 0, previous: NONE, next: NONE });
                u32::try_from(self.slots.len() - 1).expect("slots have 32 bits")
            }
            free => {
                self.free = self.slots[index(free)].next;
                free
            }
        };
        self.slots[index(slot)].reservation = Some(reservation);
        self.by_sequence.insert(hash, slot);
        self.count += 1;
        self.queue(reservation.asked()).unanswered += 1;
        if reservation.credit_follows {
            self.queue(reservation.creditor_bank).unanswered += 1;
        }
        self.ask(slot);
    }

    /// The payer's bank has accepted: the payee's is asked, at this position and until this time.
    pub(crate) fn ask_next(&mut self, slot: u32, asked_at: Sequence, now: Timestamp) {
        self.unask(slot);
        let reservation = self.slots[index(slot)].reservation.as_mut().expect("the slot is in use");
        assert!(reservation.stage == Stage::Debit, "the debit is decided first");
        assert!(reservation.credit_follows, "the payee's bank is to be asked");
        reservation.stage = Stage::Credit;
        reservation.credit_follows = false;
        reservation.asked_at = asked_at;
        reservation.due = reservation.answer_by(now);
        let debtor_bank = reservation.debtor_bank;
        self.queue(debtor_bank).unanswered -= 1;
        self.ask(slot);
    }

    /// Takes a reservation out: its payment is decided.
    pub(crate) fn remove(&mut self, slot: u32) -> Reservation {
        self.unask(slot);
        let place = &mut self.slots[index(slot)];
        let reservation = place.reservation.take().expect("the slot is in use");
        place.next = self.free;
        self.free = slot;
        self.count -= 1;
        self.by_sequence.remove(hash(reservation.sequence.0), slot);
        self.queue(reservation.asked()).unanswered -= 1;
        if reservation.credit_follows {
            self.queue(reservation.creditor_bank).unanswered -= 1;
        }
        reservation
    }

    /// Puts a reservation at the end of its bank's list and among the deadlines.
    fn ask(&mut self, slot: u32) {
        let reservation = *self.get(slot);
        let bank = reservation.asked();
        self.deadlines.insert(Due { time: reservation.due, sequence: reservation.sequence, slot });
        let queue = self.queue(bank);
        let number = queue.asked;
        queue.asked += 1;
        let last = std::mem::replace(&mut queue.last, slot);
        match self.slots.get_mut(index(last)) {
            Some(last) => last.next = slot,
            None => self.queue(bank).first = slot,
        }
        let place = &mut self.slots[index(slot)];
        place.number = number;
        place.previous = last;
        place.next = NONE;
        if !self.is_in_chunk(last, number) {
            self.chunks.insert(chunk_hash(bank, chunk(number)), slot);
        }
    }

    fn unask(&mut self, slot: u32) {
        self.deadlines.remove(slot);
        let Slot { reservation, number, previous, next } = self.slots[index(slot)];
        let bank = reservation.expect("the slot is in use").asked();
        match self.slots.get_mut(index(previous)) {
            Some(previous) => previous.next = next,
            None => self.queue(bank).first = next,
        }
        match self.slots.get_mut(index(next)) {
            Some(next) => next.previous = previous,
            None => self.queue(bank).last = previous,
        }
        if !self.is_in_chunk(previous, number) {
            let hash = chunk_hash(bank, chunk(number));
            self.chunks.remove(hash, slot);
            if self.is_in_chunk(next, number) {
                self.chunks.insert(hash, next);
            }
        }
    }

    /// Whether this neighbour of the question with this number is there and in the same chunk.
    fn is_in_chunk(&self, neighbour: u32, number: u64) -> bool {
        self.slots.get(index(neighbour)).is_some_and(|slot| chunk(slot.number) == chunk(number))
    }

    fn queue(&mut self, bank: ParticipantNumber) -> &mut Queue {
        self.queues.get_mut(index(bank.0)).expect("room for every bank is made before a frame")
    }

    /// Checks what the lists and counts of so many banks must agree on.
    pub(crate) fn validate(&self, banks: usize) {
        self.deadlines.validate();
        let mut unanswered = vec![0_u32; banks + 1];
        for reservation in self.iter() {
            unanswered[index(reservation.asked().0)] += 1;
            if reservation.credit_follows {
                unanswered[index(reservation.creditor_bank.0)] += 1;
            }
        }
        let (mut listed, mut chunks) = (0, 0);
        for ((bank, queue), unanswered) in (0..).map(ParticipantNumber).zip(&self.queues).zip(unanswered) {
            let (mut previous, mut asked_at) = (NONE, Sequence(0));
            for (slot, reservation) in self.asked_of(bank, None) {
                assert!(reservation.asked() == bank, "a list holds the questions to its bank");
                assert!(self.slots[index(slot)].previous == previous, "a list reads the same backwards");
                assert!(reservation.asked_at >= asked_at, "a list is in the order of asking");
                let number = self.slots[index(slot)].number;
                if !self.is_in_chunk(previous, number) {
                    assert!(
                        self.first_of(bank, chunk(number)) == Some(slot),
                        "the first of a chunk is found"
                    );
                    chunks += 1;
                }
                (previous, asked_at) = (slot, reservation.asked_at);
                listed += 1;
            }
            assert!(queue.last == previous, "a list ends at its last");
            assert!(queue.unanswered == unanswered, "what a bank has yet to answer is counted");
        }
        assert!(listed == self.count, "every reservation is in one list");
        assert!(chunks == self.chunks.count(), "no chunk is left behind");
    }
}

const fn chunk(number: u64) -> u64 {
    number / CHUNK
}

/// The numbers of banks and questions are the log's as well.
fn chunk_hash(bank: ParticipantNumber, chunk: u64) -> u64 {
    hash(u64::from(bank.0).rotate_left(40) ^ chunk)
}

#[cfg(test)]
#[path = "reservations_tests.rs"]
mod tests;
