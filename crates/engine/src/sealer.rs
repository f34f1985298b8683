//! Sealing: the oldest payments that are final are written into runs on disk, and runs into larger ones.
//!
//! Two halves without threads or clock. [`Handing`] stands beside a ledger and hands out slices of its payments; it may
//! be the core's ledger, or any other that replays the same log. [`Sealer`] writes what it is given, and says which run
//! the log is to name next. Whoever drives them submits that command, and tells the sealer what came of it.
//!
//! Invariants:
//! - The log names a run only after it was read back from the disk and can be looked up.
//! - One run of payments and one of runs are waiting to be named at a time.
//! - A file is removed only when the ledger does not list its run.

use std::fmt;
use std::sync::Arc;

use journal::{
    Identity, Merger, Run, RunEnding, RunError, RunFacts, RunReader, RunWriter, Storage, remove_run,
    tidy_runs,
};
use ledger::{Kind, Ledger, Payment, SealMarks, SealedRun};
use types::{DigestKey, Sequence, Timestamp};

use crate::duplicates::{Duplicates, facts_of, named};

/// The most payments that are handed out at once: copying them takes the core thread well below a tenth of a
/// millisecond.
pub const SLICE_MAX: usize = 1024;

/// So many runs of about the same size become one. With runs of a million payments and 250 million of them, a look
/// touches 13 filters at the most.
const MERGED_AT_ONCE: usize = 4;
/// Larger runs are not merged: a run stays until its newest payment is older than the window.
const MERGED_PAYMENTS_MAX: u64 = 64 << 20;

/// Some of the oldest payments, in order.
#[derive(Clone, Debug)]
pub struct Slice {
    /// They stand behind this position, and between it and the first of them there is no other.
    pub after: Sequence,
    /// The payments.
    pub payments: Vec<Payment>,
    /// Whether the run is to end with them.
    pub is_last: bool,
}

/// Hands out the payments that are to be sealed.
#[derive(Debug)]
pub struct Handing {
    marks: Option<SealMarks>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The table has room.
    Idle,
    /// A run is being filled: the position behind which it goes on, and what it has.
    Filling { after: Sequence, taken: usize },
    /// It has been handed out, and the log has not named it yet.
    Waiting,
}

impl Handing {
    /// With these marks; without any, nothing is ever handed out.
    pub const fn new(marks: Option<SealMarks>) -> Self {
        Self { marks, state: State::Idle }
    }

    /// Whether a step may hand anything out. Cheap, for whoever asks often.
    pub fn is_wanted(&self, ledger: &Ledger) -> bool {
        match self.state {
            State::Idle => {
                self.marks.is_some_and(|marks| ledger.payment_count() > marks.above) && knows(ledger)
            }
            State::Filling { .. } => true,
            State::Waiting => false,
        }
    }

    /// The next payments to be sealed, if there are too many. `told` is the position up to which the ledger knows all
    /// that is ever known of what was decided: of the core's own ledger its last, of one that replays, up to where the
    /// log has told what it decided.
    pub fn step(&mut self, ledger: &Ledger, told: Sequence) -> Option<Slice> {
        let marks = self.marks?;
        if self.state == State::Idle {
            if ledger.payment_count() <= marks.above
                || ledger.unsealed_count() <= marks.above
                || !knows(ledger)
            {
                return None;
            }
            self.state = State::Filling { after: ledger.sealed_upto(), taken: 0 };
        }
        let State::Filling { after, taken } = self.state else { return None };
        let count_max = SLICE_MAX.min(marks.run_payments - taken);
        let ready =
            ledger.payments_to_seal(after, count_max).take_while(|payment| payment.decided_at() <= told);
        let payments: Vec<Payment> = ready.copied().collect();
        let upto = payments.last()?.sequence();
        let taken = taken + payments.len();
        let is_last = taken == marks.run_payments;
        self.state = if is_last { State::Waiting } else { State::Filling { after: upto, taken } };
        Some(Slice { after, payments, is_last })
    }

    /// The run that was handed out is in the log, or nothing came of it: the next may begin.
    pub fn ended(&mut self) {
        self.state = State::Idle;
    }
}

/// Whether the rules in force know runs on disk. Before, the program of the version before can still be put back.
fn knows(ledger: &Ledger) -> bool {
    ledger.rules_version() >= Kind::SealDuplicates.first_version()
}

/// Opens the runs that a ledger lists and will still list at a time, before anything is written. One whose payments are
/// all older than the window by then is not looked for.
///
/// # Errors
/// If one of them is missing, is another one, or can't be read.
pub(crate) fn open_runs<S: Storage>(
    storage: &S,
    identity: &Identity,
    ledger: &Ledger,
    time: Timestamp,
) -> Result<Vec<Arc<Run<S::File>>>, RunError> {
    let limit = ledger::duplicate_window_start(time);
    let needed = ledger.sealed_runs().iter().filter(|run| run.newest_time >= limit);
    needed.map(|run| Run::open(storage, identity, &facts_of(run)).map(Arc::new)).collect()
}

