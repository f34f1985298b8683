//! A checkpoint: what was told within one interval of log time, in 256 bytes that the node signs.
//!
//! Invariants:
//! - Everything but the key's id follows from the log alone, and the next checkpoint names the hash of what comes before
//!   that. Another signing key changes no chain of checkpoints.
//! - A payment has the id that it was given, also where it is told in a later life of the log.

use journal::{FrameHash, Identity};
use types::{BatchNumber, ClusterId, Incarnation, Lives, PaymentId, Sequence, Shard, Timestamp};

use super::bytes::{array, i64_at, put, u16_at, u64_at};
use super::key::{KEY_ID_LENGTH, PublicKey};
use super::leaf::Hash;

/// Bytes of a checkpoint, without its signature.
pub const CHECKPOINT_LENGTH: usize = 256;

/// Bytes of a signature.
pub(super) const SIGNATURE_LENGTH: usize = 64;

const CHECKPOINT_MAGIC: [u8; 8] = *b"SLVCHKPT";
const CHECKPOINT_FORMAT: u16 = 1;

// The byte table of docs/receipts.md.
const MAGIC: usize = 0;
const FORMAT: usize = 8;
const SHARD: usize = 10;
const CLUSTER: usize = 16;
const INCARNATION: usize = 32;
const NUMBER: usize = 40;
const START: usize = 48;
const END: usize = 56;
const FIRST_BATCH: usize = 64;
const LAST_BATCH: usize = 72;
const UPTO: usize = 80;
const LEAVES: usize = 88;
const ROOT: usize = 96;
const CHAIN_HEAD: usize = 128;
const PREVIOUS: usize = 160;
const KEY_ID: usize = 192;
const EARLIER: usize = 208;

/// Lives of the log before its own that a checkpoint names. What an older one gave has been told long ago.
pub(super) const EARLIER_MAX: usize = 3;

/// A life of the log before a checkpoint's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlierLife {
    /// What tells it apart.
    pub incarnation: Incarnation,
    /// The first position of the life after it. What the life itself had from there on is lost.
    pub end: Sequence,
}

/// What was told within one interval of log time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose log it is.
    pub identity: Identity,
    /// From 1, without a gap.
    pub number: u64,
    /// Where the interval begins, in log time.
    pub start: Timestamp,
    /// Where it ends; this instant belongs to the next.
    pub end: Timestamp,
    /// The interval's first frame.
    pub first_batch: BatchNumber,
    /// Its last frame.
    pub last_batch: BatchNumber,
    /// The last position in that.
    pub upto: Sequence,
    /// How many outcomes were told.
    pub leaves: u64,
    /// The root of the tree over them.
    pub root: Hash,
    /// The hash of the last frame.
    pub chain_head: FrameHash,
    /// [`Checkpoint::hash`] of the checkpoint before; zeros for the first.
    pub previous: Hash,
    /// Whose signature it is.
    pub key_id: [u8; KEY_ID_LENGTH],
    /// The lives of the log before this one, the latest first.
    pub earlier: [Option<EarlierLife>; EARLIER_MAX],
}

impl Checkpoint {
    /// The bytes that are signed.
    pub fn encode(&self) -> [u8; CHECKPOINT_LENGTH] {
        let mut bytes = [0; CHECKPOINT_LENGTH];
        put(&mut bytes, MAGIC, CHECKPOINT_MAGIC);
        put(&mut bytes, FORMAT, CHECKPOINT_FORMAT.to_le_bytes());
        put(&mut bytes, SHARD, self.identity.shard.0.to_le_bytes());
        put(&mut bytes, CLUSTER, self.identity.cluster.0);
        put(&mut bytes, INCARNATION, self.identity.incarnation.0.to_le_bytes());
        put(&mut bytes, NUMBER, self.number.to_le_bytes());
        put(&mut bytes, START, self.start.nanoseconds().to_le_bytes());
        put(&mut bytes, END, self.end.nanoseconds().to_le_bytes());
        put(&mut bytes, FIRST_BATCH, self.first_batch.0.to_le_bytes());
        put(&mut bytes, LAST_BATCH, self.last_batch.0.to_le_bytes());
        put(&mut bytes, UPTO, self.upto.0.to_le_bytes());
        put(&mut bytes, LEAVES, self.leaves.to_le_bytes());
        put(&mut bytes, ROOT, self.root);
        put(&mut bytes, CHAIN_HEAD, self.chain_head.0);
        put(&mut bytes, PREVIOUS, self.previous);
        put(&mut bytes, KEY_ID, self.key_id);
        for (place, life) in self.earlier.iter().enumerate() {
            let Some(EarlierLife { incarnation, end }) = life else { break };
            put(&mut bytes, EARLIER + 16 * place, incarnation.0.to_le_bytes());
            put(&mut bytes, EARLIER + 16 * place + 8, end.0.to_le_bytes());
        }
        bytes
    }

