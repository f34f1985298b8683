//! `compare`: what a whole node does, measured against yardsticks on the same machine in the same minutes.
//!
//! ```text
//! cargo run --release -p benches --bin compare -- --json compare.json
//! ```
//!
//! The program starts itself again as what it measures: the yardstick and the node have one build, one allocator and
//! one kind of runtime, each in a process of its own; the client is in this process. What lasts (snapshots, sustained
//! load, recovery, history) is measured with other programs, built beside this one. `docs/benchmarks.md` describes the
//! method and how to read the table.
//!
//! Invariants:
//! - Sides take turns, and each figure is paired with the one that was measured beside it.
//! - A disturbed trial never counts, and is decided by the machine's state alone. With too few that count there is
//!   no figure.
//! - A figure of a node whose books are wrong is void.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};

mod binary;
mod contest;
mod core_alone;
mod disk;
mod empty;
mod expiries;
mod folders;
mod history_size;
mod lag;
mod lasting;
mod log_bytes;
mod machine;
mod mass_expiry;
mod node;
mod proc;
mod process;
mod progress;
mod quiet;
mod recovery;
mod report;
mod rows;
mod serving;
mod snapshots;
mod stages;
mod statistics;
mod sustained;
mod trial;
mod verifying;

use folders::Folders;
use lasting::Lasting;
use machine::{Disk, Machine};
use progress::Teller;
use quiet::{settled, steady};
use report::Report;
use rows::{Experiment, Laboratory};
use sustained::Steady;
use trial::Method;

/// Measures a node against yardsticks, and prints what must be, what is aimed at, and what was measured.
///
/// Needs a quiet machine: a trial counts only if others used at most 5 % of the processors and the disk stayed what
/// it was. Exits with 0 when everything was measured, whatever it came to; 1 when something failed; 3 when a figure is
/// void.
#[derive(Debug, Parser)]
#[command(
    name = "compare",
    args_conflicts_with_subcommands = true,
    after_help = "Example:\n  cargo run --release -p benches --bin compare -- --quick --only unary,stream --json compare.json"
)]
struct Arguments {
    /// Write everything, with the raw figures of each trial, to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// A few short trials: a look, not a result.
    #[arg(long)]
    quick: bool,
    /// So many trials that must count, instead of as many as the method says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=99))]
    trials: Option<u8>,
    /// Measure only these. Without it, all that take no other program.
    #[arg(long, value_name = "ROW", value_enum, value_delimiter = ',')]
    only: Vec<Experiment>,
    /// The real binary, for what takes it. By default the one beside this program.
    #[arg(long, value_name = "FILE")]
    solvo: Option<PathBuf>,
    /// The history crate's example `size`, for `history-size`. By default the one in `examples` beside this program.
    #[arg(long, value_name = "FILE")]
    history_size: Option<PathBuf>,
    /// Payments a second of the sustained load.
    #[arg(long, value_name = "N", default_value_t = 80_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    sustained_rate: u64,
    /// How many minutes the sustained load goes on: 10, or 1 with --quick.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=600))]
    sustained_minutes: Option<u64>,
    /// Keep the nodes' data below this folder, on the disk that is to be measured. Deleted at the end.
    #[arg(long, value_name = "FOLDER", default_value = "target/compare")]
    data: PathBuf,
    /// Keep folders in which accounts are open in this one, and use those that are there.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What this program is when it has started itself.
#[derive(Debug, Subcommand)]
enum Part {
    #[command(hide = true)]
    Empty,
    #[command(hide = true)]
    Node(node::NodePart),
    #[command(hide = true)]
    Populate(node::PopulatePart),
}

/// The exit status of figures that can't be trusted.
const VOID: u8 = 3;

/// The program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.part {
        Some(Part::Empty) => empty::run().map(|()| ExitCode::SUCCESS),
        Some(Part::Node(node)) => node.run().map(|()| ExitCode::SUCCESS),
        Some(Part::Populate(populate)) => populate.run().map(|()| ExitCode::SUCCESS),
        None => compare(&arguments),
    };
    done.unwrap_or_else(|error| {
        // If nobody reads it, the exit status has to say it all.
        let _ = writeln!(std::io::stderr(), "compare: {error:#}");
        ExitCode::FAILURE
    })
}

