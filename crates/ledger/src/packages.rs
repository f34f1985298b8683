//! The packages: what is known of each file of orders, and how far its orders have come.
//!
//! Packages stand in fixed slots that are used again, found by their positions and by the names of their files. Sorted lists
//! of slots tell those of a bank, and those that are not complete; they are small enough to be moved when one comes or goes.
//!
//! Invariants:
//! - What is counted of a package adds up to what is logged of it.
//! - A package that is not complete is listed as such; of one that is complete nothing waits and nothing is under way.
//! - A bank has one package of a name, save for those that were abandoned.

use types::{Currency, ParticipantNumber, Sequence, Timestamp};

use crate::deadlines::{DEADLINE_BYTES, Deadlines, Due};
use crate::due_tree::NONE;
use crate::index::{Index, hash, index};
use crate::limits::{
    ORDERS_KEPT, PACKAGE_BYTES, PACKAGES_INCOMPLETE_MAX, PACKAGES_KEPT, PACKAGES_MAX, RECORDS_PER_FRAME_MAX,
};

#[path = "packages_state.rs"]
mod state;

/// One package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its position.
    pub sequence: Sequence,
    /// The log time at which it was opened.
    pub time: Timestamp,
    /// Its bank.
    pub bank: ParticipantNumber,
    /// The currency of its lines.
    pub currency: Currency,
    /// SHA-256 of its file.
    pub file_digest: [u8; 32],
    /// How many lines the file states.
    pub lines: u32,
    /// What the file states that their amounts are together, in minor units; -1 if it does not.
    pub control_sum: i64,
    /// How many lines are logged.
    pub logged: u32,
    /// What their amounts are together, in minor units.
    pub sum_logged: i64,
    /// How many of them were refused on reading.
    pub refused: u32,
    /// How many of them wait to be sent.
    pub pending: u32,
    /// How many of those were taken up, and lack funds so far.
    pub awaiting: u32,
    /// How many of them wait for a bank's answer.
    pub sent: u32,
    /// How many of them were settled.
    pub settled: u32,
    /// What those are together, in minor units.
    pub sum_settled: i64,
    /// How many of them were rejected or expired.
    pub rejected: u32,
    /// How many of them were cancelled.
    pub cancelled: u32,
    /// When all lines were logged and it was closed; 1970 as long as it is not.
    pub closed_time: Timestamp,
    /// When everything had become of it; 1970 as long as it has not.
    pub complete_time: Timestamp,
    /// Whether what was not sent was cancelled; before it was closed, it was abandoned.
    pub is_cancelled: bool,
    pub(crate) name_digest: [u8; 16],
    /// The first line that is still kept.
    pub(crate) kept_from: u32,
    /// The tree of what waits. It is no part of the state.
    root: u32,
}

/// A package in which nothing is logged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewPackage {
    pub(crate) sequence: Sequence,
    pub(crate) time: Timestamp,
    pub(crate) bank: ParticipantNumber,
    pub(crate) currency: Currency,
    pub(crate) file_digest: [u8; 32],
    pub(crate) name_digest: [u8; 16],
    pub(crate) lines: u32,
    pub(crate) control_sum: i64,
}

impl Package {
    pub(crate) fn new(new: NewPackage) -> Self {
        let NewPackage { sequence, time, bank, currency, file_digest, name_digest, lines, control_sum } = new;
        Self {
            sequence,
            time,
            bank,
            currency,
            file_digest,
            lines,
            control_sum,
            logged: 0,
            sum_logged: 0,
            refused: 0,
            pending: 0,
            awaiting: 0,
            sent: 0,
            settled: 0,
            sum_settled: 0,
            rejected: 0,
            cancelled: 0,
            closed_time: Timestamp::default(),
            complete_time: Timestamp::default(),
            is_cancelled: false,
            name_digest,
            kept_from: 1,
            root: NONE,
        }
    }

    /// Whether all lines are logged and count.
    pub fn is_closed(&self) -> bool {
        self.closed_time > Timestamp::default()
    }

    /// Whether lines may still come.
    pub fn is_open(&self) -> bool {
        !self.is_closed() && !self.is_cancelled
    }

    /// Whether everything has become of it.
    pub fn is_complete(&self) -> bool {
        self.complete_time > Timestamp::default()
    }

    /// Whether it was given up before it was closed, so that its file may come again.
    pub fn is_abandoned(&self) -> bool {
        self.is_cancelled && !self.is_closed()
    }

    /// Whether what became of its lines can still be told.
    pub fn has_lines(&self, now: Timestamp) -> bool {
        !self.is_complete() || now < self.complete_time.plus(ORDERS_KEPT)
    }

    /// The tree of what waits, if its orders may be executed.
    pub(crate) fn executable_root(&self) -> Option<u32> {
        self.live_root().filter(|_| self.is_closed())
    }

