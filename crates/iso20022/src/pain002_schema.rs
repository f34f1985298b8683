//! The schema of pain.002.001.10, in the parts in which such a document is read.

use crate::pacs002_schema::{ORIGINAL_GROUP, STATUS_REASON, TRANSACTIONS_PER_STATUS};
use crate::schema::{Form, Group, UNBOUNDED, code, group, one, optional, repeated, several, text, value};
use crate::schema_common::{AGENT, CHARGES, PARTY, SUPPLEMENTARY_DATA};
use crate::schema_original::{DATE_OR_TIME, ORIGINAL_TRANSACTION};

/// `Document`, with these elements inside that of the message.
macro_rules! document {
    ($($element:expr),*) => {
        Group {
            choice: false,
            elements: &[one("CstmrPmtStsRpt", group(&Group { choice: false, elements: &[$($element),*] }))],
        }
    };
}

/// `OriginalPaymentInstruction32`, up to its transactions, and with these behind.
macro_rules! payment {
    ($($transactions:expr)?) => {
        Group {
            choice: false,
            elements: &[
                one("OrgnlPmtInfId", text(35)),
                optional("OrgnlNbOfTxs", value(Form::Number)),
                optional("OrgnlCtrlSum", value(Form::Decimal { digits: 18, fraction: 17 })),
                optional("PmtInfSts", text(4)),
                repeated("StsRsnInf", group(&STATUS_REASON), UNBOUNDED),
                repeated("NbOfTxsPerSts", group(&TRANSACTIONS_PER_STATUS), UNBOUNDED),
                $($transactions)?
            ],
        }
    };
}

/// `CustomerPaymentStatusReportV10`, the whole of it.
#[cfg(test)]
pub(crate) static DOCUMENT: Group = document!(
    one("GrpHdr", group(&GROUP_HEADER)),
    one("OrgnlGrpInfAndSts", group(&ORIGINAL_GROUP)),
    repeated("OrgnlPmtInfAndSts", group(&PAYMENT), UNBOUNDED),
    repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED)
);

#[cfg(test)]
static PAYMENT: Group = payment!(repeated("TxInfAndSts", group(&TRANSACTION), UNBOUNDED));

/// What stands before the first payment information.
pub(crate) static HEAD: Group =
    document!(one("GrpHdr", group(&GROUP_HEADER)), one("OrgnlGrpInfAndSts", group(&ORIGINAL_GROUP)));

/// A report without payment informations.
pub(crate) static HEAD_ALONE: Group = document!(
    one("GrpHdr", group(&GROUP_HEADER)),
    one("OrgnlGrpInfAndSts", group(&ORIGINAL_GROUP)),
    repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED)
);

/// What stands in a payment information before its first transaction.
pub(crate) static PAYMENT_HEAD: Group = document!(one("OrgnlPmtInfAndSts", group(&payment!())));

/// One transaction.
pub(crate) static LINE: Group = document!(one(
    "OrgnlPmtInfAndSts",
    group(&Group { choice: false, elements: &[one("TxInfAndSts", group(&TRANSACTION))] })
));

/// What stands in a payment information behind its last transaction.
pub(crate) static PAYMENT_END: Group =
    document!(one("OrgnlPmtInfAndSts", group(&Group { choice: false, elements: &[] })));

/// What stands between two payment informations.
pub(crate) static GAP: Group = document!();

/// What stands behind the last payment information.
pub(crate) static TAIL: Group = document!(repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED));

/// `GroupHeader86`.
static GROUP_HEADER: Group = Group {
    choice: false,
    elements: &[
        one("MsgId", text(35)),
        one("CreDtTm", value(Form::DateTime)),
        optional("InitgPty", group(&PARTY)),
        optional("FwdgAgt", group(&AGENT)),
        optional("DbtrAgt", group(&AGENT)),
        optional("CdtrAgt", group(&AGENT)),
    ],
};

/// `PaymentTransaction105`.
static TRANSACTION: Group = Group {
    choice: false,
    elements: &[
        optional("StsId", text(35)),
        optional("OrgnlInstrId", text(35)),
        optional("OrgnlEndToEndId", text(35)),
        optional("OrgnlUETR", value(Form::Uuid)),
        optional("TxSts", text(4)),
        repeated("StsRsnInf", group(&STATUS_REASON), UNBOUNDED),
        repeated("ChrgsInf", group(&CHARGES), UNBOUNDED),
        optional("TrckrData", group(&TRACKER)),
        optional("AccptncDtTm", value(Form::DateTime)),
        optional("AcctSvcrRef", text(35)),
        optional("ClrSysRef", text(35)),
        optional("OrgnlTxRef", group(&ORIGINAL_TRANSACTION)),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};

/// `TrackerData1`.
static TRACKER: Group = Group {
    choice: false,
    elements: &[
        one("ConfdDt", group(&DATE_OR_TIME)),
        one("ConfdAmt", value(Form::Amount)),
        several("TrckrRcrd", group(&TRACKER_RECORD)),
    ],
};

/// `TrackerRecord1`.
static TRACKER_RECORD: Group = Group {
    choice: false,
    elements: &[
        one("Agt", group(&AGENT)),
        optional("ChrgBr", code(&["DEBT", "CRED", "SHAR", "SLEV"])),
        optional("ChrgsAmt", value(Form::Amount)),
        optional("XchgRateData", group(&CURRENCY_EXCHANGE)),
    ],
};

/// `CurrencyExchange13`.
static CURRENCY_EXCHANGE: Group = Group {
    choice: false,
    elements: &[
        one("SrcCcy", value(Form::Currency)),
        one("TrgtCcy", value(Form::Currency)),
        one("XchgRate", value(Form::Decimal { digits: 11, fraction: 10 })),
        optional("UnitCcy", value(Form::Currency)),
    ],
};
