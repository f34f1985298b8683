//! What a bank sets about its customers and its own house: limits, restrictions, fees, and its clock.
//!
//! These are validated values with no stored form of their own; [`crate::RecordWriter`] writes them into records.

use types::{Amount, Bic, Currency};

use crate::command::{AccountSelector, RequestId};
use crate::zone::Zone;

/// What a customer allows to leave an account by payments.
#[derive(Clone, Debug)]
pub struct SetCustomerLimit {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The account.
    pub account: AccountSelector,
    /// The most that one payment may be, if the customer limits it.
    pub per_payment: Option<Amount>,
    /// The most that the payments of a calendar day may be together, if the customer limits it.
    pub per_day: Option<Amount>,
}

/// Whether an account takes part in payments, as the daily screening of its customer has it.
#[derive(Clone, Debug)]
pub struct SetRestricted {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The account.
    pub account: AccountSelector,
    /// Whether payments from it and to it are refused.
    pub is_restricted: bool,
}

/// What a bank takes for payments from its customers' accounts here, in one currency.
#[derive(Clone, Debug)]
pub struct SetFees {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank.
    pub bic: Bic,
    /// The currency of the accounts.
    pub currency: Currency,
    /// How much.
    pub fees: Fees,
}

/// A bank's fees for one payment of each product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fees {
    pub(crate) ordinary: u32,
    pub(crate) instant: u32,
}

impl Fees {
    /// A million of the currency's units, where it has a hundred minor units to one.
    pub const MINOR_UNITS_MAX: u32 = 100_000_000;

    /// Fees in minor units, of an ordinary and of an instant payment. That the second is not above the first is for the
    /// ledger to say.
    pub fn from_minor_units(ordinary: u32, instant: u32) -> Option<Self> {
        let are_fees = [ordinary, instant].iter().all(|fee| *fee <= Self::MINOR_UNITS_MAX);
        are_fees.then_some(Self { ordinary, instant })
    }

    /// The fee of an ordinary payment, in minor units. Solvo takes none, because it makes no such payment; it is what the
    /// other one must not be above.
    pub const fn ordinary(self) -> u32 {
        self.ordinary
    }

    /// The fee of an instant payment, in minor units.
    pub const fn instant(self) -> u32 {
        self.instant
    }
}

/// A bank's clock, by which its customers' days begin and end.
#[derive(Clone, Debug)]
pub struct SetZone {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank.
    pub bic: Bic,
    /// Its clock from now on.
    pub zone: Zone,
}
