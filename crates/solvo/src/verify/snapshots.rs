//! Snapshots under verification: each must read back to its digest, and be the state that the log gives at its place.

use engine::{Replayer, digest};
use journal::{FileStorage, Reader, SnapshotFault, SnapshotHeader, Tail, snapshot_name};
use ledger::Limits;
use types::BatchNumber;

use crate::verify::{FaultKind, LIMITS};

/// The snapshots of a folder, and what is known about them so far.
#[derive(Debug)]
pub(crate) struct SnapshotChecks {
    /// Those that the log has not come to, oldest first.
    ahead: Vec<SnapshotHeader>,
    /// Those that are the state that the log gives.
    pub(crate) agreed: Vec<SnapshotHeader>,
    /// The one that the verification began with, because the log before it is not there.
    pub(crate) began_with: Option<SnapshotHeader>,
}

impl SnapshotChecks {
    /// Reads every snapshot back to its digest. One that a running node has just removed is none.
    pub(crate) fn new(reader: &Reader<FileStorage>) -> Result<Self, FaultKind> {
        let mut ahead = Vec::new();
        for number in reader.snapshots().into_iter().rev() {
            let read = reader.open_snapshot(number).and_then(journal::SnapshotReader::finish);
            match read {
                Ok(header) => ahead.push(header),
                Err(SnapshotFault::Missing) if number < reader.snapshots()[0] => {}
                Err(fault) => return Err(FaultKind::Snapshot { name: snapshot_name(number), fault }),
            }
        }
        Ok(Self { ahead, agreed: Vec::new(), began_with: None })
    }

    /// The state of the oldest snapshot, to begin with where the log does not reach back to its first frame.
    pub(crate) fn oldest(
        &mut self,
        reader: &Reader<FileStorage>,
        first: BatchNumber,
    ) -> Result<(Replayer, Tail), FaultKind> {
        if self.ahead.is_empty() {
            return Err(FaultKind::Trimmed { first });
        }
        let header = self.ahead.remove(0);
        let fault = |fault| FaultKind::Snapshot { name: snapshot_name(header.number), fault };
        let mut snapshot = reader.open_snapshot(header.number).map_err(fault)?;
        let replayer = Replayer::read_state(&mut snapshot, room(&header))
            .map_err(|error| fault(SnapshotFault::State(error.to_string())))?;
        self.began_with = Some(header);
        Ok((replayer, header.tail))
    }

    /// The log has come to this frame: if a snapshot stands there, it must be this state.
    pub(crate) fn compare(&mut self, batch: BatchNumber, replayer: &Replayer) -> Result<(), FaultKind> {
        let Some(header) = self.ahead.first().filter(|header| header.tail.batch == batch) else {
            return Ok(());
        };
        let replayed = digest(replayer);
        if replayed != header.state_digest {
            let (name, written) = (snapshot_name(header.number), header.state_digest);
            return Err(FaultKind::SnapshotState { name, written, replayed });
        }
        self.agreed.push(self.ahead.remove(0));
        Ok(())
    }
}

/// Room for whatever a state of this length can hold: no item is shorter than 32 bytes.
fn room(header: &SnapshotHeader) -> Limits {
    let items = usize::try_from(header.state_length / 32).unwrap_or(usize::MAX).min(1 << 30);
    let at_least = |room: usize| room.max(items);
    Limits {
        accounts_max: at_least(LIMITS.accounts_max),
        payments_max: at_least(LIMITS.payments_max),
        requests_max: at_least(LIMITS.requests_max),
    }
}
