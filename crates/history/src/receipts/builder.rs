//! From frames to the trees of checkpoints, and to the path of one leaf.
//!
//! The entry that tells of a command stands in a later frame than the command, and if a bank or time decides a payment,
//! seconds later. So the digests of records are kept until nothing more can be told of them.
//!
//! Invariants:
//! - The same frames give the same checkpoints, wherever the reading began, as long as it began early enough:
//!   [`Closed::resume_after`] says how early that is.
//! - What is kept is bounded by the commands of the last frames and the payments that wait for a bank.

use std::collections::{BTreeMap, VecDeque};

use journal::{FrameHash, FrameHeader, FrameView, Identity};
use ledger::{AnswerEffect, Kind, OutcomeEntry, OutcomeError};
use types::{BatchNumber, DigestKey, Duration, PaymentState, Sequence, Timestamp};

use super::bytes::{u16_at, u32_at};
use super::leaf::{Blinding, Hash, Side, head, leaf};
use super::tree::{Tree, leaf_hash};

/// Bytes of a record's header, and where its length stands.
const RECORD_HEADER: usize = 16;
const RECORD_LENGTH_AT: usize = 4;

/// Why checkpoints can't be built from a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A record is cut short.
    #[error("a record of batch {0} is cut short")]
    Record(BatchNumber),
    /// An outcome entry can't be read.
    #[error(transparent)]
    Outcome(#[from] OutcomeError),
}

/// Builds checkpoints, frame by frame.
#[derive(Debug)]
pub(super) struct Builder {
    interval: Duration,
    blinding: Blinding,
    /// Commands whose outcomes no frame has told yet, in their order, with the digests of their records.
    untold: VecDeque<(Sequence, Hash)>,
    /// The same of payments that wait for a bank.
    waiting: BTreeMap<Sequence, Hash>,
    open: Option<Open>,
    wanted: Option<Wanted>,
}

/// The interval that the last frame is of.
#[derive(Debug)]
struct Open {
    identity: Identity,
    start: Timestamp,
    end: Timestamp,
    first_batch: BatchNumber,
    last_batch: BatchNumber,
    upto: Sequence,
    chain_head: FrameHash,
    tree: Tree,
    has_gap: bool,
}

/// An interval that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Closed {
    pub(super) identity: Identity,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) first_batch: BatchNumber,
    pub(super) last_batch: BatchNumber,
    pub(super) upto: Sequence,
    pub(super) chain_head: FrameHash,
    pub(super) leaves: u64,
    pub(super) root: Hash,
    /// The path of the wanted leaf, if that is in this interval.
    pub(super) path: Vec<Hash>,
    /// Whether records of what was told are missing, because the log begins after them.
    pub(super) has_gap: bool,
    /// Whoever goes on after this interval reads what follows this position.
    pub(super) resume_after: Sequence,
}

/// A payment whose settlement is looked for.
#[derive(Debug)]
struct Wanted {
    payment: Sequence,
    record: Option<Vec<u8>>,
    found: Found,
}

/// What the frames have told of the wanted payment so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing yet, or that it waits.
    Nothing,
    /// Its position holds no record.
    NoCommand,
    /// It is settled: the entry, both sides of it, and the leaf's index.
    Settled(Box<(OutcomeEntry, [Side; 2], u64)>),
    /// It repeats this one.
    Repeat(Sequence),
    /// It came to this, or is no payment.
    Other(Option<PaymentState>),
}

impl Builder {
    pub(super) fn new(interval: Duration, key: &DigestKey) -> Self {
        Self {
            interval,
            blinding: Blinding::new(key),
            untold: VecDeque::new(),
            waiting: BTreeMap::new(),
            open: None,
            wanted: None,
        }
    }

    /// The same, looking for the settlement of a payment.
    pub(super) fn looking_for(interval: Duration, key: &DigestKey, payment: Sequence) -> Self {
        let wanted = Some(Wanted { payment, record: None, found: Found::Nothing });
        Self { wanted, ..Self::new(interval, key) }
    }

