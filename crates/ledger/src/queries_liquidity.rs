//! What can be read about positions beside their balances.

use types::{AccountNumber, Bic, Currency};

use crate::reachable::{LimitNumber, ReachableParty};
use crate::{Account, Bounds, Crossing, Ledger};

impl Ledger {
    /// A reachable party in a currency.
    pub fn reachable_party(&self, bic: Bic, currency: Currency) -> Option<&ReachableParty> {
        let (_, participant) = self.participant(bic)?;
        let limit = participant.book(currency)?.limit;
        (limit != LimitNumber::NONE).then(|| self.reachable.get(limit))
    }

    /// All reachable parties, in the order in which they came.
    pub fn reachable_parties(&self) -> impl Iterator<Item = &ReachableParty> {
        self.reachable.iter()
    }

    /// The technical account of a participant in a currency, once money went there.
    pub fn technical_account(&self, bic: Bic, currency: Currency) -> Option<(AccountNumber, &Account)> {
        let owner = self.participants.find(bic)?;
        let number = self.accounts.technical(owner, currency)?;
        Some((number, self.accounts.get(number)))
    }

    /// Of which crossings of its position, or of what is left of its limit, a bank wants to hear.
    pub fn bounds(&self, bic: Bic, currency: Currency) -> Option<Bounds> {
        if let Some(party) = self.reachable_party(bic, currency) {
            return Some(party.bounds);
        }
        let position = self.participant(bic)?.1.position(currency)?;
        Some(self.watched.get(position))
    }

    /// The bounds that bookings of the last tick or command crossed, in the order of decision.
    pub fn crossings(&self) -> &[Crossing] {
        &self.crossings
    }

    /// Walks all limits and checks what must always hold. Part of [`Self::validate`].
    pub(crate) fn validate_limits(&self) {
        let mut reserved = vec![0_i128; self.reachable.count() + 1];
        let place = |limit: LimitNumber| usize::try_from(limit.0).expect("32 bits");
        for reservation in self.reservations.iter() {
            let [debtor, _] = crate::rules_answer::bookings_of(self, reservation).limits();
            if debtor != LimitNumber::NONE {
                reserved[place(debtor)] += i128::from(reservation.amount);
            }
        }
        for (party, reserved) in self.reachable.iter().zip(&reserved[1..]) {
            assert!(
                i128::from(party.reserved) == *reserved,
                "what is reserved of a limit is for reservations"
            );
            let book = self.participants.get(party.party).book(party.currency).expect("a party has a book");
            assert!(book.position.0 == 0, "a reachable party has no position");
            let host = self.participants.get(party.host).position(party.currency);
            assert!(host == Some(party.host_position), "a party settles on its host's position");
        }
        for (position, bounds) in self.watched.iter() {
            assert!(self.accounts.get(position).is_watched(), "an account says that it has bounds");
            assert!(bounds != Bounds::NONE, "only bounds are kept");
        }
    }
}
