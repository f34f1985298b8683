//! A file of salaries in the demo world: one rich customer pays many.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use iso20022::{
    ControlSum, Moment, PackageHeader, PackageLine, PackageOrder, PackageWriteError, PaymentInformation,
    PaymentTerms, write_pain001,
};
use types::{Amount, Date, Party, Text, Timestamp};

use crate::world::{BANKS, customer_iban};

/// The customer of the first bank who pays: it has 900,000,000.00 EUR.
const PAYER: u32 = 996;

/// The customers who are paid are those up to this number: their accounts take what comes.
const PAYEES: u32 = 990;

/// What each of them gets, in cents.
const CENTS: i64 = 100;

/// Writes a file with so many salaries of 1.00 EUR (pain.001), from a rich customer of the demo world's first bank to those
/// of the other two, in turn, on a day.
///
/// # Errors
/// If it can't be written.
///
/// # Panics
/// If it is to have no line, or more than a file may have.
pub fn write_salaries(
    message_id: Text<35>,
    created_at: Timestamp,
    day: Date,
    lines: u32,
    output: impl io::Write,
) -> io::Result<()> {
    assert!(
        (1..=iso20022::limits::PACKAGE_TRANSACTIONS_MAX).contains(&lines),
        "a file has 1 to 1,000,000 lines"
    );
    let cents = i64::from(lines) * CENTS;
    let sum = ControlSum::parse(&format!("{}.{:02}", cents / 100, cents % 100));
    let header = PackageHeader {
        message_id,
        created_at,
        transactions: lines,
        control_sum: sum,
        initiating_party: Some(text("Demo Works")),
    };
    let payment = Arc::new(PaymentInformation {
        number: 1,
        id: text("SALARIES"),
        transactions: Some(lines),
        control_sum: sum,
        terms: Ok(terms(day)),
    });
    let lines = (1..=lines).map(|number| Ok::<_, Infallible>(line(number, &payment)));
    match write_pain001(&header, lines, output) {
        Ok(_) => Ok(()),
        Err(PackageWriteError::Write(error)) => Err(error),
        Err(
            fault @ (PackageWriteError::Line(_)
            | PackageWriteError::Totals(_)
            | PackageWriteError::PaymentTotals { .. }
            | PackageWriteError::Digits),
        ) => unreachable!("the lines are those that the header states: {fault:?}"),
    }
}

fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::parse(text).expect("a few words")
}

fn terms(day: Date) -> PaymentTerms {
    PaymentTerms {
        batch_booking: None,
        is_instant: true,
        category_purpose: None,
        execution: Moment::Date(day),
        debtor: Party { name: Some(text("Demo Works")), ..Party::default() },
        debtor_account: customer_iban(&BANKS[0], PAYER),
        debtor_proxy: None,
        debtor_agent: Some(BANKS[0].bic()),
        ultimate_debtor: None,
    }
}

fn line(number: u32, payment: &Arc<PaymentInformation>) -> PackageLine {
    let bank = 1 + usize::from(number.is_multiple_of(2));
    let customer = 1 + (number / 2) % PAYEES;
    let order = PackageOrder {
        is_instant: false,
        category_purpose: None,
        amount: Amount::from_minor_units(CENTS).expect("one euro"),
        ultimate_debtor: None,
        creditor_agent: Some(BANKS[bank].bic()),
        creditor: Party { name: Some(text(&format!("Payee {customer}"))), ..Party::default() },
        creditor_account: customer_iban(&BANKS[bank], customer),
        creditor_proxy: None,
        ultimate_creditor: None,
        purpose: Some(text("SALA")),
        remittance: None,
    };
    PackageLine {
        number,
        payment: Arc::clone(payment),
        instruction_id: None,
        end_to_end_id: Some(text(&format!("SALARY-{number}"))),
        uetr: None,
        order: Ok(Box::new(order)),
    }
}

#[cfg(test)]
mod tests {
    use iso20022::PackageReader;

    use super::*;

    #[test]
    fn a_file_of_salaries_is_one_that_can_be_paid() {
        let mut file = Vec::new();
        let day = Date::parse("2026-11-20").unwrap();
        write_salaries(text("SALARIES-1"), Timestamp::default(), day, 2_500, &mut file).unwrap();
        let mut lines = PackageReader::open(file.as_slice()).unwrap();
        assert!(lines.by_ref().all(|line| line.unwrap().order.is_ok()));
        assert_eq!(
            (lines.totals().transactions, lines.totals().sum.to_decimal().as_str()),
            (2_500, "2500.00")
        );
    }
}
