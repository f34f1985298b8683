//! A payment order: what a bank hands in, with every attribute of the SCT Inst inter-bank data set.
//!
//! The fields follow pacs.008.001.08 as the scheme uses it, so that an accepted order can be forwarded as a
//! valid message without loss.

use crate::{Amount, Bic, Currency, Date, Iban, Text, Timestamp};

/// One credit transfer, from the payer's bank to the payee's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentOrder {
    /// The sender's identification of the message (`GrpHdr/MsgId`). Not part of the body.
    pub message_id: Option<Text<35>>,
    /// When the message was made (`GrpHdr/CreDtTm`). Not part of the body.
    pub created_at: Option<Timestamp>,
    /// The settlement date asked for (`IntrBkSttlmDt`, AT-T051). Not part of the body.
    pub settlement_date: Option<Date>,
    /// How the message says it is settled (`SttlmInf/SttlmMtd`). Not part of the body.
    pub settlement_method: SettlementMethod,
    /// The settlement account (`SttlmInf/SttlmAcct`), an IBAN or another identification. Not part of the body.
    pub settlement_account: Option<Text<34>>,
    /// The clearing system (`SttlmInf/ClrSys`), a code or proprietary name. Not part of the body.
    pub clearing_system: Option<SchemeName>,
    /// The sender on this hop (`InstgAgt`). Not part of the body.
    pub instructing_agent: Option<Bic>,
    /// The receiver on this hop (`InstdAgt`). Not part of the body.
    pub instructed_agent: Option<Bic>,
    /// The reference between two neighbours (`PmtId/InstrId`). Not part of the body.
    pub instruction_id: Option<Text<35>>,
    /// The payer's reference (`PmtId/EndToEndId`, AT-T014), or `NOTPROVIDED`.
    pub end_to_end_id: Text<35>,
    /// The payer's bank's reference (`PmtId/TxId`, AT-T054). With the payer's bank it is the duplicate key.
    pub transaction_id: Text<35>,
    /// The universal reference (`PmtId/UETR`), if the sender gave one.
    pub uetr: Option<Text<36>>,
    /// The amount (`IntrBkSttlmAmt`, AT-T002).
    pub amount: Amount,
    /// The amount's currency.
    pub currency: Currency,
    /// The time of receipt (`AccptncDtTm`, AT-T056), which starts the clock. Absent when Solvo stamps it.
    pub acceptance_time: Option<Timestamp>,
    /// The category purpose (`PmtTpInf/CtgyPurp`).
    pub category_purpose: Option<CategoryPurpose>,
    /// The purpose (`Purp/Cd`), an ISO code of one to four characters.
    pub purpose: Option<Text<4>>,
    /// On whose behalf the payer pays (`UltmtDbtr`).
    pub ultimate_debtor: Option<Party>,
    /// The payer (`Dbtr`, AT-P001).
    pub debtor: Party,
    /// The payer's account (`DbtrAcct/Id/IBAN`, AT-D001).
    pub debtor_account: Iban,
    /// The payer's alias (`DbtrAcct/Prxy`).
    pub debtor_proxy: Option<Proxy>,
    /// The payer's bank (`DbtrAgt`, AT-D002).
    pub debtor_agent: Bic,
    /// The payee's bank (`CdtrAgt`, AT-C002).
    pub creditor_agent: Bic,
    /// The payee (`Cdtr`, AT-E001).
    pub creditor: Party,
    /// The payee's account (`CdtrAcct/Id/IBAN`, AT-C001).
    pub creditor_account: Iban,
    /// The payee's alias (`CdtrAcct/Prxy`).
    pub creditor_proxy: Option<Proxy>,
    /// For whom the payee collects (`UltmtCdtr`).
    pub ultimate_creditor: Option<Party>,
    /// What the payment is for (`RmtInf`, AT-T009).
    pub remittance: Option<Remittance>,
}

/// The parts without which there is no order.
#[derive(Clone, Debug)]
pub struct MandatoryParts {
    /// The payer's bank.
    pub debtor_agent: Bic,
    /// The payer's bank's reference.
    pub transaction_id: Text<35>,
    /// The payee's bank.
    pub creditor_agent: Bic,
    /// The payer's account.
    pub debtor_account: Iban,
    /// The payee's account.
    pub creditor_account: Iban,
    /// The amount.
    pub amount: Amount,
    /// The amount's currency.
    pub currency: Currency,
    /// The payer's reference.
    pub end_to_end_id: Text<35>,
    /// The payer.
    pub debtor: Party,
    /// The payee.
    pub creditor: Party,
}

impl MandatoryParts {
    /// An order with nothing optional in it.
    pub fn into_order(self) -> PaymentOrder {
        PaymentOrder {
            debtor_agent: self.debtor_agent,
            transaction_id: self.transaction_id,
            creditor_agent: self.creditor_agent,
            debtor_account: self.debtor_account,
            creditor_account: self.creditor_account,
            amount: self.amount,
            currency: self.currency,
            end_to_end_id: self.end_to_end_id,
            debtor: self.debtor,
            creditor: self.creditor,
            message_id: None,
            created_at: None,
            settlement_date: None,
            settlement_method: SettlementMethod::default(),
            settlement_account: None,
            clearing_system: None,
            instructing_agent: None,
            instructed_agent: None,
            instruction_id: None,
            uetr: None,
            acceptance_time: None,
            category_purpose: None,
            purpose: None,
            ultimate_debtor: None,
            debtor_proxy: None,
            creditor_proxy: None,
            ultimate_creditor: None,
            remittance: None,
        }
    }
}

