//! Values that reports, enquiries, rejections and headers have in common, read strictly: a value that can't be
//! kept as it is makes the document one that is not taken.

use types::{
    Amount, Bic, CategoryPurpose, Currency, Date, Iban, ReasonCode, SettlementMethod, Text, Timestamp,
};

use crate::ReportedMessage;
use crate::date_time::DateTime;
use crate::fault::{SchemaFault, Violation};
use crate::schema::Element;
use crate::walk::{Children, Walker};

/// What a report or enquiry repeats of the payment that it is about, by which it is found again.
#[derive(Default)]
pub(crate) struct Original {
    /// Other messages than credit transfers are meant too.
    pub(crate) is_any_message: bool,
    pub(crate) message: Option<ReportedMessage>,
    pub(crate) message_id: Option<Text<35>>,
    pub(crate) instruction_id: Option<Text<35>>,
    pub(crate) end_to_end_id: Option<Text<35>>,
    pub(crate) transaction_id: Option<Text<35>>,
    pub(crate) uetr: Option<Text<36>>,
    pub(crate) acceptance_time: Option<Timestamp>,
    pub(crate) category_purpose: Option<CategoryPurpose>,
    pub(crate) debtor_agent: Option<Bic>,
}

impl Original {
    /// Reads this element of a group or transaction, if it repeats something of the original; else passes it over.
    pub(crate) fn read(
        &mut self,
        walker: &mut Walker<'_>,
        element: &'static Element,
    ) -> Result<(), SchemaFault> {
        match element.name {
            // It stands in the group or in the transaction.
            "OrgnlMsgId" => same(walker, element, &mut self.message_id)?,
            "OrgnlMsgNmId" => self.message(walker, element)?,
            "OrgnlInstrId" => self.instruction_id = Some(text(walker, element)?),
            "OrgnlEndToEndId" => self.end_to_end_id = Some(text(walker, element)?),
            "OrgnlTxId" => self.transaction_id = Some(text(walker, element)?),
            "OrgnlUETR" => self.uetr = Some(text(walker, element)?),
            "AccptncDtTm" => self.acceptance_time = Some(instant(walker, element)?),
            "OrgnlTxRef" => self.payment(walker, element)?,
            _ => walker.skip(element)?,
        }
        Ok(())
    }

    /// Where the name of the message that is meant stands twice, it is the same.
    fn message(&mut self, walker: &mut Walker<'_>, element: &'static Element) -> Result<(), SchemaFault> {
        let message = ReportedMessage::from_name(&walker.value(element)?)
            .filter(|message| self.is_any_message || *message == ReportedMessage::CreditTransfer);
        let message = message.ok_or_else(|| walker.fault_of(element, Violation::WrongMessage))?;
        match self.message.replace(message) {
            Some(before) if before != message => Err(walker.fault_of(element, Violation::Rule)),
            Some(_) | None => Ok(()),
        }
    }

    fn payment(&mut self, walker: &mut Walker<'_>, element: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "PmtTpInf" => self.category_purpose = category_purpose(walker, child)?,
                "DbtrAgt" => self.debtor_agent = bic(walker, child)?,
                _ => walker.skip(child)?,
            }
        }
        Ok(())
    }
}

/// `GrpHdr` of reports and enquiries.
#[derive(Default)]
pub(crate) struct GroupHeader {
    pub(crate) message_id: Option<Text<35>>,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) instructing_agent: Option<Bic>,
    pub(crate) instructed_agent: Option<Bic>,
}

impl GroupHeader {
    pub(crate) fn read(walker: &mut Walker<'_>, header: &'static Element) -> Result<Self, SchemaFault> {
        let mut read = Self::default();
        let mut children = Children::inside(header);
        while let Some(child) = walker.next(&mut children)? {
            read.child(walker, child)?;
        }
        Ok(read)
    }

    /// Reads this element of a header, if it is one that all headers have; else passes it over.
    pub(crate) fn child(
        &mut self,
        walker: &mut Walker<'_>,
        child: &'static Element,
    ) -> Result<(), SchemaFault> {
        match child.name {
            "MsgId" => self.message_id = Some(text(walker, child)?),
            "CreDtTm" => self.created_at = Some(instant(walker, child)?),
            "InstgAgt" => self.instructing_agent = bic(walker, child)?,
            "InstdAgt" => self.instructed_agent = bic(walker, child)?,
            _ => walker.skip(child)?,
        }
        Ok(())
    }
}

