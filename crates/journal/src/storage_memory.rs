//! A folder in memory that fails on request: the twin of [`crate::FileStorage`] for tests and simulation.
//!
//! Each file has the bytes that programs see and the bytes that would survive a power loss; so has the folder
//! itself with its names. Every operation that changes something has a number, under which a fault can be
//! ordered, and is kept in a list, so that a test can stop the machine at each of them in turn.
//!
//! Invariant: what `after_power_loss` keeps is what was durable, plus whatever the caller chooses of the rest.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use crate::limits::{BLOCK_SIZE, SECTOR_SIZE, in_memory, stored};
use crate::preparer::held;
use crate::storage::{Access, Storage, StorageError, StorageErrorKind, StorageFile, assert_blocks};
use crate::storage_faults::{Fate, Fault, Operation, OperationKind, Unsynced};

/// A folder in memory.
#[derive(Clone)]
pub struct MemoryStorage {
    disk: Arc<Mutex<Disk>>,
    /// Of a folder in the folder: its name and a slash. The disk knows files by their whole names.
    prefix: String,
}

/// An open file of a [`MemoryStorage`].
#[derive(Debug)]
pub struct MemoryFile {
    storage: MemoryStorage,
    name: String,
    index: usize,
}

/// Holds a [`MemoryStorage`] for one node.
#[derive(Debug)]
pub struct MemoryLock {
    storage: MemoryStorage,
}

#[derive(Clone, Default)]
struct Disk {
    files: Vec<FileBytes>,
    names: BTreeMap<String, usize>,
    names_durable: BTreeMap<String, usize>,
    names_pending: Vec<NameChange>,
    operations: Vec<Operation>,
    faults: BTreeMap<usize, Fault>,
    space_limit: Option<u64>,
    read_only: bool,
    stopped: bool,
    locked: bool,
}

#[derive(Clone, Default)]
struct FileBytes {
    name: String,
    visible: Vec<u8>,
    durable: Vec<u8>,
    /// Blocks that the next sync makes durable.
    pending: Vec<(u64, Vec<u8>)>,
    /// Blocks whose write or sync failed: the system takes them for clean, and no later sync writes them.
    given_up: Vec<(u64, Vec<u8>)>,
}

#[derive(Clone)]
enum NameChange {
    Set { name: String, index: usize },
    Move { from: String, to: String },
    Remove { name: String },
}

impl MemoryStorage {
    /// An empty folder.
    pub fn new() -> Self {
        Self { disk: Arc::default(), prefix: String::new() }
    }

    /// Everything that was changed so far, in order.
    pub fn operations(&self) -> Vec<Operation> {
        held(&self.disk).operations.clone()
    }

    /// Orders a fault for the operation with this index, counted from 0 over the folder's life.
    pub fn inject(&self, operation: usize, fault: Fault) {
        held(&self.disk).faults.insert(operation, fault);
    }

    /// Orders a fault for the next operation.
    pub fn inject_next(&self, fault: Fault) {
        let mut disk = held(&self.disk);
        let next = disk.operations.len();
        disk.faults.insert(next, fault);
    }

    /// Limits what all files together may take, in bytes.
    pub fn limit_space(&self, bytes: Option<u64>) {
        held(&self.disk).space_limit = bytes;
    }

    /// Makes the folder refuse every change.
    pub fn set_read_only(&self, read_only: bool) {
        held(&self.disk).read_only = read_only;
    }

    /// Flips one bit of a file, on the device itself.
    ///
    /// # Panics
    /// If there is no such file or byte.
    pub fn flip_bit(&self, name: &str, offset: u64, bit: u8) {
        self.change(name, |bytes| bytes[in_memory(offset)] ^= 1 << bit);
    }

