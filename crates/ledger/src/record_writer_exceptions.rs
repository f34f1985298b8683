//! Writing exceptions and what is done about them.

use zerocopy::FromZeros;

use super::RecordWriter;
use super::recall::stored_original;
use crate::{
    AssignException, ExceptionSeen, ExceptionSubject, ExceptionText, Kind, RaiseException, ResolveException,
    layout,
};

impl RecordWriter {
    /// An exception is raised.
    pub fn raise_exception(&mut self, command: &RaiseException) {
        let mut text = ExceptionText { note: command.note.clone(), ..ExceptionText::default() };
        let mut record = layout::RaiseException::new_zeroed();
        record.request = self.request(&command.request_id);
        record.bic = *command.bank.as_bytes();
        record.kind = command.kind.number();
        record.direction = command.kind.direction().map_or(0, |direction| direction.number());
        match &command.subject {
            ExceptionSubject::Payment(original) => {
                record.original = stored_original(original);
                record.amount = record.original.amount;
                record.currency = record.original.currency;
            }
            ExceptionSubject::Recall { recall, amount, currency } => {
                record.recall = recall.0.into();
                record.amount = amount.minor_units().into();
                record.currency = currency.number().into();
            }
            ExceptionSubject::Account(account) => {
                record.subject_digest = self.key.iban(account.iban.as_str()).0;
                record.currency = account.currency.number().into();
                text.iban = Some(account.iban);
            }
            ExceptionSubject::Reference { reference, amount, currency, direction } => {
                record.subject_digest = self.key.reference(record.bic.as_slice(), reference.as_str()).0;
                record.amount = amount.minor_units().into();
                record.currency = currency.number().into();
                record.direction = direction.number();
                text.reference = Some(reference.clone());
            }
        }
        let text = text.encode();
        record.request.body_digest = self.body(Kind::RaiseException, &record, &text);
        self.push(Kind::RaiseException, &record, &text);
    }

    /// An exception gets an owner, or another one.
    pub fn assign_exception(&mut self, command: &AssignException) {
        let text = ExceptionText { note: command.note.clone(), ..ExceptionText::default() }.encode();
        let mut record = layout::AssignException {
            request: self.request(&command.request_id),
            exception: command.exception.0.into(),
            owner: *command.owner.as_bytes(),
            bic: *command.bank.as_bytes(),
            reserved: [0; 5],
        };
        record.request.body_digest = self.body(Kind::AssignException, &record, &text);
        self.push(Kind::AssignException, &record, &text);
    }

    /// Something is done about an exception.
    pub fn resolve_exception(&mut self, command: &ResolveException) {
        let iban = command.account.map(|(iban, _)| iban);
        let text = ExceptionText { reference: None, iban, note: command.note.clone() }.encode();
        let mut record = layout::ResolveException::new_zeroed();
        record.request = self.request(&command.request_id);
        record.exception = command.exception.0.into();
        record.action = command.action.number();
        record.bic = *command.bank.as_bytes();
        if let Some(iban) = iban {
            record.iban_digest = self.key.iban(iban.as_str()).0;
        }
        // What the core knows of the exception, and where the account is, is nothing that the caller says.
        record.request.body_digest = self.body(Kind::ResolveException, &record, &text);
        if let Some(ExceptionSeen { kind, amount, currency, direction, other_bank }) = command.seen {
            record.kind = kind.number();
            record.amount = amount.map_or(0, |amount| amount.minor_units()).into();
            record.currency = currency.number().into();
            record.direction = direction.map_or(0, |direction| direction.number());
            record.other_bic = other_bank.map_or([0; 11], |bank| *bank.as_bytes());
        }
        record.account = command.account.map_or(0, |(_, number)| number.0).into();
        self.push(Kind::ResolveException, &record, &text);
    }
}
