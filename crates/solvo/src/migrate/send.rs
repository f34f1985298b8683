//! Accounts on their way into a node: each is opened, and then its balance is booked.
//!
//! Invariants:
//! - Requests are named by what they ask for, so whatever is sent again is done once: an opening by the account and all that is
//!   said of it, because a refusal is remembered as well and a line that was put right is another request; a balance by the
//!   account alone, because an account has one to begin with.
//! - A balance is booked only for an account whose opening the node has confirmed, no longer ago than [`AGE_MAX`]: later
//!   the node may have forgotten the entry, and would book it twice.

use std::time::Duration;

use anyhow::bail;
use client::v1::{AccountType, EntryDirection, ErrorReason};
use client::{AccountOpenings, Client, Entries, Exchange, Refusal, StreamOptions, v1};
use prost::Message;
use tokio::sync::mpsc;
use types::{Balance, Date};

use super::file::{Account, Fault};
use crate::lane::{Lane, PAUSE};

/// Accounts that are sent together.
pub(crate) const TOGETHER: usize = 512;

/// Accounts of one stream that are under way.
const UNDER_WAY_MAX: usize = 8 * TOGETHER;

/// Before this age of its first opening, the node remembers an entry: requests are remembered for five days, and what is
/// left of them is more than a run takes.
const AGE_MAX: Duration = Duration::from_secs(4 * 24 * 3600);

/// What each request has from the command line.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) participant: String,
    pub(crate) value_date: Date,
    pub(crate) reference: String,
}

/// What became of an account.
pub(crate) enum Told {
    /// It is open, and has its balance.
    Taken(Account),
    /// It was refused.
    Refused(Fault),
}

/// Carries accounts over, as they come, until there are no more.
///
/// # Errors
/// If the node can't be reached any more.
pub(crate) async fn carry(
    client: &Client,
    terms: &Terms,
    mut accounts: mpsc::Receiver<Vec<Account>>,
    told: mpsc::Sender<Vec<Told>>,
) -> anyhow::Result<()> {
    let options = StreamOptions { in_flight_max: UNDER_WAY_MAX };
    let mut openings: Lane<AccountOpenings, Account> = Lane::open(client, options);
    let mut entries: Lane<Entries, Account> = Lane::open(client, options);
    let mut has_more = true;
    while has_more || openings.is_busy() || entries.is_busy() {
        let has_room = openings.count() + entries.count() + TOGETHER <= UNDER_WAY_MAX;
        let mut news = Vec::new();
        tokio::select! {
            some = accounts.recv(), if has_more && has_room => match some {
                Some(some) => openings.send(some, |account| opening(account, terms)).await,
                None => has_more = false,
            },
            answered = openings.receive() => {
                let mut opened = Vec::new();
                for (account, answer) in answered? {
                    match opened_by(&answer, account.balance) {
                        Ok(true) => opened.push(account),
                        Ok(false) => news.push(Told::Taken(account)),
                        Err(Obstacle::Room) => openings.again.push(account),
                        Err(Obstacle::Refused(what)) => news.push(Told::Refused(Fault { line: account.line, what })),
                    }
                }
                entries.send(opened, |account| entry(account, terms)).await;
            }
            answered = entries.receive() => {
                for (account, answer) in answered? {
                    match booked_by(&answer) {
                        Ok(()) => news.push(Told::Taken(account)),
                        Err(Obstacle::Room) => entries.again.push(account),
                        Err(Obstacle::Refused(what)) => news.push(Told::Refused(Fault { line: account.line, what })),
                    }
                }
            }
            () = tokio::time::sleep(PAUSE), if openings.waits() || entries.waits() => {
                let some = std::mem::take(&mut openings.again);
                openings.send(some, |account| opening(account, terms)).await;
                let some = std::mem::take(&mut entries.again);
                entries.send(some, |account| entry(account, terms)).await;
            }
        }
        if !news.is_empty() && told.send(news).await.is_err() {
            bail!("nobody counts what was carried over");
        }
    }
    Ok(())
}

/// Why something was not done.
enum Obstacle {
    /// The node had no room at that moment.
    Room,
    /// Sent again, it would be refused again.
    Refused(String),
}

impl From<Refusal> for Obstacle {
    fn from(refusal: Refusal) -> Self {
        let is_passing = refusal.reason == ErrorReason::Overloaded;
        if is_passing { Self::Room } else { Self::Refused(refusal.to_string()) }
    }
}

/// Whether a balance is to be booked now.
fn opened_by(answer: &v1::AccountOpeningResult, balance: Balance) -> Result<bool, Obstacle> {
    if let Some(refusal) = AccountOpenings::refusal(answer) {
        return Err(refusal.into());
    }
    let Some(v1::account_opening_result::Result::Confirmation(confirmation)) = &answer.result else {
        return Err(Obstacle::Refused("the node gave an answer that this program does not know".to_owned()));
    };
    if balance != Balance::ZERO && is_old(confirmation) {
        let what = "it was opened by an earlier run, more than four days ago: look whether its balance was booked, \
                    and book it with PostEntry if it was not";
        return Err(Obstacle::Refused(what.to_owned()));
    }
    Ok(balance != Balance::ZERO)
}

fn is_old(confirmation: &v1::Confirmation) -> bool {
    let decided = confirmation.decided_time.and_then(|time| std::time::SystemTime::try_from(time).ok());
    // A time that lies ahead of this machine's clock is not old.
    let age = decided.and_then(|decided| decided.elapsed().ok()).unwrap_or_default();
    confirmation.repeat && age > AGE_MAX
}

fn booked_by(answer: &v1::EntryResult) -> Result<(), Obstacle> {
    Entries::refusal(answer).map_or(Ok(()), |refusal| Err(refusal.into()))
}

fn opening(account: &Account, terms: &Terms) -> v1::AccountOpening {
    let r#type = if account.is_savings { AccountType::Savings } else { AccountType::Current };
    let new = v1::NewAccount {
        participant: terms.participant.clone(),
        iban: account.iban.as_str().to_owned(),
        currency_code: account.currency.code().to_owned(),
        r#type: r#type.into(),
        floor: account.floor.to_decimal(account.currency),
        holder_names: account.holder_names.iter().map(|name| name.as_str().to_owned()).collect(),
        identification_code: account.identification.as_ref().map_or("", |code| code.as_str()).to_owned(),
    };
    let said = blake3::hash(&new.encode_to_vec()).to_hex();
    let request_id = format!("migrate/{}/{}", account.name(), &said[..16]);
    v1::AccountOpening { request_id, account: Some(new) }
}

fn entry(account: &Account, terms: &Terms) -> v1::PostEntryRequest {
    let balance = account.balance.to_decimal(account.currency);
    let (amount, direction) = match balance.strip_prefix('-') {
        Some(amount) => (amount.to_owned(), EntryDirection::Debit),
        None => (balance, EntryDirection::Credit),
    };
    v1::PostEntryRequest {
        request_id: format!("migrate/balance/{}", account.name()),
        iban: account.iban.as_str().to_owned(),
        amount: Some(v1::Money { amount, currency_code: account.currency.code().to_owned() }),
        direction: direction.into(),
        value_date: terms.value_date.to_string(),
        booking_key: "MIGRATION".to_owned(),
        core_reference: terms.reference.clone(),
    }
}
