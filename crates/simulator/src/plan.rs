//! What a seed draws for itself before it starts: how much of what happens, and which troubles at all.
//!
//! Every seed leaves most troubles out and has plenty of the rest (swarm testing, Groce et al. 2012), so that each
//! of them is also seen alone.

use engine::FollowerSettings;
use journal::SegmentSize;
use ledger::{RULES_VERSION, SealMarks};
use types::Duration;

use crate::banks::Behaviour;
use crate::random::Random;
use crate::step::BANK_COUNT;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// The machine loses power now.
    PowerLoss,
    /// The machine loses power in the middle of an operation soon.
    PowerLossSoon,
    /// The process ends now.
    Exit,
    /// An operation of the disk fails soon.
    DiskError,
    /// The disk is full for a while.
    DiskFull,
    /// The disk is slow for a while.
    SlowDisk,
    /// The wall clock jumps.
    ClockStep,
    /// The node stands still for a while, at most for days.
    Pause,
    /// Another claim of the log, with a frame of the former writer under way.
    Takeover,
    /// A write is acknowledged and lost.
    LostWrite,
    /// A write lands elsewhere.
    MisdirectedWrite,
    /// A bit on the disk flips while the node is down.
    Rot,
    /// A bank goes away for a while.
    BankLeaves,
    /// A bank behaves in another manner from now on.
    BankChanges,
    /// The process ends, or the machine loses power, between a question and its answer.
    EndAfterForward,
    /// A write of a snapshot is acknowledged and lost.
    LostSnapshot,
    /// The machine loses power, or the disk fails, while a snapshot is written, comes to count, or lets segments go.
    StopInSnapshot,
    /// The folder is lost, and restored from a backup up to some frame.
    Restore,
}

impl Trouble {
    const ALL: [Self; 18] = [
        Self::PowerLoss,
        Self::PowerLossSoon,
        Self::Exit,
        Self::DiskError,
        Self::DiskFull,
        Self::SlowDisk,
        Self::ClockStep,
        Self::Pause,
        Self::Takeover,
        Self::LostWrite,
        Self::MisdirectedWrite,
        Self::Rot,
        Self::BankLeaves,
        Self::BankChanges,
        Self::EndAfterForward,
        Self::LostSnapshot,
        Self::StopInSnapshot,
        Self::Restore,
    ];

    /// Whether one copy of the log can't always survive it.
    const fn is_of_media(self) -> bool {
        matches!(self, Self::LostWrite | Self::MisdirectedWrite | Self::Rot)
    }
}

/// What becomes of unsynced blocks at a power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Losses {
    /// All are lost.
    All,
    /// None is.
    Nothing,
    /// Each is kept, lost or torn.
    Any,
}

/// A seed's choices.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) troubles: Vec<Trouble>,
    /// Between two troubles, in nanoseconds, at most.
    pub(crate) trouble_pause_max: i64,
    /// After so many, none comes any more.
    pub(crate) troubles_max: u64,
    /// When everything is healed at the latest, in nanoseconds.
    pub(crate) length_max: i64,
    pub(crate) losses: Losses,
    pub(crate) segment_size: SegmentSize,
    pub(crate) clients: usize,
    /// Commands and questions that clients think of.
    pub(crate) jobs: usize,
    /// Between two actions of a client, in nanoseconds, at most.
    pub(crate) client_pause_max: i64,
    /// Commands and questions without an answer, at most; then clients wait.
    pub(crate) open_max: usize,
    /// How long a client waits for a reply, in nanoseconds.
    pub(crate) patience: i64,
    /// A durable write, in nanoseconds, at most.
    pub(crate) write_max: i64,
    /// Thousandths.
    pub(crate) reply_lost: u64,
    /// Thousandths.
    pub(crate) frame_idle_at_once: u64,
    /// Of ten new commands, how many are payments.
    pub(crate) payments: u64,
    /// How many payment ids and request ids there are to choose from.
    pub(crate) ids: u64,
    /// Of a thousand payments, how many go to the banks that may keep their accounts themselves.
    pub(crate) remote: u64,
    /// How each bank takes part at first.
    pub(crate) behaviours: [Behaviour; BANK_COUNT],
    /// What banks decide follows from this.
    pub(crate) decisions: u64,
    /// How many notices may wait for a bank.
    pub(crate) notices_max: usize,
    /// How much a bank asks for at once.
    pub(crate) page: usize,
    /// Until a bank looks at what there is for it, in nanoseconds, at most.
    pub(crate) collect_max: i64,
    /// Until a bank connects again, in nanoseconds, at most.
    pub(crate) reconnect_max: i64,
    /// When snapshots are written.
    pub(crate) following: FollowerSettings,
    /// Between two steps of the follower, in nanoseconds, at most.
    pub(crate) follow_pause_max: i64,
    /// When payments leave the table for the disk.
    pub(crate) seal_marks: Option<SealMarks>,
    /// Between two steps of sealing, in nanoseconds, at most.
    pub(crate) seal_pause_max: i64,
    /// How often commands come with evidence from before any payment had left. Thousandths.
    pub(crate) stale_evidence: u64,
    /// The version of the rules under which the log begins: the newest, or the first.
    pub(crate) begins_under: u32,
    /// How often a bank has forgotten what it heard last when it connects. Thousandths.
    pub(crate) bank_forgets: u64,
}

