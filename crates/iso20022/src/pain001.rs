//! pain.001.001.09: a customer's file of orders, a package.
//!
//! A package has payment informations, each with a payer and a date, and each of these has transactions, the lines. It
//! may be longer than memory, so it is read ([`PackageReader`](crate::PackageReader)) and written
//! ([`write_pain001`](crate::write_pain001)) line by line.

use std::sync::Arc;

use types::{
    Amount, Bic, CategoryPurpose, Currency, Date, Iban, MandatoryParts, Party, PaymentOrder, Proxy,
    Remittance, StatusReason, Text, Timestamp,
};

use crate::control_sum::ControlSum;
use crate::{Moment, NOT_PROVIDED};

/// `GrpHdr`: what a file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageHeader {
    /// `MsgId`: the customer's identification of the file.
    pub message_id: Text<35>,
    /// `CreDtTm`. Without a zone it is read as UTC; nothing depends on it.
    pub created_at: Timestamp,
    /// `NbOfTxs`: how many lines the file has.
    pub transactions: u32,
    /// `CtrlSum`: what they come to, if it is stated.
    pub control_sum: Option<ControlSum>,
    /// `InitgPty/Nm`: who made the file. Personal data.
    pub initiating_party: Option<Text<140>>,
}

/// `PmtInf` without its transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentInformation {
    /// Its place in the file, from 1 on.
    pub number: u32,
    /// `PmtInfId`.
    pub id: Text<35>,
    /// `NbOfTxs`: how many lines it has, if it is stated.
    pub transactions: Option<u32>,
    /// `CtrlSum`: what they come to, if it is stated.
    pub control_sum: Option<ControlSum>,
    /// What holds for all its lines, or why none of them can be paid.
    pub terms: Result<PaymentTerms, LineRefusal>,
}

/// Who pays the lines of a payment information, from which account, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentTerms {
    /// `BtchBookg`: whether the payer would like to see one booking for all lines.
    pub batch_booking: Option<bool>,
    /// `PmtTpInf/LclInstrm` is `INST`. Without it a file asks for ordinary transfers, in words.
    pub is_instant: bool,
    /// `PmtTpInf/CtgyPurp`.
    pub category_purpose: Option<CategoryPurpose>,
    /// `ReqdExctnDt`: a day, or an instant.
    pub execution: Moment,
    /// `Dbtr`: the payer.
    pub debtor: Party,
    /// `DbtrAcct/Id/IBAN`.
    pub debtor_account: Iban,
    /// `DbtrAcct/Prxy`.
    pub debtor_proxy: Option<Proxy>,
    /// `DbtrAgt`: the payer's bank, if its BIC is given.
    pub debtor_agent: Option<Bic>,
    /// `UltmtDbtr`: on whose behalf the payer pays all the lines.
    pub ultimate_debtor: Option<Party>,
}

impl PaymentTerms {
    /// The day on which the lines are to be paid; of an instant, its day in UTC.
    pub fn execution_date(&self) -> Date {
        self.execution.date()
    }
}

/// Why a line, or all lines of a payment information, can't be paid: the code and the element for pain.002.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {}", reason.code())]
pub struct LineRefusal {
    /// Of several faults the one that is checked first ([`StatusReason`]'s order) is named.
    pub reason: StatusReason,
    /// The element, such as `PmtInf/CdtTrfTxInf/Cdtr/Nm`.
    pub path: String,
}

/// `CdtTrfTxInf`: one line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageLine {
    /// Its place in the file, from 1 on.
    pub number: u32,
    /// The payment information in which it stands.
    pub payment: Arc<PaymentInformation>,
    /// `PmtId/InstrId`, as far as a report can repeat it.
    pub instruction_id: Option<Text<35>>,
    /// `PmtId/EndToEndId`, as far as a report can repeat it. An order always has one.
    pub end_to_end_id: Option<Text<35>>,
    /// `PmtId/UETR`.
    pub uetr: Option<Text<36>>,
    /// What is to be paid, or why it can't be.
    pub order: Result<Box<PackageOrder>, LineRefusal>,
}

