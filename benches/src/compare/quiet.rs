//! Whether the machine was left alone while something was measured.
//!
//! Invariant: a figure counts only if nobody else used the processors, before or during, and the disk stayed what it
//! was. The rule is applied to what was observed, never to the figures.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::disk::SyncLatency;
use super::proc::{OwnTicks, ProcessorTicks};

/// The most that others may use of the processors.
const FOREIGN_SHARE_MAX: f64 = 0.05;

/// How often the machine is looked at before a measurement that would not count is made all the same: a short
/// disturbance is waited out.
const LOOKS_MAX: usize = 20;

/// How often the disk is asked again before it counts as changed: what a node has just written may still be on its
/// way.
const PROBES_MAX: usize = 4;

/// The wait between two such probes.
const PROBE_PAUSE: Duration = Duration::from_millis(250);

/// What went on beside a measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Surroundings {
    /// The share of the processors that others used before.
    pub(crate) foreign_before: f64,
    /// The share that others used meanwhile.
    pub(crate) foreign_during: f64,
    /// The share that the host took away meanwhile.
    pub(crate) steal: f64,
    /// The disk before and after, if it takes part.
    pub(crate) disk: Option<[SyncLatency; 2]>,
}

/// A measurement under way.
#[derive(Debug)]
pub(crate) struct Watch {
    folder: Option<PathBuf>,
    foreign_before: f64,
    disk: Option<SyncLatency>,
    start: (ProcessorTicks, OwnTicks),
}

impl Watch {
    /// Looks around for so long, or longer while others are busy, and starts to watch. The disk is that of the folder.
    pub(crate) fn start(look: Duration, folder: Option<&Path>) -> anyhow::Result<Self> {
        let mut foreign_before = foreign_share(look)?;
        for _ in 1..LOOKS_MAX {
            if foreign_before <= FOREIGN_SHARE_MAX {
                break;
            }
            foreign_before = foreign_share(look)?;
        }
        let disk = folder.map(steady).transpose()?;
        Ok(Self { folder: folder.map(Path::to_owned), foreign_before, disk, start: now()? })
    }

    /// Ends the measurement. No process of ours may have ended since the beginning.
    pub(crate) fn end(self) -> anyhow::Result<Surroundings> {
        let (foreign_during, steal) = shares(&self.start, &now()?)?;
        let disk = match (self.folder, self.disk) {
            (Some(folder), Some(before)) => Some([before, settled(&folder, before)?]),
            _ => None,
        };
        Ok(Surroundings { foreign_before: self.foreign_before, foreign_during, steal, disk })
    }
}

/// The share of the processors that others use, in the next so long.
fn foreign_share(look: Duration) -> anyhow::Result<f64> {
    let before = now()?;
    thread::sleep(look);
    let (foreign, _) = shares(&before, &now()?)?;
    Ok(foreign)
}

fn now() -> anyhow::Result<(ProcessorTicks, OwnTicks)> {
    Ok((ProcessorTicks::now()?, OwnTicks::now()?))
}

/// The disk before a measurement, asked again until it says the same twice.
pub(crate) fn steady(folder: &Path) -> anyhow::Result<SyncLatency> {
    let mut disk = SyncLatency::measure(folder)?;
    for _ in 1..PROBES_MAX {
        let again = SyncLatency::measure(folder)?;
        if !again.moved(disk) {
            return Ok(again);
        }
        thread::sleep(PROBE_PAUSE);
        disk = again;
    }
    Ok(disk)
}

/// The disk after a measurement, asked again while it differs.
pub(crate) fn settled(folder: &Path, before: SyncLatency) -> anyhow::Result<SyncLatency> {
    let mut after = SyncLatency::measure(folder)?;
    for _ in 1..PROBES_MAX {
        if !after.moved(before) {
            break;
        }
        thread::sleep(PROBE_PAUSE);
        after = SyncLatency::measure(folder)?;
    }
    Ok(after)
}

type Ticks = (ProcessorTicks, OwnTicks);

/// The shares of the processors that others used and that the host took, between two times.
fn shares(before: &Ticks, after: &Ticks) -> anyhow::Result<(f64, f64)> {
    let machine = after.0.since(before.0);
    let own = after.1.since(&before.1)?;
    Ok((share(machine.busy.saturating_sub(own), machine.total()), share(machine.steal, machine.total())))
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl Surroundings {
    /// Why the measurement does not count; empty if it does.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (when, foreign) in [("before", self.foreign_before), ("during", self.foreign_during)] {
            if foreign > FOREIGN_SHARE_MAX {
                faults.push(format!("others used {:.1} % of the processors {when} it", foreign * 100.0));
            }
        }
        if let Some([before, after]) = self.disk
            && before.moved(after)
        {
            let (before, after) = (before.p99.as_micros(), after.p99.as_micros());
            faults.push(format!("the disk's sync p99 went from {before} us to {after} us"));
        }
        faults
    }

    pub(crate) fn to_json(self) -> Value {
        json!({
            "foreign_cpu_before": self.foreign_before,
            "foreign_cpu_during": self.foreign_during,
            "steal": self.steal,
            "sync_micros": self.disk.map(|probes| probes.map(sync_json)),
        })
    }
}

/// A probe of the disk for programs, in microseconds.
pub(crate) fn sync_json(probe: SyncLatency) -> Value {
    let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    json!({ "p50": micros(probe.p50), "p99": micros(probe.p99) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sync(p99: u64) -> SyncLatency {
        SyncLatency { p50: Duration::from_micros(60), p99: Duration::from_micros(p99) }
    }

    fn quiet() -> Surroundings {
        let disk = Some([sync(100), sync(180)]);
        Surroundings { foreign_before: 0.01, foreign_during: 0.049, steal: 0.5, disk }
    }

    #[test]
    fn a_quiet_machine_counts_whatever_the_host_takes() {
        assert_eq!(quiet().faults(), Vec::<String>::new());
        assert!(Surroundings { disk: None, ..quiet() }.faults().is_empty());
    }

    #[test]
    fn each_disturbance_is_named() {
        let busy = Surroundings { foreign_before: 0.06, foreign_during: 0.2, ..quiet() };
        assert_eq!(
            busy.faults(),
            [
                "others used 6.0 % of the processors before it",
                "others used 20.0 % of the processors during it"
            ]
        );
        for (before, after) in [(100, 250), (250, 100)] {
            let moved = Surroundings { disk: Some([sync(before), sync(after)]), ..quiet() };
            assert_eq!(moved.faults(), [format!("the disk's sync p99 went from {before} us to {after} us")]);
        }
    }

    #[test]
    fn what_is_not_ours_is_foreign() {
        assert!((share(10, 200) - 0.05).abs() < 1e-9);
        assert!(share(1, 0).abs() < 1e-9);
    }

    #[test]
    fn programs_get_it_too() {
        let json = quiet().to_json();
        assert_eq!(json["sync_micros"][1]["p99"], 180);
        assert_eq!(json["steal"], 0.5);
    }
}