    /// Changes a file's bytes, on the device itself.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn change(&self, name: &str, change: impl Fn(&mut Vec<u8>)) {
        let mut disk = held(&self.disk);
        let index = *disk.names.get(name).expect("the file exists");
        let file = &mut disk.files[index];
        change(&mut file.visible);
        change(&mut file.durable);
    }

    /// A file's bytes as programs see them.
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let disk = held(&self.disk);
        disk.names.get(name).map(|index| disk.files[*index].visible.clone())
    }

    /// Puts a file there, durably.
    pub fn place_file(&self, name: &str, bytes: Vec<u8>) {
        let mut disk = held(&self.disk);
        let index = disk.files.len();
        disk.files.push(FileBytes {
            name: name.to_owned(),
            durable: bytes.clone(),
            visible: bytes,
            ..FileBytes::default()
        });
        disk.names.insert(name.to_owned(), index);
        disk.names_durable.insert(name.to_owned(), index);
    }

    /// Takes a file away, durably.
    pub fn take_file(&self, name: &str) {
        let mut disk = held(&self.disk);
        disk.names.remove(name);
        disk.names_durable.remove(name);
    }

    /// The folder as another process finds it after this one ended. What was written is there; of writes that
    /// failed, it finds what the device holds, since it reads past the page cache: `choose` decides.
    pub fn after_exit(&self, choose: &mut dyn FnMut(&Unsynced) -> Fate) -> Self {
        let mut disk = held(&self.disk).clone();
        for file in &mut disk.files {
            for (offset, bytes) in std::mem::take(&mut file.given_up) {
                write(&mut file.visible, offset, &vec![0; bytes.len()]);
                file.settle(offset, &bytes, choose);
                let (start, end) =
                    (in_memory(offset), file.durable.len().min(in_memory(offset) + bytes.len()));
                if let Some(held) = file.durable.get(start..end) {
                    file.visible[start..end].copy_from_slice(held);
                }
            }
        }
        disk.locked = false;
        disk.stopped = false;
        disk.faults.clear();
        Self { disk: Arc::new(Mutex::new(disk)), prefix: self.prefix.clone() }
    }

    /// The folder as it is found after a power loss. `choose` decides about everything that was not durable.
    /// This folder stays as it is, so that many outcomes can be tried.
    pub fn after_power_loss(&self, choose: &mut dyn FnMut(&Unsynced) -> Fate) -> Self {
        let mut disk = held(&self.disk).clone();
        for change in std::mem::take(&mut disk.names_pending) {
            let name = change.name().to_owned();
            match choose(&Unsynced::Name { name }) {
                Fate::Lose | Fate::Tear(0) => {}
                Fate::Keep | Fate::Tear(_) => change.apply(&mut disk.names_durable),
            }
        }
        for file in &mut disk.files {
            let unsynced = std::mem::take(&mut file.given_up);
            for (offset, bytes) in unsynced.into_iter().chain(std::mem::take(&mut file.pending)) {
                file.settle(offset, &bytes, choose);
            }
            file.visible = file.durable.clone();
        }
        disk.names = disk.names_durable.clone();
        disk.locked = false;
        disk.stopped = false;
        disk.faults.clear();
        disk.operations.clear();
        Self { disk: Arc::new(Mutex::new(disk)), prefix: self.prefix.clone() }
    }

    /// How the disk knows a file of this folder.
    fn whole_name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Whether the file of this whole name lies in this folder itself.
    fn holds(&self, name: &str) -> bool {
        name.strip_prefix(&self.prefix).is_some_and(|name| !name.contains('/'))
    }

    /// Enters an operation in the list; says what goes wrong with it, if anything.
    fn begin(&self, disk: &mut Disk, operation: Operation) -> Result<Option<Fault>, StorageError> {
        let (verb, name) = (operation.kind.verb(), operation.name.clone());
        if disk.stopped {
            return Err(failure(verb, &name, power_lost()));
        }
        if disk.read_only {
            return Err(failure(verb, &name, StorageErrorKind::ReadOnly));
        }
        let fault = disk.faults.remove(&disk.operations.len());
        disk.operations.push(operation);
        if fault == Some(Fault::PowerLoss) {
            disk.stopped = true;
        }
        Ok(fault)
    }

    /// Carries out a change of names.
    fn rename_or_so(&self, kind: OperationKind, change: NameChange) -> Result<(), StorageError> {
        let mut disk = held(&self.disk);
        let name = change.name().to_owned();
        let operation = Operation { kind, name: name.clone(), offset: 0, length: 0 };
        let fault = self.begin(&mut disk, operation)?;
        if !matches!(fault, Some(Fault::Error(_))) {
            change.apply(&mut disk.names);
            disk.names_pending.push(change);
        }
        outcome(kind, &name, fault)
    }
}

impl Disk {
    fn find(&self, verb: &'static str, name: &str) -> Result<usize, StorageError> {
        if self.stopped {
            return Err(failure(verb, name, power_lost()));
        }
        self.names.get(name).copied().ok_or_else(|| failure(verb, name, StorageErrorKind::NotFound))
    }

    fn used(&self) -> u64 {
        self.names.values().map(|index| stored(self.files[*index].visible.len())).sum()
    }
}

impl FileBytes {
    /// Lets a block that was not durable meet its fate.
    fn settle(&mut self, offset: u64, block: &[u8], choose: &mut dyn FnMut(&Unsynced) -> Fate) {
        let mask = match choose(&Unsynced::Block { name: self.name.clone(), offset }) {
            Fate::Keep => u8::MAX,
            Fate::Lose => 0,
            Fate::Tear(mask) => mask,
        };
        for (sector, bytes) in block.chunks(SECTOR_SIZE).enumerate() {
            if mask & (1 << sector) != 0 {
                write(&mut self.durable, offset + stored(sector * SECTOR_SIZE), bytes);
            }
        }
    }

