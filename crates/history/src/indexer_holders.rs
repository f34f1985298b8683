//! Where the holders of accounts were named last. The names themselves stand in the log and nowhere here.

use types::{AccountNumber, Currency, Digest, Sequence};

use super::{IndexError, Indexer};

impl Indexer {
    /// Whether a command names the holders of an account from now on: always, unless it repeats names in whose place others
    /// have come meanwhile.
    pub(super) fn counts(
        &self,
        account: AccountNumber,
        (digest, currency): (Digest, Currency),
        repeats: Sequence,
    ) -> Result<bool, IndexError> {
        if repeats == Sequence(0) {
            return Ok(true);
        }
        let reading = self.store.reading();
        let named = match self.pending.named.get(&account) {
            Some(position) => Some(*position),
            None => reading.named_at(account)?,
        };
        if let Some(named) = named {
            return Ok(named == repeats);
        }
        let opened = match self.accounts.fresh.get(&(digest, currency.number())) {
            Some(account) => Some(*account),
            None => reading.account(digest, currency)?,
        };
        // Where history begins later than the account, its opening is not known, and nothing came in between.
        Ok(opened.is_some_and(|opened| opened.opened_at >= repeats))
    }
}
