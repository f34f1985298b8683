//! pacs.008.001.08: what its reader answers, and what its writer needs beyond the order itself.

use std::fmt;

use types::{Bic, Date, PaymentOrder, StatusReason, Text, Timestamp};

/// What becomes of elements that ISO 20022 has and the scheme leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// The rulebook of 2025: such a document is refused with `FF01` and the path of the element.
    SctInst2025,
    /// They are kept and forwarded, as far as they follow the schema. What decides about the money is the same:
    /// one transaction, euro, `SLEV`, `SEPA`, `INST`, amounts and dates that agree, and on both sides a name, an
    /// IBAN and the bank's BIC.
    PassThrough,
}

/// The rules of the scheme that depend on the day, and the profile that fixes all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The settlement dates that a message may ask for: the current business date, the calendar date, and
    /// around midnight the one before.
    pub settlement_dates: Vec<Date>,
    /// From this settlement date on, profile `sct-inst-2025` refuses addresses without town and country.
    pub unstructured_addresses_end: Date,
    /// What becomes of elements that the scheme leaves out.
    pub profile: Profile,
}

impl Rules {
    /// The rulebook of 2025: unstructured addresses end on 15 November 2026.
    pub fn sct_inst_2025(settlement_dates: Vec<Date>) -> Self {
        let end = Date::from_civil(2026, 11, 15).expect("15 November 2026 is a day");
        Self { settlement_dates, unstructured_addresses_end: end, profile: Profile::SctInst2025 }
    }

    /// The same rules for money and time, and everything else of ISO 20022 as it comes.
    pub fn pass_through(settlement_dates: Vec<Date>) -> Self {
        Self { profile: Profile::PassThrough, ..Self::sct_inst_2025(settlement_dates) }
    }
}

/// The elements of a document that its order has no place for: path and content of each, in one form whatever
/// prefixes, comments or character references the sender used. Foreign elements inside supplementary data stay
/// as they were written.
///
/// Personal data: `{:?}` shows only how long it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Surplus(pub(crate) String);

impl Surplus {
    /// What has to be added to the order's body before duplicates are compared.
    pub fn body(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Surplus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Surplus({} bytes)", self.0.len())
    }
}

/// A document that follows the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pacs008 {
    /// It keeps the rules.
    Order(Box<PaymentOrder>),
    /// It breaks a rule, but has a key under which the refusal can be remembered.
    Refused(Box<RefusedOrder>),
}

/// A credit transfer that breaks a rule of the scheme, with what its pacs.002 has to repeat.
#[derive(Clone, PartialEq, Eq)]
pub struct RefusedOrder {
    /// `GrpHdr/MsgId`, unless it is what breaks the rule.
    pub message_id: Option<Text<35>>,
    /// The payer's bank; with `transaction_id` the duplicate key.
    pub debtor_agent: Bic,
    /// `PmtId/TxId`.
    pub transaction_id: Text<35>,
    /// `PmtId/EndToEndId`, unless it is what breaks the rule.
    pub end_to_end_id: Option<Text<35>>,
    /// `PmtId/InstrId`, if there is a usable one.
    pub instruction_id: Option<Text<35>>,
    /// `AccptncDtTm`, if it is there and has a zone.
    pub acceptance_time: Option<Timestamp>,
    /// The payee's bank, if it is named by its BIC.
    pub creditor_agent: Option<Bic>,
    /// Why. Of several faults the one that is checked first ([`StatusReason`]'s order) is named.
    pub reason: StatusReason,
    /// The element that breaks the rule, such as `CdtTrfTxInf/ChrgBr`.
    pub path: String,
    /// Paths and values of all elements except those of the transport, so that the same body sent again is
    /// recognised whatever its prefixes, indentation and message id. Personal data.
    pub body: Vec<u8>,
    /// The whole order, if all that is wrong is that its settlement date is not current (any more). Then its
    /// body, not `body`, decides about duplicates: a payment that was settled yesterday and is sent again
    /// today is to get yesterday's answer.
    pub order: Option<Box<PaymentOrder>>,
    /// What the document has beyond `order`, which belongs to that body as well.
    pub surplus: Option<Surplus>,
}

impl fmt::Debug for RefusedOrder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (reason, path) = (self.reason.code(), &self.path);
        write!(formatter, "RefusedOrder({reason} at {path}, body of {} bytes)", self.body.len())
    }
}

/// What belongs to one hop of a message rather than to the order that it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// `GrpHdr/MsgId`.
    pub message_id: Text<35>,
    /// `GrpHdr/CreDtTm`.
    pub created_at: Timestamp,
    /// `GrpHdr/IntrBkSttlmDt`.
    pub settlement_date: Date,
    /// `AccptncDtTm`: the order's own time of receipt, or the one that Solvo stamped. Written in milliseconds.
    pub acceptance_time: Timestamp,
    /// `GrpHdr/InstgAgt`, the sender of this hop.
    pub instructing_agent: Option<Bic>,
    /// `GrpHdr/InstdAgt`, the receiver of this hop.
    pub instructed_agent: Option<Bic>,
}

impl Envelope {
    /// The envelope that an order came in, if it came in one.
    pub fn of(order: &PaymentOrder) -> Option<Self> {
        Some(Self {
            message_id: order.message_id.clone()?,
            created_at: order.created_at?,
            settlement_date: order.settlement_date?,
            acceptance_time: order.acceptance_time?,
            instructing_agent: order.instructing_agent,
            instructed_agent: order.instructed_agent,
        })
    }
}