/// A text without control characters and without blanks around it.
pub(crate) fn text<const MAX: usize>(
    walker: &mut Walker<'_>,
    element: &'static Element,
) -> Result<Text<MAX>, SchemaFault> {
    let value = walker.value(element)?;
    Text::parse(&value).map_err(|_| walker.fault_of(element, Violation::Lexical))
}

/// A text that may stand at two places of a document. Where it stands twice, it is the same.
pub(crate) fn same<const MAX: usize>(
    walker: &mut Walker<'_>,
    element: &'static Element,
    read: &mut Option<Text<MAX>>,
) -> Result<(), SchemaFault> {
    let value = text(walker, element)?;
    match read.replace(value) {
        Some(before) if read.as_ref() != Some(&before) => Err(walker.fault_of(element, Violation::Rule)),
        Some(_) | None => Ok(()),
    }
}

/// A positive amount in euro, with at most two decimals.
pub(crate) fn euro(walker: &mut Walker<'_>, element: &'static Element) -> Result<Amount, SchemaFault> {
    let (value, currency) = walker.amount(element)?;
    let amount = Amount::parse(&value, Currency::EUR).ok().filter(|_| currency == Currency::EUR.code());
    amount.ok_or_else(|| walker.fault_of(element, Violation::Amount))
}

/// A calendar day.
pub(crate) fn day(walker: &mut Walker<'_>, element: &'static Element) -> Result<Date, SchemaFault> {
    let value = walker.value(element)?;
    Date::parse(&value).map_err(|_| walker.fault_of(element, Violation::Lexical))
}

/// A calendar day that may stand at two places of a document. Where it stands twice, it is the same.
pub(crate) fn same_day(
    walker: &mut Walker<'_>,
    element: &'static Element,
    read: &mut Option<Date>,
) -> Result<(), SchemaFault> {
    let value = day(walker, element)?;
    match read.replace(value) {
        Some(before) if before != value => Err(walker.fault_of(element, Violation::Rule)),
        Some(_) | None => Ok(()),
    }
}

/// `SttlmInf`, of which a message about a payment keeps the method.
pub(crate) fn settlement_method(
    walker: &mut Walker<'_>,
    element: &'static Element,
) -> Result<Option<SettlementMethod>, SchemaFault> {
    let mut method = None;
    let mut children = Children::inside(element);
    while let Some(child) = walker.next(&mut children)? {
        if child.name != "SttlmMtd" {
            walker.skip(child)?;
            continue;
        }
        method = SettlementMethod::from_code(&walker.value(child)?);
        if method.is_none() {
            return Err(walker.fault_of(child, Violation::Rule));
        }
    }
    Ok(method)
}

/// The identification of an account in euro: an IBAN, or another one.
pub(crate) fn account_id(
    walker: &mut Walker<'_>,
    account: &'static Element,
) -> Result<Text<34>, SchemaFault> {
    let mut id = None;
    let mut children = Children::inside(account);
    while let Some(child) = walker.next(&mut children)? {
        match child.name {
            "Id" => id = Some(account_number(walker, child)?),
            "Ccy" => fixed(walker, child, Currency::EUR.code())?,
            _ => walker.skip(child)?,
        }
    }
    Ok(id.expect("the walker ends an account only after its identification"))
}

/// The choice inside an account's identification.
pub(crate) fn account_number(
    walker: &mut Walker<'_>,
    element: &'static Element,
) -> Result<Text<34>, SchemaFault> {
    let mut id = None;
    let mut children = Children::inside(element);
    while let Some(child) = walker.next(&mut children)? {
        match child.name {
            "IBAN" => {
                let iban = Iban::parse(&walker.value(child)?);
                let iban = iban.map_err(|_| walker.fault_of(child, Violation::Lexical))?;
                id = Some(Text::parse(iban.as_str()).expect("an IBAN has at most 34 characters"));
            }
            "Othr" => {
                let mut parts = Children::inside(child);
                while let Some(part) = walker.next(&mut parts)? {
                    match part.name {
                        "Id" => id = Some(text(walker, part)?),
                        _ => walker.skip(part)?,
                    }
                }
            }
            _ => walker.skip(child)?,
        }
    }
    Ok(id.expect("the walker ends a choice only after one of its elements"))
}

