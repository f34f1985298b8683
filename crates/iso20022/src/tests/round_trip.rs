//! An order that is written and read again is the same order, whatever attributes it has.

use proptest::option::of;
use proptest::prelude::*;
use types::{
    Address, Amount, Bic, CategoryPurpose, Currency, Date, Iban, OrganisationIdentification,
    OtherIdentification, Party, PaymentOrder, PersonIdentification, PersonOrigin, Proxy, Remittance,
    SchemeName, SettlementMethod, Text, Timestamp,
};

use crate::{Envelope, Pacs008, Rules, read_pacs008, write_pacs008};

/// A text with everything that needs escaping, at most `MAX` characters long.
fn text<const MAX: usize>() -> impl Strategy<Value = Text<MAX>> {
    "[A-Za-z0-9&<>\"'äßé€😀]([A-Za-z0-9&<>;#\\]\"' äßé€😀]{0,400}[A-Za-z0-9&<>\"'ä])?".prop_map(|value| {
        let cut: String = value.chars().take(MAX).collect();
        Text::parse(cut.trim_end()).unwrap()
    })
}

fn identifier() -> impl Strategy<Value = Text<35>> {
    "[A-Za-z0-9/?:().,'+-]([A-Za-z0-9/?:().,'+ -]{0,33}[A-Za-z0-9/?:().,'+-])?"
        .prop_map(|value| Text::parse_identifier(&value).unwrap())
}

fn pattern<const MAX: usize>(pattern: &'static str) -> impl Strategy<Value = Text<MAX>> {
    pattern.prop_map(|value| Text::parse(&value).unwrap())
}

fn bic() -> impl Strategy<Value = Bic> {
    "[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?".prop_map(|code| Bic::parse(&code).unwrap())
}

fn iban() -> impl Strategy<Value = Iban> {
    prop_oneof![("BE", "[0-9]{12}"), ("DE", "[0-9]{18}"), ("FR", "[0-9]{10}[0-9A-Z]{11}[0-9]{2}")]
        .prop_map(|(country, account): (String, String)| Iban::with_check_digits(&country, &account).unwrap())
}

/// A code of an external list with at most `$characters` characters, or a name.
fn scheme(code: &'static str) -> BoxedStrategy<SchemeName> {
    prop_oneof![pattern(code).prop_map(SchemeName::Code), text().prop_map(SchemeName::Proprietary)].boxed()
}

fn other() -> BoxedStrategy<OtherIdentification> {
    (text(), of(scheme("[A-Z]{1,4}")), of(text()))
        .prop_map(|(id, scheme, issuer)| OtherIdentification { id, scheme, issuer })
        .boxed()
}

fn address() -> BoxedStrategy<Address> {
    let first = (of(text()), of(text()), of(text()), of(text()), of(text()), of(text()), of(text()));
    let second = (of(text()), of(text()), text(), of(text()), of(text()), of(text()));
    let rest = (pattern("[A-Z]{2}"), prop::collection::vec(text(), 0..=2));
    (first, second, rest)
        .prop_map(|(first, second, (country, lines))| Address {
            department: first.0,
            sub_department: first.1,
            street_name: first.2,
            building_number: first.3,
            building_name: first.4,
            floor: first.5,
            post_box: first.6,
            room: second.0,
            post_code: second.1,
            town_name: Some(second.2),
            town_location_name: second.3,
            district_name: second.4,
            country_subdivision: second.5,
            country: Some(country),
            lines,
        })
        .boxed()
}

fn person() -> BoxedStrategy<PersonIdentification> {
    let birth =
        (pattern("(18|19|20)[0-9]{2}-(0[1-9]|1[0-2])-[01][1-9]"), of(text()), text(), pattern("[A-Z]{2}"))
            .prop_map(|(birth_date, province, city, country)| {
                PersonIdentification::Birth(PersonOrigin { birth_date, province, city, country })
            });
    prop_oneof![birth, other().prop_map(PersonIdentification::Other)].boxed()
}

fn identified() -> BoxedStrategy<Party> {
    let organisation = (of(bic()), of(pattern("[A-Z0-9]{18}[0-9]{2}")), of(other()))
        .prop_map(|(any_bic, lei, other)| OrganisationIdentification { any_bic, lei, other });
    prop_oneof![
        Just(Party::default()),
        organisation.prop_map(|organisation| Party { organisation: Some(organisation), ..Party::default() }),
        person().prop_map(|person| Party { person: Some(person), ..Party::default() }),
    ]
    .boxed()
}

