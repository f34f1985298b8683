//! What the fields of commands about customers, fees and clocks may hold.

use types::{Amount, Timestamp};

use super::{Check, bic, currency, holds, zero};
use crate::zone::{Zone, ZoneChange, ZoneOffset};
use crate::{Fees, layout};

pub(super) fn check_customer_limit(set: &layout::SetCustomerLimit) -> Check {
    holds(stored_limit(set.per_payment.get()).is_some(), "per_payment")?;
    holds(stored_limit(set.per_day.get()).is_some(), "per_day")?;
    currency(set.currency.get())?;
    zero(&set.reserved)
}

/// A limit in stored form: 0 is none. `None` if these minor units are neither.
fn stored_limit(minor_units: i64) -> Option<Option<Amount>> {
    match minor_units {
        0 => Some(None),
        _ => Amount::from_minor_units(minor_units).map(Some),
    }
}

pub(super) fn check_restricted(set: &layout::SetRestricted) -> Check {
    currency(set.currency.get())?;
    holds(set.is_restricted <= 1, "is_restricted")?;
    zero(&set.reserved)
}

pub(super) fn check_fees(set: &layout::SetFees) -> Check {
    bic(set.bic)?;
    currency(set.currency.get())?;
    holds(Fees::from_minor_units(set.ordinary.get(), set.instant.get()).is_some(), "instant")?;
    zero(&[set.reserved])?;
    zero(&set.reserved_end)
}

pub(super) fn check_zone(set: &layout::SetZone) -> Check {
    bic(set.bic)?;
    holds(zone(set).is_some(), "offset")?;
    zero(&set.reserved)
}

fn zone(set: &layout::SetZone) -> Option<Zone> {
    let change = match set.has_change {
        0 if set.offset_after.get() == 0 && set.change_at.get() == 0 => None,
        1 => Some(ZoneChange {
            at: Timestamp::from_nanoseconds(set.change_at.get())?,
            offset: ZoneOffset::from_minutes(set.offset_after.get())?,
        }),
        _ => return None,
    };
    Some(Zone { offset: ZoneOffset::from_minutes(set.offset.get())?, change })
}

impl layout::SetCustomerLimit {
    /// The limits for one payment and for a day. The record has been checked.
    pub fn limits(&self) -> (Option<Amount>, Option<Amount>) {
        let limit = |minor_units| stored_limit(minor_units).expect("records are checked when they are read");
        (limit(self.per_payment.get()), limit(self.per_day.get()))
    }
}

impl layout::SetFees {
    /// The fees. The record has been checked.
    pub fn fees(&self) -> Fees {
        Fees::from_minor_units(self.ordinary.get(), self.instant.get())
            .expect("records are checked when they are read")
    }
}

impl layout::SetZone {
    /// The clock. The record has been checked.
    pub fn zone(&self) -> Zone {
        zone(self).expect("records are checked when they are read")
    }
}
