//! What the fields of commands about positions may hold.

use super::{Check, amount, bic, currency, holds, zero};
use crate::alerts::Bounds;
use crate::reachable::PartyLimit;
use crate::{AccountMode, Blocks, OwnAccount, layout};

pub(super) fn check_position_alert(set: &layout::SetPositionAlert) -> Check {
    bic(set.bic)?;
    currency(set.currency.get())?;
    let bounds = Bounds::from_stored(set.present, set.floor.get(), set.ceiling.get());
    holds(bounds.is_some(), "present")?;
    zero(&set.reserved)
}

pub(super) fn check_reachable_party(set: &layout::SetReachableParty) -> Check {
    bic(set.bic)?;
    bic(set.host)?;
    holds(AccountMode::from_number(set.mode).is_some(), "mode")?;
    currency(set.currency.get())?;
    holds(PartyLimit::from_stored(set.limit_kind, set.limit.get()).is_some(), "limit")?;
    let length = usize::from(set.name_length.get());
    holds((1..=set.name.len()).contains(&length), "name_length")?;
    holds(std::str::from_utf8(&set.name[..length]).is_ok(), "name")?;
    zero(&set.name[length..])?;
    zero(&set.reserved)?;
    zero(&set.reserved_end)
}

/// Which fields count depends on what is blocked; the others are zero.
pub(super) fn check_block(set: &layout::SetBlock) -> Check {
    holds((1..=4).contains(&set.target), "target")?;
    let is_account = set.target == layout::BLOCK_ACCOUNT;
    match is_account {
        true => holds(set.bic == [0; 11], "bic")?,
        false => {
            bic(set.bic)?;
            holds(set.iban_digest == [0; 16], "iban_digest")?;
        }
    }
    match set.target == layout::BLOCK_PARTICIPANT {
        true => holds(set.currency.get() == 0, "currency")?,
        false => currency(set.currency.get())?,
    }
    holds(Blocks::from_number(set.blocks).is_some(), "blocks")?;
    zero(&[set.reserved])
}

pub(super) fn check_own_funds(transfer: &layout::TransferOwnFunds) -> Check {
    amount(transfer.amount.get())?;
    bic(transfer.from_bic)?;
    bic(transfer.to_bic)?;
    holds(OwnAccount::from_number(transfer.from_account).is_some(), "from_account")?;
    holds(OwnAccount::from_number(transfer.to_account).is_some(), "to_account")?;
    currency(transfer.currency.get())?;
    zero(&transfer.reserved)
}
