//! Reads what a pain.001 says before its lines: its header, and the head of each payment information.
//!
//! A payment information that breaks a rule of the scheme is read to its end, so that its lines can be reported. What
//! the scheme leaves out and no payment would carry is refused, as everywhere; elements that only concern how the bank
//! handles the file (`Authstn`, `FwdgAgt`, `BtchBookg`, `InstrPrty`, the kind and currency of the payer's account) are not.

use types::{Bic, CategoryPurpose, Date, Party, StatusReason, Text};

use crate::control_sum::ControlSum;
use crate::date_time::{DateTime, Zone};
use crate::fault::{SchemaFault, Violation};
use crate::limits::PACKAGE_TRANSACTIONS_MAX;
use crate::pacs008_draft::{Account, Refusal};
use crate::pacs008_read::Reader;
use crate::pain001::{LineRefusal, PackageHeader, PaymentInformation, PaymentTerms};
use crate::pieces::Pieces;
use crate::schema::Element;
use crate::values::instant;
use crate::walk::{Children, Walker};
use crate::{Moment, NOT_PROVIDED, Rules, pain001_schema};

/// Reads `GrpHdr`, with which a file begins.
pub(crate) fn read_header<Input>(pieces: &Pieces<Input>) -> Result<PackageHeader, SchemaFault> {
    let (mut walker, mut children) = pieces.walk(&pain001_schema::HEAD)?;
    let (mut message_id, mut created_at, mut transactions) = (None, None, None);
    let (mut control_sum, mut initiating_party) = (None, None);
    while let Some(message) = walker.next(&mut children)? {
        let mut parts = Children::inside(message);
        while let Some(part) = walker.next(&mut parts)? {
            let mut children = Children::inside(part);
            while let Some(child) = walker.next(&mut children)? {
                match child.name {
                    "MsgId" => message_id = Some(identifier(&mut walker, child)?),
                    "CreDtTm" => created_at = Some(instant(&mut walker, child)?),
                    "NbOfTxs" => transactions = Some(count(&mut walker, child)?),
                    "CtrlSum" => control_sum = Some(sum(&mut walker, child)?),
                    "InitgPty" => initiating_party = name(&mut walker, child)?,
                    _ => walker.skip(child)?,
                }
            }
        }
    }
    walker.finish()?;
    let present = "the walker ends a header only after what is mandatory";
    Ok(PackageHeader {
        message_id: message_id.expect(present),
        created_at: created_at.expect(present),
        transactions: transactions.expect(present),
        control_sum,
        initiating_party,
    })
}

/// An identification that a report has to repeat: a file or payment information without is not taken.
pub(crate) fn identifier(
    walker: &mut Walker<'_>,
    element: &'static Element,
) -> Result<Text<35>, SchemaFault> {
    let value = walker.value(element)?;
    Text::parse_identifier(&value).map_err(|_| walker.fault_of(element, Violation::Rule))
}

/// A number of lines.
fn count(walker: &mut Walker<'_>, element: &'static Element) -> Result<u32, SchemaFault> {
    let value = walker.value(element)?;
    let count = value.parse().ok().filter(|count| *count <= PACKAGE_TRANSACTIONS_MAX);
    count.ok_or_else(|| walker.fault_of(element, Violation::Limit))
}

pub(crate) fn sum(walker: &mut Walker<'_>, element: &'static Element) -> Result<ControlSum, SchemaFault> {
    let value = walker.value(element)?;
    ControlSum::parse(&value).ok_or_else(|| walker.fault_of(element, Violation::Totals))
}

/// The name of a party, if it has one that can be kept.
pub(crate) fn name(
    walker: &mut Walker<'_>,
    element: &'static Element,
) -> Result<Option<Text<140>>, SchemaFault> {
    let mut name = None;
    let mut children = Children::inside(element);
    while let Some(child) = walker.next(&mut children)? {
        match child.name {
            "Nm" => name = Text::parse(&walker.value(child)?).ok(),
            _ => walker.skip(child)?,
        }
    }
    Ok(name)
}

/// `PmtTpInf`, as far as it says something.
#[derive(Default)]
pub(crate) struct PaymentType {
    pub(crate) is_instant: bool,
    pub(crate) category_purpose: Option<CategoryPurpose>,
}

/// What has been read of a payment information.
#[derive(Default)]
struct Draft {
    id: Option<Text<35>>,
    transactions: Option<u32>,
    control_sum: Option<ControlSum>,
    batch_booking: Option<bool>,
    payment_type: Option<PaymentType>,
    execution: Option<Moment>,
    debtor: Option<Party>,
    debtor_account: Option<Account>,
    debtor_agent: Option<Bic>,
    ultimate_debtor: Option<Party>,
}

/// Reads what stands in a payment information before its lines.
pub(crate) fn read_payment<Input>(
    pieces: &Pieces<Input>,
    rules: &Rules,
    number: u32,
) -> Result<PaymentInformation, SchemaFault> {
    let (walker, mut children) = pieces.walk(&pain001_schema::PAYMENT_HEAD)?;
    let mut reader = Reader::of_order(walker, rules, None);
    let mut draft = Draft::default();
    while let Some(message) = reader.walker.next(&mut children)? {
        let mut parts = Children::inside(message);
        while let Some(part) = reader.walker.next(&mut parts)? {
            reader.payment_information(part, &mut draft)?;
        }
    }
    let refusal = reader.refusal.take();
    reader.walker.finish()?;
    Ok(draft.conclude(number, refusal))
}

