//! The texts of a record, read back from the frame's personal section.

use iso20022::{EvidenceError, decompress_evidence};
use ledger::{
    AccountText, CaptureText, Command, EntryText, ExceptionText, HoldText, LegText, RecallText, Record,
    TextsError, layout,
};
use types::{Amount, Bic, Currency, FixedParts, OrderText, PaymentOrder, Timestamp};

use crate::inspect::fields::{Fields, Value};
use crate::inspect::mask::Personal;
use crate::inspect::order;

/// What a record's texts say.
#[derive(Debug)]
pub(crate) enum Texts {
    /// The kind of record has none.
    None,
    /// Of an account's opening.
    Account(AccountText),
    /// Of a posting by the bank's own systems.
    Entry(EntryText),
    /// Of a recall or the answer to one.
    Recall(RecallText),
    /// Of a hold.
    Hold(HoldText),
    /// Of a capture.
    Capture(CaptureText),
    /// Of a command about an exception.
    Exception(ExceptionText),
    /// The bytes of a gateway's record, which mean nothing here.
    Opaque,
    /// Of a payment.
    Order(Box<PaymentOrder>),
    /// A document that came in or went out.
    Document(Vec<u8>),
    /// One text that names no customer, under this name: a bank's name, an external reference, an element's path.
    Plain(&'static str, String),
}

/// Why a record's texts can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TextsFault {
    /// Their fields break the rules.
    #[error(transparent)]
    Fields(#[from] TextsError),
    /// A text is not one.
    #[error("its text is not UTF-8")]
    Encoding,
    /// A document can't be read back.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A document is not as long as its record says.
    #[error("its document is not as long as the record says")]
    DocumentLength,
    /// The kind of record has no texts.
    #[error("it has texts and its kind has none")]
    Superfluous,
}

impl Texts {
    /// Reads the texts of a record whose frame's personal section is in clear.
    ///
    /// # Errors
    /// If no writer of this kind of record makes such texts.
    pub(crate) fn read(record: &Record<'_>) -> Result<Self, TextsFault> {
        let plain = |name| {
            let text = std::str::from_utf8(record.text).map_err(|_| TextsFault::Encoding)?;
            Ok(Self::Plain(name, text.to_owned()))
        };
        match record.command {
            Command::OpenAccount(_) | Command::SetAccountHolders(_) => {
                Ok(Self::Account(AccountText::decode(record.text)?))
            }
            Command::PostEntry(_) => Ok(Self::Entry(EntryText::decode(record.text)?)),
            Command::Payment(payment) => {
                Ok(Self::Order(Box::new(OrderText::decode(record.text, fixed_parts(payment))?)))
            }
            Command::RequestRecall(_) | Command::AnswerRecall(_) => {
                Ok(Self::Recall(RecallText::decode(record.text)?))
            }
            Command::PlaceHold(_) => Ok(Self::Hold(HoldText::decode(record.text)?)),
            Command::CaptureHold(_) => Ok(Self::Capture(CaptureText::decode(record.text)?)),
            Command::PutRecord(_) => Ok(Self::Opaque),
            Command::RaiseException(_) | Command::AssignException(_) | Command::ResolveException(_) => {
                Ok(Self::Exception(ExceptionText::decode(record.text)?))
            }
            Command::RegisterParticipant(_) => plain("name"),
            Command::TransferLiquidity(_) => plain("external_reference"),
            Command::TransferOwnFunds(_) => plain("reference"),
            Command::SetActivation(_) => plain("reason"),
            // A path may have been cut in the middle of a character.
            Command::RefusedPayment(_) => {
                Ok(Self::Plain("path", String::from_utf8_lossy(record.text).into_owned()))
            }
            Command::Evidence(evidence) => {
                let document = decompress_evidence(record.text)?;
                let told = usize::try_from(evidence.document_length.get()).ok();
                match told == Some(document.len()) {
                    true => Ok(Self::Document(document)),
                    false => Err(TextsFault::DocumentLength),
                }
            }
            Command::Genesis(_)
            | Command::BeginIncarnation(_)
            | Command::SetProfile(_)
            | Command::SetParticipantStatus(_)
            | Command::SetAccountStatus(_)
            | Command::Void(_)
            | Command::SetAccountFloor(_)
            | Command::SealDuplicates(_)
            | Command::Answer(_)
            | Command::SetVersion(_)
            | Command::SetDecisionPolicy(_)
            | Command::SetAccountFlag(_)
            | Command::SetReservationLimit(_)
            | Command::SetCustomerLimit(_)
            | Command::SetRestricted(_)
            | Command::SetFees(_)
            | Command::SetZone(_)
            | Command::SetClosingDays(_)
            | Command::RollBusinessDate(_)
            | Command::SetRecallPolicy(_)
            | Command::SetPositionAlert(_)
            | Command::SetReachableParty(_)
            | Command::ReleaseHold(_)
            | Command::RemoveRecord(_)
            | Command::SetPostingMap(_)
            | Command::SetBlock(_) => match record.text {
                [] => Ok(Self::None),
                _ => Err(TextsFault::Superfluous),
            },
        }
    }

