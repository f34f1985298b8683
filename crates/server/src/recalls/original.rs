//! The payment that is asked back, as the log, the core and history tell it.
//!
//! Its order stands in the log or its archive. What became of it the core knows for five days, and history for as long as
//! it is kept.

use engine::{Answer, Question, StoredOrder};
use ledger::{Original, PaymentAnswer};
use tonic::Status;
use types::{Incarnation, PaymentState, Sequence, Timestamp};

use crate::caller::Caller;
use crate::history;
use crate::log::{self, Gone};
use crate::node::Node;
use crate::refusals::{bank_not_yours, history_unavailable, refused};

/// What became of a payment: its state, and position and time of the decision.
pub(crate) type Fate = (PaymentState, Sequence, Timestamp);

/// Why a payment can't be asked back as things are.
#[derive(Debug)]
pub(crate) enum NotRead {
    /// There is none, or it is another bank's.
    NotYours,
    /// It was refused on reading, so it was never settled.
    NotSettled,
    /// It is older than what this node has at hand.
    NotAtHand(&'static str),
    /// It could not be looked up at present.
    Failed(Status),
}

impl NotRead {
    pub(crate) fn into_status(self) -> Status {
        match self {
            Self::NotYours => bank_not_yours().into_status(),
            Self::NotSettled => refused(ledger::Refusal::OriginalNotSettled).into_status(),
            Self::NotAtHand(why) => history_unavailable(why),
            Self::Failed(status) => status,
        }
    }
}

impl From<Status> for NotRead {
    fn from(status: Status) -> Self {
        Self::Failed(status)
    }
}

/// Reads the payment at a position for the bank that sent it. Whoever may not ask it back learns nothing of it.
pub(crate) async fn read(node: &Node, caller: &Caller, payment: Sequence) -> Result<Original, NotRead> {
    read_as(node, caller, payment, true).await
}

/// The same for the bank that sent it, or for the one that it was for.
pub(crate) async fn read_as(
    node: &Node,
    caller: &Caller,
    payment: Sequence,
    is_payer: bool,
) -> Result<Original, NotRead> {
    let order = log::order_left(node, payment).await?;
    let gone = |_: Gone| NotRead::NotAtHand("the log does not reach back to this payment any more");
    let order = order.map_err(gone)?.ok_or(NotRead::NotYours)?;
    let bank = if is_payer { Some(order.debtor_agent()) } else { order.creditor_agent() };
    if !bank.is_some_and(|bank| caller.may_act_for(bank)) {
        return Err(NotRead::NotYours);
    }
    let fate = fate(node, caller, payment).await?;
    let incarnation = node.handle.lives().at(payment).incarnation;
    of_order(&order, payment, incarnation, fate).ok_or(NotRead::NotSettled)
}

/// What an order and its end say of a payment. What was refused on reading has no amount, no accounts, and was never settled.
pub(crate) fn of_order(
    order: &StoredOrder,
    payment: Sequence,
    incarnation: Incarnation,
    (state, decided_at, decided_time): Fate,
) -> Option<Original> {
    let facts = order.amount().zip(order.account_digests()).zip(order.creditor_agent());
    let (((amount, currency), [debtor_account, creditor_account]), creditor_agent) = facts?;
    Some(Original {
        payment,
        incarnation,
        state,
        decided_at,
        decided_time,
        amount,
        currency,
        debtor_agent: order.debtor_agent(),
        creditor_agent,
        debtor_account,
        creditor_account,
    })
}

async fn fate(node: &Node, caller: &Caller, payment: Sequence) -> Result<Fate, NotRead> {
    let answered = node.ask(Question::PaymentAt(payment)).await?;
    if let Answer::Payment(PaymentAnswer::Found(found)) = answered.answer {
        return Ok((found.state(), found.decided_at(), found.decided_time()));
    }
    let row = history::payment_at(node, caller, payment).await?;
    let row = row.ok_or(NotRead::NotAtHand(
        "what became of this payment is not at hand: it is older than the core keeps it",
    ))?;
    Ok((row.state, row.decided_at, row.decided_time))
}
