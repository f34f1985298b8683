//! Counts the instructions of what a payment passes through, and holds them against recorded budgets.
//!
//! Times tell how fast a machine is today; instructions are the same today and tomorrow, so a change that makes a
//! payment dearer is noticed when it is made. Each piece runs once in a process of its own under callgrind, which
//! counts while a function named `measured_*` runs.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail, ensure};
use benches::{World, document, full_builder, seal_input};
use clap::Parser;
use client::convert::{order_from_payment, payment_from_order};
use client::plain::plain_order;
use engine::{AccountLines, Directory};
use iso20022::{Rules, read_pacs008};
use journal::{FrameBuilder, FrameView, SealedFrame};
use ledger::{AccountHint, RecordWriter, Records};
use prost::Message;
use types::{AccountNumber, Channel, Currency, Date, Digest, PaymentOrder, Timestamp};

/// Counts instructions under callgrind (valgrind must be installed).
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  cargo run --release -p benches --bin instructions -- --check")]
struct Arguments {
    /// Compare with the recorded budgets; exit 1 if a piece is more than 3 % away, in either direction.
    #[arg(long, conflicts_with = "record")]
    check: bool,
    /// Record what is counted as the new budgets.
    #[arg(long)]
    record: bool,
    /// The recorded budgets: a piece and its instructions a line.
    #[arg(long, value_name = "FILE", default_value = "benches/budgets.txt")]
    budgets: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Run one piece, for callgrind to count.
    #[arg(long, hide = true)]
    run: Option<String>,
}

/// How far from its budget a piece may be, in percent.
const TOLERANCE_PERCENT: u64 = 3;

/// How often each piece runs. The first rounds warm up tables and are part of the count, alike in every run.
const ROUNDS: u32 = 500;

/// The pieces, by name.
const PIECES: [(&str, fn()); 9] = [
    ("apply", apply),
    ("frame-check", frame_check),
    ("frame-seal", frame_seal),
    ("look-up", look_up),
    ("read-pacs.008", read_document),
    ("read-records", read_records),
    ("read-request", read_request),
    ("read-request-long-way", read_request_long_way),
    ("write-record", write_record),
];

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("instructions: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if let Some(name) = &arguments.run {
        let (_, piece) = PIECES.iter().find(|(piece, _)| piece == name).context("there is no such piece")?;
        piece();
        return Ok(ExitCode::SUCCESS);
    }
    let mut counted = BTreeMap::new();
    for (name, _) in PIECES {
        counted.insert(name, count(name)? / u64::from(ROUNDS));
    }
    if arguments.record {
        let lines = counted.iter().fold(String::new(), |mut lines, (name, count)| {
            writeln!(lines, "{name} {count}").expect("a string takes every line");
            lines
        });
        std::fs::write(&arguments.budgets, lines).context("the budgets can't be written")?;
    }
    let budgets =
        if arguments.check || arguments.record { read_budgets(&arguments.budgets)? } else { BTreeMap::new() };
    let mut within = true;
    let mut rows = Vec::new();
    for (name, count) in &counted {
        let budget = budgets.get(*name).copied();
        let fits = budget.is_none_or(|budget| count.abs_diff(budget) * 100 <= budget * TOLERANCE_PERCENT);
        within &= fits && (budget.is_some() || !arguments.check);
        rows.push((*name, *count, budget, fits));
    }
    if arguments.json {
        let pieces: Vec<_> = rows
            .iter()
            .map(|(name, count, budget, fits)| {
                serde_json::json!({ "piece": name, "instructions": count, "budget": budget, "within": fits })
            })
            .collect();
        println!("{}", serde_json::json!({ "pieces": pieces, "within": within }));
    } else {
        println!("{:<24}{:>14}{:>14}", "piece", "instructions", "budget");
        for (name, count, budget, fits) in rows {
            let budget = budget.map_or_else(String::new, |budget| budget.to_string());
            let mark = if fits { "" } else { "  more than 3 % away" };
            println!("{name:<24}{count:>14}{budget:>14}{mark}");
        }
    }
    if arguments.check && !within {
        eprintln!("a piece has left its budget: mend it, or record the new one and say why in the commit");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn read_budgets(file: &Path) -> anyhow::Result<BTreeMap<String, u64>> {
    let lines = std::fs::read_to_string(file).with_context(|| format!("no budgets in {}", file.display()))?;
    let budget = |line: &str| {
        let (name, count) = line.split_once(' ').context("a line is a piece and its instructions")?;
        Ok((name.to_owned(), count.parse()?))
    };
    lines.lines().map(budget).collect()
}

/// Runs one piece under callgrind.
fn count(name: &str) -> anyhow::Result<u64> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("callgrind");
    let program = std::env::current_exe()?;
    let status = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .args(["--collect-atstart=no", "--toggle-collect=*measured_*"])
        .arg(program)
        .args(["--run", name])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("valgrind can't be run; is it installed?")?;
    ensure!(status.success(), "{name} failed under callgrind");
    let report = std::fs::read_to_string(&out)?;
    let summary =
        report.lines().find_map(|line| line.strip_prefix("summary: ").or(line.strip_prefix("totals: ")));
    match summary.context("callgrind tells no sum")?.trim().parse()? {
        0 => bail!("{name} ran without being counted"),
        count => Ok(count),
    }
}

