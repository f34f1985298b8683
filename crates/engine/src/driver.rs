//! The threads around the step: the core, the log, and the preparer of segments.
//!
//! ```text
//! handles --events--> core --frames--> log --written--> core
//!                     core, log --wanted--> preparer
//!                     core --slices, look-ups--> sealing --events--> core
//! handles --what may be on disk--> looking --events--> core
//! ```
//!
//! The writer of the log goes with the frame: the log thread writes the large ones, while the core thread fills the
//! next. A small one the core thread writes itself, because handing it over and back takes longer than writing it.
//!
//! Invariants:
//! - The core thread waits for events, for time, and for the disk while nothing could be done without its answer.
//! - A panic on any of these threads ends the process: half a step is worse than none.

// The clocks and threads of the engine are here and nowhere else.
#![allow(clippy::disallowed_methods)]

use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use crossbeam::channel::{Receiver, Sender, TryRecvError, bounded};
use journal::{Append, Preparer, SealedFrame, Space, Storage, Writer};
use ledger::{Limits, SealMarks};
use types::{Sequence, Timestamp};

use crate::clock::{ClockState, Now};
use crate::core::Core;
use crate::event::{Action, Event};
use crate::finals::Finals;
use crate::follower::Follower;
use crate::following::follow;
use crate::handle::{FINAL_QUESTIONS_UNDER_WAY_MAX, Handle, Shared};
use crate::keys::Keys;
use crate::looking::look;
use crate::pace::{Admitted, Pace};
use crate::preparing::prepare;
use crate::question::Answered;
use crate::sealer::{Handing, Sealer};
use crate::sealing::SealingThread;
use crate::stages::Stage;
use crate::subscription::Change;
use crate::ticket::Ticket;

/// A running engine. Dropping it stops it.
#[derive(Debug)]
pub struct Engine {
    handle: Handle,
    threads: Vec<JoinHandle<()>>,
}

impl Engine {
    /// A way to submit and to ask.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Takes nothing more, finishes and answers what was taken, ends the log in a marker, and returns when all
    /// threads have ended.
    pub fn stop(mut self) {
        self.join();
    }

