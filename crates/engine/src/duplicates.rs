//! Looking up payments that have left the core's table, in the runs on disk that hold them.
//!
//! Whoever submits payments, or answers about them, looks here before, and writes into the records how far that look
//! reached and what it found. Most looks touch one cache line of each run's filter and no disk; the lines are asked for
//! ahead, for a group of payments at a time. The others are left to a thread that may wait for the disk. Without runs a
//! look is one load.
//!
//! Invariants:
//! - A run is looked at here before the log names it, so a look never reaches less far than the core's floor at its time.
//! - A run that can't be read makes the look fail. From then on no payments are taken until the node is restarted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use journal::{RUN_ENTRY_LENGTH, RunError, RunFacts, RunReader};
use ledger::{AskedFor, Payment, PaymentAnswer, RecordWriter, SealedRun, memory};
use types::{DigestKey, Sequence, Timestamp};
use zerocopy::IntoBytes;

use crate::event::{LookUp, Submission};
use crate::question::{Answer, PaymentName, Question};

/// How many keys are looked up at a time, so that memory comes for the last while the first are being looked at.
const GROUP: usize = 32;

/// The runs at hand. Shared by all who submit, and by the one who makes runs.
#[derive(Debug, Default)]
pub struct Duplicates {
    runs: RwLock<Arc<Runs>>,
    /// Up to which position payments stand in these runs, or have stood in older ones. 0 without runs.
    upto: AtomicU64,
    unreadable: AtomicBool,
}

/// Runs that follow each other, the oldest first.
#[derive(Debug, Default)]
struct Runs {
    upto: Sequence,
    runs: Vec<Arc<dyn RunReader>>,
}

