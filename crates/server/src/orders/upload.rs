//! The call that brings a file of orders.

use std::time::Duration;

use client::convert::{FieldReader, Path};
use client::limits::PACKAGE_CHUNK_BYTES_MAX;
use client::v1;
use client::v1::submit_package_request::Part;
use iso20022::limits::PACKAGE_BYTES_MAX;
use ledger::AccountMode;
use tonic::{Status, Streaming};

use super::arriving::{ChunkSender, arriving};
use super::unpack::{Announced, Unpacked, unpack};
use crate::caller::Caller;
use crate::node::Node;
use crate::refusals::{bank_not_yours, invalid, participant_unknown, refused, unanswered};
use crate::values::request_id;

/// How long the next chunk is waited for: whoever stalls holds a place of others.
const PATIENCE: Duration = Duration::from_secs(60);

/// Takes a file in: the call's task receives it, and a thread that may wait unpacks it meanwhile.
///
/// # Errors
/// If the file or the node is at fault. Nothing of the file is paid then.
pub(super) async fn take(
    node: &Node,
    caller: &Caller,
    mut stream: Streaming<v1::SubmitPackageRequest>,
) -> Result<Unpacked, Status> {
    let mut node = node.clone();
    let place = node.orders.enter_upload(caller.principal)?;
    let first = node.next(&mut stream).await?;
    let (announced, length) = read_header(caller, first)?;
    check_bank(&node, caller, &announced)?;
    let (chunks, file) = arriving(length);
    let (of_thread, principal) = (node.clone(), caller.principal);
    let mut unpacking = tokio::task::spawn_blocking(move || {
        let unpacked = unpack(&of_thread, principal, &announced, file);
        drop(place);
        unpacked
    });
    // A panic in there is told by its own message.
    tokio::select! {
        unpacked = &mut unpacking => unpacked.map_err(|_| unanswered())?,
        received = receive(&mut node, &mut stream, chunks) => match received {
            Ok(()) => unpacking.await.map_err(|_| unanswered())?,
            // What reads the file hears that it broke off.
            Err(status) => Err(status),
        },
    }
}

/// Hands the file over, as fast as it is read.
async fn receive(
    node: &mut Node,
    stream: &mut Streaming<v1::SubmitPackageRequest>,
    chunks: ChunkSender,
) -> Result<(), Status> {
    loop {
        let next = tokio::time::timeout(PATIENCE, node.next(stream)).await.map_err(|_| stalled())??;
        let Some(message) = next else { break };
        let Some(Part::Chunk(chunk)) = message.part else {
            return Err(violation("part", "behind the header the file follows in chunks"));
        };
        if chunk.len() > PACKAGE_CHUNK_BYTES_MAX {
            return Err(violation("chunk", "a chunk has at most 1 MiB"));
        }
        // Where nobody reads any more it is known why.
        if !chunks.send(chunk).await {
            return Ok(());
        }
    }
    chunks.end().await;
    Ok(())
}

fn stalled() -> Status {
    Status::aborted("nothing came of the file for a minute; send it again, and it goes on where it was")
}

fn read_header(
    caller: &Caller,
    message: Option<v1::SubmitPackageRequest>,
) -> Result<(Announced, u64), Status> {
    let Some(Part::Header(header)) = message.and_then(|message| message.part) else {
        return Err(violation("header", "the first message of the call is the header"));
    };
    let mut reader = FieldReader::new();
    let request_id = request_id(&mut reader, &header.request_id);
    let bank = super::wire::read_bank(&mut reader, caller, &header.bic);
    let digest: Option<[u8; 32]> = header.sha256.try_into().ok();
    if digest.is_none() {
        reader.violation(&Path::root("sha256"), "a SHA-256 digest has 32 bytes");
    }
    if !(1..=PACKAGE_BYTES_MAX).contains(&header.length) {
        reader.violation(&Path::root("length"), "a file has 1 byte to 4 GiB");
    }
    let announced = (|| Some(Announced { request_id: request_id?, bank: bank?, digest: digest? }))();
    reader.finish(announced.map(|announced| (announced, header.length))).map_err(invalid)
}

/// Before anything of the file is read: whether its bank could have orders here at all.
fn check_bank(node: &Node, caller: &Caller, announced: &Announced) -> Result<(), Status> {
    if !caller.may_act_for(announced.bank) {
        return Err(bank_not_yours().into_status());
    }
    match node.handle.directory().participant(announced.bank) {
        None => Err(participant_unknown()),
        Some(bank) if bank.mode == AccountMode::Remote => {
            Err(refused(ledger::Refusal::AccountsNotHosted).into_status())
        }
        Some(_) => Ok(()),
    }
}

fn violation(field: &'static str, rule: &str) -> Status {
    let mut reader = FieldReader::new();
    reader.violation(&Path::root(field), rule);
    invalid(reader.finish::<()>(None).expect_err("a fault was noted"))
}
