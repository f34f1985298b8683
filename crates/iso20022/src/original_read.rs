//! Reads what messages about a settled payment repeat of it.
//!
//! Strict about what finds the payment, and about the form of everything that is kept. What an
//! [`OriginalDetails`] has no place for is passed over.

use types::{Amount, Bic, CategoryPurpose, Date, Party, Remittance, SettlementMethod, Text};

use crate::fault::SchemaFault;
use crate::pacs008_draft::Account;
use crate::pacs008_read::Reader;
use crate::schema::Element;
use crate::values::{
    bic, category_purpose, day, euro, instant, original_message_name, required, same, settlement_method, text,
};
use crate::walk::{Children, Walker};
use crate::{Assignment, OriginalAccount, OriginalDetails, OriginalReferences};

/// Reads `Assgnmt`.
pub(crate) fn read_assignment(
    walker: &mut Walker<'_>,
    assignment: &'static Element,
) -> Result<Assignment, SchemaFault> {
    let (mut id, mut assigner, mut assignee, mut created_at) = (None, None, None, None);
    let mut children = Children::inside(assignment);
    while let Some(child) = walker.next(&mut children)? {
        match child.name {
            "Id" => id = Some(text(walker, child)?),
            "Assgnr" => assigner = bank(walker, child)?,
            "Assgne" => assignee = bank(walker, child)?,
            "CreDtTm" => created_at = Some(instant(walker, child)?),
            _ => walker.skip(child)?,
        }
    }
    const COMPLETE: &str = "the walker ends an assignment only after its mandatory elements";
    Ok(Assignment { id: id.expect(COMPLETE), assigner, assignee, created_at: created_at.expect(COMPLETE) })
}

/// The BIC of a sender or receiver, who is a bank or an organisation.
fn bank(walker: &mut Walker<'_>, element: &'static Element) -> Result<Option<Bic>, SchemaFault> {
    let mut found = None;
    let mut children = Children::inside(element);
    while let Some(child) = walker.next(&mut children)? {
        found = bic(walker, child)?;
    }
    Ok(found)
}

/// What has been read of the original so far.
#[derive(Default)]
pub(crate) struct OriginalDraft {
    message_id: Option<Text<35>>,
    instruction_id: Option<Text<35>>,
    end_to_end_id: Option<Text<35>>,
    transaction_id: Option<Text<35>>,
    uetr: Option<Text<36>>,
    pub(crate) amount: Option<Amount>,
    pub(crate) settlement_date: Option<Date>,
    details: DetailsDraft,
}

/// What has been read of `OrgnlTxRef` so far.
#[derive(Default)]
struct DetailsDraft {
    settlement_method: Option<SettlementMethod>,
    category_purpose: Option<CategoryPurpose>,
    remittance: Option<Remittance>,
    ultimate_debtor: Option<Party>,
    debtor: Option<Party>,
    debtor_account: Option<Account>,
    debtor_agent: Option<Bic>,
    creditor_agent: Option<Bic>,
    creditor: Option<Party>,
    creditor_account: Option<Account>,
    ultimate_creditor: Option<Party>,
    purpose: Option<Text<4>>,
}

impl OriginalDraft {
    /// Reads this element of a group or transaction, if it repeats something of the original; else passes it over.
    pub(crate) fn read(
        &mut self,
        reader: &mut Reader<'_, '_>,
        element: &'static Element,
    ) -> Result<(), SchemaFault> {
        let walker = &mut reader.walker;
        match element.name {
            "OrgnlGrpInf" => self.group(walker, element)?,
            "OrgnlInstrId" => self.instruction_id = Some(text(walker, element)?),
            "OrgnlEndToEndId" => self.end_to_end_id = Some(text(walker, element)?),
            "OrgnlTxId" => self.transaction_id = Some(text(walker, element)?),
            "OrgnlUETR" => self.uetr = Some(text(walker, element)?),
            "OrgnlIntrBkSttlmAmt" => self.amount = Some(euro(walker, element)?),
            "OrgnlIntrBkSttlmDt" => self.settlement_date = Some(day(walker, element)?),
            "OrgnlTxRef" => self.details.read(reader, element)?,
            _ => walker.skip(element)?,
        }
        Ok(())
    }

