//! Steps that make a node ready: banks, money, accounts.
//!
//! Invariant: every step may be repeated. What was done before, under the same request or a forgotten one, is
//! taken as done.

use std::sync::Arc;

use client::v1::ErrorReason;
use client::{
    AccountStream, Client, ClientError, ItemReceiver, ItemSender, Received, Refusal, StreamOptions, v1,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::banks::Bank;
use crate::parallel::joined;
use crate::{LoadgenError, Progress, Stage};

/// Account openings that go into a stream at once.
const OPENINGS_AT_ONCE: usize = 1024;

/// How often openings are tried that the node had no room for.
const ROUNDS_MAX: u32 = 10;

/// What registering a bank came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Registration {
    /// Now, or before under the same request.
    Requested,
    /// So long ago that the request is forgotten.
    Existing,
}

/// Registers a bank.
pub(crate) async fn register(
    client: &Client,
    request_id: String,
    bank: &Bank,
    account_mode: v1::AccountMode,
) -> Result<Registration, LoadgenError> {
    let request = v1::RegisterParticipantRequest {
        request_id,
        bic: bank.bic_text().to_owned(),
        name: bank.name().to_owned(),
        account_mode: account_mode.into(),
        currency_code: "EUR".to_owned(),
    };
    match client.register_participant(request).await.map_err(LoadgenError::node("registering a bank")) {
        Ok(_) => Ok(Registration::Requested),
        Err(error) if error.reason() == Some(ErrorReason::ParticipantExists) => Ok(Registration::Existing),
        Err(error) => Err(error),
    }
}

/// Raises a bank's position once.
pub(crate) async fn fund(
    client: &Client,
    request_id: String,
    bank: &Bank,
    amount: &str,
    external_reference: String,
) -> Result<(), LoadgenError> {
    let request = v1::FundRequest {
        request_id,
        bic: bank.bic_text().to_owned(),
        amount: Some(v1::Money { amount: amount.to_owned(), currency_code: "EUR".to_owned() }),
        external_reference,
    };
    match client.fund(request).await.map_err(LoadgenError::node("funding a bank")) {
        Ok(_) => Ok(()),
        Err(error) if error.reason() == Some(ErrorReason::ReferenceReused) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The request that opens the account at an index. Its id ends with `-` and the index.
pub(crate) type Opening = dyn Fn(u32) -> v1::AccountOpening + Send + Sync;

/// Opens accounts by their indices, over several streams at once.
pub(crate) async fn open_accounts(
    client: &Client,
    indices: Vec<u32>,
    streams: usize,
    opening: Arc<Opening>,
    progress: &dyn Progress,
) -> Result<(), LoadgenError> {
    let total = u64::try_from(indices.len()).expect("32 bits");
    let mut done = 0;
    let mut left = indices;
    for _ in 0..ROUNDS_MAX {
        let (opened, mut news) = mpsc::channel(streams.max(1));
        let mut running = JoinSet::new();
        for share in left.chunks(left.len().div_ceil(streams).max(1)) {
            running.spawn(open_share(client.clone(), share.to_vec(), opening.clone(), opened.clone()));
        }
        drop(opened);
        while let Some(count) = news.recv().await {
            done += count;
            progress.update(Stage::SettingUp, done, Some(total));
        }
        let mut shed = Vec::new();
        while let Some(ended) = running.join_next().await {
            shed.extend(joined(ended)?);
        }
        if shed.is_empty() {
            return Ok(());
        }
        left = shed;
    }
    let last = Refusal::new(
        tonic::Code::ResourceExhausted,
        ErrorReason::Overloaded,
        "accounts are shed again and again",
    );
    Err(LoadgenError::node("opening accounts")(ClientError::NotDone(last)))
}

/// Opens accounts over one stream, and returns those that the node had no room for.
async fn open_share(
    client: Client,
    indices: Vec<u32>,
    opening: Arc<Opening>,
    opened: mpsc::Sender<u64>,
) -> Result<Vec<u32>, LoadgenError> {
    let AccountStream { sender, mut receiver } = AccountStream::open(&client, StreamOptions::default());
    let sending = tokio::spawn(send_openings(sender, indices, opening));
    let shed = receive_openings(&mut receiver, &opened).await;
    // It has ended by itself unless the stream failed; then it would wait for room that nobody gives back.
    sending.abort();
    shed
}

async fn send_openings(
    mut sender: ItemSender<client::AccountOpenings>,
    indices: Vec<u32>,
    opening: Arc<Opening>,
) {
    for chunk in indices.chunks(OPENINGS_AT_ONCE) {
        let items = chunk.iter().map(|index| opening(*index)).collect();
        // If the stream has ended, its receiver says why.
        if sender.send(items).await.is_err() {
            return;
        }
    }
}

async fn receive_openings(
    receiver: &mut ItemReceiver<client::AccountOpenings>,
    opened: &mpsc::Sender<u64>,
) -> Result<Vec<u32>, LoadgenError> {
    let mut shed = Vec::new();
    while let Some(received) = receiver.receive().await {
        let answers = match received {
            Received::Answers(answers) => answers,
            Received::NotSent(_) => unreachable!("every opening has its own request id"),
            Received::Unknown(openings) => {
                shed.extend(openings.iter().filter_map(|opening| index_of(&opening.request_id)));
                continue;
            }
            Received::Ended { cause, .. } => return Err(LoadgenError::node("opening accounts")(cause)),
        };
        let mut count = 0;
        for answer in &answers {
            match judge(answer)? {
                true => count += 1,
                false => shed.extend(index_of(&answer.request_id)),
            }
        }
        // Whoever asked may no longer want to know.
        let _ = opened.send(count).await;
    }
    Ok(shed)
}

/// Whether an account is open; `false` if the node had no room for the request.
fn judge(answer: &v1::AccountOpeningResult) -> Result<bool, LoadgenError> {
    let not_taken = match &answer.result {
        Some(v1::account_opening_result::Result::Confirmation(_)) => return Ok(true),
        Some(v1::account_opening_result::Result::NotTaken(not_taken)) => not_taken,
        None => return Err(LoadgenError::Contract("a result of an opening without content")),
    };
    let refusal = Refusal::from_not_taken(not_taken);
    if refusal.reason == ErrorReason::AccountExists {
        return Ok(true);
    }
    if matches!(refusal.reason, ErrorReason::Overloaded | ErrorReason::QuotaExceeded) {
        return Ok(false);
    }
    Err(LoadgenError::node("opening an account")(ClientError::NotDone(refusal)))
}

fn index_of(request_id: &str) -> Option<u32> {
    request_id.rsplit('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(reason: ErrorReason) -> v1::AccountOpeningResult {
        let refusal = Refusal::new(tonic::Code::ResourceExhausted, reason, "no");
        let result = v1::account_opening_result::Result::NotTaken(refusal.into_not_taken());
        v1::AccountOpeningResult { request_id: "world-open-17".to_owned(), result: Some(result) }
    }

    #[test]
    fn openings_that_were_made_before_are_made() {
        assert!(judge(&result(ErrorReason::AccountExists)).unwrap());
        assert!(!judge(&result(ErrorReason::Overloaded)).unwrap());
        assert!(judge(&result(ErrorReason::ParticipantUnknown)).is_err());
        assert_eq!(index_of("world-open-17"), Some(17));
    }
}
