//! The model's maps of postings.

use ledger::{ExpectedVersion, Refusal};
use rust_decimal::Decimal;
use types::Sequence;

use super::{Model, Place};

const DAYS_AHEAD: i32 = 400;

/// The map that was set last for a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PostingMap {
    /// Where.
    pub(crate) set_at: Sequence,
    /// The first booking date for which it counts, if it names one.
    pub(crate) from: Option<i32>,
    /// How many were set.
    pub(crate) count: u32,
}

impl Model {
    pub(super) fn set_map(
        &mut self,
        (bank, currency): (u8, u8),
        expected: ExpectedVersion,
        from: Option<i32>,
        account: Option<u32>,
    ) -> Result<(u64, Decimal), Refusal> {
        let known = self.bank(bank).ok_or(Refusal::ParticipantUnknown)?.1;
        let today = known.zone.day(self.at.time);
        if !self.has_book(bank, currency) {
            return Err(Refusal::BookUnknown);
        }
        let last = self.posting_maps.get(&(bank, currency)).copied();
        let is_met = match expected {
            ExpectedVersion::Any => true,
            ExpectedVersion::Absent => last.is_none(),
            ExpectedVersion::Exactly(map) => last.is_some_and(|last| last.set_at == map),
        };
        if !is_met {
            return Err(Refusal::PostingMapChanged);
        }
        if from.is_some_and(|from| from < today || from - today > DAYS_AHEAD) {
            return Err(Refusal::PostingDateNotAllowed);
        }
        if let Some(number) = account {
            let account = self.accounts.get(&number);
            let is_own = account.is_some_and(|account| {
                matches!(account.place, Place::Customer(..))
                    && (account.bank, account.currency) == (Some(bank), currency)
            });
            if !is_own {
                return Err(Refusal::PostingAccountUnknown);
            }
        }
        let (set_at, count) = (self.at.sequence, last.map_or(0, |last| last.count) + 1);
        self.posting_maps.insert((bank, currency), PostingMap { set_at, from, count });
        Ok((set_at.0, Decimal::ZERO))
    }
}
