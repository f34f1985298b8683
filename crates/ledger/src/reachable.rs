//! Reachable parties: banks without a position, which settle on that of a participant within a limit.
//!
//! Invariants:
//! - limit = utilisation + headroom. A settled debit of the party's payments raises the utilisation by its amount, a
//!   credit lowers it, and a new limit moves the headroom by the difference.
//! - A payment is let out only if the headroom less what is reserved covers it; one that comes in always is.
//! - What is reserved of a limit is reserved for open reservations, and returns to zero with them.

use types::{
    AccountNumber, Amount, Balance, Bic, Currency, ParticipantNumber, ReasonCode, StatusReason, Text,
};

use crate::alerts::{Alerts, Bounds};
use crate::blocks::Blocks;
use crate::command::{AccountMode, Direction, RequestId};

/// How much a reachable party may spend beyond what it received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartyLimit {
    /// As much as the position holds.
    Unlimited,
    /// Minor units, from zero on.
    Upto(i64),
}

impl PartyLimit {
    /// A limit of nothing: it spends only what it received.
    pub const ZERO: Self = Self::Upto(0);

    /// A limit of this amount.
    pub const fn upto(amount: Amount) -> Self {
        Self::Upto(amount.minor_units())
    }

    /// The stored number, and minor units.
    pub(crate) const fn stored(self) -> (u8, i64) {
        match self {
            Self::Unlimited => (1, 0),
            Self::Upto(minor_units) => (2, minor_units),
        }
    }

    /// What is stored as this.
    pub(crate) fn from_stored(number: u8, minor_units: i64) -> Option<Self> {
        match number {
            1 => (minor_units == 0).then_some(Self::Unlimited),
            2 => (0..=Balance::MINOR_UNITS_MAX).contains(&minor_units).then_some(Self::Upto(minor_units)),
            _ => None,
        }
    }
}

/// A bank becomes reachable over a participant's position, or its limit there is changed.
#[derive(Clone, Debug)]
pub struct SetReachableParty {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank. If it is not known yet, it enters.
    pub bic: Bic,
    /// The bank's name from now on.
    pub name: Text<140>,
    /// Where its customers' accounts live; stays as it was first said.
    pub mode: AccountMode,
    /// The participant on whose position it settles; stays as it was first said.
    pub host: Bic,
    /// The currency of that position.
    pub currency: Currency,
    /// The limit from now on.
    pub limit: PartyLimit,
}

/// A reachable party in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReachableParty {
    pub(crate) party: ParticipantNumber,
    pub(crate) host: ParticipantNumber,
    pub(crate) host_position: AccountNumber,
    pub(crate) currency: Currency,
    pub(crate) limit: PartyLimit,
    pub(crate) utilisation: i64,
    pub(crate) reserved: i64,
    pub(crate) blocks: Blocks,
    pub(crate) bounds: Bounds,
}

impl ReachableParty {
    /// The bank.
    pub const fn party(&self) -> ParticipantNumber {
        self.party
    }

    /// The participant on whose position it settles.
    pub const fn host(&self) -> ParticipantNumber {
        self.host
    }

    /// The currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// How much it may spend beyond what it received.
    pub const fn limit(&self) -> PartyLimit {
        self.limit
    }

    /// Minor units that it has spent beyond what it received; negative if it received more.
    pub const fn utilisation(&self) -> i64 {
        self.utilisation
    }

    /// Minor units set aside for payments that wait for an answer.
    pub const fn reserved(&self) -> i64 {
        self.reserved
    }

    /// What is left of the limit, in minor units; negative below a limit that was lowered. `None` if it has no end.
    pub const fn headroom(&self) -> Option<i64> {
        match self.limit {
            PartyLimit::Unlimited => None,
            PartyLimit::Upto(limit) => Some(limit - self.utilisation),
        }
    }

    /// Which payments it does not take.
    pub const fn blocks(&self) -> Blocks {
        self.blocks
    }

    /// Of which crossings of its headroom it wants to hear.
    pub const fn bounds(&self) -> Bounds {
        self.bounds
    }

    fn covers(&self, amount: i64) -> bool {
        self.headroom().is_none_or(|headroom| headroom - self.reserved >= amount)
    }

