//! Exceptions: what needs a person of a bank, because no rule can finish it. Which actions are legal for which kind is one
//! table, [`ExceptionKind::permits`].
//!
//! Invariant: no action changes a payment that was decided. Money moves by bookings of their own, in the bank's own book.

use types::fields::{FieldError, FieldReader, FieldWriter};
use types::{AccountNumber, Amount, Bic, Currency, Iban, Sequence, Text};

use crate::command::stored_enum;
use crate::{AccountSelector, Direction, Original, RecordName, RequestId, TextsError};

stored_enum! {
    /// What is out of order.
    ExceptionKind {
        /// The payee's bank accepted a payment that was not settled: it may have given its customer money that it never got.
        LatePositive = 1,
        /// A payment was settled, and the payee's bank has not acknowledged that its customer has the money.
        CreditNotAcknowledged = 2,
        /// A settlement was confirmed so late that the payer's bank may have given its customer the money back.
        LateConfirmation = 3,
        /// A bank's own core has not told the balance of an account for too long, or has told it with a gap.
        StaleMirror = 4,
        /// Books that should agree do not.
        ReconciliationBreak = 5,
        /// The time for the answer to a recall is nearly over.
        RecallDue = 6,
    }
}

stored_enum! {
    /// What is done about an exception.
    ExceptionAction {
        /// The money goes to the customer's account, or is taken from it. Ends the exception.
        BookToCustomer = 1,
        /// The money is kept apart, on the suspense account of the bank's book, until it is known whose it is.
        ToSuspense = 2,
        /// The payment went back, or was asked back, by a recall. Ends the exception.
        Return = 3,
        /// Whoever knows more is asked again.
        AskAgain = 4,
        /// What was kept apart is the bank's own gain or loss. Ends the exception.
        WriteOff = 5,
        /// Nothing is to be booked. Ends the exception.
        Close = 6,
    }
}

impl ExceptionKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::LatePositive,
        Self::CreditNotAcknowledged,
        Self::LateConfirmation,
        Self::StaleMirror,
        Self::ReconciliationBreak,
        Self::RecallDue,
    ];

    /// Whether this action is legal for exceptions of this kind.
    ///
    /// Money that belongs to a customer is no bank's gain, what was never settled can't go back, and where no money is in
    /// question none is booked.
    pub const fn permits(self, action: ExceptionAction) -> bool {
        use ExceptionAction::{AskAgain, BookToCustomer, Close, Return, ToSuspense, WriteOff};
        match self {
            Self::LatePositive => matches!(action, BookToCustomer | ToSuspense | WriteOff | Close),
            Self::CreditNotAcknowledged => {
                matches!(action, BookToCustomer | ToSuspense | Return | AskAgain | Close)
            }
            Self::LateConfirmation => {
                matches!(action, BookToCustomer | ToSuspense | Return | AskAgain | WriteOff | Close)
            }
            Self::StaleMirror => matches!(action, AskAgain | Close),
            Self::ReconciliationBreak => {
                matches!(action, BookToCustomer | ToSuspense | AskAgain | WriteOff | Close)
            }
            Self::RecallDue => matches!(action, Return | AskAgain | Close),
        }
    }

    /// Which way money goes on the customer's account: in where the bank has what is the customer's, out where the
    /// customer has what is the bank's. `None` where whoever raises it says so, or no money is in question.
    pub const fn direction(self) -> Option<Direction> {
        match self {
            Self::CreditNotAcknowledged => Some(Direction::Credit),
            Self::LatePositive | Self::LateConfirmation => Some(Direction::Debit),
            Self::StaleMirror | Self::ReconciliationBreak | Self::RecallDue => None,
        }
    }

    /// Whether it is about a payment.
    pub const fn is_of_payment(self) -> bool {
        match self {
            Self::LatePositive | Self::CreditNotAcknowledged | Self::LateConfirmation => true,
            Self::StaleMirror | Self::ReconciliationBreak | Self::RecallDue => false,
        }
    }

    /// Whether the same thing may go out of order again once this is resolved.
    pub(crate) const fn recurs(self) -> bool {
        matches!(self, Self::StaleMirror | Self::ReconciliationBreak)
    }
}

impl ExceptionAction {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::BookToCustomer, Self::ToSuspense, Self::Return, Self::AskAgain, Self::WriteOff, Self::Close];

    /// Whether the exception is resolved by it.
    pub const fn resolves(self) -> bool {
        match self {
            Self::BookToCustomer | Self::Return | Self::WriteOff | Self::Close => true,
            Self::ToSuspense | Self::AskAgain => false,
        }
    }
}

