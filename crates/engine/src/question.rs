//! What can be asked. Questions wait until everything received before them has been applied, so an answer is
//! consistent and fresh; it says of which position it is.

use ledger::{Account, BookTotals, Ledger, Participant, PaymentAnswer, PaymentTotals, Position};
use types::{AccountNumber, Bic, Currency, Iban, Sequence, Text, Timestamp};

/// A question.
#[derive(Clone, Debug)]
pub enum Question {
    /// What became of the payment at this position?
    PaymentAt(Sequence),
    /// What became of the payment with this key?
    PaymentByKey {
        /// The payer's bank.
        debtor_agent: Bic,
        /// Its transaction id.
        transaction_id: Text<35>,
        /// The acceptance time, if the asker gave one with the payment.
        acceptance_time: Option<Timestamp>,
    },
    /// What is on this account?
    Account {
        /// Its number.
        iban: Iban,
        /// Its currency.
        currency: Currency,
    },
    /// Who is this participant?
    Participant(Bic),
    /// What is in this position?
    Position {
        /// The participant.
        bic: Bic,
        /// The currency.
        currency: Currency,
    },
    /// Does every book sum to zero?
    TrialBalance,
}

/// An answer, and the position it is of.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The answer.
    pub answer: Answer,
    /// The last position that had been applied.
    pub as_of: Position,
}

/// An answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Question::PaymentAt`] and [`Question::PaymentByKey`].
    Payment(PaymentAnswer),
    /// To [`Question::Account`] and [`Question::Position`]: the account, and the bank whose it is.
    Account(Option<(AccountNumber, Account, Bic)>),
    /// To [`Question::Participant`].
    Participant(Option<Box<Participant>>),
    /// To [`Question::TrialBalance`].
    TrialBalance {
        /// Every book.
        books: Vec<BookTotals>,
        /// Payments by state.
        payments: PaymentTotals,
    },
}

impl Question {
    /// The answer by the ledger's present state.
    pub(crate) fn answer(&self, ledger: &Ledger) -> Answered {
        let answer = match self {
            Self::PaymentAt(sequence) => Answer::Payment(ledger.payment_at(*sequence)),
            Self::PaymentByKey { debtor_agent, transaction_id, acceptance_time } => Answer::Payment(
                ledger.payment_by_key(*debtor_agent, transaction_id.as_str(), *acceptance_time),
            ),
            Self::Account { iban, currency } => {
                let setup = ledger.setup().expect("questions are taken after the log's first record");
                let found = ledger.account(&setup.digest_key, iban.as_str(), *currency);
                Answer::Account(found.map(|(number, account)| {
                    (number, *account, ledger.participant_by_number(account.owner()).bic())
                }))
            }
            Self::Participant(bic) => {
                let found = ledger.participant(*bic);
                Answer::Participant(found.map(|(_, found)| Box::new(found.clone())))
            }
            Self::Position { bic, currency } => {
                let position = ledger.participant(*bic).and_then(|(_, found)| found.position(*currency));
                Answer::Account(position.map(|number| (number, *ledger.account_by_number(number), *bic)))
            }
            Self::TrialBalance => {
                Answer::TrialBalance { books: ledger.trial_balance(), payments: ledger.payment_totals() }
            }
        };
        Answered { answer, as_of: ledger.position() }
    }

    /// Whether the answer would be another one if log time had come as far as this.
    pub(crate) fn hinges_on_time(&self, answered: &Answered, ledger: &Ledger, time: Timestamp) -> bool {
        if let Answer::Payment(PaymentAnswer::Found(payment)) = &answered.answer {
            let question = ledger.open_question(payment.sequence());
            return question.is_some_and(|question| question.answer_by <= time);
        }
        let Answer::Payment(PaymentAnswer::NotFound { is_final: false }) = answered.answer else {
            return false;
        };
        match self {
            Self::PaymentByKey { acceptance_time: Some(accepted), .. } => ledger.deadline(*accepted) <= time,
            Self::PaymentByKey { acceptance_time: None, .. }
            | Self::PaymentAt(_)
            | Self::Account { .. }
            | Self::Participant(_)
            | Self::Position { .. }
            | Self::TrialBalance => false,
        }
    }
}
