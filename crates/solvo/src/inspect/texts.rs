//! The texts of a record, read back from the frame's personal section.

use iso20022::{EvidenceError, decompress_evidence};
use ledger::{
    AccountText, CaptureText, Command, EntryText, ExceptionText, HoldText, LegText, LineText, PackageText,
    RecallText, Record, RefusedLineText, RequestDetails, RequestToPayText, TextsError, layout,
};
use types::{Amount, Bic, Currency, FixedParts, OrderText, PaymentOrder, Text, Timestamp};

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
    /// Of a request to pay: the payment that is asked for, and what is said beside it.
    Request(Box<PaymentOrder>, RequestDetails),
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
    /// Of a package.
    Package(PackageText),
    /// Of an order that waits for its time, with the name of its group in the file.
    Line(String, Box<PaymentOrder>),
    /// Of a line that was refused on reading, with the name of its group.
    RefusedLine(String, RefusedLineText),
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
            Command::CreateRequestToPay(create) => {
                let text = RequestToPayText::decode(record.text)?;
                let order = text.order(fixed_parts_of_request(create))?;
                Ok(Self::Request(Box::new(order), text.details))
            }
            Command::AnswerRequestToPay(answer) if answer.answer == layout::REQUEST_ACCEPTED => {
                let LineText { group, rest } = LineText::read(record.text)?;
                let order = OrderText::decode(rest, fixed_parts_of_terms(&answer.terms))?;
                Ok(Self::Line(group.to_owned(), Box::new(order)))
            }
            Command::PlaceHold(_) => Ok(Self::Hold(HoldText::decode(record.text)?)),
            Command::CaptureHold(_) => Ok(Self::Capture(CaptureText::decode(record.text)?)),
            Command::PutRecord(_) => Ok(Self::Opaque),
            Command::RaiseException(_) | Command::AssignException(_) | Command::ResolveException(_) => {
                Ok(Self::Exception(ExceptionText::decode(record.text)?))
            }
            Command::OpenPackage(_) => Ok(Self::Package(PackageText::decode(record.text)?)),
            Command::PackageLine(line) if line.reason != [0; 4] => {
                let LineText { group, rest } = LineText::read(record.text)?;
                Ok(Self::RefusedLine(group.to_owned(), RefusedLineText::decode(rest)?))
            }
            Command::PackageLine(layout::PackageLine { terms, .. })
            | Command::PlaceOrder(layout::PlaceOrder { terms, .. })
            | Command::ChangeOrder(layout::ChangeOrder { terms, .. }) => {
                let LineText { group, rest } = LineText::read(record.text)?;
                let order = OrderText::decode(rest, fixed_parts_of_terms(terms))?;
                Ok(Self::Line(group.to_owned(), Box::new(order)))
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
            | Command::PresentRequestToPay(_)
            | Command::AnswerRequestToPay(_)
            | Command::CancelRequestToPay(_)
            | Command::ReleaseHold(_)
            | Command::RemoveRecord(_)
            | Command::SetPostingMap(_)
            | Command::ClosePackage(_)
            | Command::CancelOrders(_)
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
            Self::Package(text) => fields
                .with("message_id", text.message_id.as_str())
                .with_some("initiating_party", text.initiating_party.as_ref().map(|it| personal.text(it))),
            Self::Request(order, details) => fields
                .with_some("group", details.payment_information_id.as_ref().map(Text::as_str))
                .with_some("invoice_number", details.invoice_number.as_ref().map(|it| personal.text(it)))
                .with_some("invoice_link", details.invoice_link.as_ref().map(|it| personal.text(it)))
                .with("order", order::fields(order, personal)),
            Self::Line(group, order) => fields
                .with_some("group", Some(group.as_str()).filter(|group| !group.is_empty()))
                .with("order", order::fields(order, personal)),
            Self::RefusedLine(group, text) => fields
                .with_some("group", Some(group.as_str()).filter(|group| !group.is_empty()))
                .with_some("instruction_id", text.instruction_id.as_ref().map(|it| personal.text(it)))
                .with_some("end_to_end_id", text.end_to_end_id.as_ref().map(|it| personal.text(it))),
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

/// The texts are of a payment that is asked for.
fn fixed_parts_of_request(create: &layout::CreateRequestToPay) -> FixedParts {
    let checked = "records are checked when they are read";
    FixedParts {
        debtor_agent: Bic::from_bytes(create.debtor_agent).expect(checked),
        creditor_agent: Bic::from_bytes(create.creditor_agent).expect(checked),
        transaction_id: Text::parse_identifier("NOTPROVIDED").expect("capital letters"),
        amount: Amount::from_minor_units(create.amount.get()).expect(checked),
        currency: Currency::from_number(create.currency.get()).expect(checked),
        acceptance_time: None,
    }
}

/// The texts are of a payment that is made later: it has no transaction id of its own yet.
fn fixed_parts_of_terms(terms: &layout::OrderTerms) -> FixedParts {
    let checked = "records are checked when they are read";
    FixedParts {
        debtor_agent: Bic::from_bytes(terms.debtor_agent).expect(checked),
        creditor_agent: Bic::from_bytes(terms.creditor_agent).expect(checked),
        transaction_id: Text::parse_identifier("NOTPROVIDED").expect("capital letters"),
        amount: Amount::from_minor_units(terms.amount.get()).expect(checked),
        currency: Currency::from_number(terms.currency.get()).expect(checked),
        acceptance_time: None,
    }
}
