//! What Linux tells about its processors and processes.
//!
//! Times are in the kernel's ticks (100 a second), which is why only shares over a second or so mean anything.
//! This kernel may count the time of interrupts to the process that they interrupted; then it stands in both of
//! the sums that are compared here.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, ensure};

/// Ticks of all processors together since the machine started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProcessorTicks {
    /// Something was done, by programs or for them.
    pub(crate) busy: u64,
    /// Nothing was to be done, or only to be waited for.
    pub(crate) idle: u64,
    /// The host gave the processor to somebody else.
    pub(crate) steal: u64,
}

impl ProcessorTicks {
    pub(crate) fn now() -> anyhow::Result<Self> {
        Self::parse(&read("/proc/stat")?).context("/proc/stat has another form")
    }

    /// Reads the line `cpu user nice system idle iowait irq softirq steal ...`. Time of guests is part of user.
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.lines().next()?.split_ascii_whitespace();
        if words.next() != Some("cpu") {
            return None;
        }
        let fields: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
        let [user, nice, system, idle, iowait, irq, softirq, steal, ..] = fields[..] else { return None };
        Some(Self { busy: user + nice + system + irq + softirq, idle: idle + iowait, steal })
    }

    /// What has passed since an earlier time.
    pub(crate) const fn since(self, earlier: Self) -> Self {
        Self {
            busy: self.busy.saturating_sub(earlier.busy),
            idle: self.idle.saturating_sub(earlier.idle),
            steal: self.steal.saturating_sub(earlier.steal),
        }
    }

    pub(crate) const fn total(self) -> u64 {
        self.busy + self.idle + self.steal
    }
}

/// Ticks that each of our processes has used: this one and those that it started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnTicks(BTreeMap<u32, u64>);

/// A line of `/proc/<pid>/stat`, as far as it is of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ProcessStat {
    parent: u32,
    ticks: u64,
}

impl ProcessStat {
    /// Reads `pid (name) state parent ...`. The name may hold blanks and parentheses.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self { parent: u32::try_from(number(1)?).ok()?, ticks: number(11)? + number(12)? })
    }
}

impl OwnTicks {
    /// Of this process and all that it started and that still run.
    pub(crate) fn now() -> anyhow::Result<Self> {
        let this = std::process::id();
        let mut ticks = BTreeMap::new();
        for entry in fs::read_dir("/proc").context("/proc can't be read")? {
            let name = entry?.file_name();
            let Some(process) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            // A process that has ended meanwhile is none of ours: those end where we end them.
            let Ok(text) = fs::read_to_string(format!("/proc/{process}/stat")) else { continue };
            let stat = ProcessStat::parse(&text).context("/proc/<pid>/stat has another form")?;
            if process == this || stat.parent == this {
                ticks.insert(process, stat.ticks);
            }
        }
        Ok(Self(ticks))
    }

    /// What has been used since an earlier time, also by processes that were started since then. None may have ended:
    /// what it used is not known any more.
    pub(crate) fn since(&self, earlier: &Self) -> anyhow::Result<u64> {
        ensure!(
            earlier.0.keys().all(|process| self.0.contains_key(process)),
            "a process has ended during a measurement"
        );
        let before = |process| earlier.0.get(process).copied().unwrap_or(0);
        Ok(self.0.iter().map(|(process, ticks)| ticks.saturating_sub(before(process))).sum())
    }
}

/// The processor time that a process has used, in ticks.
pub(crate) fn ticks(process: u32) -> anyhow::Result<u64> {
    let text = read(&format!("/proc/{process}/stat"))?;
    Ok(ProcessStat::parse(&text).context("/proc/<pid>/stat has another form")?.ticks)
}

/// The memory of a process that is not swapped out, in bytes.
pub(crate) fn resident_bytes(process: u32) -> anyhow::Result<u64> {
    status_bytes(process, "VmRSS")
}

/// The most that [`resident_bytes`] has come to since the process began.
pub(crate) fn resident_bytes_max(process: u32) -> anyhow::Result<u64> {
    status_bytes(process, "VmHWM")
}

fn status_bytes(process: u32, name: &str) -> anyhow::Result<u64> {
    let text = read(&format!("/proc/{process}/status"))?;
    kibibytes(&text, name).context("/proc/<pid>/status has another form")
}

/// The machine's memory, in bytes.
pub(crate) fn memory_bytes() -> anyhow::Result<u64> {
    kibibytes(&read("/proc/meminfo")?, "MemTotal").context("/proc/meminfo has another form")
}

