//! What customers have spent today, for those who limit what leaves their accounts.
//!
//! A table beside the accounts, with a row for each account that has, or has ever had, a limit; a bit in the account says
//! whether there is one, so that payments of all others do not look here.
//!
//! Invariants:
//! - An account has a row exactly if it is marked, and keeps it: what is spent is counted also while no limit is set, so
//!   that a limit that comes back the same day finds what was spent in between.
//! - `used` is the sum of the day's payments that are settled or reserved; what was reserved on an earlier day, or before
//!   the row was there, is not in it, and is not given back to it either.
//! - A day that has begun is not begun again, whatever happens to the bank's clock.

use types::{AccountNumber, Amount, Sequence, Timestamp};

use crate::index::{Index, hash, index};
use crate::limits::ROOM_BEYOND;
use crate::{Ledger, Remark};

#[path = "customer_limits_state.rs"]
mod state;

/// What a customer allows to leave an account, and what has left it today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomerLimit {
    pub(crate) account: AccountNumber,
    /// In days since 1970, in the bank's zone.
    pub(crate) day: i32,
    /// What was decided here or behind is counted in `used`.
    pub(crate) counted_from: Sequence,
    /// Minor units.
    pub(crate) used: i64,
    pub(crate) per_payment: Option<Amount>,
    pub(crate) per_day: Option<Amount>,
}

// `Limits::check` relies on it.
const _: () = assert!(size_of::<CustomerLimit>() <= CUSTOMER_LIMIT_BYTES);

/// What one row takes, without its place in the index.
pub(crate) const CUSTOMER_LIMIT_BYTES: usize = 56;

impl CustomerLimit {
    /// The most that one payment may be.
    pub const fn per_payment(&self) -> Option<Amount> {
        self.per_payment
    }

    /// The most that a day's payments may be together.
    pub const fn per_day(&self) -> Option<Amount> {
        self.per_day
    }

    /// What the payments of a day are together, settled and reserved, in minor units.
    pub const fn used_on(&self, day: i32) -> i64 {
        if day > self.day { 0 } else { self.used }
    }

    /// The limit that stands against a payment, if one does.
    pub(crate) fn refuses(&self, amount: i64, day: i32) -> Option<Remark> {
        let exceeds = |limit: Option<Amount>, sum: i64| limit.is_some_and(|limit| sum > limit.minor_units());
        if exceeds(self.per_payment, amount) {
            return Some(Remark::LimitPerPayment);
        }
        // Both are far from the ends of the range: a day has fewer payments than a sum would need to get there.
        exceeds(self.per_day, self.used_on(day).saturating_add(amount)).then_some(Remark::LimitPerDay)
    }
}

/// All rows, in the order in which they were first needed.
#[derive(Debug)]
pub(crate) struct CustomerLimits {
    rows: Vec<CustomerLimit>,
    by_account: Index,
}

impl CustomerLimits {
    /// Sets address space aside for a row for each account.
    pub(crate) fn new(accounts_max: usize) -> Self {
        Self { rows: Vec::with_capacity(accounts_max + ROOM_BEYOND), by_account: Index::new() }
    }

    pub(crate) fn reserve(&mut self, rows: usize) {
        self.rows.reserve(rows);
        self.by_account.reserve(rows);
    }

    pub(crate) fn count(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn get(&self, account: AccountNumber) -> Option<&CustomerLimit> {
        self.find(account).map(|slot| &self.rows[slot])
    }

    /// Sets the limits of an account; says whether it had no row before.
    pub(crate) fn set(
        &mut self,
        account: AccountNumber,
        (per_payment, per_day): (Option<Amount>, Option<Amount>),
        day: i32,
        at: Sequence,
    ) -> bool {
        if let Some(slot) = self.find(account) {
            let row = &mut self.rows[slot];
            (row.per_payment, row.per_day) = (per_payment, per_day);
            return false;
        }
        let row = CustomerLimit { account, day, counted_from: at, used: 0, per_payment, per_day };
        let slot = u32::try_from(self.rows.len()).expect("there are no more rows than accounts");
        self.by_account.insert(hash(account.0.into()), slot);
        self.rows.push(row);
        true
    }

    /// Counts a payment that is settled or reserved at this position.
    pub(crate) fn count_payment(&mut self, account: AccountNumber, amount: i64, day: i32, at: Sequence) {
        let row = self.row(account);
        if day > row.day {
            (row.day, row.counted_from, row.used) = (day, at, 0);
        }
        row.used = row.used.checked_add(amount).expect("a day has too few payments to overflow");
    }

    /// Gives back what the payment at this position was counted with, if it is counted still.
    pub(crate) fn give_back(&mut self, account: AccountNumber, amount: i64, payment: Sequence) {
        let row = self.row(account);
        if payment >= row.counted_from {
            assert!(row.used >= amount, "what is given back was counted");
            row.used -= amount;
        }
    }

    fn row(&mut self, account: AccountNumber) -> &mut CustomerLimit {
        let slot = self.find(account).expect("an account that is marked has a row");
        &mut self.rows[slot]
    }

    fn find(&self, account: AccountNumber) -> Option<usize> {
        let is_it = |slot| self.rows[index(slot)].account == account;
        self.by_account.find(hash(account.0.into()), is_it).map(index)
    }
}

impl Ledger {
    /// What a customer allows to leave an account; `None` if nothing was ever said.
    pub fn customer_limit(&self, account: AccountNumber) -> Option<&CustomerLimit> {
        self.customer_limits.get(account)
    }

    /// What has left such an account by payments on this calendar day of its bank, what is reserved included, in minor
    /// units.
    pub fn used_today(&self, account: AccountNumber) -> Option<i64> {
        self.used_on_day_of(account, self.position().time)
    }

    /// The same on the day of this moment, if nothing else leaves the account until then.
    pub fn used_on_day_of(&self, account: AccountNumber, time: Timestamp) -> Option<i64> {
        let row = self.customer_limits.get(account)?;
        let bank = self.participants.get(self.accounts.get(account).owner());
        Some(row.used_on(bank.zone().day(time)))
    }

    /// What must hold between accounts, reservations and what is counted.
    pub(crate) fn validate_customers(&self) {
        let marked = self.accounts.iter().filter(|account| account.is_limited()).count();
        assert!(marked == self.customer_limits.count(), "each account that is marked has a row");
        for row in &self.customer_limits.rows {
            assert!(self.accounts.get(row.account).is_limited(), "each row is of an account that is marked");
            let waits = self.reservations.iter().filter(|reservation| {
                reservation.debtor_account == row.account && reservation.sequence >= row.counted_from
            });
            let reserved: i64 = waits.map(|reservation| reservation.amount).sum();
            assert!(row.used >= reserved, "what can be given back was counted");
        }
    }
}
