//! Accounts as they stand in a stored state.
//!
//! Reading checks all that the rules rely on: every book sums to zero, available funds are at or above the floor, no
//! two accounts of customers have the same number and currency, and each internal account is the one of its book.

use types::{AccountNumber, Balance, Currency, Digest, ParticipantNumber, Sequence};

use super::{Account, AccountKind, AccountStatus, Accounts, Standing, index, slot};
use crate::index::Filling;
use crate::participants::Participants;
use crate::sections::{Impossible, SectionReader, StateError, holds, value};
use crate::state_layout::{self, ACCOUNTS};

impl Account {
    pub(crate) fn to_state(self) -> state_layout::Account {
        state_layout::Account {
            balance: self.balance.into(),
            reserved: self.reserved.into(),
            held: self.held.into(),
            floor: self.floor.into(),
            digest: self.digest.0,
            changed_at: self.changed_at.0.into(),
            owner: self.owner.0.into(),
            currency: self.currency.number().into(),
            kind: self.kind.number(),
            standing: self.standing.0 & Standing::STORED,
        }
    }

    fn from_state(stored: &state_layout::Account) -> Result<Self, Impossible> {
        let within = |minor_units, field| {
            value(Balance::from_minor_units(minor_units), field).map(Balance::minor_units)
        };
        holds(stored.standing & !Standing::STORED == 0, "standing")?;
        value(AccountStatus::from_number(stored.standing & Standing::STATUS), "standing")?;
        let account = Self {
            balance: within(stored.balance.get(), "balance")?,
            reserved: within(stored.reserved.get(), "reserved")?,
            held: within(stored.held.get(), "held")?,
            floor: within(stored.floor.get(), "floor")?,
            digest: Digest(stored.digest),
            changed_at: Sequence(stored.changed_at.get()),
            owner: ParticipantNumber(stored.owner.get()),
            currency: value(Currency::from_number(stored.currency.get()).ok(), "currency")?,
            kind: value(AccountKind::from_number(stored.kind), "kind")?,
            standing: Standing(stored.standing),
        };
        holds(account.reserved >= 0, "reserved")?;
        holds(account.held >= 0, "held")?;
        // No sum of three balances overflows.
        holds(account.available() >= account.floor, "floor")?;
        holds(account.kind.is_customer() || account.digest == Digest::default(), "digest")?;
        let is_marked = stored.standing & Standing::OF_CUSTOMERS != 0;
        holds(account.kind.is_customer() || !is_marked, "standing")?;
        Ok(account)
    }
}

/// Sums of each book while accounts are read.
struct Sums {
    /// By the participant's number less one, and the place of the book.
    books: Vec<[i128; crate::participants::BOOKS_MAX]>,
    /// In the order of the funding accounts.
    settlement: Vec<i128>,
    internal: usize,
    told: Told,
}

/// What the accounts of a state say of what is read after them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Told {
    /// Minor units that are set aside on all of them together.
    pub(crate) reserved: i128,
    /// Minor units that holds set aside on all of them together.
    pub(crate) held: i128,
    /// How many are marked as having, or having had, limits.
    pub(crate) limited: usize,
    /// How many are restricted.
    pub(crate) restricted: usize,
}

