//! Accounts: one cache line each, in the order in which they were opened.
//!
//! Invariants:
//! - available = balance - reserved - held, and a payment or posting never takes it below the floor.
//! - What is reserved changes only by [`Accounts::reserve_funds`] and [`Accounts::release_funds`], and what is held only
//!   by [`Accounts::hold_funds`] and [`Accounts::free_funds`].
//! - A balance stays within `types::Balance::MINOR_UNITS_MAX`, so no sum of two overflows.
//! - Numbers start at 1, follow the log and are never reused.

use std::cell::Cell;

use types::{AccountNumber, Balance, Currency, Digest, ParticipantNumber, Sequence};

use crate::blocks::Blocks;
use crate::command::{Direction, stored_enum};
use crate::index::{Index, index};
use crate::limits::ROOM_BEYOND;
use crate::memory::{self, advise_large_pages};

#[path = "accounts_state.rs"]
mod state;
pub(crate) use state::Told;

stored_enum! {
    /// What an account is.
    AccountKind {
        /// A customer's payment account.
        Current = 1,
        /// A customer's savings account; instant payments are not permitted.
        Savings = 2,
        /// A book's counter-account for what the bank's own systems post.
        Core = 16,
        /// A book's mirror of what went to and came from other banks.
        Clearing = 17,
        /// A participant's settlement account.
        Position = 18,
        /// The settlement book's counter-account for money that came from or went outside.
        Funding = 19,
        /// A participant's technical account: money of its own that no payment uses.
        Technical = 20,
        /// A participant's suspense account: what it has not found the owner of yet, in its own book.
        Suspense = 24,
    }
}

impl AccountKind {
    /// Whether it belongs to a customer.
    pub const fn is_customer(self) -> bool {
        match self {
            Self::Current | Self::Savings => true,
            Self::Core
            | Self::Clearing
            | Self::Position
            | Self::Funding
            | Self::Technical
            | Self::Suspense => false,
        }
    }
}

stored_enum! {
    /// Whether an account takes bookings.
    AccountStatus {
        /// It does.
        Active = 1,
        /// Not at present.
        Blocked = 2,
        /// Never again.
        Closed = 3,
    }
}

/// One account.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Account {
    balance: i64,
    reserved: i64,
    held: i64,
    floor: i64,
    digest: Digest,
    changed_at: Sequence,
    owner: ParticipantNumber,
    currency: Currency,
    kind: AccountKind,
    standing: Standing,
}

const _: () = assert!(size_of::<Account>() == 64);

/// An account's status and what else few accounts have, in the one byte that a cache line has left for all of it.
#[derive(Clone, Copy, Debug)]
struct Standing(u8);

impl Standing {
    /// Its bank has flagged it.
    const FLAGGED: u8 = 0x80;
    /// No payment from it or to it is allowed.
    const RESTRICTED: u8 = 0x40;
    /// Its customer's payments are counted ([`crate::customer_limits`]).
    const LIMITED: u8 = 0x20;
    /// It takes no debits.
    const DEBIT_BLOCKED: u8 = 0x10;
    /// It takes no credits.
    const CREDIT_BLOCKED: u8 = 0x08;
    /// It has a floor or ceiling of which somebody wants to hear: no part of a stored state, which holds those.
    const WATCHED: u8 = 0x04;
    /// What only customers' accounts are.
    const OF_CUSTOMERS: u8 = Self::FLAGGED | Self::RESTRICTED | Self::LIMITED;
    const STATUS: u8 = 0x03;
    /// What a stored state holds: all but [`Self::WATCHED`].
    const STORED: u8 = !Self::WATCHED;

    const fn new(status: AccountStatus) -> Self {
        Self(status.number())
    }

    const fn status(self) -> AccountStatus {
        match AccountStatus::from_number(self.0 & Self::STATUS) {
            Some(status) => status,
            None => unreachable!(),
        }
    }

    /// Whether it is active and nothing stands in the way of a booking: one look for what nearly all accounts are.
    const fn is_plain(self) -> bool {
        self.0 & !(Self::FLAGGED | Self::LIMITED | Self::WATCHED) == AccountStatus::Active.number()
    }

    const fn has(self, mark: u8) -> bool {
        self.0 & mark != 0
    }

    const fn with_status(self, status: AccountStatus) -> Self {
        Self(self.0 & !Self::STATUS | status.number())
    }

    const fn with(self, mark: u8, is_set: bool) -> Self {
        Self(if is_set { self.0 | mark } else { self.0 & !mark })
    }
}

