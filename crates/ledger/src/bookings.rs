//! The bookings of a payment: one transfer in each book that it touches, whether it settles at once or after a
//! bank's answer.
//!
//! A fee is a transfer of its own: from the payer's account to the core account of the payer's book.
//!
//! Invariant: what a reservation sets aside is exactly what its settlement takes from customers and positions.

use types::{AccountNumber, Currency, ReasonCode, Sequence, StatusReason};

use crate::accounts::{Accounts, Transfer};
use crate::alerts::{Alerts, Watched};
use crate::command::Direction;
use crate::mutants::{Mutant, is_on};
use crate::participants::Participant;
use crate::reachable::{self, LimitNumber, Reachable};
use crate::{Account, AccountKind, AccountStatus, Remark};

/// The transfers of a payment, and whose balances are told about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bookings {
    amount: i64,
    transfers: [Option<Transfer>; 3],
    /// In minor units; 0 if there is none.
    fee: u32,
    fee_transfer: Option<Transfer>,
    /// Payer, payee, payer's position, payee's position; 0 where there is none.
    told: [AccountNumber; 4],
    /// The limits of the payer's bank and the payee's bank, where they are reachable parties and the payment leaves one.
    limits: reachable::Sides,
}

/// What a payment's bookings came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Booked {
    /// As in [`crate::Outcome::balances`].
    pub(crate) balances: [i64; 4],
    pub(crate) alerts: Alerts,
    /// The fee, if one was taken.
    pub(crate) remark: Remark,
}

/// What several bookings together lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LackOf {
    /// A position or a limit does not cover what would leave it.
    Funds,
    /// A balance would leave its range.
    Room,
}

/// The two sides of a payment: the bank, and the account if it is kept here, else 0.
#[derive(Clone, Copy)]
pub(crate) struct Sides<'ledger> {
    pub(crate) debtor_bank: &'ledger Participant,
    pub(crate) creditor_bank: &'ledger Participant,
    pub(crate) debtor: AccountNumber,
    pub(crate) creditor: AccountNumber,
}

impl Bookings {
    /// The bookings of each kind of payment.
    ///
    /// | payer | payee | transfers |
    /// |---|---|---|
    /// | hosted | hosted, same bank | payer to payee |
    /// | hosted | hosted, other bank | payer to clearing; position to position; clearing to payee |
    /// | remote | hosted, other bank | position to position; clearing to payee |
    /// | remote | hosted, same (mixed) bank | core to payee |
    /// | hosted | remote, other bank | payer to clearing; position to position |
    /// | remote | remote, other bank | position to position |
    /// | hosted | remote, same (mixed) bank | payer to core |
    /// | remote | remote, same bank | none: the bank books it in its own core |
    /// And the payer to core with the fee, for a payer who is hosted and a fee that is not zero.
    pub(crate) fn plan(
        sides: Sides<'_>,
        currency: Currency,
        amount: i64,
        fee: u32,
    ) -> Result<Self, ReasonCode> {
        let Sides { debtor_bank, creditor_bank, debtor, creditor } = sides;
        let not_settled_here = || StatusReason::NotAllowedCurrency.code();
        let debtor_book = debtor_bank.book(currency).ok_or_else(not_settled_here)?;
        let creditor_book = creditor_bank.book(currency).ok_or_else(not_settled_here)?;
        let fee_transfer =
            kept(debtor).filter(|_| fee > 0).and_then(|debit| transfer(debit, debtor_book.core));
        assert!(fee == 0 || fee_transfer.is_some(), "a fee is taken from an account that is kept here");
        if debtor_bank.bic() == creditor_bank.bic() {
            let debit = kept(debtor).unwrap_or(debtor_book.core);
            let credit = kept(creditor).unwrap_or(debtor_book.core);
            let inside = if debit == credit { None } else { transfer(debit, credit) };
            let told = [debtor, creditor, NOBODY, NOBODY];
            return Ok(Self {
                amount,
                transfers: [inside, None, None],
                fee,
                fee_transfer,
                told,
                limits: [LimitNumber::NONE; 2],
            });
        }
        let debtor_position = debtor_book.settles_on().ok_or_else(not_settled_here)?;
        let creditor_position = creditor_book.settles_on().ok_or_else(not_settled_here)?;
        // A host and its parties share one position: what they pay each other moves limits only.
        let is_shared = debtor_position == creditor_position;
        let transfers = [
            kept(debtor).and_then(|account| transfer(account, debtor_book.clearing)),
            if is_shared { None } else { transfer(debtor_position, creditor_position) },
            kept(creditor).and_then(|account| transfer(creditor_book.clearing, account)),
        ];
        let told = [debtor, creditor, debtor_position, creditor_position];
        let limits = [debtor_book.limit, creditor_book.limit];
        Ok(Self { amount, transfers, fee, fee_transfer, told, limits })
    }

