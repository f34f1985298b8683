//! What messages about a settled payment repeat of it: recalls, returns, answers and enquiries.
//!
//! The references and the payer's bank find the payment. The rest is a copy for those who have to decide without
//! looking it up; the ledger goes by the original in its log.

use types::{
    Bic, CategoryPurpose, Iban, Party, PaymentOrder, Proxy, Remittance, SettlementMethod, Text, Timestamp,
};

use crate::NOT_PROVIDED;
use crate::pacs002::ORIGINAL_MESSAGE_NAME;
use crate::pacs008_write::{write_account, write_party, write_remittance};
use crate::xml_write::XmlWriter;

/// Who sends a recall or an answer to one, to whom, and when: `Assgnmt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// `Id`: the message's own identification.
    pub id: Text<35>,
    /// `Assgnr`: the sender of this hop, if it is named by its BIC.
    pub assigner: Option<Bic>,
    /// `Assgne`: the receiver of this hop, if it is named by its BIC.
    pub assignee: Option<Bic>,
    /// `CreDtTm`.
    pub created_at: Timestamp,
}

/// The references of a credit transfer, in a message about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginalReferences {
    /// `OrgnlGrpInf/OrgnlMsgId`: the `MsgId` of the credit transfer, or [`NOT_PROVIDED`].
    pub message_id: Text<35>,
    /// `OrgnlInstrId`, if the original had one.
    pub instruction_id: Option<Text<35>>,
    /// `OrgnlEndToEndId`.
    pub end_to_end_id: Text<35>,
    /// `OrgnlTxId`; with the payer's bank the key of the payment.
    pub transaction_id: Text<35>,
    /// `OrgnlUETR`, if the original had one.
    pub uetr: Option<Text<36>>,
}

impl OriginalReferences {
    /// The references of an order.
    pub fn of(order: &PaymentOrder) -> Self {
        let not_provided = || Text::parse(NOT_PROVIDED).expect("eleven letters");
        Self {
            message_id: order.message_id.clone().unwrap_or_else(not_provided),
            instruction_id: order.instruction_id.clone(),
            end_to_end_id: order.end_to_end_id.clone(),
            transaction_id: order.transaction_id.clone(),
            uetr: order.uetr.clone(),
        }
    }
}

/// The content of a credit transfer, in a message about it: `OrgnlTxRef`. Parties are always those of the credit
/// transfer, also where the money goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginalDetails {
    /// `SttlmInf/SttlmMtd`.
    pub settlement_method: SettlementMethod,
    /// `PmtTpInf/CtgyPurp`.
    pub category_purpose: Option<CategoryPurpose>,
    /// `RmtInf`.
    pub remittance: Option<Remittance>,
    /// `UltmtDbtr`.
    pub ultimate_debtor: Option<Party>,
    /// `Dbtr`: the payer.
    pub debtor: Option<Party>,
    /// `DbtrAcct`.
    pub debtor_account: Option<OriginalAccount>,
    /// `DbtrAgt`: the payer's bank; with the transaction id the key of the payment.
    pub debtor_agent: Bic,
    /// `CdtrAgt`: the payee's bank.
    pub creditor_agent: Option<Bic>,
    /// `Cdtr`: the payee.
    pub creditor: Option<Party>,
    /// `CdtrAcct`.
    pub creditor_account: Option<OriginalAccount>,
    /// `UltmtCdtr`.
    pub ultimate_creditor: Option<Party>,
    /// `Purp/Cd`. It is there if the original had it.
    pub purpose: Option<Text<4>>,
}

/// A customer's account as the original names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginalAccount {
    /// `Id/IBAN`.
    pub iban: Iban,
    /// `Prxy`.
    pub proxy: Option<Proxy>,
}

impl OriginalDetails {
    /// No more than what finds the payment.
    pub fn key(debtor_agent: Bic) -> Self {
        Self {
            settlement_method: SettlementMethod::default(),
            category_purpose: None,
            remittance: None,
            ultimate_debtor: None,
            debtor: None,
            debtor_account: None,
            debtor_agent,
            creditor_agent: None,
            creditor: None,
            creditor_account: None,
            ultimate_creditor: None,
            purpose: None,
        }
    }

