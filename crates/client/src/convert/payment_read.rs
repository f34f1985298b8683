//! Wire messages to orders.

use types::{
    Address, CategoryPurpose, MandatoryParts, OrganisationIdentification, OtherIdentification, Party,
    PaymentOrder, PersonIdentification, PersonOrigin, Proxy, Remittance, SchemeName, SettlementMethod, Text,
};

use crate::convert::{FieldReader, Path};
use crate::limits::ADDRESS_LINES_MAX;
use crate::v1;

/// Scheme codes of identifications and aliases, in characters.
const SCHEME_CODE_MAX: usize = 4;
/// Codes of clearing systems, in characters.
const CLEARING_SYSTEM_CODE_MAX: usize = 5;

/// Reads a payment. Fails with every field that breaks its rule; paths start at `payment`.
///
/// Rules that need more than one field, a clock or the ledger (addresses, dates, funds) are not checked here.
pub fn order_from_payment(payment: &v1::Payment) -> Result<PaymentOrder, Vec<v1::FieldViolation>> {
    let mut reader = FieldReader::new();
    let order = read_order(&mut reader, &Path::root("payment"), payment);
    reader.finish(order)
}

fn read_order(reader: &mut FieldReader, path: &Path<'_>, payment: &v1::Payment) -> Option<PaymentOrder> {
    let mandatory = read_mandatory(reader, path, payment);
    let uetr = reader.optional_identifier(&path.field("uetr"), &payment.uetr);
    let order = PaymentOrder {
        message_id: reader.optional_identifier(&path.field("message_id"), &payment.message_id),
        created_at: reader.optional_timestamp(&path.field("created_time"), payment.created_time.as_ref()),
        settlement_date: reader.optional_date(&path.field("settlement_date"), &payment.settlement_date),
        settlement_method: settlement_method(reader, path, payment.settlement_method),
        settlement_account: reader
            .optional_identifier(&path.field("settlement_account"), &payment.settlement_account),
        clearing_system: payment
            .clearing_system
            .as_ref()
            .and_then(|name| scheme(reader, &path.field("clearing_system"), name, CLEARING_SYSTEM_CODE_MAX)),
        instructing_agent: reader.optional_bic(&path.field("instructing_agent"), &payment.instructing_agent),
        instructed_agent: reader.optional_bic(&path.field("instructed_agent"), &payment.instructed_agent),
        instruction_id: reader.optional_identifier(&path.field("instruction_id"), &payment.instruction_id),
        uetr: reader.pattern(&path.field("uetr"), uetr, is_uetr, "a UETR is a UUID version 4 in lower case"),
        acceptance_time: reader
            .optional_timestamp(&path.field("acceptance_time"), payment.acceptance_time.as_ref()),
        category_purpose: payment
            .category_purpose
            .as_ref()
            .and_then(|purpose| category_purpose(reader, &path.field("category_purpose"), purpose)),
        purpose: reader.optional_identifier(&path.field("purpose"), &payment.purpose),
        ultimate_debtor: payment
            .ultimate_debtor
            .as_ref()
            .map(|debtor| party(reader, &path.field("ultimate_debtor"), debtor)),
        debtor_proxy: payment
            .debtor_proxy
            .as_ref()
            .and_then(|alias| proxy(reader, &path.field("debtor_proxy"), alias)),
        creditor_proxy: payment
            .creditor_proxy
            .as_ref()
            .and_then(|alias| proxy(reader, &path.field("creditor_proxy"), alias)),
        ultimate_creditor: payment
            .ultimate_creditor
            .as_ref()
            .map(|creditor| party(reader, &path.field("ultimate_creditor"), creditor)),
        remittance: payment.remittance.as_ref().and_then(|content| remittance(reader, path, content)),
        // Evaluated last: a missing mandatory field must not hide the faults of the others.
        ..mandatory?.into_order()
    };
    Some(order)
}

fn read_mandatory(
    reader: &mut FieldReader,
    path: &Path<'_>,
    payment: &v1::Payment,
) -> Option<MandatoryParts> {
    let debtor_agent = reader.bic(&path.field("debtor_agent"), &payment.debtor_agent);
    let transaction_id = reader.identifier(&path.field("transaction_id"), &payment.transaction_id);
    let creditor_agent = reader.bic(&path.field("creditor_agent"), &payment.creditor_agent);
    let debtor_account = reader.iban(&path.field("debtor_account"), &payment.debtor_account);
    let creditor_account = reader.iban(&path.field("creditor_account"), &payment.creditor_account);
    let money = reader.money(&path.field("amount"), payment.amount.as_ref());
    let end_to_end_id = reader.identifier(&path.field("end_to_end_id"), &payment.end_to_end_id);
    let debtor = named_party(reader, &path.field("debtor"), payment.debtor.as_ref());
    let creditor = named_party(reader, &path.field("creditor"), payment.creditor.as_ref());
    let (amount, currency) = money?;
    Some(MandatoryParts {
        debtor_agent: debtor_agent?,
        transaction_id: transaction_id?,
        creditor_agent: creditor_agent?,
        debtor_account: debtor_account?,
        creditor_account: creditor_account?,
        amount,
        currency,
        end_to_end_id: end_to_end_id?,
        debtor: debtor?,
        creditor: creditor?,
    })
}