impl Duplicates {
    /// Takes these runs from now on, the oldest first, in which all payments up to this position stand, but for those
    /// that are older than the duplicate window.
    pub(crate) fn set(&self, upto: Sequence, runs: Vec<Arc<dyn RunReader>>) {
        let follow = runs.windows(2).all(|pair| pair[0].facts().upto == pair[1].facts().after);
        assert!(follow, "runs follow each other");
        assert!(runs.last().is_none_or(|run| run.facts().upto == upto), "a look reaches as far as the runs");
        *self.runs.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Runs { upto, runs });
        self.upto.store(upto.0, Ordering::Release);
    }

    /// How far a look reaches.
    pub fn upto(&self) -> Sequence {
        Sequence(self.upto.load(Ordering::Acquire))
    }

    /// What the runs at hand take in memory, in bytes, and how many there are.
    pub fn memory(&self) -> (usize, usize) {
        let runs = self.runs();
        (runs.runs.iter().map(|run| run.filter().length()).sum(), runs.runs.len())
    }

    /// Whether a run could not be read: what it holds is not known, so nothing new is decided.
    pub fn is_unreadable(&self) -> bool {
        self.unreadable.load(Ordering::Relaxed)
    }

    /// Asks the filters about what commands ask for, without a disk. If nothing of it is on disk, that is written into
    /// them; if it may be, says of how many, and [`Self::look_up`] is to follow. Costs one load without any runs.
    pub fn look(&self, commands: &mut RecordWriter) -> u64 {
        if self.upto.load(Ordering::Relaxed) == 0 {
            return 0;
        }
        let runs = self.runs();
        let on_disk = runs.may_hold(commands.asked_for(runs.upto));
        if on_disk == 0 {
            commands.set_evidence(runs.upto, &[]);
        }
        on_disk
    }

    /// Looks up what commands ask for, and writes it into them. Costs one load as long as nothing is on disk.
    ///
    /// # Errors
    /// If a run can't be read. Then the commands must not be submitted.
    pub fn look_up(&self, commands: &mut RecordWriter) -> Result<(), RunError> {
        if self.upto.load(Ordering::Relaxed) == 0 {
            return Ok(());
        }
        let runs = self.runs();
        let found = self.noted(runs.find_all(commands.asked_for(runs.upto)))?;
        commands.set_evidence(runs.upto, &found);
        Ok(())
    }

    /// The same for commands that are submitted again.
    ///
    /// # Errors
    /// As [`Self::look_up`].
    pub fn look_up_again<Ticket>(&self, submission: &mut Submission<Ticket>) -> Result<(), RunError> {
        self.look_up(&mut submission.commands)
    }

    /// Completes an answer with what stands on disk.
    ///
    /// # Errors
    /// If a run can't be read. Then the answer must not be given.
    pub fn complete<Ticket>(&self, look_up: &mut LookUp<Ticket>, key: &DigestKey) -> Result<(), RunError> {
        let answered = self.noted(self.runs().answer(look_up, key))?;
        if let Some(answer) = answered {
            look_up.answered.answer = answer;
        }
        Ok(())
    }

    fn runs(&self) -> Arc<Runs> {
        Arc::clone(&self.runs.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn noted<Found>(&self, found: Result<Found, RunError>) -> Result<Found, RunError> {
        if let Err(error) = &found
            && !self.unreadable.swap(true, Ordering::Relaxed)
        {
            tracing::error!(%error, "a run of duplicates can't be read; no payments are taken until a restart");
        }
        found
    }
}

impl Runs {
    /// Of how many of those that are asked for the filters do not say for certain that they are not here.
    fn may_hold(&self, all: impl Iterator<Item = AskedFor>) -> u64 {
        let (mut group, mut filled, mut count) = ([0; GROUP], 0, 0);
        for asked in all {
            match asked {
                AskedFor::Key { hash, .. } => {
                    self.runs.iter().for_each(|run| memory::prefetch(run.filter().line(hash)));
                    group[filled] = hash;
                    filled += 1;
                }
                AskedFor::Position { payment, .. } => count += u64::from(self.reach(payment)),
            }
            if filled == GROUP {
                count += self.may_hold_of(&group);
                filled = 0;
            }
        }
        count + self.may_hold_of(&group[..filled])
    }

    fn may_hold_of(&self, hashes: &[u64]) -> u64 {
        let may_be_here = |hash: &&u64| self.runs.iter().any(|run| run.filter().may_hold(**hash));
        u64::try_from(hashes.iter().filter(may_be_here).count()).expect("64 bits")
    }

    /// Whether one of the runs spans this position.
    fn reach(&self, position: Sequence) -> bool {
        self.runs.first().is_some_and(|oldest| oldest.facts().after < position) && position <= self.upto
    }

    /// What is found of what is asked for, with the places of the records.
    fn find_all(&self, all: impl Iterator<Item = AskedFor>) -> Result<Vec<(usize, Payment)>, RunError> {
        let mut found = Vec::new();
        for asked in all {
            let (record, payment) = match asked {
                AskedFor::Key { record, key, hash } => (record, self.by_key(hash, key.as_bytes())?),
                AskedFor::Position { record, payment } => (record, self.by_position(payment)?),
            };
            found.extend(payment.map(|payment| (record, payment)));
        }
        Ok(found)
    }

    /// The newest payment that holds this key.
    fn by_key(&self, hash: u64, key: &[u8]) -> Result<Option<Payment>, RunError> {
        // A payment in stored form begins with its key.
        let is_it = |entry: &[u8]| entry.starts_with(key);
        for run in self.runs.iter().rev().filter(|run| run.filter().may_hold(hash)) {
            if let Some(entry) = run.find_key(hash, &is_it)? {
                return read(run.as_ref(), &entry).map(Some);
            }
        }
        Ok(None)
    }

    fn by_position(&self, sequence: Sequence) -> Result<Option<Payment>, RunError> {
        let place = self.runs.partition_point(|run| run.facts().upto < sequence);
        let Some(run) = self.runs.get(place) else { return Ok(None) };
        let found = run.find_position(sequence)?;
        found.map(|entry| read(run.as_ref(), &entry)).transpose()
    }

    /// Another answer than the core's, if the disk knows more.
    fn answer<Ticket>(&self, look_up: &LookUp<Ticket>, key: &DigestKey) -> Result<Option<Answer>, RunError> {
        let limit = ledger::duplicate_window_start(look_up.answered.as_of.time);
        let floor = look_up.floor;
        let counts = |payment: &Payment| is_of_window(payment, floor, limit);
        Ok(match (&look_up.question, &look_up.answered.answer) {
            (
                Question::PaymentAt(sequence) | Question::Final(PaymentName::At(sequence)),
                Answer::Payment(_),
            ) if *sequence <= floor => match self.by_position(*sequence)? {
                Some(payment) if counts(&payment) => Some(Answer::Payment(PaymentAnswer::Found(payment))),
                Some(_) | None => None,
            },
            (
                Question::PaymentByKey { debtor_agent, transaction_id, .. }
                | Question::Final(PaymentName::Key { debtor_agent, transaction_id, .. }),
                Answer::Payment(_),
            ) => {
                let stored = ledger::payment_key(debtor_agent.as_bytes(), transaction_id.as_str());
                let hash =
                    key.payment(debtor_agent.as_bytes(), transaction_id.as_str().as_bytes()).table_hash();
                let found = self.by_key(hash, stored.as_bytes())?.filter(counts);
                found.map(|payment| Answer::Payment(PaymentAnswer::Found(payment)))
            }
            (Question::Payments(positions), Answer::Payments(known)) => {
                let mut payments = known.clone();
                for (place, position) in payments.iter_mut().zip(positions) {
                    if place.is_none() && *position <= floor {
                        *place = self.by_position(*position)?.filter(counts);
                    }
                }
                Some(Answer::Payments(payments))
            }
            _ => None,
        })
    }
}

/// Whether a payment on disk had left the table when an answer was given, and is not older than the window.
fn is_of_window(payment: &Payment, floor: Sequence, limit: Timestamp) -> bool {
    payment.sequence() <= floor && payment.received_time() >= limit
}

fn read(run: &dyn RunReader, entry: &[u8; RUN_ENTRY_LENGTH]) -> Result<Payment, RunError> {
    Payment::from_stored(entry).ok_or(RunError::Damaged { number: run.facts().number, page: 0 })
}

/// What the ledger names of a run, as the journal tells of it.
pub fn facts_of(run: &SealedRun) -> RunFacts {
    let SealedRun { number, after, upto, newest_time, payments, hash } = *run;
    RunFacts { number, after, upto, newest_time, payments, hash }
}

/// As the ledger names it.
pub(crate) fn named(run: &RunFacts) -> SealedRun {
    let RunFacts { number, after, upto, newest_time, payments, hash } = *run;
    SealedRun { number, after, upto, newest_time, payments, hash }
}

#[cfg(test)]
#[path = "duplicates_tests.rs"]
mod tests;