/// The value of a line such as `MemTotal:   24597700 kB`, in bytes.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The model of the first processor, from `/proc/cpuinfo`.
pub(crate) fn processor_model() -> anyhow::Result<String> {
    let text = read("/proc/cpuinfo")?;
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    Ok(model.map_or_else(|| "unknown".to_owned(), |(_, model)| model.trim().to_owned()))
}

/// The kind and options of the file system that holds a folder, from `/proc/self/mountinfo`.
pub(crate) fn file_system(folder: &std::path::Path) -> anyhow::Result<String> {
    let folder = folder.canonicalize().context("the data folder can't be found")?;
    let text = read("/proc/self/mountinfo")?;
    Ok(file_system_in(&text, &folder).unwrap_or_else(|| "unknown".to_owned()))
}

/// Lines are `id parent major:minor root mount-point options ... - type source super-options`; later mounts hide
/// earlier ones.
fn file_system_in(mounts: &str, folder: &std::path::Path) -> Option<String> {
    let mut found = None;
    let mut depth_max = 0;
    for line in mounts.lines() {
        let (mount, kind) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(4);
        let (point, options) = (std::path::Path::new(fields.next()?), fields.next()?);
        let depth = point.components().count();
        if folder.starts_with(point) && depth >= depth_max {
            depth_max = depth;
            found = Some(format!("{} ({options})", kind.split(' ').next()?));
        }
    }
    found
}

/// The whole of a small file without the line's end.
pub(crate) fn line(path: &str) -> anyhow::Result<String> {
    Ok(read(path)?.trim().to_owned())
}

fn read(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("{path} can't be read; this needs Linux"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_processors_times_are_added_up() {
        let text = "cpu  100 20 30 4000 50 6 7 8 9 0\ncpu0 50 10 15 2000 25 3 3 4 4 0\nintr 1\n";
        let ticks = ProcessorTicks::parse(text).unwrap();
        assert_eq!(ticks, ProcessorTicks { busy: 163, idle: 4_050, steal: 8 });
        let later = ProcessorTicks { busy: 263, idle: 4_150, steal: 9 };
        assert_eq!(later.since(ticks), ProcessorTicks { busy: 100, idle: 100, steal: 1 });
        assert_eq!(later.since(ticks).total(), 201);
        for wrong in ["", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 3"] {
            assert_eq!(ProcessorTicks::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_process_may_be_called_anything() {
        let text = "42 (a) R (b) S 7 42 42 0 -1 4194304 1 0 0 0 150 50 3 4 20 0 9 0 12345 0 0\n";
        assert_eq!(ProcessStat::parse(text), Some(ProcessStat { parent: 7, ticks: 200 }));
        assert_eq!(ProcessStat::parse("42 (a) S"), None);
    }

    #[test]
    fn a_process_may_start_during_a_measurement_and_none_may_end() {
        let ticks = |pairs: &[(u32, u64)]| OwnTicks(pairs.iter().copied().collect());
        let (before, after) = (ticks(&[(1, 10), (2, 20)]), ticks(&[(1, 15), (2, 40)]));
        assert_eq!(after.since(&before).unwrap(), 25);
        assert_eq!(after.since(&ticks(&[(1, 10)])).unwrap(), 45, "all that a new one has used");
        assert!(ticks(&[(1, 15)]).since(&before).is_err());
    }

    #[test]
    fn memory_is_told_in_kibibytes() {
        let text = "Name:\tcompare\nVmRSS:\t    2048 kB\nVmSwap:\t 0 kB\n";
        assert_eq!(kibibytes(text, "VmRSS"), Some(2 << 20));
        assert_eq!(kibibytes(text, "VmHWM"), None);
        let this = std::process::id();
        assert!(resident_bytes_max(this).unwrap() >= resident_bytes(this).unwrap() / 2);
    }

    #[test]
    fn the_deepest_mount_holds_a_folder() {
        let mounts = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
                      30 22 0:26 / /dev/shm rw,nosuid - tmpfs tmpfs rw\n";
        assert_eq!(file_system_in(mounts, Path::new("/data/x")), Some("ext4 (rw,relatime)".to_owned()));
        assert_eq!(file_system_in(mounts, Path::new("/dev/shm/x")), Some("tmpfs (rw,nosuid)".to_owned()));
    }

    #[test]
    fn this_machine_can_be_asked() {
        assert!(ProcessorTicks::now().unwrap().total() > 0);
        let own = OwnTicks::now().unwrap();
        assert!(ticks(std::process::id()).unwrap() >= own.0[&std::process::id()]);
        assert!(memory_bytes().unwrap() > 0);
    }
}
