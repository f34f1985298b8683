//! The auditor: it sees what is sent, what the disk acknowledges and what clients are told, and judges.
//!
//! It knows what each record asks by its bytes and decides it with the model, so that the right answers come from
//! the log and the clients alone. It checks, with the numbers of the design's promises:
//! 1. One outcome for each payment, whatever is retried or changed.
//! 2. Nothing that was acknowledged is missing after a crash, and nothing is told that is not durable.
//! 3. Money: every balance is the model's, and books sum to zero.
//! 4. Nothing settles at or past its deadline in log time, whether at once, by an answer or by silence; and log time is
//!    the time of sealing.
//! 5. A final "not found" is never followed by a settlement; a bank hears everything that concerns it.
//! 6. Nothing hidden: a record says which banks are connected.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Answer, Answered};
use journal::{FrameHash, FrameHeader, FrameKind, FrameView, SealedFrame, Tail};
use ledger::{AnswerEffect, Ledger, Outcome, PaymentAnswer, Position, Verdict};
use types::{BatchNumber, Duration, PaymentState, ReasonCode, Sequence, Timestamp};

use crate::compare::{self, same};
use crate::model::{Expected, Known, Model, Place, money};
use crate::step::{Pay, Step};
use crate::words::{Marks, Query, begun_life, bic, named_run, record_of, split, unmarked};

#[path = "auditor_banks.rs"]
mod banks;

pub(crate) use banks::Ear;
use banks::Hearing;

const EXPIRY: Duration = Duration::from_seconds(7);
const CONFIRMATION: Duration = Duration::from_seconds(9);
const REMEMBERED: Duration = Duration::from_seconds(5 * 24 * 3600);

/// A promise that was broken, in words.
pub(crate) type Violation = String;

/// How a log that was read after a start compares with what was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recovered {
    /// All of it is there.
    Whole,
    /// The log's end is missing, whose writes the device lost before anything followed them.
    InWindow,
}

/// A frame as far as the auditor needs it.
#[derive(Clone, Debug)]
struct Frame {
    header: FrameHeader,
    hash: FrameHash,
    records: Vec<u8>,
}

/// A command that was decided.
#[derive(Clone, Debug)]
struct Decided {
    /// The time of its frame.
    received: Timestamp,
    step: Step,
    expected: Expected,
}

/// What a client was told about a payment first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    original: Sequence,
    state: PaymentState,
    reason: Option<ReasonCode>,
}

/// What it has seen.
#[derive(Debug, Default)]
pub(crate) struct Auditor {
    /// The right answers, as of the last frame that was applied.
    pub(crate) model: Model,
    /// What each record asks.
    steps: BTreeMap<Vec<u8>, Step>,
    /// Every frame that was ever handed to a disk.
    sealed: BTreeSet<FrameHash>,
    /// The frames that the disk acknowledged, or held at a start.
    durable: Vec<Frame>,
    /// How many of them the model has applied.
    applied: usize,
    /// The frames of a log that is being read, and how many come before them that a snapshot covers.
    reading: Vec<Frame>,
    covered: usize,
    decided: BTreeMap<Sequence, Decided>,
    told: BTreeMap<(u8, u32), (Pay, Told, Timestamp)>,
    settled: BTreeMap<(u8, u32), Timestamp>,
    never: BTreeSet<((u8, u32), Timestamp)>,
    hearing: Hearing,
    /// Frames whose write the device may have lost.
    pub(crate) lost_writes: BTreeSet<BatchNumber>,
    /// Those of them that have landed elsewhere, perhaps on an earlier one.
    pub(crate) stray_writes: BTreeSet<BatchNumber>,
}

impl Told {
    /// A refusal for an unknown bank or a changed body leaves the key as it was.
    fn holds_key(&self) -> bool {
        self.reason.is_none_or(|reason| !["DNOR", "AM05"].contains(&reason.as_str()))
    }
}

