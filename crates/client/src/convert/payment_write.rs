//! Orders to wire messages.

use types::{
    Address, CategoryPurpose, OrganisationIdentification, OtherIdentification, Party, PaymentOrder,
    PersonIdentification, Proxy, Remittance, SchemeName, SettlementMethod, Text,
};

use crate::convert::{money, timestamp};
use crate::v1;

/// The wire message of an order. [`order_from_payment`](super::order_from_payment) reads it back as it was.
pub fn payment_from_order(order: &PaymentOrder) -> v1::Payment {
    v1::Payment {
        debtor_agent: order.debtor_agent.to_string(),
        transaction_id: order.transaction_id.as_str().to_owned(),
        creditor_agent: order.creditor_agent.to_string(),
        debtor_account: order.debtor_account.as_str().to_owned(),
        creditor_account: order.creditor_account.as_str().to_owned(),
        amount: Some(money(order.amount, order.currency)),
        acceptance_time: order.acceptance_time.map(timestamp),
        end_to_end_id: order.end_to_end_id.as_str().to_owned(),
        debtor: Some(party(&order.debtor)),
        creditor: Some(party(&order.creditor)),
        remittance: order.remittance.as_ref().map(remittance),
        purpose: text(order.purpose.as_ref()),
        category_purpose: order.category_purpose.as_ref().map(category_purpose),
        ultimate_debtor: order.ultimate_debtor.as_ref().map(party),
        ultimate_creditor: order.ultimate_creditor.as_ref().map(party),
        debtor_proxy: order.debtor_proxy.as_ref().map(proxy),
        creditor_proxy: order.creditor_proxy.as_ref().map(proxy),
        uetr: text(order.uetr.as_ref()),
        message_id: text(order.message_id.as_ref()),
        created_time: order.created_at.map(timestamp),
        settlement_date: order.settlement_date.map(|date| date.to_string()).unwrap_or_default(),
        settlement_method: i32::from(settlement_method(order.settlement_method)),
        settlement_account: text(order.settlement_account.as_ref()),
        clearing_system: order.clearing_system.as_ref().map(scheme),
        instructing_agent: order.instructing_agent.map(|bic| bic.to_string()).unwrap_or_default(),
        instructed_agent: order.instructed_agent.map(|bic| bic.to_string()).unwrap_or_default(),
        instruction_id: text(order.instruction_id.as_ref()),
    }
}

/// An absent text is an empty one on the wire; no present text is empty.
fn text<const MAX: usize>(text: Option<&Text<MAX>>) -> String {
    text.map(|text| text.as_str().to_owned()).unwrap_or_default()
}

/// What nearly every payment says is not written at all.
const fn settlement_method(method: SettlementMethod) -> v1::SettlementMethod {
    match method {
        SettlementMethod::ClearingSystem => v1::SettlementMethod::Unspecified,
        SettlementMethod::InstructingAgent => v1::SettlementMethod::InstructingAgent,
        SettlementMethod::InstructedAgent => v1::SettlementMethod::InstructedAgent,
    }
}

fn party(party: &Party) -> v1::Party {
    let both = party.organisation.is_some() && party.person.is_some();
    assert!(!both, "a party is an organisation or a person, never both");
    let organisation = party.organisation.as_ref().map(organisation);
    let person = party.person.as_ref().map(person);
    v1::Party {
        name: text(party.name.as_ref()),
        address: party.address.as_ref().map(address),
        identification: organisation
            .map(v1::party::Identification::Organisation)
            .or(person.map(v1::party::Identification::Person)),
    }
}

fn address(address: &Address) -> v1::Address {
    v1::Address {
        department: text(address.department.as_ref()),
        sub_department: text(address.sub_department.as_ref()),
        street_name: text(address.street_name.as_ref()),
        building_number: text(address.building_number.as_ref()),
        building_name: text(address.building_name.as_ref()),
        floor: text(address.floor.as_ref()),
        post_box: text(address.post_box.as_ref()),
        room: text(address.room.as_ref()),
        post_code: text(address.post_code.as_ref()),
        town_name: text(address.town_name.as_ref()),
        town_location_name: text(address.town_location_name.as_ref()),
        district_name: text(address.district_name.as_ref()),
        country_subdivision: text(address.country_subdivision.as_ref()),
        country: text(address.country.as_ref()),
        lines: address.lines.iter().map(|line| line.as_str().to_owned()).collect(),
    }
}

fn organisation(organisation: &OrganisationIdentification) -> v1::OrganisationIdentification {
    v1::OrganisationIdentification {
        any_bic: organisation.any_bic.map(|bic| bic.to_string()).unwrap_or_default(),
        lei: text(organisation.lei.as_ref()),
        other: organisation.other.as_ref().map(other),
    }
}

fn person(person: &PersonIdentification) -> v1::PersonIdentification {
    use v1::person_identification::Identification;
    let identification = match person {
        PersonIdentification::Birth(origin) => Identification::Birth(v1::PersonOrigin {
            birth_date: origin.birth_date.as_str().to_owned(),
            province: text(origin.province.as_ref()),
            city: origin.city.as_str().to_owned(),
            country: origin.country.as_str().to_owned(),
        }),
        PersonIdentification::Other(identification) => Identification::Other(other(identification)),
    };
    v1::PersonIdentification { identification: Some(identification) }
}

fn other(other: &OtherIdentification) -> v1::OtherIdentification {
    v1::OtherIdentification {
        id: other.id.as_str().to_owned(),
        scheme: other.scheme.as_ref().map(scheme),
        issuer: text(other.issuer.as_ref()),
    }
}

fn scheme(scheme: &SchemeName) -> v1::SchemeName {
    let name = match scheme {
        SchemeName::Code(code) => v1::scheme_name::Name::Code(code.as_str().to_owned()),
        SchemeName::Proprietary(name) => v1::scheme_name::Name::Proprietary(name.as_str().to_owned()),
    };
    v1::SchemeName { name: Some(name) }
}

fn category_purpose(purpose: &CategoryPurpose) -> v1::CategoryPurpose {
    use v1::category_purpose::Purpose;
    let purpose = match purpose {
        CategoryPurpose::Code(code) => Purpose::Code(code.as_str().to_owned()),
        CategoryPurpose::Proprietary(name) => Purpose::Proprietary(name.as_str().to_owned()),
    };
    v1::CategoryPurpose { purpose: Some(purpose) }
}

fn proxy(proxy: &Proxy) -> v1::Proxy {
    v1::Proxy { kind: proxy.kind.as_ref().map(scheme), id: proxy.id.as_str().to_owned() }
}

fn remittance(remittance: &Remittance) -> v1::payment::Remittance {
    match remittance {
        Remittance::Unstructured(text) => v1::payment::Remittance::Unstructured(text.as_str().to_owned()),
        Remittance::Structured { reference, issuer } => {
            v1::payment::Remittance::CreditorReference(v1::CreditorReference {
                reference: reference.as_str().to_owned(),
                issuer: text(issuer.as_ref()),
            })
        }
    }
}
