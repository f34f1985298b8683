//! Measuring something several times, and counting only the times that were not disturbed.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use loadgen::{Driven, Latency};
use serde_json::{Value, json};

use super::progress::Teller;
use super::quiet::{Surroundings, Watch};

/// How often and how long things are measured.
#[derive(Clone, Debug)]
pub(crate) struct Method {
    /// Trials that must count.
    pub(crate) trials: usize,
    /// How long one side is measured.
    pub(crate) span: Duration,
    /// How long a fresh process is driven before it counts.
    pub(crate) warm_up: Duration,
    /// How long the machine is watched before a trial.
    pub(crate) look: Duration,
    /// The folder whose disk takes part.
    pub(crate) folder: PathBuf,
}

impl Method {
    /// As design.md section 6 has it.
    pub(crate) fn full(folder: PathBuf) -> Self {
        let [span, warm_up, look] = [10_000, 2_000, 1_000].map(Duration::from_millis);
        Self { trials: 9, span, warm_up, look, folder }
    }

    /// Enough to see that something is very wrong, in a fraction of the time.
    pub(crate) fn quick(folder: PathBuf) -> Self {
        let [span, warm_up, look] = [2_000, 500, 500].map(Duration::from_millis);
        Self { trials: 3, span, warm_up, look, folder }
    }

    /// Disturbed trials are repeated, but not for ever.
    const fn attempts_max(&self) -> usize {
        2 * self.trials
    }
}

/// What one side of a trial came to.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// Who was measured.
    pub(crate) side: &'static str,
    /// Payments settled a second.
    pub(crate) per_second: f64,
    /// Of payments that were decided.
    pub(crate) latency: Latency,
    /// Of payments that were not taken.
    pub(crate) refusal_latency: Latency,
    /// Everything, for programs.
    pub(crate) details: Value,
}

impl Figures {
    /// What the replies of a run came to.
    ///
    /// # Errors
    /// If they say that the run is no measurement: a connection that gave up, or answers that were lost.
    pub(crate) fn of(side: &'static str, driven: &Driven) -> anyhow::Result<Self> {
        anyhow::ensure!(driven.gave_up.is_empty(), "a connection gave up: {}", driven.gave_up.join("; "));
        anyhow::ensure!(driven.counts.unknown == 0, "{} payments have no answer", driven.counts.unknown);
        anyhow::ensure!(driven.counts.settled > 0, "nothing was settled");
        Ok(Self {
            side,
            per_second: driven.counts.settled as f64 / driven.elapsed.as_secs_f64(),
            latency: driven.latency,
            refusal_latency: driven.refusal_latency,
            details: driven.to_json(),
        })
    }

    fn to_json(&self) -> Value {
        json!({ "side": self.side, "per_second": self.per_second, "details": self.details })
    }
}

/// One go at all sides.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    /// By side, in the order of the sides, whichever went first.
    pub(crate) figures: Vec<Figures>,
    pub(crate) surroundings: Surroundings,
    /// Why it does not count.
    pub(crate) faults: Vec<String>,
}

impl Trial {
    pub(crate) fn counts(&self) -> bool {
        self.faults.is_empty()
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "counts": self.counts(),
            "faults": self.faults,
            "figures": self.figures.iter().map(Figures::to_json).collect::<Vec<_>>(),
            "surroundings": self.surroundings.to_json(),
        })
    }
}

/// All goes at it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trials {
    pub(crate) all: Vec<Trial>,
    /// How many had to count.
    pub(crate) wanted: usize,
}

impl Trials {
    /// Those that count.
    pub(crate) fn counted(&self) -> impl Iterator<Item = &Trial> {
        self.all.iter().filter(|trial| trial.counts())
    }

    /// Why there is no figure, if so.
    pub(crate) fn void(&self) -> Option<String> {
        let counted = self.counted().count();
        let last = self.all.iter().rev().find_map(|trial| trial.faults.first());
        let why = last.map_or("nothing was measured", String::as_str);
        (counted < self.wanted).then(|| {
            format!("{counted} of {} trials count, {} are wanted; {why}", self.all.len(), self.wanted)
        })
    }
}

/// What is measured in trials.
pub(crate) trait Experiment {
    /// Whether the disk takes part.
    const DURABLE: bool;

    /// Sees to it that everything is up and warm. Processes end here and nowhere else; they start elsewhere only where
    /// the start is what is measured.
    async fn ready(&mut self) -> anyhow::Result<()>;

    /// Measures all sides once; the first one first if `forwards`.
    async fn run(&mut self, forwards: bool) -> anyhow::Result<Vec<Figures>>;
}

