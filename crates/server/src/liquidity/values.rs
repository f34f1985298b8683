//! Wire messages about positions to commands, and back.

use client::convert::{FieldReader, Path};
use client::v1;
use client::v1::set_block_request::Target;
use ledger::{
    AccountMode, AccountSelector, BlockTarget, Blocks, Bounds, OwnAccount, OwnedAccount, PartyLimit,
    ReachableParty, SetBlock, SetPositionAlert, SetReachableParty, TransferOwnFunds,
};
use tonic::Status;
use types::{Balance, Bic, Currency};

use crate::refusals::invalid;
use crate::values::{decimal, decimal_sum, request_id, wire_block};

pub(super) fn read_own_funds(wire: &v1::TransferOwnFundsRequest) -> Result<TransferOwnFunds, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let from = read_owned(&mut reader, &Path::root("from"), wire.from.as_ref());
    let to = read_owned(&mut reader, &Path::root("to"), wire.to.as_ref());
    let money = reader.money(&Path::root("amount"), wire.amount.as_ref());
    let reference = reader.identifier(&Path::root("reference"), &wire.reference);
    let command = (|| {
        let (amount, currency) = money?;
        let (request_id, from, to, reference) = (request_id?, from?, to?, reference?);
        Some(TransferOwnFunds { request_id, from, to, amount, currency, reference })
    })();
    reader.finish(command).map_err(invalid)
}

fn read_owned(
    reader: &mut FieldReader,
    path: &Path<'_>,
    wire: Option<&v1::OwnAccount>,
) -> Option<OwnedAccount> {
    let wire = reader.message(path, wire)?;
    let bic = reader.bic(&path.field("bic"), &wire.bic);
    let account = match wire.r#type() {
        v1::OwnAccountType::Position => Some(OwnAccount::Position),
        v1::OwnAccountType::Technical => Some(OwnAccount::Technical),
        v1::OwnAccountType::Unspecified => {
            reader.missing(&path.field("type"));
            None
        }
    };
    Some(OwnedAccount { bic: bic?, account: account? })
}

pub(super) fn read_alert(wire: &v1::SetPositionAlertRequest) -> Result<SetPositionAlert, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let bic = reader.bic(&Path::root("bic"), &wire.bic);
    let currency = reader.currency(&Path::root("currency_code"), &wire.currency_code);
    let bounds = currency.and_then(|currency| read_bounds(&mut reader, wire.bounds.as_ref(), currency));
    let command = (|| {
        let (request_id, bic) = (request_id?, bic?);
        Some(SetPositionAlert { request_id, bic, currency: currency?, bounds: bounds? })
    })();
    reader.finish(command).map_err(invalid)
}

fn read_bounds(
    reader: &mut FieldReader,
    wire: Option<&v1::AlertBounds>,
    currency: Currency,
) -> Option<Bounds> {
    let Some(wire) = wire else { return Some(Bounds::NONE) };
    let path = Path::root("bounds");
    let mut bound = |name, text: &Option<String>| -> Option<Option<Balance>> {
        let Some(text) = text else { return Some(None) };
        read_balance(reader, &path.field(name), text, currency).map(Some)
    };
    let (floor, ceiling) = (bound("floor", &wire.floor), bound("ceiling", &wire.ceiling));
    let bounds = Bounds::new(floor?, ceiling?);
    if bounds.is_none() {
        reader.violation(&path.field("ceiling"), "above the floor");
    }
    bounds
}

/// A decimal that is there, even if it is empty.
fn read_balance(
    reader: &mut FieldReader,
    path: &Path<'_>,
    text: &str,
    currency: Currency,
) -> Option<Balance> {
    if text.is_empty() {
        reader.missing(path);
        return None;
    }
    reader.optional_balance(path, text, currency)
}

