//! The `solvo` binary: wiring only.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

mod activation;
mod backup;
mod bank;
mod calendar;
mod clock;
mod demo;
mod dev_certs;
mod erase;
mod evidence;
mod exception;
mod history;
mod inspect;
mod keys;
mod lane;
mod liquidity;
mod load;
mod master_key;
mod migrate;
mod new_master_key;
mod node;
mod order;
mod package;
mod parallel;
mod postings;
mod qr;
mod recall;
mod receipt;
mod remote;
mod report;
mod request;
mod restore;
mod serve;
mod set_version;
mod submit;
mod terms;
mod verify;

/// Decode-heavy servers spend a tenth of their time in the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Settles SEPA instant credit transfers: decided, durable and confirmed in milliseconds.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Example:\n  solvo demo\n\nSOLVO_LOG says what is logged on standard error: error, warn, info (the \
                  default), or as tracing's filters have it."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Demo(demo::DemoArgs),
    Submit(submit::SubmitArgs),
    Load(load::LoadArgs),
    Bank(bank::BankArgs),
    Verify(verify::VerifyArgs),
    Inspect(inspect::InspectArgs),
    DevCerts(dev_certs::DevCertsArgs),
    Evidence(evidence::EvidenceArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Receipt(receipt::ReceiptArgs),
    Erase(erase::EraseArgs),
    Keys(keys::KeysArgs),
    SetVersion(set_version::SetVersionArgs),
    Terms(terms::TermsArgs),
    Calendar(calendar::CalendarArgs),
    Recall(recall::RecallArgs),
    Exception(exception::ExceptionArgs),
    Liquidity(liquidity::LiquidityArgs),
    History(history::HistoryArgs),
    Report(report::ReportArgs),
    Migrate(migrate::MigrateArgs),
    Package(package::PackageArgs),
    Postings(postings::PostingsArgs),
    Order(order::OrderArgs),
    Request(request::RequestArgs),
    Qr(qr::QrArgs),
    Activate(activation::ActivateArgs),
    Deactivate(activation::DeactivateArgs),
    Activation(activation::ActivationArgs),
    Parallel(parallel::ParallelArgs),
}

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("SOLVO_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // A reader of stderr that has gone away must not end the node.
        .log_internal_errors(false)
        .init();
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            // If nobody reads it, the exit status has to say it all.
            let _ = writeln!(std::io::stderr(), "solvo: {}", told_once(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes, without the causes that the text before them tells already.
fn told_once(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        match text.is_empty() {
            true => text = cause,
            false if !text.contains(&cause) => text = format!("{text}: {cause}"),
            false => {}
        }
    }
    text
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(arguments) => runtime()?.block_on(serve::run(&arguments)),
        Command::Demo(arguments) => runtime()?.block_on(demo::run(&arguments)),
        Command::Submit(arguments) => runtime()?.block_on(submit::run(&arguments)),
        Command::Load(arguments) => runtime()?.block_on(load::run(&arguments)),
        Command::Bank(arguments) => runtime()?.block_on(bank::run(&arguments)),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::DevCerts(arguments) => dev_certs::run(&arguments),
        Command::Evidence(arguments) => evidence::run(&arguments),
        Command::Backup(arguments) => backup::run(&arguments),
        Command::Restore(arguments) => restore::run(&arguments),
        Command::Receipt(arguments) => runtime()?.block_on(receipt::run(&arguments)),
        Command::Erase(arguments) => runtime()?.block_on(erase::run(&arguments)),
        Command::Keys(arguments) => runtime()?.block_on(keys::run(&arguments)),
        Command::Calendar(arguments) => runtime()?.block_on(calendar::run(&arguments)),
        Command::Recall(arguments) => runtime()?.block_on(recall::run(&arguments)),
        Command::Exception(arguments) => runtime()?.block_on(exception::run(&arguments)),
        Command::SetVersion(arguments) => runtime()?.block_on(set_version::run(&arguments)),
        Command::Terms(arguments) => runtime()?.block_on(terms::run(&arguments)),
        Command::Liquidity(arguments) => runtime()?.block_on(liquidity::run(&arguments)),
        Command::History(arguments) => history::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Migrate(arguments) => runtime()?.block_on(migrate::run(&arguments)),
        Command::Package(arguments) => runtime()?.block_on(package::run(&arguments)),
        Command::Postings(arguments) => runtime()?.block_on(postings::run(&arguments)),
        Command::Request(arguments) => runtime()?.block_on(request::run(&arguments)),
        Command::Order(arguments) => runtime()?.block_on(order::run(&arguments)),
        Command::Qr(arguments) => qr::run(&arguments),
        Command::Activate(arguments) => runtime()?.block_on(activation::activate(&arguments)),
        Command::Deactivate(arguments) => runtime()?.block_on(activation::deactivate(&arguments)),
        Command::Activation(arguments) => runtime()?.block_on(activation::show(&arguments)),
        Command::Parallel(arguments) => runtime()?.block_on(parallel::run(&arguments)),
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
