//! A file of salaries, as an employer of the demo's world hands it in at its bank: for the demo, and to measure with.
//!
//! Invariant: the same file for the same employer, day and number of lines, so that it is one package however often it is made.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use iso20022::{
    ControlSum, Moment, PackageHeader, PackageLine, PackageOrder, PackageTotals, PackageWriteError,
    PaymentInformation, PaymentTerms, write_pain001,
};
use types::{Amount, Date, Iban, Party, Remittance, Text, Timestamp};

use crate::world::{BANKS, CUSTOMERS, customer_iban};
use crate::{Bank, LoadgenError};

/// The employer's bank.
const EMPLOYER_BANK: &Bank = &BANKS[0];

/// The customer of it that has 900 million.
const EMPLOYER: u32 = 996;

/// Customers behind are special: blocked, closed or without money.
const EMPLOYEES_PER_BANK: u32 = CUSTOMERS - 110;

/// The smallest salary in cents, and by how much the largest is above it. Small, so that the employer's bank can pay a million.
const SALARY_MIN: i64 = 10_000;
const SALARY_SPREAD: u32 = 997;

/// The most lines that a file has: what a node takes.
pub const SALARIES_MAX: u32 = 1_000_000;

/// A file of salaries.
#[derive(Clone, Debug)]
pub struct Salaries {
    /// The file's own identification (`MsgId`).
    pub message_id: Text<35>,
    /// How many are paid, from 1 to [`SALARIES_MAX`].
    pub lines: u32,
    /// When they are to be paid.
    pub day: Date,
    /// When the file was made.
    pub made: Timestamp,
}

impl Salaries {
    /// The employer's account.
    pub fn employer() -> Iban {
        customer_iban(EMPLOYER_BANK, EMPLOYER)
    }

    /// The bank that keeps it.
    pub const fn bank() -> &'static Bank {
        EMPLOYER_BANK
    }

    /// Writes the file as pain.001.001.09, and says what its lines come to.
    ///
    /// # Errors
    /// If there are no lines or too many, or it can't be written.
    pub fn write(&self, output: impl io::Write) -> Result<PackageTotals, LoadgenError> {
        if !(1..=SALARIES_MAX).contains(&self.lines) {
            return Err(LoadgenError::Options(format!("a file has 1 to {SALARIES_MAX} lines")));
        }
        let payment = Arc::new(PaymentInformation {
            number: 1,
            id: text("SALARIES"),
            transactions: Some(self.lines),
            control_sum: None,
            terms: Ok(PaymentTerms {
                batch_booking: None,
                is_instant: true,
                category_purpose: None,
                execution: Moment::Date(self.day),
                debtor: party("Works of the demo"),
                debtor_account: Self::employer(),
                debtor_proxy: None,
                debtor_agent: Some(EMPLOYER_BANK.bic()),
                ultimate_debtor: None,
            }),
        });
        let totals = (1..=self.lines).map(|number| ControlSum::of(salary(number)));
        let sum = totals.reduce(|sum, next| sum.plus(next).expect("a million salaries are below 18 digits"));
        let header = PackageHeader {
            message_id: self.message_id.clone(),
            created_at: self.made,
            transactions: self.lines,
            control_sum: sum,
            initiating_party: Some(text("Works of the demo")),
        };
        let lines = (1..=self.lines).map(|number| Ok::<_, Infallible>(line(number, &payment)));
        write_pain001(&header, lines, output).map_err(|error| match error {
            PackageWriteError::Write(error) => {
                LoadgenError::Options(format!("the file can't be written: {error}"))
            }
            PackageWriteError::Line(never) => match never {},
            PackageWriteError::Totals(_)
            | PackageWriteError::PaymentTotals { .. }
            | PackageWriteError::Digits => unreachable!("the totals are of these lines"),
        })
    }
}

/// Employees are customers of all banks, in turn.
fn line(number: u32, payment: &Arc<PaymentInformation>) -> PackageLine {
    let bank = &BANKS[usize::try_from(number).expect("32 bits") % BANKS.len()];
    let customer = number % EMPLOYEES_PER_BANK + 1;
    let id = text(&format!("SALARY-{number:07}"));
    PackageLine {
        number,
        payment: Arc::clone(payment),
        instruction_id: None,
        end_to_end_id: Some(id),
        uetr: None,
        order: Ok(Box::new(PackageOrder {
            is_instant: false,
            category_purpose: None,
            amount: salary(number),
            ultimate_debtor: None,
            creditor_agent: Some(bank.bic()),
            creditor: party(&format!("Employee {customer}")),
            creditor_account: customer_iban(bank, customer),
            creditor_proxy: None,
            ultimate_creditor: None,
            purpose: Some(text("SALA")),
            remittance: Some(Remittance::Unstructured(text("Salary of the month"))),
        })),
    }
}

fn salary(number: u32) -> Amount {
    Amount::from_minor_units(SALARY_MIN + i64::from(number % SALARY_SPREAD)).expect("it is above zero")
}

fn party(name: &str) -> Party {
    Party { name: Some(text(name)), ..Party::default() }
}

fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::parse(text).expect("it is short, and of plain letters")
}

#[cfg(test)]
mod tests {
    use iso20022::PackageReader;

    use super::*;

    #[test]
    fn file_is_what_its_readers_take() {
        let salaries = Salaries {
            message_id: text("SALARIES-11"),
            lines: 2_000,
            day: Date::parse("2026-11-27").unwrap(),
            made: Timestamp::from_nanoseconds(1_795_000_000_000_000_000).unwrap(),
        };
        let mut file = Vec::new();
        let written = salaries.write(&mut file).unwrap();
        let mut reader = PackageReader::open(file.as_slice()).unwrap();
        let orders = reader.by_ref().map(|line| line.unwrap().order.unwrap());
        assert!(orders.map(|order| order.amount).all(|amount| amount.minor_units() >= SALARY_MIN));
        assert_eq!(reader.totals(), written);
        let mut again = Vec::new();
        salaries.write(&mut again).unwrap();
        assert_eq!(file, again);
        for lines in [0, SALARIES_MAX + 1] {
            assert!(Salaries { lines, ..salaries.clone() }.write(io::sink()).is_err());
        }
    }
}
