//! Reads pain.013.001.07.
//!
//! Strict about the schema, and about what is lost otherwise: an amount that the payer may change, a guarantee, an enclosed
//! file. Where a bank reads how the request travels (`PmtTpInf`), nothing is to be decided here, so it is passed over.

use types::{Amount, Bic, Party, Remittance, Text, Timestamp};

use crate::control_sum::ControlSum;
use crate::fault::{SchemaFault, Violation};
use crate::limits::ACTIVATIONS_MAX;
use crate::pacs008_draft::Account;
use crate::pacs008_read::Reader;
use crate::pain001_payment::{identifier, name, sum};
use crate::pain013::REQUESTED_PURPOSE;
use crate::schema::Element;
use crate::values::{euro, instant, required};
use crate::walk::{Children, Walker};
use crate::{ActivationRequest, Moment, PAIN013_NAMESPACE, RequestedPayment, Rules, pain013_schema};

/// Reads a payee's document with requests to pay.
///
/// # Errors
/// A [`SchemaFault`] if the document does not follow the schema, breaks a rule, or has more than
/// [`ACTIVATIONS_MAX`](crate::limits::ACTIVATIONS_MAX) requests.
pub fn read_pain013(document: &[u8]) -> Result<ActivationRequest, SchemaFault> {
    let mut walker = Walker::new(document)?;
    let start = walker.element()?.ok_or_else(|| walker.fault(Violation::NotWellFormed))?;
    if start.local_name().into_inner() != "Document" || walker.namespace_of(&start) != PAIN013_NAMESPACE {
        return Err(walker.fault(Violation::WrongMessage));
    }
    let mut children = walker.enter("Document", PAIN013_NAMESPACE, &pain013_schema::DOCUMENT);
    let rules = Rules::sct_inst_2025(Vec::new());
    let mut reader = Reader::of_order(walker, &rules, None);
    let mut draft = Draft::default();
    while let Some(message) = reader.walker.next(&mut children)? {
        draft.message(&mut reader, message)?;
    }
    let walker = reader.end_of_copy()?;
    let end = walker.offset();
    walker.finish()?;
    draft.conclude(end)
}

/// What has been read so far.
#[derive(Default)]
struct Draft {
    message_id: Option<Text<35>>,
    created_at: Option<Timestamp>,
    initiating_party: Option<Text<140>>,
    transactions: Option<usize>,
    control_sum: Option<ControlSum>,
    payments: Vec<RequestedPayment>,
}

/// What a payment information says of each of its transactions.
#[derive(Default)]
struct Payer {
    id: Option<Text<35>>,
    execution: Option<Moment>,
    expiry: Option<Moment>,
    debtor: Option<Party>,
    account: Option<Account>,
    agent: Option<Bic>,
    ultimate_debtor: Option<Party>,
}

/// What has been read of a transaction.
#[derive(Default)]
struct Transaction {
    instruction_id: Option<Text<35>>,
    end_to_end_id: Option<Text<35>>,
    uetr: Option<Text<36>>,
    amount: Option<Amount>,
    ultimate_debtor: Option<Party>,
    creditor_agent: Option<Bic>,
    creditor: Option<Party>,
    account: Option<Account>,
    ultimate_creditor: Option<Party>,
    invoice_seen: bool,
    invoice_number: Option<Text<35>>,
    invoice_link: Option<Text<256>>,
    remittance: Option<Remittance>,
}

impl Draft {
    fn message(&mut self, reader: &mut Reader<'_, '_>, message: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(message);
        while let Some(child) = reader.walker.next(&mut children)? {
            match child.name {
                "GrpHdr" => self.header(&mut reader.walker, child)?,
                "PmtInf" => self.payment(reader, child)?,
                _ => reader.left_out(child)?,
            }
        }
        Ok(())
    }

