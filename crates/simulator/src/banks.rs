//! Banks with cores of their own: how they behave, and what they keep while the node comes and goes.
//!
//! Invariant: what a bank decides about a question is a function of the seed and the question, so that it says the same
//! when it is asked again, unless contradiction is its behaviour.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::{Banks, Interest, Outbox, Outcomes, SubscriptionId};
use ledger::{Answer, QuestionCursor, Stage};
use types::{Sequence, StatusReason};

use crate::auditor::Ear;
use crate::random::Random;
use crate::words::bic;

/// How a bank takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// It answers within milliseconds.
    Prompt,
    /// It takes up to so many nanoseconds.
    Slow(i64),
    /// So many of a thousand questions get no answer.
    Silent(u64),
    /// It answers at the end of its time, a little before or after, or long after.
    Late,
    /// It answers twice.
    Double,
    /// It answers, and then says the contrary.
    Contrary,
    /// It answers questions that other banks are asked.
    Wrong,
    /// It disconnects every few hundred milliseconds, in half of the cases with answers in its hands.
    Flap,
}

impl Behaviour {
    pub(crate) fn draw(random: &mut Random) -> Self {
        match random.below(12) {
            0..=3 => Self::Prompt,
            4 => Self::Slow(*random.one_of(&[100_000_000, 2_000_000_000, 6_000_000_000])),
            5 => Self::Silent(*random.one_of(&[100, 500, 1000])),
            6 | 7 => Self::Late,
            8 => Self::Double,
            9 => Self::Contrary,
            10 => Self::Wrong,
            _ => Self::Flap,
        }
    }
}

/// A bank.
#[derive(Debug)]
pub(crate) struct RemoteBank {
    pub(crate) bank: u8,
    pub(crate) behaviour: Behaviour,
    pub(crate) link: Option<Link>,
    /// It has processed everything up to here, and keeps that over its own restarts.
    pub(crate) processed: Sequence,
    /// The questions that it is about to answer or has answered: payments, and numbers of stages.
    pub(crate) taken_up: BTreeSet<(Sequence, u8)>,
    /// How often it has dropped the answers that it had in its hands.
    pub(crate) hand: u64,
}

impl RemoteBank {
    pub(crate) const fn new(bank: u8, behaviour: Behaviour) -> Self {
        Self { bank, behaviour, link: None, processed: Sequence(0), taken_up: BTreeSet::new(), hand: 0 }
    }

    /// Whether its connection has this number.
    pub(crate) fn is_linked_by(&self, id: u64) -> bool {
        self.link.as_ref().is_some_and(|link| link.outbox.id() == SubscriptionId(id))
    }

    /// What it says to this question.
    pub(crate) fn decides(&self, seed: u64, payment: Sequence, stage: Stage) -> Answer {
        let stage = if stage == Stage::Debit { 1 } else { 2 };
        let mut random = Random::new(seed ^ payment.0 << 8 ^ u64::from(self.bank) << 2 ^ stage);
        match random.happens(750) {
            true => Answer::Accept,
            false => Answer::Reject(StatusReason::BlockedAccount.code()),
        }
    }
}

/// A bank's connection. It ends with the node.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) outbox: Arc<Outbox>,
    is_woken: Arc<AtomicBool>,
    pub(crate) ear: Ear,
    /// What the log tells has been read up to here; notices tell what comes after `starts_after`.
    pub(crate) read_upto: Sequence,
    pub(crate) starts_after: Sequence,
    pub(crate) open: Open,
}

/// How far a bank that has come back has got with the questions that it has yet to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Open {
    /// It has to ask from here.
    Ask(Option<QuestionCursor>),
    /// It has asked.
    Asked,
    /// It has got them all.
    Known,
}

impl Link {
    /// An outbox for a connection of this bank, and whether there is something in it.
    pub(crate) fn outbox(id: u64, bank: u8, notices_max: usize) -> (Arc<Outbox>, Arc<AtomicBool>) {
        let interest = Interest {
            banks: Banks::Listed([bic(bank)].into()),
            questions: engine::Questions::ALL,
            outcomes: Outcomes::All,
            notices_max,
            bytes_max: 1 << 20,
        };
        let is_woken = Arc::new(AtomicBool::new(false));
        let wakes = Arc::clone(&is_woken);
        let wake = Box::new(move || wakes.store(true, Ordering::Relaxed));
        (Outbox::new(SubscriptionId(id), interest, wake), is_woken)
    }

    pub(crate) const fn new(
        outbox: Arc<Outbox>,
        is_woken: Arc<AtomicBool>,
        ear: Ear,
        starts_after: Sequence,
        processed: Sequence,
    ) -> Self {
        Self { outbox, is_woken, ear, read_upto: processed, starts_after, open: Open::Ask(None) }
    }

    /// Whether it has been woken since this was asked last.
    pub(crate) fn wakes(&self) -> bool {
        self.is_woken.swap(false, Ordering::Relaxed)
    }

    /// Whether it has heard everything that was before its connection.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.read_upto >= self.starts_after && self.open == Open::Known
    }
}
