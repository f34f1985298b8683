//! The rules of maps of postings: what a bank's general ledger calls its accounts.
//!
//! In order of precedence: bank known, book known, the map that is expected, a date that has not passed and is not too far
//! ahead, accounts that are customers' of this book, room for another map.
//!
//! Invariant: a map changes no posting that was made before its command, and none of a day before its date.

use types::AccountNumber;

use crate::limits::{POSTING_MAP_DAYS_AHEAD_MAX, POSTING_MAPS_PER_BOOK_MAX};
use crate::posting_maps::PostingMap;
use crate::rules_masterdata::{Answer, checked_currency, participant};
use crate::{ExpectedVersion, Ledger, Position, PostingSubject, Refusal, layout};

/// Names its own position, which is how the map is named from then on.
pub(crate) fn set(ledger: &mut Ledger, at: Position, record: &layout::SetPostingMap) -> Answer {
    let bank = participant(ledger, record.bic)?;
    let currency = checked_currency(record.currency.get());
    let owner = ledger.participants.get(bank);
    owner.book(currency).ok_or(Refusal::BookUnknown)?;
    let last = ledger.posting_maps.find(bank, currency).copied();
    let expected = ExpectedVersion::from_stored(record.has_expected, record.expected.get());
    let is_expected = match expected.expect("records are checked when they are read") {
        ExpectedVersion::Any => true,
        ExpectedVersion::Absent => last.is_none(),
        ExpectedVersion::Exactly(position) => last.is_some_and(|last| last.set_at == position),
    };
    if !is_expected {
        return Err(Refusal::PostingMapChanged);
    }
    let from = record.from_date();
    let ahead = from.map_or(0, |from| from.days() - owner.zone().day(at.time));
    if !(0..=POSTING_MAP_DAYS_AHEAD_MAX).contains(&ahead) {
        return Err(Refusal::PostingDateNotAllowed);
    }
    for line in record.posting_lines() {
        if let PostingSubject::Account(number) = line.subject {
            let is_known =
                (1..=ledger.accounts.count()).contains(&usize::try_from(number.0).expect("32 bits"));
            let account = is_known.then(|| ledger.accounts.get(AccountNumber(number.0)));
            let is_of_book = account.is_some_and(|account| {
                account.kind().is_customer() && account.owner() == bank && account.currency() == currency
            });
            if !is_of_book {
                return Err(Refusal::PostingAccountUnknown);
            }
        }
    }
    let set_count = last.map_or(0, |last| last.set_count) + 1;
    if set_count > POSTING_MAPS_PER_BOOK_MAX {
        return Err(Refusal::PostingMapLimit);
    }
    ledger.posting_maps.set(PostingMap { bank, currency, set_at: at.sequence, from, set_count });
    Ok((at.sequence.0, 0))
}

impl Ledger {
    /// The map of postings that was set last for a bank's book in a currency.
    pub fn posting_map(&self, bank: types::Bic, currency: types::Currency) -> Option<&PostingMap> {
        self.posting_maps.find(self.participants.find(bank)?, currency)
    }

    /// How many books have a map of postings.
    pub const fn posting_map_count(&self) -> usize {
        self.posting_maps.count()
    }
}

#[cfg(test)]
#[path = "rules_postings_tests.rs"]
mod tests;
