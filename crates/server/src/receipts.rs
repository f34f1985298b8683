//! `ReceiptService`: proof of settlements, from what is derived of the log.
//!
//! Invariants:
//! - Whoever asks about the payment of others learns nothing, not even whether there is one. To the payee's bank every
//!   payment is another's that was not settled: it may never have been told of it.
//! - A bank sees the balances of its own side only.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use client::convert::{FieldReader, Path, timestamp};
use client::v1::ErrorReason;
use client::v1::receipt_service_server::ReceiptService;
use client::{Refusal, v1};
use engine::{Answer, Question};
use history::receipts::{Keeper, Receipt, ReceiptError, Sides, SignedCheckpoint};
use ledger::PaymentAnswer;
use tokio::time::Instant;
use tonic::{Code, Request, Response, Status};
use types::{PaymentId, PaymentState, Sequence, Timestamp};

use crate::caller::Caller;
use crate::log::{self, GivesUp, Gone};
use crate::node::Node;
use crate::per_caller::Readings;
use crate::refusals::{bank_not_yours, invalid, stopping_connection, too_many_enquiries};

/// What a node gives receipts from. Clones are cheap.
#[derive(Clone, Debug)]
pub struct ReceiptDesk {
    keeper: Arc<Keeper>,
    /// Each may read an interval of the log.
    reads: Arc<Readings>,
}

impl ReceiptDesk {
    /// Takes what is kept of the log.
    pub fn new(keeper: Arc<Keeper>) -> Self {
        let (all, own) = READS_MAX;
        Self { keeper, reads: Arc::new(Readings::new(all, own)) }
    }

    /// Does what waits for the disk on a thread that may. What it is given becomes true when nobody waits any more.
    async fn ask<Found: Send + 'static>(
        &self,
        caller: &Caller,
        ask: impl FnOnce(&Keeper, &AtomicBool) -> Found + Send + 'static,
    ) -> Result<Found, Status> {
        let place = self.reads.enter(caller.principal).await;
        let keeper = Arc::clone(&self.keeper);
        let gives_up = GivesUp::default();
        let is_given_up = gives_up.flag();
        let found = tokio::task::spawn_blocking(move || {
            let found = ask(&keeper, &is_given_up);
            drop(place);
            found
        });
        let found = found.await;
        drop(gives_up);
        found.map_err(|_| no_receipts("a receipt could not be made").into_status())
    }
}

/// Receipts that may be made at once, by everybody and for one caller. Each reads what was told in one interval.
const READS_MAX: (usize, usize) = (2, 1);

/// How long a call may wait for a checkpoint.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// How often a call that waits looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long after the end of its interval a checkpoint is there, if all is well.
const AFTER_THE_END: Duration = Duration::from_millis(500);

/// The longest delay that is asked for: clients wait no longer of themselves.
const DELAY_MAX: Duration = Duration::from_secs(10);

const PAGE_USUAL: usize = 100;
const PAGE_MAX: usize = 1000;

#[derive(Debug)]
pub(crate) struct Receipts(pub(crate) Node);

