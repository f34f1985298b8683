//! `solvo activate`, `solvo deactivate` and `solvo activation`: which accounts take part in payments, while banks move to a
//! node from another system.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use client::{Client, v1};
use serde_json::json;

use crate::remote::{self, TlsArgs};
use crate::submit::run_id;

/// Lets accounts of a bank take part in payments.
///
/// All of them, or those of a range of numbers; check digits do not count. Of two switches about the same account the later
/// one counts. Payments that were not taken before may be sent again under the same ids.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo activate ALFABEBB --reason 'All branches are here'\n  solvo activate ALFABEBB --first BE539000000000 --last BE539999999999 --reason 'Branch 539 is here'"
)]
pub(crate) struct ActivateArgs {
    #[command(flatten)]
    switch: SwitchArgs,
}

/// Ends that accounts of a bank take part in payments: another system decides about them.
///
/// Payments from them and to them are not taken then, and their ids stay unused. What was decided stands, and what was
/// reserved is carried through. Accounts can be opened and posted to all the same.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo deactivate ALFABEBB --reason 'The old system decides until Sunday'\n  solvo deactivate ALFABEBB --first BE539000000000 --last BE539999999999 --reason 'Back to the old system'"
)]
pub(crate) struct DeactivateArgs {
    #[command(flatten)]
    switch: SwitchArgs,
}

#[derive(Debug, clap::Args)]
struct SwitchArgs {
    /// The bank.
    bic: String,
    /// The first number of a range: an IBAN's country and what stands behind its check digits. Without a range it is about
    /// all accounts of the bank, whatever was said of ranges before.
    #[arg(long, value_name = "NUMBER", requires = "last")]
    first: Option<String>,
    /// The last number of the range, included.
    #[arg(long, value_name = "NUMBER", requires = "first")]
    last: Option<String>,
    /// Why. It stands in the log beside the switch.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Shows which accounts of a bank take part in payments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  solvo activation ALFABEBB")]
pub(crate) struct ActivationArgs {
    /// The bank.
    bic: String,
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Lets accounts take part.
pub(crate) async fn activate(arguments: &ActivateArgs) -> anyhow::Result<ExitCode> {
    switch(&arguments.switch, v1::Activation::Active).await
}

/// Ends that.
pub(crate) async fn deactivate(arguments: &DeactivateArgs) -> anyhow::Result<ExitCode> {
    switch(&arguments.switch, v1::Activation::Inactive).await
}

/// Shows which accounts take part.
pub(crate) async fn show(arguments: &ActivationArgs) -> anyhow::Result<ExitCode> {
    let client = remote::connect(&arguments.to, &arguments.tls).await?;
    tell(&client, &arguments.bic, arguments.json).await
}

async fn switch(arguments: &SwitchArgs, activation: v1::Activation) -> anyhow::Result<ExitCode> {
    let range = arguments.first.as_deref().zip(arguments.last.as_deref());
    let range = range.map(|(first, last)| read_range(first, last)).transpose()?;
    let client = remote::connect(&arguments.to, &arguments.tls).await?;
    let request = v1::SetActivationRequest {
        request_id: format!("activation-{}", run_id().as_str()),
        bic: arguments.bic.clone(),
        range,
        activation: activation.into(),
        reason: arguments.reason.clone(),
    };
    client
        .set_activation(request)
        .await
        .context("nothing was switched, or the answer was lost: look first")?;
    tell(&client, &arguments.bic, arguments.json).await
}

/// Reads `BE539000000000` and `BE539999999999`. What a country's numbers look like is for the node to say.
fn read_range(first: &str, last: &str) -> anyhow::Result<v1::AccountRange> {
    let [(country, first), (other, last)] =
        [first, last].map(|end| end.split_at_checked(2).unwrap_or(("", end)));
    ensure!(country == other, "both ends of a range begin with the same country, such as BE");
    let [country_code, first_number, last_number] = [country, first, last].map(str::to_owned);
    Ok(v1::AccountRange { country_code, first_number, last_number })
}

async fn tell(client: &Client, bic: &str, json: bool) -> anyhow::Result<ExitCode> {
    let asked = client.get_activation(v1::GetActivationRequest { bic: bic.to_owned() }).await;
    let told = asked.context("the node did not tell which accounts take part")?;
    let is_active = told.activation() == v1::Activation::Active;
    let mut out = std::io::stdout().lock();
    if json {
        let exceptions = told.exceptions.iter().map(|range| {
            json!({ "country": range.country_code, "first": range.first_number, "last": range.last_number })
        });
        let told = json!({
            "bic": told.bic,
            "active": is_active,
            "exceptions": exceptions.collect::<Vec<_>>(),
            "switch_count": told.switch_count,
        });
        writeln!(out, "{told}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let word = |is_active| if is_active { "take part" } else { "take no part" };
    writeln!(out, "{}: its accounts {}", told.bic, word(is_active))?;
    for v1::AccountRange { country_code, first_number, last_number } in &told.exceptions {
        let part = word(!is_active);
        writeln!(out, "  {country_code}{first_number} to {country_code}{last_number} {part}")?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_of_one_country() {
        let range = read_range("BE539000000000", "BE539999999999").unwrap();
        assert_eq!((range.country_code.as_str(), range.first_number.as_str()), ("BE", "539000000000"));
        assert!(read_range("BE539000000000", "NL539999999999").is_err());
        assert!(read_range("B", "B").is_ok(), "the node says what is wrong with it");
    }
}
