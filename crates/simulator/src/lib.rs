//! The simulator: one seed, one thread, virtual time.
//!
//! A seed draws clients, banks that are asked, a disk, clocks and their troubles; the engine's step and the local
//! journal run on them as they run on a machine. An auditor derives every right answer from what clients sent and what the disk
//! acknowledged. The model that decides is also compared with the ledger on its own, by random commands that shrink.
//!
//! Invariants:
//! - The same seed gives the same trace, in every build.
//! - A failure is told with the one command that shows it again.
//! - Damage that one copy can't survive ends in a stop that names the place, never in a wrong answer.

#![deny(clippy::as_conversions, clippy::float_arithmetic)]

mod auditor;
mod banks;
mod compare;
mod crash_points;
mod desk;
mod erasure;
mod gateways;
mod model;
#[cfg(solvo_mutants)]
mod mutants;
mod node;
mod plan;
#[cfg(test)]
mod races_tests;
mod random;
mod rulebook;
mod simulation;
mod step;
mod trace;
mod traffic;
mod words;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use crash_points::{CrashPoints, EXHAUSTIVE_MAX, SAMPLES, crash_points};
#[cfg(solvo_mutants)]
pub use mutants::{Caught, MUTANTS, Mutant};
pub use simulation::{Ending, Summary};

/// Runs one seed. An error says which promise was broken; a panic of the node is one as well.
pub fn run(seed: u64, is_printed: bool) -> Result<Summary, String> {
    let simulate = || {
        // A life of keys is short, and one in four seeds sees one.
        if seed.is_multiple_of(4) {
            erasure::erasure(seed)?;
        }
        simulation::Simulation::new(seed, is_printed).run()
    };
    catch_unwind(AssertUnwindSafe(simulate)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

/// The seeds that failed once.
pub fn known_seeds() -> Vec<u64> {
    let lines = include_str!("../seeds.txt").lines();
    let seeds = lines.filter_map(|line| line.split('#').next()?.trim().parse().ok());
    seeds.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_keep_every_promise_and_repeat_themselves() {
        let (mut starts, mut heard, mut effects) = (0, 0, [0; 6]);
        let (mut snapshots, mut from_snapshot, mut runs, mut asked_again) = (0, 0, 0, 0);
        let (mut restores, mut ended_without_room) = (0, 0);
        let (mut recalls, mut crossings) = ([0; 2], 0);
        for seed in 0..40 {
            let first = run(seed, false);
            assert_eq!(first, run(seed, false), "seed {seed} repeats itself");
            let summary = first.unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
            (starts, heard) = (starts + summary.starts, heard + summary.heard);
            snapshots += summary.snapshots;
            from_snapshot += summary.starts_from_snapshot;
            restores += summary.restores;
            ended_without_room += summary.ended_without_room;
            runs += summary.runs;
            asked_again += summary.asked_again;
            recalls.iter_mut().zip(summary.recalls).for_each(|(sum, count)| *sum += count);
            crossings += summary.crossings;
            effects.iter_mut().zip(summary.effects).for_each(|(sum, count)| *sum += count);
        }
        assert!(starts > 60, "the seeds see crashes: {starts} starts");
        assert!(
            snapshots > 100 && from_snapshot > 20,
            "{snapshots} snapshots, {from_snapshot} starts from one"
        );
        assert!(
            restores > 10 && ended_without_room > 0,
            "{restores} restores, {ended_without_room} payments that ended on a full disk"
        );
        assert!(runs > 20 && asked_again > 5, "{runs} runs, {asked_again} submissions looked up again");
        assert!(heard > 1000, "the seeds see banks: they hear {heard} things");
        let [asked_back, returned] = recalls;
        assert!(
            asked_back > 40 && returned > 15 && crossings > 3,
            "{asked_back} payments are asked back, {returned} come back, {crossings} bounds are crossed"
        );
        let [applied, late, double, contrary, not_asked, _] = effects;
        let seen = [applied, late, double, contrary, not_asked];
        assert!(seen.iter().all(|count| *count > 5), "the seeds see answers of every kind: {seen:?}");
    }

    #[test]
    fn seeds_that_failed_once_stay_mended() {
        for seed in known_seeds() {
            run(seed, false).unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
        }
    }
}