const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1_000 * MILLISECOND;

impl Plan {
    pub(crate) fn draw(random: &mut Random) -> Self {
        // One seed in four may meet troubles that end a node with a single copy.
        let with_media = random.happens(250);
        let troubles = Trouble::ALL.into_iter().filter(|trouble| match trouble.is_of_media() {
            true => with_media && random.happens(600),
            false => random.happens(450),
        });
        let troubles = troubles.collect();
        let jobs = random.index(280) + 20;
        let client_pause_max =
            *random.one_of(&[MILLISECOND / 5, 5 * MILLISECOND, 60 * MILLISECOND, SECOND / 2]);
        // So that a run meets some, whether it is short or long.
        let troubles_mean = i64::try_from(random.index(20) + 2).expect("it is small");
        let blocks = *random.one_of(&[16, 16, 32, 140]);
        let length = client_pause_max * i64::try_from(jobs).expect("it is small");
        Self {
            troubles,
            trouble_pause_max: (length / troubles_mean).max(20 * MILLISECOND),
            troubles_max: 40,
            length_max: 2 * length + 20 * SECOND,
            losses: *random.one_of(&[Losses::All, Losses::Nothing, Losses::Any, Losses::Any]),
            segment_size: SegmentSize::new(4096 * blocks).expect("whole blocks, more than four"),
            clients: random.index(5) + 1,
            jobs,
            client_pause_max,
            // What is open must fit a frame, and a frame a segment.
            open_max: *random.one_of(if blocks == 16 { [3, 10].as_slice() } else { &[3, 20, 60] }),
            patience: *random.one_of(&[20 * MILLISECOND, 300 * MILLISECOND, 3 * SECOND]),
            write_max: *random.one_of(&[MILLISECOND / 10, MILLISECOND, 20 * MILLISECOND]),
            reply_lost: *random.one_of(&[0, 50, 300]),
            frame_idle_at_once: *random.one_of(&[1000, 500, 50]),
            payments: *random.one_of(&[3, 6, 8]),
            ids: *random.one_of(&[30, 200, 100_000]),
            remote: *random.one_of(&[50, 400, 800]),
            behaviours: [(); BANK_COUNT].map(|()| Behaviour::draw(random)),
            decisions: random.bits(),
            notices_max: *random.one_of(&[1, 4, 64, 4096, 4096]),
            page: *random.one_of(&[1, 3, 64, 1000]),
            collect_max: *random.one_of(&[MILLISECOND, 50 * MILLISECOND, SECOND]),
            reconnect_max: *random.one_of(&[10 * MILLISECOND, 500 * MILLISECOND, 3 * SECOND]),
            bank_forgets: *random.one_of(&[0, 0, 500]),
            following: FollowerSettings {
                snapshot_after_bytes: *random.one_of(&[16 << 10, 64 << 10, 1 << 20]),
                snapshot_after: Duration::from_seconds(*random.one_of(&[1, 60, 3600])),
                ..FollowerSettings::default()
            },
            follow_pause_max: *random.one_of(&[20 * MILLISECOND, 200 * MILLISECOND, 2 * SECOND]),
            seal_marks: *random.one_of(&[
                None,
                Some(SealMarks { above: 4, run_payments: 3 }),
                Some(SealMarks { above: 16, run_payments: 8 }),
            ]),
            seal_pause_max: *random.one_of(&[5 * MILLISECOND, 100 * MILLISECOND, SECOND]),
            stale_evidence: *random.one_of(&[0, 100, 500]),
            begins_under: *random.one_of(&[1, 3, 4, RULES_VERSION, RULES_VERSION]),
        }
    }
}