/// The code of a choice between `Cd` and `Prtry`, of which the scheme uses the code.
pub(crate) fn reason_code(
    walker: &mut Walker<'_>,
    element: &'static Element,
) -> Result<ReasonCode, SchemaFault> {
    let mut code = None;
    let mut children = Children::inside(element);
    while let Some(child) = walker.next(&mut children)? {
        let value = walker.value(child)?;
        code = ReasonCode::parse(&value).ok().filter(|_| child.name == "Cd");
        if code.is_none() {
            return Err(walker.fault_of(child, Violation::Reason));
        }
    }
    Ok(code.expect("the walker ends a choice only after one of its elements"))
}

/// A time. Without a zone it is read as UTC: the clock of a payment is started by another message.
pub(crate) fn instant(walker: &mut Walker<'_>, element: &'static Element) -> Result<Timestamp, SchemaFault> {
    let value = walker.value(element)?;
    let instant = DateTime::parse(&value).and_then(|time| time.instant());
    instant.ok_or_else(|| walker.fault_of(element, Violation::Lexical))
}

/// The BIC by which an organisation or institution is named, wherever its schema has it.
pub(crate) fn bic(walker: &mut Walker<'_>, element: &'static Element) -> Result<Option<Bic>, SchemaFault> {
    let mut found = None;
    let mut children = Children::inside(element);
    while let Some(child) = walker.next(&mut children)? {
        match child.name {
            "FIId" | "FinInstnId" | "OrgId" | "Id" => found = bic(walker, child)?,
            "BICFI" | "AnyBIC" => found = Bic::parse(&walker.value(child)?).ok(),
            _ => walker.skip(child)?,
        }
    }
    Ok(found)
}

/// The name of the message that is meant: `pacs.008` since 2025, `pacs.008.001.08` before.
pub(crate) fn original_message_name(
    walker: &mut Walker<'_>,
    element: &'static Element,
) -> Result<(), SchemaFault> {
    match ReportedMessage::from_name(&walker.value(element)?) {
        Some(ReportedMessage::CreditTransfer) => Ok(()),
        Some(_) | None => Err(walker.fault_of(element, Violation::WrongMessage)),
    }
}

pub(crate) fn category_purpose(
    walker: &mut Walker<'_>,
    element: &'static Element,
) -> Result<Option<CategoryPurpose>, SchemaFault> {
    let mut purpose = None;
    let mut children = Children::inside(element);
    while let Some(child) = walker.next(&mut children)? {
        if child.name != "CtgyPurp" {
            walker.skip(child)?;
            continue;
        }
        let mut choice = Children::inside(child);
        while let Some(chosen) = walker.next(&mut choice)? {
            purpose = Some(match chosen.name {
                "Cd" => CategoryPurpose::Code(text(walker, chosen)?),
                _ => CategoryPurpose::Proprietary(text(walker, chosen)?),
            });
        }
    }
    Ok(purpose)
}

/// A value that the scheme leaves no choice about.
pub(crate) fn fixed(
    walker: &mut Walker<'_>,
    element: &'static Element,
    expected: &str,
) -> Result<(), SchemaFault> {
    match walker.value(element)? == expected {
        true => Ok(()),
        false => Err(walker.fault_of(element, Violation::Rule)),
    }
}

/// A part that stands at most once although its schema repeats it: reports and enquiries are about one payment.
pub(crate) fn once(walker: &Walker<'_>, seen: &mut bool) -> Result<(), SchemaFault> {
    match std::mem::replace(seen, true) {
        false => Ok(()),
        true => Err(walker.fault(Violation::Repeated)),
    }
}

/// A part that has to be there although its schema does without.
pub(crate) fn required<Value>(value: Option<Value>, path: &str, end: usize) -> Result<Value, SchemaFault> {
    value.ok_or_else(|| SchemaFault { path: path.into(), offset: end, what: Violation::Missing })
}
