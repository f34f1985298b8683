//! From a folder to a running engine: open or create, replay, claim, begin, run.
//!
//! Invariants:
//! - Nothing is answered before an EpochStart frame of this node is durable.
//! - The log's first records are its genesis and its scheme profile.

// This is where a node draws its random numbers and reads the clock for the first time.
#![allow(clippy::disallowed_methods)]

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use crossbeam::channel::bounded;
use journal::{
    Append, ClaimError, DIGEST_KEY_ID, FileStorage, FrameBuilder, FrameKind, Identity, Journal, KeysError,
    LoadError, LocalJournal, MasterKey, OpenError, ReadError, Restored, RunError, SealedFrame, SegmentSize,
    Settings, Storage, StorageError, Tail, VoidsError, Writer,
};
use ledger::{Kind, Limits, Profile, RecordWriter, Void};
use types::{BatchNumber, ClusterId, DigestKey, Incarnation, PrincipalNumber, Sequence, Shard};

use crate::clock::LogClock;
use crate::core::{Core, CoreSetup, NANOSECOND, seal_frame};
use crate::directory::Directory;
use crate::driver::{Engine, Parts, now, run};
use crate::follower::{Follower, FollowerSettings, FollowerSetup};
use crate::following::pause;
use crate::handle::{Handle, QUEUE_LENGTH};
use crate::keys;
use crate::life;
use crate::pace::Pace;
use crate::recovery::{Recovered, RecoveryProgress, recover_with_key};
use crate::replay::Divergence;
use crate::sealer::{Sealer, open_runs};
use crate::voids::poison_of;

/// How a node is run. Nothing here can change what a command comes to.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of the log. It is made if it does not exist.
    pub folder: PathBuf,
    /// How large new segments are.
    pub segment_size: SegmentSize,
    /// Room for accounts, payments and requests.
    pub limits: Limits,
    /// For how many payments memory is made ready at the start. Those that come later cost more, once.
    pub payments_ready: usize,
    /// The most commands a second that are taken, for trying out what callers do when a node is overloaded.
    pub commands_per_second_max: Option<NonZeroU32>,
    /// What wraps the keys of personal data. Without one, it is made in the folder of the log.
    pub master_key: Option<MasterKey>,
    /// When snapshots are written, and how long what they cover is kept.
    pub follower: FollowerSettings,
    /// Whether the node runs beside another system that decides, and tells banks nothing. A log is of one kind for ever.
    pub is_parallel: bool,
}

/// Why a node could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder can't be used.
    #[error("the folder can't be used: {0}")]
    Storage(#[from] StorageError),
    /// The keys of personal data can't be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The log's texts are sealed, and the keys are gone.
    #[error(
        "the log is sealed and its folder holds no KEYS: put it back from a backup of this log; `solvo verify` works \
         without it"
    )]
    KeysMissing,
    /// The log's digests can't be made.
    #[error("KEYS does not hold the key of this log's digests: put it back from a backup of this log")]
    DigestKey,
    /// The folder's journal can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// No snapshot can be used although there is one.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The log can't be read to its end.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log can't be claimed.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The log's first records can't be written.
    #[error("the log's first records can't be written: {0}")]
    Begin(String),
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers: {0}")]
    Entropy(getrandom::Error),
    /// Runs of older payments that the log names can't be used.
    #[error("duplicates can't be looked up: {0}")]
    Duplicates(#[from] RunError),
    /// The room that was asked for can't be had.
    #[error(
        "the machine does not give the memory for this room; ask for fewer accounts, payments or requests"
    )]
    Memory,
    /// A thread can't be started.
    #[error("a thread can't be started: {0}")]
    Thread(std::io::Error),
    /// Every replay dies at one command.
    #[error(
        "the start dies in replay at sequence {sequence} ({}): nothing was changed; keep a copy of the folder, and read \
         \"A start that dies\" in docs/operations.md before `solvo serve --void {sequence}`",
        kind.map_or("a frame's tick or an unreadable record".to_owned(), |kind| format!("{kind:?}"))
    )]
    Poison {
        /// The frame that holds it.
        batch: BatchNumber,
        /// Its position.
        sequence: Sequence,
        /// What kind of command it is; `None` if it is a frame's tick or can't be read.
        kind: Option<Kind>,
    },
    /// The log is of a node that runs beside another system.
    #[error(
        "the log in this folder is of a node beside another system (`serve --parallel`): what it decided never happened, so \
         it never becomes the log that decides; begin that one in a folder of its own"
    )]
    IsParallel,
    /// The log is of a node that decides.
    #[error(
        "the log in this folder is of a node that decides: to run beside another system, begin a folder of its own with \
         `serve --parallel`"
    )]
    IsNotParallel,
    /// The list of voided commands can't be had or changed.
    #[error(transparent)]
    Voids(#[from] VoidsError),
    /// The list of voided commands is of a longer log.
    #[error(
        "VOIDS lists sequence {sequence} beyond what the log holds, which ends at {last}: it is of another copy of the \
         folder; nothing was changed"
    )]
    VoidsBeyond {
        /// The command that is listed.
        sequence: Sequence,
        /// The log's last position.
        last: Sequence,
    },
}

