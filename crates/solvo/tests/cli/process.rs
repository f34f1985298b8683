//! Runs the real binary.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tests::Api;

/// Runs a command to its end.
pub(crate) fn solvo<const COUNT: usize>(arguments: [&str; COUNT]) -> Output {
    run(&arguments)
}

/// The same with arguments that were put together.
pub(crate) fn run(arguments: &[&str]) -> Output {
    command().args(arguments).output().unwrap()
}

/// Runs a command to its end, expects that all is well, and reads the JSON object that it prints.
#[track_caller]
pub(crate) fn told(arguments: &[&str]) -> serde_json::Value {
    let output = run(arguments);
    assert!(output.status.success(), "{}", errors(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Starts a command.
pub(crate) fn spawn(arguments: &[&str]) -> Child {
    command().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Runs `solvo verify` on a folder, and expects that all is well.
#[track_caller]
pub(crate) fn verify(folder: &Path) {
    let verified = solvo(["verify", text(folder)]);
    assert!(verified.status.success(), "{}", errors(&verified));
}

/// What a command wrote to its error output.
pub(crate) fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder as an argument.
pub(crate) fn text(folder: &Path) -> &str {
    folder.to_str().unwrap()
}

/// A running `solvo serve`. It is killed when this is dropped.
pub(crate) struct Served {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Kept open: a node must not fail because nobody reads what it prints.
    _printed: BufReader<ChildStdout>,
}

impl Served {
    /// Starts a node on a folder and waits until it says where it listens.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_with(folder, &["--listen", "127.0.0.1:0"])
    }

    /// The same with arguments of one's own.
    pub(crate) fn start_with(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = command();
        child.args(["serve", "--data", text(folder)]).args(arguments);
        let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
        let mut printed = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        printed.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on ");
        let address = address.unwrap_or_else(|| panic!("{line:?} says where the node listens"));
        Self { child, address: address.parse().unwrap(), _printed: printed }
    }

    /// Clients of its services.
    pub(crate) async fn api(&self) -> Api {
        Api::connect(self.address).await
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends it a signal that does not end it.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Asks it to stop, and returns how it ended.
    pub(crate) fn stop(mut self, signal: Signal) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.child.wait().unwrap()
    }

    /// Ends it as a power cut would, apart from the page cache.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solvo"));
    command.env("SOLVO_LOG", "error").stdin(Stdio::null());
    command
}