/// Payer and payee must be there and have a name.
fn named_party(reader: &mut FieldReader, path: &Path<'_>, wire: Option<&v1::Party>) -> Option<Party> {
    let wire = reader.message(path, wire)?;
    if wire.name.is_empty() {
        reader.missing(&path.field("name"));
    }
    Some(party(reader, path, wire))
}

fn party(reader: &mut FieldReader, path: &Path<'_>, wire: &v1::Party) -> Party {
    use v1::party::Identification;
    let mut party = Party {
        name: reader.optional_text(&path.field("name"), &wire.name),
        address: wire.address.as_ref().map(|wire| address(reader, &path.field("address"), wire)),
        ..Party::default()
    };
    match &wire.identification {
        None => {}
        Some(Identification::Organisation(wire)) => {
            party.organisation = Some(organisation(reader, &path.field("organisation"), wire));
        }
        Some(Identification::Person(wire)) => party.person = person(reader, &path.field("person"), wire),
    }
    party
}

fn address(reader: &mut FieldReader, path: &Path<'_>, wire: &v1::Address) -> Address {
    let country_path = path.field("country");
    let country = reader.optional_text(&country_path, &wire.country);
    Address {
        department: reader.optional_text(&path.field("department"), &wire.department),
        sub_department: reader.optional_text(&path.field("sub_department"), &wire.sub_department),
        street_name: reader.optional_text(&path.field("street_name"), &wire.street_name),
        building_number: reader.optional_text(&path.field("building_number"), &wire.building_number),
        building_name: reader.optional_text(&path.field("building_name"), &wire.building_name),
        floor: reader.optional_text(&path.field("floor"), &wire.floor),
        post_box: reader.optional_text(&path.field("post_box"), &wire.post_box),
        room: reader.optional_text(&path.field("room"), &wire.room),
        post_code: reader.optional_text(&path.field("post_code"), &wire.post_code),
        town_name: reader.optional_text(&path.field("town_name"), &wire.town_name),
        town_location_name: reader.optional_text(&path.field("town_location_name"), &wire.town_location_name),
        district_name: reader.optional_text(&path.field("district_name"), &wire.district_name),
        country_subdivision: reader
            .optional_text(&path.field("country_subdivision"), &wire.country_subdivision),
        country: reader.pattern(&country_path, country, is_country, COUNTRY_WORDS),
        lines: lines(reader, &path.field("lines"), &wire.lines),
    }
}

fn lines(reader: &mut FieldReader, path: &Path<'_>, wire: &[String]) -> Vec<Text<70>> {
    if wire.len() > ADDRESS_LINES_MAX {
        reader.violation(path, format_args!("an address has at most {ADDRESS_LINES_MAX} lines"));
        return Vec::new();
    }
    // An empty line is not an absent one, so that the indices of the others stay what they are.
    wire.iter().enumerate().filter_map(|(index, line)| reader.text(&path.element(index), line)).collect()
}

fn organisation(
    reader: &mut FieldReader,
    path: &Path<'_>,
    wire: &v1::OrganisationIdentification,
) -> OrganisationIdentification {
    let lei_path = path.field("lei");
    let lei = reader.optional_text(&lei_path, &wire.lei);
    OrganisationIdentification {
        any_bic: reader.optional_bic(&path.field("any_bic"), &wire.any_bic),
        lei: reader.pattern(&lei_path, lei, is_lei, "an LEI has 18 capital letters or digits and two digits"),
        other: wire.other.as_ref().and_then(|wire| other(reader, &path.field("other"), wire)),
    }
}

fn person(
    reader: &mut FieldReader,
    path: &Path<'_>,
    wire: &v1::PersonIdentification,
) -> Option<PersonIdentification> {
    use v1::person_identification::Identification;
    match &wire.identification {
        None => {
            reader.violation(path, "birth or another identification is mandatory");
            None
        }
        Some(Identification::Birth(wire)) => {
            birth(reader, &path.field("birth"), wire).map(PersonIdentification::Birth)
        }
        Some(Identification::Other(wire)) => {
            other(reader, &path.field("other"), wire).map(PersonIdentification::Other)
        }
    }
}

fn birth(reader: &mut FieldReader, path: &Path<'_>, wire: &v1::PersonOrigin) -> Option<PersonOrigin> {
    let date_path = path.field("birth_date");
    let birth_date = reader.text(&date_path, &wire.birth_date);
    let birth_date = reader.pattern(&date_path, birth_date, is_date, "a date is YYYY-MM-DD");
    let province = reader.optional_text(&path.field("province"), &wire.province);
    let city = reader.text(&path.field("city"), &wire.city);
    let country_path = path.field("country");
    let country = reader.text(&country_path, &wire.country);
    let country = reader.pattern(&country_path, country, is_country, COUNTRY_WORDS);
    Some(PersonOrigin { birth_date: birth_date?, province, city: city?, country: country? })
}

