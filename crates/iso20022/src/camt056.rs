//! camt.056.001.08: the payer's bank, or the payer through it, asks for a settled payment back.
//!
//! One document asks for one payment, as one pacs.008 carries one.

use types::{Amount, Date, RecallReason, Text};

use crate::original::{write_assignment, write_original_details, write_original_group, write_original_ids};
use crate::pacs002::write_originator;
use crate::xml_write::XmlWriter;
use crate::{Assignment, CAMT056_NAMESPACE, OriginalDetails, OriginalReferences, Originator};

/// A request to give one settled payment back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recall {
    /// `Assgnmt`: the hop.
    pub assignment: Assignment,
    /// `CxlId`: the sender's identification of the request.
    pub cancellation_id: Text<35>,
    /// The references of the payment.
    pub original: OriginalReferences,
    /// `OrgnlIntrBkSttlmAmt`, in euro. It has to be the payment's.
    pub original_amount: Amount,
    /// `OrgnlIntrBkSttlmDt`. It has to be the payment's.
    pub original_settlement_date: Date,
    /// `CxlRsnInf/Orgtr`: a bank for the reasons of a bank, a customer for those of a customer.
    pub originator: Originator,
    /// `CxlRsnInf/Rsn/Cd`.
    pub reason: RecallReason,
    /// `CxlRsnInf/AddtlInf`, at most [`ADDITIONAL_INFORMATION_MAX`](crate::limits::ADDITIONAL_INFORMATION_MAX).
    pub additional_information: Vec<Text<105>>,
    /// The content of the payment.
    pub details: OriginalDetails,
}

/// Writes a recall.
///
/// # Panics
/// If the assignment does not name both banks.
pub fn write_camt056(recall: &Recall) -> String {
    let mut xml = XmlWriter::document(CAMT056_NAMESPACE);
    xml.open("FIToFIPmtCxlReq");
    write_assignment(&mut xml, &recall.assignment);
    xml.open("CtrlData");
    xml.leaf("NbOfTxs", "1");
    xml.close();
    xml.open("Undrlyg");
    xml.open("TxInf");
    xml.text("CxlId", &recall.cancellation_id);
    write_original_group(&mut xml, &recall.original);
    write_original_ids(&mut xml, &recall.original);
    xml.optional_text("OrgnlUETR", recall.original.uetr.as_ref());
    xml.euro("OrgnlIntrBkSttlmAmt", recall.original_amount);
    xml.leaf("OrgnlIntrBkSttlmDt", &recall.original_settlement_date.to_string());
    xml.open("CxlRsnInf");
    write_originator(&mut xml, Some(&recall.originator));
    xml.open("Rsn");
    xml.leaf("Cd", recall.reason.as_str());
    xml.close();
    for text in &recall.additional_information {
        xml.text("AddtlInf", text);
    }
    xml.close();
    write_original_details(&mut xml, &recall.details);
    xml.close();
    xml.close();
    xml.close();
    xml.finish()
}