#[tonic::async_trait]
impl ReceiptService for Receipts {
    async fn get_receipt(
        &self,
        request: Request<v1::GetReceiptRequest>,
    ) -> Result<Response<v1::GetReceiptResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let desk = self.desk()?;
        let payment = self.payment(&request.payment_id)?;
        let sides = self.sides(&caller, payment).await?;
        let wait = Duration::from_millis(request.wait_ms.unwrap_or(0).into()).min(WAIT_MAX);
        let receipt = match self.receipt(&caller, desk, payment, sides).await {
            Err(status) if !wait.is_zero() && is_early(&status) => {
                self.wait_for(&caller, desk, payment, sides, wait).await?
            }
            receipt => receipt?,
        };
        let text = receipt.to_text().ok_or_else(|| no_receipts("the receipt has no text").into_status())?;
        Ok(Response::new(v1::GetReceiptResponse {
            receipt: text,
            checkpoint: wire_checkpoint(receipt.checkpoint()),
        }))
    }

    async fn get_checkpoint(
        &self,
        request: Request<v1::GetCheckpointRequest>,
    ) -> Result<Response<v1::GetCheckpointResponse>, Status> {
        use v1::get_checkpoint_request::Choice;
        let caller = Caller::of(&request)?;
        let choice = request.into_inner().choice;
        let found = self.desk()?.ask(&caller, move |keeper, _| match choice {
            None => Ok(keeper.latest()),
            Some(Choice::Number(0)) => Ok(None),
            Some(Choice::Number(number)) => Ok(keeper.from_number(number, 1)?.pop()),
            Some(Choice::ReachingSequence(position)) => keeper.reaching(Sequence(position)),
        });
        let found = found.await?.map_err(|error| unreadable(&error))?;
        let found = found.ok_or_else(|| unknown("there is no such checkpoint yet").into_status())?;
        Ok(Response::new(v1::GetCheckpointResponse { checkpoint: wire_checkpoint(&found) }))
    }

    async fn list_checkpoints(
        &self,
        request: Request<v1::ListCheckpointsRequest>,
    ) -> Result<Response<v1::ListCheckpointsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let v1::ListCheckpointsRequest { first_number, page_size } = request.into_inner();
        let count = match usize::try_from(page_size).unwrap_or(PAGE_MAX) {
            0 => PAGE_USUAL,
            count => count.min(PAGE_MAX),
        };
        let first = first_number.max(1);
        let found = self.desk()?.ask(&caller, move |keeper, _| keeper.from_number(first, count)).await?;
        let found = found.map_err(|error| unreadable(&error))?;
        let checkpoints: Vec<_> = found.iter().filter_map(wire_checkpoint).collect();
        let next_number = checkpoints.last().map_or(first, |last| last.number + 1);
        Ok(Response::new(v1::ListCheckpointsResponse { checkpoints, next_number }))
    }

    async fn get_receipt_key(
        &self,
        request: Request<v1::GetReceiptKeyRequest>,
    ) -> Result<Response<v1::GetReceiptKeyResponse>, Status> {
        Caller::of(&request)?;
        let key = self.desk()?.keeper.public_key();
        Ok(Response::new(v1::GetReceiptKeyResponse { public_key: key.0.to_vec(), text: key.to_string() }))
    }
}

impl Receipts {
    fn desk(&self) -> Result<&ReceiptDesk, Status> {
        self.0.receipts.as_ref().ok_or_else(|| no_receipts("this node keeps no receipts").into_status())
    }

    /// The position that a payment id of this node names.
    fn payment(&self, text: &str) -> Result<Sequence, Status> {
        let mut reader = FieldReader::new();
        let id = match PaymentId::parse(text) {
            Ok(id) => Some(id),
            Err(error) => {
                reader.violation(&Path::root("payment_id"), error);
                None
            }
        };
        let id = reader.finish(id).map_err(invalid)?;
        match self.0.handle.payment_id(id.sequence) == id {
            true => Ok(id.sequence),
            // An id of another life of the log names no payment of this one.
            false => Ok(Sequence(u64::MAX)),
        }
    }

    /// The sides of a payment whose balances the caller may see.
    async fn sides(&self, caller: &Caller, payment: Sequence) -> Result<Sides, Status> {
        if caller.sees_everything() {
            return Ok(Sides::BOTH);
        }
        // Only the log knows the banks of every payment, as far back as it goes.
        let order = log::order_left(&self.0, payment).await?;
        let order = order.map_err(|_: Gone| refused(&ReceiptError::Gone))?;
        let Some(order) = order else { return Err(bank_not_yours().into_status()) };
        let sides = Sides {
            payer: caller.may_act_for(order.debtor_agent()),
            payee: order.creditor_agent().is_some_and(|bank| caller.may_act_for(bank)),
        };
        if sides.payer || sides.payee { Ok(sides) } else { Err(bank_not_yours().into_status()) }
    }

    async fn receipt(
        &self,
        caller: &Caller,
        desk: &ReceiptDesk,
        payment: Sequence,
        sides: Sides,
    ) -> Result<Receipt, Status> {
        let found = desk.ask(caller, move |keeper, gives_up| keeper.receipt_until(payment, sides, gives_up));
        let found = found.await?;
        match found {
            Ok(receipt) => Ok(receipt),
            Err(ReceiptError::NotYet { until }) => Err(self.not_yet(desk, payment, sides, until).await?),
            Err(error) => Err(refused_to(sides, &error)),
        }
    }