impl Account {
    pub(crate) fn new(
        owner: ParticipantNumber,
        currency: Currency,
        kind: AccountKind,
        digest: Digest,
        floor: i64,
        opened_at: Sequence,
    ) -> Self {
        Self {
            balance: 0,
            reserved: 0,
            held: 0,
            floor,
            digest,
            changed_at: opened_at,
            owner,
            currency,
            kind,
            standing: Standing::new(AccountStatus::Active),
        }
    }

    /// Minor units; positive is owed to the account's owner.
    pub const fn balance(&self) -> i64 {
        self.balance
    }

    /// Minor units set aside for payments that wait for an answer.
    pub const fn reserved(&self) -> i64 {
        self.reserved
    }

    /// Minor units set aside for holds.
    pub const fn held(&self) -> i64 {
        self.held
    }

    /// Minor units below which the available funds don't fall.
    pub const fn floor(&self) -> i64 {
        self.floor
    }

    /// Minor units that can be spent down to zero: balance - reserved - held.
    pub const fn available(&self) -> i64 {
        self.balance - self.reserved - self.held
    }

    /// The digest of its number; zeros for an account that is not a customer's.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The position of the last command that changed it.
    pub const fn changed_at(&self) -> Sequence {
        self.changed_at
    }

    /// Whose book it is in; 0 is the settlement book.
    pub const fn owner(&self) -> ParticipantNumber {
        self.owner
    }

    /// In which currency it is kept.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// What it is.
    pub const fn kind(&self) -> AccountKind {
        self.kind
    }

    /// Whether it takes bookings.
    pub const fn status(&self) -> AccountStatus {
        self.standing.status()
    }

    /// Whether its bank wants to decide on flagged accounts and has flagged it.
    pub const fn is_flagged(&self) -> bool {
        self.standing.has(Standing::FLAGGED)
    }

    /// Whether no payment from it or to it is allowed, for a regulatory reason.
    pub const fn is_restricted(&self) -> bool {
        self.standing.has(Standing::RESTRICTED)
    }

    /// Whether its customer has, or has had, limits of its own.
    pub const fn is_limited(&self) -> bool {
        self.standing.has(Standing::LIMITED)
    }

    /// Which bookings it does not take, whatever its status.
    pub const fn blocks(&self) -> Blocks {
        Blocks::new(self.standing.has(Standing::DEBIT_BLOCKED), self.standing.has(Standing::CREDIT_BLOCKED))
    }

    /// Whether it is active, and neither restricted nor blocked for anything.
    pub(crate) const fn is_plain(&self) -> bool {
        self.standing.is_plain()
    }

    /// Whether it takes no booking this way at present, because it is blocked altogether or for this.
    pub(crate) fn is_blocked_for(&self, direction: Direction) -> bool {
        if self.is_plain() {
            return false;
        }
        self.status() == AccountStatus::Blocked || self.blocks().covers(direction)
    }

    /// Whether somebody wants to hear when its balance crosses a bound.
    pub(crate) const fn is_watched(&self) -> bool {
        self.standing.has(Standing::WATCHED)
    }

    /// Positions and their counter-account are one book; any other account is in its owner's.
    pub(crate) const fn is_in_settlement_book(&self) -> bool {
        match self.kind {
            AccountKind::Position | AccountKind::Funding | AccountKind::Technical => true,
            AccountKind::Current
            | AccountKind::Savings
            | AccountKind::Core
            | AccountKind::Clearing
            | AccountKind::Suspense => false,
        }
    }

    /// Whether this much can leave without taking the available funds below the floor.
    pub(crate) const fn covers(&self, amount: i64) -> bool {
        self.available() - amount >= self.floor
    }

    /// Whether this much more can enter.
    pub(crate) const fn has_room_for(&self, amount: i64) -> bool {
        self.balance + amount <= Balance::MINOR_UNITS_MAX
    }
}

/// A transfer between two accounts of one book: the only way in which money moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transfer {
    pub(crate) debit: AccountNumber,
    pub(crate) credit: AccountNumber,
}

/// All accounts.
#[derive(Debug)]
pub(crate) struct Accounts {
    accounts: Vec<Account>,
    by_digest: Index,
    /// The technical accounts, which are few, in the order of their opening.
    technical: Vec<AccountNumber>,
    /// The suspense accounts in the same way.
    suspense: Vec<AccountNumber>,
}

impl Accounts {
    pub(crate) fn new(accounts_max: usize) -> Self {
        let mut accounts = Vec::with_capacity(accounts_max + ROOM_BEYOND);
        advise_large_pages(accounts.spare_capacity_mut());
        Self { accounts, by_digest: Index::new(), technical: Vec::new(), suspense: Vec::new() }
    }

