//! `solvo request`: requests to pay, from both sides.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::qr::{CharacterSet, CreditorReference, PaymentCode, Purpose, Remittance, Scheme, Symbol, Version};
use anyhow::{Context, bail};
use client::{Client, v1};
use serde_json::{Value, json};
use types::{Amount, Bic, Currency, Iban, Text};

use crate::remote::{self, TlsArgs};
use crate::submit::run_id;

/// Asks payers for money, and answers payees who ask: requests to pay.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo request create --payer-account BE68539007547034 --payer \"Ines Aerts\" \\\n      --payee-bank BETADEFF --payee-account DE89370400440532013000 --payee \"Paul Brandt\" \\\n      --amount 45.90 --reference INVOICE-117 --text \"Invoice 117\" --days 14\n  solvo request list --side payer --bank ALFABEBB\n  solvo request accept REQUEST-ID\n  solvo request refuse REQUEST-ID --reason MS02\n  solvo request show REQUEST-ID --json"
)]
pub(crate) struct RequestArgs {
    #[command(subcommand)]
    action: Action,
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400", global = true)]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// Print one JSON object for each request.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Create(Box<CreateArgs>),
    /// Makes the requests of a document (pain.013.001.07) and writes the report on them (pain.014.001.07).
    #[command(after_help = "Example:\n  solvo request submit invoices.xml --report report.xml")]
    Submit {
        /// The document.
        file: PathBuf,
        /// Where the report is written.
        #[arg(long, value_name = "FILE")]
        report: PathBuf,
    },
    /// Lists the requests to an account, or those of a bank, the oldest first.
    #[command(
        after_help = "Examples:\n  solvo request list --account BE68539007547034\n  solvo request list --side payee --bank BETADEFF --status paid"
    )]
    List {
        /// The payer's account, an IBAN.
        #[arg(long, value_name = "IBAN", conflicts_with_all = ["side", "bank"])]
        account: Option<String>,
        /// Whose bank it is in the requests.
        #[arg(long, value_enum, required_unless_present = "account")]
        side: Option<Side>,
        /// The bank. Without it the caller's only one.
        #[arg(long, value_name = "BIC", default_value = "")]
        bank: String,
        /// Only those that stand here.
        #[arg(long, value_enum)]
        status: Option<Standing>,
    },
    /// Notes that the payer has seen a request.
    #[command(after_help = "Example:\n  solvo request present 0400131ZF8F55M4VCG00000000000T8")]
    Present {
        /// The request's id.
        request: String,
    },
    /// Accepts a request for the payer: it is paid now, or on a day that the payee allows.
    #[command(
        after_help = "Examples:\n  solvo request accept 0400131ZF8F55M4VCG00000000000T8\n  solvo request accept 0400131ZF8F55M4VCG00000000000T8 --on 2026-12-01"
    )]
    Accept {
        /// The request's id.
        request: String,
        /// The day of the payment, YYYY-MM-DD.
        #[arg(long, value_name = "DATE", default_value = "")]
        on: String,
        /// The payer's name as its bank knows it.
        #[arg(long, value_name = "NAME", default_value = "")]
        name: String,
    },
    /// Refuses a request for the payer.
    #[command(after_help = "Example:\n  solvo request refuse 0400131ZF8F55M4VCG00000000000T8 --reason MS02")]
    Refuse {
        /// The request's id.
        request: String,
        /// Why, a code of ISO 20022, which the payee is told.
        #[arg(long, value_name = "CODE", default_value = "MS02")]
        reason: String,
    },
    /// Takes a request back for the payee.
    #[command(after_help = "Example:\n  solvo request cancel 0400131ZF8F55M4VCG00000000000T8")]
    Cancel {
        /// The request's id.
        request: String,
    },
    /// Shows a request, or draws its payment code for a payer without an app.
    #[command(
        after_help = "Examples:\n  solvo request show 0400131ZF8F55M4VCG00000000000T8 --json\n  solvo request show 0400131ZF8F55M4VCG00000000000T8 --code\n  solvo request show 0400131ZF8F55M4VCG00000000000T8 --report status.xml"
    )]
    Show {
        /// The request's id.
        request: String,
        /// Draw its payment code (EPC069-12) on the terminal. A transfer by such a code is no answer to the request.
        #[arg(long)]
        code: bool,
        /// Write where it stands as a document (pain.014.001.07).
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
    },
}

