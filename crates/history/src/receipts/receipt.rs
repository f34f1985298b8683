//! A receipt: its parts, its text, and what it proves.
//!
//! Invariants:
//! - The text has one form. A receipt whose text differs in one bit from the one that was given out is refused.
//! - What a receipt says in words follows from its parts, so that nothing unproved can stand in it.

use ledger::{Command, Kind, OutcomeEntry, Records, layout};
use serde::{Deserialize, Serialize};
use types::{Amount, Bic, ClusterId, Currency, PaymentId, PaymentState, Sequence, Timestamp};

use super::bytes::{array_from_hex, from_hex, to_hex};
use super::checkpoint::{Checkpoint, SignedCheckpoint};
use super::key::PublicKey;
use super::leaf::{HEAD_LENGTH, Hash, Side, leaf};
use super::tree::{leaf_hash, root_of};

/// A longer text is no receipt.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// The format that this program writes.
const RECEIPT_FORMAT: u32 = 1;

/// A proof that a payment was settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub(super) head: [u8; HEAD_LENGTH],
    pub(super) sides: [Side; 2],
    pub(super) record: Vec<u8>,
    pub(super) index: u64,
    pub(super) path: Vec<Hash>,
    pub(super) checkpoint: SignedCheckpoint,
}

/// Why a receipt proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptFault {
    /// The text is no receipt.
    #[error("the text is no receipt of a format that this program knows")]
    Text,
    /// The text is another than the one that was given out.
    #[error("the text has been changed: a receipt is checked as it was given out, byte for byte")]
    Changed,
    /// The checkpoint is not signed by this key.
    #[error("this key has not signed the checkpoint")]
    Signature,
    /// The path does not lead to the checkpoint's root.
    #[error("the payment is not among what the checkpoint covers")]
    Path,
    /// The record and the entry are not those of a settled payment.
    #[error("what the receipt covers is no settled payment")]
    NotSettled,
}

/// Balances of one side after a settlement, in minor units; 0 where there is no such account or nothing moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balances {
    /// On the account.
    pub account: i64,
    /// In the bank's position.
    pub position: i64,
}

/// What a receipt proves: the node that signs says that its log holds and tells this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The payment.
    pub payment: PaymentId,
    /// The cluster whose log tells of it.
    pub cluster: ClusterId,
    /// The payer's bank.
    pub debtor_agent: Bic,
    /// The payee's bank.
    pub creditor_agent: Bic,
    /// The payer's bank's reference.
    pub transaction_id: String,
    /// How much.
    pub amount: Amount,
    /// Of which currency.
    pub currency: Currency,
    /// When it was accepted.
    pub acceptance_time: Timestamp,
    /// The position that decided.
    pub decided_at: Sequence,
    /// Whether the confirmation left after the last moment that the scheme allows.
    pub late: bool,
    /// Balances of the payer's and of the payee's side, where the receipt shows them.
    pub balances: [Option<Balances>; 2],
    /// Where the log told of it.
    pub checkpoint: Checkpoint,
}

/// The text's fields, in their order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    solvo_receipt: u32,
    payment_id: String,
    status: String,
    debtor_agent: String,
    creditor_agent: String,
    transaction_id: String,
    amount: String,
    currency: String,
    acceptance_time: String,
    settled_at: u64,
    told_from: String,
    told_before: String,
    late: bool,
    proof: Proof,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    entry: String,
    debtor_side: SideText,
    creditor_side: SideText,
    record: String,
    leaf: u64,
    path: Vec<String>,
    checkpoint: String,
    signature: String,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum SideText {
    Closed { digest: String },
    Open { account_balance: i64, position: i64, key: String },
}

