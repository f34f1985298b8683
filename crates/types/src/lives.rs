//! The lives of a log, and which of them a position belongs to.
//!
//! A log that is restored from a backup goes on in a new life: its positions go on from the point of the restore, and
//! the identifiers that it gives from there on are told apart from those that the lost part of the old life gave.
//!
//! Invariant: there is at least one life; each begins after the one before, and none has the incarnation of another.

use crate::{Incarnation, PaymentId, Sequence, Shard};

/// A life of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// What tells it apart.
    pub incarnation: Incarnation,
    /// The first position of this life; it lasts up to the next one's.
    pub first: Sequence,
}

/// The lives of a log up to now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lives {
    /// The one that lasts.
    last: Life,
    /// Those before it, oldest first.
    earlier: Vec<Life>,
}

/// Where the payment with an id would stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Located {
    /// Here, if there is one.
    At(Sequence),
    /// In the part of an earlier life that a restore has cut off.
    Lost {
        /// The last position that the restore kept.
        restored_upto: Sequence,
    },
    /// In another log, or nowhere.
    Elsewhere,
}

impl Lives {
    /// A log in its first life.
    pub const fn first(incarnation: Incarnation) -> Self {
        Self { last: Life { incarnation, first: Sequence(1) }, earlier: Vec::new() }
    }

    /// The life that lasts.
    pub const fn last(&self) -> Life {
        self.last
    }

    /// How many there are.
    pub const fn count(&self) -> usize {
        self.earlier.len() + 1
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Life> {
        self.earlier.iter().copied().chain([self.last])
    }

    /// Makes room for one more, so that its beginning needs no memory.
    pub fn reserve(&mut self) {
        self.earlier.reserve(1);
    }

    /// A new life begins; says whether it can.
    pub fn begin(&mut self, life: Life) -> bool {
        let is_known = self.iter().any(|known| known.incarnation == life.incarnation);
        if is_known || life.first <= self.last.first {
            return false;
        }
        self.earlier.push(self.last);
        self.last = life;
        true
    }

    /// The life that a position belongs to.
    pub fn at(&self, position: Sequence) -> Life {
        if position >= self.last.first {
            return self.last;
        }
        let later = self.earlier.partition_point(|life| life.first <= position);
        self.earlier[later.saturating_sub(1)]
    }

    /// The id of the payment at a position.
    pub fn payment_id(&self, shard: Shard, sequence: Sequence) -> PaymentId {
        PaymentId { incarnation: self.at(sequence).incarnation, shard, sequence }
    }

    /// Where the payment with an id of this shard stands.
    pub fn locate(&self, shard: Shard, id: PaymentId) -> Located {
        let mut end = None;
        for life in self.iter().rev() {
            if (life.incarnation, shard) == (id.incarnation, id.shard) {
                return match end {
                    Some(Sequence(next)) if id.sequence.0 >= next => {
                        Located::Lost { restored_upto: Sequence(next.saturating_sub(1)) }
                    }
                    _ if id.sequence < life.first => Located::Elsewhere,
                    _ => Located::At(id.sequence),
                };
            }
            end = Some(life.first);
        }
        Located::Elsewhere
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(incarnation: u64, first: u64) -> Life {
        Life { incarnation: Incarnation(incarnation), first: Sequence(first) }
    }

    fn lives() -> Lives {
        let mut lives = Lives::first(Incarnation(7));
        assert!(lives.begin(life(8, 101)));
        assert!(lives.begin(life(9, 201)));
        lives
    }

    #[test]
    fn a_position_belongs_to_one_life() {
        let lives = lives();
        for (position, incarnation) in [(0, 7), (1, 7), (100, 7), (101, 8), (200, 8), (201, 9), (u64::MAX, 9)]
        {
            assert_eq!(lives.at(Sequence(position)).incarnation, Incarnation(incarnation), "{position}");
        }
        assert_eq!(lives.iter().collect::<Vec<_>>(), [life(7, 1), life(8, 101), life(9, 201)]);
        assert_eq!(lives.last(), life(9, 201));
    }

    #[test]
    fn a_life_begins_once_and_after_the_one_before() {
        let mut lives = lives();
        let before = lives.clone();
        for refused in [life(7, 301), life(9, 301), life(10, 201), life(10, 5)] {
            assert!(!lives.begin(refused), "{refused:?}");
        }
        assert_eq!(lives, before);
    }

    #[test]
    fn an_id_is_found_lost_or_of_another_log() {
        let lives = lives();
        let locate = |incarnation, sequence| {
            let (incarnation, sequence) = (Incarnation(incarnation), Sequence(sequence));
            lives.locate(Shard(0), PaymentId { incarnation, shard: Shard(0), sequence })
        };
        for (incarnation, sequence) in [(7, 1), (7, 100), (8, 101), (8, 200), (9, 201), (9, 5000)] {
            assert_eq!(locate(incarnation, sequence), Located::At(Sequence(sequence)));
            let id = lives.payment_id(Shard(0), Sequence(sequence));
            assert_eq!(id.incarnation, Incarnation(incarnation));
        }
        assert_eq!(locate(7, 101), Located::Lost { restored_upto: Sequence(100) });
        assert_eq!(locate(7, 900), Located::Lost { restored_upto: Sequence(100) });
        assert_eq!(locate(8, 201), Located::Lost { restored_upto: Sequence(200) });
        for (incarnation, sequence) in [(6, 50), (8, 100), (9, 200)] {
            assert_eq!(locate(incarnation, sequence), Located::Elsewhere);
        }
        let other_shard = PaymentId { shard: Shard(1), ..lives.payment_id(Shard(0), Sequence(5)) };
        assert_eq!(lives.locate(Shard(0), other_shard), Located::Elsewhere);
    }
}
