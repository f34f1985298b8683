//! The Merkle tree over the leaves of a checkpoint: shaped as RFC 9162 (2.1) has it, with BLAKE3.
//!
//! Invariants:
//! - Leaves and nodes are hashed under different first bytes, so that neither passes for the other.
//! - A tree holds as many hashes as its height, however many leaves it has.

use super::leaf::Hash;

/// The hash of a leaf.
pub fn leaf_hash(data: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[0]).update(data);
    *hasher.finalize().as_bytes()
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    *blake3::hash(&bytes).as_bytes()
}

/// A tree that is growing. One of its leaves may be wanted: then the path from it to the root is kept as well.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Full trees, each larger than the next, that make up all leaves.
    full: Vec<Full>,
    count: u64,
    path: Vec<Hash>,
}

/// A tree of 2^height leaves.
#[derive(Clone, Copy, Debug)]
struct Full {
    height: u32,
    hash: Hash,
    /// Whether the wanted leaf is in it.
    has_wanted: bool,
}

impl Tree {
    /// How many leaves there are.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Adds a leaf's hash.
    pub fn push(&mut self, leaf: Hash) {
        self.add(leaf, false);
    }

    /// Adds the hash of the leaf that is wanted. There is at most one.
    pub fn push_wanted(&mut self, leaf: Hash) {
        self.add(leaf, true);
    }

    fn add(&mut self, hash: Hash, has_wanted: bool) {
        self.count += 1;
        let mut added = Full { height: 0, hash, has_wanted };
        while let Some(left) = self.full.pop_if(|left| left.height == added.height) {
            added = self.joined(left, added);
        }
        self.full.push(added);
    }

    /// The tree of two; what stands beside the wanted leaf joins its path.
    fn joined(&mut self, left: Full, right: Full) -> Full {
        if left.has_wanted {
            self.path.push(right.hash);
        }
        if right.has_wanted {
            self.path.push(left.hash);
        }
        Full {
            height: left.height + 1,
            hash: node_hash(&left.hash, &right.hash),
            has_wanted: left.has_wanted || right.has_wanted,
        }
    }

    /// The root, and the path to it from the wanted leaf, the nearest first; `None` without a leaf.
    pub fn finish(mut self) -> Option<(Hash, Vec<Hash>)> {
        let mut root = self.full.pop()?;
        while let Some(left) = self.full.pop() {
            root = self.joined(left, root);
        }
        Some((root.hash, self.path))
    }
}

/// The root to which a path leads from the leaf with this index among so many; `None` if no such tree has such a path.
pub fn root_of(leaf: Hash, index: u64, count: u64, path: &[Hash]) -> Option<Hash> {
    if index >= count {
        return None;
    }
    let (mut place, mut last) = (index, count - 1);
    let mut hash = leaf;
    for beside in path {
        if last == 0 {
            return None;
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(beside, &hash);
            // A last node without a neighbour moves up as it is.
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, beside);
        }
        place >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
