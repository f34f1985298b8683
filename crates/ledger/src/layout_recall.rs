//! The stored form of recalls and of the answers to them.

use zerocopy::little_endian::{I64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Request;

stored! {
    /// A payment as the log or its archive tells it: what the core does not hold for as long as it can be recalled.
    Original[104] {
        /// Its position.
        payment: U64,
        /// The life of the log in which it entered.
        incarnation: U64,
        /// The position that decided.
        decided_at: U64,
        /// The log time of the decision, in nanoseconds since 1970.
        decided_time: I64,
        /// Minor units.
        amount: I64,
        /// Digest of the payer's account number.
        debtor_account_digest: [u8; 16],
        /// Digest of the payee's account number.
        creditor_account_digest: [u8; 16],
        /// The payer's bank.
        debtor_agent: [u8; 11],
        /// The payee's bank.
        creditor_agent: [u8; 11],
        /// ISO 4217 number.
        currency: U16,
        /// `types::PaymentState`.
        state: u8,
        /// Zero.
        reserved: [u8; 7],
    }
}

stored! {
    /// [`crate::RequestRecall`]; the text is a [`crate::RecallText`].
    RequestRecall[144] {
        /// Id and body.
        request: Request,
        /// The payment that is asked back.
        original: Original,
        /// [`types::RecallReason`] as its code.
        reason: [u8; 4],
        /// Zero.
        reserved: [u8; 4],
    }
}

stored! {
    /// [`crate::AnswerRecall`]; the text is a [`crate::RecallText`].
    AnswerRecall[104] {
        /// Id and body.
        request: Request,
        /// The position of the recall.
        recall: U64,
        /// The position of the payment that it asks back.
        payment: U64,
        /// What goes back, in minor units; 0 if nothing does.
        amount: I64,
        /// What the payee's bank keeps for itself, in minor units.
        fee: I64,
        /// The payer's account, if it is kept here, else 0. What is said of the recalled payment here is what the core
        /// knows of it: whoever reads the log needs to look nowhere else for what a return books.
        debtor_account: U32,
        /// The payee's account, if it is kept here, else 0.
        creditor_account: U32,
        /// The payer's bank.
        debtor_agent: [u8; 11],
        /// The payee's bank, which answers.
        bic: [u8; 11],
        /// ISO 4217 number.
        currency: U16,
        /// 1 the money goes back, 2 it does not, 3 the time for an answer is over.
        answer: u8,
        /// Why nothing goes back; zeros if something does.
        code: [u8; 4],
        /// 1 if the payee agreed, else 0.
        consent: u8,
        /// 1 if the payer's account takes no bookings, so that its bank gets the money otherwise; else 0.
        elsewhere: u8,
        /// Zero.
        reserved: u8,
    }
}

stored! {
    /// [`crate::SetRecallPolicy`]. No text.
    SetRecallPolicy[48] {
        /// Id and body.
        request: Request,
        /// The bank.
        bic: [u8; 11],
        /// 1 if its silence is answered for it at the end of the time, else 0.
        is_silence_answered: u8,
        /// Zero.
        reserved: [u8; 4],
    }
}
