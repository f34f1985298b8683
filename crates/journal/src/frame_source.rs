//! Reading durable frames by position while a node writes: for whoever comes back and asks what has happened since,
//! and for whoever needs the text of one command.
//!
//! Invariants of every implementation:
//! - Only durable frames are visited: those that the log held when the call began, in order, none twice.
//! - An append never waits for a reader longer than it takes to copy a few numbers, and no lock is held while a
//!   visitor runs.
//! - Each frame that is visited has been checked as recovery checks it: its place, checksum and structure, that
//!   it continues what was read before it, and if it is the log's last, its hash.

use std::ops::ControlFlow;

use types::Sequence;

use crate::frame::FrameView;
use crate::journal::ReadError;
use crate::tail::Tail;

/// What a read by position calls with each frame; it says whether to go on.
pub type VisitFrame<'v> = dyn FnMut(FrameView<'_>) -> ControlFlow<()> + 'v;

/// A log that can be read by position, by many threads at once.
///
/// A frame stands at the positions of its tick and its records, [`FrameHeader::first_sequence`] up to but not
/// including [`FrameHeader::next_sequence`]. It is visited whole: a visitor passes over those of its records
/// that it did not ask for.
///
/// [`FrameHeader::first_sequence`]: crate::FrameHeader::first_sequence
/// [`FrameHeader::next_sequence`]: crate::FrameHeader::next_sequence
pub trait FrameSource: Send + Sync {
    /// The end of the last durable frame; that of an empty log before [`crate::Journal::read`] has found it.
    fn end(&self) -> Tail;

    /// Visits every frame that has a position after this one, up to the last that was durable when the call
    /// began. At the log's end, and before [`crate::Journal::read`] has found it, nothing is visited.
    ///
    /// # Errors
    /// [`ReadError::Trimmed`] if positions after this one are gone, also when they go while this reads;
    /// [`ReadError::Damage`] or [`ReadError::Storage`] if the log can't be read on. The frames visited before
    /// the error are good.
    fn read_after(&self, after: Sequence, visit: &mut VisitFrame<'_>) -> Result<(), ReadError>;

    /// Visits each frame that stands at one of these positions, once, in order. Positions after the log's
    /// end, as it was when the call began, are passed over.
    ///
    /// # Errors
    /// As for [`FrameSource::read_after`]; `Trimmed` if one of the positions is gone.
    ///
    /// # Panics
    /// If the positions do not ascend.
    fn read_at(&self, positions: &[Sequence], visit: &mut VisitFrame<'_>) -> Result<(), ReadError>;
}
