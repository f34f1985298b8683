//! How large history is, and how fast it answers: what the history crate's example `size` finds, beside its goals.
//!
//! The example has a log made up by a second process and takes it in, and says a line for each size. There is no node, so
//! nothing but history is in its figures.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde_json::Value;

use super::process::text;
use super::progress::Teller;
use super::rows::Row;
use super::statistics::{Goal, Spread, Unit};

/// Two sizes of history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    payments: [u64; 2],
    accounts: u32,
}

impl Sizes {
    /// As the goals have it.
    pub(crate) const FULL: Self = Self { payments: [10_000_000, 20_000_000], accounts: 1_000_000 };
    /// A tenth of it.
    pub(crate) const QUICK: Self = Self { payments: [1_000_000, 2_000_000], accounts: 100_000 };
}

/// Bytes a payment may take in history.
const PAYMENT_BYTES_MAX: f64 = 500.0;
/// How long all but one in a hundred look-ups may take, in milliseconds.
const LOOK_UP_MS_MAX: f64 = 2.0;
/// What history may take of the memory, in bytes.
const RESIDENT_BYTES_MAX: f64 = 1e9;

/// Lets the example grow to both sizes in a new folder, and gives what it says of each.
pub(crate) fn measure(
    example: &Path,
    sizes: Sizes,
    folder: &Path,
    teller: &Teller,
) -> anyhow::Result<[Value; 2]> {
    let Sizes { payments: [first, second], accounts } = sizes;
    teller.doing(&format!("taking {first} payments in"));
    let mut child = Command::new(example)
        .args(["--payments", &format!("{first},{second}"), "--accounts", &accounts.to_string()])
        .args(["--folder", &text(folder)?])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} can't be run", example.display()))?;
    let output = BufReader::new(child.stdout.take().context("a process was started without an output")?);
    let mut found = Vec::new();
    for line in output.lines() {
        found.push(serde_json::from_str(&line.context("the example can't be heard")?)?);
        teller.doing(&format!("taking {second} payments in"));
    }
    let status = child.wait().context("the example can't be waited for")?;
    ensure!(status.success(), "the example ended with {status}; it says why on standard error");
    found.try_into().ok().context("the example does not say one line for each size")
}

/// What it said, as rows.
pub(crate) fn rows(found: &[Value; 2]) -> anyhow::Result<Vec<Row>> {
    let number = |value: &Value, name: &str| {
        value[name].as_f64().with_context(|| format!("the example says nothing of {name}"))
    };
    let mut payments = [0.0; 2];
    let mut bytes = [0.0; 2];
    for (at, value) in found.iter().enumerate() {
        payments[at] = number(value, "payments")?;
        // The whole folder: the store's own journal takes room as well.
        bytes[at] = number(value, "folder_bytes")?;
    }
    let [first, last] = [0, 1].map(|at| bytes[at] / payments[at]);
    let slope = (bytes[1] - bytes[0]) / (payments[1] - payments[0]);
    let look_ups = found[1]["look_ups"].as_object().context("the example looks nothing up")?;
    let p99s = look_ups.iter().map(|(name, times)| Ok((name, number(times, "p99_us")? / 1e3)));
    let p99s = p99s.collect::<anyhow::Result<Vec<_>>>()?;
    let slowest = p99s.iter().max_by(|one, other| one.1.total_cmp(&other.1));
    let (slowest, p99) = slowest.context("the example looks nothing up")?;
    let resident = number(&found[0], "resident_bytes")?.max(number(&found[1], "resident_bytes")?);
    let taken_in = Unit::PerSecond.text(number(&found[1], "payments_per_second")?);
    let millions = payments.map(|payments| format!("{:.0} M", payments / 1e6));
    let row = |name: &str, unit, must, figure, note| Row {
        name: name.to_owned(),
        goal: Goal::at_most(unit, Some(must), None),
        spread: Spread::of(&[figure]),
        void: None,
        note,
    };
    Ok(vec![
        row(
            &format!("history of {}, bytes a payment", millions[1]),
            Unit::Bytes,
            PAYMENT_BYTES_MAX,
            last,
            format!("of {} {}; {taken_in} taken in", millions[0], Unit::Bytes.text(first)),
        ),
        row(
            "history, bytes of each further payment",
            Unit::Bytes,
            PAYMENT_BYTES_MAX,
            slope,
            format!("from {} to {}", millions[0], millions[1]),
        ),
        row(
            "history, p99 of the slowest look-up",
            Unit::Milliseconds,
            LOOK_UP_MS_MAX,
            *p99,
            slowest.replace('_', " "),
        ),
        row(
            "history, resident memory",
            Unit::Bytes,
            RESIDENT_BYTES_MAX,
            resident,
            "the process that takes it in and looks it up".to_owned(),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::compare::statistics::Verdict;

    fn said(payments: u64, folder_bytes: u64) -> Value {
        json!({
            "payments": payments, "folder_bytes": folder_bytes, "payments_per_second": 210_000,
            "resident_bytes": 640_000_000,
            "look_ups": { "by_id": { "p99_us": 90 }, "by_transaction_id": { "p99_us": 2_100 } },
        })
    }

    #[test]
    fn the_slope_is_that_between_both_sizes() {
        let found = [said(10_000_000, 4_100_000_000), said(20_000_000, 9_200_000_000)];
        let rows = rows(&found).unwrap();
        let figures: Vec<_> = rows.iter().map(|row| row.spread.unwrap().median).collect();
        assert_eq!(
            figures.iter().map(|figure| figure.round()).collect::<Vec<_>>(),
            [460.0, 510.0, 2.0, 640e6]
        );
        let verdicts: Vec<_> = rows.iter().map(Row::verdict).collect();
        use Verdict::{Missed, Reached};
        assert_eq!(verdicts, [Reached, Missed, Missed, Reached]);
        assert_eq!(rows[0].note, "of 10 M 410 B; 210.0 k/s taken in");
        assert_eq!(rows[2].note, "by transaction id");
    }

    #[test]
    fn what_the_example_leaves_out_is_named() {
        let mut without = said(2, 2);
        without["resident_bytes"] = Value::Null;
        let error = rows(&[said(1, 1), without]).unwrap_err().to_string();
        assert!(error.contains("resident_bytes"), "{error}");
    }
}