impl Frame {
    fn of(view: &FrameView<'_>) -> Self {
        Self { header: *view.header(), hash: view.hash(), records: view.records().to_vec() }
    }
}

impl Auditor {
    /// Of a log that begins under this version of the rules.
    pub(crate) fn of(rules_version: u32) -> Self {
        Self { model: Model::begun_under(rules_version), ..Self::default() }
    }

    /// The log is lost but for the frames up to this one: what was told after it is lost with it, and all that was told
    /// up to there stays true. Of what was finally not found nobody remembers where the log stood.
    pub(crate) fn restored_to(&mut self, batch: BatchNumber, begun_under: u32) -> Result<(), Violation> {
        let Self { steps, sealed, durable, told, hearing, .. } = std::mem::take(self);
        let kept = usize::try_from(batch.0).expect("64 bits");
        let durable = durable.into_iter().take(kept).collect();
        *self = Self { steps, sealed, durable, ..Self::of(begun_under) };
        self.apply_all()?;
        let model = &self.model;
        let is_kept =
            |payment, state| matches!(model.known_at(payment), Known::Found(_, known, _) if known == state);
        self.told = told.into_iter().filter(|(_, (_, told, _))| is_kept(told.original, told.state)).collect();
        self.hearing.keep_ends(hearing, is_kept);
        Ok(())
    }

    /// A command is handed to the node in this form.
    pub(crate) fn sent(&mut self, record: &[u8], step: &Step) {
        self.steps.insert(record.to_vec(), step.clone());
    }

    /// A frame is handed to the disk, at this reading of the log's clock.
    pub(crate) fn sealed(&mut self, frame: &SealedFrame, log_time: Timestamp) -> Result<(), Violation> {
        self.sealed.insert(frame.hash());
        let time = frame.header().time;
        for record in split(frame.view().records()) {
            let (record, marks) = unmarked(record);
            if let Some(Step::Pay(payment)) = self.steps.get(&record) {
                self.marked(payment, marks.connected, time)?;
            }
        }
        match time >= log_time {
            true => Ok(()),
            false => Err(format!(
                "promise 4: batch {} is stamped {}, before it was sealed at {log_time}",
                frame.header().batch,
                time
            )),
        }
    }

    /// The disk acknowledged a frame.
    pub(crate) fn durable(&mut self, frame: &SealedFrame) -> Result<(), Violation> {
        self.sealed.insert(frame.hash());
        self.push(Frame::of(&frame.view()))
    }

    fn push(&mut self, frame: Frame) -> Result<(), Violation> {
        if let Some(last) = self.durable.last() {
            let (next, before) = (&frame.header, &last.header);
            same("the next frame's batch", &before.batch.next(), &next.batch)?;
            same("the next frame's sequence", &before.next_sequence(), &next.first_sequence)?;
            same("the frame before", &last.hash, &next.previous_hash)?;
            same("log time moves on", &true, &(next.time > before.time))?;
        }
        self.durable.push(frame);
        Ok(())
    }

    /// A start reads this frame.
    pub(crate) fn read(&mut self, view: &FrameView<'_>) {
        self.reading.push(Frame::of(view));
    }

    /// A start begins to read, at the log's beginning or after the frame at which a snapshot stands. That must be one
    /// that was acknowledged, or at least written.
    pub(crate) fn reads(&mut self, snapshot: Option<&Tail>) -> Result<(), Violation> {
        self.reading.clear();
        let Some(tail) = snapshot else {
            self.covered = 0;
            return Ok(());
        };
        self.covered = usize::try_from(tail.batch.0).expect("64 bits");
        let frame = self.covered.checked_sub(1).and_then(|index| self.durable.get(index));
        match frame.is_some_and(|frame| frame.hash == tail.hash) {
            true => Ok(()),
            false => {
                Err(format!("promise 2: a snapshot stands at batch {}, which is not durable", tail.batch))
            }
        }
    }

