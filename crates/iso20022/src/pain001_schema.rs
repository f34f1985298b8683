//! The schema of pain.001.001.09, in the parts in which such a document is read.

use crate::pacs008_schema::{
    INSTRUCTION_FOR_CREDITOR_AGENT, NAME_AND_ADDRESS, REGULATORY_REPORTING, REMITTANCE_LOCATION, TAX,
};
use crate::schema::{Form, Group, UNBOUNDED, code, group, one, optional, repeated, text, value};
use crate::schema_common::{
    ACCOUNT, AGENT, CODE4_OR_PROPRIETARY, CODE35_OR_PROPRIETARY, PARTY, SUPPLEMENTARY_DATA,
};
use crate::schema_original::{DATE_OR_TIME, ORIGINAL_AMOUNT};
use crate::schema_remittance::REMITTANCE;

/// `Document`, with these elements inside that of the message.
macro_rules! document {
    ($($element:expr),*) => {
        Group {
            choice: false,
            elements: &[one("CstmrCdtTrfInitn", group(&Group { choice: false, elements: &[$($element),*] }))],
        }
    };
}

/// `PaymentInstruction30`, up to its transactions, and with these behind.
macro_rules! payment {
    ($($transactions:expr)?) => {
        Group {
            choice: false,
            elements: &[
                one("PmtInfId", text(35)),
                one("PmtMtd", code(&["CHK", "TRF", "TRA"])),
                optional("BtchBookg", value(Form::Boolean)),
                optional("NbOfTxs", value(Form::Number)),
                optional("CtrlSum", value(Form::Decimal { digits: 18, fraction: 17 })),
                optional("PmtTpInf", group(&PAYMENT_TYPE)),
                one("ReqdExctnDt", group(&DATE_OR_TIME)),
                optional("PoolgAdjstmntDt", value(Form::Date)),
                one("Dbtr", group(&PARTY)),
                one("DbtrAcct", group(&ACCOUNT)),
                one("DbtrAgt", group(&AGENT)),
                optional("DbtrAgtAcct", group(&ACCOUNT)),
                optional("InstrForDbtrAgt", text(140)),
                optional("UltmtDbtr", group(&PARTY)),
                optional("ChrgBr", code(&["DEBT", "CRED", "SHAR", "SLEV"])),
                optional("ChrgsAcct", group(&ACCOUNT)),
                optional("ChrgsAcctAgt", group(&AGENT)),
                $($transactions)?
            ],
        }
    };
}

/// `CustomerCreditTransferInitiationV09`, the whole of it.
#[cfg(test)]
pub(crate) static DOCUMENT: Group = document!(
    one("GrpHdr", group(&GROUP_HEADER)),
    crate::schema::several("PmtInf", group(&PAYMENT)),
    repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED)
);

#[cfg(test)]
static PAYMENT: Group = payment!(crate::schema::several("CdtTrfTxInf", group(&TRANSACTION)));

/// What stands before the first payment information.
pub(crate) static HEAD: Group = document!(one("GrpHdr", group(&GROUP_HEADER)));

/// What stands in a payment information before its first transaction.
pub(crate) static PAYMENT_HEAD: Group = document!(one("PmtInf", group(&payment!())));

/// One transaction.
pub(crate) static LINE: Group = document!(one(
    "PmtInf",
    group(&Group { choice: false, elements: &[one("CdtTrfTxInf", group(&TRANSACTION))] })
));

/// What stands in a payment information behind its last transaction.
pub(crate) static PAYMENT_END: Group =
    document!(one("PmtInf", group(&Group { choice: false, elements: &[] })));

/// What stands between two payment informations.
pub(crate) static GAP: Group = document!();

/// What stands behind the last payment information.
pub(crate) static TAIL: Group = document!(repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED));

/// `GroupHeader85`.
static GROUP_HEADER: Group = Group {
    choice: false,
    elements: &[
        one("MsgId", text(35)),
        one("CreDtTm", value(Form::DateTime)),
        repeated("Authstn", group(&AUTHORISATION), 2),
        one("NbOfTxs", value(Form::Number)),
        optional("CtrlSum", value(Form::Decimal { digits: 18, fraction: 17 })),
        one("InitgPty", group(&PARTY)),
        optional("FwdgAgt", group(&AGENT)),
    ],
};

/// `Authorisation1Choice`.
static AUTHORISATION: Group = Group {
    choice: true,
    elements: &[one("Cd", code(&["AUTH", "FDET", "FSUM", "ILEV"])), one("Prtry", text(128))],
};

