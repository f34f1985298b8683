//! What a load run came to, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tonic::Code;

use crate::confirmed::Confirmed;
use crate::lane::Share;
use crate::tally::{Latencies, Tally};
use crate::text::{grouped, per_second, span};
use crate::{Arrivals, AuditReport, LoadOptions, Mode, Rate, ResponderCounts};

/// How many payments came to what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sent at least once.
    pub sent: u64,
    /// Confirmed as settled.
    pub settled: u64,
    /// Rejected, by reason code.
    pub rejected: BTreeMap<String, u64>,
    /// Expired.
    pub expired: u64,
    /// Not taken, by the name of the gRPC status code.
    pub not_taken: BTreeMap<String, u64>,
    /// Without an answer, and the log does not know either.
    pub unknown: u64,
    /// Without an answer at first; the log told. Counted above by what it told.
    pub resolved: u64,
    /// Replies to what was not asked, or was answered before.
    pub unasked: u64,
    /// Meant to be sent, but not sent before the end of the run.
    pub not_sent: u64,
}

/// The distribution of a latency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// How many payments it is of.
    pub count: u64,
    /// Half of them took no longer.
    pub p50: Duration,
    /// 99 % of them took no longer.
    pub p99: Duration,
    /// 99.9 % of them took no longer.
    pub p999: Duration,
    /// None took longer.
    pub max: Duration,
}

/// What the replies of a load run came to.
#[derive(Clone, Debug)]
pub struct Driven {
    /// What was to be done.
    pub options: LoadOptions,
    /// From the start to the last answer.
    pub elapsed: Duration,
    /// What payments came to.
    pub counts: Counts,
    /// Of payments that were decided, from the time of sending; at a fixed rate from the time that was meant.
    pub latency: Latency,
    /// Of payments that were not taken, counted likewise.
    pub refusal_latency: Latency,
    /// How late the latest payment left, at a fixed rate. Much of it means that the client was the
    /// bottleneck, or that the node filled up what may be in flight.
    pub late_max: Duration,
    /// Why connections ended before their payments were sent.
    pub gave_up: Vec<String>,
}

/// What a load run came to.
#[derive(Debug)]
pub struct LoadReport {
    /// What its replies came to.
    pub driven: Driven,
    /// What the books say.
    pub audit: AuditReport,
    /// The payments that were confirmed as settled.
    pub confirmed: Confirmed,
    /// What the payees' banks elsewhere were told, if there are any.
    pub banks: Option<ResponderCounts>,
}

/// The sums of all lanes.
pub(crate) struct Totals {
    pub(crate) counts: Counts,
    latency: Latency,
    refusal_latency: Latency,
    late_max: Duration,
    gave_up: Vec<String>,
}

impl Totals {
    pub(crate) fn of(tallies: &mut [(Share, Tally)], resolved: u64) -> Self {
        let mut counts = Counts { resolved, ..Counts::default() };
        let (mut decided, mut refused) = (Latencies::empty_histogram(), Latencies::empty_histogram());
        let mut late_max = Duration::ZERO;
        let mut gave_up = Vec::new();
        for (_, tally) in tallies {
            counts.sent += tally.sent;
            counts.settled += tally.settled.count();
            counts.expired += tally.expired;
            counts.unknown += u64::try_from(tally.unknown.len()).expect("64 bits");
            counts.unasked += tally.unasked;
            counts.not_sent += tally.not_sent;
            for (reason, count) in &tally.rejected {
                *counts.rejected.entry(reason.clone()).or_default() += count;
            }
            for (code, count) in &tally.not_taken {
                *counts.not_taken.entry(code_name(*code)).or_default() += count;
            }
            tally.decided.add_to(&mut decided);
            tally.refused.add_to(&mut refused);
            late_max = late_max.max(tally.late_max);
            gave_up.extend(tally.gave_up.clone());
        }
        Self {
            counts,
            latency: Latency::of(&decided),
            refusal_latency: Latency::of(&refused),
            late_max,
            gave_up,
        }
    }
}