    /// What is known of the payment that is looked for.
    pub(super) fn found(&self) -> &Found {
        self.wanted.as_ref().map_or(&Found::Nothing, |wanted| &wanted.found)
    }

    /// The record of the payment that is looked for, once it has been read.
    pub(super) fn record(&self) -> Option<&[u8]> {
        self.wanted.as_ref()?.record.as_deref()
    }

    /// When the open interval ends in log time, if anything has been told in it.
    pub(super) fn open_until(&self) -> Option<Timestamp> {
        self.open.as_ref().filter(|open| open.tree.count() > 0).map(|open| open.end)
    }

    /// Takes in a frame of before the first interval that counts.
    pub(super) fn warm_up(&mut self, frame: &FrameView<'_>) -> Result<(), BuildError> {
        for entry in OutcomeEntry::read_all(frame.outcomes())? {
            let _ = self.record_of(&entry);
        }
        self.take_records(frame)
    }

    /// Takes in the next frame. If an interval with outcomes ended before it, gives that.
    pub(super) fn frame(&mut self, frame: &FrameView<'_>) -> Result<Option<Closed>, BuildError> {
        let header = frame.header();
        let (start, end) = interval_of(header.time, self.interval);
        let is_over = self.open.as_ref().is_some_and(|open| open.is_over(header));
        let closed = if is_over { self.close(header.first_sequence) } else { None };
        let first = Open {
            identity: header.identity,
            start,
            end,
            first_batch: header.batch,
            last_batch: header.batch,
            upto: header.first_sequence,
            chain_head: FrameHash::NONE,
            tree: Tree::default(),
            has_gap: false,
        };
        self.open.get_or_insert(first);
        for entry in OutcomeEntry::read_all(frame.outcomes())? {
            let record = self.record_of(&entry);
            self.add(&entry, record);
        }
        self.take_records(frame)?;
        let open = self.open.as_mut().expect("it was opened above");
        open.last_batch = header.batch;
        open.upto = Sequence(header.next_sequence().0 - 1);
        open.chain_head = frame.hash();
        Ok(closed)
    }

    /// Adds the leaf of an entry to the open interval.
    fn add(&mut self, entry: &OutcomeEntry, record: Option<Hash>) {
        let open = self.open.as_mut().expect("a frame has opened it");
        let Some(record) = record else {
            open.has_gap = true;
            return;
        };
        let sides = self.blinding.sides(entry);
        let hash = leaf_hash(&leaf(&head(entry), &sides, &record));
        match self.wanted.as_mut().filter(|wanted| wanted.is_decided_by(entry)) {
            Some(wanted) if let Some(original) = entry.repeat_of() => {
                wanted.found = Found::Repeat(original);
                open.tree.push(hash);
            }
            Some(wanted) if entry.payment_state() == Some(PaymentState::Settled) => {
                wanted.found = Found::Settled(Box::new((*entry, sides, open.tree.count())));
                open.tree.push_wanted(hash);
            }
            Some(wanted) => {
                wanted.found = Found::Other(entry.payment_state());
                open.tree.push(hash);
            }
            None => open.tree.push(hash),
        }
    }

    /// The digest of the record that an entry is about: the payment's, where a bank's answer or time decided it.
    fn record_of(&mut self, entry: &OutcomeEntry) -> Option<Hash> {
        let of_payment = entry.payment();
        let stands_still = entry.payment_state() == Some(PaymentState::Reserved);
        let own = self.untold.pop_front_if(|(sequence, _)| *sequence == entry.sequence());
        match own {
            Some((_, _)) if entry.effect() == Some(AnswerEffect::Applied) => {
                self.waiting_record(of_payment?, stands_still)
            }
            Some((sequence, digest)) => {
                let is_new = entry.effect().is_none() && entry.repeat_of().is_none();
                if stands_still && is_new {
                    self.waiting.insert(sequence, digest);
                }
                Some(digest)
            }
            // Time decided.
            None => self.waiting_record(entry.sequence(), stands_still),
        }
    }

