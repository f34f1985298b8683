//! What recovery does at the first place of a segment that does not hold the next frame: one table.
//!
//! Invariant: exactly one row of [`TABLE`] matches every [`Observation`].

use types::BatchNumber;

use crate::header::FrameFault;
use crate::journal::Location;
use crate::segment::SegmentFault;
use crate::tail::ChainFault;

/// What stands at the place where the next frame would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// No whole envelope: zeros, or bytes that do not verify.
    Unreadable,
    /// A whole envelope that was written for another place or another segment.
    Misplaced,
    /// A whole envelope of this place whose frame, padding or chain is wrong.
    Contradicting,
}

/// What is not zero from that place to the segment's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Nothing.
    Nothing,
    /// Bytes within the extent of one write in flight.
    OneEnvelope,
    /// Bytes beyond that extent.
    Beyond,
}

/// Whether a whole envelope of this segment stands somewhere after that place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// No.
    Nothing,
    /// Yes.
    Envelope,
}

/// The first whole frame in the segments that MANIFEST names after this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Later {
    /// There is none.
    Nothing,
    /// It starts a new epoch exactly here: a later start judged this place to be the log's end.
    EpochStart,
    /// It is another frame that follows exactly here.
    Follows,
    /// It follows another frame than the last good one: a frame that stood here was durable.
    Elsewhere,
}

/// All that a decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// What stands at the place.
    pub place: Place,
    /// What is not zero from there on.
    pub written: Written,
    /// Whether a whole envelope follows in the segment.
    pub after: After,
    /// What the later segments say.
    pub later: Later,
}

/// What recovery does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The segment ends here; go on with the next one, or the log ends.
    End,
    /// The segment ends in a frame that was never acknowledged. It stays as it lies; go on as with `End`.
    EndTorn,
    /// Stop the node.
    Stop(StopReason),
}

/// Why recovery stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The log goes on after frames that are not there.
    FramesMissing,
    /// A frame can't be read, and what follows shows that it was durable.
    FrameUnreadable,
    /// More is unreadable than one write in flight can explain.
    WideDamage,
    /// A frame of another place or segment stands here.
    Misplaced,
    /// A frame that verifies does not belong here.
    Contradicting,
}

/// One row: it matches an observation if each part is among those listed.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// How FORMAT.md and the tests name the row.
    pub name: &'static str,
    /// What may stand at the place.
    pub place: &'static [Place],
    /// What may be written from there on.
    pub written: &'static [Written],
    /// What may follow in the segment.
    pub after: &'static [After],
    /// What later segments may say.
    pub later: &'static [Later],
    /// What is done.
    pub decision: Decision,
}

const WRITTEN_ANY: &[Written] = &[Written::Nothing, Written::OneEnvelope, Written::Beyond];
const AFTER_ANY: &[After] = &[After::Nothing, After::Envelope];
const LATER_ANY: &[Later] = &[Later::Nothing, Later::EpochStart, Later::Follows, Later::Elsewhere];

/// The recovery table. FORMAT.md prints it, row by row.
pub const TABLE: [Row; 10] = [
    Row {
        name: "clean end",
        place: &[Place::Unreadable],
        written: &[Written::Nothing],
        after: &[After::Nothing],
        later: &[Later::Nothing],
        decision: Decision::End,
    },
    Row {
        name: "next segment",
        place: &[Place::Unreadable],
        written: &[Written::Nothing],
        after: &[After::Nothing],
        later: &[Later::EpochStart, Later::Follows],
        decision: Decision::End,
    },
    Row {
        name: "frames missing",
        place: &[Place::Unreadable],
        written: &[Written::Nothing],
        after: &[After::Nothing],
        later: &[Later::Elsewhere],
        decision: Decision::Stop(StopReason::FramesMissing),
    },
    Row {
        name: "torn last frame",
        place: &[Place::Unreadable],
        written: &[Written::OneEnvelope],
        after: &[After::Nothing],
        later: &[Later::Nothing],
        decision: Decision::EndTorn,
    },
    Row {
        name: "torn frame left by an earlier start",
        place: &[Place::Unreadable],
        written: &[Written::OneEnvelope],
        after: &[After::Nothing],
        later: &[Later::EpochStart],
        decision: Decision::EndTorn,
    },
    Row {
        name: "unreadable before a later segment",
        place: &[Place::Unreadable],
        written: &[Written::OneEnvelope],
        after: &[After::Nothing],
        later: &[Later::Follows, Later::Elsewhere],
        decision: Decision::Stop(StopReason::FrameUnreadable),
    },
    Row {
        name: "unreadable before a later frame",
        place: &[Place::Unreadable],
        written: &[Written::Nothing, Written::OneEnvelope, Written::Beyond],
        after: &[After::Envelope],
        later: LATER_ANY,
        decision: Decision::Stop(StopReason::FrameUnreadable),
    },
    Row {
        name: "more than one write",
        place: &[Place::Unreadable],
        written: &[Written::Beyond],
        after: &[After::Nothing],
        later: LATER_ANY,
        decision: Decision::Stop(StopReason::WideDamage),
    },
    Row {
        name: "misplaced frame",
        place: &[Place::Misplaced],
        written: WRITTEN_ANY,
        after: AFTER_ANY,
        later: LATER_ANY,
        decision: Decision::Stop(StopReason::Misplaced),
    },
    Row {
        name: "contradicting frame",
        place: &[Place::Contradicting],
        written: WRITTEN_ANY,
        after: AFTER_ANY,
        later: LATER_ANY,
        decision: Decision::Stop(StopReason::Contradicting),
    },
];

