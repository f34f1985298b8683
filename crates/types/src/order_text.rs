//! The stored form of an order's texts: what goes into a frame's personal section.
//!
//! A list of fields (see [`crate::fields`]) in ascending order of tags. Fields that belong
//! to the transport (message ids, settlement date, agents of the hop) come first, so that the *body*, over
//! which duplicates are compared, is one piece at the end. What a payment's fixed record holds (banks,
//! transaction id, amount, acceptance time) is not repeated here.
//!
//! Invariant: equal orders have equal bytes, and bytes that were not written here are refused or read
//! without panic.

use crate::{
    Address, Amount, Bic, CategoryPurpose, Currency, Date, Iban, OrganisationIdentification,
    OtherIdentification, Party, PaymentOrder, PersonIdentification, PersonOrigin, PlainOrder, PlainParts,
    Proxy, Remittance, SchemeName, SettlementMethod, Text, TextRef, Timestamp,
    fields::{FieldError, FieldReader, FieldWriter},
};

/// An order's texts as stored. Personal data: `{:?}` shows only how long they are.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct OrderText {
    /// All fields.
    pub bytes: Vec<u8>,
    /// Where the body starts in `bytes`.
    pub body_offset: usize,
}

/// The parts of an order that its fixed record holds.
#[derive(Clone, Debug)]
pub struct FixedParts {
    /// The payer's bank.
    pub debtor_agent: Bic,
    /// The payee's bank.
    pub creditor_agent: Bic,
    /// The payer's bank's reference.
    pub transaction_id: Text<35>,
    /// The amount.
    pub amount: Amount,
    /// The amount's currency.
    pub currency: Currency,
    /// The acceptance time, unless Solvo stamped it.
    pub acceptance_time: Option<Timestamp>,
}

// Tags are stored and never reused. The transport's:
const MESSAGE_ID: u8 = 1;
const CREATED_AT: u8 = 2;
const SETTLEMENT_DATE: u8 = 3;
const SETTLEMENT_METHOD: u8 = 4;
const SETTLEMENT_ACCOUNT: u8 = 5;
const CLEARING_SYSTEM_CODE: u8 = 6;
const CLEARING_SYSTEM_PROPRIETARY: u8 = 7;
const INSTRUCTING_AGENT: u8 = 8;
const INSTRUCTED_AGENT: u8 = 9;
const INSTRUCTION_ID: u8 = 10;
// The body's:
const DEBTOR_ACCOUNT: u8 = 32;
const CREDITOR_ACCOUNT: u8 = 33;
const END_TO_END_ID: u8 = 34;
const UETR: u8 = 35;
const CATEGORY_PURPOSE_CODE: u8 = 36;
const CATEGORY_PURPOSE_PROPRIETARY: u8 = 37;
const PURPOSE: u8 = 38;
const UNSTRUCTURED: u8 = 39;
const REFERENCE: u8 = 40;
const REFERENCE_ISSUER: u8 = 41;
// Parties: a base, plus an offset from the list below.
const DEBTOR: u8 = 64;
const CREDITOR: u8 = 112;
const ULTIMATE_DEBTOR: u8 = 160;
const ULTIMATE_CREDITOR: u8 = 208;
const PROXY_CODE: u8 = 0;
const PROXY_PROPRIETARY: u8 = 1;
const PROXY_ID: u8 = 2;
const NAME: u8 = 3;
const ADDRESS: u8 = 4; // to 17, in the order of the message; 18 is repeated
const ADDRESS_LINE: u8 = 18;
const ANY_BIC: u8 = 19;
const LEI: u8 = 20;
const ORGANISATION_OTHER: u8 = 21; // id, scheme code, scheme name, issuer
const BIRTH_DATE: u8 = 25;
const BIRTH_PROVINCE: u8 = 26;
const BIRTH_CITY: u8 = 27;
const BIRTH_COUNTRY: u8 = 28;
const PERSON_OTHER: u8 = 29;
// A party that is named but has nothing inside still has to come back as present.
const PRESENT: u8 = 33;
const PRESENT_ADDRESS: u8 = 34;
const PRESENT_ORGANISATION: u8 = 35;

