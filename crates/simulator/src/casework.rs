//! What the people of banks do about exceptions, and the node that raises them.
//!
//! Invariants:
//! - The generator is one of its own, and draws nothing under older rules.
//! - What is said of payments and exceptions is what the log has told; few lie.

use ledger::{Direction, ExceptionAction, ExceptionKind, HAS_ORDERS};
use types::Sequence;

use crate::model::Model;
use crate::random::Random;
use crate::step::{ACCOUNTS, BANKS, Case, Original, Request, Step, Subject};

/// The request ids of these clients begin here.
const IDS: u32 = 8_000_000;

/// What such wishes are drawn from.
#[derive(Debug)]
pub(crate) struct Casework {
    random: Random,
    /// Thousandths of a client's turns.
    share: u64,
    ids: u64,
}

impl Casework {
    /// The choices of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed.rotate_left(32) ^ 0xCA5E);
        let share = *random.one_of(&[0, 300, 800]);
        let ids = *random.one_of(&[1_000, 100_000]);
        Self { random, share, ids }
    }

    /// A few commands, at some of the turns of a log that has come to these rules.
    pub(crate) fn steps(&mut self, model: &Model) -> Vec<Step> {
        if model.rules_version < HAS_ORDERS || !self.random.happens(self.share) {
            return Vec::new();
        }
        let count = self.random.index(3) + 1;
        (0..count).map(|_| self.draw(model)).collect()
    }

    /// A command.
    pub(crate) fn draw(&mut self, model: &Model) -> Step {
        let id = IDS + u32::try_from(self.random.below(self.ids)).expect("there are fewer ids");
        let case = match self.random.below(20) {
            0..=3 => self.noticed(model),
            4..=7 => self.raise(model),
            8 => self.recall_due(model),
            9 | 10 => self.assign(model),
            _ => self.resolve(model),
        };
        Step::Request { id, body: Request::Exception(case) }
    }

    fn small(&mut self, bound: u8) -> u8 {
        u8::try_from(self.random.below(u64::from(bound))).expect("it is below 256")
    }

    /// What the core has noticed, as the node raises it; now and then once more.
    fn noticed(&mut self, model: &Model) -> Case {
        let noticed: Vec<_> = model.noticed.iter().map(|(_, payment)| *payment).collect();
        let originals = in_euro(model);
        let raised = |original: &&Original| noticed.contains(&original.payment);
        let mut found: Vec<_> = originals.iter().filter(raised).copied().collect();
        if found.is_empty() || self.random.happens(100) {
            found = originals;
        }
        match found.len() {
            0 => self.difference(),
            _ => {
                let original = *self.random.one_of(&found);
                let (bank, kind) = (original.banks[1], ExceptionKind::LatePositive);
                Case::Raise { bank, kind, subject: Subject::Payment(original) }
            }
        }
    }

    fn raise(&mut self, model: &Model) -> Case {
        let originals = in_euro(model);
        if originals.is_empty() || self.random.happens(500) {
            return self.difference();
        }
        let newest = originals.len().saturating_sub(20);
        let mut original = *self.random.one_of(&originals[newest..]);
        if self.random.happens(20) {
            original.incarnation += 1;
        }
        let kind = *self.random.one_of(&[
            ExceptionKind::CreditNotAcknowledged,
            ExceptionKind::LateConfirmation,
            ExceptionKind::LatePositive,
        ]);
        let side = usize::from(kind != ExceptionKind::LateConfirmation);
        let bank = if self.random.happens(950) { original.banks[side] } else { self.small(BANKS) };
        Case::Raise { bank, kind, subject: Subject::Payment(original) }
    }

    fn difference(&mut self) -> Case {
        let bank = self.small(BANKS);
        if self.random.happens(250) {
            let account = self.small(ACCOUNTS);
            let bank = if self.random.happens(900) { account % 2 } else { bank };
            return Case::Raise {
                bank,
                kind: ExceptionKind::StaleMirror,
                subject: Subject::Account(account),
            };
        }
        let direction = *self.random.one_of(&[Direction::Credit, Direction::Debit]);
        let (name, amount) = (self.small(8), self.random.between(1, 900));
        let subject = Subject::Reference { name, amount, direction };
        Case::Raise { bank, kind: ExceptionKind::ReconciliationBreak, subject }
    }

    fn recall_due(&mut self, model: &Model) -> Case {
        let recalls: Vec<_> = model.recalls.iter().rev().take(12).collect();
        if recalls.is_empty() {
            return self.difference();
        }
        let (recall, known) = *self.random.one_of(&recalls);
        let bank = if self.random.happens(900) { known.original.banks[1] } else { self.small(BANKS) };
        let amount = known.original.amount + i64::from(self.random.happens(50));
        let subject = Subject::Recall { recall: *recall, amount };
        Case::Raise { bank, kind: ExceptionKind::RecallDue, subject }
    }

    /// One that is open, mostly; else one that is resolved, or any position.
    fn exception(&mut self, model: &Model) -> (Sequence, u8) {
        let is_any = self.random.happens(200);
        let found: Vec<_> =
            model.exceptions.iter().filter(|(_, known)| is_any || !known.is_resolved()).collect();
        if found.is_empty() || self.random.happens(30) {
            return (Sequence(self.random.below(model.at.sequence.0 + 5)), self.small(BANKS));
        }
        let newest = found.len().saturating_sub(30);
        let (at, known) = *self.random.one_of(&found[newest..]);
        let bank = if self.random.happens(970) { known.bank } else { self.small(BANKS) };
        (*at, bank)
    }

    fn assign(&mut self, model: &Model) -> Case {
        let (exception, bank) = self.exception(model);
        Case::Assign { bank, exception, owner: self.small(3) }
    }

    fn resolve(&mut self, model: &Model) -> Case {
        let (exception, bank) = self.exception(model);
        let action = *self.random.one_of(&[
            ExceptionAction::BookToCustomer,
            ExceptionAction::BookToCustomer,
            ExceptionAction::ToSuspense,
            ExceptionAction::ToSuspense,
            ExceptionAction::Return,
            ExceptionAction::AskAgain,
            ExceptionAction::WriteOff,
            ExceptionAction::Close,
        ]);
        let seen = model.exceptions.get(&exception).map(|known| known.seen());
        let account = (action == ExceptionAction::BookToCustomer).then(|| {
            let account = self.small(ACCOUNTS / 2) * 2 + bank % 2;
            let number = model.customer(account, 0).map_or(0, |(number, _)| number);
            (account, number + u32::from(self.random.happens(20)))
        });
        Case::Resolve { bank, exception, action, account, seen }
    }
}

/// Books of other currencies are rare, and no payment was ever settled there.
fn in_euro(model: &Model) -> Vec<Original> {
    let mut originals = model.originals();
    originals.retain(|original| original.currency == 0);
    originals
}
