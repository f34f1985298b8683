//! Writing holds, their captures and their releases.

use zerocopy::FromZeros;

use super::RecordWriter;
use crate::layout::HOLD_LEGS_MAX;
use crate::{CaptureHold, CaptureText, HoldText, Kind, LegText, PlaceHold, ReleaseHold, layout};

impl RecordWriter {
    /// Money is set aside on a customer's account.
    pub fn place_hold(&mut self, command: &PlaceHold) {
        let PlaceHold { reference, note, .. } = command.clone();
        let text = HoldText { iban: command.account.iban, reference, note }.encode();
        let mut record = layout::PlaceHold {
            request: self.request(&command.request_id),
            iban_digest: self.key.iban(command.account.iban.as_str()).0,
            amount: command.amount.minor_units().into(),
            expires: command.expires.nanoseconds().into(),
            bic: *command.bank.as_bytes(),
            reserved: 0,
            currency: command.account.currency.number().into(),
            reserved_end: [0; 2],
        };
        record.request.body_digest = self.body(Kind::PlaceHold, &record, &text);
        self.push(Kind::PlaceHold, &record, &text);
    }

    /// Some of what is held, or all of it, is paid out.
    ///
    /// # Panics
    /// If there is no leg, or there are more than 16.
    pub fn capture_hold(&mut self, command: &CaptureHold) {
        assert!((1..=HOLD_LEGS_MAX).contains(&command.legs.len()), "legs are counted on reading");
        let texts = command.legs.iter().map(|leg| LegText {
            iban: leg.iban,
            reference: leg.reference.clone(),
            remittance: leg.remittance.clone(),
        });
        let text = CaptureText { legs: texts.collect() }.encode();
        let mut record = layout::CaptureHold::new_zeroed();
        record.request = self.request(&command.request_id);
        record.hold = command.hold.0.into();
        record.bic = *command.bank.as_bytes();
        record.is_final = command.is_final.into();
        record.leg_count = u8::try_from(command.legs.len()).expect("it has been checked");
        for (stored, leg) in record.legs.iter_mut().zip(&command.legs) {
            stored.iban_digest = self.key.iban(leg.iban.as_str()).0;
            stored.amount = leg.amount.minor_units().into();
        }
        // Where accounts are is nothing that the caller says.
        record.request.body_digest = self.body(Kind::CaptureHold, &record, &text);
        if let Some((account, currency)) = command.held_on {
            record.debtor_account = account.0.into();
            record.currency = currency.number().into();
        }
        for (stored, leg) in record.legs.iter_mut().zip(&command.legs) {
            if let Some((account, bank)) = leg.kept_at {
                stored.account = account.0.into();
                stored.bic = *bank.as_bytes();
            }
        }
        self.push(Kind::CaptureHold, &record, &text);
    }

    /// Some of what is held, or all of it, is given back.
    pub fn release_hold(&mut self, command: &ReleaseHold) {
        let mut record = layout::ReleaseHold {
            request: self.request(&command.request_id),
            hold: command.hold.0.into(),
            amount: command.amount.map_or(0, |amount| amount.minor_units()).into(),
            bic: *command.bank.as_bytes(),
            reserved: [0; 5],
        };
        record.request.body_digest = self.body(Kind::ReleaseHold, &record, &[]);
        self.push(Kind::ReleaseHold, &record, &[]);
    }
}