impl StartError {
    /// Why a replay ended early.
    pub(crate) fn of_replay(error: ReadError) -> Self {
        match poison_of(&error) {
            Some((batch, sequence, kind)) => Self::Poison { batch, sequence, kind },
            None => Self::Read(error),
        }
    }
}

/// Recovers the log in a folder, or begins one, and runs the engine on it.
pub fn start(config: &Config) -> Result<Engine, StartError> {
    start_telling(config, &RecoveryProgress::default())
}

/// The same, telling how far it has come.
pub fn start_telling(config: &Config, progress: &RecoveryProgress) -> Result<Engine, StartError> {
    config.limits.check().map_err(|_| StartError::Memory)?;
    start_on(open(config)?, config, progress)
}

/// The same on a journal that is open.
fn start_on<S>(
    mut journal: LocalJournal<S>,
    config: &Config,
    progress: &RecoveryProgress,
) -> Result<Engine, StartError>
where
    S: Storage + Send + Sync + 'static,
    S::File: Send + Sync,
    S::Lock: Send + Sync,
{
    let identity = journal.identity();
    let keys = keys::find(&journal, config.master_key.as_ref())?;
    let Recovered { mut replayer, tail, snapshot, is_sealed, clear_day } =
        recover_with_key(&mut journal, config.limits, keys.digest_key(), progress)?;
    let totals = replayer.totals();
    tracing::info!(frames = totals.frames, commands = totals.records, "log replayed");

    match replayer.ledger().setup() {
        Some(setup) if setup.is_parallel && !config.is_parallel => return Err(StartError::IsParallel),
        Some(setup) if !setup.is_parallel && config.is_parallel => return Err(StartError::IsNotParallel),
        Some(_) | None => {}
    }
    let new_life = life::to_begin(replayer.ledger(), &identity, journal.restored())?;
    if let Some(sequence) = replayer.voids().beyond(&tail) {
        return Err(StartError::VoidsBeyond { sequence, last: tail.last_sequence() });
    }
    let mut clock = LogClock::new(now(), tail.time);
    let runs = open_runs(journal.storage(), &identity, replayer.ledger(), clock.read(now()))?;
    // From here on the folder is changed.
    let mut keys = keys.complete(&journal, replayer.ledger().setup(), is_sealed, clock.read(now()))?;
    clear_day.map(|day| keys.note_clear(day)).transpose()?;
    // One frame is being written while another fills, and the first may be on its way back.
    let rules_version = replayer.ledger().rules_version();
    let builder = FrameBuilder::sealing(2, journal.keyring());
    let mut log = Log { builder, identity, tail, clock, rules_version };
    let mut epoch_start = log.seal(FrameKind::EpochStart);
    let mut writer = journal.claim(&tail, &mut epoch_start)?;
    let accept = |divergence: Divergence| StartError::Begin(divergence.to_string());
    replayer.frame(&epoch_start.view()).map_err(accept)?;
    if replayer.ledger().setup().is_none() {
        let key = keys.digest_key().ok_or(StartError::DigestKey)?;
        replayer.set_digest_key(key);
        let frame = log.begin(&mut writer, key, config.is_parallel)?;
        replayer.frame(&frame.view()).map_err(accept)?;
    } else if let Some(frame) = log.go_on(&mut writer, new_life, &replayer.voids().unlogged())? {
        replayer.frame(&frame.view()).map_err(accept)?;
    }
    // Also where a start before this one got as far as the record and no further.
    let voids = replayer.voids().listed().to_vec();
    if journal.voids()? != voids {
        journal.store_voids(&voids)?;
    }
    let snapshots = journal.snapshots();
    snapshots.withdraw_after(snapshot)?;
    let (mut ledger, untold) = replayer.finish();
    ledger.make_ready(config.payments_ready);
    let setup = *ledger.setup().expect("the log has begun");

    let directory = Arc::new(Directory::default());
    directory.fill(&ledger);
    let (sender, events) = bounded(QUEUE_LENGTH);
    let log_reader = Arc::new(journal.frame_reader());
    let lives = ledger.lives().clone();
    let handle =
        Handle::new(sender, Arc::clone(&directory), setup.digest_key, lives, setup.cluster, log_reader)
            .running_parallel(setup.is_parallel);
    handle.shared.clock_offset.store(log.clock.offset(), std::sync::atomic::Ordering::Relaxed);
    let duplicates = Arc::clone(&handle.shared.duplicates);
    let sealer = Sealer::with_runs(journal.storage().clone(), identity, &ledger, duplicates, runs)?;
    handle.shared.rules_version.store(ledger.rules_version(), std::sync::atomic::Ordering::Relaxed);
    let Log { builder, identity, tail, clock, .. } = log;
    let core = Core::new(CoreSetup { ledger, untold, builder, identity, tail, clock, directory }, now());
    // Its state is loaded by its first step, when nobody waits any more.
    let follower = FollowerSetup {
        reader: journal.frame_reader(),
        snapshots,
        limits: config.limits,
        settings: config.follower,
        snapshot,
        pause: pause(Arc::clone(&handle.shared)),
    };
    let follower = Follower::new(follower).telling(Arc::clone(&handle.shared.follower));
    let follower = follower.waiting_for(Arc::clone(&handle.shared.archive_readers));
    let follower = follower.with_digest_key(keys.digest_key()).passing_over(voids);
    let preparer = journal.preparer();
    let pace = config.commands_per_second_max.map(Pace::new);
    let (limits, segment_length) = (config.limits, config.segment_size.bytes());
    let parts = Parts {
        core,
        writer,
        preparer,
        keys,
        handle,
        events,
        limits,
        pace,
        segment_length,
        follower,
        sealer,
    };
    progress.end();
    run(parts).map_err(StartError::Thread)
}

