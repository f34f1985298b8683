//! Reads pacs.008.001.08 and holds it against the rules of the scheme.
//!
//! One pass: the walker checks the schema, the functions here ask for the elements that the scheme uses and
//! leave all others out. A broken rule does not end the reading, because a schema fault further down would
//! mean that the document is not taken at all.
//!
//! Invariant: without a refusal, the draft is a complete order.

use std::borrow::Cow;

use types::{
    Amount, Bic, CategoryPurpose, Currency, Date, SchemeName, SettlementMethod, StatusReason, Text, Timestamp,
};

use crate::canonical::is_transport;
use crate::date_time::{DateTime, Zone};
use crate::fault::{SchemaFault, Violation};
use crate::forward::copy;
use crate::limits::SURPLUS_BYTES_MAX;
use crate::message::{MessageKind, open_kind};
use crate::pacs008_draft::{Draft, Refusal, Transaction};
use crate::schema::Element;
use crate::walk::{Children, Walker};
use crate::xml_write::XmlWriter;
use crate::{Pacs008, Profile, Rules, Surplus, wrapper};

/// Reads a credit transfer of SCT Inst, with or without header. What [`read_message`](crate::read_message) does
/// for any message and profile, for callers who expect this one.
///
/// # Errors
/// A [`SchemaFault`] if the document does not follow the schema, or has no usable duplicate key (payer's
/// bank and transaction id): then no answer could be remembered.
///
/// # Panics
/// If the rules are those of profile `pass-through`: the order alone would not be the whole of such a document.
pub fn read_pacs008(document: &[u8], rules: &Rules) -> Result<Pacs008, SchemaFault> {
    assert_eq!(rules.profile, Profile::SctInst2025, "read_message reads what pass-through lets pass");
    let (walker, opened) = open_kind(document, MessageKind::CreditTransfer)?;
    let (walker, read) = read(walker, opened.children, rules)?;
    wrapper::close(walker, opened.wrapper)?;
    Ok(read.conclude(rules, document)?.0)
}

/// Reads the children of `Document`.
pub(crate) fn read<'document>(
    walker: Walker<'document>,
    mut children: Children,
    rules: &Rules,
) -> Result<(Walker<'document>, Draft), SchemaFault> {
    let mut reader = Reader {
        walker,
        rules,
        is_copy: false,
        settlement_date: None,
        refusal: None,
        surplus: XmlWriter::fragment(),
    };
    let mut draft = Draft::default();
    while let Some(message) = reader.walker.next(&mut children)? {
        reader.message(message, &mut draft)?;
    }
    draft.settlement_date = reader.settlement_date;
    reader.check_complete(&draft);
    draft.refusal = reader.refusal;
    draft.surplus = Some(Surplus(reader.surplus.into_fragment())).filter(|surplus| !surplus.0.is_empty());
    Ok((reader.walker, draft))
}

/// A reader in the middle of a document.
pub(crate) struct Reader<'document, 'rules> {
    pub(crate) walker: Walker<'document>,
    pub(crate) rules: &'rules Rules,
    /// What is read is the copy of a credit transfer in another message: nobody forwards it, so surplus is passed over.
    is_copy: bool,
    pub(crate) settlement_date: Option<Date>,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) surplus: XmlWriter,
}

/// A choice between `Cd` and `Prtry`.
pub(crate) enum Choice<'document> {
    Code(Cow<'document, str>),
    Proprietary(Cow<'document, str>),
}

impl<'document, 'rules> Reader<'document, 'rules> {
    /// A reader of a message that repeats parts of a credit transfer. The rules are those of profile `pass-through`.
    pub(crate) fn of_copy(walker: Walker<'document>, rules: &'rules Rules) -> Self {
        assert_eq!(rules.profile, Profile::PassThrough, "a copy may have what the scheme leaves out");
        let surplus = XmlWriter::fragment();
        Self { walker, rules, is_copy: true, settlement_date: None, refusal: None, surplus }
    }

    /// A reader of a part of a customer's order. Its addresses are judged by the day on which it is to be executed.
    pub(crate) fn of_order(
        walker: Walker<'document>,
        rules: &'rules Rules,
        execution_date: Option<Date>,
    ) -> Self {
        let surplus = XmlWriter::fragment();
        Self { walker, rules, is_copy: false, settlement_date: execution_date, refusal: None, surplus }
    }

    /// The end of a message that repeats parts of a credit transfer: one that breaks a rule there is not taken.
    pub(crate) fn end_of_copy(self) -> Result<Walker<'document>, SchemaFault> {
        match self.refusal {
            Some(refusal) => {
                let offset = self.walker.offset();
                Err(SchemaFault { path: refusal.path, offset, what: Violation::Rule })
            }
            None => Ok(self.walker),
        }
    }
}

