//! The words of test scripts about exceptions, and what scripts ask about them.

use types::{Amount, Currency, PrincipalNumber, Sequence, Text};

use super::{Run, decimal};
use crate::testing_words::{Words, bank, iban, key};
use crate::{
    AccountSelector, AssignException, Direction, Exception, ExceptionAction, ExceptionKind, ExceptionOwner,
    ExceptionSubject, RaiseException, RecordWriter, RequestId, ResolveException,
};

impl Run {
    /// `raise late-positive C T1 A1 C1 1.00`, `raise recall-due B R1 1.00`, `raise stale A A1`,
    /// `raise break A REF-1 1.00 credit`; `assign E1 A team`; `resolve E1 A book A1`, `resolve E1 A ask`. What a caller does
    /// not say is as the edge finds it: in the ledger.
    pub(super) fn exception_command(
        &self,
        verb: &str,
        count: usize,
        words: &mut Words<'_>,
    ) -> (RecordWriter, String) {
        let id = words.option("id").map_or_else(|| format!("request-{count}"), str::to_owned);
        let mut writer = RecordWriter::new(key(), PrincipalNumber(1));
        let request_id = RequestId::parse(&id).unwrap();
        let note = words.option("note").map(|note| Text::parse(note).unwrap());
        if verb == "raise" {
            let kind = kind(words.word());
            let bank = bank(words.word());
            let subject = self.subject(kind, words);
            writer.raise_exception(&RaiseException { request_id, bank, kind, subject, note });
            return (writer, id);
        }
        let (exception, bank) = (self.original(words.word()), bank(words.word()));
        if verb == "assign" {
            let owner = ExceptionOwner::parse(words.word()).unwrap();
            writer.assign_exception(&AssignException { request_id, bank, exception, owner, note });
            return (writer, id);
        }
        let action = action(words.word());
        let account = words.next().map(|name| {
            let found = self.ledger.account(&key(), iban(name).as_str(), Currency::EUR);
            (iban(name), found.map(|(number, _)| number).unwrap_or_default())
        });
        let seen = self.ledger.exception(exception).map(|exception| self.ledger.exception_seen(exception));
        writer.resolve_exception(&ResolveException {
            request_id,
            bank,
            exception,
            action,
            account,
            seen,
            note,
        });
        (writer, id)
    }

    fn subject(&self, kind: ExceptionKind, words: &mut Words<'_>) -> ExceptionSubject {
        let currency = Currency::EUR;
        let amount = |text: &str| Amount::parse(text, currency).unwrap();
        match kind {
            ExceptionKind::LatePositive
            | ExceptionKind::CreditNotAcknowledged
            | ExceptionKind::LateConfirmation => {
                let (position, fate) = (|label: &str| self.original(label), |payment| self.fate(payment));
                ExceptionSubject::Payment(Box::new(words.told_original(&position, &fate)))
            }
            ExceptionKind::RecallDue => {
                let (recall, amount) = (self.original(words.word()), amount(words.word()));
                ExceptionSubject::Recall { recall, amount, currency }
            }
            ExceptionKind::StaleMirror => {
                ExceptionSubject::Account(AccountSelector { iban: iban(words.word()), currency })
            }
            ExceptionKind::ReconciliationBreak => {
                let reference = Text::parse(words.word()).unwrap();
                let amount = amount(words.word());
                let direction = match words.word() {
                    "credit" => Direction::Credit,
                    _ => Direction::Debit,
                };
                ExceptionSubject::Reference { reference, amount, currency, direction }
            }
        }
    }

    pub(super) fn ask_exceptions(&self, verb: &str, words: &mut Words<'_>) -> String {
        match verb {
            "exception" => match self.ledger.exception(self.original(words.word())) {
                Some(exception) => told(exception),
                None => "none".to_owned(),
            },
            "exceptions" => self.labels_of(self.ledger.exceptions(Sequence(0))),
            "right" => self.labels_of(self.ledger.exceptions_over()),
            "suspense" => {
                let number = self.ledger.participant(bank(words.word())).expect("it is registered").0;
                decimal(self.ledger.suspense_balance(number, Currency::EUR))
            }
            _ => {
                let noticed = self.ledger.noticed_exceptions();
                joined(
                    noticed.map(|(kind, noticed)| format!("{} {}", self.label(noticed.payment), name(kind))),
                )
            }
        }
    }

    fn labels_of<'ledger>(&self, exceptions: impl Iterator<Item = &'ledger Exception>) -> String {
        joined(exceptions.map(|exception| self.label(exception.sequence()).to_owned()))
    }
}

/// `open`, `open with team, ask, in suspense`, `resolved by book`.
fn told(exception: &Exception) -> String {
    let mut text = if exception.is_resolved() { "resolved".to_owned() } else { "open".to_owned() };
    if let Some((owner, _)) = exception.owner() {
        text += &format!(" with {}", owner.as_str());
    }
    if let Some(acted) = exception.acted() {
        text += &format!(", {}", word(acted.action));
    }
    if exception.is_in_suspense() {
        text += ", in suspense";
    }
    text
}

/// The word of a kind.
pub(crate) const fn name(kind: ExceptionKind) -> &'static str {
    match kind {
        ExceptionKind::LatePositive => "late-positive",
        ExceptionKind::CreditNotAcknowledged => "unacknowledged",
        ExceptionKind::LateConfirmation => "late-confirmation",
        ExceptionKind::StaleMirror => "stale",
        ExceptionKind::ReconciliationBreak => "break",
        ExceptionKind::RecallDue => "recall-due",
    }
}

/// The word of an action.
pub(crate) const fn word(action: ExceptionAction) -> &'static str {
    match action {
        ExceptionAction::BookToCustomer => "book",
        ExceptionAction::ToSuspense => "suspend",
        ExceptionAction::Return => "return",
        ExceptionAction::AskAgain => "ask",
        ExceptionAction::WriteOff => "write-off",
        ExceptionAction::Close => "close",
    }
}

fn kind(text: &str) -> ExceptionKind {
    ExceptionKind::ALL.into_iter().find(|kind| name(*kind) == text).expect("a kind of exception")
}

fn action(text: &str) -> ExceptionAction {
    ExceptionAction::ALL.into_iter().find(|action| word(*action) == text).expect("an action")
}

fn joined(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}
