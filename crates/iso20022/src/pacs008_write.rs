//! Writes pacs.008.001.08, with every attribute that an order can have.

use types::{
    Address, Currency, Iban, OtherIdentification, Party, PaymentOrder, PersonIdentification, Proxy,
    Remittance, Text,
};

use crate::xml_write::XmlWriter;
use crate::{Envelope, PACS008_NAMESPACE};

/// Writes a credit transfer. Read back under the same rules it is the same order in this envelope, with the
/// acceptance time cut to milliseconds.
///
/// Values of types narrower than [`Text`](types::Text) (country, LEI, UETR, date of birth, external codes)
/// are written as they are: whoever made the order has checked their form.
pub fn write_pacs008(order: &PaymentOrder, envelope: &Envelope) -> String {
    let mut xml = XmlWriter::document(PACS008_NAMESPACE);
    xml.open("FIToFICstmrCdtTrf");
    write_group_header(&mut xml, order, envelope);
    write_transaction(&mut xml, order, envelope);
    xml.close();
    xml.finish()
}

fn write_group_header(xml: &mut XmlWriter, order: &PaymentOrder, envelope: &Envelope) {
    xml.open("GrpHdr");
    xml.text("MsgId", &envelope.message_id);
    xml.leaf("CreDtTm", &envelope.created_at.to_string());
    xml.leaf("NbOfTxs", "1");
    xml.amount("TtlIntrBkSttlmAmt", order.currency.code(), &decimal(order));
    xml.leaf("IntrBkSttlmDt", &envelope.settlement_date.to_string());
    xml.open("SttlmInf");
    xml.leaf("SttlmMtd", order.settlement_method.code());
    if let Some(account) = &order.settlement_account {
        xml.account("SttlmAcct", account);
    }
    xml.scheme("ClrSys", order.clearing_system.as_ref());
    xml.close();
    xml.payment_type(order.category_purpose.as_ref());
    xml.agent("InstgAgt", envelope.instructing_agent);
    xml.agent("InstdAgt", envelope.instructed_agent);
    xml.close();
}

/// `12.30`: always with both decimals, although ISO 20022 would not mind.
fn decimal(order: &PaymentOrder) -> String {
    assert_eq!(order.currency, Currency::EUR, "the scheme moves euro only");
    order.amount.to_decimal(order.currency)
}

fn write_transaction(xml: &mut XmlWriter, order: &PaymentOrder, envelope: &Envelope) {
    xml.open("CdtTrfTxInf");
    xml.open("PmtId");
    xml.optional_text("InstrId", order.instruction_id.as_ref());
    xml.text("EndToEndId", &order.end_to_end_id);
    xml.text("TxId", &order.transaction_id);
    xml.optional_text("UETR", order.uetr.as_ref());
    xml.close();
    xml.amount("IntrBkSttlmAmt", order.currency.code(), &decimal(order));
    xml.leaf("AccptncDtTm", &envelope.acceptance_time.to_string());
    xml.leaf("ChrgBr", "SLEV");
    write_party(xml, "UltmtDbtr", order.ultimate_debtor.as_ref());
    write_party(xml, "Dbtr", Some(&order.debtor));
    write_account(xml, "DbtrAcct", &order.debtor_account, order.debtor_proxy.as_ref());
    xml.agent("DbtrAgt", Some(order.debtor_agent));
    xml.agent("CdtrAgt", Some(order.creditor_agent));
    write_party(xml, "Cdtr", Some(&order.creditor));
    write_account(xml, "CdtrAcct", &order.creditor_account, order.creditor_proxy.as_ref());
    write_party(xml, "UltmtCdtr", order.ultimate_creditor.as_ref());
    write_purpose(xml, order.purpose.as_ref());
    write_remittance(xml, order.remittance.as_ref());
    xml.close();
}

pub(crate) fn write_purpose(xml: &mut XmlWriter, purpose: Option<&Text<4>>) {
    let Some(purpose) = purpose else { return };
    xml.open("Purp");
    xml.text("Cd", purpose);
    xml.close();
}

