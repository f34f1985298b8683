//! The schema of camt.050.001.05: the order to move liquidity.

use crate::schema::{Form, Group, UNBOUNDED, group, one, optional, repeated, text, value};
use crate::schema_common::{ACCOUNT, AGENT, SUPPLEMENTARY_DATA};

/// `Document`.
pub(crate) static DOCUMENT: Group = Group { choice: false, elements: &[one("LqdtyCdtTrf", group(&MESSAGE))] };

/// `LiquidityCreditTransferV05`.
static MESSAGE: Group = Group {
    choice: false,
    elements: &[
        one("MsgHdr", group(&MESSAGE_HEADER)),
        one("LqdtyCdtTrf", group(&TRANSFER)),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};

/// `MessageHeader1`.
static MESSAGE_HEADER: Group =
    Group { choice: false, elements: &[one("MsgId", text(35)), optional("CreDtTm", value(Form::DateTime))] };

/// `LiquidityCreditTransfer2`.
static TRANSFER: Group = Group {
    choice: false,
    elements: &[
        optional("LqdtyTrfId", group(&IDENTIFICATION)),
        optional("Cdtr", group(&AGENT)),
        optional("CdtrAcct", group(&ACCOUNT)),
        one("TrfdAmt", group(&AMOUNT)),
        optional("Dbtr", group(&AGENT)),
        optional("DbtrAcct", group(&ACCOUNT)),
        optional("SttlmDt", value(Form::Date)),
    ],
};

/// `PaymentIdentification8`.
static IDENTIFICATION: Group = Group {
    choice: false,
    elements: &[
        optional("InstrId", text(35)),
        one("EndToEndId", text(35)),
        optional("TxId", text(35)),
        optional("UETR", value(Form::Uuid)),
    ],
};

/// `Amount2Choice`.
pub(crate) static AMOUNT: Group = Group {
    choice: true,
    elements: &[one("AmtWthtCcy", value(Form::PlainAmount)), one("AmtWthCcy", value(Form::Amount))],
};