    /// Whether the utilisation stays in the range of balances when it rises, or falls, by this. What is reserved may
    /// become utilisation, and a limit that has no end would let any sum of it in.
    fn has_room_for(&self, amount: i64, direction: Direction) -> bool {
        match direction {
            Direction::Debit => self.utilisation + self.reserved + amount <= Balance::MINOR_UNITS_MAX,
            Direction::Credit => self.utilisation - amount >= -Balance::MINOR_UNITS_MAX,
        }
    }
}

/// A limit's number; 0 stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct LimitNumber(pub(crate) u32);

impl LimitNumber {
    pub(crate) const NONE: Self = Self(0);
}

/// Whose limits a payment uses: the payer's bank's and the payee's bank's.
pub(crate) type Sides = [LimitNumber; 2];

/// All reachable parties, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Reachable {
    parties: Vec<ReachableParty>,
}

impl Reachable {
    pub(crate) fn reserve(&mut self, parties: usize) {
        self.parties.reserve(parties);
    }

    pub(crate) fn count(&self) -> usize {
        self.parties.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &ReachableParty> {
        self.parties.iter()
    }

    pub(crate) fn add(&mut self, party: ReachableParty) -> LimitNumber {
        self.parties.push(party);
        LimitNumber(u32::try_from(self.parties.len()).expect("parties are few"))
    }

    pub(crate) fn get(&self, number: LimitNumber) -> &ReachableParty {
        &self.parties[slot(number)]
    }

    pub(crate) fn get_mut(&mut self, number: LimitNumber) -> &mut ReachableParty {
        &mut self.parties[slot(number)]
    }

    /// Whether the payer's bank has the headroom.
    pub(crate) fn check_headroom(&self, [debtor, _]: Sides, amount: i64) -> Result<(), ReasonCode> {
        match debtor == LimitNumber::NONE || self.get(debtor).covers(amount) {
            true => Ok(()),
            false => Err(StatusReason::AmountExceedsSettlementLimit.code()),
        }
    }

    /// Whether both utilisations stay in their range.
    pub(crate) fn check_room(&self, sides: Sides, amount: i64) -> Result<(), ReasonCode> {
        let has_room = |(number, direction): (LimitNumber, Direction)| {
            number == LimitNumber::NONE || self.get(number).has_room_for(amount, direction)
        };
        let mut sides = sides.into_iter().zip([Direction::Debit, Direction::Credit]);
        match sides.all(has_room) {
            true => Ok(()),
            false => Err(StatusReason::NotAllowedAmount.code()),
        }
    }

    /// Sets headroom aside. It has been checked to be there.
    pub(crate) fn reserve_headroom(&mut self, [debtor, _]: Sides, amount: i64) {
        if debtor != LimitNumber::NONE {
            self.get_mut(debtor).reserved += amount;
        }
    }

    /// Gives it back.
    pub(crate) fn release_headroom(&mut self, [debtor, _]: Sides, amount: i64) {
        if debtor != LimitNumber::NONE {
            let party = self.get_mut(debtor);
            assert!(party.reserved >= amount, "what is given back was set aside");
            party.reserved -= amount;
        }
    }

    /// The debit of one party and the credit of another. Says which bounds they crossed.
    pub(crate) fn book(&mut self, [debtor, creditor]: Sides, amount: i64) -> Alerts {
        let mut alerts = Alerts::NONE;
        if debtor != LimitNumber::NONE {
            let party = self.get_mut(debtor);
            party.utilisation += amount;
            let fell = |after: i64| party.bounds.is_fallen_below(after + amount, after);
            alerts = alerts.and(Alerts::HEADROOM_FELL, party.headroom().is_some_and(fell));
        }
        if creditor != LimitNumber::NONE {
            let party = self.get_mut(creditor);
            party.utilisation -= amount;
            let rose = |after: i64| party.bounds.is_risen_above(after - amount, after);
            alerts = alerts.and(Alerts::HEADROOM_ROSE, party.headroom().is_some_and(rose));
        }
        alerts
    }
}

fn slot(number: LimitNumber) -> usize {
    let slot = number.0.checked_sub(1).expect("numbers of limits start at 1");
    usize::try_from(slot).expect("addresses have at least 32 bits")
}