    /// The content of an order.
    pub fn of(order: &PaymentOrder) -> Self {
        let account =
            |iban: &Iban, proxy: &Option<Proxy>| Some(OriginalAccount { iban: *iban, proxy: proxy.clone() });
        Self {
            settlement_method: order.settlement_method,
            category_purpose: order.category_purpose.clone(),
            remittance: order.remittance.clone(),
            ultimate_debtor: order.ultimate_debtor.clone(),
            debtor: Some(order.debtor.clone()),
            debtor_account: account(&order.debtor_account, &order.debtor_proxy),
            debtor_agent: order.debtor_agent,
            creditor_agent: Some(order.creditor_agent),
            creditor: Some(order.creditor.clone()),
            creditor_account: account(&order.creditor_account, &order.creditor_proxy),
            ultimate_creditor: order.ultimate_creditor.clone(),
            purpose: order.purpose.clone(),
        }
    }
}

/// Writes `Assgnmt`.
///
/// # Panics
/// If sender or receiver has no BIC: every bank that Solvo writes to has one.
pub(crate) fn write_assignment(xml: &mut XmlWriter, assignment: &Assignment) {
    xml.open("Assgnmt");
    xml.text("Id", &assignment.id);
    for (name, bic) in [("Assgnr", assignment.assigner), ("Assgne", assignment.assignee)] {
        xml.open(name);
        xml.agent("Agt", Some(bic.expect("an assignment that is written names sender and receiver")));
        xml.close();
    }
    xml.leaf("CreDtTm", &assignment.created_at.to_string());
    xml.close();
}

/// Writes `OrgnlGrpInf`, in which this credit transfer stood.
pub(crate) fn write_original_group(xml: &mut XmlWriter, original: &OriginalReferences) {
    xml.open("OrgnlGrpInf");
    xml.text("OrgnlMsgId", &original.message_id);
    xml.leaf("OrgnlMsgNmId", ORIGINAL_MESSAGE_NAME);
    xml.close();
}

/// Writes `OrgnlInstrId`, `OrgnlEndToEndId` and `OrgnlTxId`, which stand together in every message.
pub(crate) fn write_original_ids(xml: &mut XmlWriter, original: &OriginalReferences) {
    xml.optional_text("OrgnlInstrId", original.instruction_id.as_ref());
    xml.text("OrgnlEndToEndId", &original.end_to_end_id);
    xml.text("OrgnlTxId", &original.transaction_id);
}

/// Writes `OrgnlTxRef`.
pub(crate) fn write_original_details(xml: &mut XmlWriter, details: &OriginalDetails) {
    xml.open("OrgnlTxRef");
    xml.open("SttlmInf");
    xml.leaf("SttlmMtd", details.settlement_method.code());
    xml.close();
    xml.payment_type(details.category_purpose.as_ref());
    write_remittance(xml, details.remittance.as_ref());
    write_choice(xml, "UltmtDbtr", details.ultimate_debtor.as_ref());
    write_choice(xml, "Dbtr", details.debtor.as_ref());
    write_original_account(xml, "DbtrAcct", details.debtor_account.as_ref());
    xml.agent("DbtrAgt", Some(details.debtor_agent));
    xml.agent("CdtrAgt", details.creditor_agent);
    write_choice(xml, "Cdtr", details.creditor.as_ref());
    write_original_account(xml, "CdtrAcct", details.creditor_account.as_ref());
    write_choice(xml, "UltmtCdtr", details.ultimate_creditor.as_ref());
    if let Some(purpose) = &details.purpose {
        xml.open("Purp");
        xml.text("Cd", purpose);
        xml.close();
    }
    xml.close();
}

/// A party where the schema also has room for a bank.
pub(crate) fn write_choice(xml: &mut XmlWriter, name: &'static str, party: Option<&Party>) {
    let Some(party) = party else { return };
    xml.open(name);
    write_party(xml, "Pty", Some(party));
    xml.close();
}

fn write_original_account(xml: &mut XmlWriter, name: &'static str, account: Option<&OriginalAccount>) {
    if let Some(account) = account {
        write_account(xml, name, &account.iban, account.proxy.as_ref());
    }
}
