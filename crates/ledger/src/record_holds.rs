//! What the fields of commands about holds may hold.

use types::Timestamp;
use zerocopy::FromZeros;

use super::{Check, amount, bic, currency, holds, zero};
use crate::layout::{self, HOLD_LEGS_MAX};

pub(super) fn check_place(place: &layout::PlaceHold) -> Check {
    amount(place.amount.get())?;
    holds(Timestamp::from_nanoseconds(place.expires.get()).is_some(), "expires")?;
    bic(place.bic)?;
    currency(place.currency.get())?;
    zero(&[place.reserved])?;
    zero(&place.reserved_end)
}

pub(super) fn check_capture(capture: &layout::CaptureHold) -> Check {
    bic(capture.bic)?;
    holds(capture.is_final <= 1, "is_final")?;
    holds((1..=HOLD_LEGS_MAX).contains(&usize::from(capture.leg_count)), "leg_count")?;
    let knows_hold = capture.debtor_account.get() != 0;
    match capture.currency.get() {
        0 => holds(!knows_hold, "currency")?,
        number => currency(number).and_then(|()| holds(knows_hold, "debtor_account"))?,
    }
    for leg in capture.legs() {
        amount(leg.amount.get())?;
        holds((leg.account.get() == 0) == (leg.bic == [0; 11]), "account")?;
        holds(leg.account.get() == 0 || bic(leg.bic).is_ok(), "bic")?;
        zero(&leg.reserved)?;
    }
    let behind = &capture.legs[usize::from(capture.leg_count)..];
    holds(behind.iter().all(|leg| *leg == layout::HoldLeg::new_zeroed()), "legs")?;
    zero(&[capture.reserved])?;
    zero(&capture.reserved_end)
}

pub(super) fn check_release(release: &layout::ReleaseHold) -> Check {
    holds(release.amount.get() == 0 || amount(release.amount.get()).is_ok(), "amount")?;
    bic(release.bic)?;
    zero(&release.reserved)
}
