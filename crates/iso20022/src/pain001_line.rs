//! Reads one line of a pain.001.
//!
//! A line that breaks its schema is refused like one that breaks a rule, as long as it is well-formed: it stands
//! between the others without touching them. What it was meant to be is then looked for without the schema, so that it
//! can be reported and counted.

use types::{Amount, Bic, Currency, Party, Remittance, StatusReason, Text};

use crate::Rules;
use crate::control_sum::ControlSum;
use crate::fault::{SchemaFault, Violation};
use crate::pacs008_draft::{Account, Refusal};
use crate::pacs008_read::Reader;
use crate::pain001::{LineRefusal, PackageOrder, PaymentInformation};
use crate::pain001_payment::PaymentType;
use crate::pain001_schema;
use crate::pieces::Pieces;
use crate::scan::Leaves;
use crate::schema::Element;
use crate::walk::Children;

/// What a line says.
pub(crate) struct ReadLine {
    pub(crate) instruction_id: Option<Text<35>>,
    pub(crate) end_to_end_id: Option<Text<35>>,
    pub(crate) uetr: Option<Text<36>>,
    /// What it adds to the control sums, if that can be read.
    pub(crate) stated_amount: Option<ControlSum>,
    pub(crate) order: Result<Box<PackageOrder>, LineRefusal>,
}

/// What has been read of a line so far.
#[derive(Default)]
struct Draft {
    /// It is a line, whatever it has inside.
    seen: bool,
    instruction_id: Option<Text<35>>,
    end_to_end_id: Option<Text<35>>,
    uetr: Option<Text<36>>,
    payment_type: Option<PaymentType>,
    stated_amount: Option<ControlSum>,
    amount: Option<Amount>,
    ultimate_debtor: Option<Party>,
    creditor_agent: Option<Bic>,
    creditor: Option<Party>,
    creditor_account: Option<Account>,
    ultimate_creditor: Option<Party>,
    purpose: Option<Text<4>>,
    remittance: Option<Remittance>,
}

/// Reads a line. A fault is one of the whole file.
pub(crate) fn read_line<Input>(
    pieces: &Pieces<Input>,
    rules: &Rules,
    payment: &PaymentInformation,
) -> Result<ReadLine, SchemaFault> {
    let (walker, children) = pieces.walk(&pain001_schema::LINE)?;
    let execution_date = payment.terms.as_ref().ok().map(|terms| terms.execution_date());
    let mut reader = Reader::of_order(walker, rules, execution_date);
    let mut draft = Draft::default();
    match reader.line_around(children, &mut draft) {
        Ok(()) => reader.check_line(&draft, payment),
        Err(fault) if draft.seen && is_of_schema(fault.what) => {
            reader.walker.pass_to_end()?;
            draft.look_into(pieces.bytes());
            return Ok(draft.refused(StatusReason::InvalidFileFormat, fault.path));
        }
        Err(fault) => return Err(fault),
    }
    let refusal = reader.refusal.take();
    reader.walker.finish()?;
    Ok(match refusal {
        Some(Refusal { reason, path }) => draft.refused(reason, path),
        None => draft.accepted(),
    })
}

/// Whether a fault is that of an element in its place, rather than one that makes all that follows doubtful.
fn is_of_schema(what: Violation) -> bool {
    use Violation::{Attribute, Lexical, Missing, Repeated, UnexpectedElement, UnexpectedText};
    [Attribute, Lexical, Missing, Repeated, UnexpectedElement, UnexpectedText].contains(&what)
}

impl Draft {
    fn refused(self, reason: StatusReason, path: String) -> ReadLine {
        ReadLine {
            instruction_id: self.instruction_id,
            end_to_end_id: self.end_to_end_id,
            uetr: self.uetr,
            stated_amount: self.stated_amount,
            order: Err(LineRefusal { reason, path }),
        }
    }

    fn accepted(self) -> ReadLine {
        let complete = "a line that breaks no rule has all its parts";
        let PaymentType { is_instant, category_purpose } = self.payment_type.unwrap_or_default();
        let account = self.creditor_account.expect(complete);
        let order = PackageOrder {
            is_instant,
            category_purpose,
            amount: self.amount.expect(complete),
            ultimate_debtor: self.ultimate_debtor,
            creditor_agent: self.creditor_agent,
            creditor: self.creditor.expect(complete),
            creditor_account: account.iban.expect(complete),
            creditor_proxy: account.proxy,
            ultimate_creditor: self.ultimate_creditor,
            purpose: self.purpose,
            remittance: self.remittance,
        };
        ReadLine {
            instruction_id: self.instruction_id,
            end_to_end_id: self.end_to_end_id,
            uetr: self.uetr,
            stated_amount: self.stated_amount,
            order: Ok(Box::new(order)),
        }
    }

