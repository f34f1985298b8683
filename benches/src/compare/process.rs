//! The processes that are measured: this program once more, in another part, or the real binary.
//!
//! Invariants:
//! - A part of this program ends when its standard input does, so none outlives the program that started it, however
//!   that ends. The real binary is killed if it has not been stopped.
//! - Each says on standard output where it listens.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::proc;

/// What a server says before its address.
const LISTENING: &str = "listening on ";

/// A part of this program, or the real binary, in a process of its own.
#[derive(Debug)]
struct Part {
    child: Child,
    output: BufReader<ChildStdout>,
    ends_by: EndsBy,
}

/// How a process is told to end in good order.
#[derive(Clone, Copy, Debug)]
enum EndsBy {
    /// Its standard input ends.
    Input,
    /// SIGTERM.
    Signal,
}

impl Part {
    fn start(arguments: &[String]) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program's own file can't be found")?;
        Self::spawn(Command::new(program).args(arguments).stdin(Stdio::piped()), EndsBy::Input)
    }

    fn spawn(command: &mut Command, ends_by: EndsBy) -> anyhow::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn().context("a process can't be started")?;
        let output = child.stdout.take().context("a process was started without an output")?;
        Ok(Self { child, output: BufReader::new(output), ends_by })
    }

    /// The next line that it says; `None` if it says nothing more.
    fn line(&mut self) -> anyhow::Result<Option<String>> {
        let mut line = String::new();
        let length = self.output.read_line(&mut line).context("a process can't be heard")?;
        Ok((length > 0).then(|| line.trim_end().to_owned()))
    }

    /// Lets it end, and waits until it has.
    fn end(mut self) -> anyhow::Result<()> {
        match self.ends_by {
            EndsBy::Input => drop(self.child.stdin.take()),
            EndsBy::Signal => {
                let process = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
                kill_process(process.context("a process has no number")?, Signal::TERM)
                    .context("a process can't be told to end")?;
            }
        }
        let status = self.child.wait().context("a process can't be waited for")?;
        ensure!(status.success(), "a process ended with {status}; it says why on standard error");
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // One that has ended in good order can't be killed, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server in a process of its own.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    part: Part,
    address: String,
}

impl ServerProcess {
    /// The yardstick.
    pub(crate) fn empty() -> anyhow::Result<Self> {
        Self::start(&["empty".to_owned()])
    }

    /// A node on a folder; its core takes at most so many records a second, if a number is given.
    pub(crate) fn node(folder: &Path, commands_per_second_max: Option<u32>) -> anyhow::Result<Self> {
        let mut arguments = vec!["node".to_owned(), "--folder".to_owned(), text(folder)?];
        if let Some(records) = commands_per_second_max {
            arguments.extend(["--commands-per-second-max".to_owned(), records.to_string()]);
        }
        Self::start(&arguments)
    }

    /// A node on a folder that takes memory for payments only as they come, so that its growth tells what they take.
    pub(crate) fn growing_node(folder: &Path) -> anyhow::Result<Self> {
        let arguments = ["node", "--payments-ready", "0", "--folder"].map(str::to_owned);
        Self::start(&[&arguments[..], &[text(folder)?]].concat())
    }

    /// A node of the real binary. It listens, and may not be ready yet.
    pub(crate) fn binary(solvo: &Path, arguments: &[String]) -> anyhow::Result<Self> {
        let mut command = Command::new(solvo);
        // What it says of snapshots and recovery is for operators; warnings are for whoever measures.
        command.args(arguments).stdin(Stdio::null()).env("SOLVO_LOG", "warn");
        let part = Part::spawn(&mut command, EndsBy::Signal)
            .with_context(|| format!("{} can't be run", solvo.display()))?;
        Self::listening(part, arguments)
    }

    fn start(arguments: &[String]) -> anyhow::Result<Self> {
        Self::listening(Part::start(arguments)?, arguments)
    }

    /// Waits until it says where it listens. Before that it may say how far its recovery has come.
    fn listening(mut part: Part, arguments: &[String]) -> anyhow::Result<Self> {
        while let Some(line) = part.line()? {
            if let Some(address) = line.strip_prefix(LISTENING) {
                return Ok(Self { address: format!("http://{address}"), part });
            }
        }
        bail!("the server `{}` does not start; it says why on standard error", arguments.join(" "))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The memory that it uses, in bytes.
    pub(crate) fn resident_bytes(&self) -> anyhow::Result<u64> {
        proc::resident_bytes(self.part.child.id())
    }

    /// The most memory that it has used so far, in bytes.
    pub(crate) fn resident_bytes_max(&self) -> anyhow::Result<u64> {
        proc::resident_bytes_max(self.part.child.id())
    }

    /// The processor time that it has used so far, in the kernel's ticks.
    pub(crate) fn ticks(&self) -> anyhow::Result<u64> {
        proc::ticks(self.part.child.id())
    }

    /// Lets it end in good order.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.part.end()
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn kill(self) {
        drop(self.part);
    }
}

/// Opens accounts in a folder by a process of its own, whose memory goes with it. `told` hears how many are open.
pub(crate) fn populate(folder: &Path, accounts: u32, mut told: impl FnMut(&str)) -> anyhow::Result<()> {
    let arguments = ["populate".to_owned(), "--folder".to_owned(), text(folder)?];
    let mut part = Part::start(&[&arguments[..], &["--accounts".to_owned(), accounts.to_string()]].concat())?;
    while let Some(line) = part.line()? {
        told(&line);
    }
    part.end()
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> anyhow::Result<String> {
    path.to_str().map(str::to_owned).with_context(|| format!("{} is no text", path.display()))
}

/// Says where this process listens, as a part of another.
pub(crate) fn tell_address(address: SocketAddr) -> anyhow::Result<()> {
    tell(&format!("{LISTENING}{address}"))
}

/// Says a line, as a part of another process.
pub(crate) fn tell(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("nobody listens to this process")
}

/// Waits until whoever started this process lets it end, or has ended.
pub(crate) fn wait_for_end() {
    let mut rest = Vec::new();
    // An input that can't be read has no owner either.
    let _ = std::io::stdin().lock().take(1).read_to_end(&mut rest);
}
