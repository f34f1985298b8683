//! The words of test scripts about customers, fees and clocks.

use types::Amount;

use super::{Words, bank, iban, minor_units, span, start};
use crate::{
    AccountSelector, Fees, RecordWriter, RequestId, SetCustomerLimit, SetFees, SetRestricted, SetZone, Zone,
    ZoneChange, ZoneOffset,
};

impl Words<'_> {
    pub(super) fn keep_customer(&mut self, verb: &str, request_id: RequestId, writer: &mut RecordWriter) {
        let currency = self.currency();
        let name = self.word();
        match verb {
            "allow" => {
                let account = AccountSelector { iban: iban(name), currency };
                let mut limit = |word| self.option(word).map(|text| Amount::parse(text, currency).unwrap());
                let (per_payment, per_day) = (limit("payment"), limit("day"));
                writer.set_customer_limit(&SetCustomerLimit { request_id, account, per_payment, per_day });
            }
            "fees" => {
                let mut fee = || u32::try_from(minor_units(self.word())).unwrap();
                let fees = Fees::from_minor_units(fee(), fee()).unwrap();
                writer.set_fees(&SetFees { request_id, bic: bank(name), currency, fees });
            }
            "zone" => {
                let offset = |text: &str| ZoneOffset::from_minutes(text.parse().unwrap()).unwrap();
                let before = offset(self.word());
                let change = self.option("change").map(|at| start().plus(span(at)));
                let change = change.map(|at| ZoneChange { at, offset: offset(self.word()) });
                let zone = Zone { offset: before, change };
                writer.set_zone(&SetZone { request_id, bic: bank(name), zone });
            }
            verb => {
                let account = AccountSelector { iban: iban(name), currency };
                let is_restricted = verb == "restrict";
                writer.set_restricted(&SetRestricted { request_id, account, is_restricted });
            }
        }
    }
}
