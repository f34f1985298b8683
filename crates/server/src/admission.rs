//! Reading payments, and what can be said against one before it is submitted.
//!
//! Everything here is looked up and nothing is decided: an admitted payment is judged by the ledger. Looking up is
//! done for a group of payments at a time, so that the memory behind it comes while others are still being read.

use std::sync::Arc;

use client::convert::order_from_payment;
use client::plain::plain_order;
use client::{Refusal, v1};
use engine::{AccountLines, ParticipantView};
use ledger::{AccountHint, AccountMode, RecordWriter};
use prost::Message;
use tonic::Status;
use types::{AccountNumber, Bic, Channel, Currency, PaymentOrder, PlainOrder, Timestamp};

use crate::caller::Caller;
use crate::node::Node;
use crate::quota::Places;
use crate::refusals::{bank_not_yours, quota_exceeded};
use crate::wire::PaymentReference;

/// An order as it was read.
// Plain orders are the common ones; a box would cost each of them an allocation.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Order<'message> {
    /// Still in its message.
    Plain(PlainOrder<'message>),
    /// In memory of its own.
    Full(Arc<PaymentOrder>),
}

/// What admission needs of an order.
struct Facts {
    debtor_agent: Bic,
    currency: Currency,
    /// Whether the caller says when the clock started.
    accepted: bool,
}

impl<'message> Order<'message> {
    /// Reads an encoded `Payment`: an order, or what is wrong with it. Fails if the bytes are no message at all.
    pub(crate) fn read(payment: &'message [u8]) -> Result<Result<Self, Refusal>, Status> {
        if let Some(order) = plain_order(payment) {
            return Ok(Ok(Self::Plain(order)));
        }
        let payment = v1::Payment::decode(payment).map_err(undecodable)?;
        let order = order_from_payment(&payment).map_err(Refusal::invalid);
        Ok(order.map(|order| Self::Full(Arc::new(order))))
    }

    pub(crate) fn reference(&self) -> PaymentReference {
        match self {
            Self::Plain(order) => PaymentReference::new(order.debtor_agent, order.transaction_id.as_str()),
            Self::Full(order) => PaymentReference::new(order.debtor_agent, order.transaction_id.as_str()),
        }
    }

    fn facts(&self) -> Facts {
        match self {
            Self::Plain(order) => Facts {
                debtor_agent: order.debtor_agent,
                currency: order.currency,
                accepted: order.acceptance_time.is_some(),
            },
            Self::Full(order) => Facts {
                debtor_agent: order.debtor_agent,
                currency: order.currency,
                accepted: order.acceptance_time.is_some(),
            },
        }
    }

    fn accounts(&self) -> [&str; 2] {
        match self {
            Self::Plain(order) => [order.debtor_account.as_str(), order.creditor_account.as_str()],
            Self::Full(order) => [order.debtor_account.as_str(), order.creditor_account.as_str()],
        }
    }
}

/// The bytes are not what the contract says. The status is the one that the generated code gives.
pub(crate) fn undecodable(error: prost::DecodeError) -> Status {
    Status::internal(error.to_string())
}

/// Admits payments one after the other.
pub(crate) struct Admission<'node> {
    node: &'node Node,
    caller: &'node Caller,
    accounts: AccountLines,
    /// The banks that were looked up last. A caller sends for few.
    banks: [Option<(Bic, Option<ParticipantView>)>; BANKS],
    /// Which of them is replaced next.
    oldest: usize,
}

/// Banks that are remembered for the payments of one message.
const BANKS: usize = 16;

/// Why a payment was not admitted.
pub(crate) enum NotAdmitted {
    /// The caller does not act for the payer's bank.
    NotEntitled,
    /// It is not taken.
    Refused(Refusal),
}

impl From<Refusal> for NotAdmitted {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl NotAdmitted {
    /// What the caller is told.
    pub(crate) fn into_refusal(self) -> Refusal {
        match self {
            // RC01: becomes a refused payment in the log, once the ledger has the command for it.
            Self::NotEntitled => bank_not_yours(),
            Self::Refused(refusal) => refusal,
        }
    }
}

/// A payment that has been admitted, but for its bank's quota.
pub(crate) struct Candidate<'message> {
    pub(crate) order: Order<'message>,
    hints: [AccountHint; 2],
}

impl<'node> Admission<'node> {
    pub(crate) fn new(node: &'node Node, caller: &'node Caller) -> Self {
        let accounts = node.handle.directory().accounts();
        Self { node, caller, accounts, banks: [None; BANKS], oldest: 0 }
    }

    /// Digests the account numbers and asks for the memory behind them.
    pub(crate) fn prepare<'message>(&self, order: Order<'message>) -> Candidate<'message> {
        let hints = order.accounts().map(|account| {
            let digest = self.node.handle.digest_key().iban(account);
            self.accounts.prefetch(digest);
            AccountHint { digest, number: AccountNumber(0) }
        });
        Candidate { order, hints }
    }

    /// Looks the accounts up, and takes a place among the payments of the payer's bank.
    pub(crate) fn admit(
        &mut self,
        candidate: &mut Candidate<'_>,
        places: &mut Places,
    ) -> Result<(), NotAdmitted> {
        let facts = candidate.order.facts();
        if !self.caller.may_act_for(facts.debtor_agent) {
            return Err(NotAdmitted::NotEntitled);
        }
        for hint in &mut candidate.hints {
            hint.number = self.accounts.find(hint.digest, facts.currency);
        }
        let [debtor_account, _] = candidate.hints;
        let is_remote = |bank: ParticipantView, account: AccountHint| match bank.mode {
            AccountMode::Hosted => false,
            AccountMode::Remote => true,
            AccountMode::Mixed => account.number == AccountNumber(0),
        };
        let Some(debtor) = self.bank(facts.debtor_agent) else {
            return if places.take_unknown(&self.node.quota) { Ok(()) } else { Err(quota_exceeded().into()) };
        };
        if !facts.accepted && is_remote(debtor, debtor_account) {
            return Err(Refusal::invalid(vec![v1::FieldViolation {
                field: "payment.acceptance_time".to_owned(),
                description: "a bank that keeps the payer's account itself says when the clock started"
                    .to_owned(),
            }])
            .into());
        }
        if places.take(&self.node.quota, facts.debtor_agent) { Ok(()) } else { Err(quota_exceeded().into()) }
    }

    fn bank(&mut self, bic: Bic) -> Option<ParticipantView> {
        if let Some((_, view)) = self.banks.iter().flatten().find(|(known, _)| *known == bic) {
            return *view;
        }
        let view = self.node.handle.directory().participant(bic);
        self.banks[self.oldest] = Some((bic, view));
        self.oldest = (self.oldest + 1) % BANKS;
        view
    }
}

impl Candidate<'_> {
    /// Writes the payment. `received` counts if the order names no acceptance time.
    pub(crate) fn write(&self, commands: &mut RecordWriter, received: Timestamp, channel: Channel) {
        match &self.order {
            Order::Plain(order) => commands.plain_payment(order, self.hints, received, channel),
            Order::Full(order) => {
                let known = |digest| self.hints.iter().find(|hint| hint.digest == digest);
                let number = |digest, _| known(digest).map_or(AccountNumber(0), |hint| hint.number);
                commands.payment(order, received, channel, number);
            }
        }
    }
}
