//! Banks of the demo and of load runs, and how they number their customers' accounts.
//!
//! Invariant: every account number that is made here is valid by IBAN check digits and by the check digits
//! of its own country, so real systems accept it as well.

use types::{Bic, Iban};

/// A bank, and the rule that its account numbers follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bank {
    bic: &'static str,
    name: &'static str,
    numbering: Numbering,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numbering {
    /// Three digits of the bank, seven of the account, and both modulo 97 (97 for 0).
    Belgian { bank: u64 },
    /// Eight digits of the bank, ten of the account.
    German { bank: u64 },
    /// Five digits of the bank, five of the branch, eleven of the account, and the key of two.
    French { bank: u64, branch: u64 },
    /// Five digits of the bank, eleven of the account.
    Austrian { bank: u64 },
}

/// The part of an IBAN behind the check digits, in two numbers that each fit a machine word.
struct Body {
    country: [u8; 2],
    head: u64,
    head_digits: usize,
    tail: u64,
    tail_digits: usize,
}

/// The banks of the demo world: Belgian, German, French.
pub(crate) const DEMO_BANKS: [Bank; 3] = [
    Bank {
        bic: "SLVOBEBBXXX",
        name: "Solvo Demo Bank Brussels",
        numbering: Numbering::Belgian { bank: 539 },
    },
    Bank {
        bic: "SLVODEFFXXX",
        name: "Solvo Demo Bank Frankfurt",
        numbering: Numbering::German { bank: 50_099_900 },
    },
    Bank {
        bic: "SLVOFRPPXXX",
        name: "Solvo Demo Bank Paris",
        numbering: Numbering::French { bank: 19_990, branch: 1 },
    },
];

/// The banks between which load runs.
pub const LOAD_BANKS: [Bank; 2] = [
    Bank {
        bic: "LOADBEBBXXX",
        name: "Solvo Load Bank Brussels",
        numbering: Numbering::Belgian { bank: 940 },
    },
    Bank {
        bic: "LOADDEFFXXX",
        name: "Solvo Load Bank Frankfurt",
        numbering: Numbering::German { bank: 50_099_901 },
    },
];

/// The banks of the demo world that keep their customers' accounts in systems of their own: one does everything right,
/// the other does not.
pub(crate) const DEMO_REMOTE_BANKS: [Bank; 2] = [
    Bank {
        bic: "SLVOATWWXXX",
        name: "Solvo Demo Bank Vienna",
        numbering: Numbering::Austrian { bank: 99_900 },
    },
    Bank {
        bic: "SLVOAT2SXXX",
        name: "Solvo Demo Bank Salzburg",
        numbering: Numbering::Austrian { bank: 99_901 },
    },
];

/// The banks to which load runs pay when their payees shall have accounts elsewhere.
pub const LOAD_REMOTE_BANKS: [Bank; 16] = [
    remote("LOADATWW001", 1),
    remote("LOADATWW002", 2),
    remote("LOADATWW003", 3),
    remote("LOADATWW004", 4),
    remote("LOADATWW005", 5),
    remote("LOADATWW006", 6),
    remote("LOADATWW007", 7),
    remote("LOADATWW008", 8),
    remote("LOADATWW009", 9),
    remote("LOADATWW010", 10),
    remote("LOADATWW011", 11),
    remote("LOADATWW012", 12),
    remote("LOADATWW013", 13),
    remote("LOADATWW014", 14),
    remote("LOADATWW015", 15),
    remote("LOADATWW016", 16),
];

const fn remote(bic: &'static str, number: u64) -> Bank {
    Bank { bic, name: "Solvo Load Bank Vienna", numbering: Numbering::Austrian { bank: 99_910 + number } }
}

impl Bank {
    /// The highest customer number of any bank here: what seven digits hold.
    pub const CUSTOMERS_MAX: u64 = 9_999_999;

    /// The bank's identification.
    pub fn bic(&self) -> Bic {
        Bic::parse(self.bic).expect("the banks of this file have valid codes")
    }

