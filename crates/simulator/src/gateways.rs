//! What gateways of cards and marketplaces think of under the newest rules: holds, captures, releases, and small records.
//!
//! Invariants:
//! - The generator is one of its own, and draws nothing under older rules.
//! - Where accounts are is what the log has told; few lie about a version or a hold.

use ledger::{AccountKind, ExpectedVersion, HAS_HOLDS, LiquidityDirection};
use types::{Sequence, Timestamp};

use crate::model::Model;
use crate::random::Random;
use crate::step::{ACCOUNTS, BANKS, LEGS_MAX, Leg, RecordName, Request, Step};
use crate::traffic::later;

/// The request ids of these clients begin here.
const IDS: u32 = 4_000_000;
const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// What such wishes are drawn from.
#[derive(Debug)]
pub(crate) struct Gateways {
    random: Random,
    /// Thousandths of a client's turns.
    share: u64,
    ids: u64,
}

impl Gateways {
    /// The choices of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed.rotate_left(32) ^ 0x6A7E);
        let share = *random.one_of(&[0, 300, 800]);
        let ids = *random.one_of(&[1_000, 100_000]);
        Self { random, share, ids }
    }

    /// A few commands, at some of the turns of a log that has come to these rules.
    pub(crate) fn steps(&mut self, model: &Model, now: Timestamp) -> Vec<Step> {
        if model.rules_version < HAS_HOLDS || !self.random.happens(self.share) {
            return Vec::new();
        }
        let count = self.random.index(3) + 1;
        (0..count).map(|_| self.draw(model, now)).collect()
    }

    /// A command.
    pub(crate) fn draw(&mut self, model: &Model, now: Timestamp) -> Step {
        let id = IDS + u32::try_from(self.random.below(self.ids)).expect("there are fewer ids");
        let body = match self.random.below(22) {
            0..=5 => self.place(now),
            6..=11 => self.capture(model),
            12 | 13 => self.release(model),
            14..=17 => self.put(model, now),
            18 | 19 => self.remove(model),
            20 => self.savings(),
            _ => self.defund(model),
        };
        Step::Request { id, body }
    }

    fn small(&mut self, bound: u8) -> u8 {
        u8::try_from(self.random.below(u64::from(bound))).expect("it is below 256")
    }

    /// An account that neither holds nor is paid.
    fn savings(&mut self) -> Request {
        let account = 6 + self.small(ACCOUNTS - 6);
        Request::Open { bank: account % 2, account, currency: 0, kind: AccountKind::Savings, floor: 0 }
    }

    /// A bank takes nearly all out of its position, so that captures for other banks find too little there.
    fn defund(&mut self, model: &Model) -> Request {
        let (bank, currency) = (self.small(2), 0);
        let left = self.random.between(0, 300);
        let reference = 4_000_000 + u32::from(self.small(200));
        let (direction, amount) =
            (LiquidityDirection::Defund, (model.left(bank) - left).clamp(1, 99_999_999_999));
        Request::Move { bank, currency, direction, amount, reference }
    }

    /// Mostly on an account with money at its own bank, for some seconds.
    fn place(&mut self, now: Timestamp) -> Request {
        let account = if self.random.happens(850) { self.small(6) } else { self.small(ACCOUNTS) };
        let bank = if self.random.happens(950) { account % 2 } else { self.small(BANKS) };
        let ahead = match self.random.below(20) {
            0 => self.random.between(-SECOND, SECOND),
            1 => 400 * DAY + self.random.between(-SECOND, SECOND),
            2 | 3 => self.random.between(DAY, 30 * DAY),
            _ => self.random.between(SECOND, 40 * SECOND),
        };
        let (amount, expires) = (self.random.between(1, 1_500), later(now, ahead));
        Request::Place { bank, account, currency: 0, amount, expires }
    }

    /// A hold that is open, mostly; else any position.
    fn hold(&mut self, model: &Model) -> (Sequence, u8, i64) {
        let open: Vec<_> = model.holds.iter().collect();
        if open.is_empty() || self.random.happens(50) {
            return (Sequence(self.random.below(model.at.sequence.0 + 5)), self.small(BANKS), 100);
        }
        let (sequence, hold) = *self.random.one_of(&open);
        let bank = model.accounts[&hold.account].bank.unwrap_or_default();
        let bank = if self.random.happens(970) { bank } else { self.small(BANKS) };
        let minor_units = hold.held * rust_decimal::Decimal::ONE_HUNDRED;
        (*sequence, bank, i64::try_from(minor_units).expect("simulated holds are small"))
    }

    fn capture(&mut self, model: &Model) -> Request {
        let (hold, bank, held) = self.hold(model);
        let held_on = model.holds.get(&hold);
        let held_on = held_on.map(|hold| (hold.account, model.accounts[&hold.account].currency));
        let count = self.random.index(LEGS_MAX) + 1;
        let mut legs = [None; LEGS_MAX];
        for leg in &mut legs[..count] {
            let account = if self.random.happens(850) { self.small(6) } else { self.small(ACCOUNTS) };
            let kept_at = model.customer(account, 0);
            let kept_at = kept_at.and_then(|(number, known)| Some((number, known.bank?)));
            let most = if self.random.happens(900) { held / 2 } else { held };
            *leg = Some(Leg { account, kept_at, amount: self.random.between(1, most.max(1)) });
        }
        Request::Capture { bank, hold, held_on, legs, is_final: self.random.happens(300) }
    }

    fn release(&mut self, model: &Model) -> Request {
        let (hold, bank, held) = self.hold(model);
        let part = self.random.happens(600);
        let amount = part.then(|| self.random.between(1, held + held / 10 + 1));
        Request::Release { bank, hold, amount }
    }

    fn name(&mut self) -> RecordName {
        RecordName { bank: self.small(BANKS), space: self.small(2), key: self.small(4) }
    }

    /// Mostly what somebody knows who has read it.
    fn put(&mut self, model: &Model, now: Timestamp) -> Request {
        let name = self.name();
        let there = model.kept.get(&name).map(|kept| kept.version);
        let expected = match (self.random.below(10), there) {
            (0 | 1, _) => ExpectedVersion::Any,
            (2, _) | (_, None) => ExpectedVersion::Absent,
            (3, Some(version)) => ExpectedVersion::Exactly(Sequence(version.0 - 1)),
            (_, Some(version)) => ExpectedVersion::Exactly(version),
        };
        let ahead = self.random.between(-SECOND / 5, 30 * SECOND);
        let expires = self.random.happens(600).then(|| later(now, ahead));
        Request::Put { name, expected, length: self.small(60), expires }
    }

    fn remove(&mut self, model: &Model) -> Request {
        let name = self.name();
        let there = model.kept.get(&name).map(|kept| kept.version);
        let is_said = self.random.happens(500);
        let expected = there.filter(|_| is_said).map(|version| match self.random.happens(800) {
            true => version,
            false => version.next(),
        });
        Request::Remove { name, expected }
    }
}
