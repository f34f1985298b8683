//! One life of a node: the engine's step on a local journal, started as the engine starts it.

use std::sync::Arc;

use engine::{Core, CoreSetup, Directory, Duplicates, Handing, LogClock, Now, Replayer, Sealer};
use journal::{
    Append, ClaimError, FrameBuilder, FrameKind, Journal, LocalJournal, LocalWriter, MemoryStorage,
    OpenError, Preparer, ReadError, RunError, SealInput, SealedFrame, SegmentSize, Settings, Tail, Writer,
};
use ledger::{Limits, Profile, RecordWriter, SealMarks, SealedRun};
use types::{BatchNumber, Duration, PrincipalNumber};

use crate::auditor::{Auditor, Recovered, Violation};
use crate::random::Random;
use crate::words::{IDENTITY, digest_key};

const LIMITS: Limits = Limits { accounts_max: 256, payments_max: 1024, requests_max: 1024 };

/// A running node. Tickets are numbers.
pub(crate) struct Node {
    pub(crate) core: Core<u32>,
    pub(crate) writer: LocalWriter<MemoryStorage>,
    pub(crate) preparer: Preparer<MemoryStorage>,
    pub(crate) journal: LocalJournal<MemoryStorage>,
    /// The frame that has been handed out.
    pub(crate) held: Option<SealedFrame>,
    /// What came of its write, before the step knows.
    pub(crate) written: Option<(SealedFrame, Append)>,
    /// Payments that have left the core's table.
    pub(crate) duplicates: Arc<Duplicates>,
    pub(crate) handing: Handing,
    pub(crate) sealer: Sealer<MemoryStorage>,
    /// A run that the log is to name as soon as the step takes it.
    pub(crate) to_name: Option<SealedRun>,
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
    pub(crate) now: Now,
    /// The version of the rules under which a new log begins: an older program may have begun it.
    pub(crate) begins_under: u32,
    /// When payments leave the core's table.
    pub(crate) seals: Option<SealMarks>,
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
        let mut replayer = Replayer::new(LIMITS);
        self.auditor.reads();
        let tail = journal.read(BatchNumber(0), &mut |frame, _| {
            self.auditor.read(frame);
            Ok(replayer.frame(frame)?)
        });
        let mut tail = tail.map_err(|error| match error {
            ReadError::Damage(_) => Down::Stopped(error.to_string()),
            ReadError::Storage(_) => Down::Again(error.to_string()),
            ReadError::Trimmed { .. } | ReadError::Visit { .. } => Down::Wrong(error.to_string()),
        })?;
        match self.auditor.recovered().map_err(Down::Wrong)? {
            Recovered::Whole => {}
            Recovered::InWindow => return Err(Down::InWindow),
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
        if replayer.ledger().setup().is_none() {
            let mut commands = RecordWriter::new(digest_key(), PrincipalNumber(0));
            commands.genesis(IDENTITY.cluster, IDENTITY.incarnation);
            commands.set_profile(&Profile::sct_inst_2025());
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
        let (ledger, untold) = replayer.finish();
        self.auditor.state(&ledger).map_err(Down::Wrong)?;
        let duplicates = Arc::new(Duplicates::default());
        let storage = journal.storage().clone();
        let sealer = Sealer::open(storage, IDENTITY, &ledger, Arc::clone(&duplicates));
        let sealer = sealer.map_err(|error| match error {
            RunError::Storage(_) => Down::Again(error.to_string()),
            RunError::Damaged { .. }
            | RunError::Missing { .. }
            | RunError::Another { .. }
            | RunError::NewerFormat { .. } => Down::Stopped(error.to_string()),
        })?;
        let directory = Arc::new(Directory::default());
        let identity = IDENTITY;
        let setup = CoreSetup { ledger, untold, builder, identity, tail, clock, directory };
        let core = Core::new(setup, self.now);
        let preparer = journal.preparer();
        let (handing, to_name) = (Handing::new(self.seals), None);
        let (held, written) = (None, None);
        Ok(Node { core, writer, preparer, journal, held, written, duplicates, handing, sealer, to_name })
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
            identity: IDENTITY,
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
