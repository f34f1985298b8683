//! Asks the log about payments whose answer was lost.
//!
//! Invariant: a payment is taken as settled or rejected only on the log's word. Submitting the same payment
//! again is safe and gets the stored outcome, or decides it now.

use std::sync::Arc;

use client::{Client, v1};

use crate::parallel::{CALLS_MAX, for_each};
use crate::wire::{OutcomeReply, PaymentWriter};
use crate::{LoadgenError, Progress, Stage};

/// What became of payments. Those that the log does not know, and did not take again, are left out.
pub(crate) async fn resolve(
    client: &Client,
    writer: &Arc<PaymentWriter>,
    numbers: Vec<u64>,
    progress: &dyn Progress,
) -> Result<Vec<(u64, OutcomeReply)>, LoadgenError> {
    let total = u64::try_from(numbers.len()).expect("64 bits");
    let mut resolved = Vec::with_capacity(numbers.len());
    let mut done = 0;
    let ask = |number: u64| {
        let (client, payment) = (client.clone(), writer.payment(number));
        async move { Ok((number, outcome_of(&client, payment).await?)) }
    };
    for_each(numbers, CALLS_MAX, ask, |(number, outcome): (u64, Option<v1::PaymentOutcome>)| {
        done += 1;
        progress.update(Stage::Resolving, done, Some(total));
        let reply = |outcome: v1::PaymentOutcome| OutcomeReply {
            status: outcome.status,
            reason_code: outcome.reason_code,
        };
        resolved.extend(outcome.map(|outcome| (number, reply(outcome))));
    })
    .await?;
    Ok(resolved)
}

async fn outcome_of(
    client: &Client,
    payment: v1::Payment,
) -> Result<Option<v1::PaymentOutcome>, LoadgenError> {
    let key = v1::PaymentKey {
        debtor_agent: payment.debtor_agent.clone(),
        transaction_id: payment.transaction_id.clone(),
        acceptance_time: None,
    };
    let request = v1::SubmitPaymentRequest { payment: Some(payment), wait_ms: None };
    match client.submit_payment(request).await {
        Ok(reply) => return Ok(reply.outcome),
        // It was not taken now, which says nothing about the first attempt.
        Err(error) => tracing::debug!(%error, "a payment in doubt was not taken again"),
    }
    let reference = Some(v1::get_payment_request::Reference::Key(key));
    let answer = client.get_payment(v1::GetPaymentRequest { reference, wait_ms: None }).await;
    let answer = answer.map_err(LoadgenError::node("asking what became of a payment"))?;
    Ok(match answer.result {
        Some(v1::get_payment_response::Result::Outcome(outcome)) => Some(outcome),
        Some(v1::get_payment_response::Result::NotFound(_)) | None => None,
    })
}
