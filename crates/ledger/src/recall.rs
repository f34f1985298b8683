//! What banks say to each other about a payment that is asked back.

use types::fields::{FieldError, FieldReader, FieldWriter};
use types::{
    AccountNumber, Amount, Balance, Bic, Currency, Date, Digest, Incarnation, PaymentState, RecallReason,
    RecallRefusal, Sequence, Text, Timestamp,
};

use crate::command::RequestId;
use crate::limits::RECALL_INFORMATION_MAX;
use crate::{TextsError, layout};

/// A payment as the log or its archive tells it, which the edge has read. The core holds payments for five days, and
/// they may be asked back for thirteen months.
#[derive(Clone, Copy, Debug)]
pub struct Original {
    /// Its position.
    pub payment: Sequence,
    /// The life of the log in which it entered.
    pub incarnation: Incarnation,
    /// What became of it.
    pub state: PaymentState,
    /// The position that decided.
    pub decided_at: Sequence,
    /// The log time of the decision.
    pub decided_time: Timestamp,
    /// How much was paid.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// The payer's bank.
    pub debtor_agent: Bic,
    /// The payee's bank.
    pub creditor_agent: Bic,
    /// Digest of the payer's account number.
    pub debtor_account: Digest,
    /// Digest of the payee's account number.
    pub creditor_account: Digest,
}

/// The payer's bank asks a settled payment back.
#[derive(Clone, Debug)]
pub struct RequestRecall {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The payment.
    pub original: Original,
    /// Why.
    pub reason: RecallReason,
    /// The bank's reference and words.
    pub text: RecallText,
}

/// What is answered to a recall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecallAnswer {
    /// The money goes back at once.
    Return {
        /// So much of it.
        amount: Amount,
        /// The payee's bank keeps so much for itself. Together they are at most what was paid.
        fee: Balance,
    },
    /// It does not.
    Refuse(RecallRefusal),
    /// Nobody has said anything until the time was over. Only Solvo says so.
    TimeOver(RecallRefusal),
}

/// The stored number of a return.
pub(crate) const RETURNED: u8 = 1;

impl RecallAnswer {
    /// The stored number, minor units of amount and fee, and the code.
    pub(crate) fn stored(self) -> (u8, i64, i64, [u8; 4]) {
        match self {
            Self::Return { amount, fee } => (RETURNED, amount.minor_units(), fee.minor_units(), [0; 4]),
            Self::Refuse(refusal) => (2, 0, 0, *refusal.code().as_bytes()),
            Self::TimeOver(refusal) => (3, 0, 0, *refusal.code().as_bytes()),
        }
    }

    /// The answer of a record, if it is one.
    pub fn from_stored(record: &layout::AnswerRecall) -> Option<Self> {
        let refusal = RecallRefusal::from_code(record.code);
        let returns = (record.amount.get(), record.fee.get());
        match (record.answer, returns, refusal) {
            (RETURNED, (amount, fee), None) if record.code == [0; 4] && fee >= 0 => Some(Self::Return {
                amount: Amount::from_minor_units(amount)?,
                fee: Balance::from_minor_units(fee)?,
            }),
            (2, (0, 0), Some(refusal)) => Some(Self::Refuse(refusal)),
            (3, (0, 0), Some(refusal @ (RecallRefusal::NoAnswer | RecallRefusal::AccountClosed))) => {
                Some(Self::TimeOver(refusal))
            }
            _ => None,
        }
    }
}

impl layout::AnswerRecall {
    /// Whether it gives money back that goes to the core account of the payer's bank instead of the payer's. What an answer
    /// says that gives nothing back counts for nothing.
    pub const fn is_returned_elsewhere(&self) -> bool {
        self.answer == RETURNED && self.elsewhere == 1
    }
}

/// What the core knows of a payment that is asked back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recalled {
    /// Its position.
    pub payment: Sequence,
    /// The payer's bank.
    pub debtor_agent: Bic,
    /// The payer's account, if it is kept here, else 0.
    pub debtor_account: AccountNumber,
    /// The payee's account, if it is kept here, else 0.
    pub creditor_account: AccountNumber,
    /// The currency.
    pub currency: Currency,
}

