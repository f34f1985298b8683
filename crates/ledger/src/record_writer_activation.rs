//! Writing what is said about which accounts take part, and into payments what holds of theirs.

use types::OrderText;
use zerocopy::{FromBytes, FromZeros};

use super::RecordWriter;
use crate::{ActivationTable, Kind, SetActivation, layout};

impl RecordWriter {
    /// Accounts of a bank take part in payments, or do not.
    pub fn set_activation(&mut self, command: &SetActivation) {
        let text = command.reason.as_str().as_bytes();
        let mut record = layout::SetActivation::new_zeroed();
        record.request = self.request(&command.request_id);
        record.bic = *command.bank.as_bytes();
        record.is_active = command.is_active.into();
        if let Some(range) = &command.range {
            range.write(&mut record);
        }
        record.request.body_digest = self.body(Kind::SetActivation, &record, text);
        self.push(Kind::SetActivation, &record, text);
    }

    /// Writes into each payment which of its accounts take no part by this table, and by which table that is. What was
    /// written there before counts no more.
    pub fn stamp_activation(&mut self, table: &ActivationTable) {
        if table.number() == 0 {
            return;
        }
        let (mut records, mut texts) = (self.records.as_mut_slice(), self.texts.as_slice());
        while !records.is_empty() {
            let (header, _) = layout::Header::ref_from_prefix(records).expect(OWN);
            let length = usize::try_from(header.length.get()).expect("records are small");
            let text_length = usize::try_from(header.text_length.get()).expect("texts are small");
            let (record, behind) = records.split_at_mut(length);
            let (text, texts_behind) = texts.split_at(text_length);
            (records, texts) = (behind, texts_behind);
            let (header, structure) = layout::Header::mut_from_prefix(record).expect(OWN);
            if header.kind.get() == Kind::Payment.number() {
                let (payment, _) = layout::Payment::mut_from_prefix(structure).expect(OWN);
                payment.activation = table.number().into();
                payment.inactive = inactive(payment, text, table);
                header.version = layout::PAYMENT_VERSION_ORDER.into();
            }
        }
    }
}

const OWN: &str = "a record that this program wrote";

/// Which accounts of a payment take no part: 1 the payer's, 2 the payee's.
fn inactive(payment: &layout::Payment, text: &[u8], table: &ActivationTable) -> u8 {
    let banks = [payment.key.bank(), payment.creditor_bank()];
    if !banks.iter().any(|bank| table.mentions(*bank)) {
        return 0;
    }
    let accounts = OrderText::accounts(text).expect("a payment's texts that this program wrote");
    let sides =
        banks.iter().zip(&accounts).zip([layout::PAYMENT_DEBTOR_INACTIVE, layout::PAYMENT_CREDITOR_INACTIVE]);
    sides.filter(|((bank, account), _)| !table.is_active(**bank, account)).map(|(_, bit)| bit).sum()
}
