//! The bookings of a payment: one transfer in each book that it touches, whether it settles at once or after a
//! bank's answer.
//!
//! Invariant: what a reservation sets aside is exactly what its settlement takes from customers and positions.

use types::{AccountNumber, Currency, ReasonCode, Sequence, StatusReason};

use crate::accounts::{Accounts, Transfer};
use crate::participants::Participant;
use crate::{Account, AccountKind, AccountStatus};

/// The transfers of a payment, and whose balances are told about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bookings {
    amount: i64,
    transfers: [Option<Transfer>; 3],
    /// Payer, payee, payer's position, payee's position; 0 where there is none.
    told: [AccountNumber; 4],
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
    pub(crate) fn plan(sides: Sides<'_>, currency: Currency, amount: i64) -> Result<Self, ReasonCode> {
        let Sides { debtor_bank, creditor_bank, debtor, creditor } = sides;
        let not_settled_here = || StatusReason::NotAllowedCurrency.code();
        let debtor_book = debtor_bank.book(currency).ok_or_else(not_settled_here)?;
        let creditor_book = creditor_bank.book(currency).ok_or_else(not_settled_here)?;
        if debtor_bank.bic() == creditor_bank.bic() {
            let debit = kept(debtor).unwrap_or(debtor_book.core);
            let credit = kept(creditor).unwrap_or(debtor_book.core);
            let inside = if debit == credit { None } else { transfer(debit, credit) };
            let told = [debtor, creditor, NOBODY, NOBODY];
            return Ok(Self { amount, transfers: [inside, None, None], told });
        }
        let debtor_position = debtor_bank.position(currency).ok_or_else(not_settled_here)?;
        let creditor_position = creditor_bank.position(currency).ok_or_else(not_settled_here)?;
        let transfers = [
            kept(debtor).and_then(|account| transfer(account, debtor_book.clearing)),
            transfer(debtor_position, creditor_position),
            kept(creditor).and_then(|account| transfer(creditor_book.clearing, account)),
        ];
        Ok(Self { amount, transfers, told: [debtor, creditor, debtor_position, creditor_position] })
    }

    /// Funds of every account that pays, then room in every account that receives. The customer's come first.
    pub(crate) fn check(&self, accounts: &Accounts) -> Result<(), ReasonCode> {
        for transfer in self.transfers.iter().flatten() {
            let debit = accounts.get(transfer.debit);
            if !debit.covers(self.amount) {
                return Err(match debit.kind() {
                    AccountKind::Current | AccountKind::Savings => StatusReason::InsufficientFunds.code(),
                    AccountKind::Position => StatusReason::AmountExceedsSettlementLimit.code(),
                    AccountKind::Core | AccountKind::Clearing | AccountKind::Funding => {
                        StatusReason::NotAllowedAmount.code()
                    }
                });
            }
        }
        let mut credits = self.transfers.iter().flatten().map(|transfer| accounts.get(transfer.credit));
        match credits.all(|credit| credit.has_room_for(self.amount)) {
            true => Ok(()),
            false => Err(StatusReason::NotAllowedAmount.code()),
        }
    }

    /// Whether the payee's account takes a booking, and everything else that [`Self::check`] asks: for a payment
    /// whose funds were set aside some seconds ago and have just been given back.
    pub(crate) fn check_again(&self, accounts: &Accounts) -> Result<(), ReasonCode> {
        let [_, creditor, _, _] = self.told;
        match kept(creditor).map(|account| accounts.get(account).status()) {
            Some(AccountStatus::Closed) => return Err(StatusReason::ClosedAccountNumber.code()),
            Some(AccountStatus::Blocked) => return Err(StatusReason::BlockedAccount.code()),
            Some(AccountStatus::Active) | None => {}
        }
        self.check(accounts)
    }

    /// Makes the transfers. They have been checked, so this can't fail.
    pub(crate) fn book(&self, accounts: &mut Accounts, at: Sequence) {
        for transfer in self.transfers.into_iter().flatten() {
            accounts.transfer(transfer, self.amount, at);
        }
    }

    /// Sets aside what the transfers will take from customers and positions. It has been checked to be there.
    pub(crate) fn reserve(&self, accounts: &mut Accounts, at: Sequence) {
        for account in self.paying(accounts).into_iter().flatten() {
            accounts.reserve_funds(account, self.amount, at);
        }
    }

    /// Gives it back.
    pub(crate) fn release(&self, accounts: &mut Accounts, at: Sequence) {
        for account in self.paying(accounts).into_iter().flatten() {
            accounts.release_funds(account, self.amount, at);
        }
    }

    /// The accounts that pay and can run short. Counter-accounts can't, so nothing is set aside on them.
    pub(crate) fn paying(&self, accounts: &Accounts) -> [Option<AccountNumber>; 3] {
        self.transfers.map(|transfer| {
            let debit = transfer?.debit;
            runs_short(accounts.get(debit)).then_some(debit)
        })
    }

    /// The balances of both sides.
    pub(crate) fn balances(&self, accounts: &Accounts) -> [i64; 4] {
        self.told.map(|account| kept(account).map_or(0, |account| accounts.get(account).balance()))
    }

    /// The balances of the payer's side, where no other has been touched.
    pub(crate) fn debtor_balances(&self, accounts: &Accounts) -> [i64; 4] {
        let [debtor, _, position, _] = self.balances(accounts);
        [debtor, 0, position, 0]
    }
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
        AccountKind::Current | AccountKind::Savings | AccountKind::Position => true,
        AccountKind::Core | AccountKind::Clearing | AccountKind::Funding => false,
    }
}
