//! Reads pacs.002.001.10: what became of a credit transfer, as a bank's client sees it.
//!
//! Strict about the schema and about what the scheme makes mandatory; elements that a [`StatusReport`] has
//! no place for are passed over.

use types::{Bic, CategoryPurpose, ReasonCode, Text, Timestamp};

use crate::date_time::DateTime;
use crate::fault::{SchemaFault, Violation};
use crate::schema::{Content, Element, Form, Group, UNBOUNDED, one, optional, repeated, text};
use crate::schema_common::{AGENT, CODE4_OR_PROPRIETARY, CODE35_OR_PROPRIETARY, PARTY};
use crate::walk::{Children, Walker};
use crate::{PACS002_NAMESPACE, Status, StatusReport};

/// Reads a status report on one credit transfer.
///
/// # Errors
/// A [`SchemaFault`] if the document does not follow the schema, or lacks what finds the original again.
pub fn read_pacs002(document: &[u8]) -> Result<StatusReport, SchemaFault> {
    let (walker, mut children) = Walker::open(document, PACS002_NAMESPACE, &DOCUMENT)?;
    let mut reader = Reader { walker, draft: Draft::default() };
    while let Some(message) = reader.walker.next(&mut children)? {
        reader.message(message)?;
    }
    let Reader { walker, draft } = reader;
    walker.finish()?;
    draft.report().map_err(|path| SchemaFault {
        path: path.into(),
        offset: document.len(),
        what: Violation::Missing,
    })
}

struct Reader<'document> {
    walker: Walker<'document>,
    draft: Draft,
}

/// What has been read so far.
#[derive(Default)]
struct Draft {
    message_id: Option<Text<35>>,
    created_at: Option<Timestamp>,
    instructing_agent: Option<Bic>,
    instructed_agent: Option<Bic>,
    original_message_id: Option<Text<35>>,
    accepted: Option<bool>,
    reason: Option<ReasonCode>,
    originator: Option<Bic>,
    additional_information: Option<Text<105>>,
    status_id: Option<Text<35>>,
    original_instruction_id: Option<Text<35>>,
    original_end_to_end_id: Option<Text<35>>,
    original_transaction_id: Option<Text<35>>,
    original_uetr: Option<Text<36>>,
    acceptance_time: Option<Timestamp>,
    category_purpose: Option<CategoryPurpose>,
    debtor_agent: Option<Bic>,
}