impl Counts {
    /// How many were decided in any way.
    pub fn decided(&self) -> u64 {
        self.settled + self.rejected.values().sum::<u64>() + self.expired
    }

    fn to_json(&self) -> Value {
        json!({
            "sent": self.sent,
            "settled": self.settled,
            "rejected": self.rejected,
            "expired": self.expired,
            "not_taken": self.not_taken,
            "unknown": self.unknown,
            "resolved": self.resolved,
            "unasked": self.unasked,
            "not_sent": self.not_sent,
        })
    }
}

impl Latency {
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| Duration::from_micros(histogram.value_at_quantile(quantile));
        let max = Duration::from_micros(histogram.max());
        // A quantile is the end of its bucket, which may lie past the largest value.
        Self {
            count: histogram.len(),
            p50: at(0.5).min(max),
            p99: at(0.99).min(max),
            p999: at(0.999).min(max),
            max,
        }
    }

    fn to_json(self) -> Value {
        let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        json!({
            "count": self.count,
            "p50": micros(self.p50),
            "p99": micros(self.p99),
            "p99.9": micros(self.p999),
            "max": micros(self.max),
        })
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99, p999, max] = [self.p50, self.p99, self.p999, self.max].map(span);
        write!(formatter, "p50 {p50}   p99 {p99}   p99.9 {p999}   max {max}")
    }
}

impl Driven {
    pub(crate) fn new(options: &LoadOptions, elapsed: Duration, totals: Totals) -> Self {
        let Totals { counts, latency, refusal_latency, late_max, gave_up } = totals;
        Self { options: options.clone(), elapsed, counts, latency, refusal_latency, late_max, gave_up }
    }

    /// Payments settled a second.
    pub fn settled_per_second(&self) -> u64 {
        per_second(self.counts.settled, self.elapsed)
    }

    /// The form for programs. Latencies are in microseconds.
    pub fn to_json(&self) -> Value {
        let options = &self.options;
        let (payments_per_message, in_flight) = match options.mode {
            Mode::Unary { calls_in_flight } => (1, calls_in_flight),
            Mode::Stream { payments_per_message, messages_in_flight } => {
                (payments_per_message, messages_in_flight)
            }
        };
        let (kind, rate, arrivals) = match options.rate {
            Rate::Max => ("closed", Value::Null, Value::Null),
            Rate::PerSecond(rate) => ("open", json!(rate), json!(arrivals_name(options.arrivals))),
        };
        json!({
            "run": options.run.as_str(),
            "mode": options.mode.name(),
            "loop": kind,
            "rate": rate,
            "arrivals": arrivals,
            "workload": options.workload.name(),
            "accounts": options.accounts,
            "remote_percent": options.remote.as_ref().map_or(0, |remote| remote.percent),
            "remote_banks": options.remote.as_ref().map_or(0, |remote| remote.banks.len()),
            "connections": options.connections,
            "payments_per_message": payments_per_message,
            "in_flight_per_connection": in_flight,
            "elapsed_seconds": self.elapsed.as_secs_f64(),
            "settled_per_second": self.settled_per_second(),
            "counts": self.counts.to_json(),
            "latency_micros": self.latency.to_json(),
            "refusal_latency_micros": self.refusal_latency.to_json(),
            "late_micros_max": u64::try_from(self.late_max.as_micros()).unwrap_or(u64::MAX),
            "gave_up": self.gave_up,
        })
    }