    /// The tree of what waits, unless all of it is cancelled.
    pub(crate) fn live_root(&self) -> Option<u32> {
        (!self.is_cancelled).then_some(self.root)
    }

    /// Whether what is counted adds up.
    pub(crate) fn adds_up(&self) -> bool {
        let parts = [self.refused, self.pending, self.sent, self.settled, self.rejected, self.cancelled];
        let sum: u64 = parts.iter().map(|part| u64::from(*part)).sum();
        sum == u64::from(self.logged) && self.awaiting <= self.pending && self.logged <= self.lines
    }

    /// When something of it is forgotten next.
    fn over_time(&self) -> Timestamp {
        match self.kept_from > self.logged && !self.is_abandoned() {
            false => self.complete_time.plus(ORDERS_KEPT),
            // Its file is known for longer.
            true => self.time.plus(PACKAGES_KEPT).max(self.complete_time.plus(ORDERS_KEPT)),
        }
    }
}

// `Limits` tells this number.
const _: () = {
    let index = 2 * 2 * 8 * 16 / 7;
    let lists = 2 * size_of::<u32>() + size_of::<Option<Package>>();
    assert!(lists + index + size_of::<u32>() + DEADLINE_BYTES <= PACKAGE_BYTES);
};

/// All packages.
#[derive(Debug)]
pub(crate) struct Packages {
    slots: Vec<Option<Package>>,
    free: Vec<u32>,
    by_sequence: Index,
    by_name: Index,
    /// The slots in use, in the order of bank and position.
    of_banks: Vec<u32>,
    /// The slots of those that are not complete, in the order of position.
    incomplete: Vec<u32>,
    over: Deadlines,
}

impl Packages {
    pub(crate) fn new() -> Self {
        let room = PACKAGES_MAX + RECORDS_PER_FRAME_MAX;
        Self {
            slots: Vec::with_capacity(room),
            free: Vec::with_capacity(room),
            by_sequence: Index::new(),
            by_name: Index::new(),
            of_banks: Vec::with_capacity(room),
            incomplete: Vec::with_capacity(PACKAGES_INCOMPLETE_MAX),
            over: Deadlines::with_capacity(room),
        }
    }

    pub(crate) fn reserve(&mut self, packages: usize) {
        self.slots.reserve(packages);
        self.free.reserve((self.slots.len() + packages).saturating_sub(self.free.len()));
        self.by_sequence.reserve(packages);
        self.by_name.reserve(packages);
        self.of_banks.reserve(packages);
        self.over.reserve(self.slots.len() + packages);
    }

    pub(crate) const fn count(&self) -> usize {
        self.of_banks.len()
    }

    pub(crate) const fn incomplete_count(&self) -> usize {
        self.incomplete.len()
    }

    /// How many of a bank's packages are not complete.
    pub(crate) fn incomplete_of(&self, bank: ParticipantNumber) -> usize {
        self.incomplete.iter().filter(|slot| self.get(**slot).bank == bank).count()
    }

