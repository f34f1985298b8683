//! Writing the commands about positions.

use super::RecordWriter;
use crate::{BlockTarget, Kind, SetBlock, SetPositionAlert, SetReachableParty, TransferOwnFunds, layout};

impl RecordWriter {
    /// From when on a bank hears of its position.
    pub fn set_position_alert(&mut self, command: &SetPositionAlert) {
        let (present, floor, ceiling) = command.bounds.stored();
        let mut record = layout::SetPositionAlert {
            request: self.request(&command.request_id),
            bic: *command.bic.as_bytes(),
            present,
            currency: command.currency.number().into(),
            reserved: [0; 2],
            floor: floor.into(),
            ceiling: ceiling.into(),
        };
        record.request.body_digest = self.body(Kind::SetPositionAlert, &record, &[]);
        self.push(Kind::SetPositionAlert, &record, &[]);
    }

    /// A bank becomes reachable over a participant's position, or its limit there is changed.
    pub fn set_reachable_party(&mut self, command: &SetReachableParty) {
        let text = command.name.as_str().as_bytes();
        let mut name = [0; 560];
        name[..text.len()].copy_from_slice(text);
        let (limit_kind, limit) = command.limit.stored();
        let mut record = layout::SetReachableParty {
            request: self.request(&command.request_id),
            bic: *command.bic.as_bytes(),
            mode: command.mode.number(),
            host: *command.host.as_bytes(),
            limit_kind,
            currency: command.currency.number().into(),
            name_length: u16::try_from(text.len()).expect("a name has at most 560 bytes").into(),
            reserved: [0; 4],
            limit: limit.into(),
            name,
            reserved_end: [0; 8],
        };
        record.request.body_digest = self.body(Kind::SetReachableParty, &record, &[]);
        self.push(Kind::SetReachableParty, &record, &[]);
    }

    /// Something takes no debits, no credits, neither, or both again.
    pub fn set_block(&mut self, command: &SetBlock) {
        let mut record = layout::SetBlock {
            request: self.request(&command.request_id),
            iban_digest: [0; 16],
            bic: [0; 11],
            target: layout::BLOCK_PARTICIPANT,
            currency: 0.into(),
            blocks: command.blocks.number(),
            reserved: 0,
        };
        let (target, bic, currency) = match command.target {
            BlockTarget::Participant(bic) => (layout::BLOCK_PARTICIPANT, Some(bic), None),
            BlockTarget::Position(bic, currency) => (layout::BLOCK_POSITION, Some(bic), Some(currency)),
            BlockTarget::PartyLimit(bic, currency) => (layout::BLOCK_LIMIT, Some(bic), Some(currency)),
            BlockTarget::Account(account) => {
                record.iban_digest = self.key.iban(account.iban.as_str()).0;
                (layout::BLOCK_ACCOUNT, None, Some(account.currency))
            }
        };
        record.target = target;
        record.bic = bic.map_or([0; 11], |bic| *bic.as_bytes());
        record.currency = currency.map_or(0, |currency| currency.number()).into();
        record.request.body_digest = self.body(Kind::SetBlock, &record, &[]);
        self.push(Kind::SetBlock, &record, &[]);
    }

    /// A participant moves money between two of its own accounts.
    pub fn transfer_own_funds(&mut self, command: &TransferOwnFunds) {
        let text = command.reference.as_str().as_bytes();
        let mut record = layout::TransferOwnFunds {
            request: self.request(&command.request_id),
            amount: command.amount.minor_units().into(),
            from_bic: *command.from.bic.as_bytes(),
            from_account: command.from.account.number(),
            to_bic: *command.to.bic.as_bytes(),
            to_account: command.to.account.number(),
            currency: command.currency.number().into(),
            reserved: [0; 6],
        };
        record.request.body_digest = self.body(Kind::TransferOwnFunds, &record, text);
        self.push(Kind::TransferOwnFunds, &record, text);
    }
}
