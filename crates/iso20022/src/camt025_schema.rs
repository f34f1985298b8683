//! The schema of camt.025.001.05: what became of an order about liquidity.

use crate::schema::{Form, Group, UNBOUNDED, code, group, one, optional, repeated, several, text, value};
use crate::schema_common::{AGENT, SUPPLEMENTARY_DATA};

/// `Document`.
pub(crate) static DOCUMENT: Group = Group { choice: false, elements: &[one("Rct", group(&MESSAGE))] };

/// `ReceiptV05`.
static MESSAGE: Group = Group {
    choice: false,
    elements: &[
        one("MsgHdr", group(&MESSAGE_HEADER)),
        several("RctDtls", group(&RECEIPT)),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};

/// `MessageHeader9`.
static MESSAGE_HEADER: Group = Group {
    choice: false,
    elements: &[
        one("MsgId", text(35)),
        optional("CreDtTm", value(Form::DateTime)),
        optional("ReqTp", group(&REQUEST_TYPE)),
    ],
};

/// `Receipt3`.
static RECEIPT: Group = Group {
    choice: false,
    elements: &[
        one("OrgnlMsgId", group(&ORIGINAL_MESSAGE)),
        optional("OrgnlPmtId", group(&ORIGINAL_PAYMENT)),
        repeated("ReqHdlg", group(&HANDLING), UNBOUNDED),
    ],
};

/// `RequestType4Choice`.
pub(crate) static REQUEST_TYPE: Group = Group {
    choice: true,
    elements: &[one("PmtCtrl", text(4)), one("Enqry", text(4)), one("Prtry", group(&GENERIC_IDENTIFICATION))],
};

/// `OriginalMessageAndIssuer1`.
static ORIGINAL_MESSAGE: Group = Group {
    choice: false,
    elements: &[one("MsgId", text(35)), optional("MsgNmId", text(35)), optional("OrgtrNm", text(70))],
};

/// `PaymentIdentification6Choice`.
static ORIGINAL_PAYMENT: Group = Group {
    choice: true,
    elements: &[
        one("TxId", text(35)),
        one("QId", group(&QUEUED)),
        one("LngBizId", group(&LONG_IDENTIFICATION)),
        one("ShrtBizId", group(&SHORT_IDENTIFICATION)),
        one("PrtryId", text(70)),
    ],
};

/// `RequestHandling1`.
static HANDLING: Group = Group {
    choice: false,
    elements: &[one("StsCd", value(Form::Alphanumeric1To4)), optional("Desc", text(140))],
};

/// `GenericIdentification1`.
pub(crate) static GENERIC_IDENTIFICATION: Group = Group {
    choice: false,
    elements: &[one("Id", text(35)), optional("SchmeNm", text(35)), optional("Issr", text(35))],
};

/// `QueueTransactionIdentification1`.
static QUEUED: Group = Group { choice: false, elements: &[one("QId", text(16)), one("PosInQ", text(16))] };

/// `LongPaymentIdentification2`.
static LONG_IDENTIFICATION: Group = Group {
    choice: false,
    elements: &[
        optional("TxId", text(35)),
        optional("UETR", value(Form::Uuid)),
        one("IntrBkSttlmAmt", value(Form::PlainAmount)),
        one("IntrBkSttlmDt", value(Form::Date)),
        optional("PmtMtd", group(&ORIGIN)),
        one("InstgAgt", group(&AGENT)),
        one("InstdAgt", group(&AGENT)),
        optional("NtryTp", value(Form::EntryType)),
        optional("EndToEndId", text(35)),
    ],
};

/// `ShortPaymentIdentification2`.
static SHORT_IDENTIFICATION: Group = Group {
    choice: false,
    elements: &[
        one("TxId", text(35)),
        one("IntrBkSttlmDt", value(Form::Date)),
        one("InstgAgt", group(&AGENT)),
    ],
};

/// `PaymentOrigin1Choice`.
static ORIGIN: Group = Group {
    choice: true,
    elements: &[
        one("FINMT", value(Form::Numeric1To3)),
        one("XMLMsgNm", text(35)),
        one("Prtry", text(35)),
        one("Instrm", code(&["BDT", "BCT", "CDT", "CCT", "CHK", "BKT", "DCP", "CCP", "RTI", "CAN"])),
    ],
};
