//! Writing the command about an account's holders.

use super::RecordWriter;
use crate::{AccountText, Kind, SetAccountHolders, layout};

impl RecordWriter {
    /// An account's holders are these from now on.
    pub fn set_account_holders(&mut self, command: &SetAccountHolders) {
        let text = AccountText {
            iban: command.account.iban,
            holder_names: command.holder_names.clone(),
            identification: command.identification.clone(),
        };
        let text = text.encode();
        let mut record = layout::SetAccountHolders {
            request: self.request(&command.request_id),
            iban_digest: self.key.iban(command.account.iban.as_str()).0,
            repeats: command.repeats.map_or(0, |position| position.0).into(),
            currency: command.account.currency.number().into(),
            reserved: [0; 6],
        };
        record.request.body_digest = self.body(Kind::SetAccountHolders, &record, &text);
        self.push(Kind::SetAccountHolders, &record, &text);
    }
}
