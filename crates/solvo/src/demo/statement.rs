//! The statement that the demo shows: that of the payee whose payments were asked back, as its bank sends it.
//!
//! Invariant: it is read back from the document, and what it says is compared with what the ledger says.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, ensure};
use client::{Client, v1};
use iso20022::{BookingCode, EntryDirection, Moment, StatementEntry, StatementReader};
use loadgen::AskedBack;
use types::{Currency, Date};

use crate::serve::tell;

/// How often it is asked whether history has come so far, and how long is waited in between.
const HISTORY_ASKED_MAX: u32 = 300;
const HISTORY_PAUSE: Duration = Duration::from_millis(20);

/// Shows the statement of today so far, and says whether it is what it should be.
pub(super) async fn show_statement(client: &Client, asked: &AskedBack) -> anyhow::Result<bool> {
    let as_of = until_told(client, asked).await?;
    let seconds = as_of.time.context("history did not say up to when it goes")?.seconds;
    let today = i32::try_from(seconds / 86_400).ok().and_then(Date::from_days);
    let today = today.context("the log's time is out of range")?;
    let document = fetch(client, asked, today).await?;
    let mut reader = StatementReader::open(document.as_slice()).context("the statement can't be read")?;
    let (currency, chain) = (reader.statement().account.currency, reader.statement().chain);
    let chain = chain.context("the statement has no balances")?;
    let [opening, closing] = [chain.opening, chain.closing].map(|balance| balance.amount);
    let mut text = String::new();
    writeln!(text, "  {:<10} {:<28} {:>12}", today.to_string(), "begins with", opening.to_decimal(currency))?;
    for entry in reader.by_ref() {
        writeln!(text, "{}", line(&entry.context("an entry can't be read")?, currency))?;
    }
    writeln!(text, "  {:<10} {:<28} {:>12}", "so far", "has", closing.to_decimal(currency))?;
    let net = reader.totals().net().context("the entries leave the range of a balance")?;
    let chains = opening.minor_units().checked_add(net.minor_units()) == Some(closing.minor_units());
    let is_same = closing.to_decimal(currency) == asked.payee_balance;
    let fits = chains && is_same;
    let length = document.len();
    let remark =
        if fits { "its balances chain, and end with the ledger's" } else { "DOES NOT FIT THE LEDGER" };
    tell(format_args!("{text}  camt.052 of {length} bytes: {remark}"));
    Ok(fits)
}

/// Waits until history has taken in what the statement is about.
async fn until_told(client: &Client, asked: &AskedBack) -> anyhow::Result<v1::HistoryAsOf> {
    let last = asked.recalls.iter().map(|recall| recall.answered_sequence).max().unwrap_or_default();
    for _ in 0..HISTORY_ASKED_MAX {
        let status = client.get_history_status(v1::GetHistoryStatusRequest {}).await;
        let as_of = status.context("history can't be asked")?.as_of;
        if let Some(as_of) = as_of.filter(|as_of| as_of.sequence >= last) {
            return Ok(as_of);
        }
        tokio::time::sleep(HISTORY_PAUSE).await;
    }
    anyhow::bail!("history did not come to position {last}")
}

async fn fetch(client: &Client, asked: &AskedBack, today: Date) -> anyhow::Result<Vec<u8>> {
    use v1::get_statement_request::Owner;
    let (iban, currency_code) = (asked.payee.as_str().to_owned(), Currency::EUR.code().to_owned());
    let request = v1::GetStatementRequest {
        owner: Some(Owner::Account(v1::AccountName { iban, currency_code })),
        date: today.to_string(),
        form: v1::StatementForm::Camt052.into(),
        utc_offset_minutes: Some(0),
        after_sequence: None,
    };
    let mut pieces = client.get_statement(request).await.context("there is no statement")?;
    let (mut document, mut is_whole) = (Vec::new(), false);
    while let Some(piece) = pieces.next().await? {
        document.extend_from_slice(&piece.content);
        is_whole = piece.complete;
    }
    ensure!(is_whole, "the statement ended before it was whole");
    Ok(document)
}

fn line(entry: &StatementEntry, currency: Currency) -> String {
    let what = match &entry.code {
        BookingCode::TransferSent => "sent".to_owned(),
        BookingCode::TransferReceived => "received".to_owned(),
        BookingCode::SentReturned => "came back".to_owned(),
        BookingCode::ReceivedReturned => "given back".to_owned(),
        BookingCode::Fee => "fee".to_owned(),
        BookingCode::FeeRefund => "fee given back".to_owned(),
        BookingCode::Liquidity => "liquidity".to_owned(),
        BookingCode::Own(code) => format!("booked by its bank ({})", code.as_str()),
        BookingCode::Other { sub_family, .. } => sub_family.as_str().to_owned(),
    };
    let sign = match entry.direction {
        EntryDirection::Credit => '+',
        EntryDirection::Debit => '-',
    };
    let booked = match entry.booked {
        Moment::Date(date) => date.to_string(),
        // Of the form 2026-11-20T08:30:00.123Z; the day stands above.
        Moment::Time(time) | Moment::Clock { time, .. } => {
            time.to_string().get(11..19).unwrap_or_default().to_owned()
        }
    };
    format!("  {booked:<10} {what:<28} {:>12}", format!("{sign}{}", entry.amount.to_decimal(currency)))
}