impl Reader<'_> {
    fn message(&mut self, message: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(message);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "GrpHdr" => self.group_header(child)?,
                "OrgnlGrpInfAndSts" if self.draft.original_message_id.is_none() => self.group(child)?,
                "TxInfAndSts" if self.draft.original_transaction_id.is_none() => self.transaction(child)?,
                "SplmtryData" => self.walker.skip(child)?,
                _ => return Err(self.walker.fault(Violation::Repeated)),
            }
        }
        Ok(())
    }

    fn group_header(&mut self, header: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(header);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "MsgId" => self.draft.message_id = Some(self.text(child)?),
                "CreDtTm" => self.draft.created_at = Some(self.instant(child)?),
                "InstgAgt" => self.draft.instructing_agent = self.agent(child)?,
                "InstdAgt" => self.draft.instructed_agent = self.agent(child)?,
                _ => self.walker.skip(child)?,
            }
        }
        Ok(())
    }

    fn group(&mut self, group: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(group);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "OrgnlMsgId" => self.draft.original_message_id = Some(self.text(child)?),
                "OrgnlMsgNmId" => self.original_message_name(child)?,
                "GrpSts" => self.status(child)?,
                "StsRsnInf" => self.status_reason(child)?,
                _ => self.walker.skip(child)?,
            }
        }
        Ok(())
    }

    fn transaction(&mut self, transaction: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(transaction);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "StsId" => self.draft.status_id = Some(self.text(child)?),
                "OrgnlInstrId" => self.draft.original_instruction_id = Some(self.text(child)?),
                "OrgnlEndToEndId" => self.draft.original_end_to_end_id = Some(self.text(child)?),
                "OrgnlTxId" => self.draft.original_transaction_id = Some(self.text(child)?),
                "OrgnlUETR" => self.draft.original_uetr = Some(self.text(child)?),
                "TxSts" => self.status(child)?,
                "StsRsnInf" => self.status_reason(child)?,
                "AccptncDtTm" => self.draft.acceptance_time = Some(self.instant(child)?),
                "OrgnlTxRef" => self.original(child)?,
                _ => self.walker.skip(child)?,
            }
        }
        Ok(())
    }

    /// Reports say `pacs.008` since 2025 and said `pacs.008.001.08` before.
    fn original_message_name(&mut self, element: &'static Element) -> Result<(), SchemaFault> {
        let name = self.walker.value(element)?;
        match name == "pacs.008" || name.starts_with("pacs.008.") {
            true => Ok(()),
            false => Err(self.fault_of(element, Violation::WrongMessage)),
        }
    }

    /// The status stands in the group or in the transaction. Where it stands twice, it is the same.
    fn status(&mut self, element: &'static Element) -> Result<(), SchemaFault> {
        let accepted = match self.walker.value(element)?.as_ref() {
            "ACCP" => true,
            "RJCT" => false,
            _ => return Err(self.fault_of(element, Violation::Lexical)),
        };
        match self.draft.accepted {
            Some(before) if before != accepted => Err(self.fault_of(element, Violation::Repeated)),
            Some(_) | None => {
                self.draft.accepted = Some(accepted);
                Ok(())
            }
        }
    }

    fn status_reason(&mut self, element: &'static Element) -> Result<(), SchemaFault> {
        if self.draft.reason.is_some() {
            return self.walker.skip(element);
        }
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "Orgtr" => self.originator(child)?,
                "Rsn" => self.reason(child)?,
                "AddtlInf" if self.draft.additional_information.is_none() => {
                    self.draft.additional_information = Text::parse(&self.walker.value(child)?).ok();
                }
                _ => self.walker.skip(child)?,
            }
        }
        Ok(())
    }

    /// `Id/OrgId/AnyBIC`. A customer is named instead, and names are not kept.
    fn originator(&mut self, element: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "Id" | "OrgId" => self.originator(child)?,
                "AnyBIC" => self.draft.originator = Bic::parse(&self.walker.value(child)?).ok(),
                _ => self.walker.skip(child)?,
            }
        }
        Ok(())
    }

    fn reason(&mut self, element: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            let value = self.walker.value(child)?;
            let code = ReasonCode::parse(&value).ok().filter(|_| child.name == "Cd");
            self.draft.reason = Some(code.ok_or_else(|| self.fault_of(child, Violation::Lexical))?);
        }
        Ok(())
    }

    fn original(&mut self, element: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "PmtTpInf" => self.payment_type(child)?,
                "DbtrAgt" => self.draft.debtor_agent = self.agent(child)?,
                _ => self.walker.skip(child)?,
            }
        }
        Ok(())
    }

    fn payment_type(&mut self, element: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            if child.name != "CtgyPurp" {
                self.walker.skip(child)?;
                continue;
            }
            let mut choice = Children::inside(child);
            while let Some(chosen) = self.walker.next(&mut choice)? {
                self.draft.category_purpose = Some(match chosen.name {
                    "Cd" => CategoryPurpose::Code(self.text(chosen)?),
                    _ => CategoryPurpose::Proprietary(self.text(chosen)?),
                });
            }
        }
        Ok(())
    }

    fn agent(&mut self, element: &'static Element) -> Result<Option<Bic>, SchemaFault> {
        let mut bic = None;
        let mut children = Children::inside(element);
        while let Some(child) = self.walker.next(&mut children)? {
            match child.name {
                "FinInstnId" => bic = self.agent(child)?,
                "BICFI" => bic = Bic::parse(&self.walker.value(child)?).ok(),
                _ => self.walker.skip(child)?,
            }
        }
        Ok(bic)
    }

    fn text<const MAX: usize>(&mut self, element: &'static Element) -> Result<Text<MAX>, SchemaFault> {
        let value = self.walker.value(element)?;
        Text::parse(&value).map_err(|_| self.fault_of(element, Violation::Lexical))
    }

    fn instant(&mut self, element: &'static Element) -> Result<Timestamp, SchemaFault> {
        let value = self.walker.value(element)?;
        let instant = DateTime::parse(&value).and_then(|time| time.instant());
        instant.ok_or_else(|| self.fault_of(element, Violation::Lexical))
    }

    /// A fault in a child whose value has just been read.
    fn fault_of(&self, element: &Element, what: Violation) -> SchemaFault {
        let fault = self.walker.fault(what);
        SchemaFault { path: format!("{}/{}", fault.path, element.name), ..fault }
    }
}

