//! The node's side of a simulation: what arrives at it, what it says, and what it asks of its disk.

use engine::{Action, ClockState, Event, Now, Submission};
use journal::{Append, Prepared, Space, Writer};
use ledger::Outcome;
use types::{BatchNumber, Timestamp};

use super::troubles::{Ambush, is_off};
use super::{Ending, Happening, MICROSECOND, MILLISECOND, Phase, SECOND, Simulation, Stop, Waiting};
use crate::auditor::Auditor;
use crate::node::{Down, Node, Start};
use crate::step::{Pay, Step};
use crate::traffic::Wish;
use crate::words::{commands, digest_key, question, write};

/// How often an idle node looks at the clocks.
const LOOK_AROUND: i64 = 100 * MILLISECOND;

impl Simulation {
    /// Lets the log's clock follow the machine's, as the core thread does between events.
    pub(super) fn look_around(&mut self) {
        let now = self.now();
        let Some(node) = &mut self.node else { return };
        node.core.follow_clock(now);
        self.at(LOOK_AROUND, Happening::LookAround(self.life));
    }

    /// Commands and questions arrive at the node, which takes them or not.
    pub(super) fn deliver(&mut self, jobs: &[usize]) -> Result<(), Stop> {
        let now = self.now();
        let Some(node) = &mut self.node else { return Ok(()) };
        if !node.core.takes_submissions() || self.phase == Phase::Stopping {
            return Ok(());
        }
        // Answers are taken also where there is no room for anything new.
        let takes_answers = node.core.follow_clock(now) == ClockState::Steady;
        let takes = takes_answers && node.writer.space() != Space::Short;
        let offset = node.core.clock().offset();
        let stamped = Timestamp::from_nanoseconds(now.monotonic + offset).expect("log time is after 1970");
        let (mut sent, mut asked) = (Vec::new(), Vec::new());
        for job in jobs.iter().copied().filter(|job| !self.jobs[*job].is_answered) {
            match self.jobs[job].wish.clone() {
                Wish::Do(Step::Pay(payment)) => {
                    let message = u8::try_from(self.random.below(200)).expect("it is below 256");
                    sent.push((job, Step::Pay(Pay { stamped, message, ..payment })));
                }
                Wish::Do(step) => sent.push((job, step)),
                Wish::Ask(query) => asked.push((job, query)),
            }
        }
        sent.retain(|(_, step)| takes || takes_answers && matches!(step, Step::Answer { .. }));
        // What a restore has made too early is not taken, and whoever sent it is told so at once.
        let rules_version = node.core.ledger().rules_version();
        let jobs = &mut self.jobs;
        sent.retain(|(job, step)| {
            let is_known = step.first_version() <= rules_version;
            jobs[*job].is_answered |= !is_known;
            is_known
        });
        if !sent.is_empty() {
            let mut writer = commands();
            sent.iter().for_each(|(_, step)| write(&mut writer, step));
            for (record, (_, step)) in writer.split().zip(&sent) {
                self.auditor.sent(record, step);
            }
            self.ticket += 1;
            self.note(&format!("ticket {} submits {:?}", self.ticket, sent));
            let is_stale = self.random.happens(self.plan.stale_evidence);
            let node = self.node.as_ref().expect("it has been asked for its room");
            writer.stamp_activation(&node.core.ledger().activation_table());
            if !is_stale && let Err(error) = node.duplicates.look_up(&mut writer) {
                return self.evidence_unreadable(&error);
            }
            let submission = Submission::new(writer, self.ticket).expect("a few commands fit a frame");
            self.waiting.insert(self.ticket, Waiting::Outcomes(sent));
            self.step(Event::Submit(submission))?;
        }
        for (job, query) in asked {
            let is_ready = self.node.as_ref().is_some_and(|node| node.core.takes_submissions());
            if !is_ready {
                break;
            }
            self.ticket += 1;
            self.note(&format!("ticket {} asks {query:?}", self.ticket));
            self.waiting.insert(self.ticket, Waiting::Answer(job, query));
            self.step(Event::Ask(question(query), self.ticket))?;
        }
        let at_once = self.random.happens(self.plan.frame_idle_at_once);
        let pause = if at_once { 0 } else { self.pause(MILLISECOND) };
        self.at(pause, Happening::Idle(self.life));
        Ok(())
    }

