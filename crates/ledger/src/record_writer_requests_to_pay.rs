//! Writing requests to pay and what is said to them.

use types::{AccountNumber, Currency, Digest};
use zerocopy::FromZeros;

use super::RecordWriter;
use super::orders::unseen;
use crate::command_orders::LineText;
use crate::layout::{REQUEST_ACCEPTED, REQUEST_REFUSED};
use crate::zone::LocalTime;
use crate::{
    AnswerRequestToPay, CancelRequestToPay, CreateRequestToPay, Kind, PresentRequestToPay, RequestAnswer,
    RequestToPayText, layout,
};

impl RecordWriter {
    /// A payee asks a payer for money.
    pub fn create_request_to_pay(&mut self, command: &CreateRequestToPay) {
        let order = &command.order;
        let text = RequestToPayText::new(order, command.details.clone()).encode();
        let mut record = layout::CreateRequestToPay {
            request: self.request(&command.request_id),
            debtor_account_digest: self.key.iban(order.debtor_account.as_str()).0,
            creditor_account_digest: self.key.iban(order.creditor_account.as_str()).0,
            amount: order.amount.minor_units().into(),
            expires: command.expires.nanoseconds().into(),
            pay_by: command.pay_by.map_or(0, LocalTime::nanoseconds).into(),
            debtor_account: 0.into(),
            debtor_agent: *order.debtor_agent.as_bytes(),
            creditor_agent: *order.creditor_agent.as_bytes(),
            currency: order.currency.number().into(),
            reserved: [0; 4],
        };
        record.request.body_digest = self.body(Kind::CreateRequestToPay, &record, &text);
        // Where accounts are is nothing that the caller says.
        record.debtor_account = command.payer.map_or(0, |account| account.0).into();
        self.push(Kind::CreateRequestToPay, &record, &text);
    }

    /// The payer has seen a request.
    pub fn present_request_to_pay(&mut self, command: &PresentRequestToPay) {
        let mut record = layout::PresentRequestToPay {
            request: self.request(&command.request_id),
            to_pay: command.to_pay.0.into(),
            debtor_agent: *command.payer_bank.as_bytes(),
            creditor_agent: [0; 11],
            reserved: [0; 2],
        };
        record.request.body_digest = self.body(Kind::PresentRequestToPay, &record, &[]);
        record.creditor_agent = command.payee_bank.map_or([0; 11], |bank| *bank.as_bytes());
        self.push(Kind::PresentRequestToPay, &record, &[]);
    }

    /// The payer answers a request. `look_up` is the edge's directory.
    pub fn answer_request_to_pay(
        &mut self,
        command: &AnswerRequestToPay,
        look_up: impl Fn(Digest, Currency) -> AccountNumber,
    ) {
        let start = self.texts.len();
        let (answer, reason, terms) = match &command.answer {
            RequestAnswer::Accept(content) => {
                LineText::begin(None, &mut self.texts);
                (REQUEST_ACCEPTED, [0; 4], self.terms_of(content, look_up))
            }
            RequestAnswer::Refuse(reason) => {
                (REQUEST_REFUSED, *reason.as_bytes(), layout::OrderTerms::new_zeroed())
            }
        };
        let mut record = layout::AnswerRequestToPay {
            request: self.request(&command.request_id),
            to_pay: command.to_pay.0.into(),
            debtor_agent: *command.payer_bank.as_bytes(),
            creditor_agent: [0; 11],
            answer,
            reserved: 0,
            reason,
            reserved_end: [0; 4],
            terms: unseen(terms),
        };
        record.request.body_digest = self.body(Kind::AnswerRequestToPay, &record, &self.texts[start..]);
        record.creditor_agent = command.payee_bank.map_or([0; 11], |bank| *bank.as_bytes());
        record.terms = terms;
        self.push_record(Kind::AnswerRequestToPay, &record, self.texts.len() - start);
    }

    /// The payee takes a request back.
    pub fn cancel_request_to_pay(&mut self, command: &CancelRequestToPay) {
        let mut record = layout::CancelRequestToPay {
            request: self.request(&command.request_id),
            to_pay: command.to_pay.0.into(),
            creditor_agent: *command.payee_bank.as_bytes(),
            debtor_agent: [0; 11],
            reserved: [0; 2],
        };
        record.request.body_digest = self.body(Kind::CancelRequestToPay, &record, &[]);
        record.debtor_agent = command.payer_bank.map_or([0; 11], |bank| *bank.as_bytes());
        self.push(Kind::CancelRequestToPay, &record, &[]);
    }
}
