//! The schema of camt.004.001.08: what an account holds, told unasked when it crosses its floor or ceiling.

use crate::camt025_schema::{GENERIC_IDENTIFICATION, REQUEST_TYPE};
use crate::camt050_schema::AMOUNT;
use crate::schema::{Form, Group, UNBOUNDED, code, group, one, optional, repeated, several, text, value};
use crate::schema_common::{
    ACCOUNT, ACCOUNT_IDENTIFICATION, AGENT, CODE4_OR_PROPRIETARY, PARTY, PROXY, SUPPLEMENTARY_DATA,
};
use crate::schema_original::DATE_OR_TIME;

/// `Document`.
pub(crate) static DOCUMENT: Group = Group { choice: false, elements: &[one("RtrAcct", group(&MESSAGE))] };

/// `ReturnAccountV08`.
static MESSAGE: Group = Group {
    choice: false,
    elements: &[
        one("MsgHdr", group(&MESSAGE_HEADER)),
        one("RptOrErr", group(&REPORT_OR_ERROR)),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};

/// `MessageHeader7`.
static MESSAGE_HEADER: Group = Group {
    choice: false,
    elements: &[
        one("MsgId", text(35)),
        optional("CreDtTm", value(Form::DateTime)),
        optional("ReqTp", group(&REQUEST_TYPE)),
        optional("OrgnlBizQry", group(&ORIGINAL_QUERY)),
        optional("QryNm", text(35)),
    ],
};

/// `AccountOrOperationalError4Choice`.
static REPORT_OR_ERROR: Group = Group {
    choice: true,
    elements: &[several("AcctRpt", group(&REPORT)), several("OprlErr", group(&ERROR))],
};

/// `OriginalBusinessQuery1`.
pub(crate) static ORIGINAL_QUERY: Group = Group {
    choice: false,
    elements: &[
        one("MsgId", text(35)),
        optional("MsgNmId", text(35)),
        optional("CreDtTm", value(Form::DateTime)),
    ],
};

/// `AccountReport24`.
static REPORT: Group = Group {
    choice: false,
    elements: &[one("AcctId", group(&ACCOUNT_IDENTIFICATION)), one("AcctOrErr", group(&ACCOUNT_OR_ERROR))],
};

/// `ErrorHandling5`.
static ERROR: Group = Group {
    choice: false,
    elements: &[one("Err", group(&CODE4_OR_PROPRIETARY)), optional("Desc", text(140))],
};

/// `AccountOrBusinessError4Choice`.
static ACCOUNT_OR_ERROR: Group =
    Group { choice: true, elements: &[one("Acct", group(&CASH_ACCOUNT)), several("BizErr", group(&ERROR))] };

/// `CashAccount37`.
static CASH_ACCOUNT: Group = Group {
    choice: false,
    elements: &[
        optional("Nm", text(70)),
        optional("Tp", group(&CODE4_OR_PROPRIETARY)),
        optional("Ccy", value(Form::Currency)),
        optional("Prxy", group(&PROXY)),
        optional("CurMulLmt", group(&LIMIT)),
        optional("Ownr", group(&PARTY)),
        optional("Svcr", group(&AGENT)),
        repeated("MulBal", group(&BALANCE), UNBOUNDED),
        repeated("CurBilLmt", group(&BILATERAL_LIMIT), UNBOUNDED),
        repeated("StgOrdr", group(&STANDING_ORDER), UNBOUNDED),
    ],
};

/// `Limit5`.
static LIMIT: Group = Group {
    choice: false,
    elements: &[one("Amt", group(&AMOUNT)), one("CdtDbtInd", code(&["CRDT", "DBIT"]))],
};

/// `CashBalance13`.
static BALANCE: Group = Group {
    choice: false,
    elements: &[
        one("Amt", value(Form::PlainAmount)),
        one("CdtDbtInd", code(&["CRDT", "DBIT"])),
        optional("Tp", group(&CODE4_OR_PROPRIETARY)),
        optional("Sts", code(&["PDNG", "STLD"])),
        optional("ValDt", group(&DATE_OR_TIME)),
        optional("PrcgDt", group(&DATE_OR_TIME)),
        optional("NbOfPmts", value(Form::Decimal { digits: 18, fraction: 0 })),
        optional("RstrctnTp", group(&RESTRICTION)),
    ],
};

/// `BilateralLimit3`.
static BILATERAL_LIMIT: Group = Group {
    choice: false,
    elements: &[
        one("CtrPtyId", group(&AGENT)),
        one("LmtAmt", group(&AMOUNT)),
        one("CdtDbtInd", code(&["CRDT", "DBIT"])),
        repeated("BilBal", group(&BILATERAL_BALANCE), UNBOUNDED),
    ],
};

/// `StandingOrder6`.
static STANDING_ORDER: Group = Group {
    choice: false,
    elements: &[
        one("Amt", group(&AMOUNT)),
        one("CdtDbtInd", code(&["CRDT", "DBIT"])),
        optional("Ccy", value(Form::Currency)),
        optional("Tp", group(&STANDING_ORDER_TYPE)),
        optional("AssoctdPoolAcct", group(&ACCOUNT_IDENTIFICATION)),
        optional("Ref", text(35)),
        optional("Frqcy", code(&["YEAR", "MNTH", "QURT", "MIAN", "WEEK", "DAIL", "ADHO", "INDA", "OVNG"])),
        optional("VldtyPrd", group(&PERIOD)),
        optional("SysMmb", group(&AGENT)),
        optional("RspnsblPty", group(&AGENT)),
        optional("LkSetId", text(35)),
        optional("LkSetOrdrId", text(35)),
        optional("LkSetOrdrSeq", value(Form::Decimal { digits: 18, fraction: 0 })),
        optional("ExctnTp", group(&EXECUTION)),
        optional("Cdtr", group(&AGENT)),
        optional("CdtrAcct", group(&ACCOUNT)),
        optional("Dbtr", group(&AGENT)),
        optional("DbtrAcct", group(&ACCOUNT)),
        optional("TtlsPerStgOrdr", group(&STANDING_ORDER_TOTALS)),
        optional("ZeroSweepInd", value(Form::Boolean)),
    ],
};

/// `BalanceRestrictionType1`.
static RESTRICTION: Group = Group {
    choice: false,
    elements: &[
        one("Tp", group(&GENERIC_IDENTIFICATION)),
        optional("Desc", text(140)),
        optional("PrcgTp", group(&PROCESSING)),
    ],
};

/// `CashBalance11`.
static BILATERAL_BALANCE: Group = Group {
    choice: false,
    elements: &[
        one("Amt", value(Form::PlainAmount)),
        one("CdtDbtInd", code(&["CRDT", "DBIT"])),
        optional("Tp", group(&BILATERAL_BALANCE_TYPE)),
        optional("Sts", code(&["PDNG", "STLD"])),
        optional("ValDt", group(&DATE_OR_TIME)),
        optional("NbOfPmts", value(Form::Decimal { digits: 18, fraction: 0 })),
    ],
};

/// `StandingOrderType1Choice`.
static STANDING_ORDER_TYPE: Group = Group {
    choice: true,
    elements: &[one("Cd", code(&["USTO", "PSTO"])), one("Prtry", group(&GENERIC_IDENTIFICATION))],
};

/// `DatePeriodDetails1`.
static PERIOD: Group =
    Group { choice: false, elements: &[one("FrDt", value(Form::Date)), optional("ToDt", value(Form::Date))] };

/// `ExecutionType1Choice`.
static EXECUTION: Group = Group {
    choice: true,
    elements: &[one("Tm", value(Form::Time)), one("Evt", group(&CODE4_OR_PROPRIETARY))],
};

/// `StandingOrderTotalAmount1`.
static STANDING_ORDER_TOTALS: Group = Group {
    choice: false,
    elements: &[
        one("SetPrdfndOrdr", group(&TOTAL)),
        one("PdgPrdfndOrdr", group(&TOTAL)),
        one("SetStgOrdr", group(&TOTAL)),
        one("PdgStgOrdr", group(&TOTAL)),
    ],
};

/// `ProcessingType1Choice`.
static PROCESSING: Group = Group {
    choice: true,
    elements: &[
        one("Cd", code(&["RJCT", "CVHD", "RSVT", "BLCK", "EARM", "EFAC", "DLVR", "COLD", "CSDB"])),
        one("Prtry", text(35)),
    ],
};

/// `BalanceType9Choice`.
static BILATERAL_BALANCE_TYPE: Group = Group {
    choice: true,
    elements: &[
        one(
            "Cd",
            code(&[
                "OPNG", "INTM", "CLSG", "BOOK", "CRRT", "PDNG", "LRLD", "AVLB", "LTSF", "CRDT", "EAST",
                "PYMT", "BLCK", "XPCD", "DLOD", "XCRD", "XDBT", "ADJT", "PRAV", "DBIT", "THRE", "NOTE",
                "FSET", "BLOC", "OTHB", "CUST", "FORC", "COLC", "FUND", "PIPO", "XCHG", "CCPS", "TOHB",
                "COHB", "DOHB", "TPBL", "CPBL", "DPBL", "FUTB", "REJB", "FCOL", "FCOU", "SCOL", "SCOU",
                "CUSA", "XCHC", "XCHN", "DSET", "LACK", "NSET", "OTCC", "OTCG", "OTCN", "SAPD", "SAPC",
                "REPD", "REPC", "BSCD", "BSCC", "SAPP", "IRLT", "IRDR", "DWRD", "ADWR", "AIDR",
            ]),
        ),
        one("Prtry", text(35)),
    ],
};

/// `TotalAmountAndCurrency1`.
static TOTAL: Group = Group {
    choice: false,
    elements: &[
        one("TtlAmt", value(Form::PlainAmount)),
        optional("CdtDbtInd", code(&["CRDT", "DBIT"])),
        optional("Ccy", value(Form::Currency)),
    ],
};
