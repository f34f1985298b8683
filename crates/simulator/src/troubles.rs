//! What goes wrong: crashes, faults of the disk, clocks, other writers.

use journal::{
    ARCHIVE_NAME, Append, Fate, Fault, MemoryStorage, Reader, Space, Storage, StorageErrorKind, Unsynced,
    Writer, segment_name,
};
use types::BatchNumber;

use super::{Happening, MILLISECOND, Phase, SECOND, Simulation, Stop};
use crate::banks::Behaviour;
use crate::plan::{Losses, Trouble};

/// What waits for its moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ambush {
    /// The next write of a frame.
    Write(Fault),
    /// The making of the next segment.
    Segment,
    /// The moment when a frame waits to be written.
    Takeover,
    /// The moment when a bank has heard a question.
    Forwarded,
}

impl Simulation {
    /// One of the plan's troubles, and when the next one comes.
    pub(super) fn trouble(&mut self) -> Result<(), Stop> {
        if self.phase != Phase::Trouble {
            return Ok(());
        }
        let pause = self.pause(self.plan.trouble_pause_max);
        self.at(pause, Happening::Trouble);
        // A node that is down anyway meets few of them.
        let is_down = self.node.is_none() && !self.random.happens(200);
        if self.plan.troubles.is_empty() || self.troubles == self.plan.troubles_max || is_down {
            return Ok(());
        }
        self.troubles += 1;
        let trouble = *self.random.one_of(&self.plan.troubles);
        self.note(&format!("trouble: {trouble:?}"));
        match trouble {
            Trouble::PowerLoss => return self.lose_power(),
            Trouble::PowerLossSoon => self.arm(Fault::PowerLoss),
            Trouble::Exit => self.exit(),
            Trouble::DiskError if self.random.happens(500) => self.ambush = Some(Ambush::Segment),
            Trouble::DiskError => self.arm(device_error()),
            Trouble::DiskFull => {
                self.storage.limit_space(Some(0));
                // Some are full for longer than payments wait.
                let most = *self.random.one_of(&[4 * SECOND, 60 * SECOND]);
                let pause = self.pause(most);
                self.at(pause, Happening::Space);
            }
            Trouble::SlowDisk => {
                let pause = self.pause(20 * SECOND);
                self.slow_until = self.time + pause;
            }
            Trouble::ClockStep => {
                let step = *self.random.one_of(&[SECOND / 10, SECOND, 60 * SECOND, 7200 * SECOND]);
                let step = self.random.between(-step, step);
                self.wall_error = if self.random.happens(400) { 0 } else { self.wall_error + step };
            }
            Trouble::Pause => {
                let day = 86_400 * SECOND;
                let most = *self.random.one_of(&[SECOND, 10 * SECOND, 10 * SECOND, 3 * day, 6 * day]);
                self.paused += self.pause(most);
                // Whatever was to happen meanwhile happens now.
                self.at(0, Happening::Idle(self.life));
            }
            Trouble::Takeover => self.ambush = Some(Ambush::Takeover),
            Trouble::LostWrite => self.ambush = Some(Ambush::Write(Fault::LostWrite)),
            Trouble::MisdirectedWrite => {
                let blocks = self.plan.segment_size.bytes() / 4096;
                let offset = 4096 * self.random.below(blocks);
                self.ambush = Some(Ambush::Write(Fault::MisdirectedWrite { offset }));
            }
            // Bits flip, or the folder is lost, while the node is down.
            Trouble::Rot | Trouble::Restore => self.exit(),
            Trouble::BankLeaves => {
                let bank = self.random.index(self.banks.len());
                return self.disconnect(bank, 20 * SECOND);
            }
            Trouble::BankChanges => {
                let bank = self.random.index(self.banks.len());
                self.banks[bank].behaviour = Behaviour::draw(&mut self.random);
                self.note(&format!("bank {bank} becomes {:?}", self.banks[bank].behaviour));
            }
            Trouble::EndAfterForward => self.ambush = Some(Ambush::Forwarded),
            Trouble::LostSnapshot => return self.lose_a_snapshot(),
            Trouble::StopInSnapshot => return self.stop_in_a_snapshot(),
        }
        Ok(())
    }

