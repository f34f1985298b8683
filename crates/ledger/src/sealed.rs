//! What has left the table of payments for runs on disk: up to where, and in which runs.
//!
//! Invariants:
//! - The floor never falls. At or below it the core answers only from what a record brings along.
//! - The runs follow each other without a gap, the newest ends at the floor, and none is listed once all its payments
//!   are older than the duplicate window.

use std::io;

use types::{DigestKey, ParticipantNumber, PaymentState, ReasonCode, Sequence, Timestamp};
use zerocopy::{FromBytes, IntoBytes};

use crate::limits::RUNS_MAX;
use crate::payments::{HOLDS_KEY, Payment};
use crate::sections::{Impossible, SectionReader, SectionWriter, StateError, holds};
use crate::state_layout::{self, RUNS, SEALED};
use crate::{Position, QuestionState, layout, record};

/// A run of payments on disk, as the log names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedRun {
    /// Its number, which its file has in its name. New runs get numbers above all that were ever named.
    pub number: u64,
    /// It holds the payments behind this position,
    pub after: Sequence,
    /// up to this one.
    pub upto: Sequence,
    /// The log time at which the newest of them entered the log.
    pub newest_time: Timestamp,
    /// How many payments it holds.
    pub payments: u64,
    /// BLAKE3 of its first block, which holds that of all others.
    pub hash: [u8; 32],
}

impl SealedRun {
    pub(crate) fn of(record: &layout::SealDuplicates) -> Self {
        Self {
            number: record.run.get(),
            after: Sequence(record.after.get()),
            upto: Sequence(record.upto.get()),
            newest_time: Timestamp::from_nanoseconds(record.newest_time.get())
                .expect("records are checked when they are read"),
            payments: record.payments.get(),
            hash: record.hash,
        }
    }

    /// As a record names it.
    pub(crate) fn to_record(self) -> layout::SealDuplicates {
        layout::SealDuplicates {
            run: self.number.into(),
            after: self.after.0.into(),
            upto: self.upto.0.into(),
            newest_time: self.newest_time.nanoseconds().into(),
            payments: self.payments.into(),
            hash: self.hash,
            reserved: [0; 8],
        }
    }
}

/// The floor, and the runs behind it.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    floor: Sequence,
    newest_number: u64,
    runs: Vec<SealedRun>,
}

impl Default for Sealed {
    fn default() -> Self {
        Self { floor: Sequence(0), newest_number: 0, runs: Vec::with_capacity(RUNS_MAX) }
    }
}

impl Sealed {
    /// Payments up to here are on disk. 0 as long as none are.
    pub(crate) const fn floor(&self) -> Sequence {
        self.floor
    }

    /// The highest number that a run ever had.
    pub(crate) const fn newest_number(&self) -> u64 {
        self.newest_number
    }

    /// The runs that may hold a payment of the window, the oldest first.
    pub(crate) fn runs(&self) -> &[SealedRun] {
        &self.runs
    }

    /// Whether the run holds what lies above the floor.
    pub(crate) fn raises(&self, run: &SealedRun) -> bool {
        run.after == self.floor && run.upto > self.floor && self.runs.len() < RUNS_MAX && self.is_new(run)
    }

    /// The places of the runs that this one holds together, if there are two of them or more.
    pub(crate) fn merges(&self, run: &SealedRun) -> Option<std::ops::Range<usize>> {
        let start = self.runs.iter().position(|known| known.after == run.after)?;
        let last = self.runs.iter().position(|known| known.upto == run.upto)?;
        let payments: u64 = self.runs.get(start..=last)?.iter().map(|known| known.payments).sum();
        let is_same = self.runs[last].newest_time == run.newest_time && payments == run.payments;
        (last > start && is_same && self.is_new(run)).then_some(start..last + 1)
    }

    /// Two runs may be in the making at once, so the one that began first need not be named first.
    fn is_new(&self, run: &SealedRun) -> bool {
        self.runs.iter().all(|known| known.number != run.number)
    }

    pub(crate) fn raise(&mut self, run: SealedRun) {
        assert!(self.raises(&run), "the run holds what lies above the floor");
        self.floor = run.upto;
        self.newest_number = self.newest_number.max(run.number);
        self.runs.push(run);
    }

    pub(crate) fn merge(&mut self, places: std::ops::Range<usize>, run: SealedRun) {
        assert!(self.is_new(&run), "no two runs have the same number");
        self.newest_number = self.newest_number.max(run.number);
        let start = places.start;
        self.runs.drain(start + 1..places.end);
        self.runs[start] = run;
    }

    /// Lists the runs no longer all whose payments are older than this.
    pub(crate) fn forget(&mut self, limit: Timestamp) {
        let old = self.runs.iter().take_while(|run| run.newest_time < limit).count();
        self.runs.drain(..old);
    }

    /// Writes the sections of a stored state.
    pub(crate) fn write_state(&self, writer: &mut SectionWriter<'_>) -> io::Result<()> {
        let item = state_layout::Sealed { floor: self.floor.0.into(), newest_run: self.newest_number.into() };
        writer.section(SEALED, 1, std::iter::once(item))?;
        writer.section(RUNS, self.runs.len(), self.runs.iter().map(|run| run.to_record()))
    }

