//! The schema of camt.056.001.08: the request to give a settled payment back.

use crate::schema::{Form, Group, UNBOUNDED, group, one, optional, repeated, several, text, value};
use crate::schema_common::{AGENT, CODE4_OR_PROPRIETARY, PARTY, SUPPLEMENTARY_DATA};
use crate::schema_original::{ORIGINAL_GROUP_INFORMATION, ORIGINAL_TRANSACTION, PARTY_OR_AGENT};

/// `Document`.
pub(crate) static DOCUMENT: Group =
    Group { choice: false, elements: &[one("FIToFIPmtCxlReq", group(&MESSAGE))] };

/// `FIToFIPaymentCancellationRequestV08`.
static MESSAGE: Group = Group {
    choice: false,
    elements: &[
        one("Assgnmt", group(&ASSIGNMENT)),
        optional("Case", group(&CASE)),
        optional("CtrlData", group(&CONTROL)),
        several("Undrlyg", group(&UNDERLYING)),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};

/// `CaseAssignment5`.
pub(crate) static ASSIGNMENT: Group = Group {
    choice: false,
    elements: &[
        one("Id", text(35)),
        one("Assgnr", group(&PARTY_OR_AGENT)),
        one("Assgne", group(&PARTY_OR_AGENT)),
        one("CreDtTm", value(Form::DateTime)),
    ],
};

/// `Case5`.
pub(crate) static CASE: Group = Group {
    choice: false,
    elements: &[
        one("Id", text(35)),
        one("Cretr", group(&PARTY_OR_AGENT)),
        optional("ReopCaseIndctn", value(Form::Boolean)),
    ],
};

/// `ControlData1`.
static CONTROL: Group = Group {
    choice: false,
    elements: &[
        one("NbOfTxs", value(Form::Number)),
        optional("CtrlSum", value(Form::Decimal { digits: 18, fraction: 17 })),
    ],
};

/// `UnderlyingTransaction23`.
static UNDERLYING: Group = Group {
    choice: false,
    elements: &[
        optional("OrgnlGrpInfAndCxl", group(&ORIGINAL_GROUP)),
        repeated("TxInf", group(&TRANSACTION), UNBOUNDED),
    ],
};

/// `OriginalGroupHeader15`.
static ORIGINAL_GROUP: Group = Group {
    choice: false,
    elements: &[
        optional("GrpCxlId", text(35)),
        optional("Case", group(&CASE)),
        one("OrgnlMsgId", text(35)),
        one("OrgnlMsgNmId", text(35)),
        optional("OrgnlCreDtTm", value(Form::DateTime)),
        optional("NbOfTxs", value(Form::Number)),
        optional("CtrlSum", value(Form::Decimal { digits: 18, fraction: 17 })),
        optional("GrpCxl", value(Form::Boolean)),
        repeated("CxlRsnInf", group(&REASON), UNBOUNDED),
    ],
};

/// `PaymentTransaction106`.
static TRANSACTION: Group = Group {
    choice: false,
    elements: &[
        optional("CxlId", text(35)),
        optional("Case", group(&CASE)),
        optional("OrgnlGrpInf", group(&ORIGINAL_GROUP_INFORMATION)),
        optional("OrgnlInstrId", text(35)),
        optional("OrgnlEndToEndId", text(35)),
        optional("OrgnlTxId", text(35)),
        optional("OrgnlUETR", value(Form::Uuid)),
        optional("OrgnlClrSysRef", text(35)),
        optional("OrgnlIntrBkSttlmAmt", value(Form::Amount)),
        optional("OrgnlIntrBkSttlmDt", value(Form::Date)),
        optional("Assgnr", group(&AGENT)),
        optional("Assgne", group(&AGENT)),
        repeated("CxlRsnInf", group(&REASON), UNBOUNDED),
        optional("OrgnlTxRef", group(&ORIGINAL_TRANSACTION)),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};

/// `PaymentCancellationReason5`.
static REASON: Group = Group {
    choice: false,
    elements: &[
        optional("Orgtr", group(&PARTY)),
        optional("Rsn", group(&CODE4_OR_PROPRIETARY)),
        repeated("AddtlInf", text(105), UNBOUNDED),
    ],
};
