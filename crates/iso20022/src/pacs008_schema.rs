//! The schema of pacs.008.001.08, as far as the reader looks.

use crate::schema::{Content, Form, Group, UNBOUNDED, one, optional, repeated, several, text};
use crate::schema_common::{
    ACCOUNT, AGENT, CODE3_OR_PROPRIETARY, CODE4_OR_PROPRIETARY, CODE35_OR_PROPRIETARY, PARTY,
};

/// `Document`.
pub(crate) static DOCUMENT: Group =
    Group { choice: false, elements: &[one("FIToFICstmrCdtTrf", Content::Group(&MESSAGE))] };

static MESSAGE: Group = Group {
    choice: false,
    elements: &[
        one("GrpHdr", Content::Group(&GROUP_HEADER)),
        several("CdtTrfTxInf", Content::Group(&TRANSACTION)),
        repeated("SplmtryData", Content::Opaque, UNBOUNDED),
    ],
};

static GROUP_HEADER: Group = Group {
    choice: false,
    elements: &[
        one("MsgId", text(35)),
        one("CreDtTm", Content::Value(Form::DateTime)),
        optional("BtchBookg", Content::Value(Form::Boolean)),
        one("NbOfTxs", Content::Value(Form::Number)),
        optional("CtrlSum", Content::Value(Form::Decimal { digits: 18, fraction: 17 })),
        optional("TtlIntrBkSttlmAmt", Content::Value(Form::Amount)),
        optional("IntrBkSttlmDt", Content::Value(Form::Date)),
        one("SttlmInf", Content::Group(&SETTLEMENT_INSTRUCTION)),
        optional("PmtTpInf", Content::Group(&PAYMENT_TYPE)),
        optional("InstgAgt", Content::Group(&AGENT)),
        optional("InstdAgt", Content::Group(&AGENT)),
    ],
};

static SETTLEMENT_INSTRUCTION: Group = Group {
    choice: false,
    elements: &[
        one("SttlmMtd", Content::Value(Form::Code(&["INDA", "INGA", "COVE", "CLRG"]))),
        optional("SttlmAcct", Content::Group(&ACCOUNT)),
        optional("ClrSys", Content::Group(&CODE3_OR_PROPRIETARY)),
        optional("InstgRmbrsmntAgt", Content::Opaque),
        optional("InstgRmbrsmntAgtAcct", Content::Opaque),
        optional("InstdRmbrsmntAgt", Content::Opaque),
        optional("InstdRmbrsmntAgtAcct", Content::Opaque),
        optional("ThrdRmbrsmntAgt", Content::Opaque),
        optional("ThrdRmbrsmntAgtAcct", Content::Opaque),
    ],
};

static PAYMENT_TYPE: Group = Group {
    choice: false,
    elements: &[
        optional("InstrPrty", Content::Value(Form::Code(&["HIGH", "NORM"]))),
        optional("ClrChanl", Content::Value(Form::Code(&["RTGS", "RTNS", "MPNS", "BOOK"]))),
        repeated("SvcLvl", Content::Group(&CODE4_OR_PROPRIETARY), UNBOUNDED),
        optional("LclInstrm", Content::Group(&CODE35_OR_PROPRIETARY)),
        optional("CtgyPurp", Content::Group(&CODE4_OR_PROPRIETARY)),
    ],
};

