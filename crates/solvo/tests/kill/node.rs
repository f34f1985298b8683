//! The real binary as a process that can be killed and stopped.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use tests::Api;
use tonic::transport::Endpoint;

use crate::random::Random;

/// The program.
const BINARY: &str = env!("CARGO_BIN_EXE_solvo");

/// The system chooses.
pub(crate) const ANY_PORT: u16 = 0;

/// Ports that no system gives out by itself, so that nobody takes one while its node is down: not even a caller that tries
/// to reach it, who could otherwise be given that very port and talk to itself.
const OWN_PORTS: std::ops::Range<u16> = 16_384..32_768;

/// A port for a node that is started again and again.
pub(crate) fn own_port(random: &mut Random) -> u16 {
    let count = u64::from(OWN_PORTS.end - OWN_PORTS.start);
    loop {
        let port = OWN_PORTS.start + u16::try_from(random.below(count)).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// A running `solvo serve`. It is killed when this is dropped.
pub(crate) struct Node {
    process: Process,
    address: SocketAddr,
    /// Kept open: a node must not fail because nobody reads what it prints.
    _printed: BufReader<ChildStdout>,
}

impl Node {
    /// Starts a node on a folder and waits until it says where it listens.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_at(folder, ANY_PORT)
    }

    /// The same on a port of one's own: those who connect again by themselves know no other.
    pub(crate) fn start_at(folder: &Path, port: u16) -> Self {
        let mut command = serve(folder, port);
        // Every other life or so leaves a snapshot, and is killed while it writes one or moves what it covers.
        command.args(["--snapshot-after-bytes", "1048576"]);
        Self::start_by(command)
    }

    /// The same by a command of one's own, which becomes the node.
    pub(crate) fn start_by(command: Command) -> Self {
        let (process, mut printed) = Process::start(command);
        let line = first_line(&mut printed);
        let address = line.trim_end().strip_prefix("listening on ");
        let address = address.unwrap_or_else(|| panic!("{line:?} says where the node listens"));
        Self { process, address: address.parse().unwrap(), _printed: printed }
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Clients of its services, on a connection of their own.
    pub(crate) async fn api(&self) -> Api {
        Api::connect(self.address).await
    }

    /// The same with windows so small that a reply waits for its reader.
    pub(crate) async fn narrow_api(&self) -> Api {
        Api::connect_with(self.address, |endpoint: Endpoint| endpoint.initial_stream_window_size(1024)).await
    }

    /// Ends it as a power cut would, apart from the page cache.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// Stops it where it stands, without its noticing. It has stopped when this returns: on a busy machine the signal is on
    /// its way for a while.
    pub(crate) fn stop(&self) {
        self.process.signal(Signal::STOP);
        let stopped = waitpid(Some(Pid::from_child(&self.process.0)), WaitOptions::UNTRACED).unwrap();
        assert!(stopped.is_some_and(|(_, status)| status.stopped()), "it has ended instead");
    }

    /// Lets a stopped node go on.
    pub(crate) fn go_on(&self) {
        self.process.signal(Signal::CONT);
    }
}

/// Starts a node and kills it while it recovers: when it has changed its folder so many times, or listens.
pub(crate) fn kill_while_starting(folder: &Path, changes: u64) {
    let mut before = contents(folder);
    let (_killed_at_the_end, mut printed) = Process::start(serve(folder, ANY_PORT));
    let (listens, listening) = mpsc::channel();
    let reader = thread::spawn(move || {
        // It may be killed before it has a line to print. Nobody may wait for the line any more.
        let _ = first_line(&mut printed);
        let _ = listens.send(());
    });
    let mut changed = 0;
    while changed < changes && listening.try_recv().is_err() {
        let now = contents(folder);
        changed += u64::from(now != before);
        before = now;
        thread::yield_now();
    }
    drop(_killed_at_the_end);
    reader.join().unwrap();
}

/// Runs `solvo verify` on a folder, and expects that all is well.
pub(crate) fn verify(folder: &Path) {
    let verified = command().arg("verify").arg(folder).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

/// What `solvo inspect` shows of a folder, a line of JSON each.
pub(crate) fn inspect(folder: &Path) -> String {
    let inspected = command().arg("inspect").arg(folder).arg("--json").output().unwrap();
    assert!(inspected.status.success(), "{}", String::from_utf8_lossy(&inspected.stderr));
    String::from_utf8(inspected.stdout).unwrap()
}

/// A process that does not outlive this value.
struct Process(Child);

impl Process {
    fn start(mut command: Command) -> (Self, BufReader<ChildStdout>) {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let printed = BufReader::new(child.stdout.take().unwrap());
        (Self(child), printed)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; a stopped process is killed as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command() -> Command {
    let mut command = Command::new(BINARY);
    command.env("SOLVO_LOG", "error").stdin(Stdio::null());
    command
}

/// The command that serves a folder.
pub(crate) fn serve(folder: &Path, port: u16) -> Command {
    let mut command = command();
    command.arg("serve").arg("--data").arg(folder).arg("--listen").arg(format!("127.0.0.1:{port}"));
    command
}

fn first_line(printed: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    printed.read_line(&mut line).unwrap();
    line
}

/// Every file of a folder with its length. A file may go while it is looked at.
fn contents(folder: &Path) -> BTreeMap<String, Option<u64>> {
    let files = fs::read_dir(folder).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let length = entry.metadata().ok().map(|metadata| metadata.len());
        (entry.file_name().into_string().unwrap(), length)
    });
    files.collect()
}