    fn waiting_record(&mut self, payment: Sequence, stands_still: bool) -> Option<Hash> {
        match stands_still {
            true => self.waiting.get(&payment).copied(),
            false => self.waiting.remove(&payment),
        }
    }

    fn take_records(&mut self, frame: &FrameView<'_>) -> Result<(), BuildError> {
        let header = frame.header();
        let mut sequence = header.first_sequence;
        let mut rest = frame.records();
        while !rest.is_empty() {
            let cut = BuildError::Record(header.batch);
            let length =
                rest.get(..RECORD_HEADER).map(|header| u32_at(header, RECORD_LENGTH_AT)).ok_or(cut)?;
            let length = usize::try_from(length).ok().filter(|length| *length >= RECORD_HEADER).ok_or(cut)?;
            let (record, behind) = rest.split_at_checked(length).ok_or(cut)?;
            sequence = sequence.next();
            self.untold.push_back((sequence, *blake3::hash(record).as_bytes()));
            if let Some(wanted) = self.wanted.as_mut().filter(|wanted| wanted.payment == sequence) {
                wanted.read(record);
            }
            rest = behind;
        }
        if let Some(wanted) = &mut self.wanted
            && wanted.record.is_none()
            && wanted.payment < header.next_sequence()
        {
            wanted.found = Found::NoCommand;
        }
        Ok(())
    }

    /// Ends the open interval; `next` is the first position after it.
    fn close(&mut self, next: Sequence) -> Option<Closed> {
        let open = self.open.take()?;
        let needed = [
            self.untold.front().map(|(sequence, _)| *sequence),
            self.waiting.first_key_value().map(|(sequence, _)| *sequence),
            Some(next),
        ];
        let needed = needed.into_iter().flatten().min().expect("the next position is one of them");
        let leaves = open.tree.count();
        let (root, path) = open.tree.finish()?;
        Some(Closed {
            identity: open.identity,
            start: open.start,
            end: open.end,
            first_batch: open.first_batch,
            last_batch: open.last_batch,
            upto: open.upto,
            chain_head: open.chain_head,
            leaves,
            root,
            path,
            has_gap: open.has_gap,
            resume_after: Sequence(needed.0 - 1),
        })
    }
}

impl Open {
    /// Whether a frame is of a later interval, or of another life of the log.
    fn is_over(&self, header: &FrameHeader) -> bool {
        header.time >= self.end || header.identity != self.identity
    }
}

impl Wanted {
    /// Takes in the record at its position.
    fn read(&mut self, record: &[u8]) {
        let payments = [Kind::Payment, Kind::RefusedPayment].map(Kind::number);
        if !payments.contains(&u16_at(record, 0)) {
            self.found = Found::Other(None);
        }
        self.record = Some(record.to_vec());
    }

    /// Whether an entry says what the payment came to in the end.
    fn is_decided_by(&self, entry: &OutcomeEntry) -> bool {
        // An attempt that has to be made again is told no state.
        let is_told_once = entry.repeat_of().is_some() || entry.payment_state().is_none();
        if entry.sequence() == self.payment && is_told_once {
            return true;
        }
        let is_final = entry.payment_state().is_some_and(PaymentState::is_final);
        let tells = matches!(entry.effect(), None | Some(AnswerEffect::Applied));
        is_final && tells && entry.payment() == Some(self.payment)
    }
}

/// The interval that a time lies in.
fn interval_of(time: Timestamp, interval: Duration) -> (Timestamp, Timestamp) {
    let since = time.nanoseconds() % interval.nanoseconds();
    let start = time.minus(Duration::from_nanoseconds(since).expect("a remainder is not negative"));
    (start, start.plus(interval))
}
