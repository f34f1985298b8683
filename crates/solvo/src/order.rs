//! `solvo order`: payments for days to come, once or again and again.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, bail};
use client::{Client, v1};
use serde_json::{Value, json};

use crate::remote::{self, TlsArgs};
use crate::submit::run_id;

/// Places, changes, cancels and shows orders that are paid on a day to come, once or again and again.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  solvo order place --bank ALFABEBB --from BE68539007547034 --name \"Ines Aerts\" \\\n      --payee-bank BETADEFF --to-account DE89370400440532013000 --payee \"Paul Brandt\" \\\n      --amount 750.00 --on 2026-12-01 --every month --closed-day after --text \"Rent\"\n  solvo order list BE68539007547034\n  solvo order change ORDER-ID --amount 780.00\n  solvo order cancel ORDER-ID\n  solvo order get ORDER-ID --json"
)]
pub(crate) struct OrderArgs {
    #[command(subcommand)]
    action: Action,
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400", global = true)]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// Print one JSON object for each order.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Place(Box<PlaceArgs>),
    Change(Box<ChangeArgs>),
    /// Cancels an order before it is sent.
    #[command(after_help = "Example:\n  solvo order cancel 0400131ZF8F55M4VCG00000000000T8")]
    Cancel {
        /// The order's id.
        order: String,
    },
    /// Shows an order.
    #[command(after_help = "Example:\n  solvo order get 0400131ZF8F55M4VCG00000000000T8 --json")]
    Get {
        /// The order's id.
        order: String,
    },
    /// Lists the orders that debit an account, the oldest first.
    #[command(after_help = "Example:\n  solvo order list BE68539007547034")]
    List {
        /// The payer's account, an IBAN.
        iban: String,
    },
}

/// Places an order: it is paid at the beginning of its day, by the clock of the payer's bank.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  solvo order place --bank ALFABEBB --from BE68539007547034 --name \"Ines Aerts\" \\\n      --payee-bank BETADEFF --to-account DE89370400440532013000 --payee \"Paul Brandt\" \\\n      --amount 750.00 --on 2026-12-01"
)]
struct PlaceArgs {
    /// The payer's bank, which keeps the account.
    #[arg(long, value_name = "BIC")]
    bank: String,
    /// The payer's account.
    #[arg(long, value_name = "IBAN")]
    from: String,
    /// The payer's name.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The payee's bank.
    #[arg(long, value_name = "BIC")]
    payee_bank: String,
    /// The payee's account.
    #[arg(long, value_name = "IBAN")]
    to_account: String,
    /// The payee's name.
    #[arg(long, value_name = "NAME")]
    payee: String,
    /// How much, in euro, such as 12.34.
    #[arg(long)]
    amount: String,
    /// What it is for.
    #[arg(long, value_name = "WORDS", default_value = "")]
    text: String,
    /// The payer's reference.
    #[arg(long, value_name = "REFERENCE", default_value = "NOTPROVIDED")]
    reference: String,
    /// The day, or the first day, YYYY-MM-DD.
    #[arg(long, value_name = "DATE")]
    on: String,
    #[command(flatten)]
    schedule: ScheduleArgs,
}

/// On which days an order is paid again.
#[derive(Debug, clap::Args)]
struct ScheduleArgs {
    /// Pay again every week or month.
    #[arg(long, value_enum)]
    every: Option<Every>,
    /// So many weeks or months lie between two days, 1 to 12.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "every")]
    interval: u32,
    /// The last day on which it may be due, YYYY-MM-DD.
    #[arg(long, value_name = "DATE", default_value = "", requires = "every")]
    until: String,
    /// What becomes of a day that is no banking day.
    #[arg(long, value_enum, default_value_t = ClosedDay::Same, requires = "every")]
    closed_day: ClosedDay,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Every {
    /// On the same day of the week.
    Week,
    /// On the same day of the month, or its last.
    Month,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ClosedDay {
    /// The banking day before.
    Before,
    /// The banking day after.
    After,
    /// The day itself.
    Same,
}

/// Changes an order before it is due; what is not said stays as it is.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  solvo order change 0400131ZF8F55M4VCG00000000000T8 --amount 780.00 --on 2026-12-05"
)]
struct ChangeArgs {
    /// The order's id.
    order: String,
    /// How much, in euro.
    #[arg(long)]
    amount: Option<String>,
    /// What it is for.
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
    /// The day, or the next day, YYYY-MM-DD.
    #[arg(long, value_name = "DATE")]
    on: Option<String>,
    /// Pay once more and then never again.
    #[arg(long, conflicts_with = "every")]
    once: bool,
    #[command(flatten)]
    schedule: ScheduleArgs,
}

