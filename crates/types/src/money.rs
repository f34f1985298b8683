//! Money: whole minor units beside a currency.
//!
//! Invariants:
//! - An [`Amount`] is positive and at most [`Amount::MINOR_UNITS_MAX`]; a payment of nothing can't be written down.
//! - A [`Balance`] keeps within [`Balance::MINOR_UNITS_MAX`] of zero, so the sum of two never overflows.
//! - Text becomes money by exact decimal arithmetic; no float is anywhere near it.

use std::fmt;

use rust_decimal::Decimal;

use crate::Currency;

/// What a payment, posting or transfer moves: positive minor units (cents, for euro).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Something other than digits with at most one point between them.
    #[error("an amount is digits, with at most one decimal point between them, such as 12.34")]
    Pattern,
    /// More decimals than the currency has.
    #[error("{currency} has {decimals} decimals, the amount has more")]
    Decimals {
        /// The currency of the amount.
        currency: Currency,
        /// How many decimals that currency has.
        decimals: u32,
    },
    /// Zero.
    #[error("the amount is zero")]
    Zero,
    /// Larger than the scheme's messages can carry.
    #[error("the amount is larger than 999999999.99")]
    TooLarge,
}

impl Amount {
    /// 999,999,999.99 EUR, the largest amount of an SCT Inst message.
    pub const MINOR_UNITS_MAX: i64 = 99_999_999_999;

    /// The amount of this many minor units, if it is positive and not above the maximum.
    pub const fn from_minor_units(minor_units: i64) -> Option<Self> {
        if minor_units > 0 && minor_units <= Self::MINOR_UNITS_MAX { Some(Self(minor_units)) } else { None }
    }

    /// Reads a decimal text such as `12.34`: no sign, exponent, blank or grouping.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, AmountError> {
        let minor_units = parse_minor_units(text, currency)?;
        match minor_units {
            0 => Err(AmountError::Zero),
            _ => Self::from_minor_units(minor_units).ok_or(AmountError::TooLarge),
        }
    }

    /// Minor units, as stored.
    pub const fn minor_units(self) -> i64 {
        self.0
    }

    /// The decimal text, with all the currency's decimals.
    pub fn to_decimal(self, currency: Currency) -> String {
        decimal(self.0, currency)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Amount({})", self.0)
    }
}

/// What an account holds, in minor units. Positive is owed to the account's owner.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Balance(i64);

impl Balance {
    /// No balance leaves this distance from zero: a quarter of the number range, 23 million billion euro.
    pub const MINOR_UNITS_MAX: i64 = i64::MAX / 4;

    /// An empty account.
    pub const ZERO: Self = Self(0);

    /// The balance of this many minor units, if within the limit.
    pub const fn from_minor_units(minor_units: i64) -> Option<Self> {
        if minor_units >= -Self::MINOR_UNITS_MAX && minor_units <= Self::MINOR_UNITS_MAX {
            Some(Self(minor_units))
        } else {
            None
        }
    }

    /// Reads a decimal text such as `-12.34`, for floors and limits.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, AmountError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let minor_units = parse_minor_units(digits, currency)?;
        let signed = if negative { -minor_units } else { minor_units };
        Self::from_minor_units(signed).ok_or(AmountError::TooLarge)
    }

    /// Minor units, as stored.
    pub const fn minor_units(self) -> i64 {
        self.0
    }

    /// The decimal text, with all the currency's decimals.
    pub fn to_decimal(self, currency: Currency) -> String {
        decimal(self.0, currency)
    }
}

impl fmt::Debug for Balance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Balance({})", self.0)
    }
}

/// Minor units of an unsigned decimal text; never negative.
fn parse_minor_units(text: &str, currency: Currency) -> Result<i64, AmountError> {
    let points = text.bytes().filter(|byte| *byte == b'.').count();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !digits || points > 1 || text.is_empty() || text.starts_with('.') || text.ends_with('.') {
        return Err(AmountError::Pattern);
    }
    let value = Decimal::from_str_exact(text).map_err(|_| AmountError::TooLarge)?;
    let decimals = currency.decimals();
    if value.scale() > decimals {
        return Err(AmountError::Decimals { currency, decimals });
    }
    let scaled = value.checked_mul(Decimal::from(10_i64.pow(decimals))).ok_or(AmountError::TooLarge)?;
    i64::try_from(scaled.trunc()).map_err(|_| AmountError::TooLarge)
}

fn decimal(minor_units: i64, currency: Currency) -> String {
    Decimal::new(minor_units, currency.decimals()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn euro(text: &str) -> Result<i64, AmountError> {
        Amount::parse(text, Currency::EUR).map(Amount::minor_units)
    }

    #[test]
    fn decimal_texts_become_minor_units() {
        assert_eq!(euro("12.34"), Ok(1234));
        assert_eq!(euro("0.01"), Ok(1));
        assert_eq!(euro("1"), Ok(100));
        assert_eq!(euro("1.5"), Ok(150));
        assert_eq!(euro("007.10"), Ok(710));
        assert_eq!(euro("999999999.99"), Ok(Amount::MINOR_UNITS_MAX));
        let yen = Currency::parse("JPY").unwrap();
        assert_eq!(Amount::parse("12", yen).unwrap().minor_units(), 12);
    }

    #[test]
    fn what_is_not_an_amount_is_refused_with_its_reason() {
        for text in [
            "", ".", "1.", ".5", "-1", "+1", "1e3", "1E3", "1_000", "1 000", "1,5", "0x1", "1.2.3", "NaN",
            "١",
        ] {
            assert_eq!(euro(text), Err(AmountError::Pattern), "{text}");
        }
        assert_eq!(euro("0"), Err(AmountError::Zero));
        assert_eq!(euro("0.00"), Err(AmountError::Zero));
        let decimals = AmountError::Decimals { currency: Currency::EUR, decimals: 2 };
        assert_eq!(euro("1.234"), Err(decimals));
        assert_eq!(euro("1.230"), Err(decimals), "the text decides, not the value");
        assert_eq!(euro("1000000000.00"), Err(AmountError::TooLarge));
        assert_eq!(euro("99999999999999999999999999999999999999"), Err(AmountError::TooLarge));
    }

    #[test]
    fn texts_keep_the_currencys_decimals() {
        assert_eq!(Amount::from_minor_units(5).unwrap().to_decimal(Currency::EUR), "0.05");
        assert_eq!(Balance::parse("-12.3", Currency::EUR).unwrap().to_decimal(Currency::EUR), "-12.30");
        assert_eq!(Balance::ZERO.to_decimal(Currency::EUR), "0.00");
    }

    proptest::proptest! {
        #[test]
        fn text_round_trips(minor_units in 1..=Amount::MINOR_UNITS_MAX) {
            let amount = Amount::from_minor_units(minor_units).unwrap();
            assert_eq!(Amount::parse(&amount.to_decimal(Currency::EUR), Currency::EUR), Ok(amount));
        }
    }
}
