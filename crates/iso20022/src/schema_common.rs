//! The parts that messages of 2019 share: parties, banks, accounts, addresses.
//!
//! Facts of the ISO schemas: `PartyIdentification135`, `BranchAndFinancialInstitutionIdentification6`,
//! `CashAccount38`, `PostalAddress24` and what they consist of.

use crate::schema::{Content, Form, Group, UNBOUNDED, one, optional, repeated, text};

/// A choice between a code of an external list and a name of the sender's own.
macro_rules! code_or_proprietary {
    ($($(#[$doc:meta])* $name:ident: $characters_max:literal;)*) => {
        $($(#[$doc])* pub(crate) static $name: Group = Group {
            choice: true,
            elements: &[one("Cd", text($characters_max)), one("Prtry", text(35))],
        };)*
    };
}

code_or_proprietary! {
    /// A choice whose codes have at most three characters: clearing systems.
    CODE3_OR_PROPRIETARY: 3;
    /// A choice whose codes have at most four characters: nearly all lists.
    CODE4_OR_PROPRIETARY: 4;
    /// A choice whose codes have at most 35 characters: local instruments.
    CODE35_OR_PROPRIETARY: 35;
}

/// `BranchAndFinancialInstitutionIdentification6`.
pub(crate) static AGENT: Group = Group {
    choice: false,
    elements: &[one("FinInstnId", Content::Group(&INSTITUTION)), optional("BrnchId", Content::Opaque)],
};

static INSTITUTION: Group = Group {
    choice: false,
    elements: &[
        optional("BICFI", Content::Value(Form::Bic)),
        optional("ClrSysMmbId", Content::Opaque),
        optional("LEI", Content::Value(Form::Lei)),
        optional("Nm", text(140)),
        optional("PstlAdr", Content::Opaque),
        optional("Othr", Content::Opaque),
    ],
};

/// `PartyIdentification135`.
pub(crate) static PARTY: Group = Group {
    choice: false,
    elements: &[
        optional("Nm", text(140)),
        optional("PstlAdr", Content::Group(&ADDRESS)),
        optional("Id", Content::Group(&PARTY_IDENTIFICATION)),
        optional("CtryOfRes", Content::Value(Form::Country)),
        optional("CtctDtls", Content::Opaque),
    ],
};

static PARTY_IDENTIFICATION: Group = Group {
    choice: true,
    elements: &[
        one("OrgId", Content::Group(&ORGANISATION_IDENTIFICATION)),
        one("PrvtId", Content::Group(&PERSON_IDENTIFICATION)),
    ],
};

static ORGANISATION_IDENTIFICATION: Group = Group {
    choice: false,
    elements: &[
        optional("AnyBIC", Content::Value(Form::Bic)),
        optional("LEI", Content::Value(Form::Lei)),
        repeated("Othr", Content::Group(&OTHER_IDENTIFICATION), UNBOUNDED),
    ],
};

static PERSON_IDENTIFICATION: Group = Group {
    choice: false,
    elements: &[
        optional("DtAndPlcOfBirth", Content::Group(&BIRTH)),
        repeated("Othr", Content::Group(&OTHER_IDENTIFICATION), UNBOUNDED),
    ],
};

static BIRTH: Group = Group {
    choice: false,
    elements: &[
        one("BirthDt", Content::Value(Form::Date)),
        optional("PrvcOfBirth", text(35)),
        one("CityOfBirth", text(35)),
        one("CtryOfBirth", Content::Value(Form::Country)),
    ],
};

static OTHER_IDENTIFICATION: Group = Group {
    choice: false,
    elements: &[
        one("Id", text(35)),
        optional("SchmeNm", Content::Group(&CODE4_OR_PROPRIETARY)),
        optional("Issr", text(35)),
    ],
};

static ADDRESS: Group = Group {
    choice: false,
    elements: &[
        optional("AdrTp", Content::Opaque),
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
        optional("Ctry", Content::Value(Form::Country)),
        repeated("AdrLine", text(70), 7),
    ],
};

/// `CashAccount38`.
pub(crate) static ACCOUNT: Group = Group {
    choice: false,
    elements: &[
        one("Id", Content::Group(&ACCOUNT_IDENTIFICATION)),
        optional("Tp", Content::Group(&CODE4_OR_PROPRIETARY)),
        optional("Ccy", Content::Value(Form::Currency)),
        optional("Nm", text(70)),
        optional("Prxy", Content::Group(&PROXY)),
    ],
};

static ACCOUNT_IDENTIFICATION: Group = Group {
    choice: true,
    elements: &[
        one("IBAN", Content::Value(Form::Iban)),
        one("Othr", Content::Group(&OTHER_ACCOUNT_IDENTIFICATION)),
    ],
};

static OTHER_ACCOUNT_IDENTIFICATION: Group = Group {
    choice: false,
    elements: &[
        one("Id", text(34)),
        optional("SchmeNm", Content::Group(&CODE4_OR_PROPRIETARY)),
        optional("Issr", text(35)),
    ],
};

static PROXY: Group = Group {
    choice: false,
    elements: &[optional("Tp", Content::Group(&CODE4_OR_PROPRIETARY)), one("Id", text(2048))],
};
