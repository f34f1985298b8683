//! Orders come back from the wire as they went out, and every fault of a message is named by its path.

use proptest::option::of;
use proptest::prelude::*;
use types::{
    Address, Amount, Bic, CategoryPurpose, Currency, Date, Iban, OrganisationIdentification,
    OtherIdentification, Party, PaymentOrder, PersonIdentification, PersonOrigin, Proxy, Remittance,
    SchemeName, SettlementMethod, Text, Timestamp,
};

use super::*;
use crate::v1;

fn text<const MAX: usize>() -> BoxedStrategy<Text<MAX>> {
    let length = 1..=MAX.min(40);
    proptest::collection::vec(proptest::char::ranges(vec!['!'..='~', 'À'..='ö'].into()), length)
        .prop_map(|characters| Text::parse(&characters.into_iter().collect::<String>()).unwrap())
        .boxed()
}

fn identifier<const MAX: usize>() -> BoxedStrategy<Text<MAX>> {
    "[A-Za-z0-9/:().,'+-]{1,35}"
        .prop_map(|value| Text::parse_identifier(&value[..value.len().min(MAX)]).unwrap())
        .boxed()
}

fn scheme() -> BoxedStrategy<SchemeName> {
    let code = "[A-Z]{1,4}".prop_map(|code| SchemeName::Code(Text::parse_identifier(&code).unwrap()));
    prop_oneof![code, text().prop_map(SchemeName::Proprietary)].boxed()
}

fn other() -> BoxedStrategy<OtherIdentification> {
    (text(), of(scheme()), of(text()))
        .prop_map(|(id, scheme, issuer)| OtherIdentification { id, scheme, issuer })
        .boxed()
}

fn address() -> BoxedStrategy<Address> {
    let upper = (of(text()), of(text()), of(text()), of(text()), of(text()), of(text()), of(text()));
    let lower = (of(text()), of(text()), of(text()), of(text()), of(text()), of(text()), of("[A-Z]{2}"));
    (upper, lower, proptest::collection::vec(text(), 0..=7))
        .prop_map(|(upper, lower, lines)| Address {
            department: upper.0,
            sub_department: upper.1,
            street_name: upper.2,
            building_number: upper.3,
            building_name: upper.4,
            floor: upper.5,
            post_box: upper.6,
            room: lower.0,
            post_code: lower.1,
            town_name: lower.2,
            town_location_name: lower.3,
            district_name: lower.4,
            country_subdivision: lower.5,
            country: lower.6.map(|country| Text::parse(&country).unwrap()),
            lines,
        })
        .boxed()
}

fn organisation() -> BoxedStrategy<OrganisationIdentification> {
    let lei = "[A-Z0-9]{18}[0-9]{2}".prop_map(|lei| Text::parse(&lei).unwrap());
    (of(bic()), of(lei), of(other()))
        .prop_map(|(any_bic, lei, other)| OrganisationIdentification { any_bic, lei, other })
        .boxed()
}

fn person() -> BoxedStrategy<PersonIdentification> {
    let date = (1850..2026_i32, 1..=12_i32, 1..=28_i32)
        .prop_map(|(year, month, day)| Text::parse(&format!("{year:04}-{month:02}-{day:02}")).unwrap());
    let country = "[A-Z]{2}".prop_map(|country| Text::parse(&country).unwrap());
    let birth = (date, of(text()), text(), country).prop_map(|(birth_date, province, city, country)| {
        PersonIdentification::Birth(PersonOrigin { birth_date, province, city, country })
    });
    prop_oneof![birth, other().prop_map(PersonIdentification::Other)].boxed()
}

fn party(named: bool) -> BoxedStrategy<Party> {
    let name = if named { text().prop_map(Some).boxed() } else { of(text()).boxed() };
    let identification = prop_oneof![
        Just((None, None)),
        organisation().prop_map(|organisation| (Some(organisation), None)),
        person().prop_map(|person| (None, Some(person))),
    ];
    (name, of(address()), identification)
        .prop_map(|(name, address, (organisation, person))| Party { name, address, organisation, person })
        .boxed()
}

fn proxy() -> BoxedStrategy<Proxy> {
    (of(scheme()), text()).prop_map(|(kind, id)| Proxy { kind, id }).boxed()
}

fn bic() -> BoxedStrategy<Bic> {
    "[A-Z]{4}[A-Z]{2}[A-Z0-9]{5}".prop_map(|code| Bic::parse(&code).unwrap()).boxed()
}

fn iban() -> BoxedStrategy<Iban> {
    "[0-9]{12}".prop_map(|account| Iban::with_check_digits("BE", &account).unwrap()).boxed()
}