    /// What these bytes say; `None` if they are no checkpoint that this program knows.
    pub fn decode(bytes: &[u8; CHECKPOINT_LENGTH]) -> Option<Self> {
        let time = |at| Timestamp::from_nanoseconds(i64_at(bytes, at));
        let checkpoint = Self {
            identity: Identity {
                cluster: ClusterId(array(bytes, CLUSTER)),
                shard: Shard(u16_at(bytes, SHARD)),
                incarnation: Incarnation(u64_at(bytes, INCARNATION)),
            },
            number: u64_at(bytes, NUMBER),
            start: time(START)?,
            end: time(END)?,
            first_batch: BatchNumber(u64_at(bytes, FIRST_BATCH)),
            last_batch: BatchNumber(u64_at(bytes, LAST_BATCH)),
            upto: Sequence(u64_at(bytes, UPTO)),
            leaves: u64_at(bytes, LEAVES),
            root: array(bytes, ROOT),
            chain_head: FrameHash(array(bytes, CHAIN_HEAD)),
            previous: array(bytes, PREVIOUS),
            key_id: array(bytes, KEY_ID),
            earlier: std::array::from_fn(|place| {
                let at = EARLIER + 16 * place;
                let incarnation = Incarnation(u64_at(bytes, at));
                Some(Sequence(u64_at(bytes, at + 8)))
                    .filter(|end| end.0 > 0)
                    .map(|end| EarlierLife { incarnation, end })
            }),
        };
        let is_possible = checkpoint.earlier.is_sorted_by(|later, earlier| match (later, earlier) {
            (Some(later), Some(earlier)) => later.end > earlier.end,
            (_, earlier) => earlier.is_none(),
        }) && checkpoint.number > 0
            && checkpoint.start < checkpoint.end
            && checkpoint.first_batch <= checkpoint.last_batch
            && checkpoint.leaves > 0;
        // Magic, format and reserved bytes are as this program writes them.
        (is_possible && checkpoint.encode() == *bytes).then_some(checkpoint)
    }

    /// The id of a payment that the checkpoint tells of: the one that the life gave to which the payment's position belongs.
    pub fn payment_id(&self, sequence: Sequence) -> PaymentId {
        let Identity { shard, incarnation, .. } = self.identity;
        let earlier = self.earlier.iter().flatten().take_while(|life| sequence < life.end).last();
        let incarnation = earlier.map_or(incarnation, |life| life.incarnation);
        PaymentId { incarnation, shard, sequence }
    }

    /// What the next checkpoint names: the hash of all that follows from the log.
    pub fn hash(&self) -> Hash {
        *blake3::hash(&self.encode()[..KEY_ID]).as_bytes()
    }
}

/// The lives before one of a log's lives, the latest first.
pub(super) fn earlier_than(incarnation: Incarnation, lives: &Lives) -> [Option<EarlierLife>; EARLIER_MAX] {
    let mut from_latest = lives.iter().rev().skip_while(|life| life.incarnation != incarnation);
    let mut next = from_latest.next();
    std::array::from_fn(|_| {
        let later = next?;
        next = from_latest.next();
        next.map(|life| EarlierLife { incarnation: life.incarnation, end: later.first })
    })
}

/// A checkpoint as it is given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// The bytes that are signed.
    pub bytes: [u8; CHECKPOINT_LENGTH],
    /// Ed25519 over them.
    pub signature: [u8; SIGNATURE_LENGTH],
}

impl SignedCheckpoint {
    /// What it says, if this key has signed it.
    pub fn verified(&self, key: &PublicKey) -> Option<Checkpoint> {
        let checkpoint = self.read().filter(|checkpoint| checkpoint.key_id == key.id())?;
        key.verifies(&self.bytes, &self.signature).then_some(checkpoint)
    }

    /// What it says, whoever has signed it.
    pub fn read(&self) -> Option<Checkpoint> {
        Checkpoint::decode(&self.bytes)
    }
}
