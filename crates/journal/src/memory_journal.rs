//! A shared log in memory: what a replicated log looks like to its writers, without the network.
//!
//! Clones are handles of several nodes to the same log. Invariant: a claim fences every earlier writer at the
//! same instant, so at most one of them can append.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use types::{BatchNumber, Epoch};

use crate::builder::SealedFrame;
use crate::frame::FrameView;
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
    frames: VecDeque<Vec<u8>>,
    /// The end of what has been trimmed.
    anchor: Tail,
    tail: Tail,
    faults: VecDeque<MemoryFault>,
    space: Space,
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

    /// Every frame's bytes, in order.
    pub fn frames(&self) -> Vec<Vec<u8>> {
        held(&self.log).frames.iter().cloned().collect()
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
        self.frames.push_back(frame.bytes().to_vec());
        self.tail = frame.tail();
        if fault.is_some() { unknown() } else { Append::Durable }
    }
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
            return Err(ReadError::Trimmed { first: tail.batch.next() });
        }
        for bytes in frames {
            let expected = tail.batch.next();
            let location = Location { segment: 1, offset: expected.0 };
            let damage = |kind| ReadError::Damage(Damage { location, expected, kind });
            let frame = FrameView::parse(&bytes).map_err(|fault| damage(DamageKind::Frame(fault)))?;
            tail.follow(&identity, &frame).map_err(|fault| damage(DamageKind::Chain(fault)))?;
            if tail.batch > after {
                visit(&frame, location).map_err(|source| ReadError::Visit {
                    location,
                    batch: expected,
                    source,
                })?;
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
            let bytes = log.frames.pop_front().expect("every frame up to the tail is there");
            let frame = FrameView::parse(&bytes).expect("the log holds frames only");
            log.anchor = Tail { kind: None, ..Tail::after(frame.header(), frame.hash()) };
        }
        Ok(Trimmed { last: log.anchor.batch })
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
