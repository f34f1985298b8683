//! One life of a node: the engine's step on a local journal, with its follower, started as the engine starts it.

use std::sync::Arc;

use engine::{
    Core, CoreSetup, Directory, Duplicates, Follower, FollowerSettings, FollowerSetup, Handing, LogClock,
    Now, Replayer, Sealer,
};
use journal::{
    Append, ClaimError, FrameBuilder, FrameKind, FrameView, Identity, Journal, LoadError, Loaded,
    LocalJournal, LocalWriter, MemoryStorage, OpenError, Preparer, ReadError, Reader, RunError, SealInput,
    SealedFrame, SegmentSize, Settings, SnapshotFault, Tail, Writer,
};
use ledger::{Ledger, Limits, Profile, RecordWriter, SealMarks};
use types::{BatchNumber, Duration, Life, PrincipalNumber};

use crate::auditor::{Auditor, Recovered, Violation};
use crate::random::Random;
use crate::words::{IDENTITY, digest_key};

pub(crate) const LIMITS: Limits = Limits { accounts_max: 256, payments_max: 1024, requests_max: 1024 };

/// A running node. Tickets are numbers.
pub(crate) struct Node {
    pub(crate) core: Core<u32>,
    pub(crate) writer: LocalWriter<MemoryStorage>,
    pub(crate) preparer: Preparer<MemoryStorage>,
    pub(crate) journal: LocalJournal<MemoryStorage>,
    pub(crate) follower: Follower<MemoryStorage>,
    pub(crate) duplicates: Arc<Duplicates>,
    pub(crate) handing: Handing,
    pub(crate) sealer: Sealer<MemoryStorage>,
    /// The frame at which the snapshot stood from which it began, 0 if it began with the log.
    pub(crate) covered: BatchNumber,
    /// What was wrong with a newer snapshot.
    pub(crate) passed_over: Option<SnapshotFault>,
    /// The frame that has been handed out.
    pub(crate) held: Option<SealedFrame>,
    /// What came of its write, before the step knows.
    pub(crate) written: Option<(SealedFrame, Append)>,
}

/// Why a node does not run.
#[derive(Debug)]
pub(crate) enum Down {
    /// A disk that fails or is full: start again.
    Again(String),
    /// Damage: the node must not run any more.
    Stopped(String),
    /// The device lost the last write, in the documented window.
    InWindow,
    /// A promise was broken.
    Wrong(Violation),
}

/// How a node starts.
pub(crate) struct Start<'parts> {
    pub(crate) auditor: &'parts mut Auditor,
    /// Whose the log is, in its present life.
    pub(crate) identity: Identity,
    pub(crate) now: Now,
    /// The version of the rules under which a new log begins: an older program may have begun it.
    pub(crate) begins_under: u32,
    /// When snapshots are written.
    pub(crate) following: FollowerSettings,
    /// When payments leave the table for the disk.
    pub(crate) seal_marks: Option<SealMarks>,
    /// The folder, if all of it must be good: then what the start comes to is compared with a replay of the whole log.
    pub(crate) whole: Option<MemoryStorage>,
}

/// Opens the journal of a folder, or makes one.
pub(crate) fn open(
    storage: &MemoryStorage,
    segment_size: SegmentSize,
    tags: u64,
) -> Result<LocalJournal<MemoryStorage>, Down> {
    let settings = |stream: u64| {
        let mut random = Random::new(tags ^ stream);
        Settings { segment_size, entropy: Box::new(move || random.bits()) }
    };
    let opened = match LocalJournal::open(storage.clone(), None, settings(0)) {
        Err(OpenError::NotAJournal { .. }) => LocalJournal::create(storage.clone(), IDENTITY, settings(1)),
        opened => opened,
    };
    opened.map_err(|error| match error {
        OpenError::Damage(_) | OpenError::ManifestUnreadable { .. } => Down::Stopped(error.to_string()),
        OpenError::Storage(_) => Down::Again(error.to_string()),
        OpenError::Locked { .. }
        | OpenError::NotAJournal { .. }
        | OpenError::NotEmpty { .. }
        | OpenError::NewerFormat { .. }
        | OpenError::ForeignCluster { .. }
        | OpenError::ReadOnly { .. } => Down::Wrong(format!("the folder can't be opened: {error}")),
    })
}