/// Through which door an order came. Stored; numbers are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A gRPC call with a payment message.
    Grpc,
    /// An ISO 20022 document.
    Iso20022,
}

impl Channel {
    /// The stored number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Grpc => 1,
            Self::Iso20022 => 2,
        }
    }
}

/// `SttlmMtd`: through a clearing system, or on the books of one of the two agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SettlementMethod {
    /// `CLRG`.
    #[default]
    ClearingSystem,
    /// `INGA`.
    InstructingAgent,
    /// `INDA`.
    InstructedAgent,
}

impl SettlementMethod {
    /// The ISO 20022 code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ClearingSystem => "CLRG",
            Self::InstructingAgent => "INGA",
            Self::InstructedAgent => "INDA",
        }
    }

    /// The method with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "CLRG" => Some(Self::ClearingSystem),
            "INGA" => Some(Self::InstructingAgent),
            "INDA" => Some(Self::InstructedAgent),
            _ => None,
        }
    }
}

/// A code from an ISO list, or a name of the sender's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemeName {
    /// `Cd`.
    Code(Text<5>),
    /// `Prtry`.
    Proprietary(Text<35>),
}

/// The category purpose: `Cd` (at most four characters) or `Prtry`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CategoryPurpose {
    /// `Cd`.
    Code(Text<4>),
    /// `Prtry`.
    Proprietary(Text<35>),
}

/// A person or organisation.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Party {
    /// The name (`Nm`). Mandatory for payer and payee.
    pub name: Option<Text<140>>,
    /// The postal address (`PstlAdr`).
    pub address: Option<Address>,
    /// Identification of an organisation (`Id/OrgId`).
    pub organisation: Option<OrganisationIdentification>,
    /// Identification of a person (`Id/PrvtId`). Never beside `organisation`.
    pub person: Option<PersonIdentification>,
}

/// `PostalAddress24`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Address {
    /// `Dept`.
    pub department: Option<Text<70>>,
    /// `SubDept`.
    pub sub_department: Option<Text<70>>,
    /// `StrtNm`.
    pub street_name: Option<Text<70>>,
    /// `BldgNb`.
    pub building_number: Option<Text<16>>,
    /// `BldgNm`.
    pub building_name: Option<Text<35>>,
    /// `Flr`.
    pub floor: Option<Text<70>>,
    /// `PstBx`.
    pub post_box: Option<Text<16>>,
    /// `Room`.
    pub room: Option<Text<70>>,
    /// `PstCd`.
    pub post_code: Option<Text<16>>,
    /// `TwnNm`.
    pub town_name: Option<Text<35>>,
    /// `TwnLctnNm`.
    pub town_location_name: Option<Text<35>>,
    /// `DstrctNm`.
    pub district_name: Option<Text<35>>,
    /// `CtrySubDvsn`.
    pub country_subdivision: Option<Text<35>>,
    /// `Ctry`, two letters.
    pub country: Option<Text<2>>,
    /// `AdrLine`, at most seven in the schema and fewer in the scheme.
    pub lines: Vec<Text<70>>,
}

/// `OrganisationIdentification29`, as far as the scheme uses it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OrganisationIdentification {
    /// `AnyBIC`.
    pub any_bic: Option<Bic>,
    /// `LEI`.
    pub lei: Option<Text<20>>,
    /// `Othr`, at most one.
    pub other: Option<OtherIdentification>,
}

/// `PersonIdentification13`: birth, or one other identification, never both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersonIdentification {
    /// `DtAndPlcOfBirth`.
    Birth(PersonOrigin),
    /// `Othr`.
    Other(OtherIdentification),
}

/// `DateAndPlaceOfBirth1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonOrigin {
    /// `BirthDt`, as `YYYY-MM-DD` (births before 1970 are common).
    pub birth_date: Text<10>,
    /// `PrvcOfBirth`.
    pub province: Option<Text<35>>,
    /// `CityOfBirth`.
    pub city: Text<35>,
    /// `CtryOfBirth`, two letters.
    pub country: Text<2>,
}

/// An identification of another kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherIdentification {
    /// `Id`.
    pub id: Text<35>,
    /// `SchmeNm`; as a code it has at most four characters.
    pub scheme: Option<SchemeName>,
    /// `Issr`.
    pub issuer: Option<Text<35>>,
}

/// An alias of an account, such as a telephone number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// `Tp`; as a code it has at most four characters.
    pub kind: Option<SchemeName>,
    /// `Id`, at most 320 characters in the scheme.
    pub id: Text<320>,
}

/// Remittance information: one text, or one reference of the payee's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remittance {
    /// `Ustrd`.
    Unstructured(Text<140>),
    /// `Strd/CdtrRefInf`, of type `SCOR`.
    Structured {
        /// `Ref`, such as an RF creditor reference (ISO 11649).
        reference: Text<35>,
        /// `Tp/Issr`; `ISO` for RF references.
        issuer: Option<Text<35>>,
    },
}
