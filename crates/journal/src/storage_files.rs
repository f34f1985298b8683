//! A folder of the operating system. The only module of this crate that touches it.
//!
//! Invariants:
//! - Reads and writes go past the page cache where the file system allows it, so that what is read is what
//!   the device holds. Where it does not, what the cache holds is dropped before a file is read.
//! - No failed write or sync is tried again.

use std::ffi::CStr;
use std::io::IoSlice;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Advice, AtFlags, Dir, FlockOperation, Mode, OFlags};
use rustix::io::{Errno, ReadWriteFlags};

use crate::limits::stored;
use crate::open::LOCK_NAME;
use crate::storage::{Access, Storage, StorageError, StorageErrorKind, StorageFile, assert_blocks};

/// A folder of the operating system.
#[derive(Clone, Debug)]
pub struct FileStorage {
    folder: Arc<Folder>,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    directory: OwnedFd,
}

/// An open file of a [`FileStorage`].
#[derive(Debug)]
pub struct StoredFile {
    place: String,
    descriptor: OwnedFd,
    /// Whether one system call writes durably; found out by trying.
    durable_writes: AtomicBool,
}

/// Holds a folder for this process. The system gives it back when the process ends, however it ends.
#[derive(Debug)]
pub struct FileLock {
    _descriptor: OwnedFd,
}

impl FileStorage {
    /// Opens a folder that exists.
    ///
    /// # Errors
    /// If it does not exist or can't be read.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|errno| error("open", path.display().to_string(), errno))?;
        Ok(Self { folder: Arc::new(Folder { path: path.to_owned(), directory }) })
    }

    /// Makes a folder, durably, if it does not exist, and opens it. The folder around it must exist.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn create(path: &Path) -> Result<Self, StorageError> {
        match rustix::fs::mkdir(path, Mode::from_raw_mode(0o700)) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Self::open(path),
            Err(errno) => return Err(error("create", path.display().to_string(), errno)),
        }
        if let Some(parent) = path.parent() {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            Self::open(parent)?.sync_directory()?;
        }
        Self::open(path)
    }

    fn name_place(&self, name: &str) -> String {
        self.folder.path.join(name).display().to_string()
    }

    /// Opens past the page cache, or through it where the file system has no other way.
    fn open_file(
        &self,
        operation: &'static str,
        name: &str,
        flags: OFlags,
    ) -> Result<StoredFile, StorageError> {
        let mode = Mode::from_raw_mode(0o600);
        let directory = &self.folder.directory;
        let flags = flags | OFlags::CLOEXEC;
        let place = self.name_place(name);
        let descriptor = match rustix::fs::openat(directory, name, flags | OFlags::DIRECT, mode) {
            Err(Errno::INVAL | Errno::OPNOTSUPP) => {
                // A file system may have made the file before it refused the flag.
                let descriptor = rustix::fs::openat(directory, name, flags - OFlags::EXCL, mode)
                    .map_err(|errno| error(operation, place.clone(), errno))?;
                rustix::fs::fadvise(&descriptor, 0, None, Advice::DontNeed)
                    .map_err(|errno| error(operation, place.clone(), errno))?;
                descriptor
            }
            other => other.map_err(|errno| error(operation, place.clone(), errno))?,
        };
        Ok(StoredFile { place, descriptor, durable_writes: AtomicBool::new(true) })
    }
}

impl Storage for FileStorage {
    type File = StoredFile;
    type Lock = FileLock;

    fn place(&self) -> String {
        self.folder.path.display().to_string()
    }

