//! What the journal asks of a folder and its files. Only implementations of this trait touch a disk.
//!
//! Invariants that every implementation keeps, and that the journal relies on:
//! - `write_durable_at` and `sync` return `Ok` only when the bytes are on stable storage.
//! - A file's name (after create, rename, remove) is durable only after `sync_directory`.
//! - After an error of a write or sync nothing is known about those bytes; nobody tries again.

use std::fmt;

use crate::limits::BLOCK_SIZE;

/// A folder. Clones are handles to the same folder, for the threads that need one. Names do not lead out of it.
pub trait Storage: Clone + Send + Sync + fmt::Debug + 'static {
    /// An open file.
    type File: StorageFile;
    /// Holds the folder for one process until dropped.
    type Lock: Send + Sync + fmt::Debug;

    /// How messages name the folder.
    fn place(&self) -> String;

    /// Takes the folder for this process alone.
    ///
    /// # Errors
    /// [`StorageErrorKind::Locked`] if another process has it.
    fn lock(&self) -> Result<Self::Lock, StorageError>;

    /// The names of all files and folders in it, sorted.
    ///
    /// # Errors
    /// If the folder can't be read.
    fn list(&self) -> Result<Vec<String>, StorageError>;

    /// Makes a new, empty file. Its name is durable after [`Storage::sync_directory`].
    ///
    /// # Errors
    /// If the name is taken or the folder can't be written.
    fn create(&self, name: &str) -> Result<Self::File, StorageError>;

    /// Opens a file that exists.
    ///
    /// # Errors
    /// [`StorageErrorKind::NotFound`], or whatever else stands in the way.
    fn open(&self, name: &str, access: Access) -> Result<Self::File, StorageError>;

    /// Gives a file another name, in the place of any file of that name.
    ///
    /// # Errors
    /// If the folder can't be written.
    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError>;

    /// Removes a file.
    ///
    /// # Errors
    /// If the folder can't be written.
    fn remove(&self, name: &str) -> Result<(), StorageError>;

    /// Makes all names durable.
    ///
    /// # Errors
    /// If the device fails; then nothing is known about names changed since the last call.
    fn sync_directory(&self) -> Result<(), StorageError>;

    /// A folder in this folder.
    ///
    /// # Errors
    /// [`StorageErrorKind::NotFound`], or whatever else stands in the way.
    fn folder(&self, name: &str) -> Result<Self, StorageError>;

    /// The same, made if it does not exist. Its name is durable on return.
    ///
    /// # Errors
    /// If it can't be made.
    fn create_folder(&self, name: &str) -> Result<Self, StorageError>;

    /// Moves a file into another folder of the same file system, under the same name. It is in one of the two at any
    /// time, and where it is meant to be for good once that folder has been synced, and then this one.
    ///
    /// # Errors
    /// If one of the folders can't be written.
    fn move_to(&self, name: &str, folder: &Self) -> Result<(), StorageError>;
}

/// An open file. Offsets, lengths and addresses are multiples of [`BLOCK_SIZE`].
pub trait StorageFile: Send + Sync + fmt::Debug {
    /// The file's length in bytes.
    ///
    /// # Errors
    /// If the file can't be asked.
    fn length(&self) -> Result<u64, StorageError>;

    /// Fills `bytes` from this place.
    ///
    /// # Errors
    /// If the device fails or the file ends before.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<(), StorageError>;

    /// Writes; durable after [`StorageFile::sync`].
    ///
    /// # Errors
    /// [`StorageErrorKind::NoSpace`], or a failure of the device.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), StorageError>;

    /// Writes; durable on return.
    ///
    /// # Errors
    /// Any error leaves open which of the bytes are there.
    fn write_durable_at(&self, offset: u64, bytes: &[u8]) -> Result<(), StorageError>;

    /// Makes everything written to the file durable, by whomever.
    ///
    /// # Errors
    /// Any error leaves open what is there.
    fn sync(&self) -> Result<(), StorageError>;
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading only: works in a folder that can't be written.
    Read,
    /// Reading and writing.
    Write,
}

/// A failure of the folder, with the place and the system's own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation} {place}: {kind}")]
pub struct StorageError {
    /// What was being done, as a verb.
    pub operation: &'static str,
    /// The file or folder, and the offset where there is one.
    pub place: String,
    /// What went wrong.
    pub kind: StorageErrorKind,
}

/// What went wrong, split by what the caller does next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageErrorKind {
    /// There is no such file.
    #[error("it does not exist")]
    NotFound,
    /// The name is taken.
    #[error("it exists already")]
    Exists,
    /// Another process holds the folder.
    #[error("another process holds it")]
    Locked,
    /// The disk or the quota is full.
    #[error("the disk is full: free space or add some")]
    NoSpace,
    /// The folder or file can't be written by this user.
    #[error("it can't be written: check the owner, the permissions and how the file system is mounted")]
    ReadOnly,
    /// The file ends before the bytes asked for.
    #[error("it ends early")]
    EndOfFile,
    /// Fewer bytes were written than asked for.
    #[error("only part of the bytes were written")]
    Partial,
    /// Anything else the system said.
    #[error("{0}")]
    Device(String),
}

impl StorageErrorKind {
    /// Whether there was no room. At the edge of a full disk a write is cut short before one is refused.
    pub const fn is_no_room(&self) -> bool {
        matches!(self, Self::NoSpace | Self::Partial)
    }
}

/// Asserts the contract of reads and writes: everything is in whole blocks.
pub(crate) fn assert_blocks(offset: u64, bytes: &[u8]) {
    assert!(offset.is_multiple_of(crate::limits::stored(BLOCK_SIZE)), "offsets are whole blocks");
    assert!(bytes.len().is_multiple_of(BLOCK_SIZE), "lengths are whole blocks");
    assert!(bytes.as_ptr().addr().is_multiple_of(BLOCK_SIZE), "memory is aligned to blocks");
}