/// Writes runs, merges them, and removes those that are not needed any more.
pub struct Sealer<S: Storage> {
    storage: S,
    identity: Identity,
    key: DigestKey,
    duplicates: Arc<Duplicates>,
    /// The runs that can be looked up, the oldest first.
    runs: Vec<Arc<Run<S::File>>>,
    making: Option<RunWriter<S>>,
    /// The same run, once it has all its payments.
    ending: Option<RunEnding<S>>,
    merging: Option<Merger<S>>,
    /// The numbers of the runs that are in the making.
    making_number: u64,
    merging_number: u64,
    /// A run of payments that the log is to name. It can be looked up already.
    new: Option<RunFacts>,
    /// A run of what several runs hold that the log is to name.
    merged: Option<Arc<Run<S::File>>>,
    /// Up to here the log has named runs.
    floor: Sequence,
    newest_number: u64,
}

impl<S: Storage> Sealer<S> {
    /// Opens the runs that a ledger lists, has them looked up from now on, and removes what is left of others.
    ///
    /// # Errors
    /// If one of them is missing, is another one, or can't be read.
    pub fn open(
        storage: S,
        identity: Identity,
        ledger: &Ledger,
        duplicates: Arc<Duplicates>,
    ) -> Result<Self, RunError> {
        Self::with_runs(storage, identity, ledger, duplicates, Vec::new())
    }

    /// The same with runs of them that are open already.
    pub(crate) fn with_runs(
        storage: S,
        identity: Identity,
        ledger: &Ledger,
        duplicates: Arc<Duplicates>,
        opened: Vec<Arc<Run<S::File>>>,
    ) -> Result<Self, RunError> {
        let listed = ledger.sealed_runs();
        let numbers: Vec<u64> = listed.iter().map(|run| run.number).collect();
        let open = |run: &SealedRun| {
            let facts = facts_of(run);
            let opened = opened.iter().find(|opened| *opened.facts() == facts).cloned();
            opened.map_or_else(|| Run::open(&storage, &identity, &facts).map(Arc::new), Ok)
        };
        let runs = listed.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        tidy_runs(&storage, &numbers)?;
        let sealer = Self {
            storage,
            identity,
            key: ledger.setup().expect("the log has begun").digest_key,
            duplicates,
            runs,
            making: None,
            ending: None,
            merging: None,
            making_number: 0,
            merging_number: 0,
            new: None,
            merged: None,
            floor: ledger.sealed_upto(),
            newest_number: ledger.newest_run_number(),
        };
        sealer.publish();
        Ok(sealer)
    }

    /// Takes payments. Once they were the last of a run, [`Self::step`] ends it.
    ///
    /// # Errors
    /// If the run can't be written. Nothing is left of it then, and the payments may be handed out again.
    pub fn take(&mut self, slice: &Slice) -> Result<(), RunError> {
        let taken = self.try_take(slice);
        if taken.is_err() {
            self.making = None;
            self.discard(self.making_number);
        }
        taken
    }

    fn try_take(&mut self, slice: &Slice) -> Result<(), RunError> {
        assert!(self.ending.is_none(), "payments are handed out again when the run has come to its end");
        assert!(self.new.is_none(), "payments are handed out again when the log has named the last run");
        let mut making = match self.making.take() {
            Some(making) => making,
            // The rest of a run that was given up.
            None if slice.after != self.floor => return Ok(()),
            None => {
                self.making_number = self.next_number();
                RunWriter::create(self.storage.clone(), self.identity, self.making_number, slice.after)?
            }
        };
        assert!(making.upto() == slice.after, "slices follow each other");
        for payment in &slice.payments {
            let key = payment.stored_key(&self.key);
            making.push(payment.sequence(), payment.received_time(), key, &payment.to_stored())?;
        }
        match slice.is_last {
            true => self.ending = Some(making.end()?),
            false => self.making = Some(making),
        }
        Ok(())
    }

    /// Whether the next step goes on with payments that were handed out. If it fails, they may be handed out again.
    pub const fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Goes on with what can be done without new payments, over about so many pages. The run that the log is to name, if
    /// one has been made.
    ///
    /// # Errors
    /// If a run can't be written or read back. Nothing is left of it then.
    pub fn step(&mut self, pages_max: usize) -> Result<Option<SealedRun>, RunError> {
        if let Some(ending) = self.ending.take() {
            return self.end(ending, pages_max).inspect_err(|_| self.discard(self.making_number));
        }
        let merged = self.merge(pages_max);
        if merged.is_err() {
            self.merging = None;
            self.discard(self.merging_number);
        }
        merged
    }

    fn end(&mut self, mut ending: RunEnding<S>, pages_max: usize) -> Result<Option<SealedRun>, RunError> {
        let Some(run) = ending.step(pages_max)? else {
            self.ending = Some(ending);
            return Ok(None);
        };
        let facts = *run.facts();
        self.runs.push(Arc::new(run));
        self.new = Some(facts);
        // Before the log names it: from here on looks reach that far.
        self.publish();
        Ok(Some(named(&facts)))
    }