/// The payee's bank answers a recall, or the node does so when the time is over.
#[derive(Clone, Debug)]
pub struct AnswerRecall {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The position of the recall.
    pub recall: Sequence,
    /// What the core knows of the payment that it asks back ([`crate::Ledger::recalled`]).
    pub recalled: Recalled,
    /// The bank that answers.
    pub bic: Bic,
    /// What it says.
    pub answer: RecallAnswer,
    /// Whether the payee has agreed.
    pub has_consent: bool,
    /// Whether the payer's account is kept here and takes no bookings, as the edge sees it; the core checks it. The
    /// payer's bank gets the money on its core account then.
    pub is_elsewhere: bool,
    /// The bank's reference and words.
    pub text: RecallText,
}

/// A bank says whether its silence about recalls is answered for it when the time is over. That of a hosted payee's
/// bank always is.
#[derive(Clone, Debug)]
pub struct SetRecallPolicy {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank.
    pub bic: Bic,
    /// Whether it is.
    pub is_silence_answered: bool,
}

/// The words of a recall or of the answer to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecallText {
    /// The sender's reference: of the request, the return or the refusal.
    pub reference: Text<35>,
    /// In whose name it is sent, if not in the bank's.
    pub originator: Option<Text<140>>,
    /// More words, at most 13 of them.
    pub information: Vec<Text<105>>,
    /// The settlement date that a return bears, if its bank has said one.
    pub settlement_date: Option<Date>,
}

// Tags are stored and never reused.
const REFERENCE: u8 = 1;
const ORIGINATOR: u8 = 2;
const INFORMATION: u8 = 3;
const SETTLEMENT_DATE: u8 = 4;

impl RecallText {
    /// Writes the stored form.
    ///
    /// # Panics
    /// If there are more words than may be.
    pub fn encode(&self) -> Vec<u8> {
        assert!(self.information.len() <= RECALL_INFORMATION_MAX, "words are bounded on reading");
        let mut writer = FieldWriter::default();
        writer.field(REFERENCE, self.reference.as_str().as_bytes());
        if let Some(originator) = &self.originator {
            writer.field(ORIGINATOR, originator.as_str().as_bytes());
        }
        for information in &self.information {
            writer.field(INFORMATION, information.as_str().as_bytes());
        }
        if let Some(date) = self.settlement_date {
            writer.field(SETTLEMENT_DATE, date.to_string().as_bytes());
        }
        writer.bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// If these bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, TextsError> {
        let mut reader = FieldReader::new(bytes, |tag| tag == INFORMATION)?;
        let reference = text(&mut reader, REFERENCE)?.ok_or(FieldError::Missing(REFERENCE))?;
        let originator = text(&mut reader, ORIGINATOR)?;
        let mut information = Vec::new();
        while let Some(line) = text(&mut reader, INFORMATION)? {
            if information.len() == RECALL_INFORMATION_MAX {
                return Err(FieldError::Value(INFORMATION));
            }
            information.push(line);
        }
        let date = reader.utf8(SETTLEMENT_DATE)?.map(Date::parse).transpose();
        let settlement_date = date.map_err(|_| FieldError::Value(SETTLEMENT_DATE))?;
        reader.finish()?;
        Ok(Self { reference, originator, information, settlement_date })
    }
}

fn text<const MAX: usize>(reader: &mut FieldReader<'_>, tag: u8) -> Result<Option<Text<MAX>>, FieldError> {
    reader.utf8(tag)?.map(|value| Text::parse(value).map_err(|_| FieldError::Value(tag))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_they_were_written() {
        let bare = RecallText {
            reference: Text::parse("RETURN-1").unwrap(),
            originator: None,
            information: Vec::new(),
            settlement_date: None,
        };
        let full = RecallText {
            originator: Text::parse("Anna Peeters").ok(),
            information: vec![Text::parse("one").unwrap(); RECALL_INFORMATION_MAX],
            settlement_date: Date::parse("2027-03-30").ok(),
            ..bare.clone()
        };
        for text in [bare, full] {
            assert_eq!(RecallText::decode(&text.encode()).unwrap(), text);
        }
        let mut writer = FieldWriter::default();
        writer.field(REFERENCE, b"RETURN-1");
        writer.field(SETTLEMENT_DATE, b"2027-02-30");
        assert!(RecallText::decode(&writer.bytes).is_err(), "there is no such day");
    }
}