fn remittance() -> BoxedStrategy<Remittance> {
    let structured = (identifier(), of(text()))
        .prop_map(|(reference, issuer)| Remittance::Structured { reference, issuer });
    prop_oneof![text().prop_map(Remittance::Unstructured), structured].boxed()
}

fn category_purpose() -> BoxedStrategy<CategoryPurpose> {
    prop_oneof![identifier().prop_map(CategoryPurpose::Code), text().prop_map(CategoryPurpose::Proprietary)]
        .boxed()
}

fn instant() -> BoxedStrategy<Option<Timestamp>> {
    of(0..i64::MAX).prop_map(|nanoseconds| nanoseconds.and_then(Timestamp::from_nanoseconds)).boxed()
}

fn method() -> BoxedStrategy<SettlementMethod> {
    prop_oneof![
        Just(SettlementMethod::ClearingSystem),
        Just(SettlementMethod::InstructingAgent),
        Just(SettlementMethod::InstructedAgent),
    ]
    .boxed()
}

fn order() -> BoxedStrategy<PaymentOrder> {
    let transport = (of(identifier()), instant(), of(0..100_000_i32), method(), of(identifier()));
    let hop = (of(scheme()), of(bic()), of(bic()), of(identifier()));
    let ids = (identifier(), identifier(), any::<bool>());
    let money = (1..=Amount::MINOR_UNITS_MAX, iban(), iban(), bic(), bic(), instant());
    let purposes = (of(category_purpose()), of(identifier()), of(remittance()));
    let parties = (party(true), party(true), of(party(false)), of(party(false)), of(proxy()), of(proxy()));
    (transport, hop, ids, money, purposes, parties)
        .prop_map(|(transport, hop, ids, money, purposes, parties)| PaymentOrder {
            message_id: transport.0,
            created_at: transport.1,
            settlement_date: transport.2.and_then(Date::from_days),
            settlement_method: transport.3,
            settlement_account: transport.4,
            clearing_system: hop.0,
            instructing_agent: hop.1,
            instructed_agent: hop.2,
            instruction_id: hop.3,
            end_to_end_id: ids.0,
            transaction_id: ids.1,
            uetr: ids.2.then(|| Text::parse("7a562c67-ca16-48ba-b074-65581be6f001").unwrap()),
            amount: Amount::from_minor_units(money.0).unwrap(),
            currency: Currency::EUR,
            acceptance_time: money.5,
            category_purpose: purposes.0,
            purpose: purposes.1,
            ultimate_debtor: parties.2,
            debtor: parties.0,
            debtor_account: money.1,
            debtor_proxy: parties.4,
            debtor_agent: money.3,
            creditor_agent: money.4,
            creditor: parties.1,
            creditor_account: money.2,
            creditor_proxy: parties.5,
            ultimate_creditor: parties.3,
            remittance: purposes.2,
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn orders_round_trip(order in order()) {
        let payment = payment_from_order(&order);
        prop_assert_eq!(order_from_payment(&payment), Ok(order));
    }

    #[test]
    fn orders_survive_the_wire(order in order()) {
        use prost::Message;
        let bytes = payment_from_order(&order).encode_to_vec();
        let payment = v1::Payment::decode(bytes.as_slice()).unwrap();
        prop_assert_eq!(order_from_payment(&payment), Ok(order));
    }

    #[test]
    fn no_text_makes_the_reader_panic(order in order(), noise in ".{0,400}", field in 0..12_usize) {
        let mut payment = payment_from_order(&order);
        let target = match field {
            0 => &mut payment.debtor_agent,
            1 => &mut payment.transaction_id,
            2 => &mut payment.debtor_account,
            3 => &mut payment.end_to_end_id,
            4 => &mut payment.amount.as_mut().unwrap().amount,
            5 => &mut payment.amount.as_mut().unwrap().currency_code,
            6 => &mut payment.uetr,
            7 => &mut payment.settlement_date,
            8 => &mut payment.debtor.as_mut().unwrap().name,
            9 => &mut payment.purpose,
            10 => &mut payment.settlement_account,
            _ => &mut payment.instructed_agent,
        };
        *target = noise;
        // Either answer is right; what is accepted must be what was sent, but for the short form of a BIC.
        if let Ok(read) = order_from_payment(&payment) {
            prop_assert_eq!(order_from_payment(&payment_from_order(&read)), Ok(read));
        }
    }
}

fn valid() -> v1::Payment {
    let named = |name: &str| Some(v1::Party { name: name.to_owned(), ..Default::default() });
    v1::Payment {
        debtor_agent: "SLVOBEBB".to_owned(),
        transaction_id: "T-1".to_owned(),
        creditor_agent: "SLVODEFFXXX".to_owned(),
        debtor_account: "BE68539007547034".to_owned(),
        creditor_account: "DE89370400440532013000".to_owned(),
        amount: Some(v1::Money { amount: "12.34".to_owned(), currency_code: "EUR".to_owned() }),
        end_to_end_id: "NOTPROVIDED".to_owned(),
        debtor: named("Payer"),
        creditor: named("Payee"),
        ..Default::default()
    }
}

/// The paths of the faults of a valid payment after a change, one per line.
fn faults(change: impl FnOnce(&mut v1::Payment)) -> String {
    let mut payment = valid();
    change(&mut payment);
    match order_from_payment(&payment) {
        Ok(_) => String::new(),
        Err(violations) => {
            violations.iter().map(|violation| violation.field.as_str()).collect::<Vec<_>>().join("\n")
        }
    }
}

#[test]
fn valid_payment_is_read() {
    let order = order_from_payment(&valid()).unwrap();
    assert_eq!(order.amount.minor_units(), 1234);
    assert_eq!(order.debtor_agent.as_str(), "SLVOBEBBXXX");
    assert_eq!(order.acceptance_time, None);
}

#[test]
fn every_mandatory_field_is_asked_for_at_once() {
    let missing = order_from_payment(&v1::Payment::default()).unwrap_err();
    let paths: Vec<_> = missing.iter().map(|violation| violation.field.as_str()).collect();
    let expected = [
        "payment.debtor_agent",
        "payment.transaction_id",
        "payment.creditor_agent",
        "payment.debtor_account",
        "payment.creditor_account",
        "payment.amount",
        "payment.end_to_end_id",
        "payment.debtor",
        "payment.creditor",
    ];
    assert_eq!(paths, expected);
    assert!(missing.iter().all(|violation| violation.description == "this field is mandatory"));
}

#[test]
fn amounts_are_exact_decimals() {
    let amount = |text: &str| {
        let mut payment = valid();
        payment.amount = Some(v1::Money { amount: text.to_owned(), currency_code: "EUR".to_owned() });
        order_from_payment(&payment).map(|order| order.amount.minor_units())
    };
    assert_eq!(amount("999999999.99"), Ok(99_999_999_999));
    for refused in ["", "0", "0.00", "-1", "+1", "1e3", "1.234", "1,5", "1000000000", " 1", "NaN"] {
        let violations = amount(refused).unwrap_err();
        assert_eq!(violations.len(), 1, "{refused}");
        assert_eq!(violations[0].field, "payment.amount.amount", "{refused}");
    }
}

/// One row per rule: a change of a valid payment, and the path that is named.
#[test]
fn each_fault_is_named_by_its_path() {
    type Change = fn(&mut v1::Payment);
    let rows: [(&str, Change); 21] = [
        ("payment.debtor_agent", |payment| payment.debtor_agent = "slvobebb".to_owned()),
        ("payment.debtor_account", |payment| payment.debtor_account = "BE69539007547034".to_owned()),
        ("payment.transaction_id", |payment| payment.transaction_id = "É".to_owned()),
        ("payment.end_to_end_id", |payment| payment.end_to_end_id = "x".repeat(36)),
        ("payment.amount.currency_code", |payment| {
            payment.amount.as_mut().unwrap().currency_code = "XYZ".to_owned();
        }),
        ("payment.debtor.name", |payment| payment.debtor.as_mut().unwrap().name.clear()),
        ("payment.debtor.name", |payment| payment.debtor.as_mut().unwrap().name = "x".repeat(141)),
        ("payment.creditor.name", |payment| payment.creditor.as_mut().unwrap().name = "a\u{7}b".to_owned()),
        ("payment.debtor.address.lines[2]", |payment| {
            let lines = vec!["a".to_owned(), "b".to_owned(), "c".repeat(71)];
            payment.debtor.as_mut().unwrap().address = Some(v1::Address { lines, ..Default::default() });
        }),
        ("payment.debtor.address.lines", |payment| {
            let lines = vec!["a".to_owned(); 8];
            payment.debtor.as_mut().unwrap().address = Some(v1::Address { lines, ..Default::default() });
        }),
        ("payment.creditor.address.country", |payment| {
            let address = v1::Address { country: "be".to_owned(), ..Default::default() };
            payment.creditor.as_mut().unwrap().address = Some(address);
        }),
        ("payment.debtor.organisation.lei", |payment| {
            let organisation = v1::OrganisationIdentification { lei: "x".repeat(20), ..Default::default() };
            payment.debtor.as_mut().unwrap().identification =
                Some(v1::party::Identification::Organisation(organisation));
        }),
        ("payment.debtor.person", |payment| {
            payment.debtor.as_mut().unwrap().identification =
                Some(v1::party::Identification::Person(v1::PersonIdentification::default()));
        }),
        ("payment.unstructured", |payment| {
            payment.remittance = Some(v1::payment::Remittance::Unstructured("x".repeat(141)));
        }),
        ("payment.creditor_reference.reference", |payment| {
            let reference = v1::CreditorReference::default();
            payment.remittance = Some(v1::payment::Remittance::CreditorReference(reference));
        }),
        ("payment.category_purpose", |payment| payment.category_purpose = Some(Default::default())),
        ("payment.debtor_proxy.id", |payment| payment.debtor_proxy = Some(Default::default())),
        ("payment.uetr", |payment| payment.uetr = "7A562C67-CA16-48BA-B074-65581BE6F001".to_owned()),
        ("payment.settlement_date", |payment| payment.settlement_date = "2026-02-29".to_owned()),
        ("payment.settlement_method", |payment| payment.settlement_method = 99),
        ("payment.acceptance_time", |payment| {
            payment.acceptance_time = Some(prost_types::Timestamp { seconds: -1, nanos: 0 });
        }),
    ];
    for (path, change) in rows {
        assert_eq!(faults(change), path);
    }
}

#[test]
fn scheme_codes_are_short_and_births_are_days() {
    let other = |code: &str| v1::OtherIdentification {
        id: "1".to_owned(),
        scheme: Some(v1::SchemeName { name: Some(v1::scheme_name::Name::Code(code.to_owned())) }),
        issuer: String::new(),
    };
    let organisation = |payment: &mut v1::Payment, code: &str| {
        let organisation = v1::OrganisationIdentification { other: Some(other(code)), ..Default::default() };
        payment.debtor.as_mut().unwrap().identification =
            Some(v1::party::Identification::Organisation(organisation));
    };
    assert_eq!(faults(|payment| organisation(payment, "TXID")), "");
    let path = "payment.debtor.organisation.other.scheme.code";
    assert_eq!(faults(|payment| organisation(payment, "TXIDS")), path);

    let born = |payment: &mut v1::Payment, date: &str| {
        let birth = v1::PersonOrigin {
            birth_date: date.to_owned(),
            province: String::new(),
            city: "Gent".to_owned(),
            country: "BE".to_owned(),
        };
        let person = v1::PersonIdentification {
            identification: Some(v1::person_identification::Identification::Birth(birth)),
        };
        payment.debtor.as_mut().unwrap().identification = Some(v1::party::Identification::Person(person));
    };
    for date in ["1931-12-24", "2000-02-29", "1899-02-28"] {
        assert_eq!(faults(|payment| born(payment, date)), "", "{date}");
    }
    for date in ["1900-02-29", "1931-13-01", "1931-1-01", "0000-01-01", "24.12.1931", "1931-12-é"] {
        assert_eq!(faults(|payment| born(payment, date)), "payment.debtor.person.birth.birth_date", "{date}");
    }
}

#[test]
fn descriptions_never_quote_the_request() {
    let mut payment = valid();
    payment.debtor_account = "BE00SECRET".to_owned();
    payment.creditor.as_mut().unwrap().name = " SECRET".to_owned();
    payment.transaction_id = "SECRET\u{1}".to_owned();
    let violations = order_from_payment(&payment).unwrap_err();
    assert_eq!(violations.len(), 3);
    assert!(violations.iter().all(|violation| !violation.description.contains("SECRET")));
}

#[test]
fn violations_are_bounded() {
    let mut reader = FieldReader::new();
    for index in 0..1000 {
        reader.missing(&Path::root("payments").element(index));
    }
    let violations = reader.finish(None::<()>).unwrap_err();
    assert_eq!(violations.len(), crate::limits::FIELD_VIOLATIONS_MAX);
    assert_eq!(violations[63].field, "payments[63]");
}

#[test]
fn request_ids_are_printable_and_short() {
    for (text, valid) in
        [("R-1", true), ("a b", false), ("", false), ("é", false), ("a\n", false), (&*"x".repeat(65), false)]
    {
        let mut reader = FieldReader::new();
        assert_eq!(reader.request_id(&Path::root("request_id"), text).is_some(), valid, "{text:?}");
    }
}

/// A currency that is not known hides no fault of the amount, except how many decimals it may have.
#[test]
fn every_fault_of_an_amount_is_named() {
    let faults = |amount: &str| {
        let money = v1::Money { amount: amount.to_owned(), currency_code: "EURO".to_owned() };
        let mut reader = FieldReader::new();
        let read = reader.money(&Path::root("amount"), Some(&money));
        let violations = reader.finish(read).unwrap_err();
        violations.into_iter().map(|violation| violation.field).collect::<Vec<_>>()
    };
    assert_eq!(faults("1e3"), ["amount.currency_code", "amount.amount"]);
    assert_eq!(faults(""), ["amount.currency_code", "amount.amount"]);
    assert_eq!(faults("1.234"), ["amount.currency_code"]);
}
