//! What a payment is for, as the ISO schemas have it: far more than the scheme lets pass.
//!
//! Profile `pass-through` forwards all of it, so all of it is checked.

use crate::schema::{Form, Group, UNBOUNDED, code, group, one, optional, repeated, several, text, value};
use crate::schema_common::{CODE4_OR_PROPRIETARY, PARTY};

/// `RemittanceInformation16`.
pub(crate) static REMITTANCE: Group = Group {
    choice: false,
    elements: &[
        repeated("Ustrd", text(140), UNBOUNDED),
        repeated("Strd", group(&STRUCTURED_REMITTANCE), UNBOUNDED),
    ],
};

/// `StructuredRemittanceInformation16`.
static STRUCTURED_REMITTANCE: Group = Group {
    choice: false,
    elements: &[
        repeated("RfrdDocInf", group(&REFERRED_DOCUMENT), UNBOUNDED),
        optional("RfrdDocAmt", group(&REMITTANCE_AMOUNT)),
        optional("CdtrRefInf", group(&CREDITOR_REFERENCE)),
        optional("Invcr", group(&PARTY)),
        optional("Invcee", group(&PARTY)),
        optional("TaxRmt", group(&TAX_REMITTANCE)),
        optional("GrnshmtRmt", group(&GARNISHMENT)),
        repeated("AddtlRmtInf", text(140), 3),
    ],
};

/// `ReferredDocumentInformation7`.
static REFERRED_DOCUMENT: Group = Group {
    choice: false,
    elements: &[
        optional("Tp", group(&REFERRED_DOCUMENT_TYPE)),
        optional("Nb", text(35)),
        optional("RltdDt", value(Form::Date)),
        repeated("LineDtls", group(&DOCUMENT_LINE), UNBOUNDED),
    ],
};

/// `ReferredDocumentType4`.
static REFERRED_DOCUMENT_TYPE: Group = Group {
    choice: false,
    elements: &[one("CdOrPrtry", group(&REFERRED_DOCUMENT_CODE)), optional("Issr", text(35))],
};

/// `ReferredDocumentType3Choice`.
static REFERRED_DOCUMENT_CODE: Group = Group {
    choice: true,
    elements: &[
        one(
            "Cd",
            code(&[
                "MSIN", "CNFA", "DNFA", "CINV", "CREN", "DEBN", "HIRI", "SBIN", "CMCN", "SOAC", "DISP",
                "BOLD", "VCHR", "AROI", "TSUT", "PUOR",
            ]),
        ),
        one("Prtry", text(35)),
    ],
};

/// `DocumentLineInformation1`.
static DOCUMENT_LINE: Group = Group {
    choice: false,
    elements: &[
        several("Id", group(&DOCUMENT_LINE_IDENTIFICATION)),
        optional("Desc", text(2048)),
        optional("Amt", group(&REMITTANCE_AMOUNT)),
    ],
};

/// `DocumentLineIdentification1`.
static DOCUMENT_LINE_IDENTIFICATION: Group = Group {
    choice: false,
    elements: &[
        optional("Tp", group(&DOCUMENT_LINE_TYPE)),
        optional("Nb", text(35)),
        optional("RltdDt", value(Form::Date)),
    ],
};

/// `DocumentLineType1`.
static DOCUMENT_LINE_TYPE: Group = Group {
    choice: false,
    elements: &[one("CdOrPrtry", group(&CODE4_OR_PROPRIETARY)), optional("Issr", text(35))],
};

/// `RemittanceAmount3`.
static REMITTANCE_AMOUNT: Group = Group {
    choice: false,
    elements: &[
        optional("DuePyblAmt", value(Form::Amount)),
        repeated("DscntApldAmt", group(&TYPED_AMOUNT), UNBOUNDED),
        optional("CdtNoteAmt", value(Form::Amount)),
        repeated("TaxAmt", group(&TYPED_AMOUNT), UNBOUNDED),
        repeated("AdjstmntAmtAndRsn", group(&DOCUMENT_ADJUSTMENT), UNBOUNDED),
        optional("RmtdAmt", value(Form::Amount)),
    ],
};

/// `DiscountAmountAndType1`.
static TYPED_AMOUNT: Group = Group {
    choice: false,
    elements: &[optional("Tp", group(&CODE4_OR_PROPRIETARY)), one("Amt", value(Form::Amount))],
};

/// `DocumentAdjustment1`.
static DOCUMENT_ADJUSTMENT: Group = Group {
    choice: false,
    elements: &[
        one("Amt", value(Form::Amount)),
        optional("CdtDbtInd", code(&["CRDT", "DBIT"])),
        optional("Rsn", text(4)),
        optional("AddtlInf", text(140)),
    ],
};

/// `CreditorReferenceInformation2`.
static CREDITOR_REFERENCE: Group = Group {
    choice: false,
    elements: &[optional("Tp", group(&CREDITOR_REFERENCE_TYPE)), optional("Ref", text(35))],
};

