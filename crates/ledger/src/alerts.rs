//! Floors and ceilings of which a bank wants to hear, and what a booking crossed.
//!
//! Invariant: a crossing follows from the balance before a booking and after it, and from nothing else. So it is told
//! once, by the outcome of the command that booked, and whoever reads the log later reads the same.

use types::{AccountNumber, Balance, Bic, Currency, Sequence, Timestamp};

use crate::command::RequestId;

/// Between what a balance, or a headroom, should stay; minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Bounds {
    floor: Option<i64>,
    ceiling: Option<i64>,
}

impl Bounds {
    /// Nothing is to be told.
    pub const NONE: Self = Self { floor: None, ceiling: None };

    /// To be told are falls below the floor and rises above the ceiling. `None` if the floor is not below the ceiling.
    pub fn new(floor: Option<Balance>, ceiling: Option<Balance>) -> Option<Self> {
        let [floor, ceiling] = [floor, ceiling].map(|bound| bound.map(Balance::minor_units));
        let are_apart = floor.zip(ceiling).is_none_or(|(floor, ceiling)| floor < ceiling);
        are_apart.then_some(Self { floor, ceiling })
    }

    /// Minor units; a fall below them is told.
    pub const fn floor(&self) -> Option<i64> {
        self.floor
    }

    /// Minor units; a rise above them is told.
    pub const fn ceiling(&self) -> Option<i64> {
        self.ceiling
    }

    /// Which bounds there are (1 the floor, 2 the ceiling), and both as they are stored, 0 for none.
    pub(crate) fn stored(&self) -> (u8, i64, i64) {
        let bit = |bound: Option<i64>, bit| if bound.is_some() { bit } else { 0 };
        let present = bit(self.floor, 1) + bit(self.ceiling, 2);
        (present, self.floor.unwrap_or_default(), self.ceiling.unwrap_or_default())
    }

    /// What is stored as this.
    pub(crate) fn from_stored(present: u8, floor: i64, ceiling: i64) -> Option<Self> {
        let bound = |is_there, minor_units: i64| match is_there {
            true => Balance::from_minor_units(minor_units).map(Some),
            false => (minor_units == 0).then_some(None),
        };
        if present > 3 {
            return None;
        }
        Self::new(bound(present & 1 != 0, floor)?, bound(present & 2 != 0, ceiling)?)
    }

    /// Whether a balance that falls from `before` to `after` crosses the floor.
    pub(crate) fn is_fallen_below(&self, before: i64, after: i64) -> bool {
        self.floor.is_some_and(|floor| before >= floor && after < floor)
    }

    /// Whether a balance that rises from `before` to `after` crosses the ceiling.
    pub(crate) fn is_risen_above(&self, before: i64, after: i64) -> bool {
        self.ceiling.is_some_and(|ceiling| before <= ceiling && after > ceiling)
    }
}

/// From when on a bank hears of its position, or of what is left of its limit.
#[derive(Clone, Debug)]
pub struct SetPositionAlert {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// The bank. If it is a reachable party, the bounds are of the headroom of its limit.
    pub bic: Bic,
    /// The currency of the position or limit.
    pub currency: Currency,
    /// The bounds from now on. Setting them tells nothing: the next booking that crosses one does.
    pub bounds: Bounds,
}

/// Which bounds the bookings of one command crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Alerts(u8);

impl Alerts {
    /// None.
    pub const NONE: Self = Self(0);
    /// The position that was debited fell below its floor.
    pub const POSITION_FELL: Self = Self(8);
    /// The position that was credited rose above its ceiling.
    pub const POSITION_ROSE: Self = Self(16);
    /// The headroom of the payer's bank, a reachable party, fell below its floor.
    pub const HEADROOM_FELL: Self = Self(32);
    /// The headroom of the payee's bank, a reachable party, rose above its ceiling.
    pub const HEADROOM_ROSE: Self = Self(64);

    const ALL: u8 =
        Self::POSITION_FELL.0 | Self::POSITION_ROSE.0 | Self::HEADROOM_FELL.0 | Self::HEADROOM_ROSE.0;