    /// Writes what programs see from now on; whatever was to be written to the same blocks before is moot.
    fn write_visible(&mut self, offset: u64, bytes: &[u8]) {
        write(&mut self.visible, offset, bytes);
        let written = offset..offset + stored(bytes.len());
        self.pending.retain(|(at, _)| !written.contains(at));
        self.given_up.retain(|(at, _)| !written.contains(at));
    }
}

/// The blocks of a write, each with its offset.
fn blocks_of(offset: u64, bytes: &[u8]) -> impl Iterator<Item = (u64, Vec<u8>)> {
    let blocks = bytes.chunks(BLOCK_SIZE).enumerate();
    blocks.map(move |(index, block)| (offset + stored(index * BLOCK_SIZE), block.to_vec()))
}

impl NameChange {
    fn name(&self) -> &str {
        match self {
            Self::Set { name, .. } | Self::Remove { name } | Self::Move { to: name, .. } => name,
        }
    }

    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Set { name, index } => {
                names.insert(name.clone(), *index);
            }
            Self::Remove { name } => {
                names.remove(name);
            }
            Self::Move { from, to } => {
                if let Some(index) = names.remove(from) {
                    names.insert(to.clone(), index);
                }
            }
        }
    }
}

impl Storage for MemoryStorage {
    type File = MemoryFile;
    type Lock = MemoryLock;

    fn place(&self) -> String {
        "memory".to_owned()
    }

    fn lock(&self) -> Result<MemoryLock, StorageError> {
        let mut disk = held(&self.disk);
        if disk.stopped {
            return Err(failure("lock", "memory", power_lost()));
        }
        if disk.read_only {
            return Err(failure("lock", "memory", StorageErrorKind::ReadOnly));
        }
        if disk.locked {
            return Err(failure("lock", "memory", StorageErrorKind::Locked));
        }
        disk.locked = true;
        Ok(MemoryLock { storage: self.clone() })
    }

    fn list(&self) -> Result<Vec<String>, StorageError> {
        let disk = held(&self.disk);
        if disk.stopped {
            return Err(failure("list", "memory", power_lost()));
        }
        let names = disk.names.keys().filter_map(|name| name.strip_prefix(&self.prefix));
        Ok(names.filter(|name| !name.contains('/')).map(str::to_owned).collect())
    }

    fn create(&self, name: &str) -> Result<MemoryFile, StorageError> {
        let name = self.whole_name(name);
        let index = {
            let mut disk = held(&self.disk);
            if disk.names.contains_key(&name) {
                return Err(failure("create", &name, StorageErrorKind::Exists));
            }
            disk.files.push(FileBytes { name: name.clone(), ..FileBytes::default() });
            disk.files.len() - 1
        };
        self.rename_or_so(OperationKind::Create, NameChange::Set { name: name.clone(), index })?;
        Ok(MemoryFile { storage: self.clone(), name, index })
    }

    fn open(&self, name: &str, access: Access) -> Result<MemoryFile, StorageError> {
        let name = self.whole_name(name);
        let disk = held(&self.disk);
        let index = disk.find("open", &name)?;
        if access == Access::Write && disk.read_only {
            return Err(failure("open", &name, StorageErrorKind::ReadOnly));
        }
        Ok(MemoryFile { storage: self.clone(), name, index })
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        let (from, to) = (self.whole_name(from), self.whole_name(to));
        held(&self.disk).find("rename", &from)?;
        self.rename_or_so(OperationKind::Rename, NameChange::Move { from, to })
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        let name = self.whole_name(name);
        held(&self.disk).find("remove", &name)?;
        self.rename_or_so(OperationKind::Remove, NameChange::Remove { name })
    }

    fn sync_directory(&self) -> Result<(), StorageError> {
        let mut disk = held(&self.disk);
        let kind = OperationKind::SyncDirectory;
        let name = self.prefix.trim_end_matches('/').to_owned();
        let fault = self.begin(&mut disk, Operation { kind, name, offset: 0, length: 0 })?;
        if fault.is_none() {
            for change in std::mem::take(&mut disk.names_pending) {
                match self.holds(change.name()) {
                    true => change.apply(&mut disk.names_durable),
                    false => disk.names_pending.push(change),
                }
            }
        }
        outcome(kind, "memory", fault)
    }

    fn folder(&self, name: &str) -> Result<Self, StorageError> {
        let name = self.whole_name(name);
        held(&self.disk).find("open", &name)?;
        Ok(Self { disk: Arc::clone(&self.disk), prefix: name + "/" })
    }

