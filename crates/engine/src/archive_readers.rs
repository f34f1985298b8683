//! Who reads the archive beside the engine, and how far each has come: a segment that one of them has still to read is not
//! removed, however old it is.

use std::fmt;
use std::sync::OnceLock;

use types::Sequence;

/// Says up to which position a reader needs the log no more, whatever happens to the machine.
pub type TakenIn = Box<dyn Fn() -> Sequence + Send + Sync>;

/// All of them, once they are known.
#[derive(Default)]
pub(crate) struct ArchiveReaders(OnceLock<Vec<TakenIn>>);

impl ArchiveReaders {
    /// Names them, once and for all.
    pub(crate) fn name(&self, readers: Vec<TakenIn>) {
        assert!(self.0.set(readers).is_ok(), "who reads the archive is said once");
    }

    /// Up to here all of them have come; `None` as long as nobody has said who they are.
    pub(crate) fn have_taken_in(&self) -> Option<Sequence> {
        let readers = self.0.get()?;
        Some(readers.iter().map(|taken_in| taken_in()).min().unwrap_or(Sequence(u64::MAX)))
    }
}

impl fmt::Debug for ArchiveReaders {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("ArchiveReaders").field(&self.have_taken_in()).finish()
    }
}
