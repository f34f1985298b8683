//! The schema of pacs.008.001.08.

use crate::schema::{Form, Group, UNBOUNDED, code, group, one, optional, repeated, several, text, value};
use crate::schema_common::{
    ACCOUNT, ADDRESS, AGENT, CHARGES, CODE4_OR_PROPRIETARY, CODE35_OR_PROPRIETARY, PARTY,
    SETTLEMENT_INSTRUCTION, SUPPLEMENTARY_DATA,
};
use crate::schema_remittance::{REMITTANCE, TAX_CREDITOR, TAX_DEBTOR, TAX_RECORD};

/// `Document`.
pub(crate) static DOCUMENT: Group =
    Group { choice: false, elements: &[one("FIToFICstmrCdtTrf", group(&MESSAGE))] };

/// `FIToFICustomerCreditTransferV08`.
static MESSAGE: Group = Group {
    choice: false,
    elements: &[
        one("GrpHdr", group(&GROUP_HEADER)),
        several("CdtTrfTxInf", group(&TRANSACTION)),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};

/// `GroupHeader93`.
static GROUP_HEADER: Group = Group {
    choice: false,
    elements: &[
        one("MsgId", text(35)),
        one("CreDtTm", value(Form::DateTime)),
        optional("BtchBookg", value(Form::Boolean)),
        one("NbOfTxs", value(Form::Number)),
        optional("CtrlSum", value(Form::Decimal { digits: 18, fraction: 17 })),
        optional("TtlIntrBkSttlmAmt", value(Form::Amount)),
        optional("IntrBkSttlmDt", value(Form::Date)),
        one("SttlmInf", group(&SETTLEMENT_INSTRUCTION)),
        optional("PmtTpInf", group(&PAYMENT_TYPE)),
        optional("InstgAgt", group(&AGENT)),
        optional("InstdAgt", group(&AGENT)),
    ],
};

/// `PaymentTypeInformation28`.
static PAYMENT_TYPE: Group = Group {
    choice: false,
    elements: &[
        optional("InstrPrty", code(&["HIGH", "NORM"])),
        optional("ClrChanl", code(&["RTGS", "RTNS", "MPNS", "BOOK"])),
        repeated("SvcLvl", group(&CODE4_OR_PROPRIETARY), UNBOUNDED),
        optional("LclInstrm", group(&CODE35_OR_PROPRIETARY)),
        optional("CtgyPurp", group(&CODE4_OR_PROPRIETARY)),
    ],
};

/// `CreditTransferTransaction39`.
static TRANSACTION: Group = Group {
    choice: false,
    elements: &[
        one("PmtId", group(&PAYMENT_IDENTIFICATION)),
        optional("PmtTpInf", group(&PAYMENT_TYPE)),
        one("IntrBkSttlmAmt", value(Form::Amount)),
        optional("IntrBkSttlmDt", value(Form::Date)),
        optional("SttlmPrty", code(&["URGT", "HIGH", "NORM"])),
        optional("SttlmTmIndctn", group(&SETTLEMENT_TIME_INDICATION)),
        optional("SttlmTmReq", group(&SETTLEMENT_TIME_REQUEST)),
        optional("AccptncDtTm", value(Form::DateTime)),
        optional("PoolgAdjstmntDt", value(Form::Date)),
        optional("InstdAmt", value(Form::Amount)),
        optional("XchgRate", value(Form::Decimal { digits: 11, fraction: 10 })),
        one("ChrgBr", code(&["DEBT", "CRED", "SHAR", "SLEV"])),
        repeated("ChrgsInf", group(&CHARGES), UNBOUNDED),
        optional("PrvsInstgAgt1", group(&AGENT)),
        optional("PrvsInstgAgt1Acct", group(&ACCOUNT)),
        optional("PrvsInstgAgt2", group(&AGENT)),
        optional("PrvsInstgAgt2Acct", group(&ACCOUNT)),
        optional("PrvsInstgAgt3", group(&AGENT)),
        optional("PrvsInstgAgt3Acct", group(&ACCOUNT)),
        optional("InstgAgt", group(&AGENT)),
        optional("InstdAgt", group(&AGENT)),
        optional("IntrmyAgt1", group(&AGENT)),
        optional("IntrmyAgt1Acct", group(&ACCOUNT)),
        optional("IntrmyAgt2", group(&AGENT)),
        optional("IntrmyAgt2Acct", group(&ACCOUNT)),
        optional("IntrmyAgt3", group(&AGENT)),
        optional("IntrmyAgt3Acct", group(&ACCOUNT)),
        optional("UltmtDbtr", group(&PARTY)),
        optional("InitgPty", group(&PARTY)),
        one("Dbtr", group(&PARTY)),
        optional("DbtrAcct", group(&ACCOUNT)),
        one("DbtrAgt", group(&AGENT)),
        optional("DbtrAgtAcct", group(&ACCOUNT)),
        one("CdtrAgt", group(&AGENT)),
        optional("CdtrAgtAcct", group(&ACCOUNT)),
        one("Cdtr", group(&PARTY)),
        optional("CdtrAcct", group(&ACCOUNT)),
        optional("UltmtCdtr", group(&PARTY)),
        repeated("InstrForCdtrAgt", group(&INSTRUCTION_FOR_CREDITOR_AGENT), UNBOUNDED),
        repeated("InstrForNxtAgt", group(&INSTRUCTION_FOR_NEXT_AGENT), UNBOUNDED),
        optional("Purp", group(&CODE4_OR_PROPRIETARY)),
        repeated("RgltryRptg", group(&REGULATORY_REPORTING), 10),
        optional("Tax", group(&TAX)),
        repeated("RltdRmtInf", group(&REMITTANCE_LOCATION), 10),
        optional("RmtInf", group(&REMITTANCE)),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};

/// `PaymentIdentification7`.
static PAYMENT_IDENTIFICATION: Group = Group {
    choice: false,
    elements: &[
        optional("InstrId", text(35)),
        one("EndToEndId", text(35)),
        optional("TxId", text(35)),
        optional("UETR", value(Form::Uuid)),
        optional("ClrSysRef", text(35)),
    ],
};

/// `SettlementDateTimeIndication1`.
pub(crate) static SETTLEMENT_TIME_INDICATION: Group = Group {
    choice: false,
    elements: &[optional("DbtDtTm", value(Form::DateTime)), optional("CdtDtTm", value(Form::DateTime))],
};

/// `SettlementTimeRequest2`.
static SETTLEMENT_TIME_REQUEST: Group = Group {
    choice: false,
    elements: &[
        optional("CLSTm", value(Form::Time)),
        optional("TillTm", value(Form::Time)),
        optional("FrTm", value(Form::Time)),
        optional("RjctTm", value(Form::Time)),
    ],
};

/// `InstructionForCreditorAgent1`.
pub(crate) static INSTRUCTION_FOR_CREDITOR_AGENT: Group = Group {
    choice: false,
    elements: &[optional("Cd", code(&["CHQB", "HOLD", "PHOB", "TELB"])), optional("InstrInf", text(140))],
};

/// `InstructionForNextAgent1`.
static INSTRUCTION_FOR_NEXT_AGENT: Group = Group {
    choice: false,
    elements: &[optional("Cd", code(&["PHOA", "TELA"])), optional("InstrInf", text(140))],
};

/// `RegulatoryReporting3`.
pub(crate) static REGULATORY_REPORTING: Group = Group {
    choice: false,
    elements: &[
        optional("DbtCdtRptgInd", code(&["CRED", "DEBT", "BOTH"])),
        optional("Authrty", group(&REGULATORY_AUTHORITY)),
        repeated("Dtls", group(&REGULATORY_DETAILS), UNBOUNDED),
    ],
};

/// `RegulatoryAuthority2`.
static REGULATORY_AUTHORITY: Group =
    Group { choice: false, elements: &[optional("Nm", text(140)), optional("Ctry", value(Form::Country))] };

/// `StructuredRegulatoryReporting3`.
static REGULATORY_DETAILS: Group = Group {
    choice: false,
    elements: &[
        optional("Tp", text(35)),
        optional("Dt", value(Form::Date)),
        optional("Ctry", value(Form::Country)),
        optional("Cd", text(10)),
        optional("Amt", value(Form::Amount)),
        repeated("Inf", text(35), UNBOUNDED),
    ],
};

/// `TaxInformation8`.
pub(crate) static TAX: Group = Group {
    choice: false,
    elements: &[
        optional("Cdtr", group(&TAX_CREDITOR)),
        optional("Dbtr", group(&TAX_DEBTOR)),
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

/// `RemittanceLocation7`.
pub(crate) static REMITTANCE_LOCATION: Group = Group {
    choice: false,
    elements: &[
        optional("RmtId", text(35)),
        repeated("RmtLctnDtls", group(&REMITTANCE_LOCATION_DATA), UNBOUNDED),
    ],
};

/// `RemittanceLocationData1`.
static REMITTANCE_LOCATION_DATA: Group = Group {
    choice: false,
    elements: &[
        one("Mtd", code(&["FAXI", "EDIC", "URID", "EMAL", "POST", "SMSM"])),
        optional("ElctrncAdr", text(2048)),
        optional("PstlAdr", group(&NAME_AND_ADDRESS)),
    ],
};

/// `NameAndAddress16`.
pub(crate) static NAME_AND_ADDRESS: Group =
    Group { choice: false, elements: &[one("Nm", text(140)), one("Adr", group(&ADDRESS))] };