impl Accounts {
    /// Reads the accounts of these participants, as of a position, with room for so many.
    pub(crate) fn read_state(
        reader: &mut SectionReader<'_>,
        participants: &Participants,
        position: Sequence,
        accounts_max: usize,
    ) -> Result<(Self, Told), StateError> {
        let mut read = Self::new(accounts_max);
        let room = read.accounts.capacity().min(crate::limits::SLOTS_MAX);
        let count = reader.begin_within(ACCOUNTS, room)?;
        let mut filling = Filling::new(count);
        let mut sums = Sums::new(participants);
        let Self { accounts, technical, suspense, .. } = &mut read;
        reader.items(ACCOUNTS, u64::try_from(count).expect("64 bits"), |stored| {
            let account = Account::from_state(stored)?;
            holds(account.changed_at <= position, "changed_at")?;
            sums.add(participants, &account)?;
            let slot = u32::try_from(accounts.len()).expect("account numbers have 32 bits");
            accounts.push(account);
            if account.kind == AccountKind::Technical {
                technical.push(super::number(slot));
            }
            if account.kind == AccountKind::Suspense {
                suspense.push(super::number(slot));
            }
            if account.kind.is_customer() {
                let twice = filling.push(account.digest.table_hash(), slot, is_same_in(accounts));
                // The account that is named is a few ahead of the one that is there twice.
                return twice.map_err(|_| Impossible("digest"));
            }
            Ok(())
        })?;
        let filled = filling.finish(is_same_in(&read.accounts));
        let twice = |twice: crate::index::Twice| ACCOUNTS.impossible(twice.0.into(), Impossible("digest"));
        read.by_digest = filled.map_err(twice)?;
        read.check_books(participants, &sums)?;
        Ok((read, sums.told))
    }

    /// Every book sums to zero, and its internal accounts are where it says.
    fn check_books(&self, participants: &Participants, sums: &Sums) -> Result<(), StateError> {
        let mut internal = 0;
        let mut check = |number: AccountNumber, owner, currency, kind| {
            internal += 1;
            let is_it = |account: &Account| {
                (account.owner, account.currency, account.kind) == (owner, currency, kind)
            };
            let found = self.accounts.get(slot(number)).is_some_and(is_it);
            let item = u64::from(number.0.saturating_sub(1));
            holds(found, "kind").map_err(|impossible| ACCOUNTS.impossible(item, impossible))
        };
        for (currency, account) in participants.funding_accounts() {
            check(account, ParticipantNumber(0), currency, AccountKind::Funding)?;
        }
        for (owner, participant) in participants.iter() {
            for book in participant.books() {
                check(book.core, owner, book.currency, AccountKind::Core)?;
                check(book.clearing, owner, book.currency, AccountKind::Clearing)?;
                if book.position.0 != 0 {
                    check(book.position, owner, book.currency, AccountKind::Position)?;
                }
            }
        }
        self.check_technical(participants)?;
        self.check_suspense(participants)?;
        internal += self.technical.len() + self.suspense.len();
        let last = u64::try_from(self.count()).expect("64 bits").saturating_sub(1);
        let sound = holds(internal == sums.internal, "kind").and_then(|()| holds(sums.are_zero(), "balance"));
        sound.map_err(|impossible| ACCOUNTS.impossible(last, impossible))
    }

    /// A technical account stands beside its owner's position, and each position has at most one.
    fn check_technical(&self, participants: &Participants) -> Result<(), StateError> {
        for (place, number) in self.technical.iter().enumerate() {
            let account = self.get(*number);
            let owner = index(account.owner.0).checked_sub(1).filter(|owner| *owner < participants.count());
            let position = owner.and_then(|_| participants.get(account.owner).position(account.currency));
            let is_first = self.technical(account.owner, account.currency) == Some(self.technical[place]);
            let sound = holds(position.is_some() && is_first, "kind");
            sound.map_err(|impossible| ACCOUNTS.impossible(u64::from(number.0 - 1), impossible))?;
        }
        Ok(())
    }

    /// A suspense account stands in a book of its owner, and each book has at most one.
    fn check_suspense(&self, participants: &Participants) -> Result<(), StateError> {
        for number in &self.suspense {
            let account = self.get(*number);
            let owner = index(account.owner.0).checked_sub(1).filter(|owner| *owner < participants.count());
            let book = owner.and_then(|_| participants.get(account.owner).book(account.currency));
            let is_first = self.suspense(account.owner, account.currency) == Some(*number);
            let sound = holds(book.is_some() && is_first, "kind");
            sound.map_err(|impossible| ACCOUNTS.impossible(u64::from(number.0 - 1), impossible))?;
        }
        Ok(())
    }

