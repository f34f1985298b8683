//! The bookings of a payment: one transfer in each book that it touches, whether it settles at once or after a
//! bank's answer.
//!
//! A fee is a transfer of its own: from the payer's account to the core account of the payer's book.
//!
//! Invariant: what a reservation sets aside is exactly what its settlement takes from customers and positions.

use types::{AccountNumber, Currency, ReasonCode, Sequence, StatusReason};

use crate::accounts::{Accounts, Transfer};
use crate::participants::Participant;
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
            return Ok(Self { amount, transfers: [inside, None, None], fee, fee_transfer, told });
        }
        let debtor_position = debtor_bank.position(currency).ok_or_else(not_settled_here)?;
        let creditor_position = creditor_bank.position(currency).ok_or_else(not_settled_here)?;
        let transfers = [
            kept(debtor).and_then(|account| transfer(account, debtor_book.clearing)),
            transfer(debtor_position, creditor_position),
            kept(creditor).and_then(|account| transfer(creditor_book.clearing, account)),
        ];
        let told = [debtor, creditor, debtor_position, creditor_position];
        Ok(Self { amount, transfers, fee, fee_transfer, told })
    }

    /// Funds of every account that pays, then room in every account that receives. The customer's come first.
    pub(crate) fn check(&self, accounts: &Accounts) -> Result<(), ReasonCode> {
        for transfer in self.transfers.iter().flatten() {
            let debit = accounts.get(transfer.debit);
            if !debit.covers(self.leaving(transfer.debit)) {
                return Err(match debit.kind() {
                    AccountKind::Current | AccountKind::Savings => StatusReason::InsufficientFunds.code(),
                    AccountKind::Position => StatusReason::AmountExceedsSettlementLimit.code(),
                    AccountKind::Core | AccountKind::Clearing | AccountKind::Funding => {
                        StatusReason::NotAllowedAmount.code()
                    }
                });
            }
        }
        let mut credits = self.transfers.iter().chain([&self.fee_transfer]).flatten();
        let has_room =
            |transfer: &Transfer| accounts.get(transfer.credit).has_room_for(self.entering(transfer.credit));
        match credits.all(has_room) {
            true => Ok(()),
            false => Err(StatusReason::NotAllowedAmount.code()),
        }
    }

    /// What leaves an account that one of the transfers debits: the amount, and the fee if that is the payer's.
    fn leaving(&self, account: AccountNumber) -> i64 {
        let is_charged = self.fee_transfer.is_some_and(|transfer| transfer.debit == account);
        self.amount + if is_charged { i64::from(self.fee) } else { 0 }
    }

    /// What comes to an account that one of the transfers credits, the fee included: a core account may get both.
    fn entering(&self, account: AccountNumber) -> i64 {
        let of = |transfers: &[Option<Transfer>], amount: i64| {
            let credits = transfers.iter().flatten().any(|transfer| transfer.credit == account);
            if credits { amount } else { 0 }
        };
        of(&self.transfers, self.amount) + of(&[self.fee_transfer], i64::from(self.fee))
    }

    /// What is told of it when it has been booked.
    pub(crate) const fn remark(&self) -> Remark {
        Remark::fee_of(self.fee)
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

    /// Whether the payee's account takes a booking, and everything else that [`Self::check`] asks: for a payment
    /// whose funds were set aside some seconds ago and have just been given back.
    pub(crate) fn check_again(&self, accounts: &Accounts) -> Result<(), ReasonCode> {
        let [_, creditor, _, _] = self.told;
        let creditor = kept(creditor).map(|account| accounts.get(account));
        match creditor.map(Account::status) {
            Some(AccountStatus::Closed) => return Err(StatusReason::ClosedAccountNumber.code()),
            Some(AccountStatus::Blocked) => return Err(StatusReason::BlockedAccount.code()),
            Some(AccountStatus::Active) | None => {}
        }
        if creditor.is_some_and(Account::is_restricted) {
            return Err(StatusReason::RegulatoryReason.code());
        }
        self.check(accounts)
    }

    /// Makes the transfers. They have been checked, so this can't fail.
    pub(crate) fn book(&self, accounts: &mut Accounts, at: Sequence) {
        for transfer in self.transfers.into_iter().flatten() {
            accounts.transfer(transfer, self.amount, at);
        }
        if let Some(transfer) = self.fee_transfer {
            accounts.transfer(transfer, i64::from(self.fee), at);
        }
    }

    /// Sets aside what the transfers will take from customers and positions. It has been checked to be there.
    pub(crate) fn reserve(&self, accounts: &mut Accounts, at: Sequence) {
        for (account, amount) in self.paying(accounts).into_iter().flatten() {
            accounts.reserve_funds(account, amount, at);
        }
    }

    /// Gives it back.
    pub(crate) fn release(&self, accounts: &mut Accounts, at: Sequence) {
        for (account, amount) in self.paying(accounts).into_iter().flatten() {
            accounts.release_funds(account, amount, at);
        }
    }

    /// The accounts that pay and can run short, and how much. Counter-accounts can't, so nothing is set aside on them.
    pub(crate) fn paying(&self, accounts: &Accounts) -> [Option<(AccountNumber, i64)>; 3] {
        self.transfers.map(|transfer| {
            let debit = transfer?.debit;
            runs_short(accounts.get(debit)).then(|| (debit, self.leaving(debit)))
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
