//! What a simulation came to.

/// How a simulation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything was answered, and the state is the model's.
    Converged,
    /// The node found damage that was done to it, and stopped with the place.
    Stopped(String),
    /// The device lost the log's last write before another followed: the documented window of a single copy.
    InWindow,
}

/// What a simulation went through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How it ended.
    pub ending: Ending,
    /// Stands for every line of the trace.
    pub trace: u64,
    /// How many lines the trace has.
    pub lines: u64,
    /// Starts of the node that came to serve.
    pub starts: u64,
    /// Commands that were decided.
    pub decided: u64,
    /// Outcomes that were told and checked.
    pub told: u64,
    /// Answers to questions that were checked.
    pub answers: u64,
    /// Things that banks heard and that were checked: as they happened, from the log, and from the state.
    pub heard: u64,
    /// Snapshots that came to count.
    pub snapshots: u64,
    /// Starts that began from one.
    pub starts_from_snapshot: u64,
    /// Restores from a backup to some frame of the log.
    pub restores: u64,
    /// Payments that were answered or expired while there was no room for new ones.
    pub ended_without_room: u64,
    /// Runs of payments on disk that the log has named.
    pub runs: u64,
    /// Submissions that were looked up again, because payments had left the table meanwhile.
    pub asked_again: u64,
    /// Payments that were asked back, and those of them that came back.
    pub recalls: [u64; 2],
    /// Bounds of positions and limits that were crossed.
    pub crossings: u64,
    /// What came of the answers of banks, by [`ledger::AnswerEffect::ALL`].
    pub effects: [u64; 6],
}