    /// The bank's identification as text.
    pub const fn bic_text(&self) -> &'static str {
        self.bic
    }

    /// The bank's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The country of the bank and its accounts, ISO 3166.
    pub fn country(&self) -> &'static str {
        &self.bic[4..6]
    }

    /// The account number of a customer, who are numbered from 1.
    pub fn customer_iban(&self, customer: u64) -> Iban {
        let mut text = vec![0; self.iban_length()];
        self.write_customer_iban(customer, &mut text);
        let text = std::str::from_utf8(&text).expect("letters and digits were written");
        Iban::parse(text).expect("the rule makes valid numbers")
    }

    /// How many characters the bank's account numbers have.
    pub(crate) const fn iban_length(&self) -> usize {
        match self.numbering {
            Numbering::Belgian { .. } => 16,
            Numbering::Austrian { .. } => 20,
            Numbering::German { .. } => 22,
            Numbering::French { .. } => 27,
        }
    }

    /// Writes the account number of a customer, without taking memory.
    pub(crate) fn write_customer_iban(&self, customer: u64, text: &mut [u8]) {
        assert!((1..=Self::CUSTOMERS_MAX).contains(&customer), "customers are numbered from 1");
        assert_eq!(text.len(), self.iban_length(), "an account number has its country's length");
        let body = self.body(customer);
        text[..2].copy_from_slice(&body.country);
        write_digits(98 - body.remainder(), &mut text[2..4]);
        write_digits(body.head, &mut text[4..4 + body.head_digits]);
        write_digits(body.tail, &mut text[4 + body.head_digits..]);
    }

    const fn body(&self, customer: u64) -> Body {
        match self.numbering {
            Numbering::Belgian { bank } => {
                let check = (bank * 10_000_000 + customer) % 97;
                let check = if check == 0 { 97 } else { check };
                let tail = customer * 100 + check;
                Body { country: *b"BE", head: bank, head_digits: 3, tail, tail_digits: 9 }
            }
            Numbering::Austrian { bank } => {
                Body { country: *b"AT", head: bank, head_digits: 5, tail: customer, tail_digits: 11 }
            }
            Numbering::German { bank } => {
                Body { country: *b"DE", head: bank, head_digits: 8, tail: customer, tail_digits: 10 }
            }
            Numbering::French { bank, branch } => {
                let key = 97 - (89 * bank + 15 * branch + 3 * customer) % 97;
                let (head, tail) = (bank * 100_000 + branch, customer * 100 + key);
                Body { country: *b"FR", head, head_digits: 10, tail, tail_digits: 13 }
            }
        }
    }
}

impl Body {
    /// The remainder modulo 97 of the digits followed by the country (letters as 10 to 35) and `00` (ISO
    /// 7064).
    fn remainder(&self) -> u64 {
        let scale = |digits: usize| (0..digits).fold(1, |power, _| power * 10 % 97);
        let letter = |letter: u8| u64::from(letter - b'A') + 10;
        let digits = (self.head % 97 * scale(self.tail_digits) + self.tail) % 97;
        let country = letter(self.country[0]) * 100 + letter(self.country[1]);
        (digits * scale(6) + country * 100) % 97
    }
}

/// Writes a number with leading zeros over the whole width of `text`.
pub(crate) fn write_digits(mut value: u64, text: &mut [u8]) {
    for place in text.iter_mut().rev() {
        *place = b'0' + u8::try_from(value % 10).expect("a digit");
        value /= 10;
    }
    assert_eq!(value, 0, "the number fits its place");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_fixtures_come_out() {
        assert_eq!(DEMO_BANKS[0].customer_iban(1).as_str(), "BE04539000000131");
        assert_eq!(DEMO_BANKS[1].customer_iban(1).as_str(), "DE58500999000000000001");
    }

    /// The examples that the countries themselves published, taken apart and put together again.
    #[test]
    fn published_examples_come_out() {
        let bank = |numbering| Bank { numbering, ..DEMO_BANKS[0] };
        let belgian = bank(Numbering::Belgian { bank: 539 });
        assert_eq!(belgian.customer_iban(75_470).as_str(), "BE68539007547034");
        let german = bank(Numbering::German { bank: 37_040_044 });
        assert_eq!(german.customer_iban(532_013).as_str().len(), 22);
        let mut text = [0; 22];
        let body =
            Body { country: *b"DE", head: 37_040_044, head_digits: 8, tail: 532_013_000, tail_digits: 10 };
        write_digits(98 - body.remainder(), &mut text[2..4]);
        assert_eq!(&text[2..4], b"89");
    }

    /// Checks the keys of the countries with their published definitions, on the text.
    #[test]
    fn national_check_digits_are_right() {
        let number = |text: &str| text.parse::<u128>().unwrap();
        for customer in (1..=Bank::CUSTOMERS_MAX).step_by(99_991).chain([97, 9_999_999]) {
            for bank in [DEMO_BANKS[0], LOAD_BANKS[0]] {
                let iban = bank.customer_iban(customer);
                let (digits, check) = (number(&iban.as_str()[4..14]), number(&iban.as_str()[14..]));
                assert!((1..=97).contains(&check));
                assert_eq!(digits % 97, check % 97);
            }
            let french = DEMO_BANKS[2].customer_iban(customer);
            // The whole of bank, branch, account and key is divisible by 97, with the weights 89, 15, 3 and
            // 1.
            assert_eq!(number(&french.as_str()[4..]) % 97, 0);
            for bank in [DEMO_BANKS[1], LOAD_BANKS[1]] {
                assert_eq!(number(&bank.customer_iban(customer).as_str()[12..]), u128::from(customer));
            }
        }
    }

    #[test]
    fn banks_and_accounts_are_of_one_country() {
        let here = DEMO_BANKS.iter().chain(&LOAD_BANKS);
        for bank in here.chain(&DEMO_REMOTE_BANKS).chain(&LOAD_REMOTE_BANKS) {
            assert_eq!(bank.customer_iban(7).country(), bank.country());
            assert_eq!(bank.bic().as_str(), bank.bic_text());
        }
    }

    #[test]
    #[should_panic(expected = "numbered from 1")]
    fn there_is_no_customer_zero() {
        DEMO_BANKS[0].customer_iban(0);
    }
}
