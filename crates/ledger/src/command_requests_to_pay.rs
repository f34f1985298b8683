//! Requests to pay: a payee asks a payer for money, and the payer's answer starts the payment.

use types::fields::{FieldError, FieldReader, FieldWriter};
use types::{AccountNumber, Bic, FixedParts, OrderText, PaymentOrder, ReasonCode, Sequence, Text, Timestamp};

use crate::command::stored_enum;
use crate::zone::LocalTime;
use crate::{OrderContent, RequestId, TextsError};

stored_enum! {
    /// Where a request to pay stands.
    RequestToPayStatus {
        /// It waits for the payer, and nobody has said that the payer has seen it.
        Created = 1,
        /// The payer has seen it.
        Presented = 2,
        /// The payer has accepted it; its payment is on the way, or waits for its day.
        Accepted = 3,
        /// Its payment is settled.
        Paid = 4,
        /// The payer does not want to pay.
        Refused = 5,
        /// The payee has taken it back.
        Cancelled = 6,
        /// Its time was over before the payer had accepted it.
        Expired = 7,
    }
}

impl RequestToPayStatus {
    /// Whether the payer may still answer, if its time is not over.
    pub const fn is_open(self) -> bool {
        match self {
            Self::Created | Self::Presented => true,
            Self::Accepted | Self::Paid | Self::Refused | Self::Cancelled | Self::Expired => false,
        }
    }

    /// Whether nothing changes it any more.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Created | Self::Presented | Self::Accepted => false,
            Self::Paid | Self::Refused | Self::Cancelled | Self::Expired => true,
        }
    }
}

/// What a request to pay says beside the payment that it asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestDetails {
    /// The payee's name for the group of requests that this is one of (`PmtInf/PmtInfId`).
    pub payment_information_id: Option<Text<35>>,
    /// The number of the invoice.
    pub invoice_number: Option<Text<35>>,
    /// Where the payer finds the invoice: an address of the web.
    pub invoice_link: Option<Text<256>>,
}

/// A payee asks a payer for money.
#[derive(Clone, Debug)]
pub struct CreateRequestToPay {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The payment that is asked for. The payee's bank asks, and the payer's account is kept here. Its transaction id and its
    /// acceptance time count for nothing.
    pub order: PaymentOrder,
    /// The payer's account as the edge sees it; `None` if it sees none. The core checks it.
    pub payer: Option<AccountNumber>,
    /// From when on it can't be accepted any more: at most 180 days ahead.
    pub expires: Timestamp,
    /// Until when the payer may put the payment off, on the clock of the payer's bank; `None` if it is made when the payer
    /// accepts.
    pub pay_by: Option<LocalTime>,
    /// What it says beside the payment.
    pub details: RequestDetails,
}

/// The payer has seen a request.
#[derive(Clone, Debug)]
pub struct PresentRequestToPay {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The position of the request to pay.
    pub to_pay: Sequence,
    /// The payer's bank, which says so.
    pub payer_bank: Bic,
    /// The payee's bank as the edge sees it; `None` if it sees no such request. The core checks it.
    pub payee_bank: Option<Bic>,
}

/// What the payer says to a request.
#[derive(Clone, Debug)]
pub enum RequestAnswer {
    /// The payment is to be made: the order by which it is. It is due at once, or at a time that the payee allows.
    Accept(Box<OrderContent>),
    /// It is not.
    Refuse(ReasonCode),
}

/// The payer answers a request.
#[derive(Clone, Debug)]
pub struct AnswerRequestToPay {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The position of the request to pay.
    pub to_pay: Sequence,
    /// The payer's bank, which says so.
    pub payer_bank: Bic,
    /// The payee's bank as the edge sees it; `None` if it sees no such request. The core checks it.
    pub payee_bank: Option<Bic>,
    /// What the payer says.
    pub answer: RequestAnswer,
}

/// The payee takes a request back.
#[derive(Clone, Debug)]
pub struct CancelRequestToPay {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The position of the request to pay.
    pub to_pay: Sequence,
    /// The payee's bank, which says so.
    pub payee_bank: Bic,
    /// The payer's bank as the edge sees it; `None` if it sees no such request. The core checks it.
    pub payer_bank: Option<Bic>,
}

/// The texts of a request to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestToPayText {
    /// Those of the payment.
    order: Vec<u8>,
    /// What it says beside the payment.
    pub details: RequestDetails,
}

// Tags are stored and never reused.
const ORDER: u8 = 1;
const PAYMENT_INFORMATION_ID: u8 = 2;
const INVOICE_NUMBER: u8 = 3;
const INVOICE_LINK: u8 = 4;

impl RequestToPayText {
    /// The texts of this payment, and of what the request says beside it.
    pub fn new(order: &PaymentOrder, details: RequestDetails) -> Self {
        Self { order: OrderText::encode(order).bytes, details }
    }

    /// The payment, of which these parts are known.
    ///
    /// # Errors
    /// If its texts can't be read.
    pub fn order(&self, fixed: FixedParts) -> Result<PaymentOrder, TextsError> {
        OrderText::decode(&self.order, fixed)
    }

    /// Writes the stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = FieldWriter::default();
        writer.field(ORDER, &self.order);
        let RequestDetails { payment_information_id, invoice_number, invoice_link } = &self.details;
        let mut text = |tag, text: Option<&str>| {
            if let Some(text) = text {
                writer.field(tag, text.as_bytes());
            }
        };
        text(PAYMENT_INFORMATION_ID, payment_information_id.as_ref().map(Text::as_str));
        text(INVOICE_NUMBER, invoice_number.as_ref().map(Text::as_str));
        text(INVOICE_LINK, invoice_link.as_ref().map(Text::as_str));
        writer.bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// If these bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, TextsError> {
        let mut reader = FieldReader::new(bytes, |_| false)?;
        let order = reader.take(ORDER)?.ok_or(FieldError::Missing(ORDER))?.to_vec();
        let payment_information_id = text(&mut reader, PAYMENT_INFORMATION_ID)?;
        let invoice_number = text(&mut reader, INVOICE_NUMBER)?;
        let invoice_link = text(&mut reader, INVOICE_LINK)?;
        reader.finish()?;
        let details = RequestDetails { payment_information_id, invoice_number, invoice_link };
        Ok(Self { order, details })
    }
}

fn text<const MAX: usize>(reader: &mut FieldReader<'_>, tag: u8) -> Result<Option<Text<MAX>>, FieldError> {
    reader.utf8(tag)?.map(|text| Text::parse(text).map_err(|_| FieldError::Value(tag))).transpose()
}