/// Measures until enough trials count, or so many are disturbed that it is no use.
pub(crate) async fn measure(
    experiment: &mut impl Experiment,
    method: &Method,
    teller: &Teller,
) -> anyhow::Result<Trials> {
    measure_with(experiment, method, teller, |faults| faults).await
}

/// The same, with a say in what disturbs a trial.
async fn measure_with<E: Experiment>(
    experiment: &mut E,
    method: &Method,
    teller: &Teller,
    judge: impl Fn(Vec<String>) -> Vec<String>,
) -> anyhow::Result<Trials> {
    let mut trials = Trials { all: Vec::new(), wanted: method.trials };
    let mut counted = 0;
    for attempt in 0..method.attempts_max() {
        teller.doing(&format!("trial {}, {counted} of {} count", attempt + 1, method.trials));
        experiment.ready().await?;
        let folder = E::DURABLE.then_some(method.folder.as_path());
        let watch = Watch::start(method.look, folder)?;
        // Every other trial starts with the other side, so that no side has the better half of a drift.
        let figures = experiment.run(attempt % 2 == 0).await?;
        let surroundings = watch.end().context("the trial can't be judged")?;
        let trial = Trial { faults: judge(surroundings.faults()), figures, surroundings };
        teller.trial(attempt + 1, &trial);
        counted += usize::from(trial.counts());
        trials.all.push(trial);
        // When all that could follow would not be enough, the machine is not fit for it.
        let left = method.attempts_max() - attempt - 1;
        if counted == method.trials || counted + left < method.trials {
            break;
        }
    }
    Ok(trials)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Notes the order of its sides.
    #[derive(Default)]
    struct Counting {
        readied: usize,
        forwards: Vec<bool>,
    }

    impl Experiment for Counting {
        const DURABLE: bool = false;

        async fn ready(&mut self) -> anyhow::Result<()> {
            self.readied += 1;
            Ok(())
        }

        async fn run(&mut self, forwards: bool) -> anyhow::Result<Vec<Figures>> {
            self.forwards.push(forwards);
            Ok(Vec::new())
        }
    }

    fn method() -> Method {
        let zero = Duration::ZERO;
        Method { trials: 3, span: zero, warm_up: zero, look: zero, folder: PathBuf::new() }
    }

    /// Measures with these trials disturbed, counted from 0.
    async fn measured(disturbed: &[usize]) -> (Counting, Trials) {
        let (mut counting, attempt) = (Counting::default(), Cell::new(0));
        let judge = |_: Vec<String>| {
            let faults = disturbed.contains(&attempt.get()).then(|| "somebody compiled".to_owned());
            attempt.set(attempt.get() + 1);
            faults.into_iter().collect()
        };
        let trials = measure_with(&mut counting, &method(), &Teller::silent(), judge).await.unwrap();
        (counting, trials)
    }

    #[tokio::test]
    async fn sides_take_turns_in_going_first() {
        let (counting, trials) = measured(&[]).await;
        assert_eq!(counting.forwards, [true, false, true]);
        assert_eq!((counting.readied, trials.void()), (3, None));
    }

    #[tokio::test]
    async fn what_is_disturbed_is_repeated() {
        let (counting, trials) = measured(&[0, 2]).await;
        assert_eq!(counting.forwards.len(), 5);
        assert_eq!((trials.counted().count(), trials.void()), (3, None));
    }

    #[tokio::test]
    async fn too_many_disturbances_void_it_all() {
        let (_, trials) = measured(&[0, 1, 3, 4]).await;
        assert_eq!(trials.all.len(), 5, "a sixth could not save it");
        let void = trials.void().unwrap();
        assert_eq!(void, "1 of 5 trials count, 3 are wanted; somebody compiled");
    }

    #[test]
    fn a_run_without_answers_is_no_figure() {
        let driven = |settled, unknown| Driven {
            options: loadgen::LoadOptions::new("RUN1".parse().unwrap()),
            elapsed: Duration::from_secs(2),
            counts: loadgen::Counts { settled, unknown, ..Default::default() },
            latency: Latency::default(),
            refusal_latency: Latency::default(),
            late_max: Duration::ZERO,
            gave_up: Vec::new(),
        };
        assert!((Figures::of("engine", &driven(1_000, 0)).unwrap().per_second - 500.0).abs() < 1e-9);
        assert!(Figures::of("engine", &driven(1_000, 1)).is_err());
        assert!(Figures::of("engine", &driven(0, 0)).is_err());
    }
}
