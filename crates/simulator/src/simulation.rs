//! One seed: a node, a disk, clocks and clients on one thread, in virtual time.
//!
//! First the safety phase, in which troubles come; then everything is healed, and every client must get an answer
//! to everything within a bound; then the node stops in good order, and its whole state is compared.
//!
//! Invariants:
//! - Whatever happens is an entry of the queue, taken in the order of its time and then of its making.
//! - Nothing is drawn from anywhere but generators of the seed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use engine::{Event, Now, Submission};
use journal::{FrameKind, Identity, MemoryStorage, SealedFrame};
use ledger::{AnswerEffect, Stage};
use types::{BatchNumber, Sequence, Timestamp};

use crate::auditor::{Auditor, Violation};
use crate::banks::RemoteBank;
use crate::desk::Desk;
use crate::gateways::Gateways;
use crate::node::Node;
use crate::plan::Plan;
use crate::random::Random;
use crate::rulebook::Rulebook;
use crate::step::{BANKS, Step};
use crate::trace::Trace;
use crate::traffic::{Traffic, Wish, world};
use crate::words::{IDENTITY, Query};

#[path = "following.rs"]
mod following;
#[path = "links.rs"]
mod links;
#[path = "restoring.rs"]
mod restoring;
#[path = "sealing.rs"]
mod sealing;
#[path = "serving.rs"]
mod serving;
#[path = "summary.rs"]
mod summary;
#[path = "troubles.rs"]
mod troubles;

pub use summary::{Ending, Summary};
use troubles::Ambush;

const MICROSECOND: i64 = 1_000;
const MILLISECOND: i64 = 1_000 * MICROSECOND;
const SECOND: i64 = 1_000 * MILLISECOND;

/// What the wall clock shows when a simulation starts.
const START: i64 = 1_770_000_000 * SECOND;
/// After healing, everything must be answered within this virtual time.
const LIVENESS_MAX: i64 = 120 * SECOND;
/// A simulation that takes more turns than this does not come to rest.
const TURNS_MAX: u64 = 400_000;

/// Something that is to happen.
#[derive(Clone, Debug)]
enum Happening {
    Client(usize),
    Deliver(Vec<usize>),
    Retry(Vec<usize>),
    Idle(u64),
    WriteStart(u64),
    WriteDone(u64),
    Prepare(u64),
    LookAround(u64),
    Follow(u64),
    Seal(u64),
    Queued(u64),
    Start,
    Trouble,
    Heal,
    Space,
    Takeover,
    Zombie,
    Connect(usize),
    Disconnect(usize, u64),
    Collect(usize, u64),
    Say(usize, u64, Step),
}

/// Something that a client wants, until it has an answer.
#[derive(Debug)]
struct Job {
    wish: Wish,
    is_answered: bool,
    /// How often it was sent.
    attempts: u32,
}

/// Who waits for a ticket.
#[derive(Debug)]
enum Waiting {
    Outcomes(Vec<(usize, Step)>),
    Answer(usize, Query),
    /// A bank, over this connection, for what it has yet to answer.
    Open(usize, u64),
    /// The run of this number is to be named.
    Run(u64),
}

/// How a turn ends the simulation.
enum Stop {
    Wrong(Violation),
    Ended(Ending),
}

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Self {
        Self::Wrong(violation)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Trouble,
    Healed,
    Stopping,
}

