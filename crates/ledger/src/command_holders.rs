//! Who holds an account, where that changes after the opening.

use types::{Sequence, Text};

use crate::AccountSelector;
use crate::command::RequestId;

/// An account's holders are these from now on, and none besides.
///
/// The ledger keeps no names: it decides that the account exists and is open, and the names stand in the log, sealed, for
/// those who derive a table from it.
#[derive(Clone, Debug)]
pub struct SetAccountHolders {
    /// The caller's name for this request.
    pub request_id: RequestId,
    /// Which account.
    pub account: AccountSelector,
    /// Who holds it, one to four names.
    pub holder_names: Vec<Text<140>>,
    /// A code of a legal person (LEI, VAT number), if the holder is one.
    pub identification: Option<Text<35>>,
    /// Where the names stood that this repeats, so that they outlast the key of that day. Such a command counts only if
    /// no other names have come since; `None` where the bank sets them.
    pub repeats: Option<Sequence>,
}