pub(super) fn read_party(wire: &v1::SetReachablePartyRequest) -> Result<SetReachableParty, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let bic = reader.bic(&Path::root("bic"), &wire.bic);
    let name = reader.text(&Path::root("name"), &wire.name);
    let mode = match wire.account_mode() {
        v1::AccountMode::Hosted => Some(AccountMode::Hosted),
        v1::AccountMode::Remote => Some(AccountMode::Remote),
        v1::AccountMode::Mixed => Some(AccountMode::Mixed),
        v1::AccountMode::Unspecified => {
            reader.missing(&Path::root("account_mode"));
            None
        }
    };
    let host = reader.bic(&Path::root("host"), &wire.host);
    let currency = reader.currency(&Path::root("currency_code"), &wire.currency_code);
    let limit = currency.and_then(|currency| read_limit(&mut reader, wire.limit.as_deref(), currency));
    let command = (|| {
        let (request_id, bic, name, mode) = (request_id?, bic?, name?, mode?);
        let (host, currency, limit) = (host?, currency?, limit?);
        Some(SetReachableParty { request_id, bic, name, mode, host, currency, limit })
    })();
    reader.finish(command).map_err(invalid)
}

fn read_limit(reader: &mut FieldReader, wire: Option<&str>, currency: Currency) -> Option<PartyLimit> {
    let Some(text) = wire else { return Some(PartyLimit::Unlimited) };
    let path = Path::root("limit");
    let limit = read_balance(reader, &path, text, currency)?;
    if limit.minor_units() < 0 {
        reader.violation(&path, "from zero on");
        return None;
    }
    Some(PartyLimit::Upto(limit.minor_units()))
}

pub(super) fn read_block(wire: &v1::SetBlockRequest) -> Result<SetBlock, Status> {
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &wire.request_id);
    let target = read_target(&mut reader, wire.target.as_ref());
    let blocks = match wire.block() {
        v1::Block::Unspecified => Blocks::NONE,
        v1::Block::Debit => Blocks::new(true, false),
        v1::Block::Credit => Blocks::new(false, true),
        v1::Block::Both => Blocks::new(true, true),
    };
    let command = (|| Some(SetBlock { request_id: request_id?, target: target?, blocks }))();
    reader.finish(command).map_err(invalid)
}

fn read_target(reader: &mut FieldReader, wire: Option<&Target>) -> Option<BlockTarget> {
    let named = |reader: &mut FieldReader, path: &Path<'_>, name: &v1::PositionName| {
        let bic = reader.bic(&path.field("bic"), &name.bic);
        let currency = reader.currency(&path.field("currency_code"), &name.currency_code);
        bic.zip(currency)
    };
    match wire {
        Some(Target::Participant(bic)) => {
            reader.bic(&Path::root("participant"), bic).map(BlockTarget::Participant)
        }
        Some(Target::Position(name)) => {
            let found = named(reader, &Path::root("position"), name);
            found.map(|(bic, currency)| BlockTarget::Position(bic, currency))
        }
        Some(Target::PartyLimit(name)) => {
            let found = named(reader, &Path::root("party_limit"), name);
            found.map(|(bic, currency)| BlockTarget::PartyLimit(bic, currency))
        }
        Some(Target::Account(name)) => {
            let path = Path::root("account");
            let iban = reader.iban(&path.field("iban"), &name.iban);
            let currency = reader.currency(&path.field("currency_code"), &name.currency_code);
            Some(BlockTarget::Account(AccountSelector { iban: iban?, currency: currency? }))
        }
        None => {
            reader.missing(&Path::root("target"));
            None
        }
    }
}

/// Absent if there are none.
pub(super) fn wire_bounds(bounds: Bounds, currency: Currency) -> Option<v1::AlertBounds> {
    let [floor, ceiling] =
        [bounds.floor(), bounds.ceiling()].map(|bound| bound.map(|bound| decimal(bound, currency)));
    (bounds != Bounds::NONE).then_some(v1::AlertBounds { floor, ceiling })
}

pub(super) fn wire_party(party: &ReachableParty, bic: Bic, host: Bic) -> v1::ReachableParty {
    let currency = party.currency();
    let limit = match party.limit() {
        PartyLimit::Unlimited => None,
        PartyLimit::Upto(limit) => Some(decimal(limit, currency)),
    };
    v1::ReachableParty {
        bic: bic.to_string(),
        host: host.to_string(),
        currency_code: currency.code().to_owned(),
        limit,
        utilisation: decimal(party.utilisation(), currency),
        headroom: party.headroom().map(|headroom| decimal_sum(headroom.into(), currency)),
        reserved: decimal(party.reserved(), currency),
        alert: wire_bounds(party.bounds(), currency),
        block: wire_block(party.blocks()).into(),
    }
}
