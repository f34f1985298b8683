//! What the fields of closing days and of the business date may hold.

use types::{ClosingDays, Date, Timestamp};

use super::{Check, holds, zero};
use crate::layout;

pub(super) fn check_closing_days(set: &layout::SetClosingDays) -> Check {
    holds(ClosingDays::from_stored(set.year.get(), set.days).is_some(), "days")?;
    zero(&set.reserved)
}

pub(super) fn check_roll(roll: &layout::RollBusinessDate) -> Check {
    holds(Date::from_days(roll.date.get()).is_some(), "date")?;
    holds(Timestamp::from_nanoseconds(roll.due.get()).is_some(), "due")?;
    zero(&roll.reserved)
}