    /// There is room again. Meanwhile what waited has been answered or has expired.
    pub(super) fn room_again(&mut self) -> Result<(), Stop> {
        self.expires_in_time()?;
        self.storage.limit_space(None);
        Ok(())
    }

    /// Orders a fault for one of the next operations.
    fn arm(&mut self, fault: Fault) {
        let next = self.storage.operations().len();
        let soon = if self.random.happens(500) { 2 } else { 12 };
        self.storage.inject(next + self.random.index(soon), fault);
        self.is_armed = true;
    }

    /// The write of this frame, or of MANIFEST before it, is lost. Nothing else: the operation must be a write and
    /// not a sync, because no copy survives a disk that lies about those.
    pub(super) fn ambush_write(&mut self) {
        let held = self.node.as_ref().and_then(|node| node.held.as_ref());
        let (Some(held), Some(Ambush::Write(fault))) = (held, self.ambush.clone()) else { return };
        let batch = held.header().batch;
        self.note(&format!("batch {batch} meets {fault:?}"));
        if matches!(fault, Fault::MisdirectedWrite { .. }) {
            self.auditor.stray_writes.insert(batch);
        }
        self.storage.inject_next(fault);
        self.ambush = None;
        self.auditor.lost_writes.insert(batch);
        self.media_harmed = true;
    }

    /// One of the operations that make the next segment fails.
    pub(super) fn ambush_segment(&mut self) {
        let makes_one = self.node.as_ref().is_some_and(|node| node.preparer.space() == Space::Preparing);
        if makes_one && self.ambush == Some(Ambush::Segment) {
            // Create, two writes, sync, rename, sync of the folder: the first sync most often.
            let operation = self.storage.operations().len() + *self.random.one_of(&[0, 1, 2, 3, 3, 3, 4, 5]);
            self.storage.inject(operation, device_error());
            self.ambush = None;
        }
    }

    /// The process ends; what the system has taken over reaches the disk.
    pub(super) fn exit(&mut self) {
        self.note("the process ends");
        self.end_life();
        let fates = self.fates();
        self.storage = self.storage.after_exit(&mut { fates });
        self.restart();
    }

    /// The machine stops; what was not synced is kept, lost or torn.
    pub(super) fn lose_power(&mut self) -> Result<(), Stop> {
        self.note("the machine loses power");
        self.end_life();
        let fates = self.fates();
        self.storage = self.storage.after_power_loss(&mut { fates });
        self.restart();
        Ok(())
    }

    /// The process ended itself, or the machine stopped under it.
    pub(super) fn after_failure(&mut self) -> Result<(), Stop> {
        if is_off(&self.storage) {
            return self.lose_power();
        }
        self.exit();
        Ok(())
    }

    fn end_life(&mut self) {
        self.node = None;
        self.zombie = None;
        self.life += 1;
        self.waiting.clear();
        self.queued.clear();
        self.is_asked_again.clear();
        self.is_armed = false;
        self.ambush = None;
        self.links_end();
    }

    fn restart(&mut self) {
        let most = if self.phase == Phase::Trouble { 3 * SECOND } else { 10 * MILLISECOND };
        let pause = self.pause(most);
        self.at(pause, Happening::Start);
        if self.phase == Phase::Trouble
            && self.plan.troubles.contains(&Trouble::PowerLossSoon)
            && self.random.happens(300)
        {
            let soon = self.random.index(20);
            self.storage.inject(self.storage.operations().len() + soon, Fault::PowerLoss);
            self.is_armed = true;
        }
    }

    fn fates(&mut self) -> impl FnMut(&Unsynced) -> Fate + use<> {
        let losses = self.plan.losses;
        let mut random = crate::random::Random::new(self.random.bits());
        move |_| match losses {
            Losses::All => Fate::Lose,
            Losses::Nothing => Fate::Keep,
            Losses::Any => match random.below(3) {
                0 => Fate::Keep,
                1 => Fate::Lose,
                _ => Fate::Tear(u8::try_from(random.below(256)).expect("it is below 256")),
            },
        }
    }

