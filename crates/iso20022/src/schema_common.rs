//! The parts that messages of 2019 share: parties, banks, accounts, addresses.
//!
//! Facts of the ISO schemas, named by the type that each table states. A test holds the tables of a message
//! against a schema processor, where there is one.

use crate::schema::{Content, Form, Group, UNBOUNDED, code, group, one, optional, repeated, text, value};

/// `BranchAndFinancialInstitutionIdentification6`.
pub(crate) static AGENT: Group = Group {
    choice: false,
    elements: &[one("FinInstnId", group(&INSTITUTION)), optional("BrnchId", group(&BRANCH))],
};

/// `FinancialInstitutionIdentification18`.
static INSTITUTION: Group = Group {
    choice: false,
    elements: &[
        optional("BICFI", value(Form::Bic)),
        optional("ClrSysMmbId", group(&CLEARING_MEMBER)),
        optional("LEI", value(Form::Lei)),
        optional("Nm", text(140)),
        optional("PstlAdr", group(&ADDRESS)),
        optional("Othr", group(&OTHER_IDENTIFICATION)),
    ],
};

/// `ClearingSystemMemberIdentification2`.
static CLEARING_MEMBER: Group = Group {
    choice: false,
    elements: &[optional("ClrSysId", group(&CODE5_OR_PROPRIETARY)), one("MmbId", text(35))],
};

/// A choice between a code of an external list and a name of the sender's own.
static CODE5_OR_PROPRIETARY: Group =
    Group { choice: true, elements: &[one("Cd", text(5)), one("Prtry", text(35))] };

/// `PostalAddress24`.
pub(crate) static ADDRESS: Group = Group {
    choice: false,
    elements: &[
        optional("AdrTp", group(&ADDRESS_TYPE)),
        optional("Dept", text(70)),
        optional("SubDept", text(70)),
        optional("StrtNm", text(70)),
        optional("BldgNb", text(16)),
        optional("BldgNm", text(35)),
        optional("Flr", text(70)),
        optional("PstBx", text(16)),
        optional("Room", text(70)),
        optional("PstCd", text(16)),
        optional("TwnNm", text(35)),
        optional("TwnLctnNm", text(35)),
        optional("DstrctNm", text(35)),
        optional("CtrySubDvsn", text(35)),
        optional("Ctry", value(Form::Country)),
        repeated("AdrLine", text(70), 7),
    ],
};

/// `AddressType3Choice`.
static ADDRESS_TYPE: Group = Group {
    choice: true,
    elements: &[
        one("Cd", code(&["ADDR", "PBOX", "HOME", "BIZZ", "MLTO", "DLVY"])),
        one("Prtry", group(&PROPRIETARY_IDENTIFICATION)),
    ],
};

/// `GenericIdentification30`.
static PROPRIETARY_IDENTIFICATION: Group = Group {
    choice: false,
    elements: &[one("Id", value(Form::Alphanumeric4)), one("Issr", text(35)), optional("SchmeNm", text(35))],
};

/// `GenericFinancialIdentification1`.
static OTHER_IDENTIFICATION: Group = Group {
    choice: false,
    elements: &[
        one("Id", text(35)),
        optional("SchmeNm", group(&CODE4_OR_PROPRIETARY)),
        optional("Issr", text(35)),
    ],
};

/// A choice between a code of an external list and a name of the sender's own.
pub(crate) static CODE4_OR_PROPRIETARY: Group =
    Group { choice: true, elements: &[one("Cd", text(4)), one("Prtry", text(35))] };

/// `BranchData3`.
static BRANCH: Group = Group {
    choice: false,
    elements: &[
        optional("Id", text(35)),
        optional("LEI", value(Form::Lei)),
        optional("Nm", text(140)),
        optional("PstlAdr", group(&ADDRESS)),
    ],
};

/// `PartyIdentification135`.
pub(crate) static PARTY: Group = Group {
    choice: false,
    elements: &[
        optional("Nm", text(140)),
        optional("PstlAdr", group(&ADDRESS)),
        optional("Id", group(&PARTY_IDENTIFICATION)),
        optional("CtryOfRes", value(Form::Country)),
        optional("CtctDtls", group(&CONTACT)),
    ],
};

/// `Party38Choice`.
static PARTY_IDENTIFICATION: Group = Group {
    choice: true,
    elements: &[
        one("OrgId", group(&ORGANISATION_IDENTIFICATION)),
        one("PrvtId", group(&PERSON_IDENTIFICATION)),
    ],
};

/// `OrganisationIdentification29`.
static ORGANISATION_IDENTIFICATION: Group = Group {
    choice: false,
    elements: &[
        optional("AnyBIC", value(Form::Bic)),
        optional("LEI", value(Form::Lei)),
        repeated("Othr", group(&OTHER_IDENTIFICATION), UNBOUNDED),
    ],
};

