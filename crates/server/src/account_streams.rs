//! Accounts that are opened and entries that are booked in bulk: messages of many, answered as they become durable, and
//! matched by their request ids.
//!
//! Invariants:
//! - What is wrong with an item is its own answer, and harms no other.
//! - Room for the answers is there before anything is submitted, so whoever does not read loses its stream and holds nobody up.

use client::limits::BATCH_ITEMS_MAX;
use client::{Refusal, v1};
use engine::{Answer, Question, Waiting};
use ledger::{OpenAccount, Outcome, PostEntry, RecordWriter};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use types::Currency;

use crate::accounts::{booked, own, read_opening, read_post_entry};
use crate::caller::Caller;
use crate::node::Node;
use crate::refusals::{invalid, not_taken, refused};
use crate::replies::Replies;
use crate::values::confirmation;

/// An item: what is remembered of it, and what it asks for.
type Item<Kind> = (<Kind as Bulk>::Asked, Result<<Kind as Bulk>::Command, Refusal>);

/// One kind of such a stream.
pub(crate) trait Bulk: Sized + Send + 'static {
    /// A message of items.
    type Message: Send + 'static;
    /// What an item asks for.
    type Command: Send + Sync;
    /// What is remembered of an item until it is answered.
    type Asked: Clone + Send + 'static;
    /// What became of an item.
    type Result: Send + 'static;
    /// A message of results.
    type Results: Send + 'static;

    /// The name of the items' field.
    const ITEMS: &'static str;

    /// The items, each read or refused.
    fn read(caller: &Caller, message: Self::Message) -> Vec<Item<Self>>;

    /// Refuses what is not the caller's and only the core can tell.
    fn check(
        _node: &Node,
        _caller: &Caller,
        _items: &mut [Item<Self>],
    ) -> impl Future<Output = Result<(), Status>> + Send {
        std::future::ready(Ok(()))
    }

    fn write(command: &Self::Command, commands: &mut RecordWriter);
    fn result(asked: Self::Asked, became: Result<&Outcome, Refusal>) -> Self::Result;
    fn results(results: Vec<Self::Result>) -> Self::Results;
}

/// Serves a stream in a task of its own, until its caller ends it.
pub(crate) fn serve<Kind: Bulk>(
    node: &Node,
    caller: Caller,
    mut messages: Streaming<Kind::Message>,
) -> ReceiverStream<Result<Kind::Results, Status>> {
    let (replies, stream) = Replies::new(&node.limits);
    let mut node = node.clone();
    tokio::spawn(async move {
        loop {
            let message = match node.next(&mut messages).await {
                Ok(Some(message)) => message,
                // The caller has ended its side. Replies under way hold their own room.
                Ok(None) => return,
                // The message can't be read, the caller has gone, or the node stops.
                Err(status) => return replies.end(status),
            };
            if let Err(status) = carry_out::<Kind>(&node, &caller, &replies, message).await {
                return replies.end(status);
            }
        }
    });
    stream
}

/// Carries one message out. The faulty items are answered at once, the others when they are durable.
async fn carry_out<Kind: Bulk>(
    node: &Node,
    caller: &Caller,
    replies: &Replies<Kind::Results>,
    message: Kind::Message,
) -> Result<(), Status> {
    let mut items = Kind::read(caller, message);
    if items.is_empty() || items.len() > BATCH_ITEMS_MAX {
        let (field, most) = (Kind::ITEMS, BATCH_ITEMS_MAX);
        let description = format!("a message has 1 to {most} {field}");
        return Err(invalid(vec![v1::FieldViolation { field: field.to_owned(), description }]));
    }
    Kind::check(node, caller, &mut items).await?;
    let mut results = Vec::new();
    let mut parts = Vec::new();
    for (asked, read) in items {
        match read {
            Ok(command) => {
                node.append(&mut parts, caller, asked, |commands| Kind::write(&command, commands));
            }
            Err(refusal) => results.push(Kind::result(asked, Err(refusal))),
        }
    }
    for (commands, all) in parts {
        let room = replies.room().await?;
        let sent = all.clone();
        let sink = move |outcomes: &[Outcome], _: &mut Waiting<'_>| {
            let results = sent.into_iter().zip(outcomes);
            let results = results.map(|(asked, outcome)| Kind::result(asked, became(outcome)));
            room.send(Ok(Kind::results(results.collect())));
        };
        if let Err(reason) = node.handle.submit(commands, Box::new(sink)) {
            results.extend(all.into_iter().map(|asked| Kind::result(asked, Err(not_taken(reason)))));
        }
    }
    if !results.is_empty() {
        replies.room().await?.send(Ok(Kind::results(results)));
    }
    Ok(())
}

