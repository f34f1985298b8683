//! A payment order with nothing uncommon in it, still lying in the message that it came in.
//!
//! Most payments name two accounts, two parties, an amount and a line of text. Such an order goes from the
//! wire into the log without memory of its own; any other is a [`PaymentOrder`].
//!
//! Invariant: a plain order and the payment order that it stands for have the same stored texts.

use crate::{
    Amount, Bic, Currency, Iban, MandatoryParts, OrderText, Party, PaymentOrder, Remittance, TextRef,
    Timestamp,
};

/// One credit transfer. The fields are those of [`PaymentOrder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainOrder<'message> {
    /// The payer's reference.
    pub end_to_end_id: TextRef<'message, 35>,
    /// The payer's bank's reference. With the payer's bank it is the duplicate key.
    pub transaction_id: TextRef<'message, 35>,
    /// The amount.
    pub amount: Amount,
    /// The amount's currency.
    pub currency: Currency,
    /// The time of receipt, which starts the clock. Absent when Solvo stamps it.
    pub acceptance_time: Option<Timestamp>,
    /// The purpose, an ISO code of one to four characters.
    pub purpose: Option<TextRef<'message, 4>>,
    /// The payer's name.
    pub debtor_name: TextRef<'message, 140>,
    /// The payer's account.
    pub debtor_account: Iban,
    /// The payer's bank.
    pub debtor_agent: Bic,
    /// The payee's bank.
    pub creditor_agent: Bic,
    /// The payee's name.
    pub creditor_name: TextRef<'message, 140>,
    /// The payee's account.
    pub creditor_account: Iban,
    /// What the payment is for, in free text.
    pub unstructured: Option<TextRef<'message, 140>>,
}

/// The parts of a plain order that its fixed record holds.
#[derive(Clone, Copy, Debug)]
pub struct PlainParts<'message> {
    /// The payer's bank.
    pub debtor_agent: Bic,
    /// The payee's bank.
    pub creditor_agent: Bic,
    /// The payer's bank's reference.
    pub transaction_id: TextRef<'message, 35>,
    /// The amount.
    pub amount: Amount,
    /// The amount's currency.
    pub currency: Currency,
    /// The acceptance time, unless Solvo stamped it.
    pub acceptance_time: Option<Timestamp>,
}

impl<'message> PlainOrder<'message> {
    /// Reads an order back from its stored texts and the parts that its record holds, without memory of its own.
    /// `None` if there is something uncommon in it, or the texts can't be read: [`OrderText::decode`] tells which.
    pub fn from_text(text: &'message [u8], parts: PlainParts<'message>) -> Option<Self> {
        OrderText::decode_plain(text, parts)
    }
}

impl PlainOrder<'_> {
    /// Appends the order's texts, all of which are its body, as [`OrderText::encode`] writes them.
    pub fn append_text(&self, bytes: &mut Vec<u8>) {
        OrderText::append_plain(self, bytes);
    }

    /// The same order in memory of its own.
    pub fn to_order(&self) -> PaymentOrder {
        let party = |name: TextRef<'_, 140>| Party { name: Some(name.to_text()), ..Party::default() };
        let mandatory = MandatoryParts {
            end_to_end_id: self.end_to_end_id.to_text(),
            transaction_id: self.transaction_id.to_text(),
            amount: self.amount,
            currency: self.currency,
            debtor: party(self.debtor_name),
            debtor_account: self.debtor_account,
            debtor_agent: self.debtor_agent,
            creditor_agent: self.creditor_agent,
            creditor: party(self.creditor_name),
            creditor_account: self.creditor_account,
        };
        PaymentOrder {
            acceptance_time: self.acceptance_time,
            purpose: self.purpose.map(TextRef::to_text),
            remittance: self.unstructured.map(|text| Remittance::Unstructured(text.to_text())),
            ..mandatory.into_order()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_order_is_stored_like_the_order_that_it_stands_for() {
        let order = PlainOrder {
            end_to_end_id: TextRef::parse_identifier("E2E").unwrap(),
            transaction_id: TextRef::parse_identifier("T1").unwrap(),
            amount: Amount::from_minor_units(1).unwrap(),
            currency: Currency::EUR,
            acceptance_time: None,
            purpose: None,
            debtor_name: TextRef::parse("Anna Peeters").unwrap(),
            debtor_account: Iban::parse("BE68539007547034").unwrap(),
            debtor_agent: Bic::parse("SLVOBEBB").unwrap(),
            creditor_agent: Bic::parse("SLVODEFF").unwrap(),
            creditor_name: TextRef::parse("Jürgen Weber").unwrap(),
            creditor_account: Iban::parse("DE89370400440532013000").unwrap(),
            unstructured: None,
        };
        let with_purpose = PlainOrder { purpose: Some(TextRef::parse("SALA").unwrap()), ..order };
        let with_text = PlainOrder { unstructured: Some(TextRef::parse("Thanks").unwrap()), ..with_purpose };
        for order in [order, with_purpose, with_text] {
            let mut bytes = b"before".to_vec();
            order.append_text(&mut bytes);
            let stored = OrderText::encode(&order.to_order());
            assert_eq!(bytes.strip_prefix(b"before"), Some(stored.bytes.as_slice()));
            assert_eq!(stored.body_offset, 0);
            let parts = PlainParts {
                debtor_agent: order.debtor_agent,
                creditor_agent: order.creditor_agent,
                transaction_id: order.transaction_id,
                amount: order.amount,
                currency: order.currency,
                acceptance_time: order.acceptance_time,
            };
            assert_eq!(PlainOrder::from_text(&stored.bytes, parts), Some(order));
            let uncommon =
                PaymentOrder { uetr: Some(TextRef::parse("U").unwrap().to_text()), ..order.to_order() };
            assert_eq!(PlainOrder::from_text(&OrderText::encode(&uncommon).bytes, parts), None);
            assert_eq!(PlainOrder::from_text(&stored.bytes[..stored.bytes.len() - 1], parts), None);
            assert_eq!(PlainOrder::from_text(&[], parts), None, "erased");
        }
    }
}
