//! `simulator`: runs seeds, one seed with its trace, crash points, or the mutants.
//!
//! It ends with status 0 if every promise held, 1 if one was broken, 2 if it was asked for what it can't do.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, Parser};
use simulator::{Ending, Summary, crash_points, known_seeds, run};

/// Runs the engine and its journal under faults, one seed after the other.
#[derive(Debug, Parser)]
#[command(name = "simulator", version)]
struct Options {
    #[command(flatten)]
    task: Task,
    /// The first seed of `--seeds` and `--hours`.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Prints the result as one line of JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Task {
    /// Runs this many seeds, and all that failed once.
    #[arg(long)]
    seeds: Option<u64>,
    /// Runs one seed twice and prints its trace.
    #[arg(long)]
    seed: Option<u64>,
    /// Runs seeds for so many hours.
    #[arg(long)]
    hours: Option<u32>,
    /// Runs seeds until each known mistake is found. Needs a build with `--cfg solvo_mutants`.
    #[arg(long)]
    mutants: bool,
    /// Stops a run of this many frames at every operation of its disk.
    #[arg(long)]
    crash_points: Option<u64>,
}

/// What the seeds came to.
#[derive(Debug, Default)]
struct Tally {
    seeds: u64,
    converged: u64,
    stopped: u64,
    in_window: u64,
    failed: u64,
    starts: u64,
    told: u64,
    answers: u64,
    heard: u64,
    snapshots: u64,
    starts_from_snapshot: u64,
    restores: u64,
    ended_without_room: u64,
    runs: u64,
    asked_again: u64,
}

/// Every so many seeds are run twice, and must give the same trace.
const TWICE_EVERY: u64 = 10;
const PROGRESS_EVERY: u64 = 100;

fn main() -> ExitCode {
    let options = Options::parse();
    // A panic of the node is a finding, told with its seed; the default report would only repeat it.
    std::panic::set_hook(Box::new(|_| {}));
    let is_good = match &options.task {
        Task { seed: Some(seed), .. } => one(*seed),
        Task { seeds: Some(count), .. } => {
            let fresh = options.from..options.from.saturating_add(*count);
            many(known_seeds().into_iter().chain(fresh), options.json)
        }
        Task { hours: Some(hours), .. } => {
            let clock = started();
            let end = Duration::from_secs(3600 * u64::from(*hours));
            many((options.from..).take_while(|_| clock.elapsed() < end), options.json)
        }
        Task { crash_points: Some(frames), .. } => points(*frames, options.json),
        Task { .. } => return mutants(options.json),
    };
    ExitCode::from(u8::from(!is_good))
}

/// The only clock: for `--hours`.
#[allow(clippy::disallowed_methods)]
fn started() -> Instant {
    Instant::now()
}

fn one(seed: u64) -> bool {
    let first = run(seed, true);
    let second = run(seed, false);
    match &first {
        Ok(summary) => println!("{summary:?}"),
        Err(violation) => println!("FAILED {violation}"),
    }
    if first != second {
        println!("FAILED the second run of the seed came to {second:?}");
    }
    first.is_ok() && first == second
}

fn many(seeds: impl Iterator<Item = u64>, json: bool) -> bool {
    let mut tally = Tally::default();
    for seed in seeds {
        let mut result = run(seed, false);
        if tally.seeds.is_multiple_of(TWICE_EVERY) && run(seed, false) != result {
            result = Err("the same seed gives two traces".to_owned());
        }
        tally.add(seed, &result);
        if tally.seeds.is_multiple_of(PROGRESS_EVERY) {
            eprintln!("{} seeds, {} failed", tally.seeds, tally.failed);
        }
    }
    tally.print(json);
    tally.failed == 0
}

impl Tally {
    fn add(&mut self, seed: u64, result: &Result<Summary, String>) {
        self.seeds += 1;
        let summary = match result {
            Ok(summary) => summary,
            Err(violation) => {
                self.failed += 1;
                println!("FAILED {violation}");
                println!("cargo run --release -p simulator -- --seed {seed}");
                return;
            }
        };
        match summary.ending {
            Ending::Converged => self.converged += 1,
            Ending::Stopped(_) => self.stopped += 1,
            Ending::InWindow => self.in_window += 1,
        }
        self.starts += summary.starts;
        self.told += summary.told;
        self.answers += summary.answers;
        self.heard += summary.heard;
        self.snapshots += summary.snapshots;
        self.starts_from_snapshot += summary.starts_from_snapshot;
        self.restores += summary.restores;
        self.ended_without_room += summary.ended_without_room;
        self.runs += summary.runs;
        self.asked_again += summary.asked_again;
    }

    fn print(&self, json: bool) {
        let Self { seeds, converged, stopped, in_window, failed, starts, told, answers, heard, .. } = self;
        let Self { snapshots, starts_from_snapshot, restores, ended_without_room, runs, asked_again, .. } =
            self;
        match json {
            true => println!(
                "{{\"seeds\":{seeds},\"converged\":{converged},\"stopped\":{stopped},\"in_window\":{in_window},\
                 \"failed\":{failed},\"starts\":{starts},\"outcomes\":{told},\"answers\":{answers},\"heard\":{heard},\
                 \"snapshots\":{snapshots},\"starts_from_snapshot\":{starts_from_snapshot},\"restores\":{restores},\
                 \"ended_without_room\":{ended_without_room},\"runs\":{runs},\"asked_again\":{asked_again}}}"
            ),
            false => println!(
                "{seeds} seeds: {converged} converged, {stopped} stopped at damage as they must, {in_window} lost \
                 the last write in the documented window, {failed} failed; {starts} starts, {starts_from_snapshot} of them \
                 from one of {snapshots} snapshots; {restores} restores; {ended_without_room} payments that ended \
                 without room for new ones; {runs} runs of duplicates, {asked_again} submissions looked up again; \
                 {told} outcomes, \
                 {answers} answers and {heard} things that banks heard were checked"
            ),
        }
    }
}

fn points(frames: u64, json: bool) -> bool {
    match crash_points(frames) {
        Ok(tried) if json => {
            println!("{{\"operations\":{},\"folders\":{}}}", tried.operations, tried.folders);
            true
        }
        Ok(tried) => {
            println!("{} crash points, {} folders: all recovered", tried.operations, tried.folders);
            true
        }
        Err(violation) => {
            println!("FAILED {violation}");
            false
        }
    }
}

#[cfg(not(solvo_mutants))]
fn mutants(_json: bool) -> ExitCode {
    eprintln!(
        "this build has no mutants: RUSTFLAGS=\"--cfg solvo_mutants\" cargo run --release -p simulator --target-dir \
         target/mutants -- --mutants"
    );
    ExitCode::from(2)
}

#[cfg(solvo_mutants)]
fn mutants(json: bool) -> ExitCode {
    let mut missed = 0_u8;
    for mutant in simulator::MUTANTS {
        let (name, bound) = (mutant.name, mutant.seeds_max);
        let caught = mutant.hunt();
        missed += u8::from(caught.is_none());
        let seed = caught.as_ref().map_or_else(|| "null".to_owned(), |caught| caught.seed.to_string());
        match (&caught, json) {
            (_, true) => println!("{{\"mutant\":\"{name}\",\"seed\":{seed},\"seeds_max\":{bound}}}"),
            (Some(caught), false) => {
                let violation: String = caught.violation.chars().take(100).collect();
                println!("{name:<36} | seed {seed:>4} of {bound:>4} | {violation}");
            }
            (None, false) => println!("{name:<36} | MISSED by {bound} seeds |"),
        }
    }
    ExitCode::from(u8::from(missed > 0))
}
