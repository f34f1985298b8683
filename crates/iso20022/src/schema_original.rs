//! The parts of reports and enquiries that repeat the original message.

use crate::schema::{Form, Group, UNBOUNDED, code, group, one, optional, repeated, text, value};
use crate::schema_common::{
    ACCOUNT, AGENT, CODE4_OR_PROPRIETARY, CODE35_OR_PROPRIETARY, PARTY, SETTLEMENT_INSTRUCTION,
};
use crate::schema_remittance::REMITTANCE;

/// `OriginalTransactionReference28`.
pub(crate) static ORIGINAL_TRANSACTION: Group = Group {
    choice: false,
    elements: &[
        optional("IntrBkSttlmAmt", value(Form::Amount)),
        optional("Amt", group(&ORIGINAL_AMOUNT)),
        optional("IntrBkSttlmDt", value(Form::Date)),
        optional("ReqdColltnDt", value(Form::Date)),
        optional("ReqdExctnDt", group(&DATE_OR_TIME)),
        optional("CdtrSchmeId", group(&PARTY)),
        optional("SttlmInf", group(&SETTLEMENT_INSTRUCTION)),
        optional("PmtTpInf", group(&ORIGINAL_PAYMENT_TYPE)),
        optional("PmtMtd", code(&["CHK", "TRF", "DD", "TRA"])),
        optional("MndtRltdInf", group(&MANDATE)),
        optional("RmtInf", group(&REMITTANCE)),
        optional("UltmtDbtr", group(&PARTY_OR_AGENT)),
        optional("Dbtr", group(&PARTY_OR_AGENT)),
        optional("DbtrAcct", group(&ACCOUNT)),
        optional("DbtrAgt", group(&AGENT)),
        optional("DbtrAgtAcct", group(&ACCOUNT)),
        optional("CdtrAgt", group(&AGENT)),
        optional("CdtrAgtAcct", group(&ACCOUNT)),
        optional("Cdtr", group(&PARTY_OR_AGENT)),
        optional("CdtrAcct", group(&ACCOUNT)),
        optional("UltmtCdtr", group(&PARTY_OR_AGENT)),
        optional("Purp", group(&CODE4_OR_PROPRIETARY)),
    ],
};

/// `AmountType4Choice`.
pub(crate) static ORIGINAL_AMOUNT: Group = Group {
    choice: true,
    elements: &[one("InstdAmt", value(Form::Amount)), one("EqvtAmt", group(&EQUIVALENT_AMOUNT))],
};

/// `EquivalentAmount2`.
static EQUIVALENT_AMOUNT: Group = Group {
    choice: false,
    elements: &[one("Amt", value(Form::Amount)), one("CcyOfTrf", value(Form::Currency))],
};

/// `DateAndDateTime2Choice`.
pub(crate) static DATE_OR_TIME: Group =
    Group { choice: true, elements: &[one("Dt", value(Form::Date)), one("DtTm", value(Form::DateTime))] };

/// `PaymentTypeInformation27`.
static ORIGINAL_PAYMENT_TYPE: Group = Group {
    choice: false,
    elements: &[
        optional("InstrPrty", code(&["HIGH", "NORM"])),
        optional("ClrChanl", code(&["RTGS", "RTNS", "MPNS", "BOOK"])),
        repeated("SvcLvl", group(&CODE4_OR_PROPRIETARY), UNBOUNDED),
        optional("LclInstrm", group(&CODE35_OR_PROPRIETARY)),
        optional("SeqTp", code(&["FRST", "RCUR", "FNAL", "OOFF", "RPRE"])),
        optional("CtgyPurp", group(&CODE4_OR_PROPRIETARY)),
    ],
};

/// `MandateRelatedInformation14`.
static MANDATE: Group = Group {
    choice: false,
    elements: &[
        optional("MndtId", text(35)),
        optional("DtOfSgntr", value(Form::Date)),
        optional("AmdmntInd", value(Form::Boolean)),
        optional("AmdmntInfDtls", group(&MANDATE_AMENDMENT)),
        optional("ElctrncSgntr", text(1025)),
        optional("FrstColltnDt", value(Form::Date)),
        optional("FnlColltnDt", value(Form::Date)),
        optional("Frqcy", group(&FREQUENCY)),
        optional("Rsn", group(&MANDATE_REASON)),
        optional("TrckgDays", value(Form::Numeric2)),
    ],
};

/// `AmendmentInformationDetails13`.
static MANDATE_AMENDMENT: Group = Group {
    choice: false,
    elements: &[
        optional("OrgnlMndtId", text(35)),
        optional("OrgnlCdtrSchmeId", group(&PARTY)),
        optional("OrgnlCdtrAgt", group(&AGENT)),
        optional("OrgnlCdtrAgtAcct", group(&ACCOUNT)),
        optional("OrgnlDbtr", group(&PARTY)),
        optional("OrgnlDbtrAcct", group(&ACCOUNT)),
        optional("OrgnlDbtrAgt", group(&AGENT)),
        optional("OrgnlDbtrAgtAcct", group(&ACCOUNT)),
        optional("OrgnlFnlColltnDt", value(Form::Date)),
        optional("OrgnlFrqcy", group(&FREQUENCY)),
        optional("OrgnlRsn", group(&MANDATE_REASON)),
        optional("OrgnlTrckgDays", value(Form::Numeric2)),
    ],
};

/// `Frequency36Choice`.
static FREQUENCY: Group = Group {
    choice: true,
    elements: &[
        one("Tp", code(&["YEAR", "MNTH", "QURT", "MIAN", "WEEK", "DAIL", "ADHO", "INDA", "FRTN"])),
        one("Prd", group(&FREQUENCY_PERIOD)),
        one("PtInTm", group(&FREQUENCY_MOMENT)),
    ],
};

/// `FrequencyPeriod1`.
static FREQUENCY_PERIOD: Group = Group {
    choice: false,
    elements: &[
        one("Tp", code(&["YEAR", "MNTH", "QURT", "MIAN", "WEEK", "DAIL", "ADHO", "INDA", "FRTN"])),
        one("CntPerPrd", value(Form::Decimal { digits: 18, fraction: 17 })),
    ],
};

/// `FrequencyAndMoment1`.
static FREQUENCY_MOMENT: Group = Group {
    choice: false,
    elements: &[
        one("Tp", code(&["YEAR", "MNTH", "QURT", "MIAN", "WEEK", "DAIL", "ADHO", "INDA", "FRTN"])),
        one("PtInTm", value(Form::Numeric2)),
    ],
};

/// `MandateSetupReason1Choice`.
static MANDATE_REASON: Group =
    Group { choice: true, elements: &[one("Cd", text(4)), one("Prtry", text(70))] };

/// `Party40Choice`.
pub(crate) static PARTY_OR_AGENT: Group =
    Group { choice: true, elements: &[one("Pty", group(&PARTY)), one("Agt", group(&AGENT))] };

/// `GroupHeader91`.
pub(crate) static SHORT_GROUP_HEADER: Group = Group {
    choice: false,
    elements: &[
        one("MsgId", text(35)),
        one("CreDtTm", value(Form::DateTime)),
        optional("InstgAgt", group(&AGENT)),
        optional("InstdAgt", group(&AGENT)),
    ],
};

/// `OriginalGroupInformation29`.
pub(crate) static ORIGINAL_GROUP_INFORMATION: Group = Group {
    choice: false,
    elements: &[
        one("OrgnlMsgId", text(35)),
        one("OrgnlMsgNmId", text(35)),
        optional("OrgnlCreDtTm", value(Form::DateTime)),
    ],
};
