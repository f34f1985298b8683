//! Holds, captures, releases, and the records of gateways as fields.

use ledger::{RecordKey, RecordSpace, layout};

use super::{CHECKED, amount, bic, currency, digest, time};
use crate::inspect::fields::{Fields, Value};

/// A hold.
pub(super) fn place(fields: Fields, it: &layout::PlaceHold) -> Fields {
    fields
        .with("bic", bic(it.bic))
        .with("amount", amount(it.amount.get(), it.currency.get()))
        .with("currency", currency(it.currency.get()).code())
        .with("expires", time(it.expires.get()))
        .with("iban_digest", digest(it.iban_digest))
}

/// A capture. One that was sent for no hold that was there has no currency, so its amounts are in minor units.
pub(super) fn capture(fields: Fields, it: &layout::CaptureHold) -> Fields {
    let number = it.currency.get();
    let leg = |leg: &layout::HoldLeg| {
        let plain = Fields::default()
            .with("account", leg.account.get())
            .with_some("bic", (leg.account.get() != 0).then(|| bic(leg.bic)))
            .with("iban_digest", digest(leg.iban_digest));
        Value::from(match number {
            0 => plain.with("minor_units", u64::try_from(leg.amount.get()).expect(CHECKED)),
            number => plain.with("amount", amount(leg.amount.get(), number)),
        })
    };
    let legs: Vec<Value> = it.legs().iter().map(leg).collect();
    fields
        .with("hold", it.hold.get())
        .with("bic", bic(it.bic))
        .with("debtor_account", it.debtor_account.get())
        .with_some("currency", (number != 0).then(|| currency(number).code()))
        .with("final", it.is_final == 1)
        .with("legs", legs)
}

/// A release.
pub(super) fn release(fields: Fields, it: &layout::ReleaseHold) -> Fields {
    let minor_units = u64::try_from(it.amount.get()).expect(CHECKED);
    fields
        .with("hold", it.hold.get())
        .with("bic", bic(it.bic))
        .with_some("minor_units", (minor_units != 0).then_some(minor_units))
}

/// A record that is put there.
pub(super) fn put(fields: Fields, it: &layout::PutRecord) -> Fields {
    let named = named(fields.with("bic", bic(it.bic)), it.space, it.key);
    with_expected(named, it.has_expected, it.expected.get())
        .with("length", it.length.get())
        .with_some("expires", (it.expires.get() != 0).then(|| time(it.expires.get())))
        .with_some("repeats", (it.repeats.get() != 0).then(|| it.repeats.get()))
}

/// A record that is removed.
pub(super) fn remove(fields: Fields, it: &layout::RemoveRecord) -> Fields {
    let named = named(fields.with("bic", bic(it.bic)), it.space, it.key);
    with_expected(named, it.has_expected, it.expected.get())
}

fn named(fields: Fields, space: [u8; 32], key: [u8; 64]) -> Fields {
    let space = RecordSpace::from_bytes(space).expect(CHECKED);
    let key = RecordKey::from_bytes(key).expect(CHECKED);
    fields.with("space", space.as_str().to_owned()).with("key", key.as_str().to_owned())
}

fn with_expected(fields: Fields, has_expected: u8, expected: u64) -> Fields {
    let expected = match (has_expected, expected) {
        (0, _) => None,
        (_, version) => Some(version),
    };
    fields.with_some("expected_version", expected)
}