static TRANSACTION: Group = Group {
    choice: false,
    elements: &[
        one("PmtId", Content::Group(&PAYMENT_IDENTIFICATION)),
        optional("PmtTpInf", Content::Group(&PAYMENT_TYPE)),
        one("IntrBkSttlmAmt", Content::Value(Form::Amount)),
        optional("IntrBkSttlmDt", Content::Value(Form::Date)),
        optional("SttlmPrty", Content::Value(Form::Code(&["URGT", "HIGH", "NORM"]))),
        optional("SttlmTmIndctn", Content::Opaque),
        optional("SttlmTmReq", Content::Opaque),
        optional("AccptncDtTm", Content::Value(Form::DateTime)),
        optional("PoolgAdjstmntDt", Content::Value(Form::Date)),
        optional("InstdAmt", Content::Value(Form::Amount)),
        optional("XchgRate", Content::Value(Form::Decimal { digits: 11, fraction: 10 })),
        one("ChrgBr", Content::Value(Form::Code(&["DEBT", "CRED", "SHAR", "SLEV"]))),
        repeated("ChrgsInf", Content::Opaque, UNBOUNDED),
        optional("PrvsInstgAgt1", Content::Opaque),
        optional("PrvsInstgAgt1Acct", Content::Opaque),
        optional("PrvsInstgAgt2", Content::Opaque),
        optional("PrvsInstgAgt2Acct", Content::Opaque),
        optional("PrvsInstgAgt3", Content::Opaque),
        optional("PrvsInstgAgt3Acct", Content::Opaque),
        optional("InstgAgt", Content::Group(&AGENT)),
        optional("InstdAgt", Content::Group(&AGENT)),
        optional("IntrmyAgt1", Content::Opaque),
        optional("IntrmyAgt1Acct", Content::Opaque),
        optional("IntrmyAgt2", Content::Opaque),
        optional("IntrmyAgt2Acct", Content::Opaque),
        optional("IntrmyAgt3", Content::Opaque),
        optional("IntrmyAgt3Acct", Content::Opaque),
        optional("UltmtDbtr", Content::Group(&PARTY)),
        optional("InitgPty", Content::Opaque),
        one("Dbtr", Content::Group(&PARTY)),
        optional("DbtrAcct", Content::Group(&ACCOUNT)),
        one("DbtrAgt", Content::Group(&AGENT)),
        optional("DbtrAgtAcct", Content::Opaque),
        one("CdtrAgt", Content::Group(&AGENT)),
        optional("CdtrAgtAcct", Content::Opaque),
        one("Cdtr", Content::Group(&PARTY)),
        optional("CdtrAcct", Content::Group(&ACCOUNT)),
        optional("UltmtCdtr", Content::Group(&PARTY)),
        repeated("InstrForCdtrAgt", Content::Opaque, UNBOUNDED),
        repeated("InstrForNxtAgt", Content::Opaque, UNBOUNDED),
        optional("Purp", Content::Group(&CODE4_OR_PROPRIETARY)),
        repeated("RgltryRptg", Content::Opaque, 10),
        optional("Tax", Content::Opaque),
        repeated("RltdRmtInf", Content::Opaque, 10),
        optional("RmtInf", Content::Group(&REMITTANCE)),
        repeated("SplmtryData", Content::Opaque, UNBOUNDED),
    ],
};

static PAYMENT_IDENTIFICATION: Group = Group {
    choice: false,
    elements: &[
        optional("InstrId", text(35)),
        one("EndToEndId", text(35)),
        optional("TxId", text(35)),
        optional("UETR", Content::Value(Form::Uuid)),
        optional("ClrSysRef", text(35)),
    ],
};

static REMITTANCE: Group = Group {
    choice: false,
    elements: &[
        repeated("Ustrd", text(140), UNBOUNDED),
        repeated("Strd", Content::Group(&STRUCTURED_REMITTANCE), UNBOUNDED),
    ],
};

static STRUCTURED_REMITTANCE: Group = Group {
    choice: false,
    elements: &[
        repeated("RfrdDocInf", Content::Opaque, UNBOUNDED),
        optional("RfrdDocAmt", Content::Opaque),
        optional("CdtrRefInf", Content::Group(&CREDITOR_REFERENCE)),
        optional("Invcr", Content::Opaque),
        optional("Invcee", Content::Opaque),
        optional("TaxRmt", Content::Opaque),
        optional("GrnshmtRmt", Content::Opaque),
        repeated("AddtlRmtInf", text(140), 3),
    ],
};

static CREDITOR_REFERENCE: Group = Group {
    choice: false,
    elements: &[optional("Tp", Content::Group(&CREDITOR_REFERENCE_TYPE)), optional("Ref", text(35))],
};

static CREDITOR_REFERENCE_TYPE: Group = Group {
    choice: false,
    elements: &[one("CdOrPrtry", Content::Group(&CREDITOR_REFERENCE_CODE)), optional("Issr", text(35))],
};

static CREDITOR_REFERENCE_CODE: Group = Group {
    choice: true,
    elements: &[
        one("Cd", Content::Value(Form::Code(&["RADM", "RPIN", "FXDR", "DISP", "PUOR", "SCOR"]))),
        one("Prtry", text(35)),
    ],
};