pub(crate) fn write_party(xml: &mut XmlWriter, name: &'static str, party: Option<&Party>) {
    let Some(party) = party else { return };
    assert!(party.organisation.is_none() || party.person.is_none(), "a party is one or the other");
    xml.open(name);
    xml.optional_text("Nm", party.name.as_ref());
    if let Some(address) = &party.address {
        write_address(xml, address);
    }
    if let Some(organisation) = &party.organisation {
        xml.open("Id");
        xml.open("OrgId");
        if let Some(bic) = organisation.any_bic {
            xml.leaf("AnyBIC", bic.as_str());
        }
        xml.optional_text("LEI", organisation.lei.as_ref());
        write_other(xml, organisation.other.as_ref());
        xml.close();
        xml.close();
    }
    if let Some(person) = &party.person {
        xml.open("Id");
        xml.open("PrvtId");
        match person {
            PersonIdentification::Birth(birth) => {
                xml.open("DtAndPlcOfBirth");
                xml.text("BirthDt", &birth.birth_date);
                xml.optional_text("PrvcOfBirth", birth.province.as_ref());
                xml.text("CityOfBirth", &birth.city);
                xml.text("CtryOfBirth", &birth.country);
                xml.close();
            }
            PersonIdentification::Other(other) => write_other(xml, Some(other)),
        }
        xml.close();
        xml.close();
    }
    xml.close();
}

fn write_other(xml: &mut XmlWriter, other: Option<&OtherIdentification>) {
    let Some(other) = other else { return };
    xml.open("Othr");
    xml.text("Id", &other.id);
    xml.scheme("SchmeNm", other.scheme.as_ref());
    xml.optional_text("Issr", other.issuer.as_ref());
    xml.close();
}

fn write_address(xml: &mut XmlWriter, address: &Address) {
    xml.open("PstlAdr");
    xml.optional_text("Dept", address.department.as_ref());
    xml.optional_text("SubDept", address.sub_department.as_ref());
    xml.optional_text("StrtNm", address.street_name.as_ref());
    xml.optional_text("BldgNb", address.building_number.as_ref());
    xml.optional_text("BldgNm", address.building_name.as_ref());
    xml.optional_text("Flr", address.floor.as_ref());
    xml.optional_text("PstBx", address.post_box.as_ref());
    xml.optional_text("Room", address.room.as_ref());
    xml.optional_text("PstCd", address.post_code.as_ref());
    xml.optional_text("TwnNm", address.town_name.as_ref());
    xml.optional_text("TwnLctnNm", address.town_location_name.as_ref());
    xml.optional_text("DstrctNm", address.district_name.as_ref());
    xml.optional_text("CtrySubDvsn", address.country_subdivision.as_ref());
    xml.optional_text("Ctry", address.country.as_ref());
    for line in &address.lines {
        xml.text("AdrLine", line);
    }
    xml.close();
}

pub(crate) fn write_account(xml: &mut XmlWriter, name: &'static str, iban: &Iban, proxy: Option<&Proxy>) {
    xml.open(name);
    xml.open("Id");
    xml.leaf("IBAN", iban.as_str());
    xml.close();
    if let Some(proxy) = proxy {
        xml.open("Prxy");
        xml.scheme("Tp", proxy.kind.as_ref());
        xml.text("Id", &proxy.id);
        xml.close();
    }
    xml.close();
}

pub(crate) fn write_remittance(xml: &mut XmlWriter, remittance: Option<&Remittance>) {
    let Some(remittance) = remittance else { return };
    xml.open("RmtInf");
    match remittance {
        Remittance::Unstructured(text) => xml.text("Ustrd", text),
        Remittance::Structured { reference, issuer } => {
            xml.open("Strd");
            xml.open("CdtrRefInf");
            xml.open("Tp");
            xml.open("CdOrPrtry");
            xml.leaf("Cd", "SCOR");
            xml.close();
            xml.optional_text("Issr", issuer.as_ref());
            xml.close();
            xml.text("Ref", reference);
            xml.close();
            xml.close();
        }
    }
    xml.close();
}