    fn join(&mut self) {
        if self.threads.is_empty() {
            return;
        }
        self.handle.shared.stopping.store(true, Ordering::SeqCst);
        // The queue may be full for a moment; the core is draining it. If the core has gone, so has the reason.
        let _ = self.handle.events.send(Event::Stop);
        for thread in self.threads.drain(..) {
            assert!(thread.join().is_ok(), "a panic on an engine thread ends the process before this");
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.join();
    }
}

/// What the threads are made of.
pub(crate) struct Parts<S: Storage, W> {
    pub(crate) core: Core<Ticket>,
    pub(crate) writer: W,
    pub(crate) preparer: Preparer<S>,
    pub(crate) keys: Keys<S>,
    pub(crate) handle: Handle,
    pub(crate) events: Receiver<Event<Ticket>>,
    pub(crate) limits: Limits,
    pub(crate) pace: Option<Pace>,
    /// Bytes.
    pub(crate) segment_length: u64,
    pub(crate) follower: Follower<S>,
    pub(crate) sealer: Sealer<S>,
}

/// A frame that has been written, or not, and when that began and ended on the monotonic clock.
struct Written {
    frame: SealedFrame,
    result: Append,
    taken_up: i64,
    done: i64,
}

/// The right to write the log, and a way to ask for more room.
struct Log<W> {
    writer: W,
    wanted: Sender<()>,
}

impl<W: Writer> Log<W> {
    fn write(&mut self, mut frame: SealedFrame) -> Written {
        let taken_up = monotonic();
        let result = self.writer.append(&mut frame);
        let done = monotonic();
        if self.writer.space() != Space::Ample {
            // If the preparer has been told already, that is enough.
            let _ = self.wanted.try_send(());
        }
        Written { frame, result, taken_up, done }
    }
}

/// A frame up to this length in bytes is written by the core thread.
const WRITTEN_IN_PLACE_MAX: usize = 32 * 1024;

/// Starts the threads.
pub(crate) fn run<S, W>(parts: Parts<S, W>) -> std::io::Result<Engine>
where
    S: Storage + Send + Sync + 'static,
    S::File: Send + Sync,
    S::Lock: Send + Sync,
    W: Writer + 'static,
{
    let Parts {
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
    } = parts;
    // One frame is away at a time, and one more may be on its way back.
    let (frames, frames_in) = bounded(1);
    let (written, written_in) = bounded(1);
    let (wanted, wanted_in) = bounded(1);
    // Nothing is sent: its end is what counts.
    let (following, followed) = bounded(0);
    let log = Log { writer, wanted };
    let shared = Arc::clone(&handle.shared);
    let mut driver = Driver {
        core,
        events,
        log: Some(log),
        frames,
        written: written_in,
        shared: Arc::clone(&shared),
        limits,
        pace,
        admitted: Admitted::default(),
        sealed_at: 0,
        busy: false,
        finals: Finals::default(),
        sweep_at: SWEEP_MIN,
        swept: 0,
        listeners: 0,
        segment_length,
        written_without_space: 0,
        ticked: monotonic(),
        _following: following,
        handing: Handing::new(SealMarks::of(limits.payments_max)),
        runs_ended: 0,
        listed_behind: Sequence(0),
    };
    let sealing = SealingThread::new(sealer, &handle);
    // Nobody is let in before it is known whether the clock is right and there is room.
    driver.publish();
    // The core thread comes last: if another can't be started, the rest end with their channels, or are told.
    let over = Arc::clone(&shared);
    let (looking, looked_up) = (Arc::clone(&shared), handle.events.clone());
    let start = || {
        Ok(vec![
            spawn("solvo-preparer", move || prepare(preparer, keys, &wanted_in, &shared))?,
            spawn("solvo-log", move || write_frames(&frames_in, &written))?,
            spawn("solvo-follower", move || follow(follower, &followed))?,
            spawn("solvo-sealing", move || sealing.run())?,
            spawn("solvo-looking", move || look(&looking, &looked_up))?,
            spawn("solvo-core", move || driver.run())?,
        ])
    };
    let threads = start().inspect_err(|_: &std::io::Error| {
        over.sealing.end();
        over.looking.end();
    })?;
    Ok(Engine { handle, threads })
}

/// Nanoseconds since this process first asked.
pub(crate) fn monotonic() -> i64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let elapsed = START.get_or_init(Instant::now).elapsed();
    i64::try_from(elapsed.as_nanos()).expect("a process does not run for 292 years")
}

/// What both clocks show.
pub(crate) fn now() -> Now {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // A clock that shows a time outside 1970 to 2262 has jumped, and is found to be apart from log time.
    let wall = i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX);
    Now { monotonic: monotonic(), wall: Timestamp::from_nanoseconds(wall).expect("it is not negative") }
}

/// Ends the process when the thread that holds it panics.
struct EndProcessOnPanic;

impl Drop for EndProcessOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        let _guard = EndProcessOnPanic;
        body();
    })
}

/// The exit status of a process that must not go on: EX_IOERR of sysexits.h.
const EXIT_FATAL: i32 = 74;

/// Ends the process without unwinding, so that nothing is answered any more.
pub(crate) fn end_process(reason: &dyn fmt::Display) -> ! {
    tracing::error!(%reason, "the node must stop");
    std::process::exit(EXIT_FATAL)
}