/// Everything.
pub(crate) struct Simulation {
    random: Random,
    /// Draws on its own what came with the newest rules, so that seeds without them are as they were.
    rulebook: Rulebook,
    gateways: Gateways,
    desk: Desk,
    plan: Plan,
    trace: Trace,
    time: i64,
    /// How much longer the machine has been running than virtual time says.
    paused: i64,
    /// How far the wall clock is off.
    wall_error: i64,
    queue: BTreeMap<(i64, u64), Happening>,
    order: u64,
    storage: MemoryStorage,
    /// Whose the log is, in its present life.
    identity: Identity,
    node: Option<Node>,
    life: u64,
    zombie: Option<(journal::LocalWriter<MemoryStorage>, SealedFrame)>,
    slow_until: i64,
    /// A fault waits for an operation of the disk.
    is_armed: bool,
    /// What waits for the next frame, or the next segment, to go wrong.
    ambush: Option<Ambush>,
    troubles: u64,
    media_harmed: bool,
    /// A frame in which a bit has flipped, and where it lies.
    rotten: Option<(BatchNumber, String)>,
    auditor: Auditor,
    jobs: Vec<Job>,
    thought_of: Vec<Step>,
    /// Payments that waited when the last frame was applied, and who was asked what about them.
    reserved: Vec<(Sequence, u8, Stage)>,
    banks: Vec<RemoteBank>,
    /// Connections of banks so far; a connection's number is the count at its beginning.
    links: u64,
    /// Answers that banks have yet to give.
    to_say: u64,
    /// The log of the running node can't be read to its end, because the disk has been harmed.
    is_unreadable: bool,
    created: usize,
    waiting: BTreeMap<u32, Waiting>,
    ticket: u32,
    phase: Phase,
    healed_at: i64,
    quiet_since: i64,
    last_told: Sequence,
    starts: u64,
    told: u64,
    answers: u64,
    heard: u64,
    snapshots: u64,
    starts_from_snapshot: u64,
    restores: u64,
    ended_without_room: u64,
    runs: u64,
    asked_again: u64,
    /// Submissions of the node's own, and those that are to be decided again.
    queued: VecDeque<Submission<u32>>,
    is_asked_again: BTreeSet<u32>,
    has_stopped: bool,
}

impl Simulation {
    pub(crate) fn new(seed: u64, is_printed: bool) -> Self {
        let mut random = Random::new(seed);
        let plan = Plan::draw(&mut random);
        let mut trace = Trace::new(is_printed);
        trace.line(0, &format!("seed {seed}: {plan:?}"));
        let auditor = Auditor::of(plan.begins_under);
        let banks = (0..BANKS).zip(plan.behaviours);
        let banks = banks.map(|(bank, behaviour)| RemoteBank::new(bank, behaviour)).collect();
        Self {
            random,
            rulebook: Rulebook::new(seed),
            gateways: Gateways::new(seed),
            desk: Desk::new(seed),
            plan,
            trace,
            time: 0,
            paused: 0,
            wall_error: 0,
            queue: BTreeMap::new(),
            order: 0,
            storage: MemoryStorage::new(),
            identity: IDENTITY,
            node: None,
            life: 0,
            zombie: None,
            slow_until: 0,
            is_armed: false,
            ambush: None,
            troubles: 0,
            media_harmed: false,
            rotten: None,
            auditor,
            jobs: Vec::new(),
            thought_of: Vec::new(),
            reserved: Vec::new(),
            banks,
            links: 0,
            to_say: 0,
            is_unreadable: false,
            created: 0,
            waiting: BTreeMap::new(),
            ticket: 0,
            phase: Phase::Trouble,
            healed_at: 0,
            quiet_since: 0,
            last_told: Sequence(0),
            starts: 0,
            told: 0,
            answers: 0,
            heard: 0,
            snapshots: 0,
            starts_from_snapshot: 0,
            restores: 0,
            ended_without_room: 0,
            runs: 0,
            asked_again: 0,
            queued: VecDeque::new(),
            is_asked_again: BTreeSet::new(),
            has_stopped: false,
        }
    }

    /// Runs to the end.
    pub(crate) fn run(&mut self) -> Result<Summary, Violation> {
        self.at(0, Happening::Start);
        let first = world(&mut self.random);
        let first = first.into_iter().map(|step| self.job(Wish::Do(step))).collect();
        self.send(first);
        for client in 0..self.plan.clients {
            let pause = self.pause(SECOND);
            self.at(pause, Happening::Client(client));
        }
        self.banks_arrive();
        let pause = self.pause(self.plan.trouble_pause_max);
        self.at(pause, Happening::Trouble);
        self.at(self.plan.length_max, Happening::Heal);
        let mut turns = 0;
        let ending = loop {
            turns += 1;
            if turns > TURNS_MAX {
                return Err(format!("it does not come to rest: {} entries wait", self.queue.len()));
            }
            match self.turn() {
                Ok(()) if self.has_stopped => break Ending::Converged,
                Ok(()) => {}
                Err(Stop::Wrong(violation)) => {
                    self.note(&violation);
                    return Err(violation);
                }
                Err(Stop::Ended(ending)) => break ending,
            }
        };
        self.note(&format!("the end: {ending:?}"));
        Ok(Summary {
            ending,
            trace: self.trace.hash(),
            lines: self.trace.lines(),
            starts: self.starts,
            decided: self.auditor.at().sequence.0,
            told: self.told,
            answers: self.answers,
            heard: self.heard,
            snapshots: self.snapshots,
            starts_from_snapshot: self.starts_from_snapshot,
            restores: self.restores,
            ended_without_room: self.ended_without_room,
            runs: self.runs,
            asked_again: self.asked_again,
            recalls: self.auditor.model.recall_counts(),
            crossings: self.auditor.crossing_count(),
            effects: AnswerEffect::ALL
                .map(|effect| self.auditor.model.effects.get(&effect).copied().unwrap_or(0)),
        })
    }