impl<'document> Reader<'document, '_> {
    fn message(&mut self, message: &'static Element, draft: &mut Draft) -> Result<(), SchemaFault> {
        let mut children = Children::inside(message);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "GrpHdr" => self.group_header(child, draft)?,
                "CdtTrfTxInf" if draft.transaction.seen => {
                    self.refuse();
                    let mut surplus = Draft::default();
                    self.transaction(child, &mut surplus)?;
                }
                "CdtTrfTxInf" => self.transaction(child, draft)?,
                _ => self.left_out(child)?,
            }
        }
        Ok(())
    }

    fn group_header(&mut self, header: &'static Element, draft: &mut Draft) -> Result<(), SchemaFault> {
        let mut children = Children::inside(header);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "MsgId" => draft.message_id = self.identifier(child)?,
                "CreDtTm" => draft.created_at = self.creation_time(child)?,
                "NbOfTxs" => self.fixed_value(child, "1")?,
                "CtrlSum" => self.control_sum(child, draft)?,
                "TtlIntrBkSttlmAmt" => draft.total = self.amount(child)?,
                "IntrBkSttlmDt" => self.read_settlement_date(child)?,
                "SttlmInf" => self.settlement_instruction(child, draft)?,
                "PmtTpInf" => self.payment_type(child, draft)?,
                "InstgAgt" => draft.instructing_agent = self.agent(child)?,
                "InstdAgt" => draft.instructed_agent = self.agent(child)?,
                _ => self.left_out(child)?,
            }
        }
        Ok(())
    }

    fn settlement_instruction(
        &mut self,
        instruction: &'static Element,
        draft: &mut Draft,
    ) -> Result<(), SchemaFault> {
        let mut children = Children::inside(instruction);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "SttlmMtd" => {
                    draft.settlement_method = SettlementMethod::from_code(&self.walker.value(child)?);
                    if draft.settlement_method.is_none() {
                        self.refuse_child(child.name);
                    }
                }
                "SttlmAcct" => draft.settlement_account = self.settlement_account(child)?,
                "ClrSys" => draft.clearing_system = self.scheme_name(child)?,
                _ => self.left_out(child)?,
            }
        }
        Ok(())
    }

    /// `PmtTpInf` may stand in the group header or in the transaction, but it is one and the same.
    fn payment_type(&mut self, payment_type: &'static Element, draft: &mut Draft) -> Result<(), SchemaFault> {
        if draft.payment_type_seen {
            self.refuse();
        }
        draft.payment_type_seen = true;
        let (mut service_levels, mut local_instruments) = (0_usize, 0_usize);
        let mut children = Children::inside(payment_type);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "SvcLvl" => {
                    service_levels += 1;
                    self.fixed_code(child, "SEPA")?;
                }
                "LclInstrm" => {
                    local_instruments += 1;
                    self.fixed_code(child, "INST")?;
                }
                "CtgyPurp" => draft.category_purpose = self.category_purpose(child)?,
                _ => self.left_out(child)?,
            }
        }
        for (count, name) in [(service_levels, "SvcLvl"), (local_instruments, "LclInstrm")] {
            if count != 1 {
                self.refuse_child(&format!("{}/{name}", payment_type.name));
            }
        }
        Ok(())
    }

    fn transaction(&mut self, transaction: &'static Element, draft: &mut Draft) -> Result<(), SchemaFault> {
        draft.transaction.seen = true;
        let mut children = Children::inside(transaction);
        while let Some(child) = self.walker.next(&mut children)? {
            let read = &mut draft.transaction;
            match child.name {
                "PmtId" => self.payment_identification(child, read)?,
                "PmtTpInf" => self.payment_type(child, draft)?,
                "IntrBkSttlmAmt" => read.amount = self.amount(child)?,
                "IntrBkSttlmDt" => self.settlement_date_of_transaction(child)?,
                "AccptncDtTm" => read.acceptance_time = self.acceptance_time(child)?,
                "ChrgBr" => self.fixed_value(child, "SLEV")?,
                "InstgAgt" => self.hop_agent(child, &mut draft.instructing_agent)?,
                "InstdAgt" => self.hop_agent(child, &mut draft.instructed_agent)?,
                "UltmtDbtr" => read.ultimate_debtor = Some(self.ultimate_party(child)?),
                "Dbtr" => read.debtor = Some(self.party(child)?),
                "DbtrAcct" => read.debtor_account = Some(self.account(child)?),
                "DbtrAgt" => read.debtor_agent = self.agent(child)?,
                "CdtrAgt" => read.creditor_agent = self.agent(child)?,
                "Cdtr" => read.creditor = Some(self.party(child)?),
                "CdtrAcct" => read.creditor_account = Some(self.account(child)?),
                "UltmtCdtr" => read.ultimate_creditor = Some(self.ultimate_party(child)?),
                "Purp" => read.purpose = self.purpose(child)?,
                "RmtInf" => read.remittance = self.remittance(child)?,
                _ => self.left_out(child)?,
            }
        }
        Ok(())
    }

    fn payment_identification(
        &mut self,
        identification: &'static Element,
        read: &mut Transaction,
    ) -> Result<(), SchemaFault> {
        let mut children = Children::inside(identification);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "InstrId" => read.instruction_id = self.identifier(child)?,
                "EndToEndId" => read.end_to_end_id = self.identifier(child)?,
                // One that is not usable leaves the key incomplete, which is found at the end.
                "TxId" => read.transaction_id = Text::parse_identifier(&self.walker.value(child)?).ok(),
                "UETR" => read.uetr = self.text(child)?,
                _ => self.left_out(child)?,
            }
        }
        Ok(())
    }

    /// The sender or receiver of this hop, who may be named in the group header or in the transaction.
    fn hop_agent(&mut self, agent: &'static Element, read: &mut Option<Bic>) -> Result<(), SchemaFault> {
        if read.is_some() {
            self.refuse();
        }
        *read = self.agent(agent)?;
        Ok(())
    }

    fn amount(&mut self, element: &'static Element) -> Result<Option<Amount>, SchemaFault> {
        let (value, currency) = self.walker.amount(element)?;
        let amount = match currency == Currency::EUR.code() {
            true => Amount::parse(&value, Currency::EUR).ok(),
            false => None,
        };
        if amount.is_none() {
            self.refuse_child(element.name);
        }
        Ok(amount)
    }

    fn read_settlement_date(&mut self, element: &'static Element) -> Result<(), SchemaFault> {
        self.settlement_date = Date::parse(&self.walker.value(element)?).ok();
        if self.settlement_date.is_none() {
            self.refuse_child(element.name);
        }
        Ok(())
    }

    /// The scheme has the date in the group header. Where a profile lets it stand in the transaction, it is the
    /// same one.
    fn settlement_date_of_transaction(&mut self, element: &'static Element) -> Result<(), SchemaFault> {
        if self.rules.profile == Profile::SctInst2025 {
            return self.left_out(element);
        }
        let before = self.settlement_date;
        self.read_settlement_date(element)?;
        if before.is_some_and(|before| self.settlement_date != Some(before)) {
            self.refuse_child(element.name);
        }
        Ok(())
    }

    /// The scheme leaves the control sum out. Where a profile lets it pass, it is the sum of one amount.
    fn control_sum(&mut self, element: &'static Element, draft: &mut Draft) -> Result<(), SchemaFault> {
        if self.rules.profile == Profile::SctInst2025 {
            return self.left_out(element);
        }
        let value = self.walker.value(element)?;
        draft.control_sum = Some(Amount::parse(&value, Currency::EUR).ok());
        self.surplus.leaf(element.name, &value);
        Ok(())
    }

    /// Whether the message is sent on a day on which an address may still do without town and country.
    pub(crate) fn accepts_unstructured_addresses(&self) -> bool {
        self.settlement_date.is_some_and(|date| date < self.rules.unstructured_addresses_end)
    }

    /// A time of creation without a zone is read as UTC; nothing depends on it.
    fn creation_time(&mut self, element: &'static Element) -> Result<Option<Timestamp>, SchemaFault> {
        let value = self.walker.value(element)?;
        let instant = DateTime::parse(&value).and_then(|time| time.instant());
        if instant.is_none() {
            self.refuse_child(element.name);
        }
        Ok(instant)
    }

    /// The acceptance time starts the clock, so its zone must be given.
    fn acceptance_time(&mut self, element: &'static Element) -> Result<Option<Timestamp>, SchemaFault> {
        let value = self.walker.value(element)?;
        let instant = DateTime::parse(&value)
            .filter(|time| time.zone != Zone::Absent && time.is_exact())
            .and_then(|time| time.instant());
        if instant.is_none() {
            self.refuse_child(element.name);
        }
        Ok(instant)
    }

    pub(crate) fn category_purpose(
        &mut self,
        element: &'static Element,
    ) -> Result<Option<CategoryPurpose>, SchemaFault> {
        let purpose = match self.choice(element)? {
            Choice::Code(code) => Text::parse(&code).map(CategoryPurpose::Code),
            Choice::Proprietary(name) => Text::parse(&name).map(CategoryPurpose::Proprietary),
        };
        if purpose.is_err() {
            self.refuse_child(element.name);
        }
        Ok(purpose.ok())
    }

    /// The purpose is a code of the ISO list; names of the sender's own are left out.
    pub(crate) fn purpose(&mut self, element: &'static Element) -> Result<Option<Text<4>>, SchemaFault> {
        let mut purpose = None;
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "Cd" => purpose = self.text(child)?,
                _ => self.left_out(child)?,
            }
        }
        Ok(purpose)
    }

    pub(crate) fn fixed_value(
        &mut self,
        element: &'static Element,
        expected: &str,
    ) -> Result<(), SchemaFault> {
        if self.walker.value(element)? != expected {
            self.refuse_child(element.name);
        }
        Ok(())
    }

    /// A choice of which the scheme permits one code.
    pub(crate) fn fixed_code(
        &mut self,
        element: &'static Element,
        expected: &str,
    ) -> Result<(), SchemaFault> {
        match self.choice(element)? {
            Choice::Code(code) if code == expected => {}
            Choice::Code(_) => self.refuse_child(&format!("{}/Cd", element.name)),
            Choice::Proprietary(_) => self.refuse_child(&format!("{}/Prtry", element.name)),
        }
        Ok(())
    }

    pub(crate) fn choice(&mut self, element: &'static Element) -> Result<Choice<'document>, SchemaFault> {
        let mut children = Children::inside(element);
        let mut read = None;
        while let Some(child) = self.walker.next(&mut children)? {
            let value = self.walker.value(child)?;
            read = Some(if child.name == "Cd" { Choice::Code(value) } else { Choice::Proprietary(value) });
        }
        Ok(read.expect("the walker ends a choice only after one of its elements"))
    }

    pub(crate) fn scheme_name(
        &mut self,
        element: &'static Element,
    ) -> Result<Option<SchemeName>, SchemaFault> {
        let name = match self.choice(element)? {
            Choice::Code(code) => Text::parse(&code).map(SchemeName::Code),
            Choice::Proprietary(name) => Text::parse(&name).map(SchemeName::Proprietary),
        };
        if name.is_err() {
            self.refuse_child(element.name);
        }
        Ok(name.ok())
    }

    /// A text without control characters and without blanks around it.
    pub(crate) fn text<const MAX: usize>(
        &mut self,
        element: &'static Element,
    ) -> Result<Option<Text<MAX>>, SchemaFault> {
        let text = Text::parse(&self.walker.value(element)?).ok();
        if text.is_none() {
            self.refuse_child(element.name);
        }
        Ok(text)
    }

    /// A text in the SEPA character set.
    pub(crate) fn identifier<const MAX: usize>(
        &mut self,
        element: &'static Element,
    ) -> Result<Option<Text<MAX>>, SchemaFault> {
        let text = Text::parse_identifier(&self.walker.value(element)?).ok();
        if text.is_none() {
            self.refuse_child(element.name);
        }
        Ok(text)
    }

    /// An element that ISO 20022 has and the scheme leaves out.
    pub(crate) fn left_out(&mut self, element: &'static Element) -> Result<(), SchemaFault> {
        if self.is_copy {
            return self.walker.skip(element);
        }
        match self.rules.profile {
            Profile::SctInst2025 => {
                self.refuse();
                self.walker.skip(element)
            }
            // What belongs to the transport is forwarded or replaced, but makes no other order.
            Profile::PassThrough if is_transport(self.walker.names()) => self.walker.skip(element),
            Profile::PassThrough => self.keep(element),
        }
    }

    fn keep(&mut self, element: &'static Element) -> Result<(), SchemaFault> {
        // Where it stood makes a difference: a second address line is not a second remittance text.
        self.surplus.comment(&self.walker.path());
        copy(&mut self.walker, element, &mut self.surplus)?;
        match self.surplus.len() > SURPLUS_BYTES_MAX {
            true => Err(self.walker.fault(Violation::Limit)),
            false => Ok(()),
        }
    }

    /// The element that is open breaks a rule.
    pub(crate) fn refuse(&mut self) {
        let path = self.walker.path();
        self.refuse_at(StatusReason::InvalidFileFormat, path);
    }

    /// A child of the element that is open breaks a rule, or is missing.
    pub(crate) fn refuse_child(&mut self, name: &str) {
        self.refuse_child_for(StatusReason::InvalidFileFormat, name);
    }

    pub(crate) fn refuse_child_for(&mut self, reason: StatusReason, name: &str) {
        let path = format!("{}/{name}", self.walker.path());
        self.refuse_at(reason, path);
    }

    pub(crate) fn refuse_at(&mut self, reason: StatusReason, path: String) {
        let first = self.refusal.as_ref().is_none_or(|refusal| reason < refusal.reason);
        if first {
            self.refusal = Some(Refusal { reason, path });
        }
    }

    /// What the scheme makes mandatory although ISO 20022 does not.
    fn check_complete(&mut self, draft: &Draft) {
        let read = &draft.transaction;
        let absent = [
            (draft.total.is_none(), "GrpHdr/TtlIntrBkSttlmAmt"),
            (draft.settlement_date.is_none(), "GrpHdr/IntrBkSttlmDt"),
            (!draft.payment_type_seen, "GrpHdr/PmtTpInf"),
            (read.acceptance_time.is_none(), "CdtTrfTxInf/AccptncDtTm"),
            (read.debtor_account.is_none(), "CdtTrfTxInf/DbtrAcct"),
            (read.creditor_account.is_none(), "CdtTrfTxInf/CdtrAcct"),
        ];
        for (_, path) in absent.into_iter().filter(|(absent, _)| *absent) {
            self.refuse_at(StatusReason::InvalidFileFormat, path.into());
        }
        if draft.control_sum.is_some_and(|sum| sum.is_none() || sum != read.amount) {
            self.refuse_at(StatusReason::InvalidFileFormat, "GrpHdr/CtrlSum".into());
        }
        if draft.total != read.amount {
            self.refuse_at(StatusReason::InvalidFileFormat, "GrpHdr/TtlIntrBkSttlmAmt".into());
        }
    }
}
