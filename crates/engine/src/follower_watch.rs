//! What the follower looks after also in the middle of a step: how far behind it is, and that others get their turn.

use std::io::{self, Read, Write};
use std::sync::Arc;

use journal::{FrameReader, Storage};
use types::Sequence;

use crate::follower::{FollowerSettings, Moment, Pause};
use crate::follower_status::FollowerStatus;

/// What is looked after also in the middle of a step.
pub(crate) struct Watch<S: Storage> {
    pub(crate) reader: FrameReader<S>,
    pub(crate) settings: FollowerSettings,
    pub(crate) status: Arc<FollowerStatus>,
    /// The last position in the newest snapshot.
    pub(crate) covered: Sequence,
    pub(crate) pause: Pause,
}

impl<S: Storage> Watch<S> {
    /// Sees how much log a start would read, and says how much may be admitted.
    pub(crate) fn look(&self) -> bool {
        let bytes = self.reader.bytes_after(self.covered);
        let bytes_max = self.settings.log_bytes_since_snapshot_max;
        self.status.behind(bytes, bytes_max);
        bytes > bytes_max / 4 * 3
    }

    /// Lets others run, unless there is much to catch up with.
    pub(crate) fn breathe(&mut self, moment: Moment) {
        let is_urgent = self.look();
        (self.pause)(moment, is_urgent);
    }
}

/// A stream that lets others run after every piece.
pub(crate) struct Paced<'w, Inner, S: Storage> {
    pub(crate) inner: &'w mut Inner,
    pub(crate) watch: &'w mut Watch<S>,
}

impl<Inner: Write, S: Storage> Write for Paced<'_, Inner, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.inner.write(bytes)?;
        self.watch.breathe(Moment::Moved);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<Inner: Read, S: Storage> Read for Paced<'_, Inner, S> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(bytes)?;
        self.watch.breathe(Moment::Moved);
        Ok(length)
    }
}
