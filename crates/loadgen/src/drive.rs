//! Sending the payments of one run, and counting what comes of them.
//!
//! Invariant: nothing here changes what a node holds but by payments. Whoever drives has the accounts opened
//! before, and audits afterwards, if the other side keeps books at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use client::{Client, ConnectOptions};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::confirmed::Confirmed;
use crate::lane::{Backoff, Gate, LaneSetup, Share, Times};
use crate::options::{PAYMENTS_MAX, Rate};
use crate::pacer::{PacedLane, Pacer};
use crate::parallel::joined;
use crate::plan::Plan;
use crate::report::{Driven, Totals};
use crate::resolve::resolve;
use crate::schedule::Timetable;
use crate::tally::Tally;
use crate::wire::PaymentWriter;
use crate::{Extent, LoadOptions, LoadgenError, Mode, Progress, Stage, stream_lane, unary_lane};

/// How often progress is told.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Sends the payments of one run over connections of its own, without setting anything up and without an audit.
/// Must be called within a tokio runtime.
///
/// # Errors
/// If the options break a limit, or nobody answers at the address. Payments that are refused are part of what
/// comes back.
pub async fn drive(
    address: &str,
    options: &LoadOptions,
    progress: &dyn Progress,
) -> Result<(Driven, Confirmed), LoadgenError> {
    options.validate()?;
    drive_over(&connect(address, options).await?, options, progress).await
}

/// Opens the connections of a run.
pub(crate) async fn connect(address: &str, options: &LoadOptions) -> Result<Client, LoadgenError> {
    let connect = ConnectOptions {
        connections: options.connections,
        tls: options.tls.clone(),
        ..ConnectOptions::default()
    };
    Client::connect(address, connect).await.map_err(LoadgenError::node("connecting"))
}

/// Sends the payments, and asks about those without an answer.
pub(crate) async fn drive_over(
    client: &Client,
    options: &LoadOptions,
    progress: &dyn Progress,
) -> Result<(Driven, Confirmed), LoadgenError> {
    let plan = Plan::new(options);
    let writer = Arc::new(PaymentWriter::new(plan.clone()));
    let (mut tallies, elapsed) = send(client, options, &writer, progress).await?;
    let resolved = resolve_all(client, &writer, &mut tallies, progress).await?;
    let totals = Totals::of(&mut tallies, resolved);
    let settled = tallies.into_iter().map(|(share, tally)| (share, tally.settled)).collect();
    Ok((Driven::new(options, elapsed, totals), Confirmed::new(plan, settled)))
}

/// A lane's tally with the share that it is of.
type Tallies = Vec<(Share, Tally)>;

/// Sends the payments, and tells how long it took until the last answer.
async fn send(
    client: &Client,
    options: &LoadOptions,
    writer: &Arc<PaymentWriter>,
    progress: &dyn Progress,
) -> Result<(Tallies, Duration), LoadgenError> {
    let answers = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let (setups, _pacer) = lanes(client, options, writer, &answers, start)?;
    let mut running = JoinSet::new();
    for setup in setups {
        let (share, mode) = (setup.share, options.mode);
        running.spawn(async move {
            let tally = match mode {
                Mode::Unary { calls_in_flight } => unary_lane::run(setup, calls_in_flight).await,
                Mode::Stream { messages_in_flight, .. } => {
                    stream_lane::run(setup, mode.payments_per_event(), messages_in_flight).await
                }
            };
            (share, tally)
        });
    }
    let mut ticks = interval(PROGRESS_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut tallies = Vec::with_capacity(options.connections);
    loop {
        tokio::select! {
            ended = running.join_next() => match ended {
                Some(ended) => tallies.push(joined(ended)),
                None => break,
            },
            _ = ticks.tick() => {
                progress.update(Stage::Sending, answers.load(Ordering::Relaxed), options.payments());
            }
        }
    }
    progress.update(Stage::Sending, answers.load(Ordering::Relaxed), options.payments());
    let last_answer = tallies.iter().filter_map(|(_, tally)| tally.last_answer).max();
    Ok((tallies, last_answer.map_or_else(|| start.elapsed(), |last| last - start)))
}

/// The lanes of a run, and what keeps their time, if the rate is fixed.
fn lanes(
    client: &Client,
    options: &LoadOptions,
    writer: &Arc<PaymentWriter>,
    answers: &Arc<AtomicU64>,
    start: Instant,
) -> Result<(Vec<LaneSetup>, Option<Pacer>), LoadgenError> {
    let lanes = u64::try_from(options.connections).expect("at most 256");
    let (payments, until) = match options.extent {
        Extent::Payments(payments) => (payments, None),
        Extent::Duration(duration) => (PAYMENTS_MAX, Some(duration)),
    };
    let payments_per_event = options.mode.payments_per_event();
    let waiters = match options.mode {
        Mode::Unary { calls_in_flight } => calls_in_flight,
        Mode::Stream { .. } => 1,
    };
    let mut setups = Vec::with_capacity(options.connections);
    let mut paced = Vec::new();
    for lane in 0..lanes {
        let share = Share { lane, lanes };
        let payments_max = share.of(payments);
        let (gate, times) = match options.rate {
            Rate::Max => (Gate::Closed { until: until.map(|until| start + until) }, Times::Actual),
            Rate::PerSecond(rate) => {
                let (arrivals, seed) = (options.arrivals, options.seed);
                let timetable = Timetable { arrivals, rate, payments_per_event, lanes, seed, until };
                let schedule = timetable.lane(lane, payments_max.div_ceil(payments_per_event));
                let gate = Arc::new(Semaphore::new(0));
                paced.push(PacedLane { schedule: schedule.clone(), gate: gate.clone(), waiters });
                (Gate::Open(gate), Times::Intended { start, schedule })
            }
        };
        let (writer, answers) = (writer.clone(), answers.clone());
        let channel = client.channel();
        let backoff = Backoff::PATIENT;
        setups.push(LaneSetup { share, payments_max, channel, writer, gate, times, backoff, answers });
    }
    let pacer = if paced.is_empty() { None } else { Some(Pacer::start(paced, start, until)?) };
    Ok((setups, pacer))
}

/// Asks about every payment without an answer, and tells about how many the log knew.
async fn resolve_all(
    client: &Client,
    writer: &Arc<PaymentWriter>,
    tallies: &mut Tallies,
    progress: &dyn Progress,
) -> Result<u64, LoadgenError> {
    let mut resolved = 0;
    for (_, tally) in tallies {
        let unknown = std::mem::take(&mut tally.unknown);
        let outcomes = resolve(client, writer, unknown.clone(), progress).await?;
        for (number, outcome) in &outcomes {
            tally.resolved(*number, outcome);
            resolved += 1;
        }
        let known: std::collections::BTreeSet<u64> = outcomes.iter().map(|(number, _)| *number).collect();
        tally.unknown.extend(unknown.into_iter().filter(|number| !known.contains(number)));
    }
    Ok(resolved)
}