    /// Each on its own.
    pub const EACH: [Self; 4] =
        [Self::POSITION_FELL, Self::POSITION_ROSE, Self::HEADROOM_FELL, Self::HEADROOM_ROSE];

    /// Whether none was crossed.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Whether these are among them.
    pub const fn has(self, alert: Self) -> bool {
        self.0 & alert.0 == alert.0 && alert.0 != 0
    }

    /// These, and another one where the condition holds.
    #[must_use]
    pub(crate) const fn and(self, alert: Self, condition: bool) -> Self {
        if condition { Self(self.0 | alert.0) } else { self }
    }

    /// Both.
    #[must_use]
    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The bits of an outcome entry's flags.
    pub(crate) const fn flags(self) -> u8 {
        self.0
    }

    /// Those among the flags of an outcome entry.
    pub(crate) const fn of_flags(flags: u8) -> Self {
        Self(flags & Self::ALL)
    }
}

/// A bound that a booking crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// The position that decided.
    pub decided_at: Sequence,
    /// Its time.
    pub decided_time: Timestamp,
    /// Whose position, or limit.
    pub bank: Bic,
    /// The currency of either.
    pub currency: Currency,
    /// Which bound of which of the two.
    pub alert: Alerts,
    /// Minor units in the position afterwards; `None` for a limit, of which the log keeps no balance.
    pub balance: Option<i64>,
}

/// The bounds of positions, in the order of their accounts. An account says itself whether it has any.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    bounds: Vec<(AccountNumber, Bounds)>,
}

impl Watched {
    pub(crate) fn reserve(&mut self, positions: usize) {
        self.bounds.reserve(positions);
    }

    pub(crate) fn count(&self) -> usize {
        self.bounds.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (AccountNumber, Bounds)> {
        self.bounds.iter().copied()
    }

    pub(crate) fn get(&self, account: AccountNumber) -> Bounds {
        self.place(account).map_or(Bounds::NONE, |place| self.bounds[place].1)
    }

    pub(crate) fn set(&mut self, account: AccountNumber, bounds: Bounds) {
        match (self.place(account), bounds == Bounds::NONE) {
            (Ok(place), false) => self.bounds[place].1 = bounds,
            (Ok(place), true) => drop(self.bounds.remove(place)),
            (Err(place), false) => self.bounds.insert(place, (account, bounds)),
            (Err(_), true) => {}
        }
    }

    fn place(&self, account: AccountNumber) -> Result<usize, usize> {
        self.bounds.binary_search_by_key(&account.0, |entry| entry.0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(floor: Option<i64>, ceiling: Option<i64>) -> Option<Bounds> {
        let [floor, ceiling] = [floor, ceiling].map(|bound| bound.and_then(Balance::from_minor_units));
        Bounds::new(floor, ceiling)
    }

    #[test]
    fn bounds_come_back_as_they_were_stored() {
        for (floor, ceiling) in [(None, None), (Some(-5), None), (None, Some(0)), (Some(1), Some(2))] {
            let bounds = bounds(floor, ceiling).unwrap();
            let (present, floor, ceiling) = bounds.stored();
            assert_eq!(Bounds::from_stored(present, floor, ceiling), Some(bounds));
        }
        assert_eq!(bounds(Some(2), Some(2)), None, "nothing is between them");
        assert_eq!(Bounds::from_stored(4, 0, 0), None);
        assert_eq!(Bounds::from_stored(1, 0, 7), None, "a bound that is not there");
    }

    #[test]
    fn a_bound_is_crossed_on_the_way_out_and_once() {
        let bounds = bounds(Some(10), Some(20)).unwrap();
        for (before, after, fell) in [(10, 9, true), (10, 10, false), (9, 8, false), (11, 10, false)] {
            assert_eq!(bounds.is_fallen_below(before, after), fell, "{before} to {after}");
        }
        for (before, after, rose) in [(20, 21, true), (19, 20, false), (21, 22, false), (5, 30, true)] {
            assert_eq!(bounds.is_risen_above(before, after), rose, "{before} to {after}");
        }
    }
}
