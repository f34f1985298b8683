//! A bank's connection in either form, in the words of messages.

use client::{BankConnection, ClientError, Heard, v1};

use super::iso_line::IsoLine;

/// A connection.
#[derive(Debug)]
pub(super) enum Line {
    /// `ParticipantService.Connect`.
    Messages(Box<BankConnection>),
    /// `Iso20022Service.Exchange`.
    Iso(Box<IsoLine>),
}

impl Line {
    /// What the bank hears next. Nothing is lost if the future is dropped.
    pub(super) async fn next(&mut self) -> Result<Vec<Heard>, ClientError> {
        match self {
            Self::Messages(bank) => bank.next().await,
            Self::Iso(line) => line.next().await,
        }
    }

    /// Everything up to this position has been processed.
    pub(super) fn processed(&mut self, sequence: u64) {
        match self {
            Self::Messages(bank) => bank.processed(sequence),
            Self::Iso(line) => line.processed(sequence),
        }
    }

    /// Hands answers to the connection; `false` if it was not there for all of them.
    pub(super) async fn answer(&mut self, answers: Vec<v1::PaymentAnswer>) -> bool {
        match self {
            Self::Messages(bank) => bank.answers().answer(answers).await,
            Self::Iso(line) => line.answer(answers).await,
        }
    }

    /// Asks what became of payments, where the form has a message for it.
    pub(super) async fn enquire(&mut self, payments: &[String]) {
        match self {
            // What a connection in messages was not told yet comes without asking.
            Self::Messages(_) => {}
            Self::Iso(line) => line.enquire(payments).await,
        }
    }

    /// Breaks the connection off.
    pub(super) fn disconnect(&mut self) {
        match self {
            Self::Messages(bank) => bank.disconnect(),
            Self::Iso(line) => line.disconnect(),
        }
    }
}
