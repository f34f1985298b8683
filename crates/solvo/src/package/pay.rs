//! The lines of a file of orders on their way into a node.
//!
//! Invariants:
//! - A line's transaction id follows from its payer's account, the file's `MsgId` and its place in the file: the same file pays
//!   no line twice, and a line that was changed under the same `MsgId` is refused (AM05).
//! - The clock of a payment starts when its line is unpacked.

use anyhow::bail;
use client::convert::payment_from_order;
use client::v1::payment_result::Result as Became;
use client::v1::{ErrorReason, PaymentStatus};
use client::{Client, Exchange, Payments, StreamOptions, v1};
use iso20022::{LineCompletion, LineStatus, PackageHeader, PackageLine};
use tokio::sync::mpsc;
use types::{Bic, ReasonCode, StatusReason, Text, Timestamp};

use crate::lane::{Lane, PAUSE};

/// Lines that are sent together.
pub(crate) const TOGETHER: usize = 256;

/// What became of a line.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) status: LineStatus,
    pub(crate) reason: Option<ReasonCode>,
    pub(crate) payment_id: Option<Text<35>>,
    pub(crate) acceptance_time: Option<Timestamp>,
    /// Why, for persons. No name and no account number.
    pub(crate) words: Option<String>,
}

/// A line that is sent.
pub(crate) struct Sent {
    /// Its place in the file, from 1.
    pub(crate) number: u32,
    pub(crate) payment: v1::Payment,
}

/// A line as a payment, or why it can't be one.
pub(crate) fn payment(header: &PackageHeader, agent: Bic, line: PackageLine) -> Result<Sent, Outcome> {
    let number = line.number;
    let refused = |reason: StatusReason, words: String| Outcome {
        status: LineStatus::Rejected,
        reason: Some(reason.code()),
        payment_id: None,
        acceptance_time: None,
        words: Some(words),
    };
    let said = line.payment.terms.as_ref().ok().and_then(|terms| terms.debtor_agent);
    if said.is_some_and(|said| said != agent) {
        let words = "PmtInf/DbtrAgt is another bank".to_owned();
        return Err(refused(StatusReason::InvalidDebtorAccountNumber, words));
    }
    let creditor_agent = match &line.order {
        Ok(order) => order.creditor_agent,
        Err(refusal) => return Err(refused(refusal.reason, refusal.path.clone())),
    };
    // Without it the payment would have to be sent to a bank that is guessed.
    let Some(creditor_agent) = creditor_agent else {
        let words = "CdtrAgt/FinInstnId/BICFI is missing: the payee's bank has to be named".to_owned();
        return Err(refused(StatusReason::InvalidFileFormat, words));
    };
    let transaction_id = transaction_id(header, &line);
    let order =
        line.into_payment_order(LineCompletion { transaction_id, debtor_agent: agent, creditor_agent });
    let order = order.map_err(|refusal| refused(refusal.reason, refusal.path))?;
    Ok(Sent { number, payment: payment_from_order(&order) })
}

/// Thirty-five characters at the most, and the same whenever the file comes.
fn transaction_id(header: &PackageHeader, line: &PackageLine) -> Text<35> {
    let account = line.payment.terms.as_ref().map_or("", |terms| terms.debtor_account.as_str());
    let named = format!("{account}/{}/{}", header.message_id.as_str(), line.number);
    let hash = blake3::hash(named.as_bytes()).to_hex();
    Text::parse_identifier(&format!("PKG{}", &hash[..32])).expect("digits and letters")
}

/// Sends lines as they come, and tells what became of each, until there are no more.
///
/// # Errors
/// If the node can't be reached any more.
pub(crate) async fn carry(
    client: &Client,
    under_way_max: usize,
    mut lines: mpsc::Receiver<Vec<Sent>>,
    told: mpsc::Sender<Vec<(u32, Outcome)>>,
) -> anyhow::Result<()> {
    let mut lane: Lane<Payments, Sent> = Lane::open(client, StreamOptions { in_flight_max: under_way_max });
    let item = |sent: &Sent| v1::PaymentSubmission {
        caller_id: sent.number.into(),
        payment: Some(sent.payment.clone()),
    };
    let mut has_more = true;
    while has_more || lane.is_busy() {
        let mut news = Vec::new();
        tokio::select! {
            some = lines.recv(), if has_more && lane.count() + TOGETHER <= under_way_max => match some {
                Some(some) => lane.send(some, item).await,
                None => has_more = false,
            },
            answered = lane.receive() => {
                for (sent, answer) in answered? {
                    match outcome(&answer) {
                        Some(outcome) => news.push((sent.number, outcome)),
                        None => lane.again.push(sent),
                    }
                }
            }
            () = tokio::time::sleep(PAUSE), if lane.waits() => {
                let some = std::mem::take(&mut lane.again);
                lane.send(some, item).await;
            }
        }
        if !news.is_empty() && told.send(news).await.is_err() {
            bail!("nobody counts what was paid");
        }
    }
    Ok(())
}

/// What became of a line; `None` if it is to be sent once more.
fn outcome(answer: &v1::PaymentResult) -> Option<Outcome> {
    if let Some(refusal) = Payments::refusal(answer) {
        let has_no_room = [ErrorReason::Overloaded, ErrorReason::QuotaExceeded].contains(&refusal.reason);
        return (!has_no_room).then(|| Outcome {
            status: LineStatus::Rejected,
            reason: Some(StatusReason::NotSpecified.code()),
            payment_id: None,
            acceptance_time: None,
            words: Some(refusal.to_string()),
        });
    }
    let Some(Became::Outcome(told)) = &answer.result else { return None };
    let status = match told.status() {
        PaymentStatus::Settled => LineStatus::Settled,
        PaymentStatus::Rejected | PaymentStatus::Expired => LineStatus::Rejected,
        PaymentStatus::Reserved | PaymentStatus::Unresolved | PaymentStatus::Unspecified => {
            LineStatus::Pending
        }
    };
    let reason = ReasonCode::parse(&told.reason_code).ok();
    let is_rejected = status == LineStatus::Rejected;
    Some(Outcome {
        status,
        reason: reason.or(is_rejected.then(|| StatusReason::NotSpecified.code())),
        payment_id: Text::parse(&told.payment_id).ok(),
        acceptance_time: told.acceptance_time.as_ref().and_then(client::convert::timestamp_from_wire),
        words: None,
    })
}
