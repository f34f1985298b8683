//! Where a node's time goes: what its engine says of the stages of a payment.

use client::v1::{GetNodeStatusRequest, Stage, StageTimes};
use client::{Client, ConnectOptions};
use serde_json::{Value, json};

use super::report::table;

/// Asks a node for the stages of the last ten to twenty seconds.
pub(crate) async fn fetch(address: &str) -> anyhow::Result<Vec<StageTimes>> {
    let options = ConnectOptions { connections: 1, ..ConnectOptions::default() };
    let client = Client::connect(address, options).await?;
    Ok(client.get_node_status(GetNodeStatusRequest {}).await?.stages)
}

/// The stages of one node for people.
pub(crate) fn text(stages: &[StageTimes]) -> String {
    let mut rows = vec![["stage", "count", "p50", "p99", "p99.9", "max"].map(str::to_owned)];
    rows.extend(stages.iter().map(|times| {
        let [p50, p99, p999, max] = [
            times.median_nanoseconds,
            times.percentile_99_nanoseconds,
            times.percentile_999_nanoseconds,
            times.maximum_nanoseconds,
        ]
        .map(|nanoseconds| format!("{} us", nanoseconds.div_ceil(1_000)));
        [name(times.stage()).to_owned(), times.count.to_string(), p50, p99, p999, max]
    }));
    table(&rows)
}

const fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Unspecified => "unknown",
        Stage::SealWait => "wait for seal",
        Stage::Flush => "flush",
        Stage::WakeUp => "wake-up",
        Stage::Apply => "apply",
    }
}

pub(crate) fn to_json(stages: &[StageTimes]) -> Value {
    let stages = stages.iter().map(|times| {
        json!({
            "stage": name(times.stage()),
            "count": times.count,
            "p50_nanoseconds": times.median_nanoseconds,
            "p99_nanoseconds": times.percentile_99_nanoseconds,
            "p99.9_nanoseconds": times.percentile_999_nanoseconds,
            "max_nanoseconds": times.maximum_nanoseconds,
        })
    });
    stages.collect()
}
