//! Receipts: proof, outside the node, that a payment was settled.
//!
//! Outcome entries told within an interval of log time are the leaves of a Merkle tree. A *checkpoint* names its root, and
//! the node signs it. A *receipt* is one payment's entry and record, the path from its leaf to the root, and the signed
//! checkpoint: whoever knows the node's public key can check it without the node. `docs/receipts.md` has the formats.
//!
//! Invariants:
//! - Intervals are cut by the times of frames alone, so the same log gives the same roots, whoever builds them and when.
//! - A receipt tells nothing about anybody but the two sides of its payment, and balances only of a side that it is for.

mod builder;
mod bytes;
mod checkpoint;
mod checkpoints;
mod keeper;
mod key;
mod leaf;
mod receipt;
mod store;
mod tree;
mod worker;

pub use builder::BuildError;
pub use checkpoint::{CHECKPOINT_LENGTH, Checkpoint, EarlierLife, SignedCheckpoint};
pub use checkpoints::{Checkpoints, ReceiptError};
pub use keeper::{INTERVAL, Keeper, LogOf, OpenError};
pub use key::{KeyError, PublicKey, SigningKey};
pub use leaf::{Hash, Sides};
pub use receipt::{Balances, Facts, Receipt, ReceiptFault};
pub use store::{STORE_NAME, StoreError};
pub use tree::{Tree, leaf_hash, root_of};
pub use worker::{Progress, Running, WorkError, Worker};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
