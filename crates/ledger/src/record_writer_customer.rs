//! Writing what a bank sets about its customers and its own house.

use types::{Amount, Timestamp};

use super::RecordWriter;
use crate::{Kind, SetCustomerLimit, SetFees, SetRestricted, SetZone, layout};

impl RecordWriter {
    /// A customer limits what leaves an account.
    pub fn set_customer_limit(&mut self, command: &SetCustomerLimit) {
        let stored = |limit: Option<Amount>| limit.map_or(0, Amount::minor_units).into();
        let mut record = layout::SetCustomerLimit {
            request: self.request(&command.request_id),
            iban_digest: self.key.iban(command.account.iban.as_str()).0,
            per_payment: stored(command.per_payment),
            per_day: stored(command.per_day),
            currency: command.account.currency.number().into(),
            reserved: [0; 6],
        };
        record.request.body_digest = self.body(Kind::SetCustomerLimit, &record, &[]);
        self.push(Kind::SetCustomerLimit, &record, &[]);
    }

    /// An account takes no part in payments, or takes part again.
    pub fn set_restricted(&mut self, command: &SetRestricted) {
        let mut record = layout::SetRestricted {
            request: self.request(&command.request_id),
            iban_digest: self.key.iban(command.account.iban.as_str()).0,
            currency: command.account.currency.number().into(),
            is_restricted: command.is_restricted.into(),
            reserved: [0; 5],
        };
        record.request.body_digest = self.body(Kind::SetRestricted, &record, &[]);
        self.push(Kind::SetRestricted, &record, &[]);
    }

    /// A bank sets its fees.
    pub fn set_fees(&mut self, command: &SetFees) {
        let mut record = layout::SetFees {
            request: self.request(&command.request_id),
            bic: *command.bic.as_bytes(),
            reserved: 0,
            currency: command.currency.number().into(),
            ordinary: command.fees.ordinary().into(),
            instant: command.fees.instant().into(),
            reserved_end: [0; 2],
        };
        record.request.body_digest = self.body(Kind::SetFees, &record, &[]);
        self.push(Kind::SetFees, &record, &[]);
    }

    /// A bank sets its clock.
    pub fn set_zone(&mut self, command: &SetZone) {
        let (zone, change) = (command.zone, command.zone.change);
        let mut record = layout::SetZone {
            request: self.request(&command.request_id),
            bic: *command.bic.as_bytes(),
            has_change: change.is_some().into(),
            offset: zone.offset.minutes().into(),
            offset_after: change.map_or(0, |change| change.offset.minutes()).into(),
            change_at: change.map_or(0, |change| Timestamp::nanoseconds(change.at)).into(),
            reserved: [0; 8],
        };
        record.request.body_digest = self.body(Kind::SetZone, &record, &[]);
        self.push(Kind::SetZone, &record, &[]);
    }
}
