//! Scheme profiles: the clock and the codes of a scheme, as a logged command sets them.

use types::{Currency, Duration, ReasonCode, StatusReason, Timestamp};

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

    /// When a payment accepted at this time can no longer be decided positively.
    pub const fn deadline(&self, accepted: Timestamp) -> Timestamp {
        accepted.plus(self.expiry)
    }
}
