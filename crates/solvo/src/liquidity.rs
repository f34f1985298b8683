//! `solvo liquidity`: positions, and what stands beside them.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use client::v1::set_block_request::Target;
use client::{Client, v1};
use serde_json::json;

use crate::remote::{self, TlsArgs};
use crate::submit::run_id;

/// Shows positions and limits, moves own funds, sets alerts, reachable parties and blocks.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  solvo liquidity show ALFABEBB\n  solvo liquidity move ALFABEBB to-technical 500.00\n  \
                        solvo liquidity alert ALFABEBB --floor 10000.00\n  solvo liquidity party PRTYBEBB --name \
                        'A party' --mode hosted --host ALFABEBB --limit 2500.00\n  solvo liquidity block position \
                        ALFABEBB debit"
)]
pub(crate) struct LiquidityArgs {
    #[command(subcommand)]
    action: Action,
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400", global = true)]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// The currency.
    #[arg(long, value_name = "CODE", default_value = "EUR", global = true)]
    currency: String,
    /// Print one JSON object.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Shows a participant's position, or a reachable party's limit.
    Show {
        /// The bank.
        bic: String,
    },
    /// Moves money between a participant's own position and its own technical account.
    Move {
        /// The participant.
        bic: String,
        /// Which way.
        way: Way,
        /// How much, a decimal.
        amount: String,
        /// A reference that stands beside the booking.
        #[arg(long, value_name = "TEXT", default_value = "OWN-FUNDS")]
        reference: String,
    },
    /// Says from when on a bank hears of its position, or of what is left of its limit. Without bounds it hears nothing
    /// any more.
    Alert {
        /// The bank.
        bic: String,
        /// A fall below it is told.
        #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
        floor: Option<String>,
        /// A rise above it is told.
        #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true)]
        ceiling: Option<String>,
    },
    /// Makes a bank reachable over a participant's position, or replaces its limit.
    Party {
        /// The bank.
        bic: String,
        /// Its name.
        #[arg(long)]
        name: String,
        /// Where its customers' accounts live.
        #[arg(long)]
        mode: Mode,
        /// The participant on whose position it settles.
        #[arg(long, value_name = "BIC")]
        host: String,
        /// How much it may spend beyond what it received. Without it: as much as the position holds.
        #[arg(long, value_name = "AMOUNT")]
        limit: Option<String>,
    },
    /// Stops debits, credits or both, or lets them through again.
    Block {
        /// Of what.
        target: BlockTarget,
        /// The bank's BIC, or the account's IBAN.
        name: String,
        /// Which.
        block: Block,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Way {
    /// From the position to the technical account.
    ToTechnical,
    /// From the technical account to the position.
    ToPosition,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Hosted,
    Remote,
    Mixed,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum BlockTarget {
    Participant,
    Position,
    Limit,
    Account,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Block {
    None,
    Debit,
    Credit,
    Both,
}

/// Carries one action out.
pub(crate) async fn run(arguments: &LiquidityArgs) -> anyhow::Result<ExitCode> {
    let client = remote::connect(&arguments.to, &arguments.tls).await?;
    let told = match &arguments.action {
        Action::Show { bic } => show(&client, bic, &arguments.currency).await?,
        Action::Move { bic, way, amount, reference } => {
            let money = v1::Money { amount: amount.clone(), currency_code: arguments.currency.clone() };
            own_funds(&client, bic, *way, money, reference).await?
        }
        Action::Alert { bic, floor, ceiling } => {
            let bounds = v1::AlertBounds { floor: floor.clone(), ceiling: ceiling.clone() };
            let request = v1::SetPositionAlertRequest {
                request_id: request_id("alert"),
                bic: bic.clone(),
                currency_code: arguments.currency.clone(),
                bounds: Some(bounds),
            };
            let set = client.set_position_alert(request).await;
            done(set.context("the alert was not set")?.confirmation)
        }
        Action::Party { bic, name, mode, host, limit } => {
            let request = v1::SetReachablePartyRequest {
                request_id: request_id("party"),
                bic: bic.clone(),
                name: name.clone(),
                account_mode: mode.to_wire().into(),
                host: host.clone(),
                currency_code: arguments.currency.clone(),
                limit: limit.clone(),
            };
            let set = client.set_reachable_party(request).await;
            done(set.context("the party was not set")?.confirmation)
        }
        Action::Block { target, name, block } => {
            let request = v1::SetBlockRequest {
                request_id: request_id("block"),
                block: block.to_wire().into(),
                target: Some(target.to_wire(name, &arguments.currency)),
            };
            let set = client.set_block(request).await;
            done(set.context("the block was not set")?.confirmation)
        }
    };
    told.print(arguments.json)?;
    Ok(ExitCode::SUCCESS)
}

/// What is printed, for people and for machines.
struct Told {
    text: String,
    json: serde_json::Value,
}

impl Told {
    fn print(&self, as_json: bool) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        match as_json {
            true => writeln!(out, "{}", self.json),
            false => writeln!(out, "{}", self.text),
        }
    }
}

fn done(confirmation: Option<v1::Confirmation>) -> Told {
    let sequence = confirmation.map_or(0, |confirmation| confirmation.sequence);
    Told { text: format!("done at {sequence}"), json: json!({ "sequence": sequence }) }
}

/// The position, or the limit where there is no position.
async fn show(client: &Client, bic: &str, currency: &str) -> anyhow::Result<Told> {
    let (bic, currency_code) = (bic.to_owned(), currency.to_owned());
    let request = v1::GetPositionRequest { bic: bic.clone(), currency_code: currency_code.clone() };
    let position = match client.get_position(request).await {
        Ok(reply) => reply.position,
        Err(position_error) => {
            let request = v1::GetReachablePartyRequest { bic, currency_code };
            let Ok(reply) = client.get_reachable_party(request).await else {
                return Err(position_error).context("there is neither position nor limit");
            };
            return Ok(told_of_party(&reply.party.unwrap_or_default()));
        }
    };
    let Some(position) = position else { bail!("the node answered without a position") };
    let bounds = position.alert.clone().unwrap_or_default();
    let json = json!({
        "bic": position.bic, "currency": position.currency_code, "balance": position.balance,
        "reserved": position.reserved, "available": position.available,
        "technical_balance": position.technical_balance, "floor": bounds.floor, "ceiling": bounds.ceiling,
        "block": block_name(position.block()),
    });
    let technical = match position.technical_balance.as_str() {
        "" => String::new(),
        balance => format!(", technical account {balance}"),
    };
    let v1::Position { bic, balance, reserved, available, currency_code, .. } = &position;
    let bounds = bounds_text(&bounds);
    let text = format!(
        "{bic} {currency_code}: balance {balance}, reserved {reserved}, available {available}{technical}{bounds}{}",
        block_text(position.block())
    );
    Ok(Told { text, json })
}

fn told_of_party(party: &v1::ReachableParty) -> Told {
    let bounds = party.alert.clone().unwrap_or_default();
    let json = json!({
        "bic": party.bic, "host": party.host, "currency": party.currency_code, "limit": party.limit,
        "utilisation": party.utilisation, "headroom": party.headroom, "reserved": party.reserved,
        "floor": bounds.floor, "ceiling": bounds.ceiling, "block": block_name(party.block()),
    });
    let v1::ReachableParty { bic, host, currency_code, utilisation, reserved, .. } = party;
    let limit = match (&party.limit, &party.headroom) {
        (Some(limit), Some(headroom)) => format!("limit {limit}, headroom {headroom}"),
        _ => "no limit".to_owned(),
    };
    let bounds = bounds_text(&bounds);
    let text = format!(
        "{bic} {currency_code} over {host}: {limit}, utilisation {utilisation}, reserved {reserved}{bounds}{}",
        block_text(party.block())
    );
    Told { text, json }
}

async fn own_funds(
    client: &Client,
    bic: &str,
    way: Way,
    amount: v1::Money,
    reference: &str,
) -> anyhow::Result<Told> {
    let own = |r#type: v1::OwnAccountType| v1::OwnAccount { bic: bic.to_owned(), r#type: r#type.into() };
    let (position, technical) = (own(v1::OwnAccountType::Position), own(v1::OwnAccountType::Technical));
    let (from, to) = match way {
        Way::ToTechnical => (position, technical),
        Way::ToPosition => (technical, position),
    };
    let request = v1::TransferOwnFundsRequest {
        request_id: request_id("move"),
        from: Some(from),
        to: Some(to),
        amount: Some(amount),
        reference: reference.to_owned(),
    };
    let moved = client.transfer_own_funds(request).await.context("the money was not moved")?;
    let (position, technical) = (moved.position_balance, moved.technical_balance);
    Ok(Told {
        text: format!("position {position}, technical account {technical}"),
        json: json!({ "position": position, "technical": technical }),
    })
}

fn bounds_text(bounds: &v1::AlertBounds) -> String {
    let bound = |name, bound: &Option<String>| {
        bound.as_ref().map_or_else(String::new, |bound| format!(", {name} {bound}"))
    };
    bound("floor", &bounds.floor) + &bound("ceiling", &bounds.ceiling)
}

const fn block_name(block: v1::Block) -> &'static str {
    match block {
        v1::Block::Unspecified => "none",
        v1::Block::Debit => "debit",
        v1::Block::Credit => "credit",
        v1::Block::Both => "both",
    }
}

fn block_text(block: v1::Block) -> String {
    match block {
        v1::Block::Unspecified => String::new(),
        v1::Block::Debit | v1::Block::Credit | v1::Block::Both => format!(", blocked: {}", block_name(block)),
    }
}

fn request_id(verb: &str) -> String {
    format!("liquidity-{verb}-{}", run_id().as_str())
}

impl Mode {
    const fn to_wire(self) -> v1::AccountMode {
        match self {
            Self::Hosted => v1::AccountMode::Hosted,
            Self::Remote => v1::AccountMode::Remote,
            Self::Mixed => v1::AccountMode::Mixed,
        }
    }
}

impl Block {
    const fn to_wire(self) -> v1::Block {
        match self {
            Self::None => v1::Block::Unspecified,
            Self::Debit => v1::Block::Debit,
            Self::Credit => v1::Block::Credit,
            Self::Both => v1::Block::Both,
        }
    }
}

impl BlockTarget {
    fn to_wire(self, name: &str, currency: &str) -> Target {
        let (name, currency_code) = (name.to_owned(), currency.to_owned());
        match self {
            Self::Participant => Target::Participant(name),
            Self::Position => Target::Position(v1::PositionName { bic: name, currency_code }),
            Self::Limit => Target::PartyLimit(v1::PositionName { bic: name, currency_code }),
            Self::Account => Target::Account(v1::AccountName { iban: name, currency_code }),
        }
    }
}