    /// Reads them, of a state that stands at `last`.
    pub(crate) fn read_state(reader: &mut SectionReader<'_>, last: Position) -> Result<Self, StateError> {
        let mut sealed = Self::default();
        reader.begin_exactly(SEALED, 1)?;
        reader.items(SEALED, 1, |item: &state_layout::Sealed| {
            sealed.floor = Sequence(item.floor.get());
            sealed.newest_number = item.newest_run.get();
            holds(sealed.floor <= last.sequence, "floor")
        })?;
        let count = reader.begin_within(RUNS, RUNS_MAX)?;
        reader.items(RUNS, u64::try_from(count).expect("64 bits"), |item: &layout::SealDuplicates| {
            record::check_seal(item).map_err(|_| Impossible("run"))?;
            let run = SealedRun::of(item);
            let is_new = sealed.is_new(&run) && run.number <= sealed.newest_number;
            holds(is_new, "run")?;
            holds(sealed.runs.last().is_none_or(|before| before.upto == run.after), "after")?;
            holds(
                sealed.runs.last().is_none_or(|before| before.newest_time <= run.newest_time),
                "newest_time",
            )?;
            holds(run.newest_time <= last.time, "newest_time")?;
            sealed.runs.push(run);
            Ok(())
        })?;
        let ends = sealed.runs.last().is_none_or(|newest| newest.upto == sealed.floor);
        holds(ends, "upto")
            .map_err(|impossible| RUNS.impossible(u64::try_from(count - 1).expect("64 bits"), impossible))?;
        Ok(sealed)
    }

    pub(crate) fn validate(&self) {
        let follow = self.runs.windows(2).all(|pair| pair[0].upto == pair[1].after);
        assert!(follow, "runs follow each other");
        assert!(
            self.runs.last().is_none_or(|run| run.upto == self.floor),
            "the newest run ends at the floor"
        );
    }
}

impl Payment {
    /// The form in which it is kept on disk.
    ///
    /// # Panics
    /// If it is not final.
    pub fn to_stored(&self) -> [u8; 128] {
        assert!(self.state.is_final(), "only payments that are final are sealed");
        let stored = layout::StoredPayment {
            key: layout::PaymentKey {
                debtor_agent: *self.debtor_agent.as_bytes(),
                transaction_id_length: self.transaction_id_length,
                transaction_id: self.transaction_id,
                reserved: 0,
            },
            body_digest: self.body_digest,
            sequence: self.sequence.0.into(),
            decided_at: self.decided_at.0.into(),
            received_time: self.received_time.nanoseconds().into(),
            decided_time: self.decided_time.nanoseconds().into(),
            acceptance_time: self.acceptance_time.nanoseconds().into(),
            creditor_bank: self.creditor_bank.0.into(),
            reason: self.reason.map_or([0; 4], |reason| *reason.as_bytes()),
            reason_to_creditor: self.reason_to_creditor,
            state: self.state.number(),
            marks: self.marks,
            questions: self.questions.map(question_number),
            reserved: [0; 8],
        };
        let mut bytes = [0; 128];
        bytes.copy_from_slice(stored.as_bytes());
        bytes
    }

    /// Reads the form in which it is kept on disk; `None` if these bytes are none.
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        let stored = layout::StoredPayment::ref_from_bytes(bytes).ok()?;
        crate::record::check_stored(stored).ok()?;
        Some(Self::of_stored(stored))
    }

    pub(crate) fn of_stored(stored: &layout::StoredPayment) -> Self {
        let time = |nanoseconds| Timestamp::from_nanoseconds(nanoseconds).expect(CHECKED);
        Self {
            sequence: Sequence(stored.sequence.get()),
            decided_at: Sequence(stored.decided_at.get()),
            received_time: time(stored.received_time.get()),
            decided_time: time(stored.decided_time.get()),
            acceptance_time: time(stored.acceptance_time.get()),
            body_digest: stored.body_digest,
            debtor_agent: stored.key.bank(),
            transaction_id_length: stored.key.transaction_id_length,
            transaction_id: stored.key.transaction_id,
            state: PaymentState::from_number(stored.state).expect(CHECKED),
            reason: ReasonCode::from_bytes(stored.reason),
            marks: stored.marks,
            questions: stored.questions.map(|number| question_of(number).expect(CHECKED)),
            creditor_bank: ParticipantNumber(stored.creditor_bank.get()),
            reason_to_creditor: stored.reason_to_creditor,
        }
    }

    /// The hash under which runs list its key; `None` if it does not hold its key.
    pub fn stored_key(&self, key: &DigestKey) -> Option<u64> {
        (self.marks & HOLDS_KEY != 0)
            .then(|| key.payment(self.debtor_agent.as_bytes(), self.transaction_id().as_bytes()).table_hash())
    }
}

const CHECKED: &str = "stored payments are checked when they are read";

fn question_number(state: QuestionState) -> u8 {
    match state {
        QuestionState::NotAsked => 0,
        QuestionState::Accepted => 1,
        QuestionState::Rejected => 2,
        QuestionState::Silent => 3,
        QuestionState::Open => unreachable!("a payment that is final has no open question"),
    }
}

const fn question_of(number: u8) -> Option<QuestionState> {
    match number {
        0 => Some(QuestionState::NotAsked),
        1 => Some(QuestionState::Accepted),
        2 => Some(QuestionState::Rejected),
        3 => Some(QuestionState::Silent),
        _ => None,
    }
}