    /// Looks again until the receipt is there or the caller's time is over.
    async fn wait_for(
        &self,
        caller: &Caller,
        desk: &ReceiptDesk,
        payment: Sequence,
        sides: Sides,
        wait: Duration,
    ) -> Result<Receipt, Status> {
        let place = self.0.enquiries.enter(caller.principal);
        let _place = place.ok_or_else(|| too_many_enquiries().into_status())?;
        let until = Instant::now() + wait;
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.0.stops() => return Err(stopping_connection()),
            }
            match self.receipt(caller, desk, payment, sides).await {
                Err(status) if is_early(&status) && Instant::now() < until => {}
                receipt => return receipt,
            }
        }
    }

    /// Why there is no receipt of a payment that no checkpoint reaches.
    async fn not_yet(
        &self,
        desk: &ReceiptDesk,
        payment: Sequence,
        sides: Sides,
        until: Option<Timestamp>,
    ) -> Result<Status, Status> {
        let answered = self.0.ask(Question::PaymentAt(payment)).await?;
        let Answer::Payment(answer) = &answered.answer else {
            return Err(Status::internal("the engine answered another question"));
        };
        let state = match answer {
            PaymentAnswer::Found(payment) => Some(payment.state()),
            PaymentAnswer::NotFound { .. } => return Ok(refused_to(sides, &ReceiptError::Unknown)),
            PaymentAnswer::Forgotten => None,
        };
        if state != Some(PaymentState::Settled) && (state.is_some() || is_payee_alone(sides)) {
            return Ok(refused_to(sides, &ReceiptError::NotSettled(state)));
        }
        if let Some(trouble) = desk.keeper.trouble() {
            tracing::debug!(%trouble, "a receipt was asked for and can't be made");
            return Ok(
                no_receipts("checkpoints can't be made at the moment; the node's log says why").into_status()
            );
        }
        let now = self.0.handle.now();
        let ahead = until.filter(|until| *until > now).map(|until| until.since(now).to_standard());
        let message = "the checkpoint of the payment is not complete yet; ask again after the delay";
        let refusal = Refusal::new(Code::Unavailable, ErrorReason::CheckpointOpen, message);
        let delay = (ahead.unwrap_or_default() + AFTER_THE_END).min(DELAY_MAX);
        Ok(refusal.retry_after(delay).into_status())
    }
}

/// Whether a refusal may be followed by a receipt.
fn is_early(status: &Status) -> bool {
    let reason = Refusal::from_status(status).reason;
    [ErrorReason::CheckpointOpen].contains(&reason)
}

/// Whether somebody asks who was told of a payment only if it was settled, or if the bank was asked about it.
const fn is_payee_alone(sides: Sides) -> bool {
    sides.payee && !sides.payer
}

/// Why there is no receipt, as far as these sides may know it.
fn refused_to(sides: Sides, error: &ReceiptError) -> Status {
    let is_of_others =
        matches!(error, ReceiptError::NotSettled(_) | ReceiptError::Repeat(_) | ReceiptError::Unknown);
    if is_of_others && is_payee_alone(sides) { bank_not_yours().into_status() } else { refused(error) }
}

fn refused(error: &ReceiptError) -> Status {
    match error {
        ReceiptError::NotSettled(_) | ReceiptError::Repeat(_) => {
            Refusal::new(Code::FailedPrecondition, ErrorReason::NotSettled, error.to_string()).into_status()
        }
        ReceiptError::Unknown | ReceiptError::Gone => unknown(&error.to_string()).into_status(),
        ReceiptError::NotYet { .. } => {
            Refusal::new(Code::Unavailable, ErrorReason::CheckpointOpen, error.to_string()).into_status()
        }
        ReceiptError::Mismatch(_)
        | ReceiptError::Store(_)
        | ReceiptError::Read(_)
        | ReceiptError::Build(_) => unreadable(error),
        ReceiptError::GivenUp => no_receipts(&error.to_string()).into_status(),
    }
}

/// The log or the checkpoints can't be read.
fn unreadable(error: &dyn std::error::Error) -> Status {
    tracing::error!(%error, "a receipt or checkpoint could not be given");
    no_receipts("receipts can't be given at the moment; the node's log says why").into_status()
}

fn no_receipts(message: &str) -> Refusal {
    Refusal::new(Code::Unavailable, ErrorReason::NoReceipts, message)
}

fn unknown(message: &str) -> Refusal {
    Refusal::new(Code::NotFound, ErrorReason::ReceiptUnknown, message)
}

fn wire_checkpoint(signed: &SignedCheckpoint) -> Option<v1::Checkpoint> {
    let checkpoint = signed.read()?;
    Some(v1::Checkpoint {
        number: checkpoint.number,
        cluster: checkpoint.identity.cluster.to_string(),
        start_time: Some(timestamp(checkpoint.start)),
        end_time: Some(timestamp(checkpoint.end)),
        first_batch: checkpoint.first_batch.0,
        last_batch: checkpoint.last_batch.0,
        upto_sequence: checkpoint.upto.0,
        leaf_count: checkpoint.leaves,
        root: checkpoint.root.to_vec(),
        chain_head: checkpoint.chain_head.0.to_vec(),
        signed_bytes: signed.bytes.to_vec(),
        signature: signed.signature.to_vec(),
    })
}
