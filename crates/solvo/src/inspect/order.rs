//! A payment order's texts as fields, named as in `types::PaymentOrder`, with personal data masked or shown.

use types::{
    Address, CategoryPurpose, OrganisationIdentification, OtherIdentification, Party, PaymentOrder,
    PersonIdentification, Proxy, Remittance, SchemeName, Text,
};

use crate::inspect::fields::{Fields, Value};
use crate::inspect::mask::Personal;

/// What the personal section holds of an order. The fields that its record holds are not repeated.
pub(crate) fn fields(order: &PaymentOrder, personal: Personal) -> Fields {
    Fields::default()
        .with_some("message_id", order.message_id.as_ref().map(Text::as_str))
        .with_some("created_at", order.created_at.map(|time| time.to_string()))
        .with_some("settlement_date", order.settlement_date.map(|date| date.to_string()))
        .with("settlement_method", order.settlement_method.code())
        .with_some("settlement_account", order.settlement_account.as_ref().map(|text| personal.text(text)))
        .with_some("clearing_system", order.clearing_system.as_ref().map(|it| scheme(it, Personal::Shown)))
        .with_some("instructing_agent", order.instructing_agent.map(|bic| bic.to_string()))
        .with_some("instructed_agent", order.instructed_agent.map(|bic| bic.to_string()))
        .with_some("instruction_id", order.instruction_id.as_ref().map(Text::as_str))
        .with("end_to_end_id", personal.text(&order.end_to_end_id))
        .with_some("uetr", order.uetr.as_ref().map(Text::as_str))
        .with_some(
            "category_purpose",
            order.category_purpose.as_ref().map(|it| category_purpose(it, personal)),
        )
        .with_some("purpose", order.purpose.as_ref().map(Text::as_str))
        .with("debtor_account", personal.iban(&order.debtor_account))
        .with("creditor_account", personal.iban(&order.creditor_account))
        .with("debtor", party(&order.debtor, order.debtor_proxy.as_ref(), personal))
        .with("creditor", party(&order.creditor, order.creditor_proxy.as_ref(), personal))
        .with_some("ultimate_debtor", order.ultimate_debtor.as_ref().map(|it| party(it, None, personal)))
        .with_some("ultimate_creditor", order.ultimate_creditor.as_ref().map(|it| party(it, None, personal)))
        .with_some("remittance", order.remittance.as_ref().map(|remittance| about(remittance, personal)))
}

/// A code of a list is shown; a name of the sender's own can be anything.
fn scheme(scheme: &SchemeName, personal: Personal) -> Value {
    match scheme {
        SchemeName::Code(code) => code.as_str().into(),
        SchemeName::Proprietary(name) => personal.text(name),
    }
}

fn category_purpose(purpose: &CategoryPurpose, personal: Personal) -> Value {
    match purpose {
        CategoryPurpose::Code(code) => code.as_str().into(),
        CategoryPurpose::Proprietary(name) => personal.text(name),
    }
}

fn about(remittance: &Remittance, personal: Personal) -> Fields {
    match remittance {
        Remittance::Unstructured(text) => Fields::default().with("unstructured", personal.text(text)),
        Remittance::Structured { reference, issuer } => Fields::default()
            .with("reference", personal.text(reference))
            .with_some("issuer", issuer.as_ref().map(|issuer| personal.text(issuer))),
    }
}

fn party(party: &Party, proxy: Option<&Proxy>, personal: Personal) -> Fields {
    let proxy = proxy.map(|proxy| {
        Fields::default()
            .with_some("kind", proxy.kind.as_ref().map(|it| scheme(it, personal)))
            .with("id", personal.text(&proxy.id))
    });
    Fields::default()
        .with_some("name", party.name.as_ref().map(|name| personal.text(name)))
        .with_some("address", party.address.as_ref().map(|it| address(it, personal)))
        .with_some("organisation", party.organisation.as_ref().map(|it| organisation(it, personal)))
        .with_some("person", party.person.as_ref().map(|it| person(it, personal)))
        .with_some("proxy", proxy)
}

fn address(address: &Address, personal: Personal) -> Fields {
    fn some<const MAX: usize>(personal: Personal, text: Option<&Text<MAX>>) -> Option<Value> {
        text.map(|text| personal.text(text))
    }
    let lines: Vec<Value> = address.lines.iter().map(|line| personal.text(line)).collect();
    Fields::default()
        .with_some("department", some(personal, address.department.as_ref()))
        .with_some("sub_department", some(personal, address.sub_department.as_ref()))
        .with_some("street_name", some(personal, address.street_name.as_ref()))
        .with_some("building_number", some(personal, address.building_number.as_ref()))
        .with_some("building_name", some(personal, address.building_name.as_ref()))
        .with_some("floor", some(personal, address.floor.as_ref()))
        .with_some("post_box", some(personal, address.post_box.as_ref()))
        .with_some("room", some(personal, address.room.as_ref()))
        .with_some("post_code", some(personal, address.post_code.as_ref()))
        .with_some("town_name", some(personal, address.town_name.as_ref()))
        .with_some("town_location_name", some(personal, address.town_location_name.as_ref()))
        .with_some("district_name", some(personal, address.district_name.as_ref()))
        .with_some("country_subdivision", some(personal, address.country_subdivision.as_ref()))
        .with_some("country", some(personal, address.country.as_ref()))
        .with_some("lines", (!lines.is_empty()).then_some(lines))
}

fn organisation(organisation: &OrganisationIdentification, personal: Personal) -> Fields {
    // A BIC names a business, but in this place the business is the customer.
    let any_bic = organisation.any_bic.map(|bic| match personal {
        Personal::Masked => Value::Masked(bic.as_str().len()),
        Personal::Shown => bic.as_str().into(),
    });
    Fields::default()
        .with_some("any_bic", any_bic)
        .with_some("lei", organisation.lei.as_ref().map(|lei| personal.text(lei)))
        .with_some("other", organisation.other.as_ref().map(|it| other(it, personal)))
}

fn person(person: &PersonIdentification, personal: Personal) -> Fields {
    match person {
        PersonIdentification::Birth(birth) => Fields::default()
            .with("birth_date", personal.text(&birth.birth_date))
            .with_some("province", birth.province.as_ref().map(|it| personal.text(it)))
            .with("city", personal.text(&birth.city))
            .with("country", personal.text(&birth.country)),
        PersonIdentification::Other(it) => Fields::default().with("other", other(it, personal)),
    }
}

fn other(other: &OtherIdentification, personal: Personal) -> Fields {
    Fields::default()
        .with("id", personal.text(&other.id))
        .with_some("scheme", other.scheme.as_ref().map(|it| scheme(it, personal)))
        .with_some("issuer", other.issuer.as_ref().map(|issuer| personal.text(issuer)))
}