    /// Adds what the texts say to a record's fields.
    pub(crate) fn add_to(&self, fields: Fields, personal: Personal) -> Fields {
        match self {
            // `solvo evidence` shows documents.
            Self::None | Self::Document(_) | Self::Opaque => fields,
            Self::Account(text) => {
                let names: Vec<Value> = text.holder_names.iter().map(|name| personal.text(name)).collect();
                fields
                    .with("iban", personal.iban(&text.iban))
                    .with("holder_names", names)
                    .with_some("identification", text.identification.as_ref().map(|it| personal.text(it)))
            }
            Self::Entry(text) => fields
                .with("booking_key", text.booking_key.as_str())
                .with("core_reference", personal.text(&text.core_reference)),
            Self::Recall(text) => {
                let information: Vec<Value> =
                    text.information.iter().map(|line| personal.text(line)).collect();
                fields
                    .with("reference", text.reference.as_str())
                    .with_some("originator", text.originator.as_ref().map(|it| personal.text(it)))
                    .with("information", information)
            }
            Self::Hold(text) => fields
                .with("iban", personal.iban(&text.iban))
                .with("reference", personal.text(&text.reference))
                .with_some("note", text.note.as_ref().map(|it| personal.text(it))),
            Self::Exception(text) => fields
                .with_some("iban", text.iban.as_ref().map(|it| personal.iban(it)))
                .with_some("reference", text.reference.as_ref().map(|it| personal.text(it)))
                .with_some("note", text.note.as_ref().map(|it| personal.text(it))),
            Self::Capture(text) => {
                let leg = |leg: &LegText| {
                    let fields = Fields::default()
                        .with("iban", personal.iban(&leg.iban))
                        .with("reference", personal.text(&leg.reference))
                        .with_some("remittance", leg.remittance.as_ref().map(|it| personal.text(it)));
                    Value::from(fields)
                };
                let legs: Vec<Value> = text.legs.iter().map(leg).collect();
                fields.with("leg_texts", legs)
            }
            Self::Order(order) => fields.with("order", order::fields(order, personal)),
            Self::Plain(name, text) => fields.with(*name, text.as_str()),
        }
    }
}

fn fixed_parts(payment: &layout::Payment) -> FixedParts {
    let checked = "records are checked when they are read";
    let stamped = payment.flags.get() & layout::PAYMENT_STAMPED != 0;
    let accepted = Timestamp::from_nanoseconds(payment.acceptance_time.get()).expect(checked);
    FixedParts {
        debtor_agent: payment.key.bank(),
        creditor_agent: Bic::from_bytes(payment.creditor_agent).expect(checked),
        transaction_id: payment.key.transaction_id_text(),
        amount: Amount::from_minor_units(payment.amount.get()).expect(checked),
        currency: Currency::from_number(payment.currency.get()).expect(checked),
        acceptance_time: (!stamped).then_some(accepted),
    }
}