/// What the order's document holds and the order has no place for. The last of the body.
const SURPLUS: u8 = 250;

impl OrderText {
    /// Writes an order's texts.
    pub fn encode(order: &PaymentOrder) -> Self {
        let mut writer = Writer { fields: FieldWriter { bytes: Vec::with_capacity(256) } };
        writer.text(MESSAGE_ID, order.message_id.as_ref());
        if let Some(created_at) = order.created_at {
            writer.field(CREATED_AT, &created_at.nanoseconds().to_le_bytes());
        }
        if let Some(date) = order.settlement_date {
            writer.field(SETTLEMENT_DATE, &date.days().to_le_bytes());
        }
        if order.settlement_method != SettlementMethod::ClearingSystem {
            writer.field(SETTLEMENT_METHOD, order.settlement_method.code().as_bytes());
        }
        writer.text(SETTLEMENT_ACCOUNT, order.settlement_account.as_ref());
        writer.scheme(CLEARING_SYSTEM_CODE, order.clearing_system.as_ref());
        writer.bic(INSTRUCTING_AGENT, order.instructing_agent);
        writer.bic(INSTRUCTED_AGENT, order.instructed_agent);
        writer.text(INSTRUCTION_ID, order.instruction_id.as_ref());
        let body_offset = writer.fields.bytes.len();
        writer.body(order);
        Self { bytes: writer.fields.bytes, body_offset }
    }

    /// Appends the texts of a plain order, all of which are its body.
    pub(crate) fn append_plain(order: &PlainOrder<'_>, bytes: &mut Vec<u8>) {
        let mut writer = Writer { fields: FieldWriter { bytes: std::mem::take(bytes) } };
        writer.field(DEBTOR_ACCOUNT, order.debtor_account.as_str().as_bytes());
        writer.field(CREDITOR_ACCOUNT, order.creditor_account.as_str().as_bytes());
        writer.field(END_TO_END_ID, order.end_to_end_id.as_str().as_bytes());
        if let Some(purpose) = order.purpose {
            writer.field(PURPOSE, purpose.as_str().as_bytes());
        }
        if let Some(text) = order.unstructured {
            writer.field(UNSTRUCTURED, text.as_str().as_bytes());
        }
        for (base, name) in [(DEBTOR, order.debtor_name), (CREDITOR, order.creditor_name)] {
            writer.field(base + NAME, name.as_str().as_bytes());
            writer.field(base + PRESENT, &[]);
        }
        *bytes = writer.fields.bytes;
    }