fn party() -> BoxedStrategy<Party> {
    (identified(), text(), of(address()))
        .prop_map(|(party, name, address)| Party { name: Some(name), address, ..party })
        .boxed()
}

fn ultimate() -> BoxedStrategy<Option<Party>> {
    of((identified(), of(text())).prop_map(|(party, name)| Party { name, ..party })).boxed()
}

fn proxy() -> BoxedStrategy<Option<Proxy>> {
    of((of(scheme("[A-Z]{1,4}")), text()).prop_map(|(kind, id)| Proxy { kind, id })).boxed()
}

fn remittance() -> BoxedStrategy<Option<Remittance>> {
    let structured =
        (text(), of(text())).prop_map(|(reference, issuer)| Remittance::Structured { reference, issuer });
    of(prop_oneof![text().prop_map(Remittance::Unstructured), structured]).boxed()
}

fn category_purpose() -> BoxedStrategy<Option<CategoryPurpose>> {
    of(prop_oneof![
        pattern("[A-Z]{1,4}").prop_map(CategoryPurpose::Code),
        text().prop_map(CategoryPurpose::Proprietary)
    ])
    .boxed()
}

/// Instants are in whole milliseconds, which is what is written.
fn instant() -> impl Strategy<Value = Timestamp> {
    (0..9_000_000_000_000_i64).prop_map(|ms| Timestamp::from_nanoseconds(ms * 1_000_000).unwrap())
}

fn uuid() -> impl Strategy<Value = Text<36>> {
    pattern("[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}")
}

pub(super) fn order() -> BoxedStrategy<PaymentOrder> {
    let ids = (identifier(), of(identifier()), identifier(), identifier(), of(uuid()));
    let settlement = (
        prop::sample::select(&["CLRG", "INGA", "INDA"][..]),
        of(prop_oneof![pattern("[0-9]{1,34}"), iban().prop_map(|iban| Text::parse(iban.as_str()).unwrap())]),
        of(scheme("[A-Z0-9]{1,3}")),
        of(bic()),
        of(bic()),
        20_000..60_000_i32,
    );
    let times =
        (instant(), instant(), 1..=Amount::MINOR_UNITS_MAX, category_purpose(), of(pattern("[A-Z]{1,4}")));
    let parties = (party(), party(), ultimate(), ultimate());
    let accounts = (iban(), iban(), proxy(), proxy(), bic(), bic());
    (ids, settlement, times, parties, accounts, remittance())
        .prop_map(|(ids, settlement, times, parties, accounts, remittance)| PaymentOrder {
            message_id: Some(ids.0),
            created_at: Some(times.0),
            settlement_date: Date::from_days(settlement.5),
            settlement_method: SettlementMethod::from_code(settlement.0).unwrap(),
            settlement_account: settlement.1,
            clearing_system: settlement.2,
            instructing_agent: settlement.3,
            instructed_agent: settlement.4,
            instruction_id: ids.1,
            end_to_end_id: ids.2,
            transaction_id: ids.3,
            uetr: ids.4,
            amount: Amount::from_minor_units(times.2).unwrap(),
            currency: Currency::EUR,
            acceptance_time: Some(times.1),
            category_purpose: times.3,
            purpose: times.4,
            ultimate_debtor: parties.2,
            debtor: parties.0,
            debtor_account: accounts.0,
            debtor_proxy: accounts.2,
            debtor_agent: accounts.4,
            creditor_agent: accounts.5,
            creditor: parties.1,
            creditor_account: accounts.1,
            creditor_proxy: accounts.3,
            ultimate_creditor: parties.3,
            remittance,
        })
        .boxed()
}

proptest! {
    #[test]
    fn orders_come_back_from_their_documents(order in order()) {
        let document = write_pacs008(&order, &Envelope::of(&order).unwrap());
        let rules = Rules::sct_inst_2025(order.settlement_date.into_iter().collect());
        prop_assert_eq!(read_pacs008(document.as_bytes(), &rules), Ok(Pacs008::Order(Box::new(order))));
    }
}
