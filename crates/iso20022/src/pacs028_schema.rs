//! The schema of pacs.028.001.03.

use crate::schema::{Form, Group, UNBOUNDED, group, one, optional, repeated, text, value};
use crate::schema_common::{AGENT, SUPPLEMENTARY_DATA};
use crate::schema_original::{ORIGINAL_GROUP_INFORMATION, ORIGINAL_TRANSACTION, SHORT_GROUP_HEADER};

/// `Document`.
pub(crate) static DOCUMENT: Group =
    Group { choice: false, elements: &[one("FIToFIPmtStsReq", group(&MESSAGE))] };

/// `FIToFIPaymentStatusRequestV03`.
static MESSAGE: Group = Group {
    choice: false,
    elements: &[
        one("GrpHdr", group(&SHORT_GROUP_HEADER)),
        repeated("OrgnlGrpInf", group(&ORIGINAL_GROUP), UNBOUNDED),
        repeated("TxInf", group(&TRANSACTION), UNBOUNDED),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};

/// `OriginalGroupInformation27`.
static ORIGINAL_GROUP: Group = Group {
    choice: false,
    elements: &[
        one("OrgnlMsgId", text(35)),
        one("OrgnlMsgNmId", text(35)),
        optional("OrgnlCreDtTm", value(Form::DateTime)),
        optional("OrgnlNbOfTxs", value(Form::Number)),
        optional("OrgnlCtrlSum", value(Form::Decimal { digits: 18, fraction: 17 })),
    ],
};

/// `PaymentTransaction113`.
static TRANSACTION: Group = Group {
    choice: false,
    elements: &[
        optional("StsReqId", text(35)),
        optional("OrgnlGrpInf", group(&ORIGINAL_GROUP_INFORMATION)),
        optional("OrgnlInstrId", text(35)),
        optional("OrgnlEndToEndId", text(35)),
        optional("OrgnlTxId", text(35)),
        optional("OrgnlUETR", value(Form::Uuid)),
        optional("AccptncDtTm", value(Form::DateTime)),
        optional("ClrSysRef", text(35)),
        optional("InstgAgt", group(&AGENT)),
        optional("InstdAgt", group(&AGENT)),
        optional("OrgnlTxRef", group(&ORIGINAL_TRANSACTION)),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};
