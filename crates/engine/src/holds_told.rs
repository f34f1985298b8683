//! Holds whose time was over, as those are told who listen to their bank.
//!
//! Invariant: what is read here is what the core's step told live ([`ledger::Ledger::holds_told`]).

use ledger::OutcomeEntry;
use types::{Amount, Bic, Currency, Sequence, Timestamp};

use crate::crossings::Hosts;

/// The time of a hold was over, and what it still held is free again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldExpired {
    /// The position at which it was.
    pub decided_at: Sequence,
    /// Its time.
    pub decided_time: Timestamp,
    /// The position of the hold.
    pub hold: Sequence,
    /// The bank that keeps the account.
    pub bank: Bic,
    /// How much it gave back.
    pub released: Amount,
    /// In which currency.
    pub currency: Currency,
}

impl HoldExpired {
    /// What an entry that was decided at this time tells; `None` if it is of another kind.
    pub(crate) fn of(entry: &OutcomeEntry, decided_time: Timestamp, hosts: &Hosts) -> Option<Self> {
        let (bank, released, currency) = entry.hold_expired()?;
        let (decided_at, hold) = (entry.decided_at(), entry.sequence());
        Some(Self { decided_at, decided_time, hold, bank: hosts.bank(bank)?, released, currency })
    }
}