fn open(config: &Config) -> Result<LocalJournal<FileStorage>, StartError> {
    let settings = || Settings { segment_size: config.segment_size, entropy: Box::new(tag) };
    let storage = FileStorage::create(&config.folder)?;
    match LocalJournal::open(storage, None, settings()) {
        Err(OpenError::NotAJournal { .. }) => {}
        opened => return Ok(opened?),
    }
    let mut cluster = [0; 16];
    getrandom::fill(&mut cluster).map_err(StartError::Entropy)?;
    let incarnation = getrandom::u64().map_err(StartError::Entropy)?;
    let identity =
        Identity { cluster: ClusterId(cluster), shard: Shard(0), incarnation: Incarnation(incarnation) };
    let storage = FileStorage::open(&config.folder)?;
    Ok(LocalJournal::create(storage, identity, settings())?)
}

/// Segments need tags in the middle of the node's life; a machine that has no random numbers then is broken.
pub(crate) fn tag() -> u64 {
    getrandom::u64().expect("the operating system gave random numbers at the start")
}

/// The log before the core takes it over.
struct Log {
    builder: FrameBuilder,
    identity: Identity,
    tail: Tail,
    clock: LogClock,
    /// In force at the log's end; a log that begins now begins under the newest.
    rules_version: u32,
}

impl Log {
    fn seal(&mut self, kind: FrameKind) -> SealedFrame {
        let time = self.clock.read(now()).max(self.tail.time.plus(NANOSECOND));
        let frame = seal_frame(&mut self.builder, self.identity, self.tail, kind, time, self.rules_version);
        self.tail = frame.tail();
        frame
    }

    /// Writes the log's first records: its genesis, whose key for digests stands in KEYS, and the scheme profile.
    fn begin(
        &mut self,
        writer: &mut impl Writer,
        key: DigestKey,
        is_parallel: bool,
    ) -> Result<SealedFrame, StartError> {
        let mut commands = RecordWriter::new(key, PrincipalNumber(0));
        let Identity { cluster, incarnation, .. } = self.identity;
        match is_parallel {
            true => commands.parallel_genesis(cluster, incarnation, DIGEST_KEY_ID),
            false => commands.genesis_without_key(cluster, incarnation, DIGEST_KEY_ID),
        }
        commands.set_profile(&Profile::sct_inst_2025());
        self.write(&commands, writer)
    }

    /// Tells the log that it has been restored, and of commands that are passed over, before any other command. In one
    /// frame: a replay wants a void in the first frame with commands after the start that passed it over.
    fn go_on(
        &mut self,
        writer: &mut impl Writer,
        new_life: Option<Restored>,
        voids: &[Void],
    ) -> Result<Option<SealedFrame>, StartError> {
        // The key is for commands with digests, which these have not.
        let mut commands = RecordWriter::new(DigestKey::new([0; 16]), PrincipalNumber(0));
        if let Some(restored) = &new_life {
            life::begin(&mut commands, &self.identity, restored);
            tracing::info!(upto = restored.next_sequence.0 - 1, "the log goes on after a restore");
        }
        voids.iter().for_each(|void| commands.void(void));
        if commands.count() == 0 { Ok(None) } else { self.write(&commands, writer).map(Some) }
    }

    /// Writes a frame with these records.
    fn write(
        &mut self,
        commands: &RecordWriter,
        writer: &mut impl Writer,
    ) -> Result<SealedFrame, StartError> {
        for record in commands.split() {
            self.builder.push_record(record);
        }
        let mut frame = self.seal(FrameKind::Commands);
        match writer.append(&mut frame) {
            Append::Durable => Ok(frame),
            failed @ (Append::Fenced { .. }
            | Append::Conflict { .. }
            | Append::Refused(_)
            | Append::Unknown(_)) => Err(StartError::Begin(format!("{failed:?}"))),
        }
    }
}

#[cfg(test)]
#[path = "start_keys_tests.rs"]
mod keys_tests;

#[cfg(test)]
#[path = "start_duplicates_tests.rs"]
mod duplicates_tests;

#[cfg(test)]
#[path = "start_lifecycle_tests.rs"]
mod lifecycle_tests;

#[cfg(test)]
#[path = "start_tests.rs"]
pub(crate) mod tests;

#[cfg(test)]
#[path = "start_version_tests.rs"]
mod version_tests;
