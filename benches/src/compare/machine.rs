//! The machine that something was measured on: without it a figure says nothing.

use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use anyhow::Context;
use serde_json::{Value, json};
use types::Timestamp;

use super::disk::SyncLatency;
use super::proc;
use super::quiet::sync_json;

/// What does not change while a program runs, and the load when it started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) processor: String,
    pub(crate) memory_bytes: u64,
    pub(crate) kernel: String,
    pub(crate) file_system: String,
    pub(crate) load_average: String,
    pub(crate) date: String,
    pub(crate) revision: String,
}

impl Machine {
    /// Asks the machine; the folder is where data goes.
    pub(crate) fn ask(folder: &Path) -> anyhow::Result<Self> {
        let cores = std::thread::available_parallelism().context("the processors can't be counted")?.get();
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        let now = i64::try_from(since_1970)?.checked_mul(1_000_000_000).context("the clock is wrong")?;
        Ok(Self {
            cores,
            processor: proc::processor_model()?,
            memory_bytes: proc::memory_bytes()?,
            kernel: proc::line("/proc/sys/kernel/osrelease")?,
            file_system: proc::file_system(folder)?,
            load_average: proc::line("/proc/loadavg")?,
            date: Timestamp::from_nanoseconds(now).context("the clock is wrong")?.to_string(),
            revision: revision(),
        })
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "cores": self.cores,
            "processor": self.processor,
            "memory_bytes": self.memory_bytes,
            "kernel": self.kernel,
            "file_system": self.file_system,
            "load_average_at_start": self.load_average,
            "date": self.date,
            "revision": self.revision,
        })
    }
}

/// What was built, as far as git knows it.
fn revision() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(revision) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
    match git(&["status", "--porcelain"]) {
        Some(changes) if changes.is_empty() => revision,
        _ => format!("{revision} with changes"),
    }
}

/// The disk before and after everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Disk {
    pub(crate) before: SyncLatency,
    pub(crate) after: SyncLatency,
}

impl Disk {
    pub(crate) fn to_json(self) -> Value {
        json!({ "before": sync_json(self.before), "after": sync_json(self.after) })
    }
}
