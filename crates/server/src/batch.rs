//! The payments of a stream: each message is read, admitted, submitted in parts, and answered part by part. What a
//! bank has to decide is answered when it is final.

use std::sync::Arc;

use client::limits::BATCH_ITEMS_MAX;
use client::plain::{PlainSubmission, plain_submissions, submission_count};
use client::{Refusal, v1};
use engine::Waiting;
use ledger::{Outcome, RecordWriter};
use prost::Message;
use tonic::{Status, Streaming};
use types::{Channel, Timestamp};

use crate::admission::{Admission, Candidate, Order, undecodable};
use crate::caller::Caller;
use crate::finals::{Asker, Finals};
use crate::mailbox::reserved;
use crate::node::{Node, PART_BYTES_MAX};
use crate::quota::Places;
use crate::refusals::{invalid, not_taken, payment_missing, stopping};
use crate::replies::Replies;
use crate::wire::{BatchReply, Decided, Encoded};

/// About what the record and the texts of a payment take.
const PAYMENT_BYTES_USUAL: usize = 320;

/// Payments that are read before the first of them is looked up, so that memory comes meanwhile.
const GROUP: usize = 32;

/// Payments that are submitted together.
struct Part {
    commands: RecordWriter,
    askers: Vec<Asker>,
    places: Places,
}

/// Serves one stream, until it ends.
pub(crate) async fn serve_stream(
    node: Node,
    caller: Caller,
    payments: Streaming<Encoded>,
    replies: Replies<BatchReply>,
) {
    let finals = Finals::new(node.mailbox.clone(), node.limits.waiting_per_stream);
    let ended = exchange(node, &caller, payments, &replies, &finals).await;
    finals.abandon();
    // The message can't be read, the caller has gone, or the node stops. Otherwise the caller has ended its side, and
    // replies under way hold their own room.
    if let Err(status) = ended {
        replies.end(status);
    }
}

async fn exchange(
    mut node: Node,
    caller: &Caller,
    mut payments: Streaming<Encoded>,
    replies: &Replies<BatchReply>,
    finals: &Arc<Finals>,
) -> Result<(), Status> {
    let handle = node.handle.clone();
    let mut is_open = true;
    while is_open || !finals.is_done() {
        let message = if is_open && finals.has_room() {
            tokio::select! {
                message = node.next(&mut payments) => Some(message?),
                () = finals.changed() => None,
            }
        } else {
            tokio::select! {
                () = finals.changed() => None,
                () = node.stops() => return Err(stopping()),
                () = replies.gone() => return Ok(()),
            }
        };
        match message {
            Some(Some(Encoded(message))) => submit_batch(&node, caller, replies, finals, &message).await?,
            Some(None) => {
                is_open = false;
                finals.close();
            }
            None => {
                let mut decided = finals.take().into_iter();
                while decided.len() > 0 {
                    let part = decided.by_ref().take(BATCH_ITEMS_MAX).collect();
                    replies.room().await?.send(Ok(BatchReply::Decided(handle.clone(), part)));
                }
            }
        }
    }
    Ok(())
}

/// Submits the payments of one message. What is not taken is answered at once, the others when they are final.
async fn submit_batch(
    node: &Node,
    caller: &Caller,
    replies: &Replies<BatchReply>,
    finals: &Arc<Finals>,
    message: &[u8],
) -> Result<(), Status> {
    let mut refused = Vec::new();
    let parts = read_batch(node, caller, message, &mut refused)?;
    for Part { commands, askers, places } in parts {
        let room = replies.room().await?;
        let ids: Vec<u64> = askers.iter().map(|asker| asker.caller_id).collect();
        let handle = node.handle.clone();
        let hold = finals.hold();
        // On the core thread outcomes are only copied; the edge that sends them puts them into words.
        let sink = move |outcomes: &[Outcome], waiting: &mut Waiting<'_>| {
            drop(places);
            let mut open = Vec::new();
            let mut decided = Vec::with_capacity(outcomes.len());
            for (asker, outcome) in askers.into_iter().zip(outcomes) {
                match reserved(outcome) {
                    Some(payment) => open.push((asker, payment, outcome.repeat_of().is_some())),
                    None => {
                        let Asker { caller_id, reference } = asker;
                        decided.push(Decided { caller_id, reference, outcome: *outcome });
                    }
                }
            }
            if !open.is_empty() {
                hold.wait_for(open, waiting);
            }
            if !decided.is_empty() {
                room.send(Ok(BatchReply::Decided(handle, decided)));
            }
        };
        if let Err(reason) = node.handle.submit(commands, Box::new(sink)) {
            refused.extend(ids.into_iter().map(|id| payment_not_taken(id, not_taken(reason))));
        }
    }
    if !refused.is_empty() {
        let results = v1::SubmitPaymentsResponse { results: refused };
        replies.room().await?.send(Ok(BatchReply::NotTaken(results)));
    }
    Ok(())
}

