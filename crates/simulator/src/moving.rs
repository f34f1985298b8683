//! What the operator thinks of while banks move to the node from another system: which accounts take part.
//!
//! Invariant: the generator is one of its own, and draws nothing under rules that do not know this.

use ledger::HAS_ORDERS;

use crate::model::Model;
use crate::random::Random;
use crate::step::{ACCOUNTS, BANKS, Request, Step};

/// The request ids of these commands begin here.
const IDS: u32 = 6_000_000;

/// What such wishes are drawn from.
#[derive(Debug)]
pub(crate) struct Moving {
    random: Random,
    /// Thousandths of a client's turns.
    share: u64,
}

impl Moving {
    /// The choices of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed.rotate_left(16) ^ 0xC07);
        let share = *random.one_of(&[0, 50, 300]);
        Self { random, share }
    }

    /// A switch at some of the turns, mostly one that lets accounts take part again.
    pub(crate) fn steps(&mut self, model: &Model) -> Option<Step> {
        if model.rules_version < HAS_ORDERS || !self.random.happens(self.share) {
            return None;
        }
        let id = IDS + u32::try_from(self.random.below(10_000)).expect("there are fewer ids");
        let bank = if self.random.happens(800) { self.small(2) } else { self.small(BANKS) };
        let first = self.small(ACCOUNTS - 1);
        let last = first + 1 + self.small(ACCOUNTS - 1 - first);
        let range = self.random.happens(700).then_some((first, last));
        let is_active = self.random.happens(600);
        Some(Step::Request { id, body: Request::SetActivation { bank, range, is_active } })
    }

    fn small(&mut self, bound: u8) -> u8 {
        u8::try_from(self.random.below(u64::from(bound))).expect("it is below 256")
    }
}
