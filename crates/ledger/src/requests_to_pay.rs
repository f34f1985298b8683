//! Requests to pay: the open ones, those that were accepted, and for some days those that have ended.
//!
//! Requests stand in fixed slots that are used again. A list in the order of their positions finds them; those of one
//! payer's account form a ring in the order in which they were made; and the few whose payment is on the way are found by
//! the position at which they were accepted.
//!
//! Invariants:
//! - A request that is accepted ends by its payment alone; any other one ends or is forgotten when its time comes.
//! - How many requests a payee's bank has, and how many are to one account, is counted.

use types::{AccountNumber, Digest, ParticipantNumber, ReasonCode, Sequence, Timestamp};

use crate::RequestToPayStatus;
use crate::deadlines::{DEADLINE_BYTES, Deadlines, Due};
use crate::index::{Index, hash, index};
use crate::limits::{REQUEST_TO_PAY_BYTES, REQUESTS_TO_PAY_KEPT, REQUESTS_TO_PAY_MAX, ROOM_BEYOND};
use crate::rings::{self, InRing, Link, NONE, Rings};
use crate::zone::LocalTime;

#[path = "requests_to_pay_state.rs"]
mod state;

/// One request to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestToPay {
    pub(crate) sequence: Sequence,
    pub(crate) time: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) pay_by: Option<LocalTime>,
    pub(crate) changed: Timestamp,
    pub(crate) amount: i64,
    pub(crate) payee_digest: Digest,
    pub(crate) payer: AccountNumber,
    pub(crate) payee_bank: ParticipantNumber,
    pub(crate) status: RequestToPayStatus,
    pub(crate) accepted_at: Sequence,
    pub(crate) pay_at: Option<LocalTime>,
    pub(crate) payment: Sequence,
    pub(crate) reason: Option<ReasonCode>,
}

impl RequestToPay {
    /// Its position.
    pub const fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The log time at which it was made.
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// From when on it can't be accepted any more.
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Until when the payer may put the payment off, on the clock of its bank; `None` if it is made when the payer accepts.
    pub const fn pay_by(&self) -> Option<LocalTime> {
        self.pay_by
    }

    /// The log time at which its status last changed.
    pub const fn changed(&self) -> Timestamp {
        self.changed
    }

    /// Minor units that are asked for.
    pub const fn amount(&self) -> i64 {
        self.amount
    }

    /// Digest of the payee's account number.
    pub const fn payee_digest(&self) -> Digest {
        self.payee_digest
    }

    /// The payer's account.
    pub const fn payer(&self) -> AccountNumber {
        self.payer
    }

    /// The payee's bank.
    pub const fn payee_bank(&self) -> ParticipantNumber {
        self.payee_bank
    }

    /// Where it stands.
    pub const fn status(&self) -> RequestToPayStatus {
        self.status
    }

    /// The position at which the payer last accepted it, if ever: that of the order by which it is paid.
    pub fn accepted_at(&self) -> Option<Sequence> {
        (self.accepted_at.0 != 0).then_some(self.accepted_at)
    }

    /// The time to which the payer put the payment off when it last accepted, if it did.
    pub const fn pay_at(&self) -> Option<LocalTime> {
        self.pay_at
    }

    /// The position of the payment that was last made for it, if one was.
    pub fn payment(&self) -> Option<Sequence> {
        (self.payment.0 != 0).then_some(self.payment)
    }

    /// Why the payer refused it, or why the last payment for it failed.
    pub const fn reason(&self) -> Option<ReasonCode> {
        self.reason
    }

    /// Whether it ended by time, whether a tick has come to it or not.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.status.is_open() && self.expires <= now
    }

    /// When time changes it: an open one ends, one that has ended is forgotten, and one that is being paid waits.
    fn due(&self) -> Option<Timestamp> {
        match self.status {
            RequestToPayStatus::Created | RequestToPayStatus::Presented => Some(self.expires),
            RequestToPayStatus::Accepted => None,
            RequestToPayStatus::Paid
            | RequestToPayStatus::Refused
            | RequestToPayStatus::Cancelled
            | RequestToPayStatus::Expired => Some(self.changed.plus(REQUESTS_TO_PAY_KEPT)),
        }
    }
}

