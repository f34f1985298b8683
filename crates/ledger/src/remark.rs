//! What is told of a payment beside its state and its reason.

use std::num::NonZeroU32;

use crate::layout;
use crate::payments::{LIMIT_PER_DAY, LIMIT_PER_PAYMENT};

/// What is told of a payment beside its state and its reason, to the payer's side alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Remark {
    /// Nothing.
    #[default]
    None,
    /// It was settled, and the payer's bank took this fee for it, in minor units.
    Fee(NonZeroU32),
    /// It was refused, because it is above what the payer allows for one payment.
    LimitPerPayment,
    /// It was refused, because with the payer's other payments of the day it is above what the payer allows for a day.
    LimitPerDay,
}

impl Remark {
    /// A fee, or nothing if it is zero.
    pub const fn fee_of(minor_units: u32) -> Self {
        match NonZeroU32::new(minor_units) {
            Some(fee) => Self::Fee(fee),
            None => Self::None,
        }
    }

    /// The fee, in minor units.
    pub const fn fee(self) -> u32 {
        match self {
            Self::Fee(fee) => fee.get(),
            Self::None | Self::LimitPerPayment | Self::LimitPerDay => 0,
        }
    }

    /// One sentence for a person that says more than the reason does, if there is more to say.
    pub const fn meaning(self) -> Option<&'static str> {
        match self {
            Self::LimitPerPayment => {
                Some("the amount is above the limit that the payer has set for one payment")
            }
            Self::LimitPerDay => Some(
                "with the payer's other payments of the day, the amount is above the limit that the payer has set for a day",
            ),
            Self::None | Self::Fee(_) => None,
        }
    }

    /// The flag of an outcome entry that says it.
    pub(crate) const fn flag(self) -> u8 {
        match self {
            Self::LimitPerPayment => layout::OUTCOME_LIMIT_PER_PAYMENT,
            Self::LimitPerDay => layout::OUTCOME_LIMIT_PER_DAY,
            Self::None | Self::Fee(_) => 0,
        }
    }

    /// What the flags of an outcome entry say.
    pub(crate) const fn of_flags(flags: u8) -> Self {
        match flags & (layout::OUTCOME_LIMIT_PER_PAYMENT | layout::OUTCOME_LIMIT_PER_DAY) {
            layout::OUTCOME_LIMIT_PER_PAYMENT => Self::LimitPerPayment,
            layout::OUTCOME_LIMIT_PER_DAY => Self::LimitPerDay,
            _ => Self::None,
        }
    }

    /// The mark of a remembered payment that says it. A fee is told once, with the balances that it has led to.
    pub(crate) const fn mark(self) -> u8 {
        match self {
            Self::LimitPerPayment => LIMIT_PER_PAYMENT,
            Self::LimitPerDay => LIMIT_PER_DAY,
            Self::None | Self::Fee(_) => 0,
        }
    }

    /// What the marks of a remembered payment say.
    pub(crate) const fn of_marks(marks: u8) -> Self {
        match marks & (LIMIT_PER_PAYMENT | LIMIT_PER_DAY) {
            LIMIT_PER_PAYMENT => Self::LimitPerPayment,
            LIMIT_PER_DAY => Self::LimitPerDay,
            _ => Self::None,
        }
    }
}
