//! Search trees over slots, in the order of their keys: what is due in which order, for one package or one bank.
//!
//! A tree has no memory of its own: the links stand in the slots, so that a slot is put into a tree or taken out without
//! allocating, in a time that grows with the logarithm of the tree. It is a treap: each slot has a priority that follows from
//! its position in the log, and none is below one of lower priority.
//!
//! Invariant: a tree is walked in the order of keys only, which its shape does not change.

use types::Sequence;

/// No slot.
pub(crate) const NONE: u32 = u32::MAX;

/// The two subtrees of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Links {
    left: u32,
    right: u32,
}

impl Links {
    /// Of a slot that has nothing below it.
    pub(crate) const NONE: Self = Self { left: NONE, right: NONE };
}

/// The slots of trees.
pub(crate) trait Slots {
    /// By what slots are in order.
    type Key: Ord + Copy;

    /// The key of a slot, and the position in the log from which its priority follows.
    fn key(&self, slot: u32) -> (Self::Key, Sequence);

    /// Its links.
    fn links(&mut self, slot: u32) -> &mut Links;

    /// The same, to read them.
    fn links_of(&self, slot: u32) -> Links;
}

/// Where the link to a subtree stands.
#[derive(Clone, Copy)]
enum Hook {
    Root,
    Left(u32),
    Right(u32),
}

fn set(slots: &mut impl Slots, root: &mut u32, hook: Hook, to: u32) {
    match hook {
        Hook::Root => *root = to,
        Hook::Left(slot) => slots.links(slot).left = to,
        Hook::Right(slot) => slots.links(slot).right = to,
    }
}

/// Positions are in order, so their bits are mixed (the finaliser of SplitMix64) to be as good as drawn by lot.
const fn priority(sequence: Sequence) -> u64 {
    let mixed = (sequence.0 ^ (sequence.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Puts a slot into the tree.
pub(crate) fn insert(slots: &mut impl Slots, root: &mut u32, new: u32) {
    let (key, sequence) = slots.key(new);
    let (mut hook, mut at) = (Hook::Root, *root);
    while at != NONE {
        let (other, other_sequence) = slots.key(at);
        if priority(other_sequence) <= priority(sequence) {
            break;
        }
        let links = slots.links_of(at);
        (hook, at) = if key < other { (Hook::Left(at), links.left) } else { (Hook::Right(at), links.right) };
    }
    set(slots, root, hook, new);
    // What stood here is split into what comes before the new slot and what comes after it.
    let (mut before, mut after) = (Hook::Left(new), Hook::Right(new));
    while at != NONE {
        let links = slots.links_of(at);
        if slots.key(at).0 < key {
            set(slots, root, before, at);
            (before, at) = (Hook::Right(at), links.right);
        } else {
            set(slots, root, after, at);
            (after, at) = (Hook::Left(at), links.left);
        }
    }
    set(slots, root, before, NONE);
    set(slots, root, after, NONE);
}

/// Takes a slot out of the tree in which it is.
pub(crate) fn remove(slots: &mut impl Slots, root: &mut u32, gone: u32) {
    let (key, _) = slots.key(gone);
    let (mut hook, mut at) = (Hook::Root, *root);
    while at != gone {
        assert!(at != NONE, "a slot that is taken out of a tree is in it");
        let links = slots.links_of(at);
        (hook, at) =
            if key < slots.key(at).0 { (Hook::Left(at), links.left) } else { (Hook::Right(at), links.right) };
    }
    let Links { mut left, mut right } = slots.links_of(gone);
    while left != NONE && right != NONE {
        if priority(slots.key(left).1) > priority(slots.key(right).1) {
            set(slots, root, hook, left);
            (hook, left) = (Hook::Right(left), slots.links_of(left).right);
        } else {
            set(slots, root, hook, right);
            (hook, right) = (Hook::Left(right), slots.links_of(right).left);
        }
    }
    set(slots, root, hook, if left == NONE { right } else { left });
    *slots.links(gone) = Links::NONE;
}

/// The slots of a tree behind a key, or all of them, in order.
pub(crate) fn walk<S: Slots>(slots: &S, root: u32, after: Option<S::Key>) -> impl Iterator<Item = u32> {
    // The slots above the present one whose right subtrees come later; as deep as the tree at the most.
    let mut above = Vec::new();
    let mut at = root;
    while at != NONE {
        let links = slots.links_of(at);
        if after.is_none_or(|after| slots.key(at).0 > after) {
            above.push(at);
            at = links.left;
        } else {
            at = links.right;
        }
    }
    std::iter::from_fn(move || {
        let found = above.pop()?;
        let mut at = slots.links_of(found).right;
        while at != NONE {
            above.push(at);
            at = slots.links_of(at).left;
        }
        Some(found)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Numbers(Vec<(u64, Links)>);

    impl Slots for Numbers {
        type Key = (u64, u32);

        fn key(&self, slot: u32) -> (Self::Key, Sequence) {
            let (number, _) = self.0[usize::try_from(slot).unwrap()];
            ((number, slot), Sequence(u64::from(slot)))
        }

        fn links(&mut self, slot: u32) -> &mut Links {
            &mut self.0[usize::try_from(slot).unwrap()].1
        }

        fn links_of(&self, slot: u32) -> Links {
            self.0[usize::try_from(slot).unwrap()].1
        }
    }

    proptest! {
        /// Against a sorted set: slots come and go in any order, and a walk is in the order of keys from anywhere.
        #[test]
        fn walks_like_a_sorted_set(
            numbers in proptest::collection::vec(0_u64..50, 64),
            steps in proptest::collection::vec(0_u32..64, 1..400),
            from in 0_u64..50,
        ) {
            let mut slots = Numbers(numbers.into_iter().map(|number| (number, Links::NONE)).collect());
            let (mut root, mut naive) = (NONE, std::collections::BTreeSet::new());
            for slot in steps {
                let key = slots.key(slot).0;
                if naive.remove(&key) {
                    remove(&mut slots, &mut root, slot);
                } else {
                    naive.insert(key);
                    insert(&mut slots, &mut root, slot);
                }
            }
            let all: Vec<_> = walk(&slots, root, None).map(|slot| slots.key(slot).0).collect();
            prop_assert_eq!(all, naive.iter().copied().collect::<Vec<_>>());
            let after = (from, 20);
            let behind: Vec<_> = walk(&slots, root, Some(after)).map(|slot| slots.key(slot).0).collect();
            prop_assert_eq!(behind, naive.range((std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded))
                .copied().collect::<Vec<_>>());
        }
    }

    /// Slots that come in order, as the lines of a package do, make no list of them.
    #[test]
    fn slots_in_order_make_no_deep_tree() {
        let mut slots = Numbers((0..100_000).map(|number| (number, Links::NONE)).collect());
        let mut root = NONE;
        (0..100_000).for_each(|slot| insert(&mut slots, &mut root, slot));
        let mut level = vec![root];
        let mut depth = 0;
        while !level.is_empty() {
            depth += 1;
            let below = level.iter().map(|slot| slots.links_of(*slot));
            level = below.flat_map(|links| [links.left, links.right]).filter(|slot| *slot != NONE).collect();
        }
        assert!(depth < 60, "{depth} levels");
    }
}