    /// Steps the node and carries out what it says.
    pub(super) fn step(&mut self, event: Event<u32>) -> Result<(), Stop> {
        let now = self.now();
        let Some(node) = &mut self.node else { return Ok(()) };
        let mut actions = Vec::new();
        node.core.step(event, now, &mut actions);
        let outcomes = node.core.outcomes().to_vec();
        self.wake_banks();
        self.carry_out_all(actions, &outcomes)
    }

    /// Carries out what the node says, as long as it lives: one of these things may end it, and then nobody hears the
    /// rest.
    fn carry_out_all(&mut self, actions: Vec<Action<u32>>, outcomes: &[Outcome]) -> Result<(), Stop> {
        let life = self.life;
        for action in actions {
            if self.life != life {
                break;
            }
            self.carry_out(action, outcomes)?;
        }
        Ok(())
    }

    pub(super) fn carry_out(&mut self, action: Action<u32>, outcomes: &[Outcome]) -> Result<(), Stop> {
        match action {
            Action::Write(frame) => {
                let now = self.now();
                let node = self.node.as_mut().expect("a node that acts is there");
                let log_time = node.core.clock().clone().read(now);
                self.auditor.sealed(&frame, log_time)?;
                assert!(node.held.is_none(), "one frame is being written at a time");
                let header = *frame.header();
                node.held = Some(frame);
                let (batch, kind, count) = (header.batch, header.kind, header.record_count);
                self.note(&format!("batch {batch} is sealed: {kind:?}, {count} records"));
                let pause = self.pause(50 * MICROSECOND);
                self.at(pause, Happening::WriteStart(self.life));
                if self.ambush == Some(Ambush::Takeover) {
                    self.ambush = None;
                    self.at(0, Happening::Takeover);
                }
            }
            Action::Reply(ticket, range) => self.reply(ticket, &outcomes[range])?,
            Action::Answer(ticket, answered) => {
                // What is decided again was there before, and comes once more.
                let mut before = self.waiting.range(..ticket);
                if before.any(|(before, waiting)| {
                    matches!(waiting, Waiting::Outcomes(_)) && !self.is_asked_again.contains(before)
                }) {
                    return Err(Stop::Wrong("promise 5: a question overtakes a command".to_owned()));
                }
                let (job, query) = match self.waiting.remove(&ticket) {
                    Some(Waiting::Answer(job, query)) => (job, query),
                    Some(Waiting::Open(bank, link)) => return self.open_questions(bank, link, answered),
                    Some(Waiting::Outcomes(_) | Waiting::Run(_)) | None => {
                        return Err(Stop::Wrong(format!("nobody asked ticket {ticket}")));
                    }
                };
                self.auditor.answered(query, &answered)?;
                self.note(&format!("ticket {ticket} is answered as of {}", answered.as_of.sequence));
                self.jobs[job].is_answered = true;
                self.answers += 1;
            }
            Action::WakeAt(monotonic) => {
                let pause = (monotonic - self.now().monotonic).max(0);
                self.at(pause, Happening::Idle(self.life));
            }
            Action::Late { .. } => {}
            Action::LookUp(mut look_up) => {
                let node = self.node.as_ref().expect("a node that acts is there");
                if let Err(error) = node.duplicates.complete(&mut look_up, &digest_key()) {
                    return self.evidence_unreadable(&error);
                }
                let (ticket, answered) = look_up.into_answer();
                return self.carry_out(Action::Answer(ticket, answered), outcomes);
            }
            Action::AskAgain(submission) => return self.ask_again(submission),
            Action::Halt(reason) => {
                self.note(&format!("the node halts: {reason}"));
                return self.after_failure();
            }
            Action::Stopped => {
                self.note("the node has stopped in good order");
                self.has_stopped = self.phase == Phase::Stopping;
            }
        }
        Ok(())
    }