impl Draft {
    fn conclude(self, number: u32, refusal: Option<Refusal>) -> PaymentInformation {
        let terms = match refusal {
            Some(refusal) => Err(of_payer(refusal)),
            None => {
                let PaymentType { is_instant, category_purpose } = self.payment_type.unwrap_or_default();
                let complete = "a payment information that breaks no rule has all its parts";
                let account = self.debtor_account.expect(complete);
                Ok(PaymentTerms {
                    batch_booking: self.batch_booking,
                    is_instant,
                    category_purpose,
                    execution: self.execution.expect(complete),
                    debtor: self.debtor.expect(complete),
                    debtor_account: account.iban.expect(complete),
                    debtor_proxy: account.proxy,
                    debtor_agent: self.debtor_agent,
                    ultimate_debtor: self.ultimate_debtor,
                })
            }
        };
        PaymentInformation {
            number,
            id: self.id.expect("the walker ends a payment information only after its identification"),
            transactions: self.transactions,
            control_sum: self.control_sum,
            terms,
        }
    }
}

/// An account number that is wrong is the payer's here.
fn of_payer(Refusal { reason, path }: Refusal) -> LineRefusal {
    let reason = match reason == StatusReason::IncorrectAccountNumber {
        true => StatusReason::InvalidDebtorAccountNumber,
        false => reason,
    };
    LineRefusal { reason, path }
}

impl Reader<'_, '_> {
    fn payment_information(
        &mut self,
        payment: &'static Element,
        draft: &mut Draft,
    ) -> Result<(), SchemaFault> {
        let mut children = Children::inside(payment);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "PmtInfId" => draft.id = Some(identifier(&mut self.walker, child)?),
                "PmtMtd" => self.fixed_value(child, "TRF")?,
                "BtchBookg" => {
                    draft.batch_booking = Some(matches!(self.walker.value(child)?.as_ref(), "true" | "1"));
                }
                "NbOfTxs" => draft.transactions = Some(count(&mut self.walker, child)?),
                "CtrlSum" => draft.control_sum = Some(sum(&mut self.walker, child)?),
                "PmtTpInf" => draft.payment_type = Some(self.initiated_type(child)?),
                "ReqdExctnDt" => {
                    draft.execution = self.execution(child)?;
                    self.settlement_date = draft.execution.map(Moment::date);
                }
                "Dbtr" => draft.debtor = Some(self.party(child)?),
                "DbtrAcct" => draft.debtor_account = Some(self.own_account(child)?),
                "DbtrAgt" => draft.debtor_agent = self.agent_if_named(child)?,
                "UltmtDbtr" => draft.ultimate_debtor = Some(self.ultimate_party(child)?),
                "ChrgBr" => self.fixed_value(child, "SLEV")?,
                _ => self.left_out(child)?,
            }
        }
        Ok(())
    }

    /// SEPA or nothing, instant or not. A priority means nothing where every payment is made at once.
    pub(crate) fn initiated_type(&mut self, element: &'static Element) -> Result<PaymentType, SchemaFault> {
        let mut read = PaymentType::default();
        let mut service_levels = 0_usize;
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "InstrPrty" => self.walker.skip(child)?,
                "SvcLvl" => {
                    service_levels += 1;
                    self.fixed_code(child, "SEPA")?;
                }
                "LclInstrm" => {
                    self.fixed_code(child, "INST")?;
                    read.is_instant = true;
                }
                "CtgyPurp" => read.category_purpose = self.category_purpose(child)?,
                _ => self.left_out(child)?,
            }
        }
        if service_levels > 1 {
            self.refuse_child("SvcLvl");
        }
        Ok(read)
    }

    /// A day, or an instant. Without a zone nobody could say which one.
    pub(crate) fn execution(&mut self, element: &'static Element) -> Result<Option<Moment>, SchemaFault> {
        let mut execution = None;
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            let value = self.walker.value(child)?;
            execution = match child.name {
                "Dt" => Date::parse(&value).ok().map(Moment::Date),
                _ => DateTime::parse(&value)
                    .filter(|time| time.zone != Zone::Absent && time.is_exact())
                    .and_then(|time| time.instant())
                    .map(Moment::Time),
            };
            if execution.is_none() {
                self.refuse_child(child.name);
            }
        }
        Ok(execution)
    }

    /// The payer's account, of which the bank knows kind, currency and name.
    fn own_account(&mut self, element: &'static Element) -> Result<Account, SchemaFault> {
        let mut account = Account { iban: None, proxy: None };
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "Id" => account.iban = self.iban(child)?,
                "Prxy" => account.proxy = self.proxy(child)?,
                _ => self.walker.skip(child)?,
            }
        }
        Ok(account)
    }

    /// A bank by its BIC, if it is named: an IBAN suffices, and then many write `NOTPROVIDED`.
    pub(crate) fn agent_if_named(&mut self, element: &'static Element) -> Result<Option<Bic>, SchemaFault> {
        let mut bic = None;
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            if child.name != "FinInstnId" {
                self.left_out(child)?;
                continue;
            }
            let mut parts = Children::inside(child);
            while let Some(part) = self.walker.next(&mut parts)? {
                match part.name {
                    "BICFI" => bic = Bic::parse(&self.walker.value(part)?).ok(),
                    "Othr" => self.not_provided(part)?,
                    _ => self.left_out(part)?,
                }
            }
        }
        Ok(bic)
    }

    fn not_provided(&mut self, element: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "Id" => self.fixed_value(child, NOT_PROVIDED)?,
                _ => self.left_out(child)?,
            }
        }
        Ok(())
    }
}
