//! What can go wrong with a [`crate::MemoryStorage`], and what becomes of what was not durable.

use crate::storage::StorageErrorKind;

/// An operation that changes something, in the order they were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What was done.
    pub kind: OperationKind,
    /// The file, with the folder in the folder if it is in one; the new name of a rename or move; for the sync of a
    /// folder its name, empty for the outermost.
    pub name: String,
    /// The first byte written.
    pub offset: u64,
    /// How many bytes were written.
    pub length: u64,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// Makes a file.
    Create,
    /// Renames a file, or moves it to another folder.
    Rename,
    /// Removes a file.
    Remove,
    /// Writes without waiting.
    Write,
    /// Writes and waits until it is durable.
    WriteDurable,
    /// Makes a file's bytes durable.
    Sync,
    /// Makes the folder's names durable.
    SyncDirectory,
}

/// What goes wrong with an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The machine stops while the operation is under way; it and all later ones fail.
    PowerLoss,
    /// The operation fails. Bytes of a failed write may or may not survive.
    Error(StorageErrorKind),
    /// The write is answered as done, but nothing is written.
    LostWrite,
    /// The write is answered as done, but lands at this offset of the same file.
    MisdirectedWrite {
        /// Where it lands.
        offset: u64,
    },
}

/// Something that was not durable when the machine stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsynced {
    /// One block of a write.
    Block {
        /// The file, as it was named when it was made.
        name: String,
        /// Where the block lies.
        offset: u64,
    },
    /// A name that was made, changed or removed.
    Name {
        /// The file; the new name of a rename.
        name: String,
    },
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It had reached the device.
    Keep,
    /// It had not.
    Lose,
    /// Of a block, those sectors whose bit is set had. A name is kept if any bit is.
    Tear(u8),
}

/// A small generator of choices: the same seed gives the same choices (splitmix64, Steele et al. 2014).
#[derive(Clone, Debug)]
pub struct SeededChoices(u64);

impl SeededChoices {
    /// Choices of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// One of the fates, each as likely.
    pub const fn fate(&mut self) -> Fate {
        let [kind, sectors, ..] = self.bits().to_le_bytes();
        match kind % 3 {
            0 => Fate::Keep,
            1 => Fate::Lose,
            _ => Fate::Tear(sectors),
        }
    }
}

impl OperationKind {
    /// The operation as a verb.
    pub(crate) const fn verb(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::Write | Self::WriteDurable => "write",
            Self::Sync | Self::SyncDirectory => "sync",
        }
    }
}
