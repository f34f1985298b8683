//! Currencies (ISO 4217).

use std::fmt;

/// A currency that Solvo knows, stored as its ISO 4217 number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(u16);

/// Why a text or number is not a known currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CurrencyError {
    /// Not three capital letters.
    #[error("a currency is three capital letters (ISO 4217)")]
    Pattern,
    /// Well formed, but not among those Solvo knows.
    #[error("this currency is not known")]
    Unknown,
}

/// Code, number and decimals of each known currency, sorted by code.
const CURRENCIES: [(&str, u16, u32); 22] = [
    ("AUD", 36, 2),
    ("BGN", 975, 2),
    ("BHD", 48, 3),
    ("CAD", 124, 2),
    ("CHF", 756, 2),
    ("CNY", 156, 2),
    ("CZK", 203, 2),
    ("DKK", 208, 2),
    ("EUR", 978, 2),
    ("GBP", 826, 2),
    ("HKD", 344, 2),
    ("HUF", 348, 2),
    ("ISK", 352, 0),
    ("JPY", 392, 0),
    ("KWD", 414, 3),
    ("NOK", 578, 2),
    ("NZD", 554, 2),
    ("PLN", 985, 2),
    ("RON", 946, 2),
    ("SEK", 752, 2),
    ("SGD", 702, 2),
    ("USD", 840, 2),
];

impl Currency {
    /// The euro, the only currency of SCT Inst.
    pub const EUR: Self = Self(978);

    /// Reads a currency code.
    pub fn parse(code: &str) -> Result<Self, CurrencyError> {
        if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(CurrencyError::Pattern);
        }
        let row = CURRENCIES.binary_search_by(|row| row.0.cmp(code)).map_err(|_| CurrencyError::Unknown)?;
        Ok(Self(CURRENCIES[row].1))
    }

    /// The currency with this ISO 4217 number.
    pub fn from_number(number: u16) -> Result<Self, CurrencyError> {
        match CURRENCIES.iter().any(|row| row.1 == number) {
            true => Ok(Self(number)),
            false => Err(CurrencyError::Unknown),
        }
    }

    /// The ISO 4217 number, as stored.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The three letters.
    pub fn code(self) -> &'static str {
        self.row().0
    }

    /// How many decimals an amount has, so that the last is one minor unit.
    pub fn decimals(self) -> u32 {
        self.row().2
    }

    fn row(self) -> &'static (&'static str, u16, u32) {
        CURRENCIES.iter().find(|row| row.1 == self.0).expect("a currency is in the table by construction")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_and_round_trips() {
        assert!(CURRENCIES.is_sorted_by(|left, right| left.0 < right.0));
        for (code, number, decimals) in CURRENCIES {
            let currency = Currency::parse(code).unwrap();
            assert_eq!(Currency::from_number(number), Ok(currency));
            assert_eq!((currency.code(), currency.decimals()), (code, decimals));
        }
    }

    #[test]
    fn unknown_is_not_malformed() {
        assert_eq!(Currency::parse("XYZ"), Err(CurrencyError::Unknown));
        assert_eq!(Currency::parse("eur"), Err(CurrencyError::Pattern));
        assert_eq!(Currency::from_number(0), Err(CurrencyError::Unknown));
    }
}