    fn turn(&mut self) -> Result<(), Stop> {
        let Some(((time, _), happening)) = self.queue.pop_first() else {
            return Err(Stop::Wrong(self.unanswered("nothing happens any more")));
        };
        assert!(time >= self.time, "time does not run backwards");
        self.time = time;
        if self.phase != Phase::Trouble && self.time > self.healed_at + LIVENESS_MAX {
            return Err(Stop::Wrong(self.unanswered("liveness: time is up")));
        }
        match happening {
            Happening::Client(client) => self.client(client),
            Happening::Deliver(jobs) => return self.deliver(&jobs),
            Happening::Retry(jobs) => self.retry(&jobs),
            Happening::Idle(life) if life == self.life => return self.step(Event::Idle),
            Happening::WriteStart(life) if life == self.life => return self.write_start(),
            Happening::WriteDone(life) if life == self.life => return self.write_done(),
            Happening::Prepare(life) if life == self.life => return self.prepare(),
            Happening::LookAround(life) if life == self.life => self.look_around(),
            Happening::Follow(life) if life == self.life => return self.follow(),
            Happening::Seal(life) if life == self.life => return self.seal(),
            Happening::Queued(life) if life == self.life => return self.submit_queued(),
            Happening::Idle(_)
            | Happening::WriteStart(_)
            | Happening::WriteDone(_)
            | Happening::Prepare(_)
            | Happening::LookAround(_)
            | Happening::Follow(_)
            | Happening::Seal(_)
            | Happening::Queued(_) => {}
            Happening::Start => return self.start(),
            Happening::Trouble => return self.trouble(),
            Happening::Heal => return self.heal(),
            Happening::Space => return self.room_again(),
            Happening::Takeover => return self.take_over(),
            Happening::Zombie => return self.zombie_writes(),
            Happening::Connect(bank) => return self.connect(bank),
            Happening::Disconnect(bank, link) => return self.flap(bank, link),
            Happening::Collect(bank, link) => return self.collect(bank, link),
            Happening::Say(bank, hand, step) => self.say(bank, hand, step),
        }
        Ok(())
    }

    fn at(&mut self, pause: i64, happening: Happening) {
        self.order += 1;
        self.queue.insert((self.time + pause, self.order), happening);
    }

    fn pause(&mut self, most: i64) -> i64 {
        self.random.between(1, most.max(1))
    }

    fn note(&mut self, line: &str) {
        self.trace.line(self.time, line);
    }

    fn unanswered(&self, what: &str) -> Violation {
        let open = self.jobs.iter().filter(|job| !job.is_answered).count();
        format!("promise 5: {what}, and {open} commands and questions have no answer")
    }

    fn now(&self) -> Now {
        let monotonic = 5 * SECOND + self.time + self.paused;
        let wall = START + self.time + self.paused + self.wall_error;
        Now { monotonic, wall: Timestamp::from_nanoseconds(wall).expect("it is of this century") }
    }

    /// What the clients' clocks show.
    fn true_time(&self) -> Timestamp {
        Timestamp::from_nanoseconds(START + self.time + self.paused).expect("it is of this century")
    }

    fn job(&mut self, wish: Wish) -> usize {
        if let Wish::Do(step) = &wish {
            self.thought_of.push(step.clone());
        }
        self.jobs.push(Job { wish, is_answered: false, attempts: 0 });
        self.jobs.len() - 1
    }

