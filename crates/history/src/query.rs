//! Which payments are asked for.

use types::{AccountNumber, Amount, Bic, Currency, PaymentState, Timestamp};

use crate::rows::{AccountOf, ListedRow, PaymentRow};
use crate::walk::Order;

/// A side of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The payer's.
    Debtor,
    /// The payee's.
    Creditor,
}

/// An account as one of a payment's sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFilter {
    /// Its numbers here, one for each currency.
    pub numbers: Vec<AccountNumber>,
    /// The first half of the digest of its number.
    pub half_digest: [u8; 8],
}

/// Which payments. What is left open leaves nothing out.
#[derive(Clone, Debug)]
pub struct PaymentQuery {
    /// Those of this bank, in the order in which it was told of them. Without one all, in the order of the log.
    pub bank: Option<Bic>,
    /// On which side the bank stands.
    pub side: Option<Side>,
    /// Told, or without a bank received, at this time or later.
    pub from: Option<Timestamp>,
    /// Told, or without a bank received, before this time.
    pub until: Option<Timestamp>,
    /// In one of these states.
    pub states: Vec<PaymentState>,
    /// In this currency.
    pub currency: Option<Currency>,
    /// Of this amount or more.
    pub amount_min: Option<Amount>,
    /// Of this amount or less.
    pub amount_max: Option<Amount>,
    /// The other bank; without a bank of one's own either of them.
    pub counterpart: Option<Bic>,
    /// From or to this account.
    pub account: Option<AccountFilter>,
    /// In which order.
    pub order: Order,
}

pub(crate) fn is_between(from: Option<Timestamp>, until: Option<Timestamp>, time: Timestamp) -> bool {
    from.is_none_or(|from| time >= from) && until.is_none_or(|until| time < until)
}

impl PaymentQuery {
    /// Every payment of a bank, or of all.
    pub const fn all(bank: Option<Bic>, order: Order) -> Self {
        Self {
            bank,
            side: None,
            from: None,
            until: None,
            states: Vec::new(),
            currency: None,
            amount_min: None,
            amount_max: None,
            counterpart: None,
            account: None,
            order,
        }
    }

    pub(crate) fn is_in_time(&self, time: Timestamp) -> bool {
        is_between(self.from, self.until, time)
    }

    /// Whether an item of the bank's list can be of a payment that is asked for. Cheap, and right if it says no.
    pub(crate) fn may_be_met_by(&self, listed: &ListedRow) -> bool {
        let is_on_side = match self.side {
            None => true,
            Some(Side::Debtor) => listed.is_debtor_side,
            Some(Side::Creditor) => listed.is_creditor_side,
        };
        // What was open then may have been decided since.
        let has_state =
            self.states.is_empty() || !listed.state.is_final() || self.states.contains(&listed.state);
        is_on_side && has_state && self.is_in_time(listed.time) && self.has_amount(listed.amount)
    }

    fn has_amount(&self, amount: i64) -> bool {
        self.amount_min.is_none_or(|least| amount >= least.minor_units())
            && self.amount_max.is_none_or(|most| amount <= most.minor_units())
    }

    /// Whether a payment is asked for, its time apart.
    pub(crate) fn is_met_by(&self, row: &PaymentRow) -> bool {
        let currency = row.amount.map(|(_, currency)| currency);
        let amount = row.amount.map_or(0, |(amount, _)| amount.minor_units());
        (self.states.is_empty() || self.states.contains(&row.state))
            && self.currency.is_none_or(|wanted| currency == Some(wanted))
            && self.has_amount(amount)
            && self.counterpart.is_none_or(|counterpart| self.is_other_side(row, counterpart))
            && self.account.as_ref().is_none_or(|account| account.is_of(row))
    }

    fn is_other_side(&self, row: &PaymentRow, counterpart: Bic) -> bool {
        let (debtor, creditor) = (row.debtor_agent, row.creditor_agent);
        match self.bank {
            None => debtor == counterpart || creditor == Some(counterpart),
            Some(own) if debtor == own => creditor == Some(counterpart),
            Some(_) => debtor == counterpart,
        }
    }
}

impl AccountFilter {
    fn is_of(&self, row: &PaymentRow) -> bool {
        [row.debtor_account, row.creditor_account].into_iter().any(|account| match account {
            AccountOf::Here(number) => self.numbers.contains(&number),
            AccountOf::Elsewhere(half_digest) => half_digest == self.half_digest,
            AccountOf::NotRead => false,
        })
    }
}