impl Start<'_> {
    /// Replays the log, claims it, begins it if it is new, and makes the step.
    pub(crate) fn run(mut self, mut journal: LocalJournal<MemoryStorage>) -> Result<Node, Down> {
        let snapshots = journal.snapshots();
        let loaded = snapshots.load(&mut |_, state| Ok(Replayer::read_state(state, LIMITS)?));
        let Loaded { snapshot, passed_over } = loaded.map_err(|error| match error {
            LoadError::Unreadable { .. } => Down::Stopped(error.to_string()),
            LoadError::WrongFile { .. } => Down::Wrong(error.to_string()),
        })?;
        let begins = snapshot.as_ref().map(|(header, _)| (header.number, header.tail));
        let mut replayer = snapshot.map_or_else(|| Replayer::new(LIMITS), |(_, replayer)| replayer);
        self.auditor.reads(begins.as_ref().map(|(_, tail)| tail)).map_err(Down::Wrong)?;
        let visit = &mut |frame: &FrameView<'_>, _| {
            self.auditor.read(frame);
            Ok(replayer.frame(frame)?)
        };
        let tail = match &begins {
            Some((_, tail)) => journal.read_from(tail, visit),
            None => journal.read(BatchNumber(0), visit),
        };
        let mut tail = tail.map_err(|error| match error {
            ReadError::Damage(_) => Down::Stopped(error.to_string()),
            ReadError::Storage(_) => Down::Again(error.to_string()),
            ReadError::Trimmed { .. } | ReadError::Visit { .. } => Down::Wrong(error.to_string()),
        })?;
        match self.auditor.recovered().map_err(Down::Wrong)? {
            Recovered::Whole => {}
            Recovered::InWindow => return Err(Down::InWindow),
        }
        if let Some(storage) = self.whole.take().filter(|_| begins.is_some()) {
            same_as_whole_log(storage, &replayer).map_err(Down::Wrong)?;
        }
        let mut clock = LogClock::new(self.now, tail.time);
        let mut builder = FrameBuilder::new(2);
        let rules_version = match tail.batch {
            BatchNumber(0) => self.begins_under,
            _ => replayer.ledger().rules_version(),
        };
        let mut epoch_start =
            self.seal(&mut builder, &mut clock, FrameKind::EpochStart, tail, rules_version)?;
        let mut writer = journal.claim(&tail, &mut epoch_start).map_err(|error| match error {
            ClaimError::Refused(_) | ClaimError::Unknown(_) => Down::Again(error.to_string()),
            ClaimError::Lost { .. } | ClaimError::Read(_) | ClaimError::Poisoned => {
                Down::Wrong(error.to_string())
            }
        })?;
        tail = self.take(&epoch_start, &mut replayer)?;
        if let Some(commands) = self.first_records(&journal, replayer.ledger()) {
            commands.split().for_each(|record| builder.push_record(record));
            let mut frame = self.seal(&mut builder, &mut clock, FrameKind::Commands, tail, rules_version)?;
            match writer.append(&mut frame) {
                Append::Durable => tail = self.take(&frame, &mut replayer)?,
                failed @ (Append::Refused(_) | Append::Unknown(_)) => {
                    return Err(Down::Again(format!("{failed:?}")));
                }
                failed @ (Append::Fenced { .. } | Append::Conflict { .. }) => {
                    return Err(Down::Wrong(format!("{failed:?}")));
                }
            }
        }
        let number = begins.map_or(0, |(number, _)| number);
        snapshots.withdraw_after(number).map_err(|error| Down::Again(error.to_string()))?;
        let (ledger, untold) = replayer.finish();
        self.auditor.state(&ledger).map_err(Down::Wrong)?;
        let duplicates = Arc::new(Duplicates::default());
        let sealer = Sealer::open(journal.storage().clone(), self.identity, &ledger, Arc::clone(&duplicates));
        let sealer = sealer.map_err(|error| match error {
            RunError::Storage(_) => Down::Again(error.to_string()),
            RunError::Damaged { .. }
            | RunError::Missing { .. }
            | RunError::Another { .. }
            | RunError::NewerFormat { .. } => Down::Stopped(error.to_string()),
        })?;
        let handing = Handing::new(self.seal_marks);
        let directory = Arc::new(Directory::default());
        let identity = self.identity;
        let setup = CoreSetup { ledger, untold, builder, identity, tail, clock, directory };
        let core = Core::new(setup, self.now);
        let preparer = journal.preparer();
        let follower = Follower::new(FollowerSetup {
            reader: journal.frame_reader(),
            snapshots,
            limits: LIMITS,
            settings: self.following,
            snapshot: number,
            pause: Box::new(|_, _| {}),
        });
        let covered = begins.map_or(BatchNumber(0), |(_, tail)| tail.batch);
        let passed_over = passed_over.map(|(_, fault)| fault);
        let (held, written) = (None, None);
        Ok(Node {
            core,
            writer,
            preparer,
            journal,
            follower,
            duplicates,
            handing,
            sealer,
            covered,
            passed_over,
            held,
            written,
        })
    }

    /// What the log is told first: whose it is, or after a restore in which life it goes on.
    fn first_records(&self, journal: &LocalJournal<MemoryStorage>, ledger: &Ledger) -> Option<RecordWriter> {
        let mut commands = RecordWriter::new(digest_key(), PrincipalNumber(0));
        let Identity { cluster, incarnation, .. } = self.identity;
        if ledger.setup().is_none() {
            commands.genesis(cluster, incarnation);
            commands.set_profile(&Profile::sct_inst_2025());
            return Some(commands);
        }
        let previous = ledger.lives().last().incarnation;
        let restored = journal.restored().filter(|_| previous != incarnation)?;
        let life = Life { incarnation, first: restored.next_sequence };
        commands.begin_incarnation(cluster, life, previous);
        Some(commands)
    }

    fn seal(
        &mut self,
        builder: &mut FrameBuilder,
        clock: &mut LogClock,
        kind: FrameKind,
        tail: Tail,
        rules_version: u32,
    ) -> Result<SealedFrame, Down> {
        let nanosecond = Duration::from_nanoseconds(1).expect("one is not negative");
        let log_time = clock.read(self.now);
        let frame = builder.seal(&SealInput {
            kind,
            identity: self.identity,
            previous: tail,
            time: log_time.max(tail.time.plus(nanosecond)),
            rules_version,
            durable_mark: tail.batch,
            personal_key: 0,
        });
        self.auditor.sealed(&frame, log_time).map_err(Down::Wrong)?;
        Ok(frame)
    }

    fn take(&mut self, frame: &SealedFrame, replayer: &mut Replayer) -> Result<Tail, Down> {
        self.auditor.durable(frame).map_err(Down::Wrong)?;
        self.auditor.apply_all().map_err(Down::Wrong)?;
        replayer.frame(&frame.view()).map_err(|error| Down::Wrong(error.to_string()))?;
        Ok(frame.tail())
    }
}

/// A start from a snapshot has come to the state to which the whole log comes, archive included, byte for byte.
fn same_as_whole_log(storage: MemoryStorage, started: &Replayer) -> Result<(), Violation> {
    let reader = Reader::open(storage).map_err(|error| error.to_string())?;
    let mut whole = Replayer::new(LIMITS);
    let read = reader.read(BatchNumber(0), &mut |frame, _| Ok(whole.frame(frame)?));
    read.map_err(|error| format!("promise 6: the archive and the log are not the whole log: {error}"))?;
    let state = |replayer: &Replayer| {
        let mut bytes = Vec::new();
        replayer.write_state(&mut bytes).map(|()| bytes).map_err(|error| error.to_string())
    };
    match state(&whole)? == state(started)? {
        true => Ok(()),
        false => {
            Err("promise 6: a start from a snapshot comes to another state than the whole log".to_owned())
        }
    }
}