impl Row {
    /// Whether the row is about this observation.
    pub fn matches(&self, observation: &Observation) -> bool {
        self.place.contains(&observation.place)
            && self.written.contains(&observation.written)
            && self.after.contains(&observation.after)
            && self.later.contains(&observation.later)
    }
}

/// Looks the decision up.
pub fn decide(observation: &Observation) -> &'static Row {
    TABLE
        .iter()
        .find(|row| row.matches(observation))
        .expect("the table covers every observation, as a test over all of them shows")
}

/// Damage that stops the node: where it is, what it is and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the log can't be read on at {location}, where batch {expected} is expected: {kind}. Every frame before that \
     is good, and nothing was changed. {}",
    kind.advice()
)]
pub struct Damage {
    /// The first place that is wrong.
    pub location: Location,
    /// The frame that is expected there.
    pub expected: BatchNumber,
    /// What is wrong with it.
    pub kind: DamageKind,
}

/// What is wrong with a place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DamageKind {
    /// The log goes on after frames that are not there.
    #[error(
        "nothing is written there, but the log goes on with batch {found} at {later}: frames are missing"
    )]
    FramesMissing {
        /// Where the log goes on.
        later: Location,
        /// The frame that stands there.
        found: BatchNumber,
    },
    /// A frame can't be read, and what follows shows that it was durable.
    #[error("its bytes do not verify, and batch {found} at {later} shows that it was durable")]
    FrameUnreadable {
        /// Where the log goes on.
        later: Location,
        /// The frame that stands there.
        found: BatchNumber,
    },
    /// More is unreadable than one write in flight can explain.
    #[error("more bytes than one unfinished write can explain do not verify, up to offset {end}")]
    WideDamage {
        /// Where the last byte that is not zero lies.
        end: u64,
    },
    /// A frame that this process has written or read there is not what stands there now.
    #[error("the frame that is known to be durable there does not verify any more")]
    Changed,
    /// A frame of another place or segment stands here.
    #[error("a frame written for segment {segment}, offset {offset} (segment tag {tag:016x}) stands there")]
    Misplaced {
        /// The segment it was written for.
        segment: u64,
        /// The offset it was written for.
        offset: u64,
        /// The tag of the segment it was written for.
        tag: u64,
    },
    /// The checksum is right but the frame is none.
    #[error("its checksum is right, but {0}")]
    Frame(#[from] FrameFault),
    /// The frame is whole but belongs elsewhere.
    #[error("the frame is whole, but {0}")]
    Chain(#[from] ChainFault),
    /// Something stands in the padding after a whole frame.
    #[error("the frame is whole, but the padding after it is not zero")]
    Padding,
    /// A segment that MANIFEST names is not there.
    #[error("the file {name}, which MANIFEST names, is missing")]
    SegmentMissing {
        /// The file's name.
        name: String,
    },
    /// A segment's first block does not verify or says something else than it must.
    #[error("the first block of {name} is wrong: {fault}")]
    SegmentHeader {
        /// The file's name.
        name: String,
        /// What is wrong with it.
        fault: SegmentFault,
    },
    /// The log ends before the frame at which the snapshot stands.
    #[error(
        "the log ends there, before batch {batch}, at which the newest snapshot stands: frames are missing"
    )]
    EndsBeforeSnapshot {
        /// The frame at which the snapshot stands.
        batch: BatchNumber,
    },
    /// The frame at which the snapshot stands is another one.
    #[error("the log and the snapshot that stands at batch {batch} are not of one life: that frame differs")]
    OtherThanSnapshot {
        /// The frame at which the snapshot stands.
        batch: BatchNumber,
    },
    /// A segment that MANIFEST does not name holds frames.
    #[error("{name} holds frames, but MANIFEST does not name it: one of its two slots is unreadable")]
    SegmentUnnamed {
        /// The file's name.
        name: String,
    },
}

impl DamageKind {
    /// What the operator should do.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Frame(FrameFault::NewerFormat { .. })
            | Self::SegmentHeader { fault: SegmentFault::NewerFormat { .. }, .. } => {
                "Start the newer binary that wrote it"
            }
            Self::SegmentMissing { .. } => {
                "Put the file back if it was moved; otherwise restore the folder from a backup or a replica"
            }
            Self::FramesMissing { .. }
            | Self::FrameUnreadable { .. }
            | Self::WideDamage { .. }
            | Self::Changed
            | Self::Misplaced { .. }
            | Self::Frame(_)
            | Self::Chain(_)
            | Self::Padding
            | Self::EndsBeforeSnapshot { .. }
            | Self::OtherThanSnapshot { .. }
            | Self::SegmentHeader { .. }
            | Self::SegmentUnnamed { .. } => {
                "Copy the folder as it is, then restore it from a backup or a replica"
            }
        }
    }
}

#[cfg(test)]
#[path = "recovery_tests.rs"]
mod tests;
