//! Scheme profiles: the clock and the codes of a scheme, as a logged command sets them.

use types::{Currency, Duration, ReasonCode, StatusReason, Timestamp};

use crate::layout;

/// The times and codes by which payments are judged. Never configuration: a profile enters by the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its number in the log; `sct-inst-2025` is 1.
    pub number: u16,
    /// The scheme's only currency.
    pub currency: Currency,
    /// The payer's bank should have an answer this long after acceptance (5 s).
    pub target: Duration,
    /// Without an answer the payment expires this long after acceptance (7 s).
    pub expiry: Duration,
    /// The last confirmation is due this long after acceptance (9 s).
    pub confirmation: Duration,
    /// The legal limit, at which the payer's funds are restored (10 s).
    pub legal_limit: Duration,
    /// How far in the future an acceptance time may lie (1 s).
    pub future_tolerance: Duration,
    /// How long the payee's bank may be without connection before it counts as offline (1 s).
    pub offline_grace: Duration,
    /// Told when a payment arrives after its time.
    pub late_on_arrival: ReasonCode,
    /// Told to the payer's bank when no answer came.
    pub timeout_to_originator: ReasonCode,
    /// Told to the payee's bank when its answer did not come.
    pub timeout_to_beneficiary: ReasonCode,
    /// Told when the payee's bank has no connection.
    pub no_connection: ReasonCode,
}

impl Profile {
    /// The profile of the 2025 SCT Inst rulebook: 5, 7, 9 and 10 seconds.
    pub fn sct_inst_2025() -> Self {
        Self {
            number: 1,
            currency: Currency::EUR,
            target: Duration::from_seconds(5),
            expiry: Duration::from_seconds(7),
            confirmation: Duration::from_seconds(9),
            legal_limit: Duration::from_seconds(10),
            future_tolerance: Duration::from_seconds(1),
            offline_grace: Duration::from_seconds(1),
            late_on_arrival: StatusReason::TimeoutCreditorAgent.code(),
            timeout_to_originator: StatusReason::TimeoutCreditorAgent.code(),
            timeout_to_beneficiary: ReasonCode::parse("TM01").expect("TM01 is a code"),
            no_connection: StatusReason::CreditorAgentOffline.code(),
        }
    }

    /// The record that sets it.
    pub(crate) fn to_record(self) -> layout::SetProfile {
        layout::SetProfile {
            number: self.number.into(),
            currency: self.currency.number().into(),
            reserved: [0; 4],
            target: self.target.nanoseconds().into(),
            expiry: self.expiry.nanoseconds().into(),
            confirmation: self.confirmation.nanoseconds().into(),
            legal_limit: self.legal_limit.nanoseconds().into(),
            future_tolerance: self.future_tolerance.nanoseconds().into(),
            offline_grace: self.offline_grace.nanoseconds().into(),
            late_on_arrival: *self.late_on_arrival.as_bytes(),
            timeout_to_originator: *self.timeout_to_originator.as_bytes(),
            timeout_to_beneficiary: *self.timeout_to_beneficiary.as_bytes(),
            no_connection: *self.no_connection.as_bytes(),
            reserved_end: [0; 8],
        }
    }

    /// The profile that a record sets. The record has been checked.
    pub(crate) fn from_record(record: &layout::SetProfile) -> Self {
        let span = |nanoseconds: i64| Duration::from_nanoseconds(nanoseconds).expect("records are checked");
        let code = |bytes: [u8; 4]| ReasonCode::from_bytes(bytes).expect("records are checked");
        Self {
            number: record.number.get(),
            currency: Currency::from_number(record.currency.get()).expect("records are checked"),
            target: span(record.target.get()),
            expiry: span(record.expiry.get()),
            confirmation: span(record.confirmation.get()),
            legal_limit: span(record.legal_limit.get()),
            future_tolerance: span(record.future_tolerance.get()),
            offline_grace: span(record.offline_grace.get()),
            late_on_arrival: code(record.late_on_arrival),
            timeout_to_originator: code(record.timeout_to_originator),
            timeout_to_beneficiary: code(record.timeout_to_beneficiary),
            no_connection: code(record.no_connection),
        }
    }

    /// When a payment accepted at this time can no longer be decided positively.
    pub const fn deadline(&self, accepted: Timestamp) -> Timestamp {
        accepted.plus(self.expiry)
    }
}