    fn header(&mut self, walker: &mut Walker<'_>, header: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(header);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "MsgId" => self.message_id = Some(identifier(walker, child)?),
                "CreDtTm" => self.created_at = Some(instant(walker, child)?),
                "NbOfTxs" => {
                    let count = walker.value(child)?.parse().ok().filter(|count| *count <= ACTIVATIONS_MAX);
                    self.transactions = Some(count.ok_or_else(|| walker.fault_of(child, Violation::Limit))?);
                }
                "CtrlSum" => self.control_sum = Some(sum(walker, child)?),
                "InitgPty" => self.initiating_party = name(walker, child)?,
                _ => walker.skip(child)?,
            }
        }
        Ok(())
    }

    fn payment(&mut self, reader: &mut Reader<'_, '_>, payment: &'static Element) -> Result<(), SchemaFault> {
        let mut payer = Payer::default();
        let mut children = Children::inside(payment);
        while let Some(child) = reader.walker.next(&mut children)? {
            match child.name {
                "PmtInfId" => payer.id = Some(identifier(&mut reader.walker, child)?),
                "PmtMtd" => reader.fixed_value(child, "TRF")?,
                "PmtTpInf" => reader.walker.skip(child)?,
                "ReqdExctnDt" => {
                    payer.execution = reader.execution(child)?;
                    reader.settlement_date = payer.execution.map(Moment::date);
                }
                "XpryDt" => payer.expiry = reader.execution(child)?,
                "PmtCond" => condition(reader, child)?,
                "Dbtr" => payer.debtor = Some(reader.party(child)?),
                "DbtrAcct" => payer.account = Some(reader.account(child)?),
                "DbtrAgt" => payer.agent = reader.agent_if_named(child)?,
                "UltmtDbtr" => payer.ultimate_debtor = Some(reader.ultimate_party(child)?),
                "ChrgBr" => reader.fixed_value(child, "SLEV")?,
                "CdtTrfTx" => self.transaction(reader, child, &payer)?,
                _ => reader.left_out(child)?,
            }
        }
        Ok(())
    }

    fn transaction(
        &mut self,
        reader: &mut Reader<'_, '_>,
        element: &'static Element,
        payer: &Payer,
    ) -> Result<(), SchemaFault> {
        if self.payments.len() == ACTIVATIONS_MAX {
            return Err(reader.walker.fault(Violation::Limit));
        }
        let mut read = Transaction::default();
        let mut children = Children::inside(element);
        while let Some(child) = reader.walker.next(&mut children)? {
            read.child(reader, child)?;
        }
        let is_twice = payer.ultimate_debtor.is_some() && read.ultimate_debtor.is_some();
        if is_twice {
            return Err(SchemaFault {
                path: "PmtInf/CdtTrfTx/UltmtDbtr".to_owned(),
                ..reader.walker.fault(Violation::Repeated)
            });
        }
        // A rule that was broken before makes the whole document one that is not taken, so parts may be missing then.
        if reader.refusal.is_none() {
            self.payments.push(read.conclude(payer, reader.walker.offset())?);
        }
        Ok(())
    }

    fn conclude(self, end: usize) -> Result<ActivationRequest, SchemaFault> {
        let request = ActivationRequest {
            message_id: required(self.message_id, "GrpHdr/MsgId", end)?,
            created_at: required(self.created_at, "GrpHdr/CreDtTm", end)?,
            initiating_party: self.initiating_party,
            payments: self.payments,
        };
        let fault = |name: &str| {
            Err(SchemaFault { path: format!("GrpHdr/{name}"), offset: end, what: Violation::Totals })
        };
        if self.transactions != Some(request.payments.len()) {
            return fault("NbOfTxs");
        }
        let found = request.control_sum();
        if found.is_none() || self.control_sum.is_some_and(|stated| Some(stated) != found) {
            return fault("CtrlSum");
        }
        Ok(request)
    }
}

impl Transaction {
    fn child(&mut self, reader: &mut Reader<'_, '_>, child: &'static Element) -> Result<(), SchemaFault> {
        match child.name {
            "PmtId" => self.identification(reader, child)?,
            "PmtTpInf" => reader.walker.skip(child)?,
            "PmtCond" => condition(reader, child)?,
            "Amt" => self.amount(reader, child)?,
            "ChrgBr" => reader.fixed_value(child, "SLEV")?,
            "UltmtDbtr" => self.ultimate_debtor = Some(reader.ultimate_party(child)?),
            "CdtrAgt" => self.creditor_agent = reader.agent(child)?,
            "Cdtr" => self.creditor = Some(reader.party(child)?),
            "CdtrAcct" => self.account = Some(reader.account(child)?),
            "UltmtCdtr" => self.ultimate_creditor = Some(reader.ultimate_party(child)?),
            // The payment bears this one, whatever the document says.
            "Purp" => reader.fixed_code(child, REQUESTED_PURPOSE)?,
            "RltdRmtInf" if self.invoice_seen => reader.left_out(child)?,
            "RltdRmtInf" => self.invoice(reader, child)?,
            "RmtInf" => self.remittance = reader.remittance(child)?,
            _ => reader.left_out(child)?,
        }
        Ok(())
    }

