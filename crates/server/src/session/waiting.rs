//! Questions that wait for a connection other than the one that took them.

use std::collections::VecDeque;

use engine::Notice;
use ledger::Stage;

use super::Wants;

/// A kind of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// To the payer's bank.
    Debit,
    /// To the payee's bank.
    Credit,
}

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::Debit, Self::Credit];

    pub(super) const fn of(stage: Stage) -> Self {
        match stage {
            Stage::Debit => Self::Debit,
            Stage::Credit => Self::Credit,
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Debit => 0,
            Self::Credit => 1,
        }
    }
}

/// Some kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds([bool; 2]);

impl Kinds {
    pub(super) const ALL: Self = Self([true; 2]);

    pub(super) const fn of(wants: Wants) -> Self {
        Self([wants.debit_questions, wants.credit_questions])
    }

    pub(super) const fn has(self, kind: Kind) -> bool {
        self.0[kind.index()]
    }

    pub(super) const fn add(&mut self, kind: Kind) {
        self.0[kind.index()] = true;
    }

    pub(super) const fn is_empty(self) -> bool {
        !(self.0[0] || self.0[1])
    }

    /// Takes those out that are among these.
    pub(super) const fn take(&mut self, others: Self) -> Self {
        let taken = Self([self.0[0] && others.0[0], self.0[1] && others.0[1]]);
        self.0 = [self.0[0] && !taken.0[0], self.0[1] && !taken.0[1]];
        taken
    }
}

/// Questions of each kind, each numbered as it came.
#[derive(Debug, Default)]
pub(super) struct Stash {
    waiting: [VecDeque<(u64, Notice)>; 2],
    next: u64,
}

/// Questions of one kind that are kept for connections that do not take them.
const WAITING_MAX: usize = 4096;

impl Stash {
    pub(super) fn add(&mut self, kind: Kind, notice: Notice) {
        self.waiting[kind.index()].push_back((self.next, notice));
        self.next += 1;
    }

    /// Moves questions of these kinds, the oldest first, until there are `count_max`.
    pub(super) fn take(&mut self, kinds: Kinds, count_max: usize, into: &mut Vec<Notice>) {
        while into.len() < count_max {
            let wanted = Kind::ALL.into_iter().filter(|kind| kinds.has(*kind));
            let oldest = wanted.filter_map(|kind| {
                let (number, _) = self.waiting[kind.index()].front()?;
                Some((*number, kind))
            });
            let Some((_, kind)) = oldest.min_by_key(|(number, _)| *number) else { return };
            into.extend(self.waiting[kind.index()].pop_front().map(|(_, notice)| notice));
        }
    }

    /// Drops everything of a kind of which too much waits, and says whether it did.
    pub(super) fn overflows(&mut self, kind: Kind) -> bool {
        let overflows = self.waiting[kind.index()].len() > WAITING_MAX;
        if overflows {
            self.clear(kind);
        }
        overflows
    }

    /// Drops everything of a kind.
    pub(super) fn clear(&mut self, kind: Kind) {
        self.waiting[kind.index()].clear();
    }
}