impl ScheduleArgs {
    fn wire(&self) -> Option<v1::Schedule> {
        let unit = match self.every? {
            Every::Week => v1::ScheduleUnit::Week,
            Every::Month => v1::ScheduleUnit::Month,
        };
        let rule = match self.closed_day {
            ClosedDay::Before => v1::ClosedDayRule::Before,
            ClosedDay::After => v1::ClosedDayRule::After,
            ClosedDay::Same => v1::ClosedDayRule::Unspecified,
        };
        Some(v1::Schedule {
            unit: unit.into(),
            interval: self.interval,
            last_date: self.until.clone(),
            closed_day_rule: rule.into(),
        })
    }
}

/// Does what is asked for and shows the orders that it is about.
///
/// # Errors
/// If the node refuses or can't be reached.
pub(crate) async fn run(arguments: &OrderArgs) -> anyhow::Result<ExitCode> {
    let client = remote::connect(&arguments.to, &arguments.tls).await?;
    let orders = act(&client, &arguments.action).await?;
    let mut out = std::io::stdout().lock();
    for order in &orders {
        match arguments.json {
            true => writeln!(out, "{}", as_json(order))?,
            false => writeln!(out, "{}", as_text(order))?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn act(client: &Client, action: &Action) -> anyhow::Result<Vec<v1::Order>> {
    match action {
        Action::Place(arguments) => {
            let placed = client.place_order(place(arguments)).await.context("the order was not placed")?;
            get(client, placed.order_id).await
        }
        Action::Change(arguments) => change(client, arguments).await,
        Action::Cancel { order } => {
            let request = v1::CancelOrderRequest { request_id: request_id(), order_id: order.clone() };
            client.cancel_order(request).await.context("the order was not cancelled")?;
            get(client, order.clone()).await
        }
        Action::Get { order } => get(client, order.clone()).await,
        Action::List { iban } => list(client, iban).await,
    }
}

fn request_id() -> String {
    format!("order-{}", run_id().as_str())
}

fn euro(amount: &str) -> v1::Money {
    v1::Money { amount: amount.to_owned(), currency_code: "EUR".to_owned() }
}

fn remittance(text: &str) -> Option<v1::payment::Remittance> {
    (!text.is_empty()).then(|| v1::payment::Remittance::Unstructured(text.to_owned()))
}

fn place(arguments: &PlaceArgs) -> v1::PlaceOrderRequest {
    let party = |name: &str| Some(v1::Party { name: name.to_owned(), ..Default::default() });
    let payment = v1::Payment {
        debtor_agent: arguments.bank.clone(),
        creditor_agent: arguments.payee_bank.clone(),
        debtor_account: arguments.from.clone(),
        creditor_account: arguments.to_account.clone(),
        amount: Some(euro(&arguments.amount)),
        end_to_end_id: arguments.reference.clone(),
        debtor: party(&arguments.name),
        creditor: party(&arguments.payee),
        remittance: remittance(&arguments.text),
        ..Default::default()
    };
    v1::PlaceOrderRequest {
        request_id: request_id(),
        payment: Some(payment),
        execution_date: arguments.on.clone(),
        schedule: arguments.schedule.wire(),
    }
}

async fn change(client: &Client, arguments: &ChangeArgs) -> anyhow::Result<Vec<v1::Order>> {
    let Some(order) = get(client, arguments.order.clone()).await?.pop() else {
        bail!("the node told no order");
    };
    let mut payment =
        order.payment.context("the texts of this order are erased: cancel it, and place another")?;
    if let Some(amount) = &arguments.amount {
        payment.amount = Some(euro(amount));
    }
    if let Some(text) = &arguments.text {
        payment.remittance = remittance(text);
    }
    let schedule = match arguments.once {
        true => None,
        false => arguments.schedule.wire().or(order.schedule),
    };
    let request = v1::ChangeOrderRequest {
        request_id: request_id(),
        order_id: arguments.order.clone(),
        payment: Some(payment),
        execution_date: arguments.on.clone().unwrap_or(order.execution_date),
        schedule,
    };
    client.change_order(request).await.context("the order was not changed")?;
    get(client, arguments.order.clone()).await
}

async fn get(client: &Client, order_id: String) -> anyhow::Result<Vec<v1::Order>> {
    let reply = client.get_order(v1::GetOrderRequest { order_id }).await;
    Ok(reply.context("the node did not tell the order")?.order.into_iter().collect())
}

async fn list(client: &Client, iban: &str) -> anyhow::Result<Vec<v1::Order>> {
    const PAGE: u32 = 256;
    let mut all: Vec<v1::Order> = Vec::new();
    loop {
        let after_order_id = all.last().map_or_else(String::new, |last| last.order_id.clone());
        let request = v1::ListOrdersRequest {
            iban: iban.to_owned(),
            currency_code: "EUR".to_owned(),
            page_size: PAGE,
            after_order_id,
        };
        let page = client.list_orders(request).await.context("the node did not list the orders")?;
        let is_last = u32::try_from(page.orders.len()).is_ok_and(|count| count < PAGE);
        all.extend(page.orders);
        if is_last {
            return Ok(all);
        }
    }
}

fn state(order: &v1::Order) -> &'static str {
    match order.state() {
        v1::OrderState::Unspecified => "unknown",
        v1::OrderState::Pending => "pending",
        v1::OrderState::AwaitingFunds => "awaiting-funds",
        v1::OrderState::Sent => "sent",
        v1::OrderState::Settled => "settled",
        v1::OrderState::Rejected => "rejected",
        v1::OrderState::Cancelled => "cancelled",
    }
}

fn again(schedule: &v1::Schedule) -> String {
    let unit = match schedule.unit() {
        v1::ScheduleUnit::Month => "month",
        v1::ScheduleUnit::Week | v1::ScheduleUnit::Unspecified => "week",
    };
    let until = match schedule.last_date.as_str() {
        "" => String::new(),
        last => format!(" until {last}"),
    };
    match schedule.interval {
        1 => format!(", every {unit}{until}"),
        interval => format!(", every {interval} {unit}s{until}"),
    }
}

fn as_text(order: &v1::Order) -> String {
    let payment = order.payment.clone().unwrap_or_default();
    let amount =
        payment.amount.map_or_else(String::new, |money| format!("{} {}", money.amount, money.currency_code));
    let schedule = order.schedule.as_ref().map_or_else(String::new, again);
    let reason =
        if order.reason_code.is_empty() { String::new() } else { format!(" ({})", order.reason_code) };
    let on = &order.execution_date;
    format!(
        "{} {}{reason}: {amount} from {} to {} on {on}{schedule}",
        order.order_id,
        state(order),
        payment.debtor_account,
        payment.creditor_account
    )
}

fn as_json(order: &v1::Order) -> Value {
    let payment = order.payment.as_ref();
    let schedule = order.schedule.as_ref().map(|schedule| {
        json!({
            "unit": schedule.unit().as_str_name(),
            "interval": schedule.interval,
            "last_date": schedule.last_date,
            "closed_day_rule": schedule.closed_day_rule().as_str_name(),
        })
    });
    json!({
        "order_id": order.order_id,
        "state": state(order),
        "bank": order.bic,
        "from": payment.map(|payment| &payment.debtor_account),
        "to": payment.map(|payment| &payment.creditor_account),
        "amount": payment.and_then(|payment| payment.amount.as_ref()).map(|money| &money.amount),
        "execution_date": order.execution_date,
        "schedule": schedule,
        "package_id": order.package_id,
        "line": order.line_number,
        "payment_id": order.payment_id,
        "reason": order.reason_code,
    })
}
