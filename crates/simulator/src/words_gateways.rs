//! The steps of holds and of the records of gateways as the ledger's records.

use ledger::{
    CaptureHold, HoldLeg, PlaceHold, PutRecord, RecordKey, RecordOwner, RecordSpace, RecordWriter,
    ReleaseHold, RemoveRecord, RequestId,
};
use types::{AccountNumber, Amount, Text};

use super::{AccountSelector, bic, currency, iban};
use crate::step::{Leg, RecordName, Request};

/// Appends the record of a request that is about one of them.
pub(super) fn write(writer: &mut RecordWriter, request_id: RequestId, body: &Request) {
    let reference = || Text::parse("HOLD").expect("plain letters");
    match *body {
        Request::Place { bank, account, currency: number, amount: minor, expires } => {
            writer.place_hold(&PlaceHold {
                request_id,
                bank: bic(bank),
                account: AccountSelector { iban: iban(account), currency: currency(number) },
                amount: amount(minor),
                expires,
                reference: reference(),
                note: None,
            });
        }
        Request::Capture { bank, hold, held_on, legs, is_final } => {
            let leg = |leg: Leg| HoldLeg {
                iban: iban(leg.account),
                kept_at: leg.kept_at.map(|(number, bank)| (AccountNumber(number), bic(bank))),
                amount: amount(leg.amount),
                reference: reference(),
                remittance: None,
            };
            writer.capture_hold(&CaptureHold {
                request_id,
                bank: bic(bank),
                hold,
                held_on: held_on.map(|(number, of)| (AccountNumber(number), currency(of))),
                legs: legs.into_iter().flatten().map(leg).collect(),
                is_final,
            });
        }
        Request::Release { bank, hold, amount: minor } => {
            let (bank, amount) = (bic(bank), minor.map(amount));
            writer.release_hold(&ReleaseHold { request_id, bank, hold, amount });
        }
        Request::Put { name, expected, length, expires } => {
            let (owner, key) = named(name);
            let bytes = vec![b'x'; usize::from(length)];
            let repeats = None;
            writer.put_record(&PutRecord { request_id, owner, key, expected, bytes, expires, repeats });
        }
        Request::Remove { name, expected } => {
            let (owner, key) = named(name);
            writer.remove_record(&RemoveRecord { request_id, owner, key, expected });
        }
        Request::Register { .. }
        | Request::SetBankStatus { .. }
        | Request::Open { .. }
        | Request::SetAccountStatus { .. }
        | Request::SetFloor { .. }
        | Request::Post { .. }
        | Request::Move { .. }
        | Request::SetPolicy { .. }
        | Request::SetFlag { .. }
        | Request::SetHolders { .. }
        | Request::SetVersion { .. }
        | Request::SetActivation { .. }
        | Request::Allow { .. }
        | Request::Restrict { .. }
        | Request::SetFees { .. }
        | Request::SetZone { .. }
        | Request::SetLimit { .. }
        | Request::SetBounds { .. }
        | Request::SetParty { .. }
        | Request::SetBlock { .. }
        | Request::MoveOwn { .. }
        | Request::SetClosingDays(_)
        | Request::Roll { .. }
        | Request::Recall { .. }
        | Request::AnswerRecall { .. }
        | Request::SetMap { .. }
        | Request::Exception(_)
        | Request::SetRecallPolicy { .. }
        | Request::OpenPackage { .. }
        | Request::ClosePackage { .. }
        | Request::PlaceOrder(_)
        | Request::ChangeOrder { .. }
        | Request::Cancel { .. }
        | Request::AskToPay(_)
        | Request::PresentToPay { .. }
        | Request::AcceptToPay { .. }
        | Request::RefuseToPay { .. }
        | Request::TakeBackToPay { .. } => unreachable!("other requests are written elsewhere"),
    }
}

/// A record's owner and key.
pub(crate) fn named(name: RecordName) -> (RecordOwner, RecordKey) {
    let RecordName { bank, space, key } = name;
    let space = RecordSpace::parse(&format!("space-{space}")).expect("printable and short");
    let key = RecordKey::parse(&format!("key-{key}")).expect("printable and short");
    (RecordOwner { bank: bic(bank), space }, key)
}

fn amount(minor_units: i64) -> Amount {
    Amount::from_minor_units(minor_units).expect("steps have amounts in range")
}