    /// A folder is a file of its name, and those whose names begin with that and a slash.
    fn create_folder(&self, name: &str) -> Result<Self, StorageError> {
        match self.create(name) {
            Err(error) if error.kind != StorageErrorKind::Exists => return Err(error),
            Ok(_) | Err(_) => {}
        }
        self.sync_directory()?;
        self.folder(name)
    }

    fn move_to(&self, name: &str, folder: &Self) -> Result<(), StorageError> {
        let (from, to) = (self.whole_name(name), folder.whole_name(name));
        held(&self.disk).find("move", &from)?;
        self.rename_or_so(OperationKind::Rename, NameChange::Move { from, to })
    }
}

impl MemoryFile {
    fn write_as(&self, kind: OperationKind, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        assert_blocks(offset, bytes);
        let mut disk = held(&self.storage.disk);
        let length = stored(bytes.len());
        let operation = Operation { kind, name: self.name.clone(), offset, length };
        let fault = self.storage.begin(&mut disk, operation)?;
        let grows = (offset + length).saturating_sub(stored(disk.files[self.index].visible.len()));
        if grows > 0 && disk.space_limit.is_some_and(|limit| disk.used() + grows > limit) {
            return Err(failure("write", &self.name, StorageErrorKind::NoSpace));
        }
        let file = &mut disk.files[self.index];
        match fault {
            Some(Fault::LostWrite) => {}
            Some(Fault::MisdirectedWrite { offset }) => {
                file.write_visible(offset, bytes);
                write(&mut file.durable, offset, bytes);
            }
            Some(Fault::PowerLoss | Fault::Error(_)) => {
                file.write_visible(offset, bytes);
                file.given_up.extend(blocks_of(offset, bytes));
            }
            None => {
                file.write_visible(offset, bytes);
                if kind == OperationKind::WriteDurable {
                    write(&mut file.durable, offset, bytes);
                } else {
                    file.pending.extend(blocks_of(offset, bytes));
                }
            }
        }
        outcome(kind, &self.name, fault)
    }
}

impl StorageFile for MemoryFile {
    fn length(&self) -> Result<u64, StorageError> {
        let disk = held(&self.storage.disk);
        if disk.stopped {
            return Err(failure("measure", &self.name, power_lost()));
        }
        Ok(stored(disk.files[self.index].visible.len()))
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<(), StorageError> {
        assert_blocks(offset, bytes);
        let disk = held(&self.storage.disk);
        if disk.stopped {
            return Err(failure("read", &self.name, power_lost()));
        }
        let start = in_memory(offset);
        let found = disk.files[self.index].visible.get(start..start + bytes.len());
        let found = found.ok_or_else(|| failure("read", &self.name, StorageErrorKind::EndOfFile))?;
        bytes.copy_from_slice(found);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        self.write_as(OperationKind::Write, offset, bytes)
    }

    fn write_durable_at(&self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        self.write_as(OperationKind::WriteDurable, offset, bytes)
    }

    fn sync(&self) -> Result<(), StorageError> {
        let mut disk = held(&self.storage.disk);
        let kind = OperationKind::Sync;
        let operation = Operation { kind, name: self.name.clone(), offset: 0, length: 0 };
        let fault = self.storage.begin(&mut disk, operation)?;
        let file = &mut disk.files[self.index];
        let pending = std::mem::take(&mut file.pending);
        if fault.is_none() {
            for (offset, bytes) in pending {
                write(&mut file.durable, offset, &bytes);
            }
        } else {
            file.given_up.extend(pending);
        }
        outcome(kind, &self.name, fault)
    }
}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        held(&self.storage.disk).locked = false;
    }
}

impl Default for MemoryStorage {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStorage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MemoryStorage")
    }
}

/// What a program is told about an operation with this fault.
fn outcome(kind: OperationKind, name: &str, fault: Option<Fault>) -> Result<(), StorageError> {
    match fault {
        None | Some(Fault::LostWrite | Fault::MisdirectedWrite { .. }) => Ok(()),
        Some(Fault::PowerLoss) => Err(failure(kind.verb(), name, power_lost())),
        Some(Fault::Error(error)) => Err(failure(kind.verb(), name, error)),
    }
}

fn power_lost() -> StorageErrorKind {
    StorageErrorKind::Device("the machine has stopped".to_owned())
}

fn failure(operation: &'static str, place: &str, kind: StorageErrorKind) -> StorageError {
    StorageError { operation, place: place.to_owned(), kind }
}

fn write(file: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let start = in_memory(offset);
    if file.len() < start + bytes.len() {
        file.resize(start + bytes.len(), 0);
    }
    file[start..start + bytes.len()].copy_from_slice(bytes);
}