    pub(crate) fn reserve(&mut self, openings: usize) {
        self.accounts.reserve(openings);
        self.by_digest.reserve(openings);
        self.technical.reserve(openings);
        self.suspense.reserve(openings);
    }

    pub(crate) fn count(&self) -> usize {
        self.accounts.len()
    }

    /// All accounts in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter()
    }

    pub(crate) fn get(&self, number: AccountNumber) -> &Account {
        &self.accounts[slot(number)]
    }

    /// Asks for what looking this account up will touch.
    pub(crate) fn prefetch(&self, hint: AccountNumber, digest: Digest) {
        match self.accounts.get(slot(hint)) {
            Some(account) if hint.0 != 0 => memory::prefetch(account),
            Some(_) | None => self.by_digest.prefetch(digest.table_hash()),
        }
    }

    /// The customer's account with this number's digest and currency. A hint that is right saves the look-up; one
    /// that is wrong changes nothing. Internal accounts have no number, so not even a digest of zeros finds one.
    pub(crate) fn find(
        &self,
        hint: AccountNumber,
        digest: Digest,
        currency: Currency,
    ) -> Option<AccountNumber> {
        let is_it = |account: &Account| {
            account.digest == digest && account.currency == currency && account.kind.is_customer()
        };
        if hint.0 != 0 && self.accounts.get(slot(hint)).is_some_and(is_it) {
            return Some(hint);
        }
        let found = self.by_digest.find(digest.table_hash(), |slot| is_it(&self.accounts[index(slot)]));
        found.map(number)
    }

    /// The oldest account with this number's digest, in whatever currency. The index shows each of them, because
    /// which one it meets first depends on how it has grown, and that must not reach a decision.
    pub(crate) fn find_in_any_currency(&self, digest: Digest) -> Option<AccountNumber> {
        let oldest = Cell::new(None);
        let compare = |slot: u32| {
            if self.accounts[index(slot)].digest == digest {
                oldest.set(Some(oldest.get().map_or(slot, |known: u32| known.min(slot))));
            }
            false
        };
        let met_all = self.by_digest.find(digest.table_hash(), compare);
        assert!(met_all.is_none(), "every account was refused, so that the next was shown");
        oldest.get().map(number)
    }

    /// Opens an account and gives it the next number.
    pub(crate) fn open(&mut self, account: Account) -> AccountNumber {
        #[cfg(solvo_mutants)]
        if let Some(slot) = crate::mutants::reuse(&mut self.accounts, account) {
            return number(u32::try_from(slot).expect("account numbers have 32 bits"));
        }
        let slot = u32::try_from(self.accounts.len()).expect("account numbers have 32 bits");
        if account.kind.is_customer() {
            self.by_digest.insert(account.digest.table_hash(), slot);
        }
        if account.kind == AccountKind::Technical {
            self.technical.push(number(slot));
        }
        if account.kind == AccountKind::Suspense {
            self.suspense.push(number(slot));
        }
        self.accounts.push(account);
        number(slot)
    }

    /// A participant's technical account in a currency, once it has one.
    pub(crate) fn technical(&self, owner: ParticipantNumber, currency: Currency) -> Option<AccountNumber> {
        self.technical.iter().copied().find(|number| self.is_of(*number, owner, currency))
    }

    /// A participant's suspense account in a currency, once it has one.
    pub(crate) fn suspense(&self, owner: ParticipantNumber, currency: Currency) -> Option<AccountNumber> {
        self.suspense.iter().copied().find(|number| self.is_of(*number, owner, currency))
    }

    /// What each suspense account holds.
    pub(crate) fn suspense_balances(&self) -> Vec<(AccountNumber, i128)> {
        let balance = |number: &AccountNumber| (*number, i128::from(self.get(*number).balance));
        self.suspense.iter().map(balance).collect()
    }

    fn is_of(&self, number: AccountNumber, owner: ParticipantNumber, currency: Currency) -> bool {
        let account = self.get(number);
        (account.owner, account.currency) == (owner, currency)
    }

    pub(crate) fn set_status(&mut self, number: AccountNumber, status: AccountStatus, at: Sequence) {
        let account = &mut self.accounts[slot(number)];
        assert!(account.status() != AccountStatus::Closed, "a closed account stays closed");
        account.standing = account.standing.with_status(status);
        account.changed_at = at;
    }

    pub(crate) fn set_flag(&mut self, number: AccountNumber, is_flagged: bool, at: Sequence) {
        self.set_mark(number, Standing::FLAGGED, is_flagged, at);
    }

    pub(crate) fn set_restricted(&mut self, number: AccountNumber, is_restricted: bool, at: Sequence) {
        self.set_mark(number, Standing::RESTRICTED, is_restricted, at);
    }

    /// Its payments are counted from now on, for ever.
    pub(crate) fn set_limited(&mut self, number: AccountNumber, at: Sequence) {
        self.set_mark(number, Standing::LIMITED, true, at);
    }

    fn set_mark(&mut self, number: AccountNumber, mark: u8, is_set: bool, at: Sequence) {
        let account = &mut self.accounts[slot(number)];
        account.standing = account.standing.with(mark, is_set);
        account.changed_at = at;
    }

    pub(crate) fn set_blocks(&mut self, number: AccountNumber, blocks: Blocks, at: Sequence) {
        let account = &mut self.accounts[slot(number)];
        let standing = account.standing.with(Standing::DEBIT_BLOCKED, blocks.covers(Direction::Debit));
        account.standing = standing.with(Standing::CREDIT_BLOCKED, blocks.covers(Direction::Credit));
        account.changed_at = at;
    }

    /// Notes whether the balance of an account is to be watched. That is no change of the account.
    pub(crate) fn set_watched(&mut self, number: AccountNumber, is_watched: bool) {
        let account = &mut self.accounts[slot(number)];
        account.standing = account.standing.with(Standing::WATCHED, is_watched);
    }

    pub(crate) fn set_floor(&mut self, number: AccountNumber, floor: Balance, at: Sequence) {
        let account = &mut self.accounts[slot(number)];
        assert!(account.available() >= floor.minor_units(), "a floor is set at or below the available funds");
        account.floor = floor.minor_units();
        account.changed_at = at;
    }

    /// Sets funds aside for one payment. The rules have checked that they are there.
    pub(crate) fn reserve_funds(&mut self, number: AccountNumber, amount: i64, at: Sequence) {
        let account = &mut self.accounts[slot(number)];
        assert!(amount > 0, "a reservation is of something");
        assert!(account.covers(amount), "the rules check funds before they decide");
        account.reserved += amount;
        account.changed_at = at;
    }

    /// Gives back what was set aside.
    pub(crate) fn release_funds(&mut self, number: AccountNumber, amount: i64, at: Sequence) {
        let account = &mut self.accounts[slot(number)];
        assert!(account.reserved >= amount, "what is given back was set aside");
        account.reserved -= amount;
        account.changed_at = at;
    }

    /// Sets funds aside for one hold. The rules have checked that they are there.
    pub(crate) fn hold_funds(&mut self, number: AccountNumber, amount: i64, at: Sequence) {
        let account = &mut self.accounts[slot(number)];
        assert!(amount > 0, "a hold is of something");
        assert!(account.covers(amount), "the rules check funds before they decide");
        account.held += amount;
        account.changed_at = at;
    }

    /// Gives back what was held.
    pub(crate) fn free_funds(&mut self, number: AccountNumber, amount: i64, at: Sequence) {
        let account = &mut self.accounts[slot(number)];
        assert!(account.held >= amount, "what is given back was held");
        account.held -= amount;
        account.changed_at = at;
    }

    /// Moves money. The rules have checked both sides, so this can't fail.
    pub(crate) fn transfer(&mut self, transfer: Transfer, amount: i64, at: Sequence) {
        assert!(amount > 0, "a transfer moves something");
        assert!(transfer.debit != transfer.credit, "a transfer has two sides");
        let (debit, credit) = (self.get(transfer.debit), self.get(transfer.credit));
        assert!(debit.currency == credit.currency, "a transfer stays in one currency");
        let one_book = debit.is_in_settlement_book() == credit.is_in_settlement_book()
            && (debit.is_in_settlement_book() || debit.owner == credit.owner);
        assert!(one_book, "a transfer stays in one book");
        assert!(debit.covers(amount), "the rules check funds before they decide");
        assert!(credit.has_room_for(amount), "the rules check room before they decide");

        let debit = &mut self.accounts[slot(transfer.debit)];
        debit.balance -= amount;
        debit.changed_at = at;
        let credit = &mut self.accounts[slot(transfer.credit)];
        credit.balance += amount;
        credit.changed_at = at;
    }
}

/// Numbers start at 1, slots at 0; number 0 gives a slot beyond every account.
fn slot(number: AccountNumber) -> usize {
    index(number.0.wrapping_sub(1))
}

fn number(slot: u32) -> AccountNumber {
    AccountNumber(slot.checked_add(1).expect("account numbers have 32 bits"))
}