    /// Funds of every account that pays, headroom, then room in every account that receives. The customer's come first.
    pub(crate) fn check(&self, accounts: &Accounts, reachable: &Reachable) -> Result<(), ReasonCode> {
        self.check_funds(accounts)?;
        reachable.check_headroom(self.limits, self.amount)?;
        self.check_room(accounts, reachable)
    }

    /// Whether all of these can be made one after the other. No account of theirs may both pay and receive, and the money
    /// of the one that is `held_on` is there.
    pub(crate) fn check_together(
        all: &[Option<Self>],
        held_on: AccountNumber,
        accounts: &Accounts,
        reachable: &Reachable,
    ) -> Result<(), LackOf> {
        let sum = |is_of: &dyn Fn(&Self) -> bool| -> i64 {
            all.iter().flatten().filter(|other| is_of(other)).map(|other| other.amount).sum()
        };
        for bookings in all.iter().flatten() {
            for transfer in bookings.transfers.iter().flatten() {
                let of = |side: fn(&Transfer) -> AccountNumber, number| {
                    sum(&|other| other.transfers.iter().flatten().any(|other| side(other) == number))
                };
                let leaves = of(|transfer| transfer.debit, transfer.debit);
                if transfer.debit != held_on && !accounts.get(transfer.debit).covers(leaves) {
                    return Err(LackOf::Funds);
                }
                if !accounts
                    .get(transfer.credit)
                    .has_room_for(of(|transfer| transfer.credit, transfer.credit))
                {
                    return Err(LackOf::Room);
                }
            }
            let [debtor, creditor] = bookings.limits;
            let (debited, credited) = ([debtor, LimitNumber::NONE], [LimitNumber::NONE, creditor]);
            let leaves = sum(&|other| other.limits[0] == debtor);
            let enters = sum(&|other| other.limits[1] == creditor);
            reachable.check_headroom(debited, leaves).map_err(|_| LackOf::Funds)?;
            let has_room = reachable.check_room(debited, leaves).and(reachable.check_room(credited, enters));
            has_room.map_err(|_| LackOf::Room)?;
        }
        Ok(())
    }

    fn check_funds(&self, accounts: &Accounts) -> Result<(), ReasonCode> {
        for transfer in self.transfers.iter().flatten() {
            let debit = accounts.get(transfer.debit);
            if !debit.covers(self.leaving(transfer.debit)) {
                return Err(match debit.kind() {
                    AccountKind::Current | AccountKind::Savings => StatusReason::InsufficientFunds.code(),
                    AccountKind::Position => StatusReason::AmountExceedsSettlementLimit.code(),
                    AccountKind::Core
                    | AccountKind::Clearing
                    | AccountKind::Funding
                    | AccountKind::Technical
                    | AccountKind::Suspense => StatusReason::NotAllowedAmount.code(),
                });
            }
        }
        Ok(())
    }

    fn check_room(&self, accounts: &Accounts, reachable: &Reachable) -> Result<(), ReasonCode> {
        let has_room = |account, amount| accounts.get(account).has_room_for(amount);
        let mut transfers = self.transfers.iter().flatten();
        let takes_all = transfers.all(|transfer| has_room(transfer.credit, self.entering(transfer.credit)))
            && self.fee_transfer.is_none_or(|transfer| has_room(transfer.credit, i64::from(self.fee)));
        match takes_all {
            true => reachable.check_room(self.limits, self.amount),
            false => Err(StatusReason::NotAllowedAmount.code()),
        }
    }