    /// What a report and the control sums need of a line that does not follow its schema, wherever it stands.
    fn look_into(&mut self, line: &[u8]) {
        for leaf in Leaves::new(line) {
            let Ok(value) = std::str::from_utf8(&line[leaf.text.clone()]) else { continue };
            match leaf.name {
                b"InstrId" if self.instruction_id.is_none() => {
                    self.instruction_id = Text::parse_identifier(value).ok();
                }
                b"EndToEndId" if self.end_to_end_id.is_none() => {
                    self.end_to_end_id = Text::parse_identifier(value).ok();
                }
                b"InstdAmt" if self.stated_amount.is_none() => {
                    self.stated_amount = ControlSum::parse(value.trim());
                }
                _ => {}
            }
        }
    }
}

impl Reader<'_, '_> {
    fn line_around(&mut self, mut children: Children, draft: &mut Draft) -> Result<(), SchemaFault> {
        while let Some(message) = self.walker.next(&mut children)? {
            let mut parts = Children::inside(message);
            while let Some(part) = self.walker.next(&mut parts)? {
                let mut lines = Children::inside(part);
                while let Some(line) = self.walker.next(&mut lines)? {
                    self.line(line, draft)?;
                }
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &'static Element, draft: &mut Draft) -> Result<(), SchemaFault> {
        draft.seen = true;
        let mut children = Children::inside(line);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "PmtId" => self.line_identification(child, draft)?,
                "PmtTpInf" => draft.payment_type = Some(self.initiated_type(child)?),
                "Amt" => self.instructed_amount(child, draft)?,
                "ChrgBr" => self.fixed_value(child, "SLEV")?,
                "UltmtDbtr" => draft.ultimate_debtor = Some(self.ultimate_party(child)?),
                "CdtrAgt" => draft.creditor_agent = self.agent_if_named(child)?,
                "Cdtr" => draft.creditor = Some(self.party(child)?),
                "CdtrAcct" => draft.creditor_account = Some(self.account(child)?),
                "UltmtCdtr" => draft.ultimate_creditor = Some(self.ultimate_party(child)?),
                "Purp" => draft.purpose = self.purpose(child)?,
                "RmtInf" => draft.remittance = self.remittance(child)?,
                _ => self.left_out(child)?,
            }
        }
        Ok(())
    }

    fn line_identification(
        &mut self,
        identification: &'static Element,
        draft: &mut Draft,
    ) -> Result<(), SchemaFault> {
        let mut children = Children::inside(identification);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "InstrId" => draft.instruction_id = self.reference(child)?,
                "EndToEndId" => draft.end_to_end_id = self.reference(child)?,
                "UETR" => draft.uetr = self.text(child)?,
                _ => self.left_out(child)?,
            }
        }
        Ok(())
    }

    /// A reference of the customer's. One with characters of its own is refused, and reported as it is.
    fn reference(&mut self, element: &'static Element) -> Result<Option<Text<35>>, SchemaFault> {
        let value = self.walker.value(element)?;
        let reference = Text::parse_identifier(&value);
        if reference.is_err() {
            self.refuse_child(element.name);
        }
        Ok(reference.or_else(|_| Text::parse(&value)).ok())
    }

    /// The amount in euro. What is in another currency counts for the control sums, and is refused.
    fn instructed_amount(&mut self, element: &'static Element, draft: &mut Draft) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            if child.name != "InstdAmt" {
                self.refuse();
                let mut parts = Children::inside(child);
                while let Some(part) = self.walker.next(&mut parts)? {
                    let value = self.walker.value(part)?;
                    if part.name == "Amt" {
                        draft.stated_amount = ControlSum::parse(&value);
                    }
                }
                continue;
            }
            let (value, currency) = self.walker.amount(child)?;
            draft.stated_amount = ControlSum::parse(&value);
            draft.amount = Amount::parse(&value, Currency::EUR).ok();
            if currency != Currency::EUR.code() {
                self.refuse_child_for(StatusReason::NotAllowedCurrency, child.name);
            } else if draft.amount.is_none() {
                self.refuse_child(child.name);
            }
        }
        Ok(())
    }

    /// What the scheme makes mandatory although ISO 20022 does not, and what stands at one of two places.
    fn check_line(&mut self, draft: &Draft, payment: &PaymentInformation) {
        let terms = payment.terms.as_ref().ok();
        let has_purpose = terms.is_some_and(|terms| terms.category_purpose.is_some());
        let has_ultimate_debtor = terms.is_some_and(|terms| terms.ultimate_debtor.is_some());
        let purpose = draft.payment_type.as_ref().and_then(|read| read.category_purpose.as_ref());
        let faults = [
            (draft.creditor.is_none(), "Cdtr"),
            (draft.creditor_account.is_none(), "CdtrAcct"),
            (has_purpose && purpose.is_some(), "PmtTpInf/CtgyPurp"),
            (has_ultimate_debtor && draft.ultimate_debtor.is_some(), "UltmtDbtr"),
        ];
        for (_, name) in faults.into_iter().filter(|(is_fault, _)| *is_fault) {
            self.refuse_at(StatusReason::InvalidFileFormat, format!("PmtInf/CdtTrfTxInf/{name}"));
        }
    }
}
