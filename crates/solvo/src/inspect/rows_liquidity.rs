//! What records about positions say, and which bounds an outcome crossed.

use ledger::{AccountMode, Alerts, Blocks, Command, OutcomeEntry, OwnAccount, layout};

use super::{amount, balance, bic, currency, digest, named, request};
use crate::inspect::fields::Fields;

/// What the structure of a record about positions says.
pub(super) fn record(fields: Fields, command: Command<'_>) -> Fields {
    if let Command::SetPositionAlert(it) = command {
        let bound =
            |bit, minor_units| (it.present & bit != 0).then(|| balance(minor_units, it.currency.get()));
        return request(fields, &it.request)
            .with("bic", bic(it.bic))
            .with_some("floor", bound(1, it.floor.get()))
            .with_some("ceiling", bound(2, it.ceiling.get()))
            .with("currency", currency(it.currency.get()).code());
    }
    if let Command::SetReachableParty(it) = command {
        let name = &it.name[..usize::from(it.name_length.get())];
        let limit = match it.limit_kind {
            1 => "unlimited".to_owned(),
            _ => balance(it.limit.get(), it.currency.get()),
        };
        return request(fields, &it.request)
            .with("bic", bic(it.bic))
            .with("name", String::from_utf8_lossy(name).into_owned())
            .with("mode", named(AccountMode::from_number(it.mode)))
            .with("host", bic(it.host))
            .with("limit", limit)
            .with("currency", currency(it.currency.get()).code());
    }
    if let Command::SetBlock(it) = command {
        return block(fields, it);
    }
    let Command::TransferOwnFunds(it) = command else { return fields };
    request(fields, &it.request)
        .with("from_bic", bic(it.from_bic))
        .with("from", named(OwnAccount::from_number(it.from_account)))
        .with("to_bic", bic(it.to_bic))
        .with("to", named(OwnAccount::from_number(it.to_account)))
        .with("amount", amount(it.amount.get(), it.currency.get()))
        .with("currency", currency(it.currency.get()).code())
}

fn block(fields: Fields, it: &layout::SetBlock) -> Fields {
    let target = match it.target {
        layout::BLOCK_PARTICIPANT => "participant",
        layout::BLOCK_POSITION => "position",
        layout::BLOCK_LIMIT => "limit",
        _ => "account",
    };
    let is_account = it.target == layout::BLOCK_ACCOUNT;
    let has_currency = it.target != layout::BLOCK_PARTICIPANT;
    let blocks = match Blocks::from_number(it.blocks).unwrap_or_default().number() {
        0 => "none",
        1 => "debit",
        2 => "credit",
        _ => "both",
    };
    request(fields, &it.request)
        .with("target", target)
        .with("blocks", blocks)
        .with_some("bic", (!is_account).then(|| bic(it.bic)))
        .with_some("currency", has_currency.then(|| currency(it.currency.get()).code()))
        .with_some("iban_digest", is_account.then(|| digest(it.iban_digest)))
}

/// Which bounds an outcome says that it crossed.
pub(super) fn crossed(entry: &OutcomeEntry) -> Option<String> {
    let names = [
        (Alerts::POSITION_FELL, "position_floor"),
        (Alerts::POSITION_ROSE, "position_ceiling"),
        (Alerts::HEADROOM_FELL, "headroom_floor"),
        (Alerts::HEADROOM_ROSE, "headroom_ceiling"),
    ];
    let told = names.into_iter().filter(|(alert, _)| entry.alerts().has(*alert));
    let names: Vec<_> = told.map(|(_, name)| name).collect();
    (!names.is_empty()).then(|| names.join(" "))
}