/// What a line says of its payment beyond its payment information.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageOrder {
    /// `PmtTpInf/LclInstrm` of the line itself is `INST`.
    pub is_instant: bool,
    /// `PmtTpInf/CtgyPurp` of the line itself. Only one of line and payment information has one.
    pub category_purpose: Option<CategoryPurpose>,
    /// `Amt/InstdAmt`, in euro.
    pub amount: Amount,
    /// `UltmtDbtr` of the line itself. Only one of line and payment information has one.
    pub ultimate_debtor: Option<Party>,
    /// `CdtrAgt`: the payee's bank, if its BIC is given. The IBAN alone suffices.
    pub creditor_agent: Option<Bic>,
    /// `Cdtr`: the payee.
    pub creditor: Party,
    /// `CdtrAcct/Id/IBAN`.
    pub creditor_account: Iban,
    /// `CdtrAcct/Prxy`.
    pub creditor_proxy: Option<Proxy>,
    /// `UltmtCdtr`: for whom the payee collects.
    pub ultimate_creditor: Option<Party>,
    /// `Purp/Cd`.
    pub purpose: Option<Text<4>>,
    /// `RmtInf`.
    pub remittance: Option<Remittance>,
}

/// What the payer's bank adds to a line to make it a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineCompletion {
    /// The bank's own reference (`TxId`), which never comes again.
    pub transaction_id: Text<35>,
    /// The payer's bank, by whose books the account is known.
    pub debtor_agent: Bic,
    /// The payee's bank, of the line or by its IBAN.
    pub creditor_agent: Bic,
}

impl PackageLine {
    /// Whether the line, or its payment information, asks for an instant payment in words.
    pub fn is_instant(&self) -> bool {
        let of_line = self.order.as_ref().is_ok_and(|order| order.is_instant);
        of_line || self.payment.terms.as_ref().is_ok_and(|terms| terms.is_instant)
    }

    /// The line as a payment order.
    ///
    /// # Errors
    /// The [`LineRefusal`] of the payment information or of the line.
    pub fn into_payment_order(self, completion: LineCompletion) -> Result<PaymentOrder, LineRefusal> {
        let terms = self.payment.terms.as_ref().map_err(LineRefusal::clone)?;
        let order = *self.order?;
        let not_provided = || Text::parse(NOT_PROVIDED).expect("eleven letters");
        let parts = MandatoryParts {
            debtor_agent: completion.debtor_agent,
            transaction_id: completion.transaction_id,
            creditor_agent: completion.creditor_agent,
            debtor_account: terms.debtor_account,
            creditor_account: order.creditor_account,
            amount: order.amount,
            currency: Currency::EUR,
            end_to_end_id: self.end_to_end_id.unwrap_or_else(not_provided),
            debtor: terms.debtor.clone(),
            creditor: order.creditor,
        };
        Ok(PaymentOrder {
            instruction_id: self.instruction_id,
            uetr: self.uetr,
            category_purpose: order.category_purpose.or_else(|| terms.category_purpose.clone()),
            purpose: order.purpose,
            ultimate_debtor: order.ultimate_debtor.or_else(|| terms.ultimate_debtor.clone()),
            debtor_proxy: terms.debtor_proxy.clone(),
            creditor_proxy: order.creditor_proxy,
            ultimate_creditor: order.ultimate_creditor,
            remittance: order.remittance,
            ..parts.into_order()
        })
    }
}

/// What lines come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackageTotals {
    /// How many lines.
    pub transactions: u32,
    /// The sum of their amounts, also of those that can't be paid.
    pub sum: ControlSum,
}

impl PackageTotals {
    /// With one more line of this amount. `None` if no file could have as much.
    pub fn with(self, amount: ControlSum) -> Option<Self> {
        Some(Self { transactions: self.transactions.checked_add(1)?, sum: self.sum.plus(amount)? })
    }

    /// Whether this is what was stated, as far as it was: the number is, or else the sum is not.
    pub(crate) fn fault(&self, transactions: Option<u32>, sum: Option<ControlSum>) -> Option<&'static str> {
        if transactions.is_some_and(|stated| stated != self.transactions) {
            return Some("NbOfTxs");
        }
        sum.is_some_and(|stated| stated != self.sum).then_some("CtrlSum")
    }
}
