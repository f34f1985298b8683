//! What the fields of commands about which accounts take part may hold.

use zerocopy::IntoBytes;

use super::{Check, bic, holds, zero};
use crate::{AccountRange, layout};

pub(super) fn check_activation(set: &layout::SetActivation) -> Check {
    bic(set.bic)?;
    holds(set.is_active <= 1, "is_active")?;
    if set.length == 0 {
        zero(&set.country)?;
        zero(&set.from)?;
        zero(&set.upto)?;
        zero(set.digits.as_bytes())?;
    } else {
        holds(set.range().is_some(), "range")?;
    }
    zero(&[set.reserved])
}

impl layout::SetActivation {
    /// The accounts that it is about; `None` for all of the bank's.
    pub fn range(&self) -> Option<AccountRange> {
        AccountRange::from_stored(self.country, self.length, self.from, self.upto, self.digits.get())
    }
}
