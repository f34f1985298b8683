//! The rows of what lasts, which other programs show than this one: snapshots, sustained load, recovery,
//! verification of payee and history.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use super::binary::Binary;
use super::contest::Findings;
use super::folders::remove;
use super::history_size::{self, Sizes};
use super::recovery::{self, Extents, Recovery};
use super::rows::{Experiment, Laboratory, Outcome};
use super::snapshots::{self, SnapshotCost};
use super::sustained::{self, Steady, Sustained};
use super::trial::{Method, Trials, measure};
use super::verifying::{self, Verifying};

/// Bytes of log after which a snapshot follows: several times in a trial, full or quick.
const SNAPSHOT_AFTER_BYTES: [u64; 2] = [256 << 20, 64 << 20];

/// Trials of a recovery that must count: each needs a copy of everything.
const RECOVERY_TRIALS: [usize; 2] = [3, 1];

/// What these experiments take. A program is there if one of those that take it was chosen.
#[derive(Clone, Debug)]
pub(crate) struct Lasting {
    solvo: Option<Binary>,
    history_size: Option<Binary>,
    steady: Steady,
}

impl Lasting {
    /// Looks for the programs that the experiments take, so that nobody learns after an hour that one is missing.
    pub(crate) fn find(
        chosen: &[Experiment],
        [solvo, history_size]: [Option<&Path>; 2],
        steady: Steady,
    ) -> anyhow::Result<Self> {
        let takes_solvo =
            [Experiment::Snapshot, Experiment::Sustained, Experiment::Recovery, Experiment::Verification]
                .iter()
                .any(|one| chosen.contains(one));
        let takes_history_size = chosen.contains(&Experiment::HistorySize);
        Ok(Self {
            solvo: takes_solvo.then(|| Binary::solvo(solvo)).transpose()?,
            history_size: takes_history_size.then(|| Binary::history_size(history_size)).transpose()?,
            steady,
        })
    }

    fn solvo(&self) -> anyhow::Result<Binary> {
        self.solvo.clone().context("the real binary was not looked for")
    }
}

/// How long a steady load is, full or quick.
const STEADY_MINUTES: [u64; 2] = [10, 1];

impl Steady {
    /// So many payments a second, for so many minutes if a number is given.
    pub(crate) fn new(per_second: u64, minutes: Option<u64>, quick: bool) -> Self {
        let minutes = minutes.unwrap_or(STEADY_MINUTES[usize::from(quick)]);
        Self { per_second, span: Duration::from_secs(60 * minutes) }
    }
}

impl Laboratory {
    pub(crate) async fn snapshot(&mut self) -> anyhow::Result<Outcome> {
        let binary = self.lasting.solvo()?;
        let method = Method { span: self.method.span.max(snapshots::SPAN_MIN), ..self.method.clone() };
        let after_bytes = SNAPSHOT_AFTER_BYTES[usize::from(self.quick)];
        let Self { folders, teller, .. } = self;
        let mut cost = SnapshotCost::new(after_bytes, binary, &method, folders, teller);
        let trials = measure(&mut cost, &method, teller).await?;
        let findings = cost.finish().await?;
        let rows = snapshots::rows(&trials, &findings);
        let details = json!({ "accounts": snapshots::ACCOUNTS, "snapshot_after_bytes": after_bytes });
        Ok(Outcome { experiment: Experiment::Snapshot, rows, trials, findings, details })
    }

    pub(crate) async fn sustained(&mut self) -> anyhow::Result<Outcome> {
        let (binary, steady) = (self.lasting.solvo()?, self.lasting.steady);
        let method = Method { trials: 1, span: steady.span, ..self.method.clone() };
        let Self { folders, teller, .. } = self;
        let mut sustained = Sustained::new(steady, binary, &method, folders, teller);
        let trials = measure(&mut sustained, &method, teller).await?;
        let findings = sustained.finish().await?;
        let rows = sustained::rows(steady, &trials, &findings);
        Ok(Outcome { experiment: Experiment::Sustained, rows, trials, findings, details: Value::Null })
    }

    pub(crate) async fn recovery(&mut self) -> anyhow::Result<Outcome> {
        let binary = self.lasting.solvo()?;
        let quick = usize::from(self.quick);
        let extents = [Extents::FULL, Extents::QUICK][quick];
        let method = Method { trials: RECOVERY_TRIALS[quick], ..self.method.clone() };
        let Self { folders, teller, .. } = self;
        let mut recovery = Recovery::new(extents, binary, folders, teller);
        let trials = measure(&mut recovery, &method, teller).await?;
        let (findings, details) = recovery.finish().await?;
        let rows = recovery::rows(&details, &trials, &findings);
        Ok(Outcome { experiment: Experiment::Recovery, rows, trials, findings, details })
    }

    pub(crate) async fn verification(&mut self) -> anyhow::Result<Outcome> {
        let binary = self.lasting.solvo()?;
        let method = self.method.clone();
        let Self { folders, teller, .. } = self;
        let mut verifying = Verifying::new(binary, &method, folders, teller);
        let trials = measure(&mut verifying, &method, teller).await?;
        let findings = verifying.finish().await?;
        let rows = verifying::rows(&trials, &findings);
        Ok(Outcome { experiment: Experiment::Verification, rows, trials, findings, details: Value::Null })
    }

    pub(crate) fn history_size(&mut self) -> anyhow::Result<Outcome> {
        let example = self.lasting.history_size.as_ref().context("the example was not looked for")?;
        let sizes = [Sizes::FULL, Sizes::QUICK][usize::from(self.quick)];
        let folder = self.method.folder.join("history");
        let found = history_size::measure(example.path(), sizes, &folder, &self.teller)?;
        remove(&folder)?;
        let rows = history_size::rows(&found)?;
        let (trials, findings) = (Trials::default(), Findings::default());
        let details = Value::Array(found.into());
        Ok(Outcome { experiment: Experiment::HistorySize, rows, trials, findings, details })
    }
}