fn other(
    reader: &mut FieldReader,
    path: &Path<'_>,
    wire: &v1::OtherIdentification,
) -> Option<OtherIdentification> {
    let id = reader.text(&path.field("id"), &wire.id);
    let scheme =
        wire.scheme.as_ref().and_then(|wire| scheme(reader, &path.field("scheme"), wire, SCHEME_CODE_MAX));
    let issuer = reader.optional_text(&path.field("issuer"), &wire.issuer);
    Some(OtherIdentification { id: id?, scheme, issuer })
}

fn scheme(
    reader: &mut FieldReader,
    path: &Path<'_>,
    wire: &v1::SchemeName,
    code_characters_max: usize,
) -> Option<SchemeName> {
    use v1::scheme_name::Name;
    match &wire.name {
        None => {
            reader.violation(path, CODE_OR_PROPRIETARY);
            None
        }
        Some(Name::Code(code)) => {
            reader.code(&path.field("code"), code, code_characters_max).map(SchemeName::Code)
        }
        Some(Name::Proprietary(name)) => {
            reader.text(&path.field("proprietary"), name).map(SchemeName::Proprietary)
        }
    }
}

fn category_purpose(
    reader: &mut FieldReader,
    path: &Path<'_>,
    wire: &v1::CategoryPurpose,
) -> Option<CategoryPurpose> {
    use v1::category_purpose::Purpose;
    match &wire.purpose {
        None => {
            reader.violation(path, CODE_OR_PROPRIETARY);
            None
        }
        Some(Purpose::Code(code)) => reader.identifier(&path.field("code"), code).map(CategoryPurpose::Code),
        Some(Purpose::Proprietary(name)) => {
            reader.text(&path.field("proprietary"), name).map(CategoryPurpose::Proprietary)
        }
    }
}

fn proxy(reader: &mut FieldReader, path: &Path<'_>, wire: &v1::Proxy) -> Option<Proxy> {
    let kind = wire.kind.as_ref().and_then(|wire| scheme(reader, &path.field("kind"), wire, SCHEME_CODE_MAX));
    let id = reader.text(&path.field("id"), &wire.id);
    Some(Proxy { kind, id: id? })
}

/// The parts of the payment's `oneof` are fields of the payment itself.
fn remittance(
    reader: &mut FieldReader,
    payment: &Path<'_>,
    wire: &v1::payment::Remittance,
) -> Option<Remittance> {
    match wire {
        v1::payment::Remittance::Unstructured(text) => {
            reader.text(&payment.field("unstructured"), text).map(Remittance::Unstructured)
        }
        v1::payment::Remittance::CreditorReference(wire) => {
            let path = payment.field("creditor_reference");
            let reference = reader.identifier(&path.field("reference"), &wire.reference);
            let issuer = reader.optional_text(&path.field("issuer"), &wire.issuer);
            Some(Remittance::Structured { reference: reference?, issuer })
        }
    }
}

fn settlement_method(reader: &mut FieldReader, payment: &Path<'_>, wire: i32) -> SettlementMethod {
    match v1::SettlementMethod::try_from(wire) {
        Ok(v1::SettlementMethod::Unspecified | v1::SettlementMethod::ClearingSystem) => {
            SettlementMethod::ClearingSystem
        }
        Ok(v1::SettlementMethod::InstructingAgent) => SettlementMethod::InstructingAgent,
        Ok(v1::SettlementMethod::InstructedAgent) => SettlementMethod::InstructedAgent,
        Err(_) => {
            reader.violation(&payment.field("settlement_method"), "this settlement method is not known");
            SettlementMethod::default()
        }
    }
}

const CODE_OR_PROPRIETARY: &str = "a code or a proprietary name is mandatory";
const COUNTRY_WORDS: &str = "a country is two capital letters (ISO 3166)";

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_lei(text: &str) -> bool {
    let bytes = text.as_bytes();
    let capital_or_digit = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    bytes.len() == 20
        && bytes[..18].iter().all(capital_or_digit)
        && bytes[18..].iter().all(u8::is_ascii_digit)
}

/// The pattern of the ISO 20022 schema for `UUIDv4Identifier`.
fn is_uetr(text: &str) -> bool {
    const SHAPE: &[u8; 36] = b"xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx";
    text.len() == SHAPE.len()
        && text.bytes().zip(SHAPE).all(|(byte, shape)| match shape {
            b'x' => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            b'v' => matches!(byte, b'8' | b'9' | b'a' | b'b'),
            _ => byte == *shape,
        })
}

/// A day of the Gregorian calendar in any century; dates of birth lie before what `types::Date` can hold.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes[range]
            .iter()
            .try_fold(0_u32, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0')))
    };
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return false;
    }
    let (Some(year), Some(month), Some(day)) = (digits(0..4), digits(5..7), digits(8..10)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    year > 0 && (1..=length).contains(&day)
}
