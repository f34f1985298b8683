//! What waits for a connection other than the one that took it.

use std::collections::VecDeque;

use engine::Notice;
use ledger::Stage;
use types::Sequence;

use super::Wants;

/// What a connection may or may not want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A question to the payer's bank.
    Debit,
    /// A question to the payee's bank.
    Credit,
    /// What became of a payment.
    Report,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Debit, Self::Credit, Self::Report];

    pub(super) const fn of(notice: &Notice) -> Self {
        match notice {
            Notice::Asked { question, .. } => Self::of_stage(question.stage),
            Notice::Outcome { .. } | Notice::Changed { .. } => Self::Report,
        }
    }

    pub(super) const fn of_stage(stage: Stage) -> Self {
        match stage {
            Stage::Debit => Self::Debit,
            Stage::Credit => Self::Credit,
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Debit => 0,
            Self::Credit => 1,
            Self::Report => 2,
        }
    }
}

/// Some kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds([bool; 3]);

impl Kinds {
    pub(super) const ALL: Self = Self([true; 3]);

    pub(super) const fn of(wants: Wants) -> Self {
        Self([wants.debit_questions, wants.credit_questions, wants.reports])
    }

    pub(super) const fn has(self, kind: Kind) -> bool {
        self.0[kind.index()]
    }

    pub(super) const fn add(&mut self, kind: Kind) {
        self.0[kind.index()] = true;
    }

    pub(super) const fn is_empty(self) -> bool {
        !(self.0[0] || self.0[1] || self.0[2])
    }

    /// Takes those out that are among these.
    pub(super) const fn take(&mut self, others: Self) -> Self {
        let mut taken = Self([false; 3]);
        let mut index = 0;
        while index < 3 {
            taken.0[index] = self.0[index] && others.0[index];
            self.0[index] = self.0[index] && !others.0[index];
            index += 1;
        }
        taken
    }
}

/// Notices of each kind, each numbered as it came.
#[derive(Debug, Default)]
pub(super) struct Stash {
    waiting: [VecDeque<(u64, Notice)>; 3],
    next: u64,
}

/// Notices of one kind that are kept for connections that do not take them.
const WAITING_MAX: usize = 4096;

impl Stash {
    pub(super) fn add(&mut self, kind: Kind, notice: Notice) {
        self.waiting[kind.index()].push_back((self.next, notice));
        self.next += 1;
    }

    /// Moves notices of these kinds, the oldest first, until there are `count_max`.
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

    /// Drops everything of a kind of which too much waits, and tells the position of the oldest.
    pub(super) fn overflow(&mut self, kind: Kind) -> Option<Sequence> {
        if self.waiting[kind.index()].len() > WAITING_MAX { self.clear(kind) } else { None }
    }

    /// Drops everything of a kind, and tells the position of the oldest.
    pub(super) fn clear(&mut self, kind: Kind) -> Option<Sequence> {
        let waiting = &mut self.waiting[kind.index()];
        let oldest = waiting.front().map(|(_, notice)| notice.position());
        waiting.clear();
        oldest
    }
}