    /// The message in which the original stood. Where it is named twice, it is the same.
    fn group(&mut self, walker: &mut Walker<'_>, group: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(group);
        while let Some(child) = walker.next(&mut children)? {
            self.group_child(walker, child)?;
        }
        Ok(())
    }

    /// Reads this element of a group, if it names the message in which the original stood; else passes it over.
    pub(crate) fn group_child(
        &mut self,
        walker: &mut Walker<'_>,
        child: &'static Element,
    ) -> Result<(), SchemaFault> {
        match child.name {
            "OrgnlMsgId" => same(walker, child, &mut self.message_id),
            "OrgnlMsgNmId" => original_message_name(walker, child),
            _ => walker.skip(child),
        }
    }

    /// The references and the content, or the path of what they lack below this element.
    pub(crate) fn conclude(
        self,
        path: &str,
        end: usize,
    ) -> Result<(OriginalReferences, OriginalDetails), SchemaFault> {
        let below = |name: &str| format!("{path}/{name}");
        let references = OriginalReferences {
            message_id: required(self.message_id, &below("OrgnlGrpInf/OrgnlMsgId"), end)?,
            instruction_id: self.instruction_id,
            end_to_end_id: required(self.end_to_end_id, &below("OrgnlEndToEndId"), end)?,
            transaction_id: required(self.transaction_id, &below("OrgnlTxId"), end)?,
            uetr: self.uetr,
        };
        let read = self.details;
        let agent_path = below("OrgnlTxRef/DbtrAgt/FinInstnId/BICFI");
        let details = OriginalDetails {
            settlement_method: read.settlement_method.unwrap_or_default(),
            category_purpose: read.category_purpose,
            remittance: read.remittance,
            ultimate_debtor: read.ultimate_debtor,
            debtor: read.debtor,
            debtor_account: read.debtor_account.and_then(OriginalAccount::read),
            debtor_agent: required(read.debtor_agent, &agent_path, end)?,
            creditor_agent: read.creditor_agent,
            creditor: read.creditor,
            creditor_account: read.creditor_account.and_then(OriginalAccount::read),
            ultimate_creditor: read.ultimate_creditor,
            purpose: read.purpose,
        };
        Ok((references, details))
    }
}

impl OriginalAccount {
    /// `None` for an account without IBAN, which its reader has refused.
    fn read(account: Account) -> Option<Self> {
        account.iban.map(|iban| Self { iban, proxy: account.proxy })
    }
}

impl DetailsDraft {
    fn read(&mut self, reader: &mut Reader<'_, '_>, details: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(details);
        while let Some(child) = reader.walker.next(&mut children)? {
            match child.name {
                "SttlmInf" => self.settlement_method = settlement_method(&mut reader.walker, child)?,
                "PmtTpInf" => self.category_purpose = category_purpose(&mut reader.walker, child)?,
                "RmtInf" => self.remittance = reader.remittance(child)?,
                "UltmtDbtr" => self.ultimate_debtor = party(reader, child, Reader::ultimate_party)?,
                "Dbtr" => self.debtor = party(reader, child, Reader::party)?,
                "DbtrAcct" => self.debtor_account = Some(reader.account(child)?),
                "DbtrAgt" => self.debtor_agent = bic(&mut reader.walker, child)?,
                "CdtrAgt" => self.creditor_agent = bic(&mut reader.walker, child)?,
                "Cdtr" => self.creditor = party(reader, child, Reader::party)?,
                "CdtrAcct" => self.creditor_account = Some(reader.account(child)?),
                "UltmtCdtr" => self.ultimate_creditor = party(reader, child, Reader::ultimate_party)?,
                "Purp" => self.purpose = reader.purpose(child)?,
                _ => reader.walker.skip(child)?,
            }
        }
        Ok(())
    }
}

/// A customer. Banks that pay on their own behalf are passed over.
fn party<'document, 'rules>(
    reader: &mut Reader<'document, 'rules>,
    element: &'static Element,
    read: fn(&mut Reader<'document, 'rules>, &'static Element) -> Result<Party, SchemaFault>,
) -> Result<Option<Party>, SchemaFault> {
    let mut party = None;
    let mut children = Children::inside(element);
    while let Some(child) = reader.walker.next(&mut children)? {
        match child.name {
            "Pty" => party = Some(read(reader, child)?),
            _ => reader.walker.skip(child)?,
        }
    }
    Ok(party)
}