    /// Reads the texts of a plain order; `None` if they are of an order with more in it, or can't be read.
    pub(crate) fn decode_plain<'text>(
        bytes: &'text [u8],
        fixed: PlainParts<'text>,
    ) -> Option<PlainOrder<'text>> {
        let mut fields = FieldReader::new(bytes, |_| false).ok()?;
        let mut text = |tag| fields.utf8(tag).ok();
        let debtor_account = Iban::parse(text(DEBTOR_ACCOUNT)??).ok()?;
        let creditor_account = Iban::parse(text(CREDITOR_ACCOUNT)??).ok()?;
        let end_to_end_id = TextRef::parse(text(END_TO_END_ID)??).ok()?;
        let purpose = text(PURPOSE)?.map(TextRef::parse).transpose().ok()?;
        let unstructured = text(UNSTRUCTURED)?.map(TextRef::parse).transpose().ok()?;
        let debtor_name = TextRef::parse(text(DEBTOR + NAME)??).ok()?;
        text(DEBTOR + PRESENT)??;
        let creditor_name = TextRef::parse(text(CREDITOR + NAME)??).ok()?;
        text(CREDITOR + PRESENT)??;
        fields.finish().ok()?;
        let PlainParts { debtor_agent, creditor_agent, transaction_id, amount, currency, acceptance_time } =
            fixed;
        Some(PlainOrder {
            end_to_end_id,
            transaction_id,
            amount,
            currency,
            acceptance_time,
            purpose,
            debtor_name,
            debtor_account,
            debtor_agent,
            creditor_agent,
            creditor_name,
            creditor_account,
            unstructured,
        })
    }

    /// Adds to the body what the order's document holds and the order has no place for, so that a change there
    /// makes another body too. Such a payment is forwarded from its document: these bytes are in no form that
    /// could be sent.
    ///
    /// # Panics
    /// If there is a surplus already, or it is longer than a field can be (65,535 bytes).
    pub fn add_surplus(&mut self, surplus: &[u8]) {
        assert_eq!(Self::surplus(&self.bytes), Ok(None), "an order comes from one document");
        let mut fields = FieldWriter { bytes: std::mem::take(&mut self.bytes) };
        fields.field(SURPLUS, surplus);
        self.bytes = fields.bytes;
    }

    /// The surplus in stored texts, if the payment came in a document that has more than its order.
    ///
    /// # Errors
    /// If the bytes are not texts.
    pub fn surplus(bytes: &[u8]) -> Result<Option<&[u8]>, FieldError> {
        FieldReader::last(bytes, SURPLUS)
    }

    /// The payer's and the payee's account in stored texts.
    ///
    /// # Errors
    /// If the bytes are not texts of an order.
    pub fn accounts(bytes: &[u8]) -> Result<[Iban; 2], FieldError> {
        let mut reader = Reader::new(bytes)?;
        for tag in 0..DEBTOR_ACCOUNT {
            reader.take(tag)?;
        }
        Ok([reader.iban(DEBTOR_ACCOUNT)?, reader.iban(CREDITOR_ACCOUNT)?])
    }

    /// The part over which duplicates are compared.
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.body_offset..]
    }

    /// Reads an order back from its texts and the parts that its record holds.
    pub fn decode(bytes: &[u8], fixed: FixedParts) -> Result<PaymentOrder, FieldError> {
        let mut reader = Reader::new(bytes)?;
        let order = PaymentOrder {
            message_id: reader.text(MESSAGE_ID)?,
            created_at: reader.number(CREATED_AT)?.map(i64::from_le_bytes).map_or(
                Ok(None),
                |nanoseconds| {
                    Timestamp::from_nanoseconds(nanoseconds).map(Some).ok_or(FieldError::Value(CREATED_AT))
                },
            )?,
            settlement_date: reader
                .number(SETTLEMENT_DATE)?
                .map(i32::from_le_bytes)
                .map_or(Ok(None), |days| {
                    Date::from_days(days).map(Some).ok_or(FieldError::Value(SETTLEMENT_DATE))
                })?,
            settlement_method: match reader.utf8(SETTLEMENT_METHOD)? {
                None => SettlementMethod::ClearingSystem,
                Some("INGA") => SettlementMethod::InstructingAgent,
                Some("INDA") => SettlementMethod::InstructedAgent,
                Some(_) => return Err(FieldError::Value(SETTLEMENT_METHOD)),
            },
            settlement_account: reader.text(SETTLEMENT_ACCOUNT)?,
            clearing_system: reader.scheme(CLEARING_SYSTEM_CODE, CLEARING_SYSTEM_PROPRIETARY)?,
            instructing_agent: reader.bic(INSTRUCTING_AGENT)?,
            instructed_agent: reader.bic(INSTRUCTED_AGENT)?,
            instruction_id: reader.text(INSTRUCTION_ID)?,
            debtor_account: reader.iban(DEBTOR_ACCOUNT)?,
            creditor_account: reader.iban(CREDITOR_ACCOUNT)?,
            end_to_end_id: reader.text(END_TO_END_ID)?.ok_or(FieldError::Missing(END_TO_END_ID))?,
            uetr: reader.text(UETR)?,
            category_purpose: reader.category_purpose()?,
            purpose: reader.text(PURPOSE)?,
            remittance: reader.remittance()?,
            debtor_proxy: reader.proxy(DEBTOR)?,
            debtor: reader.party(DEBTOR)?.ok_or(FieldError::Missing(DEBTOR))?,
            creditor_proxy: reader.proxy(CREDITOR)?,
            creditor: reader.party(CREDITOR)?.ok_or(FieldError::Missing(CREDITOR))?,
            ultimate_debtor: reader.party(ULTIMATE_DEBTOR)?,
            ultimate_creditor: reader.party(ULTIMATE_CREDITOR)?,
            transaction_id: fixed.transaction_id,
            amount: fixed.amount,
            currency: fixed.currency,
            acceptance_time: fixed.acceptance_time,
            debtor_agent: fixed.debtor_agent,
            creditor_agent: fixed.creditor_agent,
        };
        reader.fields.take(SURPLUS)?;
        reader.fields.finish()?;
        Ok(order)
    }
}