    /// A start has read the log to its end: it must hold all that was acknowledged, and nothing else than what
    /// was handed to the disk.
    pub(crate) fn recovered(&mut self) -> Result<Recovered, Violation> {
        let found = std::mem::take(&mut self.reading);
        let after = &self.durable[self.covered..];
        for (expected, frame) in after.iter().zip(&found) {
            if expected.hash != frame.hash {
                return Err(format!("promise 2: durable batch {} has changed", frame.header.batch));
            }
        }
        for frame in &found {
            if !self.sealed.contains(&frame.hash) {
                return Err(format!("promise 2: batch {} was never written", frame.header.batch));
            }
        }
        if found.len() < after.len() {
            let mut missing = after[found.len()..].iter().map(|frame| frame.header.batch);
            let is_overwritten = |batch| self.stray_writes.last().is_some_and(|stray| *stray > batch);
            if missing.all(|batch| self.lost_writes.contains(&batch) || is_overwritten(batch)) {
                return Ok(Recovered::InWindow);
            }
            let (held, acknowledged) = (self.covered + found.len(), self.durable.len());
            return Err(format!("promise 2: {acknowledged} frames were acknowledged, {held} are there"));
        }
        let known = after.len();
        for frame in found.into_iter().skip(known) {
            self.push(frame)?;
        }
        self.apply_all()?;
        Ok(Recovered::Whole)
    }

    /// The node applies everything that is durable now. Says which payments settled, by acceptance time.
    pub(crate) fn apply_all(&mut self) -> Result<Vec<Timestamp>, Violation> {
        let mut settled = Vec::new();
        while let Some(frame) = self.durable.get(self.applied).cloned() {
            self.apply(&frame, &mut settled)?;
            self.applied += 1;
        }
        Ok(settled)
    }

    fn apply(&mut self, frame: &Frame, settled: &mut Vec<Timestamp>) -> Result<(), Violation> {
        let mut at = Position { sequence: frame.header.first_sequence, time: frame.header.time };
        same("the rules of a frame", &self.model.rules_version, &frame.header.rules_version)?;
        self.listens();
        let decided = self.model.tick(at);
        self.ticked(&decided);
        for (sequence, expected) in decided {
            self.follows(sequence, &expected, at, settled)?;
        }
        for record in split(&frame.records) {
            at.sequence = at.sequence.next();
            // Genesis and profile are the log's own, and so is the beginning of another life.
            if matches!(record[..2], [1 | 2 | 14, 0]) {
                self.model.pass(at);
                if let Some((restored_upto, incarnation)) = begun_life(&record) {
                    self.model.begin_life(restored_upto, incarnation);
                }
                continue;
            }
            if let Some(run) = named_run(&record) {
                self.model.seal(at, &run);
                continue;
            }
            let (record, Marks { connected, searched }) = unmarked(record);
            let step = self.steps.get(&record).cloned();
            let step = step.ok_or_else(|| format!("sequence {} is of nobody", at.sequence))?;
            let is_short = self.model.is_short(&step, searched);
            let expected = match &step {
                _ if is_short => self.model.ask_again(at),
                Step::Pay(payment) => self.model.apply(at, &Step::Pay(Pay { connected, ..*payment })),
                step @ (Step::Request { .. }
                | Step::Answer { .. }
                | Step::Refuse { .. }
                | Step::NotEntitled(_)
                | Step::Line(_)) => self.model.apply(at, step),
            };
            self.stepped(at.sequence, &step, &expected);
            self.decided.insert(at.sequence, Decided { received: at.time, step, expected });
            match expected.verdict {
                Verdict::Payment { repeat_of: None, .. } => {
                    self.follows(at.sequence, &expected, at, settled)?
                }
                Verdict::Answer { payment, effect: AnswerEffect::Applied, .. } => {
                    self.follows(payment, &expected, at, settled)?;
                }
                Verdict::Payment { .. }
                | Verdict::Answer { .. }
                | Verdict::Done { .. }
                | Verdict::Refused { .. }
                | Verdict::AskAgain
                | Verdict::LegBooked { .. }
                | Verdict::HoldExpired { .. }
                | Verdict::NotExecuted { .. }
                | Verdict::OrderEnded { .. }
                | Verdict::PackageComplete { .. } => {}
            }
        }
        Ok(())
    }

