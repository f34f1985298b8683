//! The accounts of load runs: half of them at each of two banks.

use client::v1;
use types::Iban;

use crate::banks::{Bank, LOAD_BANKS};

/// An account of load runs. They are counted from 0, through both banks in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadAccount {
    /// Which of the two load banks.
    pub(crate) bank: usize,
    /// The number of the customer there.
    pub(crate) customer: u64,
}

/// Opened with an overdraft that no run uses up, which spares one entry for each account.
const FLOOR: &str = "-100000000.00";

/// Changes with what is opened, so that no node takes one for the other.
const REQUEST_PREFIX: &str = "solvo-load-1-open-";

impl LoadAccount {
    /// The account at an index.
    pub fn at(index: u32) -> Self {
        let bank = usize::from(index % 2 == 1);
        Self { bank, customer: u64::from(index / 2) + 1 }
    }

    /// Its bank.
    pub const fn bank(&self) -> &'static Bank {
        &LOAD_BANKS[self.bank]
    }

    /// Its number.
    pub fn iban(&self) -> Iban {
        self.bank().customer_iban(self.customer)
    }
}

/// The request that opens the account at an index.
pub fn opening(index: u32) -> v1::AccountOpening {
    let account = LoadAccount::at(index);
    v1::AccountOpening {
        request_id: format!("{REQUEST_PREFIX}{index}"),
        account: Some(v1::NewAccount {
            participant: account.bank().bic_text().to_owned(),
            iban: account.iban().as_str().to_owned(),
            currency_code: "EUR".to_owned(),
            r#type: v1::AccountType::Current.into(),
            floor: FLOOR.to_owned(),
            holder_names: vec![format!("Load Customer {}", account.customer)],
            identification_code: String::new(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_index_is_another_account() {
        let ibans: BTreeSet<_> = (0..1_000).map(|index| LoadAccount::at(index).iban()).collect();
        assert_eq!(ibans.len(), 1_000);
        let opening = opening(3);
        assert_eq!(opening.request_id, "solvo-load-1-open-3");
        let account = opening.account.unwrap();
        assert_eq!(account.participant, "LOADDEFFXXX");
        assert_eq!(account.iban, LOAD_BANKS[1].customer_iban(2).as_str());
    }
}