impl std::fmt::Debug for OrderText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "OrderText({} bytes)", self.bytes.len())
    }
}

#[derive(Default)]
struct Writer {
    fields: FieldWriter,
}

impl Writer {
    fn field(&mut self, tag: u8, value: &[u8]) {
        self.fields.field(tag, value);
    }

    fn text<const MAX: usize>(&mut self, tag: u8, text: Option<&Text<MAX>>) {
        if let Some(text) = text {
            self.field(tag, text.as_str().as_bytes());
        }
    }

    fn bic(&mut self, tag: u8, bic: Option<Bic>) {
        if let Some(bic) = bic {
            self.field(tag, bic.as_bytes());
        }
    }

    /// A code under `tag`, or a proprietary name under the tag after it.
    fn scheme(&mut self, tag: u8, scheme: Option<&SchemeName>) {
        match scheme {
            Some(SchemeName::Code(code)) => self.text(tag, Some(code)),
            Some(SchemeName::Proprietary(name)) => self.text(tag + 1, Some(name)),
            None => {}
        }
    }

    fn body(&mut self, order: &PaymentOrder) {
        self.field(DEBTOR_ACCOUNT, order.debtor_account.as_str().as_bytes());
        self.field(CREDITOR_ACCOUNT, order.creditor_account.as_str().as_bytes());
        self.text(END_TO_END_ID, Some(&order.end_to_end_id));
        self.text(UETR, order.uetr.as_ref());
        match &order.category_purpose {
            Some(CategoryPurpose::Code(code)) => self.text(CATEGORY_PURPOSE_CODE, Some(code)),
            Some(CategoryPurpose::Proprietary(name)) => self.text(CATEGORY_PURPOSE_PROPRIETARY, Some(name)),
            None => {}
        }
        self.text(PURPOSE, order.purpose.as_ref());
        match &order.remittance {
            Some(Remittance::Unstructured(text)) => self.text(UNSTRUCTURED, Some(text)),
            Some(Remittance::Structured { reference, issuer }) => {
                self.text(REFERENCE, Some(reference));
                self.text(REFERENCE_ISSUER, issuer.as_ref());
            }
            None => {}
        }
        self.party(DEBTOR, Some(&order.debtor), order.debtor_proxy.as_ref());
        self.party(CREDITOR, Some(&order.creditor), order.creditor_proxy.as_ref());
        self.party(ULTIMATE_DEBTOR, order.ultimate_debtor.as_ref(), None);
        self.party(ULTIMATE_CREDITOR, order.ultimate_creditor.as_ref(), None);
    }

    fn party(&mut self, base: u8, party: Option<&Party>, proxy: Option<&Proxy>) {
        if let Some(proxy) = proxy {
            self.scheme(base + PROXY_CODE, proxy.kind.as_ref());
            self.text(base + PROXY_ID, Some(&proxy.id));
        }
        let Some(party) = party else { return };
        self.text(base + NAME, party.name.as_ref());
        if let Some(address) = &party.address {
            self.address(base, address);
        }
        if let Some(organisation) = &party.organisation {
            self.bic(base + ANY_BIC, organisation.any_bic);
            self.text(base + LEI, organisation.lei.as_ref());
            self.other(base + ORGANISATION_OTHER, organisation.other.as_ref());
        }
        match &party.person {
            Some(PersonIdentification::Birth(birth)) => {
                self.text(base + BIRTH_DATE, Some(&birth.birth_date));
                self.text(base + BIRTH_PROVINCE, birth.province.as_ref());
                self.text(base + BIRTH_CITY, Some(&birth.city));
                self.text(base + BIRTH_COUNTRY, Some(&birth.country));
            }
            Some(PersonIdentification::Other(other)) => self.other(base + PERSON_OTHER, Some(other)),
            None => {}
        }
        self.field(base + PRESENT, &[]);
        if party.address.is_some() {
            self.field(base + PRESENT_ADDRESS, &[]);
        }
        if party.organisation.is_some() {
            self.field(base + PRESENT_ORGANISATION, &[]);
        }
    }

