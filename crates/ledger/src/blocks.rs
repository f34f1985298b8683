//! Which bookings something does not take: an operator's block of a participant, a position, a limit or an account.
//!
//! A block stands beside the status of a participant or account and outlasts its changes. It stops payments that come
//! from now on; those that are reserved are carried through, save that a payee's account that takes no credit any more
//! ends them.

use types::{Bic, Currency};

use crate::command::{AccountSelector, Direction, RequestId};

/// Which way something takes no bookings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Blocks {
    debit: bool,
    credit: bool,
}

impl Blocks {
    /// Everything is taken.
    pub const NONE: Self = Self::new(false, false);

    /// No debits, no credits, neither or both.
    pub const fn new(debit: bool, credit: bool) -> Self {
        Self { debit, credit }
    }

    /// Whether bookings this way are blocked.
    pub const fn covers(self, direction: Direction) -> bool {
        match direction {
            Direction::Debit => self.debit,
            Direction::Credit => self.credit,
        }
    }

    /// The stored number: 1 for debits and 2 for credits, added.
    pub const fn number(self) -> u8 {
        match (self.debit, self.credit) {
            (false, false) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (true, true) => 3,
        }
    }

    /// What is stored as this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0..=3 => Some(Self::new(number & 1 != 0, number & 2 != 0)),
            _ => None,
        }
    }
}

/// What is blocked.
#[derive(Clone, Copy, Debug)]
pub enum BlockTarget {
    /// A bank: the payments that it sends, or that are for it.
    Participant(Bic),
    /// Its position in a currency, for payments and transfers of liquidity.
    Position(Bic, Currency),
    /// The limit of a reachable party in a currency.
    PartyLimit(Bic, Currency),
    /// A customer's account, for payments and postings.
    Account(AccountSelector),
}

/// Something takes no debits, no credits, neither, or both again.
#[derive(Clone, Debug)]
pub struct SetBlock {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// What.
    pub target: BlockTarget,
    /// What it does not take from now on.
    pub blocks: Blocks,
}
