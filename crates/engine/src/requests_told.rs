//! What happens to requests to pay, as those are told who listen to one of their banks.
//!
//! Invariant: what is told live and what the log tells are made here, of the same things: a command that was carried out, or
//! the entry of what a request came to without one.

use ledger::{Command, OutcomeEntry, Record, RequestEnd};
use types::{Bic, ReasonCode, Sequence, Timestamp};

use crate::crossings::Hosts;
use crate::subscription::Banks;

/// Something happened to a request to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestTold {
    /// The position at which it did.
    pub decided_at: Sequence,
    /// Its time.
    pub decided_time: Timestamp,
    /// The position of the request.
    pub to_pay: Sequence,
    /// The payer's bank.
    pub payer_bank: Bic,
    /// The payee's bank.
    pub payee_bank: Bic,
    /// What happened.
    pub step: RequestStep,
}

/// What happened to a request to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestStep {
    /// The payee asks.
    Created,
    /// The payer has seen it.
    Presented,
    /// The payer has accepted it.
    Accepted,
    /// The payer has refused it, for this reason.
    Refused(ReasonCode),
    /// The payee has taken it back.
    Cancelled,
    /// It came to this without a word about it.
    Ended(RequestEnd),
}

impl RequestTold {
    /// Whether one of these banks is the payer's or the payee's.
    pub(crate) fn concerns(&self, banks: &Banks) -> bool {
        banks.include(self.payer_bank) || banks.include(self.payee_bank)
    }

    /// What a command says of a request if it is carried out at this place; `None` if it is of another kind, or names no
    /// request that somebody saw.
    pub(crate) fn of(decided_at: Sequence, decided_time: Timestamp, record: &Record<'_>) -> Option<Self> {
        let (to_pay, payer_bank, payee_bank, step) = if let Command::CreateRequestToPay(it) = record.command {
            (decided_at, it.debtor_agent, it.creditor_agent, RequestStep::Created)
        } else if let Command::PresentRequestToPay(it) = record.command {
            (Sequence(it.to_pay.get()), it.debtor_agent, it.creditor_agent, RequestStep::Presented)
        } else if let Command::AnswerRequestToPay(it) = record.command {
            let step = ReasonCode::from_bytes(it.reason).map_or(RequestStep::Accepted, RequestStep::Refused);
            (Sequence(it.to_pay.get()), it.debtor_agent, it.creditor_agent, step)
        } else if let Command::CancelRequestToPay(it) = record.command {
            (Sequence(it.to_pay.get()), it.debtor_agent, it.creditor_agent, RequestStep::Cancelled)
        } else {
            return None;
        };
        let (payer_bank, payee_bank) = (Bic::from_bytes(payer_bank)?, Bic::from_bytes(payee_bank)?);
        Some(Self { decided_at, decided_time, to_pay, payer_bank, payee_bank, step })
    }

    /// What an entry that was decided at this time tells; `None` if it is of another kind.
    pub(crate) fn of_entry(entry: &OutcomeEntry, decided_time: Timestamp, hosts: &Hosts) -> Option<Self> {
        let (payer, payee, end) = entry.request_ended()?;
        Some(Self {
            decided_at: entry.decided_at(),
            decided_time,
            to_pay: entry.sequence(),
            payer_bank: hosts.bank(payer)?,
            payee_bank: hosts.bank(payee)?,
            step: RequestStep::Ended(end),
        })
    }
}
