//! The sum over the transactions of a file, exact whatever decimals their currencies have.

use types::{Amount, Currency};

/// A sum of amounts, as `CtrlSum` has it: without currency, with at most five decimals. Never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ControlSum(i128);

/// Amounts have at most five decimals in ISO 20022.
const DECIMALS: usize = 5;
const UNITS_PER_WHOLE: i128 = 100_000;

/// The first number that needs more than the 18 digits for which ISO 20022 has room.
const DIGITS_END: i128 = 1_000_000_000_000_000_000;

impl ControlSum {
    /// The sum of no amounts.
    pub const ZERO: Self = Self(0);

    /// The sum of one amount in euro.
    pub fn of(amount: Amount) -> Self {
        let units_per_cent = UNITS_PER_WHOLE / 10_i128.pow(Currency::EUR.decimals());
        Self(i128::from(amount.minor_units()) * units_per_cent)
    }

    /// Reads a decimal such as `12.34`. `None` if it is negative or has more digits than an amount may have.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let fraction = fraction.trim_end_matches('0');
        if whole.len() + fraction.len() == 0 && !digits.contains('0') || fraction.len() > DECIMALS {
            return None;
        }
        let padding = std::iter::repeat_n(b'0', DECIMALS - fraction.len());
        let mut units = 0_i128;
        for byte in whole.bytes().chain(fraction.bytes()).chain(padding) {
            let digit = byte.is_ascii_digit().then(|| i128::from(byte - b'0'))?;
            units = units.checked_mul(10)?.checked_add(digit)?;
        }
        Some(Self(units)).filter(|sum| sum.has_room())
    }

    /// Both together, or `None` if the sum would have more than 18 digits.
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self).filter(|sum| sum.has_room())
    }

    /// The sum in minor units of a currency, or `None` if it has more decimals than the currency or is too large.
    pub fn minor_units(self, currency: Currency) -> Option<i64> {
        let units = UNITS_PER_WHOLE / 10_i128.pow(currency.decimals());
        let is_whole = units > 0 && self.0 % units == 0;
        if is_whole { i64::try_from(self.0 / units).ok() } else { None }
    }

    /// The decimal text, with at least two decimals.
    pub fn to_decimal(self) -> String {
        let (whole, fraction) = (self.0 / UNITS_PER_WHOLE, self.0 % UNITS_PER_WHOLE);
        let mut text = format!("{whole}.{fraction:05}");
        let zeros = text.len() - text.trim_end_matches('0').len();
        text.truncate(text.len() - zeros.min(DECIMALS - 2));
        text
    }

    fn has_room(self) -> bool {
        let mut digits = self.0;
        for _ in 0..DECIMALS {
            if digits >= DIGITS_END && digits % 10 == 0 {
                digits /= 10;
            }
        }
        digits < DIGITS_END
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        for (text, written) in [
            ("0", "0.00"),
            ("12.34", "12.34"),
            ("+12.3", "12.30"),
            ("12.", "12.00"),
            (".5", "0.50"),
            ("0012.34500", "12.345"),
            ("0.00001", "0.00001"),
            ("1.00000000000000000", "1.00"),
            ("999999999999999999", "999999999999999999.00"),
            ("9999999999999.99999", "9999999999999.99999"),
        ] {
            assert_eq!(
                ControlSum::parse(text).map(ControlSum::to_decimal).as_deref(),
                Some(written),
                "{text}"
            );
        }
        for text in ["", ".", "+", "-1", "1e3", "1,5", "1.2.3", "0.000001", " 1", "1000000000000000000", "٣"]
        {
            assert_eq!(ControlSum::parse(text), None, "{text}");
        }
        assert_eq!(ControlSum::parse("99999999999999.99999"), None, "19 digits");
    }

    #[test]
    fn sums_end_where_their_digits_do() {
        let cent = ControlSum::of(Amount::from_minor_units(1).unwrap());
        assert_eq!(cent.to_decimal(), "0.01");
        assert_eq!(cent.minor_units(Currency::EUR), Some(1));
        assert_eq!(ControlSum::parse("0.005").unwrap().minor_units(Currency::EUR), None);
        assert_eq!(ControlSum::parse("0.09").unwrap().plus(cent), ControlSum::parse("0.1"));
        assert_eq!(ControlSum::parse("999999999999999999").unwrap().plus(cent), None);
        let most = ControlSum::parse("9999999999999999.98").unwrap().plus(cent).unwrap();
        assert_eq!(most.to_decimal(), "9999999999999999.99");
        assert_eq!(most.plus(cent).unwrap().to_decimal(), "10000000000000000.00");
    }
}