    /// What leaves an account that one of the transfers debits: the amount, and the fee if that is the payer's.
    fn leaving(&self, account: AccountNumber) -> i64 {
        match self.fee_transfer {
            Some(transfer) if transfer.debit == account => self.amount + i64::from(self.fee),
            _ => self.amount,
        }
    }

    /// What comes to an account that one of the transfers credits: the amount, and the fee if a core account gets both.
    fn entering(&self, account: AccountNumber) -> i64 {
        match self.fee_transfer {
            Some(transfer) if transfer.credit == account => self.amount + i64::from(self.fee),
            _ => self.amount,
        }
    }

    /// The payer's account, or 0.
    pub(crate) const fn payer(&self) -> AccountNumber {
        let [debtor, _, _, _] = self.told;
        debtor
    }

    /// How much the payee gets, in minor units.
    pub(crate) const fn amount(&self) -> i64 {
        self.amount
    }

    /// Neither the positions that the payment settles on nor the limits that it uses are blocked for it.
    pub(crate) fn check_blocks(&self, accounts: &Accounts, reachable: &Reachable) -> Result<(), ReasonCode> {
        let [_, _, debtor_position, creditor_position] = self.told;
        let [debtor_limit, creditor_limit] = self.limits;
        let is_blocked = |position, limit, direction| {
            kept(position).is_some_and(|position| accounts.get(position).is_blocked_for(direction))
                || limit != LimitNumber::NONE && reachable.get(limit).blocks.covers(direction)
        };
        match is_blocked(debtor_position, debtor_limit, Direction::Debit)
            || is_blocked(creditor_position, creditor_limit, Direction::Credit)
        {
            true => Err(StatusReason::SettlementFailed.code()),
            false => Ok(()),
        }
    }

    /// Whether the payee's account takes a booking, and everything else that [`Self::check`] asks: for a payment
    /// whose funds were set aside some seconds ago and have just been given back. A limit that was lowered meanwhile
    /// stops nothing: what was reserved of it is carried through.
    pub(crate) fn check_again(&self, accounts: &Accounts, reachable: &Reachable) -> Result<(), ReasonCode> {
        let [_, creditor, _, _] = self.told;
        if let Some(account) = kept(creditor).map(|account| accounts.get(account)) {
            if account.status() == AccountStatus::Closed {
                return Err(StatusReason::ClosedAccountNumber.code());
            }
            if account.is_blocked_for(Direction::Credit) {
                return Err(StatusReason::BlockedAccount.code());
            }
            if account.is_restricted() {
                return Err(StatusReason::RegulatoryReason.code());
            }
        }
        self.check_funds(accounts)?;
        self.check_room(accounts, reachable)
    }

    /// Makes the transfers, and moves the limits. All has been checked, so this can't fail.
    pub(crate) fn book(
        &self,
        accounts: &mut Accounts,
        reachable: &mut Reachable,
        watched: &Watched,
        at: Sequence,
    ) -> Booked {
        let kept = if is_on(Mutant::FeeFromAmount) { i64::from(self.fee).min(self.amount - 1) } else { 0 };
        for transfer in self.transfers.into_iter().flatten() {
            accounts.transfer(transfer, self.amount - kept, at);
        }
        if let Some(transfer) = self.fee_transfer {
            accounts.transfer(transfer, i64::from(self.fee), at);
        }
        let mut alerts = Alerts::NONE;
        if let [_, Some(between_banks), _] = self.transfers {
            alerts = crossed(accounts, watched, between_banks, self.amount);
        }
        if self.limits != [LimitNumber::NONE; 2] {
            alerts = alerts.with(reachable.book(self.limits, self.amount));
        }
        Booked { balances: self.balances(accounts), alerts, remark: Remark::fee_of(self.fee) }
    }

