//! What tells quickly whether the edge's hint of an account is right, without a look into the store.

use std::collections::HashMap;

use types::{AccountNumber, Currency, Digest, ParticipantNumber};

use crate::store::AccountRow;
use crate::window::AccountOf;

/// Every account by its number, in 16 bytes each.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    by_number: Vec<Known>,
    /// Those opened since the last commit.
    pub(crate) fresh: HashMap<(Digest, u16), AccountRow>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    half_digest: u64,
    owner: u32,
    currency: u16,
}

impl Accounts {
    pub(crate) fn add(&mut self, digest: Digest, currency: Currency, account: &AccountRow) {
        let index = usize::try_from(account.number.0).expect("32 bits");
        if self.by_number.len() <= index {
            self.by_number.resize(index + 1, Known::default());
        }
        let (half_digest, owner) = (digest.table_hash(), account.owner.0);
        self.by_number[index] = Known { half_digest, owner, currency: currency.number() };
    }

    /// Whose an account is, and its currency.
    pub(crate) fn book_of(&self, number: AccountNumber) -> Option<(ParticipantNumber, Currency)> {
        let known = self.by_number.get(usize::try_from(number.0).ok()?).filter(|known| known.owner != 0)?;
        Some((ParticipantNumber(known.owner), Currency::from_number(known.currency).ok()?))
    }

    pub(crate) fn is_hint_right(
        &self,
        named: AccountOf,
        currency: Currency,
        owner: ParticipantNumber,
    ) -> bool {
        let known = usize::try_from(named.hint.0).ok().and_then(|index| self.by_number.get(index));
        known.is_some_and(|known| {
            known.half_digest == named.digest.table_hash()
                && known.currency == currency.number()
                && known.owner == owner.0
                && owner.0 != 0
        })
    }
}
