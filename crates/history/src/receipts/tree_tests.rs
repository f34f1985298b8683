//! Trees of every size: roots as their definition has them, and paths that lead there and nowhere else.

use proptest::prelude::*;

use super::*;

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|number| leaf_hash(&number.to_le_bytes())).collect()
}

/// The definition: the largest power of two below the count goes left.
fn root(leaves: &[Hash]) -> Hash {
    if let [only] = leaves {
        return *only;
    }
    let left = leaves.len().next_power_of_two() / 2;
    node_hash(&root(&leaves[..left]), &root(&leaves[left..]))
}

fn tree(leaves: &[Hash], wanted: usize) -> (Hash, Vec<Hash>) {
    let mut tree = Tree::default();
    for (index, leaf) in leaves.iter().enumerate() {
        if index == wanted { tree.push_wanted(*leaf) } else { tree.push(*leaf) }
    }
    tree.finish().unwrap()
}

#[test]
fn every_leaf_of_every_tree_has_its_path() {
    assert_eq!(Tree::default().finish(), None);
    for count in 1..130 {
        let leaves = leaves(count);
        let expected = root(&leaves);
        for (wanted, index) in (0..leaves.len()).zip(0..) {
            let (root, path) = tree(&leaves, wanted);
            assert_eq!(root, expected, "{count} leaves");
            assert_eq!(root_of(leaves[wanted], index, count, &path), Some(root), "leaf {index} of {count}");
        }
    }
}

#[test]
fn a_leaf_is_no_node_and_a_node_no_leaf() {
    let [one, other] = [leaf_hash(b"one"), leaf_hash(b"other")];
    assert_ne!(node_hash(&one, &other), leaf_hash(&[one, other].concat()));
}

proptest! {
    #[test]
    fn a_path_leads_nowhere_from_another_leaf_or_place(
        count in 1_u64..5000,
        wanted: prop::sample::Index,
        other: prop::sample::Index,
        bit in 0_usize..256,
    ) {
        let leaves = leaves(count);
        let (wanted, other) = (wanted.index(leaves.len()), other.index(leaves.len()));
        let (root, path) = tree(&leaves, wanted);
        let index = |place: usize| u64::try_from(place).unwrap();
        prop_assert_eq!(root_of(leaves[wanted], index(wanted), count, &path), Some(root));
        if other != wanted {
            prop_assert_ne!(root_of(leaves[other], index(wanted), count, &path), Some(root));
            prop_assert_ne!(root_of(leaves[wanted], index(other), count, &path), Some(root));
        }
        prop_assert_eq!(root_of(leaves[wanted], count, count, &path), None);
        if let Some(beside) = path.first() {
            let mut changed = path.clone();
            changed[0][bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(root_of(leaves[wanted], index(wanted), count, &changed), Some(root));
            prop_assert_ne!(root_of(leaves[wanted], index(wanted), count, &path[1..]), Some(root));
            let longer = [&path[..], &[*beside]].concat();
            prop_assert_ne!(root_of(leaves[wanted], index(wanted), count, &longer), Some(root));
        }
    }
}
