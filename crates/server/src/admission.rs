//! Reading payments, and what can be said against one before it is submitted.
//!
//! Everything here is looked up and nothing is decided: an admitted payment is judged by the ledger. Looking up is
//! done for a group of payments at a time, so that the memory behind it comes while others are still being read.

use std::sync::Arc;

use client::convert::order_from_payment;
use client::plain::plain_order;
use client::{Refusal, v1};
use engine::{AccountLines, ParticipantView};
use ledger::{AccountHint, AccountMode, RecordWriter, RefusedBody, RefusedPayment};
use prost::Message;
use tonic::Status;
use types::{AccountNumber, Bic, Channel, Currency, PaymentOrder, PlainOrder, StatusReason, Timestamp};

use crate::caller::Caller;
use crate::node::Node;
use crate::quota::Places;
use crate::refusals::quota_exceeded;
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

/// A payment that has been admitted, but for its bank's quota.
pub(crate) struct Candidate<'message> {
    pub(crate) order: Order<'message>,
    hints: [AccountHint; 2],
    /// Whether the caller acts for the payer's bank. If not, the attempt is refused and logged, and touches no key.
    is_entitled: bool,
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
        Candidate { order, hints, is_entitled: true }
    }

    /// Looks the accounts up, and takes a place among the payments of the payer's bank.
    pub(crate) fn admit(
        &mut self,
        candidate: &mut Candidate<'_>,
        places: &mut Places,
    ) -> Result<(), Refusal> {
        let facts = candidate.order.facts();
        if !self.caller.may_act_for(facts.debtor_agent) {
            candidate.is_entitled = false;
            // Like payments of unknown banks: each is logged, and none is a bank's own.
            return if places.take_unknown(&self.node.quota) { Ok(()) } else { Err(quota_exceeded()) };
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
            return if places.take_unknown(&self.node.quota) { Ok(()) } else { Err(quota_exceeded()) };
        };
        if !facts.accepted && is_remote(debtor, debtor_account) {
            return Err(Refusal::invalid(vec![v1::FieldViolation {
                field: "payment.acceptance_time".to_owned(),
                description: "a bank that keeps the payer's account itself says when the clock started"
                    .to_owned(),
            }]));
        }
        if places.take(&self.node.quota, facts.debtor_agent) { Ok(()) } else { Err(quota_exceeded()) }
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

/// Takes a place for a payment that was refused on reading: it is logged and remembered like any other.
pub(crate) fn admit_refused(node: &Node, caller: &Caller, debtor_agent: Bic) -> Result<Places, Refusal> {
    let mut places = Places::default();
    let is_of_a_bank =
        caller.may_act_for(debtor_agent) && node.handle.directory().participant(debtor_agent).is_some();
    let is_taken = match is_of_a_bank {
        true => places.take(&node.quota, debtor_agent),
        false => places.take_unknown(&node.quota),
    };
    if is_taken { Ok(places) } else { Err(quota_exceeded()) }
}

impl Candidate<'_> {
    /// Writes a payment that came in a document, which may have more than its order.
    pub(crate) fn write_document(
        &self,
        commands: &mut RecordWriter,
        order: &PaymentOrder,
        surplus: Option<&[u8]>,
        received: Timestamp,
    ) {
        if !self.is_entitled {
            return commands.refused_payment(&self.refused(Channel::Iso20022));
        }
        let known = |digest| self.hints.iter().find(|hint| hint.digest == digest);
        let number = |digest, _| known(digest).map_or(AccountNumber(0), |hint| hint.number);
        commands.payment_with_surplus(order, surplus, received, Channel::Iso20022, number);
    }

    /// Writes the payment. `received` counts if the order names no acceptance time.
    pub(crate) fn write(&self, commands: &mut RecordWriter, received: Timestamp, channel: Channel) {
        if !self.is_entitled {
            return commands.refused_payment(&self.refused(channel));
        }
        match &self.order {
            Order::Plain(order) => commands.plain_payment(order, self.hints, received, channel),
            Order::Full(order) => {
                let known = |digest| self.hints.iter().find(|hint| hint.digest == digest);
                let number = |digest, _| known(digest).map_or(AccountNumber(0), |hint| hint.number);
                commands.payment(order, received, channel, number);
            }
        }
    }
    /// The attempt of somebody who does not act for the payer's bank.
    fn refused(&self, channel: Channel) -> RefusedPayment {
        let order = match &self.order {
            Order::Plain(order) => order.to_order(),
            Order::Full(order) => PaymentOrder::clone(order),
        };
        RefusedPayment {
            debtor_agent: order.debtor_agent,
            creditor_agent: Some(order.creditor_agent),
            transaction_id: order.transaction_id.clone(),
            acceptance_time: order.acceptance_time,
            reason: StatusReason::SenderNotEntitled.code(),
            path: Box::default(),
            body: RefusedBody::Order(Box::new(order)),
            channel,
            not_entitled: true,
        }
    }
}