    /// A client thinks of something, as long as there is something to think of.
    fn client(&mut self, client: usize) {
        if self.jobs.iter().filter(|job| !job.is_answered).count() >= self.plan.open_max {
            let pause = self.pause(self.plan.client_pause_max.max(100 * MILLISECOND));
            self.at(pause, Happening::Client(client));
        } else if self.created < self.plan.jobs {
            let count = if self.random.happens(200) { self.random.index(4) + 1 } else { 1 };
            let mut jobs = Vec::new();
            for _ in 0..count {
                let now = self.true_time();
                let mut traffic = Traffic {
                    random: &mut self.random,
                    earlier: &self.thought_of,
                    reserved: &self.reserved,
                    now,
                    last: self.last_told,
                    ids: self.plan.ids,
                    payments: self.plan.payments,
                    remote: self.plan.remote,
                };
                let wish = traffic.wish();
                jobs.push(self.job(wish));
            }
            self.created += count;
            let now = self.true_time();
            let rulebook = self.rulebook.steps(&self.auditor.model, now);
            let gateways = self.gateways.steps(&self.auditor.model, now);
            let desk = self.desk.steps(&self.auditor.model, now);
            for step in rulebook.into_iter().chain(gateways).chain(desk) {
                jobs.push(self.job(Wish::Do(step)));
            }
            self.send(jobs);
            let pause = self.pause(self.plan.client_pause_max);
            self.at(pause, Happening::Client(client));
        } else if client == 0 {
            let pause = self.pause(self.plan.trouble_pause_max);
            self.at(pause, Happening::Heal);
        }
    }

    fn send(&mut self, jobs: Vec<usize>) {
        // Clients that get no answer lose patience more slowly each time.
        let attempts = jobs.iter().map(|job| self.jobs[*job].attempts).max().unwrap_or(0);
        jobs.iter().for_each(|job| self.jobs[*job].attempts += 1);
        let patience = (self.plan.patience << attempts.min(8)).min(4 * SECOND.max(self.plan.patience));
        let patience = patience + self.random.between(0, patience);
        self.at(patience, Happening::Retry(jobs.clone()));
        let pause = self.pause(MILLISECOND);
        self.at(pause, Happening::Deliver(jobs));
    }

    /// What has no answer is sent again; about a payment some clients ask first.
    fn retry(&mut self, jobs: &[usize]) {
        let open: Vec<usize> = jobs.iter().copied().filter(|job| !self.jobs[*job].is_answered).collect();
        if open.is_empty() {
            return;
        }
        if let Wish::Do(Step::Pay(payment)) = self.jobs[open[0]].wish.clone()
            && self.phase == Phase::Trouble
            && self.random.happens(300)
        {
            let query = Query::Key(payment.debtor_bank, payment.id, payment.body.accepted);
            let job = self.job(Wish::Ask(query));
            self.send(vec![job]);
        }
        self.send(open);
    }

    /// All unanswered jobs, for the end.
    fn all_answered(&self) -> bool {
        self.jobs.iter().all(|job| job.is_answered)
    }

    /// The wall clock shows log time again, as it does when an operator has waited for it.
    fn set_clock(&mut self) {
        let now = self.now();
        if let Some(node) = &self.node {
            let log_time = now.monotonic + node.core.clock().offset();
            self.wall_error += log_time - now.wall.nanoseconds();
        }
    }

    /// Heals everything; from then on all must be answered, and in the end the log must rest on a marker.
    fn heal(&mut self) -> Result<(), Stop> {
        if self.phase == Phase::Trouble {
            self.note("everything is healed");
            self.phase = Phase::Healed;
            self.healed_at = self.time;
            self.created = self.plan.jobs;
            self.storage.limit_space(None);
            self.slow_until = self.time;
            self.set_clock();
            if self.is_armed {
                self.exit();
            }
        }
        let rests = self.auditor.last().is_some_and(|(_, kind)| kind == FrameKind::Marker);
        if self.phase == Phase::Healed && self.all_answered() && self.node.is_some() {
            let is_writing =
                self.node.as_ref().is_some_and(|node| node.held.is_some() || node.written.is_some());
            let quiet = self.time - self.quiet_since;
            if quiet > 100 * MILLISECOND && !is_writing && !rests {
                return Err(Stop::Wrong("promise 2: the log does not come to rest on a marker".to_owned()));
            }
            self.expires_in_time()?;
            if rests && self.banks_rest() {
                self.note("the node is told to stop");
                self.phase = Phase::Stopping;
                self.step(Event::Stop)?;
                self.at(0, Happening::Idle(self.life));
            }
        }
        self.at(20 * MILLISECOND, Happening::Heal);
        Ok(())
    }
}