    /// Counts so much less as set aside on an account, if so much is. For reading, where each reservation is matched
    /// with what is set aside for it; `put_back` undoes it.
    pub(crate) fn match_reserved(&mut self, number: AccountNumber, amount: i64) -> bool {
        let account = &mut self.accounts[slot(number)];
        let is_there = account.reserved >= amount;
        if is_there {
            account.reserved -= amount;
        }
        is_there
    }

    /// Undoes [`Self::match_reserved`].
    pub(crate) fn put_back(&mut self, number: AccountNumber, amount: i64) {
        self.accounts[slot(number)].reserved += amount;
    }

    /// The same as [`Self::match_reserved`] of what is held; `put_back_held` undoes it.
    pub(crate) fn match_held(&mut self, number: AccountNumber, amount: i64) -> bool {
        let account = &mut self.accounts[slot(number)];
        let is_there = account.held >= amount;
        if is_there {
            account.held -= amount;
        }
        is_there
    }

    /// Undoes [`Self::match_held`].
    pub(crate) fn put_back_held(&mut self, number: AccountNumber, amount: i64) {
        self.accounts[slot(number)].held += amount;
    }

    /// Whether there is this account, and it is a customer's.
    pub(crate) fn is_customers(&self, number: AccountNumber) -> bool {
        number.0 != 0 && self.accounts.get(slot(number)).is_some_and(|account| account.kind.is_customer())
    }

    /// Whether there is this account, and it is marked as having, or having had, limits.
    pub(crate) fn is_limited(&self, number: AccountNumber) -> bool {
        number.0 != 0 && self.accounts.get(slot(number)).is_some_and(Account::is_limited)
    }

    /// Whether this is the account of one of this bank's customers, in this currency; or none.
    pub(crate) fn is_none_or_customers(
        &self,
        number: AccountNumber,
        bank: ParticipantNumber,
        currency: Currency,
    ) -> bool {
        let is_it = |account: &Account| {
            account.owner == bank && account.currency == currency && account.kind.is_customer()
        };
        number.0 == 0 || self.accounts.get(slot(number)).is_some_and(is_it)
    }
}

fn is_same_in(accounts: &[Account]) -> impl Fn(u32, u32) -> bool {
    move |left, right| {
        let (left, right) = (&accounts[index(left)], &accounts[index(right)]);
        left.digest == right.digest && left.currency == right.currency
    }
}

impl Sums {
    fn new(participants: &Participants) -> Self {
        Self {
            books: vec![[0; crate::participants::BOOKS_MAX]; participants.count()],
            settlement: vec![0; participants.funding_accounts().count()],
            internal: 0,
            told: Told::default(),
        }
    }

    /// Adds an account to its book, if there is that book.
    fn add(&mut self, participants: &Participants, account: &Account) -> Result<(), Impossible> {
        if !account.kind.is_customer() {
            self.internal += 1;
        }
        let sum = if account.is_in_settlement_book() {
            let mut funding = participants.funding_accounts();
            let place = funding.position(|(currency, _)| currency == account.currency);
            place.map(|place| &mut self.settlement[place])
        } else {
            let owner = index(account.owner.0).checked_sub(1).filter(|owner| *owner < self.books.len());
            let owner = value(owner, "owner")?;
            let place = participants.get(account.owner).place_of_book(account.currency);
            place.map(|place| &mut self.books[owner][place])
        };
        *value(sum, "currency")? += i128::from(account.balance);
        self.told.reserved += i128::from(account.reserved);
        self.told.held += i128::from(account.held());
        self.told.limited += usize::from(account.is_limited());
        self.told.restricted += usize::from(account.is_restricted());
        Ok(())
    }

    fn are_zero(&self) -> bool {
        self.books.iter().flatten().chain(&self.settlement).all(|sum| *sum == 0)
    }
}