impl Receipt {
    /// Reads a receipt as it was given out.
    ///
    /// # Errors
    /// [`ReceiptFault::Text`] or [`ReceiptFault::Changed`].
    pub fn parse(text: &str) -> Result<Self, ReceiptFault> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(ReceiptFault::Text);
        }
        let read: Text = serde_json::from_str(text).map_err(|_| ReceiptFault::Text)?;
        if read.solvo_receipt != RECEIPT_FORMAT {
            return Err(ReceiptFault::Text);
        }
        let receipt = Self::of_proof(&read.proof).ok_or(ReceiptFault::Text)?;
        if receipt.to_text().as_deref() == Some(text) { Ok(receipt) } else { Err(ReceiptFault::Changed) }
    }

    fn of_proof(proof: &Proof) -> Option<Self> {
        let checkpoint = SignedCheckpoint {
            bytes: array_from_hex(&proof.checkpoint)?,
            signature: array_from_hex(&proof.signature)?,
        };
        Some(Self {
            head: array_from_hex(&proof.entry)?,
            sides: [side_of(&proof.debtor_side)?, side_of(&proof.creditor_side)?],
            record: from_hex(&proof.record)?,
            index: proof.leaf,
            path: proof.path.iter().map(|hash| array_from_hex(hash)).collect::<Option<_>>()?,
            checkpoint,
        })
    }

    /// The text, which ends in a line end; `None` if the parts are not those of a settled payment.
    pub fn to_text(&self) -> Option<String> {
        let facts = self.facts()?;
        let text = Text {
            solvo_receipt: RECEIPT_FORMAT,
            payment_id: facts.payment.to_string(),
            status: "SETTLED".to_owned(),
            debtor_agent: facts.debtor_agent.to_string(),
            creditor_agent: facts.creditor_agent.to_string(),
            amount: facts.amount.to_decimal(facts.currency),
            currency: facts.currency.code().to_owned(),
            acceptance_time: facts.acceptance_time.to_string(),
            settled_at: facts.decided_at.0,
            told_from: facts.checkpoint.start.to_string(),
            told_before: facts.checkpoint.end.to_string(),
            late: facts.late,
            transaction_id: facts.transaction_id,
            proof: Proof {
                entry: to_hex(&self.head),
                debtor_side: side_text(&self.sides[0]),
                creditor_side: side_text(&self.sides[1]),
                record: to_hex(&self.record),
                leaf: self.index,
                path: self.path.iter().map(|hash| to_hex(hash)).collect(),
                checkpoint: to_hex(&self.checkpoint.bytes),
                signature: to_hex(&self.checkpoint.signature),
            },
        };
        let mut text = serde_json::to_string_pretty(&text).ok()?;
        text.push('\n');
        Some(text)
    }

    /// What the receipt proves, if this key has signed it.
    ///
    /// # Errors
    /// See [`ReceiptFault`].
    pub fn verify(&self, key: &PublicKey) -> Result<Facts, ReceiptFault> {
        let checkpoint = self.checkpoint.verified(key).ok_or(ReceiptFault::Signature)?;
        let record = *blake3::hash(&self.record).as_bytes();
        let leaf = leaf_hash(&leaf(&self.head, &self.sides, &record));
        if root_of(leaf, self.index, checkpoint.leaves, &self.path) != Some(checkpoint.root) {
            return Err(ReceiptFault::Path);
        }
        self.facts().ok_or(ReceiptFault::NotSettled)
    }

    /// The banks of the payment, the payer's first.
    pub fn banks(&self) -> Option<[Bic; 2]> {
        self.facts().map(|facts| [facts.debtor_agent, facts.creditor_agent])
    }

    /// The same receipt without the balances of other sides than these.
    #[must_use]
    pub fn shown_to(mut self, sides: super::Sides) -> Self {
        let [payer, payee] = &mut self.sides;
        for (side, is_shown) in [(payer, sides.payer), (payee, sides.payee)] {
            if !is_shown {
                *side = side.closed();
            }
        }
        self
    }

    /// The signed checkpoint.
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// What the parts say, whoever signed them; `None` if they are not those of a settled payment.
    fn facts(&self) -> Option<Facts> {
        let checkpoint = self.checkpoint.read()?;
        let mut bytes = [0; OutcomeEntry::SIZE];
        bytes[..HEAD_LENGTH].copy_from_slice(&self.head);
        let [entry] = OutcomeEntry::read_all(&bytes).ok()?.try_into().ok()?;
        let payment = settled_payment(&self.record)?;
        let decides = entry.payment_state() == Some(PaymentState::Settled) && entry.repeat_of().is_none();
        let is_told = matches!(entry.kind(), Some(Kind::Payment | Kind::Answer)) && decides;
        let identity = checkpoint.identity;
        let id = checkpoint.payment_id(entry.payment().filter(|_| is_told)?);
        Some(Facts {
            payment: id,
            cluster: identity.cluster,
            debtor_agent: payment.key.bank(),
            creditor_agent: Bic::from_bytes(payment.creditor_agent)?,
            transaction_id: payment.key.transaction_id_text().as_str().to_owned(),
            amount: Amount::from_minor_units(payment.amount.get())?,
            currency: Currency::from_number(payment.currency.get()).ok()?,
            acceptance_time: Timestamp::from_nanoseconds(payment.acceptance_time.get())?,
            decided_at: entry.decided_at(),
            late: entry.is_late(),
            balances: [self.sides[0].balances(), self.sides[1].balances()],
            checkpoint,
        })
    }
}

impl Side {
    fn balances(&self) -> Option<Balances> {
        match *self {
            Self::Closed(_) => None,
            Self::Open { balance, position, .. } => Some(Balances { account: balance, position }),
        }
    }
}

/// The payment that these bytes are the record of, and of nothing else.
fn settled_payment(record: &[u8]) -> Option<layout::Payment> {
    let mut records = Records::erased(record);
    let Ok(record) = records.next()? else { return None };
    let Command::Payment(payment) = record.command else { return None };
    records.next().is_none().then_some(*payment)
}

fn side_of(text: &SideText) -> Option<Side> {
    Some(match text {
        SideText::Closed { digest } => Side::Closed(array_from_hex(digest)?),
        SideText::Open { account_balance, position, key } => {
            Side::Open { balance: *account_balance, position: *position, key: array_from_hex(key)? }
        }
    })
}

fn side_text(side: &Side) -> SideText {
    match side {
        Side::Closed(digest) => SideText::Closed { digest: to_hex(digest) },
        Side::Open { balance, position, key } => {
            SideText::Open { account_balance: *balance, position: *position, key: to_hex(key) }
        }
    }
}
