//! The schema of pain.014.001.07.

use crate::pacs002_schema::{STATUS_REASON, TRANSACTIONS_PER_STATUS};
use crate::pain001_schema::PAYMENT_TYPE;
use crate::pain013_schema::{CONDITION, ENCLOSED_FILE};
use crate::schema::{Form, Group, UNBOUNDED, code, group, one, optional, repeated, text, value};
use crate::schema_common::{ACCOUNT, AGENT, CHARGES, PARTY, SUPPLEMENTARY_DATA};
use crate::schema_original::{DATE_OR_TIME, ORIGINAL_AMOUNT};
use crate::schema_remittance::REMITTANCE;

/// `Document`.
pub(crate) static DOCUMENT: Group =
    Group { choice: false, elements: &[one("CdtrPmtActvtnReqStsRpt", group(&MESSAGE))] };

/// `CreditorPaymentActivationRequestStatusReportV07`.
static MESSAGE: Group = Group {
    choice: false,
    elements: &[
        one("GrpHdr", group(&GROUP_HEADER)),
        one("OrgnlGrpInfAndSts", group(&ORIGINAL_GROUP)),
        repeated("OrgnlPmtInfAndSts", group(&PAYMENT), UNBOUNDED),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};

/// `GroupHeader87`.
static GROUP_HEADER: Group = Group {
    choice: false,
    elements: &[
        one("MsgId", text(35)),
        one("CreDtTm", value(Form::DateTime)),
        one("InitgPty", group(&PARTY)),
        optional("DbtrAgt", group(&AGENT)),
        optional("CdtrAgt", group(&AGENT)),
    ],
};

/// `OriginalGroupInformation30`.
static ORIGINAL_GROUP: Group = Group {
    choice: false,
    elements: &[
        one("OrgnlMsgId", text(35)),
        one("OrgnlMsgNmId", text(35)),
        optional("OrgnlCreDtTm", value(Form::DateTime)),
        optional("OrgnlNbOfTxs", value(Form::Number)),
        optional("OrgnlCtrlSum", value(Form::Decimal { digits: 18, fraction: 17 })),
        optional("GrpSts", text(4)),
        repeated("StsRsnInf", group(&STATUS_REASON), UNBOUNDED),
        repeated("NbOfTxsPerSts", group(&TRANSACTIONS_PER_STATUS), UNBOUNDED),
    ],
};

/// `OriginalPaymentInstruction31`.
static PAYMENT: Group = Group {
    choice: false,
    elements: &[
        one("OrgnlPmtInfId", text(35)),
        optional("OrgnlNbOfTxs", value(Form::Number)),
        optional("OrgnlCtrlSum", value(Form::Decimal { digits: 18, fraction: 17 })),
        optional("PmtInfSts", text(4)),
        repeated("StsRsnInf", group(&STATUS_REASON), UNBOUNDED),
        repeated("NbOfTxsPerSts", group(&TRANSACTIONS_PER_STATUS), UNBOUNDED),
        repeated("TxInfAndSts", group(&TRANSACTION), UNBOUNDED),
    ],
};

/// `PaymentTransaction104`.
static TRANSACTION: Group = Group {
    choice: false,
    elements: &[
        optional("StsId", text(35)),
        optional("OrgnlInstrId", text(35)),
        optional("OrgnlEndToEndId", text(35)),
        optional("OrgnlUETR", value(Form::Uuid)),
        optional("TxSts", text(4)),
        repeated("StsRsnInf", group(&STATUS_REASON), UNBOUNDED),
        optional("PmtCondSts", group(&CONDITION_STATUS)),
        repeated("ChrgsInf", group(&CHARGES), UNBOUNDED),
        optional("DbtrDcsnDtTm", value(Form::DateTime)),
        optional("AccptncDtTm", value(Form::DateTime)),
        optional("AcctSvcrRef", text(35)),
        optional("ClrSysRef", text(35)),
        optional("OrgnlTxRef", group(&ORIGINAL_TRANSACTION)),
        repeated("NclsdFile", group(&ENCLOSED_FILE), UNBOUNDED),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};

/// `PaymentConditionStatus1`.
static CONDITION_STATUS: Group = Group {
    choice: false,
    elements: &[
        optional("AccptdAmt", value(Form::Amount)),
        one("GrntedPmt", value(Form::Boolean)),
        one("EarlyPmt", value(Form::Boolean)),
    ],
};

/// `OriginalTransactionReference29`.
static ORIGINAL_TRANSACTION: Group = Group {
    choice: false,
    elements: &[
        optional("Amt", group(&ORIGINAL_AMOUNT)),
        optional("ReqdExctnDt", group(&DATE_OR_TIME)),
        optional("XpryDt", group(&DATE_OR_TIME)),
        optional("PmtCond", group(&CONDITION)),
        optional("PmtTpInf", group(&PAYMENT_TYPE)),
        optional("PmtMtd", code(&["CHK", "TRF", "DD", "TRA"])),
        optional("RmtInf", group(&REMITTANCE)),
        repeated("NclsdFile", group(&ENCLOSED_FILE), UNBOUNDED),
        optional("UltmtDbtr", group(&PARTY)),
        optional("Dbtr", group(&PARTY)),
        optional("DbtrAcct", group(&ACCOUNT)),
        optional("DbtrAgt", group(&AGENT)),
        one("CdtrAgt", group(&AGENT)),
        one("Cdtr", group(&PARTY)),
        optional("CdtrAcct", group(&ACCOUNT)),
        optional("UltmtCdtr", group(&PARTY)),
    ],
};
