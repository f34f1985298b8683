//! `solvo set-version`: by which version of the rules a node's log goes on.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, bail};
use client::v1;

use crate::remote::{self, TlsArgs};
use crate::submit::run_id;

/// Raises the version of the rules by which a node's log goes on, or shows which one is in force.
///
/// When the program is replaced by a newer one, logs that exist go on under their version, and the older program can be
/// put back. What is new comes into force with this command, by one version at a time, and from then on the older
/// program can't read the log any more. Replace every binary that reads the folder first.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo set-version --to 127.0.0.1:7400\n  solvo set-version 2 --to 127.0.0.1:7400"
)]
pub(crate) struct SetVersionArgs {
    /// The version after the one in force. Without it nothing is changed.
    version: Option<u32>,
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Raises the version, or shows it.
pub(crate) async fn run(arguments: &SetVersionArgs) -> anyhow::Result<ExitCode> {
    let client = remote::connect(&arguments.to, &arguments.tls).await?;
    let asked = client.get_node_status(v1::GetNodeStatusRequest {}).await;
    let status = asked.context("the node did not say which version is in force")?;
    let (mut in_force, known) = (status.rules_version, status.rules_version_known);
    if let Some(version) = arguments.version.filter(|version| *version != in_force) {
        if version != in_force + 1 || version > known {
            bail!(
                "version {in_force} is in force and the node knows versions up to {known}: the rules are raised one \
                 version at a time, and never lowered"
            );
        }
        let request_id = format!("set-version-{version}-{}", run_id().as_str());
        let raised = client.set_rules_version(v1::SetRulesVersionRequest { request_id, version }).await;
        raised.context("the version was not raised, or the answer was lost; ask again")?;
        in_force = version;
    }
    let mut out = std::io::stdout().lock();
    match arguments.json {
        true => writeln!(out, "{}", serde_json::json!({ "rules_version": in_force, "known": known }))?,
        false => writeln!(out, "version {in_force} of the rules is in force; the node knows up to {known}")?,
    }
    Ok(ExitCode::SUCCESS)
}