    fn lock(&self) -> Result<FileLock, StorageError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o600);
        let place = self.name_place(LOCK_NAME);
        let descriptor = rustix::fs::openat(&self.folder.directory, LOCK_NAME, flags, mode)
            .map_err(|errno| error("lock", place.clone(), errno))?;
        match rustix::fs::flock(&descriptor, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(FileLock { _descriptor: descriptor }),
            Err(Errno::WOULDBLOCK) => {
                Err(StorageError { operation: "lock", place, kind: StorageErrorKind::Locked })
            }
            Err(errno) => Err(error("lock", place, errno)),
        }
    }

    fn list(&self) -> Result<Vec<String>, StorageError> {
        let wrap = |errno| error("list", self.place(), errno);
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.folder.directory).map_err(wrap)? {
            let entry = entry.map_err(wrap)?;
            let name: &CStr = entry.file_name();
            if name != c"." && name != c".." {
                names.push(name.to_string_lossy().into_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn create(&self, name: &str) -> Result<StoredFile, StorageError> {
        self.open_file("create", name, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)
    }

    fn open(&self, name: &str, access: Access) -> Result<StoredFile, StorageError> {
        let flags = match access {
            Access::Read => OFlags::RDONLY,
            Access::Write => OFlags::RDWR,
        };
        self.open_file("open", name, flags)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        let directory = &self.folder.directory;
        rustix::fs::renameat(directory, from, directory, to)
            .map_err(|errno| error("rename", self.name_place(from), errno))
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        rustix::fs::unlinkat(&self.folder.directory, name, AtFlags::empty())
            .map_err(|errno| error("remove", self.name_place(name), errno))
    }

    fn sync_directory(&self) -> Result<(), StorageError> {
        rustix::fs::fsync(&self.folder.directory).map_err(|errno| error("sync", self.place(), errno))
    }

    fn folder(&self, name: &str) -> Result<Self, StorageError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(&self.folder.directory, name, flags, Mode::empty())
            .map_err(|errno| error("open", self.name_place(name), errno))?;
        Ok(Self { folder: Arc::new(Folder { path: self.folder.path.join(name), directory }) })
    }

    fn create_folder(&self, name: &str) -> Result<Self, StorageError> {
        match rustix::fs::mkdirat(&self.folder.directory, name, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(error("create", self.name_place(name), errno)),
        }
        // Also where it was there: whoever made it may not have come to this.
        self.sync_directory()?;
        self.folder(name)
    }

    fn move_to(&self, name: &str, folder: &Self) -> Result<(), StorageError> {
        rustix::fs::renameat(&self.folder.directory, name, &folder.folder.directory, name)
            .map_err(|errno| error("move", self.name_place(name), errno))
    }
}

impl StoredFile {
    fn error(&self, operation: &'static str, offset: u64, errno: Errno) -> StorageError {
        error(operation, format!("{} at offset {offset}", self.place), errno)
    }

    fn written(&self, offset: u64, asked: usize, written: usize) -> Result<(), StorageError> {
        if asked == written {
            return Ok(());
        }
        let place = format!("{} at offset {offset}", self.place);
        Err(StorageError { operation: "write", place, kind: StorageErrorKind::Partial })
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        let written = rustix::io::pwrite(&self.descriptor, bytes, offset)
            .map_err(|errno| self.error("write", offset, errno))?;
        self.written(offset, bytes.len(), written)
    }
}

impl StorageFile for StoredFile {
    fn length(&self) -> Result<u64, StorageError> {
        let status = rustix::fs::fstat(&self.descriptor).map_err(|errno| self.error("measure", 0, errno))?;
        Ok(u64::try_from(status.st_size).unwrap_or(0))
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<(), StorageError> {
        assert_blocks(offset, bytes);
        let mut filled = 0;
        while filled < bytes.len() {
            let at = offset + stored(filled);
            let read =
                rustix::io::retry_on_intr(|| rustix::io::pread(&self.descriptor, &mut bytes[filled..], at))
                    .map_err(|errno| self.error("read", at, errno))?;
            if read == 0 {
                let place = format!("{} at offset {at}", self.place);
                return Err(StorageError { operation: "read", place, kind: StorageErrorKind::EndOfFile });
            }
            filled += read;
        }
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        assert_blocks(offset, bytes);
        self.write(offset, bytes)
    }

    fn write_durable_at(&self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        assert_blocks(offset, bytes);
        if self.durable_writes.load(Ordering::Relaxed) {
            let slices = [IoSlice::new(bytes)];
            match rustix::io::pwritev2(&self.descriptor, &slices, offset, ReadWriteFlags::DSYNC) {
                // Nothing has been written: the system does not know the flag.
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.durable_writes.store(false, Ordering::Relaxed),
                Ok(written) => return self.written(offset, bytes.len(), written),
                Err(errno) => return Err(self.error("write", offset, errno)),
            }
        }
        self.write(offset, bytes)?;
        rustix::fs::fdatasync(&self.descriptor).map_err(|errno| self.error("sync", offset, errno))
    }

    fn sync(&self) -> Result<(), StorageError> {
        rustix::fs::fsync(&self.descriptor).map_err(|errno| error("sync", self.place.clone(), errno))
    }
}

fn error(operation: &'static str, place: String, errno: Errno) -> StorageError {
    let kind = match errno {
        Errno::NOENT => StorageErrorKind::NotFound,
        Errno::EXIST => StorageErrorKind::Exists,
        Errno::NOSPC | Errno::DQUOT => StorageErrorKind::NoSpace,
        Errno::ROFS | Errno::ACCESS | Errno::PERM => StorageErrorKind::ReadOnly,
        other => StorageErrorKind::Device(other.to_string()),
    };
    StorageError { operation, place, kind }
}