    fn merge(&mut self, pages_max: usize) -> Result<Option<SealedRun>, RunError> {
        if self.merged.is_some() {
            return Ok(None);
        }
        if self.merging.is_none() {
            let Some(places) = self.to_merge() else { return Ok(None) };
            let inputs = self.runs[places].to_vec();
            self.merging_number = self.next_number();
            let merging = Merger::create(self.storage.clone(), self.identity, self.merging_number, inputs)?;
            self.merging = Some(merging);
        }
        let merging = self.merging.as_mut().expect("it has just been begun");
        let Some(run) = merging.step(pages_max)? else { return Ok(None) };
        self.merging = None;
        let run = self.merged.insert(Arc::new(run));
        Ok(Some(named(run.facts())))
    }

    /// Whether there is something to do without new payments.
    pub fn has_work(&self) -> bool {
        self.ending.is_some()
            || (self.merged.is_none() && (self.merging.is_some() || self.to_merge().is_some()))
    }

    /// Whether this run holds payments that are sealed for the first time.
    pub fn is_new(&self, number: u64) -> bool {
        self.new.is_some_and(|new| new.number == number)
    }

    /// The log has named the run of this number, or has refused it.
    ///
    /// # Errors
    /// If a file can't be removed.
    ///
    /// # Panics
    /// If no such run was to be named.
    pub fn named(&mut self, number: u64, is_named: bool) -> Result<(), RunError> {
        if let Some(new) = self.new.take_if(|new| new.number == number) {
            if is_named {
                self.floor = new.upto;
                return Ok(());
            }
            // Looks reach less far again. What they told is true all the same.
            self.runs.retain(|run| run.facts().number != number);
            self.publish();
            return Ok(remove_run(&self.storage, number)?);
        }
        let merged = self.merged.take().expect("a run was to be named");
        let facts = *merged.facts();
        assert!(facts.number == number, "the run that was to be named is named");
        if !is_named {
            return Ok(remove_run(&self.storage, number)?);
        }
        let is_held = |other: &RunFacts| other.after >= facts.after && other.upto <= facts.upto;
        let held: Vec<u64> = self.facts().filter(|run| is_held(run)).map(|run| run.number).collect();
        let place = self.runs.partition_point(|run| run.facts().upto <= facts.after);
        self.runs.retain(|run| !is_held(run.facts()));
        self.runs.insert(place, merged);
        self.publish();
        Ok(held.into_iter().try_for_each(|number| remove_run(&self.storage, number))?)
    }

    /// The ledger lists the runs behind this position: older ones are not needed any more.
    ///
    /// # Errors
    /// If a file can't be removed.
    pub fn listed_behind(&mut self, position: Sequence) -> Result<(), RunError> {
        let is_old = |run: &RunFacts| run.upto <= position;
        let old: Vec<u64> = self.facts().filter(|run| is_old(run)).map(|run| run.number).collect();
        if old.is_empty() {
            return Ok(());
        }
        if self.merging.as_ref().is_some_and(|merging| merging.inputs().any(|input| is_old(&input))) {
            self.merging = None;
            self.discard(self.merging_number);
        }
        self.runs.retain(|run| !is_old(run.facts()));
        self.publish();
        Ok(old.into_iter().try_for_each(|number| remove_run(&self.storage, number))?)
    }

    /// The places of runs that follow each other and are to become one.
    fn to_merge(&self) -> Option<std::ops::Range<usize>> {
        let is_named = |run: &&RunFacts| run.upto <= self.floor;
        let sizes: Vec<u64> = self.facts().take_while(is_named).map(|run| run.payments).collect();
        // The newest first: there the runs are smallest.
        (0..=sizes.len().checked_sub(MERGED_AT_ONCE)?).rev().find_map(|start| {
            let places = start..start + MERGED_AT_ONCE;
            let sizes = &sizes[places.clone()];
            let (least, most) = (sizes.iter().min()?, sizes.iter().max()?);
            let sum: u64 = sizes.iter().sum();
            (*most < 2 * least && sum <= MERGED_PAYMENTS_MAX).then_some(places)
        })
    }

    /// Removes what there is of a run that came to nothing. If that fails as well, the next start does it.
    fn discard(&self, number: u64) {
        let _ = remove_run(&self.storage, number);
    }

    /// Lets others look into the runs that there are.
    fn publish(&self) {
        let reader = |run: &Arc<Run<S::File>>| -> Arc<dyn RunReader> { run.clone() };
        let runs = self.runs.iter().map(reader).collect();
        let upto = self.runs.last().map_or(self.floor, |run| run.facts().upto);
        self.duplicates.set(upto, runs);
    }

    fn facts(&self) -> impl Iterator<Item = &RunFacts> {
        self.runs.iter().map(|run| run.facts())
    }

    fn next_number(&mut self) -> u64 {
        self.newest_number += 1;
        self.newest_number
    }
}

impl<S: Storage> fmt::Debug for Sealer<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sealer({} runs)", self.runs.len())
    }
}