/// Reads and admits the payments of a message. Nothing of a message that can't be read is submitted.
fn read_batch(
    node: &Node,
    caller: &Caller,
    message: &[u8],
    refused: &mut Vec<v1::PaymentResult>,
) -> Result<Vec<Part>, Status> {
    let mut submissions = Vec::with_capacity(BATCH_ITEMS_MAX.min(message.len() / 128));
    let long_way;
    if plain_submissions(message, &mut submissions).is_none() {
        long_way = encoded_submissions(message, refused)?;
        let encoded = long_way.iter();
        submissions =
            encoded.map(|(caller_id, payment)| PlainSubmission { caller_id: *caller_id, payment }).collect();
    }
    if !(1..=BATCH_ITEMS_MAX).contains(&(submissions.len() + refused.len())) {
        return Err(wrong_count());
    }
    let received = node.handle.now();
    let mut admission = Admission::new(node, caller);
    let mut parts = Parts { node, caller, parts: Vec::new(), left: submissions.len() };
    let mut group = Vec::with_capacity(GROUP);
    for submissions in submissions.chunks(GROUP) {
        for submission in submissions {
            match Order::read(submission.payment)? {
                Ok(order) => group.push((submission.caller_id, admission.prepare(order))),
                Err(refusal) => refused.push(payment_not_taken(submission.caller_id, refusal)),
            }
        }
        for (caller_id, mut candidate) in group.drain(..) {
            let part = parts.next();
            match admission.admit(&mut candidate, &mut part.places) {
                Ok(()) => part.add(caller_id, &candidate, received),
                Err(refusal) => refused.push(payment_not_taken(caller_id, refusal.into_refusal())),
            }
        }
    }
    Ok(parts.finish())
}

fn wrong_count() -> Status {
    let description = format!("a message has 1 to {BATCH_ITEMS_MAX} payments");
    invalid(vec![v1::FieldViolation { field: "payments".to_owned(), description }])
}

/// The long way: messages with repeated, absent or unknown fields, taken apart by the generated code.
fn encoded_submissions(
    message: &[u8],
    refused: &mut Vec<v1::PaymentResult>,
) -> Result<Vec<(u64, Vec<u8>)>, Status> {
    // Asked before anything is decoded: an empty submission has two bytes here and thousands in memory.
    if submission_count(message) > BATCH_ITEMS_MAX {
        return Err(wrong_count());
    }
    let message = v1::SubmitPaymentsRequest::decode(message).map_err(undecodable)?;
    let mut encoded = Vec::with_capacity(message.payments.len());
    for submission in message.payments {
        match submission.payment {
            Some(payment) => encoded.push((submission.caller_id, payment.encode_to_vec())),
            None => refused.push(payment_not_taken(submission.caller_id, payment_missing())),
        }
    }
    Ok(encoded)
}

/// The parts of a message, each no larger than a submission may be.
struct Parts<'node> {
    node: &'node Node,
    caller: &'node Caller,
    parts: Vec<Part>,
    /// How many payments may still come.
    left: usize,
}

impl Parts<'_> {
    /// The part that takes the next payment.
    fn next(&mut self) -> &mut Part {
        if self.parts.last().is_none_or(|part| part.commands.length() > PART_BYTES_MAX) {
            let mut commands = self.node.handle.commands(self.caller.principal);
            let expected = self.left.min(PART_BYTES_MAX / PAYMENT_BYTES_USUAL);
            commands.reserve_payments(expected);
            let askers = Vec::with_capacity(expected);
            self.parts.push(Part { commands, askers, places: Places::default() });
        }
        self.left -= 1;
        self.parts.last_mut().expect("a part was added if there was none")
    }

    /// The parts that are to be submitted.
    fn finish(mut self) -> Vec<Part> {
        self.parts.retain(|part| part.commands.count() > 0);
        self.parts.iter_mut().for_each(|part| part.places.trim());
        self.parts
    }
}

impl Part {
    fn add(&mut self, caller_id: u64, candidate: &Candidate<'_>, received: Timestamp) {
        candidate.write(&mut self.commands, received, Channel::Grpc);
        self.askers.push(Asker { caller_id, reference: candidate.order.reference() });
    }
}

fn payment_not_taken(caller_id: u64, refusal: Refusal) -> v1::PaymentResult {
    let result = Some(v1::payment_result::Result::NotTaken(refusal.into_not_taken()));
    v1::PaymentResult { caller_id, result }
}