fn compare(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    // Written first of all: half an hour is too long to learn that there is no such folder.
    let json = arguments
        .json
        .as_deref()
        .map(|path| fs::File::create(path).with_context(|| format!("{} can't be written", path.display())));
    let json = json.transpose()?;
    let scratch = Scratch::new(&arguments.data)?;
    let folder = scratch.0.path();
    // The same runtime as `solvo load` has.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(measure(arguments, folder))?;
    if let Some(mut json) = json {
        writeln!(json, "{:#}", report.to_json())?;
    }
    write!(std::io::stdout().lock(), "{report}")?;
    Ok(if report.is_void() { ExitCode::from(VOID) } else { ExitCode::SUCCESS })
}

/// A folder that is deleted at the end, however that comes.
struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new(data: &Path) -> anyhow::Result<Self> {
        let context = || format!("{} can't be used for data", data.display());
        fs::create_dir_all(data).with_context(context)?;
        Ok(Self(tempfile::Builder::new().prefix("run-").tempdir_in(data).with_context(context)?))
    }
}

async fn measure(arguments: &Arguments, folder: &Path) -> anyhow::Result<Report> {
    let quick = arguments.quick;
    let chosen = chosen(&arguments.only);
    let load = Steady::new(arguments.sustained_rate, arguments.sustained_minutes, quick);
    let others = [&arguments.solvo, &arguments.history_size].map(Option::as_deref);
    let lasting = Lasting::find(&chosen, others, load)?;
    let mut method = if quick { Method::quick(folder.to_owned()) } else { Method::full(folder.to_owned()) };
    method.trials = arguments.trials.map_or(method.trials, usize::from);
    let machine = Machine::ask(folder)?;
    let before = steady(folder)?;
    let mut laboratory = Laboratory {
        method: method.clone(),
        folders: Folders::new(folder, arguments.keep.as_deref()),
        teller: Teller::new(),
        quick,
        lasting,
        unary_per_second: None,
    };
    let mut outcomes = Vec::new();
    for experiment in chosen {
        outcomes.push(laboratory.run(experiment).await?);
    }
    laboratory.teller.finish();
    let disk = Disk { before, after: settled(folder, before)? };
    Ok(Report { machine, disk, method, quick, outcomes })
}

/// What was asked for, or all that needs nothing but this program, each once and in the table's order.
fn chosen(only: &[Experiment]) -> Vec<Experiment> {
    let all = Experiment::value_variants().iter().copied();
    let is_chosen = |experiment: &Experiment| match only.is_empty() {
        true => !experiment.takes_other(),
        false => only.contains(experiment),
    };
    all.filter(is_chosen).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
        let arguments = Arguments::parse_from(["compare", "--only", "stream,accounts-10m,unary", "--quick"]);
        let names: Vec<_> = chosen(&arguments.only).into_iter().map(Experiment::name).collect();
        assert_eq!(names, ["unary", "stream", "accounts-10m"]);
        assert_eq!(chosen(&[]).len(), 14);
        assert!(Arguments::try_parse_from(["compare", "--only", "nothing"]).is_err());
        let lasting = Arguments::parse_from([
            "compare",
            "--only",
            "recovery,snapshot,history-size,sustained,verification",
        ]);
        assert!(chosen(&lasting.only).iter().all(|experiment| experiment.takes_other()));
        let steady = Steady::new(lasting.sustained_rate, lasting.sustained_minutes, lasting.quick);
        assert_eq!((steady.per_second, steady.span.as_secs()), (80_000, 600));
        assert!(Arguments::command().render_long_help().to_string().contains("Example:"));
    }
}
