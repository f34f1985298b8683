//! Single values: instants, money and states.

use types::{Amount, Currency, PaymentState, Timestamp};

use crate::v1;

const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;

/// An instant for the wire, to the nanosecond.
pub fn timestamp(instant: Timestamp) -> prost_types::Timestamp {
    let nanoseconds = instant.nanoseconds();
    prost_types::Timestamp {
        seconds: nanoseconds / NANOSECONDS_PER_SECOND,
        nanos: i32::try_from(nanoseconds % NANOSECONDS_PER_SECOND).expect("less than 10^9"),
    }
}

/// The instant of a wire timestamp; `None` if it is malformed or outside the years 1970 to 2262.
pub fn timestamp_from_wire(wire: &prost_types::Timestamp) -> Option<Timestamp> {
    let fraction = i64::from(wire.nanos);
    if !(0..NANOSECONDS_PER_SECOND).contains(&fraction) {
        return None;
    }
    let nanoseconds = wire.seconds.checked_mul(NANOSECONDS_PER_SECOND)?.checked_add(fraction)?;
    Timestamp::from_nanoseconds(nanoseconds)
}

/// An amount with its currency, with all the currency's decimals.
pub fn money(amount: Amount, currency: Currency) -> v1::Money {
    v1::Money { amount: amount.to_decimal(currency), currency_code: currency.code().to_owned() }
}

/// A state for the wire.
pub const fn payment_status(state: PaymentState) -> v1::PaymentStatus {
    match state {
        PaymentState::Reserved => v1::PaymentStatus::Reserved,
        PaymentState::Settled => v1::PaymentStatus::Settled,
        PaymentState::Rejected => v1::PaymentStatus::Rejected,
        PaymentState::Expired => v1::PaymentStatus::Expired,
        PaymentState::Unresolved => v1::PaymentStatus::Unresolved,
    }
}

/// The state of a wire status; `None` if it is unspecified.
pub const fn payment_state(status: v1::PaymentStatus) -> Option<PaymentState> {
    match status {
        v1::PaymentStatus::Unspecified => None,
        v1::PaymentStatus::Reserved => Some(PaymentState::Reserved),
        v1::PaymentStatus::Settled => Some(PaymentState::Settled),
        v1::PaymentStatus::Rejected => Some(PaymentState::Rejected),
        v1::PaymentStatus::Expired => Some(PaymentState::Expired),
        v1::PaymentStatus::Unresolved => Some(PaymentState::Unresolved),
    }
}

/// How reports and command lines call a durability.
pub const fn durability_name(durability: v1::Durability) -> &'static str {
    match durability {
        v1::Durability::Unspecified => "unspecified",
        v1::Durability::Local => "local",
        v1::Durability::Replicated => "replicated",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn instants_round_trip(nanoseconds in 0..=i64::MAX) {
            let instant = Timestamp::from_nanoseconds(nanoseconds).unwrap();
            assert_eq!(timestamp_from_wire(&timestamp(instant)), Some(instant));
        }

        #[test]
        fn no_timestamp_panics(seconds: i64, nanos: i32) {
            let wire = prost_types::Timestamp { seconds, nanos };
            if let Some(instant) = timestamp_from_wire(&wire) {
                assert_eq!(timestamp(instant), wire);
            }
        }
    }

    #[test]
    fn states_round_trip() {
        for number in 1..=5 {
            let state = PaymentState::from_number(number).unwrap();
            assert_eq!(payment_state(payment_status(state)), Some(state));
        }
        assert_eq!(payment_state(v1::PaymentStatus::Unspecified), None);
    }
}