/// `PaymentTypeInformation26`.
pub(crate) static PAYMENT_TYPE: Group = Group {
    choice: false,
    elements: &[
        optional("InstrPrty", code(&["HIGH", "NORM"])),
        repeated("SvcLvl", group(&CODE4_OR_PROPRIETARY), UNBOUNDED),
        optional("LclInstrm", group(&CODE35_OR_PROPRIETARY)),
        optional("CtgyPurp", group(&CODE4_OR_PROPRIETARY)),
    ],
};

/// `CreditTransferTransaction34`.
static TRANSACTION: Group = Group {
    choice: false,
    elements: &[
        one("PmtId", group(&PAYMENT_IDENTIFICATION)),
        optional("PmtTpInf", group(&PAYMENT_TYPE)),
        one("Amt", group(&ORIGINAL_AMOUNT)),
        optional("XchgRateInf", group(&EXCHANGE_RATE)),
        optional("ChrgBr", code(&["DEBT", "CRED", "SHAR", "SLEV"])),
        optional("ChqInstr", group(&CHEQUE)),
        optional("UltmtDbtr", group(&PARTY)),
        optional("IntrmyAgt1", group(&AGENT)),
        optional("IntrmyAgt1Acct", group(&ACCOUNT)),
        optional("IntrmyAgt2", group(&AGENT)),
        optional("IntrmyAgt2Acct", group(&ACCOUNT)),
        optional("IntrmyAgt3", group(&AGENT)),
        optional("IntrmyAgt3Acct", group(&ACCOUNT)),
        optional("CdtrAgt", group(&AGENT)),
        optional("CdtrAgtAcct", group(&ACCOUNT)),
        optional("Cdtr", group(&PARTY)),
        optional("CdtrAcct", group(&ACCOUNT)),
        optional("UltmtCdtr", group(&PARTY)),
        repeated("InstrForCdtrAgt", group(&INSTRUCTION_FOR_CREDITOR_AGENT), UNBOUNDED),
        optional("InstrForDbtrAgt", text(140)),
        optional("Purp", group(&CODE4_OR_PROPRIETARY)),
        repeated("RgltryRptg", group(&REGULATORY_REPORTING), 10),
        optional("Tax", group(&TAX)),
        repeated("RltdRmtInf", group(&REMITTANCE_LOCATION), 10),
        optional("RmtInf", group(&REMITTANCE)),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};

/// `PaymentIdentification6`.
pub(crate) static PAYMENT_IDENTIFICATION: Group = Group {
    choice: false,
    elements: &[
        optional("InstrId", text(35)),
        one("EndToEndId", text(35)),
        optional("UETR", value(Form::Uuid)),
    ],
};

/// `ExchangeRate1`.
static EXCHANGE_RATE: Group = Group {
    choice: false,
    elements: &[
        optional("UnitCcy", value(Form::Currency)),
        optional("XchgRate", value(Form::Decimal { digits: 11, fraction: 10 })),
        optional("RateTp", code(&["SPOT", "SALE", "AGRD"])),
        optional("CtrctId", text(35)),
    ],
};

/// `Cheque11`.
pub(crate) static CHEQUE: Group = Group {
    choice: false,
    elements: &[
        optional("ChqTp", code(&["CCHQ", "CCCH", "BCHQ", "DRFT", "ELDR"])),
        optional("ChqNb", text(35)),
        optional("ChqFr", group(&NAME_AND_ADDRESS)),
        optional("DlvryMtd", group(&CHEQUE_DELIVERY)),
        optional("DlvrTo", group(&NAME_AND_ADDRESS)),
        optional("InstrPrty", code(&["HIGH", "NORM"])),
        optional("ChqMtrtyDt", value(Form::Date)),
        optional("FrmsCd", text(35)),
        repeated("MemoFld", text(35), 2),
        optional("RgnlClrZone", text(35)),
        optional("PrtLctn", text(35)),
        repeated("Sgntr", text(70), 5),
    ],
};

/// `ChequeDeliveryMethod1Choice`.
static CHEQUE_DELIVERY: Group = Group {
    choice: true,
    elements: &[
        one(
            "Cd",
            code(&[
                "MLDB", "MLCD", "MLFA", "CRDB", "CRCD", "CRFA", "PUDB", "PUCD", "PUFA", "RGDB", "RGCD",
                "RGFA",
            ]),
        ),
        one("Prtry", text(35)),
    ],
};
