//! What a participant may ask about its own money.

use types::{Amount, Bic, Currency, Text};

use super::{RequestId, stored_enum};

stored_enum! {
    /// One of the two accounts that a participant has in the settlement book of a currency.
    OwnAccount {
        /// Its position, which its payments use.
        Position = 1,
        /// Its technical account, which they do not use.
        Technical = 2,
    }
}

/// An account of a participant in the settlement book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedAccount {
    /// Whose.
    pub bic: Bic,
    /// Which.
    pub account: OwnAccount,
}

/// A participant moves money between its own position and its own technical account. The caller may name any two
/// accounts; the ledger refuses all other pairs.
#[derive(Clone, Debug)]
pub struct TransferOwnFunds {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// Where the money comes from.
    pub from: OwnedAccount,
    /// Where it goes.
    pub to: OwnedAccount,
    /// How much.
    pub amount: Amount,
    /// The currency of both.
    pub currency: Currency,
    /// The caller's reference, which stands beside the booking.
    pub reference: Text<35>,
}
