//! Who holds an account: the rule is that it exists and is open. Names are no part of the state, so the ledger does not
//! know whether they are others than before.

use crate::rules_masterdata::{Answer, customer_account};
use crate::{AccountStatus, Ledger, Refusal, layout};

pub(crate) fn apply(ledger: &Ledger, record: &layout::SetAccountHolders) -> Answer {
    let number = customer_account(ledger, record.iban_digest, record.currency.get())?;
    let account = ledger.accounts.get(number);
    match account.status() {
        AccountStatus::Active | AccountStatus::Blocked => Ok((u64::from(number.0), account.balance())),
        AccountStatus::Closed => Err(Refusal::AccountClosed),
    }
}

#[cfg(test)]
#[path = "rules_holders_tests.rs"]
mod tests;