    fn identification(
        &mut self,
        reader: &mut Reader<'_, '_>,
        element: &'static Element,
    ) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = reader.walker.next(&mut children)? {
            match child.name {
                "InstrId" => self.instruction_id = reader.identifier(child)?,
                "EndToEndId" => self.end_to_end_id = reader.identifier(child)?,
                "UETR" => self.uetr = reader.text(child)?,
                _ => reader.left_out(child)?,
            }
        }
        Ok(())
    }

    fn amount(&mut self, reader: &mut Reader<'_, '_>, element: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = reader.walker.next(&mut children)? {
            match child.name {
                "InstdAmt" => self.amount = Some(euro(&mut reader.walker, child)?),
                _ => reader.left_out(child)?,
            }
        }
        Ok(())
    }

    fn invoice(&mut self, reader: &mut Reader<'_, '_>, element: &'static Element) -> Result<(), SchemaFault> {
        self.invoice_seen = true;
        let mut children = Children::inside(element);
        while let Some(child) = reader.walker.next(&mut children)? {
            match child.name {
                "RmtId" => self.invoice_number = reader.text(child)?,
                "RmtLctnDtls" if self.invoice_link.is_none() => self.link(reader, child)?,
                _ => reader.left_out(child)?,
            }
        }
        Ok(())
    }

    fn link(&mut self, reader: &mut Reader<'_, '_>, element: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = reader.walker.next(&mut children)? {
            match child.name {
                "Mtd" => reader.fixed_value(child, "URID")?,
                "ElctrncAdr" => self.invoice_link = reader.text(child)?,
                _ => reader.left_out(child)?,
            }
        }
        Ok(())
    }

    fn conclude(self, payer: &Payer, end: usize) -> Result<RequestedPayment, SchemaFault> {
        let of_payment = |name: &str| format!("PmtInf/{name}");
        let of_line = |name: &str| format!("PmtInf/CdtTrfTx/{name}");
        let debtor_account = payer.account.as_ref().and_then(|account| account.iban);
        let creditor_account = self.account.as_ref().and_then(|account| account.iban);
        Ok(RequestedPayment {
            payment_information_id: payer.id.clone(),
            execution: required(payer.execution, &of_payment("ReqdExctnDt"), end)?,
            expiry: payer.expiry,
            debtor: required(payer.debtor.clone(), &of_payment("Dbtr"), end)?,
            debtor_account: required(debtor_account, &of_payment("DbtrAcct/Id/IBAN"), end)?,
            debtor_agent: payer.agent,
            ultimate_debtor: self.ultimate_debtor.or_else(|| payer.ultimate_debtor.clone()),
            instruction_id: self.instruction_id,
            end_to_end_id: required(self.end_to_end_id, &of_line("PmtId/EndToEndId"), end)?,
            uetr: self.uetr,
            amount: required(self.amount, &of_line("Amt/InstdAmt"), end)?,
            creditor_agent: required(self.creditor_agent, &of_line("CdtrAgt/FinInstnId/BICFI"), end)?,
            creditor: required(self.creditor, &of_line("Cdtr"), end)?,
            creditor_account: required(creditor_account, &of_line("CdtrAcct/Id/IBAN"), end)?,
            ultimate_creditor: self.ultimate_creditor,
            invoice_number: self.invoice_number,
            invoice_link: self.invoice_link,
            remittance: self.remittance,
        })
    }
}

/// The amount is fixed and nothing is guaranteed; whether it may be paid early is for the payer.
fn condition(reader: &mut Reader<'_, '_>, element: &'static Element) -> Result<(), SchemaFault> {
    let mut children = Children::inside(element);
    while let Some(child) = reader.walker.next(&mut children)? {
        match child.name {
            "AmtModAllwd" | "GrntedPmtReqd" => {
                let value = reader.walker.value(child)?;
                if !matches!(value.as_ref(), "false" | "0") {
                    reader.refuse_child(child.name);
                }
            }
            "EarlyPmtAllwd" => reader.walker.skip(child)?,
            _ => reader.left_out(child)?,
        }
    }
    Ok(())
}
