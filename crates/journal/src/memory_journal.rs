//! A shared log in memory: what a replicated log looks like to its writers, without the network.
//!
//! Clones are handles of several nodes to the same log. Invariant: a claim fences every earlier writer at the
//! same instant, so at most one of them can append.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use types::{BatchNumber, Epoch, Sequence};

use crate::builder::SealedFrame;
use crate::frame::FrameView;
use crate::frame_source::{FrameSource, VisitFrame};
use crate::header::{FrameKind, Identity};
use crate::journal::{
    Append, ClaimError, Journal, Location, ReadError, Refusal, Space, TrimError, Trimmed, VisitError, Writer,
};
use crate::preparer::held;
use crate::recovery::{Damage, DamageKind};
use crate::storage::{StorageError, StorageErrorKind};
use crate::tail::Tail;

/// A handle to a log in memory.
#[derive(Clone)]
pub struct MemoryJournal {
    log: Arc<Mutex<Log>>,
}

/// The right to append to a [`MemoryJournal`].
pub struct MemoryWriter {
    log: Arc<Mutex<Log>>,
    epoch: Epoch,
    tail: Tail,
    failed: Option<StorageError>,
}

/// What goes wrong with one append or claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryFault {
    /// It never reaches the log, and the writer does not know.
    RequestLost,
    /// It reaches the log, but the writer does not know.
    AnswerLost,
    /// It is refused for want of space.
    Refused,
}

struct Log {
    identity: Identity,
    frames: VecDeque<StoredFrame>,
    /// The end of what has been trimmed.
    anchor: Tail,
    tail: Tail,
    faults: VecDeque<MemoryFault>,
    space: Space,
}

/// A frame and what it follows.
#[derive(Clone)]
struct StoredFrame {
    before: Tail,
    bytes: Arc<[u8]>,
}

impl MemoryJournal {
    /// An empty log.
    pub fn new(identity: Identity) -> Self {
        let log = Log {
            identity,
            frames: VecDeque::new(),
            anchor: Tail::EMPTY,
            tail: Tail::EMPTY,
            faults: VecDeque::new(),
            space: Space::Ample,
        };
        Self { log: Arc::new(Mutex::new(log)) }
    }

    /// Orders a fault for the next append or claim that has none yet.
    pub fn inject(&self, fault: MemoryFault) {
        held(&self.log).faults.push_back(fault);
    }

    /// Sets what writers are told about space.
    pub fn set_space(&self, space: Space) {
        held(&self.log).space = space;
    }

    /// The log's end.
    pub fn tail(&self) -> Tail {
        held(&self.log).tail
    }

    /// Whose log this is, and the last position in it.
    fn identity_and_end(&self) -> (Identity, Sequence) {
        let log = held(&self.log);
        (log.identity, log.tail.last_sequence())
    }

    /// Every frame's bytes, in order.
    pub fn frames(&self) -> Vec<Vec<u8>> {
        held(&self.log).frames.iter().map(|frame| frame.bytes.to_vec()).collect()
    }
}

impl Log {
    /// Takes a frame that follows the tail, unless a fault stands in the way.
    fn take(&mut self, frame: &SealedFrame) -> Append {
        let unknown = || {
            Append::Unknown(StorageError {
                operation: "append to",
                place: "the log in memory".to_owned(),
                kind: StorageErrorKind::Device("no answer".to_owned()),
            })
        };
        let fault = self.faults.pop_front();
        match fault {
            Some(MemoryFault::RequestLost) => return unknown(),
            Some(MemoryFault::Refused) => {
                return Append::Refused(Refusal::NoSpace(StorageError {
                    operation: "append to",
                    place: "the log in memory".to_owned(),
                    kind: StorageErrorKind::NoSpace,
                }));
            }
            Some(MemoryFault::AnswerLost) | None => {}
        }
        self.frames.push_back(StoredFrame { before: self.tail, bytes: frame.bytes().into() });
        self.tail = frame.tail();
        if fault.is_some() { unknown() } else { Append::Durable }
    }

    /// The frame that stands at a position below the log's end.
    fn frame_at(&self, position: Sequence) -> Result<StoredFrame, ReadError> {
        if position < self.anchor.next_sequence {
            return Err(ReadError::before(&self.anchor));
        }
        let later = self.frames.partition_point(|frame| frame.before.next_sequence <= position);
        Ok(self.frames[later - 1].clone())
    }
}

impl StoredFrame {
    /// Checks that the frame follows this end, and moves on to it.
    fn follow(&self, identity: &Identity, tail: &mut Tail) -> Result<FrameView<'_>, ReadError> {
        let expected = tail.batch.next();
        let damage = |kind| ReadError::Damage(Damage { location: location(expected), expected, kind });
        let frame = FrameView::parse(&self.bytes).map_err(|fault| damage(DamageKind::Frame(fault)))?;
        tail.follow(identity, &frame).map_err(|fault| damage(DamageKind::Chain(fault)))?;
        Ok(frame)
    }
}

impl FrameSource for MemoryJournal {
    fn end(&self) -> Tail {
        self.tail()
    }

