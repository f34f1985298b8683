//! Changes of keys that are asked for while the node serves: erasing days, and another master key.
//!
//! The thread that keeps keys ahead of log time carries them out, so that the file KEYS has one owner, and the core thread
//! has no part in it.
//!
//! Invariants:
//! - Nothing in the last 13 months of log time is erased.
//! - Whoever is told that a change is made can rely on it over a power failure, and every reading of the log that begins
//!   then finds it made.

use journal::{Destroyed, KeysError, MasterKey, Rewrapped, Storage, TooRecent};
use types::{Date, Timestamp};

use crate::handle::{Handle, NotTaken};
use crate::keys::Keys;

/// Orders that may wait at once: each is quick, and people give them.
pub(crate) const KEY_ORDERS_MAX: usize = 4;

/// Takes what became of an order. Called once, on the thread that keeps keys: it must not block.
pub type KeySink<Done> = Box<dyn FnOnce(Result<Done, KeysUnchanged>) + Send>;

/// A change of keys.
pub(crate) enum KeyOrder {
    /// Destroys the keys of the days before this one, or those older than ten years.
    Erase(Option<Date>, KeySink<Erased>),
    /// Wraps all keys by this master key.
    Rotate(MasterKey, KeySink<Rewrapped>),
}

/// What erasing came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    /// What was written before this day is erased.
    pub before: Date,
    /// The keys that are gone.
    pub destroyed: Destroyed,
}

/// Why keys are as they were.
#[derive(Debug, thiserror::Error)]
pub enum KeysUnchanged {
    /// The last 13 months can't be erased.
    #[error(transparent)]
    TooRecent(#[from] TooRecent),
    /// KEYS is written anew by every change.
    #[error("there is no room on the log's disk to write the keys anew; nothing was changed")]
    NoSpace,
    /// They can't be read or written.
    #[error(transparent)]
    Keys(KeysError),
}

impl KeysUnchanged {
    fn of(error: KeysError) -> Self {
        // At the edge of a full disk a write is cut short before one is refused.
        let is_full = matches!(&error, KeysError::Storage(error) if error.kind.is_no_room());
        if is_full { Self::NoSpace } else { Self::Keys(error) }
    }

    /// Whether nobody knows any more what is on the disk.
    fn is_fatal(&self) -> bool {
        matches!(self, Self::Keys(KeysError::Storage(_)))
    }
}

impl Handle {
    /// Has the keys of the days before this one destroyed: of ten years ago if none is given.
    ///
    /// A sink that is dropped without a call means that the node stopped first; whether the keys are there then is not
    /// known. The same order may be given again, and finds nothing left to do.
    ///
    /// # Errors
    /// If as many orders wait as may, or the node is about to stop.
    pub fn erase(&self, before: Option<Date>, sink: KeySink<Erased>) -> Result<(), NotTaken> {
        self.order(KeyOrder::Erase(before, sink))
    }

    /// Has all keys wrapped by another master key, from which the next start takes them. A master key that lies in the folder
    /// of the log goes. The same holds for it as for [`Self::erase`].
    ///
    /// # Errors
    /// If as many orders wait as may, or the node is about to stop.
    pub fn rotate(&self, new: MasterKey, sink: KeySink<Rewrapped>) -> Result<(), NotTaken> {
        self.order(KeyOrder::Rotate(new, sink))
    }

    fn order(&self, order: KeyOrder) -> Result<(), NotTaken> {
        let orders = self.shared.key_orders.get().ok_or(NotTaken::Stopping)?;
        orders.try_send(order).map_err(NotTaken::from)
    }
}

/// Does what was ordered, as log time stands now. What leaves it unknown which keys are on the disk is given back, to end
/// the process.
pub(crate) fn carry_out<S: Storage>(
    order: KeyOrder,
    keys: &mut Keys<S>,
    now: Timestamp,
) -> Result<(), KeysUnchanged> {
    match order {
        KeyOrder::Erase(before, sink) => tell(erase(keys, before, now), sink),
        KeyOrder::Rotate(new, sink) => tell(keys.rotate(&new).map_err(KeysUnchanged::of), sink),
    }
}

fn erase<S: Storage>(
    keys: &mut Keys<S>,
    before: Option<Date>,
    now: Timestamp,
) -> Result<Erased, KeysUnchanged> {
    let before = journal::erasable_before(before, now.date())?;
    let destroyed = keys.destroy_before(before).map_err(KeysUnchanged::of)?;
    Ok(Erased { before, destroyed })
}

fn tell<Done>(result: Result<Done, KeysUnchanged>, sink: KeySink<Done>) -> Result<(), KeysUnchanged> {
    match result {
        Err(error) if error.is_fatal() => Err(error),
        result => {
            sink(result);
            Ok(())
        }
    }
}
