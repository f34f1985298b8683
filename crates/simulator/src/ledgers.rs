//! What banks' general ledgers think of under the newest rules: the maps of postings.
//!
//! Invariant: the generator is one of its own, and draws nothing under older rules.

use ledger::{ExpectedVersion, HAS_ORDERS};
use types::{Sequence, Timestamp};

use crate::model::Model;
use crate::random::Random;
use crate::step::{BANKS, CURRENCIES, Request, Step};

/// The request ids of these clients begin here.
const IDS: u32 = 5_000_000;

/// What such wishes are drawn from.
#[derive(Debug)]
pub(crate) struct Ledgers {
    random: Random,
    /// Thousandths of a client's turns.
    share: u64,
}

impl Ledgers {
    /// The choices of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed.rotate_left(16) ^ 0x6E1E);
        let share = *random.one_of(&[0, 20, 200]);
        Self { random, share }
    }

    /// A map, at some of the turns of a log that has come to these rules.
    pub(crate) fn steps(&mut self, model: &Model, now: Timestamp) -> Vec<Step> {
        if model.rules_version < HAS_ORDERS || !self.random.happens(self.share) {
            return Vec::new();
        }
        vec![self.draw(model, now)]
    }

    /// A map: mostly one that follows what somebody knows who has read the last one.
    pub(crate) fn draw(&mut self, model: &Model, now: Timestamp) -> Step {
        let id = IDS + u32::try_from(self.random.below(10_000)).expect("there are fewer ids");
        let bank = u8::try_from(self.random.below(u64::from(BANKS))).expect("banks are few");
        let currency = if self.random.happens(900) { 0 } else { self.random.index(CURRENCIES.len()) };
        let currency = u8::try_from(currency).expect("currencies are few");
        let there = model.posting_maps.get(&(bank, currency)).map(|map| map.set_at);
        let expected = match (self.random.below(10), there) {
            (0 | 1, _) => ExpectedVersion::Any,
            (2, _) | (_, None) => ExpectedVersion::Absent,
            (3, Some(map)) => ExpectedVersion::Exactly(Sequence(map.0 - 1)),
            (_, Some(map)) => ExpectedVersion::Exactly(map),
        };
        let ahead = match self.random.below(10) {
            0 => Some(self.random.between(-2, 1)),
            1 => Some(self.random.between(398, 402)),
            2 | 3 => Some(self.random.between(0, 30)),
            _ => None,
        };
        let today = i64::from(now.date().days());
        let from = ahead.map(|ahead| i32::try_from(today + ahead).expect("days are small"));
        let most = u64::try_from(model.accounts.len()).expect("accounts are few") + 2;
        let account = self.random.happens(500).then(|| self.random.below(most) + 1);
        let account = account.map(|account| u32::try_from(account).expect("accounts are few"));
        Step::Request { id, body: Request::SetMap { bank, currency, expected, from, account } }
    }
}