    fn read_after(&self, after: Sequence, visit: &mut VisitFrame<'_>) -> Result<(), ReadError> {
        let (identity, end) = self.identity_and_end();
        let mut last = after;
        while last < end {
            let stored = held(&self.log).frame_at(last.next())?;
            let mut tail = stored.before;
            let frame = stored.follow(&identity, &mut tail)?;
            last = frame.header().last_sequence();
            if visit(frame).is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn read_at(&self, positions: &[Sequence], visit: &mut VisitFrame<'_>) -> Result<(), ReadError> {
        assert!(positions.is_sorted(), "positions ascend");
        let (identity, end) = self.identity_and_end();
        let mut visited = None;
        for position in positions.iter().copied().take_while(|position| *position <= end) {
            if visited.is_some_and(|last| position <= last) {
                continue;
            }
            let stored = held(&self.log).frame_at(position)?;
            let mut tail = stored.before;
            let frame = stored.follow(&identity, &mut tail)?;
            visited = Some(frame.header().last_sequence());
            if visit(frame).is_break() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Where a frame of the log in memory lies.
const fn location(batch: BatchNumber) -> Location {
    Location { segment: 1, offset: batch.0 }
}

impl Journal for MemoryJournal {
    type Writer = MemoryWriter;

    fn identity(&self) -> Identity {
        held(&self.log).identity
    }

    fn read(
        &mut self,
        after: BatchNumber,
        visit: &mut dyn FnMut(&FrameView<'_>, Location) -> Result<(), VisitError>,
    ) -> Result<Tail, ReadError> {
        // A copy, so that a visitor may use the journal.
        let (identity, mut tail, frames) = {
            let log = held(&self.log);
            (log.identity, log.anchor, log.frames.clone())
        };
        if after < tail.batch {
            return Err(ReadError::before(&tail));
        }
        for stored in frames {
            let batch = tail.batch.next();
            let frame = stored.follow(&identity, &mut tail)?;
            if batch > after {
                let location = location(batch);
                visit(&frame, location).map_err(|source| ReadError::Visit { location, batch, source })?;
            }
        }
        Ok(tail)
    }

    fn claim(&mut self, tail: &Tail, epoch_start: &mut SealedFrame) -> Result<MemoryWriter, ClaimError> {
        let mut log = held(&self.log);
        assert_eq!(epoch_start.header().kind, FrameKind::EpochStart);
        assert_eq!(tail.check(&log.identity, epoch_start.header()), Ok(()), "it follows the tail");
        if log.tail.hash != tail.hash {
            return Err(ClaimError::Lost { tail: log.tail });
        }
        match log.take(epoch_start) {
            Append::Durable => Ok(MemoryWriter {
                log: Arc::clone(&self.log),
                epoch: epoch_start.header().epoch,
                tail: epoch_start.tail(),
                failed: None,
            }),
            Append::Unknown(error) => Err(ClaimError::Unknown(error)),
            Append::Refused(refusal) => Err(ClaimError::Refused(refusal)),
            Append::Fenced { .. } | Append::Conflict { .. } => {
                unreachable!("taking a frame that follows never ends so")
            }
        }
    }

    fn trim(&mut self, upto: BatchNumber) -> Result<Trimmed, TrimError> {
        let mut log = held(&self.log);
        if upto > log.tail.batch {
            return Err(TrimError::Beyond { last: log.tail.batch });
        }
        while log.anchor.batch < upto {
            log.frames.pop_front().expect("every frame up to the tail is there");
            let end = log.frames.front().map_or(log.tail, |next| next.before);
            log.anchor = Tail { kind: None, ..end };
        }
        Ok(Trimmed { last: log.anchor.batch })
    }

    fn frame_source(&self) -> Arc<dyn FrameSource> {
        Arc::new(self.clone())
    }
}

impl Writer for MemoryWriter {
    fn append(&mut self, frame: &mut SealedFrame) -> Append {
        assert_ne!(frame.header().kind, FrameKind::EpochStart, "an epoch starts with a claim");
        let mut log = held(&self.log);
        if log.tail.epoch != self.epoch {
            return Append::Fenced { epoch: log.tail.epoch };
        }
        if let Some(error) = &self.failed {
            return Append::Unknown(error.clone());
        }
        if frame.hash() == self.tail.hash {
            return Append::Durable;
        }
        if self.tail.check(&log.identity, frame.header()).is_err() {
            return Append::Conflict { tail: self.tail };
        }
        let append = log.take(frame);
        match &append {
            Append::Durable => self.tail = frame.tail(),
            Append::Unknown(error) => self.failed = Some(error.clone()),
            Append::Fenced { .. } | Append::Conflict { .. } | Append::Refused(_) => {}
        }
        append
    }

    fn tail(&self) -> &Tail {
        &self.tail
    }

    fn space(&self) -> Space {
        held(&self.log).space
    }
}

impl fmt::Debug for MemoryJournal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryJournal").field("tail", &self.tail()).finish_non_exhaustive()
    }
}

impl fmt::Debug for MemoryWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryWriter").field("tail", &self.tail).finish_non_exhaustive()
    }
}