fn became(outcome: &Outcome) -> Result<&Outcome, Refusal> {
    outcome.refusal().map_or(Ok(outcome), |refusal| Err(refused(refusal)))
}

/// Accounts to open.
#[derive(Debug)]
pub(crate) enum Openings {}

impl Bulk for Openings {
    type Message = v1::OpenAccountsRequest;
    type Command = OpenAccount;
    /// The request id.
    type Asked = String;
    type Result = v1::AccountOpeningResult;
    type Results = v1::OpenAccountsResponse;

    const ITEMS: &'static str = "openings";

    fn read(caller: &Caller, message: Self::Message) -> Vec<Item<Self>> {
        let read = |opening: v1::AccountOpening| {
            let command = read_opening(&opening.request_id, opening.account.as_ref());
            (opening.request_id, command.and_then(|command| own(caller, command)))
        };
        message.openings.into_iter().map(read).collect()
    }

    fn write(command: &OpenAccount, commands: &mut RecordWriter) {
        commands.open_account(command);
    }

    fn result(request_id: String, became: Result<&Outcome, Refusal>) -> Self::Result {
        use v1::account_opening_result::Result as Wire;
        let result = match became {
            Ok(outcome) => Wire::Confirmation(confirmation(outcome)),
            Err(refusal) => Wire::NotTaken(refusal.into_not_taken()),
        };
        v1::AccountOpeningResult { request_id, result: Some(result) }
    }

    fn results(results: Vec<Self::Result>) -> Self::Results {
        v1::OpenAccountsResponse { results }
    }
}

/// Entries to book.
#[derive(Debug)]
pub(crate) enum Entries {}

impl Bulk for Entries {
    type Message = v1::PostEntriesRequest;
    type Command = PostEntry;
    /// The request id, and the currency of the account if it could be read.
    type Asked = (String, Currency);
    type Result = v1::EntryResult;
    type Results = v1::PostEntriesResponse;

    const ITEMS: &'static str = "entries";

    fn read(_: &Caller, message: Self::Message) -> Vec<Item<Self>> {
        let read = |entry: v1::PostEntryRequest| {
            let command = read_post_entry(&entry);
            let currency = command.as_ref().map_or(Currency::EUR, |command| command.account.currency);
            ((entry.request_id, currency), command)
        };
        message.entries.into_iter().map(read).collect()
    }

    /// The accounts of other banks do not exist for a caller. The core is asked about those of a message together.
    async fn check(node: &Node, caller: &Caller, items: &mut [Item<Self>]) -> Result<(), Status> {
        if caller.acts_for_all() {
            return Ok(());
        }
        let accounts = items.iter().filter_map(|(_, read)| read.as_ref().ok().map(|command| command.account));
        let answered = node.ask(Question::Owners(accounts.collect())).await?;
        let Answer::Owners(owners) = answered.answer else {
            unreachable!("a question about owners is answered by owners")
        };
        let read = items.iter_mut().map(|(_, read)| read).filter(|read| read.is_ok());
        for (read, owner) in read.zip(owners) {
            if !owner.is_some_and(|bank| caller.may_act_for(bank)) {
                *read = Err(refused(ledger::Refusal::AccountUnknown));
            }
        }
        Ok(())
    }

    fn write(command: &PostEntry, commands: &mut RecordWriter) {
        commands.post_entry(command);
    }

    fn result((request_id, currency): Self::Asked, became: Result<&Outcome, Refusal>) -> Self::Result {
        use v1::entry_result::Result as Wire;
        let result = match became {
            Ok(outcome) => Wire::Booked(booked(outcome, currency)),
            Err(refusal) => Wire::NotTaken(refusal.into_not_taken()),
        };
        v1::EntryResult { request_id, result: Some(result) }
    }

    fn results(results: Vec<Self::Result>) -> Self::Results {
        v1::PostEntriesResponse { results }
    }
}
