//! What the log says was told of payments, read from what `solvo inspect` shows.

use std::collections::HashMap;

use serde_json::Value;

/// A final state, its reason, and the position at which it was decided.
pub(crate) type Final = (String, String, u64);

/// Payments and their outcomes by the position at which they entered the log.
#[derive(Debug, Default)]
pub(crate) struct ToldInLog {
    payment_ids: HashMap<u64, String>,
    outcomes: HashMap<u64, Vec<Final>>,
}

impl ToldInLog {
    /// Reads rows of JSON.
    pub(crate) fn read(shown: &str) -> Self {
        let mut log = Self::default();
        for line in shown.lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            match row["type"].as_str().unwrap() {
                "record" => log.record(&row),
                "outcome" => log.outcome(&row),
                _ => {}
            }
        }
        log
    }

    /// The payment at a position.
    pub(crate) fn payment_id(&self, sequence: u64) -> Option<&str> {
        self.payment_ids.get(&sequence).map(String::as_str)
    }

    /// Every final outcome that was told of the payment at a position: one, if all is well.
    pub(crate) fn outcomes(&self, sequence: u64) -> &[Final] {
        self.outcomes.get(&sequence).map_or(&[], Vec::as_slice)
    }

    fn record(&mut self, row: &Value) {
        if row["kind"] == "payment" {
            let payment_id = row["payment_id"].as_str().unwrap().to_owned();
            self.payment_ids.insert(row["sequence"].as_u64().unwrap(), payment_id);
        }
    }

    /// A payment's own outcome, or the one that an answer has brought about. Repeats tell what was told before.
    fn outcome(&mut self, row: &Value) {
        let payment = match (row["kind"].as_str().unwrap(), row["effect"].as_str()) {
            ("payment", None) if row["repeat_of"].is_null() => &row["sequence"],
            ("answer", Some("applied")) => &row["payment"],
            _ => return,
        };
        let state = row["verdict"].as_str().unwrap().to_owned();
        if state == "reserved" {
            return;
        }
        let reason = row["reason"].as_str().unwrap_or_default().to_owned();
        let told = (state, reason, row["decided_at"].as_u64().unwrap());
        self.outcomes.entry(payment.as_u64().unwrap()).or_default().push(told);
    }
}