    /// All packages, in the order of banks and positions.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Package> {
        self.of_banks.iter().map(|slot| self.get(*slot))
    }

    /// The packages of a bank behind a position, in order.
    pub(crate) fn of_bank(&self, bank: ParticipantNumber, after: Sequence) -> impl Iterator<Item = &Package> {
        let start = self.of_banks.partition_point(|slot| self.place_of(*slot) <= (bank, after));
        let behind = self.of_banks[start..].iter().map(|slot| self.get(*slot));
        behind.take_while(move |package| package.bank == bank)
    }

    /// Those that are not complete, behind a position, in order.
    pub(crate) fn incomplete_after(&self, after: Sequence) -> impl Iterator<Item = &Package> {
        let start = self.incomplete.partition_point(|slot| self.get(*slot).sequence <= after);
        self.incomplete[start..].iter().map(|slot| self.get(*slot))
    }

    /// The package at this position.
    pub(crate) fn at(&self, sequence: Sequence) -> Option<&Package> {
        self.find(sequence).map(|slot| self.get(slot))
    }

    /// The package of a file of this name that was not abandoned.
    pub(crate) fn named(&self, name_digest: [u8; 16]) -> Option<&Package> {
        let is_it = |slot| self.get(slot).name_digest == name_digest;
        self.by_name.find(name_hash(name_digest), is_it).map(|slot| self.get(slot))
    }

    pub(crate) fn add(&mut self, package: Package) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("slots have 32 bits")
        });
        self.slots[index(slot)] = Some(package);
        let place = self.place(&package).expect_err("a position is one package's");
        self.of_banks.insert(place, slot);
        self.by_sequence.insert(hash(package.sequence.0), slot);
        if !package.is_abandoned() {
            self.by_name.insert(name_hash(package.name_digest), slot);
        }
        match package.is_complete() {
            true => {
                self.over.insert(Due { time: package.over_time(), sequence: package.sequence, slot });
            }
            false => {
                let place =
                    self.incomplete.partition_point(|other| self.get(*other).sequence < package.sequence);
                self.incomplete.insert(place, slot);
            }
        }
    }

    /// Changes what is counted of a package, or how far it is. Says whether it is complete by that, at this time.
    pub(crate) fn change(
        &mut self,
        sequence: Sequence,
        now: Timestamp,
        change: impl FnOnce(&mut Package),
    ) -> bool {
        let slot = self.find(sequence).expect("the rules have found the package");
        let package = self.slots[index(slot)].as_mut().expect("the slot is in use");
        let was_abandoned = package.is_abandoned();
        change(package);
        assert!(package.adds_up(), "what is counted of a package adds up");
        let is_over = !package.is_open() && package.pending == 0 && package.sent == 0;
        let completes = is_over && !package.is_complete();
        if completes {
            package.complete_time = now;
        }
        let package = *package;
        if package.is_abandoned() && !was_abandoned {
            self.by_name.remove(name_hash(package.name_digest), slot);
        }
        if completes {
            let place = self.incomplete.partition_point(|other| self.get(*other).sequence < sequence);
            let listed = self.incomplete.remove(place);
            assert!(listed == slot, "what is not complete is listed");
            self.over.insert(Due { time: package.over_time(), sequence, slot });
        }
        completes
    }

    /// The tree of what waits in a package.
    pub(crate) fn root(&mut self, sequence: Sequence) -> &mut u32 {
        let slot = self.find(sequence).expect("the package of an order is kept");
        &mut self.slots[index(slot)].as_mut().expect("the slot is in use").root
    }

    /// Of what is something to be forgotten first.
    pub(crate) fn first_over(&self) -> Option<Due> {
        self.over.first()
    }

    /// The next line of the package in this slot that is to be forgotten, which is counted as gone then; `None` if none is
    /// left, and the package itself is to go.
    pub(crate) fn next_to_forget(&mut self, slot: u32) -> Option<(Sequence, u32)> {
        let package = self.slots[index(slot)].as_mut().expect("the slot is in use");
        if package.kept_from > package.logged {
            return None;
        }
        let line = package.kept_from;
        package.kept_from += 1;
        let package = *package;
        if package.kept_from > package.logged {
            self.over.remove(slot);
            self.over.insert(Due { time: package.over_time(), sequence: package.sequence, slot });
        }
        Some((package.sequence, line))
    }

    /// Forgets a package of which nothing is left but what was kept of it.
    pub(crate) fn remove(&mut self, slot: u32) {
        let package = *self.get(slot);
        let place = self.place(&package).expect("a package is listed");
        self.of_banks.remove(place);
        self.by_sequence.remove(hash(package.sequence.0), slot);
        if !package.is_abandoned() {
            self.by_name.remove(name_hash(package.name_digest), slot);
        }
        self.over.remove(slot);
        self.slots[index(slot)] = None;
        self.free.push(slot);
    }

    fn place(&self, package: &Package) -> Result<usize, usize> {
        let wanted = (package.bank, package.sequence);
        self.of_banks.binary_search_by(|slot| self.place_of(*slot).cmp(&wanted))
    }

    fn place_of(&self, slot: u32) -> (ParticipantNumber, Sequence) {
        let package = self.get(slot);
        (package.bank, package.sequence)
    }

    fn find(&self, sequence: Sequence) -> Option<u32> {
        self.by_sequence.find(hash(sequence.0), |slot| self.get(slot).sequence == sequence)
    }

    fn get(&self, slot: u32) -> &Package {
        self.slots[index(slot)].as_ref().expect("the slot is in use")
    }

    /// What holds between the packages and what finds them.
    pub(crate) fn validate(&self) {
        self.over.validate();
        assert!(self.of_banks.is_sorted_by_key(|slot| self.place_of(*slot)), "packages are listed in order");
        assert!(self.of_banks.len() + self.free.len() == self.slots.len(), "a slot is in use or free");
        let incomplete: Vec<_> = self.incomplete.iter().map(|slot| self.get(*slot).sequence).collect();
        assert!(incomplete.is_sorted(), "what is not complete is listed in order");
        for package in self.iter() {
            assert!(package.adds_up(), "what is counted of a package adds up");
            assert!(self.at(package.sequence) == Some(package), "a package is found by its position");
            let listed = incomplete.binary_search(&package.sequence).is_ok();
            assert!(listed != package.is_complete(), "what is not complete is listed");
            if !package.is_abandoned() {
                assert!(self.named(package.name_digest) == Some(package), "a file is known by its name");
            }
        }
    }
}

fn name_hash(digest: [u8; 16]) -> u64 {
    types::Digest(digest).table_hash()
}