/// A slot: a request with its place among those of its payer's account, or one that is free.
#[derive(Clone, Copy, Debug)]
struct Slot {
    request: Option<RequestToPay>,
    link: Link,
}

const VACANT: Slot = Slot { request: None, link: Link::FREE };

impl InRing for Slot {
    fn link(&self) -> Link {
        self.link
    }

    fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }

    fn account(&self) -> Option<AccountNumber> {
        self.request.map(|request| request.payer)
    }
}

/// Where a request stands. Its slot is [`NONE`] once the request is forgotten.
#[derive(Clone, Copy, Debug)]
struct Place {
    sequence: Sequence,
    slot: u32,
}

/// An index has cells of 8 bytes, is at least 7/16 full once it has grown, and keeps the table before while it grows.
const INDEX_BYTES: usize = 2 * 8 * 16 / 7;
const _: () = {
    let places = PLACES_PER_REQUEST * size_of::<Place>();
    assert!(size_of::<Slot>() + places + 2 * INDEX_BYTES + DEADLINE_BYTES <= REQUEST_TO_PAY_BYTES);
};

/// The list of places holds at most as many forgotten requests as others.
const PLACES_PER_REQUEST: usize = 2;

/// All requests to pay.
#[derive(Debug)]
pub(crate) struct RequestsToPay {
    slots: Vec<Slot>,
    free: u32,
    count: usize,
    /// In the order of positions, with those that are forgotten until there are as many of them as of others.
    places: Vec<Place>,
    /// Those to each account, in the order in which they were made.
    of_payer: Rings,
    /// Those that are accepted and not paid, by the position of that.
    by_acceptance: Index,
    /// How many requests each bank has, by its number.
    of_bank: Vec<u32>,
    deadlines: Deadlines,
}

impl RequestsToPay {
    /// Sets address space aside for as many as there may be.
    pub(crate) fn new() -> Self {
        let room = REQUESTS_TO_PAY_MAX + ROOM_BEYOND;
        Self {
            slots: Vec::with_capacity(room),
            free: NONE,
            count: 0,
            places: Vec::with_capacity(PLACES_PER_REQUEST * room),
            of_payer: Rings::new(),
            by_acceptance: Index::new(),
            of_bank: Vec::new(),
            deadlines: Deadlines::with_capacity(room),
        }
    }

    /// Makes room for this many more, among so many banks.
    pub(crate) fn reserve(&mut self, requests: usize, banks: usize) {
        self.slots.reserve(requests);
        self.places.reserve(requests);
        self.of_payer.reserve(requests);
        self.by_acceptance.reserve(requests);
        self.deadlines.reserve(self.slots.len() + requests);
        if self.of_bank.len() <= banks {
            self.of_bank.resize(banks + 1, 0);
        }
    }

    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// How many requests a payee's bank has.
    pub(crate) fn count_of_bank(&self, bank: ParticipantNumber) -> u32 {
        self.of_bank.get(index(bank.0)).copied().unwrap_or(0)
    }

    /// How many requests are to an account.
    pub(crate) fn count_to(&self, account: AccountNumber) -> u32 {
        self.of_payer.count(&self.slots, account)
    }

    /// All requests behind this position, in the order in which they were made.
    pub(crate) fn after(&self, after: Sequence) -> impl Iterator<Item = &RequestToPay> {
        let start = self.places.partition_point(|place| place.sequence <= after);
        self.places[start..].iter().filter(|place| place.slot != NONE).map(|place| self.get(place.slot))
    }

    /// The requests to an account, in the order in which they were made.
    pub(crate) fn to_account(&self, account: AccountNumber) -> impl Iterator<Item = &RequestToPay> {
        self.of_payer.walk(&self.slots, account).filter_map(|slot| slot.request.as_ref())
    }

    /// The request at this position.
    pub(crate) fn at(&self, sequence: Sequence) -> Option<&RequestToPay> {
        self.find(sequence).map(|slot| self.get(slot))
    }

    /// The request that was accepted at this position and is not paid yet.
    pub(crate) fn accepted(&self, at: Sequence) -> Option<&RequestToPay> {
        let found = self.by_acceptance.find(hash(at.0), |slot| self.get(slot).accepted_at == at);
        found.map(|slot| self.get(slot))
    }