/// `CreditorReferenceType2`.
static CREDITOR_REFERENCE_TYPE: Group = Group {
    choice: false,
    elements: &[one("CdOrPrtry", group(&CREDITOR_REFERENCE_CODE)), optional("Issr", text(35))],
};

/// `CreditorReferenceType1Choice`.
static CREDITOR_REFERENCE_CODE: Group = Group {
    choice: true,
    elements: &[one("Cd", code(&["RADM", "RPIN", "FXDR", "DISP", "PUOR", "SCOR"])), one("Prtry", text(35))],
};

/// `TaxInformation7`.
static TAX_REMITTANCE: Group = Group {
    choice: false,
    elements: &[
        optional("Cdtr", group(&TAX_CREDITOR)),
        optional("Dbtr", group(&TAX_DEBTOR)),
        optional("UltmtDbtr", group(&TAX_DEBTOR)),
        optional("AdmstnZone", text(35)),
        optional("RefNb", text(140)),
        optional("Mtd", text(35)),
        optional("TtlTaxblBaseAmt", value(Form::Amount)),
        optional("TtlTaxAmt", value(Form::Amount)),
        optional("Dt", value(Form::Date)),
        optional("SeqNb", value(Form::Decimal { digits: 18, fraction: 0 })),
        repeated("Rcrd", group(&TAX_RECORD), UNBOUNDED),
    ],
};

/// `TaxParty1`.
pub(crate) static TAX_CREDITOR: Group = Group {
    choice: false,
    elements: &[optional("TaxId", text(35)), optional("RegnId", text(35)), optional("TaxTp", text(35))],
};

/// `TaxParty2`.
pub(crate) static TAX_DEBTOR: Group = Group {
    choice: false,
    elements: &[
        optional("TaxId", text(35)),
        optional("RegnId", text(35)),
        optional("TaxTp", text(35)),
        optional("Authstn", group(&TAX_AUTHORISATION)),
    ],
};

/// `TaxAuthorisation1`.
static TAX_AUTHORISATION: Group =
    Group { choice: false, elements: &[optional("Titl", text(35)), optional("Nm", text(140))] };

/// `TaxRecord2`.
pub(crate) static TAX_RECORD: Group = Group {
    choice: false,
    elements: &[
        optional("Tp", text(35)),
        optional("Ctgy", text(35)),
        optional("CtgyDtls", text(35)),
        optional("DbtrSts", text(35)),
        optional("CertId", text(35)),
        optional("FrmsCd", text(35)),
        optional("Prd", group(&TAX_PERIOD)),
        optional("TaxAmt", group(&TAX_AMOUNT)),
        optional("AddtlInf", text(140)),
    ],
};

/// `TaxPeriod2`.
static TAX_PERIOD: Group = Group {
    choice: false,
    elements: &[
        optional("Yr", value(Form::Date)),
        optional(
            "Tp",
            code(&[
                "MM01", "MM02", "MM03", "MM04", "MM05", "MM06", "MM07", "MM08", "MM09", "MM10", "MM11",
                "MM12", "QTR1", "QTR2", "QTR3", "QTR4", "HLF1", "HLF2",
            ]),
        ),
        optional("FrToDt", group(&DATE_PERIOD)),
    ],
};

/// `DatePeriod2`.
static DATE_PERIOD: Group =
    Group { choice: false, elements: &[one("FrDt", value(Form::Date)), one("ToDt", value(Form::Date))] };

/// `TaxAmount2`.
static TAX_AMOUNT: Group = Group {
    choice: false,
    elements: &[
        optional("Rate", value(Form::Decimal { digits: 11, fraction: 10 })),
        optional("TaxblBaseAmt", value(Form::Amount)),
        optional("TtlAmt", value(Form::Amount)),
        repeated("Dtls", group(&TAX_RECORD_DETAILS), UNBOUNDED),
    ],
};

/// `TaxRecordDetails2`.
static TAX_RECORD_DETAILS: Group = Group {
    choice: false,
    elements: &[optional("Prd", group(&TAX_PERIOD)), one("Amt", value(Form::Amount))],
};

/// `Garnishment3`.
static GARNISHMENT: Group = Group {
    choice: false,
    elements: &[
        one("Tp", group(&GARNISHMENT_TYPE)),
        optional("Grnshee", group(&PARTY)),
        optional("GrnshmtAdmstr", group(&PARTY)),
        optional("RefNb", text(140)),
        optional("Dt", value(Form::Date)),
        optional("RmtdAmt", value(Form::Amount)),
        optional("FmlyMdclInsrncInd", value(Form::Boolean)),
        optional("MplyeeTermntnInd", value(Form::Boolean)),
    ],
};

/// `GarnishmentType1`.
static GARNISHMENT_TYPE: Group = Group {
    choice: false,
    elements: &[one("CdOrPrtry", group(&CODE4_OR_PROPRIETARY)), optional("Issr", text(35))],
};
