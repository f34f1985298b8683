//! The steps about exceptions as the ledger's records.

use ledger::{
    AccountSelector, AssignException, ExceptionOwner, ExceptionSeen, ExceptionSubject, RaiseException,
    RecordWriter, RequestId, ResolveException,
};
use types::{AccountNumber, Amount, Currency, Text};

use super::{bic, iban, rulebook};
use crate::step::{Case, Subject};

/// Appends the record of what is said about an exception.
pub(super) fn write(writer: &mut RecordWriter, request_id: RequestId, case: &Case) {
    let currency = Currency::EUR;
    match *case {
        Case::Raise { bank, kind, subject } => {
            let subject = match subject {
                Subject::Payment(original) => {
                    ExceptionSubject::Payment(Box::new(rulebook::original(&original)))
                }
                Subject::Recall { recall, amount: minor } => {
                    ExceptionSubject::Recall { recall, amount: amount(minor), currency }
                }
                Subject::Account(account) => {
                    ExceptionSubject::Account(AccountSelector { iban: iban(account), currency })
                }
                Subject::Reference { name, amount: minor, direction } => {
                    let reference = Text::parse(&format!("REF-{name}")).expect("plain letters");
                    ExceptionSubject::Reference { reference, amount: amount(minor), currency, direction }
                }
            };
            let bank = bic(bank);
            writer.raise_exception(&RaiseException { request_id, bank, kind, subject, note: None });
        }
        Case::Assign { bank, exception, owner } => {
            let (bank, owner) = (bic(bank), owner_of(owner));
            writer.assign_exception(&AssignException { request_id, bank, exception, owner, note: None });
        }
        Case::Resolve { bank, exception, action, account, seen } => {
            let seen = seen.map(|seen| ExceptionSeen {
                kind: seen.kind,
                amount: seen.amount.map(amount),
                currency,
                direction: seen.direction,
                other_bank: seen.other.map(bic),
            });
            let account = account.map(|(account, number)| (iban(account), AccountNumber(number)));
            let (bank, note) = (bic(bank), None);
            writer.resolve_exception(&ResolveException {
                request_id,
                bank,
                exception,
                action,
                account,
                seen,
                note,
            });
        }
    }
}

/// A team.
pub(crate) fn owner_of(owner: u8) -> ExceptionOwner {
    ExceptionOwner::parse(&format!("team-{owner}")).expect("printable and short")
}

fn amount(minor_units: i64) -> Amount {
    Amount::from_minor_units(minor_units).expect("steps have amounts in range")
}
