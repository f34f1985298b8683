//! pacs.004.001.09: the payee's bank gives a payment back, which is the positive answer to a recall.
//!
//! The one reason of the scheme is `FOCR`: nobody returns what was not asked back. The money goes in the opposite
//! direction, while the details repeat the parties of the payment as they were.

use types::{Amount, Bic, Date, SettlementMethod, Text, Timestamp};

use crate::original::{write_original_details, write_original_group, write_original_ids};
use crate::pacs002::write_originator;
use crate::xml_write::XmlWriter;
use crate::{OriginalDetails, OriginalReferences, Originator, PACS004_NAMESPACE};

/// The reason of every return.
pub(crate) const FOLLOWING_CANCELLATION_REQUEST: &str = "FOCR";

/// The return of one settled payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentReturn {
    /// `GrpHdr/MsgId`.
    pub message_id: Text<35>,
    /// `GrpHdr/CreDtTm`.
    pub created_at: Timestamp,
    /// `GrpHdr/IntrBkSttlmDt`: the day on which the return is to settle.
    pub settlement_date: Date,
    /// `GrpHdr/SttlmInf/SttlmMtd`.
    pub settlement_method: SettlementMethod,
    /// `GrpHdr/InstgAgt`, the sender of this hop.
    pub instructing_agent: Option<Bic>,
    /// `GrpHdr/InstdAgt`, the receiver of this hop.
    pub instructed_agent: Option<Bic>,
    /// `RtrId`: the sender's identification of the return.
    pub return_id: Text<35>,
    /// The references of the payment.
    pub original: OriginalReferences,
    /// `OrgnlIntrBkSttlmAmt`, in euro.
    pub original_amount: Amount,
    /// `OrgnlIntrBkSttlmDt`, if it is given.
    pub original_settlement_date: Option<Date>,
    /// `RtrdIntrBkSttlmAmt`: what goes back. At most the original amount, and less by the fee if there is one.
    pub returned_amount: Amount,
    /// `RtrdInstdAmt`: what would go back without the fee, if it is given.
    pub returned_instructed_amount: Option<Amount>,
    /// `ChrgsInf`: what the payee's bank keeps.
    pub fee: Option<ReturnFee>,
    /// `RtrRsnInf/Orgtr`: who gives the money back.
    pub originator: Originator,
    /// `RtrRsnInf/AddtlInf`: the reference of the recall.
    pub recall_reference: Text<105>,
    /// The content of the payment.
    pub details: OriginalDetails,
}

/// What the payee's bank keeps for its trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReturnFee {
    /// `Amt`, in euro.
    pub amount: Amount,
    /// `Agt`: the bank that keeps it.
    pub agent: Bic,
}

impl PaymentReturn {
    /// The element whose amount contradicts the others, if one does: more must not go back than came, and what is
    /// missing is the fee, if there is one.
    pub fn contradiction(&self) -> Option<&'static str> {
        let (original, returned) = (self.original_amount.minor_units(), self.returned_amount.minor_units());
        let before_fee = self.returned_instructed_amount.map_or(original, Amount::minor_units);
        let fee = self.fee.map(|fee| fee.amount.minor_units());
        if returned > original {
            Some("RtrdIntrBkSttlmAmt")
        } else if before_fee > original || before_fee < returned {
            Some("RtrdInstdAmt")
        } else if fee.is_some_and(|fee| returned + fee != before_fee) {
            Some("ChrgsInf/Amt")
        } else {
            None
        }
    }
}

/// Writes a return.
///
/// # Panics
/// If its amounts contradict each other.
pub fn write_pacs004(payment_return: &PaymentReturn) -> String {
    assert_eq!(payment_return.contradiction(), None, "amounts of a return agree");
    let mut xml = XmlWriter::document(PACS004_NAMESPACE);
    xml.open("PmtRtr");
    xml.open("GrpHdr");
    xml.text("MsgId", &payment_return.message_id);
    xml.leaf("CreDtTm", &payment_return.created_at.to_string());
    xml.leaf("NbOfTxs", "1");
    xml.euro("TtlRtrdIntrBkSttlmAmt", payment_return.returned_amount);
    xml.leaf("IntrBkSttlmDt", &payment_return.settlement_date.to_string());
    xml.open("SttlmInf");
    xml.leaf("SttlmMtd", payment_return.settlement_method.code());
    xml.close();
    xml.agent("InstgAgt", payment_return.instructing_agent);
    xml.agent("InstdAgt", payment_return.instructed_agent);
    xml.close();
    write_transaction(&mut xml, payment_return);
    xml.close();
    xml.finish()
}

fn write_transaction(xml: &mut XmlWriter, payment_return: &PaymentReturn) {
    xml.open("TxInf");
    xml.text("RtrId", &payment_return.return_id);
    write_original_group(xml, &payment_return.original);
    write_original_ids(xml, &payment_return.original);
    xml.optional_text("OrgnlUETR", payment_return.original.uetr.as_ref());
    xml.euro("OrgnlIntrBkSttlmAmt", payment_return.original_amount);
    if let Some(date) = payment_return.original_settlement_date {
        xml.leaf("OrgnlIntrBkSttlmDt", &date.to_string());
    }
    xml.euro("RtrdIntrBkSttlmAmt", payment_return.returned_amount);
    if let Some(amount) = payment_return.returned_instructed_amount {
        xml.euro("RtrdInstdAmt", amount);
    }
    xml.leaf("ChrgBr", "SLEV");
    if let Some(fee) = payment_return.fee {
        xml.open("ChrgsInf");
        xml.euro("Amt", fee.amount);
        xml.agent("Agt", Some(fee.agent));
        xml.close();
    }
    xml.open("RtrRsnInf");
    write_originator(xml, Some(&payment_return.originator));
    xml.open("Rsn");
    xml.leaf("Cd", FOLLOWING_CANCELLATION_REQUEST);
    xml.close();
    xml.text("AddtlInf", &payment_return.recall_reference);
    xml.close();
    write_original_details(xml, &payment_return.details);
    xml.close();
}
