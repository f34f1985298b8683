//! Records about positions: golden bytes, and fields that hold what they can't.

use types::{Amount, Balance, Currency, Text};

use super::{account, bank, written};
use crate::{
    AccountMode, BlockTarget, Blocks, Bounds, Kind, OwnAccount, OwnedAccount, PartyLimit, RecordError,
    RecordWriter, Records, RequestId, SetBlock, SetPositionAlert, SetReachableParty, TransferOwnFunds,
};

/// One record of each kind, with every field that a caller can set.
pub(super) fn write(kind: Kind, request_id: RequestId, writer: &mut RecordWriter) {
    let balance = |minor_units| Balance::from_minor_units(minor_units);
    let amount = Amount::from_minor_units(123_456).unwrap();
    let (bic, currency) = (bank("A"), Currency::EUR);
    if kind == Kind::SetPositionAlert {
        let bounds = Bounds::new(balance(-700), balance(99_900)).unwrap();
        writer.set_position_alert(&SetPositionAlert { request_id, bic, currency, bounds });
    } else if kind == Kind::SetReachableParty {
        writer.set_reachable_party(&SetReachableParty {
            request_id,
            bic,
            name: Text::parse("Sparkasse Öhringen").unwrap(),
            mode: AccountMode::Remote,
            host: bank("B"),
            currency,
            limit: PartyLimit::upto(amount),
        });
    } else if kind == Kind::SetBlock {
        let target = BlockTarget::Account(account());
        writer.set_block(&SetBlock { request_id, target, blocks: Blocks::new(false, true) });
    } else {
        writer.transfer_own_funds(&TransferOwnFunds {
            request_id,
            from: OwnedAccount { bic, account: OwnAccount::Position },
            to: OwnedAccount { bic: bank("B"), account: OwnAccount::Technical },
            amount,
            currency,
            reference: Text::parse("OWN-1").unwrap(),
        });
    }
}

#[test]
fn impossible_fields_are_named() {
    for (kind, at, byte, field) in [
        (Kind::SetPositionAlert, 43, 4, "present"),
        (Kind::SetPositionAlert, 43, 1, "present"),
        (Kind::SetPositionAlert, 32, b'a', "bic"),
        (Kind::SetPositionAlert, 44, 1, "currency"),
        (Kind::SetPositionAlert, 46, 1, "reserved"),
        (Kind::SetReachableParty, 43, 9, "mode"),
        (Kind::SetReachableParty, 44, b'a', "bic"),
        (Kind::SetReachableParty, 55, 1, "limit"),
        (Kind::SetReachableParty, 71, 0x80, "limit"),
        (Kind::SetReachableParty, 58, 0, "name_length"),
        (Kind::SetReachableParty, 72, 0xFF, "name"),
        (Kind::SetReachableParty, 631, 1, "reserved"),
        (Kind::SetReachableParty, 632, 1, "reserved"),
        (Kind::SetBlock, 48, 1, "bic"),
        (Kind::SetBlock, 59, 5, "target"),
        (Kind::SetBlock, 59, 2, "bic"),
        (Kind::SetBlock, 60, 1, "currency"),
        (Kind::SetBlock, 62, 4, "blocks"),
        (Kind::SetBlock, 63, 1, "reserved"),
        (Kind::TransferOwnFunds, 39, 0x80, "amount"),
        (Kind::TransferOwnFunds, 51, 3, "from_account"),
        (Kind::TransferOwnFunds, 63, 0, "to_account"),
        (Kind::TransferOwnFunds, 71, 1, "reserved"),
    ] {
        let found = super::fault_with(&written(kind), 16 + at, byte);
        assert_eq!(found, Some(RecordError::Field(field)), "{kind:?} with {byte} at {at}");
    }
}

/// What a block is about says which fields count.
#[test]
fn blocks_of_each_sort_are_read() {
    let currency = Currency::EUR;
    for target in [
        BlockTarget::Participant(bank("A")),
        BlockTarget::Position(bank("A"), currency),
        BlockTarget::PartyLimit(bank("A"), currency),
        BlockTarget::Account(account()),
    ] {
        let mut writer = RecordWriter::new(super::key(), super::PRINCIPAL);
        let request_id = RequestId::parse("block").unwrap();
        writer.set_block(&SetBlock { request_id, target, blocks: Blocks::NONE });
        assert!(Records::erased(writer.records()).next().unwrap().is_ok(), "{target:?}");
    }
}

#[test]
fn commands_of_version_3_say_so() {
    for number in 60..=63 {
        let kind = Kind::from_number(number).unwrap();
        assert_eq!((kind.first_version(), written(kind).rules_version()), (3, 3), "{kind:?}");
    }
}
