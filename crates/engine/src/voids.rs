//! Commands that replays pass over, and how one comes to be passed over.
//!
//! A command whose replay kills the process would keep a node from ever starting again. The operator may void it, if no
//! outcome of it was ever logged: what was told stands.
//!
//! Invariants:
//! - A void is durable before a replay relies on it, and before the node that starts with it serves.
//! - The list beside the log and the records in it agree: a replay that finds otherwise stops.
//! - The list says nothing of what lies beyond the log's end: who cuts a log cuts the list.
//! - Only a command on which a replay has just failed is voided.

use std::cmp::Ordering;

use journal::{
    FileStorage, FrameHash, FrameHeader, FrameView, Journal, LocalJournal, ReadError, Settings, Storage,
    Tail, VoidEntry, VoidsError,
};
use ledger::{Kind, Limits, OutcomeEntry, OutcomeError, Void, layout};
use types::{BatchNumber, Epoch, Sequence};

use crate::recovery::{RecoveryProgress, recover};
use crate::replay::Divergence;
use crate::start::{Config, StartError, tag};

/// The list of voided commands, as a replay needs it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Voids {
    /// In the order of their positions.
    listed: Vec<VoidEntry>,
    /// Those that this replay has passed over and whose record it has not met yet, each with the epoch of its frame.
    pending: Vec<(Sequence, Epoch)>,
}

impl Voids {
    pub(crate) const fn new(listed: Vec<VoidEntry>) -> Self {
        Self { listed, pending: Vec::new() }
    }

    /// Compares the list with a frame that is about to be replayed.
    pub(crate) fn check(&self, frame: &FrameView<'_>) -> Result<(), Divergence> {
        let of_frame = self.listed.iter().filter(|void| void.batch == frame.header().batch);
        for void in of_frame {
            if void.frame_hash != frame.hash() || !holds_record(frame.header(), void.sequence) {
                return Err(Divergence::Void { sequence: void.sequence });
            }
        }
        Ok(())
    }

    /// Whether the command at this position of a frame is passed over. The frame's hash has been compared: at the same
    /// position another life of the log may have another command.
    pub(crate) fn passes_over(&mut self, header: &FrameHeader, at: Sequence) -> bool {
        let is_it = |void: &&VoidEntry| void.sequence == at && void.batch == header.batch;
        let Some(void) = self.listed.iter().find(is_it) else { return false };
        if void.logged_at.0 == 0 || void.logged_at > at {
            self.pending.push((at, header.epoch));
        }
        true
    }

    /// Takes in a record of the log that says that a command is voided.
    pub(crate) fn logged(&mut self, at: Sequence, record: &layout::Void) -> Result<(), Divergence> {
        let void = record.void();
        let listed = self.listed.iter_mut().find(|listed| listed.sequence == void.sequence);
        let disagrees = Divergence::Void { sequence: void.sequence };
        let Some(listed) = listed.filter(|listed| to_record(listed) == void) else { return Err(disagrees) };
        if listed.logged_at.0 != 0 && listed.logged_at != at {
            return Err(disagrees);
        }
        listed.logged_at = at;
        self.pending.retain(|(sequence, _)| *sequence != void.sequence);
        Ok(())
    }

    /// Checks a frame that has been replayed: a node that starts with a void logs it before any other command.
    pub(crate) fn frame_ended(&self, header: &FrameHeader) -> Result<(), Divergence> {
        if self.pending.is_empty() || header.record_count == 0 {
            return Ok(());
        }
        let unlogged = self.pending.iter().find(|(_, epoch)| *epoch < header.epoch);
        unlogged.map_or(Ok(()), |(sequence, _)| Err(Divergence::Void { sequence: *sequence }))
    }

    /// What the log has still to be told.
    pub(crate) fn unlogged(&self) -> Vec<Void> {
        self.listed.iter().filter(|void| void.logged_at.0 == 0).map(to_record).collect()
    }

    /// A command that is listed, or whose record is, beyond the end of the log.
    pub(crate) fn beyond(&self, end: &Tail) -> Option<Sequence> {
        self.listed.iter().find(|void| at_end(void, end) != Some(**void)).map(|void| void.sequence)
    }

    /// The list, with the positions of those records that the replay has met.
    pub(crate) fn listed(&self) -> &[VoidEntry] {
        &self.listed
    }
}

/// What a list of voided commands says of a log that ends here: nothing of frames that are not there, and of a record
/// that is not there only that the log has still to be told.
pub fn voids_at(listed: &[VoidEntry], end: &Tail) -> Vec<VoidEntry> {
    listed.iter().filter_map(|void| at_end(void, end)).collect()
}

fn at_end(void: &VoidEntry, end: &Tail) -> Option<VoidEntry> {
    let is_logged = void.logged_at <= end.last_sequence();
    let logged_at = if is_logged { void.logged_at } else { Sequence(0) };
    (void.batch <= end.batch).then_some(VoidEntry { logged_at, ..*void })
}

fn to_record(void: &VoidEntry) -> Void {
    Void { sequence: void.sequence, batch: void.batch, kind: void.kind, frame_hash: void.frame_hash.0 }
}

fn holds_record(header: &FrameHeader, sequence: Sequence) -> bool {
    header.first_sequence < sequence && sequence < header.next_sequence()
}