    pub(super) fn reply(&mut self, ticket: u32, outcomes: &[Outcome]) -> Result<(), Stop> {
        self.is_asked_again.remove(&ticket);
        let sent = match self.waiting.remove(&ticket) {
            Some(Waiting::Outcomes(sent)) => sent,
            Some(Waiting::Run(number)) => return self.named(number, outcomes),
            Some(Waiting::Answer(..) | Waiting::Open(..)) | None => {
                return Err(Stop::Wrong(format!("nobody sent ticket {ticket}")));
            }
        };
        crate::compare::same("outcomes of a submission", &sent.len(), &outcomes.len())?;
        // A client that has gone is told nothing, but what it would be told must be true.
        let is_lost = self.phase == Phase::Trouble && self.random.happens(self.plan.reply_lost);
        for ((job, step), outcome) in sent.iter().zip(outcomes) {
            self.auditor.told(step, outcome)?;
            self.told += 1;
            if !is_lost {
                self.jobs[*job].is_answered = true;
                self.last_told = self.last_told.max(outcome.sequence);
            }
            self.note(&format!("ticket {ticket}: sequence {} {:?}", outcome.sequence, outcome.verdict));
        }
        Ok(())
    }

    /// The disk gets the frame.
    pub(super) fn write_start(&mut self) -> Result<(), Stop> {
        self.ambush_write();
        let Some(node) = &mut self.node else { return Ok(()) };
        let Some(mut frame) = node.held.take() else { return Ok(()) };
        let result = node.writer.append(&mut frame);
        let batch = frame.header().batch;
        if matches!(result, Append::Durable) {
            self.auditor.durable(&frame)?;
        }
        let verdict = format!("{result:?}");
        let is_off = is_off(&self.storage);
        let node = self.node.as_mut().expect("it has just written");
        let wants_segment = node.writer.space() != Space::Ample;
        node.written = Some((frame, result));
        self.note(&format!("batch {batch}: {verdict}"));
        if is_off {
            return self.lose_power();
        }
        if wants_segment {
            let pause = self.pause(5 * MILLISECOND);
            self.at(pause, Happening::Prepare(self.life));
        }
        let most = if self.time < self.slow_until { 6 * SECOND } else { self.plan.write_max };
        let pause = self.pause(most);
        self.at(pause, Happening::WriteDone(self.life));
        Ok(())
    }

    /// The node learns what came of the write.
    pub(super) fn write_done(&mut self) -> Result<(), Stop> {
        let now = self.now();
        let Some(node) = &mut self.node else { return Ok(()) };
        let Some((frame, result)) = node.written.take() else { return Ok(()) };
        let is_durable = matches!(result, Append::Durable);
        let confirmed = node.core.clock().clone().read(now);
        let settled = if is_durable { self.auditor.apply_all()? } else { Vec::new() };
        let late = Auditor::late(&settled, confirmed);
        let node = self.node.as_mut().expect("it is there");
        let mut actions = Vec::new();
        node.core.step(Event::Written(frame, result), now, &mut actions);
        let told = actions.iter().map(|action| if let Action::Late { count } = action { *count } else { 0 });
        crate::compare::same("late confirmations", &late, &told.sum())?;
        if is_durable {
            self.auditor.state(node.core.ledger())?;
            self.auditor.finals(node.core.finals())?;
            self.quiet_since = self.time;
        }
        self.reserved = self.auditor.model.open_questions();
        let node = self.node.as_ref().expect("it is there");
        if is_durable && node.writer.space() == Space::Short {
            self.ended_without_room += u64::try_from(node.core.finals().len()).expect("64 bits");
        }
        let outcomes = node.core.outcomes().to_vec();
        self.wake_banks();
        self.carry_out_all(actions, &outcomes)?;
        self.at(0, Happening::Idle(self.life));
        Ok(())
    }

