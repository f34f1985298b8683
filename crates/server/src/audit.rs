//! `AuditService`: totals that prove that money is conserved.

use client::convert::{payment_status, timestamp};
use client::v1;
use client::v1::audit_service_server::AuditService;
use engine::{Answer, Question};
use ledger::{BookTotals, PaymentTotals};
use tonic::{Request, Response, Status};
use types::PaymentState;

use crate::caller::Caller;
use crate::node::Node;
use crate::values::decimal_sum;

#[derive(Debug)]
pub(crate) struct Audit(pub(crate) Node);

#[tonic::async_trait]
impl AuditService for Audit {
    async fn get_trial_balance(
        &self,
        request: Request<v1::GetTrialBalanceRequest>,
    ) -> Result<Response<v1::GetTrialBalanceResponse>, Status> {
        Caller::of(&request)?;
        let answered = self.0.ask(Question::TrialBalance).await?;
        let Answer::TrialBalance { books, payments } = answered.answer else {
            return Err(Status::internal("the engine answered another question"));
        };
        Ok(Response::new(v1::GetTrialBalanceResponse {
            books: books.iter().map(book_total).collect(),
            payments: payment_totals(&payments),
            as_of_sequence: answered.as_of.sequence.0,
            as_of_time: Some(timestamp(answered.as_of.time)),
        }))
    }
}

fn book_total(book: &BookTotals) -> v1::BookTotal {
    let kind = match book.owner {
        Some(_) => v1::BookKind::Participant,
        None => v1::BookKind::Settlement,
    };
    v1::BookTotal {
        kind: kind.into(),
        participant: book.owner.map_or_else(String::new, |bic| bic.to_string()),
        currency_code: book.currency.code().to_owned(),
        account_count: book.accounts,
        debit_total: decimal_sum(book.debit_balances, book.currency),
        credit_total: decimal_sum(book.credit_balances, book.currency),
        balance_total: decimal_sum(book.sum(), book.currency),
        reserved_total: decimal_sum(book.reserved, book.currency),
        held_total: decimal_sum(book.held, book.currency),
    }
}

fn payment_totals(totals: &PaymentTotals) -> Vec<v1::PaymentTotal> {
    let states =
        [PaymentState::Reserved, PaymentState::Settled, PaymentState::Rejected, PaymentState::Expired];
    let total =
        |state| v1::PaymentTotal { status: payment_status(state).into(), payment_count: totals.of(state) };
    states.into_iter().map(total).collect()
}