/// The core thread.
struct Driver<W> {
    core: Core<Ticket>,
    events: Receiver<Event<Ticket>>,
    /// The log, unless a frame is with the log thread.
    log: Option<Log<W>>,
    frames: Sender<(Log<W>, SealedFrame)>,
    written: Receiver<(Log<W>, Written)>,
    shared: Arc<Shared>,
    limits: Limits,
    pace: Option<Pace>,
    admitted: Admitted,
    /// When the frame that is being written was sealed, on the monotonic clock.
    sealed_at: i64,
    /// Whether more was waiting to be taken in then.
    busy: bool,
    /// Those who wait for the final outcome of a payment.
    finals: Finals,
    /// With so many questions for the end of a payment, those are forgotten that nobody waits for any more.
    sweep_at: u64,
    /// When that was last done, on the monotonic clock.
    swept: i64,
    /// The last change of those who listen that the core has taken in.
    listeners: u64,
    /// Bytes of a segment.
    segment_length: u64,
    /// Bytes written since there was no room for another segment.
    written_without_space: u64,
    /// When a full ledger was last given a tick, on the monotonic clock.
    ticked: i64,
    /// The follower goes on to the log's end once this is dropped.
    _following: Sender<()>,
    /// Hands out the payments that are to be sealed.
    handing: Handing,
    /// The last run that came to its end, as far as is known here.
    runs_ended: u64,
    /// The position behind which the ledger listed runs last.
    listed_behind: Sequence,
}

impl<W: Writer> Driver<W> {
    fn run(mut self) {
        let mut actions = Vec::new();
        let mut stopped = false;
        while !stopped {
            self.take_in(&mut actions);
            self.follow_listeners(&mut actions);
            self.tick_while_full(&mut actions);
            self.forget_unwanted();
            self.core.step(Event::Idle, now(), &mut actions);
            let (mut wake_at, mut sealed) = (None, None);
            for action in actions.drain(..) {
                match action {
                    Action::WakeAt(at) => wake_at = Some(at),
                    // Who has taken a place before is waited for: it comes, or gives the place back.
                    Action::Stopped if self.shared.is_done() => stopped = true,
                    Action::Stopped => wake_at = Some(monotonic() + LOOK_FOR_THE_LAST),
                    Action::Write(frame) => sealed = Some(frame),
                    action @ (Action::Reply(..)
                    | Action::Answer(..)
                    | Action::LookUp(_)
                    | Action::AskAgain(_)
                    | Action::Late { .. }
                    | Action::Halt(_)) => {
                        carry_out(action, &self.shared, &self.core, &mut self.finals);
                    }
                }
            }
            self.shared.deliveries.wake();
            self.publish();
            self.seal_duplicates();
            match sealed {
                Some(frame) if frame.envelope_length() <= WRITTEN_IN_PLACE_MAX => {
                    self.write_in_place(frame, &mut actions);
                }
                sealed => {
                    sealed.into_iter().for_each(|frame| self.hand_over(frame));
                    if !stopped {
                        self.wait(wake_at, &mut actions);
                    }
                }
            }
        }
        self.shared.sealing.end();
        self.shared.looking.end();
    }

    /// Hands out a few of the payments that are to leave the table, and lets it be known which runs are not needed any
    /// more.
    fn seal_duplicates(&mut self) {
        let (ledger, sealing) = (self.core.ledger(), &self.shared.sealing);
        let ended = sealing.ended();
        if std::mem::replace(&mut self.runs_ended, ended) != ended {
            self.handing.ended();
        }
        let listed_behind = ledger.sealed_runs().first().map_or(ledger.sealed_upto(), |run| run.after);
        if std::mem::replace(&mut self.listed_behind, listed_behind) != listed_behind {
            sealing.listed_behind(listed_behind);
        }
        if self.handing.is_wanted(ledger) && sealing.takes_slices() {
            let told = ledger.position().sequence;
            self.handing.step(ledger, told).into_iter().for_each(|slice| sealing.slice(slice));
        }
    }