/// Why a command was not voided.
#[derive(Debug, thiserror::Error)]
pub enum VoidError {
    /// The log can't be opened or read.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The list of voided commands can't be had or changed.
    #[error(transparent)]
    List(#[from] VoidsError),
    /// There is no such command.
    #[error("sequence {sequence} is not voided: the log ends at {last}")]
    NotThere {
        /// What was asked for.
        sequence: Sequence,
        /// The log's last position.
        last: Sequence,
    },
    /// The command does no harm.
    #[error(
        "sequence {0} is not voided: it replays without a fault, and only what kills a start may be voided"
    )]
    Harmless(Sequence),
    /// Another command comes first.
    #[error(
        "sequence {asked} is not voided: the start dies before it, at sequence {found}; look at that one first"
    )]
    AnotherBefore {
        /// What was asked for.
        asked: Sequence,
        /// Where the replay fails.
        found: Sequence,
    },
    /// It is no command.
    #[error(
        "sequence {0} is not voided: it is a frame's own tick or the log's genesis, and no command to pass over"
    )]
    NoCommand(Sequence),
    /// Somebody may have been told what came of it.
    #[error(
        "sequence {sequence} is not voided: batch {batch} tells an outcome of it, and what was told stands; replay \
         the log with the program that decided it"
    )]
    Told {
        /// The command.
        sequence: Sequence,
        /// The frame that tells of it.
        batch: BatchNumber,
    },
    /// A frame after it can't be read.
    #[error("whether an outcome of sequence {sequence} was told can't be read: {source}")]
    Unreadable {
        /// The command.
        sequence: Sequence,
        /// What is wrong.
        source: OutcomeError,
    },
}

/// Voids a command on which every start dies: from now on all replays pass it over. To be done before a start, on a
/// folder that no node uses. Says what was voided; nothing if it had been before.
///
/// # Errors
/// See [`VoidError`]. Nothing is changed then, except that after an error of the storage the void may be there.
pub fn void(config: &Config, sequence: Sequence) -> Result<Option<VoidEntry>, VoidError> {
    let settings = Settings { segment_size: config.segment_size, entropy: Box::new(tag) };
    let storage = FileStorage::open(&config.folder).map_err(StartError::from)?;
    let mut journal = LocalJournal::open(storage, None, settings).map_err(StartError::from)?;
    let mut voids = journal.voids()?;
    if voids.iter().any(|void| void.sequence == sequence) {
        return Ok(None);
    }
    let void = find(&mut journal, config.limits, sequence)?;
    voids.push(void);
    voids.sort_by_key(|void| void.sequence);
    journal.store_voids(&voids)?;
    Ok(Some(void))
}

/// Replays the log as a start does, until it fails, and finds out whether what it failed on may be voided.
fn find<S: Storage>(
    journal: &mut LocalJournal<S>,
    limits: Limits,
    asked: Sequence,
) -> Result<VoidEntry, VoidError> {
    let (batch, found, kind) = match recover(journal, limits, &RecoveryProgress::default()) {
        Ok(recovered) => {
            let last = recovered.tail.last_sequence();
            return Err(if asked > last {
                VoidError::NotThere { sequence: asked, last }
            } else {
                VoidError::Harmless(asked)
            });
        }
        Err(error) => {
            let StartError::Poison { batch, sequence, kind } = error else { return Err(error.into()) };
            (batch, sequence, kind)
        }
    };
    match asked.cmp(&found) {
        Ordering::Less => return Err(VoidError::Harmless(asked)),
        Ordering::Greater => return Err(VoidError::AnotherBefore { asked, found }),
        Ordering::Equal => {}
    }
    let kind = kind.filter(|kind| *kind != Kind::Genesis).ok_or(VoidError::NoCommand(asked))?;
    let frame_hash = check_untold(journal, batch, asked)?;
    Ok(VoidEntry { sequence: asked, batch, frame_hash, kind: kind.number(), logged_at: Sequence(0) })
}

/// The frame, the position and the kind of command where a replay died, if it did; a tick has no kind.
pub(crate) fn poison_of(error: &ReadError) -> Option<(BatchNumber, Sequence, Option<Kind>)> {
    let ReadError::Visit { source, batch, .. } = error else { return None };
    let Some(Divergence::Poison { sequence, kind }) = source.downcast_ref() else { return None };
    Some((*batch, *sequence, *kind))
}

/// No frame from this one on tells an outcome of a command, or one that it decided. Gives the hash of the first.
fn check_untold<S: Storage>(
    journal: &mut LocalJournal<S>,
    from: BatchNumber,
    sequence: Sequence,
) -> Result<FrameHash, VoidError> {
    let (mut told, mut frame_hash) = (Ok(()), FrameHash::NONE);
    let read = journal.read(BatchNumber(from.0 - 1), &mut |frame, _| {
        if frame.header().batch == from {
            frame_hash = frame.hash();
        }
        if told.is_ok() {
            told = tells_nothing_of(frame, sequence);
        }
        Ok(())
    });
    read.map_err(StartError::from)?;
    told.map(|()| frame_hash)
}

fn tells_nothing_of(frame: &FrameView<'_>, sequence: Sequence) -> Result<(), VoidError> {
    let entries = OutcomeEntry::read_all(frame.outcomes());
    let entries = entries.map_err(|source| VoidError::Unreadable { sequence, source })?;
    let is_of_it = |entry: &OutcomeEntry| {
        [Some(entry.sequence()), Some(entry.decided_at()), entry.repeat_of(), entry.payment()]
            .contains(&Some(sequence))
    };
    match entries.iter().any(is_of_it) {
        true => Err(VoidError::Told { sequence, batch: frame.header().batch }),
        false => Ok(()),
    }
}

#[cfg(test)]
#[path = "voids_tests.rs"]
mod tests;