    /// The payment at this position stands in another state from now on.
    fn follows(
        &mut self,
        sequence: Sequence,
        expected: &Expected,
        at: Position,
        settled: &mut Vec<Timestamp>,
    ) -> Result<(), Violation> {
        let is_settled = match expected.verdict {
            Verdict::Payment { state, .. } => state == PaymentState::Settled,
            Verdict::Answer { state, .. } => state == Some(PaymentState::Settled),
            Verdict::Done { .. }
            | Verdict::Refused { .. }
            | Verdict::AskAgain
            | Verdict::LegBooked { .. }
            | Verdict::HoldExpired { .. }
            | Verdict::NotExecuted { .. }
            | Verdict::OrderEnded { .. }
            | Verdict::PackageComplete { .. } => false,
        };
        if let Some(Decided { step: Step::Pay(payment), received, .. }) = self.decided.get(&sequence).cloned()
            && is_settled
        {
            self.settles(&payment, received, at)?;
            settled.push(payment.acceptance_time());
        }
        Ok(())
    }

    fn settles(&mut self, payment: &Pay, received: Timestamp, at: Position) -> Result<(), Violation> {
        let (key, accepted) = ((payment.debtor_bank, payment.id), payment.acceptance_time());
        if accepted.plus(EXPIRY) <= at.time {
            return Err(format!("promise 4: payment {key:?} settles at {}, past its deadline", at.time));
        }
        if self.never.contains(&(key, accepted)) {
            return Err(format!("promise 5: payment {key:?} settles after it was finally not found"));
        }
        match self.settled.insert(key, received) {
            Some(before) if before.plus(REMEMBERED) >= received => Err(format!(
                "promise 1: payment {key:?} came at {before} and again at {received}, and settles twice"
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// How many of the payments that have just settled are confirmed late at this log time.
    pub(crate) fn late(settled: &[Timestamp], confirmed: Timestamp) -> u64 {
        settled.iter().filter(|accepted| confirmed > accepted.plus(CONFIRMATION)).map(|_| 1).sum()
    }

    /// A client is told an outcome of what it sent.
    pub(crate) fn told(&mut self, sent: &Step, outcome: &Outcome) -> Result<(), Violation> {
        let decided = self.decided.get(&outcome.sequence);
        let decided = decided
            .ok_or_else(|| format!("promise 2: sequence {} is told and not durable", outcome.sequence))?;
        let received = decided.received;
        // Message numbers are no part of a record.
        if record_of(sent) != record_of(&decided.step) {
            return Err(format!("{sent:?} is told the outcome of {:?}", decided.step));
        }
        compare::outcome(&decided.expected, outcome).map_err(|error| format!("{sent:?}: {error}"))?;
        if let Verdict::Answer { payment, state: Some(state), .. } = outcome.verdict {
            self.ends(payment, state)?;
        }
        let Step::Pay(payment) = sent else { return Ok(()) };
        let Verdict::Payment { state, reason, repeat_of } = outcome.verdict else {
            if matches!(outcome.verdict, Verdict::NotExecuted { .. }) && payment.order.0 > 0 {
                return Ok(());
            }
            return Err("a payment is answered as another command".to_owned());
        };
        let told = Told { original: repeat_of.unwrap_or(outcome.sequence), state, reason };
        self.ends(told.original, state)?;
        let key = (payment.debtor_bank, payment.id);
        let first_received = self.decided.get(&told.original).map_or(received, |first| first.received);
        match self.told.get(&key) {
            Some((first, earlier, at)) if earlier.holds_key() && at.plus(REMEMBERED) >= received => {
                let may_change = earlier.state == PaymentState::Reserved && earlier.original == told.original;
                if first.body == payment.body && *earlier != told {
                    if !may_change {
                        return Err(format!("promise 1: payment {key:?} was told {earlier:?}, now {told:?}"));
                    }
                    self.told.insert(key, (*payment, told, first_received));
                }
            }
            Some(_) | None => {
                self.told.insert(key, (*payment, told, first_received));
            }
        }
        Ok(())
    }

    /// A client is told an answer.
    pub(crate) fn answered(&mut self, query: Query, answered: &Answered) -> Result<(), Violation> {
        let model = &self.model;
        same("the position of an answer", &model.at, &answered.as_of)?;
        if let Answer::Payment(PaymentAnswer::Found(payment)) = &answered.answer {
            self.ends(payment.sequence(), payment.state())?;
        }
        let model = &self.model;
        let found = &answered.answer;
        match (query, found) {
            (Query::At(sequence), Answer::Payment(found)) => {
                compare::payment(model.known_at(sequence), found)
            }
            (Query::Key(bank, id, accepted) | Query::Final(bank, id, accepted), Answer::Payment(found)) => {
                let known = model.known((bank, id), accepted);
                compare::payment(known, found)?;
                if let (Known::NotFound { is_final: true }, Some(accepted)) = (known, accepted) {
                    self.never.insert(((bank, id), accepted));
                }
                Ok(())
            }
            (Query::Account(account, currency), Answer::Account(found)) => {
                let known = model.customer(account, currency).map(|(number, known)| {
                    (number, known.balance, known.bank.map(bic).expect("a customer has a bank"))
                });
                let found = found.map(|(number, found, bank)| (number.0, money(found.balance()), bank));
                same("the answer for an account", &known, &found)
            }
            (Query::Position(bank, currency), Answer::Account(found)) => {
                let known = model.internal(Some(bank), Place::Position, currency);
                let known = known.map(|(number, known)| (number, known.balance, bic(bank)));
                let found = found.map(|(number, found, bank)| (number.0, money(found.balance()), bank));
                same("the answer for a position", &known, &found)
            }
            (Query::Bank(bank), Answer::Participant(found)) => {
                let known = model.bank(bank).map(|(_, known)| (known.mode, known.status));
                let found = found.as_ref().map(|found| &found.participant);
                let found = found.map(|found| (found.mode(), found.status()));
                same("the answer for a bank", &known, &found)
            }
            (Query::Books, Answer::TrialBalance { books, payments }) => {
                let totals = [payments.settled, payments.rejected, payments.expired];
                same("payments", &(model.totals, model.waiting_count()), &(totals, payments.reserved))?;
                same("promise 3: books", &true, &books.iter().all(|book| book.sum() == 0))
            }
            _ => Err(format!("{query:?} is answered with {found:?}")),
        }
    }

    /// The whole state of a ledger that has applied what is durable.
    pub(crate) fn state(&self, ledger: &Ledger) -> Result<(), Violation> {
        ledger.validate();
        same("the position", &self.model.at, &ledger.position())?;
        compare::ledger(&self.model, ledger).map_err(|error| format!("promise 3: {error}"))
    }

    /// The last frame that was applied.
    pub(crate) fn applied(&self) -> BatchNumber {
        let last = self.applied.checked_sub(1).map(|index| self.durable[index].header.batch);
        last.unwrap_or(BatchNumber(0))
    }

    /// The last frame on the disk.
    pub(crate) fn last(&self) -> Option<(BatchNumber, FrameKind)> {
        self.durable.last().map(|frame| (frame.header.batch, frame.header.kind))
    }

    /// The last position that was decided.
    pub(crate) const fn at(&self) -> Position {
        self.model.at
    }
}
