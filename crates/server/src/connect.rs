//! `ParticipantService.Connect`: a bank is asked, answers, and hears what became of payments.
//!
//! Each connection has two tasks: one reads answers, one tells what there is. The second takes something only when
//! there is room for it on the way out, so a bank that does not read is given no more.
//!
//! A bank that ends its side can answer nothing any more. Its connection gives its questions up at once, tells what its
//! last answers came to, and ends.

use std::sync::Arc;

use client::convert::{FieldReader, Path, timestamp};
use client::v1;
use client::v1::connect_request::Request;
use prost::Message;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use types::PrincipalNumber;

use crate::admission::undecodable;
use crate::answers::{Answers, answer_results, take_answers};
use crate::caller::Caller;
use crate::lives::Named;
use crate::node::Node;
use crate::refusals::{bank_not_yours, invalid, stopping_connection};
use crate::replies::filled_by;
use crate::session::{Connection, Start, Wants};
use crate::wire::{ConnectReply, Encoded, Event};

/// What a connection is sent.
type Sent = Result<ConnectReply, Status>;

/// Events of one message.
const EVENTS_MAX: usize = 256;

/// Connects a bank.
pub(crate) fn connect(node: &Node, caller: Caller, requests: Streaming<Encoded>) -> ReceiverStream<Sent> {
    let node = node.clone();
    filled_by(|sender| async move { serve(&node, caller, requests, sender).await })
}

/// Serves a connection until one of its sides ends it.
async fn serve(
    node: &Node,
    caller: Caller,
    mut requests: Streaming<Encoded>,
    sender: mpsc::Sender<Sent>,
) -> Result<(), Status> {
    let Some(first) = node.clone().next(&mut requests).await? else { return Err(start_missing()) };
    let start = read_start(decoded(first)?)?;
    if !caller.may_act_for(start.bank) {
        return Err(bank_not_yours().into_status());
    }
    let connection = Connection::open(node, start).await?;
    let answers = Answers::new(node.mailbox.clone());
    let (hangs_up, hung_up) = oneshot::channel();
    let listening = async {
        let _hangs_up = hangs_up;
        listen(node, caller.principal, start, requests, &answers).await
    };
    tokio::select! {
        // When the bank has ended its side, it is still told what there is to say.
        Err(status) = listening => Err(status),
        ended = tell(node, connection, &answers, sender, hung_up) => ended,
    }
}

/// Reads answers until the bank ends its side.
async fn listen(
    node: &Node,
    principal: PrincipalNumber,
    start: Start,
    mut requests: Streaming<Encoded>,
    answers: &Arc<Answers>,
) -> Result<(), Status> {
    loop {
        let Some(message) = requests.message().await? else { return Ok(()) };
        match decoded(message)?.request {
            Some(Request::Answers(message)) => {
                take_answers(node, answers, principal, start.bank, message).await?;
            }
            Some(Request::Start(_)) | None => {
                let description = "after the first message a bank sends answers".to_owned();
                return Err(invalid(vec![v1::FieldViolation { field: "answers".to_owned(), description }]));
            }
        }
    }
}

/// Tells what there is, as long as it is read, and until the bank has ended its side.
async fn tell(
    node: &Node,
    mut connection: Connection,
    answers: &Answers,
    sender: mpsc::Sender<Sent>,
    mut hung_up: oneshot::Receiver<()>,
) -> Result<(), Status> {
    let mut events = vec![started(node, &connection)];
    loop {
        let room = tokio::select! {
            room = sender.clone().reserve_owned() => room,
            _ = &mut hung_up => break,
        };
        let Ok(room) = room else { return Ok(()) };
        while events.is_empty() {
            let results = answer_results(node, answers.take(EVENTS_MAX)).await?;
            events.extend(results.into_iter().map(Event::AnswerResult));
            let heard = connection.take(EVENTS_MAX - events.len()).await?;
            events.extend(heard.into_iter().map(Event::Heard));
            if events.is_empty() {
                tokio::select! {
                    () = connection.ready() => {}
                    () = answers.ready() => {}
                    _ = &mut hung_up => {
                        drop((connection, room));
                        return finish(node, answers, &sender, events).await;
                    }
                    () = node.stops() => return Err(stopping_connection()),
                }
            }
        }
        let events = std::mem::take(&mut events);
        room.send(Ok(ConnectReply { handle: node.handle.clone(), events }));
    }
    drop(connection);
    finish(node, answers, &sender, events).await
}

/// Tells what the last answers came to.
async fn finish(
    node: &Node,
    answers: &Answers,
    sender: &mpsc::Sender<Sent>,
    mut events: Vec<Event>,
) -> Result<(), Status> {
    answers.close();
    loop {
        let are_all_decided = answers.are_all_decided();
        let results = answer_results(node, answers.take(EVENTS_MAX)).await?;
        events.extend(results.into_iter().map(Event::AnswerResult));
        if !events.is_empty() {
            let events = std::mem::take(&mut events);
            if sender.send(Ok(ConnectReply { handle: node.handle.clone(), events })).await.is_err() {
                return Ok(());
            }
        } else if are_all_decided {
            return Ok(());
        } else {
            tokio::select! {
                () = answers.ready() => {}
                () = node.stops() => return Err(stopping_connection()),
            }
        }
    }
}

fn decoded(Encoded(message): Encoded) -> Result<v1::ConnectRequest, Status> {
    v1::ConnectRequest::decode(message).map_err(undecodable)
}

fn started(node: &Node, connection: &Connection) -> Event {
    let as_of = connection.as_of();
    Event::Started(v1::ConnectStarted {
        as_of_sequence: as_of.sequence.0,
        as_of_time: Some(timestamp(as_of.time)),
        unanswered: connection.unanswered(),
        incarnation: Some(node.handle.lives().last().incarnation.0),
    })
}

fn read_start(first: v1::ConnectRequest) -> Result<Start, Status> {
    let Some(Request::Start(start)) = first.request else { return Err(start_missing()) };
    let mut reader = FieldReader::new();
    let bank = reader.bic(&Path::root("start").field("bic"), &start.bic);
    let bank = reader.finish(bank).map_err(invalid)?;
    let reports = !start.questions_only;
    // Watch tells crossings to systems; the exchange, which has no other way, tells them as documents.
    let wants = Wants { debit_questions: true, credit_questions: true, reports, other_news: false };
    Ok(Start { bank, last: Named::read(start.last_sequence, start.incarnation), wants })
}

fn start_missing() -> Status {
    let description = "the first message says who connects".to_owned();
    invalid(vec![v1::FieldViolation { field: "start".to_owned(), description }])
}