/// Asks a payer for money.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  solvo request create --payer-account BE68539007547034 --payer \"Ines Aerts\" \\\n      --payee-bank BETADEFF --payee-account DE89370400440532013000 --payee \"Paul Brandt\" \\\n      --amount 45.90 --reference INVOICE-117 --text \"Invoice 117\" --days 14 --pay-by 2026-12-15"
)]
struct CreateArgs {
    /// The payer's account.
    #[arg(long, value_name = "IBAN")]
    payer_account: String,
    /// The payer's name.
    #[arg(long, value_name = "NAME")]
    payer: String,
    /// The payee's bank.
    #[arg(long, value_name = "BIC")]
    payee_bank: String,
    /// The payee's account.
    #[arg(long, value_name = "IBAN")]
    payee_account: String,
    /// The payee's name.
    #[arg(long, value_name = "NAME")]
    payee: String,
    /// How much, in euro, such as 12.34.
    #[arg(long)]
    amount: String,
    /// The payee's reference, which the payment bears.
    #[arg(long, value_name = "REFERENCE", default_value = "NOTPROVIDED")]
    reference: String,
    /// What it is for.
    #[arg(long, value_name = "WORDS", default_value = "")]
    text: String,
    /// For so many days it can be accepted, 1 to 180.
    #[arg(long, value_name = "N", default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=180))]
    days: u32,
    /// The last day to which the payer may put the payment off, YYYY-MM-DD.
    #[arg(long, value_name = "DATE", default_value = "")]
    pay_by: String,
    /// The number of the invoice.
    #[arg(long, value_name = "NUMBER", default_value = "")]
    invoice: String,
    /// Where the payer finds the invoice.
    #[arg(long, value_name = "URL", default_value = "")]
    link: String,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Side {
    /// The payee's, which asks.
    Payee,
    /// The payer's, which answers.
    Payer,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Standing {
    /// Waits for a payer who has not seen it.
    Created,
    /// Waits for a payer who has seen it.
    Presented,
    /// To be paid.
    Accepted,
    /// Paid.
    Paid,
    /// Refused by the payer.
    Refused,
    /// Taken back by the payee.
    Cancelled,
    /// Over.
    Expired,
}

/// Does what is asked for and shows the requests that it is about.
///
/// # Errors
/// If the node refuses or can't be reached.
pub(crate) async fn run(arguments: &RequestArgs) -> anyhow::Result<ExitCode> {
    let client = remote::connect(&arguments.to, &arguments.tls).await?;
    let requests = act(&client, &arguments.action).await?;
    let mut out = std::io::stdout().lock();
    for request in &requests {
        if let Action::Show { code: true, .. } = arguments.action {
            write!(out, "{}", symbol(request)?)?;
        }
        match arguments.json {
            true => writeln!(out, "{}", as_json(request))?,
            false => writeln!(out, "{}", as_text(request))?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn act(client: &Client, action: &Action) -> anyhow::Result<Vec<v1::RequestToPay>> {
    match action {
        Action::Create(arguments) => {
            let made = client.create_request_to_pay(create(arguments)?).await;
            one(client, &made.context("the request was not made")?.request_to_pay_id).await
        }
        Action::Submit { file, report } => submit(client, file, report).await,
        Action::List { account, side, bank, status } => {
            list(client, account.as_deref(), *side, bank, *status).await
        }
        Action::Present { request } => {
            let wire = v1::PresentRequestToPayRequest {
                request_id: request_id(),
                request_to_pay_id: request.clone(),
            };
            client.present_request_to_pay(wire).await.context("the request was not presented")?;
            one(client, request).await
        }
        Action::Accept { request, on, name } => {
            let wire = v1::AcceptRequestToPayRequest {
                request_id: request_id(),
                request_to_pay_id: request.clone(),
                pay_on_date: on.clone(),
                payer_name: name.clone(),
            };
            client.accept_request_to_pay(wire).await.context("the request was not accepted")?;
            one(client, request).await
        }
        Action::Refuse { request, reason } => {
            let wire = v1::RefuseRequestToPayRequest {
                request_id: request_id(),
                request_to_pay_id: request.clone(),
                reason: reason.clone(),
            };
            client.refuse_request_to_pay(wire).await.context("the request was not refused")?;
            one(client, request).await
        }
        Action::Cancel { request } => {
            let wire = v1::CancelRequestToPayRequest {
                request_id: request_id(),
                request_to_pay_id: request.clone(),
            };
            client.cancel_request_to_pay(wire).await.context("the request was not cancelled")?;
            one(client, request).await
        }
        Action::Show { request, report, .. } => {
            if let Some(path) = report {
                let wire = v1::GetRequestToPayReportRequest { request_to_pay_id: request.clone() };
                let told = client.get_request_to_pay_report(wire).await;
                write(path, &told.context("the node did not report on the request")?.report)?;
            }
            one(client, request).await
        }
    }
}

fn request_id() -> String {
    format!("request-{}", run_id().as_str())
}

fn create(arguments: &CreateArgs) -> anyhow::Result<v1::CreateRequestToPayRequest> {
    let party = |name: &str| Some(v1::Party { name: name.to_owned(), ..Default::default() });
    let text = &arguments.text;
    let payment = v1::Payment {
        creditor_agent: arguments.payee_bank.clone(),
        debtor_account: arguments.payer_account.clone(),
        creditor_account: arguments.payee_account.clone(),
        amount: Some(v1::Money { amount: arguments.amount.clone(), currency_code: "EUR".to_owned() }),
        end_to_end_id: arguments.reference.clone(),
        debtor: party(&arguments.payer),
        creditor: party(&arguments.payee),
        remittance: (!text.is_empty()).then(|| v1::payment::Remittance::Unstructured(text.clone())),
        ..Default::default()
    };
    let expires = crate::clock::now()?.plus(types::Duration::from_seconds(arguments.days * 86_400 - 60));
    Ok(v1::CreateRequestToPayRequest {
        request_id: request_id(),
        payment: Some(payment),
        expiry_time: Some(client::convert::timestamp(expires)),
        pay_by_date: arguments.pay_by.clone(),
        invoice_number: arguments.invoice.clone(),
        invoice_link: arguments.link.clone(),
    })
}

async fn submit(client: &Client, file: &Path, report: &Path) -> anyhow::Result<Vec<v1::RequestToPay>> {
    let document = std::fs::read(file).with_context(|| format!("{} can't be read", file.display()))?;
    let wire = v1::SubmitRequestsToPayRequest { request_id: request_id(), document };
    let made = client.submit_requests_to_pay(wire).await.context("the document was not taken")?;
    write(report, &made.report)?;
    let mut requests = Vec::new();
    for id in made.request_to_pay_ids.iter().filter(|id| !id.is_empty()) {
        requests.extend(one(client, id).await?);
    }
    Ok(requests)
}

fn write(path: &Path, report: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, report).with_context(|| format!("{} can't be written", path.display()))
}

async fn one(client: &Client, id: &str) -> anyhow::Result<Vec<v1::RequestToPay>> {
    let told =
        client.get_request_to_pay(v1::GetRequestToPayRequest { request_to_pay_id: id.to_owned() }).await;
    Ok(told.context("the node did not tell the request")?.request_to_pay.into_iter().collect())
}

async fn list(
    client: &Client,
    account: Option<&str>,
    side: Option<Side>,
    bank: &str,
    status: Option<Standing>,
) -> anyhow::Result<Vec<v1::RequestToPay>> {
    let side = match side {
        None => v1::RequestToPaySide::Unspecified,
        Some(Side::Payee) => v1::RequestToPaySide::Payee,
        Some(Side::Payer) => v1::RequestToPaySide::Payer,
    };
    let status = match status {
        None => v1::RequestToPayStatus::Unspecified,
        Some(Standing::Created) => v1::RequestToPayStatus::Created,
        Some(Standing::Presented) => v1::RequestToPayStatus::Presented,
        Some(Standing::Accepted) => v1::RequestToPayStatus::Accepted,
        Some(Standing::Paid) => v1::RequestToPayStatus::Paid,
        Some(Standing::Refused) => v1::RequestToPayStatus::Refused,
        Some(Standing::Cancelled) => v1::RequestToPayStatus::Cancelled,
        Some(Standing::Expired) => v1::RequestToPayStatus::Expired,
    };
    let mut wire = v1::ListRequestsToPayRequest {
        iban: account.unwrap_or_default().to_owned(),
        currency_code: if account.is_some() { "EUR".to_owned() } else { String::new() },
        bic: bank.to_owned(),
        side: side.into(),
        status: status.into(),
        page_size: 256,
        page_token: String::new(),
    };
    let mut all = Vec::new();
    loop {
        let page =
            client.list_requests_to_pay(wire.clone()).await.context("the node did not list the requests")?;
        all.extend(page.requests_to_pay);
        if page.next_page_token.is_empty() {
            return Ok(all);
        }
        wire.page_token = page.next_page_token;
    }
}

/// The payee's side of a request as a payment code.
fn symbol(request: &v1::RequestToPay) -> anyhow::Result<String> {
    let Some(payment) = &request.payment else { bail!("the node told no payment") };
    let name = payment.creditor.as_ref().map(|party| party.name.as_str()).unwrap_or_default();
    let amount = payment.amount.as_ref().map(|money| money.amount.as_str()).unwrap_or_default();
    let remittance = match &payment.remittance {
        Some(v1::payment::Remittance::Unstructured(text)) => {
            Text::parse(text).ok().map(Remittance::Unstructured)
        }
        Some(v1::payment::Remittance::CreditorReference(given)) => {
            CreditorReference::parse(&given.reference).ok().map(Remittance::Structured)
        }
        None => None,
    };
    let mut code = PaymentCode {
        version: Version::V002,
        character_set: CharacterSet::Utf8,
        scheme: Scheme::CreditTransfer,
        bic: Some(Bic::parse(&payment.creditor_agent)?),
        name: Text::parse(name).context("a payment code has no room for the payee's name")?,
        iban: Iban::parse(&payment.creditor_account)
            .context("the texts of the request are not at hand any more")?,
        amount: Some(Amount::parse(amount, Currency::EUR)?),
        purpose: Purpose::parse("RRTP"),
        remittance,
        information: None,
    };
    let payload = code.write_in_fitting_set().context("the payment code can't be written")?;
    Ok(Symbol::of(&payload).to_terminal())
}

fn status(request: &v1::RequestToPay) -> &'static str {
    match request.status() {
        v1::RequestToPayStatus::Unspecified => "unknown",
        v1::RequestToPayStatus::Created => "created",
        v1::RequestToPayStatus::Presented => "presented",
        v1::RequestToPayStatus::Accepted => "accepted",
        v1::RequestToPayStatus::Paid => "paid",
        v1::RequestToPayStatus::Refused => "refused",
        v1::RequestToPayStatus::Cancelled => "cancelled",
        v1::RequestToPayStatus::Expired => "expired",
    }
}

fn as_text(request: &v1::RequestToPay) -> String {
    let payment = request.payment.clone().unwrap_or_default();
    let amount =
        payment.amount.map_or_else(String::new, |money| format!("{} {}", money.amount, money.currency_code));
    let name = |party: Option<v1::Party>| party.map(|party| party.name).unwrap_or_default();
    let reason = if request.reason.is_empty() { String::new() } else { format!(" ({})", request.reason) };
    let paid = if request.payment_id.is_empty() {
        String::new()
    } else {
        format!(", payment {}", request.payment_id)
    };
    format!(
        "{} {}{reason}: {amount} from {} to {}, {}{paid}",
        request.request_to_pay_id,
        status(request),
        name(payment.debtor),
        name(payment.creditor),
        payment.end_to_end_id,
    )
}

fn as_json(request: &v1::RequestToPay) -> Value {
    let payment = request.payment.clone().unwrap_or_default();
    let money = payment.amount.clone().unwrap_or_default();
    let name = |party: &Option<v1::Party>| party.as_ref().map(|party| party.name.clone());
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    json!({
        "request_to_pay_id": request.request_to_pay_id,
        "status": status(request),
        "amount": money.amount,
        "currency": money.currency_code,
        "payer_bank": payment.debtor_agent,
        "payer_account": payment.debtor_account,
        "payer": name(&payment.debtor),
        "payee_bank": payment.creditor_agent,
        "payee_account": payment.creditor_account,
        "payee": name(&payment.creditor),
        "end_to_end_id": payment.end_to_end_id,
        "invoice_number": some(&request.invoice_number),
        "invoice_link": some(&request.invoice_link),
        "pay_by_date": some(&request.pay_by_date),
        "pay_on_date": some(&request.pay_on_date),
        "order_id": some(&request.order_id),
        "payment_id": some(&request.payment_id),
        "reason": some(&request.reason),
        "erased": request.erased,
    })
}
