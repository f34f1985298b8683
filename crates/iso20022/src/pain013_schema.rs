//! The schema of pain.013.001.07.

use crate::pacs008_schema::{INSTRUCTION_FOR_CREDITOR_AGENT, REGULATORY_REPORTING, REMITTANCE_LOCATION, TAX};
use crate::pain001_schema::{CHEQUE, PAYMENT_IDENTIFICATION, PAYMENT_TYPE};
use crate::schema::{
    Content, Form, Group, UNBOUNDED, code, group, one, optional, repeated, several, text, value,
};
use crate::schema_common::{ACCOUNT, AGENT, CODE4_OR_PROPRIETARY, PARTY, SUPPLEMENTARY_DATA};
use crate::schema_original::{DATE_OR_TIME, ORIGINAL_AMOUNT};
use crate::schema_remittance::REMITTANCE;

/// `Document`.
pub(crate) static DOCUMENT: Group =
    Group { choice: false, elements: &[one("CdtrPmtActvtnReq", group(&MESSAGE))] };

/// `CreditorPaymentActivationRequestV07`.
static MESSAGE: Group = Group {
    choice: false,
    elements: &[
        one("GrpHdr", group(&GROUP_HEADER)),
        several("PmtInf", group(&PAYMENT)),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};

/// `GroupHeader78`.
static GROUP_HEADER: Group = Group {
    choice: false,
    elements: &[
        one("MsgId", text(35)),
        one("CreDtTm", value(Form::DateTime)),
        one("NbOfTxs", value(Form::Number)),
        optional("CtrlSum", value(Form::Decimal { digits: 18, fraction: 17 })),
        one("InitgPty", group(&PARTY)),
    ],
};

/// `PaymentInstruction31`.
static PAYMENT: Group = Group {
    choice: false,
    elements: &[
        optional("PmtInfId", text(35)),
        one("PmtMtd", code(&["CHK", "TRF"])),
        optional("PmtTpInf", group(&PAYMENT_TYPE)),
        one("ReqdExctnDt", group(&DATE_OR_TIME)),
        optional("XpryDt", group(&DATE_OR_TIME)),
        optional("PmtCond", group(&CONDITION)),
        one("Dbtr", group(&PARTY)),
        optional("DbtrAcct", group(&ACCOUNT)),
        one("DbtrAgt", group(&AGENT)),
        optional("UltmtDbtr", group(&PARTY)),
        optional("ChrgBr", code(&["DEBT", "CRED", "SHAR", "SLEV"])),
        several("CdtTrfTx", group(&TRANSACTION)),
    ],
};

/// `PaymentCondition1`.
pub(crate) static CONDITION: Group = Group {
    choice: false,
    elements: &[
        one("AmtModAllwd", value(Form::Boolean)),
        one("EarlyPmtAllwd", value(Form::Boolean)),
        optional("DelyPnlty", text(140)),
        optional("ImdtPmtRbt", group(&AMOUNT_OR_RATE)),
        one("GrntedPmtReqd", value(Form::Boolean)),
    ],
};

/// `AmountOrRate1Choice`.
static AMOUNT_OR_RATE: Group = Group {
    choice: true,
    elements: &[
        one("Amt", value(Form::Amount)),
        one("Rate", value(Form::Decimal { digits: 11, fraction: 10 })),
    ],
};

/// `CreditTransferTransaction35`.
static TRANSACTION: Group = Group {
    choice: false,
    elements: &[
        one("PmtId", group(&PAYMENT_IDENTIFICATION)),
        optional("PmtTpInf", group(&PAYMENT_TYPE)),
        optional("PmtCond", group(&CONDITION)),
        one("Amt", group(&ORIGINAL_AMOUNT)),
        one("ChrgBr", code(&["DEBT", "CRED", "SHAR", "SLEV"])),
        optional("ChqInstr", group(&CHEQUE)),
        optional("UltmtDbtr", group(&PARTY)),
        optional("IntrmyAgt1", group(&AGENT)),
        optional("IntrmyAgt2", group(&AGENT)),
        optional("IntrmyAgt3", group(&AGENT)),
        one("CdtrAgt", group(&AGENT)),
        one("Cdtr", group(&PARTY)),
        optional("CdtrAcct", group(&ACCOUNT)),
        optional("UltmtCdtr", group(&PARTY)),
        repeated("InstrForCdtrAgt", group(&INSTRUCTION_FOR_CREDITOR_AGENT), UNBOUNDED),
        optional("Purp", group(&CODE4_OR_PROPRIETARY)),
        repeated("RgltryRptg", group(&REGULATORY_REPORTING), 10),
        optional("Tax", group(&TAX)),
        repeated("RltdRmtInf", group(&REMITTANCE_LOCATION), 10),
        optional("RmtInf", group(&REMITTANCE)),
        repeated("NclsdFile", group(&ENCLOSED_FILE), UNBOUNDED),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};

/// `Document12`.
pub(crate) static ENCLOSED_FILE: Group = Group {
    choice: false,
    elements: &[
        one("Tp", group(&CODE_OR_IDENTIFICATION)),
        one("Id", text(35)),
        one("IsseDt", group(&DATE_OR_TIME)),
        optional("Nm", text(140)),
        optional("LangCd", value(Form::AnyText)),
        one("Frmt", group(&CODE_OR_IDENTIFICATION)),
        optional("FileNm", text(140)),
        optional("DgtlSgntr", group(&SIGNATURE)),
        one("Nclsr", text(10 << 20)),
    ],
};

/// `DocumentType1Choice` and `DocumentFormat1Choice`.
static CODE_OR_IDENTIFICATION: Group =
    Group { choice: true, elements: &[one("Cd", text(4)), one("Prtry", group(&IDENTIFICATION))] };

/// `GenericIdentification1`.
static IDENTIFICATION: Group = Group {
    choice: false,
    elements: &[one("Id", text(35)), optional("SchmeNm", text(35)), optional("Issr", text(35))],
};

/// `PartyAndSignature3`.
static SIGNATURE: Group =
    Group { choice: false, elements: &[one("Pty", group(&PARTY)), one("Sgntr", Content::Anything(None))] };
