//! `solvo postings watch`: postings as they are booked.

use std::io::{self, Write};
use std::process::ExitCode;

use client::{PostingWatcher, v1};

use super::{BookArgs, class_name};
use crate::remote;
use crate::report::NodeArgs;

/// Prints the postings of a book as they are booked, one line each, until it is ended.
///
/// A connection that breaks is opened again, and numbers go on without a gap. Keep the last number with what was made of the
/// postings: --after goes on from there.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo postings watch --bank ALFABEBB --after 0\n  solvo postings watch --bank ALFABEBB --after \
                  1200 --count 100 --json"
)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    book: BookArgs,
    /// Go on behind the posting with this number; 0 for all. Without it only those that come.
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
    /// The life of the log that gave that number.
    #[arg(long, value_name = "NUMBER", requires = "after")]
    incarnation: Option<u64>,
    /// End after so many postings.
    #[arg(long, value_name = "COUNT")]
    count: Option<u64>,
    /// Print one JSON object for each.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) async fn run(arguments: &WatchArgs) -> anyhow::Result<ExitCode> {
    let client = remote::connect(&arguments.node.to, &arguments.node.tls).await?;
    let request = v1::PostingServiceWatchRequest {
        participant: arguments.book.bank.clone(),
        currency_code: arguments.book.currency.clone(),
        after_number: arguments.after,
        incarnation: arguments.incarnation,
    };
    let mut watcher = PostingWatcher::open(&client, request);
    let mut left = arguments.count;
    while left != Some(0) {
        let told = tokio::select! {
            told = watcher.next() => told?,
            _ = tokio::signal::ctrl_c() => break,
        };
        let mut out = io::stdout().lock();
        for posting in told.postings {
            if left == Some(0) {
                break;
            }
            left = left.map(|left| left - 1);
            match arguments.json {
                true => writeln!(out, "{}", json(&posting))?,
                false => write_text(&posting, &mut out)?,
            }
        }
        out.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn direction(posting: &v1::Posting) -> &'static str {
    match posting.direction() {
        v1::EntryDirection::Debit => "DBIT",
        v1::EntryDirection::Credit => "CRDT",
        v1::EntryDirection::Unspecified => "-",
    }
}

fn kind(posting: &v1::Posting) -> &'static str {
    posting.r#type().as_str_name().trim_start_matches("ENTRY_TYPE_")
}

fn json(posting: &v1::Posting) -> serde_json::Value {
    let time = posting.booked_time.as_ref().and_then(client::convert::timestamp_from_wire);
    serde_json::json!({
        "number": posting.number,
        "sequence": posting.sequence,
        "turn": posting.turn,
        "booked": time.map(|time| time.to_string()),
        "booking_date": posting.booking_date,
        "value_date": posting.value_date,
        "kind": kind(posting),
        "class": class_name(posting.class()),
        "gl_account": posting.gl_account,
        "account": posting.account_number,
        "direction": direction(posting),
        "amount": posting.amount,
        "payment_id": posting.payment_id,
    })
}

fn write_text(posting: &v1::Posting, out: &mut impl Write) -> io::Result<()> {
    let v1::Posting { number, booking_date, gl_account, amount, payment_id, .. } = posting;
    let (kind, class, side) = (kind(posting), class_name(posting.class()), direction(posting));
    writeln!(
        out,
        "{number:>10} {booking_date} {kind:<12} {class:<9} {gl_account:<20} {side} {amount:>16} {payment_id}"
    )
}
