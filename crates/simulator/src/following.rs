//! The node's follower in a simulation: when it works, what goes wrong with its snapshots, and what it must have come to.

use engine::{FollowError, Followed};
use journal::{Fault, MemoryStorage, ReadError, Storage, TrimError};

use super::troubles::{device_error, is_off};
use super::{Happening, Phase, Simulation, Stop};
use crate::node::Node;

/// What a snapshot's file is called while it is written.
const UNFINISHED: &str = ".new";

impl Simulation {
    /// The follower does one piece of work, and looks again after a while.
    pub(super) fn follow(&mut self) -> Result<(), Stop> {
        let followed = self.follower_step(|follower| follower.step())?;
        let most = match followed {
            Some(Followed::Idle) | None => self.plan.follow_pause_max,
            Some(_) => self.plan.follow_pause_max / 4,
        };
        let pause = self.pause(most);
        self.at(pause, Happening::Follow(self.life));
        Ok(())
    }

    /// One of the writes of a snapshot is acknowledged and lost. The log has all that it would have covered, so nothing
    /// is lost by it, if it is read back before anything leaves.
    pub(super) fn lose_a_snapshot(&mut self) -> Result<(), Stop> {
        // Made, the state, the header: then it is synced.
        let write = self.first_operation() + 1 + self.random.index(2);
        self.snapshot_with(write, Fault::LostWrite)
    }

    /// The machine stops, or the disk fails, at one of the steps by which a snapshot comes to count.
    pub(super) fn stop_in_a_snapshot(&mut self) -> Result<(), Stop> {
        // Six to write it, four to name it and remove an older one, and the moves into the archive.
        let operation = self.first_operation() + self.random.index(16);
        let fault = if self.random.happens(700) { Fault::PowerLoss } else { device_error() };
        self.is_armed = true;
        self.snapshot_with(operation, fault)
    }

    /// Writes a snapshot with a fault at one of the disk's next operations, and reads it back at once.
    fn snapshot_with(&mut self, operation: usize, fault: Fault) -> Result<(), Stop> {
        let has_replayed = |node: &Node| node.follower.state().is_some() && node.follower.tail().batch.0 > 0;
        if !self.node.as_ref().is_some_and(has_replayed) {
            self.is_armed = false;
            return Ok(());
        }
        self.storage.inject(operation, fault);
        let written = self.follower_step(|follower| follower.write_snapshot())?;
        if matches!(written, Some(Followed::Written { .. })) {
            self.follower_step(|follower| follower.step())?;
        }
        Ok(())
    }

    /// The operation by which the next snapshot's file is made: one that was left by an earlier try goes first.
    fn first_operation(&self) -> usize {
        let names = self.storage.list().unwrap_or_default();
        let is_left = names.iter().any(|name| name.starts_with("snapshot-") && name.ends_with(UNFINISHED));
        self.storage.operations().len() + usize::from(is_left)
    }

    /// Lets the follower work. Once it has replayed what the node has applied, its state must be the right one.
    fn follower_step(
        &mut self,
        work: impl FnOnce(&mut engine::Follower<MemoryStorage>) -> Result<Followed, FollowError>,
    ) -> Result<Option<Followed>, Stop> {
        let Some(node) = &mut self.node else { return Ok(None) };
        let worked = work(&mut node.follower);
        if is_off(&self.storage) {
            self.lose_power()?;
            return Ok(None);
        }
        let followed = match worked {
            Ok(followed) => followed,
            Err(error) => return self.follower_ends(&error).map(|()| None),
        };
        match followed {
            Followed::Idle | Followed::Frames => {}
            Followed::Loaded { .. }
            | Followed::Written { .. }
            | Followed::PutOff
            | Followed::Removed { .. } => {
                self.note(&format!("the follower: {followed:?}"));
            }
            Followed::Snapshot { .. } => {
                self.note(&format!("the follower: {followed:?}"));
                self.snapshots += 1;
            }
        }
        let node = self.node.as_ref().expect("it has just worked");
        if let Some(replayer) = node.follower.state()
            && self.auditor.applied() == node.follower.tail().batch
        {
            self.auditor.state(replayer.ledger())?;
        }
        Ok(Some(followed))
    }

    /// The node ends with its follower: at a disk that fails, and at damage that was done to it.
    fn follower_ends(&mut self, error: &FollowError) -> Result<(), Stop> {
        self.note(&format!("the follower ends the node: {error}"));
        let is_the_disk = match error {
            FollowError::Read(ReadError::Storage(_))
            | FollowError::Write(_)
            | FollowError::Storage(_)
            | FollowError::Trim(TrimError::Unknown(_) | TrimError::Poisoned) => true,
            FollowError::Read(_)
            | FollowError::Divergence { .. }
            | FollowError::State { .. }
            | FollowError::Snapshot { .. }
            | FollowError::Trim(_) => false,
        };
        if !is_the_disk && !self.media_harmed {
            return Err(Stop::Wrong(format!("promise 6: the follower ends without a reason: {error}")));
        }
        assert!(
            self.phase != Phase::Stopping || self.media_harmed || self.is_armed,
            "a healed disk does not fail"
        );
        self.after_failure()
    }
}