    /// What time changes first.
    pub(crate) fn first_due(&self) -> Option<Due> {
        self.deadlines.first()
    }

    pub(crate) fn add(&mut self, request: RequestToPay) {
        let is_last = self.places.last().is_none_or(|last| last.sequence < request.sequence);
        assert!(is_last, "requests are made in the order of the log");
        let occupied = Slot { request: Some(request), ..VACANT };
        let slot = rings::occupy(&mut self.slots, &mut self.free, occupied);
        self.of_payer.join(&mut self.slots, slot);
        self.places.push(Place { sequence: request.sequence, slot });
        self.of_bank[index(request.payee_bank.0)] += 1;
        self.count += 1;
        self.expect(slot);
    }

    /// Puts a request among those that time changes, or among those that wait for a payment.
    fn expect(&mut self, slot: u32) {
        let request = *self.get(slot);
        match request.due() {
            Some(time) => self.deadlines.insert(Due { time, sequence: request.sequence, slot }),
            None => self.by_acceptance.insert(hash(request.accepted_at.0), slot),
        }
    }

    /// Changes a request.
    pub(crate) fn change(&mut self, sequence: Sequence, change: impl FnOnce(&mut RequestToPay)) {
        let slot = self.find(sequence).expect("the rules have found the request");
        let before = *self.get(slot);
        assert!(!before.status.is_final(), "what has ended stays as it is");
        match before.due() {
            Some(_) => self.deadlines.remove(slot),
            None => self.by_acceptance.remove(hash(before.accepted_at.0), slot),
        }
        let request = self.slots[index(slot)].request.as_mut().expect("the slot is in use");
        change(request);
        self.expect(slot);
    }

    /// Forgets a request that has ended.
    pub(crate) fn forget(&mut self, slot: u32) {
        let request = *self.get(slot);
        assert!(request.status.is_final(), "only what has ended is forgotten");
        self.of_payer.leave(&mut self.slots, slot);
        self.deadlines.remove(slot);
        let place = self.place(request.sequence).expect("a request has its place");
        self.places[place].slot = NONE;
        self.of_bank[index(request.payee_bank.0)] -= 1;
        rings::vacate(&mut self.slots, &mut self.free, slot, VACANT);
        self.count -= 1;
        if self.places.len() > PLACES_PER_REQUEST * self.count {
            self.places.retain(|place| place.slot != NONE);
        }
    }

    fn place(&self, sequence: Sequence) -> Option<usize> {
        self.places.binary_search_by_key(&sequence, |place| place.sequence).ok()
    }

    fn find(&self, sequence: Sequence) -> Option<u32> {
        self.place(sequence).map(|place| self.places[place].slot).filter(|slot| *slot != NONE)
    }

    fn get(&self, slot: u32) -> &RequestToPay {
        self.slots[index(slot)].request.as_ref().expect("the slot is in use")
    }

    /// What holds between the requests and what finds them.
    pub(crate) fn validate(&self) {
        self.deadlines.validate();
        assert!(self.places.is_sorted_by_key(|place| place.sequence), "places are in order");
        let mut of_bank = vec![0_u32; self.of_bank.len()];
        let (mut listed, mut accepted) = (0, 0);
        for (slot, held) in (0..).zip(&self.slots) {
            let Some(request) = held.request else { continue };
            assert!(self.find(request.sequence) == Some(slot), "a request is found by its position");
            of_bank[index(request.payee_bank.0)] += 1;
            let is_accepted = request.status == RequestToPayStatus::Accepted;
            accepted += usize::from(is_accepted);
            let found = self.accepted(request.accepted_at).map(RequestToPay::sequence);
            assert!(!is_accepted || found == Some(request.sequence), "what is to be paid is found");
            let count = self.of_payer.validate(&self.slots, slot);
            if count > 0 {
                let ring = self.to_account(request.payer);
                assert!(
                    ring.is_sorted_by_key(|request| request.sequence),
                    "a ring is in the order of making"
                );
                listed += count;
            }
        }
        assert!(listed == self.count, "every request is in one ring");
        assert!(of_bank == self.of_bank, "a bank's requests are counted");
        assert!(accepted == self.by_acceptance.count(), "only what is accepted waits for its payment");
    }
}