    fn address(&mut self, base: u8, address: &Address) {
        let tag = |offset: u8| base + ADDRESS + offset;
        self.text(tag(0), address.department.as_ref());
        self.text(tag(1), address.sub_department.as_ref());
        self.text(tag(2), address.street_name.as_ref());
        self.text(tag(3), address.building_number.as_ref());
        self.text(tag(4), address.building_name.as_ref());
        self.text(tag(5), address.floor.as_ref());
        self.text(tag(6), address.post_box.as_ref());
        self.text(tag(7), address.room.as_ref());
        self.text(tag(8), address.post_code.as_ref());
        self.text(tag(9), address.town_name.as_ref());
        self.text(tag(10), address.town_location_name.as_ref());
        self.text(tag(11), address.district_name.as_ref());
        self.text(tag(12), address.country_subdivision.as_ref());
        self.text(tag(13), address.country.as_ref());
        for line in &address.lines {
            self.text(base + ADDRESS_LINE, Some(line));
        }
    }

    fn other(&mut self, tag: u8, other: Option<&OtherIdentification>) {
        if let Some(other) = other {
            self.text(tag, Some(&other.id));
            self.scheme(tag + 1, other.scheme.as_ref());
            self.text(tag + 3, other.issuer.as_ref());
        }
    }
}

struct Reader<'bytes> {
    fields: FieldReader<'bytes>,
}

impl<'bytes> Reader<'bytes> {
    fn new(bytes: &'bytes [u8]) -> Result<Self, FieldError> {
        let address_line = |tag: u8| tag >= DEBTOR && (tag - DEBTOR) % (CREDITOR - DEBTOR) == ADDRESS_LINE;
        Ok(Self { fields: FieldReader::new(bytes, address_line)? })
    }