/// Who looks after an exception: the label of a team or a queue. It stands in the log and in the state in clear, so it is no
/// place for a person's name.
pub type ExceptionOwner = RecordName<32>;

/// What an exception is about.
#[derive(Clone, Debug)]
pub enum ExceptionSubject {
    /// A payment, as the log or its archive tells it.
    Payment(Box<Original>),
    /// A recall, and how much its payment was.
    Recall {
        /// Its position.
        recall: Sequence,
        /// How much was paid.
        amount: Amount,
        /// In which currency.
        currency: Currency,
    },
    /// An account that is kept here.
    Account(AccountSelector),
    /// What a comparison of books found.
    Reference {
        /// The bank's reference of it.
        reference: Text<35>,
        /// How much the books differ by.
        amount: Amount,
        /// In which currency.
        currency: Currency,
        /// Whether the customer is to get it, or to give it.
        direction: Direction,
    },
}

/// An exception is raised.
#[derive(Clone, Debug)]
pub struct RaiseException {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank that has to look after it.
    pub bank: Bic,
    /// What is out of order. It fits the subject.
    pub kind: ExceptionKind,
    /// What it is about.
    pub subject: ExceptionSubject,
    /// Words beside it.
    pub note: Option<Text<140>>,
}

/// An exception gets an owner, or another one.
#[derive(Clone, Debug)]
pub struct AssignException {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank that has to look after it.
    pub bank: Bic,
    /// The position of the exception.
    pub exception: Sequence,
    /// Who looks after it from now on.
    pub owner: ExceptionOwner,
    /// Words beside it.
    pub note: Option<Text<140>>,
}

/// Something is done about an exception.
#[derive(Clone, Debug)]
pub struct ResolveException {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank that has to look after it.
    pub bank: Bic,
    /// The position of the exception.
    pub exception: Sequence,
    /// What is done.
    pub action: ExceptionAction,
    /// The customer's account, where it is booked on one, with its number as the edge sees it. The core checks it.
    pub account: Option<(Iban, AccountNumber)>,
    /// What the core knows of the exception; `None` if it knows none.
    pub seen: Option<ExceptionSeen>,
    /// Words beside it.
    pub note: Option<Text<140>>,
}

/// What an action has to say of its exception, as the core tells it: whoever reads the log needs to look nowhere else for what
/// it books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExceptionSeen {
    /// What is out of order.
    pub kind: ExceptionKind,
    /// How much is in question, if money is.
    pub amount: Option<Amount>,
    /// In which currency.
    pub currency: Currency,
    /// Which way money goes on the customer's account.
    pub direction: Option<Direction>,
    /// The bank on the other side of the payment, if there is one.
    pub other_bank: Option<Bic>,
}

/// The texts of a command about an exception.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExceptionText {
    /// The bank's reference of what a comparison found.
    pub reference: Option<Text<35>>,
    /// The account that it is about, or is booked on.
    pub iban: Option<Iban>,
    /// Words beside it.
    pub note: Option<Text<140>>,
}

// Tags are stored and never reused.
const REFERENCE: u8 = 1;
const IBAN: u8 = 2;
const NOTE: u8 = 3;

impl ExceptionText {
    /// Writes the stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = FieldWriter::default();
        if let Some(reference) = &self.reference {
            writer.field(REFERENCE, reference.as_str().as_bytes());
        }
        if let Some(iban) = &self.iban {
            writer.field(IBAN, iban.as_str().as_bytes());
        }
        if let Some(note) = &self.note {
            writer.field(NOTE, note.as_str().as_bytes());
        }
        writer.bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// If these bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, TextsError> {
        let mut reader = FieldReader::new(bytes, |_| false)?;
        let reference =
            reader.utf8(REFERENCE)?.map(|text| value(REFERENCE, Text::parse(text))).transpose()?;
        let iban = reader.utf8(IBAN)?.map(|text| value(IBAN, Iban::parse(text))).transpose()?;
        let note = reader.utf8(NOTE)?.map(|text| value(NOTE, Text::parse(text))).transpose()?;
        reader.finish()?;
        Ok(Self { reference, iban, note })
    }
}

fn value<Value, Error>(tag: u8, read: Result<Value, Error>) -> Result<Value, FieldError> {
    read.map_err(|_| FieldError::Value(tag))
}