// Each measured function is what is counted, and is called from one place only.

#[inline(never)]
fn measured_apply(world: &mut World, payment: &RecordWriter) {
    world.apply(payment);
}

fn apply() {
    let mut world = World::new(500);
    for _ in 0..ROUNDS {
        let payment = world.payment();
        measured_apply(&mut world, &payment);
    }
}

#[inline(never)]
fn measured_seal(builder: &mut FrameBuilder) -> SealedFrame {
    builder.seal(&seal_input())
}

fn frame_seal() {
    let mut world = World::new(10);
    for _ in 0..ROUNDS / 50 {
        // Full frames are long, so that few rounds are enough; the count stands for fifty of them.
        black_box(measured_seal(&mut full_builder(&mut world).0));
    }
}

#[inline(never)]
fn measured_check(bytes: &[u8]) {
    black_box(FrameView::parse(bytes).expect("a frame that was just sealed"));
}

fn frame_check() {
    let bytes = full_builder(&mut World::new(10)).0.seal(&seal_input()).bytes().to_vec();
    (0..ROUNDS / 50).for_each(|_| measured_check(&bytes));
}

#[inline(never)]
fn measured_records(view: &FrameView<'_>) -> usize {
    Records::new(view.records(), view.personal()).filter(Result::is_ok).count()
}

fn read_records() {
    let bytes = full_builder(&mut World::new(10)).0.seal(&seal_input()).bytes().to_vec();
    let view = FrameView::parse(&bytes).expect("a frame that was just sealed");
    (0..ROUNDS / 50).for_each(|_| _ = black_box(measured_records(&view)));
}

#[inline(never)]
fn measured_look_up(lines: &AccountLines, digest: Digest) -> AccountNumber {
    lines.prefetch(digest);
    lines.find(digest, Currency::EUR)
}

fn look_up() {
    let world = World::new(2_000);
    let directory = Directory::default();
    directory.fill(&world.ledger);
    let digests: Vec<_> = world.ledger.accounts().map(|(_, account)| account.digest()).collect();
    let lines = directory.accounts();
    for (_, digest) in (0..ROUNDS).zip(digests.iter().cycle()) {
        black_box(measured_look_up(&lines, *digest));
    }
}

#[inline(never)]
fn measured_request(wire: &[u8]) {
    black_box(plain_order(wire).expect("a plain order"));
}

fn read_request() {
    let wire = payment_from_order(&plain(&mut World::new(10))).encode_to_vec();
    (0..ROUNDS).for_each(|_| measured_request(&wire));
}

#[inline(never)]
fn measured_request_long_way(wire: &[u8]) {
    let payment = client::v1::Payment::decode(wire).expect("its own bytes");
    black_box(order_from_payment(&payment).expect("a valid payment"));
}

fn read_request_long_way() {
    let wire = payment_from_order(&plain(&mut World::new(10))).encode_to_vec();
    (0..ROUNDS).for_each(|_| measured_request_long_way(&wire));
}

#[inline(never)]
fn measured_write(commands: &mut RecordWriter, wire: &[u8], hints: [AccountHint; 2]) {
    let order = plain_order(wire).expect("a plain order");
    commands.plain_payment(&order, hints, Timestamp::default(), Channel::Grpc);
}

fn write_record() {
    let mut world = World::new(10);
    let wire = payment_from_order(&plain(&mut world)).encode_to_vec();
    let mut commands = world.commands();
    (0..ROUNDS).for_each(|_| measured_write(&mut commands, &wire, [AccountHint::default(); 2]));
}

#[inline(never)]
fn measured_document(document: &[u8], rules: &Rules) {
    black_box(read_pacs008(document, rules).expect("its own document"));
}

fn read_document() {
    let document = document(&World::new(10).order());
    let rules = Rules::sct_inst_2025(vec![Date::parse("2026-09-21").expect("a day")]);
    (0..ROUNDS).for_each(|_| measured_document(document.as_bytes(), &rules));
}

/// An order without the parts that only ISO 20022 has.
fn plain(world: &mut World) -> PaymentOrder {
    PaymentOrder { message_id: None, created_at: None, settlement_date: None, ..world.order() }
}
