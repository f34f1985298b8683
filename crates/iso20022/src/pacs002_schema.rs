//! The schema of pacs.002.001.10.

use crate::schema::{Form, Group, UNBOUNDED, group, one, optional, repeated, text, value};
use crate::schema_common::{AGENT, CHARGES, CODE4_OR_PROPRIETARY, PARTY, SUPPLEMENTARY_DATA};
use crate::schema_original::{
    DATE_OR_TIME, ORIGINAL_GROUP_INFORMATION, ORIGINAL_TRANSACTION, SHORT_GROUP_HEADER,
};

/// `Document`.
pub(crate) static DOCUMENT: Group =
    Group { choice: false, elements: &[one("FIToFIPmtStsRpt", group(&MESSAGE))] };

/// `FIToFIPaymentStatusReportV10`.
static MESSAGE: Group = Group {
    choice: false,
    elements: &[
        one("GrpHdr", group(&SHORT_GROUP_HEADER)),
        repeated("OrgnlGrpInfAndSts", group(&ORIGINAL_GROUP), UNBOUNDED),
        repeated("TxInfAndSts", group(&TRANSACTION), UNBOUNDED),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};

/// `OriginalGroupHeader17`.
pub(crate) static ORIGINAL_GROUP: Group = Group {
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

/// `StatusReasonInformation12`.
pub(crate) static STATUS_REASON: Group = Group {
    choice: false,
    elements: &[
        optional("Orgtr", group(&PARTY)),
        optional("Rsn", group(&CODE4_OR_PROPRIETARY)),
        repeated("AddtlInf", text(105), UNBOUNDED),
    ],
};

/// `NumberOfTransactionsPerStatus5`.
pub(crate) static TRANSACTIONS_PER_STATUS: Group = Group {
    choice: false,
    elements: &[
        one("DtldNbOfTxs", value(Form::Number)),
        one("DtldSts", text(4)),
        optional("DtldCtrlSum", value(Form::Decimal { digits: 18, fraction: 17 })),
    ],
};

/// `PaymentTransaction110`.
static TRANSACTION: Group = Group {
    choice: false,
    elements: &[
        optional("StsId", text(35)),
        optional("OrgnlGrpInf", group(&ORIGINAL_GROUP_INFORMATION)),
        optional("OrgnlInstrId", text(35)),
        optional("OrgnlEndToEndId", text(35)),
        optional("OrgnlTxId", text(35)),
        optional("OrgnlUETR", value(Form::Uuid)),
        optional("TxSts", text(4)),
        repeated("StsRsnInf", group(&STATUS_REASON), UNBOUNDED),
        repeated("ChrgsInf", group(&CHARGES), UNBOUNDED),
        optional("AccptncDtTm", value(Form::DateTime)),
        optional("FctvIntrBkSttlmDt", group(&DATE_OR_TIME)),
        optional("AcctSvcrRef", text(35)),
        optional("ClrSysRef", text(35)),
        optional("InstgAgt", group(&AGENT)),
        optional("InstdAgt", group(&AGENT)),
        optional("OrgnlTxRef", group(&ORIGINAL_TRANSACTION)),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};
