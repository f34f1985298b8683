//! What has to hold once a node serves again: every reply is still true, and the books are what they add up to.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use client::v1;
use client::v1::get_payment_response::Result as Answer;
use tests::{ALFA, Api, BETA, outcome_of};
use tonic::Code;

use crate::books::{Books, cents};
use crate::load::stream_result;
use crate::node::{Node, verify};
use crate::parallel::in_parallel;
use crate::plan::{CUSTOMERS_LATER, customers};
use crate::record::{Entry, Heard, Record, Request, Told};

/// Payments in one message of the stream that repeats them.
const MESSAGE_PAYMENTS: usize = 256;

/// How often a call is repeated that gets no answer, while nobody else calls.
const ATTEMPTS_MAX: u32 = 10;

/// What the node has come back from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// It is another process: what is not in its log will never be.
    Kill,
    /// It is the same process: what had been sent to it may still be on its way in.
    Stop,
}

/// Resolves what is unknown, repeats everything that was ever answered, asks for every payment that was answered
/// since the last time, and compares all balances.
pub(crate) async fn all_is_true(node: &Node, folder: &Path, record: &Arc<Record>, after: After) {
    let folder = folder.to_owned();
    // It works beside a running node, and takes as long as a few hundred calls.
    let verifying = tokio::task::spawn_blocking(move || verify(&folder));
    let api = node.api().await;
    let (answered, unknown): (Vec<_>, Vec<_>) =
        record.entries().into_iter().partition(|entry| entry.told.is_some());
    resolve(&api, record, unknown, after).await;
    repeat(&api, record, answered).await;
    // The answers to older ones have just been repeated.
    let recent = record.entries().into_iter().filter(|entry| !entry.is_found());
    ask(&api, record, recent.collect()).await;
    compare_books(&api, &Books::after(&record.entries())).await;
    verifying.await.unwrap();
}

/// Asks for every payment of the run.
pub(crate) async fn every_payment_is_found(node: &Node, record: &Arc<Record>) {
    ask(&node.api().await, record, record.entries()).await;
}

/// Asks what became of requests without an answer, and repeats them until they have one.
async fn resolve(api: &Api, record: &Arc<Record>, unknown: Vec<Entry>, after: After) {
    let (api, record) = (api.clone(), Arc::clone(record));
    in_parallel(unknown, move |entry| {
        let (api, record) = (api.clone(), Arc::clone(&record));
        async move {
            let known = match &*entry.request {
                Request::Pay(payment) => Some(api.by_key(payment).await.unwrap()),
                Request::Post(_) | Request::Fund(_) | Request::Defund(_) | Request::Open(_) => None,
            };
            let (told, repeat) = call_until_told(&api, &record, &entry).await;
            match known {
                None => {}
                Some(Answer::Outcome(outcome)) => {
                    assert_eq!(*told, Told::outcome(outcome), "{} is what was said of it", entry.name);
                    assert_eq!(repeat, Some(true), "{} was decided already", entry.name);
                }
                Some(Answer::NotFound(not_found)) => {
                    assert!(!not_found.forgotten, "{}", entry.name);
                    let fresh = repeat == Some(false);
                    assert!(fresh || after == After::Stop, "{} was not in the log and is now", entry.name);
                    let settles = matches!(&*told, Told::Outcome(outcome)
                        if outcome.status() == v1::PaymentStatus::Settled);
                    assert!(
                        !(settles && not_found.r#final),
                        "{} could never be settled any more",
                        entry.name
                    );
                }
            }
        }
    })
    .await;
}

/// Repeats what has an answer; the record compares the second with the first.
async fn repeat(api: &Api, record: &Arc<Record>, answered: Vec<Entry>) {
    let mut payments = BTreeMap::new();
    let mut others = Vec::new();
    for entry in answered {
        match &*entry.request {
            Request::Pay(payment) => {
                payments
                    .insert(u64::try_from(payments.len()).unwrap(), (entry.name.clone(), payment.clone()));
            }
            Request::Post(_) | Request::Fund(_) | Request::Defund(_) | Request::Open(_) => others.push(entry),
        }
    }
    let submissions: Vec<_> = payments
        .iter()
        .map(|(caller_id, (name, payment))| {
            record.sending(name, &Request::Pay(payment.clone()));
            v1::PaymentSubmission { caller_id: *caller_id, payment: Some(*payment.clone()) }
        })
        .collect();
    let messages: Vec<_> = submissions
        .chunks(MESSAGE_PAYMENTS)
        .map(|payments| v1::SubmitPaymentsRequest { payments: payments.to_vec() })
        .collect();
    let mut replies =
        api.payments().submit_payments(tokio_stream::iter(messages)).await.unwrap().into_inner();
    while let Some(reply) = replies.message().await.unwrap() {
        for result in reply.results {
            let (name, _) = payments.remove(&result.caller_id).expect("one result for each");
            let heard = stream_result(result);
            assert!(matches!(heard, Heard::Told(..)), "{name}: {heard:?}");
            record.heard(&name, &heard);
        }
    }
    assert!(payments.is_empty(), "{} payments have no result", payments.len());
    let (api, record) = (api.clone(), Arc::clone(record));
    in_parallel(others, move |entry| {
        let (api, record) = (api.clone(), Arc::clone(&record));
        async move {
            call_until_told(&api, &record, &entry).await;
        }
    })
    .await;
}

async fn call_until_told(api: &Api, record: &Record, entry: &Entry) -> (Box<Told>, Option<bool>) {
    for _ in 0..ATTEMPTS_MAX {
        if let Heard::Told(told, repeat) = record.call(api, &entry.name, &entry.request).await {
            return (told, repeat);
        }
    }
    panic!("{} has no answer, and nobody else calls", entry.name);
}

/// Asks for payments, by id and by key.
async fn ask(api: &Api, record: &Arc<Record>, entries: Vec<Entry>) {
    let (api, record) = (api.clone(), Arc::clone(record));
    in_parallel(entries, move |entry| {
        let (api, record) = (api.clone(), Arc::clone(&record));
        async move {
            let (Request::Pay(payment), Some(Told::Outcome(told))) = (&*entry.request, &entry.told) else {
                return;
            };
            let by_id = outcome_of(api.by_id(&told.payment_id).await.unwrap());
            let by_key = outcome_of(api.by_key(payment).await.unwrap());
            assert_eq!(by_id, by_key, "{}", entry.name);
            record.found(&entry.name, by_id);
        }
    })
    .await;
}

/// Compares every balance with what the replies add up to.
async fn compare_books(api: &Api, books: &Books) {
    for (_, iban) in customers(1..=CUSTOMERS_LATER) {
        let request = v1::GetAccountRequest { iban: iban.clone(), currency_code: "EUR".to_owned() };
        let found = match api.accounts().get_account(request).await {
            Ok(reply) => Some(cents(&reply.into_inner().account.unwrap().balance)),
            Err(status) => {
                assert_eq!(status.code(), Code::NotFound, "{status:?}");
                None
            }
        };
        assert_eq!(found, books.accounts.get(&iban).copied(), "{iban}");
    }
    for bic in [ALFA, BETA] {
        assert_eq!(cents(&api.position(bic).await), books.positions[bic], "{bic}");
    }
    // It checks that every book sums to zero.
    assert_eq!(api.settled_count().await, books.settled_count);
}