    /// Sets aside what the transfers will take from customers and positions. It has been checked to be there.
    pub(crate) fn reserve(&self, accounts: &mut Accounts, reachable: &mut Reachable, at: Sequence) {
        for (account, amount) in self.paying(accounts).into_iter().flatten() {
            accounts.reserve_funds(account, amount, at);
        }
        reachable.reserve_headroom(self.limits, self.amount);
    }

    /// Gives it back.
    pub(crate) fn release(&self, accounts: &mut Accounts, reachable: &mut Reachable, at: Sequence) {
        for (account, amount) in self.paying(accounts).into_iter().flatten() {
            accounts.release_funds(account, amount, at);
        }
        reachable.release_headroom(self.limits, self.amount);
    }

    /// The accounts that pay and can run short, and how much. Counter-accounts can't, so nothing is set aside on them.
    pub(crate) fn paying(&self, accounts: &Accounts) -> [Option<(AccountNumber, i64)>; 3] {
        self.transfers.map(|transfer| {
            let debit = transfer?.debit;
            runs_short(accounts.get(debit)).then(|| (debit, self.leaving(debit)))
        })
    }

    /// A single transfer in the settlement book.
    pub(crate) const fn one(transfer: Transfer, amount: i64) -> Self {
        Self {
            amount,
            transfers: [None, Some(transfer), None],
            fee: 0,
            fee_transfer: None,
            told: [NOBODY, NOBODY, transfer.debit, transfer.credit],
            limits: [LimitNumber::NONE; 2],
        }
    }

    /// The positions that it settles on: the payer's bank's and the payee's bank's; 0 where it leaves no bank.
    pub(crate) const fn positions(&self) -> [AccountNumber; 2] {
        let [_, _, debtor, creditor] = self.told;
        [debtor, creditor]
    }

    /// The limits that it uses.
    pub(crate) const fn limits(&self) -> reachable::Sides {
        self.limits
    }

    /// The balances of both sides.
    pub(crate) fn balances(&self, accounts: &Accounts) -> [i64; 4] {
        self.told.map(|account| kept(account).map_or(0, |account| accounts.get(account).balance()))
    }

    /// What it came to for the payer's side that nothing was booked after all.
    pub(crate) fn released(&self, accounts: &Accounts) -> Booked {
        Booked { balances: self.debtor_balances(accounts), ..Booked::default() }
    }

    /// The balances of the payer's side, where no other has been touched.
    pub(crate) fn debtor_balances(&self, accounts: &Accounts) -> [i64; 4] {
        let [debtor, _, position, _] = self.balances(accounts);
        [debtor, 0, position, 0]
    }
}

/// Which bounds of positions a transfer that has just been made crossed.
pub(crate) fn crossed(accounts: &Accounts, watched: &Watched, transfer: Transfer, amount: i64) -> Alerts {
    let [debit, credit] = [transfer.debit, transfer.credit].map(|number| (number, accounts.get(number)));
    let fell = |after: i64| watched.get(debit.0).is_fallen_below(after + amount, after);
    let rose = |after: i64| watched.get(credit.0).is_risen_above(after - amount, after);
    Alerts::NONE
        .and(Alerts::POSITION_FELL, debit.1.is_watched() && fell(debit.1.balance()))
        .and(Alerts::POSITION_ROSE, credit.1.is_watched() && rose(credit.1.balance()))
}

const NOBODY: AccountNumber = AccountNumber(0);

fn kept(account: AccountNumber) -> Option<AccountNumber> {
    (account != NOBODY).then_some(account)
}

const fn transfer(debit: AccountNumber, credit: AccountNumber) -> Option<Transfer> {
    Some(Transfer { debit, credit })
}

const fn runs_short(account: &Account) -> bool {
    match account.kind() {
        AccountKind::Current | AccountKind::Savings | AccountKind::Position | AccountKind::Technical => true,
        AccountKind::Core | AccountKind::Clearing | AccountKind::Funding | AccountKind::Suspense => false,
    }
}
