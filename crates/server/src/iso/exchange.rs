//! `Iso20022Service.Exchange`: a bank connects, in documents.
//!
//! The session of a bank is that of `ParticipantService.Connect`, and a bank may have connections of both forms. One
//! task reads documents, one tells what there is; the second takes something only when there is room for it on the way
//! out, so a bank that does not read is given no more.
//!
//! A bank that ends its side can answer nothing any more. Its connection gives its questions up at once, sends the
//! answers to the documents that are under way, and ends.

use std::sync::Arc;

use client::convert::{FieldReader, Path};
use client::v1;
use client::v1::iso20022_service_exchange_request::Request;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use types::{Incarnation, Sequence};

use super::check_length;
use super::desk::{Desk, Told};
use super::forward::told;
use super::keep::{keep, sent};
use super::outgoing::{Dress, Outgoing};
use crate::caller::Caller;
use crate::lives::Named;
use crate::node::Node;
use crate::refusals::{bank_not_yours, invalid, stopping_connection};
use crate::replies::filled_by;
use crate::session::{Connection, Start, Wants};

/// What a connection is sent.
type Sent = Result<v1::Iso20022ServiceExchangeResponse, Status>;

/// What is taken from the session at a time.
const HEARD_MAX: usize = 64;

/// Documents of one connection that may be under way at once. Beyond that it is not read.
const UNDER_WAY_MAX: usize = 256;

/// Connects a bank.
pub(super) fn exchange(
    node: &Node,
    caller: Caller,
    requests: Streaming<v1::Iso20022ServiceExchangeRequest>,
) -> ReceiverStream<Sent> {
    let node = node.clone();
    filled_by(|sender| serve(node, caller, requests, sender))
}

/// Serves a connection until one of its sides ends it.
async fn serve(
    mut node: Node,
    caller: Caller,
    mut requests: Streaming<v1::Iso20022ServiceExchangeRequest>,
    sender: mpsc::Sender<Sent>,
) -> Result<(), Status> {
    let Some(first) = node.next(&mut requests).await? else { return Err(start_missing()) };
    let (start, with_header) = read_start(first)?;
    if !caller.may_act_for(start.bank) {
        return Err(bank_not_yours().into_status());
    }
    let connection = Connection::open(&node, start).await?;
    let dress = match with_header {
        true => Dress::to(start.bank, node.limits.iso.bic.unwrap_or(start.bank)),
        false => Dress::BARE,
    };
    let desk = Arc::new(Desk { node, caller, bank: Some(start.bank), told: Told::InItsTurn });
    let (answers, answered) = mpsc::channel(UNDER_WAY_MAX);
    let (hangs_up, hung_up) = oneshot::channel();
    let listening = async {
        let _hangs_up = hangs_up;
        listen(&desk, requests, answers).await
    };
    tokio::select! {
        // When the bank has ended its side, it is still told what there is to say.
        Err(status) = listening => Err(status),
        ended = tell(&desk, connection, dress, answered, sender, hung_up) => ended,
    }
}

/// Takes documents until the bank ends its side.
async fn listen(
    desk: &Arc<Desk>,
    mut requests: Streaming<v1::Iso20022ServiceExchangeRequest>,
    answers: mpsc::Sender<Result<Outgoing, Status>>,
) -> Result<(), Status> {
    let places = Arc::new(Semaphore::new(UNDER_WAY_MAX));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        // What is under way is still answered: the other task ends when nobody holds the way to it any more.
        let Some(message) = requests.message().await? else { return Ok(()) };
        let Some(Request::Document(document)) = message.request else {
            let description = "after the first message a bank sends documents".to_owned();
            return Err(invalid(vec![v1::FieldViolation { field: "document".to_owned(), description }]));
        };
        check_length(&document)?;
        let (desk, answers) = (Arc::clone(desk), answers.clone());
        // In a task of its own: what has been submitted must be kept whole even if the connection ends, and one
        // enquiry that waits for its payment must not hold up the answers behind it.
        tokio::spawn(async move {
            let reply = desk.take(&document).await.map(|reply| reply.document).transpose();
            if let Some(reply) = reply {
                // Whoever is gone hears nothing.
                let _ = answers.send(reply).await;
            }
            drop(place);
        });
    }
}