    fn take(&mut self, tag: u8) -> Result<Option<&'bytes [u8]>, FieldError> {
        self.fields.take(tag)
    }

    fn utf8(&mut self, tag: u8) -> Result<Option<&'bytes str>, FieldError> {
        self.fields.utf8(tag)
    }

    fn text<const MAX: usize>(&mut self, tag: u8) -> Result<Option<Text<MAX>>, FieldError> {
        self.utf8(tag)?.map(|text| Text::parse(text).map_err(|_| FieldError::Value(tag))).transpose()
    }

    fn required<const MAX: usize>(&mut self, tag: u8) -> Result<Text<MAX>, FieldError> {
        self.text(tag)?.ok_or(FieldError::Missing(tag))
    }

    fn number<const SIZE: usize>(&mut self, tag: u8) -> Result<Option<[u8; SIZE]>, FieldError> {
        self.take(tag)?.map(|value| value.try_into().map_err(|_| FieldError::Value(tag))).transpose()
    }

    fn bic(&mut self, tag: u8) -> Result<Option<Bic>, FieldError> {
        let code = self.number(tag)?;
        code.map(|code| Bic::from_bytes(code).ok_or(FieldError::Value(tag))).transpose()
    }

    fn iban(&mut self, tag: u8) -> Result<Iban, FieldError> {
        let text = self.utf8(tag)?.ok_or(FieldError::Missing(tag))?;
        Iban::parse(text).map_err(|_| FieldError::Value(tag))
    }

    fn scheme(&mut self, code: u8, proprietary: u8) -> Result<Option<SchemeName>, FieldError> {
        if let Some(code) = self.text(code)? {
            return Ok(Some(SchemeName::Code(code)));
        }
        Ok(self.text(proprietary)?.map(SchemeName::Proprietary))
    }

    fn category_purpose(&mut self) -> Result<Option<CategoryPurpose>, FieldError> {
        if let Some(code) = self.text(CATEGORY_PURPOSE_CODE)? {
            return Ok(Some(CategoryPurpose::Code(code)));
        }
        Ok(self.text(CATEGORY_PURPOSE_PROPRIETARY)?.map(CategoryPurpose::Proprietary))
    }

    fn remittance(&mut self) -> Result<Option<Remittance>, FieldError> {
        if let Some(text) = self.text(UNSTRUCTURED)? {
            return Ok(Some(Remittance::Unstructured(text)));
        }
        let Some(reference) = self.text(REFERENCE)? else { return Ok(None) };
        let issuer = self.text(REFERENCE_ISSUER)?;
        Ok(Some(Remittance::Structured { reference, issuer }))
    }

    fn proxy(&mut self, base: u8) -> Result<Option<Proxy>, FieldError> {
        let kind = self.scheme(base + PROXY_CODE, base + PROXY_PROPRIETARY)?;
        let id = self.text(base + PROXY_ID)?;
        match (kind, id) {
            (kind, Some(id)) => Ok(Some(Proxy { kind, id })),
            (None, None) => Ok(None),
            (Some(_), None) => Err(FieldError::Missing(base + PROXY_ID)),
        }
    }

    fn party(&mut self, base: u8) -> Result<Option<Party>, FieldError> {
        let name = self.text(base + NAME)?;
        let address = self.address(base)?;
        let organisation = OrganisationIdentification {
            any_bic: self.bic(base + ANY_BIC)?,
            lei: self.text(base + LEI)?,
            other: self.other(base + ORGANISATION_OTHER)?,
        };
        let person = match self.text(base + BIRTH_DATE)? {
            Some(birth_date) => Some(PersonIdentification::Birth(PersonOrigin {
                birth_date,
                province: self.text(base + BIRTH_PROVINCE)?,
                city: self.required(base + BIRTH_CITY)?,
                country: self.required(base + BIRTH_COUNTRY)?,
            })),
            None => self.other(base + PERSON_OTHER)?.map(PersonIdentification::Other),
        };
        let present = self.take(base + PRESENT)?.is_some();
        let address = match self.take(base + PRESENT_ADDRESS)? {
            Some(_) => Some(address),
            None if address == Address::default() => None,
            None => return Err(FieldError::Missing(base + PRESENT_ADDRESS)),
        };
        let organisation = match self.take(base + PRESENT_ORGANISATION)? {
            Some(_) => Some(organisation),
            None if organisation == OrganisationIdentification::default() => None,
            None => return Err(FieldError::Missing(base + PRESENT_ORGANISATION)),
        };
        let party = Party { name, address, organisation, person };
        match present {
            true => Ok(Some(party)),
            false if party == Party::default() => Ok(None),
            false => Err(FieldError::Missing(base + PRESENT)),
        }
    }

    fn address(&mut self, base: u8) -> Result<Address, FieldError> {
        let tag = |offset: u8| base + ADDRESS + offset;
        let mut address = Address {
            department: self.text(tag(0))?,
            sub_department: self.text(tag(1))?,
            street_name: self.text(tag(2))?,
            building_number: self.text(tag(3))?,
            building_name: self.text(tag(4))?,
            floor: self.text(tag(5))?,
            post_box: self.text(tag(6))?,
            room: self.text(tag(7))?,
            post_code: self.text(tag(8))?,
            town_name: self.text(tag(9))?,
            town_location_name: self.text(tag(10))?,
            district_name: self.text(tag(11))?,
            country_subdivision: self.text(tag(12))?,
            country: self.text(tag(13))?,
            lines: Vec::new(),
        };
        while let Some(line) = self.text(base + ADDRESS_LINE)? {
            address.lines.push(line);
        }
        Ok(address)
    }

    fn other(&mut self, tag: u8) -> Result<Option<OtherIdentification>, FieldError> {
        let Some(id) = self.text(tag)? else { return Ok(None) };
        let scheme = self.scheme(tag + 1, tag + 2)?;
        let issuer = self.text(tag + 3)?;
        Ok(Some(OtherIdentification { id, scheme, issuer }))
    }
}

#[cfg(test)]
#[path = "order_text_tests.rs"]
mod tests;