impl Draft {
    /// The report, or the path of what it lacks.
    fn report(self) -> Result<StatusReport, &'static str> {
        let status = match self.accepted.ok_or("OrgnlGrpInfAndSts/GrpSts")? {
            true => Status::Accepted,
            false => Status::Rejected {
                reason: self.reason.ok_or("OrgnlGrpInfAndSts/StsRsnInf/Rsn/Cd")?,
                originator: self.originator,
                additional_information: self.additional_information,
            },
        };
        Ok(StatusReport {
            message_id: self.message_id.ok_or("GrpHdr/MsgId")?,
            created_at: self.created_at.ok_or("GrpHdr/CreDtTm")?,
            instructing_agent: self.instructing_agent,
            instructed_agent: self.instructed_agent,
            original_message_id: self.original_message_id.ok_or("OrgnlGrpInfAndSts/OrgnlMsgId")?,
            status,
            status_id: self.status_id,
            original_instruction_id: self.original_instruction_id,
            original_end_to_end_id: self.original_end_to_end_id,
            original_transaction_id: self.original_transaction_id.ok_or("TxInfAndSts/OrgnlTxId")?,
            original_uetr: self.original_uetr,
            acceptance_time: self.acceptance_time,
            category_purpose: self.category_purpose,
            debtor_agent: self.debtor_agent.ok_or("TxInfAndSts/OrgnlTxRef/DbtrAgt/FinInstnId/BICFI")?,
        })
    }
}

static DOCUMENT: Group =
    Group { choice: false, elements: &[one("FIToFIPmtStsRpt", Content::Group(&MESSAGE))] };

static MESSAGE: Group = Group {
    choice: false,
    elements: &[
        one("GrpHdr", Content::Group(&GROUP_HEADER)),
        repeated("OrgnlGrpInfAndSts", Content::Group(&ORIGINAL_GROUP), UNBOUNDED),
        repeated("TxInfAndSts", Content::Group(&TRANSACTION), UNBOUNDED),
        repeated("SplmtryData", Content::Opaque, UNBOUNDED),
    ],
};

static GROUP_HEADER: Group = Group {
    choice: false,
    elements: &[
        one("MsgId", text(35)),
        one("CreDtTm", Content::Value(Form::DateTime)),
        optional("InstgAgt", Content::Group(&AGENT)),
        optional("InstdAgt", Content::Group(&AGENT)),
    ],
};

static ORIGINAL_GROUP: Group = Group {
    choice: false,
    elements: &[
        one("OrgnlMsgId", text(35)),
        one("OrgnlMsgNmId", text(35)),
        optional("OrgnlCreDtTm", Content::Value(Form::DateTime)),
        optional("OrgnlNbOfTxs", Content::Value(Form::Number)),
        optional("OrgnlCtrlSum", Content::Value(Form::Decimal { digits: 18, fraction: 17 })),
        optional("GrpSts", text(4)),
        repeated("StsRsnInf", Content::Group(&STATUS_REASON), UNBOUNDED),
        repeated("NbOfTxsPerSts", Content::Opaque, UNBOUNDED),
    ],
};

