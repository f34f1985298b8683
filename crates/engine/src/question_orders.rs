//! What can be asked about orders and packages.

use ledger::{Ledger, LocalTime, Order, OrderGroup, OrderState, Package};
use types::{Bic, Currency, Iban, Sequence, Timestamp};

/// Which orders.
#[derive(Clone, Copy, Debug)]
pub enum OrdersAsked {
    /// The one at this position.
    At(Sequence),
    /// Those of a group that wait and are due now, in the order of their times and then their positions.
    Due {
        /// Which group.
        group: OrderGroup,
        /// Only those behind this place in that order.
        after: Option<(LocalTime, Sequence)>,
        /// So many at the most; above [`ORDERS_ASKED_MAX`] means that many.
        count_max: usize,
    },
    /// Those of an account that stand alone, in the order in which they were placed.
    OfAccount {
        /// The account's number.
        iban: Iban,
        /// Its currency.
        currency: Currency,
        /// Only those behind this position.
        after: Sequence,
        /// So many at the most; above [`ORDERS_ASKED_MAX`] means that many.
        count_max: usize,
    },
    /// The lines of a package, in order.
    Lines {
        /// The package's position.
        package: Sequence,
        /// From this line on.
        from: u32,
        /// So many at the most; above [`ORDERS_ASKED_MAX`] means that many.
        count_max: usize,
    },
    /// Those that have not ended and whose texts were logged before a time, in no order that means something, among
    /// [`ORDERS_ASKED_MAX`] places of the table.
    OldTexts {
        /// From this place of the table on.
        from_slot: u32,
        /// Before this time.
        before: Timestamp,
    },
}

/// How many orders one answer may tell.
pub const ORDERS_ASKED_MAX: usize = 1024;

/// Orders that were asked for.
#[derive(Clone, Debug, Default)]
pub struct OrdersFound {
    /// The orders.
    pub orders: Vec<OrderFound>,
    /// From which place of the table on to ask again, if the question was [`OrdersAsked::OldTexts`] and there is more.
    pub next_slot: Option<u32>,
}

/// An order, and what else is known of it.
#[derive(Clone, Copy, Debug)]
pub struct OrderFound {
    /// The order. Its texts stand in the log.
    pub order: Order,
    /// Where it stands.
    pub state: OrderState,
    /// The payer's bank.
    pub bank: Bic,
    /// At which moment it is due, by what is known now of the bank's clock.
    pub due: Timestamp,
    /// Whether the payer's account is kept here and does not cover it now.
    pub lacks_funds: bool,
}

/// Which packages.
#[derive(Clone, Copy, Debug)]
pub enum PackagesAsked {
    /// The one at this position.
    At(Sequence),
    /// Those of a bank, in the order in which they were opened.
    OfBank {
        /// The bank.
        bank: Bic,
        /// Only those behind this position.
        after: Sequence,
        /// So many at the most; above [`PACKAGES_ASKED_MAX`] means that many.
        count_max: usize,
    },
}

/// How many packages one answer may tell.
pub const PACKAGES_ASKED_MAX: usize = 256;

/// A package, and what else is known of it.
#[derive(Clone, Copy, Debug)]
pub struct PackageFound {
    /// The package. Its texts stand in the log, at its position.
    pub package: Package,
    /// Its bank.
    pub bank: Bic,
    /// Whether what became of its lines can still be told.
    pub has_lines: bool,
}

/// How many groups of orders one answer may tell.
pub const GROUPS_ASKED_MAX: usize = 256;

impl OrdersAsked {
    pub(crate) fn count_max(&self) -> usize {
        match self {
            Self::At(_) => 1,
            Self::Due { count_max, .. }
            | Self::OfAccount { count_max, .. }
            | Self::Lines { count_max, .. } => (*count_max).min(ORDERS_ASKED_MAX),
            Self::OldTexts { .. } => ORDERS_ASKED_MAX,
        }
    }

    pub(crate) fn answer(&self, ledger: &Ledger) -> OrdersFound {
        let found = |order: &Order, state| {
            let bank = ledger.participant_by_number(order.bank);
            OrderFound {
                order: *order,
                state,
                bank: bank.bic(),
                due: bank.zone().moment(order.due),
                lacks_funds: ledger.lacks_funds(order),
            }
        };
        let count_max = self.count_max();
        let orders = match *self {
            Self::At(sequence) => {
                ledger.order(sequence).map(|(order, state)| found(order, state)).into_iter().collect()
            }
            Self::Due { group, after, .. } => {
                let due = ledger.due_orders(group, after, ledger.position().time).take(count_max);
                // What waits stands as it is kept: the package is not cancelled.
                due.map(|order| found(order, ledger.state_of_order(order))).collect()
            }
            Self::OfAccount { iban, currency, after, .. } => {
                let setup = ledger.setup().expect("questions are taken after the log's first record");
                let account = ledger.account(&setup.digest_key, iban.as_str(), currency);
                let Some((number, _)) = account else { return OrdersFound::default() };
                let orders = ledger.orders_of(number, after).take(count_max);
                orders.map(|(order, state)| found(order, state)).collect()
            }
            Self::Lines { package, from, .. } => {
                let lines = ledger.lines_of(package, from).take(count_max);
                lines.map(|(order, state)| found(order, state)).collect()
            }
            Self::OldTexts { from_slot, before } => {
                let (orders, next_slot) = ledger.orders_from_slot(from_slot, count_max);
                let is_old =
                    |(order, state): &(Order, OrderState)| !state.is_final() && order.stands_time < before;
                let orders = orders.iter().filter(|found| is_old(found));
                let orders = orders.map(|(order, state)| found(order, *state)).collect();
                return OrdersFound { orders, next_slot };
            }
        };
        OrdersFound { orders, next_slot: None }
    }

    /// Whether more would be due if log time had come as far as this.
    pub(crate) fn hinges_on_time(&self, found: &OrdersFound, ledger: &Ledger, time: Timestamp) -> bool {
        let Self::Due { group, after, .. } = *self else { return false };
        ledger.due_orders(group, after, time).take(self.count_max()).count() > found.orders.len()
    }
}

impl PackagesAsked {
    pub(crate) const fn count_max(&self) -> usize {
        match self {
            Self::At(_) => 1,
            Self::OfBank { count_max, .. } => *count_max,
        }
    }

    pub(crate) fn answer(&self, ledger: &Ledger) -> Vec<PackageFound> {
        let now = ledger.position().time;
        let found = |package: &Package| PackageFound {
            package: *package,
            bank: ledger.participant_by_number(package.bank).bic(),
            has_lines: package.has_lines(now),
        };
        match *self {
            Self::At(sequence) => ledger.package(sequence).map(found).into_iter().collect(),
            Self::OfBank { bank, after, count_max } => {
                let Some((number, _)) = ledger.participant(bank) else { return Vec::new() };
                let packages = ledger.packages_of(number, after);
                packages.take(count_max.min(PACKAGES_ASKED_MAX)).map(found).collect()
            }
        }
    }
}

/// The groups behind this one of which something is due at a time.
pub(crate) fn due_groups(ledger: &Ledger, after: Option<OrderGroup>, now: Timestamp) -> Vec<OrderGroup> {
    ledger.due_groups(after, now).take(GROUPS_ASKED_MAX).collect()
}
