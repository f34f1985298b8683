//! Customers' limits as they stand in a stored state, in the order of their rows.

use types::{AccountNumber, Amount, Sequence};

use super::{CustomerLimit, CustomerLimits};
use crate::accounts::Accounts;
use crate::sections::{Impossible, SectionReader, StateError, holds, value};
use crate::state_layout::{self, CUSTOMER_LIMITS};

impl CustomerLimit {
    fn to_state(self) -> state_layout::CustomerLimit {
        let stored = |limit: Option<Amount>| limit.map_or(0, Amount::minor_units).into();
        state_layout::CustomerLimit {
            account: self.account.0.into(),
            day: self.day.into(),
            counted_from: self.counted_from.0.into(),
            used: self.used.into(),
            per_payment: stored(self.per_payment),
            per_day: stored(self.per_day),
        }
    }

    fn from_state(stored: &state_layout::CustomerLimit) -> Result<Self, Impossible> {
        let limit = |minor_units, field| match minor_units {
            0 => Ok(None),
            _ => value(Amount::from_minor_units(minor_units), field).map(Some),
        };
        holds(stored.used.get() >= 0, "used")?;
        Ok(Self {
            account: AccountNumber(stored.account.get()),
            day: stored.day.get(),
            counted_from: Sequence(stored.counted_from.get()),
            used: stored.used.get(),
            per_payment: limit(stored.per_payment.get(), "per_payment")?,
            per_day: limit(stored.per_day.get(), "per_day")?,
        })
    }
}

impl CustomerLimits {
    /// The items of [`CUSTOMER_LIMITS`].
    pub(crate) fn to_state(&self) -> impl Iterator<Item = state_layout::CustomerLimit> {
        self.rows.iter().map(|row| row.to_state())
    }

    /// Reads the rows of these accounts, as of a position: one for each that is marked.
    pub(crate) fn read_state(
        reader: &mut SectionReader<'_>,
        accounts: &Accounts,
        marked: usize,
        position: Sequence,
        accounts_max: usize,
    ) -> Result<Self, StateError> {
        let mut read = Self::new(accounts_max);
        let count = u64::try_from(marked).expect("64 bits");
        reader.begin_exactly(CUSTOMER_LIMITS, count)?;
        read.reserve(marked);
        reader.items(CUSTOMER_LIMITS, count, |stored: &state_layout::CustomerLimit| {
            let row = CustomerLimit::from_state(stored)?;
            holds(row.counted_from <= position, "counted_from")?;
            holds(accounts.is_limited(row.account) && read.get(row.account).is_none(), "account")?;
            let (limits, at) = ((row.per_payment, row.per_day), row.counted_from);
            read.set(row.account, limits, row.day, at);
            read.row(row.account).used = row.used;
            Ok(())
        })?;
        Ok(read)
    }
}