static STATUS_REASON: Group = Group {
    choice: false,
    elements: &[
        optional("Orgtr", Content::Group(&PARTY)),
        optional("Rsn", Content::Group(&CODE4_OR_PROPRIETARY)),
        repeated("AddtlInf", text(105), UNBOUNDED),
    ],
};

static TRANSACTION: Group = Group {
    choice: false,
    elements: &[
        optional("StsId", text(35)),
        optional("OrgnlGrpInf", Content::Opaque),
        optional("OrgnlInstrId", text(35)),
        optional("OrgnlEndToEndId", text(35)),
        optional("OrgnlTxId", text(35)),
        optional("OrgnlUETR", Content::Value(Form::Uuid)),
        optional("TxSts", text(4)),
        repeated("StsRsnInf", Content::Group(&STATUS_REASON), UNBOUNDED),
        repeated("ChrgsInf", Content::Opaque, UNBOUNDED),
        optional("AccptncDtTm", Content::Value(Form::DateTime)),
        optional("FctvIntrBkSttlmDt", Content::Opaque),
        optional("AcctSvcrRef", text(35)),
        optional("ClrSysRef", text(35)),
        optional("InstgAgt", Content::Group(&AGENT)),
        optional("InstdAgt", Content::Group(&AGENT)),
        optional("OrgnlTxRef", Content::Group(&ORIGINAL_TRANSACTION)),
        repeated("SplmtryData", Content::Opaque, UNBOUNDED),
    ],
};

static ORIGINAL_TRANSACTION: Group = Group {
    choice: false,
    elements: &[
        optional("IntrBkSttlmAmt", Content::Value(Form::Amount)),
        optional("Amt", Content::Opaque),
        optional("IntrBkSttlmDt", Content::Value(Form::Date)),
        optional("ReqdColltnDt", Content::Value(Form::Date)),
        optional("ReqdExctnDt", Content::Opaque),
        optional("CdtrSchmeId", Content::Opaque),
        optional("SttlmInf", Content::Opaque),
        optional("PmtTpInf", Content::Group(&PAYMENT_TYPE)),
        optional("PmtMtd", Content::Value(Form::Code(&["CHK", "TRF", "DD", "TRA"]))),
        optional("MndtRltdInf", Content::Opaque),
        optional("RmtInf", Content::Opaque),
        optional("UltmtDbtr", Content::Opaque),
        optional("Dbtr", Content::Opaque),
        optional("DbtrAcct", Content::Opaque),
        optional("DbtrAgt", Content::Group(&AGENT)),
        optional("DbtrAgtAcct", Content::Opaque),
        optional("CdtrAgt", Content::Group(&AGENT)),
        optional("CdtrAgtAcct", Content::Opaque),
        optional("Cdtr", Content::Opaque),
        optional("CdtrAcct", Content::Opaque),
        optional("UltmtCdtr", Content::Opaque),
        optional("Purp", Content::Group(&CODE4_OR_PROPRIETARY)),
    ],
};

static PAYMENT_TYPE: Group = Group {
    choice: false,
    elements: &[
        optional("InstrPrty", Content::Value(Form::Code(&["HIGH", "NORM"]))),
        optional("ClrChanl", Content::Value(Form::Code(&["RTGS", "RTNS", "MPNS", "BOOK"]))),
        repeated("SvcLvl", Content::Group(&CODE4_OR_PROPRIETARY), UNBOUNDED),
        optional("LclInstrm", Content::Group(&CODE35_OR_PROPRIETARY)),
        optional("SeqTp", Content::Value(Form::Code(&["FRST", "RCUR", "FNAL", "OOFF", "RPRE"]))),
        optional("CtgyPurp", Content::Group(&CODE4_OR_PROPRIETARY)),
    ],
};