    /// Bits flip on a disk that is at rest: in a frame that others follow, or anywhere outside the last one.
    pub(super) fn rot(&mut self) {
        if self.phase != Phase::Trouble
            || !self.plan.troubles.contains(&Trouble::Rot)
            || !self.random.happens(300)
        {
            return;
        }
        let mut frames = Vec::new();
        let Ok(reader) = Reader::open(self.storage.clone()) else { return };
        let read = reader.read(BatchNumber(0), &mut |frame, location| {
            let length = u64::try_from(frame.bytes().len() + 64).expect("64 bits");
            frames.push((frame.header().batch, location, length));
            Ok(())
        });
        let Some((_, last, last_length)) = frames.pop().filter(|_| read.is_ok()) else { return };
        let bit = u8::try_from(self.random.below(8)).expect("it is below 8");
        if !frames.is_empty() && self.random.happens(500) {
            let (batch, location, length) = *self.random.one_of(&frames);
            let offset = location.offset + self.random.below(length);
            self.note(&format!("bit rot in the frame at {location}"));
            let name = segment_name(location.segment);
            let archived = format!("{ARCHIVE_NAME}/{name}");
            let is_archived = self.storage.bytes(&name).is_none();
            self.storage.flip_bit(if is_archived { &archived } else { &name }, offset, bit);
            self.rotten = Some((batch, location.to_string()));
        } else {
            let Ok(names) = self.storage.list() else { return };
            let name = self.random.one_of(&names).clone();
            let length = self.storage.bytes(&name).map_or(0, |bytes| bytes.len());
            if length == 0 {
                return;
            }
            let offset = u64::try_from(self.random.index(length)).expect("64 bits");
            let envelope = last.offset..last.offset + last_length.next_multiple_of(4096);
            if name == segment_name(last.segment) && envelope.contains(&offset) {
                return;
            }
            self.note(&format!("bit rot in {name} at {offset}"));
            // What has not been synced may be longer than what has.
            let offset = usize::try_from(offset).expect("64 bits");
            self.storage.change(&name, |bytes| {
                if let Some(byte) = bytes.get_mut(offset) {
                    *byte ^= 1 << bit;
                }
            });
        }
        self.media_harmed = true;
    }

    /// Another claim in the same process; the former writer's frame comes later.
    pub(super) fn take_over(&mut self) -> Result<(), Stop> {
        let Some(mut node) = self.node.take() else { return Ok(()) };
        let Some(frame) = node.held.take() else {
            self.node = Some(node);
            return Ok(());
        };
        self.end_life();
        let now = self.now();
        self.zombie = Some((node.writer, frame));
        let start = self.how_it_starts(now);
        let started = start.run(node.journal);
        let zombie = self.zombie.take();
        self.started(started)?;
        if self.node.is_some() {
            self.zombie = zombie;
            let pause = self.pause(20 * MILLISECOND);
            self.at(pause, Happening::Zombie);
        }
        Ok(())
    }

    /// The former writer's frame: the claim has fenced it off.
    pub(super) fn zombie_writes(&mut self) -> Result<(), Stop> {
        let Some((mut writer, mut frame)) = self.zombie.take() else { return Ok(()) };
        let written = writer.append(&mut frame);
        self.note(&format!("the former writer: {written:?}"));
        match written {
            Append::Fenced { .. } | Append::Unknown(_) => Ok(()),
            Append::Durable | Append::Conflict { .. } | Append::Refused(_) => {
                Err(Stop::Wrong(format!("promise 2: a former writer is not fenced off: {written:?}")))
            }
        }
    }
}

pub(super) fn device_error() -> Fault {
    Fault::Error(StorageErrorKind::Device("input/output error".to_owned()))
}

/// Whether the machine has lost power: then nothing can be read either.
pub(super) fn is_off(storage: &MemoryStorage) -> bool {
    storage.list().is_err()
}
