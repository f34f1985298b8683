//! The file in which banks note what they hear and say: one JSON object a line.
//!
//! Invariant: no personal data is written, only names of payments, states and reasons.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use client::{Heard, v1};
use serde_json::{Value, json};
use types::Bic;

use crate::LoadgenError;

/// A file that lines are added to.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: BufWriter<File>,
    /// The first failure; nothing is written after it.
    failure: Option<io::Error>,
}

impl Journal {
    /// Opens a file for adding to it, and makes it if there is none.
    pub(super) fn open(path: &Path) -> Result<Self, LoadgenError> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(|error| file_error(path, &error))?;
        let state = Mutex::new(State { file: BufWriter::new(file), failure: None });
        Ok(Self { path: path.to_owned(), state })
    }

    /// Notes what a bank heard.
    pub(super) fn heard(&self, bic: &Bic, heard: &[Heard]) {
        self.write(heard.iter().map(|heard| with_bank(bic, heard_json(heard))));
    }

    /// Notes what a bank says, before it does.
    pub(super) fn said(&self, bic: &Bic, answers: &[v1::PaymentAnswer]) {
        self.write(answers.iter().map(|answer| with_bank(bic, answer_json(answer))));
    }

    fn write(&self, lines: impl Iterator<Item = Value>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { file, failure } = &mut *state;
        if failure.is_none() {
            let mut lines = lines;
            let written = lines.try_for_each(|line| writeln!(file, "{line}")).and_then(|()| file.flush());
            *failure = written.err();
        }
    }

    /// Says whether everything was written.
    pub(super) fn finish(&self) -> Result<(), LoadgenError> {
        let failure = self.state.lock().unwrap_or_else(PoisonError::into_inner).failure.take();
        failure.map_or(Ok(()), |error| Err(file_error(&self.path, &error)))
    }
}

fn file_error(path: &Path, error: &io::Error) -> LoadgenError {
    LoadgenError::File { path: path.to_owned(), what: error.to_string() }
}

fn with_bank(bic: &Bic, mut line: Value) -> Value {
    line["bank"] = bic.as_str().into();
    line
}

fn heard_json(heard: &Heard) -> Value {
    match heard {
        Heard::Started(started) => {
            json!({ "heard": "started", "sequence": started.as_of_sequence, "unanswered": started.unanswered })
        }
        Heard::Question(question) => json!({
            "heard": "question",
            "payment": question.payment_id,
            "stage": question.stage().as_str_name(),
            "sequence": question.sequence,
            "possible_repeat": question.possible_repeat,
        }),
        Heard::Report(report) => {
            let mut line = outcome_json(report.outcome.as_ref());
            line["heard"] = "report".into();
            line["side"] = report.side().as_str_name().into();
            line["possible_repeat"] = report.possible_repeat.into();
            line
        }
        Heard::AnswerResult(result) => {
            let mut line = outcome_json(result.outcome.as_ref());
            line["heard"] = "answer_result".into();
            line["payment"] = result.payment_id.as_str().into();
            line["stage"] = result.stage().as_str_name().into();
            line["effect"] = result.effect().as_str_name().into();
            line["sequence"] = result.sequence.into();
            line
        }
    }
}

fn outcome_json(outcome: Option<&v1::PaymentOutcome>) -> Value {
    match outcome {
        Some(outcome) => json!({
            "payment": outcome.payment_id,
            "status": outcome.status().as_str_name(),
            "reason": outcome.reason_code,
            "sequence": outcome.decided_sequence,
        }),
        None => json!({}),
    }
}

fn answer_json(answer: &v1::PaymentAnswer) -> Value {
    json!({
        "said": answer.decision().as_str_name(),
        "payment": answer.payment_id,
        "stage": answer.stage().as_str_name(),
        "reason": answer.reason_code,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_and_keep_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bank.jsonl");
        let bic = Bic::parse("TESTBEBBXXX").unwrap();
        let secret = v1::Payment { debtor_account: "BE68539007547034".to_owned(), ..Default::default() };
        let question =
            v1::PaymentQuestion { payment_id: "P-1".to_owned(), payment: Some(secret), ..Default::default() };
        for _ in 0..2 {
            let journal = Journal::open(&path).unwrap();
            journal.heard(&bic, &[Heard::Question(question.clone())]);
            journal.said(&bic, &[question.accept()]);
            journal.finish().unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 4);
        assert!(!text.contains("BE68"));
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!((&line["bank"], &line["payment"]), (&json!("TESTBEBBXXX"), &json!("P-1")));
        }
        assert!(Journal::open(folder.path()).is_err(), "a folder is no file");
    }
}
