//! Orders come back from their texts as they went in, and no bytes make the reader panic.

use proptest::prelude::*;

use super::*;

fn text<const MAX: usize>() -> impl Strategy<Value = Text<MAX>> {
    "[A-Za-zäöé0-9]{1,40}".prop_map(|value| {
        let cut: String = value.chars().take(MAX).collect();
        Text::parse(&cut).unwrap()
    })
}

fn scheme() -> BoxedStrategy<SchemeName> {
    prop_oneof![text().prop_map(SchemeName::Code), text().prop_map(SchemeName::Proprietary)].boxed()
}

fn other() -> BoxedStrategy<OtherIdentification> {
    (text(), proptest::option::of(scheme()), proptest::option::of(text()))
        .prop_map(|(id, scheme, issuer)| OtherIdentification { id, scheme, issuer })
        .boxed()
}

fn address() -> BoxedStrategy<Address> {
    (proptest::option::of(text()), proptest::option::of(text()), proptest::collection::vec(text(), 0..3))
        .prop_map(|(street_name, country, lines)| Address {
            street_name,
            country,
            lines,
            ..Address::default()
        })
        .boxed()
}

fn person() -> BoxedStrategy<PersonIdentification> {
    let birth = (text(), proptest::option::of(text()), text(), text()).prop_map(
        |(birth_date, province, city, country)| {
            PersonIdentification::Birth(PersonOrigin { birth_date, province, city, country })
        },
    );
    prop_oneof![birth, other().prop_map(PersonIdentification::Other)].boxed()
}

fn party() -> BoxedStrategy<Party> {
    let organisation =
        (proptest::option::of(text()), proptest::option::of(other())).prop_map(|(lei, other)| {
            OrganisationIdentification { any_bic: Some(Bic::parse("SLVOBEBB").unwrap()), lei, other }
        });
    (
        proptest::option::of(text()),
        proptest::option::of(address()),
        proptest::option::of(organisation),
        proptest::option::of(person()),
    )
        .prop_map(|(name, address, organisation, person)| Party { name, address, organisation, person })
        .boxed()
}

fn proxy() -> BoxedStrategy<Proxy> {
    (proptest::option::of(scheme()), text()).prop_map(|(kind, id)| Proxy { kind, id }).boxed()
}

fn remittance() -> BoxedStrategy<Remittance> {
    let structured = (text(), proptest::option::of(text()))
        .prop_map(|(reference, issuer)| Remittance::Structured { reference, issuer });
    prop_oneof![text().prop_map(Remittance::Unstructured), structured].boxed()
}

fn order() -> BoxedStrategy<PaymentOrder> {
    let references = (text(), proptest::option::of(text()), proptest::option::of(text()));
    let parties = (party(), party(), proptest::option::of(party()), proptest::option::of(party()));
    let rest = (
        proptest::option::of(proxy()),
        proptest::option::of(remittance()),
        proptest::option::of(scheme()),
        proptest::option::of(0..i64::MAX),
    );
    (references, parties, rest)
        .prop_map(|((end_to_end_id, message_id, purpose), (debtor, creditor, first, second), rest)| {
            PaymentOrder {
                message_id,
                created_at: rest.3.and_then(Timestamp::from_nanoseconds),
                settlement_date: Date::parse("2026-11-21").ok(),
                settlement_method: SettlementMethod::InstructingAgent,
                settlement_account: None,
                clearing_system: rest.2,
                instructing_agent: Bic::parse("SLVOFRPP").ok(),
                instructed_agent: None,
                instruction_id: None,
                end_to_end_id,
                transaction_id: Text::parse("T-1").unwrap(),
                uetr: None,
                amount: Amount::from_minor_units(1234).unwrap(),
                currency: Currency::EUR,
                acceptance_time: Timestamp::from_nanoseconds(5),
                category_purpose: None,
                purpose,
                ultimate_debtor: first,
                debtor,
                debtor_account: Iban::parse("BE68539007547034").unwrap(),
                debtor_proxy: rest.0,
                debtor_agent: Bic::parse("SLVOBEBB").unwrap(),
                creditor_agent: Bic::parse("SLVODEFF").unwrap(),
                creditor,
                creditor_account: Iban::parse("DE89370400440532013000").unwrap(),
                creditor_proxy: None,
                ultimate_creditor: second,
                remittance: rest.1,
            }
        })
        .boxed()
}

fn fixed(order: &PaymentOrder) -> FixedParts {
    FixedParts {
        debtor_agent: order.debtor_agent,
        creditor_agent: order.creditor_agent,
        transaction_id: order.transaction_id.clone(),
        amount: order.amount,
        currency: order.currency,
        acceptance_time: order.acceptance_time,
    }
}

proptest! {
    #[test]
    fn orders_round_trip(order in order()) {
        let text = OrderText::encode(&order);
        prop_assert_eq!(OrderText::decode(&text.bytes, fixed(&order)), Ok(order));
    }

    #[test]
    fn transport_is_no_part_of_the_body(order in order()) {
        let mut resent = order.clone();
        resent.message_id = Some(Text::parse("ANOTHER").unwrap());
        resent.created_at = None;
        resent.instructing_agent = None;
        let (order, resent) = (OrderText::encode(&order), OrderText::encode(&resent));
        prop_assert_eq!(order.body(), resent.body());
    }

    #[test]
    fn surplus_belongs_to_the_body_and_not_to_the_order(order in order(), surplus: Vec<u8>) {
        let plain = OrderText::encode(&order);
        let mut text = plain.clone();
        text.add_surplus(&surplus);
        prop_assert_ne!(text.body(), plain.body());
        prop_assert_eq!(OrderText::surplus(&plain.bytes), Ok(None));
        prop_assert_eq!(OrderText::surplus(&text.bytes), Ok(Some(surplus.as_slice())));
        prop_assert_eq!(OrderText::decode(&text.bytes, fixed(&order)), Ok(order));
        prop_assert!(OrderText::surplus(&text.bytes[..text.bytes.len() - 1]).is_err());
    }

    #[test]
    fn damaged_texts_never_panic(order in order(), at: proptest::sample::Index, byte: u8, cut: proptest::sample::Index) {
        let mut bytes = OrderText::encode(&order).bytes;
        let position = at.index(bytes.len());
        bytes[position] = byte;
        bytes.truncate(cut.index(bytes.len() + 1));
        // Either answer is right; what comes back must encode to what was read.
        if let Ok(read) = OrderText::decode(&bytes, fixed(&order)) {
            let mut again = OrderText::encode(&read);
            if let Ok(Some(surplus)) = OrderText::surplus(&bytes) {
                again.add_surplus(surplus);
            }
            prop_assert_eq!(again.bytes, bytes);
        }
    }
}