/// Tells what there is, as long as it is read, and until the bank has ended its side.
async fn tell(
    desk: &Desk,
    mut connection: Connection,
    dress: Dress,
    mut answered: mpsc::Receiver<Result<Outgoing, Status>>,
    sender: mpsc::Sender<Sent>,
    mut hung_up: oneshot::Receiver<()>,
) -> Result<(), Status> {
    let bank = desk.bank;
    let bank = bank.expect("an exchange is a bank's");
    // Says that the connection stands, and from where on a bank without a position goes on.
    let sequence = connection.as_of().sequence.0;
    let incarnation = desk.node.handle.lives().last().incarnation;
    let stands = v1::Iso20022ServiceExchangeResponse {
        sequence,
        incarnation: Some(incarnation.0),
        ..Default::default()
    };
    if sender.send(Ok(stands)).await.is_err() {
        return Ok(());
    }
    'telling: loop {
        let room = tokio::select! {
            room = sender.clone().reserve_owned() => room,
            _ = &mut hung_up => break,
        };
        let Ok(room) = room else { return Ok(()) };
        if let Ok(answer) = answered.try_recv() {
            room.send(Ok(response(answer?, None, false)));
            continue;
        }
        let heard = connection.take(HEARD_MAX).await?;
        if heard.is_empty() {
            tokio::select! {
                () = connection.ready() => {}
                Some(answer) = answered.recv() => {
                    room.send(Ok(response(answer?, None, false)));
                }
                _ = &mut hung_up => break,
                () = desk.node.stops() => return Err(stopping_connection()),
            }
            continue;
        }
        let mut room = Some(room);
        for heard in &heard {
            let Some(told) = told(&desk.node, bank, dress, heard).await? else { continue };
            let place = match room.take() {
                Some(place) => place,
                None => tokio::select! {
                    place = sender.clone().reserve_owned() => match place {
                        Ok(place) => place,
                        Err(_) => return Ok(()),
                    },
                    _ = &mut hung_up => break 'telling,
                },
            };
            keep(&desk.node, &desk.caller, &[sent(&told.document, told.about, Some(bank))]);
            let position = Some(told.position).filter(|position| *position > Sequence(0));
            let position = position.map(|position| (position, incarnation));
            place.send(Ok(response(told.document, position, told.is_repeat)));
        }
    }
    drop(connection);
    while let Some(answer) = answered.recv().await {
        if sender.send(Ok(response(answer?, None, false))).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn response(
    document: Outgoing,
    position: Option<(Sequence, Incarnation)>,
    possible_repeat: bool,
) -> v1::Iso20022ServiceExchangeResponse {
    v1::Iso20022ServiceExchangeResponse {
        message_name: document.kind.name().to_owned(),
        document: document.bytes,
        sequence: position.map_or(0, |(position, _)| position.0),
        possible_repeat,
        incarnation: position.map(|(_, incarnation)| incarnation.0),
    }
}

fn read_start(first: v1::Iso20022ServiceExchangeRequest) -> Result<(Start, bool), Status> {
    let Some(Request::Start(start)) = first.request else { return Err(start_missing()) };
    let mut reader = FieldReader::new();
    let bank = reader.bic(&Path::root("start").field("bic"), &start.bic);
    let bank = reader.finish(bank).map_err(invalid)?;
    let wants = Wants { debit_questions: false, credit_questions: true, reports: true, other_news: true };
    let last = Named::read(start.last_sequence, start.incarnation);
    Ok((Start { bank, last, wants }, start.with_header))
}

fn start_missing() -> Status {
    let description = "the first message says who connects".to_owned();
    invalid(vec![v1::FieldViolation { field: "start".to_owned(), description }])
}
