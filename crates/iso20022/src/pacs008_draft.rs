//! What has been read of a pacs.008 so far, and what it comes to in the end.

use types::{
    Amount, Bic, CategoryPurpose, Currency, Date, Iban, Party, PaymentOrder, Proxy, Remittance, SchemeName,
    SettlementMethod, StatusReason, Text, Timestamp,
};

use crate::canonical::canonical_body;
use crate::fault::{SchemaFault, Violation};
use crate::{Pacs008, RefusedOrder, Rules, Surplus};

/// The broken rule that is checked before all others found so far.
pub(crate) struct Refusal {
    pub(crate) reason: StatusReason,
    pub(crate) path: String,
}

/// What has been read so far.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) message_id: Option<Text<35>>,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) total: Option<Amount>,
    /// The control sum, if there is one; the amount that it is, if it is one.
    pub(crate) control_sum: Option<Option<Amount>>,
    pub(crate) settlement_date: Option<Date>,
    pub(crate) settlement_method: Option<SettlementMethod>,
    pub(crate) settlement_account: Option<Text<34>>,
    pub(crate) clearing_system: Option<SchemeName>,
    pub(crate) payment_type_seen: bool,
    pub(crate) category_purpose: Option<CategoryPurpose>,
    pub(crate) instructing_agent: Option<Bic>,
    pub(crate) instructed_agent: Option<Bic>,
    pub(crate) transaction: Transaction,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) surplus: Option<Surplus>,
}

/// What has been read of `CdtTrfTxInf`.
#[derive(Default)]
pub(crate) struct Transaction {
    pub(crate) seen: bool,
    pub(crate) instruction_id: Option<Text<35>>,
    pub(crate) end_to_end_id: Option<Text<35>>,
    pub(crate) transaction_id: Option<Text<35>>,
    pub(crate) uetr: Option<Text<36>>,
    pub(crate) amount: Option<Amount>,
    pub(crate) acceptance_time: Option<Timestamp>,
    pub(crate) ultimate_debtor: Option<Party>,
    pub(crate) debtor: Option<Party>,
    pub(crate) debtor_account: Option<Account>,
    pub(crate) debtor_agent: Option<Bic>,
    pub(crate) creditor_agent: Option<Bic>,
    pub(crate) creditor: Option<Party>,
    pub(crate) creditor_account: Option<Account>,
    pub(crate) ultimate_creditor: Option<Party>,
    pub(crate) purpose: Option<Text<4>>,
    pub(crate) remittance: Option<Remittance>,
}

/// What has been read of a customer's account.
pub(crate) struct Account {
    pub(crate) iban: Option<Iban>,
    pub(crate) proxy: Option<Proxy>,
}

impl Draft {
    /// Whether the date is current is asked last: it is the one rule whose answer changes from day to day.
    pub(crate) fn conclude(
        mut self,
        rules: &Rules,
        document: &[u8],
    ) -> Result<(Pacs008, Option<Surplus>), SchemaFault> {
        let (refusal, surplus) = (self.refusal.take(), self.surplus.take());
        let read = &self.transaction;
        let fault = |path: &str, what| SchemaFault { path: path.into(), offset: document.len(), what };
        let Some(debtor_agent) = read.debtor_agent else {
            return Err(fault("CdtTrfTxInf/DbtrAgt/FinInstnId/BICFI", Violation::Key));
        };
        let Some(transaction_id) = read.transaction_id.clone() else {
            return Err(fault("CdtTrfTxInf/PmtId/TxId", Violation::Key));
        };
        let is_current = self.settlement_date.is_some_and(|date| rules.settlement_dates.contains(&date));
        if refusal.is_none() && is_current {
            return Ok((Pacs008::Order(Box::new(self.whole_order())), surplus));
        }
        let mut refused = RefusedOrder {
            message_id: self.message_id.clone(),
            debtor_agent,
            transaction_id,
            end_to_end_id: read.end_to_end_id.clone(),
            instruction_id: read.instruction_id.clone(),
            acceptance_time: read.acceptance_time,
            creditor_agent: read.creditor_agent,
            reason: StatusReason::InvalidFileFormat,
            path: "GrpHdr/IntrBkSttlmDt".into(),
            body: canonical_body(document).map_err(|what| fault("", what))?,
            order: None,
            surplus: None,
        };
        match refusal {
            Some(Refusal { reason, path }) => (refused.reason, refused.path) = (reason, path),
            None => (refused.order, refused.surplus) = (Some(Box::new(self.whole_order())), surplus),
        }
        Ok((Pacs008::Refused(Box::new(refused)), None))
    }

    fn whole_order(self) -> PaymentOrder {
        self.order().expect("a document that breaks no other rule has all its parts")
    }

    fn order(self) -> Option<PaymentOrder> {
        let read = self.transaction;
        let (debtor_account, creditor_account) = (read.debtor_account?, read.creditor_account?);
        Some(PaymentOrder {
            message_id: Some(self.message_id?),
            created_at: Some(self.created_at?),
            settlement_date: Some(self.settlement_date?),
            settlement_method: self.settlement_method?,
            settlement_account: self.settlement_account,
            clearing_system: self.clearing_system,
            instructing_agent: self.instructing_agent,
            instructed_agent: self.instructed_agent,
            instruction_id: read.instruction_id,
            end_to_end_id: read.end_to_end_id?,
            transaction_id: read.transaction_id?,
            uetr: read.uetr,
            amount: read.amount?,
            currency: Currency::EUR,
            acceptance_time: Some(read.acceptance_time?),
            category_purpose: self.category_purpose,
            purpose: read.purpose,
            ultimate_debtor: read.ultimate_debtor,
            debtor: read.debtor?,
            debtor_account: debtor_account.iban?,
            debtor_proxy: debtor_account.proxy,
            debtor_agent: read.debtor_agent?,
            creditor_agent: read.creditor_agent?,
            creditor: read.creditor?,
            creditor_account: creditor_account.iban?,
            creditor_proxy: creditor_account.proxy,
            ultimate_creditor: read.ultimate_creditor,
            remittance: read.remittance,
        })
    }
}