    pub(super) fn prepare(&mut self) -> Result<(), Stop> {
        self.ambush_segment();
        let Some(node) = &mut self.node else { return Ok(()) };
        let prepared = node.preparer.step();
        self.note(&format!("the preparer: {prepared:?}"));
        if is_off(&self.storage) {
            return self.lose_power();
        }
        let pause = match prepared {
            Prepared::Enough => return Ok(()),
            Prepared::Made { .. } => self.pause(5 * MILLISECOND),
            Prepared::Short(_) => SECOND,
            Prepared::Failed(_) => return self.after_failure(),
        };
        self.at(pause, Happening::Prepare(self.life));
        Ok(())
    }

    pub(super) fn start(&mut self) -> Result<(), Stop> {
        if self.node.is_some() {
            return Ok(());
        }
        self.restore()?;
        self.rot();
        let started = crate::node::open(&self.storage, self.plan.segment_size, self.random.bits());
        let now = self.now();
        let start = self.how_it_starts(now);
        let started = started.and_then(|journal| start.run(journal));
        self.started(started)
    }

    /// What a start is given.
    pub(super) fn how_it_starts(&mut self, now: Now) -> Start<'_> {
        Start {
            auditor: &mut self.auditor,
            identity: self.identity,
            now,
            begins_under: self.plan.begins_under,
            following: self.plan.following,
            seal_marks: self.plan.seal_marks,
            whole: (!self.media_harmed).then(|| self.storage.clone()),
        }
    }

    pub(super) fn started(&mut self, started: Result<Node, Down>) -> Result<(), Stop> {
        let error = match started {
            Ok(node) => {
                self.auditor.serves(node.core.clock().clone().read(self.now()));
                // What a snapshot covers is not looked at.
                if let Some((batch, place)) = &self.rotten
                    && *batch > node.covered
                {
                    return Err(Stop::Wrong(format!("promise 2: it starts over damage at {place}")));
                }
                if let Some(fault) = node.passed_over.as_ref().filter(|_| !self.media_harmed) {
                    return Err(Stop::Wrong(format!(
                        "promise 2: a snapshot that counts can't be read: {fault}"
                    )));
                }
                self.starts_from_snapshot += u64::from(node.covered > BatchNumber(0));
                let (covered, at) = (node.covered, self.auditor.at().sequence);
                self.note(&format!("the node serves, from {at}, after a snapshot at batch {covered}"));
                self.node = Some(node);
                self.life += 1;
                self.starts += 1;
                self.quiet_since = self.time;
                self.at(0, Happening::Idle(self.life));
                self.at(0, Happening::Prepare(self.life));
                self.at(LOOK_AROUND, Happening::LookAround(self.life));
                let pause = self.pause(self.plan.follow_pause_max);
                self.at(pause, Happening::Follow(self.life));
                let pause = self.pause(self.plan.seal_pause_max);
                self.at(pause, Happening::Seal(self.life));
                if self.phase != Phase::Trouble {
                    self.set_clock();
                }
                return Ok(());
            }
            Err(Down::Wrong(violation)) => return Err(Stop::Wrong(violation)),
            Err(Down::Stopped(place)) if self.media_harmed => {
                return Err(Stop::Ended(Ending::Stopped(place)));
            }
            Err(Down::Stopped(place)) => {
                return Err(Stop::Wrong(format!("it stops for damage that nobody did: {place}")));
            }
            Err(Down::InWindow) => return Err(Stop::Ended(Ending::InWindow)),
            Err(Down::Again(error)) => error,
        };
        self.note(&format!("the node does not start: {error}"));
        self.after_failure()
    }
}

#[cfg(test)]
#[path = "serving_tests.rs"]
mod tests;
