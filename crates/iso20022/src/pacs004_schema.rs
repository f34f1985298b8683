//! The schema of pacs.004.001.09: money that goes back.

use crate::pacs008_schema::SETTLEMENT_TIME_INDICATION;
use crate::schema::{Form, Group, UNBOUNDED, code, group, one, optional, repeated, text, value};
use crate::schema_common::{
    AGENT, CHARGES, CODE4_OR_PROPRIETARY, PARTY, SETTLEMENT_INSTRUCTION, SUPPLEMENTARY_DATA,
};
use crate::schema_original::{ORIGINAL_GROUP_INFORMATION, ORIGINAL_TRANSACTION, PARTY_OR_AGENT};

/// `Document`.
pub(crate) static DOCUMENT: Group = Group { choice: false, elements: &[one("PmtRtr", group(&MESSAGE))] };

/// `PaymentReturnV09`.
static MESSAGE: Group = Group {
    choice: false,
    elements: &[
        one("GrpHdr", group(&GROUP_HEADER)),
        optional("OrgnlGrpInf", group(&ORIGINAL_GROUP)),
        repeated("TxInf", group(&TRANSACTION), UNBOUNDED),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};

/// `GroupHeader90`.
static GROUP_HEADER: Group = Group {
    choice: false,
    elements: &[
        one("MsgId", text(35)),
        one("CreDtTm", value(Form::DateTime)),
        repeated("Authstn", group(&AUTHORISATION), 2),
        optional("BtchBookg", value(Form::Boolean)),
        one("NbOfTxs", value(Form::Number)),
        optional("CtrlSum", value(Form::Decimal { digits: 18, fraction: 17 })),
        optional("GrpRtr", value(Form::Boolean)),
        optional("TtlRtrdIntrBkSttlmAmt", value(Form::Amount)),
        optional("IntrBkSttlmDt", value(Form::Date)),
        one("SttlmInf", group(&SETTLEMENT_INSTRUCTION)),
        optional("InstgAgt", group(&AGENT)),
        optional("InstdAgt", group(&AGENT)),
    ],
};

/// `OriginalGroupHeader18`.
static ORIGINAL_GROUP: Group = Group {
    choice: false,
    elements: &[
        one("OrgnlMsgId", text(35)),
        one("OrgnlMsgNmId", text(35)),
        optional("OrgnlCreDtTm", value(Form::DateTime)),
        repeated("RtrRsnInf", group(&REASON), UNBOUNDED),
    ],
};

/// `PaymentTransaction112`.
static TRANSACTION: Group = Group {
    choice: false,
    elements: &[
        optional("RtrId", text(35)),
        optional("OrgnlGrpInf", group(&ORIGINAL_GROUP_INFORMATION)),
        optional("OrgnlInstrId", text(35)),
        optional("OrgnlEndToEndId", text(35)),
        optional("OrgnlTxId", text(35)),
        optional("OrgnlUETR", value(Form::Uuid)),
        optional("OrgnlClrSysRef", text(35)),
        optional("OrgnlIntrBkSttlmAmt", value(Form::Amount)),
        optional("OrgnlIntrBkSttlmDt", value(Form::Date)),
        one("RtrdIntrBkSttlmAmt", value(Form::Amount)),
        optional("IntrBkSttlmDt", value(Form::Date)),
        optional("SttlmPrty", code(&["URGT", "HIGH", "NORM"])),
        optional("SttlmTmIndctn", group(&SETTLEMENT_TIME_INDICATION)),
        optional("RtrdInstdAmt", value(Form::Amount)),
        optional("XchgRate", value(Form::Decimal { digits: 11, fraction: 10 })),
        optional("CompstnAmt", value(Form::Amount)),
        optional("ChrgBr", code(&["DEBT", "CRED", "SHAR", "SLEV"])),
        repeated("ChrgsInf", group(&CHARGES), UNBOUNDED),
        optional("ClrSysRef", text(35)),
        optional("InstgAgt", group(&AGENT)),
        optional("InstdAgt", group(&AGENT)),
        optional("RtrChain", group(&RETURN_CHAIN)),
        repeated("RtrRsnInf", group(&REASON), UNBOUNDED),
        optional("OrgnlTxRef", group(&ORIGINAL_TRANSACTION)),
        repeated("SplmtryData", group(&SUPPLEMENTARY_DATA), UNBOUNDED),
    ],
};

/// `Authorisation1Choice`.
static AUTHORISATION: Group = Group {
    choice: true,
    elements: &[one("Cd", code(&["AUTH", "FDET", "FSUM", "ILEV"])), one("Prtry", text(128))],
};

/// `PaymentReturnReason6`.
static REASON: Group = Group {
    choice: false,
    elements: &[
        optional("Orgtr", group(&PARTY)),
        optional("Rsn", group(&CODE4_OR_PROPRIETARY)),
        repeated("AddtlInf", text(105), UNBOUNDED),
    ],
};

/// `TransactionParties7`.
static RETURN_CHAIN: Group = Group {
    choice: false,
    elements: &[
        optional("UltmtDbtr", group(&PARTY_OR_AGENT)),
        one("Dbtr", group(&PARTY_OR_AGENT)),
        optional("InitgPty", group(&PARTY_OR_AGENT)),
        optional("DbtrAgt", group(&AGENT)),
        optional("PrvsInstgAgt1", group(&AGENT)),
        optional("PrvsInstgAgt2", group(&AGENT)),
        optional("PrvsInstgAgt3", group(&AGENT)),
        optional("IntrmyAgt1", group(&AGENT)),
        optional("IntrmyAgt2", group(&AGENT)),
        optional("IntrmyAgt3", group(&AGENT)),
        optional("CdtrAgt", group(&AGENT)),
        one("Cdtr", group(&PARTY_OR_AGENT)),
        optional("UltmtCdtr", group(&PARTY_OR_AGENT)),
    ],
};