    /// Lets the core know who has begun and ended to listen.
    fn follow_listeners(&mut self, actions: &mut Vec<Action<Ticket>>) {
        for change in self.shared.listeners.changes(&mut self.listeners) {
            let event = match change {
                Change::Begun(outbox) => Event::Subscribed(outbox),
                Change::Questions(id, questions) => Event::QuestionsTaken(id, questions),
                Change::Ended(id) => Event::Unsubscribed(id),
            };
            self.core.step(event, now(), actions);
        }
    }

    /// Takes in everything that is there, in the order in which it came.
    fn take_in(&mut self, actions: &mut Vec<Action<Ticket>>) {
        if let Ok(returned) = self.written.try_recv() {
            self.returned(returned, actions);
        }
        while self.core.takes_submissions() && self.paused_until().is_none() {
            match self.events.try_recv() {
                Ok(event) => self.received(event, actions),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }

    /// Lets time pass in the log of a ledger that is full: no command is taken then, and without frames it would
    /// never forget what has become old enough.
    fn tick_while_full(&mut self, actions: &mut Vec<Action<Ticket>>) {
        let ledger = self.core.ledger();
        let full = ledger.payment_count() >= self.limits.payments_max
            || ledger.request_count() >= self.limits.requests_max;
        let at = now();
        if full && at.monotonic - self.ticked >= TICK_WHILE_FULL.nanoseconds() {
            self.ticked = at.monotonic;
            self.core.step(Event::Tick, at, actions);
        }
    }

    /// Forgets the questions for the end of a payment whose askers have gone: a caller may ask and go again and again.
    /// Each walk follows as many questions as it goes over.
    fn forget_unwanted(&mut self) {
        let under_way = &self.shared.final_questions_under_way;
        let at = monotonic();
        if under_way.load(Ordering::Relaxed) < self.sweep_at || at - self.swept < SWEEP_DISTANCE.nanoseconds()
        {
            return;
        }
        self.swept = at;
        let forgotten = self.core.forget_waiting(|ticket| !ticket.is_wanted());
        let forgotten = u64::try_from(forgotten).expect("64 bits");
        let left = under_way.fetch_sub(forgotten, Ordering::Relaxed) - forgotten;
        self.sweep_at = (left + (left / 4).max(SWEEP_MIN)).min(FINAL_QUESTIONS_UNDER_WAY_MAX);
    }

    /// Waits for an event, the log, or the time at which the core wants to look again.
    fn wait(&mut self, wake_at: Option<i64>, actions: &mut Vec<Action<Ticket>>) {
        let asleep_until = self.paused_until().or_else(|| self.core.look_again_at(now()));
        let wake_at = wake_at.into_iter().chain(asleep_until).min();
        let wait = wake_at.map_or(LOOK_AROUND, |at| {
            let left = u64::try_from(at - monotonic()).unwrap_or(0);
            Duration::from_nanos(left).min(LOOK_AROUND)
        });
        if self.core.takes_submissions() && asleep_until.is_none() {
            crossbeam::channel::select! {
                recv(self.written) -> returned => {
                    self.returned(returned.expect("the log thread outlives the core thread"), actions);
                }
                recv(self.events) -> event => {
                    self.received(event.expect("the engine itself holds a handle"), actions);
                }
                default(wait) => {}
            }
        } else if let Ok(returned) = self.written.recv_timeout(wait) {
            self.returned(returned, actions);
        }
    }

    /// When events are taken again, if a pace forbids it now.
    fn paused_until(&self) -> Option<i64> {
        // A node that stops has to hear of it.
        let pace = self.pace.as_ref().filter(|_| !self.shared.stopping.load(Ordering::Relaxed));
        pace.and_then(|pace| pace.wait_until(monotonic()))
    }

    fn received(&mut self, event: Event<Ticket>, actions: &mut Vec<Action<Ticket>>) {
        if let (Some(pace), Event::Submit(submission)) = (&mut self.pace, &event) {
            pace.taken(monotonic(), submission.count());
        }
        if matches!(event, Event::Ask(..)) {
            // Whoever changes what it listens to and asks then finds that in force.
            self.follow_listeners(actions);
        }
        self.core.step(event, now(), actions);
    }

    fn write_in_place(&mut self, frame: SealedFrame, actions: &mut Vec<Action<Ticket>>) {
        self.sealed();
        let log = self.log.as_mut().expect("one frame is written at a time");
        let written = log.write(frame);
        self.written(written, actions);
    }

    fn sealed(&mut self) {
        self.sealed_at = monotonic();
        self.busy = !self.core.takes_submissions() || !self.events.is_empty();
    }

    fn hand_over(&mut self, frame: SealedFrame) {
        self.sealed();
        let log = self.log.take().expect("one frame is written at a time");
        self.frames.send((log, frame)).expect("the log thread outlives the core thread");
    }

    fn returned(&mut self, (log, written): (Log<W>, Written), actions: &mut Vec<Action<Ticket>>) {
        self.log = Some(log);
        self.written(written, actions);
    }

    /// A frame has been written. Replies refer to the outcomes of this frame, so they are sent at once.
    fn written(&mut self, written: Written, actions: &mut Vec<Action<Ticket>>) {
        let Written { frame, result, taken_up, done } = written;
        let taken_back = monotonic();
        let sealed_at = self.sealed_at;
        let records = frame.header().record_count;
        self.count_space(frame.envelope_length());
        self.core.step(Event::Written(frame, result), now(), actions);
        // Before the replies: whoever hears that the version was raised may use it.
        self.shared.rules_version.store(self.core.ledger().rules_version(), Ordering::Release);
        let waits = actions.iter().filter_map(|action| match action {
            Action::Reply(Ticket::Outcomes { received, .. }, _) => Some(sealed_at - received),
            Action::Reply(Ticket::Answer { .. }, _)
            | Action::Write(_)
            | Action::Answer(..)
            | Action::LookUp(_)
            | Action::AskAgain(_)
            | Action::WakeAt(_)
            | Action::Late { .. }
            | Action::Halt(_)
            | Action::Stopped => None,
        });
        let waits: Vec<_> = waits.collect();
        for action in actions.drain(..) {
            carry_out(action, &self.shared, &self.core, &mut self.finals);
        }
        // After the replies: whoever registers with one is told here as well.
        self.finals.tell(self.core.finals());
        self.shared.finals_awaited.store(self.finals.count(), Ordering::Relaxed);
        self.shared.told.store(self.core.told().0, Ordering::Release);
        self.shared.deliveries.wake();
        let applied = monotonic();
        if records > 0 {
            let stages = [
                (Stage::Flush, done - taken_up),
                (Stage::WakeUp, (taken_up - sealed_at) + (taken_back - done)),
                (Stage::Apply, applied - taken_back),
            ];
            let waits = waits.into_iter().map(|wait| (Stage::SealWait, wait));
            self.shared.stages.record(applied, waits.chain(stages));
        }
        self.admitted.applied(applied, records, self.busy);
        self.shared.records_admitted_max.store(self.admitted.limit(), Ordering::Relaxed);
    }

    /// Answers of banks are taken also when there is no room for another segment, as long as what is ready suffices:
    /// the other half of a segment is for what is under way, for expiries and markers.
    fn count_space(&mut self, written: usize) {
        if !self.shared.no_space.load(Ordering::Relaxed) {
            return;
        }
        self.written_without_space += u64::try_from(written).expect("64 bits");
        if self.written_without_space > self.segment_length / 2 {
            self.shared.no_space_for_answers.store(true, Ordering::Relaxed);
        }
    }

    /// Lets the edges know what they need for admission and stamping.
    fn publish(&mut self) {
        let at = now();
        let apart = self.core.follow_clock(at) == ClockState::Apart;
        self.shared.clock_offset.store(self.core.clock().offset(), Ordering::Relaxed);
        if self.shared.clock_apart.swap(apart, Ordering::Relaxed) != apart {
            match apart {
                true => tracing::error!(
                    "the wall clock has jumped away from log time; no payments are taken: mend the clock, or \
                     restart the node if the clock is right"
                ),
                false => tracing::info!("the wall clock and log time agree again"),
            }
        }
        if self.written_without_space > 0 && !self.shared.no_space.load(Ordering::Relaxed) {
            self.written_without_space = 0;
            self.shared.no_space_for_answers.store(false, Ordering::Relaxed);
        }
        let ledger = self.core.ledger();
        let (limits, shared) = (self.limits, &self.shared);
        shared.accounts_full.store(ledger.account_count() >= limits.accounts_max, Ordering::Relaxed);
        shared.payments_full.store(ledger.payment_count() >= limits.payments_max, Ordering::Relaxed);
        shared.requests_full.store(ledger.request_count() >= limits.requests_max, Ordering::Relaxed);
    }
}

/// How often a full ledger is given a tick. Each costs two frames of a block.
const TICK_WHILE_FULL: types::Duration = types::Duration::from_seconds(10);

/// So many questions more are worth a walk over all that wait, and walks are so far apart.
const SWEEP_MIN: u64 = 1024;
const SWEEP_DISTANCE: types::Duration = types::Duration::from_milliseconds(10);

/// How often a core thread that stops looks whether anybody still has a place, in nanoseconds.
const LOOK_FOR_THE_LAST: i64 = 1_000_000;

/// How often the core thread looks at the clocks when nothing else happens.
const LOOK_AROUND: Duration = Duration::from_millis(100);

fn carry_out(action: Action<Ticket>, shared: &Shared, core: &Core<Ticket>, finals: &mut Finals) {
    match action {
        Action::Reply(Ticket::Outcomes { sink, is_answers, length, received: _ }, range) => {
            let count = u64::try_from(range.len()).expect("64 bits");
            shared.give_back(is_answers, count, length);
            sink.take(&core.outcomes()[range], &mut finals.waiting(core.ledger(), core.finals()));
        }
        Action::Answer(ticket @ Ticket::Answer { .. }, answered) => answer(ticket, Some(answered), shared),
        Action::LookUp(look_up) => shared.sealing.look_up(look_up),
        Action::AskAgain(submission) => shared.sealing.again(submission),
        Action::Reply(Ticket::Answer { .. }, _) | Action::Answer(Ticket::Outcomes { .. }, _) => {
            unreachable!("a ticket comes back with what it was given for")
        }
        Action::Late { count } => {
            shared.late_confirmations.fetch_add(count, Ordering::Relaxed);
            tracing::error!(count, "settlements were confirmed later than the scheme allows");
        }
        Action::Halt(reason) => end_process(&reason),
        // A question was left for later, and the step is idle next anyway.
        Action::WakeAt(_) => {}
        Action::Write(_) | Action::Stopped => unreachable!("the driver's own"),
    }
}

/// Gives back what a question took, and the answer to whoever waits for it; none if it can't be given.
pub(crate) fn answer(ticket: Ticket, answered: Option<Answered>, shared: &Shared) {
    let Ticket::Answer { sink, walks, weight, is_final } = ticket else {
        unreachable!("a ticket comes back with what it was given for")
    };
    let under_way = match is_final {
        true => &shared.final_questions_under_way,
        false => &shared.questions_under_way,
    };
    under_way.fetch_sub(weight, Ordering::Relaxed);
    shared.trial_balances_under_way.fetch_sub(walks, Ordering::Relaxed);
    if let Some(answered) = answered {
        sink.take(answered);
    }
}

/// The log thread: one frame at a time, until the core thread ends.
fn write_frames<W: Writer>(frames: &Receiver<(Log<W>, SealedFrame)>, written: &Sender<(Log<W>, Written)>) {
    for (mut log, frame) in frames {
        let frame = log.write(frame);
        if written.send((log, frame)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
#[path = "driver_stop_tests.rs"]
mod stop_tests;
