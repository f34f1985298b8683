//! How far those who follow the log are behind it while it grows: the engine's follower, and history.
//!
//! They work in fits, and whoever writes a snapshot does not follow meanwhile. So what counts is not how far they are
//! behind at a moment, but whether they are further behind each time that they have caught up as far as they do.

use std::time::Duration;

use anyhow::ensure;
use client::v1::GetHistoryStatusRequest;
use serde_json::{Value, json};

use super::binary::Node;
use super::statistics::Spread;

/// How often the node is asked.
const LOOK: Duration = Duration::from_secs(1);

/// How often it is asked for the end of a lag.
const CATCH_UP_LOOK: Duration = Duration::from_millis(50);

/// How long it may take until nobody is behind any more.
const CATCH_UP_WITHIN: Duration = Duration::from_secs(600);

/// Positions within which history has caught up: the frame that ends the log tells outcomes, and holds no commands.
const HISTORY_SLACK: u64 = 64;

/// Who follows the log.
pub(crate) const FOLLOWERS: [&str; 2] = ["follower", "history"];

/// What was seen at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Look {
    /// Since the beginning.
    at: Duration,
    /// Positions of the log that each of [`FOLLOWERS`] has not come to yet.
    behind: [u64; 2],
}

/// What was seen while a node was under load.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Lags {
    looks: Vec<Look>,
}

/// How far one of [`FOLLOWERS`] was behind, in seconds of the load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lag {
    pub(crate) median: f64,
    pub(crate) most: f64,
    /// By how much more it was behind at the end than at the beginning, when it was behind the least.
    pub(crate) growth: f64,
}

impl Lags {
    /// Asks a node again and again, until whoever waits for this stops waiting.
    ///
    /// # Errors
    /// If it does not answer, or one of them has stopped.
    pub(crate) async fn watch(&mut self, node: &Node, start: std::time::Instant) -> anyhow::Result<()> {
        loop {
            tokio::time::sleep(LOOK).await;
            let behind = behind(node).await?;
            self.looks.push(Look { at: start.elapsed(), behind });
        }
    }

    /// How far one of them was behind a load of so many positions a second; `None` if there was no time to see it.
    pub(crate) fn of(&self, follower: usize, per_second: f64) -> Option<Lag> {
        let seconds = |look: &Look| look.behind[follower] as f64 / per_second;
        let all: Vec<f64> = self.looks.iter().map(seconds).collect();
        let third = all.len() / 3;
        let first = Spread::of(&all[..third])?;
        let last = Spread::of(&all[all.len() - third..])?;
        let most = all.iter().copied().fold(0.0, f64::max);
        let growth = last.lower_quartile - first.lower_quartile;
        Some(Lag { median: Spread::of(&all)?.median, most, growth })
    }

    pub(crate) fn to_json(&self) -> Value {
        let looks = self.looks.iter().map(|look| {
            json!({ "seconds": look.at.as_secs_f64(), "follower": look.behind[0], "history": look.behind[1] })
        });
        looks.collect()
    }
}

/// How long it takes from now until nobody is behind, in seconds, by [`FOLLOWERS`]. Nobody may pay meanwhile.
pub(crate) async fn caught_up(node: &Node) -> anyhow::Result<[f64; 2]> {
    let start = std::time::Instant::now();
    let mut done = [None; 2];
    while done.contains(&None) {
        ensure!(start.elapsed() < CATCH_UP_WITHIN, "what follows the log does not catch up with it");
        let behind = behind(node).await?;
        for ((done, behind), slack) in done.iter_mut().zip(behind).zip([0, HISTORY_SLACK]) {
            if behind <= slack {
                done.get_or_insert_with(|| start.elapsed().as_secs_f64());
            }
        }
        tokio::time::sleep(CATCH_UP_LOOK).await;
    }
    Ok(done.map(Option::unwrap_or_default))
}

/// How far each of [`FOLLOWERS`] is behind, in positions.
async fn behind(node: &Node) -> anyhow::Result<[u64; 2]> {
    let follower = node.follower().await?;
    let history = node.client().get_history_status(GetHistoryStatusRequest {}).await?;
    let why = &history.unavailable_description;
    ensure!(history.available || history.as_of.is_none(), "history has stopped: {why}");
    let end = follower.applied_sequence + follower.lag_sequence_count;
    let history = history.as_of.map_or(0, |as_of| as_of.sequence);
    Ok([follower.lag_sequence_count, end.saturating_sub(history)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks a second apart at the follower, who is so many positions behind.
    fn lags(behind: impl IntoIterator<Item = u64>) -> Lags {
        let look = |(index, behind)| Look { at: LOOK * index, behind: [behind, 0] };
        Lags { looks: (1..).zip(behind).map(look).collect() }
    }

    #[test]
    fn who_falls_back_and_catches_up_does_not_grow_behind() {
        let sawtooth = lags((0..60).map(|second| 1_000 * (second % 10)));
        let lag = sawtooth.of(0, 1_000.0).unwrap();
        assert!((lag.most - 9.0).abs() < 1e-9 && lag.growth.abs() < 1e-9, "{lag:?}");
    }

    #[test]
    fn who_falls_back_for_good_grows_behind() {
        let lag = lags((0..60).map(|second| 500 * second)).of(0, 1_000.0).unwrap();
        assert!((lag.growth - 20.0).abs() < 1e-9, "{lag:?}");
        assert_eq!(lags([1, 2]).of(0, 1.0), None);
    }
}
