//! What the fields of the command about an account's holders may hold.

use super::{Check, currency, zero};
use crate::layout;

pub(super) fn check_account_holders(set: &layout::SetAccountHolders) -> Check {
    currency(set.currency.get())?;
    zero(&set.reserved)
}
