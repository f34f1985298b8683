//! The schema of camt.029.001.09: the answer to a request, here the one that says no.

use crate::camt056_schema::{ASSIGNMENT, CASE};
use crate::schema::{Form, Group, UNBOUNDED, code, group, one, optional, repeated, several, text, value};
use crate::schema_common::{AGENT, CHARGES, CODE4_OR_PROPRIETARY, PARTY, SUPPLEMENTARY_DATA};
use crate::schema_original::{
    DATE_OR_TIME, ORIGINAL_GROUP_INFORMATION, ORIGINAL_TRANSACTION, PARTY_OR_AGENT,
};

/// `Document`.
pub(crate) static DOCUMENT: Group =
    Group { choice: false, elements: &[one("RsltnOfInvstgtn", group(&MESSAGE))] };

/// `ResolutionOfInvestigationV09`.
static MESSAGE: Group = Group {
    choice: false,
    elements: &[
        one("Assgnmt", group(&ASSIGNMENT)),
        optional("RslvdCase", group(&CASE)),
        one("Sts", group(&STATUS)),
        repeated("CxlDtls", group(&CANCELLATION), UNBOUNDED),
        optional("ModDtls", group(&MODIFICATION)),
        optional("ClmNonRctDtls", group(&CLAIM)),
        optional("StmtDtls", group(&STATEMENT_ENTRY)),
        optional("CrrctnTx", group(&CORRECTION)),
        optional("RsltnRltdInf", group(&RESOLUTION)),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};

/// `InvestigationStatus5Choice`.
static STATUS: Group = Group {
    choice: true,
    elements: &[
        one("Conf", text(4)),
        several("RjctdMod", group(&CODE4_OR_PROPRIETARY)),
        one("DplctOf", group(&CASE)),
        one("AssgnmtCxlConf", value(Form::Boolean)),
    ],
};

/// `UnderlyingTransaction22`.
static CANCELLATION: Group = Group {
    choice: false,
    elements: &[
        optional("OrgnlGrpInfAndSts", group(&ORIGINAL_GROUP)),
        repeated("OrgnlPmtInfAndSts", group(&ORIGINAL_INSTRUCTION), UNBOUNDED),
        repeated("TxInfAndSts", group(&TRANSACTION), UNBOUNDED),
    ],
};

/// `PaymentTransaction107`.
static MODIFICATION: Group = Group {
    choice: false,
    elements: &[
        optional("ModStsId", text(35)),
        optional("RslvdCase", group(&CASE)),
        one("OrgnlGrpInf", group(&ORIGINAL_GROUP_INFORMATION)),
        optional("OrgnlPmtInfId", text(35)),
        optional("OrgnlInstrId", text(35)),
        optional("OrgnlEndToEndId", text(35)),
        optional("OrgnlTxId", text(35)),
        optional("OrgnlClrSysRef", text(35)),
        optional("OrgnlUETR", value(Form::Uuid)),
        repeated("ModStsRsnInf", group(&MODIFICATION_REASON), UNBOUNDED),
        optional("RsltnRltdInf", group(&RESOLUTION)),
        optional("OrgnlIntrBkSttlmAmt", value(Form::Amount)),
        optional("OrgnlIntrBkSttlmDt", value(Form::Date)),
        optional("Assgnr", group(&PARTY_OR_AGENT)),
        optional("Assgne", group(&PARTY_OR_AGENT)),
        optional("OrgnlTxRef", group(&ORIGINAL_TRANSACTION)),
    ],
};

/// `ClaimNonReceipt2Choice`.
static CLAIM: Group = Group {
    choice: true,
    elements: &[one("Accptd", group(&ACCEPTED_CLAIM)), one("Rjctd", group(&CODE4_OR_PROPRIETARY))],
};

/// `StatementResolutionEntry4`.
static STATEMENT_ENTRY: Group = Group {
    choice: false,
    elements: &[
        optional("OrgnlGrpInf", group(&ORIGINAL_GROUP_INFORMATION)),
        optional("OrgnlStmtId", text(35)),
        optional("UETR", value(Form::Uuid)),
        optional("AcctSvcrRef", text(35)),
        optional("CrrctdAmt", value(Form::Amount)),
        repeated("Chrgs", group(&CHARGES_IN_DETAIL), UNBOUNDED),
        optional("Purp", group(&CODE4_OR_PROPRIETARY)),
    ],
};

/// `CorrectiveTransaction4Choice`.
static CORRECTION: Group = Group {
    choice: true,
    elements: &[one("Initn", group(&CORRECTIVE_INITIATION)), one("IntrBk", group(&CORRECTIVE_TRANSFER))],
};

/// `ResolutionData1`.
static RESOLUTION: Group = Group {
    choice: false,
    elements: &[
        optional("EndToEndId", text(35)),
        optional("TxId", text(35)),
        optional("UETR", value(Form::Uuid)),
        optional("IntrBkSttlmAmt", value(Form::Amount)),
        optional("IntrBkSttlmDt", value(Form::Date)),
        optional("ClrChanl", code(&["RTGS", "RTNS", "MPNS", "BOOK"])),
        optional("Compstn", group(&COMPENSATION)),
        repeated("Chrgs", group(&CHARGES), UNBOUNDED),
    ],
};

/// `OriginalGroupHeader14`.
static ORIGINAL_GROUP: Group = Group {
    choice: false,
    elements: &[
        optional("OrgnlGrpCxlId", text(35)),
        optional("RslvdCase", group(&CASE)),
        one("OrgnlMsgId", text(35)),
        one("OrgnlMsgNmId", text(35)),
        optional("OrgnlCreDtTm", value(Form::DateTime)),
        optional("OrgnlNbOfTxs", value(Form::Number)),
        optional("OrgnlCtrlSum", value(Form::Decimal { digits: 18, fraction: 17 })),
        optional("GrpCxlSts", code(&["PACR", "RJCR", "ACCR", "PDCR"])),
        repeated("CxlStsRsnInf", group(&REASON), UNBOUNDED),
        repeated("NbOfTxsPerCxlSts", group(&TRANSACTIONS_PER_STATUS), UNBOUNDED),
    ],
};

/// `OriginalPaymentInstruction30`.
static ORIGINAL_INSTRUCTION: Group = Group {
    choice: false,
    elements: &[
        optional("OrgnlPmtInfCxlId", text(35)),
        optional("RslvdCase", group(&CASE)),
        one("OrgnlPmtInfId", text(35)),
        optional("OrgnlGrpInf", group(&ORIGINAL_GROUP_INFORMATION)),
        optional("OrgnlNbOfTxs", value(Form::Number)),
        optional("OrgnlCtrlSum", value(Form::Decimal { digits: 18, fraction: 17 })),
        optional("PmtInfCxlSts", code(&["PACR", "RJCR", "ACCR", "PDCR"])),
        repeated("CxlStsRsnInf", group(&REASON), UNBOUNDED),
        repeated("NbOfTxsPerCxlSts", group(&CANCELLATIONS_PER_STATUS), UNBOUNDED),
        repeated("TxInfAndSts", group(&INSTRUCTED_TRANSACTION), UNBOUNDED),
    ],
};

/// `PaymentTransaction102`.
static TRANSACTION: Group = Group {
    choice: false,
    elements: &[
        optional("CxlStsId", text(35)),
        optional("RslvdCase", group(&CASE)),
        optional("OrgnlGrpInf", group(&ORIGINAL_GROUP_INFORMATION)),
        optional("OrgnlInstrId", text(35)),
        optional("OrgnlEndToEndId", text(35)),
        optional("OrgnlTxId", text(35)),
        optional("OrgnlClrSysRef", text(35)),
        optional("OrgnlUETR", value(Form::Uuid)),
        optional("TxCxlSts", code(&["RJCR", "ACCR", "PDCR"])),
        repeated("CxlStsRsnInf", group(&REASON), UNBOUNDED),
        optional("RsltnRltdInf", group(&RESOLUTION)),
        optional("OrgnlIntrBkSttlmAmt", value(Form::Amount)),
        optional("OrgnlIntrBkSttlmDt", value(Form::Date)),
        optional("Assgnr", group(&PARTY_OR_AGENT)),
        optional("Assgne", group(&PARTY_OR_AGENT)),
        optional("OrgnlTxRef", group(&ORIGINAL_TRANSACTION)),
    ],
};

/// `ModificationStatusReason2`.
static MODIFICATION_REASON: Group = Group {
    choice: false,
    elements: &[
        optional("Orgtr", group(&PARTY)),
        optional("Rsn", group(&CODE4_OR_PROPRIETARY)),
        repeated("AddtlInf", text(105), UNBOUNDED),
    ],
};

/// `ClaimNonReceipt2`.
static ACCEPTED_CLAIM: Group = Group {
    choice: false,
    elements: &[one("DtPrcd", value(Form::Date)), optional("OrgnlNxtAgt", group(&AGENT))],
};

/// `Charges6`.
pub(crate) static CHARGES_IN_DETAIL: Group = Group {
    choice: false,
    elements: &[
        optional("TtlChrgsAndTaxAmt", value(Form::Amount)),
        repeated("Rcrd", group(&CHARGE), UNBOUNDED),
    ],
};

/// `CorrectivePaymentInitiation4`.
static CORRECTIVE_INITIATION: Group = Group {
    choice: false,
    elements: &[
        optional("GrpHdr", group(&CORRECTIVE_GROUP)),
        optional("PmtInfId", text(35)),
        optional("InstrId", text(35)),
        optional("EndToEndId", text(35)),
        optional("UETR", value(Form::Uuid)),
        one("InstdAmt", value(Form::Amount)),
        optional("ReqdExctnDt", group(&DATE_OR_TIME)),
        optional("ReqdColltnDt", value(Form::Date)),
    ],
};

/// `CorrectiveInterbankTransaction2`.
static CORRECTIVE_TRANSFER: Group = Group {
    choice: false,
    elements: &[
        optional("GrpHdr", group(&CORRECTIVE_GROUP)),
        optional("InstrId", text(35)),
        optional("EndToEndId", text(35)),
        optional("TxId", text(35)),
        optional("UETR", value(Form::Uuid)),
        one("IntrBkSttlmAmt", value(Form::Amount)),
        one("IntrBkSttlmDt", value(Form::Date)),
    ],
};

/// `Compensation2`.
static COMPENSATION: Group = Group {
    choice: false,
    elements: &[
        one("Amt", value(Form::Amount)),
        one("DbtrAgt", group(&AGENT)),
        one("CdtrAgt", group(&AGENT)),
        one("Rsn", group(&CODE4_OR_PROPRIETARY)),
    ],
};

/// `CancellationStatusReason4`.
static REASON: Group = Group {
    choice: false,
    elements: &[
        optional("Orgtr", group(&PARTY)),
        optional("Rsn", group(&CODE4_OR_PROPRIETARY)),
        repeated("AddtlInf", text(105), UNBOUNDED),
    ],
};

/// `NumberOfTransactionsPerStatus1`.
static TRANSACTIONS_PER_STATUS: Group = Group {
    choice: false,
    elements: &[
        one("DtldNbOfTxs", value(Form::Number)),
        one("DtldSts", code(&["ACTC", "RJCT", "PDNG", "ACCP", "ACSP", "ACSC", "ACCR", "ACWC"])),
        optional("DtldCtrlSum", value(Form::Decimal { digits: 18, fraction: 17 })),
    ],
};

/// `NumberOfCancellationsPerStatus1`.
static CANCELLATIONS_PER_STATUS: Group = Group {
    choice: false,
    elements: &[
        one("DtldNbOfTxs", value(Form::Number)),
        one("DtldSts", code(&["RJCR", "ACCR", "PDCR"])),
        optional("DtldCtrlSum", value(Form::Decimal { digits: 18, fraction: 17 })),
    ],
};

/// `PaymentTransaction103`.
static INSTRUCTED_TRANSACTION: Group = Group {
    choice: false,
    elements: &[
        optional("CxlStsId", text(35)),
        optional("RslvdCase", group(&CASE)),
        optional("OrgnlInstrId", text(35)),
        optional("OrgnlEndToEndId", text(35)),
        optional("UETR", value(Form::Uuid)),
        optional("TxCxlSts", code(&["RJCR", "ACCR", "PDCR"])),
        repeated("CxlStsRsnInf", group(&REASON), UNBOUNDED),
        optional("OrgnlInstdAmt", value(Form::Amount)),
        optional("OrgnlReqdExctnDt", group(&DATE_OR_TIME)),
        optional("OrgnlReqdColltnDt", value(Form::Date)),
        optional("OrgnlTxRef", group(&ORIGINAL_TRANSACTION)),
    ],
};

/// `ChargesRecord3`.
static CHARGE: Group = Group {
    choice: false,
    elements: &[
        one("Amt", value(Form::Amount)),
        optional("CdtDbtInd", code(&["CRDT", "DBIT"])),
        optional("ChrgInclInd", value(Form::Boolean)),
        optional("Tp", group(&CHARGE_TYPE)),
        optional("Rate", value(Form::Decimal { digits: 11, fraction: 10 })),
        optional("Br", code(&["DEBT", "CRED", "SHAR", "SLEV"])),
        optional("Agt", group(&AGENT)),
        optional("Tax", group(&TAX)),
    ],
};

/// `CorrectiveGroupInformation1`.
static CORRECTIVE_GROUP: Group = Group {
    choice: false,
    elements: &[one("MsgId", text(35)), one("MsgNmId", text(35)), optional("CreDtTm", value(Form::DateTime))],
};

/// `ChargeType3Choice`.
static CHARGE_TYPE: Group =
    Group { choice: true, elements: &[one("Cd", text(4)), one("Prtry", group(&PROPRIETARY_CHARGE))] };

/// `TaxCharges2`.
static TAX: Group = Group {
    choice: false,
    elements: &[
        optional("Id", text(35)),
        optional("Rate", value(Form::Decimal { digits: 11, fraction: 10 })),
        optional("Amt", value(Form::Amount)),
    ],
};

/// `GenericIdentification3`.
static PROPRIETARY_CHARGE: Group =
    Group { choice: false, elements: &[one("Id", text(35)), optional("Issr", text(35))] };