    fn write_heading(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.options;
        let in_flight = match options.mode {
            Mode::Unary { calls_in_flight } => format!("{calls_in_flight} calls in flight each"),
            Mode::Stream { payments_per_message, messages_in_flight } => {
                format!("{messages_in_flight} messages of {payments_per_message} payments in flight each")
            }
        };
        let (mode, connections) = (options.mode.name(), options.connections);
        writeln!(formatter, "load {}: {mode}, {connections} connections, {in_flight}", options.run)?;
        let (workload, accounts) = (options.workload.name(), grouped(options.accounts.into()));
        if let Some(remote) = &options.remote {
            let (percent, banks) = (remote.percent, remote.banks.len());
            writeln!(formatter, "{percent} % go to {banks} banks elsewhere, which are asked about each")?;
        }
        match options.rate {
            Rate::Max => writeln!(
                formatter,
                "{workload} over {accounts} accounts; closed loop: answers let payments go, so latency is \
                 that of a full pipe"
            ),
            Rate::PerSecond(rate) => writeln!(
                formatter,
                "{workload} over {accounts} accounts; open loop: {} a second, {}, latency from the time that \
                 was meant",
                grouped(rate),
                match options.arrivals {
                    Arrivals::Constant => "at equal distances",
                    Arrivals::Poisson => "independent arrivals",
                }
            ),
        }
    }
}

/// A table for people.
impl fmt::Display for Driven {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_heading(formatter)?;
        let counts = &self.counts;
        let mut row = |name: &str, count: u64, note: &str| {
            writeln!(formatter, "  {name:<24}{:>15}{note}", grouped(count))
        };
        row("sent", counts.sent, &format!("   in {}", span(self.elapsed)))?;
        row("settled", counts.settled, &format!("   {}/s", grouped(self.settled_per_second())))?;
        for (reason, count) in &counts.rejected {
            row(&format!("rejected {reason}"), *count, "")?;
        }
        for (code, count) in &counts.not_taken {
            row(&format!("not taken {code}"), *count, "")?;
        }
        let rare = [
            ("expired", counts.expired, ""),
            ("unknown", counts.unknown, ""),
            ("asked about", counts.resolved, "   their answers were lost, and the log told"),
            ("answers to nothing", counts.unasked, ""),
            ("not sent", counts.not_sent, "   their time was over before there was room"),
        ];
        for (name, count, note) in rare.into_iter().filter(|(_, count, _)| *count > 0) {
            row(name, count, note)?;
        }
        writeln!(formatter, "  latency: {}", self.latency)?;
        if self.refusal_latency.count > 0 {
            writeln!(formatter, "  latency of refusals: {}", self.refusal_latency)?;
        }
        if self.options.rate != Rate::Max {
            writeln!(formatter, "  the latest payment left {} after its time", span(self.late_max))?;
        }
        for why in &self.gave_up {
            writeln!(formatter, "  a connection gave up: {why}")?;
        }
        Ok(())
    }
}

impl LoadReport {
    /// Whether every payment has an answer, the books agree, and no connection gave up.
    pub fn passed(&self) -> bool {
        self.audit.passed() && self.driven.gave_up.is_empty()
    }

    /// The form for programs. Latencies are in microseconds.
    pub fn to_json(&self) -> Value {
        let mut json = self.driven.to_json();
        json["audit"] = self.audit.to_json();
        json["passed"] = self.passed().into();
        json["banks"] = self.banks.map_or(Value::Null, ResponderCounts::to_json);
        json
    }
}

/// A table for people, with the audit at its end.
impl fmt::Display for LoadReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.driven.fmt(formatter)?;
        if let Some(banks) = self.banks {
            let ResponderCounts { questions, settled, not_settled, ineffective, .. } = banks;
            let [questions, settled, not_settled] = [questions, settled, not_settled].map(grouped);
            write!(formatter, "  banks elsewhere: {questions} questions, {settled} settlements reported")?;
            writeln!(formatter, ", {not_settled} others, {} answers without effect", grouped(ineffective))?;
        }
        self.audit.fmt(formatter)
    }
}

const fn arrivals_name(arrivals: Arrivals) -> &'static str {
    match arrivals {
        Arrivals::Constant => "constant",
        Arrivals::Poisson => "poisson",
    }
}

/// The name of a gRPC status code as its specification writes it, such as `RESOURCE_EXHAUSTED`.
fn code_name(code: i32) -> String {
    let mut name = String::new();
    for letter in format!("{:?}", Code::from_i32(code)).chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