/// `PersonIdentification13`.
static PERSON_IDENTIFICATION: Group = Group {
    choice: false,
    elements: &[
        optional("DtAndPlcOfBirth", group(&BIRTH)),
        repeated("Othr", group(&OTHER_IDENTIFICATION), UNBOUNDED),
    ],
};

/// `DateAndPlaceOfBirth1`.
static BIRTH: Group = Group {
    choice: false,
    elements: &[
        one("BirthDt", value(Form::Date)),
        optional("PrvcOfBirth", text(35)),
        one("CityOfBirth", text(35)),
        one("CtryOfBirth", value(Form::Country)),
    ],
};

/// `Contact4`.
static CONTACT: Group = Group {
    choice: false,
    elements: &[
        optional("NmPrfx", code(&["DOCT", "MADM", "MISS", "MIST", "MIKS"])),
        optional("Nm", text(140)),
        optional("PhneNb", value(Form::Phone)),
        optional("MobNb", value(Form::Phone)),
        optional("FaxNb", value(Form::Phone)),
        optional("EmailAdr", text(2048)),
        optional("EmailPurp", text(35)),
        optional("JobTitl", text(35)),
        optional("Rspnsblty", text(35)),
        optional("Dept", text(70)),
        repeated("Othr", group(&OTHER_CONTACT), UNBOUNDED),
        optional("PrefrdMtd", code(&["LETT", "MAIL", "PHON", "FAXX", "CELL"])),
    ],
};

/// `OtherContact1`.
static OTHER_CONTACT: Group =
    Group { choice: false, elements: &[one("ChanlTp", text(4)), optional("Id", text(128))] };

/// `CashAccount38`.
pub(crate) static ACCOUNT: Group = Group {
    choice: false,
    elements: &[
        one("Id", group(&ACCOUNT_IDENTIFICATION)),
        optional("Tp", group(&CODE4_OR_PROPRIETARY)),
        optional("Ccy", value(Form::Currency)),
        optional("Nm", text(70)),
        optional("Prxy", group(&PROXY)),
    ],
};

/// `AccountIdentification4Choice`.
pub(crate) static ACCOUNT_IDENTIFICATION: Group = Group {
    choice: true,
    elements: &[one("IBAN", value(Form::Iban)), one("Othr", group(&OTHER_ACCOUNT_IDENTIFICATION))],
};

/// `GenericAccountIdentification1`.
static OTHER_ACCOUNT_IDENTIFICATION: Group = Group {
    choice: false,
    elements: &[
        one("Id", text(34)),
        optional("SchmeNm", group(&CODE4_OR_PROPRIETARY)),
        optional("Issr", text(35)),
    ],
};

/// `ProxyAccountIdentification1`.
pub(crate) static PROXY: Group =
    Group { choice: false, elements: &[optional("Tp", group(&CODE4_OR_PROPRIETARY)), one("Id", text(2048))] };

/// `SupplementaryData1`.
pub(crate) static SUPPLEMENTARY_DATA: Group = Group {
    choice: false,
    elements: &[optional("PlcAndNm", text(350)), one("Envlp", Content::Anything(None))],
};

/// `SettlementInstruction7`.
pub(crate) static SETTLEMENT_INSTRUCTION: Group = Group {
    choice: false,
    elements: &[
        one("SttlmMtd", code(&["INDA", "INGA", "COVE", "CLRG"])),
        optional("SttlmAcct", group(&ACCOUNT)),
        optional("ClrSys", group(&CODE3_OR_PROPRIETARY)),
        optional("InstgRmbrsmntAgt", group(&AGENT)),
        optional("InstgRmbrsmntAgtAcct", group(&ACCOUNT)),
        optional("InstdRmbrsmntAgt", group(&AGENT)),
        optional("InstdRmbrsmntAgtAcct", group(&ACCOUNT)),
        optional("ThrdRmbrsmntAgt", group(&AGENT)),
        optional("ThrdRmbrsmntAgtAcct", group(&ACCOUNT)),
    ],
};

/// A choice between a code of an external list and a name of the sender's own.
static CODE3_OR_PROPRIETARY: Group =
    Group { choice: true, elements: &[one("Cd", text(3)), one("Prtry", text(35))] };

/// `Charges7`.
pub(crate) static CHARGES: Group =
    Group { choice: false, elements: &[one("Amt", value(Form::Amount)), one("Agt", group(&AGENT))] };

/// A choice between a code of an external list and a name of the sender's own.
pub(crate) static CODE35_OR_PROPRIETARY: Group =
    Group { choice: true, elements: &[one("Cd", text(35)), one("Prtry", text(35))] };
